"""
The requests that leave next: new people chunk by chunk, and again those who were not taken.

Who is not taken goes to the end of the queue, after a pause of their own, and for the last places also in
the next run: nobody is held up by somebody else. A group that is not taken twice is cut smaller, then into
single people.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from smskit.models import Slice
from smskit.providers.base import Provider
from smskit.providers.calls import Call, Job
from smskit.sending.supply import Supply

__all__ = ["Upcoming"]


@dataclass(order=True)
class _Deferred:
    due: float
    number: int
    people: Slice = field(compare=False)


class Upcoming:
    """
    The requests that leave next; of one event loop.

    Args:
        supply: Where people come from; begun before the first request is asked for.

    Attributes:
        changed: Set by whoever changes what there is to wait for.
    """

    def __init__(self, provider: Provider, job: Job, supply: Supply) -> None:
        self._provider, self._job, self._supply = provider, job, supply
        self._again: deque[Call] = deque()  # at once
        self._fresh: Iterator[Call] = iter(())
        self._people: Iterator[tuple[Slice, int]] = iter(())  # who came and is not cut into requests yet
        self._ahead: asyncio.Task[list[Call] | None] | None = None  # the requests for the next of them
        self._deferred: list[_Deferred] = []
        self._numbers = itertools.count()
        self._ask_again = -math.inf  # before that there is nobody more
        self._over = False
        self._loading = asyncio.Lock()
        self.changed = asyncio.Event()

    async def next(self, goes_on: Callable[[], bool], at_work: Callable[[], bool]) -> Call | None:
        """
        The next request, once there is one.

        Args:
            goes_on: Whether the run does.
            at_work: Whether some request is on its way, or its outcome is not written down yet.

        Returns:
            None = the run does not go on, or nobody will come any more.
        """
        while goes_on():
            if self._again:
                return self._again.popleft()
            call = next(self._fresh, None)
            if call is not None:
                return call
            if await self._load():
                continue
            now = time.monotonic()
            if self._deferred and self._deferred[0].due <= now:
                people = heapq.heappop(self._deferred).people
                self._again.extend(self._cut(people, self.tried(people)))
                continue
            if await self._is_over(at_work):
                self.changed.set()
                return None
            self.changed.clear()
            wait = min(self._deferred[0].due - now if self._deferred else 1.0, self._supply.again_s)
            try:
                await asyncio.wait_for(self.changed.wait(), min(wait, 1.0))
            except TimeoutError:
                continue
        return None

    def at_once(self, calls: Iterable[Call]) -> None:
        """Send these before all others: nobody of them was refused."""
        self._again.extend(calls)

    def later(self, people: Slice, pause_s: float) -> None:
        """Send to *people* when all others were sent to, and after a pause."""
        heapq.heappush(self._deferred, _Deferred(time.monotonic() + pause_s, next(self._numbers), people))

    def not_taken(self, people: Slice, times: int = 1) -> int:
        """Count that *people* were not taken; returns how often now, see `tried`."""
        self._supply.tries[people.chunk][people.positions] += times
        return self.tried(people)

    def tried(self, people: Slice) -> int:
        """The most tries of any of *people* that did not take them; all of earlier runs count as one."""
        return int(self._supply.tries[people.chunk][people.positions].max())

    async def waits_untried(self) -> bool:
        """Whether somebody waits whom this run has not tried; nobody else comes meanwhile."""
        async with self._loading:
            return await asyncio.to_thread(self._supply.waits_untried)

    async def close(self) -> None:
        """Wait for what is prepared in another thread."""
        if self._ahead is not None:
            await asyncio.gather(self._ahead, return_exceptions=True)

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

    def _cut(self, people: Slice, tries: int) -> Iterator[Call]:
        """Requests for *people*: after two *tries* that took nobody smaller ones, after three one each."""
        limits, everybody = self._provider.limits, np.arange(len(people.positions))
        if tries < 2:
            yield from self._provider.calls(self._job, people)
            return
        most = math.isqrt(max(limits.same, limits.different)) if tries == 2 else 1
        for first in range(0, len(everybody), most):
            yield from self._provider.calls(self._job, people.take(everybody[first : first + most]))

    async def _is_over(self, at_work: Callable[[], bool]) -> bool:
        """Whether nobody will come any more; all requests are back."""
        if self._deferred or at_work():
            return False
        async with self._loading:
            if not (self._over or self._deferred or self._again or at_work()):
                self._over = await asyncio.to_thread(self._supply.is_over)
            return self._over
