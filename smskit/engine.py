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

Leaves to others: who is planned (``plan``), what a provider says on the wire
(``providers``), settling unknowns (``campaign``).
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from smskit.caps import Recent
from smskit.errors import (
    AccountProblem,
    BatchNotAllowed,
    LedgerError,
    NotAccepted,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    Refused,
)
from smskit.language import Language
from smskit.ledger import WAITS, Change, Facts, Ledger
from smskit.models import About, CodeClass, Slice, State, Submission
from smskit.pacing import Pacer, backoff
from smskit.providers.base import Call, Job, Provider
from smskit.spec import FrequencyCap

_GATHER_S = 0.001

# Why somebody is stopped at the last moment: the event's kind, and what people read.
Stop = Literal["opt_out", "frequency_cap"]
_NOBODY = np.empty(0, np.int64)
_PLAIN_FACTS = Facts._fields.index("requests")  # those before it are columns of every event
_STOP_REASONS: dict[Stop, str] = {"opt_out": "opted_out", "frequency_cap": "frequency_cap"}


@dataclass(frozen=True)
class Patience:
    """When the engine tries again, and when it stops and asks a person."""

    # A number that is limited for longer than this is refused with the provider's code, not waited for.
    longest_deferral_s: float = 60.0
    attempts: int = 4  # of one message, all of them known not to have been taken
    failures_in_a_row: int = 6  # requests that did not get through: pause
    unknown_in_a_row: int = 10  # requests without a clear answer: pause
    refused_in_a_row: int = 20  # messages refused for text or request: pause


class Window(Protocol):
    """When messages may leave: ``spec.SendWindow``, or that within a provider's hours (``terms``)."""

    def is_open(self, at: datetime) -> bool:
        """Whether *at*, in the campaign's zone, is inside."""

    def next_opening(self, at: datetime) -> datetime | None:
        """The first instant at or after *at* that is inside; None = never."""


class Progress(NamedTuple):
    """How far a run is: counts of this run."""

    accepted: int
    refused: int
    unknown: int
    left: int  # still waiting


@dataclass(frozen=True)
class Ended:
    """How a run ended. ``stopped`` says why people are still waiting, "" when nobody is."""

    stopped: str = ""


@dataclass(order=True)
class _Deferred:
    due: float
    number: int
    people: Slice = field(compare=False)


class _Item(NamedTuple):
    change: Change
    phones: NDArray[np.int64] | None
    done: asyncio.Future[NDArray[np.bool_] | None]


