"""
From what the people of two arms did to effects: differences, intervals, increments, and what each one cost.

Everybody of an arm counts, whatever they did. Before the window is over there is no fixed interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smskit.measuring import statistics
from smskit.measuring.adjusting import adjusted
from smskit.measuring.arms import Arms
from smskit.measuring.outcomes import Outcomes
from smskit.measuring.rerandomising import Rerandomised, rerandomise, rerandomise_all, seed_of
from smskit.measuring.result import ADJUSTED, Arm, Cost, Effect, InterimRow, OutcomeRows
from smskit.measuring.statistics import LEVEL, Counts

__all__ = ["arms_of", "counts_of", "effects_of", "interim_of", "rows_of"]

_BUYERS: Final = 5  # in both arms together for a rate, in each for an amount


def counts_of(converted: NDArray[np.bool_], treated: NDArray[np.bool_]) -> Counts:
    """How many converted in each arm; masks of n people."""
    n1 = int(np.count_nonzero(treated))
    x1 = int(np.count_nonzero(converted & treated))
    return Counts(x1, n1, int(np.count_nonzero(converted)) - x1, len(treated) - n1)


def arms_of(arms: Arms) -> dict[str, Arm]:
    """How many people both arms have."""
    return {
        "treated": Arm(arms.n_treated, int(np.count_nonzero(arms.reached & arms.treated))),
        "holdout": Arm(arms.n_holdout, int(np.count_nonzero(arms.reached & ~arms.treated))),
    }


def rows_of(found: Outcomes, *, events: bool, zone: str) -> OutcomeRows:
    """What became of the rows of the table."""
    return OutcomeRows("events" if events else "flags", *found.counts, timezone=zone)


def effects_of(
    values: Mapping[str, NDArray[Any]],
    arms: Arms,
    *,
    name: str,
    cost: Cost,
    complete: bool,
    known: NDArray[np.float64] | None = None,
) -> list[Effect]:
    """
    One effect a metric, in the order they stand there; then each adjusted for what is *known*.

    Args:
        values: Metric -> n flags (a conversion) or n amounts (revenue).
        name: Of the campaign, which the draws of amounts go by.
        cost: Of the messages; of a range the upper bounds have its upper end.
        complete: Whether the window is over; before that nothing is adjusted.
        known: Of the n people before the send, see `adjusting.known_of`; None = nothing.
    """
    found = [
        _conversion(metric, counts_of(said, arms.treated), cost)
        if said.dtype == np.bool_
        else _revenue(metric, said, arms.treated, name)
        for metric, said in values.items()
    ]
    if not complete:
        return [_open(effect) for effect in found]
    if known is not None:
        found += [_adjusted(metric, said, arms.treated, known, name, cost) for metric, said in values.items()]
    p_values = [effect.p_value for effect in found if effect.p_value is not None]
    if len(found) < 2 or not p_values:
        return found
    by_holm = iter(statistics.holm(p_values))
    return [e if e.p_value is None else replace(e, p_adjusted=next(by_holm)) for e in found]


def _conversion(metric: str, counts: Counts, cost: Cost) -> Effect:
    low, high = statistics.newcombe(counts)
    relative, relative_low, relative_high = statistics.ratio(counts) or (None, None, None)
    n = counts.treated
    enough = counts.buyers >= _BUYERS
    incremental = (counts.difference * n, low * n, high * n)
    return Effect(
        metric=metric,
        kind="conversion",
        treated=counts.treated_buyers / n,
        holdout=counts.holdout_buyers / counts.holdout,
        treated_total=counts.treated_buyers,
        holdout_total=counts.holdout_buyers,
        treated_buyers=counts.treated_buyers,
        holdout_buyers=counts.holdout_buyers,
        difference=counts.difference,
        low=low,
        high=high,
        level=LEVEL,
        p_value=statistics.score_p(counts),
        p_adjusted=None,
        relative=relative,
        relative_low=relative_low,
        relative_high=relative_high,
        incremental=incremental[0],
        incremental_low=incremental[1],
        incremental_high=incremental[2],
        cost_per_incremental=_each(cost.yuan, incremental[0]),
        cost_per_incremental_low=_each(cost.yuan, incremental[2]),
        cost_per_incremental_high=_each(cost.yuan_high, incremental[1]),
        enough=enough,
        significant=bool(low > 0 or high < 0) if enough else None,
        method="newcombe",
    )


def _each(yuan: str, incremental: float) -> float | None:
    return float(yuan) / incremental if incremental > 0 else None


def _revenue(metric: str, amounts: NDArray[np.float64], treated: NDArray[np.bool_], name: str) -> Effect:
    n1 = int(np.count_nonzero(treated))
    bought = amounts != 0
    one, other = amounts[bought & treated], amounts[bought & ~treated]
    drawn = None
    if min(len(one), len(other)) >= _BUYERS:
        seed = seed_of(name, metric)
        drawn = rerandomise(one, other, treated=n1, holdout=len(treated) - n1, seed=seed)
    return _of_means(metric, "revenue", amounts, amounts, treated, drawn)


def _adjusted(
    metric: str,
    said: NDArray[Any],
    treated: NDArray[np.bool_],
    known: NDArray[np.float64],
    name: str,
    cost: Cost,
) -> Effect:
    """The same effect, less what was known of the people before the send; judged by what that leaves."""
    kind = "conversion" if said.dtype == np.bool_ else "revenue"
    raw = said.astype(np.float64)
    left = adjusted(raw, treated, known)
    drawn = None
    if min(np.count_nonzero(raw[treated]), np.count_nonzero(raw[~treated])) >= _BUYERS:
        drawn = rerandomise_all(left, treated, seed=seed_of(name, metric, ADJUSTED))
    made = replace(_of_means(metric, kind, left, raw, treated, drawn), method=ADJUSTED)
    if kind == "revenue":
        return made
    low, high = made.incremental_low, made.incremental_high
    return replace(
        made,
        cost_per_incremental=_each(cost.yuan, made.incremental),
        cost_per_incremental_low=None if high is None else _each(cost.yuan, high),
        cost_per_incremental_high=None if low is None else _each(cost.yuan_high, low),
    )


def _of_means(
    metric: str,
    kind: str,
    values: NDArray[np.float64],
    raw: NDArray[np.float64],
    treated: NDArray[np.bool_],
    drawn: Rerandomised | None,
) -> Effect:
    """
    The difference of the means of n *values*, which are the *raw* ones as they are or adjusted.

    Args:
        drawn: What the draws say of it; None where there are too few buyers for that.
    """
    n1 = int(np.count_nonzero(treated))
    mean1, mean0 = float(values[treated].mean()), float(values[~treated].mean())
    buyers1, buyers0 = (int(np.count_nonzero(raw[arm])) for arm in (treated, ~treated))
    low, high, p_value = drawn or (None, None, None)
    return Effect(
        metric=metric,
        kind=kind,
        treated=mean1,
        holdout=mean0,
        treated_total=float(raw[treated].sum()),
        holdout_total=float(raw[~treated].sum()),
        treated_buyers=buyers1,
        holdout_buyers=buyers0,
        difference=mean1 - mean0,
        low=low,
        high=high,
        level=LEVEL,
        p_value=p_value,
        p_adjusted=None,
        relative=mean1 / mean0 - 1 if mean0 > 0 else None,
        relative_low=None,
        relative_high=None,
        incremental=(mean1 - mean0) * n1,
        incremental_low=None if low is None else low * n1,
        incremental_high=None if high is None else high * n1,
        cost_per_incremental=None,
        cost_per_incremental_low=None,
        cost_per_incremental_high=None,
        enough=min(buyers1, buyers0) >= _BUYERS,
        significant=None if low is None or high is None else bool(low > 0 or high < 0),
        method="rerandomised",
    )


def _open(effect: Effect) -> Effect:
    """An effect as it may be shown before the window is over: there is no fixed interval to peek at."""
    return replace(
        effect,
        low=None,
        high=None,
        p_value=None,
        p_adjusted=None,
        significant=None,
        relative_low=None,
        relative_high=None,
        incremental_low=None,
        incremental_high=None,
        cost_per_incremental_low=None,
        cost_per_incremental_high=None,
    )


def interim_of(counts: Counts) -> InterimRow:
    """What may be looked at of the conversions on any day."""
    now = statistics.interim(counts)
    x1 = counts.treated_buyers
    least, most = now.relative_low, now.relative_high
    return InterimRow(
        metric="conversion",
        level=statistics.INTERIM_LEVEL,
        method="beta-binomial",
        prior=statistics.PRIOR,
        relative=now.relative,
        relative_low=least,
        relative_high=most,
        incremental=counts.difference * counts.treated,
        incremental_low=x1 * (1 - 1 / (1 + least)) if least is not None and least > -1 else None,
        incremental_high=x1 if most is None else x1 * (1 - 1 / (1 + most)),
        decided=now.decided,
    )
