"""Commands about what campaigns bring: ``power`` says before a send what ``measure`` could find after it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from smskit.cli.options import AsJson
from smskit.cli.printing import language, print_json, print_problem, print_rendered
from smskit.models import Mode

__all__ = ["compare", "measure", "power"]

# Options that several of these commands have.
_Query = Annotated[str, typer.Option(help="One SELECT, where that is a database.")]
_UserId = Annotated[str, typer.Option(help="The column naming the person.")]
_Time = Annotated[str, typer.Option(help="The column of times: each row is an event.")]
_Converted = Annotated[str, typer.Option(help="Columns of 0 and 1: each row is a person.")]
_EventId = Annotated[
    str, typer.Option(help="The column naming the event: rows are copies by it, not by being equal.")
]
_Zone = Annotated[str, typer.Option(help="Of times that name none; default: the campaign's.")]
_AsOf = Annotated[str, typer.Option(help="ISO time the table is of; default: now.")]
_Mode = Annotated[Mode | None, typer.Option("--mode", help="Default: live, else rehearse.")]


def power(
    file: Path,
    base_rate: Annotated[float, typer.Option(help="Share of people who convert without a message: 0.02.")],
    power: Annotated[float, typer.Option(help="How often a lift is to be found.")] = 0.8,
    as_json: AsJson = False,
) -> None:
    """What a parameter file's holdout could show: the smallest lift, and that of other shares."""
    from smskit.ledger.opening import open_ledger
    from smskit.models import Reason
    from smskit.planning.power import power_of
    from smskit.planning.spec import CampaignSpec
    from smskit.sending.session import open_campaign

    spec = CampaignSpec.from_yaml(file).model_copy(update={"mode": Mode.PLAN})
    made = open_campaign(spec, ledger=open_ledger(file=file)).planner.plan(record=False)
    held_back = made.excluded.get(Reason.HOLDOUT.label, 0)
    found = power_of(made.planned + held_back, held_back, spec.holdout, base_rate, power=power)
    print_json(found.to_data()) if as_json else print_rendered(found)


def measure(
    campaign: Annotated[str, typer.Argument(help="Its id; with --pooled a series; none with --global.")] = "",
    *,
    outcomes: Annotated[
        str, typer.Option(metavar="FILE|URL|env:NAME", help="What people did; read as segments are.")
    ],
    outcomes_query: _Query = "",
    user_id: _UserId = "user_id",
    time: _Time = "",
    amount: Annotated[str, typer.Option(help="The column of money; of flags several: a,b.")] = "",
    converted: _Converted = "",
    event_id: _EventId = "",
    window: Annotated[str, typer.Option(help="From the first submission on: 36h, 14d.")] = "14d",
    timezone: _Zone = "",
    as_of: _AsOf = "",
    by: Annotated[str, typer.Option(help="A column for effects by segment.")] = "",
    segments: Annotated[
        Path | None, typer.Option(help="The table it stands in; default: the campaign's segment.")
    ] = None,
    before: Annotated[
        str, typer.Option(help="Its columns to adjust for, known before the send: level,orders_90d.")
    ] = "",
    entrants: Annotated[
        bool, typer.Option("--entrants", help="Only whom no earlier occurrence planned or held back.")
    ] = False,
    absent: Annotated[
        str, typer.Option(help="zero: people missing in a table of flags did nothing.")
    ] = "refuse",
    price: Annotated[str, typer.Option(help="Yuan per part, as billed; default: the campaign's.")] = "",
    srm: Annotated[
        str, typer.Option(help="allow: effects in spite of a split that is not as drawn.")
    ] = "stop",
    pooled: Annotated[
        bool, typer.Option("--pooled", help="A series: each person once, from where they entered.")
    ] = False,
    of_all: Annotated[
        bool, typer.Option("--global", help="All live marketing against its global holdout.")
    ] = False,
    from_day: Annotated[str, typer.Option("--from", metavar="DAY", help="With --global: 2026-10-01.")] = "",
    to_day: Annotated[str, typer.Option("--to", metavar="DAY", help="The last day of it.")] = "",
    mode: _Mode = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Also written as a page with pictures.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What a campaign brought, against its holdout; exit 0 measured, 2 not usable as given, 3 refused."""
    from smskit.measuring.measure import measure as measured

    found = measured(
        campaign,
        outcomes,
        query=outcomes_query,
        user_id=user_id,
        time=time,
        amount=amount,
        converted=converted,
        event_id=event_id,
        window=window,
        timezone=timezone,
        as_of=as_of,
        by=by,
        segments=str(segments or ""),
        before=before,
        entrants=entrants,
        absent=absent,
        price=price,
        srm=srm,
        pooled=pooled,
        between=(from_day, to_day) if of_all else None,
        mode=mode,
    )
    if report is not None:
        from smskit.measuring.page import write_page

        write_page(found, report, language())
    print_json(found.to_data()) if as_json else print_rendered(found)
    if found.refused and as_json:
        print_problem(found.refused.text)
    raise typer.Exit(found.exit_code)


def compare(
    campaigns: Annotated[list[str], typer.Argument(help="The arms of an experiment.")],
    outcomes: Annotated[
        str, typer.Option(metavar="FILE|URL|env:NAME", help="What people did; none: by delivery.")
    ] = "",
    outcomes_query: _Query = "",
    user_id: _UserId = "user_id",
    time: _Time = "",
    converted: _Converted = "",
    event_id: _EventId = "",
    window: Annotated[str, typer.Option(help="Whole days from each arm's first submission.")] = "14d",
    timezone: _Zone = "",
    as_of: _AsOf = "",
    mode: _Mode = None,
    as_json: AsJson = False,
) -> None:
    """Arms of an experiment side by side: texts, providers or hours; exit 0, 2 or 3 as `measure`."""
    from smskit.ledger.opening import open_ledger
    from smskit.measuring.asking import Asked, refuse_without_table
    from smskit.measuring.compare import compare as compared
    from smskit.settings import Environment

    environment = Environment()
    of_table: dict[str, Any] = {
        "query": outcomes_query,
        "user_id": user_id,
        "time": time,
        "converted": converted,
        "event_id": event_id,
        "window": window,
        "timezone": timezone,
        "as_of": as_of,
    }
    asked = None
    if outcomes:
        asked = Asked(outcomes, **of_table, environ=environment.variables, file=environment.parameter_file)
    else:
        refuse_without_table(of_table)
    found = compared(open_ledger(environment, create=False), campaigns, mode, asked)
    print_json(found.to_data()) if as_json else print_rendered(found)
    if found.refused and as_json:
        print_problem(found.refused.text)
    raise typer.Exit(found.exit_code)
