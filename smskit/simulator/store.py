"""
Accepted calls on disk, so that a simulator killed and started again still knows them.

One row a call, written before the call is answered. A single thread writes
whatever has queued up in one short transaction, because the same SQLite file
is usually the caller's ledger and both want to write all the time.
"""

from __future__ import annotations

import queue
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
import orjson
import sqlalchemy as sa

from smskit.simulator.book import Fetched, Row

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

_PHONES = "<i8"
_BUSY_TIMEOUT_S = 30


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

    def append(self, entry: Row | Fetched) -> Future[None]:
        """Queue an accepted call, or how far a feed was handed out; the future is done at its commit."""
        done: Future[None] = Future()
        self._queue.put((entry, done))
        return done

    def load(self, *, since: float) -> Iterator[Row]:
        """Delete the calls before *since* (epoch seconds) and yield the others, oldest first."""
        with self._engine.begin() as connection:
            connection.execute(_CALLS.delete().where(_CALLS.c.at < since))
        with self._engine.connect() as connection:
            for row in connection.execute(sa.select(_CALLS).order_by(_CALLS.c.first_sid)):
                texts, note = orjson.loads(zlib.decompress(row.content))
                kept = texts if isinstance(texts, str) else tuple(texts)
                phones = np.frombuffer(row.phones, _PHONES).tolist()
                yield Row(row.first_sid, row.provider, row.account, row.at, phones, kept, note)

    def fetched(self) -> list[Fetched]:
        with self._engine.connect() as connection:
            return [Fetched(*row) for row in connection.execute(sa.select(_FETCHED))]

    def clear(self) -> None:
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
            while batch := self._batch():
                self._commit(connection, batch)

    def _batch(self) -> list[tuple[Row | Fetched, Future[None]]]:
        """What has queued up, at least one entry; nothing once the store is closed."""
        batch = []
        while (entry := self._queue.get()) is not None:
            batch.append(entry)
            if self._queue.empty():
                return batch
        if batch:
            self._queue.put(None)  # seen again when these are committed
        return batch

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
                if rows:
                    connection.execute(_CALLS.insert(), rows)
                for mark in marks:
                    key = zip(_FETCHED.primary_key, mark, strict=False)
                    connection.execute(_FETCHED.delete().where(*(column == value for column, value in key)))
                    connection.execute(_FETCHED.insert(), mark._asdict())
        except sa.exc.OperationalError as exc:
            if self._sqlite and "locked" in str(exc.orig):
                return False
            raise
        return True


def forget_account(connection: sa.Connection, provider: str, account: str) -> None:
    """Delete what an account accepted, by its digest, in a database that may have none of it."""
    for table in (_CALLS, _FETCHED):
        if sa.inspect(connection).has_table(table.name):
            theirs = (table.c.provider == provider) & (table.c.account == account)
            connection.execute(table.delete().where(theirs))


def erase_phones(connection: sa.Connection, phones: Sequence[int]) -> None:
    """Take people out of accepted calls, in a database that may have none: ids and counts stay."""
    if not sa.inspect(connection).has_table(_CALLS.name):
        return
    for row in connection.execute(sa.select(_CALLS)).all():
        held = np.frombuffer(row.phones, _PHONES)
        at = np.isin(held, np.array(phones, np.int64))
        if at.any():
            texts, note = orjson.loads(zlib.decompress(row.content))
            each = [texts] * len(held) if isinstance(texts, str) else texts
            kept = ["" if gone else text for gone, text in zip(at.tolist(), each, strict=True)]
            values = {
                "phones": np.where(at, 0, held).astype(_PHONES).tobytes(),
                "content": zlib.compress(orjson.dumps([kept, note]), 1),
            }
            connection.execute(_CALLS.update().where(_CALLS.c.first_sid == row.first_sid).values(values))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_S * 1000}")
    connection.execute("PRAGMA journal_mode=WAL")
    # NORMAL survives the death of the process, which is what a rehearsal tests; only the ledger, whose
    # commits must survive a power failure as well, pays for FULL.
    connection.execute("PRAGMA synchronous=NORMAL")


def _pack(row: Row) -> dict[str, Any]:
    fields = row._asdict()
    content = orjson.dumps([fields.pop("texts"), fields.pop("note")])
    return fields | {
        "phones": np.array(row.phones, _PHONES).tobytes(),
        "content": zlib.compress(content, 1),
    }
