"""The panels' style sheet, and the rule that hides the other language."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["css", "hide_other"]


@cache
def css() -> str:
    """The style sheet in ``style.css``."""
    return files("smskit.widgets").joinpath("style.css").read_text(encoding="utf-8")


def hide_other(language: str) -> str:
    """The rule that leaves only *language* of the notebook's two-language texts."""
    other = {"zh": "en", "en": "zh"}[language]
    return f".smskit-{other} {{ display: none !important; }}"
