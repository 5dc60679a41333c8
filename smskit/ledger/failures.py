"""
What a database says when it fails, as a `LedgerError` in words: which ledger it is, and what to do.

The way in (``database``) asks here, so nothing above the ledger ever sees an error of a driver.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import sqlalchemy as sa

from smskit.errors import LedgerAway, LedgerError, LedgerUnavailable
from smskit.i18n import Message, Quoted, mark, os_words

__all__ = ["demand_database", "file_of", "in_words", "is_away", "is_busy", "place_of"]

_SMALLEST_PAGE: Final = 512  # bytes; the file of a database has one at least

# SQLite's primary result codes -> sentence; running again goes on after those of the first table.
_FOR_NOW: Final = {
    code: words
    for codes, words in (
        (
            (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED),
            mark("{ledger} is locked by another program; let it finish or close it, then run again"),
        ),
        (
            (sqlite3.SQLITE_FULL,),
            mark("{ledger} cannot grow, the disk is full; make room, then run again"),
        ),
        (
            (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL),
            mark(
                "{ledger} cannot be read or written ({why}): the disk is full, broken or gone; "
                "look at it, then run again"
            ),
        ),
    )
    for code in codes
}
_FOR_GOOD: Final = {
    code: words
    for codes, words in (
        (
            (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH),
            mark(
                "{ledger} is read-only; allow this user to write to the file and its folder, or name another "
                "ledger in SMSKIT_DATABASE_URL"
            ),
        ),
        (
            (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FORMAT),
            mark(
                "{ledger} is no ledger, or a damaged one ({why}); put back a copy of it, or name another "
                "ledger in SMSKIT_DATABASE_URL"
            ),
        ),
    )
    for code in codes
}

# A server's SQLSTATEs, found by trying: connection errors, shutting down, idle for too long in a transaction,
# given up for another's sake, too many connections, the disk full.
_AWAY: Final = ("08", "57P", "25P03", "25006", "40001", "40P01", "53")
_ON_CONNECTING: Final = {
    "authentication failed": "28P01",
    "no password supplied": "28P01",
    "no pg_hba.conf entry": "28000",
    'FATAL:  role "': "28000",
    'FATAL:  database "': "3D000",
}
_OF_SERVER: Final = {
    ("28",): mark("{ledger} did not let this user in ({kind}); look at its user and password"),
    ("3D", "3F"): mark("{ledger} names a database or schema that is not there ({kind}); have it made first"),
    ("42501",): mark(
        "{ledger} gives this user too few rights ({kind}); grant CREATE and USAGE on its schema, and all "
        "rights on the tables there"
    ),
}


def place_of(url: sa.URL) -> Message:
    """What a ledger is called in a sentence: its file; where it is a server, no more than the setting."""
    file = file_of(url)
    return Message("the ledger {file}", file=file) if file else Message("the ledger of SMSKIT_DATABASE_URL")


def file_of(url: sa.URL) -> Path | None:
    """The SQLite file of *url*, also where it is a ``file:`` URI; None where there is none."""
    name = (url.database or "") if url.get_backend_name() == "sqlite" else ""
    return Path(unquote(name.removeprefix("file:"))) if name and name != ":memory:" else None


@contextmanager
def in_words(url: sa.URL) -> Iterator[None]:
    """
    Within, what the driver or the disk answers becomes words; errors of smskit's own pass.

    Raises:
        LedgerUnavailable: running again goes on, once somebody has looked: locked, full.
        LedgerAway: its server is away.
        LedgerError: read-only, missing, no database, or anything else.
    """
    try:
        yield
    except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise _failure(error, url) from None


def demand_database(url: sa.URL) -> None:
    """
    Refuse a file that is neither empty nor SQLite's: very short ones it would take for empty, and write over.

    Raises:
        LedgerError: it is something else.
    """
    file = file_of(url)
    size = 0
    with suppress(OSError, ValueError):
        size = os.stat(file or os.devnull).st_size
    # It is not opened to look: closing it again would end the locks of this process's other connections. No
    # database is that short; of what is longer SQLite says so itself.
    if 0 < size < _SMALLEST_PAGE:
        words = _FOR_GOOD[sqlite3.SQLITE_NOTADB]
        raise LedgerError(Message(words, ledger=place_of(url), why=Quoted("file is not a database")))


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection was at it."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _failure(error: Exception, url: sa.URL) -> LedgerError:
    ledger = place_of(url)
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    match cause:
        case sqlite3.Error():
            return _of_sqlite(cause, url, ledger)
        case OSError():
            return LedgerError(
                "{ledger} cannot be opened or copied: {why}", ledger=ledger, why=os_words(cause)
            )
    return _of_server(error, cause or error, ledger)


def is_away(error: Exception) -> bool:
    """Whether a server could not be reached, or broke off what it was told; trying again may help."""
    state = _state(error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig else error)
    lost = isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
    return lost or state.startswith(_AWAY)


def _state(error: BaseException) -> str:
    """
    The SQLSTATE a driver's error has; of one on connecting, which has none, the one it amounts to.

    The words of a server that speaks another language are not known: it then counts as away for now.
    """
    state = getattr(error, "sqlstate", None)
    if state or type(error).__name__ not in ("OperationalError", "InterfaceError", "ConnectionTimeout"):
        return state or ""
    words = str(error)
    return next((state for known, state in _ON_CONNECTING.items() if known in words), "08001")


def _of_server(error: Exception, cause: BaseException, ledger: Message) -> LedgerError:
    # No more than its kind: a server's words may hold what was written.
    state = _state(cause)
    kind = f"{type(cause).__name__} {state}".rstrip()
    for states, words in _OF_SERVER.items():
        if state.startswith(states):
            return LedgerError(Message(words, ledger=ledger, kind=kind))
    if is_away(error):
        return LedgerAway(
            "the connection to {ledger} was lost; look at its server, then run again", ledger=ledger
        )
    return LedgerError(
        "{ledger} cannot be used ({kind}); look at SMSKIT_DATABASE_URL", ledger=ledger, kind=kind
    )


def _of_sqlite(error: sqlite3.Error, url: sa.URL, ledger: Message) -> LedgerError:
    code, why = _code(error), Quoted(str(error))
    if words := _FOR_NOW.get(code):
        return LedgerUnavailable(Message(words, ledger=ledger, why=why))
    if words := _FOR_GOOD.get(code):
        return LedgerError(Message(words, ledger=ledger, why=why))
    if code == sqlite3.SQLITE_CANTOPEN:
        return LedgerError(
            "{ledger} cannot be opened: {why}. Put that right, or name another ledger in SMSKIT_DATABASE_URL",
            ledger=ledger,
            why=_why_not_opened(file_of(url)),
        )
    return LedgerError(
        "{ledger} does not fit this smskit ({why}); put back a copy of it, or name another ledger in "
        "SMSKIT_DATABASE_URL",
        ledger=ledger,
        why=why,
    )


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 where the module itself refused."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _why_not_opened(file: Path | None) -> Message:
    try:
        if file and file.is_dir():
            return Message("it is a folder")
        if file and not file.parent.is_dir():
            return Message("there is no folder {folder}", folder=file.parent)
    except OSError as error:
        return os_words(error)
    return Message("this user may not read and write there")
