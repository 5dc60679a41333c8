"""
Reading a segment: a file, a database query or a notebook's frame, as one pandas frame.

Every row of the source is a row of the frame, in the same order, or the
source is refused: nothing is skipped, cut short or turned into another value.
What a phone is (`phones`), which rows to keep (`rules`) and who may be
messaged (`policy`) are for others.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import math
import os
import re
import unicodedata
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from smskit.errors import SegmentError, nearest

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["find", "from_frame", "load"]

_KINDS: Final = ".csv, .tsv, .txt, .parquet or .xlsx"
_ROOT_MARKS: Final = ("pyproject.toml", ".git", "environment.yml")
_URL: Final = re.compile(r"[A-Za-z][\w+.-]*://")
_SECRET_NAME: Final = re.compile(r"pass|pwd|secret|token", re.IGNORECASE)
_SECRET_IN_VALUE: Final = re.compile(r"\b(pwd|password)\s*=", re.IGNORECASE)  # ?odbc_connect=…PWD=…

_HEAD_BYTES: Final = 1 << 16  # the column names are within
_BLOCK_BYTES: Final = 8 << 20
_MAX_BLOCK_BYTES: Final = 2**31 - 1  # arrow counts a block in int32
_EXACT_FLOAT: Final = 2.0**53  # up to here a double holds every whole number

# A formula that failed has no value; its error code is nothing to greet a person with.
_XLSX_NOTHING: Final = frozenset(("", "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"))

# Where the dialect lets a connection promise that it will not write.
_READ_ONLY: Final = {"sqlite": "PRAGMA query_only = ON", "postgresql": "SET TRANSACTION READ ONLY"}


def load(
    source: str,
    *,
    query: str = "",
    text_columns: Collection[str] = ("phone", "user_id"),
    columns: Collection[str] | None = None,
    environ: Mapping[str, str] = os.environ,
    working_folder: Path | None = None,
) -> pd.DataFrame:
    """
    Return the segment that *source* names, one row per row of it, in its order.

    csv, tsv and txt (UTF-8, UTF-16 with byte order mark, GB18030; ``,`` ``;`` or
    tab): every column is text as written, an empty cell is missing, ``NA`` and
    ``null`` are words. xlsx: the first sheet; a column of mixed kinds is text.
    parquet, SQL: types as stored, but a whole number beside missing ones stays
    whole (``Int64``), dates are ``datetime64`` and decimals are floats. Empty
    lines of a csv and empty rows of a sheet are no rows. A segment without rows
    is legal.

    Args:
        source: A path, looked for as `find` does; a SQLAlchemy URL without a
            password; or ``env:NAME``, a variable holding a path or any URL.
        query: One SELECT, for a database; run without the right to write
            where the database has a way to say so.
        text_columns: Read as text, so that 13800000000 and 13800000000.0 are
            both ``13800000000``; names that do not occur are ignored.
        columns: Read no others; None reads all. The order is the source's.
        working_folder: Where relative paths start; None is the process's own.

    Raises:
        SegmentError: Not found, not readable, a row with too many or too few
            cells, a column without a name or named twice, an unknown column, a
            failing query. Never holds a password or what a cell says.
    """
    label = source
    if source.startswith("env:"):
        # The variable may hold a secret, even one put there by mistake: errors give only its name.
        source = _from_environ(source, environ)
    if _URL.match(source):
        label = label if label.startswith("env:") else "the segment's database"
        return _read_sql(source, query, text_columns, columns, label, working_folder)
    if query:
        raise SegmentError(f"{label}: a query needs a database; this is a file, filter it with rules")

    path = _locate(source, working_folder, label)
    match path.suffix.lower():
        case ".csv" | ".tsv" | ".txt":
            return _read_csv(path, columns, label)
        case ".parquet":
            return _read_parquet(path, text_columns, columns, label)
        case ".xlsx":
            return _read_xlsx(path, text_columns, columns, label)
        case other:
            what = f"`{other}` is no kind of segment" if other else "a segment needs a file extension"
            raise SegmentError(f"{label}: {what}; give {_KINDS}, or a database URL")


def find(path: str, working_folder: Path | None = None) -> Path:
    """
    Return the file that *path* means, wherever in the project the notebook runs.

    A relative path is looked for in the working folder, then in every folder
    above it up to the project's root: the first with a ``pyproject.toml``,
    ``.git`` or ``environment.yml``. Without such a root only the working folder
    counts, so that a file of the same name elsewhere is never picked up.

    Raises:
        SegmentError: There is no such file; lists where it was looked for.
    """
    return _locate(path, working_folder, path)


def from_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """
    Return any frame of a notebook as a segment, rows numbered from 0.

    A named index, as ``groupby`` and ``set_index`` leave it, becomes columns; an
    unnamed one is dropped. The input is not changed.

    Raises:
        SegmentError: Not a frame, no columns, or columns that are not distinct,
            non-empty texts.
    """
    if not isinstance(frame, pd.DataFrame):
        raise SegmentError(f"a segment is a pandas DataFrame, not {type(frame).__name__}")
    named = [name for name in frame.index.names if name is not None and name not in frame.columns]
    segment = (frame.reset_index(level=named) if named else frame).reset_index(drop=True)
    if odd := [name for name in segment.columns if not isinstance(name, str)]:
        raise SegmentError(f"column names must be text; {odd[0]!r} is {type(odd[0]).__name__}, rename it")
    _check_names(list(segment.columns), "the frame")
    return segment


# --- where it is


def _from_environ(source: str, environ: Mapping[str, str]) -> str:
    name = source.removeprefix("env:").strip()
    value = environ.get(name, "").strip()
    if not value:
        hint = "" if name in environ else nearest(name, environ)
        raise SegmentError(
            f"{source}: that environment variable is not set{hint or '; put a path or a URL in it'}"
        )
    return value


def _locate(path: str, working_folder: Path | None, label: str) -> Path:
    if not path:
        raise SegmentError("no segment given: name a file, a database URL or env:NAME")
    wanted = Path(path).expanduser()
    if wanted.is_absolute():
        if _is_file(wanted):
            return wanted
        raise SegmentError(f"{label}: no such file")
    folders = list(_folders((working_folder or Path.cwd()).absolute()))
    for folder in folders:
        if _is_file(folder / wanted):
            return folder / wanted
    raise SegmentError(f"{label}: no such file in {', '.join(map(str, folders))}")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # no name a file could have, such as the whole content of one
        return False


def _folders(start: Path) -> Iterator[Path]:
    """Yield *start* and the folders above it up to the project's root, if there is one."""
    upwards = [start, *start.parents]
    roots = (n for n, folder in enumerate(upwards) if any((folder / mark).exists() for mark in _ROOT_MARKS))
    yield from upwards[: next(roots, 0) + 1]


