"""The parts of sending by themselves: what refuses a run, its hours, and the campaign a test send is."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from smskit.errors import CampaignPaused, GuardRefused, InputError, NotUsable, PlanMismatch
from smskit.ledger import CampaignRow
from smskit.message.windows import SendWindow
from smskit.models import CheckResult, Finding, Kind, Mode
from smskit.planning.spec import CampaignSpec
from smskit.providers.calls import Limits
from smskit.sending.access import ProviderFacts
from smskit.sending.clock import Clock
from smskit.sending.for_test_phones import campaign_for_test_phones
from smskit.sending.guards import Guards, demand_open, demand_same, demand_usable
from smskit.sending.session import open_campaign

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = SendWindow(time(8), time(20))
EIGHT = datetime(2026, 11, 23, 8, tzinfo=SHANGHAI)


def at(hour: int) -> Clock:
    """A clock that stands at that hour in Shanghai."""
    return Clock(lambda: datetime(2026, 11, 23, hour, tzinfo=SHANGHAI).astimezone(UTC), zone=SHANGHAI)


def spec(**more: Any) -> CampaignSpec:
    return CampaignSpec.from_data({"campaign": "c", "segment": "s.csv", "template": "t"} | more)


def row(started_with: CampaignSpec, **more: Any) -> CampaignRow:
    """The campaign as a run with *started_with* froze it."""
    values: dict[str, Any] = dict.fromkeys(CampaignRow._fields) | {
        "name": "c",
        "mode": Mode.LIVE,
        "kind": Kind.CAMPAIGN,
        "series": started_with.series_name,
        "plan_hash": "p1",
        "spec": started_with.model_dump(mode="json"),
    }
    return CampaignRow(**values | more)


# -- hours --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("guards", "hour", "error", "words"),
    [
        pytest.param(Guards(), 3, None, "", id="no-window"),
        pytest.param(Guards(DAY), 12, None, "", id="open"),
        pytest.param(Guards(DAY), 3, CampaignPaused, "and it is 03:00 there", id="closed"),
        pytest.param(Guards(DAY, waits=True), 3, None, "", id="waits"),
        pytest.param(Guards(DAY, deadline=EIGHT, waits=True), 3, None, "", id="in-time"),
        pytest.param(
            Guards(DAY, deadline=EIGHT.replace(hour=7), waits=True),
            3,
            GuardRefused,
            "opens at 2026-11-23 08:00 (Asia/Shanghai), later than `not_after`",
            id="too-late",
        ),
    ],
)
def test_hours_before_a_run(guards: Guards, hour: int, error: type[Exception] | None, words: str) -> None:
    """Outside its window a run pauses, or waits, but never past its deadline."""
    if error is None:
        demand_open(guards, at(hour), zone="Asia/Shanghai")
        return
    with pytest.raises(error) as caught:
        demand_open(guards, at(hour), zone="Asia/Shanghai")

    assert words in str(caught.value)
    assert str(caught.value).startswith("nothing was sent: ")


def test_when_it_opens() -> None:
    """The next opening is told while the window is closed, in the campaign's zone."""
    assert Guards(DAY).opens_at(at(3)) == EIGHT
    assert Guards(DAY).opens_at(at(12)) is None
    assert Guards().opens_at(at(3)) is None


@pytest.mark.parametrize(("mode", "window"), [("live", DAY), ("rehearse", None), ("plan", None)])
def test_only_live_runs_have_a_window(mode: str, window: SendWindow | None) -> None:
    """A rehearsal messages nobody, so it may run at night; cap, deadline and waiting are the campaign's."""
    campaign = spec(mode=mode, frequency_cap="2/7d", not_after="2026-11-23T20:00", outside_window="wait")
    guards = Guards.of(campaign, ProviderFacts(Limits(same=1, different=1)))

    assert guards == Guards(window, campaign.cap, campaign.deadline, waits=True)


