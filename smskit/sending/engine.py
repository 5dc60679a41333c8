"""
The sending pipeline: waiting people in, recorded outcomes out.

The order of things for one request, which is all the safety there is:

1. the intent of its people is committed (waiting -> submitting);
2. the request leaves;
3. the outcome is committed (-> accepted, refused, unknown, or back to waiting
   when it is certain that nothing was sent).

A kill between 1 and 3 leaves "submitting", which the next run reads as unknown.
So at most batch size x concurrency people are ever uncertain. Commits are
grouped: one thread writes whatever waits at that moment in one transaction.

Leaves to others: who is planned (``plan``), which request is the next (``upcoming``) and
when it leaves (``gate``), what in a row ends a run (``patience``), what a provider says
on the wire (``providers``), settling unknowns (``campaign``).
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smskit.errors import (
    AccountProblem,
    BatchNotAllowed,
    LedgerAway,
    LedgerError,
    NotAccepted,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    Refused,
    Unreachable,
)
from smskit.i18n import Message, quote
from smskit.ledger import Change, Facts, Ledger
from smskit.ledger.processes import uptime
from smskit.models import CodeClass, Slice, State, Submission
from smskit.providers.base import Provider
from smskit.providers.calls import Call, Job
from smskit.sending.clock import Clock
from smskit.sending.gate import Gate
from smskit.sending.guards import Guards
from smskit.sending.patience import InARow, Patience, Person, pause_s
from smskit.sending.recorder import Recorder
from smskit.sending.supply import Everybody, Shared, Supply
from smskit.sending.turns import Turns
from smskit.sending.upcoming import Upcoming

__all__ = ["Ended", "Engine", "Progress"]


class Progress(NamedTuple):
    """How far a run is: counts of this run."""

    accepted: int
    refused: int
    unknown: int
    left: int  # still waiting


@dataclass(frozen=True)
class Ended:
    """
    How a run ended.

    Args:
        stopped: Why it did not come to everybody, "" when it did.
        not_taken: Why people are still waiting whom it came to, "" when nobody is.
    """

    stopped: str = ""
    not_taken: str = ""


_LONGEST_TOLD_S = 366 * 86400.0
# How old a claim may be when its request leaves. With the 13 s after which a request is given up it is less
# than the 50 s for which nobody takes a sender that has just claimed for dead.
_CLAIM_LASTS_S = 20.0


class Engine:
    """
    Sends everybody who waits in one campaign, once.

    Args:
        token: Of the run; see ``ledger.senders``.
        among: Chunk -> who of it may be sent to; None = everybody.
        share: Whether others send the campaign too: it then takes a chunk at a time.
        turns: Of the provider's account; None = of this run alone.
        guards: When messages may leave, and how many a phone may get.
        clock: In the campaign's zone; passes the time until the window opens.
        progress: Called at most five times a second, from the engine's thread.
        paused: Whether the next request is to wait; asked before each, from the engine's thread.
    """

    def __init__(
        self,
        ledger: Ledger,
        campaign_id: int,
        provider: Provider,
        job: Job,
        *,
        token: str,
        among: Mapping[int, NDArray[np.bool_]] | None = None,
        share: bool = False,
        turns: Turns | None = None,
        guards: Guards,
        clock: Clock,
        progress: Callable[[Progress], None] = lambda _: None,
        paused: Callable[[], bool] = lambda: False,
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> None:
        self._ledger, self._campaign_id, self._token = ledger, campaign_id, token
        self._provider, self._share, self._clock = provider, share, clock
        self._progress, self._patience, self._cap = progress, patience, guards.cap
        self._supply: Supply = (
            Shared(ledger, campaign_id, token) if share else Everybody(ledger, campaign_id, among)
        )
        self._upcoming = Upcoming(provider, job, self._supply)
        self._turns = turns or Turns(provider.settings.requests_per_second)
        self._gate = Gate(
            self._turns,
            guards,
            clock,
            paused=paused,
            goes_on=self._goes_on,
            stop=self.stop,
            note=lambda note: ledger.patiently(lambda: ledger.campaigns.note(campaign_id, note)),
        )
        self._counts = {State.ACCEPTED: 0, State.REFUSED: 0, State.UNKNOWN: 0}  # people of this run
        self._left = 0  # people still waiting
        self._given_up = 0  # people
        self._free_at: datetime | None = None  # when none of them is at a limit any more
        self._unreachable = itertools.count()
        self._in_flight = 0
        self._unrecorded = 0  # outcomes
        self._in_a_row = InARow(patience)
        self._row: Message | None = None  # what ended a row, until it is decided what comes of it
        self._deciding = asyncio.Lock()
        self._stopped: str | None = None
        self._not_taken = ""
        self._error: BaseException | None = None

    def stop(self, why: str) -> None:
        """End cleanly: requests on the way are finished and recorded, nothing new leaves."""
        if self._stopped is None:
            self._stopped = why

    async def run(self) -> Ended:
        """
        Send until nobody waits or something stops it.

        Raises:
            LedgerError: the ledger refused a change; nothing more was sent.
        """
        self._left = self._supply.begin()
        cap = self._cap
        recent = cap and self._ledger.patiently(lambda: self._ledger.caps.recent(self._campaign_id, cap))
        self._recorder = Recorder(
            self._ledger, self._campaign_id, self._token, recent=recent, paced=self._turns.is_paced
        )
        watch = asyncio.create_task(self._watch())
        workers = [asyncio.create_task(self._work()) for _ in range(self._provider.settings.concurrency)]
        try:
            await asyncio.gather(*workers)
        except asyncio.CancelledError:
            self.stop(Message("stopped at once; requests on the way became unknown"))
            await asyncio.gather(*workers, return_exceptions=True)
        finally:
            watch.cancel()
            await self._upcoming.close()
            await asyncio.to_thread(self._recorder.close)
            await asyncio.sleep(0)  # the last outcomes report back
            self._report()
        if self._error:
            raise self._error
        return Ended(self._stopped or "", self._not_taken)

    def _goes_on(self) -> bool:
        return self._stopped is None and self._error is None

    def _is_at_work(self) -> bool:
        return bool(self._in_flight or self._unrecorded)

    # -- one request -----------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            try:
                call = await self._upcoming.next(self._goes_on, self._is_at_work)
            except Exception as error:
                self._error, call = self._error or error, None
                self._upcoming.changed.set()
            if call is None:
                return
            self._in_flight += 1
            try:
                await self._send(call)
            except Exception as error:
                self._error = self._error or error
            finally:
                self._in_flight -= 1
                self._upcoming.changed.set()

    async def _send(self, call: Call) -> None:
        due = await self._gate.claim()
        async with self._deciding:  # whether the run ends
            if due is None or self._stopped is not None:
                self._upcoming.at_once([call])
                return
        asked = uptime()
        claimed = await self._recorder.record(_claim(call), call.people.phones[call.rows])
        took_s = uptime() - asked
        kept = claimed.kept
        if kept is not None:
            # Somebody opted out or was messaged elsewhere since the plan: the others are cut anew.
            self._count(State.REFUSED, int((~kept).sum()))
            if not kept.any():
                return
            call = call.without(~kept)
        goes_on = await self._gate.leave(due, took_s)
        # Last of all: this process may have been stopped at any moment since, and be taken for dead.
        if not goes_on or uptime() - claimed.began > _CLAIM_LASTS_S:
            states, facts = np.full(len(call), State.WAITING, np.uint8), Facts(reason="not_sent")
            self._upcoming.later(_people(call), 0.0)
        else:
            states, facts = await self._submit(call)
            if self._row is not None:
                with suppress(asyncio.CancelledError):  # what became of them is written down all the same
                    await self._decide()
        outcome = Change("outcome", call.people.chunk, _positions(call), states, facts)
        self._unrecorded += 1
        # Not waited for: the next claim is committed after it, or with it.
        self._recorder.record(outcome).add_done_callback(self._recorded)
        counted = np.bincount(states, minlength=len(State)).tolist()
        for state in self._counts:
            self._count(state, counted[state])

    def _count(self, state: State, people: int) -> None:
        self._counts[state] += people
        self._left -= people

    def _recorded(self, done: asyncio.Future[Any]) -> None:
        error = done.exception()  # asked of each, or asyncio prints those that nobody asked
        self._error = self._error or error
        self._unrecorded -= 1
        if not self._unrecorded:
            self._upcoming.changed.set()

    async def _submit(self, call: Call) -> tuple[NDArray[np.uint8], Facts]:
        """Send, and say for each person what became of it; plans whatever is to be tried again."""
        try:
            results = await self._provider.submit(call)
            if len(results) != len(call):
                raise OutcomeUnknown(
                    Message("the provider answered for other people than it was asked about")
                )
        except AccountProblem as error:
            self.stop(error.message)
            return _all(call, State.WAITING, "account", error)
        except (BatchNotAllowed, RateLimited) as error:
            self._again(call, error)
            return _all(call, State.WAITING, "not_taken", error)
        except Refused as error:
            return self._refused(call, error)
        except NotAccepted as error:
            self._again(call, error)
            return _all(call, State.WAITING, "not_taken", error)
        except OutcomeUnknown as error:
            self._stop_if(self._in_a_row.unclear(error.message))
            return _all(call, State.UNKNOWN, "no_answer", error)
        except asyncio.CancelledError:
            stopped = OutcomeUnknown(Message("stopped while waiting"))
            return _all(call, State.UNKNOWN, "interrupted", stopped)
        except Exception as error:
            # A bug in a provider module: the request may have left all the same.
            self.stop(
                Message(
                    "{provider}: {kind} while sending; please report this",
                    provider=self._provider.name,
                    kind=type(error).__name__,
                )
            )
            return _all(call, State.UNKNOWN, "no_answer", OutcomeUnknown("", detail=type(error).__name__))
        return self._judge(call, results)

    def _judge(self, call: Call, results: Sequence[Submission]) -> tuple[NDArray[np.uint8], Facts]:
        kinds = {result.kind for result in results}
        if kinds == {CodeClass.ACCEPTED}:
            self._in_a_row.got_through()
            facts = Facts(ids=[r.message_id for r in results], codes=_shared([r.code for r in results]))
            return np.full(len(results), State.ACCEPTED, np.uint8), facts
        states = np.fromiter((self._state(call, i, r) for i, r in enumerate(results)), np.uint8, len(results))
        if CodeClass.ACCEPTED in kinds:
            self._in_a_row.got_through()
        elif kinds == {CodeClass.UNKNOWN}:
            self._stop_if(self._in_a_row.unclear(_said(results[0])))
        elif (behind := np.flatnonzero(states == State.WAITING)).size and self._stopped is None:
            self._note_limits(call, results, behind)
        return states, Facts(
            reason=[_REASONS.get(int(s), "") for s in states],
            ids=[r.message_id for r in results],
            codes=[r.code for r in results],
            details=[r.detail for r in results],
        )

    def _state(self, call: Call, index: int, result: Submission) -> int:
        if result.kind is CodeClass.ACCEPTED:
            return State.ACCEPTED
        if result.kind is CodeClass.UNKNOWN:
            return State.UNKNOWN
        code = result.known or self._provider.code(result.code)
        if result.kind is CodeClass.ACCOUNT:
            self.stop(self._provider.in_words(result.code, result.detail, code.next_step))
            return State.WAITING
        if result.kind in (CodeClass.LATER, CodeClass.RETRY):
            after = code.retry_after_s if code.retry_after_s is not None else 1.0
            self._put_off(call.part(index, index + 1), after, _said(result))
            return State.WAITING
        self._stop_if(self._in_a_row.refused(1, code.about, _said(result)))
        return State.REFUSED

    def _refused(self, call: Call, error: Refused) -> tuple[NDArray[np.uint8], Facts]:
        known = error.known or self._provider.code(error.code)
        about = known.about
        same_text = len(set(call.texts)) == 1
        if len(call) == 1 or (not about.is_one_number and same_text):
            if known.kind is CodeClass.LATER:
                said = Submission(known.kind, "", error.code, error.detail or error.message, known)
                return self._judge(call, [said] * len(call))
            self._stop_if(self._in_a_row.refused(len(call), about, error.message))
            return _all(call, State.REFUSED, "refused", error)
        # One of them spoilt it for all, and the provider does not say who: halve until it shows.
        half = len(call) // 2
        self._upcoming.at_once((call.part(0, half), call.part(half, len(call))))
        return _all(call, State.WAITING, "not_taken", error)

    # -- trying again, and stopping --------------------------------------------------

    def _again(self, call: Call, error: NotAccepted) -> None:
        """Nothing was sent: the same people go again, after a pause where one is due."""
        if isinstance(error, BatchNotAllowed):
            self._upcoming.at_once(self._provider.calls(call.job, _people(call)))
            return
        hint = error.retry_after_s if isinstance(error, RateLimited) else None
        if isinstance(error, Unreachable):
            # Nobody was refused, and each time it says the same of the way to the provider.
            self._upcoming.later(_people(call), pause_s(None, 1))
            self._did_not_get_through((-1, next(self._unreachable)), hint, error.message)
            return
        self._put_off(call, hint, error.message)
        self._did_not_get_through(self._blamed(call), hint, error.message)

    def _put_off(self, call: Call, hint: float | None, why: str) -> None:
        """
        The people of *call*, who were not taken, go to the end of the queue, or keep waiting for another run.

        Args:
            hint: Seconds after which the provider says they may come again; None = it does not.
        """
        people, too_long = _people(call), self._patience.is_too_long(hint)
        # A long pause for a group may be for one of it: it is cut at once, and its others need not wait.
        tries = self._upcoming.not_taken(people, 2 if too_long and len(call) > 1 else 1)
        if len(call) == 1 and (too_long or tries >= self._patience.attempts):
            self._give_up(hint if too_long else None, why)
            return
        self._upcoming.later(people, pause_s(None if too_long else hint, tries + 1))

    def _give_up(self, hint: float | None, why: str) -> None:
        """One person more keeps waiting for another run, which makes sense after *hint* seconds."""
        self._given_up += 1
        if hint is not None:
            free = self._clock.local() + timedelta(seconds=min(hint, _LONGEST_TOLD_S))
            self._free_at = max(free, self._free_at or free)
        told = {"n": self._given_up, "why": why}
        if self._free_at is None:
            self._not_taken = Message("{n} people were tried and not taken for now. Last: {why}", **told)
        else:
            self._not_taken = Message(
                "{n} people were tried and not taken for now; run it again after {at} to send to them. "
                "Last: {why}",
                at=f"{self._free_at:%Y-%m-%d %H:%M %Z}",
                **told,
            )

    def _blamed(self, call: Call) -> Person | None:
        """
        Who stands in a row for *call*, of which nobody was taken; None = it is not one more.

        Another request about a group that failed before says nothing new: somebody in it may be the cause.
        """
        if len(call) > 1 and self._upcoming.tried(_people(call)) > 1:
            return None
        return call.people.chunk, int(_positions(call)[0])

    def _did_not_get_through(self, who: Person | None, hint: float | None, why: str) -> None:
        """One request more of which nobody was taken: slow down for all, and in the end stop."""
        row = self._in_a_row
        if over := row.failure(who, why):
            self._row = over
        elif row.fruitless > 1 and self._patience.is_too_long(hint):
            self.stop(
                Message(
                    "the provider asks for a pause of {time} s; send again then. It said: {why}",
                    time=f"{hint:,.0f}",
                    why=why,
                )
            )
        elif row.fruitless > 1:
            self._turns.hold(pause_s(hint, max(1, len(row.failed))))

    def _note_limits(self, call: Call, results: Sequence[Submission], behind: NDArray[np.int64]) -> None:
        """Nobody of *call* was taken, and the people *behind* were put off."""
        last = results[int(behind[-1])]
        code = last.known or self._provider.code(last.code)
        if last.kind is CodeClass.RETRY:
            self._did_not_get_through(self._blamed(call), code.retry_after_s, _said(last))
            return
        if self._patience.is_too_long(code.retry_after_s):
            return  # a limit of a day is the number's own, and costs one request
        people = ((call.people.chunk, int(position)) for position in _positions(call)[behind])
        self._row = self._in_a_row.limited(people, _said(last)) or self._row

    async def _decide(self) -> None:
        """End the run after a row; it counts as stopped unless it has come to everybody else."""
        async with self._deciding:
            told, self._row = self._row, None
            # Nothing else leaves meanwhile, and nobody else comes.
            if told is not None and await self._upcoming.waits_untried():
                self.stop(told)
            elif told is not None and self._stopped is None:
                self._stopped, self._not_taken = "", told

    def _stop_if(self, why: Message | None) -> None:
        if why is not None:
            self.stop(why)

    def _report(self) -> None:
        counts = self._counts
        self._progress(
            Progress(counts[State.ACCEPTED], counts[State.REFUSED], counts[State.UNKNOWN], self._left)
        )

    async def _watch(self) -> None:
        """Five times a second: progress; every second: was a stop requested; every five: a sign of life."""
        senders = self._ledger.senders
        for tick in itertools.count(1):
            await asyncio.sleep(0.2)
            self._report()
            try:
                if tick % 5 == 0 and await asyncio.to_thread(self._stop_requested):
                    self.stop(Message("a stop was requested"))
                if tick % 25 == 0:
                    await asyncio.to_thread(senders.renew, self._campaign_id, self._token, sending=True)
            except LedgerAway:
                pass  # claims wait for its server, and are signs of life
            except LedgerError as error:
                self._error = self._error or error

    def _stop_requested(self) -> bool:
        if not self._share:
            return self._ledger.campaigns.stop_requested(self._campaign_id)
        sent = self._ledger.senders.sent(self._campaign_id)
        self._left = sent.unsent  # others send, too
        return sent.stop_requested


_REASONS = {int(State.REFUSED): "refused", int(State.UNKNOWN): "no_answer", int(State.WAITING): "not_taken"}


def _claim(call: Call) -> Change:
    return Change(
        "claim", call.people.chunk, _positions(call), np.full(len(call), State.SUBMITTING, np.uint8)
    )


def _positions(call: Call) -> NDArray[np.uint16]:
    return call.people.positions[call.rows]


def _people(call: Call) -> Slice:
    everybody = len(call.rows) == len(call.people.positions)
    return call.people if everybody else call.people.take(call.rows)


def _all(call: Call, state: State, reason: str, error: ProviderError) -> tuple[NDArray[np.uint8], Facts]:
    facts = Facts(reason=reason, codes=error.code, details=error.detail or error.message)
    return np.full(len(call), state, np.uint8), facts


def _said(result: Submission) -> str:
    """A provider's word on one message, for a sentence of ours around it."""
    said = quote(result.detail)
    if said and result.code:
        return Message("{said} (code {code})", said=said, code=result.code)
    return said or Message("code {code}", code=result.code)


def _shared(values: list[str]) -> str | list[str]:
    return values[0] if values and values.count(values[0]) == len(values) else values
