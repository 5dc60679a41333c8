"""The sections of notebook 01 in their order, and who tells whom that something changed."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as w

from smskit.i18n import mark
from smskit.notebook.connect import ConnectNotebook
from smskit.notebook.panels.connect.check import CheckPanel
from smskit.notebook.panels.connect.credentials import CredentialsPanel
from smskit.notebook.panels.connect.offers import OffersPanel
from smskit.notebook.panels.connect.overview import OverviewPanel
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parameters import ParametersPanel

__all__ = ["ConnectPanel"]


_NEXT = "02_explore_segment.ipynb", mark("Go on to the segment →")


class ConnectPanel(Panel):
    """Connecting a provider, from choosing it to the parameters for the next notebook."""

    def __init__(self, page: Page, notebook: ConnectNotebook) -> None:
        super().__init__(page)
        self.notebook = notebook
        self.overview = OverviewPanel(page, notebook)
        self.credentials = CredentialsPanel(page, notebook, changed=self._account_changed)
        self.check = CheckPanel(page, notebook, changed=self._was_asked)
        self.offers = OffersPanel(page, notebook)
        self.parameters = ParametersPanel(page, then=_NEXT)
        self.sections = (self.overview, self.credentials, self.check, self.offers, self.parameters)
        page.follow(self._draft_changed)

    def build(self) -> Sequence[w.Widget]:
        for section in self.sections:
            section.draw()
        return [section.widget for section in self.sections]

    def _draft_changed(self, names: frozenset[str]) -> None:
        if "provider" in names:
            for section in (self.overview, self.credentials, self.check, self.offers):
                section.tell("")
                section.draw()
        elif names & {"signature", "template_id", "template", "phone"}:
            self.offers.show()

    def _account_changed(self) -> None:
        for section in (self.overview, self.check, self.offers):
            section.tell("")
            section.draw()

    def _was_asked(self) -> None:
        self.credentials.tell("")
        self.overview.draw()
        self.offers.draw()
        if (result := self.notebook.result) and result.usable:
            self.offers.ask_once()
