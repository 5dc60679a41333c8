"""``SendPanel``: the whole of notebook 03 to click through, in the order in which one goes."""

from __future__ import annotations

import ipywidgets as w

from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parameters import ParametersPanel
from smskit.notebook.panels.send.exclusions import ExclusionsPanel
from smskit.notebook.panels.send.limits import LimitsPanel
from smskit.notebook.panels.send.message import MessagePanel
from smskit.notebook.panels.send.preview import PreviewPanel
from smskit.notebook.panels.send.sending import SendingPanel
from smskit.notebook.panels.send.test_send import TrialPanel
from smskit.notebook.send_model import SendDesk

__all__ = ["SendPanel"]


class SendPanel:
    """
    Message, limits and preview, then who is left out, check and test, and sending.

    Args:
        desk: What it shows and changes.
        path: Where the parameters are saved unless a person says otherwise.
    """

    def __init__(self, page: Page, desk: SendDesk, *, path: str = "campaign.yaml") -> None:
        self.page, self.desk = page, desk
        self.limits = LimitsPanel(page, desk)
        self.message = MessagePanel(page, desk, columns_read=self.limits.show_columns)
        self.preview = PreviewPanel(page, desk)
        self.exclusions = ExclusionsPanel(page, desk)
        self.trial = TrialPanel(page, desk)
        self.sending = SendingPanel(page, desk)
        self.parameters = ParametersPanel(page, path=path)
        self.parts = (
            self.message,
            self.limits,
            self.preview,
            self.exclusions,
            self.trial,
            self.sending,
            self.parameters,
        )
        self.widget = w.VBox([part.widget for part in self.parts], layout=w.Layout(width="100%"))

    def __repr__(self) -> str:
        return "SendPanel()"

    def draw(self) -> None:
        """Draw every part and make the first plan."""
        for part in self.parts:
            part.draw()
        self.desk.planning.want()

    def wait(self, timeout_s: float = 60.0) -> bool:
        """Wait for the plan and everything else in the background; whether it all ended."""
        ended = True
        while ended and (self.desk.planning.busy or self.page.is_busy):
            ended = self.desk.planning.wait(timeout_s) and self.page.wait(timeout_s)
        return ended

    def _ipython_display_(self) -> None:
        from IPython.display import display

        self.draw()
        display(self.widget)
