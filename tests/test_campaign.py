"""``smskit.sending.campaign``: what a run refuses, what it goes on with, and what it never does twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from smskit.audience.phones import normalise_one
from smskit.errors import (
    CampaignPaused,
    GuardRefused,
    InputError,
    LedgerError,
    LedgerLocked,
    NotUsable,
    PlanMismatch,
    SettingsError,
    SpecError,
    TemplateError,
)
from smskit.ledger import CampaignRow, Ledger
from smskit.ledger.schema import CAMPAIGN
from smskit.ledger.seals import plan_sum
from smskit.message.windows import MarketingLimits
from smskit.models import Kind, Mode, Reason
from smskit.planning.spec import CampaignSpec
from smskit.providers import Job, Provider, get_provider
from smskit.reporting import frames, report
from smskit.sending.access import ProviderAccess, ProviderFacts
from smskit.sending.campaign import Campaign
from smskit.sending.clock import Clock, Sleep
from smskit.sending.rehearsal import limits_of
from smskit.sending.session import open_campaign
from smskit.settings import Environment
from smskit.simulator import FaultPlan, Limits, Simulator
from tests import live

MORNING = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai
FIRST = 8613800100000


class Desk:
    """One account with the simulator, one ledger, and one clock for both sides of a campaign."""

    def __init__(self, simulator: Simulator, folder: Path, ledger: str = "") -> None:
        self.world = simulator.world
        self.now = MORNING
        url = ledger or f"sqlite:///{folder / 'desk.db'}"
        self.ledger = Ledger(url, clock=lambda: self.now.timestamp())
        self.environment = Environment(live.SINGLES.environ(simulator.url, folder))
        self.folder = folder
        self.register(
            f"【GrowingIO】{live.TEMPLATE}".replace("{name}", "#name#").replace("{coupon}", "#coupon#")
        )

    def register(self, content: str) -> None:
        """Give the account one approved template, number 77, and no limits per phone."""
        self.world.register(
            "yunpian",
            live.YUNPIAN_KEY,
            signatures=["GrowingIO"],
            templates=[{"id": "77", "content": content}],
            limits=dict.fromkeys(Limits.model_fields, 0),
            send_hours=(0, 24),
        )

    @contextmanager
    def connect(self, mode: Mode, job: Job | None) -> Iterator[Provider]:
        yield get_provider("yunpian", self.environment)

    def campaign(
        self,
        frame: pd.DataFrame | int = 3,
        *,
        sleep: Sleep = asyncio.sleep,
        marketing: MarketingLimits = MarketingLimits(),  # noqa: B008 - frozen
        others: Callable[[], tuple[ProviderFacts, ...]] = tuple,
        **more: Any,
    ) -> Campaign:
        """A campaign over *frame*, or over that many people; its waits pass the time by *sleep*."""
        spec = CampaignSpec.from_data(live.data(live.SINGLES, Path("memory.csv"), **more))
        facts = ProviderFacts(limits_of("yunpian", self.environment), marketing=marketing)
        return Campaign(
            spec,
            self.ledger,
            ProviderAccess(facts, self.connect, others),
            clock=Clock(lambda: self.now, sleep, spec.zone),
            frame=people(frame) if isinstance(frame, int) else frame,
        )

    def row(self, name: str = "live-1", mode: Mode = Mode.LIVE) -> CampaignRow:
        found = self.ledger.campaigns.get(name, mode)
        assert found is not None
        return found

    def sent(self) -> list[str]:
        """Phones of everything the simulator accepted, in order."""
        return [str(normalise_one(str(line.phone))) for line in self.world.messages()]


@pytest.fixture
def desk(simulator: Simulator, tmp_path: Path, database_url: str) -> Iterator[Desk]:
    """A desk at ten in the morning."""
    made = Desk(simulator, tmp_path, database_url)
    yield made
    made.ledger.close()


def people(count: int, first: int = FIRST) -> pd.DataFrame:
    """*count* good rows."""
    return pd.DataFrame(
        {
            "user_id": [f"u{n}" for n in range(count)],
            "phone": [str(first + n) for n in range(count)],
            "name": [f"用户{n}" for n in range(count)],
            "coupon": [50 + n for n in range(count)],
        }
    )


# -- mode plan --------------------------------------------------------------------------------


def test_plan_is_recorded_and_sends_nothing(desk: Desk) -> None:
    """In mode plan the books and the hash are in the ledger, nobody is messaged, and sending is refused."""
    campaign = desk.campaign(mode="plan")
    plan = campaign.plan()
    row = desk.row(mode=Mode.PLAN)
    with pytest.raises(GuardRefused, match="mode `plan` sends nothing"):
        campaign.send()

    assert (row.plan_hash, row.state) == (plan.hash, "planned")
    assert row.summary["planned"] == desk.ledger.audience.counts(row.id).planned == 3
    assert campaign.started() is None
    assert desk.sent() == []


def test_other_modes_record_nothing_before_they_send(desk: Desk) -> None:
    """Looking at a rehearsal's or a live campaign's plan leaves the ledger as it was."""
    for mode in ("rehearse", "live"):
        desk.campaign(mode=mode).plan()

    assert desk.ledger.campaigns.find() == []


def test_the_plan_of_one_campaign_object_stays(desk: Desk) -> None:
    """Asked again the same plan comes back, whatever happened to the segment meanwhile."""
    frame = people(3)
    campaign = desk.campaign(frame)
    first = campaign.plan()
    frame.loc[0, "name"] = "changed"

    assert campaign.plan() is first
    assert desk.campaign(frame).plan().hash != first.hash


def test_hash_of_the_plan_is_the_one_live_takes(desk: Desk) -> None:
    """The hash recorded in mode plan lets exactly that plan through in mode live."""
    wanted = desk.campaign(mode="plan").plan().hash
    with pytest.raises(GuardRefused, match="`plan_hash`"):
        desk.campaign(4, plan_hash=wanted).send()
    refused = desk.sent()
    outcome = desk.campaign(plan_hash=wanted).send()

    assert refused == []
    assert outcome.books.accepted == 3
    assert desk.row().plan_hash == wanted


def test_a_plan_after_a_live_run_knows_who_was_sent(desk: Desk) -> None:
    """A plan under the id of a live campaign leaves out whoever that one messaged, by phone and by person."""
    desk.campaign(2).send()
    frame = people(4)
    frame.loc[1, "phone"] = "13900000009"  # the same person with another number
    plan = desk.campaign(frame, mode="plan").plan()
    other = desk.campaign(frame, mode="plan", campaign="other").plan()
    rehearsal = desk.campaign(frame, mode="rehearse").plan()

    assert plan.excluded == {"already_sent": 2}
    assert other.excluded == rehearsal.excluded == {}


# -- guards -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "words"),
    [
        pytest.param({"max_recipients": 2}, "3 people are more than `max_recipients`", id="too-many"),
        pytest.param({"max_cost": "0.14"}, "`max_cost`", id="too-dear"),
        pytest.param({"not_after": "2026-11-23T09:59"}, "`not_after`", id="too-late"),
        pytest.param({"plan_hash": "p" + "0" * 24}, "`plan_hash`", id="another-plan"),
    ],
)
@pytest.mark.parametrize("mode", ["rehearse", "live"])
def test_guards_stop_before_anything_is_stored(
    desk: Desk, more: dict[str, Any], words: str, mode: str
) -> None:
    """A guard refuses before the first submission, leaves no campaign behind, and is told beforehand."""
    campaign = desk.campaign(mode=mode, **more)
    with pytest.raises(GuardRefused, match=words) as caught:
        campaign.send()

    assert caught.value.exit_code == 3
    assert [words.replace("`", "") in p.text.replace("`", "") for p in campaign.guards()] == [True]
    assert desk.ledger.campaigns.find() == []
    assert desk.sent() == []


def test_guards_hold_for_a_later_run_too(desk: Desk) -> None:
    """A campaign that stopped halfway is not resumed past ``not_after`` or with another hash."""
    start_and_stop(desk)
    sent = desk.sent()
    with pytest.raises(GuardRefused, match="was started with plan q"):
        desk.campaign(10, plan_hash="p" + "0" * 24).send()
    desk.now += timedelta(days=1)
    with pytest.raises(GuardRefused, match="not_after"):
        desk.campaign(10, not_after="2026-11-23").send()

    assert desk.sent() == sent


@pytest.mark.parametrize(
    ("utc", "is_open"),
    [("00:00", True), ("11:59", True), ("12:00", False), ("18:00", False), ("23:59", False)],
)
def test_the_window_is_local_and_for_live_marketing(desk: Desk, utc: str, is_open: bool) -> None:
    """Outside the hours a live marketing run pauses at once; rehearsals and notifications do not."""
    desk.now = datetime.fromisoformat(f"2026-11-23T{utc}:00+00:00")
    parameters = {"send_window": "08:00-20:00"}
    if not is_open:
        with pytest.raises(CampaignPaused, match=r"08:00-20:00 \(Asia/Shanghai\)") as caught:
            desk.campaign(1, **parameters).send()
        assert caught.value.exit_code == 4
    sent_before = desk.sent()
    rehearsed = desk.campaign(people(1, FIRST + 10), mode="rehearse", **parameters).send()
    notified = desk.campaign(
        people(1, FIRST + 20), campaign="n", message_class="notification", **parameters
    ).send()
    desk.now = datetime.fromisoformat(f"2026-11-23T{utc}:00+00:00") if is_open else MORNING
    outcome = desk.campaign(1, **parameters).send()

    assert sent_before == []
    assert rehearsed.books.accepted == notified.books.accepted == outcome.books.accepted == 1


def test_what_was_frozen_goes_on_without_the_providers_of_fits(desk: Desk) -> None:
    """They decide who is planned; a later run needs none of them, installed or set up."""
    start_and_stop(desk)
    campaign = desk.campaign(10, others=_not_installed)
    ended = campaign.resume()

    assert ended.books.accepted == 10
    with pytest.raises(SpecError, match="unknown provider"):
        desk.campaign(10, campaign="next", others=_not_installed).plan()


def _not_installed() -> tuple[ProviderFacts, ...]:
    raise SpecError("unknown provider `gone`")


def test_a_later_run_waits_for_the_window_too(desk: Desk) -> None:
    """An interrupted campaign is not resumed at night."""
    start_and_stop(desk, send_window="08:00-20:00")
    sent = len(desk.sent())
    desk.now += timedelta(hours=12)
    with pytest.raises(CampaignPaused, match="22:00 there"):
        desk.campaign(10, send_window="08:00-20:00").send()

    assert len(desk.sent()) == sent


# -- opt-out wording -------------------------------------------------------------------------------

BARE = "你好{name}，送你{coupon}元。"


def test_a_text_without_a_way_to_opt_out_is_shown_and_sent(desk: Desk) -> None:
    """By default the text stays as it is: the plan tells what is missing, and the run goes on."""
    desk.register("【GrowingIO】你好#name#，送你#coupon#元。")
    campaign = desk.campaign(1, template=BARE)
    (notice,) = campaign.plan().notices
    outcome = campaign.send()

    assert "does not say how to opt out" in notice
    assert campaign.guards() == []
    assert desk.row().summary["notices"] == [notice]
    assert outcome.books.accepted == 1
    assert [line.text for line in desk.world.messages()] == ["【GrowingIO】你好用户0，送你50元。"]
    assert desk.campaign().plan().notices == []


def test_a_wording_that_is_added_is_part_of_the_text(desk: Desk) -> None:
    """It is in preview, parts, hash and message; the same text written out is the same plan."""
    desk.register("【GrowingIO】你好#name#，送你#coupon#元。拒收请回复R")
    campaign = desk.campaign(1, template=BARE, opt_out_wording="add")
    plan = campaign.plan()
    written_out = desk.campaign(1, template=f"{BARE}拒收请回复R").plan()
    without = desk.campaign(1, template=BARE).plan()
    campaign.send()

    assert plan.preview()["text"].tolist() == ["【GrowingIO】你好用户0，送你50元。拒收请回复R"]
    assert plan.hash == written_out.hash != without.hash
    assert plan.notices == []
    assert [line.text for line in desk.world.messages()] == plan.preview()["text"].tolist()


def test_a_wording_is_billed(desk: Desk) -> None:
    """The seven characters of the wording take a text over the length of one part."""
    more = {"template": "x" * 58, "variables": {}}  # 11 for the signature, 1 character left

    assert desk.campaign(1, **more).plan().total_parts == 1
    assert desk.campaign(1, **more, opt_out_wording="add").plan().total_parts == 2


def test_a_wording_can_be_demanded(desk: Desk) -> None:
    """Under ``demand`` a marketing text without one is refused; one with it, and a notification, are sent."""
    with pytest.raises(GuardRefused, match="`opt_out_wording` demands it") as caught:
        desk.campaign(template=BARE, opt_out_wording="demand").send()
    fine = desk.campaign(1, opt_out_wording="demand").guards()
    notification = desk.campaign(template=BARE, opt_out_wording="demand", message_class="notification")

    assert caught.value.exit_code == 3
    assert desk.ledger.campaigns.find() == []
    assert fine == notification.guards() == []


def test_a_test_send_has_the_wording_once(desk: Desk) -> None:
    """What is sent to the test phones is what people will get."""
    desk.register("【GrowingIO】你好#name#，送你#coupon#元。拒收请回复R")
    desk.campaign(1, template=BARE, opt_out_wording="add", test_phones=["13912345678"]).test_send()

    assert [line.text for line in desk.world.messages()] == ["【GrowingIO】你好用户0，送你50元。拒收请回复R"]


# -- check -----------------------------------------------------------------------------------------


def test_an_unusable_provider_stops_a_run(desk: Desk) -> None:
    """A live run checks first; when the provider says no nothing is stored, and its words are told."""
    campaign = desk.campaign(signature="别的")
    with pytest.raises(NotUsable, match="签名不匹配") as caught:
        campaign.send()

    assert caught.value.exit_code == 3
    assert campaign.check().usable is False
    assert desk.ledger.campaigns.find() == []


def test_the_text_may_come_from_the_provider(desk: Desk) -> None:
    """With a template id and no text, the provider's text is what is planned, checked and sent."""
    desk.register("【GrowingIO】你好#name#，送你#coupon#元")
    campaign = desk.campaign(1, template="", template_id="77")
    plan = campaign.plan()
    outcome = campaign.send()
    given_too = desk.campaign(
        people(1, FIRST + 5), campaign="b", template="你好{name}，送你{coupon}元", template_id="77"
    )

    assert plan.frame()["text"].tolist() == ["【GrowingIO】你好用户0，送你50元"]
    assert [line.text for line in desk.world.messages()] == ["【GrowingIO】你好用户0，送你50元"]
    assert outcome.books.accepted == 1
    assert given_too.check().usable


