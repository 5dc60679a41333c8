"""The head of the track panel: one sentence, one bar that adds up to the file, four cards, one person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import ipywidgets as w

from smskit.i18n import Language, mark
from smskit.i18n.figures import money, share
from smskit.models import REASONS, Mode
from smskit.notebook.display import BOOKS
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import (
    button,
    details,
    field,
    frame_table,
    html,
    notice,
    row,
    soft,
    stale,
    tiles,
)
from smskit.notebook.panels.pressable import Pressable
from smskit.notebook.panels.track.counts import headings
from smskit.notebook.tracker import CampaignSnapshot, Timeline, Tracker
from smskit.reporting.books import books_frame, headline, parts_of
from smskit.reporting.delivery import EVENTS, PERSON_STATES

__all__ = ["BooksPanel", "PersonSearch", "part_name"]

_COST = {
    Mode.PLAN: mark("would cost"),
    Mode.REHEARSE: mark("would have cost"),
    Mode.LIVE: mark("cost of the accepted"),
}


def part_name(key: str, t: Language) -> str:
    """What a part of the bar is called; see ``books.parts_of``."""
    kind, _, reason = key.partition(":")
    return t(REASONS.get(reason, reason)) if reason else t(BOOKS[kind])


class BooksPanel(Panel):
    """
    The books of the campaign, which add up to the file that was read.

    Args:
        opened: Called with the part of the bar that was pressed.
    """

    def __init__(self, page: Page, tracker: Tracker, opened: Callable[[str], None]) -> None:
        self.tracker, self._opened = tracker, opened
        self._sentence, self._cards, self._full = html(""), html(""), html("")
        self._bar = Pressable()
        super().__init__(page)

    def build(self) -> Sequence[w.Widget]:
        self._sentence, self._cards, self._full = html(""), html(""), html("")
        self._bar = Pressable(lambda part: self.attempt(lambda: self._opened(part))(None))
        self.show()
        return [self._sentence, self._bar, self._cards, self._full]

    def show(self, status: Mapping[str, Any] | None = None) -> None:
        """Show what was counted last, or *status* where that is newer: other figures are dimmed then."""
        seen, t = self.tracker.seen, self.t
        if seen is None:
            self._sentence.value = soft(t("Counting …"))
            return
        now = status or seen.status
        self._sentence.value = f'<div class="smskit-sentence">{escape(headline(now, t))}</div>'
        self._bar.value = _bar(now, t)
        self._cards.value = tiles(_cards(seen, now, t))
        stale(now is not seen.status and now != seen.status, self._cards)
        table = frame_table(books_frame(now, t), label=t("The books in full"))
        self._full.value = details(t("As a table"), table)


def _bar(status: Mapping[str, Any], t: Language) -> str:
    parts = parts_of(status)
    total = sum(n for _, n in parts)
    told = [
        (key, key.partition(":")[0], escape(part_name(key, t)), n, share(n, total)) for key, n in parts if n
    ]
    # Small parts are hard to hit and to tell apart: each has its name, which can be pressed, too.
    bars = "".join(
        f'<button class="{kind}" data-press="{escape(key)}" style="flex-grow:{n}" tabindex="-1" '
        f'title="{name} {n:,} · {part}" aria-label="{name} {n:,} · {part}"></button>'
        for key, kind, name, n, part in told
    )
    keys = "".join(
        f'<button data-press="{escape(key)}"><i class="{kind}"></i>{name} <b>{n:,}</b> '
        f"<small>{part}</small></button>"
        for key, kind, name, n, part in told
    )
    read = escape(t("rows read"))
    label = f"{read} {total:,} = {' + '.join(f'{name} {n:,}' for _, _, name, n, _ in told)}"
    whole = f'<button data-press="">{read} <b>{total:,}</b></button>'
    return (
        f'<div class="smskit-books" role="group" aria-label="{label}">{bars}</div>'
        f'<div class="smskit-books-key">{whole}{keys}</div>'
    )


def _cards(seen: CampaignSnapshot, status: Mapping[str, Any], t: Language) -> list[tuple[str, Any, str]]:
    figures = seen.figures

    return [
        (t("delivery rate, of the accepted"), _rate(figures.delivery_rate), "ok"),
        (t("opt-out rate, of the accepted"), _rate(figures.opt_out_rate), ""),
        (t("awaiting receipt"), status["awaiting"], ""),
        (t(_COST[Mode(status["mode"])]), money(figures.cost), ""),
    ]


def _rate(rate: float | None) -> str:
    return "—" if rate is None else share(rate)


class PersonSearch(Panel):
    """
    Why somebody did or did not get it: anybody of the file, by user id or phone.

    The answer before goes first: it is somebody else's.
    """

    person = ""

    def __init__(self, page: Page, tracker: Tracker) -> None:
        self.tracker = tracker
        self._answer = html("")
        super().__init__(page)

    def build(self) -> Sequence[w.Widget]:
        who = field(w.Text, self.t("User id or phone"), value=self.person, continuous_update=False)
        who.placeholder = self.t("anybody of the file")
        ask = button(self.t("Why?"), style="primary")
        self._answer = html("")
        who.observe(self.attempt(lambda: self.ask(who.value)), "value")
        ask.on_click(self.attempt(lambda: self.ask(who.value)))
        self.show()
        return [row(who, ask), self._answer]

    def show(self) -> None:
        """Ask again, since everything was counted anew; the answer stays until there is another."""
        if self.person:
            person = self.person
            self.start("why", lambda: self.tracker.why(person), self._told)

    def ask(self, person: str) -> None:
        """Tell the story of *person*."""
        self.person = person.strip()
        self.tell("")
        self._answer.value = soft(self.t("Looking …")) if self.person else ""
        self.show()

    def complain(self, error: BaseException) -> None:
        self._answer.value = ""
        super().complain(error)

    def _told(self, story: Timeline) -> None:
        self.tell("")
        told = "".join(notice(line) for line in story.told(self.t).splitlines())
        self._answer.value = told + (self._steps(story) if len(story.steps) else "")

    def _steps(self, story: Timeline) -> str:
        t, steps = self.t, story.steps
        shown = steps.assign(
            event=[t(EVENTS.get(e, e)) for e in steps["event"]],
            state=[t(PERSON_STATES.get(s, s)) for s in steps["state"]],
            reason=[t(r) for r in steps["reason"]],
            meaning=[t.said(m) for m in steps["meaning"]],
        )
        return frame_table(shown, headings=headings(t), label=t("One person"))
