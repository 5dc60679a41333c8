"""About parameter files: what one would do, what is wrong with it, where two differ. They send nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from smskit.cli.found import campaign_row
from smskit.cli.options import AsJson
from smskit.cli.printing import print_all, print_json, print_lines, print_plan, print_remarks, print_rendered
from smskit.errors import InputError
from smskit.models import Mode

__all__ = ["diff", "doctor", "explain", "plan", "schema", "validate"]

WithQuery = Annotated[
    bool, typer.Option("--query", help="Run the file's segment_query, to look whether the segment fits.")
]


def plan(file: Path, as_json: AsJson = False) -> None:
    """What a parameter file would do: counts, cost, hash; sends nothing."""
    from smskit.ledger.opening import open_ledger
    from smskit.planning.spec import CampaignSpec
    from smskit.reporting import report
    from smskit.sending.session import open_campaign
    from smskit.settings import Environment

    spec, environment = CampaignSpec.from_yaml(file), Environment(parameter_file=file)
    ledger = open_ledger(environment)
    spec = spec.model_copy(update={"mode": Mode.PLAN})
    campaign = open_campaign(spec, environment=environment, ledger=ledger)
    made, guards = campaign.plan(), [guard.text for guard in campaign.guards()]
    if not as_json:
        print_plan(made, guards)
        return
    row = campaign_row(spec.campaign, Mode.PLAN, ledger)
    more = {"guards": guards, "steps": row.summary["steps"], "notices": row.summary["notices"]}
    print_json(report.status(ledger, row) | more)


def validate(
    files: list[Path],
    with_segment: Annotated[
        bool, typer.Option("--segment/--no-segment", help="Look whether the segment fits, too.")
    ] = True,
    with_query: WithQuery = False,
    as_json: AsJson = False,
) -> None:
    """Everything that is wrong with parameter files, at once; exit 0 nothing, 2 something. Sends nothing."""
    from datetime import UTC, datetime

    from smskit.planning.validate import validate as look
    from smskit.settings import Environment

    environment, now = Environment(), datetime.now(UTC)
    found = [
        look(
            file,
            now=now,
            environ=environment.variables,
            with_segment=with_segment or with_query,
            with_query=with_query,
        )
        for file in files
    ]
    print_all(found, as_json)
    print_remarks(environment.remarks)
    raise typer.Exit(0 if all(f.good for f in found) else 2)


def explain(file: Path, with_query: WithQuery = False, as_json: AsJson = False) -> None:
    """A campaign in words: who, what, through whom, when, limits, what stops it, and each parameter."""
    from datetime import UTC, datetime

    from smskit.planning.explain import explain as tell
    from smskit.planning.parameter_file import read_file
    from smskit.planning.spec import CampaignSpec
    from smskit.settings import Environment

    given, spec = list(read_file(file)), CampaignSpec.from_yaml(file)
    environment, now = Environment(), datetime.now(UTC)
    found = tell(spec, given, now=now, environ=environment.variables, file=file, with_query=with_query)
    print_json(found.to_data()) if as_json else print_rendered(found)
    print_remarks(environment.remarks)


def diff(before: Path, after: Path, as_json: AsJson = False) -> None:
    """Where two parameter files differ, and what that means; exit 0 nowhere, 1 somewhere, 2 not valid."""
    from smskit.planning.schema import differences, verdict
    from smskit.planning.spec import CampaignSpec

    one, other = CampaignSpec.from_yaml(before), CampaignSpec.from_yaml(after)
    found, meaning = differences(one, other), verdict(one, other)
    if as_json:
        print_json({"differences": [d.to_data() for d in found], "meaning": meaning})
    else:
        print_lines([*map(str, found), meaning])
    raise typer.Exit(1 if found else 0)


def schema(
    as_markdown: Annotated[bool, typer.Option("--markdown", help="As docs/reference.md has it.")] = False,
) -> None:
    """The JSON Schema of parameter files, for editors."""
    from smskit.planning import schema as parameters

    print(parameters.markdown(), end="") if as_markdown else print_json(parameters.schema())


def doctor(
    file: Path,
    provider: Annotated[
        list[str] | None, typer.Option(help="Instead of the campaign's own; may be given again.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every registered provider.")] = False,
    as_json: AsJson = False,
) -> None:
    """What a provider would not pass of a campaign's template, by its own rules; exit 0 it would, 3 not."""
    from smskit.ledger.opening import open_ledger
    from smskit.message.lint import lint
    from smskit.planning.spec import CampaignSpec
    from smskit.providers import provider_class, provider_names
    from smskit.sending.session import open_campaign

    if every and provider:
        raise InputError("say either --provider or --all")
    spec = CampaignSpec.from_yaml(file)
    classes = [provider_class(name) for name in (provider_names() if every else provider or [spec.provider])]
    text = spec.template or open_campaign(spec, ledger=open_ledger(file=file)).planner.template().text
    found = [lint(text, cls, signature=spec.signature, message_class=spec.message_class) for cls in classes]
    print_all(found, as_json)
    raise typer.Exit(0 if all(diagnosis.passes for diagnosis in found) else 3)
