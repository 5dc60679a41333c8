"""
How a difference came about: both arms from the first submission on, and what could be said on each day.

Rates of a day that is not the last are for looking at; what is told of them is the interim, which holds
at all times together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from smskit.measuring import statistics
from smskit.measuring.arms import Arms
from smskit.measuring.outcomes import Outcomes
from smskit.measuring.result import Day
from smskit.measuring.statistics import Counts

__all__ = ["days_of"]

_MOST: Final = 60  # points of a line


def days_of(arms: Arms, found: Outcomes, *, start: datetime, end: datetime) -> Sequence[Day]:
    """
    First conversions of both arms up to each day, the beginning first; of a short window up to each hour.

    Args:
        end: Of the window, or as of when the table is read where that is earlier.
    """
    length = end - start
    if length <= timedelta(0) or not len(found.first):
        return []
    step = timedelta(hours=1) if length <= timedelta(days=2) else timedelta(days=1)
    step *= max(1, -(-length // (step * _MOST)))
    moments = [start + step * n for n in range(-(-length // step))] + [end]
    edges = [round(at.timestamp() * 1e6) for at in moments]
    counted = []
    for arm in (arms.treated, ~arms.treated):
        when = np.sort(found.first[arm & (found.first > 0)])
        counted.append(np.searchsorted(when, edges).tolist())
    n1, n0 = arms.n_treated, arms.n_holdout
    made = []
    for at, x1, x0 in zip(moments, *counted, strict=True):
        now = statistics.interim(Counts(x1, n1, x0, n0))
        made.append(Day(at.isoformat(), x1 / n1, x0 / n0, now.relative_low, now.relative_high))
    return made
