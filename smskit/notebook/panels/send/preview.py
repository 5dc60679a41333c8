"""``PreviewPanel``: messages as they will look on a phone, and what their length costs."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as w
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from smskit.i18n import mark
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parts import (
    bubble,
    button,
    card,
    field,
    frame_table,
    html,
    notice,
    row,
    soft,
    stale,
    tiles,
    title,
)
from smskit.notebook.panels.send.base import REASONS, SendPart
from smskit.notebook.planner import Planned
from smskit.notebook.send_model import SendModel
from smskit.planning.plan import Plan
from smskit.planning.preview import Bubble, Sample, bubbles, find, just_over, part_counts, rows_of, savings
from smskit.reporting import charts

__all__ = ["PreviewPanel"]

SAMPLES = {
    Sample.FIRST: mark("first"),
    Sample.RANDOM: mark("random"),
    Sample.LONGEST: mark("longest"),
    Sample.PROBLEM: mark("left out"),
}
_SHOWN = 4


class PreviewPanel(SendPart):
    """Phone bubbles for the rows one asks for, and the parts and cost of all."""

    def __init__(self, page: Page, model: SendModel) -> None:
        super().__init__(page, model)
        self.sample, self.draw_number = Sample.FIRST, 0
        self.chosen: NDArray[np.int64] | None = None  # rows somebody asked for by name
        self._state, self._bubbles, self._figures = html(""), html(""), html("")
        self._counting, self._over = html(""), w.HBox()

    def build(self) -> Sequence[w.Widget]:
        t = self.t
        samples = w.ToggleButtons(
            options=[(t(words), str(sample)) for sample, words in SAMPLES.items()],
            value=None if self.chosen is not None else str(self.sample),
            style={"button_width": "88px"},
        )
        samples.observe(self.attempt(lambda: self.show(Sample(samples.value))), "value")
        again = button(t("Show others"))
        again.on_click(self.attempt(self.another))
        who = field(w.Text, t("User id or phone"), value="", continuous_update=False)

        def search() -> None:
            # What was typed may be a phone, and widget values are saved with the notebook.
            typed, who.value = who.value, ""
            if typed.strip():
                self.search(typed)

        who.observe(self.attempt(search), "value")
        self.show_plan()
        return [
            card(
                title(t("Preview"), t("Byte for byte what will be sent; phones are masked.")),
                self._state,
                row(samples, again),
                who,
                self._bubbles,
            ),
            card(title(t("Parts and cost")), self._counting, self._figures, self._over),
        ]

    # -- choosing --------------------------------------------------------------------------

    def show(self, sample: Sample) -> None:
        """Show rows of this kind."""
        self.sample, self.chosen = sample, None
        self.tell("")
        self._show_bubbles()

    def another(self) -> None:
        """Draw other random rows."""
        self.sample, self.chosen = Sample.RANDOM, None
        self.draw_number += 1
        self.draw()

    def search(self, who: str) -> None:
        """Show the rows of one person or phone."""
        plan = self._plan()
        if plan is not None:
            self.show_rows(find(plan, who))

    def show_rows(self, rows: NDArray[np.int64]) -> None:
        """Show exactly these rows of the plan."""
        self.chosen = rows
        self.tell("")
        self.draw()

    def _plan(self) -> Plan | None:
        now = self.model.planning.now
        return None if now is None else now.plan

    # -- showing -----------------------------------------------------------------------------

    def show_plan(self) -> None:
        """Show the plan there is, or why there is none."""
        self._state.value = self.plan_state()
        self._counting.value = soft(self.t("Counting …")) if self.model.planning.busy else ""
        stale(self.is_stale, self._bubbles, self._figures, self._over)
        if not self.model.planning.busy:
            self._show_bubbles()
            self._show_figures()

    def _show_bubbles(self) -> None:
        plan = self._plan()
        if plan is None:
            self._bubbles.value = ""
            return
        if self.chosen is not None and len(self.chosen) and int(self.chosen.max()) >= len(plan):
            self.chosen = None  # rows of a plan that is gone
        rows = self.chosen
        if rows is None:
            most = len(plan.excluded) if self.sample is Sample.PROBLEM else _SHOWN
            rows = rows_of(plan, self.sample, count=most, draw=self.draw_number)
        made = "".join(self._bubble(plan, each) for each in bubbles(plan, rows))
        empty = (
            self.t("Nobody is left out.") if self.sample is Sample.PROBLEM else self.t("Nobody is planned.")
        )
        self._bubbles.value = f'<div class="smskit-bubbles">{made}</div>' if made else notice(empty)

    def _bubble(self, plan: Plan, each: Bubble) -> str:
        t = self.t
        who = " · ".join(filter(None, [each.user_id, each.phone]))
        if each.reason:
            words = f"{t('No message')}: {t(REASONS[each.reason])}"
            return bubble(who, each.text or "—", words)
        foot = t("{units} characters · parts: {parts}", units=each.units, parts=each.parts)
        if each.over:
            foot += " · " + t("{over} over", over=each.over)
        text = each.text + plan.appended
        return bubble(who, text, foot)

    def _show_figures(self) -> None:
        plan, now, t = self._plan(), self.model.planning.now, self.t
        if plan is None:
            self._figures.value = self._sums(now)
            self._over.children = ()
            return
        counts, saved = part_counts(plan), savings(plan)
        figures = self._sums(now)
        picture = charts.parts(counts, t) if len(counts) else ""
        table = frame_table(
            pd.DataFrame(
                {
                    t("parts each"): counts["parts"],
                    t("how many messages"): counts["messages"],
                    t("yuan"): counts["cost"].astype(str),
                }
            ),
            label=t("Parts and cost"),
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
            (t("estimated cost"), f"¥{sums.cost:,}", ""),
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
                t("yuan saved"): saved["cost"].astype(str),
            }
        )
        return soft(t("What a shorter text would save:")) + frame_table(
            shown, label=t("What a shorter text would save:")
        )

    def _buttons(self, plan: Plan, saved: pd.DataFrame) -> Sequence[w.Widget]:
        if not len(saved):
            return ()
        most = int(saved["shorter"].max())
        made = button(self.t("Show who is just over"))
        made.on_click(self.attempt(lambda: self.show_rows(just_over(plan, most, count=_SHOWN))))
        return (made,)
