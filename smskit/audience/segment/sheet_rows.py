"""
The rows of a sheet as they stand, hidden ones too, and the first of them for a person to choose from.

Owns what a row is, its number, and whether nobody sees it. Which sheet is meant, and which row names the
columns, is for `excel`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from smskit.audience.segment.cells import text_of
from smskit.audience.segment.names import tidy
from smskit.audience.segment.shown import Shown, something
from smskit.audience.segment.workbook import (
    MAIN,
    MAX_CELLS,
    SheetPart,
    Workbook,
    demand_letters,
    opened,
    pieces,
    too_large,
)
from smskit.errors import SegmentError

__all__ = ["MAX_COLUMNS", "Cell", "Lines", "first_rows", "is_hidden", "lines_of", "rows_of"]

_MAX_ROWS: Final = 1 << 20  # of a sheet, by Excel
MAX_COLUMNS: Final = 1 << 14
_YES: Final = ("1", "true")
_LOCAL_DATES: Final = frozenset((*range(27, 37), *range(50, 59)))  # number formats of Chinese Excel, 18.8.30


class Cell(NamedTuple):
    column: int  # from 1
    place: str  # B2
    value: Any
    style: int
    is_unknown: bool  # a formula without a stored value

    @property
    def is_something(self) -> bool:
        value = self.value.strip() if isinstance(self.value, str) else self.value
        return self.is_unknown or something(value)


def is_hidden(element: Any, size: str) -> bool:
    """Whether nobody sees a row or a span of columns: by its mark, or since it has no height or width."""
    return element.get("hidden") in _YES or re.fullmatch("0+(\\.0*)?", element.get(size, "")) is not None


def rows_of(book: Workbook, sheet: SheetPart) -> Iterator[tuple[Any, list[Cell]]]:
    """Each row of a sheet with its cells, hidden ones too; spans of columns before, merged ones after."""
    from openpyxl.worksheet._reader import WorkSheetParser

    book.demand_rows(sheet, _MAX_ROWS)
    styles = book.styles
    dates = {n for n, style in enumerate(styles._cell_styles) if style.numFmtId in _LOCAL_DATES}
    with book.open(sheet.part) as source:
        parser = WorkSheetParser(
            source,
            book.texts,
            data_only=True,
            epoch=styles.epoch,
            date_formats=styles._date_formats | dates,
            timedelta_formats=styles._timedelta_formats,
        )
        row: list[Cell] = []
        rows = letters = 0
        for element in pieces(source, {f"{MAIN}c"}):
            if element.tag == f"{MAIN}c":
                row.append(cell := _cell(parser, element))
                if len(row) > MAX_COLUMNS:
                    raise too_large()
                if isinstance(cell.value, str):
                    letters = demand_letters(letters, cell.value)
            elif element.tag == f"{MAIN}row":
                rows += 1
                if rows > _MAX_ROWS:
                    raise too_large()
                yield element, row
                row, parser.col_counter = [], 0
            elif element.tag in (f"{MAIN}col", f"{MAIN}mergeCell"):
                yield element, []


class Lines(NamedTuple):
    """The rows of a sheet as texts: its number from 1, a cell for each column of the first row, others."""

    rows: list[tuple[int, list[str]]]
    hidden: int  # of the rows, how many a person does not see


def lines_of(path: Path) -> Lines:
    """
    Return all rows that hold anything of the one visible sheet that has any, hidden ones too.

    A formula that no program has worked out reads ",": something is there, and not what.

    Raises:
        SegmentError: Several sheets hold rows, or it cannot be read.
    """
    with opened(path) as book:
        full = [found for part in book.sheets if part.is_visible and (found := _texts(book, part)).rows]
    if len(full) > 1:
        raise SegmentError("{n} of its sheets hold rows; keep the one with the list", n=len(full))
    return full[0] if full else Lines([], 0)


def _texts(book: Workbook, sheet: SheetPart) -> Lines:
    shown, found = Shown(book.styles), Lines([], 0)
    order: dict[int, None] = {}
    line = hidden = n = 0
    for element, row in rows_of(book, sheet):
        if element.tag != f"{MAIN}row":
            continue
        line = int(element.get("r", line + 1))
        values = {cell.column: shown.value(cell.value, cell.style, "", cell.place) for cell in row}
        values |= {cell.column: "," for cell in row if cell.is_unknown}
        texts = {column: text for column, v in values.items() if (text := text_of(v)) and text.strip()}
        if not texts:
            continue
        order = order or dict.fromkeys(sorted(texts))
        n += len(order) + len(texts)
        if n > MAX_CELLS:
            raise too_large()
        rest = (text for column, text in texts.items() if column not in order)
        found.rows.append((line, [*(texts.get(column, "") for column in order), *rest]))
        hidden += is_hidden(element, "ht")
    return found._replace(hidden=hidden)


def first_rows(path: Path, n: int, sheet: str = "") -> list[tuple[int, list[str]]]:
    """
    Return the first *n* visible rows that hold anything, each with its number and the texts of its cells.

    Args:
        sheet: Its name; "" = the only visible one that holds anything; none where there are several.
    """
    with opened(path) as book:
        parts = [part for part in book.sheets if part.is_visible and sheet in ("", part.title)]
        found = [rows for part in parts if (rows := list(islice(_texts_of(book, part), n)))]
    return found[0] if len(found) == 1 else []


def _texts_of(book: Workbook, sheet: SheetPart) -> Iterator[tuple[int, list[str]]]:
    """The visible rows that hold anything, with their numbers; a formula nobody worked out is no text."""
    shown, line = Shown(book.styles), 0
    for element, row in rows_of(book, sheet):
        if element.tag != f"{MAIN}row":
            continue
        line = int(element.get("r", line + 1))
        values = (shown.value(cell.value, cell.style, "", cell.place) for cell in row if cell.is_something)
        texts = [text for value in values if (text := tidy(text_of(value) or ""))]
        if texts and not is_hidden(element, "ht"):
            yield line, texts


def _cell(parser: Any, element: Any) -> Cell:
    read, stored = parser.parse_cell(element), element.find(f"{MAIN}v")
    is_formula = element.find(f"{MAIN}f") is not None
    # A formula that gives "" stores an empty text; an empty number is one that nobody worked out.
    has_value = stored is not None and (stored.text or element.get("t") == "str")
    return Cell(
        column=read["column"],
        place=element.get("r") or "",
        value=read["value"],
        style=int(read["style_id"]),
        is_unknown=is_formula and not has_value,
    )
