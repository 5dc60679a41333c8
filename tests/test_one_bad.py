"""Whatever a provider answers for some people, for ever, everybody else of the campaign is sent to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smskit.errors import CampaignPaused, RateLimited, Refused, Unreachable
from smskit.ledger import Ledger
from smskit.ledger.opening import open_ledger
from smskit.models import CodeClass, Mode, State, Submission
from smskit.planning.spec import CampaignSpec
from smskit.providers import Job, Provider, provider_class
from smskit.providers.calls import Call
from smskit.reporting import frames, report
from smskit.sending.access import ProviderAccess, ProviderFacts
from smskit.sending.campaign import Campaign
from smskit.sending.patience import Patience
from smskit.sending.rehearsal import limits_of, provider_for
from smskit.sending.session import open_campaign
from smskit.settings import Environment
from smskit.simulator import FaultPlan, Simulator, World
from tests import live
from tests.providers.test_generic import LanternServer, lantern, lantern_spec  # noqa: F401 - a fixture
from tests.test_engine import OK, Scripted, failing, freeze, run

FIRST = 13800100000
PEOPLE = 40
WAYS = {name: way for name, way in live.WAYS.items() if name != "yunpian-multi"}


def later(provider: str) -> list[str]:
    """Every code of a provider that means "not now", also those that mean "not today"."""
    return [
        code
        for code, known in provider_class(provider).codes.items()
        if known.kind in (CodeClass.LATER, CodeClass.RETRY)
    ]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is waited for; that pauses are kept is for other tests."""
    monkeypatch.setattr("smskit.sending.engine.pause_s", lambda hint, failures: 0.0)


@pytest.fixture(scope="module")
def shared() -> Iterator[Simulator]:
    with Simulator(world=World()) as running:
        yield running


@pytest.fixture
def simulator(shared: Simulator) -> Simulator:
    """One for the module: what was accepted and the faults are forgotten between tests."""
    shared.world.set_faults(FaultPlan())
    shared.world.reset()
    return shared


class Runs:
    """A campaign of one way of sending against a simulator, run again and again."""

    def __init__(
        self, simulator: Simulator, way: live.Way, folder: Path, *, at_once: int, batch: int, **more: Any
    ) -> None:
        prefix = f"SMSKIT_{way.provider.upper()}_"
        size = {} if way.provider == "tencent" else {f"{prefix}BATCH_SIZE": str(batch)}
        environ = way.environ(simulator.url, folder) | {f"{prefix}CONCURRENCY": str(at_once)} | size
        self.way, self.world, self.more = way, simulator.world, more
        self.environment = Environment(environ)
        self.ledger = Ledger(environ["SMSKIT_DATABASE_URL"])
        # Tencent takes as many numbers as have equal values; one each where all have values of their own.
        self.same = batch > 1
        live.approve(simulator, way)

    def refuse(self, bad: dict[int, str]) -> None:
        """Refuse each call with a person of these, by position, with the code."""
        faults = [{"kind": "code", "code": c, "phones": [str(FIRST + i)]} for i, c in bad.items()]
        self.world.set_faults(FaultPlan.parse({"faults": faults}))

    def send(self, people: int = PEOPLE) -> None:
        """Send, or go on sending."""
        spec = CampaignSpec.from_data(live.data(self.way, Path("unused.csv"), **self.more))
        frame = pd.DataFrame(
            {
                "user_id": [f"u{i}" for i in range(people)],
                "phone": [str(FIRST + i) for i in range(people)],
                "name": ["会员" if self.same else f"用户{i}" for i in range(people)],
                "coupon": [50] * people,
            }
        )
        facts = ProviderFacts(limits_of(spec.provider, self.environment), reports=True)
        Campaign(spec, self.ledger, ProviderAccess(facts, self._connect), frame=frame).send()

    def _connect(self, mode: Mode, job: Job | None) -> AbstractContextManager[Provider]:
        return provider_for(self.way.provider, mode, self.environment, job=job)

    @property
    def row(self) -> Any:
        return self.ledger.campaigns.get("live-1", Mode.LIVE)

    def waiting(self) -> dict[int, str]:
        """Who waits, by position in the file, and with which code."""
        frame = frames.messages_frame(self.ledger, self.row, reveal=True)
        left = frame[frame.state == "waiting"]
        phones = left.phone.str[-11:].astype(int) - FIRST
        assert set(left.reason) <= {"not_taken"}
        return dict(zip(phones.tolist(), left.provider_code.tolist(), strict=True))

    def calls(self) -> int:
        """How many calls the simulator refused."""
        return int(self.world.tally.as_dict().get("code", {"calls": 0})["calls"])