# --- names of columns


def _check_names(names: Sequence[str], label: str) -> None:
    if not names:
        raise SegmentError(f"{label}: has no columns")
    for place, name in enumerate(names, start=1):
        if not name.strip():
            raise SegmentError(f"{label}: column {place} has no name")
        # Without this, a file that lacks its header would show somebody's phone in every error about columns.
        if re.fullmatch(r"\+?\d{10,}", re.sub(r"[\s().'-]", "", unicodedata.normalize("NFKC", name))):
            raise SegmentError(
                f"{label}: column {place} is named by a number; the first row must name the columns"
            )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SegmentError(f"{label}: {names.count(twice)} columns are named `{twice}`; rename all but one")


def _pick(names: Sequence[str], wanted: Collection[str] | None, label: str) -> list[str]:
    """Return the names to read, in the order of the source."""
    _check_names(names, label)
    if wanted is None:
        return list(names)
    if not wanted:
        raise SegmentError(f"{label}: no columns were asked for")
    if unknown := sorted(set(wanted) - set(names)):
        known = ", ".join(f"`{name}`" for name in names)
        raise SegmentError(
            f"{label}: no column `{unknown[0]}`{nearest(unknown[0], names) or '.'} Its columns are {known}"
        )
    return [name for name in names if name in wanted]


