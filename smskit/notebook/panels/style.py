"""The panels' style sheet."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["css"]


@cache
def css() -> str:
    """The style sheet in ``style.css``."""
    return files("smskit.notebook.panels").joinpath("style.css").read_text(encoding="utf-8")