@pytest.mark.parametrize("batch", [1, 20], ids=["single", "batch"])
@pytest.mark.parametrize("at_once", [1, 2, 16])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_nobody_is_held_up(
    simulator: Simulator, tmp_path: Path, way: live.Way, at_once: int, batch: int
) -> None:
    """Each code that means "not now" is one person's for ever: those wait with it, all others are sent to."""
    bad = {3 * i: code for i, code in enumerate(later(way.provider))}
    runs = Runs(simulator, way, tmp_path, at_once=at_once, batch=batch)
    runs.refuse(bad)
    for _ in range(2):  # a run, and its resume
        with pytest.raises(CampaignPaused, match=f"{len(bad)} people still waiting") as paused:
            runs.send()
        assert paused.value.exit_code == 4
        assert runs.waiting() == bad
        assert simulator.world.accepted() == simulator.world.phones() == PEOPLE - len(bad)
    runs.refuse({})
    runs.send()

    assert runs.waiting() == {}
    assert simulator.world.accepted() == simulator.world.phones() == PEOPLE


@pytest.mark.parametrize("at_once", [1, 2, 16])
@pytest.mark.parametrize("position", [0, PEOPLE - 1])
def test_one_person_is_tried_a_few_times(
    simulator: Simulator, tmp_path: Path, at_once: int, position: int
) -> None:
    """Yunpian's -51 for one number costs a few calls a run, and is told of where people look."""
    runs = Runs(simulator, live.SINGLES, tmp_path, at_once=at_once, batch=1)
    runs.refuse({position: "-51"})
    asked = []
    for _ in range(3):
        with pytest.raises(CampaignPaused):
            runs.send()
        asked.append(runs.calls())
    status = report.status(runs.ledger, runs.row)
    why = frames.why_frame(runs.ledger, runs.row, f"u{position}", reveal=False)

    assert asked[0] == Patience().attempts
    assert asked[2] - asked[1] < Patience().attempts
    assert (status["state"], status["waiting"], status["accepted"]) == ("paused", 1, PEOPLE - 1)
    assert "1 person was tried and not taken for now" in status["note"]
    assert "-51" in status["note"]
    assert why.provider_code.tolist()[-1] == "-51"


def test_a_canary_passes_without_one_of_it(simulator: Simulator, tmp_path: Path) -> None:
    """A person of the canary who is refused for now counts as failed there, and holds up nobody."""
    more = {"canary": 0.5, "canary_wait": "0s", "canary_max_failure": 0.1}
    runs = Runs(simulator, live.SINGLES, tmp_path, at_once=2, batch=1, **more)
    runs.refuse({5: "-51"})
    simulator.world.set_faults(
        simulator.world.faults.plan.model_copy(
            update={"receipts": FaultPlan.parse({"receipts": {"delay_s": [0, 0]}}).receipts}
        )
    )
    with pytest.raises(CampaignPaused, match="1 person still waiting"):
        runs.send()

    assert runs.waiting() == {5: "-51"}
    assert simulator.world.accepted() == PEOPLE - 1


