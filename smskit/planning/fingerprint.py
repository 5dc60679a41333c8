"""
The hash of a plan: what tells one plan from another, however its rows are ordered or divided.

People are put into 1,024 buckets by their phones; each bucket has a digest of its own, and the plan's hash
is one over those digests. So parts of a plan that hold whole buckets are digested wherever they are, and the
hash is that of the plan in one piece. A sum over hashes of rows would need no sorting, but whoever may add
rows to a segment could then make two plans with one hash.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from smskit.files import spilling
from smskit.message.template import Template

__all__ = [
    "BUCKETS",
    "People",
    "buckets_of",
    "combined",
    "digests",
    "former_hash",
    "hash_in_parts",
    "is_former",
    "plan_hash",
]

# Phones, who has them, and what stands for each variable.
People: TypeAlias = tuple[NDArray[np.int64], pa.Array, Mapping[str, pa.Array]]

BUCKETS: Final = 1_024
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: numbers in a row end up far apart
_SHIFT: Final = np.uint64(64 - 10)
_SLICE: Final = 50_000  # rows that are copied at once
_FORMER: Final = "p"
_TOGETHER: Final = 250_000  # people who are sorted at once
_IN_MEMORY: Final = 128 << 20
_LENGTH: Final = 24  # hex digits


def buckets_of(phones: NDArray[np.int64]) -> NDArray[np.uint16]:
    """The bucket, below `BUCKETS`, of each of n phones."""
    mixed = phones.view(np.uint64) * _MIX
    mixed >>= _SHIFT
    return mixed.astype(np.uint16)


def digests(
    rows: NDArray[np.int64],
    phones: NDArray[np.int64],
    persons: pa.Array,
    values: Sequence[pa.Array],
) -> dict[int, bytes]:
    """
    Bucket -> digest of the people in it, for each bucket that has any.

    Args:
        rows: Of the n entries of the columns after it, in any order: all people of each of their buckets.
        values: A column for each variable, in the order of the template's names.
    """
    rows, starts = _by_bucket(rows, phones)
    made: dict[int, hashlib._Hash] = {}
    for bucket in np.flatnonzero(np.diff(starts)).tolist():
        here = rows[starts[bucket] : starts[bucket + 1]]
        # Not stable, which takes five times as long: a phone is planned once.
        here[:] = here[np.argsort(phones[here])]
        made[bucket] = hashlib.sha256(phones[here].tobytes())

    def add(column: pa.Array, some: tuple[int, int]) -> None:
        first, last = some
        pieces = _Pieces(column.take(pa.array(rows[starts[first] : starts[last]])))
        for bucket in range(first, last):
            start, stop = starts[bucket] - starts[first], starts[bucket + 1] - starts[first]
            if start < stop:
                pieces.add_to(made[bucket], start, stop)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # picking rows and digesting go on side by side
        for column in (persons, *values):  # one after the other: each alone fits into the processor's cache
            list(pool.map(partial(add, column), _slices(starts)))
    return {bucket: digest.digest() for bucket, digest in made.items()}


def _by_bucket(
    rows: NDArray[np.int64], phones: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """*rows* by the buckets of their phones, and where each bucket begins (`BUCKETS` + 1 entries)."""
    buckets = buckets_of(phones[rows])
    ends = np.cumsum(np.bincount(buckets, minlength=BUCKETS))
    return rows[np.argsort(buckets, kind="stable")], np.append(0, ends)


def combined(
    provider: str, template_id: str, template: Template, planned: int, parts: Mapping[int, bytes]
) -> str:
    """
    The hash of a plan of which the *parts* are all `digests`.

    Args:
        planned: How many people they hold together.
    """
    digest = _head(provider, template_id, template, planned)
    for bucket in sorted(parts):
        digest.update(bucket.to_bytes(4, "little"))
        digest.update(parts[bucket])
    # A letter in front keeps YAML from reading a hash of digits as a number.
    return f"q{digest.hexdigest()[:_LENGTH]}"


def plan_hash(
    provider: str,
    template_id: str,
    template: Template,
    planned: NDArray[np.int64],
    phones: NDArray[np.int64],
    persons: pa.Array,
    values: Mapping[str, pa.Array],
) -> str:
    """
    What tells one plan from another, of a segment or of an audience as it was frozen.

    Args:
        planned: Rows of the columns after it, in any order.
    """
    names = template.names if len(planned) else ()  # of an audience that is gone, nothing is known
    parts = digests(planned, phones, persons, [values[name] for name in names])
    return combined(provider, template_id, template, len(planned), parts)


def hash_in_parts(
    provider: str, template_id: str, template: Template, parts: Iterable[People], *, about: int
) -> str:
    """
    `plan_hash` of people who are handed in some after another, in any order; they are never all in memory.

    Args:
        about: How many they will be; a wrong number costs time or memory.

    Raises:
        SmskitError: there is no room for those who are put aside.
    """
    ways = max(1, -(-about // _TOGETHER))
    with spilling(), ExitStack() as stack:
        heaps = [_Heap(stack.enter_context(SpooledTemporaryFile(_IN_MEMORY // ways))) for _ in range(ways)]
        planned = 0
        for phones, persons, values in parts:
            planned += len(phones)
            columns = [pa.array(phones), persons, *(values[name] for name in template.names)]
            people = pa.record_batch(columns, [str(n) for n in range(len(columns))])
            way = buckets_of(phones).astype(np.int64) * ways // BUCKETS
            for n in np.unique(way):
                heaps[n].add(people if ways == 1 else people.take(pa.array(np.flatnonzero(way == n))))
        found: dict[int, bytes] = {}
        for heap in heaps:
            found |= heap.digests()
    return combined(provider, template_id, template, planned, found)


class _Heap:
    """
    People of some buckets.

    Args:
        file: Where they are kept: in memory while they are few, else without a name, so that nobody else can
            open it and nothing is left of it whatever becomes of this process.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._writer: Any = None

    def add(self, people: pa.RecordBatch) -> None:
        if self._writer is None:
            self._writer = pa.ipc.new_stream(self._file, people.schema)
        self._writer.write_batch(people)

    def digests(self) -> dict[int, bytes]:
        if self._writer is None:
            return {}
        self._writer.close()
        self._file.seek(0)
        table = pa.ipc.open_stream(self._file).read_all()
        self._file.close()
        phones, *columns = (_whole(table.column(n)) for n in range(table.num_columns))
        return digests(np.arange(len(phones)), np.asarray(phones), columns[0], columns[1:])


