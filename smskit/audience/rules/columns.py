"""
The columns of a frame, each read once and in the forms that comparisons ask for.

Owns what pandas and Arrow dtypes need to become a `TypedColumn`. What a
comparison means is for `fit`, comparing for `typed` and `moments`.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from smskit.audience.rules.comparison import NULLS, Comparison
from smskit.audience.rules.fit import Kind, Reading, fit, kind_of, plain_dtype
from smskit.audience.rules.moments import moments_of_dates, moments_of_text, zone_of
from smskit.audience.rules.typed import (
    Answer,
    Dictionary,
    Reals,
    Texts,
    TypedColumn,
    Wholes,
    flags_of_text,
    numbers_of_text,
)
from smskit.errors import RuleError, suggest
from smskit.i18n import Message

Floats: TypeAlias = npt.NDArray[np.float64]


class Source:
    """The frame a rule is asked of; hands out its columns, each read once."""

    def __init__(self, frame: pd.DataFrame, now: datetime) -> None:
        zone_of(now)  # refused even if nothing asks for the time
        self.rows = len(frame)
        self._frame = frame
        self._now = now
        self._columns: dict[str, Column] = {}

    def column(self, name: str, where: str) -> Column:
        if name not in self._columns:
            self._columns[name] = Column(find_column(self._frame, name, where), self._now)
        return self._columns[name]

    def answer(self, question: Comparison, where: str) -> Answer:
        """Answer *question*, whose place in the tree is *where*, for every row."""
        return self.column(question.column, where).judge(question, where)


def find_column(frame: pd.DataFrame, name: str, where: str) -> pd.Series[Any]:
    """Return the one column of that name; *where* is for errors only."""
    count = list(frame.columns).count(name)
    if count == 0:
        lacking = Message("{where}.column: the segment has no column `{name}`", where=where, name=name)
        raise RuleError(suggest(lacking, name, map(str, frame.columns)))
    if count > 1:
        what = Message(
            "{where}.column: the segment has {n} columns called `{name}`", where=where, n=count, name=name
        )
        raise RuleError(what)
    return frame[name]


class Column:
    """One column; it is read in a form when first asked for it."""

    def __init__(self, series: pd.Series[Any], now: datetime) -> None:
        self._series = series
        self._now = now
        self._read: dict[Reading, TypedColumn] = {}
        dtype = plain_dtype(series.dtype)
        self._kind = kind_of(dtype)
        if isinstance(series.dtype, pd.CategoricalDtype):
            self._values = pd.Series(series.cat.categories, dtype=dtype)
        else:
            self._values = series if dtype is series.dtype else series.astype(dtype)

    def judge(self, question: Comparison, where: str) -> Answer:
        """Answer *question* for every row."""
        if question.op in NULLS:
            return self._null if question.op == "is_null" else pc.invert(self._null)
        reading, bounds = fit(question, self._kind, self._values.dtype, where)
        return self._typed(reading).test(question.op, bounds)

    @property
    def kind(self) -> Kind:
        """What it holds, by its dtype."""
        return self._kind

    def readable(self, reading: Reading) -> int:
        """Return how many rows have a value when the column is read so; what was read is kept."""
        return self._typed(reading).known()

    def floats(self, reading: Reading) -> Floats:
        """Return the column read as numbers or, dates, as microseconds since 1970 UTC; NaN where unknown."""
        return self._typed(reading).floats()

    @cached_property
    def _null(self) -> Answer:
        if self._series.dtype.kind == "f" and isinstance(reals := self._typed(Reading.NUMBER), Reals):
            return reals.is_null()  # pandas does not count NaN inside an Arrow column
        return pa.array(self._series.isna().to_numpy(np.bool_))

    def _typed(self, reading: Reading) -> TypedColumn:
        if reading not in self._read:
            typed = self._read_text(reading) if self._kind is Kind.TEXT else self._read_typed(reading)
            if isinstance(self._series.dtype, pd.CategoricalDtype):
                codes = self._series.cat.codes.to_numpy()
                typed = Dictionary(typed, pa.array(codes, mask=codes < 0))
            self._read[reading] = typed
        return self._read[reading]

    def _read_text(self, reading: Reading) -> TypedColumn:
        match reading:
            case Reading.TEXT:
                return Texts(self._text)
            case Reading.NUMBER:
                return numbers_of_text(self._text)
            case Reading.FLAG:
                return flags_of_text(self._text)
            case Reading.MOMENT:
                return moments_of_text(self._text, self._now)

    def _read_typed(self, reading: Reading) -> TypedColumn:
        match reading:
            case Reading.TEXT:
                return Texts(self._text)
            case Reading.NUMBER | Reading.FLAG:
                return self._read_numbers()
            case Reading.MOMENT:
                return moments_of_dates(_arrow(self._values), self._now)

    def _read_numbers(self) -> TypedColumn:
        values, kind = self._values, self._values.dtype.kind
        if kind == "O":  # Arrow decimals
            return numbers_of_text(self._text)
        if kind == "f":
            return Reals(values.to_numpy(dtype=np.float64, na_value=np.nan))
        exact = {"i": pa.int64(), "u": pa.uint64(), "b": pa.int8()}[kind]
        return Wholes(_arrow(values).cast(exact))

    @cached_property
    def _text(self) -> pa.Array:
        values = self._values
        if values.dtype == np.dtype(object):
            values = values.astype("str")  # keeps nulls; a partition may hold fewer types than the whole
        return _arrow(values).cast(pa.large_string())


def _arrow(values: pd.Series[Any]) -> pa.Array:
    array = pa.array(values, from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
