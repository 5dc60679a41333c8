"""``Arrival``: running all cells ends at the panel, not at the line of code above it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import anywidget

__all__ = ["Arrival"]


@cache
def _module() -> str:
    return files("smskit.notebook.panels").joinpath("arrival.js").read_text(encoding="utf-8")


class Arrival(anywidget.AnyWidget):
    """Brings the cell that it is shown in to the top of the window, in JupyterLab; elsewhere does nothing."""

    def __init__(self) -> None:
        self._esm = _module()
        super().__init__()

    def __repr__(self) -> str:
        return "Arrival()"
