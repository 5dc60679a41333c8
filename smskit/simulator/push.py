"""
Pushing receipts and replies to the client's own address, with the provider's retries.

Only loopback addresses are ever contacted: the simulator must not be a way to
make a request anywhere else. What to send is the dialect's; when, is here.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

import httpx

from smskit.settings import is_loopback
from smskit.simulator.accounts import Account
from smskit.simulator.book import ReceiptDue, ReplyDue
from smskit.simulator.core import World

_PER_PUSH = 100  # receipts in one push at most; the same figure at every provider that batches them
_TIMEOUT_S = 5.0
_IDLE_S = 0.05
_AT_ONCE = 16  # pushes on the way


class Way(NamedTuple):
    """
    How a provider pushes.

    Args:
        taken: (status, body) of the answer -> whether it acknowledges the push.
        waits_s: Before each further try in turn; after the last it is given up.
    """

    content_type: str
    taken: Callable[[int, bytes], bool]
    waits_s: tuple[float, ...]
    method: str = "POST"
    timeout_s: float = _TIMEOUT_S


class Push(NamedTuple):
    """One request to a client's address."""

    url: str
    body: bytes
    way: Way
    messages: int = 1


class PushDialect(Protocol):
    """What a provider's pushes look like; its dialect module fits."""

    def receipt_pushes(self, account: Account, url: str, receipts: Sequence[ReceiptDue]) -> list[Push]:
        """Return the pushes for receipts that go to one address."""

    def reply_pushes(self, account: Account, url: str, replies: Sequence[ReplyDue]) -> list[Push]:
        """Return the pushes for replies that go to one address."""


class Pusher:
    """
    Sends what is due, again and again until it is acknowledged or given up.

    Args:
        world: Where receipts and replies come from; its clock times the retries.
        dialects: Provider -> how its pushes look.
    """

    def __init__(self, world: World, dialects: Mapping[str, PushDialect]) -> None:
        self._world = world
        self._dialects = dialects
        self._waiting: list[tuple[float, int, int, Push]] = []  # heap: (due, number, tries, push)
        self._numbers = itertools.count()

    @cached_property
    def _http(self) -> httpx.AsyncClient:
        # Plain HTTP to this machine: no certificates to load, and no proxy to go through.
        return httpx.AsyncClient(verify=False, trust_env=False, timeout=None)

    async def run(self) -> None:
        """Push until cancelled."""
        try:
            while True:
                if not await self.step():
                    await asyncio.sleep(_IDLE_S)
        finally:
            await self._http.aclose()

    async def step(self) -> int:
        """Collect what is due and send it; returns how many pushes were sent."""
        now = self._world.clock()
        for account in self._world.accounts():
            for push in self._collect(account):
                heapq.heappush(self._waiting, (now, next(self._numbers), 0, push))
        sent = 0
        while self._waiting and self._waiting[0][0] <= now:
            due = [
                heapq.heappop(self._waiting)
                for _ in range(_AT_ONCE)
                if self._waiting and self._waiting[0][0] <= now
            ]
            sent += len(due)
            taken = await asyncio.gather(*(self._send(push) for _, _, _, push in due))
            for (_, number, tries, push), done in zip(due, taken, strict=True):
                if not done and tries < len(push.way.waits_s):
                    heapq.heappush(self._waiting, (now + push.way.waits_s[tries], number, tries + 1, push))
        return sent

    def _collect(self, account: Account) -> list[Push]:
        dialect = self._dialects.get(account.provider)
        if dialect is None:
            return []
        pushes = []
        by_url: dict[str, list[ReceiptDue]] = {}
        for due in self._world.take_pushes(account, _PER_PUSH):
            by_url.setdefault(account.book.notes[due.call].receipt_url, []).append(due)
        for url, receipts in by_url.items():
            pushes += dialect.receipt_pushes(account, url, receipts)
        if account.settings.reply_url:
            replies = self._world.take_replies(account, _PER_PUSH)
            pushes += dialect.reply_pushes(account, account.settings.reply_url, replies)
        return pushes

    async def _send(self, push: Push) -> bool:
        """Make the request; whether it was acknowledged, or must never be made."""
        if not is_loopback_url(push.url):
            self._world.tally.add("push_refused_not_loopback", calls=1, messages=push.messages)
            return True
        way = push.way
        headers = {"Content-Type": way.content_type} if way.content_type else {}
        try:
            async with asyncio.timeout(way.timeout_s):
                answer = await self._http.request(way.method, push.url, content=push.body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            return False
        return way.taken(answer.status_code, answer.content)


def is_loopback_url(url: str) -> bool:
    """Whether *url* is plain HTTP to this machine."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and is_loopback(parts.hostname or "") and (parts.port or 80) > 0
    except ValueError:
        return False
