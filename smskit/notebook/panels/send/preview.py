"""``PreviewPanel``: one message after the other, as it will look on a phone."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as w
import numpy as np
from numpy.typing import NDArray

from smskit.i18n import mark
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parts import bubble, card, field, html, notice, row, stale, title
from smskit.notebook.panels.send.base import REASONS, SendPart
from smskit.notebook.send_model import SendModel
from smskit.planning.plan import Plan
from smskit.planning.preview import Bubble, Sample, bubbles, find, rows_of

__all__ = ["PreviewPanel"]

SAMPLES = {
    Sample.FIRST: mark("first"),
    Sample.RANDOM: mark("random"),
    Sample.LONGEST: mark("longest"),
    Sample.PROBLEM: mark("left out"),
}
_MOST = 200  # one leafs through so many


class PreviewPanel(SendPart):
    """
    One phone bubble at a time: ◀ ▶ lead through the first ones, the longest, or those left out.

    Once the campaign has started, through the first messages that were frozen.
    """

    def __init__(self, page: Page, model: SendModel) -> None:
        super().__init__(page, model)
        self.sample, self.draw_number, self.at = Sample.FIRST, 0, 0
        self.chosen: NDArray[np.int64] | None = None  # rows somebody asked for by name
        self._state, self._bubble, self._where = html(""), html(""), w.Label()
        self._samples, self._who = w.ToggleButtons(), w.Text()

    def build(self) -> Sequence[w.Widget]:
        t = self.t
        self._samples = w.ToggleButtons(
            options=[(t(words), str(sample)) for sample, words in SAMPLES.items()],
            value=None if self.chosen is not None else str(self.sample),
            style={"button_width": "76px"},
        )
        self._samples.observe(self.attempt(self._sampled), "value")
        self._who = field(w.Text, t("User id or phone"), value="", continuous_update=False)
        self._who.observe(self.attempt(self._asked), "value")
        back = self.button("◀", lambda: self.move(-1), tip=t("Message before"))
        on = self.button("▶", lambda: self.move(1), tip=t("Next message"))
        self._where = w.Label()
        self.show_plan()
        hint = t("Byte for byte what will be sent; phones are masked.")
        return [
            card(
                title(t("Preview"), hint),
                self._state,
                self._samples,
                self._bubble,
                row(back, self._where, on),
                self._who,
            )
        ]

    # -- choosing --------------------------------------------------------------------------

    def _sampled(self) -> None:
        if self._samples.value is not None:
            self.show(Sample(self._samples.value))

    def _asked(self) -> None:
        # What was typed may be a phone, and widget values are saved with the notebook.
        typed, self._who.value = self._who.value, ""
        if typed.strip():
            self.search(typed)

    def show(self, sample: Sample) -> None:
        """Show rows of this kind; asked again for random ones, others."""
        self.sample, self.chosen, self.at = sample, None, 0
        self.draw_number += 1
        self.tell("")
        self._show()

    def move(self, by: int) -> None:
        """Go so many messages on, round and round."""
        self.at += by
        self._show()

    def search(self, who: str) -> None:
        """Show the rows of one person or phone."""
        now = self.model.planning.now
        if now is not None and now.plan is not None:
            self.show_rows(find(now.plan, who))

    def show_rows(self, rows: NDArray[np.int64]) -> None:
        """Show exactly these rows of the plan."""
        self.chosen, self.at = rows, 0
        self.tell("")
        self._samples.value = None
        self._show()

    # -- showing -----------------------------------------------------------------------------

    def show_plan(self) -> None:
        """Show the plan there is, or why there is none."""
        self._state.value = self.plan_state()
        stale(self.is_stale, self._bubble)
        if not self.model.planning.busy:
            self._show()

    def _show(self) -> None:
        now = self.model.planning.now
        started = now is not None and now.started is not None
        self._samples.disabled = self._who.disabled = started  # only the first ones are kept ready to be read
        if now is None:
            self._say("", 0)
        elif now.plan is not None:
            self._show_one(self._rows(now.plan), now.plan)
        else:
            self._show_frozen(self.model.frozen())

    def _rows(self, plan: Plan) -> NDArray[np.int64]:
        if self.chosen is not None and len(self.chosen) and int(self.chosen.max()) >= len(plan):
            self.chosen = None  # rows of a plan that is gone
        if self.chosen is not None:
            return self.chosen
        return rows_of(plan, self.sample, count=_MOST, draw=self.draw_number)

    def _show_one(self, rows: NDArray[np.int64], plan: Plan) -> None:
        if not len(rows):
            empty = (
                mark("Nobody is left out.") if self.sample is Sample.PROBLEM else mark("Nobody is planned.")
            )
            self._say(notice(self.t(empty)), 0)
            return
        self.at %= len(rows)
        (one,) = bubbles(plan, rows[self.at : self.at + 1])
        self._say(self._made(one, plan.appended), len(rows))

    def _show_frozen(self, messages: Sequence[Bubble]) -> None:
        if messages:
            self.at %= len(messages)
            self._say(self._made(messages[self.at], self.model.appended), len(messages))
        else:
            self._say("", 0)

    def _say(self, shown: str, total: int) -> None:
        self._bubble.value = shown
        self._where.value = self.t("{n:,} of {total:,}", n=self.at + 1, total=total) if total else ""

    def _made(self, each: Bubble, appended: str) -> str:
        t = self.t
        who = " · ".join(filter(None, [each.user_id, each.phone]))
        if each.reason:
            words = f"{t('No message')}: {t(REASONS[each.reason])}"
            return bubble(who, each.text or "—", words)
        foot = t("{units} characters · parts: {parts}", units=each.units, parts=each.parts)
        if each.over:
            foot += " · " + t("{over} over", over=each.over)
        return bubble(who, each.text + appended, foot)
