"""
A checksum beside every blob, and one of what a campaign was frozen with.

Those of an older ledger are of what is found at this moment: damage from before is not seen by them.
"""

from __future__ import annotations

import zlib

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_BLOBS = {
    "audience": ("phones", "persons"),
    "content": ("parts", "variables"),
    "progress": ("states",),
    "excluded": ("people",),
    "ruled_out": ("people",),
    "event": ("positions", "states", "facts"),
}
_PLAN = ("mode", "name", "provider", "plan_hash", "spec", "summary")


def upgrade() -> None:
    """Add the columns and fill them. What the hash of an old audience was is not known: it stays empty."""
    conn = op.get_bind()
    # SQLite's own loop over the rows: a ledger may have millions of events.
    driver = conn.connection.driver_connection
    assert driver is not None
    driver.create_function("smskit_sum", 4, _sum, deterministic=True)
    driver.create_function("smskit_plan_sum", len(_PLAN), _plan_sum, deterministic=True)
    for table, blobs in _BLOBS.items():
        for blob in blobs:
            op.add_column(table, sa.Column(f"{blob}_sum", sa.BigInteger, nullable=False, server_default="0"))
        sums = ", ".join(f"{b}_sum = smskit_sum('{table}.{b}', campaign_id, chunk, {b})" for b in blobs)
        op.execute(f"UPDATE {table} SET {sums}")
    op.add_column("campaign", sa.Column("frozen_hash", sa.String(64), nullable=False, server_default=""))
    op.add_column("campaign", sa.Column("plan_sum", sa.BigInteger, nullable=False, server_default="0"))
    op.execute(f"UPDATE campaign SET plan_sum = smskit_plan_sum({', '.join(_PLAN)})")


def _sum(column: str, campaign_id: int, chunk: int, blob: bytes) -> int:
    return zlib.crc32(blob, zlib.crc32(f"{column} {campaign_id} {chunk}".encode()))


def _plan_sum(*values: str) -> int:
    return zlib.crc32("\n".join(values).encode())
