"""
What a comparison means for a column: how the column is read, and the values with it.

Decided by the comparison and the column's dtype alone, so that a mask and its
SQL agree, and every part of a frame with the whole. Rows play no part.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from smskit.audience.cells import plain_text
from smskit.audience.rules.comparison import DATES, PARTS, Comparison
from smskit.audience.rules.values import Bound, describe, read_flag, read_moment, read_number
from smskit.errors import RuleError
from smskit.i18n import Message, mark


class UnreadValueError(RuleError):
    """The value of a rule cannot be read as what its column holds."""


class Kind(enum.Enum):
    """What a column holds, by its dtype."""

    TEXT = enum.auto()  # also object columns: their values are compared as text
    WHOLE = enum.auto()  # whole numbers
    NUMBER = enum.auto()  # other numbers
    FLAG = enum.auto()  # true or false
    TIME = enum.auto()  # dates and times
    OTHER = enum.auto()  # what rules cannot compare, such as durations


class Reading(enum.Enum):
    """How a comparison reads its column."""

    TEXT = enum.auto()
    NUMBER = enum.auto()
    FLAG = enum.auto()
    MOMENT = enum.auto()


# A value given as text is read as what the column holds.
_OF_TEXT: Final[Mapping[Kind, Reading]] = {
    Kind.TEXT: Reading.TEXT,
    Kind.WHOLE: Reading.NUMBER,
    Kind.NUMBER: Reading.NUMBER,
    Kind.FLAG: Reading.FLAG,
    Kind.TIME: Reading.MOMENT,
}
BY_KIND: Final[Mapping[Kind, Reading]] = {k: r for k, r in _OF_TEXT.items() if k is not Kind.TEXT}
READERS: Final[Mapping[Reading, Callable[[str], Bound | None]]] = {
    Reading.TEXT: plain_text,
    Reading.NUMBER: read_number,
    Reading.FLAG: read_flag,
    Reading.MOMENT: read_moment,
}
_READ_AS: Final[Mapping[Reading, str]] = {
    Reading.TEXT: mark("text"),
    Reading.NUMBER: mark("read as numbers"),
    Reading.FLAG: mark("read as yes and no"),
    Reading.MOMENT: mark("read as dates"),
}


def fit(
    question: Comparison, kind: Kind, dtype: object, where: str, reads: Reading | None = None
) -> tuple[Reading, list[Bound]]:
    """
    Return how *question* reads a column of that kind, and its values read the same way.

    Args:
        question: Any but a null test, which every column can answer.
        dtype: For errors only.
        where: The question's place in the tree, for errors only.
        reads: How the column reads, if it is text; None: as text.

    Raises:
        RuleError: Such a column cannot be asked that.
        UnreadValueError: It can, and not with that value.
    """
    reading = _reading(question, kind, reads)
    if reading is None:
        raise RuleError(
            "{where}: `{op}` {why} cannot be asked of `{name}`, which is {kind}",
            where=where,
            op=question.op,
            why=describe(question.value if len(question.values) > 1 else question.values[0]),
            name=question.column,
            kind=dtype,
        )
    bounds: list[Bound] = []
    for value in question.values:
        if reading is Reading.TEXT and question.op not in PARTS and not plain_text(str(value)):
            what = Message(
                "{where}.value: an empty text is no value, and no cell is equal to it; "
                "`op: is_null` finds cells that are empty, `not_null` those that are not",
                where=where,
            )
            raise UnreadValueError(what)
        # A number beside a column of dates or of yes and no is what it says as text: 1, 20261001.
        written = str(value) if reads in _WORDED and is_number(value) else value
        bound = _read(written, reading, question.op) if isinstance(written, str) else written
        if bound is None:
            what = Message(
                "{where}.value: {why} does not fit `{name}`, which is {kind}",
                where=where,
                why=describe(value),
                name=question.column,
                kind=_holds(kind, reading, dtype),
            )
            raise UnreadValueError(what)
        bounds.append(bound)
    return reading, bounds


def is_number(value: object) -> bool:
    """Whether it is written as a number; yes and no are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


_WORDED: Final = (Reading.FLAG, Reading.MOMENT)


def _read(value: str, reading: Reading, op: str) -> Bound | None:
    # A part of a text may well begin or end with a blank.
    return value if op in PARTS else READERS[reading](value)


def _holds(kind: Kind, reading: Reading, dtype: object) -> object:
    return Message(_READ_AS[reading]) if kind is Kind.TEXT else dtype


def _reading(question: Comparison, kind: Kind, reads: Reading | None) -> Reading | None:
    """Return how the column is read, or None where the question makes no sense."""
    if question.op in DATES or question.op == "within_days":
        return Reading.MOMENT if kind in (Kind.TEXT, Kind.TIME) else None
    if question.op in PARTS:
        return Reading.TEXT if kind in (Kind.TEXT, Kind.WHOLE) else None
    first = question.values[0]  # the others are of the same type
    if isinstance(first, str) or (reads in _WORDED and kind is Kind.TEXT and is_number(first)):
        return reads if reads and kind is Kind.TEXT else _OF_TEXT.get(kind)
    if kind in (Kind.TIME, Kind.OTHER):
        return None
    return Reading.FLAG if isinstance(first, bool) else Reading.NUMBER


def plain_dtype(dtype: Any) -> Any:
    """Return the dtype of what a category or dictionary holds, or *dtype* itself."""
    if isinstance(dtype, pd.CategoricalDtype):
        return dtype.categories.dtype if len(dtype.categories) else np.dtype(object)
    if isinstance(dtype, pd.ArrowDtype) and pa.types.is_dictionary(dtype.pyarrow_dtype):
        return pd.ArrowDtype(dtype.pyarrow_dtype.value_type)
    return dtype


def kind_of(dtype: Any) -> Kind:
    """Return what a column of that plain dtype holds."""
    if isinstance(dtype, pd.ArrowDtype):
        return _arrow_kind(dtype.pyarrow_dtype)
    if isinstance(dtype, pd.StringDtype) or dtype == np.dtype(object):
        return Kind.TEXT
    kinds = {"i": Kind.WHOLE, "u": Kind.WHOLE, "f": Kind.NUMBER, "b": Kind.FLAG, "M": Kind.TIME}
    return kinds.get(dtype.kind, Kind.OTHER)


def _arrow_kind(arrow: pa.DataType) -> Kind:
    types = pa.types
    if types.is_integer(arrow):
        return Kind.WHOLE
    if types.is_floating(arrow) or types.is_decimal(arrow):
        return Kind.NUMBER
    if types.is_boolean(arrow):
        return Kind.FLAG
    if types.is_date(arrow) or types.is_timestamp(arrow):
        return Kind.TIME
    is_text = types.is_string(arrow) or types.is_large_string(arrow) or types.is_string_view(arrow)
    return Kind.TEXT if is_text or types.is_null(arrow) else Kind.OTHER