def test_a_text_that_is_not_the_providers_stops_a_run(desk: Desk) -> None:
    """When the provider has another text under that id, nothing is sent."""
    desk.register("【GrowingIO】你好#name#，送你#coupon#块")
    with pytest.raises(NotUsable, match="the approved text is another one"):
        desk.campaign(template="你好{name}，送你{coupon}元", template_id="77").send()

    assert desk.sent() == []
    assert desk.ledger.campaigns.find() == []


def test_without_any_text(desk: Desk) -> None:
    """Neither a text nor an id is refused; an id without an account says what is missing."""
    with pytest.raises(TemplateError, match="`template`"):
        desk.campaign(template="").plan()

    @contextmanager
    def nobody(mode: Mode, job: Job | None) -> Iterator[Provider]:
        raise SettingsError("SMSKIT_YUNPIAN_API_KEY is missing.")
        yield

    desk.connect = nobody  # type: ignore[method-assign,assignment]
    with pytest.raises(TemplateError, match=r"template 77.*SMSKIT_YUNPIAN_API_KEY is missing"):
        desk.campaign(template="", template_id="77").plan()


# -- once, and going on ------------------------------------------------------------------------------


def start_and_stop(desk: Desk, people_: int = 10, **more: Any) -> int:
    """A campaign the account has money for only in part; returns how many were accepted."""
    fault = {"kind": "code", "code": 3, "skip": 4, "rate": 1.0, "endpoint": "single_send"}
    desk.world.set_faults(FaultPlan.model_validate({"faults": [fault]}))
    with pytest.raises(CampaignPaused, match="people still waiting"):
        desk.campaign(people_, **more).send()
    desk.world.set_faults(FaultPlan())
    return desk.ledger.audience.counts(desk.row().id).accepted


