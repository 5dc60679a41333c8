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

from smskit.audience.segment.names import Wanted, pick

_EXACT_DIGITS: Final = 15  # of a float
EXACT_FLOAT: Final = 2.0**53  # whole numbers below are exact as floats


def frame_of_rows(
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    wanted: Wanted,
    text_columns: Collection[str],
    *,
    kinds: Mapping[str, Kinds] | None = None,
) -> pd.DataFrame:
    """Rows of a query as a frame; see `frame_of`. Errors are those of `names.pick`."""
    keep = pick(names, wanted)
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return frame_of(dict(zip(names, columns, strict=True)), keep, text_columns, kinds=kinds)


class Kinds:
    """Of what kinds the cells of a column are, as far as they were looked at."""

    def __init__(self, cells: Iterable[Any] = ()) -> None:
        self.has_missing = self.zoned = False
        self.are_exact = True  # of decimals, whether each is as exact as a float
        self.types: set[type] = set()
        self._least = self._most = 0  # of whole numbers
        self.add(cells)

    def add(self, cells: Iterable[Any]) -> None:
        """Look at more of them."""
        cells = list(cells)
        found = set(map(type, cells))
        self.has_missing |= NoneType in found
        self.types |= found - {NoneType}
        if int in found:
            numbers = [cell for cell in cells if type(cell) is int]
            self._least, self._most = min(self._least, *numbers), max(self._most, *numbers)
        if Decimal in found:
            self.are_exact = self.are_exact and not any(
                isinstance(cell, Decimal) and _digits(cell) > _EXACT_DIGITS for cell in cells
            )
        if datetime in found:
            self.zoned = self.zoned or any(isinstance(cell, datetime) and cell.tzinfo for cell in cells)

    @property
    def are_long(self) -> bool:
        """Whether a whole number among them is longer than 64 bits."""
        return self._least < -(2**63) or self._most >= 2**63

    @property
    def are_floats(self) -> bool:
        """Whether numbers that are not all whole lose nothing as floats."""
        return self.are_exact and max(-self._least, self._most) <= EXACT_FLOAT


def frame_of(
    cells: Mapping[str, Sequence[Any]],
    keep: Iterable[str],
    text_columns: Collection[str],
    *,
    kinds: Mapping[str, Kinds] | None = None,
) -> pd.DataFrame:
    """
    Return the columns *keep*, in that order; a missing cell is None.

    Args:
        kinds: Of the whole of each column, where these are some of its cells; None = they are all.
    """
    return pd.DataFrame(
        {
            name: _series(
                list(cells[name]),
                name in text_columns,
                Kinds(cells[name]) if kinds is None else kinds[name],
            )
            for name in keep
        }
    )


def _series(cells: list[Any], as_text: bool, kinds: Kinds) -> pd.Series[Any]:
    types = kinds.types
    if as_text:
        return pd.Series([id_of(cell) for cell in cells], dtype="str")
    if not types or types == {str}:
        return _text_series(cells)
    if types == {bool}:
        return pd.Series(cells, dtype="boolean" if kinds.has_missing else "bool")
    if types == {int} and not kinds.are_long:  # what is longer is an id
        return pd.Series(cells, dtype="Int64" if kinds.has_missing else "int64")
    if types <= {int, float, Decimal} and types != {int} and kinds.are_floats:
        return pd.Series([math.nan if cell is None else float(cell) for cell in cells], dtype="float64")
    if types <= {int, float, Decimal}:  # a number's places are the column's, and say nothing
        return pd.Series([_bare(text_of(cell)) for cell in cells], dtype="str")
    if types == {time}:  # as parquet has them
        return pd.Series(cells, dtype="object")
    if types <= {date, datetime}:
        return pd.Series(pd.to_datetime(pd.Series(cells, dtype="object"), utc=kinds.zoned))
    return _text_series(cells)


def _bare(number: str | None) -> str | None:
    return number.rstrip("0").rstrip(".") if number and "." in number else number


def _digits(cell: Decimal) -> int:
    """How many digits it has, without zeros at its end."""
    return len(cell.normalize().as_tuple().digits) if len(cell.as_tuple().digits) > _EXACT_DIGITS else 0


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
