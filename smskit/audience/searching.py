"""
Looking through a column of texts for what hardly any of them holds.

Asking each of a million short texts costs more than reading them, so they are read as they lie in memory, end
to end, many at a time; only where something is found are they asked one by one.
"""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["found_in"]

_TOGETHER: Final = 256  # texts that are read at once
_SIGN: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)  # one, or a class of characters
# These ask where a text begins or ends, or a word does; what \Q quotes is not worth telling apart.
_AT_ENDS: Final = {"^", "$", r"\b", r"\B", r"\A", r"\z", r"\Q"}


def found_in(texts: pa.Array, pattern: str) -> NDArray[np.bool_]:
    """
    In which of n texts *pattern* is found.

    Args:
        texts: large_string, nulls too: nothing is found in those.
        pattern: RE2's.

    Returns:
        n entries.
    """
    if not _AT_ENDS.isdisjoint(_SIGN.findall(pattern)):
        return _each(texts, pattern)
    # What is found in a text is found where it stands among others, too.
    blocks = np.flatnonzero(_each(_end_to_end(texts), pattern))
    found = np.zeros(len(texts), np.bool_)
    if len(blocks):
        near = np.zeros(len(texts), np.bool_)
        for first in blocks * _TOGETHER:
            near[first : first + _TOGETHER] = True
        found[near] = _each(texts.filter(pa.array(near)), pattern)
    return found


def _each(texts: pa.Array, pattern: str) -> NDArray[np.bool_]:
    found = pc.fill_null(pc.match_substring_regex(texts, pattern), False)
    return np.asarray(found.to_numpy(zero_copy_only=False))


def _end_to_end(texts: pa.Array) -> pa.Array:
    """The same texts, `_TOGETHER` of them in each; nothing is copied."""
    _, offsets, data = texts.buffers()
    ends: Any = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    ends = np.append(ends[:-1:_TOGETHER], ends[-1:])
    return pa.LargeStringArray.from_buffers(len(ends) - 1, pa.py_buffer(ends), data)
