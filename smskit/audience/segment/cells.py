"""
Cells as Python objects, which sheets and databases give, made into columns of one kind each.

A column keeps the kind its cells are of; mixed kinds, and columns asked for as
text, become what a person would have written. Text files have no kinds, and
parquet keeps its own.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import NoneType
from typing import Any, Final

import pandas as pd

EXACT_FLOAT: Final = 2.0**53  # whole numbers below are exact as floats


def frame_of(
    cells: Mapping[str, Sequence[Any]], keep: Iterable[str], text_columns: Collection[str]
) -> pd.DataFrame:
    """Return the columns *keep*, in that order; a missing cell is None."""
    return pd.DataFrame({name: _series(list(cells[name]), name in text_columns) for name in keep})


def _series(cells: list[Any], as_text: bool) -> pd.Series[Any]:
    kinds = set(map(type, cells))
    has_missing = NoneType in kinds
    kinds.discard(NoneType)
    if as_text:
        return pd.Series([id_of(cell) for cell in cells], dtype="str")
    if not kinds or kinds == {str}:
        return _text_series(cells)
    if kinds == {bool}:
        return pd.Series(cells, dtype="boolean" if has_missing else "bool")
    if kinds == {int}:
        try:
            return pd.Series(cells, dtype="Int64" if has_missing else "int64")
        except OverflowError:
            return _text_series(cells)  # longer than 64 bits: an id
    if kinds <= {int, float, Decimal}:
        try:
            return pd.Series([math.nan if cell is None else float(cell) for cell in cells], dtype="float64")
        except OverflowError:
            return _text_series(cells)  # no number that a float can be
    if kinds <= {date, datetime}:
        zoned = any(isinstance(cell, datetime) and cell.tzinfo for cell in cells)
        return pd.Series(pd.to_datetime(pd.Series(cells, dtype="object"), utc=zoned))
    return _text_series(cells)


def _text_series(cells: list[Any]) -> pd.Series[Any]:
    return pd.Series([text_of(cell) for cell in cells], dtype="str")


def id_of(cell: object) -> str | None:
    """Return a cell that names somebody as `text_of` does, but a float beyond its exact digits as 1.2e+17."""
    if isinstance(cell, float) and EXACT_FLOAT <= abs(cell) < math.inf:
        return f"{cell:.15g}"  # digits that were never there would make it look like somebody's id
    return text_of(cell)


def text_of(cell: object) -> str | None:
    """Return a cell as a person would write it; None and nan are missing."""
    match cell:
        case None | str():
            return cell
        case bool():
            return "true" if cell else "false"
        case float() | Decimal() if cell != cell:
            return None
        case float() if cell.is_integer():
            return str(int(cell))
        case Decimal() if cell.is_finite():
            return str(int(cell)) if cell == int(cell) else format(cell, "f")
        case datetime() if cell.time() == time():
            return cell.date().isoformat()
        case datetime():
            return cell.isoformat(" ")
        case timedelta():
            return clock_of(cell)
        case bytes():
            return cell.decode(errors="replace")
    return str(cell)


def clock_of(duration: timedelta) -> str:
    """Return a duration as a spreadsheet shows it, whole seconds: ``26:03:00``."""
    seconds = round(abs(duration).total_seconds())
    sign = "-" if duration < timedelta() and seconds else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
