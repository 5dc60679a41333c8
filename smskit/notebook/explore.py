"""The notebook's plain steps and panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smskit.host import host_of
from smskit.notebook.base import Base, draft_of

__all__ = ["ExploreNotebook", "open_explore"]


def open_explore(namespace: Mapping[str, Any]) -> ExploreNotebook:
    """
    Start the notebook from its parameters; the first call after the parameters cell.

    Args:
        namespace: ``globals()`` of the notebook.

    Raises:
        SpecError: a parameter is unknown or out of range.
    """
    host = host_of()
    return ExploreNotebook(draft_of(namespace, host), host=host)


class ExploreNotebook(Base):
    """The notebook, opened."""
