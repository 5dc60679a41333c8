"""
When a campaign was archived: lists leave it out since then.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column; none is archived yet."""
    op.add_column("campaign", sa.Column("archived_at", sa.Float))
