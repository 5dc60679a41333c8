"""
``Run``: a campaign being sent in the background, and what is known about it from the ledger.

The ledger is the truth: whether a run goes on here, in another process, was
interrupted or is finished is read there, so that it looks the same after the
page or the kernel went away. Only what cannot be in the ledger is kept here:
the thread, a pause, and the error a run ended with.
"""

from __future__ import annotations

import enum
import threading
import time
from collections import deque
from dataclasses import dataclass

from smskit.ledger import CampaignRow, CanaryRow, Ledger, Owner, Tally
from smskit.models import Kind, Mode
from smskit.sending.campaign import Campaign
from smskit.sending.handover import Handover

__all__ = ["Pace", "Phase", "Run", "Snapshot", "run_of", "unfinished"]

_SPAN_S = 10.0  # the rate is that of so long


class Phase(enum.StrEnum):
    """Where a campaign's sending is."""

    NEW = "new"  # not started
    STARTING = "starting"  # here: planned and checked once more, nothing sent yet
    SENDING = "sending"  # here
    WAITING = "waiting"  # wherever it is, for a time to come: a canary's receipts, the send window
    HELD = "held"  # here, by a person; keeps the campaign, sends nothing
    STOPPING = "stopping"  # here or elsewhere; requests on the way are finished
    ELSEWHERE = "elsewhere"  # another process sends
    INTERRUPTED = "interrupted"  # whoever sent is dead; may be resumed
    STOPPED = "stopped"  # ended cleanly with people waiting; may be resumed
    FINISHED = "finished"

    @property
    def is_active(self) -> bool:
        """Whether the figures still move."""
        return self.is_here or self in (Phase.STOPPING, Phase.ELSEWHERE)

    @property
    def is_here(self) -> bool:
        """Whether this process sends."""
        return self in (Phase.STARTING, Phase.SENDING, Phase.WAITING, Phase.HELD)

    @property
    def can_resume(self) -> bool:
        """Whether people wait and nobody serves them."""
        return self in (Phase.INTERRUPTED, Phase.STOPPED)


@dataclass(frozen=True)
class Snapshot:
    """A run at one moment."""

    phase: Phase
    row: CampaignRow | None = None
    books: Tally | None = None
    owner: Owner | None = None
    rate: float = 0.0  # people a second, lately
    left_s: float | None = None  # seconds; None = cannot be told
    error: BaseException | None = None  # of the last run here
    note: str = ""
    canary: CanaryRow | None = None  # the share that was sent to first

    @property
    def done(self) -> int:
        """People who have been served, one way or the other."""
        return self.books.planned - self.books.waiting - self.books.submitting if self.books else 0


class Pace:
    """How fast something goes, from a few looks at it; the clock is handed in."""

    def __init__(self, span_s: float = _SPAN_S) -> None:
        self._span_s = span_s
        self._seen: deque[tuple[float, int]] = deque()

    def rate(self, at: float, done: int) -> float:
        """Things a second over the last span, given that *done* are done at *at* (seconds)."""
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((at, done))
        while len(self._seen) > 2 and at - self._seen[1][0] >= self._span_s:
            self._seen.popleft()
        since, before = self._seen[0]
        return (done - before) / (at - since) if at > since else 0.0


