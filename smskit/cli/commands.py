"""
The command line: one function a command, each over one function of the package.

Exit codes: 0 done, 1 error, 2 usage, 3 not usable or a guard refused, 4 paused
or incomplete (run again).
"""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smskit.cli import asking, files, measuring, opt_outs
from smskit.cli.found import campaign_row, ledger_here
from smskit.cli.help import translated_command
from smskit.cli.options import AsJson, InMode
from smskit.cli.printing import (
    print_approval,
    print_check,
    print_counts,
    print_fetched,
    print_json,
    print_lines,
    print_listening,
    print_notices,
    print_problem,
    print_received,
    print_remarks,
    progress_bar,
    say,
    t,
)
from smskit.errors import InputError, LedgerDamaged, SmskitError, needs_extra
from smskit.i18n import Message, mark
from smskit.models import Mode

if TYPE_CHECKING:
    from smskit.ledger import CampaignRow

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Send SMS campaigns to user segments, and account for every message.",
)
app.add_typer(opt_outs.app, name="opt-out")


def main() -> None:
    """Run the command line; smskit's own errors become one line and an exit code."""
    gc.set_threshold(50_000)  # modules, most of what a command makes, stay: to search them finds nothing
    atexit.register(gc.freeze)  # nor is all of them searched again while the process ends
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter, such as an emoji in GBK, shows its escape.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="smskit.shown")
    try:
        try:
            translated_command(app)()
        finally:
            sys.stdout.flush()  # or a full disk would only be noticed after all is over
    except SmskitError as error:
        print_problem(error)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left of the output has nowhere to go
        why = error.strerror or type(error).__name__
        print_problem(SmskitError("what was printed could not be written: {why}", why=why))
        sys.exit(1)


def demo(
    folder: Annotated[Path, typer.Option(help="Where the notebook and the report go.")] = Path("runs"),
) -> None:
    """The whole loop in rehearsal: plan, check, send, receipts, report."""
    from smskit.cli.demo import run_demo

    run_demo(folder)


def init(
    file: Annotated[Path | None, typer.Argument(help="A parameter file of the project.")] = None,
) -> None:
    """Make the ledger of a project, which a live run needs; one that is there stays as it is."""
    from smskit.ledger.opening import open_ledger
    from smskit.settings import Environment

    environment = Environment(parameter_file=file)
    place = environment.ledger_place
    there = not place.missing
    open_ledger(environment)
    if place.file is None:
        say("the ledger is the database that SMSKIT_DATABASE_URL names")
    elif there:
        say("the ledger is {file}; it was there", file=place.file)
    else:
        say("the ledger is {file}", file=place.file)
    say("next: `smskit demo` shows all of it in rehearsal; `smskit providers` lists what an account needs")


def simulator(
    port: Annotated[int, typer.Option(help="0 = any free one.")] = 8765,
    faults: Annotated[Path | None, typer.Option(help="A fault plan, YAML or JSON.")] = None,
    push: Annotated[
        str, typer.Option(metavar="URL", help="Push receipts and replies below it, as `receive` listens.")
    ] = "",
) -> None:
    """
    Serve all providers' protocols on 127.0.0.1, for rehearsals and tests.

    Credentials found in the environment become its accounts; a provider without is open.
    """
    from smskit.sending.rehearsal import simulated_accounts
    from smskit.settings import Environment
    from smskit.simulator import serve

    environment = Environment()
    serve(
        port=port,
        faults_file=faults,
        push=push,
        accounts=simulated_accounts(environment),
        variables=environment.variables,
    )


