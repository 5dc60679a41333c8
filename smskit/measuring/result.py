"""
What a measurement says, as data: the object of `smskit.measure`, and of ``smskit measure --json``.

Names and order are those that programs read. A sentence is a `Message`, English when it is printed as data.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Final

from smskit.i18n import Message

__all__ = [
    "ADJUSTED",
    "Arm",
    "Coded",
    "Cost",
    "Day",
    "Effect",
    "InterimRow",
    "Measured",
    "OutcomeRows",
    "SegmentRow",
    "Srm",
    "Window",
]


ADJUSTED: Final = "adjusted"  # the method of an effect less what was known before the send


@dataclass(frozen=True)
class Coded:
    """Why there is no answer, or what to know of one: a code for programs, a sentence for people."""

    code: str
    text: Message


@dataclass(frozen=True)
class OutcomeRows:
    """What became of the rows of the table; ``before``, ``after`` and ``used`` are of people in an arm."""

    kind: str  # events or flags
    rows: int
    duplicates: int
    unknown_people: int
    before: int
    after: int
    used: int
    people: int
    timezone: str


@dataclass(frozen=True)
class Window:
    """One stretch of the calendar for both arms; times are ISO."""

    starts_at: str
    ends_at: str
    data_until: str | None
    length: str
    complete: bool


@dataclass(frozen=True)
class Arm:
    """How many people, and how many of them the provider took a message for."""

    people: int
    reached: int


@dataclass(frozen=True)
class Srm:
    """Whether the split is the one that was drawn (sample ratio mismatch)."""

    share: float
    expected: float
    observed: int
    p_value: float
    threshold: float
    ok: bool


@dataclass(frozen=True)
class Cost:
    """
    What the messages that were taken cost, follow-ups included; yuan as text.

    Of *unknown_parts* nobody knows whether the provider took them; with them it is *yuan_high*.
    """

    parts: int
    price_per_part: str
    yuan: str
    unknown_parts: int
    yuan_high: str


@dataclass(frozen=True)
class Effect:
    """One metric of both arms and their difference; docs/measuring.md says what each field is."""

    metric: str
    kind: str  # conversion or revenue
    treated: float
    holdout: float
    treated_total: float
    holdout_total: float
    treated_buyers: int
    holdout_buyers: int
    difference: float
    low: float | None
    high: float | None
    level: float
    p_value: float | None
    p_adjusted: float | None
    relative: float | None
    relative_low: float | None
    relative_high: float | None
    incremental: float
    incremental_low: float | None
    incremental_high: float | None
    cost_per_incremental: float | None
    cost_per_incremental_low: float | None
    cost_per_incremental_high: float | None
    enough: bool
    significant: bool | None
    method: str


@dataclass(frozen=True)
class InterimRow:
    """What may be looked at before the window is over."""

    metric: str
    level: float
    method: str
    prior: float
    relative: float | None
    relative_low: float | None
    relative_high: float | None
    incremental: float
    incremental_low: float | None
    incremental_high: float | None
    decided: bool


@dataclass(frozen=True)
class SegmentRow:
    """The first metric among the people of one value of a column; *value* None = all other values."""

    column: str
    value: str | None
    metric: str
    treated_people: int
    holdout_people: int
    treated: float | None
    holdout: float | None
    difference: float | None
    low: float | None
    high: float | None
    level: float | None
    p_value: float | None
    p_holm: float | None
    enough: bool


@dataclass(frozen=True)
class Day:
    """Both arms up to a moment, as rates, and the relative lift as it may be looked at on any day."""

    at: str  # ISO
    treated: float
    holdout: float
    relative_low: float | None
    relative_high: float | None


@dataclass(frozen=True)
class Measured:
    """
    What a campaign brought, or why that cannot be told.

    Where it is *refused* there is nothing under effects, segments and interim.
    """

    campaign: str
    mode: str
    series: str
    as_of: str
    refused: Coded | None
    notices: Sequence[Coded]
    outcomes: OutcomeRows
    window: Window | None
    arms: dict[str, Arm]
    srm: Srm | None
    cost: Cost
    effects: Sequence[Effect] = ()
    interim: InterimRow | None = None
    segments: Sequence[SegmentRow] | None = None
    equal_effects: float | None = None  # p-value of the effect being the same in all segments, or cohorts
    cohorts: Sequence[SegmentRow] | None = None  # of several occurrences: by the one in which people entered
    days: Sequence[Day] = ()  # of a table of events, for the picture
    named: tuple[int, int] = (0, 0)  # people of either arm whom the table names at all, the treated first

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return 3 if self.refused else 0

    def to_data(self) -> dict[str, Any]:
        """Plain data for programs."""
        data = asdict(self)
        alike = data.pop("equal_effects")
        cohorts = data.pop("cohorts")
        del data["days"], data["named"]
        if not self.cost.unknown_parts:  # there is a range only where something is not known
            del data["cost"]["unknown_parts"], data["cost"]["yuan_high"]
        return data if cohorts is None else data | {"cohorts": cohorts, "alike": alike}

    def to_json(self) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_data(), ensure_ascii=False, indent=2)

    def __str__(self) -> str:
        from smskit.i18n import Language

        return self.render(Language("en"))

    def render(self, t: Any) -> str:
        """All of it as lines of text, the effect's sentence first."""
        from smskit.measuring.words import lines_of

        return "\n".join(lines_of(self, t))


def yuan_of(parts: Sequence[tuple[int, int]], price: Decimal) -> Cost:
    """What so many parts cost; of each campaign those that were taken, and those that may have been."""
    taken, maybe = (sum(each) for each in zip(*parts, strict=True)) if parts else (0, 0)
    return Cost(taken, str(price), str(taken * price), maybe, str((taken + maybe) * price))