def test_a_finished_campaign_sends_nothing_again(desk: Desk) -> None:
    """Run again, with the same or a larger segment, a finished campaign says so and messages nobody."""
    first = desk.campaign().send()
    again = desk.campaign().send()
    larger = desk.campaign(5).send()

    assert first.state == again.state == "finished"
    assert again.note == larger.note
    assert again.note.startswith("had finished before on ")
    assert first.books == again.books == larger.books
    assert sorted(desk.sent()) == [str(FIRST + n) for n in range(3)]


def test_a_stopped_campaign_goes_on_with_its_audience(desk: Desk) -> None:
    """A later run messages those who waited and nobody else, whatever the segment and the file say now."""
    accepted = start_and_stop(desk)
    between = desk.row()
    outcome = desk.campaign(people(20, FIRST + 100)).send()

    assert 0 < accepted < 10
    assert between.state == "paused"
    assert outcome.books.accepted == 10
    assert sorted(desk.sent()) == [str(FIRST + n) for n in range(10)]
    assert (desk.row().state, desk.row().note) == ("finished", "")


def test_resume_needs_a_start(desk: Desk) -> None:
    """There is nothing to resume before the first run; afterwards resuming is running again."""
    with pytest.raises(LedgerError, match="was never started"):
        desk.campaign(10).resume()
    start_and_stop(desk)

    assert desk.campaign(10).resume().books.accepted == 10


