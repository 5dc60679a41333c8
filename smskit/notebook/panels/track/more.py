"""The tab of what is needed less often: each a page of its own behind a row of buttons."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as w

from smskit.i18n import mark
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.track.base import Tab
from smskit.notebook.tracker import CampaignSnapshot, Tracker

__all__ = ["MoreTab"]


class MoreTab(Tab):
    """
    Several in one.

    Args:
        tabs: What it is made of.
    """

    heading = mark("More")

    def __init__(self, page: Page, tracker: Tracker, tabs: Sequence[Tab]) -> None:
        self.tabs = list(tabs)
        self.chosen = 0
        self._which, self._stack = w.ToggleButtons(), w.Stack()
        super().__init__(page, tracker)

    @property
    def name(self) -> str:
        """With the figure of whatever in it asks for a person."""
        asking = [tab.name for tab in self.tabs if tab.name != tab.t(tab.heading)]
        return " · ".join([super().name, *asking])

    def build(self) -> Sequence[w.Widget]:
        for tab in self.tabs:
            tab.draw()
        self._which = w.ToggleButtons(options=self._options(), value=self.chosen)
        self._which.style.button_width = "auto"
        self._which.observe(self.attempt(lambda: self.open(self.tabs[self._which.value])), "value")
        self._stack = w.Stack([tab.widget for tab in self.tabs], selected_index=self.chosen)
        return [self._which, self._stack]

    def show(self, seen: CampaignSnapshot) -> None:
        self.seen = seen
        for tab in self.tabs:
            tab.show(seen)
        if self._which.options != self._options():
            with self.showing:
                self._which.options = self._options()
                self._which.value = self.chosen

    def _options(self) -> tuple[tuple[str, int], ...]:
        return tuple((tab.name, n) for n, tab in enumerate(self.tabs))

    def open(self, tab: Tab) -> None:
        """Turn to one of them."""
        if not self.showing.on:
            self.chosen = self._stack.selected_index = self.tabs.index(tab)
            self._which.value = self.chosen