def _tidy(name: str) -> str:
    # Blanks nobody sees, which copying between programs leaves around a header.
    return name.strip(" \t\r\n\xa0\u3000\u200b\ufeff")


# --- csv


def _read_csv(path: Path, wanted: Collection[str] | None, label: str) -> pd.DataFrame:
    data = _utf8(_map(path, label), label)
    names, delimiter, body = _header(data, label, "\t,;" if path.suffix.lower() == ".tsv" else ",;\t")
    keep = _pick(names, wanted, label)
    if not body.size or (body.size < _HEAD_BYTES and not body.to_pybytes().strip(b"\r\n")):
        return pd.DataFrame({name: pd.Series(dtype="str") for name in keep})
    frame: pd.DataFrame = _parse(body, names, keep, delimiter, label).to_pandas()
    return frame


def _map(path: Path, label: str) -> pa.Buffer:
    """Return the file's bytes, read only where they are looked at."""
    try:
        # An empty file cannot be mapped.
        return pa.memory_map(str(path)).read_buffer() if path.stat().st_size else pa.py_buffer(b"")
    except OSError as error:
        raise SegmentError(f"{label}: cannot be read ({error.strerror or type(error).__name__})") from None


def _utf8(data: pa.Buffer, label: str) -> pa.Buffer:
    """Return the same text as UTF-8 without byte order mark."""
    mark = data.slice(0, min(3, data.size)).to_pybytes()
    if mark.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif mark == codecs.BOM_UTF8:
        data, encoding = data.slice(3), "utf-8"
    else:
        encoding = ""
    if encoding != "utf-16" and _is_utf8(data):
        return data

    raw = data.to_pybytes()
    encoding = encoding or ("utf-8" if _was_utf8(raw) else "gb18030")
    try:
        return pa.py_buffer(raw.decode(encoding).encode())
    except UnicodeDecodeError as error:
        row = _row_at(raw[: error.start].decode(encoding, "ignore"))
    said = {
        "utf-8": "UTF-8, which the rest of the file is",
        "utf-16": "UTF-16, which its first bytes promise",
    }
    raise SegmentError(
        f"{label}: row {row} holds bytes that are not {said.get(encoding, 'UTF-8, nor GB18030')}; "
        "save the file again as UTF-8"
    )


def _is_utf8(data: pa.Buffer) -> bool:
    # As an arrow array of one text, the bytes are checked where they are, without a copy.
    ends = pa.py_buffer(np.array([0, data.size], np.int64))
    try:
        pa.Array.from_buffers(pa.large_string(), 1, [None, ends, data]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _was_utf8(raw: bytes) -> bool:
    """
    Tell UTF-8 with a damaged spot from GB18030, for bytes that are not UTF-8.

    GB18030 takes most UTF-8 for other Chinese characters, so one cut character
    would turn every name in the file into somebody else's without an error.
    """
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        around = raw[max(0, error.start - _HEAD_BYTES) : error.start + _HEAD_BYTES].decode(errors="replace")
        read = len(re.findall("[\u3400-\u9fff]", around))
        return 0 < read >= around.count("\ufffd")
    return True


def _row_at(text_before: str) -> int:
    """Return the row that begins or goes on after *text_before*; empty lines are not counted."""
    # A line break within quotes ends no row.
    plain = re.sub(r'"[^"]*("|$)', '""', text_before).lstrip("\r\n")
    return len(re.split(r"[\r\n]+", plain))


def _header(data: pa.Buffer, label: str, delimiters: str) -> tuple[list[str], str, pa.Buffer]:
    """Return the column names, the delimiter that parts them best, and the bytes after their row."""
    head = data.slice(0, min(_HEAD_BYTES, data.size)).to_pybytes().decode("utf-8", "ignore")
    if "\0" in head:
        raise SegmentError(
            f"{label}: is not a text file, or UTF-16 without byte order mark; save it as UTF-8"
        )
    if not head.strip():
        raise SegmentError(f"{label}: is empty; the first row must name the columns")
    best: tuple[bool, int] = (False, 0)
    for delimiter in delimiters:
        # csv counts the lines it took, which tells where the body begins: a quoted name may span two.
        reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter, strict=True)
        with contextlib.suppress(csv.Error):
            cells = next(row for row in reader if row)
            # A quote within a name: a quoted name was cut in the middle by the wrong delimiter.
            score = (not any('"' in cell for cell in cells), len(cells))
            if score > best:
                best, found = score, (cells, delimiter, reader.line_num)
    if not best[1]:
        raise SegmentError(f"{label}: row 1: a quote is opened and not properly closed")
    cells, delimiter, lines = found
    start = len("".join(islice(io.StringIO(head, newline=""), lines)).encode())
    return [_tidy(cell) for cell in cells], delimiter, data.slice(start)