@pytest.mark.parametrize("at_once", [1, 16])
@pytest.mark.parametrize(("code", "batch"), [("5001", 1), ("5001", 20), ("1003", 1), ("1003", 20)])
def test_an_own_ssp(
    lantern: LanternServer,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    batch: int,
    at_once: int,
) -> None:
    """A provider by configuration: a request that is refused as a whole, or a number in it."""
    monkeypatch.setenv("SMSKIT_HTTP_CONCURRENCY", str(at_once))
    monkeypatch.setenv("SMSKIT_HTTP_BATCH_SIZE", str(batch))
    bad = "13800000007"
    if code == "5001":
        lantern.busy = {bad: int(code)}
    else:
        lantern.refuse[bad] = int(code)
    rows = [f"u{i},{13800000000 + i},{'张三' if batch > 1 else f'张{i}'}" for i in range(PEOPLE)]
    for _ in range(2):
        with pytest.raises(CampaignPaused, match="1 person still waiting"):
            open_campaign(lantern_spec(tmp_path, rows), ledger=open_ledger()).send()
        sent = [message["to"] for message in lantern.accepted]
        assert len(sent) == len(set(sent)) == PEOPLE - 1
        assert bad not in sent


# -- an outage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 20], ids=["single", "batch"])
@pytest.mark.parametrize("at_once", [1, 2, 16])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_an_outage_stops_soon(
    simulator: Simulator, tmp_path: Path, way: live.Way, at_once: int, batch: int
) -> None:
    """Where everybody is refused for now, a run ends after few calls, and everybody keeps waiting."""
    runs = Runs(simulator, way, tmp_path, at_once=at_once, batch=batch)
    most = Patience().failures_in_a_row + at_once
    # So many that there is somebody new for every call: who failed before comes last, and counts less.
    people = most * (200 if way.provider == "tencent" and batch > 1 else batch)  # Tencent: 200 in a call
    (busy, *_) = [c for c, known in provider_class(way.provider).codes.items() if known.kind == "retry"]
    simulator.world.set_faults(FaultPlan.parse({"faults": [{"kind": "code", "code": busy, "rate": 1.0}]}))
    with pytest.raises(CampaignPaused, match="in a row did not get through"):
        runs.send(people)

    assert runs.calls() < most
    assert simulator.world.accepted() == 0
    simulator.world.set_faults(FaultPlan())
    runs.send(people)
    assert simulator.world.accepted() == simulator.world.phones() == people


@pytest.mark.parametrize("batch", [1, 20], ids=["single", "batch"])
@pytest.mark.parametrize("at_once", [1, 16])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_who_is_at_a_limit_for_a_day_waits_alone(
    simulator: Simulator, tmp_path: Path, way: live.Way, at_once: int, batch: int
) -> None:
    """However many numbers are at a daily limit: all others in one run, which says when to go on."""
    longest = max((k.retry_after_s or 0, c) for c, k in provider_class(way.provider).codes.items())
    if longest[0] <= Patience().longest_deferral_s:
        return  # its table has none
    bad = dict.fromkeys(range(25), longest[1])
    runs = Runs(simulator, way, tmp_path, at_once=at_once, batch=batch)
    runs.refuse(bad)
    with pytest.raises(
        CampaignPaused, match=r"25 people still waiting: .* run it again after 2\d\d\d-"
    ) as paused:
        runs.send()

    assert paused.value.exit_code == 4
    assert runs.waiting() == bad
    assert simulator.world.accepted() == simulator.world.phones() == PEOPLE - 25
    assert batch > 1 or runs.calls() == 25
    runs.refuse({})
    runs.send()
    assert simulator.world.accepted() == simulator.world.phones() == PEOPLE


@pytest.mark.parametrize("at_once", [1, 2, 16])
def test_an_hour_s_pause_for_a_group_is_not_everybody_s(ledger: Ledger, at_once: int) -> None:
    """A request with one person in it that asks for a pause of an hour is cut until it is theirs alone."""
    campaign = freeze(ledger, 200)

    def answer(call: Call) -> list[Submission]:
        if "+8613800000047" in call.phones:
            raise RateLimited("busy", retry_after_s=3600.0)
        return [OK] * len(call)

    provider = Scripted(answer, batch=20, concurrency=at_once)
    ended = run(ledger, campaign, provider)
    states = ledger.audience.states(campaign)[0]

    assert [i for i, state in enumerate(states) if state == State.WAITING] == [47]
    assert not ended.stopped
    assert "run it again after" in ended.not_taken


