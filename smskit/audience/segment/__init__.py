"""
Reading a segment: a file, a database query or a notebook's frame, as one pandas frame.

Every row of the source is a row of the frame, in the same order, or the
source is refused: nothing is skipped, cut short or turned into another value.
Owns which reader a source gets; the reader's errors get the source's name here.
What a phone is (`phones`), which rows to keep (`rules`) and who may be
messaged (`policy`) are for others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from smskit.audience.segment import delimited, sheet_rows
from smskit.audience.segment.cells import frame_of_rows
from smskit.audience.segment.database import ROLE, Batches, T, read_database
from smskit.audience.segment.delimited import read_delimited
from smskit.audience.segment.excel import read_excel, sheets_of
from smskit.audience.segment.files import Files, files_at
from smskit.audience.segment.kinds import kind_of
from smskit.audience.segment.location import (
    Around,
    digest_of,
    from_environ,
    is_elsewhere,
    is_folder,
    is_pattern,
    is_store,
    is_url,
    locate,
    without_scheme,
)
from smskit.audience.segment.names import Alike, Wanted, check_names, spelt
from smskit.audience.segment.parquet import read_parquet
from smskit.audience.segment.spool import Spool
from smskit.errors import SegmentError
from smskit.i18n import Message, as_message, mark
from smskit.workspace import Workspace

__all__ = [
    "IN_MEMORY",
    "SAMPLED",
    "Files",
    "digest",
    "find",
    "first_rows",
    "from_frame",
    "load",
    "load_or_divide",
    "notices",
    "parquet_files",
    "sheets",
]

_NOTICES = "notices"  # in a frame's attrs
SAMPLED = mark(
    "the segment has {m:,} rows; here {n:,} of them are looked at, whole parts from all over it, and figures "
    "are of these alone"
)
FIRST_ROWS = mark(
    "the query has more than {n:,} rows; here its first {n:,} are looked at, and figures are of these alone"
)
IN_MEMORY = "frame-in-memory"  # what parameter `segment` says of a frame that no file holds


def load(
    source: str,
    *,
    query: str = "",
    sheet: str = "",
    heading_row: int = 0,
    text_columns: Collection[str] = ("phone", "user_id"),
    columns: Wanted = None,
    environ: Mapping[str, str] = os.environ,
    working_folder: Path | None = None,
    parameter_file: Path | None = None,
    most: int | None = None,
) -> pd.DataFrame:
    """
    Return the segment that *source* names, one row per row of it, in its order.

    csv, tsv and txt (UTF-8, UTF-16 with byte order mark, GB18030; ``,`` ``;`` or
    tab): every column is text as written, an empty cell is missing, ``NA`` and
    ``null`` are words. xlsx: the visible rows of one visible sheet; a column of mixed kinds is text.
    parquet, SQL: types as stored, but a column of whole numbers and missing ones stays
    whole (``Int64``), dates are ``datetime64`` and decimals are floats. Empty
    lines of a csv and empty rows of a sheet are no rows. A segment without rows
    is legal.

    Args:
        source: A path, looked for as `find` does; a folder of parquet files, a pattern of their names, or
            the same in an object store (``s3://…``, as fsspec has it); a SQLAlchemy URL without a
            password; or ``env:NAME``, a variable holding a path or any URL.
        query: One SELECT, for a database, which sees to it that it is one and cannot write: SQLite and
            PostgreSQL. Any other is refused unless ``SMSKIT_SEGMENT_ROLE=read-only`` says that its role may
            read only.
        sheet: The name of a workbook's sheet; "" = the one visible sheet that has the columns.
        heading_row: Of a workbook or text file, the number of the row that names the columns, as a
            spreadsheet has it; 0 = the first that is not empty, or, below titles, the first of several words.
        text_columns: Read as text, so that 13800000000 and 13800000000.0 are
            both ``13800000000``; names that do not occur are ignored.
        columns: Read no others; None reads all, a function chooses them from the names
            of all. The order is the source's, the spelling what is asked for, see
            `names.matched`.
        working_folder: Where relative paths start; None is the process's own.
        parameter_file: The one that names the source, beside which relative paths are looked for first.
        most: Of parquet with more rows, read a sample of some that many, whole parts of it, and say so; of a
            query the first ones.

    Returns:
        The frame; `notices` says what there is to know of how it was read.

    Raises:
        SegmentError: Not found, not readable, a row with too many or too few
            cells, a column without a name or named twice, an unknown column, a
            failing query. Never holds a password or what a cell says.
    """
    around = Around(parameter_file, working_folder)
    said: list[Message] = []
    with _place_of(source, query, environ) as place:
        texts = Alike(filter(None, text_columns))
        if is_url(place) and not is_store(place):
            _refuse_rows(sheet, heading_row)

            def take(names: list[str], batches: Batches) -> pd.DataFrame:
                rows = _first(batches, most, said)
                return frame_of_rows(names, rows, columns, texts)

            frame = _asked(source, place, query, around, environ, take)
        elif query:
            raise SegmentError("a query needs a database; this is a file, filter it with rules")
        else:
            frame = _read_file(
                place, around, columns, texts, sheet=sheet, heading_row=heading_row, most=most, said=said
            )
    frame = frame.rename(columns=spelt(list(frame.columns), columns))
    frame.attrs[_NOTICES] = said
    return frame


def load_or_divide(
    source: str,
    *,
    most: int,
    query: str = "",
    sheet: str = "",
    heading_row: int = 0,
    text_columns: Collection[str] = ("phone", "user_id"),
    columns: Wanted = None,
    environ: Mapping[str, str] = os.environ,
    parameter_file: Path | None = None,
) -> pd.DataFrame | Files:
    """
    Return what `load` does, or files that can be read in parts, where there are more rows than *most*.

    The rows of a query are put into such files as they come; these go with the last who holds the answer, at
    the latest with this process. Of fewer rows nothing is written. What is neither parquet nor a query is
    loaded.

    Raises:
        SegmentError: as `load` has it.
        SmskitError: there is no room for such files.
    """
    around = Around(parameter_file, None)
    with _place_of(source, query, environ) as place:
        texts = Alike(filter(None, text_columns))
        if is_url(place) and not is_store(place):
            _refuse_rows(sheet, heading_row)
            spool = _asked(source, place, query, around, environ, partial(Spool, most=most))
            if spool.rows > most:
                return spool.files(texts)
            frame = spool.frame(columns, texts)
            return frame.rename(columns=spelt(list(frame.columns), columns))
        found = None if query else _files(place, around)
        if found is not None and found.rows > most:
            return found
    return load(
        source,
        query=query,
        sheet=sheet,
        heading_row=heading_row,
        text_columns=text_columns,
        columns=columns,
        environ=environ,
        parameter_file=parameter_file,
    )


def _asked(
    source: str,
    place: str,
    query: str,
    around: Around,
    environ: Mapping[str, str],
    take: Callable[[list[str], Batches], T],
) -> T:
    secret = source.startswith("env:")
    return read_database(place, query, around, take, may_carry_secret=secret, role=environ.get(ROLE, ""))


def _first(batches: Batches, most: int | None, said: list[Message]) -> list[Sequence[Any]]:
    """All rows, or the first ones where there are more than *most*, which is said."""
    rows: list[Sequence[Any]] = []
    for batch in batches:
        rows += batch
        if most is not None and len(rows) > most:
            said.append(Message(FIRST_ROWS, n=most))
            return rows[:most]
    return rows


def parquet_files(
    source: str,
    *,
    query: str = "",
    environ: Mapping[str, str] = os.environ,
    working_folder: Path | None = None,
    parameter_file: Path | None = None,
) -> Files | None:
    """
    Return the parquet files that *source* is, one or several; None of another kind of segment.

    Raises:
        SegmentError: as `load` has it.
    """
    with _place_of(source, query, environ) as place:
        if query or (is_url(place) and not is_store(place)):
            return None
        return _files(place, Around(parameter_file, working_folder))


def digest(
    source: str,
    *,
    query: str = "",
    environ: Mapping[str, str] = os.environ,
    parameter_file: Path | None = None,
) -> str:
    """Return a short digest of the files that *source* is; "" of a query or a store, or where none is."""
    around = Around(parameter_file)
    try:
        with _place_of(source, query, environ) as place:
            if query or is_url(place):
                return ""
            found = _files(place, around)
            return digest_of(map(Path, found.paths) if found else [locate(place, around)])
    except (SegmentError, OSError):
        return ""


def _files(place: str, around: Around) -> Files | None:
    if is_store(place):
        return files_at(place, around)
    try:
        path = locate(place, around)
    except SegmentError:
        if place and (is_pattern(place) or is_folder(place, around)):
            return files_at(place, around)
        raise
    return Files("", (str(path),)) if kind_of(path) == "parquet" else None


def _read_file(
    place: str,
    around: Around,
    columns: Wanted,
    texts: Collection[str],
    *,
    sheet: str,
    heading_row: int,
    most: int | None,
    said: list[Message],
) -> pd.DataFrame:
    found = _files(place, around)
    if found is not None and (len(found) > 1 or found.store or (most and found.rows > most)):
        _refuse_rows(sheet, heading_row)
        return _read_files(found, columns, texts, most, said)
    path = Path(found.paths[0]) if found else locate(place, around)
    kind = kind_of(path)
    if kind == "xlsx":
        return read_excel(path, columns, texts, sheet=sheet, heading_row=heading_row, notices=said)
    if kind == "parquet":
        _refuse_rows(sheet, heading_row)
        return read_parquet(path, columns, texts)
    _refuse_rows(sheet)
    return read_delimited(path, columns, heading_row=heading_row, notices=said)


def _read_files(
    files: Files, columns: Wanted, texts: Collection[str], most: int | None, said: list[Message]
) -> pd.DataFrame:
    if most is None or files.rows <= most:
        return files.read_all(columns, texts)
    frame = files.read(files.sample(most), columns, texts)
    said.append(Message(SAMPLED, n=len(frame), m=files.rows))
    return frame


@contextmanager
def _place_of(source: str, query: str, environ: Mapping[str, str]) -> Iterator[str]:
    """Where *source* is; what is wrong within gets its name, and none that may be a secret."""
    # The variable may hold a secret, even one put there by mistake: errors give only its name.
    is_variable = source.startswith("env:")
    if is_variable or query or is_url(source):
        Workspace.here().demand_query()
    what = Message("the segment's files") if is_store(source) else Message("the segment's database")
    with _named(what if is_url(source) else source):
        place = from_environ(source.removeprefix("env:"), environ) if is_variable else source
        place = without_scheme(place)
        if is_elsewhere(place):
            raise SegmentError(
                "is the address of a file on another machine; download the file and give its path"
            )
        yield place


def notices(frame: pd.DataFrame) -> list[Message]:
    """Return what there is to know of how *frame* was read, such as hidden rows that were left out."""
    return [as_message(text) for text in frame.attrs.get(_NOTICES, ())]


def sheets(source: str, *, working_folder: Path | None = None) -> list[str]:
    """
    Return the names of a workbook's visible sheets that hold anything; none of another source.

    Raises:
        SegmentError: There is no such file, or it cannot be read.
    """
    if source.startswith("env:") or is_url(source):
        return []
    with _named(source):
        path = locate(source, Around(None, working_folder))
        return sheets_of(path) if kind_of(path) == "xlsx" else []


def first_rows(
    source: str, *, sheet: str = "", n: int = 10, working_folder: Path | None = None
) -> list[tuple[int, list[str]]]:
    """
    Return the first *n* rows of a workbook or text file that hold anything: number, and texts of its cells.

    They may hold full phones. None of another source, or where several sheets could be meant.

    Raises:
        SegmentError: There is no such file, or it cannot be read.
    """
    if source.startswith("env:") or is_url(source) or is_pattern(source):
        return []
    with _named(source):
        path = locate(source, Around(None, working_folder))
        match kind_of(path):
            case "parquet":
                return []
            case "xlsx":
                return sheet_rows.first_rows(path, n, sheet)
            case _:
                return delimited.first_rows(path, n)


def _refuse_rows(sheet: str, heading_row: int = 0) -> None:
    if sheet:
        raise SegmentError("parameter `sheet` names a sheet of a workbook, which this is not")
    if heading_row:
        raise SegmentError(
            "parameter `heading_row` says which row of a workbook or text file names the columns; this is "
            "neither"
        )


def find(path: str, working_folder: Path | None = None, *, parameter_file: Path | None = None) -> Path:
    """
    Return the file that *path* means, wherever in the project the notebook runs.

    A relative path is looked for beside the parameter file, in the working folder, then in every folder
    above these up to the project's root: the first with a ``pyproject.toml``,
    ``.git`` or ``environment.yml``. Without such a root nothing above them
    counts, so that a file of the same name elsewhere is never picked up.

    Raises:
        SegmentError: There is no such file, or two may be meant; lists where it was looked for.
    """
    with _named(path):
        return locate(path, Around(parameter_file, working_folder))


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
        kind = type(frame).__name__
        raise SegmentError("a segment is a pandas DataFrame, not {kind}", kind=kind)
    named = [name for name in frame.index.names if name is not None and name not in frame.columns]
    segment = (frame.reset_index(level=named) if named else frame).reset_index(drop=True)
    if odd := [name for name in segment.columns if not isinstance(name, str)]:
        kind = type(odd[0]).__name__
        raise SegmentError(
            "column names must be text; {column} is {kind}, rename it", column=repr(odd[0]), kind=kind
        )
    with _named(Message("the frame")):
        check_names(list(segment.columns))
    return segment


@contextmanager
def _named(label: str) -> Iterator[None]:
    """Put *label*, if there is one, before the words of a `SegmentError`."""
    try:
        yield
    except SegmentError as error:
        why = error.message
        raise SegmentError(Message("{file}: {why}", file=label, why=why) if label else why) from None
