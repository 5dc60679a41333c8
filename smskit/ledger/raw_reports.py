"""
What providers report: raw pages as they came, and receipts without a message yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from smskit.ledger.database import LedgerPart
from smskit.ledger.schema import RAW_REPORT, UNMATCHED
from smskit.models import Mode, Receipt

UNMATCHED_DAYS = 7
_FOLDED_WITHIN_S = 60.0  # a page that is younger is likely being worked through


class RawReports(LedgerPart):
    """Pages of reports as they came, until they are worked through."""

    def keep(self, provider: str, mode: Mode, kind: str, body: bytes) -> int:
        """Store a page of reports as it came, before anybody tries to understand it; returns its number."""
        return self.keep_all(mode, [(provider, kind, body)])

    def keep_all(self, mode: Mode, pages: Sequence[tuple[str, str, bytes]]) -> int:
        """`keep` pages, (provider, kind, body) each, in one transaction; returns the number of the last."""
        now = self._database.clock()
        rows = [
            {"provider": provider, "mode": str(mode), "kind": kind, "body": body, "received_at": now}
            for provider, kind, body in pages
        ]
        with self._database.write() as conn:
            conn.execute(RAW_REPORT.insert(), rows)
            return _newest(conn)

    def newest(self) -> int:
        """The number of the page that was stored last; 0 = there is none."""
        with self._database.read() as conn:
            return _newest(conn)

    def open(
        self, provider: str, mode: Mode, kind: str, *, after: int = 0, most: int | None = None
    ) -> list[tuple[int, bytes]]:
        """
        Pages that were stored but not worked through yet, oldest first.

        Args:
            after: Only those with a higher number.
            most: So many; None = all.
        """
        query = sa.select(RAW_REPORT.c.id, RAW_REPORT.c.body).where(
            RAW_REPORT.c.provider == provider,
            RAW_REPORT.c.mode == str(mode),
            RAW_REPORT.c.kind == kind,
            RAW_REPORT.c.handled_at.is_(None),
            RAW_REPORT.c.id > after,
        )
        with self._database.read() as conn:
            return [(row.id, row.body) for row in conn.execute(query.order_by(RAW_REPORT.c.id).limit(most))]

    def close(self, *pages: int, keep: bool = False) -> None:
        """
        Mark pages as worked through; their raw bodies have served their purpose and go.

        Args:
            keep: They have not: some of it could not be read.
        """
        done: dict[str, Any] = {"handled_at": self._database.clock()} | ({} if keep else {"body": b""})
        if pages:
            with self._database.write() as conn:
                conn.execute(
                    RAW_REPORT.update().where(RAW_REPORT.c.id == sa.bindparam("page")).values(**done),
                    [{"page": page} for page in pages],
                )

    def count_unread(self) -> int:
        """How many live pages are kept because they, or some of their rows, could not be read so far."""
        c = RAW_REPORT.c
        late = c.handled_at.is_(None) & (c.received_at < self._database.clock() - _FOLDED_WITHIN_S)
        query = sa.select(sa.func.count()).where(
            c.mode == str(Mode.LIVE), late | (c.handled_at.is_not(None) & (sa.func.length(c.body) > 0))
        )
        with self._database.read() as conn:
            return int(conn.execute(query).scalar_one())


def _newest(conn: sa.Connection) -> int:
    return int(conn.execute(sa.select(sa.func.max(RAW_REPORT.c.id))).scalar() or 0)


class Unmatched(LedgerPart):
    """Receipts whose message is not known yet."""

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
