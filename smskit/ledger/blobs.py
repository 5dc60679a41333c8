"""
Columns of people as bytes: numbers as they lie in memory, the rest as Arrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from numpy.typing import NDArray


def to_arrow(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def from_arrow(blob: bytes) -> pa.RecordBatch:
    return pa.ipc.open_stream(blob).read_next_batch()


def read_blob(conn: sa.Connection, column: sa.Column[Any], key: Mapping[str, int]) -> bytes:
    where = [column.table.c[name] == value for name, value in key.items()]
    return bytes(conn.execute(sa.select(column).where(*where)).scalar_one())


def phones_of(blob: bytes) -> NDArray[np.int64]:
    return np.frombuffer(blob, np.int64)
