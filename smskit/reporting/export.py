"""Writing messages and opt-outs to files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, Literal

import pandas as pd

from smskit.audience.phones import to_e164
from smskit.errors import InputError
from smskit.files import private_file, private_text, write_private
from smskit.i18n import Message, shows_any_letter
from smskit.ledger import Action, CampaignRow, Ledger
from smskit.message.opt_out import OptOutRule
from smskit.reporting import report


def write_messages(
    ledger: Ledger,
    row: CampaignRow,
    kind: Literal["csv", "jsonl", "parquet"] | str,
    output: Path | None,
    *,
    reveal: bool,
    raw: bool = False,
) -> None:
    """
    Write one row per person; a file is readable by its owner alone.

    Args:
        kind: csv (to a file: utf-8 with a mark, so that Excel reads it, and an apostrophe before what Excel
            would take for a formula), jsonl or parquet. Texts have their times on the campaign's clock, with
            the offset; parquet has them in UTC.
        output: None = standard output, for text formats.
        raw: The cells of a csv file as they are.

    Raises:
        InputError: parquet without a file, or a file that cannot be written.
    """
    if kind == "parquet":
        if output is None:
            raise InputError(Message("parquet needs a file: add --output messages.parquet"))
        if reveal:
            _note(ledger, row, output, kind)
        _write_parquet(ledger, row, output, reveal=reveal)
        return
    if reveal:
        _note(ledger, row, output, kind)
    frames = (on_clock(frame, row) for frame in report.messages(ledger, row, reveal=reveal))
    if output is None:
        _write_text(frames, kind, sys.stdout)
    elif kind == "csv":
        with private_text(output, "utf-8-sig") as file:
            _write_text(frames if raw else map(without_formulas, frames), kind, file)
    else:
        with private_text(output) as file:
            _write_text(frames, kind, file)


def _note(ledger: Ledger, row: CampaignRow, output: Path | None, kind: str) -> None:
    if output is None:
        report.note_reveal(ledger, row, "messages")
        return
    about = {"campaign": row.name, "mode": row.mode, "plan_hash": row.plan_hash, "file": output.name}
    ledger.audit.note(Action.EXPORT, what="messages", format=kind, **about)


def on_clock(frame: pd.DataFrame, row: CampaignRow) -> pd.DataFrame:
    """The frame with its times on the campaign's clock, as ISO text with the offset; whole seconds."""
    told = frame.copy()
    for name in frame.select_dtypes("datetimetz"):
        text = frame[name].dt.tz_convert(row.zone).dt.strftime("%Y-%m-%dT%H:%M:%S%z")
        told[name] = text.str.replace(r"(\d\d)$", r":\1", regex=True)
    return told


_FORMULA: Final = r"^[=+\-@\t\r]"


def without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """
    The frame with an apostrophe before each text a spreadsheet would take for a formula.

    Phones are ours, and programs read ``+86…``: they stay as they are.
    """
    safe = frame.copy()
    for name in safe.select_dtypes(["object", "str"]).columns.drop("phone"):
        safe[name] = safe[name].astype("str").str.replace(_FORMULA, r"'\g<0>", regex=True)
    return safe


def _write_text(frames: Iterator[pd.DataFrame], kind: str, file: IO[str]) -> None:
    header = True
    escaped = not shows_any_letter(file)
    for frame in frames:
        if kind == "csv":
            frame.to_csv(file, index=False, header=header, lineterminator="\n")
        else:
            frame.to_json(file, orient="records", lines=True, force_ascii=escaped, date_format="iso")
        header = False
    if header and kind == "csv":
        file.write(",".join(report.COLUMNS) + "\n")


def _write_parquet(ledger: Ledger, row: CampaignRow, output: Path, *, reveal: bool) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text, time = pa.string(), pa.timestamp("ms", "UTC")
    kinds = {"parts": pa.int16(), "submitted_at": time, "receipt_at": time}
    schema = pa.schema([(name, kinds.get(name, text)) for name in report.COLUMNS])
    with private_file(output) as file, pq.ParquetWriter(file, schema) as writer:
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
        InputError: it was not said, or the file is neither csv nor txt, or cannot be written.
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
    ledger.audit.note(Action.EXPORT, what="opt-outs", file=output.name)
    numbers = [to_e164(phone) for phone in ledger.opt_outs.phones().tolist() if phone > 0]
    if rule.numbers == "national":
        numbers = [number.removeprefix("+86") for number in numbers]
    heading = ["phone"] if output.suffix.lower() == ".csv" else []
    write_private(output, "".join(f"{line}\n" for line in [*heading, *numbers]))
    return len(numbers)
