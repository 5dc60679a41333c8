"""Two campaigns side by side, and a series over its weeks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import ipywidgets as w

from smskit.i18n import Language
from smskit.models import Mode
from smskit.notebook.panels.marks import badge, state_chip
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import card, choose, field, html, row, soft, title
from smskit.notebook.words import HEADS, NONE, difference, figure, line_of
from smskit.reporting import charts
from smskit.reporting.delivery import COMPARED, MODES, Figures, Overview

__all__ = ["ComparePanel", "SeriesPanel"]


class ComparePanel(Panel):
    """Two campaigns chosen by a person; at first the newest of a series and the one before it."""

    def __init__(self, page: Page) -> None:
        self.seen = Overview()
        self.chosen: list[tuple[str, Mode]] = []
        self._fields: list[w.Dropdown] = []
        self._table = html("")
        super().__init__(page)

    def build(self) -> Sequence[w.Widget]:
        t = self.t
        labels = (t("Campaign"), t("beside"))
        self._fields = [field(w.Dropdown, label, options=[]) for label in labels]
        for each in self._fields:
            each.layout.width = "500px"  # campaign, mode and when
        self._table = html("")
        self._show()
        for each in self._fields:
            each.observe(self.attempt(self._choose), "value")
        hint = t("Figures of two campaigns beside each other; rates differ in points.")
        made = card(title(t("Compare"), hint), row(*self._fields), self._table)
        made.layout.display = "" if len(self.seen.campaigns) > 1 else "none"
        return [made]

    def show(self, seen: Overview) -> None:
        """Show what was counted; what was chosen stays where it is still there."""
        self.seen = seen
        keys = [_key(each) for each in seen.campaigns]
        if len(keys) > 1 and not (len(self.chosen) == 2 and all(key in keys for key in self.chosen)):
            self.chosen = _first_two(seen)
        self.draw()

    def _choose(self) -> None:
        values = [each.value for each in self._fields]
        if all(values) and values != self.chosen:
            self.chosen = values
            self._show_table()

    def _show(self) -> None:
        options = [(line_of(each, self.t), _key(each)) for each in self.seen.campaigns]
        if len(options) < 2:
            return
        for made, key in zip(self._fields, self.chosen, strict=True):
            choose(made, options, key)
        self._show_table()

    def _show_table(self) -> None:
        found = {_key(each): each for each in self.seen.campaigns}
        one, other = (found[key] for key in self.chosen)
        self._table.value = _beside(one, other, self.t)


def _beside(one: Figures, other: Figures, t: Language) -> str:
    both = (one, other)
    heads = "".join(
        f'<th scope="col" class="n">{badge(each.row.mode, t)} {escape(each.row.name)}</th>' for each in both
    )
    states = "".join(f'<td class="n">{state_chip(each, t)}</td>' for each in both)
    begun = "".join(f'<td class="n">{each.started:%Y-%m-%d %H:%M}</td>' for each in both)
    lines = [f"<th>{escape(t(HEADS['state']))}</th>{states}<td></td>"]
    lines.append(f"<th>{escape(t(HEADS['started']))}</th>{begun}<td></td>")
    for name in COMPARED:
        cells = "".join(f'<td class="n">{escape(figure(each, name)) or NONE}</td>' for each in both)
        more = f'<td class="n">{escape(difference(one, other, name, t))}</td>'
        lines.append(f'<th scope="row">{escape(t(HEADS[name]))}</th>{cells}{more}')
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    top = f'<tr><td></td>{heads}<th scope="col" class="n">{escape(t("difference"))}</th></tr>'
    table = f"<thead>{top}</thead><tbody>{body}</tbody>"
    return f'<div class="smskit-table"><table aria-label="{escape(t("Compare"))}">{table}</table></div>'


def _key(each: Figures) -> tuple[str, Mode]:
    return each.row.name, each.row.mode


def _first_two(seen: Overview) -> list[tuple[str, Mode]]:
    """The newest campaign, beside the one before it of its series, else beside the next of the list."""
    newest, *others = seen.campaigns
    alike = (e for e in others if (e.row.series, e.row.mode) == (newest.row.series, newest.row.mode))
    return [_key(newest), _key(next(alike, others[0]))]


class SeriesPanel(Panel):
    """
    A campaign that repeats: its occurrences one below the other, the newest last.

    Args:
        wanted: The series to begin with; "" = the newest.
    """

    def __init__(self, page: Page, *, wanted: str = "") -> None:
        self.seen = Overview()
        self.chosen: tuple[str, Mode] | None = None
        self._wanted = wanted
        self._picture = html("")
        super().__init__(page)

    def build(self) -> Sequence[w.Widget]:
        t = self.t
        repeating = self.seen.repeating
        which = field(w.Dropdown, t("Series"), options=[])
        options = [(f"{name} · {t(MODES[mode])}", (name, mode)) for name, mode in repeating]
        self._picture = html("")
        if options:
            choose(which, options, self.chosen)
            self._show()
        which.observe(self.attempt(lambda: self._choose(which.value)), "value")
        made = card(title(t("Series over time")), which, self._picture)
        made.layout.display = "" if options else "none"
        return [made]

    def show(self, seen: Overview) -> None:
        """Show what was counted."""
        self.seen = seen
        if self.chosen not in seen.repeating:
            named = [each for each in seen.repeating if each[0] == self._wanted]
            self.chosen = next(iter([*named, *seen.repeating]), None)
        self.draw()

    def _choose(self, chosen: tuple[str, Mode]) -> None:
        self.chosen = chosen
        self._show()

    def _show(self) -> None:
        assert self.chosen is not None
        table = self.seen.series(*self.chosen)
        more = len(table) - charts.OCCURRENCES
        told = soft(self.t("The last {n:,} of {m:,}", n=charts.OCCURRENCES, m=len(table))) if more > 0 else ""
        self._picture.value = charts.series(table, self.t) + told
