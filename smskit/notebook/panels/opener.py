"""``Opener``: opens another notebook beside this one, which no ipywidget can do; shows nothing itself."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import anywidget

__all__ = ["Opener"]


@cache
def _module() -> str:
    return files("smskit.notebook.panels").joinpath("opener.js").read_text(encoding="utf-8")


class Opener(anywidget.AnyWidget):
    """Has to be part of what is shown, in JupyterLab."""

    def __init__(self) -> None:
        self._esm = _module()
        super().__init__()

    def __repr__(self) -> str:
        return "Opener()"

    def show(self, notebook: str) -> None:
        """Open *notebook*, a file's name, in the same JupyterLab."""
        self.send({"open": notebook})
