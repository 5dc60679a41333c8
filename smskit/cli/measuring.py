"""Commands about what campaigns brought: ``measure``; each over one function of ``smskit.measuring``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from smskit.cli.printing import print_json, print_problem, print_rendered
from smskit.models import Mode

__all__ = ["measure"]


def measure(
    campaign: Annotated[str, typer.Argument()],
    outcomes: Annotated[
        str, typer.Option(metavar="FILE|URL|env:NAME", help="What people did; read as segments are.")
    ],
    outcomes_query: Annotated[str, typer.Option(help="One SELECT, where that is a database.")] = "",
    user_id: Annotated[str, typer.Option(help="The column naming the person.")] = "user_id",
    time: Annotated[str, typer.Option(help="The column of times: each row is an event.")] = "",
    amount: Annotated[str, typer.Option(help="The column of money; of flags several: a,b.")] = "",
    converted: Annotated[str, typer.Option(help="Columns of 0 and 1: each row is a person.")] = "",
    window: Annotated[str, typer.Option(help="From the first submission on: 36h, 14d.")] = "14d",
    timezone: Annotated[str, typer.Option(help="Of times that name none; default: the campaign's.")] = "",
    as_of: Annotated[str, typer.Option(help="ISO time the table is of; default: now.")] = "",
    by: Annotated[str, typer.Option(help="A column for effects by segment.")] = "",
    segments: Annotated[
        Path | None, typer.Option(help="The table it stands in; default: the campaign's segment.")
    ] = None,
    entrants: Annotated[
        bool, typer.Option("--entrants", help="Only whom no earlier occurrence planned or held back.")
    ] = False,
    absent: Annotated[
        str, typer.Option(help="zero: people missing in a table of flags did nothing.")
    ] = "refuse",
    price: Annotated[str, typer.Option(help="Yuan a part, as billed; default: the campaign's.")] = "",
    srm: Annotated[
        str, typer.Option(help="allow: effects in spite of a split that is not as drawn.")
    ] = "stop",
    mode: Annotated[Mode | None, typer.Option("--mode", help="Default: live, else rehearse.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print data for programs.")] = False,
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
        window=window,
        timezone=timezone,
        as_of=as_of,
        by=by,
        segments=str(segments or ""),
        entrants=entrants,
        absent=absent,
        price=price,
        srm=srm,
        mode=mode,
    )
    print_json(found.to_data()) if as_json else print_rendered(found)
    if found.refused and as_json:
        print_problem(found.refused.text)
    raise typer.Exit(found.exit_code)
