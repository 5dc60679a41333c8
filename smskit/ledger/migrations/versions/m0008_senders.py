"""
Several senders of one campaign: who they are, which chunks each holds, and one pace per account.

A run that holds a lease while this happens has lost it, and stops before its next request.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Senders instead of leases; nothing is counted or booked yet."""
    op.drop_table("lease")
    op.create_table(
        "sender",
        sa.Column("token", sa.String(32), primary_key=True),
        sa.Column("campaign_id", sa.Integer, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("process_started", sa.Float, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.create_index("sender_by_campaign", "sender", ["campaign_id"])
    op.create_table(
        "pace",
        sa.Column("account", sa.String(96), primary_key=True),
        sa.Column("next", sa.Float, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.add_column("progress", sa.Column("sender", sa.String(32), nullable=False, server_default=""))
    op.add_column("progress", sa.Column("unsent", sa.Integer, nullable=False, server_default="-1"))
