"""
A column as something to compare: text, numbers, or words for yes and no.

A view says which rows have a known value, and how those lie to given bounds.
Numbers are compared exactly: a large whole number never passes through a
float. Dates are in `moments`; which view a column gets is for `columns`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from decimal import Decimal
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from smskit.audience.rules.values import FALSE_WORDS, REAL, TRUE_WORDS, WHOLE

Mask: TypeAlias = npt.NDArray[np.bool_]


def bools(array: pa.Array) -> Mask:
    """Return Arrow's answer per row, null as false."""
    values: Mask = pc.fill_null(array, False).to_numpy(zero_copy_only=False)
    return values


# --- what a view is


class View(ABC):
    """A column in one form."""

    known: Mask
    """Where the row has a value in this form."""

    @abstractmethod
    def test(self, op: str, bounds: Sequence[Any]) -> Mask:
        """Apply *op*; rows that are not known may come out either way."""

    @abstractmethod
    def floats(self) -> npt.NDArray[np.float64]:
        """Return each row's value as a float, to be drawn or summed up; NaN where there is none."""


class Ordered(View):
    """Values of one type, for which two questions answer all the others."""

    @abstractmethod
    def below(self, bound: Any) -> Mask:
        """Return where the value comes before *bound*."""

    @abstractmethod
    def one_of(self, bounds: Sequence[Any]) -> Mask:
        """Return where the value is any of *bounds*."""

    def test(self, op: str, bounds: Sequence[Any]) -> Mask:
        first, last = bounds[0], bounds[-1]
        match op:
            case "==" | "in":
                return self.one_of(bounds)
            case "!=" | "not_in":
                return ~self.one_of(bounds)
            case "<" | "before":
                return self.below(first)
            case ">=":
                return ~self.below(first)
            case "<=":
                return self.below(first) | self.one_of([first])
            case ">" | "after":
                return ~(self.below(first) | self.one_of([first]))
            case "between":
                return ~self.below(first) & (self.below(last) | self.one_of([last]))
        raise ValueError(f"{op} is no question to {type(self).__name__}")


class Either(View):
    """Values of several types, each row known in one view at most."""

    def __init__(self, *views: View) -> None:
        self._views = views
        self.known = reduce(np.logical_or, (view.known for view in views))

    def test(self, op: str, bounds: Sequence[Any]) -> Mask:
        return reduce(np.logical_or, (view.known & view.test(op, bounds) for view in self._views))

    def floats(self) -> npt.NDArray[np.float64]:
        made = np.full(len(self.known), np.nan)
        for view in self._views:
            made[view.known] = view.floats()[view.known]
        return made


class Coded(View):
    """Rows that repeat a few values: each value is compared once, the answers are handed out by code."""

    def __init__(self, values: View, codes: npt.NDArray[np.integer[Any]]) -> None:
        self._values = values
        self._codes = codes
        self.known = self._hand_out(values.known)

    def test(self, op: str, bounds: Sequence[Any]) -> Mask:
        return self._hand_out(self._values.test(op, bounds))

    def floats(self) -> npt.NDArray[np.float64]:
        return np.asarray(np.append(self._values.floats(), np.nan)[self._codes])

    def _hand_out(self, answers: Mask) -> Mask:
        # Code -1 is a null, and picks the appended False.
        handed_out: Mask = np.append(answers, False)[self._codes]
        return handed_out


# --- text


class Texts(Ordered):
    """Text, ordered by its UTF-8 bytes, as in SQLite."""

    def __init__(self, values: pa.Array) -> None:
        self._values = values
        self.known = bools(values.is_valid())

    def below(self, bound: str) -> Mask:
        return bools(pc.less(self._values, pa.scalar(bound, self._values.type)))

    def one_of(self, bounds: Sequence[str]) -> Mask:
        return bools(pc.is_in(self._values, pa.array(bounds, self._values.type)))

    def test(self, op: str, bounds: Sequence[str]) -> Mask:
        match op:
            case "contains":
                return bools(pc.match_substring(self._values, bounds[0]))
            case "starts_with":
                return bools(pc.starts_with(self._values, bounds[0]))
        return super().test(op, bounds)

    def floats(self) -> npt.NDArray[np.float64]:
        return np.full(len(self._values), np.nan)


