"""
Who was erased: a key of the ledger's own, and keyed hashes made with it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the tables, empty, and a count to each campaign."""
    op.create_table(
        "secret",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.String(64), nullable=False),
    )
    op.create_table(
        "erased",
        sa.Column("who", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.add_column("campaign", sa.Column("erased", sa.Integer, nullable=False, server_default="0"))
