"""
Canaries: how many of a campaign were sent to first, when that was done, and whether it was good.
"""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from smskit.ledger.database import LedgerPart
from smskit.ledger.schema import CANARY


class CanaryRow(NamedTuple):
    """The canary of one campaign; times are epoch seconds."""

    size: int  # people, fixed before the first of them was sent to
    begun_at: float
    sent_at: float | None  # since when nobody of it waits
    passed_at: float | None
    told: str  # the last judgement, in words


class Canaries(LedgerPart):
    """The canaries of a ledger, by campaign."""

    def get(self, campaign_id: int) -> CanaryRow | None:
        """The campaign's canary, None when none was begun."""
        with self._database.read() as conn:
            row = conn.execute(sa.select(CANARY).where(CANARY.c.campaign_id == campaign_id)).one_or_none()
        if row is None:
            return None
        return CanaryRow(row.size, row.begun_at, row.sent_at, row.passed_at, row.told)

    def begin(self, campaign_id: int, *, size: int, at: float) -> None:
        """Write down how many are to be sent to first; before any of them is."""
        with self._database.write() as conn:
            conn.execute(CANARY.insert().values(campaign_id=campaign_id, size=size, begun_at=at, told=""))

    def change(
        self,
        campaign_id: int,
        *,
        sent_at: float | None = None,
        passed_at: float | None = None,
        told: str | None = None,
    ) -> None:
        """Write down what is now known; None leaves a thing as it is."""
        values = {"sent_at": sent_at, "passed_at": passed_at, "told": told}
        change = CANARY.update().where(CANARY.c.campaign_id == campaign_id)
        with self._database.write() as conn:
            conn.execute(change.values({name: value for name, value in values.items() if value is not None}))
