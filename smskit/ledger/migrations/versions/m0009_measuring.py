"""
What measuring needs of a campaign: by which key people are kept back from all marketing, the first window.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the columns, empty: of an older campaign neither is known."""
    for name in ("holdout_key", "measured_window"):
        op.add_column("campaign", sa.Column(name, sa.String(16), nullable=False, server_default=""))
