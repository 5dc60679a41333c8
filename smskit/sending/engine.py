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

Who is refused for now goes to the end of the queue, after a pause of their own, and
for the last places also in the next run: nobody is held up by somebody else. A group
that is refused twice is cut smaller, then into single people. What stops a run is a
row of requests about different people.

Leaves to others: who is planned (``plan``), what a provider says on the wire
(``providers``), settling unknowns (``campaign``).
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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
from smskit.ledger import WAITS_FOR_WINDOW, Change, Facts, Ledger
from smskit.ledger.processes import uptime
from smskit.models import About, CodeClass, Slice, State, Submission
from smskit.providers.base import LONGEST_WAIT_S, Provider
from smskit.providers.calls import Call, Job
from smskit.providers.pacing import backoff
from smskit.sending.clock import Clock
from smskit.sending.guards import Guards, Window
from smskit.sending.recorder import Recorder
from smskit.sending.supply import Everybody, Shared, Supply
from smskit.sending.turns import TURN_LASTS_S, Turns


@dataclass(frozen=True)
class Patience:
    """When the engine tries again, and when it stops and asks a person."""

    # Whom a provider asks a longer pause for waits for another run, and nobody else with them; two requests
    # in a row that ask for one end this run, two people who are each at a limit of their own do not.
    longest_deferral_s: float = LONGEST_WAIT_S
    attempts: int = 4  # of one message in one run, all of them known not to have been taken
    failures_in_a_row: int = 6  # requests about different people that did not get through: pause
    fruitless_in_a_row: int = 30  # the same, counting also those about people who failed before: pause
    limited_in_a_row: int = 20  # people, each refused for a limit of their own number: pause
    unknown_in_a_row: int = 10  # requests without a clear answer: pause
    refused_in_a_row: int = 20  # messages refused for text or request: pause


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
_EARLY_S = 0.3  # the most that a claim begins before its turn
_Person = tuple[int, int]  # chunk and position; of a request in a row its first one


@dataclass
class _Run:
    """What a run counts: people by where they ended, and what went wrong in a row."""

    counts: dict[State, int] = field(
        default_factory=lambda: {State.ACCEPTED: 0, State.REFUSED: 0, State.UNKNOWN: 0}
    )
    left: int = 0  # people still waiting
    failed: set[_Person] = field(default_factory=set)  # requests in a row that did not get through
    fruitless: int = 0  # the same, with those about people who failed before
    limited: set[_Person] = field(default_factory=set)  # people in a row at a limit of their number
    unknowns: int = 0  # requests in a row without a clear answer
    refusals: int = 0  # messages in a row refused for text or request

    def count(self, state: State, people: int) -> None:
        """That many people ended in *state*, one of ``counts``."""
        self.counts[state] += people
        self.left -= people

    def got_through(self) -> None:
        """Somebody was accepted: nothing goes wrong in a row."""
        self.fruitless = self.unknowns = self.refusals = 0
        self.failed.clear()
        self.limited.clear()

    @property
    def progress(self) -> Progress:
        """How far the run is."""
        return Progress(
            self.counts[State.ACCEPTED], self.counts[State.REFUSED], self.counts[State.UNKNOWN], self.left
        )


