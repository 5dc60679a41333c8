"""
A reply keeps how it was read and what a person decided about it; those of before count as they did.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns; a reply was an opt-out or none until now."""
    op.add_column("reply", sa.Column("answer", sa.String(16), nullable=False, server_default="not"))
    op.add_column("reply", sa.Column("kept_at", sa.Float))
    op.add_column("reply", sa.Column("decided", sa.String(16), nullable=False, server_default=""))
    op.add_column("reply", sa.Column("decided_by", sa.String(255), nullable=False, server_default=""))
    op.add_column("reply", sa.Column("decided_at", sa.Float))
    op.execute("UPDATE reply SET answer = 'opt-out' WHERE opted_out = 1")
    op.create_index("reply_by_answer", "reply", ["answer", "decided"])
    op.create_index("reply_by_phone", "reply", ["phone"])
