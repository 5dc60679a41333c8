"""``HoldoutPanel``: how many to keep back, with what that costs and what it could show side by side."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

import ipywidgets as w

from smskit.i18n import mark
from smskit.i18n.figures import money
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parts import card, html, row, soft, stale, tiles, title
from smskit.notebook.panels.send.base import SendPart
from smskit.notebook.panels.slider import Slider
from smskit.notebook.send_model import SendModel
from smskit.planning.power import power_of

__all__ = ["HoldoutPanel"]

_SHARES: Final = (0.0, 0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
_RATES: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_RATE: Final = 0.02
_ABOUT: Final = mark(
    "Who is kept back gets no message, so that notebook 05 can say what the messages brought. Fewer kept "
    "back show only larger effects."
)


class _Base(NamedTuple):
    """Whom a holdout is drawn from, by the plan there is, and what a message costs on average."""

    people: int
    each: Decimal
    share: float  # what the plan has kept back
    held: int


class HoldoutPanel(SendPart):
    """The share as a slider; figures follow while it moves, the plan when it is let go."""

    def __init__(self, page: Page, model: SendModel) -> None:
        super().__init__(page, model)
        self.rate = _RATE
        self._share, self._rate = Slider("", [("", 0.0)], 0.0), w.Dropdown()
        self._told = html("")
        self._base: _Base | None = None
        page.follow(lambda names: self._follow() if "holdout" in names else None)

    def build(self) -> Sequence[w.Widget]:
        t = self.t
        style: dict[str, Any] = {"description_width": "140px"}
        self._share = Slider(t("Keep back"), self._options(), self._now)
        self._share.observe(self.unless_shown(self._moved), "at")
        rates = [(f"{100 * rate:g}%", rate) for rate in _RATES]
        self._rate = w.Dropdown(
            options=rates,
            value=self.rate,
            description=t("Convert anyway"),
            tooltip=t("share of people who do it without a message"),
            style=style,
            layout=w.Layout(width="260px", max_width="100%"),
        )
        self._rate.observe(self.attempt(self._rated), "value")
        self._told = html("")
        self.show_plan()
        return [card(title(t("Holdout"), t(_ABOUT)), row(self._share, self._rate), self._told)]

    @property
    def _now(self) -> float:
        return float(self.page.draft["holdout"] or 0)

    def _options(self) -> list[tuple[str, float]]:
        return [(f"{100 * share:.3g}%", share) for share in sorted({*_SHARES, self._now})]

    # -- moving ---------------------------------------------------------------------------

    def _moved(self) -> None:
        chosen = self._share.value
        if chosen != self._now:
            self.page.draft.set(holdout=chosen)
        self._show()

    def _rated(self) -> None:
        self.rate = float(self._rate.value)
        self._show()

    def _follow(self) -> None:
        """Another field has changed the share."""
        now = self._now
        if self._share.value != now:
            with self.showing:
                self._share.offer(self._options(), now)
        self._show()

    # -- showing --------------------------------------------------------------------------

    def show_plan(self) -> None:
        """Show the figures of the plan there is; those of another share are estimated from it."""
        now = self.model.planning.now
        if not self.model.planning.busy and now is not None and now.plan is not None:
            planned, held = now.plan.planned, now.plan.excluded.get("holdout", 0)
            each = now.plan.cost / planned if planned else Decimal(0)
            self._base = _Base(planned + held, each, now.spec.holdout, held)
        started = now is not None and now.started is not None
        self._share.disabled = started
        self._show()

    def _show(self) -> None:
        t, base = self.t, self._base
        stale(self.is_stale and self.model.planning.error is not None, self._told)
        if base is None or not base.people:
            self._told.value = ""
            return
        share = self._now
        held = base.held if share == base.share else round(base.people * share)
        found = power_of(base.people, held, share, self.rate)
        lift = "–" if found.smallest_relative is None else f"+{found.smallest_relative:.0%}"
        figures = [
            (t("get a message"), base.people - held, ""),
            (t("kept back"), held, ""),
            (t("estimated cost"), money(base.each * (base.people - held)), ""),
            (t("smallest lift it could show"), lift, ""),
        ]
        none = t("Nobody is kept back: what the messages bring cannot be told.")
        self._told.value = tiles(figures) + soft(t(found.sentence) if held else none)
