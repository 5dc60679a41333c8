"""
An audience that is written down piece by piece, and counts once all of it is there.

One transaction for a large audience would keep the write lock for minutes. So the campaign is *freezing*
while its chunks are written, in which state nobody but this room sees it; it is sealed at the end. Who
freezes owns it by a lease, as a run does: one that died leaves rows that whoever freezes it next deletes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa

from smskit.errors import LedgerError
from smskit.ledger.approvals import put_plan
from smskit.ledger.campaigns import insert_campaign
from smskit.ledger.changes import prove
from smskit.ledger.database import Database
from smskit.ledger.schema import AUDIENCE, CAMPAIGN, CONTENT, EXCLUDED, PROGRESS, RULED_OUT
from smskit.ledger.senders import Senders
from smskit.ledger.storing import FREEZING, delete_campaign, demand_unowned
from smskit.models import Mode

__all__ = ["Staged", "Staging"]

_TABLES: Final = {table.name: table for table in (AUDIENCE, CONTENT, PROGRESS, EXCLUDED, RULED_OUT)}


class Staged:
    """A campaign that is being frozen by this process."""

    def __init__(self, database: Database, campaign_id: int, token: str) -> None:
        self.id = campaign_id
        self._database, self._token = database, token

    def put(self, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """
        Write some rows down, in one transaction; those that stand there with their keys are replaced.

        Args:
            rows: Of which table each, and its values; see `storing.audience_rows`.

        Raises:
            LedgerLocked: somebody else freezes this campaign.
        """
        rows = list(rows)
        with self._database.write() as conn:
            self._prove(conn)
            for name, values in rows:
                table = _TABLES[name]
                key = (table.c.campaign_id == self.id) & (table.c.chunk == values["chunk"])
                conn.execute(table.delete().where(key))
                conn.execute(table.insert().values(**values))

    def seal(self, *, chunks: int, planned: int, mode: Mode, by: str = "") -> None:
        """
        Let the campaign count.

        Args:
            chunks: How many of people there are, numbered from 0.
            by: Who plans it; "" = whoever this process works for.

        Raises:
            LedgerError: not everybody is there.
            LedgerLocked: somebody else freezes this campaign.
        """
        with self._database.write() as conn:
            self._prove(conn)
            here = PROGRESS.c.campaign_id == self.id
            counts = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(PROGRESS.c.unsent), 0))
            found = tuple(conn.execute(counts.where(here)).one())
            last = conn.execute(sa.select(sa.func.max(PROGRESS.c.chunk)).where(here)).scalar()
            if found != (chunks, planned) or (last is not None and last != chunks - 1):
                raise LedgerError(
                    "{n:,} of {m:,} people were written down; nothing was frozen, run again",
                    n=int(found[1]),
                    m=planned,
                )
            row = conn.execute(sa.select(CAMPAIGN).where(CAMPAIGN.c.id == self.id)).one()
            conn.execute(CAMPAIGN.update().where(CAMPAIGN.c.id == self.id).values(state="planned"))
            if mode is Mode.PLAN:
                put_plan(conn, self._database, row.name, row.plan_hash, mode=mode, by=by)

    def _prove(self, conn: sa.Connection) -> None:
        now = self._database.clock()
        prove(conn, self._database.hot, self.id, self._token, now, renew=True)


class Staging:
    """Campaigns that are being frozen."""

    def __init__(self, database: Database, senders: Senders) -> None:
        self._database, self._senders = database, senders

    @contextmanager
    def freeze(self, *, name: str, mode: Mode, **planned: Any) -> Iterator[Staged | None]:
        """
        Begin to freeze a campaign, and own it for the length of the block; None = its audience stands.

        A plan replaces an earlier plan of the same name. What is not sealed at the end is deleted.

        Args:
            planned: As `Campaigns.freeze` has it.

        Raises:
            LedgerLocked: somebody else is freezing it.
        """
        with self._database.write() as conn:
            same = (CAMPAIGN.c.mode == str(mode)) & (CAMPAIGN.c.name == name)
            old = conn.execute(sa.select(CAMPAIGN).where(same)).one_or_none()
            stands = old is not None and old.state != FREEZING and mode is not Mode.PLAN
            if old is not None and not stands:
                demand_unowned(conn, old, self._database.clock())
                delete_campaign(conn, old.id)
            campaign_id = (
                0
                if stands
                else insert_campaign(conn, self._database, name=name, mode=mode, state=FREEZING, **planned)
            )
        if stands:
            yield None
            return
        with self._senders.hold(campaign_id) as token:
            try:
                yield Staged(self._database, campaign_id, token)
            finally:
                self._drop(campaign_id)

    def _drop(self, campaign_id: int) -> None:
        """Delete the campaign unless it was sealed."""
        with self._database.write() as conn:
            open_ = (CAMPAIGN.c.id == campaign_id) & (CAMPAIGN.c.state == FREEZING)
            if conn.execute(sa.select(CAMPAIGN.c.id).where(open_)).first() is not None:
                delete_campaign(conn, campaign_id)
