"""
A parquet file as a frame: types as stored, as far as pandas can keep what they mean.

Phones and ids, in whatever type they were stored, become exact digits; whole
numbers stay whole where others are missing. Only the columns asked for are read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from smskit.audience.segment.cells import EXACT_FLOAT, id_of
from smskit.audience.segment.names import Wanted, pick
from smskit.errors import SegmentError

_MAX_BYTES: Final = 4 << 30
_MAX_CELLS: Final = 500_000_000
_WRITES_UTC: Final = "parquet-mr"  # the library of Spark and Hive
_EXACT_DIGITS: Final = 15  # of a float
_EXACT_POWER: Final = 22  # of ten, which a float holds
_LEAST_ROWS, _MOST_ROWS = 1 << 6, 1 << 14  # of a piece that is read at once


def read_parquet(path: Path, wanted: Wanted, text_columns: Collection[str]) -> pd.DataFrame:
    """Return the file's rows; *text_columns* that do not occur are ignored."""
    from pyarrow.parquet import ParquetFile

    try:
        # A single file, not a data set: folder names such as year=2026 must not become columns.
        with ParquetFile(path) as file:
            table = read_columns(file, pick(file.schema_arrow.names, wanted))
        table.validate(full=True)  # texts that are none
        return frame_of_table(table, text_columns)
    except SegmentError:
        raise
    except Exception as error:  # arrow raises its own, and Python's for names, times and types
        kind = type(error).__name__
        raise SegmentError("cannot be read as parquet ({kind})", kind=kind) from None


