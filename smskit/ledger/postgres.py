"""
A ledger on a PostgreSQL server: its connections, SQLite's one writer by a lock, one clock, and patience.

Of what makes a ledger safe, SQLite gives "one writer at a time" by itself. Here one advisory lock of the
schema gives the same, held to the end of each writing transaction, so that all that is right on a file is
right on a server. Reads see one state (REPEATABLE READ), as they do there.

A server can also be away. Whatever happens before a commit is sent has not happened; of a commit whose
answer was lost, the writer's own row in ``writer`` says whether it did. (The number of a transaction would
not: after a crash a server may give it to another.)

Each answer that is waited for costs the way to the server and back. So a connection is not tried before it
is used: one that is broken is noticed as a transaction begins, which then begins on another. And what a
commit writes is sent with it, by `gather`: as one message, not by the driver's pipeline. Who stands still
between two messages of a pipeline counts as busy, and would keep the lock for as long as it stands still.
"""

from __future__ import annotations

import time as _time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from smskit.errors import LedgerError, needs_extra
from smskit.ledger.failures import is_away, place_of
from smskit.ledger.processes import uptime

__all__ = ["PATIENCE_AT_FIRST_S", "Server", "gather"]

T = TypeVar("T")
_OLDEST: Final = 13
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
    # Limits of a role or a server would break off a freeze, or who waits for another writer.
    "SET statement_timeout = 0; SET lock_timeout = 0; "
    # One that stands still in a transaction, stopped or swapped out, lets go of the lock.
    "SET idle_in_transaction_session_timeout = '15s'; "
    "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3"
)
_ERASES_FOR_S: Final = 900.0
# 7673 tells our lock from others' in the same database.
_LOCK: Final = "pg_advisory_xact_lock(7673, hashtext(coalesce(current_schema(), '')))"
_PICTURE: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED"  # a write sees all that was committed before its lock
_NOW: Final = "extract(epoch FROM clock_timestamp())::float8"
# Who writes, and how often it has; the time is read once the lock is held.
_WRITE: Final = (
    f"WITH held AS MATERIALIZED (SELECT {_LOCK}) "
    f"INSERT INTO writer (session, writes, at) SELECT '{{session}}', 1, {_NOW} FROM held "
    f"ON CONFLICT (session) DO UPDATE SET writes = writer.writes + 1, at = {_NOW} RETURNING writes, {_NOW}"
)
_FORGOTTEN_S: Final = 86400
_PREPARE: Final = (
    f"SELECT {_LOCK}",
    "CREATE TABLE IF NOT EXISTS writer "
    "(session text PRIMARY KEY, writes bigint NOT NULL, at float8 NOT NULL)",
    f"DELETE FROM writer WHERE at < {_NOW} - {_FORGOTTEN_S}",  # nobody asks about their last commit any more
)
_LONGEST_PAUSE_S: Final = 0.5
# For so long after it was waited for in vain it is asked once at a time: what a run does at its end would
# else wait as long again, each thing after the other.
_GIVEN_UP_FOR_S: Final = 60.0
_GATHERED: Final = "smskit_gathered"
_AT_ONCE: Final = {"smskit_at_once": True, "no_parameters": True}
PATIENCE_AT_FIRST_S: Final = 30.0  # of opening, which a person waits for


