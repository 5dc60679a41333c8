"""
A csv, tsv or txt file as a frame: every column is text as written, an empty cell is missing.

Owns the header, the delimiter, and that no row is lost to a ragged line or an
open quote. Arrow reads the rows; the bytes become UTF-8 in `encoding`.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from smskit.audience.segment.encoding import read_utf8
from smskit.audience.segment.names import TITLES, Wanted, are_names, demand_names, pick, tidy
from smskit.errors import SegmentError
from smskit.i18n import Message, mark

_HEAD_BYTES: Final = 1 << 16  # the column names are within
_BLOCK_BYTES: Final = 8 << 20
_MAX_BLOCK_BYTES: Final = 128 << 20  # a row is no longer; one block takes several times that in memory
csv.field_size_limit(_MAX_BLOCK_BYTES)  # of the process; its default refuses cells above 128 KiB
_MAX_COLUMNS: Final = 1 << 14  # as in a sheet
_SEPARATOR_LINE: Final = re.compile(r'"?sep=([,;\t|])"?[,;\t]*(?:\r\n|\r|\n)', re.IGNORECASE)  # for Excel
BLANKS: Final = " \t\r\n\f\v\x1a\xa0\u200b\u3000\ufeff"  # of a line without a cell; the end of a DOS file
_CACHE_BYTES: Final = 1 << 16  # stay in the processor's cache


class Head(NamedTuple):
    """The row that names the columns."""

    cells: list[str]
    row: int  # its number from 1, as a spreadsheet has it; empty lines above the first row do not count
    lines: int  # of the text, up to its end
    is_below_titles: bool = False


def read_delimited(
    path: Path, wanted: Wanted, *, heading_row: int = 0, notices: list[Message] | None = None
) -> pd.DataFrame:
    """
    Return the file's rows; rows in errors are counted on from the one that names the columns.

    Without *heading_row* the first row that is not empty names them. Where that has a single cell, and soon
    after comes one of several words, it is a title, and those words are the names, which *notices* is told.
    """
    data = read_utf8(path)
    head, delimiter, body = _header(data, _delimiters(path), heading_row)
    if head.is_below_titles and notices is not None:
        words = mark(
            "row {n} is taken for the one that names the columns; what stands above it counts as a title"
        )
        notices.append(Message(words, n=head.row))
    names = [tidy(cell) for cell in head.cells]
    columns = [name or f"\0{place}" for place, name in enumerate(names)]
    has_rows = body.size >= _HEAD_BYTES or bool(body.to_pybytes().strip(b"\r\n"))
    if nameless := [column for column in columns if column[0] == "\0"]:
        # A sheet saved as csv leaves such columns behind.
        rows = _rows(body, columns, nameless, delimiter, head.row) if has_rows else None
        if rows is None or all(column.null_count == len(column) for column in rows.columns):
            names = [name for name in names if name]
    keep = pick(names, wanted)
    if not has_rows:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in keep})
    table = _rows(body, columns, keep, delimiter, head.row)
    _check_quotes(body, table.num_rows, delimiter, head.row)
    empty = _empty(table)
    if len(columns) == 1:
        empty = pc.and_(empty, pc.is_valid(table[0]))  # in quotes it is there though it is empty
    if pc.any(empty).as_py():
        # Rows of delimiters and blanks are none, but a row may be empty only in what is kept.
        if len(keep) < len(columns):
            empty = _empty(_rows(body, columns, columns, delimiter, head.row))
        table = table.filter(pc.invert(empty))
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _empty(table: pa.Table) -> pa.ChunkedArray:
    """Which rows hold nothing but blanks, one bool a row."""
    empty = _is_blank(table[0])
    for column in table.columns[1:]:
        if not pc.any(empty).as_py():
            break
        empty = pc.and_(empty, _is_blank(column))
    return empty


def _is_blank(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(pc.equal(pc.utf8_trim(column, BLANKS), ""), True)


def _delimiters(path: Path) -> str:
    return "\t,;" if path.suffix.lower() == ".tsv" else ",;\t"


def _header(data: pa.Buffer, delimiters: str, heading_row: int) -> tuple[Head, str, pa.Buffer]:
    """Return the row of column names, the delimiter that parts them best, and the bytes after that row."""
    data, head, delimiters = _beginning(data, delimiters)
    best: tuple[bool, bool, int] = (False, False, 0)
    for delimiter in delimiters:
        # csv counts the lines it took, which tells where the body begins: a quoted name may span two.
        reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter, strict=True)
        with contextlib.suppress(csv.Error):
            # What parts cells for another delimiter is no name either.
            blanks = BLANKS + delimiters + '"'
            named = _named_in(reader, heading_row, blanks)
            if named is None:
                continue
            # A quote within a name: a quoted name was cut in the middle by the wrong delimiter. What parts
            # the first row is the delimiter, whatever a text in the rows below holds; else that is a title.
            is_whole = not any('"' in cell for cell in named.cells)
            score = (is_whole, len(named.cells) > 1 and not named.is_below_titles, len(named.cells))
            if score > best:
                best, found = score, (named, delimiter)
    if heading_row and best == (False, False, 0):
        raise _no_such_row(heading_row, head, is_whole=data.size <= _HEAD_BYTES)
    if heading_row:
        demand_names(heading_row, dict(enumerate(found[0].cells, start=1)))
    if not best[2] and not head.strip(BLANKS + delimiters + '"'):
        raise SegmentError("is empty; the first row must name the columns")
    if not best[2]:
        raise SegmentError("row {n}: a quote is opened and not properly closed", n=1)
    named, delimiter = found
    if len(named.cells) > _MAX_COLUMNS:
        raise SegmentError("has more than {n:,} columns", n=_MAX_COLUMNS)
    first = "".join(islice(io.StringIO(head, newline=""), named.lines))
    if len(first) == len(head) and data.size > _HEAD_BYTES and first[-1] not in "\r\n":
        raise SegmentError("its first row, which must name the columns, is longer than 64 KiB")
    start = len(first.encode())
    return named, delimiter, data.slice(start)


def _beginning(data: pa.Buffer, delimiters: str) -> tuple[pa.Buffer, str, str]:
    """The file without a line that names its delimiter, the text it begins with, delimiters it may have."""
    head = data.slice(0, min(_HEAD_BYTES, data.size)).to_pybytes().decode("utf-8", "ignore")
    if "\0" in head:
        raise SegmentError("is not a text file, or UTF-16 without byte order mark; save it as UTF-8")
    if hint := _SEPARATOR_LINE.match(head):
        data, head, delimiters = data.slice(hint.end()), head[hint.end() :], hint[1]
    if not head.strip(BLANKS):
        raise SegmentError("is empty; the first row must name the columns")
    return data, head, delimiters


def first_rows(path: Path, n: int) -> list[tuple[int, list[str]]]:
    """Return the first *n* rows that hold anything, each with its number and the texts of its cells."""
    _, head, delimiters = _beginning(read_utf8(path), _delimiters(path))
    found: list[list[tuple[int, list[str]]]] = []
    for delimiter in delimiters:
        reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
        texts = ((line, [text for cell in row if (text := tidy(cell))]) for line, row in enumerate(reader, 1))
        found.append(list(islice(((line, row) for line, row in texts if row), n)))
    return max(found, key=lambda rows: sum(len(row) for _, row in rows))


def _named_in(reader: Any, heading_row: int, blanks: str) -> Head | None:
    """The row that names the columns, None where there is none; raises what *reader* does up to there."""
    rows = (Head(cells, n, reader.line_num) for n, cells in enumerate(reader, start=1))
    if heading_row:
        return next((row for row in rows if row.row == heading_row), None)
    filled = (row for row in rows if any(cell.strip(blanks) for cell in row.cells))
    first = next(filled, None)
    if first is None or sum(map(bool, map(tidy, first.cells))) > 1:
        return first and first._replace(row=1)
    with contextlib.suppress(csv.Error):  # of what may be no rows at all
        for row in islice(filled, TITLES):
            if are_names(row.cells):
                return row._replace(is_below_titles=True)
    return first._replace(row=1)


def _no_such_row(row: int, head: str, *, is_whole: bool) -> SegmentError:
    if not is_whole:
        return SegmentError("row {n}, which is to name the columns, is not within the first 64 KiB", n=row)
    m = sum(1 for _ in csv.reader(io.StringIO(head, newline="")))
    return SegmentError("row {n} is to name the columns, and there is none: the last is row {m}", n=row, m=m)


# --- rows


def _rows(body: pa.Buffer, names: list[str], keep: list[str], delimiter: str, head: int) -> pa.Table:
    """The columns *keep*; *head* is the number of the row above."""
    # Errors are raised outside of these handlers: arrow's words show the row, phone included.
    with contextlib.suppress(pa.ArrowInvalid):
        return _arrow_csv(body, names, keep, delimiter, _BLOCK_BYTES)

    ragged: list[tuple[int, int]] = []

    def note(row: Any) -> str:
        if not row.text.strip(BLANKS):
            return "skip"  # a line that looks empty
        ragged.append((row.number, row.actual_columns))  # not its text, which may be long
        return "error"

    # Again in large pieces: that takes cells longer than a block, and counts rows, which threads do not.
    with contextlib.suppress(pa.ArrowInvalid):
        return _arrow_csv(body, names, keep, delimiter, min(body.size + 1, _MAX_BLOCK_BYTES), note)

    # An open quote makes later rows ragged; where it opens is the better thing to say.
    _check_quotes(body, 0, delimiter, head)
    if not ragged:
        if body.size > _MAX_BLOCK_BYTES:
            raise _row_too_long()
        raise SegmentError("is not a table of text with one delimiter")
    raise SegmentError(
        "row {n} has {m} cells, and row {head} names {k} columns; quote a cell that holds the delimiter or "
        "a line break",
        n=ragged[0][0] + head,
        m=ragged[0][1],
        head=head,
        k=len(names),
    )


def _arrow_csv(
    body: pa.Buffer,
    names: list[str],
    keep: list[str],
    delimiter: str,
    block_bytes: int,
    on_ragged: Callable[[Any], str] | None = None,
) -> pa.Table:
    return pa.csv.read_csv(
        pa.BufferReader(body),
        read_options=pa.csv.ReadOptions(
            column_names=names, block_size=block_bytes, use_threads=on_ragged is None
        ),
        parse_options=pa.csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=on_ragged
        ),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()),
            include_columns=keep,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            check_utf8=False,  # the whole file was checked
        ),
    )


# --- quotes


def _check_quotes(body: pa.Buffer, rows: int, delimiter: str, head: int) -> None:
    """
    Refuse a quote that is never closed, or closed in the middle of a cell.

    Arrow forgives both, and lets the cell swallow the rows up to the next quote:
    people would be lost without a word. The slow check is made only where a
    cell can hold a line break at all: where there are more lines than the *rows*
    arrow found.
    """
    quotes = _count(body, '"')
    if not quotes or (quotes % 2 == 0 and _count(body, "\n") <= rows):
        return
    lines = io.TextIOWrapper(io.BufferedReader(pa.BufferReader(body)), "utf-8", newline="")
    row = head
    try:
        for cells in csv.reader(lines, delimiter=delimiter, strict=True):
            row += bool(cells)
    except csv.Error as error:
        if "field larger" in str(error):
            raise _row_too_long() from None
        raise SegmentError(
            "row {n}: a quote is opened and not properly closed, so rows cannot be told apart; within "
            'quotes, write a quote as ""',
            n=row + 1,
        ) from None


def _row_too_long() -> SegmentError:
    return SegmentError(
        "has a row of more than {n} MB; is a quote opened and not closed?", n=_MAX_BLOCK_BYTES >> 20
    )


def _count(data: pa.Buffer, what: str) -> int:
    letters = np.frombuffer(data, np.uint8)
    slices = (letters[start : start + _CACHE_BYTES] for start in range(0, len(letters), _CACHE_BYTES))
    return sum(int(np.count_nonzero(piece == ord(what))) for piece in slices)
