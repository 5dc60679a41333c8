"""``StripPanel``: a line on top that says whether messages are real, how many, at what cost, saved or not."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import ipywidgets as w

from smskit.i18n import mark
from smskit.i18n.figures import money
from smskit.models import Mode
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parameters import ParametersPanel
from smskit.notebook.panels.parts import html
from smskit.notebook.panels.send.base import SendPart
from smskit.notebook.send_model import SendModel
from smskit.workspace import May

__all__ = ["StripPanel"]

_MODES = {
    Mode.PLAN: mark("Plan only · nothing is sent"),
    Mode.REHEARSE: mark("Rehearsal · nobody gets a message"),
    Mode.LIVE: mark("Live · messages are really sent"),
}


class StripPanel(SendPart):
    """
    Green for a rehearsal, red where messages are real.

    Args:
        parameters: Knows what is saved, and saves.
    """

    def __init__(self, page: Page, model: SendModel, parameters: ParametersPanel) -> None:
        super().__init__(page, model)
        self._parameters = parameters
        self._line, self._save = html(""), w.Button()
        self.widget.add_class("smskit-strip")
        page.follow(lambda _: self.show_plan())

    def build(self) -> Sequence[w.Widget]:
        self._save = self.button(self.t("Save"), self._parameters.save, tip=self.t("Save parameters"))
        self._save.add_class("smskit-save")
        self.only_for(May.PLAN, self._save)
        self.show_plan()
        return [w.HBox([self._line, self._save], layout=w.Layout(align_items="center", width="100%"))]

    def show_plan(self) -> None:
        """Show what the next click on the sending button would be about."""
        t, mode = self.t, Mode(self.page.draft["mode"])
        told = [f"<b>{escape(t(_MODES[mode]))}</b>", escape(self.page.draft.campaign or t("no campaign id"))]
        told += self._figures()
        if self._parameters.is_unsaved:
            told.append(f"<em>{escape(t('unsaved changes'))}</em>")
        self._save.layout.display = "" if self._parameters.is_unsaved else "none"
        cells = "".join(f"<span>{each}</span>" for each in told)
        self._line.value = f'<div class="smskit-strip-line {mode}" role="status">{cells}</div>'

    def _figures(self) -> list[str]:
        t, planning, now = self.t, self.model.planning, self.model.planning.now
        if planning.error is not None:
            return [t("no plan")]
        sums = now.sums if now else None
        figures = [t("{n:,} people", n=sums.people), t("about {cost}", cost=money(sums.cost))] if sums else []
        if not planning.busy:
            return figures
        return [*(f"<i>{each}</i>" for each in figures), t("counting…")]
