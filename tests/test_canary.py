"""``smskit.sending.canary``: a share is sent to first and waited for; then the others, or nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smskit.errors import CampaignPaused, GuardRefused
from smskit.ledger import Ledger
from smskit.models import Mode
from smskit.planning.policy import LEAST_CANARY
from smskit.planning.spec import CampaignSpec
from smskit.providers.yunpian import Yunpian
from smskit.reporting import report
from smskit.sending.campaign import Campaign, Outcome
from smskit.sending.canary import Counts, Limits, choose, judge, size_of
from smskit.sending.session import open_campaign
from smskit.settings import Environment
from smskit.simulator import FaultPlan, Simulator
from tests import live
from tests.test_campaign import MORNING, Desk, desk, people  # noqa: F401 - a fixture

AT_ONCE = {"delay_s": [0.0, 0.0]}
CANARY = {"canary": 0.2, "canary_wait": "1h"}


def faults(desk: Desk, **receipts: Any) -> None:  # noqa: F811
    """How the simulator reports on what it accepts from now on."""
    desk.world.set_faults(FaultPlan.model_validate({"receipts": AT_ONCE | receipts}))


def waiting(desk: Desk, meanwhile: Callable[[], None] = lambda: None, **more: Any) -> Campaign:  # noqa: F811
    """A campaign of 200 people whose waiting moves the desk's clock on."""

    async def sleep(seconds: float) -> None:
        await asyncio.to_thread(meanwhile)
        desk.now += timedelta(minutes=10)

    return desk.campaign(200, sleep=sleep, **(CANARY | more))


def once(desk: Desk, count: int) -> bool:  # noqa: F811
    """Whether exactly that many were sent to, each once."""
    return len(desk.sent()) == len(set(desk.sent())) == count


# -- who it is -------------------------------------------------------------------------------------


@given(st.integers(1, 10**6), st.floats(0.0001, 1))
def test_size(planned: int, share: float) -> None:
    """The share, rounded up, but never so few that they say nothing, nor more than there are."""
    size = size_of(planned, share)

    assert min(planned, LEAST_CANARY) <= size <= planned
    assert size >= planned * share - 1e-6 or size == planned


def test_people_are_chosen_by_themselves(desk: Desk) -> None:  # noqa: F811
    """The same people each time, as many as said, and not simply the first rows."""
    desk.campaign(300, mode="plan").plan()
    row = desk.row(mode=Mode.PLAN)

    def of(size: int, name: str = "a") -> set[int]:
        (mask,) = choose(desk.ledger, row.id, name, size).values()
        return set(np.flatnonzero(mask).tolist())

    assert [len(of(n)) for n in (1, 30, 299, 300)] == [1, 30, 299, 300]
    assert of(30) == of(30) <= of(60)
    assert of(30) != of(30, "b")
    assert of(30) != set(range(30))


# -- the judgement -----------------------------------------------------------------------------------


def counts(**more: int) -> Counts:
    fields = dict.fromkeys(Counts._fields, 0) | more
    known = sum(fields[name] for name in Counts._fields[1:-1])
    return Counts(**(fields | {"size": known}))


@pytest.mark.parametrize(
    ("found", "good", "words"),
    [
        pytest.param(counts(delivered=100), True, "100 delivered", id="all-delivered"),
        pytest.param(counts(delivered=90, undelivered=10), True, "10 undelivered", id="just-within"),
        pytest.param(counts(delivered=89, undelivered=11), False, "11 of 100 failed (11.0%)", id="too-many"),
        pytest.param(counts(delivered=89, refused=11), False, "canary_max_failure", id="refused"),
        pytest.param(counts(delivered=89, unknown=11), False, "failed", id="unknown-is-no-yes"),
        pytest.param(counts(delivered=50, awaiting=50), True, "50 without a receipt", id="half-is-known"),
        pytest.param(counts(delivered=49, awaiting=51), False, "too few to judge", id="too-few-receipts"),
        pytest.param(counts(awaiting=100), False, "0 of 100", id="no-receipt-at-all"),
        pytest.param(counts(delivered=40, undelivered=5, awaiting=55), False, "5 of 45 failed", id="both"),
        pytest.param(counts(delivered=100, opted_out=1), True, "1 opted out", id="one-opt-out"),
        pytest.param(counts(delivered=100, opted_out=2), False, "2 of 100 opted out (2.0%)", id="opt-outs"),
        pytest.param(counts(delivered=10, stopped=90), True, "90 not sent to", id="stopped-by-us"),
        pytest.param(counts(stopped=20), True, "20 not sent to", id="nobody-was-sent-to"),
    ],
)
def test_judgement(found: Counts, good: bool, words: str) -> None:
    """What failed, who opted out and what is not known yet, each against its limit."""
    passed, told = judge(found, Limits(0.1, 0.01))

    assert passed is good, told
    assert words in told