def _parse(body: pa.Buffer, names: list[str], keep: list[str], delimiter: str, label: str) -> pa.Table:
    ragged: list[Any] = []

    def note(row: Any) -> str:
        ragged.append(row)
        return "error"

    # The second time in one piece: takes cells longer than a block, and counts rows, which threads do not.
    for block_bytes, on_ragged in (_BLOCK_BYTES, None), (min(body.size + 1, _MAX_BLOCK_BYTES), note):
        # Errors are raised outside of this handler: arrow's words show the row, phone included.
        with contextlib.suppress(pa.ArrowInvalid):
            table = _arrow_csv(body, names, keep, delimiter, block_bytes, on_ragged)
            _check_quotes(body, table.num_rows, delimiter, label)
            return table
    # An open quote makes later rows ragged; where it opens is the better thing to say.
    _check_quotes(body, 0, delimiter, label)
    if not ragged:
        raise SegmentError(f"{label}: is not a table of text with one delimiter")
    raise SegmentError(
        f"{label}: row {ragged[0].number + 1} has {ragged[0].actual_columns} cells where the first row names "
        f"{len(names)} columns; quote a cell that holds the delimiter or a line break"
    )


def _arrow_csv(
    body: pa.Buffer,
    names: list[str],
    keep: list[str],
    delimiter: str,
    block_bytes: int,
    on_ragged: Callable[[Any], str] | None,
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


def _check_quotes(body: pa.Buffer, rows: int, delimiter: str, label: str) -> None:
    """
    Refuse a quote that is never closed, or closed in the middle of a cell.

    Arrow forgives both, and lets the cell swallow the rows up to the next quote:
    people would be lost without a word. The slow look is taken only where a
    cell can hold a line break at all.
    """
    quotes = _count(body, '"')
    if not quotes or (quotes % 2 == 0 and _count(body, "\n") <= rows):
        return
    lines = io.TextIOWrapper(io.BufferedReader(pa.BufferReader(body)), "utf-8", newline="")
    row = 1
    try:
        for cells in csv.reader(lines, delimiter=delimiter, strict=True):
            row += bool(cells)
    except csv.Error:
        raise SegmentError(
            f"{label}: row {row + 1}: a quote is opened and not properly closed, "
            'so rows cannot be told apart; within quotes, write a quote as ""'
        ) from None


def _count(data: pa.Buffer, what: str) -> int:
    letters = np.frombuffer(data, np.uint8)
    # In slices that stay in the processor's cache.
    slices = (letters[start : start + _HEAD_BYTES] for start in range(0, len(letters), _HEAD_BYTES))
    return sum(int(np.count_nonzero(piece == ord(what))) for piece in slices)


# --- parquet


def _read_parquet(
    path: Path, text_columns: Collection[str], wanted: Collection[str] | None, label: str
) -> pd.DataFrame:
    from pyarrow.parquet import ParquetFile

    try:
        # A single file, not a data set: folder names such as year=2026 must not become columns.
        with ParquetFile(path) as file:
            keep = _pick(file.schema_arrow.names, wanted, label)
            table = file.read(columns=keep)
    except (pa.ArrowException, OSError) as error:
        raise SegmentError(f"{label}: cannot be read as parquet ({type(error).__name__})") from None
    return _to_frame(table, text_columns)


def _to_frame(table: pa.Table, text_columns: Collection[str]) -> pd.DataFrame:
    nullable: dict[str, Any] = {}
    for place, name in enumerate(table.column_names):
        column, kind = table[name], table[name].type
        if name in text_columns:
            table = table.set_column(place, name, _arrow_text(column))
        elif pa.types.is_decimal(kind):
            table = table.set_column(place, name, column.cast(pa.float64()))
        elif column.null_count and pa.types.is_integer(kind) and kind != pa.uint64():
            # As float64, an order number of 17 digits would change.
            nullable[name] = column.cast(pa.int64()).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
        elif column.null_count and pa.types.is_boolean(kind):
            nullable[name] = column.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    # What pandas once noted about an index would hide columns.
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True, date_as_object=False)
    return frame.assign(**nullable) if nullable else frame


