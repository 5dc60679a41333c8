"""Kill, time-out and overlap: nobody twice, nobody lost. The simulator's own count is the judge."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from smskit.ledger import Ledger
from smskit.models import Mode
from smskit.sending.receipts import fetch
from smskit.sending.unknowns import settle_by_hand
from smskit.settings import Environment
from smskit.simulator import FaultPlan, Simulator
from tests import live
from tests.failpoints import POINTS

pytestmark = pytest.mark.kill


def settle(simulator: Simulator, environ: dict[str, str], ledger: Ledger, *, resend: bool = False) -> None:
    """Fetch until nothing more is settled; then, with *resend*, give a person's word on the rest."""
    row = ledger.campaigns.get("live-1", Mode.LIVE)
    assert row is not None
    quiet_since, quiet = time.monotonic(), 0  # since when, and how often since nothing was
    while (quiet < 8 or time.monotonic() < quiet_since + 4) and ledger.audience.counts(row.id).unknown:
        done = fetch(ledger, [row], environment=Environment(environ)).settled
        assert done.problems == []
        if done.found or done.never_taken:
            quiet_since, quiet = time.monotonic(), 0
        quiet += 1
        time.sleep(0.2)
    if resend:
        settle_by_hand(ledger, row, resend=True)


def start_up_s(simulator: Simulator, parameters: dict[str, Any], environ: dict[str, str]) -> float:
    """Seconds from a run's start to its first message; it is killed then."""
    before = simulator.world.accepted()
    began, run = time.monotonic(), live.start(parameters, environ)
    while simulator.world.accepted() == before:
        assert run.exitcode is None, "the run ended by itself with an error"
        assert time.monotonic() < began + 120, "nothing was sent"
        time.sleep(0.005)
    run.kill()
    run.join()
    return time.monotonic() - began


REQUESTS = 4
BATCHES = {"yunpian-singles": 1, "yunpian-multi": 20, "aliyun": 50, "chuanglan": 50, "tencent": 1}


class Line:
    """
    A live campaign whose runs die at points of `failpoints`.

    Args:
        requests: How many it takes to reach everybody.
        concurrency: How many may be on the way at a time.
    """

    def __init__(
        self, simulator: Simulator, folder: Path, name: str, ledger: str, *, requests: int, concurrency: int
    ) -> None:
        self.simulator, self.batch = simulator, BATCHES[name]
        self.people = requests * self.batch
        way = live.WAYS[name]
        live.approve(simulator, way)
        prefix = f"SMSKIT_{way.provider.upper()}_"
        self.environ = way.environ(simulator.url, folder, ledger)
        self.environ |= {f"{prefix}CONCURRENCY": str(concurrency), f"{prefix}TIMEOUT_S": "60"}
        self.parameters = live.data(way, live.segment(folder / "segment.csv", self.people))

    def die(self, point: str, request: int) -> None:
        """Run until it dies at *point* of its *request*-th request."""
        if point == "after-submit":
            self._die_unanswered(request)
            return
        run = live.start(self.parameters, self.environ, point=point, request=request)
        run.join(120)

        assert run.exitcode == -signal.SIGKILL, f"it did not come to {point}"

    def _die_unanswered(self, request: int) -> None:
        """Have it killed while the provider, which took the request, keeps its answer to itself."""
        before = self.simulator.world.accepted()
        hang = {"kind": "hang_after_accept", "skip": request - 1, "count": 1, "seconds": 90}
        self.simulator.world.set_faults(FaultPlan.model_validate({"faults": [hang]}))
        run = live.start(self.parameters, self.environ)
        give_up = time.monotonic() + 120
        while self.simulator.world.accepted() < before + request * self.batch:
            assert run.is_alive(), "it did not come to after-submit"
            assert time.monotonic() < give_up, "nothing was sent"
            time.sleep(0.005)
        run.kill()
        run.join()
        self.simulator.world.set_faults(FaultPlan())

    def finish(self) -> None:
        """Go on, ask the provider what became of what was under way, and give a person's word on the rest."""
        live.send(self.parameters, self.environ)
        ledger = Ledger(self.environ["SMSKIT_DATABASE_URL"])
        settle(self.simulator, self.environ, ledger, resend=True)
        ledger.close()
        live.send(self.parameters, self.environ)

    def assert_everybody_once(self) -> None:
        """By the provider's own count and by the ledger's."""
        books = live.books(self.environ)

        assert books.accepted == self.people
        assert live.balanced(books)
        assert self.simulator.world.accepted() == self.simulator.world.phones() == self.people
        assert self.simulator.world.doubled() == []


