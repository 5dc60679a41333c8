"""``smskit opt-out``: people who asked not to be messaged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from smskit.cli.found import ledger_here
from smskit.cli.options import AsJson, Reveal
from smskit.cli.printing import print_json, print_lines, say
from smskit.errors import InputError

app = typer.Typer(no_args_is_help=True, help="People who asked not to be messaged.")


@app.command("add")
def add(phones: list[str], note: Annotated[str, typer.Option()] = "") -> None:
    """Add phone numbers."""
    from smskit.audience.phones import normalise_one

    numbers = {normalise_one(p) for p in phones}
    new = ledger_here(create=True).opt_outs.add(sorted(numbers), source="by hand", note=note)
    say("{n} added, {m} were there", n=new, m=len(numbers) - new)


@app.command("remove")
def remove(phone: str) -> None:
    """Take a phone number off the list."""
    from smskit.audience.phones import mask, normalise_one
    from smskit.settings import Environment

    there = ledger_here(create=True).opt_outs.remove(normalise_one(phone), by=Environment().user)
    say("{phone} removed" if there else "{phone} was not on the list", phone=mask(phone))


@app.command("import")
def import_(file: Path, column: Annotated[str, typer.Option()] = "phone", as_json: AsJson = False) -> None:
    """Add every number of a csv, txt, parquet or xlsx file; exits 4 where lines could not be read."""
    from smskit.reporting import opt_outs

    done = opt_outs.import_list(ledger_here(create=True), file, column)
    print_json(done.to_data()) if as_json else print_lines(done.told())
    raise typer.Exit(4 if done.unread else 0)


@app.command("doubtful")
def doubtful(as_json: AsJson = False, reveal: Reveal = False) -> None:
    """Replies that may ask to be left alone; each counts as an opt-out until somebody decides."""
    from smskit.reporting import opt_outs

    rows = opt_outs.doubtful(ledger_here(), reveal=reveal).to_dict("records")
    for row in rows:
        row["at"] = row["at"].isoformat(timespec="seconds")
    if as_json:
        print_json(rows)
    for row in () if as_json else rows:
        print("  ".join(map(str, row.values())))
    if rows and not as_json:
        say("decide each: `smskit opt-out decide ID --opted-out` or `--stays`")


@app.command("decide")
def decide(
    which: Annotated[str, typer.Argument(metavar="ID|PHONE", help="Of a reply, or of all of a person.")],
    opted_out: Annotated[bool, typer.Option("--opted-out", help="It asks to be left alone.")] = False,
    stays: Annotated[bool, typer.Option("--stays", help="It does not; other opt-outs stay.")] = False,
) -> None:
    """A person's word on a doubtful reply."""
    from smskit.reporting import opt_outs
    from smskit.settings import Environment

    if opted_out == stays:
        raise InputError("say either --opted-out or --stays")
    n = opt_outs.decide(ledger_here(), which, opted_out=opted_out, by=Environment().user)
    say("{n} decided: opted out" if opted_out else "{n} decided: not an opt-out", n=n)


@app.command("export")
def export(
    provider: Annotated[str, typer.Option(help="Whose way of writing numbers.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A .csv or .txt file.")],
    reveal: Annotated[bool, typer.Option("--reveal", help="Yes, full phone numbers in a file.")] = False,
) -> None:
    """Write the list for a provider's own blacklist 黑名单; `import` reads it back."""
    from smskit.providers import provider_class
    from smskit.reporting.export import write_opt_outs

    count = write_opt_outs(ledger_here(), provider_class(provider).opt_out, output, reveal=reveal)
    say("{n} written to {file}", n=count, file=output)


@app.command("list")
def list_(as_json: AsJson = False, reveal: Annotated[bool, typer.Option("--reveal")] = False) -> None:
    """Who is on the list, newest first."""
    from smskit.reporting import opt_outs

    rows = opt_outs.listed(ledger_here(), reveal=reveal)
    if as_json:
        print_json(rows)
    for row in () if as_json else rows:
        print("  ".join(row.values()).rstrip())
