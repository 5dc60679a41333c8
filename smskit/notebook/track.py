"""The notebook's plain steps and panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smskit.host import host_of
from smskit.notebook.base import Base, draft_of

__all__ = ["TrackNotebook", "open_track"]


def open_track(namespace: Mapping[str, Any]) -> TrackNotebook:
    """
    Start the notebook from its parameters; the first call after the parameters cell.

    Args:
        namespace: ``globals()`` of the notebook.

    Raises:
        SpecError: a parameter is unknown or out of range.
    """
    host = host_of()
    return TrackNotebook(draft_of(namespace, host), host=host)


class TrackNotebook(Base):
    """The notebook, opened."""
