"""
Opening a database, and the two ways in: a read, and a write that holds the write lock from its start.

SQLite runs with ``synchronous=FULL``: what was committed stays through a power cut.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time as _time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from smskit.errors import LedgerError, LedgerUnavailable, UnsupportedLedger
from smskit.files import tighten
from smskit.i18n import Message
from smskit.ledger.failures import demand_database, in_words, is_busy
from smskit.ledger.hot import Hot
from smskit.ledger.version import CURRENT, bring_up_to_date, demand_known, version_of
from smskit.models import Mode
from smskit.settings import ledger_place, start_folder

# How long a lock of another connection is waited for.
PATIENCE_S = 60.0
_WAL_PATIENCE_S = 10.0
_LOGGED_AS: Final = "smskit"
# SQLAlchemy logs the rows it reads, which are people, whatever is set for parameters.
logging.getLogger(f"sqlalchemy.engine.Engine.{_LOGGED_AS}").addFilter(lambda r: r.levelno >= logging.WARNING)


class Database:
    """
    The connections of a ledger, which its parts share: ``read`` and ``write`` are the two ways in.

    Args:
        clock: Epoch seconds; may be set later, as tests do.
    """

    def __init__(self, url: str, *, clock: Callable[[], float] = _time.time) -> None:
        self.clock = clock
        try:
            self.engine = open_engine(url)
            self._url = self.engine.url
            demand_database(self._url)
            with in_words(self._url):
                _close_to_others(self._url)
            with self.read() as conn:
                version = version_of(conn)
            demand_known(version, self._url)
            if self.engine.dialect.name == "sqlite":
                sa.event.listen(self.engine, "connect", _use_wal)
                self.engine.dispose()
            if version != CURRENT:
                # Two runs may open it at once: only the one with the write lock makes or migrates tables.
                with self.write() as conn:
                    bring_up_to_date(conn)
            self.hot = Hot(self.engine.dialect)
        except LedgerError:
            raise
        except Exception as error:
            raise LedgerError(
                Message(
                    "the ledger cannot be opened ({kind}); look at SMSKIT_DATABASE_URL",
                    kind=type(error).__name__,
                )
            ) from None

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that holds the write lock from its start; committed at the end of the block."""
        with (
            in_words(self._url),
            self.engine.connect().execution_options(smskit_write=True) as conn,
            conn.begin(),
        ):
            yield conn

    @contextmanager
    def scrub(self) -> Iterator[sa.Connection]:
        """`write`, after which what was deleted or replaced stands nowhere in a SQLite file any more."""
        sqlite = self.engine.dialect.name == "sqlite"
        with self.write() as conn:
            if sqlite:
                conn.exec_driver_sql("PRAGMA secure_delete=ON")
            yield conn
        if sqlite:
            with in_words(self._url), closing(self.engine.raw_connection()) as raw:
                raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log has the old pages

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that sees one state of the ledger and changes nothing."""
        with in_words(self._url), self.engine.connect() as conn, conn.begin():
            yield conn


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


def resolve_url(url: str) -> str:
    """*url* with a relative SQLite path made absolute, as it is found from the working folder."""
    return ledger_place(url, [start_folder()]).url


def file_has_campaign(file: Path, name: str, mode: Mode) -> bool:
    """
    Whether the SQLite *file*, a ledger of any version, has the campaign; it is only read, not migrated.

    Raises:
        LedgerUnavailable: it cannot be read for now; what is no ledger has no campaign.
    """
    uri = f"{file.absolute().as_uri()}?mode=ro"
    asked = "SELECT 1 FROM campaign WHERE name = ? AND mode = ?"
    try:
        with (
            in_words(sa.URL.create("sqlite", database=str(file))),
            closing(sqlite3.connect(uri, uri=True, timeout=PATIENCE_S)) as connection,
        ):
            return connection.execute(asked, (name, str(mode))).fetchone() is not None
    except LedgerUnavailable:
        raise
    except LedgerError:
        return False


def _close_to_others(url: sa.URL) -> None:
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


def open_engine(url: str) -> sa.Engine:
    parsed = sa.make_url(resolve_url(url))
    if parsed.get_backend_name() != "sqlite":
        # Until what keeps two programs apart is built for servers, they would claim the same people.
        raise UnsupportedLedger(
            Message(
                "the ledger of SMSKIT_DATABASE_URL is {kind}, and SQLite is for now the only ledger: on a "
                "server two programs at once would send to the same people. Name a SQLite file, or leave the "
                "setting out",
                kind=parsed.get_backend_name(),
            )
        )
    engine = sa.create_engine(
        parsed, hide_parameters=True, logging_name=_LOGGED_AS, connect_args={"timeout": PATIENCE_S}
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

    return engine