# -- a run ---------------------------------------------------------------------------------------------


def test_a_run_sends_to_the_canary_waits_and_goes_on(desk: Desk) -> None:  # noqa: F811
    """While it waits only the canary was sent to and says so; then the others get it, each once."""
    faults(desk)
    seen: list[tuple[int, str]] = []
    campaign = waiting(desk, lambda: seen.append((len(desk.sent()), desk.row().note)))
    outcome = campaign.send()
    kept = desk.ledger.canaries.get(desk.row().id)

    assert {sent for sent, _ in seen} == {40}
    assert seen[0][1] == (
        "waits until 2026-11-23 11:00:00 CST for receipts of the first 40 people, its canary"
    )
    assert desk.now - MORNING == timedelta(hours=1)
    assert once(desk, 200)
    assert outcome.note.startswith("canary passed: of 40 people 40 delivered")
    assert report.status(desk.ledger, desk.row())["note"] == outcome.note
    assert kept is not None
    assert kept.passed_at == desk.now.timestamp()


def test_a_bad_canary_stops_the_campaign(desk: Desk) -> None:  # noqa: F811
    """Nobody else is sent to, a further run looks again and sends nothing, `canary: 0` goes on anyway."""
    faults(desk, fail_rate=1.0)
    with pytest.raises(CampaignPaused, match=r"40 of 40 failed \(100.0%\).*`canary: 0`") as first:
        waiting(desk).send()
    faults(desk)
    with pytest.raises(CampaignPaused, match="40 of 40 failed"):
        waiting(desk).send()
    with pytest.raises(CampaignPaused, match="40 of 40 failed"):
        waiting(desk, canary=0.1).send()
    paused = desk.row()

    assert first.value.exit_code == 4
    assert once(desk, 40)
    assert (paused.state, "did not pass" in paused.note) == ("paused", True)
    waiting(desk, canary=0.0).send()
    assert once(desk, 200)


def test_limits_may_be_raised(desk: Desk) -> None:  # noqa: F811
    """A run with a higher limit judges the same canary anew and goes on."""
    faults(desk, fail_rate=1.0)
    with pytest.raises(CampaignPaused):
        waiting(desk).send()
    waiting(desk, canary_max_failure=1.0).send()

    assert once(desk, 200)


def test_receipts_that_are_missing_are_no_yes(desk: Desk) -> None:  # noqa: F811
    """Without receipts it stops; once they have come, running again goes on."""
    faults(desk, delay_s=[900.0, 900.0])
    with pytest.raises(CampaignPaused, match="less than half of it"):
        waiting(desk).send()

    assert once(desk, 40)
    desk.world.clock = lambda: time.time() + 1000
    outcome = waiting(desk).send()
    assert outcome.note.startswith("canary passed: of 40 people 40 delivered")
    assert once(desk, 200)


def test_opt_outs_of_the_canary_count(desk: Desk) -> None:  # noqa: F811
    """Two of forty who opt out meanwhile are more than 1 %."""
    faults(desk)

    def complain() -> None:
        desk.ledger.opt_outs.add([int(p.lstrip("+")) for p in desk.sent()[:2]], source="by hand")

    with pytest.raises(CampaignPaused, match=r"2 of 40 opted out \(5.0%\).*`canary_max_opt_out` \(1.0%\)"):
        waiting(desk, complain).send()

    assert once(desk, 40)


def test_a_wait_can_be_stopped_and_goes_on_where_it_was(desk: Desk) -> None:  # noqa: F811
    """`smskit stop` ends the wait; the next run waits for the rest of the hour and sends nobody twice."""
    faults(desk)
    with pytest.raises(CampaignPaused, match="was waited for: a stop was requested"):
        waiting(desk, lambda: desk.ledger.campaigns.request_stop(desk.row().id)).send()
    stopped_at = desk.now

    assert stopped_at == MORNING + timedelta(minutes=10)
    waiting(desk).send()
    assert desk.now == MORNING + timedelta(hours=1)
    assert once(desk, 200)