def answering(bad: Sequence[int], *, code: str = "busy") -> Callable[[Call], list[Submission]]:
    """Refuse a call with any of these people as a whole; they are counted from 0."""
    phones = {f"+{8613800000000 + i}" for i in bad}

    def answer(call: Call) -> list[Submission]:
        if phones & set(call.phones):
            if code == "later":
                raise Refused("limited", code="later")
            raise RateLimited("busy", retry_after_s=1.0)
        return [OK] * len(call)

    return answer


@pytest.mark.parametrize("at_once", [1, 2, 16])
@pytest.mark.parametrize("people", [1, 5, 200, 1000])
def test_an_outage_of_one_call(ledger: Ledger, people: int, at_once: int) -> None:
    """A whole campaign in one call, refused for ever, is cut and given up in far fewer calls than people."""
    campaign = freeze(ledger, people)
    provider = Scripted(answering(range(people)), batch=1000, concurrency=at_once)
    ended = run(ledger, campaign, provider)

    assert ended.not_taken or ended.stopped
    assert len(provider.asked) <= min(4 * people, Patience().fruitless_in_a_row + at_once)
    assert ledger.audience.counts(campaign).waiting == people


@pytest.mark.parametrize("people", [1, 50])
def test_no_connection_is_nobodys_fault(ledger: Ledger, people: int) -> None:
    """Without a connection the same person's requests count like others', and nobody is given up."""
    campaign = freeze(ledger, people)
    provider = Scripted(failing(Unreachable("no route")), batch=50, concurrency=1)
    ended = run(ledger, campaign, provider)

    assert "in a row did not get through" in (ended.stopped or ended.not_taken)
    assert [len(asked) for asked in provider.asked] == [people] * Patience().failures_in_a_row


def test_limits_of_numbers_stop_in_the_end(ledger: Ledger) -> None:
    """When each person in a row is at a limit of their own, it is not theirs."""
    limited = [Submission(CodeClass.LATER, "", "later")]
    provider = Scripted(lambda call: limited, concurrency=1)
    campaign = freeze(ledger, 500)
    ended = run(ledger, campaign, provider)

    assert "in a row" in ended.stopped
    assert len(provider.asked) == Patience().limited_in_a_row
    assert ledger.audience.counts(campaign).waiting == 500


def test_a_later_run_begins_with_the_others(ledger: Ledger) -> None:
    """A row of bad people in front stops the first run only: the next one sends to the others first."""
    campaign = freeze(ledger, 100)
    bad = range(15)
    ends = []
    for _ in range(4):
        provider = Scripted(answering(bad), concurrency=1)
        ends.append(run(ledger, campaign, provider))
        assert ledger.audience.counts(campaign).waiting >= 15
    states = ledger.audience.states(campaign)[0]

    assert ends[0].stopped
    assert not ends[3].stopped
    assert ends[3].not_taken
    assert [i for i, state in enumerate(states) if state == State.WAITING] == list(bad)


@settings(max_examples=10, deadline=None)
@given(
    bad=st.sets(st.integers(0, 149), max_size=12),
    batch=st.sampled_from([1, 7, 50, 200]),
    at_once=st.sampled_from([1, 2, 16]),
    code=st.sampled_from(["busy", "later"]),
)
def test_in_the_end_only_the_bad_wait(
    tmp_path_factory: pytest.TempPathFactory, bad: set[int], batch: int, at_once: int, code: str
) -> None:
    """Whoever is bad, wherever they stand: after a few runs all others were taken once, in bounded calls."""
    ledger = Ledger(f"sqlite:///{tmp_path_factory.mktemp('bad') / 'ledger.db'}")
    campaign = freeze(ledger, 150)
    taken: list[str] = []

    def answer(call: Call) -> list[Submission]:
        results = answering(sorted(bad), code=code)(call)
        taken.extend(call.phones)
        return results

    for _ in range(4):
        provider = Scripted(answer, batch=batch, concurrency=at_once)
        run(ledger, campaign, provider)
        assert len(provider.asked) < 1000
    states = ledger.audience.states(campaign)[0]
    ledger.close()

    assert {i for i, state in enumerate(states) if state == State.WAITING} == bad
    assert len(taken) == len(set(taken)) == 150 - len(bad)