def _arrow_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column
    if pa.types.is_integer(kind) or pa.types.is_null(kind):
        return column.cast(pa.large_string())
    if pa.types.is_float64(kind):
        numbers = pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
        whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less(pc.abs(numbers), _EXACT_FLOAT))
        if pc.all(whole, min_count=0).as_py():
            return numbers.cast(pa.int64()).cast(pa.large_string())
    elif pa.types.is_floating(kind):
        # Single precision has lost the last digits of a phone; written out they would be a stranger's.
        return column
    return pa.chunked_array([[_cell_text(cell) for cell in column.to_pylist()]], pa.large_string())


# --- xlsx


def _read_xlsx(
    path: Path, text_columns: Collection[str], wanted: Collection[str] | None, label: str
) -> pd.DataFrame:
    rows = _sheet(path, label)
    if not rows:
        raise SegmentError(f"{label}: its first sheet is empty; the first row must name the columns")
    columns = [(_tidy(_cell_text(head) or ""), cells) for head, *cells in zip_longest(*rows)]
    # Columns that were only ever formatted have neither a name nor a cell.
    columns = [(name, cells) for name, cells in columns if name or any(cell is not None for cell in cells)]
    keep = _pick([name for name, _ in columns], wanted, label)
    return pd.DataFrame(
        {name: _series(cells, name in text_columns) for name, cells in columns if name in keep}
    )


def _sheet(path: Path, label: str) -> list[list[Any]]:
    """Return the rows of the first sheet that hold anything."""
    import openpyxl

    try:
        # openpyxl warns of styles and validations it leaves out; no cell is among them.
        with path.open("rb") as file, warnings.catch_warnings(action="ignore"):
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            sheet = book.worksheets[0]
            # Some programs write a wrong extent, and openpyxl would stop reading there.
            sheet.reset_dimensions()
            rows = (
                [None if isinstance(cell, str) and cell in _XLSX_NOTHING else cell for cell in row]
                for row in sheet.iter_rows(values_only=True)
            )
            return [row for row in rows if any(cell is not None for cell in row)]
    except Exception as error:  # openpyxl raises whatever its zip and XML readers do
        raise SegmentError(
            f"{label}: cannot be read as xlsx ({type(error).__name__}); "
            "is it protected by a password, or another format?"
        ) from None


# --- SQL


def _read_sql(
    source: str,
    query: str,
    text_columns: Collection[str],
    wanted: Collection[str] | None,
    label: str,
    working_folder: Path | None,
) -> pd.DataFrame:
    url = _parse_url(source, label)
    if not label.startswith("env:") and _carries_secret(url):
        raise SegmentError(
            "the segment's URL carries a password; put the URL in an environment variable and say `env:NAME`"
        )
    if not query.strip():
        raise SegmentError(f"{label}: a database needs a query; give `segment_query`, one SELECT")
    database = url.database or ""
    if (
        url.get_backend_name() == "sqlite"
        and database not in ("", ":memory:")
        and not database.startswith("file:")
    ):
        # SQLite would make a missing file; and its path is looked for like any other.
        url = url.set(database=str(_locate(database, working_folder, label)))

    failure, names, rows = _fetch(url, query, label)
    # Raised outside of any handler: the driver's own error, which may quote the URL, is not its context.
    if failure:
        raise SegmentError(failure)
    keep = _pick(names, wanted, label)
    cells = zip(*rows, strict=True) if rows else ([] for _ in names)
    return pd.DataFrame(
        {
            name: _series(list(column), name in text_columns)
            for name, column in zip(names, cells, strict=True)
            if name in keep
        }
    )


