"""
An xlsx file as a frame: the one visible sheet that has the columns, whose first row below titles names them.

Owns which sheet is meant, and what of it is visible. How much is unpacked is for
`workbook`, what a cell says for `shown`, what kind a column is of for `cells`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final

import pandas as pd

from smskit.audience.segment.cells import frame_of, text_of
from smskit.audience.segment.names import TITLES, Alike, Wanted, are_names, demand_names, pick, tidy
from smskit.audience.segment.sheet_rows import MAX_COLUMNS, Cell, is_hidden, rows_of
from smskit.audience.segment.shown import Shown
from smskit.audience.segment.workbook import MAIN, MAX_CELLS, SheetPart, Workbook, opened, too_large
from smskit.errors import SegmentError, suggest
from smskit.i18n import Joined, Message, mark

_NAMED: Final = 5  # cells that a refusal names


def read_excel(
    path: Path,
    wanted: Wanted,
    text_columns: Collection[str],
    *,
    sheet: str = "",
    heading_row: int = 0,
    notices: list[Message],
) -> pd.DataFrame:
    """
    Return the rows of a sheet that are visible, in their order.

    Hidden rows are left out: whom a filter takes away is not to get anything.
    Hidden columns are read where they are asked for by name. Of both, and of
    number formats that are not followed, *notices* gets a sentence.

    Args:
        wanted: See `names.pick`.
        text_columns: Read as text; those that do not occur are ignored.
        sheet: Its name; "" = the only visible one that has the columns.
        heading_row: The number of the row that names the columns; 0 = the first below titles.
    """
    with opened(path) as book:
        found = _chosen(book, sheet, heading_row, wanted, text_columns, notices)
        keep = pick(list(found.names.values()), wanted)
        cells = found.read(keep)
        notices += found.notices()
    return frame_of(cells, keep, text_columns)


def sheets_of(path: Path) -> list[str]:
    """Return the names of the visible sheets that hold anything."""
    with opened(path) as book:
        return [found.title for found in _visible(book, 0)]


# --- which sheet


def _chosen(
    book: Workbook,
    sheet: str,
    heading_row: int,
    wanted: Wanted,
    text_columns: Collection[str],
    notices: list[Message],
) -> _Sheet:
    if sheet:
        return _called(book, sheet, heading_row)
    visible = _visible(book, heading_row)
    if not visible:
        raise SegmentError("has no visible sheet with a cell; the first row must name the columns")
    if len(visible) == 1:
        return visible[0]
    fitting = [found for found in visible if _fits(found, wanted, text_columns)]
    if len(fitting) == 1:
        titles = _list([found.title for found in visible])
        notices.append(
            Message(
                "sheet `{name}` is read, the only one of {sheets} that has the columns",
                name=fitting[0].title,
                sheets=titles,
            )
        )
        return fitting[0]
    if not fitting and wanted is not None:
        why = _lack(visible[0], wanted)
        sheets = _list([found.title for found in visible])
        raise SegmentError(
            "none of its sheets {sheets} has the columns; the first: {why}", sheets=sheets, why=why
        )
    raise SegmentError(
        "the sheets {sheets} could be meant; name one of them as parameter `sheet`",
        sheets=_list([found.title for found in fitting or visible]),
    )


def _called(book: Workbook, sheet: str, heading_row: int) -> _Sheet:
    """Return the sheet of that name; blanks that nobody sees make no difference."""
    named = [each for each in book.sheets if each.title == sheet] or [
        each for each in book.sheets if each.title in Alike([sheet])
    ]
    if not named:
        names = [each.title for each in book.sheets if each.is_visible]
        hinted = suggest(Message("has no sheet `{name}`", name=sheet), sheet, names)
        there = Message("Its sheets are {sheets}", sheets=_list(names))
        raise SegmentError(Joined([hinted, there], " " if "?" in hinted else ". "))
    if not named[0].is_visible:
        raise SegmentError(
            "the sheet `{name}` is hidden, and hidden sheets are never read; unhide it", name=sheet
        )
    found = _Sheet(book, named[0], heading_row)
    if found.lacks:
        raise found.lacks
    if not found.names:
        raise SegmentError("the sheet `{name}` is empty; the first row must name the columns", name=sheet)
    return found


def _words(row: list[Cell]) -> dict[int, str] | None:
    """The cells of a row by column, where they are several different words and nothing else."""
    filled = [cell for cell in row if cell.is_something]
    names = {cell.column: tidy(cell.value) for cell in filled if isinstance(cell.value, str)}
    return names if len(names) == len(filled) and are_names(names.values()) else None


def _visible(book: Workbook, heading_row: int) -> list[_Sheet]:
    """
    Return the sheets that a person sees and that hold anything.

    Raises:
        SegmentError: *heading_row* names columns in none of them.
    """
    sheets = [_Sheet(book, part, heading_row) for part in book.sheets if part.is_visible]
    found = [each for each in sheets if each.names]
    lacking = [each.lacks for each in sheets if each.lacks is not None]
    if lacking and not found:
        raise lacking[0]
    return found


def _fits(found: _Sheet, wanted: Wanted, text_columns: Collection[str]) -> bool:
    names = Alike(found.names.values())
    return not _lack(found, wanted) if wanted is not None else all(name in names for name in text_columns)


def _lack(found: _Sheet, wanted: Wanted) -> Message | None:
    try:
        pick(list(found.names.values()), wanted)
    except SegmentError as error:
        return error.message
    return None


def _list(names: Collection[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


# --- one sheet


class _Sheet:
    """
    One sheet, its first rows read: `names` has the named columns by number, from 1.

    The first row names them. Where that has a single cell, and soon after comes one of several words, it is a
    title, and those words are the names: such a sheet could not be read otherwise, most cells had no name.
    Where a person chose the row, and it names none, `lacks` says why.

    Cells are kept of the columns asked for, which have a name, so that a stray one
    far to the right costs nothing.
    """

    def __init__(self, book: Workbook, sheet: SheetPart, heading_row: int) -> None:
        self.title = sheet.title
        self._shown = Shown(book.styles)
        self._hidden_columns: list[range] = []
        self._hidden_rows: list[int] = []
        self._merged: list[str] = []  # A2:A5, of several rows below the names
        self._keep: dict[int, str] = {}
        self._rows = self._visible_rows(book, sheet)
        self._row = 0  # the number of the row that was read last
        self.names: dict[int, str] = {}
        self.lacks: SegmentError | None = None
        self._heads = 0  # the number of the row that names the columns
        self._below_titles = 0  # the number of the row that names the columns, where it is not the first
        if heading_row:
            self._take_names(heading_row)
        else:
            self._find_names()

    def _take_names(self, wanted: int) -> None:
        row = next((row for row in self._rows if self._row >= wanted), [])
        if wanted in self._hidden_rows:
            self.lacks = SegmentError("row {n}, which is to name the columns, is hidden; unhide it", n=wanted)
        elif self._row < wanted:
            words = mark("row {n} is to name the columns, and there is none: the last is row {m}")
            self.lacks = SegmentError(Message(words, n=wanted, m=self._row))
        else:
            head = self._head(row) if self._row == wanted else {}
            try:
                demand_names(wanted, head)
            except SegmentError as error:
                self.lacks = error
            else:
                self.names, self._heads = head, wanted

    def _find_names(self) -> None:
        for row in self._rows:
            self.names = self._head(row)
            if self.names:
                self._heads = self._row
                break
        after: list[list[Cell]] = []
        for row in self._rows if len(self.names) == 1 else ():
            if names := _words(row):
                self.names = names
                self._heads = self._below_titles = self._row
                return
            after.append(row)
            if len(after) == TITLES:
                break
        self._rows = chain(after, self._rows)

    def _head(self, row: list[Cell]) -> dict[int, str]:
        """The texts of a row by column."""
        texts = {cell.column: tidy(text_of(self._value(cell)) or "") for cell in row}
        return dict(sorted((column, text) for column, text in texts.items() if text))

    def read(self, keep: Collection[str]) -> dict[str, list[Any]]:
        """
        Return the columns *keep*, a cell for each visible row that holds anything.

        Raises:
            SegmentError: A formula has no value, or a column without a name has cells.
        """
        self._keep = {column: name for column, name in self.names.items() if name in keep}
        columns: dict[int, list[Any]] = {column: [] for column in self._keep}
        unknown: list[str] = []
        most = MAX_CELLS // len(columns)
        for n, row in enumerate(self._rows):
            if n >= most:
                raise too_large()
            for column in columns.values():
                column.append(None)
            for cell in row:
                if cell.column not in self.names and cell.is_something:
                    raise SegmentError("column {n} has no name", n=cell.column)
                if cell.column in columns:
                    columns[cell.column][-1] = self._value(cell)
                    if cell.is_unknown:
                        unknown.append(cell.place)
        if unknown:
            raise SegmentError(
                "{n} formulas have no stored value ({cells}); open the file in Excel or WPS and save it",
                n=len(unknown),
                cells=", ".join([*unknown[:_NAMED], "…"][: len(unknown)]),
            )
        return {self._keep[place]: column for place, column in columns.items()}

    def notices(self) -> Iterator[Message]:
        """What there is to say of what was read: titles, hidden rows and columns, formats."""
        if self._below_titles:
            yield Message(
                "row {n} of sheet `{sheet}` is taken for the one that names the columns; what stands above "
                "it counts as a title",
                n=self._below_titles,
                sheet=self.title,
            )
        if self._hidden_rows:
            yield Message(
                "{n} rows of sheet `{sheet}` are hidden, by a filter or by hand, and left out; show them in "
                "the workbook to have them read",
                n=len(self._hidden_rows),
                sheet=self.title,
            )
        hidden = [
            name for place, name in self._keep.items() if any(place in span for span in self._hidden_columns)
        ]
        if hidden:
            yield Message(
                "hidden columns of sheet `{sheet}` are read all the same: {columns}",
                sheet=self.title,
                columns=_list(hidden),
            )
        if self._merged:
            yield Message(
                "{n} merged cells of sheet `{sheet}` have a value in the first row alone, such as {cells}: "
                "the rows below count as empty there; unmerge and fill in",
                n=len(self._merged),
                sheet=self.title,
                cells=", ".join(self._merged[:_NAMED]),
            )
        yield from self._shown.notices()

    def _note_merged(self, place: str) -> None:
        """Remember merged cells of a column that is read, which lose their value in all rows but one."""
        found = re.fullmatch(r"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})", place)
        if not found or int(found[4]) <= max(int(found[2]), self._heads):
            return
        from openpyxl.utils import column_index_from_string

        first, last = (column_index_from_string(found[n]) for n in (1, 3))
        if any(first <= column <= last for column in self._keep) and len(self._merged) < MAX_CELLS:
            self._merged.append(place)

    def _value(self, cell: Cell) -> Any:
        return self._shown.value(cell.value, cell.style, self._keep.get(cell.column, ""), cell.place)

    def _visible_rows(self, book: Workbook, sheet: SheetPart) -> Iterator[list[Cell]]:
        """Each row that holds anything and that a person sees."""
        for element, row in rows_of(book, sheet):
            if element.tag == f"{MAIN}col":
                if is_hidden(element, "width"):
                    span = range(int(element.attrib["min"]), int(element.attrib["max"]) + 1)
                    self._hidden_columns.append(span)
                    if len(self._hidden_columns) > MAX_COLUMNS:
                        raise too_large()
                continue
            if element.tag == f"{MAIN}mergeCell":
                self._note_merged(element.get("ref", ""))
                continue
            self._row = int(element.get("r", self._row + 1))
            if any(cell.is_something for cell in row):
                if is_hidden(element, "ht"):
                    self._hidden_rows.append(self._row)
                else:
                    yield row