class Recorder:
    """
    Commits changes from one thread, grouping whatever waits into one transaction.

    It also honours what happens during a run: a claim of somebody who has opted
    out since the plan, or has had as many messages as the cap allows, becomes a
    refusal, and the claim's answer says so.

    Args:
        recent: What the campaign's cap looks at; None = it has none.
    """

    def __init__(self, ledger: Ledger, campaign_id: int, token: str, *, recent: Recent | None = None) -> None:
        self._ledger, self._campaign_id, self._token = ledger, campaign_id, token
        self._recent = recent
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._seen = -1  # no version of the opt-outs is known yet
        self._opted_out: NDArray[np.int64] = np.empty(0, np.int64)
        self._thread = threading.Thread(target=self._work, name="smskit-ledger", daemon=True)
        self._thread.start()

    def record(
        self, change: Change, phones: NDArray[np.int64] | None = None
    ) -> asyncio.Future[NDArray[np.bool_] | None]:
        """
        Queue *change*; the future is done once it is durable.

        For a claim hand in its *phones*: the result is then None, or a mask of
        those who may still be messaged.
        """
        done: asyncio.Future[NDArray[np.bool_] | None] = self._loop.create_future()
        self._queue.put(_Item(change, phones, done))
        return done

    def close(self) -> None:
        """Commit what is queued and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        open_ = True
        while open_:
            group = [self._queue.get()]
            # A moment for the others that are about to come: a commit costs more than this wait.
            time.sleep(_GATHER_S)
            while not self._queue.empty():
                group.append(self._queue.get())
            open_ = None not in group
            items = [item for item in group if item is not None]
            if items:
                self._commit(items)

    def _commit(self, items: Sequence[_Item]) -> None:
        try:
            masks = self._apply(items)
            while masks is None:
                self._seen, self._opted_out = self._ledger.opt_out_version(), self._ledger.opt_outs()
                masks = self._apply(items)
        except BaseException as error:
            self._loop.call_soon_threadsafe(_failed, items, error)
        else:
            self._loop.call_soon_threadsafe(_done, items, masks)

    def _apply(self, items: Sequence[_Item]) -> list[NDArray[np.bool_] | None] | None:
        """Masks of those who may be messaged, or None when the opt-outs are not those we know."""
        masks: list[NDArray[np.bool_] | None] = []

        def changes(now: float) -> list[Change]:
            made: list[Change] = []
            phones = [_NOBODY if item.phones is None else item.phones for item in items]
            # Asked once for the whole group: with one person a request the asking is what costs.
            everybody = self._stops(np.concatenate(phones), now)
            ends = np.cumsum([len(p) for p in phones]).tolist()
            for item, end, own in zip(items, ends, phones, strict=True):
                stops = {
                    kind: out[end - len(own) : end]
                    for kind, out in everybody.items()
                    if out[end - len(own) : end].any()
                }
                masks.append(~np.logical_or.reduce(list(stops.values())) if stops else None)
                made += _split_claim(item.change, stops)
            return _merged(made)

        done = self._ledger.apply_unless_opted_out(
            self._campaign_id, changes, token=self._token, version=self._seen, recent=self._recent
        )
        return masks if done else None

    def _stops(self, phones: NDArray[np.int64], now: float) -> dict[Stop, NDArray[np.bool_]]:
        """Who of a claim is not to be messaged after all, by the first reason that applies."""
        stops: dict[Stop, NDArray[np.bool_]] = {}
        if not len(phones):
            return stops
        if len(self._opted_out) and (out := np.isin(phones, self._opted_out)).any():
            stops["opt_out"] = out
        if self._recent is not None:
            over = self._recent.over(phones, now) & ~stops.get("opt_out", np.False_)
            if over.any():
                stops["frequency_cap"] = over
        return stops


def _done(items: Sequence[_Item], masks: Sequence[NDArray[np.bool_] | None]) -> None:
    for item, mask in zip(items, masks, strict=True):
        if not item.done.done():
            item.done.set_result(mask)


def _failed(items: Sequence[_Item], error: BaseException) -> None:
    for item in items:
        if not item.done.done():
            item.done.set_exception(error)


def _split_claim(change: Change, stops: Mapping[Stop, NDArray[np.bool_]]) -> list[Change]:
    """The claim without those who are stopped, and their refusals."""
    if not stops:
        return [change]
    keep = ~np.logical_or.reduce(list(stops.values()))
    split = []
    if keep.any():
        split.append(change._replace(positions=change.positions[keep], states=change.states[keep]))
    for kind, out in stops.items():
        refused = np.full(int(out.sum()), State.REFUSED, np.uint8)
        facts = Facts(reason=_STOP_REASONS[kind])
        split.append(Change(kind, change.chunk, change.positions[out], refused, facts))
    return split


def _merged(changes: Sequence[Change]) -> list[Change]:
    """
    One change per chunk and kind, so that single sends do not cost an event each.

    Outcomes come first: somebody who is back to waiting may be claimed again
    within the same group, never the other way round, since a claim is waited for.
    """
    groups: dict[tuple[str, int], list[Change]] = {}
    for change in sorted(changes, key=lambda c: c.kind != "outcome"):
        groups.setdefault((change.kind, change.chunk), []).append(change)
    return [group[0] if len(group) == 1 else _joined(group) for group in groups.values()]


def _joined(group: Sequence[Change]) -> Change:
    def column(index: int) -> Any:
        values: list[Any] = [change.facts[index] for change in group]
        if all(isinstance(v, str) or v is None for v in values) and len(set(values)) == 1:
            return values[0]
        sizes = [len(change.positions) for change in group]
        return list(
            itertools.chain.from_iterable(
                [v] * n if isinstance(v, str) or v is None else v for v, n in zip(values, sizes, strict=True)
            )
        )

    return Change(
        group[0].kind,
        group[0].chunk,
        np.concatenate([change.positions for change in group]),
        np.concatenate([change.states for change in group]),
        Facts(*(column(i) for i in range(_PLAIN_FACTS)))._replace(requests=_requests(group)),
    )


def _requests(group: Sequence[Change]) -> list[int] | None:
    """Which request each person of several claims is in, counted from 0; None where it is no claim."""
    if group[0].kind != "claim":
        return None
    return np.repeat(np.arange(len(group)), [len(change.positions) for change in group]).tolist()


class Engine:
    """
    Sends everybody who waits in one campaign, once.

    Args:
        token: Proof of the campaign's lease.
        among: Chunk -> who of it may be sent to; None = everybody.
        window: When messages may leave; None = always.
        waits: Whether a run outside the window waits for it to open; else it stops.
        deadline: A wait that would go past it stops the run instead; aware, None = none.
        cap: Most messages a phone may get from all live campaigns; None = any number.
        local_now: The time in the campaign's zone.
        sleep: How waiting for the window passes the time; seconds.
        progress: Called at most five times a second, from the engine's thread.
        held: Whether the next request is to wait; asked before each, from the engine's thread.
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
        window: Window | None,
        waits: bool = False,
        deadline: datetime | None = None,
        cap: FrequencyCap | None = None,
        local_now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        progress: Callable[[Progress], None] = lambda _: None,
        held: Callable[[], bool] = lambda: False,
        patience: Patience = Patience(),
    ) -> None:
        self._held = held
        self._ledger, self._campaign_id, self._token = ledger, campaign_id, token
        self._provider, self._job, self._among = provider, job, among
        self._window, self._waits, self._deadline = window, waits, deadline
        self._cap, self._local_now, self._sleep = cap, local_now, sleep
        self._progress, self._patience = progress, patience
        # A little below the limit, so that jitter on the way never adds up to more than it.
        self._pacer = Pacer(provider.settings.requests_per_second * 0.965)
        self._backlog: deque[Call] = deque()
        self._deferred: list[_Deferred] = []
        self._attempts: dict[tuple[int, int], int] = {}
        self._numbers = itertools.count()
        self._in_flight = 0
        self._failures = self._unknowns = self._refusals = 0
        self._counts = {State.ACCEPTED: 0, State.REFUSED: 0, State.UNKNOWN: 0}
        self._left = 0
        self._stopped: str | None = None
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
        states = self._ledger.states(self._campaign_id)
        self._left = sum(int(self._waiting(chunk, s).sum()) for chunk, s in states.items())
        self._changed = asyncio.Event()
        self._at_the_window = asyncio.Lock()
        self._fresh: Iterator[Call] | None = self._produce(states)
        recent = self._ledger.recent(self._campaign_id, self._cap) if self._cap else None
        self._recorder = Recorder(self._ledger, self._campaign_id, self._token, recent=recent)
        watch = asyncio.create_task(self._watch())
        workers = [asyncio.create_task(self._work()) for _ in range(self._provider.settings.concurrency)]
        try:
            await asyncio.gather(*workers)
        except asyncio.CancelledError:
            self.stop("stopped at once; requests on the way became unknown")
            await asyncio.gather(*workers, return_exceptions=True)
        finally:
            watch.cancel()
            await asyncio.to_thread(self._recorder.close)
            await asyncio.sleep(0)  # the last outcomes report back
            self._report()
        if self._error:
            raise self._error
        return Ended(self._stopped or "")

    # -- what to send next ---------------------------------------------------------

    def _produce(self, states: dict[int, NDArray[np.uint8]]) -> Iterator[Call]:
        for chunk, present in states.items():
            waiting = np.flatnonzero(self._waiting(chunk, present)).astype(np.uint16)
            if len(waiting):
                people = self._ledger.people(self._campaign_id, chunk, waiting)
                yield from self._provider.calls(self._job, people)

    def _waiting(self, chunk: int, states: NDArray[np.uint8]) -> NDArray[np.bool_]:
        waiting: NDArray[np.bool_] = states == State.WAITING
        return waiting if self._among is None else waiting & self._among[chunk]

    async def _next(self) -> Call | None:
        while self._stopped is None and self._error is None:
            if self._backlog:
                return self._backlog.popleft()
            now = time.monotonic()
            if self._deferred and self._deferred[0].due <= now:
                people = heapq.heappop(self._deferred).people
                self._backlog.extend(self._provider.calls(self._job, people))
                continue
            if self._fresh is not None:
                call = next(self._fresh, None)
                if call is not None:
                    return call
                self._fresh = None
                continue
            if not self._deferred and not self._in_flight:
                self._changed.set()
                return None
            self._changed.clear()
            wait = self._deferred[0].due - now if self._deferred else 1.0
            try:
                await asyncio.wait_for(self._changed.wait(), min(wait, 1.0))
            except TimeoutError:
                continue
        return None

    # -- one request -----------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            call = await self._next()
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
        if not await self._pace():
            self._backlog.appendleft(call)
            return
        kept = await self._recorder.record(_claim(call), call.people.phones[call.rows])
        if kept is not None:
            # Somebody opted out or was messaged elsewhere since the plan: the others are cut anew.
            self._count(State.REFUSED, int((~kept).sum()))
            if not kept.any():
                return
            call = Call(call.job, call.people, call.rows[kept], call.method)
        states, facts = await self._submit(call)
        outcome = Change("outcome", call.people.chunk, _positions(call), states, facts)
        # Not waited for: the next claim is committed after it, or with it.
        self._recorder.record(outcome).add_done_callback(self._recorded)
        counted = np.bincount(states, minlength=len(State)).tolist()
        for state in self._counts:
            self._count(state, counted[state])

    def _recorded(self, done: asyncio.Future[Any]) -> None:
        self._error = self._error or done.exception()

    async def _submit(self, call: Call) -> tuple[NDArray[np.uint8], Facts]:
        """Send, and say for each person what became of it; plans whatever is to be tried again."""
        try:
            results = await self._provider.submit(call)
            if len(results) != len(call):
                raise OutcomeUnknown("the provider answered for other people than it was asked about")
        except AccountProblem as error:
            self.stop(str(error))
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
            self._unclear(str(error))
            return _all(call, State.UNKNOWN, "no_answer", error)
        except asyncio.CancelledError:
            return _all(
                call, State.UNKNOWN, "interrupted", OutcomeUnknown("", detail="stopped while waiting")
            )
        except Exception as error:
            # A bug in a provider module: the request may have left all the same.
            self.stop(f"{self._provider.name}: {type(error).__name__} while sending; please report this")
            return _all(call, State.UNKNOWN, "no_answer", OutcomeUnknown("", detail=type(error).__name__))
        return self._judge(call, results)

    def _judge(self, call: Call, results: Sequence[Submission]) -> tuple[NDArray[np.uint8], Facts]:
        kinds = {result.kind for result in results}
        if kinds == {CodeClass.ACCEPTED}:
            self._failures = self._unknowns = self._refusals = 0
            facts = Facts(ids=[r.message_id for r in results], codes=_shared([r.code for r in results]))
            return np.full(len(results), State.ACCEPTED, np.uint8), facts
        states = np.fromiter((self._state(call, i, r) for i, r in enumerate(results)), np.uint8, len(results))
        if CodeClass.ACCEPTED in kinds:
            self._failures = self._unknowns = self._refusals = 0
        elif kinds == {CodeClass.UNKNOWN}:
            self._unclear(_said(results[0]))
        return states, Facts(
            reason=[_REASONS.get(int(s), "") for s in states],
            ids=[r.message_id for r in results],
            codes=[r.code for r in results],
            details=[r.detail for r in results],
        )

    def _state(self, call: Call, index: int, result: Submission) -> int:
        code = self._provider.code(result.code)
        if result.kind is CodeClass.ACCEPTED:
            return State.ACCEPTED
        if result.kind is CodeClass.UNKNOWN:
            return State.UNKNOWN
        if result.kind is CodeClass.ACCOUNT:
            self.stop(self._provider.in_words(result.code, result.detail, code.next_step))
            return State.WAITING
        if result.kind in (CodeClass.LATER, CodeClass.RETRY):
            after = code.retry_after_s if code.retry_after_s is not None else 1.0
            if self._defer(call, index, after):
                return State.WAITING
            return State.REFUSED if result.kind is CodeClass.LATER else State.WAITING
        self._note_refusals(1, code.about, _said(result))
        return State.REFUSED

    def _refused(self, call: Call, error: Refused) -> tuple[NDArray[np.uint8], Facts]:
        about = self._provider.code(error.code).about
        same_text = len(set(call.texts)) == 1
        if len(call) == 1 or (about is not About.NUMBER and same_text):
            self._note_refusals(len(call), about, str(error))
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
        self._failures += 1
        if self._failures >= self._patience.failures_in_a_row:
            self.stop(f"{self._failures} requests in a row did not get through. Last: {error}")
            return
        hint = error.retry_after_s if isinstance(error, RateLimited) else None
        self._pacer.hold(time.monotonic(), hint if hint is not None else backoff(self._failures))
        self._backlog.append(call)

    def _defer(self, call: Call, index: int, after_s: float) -> bool:
        key = (call.people.chunk, int(call.people.positions[call.rows[index]]))
        self._attempts[key] = self._attempts.get(key, 0) + 1
        if after_s > self._patience.longest_deferral_s or self._attempts[key] >= self._patience.attempts:
            return False
        people = call.people.take(call.rows[index : index + 1])
        heapq.heappush(self._deferred, _Deferred(time.monotonic() + after_s, next(self._numbers), people))
        return True

    def _unclear(self, why: str) -> None:
        self._unknowns += 1
        if self._unknowns >= self._patience.unknown_in_a_row:
            self.stop(f"{self._unknowns} requests in a row had no clear answer. Last: {why}")

    def _note_refusals(self, count: int, about: About, why: str) -> None:
        if about is not About.NUMBER:
            self._refusals += count
            if self._refusals >= self._patience.refused_in_a_row:
                self.stop(f"{self._refusals} messages in a row were refused for what they say. Last: {why}")

    async def _pace(self) -> bool:
        while self._held() and self._stopped is None:  # noqa: ASYNC110 - set from another thread
            await asyncio.sleep(0.1)
        wait = self._pacer.reserve(time.monotonic())
        while wait > 0 and self._stopped is None:
            await asyncio.sleep(min(wait, 0.5))
            wait -= 0.5
        if self._window and not self._window.is_open(self._local_now()):
            if not self._waits:
                self.stop(f"the send window ({self._window}) is closed")
                return False
            await self._wait_for(self._window)
            # The turn that was taken is long over.
            return self._stopped is None and await self._pace()
        return self._stopped is None

    async def _wait_for(self, window: Window) -> None:
        """Wait until the window opens, or the run is stopped; one worker looks at the clock for all."""
        async with self._at_the_window:
            told: datetime | None = None
            while self._stopped is None and not window.is_open(now := self._local_now()):
                # In UTC: two times of one zone are subtracted as if its clock were never changed.
                at = now.astimezone(UTC)
                if told is None or at >= told:
                    opening = window.next_opening(now)
                    if opening is None:
                        self.stop(f"the send window ({window}) never opens")
                        return
                    told = opening.astimezone(UTC)
                    if self._deadline and told > self._deadline.astimezone(UTC):
                        self.stop(
                            f"the send window opens at {opening:%Y-%m-%d %H:%M}, later than `not_after`"
                        )
                        return
                    note = f"{WAITS}for the send window, which opens at {opening:%Y-%m-%d %H:%M %Z}"
                    await asyncio.to_thread(self._ledger.note, self._campaign_id, note)
                # A second at a time: a machine may have slept, and a stop is not to wait for morning.
                await self._sleep(min((told - at).total_seconds(), 1.0))
            if told is not None and self._stopped is None:
                await asyncio.to_thread(self._ledger.note, self._campaign_id, "")

    def _count(self, state: State, n: int) -> None:
        self._counts[state] += n
        self._left -= n

    def _report(self) -> None:
        c = self._counts
        self._progress(Progress(c[State.ACCEPTED], c[State.REFUSED], c[State.UNKNOWN], self._left))

    async def _watch(self) -> None:
        """Five times a second: progress; every second: was a stop requested; every ten: renew the lease."""
        for tick in itertools.count(1):
            await asyncio.sleep(0.2)
            self._report()
            try:
                if tick % 5 == 0 and await asyncio.to_thread(self._ledger.stop_requested, self._campaign_id):
                    self.stop("a stop was requested")
                if tick % 50 == 0:
                    await asyncio.to_thread(self._ledger.renew, self._campaign_id, self._token)
            except LedgerError as error:
                self._error = self._error or error


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
    facts = Facts(reason=reason, codes=error.code, details=error.detail or str(error))
    return np.full(len(call), state, np.uint8), facts


