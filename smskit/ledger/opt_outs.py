"""
The people who asked not to be messaged, and a number that tells when that changed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from smskit.ledger.database import Database
from smskit.ledger.schema import COUNTER, OPT_OUT


class OptOuts:
    """The opt-outs of a ledger, by phone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def phones(self) -> NDArray[np.int64]:
        """All phones that opted out, ascending."""
        with self._database.read() as conn:
            found = conn.execute(sa.select(OPT_OUT.c.phone)).scalars().all()
        return np.sort(np.array(found, np.int64))

    def version(self) -> int:
        """A number that changes whenever somebody opts out or is taken off the list."""
        with self._database.read() as conn:
            return int(self._database.hot.opt_outs(conn, {"name": "opt_out"}).scalar() or 0)

    def rows(self) -> list[tuple[int, float, str, str]]:
        """(phone, since, source, note), newest first."""
        with self._database.read() as conn:
            query = sa.select(OPT_OUT).order_by(OPT_OUT.c.since.desc())
            return [(r.phone, r.since, r.source, r.note) for r in conn.execute(query)]

    def add(self, phones: Sequence[int], *, source: str, note: str = "") -> int:
        """Add phones; those already there keep their first date. Returns how many were new."""
        with self._database.write() as conn:
            # Looked up under the write lock: two imports may run at once.
            there = conn.execute(sa.select(OPT_OUT.c.phone)).scalars().all()
            fresh = np.setdiff1d(np.array(phones, np.int64), np.array(there, np.int64))
            rows = [
                {"phone": int(p), "since": self._database.clock(), "source": source, "note": note}
                for p in fresh
            ]
            if rows:
                conn.execute(OPT_OUT.insert(), rows)
                count_up(conn, "opt_out")
        return len(rows)

    def remove(self, phone: int) -> bool:
        """Remove a phone; returns whether it was there."""
        with self._database.write() as conn:
            there = bool(conn.execute(OPT_OUT.delete().where(OPT_OUT.c.phone == phone)).rowcount)
            count_up(conn, "opt_out")
        return there


def count_up(conn: sa.Connection, name: str) -> None:
    here = COUNTER.c.name == name
    if not conn.execute(COUNTER.update().where(here).values(value=COUNTER.c.value + 1)).rowcount:
        conn.execute(COUNTER.insert().values(name=name, value=1))
