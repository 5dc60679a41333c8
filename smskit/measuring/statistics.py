"""
The statistics of a comparison of two arms that a hash has drawn: intervals, p-values, what may be peeked at.

Pure: counts in, figures out; amounts are judged in `rerandomising`. docs/statistics.md says where each
method is from and how well it holds; statsmodels and scipy take two seconds to import, and are only when
they are used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np

from smskit.errors import needs_extra

__all__ = [
    "INTERIM_LEVEL",
    "LEVEL",
    "PRIOR",
    "Counts",
    "Interim",
    "all_alike",
    "equal_odds",
    "holm",
    "interim",
    "newcombe",
    "ratio",
    "score_p",
    "smallest_loss",
    "split_range",
    "srm_p",
    "wilson",
]

LEVEL: Final = 0.95
INTERIM_LEVEL: Final = 0.99  # at which looking every day leaves the final 95 % interval as it is
PRIOR: Final = 100.0  # how many conversions the prior of `interim` weighs


class Counts(NamedTuple):
    """How many converted, of how many, in each arm."""

    treated_buyers: int
    treated: int
    holdout_buyers: int
    holdout: int

    @property
    def buyers(self) -> int:
        """Of both arms."""
        return self.treated_buyers + self.holdout_buyers

    @property
    def people(self) -> int:
        """Of both arms."""
        return self.treated + self.holdout

    @property
    def difference(self) -> float:
        """Rate of the treated minus rate of the holdout."""
        return self.treated_buyers / self.treated - self.holdout_buyers / self.holdout


class Interim(NamedTuple):
    """What may be looked at on any day. Relative bounds: -1 = as low as can be, None = none."""

    relative: float | None
    relative_low: float | None
    relative_high: float | None
    decided: bool  # equal rates are outside


def newcombe(counts: Counts, *, level: float = LEVEL) -> tuple[float, float]:
    """
    The interval of the difference of two rates, treated minus holdout (Newcombe 1998, method 10).

    Both arms have at least one person. The corners (nobody, everybody) need no special care.
    """
    with needs_extra("measure"):
        from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(*counts, compare="diff", method="newcomb", alpha=1 - level)
    return float(low), float(high)


def wilson(converted: int, people: int, *, level: float = LEVEL) -> tuple[float, float]:
    """The interval of one rate (Wilson 1927); there is at least one person."""
    with needs_extra("measure"):
        from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(converted, people, alpha=1 - level, method="wilson")
    return float(low), float(high)


def all_alike(arms: Sequence[Sequence[int]]) -> float | None:
    """
    The p-value of all arms having one rate (chi-squared without correction).

    Args:
        arms: Of each how many converted, of how many.

    Returns:
        None where nobody or everybody converted, or there is one arm with people.
    """
    some = [(x, n - x) for x, n in arms if n]
    if len(some) < 2 or not all(map(sum, zip(*some, strict=True))):
        return None
    with needs_extra("measure"):
        from scipy.stats import chi2_contingency

    return float(chi2_contingency(np.array(some), correction=False).pvalue)


def score_p(counts: Counts) -> float:
    """The p-value of equal rates, by the pooled score test; 1 where nobody or everybody converted."""
    if counts.buyers in (0, counts.people):
        return 1.0
    # By hand: statsmodels divides by the holdout's rate on the way, also where it is 0.
    pooled = counts.buyers / counts.people
    spread = math.sqrt(pooled * (1 - pooled) * (1 / counts.treated + 1 / counts.holdout))
    return math.erfc(abs(counts.difference) / spread / math.sqrt(2))


def ratio(counts: Counts) -> tuple[float, float, float] | None:
    """
    The relative lift with its log-adjusted interval; None where nobody of the holdout converted.

    Returns:
        Estimate, low and high, each ratio - 1.
    """
    if not counts.holdout_buyers:
        return None
    with needs_extra("measure"):
        from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(*counts, compare="ratio", method="log-adjusted", alpha=1 - LEVEL)
    rates = counts.treated_buyers / counts.treated, counts.holdout_buyers / counts.holdout
    return rates[0] / rates[1] - 1, float(low) - 1, float(high) - 1


def holm(p_values: Sequence[float]) -> list[float]:
    """Each of n p-values, adjusted for there being n of them (Holm 1979)."""
    adjusted, running = [0.0] * len(p_values), 0.0
    for place, at in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        running = max(running, min(1.0, (len(p_values) - place) * p_values[at]))
        adjusted[at] = running
    return adjusted


def srm_p(held_back: int, people: int, share: float) -> float:
    """The exact two-sided p-value of so many held back: of all counts no more likely than this one."""
    with needs_extra("measure"):
        from scipy.stats import binomtest

    return float(binomtest(held_back, people, share).pvalue)


def split_range(people: int, share: float, *, outside: float) -> tuple[int, int]:
    """How many chance may hold back, at least and at most; *outside*: the probability of other numbers."""
    with needs_extra("measure"):
        from scipy.stats import binom

    return int(binom.ppf(outside / 2, people, share)), int(binom.ppf(1 - outside / 2, people, share))


def smallest_loss(expected: float, share: float, *, power: float = 0.9, outside: float = 0.001) -> float:
    """
    Which share of a holdout must be missing for the check of the split to alarm that often; 1 or more = none.

    By the normal approximation.

    Args:
        expected: People that are to be held back.
        outside: The p-value below which it alarms.
    """
    normal = NormalDist()
    apart = normal.inv_cdf(1 - outside / 2) + normal.inv_cdf(power)
    return apart / math.sqrt(expected * (1 - share))


def equal_odds(strata: Sequence[Counts]) -> float | None:
    """
    Whether the effect, as an odds ratio, is the same in all *strata* (Breslow and Day 1980): its p-value.

    None where fewer than two of them tell anything, since nobody or everybody converted in the others, or
    where there is no common ratio.
    """
    some = [s for s in strata if 0 < s.buyers < s.people and min(s.treated, s.holdout)]
    up = sum(s.treated_buyers * (s.holdout - s.holdout_buyers) / s.people for s in some)
    down = sum(s.holdout_buyers * (s.treated - s.treated_buyers) / s.people for s in some)
    if len(some) < 2 or not up or not down:
        return None
    with needs_extra("measure"):
        from scipy.special import chdtrc

    # By hand: statsmodels' StratifiedTable divides by how far the common ratio is from 1.
    return float(chdtrc(len(some) - 1, sum(_unlike(s, up / down) for s in some)))


def _unlike(stratum: Counts, odds: float) -> float:
    """How far a stratum is from that odds ratio, squared, in its own spread."""
    x, t, h, m = stratum.treated_buyers, stratum.treated, stratum.holdout, stratum.buyers
    b, c = h - m + odds * (m + t), odds * m * t
    expected = 2 * c / (b + math.sqrt(b * b + 4 * (1 - odds) * c))
    cells = (expected, t - expected, m - expected, h - m + expected)
    return (x - expected) ** 2 * sum(1 / cell for cell in cells)


# --- what may be peeked at


def interim(counts: Counts) -> Interim:
    """
    The relative lift as it may be looked at on any day, by a beta-binomial mixture over the conversions.

    Of x first conversions each falls to the treated with probability n1 r / (n1 r + n0), r the ratio of the
    rates. All r whose mixture likelihood ratio stays below 1 / (1 - `INTERIM_LEVEL`) are inside, at all times
    together (Lindon and Malek 2022).
    """
    x1, x0 = counts.treated_buyers, counts.holdout_buyers
    odds = counts.holdout / counts.treated
    outside = _beyond(counts)
    best = x1 / (x1 + x0) if counts.buyers else counts.treated / counts.people
    lowest = _root(outside, 0.0, best) if x1 else 0.0
    highest = _root(outside, best, 1.0) if x0 else 1.0
    return Interim(
        x1 / counts.treated / (x0 / counts.holdout) - 1 if x0 else None,
        lowest / (1 - lowest) * odds - 1 if lowest < 1 else None,
        highest / (1 - highest) * odds - 1 if highest < 1 else None,
        outside(counts.treated / counts.people) > 0,
    )


def _beyond(counts: Counts) -> Callable[[float], float]:
    """How far the log of the mixture likelihood ratio at theta lies beyond what is inside."""
    with needs_extra("measure"):
        from scipy.special import betaln

    x1, x0 = counts.treated_buyers, counts.holdout_buyers
    a, b = PRIOR * counts.treated / counts.people, PRIOR * counts.holdout / counts.people
    mixture = float(betaln(a + x1, b + x0) - betaln(a, b)) + math.log(1 - INTERIM_LEVEL)

    def beyond(theta: float) -> float:
        up = x1 * math.log(theta) if x1 else 0.0
        return mixture - up - (x0 * math.log1p(-theta) if x0 else 0.0)

    return beyond


def _root(beyond: Callable[[float], float], low: float, high: float) -> float:
    """Where *beyond* is 0 between *low* and *high*, one of which is the best theta and inside."""
    with needs_extra("measure"):
        from scipy.optimize import brentq

    least = 1e-300
    ends = max(low, least), min(high, 1 - 2**-53)
    if (beyond(ends[0]) > 0) == (beyond(ends[1]) > 0):
        return low if low == 0.0 else high  # no bound within what a float can tell
    return float(brentq(beyond, *ends, xtol=1e-15))
