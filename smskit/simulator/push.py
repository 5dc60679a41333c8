"""
Pushing receipts and replies to the client's own address, with the provider's retries.

Only loopback addresses are ever contacted: the simulator must not be a way to
make a request anywhere else. What to send is the dialect's; when, is here.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import orjson

from smskit.settings import is_loopback
from smskit.simulator.accounts import Account
from smskit.simulator.core import World
from smskit.simulator.wire import JSON

_PER_PUSH = 100  # receipts in one push at most; the same figure at every provider that batches them
_IDLE_S = 0.05
_AT_ONCE = 16  # pushes on the way


def _json(_: Account, value: object) -> bytes:
    return orjson.dumps(value)


class Way(NamedTuple):
    """How a provider pushes receipts, or replies."""

    row: Callable[[Account, Any], Mapping[str, object]]  # one of them; without any fields it is not pushed
    taken: Callable[[int, bytes], bool]  # (status, body) of the answer -> whether it acknowledges the push
    waits_s: tuple[float, ...]  # before each further try in turn; after the last it is given up
    together: bool = False  # whether one push holds all rows that are due, else one row
    encode: Callable[[Account, Any], bytes] = _json  # row, or rows -> the body, or with GET the query
    method: str = "POST"
    content_type: str = JSON.decode()
    timeout_s: float = 5.0

    def pushes(self, account: Account, url: str, due: Iterable[Any]) -> Iterator[Push]:
        """Yield the requests for what is due and goes to one address."""
        rows = [row for each in due if (row := self.row(account, each))]
        for held in [rows] if self.together and rows else rows:
            body = self.encode(account, held)
            if self.method == "GET":
                yield Push(f"{url}{'&' if '?' in url else '?'}{body.decode()}", b"", self)
            else:
                yield Push(url, body, self, len(rows) if self.together else 1)


class Push(NamedTuple):
    """One request to a client's address."""

    url: str
    body: bytes
    way: Way
    messages: int = 1


class Pusher:
    """
    Sends what is due, again and again until it is acknowledged or given up.

    Args:
        world: Where receipts and replies come from; its clock times the retries.
        ways: Provider -> how it pushes "receipts" and "replies".
    """

    def __init__(self, world: World, ways: Mapping[str, Mapping[str, Way]]) -> None:
        self._world = world
        self._ways = ways
        self._waiting: list[tuple[float, int, int, Push]] = []  # heap: (due, number, tries, push)
        self._numbers = itertools.count()

    @cached_property
    def _http(self) -> httpx.AsyncClient:
        # Plain HTTP to this machine: no certificates to load, and no proxy to go through.
        return httpx.AsyncClient(verify=False, trust_env=False, timeout=None)

    async def run(self) -> None:
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
        while due := [heapq.heappop(self._waiting) for _ in range(_AT_ONCE) if self._is_due(now)]:
            sent += len(due)
            taken = await asyncio.gather(*(self._send(push) for _, _, _, push in due))
            for (_, number, tries, push), done in zip(due, taken, strict=True):
                if not done and tries < len(push.way.waits_s):
                    heapq.heappush(self._waiting, (now + push.way.waits_s[tries], number, tries + 1, push))
        return sent

    def _is_due(self, now: float) -> bool:
        return bool(self._waiting) and self._waiting[0][0] <= now

    def _collect(self, account: Account) -> Iterator[Push]:
        ways = self._ways.get(account.provider)
        if ways is None:
            return
        by_url: dict[str, list[Any]] = {}
        for due in self._world.take(account, "pushes", _PER_PUSH):
            by_url.setdefault(due.message.note.receipt_url, []).append(due)
        for url, receipts in by_url.items():
            yield from ways["receipts"].pushes(account, url, receipts)
        if url := account.settings.reply_url:
            yield from ways["replies"].pushes(account, url, self._world.take(account, "replies", _PER_PUSH))

    async def _send(self, push: Push) -> bool:
        """Make the request; whether it was acknowledged, or must never be made."""
        if not is_loopback_url(push.url):
            self._world.tally.add("push_refused_not_loopback", calls=1, messages=push.messages)
            return True
        way = push.way
        headers = {"Content-Type": way.content_type} if push.body else {}
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
