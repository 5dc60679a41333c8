"""Kill, time-out and overlap: nobody twice, nobody lost. The simulator's own count is the judge."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from smskit.ledger import Ledger
from smskit.models import Mode
from smskit.session import fetch
from smskit.settings import Environment
from smskit.simulator import FaultPlan, Simulator
from tests import live


@pytest.mark.parametrize(
    ("way", "people", "kills", "latency_s"),
    [
        pytest.param(live.SINGLES, 5000, 50, 0.03, id="yunpian-singles"),
        pytest.param(live.MULTI, 5000, 50, 0.25, id="yunpian-multi"),
    ],
)
def test_killed_again_and_again(
    simulator: Simulator, tmp_path: Path, way: live.Way, people: int, kills: int, latency_s: float
) -> None:
    """A run killed with SIGKILL at random instants and resumed each time reaches everybody exactly once."""
    simulator.world.set_faults(FaultPlan(seed=1, latency_s=latency_s))
    live.approve(simulator, way)
    environ = way.environ(simulator.url, tmp_path)
    parameters = live.data(way, live.segment(tmp_path / "segment.csv", people))
    dice = random.Random(20261122)
    killed_while_sending = 0
    for _ in range(kills):
        run = live.start(parameters, environ)
        time.sleep(dice.uniform(0.05, 0.75))
        assert run.exitcode in (None, 0), "the run ended by itself with an error"
        run.kill()
        run.join()
        before = live.books(environ)
        if before is not None:
            assert live.balanced(before)
            killed_while_sending += before.waiting > 0
    simulator.world.set_faults(FaultPlan(seed=1))
    last = live.start(parameters, environ)
    last.join(240)

    after = live.books(environ)
    assert last.exitcode == 0
    assert killed_while_sending >= kills // 2, "the kills came too late to prove anything"
    assert after.accepted == people
    assert live.balanced(after)
    assert simulator.world.accepted() == simulator.world.phones() == people
    assert simulator.world.doubled() == []


@pytest.mark.parametrize(
    ("way", "people"),
    [
        pytest.param(live.SINGLES, 2000, id="yunpian-singles"),
        pytest.param(live.MULTI, 8000, id="yunpian-multi"),
    ],
)
def test_unknown_is_settled_by_asking(
    simulator: Simulator, tmp_path: Path, way: live.Way, people: int
) -> None:
    """Answers lost after acceptance become unknown, one for one, are never resent, and are settled by receipts."""
    faults = [
        {"kind": "drop_after_accept", "rate": 0.03},
        {"kind": "hang_after_accept", "rate": 0.02, "seconds": 3},
    ]
    simulator.world.set_faults(FaultPlan.model_validate({"seed": 5, "faults": faults}))
    live.approve(simulator, way)
    environ = way.environ(simulator.url, tmp_path) | {"SMSKIT_YUNPIAN_TIMEOUT_S": "1"}
    parameters = live.data(way, live.segment(tmp_path / "segment.csv", people))
    outcome = live.send(parameters, environ)
    injected = sum(kind["messages"] for kind in simulator.world.summary()["injected"].values())

    assert outcome.books.unknown == injected > 0
    assert outcome.books.accepted == people - injected
    simulator.world.set_faults(FaultPlan(seed=5))
    ledger = Ledger(environ["SMSKIT_DATABASE_URL"])
    row = ledger.campaign("live-1", Mode.LIVE)
    assert row is not None
    fetched = fetch(ledger, [row], environment=Environment(environ))
    settled = ledger.books(row.id)
    assert fetched.settled.found == injected
    assert settled.unknown == 0
    assert settled.accepted == people
    assert simulator.world.accepted() == simulator.world.phones() == people


def test_never_taken_goes_back_to_waiting(simulator: Simulator, tmp_path: Path) -> None:
    """A request dropped before it was accepted is unknown until the provider has no record of it, then sent again."""
    faults = [{"kind": "drop_before_accept", "rate": 0.05}]
    simulator.world.set_faults(FaultPlan.model_validate({"seed": 3, "faults": faults}))
    live.approve(simulator, live.SINGLES)
    environ = live.SINGLES.environ(simulator.url, tmp_path)
    parameters = live.data(live.SINGLES, live.segment(tmp_path / "segment.csv", 400))
    first = live.send(parameters, environ)
    simulator.world.set_faults(FaultPlan(seed=3))
    again = live.send(parameters, environ)

    assert first.books.unknown > 0
    assert first.books.accepted == 400 - first.books.unknown
    assert again.books.accepted == 400
    assert simulator.world.accepted() == simulator.world.phones() == 400


def test_overlapping_runs(simulator: Simulator, tmp_path: Path) -> None:
    """The same campaign started twice at once and run again afterwards messages each phone once."""
    simulator.world.set_faults(FaultPlan(seed=1, latency_s=0.05))
    live.approve(simulator, live.SINGLES)
    environ = live.SINGLES.environ(simulator.url, tmp_path)
    parameters = live.data(live.SINGLES, live.segment(tmp_path / "segment.csv", 600))
    runs = [live.start(parameters, environ) for _ in range(2)]
    for run in runs:
        run.join(60)
    again = live.send(parameters, environ)

    assert sorted(run.exitcode for run in runs) == [0, 4]  # 4: another run is at it
    assert again.note == "finished before; nothing was sent again"
    assert again.books.accepted == 600
    assert simulator.world.accepted() == simulator.world.phones() == 600
