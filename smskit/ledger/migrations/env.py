"""
What alembic runs first: migrations go through the connection of ``version``, within its transaction.
"""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
