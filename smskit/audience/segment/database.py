"""
A database query's rows, through SQLAlchemy.

Owns that a query is one SELECT that cannot write, by the database's own means, and
that no error shows a password, the URL or anybody's number. SQLAlchemy is
imported only when a segment needs it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar
from urllib.parse import quote, unquote

from smskit.audience.segment.location import FILE_KINDS, Around, locate
from smskit.errors import SegmentError, SmskitError
from smskit.i18n import Message

if TYPE_CHECKING:
    import sqlalchemy as sa

T = TypeVar("T")
Batches: TypeAlias = Iterator[Sequence[Sequence[Any]]]  # rows, some after another
Answer: TypeAlias = tuple[list[str] | None, Batches]  # names of the columns, None = it gives no rows

_AT_ONCE: Final = 10_000  # rows that are asked for
# What a person says of a database that has no way of its own to keep a query from writing; counts from a
# folder's `.env` as addresses do, see `smskit.allowed`.
ROLE: Final = "SMSKIT_SEGMENT_ROLE"
READ_ONLY: Final = "read-only"

# PostgreSQL opens a cursor for a text that is data to it: one statement or none, whatever the driver.
# One transaction that is never committed; if a COMMIT got through all the same, what follows could not write.
_CURSOR: Final = "smskit_segment"
_PROMISES: Final = ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET TRANSACTION READ ONLY")
_OPEN: Final = (
    f"DO $$DECLARE c refcursor := '{_CURSOR}'; "
    f"BEGIN OPEN c NO SCROLL FOR EXECUTE current_setting('{_CURSOR}.query'); END$$"
)
_MAY: Final = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_MAY_NOT_CALL: Final = frozenset({"load_extension", "fts3_tokenizer"})
# Tables by which a SQLite file is known to be a ledger, whichever project's, or a copy of one.
_OF_LEDGER: Final = ("campaign", "audience", "opt_out")

_SECRET_NAME: Final = re.compile(r"pass|pwd|secret|token", re.IGNORECASE)
_SECRET_IN_VALUE: Final = re.compile(r"\b(pwd|password)\s*=", re.IGNORECASE)  # ?odbc_connect=…PWD=…


def read_database(
    source: str,
    query: str,
    around: Around,
    take: Callable[[list[str], Batches], T],
    *,
    may_carry_secret: bool,
    role: str = "",
) -> T:
    """
    Return what *take* makes of the rows of *query*, one SELECT, as the database saw them at one moment.

    Args:
        source: A SQLAlchemy URL.
        take: Is handed the names of the columns, and the rows some after another, as they come.
        role: The value of ``ROLE``.
    """
    url = _parse_url(source)
    if not may_carry_secret and _carries_secret(url):
        raise SegmentError(
            "its URL carries a password; put the URL in an environment variable and say `env:NAME`"
        )
    if not query.strip():
        raise SegmentError("a database needs a query; give `segment_query`, one SELECT")
    return _fetch(_located(url, around), query, role, take)


def _parse_url(source: str) -> sa.URL:
    from sqlalchemy import make_url

    try:
        return make_url(source)
    except Exception:  # may quote the URL, so it is left behind with this handler
        pass
    raise SegmentError("is not a URL that SQLAlchemy reads, such as sqlite:///file.db")


def _carries_secret(url: sa.URL) -> bool:
    options = [(name, str(value)) for name, value in url.query.items()]
    return bool(url.password) or any(
        _SECRET_NAME.search(name) or _SECRET_IN_VALUE.search(value) for name, value in options
    )


def _located(url: sa.URL, around: Around) -> sa.URL:
    """
    Return *url* with the file it means, to be read only.

    SQLite would make a missing one, looks in one folder only, and takes options from the URL.
    """
    path = url.database or ""
    if url.get_backend_name() != "sqlite":
        return url
    if path.startswith("file:"):
        path = unquote(path.removeprefix("file:").partition("?")[0])
    if path in ("", ":memory:"):
        return url.set(database=":memory:", query={})
    file = locate(path, around).absolute()
    return url.set(database=f"file:{quote(str(file))}", query={"mode": "ro", "uri": "true"})


def _fetch(url: sa.URL, query: str, role: str, take: Callable[[list[str], Batches], T]) -> T:
    import sqlalchemy as sa

    connected = False
    try:
        engine = sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True)
        if url.get_backend_name() not in _WAYS:
            _demand_read_only(url, role)
        with engine.connect() as connection:
            connected = True
            names, batches = _WAYS.get(url.get_backend_name(), _as_it_stands)(connection, query)
            if names is not None:
                return take(names, batches)
            failure = Message("the query returns no table; write one SELECT")
    except SmskitError:
        raise
    except sa.exc.NoSuchModuleError:
        failure = Message(
            "SQLAlchemy knows no database `{name}`; files are {kinds}", name=url.drivername, kinds=FILE_KINDS
        )
    except ModuleNotFoundError as error:
        failure = Message("the driver `{name}` is not installed", name=error.name)
    except Exception as error:  # drivers raise their own kinds
        if connected:
            failure = Message("the query failed: {why}", why=scrubbed(error, url))
        else:
            # Before there is a connection, all a driver can quote is the URL.
            kind = type(getattr(error, "orig", None) or error).__name__
            failure = Message("cannot be connected to ({kind}); check address, user and password", kind=kind)
    # Raised outside of any handler: the driver's own error, which may quote the URL, is not its context.
    raise SegmentError(failure)


def _demand_read_only(url: sa.URL, role: str) -> None:
    """
    Raises:
        SegmentError: nobody said that this database lets the query's role read only.
    """
    if role != READ_ONLY:
        raise SegmentError(
            "smskit cannot keep a query of {name} from writing. Connect as a role that may read only, "
            "and say so: {variable}={value}",
            name=url.get_backend_name(),
            variable=ROLE,
            value=READ_ONLY,
        )


def _as_it_stands(connection: sa.Connection, query: str) -> Answer:
    # No placeholders, not even the driver's: `LIKE 'a%'` and `:x` reach the database as they are.
    options = connection.execution_options(no_parameters=True, stream_results=True)
    result = options.exec_driver_sql(query)
    if not result.returns_rows:
        return None, iter(())
    return list(result.keys()), iter(lambda: result.fetchmany(_AT_ONCE), [])


def _in_sqlite(connection: sa.Connection, query: str) -> Answer:
    _only_select(connection)
    return _as_it_stands(connection, query)


def _in_postgresql(connection: sa.Connection, query: str) -> Answer:
    import sqlalchemy as sa

    for promise in _PROMISES:
        connection.exec_driver_sql(promise)
    connection.execute(sa.select(sa.func.set_config(f"{_CURSOR}.query", query, sa.true())))
    connection.exec_driver_sql(_OPEN)
    fetch = f"FETCH FORWARD {_AT_ONCE} FROM {_CURSOR}"
    first = connection.exec_driver_sql(fetch)
    names, rows = list(first.keys()), first.all()
    more = iter(lambda: connection.exec_driver_sql(fetch).all(), [])
    return names, chain([rows], more) if rows else iter(())


# How one SELECT, and nothing else, is asked of a database that can see to it itself.
_WAYS: Final[Mapping[str, Callable[[sa.Connection, str], Answer]]] = {
    "sqlite": _in_sqlite,
    "postgresql": _in_postgresql,
}


def _only_select(connection: sa.Connection) -> None:
    """
    Let a SQLite connection read tables, and do nothing else.

    Raises:
        SegmentError: the file is a ledger, which holds everybody's replies and opt-outs.
    """
    found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars()
    if set(_OF_LEDGER) <= set(found):
        raise SegmentError("this is smskit's ledger, which is no segment")

    def may(action: int, _: str | None, name: str | None, *__: str | None) -> int:
        allowed = action in _MAY and not (action == sqlite3.SQLITE_FUNCTION and name in _MAY_NOT_CALL)
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    driver: Any = connection.connection.driver_connection
    driver.set_authorizer(may)


def scrubbed(error: Exception, url: sa.URL) -> str:
    """Return the first line of the driver's own words, without secrets and without long numbers."""
    # SQLAlchemy's words would add the whole statement; ODBC's may quote a password within an option.
    own = None if "odbc_connect" in url.query else getattr(error, "orig", None)
    text = next(iter(str(own or "").splitlines()), type(error).__name__)
    secrets = [url.render_as_string(hide_password=False), str(url.password or "")]
    for secret in secrets + [str(value) for name, value in url.query.items() if _SECRET_NAME.search(name)]:
        text = text.replace(secret, "***") if secret else text
    return re.sub(r"\d{7,}", "***", text)
