"""
What a holdout could show before anything is sent: the smallest lift that it finds four times of five.

By the normal approximation of two independent rates, as statsmodels' ``power_proportions_2indep`` has it (by
enumeration it is 80.0 to 81.6 % where it says 80); by hand, so that a plan can say it without what takes
seconds to import.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any, Final

from smskit.errors import InputError
from smskit.i18n import Language, Message

__all__ = ["LEVEL", "POWER", "Choice", "Power", "power_of", "power_words", "smallest_difference"]

LEVEL: Final = 0.95
POWER: Final = 0.8
_SHARES: Final = (0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
_RATES: Final = (0.005, 0.02)  # of people who buy without a message: where nobody says, both are told
_NORMAL: Final = NormalDist()


@dataclass(frozen=True)
class Choice:
    """A share to keep back, and what it could show."""

    holdout: float
    treated_people: int
    holdout_people: int
    smallest_difference: float | None  # of the rates; None = no lift is large enough
    smallest_relative: float | None
    forgone: float | None  # conversions that those kept back would have added, at the smallest difference


@dataclass(frozen=True)
class Power:
    """What the holdout of a campaign could show, and what other shares could."""

    people: int
    holdout: float
    treated_people: int
    holdout_people: int
    base_rate: float
    power: float
    level: float
    smallest_difference: float | None
    smallest_relative: float | None
    choices: Sequence[Choice]

    def to_data(self) -> dict[str, Any]:
        """Plain data for programs."""
        return asdict(self)

    def render(self, t: Language) -> str:
        """What it says, and a line for each share."""
        lines = [t(self.sentence)]
        for choice in self.choices:
            row = Message(
                "{share}: {n:,} kept back, finds {lift}, forgoes {forgone} conversions",
                share=_percent(choice.holdout),
                n=choice.holdout_people,
                lift=_lift(choice.smallest_relative),
                forgone="–" if choice.forgone is None else f"{choice.forgone:,.0f}",
            )
            lines.append("  " + t(row))
        return "\n".join(lines)

    @property
    def sentence(self) -> Message:
        """What it could show, in one line."""
        return Message(
            "{n:,} people, {m:,} of them kept back ({share}): where {rate} convert without a message, "
            "{times} of campaigns with a lift of {lift} show it",
            n=self.people,
            m=self.holdout_people,
            share=_percent(self.holdout),
            rate=_percent(self.base_rate),
            times=_percent(self.power),
            lift=_lift(self.smallest_relative),
        )


def power_of(people: int, held_back: int, holdout: float, base_rate: float, *, power: float = POWER) -> Power:
    """
    What a holdout could show of *people*, of whom *held_back* are kept back.

    Args:
        holdout: The share that was asked for.
        base_rate: Share of people who convert without a message.

    Raises:
        InputError: a rate is not between 0 and 1.
    """
    for value in (base_rate, power):
        if not 0 < value < 1:
            raise InputError("a rate is between 0 and 1, such as 0.02")
    own = smallest_difference(people - held_back, held_back, base_rate, power=power)
    return Power(
        people=people,
        holdout=holdout,
        treated_people=people - held_back,
        holdout_people=held_back,
        base_rate=base_rate,
        power=power,
        level=LEVEL,
        smallest_difference=own,
        smallest_relative=None if own is None else own / base_rate,
        choices=[_choice(people, share, base_rate, power) for share in _SHARES],
    )


def _choice(people: int, share: float, base_rate: float, power: float) -> Choice:
    held_back = round(people * share)
    found = smallest_difference(people - held_back, held_back, base_rate, power=power)
    return Choice(
        share,
        people - held_back,
        held_back,
        found,
        None if found is None else found / base_rate,
        None if found is None else found * held_back,
    )


def power_words(treated: int, held_back: int) -> Message | None:
    """One line on the smallest lift this holdout could show, at two base rates; None where there is none."""
    if not treated or not held_back:
        return None
    lifts = []
    for rate in _RATES:
        found = smallest_difference(treated, held_back, rate)
        lifts.append(_lift(None if found is None else found / rate))
    return Message(
        "a holdout of {n:,} shows a lift of {first} or more where 0.5% convert without a message, of "
        "{second} where 2% do (4 times of 5)",
        n=held_back,
        first=lifts[0],
        second=lifts[1],
    )


def smallest_difference(
    treated: int, held_back: int, base_rate: float, *, power: float = POWER
) -> float | None:
    """The smallest increase of a rate that is found with that power; None where none is."""
    if not treated or not held_back:
        return None
    low, high = 0.0, 1 - base_rate
    if _power(high, treated, held_back, base_rate) < power:
        return None
    while high - low > 1e-12:
        middle = (low + high) / 2
        if _power(middle, treated, held_back, base_rate) < power:
            low = middle
        else:
            high = middle
    return high


def _power(difference: float, treated: int, held_back: int, base_rate: float) -> float:
    """How often a difference is found, in either direction."""
    rate = base_rate + difference
    pooled = (rate * treated + base_rate * held_back) / (treated + held_back)
    null = math.sqrt(pooled * (1 - pooled) * (1 / treated + 1 / held_back))
    spread = math.sqrt(rate * (1 - rate) / treated + base_rate * (1 - base_rate) / held_back)
    critical = _NORMAL.inv_cdf((1 + LEVEL) / 2) * null
    return _NORMAL.cdf((difference - critical) / spread) + _NORMAL.cdf((-difference - critical) / spread)


def _lift(relative: float | None) -> str:
    return "∞" if relative is None else f"+{relative:.0%}"


def _percent(share: float) -> str:
    return f"{share * 100:.3g}%"
