"""``Pager``: buttons that lead through a table too long for one page, and words for where one is."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as w

from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import button
from smskit.workspace import May, Workspace

__all__ = ["Pager", "reveal_button"]


class Pager:
    """
    A place in a table.

    Args:
        panel: What the table stands in.
        fetch: Called when another page is wanted.
        size: Rows of a page.
        ends: Whether there are buttons to the first and the last page, too.
    """

    def __init__(self, panel: Panel, fetch: Callable[[], None], *, size: int, ends: bool = True) -> None:
        self._panel, self._fetch, self._ends = panel, fetch, ends
        self.first, self.size, self.total = 0, size, 0
        self.where = w.Label()
        self._back: list[w.Button] = []
        self._on: list[w.Button] = []

    def build(self) -> list[w.Button]:
        """The buttons, in the language of the panel; `where` is made anew, too."""
        t, self.where = self._panel.t, w.Label()
        back = [(t("Previous page"), lambda: self.first - self.size)]
        on = [(t("Next page"), lambda: self.first + self.size)]
        if self._ends:
            back.insert(0, (t("First page"), lambda: 0))
            on.append((t("Last page"), lambda: self._last))
        self._back, self._on = ([self._button(*each) for each in side] for side in (back, on))
        return [*self._back, *self._on]

    def _button(self, label: str, place: Callable[[], int]) -> w.Button:
        made = button(label)
        made.on_click(self._panel.attempt(lambda: self.go(place())))
        return made

    @property
    def _last(self) -> int:
        return max(self.total - 1, 0) // self.size * self.size

    def go(self, first: int) -> None:
        """Fetch the page that begins with row *first*, or the last one there is."""
        self.first = max(min(first, self._last), 0)
        self._fetch()

    def show(self, n: int, total: int, *, rows: str, none: str) -> None:
        """
        Say that *n* of *total* rows are shown.

        Args:
            rows, none: Marked words, the first with ``first``, ``last`` and ``total``.
        """
        self.total, last = total, self.first + n
        t = self._panel.t
        self.where.value = t(rows, first=self.first + 1, last=last, total=total) if total else t(none)
        for side, can in ((self._back, self.first > 0), (self._on, last < total)):
            for each in side:
                each.disabled = not can


def reveal_button(panel: Panel, value: bool, change: Callable[[bool], None]) -> w.ToggleButton:
    """Shows full phones, or masks them again."""
    made = w.ToggleButton(value, description=panel.t("Show full phones"))
    made.tooltip = panel.t("Full phones then stand on this page for everybody who sees it")
    made.layout.width = "auto"
    panel.only_for(May.PLAN, made)
    made.observe(panel.attempt(lambda: change(made.value and Workspace.here().may_plan)), "value")
    return made
