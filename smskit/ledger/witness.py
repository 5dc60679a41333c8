"""
How far a ledger is, for whoever wants to know later whether it has forgotten something.
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa

from smskit.ledger.database import Database
from smskit.ledger.schema import CAMPAIGN, EVENT, SECRET
from smskit.models import Mode

__all__ = ["Witness"]

_NAME = "ledger"


class Witness:
    """What a ledger says of itself."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._name = ""

    def name(self) -> str:
        """Its own, which every copy of it has; "" of one in memory."""
        if not self._name and self._database.lasts:
            with self._database.read() as conn:
                self._name = _name_of(conn)
            if not self._name:
                with self._database.write() as conn:
                    if not _name_of(conn):
                        conn.execute(SECRET.insert().values(name=_NAME, value=secrets.token_hex(16)))
                    self._name = _name_of(conn)
        return self._name

    def last(self) -> int:
        """The number of the last event of a live campaign; those stay, and their numbers only grow."""
        live = sa.select(CAMPAIGN.c.id).where(CAMPAIGN.c.mode == str(Mode.LIVE))
        query = sa.select(EVENT.c.id).where(EVENT.c.campaign_id.in_(live))
        with self._database.read() as conn:
            return int(conn.execute(query.order_by(EVENT.c.id.desc()).limit(1)).scalar() or 0)


def _name_of(conn: sa.Connection) -> str:
    return str(conn.execute(sa.select(SECRET.c.value).where(SECRET.c.name == _NAME)).scalar() or "")
