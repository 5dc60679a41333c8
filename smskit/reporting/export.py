"""Writing messages and opt-outs to files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, Literal

from smskit.audience.phones import to_e164
from smskit.errors import InputError
from smskit.i18n import Message
from smskit.ledger import CampaignRow, Ledger
from smskit.message.opt_out import OptOutRule
from smskit.reporting import report


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
            raise InputError(Message("parquet needs a file: add --output messages.parquet"))
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


# -- opt-outs -----------------------------------------------------------------------------


def write_opt_outs(ledger: Ledger, rule: OptOutRule, output: Path, *, reveal: bool) -> int:
    """
    Write every opt-out as a provider writes numbers; returns how many.

    No provider publishes a form of its own for such a list, so it is what their
    consoles and support desks take: one number a line, ``.csv`` under the heading
    ``phone``, ``.txt`` without one. Only the owner may read the file.

    Args:
        rule: Of the provider; says how it writes a mainland number.
        reveal: The file holds full numbers, so this must be said.

    Raises:
        InputError: it was not said, or the file is neither csv nor txt.
    """
    if not reveal:
        raise InputError(
            Message(
                "such a file holds full phone numbers, outside the database: say --reveal, and delete "
                "it when the provider has it"
            )
        )
    if output.suffix.lower() not in (".csv", ".txt"):
        raise InputError(Message("the file must end in .csv or .txt"))
    numbers = [to_e164(phone) for phone in ledger.opt_outs.phones().tolist()]
    if rule.numbers == "national":
        numbers = [number.removeprefix("+86") for number in numbers]
    heading = ["phone"] if output.suffix.lower() == ".csv" else []
    output.touch(mode=0o600)
    output.chmod(0o600)
    output.write_text("".join(f"{line}\n" for line in [*heading, *numbers]), encoding="utf-8")
    return len(numbers)
