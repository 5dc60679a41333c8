"""Choosing signature, template and phone column: from what the provider lists, or typed in."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import ipywidgets as w

from smskit.accounts import Known, Offered
from smskit.connector import Connector
from smskit.language import mark
from smskit.models import Offer
from smskit.providers import Feature
from smskit.widgets.page import Page
from smskit.widgets.panel import Panel
from smskit.widgets.parts import button, html, notice, row, title

__all__ = ["OffersPanel"]

_STYLE = {"description_width": "200px"}
_SHOWN = 60  # characters of a template in a list
_HINT = mark("What the provider has approved, and what you typed in from its console. Choose one of each.")
_NO_LIST = mark("This provider cannot be asked for lists: copy them from its console.")


class OffersPanel(Panel):
    """Signatures and templates of the chosen provider; what is chosen goes into the draft."""

    def __init__(self, page: Page, connector: Connector) -> None:
        super().__init__(page)
        self.connector = connector

    def build(self) -> Sequence[w.Widget]:
        t, connector = self.t, self.connector
        offered = connector.offered
        lists = bool(connector.cls.features & {Feature.SIGNATURES, Feature.TEMPLATES})
        absent = connector.account.known is Known.ABSENT
        able = lists and (not absent or bool(connector.cls.rehearsal))
        words = t("List those of the simulator") if absent else t("List those of my account")
        ask = button(words, enabled=able)
        ask.on_click(self.attempt(self.ask))
        told = html("" if lists else f'<span class="smskit-soft">{escape(t(_NO_LIST))}</span>')
        phone = self._text(t("Phone column"), self.page.draft["phone"])
        phone.observe(self.attempt(lambda: self.page.draft.set(phone=phone.value.strip() or None)), "value")
        column = html(
            f'<span class="smskit-soft">{escape(t("of the segment; the same for all providers"))}</span>'
        )
        box = w.VBox(
            [
                title(t("Signature, template, phone column"), t(_HINT)),
                row(ask, told),
                *self._signatures(offered),
                *self._templates(offered),
                row(phone, column),
            ]
        )
        box.add_class("smskit-card")
        return [box]

    def ask(self) -> None:
        """Ask for the lists beside the kernel."""
        self.tell(lambda t: t("Asking…"))
        self.start("offers", self.connector.offers, self._came)

    def _came(self, offered: Offered) -> None:
        self.draw()
        found = {"n": len(offered.signatures), "m": len(offered.templates)}
        self.tell(lambda t: t("{n} signatures and {m} templates.", **found), "ok")

    # -- signatures --------------------------------------------------------------------

    def _signatures(self, offered: Offered) -> list[w.Widget]:
        t, chosen = self.t, self.page.draft["signature"]
        options = [(t("none"), ""), *((self._name(o, o.id), o.id) for o in offered.signatures)]
        if chosen and chosen not in {o.id for o in offered.signatures}:
            options.append((chosen, chosen))
        choice = self._dropdown(t("Signature"), options, chosen)
        choice.observe(self.attempt(lambda: self.connector.choose_signature(choice.value)), "value")
        typed = self._text(t("Another signature"), "", t("without 【】"))
        add = button(t("Add signature"))
        add.on_click(self.attempt(lambda: self._type_signature(typed.value)))
        return [row(choice), row(typed, add)]

    def _type_signature(self, text: str) -> None:
        self.connector.type_signature(text)
        self.tell("")
        self.draw()

    # -- templates ---------------------------------------------------------------------

    def _templates(self, offered: Offered) -> list[w.Widget]:
        t, draft = self.t, self.page.draft
        chosen = next((i for i, o in enumerate(offered.templates) if self._is_chosen(o)), None)
        options: list[tuple[str, Any]] = [(t("none"), -1)]
        options += [(self._name(o, _short(o)), i) for i, o in enumerate(offered.templates)]
        if chosen is None and (draft["template_id"] or draft["template"]):
            chosen = len(offered.templates)
            options.append((_short(Offer(draft["template_id"], draft["template"], True, "")), chosen))
        choice = self._dropdown(t("Template"), options, -1 if chosen is None else chosen)
        choice.observe(self.attempt(lambda: self._choose(offered, choice.value)), "value")
        text = notice(draft["template"]) if draft["template"] else ""
        number = self._text(t("Another template's id"), "", t("as the console shows it"))
        words = w.Textarea(
            description=t("Its text"),
            placeholder=t("with variables, as the console shows it"),
            continuous_update=False,
            rows=2,
            style=_STYLE,
            layout=w.Layout(width="640px"),
        )
        add = button(t("Add template"))
        add.on_click(self.attempt(lambda: self._type_template(number.value, words.value)))
        return [row(choice), html(text), row(number), row(words, add)]

    def _choose(self, offered: Offered, index: int) -> None:
        if index < len(offered.templates):
            self.connector.choose_template(offered.templates[index] if index >= 0 else None)
        self.tell("")

    def _type_template(self, number: str, text: str) -> None:
        self.connector.type_template(number, text)
        self.tell("")
        self.draw()

    def _is_chosen(self, offer: Offer) -> bool:
        draft = self.page.draft
        return (offer.id, offer.text) == (draft["template_id"], draft["template"])

    # -- parts -------------------------------------------------------------------------

    def _name(self, offer: Offer, name: str) -> str:
        t = self.t
        if not offer.review:
            return f"{name} · {t('typed in')}"
        return f"{name} · {t('approved') if offer.usable else t('not approved')} ({t.said(offer.review)})"

    def _dropdown(self, label: str, options: list[tuple[str, Any]], value: Any) -> w.Dropdown:
        return w.Dropdown(
            description=label, options=options, value=value, style=_STYLE, layout=w.Layout(width="640px")
        )

    def _text(self, label: str, value: str, hint: str = "") -> w.Text:
        return w.Text(
            description=label,
            value=value,
            placeholder=hint,
            continuous_update=False,
            style=_STYLE,
            layout=w.Layout(width="460px"),
        )


def _short(offer: Offer) -> str:
    text = offer.text if len(offer.text) <= _SHOWN else f"{offer.text[:_SHOWN]}…"
    return f"{offer.id} {text}".strip()
