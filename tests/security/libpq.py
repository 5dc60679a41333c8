"""
PostgreSQL through the C library that psycopg and psycopg2 are made of: just enough for SQLAlchemy.

It speaks the simple protocol, as psycopg2 does, in which a text of several statements runs whole: whatever
keeps a query to one statement here is not the driver. Neither driver is a dependency of smskit.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import re
import sys
from collections.abc import Mapping
from decimal import Decimal
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGDialect

apilevel, threadsafety, paramstyle = "2.0", 1, "pyformat"
_OF_TYPE = {16: lambda text: text == "t", 20: int, 21: int, 23: int, 701: float, 1700: Decimal}
_COMMAND_OK, _TUPLES_OK = 1, 2


class Error(Exception):
    """What the server said."""


Warning = InterfaceError = DatabaseError = DataError = OperationalError = IntegrityError = Error
InternalError = ProgrammingError = NotSupportedError = Error


def _library() -> Any:
    lib = ctypes.CDLL(ctypes.util.find_library("pq") or "libpq.so.5")
    for name in ("PQconnectdb", "PQexec", "PQescapeLiteral"):
        getattr(lib, name).restype = ctypes.c_void_p
    for name in ("PQgetvalue", "PQfname", "PQerrorMessage", "PQresultErrorMessage"):
        getattr(lib, name).restype = ctypes.c_char_p
    return lib


class Connection:
    """One session; a transaction begins with its first statement."""

    def __init__(self, conninfo: str) -> None:
        self.lib = _library()
        self.handle = ctypes.c_void_p(self.lib.PQconnectdb(conninfo.encode()))
        if self.lib.PQstatus(self.handle):
            raise Error(self.lib.PQerrorMessage(self.handle).decode())

    def cursor(self) -> Cursor:
        return Cursor(self)

    def commit(self) -> None:
        self._end("COMMIT")

    def rollback(self) -> None:
        self._end("ROLLBACK")

    def close(self) -> None:
        self.lib.PQfinish(self.handle)

    def _end(self, how: str) -> None:
        if self.lib.PQtransactionStatus(self.handle):
            self.lib.PQclear(ctypes.c_void_p(self.lib.PQexec(self.handle, how.encode())))


class Cursor:
    """What one statement found."""

    arraysize, rowcount, lastrowid = 1, -1, None

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.description: list[tuple[Any, ...]] | None = None
        self._rows: list[tuple[Any, ...]] = []

    def execute(self, text: str, values: Mapping[str, Any] | None = None) -> None:
        lib, handle = self.connection.lib, self.connection.handle
        if not lib.PQtransactionStatus(handle):
            lib.PQclear(ctypes.c_void_p(lib.PQexec(handle, b"BEGIN")))
        if values:
            text = re.sub(r"%\((\w+)\)s", lambda found: self._quoted(values[found[1]]), text).replace(
                "%%", "%"
            )
        result = ctypes.c_void_p(lib.PQexec(handle, text.encode()))
        status = lib.PQresultStatus(result)
        if status not in (_COMMAND_OK, _TUPLES_OK):
            raise Error(lib.PQresultErrorMessage(result).decode())
        columns = range(lib.PQnfields(result))
        types = [lib.PQftype(result, column) for column in columns]
        names = [lib.PQfname(result, column).decode() for column in columns]
        self.description = [(n, t, *[None] * 5) for n, t in zip(names, types, strict=True)] or None
        self._rows = [
            tuple(
                None
                if lib.PQgetisnull(result, row, column)
                else _OF_TYPE.get(types[column], str)(lib.PQgetvalue(result, row, column).decode())
                for column in columns
            )
            for row in range(lib.PQntuples(result))
        ]
        lib.PQclear(result)

    def _quoted(self, value: Any) -> str:
        raw = str(value).encode()
        made = self.connection.lib.PQescapeLiteral(self.connection.handle, raw, ctypes.c_size_t(len(raw)))
        return ctypes.string_at(made).decode()

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.pop(0) if self._rows else None

    def fetchall(self) -> list[tuple[Any, ...]]:
        rows, self._rows = self._rows, []
        return rows

    def close(self) -> None:
        pass


def connect(conninfo: str) -> Connection:
    return Connection(conninfo)


class Dialect(PGDialect):
    """``postgresql+libpq:///database?host=FOLDER``."""

    driver, supports_statement_cache = "libpq", True

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        return sys.modules[__name__]

    def create_connect_args(self, url: sa.URL) -> tuple[list[str], dict[str, Any]]:
        options = {"dbname": url.database, "user": url.username, **url.query}
        return [" ".join(f"{name}='{value}'" for name, value in options.items() if value)], {}


def register() -> None:
    """Let SQLAlchemy find it."""
    sa.dialects.registry.register("postgresql.libpq", __name__, "Dialect")
