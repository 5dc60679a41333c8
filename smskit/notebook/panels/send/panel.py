"""``SendPanel``: the whole of notebook 03 to click through, in the order in which one goes."""

from __future__ import annotations

import ipywidgets as w

from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parameters import ParametersPanel
from smskit.notebook.panels.send.exclusions import ExclusionsPanel
from smskit.notebook.panels.send.for_test_phones import TestSendPanel
from smskit.notebook.panels.send.limits import LimitsPanel
from smskit.notebook.panels.send.message import MessagePanel
from smskit.notebook.panels.send.preview import PreviewPanel
from smskit.notebook.panels.send.sending import SendingPanel
from smskit.notebook.panels.send.strip import StripPanel
from smskit.notebook.send_model import SendModel

__all__ = ["SendPanel"]


class SendPanel:
    """
    Message, limits and preview, then who is left out, check and test, and sending.

    Args:
        model: What it shows and changes.
        path: Where the parameters are saved unless a person says otherwise.
    """

    def __init__(self, page: Page, model: SendModel, *, path: str = "campaign.yaml") -> None:
        self.page, self.model = page, model
        self.limits = LimitsPanel(page, model)
        self.message = MessagePanel(page, model, columns_read=self.limits.show_columns)
        self.preview = PreviewPanel(page, model)
        self.exclusions = ExclusionsPanel(page, model)
        self.test_send = TestSendPanel(page, model)
        self.parameters = ParametersPanel(page, path=path)
        self.sending = SendingPanel(page, model, self.parameters)
        self.strip = StripPanel(page, model, self.parameters)
        self.parts = (
            self.strip,
            self.message,
            self.limits,
            self.preview,
            self.exclusions,
            self.test_send,
            self.sending,
            self.parameters,
        )
        self.widget = w.VBox([part.widget for part in self.parts], layout=w.Layout(width="100%"))
        self.widget.add_class("smskit-sending")

    def __repr__(self) -> str:
        return "SendPanel()"

    def draw(self) -> None:
        """Draw every part and make the first plan."""
        for part in self.parts:
            part.draw()
        self.model.planning.want()

    def wait(self, timeout_s: float = 60.0) -> bool:
        """Wait for the plan and everything else in the background; whether it all ended."""
        ended = True
        while ended and (self.model.planning.busy or self.page.is_busy):
            ended = self.model.planning.wait(timeout_s) and self.page.wait(timeout_s)
        return ended

    def _ipython_display_(self) -> None:
        from IPython.display import display

        self.draw()
        display(self.widget)
