"""``ExclusionsPanel``: from the rows read to the people planned, each step a bar, a button and its rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import ipywidgets as w
import pandas as pd

from smskit.i18n import mark
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parts import card, frame_table, html, notice, soft, stale, title
from smskit.notebook.panels.send.base import REASONS, SendPart
from smskit.notebook.send_model import SendModel
from smskit.planning.preview import WaterfallStep, left_out, waterfall, waterfall_kept

__all__ = ["ExclusionsPanel"]

_ROWS = 50


class ExclusionsPanel(SendPart):
    """The waterfall of exclusions; a click on a step shows whom it left out."""

    def __init__(self, page: Page, model: SendModel) -> None:
        super().__init__(page, model)
        self.opened = ""  # key of the step whose rows are shown
        self._hint = html("")
        self._state, self._steps, self._rows = html(""), w.VBox(), html("")

    def build(self) -> Sequence[w.Widget]:
        self.show_plan()
        head = title(self.t("Who gets no message, and why"))
        legend = (
            f'<div class="smskit-legend"><i class="left"></i>{self.t("rows left")}'
            f'<i class="out"></i>{self.t("rows left out")}</div>'
        )
        return [card(head, self._hint, self._state, html(legend), self._steps, self._rows)]

    def show_plan(self) -> None:
        """Show the steps of the plan there is."""
        self._state.value = self.plan_state()
        stale(self.is_stale, self._steps, self._rows)
        now = self.model.planning.now
        if self.model.planning.busy:
            return
        if now is not None and now.plan is not None:
            steps = waterfall(now.plan)
        elif now is not None and now.started is not None:
            steps = waterfall_kept(now.started.summary)
        else:
            self._steps.children, self._rows.value, self._hint.value = (), "", ""
            return
        self._steps.children = [self._step(fall, steps[0].left) for fall in steps]
        self._hint.value = soft(self.t("Press a step to see its rows."))
        if now.plan is None:  # a ledger keeps how many for each step
            self._hint.value = soft(self.t("Why somebody got none is told in notebook 04."))
            for line in self._steps.children:
                line.children[0].disabled = True
            self._rows.value = ""
            return
        if self.opened in {fall.key for fall in steps}:
            self.open(self.opened)
        else:
            self._rows.value = ""

    def _step(self, fall: WaterfallStep, read: int) -> w.Widget:
        made = self.button(self._name(fall), partial(self.open, fall.key), tip=self._tip(fall))
        made.add_class("smskit-step")
        line = w.VBox([made, html(self._bar(fall, read))])
        return line

    def _name(self, fall: WaterfallStep) -> str:
        names = {"read": mark("rows read"), "planned": mark("planned")} | REASONS
        return self.t(names[fall.key]) if fall.key in names else self.t.render(fall.label)

    def _tip(self, fall: WaterfallStep) -> str:
        if fall.key.startswith("rule:"):
            return self.t("left out by a rule of the segment")
        return fall.key  # what engineers call it

    def _bar(self, fall: WaterfallStep, read: int) -> str:
        left, out = (100 * n / max(read, 1) for n in (fall.left, fall.left_out))
        count = f"−{fall.left_out:,} → {fall.left:,}" if fall.left_out else f"{fall.left:,}"
        kept = f'<i class="left" style="width:{left:.2f}%"></i>'
        lost = f'<i class="out" style="width:{out:.2f}%"></i>'
        return f'<div class="smskit-fall"><span class="track">{kept}{lost}</span><b>{count}</b></div>'

    def open(self, key: str) -> None:
        """Show the rows behind a step."""
        self.opened = key
        planned = self.model.planning.now
        if planned is None or planned.plan is None:
            return
        plan, campaign = planned.plan, planned.campaign
        if key.startswith("rule:"):
            self._rows.value = soft(self.t("Reading the segment…"))
            step = int(key.removeprefix("rule:"))
            self.start("rows", lambda: campaign.planner.lost(step, count=_ROWS), self._show)
            return
        frame = left_out(plan, key, count=_ROWS)
        self._show(frame.drop(columns=[c for c in frame.columns if c == "parts"]))

    def _show(self, frame: pd.DataFrame) -> None:
        if not len(frame):
            self._rows.value = notice(self.t("No rows."))
            return
        if "reason" in frame.columns:
            why = frame["reason"].map(lambda r: self.t(REASONS[r]) if r else "")
            frame = frame.assign(reason=frame["reason"] + why.map(lambda text: f": {text}" if text else ""))
        head = soft(self.t("The first {n} rows; phones are masked.", n=len(frame)))
        self._rows.value = head + frame_table(frame, label=self.t("Rows of this step"))
