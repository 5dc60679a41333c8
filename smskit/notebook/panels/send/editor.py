"""``Editor``: a text of several lines that is told while it is typed, and that words can be put into."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import anywidget
import traitlets

__all__ = ["Editor"]


@cache
def _module() -> str:
    return files("smskit.notebook.panels.send").joinpath("editor.js").read_text(encoding="utf-8")


class Editor(anywidget.AnyWidget):
    """
    What no ipywidget can do: ``value`` follows while somebody types, and ``caret`` says where they are.

    Args:
        description: Its label.
        placeholder: What an empty one shows.
    """

    value = traitlets.Unicode().tag(sync=True)
    description = traitlets.Unicode().tag(sync=True)
    placeholder = traitlets.Unicode().tag(sync=True)
    caret = traitlets.Int().tag(sync=True)  # in UTF-16 units, as browsers count

    def __init__(self, description: str, *, value: str = "", placeholder: str = "") -> None:
        self._esm = _module()
        end = len(value.encode("utf-16-le")) // 2
        super().__init__(description=description, value=value, placeholder=placeholder, caret=end)

    def __repr__(self) -> str:
        return f"Editor({self.description})"

    def insert(self, text: str) -> None:
        """Put *text* where the caret stands, and the caret behind it."""
        before = self.value.encode("utf-16-le")
        at = min(2 * self.caret, len(before))
        self.caret = at // 2 + len(text.encode("utf-16-le")) // 2
        self.value = (before[:at] + text.encode("utf-16-le") + before[at:]).decode("utf-16-le", "replace")
