"""``CostPanel``: how many parts all messages have, what they cost, and what a shorter text would save."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as w
import pandas as pd

from smskit.i18n.figures import money
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parts import card, frame_table, html, notice, soft, stale, tiles, title
from smskit.notebook.panels.send.base import SendPart
from smskit.notebook.panels.send.preview import PreviewPanel
from smskit.notebook.planner import Planned
from smskit.notebook.send_model import SendModel
from smskit.planning.plan import Plan
from smskit.planning.preview import just_over, part_counts, savings
from smskit.reporting import charts

__all__ = ["CostPanel"]

_SHOWN = 50


class CostPanel(SendPart):
    """
    The figures of the plan, or those frozen when the campaign started.

    Args:
        preview: Where messages are shown.
    """

    def __init__(self, page: Page, model: SendModel, preview: PreviewPanel) -> None:
        super().__init__(page, model)
        self._preview = preview
        self._counting, self._figures, self._over = html(""), html(""), w.HBox()

    def build(self) -> Sequence[w.Widget]:
        self.show_plan()
        return [card(title(self.t("Parts and cost")), self._counting, self._figures, self._over)]

    def show_plan(self) -> None:
        """Show the figures there are; dimmed while others are counted."""
        self._counting.value = soft(self.t("Counting …")) if self.model.planning.busy else ""
        stale(self.is_stale, self._figures, self._over)
        if not self.model.planning.busy:
            self._show_figures()

    def _show_figures(self) -> None:
        now, t = self.model.planning.now, self.t
        plan = now.plan if now else None
        if plan is None:
            self._figures.value = self._sums(now)
            self._over.children = ()
            return
        counts, saved = part_counts(plan), savings(plan)
        figures = self._sums(now)
        picture = charts.parts(counts, t) if len(counts) > 1 else ""
        table = frame_table(
            pd.DataFrame(
                {
                    t("parts each"): counts["parts"],
                    t("how many messages"): counts["messages"],
                    t("cost"): [money(yuan) for yuan in counts["cost"]],
                }
            ),
            label=t("Parts and cost"),
            figures=[t("cost")],
        )
        notices = "".join(notice(text, "warn") for text in map(t.render, plan.notices))
        side = f'<div class="smskit-side">{picture}{table}</div>' if len(counts) else ""
        self._figures.value = figures + notices + side + self._savings(saved)
        self._over.children = self._buttons(plan, saved)

    def _sums(self, planned: Planned | None) -> str:
        t, sums = self.t, planned.sums if planned else None
        if sums is None:
            return ""
        figures = [
            (t("people"), sums.people, ""),
            (t("parts"), sums.parts, ""),
            (t("estimated cost"), money(sums.cost), ""),
            (t("plan hash"), sums.plan_hash, "hash"),
        ]
        return tiles(figures)

    def _savings(self, saved: pd.DataFrame) -> str:
        t = self.t
        if not len(saved):
            return soft(t("No message is just over a part: a shorter text would cost the same."))
        shown = pd.DataFrame(
            {
                t("characters shorter"): saved["shorter"],
                t("messages with a part less"): saved["messages"],
                t("parts saved"): saved["parts"],
                t("cost saved"): [money(yuan) for yuan in saved["cost"]],
            }
        )
        return soft(t("What a shorter text would save:")) + frame_table(
            shown, label=t("What a shorter text would save:"), figures=[t("cost saved")]
        )

    def _buttons(self, plan: Plan, saved: pd.DataFrame) -> Sequence[w.Widget]:
        if not len(saved):
            return ()
        most = int(saved["shorter"].max())
        made = self.button(
            self.t("Show who is just over"),
            lambda: self._preview.show_rows(just_over(plan, most, count=_SHOWN)),
        )
        return (made,)