# -- the same campaign, and a usable provider ----------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"max_recipients": 5}, id="a-limit"),
        pytest.param({"mode": "rehearse"}, id="mode"),
        pytest.param({"plan_hash": "p1"}, id="its-hash"),
        pytest.param({"test_phones": ["13800138000"]}, id="test-phones"),
    ],
)
def test_what_may_change_between_runs(change: dict[str, Any]) -> None:
    """What does not decide who gets what may be another."""
    demand_same(spec(**change), row(spec()))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        pytest.param({"template": "u"}, PlanMismatch, "template was `t`, is `u`", id="text"),
        pytest.param(
            {"provider": "aliyun"}, PlanMismatch, "provider was `yunpian`, is `aliyun`", id="provider"
        ),
        pytest.param({"series": "other"}, PlanMismatch, "series was", id="series"),
        pytest.param({"timezone": "UTC"}, PlanMismatch, "is `UTC`", id="whose-days-rules-count"),
        pytest.param({"plan_hash": "p2"}, GuardRefused, "started with plan p1, not p2", id="another-hash"),
        pytest.param({"plan_hash": "p2", "template": "u"}, GuardRefused, "not p2", id="the-hash-first"),
    ],
)
def test_what_may_not(change: dict[str, Any], error: type[Exception], words: str) -> None:
    """A campaign is not gone on with by other parameters; what differs is named."""
    with pytest.raises(error) as caught:
        demand_same(spec(**change), row(spec()))

    assert words in str(caught.value)


def test_a_parameter_younger_than_the_campaign() -> None:
    """One that the row does not know had its default then."""
    old = row(spec())
    old.spec.pop("global_holdout")
    demand_same(spec(), old)
    with pytest.raises(PlanMismatch, match="global_holdout"):
        demand_same(spec(global_holdout=0.1), old)


def test_a_check_that_found_something() -> None:
    """All that is wrong is said, in the provider's words; a usable one passes."""
    bad = Finding("credential", False, "-1", "非法的apikey", "Look at the key.")
    good = Finding("balance", True, "0", "12")
    demand_usable(CheckResult("yunpian", True, (good,)))
    with pytest.raises(NotUsable) as caught:
        demand_usable(CheckResult("yunpian", False, (good, bad)))
    words = "yunpian is not usable as set up: credential: “非法的apikey” (code -1). Look at the key."

    assert str(caught.value) == f"nothing was sent: {words}"


# -- a test send ---------------------------------------------------------------------------------------


PEOPLE = pd.DataFrame(
    {
        "user_id": ["u1", "u2"],
        "phone": ["13800138000", "13800138001"],
        "name": ["张三", "李四"],
        "ok": ["1", "1"],
    }
)
TEST = {
    "campaign": "c",
    "template": "你好{name}，拒收请回复R",
    "signature": "S",
    "variables": {"name": "name"},
    "mode": "live",
    "holdout": 0.0,
    "consent": "ok",
    "frequency_cap": "1/7d",
    "canary": 0.5,
    "plan_hash": "p1",
    "test_phones": ["138 0013 9000", "+8613800139000", "13800139001"],
}


def test_the_campaign_of_a_test_send() -> None:
    """One row per test phone with the chosen person's values, and nothing that would keep one out."""
    plan = open_campaign(TEST, frame=PEOPLE, mode="plan").plan()
    made, frame = campaign_for_test_phones(plan, row=1, at=datetime(2026, 11, 23, 2, tzinfo=UTC))

    assert made.campaign == "c.test-20261123T020000"
    assert frame["phone"].tolist() == ["8613800139000", "8613800139001"]
    assert made.variables == {"name": {"value": "李四"}}
    assert (made.consent, made.frequency_cap, made.canary, made.plan_hash) == ("", "", 0.0, "")
    assert (made.template, made.signature, made.mode) == (plan.spec.template, "S", plan.spec.mode)


@pytest.mark.parametrize(
    ("more", "people", "words"),
    [
        pytest.param({"test_phones": []}, PEOPLE, "`test_phones` is empty", id="no-phones"),
        pytest.param({"test_phones": ["123"]}, PEOPLE, "bad_phone", id="no-phone"),
        pytest.param({}, PEOPLE.iloc[:0], "nobody is planned", id="nobody"),
    ],
)
def test_no_test_send(more: dict[str, Any], people: pd.DataFrame, words: str) -> None:
    """Without test phones, or a person whose message it would be, it is refused."""
    plan = open_campaign(TEST | more, frame=people, mode="plan").plan()
    with pytest.raises(InputError, match=words):
        campaign_for_test_phones(plan, row=None, at=datetime(2026, 11, 23, 2, tzinfo=UTC))