@pytest.mark.parametrize(
    ("more", "words"),
    [
        pytest.param({"template": "你好{name}，{coupon}"}, "template was `你好", id="template"),
        pytest.param({"template_id": "77"}, "template_id was ``, is `77`", id="template-id"),
        pytest.param({"provider": "chuanglan"}, "provider was `yunpian`, is `chuanglan`", id="provider"),
        pytest.param({"signature": "别的"}, "signature was `GrowingIO`, is `别的`", id="signature"),
        pytest.param({"rules": [{"column": "name", "op": "not_null"}]}, "rules was `None`", id="rules"),
        pytest.param({"segment": "other.csv"}, "segment was `memory.csv`, is `other.csv`", id="segment"),
        pytest.param({"variables": {"name": "name", "coupon": "name"}}, "variables was", id="variables"),
        pytest.param({"opt_out_wording": "add"}, "opt_out_wording was ``, is `add`", id="wording"),
        pytest.param({"holdout": 0.5}, "holdout was `0.0`, is `0.5`", id="holdout"),
    ],
)
@pytest.mark.parametrize("state", ["paused", "finished"])
def test_something_else_under_the_same_id_is_refused(
    desk: Desk, more: dict[str, Any], words: str, state: str
) -> None:
    """Another template, provider, signature or set of rules under a started id is refused and named."""
    if state == "paused":
        start_and_stop(desk)
    else:
        desk.campaign(10).send()
    sent = desk.sent()
    with pytest.raises(PlanMismatch) as caught:
        desk.campaign(10, **more).send()

    assert words in str(caught.value)
    assert str(caught.value).count(" was `") == 1
    assert caught.value.exit_code == 3
    assert desk.sent() == sent


