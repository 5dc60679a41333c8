"""
A parquet file as a frame: types as stored, as far as pandas can keep what they mean.

Phones and ids, in whatever type they were stored, become exact digits; whole
numbers stay whole where others are missing. Only the columns asked for are read.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from smskit.audience.segment.cells import EXACT_FLOAT, id_of
from smskit.audience.segment.names import Wanted, pick
from smskit.errors import SegmentError
from smskit.i18n import Message


def read_parquet(path: Path, wanted: Wanted, text_columns: Collection[str]) -> pd.DataFrame:
    """Return the file's rows; *text_columns* that do not occur are ignored."""
    from pyarrow.parquet import ParquetFile

    try:
        # A single file, not a data set: folder names such as year=2026 must not become columns.
        with ParquetFile(path) as file:
            table = file.read(columns=pick(file.schema_arrow.names, wanted))
    except (pa.ArrowException, OSError) as error:
        kind = type(error).__name__
        raise SegmentError(Message("cannot be read as parquet ({kind})", kind=kind)) from None
    return _to_frame(table, text_columns)


def _to_frame(table: pa.Table, text_columns: Collection[str]) -> pd.DataFrame:
    nullable: dict[str, Any] = {}
    for place, name in enumerate(table.column_names):
        column = table[name]
        kind = column.type
        if name in text_columns:
            table = table.set_column(place, name, _text(column))
        elif pa.types.is_decimal(kind):
            table = table.set_column(place, name, column.cast(pa.float64()))
        elif column.null_count and pa.types.is_integer(kind) and kind != pa.uint64():
            # As float64, an order number of 17 digits would change.
            nullable[name] = column.cast(pa.int64()).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
        elif column.null_count and pa.types.is_boolean(kind):
            nullable[name] = column.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    # What pandas once noted about an index would hide columns.
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True, date_as_object=False)
    for name, column in nullable.items():
        frame[name] = column
    return frame


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as people write it: whole numbers without ``.0``."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
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
