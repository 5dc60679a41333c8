"""
The parameters that are set by a field: one table with their words, and the field itself.

A parameter of the spec that is in none of these tables has a place of its own, or none
on purpose; `tests/test_send_fields.py` says which and why.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from decimal import Decimal
from typing import Any, NamedTuple

import ipywidgets as w

from smskit.errors import SpecError
from smskit.i18n import mark
from smskit.models import TIMEZONE, MessageClass, Mode
from smskit.notebook.panels import parts
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import chip, html, names, row
from smskit.planning.draft import Draft

__all__ = ["CAMPAIGN", "LIMITS", "RULES", "About", "Field", "Fields", "Kind"]


class Wrong(NamedTuple):
    """What was typed and not taken."""

    typed: str
    why: SpecError


class Kind(enum.Enum):
    """How a value is typed."""

    TEXT = enum.auto()
    COLUMN = enum.auto()  # of the segment
    CHOICE = enum.auto()  # from a list
    SHARE = enum.auto()  # of 0 to 1, written as 5%
    TIME = enum.auto()


@dataclass(frozen=True)
class About:
    """
    One parameter in words.

    Args:
        hint: What it does, as the reference has it; shorter.
        empty: What an empty field means, where that is a choice of its own and not the default.
        options: Value -> words, of a choice.
        suggests: Values to be chosen beside typing another one.
    """

    name: str
    label: str
    hint: str = ""
    kind: Kind = Kind.TEXT
    empty: str = ""
    options: Mapping[str, str] = dataclass_field(default_factory=dict)
    suggests: tuple[str, ...] = ()


CAMPAIGN = (
    About("campaign", mark("Campaign id")),
    About("segment", mark("Segment")),
    About(
        "mode",
        mark("Mode"),
        kind=Kind.CHOICE,
        options={
            Mode.PLAN: mark("plan only"),
            Mode.REHEARSE: mark("rehearse (simulator)"),
            Mode.LIVE: mark("live"),
        },
    ),
    About(
        "message_class",
        mark("Message class"),
        kind=Kind.CHOICE,
        options={
            MessageClass.MARKETING: mark("marketing"),
            MessageClass.NOTIFICATION: mark("notification"),
        },
    ),
)
LIMITS = (
    About("max_recipients", mark("Most people"), mark("who would get a message")),
    About("max_cost", mark("Most yuan"), mark("of the whole campaign, as estimated"), empty=mark("no limit")),
    About("price_per_part", mark("Yuan a part"), mark("for the estimate")),
)
# What is chosen once and rarely changed; folded away, by subject.
RULES = {
    mark("Segment and columns"): (
        About("segment_query", mark("SQL query"), mark("only for a database: one SELECT")),
        About(
            "user_id",
            mark("Person column"),
            mark("names the person; empty: the phone is the person"),
            Kind.COLUMN,
            empty=mark("the phone is the person"),
        ),
        About("phone", mark("Phone column"), mark("holds the phone number"), Kind.COLUMN),
    ),
    mark("Consent and opt-out"): (
        About(
            "consent",
            mark("Consent column"),
            mark("must be true for marketing; empty: all have consented"),
            Kind.COLUMN,
            empty=mark("all have consented"),
        ),
        About(
            "opt_out_wording",
            mark("Opt-out wording"),
            mark(
                "`add` appends the provider's own where our text has none; `demand` refuses a text without "
                "one; other words are appended as they stand"
            ),
            empty=mark("the text stays as it is"),
            suggests=("add", "demand"),
        ),
    ),
    mark("Hours and limits"): (
        About(
            "send_window",
            mark("Send window"),
            mark("local hours in which live marketing may leave; empty: always"),
            empty=mark("always"),
        ),
        About(
            "outside_window",
            mark("Outside it"),
            mark("what a run does outside these hours"),
            Kind.CHOICE,
            options={"stop": mark("pause; run it again"), "wait": mark("wait until they begin")},
        ),
        About(
            "timezone",
            mark("Time zone"),
            mark("of the send window and the latest time"),
            suggests=(TIMEZONE, "Asia/Hong_Kong", "UTC"),
        ),
        About(
            "not_after",
            mark("Not after"),
            mark("date or date-time; a run that comes later is refused"),
            Kind.TIME,
            empty=mark("no limit"),
        ),
        About(
            "frequency_cap",
            mark("Frequency cap"),
            mark("`2/7d`: at most 2 messages per phone in any 7 days, over all live campaigns"),
            empty=mark("no limit"),
        ),
        About(
            "plan_hash",
            mark("Only this plan"),
            mark("a plan hash; any other plan is refused"),
            empty=mark("whatever is planned"),
        ),
    ),
    mark("Holdout"): (
        About(
            "series",
            mark("Series"),
            mark("the id without its occurrence; holdout and drift go by it"),
            empty=mark("the id without its placeholder"),
        ),
        About(
            "holdout",
            mark("Holdout share"),
            mark("kept back; the same people in every run of the series"),
            Kind.SHARE,
        ),
        About(
            "global_holdout",
            mark("From all marketing"),
            mark("kept back whatever the campaign, always the same people"),
            Kind.SHARE,
        ),
    ),
    mark("Canary: a share is sent to first"): (
        About(
            "canary", mark("Canary share"), mark("sent to first, at least 20 people; 0%: none"), Kind.SHARE
        ),
        About(
            "canary_wait",
            mark("Canary wait"),
            mark("then its receipts and replies are looked at: `30m`, `2h`, `1d`"),
        ),
        About(
            "canary_max_failure",
            mark("Most failures"),
            mark("refused, undelivered or unclear, of those known; more stops it"),
            Kind.SHARE,
        ),
        About(
            "canary_max_opt_out",
            mark("Most opt-outs"),
            mark("of those who were sent to; more stops it"),
            Kind.SHARE,
        ),
    ),
    mark("Drift: far from what the series usually is"): (
        About(
            "drift",
            mark("A run far from usual"),
            mark("compared with the last finished runs of its series"),
            Kind.CHOICE,
            options={"stop": mark("is refused and says what changed"), "allow": mark("is let go")},
        ),
        About(
            "drift_factor",
            mark("Too far"),
            mark("so many times as many, or as few, people as usual"),
        ),
    ),
}


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
        self.input.tooltip = about.name
        self._beside = html("")
        self.widget = w.VBox([self.input, self._beside])
        if not bare:
            self._beside.layout.flex = "1 1 300px"  # a long hint wraps beside its field
            self.widget = row(self.input, self._beside)
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
        self._beside.value = self._hint() if wrong is None else self._reason(wrong)
        self._beside.layout.display = "" if self._beside.value else "none"

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
        return text

    # -- what is seen ------------------------------------------------------------------

    def _made(self) -> Any:
        about, t = self.about, self._panel.t
        if about.kind is Kind.CHOICE:
            options = [(t(words), str(value)) for value, words in about.options.items()]
            return parts.field(w.Dropdown, t(about.label), options=options)
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
    return f"{value:g}" if isinstance(value, float) else str(value)
