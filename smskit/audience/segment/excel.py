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
from typing import Any, Final, NamedTuple

import pandas as pd

from smskit.audience.segment.cells import frame_of, text_of
from smskit.audience.segment.names import Alike, Wanted, pick, tidy
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
from smskit.errors import SegmentError, suggest
from smskit.i18n import Joined, Message

_MAX_ROWS, _MAX_COLUMNS = 1 << 20, 1 << 14  # of a sheet, by Excel
_YES: Final = ("1", "true")
_LOCAL_DATES: Final = frozenset((*range(27, 37), *range(50, 59)))  # number formats of Chinese Excel, 18.8.30
_NAMED: Final = 5  # cells that a refusal names
_TITLES: Final = 3  # rows above the one that names the columns
_FIGURES: Final = re.compile(r"[\d\s.,:/+%¥年月日-]*")


def read_excel(
    path: Path,
    wanted: Wanted,
    text_columns: Collection[str],
    *,
    sheet: str = "",
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
    """
    with opened(path) as book:
        found = _chosen(book, sheet, wanted, text_columns, notices)
        keep = pick(list(found.names.values()), wanted)
        cells = found.read(keep)
        notices += found.notices()
    return frame_of(cells, keep, text_columns)


def sheets_of(path: Path) -> list[str]:
    """Return the names of the visible sheets that hold anything."""
    with opened(path) as book:
        return [found.title for found in _visible(book)]


# --- which sheet


def _chosen(
    book: Workbook,
    sheet: str,
    wanted: Wanted,
    text_columns: Collection[str],
    notices: list[Message],
) -> _Sheet:
    if sheet:
        return _called(book, sheet)
    visible = _visible(book)
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


def _called(book: Workbook, sheet: str) -> _Sheet:
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
    found = _Sheet(book, named[0])
    if not found.names:
        raise SegmentError("the sheet `{name}` is empty; the first row must name the columns", name=sheet)
    return found


def _words(row: list[_Cell]) -> dict[int, str] | None:
    """The cells of a row by column, where they are several different words and nothing else."""
    filled = [cell for cell in row if cell.is_something]
    names = {cell.column: tidy(cell.value) for cell in filled if isinstance(cell.value, str)}
    several = 1 < len(filled) == len(set(names.values()))
    return names if several and not any(map(_FIGURES.fullmatch, names.values())) else None


def _visible(book: Workbook) -> list[_Sheet]:
    """Return the sheets that a person sees and that hold anything."""
    sheets = [_Sheet(book, part) for part in book.sheets if part.is_visible]
    return [found for found in sheets if found.names]


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


class _Cell(NamedTuple):
    column: int  # from 1
    place: str  # B2
    value: Any
    style: int
    is_unknown: bool  # a formula without a stored value

    @property
    def is_something(self) -> bool:
        value = self.value.strip() if isinstance(self.value, str) else self.value
        return self.is_unknown or something(value)


class _Sheet:
    """
    One sheet, its first rows read: `names` has the named columns by number, from 1.

    The first row names them. Where that has a single cell, and soon after comes one of several words, it is a
    title, and those words are the names: such a sheet could not be read otherwise, most cells had no name.

    Cells are kept of the columns asked for, which have a name, so that a stray one
    far to the right costs nothing.
    """

    def __init__(self, book: Workbook, sheet: SheetPart) -> None:
        self.title = sheet.title
        self._shown = Shown(book.styles)
        self._hidden_columns: list[range] = []
        self._hidden_rows = 0
        self._keep: dict[int, str] = {}
        self._rows = self._visible_rows(book, sheet)
        self.names: dict[int, str] = {}
        self._below_titles = ""  # the number of the row that names the columns, where it is not the first
        self._find_names()

    def _find_names(self) -> None:
        for row in self._rows:
            head = {cell.column: tidy(text_of(self._value(cell)) or "") for cell in row}
            self.names = dict(sorted((column, name) for column, name in head.items() if name))
            if self.names:
                break
        after: list[list[_Cell]] = []
        for row in self._rows if len(self.names) == 1 else ():
            if names := _words(row):
                self.names, self._below_titles = names, re.sub(r"\D", "", row[0].place)
                return
            after.append(row)
            if len(after) == _TITLES:
                break
        self._rows = chain(after, self._rows)

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
                n=self._hidden_rows,
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
        yield from self._shown.notices()

    def _value(self, cell: _Cell) -> Any:
        return self._shown.value(cell.value, cell.style, self._keep.get(cell.column, ""), cell.place)

    def _visible_rows(self, book: Workbook, sheet: SheetPart) -> Iterator[list[_Cell]]:
        """Each row that holds anything and that a person sees."""
        for element, row in _rows(book, sheet):
            if element.tag == f"{MAIN}col":
                if _is_hidden(element, "width"):
                    span = range(int(element.attrib["min"]), int(element.attrib["max"]) + 1)
                    self._hidden_columns.append(span)
                    if len(self._hidden_columns) > _MAX_COLUMNS:
                        raise too_large()
            elif any(cell.is_something for cell in row):
                if _is_hidden(element, "ht"):
                    self._hidden_rows += 1
                else:
                    yield row


def _is_hidden(element: Any, size: str) -> bool:
    """Whether nobody sees a row or a span of columns: by its mark, or since it has no height or width."""
    return element.get("hidden") in _YES or re.fullmatch("0+(\\.0*)?", element.get(size, "")) is not None


def _rows(book: Workbook, sheet: SheetPart) -> Iterator[tuple[Any, list[_Cell]]]:
    """Each row of a sheet with its cells, hidden ones too; and before these each span of columns."""
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
        row: list[_Cell] = []
        rows = letters = 0
        for element in pieces(source, {f"{MAIN}c"}):
            if element.tag == f"{MAIN}c":
                row.append(cell := _cell(parser, element))
                if len(row) > _MAX_COLUMNS:
                    raise too_large()
                if isinstance(cell.value, str):
                    letters = demand_letters(letters, cell.value)
            elif element.tag == f"{MAIN}row":
                rows += 1
                if rows > _MAX_ROWS:
                    raise too_large()
                yield element, row
                row, parser.col_counter = [], 0
            elif element.tag == f"{MAIN}col":
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
    for element, row in _rows(book, sheet):
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
        hidden += _is_hidden(element, "ht")
    return found._replace(hidden=hidden)


def _cell(parser: Any, element: Any) -> _Cell:
    read, stored = parser.parse_cell(element), element.find(f"{MAIN}v")
    is_formula = element.find(f"{MAIN}f") is not None
    # A formula that gives "" stores an empty text; an empty number is one that nobody worked out.
    has_value = stored is not None and (stored.text or element.get("t") == "str")
    return _Cell(
        column=read["column"],
        place=element.get("r") or "",
        value=read["value"],
        style=int(read["style_id"]),
        is_unknown=is_formula and not has_value,
    )
