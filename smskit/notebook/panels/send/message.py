"""``MessagePanel``: campaign, provider, signature, template and variables."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import ipywidgets as w
import numpy as np
import pandas as pd

from smskit.errors import SmskitError, TemplateError
from smskit.i18n import mark
from smskit.message.parts import parts
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parts import (
    card,
    chip,
    choose,
    details,
    field,
    frame_table,
    html,
    names,
    notice,
    pair,
    row,
    soft,
    soft_line,
    title,
)
from smskit.notebook.panels.provider_change import what_moved
from smskit.notebook.panels.send.base import SendPart
from smskit.notebook.panels.send.editor import Editor
from smskit.notebook.panels.send.fields import Fields
from smskit.notebook.panels.send.form import CAMPAIGN
from smskit.notebook.send_model import Columns, Length, SendModel
from smskit.notebook.texts import TemplateChoice, ending_with, placeholder, review_of
from smskit.providers import provider_class, provider_names

__all__ = ["MessagePanel"]

_LITERAL = "\0literal"  # no column is called so
_SHOWN = 40  # characters of a template in the list


def _span(least: int, most: int) -> str:
    return f"{least:,}" if least == most else f"{least:,}–{most:,}"


class MessagePanel(SendPart):
    """
    What is said and to whom; every change goes into the draft at once.

    Args:
        columns_read: Called when it is known which columns the segment has.
    """

    def __init__(self, page: Page, model: SendModel, *, columns_read: Callable[[], None]) -> None:
        super().__init__(page, model)
        self._tell_columns = columns_read
        self._asked = False  # whether the account was asked for its lists
        self.campaign = Fields(self)
        self._read = threading.Event()  # not while columns are being read
        self._read.set()
        self._fields: dict[str, Any] = {}  # of the other parameters
        self._variables, self._complaints, self._listed = w.VBox(), html(""), html("")
        self._choices: list[TemplateChoice] = []
        self._pick, self._picked, self._length = w.Dropdown(), html(""), html("")
        self._variable_names, self._wording = w.Dropdown(), w.Button()
        page.follow(self._changed)

    # -- widgets ---------------------------------------------------------------------------

    def build(self) -> Sequence[w.Widget]:
        t = self.t
        fetch = self.button(t("Fetch signatures and templates"), self.fetch)
        listed: dict[str, Any] = {"continuous_update": False, "ensure_option": False}
        providers = [(t.render(provider_class(name).title), name) for name in provider_names()]
        provider = self._field("provider", self._other_provider, w.Dropdown, t("Provider"), options=providers)
        signature = self._field("signature", self._sign, w.Combobox, t("Signature"), **listed)
        template_id = self._field("template_id", self.model.named, w.Combobox, t("Template id"), **listed)
        self._pick = self.field(w.Dropdown, t("Choose a template"), lambda _: self.pick())
        template = self._text()
        words = self._below_text()
        self._show_offers()
        self._show_variables()
        self._show_length()
        self._look_ahead()
        return [
            card(title(t("Campaign")), pair(*self.campaign.make(CAMPAIGN, bare=True))),
            card(
                title(t("Message")),
                row(provider, fetch),
                pair(self._pick, template_id),
                self._picked,
                self._listed,
                pair(signature),
                template,
                words,
                self._complaints,
                self._variables,
            ),
        ]

    def _below_text(self) -> w.Widget:
        """What a click puts into the text, and how long messages are."""
        t = self.t
        self._variable_names = w.Dropdown(description=t("Insert a variable"), layout=w.Layout(width="180px"))
        self._variable_names.add_class("smskit-quiet")  # its first choice says the same
        self._variable_names.observe(self.unless_shown(self.insert), "value")
        self._wording = self.button("", self.add_wording)
        words = row(self._variable_names, self._wording, self._length)
        words.add_class("smskit-indented")
        return words

    def _look_ahead(self) -> None:
        """Ask for lists and columns in the background, where that was not done yet."""
        if self.model.is_account_known and not self._asked:
            self.start("offers", self._offers_quietly, lambda _: self._show_offers())
        if self.page.draft["segment"] and not self.model.known_columns.rows:
            self.read_columns()

    def _field(
        self, name: str, take: Callable[[str], None], kind: type[Any], label: str, **options: Any
    ) -> Any:
        """The field of a parameter; *take* gets what a person puts into it."""
        made = field(kind, label, value=self._value(name), **options)

        def changed() -> None:
            # What the draft has already was put there by `_changed`.
            if made.value != self._value(name):
                self.tell("")
                take(made.value)

        made.observe(self.attempt(changed), "value")
        self._fields[name] = made
        return made

    def _text(self) -> Editor:
        made = Editor(self.t("Template"), value=self._value("template"), placeholder=self._example())

        def typed() -> None:
            if made.value != self._value("template"):
                self.model.write(made.value)

        made.observe(self.attempt(typed), "value")
        self._fields["template"] = made
        return made

    def _example(self) -> str:
        name = self.t("name")
        return self.t("Hello {name}, …", name=placeholder(name, "", self.model.provider.form))

    def _value(self, name: str) -> Any:
        value = self.page.draft[name]
        return None if name == "provider" and value not in provider_names() else value

    # -- what is done ------------------------------------------------------------------------

    def fetch(self) -> None:
        """Ask the provider for its signatures and templates."""
        self.tell(lambda t: t("Asking the provider…"))
        self.start("offers", self.model.offers, lambda _: self._fetched())

    def pick(self) -> None:
        """Take the template that was picked."""
        if self._pick.value >= 0:
            self.tell("")
            self.model.choose(self._choices[self._pick.value])

    def insert(self) -> None:
        """Put a variable where the caret stands, written as the text writes its variables."""
        column = self._variable_names.value
        if column:
            text = self._fields["template"]
            text.insert(placeholder(column, text.value, self.model.provider.form))
        self._show_words()

    def add_wording(self) -> None:
        """Put the provider's opt-out wording behind the text."""
        text = self._fields["template"]
        text.value = ending_with(text.value, self.model.provider.opt_out)

    def read_columns(self) -> None:
        """Read which columns the segment has and where values are missing; bind what is unbound."""
        self._read.clear()

        def read() -> Columns:
            try:
                return self.model.columns()
            except Exception:
                self._read.set()
                raise

        self.start("columns", read, lambda _: self._columns_read())

    def wait(self, timeout_s: float = 60.0) -> bool:
        """Wait until the columns are read and variables bound to what they mean; whether it is so."""
        return self._read.wait(timeout_s)

    def _fetched(self) -> None:
        self._asked = True
        self.tell("")
        self._show_offers()

    def _offers_quietly(self) -> None:
        """Ask an account that was usable; that it cannot be asked now is said when somebody does."""
        self._asked = True
        with suppress(SmskitError):
            self.model.offers()

    def _columns_read(self) -> None:
        try:
            self.model.suggest_bindings()
            self._show_variables()
            self._show_length()
            self._tell_columns()
        finally:
            self._read.set()

    def _sign(self, name: str) -> None:
        self.page.draft.set(signature=name)

    def _other_provider(self, name: str) -> None:
        moved = self.page.draft.change_provider(name)
        self.tell(lambda t: what_moved(moved, t))

    def _changed(self, changed: frozenset[str]) -> None:
        for name in changed & set(self._fields):
            self._fields[name].value = self._value(name)
        if "provider" in changed:
            self._asked = False
            self._fields["template"].placeholder = self._example()
        if changed & {"provider", "template", "template_id"}:
            self._show_offers()
        if changed & {"template", "signature", "variables"}:
            self._show_variables()
        if changed & {"provider", "template", "template_id", "signature", "message_class", "opt_out_wording"}:
            self._show_length()
        if changed & {"segment", "segment_query", "sheet", "heading_row"}:
            self.read_columns()

    # -- what is shown -------------------------------------------------------------------------

    def show_plan(self) -> None:
        """Count again: the plan knows what the variables come to."""
        if not self.model.planning.busy and "template" in self._fields:
            self._show_length()

    def _show_length(self) -> None:
        """How long messages are, and what the provider would not pass; of a text that is only begun, too."""
        self._show_words()
        text = self._fields["template"].value
        issues = self.model.issues()
        self._complaints.value = "".join(
            notice(c.render(self.t), "error" if c.severe else "warn") for c in issues
        )
        if not text.strip():
            self._length.value = ""
            return
        try:
            self._length.value = soft(self._counted(self.model.measure(text)))
        except TemplateError as error:
            words = names(self.t.render(error.message))
            self._length.value = f'<span class="smskit-wrong" role="status">{words}</span>'

    def _counted(self, length: Length) -> str:
        t = self.t
        low, high = parts(np.array(length[:2]))
        told = t(
            "{units} characters · parts: {parts}",
            units=_span(length.least, length.most),
            parts=_span(int(low), int(high)),
        )
        rest = mark("signature and opt-out wording counted")
        if not length.known:
            rest = mark("without the variables, which are being counted")
        return f"{told} ({t(rest)})" if t.code == "en" else f"{told}（{t(rest)}）"

    def _show_words(self) -> None:
        """What can be put into the text by a click."""
        t, form = self.t, self.model.provider.form
        found = [(placeholder(c, self._fields["template"].value, form), c) for c in self._insertable()]
        wording = ending_with("", self.model.provider.opt_out)
        with self.showing:
            choose(self._variable_names, [(t("Insert a variable…"), ""), *filter(all, found)], "")
        self._wording.description = self._wording.tooltip = t("Add “{wording}”", wording=wording)
        self._wording.layout.display = "" if self.model.lacks_opt_out else "none"

    def _insertable(self) -> list[str]:
        draft = self.page.draft
        return [c for c in self.model.known_columns.lacking if c not in (draft["phone"], draft["consent"])]

    def _show_offers(self) -> None:
        t, offered = self.t, self.model.offered
        for name, found in (("signature", offered.signatures), ("template_id", offered.templates)):
            self._fields[name].options = tuple(dict.fromkeys(o.id for o in found if o.usable and o.id))
        self._choices = self.model.templates()
        chosen = next((n for n, c in enumerate(self._choices) if self._is_chosen(c)), -1)
        with self.showing:
            options = [(self._name(c), n) for n, c in enumerate(self._choices)]
            choose(self._pick, [(t("choose…"), -1), *options], chosen)
        self._picked.value = self._about(self._choices[chosen]) if chosen >= 0 else ""
        if not self._asked:
            self._listed.value = ""
        elif not offered.listed:
            self._listed.value = soft(t("This provider does not list them: type what its console shows."))
        else:
            self._listed.value = self._table()

    def _table(self) -> str:
        t, offered = self.t, self.model.offered
        listed = [(t("signature"), o) for o in offered.signatures]
        listed += [(t("template"), o) for o in offered.templates]
        rows = [(kind, o.id, o.text, "✓" if o.usable else "✗", review_of(o, t)) for kind, o in listed]
        heads = [t("kind"), t("id"), t("text"), t("usable"), t("review")]
        table = frame_table(pd.DataFrame(rows, columns=heads))
        return details(t("{n} in the account", n=len(rows)), table)

    def _is_chosen(self, choice: TemplateChoice) -> bool:
        draft, offer = self.page.draft, choice.offer
        if offer.id or draft["template_id"]:
            return bool(offer.id == draft["template_id"])
        return bool(offer.text and offer.text == draft["template"])

    def _name(self, choice: TemplateChoice) -> str:
        text = choice.offer.text
        short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        state = "" if choice.offer.usable else f"✗ {review_of(choice.offer, self.t)} · "
        return f"{state}{choice.offer.id} {short}".strip()

    def _about(self, choice: TemplateChoice) -> str:
        """Where it comes from, and the provider's word on it."""
        t = self.t
        if choice.used_in:
            return chip(t("last used in {campaign}", campaign=choice.used_in))
        return chip(review_of(choice.offer, self.t), "ok" if choice.offer.usable else "bad")

    def _show_variables(self) -> None:
        template = self.model.template()
        rows = [self._variable(name) for name in (template.names if template else ())]
        head = [soft_line(self.t("Where each variable comes from:"))] if rows else []
        self._variables.children = [*head, *rows]

    def _variable(self, name: str) -> w.Widget:
        t, columns = self.t, self.model.known_columns
        given = self.page.draft["variables"].get(name)
        bound = {"column": given} if isinstance(given, str) else dict(given or {})
        known = dict.fromkeys([*columns.lacking, *filter(None, [bound.get("column")])])
        options = [(t("choose…"), "")]
        options += [(self._column(c), c) for c in known]
        options += [(t("the same text for everybody"), _LITERAL)]
        now = _LITERAL if "value" in bound else bound.get("column", "")
        source = field(w.Dropdown, f"{{{name}}}", options=options, value=now)
        label = t("Text of {name}", name=name) if now == _LITERAL else t("Fallback for {name}", name=name)
        typed = field(
            w.Text,
            label,
            value=str(bound.get("value" if now == _LITERAL else "default", "")),
            placeholder=t("for rows without a value") if now not in ("", _LITERAL) else "",
            continuous_update=False,
        )
        source.observe(self.attempt(lambda: self._bind(name, source.value, "")), "value")
        typed.observe(self.attempt(lambda: self._bind(name, source.value, typed.value)), "value")
        # A literal is typed, so its field is there before it is bound.
        return pair(source, typed)

    def _column(self, column: str) -> str:
        missing = self.model.known_columns.lacking.get(column, 0)
        return self.t("{column} ({n:,} without a value)", column=column, n=missing) if missing else column

    def _bind(self, name: str, source: str, typed: str) -> None:
        if source == _LITERAL and not typed.strip():
            self._literal(name)
            return
        self.tell("")
        if source == _LITERAL:
            self.model.bind(name, value=typed)
        else:
            self.model.bind(name, column=source, default=typed)

    def _literal(self, name: str) -> None:
        """Ask for the text of a variable that is to be the same for everybody."""
        for line in self._variables.children:
            if isinstance(line, w.HBox) and line.children[0].description == f"{{{name}}}":
                line.children[1].description = self.t("Text of {name}", name=name)
                line.children[1].placeholder = self.t("type the text, then Enter")