def read_columns(file: Any, keep: Sequence[str], first: int = 0, rows: int | None = None) -> pa.Table:
    """
    Return the columns *keep* of an open file, piece by piece: a long text, stored once, may be in many rows.

    Args:
        first: The first row to read.
        rows: How many; None = all from there on. Groups of rows that none of them is in are not read.

    Raises:
        SegmentError: it would be more than is read.
    """
    last = file.metadata.num_rows if rows is None else first + rows
    schema = schema_of(file)
    groups, begins = _groups(file, first, last)
    sizes = _stated(file, set(keep), groups)
    _demand(sum(map(sum, sizes.values())), (last - first) * len(keep))
    total, columns = 0, []
    for name in keep:
        pieces, at = [], begins
        size = min(max(_MAX_BYTES // max([1, *sizes[name]]), _LEAST_ROWS), _MOST_ROWS)
        for batch in file.iter_batches(size, row_groups=groups, columns=[name]):
            piece = batch.column(batch.schema.get_field_index(name))
            at += len(piece)
            begun = max(0, first - at + len(piece))
            piece = piece[begun : len(piece) - max(0, at - last)] if begun < len(piece) else piece[:0]
            if len(piece):
                pieces.append(piece)
                total += _bytes_of(piece)
                _demand(total, 0)
            if at >= last:
                break
        column = pa.chunked_array(pieces, file.schema_arrow.field(name).type)
        columns.append(column.cast(schema.field(name).type))
    return pa.table(columns, names=list(keep))


def schema_of(file: Any) -> pa.Schema:
    """
    The columns of an open file and their types.

    Spark and Hive write times as INT96 in UTC and do not say so: taken as they stand, messages would say
    another hour, and often another day. Other programs that still do write what the clock showed.
    """
    schema: pa.Schema = file.schema_arrow.remove_metadata()
    if not str(file.metadata.created_by).startswith(_WRITES_UTC):
        return schema
    parts = (file.schema.column(n) for n in range(len(file.schema)))
    for name in [part.path for part in parts if part.physical_type == "INT96"]:
        if (place := schema.get_field_index(name)) >= 0:
            schema = schema.set(place, pa.field(name, pa.timestamp("ns", "UTC")))
    return schema


def _groups(file: Any, first: int, last: int) -> tuple[list[int], int]:
    """Numbers of the groups that hold rows from *first* to before *last*, and the first row in them."""
    found: list[int] = []
    begins = at = 0
    for n in range(file.metadata.num_row_groups):
        end = at + file.metadata.row_group(n).num_rows
        if at < last and end > first:
            begins = begins if found else at
            found.append(n)
        at = end
    return found, begins


def _stated(file: Any, wanted: Collection[str], numbers: Iterable[int]) -> dict[str, list[int]]:
    """Of each column of *wanted*, how many bytes each of its chunks says that it unpacks to."""
    found: dict[str, list[int]] = {name: [] for name in wanted}
    groups = [file.metadata.row_group(n) for n in numbers]
    for n in range(len(file.schema)):
        # A column of several parts has their names after its own; names may hold dots, too.
        steps = file.schema.column(n).path.split(".")
        for name in filter(found.__contains__, (".".join(steps[:m]) for m in range(1, len(steps) + 1))):
            found[name] += [group.column(n).total_uncompressed_size for group in groups]
    return found


def _bytes_of(piece: pa.Array) -> int:
    """How many bytes a piece of a column takes, each text of a dictionary written out."""
    if not pa.types.is_dictionary(piece.type):
        return int(piece.nbytes)
    if not _is_text(piece.type.value_type):
        return int(piece.indices.nbytes)
    lengths = pc.take(pc.binary_length(piece.dictionary), piece.indices)
    return pc.sum(lengths.cast(pa.int64())).as_py() or 0


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _demand(size: int, cells: int) -> None:
    if size > _MAX_BYTES or cells > _MAX_CELLS:
        raise SegmentError(
            "would unpack to {n:,} MB and {cells:,} cells, which is more than is read; keep fewer "
            "columns or rows",
            n=size >> 20,
            cells=cells,
        )


def frame_of_table(table: pa.Table, text_columns: Collection[str]) -> pd.DataFrame:
    """Return a table as it was stored, *text_columns* as text; names that do not occur are ignored."""
    nullable: dict[str, Any] = {}
    for place, name in enumerate(table.column_names):
        column = table[name]
        kind = column.type
        if name in text_columns:
            table = table.set_column(place, name, _text(column))
        elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            table = table.set_column(place, name, _decoded(column))  # text, of programs that do not say so
        elif pa.types.is_decimal(kind):
            nullable[name] = _numbers(column)
            table = table.set_column(place, name, pa.nulls(len(column)))
        elif column.null_count and pa.types.is_integer(kind):
            # As float64, an order number of 17 digits would change.
            whole = pa.uint64() if kind == pa.uint64() else pa.int64()
            types = {pa.int64(): pd.Int64Dtype(), pa.uint64(): pd.UInt64Dtype()}
            nullable[name] = column.cast(whole).to_pandas(types_mapper=types.get)
        elif column.null_count and pa.types.is_boolean(kind):
            nullable[name] = column.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    # What pandas once noted about an index would hide columns.
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True, date_as_object=False)
    for name, column in nullable.items():
        frame[name] = column
    return frame


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return column.cast(pa.large_string())
    except pa.ArrowInvalid:
        cells = (cell if cell is None else cell.decode(errors="replace") for cell in column.to_pylist())
        return pa.chunked_array([pa.array(cells, pa.large_string())])


def _numbers(column: pa.ChunkedArray) -> pd.Series[Any]:
    """Decimals as floats where these have as many digits, else as long decimals."""
    whole = column.combine_chunks()
    whole = whole.combine_chunks() if isinstance(whole, pa.ChunkedArray) else whole
    plain = whole.cast(pa.decimal256(76, column.type.scale))
    for scale in range(column.type.scale):
        with suppress(pa.ArrowInvalid):  # digits would be lost
            plain = plain.cast(pa.decimal256(76, scale))
            break
    places = plain.type.scale
    most = pc.max(pc.abs(plain)).as_py()
    if most is not None and most.scaleb(places) >= 10**_EXACT_DIGITS:
        return pd.Series(plain, dtype=pd.ArrowDtype(plain.type))
    if places > _EXACT_POWER:
        return pd.Series(plain.cast(pa.large_string()).cast(pa.float64()).to_numpy(zero_copy_only=False))
    # Arrow's own way makes 20.900000000000002 of 20.9; the quotient of two exact floats is the nearest one.
    units = np.frombuffer(plain.cast(pa.decimal128(38, places)).buffers()[1], np.int64)[: 2 * len(plain) : 2]
    return pd.Series(np.where(np.asarray(plain.is_valid()), units / 10.0**places, np.nan))


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as people write it: whole numbers without ``.0``."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if _is_text(kind):
        return column
    if pa.types.is_integer(kind) or pa.types.is_null(kind):
        return column.cast(pa.large_string())
    if pa.types.is_float64(kind):
        numbers = pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
        whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less(pc.abs(numbers), EXACT_FLOAT))
        if pc.all(whole, min_count=0).as_py():
            return numbers.cast(pa.int64()).cast(pa.large_string())
    elif pa.types.is_floating(kind):
        # Single precision has lost the last digits of a phone; written out they would be a stranger's.
        return column
    return pa.chunked_array([[id_of(cell) for cell in column.to_pylist()]], pa.large_string())
