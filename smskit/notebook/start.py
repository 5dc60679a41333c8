"""
Notebook 00: all campaigns, what is unfinished, providers, and what runs next; as plain steps and as a panel.

Shows, decides nothing, and sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from smskit.errors import LedgerError, needs_extra, suggest
from smskit.i18n import Language, Message
from smskit.i18n.figures import money, share
from smskit.models import amount
from smskit.notebook.accounts import AccountStatus
from smskit.notebook.base import Base, parameters_given, step
from smskit.notebook.connect import when
from smskit.notebook.display import show_widget
from smskit.notebook.handover import demand_mode
from smskit.notebook.home import Home
from smskit.notebook.mistakes import opens
from smskit.notebook.words import ARCHIVED, HEADS, NO_CAMPAIGN, UNARCHIVED, difference, figure, listed
from smskit.planning.draft import Draft
from smskit.planning.spec import check_names
from smskit.reporting import charts
from smskit.reporting.delivery import COMPARED, MODES, STATES, Figures, Overview

__all__ = ["StartNotebook", "open_start"]


@opens
def open_start(namespace: Mapping[str, Any]) -> StartNotebook:
    """
    Start notebook 00; the first call after the parameters cell. Makes no ledger, asks nobody.

    Args:
        namespace: ``globals()`` of the notebook; of it ``series`` is read.

    Raises:
        SpecError: a parameter is unknown or out of range.
    """
    values = dict(namespace) | dict(check_names(parameters_given(namespace)))
    return StartNotebook(Draft(), series=str(values.get("series") or ""))


class StartNotebook(Base):
    """
    Where one begins, with every step shown.

    Args:
        series: What repeats, to be shown over its occurrences; "" = the newest.
    """

    def __init__(self, draft: Draft, *, series: str = "") -> None:
        super().__init__(draft)
        self.home = Home()
        self._series = series

    def __repr__(self) -> str:
        return "StartNotebook()"

    @needs_extra("notebook")
    def panel(self) -> None:
        """Show the panel, where somebody can click."""
        self.panel_shown = True
        if self.host.is_person:
            from smskit.notebook.panels.start import StartPanel

            show_widget(StartPanel(self.page, self.home, series=self._series))

    @step
    def campaigns(self, *, tests: bool = False, archived: bool = False) -> None:
        """Show all campaigns, newest live one first; test sends and archived ones where they are wanted."""
        found = self.home.overview(tests=tests)
        seen = found.with_archived if archived else found
        if seen.campaigns:
            self._table(seen)
        elif not seen.damaged:
            self.say(NO_CAMPAIGN)
        for each in seen.damaged:
            self.repeat(each.error.message)
        if seen.tests:
            self.say("{n} test sends are left out.", n=seen.tests)
        if seen.archived:
            self.say("{n} archived campaigns are left out.", n=len(seen.archived))

    @step
    def unfinished(self) -> None:
        """Show the campaigns that people wait for."""
        seen = self.home.overview()
        waiting = Overview(seen.unfinished)
        if waiting.campaigns:
            self._table(waiting)
        else:
            self.say("No campaign is unfinished.")

    @step
    def archive(self, campaign: str, *, mode: str = "", undo: bool = False) -> None:
        """
        Put a campaign away, so that lists leave it out, or with *undo* let them have it again.

        Raises:
            LedgerError: there is no campaign of that name.
            GuardRefused: it is live and not finished, or is being sent.
        """
        found = _find(self.home.overview(tests=True), campaign, mode).row
        self.home.archive(found.name, found.mode, undo=undo)
        self.say(UNARCHIVED if undo else ARCHIVED, campaign=found.name)

    def _table(self, seen: Overview) -> None:
        self.show_frame(lambda t: listed(seen, t), seen.frame)

    @step
    def compare(self, one: str, other: str, *, mode: str = "") -> None:
        """
        Show the figures of two campaigns beside each other; of several modes the one that went furthest.

        Raises:
            LedgerError: there is no campaign of that name.
        """
        seen = self.home.overview(tests=True)
        both = [_find(seen, name, mode) for name in (one, other)]

        def table(t: Language) -> pd.DataFrame:
            rows = [
                (t(HEADS[n]), figure(both[0], n), figure(both[1], n), difference(both[0], both[1], n, t))
                for n in COMPARED
            ]
            return pd.DataFrame(rows, columns=["", *(each.row.name for each in both), t("difference")])

        self.show_frame(table)

    @step
    def series(self, name: str = "", mode: str = "") -> None:
        """Show a series over its occurrences; "" = the newest that has been sent more than once."""
        seen = self.home.overview()
        wanted = name or self._series
        found = [(n, m) for n, m in seen.repeating if wanted in ("", n) and mode in ("", str(m))]
        if not found:
            self.say("No series has been sent more than once.")
            return
        table = seen.series(*found[0])
        self.show_svg(lambda t: charts.series(table, t))

        def told(t: Language) -> pd.DataFrame:
            rates = {n: [share(rate) for rate in table[n]] for n in ("delivery_rate", "opt_out_rate")}
            shown = table.assign(**rates, started=[f"{at:%Y-%m-%d}" for at in table["started"]])
            shown = shown.assign(cost=[money(cost) for cost in table["cost"]])
            names = ["campaign", "started", "accepted", "delivered", *rates, "cost"]
            return shown[names].rename(columns={n: t(HEADS[n]) for n in names})

        self.show_frame(told, table)

    @step
    def providers(self) -> None:
        """Show the accounts that are set up and what each said when it was last asked; asks nobody."""
        known = [each for each in self.home.accounts() if each.status is not AccountStatus.ABSENT]
        if not known:
            self.say("No account is set up yet. Rehearsals need none; notebook 01 connects one.")
            return

        def table(t: Language) -> pd.DataFrame:
            rows = [
                (
                    t.render(each.title),
                    t(each.status),
                    amount(each.balance, t) if each.balance else "",
                    when(each),
                )
                for each in known
            ]
            return pd.DataFrame(rows, columns=[t("Provider"), t("state"), t("balance"), t("last checked")])

        self.show_frame(table)

    @step
    def upcoming(self) -> None:
        """Show the repeating campaigns of the project's parameter files, and when each occurrence begins."""
        planned = self.home.upcoming()
        if not planned:
            self.say("No campaign of this project repeats.")
            return

        def table(t: Language) -> pd.DataFrame:
            rows = [
                (
                    each.file,
                    each.about.spec.campaign,
                    t(MODES[str(each.about.spec.mode)]),
                    t(STATES[each.state]) if each.state else t("not begun"),
                    each.about.next_id,
                    f"{each.about.next_from:%Y-%m-%d}",
                )
                for each in planned
            ]
            heads = (t("parameter file"), t("this time"), t("mode"), t("state"), t("next time"), t("begins"))
            return pd.DataFrame(rows, columns=list(heads))

        self.show_frame(table)


def _find(seen: Overview, name: str, mode: str) -> Figures:
    """
    Raises:
        SpecError: there is no such mode.
        LedgerError: there is no such campaign.
    """
    demand_mode(mode)
    for each in seen.everything:
        if each.row.name == name and mode in ("", str(each.row.mode)):
            return each
    missing = Message("there is no campaign {campaign}", campaign=name)
    raise LedgerError(suggest(missing, name, [each.row.name for each in seen.everything]))
