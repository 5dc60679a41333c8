"""All campaigns: the unfinished ones on top with a way to go on, then the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from typing import Final

import ipywidgets as w

from smskit.i18n import mark
from smskit.ledger import ApprovalRow
from smskit.models import Mode
from smskit.notebook.handover import EFFECT, SEND, TRACK, Wanted
from smskit.notebook.host import Host
from smskit.notebook.panels.doorway import doorway, go_through
from smskit.notebook.panels.marks import badge, state_chip
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.pager import Pager
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import (
    card,
    chip,
    choose,
    door,
    field,
    html,
    notice,
    row,
    soft,
    stale,
    title,
)
from smskit.notebook.panels.pressable import Pressable
from smskit.notebook.words import ARCHIVED, HEADS, LISTED, NONE, UNARCHIVED, figure
from smskit.reporting.delivery import MODES, Figures, Overview
from smskit.workspace import Workspace, may_send_in

__all__ = ["CampaignsPanel"]

_SIZE: Final = 25
_DOORS: Final = {"open": TRACK, "effect": EFFECT}  # what a link of the table opens


class CampaignsPanel(Panel):
    """
    What there is, and what waits.

    Args:
        archive: Puts a campaign away, or with ``undo`` takes it out again.
        again: Counts everything anew.
    """

    def __init__(self, page: Page, archive: Callable[..., None], again: Callable[[], None]) -> None:
        self.seen: Overview | None = None
        self.waiting: Sequence[ApprovalRow] = ()
        self.tests, self.archived, self.search, self.mode = False, False, "", ""
        self._archive, self._again = archive, again
        self._away = w.Checkbox()
        self._modes, self._finding = w.Dropdown(), w.HBox()
        self._table, self._unfinished, self._pages = Pressable(), w.VBox(), w.HBox()
        super().__init__(page)
        self.pager = Pager(self, self._page, size=_SIZE)

    # -- drawing ------------------------------------------------------------------------

    def build(self) -> Sequence[w.Widget]:
        t = self.t
        again = self.button(t("Refresh"), self._again, tip=t("Count everything anew"))
        tests = self.tick(t("Show test sends"), self.tests, self._with_tests)
        self._away = self.tick("", self.archived, self._with_archived)
        self._finding = row(*self._narrowing(), tests, self._away)
        self._table, self._unfinished = Pressable(self._pressed), w.VBox(layout=w.Layout(width="100%"))
        self._pages = row(*self.pager.build(), self.pager.where)
        made = card(
            title(t("Campaigns")), self._unfinished, self._finding, self._table, self._pages, row(again)
        )
        self._show()
        return [made]

    def _narrowing(self) -> list[w.Widget]:
        """Fields that leave some of the campaigns."""
        search = field(w.Text, self.t("Search"), value=self.search, continuous_update=False)
        search.placeholder = self.t("part of a name or of a series")
        search.style.description_width, search.layout.width = "auto", "320px"
        search.observe(self.attempt(lambda: self._narrow(search=search.value.strip())), "value")
        self._modes = self.field(w.Dropdown, self.t("Mode"), lambda mode: self._narrow(mode=mode))
        self._modes.style.description_width, self._modes.layout.width = "auto", "200px"
        return [search, self._modes]

    def _narrow(self, **wanted: str) -> None:
        for name, value in wanted.items():
            setattr(self, name, value)
        self.pager.go(0)

    def _with_archived(self, wanted: bool) -> None:
        self.archived, self.pager.first = wanted, 0
        self._show()

    @property
    def listed(self) -> Sequence[Figures]:
        """What the table is about: archived ones where a person wants them."""
        if self.seen is None:
            return ()
        return self.seen.everything if self.archived else self.seen.campaigns

    @property
    def narrowed(self) -> list[Figures]:
        """Those that search and mode leave."""
        wanted = self.search.casefold()
        return [
            each
            for each in self.listed
            if self.mode in ("", each.row.mode) and wanted in f"{each.row.name}\n{each.row.series}".casefold()
        ]

    def show(self, seen: Overview, waiting: Sequence[ApprovalRow] = ()) -> None:
        """Show what was counted, and the plans that wait for somebody's approval."""
        self.seen, self.waiting = seen, waiting
        self._show()

    def dim(self, is_stale: bool) -> None:
        """Whether the figures are being counted anew."""
        stale(is_stale, self._table, self._unfinished)

    def _show(self) -> None:
        seen, t = self.seen, self.t
        if seen is None:
            self._table.value = soft(t("Counting …"))
            self._pages.layout.display = self._finding.layout.display = "none"
            return
        self._finding.layout.display = "" if seen.everything or seen.tests else "none"
        self._away.description = t("Show archived")
        self._away.layout.display = "" if seen.archived else "none"
        self._offer_modes()
        self._unfinished.children = [
            *(html(notice(t.error(each.error), "error")) for each in seen.damaged),
            *map(self._to_approve, self.waiting),
            *map(self._going_on, seen.unfinished),
        ]
        self._page()

    def _offer_modes(self) -> None:
        counts = Counter(str(each.row.mode) for each in self.listed)
        options = [(f"{self.t('all')} ({len(self.listed):,})", "")]
        options += [(f"{self.t(MODES[m])} ({n:,})", str(m)) for m in MODES if (n := counts[str(m)])]
        self.mode = self.mode if counts[self.mode] else ""
        with self.showing:
            choose(self._modes, options, self.mode)

    def _page(self) -> None:
        seen = self.seen
        if seen is None:
            return
        first, found = self.pager.first, self.narrowed
        shown = found[first : first + _SIZE]
        self._table.value = self._told(shown) if shown else self._nothing(seen)
        rows, none = mark("{first:,} to {last:,} of {total:,} campaigns"), ""
        self.pager.show(len(shown), len(found), rows=rows, none=none)
        self._pages.layout.display = "" if len(found) > _SIZE else "none"

    def _nothing(self, seen: Overview) -> str:
        if self.listed:
            return soft(self.t("No campaign matches."))
        if seen.archived:
            return soft(self.t("Every campaign is archived."))
        if seen.damaged:
            return ""
        told = self.t("No campaign yet. Rehearse one: nobody gets a message by that.")
        return soft(told) + door(SEND, self.t("Begin: prepare a campaign →"))

    def _told(self, shown: Sequence[Figures]) -> str:
        t = self.t
        texts, numbers = ("campaign", "state"), (*LISTED, "started", "series")
        heads = [f'<th scope="col">{escape(t(HEADS[name]))}</th>' for name in texts]
        heads += [f'<th scope="col"{_n(name)}>{escape(t(HEADS[name]))}</th>' for name in numbers]
        heads.append(f'<th scope="col" class="smskit-stays" aria-label="{escape(t("Archive"))}"></th>')
        body = "".join(self._line(each) for each in shown)
        label = escape(t("Campaigns"))
        table = f'<table aria-label="{label}"><thead><tr>{"".join(heads)}</tr></thead><tbody>{body}</tbody>'
        about = t("Rates are of the accepted. A rehearsal's cost is what it would have cost.")
        return f'<div class="smskit-table">{table}</table></div>{soft(about)}'

    def _line(self, each: Figures) -> str:
        t = self.t
        test = f' <span class="smskit-chip">{escape(t("test send"))}</span>' if each.is_test else ""
        cells = [f"<td>{badge(each.row.mode, t)} {self._name(each)}{test}</td>"]
        away = f" {chip(t('archived'))}" if each.is_archived else ""
        cells.append(f"<td>{state_chip(each, t)}{away}{self._effect(each)}</td>")
        cells += [f'<td class="n">{_bar(each, name)}{figure(each, name) or NONE}</td>' for name in LISTED]
        series = each.row.series if each.row.series != each.row.name else ""
        when = f"{each.started:%Y-%m-%d %H:%M}"
        cells.append(f'<td><span class="smskit-when">{when}</span></td><td>{escape(series)}</td>')
        cells.append(f'<td class="smskit-stays">{self._putting_away(each)}</td>')
        return f"<tr>{''.join(cells)}</tr>"

    def _name(self, each: Figures) -> str:
        """The campaign's id, which leads to 04."""
        return self._link(each, "open", each.row.name)

    def _effect(self, each: Figures) -> str:
        """The way to 05, of a campaign that has ended and kept people back."""
        if not each.is_measurable:
            return ""
        link = self._link(each, "effect", self.t("What it brought →"))
        return f' <span class="smskit-when">{link}</span>'

    def _putting_away(self, each: Figures) -> str:
        """The button that archives it or takes it out again, for whoever may."""
        if each.state == "running" or not Workspace.here().may.includes(may_send_in(each.row.mode)):
            return ""
        words = self.t("Unarchive") if each.is_archived else self.t("Archive")
        label = escape(f"{words}: {each.row.name}")
        press = f"archive:{each.row.id}"
        return (
            f'<button class="smskit-link" data-press="{press}" aria-label="{label}">{escape(words)}</button>'
        )

    def _link(self, each: Figures, kind: str, text: str) -> str:
        notebook = _DOORS[kind]
        tip = escape(self.t("Opens it in notebook {nn}; sends nothing", nn=notebook[:2]))
        if self.page.host is Host.VOILA:
            query = escape(Wanted.of(each.row).query)
            return f'<a href="{notebook}?{query}" title="{tip}">{escape(text)}</a>'
        press = f"{kind}:{each.row.id}"
        return f'<button class="smskit-link" data-press="{press}" title="{tip}">{escape(text)}</button>'

    def _pressed(self, what: str) -> None:
        kind, _, which = what.partition(":")
        found = {str(each.row.id): each for each in self.seen.everything} if self.seen else {}
        if kind == "archive" and which in found:
            self.attempt(lambda: self._put_away(found[which]))(None)
        elif kind in _DOORS and which in found:
            wanted = Wanted.of(found[which].row)
            self.attempt(partial(go_through, self, self._table, _DOORS[kind], wanted))(None)

    def _put_away(self, each: Figures) -> None:
        self._archive(each.row.name, each.row.mode, undo=each.is_archived)
        told = UNARCHIVED if each.is_archived else ARCHIVED
        self.tell(lambda t: t(told, campaign=each.row.name), "ok")
        self._again()

    # -- going on -----------------------------------------------------------------------

    def _going_on(self, each: Figures) -> w.Widget:
        t, tally = self.t, each.tally
        left = t("{n:,} people still wait", n=tally.waiting + tally.submitting)
        unknown = t("{n:,} unknown", n=tally.unknown) if tally.unknown else ""
        words = " · ".join(filter(None, [left, unknown]))
        name = f"{badge(each.row.mode, t)} <b>{escape(each.row.name)}</b>"
        told = html(f"{name} {state_chip(each, t)} {escape(words)}")
        line = row(told, self._way(each))
        line.add_class("smskit-unfinished")
        return line

    def _to_approve(self, plan: ApprovalRow) -> w.Widget:
        t = self.t
        told = t("planned by {who}; somebody else has to approve it", who=plan.planned_by)
        name = f"{badge(Mode.LIVE, t)} <b>{escape(plan.campaign)}</b> {escape(told)}"
        text = t("{what} {campaign} →", what=t("Look at"), campaign=plan.campaign)
        line = row(html(name), doorway(self, SEND, Wanted(plan.campaign, Mode.LIVE), text, style="primary"))
        line.add_class("smskit-unfinished")
        return line

    def _way(self, each: Figures) -> w.Widget:
        running = each.state == "running"
        to, words = (TRACK, mark("Follow")) if running else (SEND, mark("Go on"))
        text = self.t("{what} {campaign} →", what=self.t(words), campaign=each.row.name)
        return doorway(self, to, Wanted.of(each.row), text, style="primary")

    def _with_tests(self, wanted: bool) -> None:
        self.tests = wanted
        self._again()


def _n(name: str) -> str:
    return ' class="n"' if name in LISTED else ""


def _bar(each: Figures, name: str) -> str:
    """A small bar before a delivery rate."""
    if name != "delivery_rate" or each.delivery_rate is None:
        return ""
    width = f"{48 * each.delivery_rate:.0f}px"
    return f'<i class="smskit-rate" aria-hidden="true"><i style="width:{width}"></i></i>'