def allow(
    file: Annotated[Path | None, typer.Argument(help="A .env; default: the one of this folder.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="What was allowed instead.")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Allow it no longer.")] = False,
) -> None:
    """Let a folder's .env say where keys go and what is run; until it is changed."""
    from smskit import allowed
    from smskit.settings.dotenv import dotenv_file, dotenv_text, dotenv_values
    from smskit.settings.places import start_folder

    if listed:
        for path in sorted(allowed.allowed()):
            counts = Path(path).is_file() and allowed.is_allowed(Path(path))
            print(path if counts else t("{file} (changed since, so it does not count)", file=path))
        return
    place = file or dotenv_file(start_folder())
    if place is None:
        raise InputError("there is no .env in this folder's project")
    if forget:
        was = allowed.disallow(place)
        say("{file} is allowed no longer" if was else "{file} was not allowed", file=place)
        return
    values = dotenv_values(dotenv_text(place))
    allowed.allow(place)
    for name in allowed.guarded(values):
        # A webhook's address may hold a token.
        print(f"  {name}" if name.endswith("RUN_END_URL") else f"  {name}={values[name]}")
    say("{file} is allowed until it is changed", file=place)


def check(
    provider: str,
    template_id: Annotated[str, typer.Option()] = "",
    signature: Annotated[str, typer.Option()] = "",
    as_json: AsJson = False,
) -> None:
    """Whether a provider is usable as set up, in its own words; exit 0 usable, 3 not."""
    from smskit.notebook.accounts import CheckScope, ask
    from smskit.planning.source import notes_of_role
    from smskit.providers import get_provider
    from smskit.settings import Environment

    environment = Environment()
    print_remarks([*environment.remarks, *notes_of_role(environment.variables)])
    result = ask(get_provider(provider, environment), CheckScope(signature.strip("【】"), template_id))
    if as_json:
        print_json(result._asdict() | {"findings": [f._asdict() for f in result.findings]})
    else:
        print_check(result)
    raise typer.Exit(0 if result.usable else 3)


def providers(
    as_json: AsJson = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="As docs/reference.md has it.")] = False,
) -> None:
    """The registered providers: what each can do, and which settings it needs."""
    from smskit.cli.provider_pages import markdown, overview, plain
    from smskit.providers import provider_names

    rows = overview(provider_names())
    if as_json:
        print_json([row._asdict() for row in rows])
    else:
        print(markdown(rows) if as_markdown else plain(rows))


def resume(
    campaign: str,
    mode: InMode = None,
    senders: Annotated[
        int, typer.Option(min=1, help="How many send it together: processes, or tasks of SMSKIT_DASK.")
    ] = 1,
) -> None:
    """Go on with an interrupted campaign, as it was frozen; one that is being sent is joined."""
    from smskit.reporting import report
    from smskit.sending.session import reopen_campaign

    row = campaign_row(campaign, mode)
    if senders > 1:
        _resume_by(row, senders)
        return
    outcome = reopen_campaign(row, ledger=ledger_here()).resume(progress=progress_bar(row.name))
    print_counts(report.status(ledger_here(), campaign_row(campaign, row.mode)))
    if outcome.note:
        print_lines([outcome.note])


def _resume_by(row: CampaignRow, count: int) -> None:
    from smskit.reporting import report
    from smskit.sending.fan_out import send_by
    from smskit.settings import Environment

    ledger = ledger_here()
    ended = send_by(
        ledger, row, count, cluster=Environment().get("SMSKIT_DASK"), progress=progress_bar(row.name)
    )
    counts = report.status(ledger, campaign_row(row.name, row.mode))
    print_counts(counts)
    if counts["waiting"] or counts["submitting"]:
        for said in sorted({each.said for each in ended if each.exit_code and each.said}):
            print(said, file=sys.stderr)
        raise typer.Exit(max([each.exit_code for each in ended if each.exit_code > 0], default=4))


