"""
The two ways into a ledger's database: a read, and a write that holds the write lock from its start.

What differs between a SQLite file and a PostgreSQL server is in ``sqlite`` and ``postgres``.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from smskit.errors import (
    LedgerAway,
    LedgerError,
    LedgerOutOfReach,
    LedgerUnavailable,
    SmskitError,
    UnsupportedLedger,
)
from smskit.ledger import postgres, sqlite
from smskit.ledger.failures import in_words, place_of
from smskit.ledger.hot import Hot
from smskit.ledger.processes import uptime
from smskit.ledger.version import CURRENT, bring_up_to_date, demand_known, version_of
from smskit.models import Mode
from smskit.settings.places import ledger_place, start_folder

SERVER_PATIENCE_S: Final = 300.0
_LOGGED_AS: Final = "smskit"
# SQLAlchemy logs the rows it reads, which are people, whatever is set for parameters.
logging.getLogger(f"sqlalchemy.engine.Engine.{_LOGGED_AS}").addFilter(lambda r: r.levelno >= logging.WARNING)


class Database:
    """
    The connections of a ledger, which its parts share: ``read`` and ``write`` are the two ways in.

    Args:
        clock: Epoch seconds; may be set later, as tests do. None = this machine's, or the server's own.
        patience_s: How long a server may be away before what waits for it fails; seconds.
    """

    def __init__(
        self, url: str, *, clock: Callable[[], float] | None = None, patience_s: float = SERVER_PATIENCE_S
    ) -> None:
        try:
            self._home = home_of(sa.make_url(resolve_url(url)), patience_s=patience_s)
            self.engine = self._home.engine
            self._url = self.engine.url
            self._picture = _Picture()
            self.clock = clock or self._home.clock
            try:
                self._open_patiently(min(patience_s, postgres.PATIENCE_AT_FIRST_S))
            except BaseException:
                self.close()
                raise
        except SmskitError:
            raise
        except Exception as error:
            raise LedgerError(
                "the ledger cannot be opened ({kind}); look at SMSKIT_DATABASE_URL", kind=type(error).__name__
            ) from None

    def _open_patiently(self, patience_s: float) -> None:
        """Open it, also while its server comes back; a person waits for that, so not for long."""
        end = uptime() + patience_s
        while True:
            try:
                return self._open()
            except LedgerAway:
                if uptime() > end:
                    raise LedgerOutOfReach(
                        "{ledger} could not be reached for {n:.0f} seconds; look at its server, then run "
                        "again",
                        ledger=place_of(self._url),
                        n=patience_s,
                    ) from None

    def _open(self) -> None:
        with in_words(self._url):
            self._home.prepare()
        with self.read() as conn:
            version = version_of(conn)
        demand_known(version, self._url)
        self._home.settle()
        if version != CURRENT:
            # Two runs may open it at once: only the one with the write lock makes or migrates tables.
            with self.write() as conn:
                bring_up_to_date(conn)
        self.hot = Hot(self.engine.dialect)

    @property
    def lasts(self) -> bool:
        """Whether it is still there when this process has ended."""
        return self.is_server or self._url.database not in (None, "", ":memory:")

    @property
    def is_server(self) -> bool:
        """Whether several machines may share it."""
        return isinstance(self._home, postgres.Server)

    @property
    def given_up(self) -> bool:
        """Whether its server was waited for as long as may be, and has not answered since."""
        return isinstance(self._home, postgres.Server) and self._home.given_up

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    def now(self, conn: sa.Connection) -> float:
        """What time it is where the ledger is, whatever `clock` says; epoch seconds."""
        return self._home.now(conn)

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[sa.Connection]:
        """
        A transaction that holds the write lock from its start; committed at the end of the block.

        Args:
            durable: False does not wait until it is on the disk: a power cut may undo it, whole.
        """
        with in_words(self._url):
            conn, transaction = self._home.begin(write=True, durable=durable)
            with conn:
                yield conn
                self._home.commit(conn, transaction, durable=durable)

    @contextmanager
    def scrub(self) -> Iterator[sa.Connection]:
        """`write`, after which what was deleted or replaced stands nowhere in a SQLite file any more."""
        with self.write() as conn:
            self._home.scrub(conn)
            yield conn
        with in_words(self._url):
            self._home.scrubbed()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that sees one state of the ledger and changes nothing; within `picture` that one."""
        if self._picture.conn is not None:
            yield self._picture.conn
            return
        with in_words(self._url):
            conn, _ = self._home.begin(write=False)
            with conn:
                yield conn
                self._home.end(conn)

    @contextmanager
    def picture(self) -> Iterator[None]:
        """Whatever this thread reads within the block is of one state of the ledger, read at one go."""
        with self.read() as conn:
            before, self._picture.conn = self._picture.conn, conn
            try:
                yield
            finally:
                self._picture.conn = before


class LedgerPart:
    """What a part of a ledger stands on: the database that all of them share."""

    def __init__(self, database: Database) -> None:
        self._database = database


class _Picture(threading.local):
    """The read that those of this thread are part of; None = each is one of its own."""

    conn: sa.Connection | None = None


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
            closing(sqlite3.connect(uri, uri=True, timeout=sqlite.PATIENCE_S)) as connection,
        ):
            return connection.execute(asked, (name, str(mode))).fetchone() is not None
    except LedgerUnavailable:
        raise
    except LedgerError:
        return False


def home_of(url: sa.URL, *, patience_s: float) -> sqlite.File | postgres.Server:
    """
    Where the ledger at *url* is kept.

    Raises:
        UnsupportedLedger: no ledger is kept in a database of that kind.
        MissingExtra: its driver is not installed.
    """
    match url.get_backend_name():
        case "sqlite":
            return sqlite.File(url, logging_name=_LOGGED_AS)
        case "postgresql":
            return postgres.Server(url, logging_name=_LOGGED_AS, patience_s=patience_s)
        case kind:
            raise UnsupportedLedger(
                "the ledger of SMSKIT_DATABASE_URL is {kind}: smskit keeps one in a SQLite file or on a "
                "PostgreSQL server; name one of these, or leave the setting out",
                kind=kind,
            )