class Server:
    """
    The server at *url*.

    Args:
        patience_s: How long it may be away before what waits for it fails.

    Raises:
        MissingExtra: the driver is not installed.
    """

    def __init__(self, url: sa.URL, *, logging_name: str, patience_s: float) -> None:
        self._patience_s = patience_s
        self._opens_by: float | None = uptime() + min(patience_s, PATIENCE_AT_FIRST_S)
        self._given_up_until = 0.0
        self._told = (_time.time(), uptime())
        self._last = ("", 0, 0.0)  # session, number and time of the last write that is known to be committed
        with needs_extra("postgres"):
            self.engine = sa.create_engine(
                url.set(drivername="postgresql+psycopg"),
                hide_parameters=True,
                logging_name=logging_name,
                isolation_level="AUTOCOMMIT",  # the driver's: it must not begin by itself, we say BEGIN below
                connect_args=_WIRE,
            )
        driver: Any = self.engine.dialect.dbapi
        self._cursor = _of_bytes(driver)
        sa.event.listen(self.engine, "connect", self._connected)
        sa.event.listen(self.engine, "before_cursor_execute", _in_order)
        sa.event.listen(self.engine, "after_cursor_execute", _to_last)
        sa.event.listen(self.engine, "checkin", _forget)

    @property
    def given_up(self) -> bool:
        """Whether it was waited for in vain just now: it is then asked only once at a time."""
        return uptime() < self._given_up_until

    def clock(self) -> float:
        """
        The server's time, epoch seconds: as the last write was told it, and what has gone by since.

        Senders, caps and windows of several machines go by it, whatever their own clocks say.
        """
        told, at = self._told
        return told + uptime() - at

    def prepare(self) -> None:
        """Make the table of writers, unless it is there; several may do so at once."""

        def make() -> None:
            with self.engine.connect() as conn:
                if not conn.exec_driver_sql("SELECT to_regclass('writer') IS NOT NULL").scalar():
                    for statement in (_BEGIN, *_PREPARE, "COMMIT"):
                        conn.exec_driver_sql(statement)

        self._patiently(make)

    def now(self, conn: sa.Connection) -> float:
        """The server's time, asked for."""
        return float(conn.exec_driver_sql(f"SELECT {_NOW}").scalar_one())

    def begin(self, *, write: bool, durable: bool = True) -> tuple[sa.Connection, sa.RootTransaction]:
        """A transaction that has begun; waits while the server is away, since nothing has happened yet."""
        return self._patiently(lambda: self._begin(write=write, durable=durable))

    def commit(self, conn: sa.Connection, transaction: sa.RootTransaction, *, durable: bool = True) -> None:
        """
        Commit, once and for certain: where the answer is lost, ask what came of it.

        Raises:
            DBAPIError: nothing was written.
        """
        session, writes = conn.info["smskit_writer"]
        try:
            _send(conn, *conn.info.pop(_GATHERED, ()), "COMMIT")
            transaction.commit()  # of which nothing is left but that SQLAlchemy knows
        except sa.exc.DBAPIError as error:
            if not is_away(error) or not self._patiently(
                lambda: self._has_written(session, writes), always=True
            ):
                raise
        if durable:
            self._last = (session, writes, self.clock())

    def end(self, conn: sa.Connection) -> None:
        """
        The end of a read.

        By a commit: as it rolls back, the driver has the server forget all statements it had prepared.
        """
        with suppress(sa.exc.DBAPIError):  # all was read
            conn.exec_driver_sql("END")

    def settle(self) -> None:
        """It is known to be a ledger: whoever waits for it from now on waits longer."""
        self._opens_by = None

    def scrub(self, conn: sa.Connection) -> None:
        """
        What is deleted stays on the server's disk until its own VACUUM; docs say so.

        Large campaigns are hashed meanwhile, which the server would take for standing still.
        """
        conn.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = '{_ERASES_FOR_S:.0f}s'")

    def scrubbed(self) -> None:
        """See `scrub`."""

    def _has_written(self, session: str, writes: int) -> bool:
        # Once one has had the lock the commit in question is over, one way or the other.
        with self.engine.connect() as conn:
            conn.exec_driver_sql(f"SELECT {_LOCK}")
            found = conn.exec_driver_sql("SELECT writes FROM writer WHERE session = %s", (session,)).scalar()
        return bool(found == writes)

    def _demand_memory(self, conn: sa.Connection, now: float) -> None:
        """Refuse a server that has lost a commit it had confirmed: what was sent since is not known there."""
        session, writes, at = self._last
        if not session or now - at > _FORGOTTEN_S / 2:
            return
        found = conn.exec_driver_sql("SELECT writes FROM writer WHERE session = %s", (session,)).scalar()
        if (found or 0) < writes:
            raise LedgerError(
                "{ledger} has lost commits that it had confirmed: a standby lacked them, or a backup was "
                "restored. Nothing is sent; docs/postgres.md says what to do",
                ledger=place_of(self.engine.url),
            )

    def _patiently(self, attempt: Callable[[], T], *, always: bool = False) -> T:
        end, pause_s = self._opens_by or uptime() + self._patience_s, 0.01
        while True:
            try:
                answer = attempt()
            except sa.exc.DBAPIError as error:
                if not is_away(error):
                    raise
                if uptime() > end or (self.given_up and not always):
                    self._given_up_until = uptime() + _GIVEN_UP_FOR_S
                    raise
                _time.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                self._given_up_until = 0.0
                return answer

    def _connected(self, connection: Any, record: Any) -> None:
        version = connection.info.server_version // 10_000
        if version < _OLDEST:
            raise LedgerError(
                "{ledger} is PostgreSQL {found}; smskit needs {least} or newer",
                ledger=place_of(self.engine.url),
                found=version,
                least=_OLDEST,
            )
        record.info["smskit_writer"] = (uuid.uuid4().hex, 0)
        try:
            connection.execute(_SESSION)
            connection.commit()
        except BaseException:
            connection.close()  # nobody else will: the pool does not have it yet
            raise
        connection.cursor_factory = self._cursor

    def _begin(self, *, write: bool, durable: bool) -> tuple[sa.Connection, sa.RootTransaction]:
        conn = self.engine.connect()
        try:
            begun = conn.begin()
            if not write:
                conn.exec_driver_sql(_PICTURE)
                return conn, begun
            self._hold(conn, *(() if durable else ("SET LOCAL synchronous_commit = off",)))
        except BaseException:
            conn.close()
            raise
        return conn, begun

    def _hold(self, conn: sa.Connection, *settings: str) -> None:
        """Begin, wait for the lock, and write down who has it."""
        session, _ = conn.info["smskit_writer"]
        writes, now = _send(conn, _BEGIN, *settings, _WRITE.format(session=session)).one()
        conn.info["smskit_writer"] = (session, writes)
        self._told = (now, uptime())
        if writes == 1:  # of a new connection
            self._demand_memory(conn, now)


