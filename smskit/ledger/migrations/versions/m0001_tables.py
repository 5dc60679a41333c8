"""
The tables as commit 6335d87 had them, which knew no version: those that are missing are made.

Frozen: later changes are migrations of their own.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TABLES = sa.MetaData()

sa.Table(
    "campaign",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("mode", sa.String(16), nullable=False),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("provider", sa.String(64), nullable=False),
    sa.Column("plan_hash", sa.String(64), nullable=False),
    sa.Column("spec", sa.Text, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("started_at", sa.Float),
    sa.Column("finished_at", sa.Float),
    sa.Column("stop_requested", sa.Integer, nullable=False, server_default="0"),
    sa.UniqueConstraint("mode", "name"),
)
sa.Table(
    "canary",
    TABLES,
    sa.Column("campaign_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("begun_at", sa.Float, nullable=False),
    sa.Column("sent_at", sa.Float),
    sa.Column("passed_at", sa.Float),
    sa.Column("told", sa.Text, nullable=False),
)
sa.Table(
    "lease",
    TABLES,
    sa.Column("campaign_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("token", sa.String(32), nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("process_started", sa.Float, nullable=False),
    sa.Column("until", sa.Float, nullable=False),
)


def _chunk_key() -> list[sa.Column[Any]]:
    return [
        sa.Column("campaign_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("chunk", sa.Integer, primary_key=True, autoincrement=False),
    ]


sa.Table(
    "audience",
    TABLES,
    *_chunk_key(),
    sa.Column("phones", sa.LargeBinary, nullable=False),
    sa.Column("persons", sa.LargeBinary, nullable=False),
)
sa.Table(
    "content",
    TABLES,
    *_chunk_key(),
    sa.Column("parts", sa.LargeBinary, nullable=False),
    sa.Column("variables", sa.LargeBinary, nullable=False),
)
sa.Table(
    "progress",
    TABLES,
    *_chunk_key(),
    sa.Column("states", sa.LargeBinary, nullable=False),
)
sa.Table(
    "excluded",
    TABLES,
    *_chunk_key(),
    sa.Column("people", sa.LargeBinary, nullable=False),
)
sa.Table(
    "event",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("campaign_id", sa.Integer, nullable=False),
    sa.Column("chunk", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("positions", sa.LargeBinary, nullable=False),
    sa.Column("states", sa.LargeBinary, nullable=False),
    sa.Column("facts", sa.LargeBinary, nullable=False),
    sa.Index("event_by_chunk", "campaign_id", "chunk", "id"),
    sa.Index("event_by_time", "campaign_id", "at"),
)
sa.Table(
    "inbox",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("provider", sa.String(64), nullable=False),
    sa.Column("mode", sa.String(16), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("received_at", sa.Float, nullable=False),
    sa.Column("handled_at", sa.Float),
)
sa.Table(
    "stray_receipt",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("provider", sa.String(64), nullable=False),
    sa.Column("mode", sa.String(16), nullable=False),
    sa.Column("receipt", sa.LargeBinary, nullable=False),
    sa.Column("received_at", sa.Float, nullable=False),
)
sa.Table(
    "opt_out",
    TABLES,
    sa.Column("phone", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("since", sa.Float, nullable=False),
    sa.Column("source", sa.String(64), nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
)
sa.Table(
    "reply",
    TABLES,
    sa.Column("provider", sa.String(64), primary_key=True),
    sa.Column("mode", sa.String(16), primary_key=True),
    sa.Column("reply_id", sa.String(128), primary_key=True),
    sa.Column("phone", sa.BigInteger, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("at", sa.Float),
    sa.Column("opted_out", sa.Integer, nullable=False),
)

sa.Table(
    "account_check",
    TABLES,
    sa.Column("provider", sa.String(64), primary_key=True),
    sa.Column("mode", sa.String(16), primary_key=True),
    sa.Column("usable", sa.Integer, nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("said", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)
sa.Table(
    "account_offer",
    TABLES,
    sa.Column("provider", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("offer", sa.String(128), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)
sa.Table(
    "counter",
    TABLES,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("value", sa.Integer, nullable=False),
)

sa.Table(
    "run",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("token", sa.String(64), nullable=False, server_default=""),
    sa.Column("campaign", sa.String(120), nullable=False),
    sa.Column("mode", sa.String(16), nullable=False),
    sa.Column("series", sa.String(120), nullable=False),
    sa.Column("provider", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("exit_code", sa.Integer),
    sa.Column("message", sa.Text, nullable=False, server_default=""),
    sa.Column("user", sa.String(255), nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("process_started", sa.Float, nullable=False),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float),
    sa.Column("file", sa.Text, nullable=False, server_default=""),
    sa.Column("notebook", sa.Text, nullable=False, server_default=""),
    sa.Column("executed", sa.Text, nullable=False, server_default=""),
    sa.Column("plan_hash", sa.String(64), nullable=False, server_default=""),
    sa.Column("plan", sa.Text, nullable=False, server_default="null"),
    sa.Column("books", sa.Text, nullable=False, server_default="null"),
    sa.Column("versions", sa.Text, nullable=False, server_default="{}"),
    sa.Column("report", sa.Text, nullable=False, server_default=""),
    sa.Column("told", sa.Text, nullable=False, server_default=""),
    sa.Index("run_by_campaign", "campaign", "mode", "id"),
    sa.Index("run_by_series", "series", "mode", "state"),
)


def upgrade() -> None:
    """Make what is not there."""
    TABLES.create_all(op.get_bind())