@dataclass(order=True)
class _Deferred:
    due: float
    number: int
    people: Slice = field(compare=False)


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
        patience: Patience = Patience(),
    ) -> None:
        self._ledger, self._campaign_id, self._token = ledger, campaign_id, token
        self._provider, self._job, self._share = provider, job, share
        self._supply: Supply = (
            Shared(ledger, campaign_id, token) if share else Everybody(ledger, campaign_id, among)
        )
        self._guards, self._clock, self._paused = guards, clock, paused
        self._progress, self._patience = progress, patience
        self._turns = turns or Turns(provider.settings.requests_per_second)
        self._backlog: deque[Call] = deque()
        self._deferred: list[_Deferred] = []
        self._given_up = 0  # people
        self._free_at: datetime | None = None  # when none of them is at a limit any more
        self._numbers = itertools.count()
        self._in_flight = 0
        self._unrecorded = 0  # outcomes
        self._over = False
        self._row = ""  # what ended a row, until it is decided what comes of it
        self._claims_take_s = self._claims_vary_s = 0.0  # lately
        self._run = _Run()
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
        self._run.left = self._ledger.patiently(self._supply.begin)
        self._changed = asyncio.Event()
        self._at_the_window, self._loading = asyncio.Lock(), asyncio.Lock()
        self._deciding = asyncio.Lock()
        self._fresh: Iterator[Call] = iter(())
        self._people: Iterator[tuple[Slice, int]] = iter(())  # who came and is not cut into requests yet
        self._ahead: asyncio.Task[list[Call] | None] | None = None  # the requests for the next of them
        self._ask_again = -math.inf  # before that there is nobody more
        cap = self._guards.cap
        recent = cap and self._ledger.patiently(lambda: self._ledger.caps.recent(self._campaign_id, cap))
        self._recorder = Recorder(self._ledger, self._campaign_id, self._token, recent=recent)
        watch = asyncio.create_task(self._watch())
        workers = [asyncio.create_task(self._work()) for _ in range(self._provider.settings.concurrency)]
        try:
            await asyncio.gather(*workers)
        except asyncio.CancelledError:
            self.stop(Message("stopped at once; requests on the way became unknown"))
            await asyncio.gather(*workers, return_exceptions=True)
        finally:
            watch.cancel()
            if self._ahead is not None:
                await asyncio.gather(self._ahead, return_exceptions=True)
            await asyncio.to_thread(self._recorder.close)
            await asyncio.sleep(0)  # the last outcomes report back
            self._report()
        if self._error:
            raise self._error
        return Ended(self._stopped or "", self._not_taken)

    # -- what to send next ---------------------------------------------------------

    async def _load(self) -> bool:
        """Have more people come, once those who came are cut into requests; returns whether some did."""
        fresh = self._fresh
        async with self._loading:
            if self._fresh is not fresh:
                return True
            if time.monotonic() < self._ask_again:
                return False
            # Meanwhile those before them are sent to: preparing a chunk takes as long as several answers.
            calls = await self._ahead if self._ahead is not None else None
            # A chunk of which everybody was tried before gives nobody yet: they come after all others.
            while calls is None and (more := await asyncio.to_thread(self._supply.more)) is not None:
                self._people = iter(more)
                calls = await asyncio.to_thread(self._cut_next)
            if calls is None:
                self._ahead, self._ask_again = None, time.monotonic() + self._supply.again_s
                return False
            self._fresh, self._ahead = iter(calls), asyncio.create_task(asyncio.to_thread(self._cut_next))
            return True

    def _cut_next(self) -> list[Call] | None:
        """The requests for the next of those who came; None = for all of them there are some."""
        people, tries = next(self._people, (None, 0))
        return None if people is None else list(self._cut(people, tries))

    async def _is_over(self) -> bool:
        """Whether nobody will come any more; all requests are back."""
        async with self._loading:
            if not (self._over or self._in_flight or self._deferred or self._backlog or self._unrecorded):
                self._over = await asyncio.to_thread(self._supply.is_over)
            return self._over

    def _cut(self, people: Slice, tries: int) -> Iterator[Call]:
        """Requests for *people*: after two *tries* that took nobody smaller ones, after three one each."""
        limits, everybody = self._provider.limits, np.arange(len(people.positions))
        if tries < 2:
            yield from self._provider.calls(self._job, people)
            return
        most = math.isqrt(max(limits.same, limits.different)) if tries == 2 else 1
        for first in range(0, len(everybody), most):
            yield from self._provider.calls(self._job, people.take(everybody[first : first + most]))

    async def _next(self) -> Call | None:
        while self._stopped is None and self._error is None:
            if self._backlog:
                return self._backlog.popleft()
            call = next(self._fresh, None)
            if call is not None:
                return call
            if await self._load():
                continue
            now = time.monotonic()
            if self._deferred and self._deferred[0].due <= now:
                people = heapq.heappop(self._deferred).people
                self._backlog.extend(self._cut(people, self._tried(people)))
                continue
            if not self._deferred and not self._in_flight and await self._is_over():
                self._changed.set()
                return None
            self._changed.clear()
            wait = min(self._deferred[0].due - now if self._deferred else 1.0, self._supply.again_s)
            try:
                await asyncio.wait_for(self._changed.wait(), min(wait, 1.0))
            except TimeoutError:
                continue
        return None

    # -- one request -----------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            try:
                call = await self._next()
            except Exception as error:
                self._error, call = self._error or error, None
                self._changed.set()
            if call is None:
                return
            self._in_flight += 1
            try:
                await self._send(call)
            except Exception as error:
                self._error = self._error or error
            finally:
                self._in_flight -= 1
                self._changed.set()

    async def _send(self, call: Call) -> None:
        due = await self._pace()
        if due is None:
            self._backlog.appendleft(call)
            return
        asked = uptime()
        claimed = await self._recorder.record(_claim(call), call.people.phones[call.rows])
        took_s = uptime() - asked
        self._claims_vary_s += 0.25 * (abs(took_s - self._claims_take_s) - self._claims_vary_s)
        self._claims_take_s += 0.125 * (took_s - self._claims_take_s)
        kept = claimed.kept
        if kept is not None:
            # Somebody opted out or was messaged elsewhere since the plan: the others are cut anew.
            self._run.count(State.REFUSED, int((~kept).sum()))
            if not kept.any():
                return
            call = call.without(~kept)
        # A turn is over when the claim took long: the server was away, say, for all senders.
        if self._turns.is_paced and uptime() - due > TURN_LASTS_S:
            due = await self._turn()
        if self._turns.is_paced and due is not None:
            await asyncio.sleep(due - uptime())
        # Last of all: this process may have been stopped at any moment since, and be taken for dead.
        if due is None or uptime() - claimed.began > _CLAIM_LASTS_S:
            states, facts = np.full(len(call), State.WAITING, np.uint8), Facts(reason="not_sent")
            self._queue(_people(call), 0.0)
        else:
            states, facts = await self._submit(call)
            if self._row:
                with suppress(asyncio.CancelledError):  # what became of them is written down all the same
                    await self._decide()
        outcome = Change("outcome", call.people.chunk, _positions(call), states, facts)
        self._unrecorded += 1
        # Not waited for: the next claim is committed after it, or with it.
        self._recorder.record(outcome).add_done_callback(self._recorded)
        counted = np.bincount(states, minlength=len(State)).tolist()
        for state in self._run.counts:
            self._run.count(state, counted[state])

    def _recorded(self, done: asyncio.Future[Any]) -> None:
        error = done.exception()  # asked of each, or asyncio prints those that nobody asked
        self._error = self._error or error
        self._unrecorded -= 1
        if not self._unrecorded:
            self._changed.set()

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
            self._unclear(error.message)
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
            self._run.got_through()
            facts = Facts(ids=[r.message_id for r in results], codes=_shared([r.code for r in results]))
            return np.full(len(results), State.ACCEPTED, np.uint8), facts
        states = np.fromiter((self._state(call, i, r) for i, r in enumerate(results)), np.uint8, len(results))
        if CodeClass.ACCEPTED in kinds:
            self._run.got_through()
        elif kinds == {CodeClass.UNKNOWN}:
            self._unclear(_said(results[0]))
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
        self._note_refusals(1, code.about, _said(result))
        return State.REFUSED

    def _refused(self, call: Call, error: Refused) -> tuple[NDArray[np.uint8], Facts]:
        known = error.known or self._provider.code(error.code)
        about = known.about
        same_text = len(set(call.texts)) == 1
        if len(call) == 1 or (not about.is_one_number and same_text):
            if known.kind is CodeClass.LATER:
                said = Submission(known.kind, "", error.code, error.detail or error.message, known)
                return self._judge(call, [said] * len(call))
            self._note_refusals(len(call), about, error.message)
            return _all(call, State.REFUSED, "refused", error)
        # One of them spoilt it for all, and the provider does not say who: halve until it shows.
        half = len(call) // 2
        self._backlog.extend((call.part(0, half), call.part(half, len(call))))
        return _all(call, State.WAITING, "not_taken", error)

    # -- trying again, and stopping --------------------------------------------------

    def _again(self, call: Call, error: NotAccepted) -> None:
        """Nothing was sent: the same people go again, after a pause where one is due."""
        if isinstance(error, BatchNotAllowed):
            self._backlog.extend(self._provider.calls(call.job, _people(call)))
            return
        hint = error.retry_after_s if isinstance(error, RateLimited) else None
        if isinstance(error, Unreachable):
            # Nobody was refused, and each time it says the same of the way to the provider.
            self._queue(_people(call), pause_s(None, 1))
            self._did_not_get_through((-1, next(self._numbers)), hint, error.message)
            return
        self._put_off(call, hint, error.message)
        self._did_not_get_through(self._blamed(call), hint, error.message)

    def _put_off(self, call: Call, hint: float | None, why: str) -> None:
        """
        The people of *call*, who were not taken, go to the end of the queue, or keep waiting for another run.

        Args:
            hint: Seconds after which the provider says they may come again; None = it does not.
        """
        people, too_long = _people(call), self._too_long(hint)
        # A long pause for a group may be for one of it: it is cut at once, and its others need not wait.
        self._supply.tries[people.chunk][people.positions] += 2 if too_long and len(call) > 1 else 1
        tries = self._tried(people)
        if len(call) == 1 and (too_long or tries >= self._patience.attempts):
            self._give_up(hint if too_long else None, why)
            return
        self._queue(people, pause_s(None if too_long else hint, tries + 1))

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

    def _queue(self, people: Slice, pause: float) -> None:
        """Send to *people* when all others were sent to, and after *pause* seconds."""
        heapq.heappush(self._deferred, _Deferred(time.monotonic() + pause, next(self._numbers), people))

    def _tried(self, people: Slice) -> int:
        """The most tries of any of *people* that did not take them; all of earlier runs count as one."""
        return int(self._supply.tries[people.chunk][people.positions].max())

    def _blamed(self, call: Call) -> _Person | None:
        """
        Who stands in a row for *call*, of which nobody was taken; None = it is not one more.

        Another request about a group that failed before says nothing new: somebody in it may be the cause.
        """
        if len(call) > 1 and self._tried(_people(call)) > 1:
            return None
        return call.people.chunk, int(_positions(call)[0])

    def _did_not_get_through(self, who: _Person | None, hint: float | None, why: str) -> None:
        """One request more of which nobody was taken: slow down for all, and in the end stop."""
        run = self._run
        run.fruitless += 1
        if who is not None:
            run.failed.add(who)
        if len(run.failed) >= self._patience.failures_in_a_row or (
            run.fruitless >= max(self._patience.fruitless_in_a_row, self._patience.failures_in_a_row)
        ):
            self._end_row(run.fruitless, why)
        elif run.fruitless > 1 and self._too_long(hint):
            self.stop(
                Message(
                    "the provider asks for a pause of {time} s; send again then. It said: {why}",
                    time=f"{hint:,.0f}",
                    why=why,
                )
            )
        elif run.fruitless > 1:
            self._turns.hold(pause_s(hint, max(1, len(run.failed))))

    def _too_long(self, hint: float | None) -> bool:
        """Whether the provider asks for a longer pause than a run makes."""
        return hint is not None and hint > self._patience.longest_deferral_s

    def _note_limits(self, call: Call, results: Sequence[Submission], behind: NDArray[np.int64]) -> None:
        """Nobody of *call* was taken, and the people *behind* were put off."""
        last = results[int(behind[-1])]
        code = last.known or self._provider.code(last.code)
        if last.kind is CodeClass.RETRY:
            self._did_not_get_through(self._blamed(call), code.retry_after_s, _said(last))
            return
        if self._too_long(code.retry_after_s):
            return  # a limit of a day is the number's own, and costs one request
        self._run.limited.update((call.people.chunk, int(p)) for p in _positions(call)[behind])
        if len(self._run.limited) >= self._patience.limited_in_a_row:
            self._end_row(len(self._run.limited), _said(last))

    def _end_row(self, n: int, why: str) -> None:
        """Have the run end after *n* in a row; see `_decide`."""
        self._row = Message("{n} requests in a row did not get through. Last: {why}", n=n, why=why)

    async def _decide(self) -> None:
        """End the run after a row; it counts as stopped unless it has come to everybody else."""
        async with self._deciding:
            told, self._row = self._row, ""
            if not told:
                return
            # Nothing else leaves meanwhile, and nobody else comes.
            async with self._loading:
                waits = await asyncio.to_thread(self._ledger.patiently, self._supply.waits_untried)
            if waits:
                self.stop(told)
            elif self._stopped is None:
                self._stopped, self._not_taken = "", told

    def _unclear(self, why: str) -> None:
        self._run.unknowns += 1
        if self._run.unknowns >= self._patience.unknown_in_a_row:
            self.stop(
                Message(
                    "{n} requests in a row had no clear answer. Last: {why}", n=self._run.unknowns, why=why
                )
            )

    def _note_refusals(self, count: int, about: About, why: str) -> None:
        if not about.is_one_number:
            self._run.refusals += count
            if self._run.refusals >= self._patience.refused_in_a_row:
                self.stop(
                    Message(
                        "{n} messages in a row were refused for what they say. Last: {why}",
                        n=self._run.refusals,
                        why=why,
                    )
                )

    async def _pace(self) -> float | None:
        """Wait until a claim should begin; returns when its request is to leave, None where the run ends."""
        while self._paused() and self._stopped is None:  # noqa: ASYNC110 - set from another thread
            await asyncio.sleep(0.1)
        due = await self._turn()
        window = self._guards.window
        if window and not window.is_open(self._clock.local()):
            if not self._guards.waits:
                self.stop(Message("the send window ({why}) is closed", why=window))
                return None
            await self._wait_for(window)
            # The turn that was taken is long over.
            return await self._pace() if self._stopped is None else None
        async with self._deciding:  # whether the run ends
            return due if self._stopped is None else None

    async def _turn(self) -> float | None:
        """Wait until there is no more time to a turn than a claim takes; None where the run ends."""
        # As TCP reckons when an answer is late: the average, and four times how far they are from it.
        early_s = min(_EARLY_S, self._claims_take_s + 4 * self._claims_vary_s)
        return await self._turns.wait(lambda: self._stopped is None, early_s=early_s)

    async def _wait_for(self, window: Window) -> None:
        """Wait until the window opens, or the run is stopped; one worker looks at the clock for all."""
        async with self._at_the_window:
            told: datetime | None = None
            while self._stopped is None and not window.is_open(now := self._clock.local()):
                # In UTC: two times of one zone are subtracted as if its clock were never changed.
                at = now.astimezone(UTC)
                if told is None or at >= told:
                    opening = window.next_opening(now)
                    if opening is None:
                        self.stop(Message("the send window ({why}) never opens", why=window))
                        return
                    told = opening.astimezone(UTC)
                    if self._guards.deadline and told > self._guards.deadline.astimezone(UTC):
                        self.stop(
                            Message(
                                "the send window opens at {at}, later than `not_after`",
                                at=f"{opening:%Y-%m-%d %H:%M}",
                            )
                        )
                        return
                    note = Message(WAITS_FOR_WINDOW, at=f"{opening:%Y-%m-%d %H:%M %Z}")
                    await self._note(note)
                # A second at a time: a machine may have slept, and a stop is not to wait for morning.
                await self._clock.sleep(min((told - at).total_seconds(), 1.0))
            if told is not None and self._stopped is None:
                await self._note("")

    async def _note(self, note: str) -> None:
        campaigns = self._ledger.campaigns
        await asyncio.to_thread(self._ledger.patiently, lambda: campaigns.note(self._campaign_id, note))

    def _report(self) -> None:
        self._progress(self._run.progress)

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
        self._run.left = sent.unsent  # others send, too
        return sent.stop_requested


def pause_s(hint: float | None, failures: int) -> float:
    """Seconds to wait after *failures* in a row: what the provider says, else longer each time."""
    return backoff(failures) if hint is None else hint


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
