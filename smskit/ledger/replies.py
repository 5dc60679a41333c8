"""
What people wrote back, how it was read, and what a person decided where that was doubtful.

A doubtful reply counts as a no by itself, until somebody decides: it is on no list, so that to decide
"not an opt-out" takes away what this reply did and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from smskit.ledger.audit import Action, note
from smskit.ledger.database import LedgerPart
from smskit.ledger.opt_outs import UNDECIDED, count_up, put
from smskit.ledger.records import ReplyRow
from smskit.ledger.schema import REPLY
from smskit.models import Answer, Mode, Reply


class Replies(LedgerPart):
    """The replies of a ledger."""

    def keep(self, provider: str, mode: Mode, replies: Sequence[tuple[Reply, int, Answer]]) -> int:
        """Store (reply, phone, how it was read), each once; returns how many were new."""
        new, doubtful = 0, False
        with self._database.write() as conn:
            for reply, phone, answer in replies:
                key = {"provider": provider, "mode": str(mode), "reply_id": reply.reply_id}
                where = sa.and_(*(REPLY.c[name] == value for name, value in key.items()))
                if conn.execute(sa.select(REPLY.c.phone).where(where)).first() is None:
                    values = {
                        "phone": phone,
                        "text": reply.text,
                        "at": reply.at.timestamp() if reply.at else None,
                        "answer": answer.value,
                        "opted_out": int(answer is not Answer.NOT),
                        "kept_at": self._database.clock(),
                    }
                    conn.execute(REPLY.insert().values(**key, **values))
                    new += 1
                    doubtful |= answer is Answer.DOUBTFUL
            if doubtful and mode is Mode.LIVE:
                count_up(conn, "opt_out")
        return new

    def find(self, provider: str, mode: Mode, *, since: float = 0.0) -> list[ReplyRow]:
        """Stored replies that came at or after *since* (those without a time too), newest first."""
        return self._rows(
            REPLY.c.provider == provider,
            REPLY.c.mode == str(mode),
            sa.or_(REPLY.c.at >= since, REPLY.c.at.is_(None)),
        )

    def of_phone(self, phone: int) -> list[ReplyRow]:
        """What the person of *phone* wrote back to live campaigns, newest first."""
        return self._rows(REPLY.c.phone == phone, REPLY.c.mode == str(Mode.LIVE))

    def undecided(self, mode: Mode = Mode.LIVE) -> list[ReplyRow]:
        """Doubtful replies that nobody has decided about, newest first."""
        return self._rows(*UNDECIDED, REPLY.c.mode == str(mode))

    def count_undecided(self, mode: Mode = Mode.LIVE) -> int:
        """How many there are."""
        query = sa.select(sa.func.count()).where(*UNDECIDED, REPLY.c.mode == str(mode))
        with self._database.read() as conn:
            return int(conn.execute(query).scalar_one())

    def decide(self, replies: Sequence[ReplyRow], *, opted_out: bool, by: str) -> int:
        """
        A person's word on doubtful *replies*: an opt-out goes on the list, another counts for nothing.

        Args:
            by: Who decides; kept with the time.

        Returns:
            How many were still undecided; others stay as they are.
        """
        done, now = 0, self._database.clock()
        word = {"opted_out": int(opted_out), "decided": str(Answer.OPT_OUT if opted_out else Answer.NOT)}
        with self._database.write() as conn:
            for reply in replies:
                key = (reply.provider, str(reply.mode), reply.reply_id)
                own = [column == value for column, value in zip(REPLY.primary_key, key, strict=True)]
                values = word | {"decided_by": by, "decided_at": now}
                if not conn.execute(REPLY.update().where(*own, *UNDECIDED).values(**values)).rowcount:
                    continue
                done += 1
                if opted_out and reply.mode is Mode.LIVE:
                    put(conn, [reply.phone], since=reply.kept_at or now, source=f"reply:{reply.provider}")
            count_up(conn, "opt_out")
            if done:
                note(
                    conn,
                    self._database,
                    Action.OPT_OUT_DECIDE,
                    mode=replies[0].mode,
                    by=by,
                    replies=done,
                    decided=word["decided"],
                )
        return done

    def _rows(self, *where: Any) -> list[ReplyRow]:
        query = sa.select(REPLY).where(*where).order_by(REPLY.c.at.desc().nulls_last(), REPLY.c.reply_id)
        with self._database.read() as conn:
            return [_row(row) for row in conn.execute(query)]


def _row(row: Any) -> ReplyRow:
    key = f"{row.provider}\0{row.mode}\0{row.reply_id}"
    return ReplyRow(
        row.phone,
        row.text,
        row.at,
        bool(row.opted_out),
        id=hashlib.sha256(key.encode()).hexdigest()[:8],
        provider=row.provider,
        mode=Mode(row.mode),
        reply_id=row.reply_id,
        answer=Answer(row.answer),
        kept_at=row.kept_at,
        decided=row.decided,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )
