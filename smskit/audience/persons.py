"""
Stable 64-bit keys of persons, and finding those who occur twice.

Keys are SipHash (``pandas.util.hash_array``): the same person always has the
same key, on any machine, whoever else is in the column. Working by slices and
by sorting keeps a million persons within a few megabytes.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_SLICE = 50_000


def keys(persons: pa.Array, *, salt: str = "") -> NDArray[np.uint64]:
    """
    The key of each person.

    Args:
        persons: n texts, no nulls.
        salt: Other salt, other keys.

    Returns:
        n keys, in the order of *persons*.
    """
    # SipHash takes a key of 16 bytes.
    secret = hashlib.sha256(salt.encode()).hexdigest()[:16]
    made = np.empty(len(persons), np.uint64)
    for first in range(0, len(persons), _SLICE):
        text = persons[first : first + _SLICE].to_numpy(zero_copy_only=False)
        made[first : first + _SLICE] = pd.util.hash_array(text, hash_key=secret, categorize=False)
    return made


def distinct(keys: NDArray[Any]) -> NDArray[Any]:
    """The different ones of *keys* (of any length), ascending."""
    # np.unique hashes, which takes five times as long for a million keys.
    ascending = np.sort(keys)
    return ascending[np.append(True, ascending[1:] != ascending[:-1])] if len(keys) else ascending


def later_copies(persons: pa.Array, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """
    Those of *rows* whose person stood in an earlier one of them.

    Args:
        persons: n texts, no nulls.
        rows: Places in *persons*, ascending; any number of them.
    """
    made = keys(persons)[rows]
    ascending = np.sort(made)
    repeated = ascending[1:][ascending[1:] == ascending[:-1]]
    if not len(repeated):
        return rows[:0]
    # Only the few that repeat are compared as texts, which also settles keys equal by chance.
    rows = rows[np.isin(made, repeated)]
    codes = np.asarray(pc.dictionary_encode(persons.take(pa.array(rows))).indices)
    return rows[pd.Series(codes).duplicated().to_numpy()]
