"""The tab of what came back: replies (上行), opt-outs among them, and those that a person decides about."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as w

from smskit.i18n import mark
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parts import frame_table, html, soft
from smskit.notebook.panels.track.base import Tab
from smskit.notebook.panels.track.counts import headings
from smskit.notebook.panels.track.opt_outs import OptOutsTab
from smskit.notebook.tracker import CampaignSnapshot, Tracker

__all__ = ["RepliesTab"]

_MOST = 200  # replies that are shown


class RepliesTab(Tab):
    """
    Replies, and opt-outs.

    Args:
        changed: Called when a person has decided, or imported a list.
    """

    heading = mark("Replies")

    def __init__(self, page: Page, tracker: Tracker, changed: Callable[[], None]) -> None:
        self.opt_outs = OptOutsTab(page, tracker, changed)
        self._told = html("")
        super().__init__(page, tracker)

    @property
    def name(self) -> str:
        """With how many replies wait for a decision."""
        n = len(self.seen.doubtful) if self.seen else 0
        return f"{super().name} ({n:,})" if n else super().name

    def build(self) -> Sequence[w.Widget]:
        self._told = html("")
        self._fill()
        self.opt_outs.draw()
        return [self._told, self.opt_outs.widget]

    def show(self, seen: CampaignSnapshot) -> None:
        self.seen = seen
        self._fill()
        self.opt_outs.show(seen)

    def _fill(self) -> None:
        t = self.t
        if self.seen is None or not len(came := self.seen.replies):
            self._told.value = soft(t("No reply so far.") if self.seen else t("Counting …"))
            return
        told = t("{n:,} replies, {out:,} people opted out", n=len(came), out=self.seen.figures.opted_out)
        if self.seen.row.mode == "rehearse":
            told += " " + t("(in a rehearsal nobody is put on the opt-out list)")
        shown = came.head(_MOST).assign(
            opted_out=["✓" if out else "" for out in came["opted_out"].head(_MOST)]
        )
        self._told.value = soft(told) + frame_table(shown, headings=headings(t), label=t("Replies"))
