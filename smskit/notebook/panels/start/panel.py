"""The start panel as a whole: everything is counted in the background, and shown when it is there."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as w

from smskit.ledger import ApprovalRow
from smskit.notebook.accounts import Account
from smskit.notebook.home import Home, Planned
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.start.campaigns import CampaignsPanel
from smskit.notebook.panels.start.coming import ComingPanel
from smskit.notebook.panels.start.compare import ComparePanel, SeriesPanel
from smskit.notebook.panels.start.providers import ProvidersPanel
from smskit.reporting.delivery import Overview

__all__ = ["StartPanel"]


class StartPanel(Panel):
    """
    Where one begins.

    Args:
        home: What is shown; the same object serves plain cells.
        series: The one to show over its occurrences; "" = the newest.
    """

    def __init__(self, page: Page, home: Home, *, series: str = "") -> None:
        super().__init__(page)
        self.home = home
        self.campaigns = CampaignsPanel(page, home.archive, self.refresh)
        self.compare, self.series = ComparePanel(page), SeriesPanel(page, wanted=series)
        self.providers, self.coming = ProvidersPanel(page, home), ComingPanel(page, home)
        self.refresh()

    def build(self) -> Sequence[w.Widget]:
        sections = (self.campaigns, self.compare, self.series, self.providers, self.coming)
        for each in sections:
            each.draw()
        return [each.widget for each in sections]

    def refresh(self) -> None:
        """Count and read everything anew, in the background."""
        self.campaigns.dim(True)
        tests = self.campaigns.tests
        self.start("count", lambda: (self.home.overview(tests=tests), self.home.waiting()), self._counted)
        self.start("read", lambda: (self.home.accounts(), self.home.upcoming()), self._read)

    def _counted(self, found: tuple[Overview, Sequence[ApprovalRow]]) -> None:
        seen, waiting = found
        self.campaigns.dim(False)
        self.campaigns.show(seen, waiting)
        self.compare.show(seen)
        self.series.show(seen)

    def _read(self, found: tuple[Sequence[Account], Sequence[Planned]]) -> None:
        accounts, planned = found
        self.providers.show(accounts)
        self.coming.show(planned)
