"""The tab about unknown messages: how many, how old, what can settle them, and a person's word."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as w

from smskit.i18n import mark
from smskit.notebook.panels.parts import frame_table, html, notice, row, soft_line
from smskit.notebook.panels.track.base import ActingTab
from smskit.notebook.panels.track.counts import clock, headings
from smskit.notebook.tracker import CampaignSnapshot
from smskit.workspace import may_send_in

__all__ = ["UnknownTab"]


class UnknownTab(ActingTab):
    """Unknown messages."""

    heading = mark("Unknown")

    @property
    def name(self) -> str:
        """With how many there are."""
        n = self.seen.status["unknown"] if self.seen else 0
        return f"{super().name} ({n:,})" if n else super().name

    def build(self) -> Sequence[w.Widget]:
        self._told, self._hand, self._to_settle = w.VBox(), w.VBox(), 0
        self._fill()
        return [self._told, self._hand]

    def show(self, seen: CampaignSnapshot) -> None:
        self.seen = seen
        self._fill()

    def _fill(self) -> None:
        self._told.children = tuple(self._about())
        n = self.seen.status["unknown"] if self.seen else 0
        if n != self._to_settle:
            self._hand.children = (self._by_hand(n),) if n else ()
            self._to_settle = n

    def _about(self) -> list[w.Widget]:
        if self.seen is None:
            return [soft_line(self.t("Counting …"))]
        n, found, zone = self.seen.status["unknown"], self.seen.survey.unknown, self.seen.survey.zone
        if not n:
            return [soft_line(self.t("Nothing is unknown."))]
        shown = found.assign(
            oldest=[clock(at, zone) for at in found["oldest"]],
            newest=[clock(at, zone) for at in found["newest"]],
            detail=[self.t.said(text) for text in found["detail"]],
        )
        about = self.t("An unknown message may have been sent. It is never sent again by itself.")
        table = frame_table(shown, headings=headings(self.t), label=self.t("Unknown"))
        ways = "".join(notice(way) for way in self._ways())
        return [soft_line(about), html(table), html(ways), *self._likely()]

    def _likely(self) -> list[w.Widget]:
        if not (n := self.tracker.likely):
            return []
        told = self.t(
            "{n:,} were likely accepted: a report for the number has an id that is not ours. If nothing "
            "else sends through the account, it is theirs.",
            n=n,
        )
        accept = self.button(self.t("Accept {n:,} by their reports", n=n), self.accept)
        self.only_for(may_send_in(self.tracker.row.mode), accept)
        return [html(notice(told)), row(accept)]

    def accept(self) -> None:
        """A person's word on the reports that are likely about some."""
        done = self.tracker.accept_likely()
        self._changed()
        self.tell(lambda t: t("{n:,} accepted, by the reports for their numbers", n=done), "ok")

    def _ways(self) -> list[str]:
        ways, t = self.tracker.ways, self.t
        told = []
        if ways.records and ways.absence:
            told.append(
                t("Asking the provider for its record settles them: found means sent, none means not sent.")
            )
        elif ways.records:
            told.append(t("The provider can be asked for its record: found means sent, none proves nothing."))
        if ways.receipts:
            told.append(t("A receipt settles a message: there is none of what was not taken."))
        if ways.maybe:
            told.append(t("What this provider can tell depends on its configuration file."))
        return [*told, t("Fetch receipts above first. Decide by hand only what stays.")]

    def _by_hand(self, n: int) -> w.Widget:
        count = w.IntText(description=self.t("Repeat the number"), value=0, layout=w.Layout(width="260px"))
        count.style.description_width = "140px"
        again = self.t("Send {n:,} again; some may get it twice", n=n)
        resend = self.button(again, lambda: self.settle(resend=True, count=count.value), style="danger")
        leave = self.t("Give up {n:,}: leave them as they are", n=n)
        give_up = self.button(leave, lambda: self.settle(resend=False, count=count.value), style="warning")
        self.only_for(may_send_in(self.tracker.row.mode), give_up, resend)
        return row(count, give_up, resend)

    def settle(self, *, resend: bool, count: int) -> None:
        """A person's word, with the number it is about."""
        done = self.tracker.settle(resend=resend, count=count)
        self._changed()
        told = (
            mark("{n:,} wait to be sent again: go on in notebook 03, or with `smskit resume {name}`")
            if resend
            else mark("{n:,} count as refused now; campaign {name}")
        )
        name = self.tracker.row.name
        self.tell(lambda t: t(told, n=done, name=name), "ok")