def test_what_differs_is_told_without_phones(desk: Desk) -> None:
    """The message about what differs shows no full phone, though a rule's value may hold one."""
    rule = {"column": "name", "op": "!=", "value": f"v{FIRST % 10**11}"}
    desk.campaign(rules=rule).send()
    with pytest.raises(PlanMismatch, match="rules was") as caught:
        desk.campaign().send()

    assert str(FIRST)[2:] not in str(caught.value)
    assert "138****0000" in str(caught.value)


@pytest.mark.parametrize(
    "more",
    [
        {"max_cost": "9"},
        {"price_per_part": "0.04"},
        {"send_window": "09:00-18:00"},
        {"test_phones": ["13800138000"]},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_may_change_between_runs(desk: Desk, more: dict[str, Any]) -> None:
    """Limits, prices and hours may be others in the next run of the same campaign."""
    start_and_stop(desk)

    assert desk.campaign(10, **more).send().books.accepted == 10


def test_a_run_that_owns_the_campaign_is_not_joined(desk: Desk) -> None:
    """While another run is at it nothing is sent, and the exit says to run again."""
    start_and_stop(desk)
    sent = desk.sent()
    with desk.ledger.senders.hold(desk.row().id), pytest.raises(LedgerLocked) as caught:
        desk.campaign(10).send()

    assert caught.value.exit_code == 4
    assert desk.sent() == sent


def test_a_run_can_be_stopped(desk: Desk) -> None:
    """Asked to stop from elsewhere, a run ends cleanly with people waiting, and the next one finishes."""
    desk.world.set_faults(FaultPlan(latency_s=0.05))
    campaign = desk.campaign(300)
    asked: list[int] = []

    def stop(now: Any) -> None:
        if now.accepted and not asked:
            asked.append(now.accepted)
            campaign.stop()

    with pytest.raises(CampaignPaused, match="a stop was requested"):
        campaign.send(progress=stop)
    books = desk.ledger.audience.counts(desk.row().id)
    desk.world.set_faults(FaultPlan())
    last = desk.campaign(300).send()

    assert asked
    assert books.submitting == books.unknown == 0
    assert 0 < books.waiting < 300
    assert last.books.accepted == len(set(desk.sent())) == len(desk.sent()) == 300


def test_stopping_what_never_ran(desk: Desk) -> None:
    """Asking a campaign that was never started to stop changes nothing."""
    desk.campaign().stop()

    assert desk.ledger.campaigns.find() == []


def test_modes_are_apart(desk: Desk) -> None:
    """A rehearsal neither finishes nor blocks the live campaign of the same id."""
    rehearsed = desk.campaign(mode="rehearse").send()
    lived = desk.campaign().send()

    assert rehearsed.books.accepted == lived.books.accepted == 3
    assert desk.row(mode=Mode.REHEARSE).plan_hash == desk.row().plan_hash


def test_nobody_to_send_to(desk: Desk) -> None:
    """A segment that comes to nobody is a finished campaign for nobody."""
    empty = desk.campaign(0).send()
    left_out = desk.campaign(people(2).assign(phone="x"), campaign="b").send()

    assert (empty.state, empty.books.planned) == ("finished", 0)
    assert (left_out.state, left_out.books.planned) == ("finished", 0)
    assert desk.row("b").summary["excluded"] == {"bad_phone": 2}


def test_a_text_for_all(desk: Desk) -> None:
    """A template without variables reaches everybody as it is."""
    desk.register("【GrowingIO】大家好，拒收请回复R")
    desk.campaign(2, template="大家好，拒收请回复R", variables={}).send()

    assert {line.text for line in desk.world.messages()} == {"【GrowingIO】大家好，拒收请回复R"}
    assert len(desk.sent()) == 2


# -- people ----------------------------------------------------------------------------------------


def test_an_opt_out_after_the_plan_is_honoured(desk: Desk) -> None:
    """Somebody who opts out between the plan and the submission is not messaged, and counted as refused."""
    campaign = desk.campaign()
    plan = campaign.plan()
    desk.ledger.opt_outs.add([FIRST + 1], source="reply")
    outcome = campaign.send()
    row = desk.row()

    assert plan.planned == 3
    assert (outcome.books.accepted, outcome.books.refused) == (2, 1)
    assert desk.ledger.audience.history(row.id, 0).reason.tolist() == ["", "opted_out", ""]
    assert sorted(desk.sent()) == [str(FIRST), str(FIRST + 2)]


def test_an_opt_out_between_runs_is_honoured(desk: Desk) -> None:
    """Somebody who opts out while a campaign is interrupted is not messaged by the run that goes on."""
    start_and_stop(desk)
    waiting = next(str(FIRST + n) for n in range(10) if str(FIRST + n) not in desk.sent())
    desk.ledger.opt_outs.add([int(waiting)], source="reply")
    outcome = desk.campaign(10).send()

    assert (outcome.books.accepted, outcome.books.refused) == (9, 1)
    assert waiting not in desk.sent()


def test_frequency_cap_over_campaigns(desk: Desk) -> None:
    """Live messages of other campaigns within the window count; rehearsals do not, nor exactly 7 days ago."""
    cap = {"frequency_cap": "2/7d"}
    desk.campaign(1, campaign="monday").send()
    desk.campaign(1, campaign="rehearsed", mode="rehearse").send()
    desk.now += timedelta(days=3)
    once = desk.campaign(2, campaign="thursday", **cap).plan()
    desk.campaign(1, campaign="thursday").send()
    twice = desk.campaign(2, campaign="friday", **cap).plan()
    desk.now = MORNING + timedelta(days=7)
    desk.now -= timedelta(microseconds=1)
    just_before = desk.campaign(2, campaign="next", **cap).plan()
    desk.now += timedelta(microseconds=1)
    edge = desk.campaign(2, campaign="next", **cap).plan()

    assert once.excluded == {}
    assert twice.excluded == just_before.excluded == {"frequency_cap": 1}
    assert twice.frame()["reason"].tolist() == ["frequency_cap", ""]
    assert edge.excluded == {}


def test_the_cap_is_looked_at_again_when_people_are_claimed(desk: Desk) -> None:
    """Who was messaged by another campaign after the audience was frozen is stopped, with that reason."""
    cap = {"frequency_cap": "1/7d"}
    accepted = start_and_stop(desk, **cap)
    waiting = [n for n in range(10) if str(FIRST + n) not in desk.sent()]
    desk.campaign(people(1, FIRST + waiting[0]), campaign="friday").send()
    desk.ledger.opt_outs.add([FIRST + waiting[1]], source="reply")
    outcome = desk.campaign(10, **cap).send()
    told = report.status(desk.ledger, desk.row())
    shown = pd.concat(frames.messages(desk.ledger, desk.row())).set_index("user_id")

    assert outcome.state == "finished"
    assert live.balanced(outcome.books)
    assert (outcome.books.accepted, outcome.books.refused) == (8, 2)
    assert told["stopped"] == {"opted_out": 1, "frequency_cap": 1}
    assert shown.loc[f"u{waiting[0]}", ["state", "reason"]].tolist() == ["refused", "frequency_cap"]
    assert "refused, frequency_cap" in report.why(desk.ledger, desk.row(), f"u{waiting[0]}")
    assert desk.sent().count(str(FIRST + waiting[0])) == 1  # Friday's
    assert accepted < 8


@pytest.mark.parametrize(
    ("after", "stopped"),
    [(timedelta(days=7) - timedelta(milliseconds=1), True), (timedelta(days=7), False)],
    ids=["within-the-window", "exactly-the-window"],
)
def test_the_window_of_a_cap_rolls_on_while_people_wait(desk: Desk, after: timedelta, stopped: bool) -> None:
    """A claim looks at the window as it is then: what has left it meanwhile keeps nobody from a message."""
    cap = {"frequency_cap": "1/7d"}
    start_and_stop(desk, **cap)
    waiting = next(n for n in range(10) if str(FIRST + n) not in desk.sent())
    desk.campaign(people(1, FIRST + waiting), campaign="friday").send()
    desk.now += after
    outcome = desk.campaign(10, **cap).send()

    assert outcome.books.refused == stopped
    assert desk.sent().count(str(FIRST + waiting)) == (1 if stopped else 2)


def test_an_outcome_that_is_not_known_counts_for_a_cap(desk: Desk) -> None:
    """A message of another campaign that may have been accepted keeps its person from a second one."""
    cap = {"frequency_cap": "1/7d"}
    start_and_stop(desk, **cap)
    waiting = next(n for n in range(10) if str(FIRST + n) not in desk.sent())
    desk.world.set_faults(FaultPlan.model_validate({"faults": [{"kind": "drop_before_accept", "rate": 1.0}]}))
    unclear = desk.campaign(people(1, FIRST + waiting), campaign="friday").send()
    desk.world.set_faults(FaultPlan())
    outcome = desk.campaign(10, **cap).send()

    assert unclear.books.unknown == 1
    assert (outcome.books.accepted, outcome.books.refused) == (9, 1)
    assert str(FIRST + waiting) not in desk.sent()


def test_a_holdout_is_kept_back(desk: Desk) -> None:
    """The share kept back is in the books as a reason, and is not messaged."""
    campaign = desk.campaign(40, holdout=0.5)
    plan = campaign.plan()
    campaign.send()

    assert 8 <= plan.excluded["holdout"] <= 32
    assert len(desk.sent()) == plan.planned == 40 - plan.excluded["holdout"]


def test_both_holdouts_are_reported(desk: Desk) -> None:
    """How many are kept back, and for which of the two, is in the status of the run."""
    campaign = desk.campaign(40, holdout=0.5, global_holdout=0.5)
    plan = campaign.plan()
    campaign.send()
    told = report.status(desk.ledger, desk.row())

    assert told["excluded"] == plan.excluded
    assert set(told["excluded"]) == {"holdout", "global_holdout"}
    assert len(desk.sent()) == 40 - sum(told["excluded"].values())


def test_the_environment_salts_the_holdout_of_all_marketing(tmp_path: Path) -> None:
    """``SMSKIT_HOLDOUT_KEY`` decides who is kept back from all marketing."""
    parameters = live.data(live.SINGLES, Path("memory.csv"), mode="rehearse", global_holdout=0.5)

    def kept_back(**more: str) -> list[bool]:
        environ = live.SINGLES.environ("http://127.0.0.1:9", tmp_path) | more
        spec = CampaignSpec.from_data(parameters)
        plan = open_campaign(spec, frame=people(40), environment=Environment(environ)).plan()
        return (plan.reasons == Reason.GLOBAL_HOLDOUT).tolist()

    assert kept_back(SMSKIT_HOLDOUT_KEY="pepper") == kept_back(SMSKIT_HOLDOUT_KEY="pepper")
    assert kept_back(SMSKIT_HOLDOUT_KEY="pepper") != kept_back()


def test_a_campaign_older_than_a_parameter_goes_on(desk: Desk) -> None:
    """What the ledger holds from before a parameter existed is taken to have its default."""
    start_and_stop(desk)
    row = desk.row()
    younger = {name: value for name, value in row.spec.items() if name != "global_holdout"}
    with desk.ledger.database.write() as conn:
        conn.exec_driver_sql("UPDATE campaign SET spec = ? WHERE id = ?", (json.dumps(younger), row.id))
        (kept,) = conn.execute(sa.select(CAMPAIGN)).mappings()
        conn.execute(CAMPAIGN.update().values(plan_sum=plan_sum(kept)))
    with pytest.raises(PlanMismatch, match=r"global_holdout was `0.0`, is `0.5`"):
        desk.campaign(10, global_holdout=0.5).send()

    assert desk.campaign(10).send().books.accepted == 10


@pytest.mark.parametrize(
    ("started", "now", "refused"),
    [
        pytest.param("vip", "vip", False, id="the-same"),
        pytest.param("vip", "", False, id="none-named-now"),
        pytest.param("", "live-1", False, id="its-own-id"),
        pytest.param("vip", "loyal", True, id="another"),
        pytest.param("", "vip", True, id="named-late"),
    ],
)
def test_a_named_series_is_part_of_a_campaign(desk: Desk, started: str, now: str, refused: bool) -> None:
    """It goes on under the series it was frozen with, or with none named; another one is refused."""
    start_and_stop(desk, series=started)
    again = desk.campaign(10, series=now)
    if refused:
        with pytest.raises(PlanMismatch, match=f"series was `{started or 'live-1'}`, is `{now}`"):
            again.send()

    assert refused or again.send().books.accepted == 10
    assert desk.row().series == (started or "live-1")


# -- test sends --------------------------------------------------------------------------------------


def test_a_test_goes_to_the_test_phones_only(desk: Desk) -> None:
    """A test sends the first planned person's text to each test phone once, however they are written."""
    phones = ["13912345678", "+86 139 1234 5678", "13987654321"]
    outcome = desk.campaign(test_phones=phones).test_send()

    assert sorted(desk.sent()) == ["8613912345678", "8613987654321"]
    assert {line.text for line in desk.world.messages()} == {
        "【GrowingIO】" + live.TEMPLATE.format(name="用户0", coupon=50)
    }
    assert outcome.campaign == "live-1.test-20261123T020000"
    test = desk.row(outcome.campaign)
    assert (test.kind, test.parent, test.series) == (Kind.TEST, "live-1", outcome.campaign)
    assert desk.ledger.campaigns.get("live-1", Mode.LIVE) is None


def test_a_test_of_another_row(desk: Desk) -> None:
    """The values of any row of the plan can be tested."""
    desk.campaign(test_phones=["13912345678"]).test_send(row=2)

    assert [line.text for line in desk.world.messages()] == [
        "【GrowingIO】" + live.TEMPLATE.format(name="用户2", coupon=52)
    ]


def test_a_test_is_not_capped(desk: Desk) -> None:
    """A test reaches its phone whatever consent, caps and rules would say of the person who holds it."""
    desk.campaign(1, campaign="monday").send()
    strict = {
        "frequency_cap": "1/7d",
        "holdout": 0.9,
        "global_holdout": 0.9,
        "consent": "ok",
        "rules": [{"column": "name", "op": "is_null"}],
    }
    frame = people(40, FIRST + 1).assign(ok=True, name=None)
    variables = {"name": {"column": "name", "default": "您"}, "coupon": "coupon"}
    desk.campaign(frame, test_phones=[str(FIRST)], variables=variables, **strict).test_send()

    assert desk.sent() == [str(FIRST)] * 2


@pytest.mark.parametrize("more", [{}, {"frequency_cap": "1/7d"}], ids=["plain", "with-cap"])
def test_a_test_leaves_the_plan_as_it_is(desk: Desk, more: dict[str, Any]) -> None:
    """After a test to somebody of the segment the plan has the same hash, and that person is messaged."""
    campaign = desk.campaign(test_phones=[str(FIRST)], **more)
    before = desk.campaign(mode="plan", **more).plan()
    campaign.test_send()
    desk.now += timedelta(minutes=5)
    after = desk.campaign(mode="plan", **more).plan()
    outcome = desk.campaign(plan_hash=before.hash, **more).send()

    assert after.hash == before.hash
    assert outcome.books.accepted == 3
    assert sorted(desk.sent()) == sorted([str(FIRST), *(str(FIRST + n) for n in range(3))])


@pytest.mark.parametrize(
    ("frame", "more", "error", "words"),
    [
        pytest.param(3, {}, InputError, "`test_phones` is empty", id="no-phones"),
        pytest.param(0, {"test_phones": ["13912345678"]}, InputError, "nobody is planned", id="nobody"),
        pytest.param(3, {"test_phones": ["12345"]}, InputError, "bad_phone", id="no-phone"),
        pytest.param(
            3, {"test_phones": ["13912345678"], "mode": "plan"}, GuardRefused, "mode `plan`", id="mode-plan"
        ),
        pytest.param(
            3, {"test_phones": ["13912345678"], "signature": "别的"}, NotUsable, "签名", id="not-usable"
        ),
    ],
)
def test_tests_that_cannot_be_sent(
    desk: Desk, frame: int, more: dict[str, Any], error: type[Exception], words: str
) -> None:
    """A test needs a phone, somebody planned, a mode that sends, and a usable provider."""
    with pytest.raises(error, match=words):
        desk.campaign(frame, **more).test_send()

    assert desk.sent() == []


# -- as it is opened ------------------------------------------------------------------------------------


def test_a_campaign_from_files(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened from its parameters, a campaign loads its segment, from the project's root too."""
    (desk.folder / "pyproject.toml").touch()
    (desk.folder / "notebooks").mkdir()
    people(3).to_csv(desk.folder / "people.csv", index=False)
    monkeypatch.chdir(desk.folder / "notebooks")
    spec = CampaignSpec.from_data(live.data(live.SINGLES, Path("people.csv")))
    campaign = open_campaign(spec, environment=desk.environment)

    assert campaign.plan().hash == desk.campaign().plan().hash
    assert repr(campaign) == "Campaign(live-1, live, yunpian)"


def test_progress_counts_everybody(desk: Desk) -> None:
    """The last word of the progress is that nobody is left."""
    told: list[Any] = []
    desk.campaign(20).send(progress=told.append)

    assert (told[-1].accepted, told[-1].left) == (20, 0)
    assert all(step.accepted + step.refused + step.unknown + step.left <= 20 for step in told)


def test_what_was_previewed_is_what_is_sent(desk: Desk) -> None:
    """Texts of the plan and texts at the provider are the same, byte for byte."""
    frame = people(6).assign(name=["张三", "😀", "a+b&c=d%20", "<b>\"'", "{coupon}#name#", "Ünï"])
    campaign = desk.campaign(frame)
    texts = campaign.plan().texts(campaign.plan().order).to_pylist()
    campaign.send()

    assert sorted(line.text for line in desk.world.messages()) == sorted(texts)
    assert len(texts) == 6
