"""
The least that the parts of a plan can cost: each step alone, as one arrow kernel does it.

No reasons, no odd phones, no missing values; only what any plan has to compute.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bench.measure import timed

_ROWS = 50_000  # a slice: the texts of all at once would cost memory, not time
_TEXT = pa.large_string()


def floors(frame: pd.DataFrame, pieces: list[str], columns: list[str]) -> dict[str, float]:
    """
    Step -> seconds, over a segment that holds ``user_id``, ``phone`` and *columns*.

    Args:
        pieces: The literal parts of the text, one more than there are *columns*.
    """
    cells, ids = _arrow(frame["phone"]), _arrow(frame["user_id"])
    found: dict[str, float] = {}
    found["phones"], phones = timed(lambda: _phones(cells))
    found["dedup"], _ = timed(lambda: _repeated(phones))
    raw = [_arrow(frame[name]) for name in columns]
    found["cast"], values = timed(lambda: [column.cast(_TEXT) for column in raw])
    texts: list[pa.Array] = []
    found["render"], found["parts"], found["hash"] = 0.0, 0.0, 0.0
    digest = hashlib.sha256()
    for first in range(0, len(frame), _ROWS):
        piece = [column.slice(first, _ROWS) for column in values]
        took, texts = timed(lambda piece=piece: _render(pieces, piece))
        found["render"] += took
        found["parts"] += timed(lambda texts=texts: _parts(texts))[0]
        hashed = [ids.slice(first, _ROWS), *piece]
        found["hash"] += timed(lambda hashed=hashed: _feed(digest, hashed))[0]
    found["hash"] += timed(lambda: digest.update(phones.tobytes()))[0]
    return found


def distinct_ids(frame: pd.DataFrame) -> float:
    """Seconds that arrow needs to tell how many different user ids there are."""
    ids = _arrow(frame["user_id"])
    return timed(lambda: pc.count_distinct(ids))[0]


def mobile_pattern() -> str:
    """RE2 for a mainland mobile, from the metadata of ``phonenumbers``."""
    from phonenumbers import PhoneMetadata

    metadata: Any = PhoneMetadata.metadata_for_region("CN")
    return rf"^(?:(?:\+|00)?86)?(?:{metadata.mobile.national_number_pattern})$"


def _phones(cells: pa.Array) -> NDArray[np.int64]:
    good = cells.filter(pc.match_substring_regex(cells, mobile_pattern()))
    last = pc.binary_slice(good.cast(pa.large_binary()), -11).cast(_TEXT)
    return np.asarray(last.cast(pa.int64()))


def _repeated(phones: NDArray[np.int64]) -> int:
    ascending = np.sort(phones)
    return int((np.diff(ascending) == 0).sum())


def _render(pieces: list[str], values: list[pa.Array]) -> pa.Array:
    woven: list[Any] = [pa.scalar(pieces[0], _TEXT)]
    for value, literal in zip(values, pieces[1:], strict=True):
        woven += [value, pa.scalar(literal, _TEXT)]
    return pc.binary_join_element_wise(*woven, pa.scalar("", _TEXT))


def _parts(texts: pa.Array) -> NDArray[np.int64]:
    units = np.asarray(pc.utf8_length(texts)).astype(np.int64)
    _, offset_buffer, data = texts.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64)[: len(texts) + 1]
    astral = np.flatnonzero(np.frombuffer(data, np.uint8)[: offsets[-1]] >= 0xF0)
    if len(astral):
        units += np.diff(np.searchsorted(astral, offsets))
    return np.where(units > 70, -(-units // 67), np.minimum(units, 1))


def _feed(digest: Any, columns: list[pa.Array]) -> None:
    for column in columns:
        _, offset_buffer, data = column.buffers()
        offsets = np.frombuffer(offset_buffer, np.int64)[column.offset : column.offset + len(column) + 1]
        digest.update(offsets)
        digest.update(memoryview(data)[offsets[0] : offsets[-1]])


def _arrow(column: pd.Series[Any]) -> pa.Array:
    array = pa.array(column, from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