def test_a_wait_never_goes_past_not_after(desk: Desk) -> None:  # noqa: F811
    """A canary that could be judged only after the deadline is not waited for."""
    faults(desk)
    with pytest.raises(CampaignPaused, match="later than `not_after`"):
        waiting(desk, not_after="2026-11-23T10:30").send()

    assert once(desk, 40)


@pytest.mark.parametrize("more", [{"canary": 0.0}, {"canary": 1.0}], ids=["none", "everybody"])
def test_no_canary(desk: Desk, more: dict[str, Any]) -> None:  # noqa: F811
    """Without one, or when it would be everybody, nothing is waited for."""
    outcome = waiting(desk, **more).send()

    assert (outcome.state, desk.now) == ("finished", MORNING)
    assert desk.ledger.canaries.get(desk.row().id) is None


def test_a_campaign_that_is_on_its_way_gets_none(desk: Desk) -> None:  # noqa: F811
    """Added to a campaign of which somebody was sent to before, a canary would say nothing about it."""
    outage = {"kind": "code", "code": 3, "skip": 20, "rate": 1.0, "endpoint": "single_send"}
    desk.world.set_faults(FaultPlan.model_validate({"faults": [outage]}))
    with pytest.raises(CampaignPaused):
        waiting(desk, canary=0.0).send()
    faults(desk)
    waiting(desk).send()

    assert desk.now == MORNING
    assert once(desk, 200)


def test_a_provider_without_receipts_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Where nobody could look nothing is frozen or sent; the plan says so, and what lets it go."""
    monkeypatch.setattr(Yunpian, "features", frozenset())
    monkeypatch.setattr(Yunpian, "acknowledges", None)  # nor does it push any
    spec = CampaignSpec.from_data(live.data(live.SINGLES, Path("memory.csv"), **CANARY))
    campaign, small = (
        open_campaign(spec, frame=people(n), environment=desk.environment, ledger=desk.ledger)
        for n in (200, LEAST_CANARY)
    )
    told = campaign.guards()
    with pytest.raises(GuardRefused, match="no receipts to fetch"):
        campaign.send()

    assert [guard.unless for guard in told] == [("canary", 0.0)]
    assert small.guards() == []
    assert desk.ledger.campaigns.find() == []


def test_a_rehearsal_has_its_canary_too(tmp_path: Path) -> None:
    """The built-in simulator reports at once, and a rehearsal waits for seconds, not hours."""
    spec = CampaignSpec.from_data(live.data(live.SINGLES, tmp_path / "x.csv", mode="rehearse", **CANARY))
    outcome: Outcome = open_campaign(spec, frame=people(60)).send()

    assert (outcome.state, outcome.books.accepted) == ("finished", 60)
    assert outcome.note.startswith("canary passed: of 20 people")


def test_a_kill_while_waiting(simulator: Simulator, tmp_path: Path) -> None:
    """A run that is killed in its wait is gone on with: the same canary, the rest of the same hour."""
    live.approve(simulator, live.SINGLES)
    simulator.world.set_faults(FaultPlan.model_validate({"receipts": AT_ONCE}))
    environ = live.SINGLES.environ(simulator.url, tmp_path)
    parameters = live.data(live.SINGLES, live.segment(tmp_path / "people.csv", 120), **CANARY)
    ledger = Ledger(environ["SMSKIT_DATABASE_URL"])
    process = live.start(parameters, environ)
    deadline = time.monotonic() + 60
    sent_at = None
    while sent_at is None and time.monotonic() < deadline:
        time.sleep(0.05)
        row = ledger.campaigns.get("live-1", Mode.LIVE)
        kept = ledger.canaries.get(row.id) if row else None
        sent_at = kept and kept.sent_at
    process.kill()
    process.join()
    assert sent_at is not None
    assert len(list(simulator.world.messages())) == 24

    started = datetime.fromtimestamp(sent_at, UTC) + timedelta(minutes=50)
    clock = [started]

    async def sleep(seconds: float) -> None:
        assert len(list(simulator.world.messages())) == 24
        clock[0] += timedelta(minutes=1)

    later = Ledger(environ["SMSKIT_DATABASE_URL"], clock=lambda: clock[0].timestamp())
    outcome = open_campaign(
        CampaignSpec.from_data(parameters), environment=Environment(environ), ledger=later, sleep=sleep
    ).send()
    ledger.close()
    later.close()

    assert clock[0] - started == timedelta(minutes=10)
    assert outcome.note.startswith("canary passed")
    sent = [m.phone for m in simulator.world.messages()]
    assert len(set(sent)) == len(sent) == 120