def run(
    file: Path,
    occurrence: Annotated[
        str, typer.Option(help="Of a repeating campaign: fills its placeholder, else is appended to its id.")
    ] = "",
    mode: Annotated[Mode | None, typer.Option(help="Instead of the file's.")] = None,
    not_after: Annotated[str, typer.Option(help="A run that starts later refuses; ISO date-time.")] = "",
    plan_hash: Annotated[str, typer.Option(help="Any other plan is refused.")] = "",
    folder: Annotated[
        Path | None, typer.Option(help="Of the executed notebook and report; default: runs in the project.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a parameter file as a scheduler does: notebook 03 through papermill; exits as the run ended."""
    from smskit.ledger.opening import open_ledger
    from smskit.notebook.headless import run_file
    from smskit.sending.run_record import as_data

    given = {"mode": mode and str(mode), "not_after": not_after, "plan_hash": plan_hash}
    overrides = {name: value for name, value in given.items() if value}
    done = run_file(file, folder=folder, occurrence=occurrence, overrides=overrides)
    if as_json:
        print_json(as_data(done))
    else:
        if done.books:
            print_counts(done.books)
            row = open_ledger(file=file).campaigns.get(done.campaign, Mode(done.mode))
            print_notices(row.summary.get("notices", ()) if row else ())
        report = t("; report {file}", file=done.report) if done.report else ""
        print(t("{state}; notebook {file}", state=done.state, file=done.executed) + report)
        if done.message and not done.exit_code:
            print_lines([done.message])
    if done.message and done.exit_code != 0:
        print_problem(done.message)
    raise typer.Exit(1 if done.exit_code is None else done.exit_code)


def stop(campaign: str, mode: InMode = None) -> None:
    """Ask the run of a campaign, in whatever process, to stop cleanly."""

    ledger_here().campaigns.request_stop(campaign_row(campaign, mode).id)
    say("asked; requests on the way are finished and recorded first")


def approve(
    campaign: str,
    plan_hash: Annotated[str, typer.Argument(metavar="HASH", help="Of the plan that was looked at.")],
) -> None:
    """Say yes to a plan that somebody else made, where live runs need it (SMSKIT_REQUIRE_APPROVAL)."""
    from smskit.settings import Environment

    done = ledger_here().approvals.approve(campaign, plan_hash, by=Environment().user)
    print_approval(done.to_data())


def serve_app(
    port: Annotated[int, typer.Option(help="Where it listens.")] = 8866,
    ip: Annotated[
        str, typer.Option(help="127.0.0.1: this machine alone; 0.0.0.0: others too.")
    ] = "127.0.0.1",
    browser: Annotated[bool, typer.Option(help="Open the landing page.")] = True,
) -> None:
    """Serve the notebooks as an app without code. Visitors log in with a token (SMSKIT_APP_TOKEN)."""
    from smskit.lean import import_jsonschema

    import_jsonschema()
    with needs_extra("app"):
        from smskit.notebook.app import AppSettings, serve
    from smskit.notebook.sample import project
    from smskit.settings import Environment

    # From the environment: a token as an option would stand in the list of processes.
    serve(project() / "notebooks", AppSettings.of(Environment()), port=port, ip=ip, browser=browser)


def receipts(
    campaign: Annotated[str, typer.Argument()] = "",
    watch: Annotated[bool, typer.Option("--watch", help="Go on until nothing is open.")] = False,
    mode: InMode = None,
) -> None:
    """Fetch receipts and replies, settle unknowns."""
    from smskit.sending.receipts import fetch, fetch_while_open

    ledger, damaged = ledger_here(), list[LedgerDamaged]()
    rows = (
        [campaign_row(campaign, mode)]
        if campaign
        else [r for r in ledger.campaigns.find(mode=mode, damaged=damaged) if r.mode is not Mode.PLAN]
    )

    if watch:
        fetched = fetch_while_open(ledger, rows, told=print_fetched)
    else:
        print_fetched(fetched := fetch(ledger, rows))
    _end_damaged([error for error in damaged if error.message not in fetched.settled.problems])
    raise typer.Exit(1 if fetched.settled.problems else 0)


def receive(
    host: Annotated[
        str, typer.Option(help="127.0.0.1: this machine alone, where a proxy with TLS stands.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 = any free one.")] = 8867,
    secret: Annotated[
        str, typer.Option("--path-secret", metavar="env:NAME", help="Default: SMSKIT_RECEIVE_SECRET.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """
    Listen for the receipts and replies that providers push, beside whatever sends.

    Without a secret one is made up for the ledger, and kept beside it.
    """
    from smskit.sending.receive import path_secret, serve
    from smskit.settings import Environment

    environment, ledger = Environment(), ledger_here()
    found = path_secret(environment, secret)
    serve(
        ledger,
        environment,
        secret=found.value,
        host=host,
        port=port,
        ready=lambda listening: print_listening(listening, found, as_json),
        told=print_received,
    )


def settle(
    campaign: str,
    resend: Annotated[bool, typer.Option("--resend", help="Send them again; some may get it twice.")] = False,
    give_up: Annotated[bool, typer.Option("--give-up", help="Count them as refused.")] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="Take likely reports as theirs; the others stay unknown.")
    ] = False,
    mode: InMode = None,
) -> None:
    """A person's word on what stayed unknown."""
    from smskit.sending.likely import accept_likely
    from smskit.sending.unknowns import settle_by_hand

    if resend + give_up + accept != 1:
        raise InputError("say one of --resend, --give-up and --accept")
    ledger, row = ledger_here(), campaign_row(campaign, mode)
    if accept:
        say("{n} accepted, by the reports for their numbers", n=accept_likely(ledger, row).found)
        return
    count = settle_by_hand(ledger, row, resend=resend)
    if resend and count:
        say("{n} wait to be sent again: `smskit resume {campaign}`", n=count, campaign=campaign)
    else:
        say("{n} given up", n=count)


def archive(
    campaign: str,
    mode: InMode = None,
    undo: Annotated[bool, typer.Option("--undo", help="Lists have it again.")] = False,
) -> None:
    """Leave a campaign that is over out of lists; asked for by its name it answers as before."""
    ledger_here().campaigns.archive(campaign_row(campaign, mode).id, undo=undo)


def forget(campaign: str, mode: Annotated[Mode, typer.Option("--mode")] = Mode.REHEARSE) -> None:
    """Delete a rehearsal or a plan with all that is known of it; its id can be used anew. Live ones stay."""
    from smskit.sending.rehearsal import forget as forget_all_of

    if mode is Mode.LIVE:
        words = mark(
            "a live campaign is never forgotten: its record is what keeps people from a second message"
        )
        raise InputError(Message(words))
    forget_all_of(ledger_here(), campaign_row(campaign, mode))


def erase(
    person: Annotated[str, typer.Argument(help="A user id, or a phone in any form.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase a person from all campaigns; keyed hashes keep them from another message after an opt-out."""
    from smskit.sending.rehearsal import erase as erase_person

    if not yes:
        if not sys.stdin.isatty():
            raise InputError("erasing cannot be undone: say --yes")
        typer.confirm(t("Erase this person from all campaigns? It cannot be undone."), abort=True)
    done = erase_person(ledger_here(), person)
    if as_json:
        print_json(done._asdict())
    else:
        say("{n} rows of {m} campaigns erased", n=done.rows, m=len(done.campaigns))


# -- small --------------------------------------------------------------------------------


def _end_damaged(damaged: Sequence[LedgerDamaged]) -> None:
    """Say which campaigns are damaged, after what there was to say of the others."""
    for error in damaged:
        print_problem(error)
    if damaged:
        raise typer.Exit(damaged[0].exit_code)


# In the order of `smskit --help`.
_COMMANDS: tuple[Callable[..., Any], ...] = (
    demo,
    init,
    simulator,
    allow,
    files.plan,
    files.validate,
    files.explain,
    files.diff,
    files.schema,
    check,
    files.doctor,
    providers,
    asking.status,
    asking.messages,
    asking.why,
    resume,
    run,
    stop,
    approve,
    asking.audit,
    serve_app,
    receipts,
    receive,
    settle,
    measuring.power,
    measuring.measure,
    measuring.compare,
    archive,
    forget,
    erase,
)
for _command in _COMMANDS:
    app.command("app" if _command is serve_app else None)(_command)
