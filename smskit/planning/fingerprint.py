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
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from smskit.message.template import Template

__all__ = ["BUCKETS", "buckets_of", "combined", "digests", "former_hash", "made_as", "plan_hash"]

BUCKETS: Final = 1_024
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: numbers in a row end up far apart
_SHIFT: Final = np.uint64(64 - 10)
_SLICE: Final = 50_000  # rows that are copied at once
_FORMER: Final = "p"
_LENGTH: Final = 24  # hex digits


def buckets_of(phones: NDArray[np.int64]) -> NDArray[np.uint16]:
    """The bucket, below `BUCKETS`, of each of n phones."""
    return ((phones.view(np.uint64) * _MIX) >> _SHIFT).astype(np.uint16)


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
    rows = rows[np.argsort(phones[rows], kind="stable")]
    buckets = buckets_of(phones[rows])
    by_bucket = np.argsort(buckets, kind="stable")
    rows, starts = rows[by_bucket], np.searchsorted(buckets[by_bucket], np.arange(BUCKETS + 1))
    made = {}
    for first, last in _slices(starts):
        here = rows[starts[first] : starts[last]]
        take = pa.array(here)
        columns = [_Pieces(column.take(take)) for column in (persons, *values)]
        numbers = phones[here]
        for bucket in range(first, last):
            start, stop = starts[bucket] - starts[first], starts[bucket + 1] - starts[first]
            if start < stop:
                digest = hashlib.sha256(numbers[start:stop].tobytes())
                for column in columns:
                    column.add_to(digest, start, stop)
                made[bucket] = digest.digest()
    return made


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
    ordered = planned[np.argsort(phones[planned], kind="stable")]
    for first in range(0, len(ordered), _SLICE):
        rows = ordered[first : first + _SLICE]
        digest.update(phones[rows].tobytes())
        for column in (persons, *(values[name] for name in template.names)):
            _Pieces(column.take(pa.array(rows))).add_to(digest, 0, len(rows))
    return f"{_FORMER}{digest.hexdigest()[:_LENGTH]}"


def made_as(known: str) -> Callable[..., str]:
    """What the hash *known* was made by: `plan_hash`, or `former_hash`."""
    return former_hash if known.startswith(_FORMER) else plan_hash


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
