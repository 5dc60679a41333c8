"""
Tables for who approved which plan, and for who did what. Of what was done before nobody is named.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from smskit.ledger.schema import ONLY_ADDED

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the tables, empty, and what keeps the second from being changed."""
    op.create_table(
        "approval",
        sa.Column("campaign", sa.String(120), primary_key=True),
        sa.Column("plan_hash", sa.String(64), primary_key=True),
        sa.Column("planned_by", sa.String(255), nullable=False),
        sa.Column("planned_at", sa.Float, nullable=False),
        sa.Column("planned_from", sa.String(255), nullable=False),
        sa.Column("approved_by", sa.String(255), nullable=False, server_default=""),
        sa.Column("approved_at", sa.Float),
        sa.Column("approved_from", sa.String(255), nullable=False, server_default=""),
    )
    op.create_table(
        "audit",
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("place", sa.String(255), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("campaign", sa.String(120), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("plan_hash", sa.String(64), nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("audit_by_campaign", "audit", ["campaign", "n"])
    for statement in ONLY_ADDED[op.get_bind().dialect.name]:
        op.execute(statement)
