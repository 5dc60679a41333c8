"""A run in the background: once, held, stopped, resumed, seen from elsewhere, after a kill."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smskit.errors import GuardRefused, LedgerLocked
from smskit.ledger import Ledger
from smskit.models import Mode
from smskit.sending.background import Pace, Phase, Run, Snapshot, run_of, unfinished
from smskit.simulator import Simulator
from tests import live

PEOPLE = 60
AT_ONCE = 4


class Stage:
    """A live campaign of ``PEOPLE`` over the simulator, slow enough to be met on its way."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        settings = {"REQUESTS_PER_SECOND": "20", "CONCURRENCY": str(AT_ONCE)}
        way = live.Way("yunpian", {"API_KEY": live.YUNPIAN_KEY}, settings)
        live.approve(simulator, way)
        self.simulator = simulator
        self.environ = way.environ(simulator.url, folder)
        self.parameters = live.data(way, live.segment(folder / "people.csv", PEOPLE))
        self.ledger = Ledger(self.environ["SMSKIT_DATABASE_URL"])
        self.run = Run(self.ledger, "live-1", Mode.LIVE)

    def campaign(self, **more: Any) -> Any:
        return live.campaign(self.parameters | more, self.environ)

    def until(self, wanted: Callable[[Snapshot], bool]) -> Snapshot:
        """Look again and again until it is so."""
        deadline = time.monotonic() + 60
        while not wanted(seen := self.run.look()):
            assert time.monotonic() < deadline, seen
            time.sleep(0.02)
        return seen

    def hurry(self) -> None:
        """Whoever goes on from now on does so as fast as it can."""
        self.environ["SMSKIT_YUNPIAN_REQUESTS_PER_SECOND"] = "0"

    @property
    def accepted(self) -> int:
        return self.simulator.world.accepted()


@pytest.fixture
def stage(tmp_path: Path, simulator: Simulator) -> Stage:
    """A slow campaign."""
    return Stage(tmp_path, simulator)


def test_started_twice_it_sends_once(stage: Stage) -> None:
    """The second start of a run under way is refused, and everybody gets exactly one message."""
    before = stage.run.look()
    started = [stage.run.start(stage.campaign()) for _ in range(3)]
    moving = stage.until(lambda s: s.phase is Phase.SENDING and s.done > 5 and s.rate > 0)
    stage.run.wait()
    after = stage.run.look()

    assert (before.phase, before.row) == (Phase.NEW, None)
    assert started == [True, False, False]
    assert moving.left_s is not None
    assert moving.left_s > 0
    assert (after.phase, after.done, after.error) == (Phase.FINISHED, PEOPLE, None)
    assert stage.accepted == stage.simulator.world.phones() == PEOPLE


def test_two_runs_at_once_send_once(stage: Stage) -> None:
    """Two that know nothing of each other: the ledger lets one send; the other sees it and follows."""
    other = Run(stage.ledger, "live-1", Mode.LIVE)
    stage.run.start(stage.campaign())
    stage.until(lambda s: s.done > 3)
    stage.run.pause()  # it has the campaign until the other has tried, however long that takes
    other.start(stage.campaign())
    other.wait()
    followed = other.look()
    stage.run.unpause()
    stage.run.wait()

    assert isinstance(followed.error, LedgerLocked)
    assert followed.phase is Phase.ELSEWHERE
    assert other.look().phase is Phase.FINISHED
    assert stage.accepted == stage.simulator.world.phones() == PEOPLE


def test_held_it_sends_nothing_and_goes_on(stage: Stage) -> None:
    """On hold nothing leaves, the campaign stays this run's, and going on serves the rest."""
    stage.run.start(stage.campaign())
    stage.until(lambda s: s.done > 5)
    stage.run.pause()
    held, sent = stage.run.look(), stage.accepted
    time.sleep(1.0)  # in which 20 would leave
    later = stage.accepted
    stage.run.unpause()
    stage.run.wait()

    assert held.phase is Phase.HELD
    assert held.left_s is None
    assert later <= sent + AT_ONCE < PEOPLE  # what is on its way arrives
    assert stage.run.look().phase is Phase.FINISHED
    assert stage.accepted == stage.simulator.world.phones() == PEOPLE


