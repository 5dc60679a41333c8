"""
Plans of live campaigns, and who has approved them: never who planned them.

A plan is known by its hash, so that other people, another text or provider are another plan. Who was first
to plan it has planned it; whoever plans it again, to look at it, may approve it.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from smskit.audience.pseudonyms import pseudonym
from smskit.errors import GuardRefused, InputError
from smskit.ledger.audit import Action, note, whoever
from smskit.ledger.database import Database, LedgerPart
from smskit.ledger.schema import APPROVAL, CAMPAIGN
from smskit.ledger.storing import key_of
from smskit.models import Mode

# Marks that show nothing: joiners and selectors of forms.
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")

__all__ = ["ApprovalRow", "Approvals", "is_same", "plain", "put_plan"]


_MINE = APPROVAL.alias("mine")


class ApprovalRow(NamedTuple):
    """A plan, and what stands of its approval; times are epoch seconds."""

    campaign: str
    plan_hash: str
    planned_by: str
    planned_at: float
    planned_from: str
    approved_by: str
    approved_at: float | None  # None = not yet
    approved_from: str

    @property
    def approved(self) -> bool:
        """Whether somebody else has said yes."""
        return self.approved_at is not None

    def to_data(self) -> dict[str, Any]:
        """The same for programs; times are ISO, UTC."""
        times = {
            name: None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
            for name, at in (("planned_at", self.planned_at), ("approved_at", self.approved_at))
        }
        return self._asdict() | times


def is_same(one: str, other: str) -> bool:
    """Whether two names are of one person, as people read them: in whatever case, width and unseen marks."""
    return plain(one) == plain(other)


def plain(name: str) -> str:
    """A name as `is_same` compares it."""
    seen = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in seen if unicodedata.category(c)[0] not in "CZ" and not _UNSEEN.match(c))


def put_plan(
    conn: sa.Connection, database: Database, campaign: str, plan_hash: str, *, mode: Mode, by: str = ""
) -> None:
    """Write down within a write that somebody planned this; who was first stays."""
    actor = whoever(by)
    note(conn, database, Action.PLAN, campaign=campaign, mode=mode, plan_hash=plan_hash, by=by)
    if conn.execute(sa.select(APPROVAL.c.campaign).where(*_key(campaign, plan_hash))).first() is None:
        planned = {"planned_by": actor.name, "planned_at": database.clock(), "planned_from": actor.place}
        conn.execute(APPROVAL.insert().values(campaign=campaign, plan_hash=plan_hash, **planned))


class Approvals(LedgerPart):
    """The approvals of a ledger."""

    def get(self, campaign: str, plan_hash: str) -> ApprovalRow | None:
        """What stands of a plan; None where nobody has planned it."""
        with self._database.read() as conn:
            return _found(conn, campaign, plan_hash)

    def of(self, campaign: str) -> list[ApprovalRow]:
        """All plans of a campaign, newest first."""
        query = sa.select(APPROVAL).where(APPROVAL.c.campaign == campaign)
        with self._database.read() as conn:
            rows = conn.execute(query.order_by(APPROVAL.c.planned_at.desc()))
            return [ApprovalRow(**row._asdict()) for row in rows]

    def waiting(self, *, last: int = 20) -> list[ApprovalRow]:
        """Of each campaign not begun live its newest plan, where nobody has approved that; newest first."""
        begun = sa.select(CAMPAIGN.c.name).where(CAMPAIGN.c.mode == str(Mode.LIVE))
        newest = sa.select(sa.func.max(APPROVAL.c.planned_at)).where(APPROVAL.c.campaign == _MINE.c.campaign)
        query = (
            sa.select(_MINE)
            .where(_MINE.c.approved_at.is_(None), _MINE.c.campaign.not_in(begun))
            .where(_MINE.c.planned_at == newest.scalar_subquery())
            .order_by(_MINE.c.planned_at.desc())
            .limit(last)
        )
        with self._database.read() as conn:
            return [ApprovalRow(**row._asdict()) for row in conn.execute(query)]

    def plan(self, campaign: str, plan_hash: str, *, by: str = "") -> ApprovalRow:
        """Write down that somebody wants this plan to be sent live; who was first stays."""
        with self._database.write() as conn:
            found = _found(conn, campaign, plan_hash)
            if found is None:
                put_plan(conn, self._database, campaign, plan_hash, mode=Mode.LIVE, by=by)
                found = _found(conn, campaign, plan_hash)
            assert found is not None
            return found

    def approve(self, campaign: str, plan_hash: str, *, by: str = "") -> ApprovalRow:
        """
        Somebody's yes to a plan; a second one changes nothing.

        Args:
            by: Whose it is; "" = whoever this process works for.

        Raises:
            InputError: nobody has planned this.
            GuardRefused: it is who planned it, or nobody knows who it is.
        """
        actor = whoever(by)
        with self._database.write() as conn:
            found = _found(conn, campaign, plan_hash)
            if found is None:
                raise InputError(
                    "nobody has planned {hash} for campaign {campaign}; `smskit status {campaign}` shows "
                    "its plan",
                    hash=plan_hash,
                    campaign=campaign,
                )
            _demand_another(conn, actor.name, found)
            open_ = APPROVAL.update().where(*_key(campaign, plan_hash), APPROVAL.c.approved_at.is_(None))
            said = {"approved_by": actor.name, "approved_from": actor.place}
            if conn.execute(open_.values(approved_at=self._database.clock(), **said)).rowcount:
                note(
                    conn,
                    self._database,
                    Action.APPROVE,
                    campaign=campaign,
                    mode=Mode.LIVE,
                    plan_hash=plan_hash,
                    by=by,
                    planned_by=found.planned_by,
                )
                found = _found(conn, campaign, plan_hash)
            assert found is not None
            return found


def _demand_another(conn: sa.Connection, name: str, found: ApprovalRow) -> None:
    """Refuse who planned it, also where they have been erased since, and who nobody knows."""
    if not plain(name) or not plain(found.planned_by):
        raise GuardRefused("not approved: nobody knows who you are or who planned it; set SMSKIT_USER")
    key = key_of(conn)
    erased = pseudonym(plain(name), key) if key else ""
    if is_same(name, found.planned_by) or found.planned_by == erased:
        raise GuardRefused(
            "not approved: {who} planned {hash}, and somebody else has to approve it",
            who=name,
            hash=found.plan_hash,
        )


def _key(campaign: str, plan_hash: str) -> tuple[Any, ...]:
    return APPROVAL.c.campaign == campaign, APPROVAL.c.plan_hash == plan_hash


def _found(conn: sa.Connection, campaign: str, plan_hash: str) -> ApprovalRow | None:
    row = conn.execute(sa.select(APPROVAL).where(*_key(campaign, plan_hash))).one_or_none()
    return None if row is None else ApprovalRow(**row._asdict())
