"""
The tidy prototype that the engine is held against: quick, and nothing but quick.

Parquet, filter, phones, register, bodies encoded by column, httpx with eight
requests at once of a thousand people each, and one small row a batch in SQLite
with ``synchronous=FULL``: intent before the request, ids of the answer after.
It has no plan, no reasons, no retries, no resume and no checks.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bench.floors import mobile_pattern
from bench.segments import LEVELS, SIGNATURE, TEMPLATE, VARIABLES

_CHUNK = 100_000
_TEXT = pa.large_string()


class _Body(NamedTuple):
    first: int
    last: int
    data: bytes


class _Ledger:
    """A batch is one row; a thread commits whatever waits, together."""

    def __init__(self, path: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[tuple[str, Sequence[Any], asyncio.Future[None]] | None]
        self._queue = queue.SimpleQueue()
        self._path = path
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def mark(self, statement: str, values: Sequence[Any]) -> asyncio.Future[None]:
        done: asyncio.Future[None] = self._loop.create_future()
        self._queue.put((statement, values, done))
        return done

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        connection = _connect(self._path)
        open_ = True
        while open_:
            group = [self._queue.get()]
            while not self._queue.empty():
                group.append(self._queue.get())
            open_ = None not in group
            marks = [mark for mark in group if mark is not None]
            connection.execute("begin immediate")
            for statement, values, _ in marks:
                connection.execute(statement, values)
            connection.execute("commit")
            self._loop.call_soon_threadsafe(_all_done, [done for *_, done in marks])
        connection.close()


_INTENT = "insert into batch (first, last, state) values (?, ?, 1)"
_OUTCOME = "update batch set state = 2, ids = ? where first = ?"


def run(*, segment: str, url: str, folder: str, concurrency: int, batch: int) -> dict[str, float]:
    """
    Send to everybody in the segment; a job.

    Returns:
        total_s, from opening the file to the last commit, and accepted.
    """
    # A plain httpx pays a failing import of this for every request; none of the prototype's fault.
    sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]
    import httpx

    database = Path(folder) / "prototype.db"
    started = time.perf_counter()
    phones, table = _read(segment)
    _register(database, phones)
    accepted = asyncio.run(_send(httpx, database, phones, table, url, concurrency, batch))
    return {"total_s": time.perf_counter() - started, "accepted": accepted}


def _read(segment: str) -> tuple[NDArray[np.int64], pa.Table]:
    columns = ["phone", *VARIABLES.values()]
    table = pq.read_table(segment, columns=columns, filters=pc.field("level").isin(list(LEVELS)))
    good = pc.match_substring_regex(table["phone"], mobile_pattern())
    table = table.filter(good).combine_chunks()
    digits = pc.binary_slice(table["phone"].cast(pa.large_binary()), -11).cast(_TEXT)
    phones = np.asarray(digits.cast(pa.int64()))
    order = np.argsort(phones, kind="stable")
    again = np.flatnonzero(np.diff(phones[order]) == 0)
    if len(again):
        keep = np.ones(len(phones), bool)
        keep[order[again + 1]] = False
        phones, table = phones[keep], table.filter(pa.array(keep))
    return phones, table


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=full")
    return connection


def _register(path: Path, phones: NDArray[np.int64]) -> None:
    connection = _connect(path)
    connection.execute("create table reg (phone integer primary key, seq integer) without rowid")
    connection.execute("create table batch (first integer primary key, last int, state int, ids blob)")
    order = np.argsort(phones)
    connection.execute("begin immediate")
    rows = zip(phones[order].tolist(), order.tolist(), strict=True)
    connection.executemany("insert into reg values (?, ?)", rows)
    connection.execute("commit")
    connection.close()


async def _send(
    httpx: Any,
    database: Path,
    phones: NDArray[np.int64],
    table: pa.Table,
    url: str,
    concurrency: int,
    batch: int,
) -> int:
    ledger = _Ledger(database)
    bodies: asyncio.Queue[_Body | None] = asyncio.Queue(2 * concurrency)
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    accepted: list[int] = []

    async def produce() -> None:
        for body in _bodies(phones, table, batch):
            await bodies.put(body)
        for _ in range(concurrency):
            await bodies.put(None)

    async def post(client: Any) -> None:
        headers = {"content-type": "application/x-www-form-urlencoded;charset=utf-8"}
        while (body := await bodies.get()) is not None:
            await ledger.mark(_INTENT, (body.first, body.last))
            answer = await client.post(f"{url}/v2/sms/multi_send.json", content=body.data, headers=headers)
            ids = [item["sid"] for item in orjson.loads(answer.content)["data"] if item["code"] == 0]
            await ledger.mark(_OUTCOME, (np.array(ids, np.int64).tobytes(), body.first))
            accepted.append(len(ids))

    async with httpx.AsyncClient(limits=limits, timeout=30, trust_env=False) as client:
        await asyncio.gather(produce(), *(post(client) for _ in range(concurrency)))
    await asyncio.to_thread(ledger.close)
    return sum(accepted)


def _all_done(futures: Sequence[asyncio.Future[None]]) -> None:
    for future in futures:
        future.set_result(None)


def _bodies(phones: NDArray[np.int64], table: pa.Table, batch: int) -> Iterator[_Body]:
    """Form bodies for *batch* people each; text is encoded once for the list and once for the form."""
    head = f"apikey={'0' * 32}&mobile=".encode()
    for start in range(0, len(phones), _CHUNK):
        piece = table.slice(start, _CHUNK).combine_chunks()
        mobiles = _joined([pa.array(phones[start : start + _CHUNK]).cast(_TEXT)])
        texts = _joined([_quoted(part, piece) for part in _split(f"【{SIGNATURE}】{TEMPLATE}")])
        for first in range(0, len(piece), batch):
            last = min(first + batch, len(piece))
            data = head + _cut(mobiles, first, last) + b"&text=" + _cut(texts, first, last)
            yield _Body(start + first, start + last, data)


def _split(text: str) -> list[str]:
    """The text cut at its variables; these keep their opening brace."""
    return [part for piece in text.split("}") for part in _before_and_after(piece) if part]


def _before_and_after(piece: str) -> tuple[str, str]:
    literal, brace, name = piece.partition("{")
    return literal, brace + name


def _quoted(part: str, piece: pa.Table) -> Any:
    if not part.startswith("{"):
        return pa.scalar(_twice(part), _TEXT)
    coded = piece[VARIABLES[part[1:]]].cast(_TEXT).combine_chunks().dictionary_encode()
    distinct = pa.array([_twice(value) for value in coded.dictionary.to_pylist()], _TEXT)
    return distinct.take(coded.indices)


def _twice(text: str) -> str:
    return quote_plus(quote_plus(text))


def _joined(parts: list[Any]) -> pa.Array:
    return pc.binary_join_element_wise(*parts, pa.scalar("%2C", _TEXT), pa.scalar("", _TEXT))


def _cut(joined: pa.Array, first: int, last: int) -> bytes:
    offsets = np.frombuffer(joined.buffers()[1], np.int64)
    return bytes(memoryview(joined.buffers()[2])[offsets[first] : offsets[last] - len("%2C")])
