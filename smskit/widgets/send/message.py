"""``MessagePanel``: campaign, signature, template, variables and limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ipywidgets as w
import pandas as pd

from smskit.desk import SendDesk
from smskit.language import mark
from smskit.models import MessageClass, Mode
from smskit.providers import provider_class, provider_names
from smskit.session import Offers
from smskit.widgets.page import Page
from smskit.widgets.parts import button, details, field, frame_table, html, notice, row, title
from smskit.widgets.send.part import SendPart, card, soft

__all__ = ["MessagePanel"]

_LITERAL = "\0literal"  # no column is called so
MODES = {
    Mode.PLAN: mark("plan only"),
    Mode.REHEARSE: mark("rehearse (simulator)"),
    Mode.LIVE: mark("live"),
}
CLASSES = {
    MessageClass.MARKETING: mark("marketing"),
    MessageClass.NOTIFICATION: mark("notification"),
}
_LIMITS = (
    ("max_recipients", mark("Most people")),
    ("max_cost", mark("Most yuan")),
    ("price_per_part", mark("Yuan a part")),
)
# What is chosen once and rarely changed; folded away.
_MORE = (
    ("user_id", mark("Column of the person")),
    ("phone", mark("Column of the phone")),
    ("consent", mark("Column of consent")),
    ("opt_out_wording", mark("Opt-out wording")),
    ("frequency_cap", mark("Frequency cap")),
    ("holdout", mark("Holdout share")),
    ("send_window", mark("Send window")),
    ("not_after", mark("Not after")),
)


class MessagePanel(SendPart):
    """What is said and to whom; every change goes into the draft at once."""

    def __init__(self, page: Page, desk: SendDesk) -> None:
        super().__init__(page, desk)
        self.offers: Offers | None = None
        self._own = False  # a change of ours is under way: what was typed stays as it is
        self._variables, self._complaints, self._listed = w.VBox(), html(""), html("")
        page.follow(self._changed)

    # -- widgets ---------------------------------------------------------------------------

    def build(self) -> Sequence[w.Widget]:
        t = self.t
        fetch = button(t("Fetch signatures and templates"))
        fetch.on_click(self.attempt(self.fetch))
        self._show_offers()
        self._show_variables()
        self.show_plan()
        if self.page.draft["segment"] and not self.desk.known_columns.rows:
            self.read_columns()
        return [
            card(
                title(t("Campaign")),
                row(self._text("campaign", t("Campaign id")), self._text("segment", t("Segment"))),
                row(
                    self._choice("mode", t("Mode"), MODES),
                    self._choice("message_class", t("Message class"), CLASSES),
                ),
            ),
            card(
                title(t("Message"), t("Variables stand in braces: {example}", example="你好{name}")),
                row(self._provider(), fetch),
                row(self._signature(), self._template_id()),
                self._listed,
                self._template(),
                self._complaints,
                self._variables,
            ),
            card(
                title(t("Limits"), t("A larger plan stops before the first message.")),
                row(*(self._text(name, t(label)) for name, label in _LIMITS)),
                self._more(),
            ),
        ]

    def _text(self, name: str, label: str) -> Any:
        value = self.page.draft[name]
        made = field(w.Text, label, value="" if value is None else str(value), continuous_update=False)
        made.observe(self.attempt(lambda: self._set(**{name: made.value.strip()})), "value")
        return made

    def _choice(self, name: str, label: str, options: Any) -> Any:
        shown = [(self.t(words), str(value)) for value, words in options.items()]
        made = field(w.Dropdown, label, options=shown, value=str(self.page.draft[name]))
        made.observe(self.attempt(lambda: self._set(**{name: made.value})), "value")
        return made

    def _provider(self) -> Any:
        names = provider_names()
        now = self.page.draft["provider"]
        options = [(provider_class(name).title, name) for name in names]
        made = field(w.Dropdown, self.t("Provider"), options=options, value=now if now in names else None)
        made.observe(self.attempt(lambda: self._other_provider(made.value)), "value")
        return made

    def _signature(self) -> Any:
        known = [s.id for s in (self.offers and self.offers.signatures) or () if s.usable]
        value = self.page.draft["signature"]
        made = field(
            w.Combobox,
            self.t("Signature"),
            options=known,
            value=value,
            continuous_update=False,
            ensure_option=False,
        )
        made.observe(self.attempt(lambda: self._set(signature=made.value)), "value")
        return made

    def _template_id(self) -> Any:
        known = [s.id for s in (self.offers and self.offers.templates) or () if s.usable]
        value = self.page.draft["template_id"]
        made = field(
            w.Combobox,
            self.t("Template id"),
            options=known,
            value=value,
            continuous_update=False,
            ensure_option=False,
        )
        made.observe(self.attempt(lambda: self.choose(made.value)), "value")
        return made

    def _template(self) -> Any:
        made = w.Textarea(
            description=self.t("Template"),
            value=self.page.draft["template"],
            rows=3,
            continuous_update=False,
            style={"description_width": "140px"},
            layout=w.Layout(width="848px", max_width="100%"),
        )
        made.observe(self.attempt(lambda: self._write(made.value)), "value")
        return made

    def _more(self) -> w.Widget:
        box = w.Accordion([row(*(self._text(name, self.t(label)) for name, label in _MORE))])
        box.set_title(0, self.t("More: columns, consent, caps, holdout, hours"))
        box.selected_index = None
        return box

    # -- what is done ------------------------------------------------------------------------

    def fetch(self) -> None:
        """Ask the provider for its signatures and templates."""
        self.tell(self.t("Asking the provider…"))
        self.start("offers", self.desk.offers, self._fetched)

    def choose(self, template_id: str) -> None:
        """Take a template from the list, or an id that was typed."""
        self.desk.choose(template_id.strip(), self.offers)  # redraws: its text is to be seen
        self.tell("")

    def read_columns(self) -> None:
        """Read which columns the segment has and where values are missing."""
        self.start("columns", self.desk.columns, lambda _: self._columns_read())

    def _fetched(self, offers: Offers) -> None:
        self.offers = offers
        self.tell("")
        self.draw()

    def _columns_read(self) -> None:
        with self._typing():
            self.desk.suggest_bindings()
        self._show_variables()

    def _other_provider(self, name: str) -> None:
        self.offers = None
        self.page.draft.set(provider=name)
        self.tell("")

    def _write(self, text: str) -> None:
        with self._typing():
            self.desk.write(text)
        self.tell("")

    def _set(self, **values: Any) -> None:
        with self._typing():
            self.page.draft.set(**values)
        self.tell("")
        if "segment" in values:
            self.read_columns()

    @contextmanager
    def _typing(self) -> Iterator[None]:
        self._own = True
        try:
            yield
        finally:
            self._own = False

    def _changed(self, names: frozenset[str]) -> None:
        if not self._own:
            self.draw()
        elif names & {"template", "signature"}:
            self._show_variables()

    # -- what is shown -------------------------------------------------------------------------

    def show_plan(self) -> None:
        """Show what the provider would not pass."""
        now = self.desk.planning.now
        rows = [] if now is None else now.complaints
        self._complaints.value = "".join(
            notice(f"{c.what}. {c.rule}", "error" if c.severe else "warn") for c in rows
        )

    def _show_offers(self) -> None:
        if self.offers is None:
            self._listed.value = ""
            return
        t = self.t
        listed = [("signatures", self.offers.signatures), ("templates", self.offers.templates)]
        if all(found is None for _, found in listed):
            self._listed.value = soft(t("This provider does not list them: type what its console shows."))
            return
        rows = [
            (
                t("signature") if kind == "signatures" else t("template"),
                o.id,
                o.text,
                "✓" if o.usable else "✗",
                o.review,
            )
            for kind, found in listed
            for o in found or ()
        ]
        heads = [t("kind"), t("id"), t("text"), t("usable"), t("review")]
        table = frame_table(pd.DataFrame(rows, columns=heads))
        self._listed.value = details(t("{n} in the account", n=len(rows)), table)

    def _show_variables(self) -> None:
        template = self.desk.template()
        names = template.names if template else ()
        rows = [self._variable(name) for name in names]
        head = [html(soft(self.t("Where each variable comes from:")))] if rows else []
        self._variables.children = [*head, *rows]

    def _variable(self, name: str) -> w.Widget:
        t, columns = self.t, self.desk.known_columns
        given = self.page.draft["variables"].get(name)
        bound = {"column": given} if isinstance(given, str) else dict(given or {})
        known = dict.fromkeys([*columns.lacking, *filter(None, [bound.get("column")])])
        options = [(t("choose…"), "")]
        options += [(self._column(c), c) for c in known]
        options += [(t("the same text for everybody"), _LITERAL)]
        now = _LITERAL if "value" in bound else bound.get("column", "")
        source = field(w.Dropdown, f"{{{name}}}", options=options, value=now)
        label = t("Text of {name}", name=name) if now == _LITERAL else t("Fallback of {name}", name=name)
        typed = field(
            w.Text,
            label,
            value=str(bound.get("value" if now == _LITERAL else "default") or ""),
            placeholder=t("for rows without a value") if now not in ("", _LITERAL) else "",
            continuous_update=False,
        )
        source.observe(self.attempt(lambda: self._bind(name, source.value, "")), "value")
        typed.observe(self.attempt(lambda: self._bind(name, source.value, typed.value)), "value")
        # A literal is typed, so its field is there before it is bound.
        return row(source, typed)

    def _column(self, column: str) -> str:
        missing = self.desk.known_columns.lacking.get(column, 0)
        return self.t("{column} ({n:,} empty)", column=column, n=missing) if missing else column

    def _bind(self, name: str, source: str, typed: str) -> None:
        if source == _LITERAL and not typed.strip():
            self._literal(name)
            return
        with self._typing():
            if source == _LITERAL:
                self.desk.bind(name, value=typed)
            else:
                self.desk.bind(name, column=source, default=typed)
        self.tell("")
        self._show_variables()

    def _literal(self, name: str) -> None:
        """Ask for the text of a variable that is to be the same for everybody."""
        for line in self._variables.children:
            if isinstance(line, w.HBox) and line.children[0].description == f"{{{name}}}":
                line.children[1].description = self.t("Text of {name}", name=name)
                line.children[1].placeholder = self.t("type the text, then Enter")
