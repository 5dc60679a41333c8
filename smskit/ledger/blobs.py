"""
Columns of people as bytes, as Arrow and Parquet; numbers are stored as they lie in memory.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa


def to_arrow(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def from_arrow(blob: bytes) -> pa.RecordBatch:
    return pa.ipc.open_stream(blob).read_next_batch()


def to_parquet(people: pa.Table) -> bytes:
    """
    People who are rarely looked at, in half the room `to_arrow` takes.

    Phones lie byte by byte and ids as what differs from the one before; other columns have few values.
    """
    import pyarrow.parquet as pq  # not needed to send

    sink = pa.BufferOutputStream()
    encodings = {"phone": "BYTE_STREAM_SPLIT", "person": "DELTA_BYTE_ARRAY"}
    repeated = [name for name in people.column_names if name not in encodings]
    pq.write_table(people, sink, compression="zstd", use_dictionary=repeated, column_encoding=encodings)
    return bytes(sink.getvalue())


def from_parquet(blob: bytes, columns: Sequence[str] | None = None) -> pa.Table:
    """Those columns of what `to_parquet` made; None = all."""
    import pyarrow.parquet as pq

    # Chunks are small: threads would cost more than they save.
    return pq.ParquetFile(pa.BufferReader(blob)).read(columns, use_threads=False)
