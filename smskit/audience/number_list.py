"""
Lists of phone numbers as people keep them: with a heading or without, several in a cell, words around.

Opt-outs come in such lists, so whatever is a number is taken, and the rest is named by its line
instead of being refused with the whole file. Segments, where a row is a person, are read in `segment`.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from smskit.audience import segment
from smskit.audience.phones import mask_raw_column, normalise
from smskit.audience.roles import names_own_phone, names_phone
from smskit.audience.segment.encoding import read_utf8
from smskit.audience.segment.kinds import kind_of
from smskit.audience.segment.names import matched, pick, tidy
from smskit.audience.segment.sheet_rows import lines_of
from smskit.errors import SegmentError

__all__ = ["NumberList", "UnreadLine", "read_numbers"]

# A mobile within other text; `normalise` says whether it is one.
_NUMBER: Final = r"(?<![0-9])(?:(?:\+|00)?86[ -]*)?1[3-9][0-9](?:[ -]?[0-9]{4}){2}(?![0-9])"
_MISTYPED: Final = r"(?<![0-9])1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{1,7}(?![0-9])"  # too short or too long
_DIGITS: Final = re.compile("[0-9]{5,}")  # in no heading
_SHOWN: Final = 60  # letters of a line that could not be read
_USUAL: Final = "phone"
_BREAK: Final = re.compile("\r\n|\r|\n")


class UnreadLine(NamedTuple):
    """A line of the file that holds no number that could be read, or one beside those that could."""

    line: int  # of the file or sheet, from 1
    value: str  # digits starred out


class NumberList(NamedTuple):
    """What a file holds."""

    phones: list[int]  # E.164 digits, ascending, each once
    unread: list[UnreadLine]
    hidden: int = 0  # rows of a sheet that a person does not see, and that were read

    def __repr__(self) -> str:
        return f"NumberList({len(self.phones)} phones, {len(self.unread)} lines unread)"


class _Cells(NamedTuple):
    lines: Sequence[int]
    texts: Sequence[str]


def read_numbers(path: Path, column: str = _USUAL) -> NumberList:
    """
    Return the phones of a csv, tsv, txt, parquet or xlsx file, and the lines that could not be read.

    A text file or sheet whose first row that is not empty names *column* is read there, and in whatever other
    columns hold phones of a person's own (``phone2``, 手机号), unless one was asked for. One whose first row
    is data, or a single cell, is a list without heading: every number in a line counts. Blank lines
    are none. Hidden rows of a sheet are read like any other: a *no* is not lost because somebody filtered.

    Raises:
        SegmentError: the file cannot be read, or its first row names other columns.
    """
    path, hidden = segment.find(str(path)), 0
    match kind_of(path):
        case "parquet":
            cells = _of_parquet(path, column)
        case "xlsx":
            rows, hidden = lines_of(path)
            cells = _column_of(rows, column)
        case _:
            cells = _of_text(path, column)
    return _numbers_in(cells)._replace(hidden=hidden)


def _of_text(path: Path, column: str) -> _Cells:
    text = read_utf8(path).to_pybytes().decode()
    if "\0" in text:
        raise SegmentError("is not a text file, or UTF-16 without byte order mark; save it as UTF-8")
    lines = _BREAK.split(text)
    head = next(filter(str.strip, lines), "")
    for delimiter in ",;\t":
        if matched([tidy(cell) for cell in next(csv.reader([head], delimiter=delimiter), [])], {column}):
            return _column_of(_rows(text, delimiter), column)
    return _column_of(enumerate(([line] for line in lines), start=1), column)


def _of_parquet(path: Path, column: str) -> _Cells:
    found = segment.load(
        str(path),
        text_columns={column},
        columns=lambda names: _wanted(names, pick(names, {column})[0], column),
    )
    texts = found.astype("str").where(found.notna(), "")
    rows = enumerate(texts.itertuples(index=False, name=None), start=1)
    return _under([(line, row) for line, row in rows if any(map(str.strip, row))])


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line each begins in; a quoted cell may span several."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    begins = 1
    try:
        for row in reader:
            yield begins, row
            begins = reader.line_num + 1
    except csv.Error:  # a cell longer than is read
        raise SegmentError("line {n}: a quote is opened and not properly closed", n=begins) from None


def _column_of(rows: Iterable[tuple[int, list[str]]], column: str) -> _Cells:
    """The cells under the heading *column*; all cells of each row where the first row is no heading."""
    filled = [(line, row) for line, row in rows if any(map(str.strip, row))]
    head = [tidy(cell) for cell in filled[0][1]] if filled else []
    named = matched(head, {column})
    if named:
        places = [head.index(name) for name in _wanted(head, named[column], column)]
        return _under((line, [row[at] if at < len(row) else "" for at in places]) for line, row in filled[1:])
    if not any(map(_is_data, head)):
        names = [tidy(name) for cell in head for name in re.split("[,;\t]", cell) if tidy(name)]
        if len(names) > 1:
            pick(names, {column})  # says which there are
        elif names and names_phone(names[0]):
            del filled[0]
    return _Cells([line for line, _ in filled], [",".join(filter(None, row)) for _, row in filled])


def _wanted(names: Sequence[str], named: str, column: str) -> list[str]:
    """The column that was asked for, then those of a person's other phones, where no one column was."""
    others = names if column == _USUAL else ()
    return [named, *(name for name in others if name != named and names_own_phone(name))]


def _under(rows: Iterable[tuple[int, Sequence[str]]]) -> _Cells:
    """
    The first cell of each row, and what may be a number in the others, whose column may be of phones' makers.

    A row without any says that somebody is on the list, and not who.
    """
    cells = []
    for line, (first, *others) in rows:
        told = [cell for cell in (first, *filter(_is_data, others)) if cell.strip()]
        cells += [(line, cell) for cell in told or [","]]
    return _Cells([line for line, _ in cells], [cell for _, cell in cells])


def _is_data(text: str) -> bool:
    return bool(_DIGITS.search(re.sub(r"[\s()+.-]", "", unicodedata.normalize("NFKC", text))))


def _numbers_in(cells: _Cells) -> NumberList:
    texts = pd.Series(cells.texts, dtype="str")
    lines = np.asarray(cells.lines, np.int64)
    whole = normalise(texts)
    rest = np.flatnonzero((whole.e164 == 0) & texts.str.strip().ne("").to_numpy())
    odd = texts.iloc[rest].str.normalize("NFKC")
    found = odd.str.findall(_NUMBER).explode().dropna()
    within = normalise(found)
    unread = ~odd.index.isin(found.index) | odd.index.isin(found.index[within.e164 == 0])
    unread |= odd.str.replace(_NUMBER, " ", regex=True).str.contains(_MISTYPED, regex=True).to_numpy()
    phones = np.unique(np.concatenate([whole.e164, within.e164]))
    named = _shown(texts.iloc[rest[unread]])
    return NumberList(phones[phones > 0].tolist(), [*map(UnreadLine, lines[rest[unread]].tolist(), named)])


def _shown(texts: Any) -> list[str]:
    short = texts.str.strip().str.strip(",").str.slice(0, _SHOWN)
    return [text or "" for text in mask_raw_column(short).to_pylist()]
