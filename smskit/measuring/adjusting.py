"""
Effects adjusted for what was known of people before the send: what columns of the segment explain of an
outcome is taken off before the arms are compared.

Slopes are one set for both arms (analysis of covariance), fitted within them. Slopes of each arm (Lin 2013)
would mostly be those of the holdout, where a few buyers make them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.audience.rules.typed import numbers_of_text

__all__ = ["adjusted", "known_of"]

_MOST: Final = 8  # values of a column of words that count by themselves


def known_of(cells: Mapping[str, pa.Array]) -> NDArray[np.float64]:
    """
    What columns say of n people, as numbers to adjust for: n × as many as they make.

    A column of numbers is itself; where some are missing they are its mean, and another column says so. Any
    other column is one of 0 and 1 for each of its eight most frequent values.

    Args:
        cells: Column -> n texts, null = missing.
    """
    made = [each for texts in cells.values() for each in _numbers_of(texts)]
    n = len(next(iter(cells.values()))) if cells else 0
    return np.column_stack(made) if made else np.empty((n, 0))


def _numbers_of(texts: pa.Array) -> Iterator[NDArray[np.float64]]:
    texts = pc.utf8_trim_whitespace(texts.cast(pa.large_string()))
    missing = np.asarray(pc.fill_null(pc.equal(texts, ""), True))
    numbers = numbers_of_text(texts).floats()
    readable = np.isfinite(numbers)
    if not readable.any() or (~readable & ~missing).any():
        encoded = pc.fill_null(texts, "").dictionary_encode()
        codes = np.asarray(encoded.indices)
        often = np.argsort(-np.bincount(codes), kind="stable")[:_MOST]
        yield from ((codes == code).astype(np.float64) for code in often.tolist())
        return
    yield np.where(readable, numbers, numbers[readable].mean())
    if not readable.all():
        yield (~readable).astype(np.float64)


def adjusted(
    values: NDArray[np.float64], treated: NDArray[np.bool_], known: NDArray[np.float64]
) -> NDArray[np.float64]:
    """
    What the *values* would be if all people were as they are on average.

    Args:
        values: n outcomes.
        treated: n; both arms have people.
        known: n × any number, of `known_of`; columns that say the same are no matter.

    Returns:
        n; the difference of the arms' means is that of the regression on arm and *known*.
    """
    # In units of their own spread, so that small and large columns can be told from none.
    apart = known - known.mean(axis=0)
    spread = apart.std(axis=0)
    apart = apart[:, spread > 0] / spread[spread > 0]
    within, left = apart.copy(), values.astype(np.float64)
    for arm in (treated, ~treated):
        within[arm] -= within[arm].mean(axis=0)
        left[arm] -= left[arm].mean()
    slopes = np.linalg.pinv(within.T @ within, rcond=1e-10, hermitian=True) @ (within.T @ left)
    return np.asarray(values - apart @ slopes)
