"""``smskit.planning.occurrence``: the id of a repeating campaign, filled in the campaign's own time zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smskit.errors import SpecError
from smskit.planning.occurrence import FORMS, series_in, with_occurrence
from smskit.planning.spec import CampaignSpec

LATE_SUNDAY = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)  # in Shanghai it is Monday


@pytest.mark.parametrize(
    ("name", "occurrence", "made"),
    [
        pytest.param("vip-{week}", "", {"campaign": "vip-2026-W48", "series": "vip"}, id="week"),
        pytest.param("vip-{day}", "", {"campaign": "vip-2026-11-23", "series": "vip"}, id="day"),
        pytest.param("vip.{month}", "", {"campaign": "vip.2026-11", "series": "vip"}, id="month"),
        pytest.param("vip-{week}", "2026-W47", {"campaign": "vip-2026-W47", "series": "vip"}, id="given"),
        pytest.param("vip", "2026-W47", {"campaign": "vip-2026-W47", "series": "vip"}, id="appended"),
        pytest.param("{week}", "", {"campaign": "2026-W48", "series": "2026-W48"}, id="nothing-else"),
        pytest.param("vip", "", {"campaign": "vip"}, id="not-repeating"),
        pytest.param("spring-2026-03", "", {"campaign": "spring-2026-03"}, id="looks-like-one"),
    ],
)
def test_filled(name: str, occurrence: str, made: dict[str, str]) -> None:
    """A placeholder becomes this moment's occurrence, or the one that is given, of its series."""
    given = {"campaign": name, "segment": "x"}
    found = with_occurrence(given, now=LATE_SUNDAY, occurrence=occurrence)

    assert found == {"segment": "x"} | made
    assert given == {"campaign": name, "segment": "x"}


@pytest.mark.parametrize("series", ["loyalty", "vip"])
def test_a_series_that_is_given_stays(series: str) -> None:
    """A placeholder names the series only where no parameter does."""
    for name, occurrence in (("vip-{week}", ""), ("vip", "2026-W47")):
        data = {"campaign": name, "series": series, "segment": "x"}
        found = with_occurrence(data, now=LATE_SUNDAY, occurrence=occurrence)

        assert CampaignSpec.from_data(found).series_name == series


@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("weekly-vip-{week}", "weekly-vip"),
        ("生日_{day}", "生日"),
        ("a:{month}+", "a"),
        ("daily{day}", "daily"),
        ("{week}-vip", "vip"),
        ("a-{week}-b", "a-b"),
        ("weekly-2026-W46-{week}", "weekly-2026-W46"),
        ("{day}", ""),
        ("weekly-vip-2026-W47", "weekly-vip-2026-W47"),
        ("spring-2026-03", "spring-2026-03"),
        ("sale-2", "sale-2"),
    ],
)
def test_series_is_the_text_without_its_placeholder(name: str, series: str) -> None:
    """The placeholder goes with what separates it; digits and dates in an id mean nothing."""
    assert series_in(name) == series


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
    with pytest.raises(SpecError, match=r"-r campaign .* -r series"):
        CampaignSpec.from_data({"campaign": "vip-{week}", "segment": "x"})


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_an_occurrence(form: str) -> None:
    """Each placeholder makes one of its series, whose holdout is drawn as it always was: by that name."""
    found = with_occurrence({"campaign": f"daily-news-{{{form}}}", "segment": "x"}, now=LATE_SUNDAY)

    assert CampaignSpec.from_data(found).series_name == "daily-news"
