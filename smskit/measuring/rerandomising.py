"""
The statistics of amounts: the assignment is drawn again, with the same share and the same statistic.

Pure: amounts in, figures out. docs/statistics.md says how well it holds.
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smskit.measuring.statistics import LEVEL

__all__ = ["DRAWS", "Rerandomised", "rerandomise", "rerandomise_all", "seed_of"]

DRAWS: Final = 9_999  # the least p-value is 2 / (draws + 1)
_AT_ONCE: Final = 1 << 20  # random numbers, some 30 MB with what is made of them
_DRAWN: Final = 5_000  # people who are drawn one by one, where everybody has a value


class Rerandomised(NamedTuple):
    """What a re-randomisation says of a difference of means."""

    low: float
    high: float
    p_value: float


def seed_of(*names: str) -> int:
    """The seed of the draws for these names, so that the same question has the same answer."""
    return int.from_bytes(hashlib.sha256("\n".join(names).encode()).digest()[:8])


def rerandomise(
    treated_amounts: NDArray[np.float64],
    holdout_amounts: NDArray[np.float64],
    *,
    treated: int,
    holdout: int,
    seed: int,
    draws: int = DRAWS,
) -> Rerandomised | None:
    """
    The studentised re-randomisation of a difference of means, where nearly everybody's amount is 0.

    In each draw every amount falls to the holdout as the hash let it fall, with the share that the holdout
    is of both arms. Interval and p-value are of the same draws: the one leaves 0 out when the other is at
    most ``1 - LEVEL``.

    Args:
        treated_amounts, holdout_amounts: Of those whose amount is not 0, of any length.
        treated, holdout: People of each arm, at least 2.

    Returns:
        None where the amounts do not vary, so that there is nothing to judge a difference by.
    """
    amounts = np.concatenate([treated_amounts, holdout_amounts]).astype(np.float64)
    statistic = _Studentised(amounts, treated, holdout)
    own = holdout_amounts.sum(), np.square(holdout_amounts).sum()
    return _judged(statistic, own, _sums_of_draws(amounts, statistic.share, seed, draws))


def rerandomise_all(
    values: NDArray[np.float64],
    treated: NDArray[np.bool_],
    *,
    seed: int,
    draws: int = DRAWS,
) -> Rerandomised | None:
    """
    The same where everybody has a value of their own, such as what a regression leaves.

    The 5,000 farthest out are drawn one by one. Of everybody else there are so many, each of whom weighs so
    little, that their sums are normal; those are drawn with the moments that they have.

    Args:
        values: n.
        treated: n; both arms have at least 2 people.

    Returns:
        None where the values do not vary.
    """
    centred = values - values.mean()  # how many fall to the holdout is no part of what is judged
    n1 = int(np.count_nonzero(treated))
    statistic = _Studentised(centred, n1, len(values) - n1)
    held = centred[~treated]
    # In the order of the people, so that equal values make no difference between two machines.
    far = np.argsort(-np.abs(centred), kind="stable")
    sums, squares = _sums_of_draws(centred[far[:_DRAWN]], statistic.share, seed, draws)
    more, more_squares = _normal_sums(centred[far[_DRAWN:]], statistic.share, seed, draws)
    own = held.sum(), np.square(held).sum()
    return _judged(statistic, own, (sums + more, squares + more_squares))


def _judged(
    statistic: _Studentised,
    own: tuple[NDArray[np.float64], NDArray[np.float64]],
    drawn: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> Rerandomised | None:
    """Interval and p-value of a difference, by the sums of the holdout and those of each draw of it."""
    spread, t = statistic.spread(*own), statistic(*own)
    if not spread > 0:
        return None
    ascending = np.sort(statistic(*drawn))
    # Of 9,999 draws the 250th from either end, by which interval and p-value say the same.
    low, high = np.quantile(ascending, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="weibull")
    below = np.searchsorted(ascending, t, "right") + 1
    above = len(ascending) - np.searchsorted(ascending, t, "left") + 1
    difference = statistic.difference(own[0])
    return Rerandomised(
        float(difference - high * spread),
        float(difference - low * spread),
        min(1.0, 2 * min(int(below), int(above)) / (len(ascending) + 1)),
    )


class _Studentised:
    """The difference of means over its spread, by what falls to the holdout of a sum and a sum of squares."""

    def __init__(self, amounts: NDArray[np.float64], treated: int, holdout: int) -> None:
        self._sum, self._squares = amounts.sum(), np.square(amounts).sum()
        self._treated, self._holdout = treated, holdout
        self.share = holdout / (treated + holdout)

    def difference(self, held: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((self._sum - held) / self._treated - held / self._holdout)

    def spread(self, held: NDArray[np.float64], squares: NDArray[np.float64]) -> NDArray[np.float64]:
        variance = _variance(self._sum - held, self._squares - squares, self._treated)
        return np.sqrt(np.maximum(variance + _variance(held, squares, self._holdout), 0))

    def __call__(self, held: NDArray[np.float64], squares: NDArray[np.float64]) -> NDArray[np.float64]:
        spread = self.spread(held, squares)
        return np.divide(
            self.difference(held), spread, out=np.zeros_like(np.asarray(spread)), where=spread > 0
        )


def _variance(total: NDArray[np.float64], squares: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Of the mean of n amounts."""
    return (squares / n - np.square(total / n)) / (n - 1)


def _sums_of_draws(
    amounts: NDArray[np.float64], share: float, seed: int, draws: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Sum and sum of squares of the amounts that fall to the holdout, of each draw (*draws* entries each).

    All draws are one long row of amounts, of which the next one to fall is a geometric number of places
    ahead: for a small share that is a number for each that falls, not for each that might.
    """
    rarer = min(share, 1 - share)
    rng, squares = np.random.default_rng(seed), np.square(amounts)
    held, held_squares = np.zeros(draws), np.zeros(draws)
    at, end = -1, len(amounts) * draws
    at_once = min(_AT_ONCE, int(end * rarer * 1.05) + 100)
    while rarer > 0 and at < end:
        places = rng.geometric(rarer, size=at_once).cumsum() + at
        at = int(places[-1])
        draw, which = np.divmod(places[places < end], len(amounts))
        held += np.bincount(draw, amounts[which], draws)
        held_squares += np.bincount(draw, squares[which], draws)
    if rarer < share:
        return amounts.sum() - held, squares.sum() - held_squares
    return held, held_squares


def _normal_sums(
    values: NDArray[np.float64], share: float, seed: int, draws: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and sum of squares of the *values* that fall to the holdout, as many small ones make them."""
    one, two, three, four = (float((values**power).sum()) for power in (1, 2, 3, 4))
    apart = share * (1 - share) * np.array([[two, three], [three, four]])
    sizes, ways = np.linalg.eigh(apart)
    drawn = np.random.default_rng([seed, 1]).standard_normal((draws, 2)) * np.sqrt(np.maximum(sizes, 0))
    both = drawn @ ways.T + share * np.array([one, two])
    return both[:, 0], both[:, 1]
