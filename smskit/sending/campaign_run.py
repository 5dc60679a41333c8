"""
One run over a frozen campaign: its canary, then everybody else, then those earlier runs left unknown.

Several may send one campaign, on a server: see ``ledger.senders``. Owns what the ledger says of the
campaign afterwards, and being told from outside to pause or to end. Whether there may be a run at all is
``campaign`` and ``guards``.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from smskit.errors import CampaignPaused, LedgerAway, LedgerUnavailable, SmskitError
from smskit.i18n import Message
from smskit.ledger import Action, CampaignRow, Ledger, Tally
from smskit.ledger.processes import uptime
from smskit.models import Mode
from smskit.planning.spec import CampaignSpec
from smskit.providers.base import Feature, Provider
from smskit.providers.calls import Job
from smskit.sending.access import ProviderAccess
from smskit.sending.canary import Wait, try_first
from smskit.sending.clock import Clock
from smskit.sending.engine import Ended, Engine, Progress
from smskit.sending.guards import Guards
from smskit.sending.patience import Patience
from smskit.sending.reconcile import job_of
from smskit.sending.threads import run_in_thread
from smskit.sending.turns import Turns, turns_of
from smskit.sending.unknowns import settle_by_asking
from smskit.sending.witness import remember

__all__ = ["CampaignRun", "Outcome"]

T = TypeVar("T")
_LOOKS_EVERY_S = 0.5
_REMEMBERS_EVERY_S = 5.0
Among = Mapping[int, NDArray[np.bool_]]  # chunk -> who of it may be sent to


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    campaign: str
    mode: Mode
    state: str
    books: Tally
    note: str = ""


@dataclass(frozen=True)
class _Leased:
    """A campaign this run sends, alone or beside others, and what it sends it with."""

    row: CampaignRow
    job: Job
    token: str
    share: bool
    provider: Provider
    turns: Turns | None
    progress: Callable[[Progress], None]


class CampaignRun:
    """
    Runs one campaign, once or again; ``end``, ``pause`` and ``unpause`` are for other threads.

    Args:
        guards: What it goes by between two messages.
        patience: When it gives up for now.
        by: Who runs it; "" = whoever this process works for.
    """

    def __init__(
        self,
        spec: CampaignSpec,
        ledger: Ledger,
        provider: ProviderAccess,
        clock: Clock,
        *,
        guards: Guards,
        patience: Patience = Patience(),  # noqa: B008 - frozen
        by: str = "",
    ) -> None:
        self._by = by
        self._spec, self._ledger, self._provider = spec, ledger, provider
        self.guards, self._patience, self._clock = guards, patience, clock
        self._waits = replace(clock, sleep=self._pass)  # passes the time unless the run is told to end
        self._paused = threading.Event()
        self._running: list[Engine | Wait] = []  # what sends or waits now comes last
        self._why = ""  # why this run is to end, once it was told to

    def opens_at(self) -> datetime | None:
        """When the send window opens, in the campaign's zone; None while it is open or there is none."""
        return self.guards.opens_at(self._clock)

    def pause(self) -> None:
        """Send nothing more until ``unpause``; the run stays the campaign's owner."""
        self._paused.set()

    def unpause(self) -> None:
        """End ``pause``."""
        self._paused.clear()

    def end(self, why: str) -> None:
        """Let the run end cleanly, whether it sends, waits or has not begun to."""
        self._why = self._why or why
        for running in self._running[-1:]:
            running.stop(why)

    def renew(self) -> None:
        """Forget that an earlier run was told to end."""
        self._why = ""

    def run(self, row: CampaignRow, *, progress: Callable[[Progress], None] = lambda _: None) -> Outcome:
        """
        Send to everybody of *row* who waits, beside others where that may be. Blocks until done.

        Raises:
            LedgerLocked: another run is at it.
            CampaignPaused: it stopped with people still waiting.
        """
        job, ledger = job_of(row), self._ledger
        share = row.mode is Mode.LIVE and ledger.senders.may_share
        with ExitStack() as stack:
            token = ledger.patiently(lambda: stack.enter_context(ledger.senders.join(row.id, share=share)))
            ledger.patiently(lambda: self._note(row))
            inherited = ledger.patiently(lambda: ledger.audience.counts(row.id)).unknown
            self._running = []
            # What is loaded stays: to search it for garbage again and again took a tenth of single sends.
            gc.freeze()
            stack.callback(gc.unfreeze)

            async def work() -> Ended:
                with self._provider.connect(row.mode, job) as provider:
                    async with provider:
                        turns = turns_of(provider, ledger) if row.mode is Mode.LIVE else None
                        leased = _Leased(row, job, token, share, provider, turns, progress)
                        async with self._remembering(row.mode):
                            return await self._send(leased, settle=bool(inherited))

            try:
                ended = run_in_thread(work, on_interrupt=lambda: self.end(Message("stopped by hand")))
            except BaseException as error:
                with suppress(LedgerUnavailable):  # may be what *error* says
                    ledger.senders.close(row.id, token, "paused", note=_note_of(error))
                raise
            return self._close(row, token, ended)

    @asynccontextmanager
    async def _remembering(self, mode: Mode) -> AsyncIterator[None]:
        """Note every few seconds, and at the end, how far a live run's ledger is."""

        async def often() -> None:
            while True:
                await asyncio.sleep(_REMEMBERS_EVERY_S)
                with suppress(LedgerUnavailable):
                    await asyncio.to_thread(remember, self._ledger)

        if mode is not Mode.LIVE:
            yield
            return
        task = asyncio.create_task(often())
        try:
            yield
        finally:
            task.cancel()
            with suppress(LedgerUnavailable):
                await asyncio.to_thread(remember, self._ledger)

    def _note(self, row: CampaignRow) -> None:
        action = Action.SEND if row.state == "planned" else Action.RESUME
        people = self._ledger.audience.counts(row.id).waiting
        about = {"campaign": row.name, "mode": row.mode, "plan_hash": row.plan_hash, "people": people}
        self._ledger.audit.note(action, by=self._by, provider=row.provider, **about)

    async def _send(self, leased: _Leased, *, settle: bool) -> Ended:
        ended = await self._until_open(leased) if leased.share else await self._canary(leased)
        if not ended.stopped:
            ended = await self._engine(leased)
        if leased.share:
            leads = await asyncio.to_thread(self._ledger.patiently, lambda: self._leads(leased))
            settle = leads is not None and (settle or leads)
        if settle and not ended.stopped and Feature.RECORDS in leased.provider.features:
            # Only those of earlier runs: what became unknown now has not had time to show.
            row, provider = leased.row, leased.provider
            await self._patiently(
                lambda: settle_by_asking(self._ledger, row, provider, leased.job, wait=True, sleep=self._pass)
            )
            if self._ledger.patiently(lambda: self._ledger.audience.counts(row.id)).waiting:
                ended = await self._engine(leased)
        return ended

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """As `Ledger.patiently`, of what takes its time and goes on where it was."""
        gives_up = None
        while True:
            try:
                return await attempt()
            except LedgerAway:
                gives_up = gives_up or uptime() + self._ledger.patience_s
                if uptime() > gives_up or self._ledger.database.given_up:
                    raise

    def _leads(self, leased: _Leased) -> bool | None:
        """None where another run leads; else whether a sender has died meanwhile."""
        senders = self._ledger.senders
        role, _ = senders.renew(leased.row.id, leased.token)
        return senders.has_lost(leased.row.id, leased.token) if role.leads else None

    async def _until_open(self, leased: _Leased) -> Ended:
        """Wait until whoever leads has opened the campaign; where nobody leads, do so."""
        senders, row, token = self._ledger.senders, leased.row, leased.token
        while not self._why:
            role, is_open = await asyncio.to_thread(
                self._ledger.patiently, lambda: senders.renew(row.id, token)
            )
            if is_open:
                return Ended()
            if role.leads:
                await asyncio.to_thread(self._ledger.patiently, lambda: senders.take_all(row.id, token))
                ended = await self._canary(leased)
                if not ended.stopped:
                    await asyncio.to_thread(self._ledger.patiently, lambda: senders.open(row.id, token))
                return ended
            sent = await asyncio.to_thread(self._ledger.patiently, lambda: senders.sent(row.id))
            if sent.stop_requested:
                return Ended(Message("a stop was requested"))
            await asyncio.sleep(_LOOKS_EVERY_S)
        return Ended(self._why)

    async def _canary(self, leased: _Leased) -> Ended:
        row, deadline = leased.row, self._spec.deadline
        wait = Wait(self._ledger, row.id, leased.token, clock=self._waits, deadline=deadline)

        async def send(among: Among) -> Ended:
            try:
                return await self._engine(leased, among=among)
            finally:  # also when it is to be tried again
                self._begin(wait)

        self._begin(wait)
        stopped = await self._patiently(
            lambda: try_first(
                self._ledger, row, self._spec, leased.provider, leased.job, send=send, wait=wait
            )
        )
        return Ended(stopped)

    async def _engine(self, leased: _Leased, *, among: Among | None = None) -> Ended:
        engine = Engine(
            self._ledger,
            leased.row.id,
            leased.provider,
            leased.job,
            token=leased.token,
            among=among,
            share=leased.share and among is None,
            turns=leased.turns,
            guards=self.guards,
            clock=self._clock,
            progress=leased.progress,
            paused=self._paused.is_set,
            patience=self._patience,
        )
        self._begin(engine)
        return await engine.run()

    def _begin(self, running: Engine | Wait) -> None:
        self._running.append(running)
        if self._why:
            running.stop(self._why)

    async def _pass(self, seconds: float) -> None:
        """Pass the time, a second at a time, unless the run is told to end."""
        end = self._clock.now() + timedelta(seconds=seconds)
        while seconds > 0 and self._clock.now() < end and not self._why:
            await self._clock.sleep(min(seconds, 1.0))
            seconds -= 1.0

    def _close(self, row: CampaignRow, token: str, ended: Ended) -> Outcome:
        ledger = self._ledger
        counts = ledger.patiently(lambda: ledger.audience.counts(row.id))
        if counts.waiting or counts.submitting:
            why = ended.stopped or ended.not_taken or Message("some were not taken for now")
            ledger.patiently(lambda: ledger.senders.close(row.id, token, "paused", note=why))
            raise CampaignPaused(
                "campaign {campaign} ({mode}) stopped with {n} people still waiting: {why}. Run it "
                "again, or `smskit resume {campaign}`, to go on",
                campaign=row.name,
                mode=row.mode.said,
                n=counts.waiting,
                why=why,
            )
        canary = ledger.patiently(lambda: ledger.canaries.get(row.id))
        note = canary.told if canary else ""
        ledger.patiently(lambda: ledger.senders.close(row.id, token, "finished", note=note))
        if counts.unknown:
            note = Message(
                "{n} outcomes are unknown; `smskit receipts {campaign}` settles them",
                n=counts.unknown,
                campaign=row.name,
            )
        return Outcome(row.name, row.mode, "finished", counts, note)


def _note_of(error: BaseException) -> Message:
    """Why a run ended by *error*."""
    if isinstance(error, SmskitError):
        return Message("{kind}: {why}", kind=Message(error.headline), why=error.message)
    return Message("{kind}: {why}", kind=type(error).__name__, why=str(error))
