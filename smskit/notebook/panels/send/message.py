"""``MessagePanel``: campaign, provider, signature, template and variables."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as w
import pandas as pd

from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parts import (
    button,
    card,
    details,
    field,
    frame_table,
    html,
    notice,
    row,
    soft,
    soft_line,
    title,
)
from smskit.notebook.panels.provider_change import what_moved
from smskit.notebook.panels.send.base import SendPart
from smskit.notebook.panels.send.fields import Fields
from smskit.notebook.panels.send.form import CAMPAIGN
from smskit.notebook.send_model import Columns, SendModel
from smskit.providers import provider_class, provider_names
from smskit.sending.rehearsal import Offers

__all__ = ["MessagePanel"]

_LITERAL = "\0literal"  # no column is called so


class MessagePanel(SendPart):
    """
    What is said and to whom; every change goes into the draft at once.

    Args:
        columns_read: Called when it is known which columns the segment has.
    """

    def __init__(self, page: Page, model: SendModel, *, columns_read: Callable[[], None]) -> None:
        super().__init__(page, model)
        self.offers: Offers | None = None
        self._tell_columns = columns_read
        self.campaign = Fields(self)
        self._read = threading.Event()  # not while columns are being read
        self._read.set()
        self._fields: dict[str, Any] = {}  # of the other parameters
        self._variables, self._complaints, self._listed = w.VBox(), html(""), html("")
        page.follow(self._changed)

    # -- widgets ---------------------------------------------------------------------------

    def build(self) -> Sequence[w.Widget]:
        t = self.t
        fetch = button(t("Fetch signatures and templates"))
        fetch.on_click(self.attempt(self.fetch))
        typed: dict[str, Any] = {"continuous_update": False}
        listed = typed | {"ensure_option": False}
        providers = [(provider_class(name).title, name) for name in provider_names()]
        provider = self._field("provider", self._other_provider, w.Dropdown, t("Provider"), options=providers)
        signature = self._field("signature", self._sign, w.Combobox, t("Signature"), **listed)
        template_id = self._field("template_id", self.choose, w.Combobox, t("Template id"), **listed)
        template = self._field("template", self.model.write, w.Textarea, t("Template"), rows=3, **typed)
        template.layout.width, template.layout.max_width = "848px", "100%"
        self._show_offers()
        self._show_variables()
        self.show_plan()
        if self.page.draft["segment"] and not self.model.known_columns.rows:
            self.read_columns()
        return [
            card(title(t("Campaign")), row(*self.campaign.make(CAMPAIGN, bare=True))),
            card(
                title(t("Message"), t("Variables stand in braces: {example}", example="你好{name}")),
                row(provider, fetch),
                row(signature, template_id),
                self._listed,
                template,
                self._complaints,
                self._variables,
            ),
        ]

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

    def _value(self, name: str) -> Any:
        value = self.page.draft[name]
        return None if name == "provider" and value not in provider_names() else value

    # -- what is done ------------------------------------------------------------------------

    def fetch(self) -> None:
        """Ask the provider for its signatures and templates."""
        self.tell(lambda t: t("Asking the provider…"))
        self.start("offers", self.model.offers, self._fetched)

    def choose(self, template_id: str) -> None:
        """Take a template from the list, or an id that was typed."""
        self.model.choose(template_id.strip(), self.offers)

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

    def _fetched(self, offers: Offers) -> None:
        self.offers = offers
        self.tell("")
        self._show_offers()

    def _columns_read(self) -> None:
        try:
            self.model.suggest_bindings()
            self._show_variables()
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
            self.offers = None
            self._show_offers()
        if changed & {"template", "signature", "variables"}:
            self._show_variables()
        if changed & {"segment", "segment_query", "sheet"}:
            self.read_columns()

    # -- what is shown -------------------------------------------------------------------------

    def show_plan(self) -> None:
        """Show what the provider would not pass."""
        now = self.model.planning.now
        rows = [] if now is None else now.complaints
        self._complaints.value = "".join(
            notice(c.render(self.t), "error" if c.severe else "warn") for c in rows
        )

    def _show_offers(self) -> None:
        t, offers = self.t, self.offers or Offers(None, None)
        for name, found in (("signature", offers.signatures), ("template_id", offers.templates)):
            self._fields[name].options = tuple(o.id for o in found or () if o.usable)
        if self.offers is None:
            self._listed.value = ""
            return
        if offers.signatures is None and offers.templates is None:
            self._listed.value = soft(t("This provider does not list them: type what its console shows."))
            return
        listed = [(t("signature"), o) for o in offers.signatures or ()]
        listed += [(t("template"), o) for o in offers.templates or ()]
        rows = [(kind, o.id, o.text, "✓" if o.usable else "✗", t.said(o.review)) for kind, o in listed]
        heads = [t("kind"), t("id"), t("text"), t("usable"), t("review")]
        table = frame_table(pd.DataFrame(rows, columns=heads))
        self._listed.value = details(t("{n} in the account", n=len(rows)), table)

    def _show_variables(self) -> None:
        template = self.model.template()
        names = template.names if template else ()
        rows = [self._variable(name) for name in names]
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
        return row(source, typed)

    def _column(self, column: str) -> str:
        missing = self.model.known_columns.lacking.get(column, 0)
        return self.t("{column} ({n:,} empty)", column=column, n=missing) if missing else column

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
