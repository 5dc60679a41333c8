"""How many rows have which value: a column's distinct values, each counted by its dictionary code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.audience.cells import filled
from smskit.audience.paging import arrow_of, text_of
from smskit.audience.rules.typed import Mask

__all__ = ["ByValue"]


class ByValue:
    """
    The rows of a column, by what they hold; a text that shows nothing is null.

    Attributes:
        values: The distinct values, null not among them; *m* of them, in order of first appearance.
        codes: For each row the place of its value in ``values``; *m* for null.

    >>> levels = ByValue(pd.Series(["gold", None, "silver", "silver"]))
    >>> levels.counts().tolist(), levels.nulls, levels.texts(levels.most_frequent(1))
    ([1, 2], 1, ['silver'])
    """

    def __init__(self, cells: pd.Series[Any] | pa.Array) -> None:
        encoded = _encoded(arrow_of(cells) if isinstance(cells, pd.Series) else cells)
        self.values: pa.Array = encoded.dictionary
        self.nulls = int(encoded.null_count)
        self.codes = pc.fill_null(encoded.indices, len(self)).to_numpy(zero_copy_only=False)

    def __len__(self) -> int:
        return len(self.values)

    def counts(self, keep: Mask | None = None) -> NDArray[np.int64]:
        """Rows of each value, *m* numbers; of the rows in *keep* (one entry a row) alone, if given."""
        codes = self.codes if keep is None else self.codes[keep]
        return np.bincount(codes, minlength=len(self) + 1)[:-1].astype(np.int64)

    def most_frequent(self, count: int) -> NDArray[np.int64]:
        """Places in ``values`` of the *count* most frequent ones; ties in order of first appearance."""
        return np.argsort(-self.counts(), kind="stable")[:count]

    def texts(self, places: NDArray[np.int64]) -> list[str]:
        """The values at those places as text."""
        texts: list[str] = text_of(self.values.take(pa.array(places))).to_pylist()
        return texts


def _encoded(cells: pa.Array) -> pa.DictionaryArray:
    encoded = cells.dictionary_encode()
    if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
        return encoded
    shown = filled(encoded.dictionary)
    if pc.all(shown, min_count=0).as_py():
        return encoded
    plain = pc.if_else(shown, encoded.dictionary, pa.scalar(None, encoded.dictionary.type))
    return plain.take(encoded.indices).dictionary_encode()
