"""The tab of people: every row of the file by where it is, searched, sorted by its heads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import ipywidgets as w
import pandas as pd

from smskit.i18n import mark
from smskit.models import REASONS
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.pager import Pager, reveal_button
from smskit.notebook.panels.parts import choose, row, soft
from smskit.notebook.panels.pressable import Coded, Pressable, press_table
from smskit.notebook.panels.track.base import Tab
from smskit.notebook.panels.track.counts import headings, stage_name
from smskit.notebook.tracker import CampaignSnapshot, Tracker
from smskit.reporting.delivery import PERSON_STATES, SORTS, RosterPage, places

__all__ = ["PeopleTab"]

_PAGE = 25
_COLUMNS = ["user_id", "phone", "state", "why", "code", "text", "submitted_at", "receipt_at"]
_SORTED_BY = {"why": "reason"}  # a head -> the column of the roster that it sorts by


class PeopleTab(Tab):
    """People by where they are; whom the rules and the reasons left out, too."""

    heading = mark("People")
    place, code, search, sort, descending, reveal = "", "", "", "", False, False

    def __init__(self, page: Page, tracker: Tracker) -> None:
        self._which, self._search = w.Dropdown(), w.Text()
        self._table = Pressable()
        self._shown: CampaignSnapshot | None = None
        super().__init__(page, tracker)
        self.pager = Pager(self, self.fetch, size=_PAGE, ends=False)

    def build(self) -> Sequence[w.Widget]:
        self._which = self.field(w.Dropdown, self.t("Where they are"), self.choose)
        self._fill_places()
        self._search = self.field(
            w.Text, self.t("Search"), self.find, value=self.search, continuous_update=False
        )
        self._search.placeholder = self.t("a user id, a whole phone, a code")
        self._table = Pressable(self.press)
        reveal = reveal_button(self, self.reveal, self._show_phones)
        pages = row(*self.pager.build(), self.pager.where)
        self._shown = None
        if self.seen is None:
            self._table.value = soft(self.t("Counting …"))
        elif self.visible:
            self.fetch()
        return [row(self._which, self._search, reveal), self._table, pages]

    def show(self, seen: CampaignSnapshot) -> None:
        self.seen = seen
        self._fill_places()
        if not self.visible:
            self._table.value = ""
        elif self._shown is not seen:
            self.fetch()

    def _fill_places(self) -> None:
        """What can be chosen; a place that is empty by now stays while it is looked at."""
        found = places(self.seen.status, self.seen.survey.groups) if self.seen else {"": 0}
        found.setdefault(self.place, 0)
        options = [(f"{self._name(place)} ({n:,})", place) for place, n in found.items()]
        with self.showing:
            choose(self._which, options, self.place)

    def _name(self, place: str) -> str:
        kind, _, finer = place.partition(":")
        if kind == "excluded":
            return self.t("left out: {why}", why=self.t(REASONS.get(finer, finer)))
        if kind in ("", "ruled_out"):
            return self.t("ruled out") if kind else self.t("all")
        return (
            f"— {stage_name(finer, self.t)}" if finer else self.t(PERSON_STATES.get(kind, "awaiting receipt"))
        )

    def choose(self, place: str, code: str = "") -> None:
        """Others: of a place, of one raw code; "" = everybody of the file."""
        self.place, self.code = place, code
        self._fill_places()
        self.pager.go(0)

    def find(self, text: str) -> None:
        """Those with *text* in their user id, code or phone."""
        self.search = text.strip()
        self.pager.go(0)

    def press(self, what: str) -> None:
        """A head was pressed: sort by it, the other way round when it was by that already."""
        column = what.removeprefix("sort:")
        self.descending = not self.descending if column == self.sort else False
        self.sort = column
        self.attempt(partial(self.pager.go, 0))(None)

    def _show_phones(self, reveal: bool) -> None:
        self.reveal = reveal
        self.fetch()

    def fetch(self) -> None:
        """Fetch the page in the background."""
        seen = self.seen
        if seen is None:
            return
        asked = partial(
            seen.roster.page,
            self.place,
            code=self.code,
            search=self.search,
            sort=_SORTED_BY.get(self.sort, self.sort),
            descending=self.descending,
            first=self.pager.first,
            size=_PAGE,
            reveal=self.reveal,
        )
        self._shown = seen
        self.start("page", asked, self._show_page)

    def _show_page(self, found: RosterPage) -> None:
        t = self.t
        table = found.frame.assign(
            state=[t(PERSON_STATES.get(s, s)) for s in found.frame["state"]],
        )
        because = zip(found.frame["why"], found.frame["reason"], strict=True)
        why = [Coded(t.said(why) or t(REASONS.get(reason, reason)), reason) for why, reason in because]
        table["why"] = pd.Series(why, dtype=object)
        sorts = [name for name in _COLUMNS if _SORTED_BY.get(name, name) in SORTS]
        self._table.value = press_table(
            table[_COLUMNS],
            headings=headings(t),
            label=t("People"),
            sorts=sorts,
            sort=self.sort,
            descending=self.descending,
        )
        rows = mark("{first:,} to {last:,} of {total:,} people")
        self.pager.show(len(found.frame), found.total, rows=rows, none=mark("Nobody."))
        self.tell("")
