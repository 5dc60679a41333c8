"""
A ledger in a SQLite file: one writer at a time, which the file's own lock sees to.

It runs with ``synchronous=FULL``: what was committed stays through a power cut.
"""

from __future__ import annotations

import os
import sqlite3
import time as _time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from smskit.errors import LedgerError
from smskit.files import tighten
from smskit.i18n import Message
from smskit.ledger.failures import is_busy

__all__ = ["PATIENCE_S", "close_to_others", "open_engine", "use_wal"]

# How long a lock of another connection is waited for.
PATIENCE_S = 60.0
_WAL_PATIENCE_S = 10.0


def open_engine(url: sa.URL, *, logging_name: str) -> tuple[sa.Engine, Callable[[], float]]:
    """Its connections, and this machine's clock: a writer takes the file's write lock with the first word of its transaction."""
    engine = sa.create_engine(
        url, hide_parameters=True, logging_name=logging_name, connect_args={"timeout": PATIENCE_S}
    )

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        # The driver must not open transactions by itself: we say BEGIN below.
        connection.isolation_level = None
        for pragma in (f"busy_timeout={PATIENCE_S * 1000:.0f}", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(conn: sa.Connection) -> None:
        # A writer takes the write lock at once; upgrading later could fail with "busy" without waiting.
        write = conn.get_execution_options().get("smskit_write")
        conn.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine, _time.time


def use_wal(connection: Any, _record: Any = None) -> None:
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


def close_to_others(url: sa.URL) -> None:
    """
    Have a SQLite file, with what SQLite lays beside it, be its owner's alone: it holds people.

    Raises:
        LedgerError: others may read it, and it is not ours to change that.
    """
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return
    file = Path(url.database)
    with suppress(OSError):  # no such folder, no right to write: SQLite says it
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    try:
        for each in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
            tighten(each)
    except PermissionError:
        raise LedgerError(
            Message(
                "the ledger {file} can be read by others, and only its owner can change that: `chmod 600`",
                file=file,
            )
        ) from None
