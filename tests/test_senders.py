"""Several senders of one live campaign, real processes over a real server; the simulator judges."""

from __future__ import annotations

import bisect
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from smskit.ledger import Ledger
from smskit.models import Mode
from smskit.reporting import report
from smskit.simulator import FaultPlan, Simulator
from tests import live
from tests.postgres import Server

pytestmark = pytest.mark.long


class Line:
    """
    A live campaign over a server, and the processes that send it.

    Args:
        answers_s: How long the provider takes to answer.
    """

    def __init__(
        self, simulator: Simulator, folder: Path, url: str, *, people: int, answers_s: float
    ) -> None:
        simulator.world.set_faults(FaultPlan(seed=1, latency_s=answers_s))
        live.approve(simulator, live.MULTI)
        self.simulator, self.people = simulator, people
        self.environ = live.MULTI.environ(simulator.url, folder) | {
            "SMSKIT_DATABASE_URL": url,
            "SMSKIT_YUNPIAN_CONCURRENCY": "2",
            "SMSKIT_YUNPIAN_BATCH_SIZE": "10",
        }
        self.parameters = live.data(live.MULTI, live.segment(folder / "segment.csv", people))
        self.senders: list[ForkServerProcess] = []
        self.ledger = Ledger(url)

    def start(self, count: int = 1, **more: Any) -> list[ForkServerProcess]:
        """So many senders more."""
        started = [live.start(self.parameters, self.environ, **more) for _ in range(count)]
        self.senders += started
        return started

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until that is so."""
        give_up = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < give_up, [run.exitcode for run in self.senders]
            time.sleep(0.02)

    def until_accepted(self, people: int) -> None:
        """Wait until the provider has accepted so many."""
        self.until(lambda: self.simulator.world.accepted() >= people)

    def ends(self) -> list[int | None]:
        """How each process ended, once all have."""
        for run in self.senders:
            run.join(60)
        return [run.exitcode for run in self.senders]

    @property
    def status(self) -> dict[str, Any]:
        """As `smskit status --json` has it."""
        row = self.ledger.campaigns.get("live-1", Mode.LIVE)
        return report.status(self.ledger, row) if row else {"senders": [], "state": ""}

    def assert_everybody_once(self) -> None:
        """By the provider's own count and by the ledger's."""
        status = self.status

        assert self.simulator.world.accepted() == self.simulator.world.phones() == self.people
        assert self.simulator.world.doubled() == []
        assert status["accepted"] == self.people
        assert status["state"] == "finished"
        assert status["senders"] == []


@pytest.fixture
def url(postgres: Server) -> Iterator[str]:
    """The address of an empty schema."""
    with postgres.schema() as made:
        yield made


@pytest.fixture
def make(simulator: Simulator, tmp_path: Path, url: str) -> Iterator[Callable[..., Line]]:
    """Makes the line; its processes end with the test."""
    made: list[Line] = []

    def line(*, people: int = 3000, answers_s: float = 0.05) -> Line:
        made.append(Line(simulator, tmp_path, url, people=people, answers_s=answers_s))
        return made[-1]

    yield line
    for each in made:
        for run in each.senders:
            run.kill()
            run.join()
        each.ledger.close()


def test_whoever_starts_it_again_joins(make: Callable[..., Line]) -> None:
    """Three runs of one campaign share it, each ends with 0, and the status names them meanwhile."""
    line = make()
    line.start(2)
    line.until_accepted(20)
    line.start()
    line.until(lambda: len(line.status["senders"]) == 3)
    senders = line.status["senders"]

    assert {each["pid"] for each in senders} == {run.pid for run in line.senders}
    assert sum(each["chunks"] for each in senders) >= 2
    assert line.ends() == [0, 0, 0]
    line.assert_everybody_once()
    assert line.start()[0].join(60) is None
    assert line.ends()[-1] == 0  # it had finished before


def test_another_goes_on_where_one_was_killed(make: Callable[..., Line]) -> None:
    """A sender that is killed loses its chunks to the others at once, and nobody is lost."""
    line = make()
    line.start(3)
    line.until(lambda: len(line.status["senders"]) == 3 and line.simulator.world.accepted() > 100)
    lead = line.status["senders"][0]
    next(run for run in line.senders if run.pid == lead["pid"]).kill()

    assert sorted(map(str, line.ends())) == [str(-signal.SIGKILL), "0", "0"]
    line.assert_everybody_once()


def test_one_is_told_to_end_and_the_others_go_on(make: Callable[..., Line]) -> None:
    """SIGTERM ends one, with 4, and what it had is sent by the others."""
    line = make()
    line.start(2)
    line.until(lambda: len(line.status["senders"]) == 2 and line.simulator.world.accepted() > 100)
    line.senders[0].terminate()

    assert line.ends() == [4, 0]
    line.assert_everybody_once()


def test_a_stop_is_for_all(make: Callable[..., Line]) -> None:
    """`smskit stop` ends every sender with 4, also one that comes while they end; the next run goes on."""
    line = make()
    line.start(3)
    line.until(lambda: len(line.status["senders"]) == 3 and line.simulator.world.accepted() > 100)
    row = line.ledger.campaigns.get("live-1", Mode.LIVE)
    assert row is not None
    line.ledger.campaigns.request_stop(row.id)

    assert line.ends() == [4, 4, 4]
    assert line.status["state"] == "paused"
    assert line.status["waiting"] > 0
    line.start(2)
    assert line.ends() == [4, 4, 4, 0, 0]
    line.assert_everybody_once()


def requests_at(line: Line, *, people: int) -> list[float]:
    """When each request was accepted, by looking often, until so many people are."""
    times: list[float] = []

    def look() -> bool:
        accepted = line.simulator.world.accepted()
        times.extend([time.monotonic()] * (-(-accepted // 10) - len(times)))
        return accepted >= people

    while not look():
        assert any(run.is_alive() for run in line.senders), line.ends()
        time.sleep(0.002)
    return times


def busiest_second(times: list[float]) -> int:
    """The most requests that any second holds."""
    return max(bisect.bisect_left(times, at + 1.0) - n for n, at in enumerate(times))


@pytest.mark.parametrize("database", ["server", "file"])
def test_one_pace_for_an_account(make: Callable[..., Line], tmp_path: Path, database: str) -> None:
    """
    However many send through an account, no second holds more requests than its limit.

    On a server three senders of one campaign, on a file two campaigns.
    """
    limit, people = 20, 1500
    line = make(people=people, answers_s=0.02)
    line.environ["SMSKIT_YUNPIAN_REQUESTS_PER_SECOND"] = str(limit)
    if database == "server":
        line.start(3)
    else:
        line.environ["SMSKIT_DATABASE_URL"] = f"sqlite:///{tmp_path / 'own.db'}"
        Ledger(line.environ["SMSKIT_DATABASE_URL"]).close()
        for n, first in enumerate((13800100000, 13900100000)):
            segment = live.segment(tmp_path / f"{n}.csv", people // 2, first=first)
            line.parameters |= {"campaign": f"live-{n}", "segment": str(segment)}
            line.start()
    times = requests_at(line, people=people)

    assert set(line.ends()) == {0}
    assert busiest_second(times) <= limit * 1.25  # as they arrive: the way there is not always as long