def _parse_url(source: str, label: str) -> sa.URL:
    from sqlalchemy import make_url

    try:
        return make_url(source)
    except Exception:  # may quote the URL, so it is left behind with this handler
        pass
    raise SegmentError(f"{label}: is not a URL that SQLAlchemy reads, such as sqlite:///file.db")


def _carries_secret(url: sa.URL) -> bool:
    options = [(name, str(value)) for name, value in url.query.items()]
    return bool(url.password) or any(
        _SECRET_NAME.search(name) or _SECRET_IN_VALUE.search(value) for name, value in options
    )


def _fetch(url: sa.URL, query: str, label: str) -> tuple[str, list[str], Sequence[Sequence[Any]]]:
    """Return what went wrong or "", the names of the columns, and the rows."""
    import sqlalchemy as sa

    connected = False
    try:
        engine = sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True)
        with engine.connect() as connection:
            connected = True
            if promise := _READ_ONLY.get(url.get_backend_name()):
                connection.exec_driver_sql(promise)
            # No placeholders, not even the driver's: `LIKE 'a%'` and `:x` reach the database as they are.
            result = connection.execution_options(no_parameters=True).exec_driver_sql(query)
            if not result.returns_rows:
                return f"{label}: the query returns no table; write one SELECT", [], []
            return "", list(result.keys()), result.all()
    except sa.exc.NoSuchModuleError:
        return f"{label}: SQLAlchemy knows no database `{url.drivername}`; files are {_KINDS}", [], []
    except ModuleNotFoundError as error:
        return f"{label}: the driver `{error.name}` is not installed", [], []
    except Exception as error:  # drivers raise their own kinds
        if connected:
            return f"{label}: the query failed: {_scrubbed(error, url)}", [], []
        # Before there is a connection, all a driver can quote is the URL.
        kind = type(getattr(error, "orig", None) or error).__name__
        return f"{label}: cannot be connected to ({kind}); check address, user and password", [], []


def _scrubbed(error: Exception, url: sa.URL) -> str:
    """Return the first line of the driver's own words, without secrets and without long numbers."""
    # SQLAlchemy's words would add the whole statement; ODBC's may quote a password within an option.
    own = None if "odbc_connect" in url.query else getattr(error, "orig", None)
    text = next(iter(str(own or "").splitlines()), type(error).__name__)
    secrets = [url.render_as_string(hide_password=False), str(url.password or "")]
    for secret in secrets + [str(value) for name, value in url.query.items() if _SECRET_NAME.search(name)]:
        text = text.replace(secret, "***") if secret else text
    return re.sub(r"\d{7,}", "***", text)


# --- cells as Python has them


def _series(cells: list[Any], as_text: bool) -> pd.Series[Any]:
    """Return one column of the one kind its cells are of, or of text."""
    kinds = {type(cell) for cell in cells if cell is not None}
    has_missing = any(cell is None for cell in cells)
    if as_text or not kinds or kinds == {str}:
        return _text_series(cells)
    if kinds == {bool}:
        return pd.Series(cells, dtype="boolean" if has_missing else "bool")
    if kinds == {int}:
        try:
            return pd.Series(cells, dtype="Int64" if has_missing else "int64")
        except OverflowError:
            return _text_series(cells)  # longer than 64 bits: an id
    if kinds <= {int, float, Decimal}:
        return pd.Series([math.nan if cell is None else float(cell) for cell in cells], dtype="float64")
    if kinds <= {date, datetime}:
        zoned = any(isinstance(cell, datetime) and cell.tzinfo for cell in cells)
        return pd.Series(pd.to_datetime(pd.Series(cells, dtype="object"), utc=zoned))
    return _text_series(cells)


def _text_series(cells: list[Any]) -> pd.Series[Any]:
    return pd.Series([_cell_text(cell) for cell in cells], dtype="str")


def _cell_text(cell: object) -> str | None:
    """Return a cell as a person would write it; None stays None."""
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
        case bytes():
            return cell.decode(errors="replace")
    return str(cell)
