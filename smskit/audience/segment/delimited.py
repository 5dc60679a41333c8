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
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from smskit.audience.segment.encoding import read_utf8
from smskit.audience.segment.names import Wanted, pick, tidy
from smskit.errors import SegmentError

_HEAD_BYTES: Final = 1 << 16  # the column names are within
_BLOCK_BYTES: Final = 8 << 20
_MAX_BLOCK_BYTES: Final = 128 << 20  # a row is no longer; one block takes several times that in memory
csv.field_size_limit(_MAX_BLOCK_BYTES)  # of the process; its default refuses cells above 128 KiB
_MAX_COLUMNS: Final = 1 << 14  # as in a sheet
_SEPARATOR_LINE: Final = re.compile(r'"?sep=([,;\t|])"?[,;\t]*(?:\r\n|\r|\n)', re.IGNORECASE)  # for Excel
BLANKS: Final = " \t\r\n\f\v\x1a\xa0\u200b\u3000\ufeff"  # of a line without a cell; the end of a DOS file
_CACHE_BYTES: Final = 1 << 16  # stay in the processor's cache


def read_delimited(path: Path, wanted: Wanted) -> pd.DataFrame:
    """Return the file's rows; rows in errors are counted from the header, 1, without empty lines."""
    data = read_utf8(path)
    names, delimiter, body = _header(data, "\t,;" if path.suffix.lower() == ".tsv" else ",;\t")
    columns = [name or f"\0{place}" for place, name in enumerate(names)]
    has_rows = body.size >= _HEAD_BYTES or bool(body.to_pybytes().strip(b"\r\n"))
    if nameless := [column for column in columns if column[0] == "\0"]:
        # A sheet saved as csv leaves such columns behind.
        rows = _rows(body, columns, nameless, delimiter) if has_rows else None
        if rows is None or all(column.null_count == len(column) for column in rows.columns):
            names = [name for name in names if name]
    keep = pick(names, wanted)
    if not has_rows:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in keep})
    table = _rows(body, columns, keep, delimiter)
    _check_quotes(body, table.num_rows, delimiter)
    empty = _empty(table)
    if len(columns) == 1:
        empty = pc.and_(empty, pc.is_valid(table[0]))  # in quotes it is there though it is empty
    if pc.any(empty).as_py():
        # Rows of delimiters and blanks are none, but a row may be empty only in what is kept.
        if len(keep) < len(columns):
            empty = _empty(_rows(body, columns, columns, delimiter))
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


def _header(data: pa.Buffer, delimiters: str) -> tuple[list[str], str, pa.Buffer]:
    """Return the column names, the delimiter that parts them best, and the bytes after their row."""
    head = data.slice(0, min(_HEAD_BYTES, data.size)).to_pybytes().decode("utf-8", "ignore")
    if "\0" in head:
        raise SegmentError("is not a text file, or UTF-16 without byte order mark; save it as UTF-8")
    if not head.strip(BLANKS):
        raise SegmentError("is empty; the first row must name the columns")
    if hint := _SEPARATOR_LINE.match(head):
        delimiters = hint[1]
        data, head = data.slice(hint.end()), head[hint.end() :]
        if not head.strip(BLANKS):
            raise SegmentError("is empty; the first row must name the columns")
    best: tuple[bool, int] = (False, 0)
    for delimiter in delimiters:
        # csv counts the lines it took, which tells where the body begins: a quoted name may span two.
        reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter, strict=True)
        with contextlib.suppress(csv.Error):
            # What parts cells for another delimiter is no name either.
            blanks = BLANKS + delimiters + '"'
            cells = next((row for row in reader if any(cell.strip(blanks) for cell in row)), None)
            if cells is None:
                continue
            # A quote within a name: a quoted name was cut in the middle by the wrong delimiter.
            score = (not any('"' in cell for cell in cells), len(cells))
            if score > best:
                best, found = score, (cells, delimiter, reader.line_num)
    if not best[1] and not head.strip(BLANKS + delimiters + '"'):
        raise SegmentError("is empty; the first row must name the columns")
    if not best[1]:
        raise SegmentError("row {n}: a quote is opened and not properly closed", n=1)
    cells, delimiter, lines = found
    if len(cells) > _MAX_COLUMNS:
        raise SegmentError("has more than {n:,} columns", n=_MAX_COLUMNS)
    first = "".join(islice(io.StringIO(head, newline=""), lines))
    if len(first) == len(head) and data.size > _HEAD_BYTES and first[-1] not in "\r\n":
        raise SegmentError("its first row, which must name the columns, is longer than 64 KiB")
    start = len(first.encode())
    return [tidy(cell) for cell in cells], delimiter, data.slice(start)


# --- rows


def _rows(body: pa.Buffer, names: list[str], keep: list[str], delimiter: str) -> pa.Table:
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
    _check_quotes(body, 0, delimiter)
    if not ragged:
        if body.size > _MAX_BLOCK_BYTES:
            raise _row_too_long()
        raise SegmentError("is not a table of text with one delimiter")
    raise SegmentError(
        "row {n} has {m} cells where the first row names {k} columns; quote a cell that holds the "
        "delimiter or a line break",
        n=ragged[0][0] + 1,
        m=ragged[0][1],
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


def _check_quotes(body: pa.Buffer, rows: int, delimiter: str) -> None:
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
    row = 1
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
