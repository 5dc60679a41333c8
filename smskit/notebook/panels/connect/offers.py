"""Choosing signature, template and phone column: from what the provider lists, or typed in."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import ipywidgets as w

from smskit.i18n import mark
from smskit.models import Offer
from smskit.notebook.accounts import AccountStatus, Offered
from smskit.notebook.connect import ConnectNotebook
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import card, choose, html, notice, row, title
from smskit.notebook.texts import review_of
from smskit.providers import Feature
from smskit.workspace import May

__all__ = ["OffersPanel"]

_STYLE = {"description_width": "200px"}
_SHOWN = 60  # characters of a template in a list
_HINT = mark("What the provider has approved, and what you typed in from its console. Choose one of each.")
_NO_LIST = mark("This provider cannot be asked for lists: copy them from its console.")


class OffersPanel(Panel):
    """Signatures and templates of the chosen provider; what is chosen goes into the draft."""

    def __init__(self, page: Page, notebook: ConnectNotebook) -> None:
        super().__init__(page)
        self.notebook = notebook
        self._signature, self._template = w.Dropdown(), w.Dropdown()
        self._text, self._phone = html(""), w.Text()

    def build(self) -> Sequence[w.Widget]:
        t, nb = self.t, self.notebook
        lists = bool(nb.cls.features & {Feature.SIGNATURES, Feature.TEMPLATES})
        absent = nb.account.status is AccountStatus.ABSENT
        able = lists and (not absent or bool(nb.cls.rehearsal))
        words = t("List those of the simulator") if absent else t("List those of my account")
        ask = self.button(words, self.ask, enabled=able)
        told = html("" if lists else f'<span class="smskit-soft">{escape(t(_NO_LIST))}</span>')
        self._phone = self._field(t("Phone column"))
        phone = self.unless_shown(lambda: self.page.draft.set(phone=self._phone.value.strip() or None))
        self._phone.observe(phone, "value")
        column = html(
            f'<span class="smskit-soft">{escape(t("of the segment; the same for all providers"))}</span>'
        )
        box = card(
            title(t("Signature, template, phone column"), t(_HINT)),
            row(ask, told),
            *self._signatures(),
            *self._templates(),
            row(self._phone, column),
        )
        self.show()
        return [box]

    def show(self) -> None:
        """Show what the draft says now; a list that says so already is left alone, since it may be open."""
        t, draft, offered = self.t, self.page.draft, self.notebook.offered
        signature = draft["signature"]
        signatures = [(t("none"), ""), *((self._name(o, o.id), o.id) for o in offered.signatures)]
        if signature and signature not in {o.id for o in offered.signatures}:
            signatures.append((signature, signature))
        templates: list[tuple[str, Any]] = [(t("none"), -1)]
        templates += [(self._name(o, _short(o)), i) for i, o in enumerate(offered.templates)]
        chosen = next((i for i, o in enumerate(offered.templates) if self._is_chosen(o)), -1)
        if chosen < 0 and (draft["template_id"] or draft["template"]):
            chosen = len(offered.templates)
            templates.append((_short(Offer(draft["template_id"], draft["template"], True, "")), chosen))
        with self.showing:
            choose(self._signature, signatures, signature)
            choose(self._template, templates, chosen)
            self._text.value = notice(draft["template"]) if draft["template"] else ""
            self._phone.value = draft["phone"]

    def ask_once(self) -> None:
        """Ask for the lists, where there are any and nobody has yet."""
        if self.notebook.listed is None and self.notebook.offered.listed:
            self.ask()

    def ask(self) -> None:
        """Ask for the lists beside the kernel."""
        self.tell(lambda t: t("Asking…"))
        self.start("offers", self.notebook.offers, self._came)

    def _came(self, offered: Offered) -> None:
        self.draw()
        found = {"n": len(offered.signatures), "m": len(offered.templates)}
        self.tell(lambda t: t("{n} signatures and {m} templates.", **found), "ok")

    # -- signatures --------------------------------------------------------------------

    def _signatures(self) -> list[w.Widget]:
        t = self.t
        self._signature = self._dropdown(t("Signature"))
        signed = self.unless_shown(lambda: self.notebook.choose_signature(self._signature.value))
        self._signature.observe(signed, "value")
        typed = self._field(t("Another signature"), t("without 【】"))
        add = self.button(t("Add signature"), lambda: self._type_signature(typed.value))
        self.only_for(May.PLAN, add)
        return [row(self._signature), row(typed, add)]

    def _type_signature(self, text: str) -> None:
        self.notebook.type_signature(text)
        self.tell("")
        self.draw()

    # -- templates ---------------------------------------------------------------------

    def _templates(self) -> list[w.Widget]:
        t = self.t
        self._template, self._text = self._dropdown(t("Template")), html("")
        self._template.observe(self.unless_shown(lambda: self._choose(self._template.value)), "value")
        number = self._field(t("Another template's id"), t("as the console shows it"))
        words = w.Textarea(
            description=t("Its text"),
            placeholder=t("with variables, as the console shows it"),
            continuous_update=False,
            rows=2,
            style=_STYLE,
            layout=w.Layout(width="640px"),
        )
        add = self.button(t("Add template"), lambda: self._type_template(number.value, words.value))
        self.only_for(May.PLAN, add)
        return [row(self._template), self._text, row(number), row(words, add)]

    def _choose(self, index: int) -> None:
        templates = self.notebook.offered.templates
        if index < len(templates):
            self.notebook.choose_template(templates[index] if index >= 0 else None)
        self.tell("")

    def _type_template(self, number: str, text: str) -> None:
        self.notebook.type_template(number, text)
        self.tell("")
        self.draw()

    def _is_chosen(self, offer: Offer) -> bool:
        draft = self.page.draft
        return (offer.id, offer.text) == (draft["template_id"], draft["template"])

    # -- parts -------------------------------------------------------------------------

    def _name(self, offer: Offer, name: str) -> str:
        return f"{name} · {review_of(offer, self.t)}"

    def _dropdown(self, label: str) -> w.Dropdown:
        return w.Dropdown(description=label, style=_STYLE, layout=w.Layout(width="640px"))

    def _field(self, label: str, hint: str = "") -> w.Text:
        return w.Text(
            description=label,
            placeholder=hint,
            continuous_update=False,
            style=_STYLE,
            layout=w.Layout(width="460px"),
        )


def _short(offer: Offer) -> str:
    text = offer.text if len(offer.text) <= _SHOWN else f"{offer.text[:_SHOWN]}…"
    return f"{offer.id} {text}".strip()
