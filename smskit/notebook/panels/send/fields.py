"""The field of one parameter: what is typed goes into the draft at once, and what the draft has is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, NamedTuple

import ipywidgets as w

from smskit.errors import SpecError
from smskit.notebook.panels import parts
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import chip, html, names, row
from smskit.notebook.panels.send.form import About, Kind
from smskit.notebook.panels.send.inputs import TwoInputs, cap_input, window_input
from smskit.planning.draft import Draft
from smskit.planning.spec import CampaignSpec

__all__ = ["Field", "Fields"]

_NUMBERS = {n for n, f in CampaignSpec.model_fields.items() if re.search("int|Decimal", str(f.annotation))}
_THOUSANDS = re.compile(r"\d{1,3}(?:[,，]\d{3})+(?:\.\d+)?")


class Wrong(NamedTuple):
    """What was typed and not taken."""

    typed: str
    why: SpecError


class Fields:
    """
    The fields of a panel, by parameter; they follow the draft, and stay what they are when drawn anew.

    Args:
        changed: Called after one of them shows another value.
    """

    def __init__(self, panel: Panel, *, changed: Callable[[], None] = lambda: None) -> None:
        self._panel, self._tell = panel, changed
        self._wrong: dict[str, Wrong] = {}
        self.made: dict[str, Field] = {}
        panel.page.follow(self._changed)

    def __repr__(self) -> str:
        return f"Fields({', '.join(self.made)})"

    def make(self, abouts: Iterable[About], *, bare: bool = False) -> list[w.Widget]:
        """
        Their widgets, in the panel's language as it is now.

        Args:
            bare: Nothing stands beside them but what is wrong.
        """
        made = {about.name: Field(about, self._panel, self._wrong, bare=bare) for about in abouts}
        self.made |= made
        return [field.widget for field in made.values()]

    def _changed(self, names: frozenset[str]) -> None:
        own = [self.made[name] for name in self.made if name in names]
        for field in own:
            self._wrong.pop(field.about.name, None)
            field.show()
        if own:
            self._tell()


class Field:
    """
    The field of one parameter; what is typed goes into the draft at once, or not at all.

    A wrong value stays in the field with the reason beside it until it is put right,
    while the draft keeps what it had.

    Args:
        wrong: What was not taken, by parameter.
        bare: Nothing stands beside it but what is wrong.
    """

    def __init__(self, about: About, panel: Panel, wrong: dict[str, Wrong], *, bare: bool) -> None:
        self.about, self._panel, self._wrong, self._bare = about, panel, wrong, bare
        self.input = self._made()
        # Not of a box, which has no description: JupyterLab would show an error in its place.
        for each in self.input.children if isinstance(self.input, TwoInputs) else (self.input,):
            each.tooltip = about.name
        self._side = html("", layout=w.Layout())
        self.widget = w.VBox([self.input, self._side])
        if not bare:
            self._side.layout.flex = "1 1 180px"  # a long hint wraps beside its field
            self.widget = row(self.input, self._side)
        self.show()
        self.input.observe(panel.attempt(self._typed), "value")

    def __repr__(self) -> str:
        return f"Field({self.about.name})"

    @property
    def is_set(self) -> bool:
        """Whether it differs from the default."""
        return self.about.name in self._draft.to_data()

    def show(self) -> None:
        """Show what the draft has, or what was typed and is wrong."""
        wrong = self._wrong.get(self.about.name)
        self.input.value = self._shown if wrong is None else wrong.typed
        self._side.value = self._hint() if wrong is None else self._reason(wrong)
        self._side.layout.display = "" if self._side.value else "none"

    # -- from and to the draft ---------------------------------------------------------

    @property
    def _draft(self) -> Draft:
        return self._panel.page.draft

    @property
    def _shown(self) -> str:
        return _written(self._draft[self.about.name], self.about.kind)

    def _typed(self) -> None:
        name, typed = self.about.name, str(self.input.value)
        self._wrong.pop(name, None)
        if typed != self._shown:
            try:
                self._draft.set(**{name: self._value(typed.strip())})
            except SpecError as error:
                self._wrong[name] = Wrong(typed, error)
        self.show()

    def _value(self, text: str) -> Any:
        if not text and not self.about.empty:
            return None
        if self.about.kind is Kind.SHARE and text[-1:] in ("%", "％"):
            try:
                return float(Decimal(text[:-1].strip()) / 100)
            except ArithmeticError:
                return text  # which the spec refuses in words
        if self.about.name in _NUMBERS and _THOUSANDS.fullmatch(text):
            return re.sub("[,，]", "", text)
        return text

    # -- what is seen ------------------------------------------------------------------

    def _made(self) -> Any:
        about, t = self.about, self._panel.t
        if about.kind is Kind.CHOICE:
            options = [(t(words), str(value)) for value, words in about.options.items()]
            return parts.field(w.Dropdown, t(about.label), options=options)
        if about.kind is Kind.WINDOW:
            return window_input(t(about.label), t("to"))
        if about.kind is Kind.CAP:
            return cap_input(t(about.label), t("in so many days"))
        empty = {"placeholder": t(about.empty) or self._default, "continuous_update": False}
        if about.suggests or about.kind is Kind.COLUMN:
            suggested = {"options": about.suggests, "ensure_option": False}
            return parts.field(w.Combobox, t(about.label), **suggested, **empty)
        return parts.field(w.Text, t(about.label), **empty)

    def _reason(self, wrong: Wrong) -> str:
        words = self._panel.t.render(wrong.why.message)
        return f'<span class="smskit-wrong" role="alert">{names(words)}</span>'

    def _hint(self) -> str:
        t, about = self._panel.t, self.about
        if self._bare:
            return ""
        default = t("default: {value}", value=self._default or t("none"))
        told = [chip(default, "warn")] if self.is_set else []
        return " ".join([*told, f'<span class="smskit-soft">{names(t(about.hint))}</span>'])

    @property
    def _default(self) -> str:
        about, t, default = self.about, self._panel.t, Draft()[self.about.name]
        return t(about.options[default]) if about.options else _written(default, about.kind) or t(about.empty)


def _written(value: Any, kind: Kind) -> str:
    """A value as it stands in a field."""
    if value is None:
        return ""
    if kind is Kind.SHARE:
        return f"{value * 100:.10g}%"
    if kind is Kind.TIME:
        # A bare date is kept as the end of that day, a minute with its seconds.
        day = str(value).removesuffix("T23:59:59.999999")
        return re.sub(r"(T\d\d:\d\d):00(?![.\d])", r"\1", day)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)
