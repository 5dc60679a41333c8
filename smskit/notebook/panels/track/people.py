"""Tabs about people: one person's story, a list by where they are, what came back."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import ipywidgets as w
import pandas as pd

from smskit.i18n import mark
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.pager import Pager, reveal_button
from smskit.notebook.panels.parts import button, field, frame_table, html, notice, row, soft_line
from smskit.notebook.panels.track.base import Tab
from smskit.notebook.panels.track.counts import headings, stage_name
from smskit.notebook.tracker import CampaignSnapshot, Tracker
from smskit.reporting.delivery import Group

__all__ = ["PeopleTab", "RepliesTab", "WhyTab"]

_EVENTS = {
    "claim": mark("handed over"),
    "outcome": mark("provider's answer"),
    "settled": mark("settled"),
    "receipt": mark("receipt"),
    "opt_out": mark("opt-out"),
    "frequency_cap": mark("frequency cap"),
    "interrupted": mark("run was interrupted"),
}
_STATES = {
    "submitting": mark("submitting"),
    "accepted": mark("accepted"),
    "refused": mark("refused"),
    "unknown": mark("unknown"),
    "waiting": mark("waiting"),
    "delivered": mark("delivered"),
    "undelivered": mark("undelivered"),
}
_PAGE = 25


class WhyTab(Tab):
    """Why somebody did or did not get it."""

    heading = mark("One person")
    person = ""

    def show(self, seen: CampaignSnapshot) -> None:
        self.seen = seen
        self._ask_again()

    def _ask_again(self) -> None:
        if self.person:
            self.attempt(lambda: self.ask(self.person))(None)

    def build(self) -> Sequence[w.Widget]:
        who = field(w.Text, self.t("User id or phone"), value=self.person, continuous_update=False)
        ask = button(self.t("Why?"), style="primary")
        self._answer, self._steps = html(""), html("")
        who.observe(self.attempt(lambda: self.ask(who.value)), "value")
        ask.on_click(self.attempt(lambda: self.ask(who.value)))
        self._ask_again()
        return [row(who, ask), self._answer, self._steps]

    def ask(self, person: str) -> None:
        """Tell the story of *person*."""
        self.person = person
        self.tell("")
        # The answer before is somebody else's, also where this one turns out to be an error.
        self._answer.value = self._steps.value = ""
        story = self.tracker.why(person)
        self._answer.value = "".join(notice(line) for line in story.told(self.t).splitlines())
        steps = story.steps
        if not len(steps):
            self._steps.value = ""
            return
        shown = steps.assign(
            event=[self.t(_EVENTS.get(e, e)) for e in steps["event"]],
            state=[self.t(_STATES.get(s, s)) for s in steps["state"]],
            meaning=[self.t.said(m) for m in steps["meaning"]],
        )
        self._steps.value = frame_table(shown, headings=headings(self.t), label=self.t("One person"))


class PeopleTab(Tab):
    """People by where they are, a page at a time."""

    heading = mark("People")
    group = ""
    reveal = False

    def __init__(self, page: Page, tracker: Tracker) -> None:
        super().__init__(page, tracker)
        self.pager = Pager(self, self.fetch, size=_PAGE, ends=False)

    def build(self) -> Sequence[w.Widget]:
        if self.seen is None:
            return [soft_line(self.t("Counting …"))]
        counts = self.seen.survey.groups
        options = [(f"{self.t('all')} ({sum(counts.values()):,})", "")]
        options += [(f"{stage_name(g, self.t)} ({n:,})", str(g)) for g, n in counts.items() if n]
        values = [value for _, value in options]
        self.group = self.group if self.group in values else ""
        which = field(w.Dropdown, self.t("Where they are"), options=options, value=self.group)
        which.observe(self.attempt(lambda: self.choose(which.value)), "value")
        self._table = html("")
        reveal = reveal_button(self, self.reveal, self._show_phones)
        pages = row(*self.pager.build(), self.pager.where)
        self.fetch()
        return [row(which, reveal), self._table, pages]

    def choose(self, group: str) -> None:
        """Others; "" = everybody."""
        self.group = group
        self.pager.go(0)

    def _show_phones(self, reveal: bool) -> None:
        self.reveal = reveal
        self.fetch()

    def fetch(self) -> None:
        """Fetch the page in the background."""
        assert self.seen is not None
        counts = self.seen.survey.groups
        total = counts[Group(self.group)] if self.group else sum(counts.values())
        groups = [Group(self.group)] if self.group else []
        first, reveal = self.pager.first, self.reveal

        def shown(page: pd.DataFrame) -> None:
            told = page.assign(
                state=[self.t(_STATES.get(s, s)) for s in page["state"]],
                code=page["receipt_code"].where(page["receipt_code"] != "", page["provider_code"]),
                said=[self.t.said(text) for text in page["provider_detail"]],
                message_id=page["provider_message_id"],
            )[["user_id", "phone", "state", "reason", "code", "said", "text", "message_id"]]
            self._table.value = frame_table(told, headings=headings(self.t), label=self.t("People"))
            rows = mark("{first:,} to {last:,} of {total:,} people")
            self.pager.show(len(page), total, rows=rows, none=mark("Nobody."))

        self.start("page", lambda: self.tracker.people(groups, first=first, size=_PAGE, reveal=reveal), shown)


class RepliesTab(Tab):
    """Replies (上行), and opt-outs among them."""

    heading = mark("Replies")

    def build(self) -> Sequence[w.Widget]:
        if self.seen is None:
            return [soft_line(self.t("Counting …"))]
        came = self.seen.replies
        if not len(came):
            return [soft_line(self.t("No reply so far."))]
        told = self.t(
            "{n:,} replies, {out:,} of them opt-outs", n=len(came), out=int(came["opted_out"].sum())
        )
        if self.seen.row.mode == "rehearse":
            told += " " + self.t("(in a rehearsal nobody is put on the opt-out list)")
        shown = came.assign(opted_out=["✓" if out else "" for out in came["opted_out"]])
        table = frame_table(shown, headings=headings(self.t), label=escape(self.t("Replies")))
        return [soft_line(told), html(table)]
