"""
What a comparison of the arms of an experiment says, as data: the object of ``smskit compare --json``.

Names and order are those that programs read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from smskit.i18n import Language
from smskit.measuring.result import Coded

__all__ = ["ArmRow", "Arrived", "Compared", "Difference"]


@dataclass(frozen=True)
class ArmRow:
    """One arm; bounds of a rate are together at 95 % over all arms."""

    campaign: str
    arm: str
    provider: str
    starts_at: str | None
    people: int
    expected: float
    accepted: int
    delivered: int
    awaiting: int
    delivery_rate: float | None
    delivery_low: float | None
    delivery_high: float | None
    if_none_arrives: float | None  # of those awaited
    if_all_arrive: float | None
    yuan: str
    yuan_per_delivered: float | None
    yuan_per_delivered_low: float | None
    yuan_per_delivered_high: float | None
    median_receipt_s: float | None
    converted: int | None = None
    conversion: float | None = None
    conversion_low: float | None = None
    conversion_high: float | None = None


@dataclass(frozen=True)
class Difference:
    """
    One arm minus the other, of one metric.

    Of rates with Newcombe's interval and Holm's p over all pairs; of the price of a delivered message with
    the interval that the bounds of both prices make (MOVER), and no p.
    """

    metric: str  # delivery, yuan_per_delivered or conversion
    arm: str
    other: str
    difference: float
    low: float
    high: float
    level: float
    p_value: float | None
    p_holm: float | None


@dataclass(frozen=True)
class Arrived:
    """The share of an arm's people of whom a message is known to have arrived within so many seconds."""

    arm: str
    seconds: float
    share: float


@dataclass(frozen=True)
class Compared:
    """What tells the arms of an experiment apart, or why that cannot be told."""

    experiment: str
    mode: str
    as_of: str
    refused: Coded | None
    notices: Sequence[Coded]
    split_p_value: float | None  # of the arms' sizes
    window: str  # of what people did, such as 7d; "" = no table of events
    timezone: str  # of times that name none
    arms: Sequence[ArmRow]
    p_value: float | None  # of all arms converting alike; None = no outcomes, or not over
    differences: Sequence[Difference]
    arrived: Sequence[Arrived] = ()  # arm by arm, seconds ascending; for the picture

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return 3 if self.refused else 0

    def to_data(self) -> dict[str, Any]:
        """Plain data for programs."""
        data = asdict(self)
        del data["arrived"]
        return data

    def to_json(self) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_data(), ensure_ascii=False, indent=2)

    def render(self, t: Language) -> str:
        """All of it as lines of text."""
        from smskit.measuring.side_by_side import lines_of

        return "\n".join(lines_of(self, t))
