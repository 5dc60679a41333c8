"""Writing messages and opt-outs to files."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

import pandas as pd

from smskit.audience.phones import to_e164
from smskit.errors import InputError
from smskit.files import private_file, private_text, write_private
from smskit.i18n import Message, mark, shows_any_letter
from smskit.ledger import Action, CampaignRow, Ledger
from smskit.message.opt_out import OptOutRule
from smskit.reporting import frames, report
from smskit.reporting.columns import SegmentColumns

FORMATS: Final = ("csv", "xlsx", "json", "jsonl", "parquet")
_SHEET_ROWS: Final = 1_048_575  # that a worksheet holds, below its head


def write_messages(
    ledger: Ledger,
    row: CampaignRow,
    kind: str,
    output: Path | None,
    *,
    reveal: bool,
    raw: bool = False,
    more: SegmentColumns | None = None,
) -> None:
    """
    Write one row per person; a file is readable by its owner alone.

    Times are on the campaign's clock, with its offset; in a workbook its zone stands in the heads.

    Args:
        kind: One of `FORMATS`. csv to a file: utf-8 with a mark, so that Excel reads it. In csv files and
            workbooks an apostrophe stands before what Excel would take for a formula. parquet has its
            times in UTC.
        output: None = standard output, for text formats.
        raw: The cells of a csv file as they are.
        more: Columns of the segment, which stand behind.

    Raises:
        InputError: there is no such kind; it needs a file and there is none, or has more rows than it holds;
            or the file cannot be written.
    """
    if kind not in FORMATS:
        words = mark("unknown format `{name}`; there are {formats}")
        raise InputError(Message(words, name=kind, formats=", ".join(FORMATS)))
    if output is None and kind in ("parquet", "xlsx"):
        raise InputError("{kind} needs a file: add --output messages.{kind}", kind=kind)
    if reveal:
        _note(ledger, row, output, kind)
    pages = frames.messages(ledger, row, reveal=reveal, more=more)
    if kind != "parquet":
        pages = ((_on_clock if kind == "xlsx" else on_clock)(page, row) for page in pages)
    columns = [*frames.COLUMNS, *(more.names if more else [])]
    if output is None:
        _write_text(pages, kind, sys.stdout, columns)
    elif kind == "parquet":
        _write_parquet(pages, output, columns)
    elif kind == "xlsx":
        _write_workbook(map(without_formulas, pages), output, columns, row)
    elif kind == "csv":
        with private_text(output, "utf-8-sig") as file:
            _write_text(pages if raw else map(without_formulas, pages), kind, file, columns)
    else:
        with private_text(output) as file:
            _write_text(pages, kind, file, columns)


def _note(ledger: Ledger, row: CampaignRow, output: Path | None, kind: str) -> None:
    if output is None:
        report.note_reveal(ledger, row, "messages")
        return
    about = {"campaign": row.name, "mode": row.mode, "plan_hash": row.plan_hash, "file": output.name}
    ledger.audit.note(Action.EXPORT, what="messages", format=kind, **about)


_TIMES: Final = ("submitted_at", "receipt_at")


def _on_clock(frame: pd.DataFrame, row: CampaignRow) -> pd.DataFrame:
    """With times on the campaign's clock."""
    return frame.assign(**{name: frame[name].dt.tz_convert(row.zone) for name in _TIMES})


def on_clock(frame: pd.DataFrame, row: CampaignRow) -> pd.DataFrame:
    """The frame with its times on the campaign's clock, as ISO text with the offset; whole seconds."""
    told = frame.copy()
    for name in frame.select_dtypes("datetimetz"):
        text = frame[name].dt.tz_convert(row.zone).dt.strftime("%Y-%m-%dT%H:%M:%S%z")
        told[name] = text.str.replace(r"(\d\d)$", r":\1", regex=True)
    return told


# Full-width signs begin one, too, where Excel is set to Chinese or Japanese; blanks before them do not help.
_FORMULA: Final = r"^[ \n\xa0\u3000\u200b\ufeff]*[=+\-@\t\r＝＋－＠]"


def without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """
    The frame with an apostrophe before each text a spreadsheet would take for a formula.

    Phones are ours, and programs read ``+86…``: they stay as they are.
    """
    safe = frame.copy()
    for name in safe.select_dtypes(["object", "str"]).columns.drop("phone"):
        safe[name] = safe[name].astype("str").str.replace(_FORMULA, r"'\g<0>", regex=True)
    return safe


def _write_text(pages: Iterator[pd.DataFrame], kind: str, file: IO[str], columns: Sequence[str]) -> None:
    escaped = not shows_any_letter(file)
    if kind == "csv":
        file.write(pd.DataFrame(columns=list(columns)).to_csv(index=False, lineterminator="\n"))
    between = "[\n"
    for frame in pages:
        if kind == "csv":
            frame.to_csv(file, index=False, header=False, lineterminator="\n")
            continue
        lines = frame.to_json(orient="records", lines=True, force_ascii=escaped)
        if kind == "jsonl":
            file.write(lines)
        elif lines.strip():
            file.write(between + lines.strip().replace("\n", ",\n"))
            between = ",\n"
    if kind == "json":
        file.write("[]\n" if between == "[\n" else "\n]\n")


def _write_parquet(pages: Iterator[pd.DataFrame], output: Path, columns: Sequence[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text, time = pa.string(), pa.timestamp("ms", "UTC")
    kinds = {"parts": pa.int16(), **dict.fromkeys(_TIMES, time)}
    schema = pa.schema([(name, kinds.get(name, text)) for name in columns])
    with private_file(output) as file, pq.ParquetWriter(file, schema) as writer:
        for frame in pages:
            writer.write_table(pa.Table.from_pandas(frame, schema=schema, preserve_index=False))


def _write_workbook(
    pages: Iterator[pd.DataFrame], output: Path, columns: Sequence[str], row: CampaignRow
) -> None:
    """A sheet in which phones and codes are texts, and times are times."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet("messages")
    sheet.freeze_panes = "A2"
    sheet.append([f"{name} ({row.zone})" if name in _TIMES else name for name in columns])
    rows = 0

    def cell(value: Any) -> Any:
        if isinstance(value, str):
            made = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
            made.data_type, made.number_format = "s", "@"
            return made
        return value

    for frame in pages:
        rows += len(frame)
        if rows > _SHEET_ROWS:
            words = mark("a workbook holds {most:,} rows, and this campaign has more: choose csv")
            raise InputError(Message(words, most=_SHEET_ROWS))
        plain = frame.assign(**{name: frame[name].dt.tz_localize(None) for name in _TIMES}).astype(object)
        for line in plain.where(plain.notna(), None).itertuples(index=False, name=None):
            sheet.append([cell(value) for value in line])
    with private_file(output) as file:
        book.save(file)


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
            "such a file holds full phone numbers, outside the database: say --reveal, and delete "
            "it when the provider has it"
        )
    if output.suffix.lower() not in (".csv", ".txt"):
        raise InputError("the file must end in .csv or .txt")
    ledger.audit.note(Action.EXPORT, what="opt-outs", file=output.name)
    numbers = [to_e164(phone) for phone in ledger.opt_outs.phones().tolist() if phone > 0]
    if rule.numbers == "national":
        numbers = [number.removeprefix("+86") for number in numbers]
    heading = ["phone"] if output.suffix.lower() == ".csv" else []
    write_private(output, "".join(f"{line}\n" for line in [*heading, *numbers]))
    return len(numbers)
