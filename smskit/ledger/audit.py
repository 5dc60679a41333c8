"""
Who did what: the audit trail, which is only added to.

`note` is the one place that writes an entry; it is called where a thing is done, in the same transaction
where there is one, so that a command, a method and a click leave the same. Each entry holds the hash of
the one before: one that was changed, taken out or put in between shows. How many there are is counted
beside them, so that a missing end shows too. A campaign that is forgotten, or a person who is erased,
leaves the entries as they are; they hold no full phone and no key.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from smskit.audience.phones import words
from smskit.i18n import Message
from smskit.ledger.database import Database, LedgerPart
from smskit.ledger.schema import AUDIT, COUNTER
from smskit.ledger.seals import as_written
from smskit.settings import Environment

__all__ = ["Action", "Actor", "Audit", "Chain", "Entry", "note", "whoever"]

_COUNTED = "audit"
_HASHED = ("n", "at", "who", "place", "action", "campaign", "mode", "plan_hash", "facts", "previous")


class Action(enum.StrEnum):
    """What somebody did."""

    PLAN = "plan"  # for a live run: mode plan, or a live run that waits for approval
    APPROVE = "approve"
    SEND = "send"
    RESUME = "resume"
    STOP = "stop"
    SETTLE = "settle"
    REVEAL = "reveal"  # looked at full phones
    EXPORT = "export"  # wrote full phones to a file
    OPT_OUT_ADD = "opt_out_add"
    OPT_OUT_REMOVE = "opt_out_remove"
    OPT_OUT_DECIDE = "opt_out_decide"
    CREDENTIALS = "credentials"
    ARCHIVE = "archive"
    UNARCHIVE = "unarchive"
    FORGET = "forget"
    ERASE = "erase"


class Actor(NamedTuple):
    """Who does something, and from where."""

    name: str  # "" = nobody knows
    place: str


def whoever(name: str = "") -> Actor:
    """Who this process works for, *name* where it is told; see `Environment.user`."""
    environment = Environment()
    return Actor(words(name or environment.user), words(environment.place))


class Entry(NamedTuple):
    """One thing that somebody did."""

    n: int  # from 1
    at: float
    who: str
    place: str
    action: Action
    campaign: str  # "" = of none
    mode: str
    plan_hash: str
    facts: dict[str, Any]
    previous: str  # the hash of the entry before
    hash: str

    def to_data(self) -> dict[str, Any]:
        """The same for programs; the time is ISO, UTC."""
        at = datetime.fromtimestamp(self.at, UTC).isoformat(timespec="seconds")
        return self._asdict() | {"at": at, "action": str(self.action)}


class Chain(NamedTuple):
    """Whether the trail is whole."""

    entries: int
    head: str  # the hash of the last entry that is right, "" = of none
    broken_at: int | None = None  # the number of the first entry that is not right or not there
    why: Message | str = ""

    @property
    def holds(self) -> bool:
        """Nothing is missing, and nothing was changed."""
        return self.broken_at is None


def note(
    conn: sa.Connection,
    database: Database,
    action: Action,
    *,
    campaign: str = "",
    mode: str = "",
    plan_hash: str = "",
    by: str = "",
    **facts: Any,
) -> None:
    """
    Add an entry within a write.

    Args:
        by: Who does it; "" = whoever this process works for.
        facts: What else is to be known: numbers, and texts, in which phones are masked.
    """
    actor = whoever(by)
    # Counted first: on a server this is the lock that puts those who write at once in a row.
    count = sa.select(COUNTER.c.value).where(COUNTER.c.name == _COUNTED)
    if not conn.execute(
        COUNTER.update().where(COUNTER.c.name == _COUNTED).values(value=COUNTER.c.value + 1)
    ).rowcount:
        conn.execute(COUNTER.insert().values(name=_COUNTED, value=1))
    n = conn.execute(count).scalar_one()
    last = sa.select(AUDIT.c.n, AUDIT.c.hash).order_by(AUDIT.c.n.desc()).limit(1)
    before = conn.execute(last).one_or_none()
    values = {
        # Where entries were taken out the numbers go on behind those that are left.
        "n": max(n, before.n + 1 if before else 1),
        "at": database.clock(),
        "who": actor.name[:255],
        "place": actor.place[:255],
        "action": str(action),
        "campaign": words(campaign)[:120],
        "mode": str(mode),
        "plan_hash": plan_hash,
        "facts": json.dumps(
            {k: words(v) if isinstance(v, str) else v for k, v in facts.items()}, ensure_ascii=False
        ),
        "previous": before.hash if before else "",
    }
    conn.execute(AUDIT.insert().values(**values, hash=_hash(values)))


def _hash(values: Any) -> str:
    told = json.dumps([values[name] for name in _HASHED], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()


class Audit(LedgerPart):
    """The audit trail of a ledger."""

    def note(self, action: Action, **about: Any) -> None:
        """Add an entry in a transaction of its own; see `note`."""
        with self._database.write() as conn:
            note(conn, self._database, action, **about)

    def entries(self, campaign: str = "", *, last: int | None = None) -> list[Entry]:
        """What was done, newest first: to *campaign* in any mode, or all of it."""
        query = sa.select(AUDIT).order_by(AUDIT.c.n.desc()).limit(last)
        if campaign:
            query = query.where(AUDIT.c.campaign == words(campaign))
        with self._database.read() as conn:
            return [_entry(row) for row in conn.execute(query)]

    def verify(self) -> Chain:
        """Look whether every entry is there and as it was written."""
        with self._database.read() as conn:
            counted = conn.execute(sa.select(COUNTER.c.value).where(COUNTER.c.name == _COUNTED)).scalar() or 0
            rows = (row._mapping for row in conn.execute(sa.select(AUDIT).order_by(AUDIT.c.n)))
            return _verified(rows, int(counted))


def _verified(rows: Iterator[Any], counted: int) -> Chain:
    entries, head = 0, ""
    for row in rows:
        n = entries + 1
        if row["n"] != n:
            return Chain(entries, head, n, Message("entry {n} is missing", n=n))
        if row["hash"] != _hash(row):
            return Chain(entries, head, n, Message("entry {n} is not as it was written", n=n))
        if row["previous"] != head:
            why = Message("entry {n} does not follow the one before it, which was changed or exchanged", n=n)
            return Chain(entries, head, n, why)
        entries, head = n, row["hash"]
    if entries != counted:
        n = min(entries, counted) + 1
        why = Message("{m} entries were written and {n} are there", m=counted, n=entries)
        return Chain(entries, head, n, why)
    return Chain(entries, head)


def _entry(row: Any) -> Entry:
    values = row._asdict()
    with as_written(row.campaign, row.mode, f"audit, entry {row.n}"):
        values |= {"action": Action(row.action), "at": float(row.at), "facts": json.loads(row.facts)}
    return Entry(**{name: values[name] for name in Entry._fields})
