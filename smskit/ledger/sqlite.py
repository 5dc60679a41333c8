"""
A ledger in a SQLite file: one writer at a time, which the file's own lock sees to.

It runs with ``synchronous=FULL``: what was committed stays through a power cut.
"""

from __future__ import annotations

import os
import sqlite3
import time as _time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from smskit.errors import LedgerError
from smskit.files import tighten
from smskit.ledger.failures import demand_database, file_of, is_busy
from smskit.ledger.version import demand_known, version_of

__all__ = ["PATIENCE_S", "File"]

# How long a lock of another connection is waited for.
PATIENCE_S = 60.0
_WAL_PATIENCE_S = 10.0


class File:
    """The file at *url*, or a database in memory."""

    clock = staticmethod(_time.time)

    def __init__(self, url: sa.URL, *, logging_name: str) -> None:
        self.engine = sa.create_engine(
            url, hide_parameters=True, logging_name=logging_name, connect_args={"timeout": PATIENCE_S}
        )
        sa.event.listen(self.engine, "connect", _connected)
        sa.event.listen(self.engine, "begin", _begin)

    def prepare(self) -> None:
        """Have it be its owner's alone; makes it where it is not there."""
        demand_database(self.engine.url)
        _demand_ours(self.engine.url)
        _close_to_others(self.engine.url)

    def settle(self) -> None:
        """Write ahead into a log from now on: it is known to be a ledger."""
        sa.event.listen(self.engine, "connect", _use_wal)
        self.engine.dispose()

    def now(self, conn: sa.Connection) -> float:
        """This machine's time."""
        return _time.time()

    def begin(self, *, write: bool, durable: bool = True) -> tuple[sa.Connection, sa.RootTransaction]:
        """A transaction that has begun; a writer's has the write lock."""
        conn = self.engine.connect().execution_options(smskit_write=write)
        try:
            if write:  # the connection may have been another's before
                session: Any = conn.connection.dbapi_connection
                session.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            return conn, conn.begin()
        except BaseException:
            conn.close()
            raise

    def commit(self, conn: sa.Connection, transaction: sa.RootTransaction, *, durable: bool = True) -> None:
        """Commit."""
        transaction.commit()

    def end(self, conn: sa.Connection) -> None:
        """The end of a read: giving the connection back is all."""

    def scrub(self, conn: sa.Connection) -> None:
        """What this transaction deletes or replaces is to stand nowhere in the file."""
        conn.exec_driver_sql("PRAGMA secure_delete=ON")

    def scrubbed(self) -> None:
        """After the commit: nor in the log, which has the old pages."""
        with closing(self.engine.raw_connection()) as raw:
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _connected(connection: Any, _record: Any) -> None:
    # The driver must not open transactions by itself: we say BEGIN below.
    connection.isolation_level = None
    for pragma in (f"busy_timeout={PATIENCE_S * 1000:.0f}", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(conn: sa.Connection) -> None:
    # A writer takes the write lock at once; upgrading later could fail with "busy" without waiting.
    write = conn.get_execution_options().get("smskit_write")
    conn.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _use_wal(connection: Any, _record: Any = None) -> None:
    """Switch to write-ahead logging; SQLite answers "locked" at once, not waiting, while another does so."""
    end = _time.monotonic() + _WAL_PATIENCE_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if not is_busy(error) or _time.monotonic() > end:
                raise
            _time.sleep(0.05)


def _demand_ours(url: sa.URL) -> None:
    """
    Refuse what is not ours while it is only read: a writer's connection tidies up another program's log.

    What cannot be read so, a lock or a journal being in the way, is looked at again once it is open.

    Raises:
        LedgerError: another program wrote it, or a later smskit.
    """
    file = file_of(url)
    if file is None:
        return
    uri = f"{file.absolute().as_uri()}?mode=ro"
    engine = sa.create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(uri, uri=True, timeout=0), poolclass=sa.NullPool
    )
    with suppress(sa.exc.DBAPIError), engine.connect() as conn:
        demand_known(version_of(conn), url)


def _close_to_others(url: sa.URL) -> None:
    """
    Have a SQLite file, with what SQLite lays beside it, be its owner's alone: it holds people.

    Raises:
        LedgerError: others may read it, and it is not ours to change that.
    """
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return
    file = Path(url.database)
    # Never one that is there: to close it again would end the locks that other connections of this process
    # have on it, and another process would take their write-ahead log away as if it were nobody's.
    with suppress(OSError):  # another was first; no such folder, no right to look or write: SQLite says it
        if not file.exists():
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        for each in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
            tighten(each)
    except PermissionError:
        raise LedgerError(
            "the ledger {file} can be read by others, and only its owner can change that: `chmod 600`",
            file=file,
        ) from None
