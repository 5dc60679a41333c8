"""Every provider's state at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import ipywidgets as w

from smskit.notebook.accounts import Account, AccountStatus, remarks
from smskit.notebook.connect import ConnectNotebook, answer_of, when
from smskit.notebook.panels.connect.credentials import in_fields
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import card, chip, html, names, notice, plain_table, row, title
from smskit.notebook.panels.provider_change import what_moved

__all__ = ["KINDS", "OverviewPanel"]

KINDS = {
    AccountStatus.ABSENT: "",
    AccountStatus.SAVED: "warn",
    AccountStatus.VERIFIED: "ok",
    AccountStatus.FAILING: "bad",
}


class OverviewPanel(Panel):
    """A table of all providers, and the choice of one."""

    def __init__(self, page: Page, notebook: ConnectNotebook) -> None:
        super().__init__(page)
        self.notebook = notebook

    def build(self) -> Sequence[w.Widget]:
        t = self.t
        hint = t("From the last check of each provider; none is asked again by itself.")
        options, value = self.notebook.choices(t), self.notebook.provider
        choice = self.field(w.Dropdown, t("Provider"), self.choose, options=options, value=value)
        told = [html(notice(t.render(remark), "warn")) for remark in remarks(self.page.environment())]
        return [card(title(t("Providers"), hint), *told, html(self._table()), row(choice))]

    def choose(self, name: str) -> None:
        """Take another provider, and say what that did to signature and template."""
        moved = self.notebook.choose(name)
        self.tell(lambda t: what_moved(moved, t))

    def _table(self) -> str:
        t = self.t
        heads = (t("Provider"), t("state"), t("last checked"), t("what it said"))
        return plain_table(heads, map(self._line, self.notebook.accounts()))

    def _line(self, account: Account) -> tuple[str, ...]:
        name = escape(self.t.render(account.title))
        return (
            f"<b>{name}</b>" if account.name == self.notebook.provider else name,
            chip(self.t(account.status), KINDS[account.status]),
            f'<span class="smskit-when">{escape(when(account))}</span>',
            names(in_fields(answer_of(account, self.t), account.name, self.t)),
        )
