"""The track panel: which campaign, its books, fetching receipts, and a tab for each question about it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as w

from smskit.i18n import Language, mark
from smskit.models import Mode
from smskit.notebook.handover import EFFECT, SEND, Wanted
from smskit.notebook.host import Host
from smskit.notebook.panels.doorway import doorway
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import card, choose, door, field, html, row, soft, soft_line, title
from smskit.notebook.panels.track.audit import AuditTab
from smskit.notebook.panels.track.base import Tab
from smskit.notebook.panels.track.counts import BatchesTab, CarriersTab, Failure, FailuresTab, TimeTab
from smskit.notebook.panels.track.download import DownloadTab
from smskit.notebook.panels.track.follow_up import FollowUpTab
from smskit.notebook.panels.track.head import BooksPanel, PersonSearch
from smskit.notebook.panels.track.more import MoreTab
from smskit.notebook.panels.track.people import PeopleTab
from smskit.notebook.panels.track.replies import RepliesTab
from smskit.notebook.panels.track.unknown import UnknownTab
from smskit.notebook.tracker import Tracker
from smskit.notebook.words import NO_CAMPAIGN, line_of
from smskit.reporting.audit import approval_in_words
from smskit.reporting.delivery import MODES, STATES, Figures, Group, Whom
from smskit.reporting.opt_outs import notice_undecided
from smskit.reporting.run_page import provider_in_words
from smskit.sending.receipts import Fetched

__all__ = ["TrackPanel"]

_BANNER = {
    Mode.PLAN: mark("Plan · nothing is sent"),
    Mode.REHEARSE: mark("Rehearsal · nobody gets a message"),
    Mode.LIVE: mark("Live · real messages"),
}


class TrackPanel(Panel):
    """
    Everything about one campaign.

    Args:
        tracker: What is followed; the same object serves plain cells.
    """

    def __init__(self, page: Page, tracker: Tracker) -> None:
        self.tracker = tracker
        self.campaigns: Sequence[Figures] = ()
        self.counting = False
        self._stop: threading.Event | None = None
        self._head = html("")
        self._fetch, self._watch, self._which = w.Button(), w.ToggleButton(), w.Dropdown()
        super().__init__(page)
        self.books, self.why = BooksPanel(page, tracker, self.open), PersonSearch(page, tracker)
        self.time, self.failures = TimeTab(page, tracker), FailuresTab(page, tracker, self.act)
        self.people, self.replies = PeopleTab(page, tracker), RepliesTab(page, tracker, self.refresh)
        self.follow_up, self.download = FollowUpTab(page, tracker), DownloadTab(page, tracker)
        self.unknown = UnknownTab(page, tracker, self.refresh)
        self.carriers, self.batches = CarriersTab(page, tracker), BatchesTab(page, tracker)
        self.audit = AuditTab(page, tracker, self.refresh)
        inner: list[Tab] = [
            self.follow_up,
            self.download,
            self.unknown,
            self.carriers,
            self.batches,
            self.audit,
        ]
        self.more = MoreTab(page, tracker, inner)
        self.tabs: list[Tab] = [self.time, self.failures, self.people, self.replies, self.more]
        self.people.visible = False
        self._box = w.Tab()
        self._drawn = 0  # id of the campaign that is shown
        counted = self.attempt(self._counted)
        tracker.on_count(lambda: counted(None))
        self.refresh()

    # -- drawing --------------------------------------------------------------------------

    def build(self) -> Sequence[w.Widget]:
        self._list()
        if self.tracker.chosen is None:
            way = html(door(SEND, self.t("Begin: prepare a campaign →")))
            return [card(title(self.t("Track delivery")), soft_line(self.t(NO_CAMPAIGN)), way)]
        self._head = html("")
        self._drawn = self.tracker.chosen.id
        for part in (self.books, self.why, *self.tabs):
            part.draw()
        self._box = w.Tab([tab.widget for tab in self.tabs], selected_index=self._box.selected_index or 0)
        self._box.titles = [tab.name for tab in self.tabs]
        self._box.observe(self.attempt(self._turned), "selected_index")
        self._show()
        mode = self.tracker.chosen.mode
        banner = html(f'<div class="smskit-mode {mode}">{escape(self.t(_BANNER[mode]))}</div>')
        head = [title(self.t("Track delivery")), self._choice(), banner]
        return [card(*head, self._head, self.books.widget, self.why.widget, self._doing()), self._box]

    def _list(self) -> None:
        """List what can be followed: none that is archived, but the one that is followed."""
        now = self.tracker.chosen and self.tracker.chosen.id
        found = self.tracker.campaigns().everything
        self.campaigns = [each for each in found if not each.is_archived or each.row.id == now]

    def _choices(self) -> tuple[dict[str, tuple[str, Mode]], tuple[str, Mode] | None]:
        """What can be followed by its words, and what is."""
        chosen = self.tracker.chosen
        options = {self._label(each): (each.row.name, each.row.mode) for each in self.campaigns}
        now = (chosen.name, chosen.mode) if chosen else None
        if now and now not in options.values():  # its record is damaged
            options[f"{now[0]} · {self.t(MODES[now[1]])}"] = now
        return options, now

    def _choice(self) -> w.Widget:
        options, now = self._choices()
        which = self._which = field(w.Dropdown, self.t("Campaign"), options=list(options.items()), value=now)
        which.layout.width = "640px"
        which.observe(self.unless_shown(lambda: self.choose(*which.value)), "value")
        again = self.button(self.t("Refresh"), self.refresh, tip=self.t("Count everything anew"))
        return row(which, again)

    def _list_anew(self, state: str) -> None:
        """What is followed may have another state than when it was listed."""
        now = self._choices()[1]
        if all((each.row.name, each.row.mode) != now or each.state == state for each in self.campaigns):
            return
        self._list()
        with self.showing:
            choose(self._which, list(self._choices()[0].items()), now)

    def _label(self, each: Figures) -> str:
        kind = f" · {self.t('test send')}" if each.is_test else ""
        return f"{line_of(each, self.t)} · {self.t(STATES.get(each.state, each.state))}{kind}"

    def _doing(self) -> w.Widget:
        self._fetch = self.button(self.t("Fetch receipts now"), self.fetch, style="primary")
        self._watch = w.ToggleButton(
            self._stop is not None,
            description=self.t("Watching: click to stop") if self._stop else self.t("Watch"),
            tooltip=self.t("Fetch every few seconds while a receipt is awaited"),
            layout=w.Layout(width="auto"),
        )
        self._watch.observe(self.attempt(self._switched), "value")
        parts: list[w.Widget] = [self._fetch, self._watch, *self._files()]
        if self.tracker.chosen and self.tracker.chosen.mode == "plan":
            self._fetch.disabled = self._watch.disabled = True
        parts += self._ways()
        url = self.tracker.console_url
        if url.startswith("https://"):
            words = escape(self.t("Open the provider's console"))
            parts.append(html(f'<a href="{escape(url)}" target="_blank" rel="noopener">{words} ↗</a>'))
        return row(*parts)

    def _ways(self) -> list[w.Widget]:
        """To notebook 03 while people wait for it to go on, to 05 where people were kept back."""
        row = self.tracker.chosen
        if row is None or row.mode is Mode.PLAN:
            return []
        ways, waits = [], [each for each in self.campaigns if each.row.id == row.id and each.is_unfinished]
        if waits and waits[0].state != "running":
            text = self.t("{what} {campaign} →", what=self.t("Go on"), campaign=row.name)
            ways.append(doorway(self, SEND, Wanted.of(row), text))
        if row.summary.get("excluded", {}).get("holdout"):
            ways.append(doorway(self, EFFECT, Wanted.of(row), self.t("What it brought →")))
        return ways

    def _files(self) -> list[w.Widget]:
        """Buttons for the files that are wanted most; the rest is under Download."""
        kinds = {"csv": mark("Download csv"), "xlsx": mark("Download xlsx")}
        made = [self.button(self.t(words), partial(self._save, kind)) for kind, words in kinds.items()]
        report = self.button(self.t("Download the report"), partial(self._save, "report"))
        return [*made, report, self.download.saving]

    def _save(self, kind: str) -> None:
        self.tell(lambda t: t("The browser saves the file when it is ready."))
        self.download.report() if kind == "report" else self.download.download(kind)

    def _turned(self) -> None:
        self.people.visible = self.tabs[self._box.selected_index] is self.people
        if self.people.visible and self.tracker.seen is not None:
            self.people.show(self.tracker.seen)

    def open(self, place: str, code: str = "") -> None:
        """Turn to the people of a part of the bar, or of one code."""
        self.people.visible = True
        self.people.choose(place, code)
        self._box.selected_index = self.tabs.index(self.people)

    def act(self, what: str, failure: Failure) -> None:
        """Do what was pressed in a row of the failures."""
        place = failure.stage if failure.stage in ("undelivered", "waiting") else f"refused:{failure.stage}"
        if what == "people":
            self.open(place, failure.code)
        elif what == "export":
            self.failures.tell(lambda t: t("The browser saves the file when it is ready."))
            self.download.people(place, failure.code)
        elif what == "follow_up":
            self.follow_up.only(Whom(Group(failure.stage), failure.code))
            self.more.open(self.follow_up)
            self._box.selected_index = self.tabs.index(self.more)
        elif what == "take_out":
            self.failures.tell(lambda t: t("Writing …"))
            self.failures.start("take out", lambda: self.tracker.take_out([failure.code]), self._taken_out)

    def _taken_out(self, place: Path) -> None:
        words = mark("The segment without them is {name}, in segments/; the one before stays as it is.")
        self.failures.tell(lambda t: t(words, name=place.name), "ok")

    def _counted(self) -> None:
        """Somebody counted, here or in a cell."""
        chosen = self.tracker.chosen
        if chosen is not None and chosen.id != self._drawn:
            self.draw()
        else:
            self._show()

    def _show(self) -> None:
        seen = self.tracker.seen
        if seen is None:
            self._head.value = soft(self.t("Counting …"))
            return
        for tab in self.tabs:
            tab.show(seen)
        self.why.show()
        self._box.titles = [tab.name for tab in self.tabs]
        self._list_anew(str(seen.status["state"]))
        self._show_books(seen.status)

    def _show_books(self, status: dict[str, Any]) -> None:
        seen = self.tracker.seen
        at = f"{datetime.now(seen.survey.zone if seen else None):%H:%M:%S}"
        told = f"{self.t(MODES[status['mode']])} · {self.t(STATES.get(status['state'], status['state']))}"
        told += f" · {provider_in_words(status['provider'], self.t)} · {self.t('counted at {at}', at=at)}"
        note = soft(self.t.render(status["note"])) if status["note"] else ""
        if status["approval"] and (status["approval"]["approved_at"] or self.tracker.asks_approval):
            places = self.page.host is not Host.VOILA
            note += soft(self.t.render(approval_in_words(status["approval"], with_places=places)))
        self._head.value = f'<p class="smskit-soft">{escape(told)}</p>{note}'
        self.books.show(status)

    # -- doing ----------------------------------------------------------------------------

    def choose(self, campaign: str, mode: str) -> None:
        """Follow another campaign."""
        self._end_watch()
        self.tracker.choose(campaign, mode)
        self.tell("")
        self.draw()
        self.refresh()

    def refresh(self) -> None:
        """Count everything anew, in the background."""
        if self.tracker.chosen is not None:
            self.start("count", self.tracker.count, lambda _: None)

    def fetch(self) -> None:
        """Fetch receipts and replies once, in the background."""
        self.tell(lambda t: t("Fetching receipts and replies …"))
        self._fetch.disabled = True
        self.start("fetch", self._fetched_once, lambda told: self._fetched(told, done=True))

    def _fetched_once(self) -> Fetched:
        try:
            return self.tracker.fetch()
        finally:
            self._fetch.disabled = False

    def _fetched(self, fetched: Fetched, *, done: bool) -> None:
        s = fetched.settled

        def told(t: Language) -> str:
            counts = t(
                "New on this account, test sends included: {delivered:,} delivered, "
                "{undelivered:,} undelivered, {replies:,} replies, {opt_outs:,} opt-outs; "
                "of the unknown {found:,} were accepted, {refused:,} refused, {never:,} never taken. "
                "Now {awaiting:,} are awaited and {unknown:,} unknown.",
                **s.counts,
                never=s.never_taken,
                awaiting=fetched.awaiting,
                unknown=fetched.unknown,
            )
            waiting = [notice_undecided(fetched.undecided)] if fetched.undecided else []
            return "\n".join([counts, *map(t.render, [*waiting, *s.problems])])

        self.tell(told, "warn" if s.problems else "ok")
        if done or self.tracker.quick:
            self.refresh()
        else:
            self._show_books(self.tracker.status())

    def _switched(self) -> None:
        self.watch() if self._watch.value else self._end_watch()

    def watch(self) -> None:
        """Fetch every few seconds until nothing is awaited, or until it is switched off."""
        if self._stop is not None:
            return
        stop = self._stop = threading.Event()
        self._watch.description = self.t("Watching: click to stop")

        def work() -> Fetched:
            try:
                return self.tracker.watch(stop=stop, told=lambda now: self._told(now, stop))
            finally:
                with self.page.turn:
                    if self._stop is stop:
                        self._end_watch()

        self.start("watch", work, lambda told: self._fetched(told, done=True))

    def _told(self, fetched: Fetched, stop: threading.Event) -> None:
        with self.page.turn:
            if not stop.is_set():
                self._fetched(fetched, done=False)

    def _end_watch(self) -> None:
        if self._stop is not None:
            self._stop.set()
            self._stop = None
        self._watch.value = False
        self._watch.description = self.t("Watch")
