"""``Ticks``: several values out of a list, as chips, chosen by ticking instead of with Ctrl held down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import ipywidgets as w
import traitlets

from smskit.i18n import Language, mark
from smskit.notebook.panels.parts import button, html, row, soft

__all__ = ["Ticks"]

_MOST = 30  # ticks shown at once; a search finds the others


class Ticks(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """
    The chosen values with a cross each, and a list to tick that is opened when it is wanted.

    Args:
        options: (words, value), in the order in which they are offered.
        value: Those chosen.

    Attributes:
        value: Those chosen, in the order of the list.
        description: What it is called, for people who do not see it.
    """

    children: Any
    value = traitlets.Tuple()
    description = traitlets.Unicode()

    def __init__(self, t: Language, options: Sequence[tuple[str, str]], value: Sequence[str]) -> None:
        self.t, self.options = t, tuple(options)
        self._chips, self._list = row(), w.VBox()
        self._open = button(t("Choose…"))
        self._open.add_class("smskit-small")
        self._open.on_click(lambda _: self._toggle())
        self._search: w.Text | None = None
        self._boxes = w.VBox()
        self._of: dict[w.Checkbox, str] = {}
        super().__init__([self._chips])
        self.add_class("smskit-ticks")
        self.value = self._ordered(value)
        self._show()
        self.observe(lambda _: self._show(), "value")

    def _ordered(self, chosen: Sequence[str]) -> tuple[str, ...]:
        return tuple(value for _, value in self.options if value in chosen)

    def _set(self, value: str, chosen: bool) -> None:
        self.value = self._ordered([*(v for v in self.value if v != value), *([value] if chosen else [])])

    def _show(self) -> None:
        made: list[w.Widget] = []
        for value in self.value:
            each = button(f"{value} ×", tip=self.t("Remove {name}", name=value))
            each.add_class("smskit-chosen")
            each.on_click(self._taking(value, False))
            made.append(each)
        self._chips.children = (*made, self._open)
        for box in self._boxes.children:
            if isinstance(box, w.Checkbox):
                box.value = self._of[box] in self.value

    def _taking(self, value: str, chosen: bool) -> Callable[[Any], None]:
        return lambda _: self._set(value, chosen)

    # -- the list ------------------------------------------------------------------------------

    def _toggle(self) -> None:
        if len(self.children) > 1:
            self.children = (self._chips,)
            self._open.description = self.t("Choose…")
            return
        self._search = w.Text(placeholder=self.t("search values"), continuous_update=True)
        self._search.layout.width = "220px"
        self._search.description = self.t("Search values")
        self._search.add_class("smskit-quiet")
        self._search.observe(lambda _: self._fill(), "value")
        self._fill()
        self.children = (self._chips, self._search, self._boxes)
        self._open.description = self.t("Done")

    def _fill(self) -> None:
        asked = self._search.value.strip().lower() if self._search is not None else ""
        found = [(words, value) for words, value in self.options if asked in value.lower()]
        made: list[w.Widget] = []
        self._of = {}
        for words, value in found[:_MOST]:
            box = w.Checkbox(value in self.value, description=words, indent=False)
            self._of[box] = value
            box.layout.width = "auto"
            box.observe(partial(self._ticked, value), "value")
            made.append(box)
        if len(found) > _MOST:
            more = mark("and {n:,} more: search for them")
            made.append(html(soft(self.t(more, n=len(found) - _MOST))))
        self._boxes.children = tuple(made)

    def _ticked(self, value: str, change: Any) -> None:
        if change["new"] != (value in self.value):
            self._set(value, change["new"])
