"""``Fold``: widgets under a button that shows and hides them; Tab does not come to an accordion's head."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as w

from smskit.notebook.panels.parts import button

__all__ = ["Fold"]


class Fold:
    """
    Folded away until its head is pressed.

    Args:
        label: Of the head.
        inner: What is folded.
        turned: Called with whether it is open, when somebody pressed the head.
    """

    def __init__(
        self,
        label: str,
        inner: w.DOMWidget,
        *,
        is_open: bool = False,
        turned: Callable[[bool], object] = lambda _: None,
    ) -> None:
        self.head, self.inner, self._turned = button(label), inner, turned
        self.head.add_class("smskit-fold")
        self.widget = w.VBox([self.head, inner])
        self.turn(is_open)
        self.head.on_click(lambda _: self._press())

    def __repr__(self) -> str:
        return f"Fold({self.head.description!r}, {'open' if self.is_open else 'folded'})"

    def turn(self, is_open: bool) -> None:
        """Show what is folded, or hide it."""
        self.is_open = is_open
        self.inner.layout.display = None if is_open else "none"
        (self.head.add_class if is_open else self.head.remove_class)("smskit-open")

    def _press(self) -> None:
        self.turn(not self.is_open)
        self._turned(self.is_open)
