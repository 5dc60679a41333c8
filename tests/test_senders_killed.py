"""Four senders that are killed, whose server crashes and whose wire is cut: nobody twice, nobody lost."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from smskit.simulator import FaultPlan, Simulator
from tests import live
from tests.postgres import Server
from tests.senders import Line
from tests.test_survival import settle
from tests.wire import Wire

pytestmark = pytest.mark.kill
SENDERS = 4


@pytest.fixture
def own() -> Iterator[Server]:
    """A server that a test may crash."""
    made = Server()
    yield made
    made.close()


def at_work(line: Line) -> list[ForkServerProcess]:
    """The processes that have people to send to."""
    have = {each["pid"] for each in line.status["senders"] if each["chunks"]}
    return [run for run in line.senders if run.pid in have and run.is_alive()]


@pytest.mark.parametrize(
    ("kills", "crashes", "cuts"),
    [
        pytest.param(20, 2, 2, id="ci"),
        pytest.param(200, 10, 10, marks=[pytest.mark.nightly, pytest.mark.timeout(5400)], id="night"),
    ],
)
def test_killed_crashed_and_cut(
    simulator: Simulator, tmp_path: Path, own: Server, kills: int, crashes: int, cuts: int
) -> None:
    """
    Whoever is killed in the midst of sending is replaced; the server crashes and the wire is cut meanwhile.

    Half of the senders reach the server through the wire. What was under way is unknown, no more, and is
    settled by asking.
    """
    line = Line(simulator, tmp_path, own.url(), people=250 * kills, answers_s=0.1)
    line.environ |= {"SMSKIT_YUNPIAN_BATCH_SIZE": "5", "SMSKIT_YUNPIAN_REQUESTS_PER_SECOND": "30"}
    wire = Wire(own.folder / ".s.PGSQL.5432")
    through = f"postgresql+psycopg://postgres@127.0.0.1:{wire.port}/postgres"
    dice = random.Random(20261129)
    events = ["kill"] * kills + ["crash"] * crashes + ["cut"] * cuts
    dice.shuffle(events)

    def start(number: int) -> None:
        line.start(environ={"SMSKIT_DATABASE_URL": through} if number % 2 else {})

    for number in range(SENDERS):
        start(number)
    line.until_accepted(1)
    for number, event in enumerate(events):
        line.until_accepted(int(0.9 * line.people * number / len(events)))  # all along the way
        time.sleep(dice.uniform(0.05, 0.5))
        match event:
            case "kill":
                line.until(lambda: bool(at_work(line)))
                victim = dice.choice(at_work(line) or [run for run in line.senders if run.is_alive()])
                victim.kill()
                victim.join()
                start(number)
            case "crash":
                own.crash()
                time.sleep(0.5)
                own.start()
            case "cut":
                wire.cut()
                threading.Timer(3.0, wire.mend).start()
        counts = live.books(line.environ)
        assert live.balanced(counts)
        assert counts.waiting, "all were sent to before the end"
    line.environ["SMSKIT_YUNPIAN_REQUESTS_PER_SECOND"] = "0"
    start(0)
    ends = line.ends(within_s=60 + line.people / 25)
    wire.mend()
    simulator.world.set_faults(FaultPlan(seed=1))
    settle(simulator, line.environ, line.ledger, resend=True)
    live.send(line.parameters, line.environ)

    assert set(ends) == {0, -signal.SIGKILL}, ends
    assert ends.count(-signal.SIGKILL) == kills
    line.assert_everybody_once()
    line.close()
    wire.close()
