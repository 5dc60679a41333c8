"""
A small picture of each column: its bars, how many rows of each some rules keep, and the rule of one bar.

Which bar a row is in is worked out once; after an edit only the rows kept are counted again, by code.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from smskit.audience.cells import plain_texts
from smskit.audience.explore.counting import ByValue
from smskit.audience.explore.profile import ColumnProfile, Span, by_calendar, by_size
from smskit.audience.paging import arrow_of, text_of
from smskit.audience.phones import redact
from smskit.audience.rules import RuleCache
from smskit.audience.rules.fit import Reading
from smskit.audience.rules.typed import Mask

__all__ = ["Bar", "Picture", "picture_of"]

_MOST: Final = 20  # bars of numbers and dates
_FEW: Final = 6  # values that get a bar each


class Bar(NamedTuple):
    """
    One bar.

    Args:
        label: The value, or where its range begins; nothing that may be a phone.
        rows: How many there are in the segment.
        rule: Comparisons, all of which hold for exactly its rows.
    """

    label: str
    rows: int
    rule: tuple[dict[str, Any], ...]


class Picture:
    """
    The bars of one column of *n* rows.

    Attributes:
        is_range: Whether its bars stand next to each other on a scale.
        others: Rows with a value that has no bar.
    """

    def __init__(
        self, bars: Sequence[Bar], codes: npt.NDArray[np.int8], *, is_range: bool, others: int
    ) -> None:
        self.bars, self.is_range, self.others = tuple(bars), is_range, others
        self._codes = codes  # n; the bar of each row, the number of bars for none

    def __repr__(self) -> str:
        return f"Picture({len(self.bars)} bars)"

    def kept(self, keep: Mask) -> list[int]:
        """How many of the rows in *keep* (n entries) each bar has."""
        found = np.bincount(self._codes[keep], minlength=len(self.bars) + 1)
        return [int(n) for n in found[: len(self.bars)]]


def picture_of(frame: pd.DataFrame, cache: RuleCache, column: ColumnProfile) -> Picture | None:
    """
    The picture of a column; None for phones, for what cannot be read, and where no value is there twice.

    Args:
        cache: Of the same frame.
    """
    if column.is_phone or column.reading is None or not column.rows:
        return None
    if column.reading in (Reading.NUMBER, Reading.MOMENT):
        return _of_scale(column, cache)
    if column.reading is Reading.FLAG:
        return _of_flags(column, cache)
    return _of_texts(frame[column.name], column)


def _of_scale(column: ColumnProfile, cache: RuleCache) -> Picture | None:
    assert column.reading is not None
    floats = cache.column(column.name, "rules").floats(column.reading)
    known = np.isfinite(floats)
    if not known.any():
        return None
    if column.reading is Reading.NUMBER and column.distinct <= _FEW:
        values, places = np.unique(floats[known], return_inverse=True)
        bars = [(_written(v), {"column": column.name, "op": "in", "value": [_plain(v)]}) for v in values]
        return _made(known, places, [(label, (rule,)) for label, rule in bars], is_range=False)
    if column.reading is Reading.MOMENT:
        places, starts, span = by_calendar(floats[known], cache.now, _MOST)
    else:
        _, starts, span = by_size(floats[known], _MOST)
        starts = np.array([_plain(start) for start in starts], np.float64)
        # By the very numbers that stand in the rules, so that a bar and its rule have the same rows.
        places = np.maximum(np.searchsorted(starts, floats[known], "right") - 1, 0)
    last = len(starts) - 1
    ruled = [
        (_start(start), _range(column.name, start, span, last=at == last)) for at, start in enumerate(starts)
    ]
    return _made(known, places, ruled, is_range=True)


def _start(start: Any) -> str:
    return str(start) if isinstance(start, np.datetime64) else _written(start)


def _range(column: str, start: Any, span: Span, *, last: bool) -> tuple[dict[str, Any], ...]:
    """The comparisons of a bar that begins at *start*."""
    if isinstance(start, np.datetime64):
        low = start.astype("datetime64[D]").item()
        return ({"column": column, "op": "between", "value": [low.isoformat(), _end(low, span).isoformat()]},)
    if span.unit == "whole":
        return ({"column": column, "op": "in", "value": [_plain(start)]},)
    at_least = {"column": column, "op": ">=", "value": _plain(start)}
    if last:
        return (at_least,)
    return (at_least, {"column": column, "op": "<", "value": _plain(start + span.width)})


def _end(low: date, span: Span) -> date:
    """The last day of a bar of days, weeks, months or years."""
    width = int(span.width)
    if span.unit in ("day", "week"):
        days = width * (7 if span.unit == "week" else 1) - 1
        return low + min(timedelta(days=days), date.max - low)
    months = low.month - 1 + width * (12 if span.unit == "year" else 1)
    if low.year + months // 12 > date.max.year:  # 9999-12-31 stands for "never" in many a file
        return date.max
    return date(low.year + months // 12, months % 12 + 1, 1) - timedelta(days=1)


def _of_flags(column: ColumnProfile, cache: RuleCache) -> Picture | None:
    floats = cache.column(column.name, "rules").floats(Reading.FLAG)
    known = np.isfinite(floats)
    places = (floats[known] == 0).astype(np.int64)  # yes first
    ruled = [
        ("true" if flag else "false", ({"column": column.name, "op": "==", "value": flag},))
        for flag in (True, False)
    ]
    return _made(known, places, ruled, is_range=False) if known.any() else None


def _of_texts(cells: pd.Series[Any], column: ColumnProfile) -> Picture | None:
    if not column.top or column.top[0][1] < 2:
        return None
    found = ByValue(plain_texts(text_of(arrow_of(cells))))
    order, counts = found.most_frequent(4 * _FEW), found.counts()
    # What may be a phone is not shown.
    pairs = zip(order.tolist(), found.texts(order), strict=True)
    some = [(code, word) for code, word in pairs if redact(word) == word][:_FEW]
    place = np.full(len(found) + 1, len(some), np.int8)
    place[[code for code, _ in some]] = np.arange(len(some))
    bars = [
        Bar(word, int(counts[code]), ({"column": column.name, "op": "in", "value": [word]},))
        for code, word in some
    ]
    others = int(counts.sum()) - sum(bar.rows for bar in bars)
    return Picture(bars, place[found.codes], is_range=False, others=others) if bars else None


def _made(
    known: Mask,
    places: npt.NDArray[np.int64],
    ruled: Sequence[tuple[str, tuple[dict[str, Any], ...]]],
    *,
    is_range: bool,
) -> Picture:
    codes = np.full(len(known), len(ruled), np.int8)
    codes[known] = places
    counts = np.bincount(places, minlength=len(ruled))
    bars = [Bar(label, int(n), rule) for (label, rule), n in zip(ruled, counts, strict=True)]
    return Picture(bars, codes, is_range=is_range, others=0)


def _written(number: float) -> str:
    return f"{number:,.15g}"


def _plain(number: float) -> int | float:
    """As a rule keeps it: a whole number without its decimal point."""
    value = float(f"{number:.15g}")
    return int(value) if value == int(value) else value
