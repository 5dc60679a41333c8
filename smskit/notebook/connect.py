"""The notebook's plain steps and panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smskit.host import host_of
from smskit.notebook.base import Base, draft_of

__all__ = ["ConnectNotebook", "open_connect"]


def open_connect(namespace: Mapping[str, Any]) -> ConnectNotebook:
    """
    Start the notebook from its parameters; the first call after the parameters cell.

    Args:
        namespace: ``globals()`` of the notebook.

    Raises:
        SpecError: a parameter is unknown or out of range.
    """
    host = host_of()
    return ConnectNotebook(draft_of(namespace, host), host=host)


class ConnectNotebook(Base):
    """The notebook, opened."""
