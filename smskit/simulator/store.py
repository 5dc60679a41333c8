"""
Accepted calls on disk, so that a simulator killed and started again still knows them.

One row a call, written before the call is answered. A single thread writes
whatever has queued up in one short transaction, because the same SQLite file
is usually the caller's ledger and both want to write all the time.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
import zlib
from array import array
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

_METADATA = sa.MetaData()
_CALLS = sa.Table(
    "simulator_calls",
    _METADATA,
    sa.Column("first_sid", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("provider", sa.String(32), nullable=False),
    sa.Column("account", sa.String(16), nullable=False),  # a digest of the credential
    sa.Column("at", sa.Float(53), nullable=False, index=True),  # epoch seconds
    sa.Column("phones", sa.LargeBinary, nullable=False),  # E.164 digits, little-endian int64
    sa.Column("content", sa.LargeBinary, nullable=False),  # zlib(JSON [texts, note...])
)
_FETCHED = sa.Table(
    "simulator_fetched",
    _METADATA,
    sa.Column("provider", sa.String(32), primary_key=True),
    sa.Column("account", sa.String(16), primary_key=True),
    sa.Column("feed", sa.String(16), primary_key=True),  # "receipts" or "replies"
    sa.Column("before_sid", sa.BigInteger, nullable=False),  # everything below was handed out
)

_BUSY_TIMEOUT_S = 30


class Row(NamedTuple):
    """One accepted call as it is kept."""

    first_sid: int
    provider: str
    account: str
    at: float
    phones: Sequence[int]
    texts: str | tuple[str, ...]
    note: dict[str, Any]


class Fetched(NamedTuple):
    """How far a feed was handed out."""

    provider: str
    account: str
    feed: str
    before_sid: int


class Store:
    """
    The tables ``simulator_*`` at a SQLAlchemy URL.

    Args:
        url: ``sqlite:///file.db``, or any database SQLAlchemy knows.
    """

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url)
        self._sqlite = self._engine.dialect.name == "sqlite"
        if self._sqlite:
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
        _METADATA.create_all(self._engine)
        self._queue: queue.SimpleQueue[tuple[Row | Fetched, Future[None]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="simulator-store", daemon=True)
        self._thread.start()

    def append_call(
        self,
        first_sid: int,
        provider: str,
        account: str,
        at: float,
        phones: Sequence[int],
        texts: str | tuple[str, ...],
        note: dict[str, Any],
    ) -> Future[None]:
        """Queue an accepted call; the future is done when it is committed."""
        return self._append(Row(first_sid, provider, account, at, phones, texts, note))

    def append_fetched(self, provider: str, account: str, feed: str, before_sid: int) -> Future[None]:
        """Queue a note of how far a feed was handed out."""
        return self._append(Fetched(provider, account, feed, before_sid))

    def _append(self, entry: Row | Fetched) -> Future[None]:
        done: Future[None] = Future()
        self._queue.put((entry, done))
        return done

    def load(self, *, since: float) -> Iterator[Row]:
        """Delete the calls before *since* (epoch seconds) and yield the others, oldest first."""
        with self._engine.begin() as connection:
            connection.execute(_CALLS.delete().where(_CALLS.c.at < since))
        with self._engine.connect() as connection:
            for first_sid, provider, account, at, phones, content in connection.execute(
                sa.select(_CALLS).order_by(_CALLS.c.first_sid)
            ):
                texts, note = orjson.loads(zlib.decompress(content))
                yield Row(
                    first_sid,
                    provider,
                    account,
                    at,
                    _unpack(phones),
                    texts if isinstance(texts, str) else tuple(texts),
                    note,
                )

    def fetched(self) -> list[Fetched]:
        """Return how far each feed was handed out."""
        with self._engine.connect() as connection:
            return [Fetched(*row) for row in connection.execute(sa.select(_FETCHED))]

    def clear(self) -> None:
        """Forget everything."""
        with self._engine.begin() as connection:
            connection.execute(_CALLS.delete())
            connection.execute(_FETCHED.delete())

    def close(self) -> None:
        """Commit what is queued and let go of the database."""
        self._queue.put(None)
        self._thread.join()
        self._engine.dispose()

    def _write(self) -> None:
        with self._engine.connect() as connection:
            if self._sqlite:
                connection.exec_driver_sql("PRAGMA busy_timeout=0")
                connection.commit()
            self._write_until_closed(connection)

    def _write_until_closed(self, connection: sa.Connection) -> None:
        closing = False
        while not closing:
            batch = []
            entry = self._queue.get()
            while entry is not None:
                batch.append(entry)
                if self._queue.empty():
                    break
                entry = self._queue.get()
            closing = entry is None
            if batch:
                self._commit(connection, batch)

    def _commit(self, connection: sa.Connection, batch: list[tuple[Row | Fetched, Future[None]]]) -> None:
        try:
            # Packed before the transaction opens: while it is open, the caller's ledger must wait.
            rows = [_pack(entry) for entry, _ in batch if isinstance(entry, Row)]
            marks = {e[:3]: e for e, _ in batch if isinstance(e, Fetched)}
            give_up = time.monotonic() + _BUSY_TIMEOUT_S
            while not self._try_commit(connection, rows, list(marks.values())):
                if time.monotonic() > give_up:
                    raise TimeoutError(f"the database stayed locked for {_BUSY_TIMEOUT_S} s")
                # SQLite's own busy handler waits ever longer, up to a tenth of a second, and starves beside
                # a ledger that writes all the time; asking every millisecond finds the gaps.
                time.sleep(0.001)
        except BaseException as exc:
            for _, done in batch:
                done.set_exception(exc)
            return
        for _, done in batch:
            done.set_result(None)

    def _try_commit(
        self, connection: sa.Connection, rows: list[dict[str, Any]], marks: list[Fetched]
    ) -> bool:
        """Write one transaction; False when somebody else holds SQLite's only write lock."""
        try:
            with connection.begin():
                _insert(connection, rows, marks)
        except sa.exc.OperationalError as exc:
            if self._sqlite and "locked" in str(exc.orig):
                return False
            raise
        return True


def _insert(connection: sa.Connection, rows: list[dict[str, Any]], marks: list[Fetched]) -> None:
    if rows:
        connection.execute(_CALLS.insert(), rows)
    for mark in marks:
        key = sa.and_(*(column == value for column, value in zip(_FETCHED.primary_key, mark, strict=False)))
        connection.execute(_FETCHED.delete().where(key))
        connection.execute(_FETCHED.insert(), mark._asdict())


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_S * 1000}")
    cursor.execute("PRAGMA journal_mode=WAL")
    # NORMAL survives the death of the process, which is what a rehearsal tests; only the ledger, whose
    # commits must survive a power failure as well, pays for FULL.
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _pack(row: Row) -> dict[str, Any]:
    numbers = array("q", row.phones)
    if sys.byteorder == "big":
        numbers.byteswap()
    return {
        "first_sid": row.first_sid,
        "provider": row.provider,
        "account": row.account,
        "at": row.at,
        "phones": numbers.tobytes(),
        "content": zlib.compress(orjson.dumps([row.texts, row.note]), 1),
    }


def _unpack(data: bytes) -> list[int]:
    numbers = array("q")
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()
