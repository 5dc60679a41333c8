"""
A ledger on a PostgreSQL server: its connections, SQLite's one writer by a lock, and one clock.

Of what makes a ledger safe, SQLite gives "one writer at a time" by itself. Here one advisory lock of the
schema gives the same, held to the end of each writing transaction, so that all that is right on a file is
right on a server. Reads see one state (REPEATABLE READ), as they do there.
"""

from __future__ import annotations

import time as _time
from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa

from smskit.errors import LedgerError, needs_extra
from smskit.i18n import Message
from smskit.ledger.failures import place_of

__all__ = ["open_engine"]

_OLDEST: Final = (13,)
# A wire that was cut is noticed within about ten seconds, on both of its ends; without this it takes a
# quarter of an hour, for which a writer that is gone would hold the lock.
_WIRE: Final = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_SESSION: Final = (
    "SET idle_in_transaction_session_timeout = '60s'; SET tcp_keepalives_idle = 5; "
    "SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3"
)
# 7673 tells our lock from others' in the same database. The time is read once the lock is held.
_LOCK: Final = (
    "SELECT extract(epoch FROM clock_timestamp())::float8 "
    "FROM (SELECT pg_advisory_xact_lock(7673, hashtext(coalesce(current_schema(), '')))) held"
)
_PICTURE: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"


class _Clock:
    """
    The server's time, without asking it each time: as it was last told, and what has gone by since.

    Leases, caps and windows of several hosts go by this one, whatever their own clocks say.
    """

    def __init__(self) -> None:
        self._told = (_time.time(), _since())

    def tell(self, now: float) -> None:
        """What the server says it is; epoch seconds."""
        self._told = (now, _since())

    def __call__(self) -> float:
        told, at = self._told
        return told + _since() - at


def _since() -> float:
    """Seconds that also pass while the machine sleeps."""
    return _time.clock_gettime(_time.CLOCK_BOOTTIME) if hasattr(_time, "CLOCK_BOOTTIME") else _time.monotonic()


def open_engine(url: sa.URL, *, logging_name: str) -> tuple[sa.Engine, Callable[[], float]]:
    """
    Its connections, each looked at before it is used again, and its clock.

    Raises:
        MissingExtra: the driver is not installed.
    """
    with needs_extra("postgres"):
        engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            hide_parameters=True,
            logging_name=logging_name,
            isolation_level="READ COMMITTED",  # a write sees all that was committed before it got the lock
            pool_pre_ping=True,
            connect_args=_WIRE,
        )

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        version = divmod(connection.info.server_version, 10_000)
        if version < _OLDEST:
            raise LedgerError(
                Message(
                    "{ledger} is PostgreSQL {found}; smskit needs 13 or newer",
                    ledger=place_of(url),
                    found=version[0],
                )
            )
        connection.execute(_SESSION)
        connection.commit()

    clock = _Clock()

    @sa.event.listens_for(engine, "begin")
    def _begin(conn: sa.Connection) -> None:
        if conn.get_execution_options().get("smskit_write"):
            clock.tell(conn.exec_driver_sql(_LOCK).scalar_one())
        else:
            conn.exec_driver_sql(_PICTURE)

    return engine, clock