def test_every_way_has_its_batch() -> None:
    """No way of sending is left out below."""
    assert BATCHES.keys() == live.WAYS.keys()


@pytest.mark.parametrize("name", live.WAYS)
@pytest.mark.parametrize("point", POINTS)
def test_dead_at_a_point(
    simulator: Simulator, tmp_path: Path, database_url: str, name: str, point: str
) -> None:
    """Wherever a run dies, the ledger has what is known of each request, and the next run loses nobody."""
    line = Line(simulator, tmp_path, name, database_url, requests=REQUESTS, concurrency=1)
    expected = POINTS[point]
    line.die(point, expected.request)
    books = live.books(line.environ)

    assert live.balanced(books)
    assert books.accepted == expected.accepted * line.batch
    assert books.submitting == expected.under_way * line.batch
    assert simulator.world.accepted() == expected.taken * line.batch
    line.finish()
    line.assert_everybody_once()


@pytest.mark.parametrize("name", live.WAYS)
def test_dead_at_one_point_after_the_other(
    simulator: Simulator, tmp_path: Path, database_url: str, name: str
) -> None:
    """The same with eight requests on the way at a time, by seven runs of one campaign."""
    line = Line(simulator, tmp_path, name, database_url, requests=240, concurrency=8)
    for point in POINTS:
        line.die(point, request=3)

        assert live.balanced(live.books(line.environ))
    line.finish()
    line.assert_everybody_once()


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "people", "kills", "latency_s", "concurrency"),
    [
        ("yunpian-singles", 5000, 50, 0.03, 8),
        ("yunpian-multi", 5000, 50, 0.1, 1),
        ("aliyun", 4000, 15, 0.1, 1),
        ("chuanglan", 4000, 15, 0.1, 1),
        ("tencent", 2000, 15, 0.05, 8),
    ],
)
def test_killed_again_and_again(
    simulator: Simulator,
    tmp_path: Path,
    name: str,
    people: int,
    kills: int,
    latency_s: float,
    concurrency: int,
) -> None:
    """
    A run killed with SIGKILL at random instants and resumed each time reaches everybody exactly once.

    Where a provider cannot say that it never got a request, whoever stays unknown after all
    reports are in needs a person's word.
    """
    way = live.WAYS[name]
    simulator.world.set_faults(FaultPlan(seed=1, latency_s=latency_s))
    live.approve(simulator, way)
    environ = way.environ(simulator.url, tmp_path)
    environ[f"SMSKIT_{way.provider.upper()}_CONCURRENCY"] = str(concurrency)
    parameters = live.data(way, live.segment(tmp_path / "segment.csv", people))
    dice = random.Random(20261122)
    killed_while_sending = 0
    start_up_s(simulator, parameters, environ)  # starts the server that forks the runs, too
    start_s = start_up_s(simulator, parameters, environ)
    for _ in range(kills - 2):
        run = live.start(parameters, environ)
        # Before the first message leaves, and while they leave, whatever the machine's speed.
        time.sleep(dice.uniform(0.05, 1.5 * start_s + 4 * latency_s))
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
    assert last.exitcode == 0
    ledger = Ledger(environ["SMSKIT_DATABASE_URL"])
    settle(simulator, environ, ledger, resend=True)
    live.send(parameters, environ)

    after = live.books(environ)
    assert killed_while_sending >= kills // 2, "the kills came too late to prove anything"
    assert after.accepted == people
    assert live.balanced(after)
    assert simulator.world.accepted() == simulator.world.phones() == people
    assert simulator.world.doubled() == []


