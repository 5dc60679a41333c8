"""
The people behind the counts: a page of them, one person's way, and what came back from them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from smskit.audience import phones
from smskit.errors import InputError
from smskit.ledger import CLOCKS_DIFFER_S, CampaignRow, Event, History, Ledger
from smskit.models import State
from smskit.reporting import frames, report
from smskit.reporting.delivery.codes import explain_code
from smskit.reporting.delivery.groups import GROUPS, Group, Whom, groups_of, states_of

__all__ = ["members", "people_page", "replies", "timeline"]

TIMELINE = ["at", "event", "state", "reason", "code", "meaning", "message_id", "reported_at"]
REPLIES = ["at", "user_id", "phone", "text", "opted_out"]


def members(
    ledger: Ledger, row: CampaignRow, whom: Collection[Whom], *, phones: NDArray[np.int64] | None = None
) -> Iterator[tuple[int, NDArray[np.uint16], History]]:
    """
    Chunk by chunk, who is in one of *whom*: (chunk, positions, everything known of the chunk).

    The code of somebody undelivered is that of the receipt, of all others that of the submission.

    Args:
        phones: Only whoever has one of these.
    """
    states = states_of(frozenset(one.group for one in whom))
    for chunk, present in ledger.audience.states(row.id).items():
        if not np.isin(present, states).any():
            continue
        history = ledger.audience.history(row.id, chunk)
        groups, hit = groups_of(history), np.zeros(len(history.keys.states), np.bool_)
        codes = np.where(history.keys.states == State.UNDELIVERED, history.receipt_code, history.code)
        for group, code in whom:
            hit |= (groups == GROUPS.index(group)) & (True if code is None else codes == code)
        if phones is not None:
            hit &= np.isin(history.keys.phones, phones)
        if hit.any():
            yield chunk, np.flatnonzero(hit).astype(np.uint16), history


def people_page(
    ledger: Ledger,
    row: CampaignRow,
    groups: Collection[Group | str] = GROUPS,
    *,
    first: int = 0,
    size: int = 50,
    reveal: bool = False,
) -> pd.DataFrame:
    """
    Some of the people in *groups*, in send order: columns of ``frames.COLUMNS``, phones masked.

    Args:
        groups: A group, or those of it with one code; see ``Whom.of``.
        first: How many to leave out before.
        reveal: Phones, and user ids that are phones, in full.
    """
    if reveal:
        report.note_reveal(ledger, row, "a page of people", first=first, size=size)
    skip, found, left = first, [], size
    for chunk, positions, history in members(ledger, row, [Whom.of(group) for group in groups]):
        if skip >= len(positions):
            skip -= len(positions)
            continue
        take = positions[skip : skip + left]
        found.append(frames.people(ledger, row, chunk, history, take, reveal=reveal))
        skip, left = 0, left - len(take)
        if not left:
            break
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=frames.COLUMNS)


def timeline(ledger: Ledger, row: CampaignRow, person: str) -> pd.DataFrame:
    """
    What happened to *person* (a user id, or a phone), in order; empty before anything did.

    Returns:
        Columns ``TIMELINE``; ``at``, when we learned it, and ``reported_at``, the carrier's own time, on
        the clock of the campaign's time zone.

    Raises:
        InputError: nobody like that was planned.
    """
    found = ledger.audience.find(row.id, person=person, phone=report.as_phone(person))
    if not found:
        raise InputError(
            "{who} was not planned in campaign {campaign} ({mode})",
            who=report.name_of(person),
            campaign=row.name,
            mode=row.mode.said,
        )
    steps = [
        _step(row, event, int(at))
        for chunk, position in found
        for event in ledger.audience.events(row.id, chunk)
        for at in np.flatnonzero(event.positions == position)
    ]
    meanings = pd.Series([step["meaning"] for step in steps], dtype=object)  # they stay messages
    return pd.DataFrame(steps, columns=TIMELINE).assign(meaning=meanings)


def _step(row: CampaignRow, event: Event, at: int) -> dict[str, Any]:
    facts = event.facts_of(at)
    code, is_receipt = facts["codes"], event.kind == "receipt"
    told = explain_code(row.provider, code, receipt=is_receipt, detail=facts["details"])
    return {
        "at": _clock(event.at, row.zone),
        "event": event.kind,
        "state": State(int(event.states[at])).label,
        "reason": facts["reason"],
        "code": code,
        "meaning": told.meaning,
        "message_id": facts["ids"],
        "reported_at": _clock(facts["times"], row.zone),
    }


def replies(ledger: Ledger, row: CampaignRow) -> pd.DataFrame:
    """
    What this campaign's people sent back (上行) since it started, newest first.

    Returns:
        Columns ``REPLIES``; phones masked, in the text too; ``at`` on the clock of the campaign's time zone.
    """
    since = (row.started_at or row.created_at) - CLOCKS_DIFFER_S
    came = ledger.replies.find(row.provider, row.mode, since=since)
    places = ledger.audience.locate(row.id, np.array([r.phone for r in came], np.int64))
    came = [reply for reply in came if reply.phone in places]
    chunks = {chunk: ledger.audience.keys(row.id, chunk).persons for chunk, _ in places.values()}
    persons = [chunks[chunk][at].as_py() for chunk, at in (places[reply.phone] for reply in came)]
    return pd.DataFrame(
        {
            "at": [_clock(reply.at, row.zone) for reply in came],
            "user_id": phones.hide_column(pa.array(persons, pa.large_string())).to_pylist(),
            "phone": phones.mask_column(np.array([r.phone for r in came], np.int64)).to_pylist(),
            "text": [phones.redact(reply.text) for reply in came],
            "opted_out": [reply.opted_out for reply in came],
        },
        columns=REPLIES,
    )


def _clock(seconds: float | None, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%d %H:%M:%S") if seconds else ""
