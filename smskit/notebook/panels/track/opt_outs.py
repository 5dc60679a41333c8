"""The tab about opt-outs: doubtful replies that a person decides about, and lists that are imported."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape
from typing import Any

import ipywidgets as w

from smskit.i18n import Language, mark
from smskit.models import Mode
from smskit.notebook.panels.parts import field, html, row, soft_line
from smskit.notebook.panels.track.base import ActingTab
from smskit.notebook.tracker import CampaignSnapshot
from smskit.workspace import May

__all__ = ["OptOutsTab"]

_MOST = 50  # replies with buttons at once


class OptOutsTab(ActingTab):
    """Doubtful replies, and lists."""

    heading = mark("Opt-outs")

    @property
    def name(self) -> str:
        """With how many replies wait for a decision."""
        n = len(self.seen.doubtful) if self.seen else 0
        return f"{super().name} ({n:,})" if n else super().name

    def build(self) -> Sequence[w.Widget]:
        self._waiting = w.VBox(self._doubtful())
        return [self._waiting, self._list()]

    def show(self, seen: CampaignSnapshot) -> None:
        self.seen = seen
        self._waiting.children = tuple(self._doubtful())

    def _doubtful(self) -> list[w.Widget]:
        if self.seen is None:
            return [soft_line(self.t("Counting …"))]
        waiting, t = self.seen.doubtful, self.t
        if not len(waiting):
            return [soft_line(t("No doubtful reply waits for a decision."))]
        about = t("{n:,} doubtful replies. Each counts as an opt-out until somebody decides.", n=len(waiting))
        if self.seen.row.mode is Mode.REHEARSE:
            about += " " + t("(in a rehearsal nobody is put on the opt-out list)")
        return [soft_line(about), *map(self._reply, waiting.head(_MOST).itertuples(index=False))]

    def _reply(self, reply: Any) -> w.Widget:
        at = f"{reply.at:%Y-%m-%d %H:%M}"
        decide = partial(self.decide, reply.id)
        asks = self.button(self.t("opted out"), partial(decide, opted_out=True), style="warning")
        stays = self.button(self.t("not an opt-out"), partial(decide, opted_out=False))
        self.only_for(May.SEND, asks, stays)
        said = f'<b>{escape(reply.text)}</b> <span class="smskit-soft">{escape(reply.phone)} · {at}</span>'
        return row(asks, stays, html(said))

    def decide(self, which: str, *, opted_out: bool) -> None:
        """A person's word on one reply, by its id, or on all of a phone."""
        n = self.tracker.decide(which, opted_out=opted_out)
        self._changed()
        words = mark("{n} decided: opted out") if opted_out else mark("{n} decided: not an opt-out")
        self.tell(lambda t: t(words, n=n), "ok")

    def _list(self) -> w.Widget:
        file = field(w.Text, self.t("A list to import"), placeholder="opt_out.csv, .txt, .xlsx")
        take = self.button(
            self.t("Import"),
            lambda: self.take(file.value),
            tip=self.t("Put every number of a file on the opt-out list"),
        )
        self.only_for(May.SEND, take)
        return row(file, take)

    def take(self, path: str) -> None:
        """Import a list, and say which of its lines could not be read."""
        done = self.tracker.import_opt_outs(path)
        self._changed()

        def told(t: Language) -> str:
            return "\n".join(map(t.render, done.told(_MOST)))

        self.tell(told, "warn" if done.unread else "ok")
