"""What each tab of the track panel is: a panel about the campaign that was counted last."""

from __future__ import annotations

from collections.abc import Callable

from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.tracker import CampaignSnapshot, Tracker

__all__ = ["ActingTab", "Tab"]


class Tab(Panel):
    """
    A tab.

    Args:
        tracker: The campaign it is about.
    """

    heading = ""  # marked for translation by each tab
    visible = True  # whether it is the one looked at; others do no work that takes long

    def __init__(self, page: Page, tracker: Tracker) -> None:
        self.tracker = tracker
        self.seen: CampaignSnapshot | None = tracker.seen
        super().__init__(page)

    @property
    def name(self) -> str:
        """What stands on the tab."""
        return self.t(self.heading)

    def show(self, seen: CampaignSnapshot) -> None:
        """Show a campaign as it was just counted; a field that somebody types in stays where it is."""
        self.seen = seen
        self.draw()


class ActingTab(Tab):
    """
    A tab on which people change something.

    Args:
        changed: Called when they have.
    """

    def __init__(self, page: Page, tracker: Tracker, changed: Callable[[], None]) -> None:
        self._changed = changed
        super().__init__(page, tracker)