class Run:
    """
    The run of one campaign in one mode. Safe to be used from several threads.

    Get it from `run_of`: two of them in one process would not know of each
    other's thread. Even then the ledger lets only one of them send.
    """

    def __init__(self, ledger: Ledger, name: str, mode: Mode) -> None:
        self.ledger, self.name, self.mode = ledger, name, mode
        self._pace, self._lock = Pace(), threading.Lock()
        self._campaign: Campaign | None = None
        self._through: Handover | None = None
        self._owned = False  # the run that was started last has had the campaign
        self._thread: threading.Thread | None = None
        self._paused = self._stop_asked = False
        self._error: BaseException | None = None
        self._note = ""

    def __repr__(self) -> str:
        return f"Run({self.name}, {self.mode})"

    # -- doing ---------------------------------------------------------------------------

    def start(self, campaign: Campaign, *, through: Handover | None = None) -> bool:
        """
        Send, or go on with, *campaign* in the background; False when that is under way here already.

        How it ended, and why it was refused, is in ``look()``.

        Args:
            through: Have another process send it, which outlives this one.
        """
        with self._lock:
            if self._thread is not None:
                return False
            self._campaign, self._error, self._note = campaign, None, ""
            self._through, self._owned = through, False
            campaign.run.unpause()
            self._thread = threading.Thread(target=self._work, name="smskit-run", daemon=True)
            self._thread.start()
            return True

    def pause(self) -> None:
        """Send nothing more until ``unpause``; only of a run that is here."""
        if self._thread is not None and self._campaign is not None:
            self._paused = True
            self._campaign.run.pause()

    def unpause(self) -> None:
        """End ``pause``."""
        self._paused = False
        if self._campaign is not None:
            self._campaign.run.unpause()

    def stop(self) -> None:
        """Let whoever sends, here or elsewhere, end cleanly within a second or two."""
        with self._lock:
            if self._thread is not None and self._campaign is not None:
                # A start wipes the request, so `_progress` makes it again; nothing leaves meanwhile.
                self._stop_asked = True
                self._campaign.run.pause()
        if self._through is not None:
            self._through.stop()
        self._request_stop()

    def _request_stop(self) -> None:
        row = self.ledger.campaigns.get(self.name, self.mode)
        if row is not None:
            self.ledger.campaigns.request_stop(row.id)

    def wait(self, timeout_s: float = 60.0) -> bool:
        """Wait until the run here has ended; whether it has."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
        return self._thread is None

    def _work(self) -> None:
        assert self._campaign is not None
        try:
            if self._through is not None:
                self._note = self._through.send(self._campaign.spec)
            else:
                self._note = self._campaign.send(progress=self._progress).note
        except BaseException as error:
            self._error = error
        finally:
            with self._lock:
                self._thread, self._stop_asked, self._paused = None, False, False
                self._through = None

    def _progress(self, _: object) -> None:
        if self._stop_asked:
            self._request_stop()

    # -- looking -------------------------------------------------------------------------

    def look(self) -> Snapshot:
        """The run now; reads the ledger."""
        row, here = self.ledger.campaigns.get(self.name, self.mode), self._thread is not None
        if row is None:
            return Snapshot(Phase.STARTING if here else Phase.NEW, error=self._error, note=self._note)
        # The owner before the rest: a run says what it came to before it gives the campaign back.
        owner = self.ledger.senders.owner(row.id)
        row, books = (
            self.ledger.campaigns.get(self.name, self.mode) or row,
            self.ledger.audience.counts(row.id),
        )
        phase = self._phase(row, books, owner, here)
        done = books.planned - books.waiting - books.submitting
        rate = self._pace.rate(time.monotonic(), done) if phase.is_active else 0.0
        left = books.waiting + books.submitting
        left_s = left / rate if rate > 0 and phase not in (Phase.HELD, Phase.WAITING) else None
        note, canary = self._note or row.note, self.ledger.canaries.get(row.id)
        return Snapshot(phase, row, books, owner, rate, left_s, self._error, note, canary)

    def _phase(self, row: CampaignRow, books: Tally, owner: Owner | None, here: bool) -> Phase:
        self._owned = self._owned or owner is not None
        if owner is not None or (here and not self._owned):
            if row.stop_requested or self._stop_asked:
                return Phase.STOPPING
            if here and self._paused:
                return Phase.HELD
            if owner is None:
                return Phase.STARTING
            if row.waits:
                return Phase.WAITING
            return Phase.SENDING if here and self._through is None else Phase.ELSEWHERE
        if row.state == "finished" and not books.waiting and not books.submitting:
            return Phase.FINISHED
        return Phase.STOPPED if row.state == "paused" else Phase.INTERRUPTED


_RUNS: dict[tuple[Ledger, str, Mode], Run] = {}
_RUNS_LOCK = threading.Lock()


def run_of(ledger: Ledger, name: str, mode: Mode) -> Run:
    """The one ``Run`` of this campaign in this process."""
    with _RUNS_LOCK:
        return _RUNS.setdefault((ledger, name, mode), Run(ledger, name, mode))


def unfinished(ledger: Ledger) -> list[Snapshot]:
    """Campaigns that are being sent or wait to be resumed, youngest first; no test sends, none archived."""
    rows = [
        row
        for row in reversed(ledger.campaigns.find(damaged=[]))  # the lists in 04 name those
        if row.mode is not Mode.PLAN and row.state != "finished" and row.kind is not Kind.TEST
        if row.archived_at is None
    ]
    return [run_of(ledger, row.name, row.mode).look() for row in rows]
