"""Asking a provider whether it is usable, or the simulator in its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from html import escape

import ipywidgets as w

from smskit.i18n import mark
from smskit.models import CheckResult, Finding, amount
from smskit.notebook.accounts import AccountStatus
from smskit.notebook.connect import ConnectNotebook
from smskit.notebook.panels.connect.credentials import in_fields
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import card, chip, html, names, plain_table, row, title

__all__ = ["CheckPanel"]

_WHAT = mark(
    "Asks the provider about the key, the balance, and the signature and template that are chosen. "
    "Sends nothing."
)


class CheckPanel(Panel):
    """
    The check's two buttons and what came back.

    Args:
        changed: Called when an answer came.
    """

    def __init__(self, page: Page, notebook: ConnectNotebook, *, changed: Callable[[], None]) -> None:
        super().__init__(page)
        self.notebook, self._changed = notebook, changed

    def build(self) -> Sequence[w.Widget]:
        t, nb = self.t, self.notebook
        absent = nb.account.status is AccountStatus.ABSENT
        check = self.button(
            t("Check"),
            partial(self.ask, simulator=False),
            style="" if absent else "primary",
            enabled=not absent,
        )
        rehearsable = bool(nb.cls.rehearsal)
        trial = self.button(
            t("Try with the simulator"),
            partial(self.ask, simulator=True),
            style="primary" if absent else "",
            enabled=rehearsable,
        )
        hint = t("No account yet? The built-in simulator stands in for the provider; nobody is messaged.")
        told = html(f'<span class="smskit-soft">{escape(hint)}</span>' if rehearsable else "")
        shown = [html(self._result(nb.result))] if nb.result else []
        return [card(title(t("Check"), t(_WHAT)), row(check, trial, told), *shown)]

    def ask(self, *, simulator: bool) -> None:
        """Ask beside the kernel, and show the answer when it comes."""
        self.tell(lambda t: t("Asking…"))
        name = self.notebook.provider

        def answered(result: CheckResult) -> None:
            if self.notebook.provider == name:
                self.tell("")
                self.draw()
            self._changed()

        self.start("check", lambda: self.notebook.check(simulator=simulator).value, answered)

    def _result(self, result: CheckResult) -> str:
        t = self.t
        verdict = chip(t("Usable"), "ok") if result.usable else chip(t("NOT usable"), "bad")
        heads = (t("check"), t("ok"), t("code"), t("meaning"), t("next step"))
        told = [who] if (who := self.notebook.according_to(t)) else []
        told += [t("balance {amount}", amount=amount(result.balance, t))] if result.balance else []
        said = f'<p class="smskit-verdict">{verdict} {escape(" · ".join(told))}</p>'
        return said + plain_table(heads, map(self._line, result.findings))

    def _line(self, finding: Finding) -> tuple[str, ...]:
        t = self.t
        return (
            escape(t.render(finding.what)),
            chip("✓", "ok") if finding.ok else chip("✗", "bad"),
            f'<code class="smskit-code">{escape(finding.code)}</code>' if finding.code else "",
            escape(finding.told(t)),
            names(in_fields(t.render(finding.next_step), self.notebook.provider, t)),
        )
