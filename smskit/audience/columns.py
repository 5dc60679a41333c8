"""
Some rows of a frame, a column at a time.

A copy of all its columns would stand beside what is made of them, and be most of the memory that a large
segment needs. So the rows of a column are picked when it is asked for, and gone when nobody holds them.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["Columns", "SomeRows"]


class SomeRows:
    """
    The rows of *frame* that *keep* has (an entry a row), as far as a frame's columns are asked for.

    Nothing is copied yet; each time that a column is asked for its rows are.
    """

    def __init__(self, frame: pd.DataFrame, keep: NDArray[np.bool_]) -> None:
        self._frame, self._keep = frame, keep
        self._rows = int(np.count_nonzero(keep))

    def __len__(self) -> int:
        return self._rows

    def __repr__(self) -> str:
        return f"SomeRows({len(self)} of {len(self._frame)})"

    def __getitem__(self, name: str) -> pd.Series[Any]:
        pa.default_memory_pool().release_unused()  # what was needed for the column before this one
        return self._frame[name][self._keep]

    @property
    def columns(self) -> pd.Index[Any]:
        """The names of the columns."""
        return self._frame.columns


Columns: TypeAlias = pd.DataFrame | SomeRows
