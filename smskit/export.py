"""Writing the messages of a campaign to a file or to standard output, chunk by chunk."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, Literal

from smskit import report
from smskit.errors import InputError
from smskit.ledger import CampaignRow, Ledger


def write_messages(
    ledger: Ledger,
    row: CampaignRow,
    kind: Literal["csv", "jsonl", "parquet"] | str,
    output: Path | None,
    *,
    reveal: bool,
) -> None:
    """
    Write one row per person.

    Args:
        kind: csv (utf-8 with a mark when it goes to a file, so that Excel reads it), jsonl or parquet.
        output: None = standard output, for text formats.

    Raises:
        InputError: parquet without a file.
    """
    if kind == "parquet":
        if output is None:
            raise InputError("parquet needs a file: add --output messages.parquet")
        _write_parquet(ledger, row, output, reveal=reveal)
    elif output is None:
        _write_text(ledger, row, kind, sys.stdout, reveal=reveal)
    else:
        with output.open("w", encoding="utf-8-sig" if kind == "csv" else "utf-8", newline="") as file:
            _write_text(ledger, row, kind, file, reveal=reveal)


def _write_text(ledger: Ledger, row: CampaignRow, kind: str, file: IO[str], *, reveal: bool) -> None:
    header = True
    for frame in report.messages(ledger, row, reveal=reveal):
        if kind == "csv":
            frame.to_csv(file, index=False, header=header, lineterminator="\n")
        else:
            frame.to_json(file, orient="records", lines=True, force_ascii=False, date_format="iso")
        header = False
    if header and kind == "csv":
        file.write(",".join(report.COLUMNS) + "\n")


def _write_parquet(ledger: Ledger, row: CampaignRow, output: Path, *, reveal: bool) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text, time = pa.string(), pa.timestamp("ms", "UTC")
    kinds = {"parts": pa.int16(), "submitted_at": time, "receipt_at": time}
    schema = pa.schema([(name, kinds.get(name, text)) for name in report.COLUMNS])
    with pq.ParquetWriter(output, schema) as writer:
        for frame in report.messages(ledger, row, reveal=reveal):
            writer.write_table(pa.Table.from_pandas(frame, schema=schema, preserve_index=False))