def _whole(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    return found.chunk(0) if isinstance(found, pa.ChunkedArray) else found


def former_hash(
    provider: str,
    template_id: str,
    template: Template,
    planned: NDArray[np.int64],
    phones: NDArray[np.int64],
    persons: pa.Array,
    values: Mapping[str, pa.Array],
) -> str:
    """`plan_hash` as it was before plans could be made in parts; campaigns frozen then are checked by it."""
    digest = _head(provider, template_id, template, len(planned))
    ordered = planned[np.argsort(phones[planned])]
    for first in range(0, len(ordered), _SLICE):
        rows = ordered[first : first + _SLICE]
        digest.update(phones[rows].tobytes())
        for column in (persons, *(values[name] for name in template.names)):
            _Pieces(column.take(pa.array(rows))).add_to(digest, 0, len(rows))
    return f"{_FORMER}{digest.hexdigest()[:_LENGTH]}"


def is_former(known: str) -> bool:
    """Whether the hash *known* was made by `former_hash`."""
    return known.startswith(_FORMER)


def _head(provider: str, template_id: str, template: Template, planned: int) -> hashlib._Hash:
    head = [provider, template.signature, template_id, template.text, planned]
    return hashlib.sha256(json.dumps(head, ensure_ascii=False).encode())


def _slices(starts: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """First bucket and the one after the last, of some `_SLICE` rows each; one bucket may be more."""
    first = 0
    while first < BUCKETS:
        last = int(np.searchsorted(starts, starts[first] + _SLICE, "right")) - 1
        last = min(max(last, first + 1), BUCKETS)
        yield first, last
        first = last


class _Pieces:
    """A column of texts, of which some rows after another are added to a digest."""

    def __init__(self, column: pa.Array) -> None:
        _, offsets, data = column.buffers()
        self._offsets = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
        self._data = memoryview(data if data is not None else b"")

    def add_to(self, digest: hashlib._Hash, start: int, stop: int) -> None:
        """Where each text begins and the last one ends, then the texts."""
        offsets = self._offsets[start : stop + 1]
        digest.update((offsets - offsets[0]).tobytes())
        digest.update(self._data[offsets[0] : offsets[-1]])
