"""
What providers report: raw pages as they came, and receipts without a message yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from smskit.ledger.database import Database
from smskit.ledger.schema import RAW_REPORT, UNMATCHED
from smskit.models import Mode, Receipt

UNMATCHED_DAYS = 7


class RawReports:
    """Pages of reports as they came, until they are worked through."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, provider: str, mode: Mode, kind: str, body: bytes) -> int:
        """Store a page of reports as it came, before anybody tries to understand it."""
        values = {
            "provider": provider,
            "mode": str(mode),
            "kind": kind,
            "body": body,
            "received_at": self._database.clock(),
        }
        with self._database.write() as conn:
            key = conn.execute(RAW_REPORT.insert().values(**values)).inserted_primary_key
        assert key is not None
        return int(key[0])

    def open(self, provider: str, mode: Mode, kind: str) -> list[tuple[int, bytes]]:
        """Pages that were stored but not worked through yet."""
        query = sa.select(RAW_REPORT.c.id, RAW_REPORT.c.body).where(
            RAW_REPORT.c.provider == provider,
            RAW_REPORT.c.mode == str(mode),
            RAW_REPORT.c.kind == kind,
            RAW_REPORT.c.handled_at.is_(None),
        )
        with self._database.read() as conn:
            return [(row.id, row.body) for row in conn.execute(query.order_by(RAW_REPORT.c.id))]

    def close(self, page: int, *, keep: bool = False) -> None:
        """
        Mark a page as worked through; its raw body has served its purpose and goes.

        Args:
            keep: It has not: some of it could not be read.
        """
        done: dict[str, Any] = {"handled_at": self._database.clock()} | ({} if keep else {"body": b""})
        with self._database.write() as conn:
            conn.execute(RAW_REPORT.update().where(RAW_REPORT.c.id == page).values(**done))


class Unmatched:
    """Receipts whose message is not known yet."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, provider: str, mode: Mode, receipts: Sequence[Receipt]) -> None:
        """Keep reports whose message is not known yet, to be tried again later."""
        rows = [
            {
                "provider": provider,
                "mode": str(mode),
                "receipt": orjson.dumps(receipt._asdict()),
                "received_at": self._database.clock(),
            }
            for receipt in receipts
        ]
        if rows:
            with self._database.write() as conn:
                conn.execute(UNMATCHED.insert(), rows)

    def find(self, provider: str, mode: Mode) -> list[tuple[int, Receipt]]:
        """The kept reports with their ids; those older than ``UNMATCHED_DAYS`` are nobody's and go."""
        where = (UNMATCHED.c.provider == provider) & (UNMATCHED.c.mode == str(mode))
        with self._database.write() as conn:
            conn.execute(
                UNMATCHED.delete().where(
                    UNMATCHED.c.received_at < self._database.clock() - UNMATCHED_DAYS * 86400
                )
            )
            rows = conn.execute(sa.select(UNMATCHED.c.id, UNMATCHED.c.receipt).where(where)).all()
        found = []
        for row in rows:
            data = orjson.loads(row.receipt)
            data["at"] = datetime.fromisoformat(data["at"]) if data["at"] else None
            found.append((row.id, Receipt(**data)))
        return found

    def drop(self, ids: Sequence[int]) -> None:
        """Remove kept reports that found their message."""
        if ids:
            with self._database.write() as conn:
                conn.execute(
                    UNMATCHED.delete().where(UNMATCHED.c.id == sa.bindparam("i")), [{"i": i} for i in ids]
                )
