"""
Billed parts: how many pieces a text is charged as.

Length is counted in UTF-16 code units, so an emoji outside the basic plane is
two. The caller hands in the whole text, with signature and opt-out wording.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["LONG_PART_UNITS", "SINGLE_PART_UNITS", "parts", "parts_of", "units", "units_of"]

SINGLE_PART_UNITS: Final = 70  # a text up to here is one part
LONG_PART_UNITS: Final = 67  # a longer one is cut in these; three units of each carry the joining header

_SLICE_ROWS: Final = 65_536


def units(texts: Any) -> NDArray[np.int32]:
    """
    Return the length of each text in UTF-16 code units; 0 for null.

    Args:
        texts: Arrow Array or ChunkedArray of string or large_string, sliced or not.
    """
    result = np.zeros(len(texts), np.int32)
    start = 0
    for chunk in texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]:
        for first in range(0, len(chunk), _SLICE_ROWS):
            piece = chunk.slice(first, _SLICE_ROWS)
            result[start : start + len(piece)] = _slice_units(piece)
            start += len(piece)
    return result


def parts(units: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """Return the billed parts for lengths in UTF-16 units: up to 70 is 1, longer is ceil(n / 67); 0 is 0."""
    found: NDArray[np.int32] = np.minimum(units, 1).astype(np.int32)
    long = units > SINGLE_PART_UNITS
    found[long] = -(-units[long] // LONG_PART_UNITS)
    return found


def units_of(text: str) -> int:
    """Return the length of one text in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parts_of(text: str) -> int:
    """Return the billed parts of one text; 0 when it is empty."""
    return int(parts(np.array([units_of(text)]))[0])


def _slice_units(texts: pa.Array) -> NDArray[np.int32]:
    if not (pa.types.is_large_string(texts.type) or pa.types.is_string(texts.type)):
        texts = texts.cast(pa.large_string())
    length: NDArray[np.int32] = pc.utf8_length(texts).fill_null(0).to_numpy().astype(np.int32)
    _, offset_buffer, data = texts.buffers()
    if data is None:
        return length

    kind = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    offsets = np.frombuffer(offset_buffer, kind)[texts.offset : texts.offset + len(texts) + 1]
    # Four-byte characters, the ones that begin with F0 or above, are the ones UTF-16 needs two units for.
    astral = np.flatnonzero(np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]] >= 0xF0) + offsets[0]
    if len(astral):
        extra = np.diff(np.searchsorted(astral, offsets)).astype(np.int32)
        # What lies under a null is not text of this row.
        length += np.where(texts.is_valid().to_numpy(zero_copy_only=False), extra, np.int32(0))
    return length
