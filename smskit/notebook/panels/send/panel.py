"""``SendPanel``: the whole of notebook 03 to click through, in the order in which one goes."""

from __future__ import annotations

import ipywidgets as w

from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parameters import ParametersPanel
from smskit.notebook.panels.send.another import AnotherTextPanel
from smskit.notebook.panels.send.cost import CostPanel
from smskit.notebook.panels.send.exclusions import ExclusionsPanel
from smskit.notebook.panels.send.for_test_phones import TestSendPanel
from smskit.notebook.panels.send.holdout import HoldoutPanel
from smskit.notebook.panels.send.limits import LimitsPanel
from smskit.notebook.panels.send.message import MessagePanel
from smskit.notebook.panels.send.preview import PreviewPanel
from smskit.notebook.panels.send.schedule import SchedulePanel
from smskit.notebook.panels.send.sending import SendingPanel
from smskit.notebook.panels.send.strip import StripPanel
from smskit.notebook.send_model import SendModel

__all__ = ["SendPanel"]


class SendPanel:
    """
    Message, limits, check, test and sending in one column; one message and who gets none stay beside it.

    Args:
        model: What it shows and changes.
    """

    def __init__(self, page: Page, model: SendModel) -> None:
        self.page, self.model = page, model
        self.limits = LimitsPanel(page, model)
        self.message = MessagePanel(page, model, columns_read=self.limits.show_columns)
        self.preview = PreviewPanel(page, model)
        self.cost = CostPanel(page, model, self.preview)
        self.holdout, self.another = HoldoutPanel(page, model), AnotherTextPanel(page, model)
        self.exclusions = ExclusionsPanel(page, model)
        self.test_send = TestSendPanel(page, model)
        self.parameters = ParametersPanel(page)
        self.schedule = SchedulePanel(page, model, self.parameters)
        self.sending = SendingPanel(page, model, self.parameters)
        self.strip = StripPanel(page, model, self.parameters)
        self.parameters.on_show = self._saved_or_not
        self.parts = (
            self.strip,
            self.message,
            self.another,
            self.limits,
            self.cost,
            self.holdout,
            self.preview,
            self.exclusions,
            self.test_send,
            self.sending,
            self.schedule,
            self.parameters,
        )
        beside = w.VBox([self.preview.widget, self.exclusions.widget])
        beside.add_class("smskit-beside")
        rest = [part.widget for part in self.parts if part not in (self.strip, self.preview, self.exclusions)]
        form = w.VBox(rest)
        form.add_class("smskit-form")
        both = w.Box([form, beside])
        both.add_class("smskit-both")
        self.widget = w.VBox([self.strip.widget, both], layout=w.Layout(width="100%"))
        self.widget.add_class("smskit-sending")

    def __repr__(self) -> str:
        return "SendPanel()"

    def draw(self) -> None:
        """Draw every part and make the first plan."""
        for part in self.parts:
            part.draw()
        self.model.planning.want()

    def _saved_or_not(self) -> None:
        self.strip.show_plan()
        self.schedule.show_plan()

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
        self.page.settle(self.wait)
