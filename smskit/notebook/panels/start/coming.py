"""What runs next, as far as the project's parameter files tell, or how to have something run by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

import ipywidgets as w

from smskit.notebook.home import Home, Planned
from smskit.notebook.panels.marks import badge
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import card, chip, html, plain_table, soft, title
from smskit.reporting.delivery import STATES
from smskit.workspace import Workspace

__all__ = ["ComingPanel"]


class ComingPanel(Panel):
    """Repeating campaigns: this occurrence, the next one, and when messages may leave."""

    def __init__(self, page: Page, home: Home) -> None:
        self.home = home
        self.planned: Sequence[Planned] | None = None
        super().__init__(page)

    def build(self) -> Sequence[w.Widget]:
        t = self.t
        if self.planned is None:
            told = ""
        elif self.planned:
            told = self._table(self.planned)
        else:
            told = soft(t("No campaign of this project repeats.")) + _how(self)
        return [card(title(t("What runs next")), html(told))]

    def show(self, planned: Sequence[Planned]) -> None:
        """Show what the parameter files tell."""
        self.planned = planned
        self.draw()

    def _table(self, planned: Sequence[Planned]) -> str:
        t = self.t
        heads = (t("parameter file"), t("this time"), t("state"), t("messages may leave"), t("next time"))
        about = t("When a file is run is up to its scheduler; run twice, each person still gets one message.")
        return plain_table(heads, map(self._line, planned)) + soft(about)

    def _line(self, each: Planned) -> tuple[str, ...]:
        t, about = self.t, each.about
        state = t(STATES[each.state]) if each.state else t("not begun")
        kind = {"finished": "ok", "": "", "interrupted": "bad"}.get(each.state, "warn")
        return (
            f"<code>{escape(each.file)}</code>",
            f"{badge(about.spec.mode, t)} {escape(about.spec.campaign)}",
            chip(state, kind),
            escape(self._opens(about.opens)),
            f"{escape(about.next_id)}<br>{escape(t('from {at}', at=f'{about.next_from:%Y-%m-%d}'))}",
        )

    def _opens(self, opens: datetime | None) -> str:
        t = self.t
        if opens is None:
            return t("at any time")
        if opens <= datetime.now(UTC):
            return t("now")
        return t("from {at}", at=f"{opens:%Y-%m-%d %H:%M}")


def _how(panel: ComingPanel) -> str:
    t = panel.t
    told = t("Give a campaign an id such as `weekly-{week}` (or `{day}`, `{month}`) in 02 or 03 and save it.")
    if Workspace.here().locked:
        return soft(told) + soft(t("Whoever runs this app can then have it run every week."))
    then = t("“Schedule” in 03 shows the next runs and what to give to cron, Airflow, Prefect or systemd.")
    return soft(told) + soft(then)