def _said(result: Submission) -> str:
    """A provider's word on one message, for a sentence of ours around it."""
    detail = Language("en").said(result.detail)
    return f"{detail} (code {result.code})" if detail and result.code else detail or f"code {result.code}"


def _shared(values: list[str]) -> str | list[str]:
    return values[0] if values and values.count(values[0]) == len(values) else values


def run_in_thread(work: Callable[[], Any], *, on_interrupt: Callable[[], None] | None = None) -> Any:
    """
    Run the coroutine that *work* makes to its end, whether or not a loop runs here already.

    A notebook kernel has a running loop, so the work gets a thread and a loop
    of its own. Ctrl-C calls *on_interrupt*, which is to bring about a clean end, and waits
    for it; without one it is raised when the work is done, since a page that was
    fetched must be kept. A second one gives up waiting at once.
    """
    result: Future[Any] = Future()

    def target() -> None:
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                result.set_result(runner.run(work()))
        except BaseException as error:
            result.set_exception(error)

    thread = threading.Thread(target=target, name="smskit-engine", daemon=True)
    thread.start()
    interrupted = False
    while thread.is_alive():
        try:
            thread.join(0.2)
        except KeyboardInterrupt:
            if interrupted:
                raise
            interrupted = True
            if on_interrupt is not None:
                on_interrupt()
    if interrupted and on_interrupt is None:
        raise KeyboardInterrupt
    return result.result()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not made for Windows
        return None
    return uvloop.new_event_loop
