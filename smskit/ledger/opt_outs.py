"""
The people who asked not to be messaged, and a number that tells when that changed.

Those on the list, and those with a doubtful reply that nobody has decided about; see `replies`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from smskit.audience.phones import mask, to_e164
from smskit.ledger import audit
from smskit.ledger.audit import Action
from smskit.ledger.database import LedgerPart
from smskit.ledger.schema import COUNTER, OPT_OUT, REPLY
from smskit.models import Answer, Mode

UNDECIDED = (REPLY.c.answer == Answer.DOUBTFUL.value, REPLY.c.decided == "")
PENDING = (*UNDECIDED, REPLY.c.mode == Mode.LIVE.value)


class OptOutRow(NamedTuple):
    """Who is not messaged, and since when for which reason."""

    phone: int  # E.164 digits
    since: float
    source: str  # "reply:PROVIDER", "doubtful:PROVIDER", "import:FILE", "by hand" ...
    note: str

    def __repr__(self) -> str:
        return f"OptOutRow(since={self.since}, source={self.source!r})"


class OptOuts(LedgerPart):
    """The opt-outs of a ledger, by phone."""

    def phones(self) -> NDArray[np.int64]:
        """All phones that opted out, ascending."""
        pending = sa.select(REPLY.c.phone).where(*PENDING)
        with self._database.read() as conn:
            found = conn.execute(sa.union(sa.select(OPT_OUT.c.phone), pending)).scalars().all()
        return np.sort(np.array(found, np.int64))

    def version(self) -> int:
        """A number that changes whenever somebody opts out or is taken off the list."""
        with self._database.read() as conn:
            return int(self._database.hot.opt_outs(conn, {"counter": "opt_out"}).scalar() or 0)

    def rows(self, phone: int = 0) -> list[OptOutRow]:
        """Everybody, or who has *phone*, newest first; each once."""
        listed, pending = sa.select(OPT_OUT), sa.select(REPLY).where(*PENDING)
        if phone:
            listed, pending = listed.where(OPT_OUT.c.phone == phone), pending.where(REPLY.c.phone == phone)
        with self._database.read() as conn:
            found = [OptOutRow(r.phone, r.since, r.source, r.note) for r in conn.execute(listed)]
            there = {row.phone for row in found}
            for r in conn.execute(pending.order_by(REPLY.c.kept_at)):
                if r.phone not in there:
                    there.add(r.phone)
                    found.append(OptOutRow(r.phone, r.kept_at, f"doubtful:{r.provider}", ""))
        return sorted(found, key=lambda row: row.since, reverse=True)

    def add(self, phones: Sequence[int], *, source: str, note: str = "") -> int:
        """Add phones; those already there keep their first date. Returns how many were new."""
        with self._database.write() as conn:
            new = put(conn, phones, since=self._database.clock(), source=source, note=note)
            if new:
                audit.note(conn, self._database, Action.OPT_OUT_ADD, people=new, source=source)
            return new

    def remove(self, phone: int, *, by: str = "") -> bool:
        """
        Remove a phone, and decide that its doubtful replies are none; returns whether it was there.

        Args:
            by: Who does it, for those replies.
        """
        none = {"decided": Answer.NOT.value, "opted_out": 0, "decided_by": by}
        none |= {"decided_at": self._database.clock()}
        with self._database.write() as conn:
            there = conn.execute(OPT_OUT.delete().where(OPT_OUT.c.phone == phone)).rowcount
            there += conn.execute(
                REPLY.update().where(*PENDING, REPLY.c.phone == phone).values(**none)
            ).rowcount
            count_up(conn, "opt_out")
            if there:
                shown = mask(to_e164(phone))
                audit.note(conn, self._database, Action.OPT_OUT_REMOVE, by=by, phone=shown)
        return bool(there)


def put(conn: sa.Connection, phones: Sequence[int], *, since: float, source: str, note: str = "") -> int:
    """Put phones on the list within a write; returns how many were new."""
    # Looked up under the write lock: two imports may run at once.
    there = conn.execute(sa.select(OPT_OUT.c.phone)).scalars().all()
    fresh = np.setdiff1d(np.array(phones, np.int64), np.array(there, np.int64))
    rows = [{"phone": int(p), "since": since, "source": source, "note": note} for p in fresh]
    if rows:
        conn.execute(OPT_OUT.insert(), rows)
        count_up(conn, "opt_out")
    return len(rows)


def count_up(conn: sa.Connection, name: str) -> None:
    here = COUNTER.c.name == name
    if not conn.execute(COUNTER.update().where(here).values(value=COUNTER.c.value + 1)).rowcount:
        conn.execute(COUNTER.insert().values(name=name, value=1))
