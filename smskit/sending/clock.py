"""The time a campaign goes by: one value for all its parts, handed in by tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from smskit.ledger import Ledger

__all__ = ["Clock", "Sleep", "clock_of"]

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Clock:
    """
    What time it is, and how a wait passes it.

    Args:
        now: The time, aware.
        sleep: Passes that clock's seconds.
        zone: The campaign's, in which its hours are read.
    """

    now: Callable[[], datetime]
    sleep: Sleep = asyncio.sleep
    zone: tzinfo = UTC

    def local(self) -> datetime:
        """The time in the campaign's zone."""
        return self.now().astimezone(self.zone)


def clock_of(ledger: Ledger, *, zone: tzinfo = UTC, sleep: Sleep = asyncio.sleep) -> Clock:
    """The clock the ledger writes by, so that both are always of one mind."""
    return Clock(lambda: datetime.fromtimestamp(ledger.clock(), UTC), sleep, zone)