# --- numbers


class Reals(Ordered):
    """Floats; NaN is not known."""

    def __init__(self, values: npt.NDArray[np.float64]) -> None:
        self._values = values
        self.known = ~np.isnan(values)

    def below(self, bound: int | float) -> Mask:
        near = float(bound)
        # No float lies between a whole number and the float nearest to it.
        return np.asarray(self._values <= near if near < bound else self._values < near)

    def one_of(self, bounds: Sequence[int | float]) -> Mask:
        exact = [float(bound) for bound in bounds if float(bound) == bound]
        return np.isin(self._values, np.array(exact, np.float64))

    def floats(self) -> npt.NDArray[np.float64]:
        return self._values


class Wholes(Ordered):
    """Whole numbers of at most 64 bits; true and false are 1 and 0."""

    def __init__(self, values: npt.NDArray[np.integer[Any]], known: Mask) -> None:
        self._values = values
        self.known = known

    def below(self, bound: int | float) -> Mask:
        return np.asarray(self._values < math.ceil(bound))

    def one_of(self, bounds: Sequence[int | float]) -> Mask:
        limits = np.iinfo(self._values.dtype)
        possible = [bound for bound in _whole(bounds) if limits.min <= bound <= limits.max]
        return np.isin(self._values, np.array(possible, self._values.dtype))

    def floats(self) -> npt.NDArray[np.float64]:
        return np.where(self.known, self._values.astype(np.float64), np.nan)


class Decimals(Ordered):
    """Whole numbers of up to 38 digits."""

    def __init__(self, values: pa.Array, known: Mask) -> None:
        self._values = values
        self.known = known

    def below(self, bound: int | float) -> Mask:
        return bools(pc.less(self._values, pa.scalar(Decimal(math.ceil(bound)), self._values.type)))

    def one_of(self, bounds: Sequence[int | float]) -> Mask:
        exact = [Decimal(bound) for bound in _whole(bounds)]
        return bools(pc.is_in(self._values, pa.array(exact, self._values.type)))

    def floats(self) -> npt.NDArray[np.float64]:
        return np.asarray(self._values.cast(pa.float64()).to_numpy(zero_copy_only=False))


def _whole(bounds: Sequence[int | float]) -> list[int]:
    return [int(bound) for bound in bounds if bound == int(bound)]


# --- text that is read as something else


def numbers_of_text(texts: pa.Array) -> View:
    """Read text as numbers; text that is no number (also inf, nan, 0x10 and 1,200) is unknown."""
    texts = pc.ascii_trim_whitespace(texts)
    is_whole = bools(pc.match_substring_regex(texts, WHOLE))
    is_real = bools(pc.match_substring_regex(texts, REAL)) & ~is_whole
    wholes = Decimals(_only(texts, is_whole).cast(pa.decimal128(38, 0)), is_whole)
    if not is_real.any():
        return wholes
    reals = _only(texts, is_real).cast(pa.float64())
    return Either(wholes, Reals(reals.to_numpy(zero_copy_only=False)))


def _only(texts: pa.Array, keep: Mask) -> pa.Array:
    return pc.if_else(pa.array(keep), texts, pa.scalar(None, texts.type))


def flags_of_text(texts: pa.Array) -> View:
    """Read words for yes and no as 1 and 0; other words are unknown."""
    words = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
    true, false = (bools(pc.is_in(words, pa.array(w, words.type))) for w in (TRUE_WORDS, FALSE_WORDS))
    return Wholes(true.astype(np.int8), true | false)
