"""Every code a provider documents, forced once in a campaign over HTTP, ends in the state its class says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pandas as pd
import pytest

from smskit.errors import CampaignPaused
from smskit.ledger import Ledger, Tally
from smskit.models import CodeClass, Mode, State
from smskit.planning.spec import CampaignSpec
from smskit.providers import Feature, Job, Provider, provider_class, provider_names
from smskit.sending.access import ProviderAccess, ProviderFacts
from smskit.sending.campaign import Campaign, Outcome
from smskit.sending.patience import Patience
from smskit.sending.rehearsal import limits_of, provider_for
from smskit.settings import Environment
from smskit.simulator import FaultPlan, Simulator, World
from tests import live

# Nobody is waited for and nothing but an account stops a run, so that one run meets many codes.
HASTE = Patience(longest_deferral_s=0, failures_in_a_row=1, unknown_in_a_row=10_000, refused_in_a_row=10_000)
WAYS = {name: way for name, way in live.WAYS.items() if name != "yunpian-multi"}
BY_ITEM = [name for name, way in WAYS.items() if way.provider in ("yunpian", "tencent")]

STATE = {
    CodeClass.REFUSED: State.REFUSED,
    CodeClass.LATER: State.WAITING,  # asked to come later than a run waits
    CodeClass.RETRY: State.WAITING,
    CodeClass.ACCOUNT: State.WAITING,
    CodeClass.UNKNOWN: State.UNKNOWN,
}


def codes(way: live.Way, *kinds: CodeClass) -> list[str]:
    table = provider_class(way.provider).codes
    return [code for code, meant in table.items() if meant.kind in kinds]


class Runs:
    """Campaigns of one way of sending against one simulator, with a ledger of their own."""

    def __init__(self, simulator: Simulator, way: live.Way, folder: Path, **settings: str) -> None:
        more = {f"SMSKIT_{way.provider.upper()}_{name}": value for name, value in settings.items()}
        environ = way.environ(simulator.url, folder) | more
        self.way, self.world = way, simulator.world
        self.environment = Environment(environ)
        self.ledger = Ledger(environ["SMSKIT_DATABASE_URL"])
        live.approve(simulator, way)

    def force(self, codes: Sequence[str], scope: str = "call") -> None:
        """Let each of *codes* strike once, one after the other."""
        faults = [{"kind": "code", "code": code, "scope": scope, "count": 1} for code in codes]
        self.world.set_faults(FaultPlan.parse({"faults": faults}))

    def send(self, people: int, *, same: bool = False) -> Outcome:
        """Send, or go on sending, to *people*."""
        spec = CampaignSpec.from_data(live.data(self.way, Path("unused.csv")))
        frame = pd.DataFrame(
            {
                "user_id": [f"u{i}" for i in range(people)],
                "phone": [str(13800100000 + i) for i in range(people)],
                "name": ["会员" if same else f"用户{i}" for i in range(people)],
                "coupon": [50] * people,
            }
        )
        return Campaign(
            spec,
            self.ledger,
            ProviderAccess(ProviderFacts(limits_of(spec.provider, self.environment)), self._connect),
            frame=frame,
            patience=HASTE,
        ).send()

    def _connect(self, mode: Mode, job: Job | None) -> AbstractContextManager[Provider]:
        return provider_for(self.way.provider, mode, self.environment, job=job)

    @property
    def books(self) -> Tally:
        return self.ledger.audience.counts(self._row)

    def ends(self) -> dict[str, State]:
        """The code each person met, and the state it led to."""
        states = self.ledger.audience.states(self._row)[0]
        met = self.ledger.audience.history(self._row, 0).code
        return {code: State(state) for code, state in zip(met, states, strict=True)}

    @property
    def _row(self) -> int:
        row = self.ledger.campaigns.get("live-1", Mode.LIVE)
        assert row is not None
        return row.id


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


def test_every_provider_is_here() -> None:
    """All providers that the simulator speaks are in the tables below."""
    spoken = {name for name in provider_names() if provider_class(name).rehearsal}

    assert {way.provider for way in WAYS.values()} == spoken


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_codes_about_one_message(simulator: Simulator, tmp_path: Path, way: live.Way) -> None:
    """A code that is no reason to stop leads each person it meets where its class says; the run goes on."""
    documented = codes(way, CodeClass.REFUSED, CodeClass.LATER, CodeClass.UNKNOWN)
    runs = Runs(simulator, way, tmp_path, CONCURRENCY="1", BATCH_SIZE="1")
    runs.force(documented)
    with suppress(CampaignPaused):  # where a number has a limit of its own
        runs.send(len(documented) + 1)
    table = provider_class(way.provider).codes
    expected = {code: STATE[table[code].kind] for code in documented}
    met = runs.ends()
    (accepted,) = met.keys() - expected.keys()

    assert {code: met.get(code) for code in expected} == expected
    assert table[accepted].kind is CodeClass.ACCEPTED
    assert live.balanced(runs.books)
    assert simulator.world.accepted() == runs.books.accepted == 1


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_codes_that_stop_a_run(simulator: Simulator, tmp_path: Path, way: live.Way) -> None:
    """A code about the account, or of a busy provider, loses nobody: later the campaign reaches all."""
    documented = codes(way, CodeClass.ACCOUNT, CodeClass.RETRY)
    runs = Runs(simulator, way, tmp_path, CONCURRENCY="1", BATCH_SIZE="1")
    for code in documented:
        runs.force([code])
        with pytest.raises(CampaignPaused, match="3 people still waiting"):
            runs.send(3)
        assert runs.ends().get(code) is State.WAITING
        assert live.balanced(runs.books)
    runs.force([])
    outcome = runs.send(3)

    assert outcome.state == "finished"
    assert outcome.books.accepted == 3
    assert simulator.world.accepted() == simulator.world.phones() == 3


@pytest.mark.parametrize("way", [WAYS[name] for name in BY_ITEM], ids=BY_ITEM)
def test_codes_about_some_of_a_call(simulator: Simulator, tmp_path: Path, way: live.Way) -> None:
    """Where an answer has a code for each number, each leads its own person where its class says."""
    documented = codes(way, *STATE)
    runs = Runs(simulator, way, tmp_path, CONCURRENCY="1")
    runs.force(documented, "item")
    with pytest.raises(CampaignPaused):
        runs.send(len(documented) + 1, same=True)
    table = provider_class(way.provider).codes
    expected = {code: STATE[table[code].kind] for code in documented}
    met, before = runs.ends(), runs.books

    assert {code: met.get(code) for code in expected} == expected
    assert before.accepted == simulator.world.accepted() == 1
    assert live.balanced(before)

    runs.force([])
    after = runs.send(len(documented) + 1, same=True).books
    counted = Counter(expected.values())

    assert after.refused == counted[State.REFUSED]
    assert after.waiting == 0
    # What was unknown is asked about, and goes again only where "no record" proves that it was not taken.
    proves = provider_class(way.provider).records_prove_absence
    assert after.unknown == (0 if proves else counted[State.UNKNOWN])
    assert after.accepted == 1 + counted[State.WAITING] + counted[State.UNKNOWN] * proves
    assert simulator.world.accepted() == simulator.world.phones() == after.accepted


@pytest.mark.parametrize(
    ("way", "code"),
    [
        pytest.param(live.SINGLES, "-6", id="batch_send"),
        *[pytest.param(live.MULTI, code, id=f"multi_send{code}") for code in ("-6", "25", "-2", "-11", "55")],
    ],
)
def test_a_closed_batch_goes_one_by_one(
    simulator: Simulator, tmp_path: Path, way: live.Way, code: str
) -> None:
    """Where Yunpian closes a way of sending many at once, the same people are reached one by one, once."""
    runs = Runs(simulator, way, tmp_path, CONCURRENCY="1")
    runs.force([code])
    outcome = runs.send(50, same=way is live.SINGLES)

    assert outcome.books.accepted == 50
    assert simulator.world.accepted() == simulator.world.phones() == 50


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_code_nobody_documented(simulator: Simulator, tmp_path: Path, way: live.Way) -> None:
    """A new code leaves its person unknown, resent only if the provider proves that nothing was taken."""
    runs = Runs(simulator, way, tmp_path, CONCURRENCY="1", BATCH_SIZE="1")
    runs.force(["987654"])
    before = runs.send(2).books
    runs.force([])
    after = runs.send(2).books
    cls = provider_class(way.provider)
    proves = Feature.RECORDS in cls.features and cls.records_prove_absence

    assert (before.accepted, before.unknown) == (1, 1)
    assert (after.accepted, after.unknown) == ((2, 0) if proves else (1, 1))
    assert simulator.world.doubled() == []
