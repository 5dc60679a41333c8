"""
What providers report: raw pages as they came, receipts without a message yet, replies.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from smskit.ledger.database import Database
from smskit.ledger.records import ReplyRow
from smskit.ledger.schema import RAW_REPORT, REPLY, UNMATCHED
from smskit.models import Mode, Receipt, Reply

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


class Replies:
    """What people wrote back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, provider: str, mode: Mode, replies: Sequence[tuple[Reply, int, bool]]) -> int:
        """Store (reply, phone, is an opt-out), each once; returns how many were new."""
        new = 0
        with self._database.write() as conn:
            for reply, phone, opted_out in replies:
                key = {"provider": provider, "mode": str(mode), "reply_id": reply.reply_id}
                where = sa.and_(*(REPLY.c[name] == value for name, value in key.items()))
                if conn.execute(sa.select(REPLY.c.phone).where(where)).first() is None:
                    at = reply.at.timestamp() if reply.at else None
                    values = key | {"phone": phone, "text": reply.text, "at": at, "opted_out": int(opted_out)}
                    conn.execute(REPLY.insert().values(**values))
                    new += 1
        return new

    def find(self, provider: str, mode: Mode, *, since: float = 0.0) -> list[ReplyRow]:
        """Stored replies that came at or after *since* (those without a time too), newest first."""
        query = sa.select(REPLY).where(
            REPLY.c.provider == provider,
            REPLY.c.mode == str(mode),
            sa.or_(REPLY.c.at >= since, REPLY.c.at.is_(None)),
        )
        with self._database.read() as conn:
            rows = conn.execute(query.order_by(REPLY.c.at.desc().nulls_last(), REPLY.c.reply_id)).all()
        return [ReplyRow(r.phone, r.text, r.at, bool(r.opted_out)) for r in rows]