def test_stopped_and_resumed(stage: Stage) -> None:
    """A stopped run ends with people waiting; another object, as a reopened page makes one, goes on."""
    stage.run.start(stage.campaign())
    stage.until(lambda s: s.done > 5)
    stage.run.stop()
    stopping = stage.run.look()
    stage.run.wait()
    stopped = stage.run.look()
    listed = unfinished(stage.ledger)
    reopened = Run(stage.ledger, "live-1", Mode.LIVE)
    seen = reopened.look()
    stage.hurry()
    reopened.start(stage.campaign())
    reopened.wait()

    assert stopping.phase is Phase.STOPPING
    assert (stopped.phase, seen.phase) == (Phase.STOPPED, Phase.STOPPED)
    assert stopped.phase.can_resume
    assert stopped.books is not None
    assert 0 < stopped.books.waiting < PEOPLE
    assert [s.row.name for s in listed if s.row] == ["live-1"]
    assert reopened.look().phase is Phase.FINISHED
    assert stage.accepted == stage.simulator.world.phones() == PEOPLE


def test_stopped_before_it_sent(stage: Stage) -> None:
    """A stop that comes while a run is still being prepared is kept: nothing leaves."""
    stage.run.start(stage.campaign())
    stage.run.stop()
    stage.run.wait()

    assert stage.run.look().phase is Phase.STOPPED
    assert stage.accepted == 0


def test_a_run_in_another_process_is_followed_and_stopped(stage: Stage) -> None:
    """Its books are seen to move from here, a stop from here reaches it, and it may be resumed here."""
    process = live.start(stage.parameters, stage.environ)
    followed = stage.until(lambda s: s.phase is Phase.ELSEWHERE and s.done > 5)
    stage.run.stop()
    process.join(60)
    stopped = stage.run.look()
    stage.hurry()
    stage.run.start(stage.campaign())
    stage.run.wait()

    assert followed.owner is not None
    assert (followed.owner.pid, followed.owner.here) == (process.pid, False)
    assert stopped.phase is Phase.STOPPED
    assert stage.run.look().phase is Phase.FINISHED
    assert stage.accepted == stage.simulator.world.phones() == PEOPLE


def test_killed_and_resumed(stage: Stage) -> None:
    """After kill -9 of the process that sent, it is interrupted; resumed, nobody is sent to twice or lost."""
    process = live.start(stage.parameters, stage.environ)
    stage.until(lambda s: s.phase is Phase.ELSEWHERE and s.done > 5)
    process.kill()
    process.join(60)
    interrupted = stage.run.look()
    stage.hurry()
    stage.run.start(stage.campaign())
    stage.run.wait()
    after = stage.run.look()

    assert interrupted.phase is Phase.INTERRUPTED
    assert interrupted.phase.can_resume
    assert after.books is not None
    assert live.balanced(after.books)
    assert after.books.waiting == after.books.submitting == 0
    assert stage.accepted == stage.simulator.world.phones() == PEOPLE - after.books.unknown


def test_a_refused_run_says_why(stage: Stage) -> None:
    """A guard's refusal is kept to be shown; nothing was sent, and a right one may be started after it."""
    stage.run.start(stage.campaign(plan_hash="p" + "0" * 24))
    stage.run.wait()
    refused = stage.run.look()
    stage.hurry()
    stage.run.start(stage.campaign())
    stage.run.wait()

    assert refused.phase is Phase.NEW
    assert isinstance(refused.error, GuardRefused)
    assert stage.run.look().error is None
    assert stage.accepted == PEOPLE


def test_one_run_a_campaign(ledger: Ledger) -> None:
    """Whoever asks for the run of a campaign in this process gets the same one."""
    assert run_of(ledger, "a", Mode.LIVE) is run_of(ledger, "a", Mode.LIVE)
    assert run_of(ledger, "a", Mode.LIVE) is not run_of(ledger, "a", Mode.REHEARSE)


def test_pace() -> None:
    """The rate is that of the last span, and starts anew when the count goes back."""
    pace = Pace(span_s=10)
    rates = [pace.rate(at, done) for at, done in ((0, 0), (1, 10), (11, 10), (21, 30), (22, 0), (23, 5))]

    assert rates == [0.0, 10.0, 0.0, 2.0, 0.0, 5.0]
