"""
All campaigns counted at once: six queries, however many there are.

Leaves to ``reporting.delivery.overview`` what follows from the counts, and to ``audience`` one campaign.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from smskit.errors import LedgerError
from smskit.ledger.database import Database
from smskit.ledger.processes import works
from smskit.ledger.records import CampaignRow, Tally
from smskit.ledger.schema import AUDIENCE, CAMPAIGN, CONTENT, PROGRESS, REPLY, SENDER
from smskit.ledger.seals import damage, intact
from smskit.ledger.storing import FREEZING
from smskit.models import Mode, State

__all__ = ["CLOCKS_DIFFER_S", "CampaignTotals", "Damaged", "count_all"]

# A provider's clock may be behind ours, and often tells whole minutes only.
CLOCKS_DIFFER_S = 120.0
_TAKEN = np.isin(np.arange(len(State)), (State.ACCEPTED, State.DELIVERED, State.UNDELIVERED))


class CampaignTotals(NamedTuple):
    """One campaign of all, counted."""

    row: CampaignRow
    tally: Tally
    parts: int  # of the messages that were accepted
    opted_out: int  # people who replied so, this being the last that had reached them
    owned: bool  # a run is at work on it now

    @property
    def state(self) -> str:
        """Its state as it is: ``interrupted`` where whoever sent is dead."""
        return self.row.state_now(owned=self.owned)


class Damaged(NamedTuple):
    """A campaign whose record is not as it was written."""

    name: str
    mode: str
    error: LedgerError


def count_all(database: Database, *, mode: Mode | None = None) -> tuple[list[CampaignTotals], list[Damaged]]:
    """Every campaign, oldest first, and those that are damaged."""
    with database.read() as conn:
        return _Counting(conn, database.clock()).all(mode)


class _Counting:
    """What is known of each campaign while all are counted; a damaged one drops out."""

    def __init__(self, conn: sa.Connection, now: float) -> None:
        self._conn, self._now = conn, now
        self.rows: dict[int, CampaignRow] = {}
        self.damaged: dict[int, Damaged] = {}

    def all(self, mode: Mode | None) -> tuple[list[CampaignTotals], list[Damaged]]:
        query = sa.select(CAMPAIGN).where(CAMPAIGN.c.state != FREEZING).order_by(CAMPAIGN.c.id)
        for found in self._conn.execute(query if mode is None else query.where(CAMPAIGN.c.mode == mode)):
            try:
                self.rows[found.id] = CampaignRow.of(found)
            except LedgerError as error:
                self.damaged[found.id] = Damaged(found.name, found.mode, error)
        senders = self._conn.execute(sa.select(SENDER)).all()
        owned = {each.campaign_id for each in senders if works(each, self._now)}
        tallies = {i: Tally.of_counts(counts) for i, counts in self._states().items()}
        parts, opted_out = self._parts(tallies), self._opted_out(tallies)
        made = [
            CampaignTotals(row, tallies[i], parts[i], opted_out.get(i, 0), i in owned)
            for i, row in self.rows.items()
            if i not in self.damaged
        ]
        return made, list(self.damaged.values())

    def _states(self) -> dict[int, NDArray[np.int64]]:
        """Campaign -> how many are in each state."""
        counts = {i: np.zeros(len(State), np.int64) for i in self.rows}
        for row in self._conn.execute(_with_states()):
            if (states := self._states_of(row)) is not None:
                counts[row.campaign_id] += np.bincount(states, minlength=len(State))
        return counts

    def _parts(self, tallies: Mapping[int, Tally]) -> dict[int, int]:
        """Campaign -> parts of the messages that were accepted."""
        parts, mixed = {}, []
        for i, row in self.rows.items():
            all_parts, tally = int(row.summary["parts"]), tallies[i]
            # Where each message has one, or all or none were taken, there is nothing to look up.
            if all_parts == tally.planned or tally.accepted in (0, tally.planned):
                whole = all_parts if tally.accepted == tally.planned else tally.accepted
                parts[i] = whole if tally.accepted else 0
            else:
                parts[i] = 0
                mixed.append(i)
        query = _with_states(CONTENT.c.parts).where(PROGRESS.c.campaign_id.in_(mixed))
        for chunk in self._conn.execute(query):
            blob, states = self._blob(chunk, CONTENT.c.parts), self._states_of(chunk)
            if blob is not None and states is not None:
                taken = np.frombuffer(blob, np.int16)[_TAKEN[states]]
                parts[chunk.campaign_id] += int(taken.sum(dtype=np.int64))
        return parts

    def _opted_out(self, tallies: Mapping[int, Tally]) -> dict[int, int]:
        """Campaign -> people who replied that they want no more, each counted where it reached them last."""
        when = sa.func.coalesce(REPLY.c.at, REPLY.c.kept_at)
        query = sa.select(REPLY.c.provider, REPLY.c.mode, REPLY.c.phone, when.label("at"))
        came: dict[tuple[str, str], dict[int, list[float]]] = {}
        for reply in self._conn.execute(query.where(REPLY.c.opted_out == 1)):
            at = self._now if reply.at is None else reply.at
            came.setdefault((reply.provider, reply.mode), {}).setdefault(reply.phone, []).append(at)
        asked = {key: np.array(sorted(phones), np.int64) for key, phones in came.items()}
        about = [
            i
            for i, row in self.rows.items()
            if tallies[i].accepted and (row.provider, str(row.mode)) in asked
        ]
        reached: dict[tuple[str, str, int], list[tuple[float, int]]] = {}
        query = _with_states(AUDIENCE.c.phones).where(PROGRESS.c.campaign_id.in_(about))
        for row in self._conn.execute(query):
            blob, states = self._blob(row, AUDIENCE.c.phones), self._states_of(row)
            if blob is None or states is None:
                continue
            campaign = self.rows[row.campaign_id]
            key, began = (campaign.provider, str(campaign.mode)), campaign.started_at or campaign.created_at
            held = np.frombuffer(blob, np.int64)
            for phone in held[_TAKEN[states] & np.isin(held, asked[key])].tolist():
                reached.setdefault((*key, phone), []).append((began, campaign.id))
        counted: dict[int, int] = {}
        for (provider, mode, phone), messages in reached.items():
            last = {
                max((m for m in messages if m[0] - CLOCKS_DIFFER_S <= at), default=(0.0, 0))[1]
                for at in came[provider, mode][phone]
            }
            for i in last - {0}:
                counted[i] = counted.get(i, 0) + 1
        return counted

    def _states_of(self, row: Any) -> NDArray[np.uint8] | None:
        blob = self._blob(row, PROGRESS.c.states)
        states = np.frombuffer(blob or b"", np.uint8)
        if blob is None or (len(states) and states.max() >= len(State)):
            self._drop(row, PROGRESS.c.states)
            return None
        return states

    def _blob(self, row: Any, column: sa.Column[Any]) -> bytes | None:
        """The blob of that column, None where it or anything else of its campaign is damaged."""
        if row.campaign_id not in self.rows or row.campaign_id in self.damaged:
            return None
        if (blob := intact(row, column)) is None:
            self._drop(row, column)
        return blob

    def _drop(self, row: Any, column: sa.Column[Any]) -> None:
        campaign = self.rows.get(row.campaign_id)
        if campaign is None or campaign.id in self.damaged:
            return
        what = f"{column.table.name}.{column.name}, chunk {row.chunk}"
        error = damage(campaign.name, campaign.mode, what)
        self.damaged[campaign.id] = Damaged(campaign.name, str(campaign.mode), error)


def _with_states(*columns: sa.Column[Any]) -> sa.Select[Any]:
    """The states of every chunk, with their checksums, and beside them *columns* of one other table."""
    own = [PROGRESS.c.campaign_id, PROGRESS.c.chunk, PROGRESS.c.states, PROGRESS.c.states_sum]
    others = [each for c in columns for each in (c, c.table.c[f"{c.name}_sum"])]
    query = sa.select(*own, *others)
    for table in {column.table for column in columns}:
        same = (table.c.campaign_id == PROGRESS.c.campaign_id) & (table.c.chunk == PROGRESS.c.chunk)
        query = query.join_from(PROGRESS, table, same)
    return query