def _of_bytes(driver: Any) -> type:
    """A cursor that is answered in bytes: as text, those of a chunk take twice the room, and longer."""

    class Cursor(driver.Cursor):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.format = driver.pq.Format.BINARY

    return Cursor


def gather(conn: sa.Connection, statement: str, values: Any) -> None:
    """Have a statement, of whose answer nothing is read, be sent with the commit, or before any other."""
    session: Any = conn.connection.driver_connection
    if session.closed:
        conn.exec_driver_sql(statement, values)  # says so in the way of all others
    cursor = conn.dialect.loaded_dbapi.ClientCursor(session)
    conn.info.setdefault(_GATHERED, []).append(cursor.mogrify(statement, values))


def _send(conn: sa.Connection, *statements: str) -> Any:
    """What the last of several statements answers, which are sent as one message."""
    return conn.exec_driver_sql("; ".join(statements), execution_options=_AT_ONCE)


def _in_order(
    conn: sa.Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> None:
    if context.execution_options.get("smskit_at_once"):
        cursor.format = conn.dialect.loaded_dbapi.pq.Format.TEXT  # several statements have no other
    elif gathered := conn.info.pop(_GATHERED, ()):
        _send(conn, *gathered)


def _to_last(
    conn: sa.Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> None:
    if context.execution_options.get("smskit_at_once"):
        while cursor.nextset():
            pass


def _forget(connection: Any, record: Any) -> None:
    record.info.pop(_GATHERED, None)  # was rolled back
