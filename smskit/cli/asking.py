"""Commands that answer about campaigns: ``status``, ``messages``, ``why`` and ``audit``; nothing changes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from smskit.cli.found import campaign_row, ledger_here
from smskit.cli.options import AsJson, InMode, Reveal
from smskit.cli.printing import (
    language,
    print_counts,
    print_json,
    print_overview,
    print_problem,
    print_rendered,
    print_runs,
    print_undecided,
    print_unread,
)
from smskit.i18n import Message

__all__ = ["audit", "messages", "status", "why"]

_LAST_RUNS = 200  # that `status --runs` lists


class Format(StrEnum):
    """File formats of ``messages``."""

    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"


def status(
    campaign: Annotated[str, typer.Argument()] = "",
    mode: InMode = None,
    runs: Annotated[bool, typer.Option("--runs", help="Its runs instead, or the last of all.")] = False,
    tests: Annotated[bool, typer.Option("--tests", help="In the table of all: test sends, too.")] = False,
    archived: Annotated[
        bool, typer.Option("--archived", help="In the table of all: archived ones, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The counts of a campaign, or of all; with --runs who ran what, when, and how it ended."""
    from smskit.reporting import report

    ledger = ledger_here()
    if runs:
        print_runs(ledger, ledger.runs.find(campaign=campaign or None, mode=mode, last=_LAST_RUNS), as_json)
        return
    if campaign:
        books, failed = report.status(ledger, campaign_row(campaign, mode)), False
        print_json(books) if as_json else print_counts(books)
    else:
        from smskit.reporting.delivery import overview  # a table, which takes pandas

        found = overview(ledger, mode=mode, tests=tests or as_json)
        if as_json:
            rows = sorted((each.row for each in found.everything), key=lambda row: row.id)
            print_json([report.status(ledger, row) for row in rows])
        else:
            print_overview(found, ledger, ledger.runs.find(mode=mode, last=5), archived=archived)
        for damaged in found.damaged:
            print_problem(damaged.error)
        failed = bool(found.damaged)
    if not as_json:
        print_undecided(ledger.replies.count_undecided())
        print_unread(ledger.raw_reports.count_unread())
    raise typer.Exit(1 if failed else 0)


def messages(
    campaign: str,
    output_format: Annotated[
        Format | None, typer.Option("--format", help="Else by the ending of the file, else csv.")
    ] = None,
    reveal: Reveal = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; needed for xlsx and parquet.")
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Cells of a csv file as they are, also those Excel would compute.")
    ] = False,
    columns: Annotated[
        str,
        typer.Option(help="Columns of the segment, as it is now, behind those of the message: city,level."),
    ] = "",
    mode: InMode = None,
) -> None:
    """One row per person of the segment: what was sent, and what became of it."""
    from smskit.reporting.columns import SegmentColumns
    from smskit.reporting.export import write_messages
    from smskit.settings import Environment

    promised = _promised(output)
    kind = output_format or (Format(promised) if promised in list(Format) else Format.CSV)
    row = campaign_row(campaign, mode)
    environment, names = Environment(), [name.strip() for name in columns.split(",")]
    ledger, file = ledger_here(), environment.parameter_file
    more = SegmentColumns(row, names, environ=environment.variables, file=file, ledger=ledger)
    write_messages(ledger, row, kind.value, output, reveal=reveal, raw=raw, more=more)
    if output is not None and promised not in ("", kind):
        name = output.name
        print_problem(Message("`{file}` is {kind}, which its name does not say", file=name, kind=kind.value))


# What a file called so is taken for by whoever opens it, and is none of ours.
_OTHER_TABLES = frozenset(
    {"xls", "xlsb", "xlsm", "ods", "numbers", "tsv", "tab", "ndjson", "arrow", "html", "pdf", "gz", "zip"}
)


def _promised(file: Path | None) -> str:
    """The format that the name of a file says, one of ours or not; "" = it says none."""
    ending = file.suffix.lower().removeprefix(".") if file else ""
    return ending if ending in {*Format, *_OTHER_TABLES} else ""


def why(campaign: str, person: str, mode: InMode = None) -> None:
    """What became of one person (user id or phone), with the evidence."""
    from smskit.reporting import report

    fates = report.fates(ledger_here(), campaign_row(campaign, mode), person)
    print("\n".join(fate.told(language()) for fate in fates))


def audit(campaign: Annotated[str, typer.Argument()] = "", as_json: AsJson = False) -> None:
    """Who did what to a campaign, or at all, oldest first; exits 1 where the trail is not whole."""
    from smskit.reporting.audit import trail

    found = trail(ledger_here(), campaign)
    print_json(found.to_data()) if as_json else print_rendered(found)
    raise typer.Exit(0 if found.chain.holds else 1)
