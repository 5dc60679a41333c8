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
from smskit.notebook.panels.parts import card, chip, html, names, notice, row, title
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
        choice = w.Dropdown(
            description=t("Provider"),
            options=self.notebook.choices(self.t),
            value=self.notebook.provider,
            style={"description_width": "140px"},
            layout=w.Layout(width="420px"),
        )
        choice.observe(self.attempt(lambda: self.choose(choice.value)), "value")
        told = [html(notice(t.render(remark), "warn")) for remark in remarks(self.page.environment())]
        return [card(title(t("Providers"), hint), *told, html(self._table()), row(choice))]

    def choose(self, name: str) -> None:
        """Take another provider, and say what that did to signature and template."""
        moved = self.notebook.choose(name)
        self.tell(lambda t: what_moved(moved, t))

    def _table(self) -> str:
        t = self.t
        heads = (t("Provider"), t("state"), t("last checked"), t("what it said"))
        head = "".join(f'<th scope="col">{escape(h)}</th>' for h in heads)
        body = "".join(self._line(account) for account in self.notebook.accounts())
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return f'<div class="smskit-table">{table}</div>'

    def _line(self, account: Account) -> str:
        name = escape(self.t.render(account.title))
        cells = (
            f"<b>{name}</b>" if account.name == self.notebook.provider else name,
            chip(self.t(account.status), KINDS[account.status]),
            f'<span class="smskit-when">{escape(when(account))}</span>',
            names(in_fields(answer_of(account, self.t), account.name, self.t)),
        )
        return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
