"""
When the next request may go out: turns of an account that is shared, or a pace of one's own.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable
from typing import Protocol

from pydantic import SecretStr

from smskit.ledger import Ledger
from smskit.ledger.processes import uptime
from smskit.providers.base import Provider
from smskit.providers.pacing import Pacer

__all__ = ["Turns", "account_of", "turns_of"]

_AHEAD_S = 0.5  # more is not booked: it would be lost when the run ends
# A little below the limit, so that jitter on the way never adds up to more than it.
_SHARE = 0.972
# A turn that was not used within it is over: those who were kept waiting would else all go at once. By so
# much the requests of a second lie further apart than they have to, so none of them makes one too many.
TURN_LASTS_S = 1 / _SHARE - 1


class Book(Protocol):
    """Books turns; blocks."""

    def __call__(self, *, gap_s: float, count: int, hold_s: float) -> list[float]:
        """When each of *count* turns is, none earlier than in *hold_s* seconds; see `uptime`."""


class Turns:
    """
    Gives each request its turn.

    Args:
        per_second: Requests a second; 0 = no limit, and nothing is booked.
        book: Books turns of an account that others use, too; None = it is this run's alone.
    """

    def __init__(self, per_second: float, book: Book | None = None) -> None:
        self._gap_s = 1 / (per_second * _SHARE) if per_second > 0 else 0.0
        self._book = book if per_second > 0 else None
        self._pacer = Pacer(per_second * _SHARE)
        self._lock = asyncio.Lock()
        self._booked: deque[float] = deque()
        self._asking = 0
        self._held_until = 0.0

    @property
    def is_paced(self) -> bool:
        """Whether there is a limit."""
        return self._gap_s > 0

    def hold(self, seconds: float) -> None:
        """Let nothing go for so many seconds: the provider asked for a pause."""
        self._pacer.hold(uptime(), seconds)
        self._held_until = max(self._held_until, uptime() + seconds)

    async def wait(self, goes_on: Callable[[], bool], *, early_s: float = 0.0) -> float | None:
        """
        Wait for a turn, as long as the run *goes_on*.

        Args:
            early_s: How long before it to come back: what is to be done first takes as long.

        Returns:
            When it is, see `uptime`; None = the run does not go on.
        """
        if self._book is None:
            due = uptime() + self._pacer.reserve(uptime())
            await _sleep_until(due - early_s, goes_on)
            return due if goes_on() else None
        self._asking += 1
        try:
            async with self._lock:
                due = await self._next(self._book, goes_on, early_s)
                await _sleep_until(due - _AHEAD_S, goes_on)
        finally:
            self._asking -= 1
        await _sleep_until(due - early_s, goes_on)
        return due if goes_on() else None

    async def _next(self, book: Book, goes_on: Callable[[], bool], early_s: float) -> float:
        while goes_on():
            while self._booked:
                due = self._booked.popleft()
                if due >= max(self._held_until, uptime() - TURN_LASTS_S):
                    return due
            count = min(self._asking, max(1, int(_AHEAD_S / self._gap_s)))
            hold_s = max(early_s, self._held_until - uptime())
            booked = await asyncio.to_thread(book, gap_s=self._gap_s, count=count, hold_s=hold_s)
            self._booked.extend(booked)
        return uptime()


async def _sleep_until(due: float, goes_on: Callable[[], bool]) -> None:
    while (left := due - uptime()) > 0 and goes_on():  # noqa: ASYNC110 - asked of another thread
        await asyncio.sleep(min(left, 0.5))


def turns_of(provider: Provider, ledger: Ledger) -> Turns:
    """The turns of a provider's account, for all who go by *ledger*."""
    account = account_of(provider)

    def book(*, gap_s: float, count: int, hold_s: float) -> list[float]:
        return ledger.patiently(lambda: ledger.pace.book(account, gap_s=gap_s, count=count, hold_s=hold_s))

    return Turns(provider.settings.requests_per_second, book)


def account_of(provider: Provider) -> str:
    """
    A name for what the provider counts by: where requests go, and with which credentials.

    Few bits and a slow digest: whoever has the ledger can guess at a weak password, and learns nothing.
    """
    settings = provider.settings
    secrets = [getattr(settings, name) for name in settings.secret_fields()]
    values = [*settings.addresses, *(s.get_secret_value() for s in secrets if isinstance(s, SecretStr))]
    digest = hashlib.scrypt("\0".join(values).encode(), salt=b"smskit pace", n=2**12, r=8, p=1, dklen=4)
    return f"{provider.name}:{digest.hex()}"
