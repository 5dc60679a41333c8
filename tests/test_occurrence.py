"""``smskit.planning.occurrence``: the id of a repeating campaign, filled in the campaign's own time zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smskit.errors import SpecError
from smskit.planning.occurrence import FORMS, with_occurrence
from smskit.planning.spec import CampaignSpec, series_of

LATE_SUNDAY = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)  # in Shanghai it is Monday


@pytest.mark.parametrize(
    ("name", "occurrence", "filled"),
    [
        pytest.param("vip-{week}", "", "vip-2026-W48", id="week"),
        pytest.param("vip-{day}", "", "vip-2026-11-23", id="day"),
        pytest.param("vip.{month}", "", "vip.2026-11", id="month"),
        pytest.param("vip-{week}", "2026-W47", "vip-2026-W47", id="said"),
        pytest.param("vip", "2026-W47", "vip-2026-W47", id="appended"),
        pytest.param("vip", "", "vip", id="not-repeating"),
    ],
)
def test_filled(name: str, occurrence: str, filled: str) -> None:
    """A placeholder becomes this moment's occurrence, or the one that is said; all are one series."""
    given = {"campaign": name, "segment": "x"}
    found = with_occurrence(given, now=LATE_SUNDAY, occurrence=occurrence)

    assert found == {"campaign": filled, "segment": "x"}
    assert given["campaign"] == name
    assert series_of(filled) == "vip"


def test_the_zone_is_the_campaigns() -> None:
    """At one moment it is another day in another zone, and around New Year another ISO year."""
    utc = with_occurrence({"campaign": "a-{day}", "timezone": "UTC"}, now=LATE_SUNDAY)
    new_year = with_occurrence({"campaign": "a-{week}"}, now=datetime(2027, 1, 2, tzinfo=UTC))

    assert utc["campaign"] == "a-2026-11-22"
    assert new_year["campaign"] == "a-2026-W53"


@pytest.mark.parametrize(
    ("data", "occurrence", "words"),
    [
        pytest.param({"campaign": "a-{weak}"}, "", "did you mean `week`", id="misspelt"),
        pytest.param({"campaign": "a-{}"}, "", "known are", id="empty"),
        pytest.param({}, "2026-W47", "needs a `campaign`", id="no-campaign"),
        pytest.param({"campaign": "a-{day}", "timezone": "Mars"}, "", "timezone", id="no-such-zone"),
    ],
)
def test_refused(data: dict[str, str], occurrence: str, words: str) -> None:
    """What cannot be filled in is refused, naming what can."""
    with pytest.raises(SpecError, match=words):
        with_occurrence(data, now=LATE_SUNDAY, occurrence=occurrence)


def test_papermill_says_what_to_do() -> None:
    """Handed on as it stands, a placeholder is refused with the way to give the id."""
    with pytest.raises(SpecError, match="-r campaign"):
        CampaignSpec.from_data({"campaign": "vip-{week}", "segment": "x"})


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_an_occurrence(form: str) -> None:
    """What a placeholder becomes is known as the occurrence of its series."""
    found = with_occurrence({"campaign": f"daily-news-{{{form}}}"}, now=LATE_SUNDAY)

    assert series_of(found["campaign"]) == "daily-news"
