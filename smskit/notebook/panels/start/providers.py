"""Providers with what they said last and what is left on the account; asked anew at a click."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape

import ipywidgets as w

from smskit.errors import SmskitError
from smskit.models import amount
from smskit.notebook.accounts import Account, AccountStatus
from smskit.notebook.connect import answer_of, when
from smskit.notebook.home import Home
from smskit.notebook.panels.connect.credentials import in_fields
from smskit.notebook.panels.connect.overview import KINDS
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import card, chip, html, names, plain_table, row, soft, title

__all__ = ["ProvidersPanel"]


class ProvidersPanel(Panel):
    """The accounts that are set up; the others are counted."""

    def __init__(self, page: Page, home: Home) -> None:
        self.home = home
        self.accounts: dict[str, Account] = {}
        self._wrong: dict[str, SmskitError] = {}
        self._asking: set[str] = set()
        self._table, self._ask = html(""), w.Button()
        super().__init__(page)

    def build(self) -> Sequence[w.Widget]:
        t = self.t
        self._table = html("")
        self._ask = self.button(
            t("Ask for state and balance"), self.ask, tip=t("Asks each account; sends nothing")
        )
        self._show()
        hint = t("From the last check of each account; none is asked again by itself.")
        return [card(title(t("Providers"), hint), self._table, row(self._ask))]

    def show(self, accounts: Sequence[Account]) -> None:
        """Show how far each account is."""
        self.accounts = {account.name: account for account in accounts}
        self._show()

    @property
    def set_up(self) -> list[Account]:
        """Those of which something is known."""
        return [each for each in self.accounts.values() if each.status is not AccountStatus.ABSENT]

    def ask(self) -> None:
        """Ask every account that is set up, each in the background and for a limited time."""
        for account in self.set_up:
            self._asking.add(account.name)
            self.start(f"ask {account.name}", partial(self._asked, account.name), self._answered)
        self._show()

    def _asked(self, name: str) -> tuple[str, Account | SmskitError]:
        try:
            return name, self.home.ask(name)
        except SmskitError as error:
            return name, error

    def _answered(self, found: tuple[str, Account | SmskitError]) -> None:
        name, answer = found
        self._asking.discard(name)
        self._wrong.pop(name, None)
        if isinstance(answer, SmskitError):
            self._wrong[name] = answer
        else:
            self.accounts[name] = answer
        self._show()

    def _show(self) -> None:
        t = self.t
        self._ask.disabled = bool(self._asking) or not self.set_up
        heads = (t("Provider"), t("state"), t("balance"), t("last checked"), t("what it said"))
        nobody = soft(t("No account is set up yet. Rehearsals need none; notebook 01 connects one."))
        self._table.value = plain_table(heads, map(self._line, self.set_up)) if self.set_up else nobody

    def _line(self, account: Account) -> tuple[str, ...]:
        t, wrong = self.t, self._wrong.get(account.name)
        told = t.render(wrong.message) if wrong else answer_of(account, t, with_balance=False)
        said = names(in_fields(told, account.name, t))
        if account.name in self._asking:
            said = escape(t("being asked …"))
        return (
            escape(t.render(account.title)),
            chip(t(account.status), KINDS[account.status]),
            escape(amount(account.balance, t)) if account.balance else "—",
            f'<span class="smskit-when">{escape(when(account))}</span>',
            said,
        )
