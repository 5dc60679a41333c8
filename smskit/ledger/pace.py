"""
One pace per account: all runs that go by a ledger book the turns of their requests here.

Turns are given by the database's clock, one after the other, and not saved up. To lose the last booking in a
power cut harms nobody, so it is not waited for until it is on the disk.
"""

from __future__ import annotations

import sqlalchemy as sa

from smskit.ledger.database import Database
from smskit.ledger.processes import uptime
from smskit.ledger.schema import PACE

__all__ = ["Pace"]

_CLOCK_SET_BACK_S = 1.0


class Pace:
    """The turns of accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ahead_s: float | None = None  # the database's clock, of `uptime`

    def book(self, account: str, *, gap_s: float, count: int, hold_s: float = 0.0) -> list[float]:
        """
        Book the next free turns of an account.

        Args:
            account: What the provider counts by, in a form that tells no key.
            gap_s: From one turn to the next.
            count: How many.
            hold_s: Nobody's turn is earlier than so many seconds from now: the provider asked for a pause.

        Returns:
            When each is, ascending; see `uptime`. One that is over by then is lost.
        """
        with self._database.write(durable=False) as conn:
            asked, now = uptime(), self._database.now(conn)
            ahead_s = self._compare(asked, now, uptime())
            found = conn.execute(sa.select(PACE).where(PACE.c.account == account)).one_or_none()
            free = now if found is None or found.at > now + _CLOCK_SET_BACK_S else max(now, found.next)
            first = max(free, now + hold_s)
            values = {"next": first + count * gap_s, "at": now}
            if found is None:
                conn.execute(PACE.insert().values(account=account, **values))
            else:
                conn.execute(PACE.update().where(PACE.c.account == account).values(**values))
        return [first - ahead_s + n * gap_s for n in range(count)]

    def _compare(self, asked: float, now: float, answered: float) -> float:
        """
        How far the database's clock is ahead of `uptime`, after it said *now*.

        It said so at some moment between question and answer, so one that took long says little: what is
        known stays, as far as it is possible. A turn would else be early or late by the time on the wire.
        """
        known = now - (asked + answered) / 2 if self._ahead_s is None else self._ahead_s
        self._ahead_s = min(max(known, now - answered), now - asked)
        return self._ahead_s
