"""Told to end, a campaign ends cleanly: what is on the way is finished, and nothing new leaves."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from smskit.errors import CampaignPaused
from smskit.ledger import Ledger, Tally
from smskit.models import Mode
from smskit.sending.campaign import Campaign
from smskit.sending.signals import heard
from smskit.simulator import FaultPlan, Simulator
from tests import live

PEOPLE = 40


class Desk:
    """A live campaign whose requests take their time."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.world = simulator.world
        self.environ = live.SINGLES.environ(simulator.url, folder)
        self.environ |= {"SMSKIT_YUNPIAN_CONCURRENCY": "4", "SMSKIT_YUNPIAN_TIMEOUT_S": "10"}
        self.source = live.segment(folder / "people.csv", PEOPLE)
        self.ledger = Ledger(self.environ["SMSKIT_DATABASE_URL"])
        live.approve(simulator, live.SINGLES)

    def campaign(self, **environ: str) -> Campaign:
        return live.campaign(live.data(live.SINGLES, self.source), self.environ | environ)

    def faults(self, *faults: dict[str, Any]) -> None:
        self.world.set_faults(FaultPlan.model_validate({"faults": list(faults)}))

    def is_slow(self) -> bool:
        """Whether a request is being answered slowly."""
        return bool(self.world.summary()["injected"].get("slow"))

    def has_run_for(self, seconds: float) -> Callable[[], bool]:
        """Whether a run has owned the campaign for so long."""
        since: list[float] = []

        def long_enough() -> bool:
            row = self.ledger.campaigns.get("live-1", Mode.LIVE)
            if row is not None and row.state == "running":
                since.append(time.monotonic())
            return bool(since) and time.monotonic() > since[0] + seconds

        return long_enough

    @property
    def books(self) -> Tally:
        row = self.ledger.campaigns.get("live-1", Mode.LIVE)
        assert row is not None
        return self.ledger.audience.counts(row.id)

    def once(self) -> bool:
        return self.world.accepted() == self.world.phones() == PEOPLE


@pytest.fixture
def desk(tmp_path: Path, simulator: Simulator) -> Iterator[Desk]:
    """A desk whose provider is the simulator."""
    made = Desk(tmp_path, simulator)
    yield made
    made.ledger.close()


@contextmanager
def told(numbers: list[signal.Signals], when: Callable[[], bool]) -> Iterator[None]:
    """Have this process told to end once *when* is so, with these signals one after the other."""
    over = False

    def late(number: int, frame: Any) -> None:
        # Nobody hears a signal that comes after all is over, or it would end the tests.
        if number == signal.SIGINT and not over:
            signal.default_int_handler(number, frame)

    def work() -> None:
        give_up = time.monotonic() + 60
        while not when() and time.monotonic() < give_up:
            time.sleep(0.01)
        for number in numbers:
            os.kill(os.getpid(), number)
            time.sleep(0.1)

    kept = {number: signal.signal(number, late) for number in set(numbers)}
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over = True
        thread.join()
        for number, handler in kept.items():
            signal.signal(number, handler)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        pytest.param([signal.SIGTERM] * 3, r"told to end \(SIGTERM\)", id="sigterm"),
        pytest.param([signal.SIGINT], "stopped by hand", id="ctrl-c"),
    ],
)
def test_while_sending(desk: Desk, numbers: list[signal.Signals], words: str) -> None:
    """Requests on the way are finished and recorded, told once or more; the next run serves the rest."""
    desk.faults({"kind": "slow", "seconds": 2.0, "rate": 1.0, "endpoint": "single_send"})
    before = signal.getsignal(signal.SIGTERM)
    with told(numbers, lambda: desk.world.accepted() >= 4), pytest.raises(CampaignPaused, match=words):
        desk.campaign().send()
    stopped, accepted = desk.books, desk.world.accepted()
    (run,) = desk.ledger.runs.find()
    desk.faults()
    desk.campaign().send()

    assert (stopped.submitting, stopped.unknown) == (0, 0)
    assert 4 <= stopped.accepted == accepted < PEOPLE
    assert (run.state, run.exit_code) == ("paused", 4)
    assert signal.getsignal(signal.SIGTERM) is before
    assert desk.once()


@pytest.mark.parametrize(
    ("number", "error"),
    [(signal.SIGTERM, CampaignPaused), (signal.SIGINT, KeyboardInterrupt)],
)
def test_before_sending(desk: Desk, number: signal.Signals, error: type[BaseException]) -> None:
    """Told to end while the provider is still asked whether all is well, nothing is sent."""
    desk.faults({"kind": "slow", "seconds": 2.0, "rate": 1.0, "endpoint": "*"})
    with told([number], desk.is_slow), pytest.raises(error):
        desk.campaign().send()
    sent = desk.world.accepted()
    (run,) = desk.ledger.runs.find()
    desk.faults()
    desk.campaign().send()

    assert sent == 0
    assert (run.state, run.exit_code) == ("paused", 4)
    assert desk.once()


@pytest.mark.timeout(240)  # the wait would take 500 s
def test_while_records_are_waited_for(desk: Desk) -> None:
    """The wait until "no record" may be believed is cut short, and proves nothing then."""
    desk.faults({"kind": "drop_before_accept", "rate": 0.5, "endpoint": "single_send"})
    first = desk.campaign().send().books
    desk.faults()
    with told([signal.SIGTERM], desk.has_run_for(2)):
        cut = desk.campaign(SMSKIT_YUNPIAN_RECORD_LAG_S="500").send().books
    desk.campaign().send()

    assert cut.unknown == first.unknown > 0
    assert desk.once()


def test_nobody_else_is_sent_to_after_the_wait(desk: Desk) -> None:
    """Told to end while unknowns are asked about, those found never taken wait for the next run."""
    desk.faults({"kind": "drop_before_accept", "rate": 0.5, "endpoint": "single_send"})
    unknown = desk.campaign().send().books.unknown
    desk.faults({"kind": "slow", "seconds": 1.0, "rate": 1.0, "endpoint": "get_record"})
    accepted = desk.world.accepted()
    with (
        told([signal.SIGTERM], desk.is_slow),
        pytest.raises(CampaignPaused, match="told to end"),
    ):
        desk.campaign().send()
    after = desk.books
    desk.faults()
    desk.campaign().send()

    assert after.waiting == unknown > 0
    assert after.accepted == accepted
    assert desk.once()


def test_other_threads_and_ignored_signals_are_left_alone() -> None:
    """Only the main thread can listen; who was started to ignore a signal goes on ignoring it."""
    seen: list[object] = []

    def elsewhere() -> None:
        with heard(seen.append, signal.SIGTERM):
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with heard(seen.append, signal.SIGINT):
            signal.raise_signal(signal.SIGINT)
        kept = signal.getsignal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()

    assert kept is signal.SIG_IGN
    assert seen == [signal.getsignal(signal.SIGTERM)]
