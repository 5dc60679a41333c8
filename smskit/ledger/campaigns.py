"""
Campaigns: how one begins, what state it is in, how a rehearsal is forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from smskit.errors import LedgerDamaged, NotArchived
from smskit.i18n import dumps_data
from smskit.ledger.approvals import put_plan
from smskit.ledger.audit import Action, note
from smskit.ledger.database import Database, LedgerPart
from smskit.ledger.processes import works
from smskit.ledger.records import CampaignRow, Frozen
from smskit.ledger.schema import CAMPAIGN, MADE_ID, SENDER
from smskit.ledger.seals import plan_sum
from smskit.ledger.storing import (
    FREEZING,
    delete_answers,
    delete_campaign,
    demand_once,
    demand_unowned,
    store_audience,
)
from smskit.models import Kind, Mode


class Campaigns(LedgerPart):
    """The campaigns of a ledger."""

    def get(self, name: str, mode: Mode) -> CampaignRow | None:
        """The campaign, or None."""
        return next(iter(self.find(name=name, mode=mode)), None)

    def find(
        self,
        *,
        name: str | None = None,
        mode: Mode | None = None,
        provider: str | None = None,
        series: str | None = None,
        damaged: list[LedgerDamaged] | None = None,
    ) -> list[CampaignRow]:
        """
        Campaigns that match, oldest first.

        Args:
            damaged: Gets an error for each of them that is not as it was frozen; None = the first is raised.
        """
        query = sa.select(CAMPAIGN).where(CAMPAIGN.c.state != FREEZING).order_by(CAMPAIGN.c.id)
        for column, value in (
            (CAMPAIGN.c.name, name),
            (CAMPAIGN.c.mode, mode),
            (CAMPAIGN.c.provider, provider),
            (CAMPAIGN.c.series, series),
        ):
            if value is not None:
                query = query.where(column == str(value))
        found = []
        with self._database.read() as conn:
            for row in conn.execute(query):
                try:
                    found.append(CampaignRow.of(row))
                except LedgerDamaged as error:
                    if damaged is None:
                        raise
                    damaged.append(error)
        return found

    def names(self) -> set[str]:
        """The ids of all campaigns, whatever has become of them."""
        with self._database.read() as conn:
            return set(conn.execute(sa.select(CAMPAIGN.c.name)).scalars())

    def make_id(self, name: str, *, kind: Kind, parent: str) -> None:
        """
        Write down what a new id was made from; a campaign of that id is then of that kind, in any mode.

        An id that a campaign has already is no new one: nothing changes.
        """
        with self._database.write() as conn:
            if conn.execute(sa.select(CAMPAIGN.c.id).where(CAMPAIGN.c.name == name)).first() is None:
                conn.execute(MADE_ID.delete().where(MADE_ID.c.name == name))
                conn.execute(MADE_ID.insert().values(name=name, kind=str(kind), parent=parent))

    def made_ids(self) -> dict[str, tuple[Kind, str]]:
        """Id -> (kind, parent) of the ids that were made from another campaign's."""
        with self._database.read() as conn:
            return {row.name: (Kind(row.kind), row.parent) for row in conn.execute(sa.select(MADE_ID))}

    def freeze(
        self,
        *,
        name: str,
        series: str = "",
        mode: Mode,
        provider: str,
        plan_hash: str,
        spec: Mapping[str, Any],
        summary: Mapping[str, Any],
        frozen: Frozen,
        holdout_key: str = "",
        by: str = "",
    ) -> CampaignRow:
        """
        Store a campaign with its audience, in one transaction.

        Its kind and parent are those its id was made with. A plan replaces an
        earlier plan of the same name. Rehearsals and live campaigns start here:
        if another run was faster, its audience stands.

        Args:
            series: "" = its own name.
            holdout_key: Fingerprint of what keeps people back from all marketing; "" = nothing does.
            by: Who plans it; "" = whoever this process works for.

        Returns:
            The campaign that now has this name and mode.

        Raises:
            LedgerError: the plan holds a phone or person twice.
        """
        demand_once(frozen)
        with self._database.write() as conn:
            same = (CAMPAIGN.c.mode == str(mode)) & (CAMPAIGN.c.name == name)
            old = conn.execute(sa.select(CAMPAIGN).where(same)).one_or_none()
            if old is not None and old.state != FREEZING and mode is not Mode.PLAN:
                return CampaignRow.of(old)
            if old is not None:
                demand_unowned(conn, old, self._database.clock())
                delete_campaign(conn, old.id)
            campaign_id = insert_campaign(
                conn,
                self._database,
                name=name,
                series=series,
                mode=mode,
                provider=provider,
                plan_hash=plan_hash,
                holdout_key=holdout_key,
                spec=spec,
                summary=summary,
            )
            store_audience(conn, campaign_id, frozen)
            if mode is Mode.PLAN:
                put_plan(conn, self._database, name, plan_hash, mode=mode, by=by)
        row = self.get(name, mode)
        assert row is not None
        return row

    def forget(
        self, campaign_id: int, *, also: Callable[[sa.Connection, CampaignRow], None] = lambda *_: None
    ) -> None:
        """
        Delete a campaign, its test sends, and all that is known of them. For rehearsals and plans only.

        Args:
            also: Deletes what others keep of a campaign in this database, within the same transaction.
        """
        with self._database.scrub() as conn:
            rows = []
            for found in conn.execute(sa.select(CAMPAIGN)):
                try:
                    rows.append(CampaignRow.of(found))
                except LedgerDamaged:
                    if found.id == campaign_id:
                        raise
            (own,) = (row for row in rows if row.id == campaign_id)
            self._note(conn, Action.FORGET, campaign_id)
            tests = [r for r in rows if (r.mode, r.kind, r.parent) == (own.mode, Kind.TEST, own.name)]
            for each in (own, *tests):
                if each.mode is Mode.REHEARSE:
                    delete_answers(conn, each)
                also(conn, each)
                delete_campaign(conn, each.id)

    def mark(self, campaign_id: int, state: str, *, note: str = "") -> None:
        """
        Set the campaign's state; the first ``running`` and each ``finished`` are timed.

        One that goes on, or that people wait for again, is archived no more.
        """
        values: dict[str, Any] = {"state": state, "note": note}
        if state == "running":
            values |= {"stop_requested": 0, "finished_at": None}
            values["started_at"] = sa.func.coalesce(CAMPAIGN.c.started_at, self._database.clock())
        if state == "finished":
            values["finished_at"] = self._database.clock()
        else:
            values["archived_at"] = None
        with self._database.write() as conn:
            conn.execute(CAMPAIGN.update().where(CAMPAIGN.c.id == campaign_id).values(**values))

    def archive(self, campaign_id: int, *, undo: bool = False) -> None:
        """
        Put a campaign away: lists leave it out, and whoever asks for it by its name is answered as before.

        Args:
            undo: Lists have it again.

        Raises:
            NotArchived: it is live and not finished, or is being sent.
        """
        with self._database.write() as conn:
            row = conn.execute(sa.select(CAMPAIGN).where(CAMPAIGN.c.id == campaign_id)).one_or_none()
            if row is None or (row.archived_at is None) is undo:
                return
            if not undo:
                self._demand_over(conn, row)
            archived_at = None if undo else self._database.clock()
            conn.execute(CAMPAIGN.update().where(CAMPAIGN.c.id == row.id).values(archived_at=archived_at))
            self._note(conn, Action.UNARCHIVE if undo else Action.ARCHIVE, row.id)

    def _demand_over(self, conn: sa.Connection, row: Any) -> None:
        now = self._database.clock()
        held = conn.execute(sa.select(SENDER).where(SENDER.c.campaign_id == row.id))
        if any(works(each, now) for each in held):
            raise NotArchived(
                "campaign {campaign} is being sent, so it cannot be archived; wait until it has ended",
                campaign=row.name,
            )
        if row.mode == Mode.LIVE and row.state != "finished":
            raise NotArchived(
                "campaign {campaign} is live and not finished, so it cannot be archived: somebody still has "
                "to go on with it",
                campaign=row.name,
            )

    def note(self, campaign_id: int, text: str) -> None:
        """Say what a run is at, for people who look at it meanwhile; ``mark`` writes over it."""
        with self._database.write() as conn:
            conn.execute(CAMPAIGN.update().where(CAMPAIGN.c.id == campaign_id).values(note=text))

    def measured(self, campaign_id: int, window: str) -> str:
        """Write down with which window a campaign is measured, if that is the first time; the first one."""
        first = sa.select(CAMPAIGN.c.measured_window).where(CAMPAIGN.c.id == campaign_id)
        with self._database.read() as conn:
            if known := conn.execute(first).scalar():
                return str(known)
        new = (CAMPAIGN.c.id == campaign_id) & (CAMPAIGN.c.measured_window == "")
        with self._database.write() as conn:
            conn.execute(CAMPAIGN.update().where(new).values(measured_window=window))
            return str(conn.execute(first).scalar() or "")

    def request_stop(self, campaign_id: int) -> None:
        """Ask whichever run owns the campaign to stop cleanly; it looks once a second."""
        unasked = (CAMPAIGN.c.id == campaign_id) & (CAMPAIGN.c.stop_requested == 0)
        with self._database.write() as conn:
            if conn.execute(CAMPAIGN.update().where(unasked).values(stop_requested=1)).rowcount:
                self._note(conn, Action.STOP, campaign_id)

    def _note(self, conn: sa.Connection, action: Action, campaign_id: int) -> None:
        row = conn.execute(sa.select(CAMPAIGN).where(CAMPAIGN.c.id == campaign_id)).one_or_none()
        if row is not None:
            about = {"campaign": row.name, "mode": row.mode, "plan_hash": row.plan_hash}
            note(conn, self._database, action, **about)

    def stop_requested(self, campaign_id: int) -> bool:
        """Whether somebody asked for a stop."""
        with self._database.read() as conn:
            query = sa.select(CAMPAIGN.c.stop_requested).where(CAMPAIGN.c.id == campaign_id)
            return bool(conn.execute(query).scalar())


def insert_campaign(
    conn: sa.Connection,
    database: Database,
    *,
    name: str,
    mode: Mode,
    provider: str,
    plan_hash: str,
    spec: Mapping[str, Any],
    summary: Mapping[str, Any],
    series: str = "",
    holdout_key: str = "",
    state: str = "planned",
) -> int:
    """A new campaign without its audience; its kind and parent are those its id was made with."""
    made = conn.execute(sa.select(MADE_ID).where(MADE_ID.c.name == name)).one_or_none()
    now = database.clock()
    planned = {
        "mode": str(mode),
        "name": name,
        "provider": provider,
        "plan_hash": plan_hash,
        "spec": json.dumps(spec, ensure_ascii=False),
        "summary": dumps_data(summary),
    }
    key = conn.execute(
        CAMPAIGN.insert().values(
            **planned,
            plan_sum=plan_sum(planned),
            frozen_hash=plan_hash,
            holdout_key=holdout_key,
            series=series or name,
            kind=str(Kind.CAMPAIGN) if made is None else made.kind,
            parent="" if made is None else made.parent,
            state=state,
            created_at=now,
            started_at=None if mode is Mode.PLAN else now,
        )
    ).inserted_primary_key
    assert key is not None
    return int(key[0])
