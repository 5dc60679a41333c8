"""Every provider's state at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import ipywidgets as w

from smskit.i18n import Language
from smskit.models import amount
from smskit.notebook.accounts import Account, AccountStatus, remarks
from smskit.notebook.connector import Connector
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import card, chip, html, names, notice, row, title
from smskit.notebook.panels.provider_change import what_moved

__all__ = ["OverviewPanel", "answer_of"]

_KIND = {
    AccountStatus.ABSENT: "",
    AccountStatus.SAVED: "warn",
    AccountStatus.VERIFIED: "ok",
    AccountStatus.FAILING: "bad",
}


class OverviewPanel(Panel):
    """A table of all providers, and the choice of one."""

    def __init__(self, page: Page, connector: Connector) -> None:
        super().__init__(page)
        self.connector = connector

    def build(self) -> Sequence[w.Widget]:
        t = self.t
        hint = t("What each provider said when it was last asked. Nothing here is asked again by itself.")
        choice = w.Dropdown(
            description=t("Provider"),
            options=self.connector.choices(),
            value=self.connector.provider,
            style={"description_width": "140px"},
            layout=w.Layout(width="420px"),
        )
        choice.observe(self.attempt(lambda: self.choose(choice.value)), "value")
        told = [html(notice(t.render(remark), "warn")) for remark in remarks(self.page.environment())]
        return [card(title(t("Providers"), hint), *told, html(self._table()), row(choice))]

    def choose(self, name: str) -> None:
        """Take another provider, and say what that did to signature and template."""
        moved = self.connector.choose(name)
        self.tell(lambda t: what_moved(moved, t))

    def _table(self) -> str:
        t = self.t
        heads = (t("Provider"), t("state"), t("last checked"), t("what it said"))
        head = "".join(f'<th scope="col">{escape(h)}</th>' for h in heads)
        body = "".join(self._line(account) for account in self.connector.accounts())
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return f'<div class="smskit-table">{table}</div>'

    def _line(self, account: Account) -> str:
        at = account.at.astimezone().strftime("%Y-%m-%d %H:%M") if account.at else "—"
        name = escape(account.title)
        cells = (
            f"<b>{name}</b>" if account.name == self.connector.provider else name,
            chip(self.t(account.status), _KIND[account.status]),
            f'<span class="smskit-when">{escape(at)}</span>',
            names(answer_of(account, self.t)),
        )
        return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def answer_of(account: Account, t: Language) -> str:
    """One line: what the provider said, or what is missing before it could be asked."""
    answer = account.answer
    if answer is None:
        missing = account.status is AccountStatus.SAVED and account.problem
        return t.render(account.problem) if missing else "—"
    words = [answer.code, t.said(answer.told)]
    if account.balance and answer.ok:
        words += [t("balance {amount}", amount=amount(account.balance))]
    if not answer.ok:
        words += [f"→ {t.render(answer.next_step)}"] if answer.next_step else []
    return " ".join(word for word in words if word)
