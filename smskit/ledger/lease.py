"""
One run at a time owns a campaign, by a lease that a dead run loses.
"""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import sqlalchemy as sa

from smskit.errors import LedgerLocked, LedgerUnavailable
from smskit.i18n import Message
from smskit.ledger.database import Database
from smskit.ledger.hot import Hot
from smskit.ledger.schema import LEASE

LEASE_TTL_S = 60.0

_WORKING: set[str] = set()  # tokens of the runs of this process


class Owner(NamedTuple):
    """The process that runs a campaign."""

    host: str
    pid: int
    here: bool  # it is this one


class Leases:
    """Who owns which campaign."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def hold(self, campaign_id: int) -> Iterator[str]:
        """
        Own the campaign for the length of the block; yields the token that proves it.

        A run on this machine that is still alive is never pushed aside, one
        that died is at once; a run on another machine after ``LEASE_TTL_S``
        without a sign of life.

        Raises:
            LedgerLocked: another run owns it.
        """
        token = uuid.uuid4().hex
        host, pid, started = this_process()
        with self._database.write() as conn:
            held = conn.execute(sa.select(LEASE).where(LEASE.c.campaign_id == campaign_id)).one_or_none()
            if held is not None and works(held, self._database.clock()):
                raise LedgerLocked(
                    Message(
                        "another run (process {n} on {host}) is working on this campaign; "
                        "wait for it or stop it, then run again",
                        n=held.pid,
                        host=held.host,
                    )
                )
            conn.execute(LEASE.delete().where(LEASE.c.campaign_id == campaign_id))
            conn.execute(
                LEASE.insert().values(
                    campaign_id=campaign_id,
                    token=token,
                    host=host,
                    pid=pid,
                    process_started=started,
                    until=self._database.clock() + LEASE_TTL_S,
                )
            )
        _WORKING.add(token)
        try:
            yield token
        finally:
            _WORKING.discard(token)
            # A ledger that cannot be written says so already; whoever comes next sees that nobody works.
            with suppress(LedgerUnavailable), self._database.write() as conn:
                conn.execute(LEASE.delete().where(LEASE.c.campaign_id == campaign_id, LEASE.c.token == token))

    def owner(self, campaign_id: int) -> Owner | None:
        """Who works on the campaign right now, or None; a run that died works on nothing."""
        with self._database.read() as conn:
            held = conn.execute(sa.select(LEASE).where(LEASE.c.campaign_id == campaign_id)).one_or_none()
        if held is None or not works(held, self._database.clock()):
            return None
        return Owner(held.host, held.pid, (held.host, held.pid) == this_process()[:2])

    def renew(self, campaign_id: int, token: str) -> None:
        """Sign of life of the run that holds *token*."""
        with self._database.write() as conn:
            prove(conn, self._database.hot, campaign_id, token)
            conn.execute(
                LEASE.update()
                .where(LEASE.c.campaign_id == campaign_id)
                .values(until=self._database.clock() + LEASE_TTL_S)
            )


def this_process() -> tuple[str, int, float]:
    import psutil

    return platform.node(), os.getpid(), psutil.Process().create_time()


def works(held: Any, now: float) -> bool:
    """Whether the run that took this lease is at work; one of this process may have ended unrecorded."""
    host, pid, started = this_process()
    if (held.host, held.pid) == (host, pid) and abs(held.process_started - started) < 1.0:
        return held.token in _WORKING
    return holds(held, host, now)


def holds(held: Any, host: str, now: float) -> bool:
    if held.host != host:
        return bool(held.until > now)
    return lives(held.pid, held.process_started)


def lives(pid: int, started: float) -> bool:
    """Whether that process of this machine is still there, and the same one."""
    import psutil

    try:
        # Process numbers are reused; the same number with another start is another process.
        alive = psutil.Process(pid)
        return abs(alive.create_time() - started) < 1.0 and alive.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def prove(conn: sa.Connection, hot: Hot, campaign_id: int, token: str) -> None:
    if hot.token(conn, {"campaign": campaign_id}).scalar() != token:
        raise LedgerLocked(Message("another run has taken this campaign over; this one stops"))
