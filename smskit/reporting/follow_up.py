"""
A follow-up: some people of a campaign as a new segment, with the parameters that send to them.

The segment holds full phones, since it is there to be sent to: it is written
only when asked for, readable by its owner alone, into a folder git ignores.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from smskit.audience import phones
from smskit.errors import GuardRefused, InputError
from smskit.files import private_file
from smskit.i18n import Joined
from smskit.ledger import CLOCKS_DIFFER_S, Action, CampaignRow, Ledger
from smskit.models import Kind
from smskit.planning.draft import Draft
from smskit.reporting.delivery import MAY_ARRIVE, NEVER_AGAIN, Group, Whom, members
from smskit.settings.places import project_root
from smskit.workspace import Folder, Workspace

__all__ = ["FollowUp", "follow_up", "next_id"]


@dataclass(frozen=True)
class FollowUp:
    """What was written."""

    campaign: str  # id of the new campaign
    people: int
    segment: Path  # parquet: the person, the phone, one column a template variable
    parameters: Path  # for ``papermill -f``; mode rehearse


def next_id(ledger: Ledger, row: CampaignRow) -> str:
    """An id of its own for the follow-up of *row*: ``<id>.again-1``, the first number that is free."""
    taken = ledger.campaigns.names() | set(ledger.campaigns.made_ids())
    base = row.name[:100]
    return next(name for n in range(1, len(taken) + 2) if (name := f"{base}.again-{n}") not in taken)


def follow_up(
    ledger: Ledger,
    row: CampaignRow,
    groups: Collection[Group | str],
    *,
    folder: Path,
    campaign: str = "",
    may_arrive_twice: bool = False,
    only_repliers: bool = False,
) -> FollowUp:
    """
    Write the people of *groups* as a segment, and the parameters of a campaign to them.

    They get the text they were meant to get: same template, and the values it
    had. Opt-outs and the frequency cap are looked at anew when it is planned;
    rules, consent and holdout have been, and nobody is held back again.

    Args:
        groups: A group, or those of it with one code: ``undelivered``, ``undelivered:MK:0001``.
        folder: Where it is written; made if it is not there.
        campaign: The new id; "" = ``next_id``.
        may_arrive_twice: A person's explicit word that some may then get two messages, needed
            for groups in ``MAY_ARRIVE``.
        only_repliers: Only those of them who have replied, and not to opt out.

    Raises:
        GuardRefused: some of *groups* may have got the message, or may yet; or asked not to be messaged.
        InputError: nobody is in them, or it cannot be written. Nothing is left behind.
    """
    chosen = [Whom.of(group) for group in groups]
    _demand_allowed(frozenset(one.group for one in chosen), may_arrive_twice=may_arrive_twice)
    name = campaign or next_id(ledger, row)
    variables = ledger.audience.people(row.id, 0).variables if ledger.audience.states(row.id) else ()
    columns = _columns(variables)
    draft = Draft(_parameters(row, name, columns))
    stem = f"{name}-{datetime.fromtimestamp(ledger.clock()):%Y%m%d-%H%M%S}"
    target = folder / f"{stem}.parquet"
    about = {"campaign": row.name, "mode": row.mode, "plan_hash": row.plan_hash, "file": target.name}
    ledger.audit.note(Action.EXPORT, what="a follow-up", **about)
    phones_of = _repliers(ledger, row) if only_repliers else None
    people = _write(ledger, row, chosen, phones_of, columns, target)
    draft.set(segment=_as_parameter(target), max_recipients=people)
    parameters = draft.save(Workspace.here().home(Folder.PARAMETERS, folder) / f"{stem}.yaml")
    ledger.campaigns.make_id(name, kind=Kind.FOLLOW_UP, parent=row.name)
    return FollowUp(name, people, target, parameters)


def _repliers(ledger: Ledger, row: CampaignRow) -> NDArray[np.int64]:
    """Phones from which an answer came since the campaign began, and no opt-out."""
    came = ledger.replies.find(
        row.provider, row.mode, since=(row.started_at or row.created_at) - CLOCKS_DIFFER_S
    )
    out = {reply.phone for reply in came if reply.opted_out}
    return np.array(sorted({reply.phone for reply in came} - out), np.int64)


def _demand_allowed(groups: frozenset[Group], *, may_arrive_twice: bool) -> None:
    if not groups:
        raise InputError("say whom the follow-up is for")
    if gone := sorted(groups & NEVER_AGAIN):
        raise GuardRefused(
            "nothing was written: {groups} asked not to be messaged", groups=Joined(gone, ", ")
        )
    risky = sorted(groups & MAY_ARRIVE)
    if risky and not may_arrive_twice:
        raise GuardRefused(
            "nothing was written: {groups} may have got the message, or may get it yet; a follow-up "
            "could reach them twice, so it needs your explicit word",
            groups=Joined(risky, ", "),
        )


def _columns(variables: Iterable[str]) -> dict[str, str]:
    """Template variable -> column; never one of the two columns that say who it is."""
    return {name: f"value_{name}" if name in ("user_id", "phone") else name for name in variables}


def _parameters(row: CampaignRow, name: str, columns: dict[str, str]) -> dict[str, Any]:
    """What is the same, and nothing that has been looked at already or was of that day."""
    same = "provider signature template template_id message_class opt_out_wording max_cost price_per_part"
    same += " send_window outside_window timezone frequency_cap"
    kept = {n: row.spec[n] for n in same.split() if row.spec.get(n) not in (None, "")}
    return kept | {
        "campaign": name,
        "segment": "to-be-written",
        "user_id": "user_id" if row.spec.get("user_id", "user_id") else "",
        "variables": dict(columns),
        "mode": "rehearse",
    }


def _as_parameter(target: Path) -> str:
    """The path from the project's root, where it will be looked for, if it lies in a project."""
    root = project_root(target.parent.resolve())
    return target.resolve().relative_to(root).as_posix() if root else str(target)


def _write(
    ledger: Ledger,
    row: CampaignRow,
    whom: Collection[Whom],
    only: NDArray[np.int64] | None,
    columns: dict[str, str],
    target: Path,
) -> int:
    names = ["user_id", "phone", *columns.values()]
    schema = pa.schema([(name, pa.large_string()) for name in names])
    people = 0
    with private_file(target) as file:
        with pq.ParquetWriter(file, schema) as writer:
            for chunk, positions, history in members(ledger, row, whom, phones=only):
                held = ledger.audience.people(row.id, chunk, positions)
                take = pa.array(held.positions)
                found = [history.keys.persons.take(take), phones.e164_column(held.phones)]
                found += [held.variables[variable] for variable in columns]
                table = pa.table([column.cast(pa.large_string()) for column in found], schema=schema)
                writer.write_table(table)
                people += table.num_rows
        if not people:
            raise InputError("nobody is in what you chose, so there is nothing to follow up")
    return people