@pytest.mark.parametrize(
    ("name", "people"),
    [
        ("yunpian-singles", 2000),
        ("yunpian-multi", 8000),
        ("aliyun", 8000),
        ("chuanglan", 8000),
        ("tencent", 2000),
    ],
)
def test_unknown_is_settled_by_asking(simulator: Simulator, tmp_path: Path, name: str, people: int) -> None:
    """Answers lost after acceptance become unknown, one for one, are never resent, and get settled."""
    way = live.WAYS[name]
    faults = [
        {"kind": "drop_after_accept", "rate": 0.03},
        {"kind": "hang_after_accept", "count": 6, "skip": 10, "seconds": 60},
    ]
    simulator.world.set_faults(FaultPlan.model_validate({"seed": 5, "faults": faults}))
    live.approve(simulator, way)
    environ = way.environ(simulator.url, tmp_path) | {f"SMSKIT_{way.provider.upper()}_TIMEOUT_S": "6"}
    parameters = live.data(way, live.segment(tmp_path / "segment.csv", people))
    outcome = live.send(parameters, environ)
    injected = sum(kind["messages"] for kind in simulator.world.summary()["injected"].values())

    assert outcome.books.unknown == injected > 0
    assert outcome.books.accepted == people - injected
    simulator.world.set_faults(FaultPlan(seed=5))
    settle(simulator, environ, Ledger(environ["SMSKIT_DATABASE_URL"]))
    settled = live.books(environ)
    assert settled.unknown == 0
    assert settled.accepted == people
    assert simulator.world.accepted() == simulator.world.phones() == people


def test_never_taken_goes_back_to_waiting(simulator: Simulator, tmp_path: Path, database_url: str) -> None:
    """A request dropped before acceptance is unknown until the provider has no record; then it goes."""
    faults = [{"kind": "drop_before_accept", "rate": 0.05}]
    simulator.world.set_faults(FaultPlan.model_validate({"seed": 3, "faults": faults}))
    live.approve(simulator, live.SINGLES)
    environ = live.SINGLES.environ(simulator.url, tmp_path, database_url)
    parameters = live.data(live.SINGLES, live.segment(tmp_path / "segment.csv", 400))
    first = live.send(parameters, environ)
    simulator.world.set_faults(FaultPlan(seed=3))
    again = live.send(parameters, environ)

    assert first.books.unknown > 0
    assert first.books.accepted == 400 - first.books.unknown
    assert again.books.accepted == 400
    assert simulator.world.accepted() == simulator.world.phones() == 400


@pytest.mark.parametrize("name", live.WAYS)
def test_overlapping_runs(simulator: Simulator, tmp_path: Path, name: str, database_url: str) -> None:
    """The same campaign started twice at once and run again afterwards messages each phone once."""
    way = live.WAYS[name]
    simulator.world.set_faults(FaultPlan(seed=1, latency_s=0.3))
    live.approve(simulator, way)
    environ = way.environ(simulator.url, tmp_path, database_url)
    parameters = live.data(way, live.segment(tmp_path / "segment.csv", 200))
    runs = [live.start(parameters, environ) for _ in range(2)]
    for run in runs:
        run.join(60)
    again = live.send(parameters, environ)

    assert sorted(str(run.exitcode) for run in runs) in (["0", "4"], ["0", "0"])  # 4: another run is at it
    assert again.note.startswith("had finished before on ")
    assert again.books.accepted == 200
    assert simulator.world.accepted() == simulator.world.phones() == 200


def test_a_dead_run_is_settled_without_another(
    simulator: Simulator, tmp_path: Path, database_url: str
) -> None:
    """What a killed run had under way is settled by asking alone: after `not_after` there is no next run."""
    simulator.world.set_faults(FaultPlan(seed=1, latency_s=0.1))
    live.approve(simulator, live.MULTI)
    environ = live.MULTI.environ(simulator.url, tmp_path, database_url)
    parameters = live.data(live.MULTI, live.segment(tmp_path / "segment.csv", 2000))
    run = live.start(parameters, environ)
    give_up = time.monotonic() + 60
    while not simulator.world.accepted() and time.monotonic() < give_up:
        time.sleep(0.005)
    run.kill()
    run.join()
    under_way = live.books(environ).submitting
    simulator.world.set_faults(FaultPlan(seed=1))
    time.sleep(1)  # the last request arrives, and records may be believed
    ledger = Ledger(environ["SMSKIT_DATABASE_URL"])
    row = ledger.campaigns.get("live-1", Mode.LIVE)
    assert row is not None
    fetch(ledger, [row], environment=Environment(environ))
    after = ledger.audience.counts(row.id)
    ledger.close()

    assert under_way > 0
    assert after.submitting == after.unknown == 0
    assert after.accepted == simulator.world.accepted()
