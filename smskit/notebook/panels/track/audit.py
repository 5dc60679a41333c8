"""The tab about who did what, with the plans that wait for a second person's yes."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as w

from smskit.i18n import mark
from smskit.ledger import ApprovalRow
from smskit.ledger.approvals import is_same
from smskit.notebook.host import Host
from smskit.notebook.panels.parts import frame_table, html, notice, row, soft_line
from smskit.notebook.panels.track.base import ActingTab
from smskit.reporting.audit import HEADINGS, approval_in_words
from smskit.workspace import May

__all__ = ["AuditTab"]


class AuditTab(ActingTab):
    """What people did to the campaign, last first."""

    heading = mark("Who did what")

    def build(self) -> Sequence[w.Widget]:
        if self.seen is None:
            return [soft_line(self.t("Counting …"))]
        trail, t = self.seen.trail, self.t
        whole = html(notice(t.render(trail.verdict), "info" if trail.chain.holds else "error"))
        headings = {name: t(words) for name, words in HEADINGS.items()}
        done = frame_table(trail.frame(t, self.seen.row.zone), headings=headings, label=t("Who did what"))
        return [*map(self._plan, self.tracker.unapproved()), whole, html(done)]

    def _plan(self, found: ApprovalRow) -> w.Widget:
        mine = is_same(found.planned_by, self.tracker.environment().user)
        tip = self.t("Somebody else than who planned it has to") if mine else ""
        yes = self.button(
            self.t("Approve this plan"),
            lambda: self.approve(found.plan_hash),
            style="success",
            enabled=not mine,
            tip=tip,
        )
        self.only_for(May.SEND, yes)
        told = approval_in_words(found.to_data(), with_places=self.page.host is not Host.VOILA)
        return row(yes, soft_line(self.t.render(told)))

    def approve(self, plan_hash: str) -> None:
        """Say yes to a plan that somebody else has made; nothing is sent by that."""
        self.tracker.approve(plan_hash)
        self._changed()
        self.tell(lambda t: t("Plan {hash} is approved. Nothing was sent by that.", hash=plan_hash), "ok")
