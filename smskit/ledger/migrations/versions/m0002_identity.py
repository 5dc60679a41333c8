"""
Series, kind and parent become columns; what they are of an old ledger is read out of its ids.

Here, and nowhere else, the rules stand by which ids were read before: an occurrence at the
end of an id, ``.test-<time>``, ``.again-<n>``, ``-<n>``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import NamedTuple

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_MONTH, _DAY = "(?:0[1-9]|1[0-2])", "(?:0[1-9]|[12][0-9]|3[01])"
_HOUR, _SIXTIETH = "(?:[01][0-9]|2[0-3])", "[0-5][0-9]"
_OCCURRENCE = re.compile(
    rf"""
    (?<![0-9])20[0-9]{{2}}
    (?: -?[Ww](?:0[1-9]|[1-4][0-9]|5[0-3])
      | -?[Qq][1-4]
      | (?: -{_MONTH} | {_MONTH}
          | (?: -{_MONTH}-{_DAY} | {_MONTH}{_DAY} )
            (?: (?: [Tt]{_HOUR}
                  | [Tt_-]{_HOUR}:?{_SIXTIETH}(?: :?{_SIXTIETH}(?: \.[0-9]{{1,9}} )? )?
                )
                (?: [Zz] | [+-]{_HOUR}:?{_SIXTIETH} )?
            )?
        )
    )\Z
    """,
    re.VERBOSE,
)
# kind -> its ids, and how much of the parent's id they kept
_MADE = {
    "test": (re.compile(r"(?P<parent>.+)\.test-\d{8}T\d{6}"), 90),
    "follow_up": (re.compile(r"(?P<parent>.+)\.again-[1-9]\d*"), 100),
    "copy": (re.compile(r"(?P<parent>.+?)-(?:[2-9]|[1-9]\d{1,2})"), 114),
}


class Identity(NamedTuple):
    """What an id said."""

    series: str
    kind: str
    parent: str


def identity_of(name: str, names: Collection[str]) -> Identity:
    """
    What the id *name* meant among *names*, the ids of its ledger.

    A test send of a campaign that is not there is one all the same; a follow-up or a copy is one only
    where its parent is, since anybody may call a campaign so.
    """
    for kind, (pattern, kept) in _MADE.items():
        if found := pattern.fullmatch(name):
            begins = found["parent"]
            parents = [n for n in sorted(names) if n[:kept] == begins and n != name]
            if parents or kind == "test":
                return Identity(name, kind, parents[0] if parents else begins)
    return Identity(series_of(name), "campaign", "")


def series_of(name: str) -> str:
    """The id without the one occurrence it may end in: ``weekly-vip-2026-W47`` -> ``weekly-vip``."""
    found = _OCCURRENCE.search(name)
    return (name[: found.start()].rstrip("-_.:+") or name) if found else name


def upgrade() -> None:
    """Add the columns and fill them."""
    op.add_column("campaign", sa.Column("series", sa.String(120), nullable=False, server_default=""))
    op.add_column("campaign", sa.Column("kind", sa.String(16), nullable=False, server_default="campaign"))
    op.add_column("campaign", sa.Column("parent", sa.String(120), nullable=False, server_default=""))
    made_id = op.create_table(
        "made_id",
        sa.Column("name", sa.String(120), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("parent", sa.String(120), nullable=False),
    )
    fields = ("id", "name", "spec", "series", "kind", "parent")
    campaign = sa.table("campaign", *(sa.column(name) for name in fields))
    conn = op.get_bind()
    rows = conn.execute(sa.select(campaign.c.id, campaign.c.name, campaign.c.spec)).all()
    known = {name: identity_of(name, {row.name for row in rows}) for name in {row.name for row in rows}}
    for row in rows:
        found, spec = known[row.name], json.loads(row.spec)
        if found.series != row.name:
            spec["series"] = found.series  # a campaign that is opened from the ledger stays one of it
        values = found._asdict() | {"spec": json.dumps(spec, ensure_ascii=False)}
        conn.execute(campaign.update().where(campaign.c.id == row.id).values(values))
    made = [{"name": n, "kind": i.kind, "parent": i.parent} for n, i in sorted(known.items()) if i.parent]
    if made:
        conn.execute(made_id.insert(), made)
