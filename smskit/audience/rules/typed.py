"""
A column in one form to compare: text, numbers, or words for yes and no.

An answer is an Arrow boolean array, one entry a row, null where the row has no value in that form; such
answers are joined by Kleene logic (`tree`). Numbers are compared exactly: a large whole number never
passes through a float. Dates are in `moments`; which form a column gets is for `columns`.
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

from smskit.audience.cells import says_yes, words
from smskit.audience.rules.values import NO_DIGITS, NUMBER_SIGNS, REAL, WHOLE, WRITTEN

Mask: TypeAlias = npt.NDArray[np.bool_]
Answer: TypeAlias = Any  # pa.BooleanArray; pyarrow ships no types


def yes(answer: Answer) -> Mask:
    """Where *answer* is true; unknown is not."""
    values: Mask = pc.fill_null(answer, False).to_numpy(zero_copy_only=False)
    return values


def everywhere(rows: int, answer: bool = True) -> Answer:
    """The same answer for each of *rows* rows."""
    return pa.repeat(pa.scalar(answer), rows)


# --- what a typed column is


class TypedColumn(ABC):
    """A column in one form."""

    @abstractmethod
    def test(self, op: str, bounds: Sequence[Any]) -> Answer:
        """Ask *op* of every row; unknown where it has no value in this form."""

    @abstractmethod
    def valid(self) -> Answer:
        """Whether the row has a value in this form; never null."""

    def known(self) -> int:
        """How many rows have a value in this form."""
        return int(self.valid().true_count)

    @abstractmethod
    def floats(self) -> npt.NDArray[np.float64]:
        """Each row's value as a float, to be drawn or summed up; NaN where there is none."""


class Ordered(TypedColumn):
    """
    Values of one type, for which two questions answer all the others.

    Args:
        values: One entry a row, null where it is unknown.
    """

    def __init__(self, values: pa.Array) -> None:
        self._values = values

    @abstractmethod
    def below(self, bound: Any) -> Answer:
        """Whether the value comes before *bound*."""

    @abstractmethod
    def one_of(self, bounds: Sequence[Any]) -> Answer:
        """Whether the value is any of *bounds*."""

    def test(self, op: str, bounds: Sequence[Any]) -> Answer:
        first, last = bounds[0], bounds[-1]
        match op:
            case "==" | "in":
                return self.one_of(bounds)
            case "!=" | "not_in":
                return pc.invert(self.one_of(bounds))
            case "<" | "before":
                return self.below(first)
            case ">=":
                return pc.invert(self.below(first))
            case "<=":
                return self._up_to(first)
            case ">" | "after":
                return pc.invert(self._up_to(first))
            case "between":
                return pc.and_(pc.invert(self.below(first)), self._up_to(last))
        raise ValueError(f"{op} is no question to {type(self).__name__}")

    def valid(self) -> Answer:
        return self._values.is_valid()

    def floats(self) -> npt.NDArray[np.float64]:
        return _floats(self._values.cast(pa.float64(), safe=False))  # as near as a float comes

    def is_null(self) -> Answer:
        """Whether the row has no value in this form."""
        return self._values.is_null()

    def _up_to(self, bound: Any) -> Answer:
        return pc.or_(self.below(bound), self.one_of([bound]))

    def _is_in(self, bounds: Sequence[Any]) -> Answer:
        found = pc.is_in(self._values, pa.array(bounds, self._values.type))
        # Which says no, not unknown, of a null.
        return _only(found, self._values.is_valid()) if self._values.null_count else found


class Either(TypedColumn):
    """Values of several types, each row known in one of the columns at most."""

    def __init__(self, *columns: TypedColumn) -> None:
        self._columns = columns

    def test(self, op: str, bounds: Sequence[Any]) -> Answer:
        return pc.coalesce(*(column.test(op, bounds) for column in self._columns))

    def valid(self) -> Answer:
        return reduce(pc.or_, (column.valid() for column in self._columns))

    def floats(self) -> npt.NDArray[np.float64]:
        return reduce(lambda a, b: np.where(np.isnan(a), b, a), (c.floats() for c in self._columns))


class Dictionary(TypedColumn):
    """
    Rows that repeat a few values: each value is compared once, the answers are handed out by code.

    Args:
        values: The *m* distinct values.
        codes: Place among them, one entry a row; null where the row is.
    """

    def __init__(self, values: TypedColumn, codes: pa.Array) -> None:
        self._values = values
        self._codes = codes

    def test(self, op: str, bounds: Sequence[Any]) -> Answer:
        return self._values.test(op, bounds).take(self._codes)

    def valid(self) -> Answer:
        return pc.fill_null(self._values.valid().take(self._codes), False)

    def floats(self) -> npt.NDArray[np.float64]:
        return _floats(pa.array(self._values.floats(), from_pandas=True).take(self._codes))


def _floats(values: pa.Array) -> npt.NDArray[np.float64]:
    return np.asarray(values.to_numpy(zero_copy_only=False))  # a null becomes NaN


# --- text


class Texts(Ordered):
    """Text, ordered by its UTF-8 bytes, as in SQLite."""

    def below(self, bound: str) -> Answer:
        return pc.less(self._values, pa.scalar(bound, self._values.type))

    def one_of(self, bounds: Sequence[str]) -> Answer:
        return self._is_in(bounds)

    def test(self, op: str, bounds: Sequence[str]) -> Answer:
        match op:
            case "contains":
                return pc.match_substring(self._values, bounds[0])
            case "starts_with":
                return pc.starts_with(self._values, bounds[0])
        return super().test(op, bounds)

    def floats(self) -> npt.NDArray[np.float64]:
        return np.full(len(self._values), np.nan)


# --- numbers


class Reals(Ordered):
    """Floats; NaN is not known."""

    def __init__(self, values: npt.NDArray[np.float64]) -> None:
        super().__init__(pa.array(values, pa.float64(), from_pandas=True))

    def below(self, bound: int | float) -> Answer:
        near = float(bound)
        # No float lies between a whole number and the float nearest to it.
        return pc.less_equal(self._values, near) if near < bound else pc.less(self._values, near)

    def one_of(self, bounds: Sequence[int | float]) -> Answer:
        exact = [float(bound) for bound in bounds if float(bound) == bound]
        # They are found by their bits, in which the two zeros differ.
        return self._is_in([*exact, 0.0, -0.0] if 0.0 in exact else exact)


class Wholes(Ordered):
    """Whole numbers of at most 64 bits; true and false are 1 and 0."""

    def below(self, bound: int | float) -> Answer:
        least = math.ceil(bound)
        limits = np.iinfo(self._values.type.to_pandas_dtype())
        if limits.min < least <= limits.max:
            return pc.less(self._values, pa.scalar(least, self._values.type))
        return _only(everywhere(len(self._values), least > limits.max), self._values.is_valid())

    def one_of(self, bounds: Sequence[int | float]) -> Answer:
        limits = np.iinfo(self._values.type.to_pandas_dtype())
        return self._is_in([bound for bound in _whole(bounds) if limits.min <= bound <= limits.max])


class Decimals(Ordered):
    """Whole numbers of up to 38 digits."""

    def below(self, bound: int | float) -> Answer:
        return pc.less(self._values, pa.scalar(Decimal(math.ceil(bound)), self._values.type))

    def one_of(self, bounds: Sequence[int | float]) -> Answer:
        return self._is_in([Decimal(bound) for bound in _whole(bounds)])


def _whole(bounds: Sequence[int | float]) -> list[int]:
    return [int(bound) for bound in bounds if bound == int(bound)]


# --- text that is read as something else


def numbers_of_text(texts: pa.Array) -> TypedColumn:
    """Read text as numbers, in any usual writing; text that is no number (also inf, 0x10, 1,2) is unknown."""
    texts = pc.ascii_trim_whitespace(texts)
    if not pc.all(pc.match_substring_regex(texts, REAL)).as_py():
        texts = _plain_numbers(texts)
    is_whole = pc.match_substring_regex(texts, WHOLE)
    is_real = pc.and_(pc.match_substring_regex(texts, REAL), pc.invert(is_whole))
    wholes = Decimals(_only(texts, is_whole).cast(pa.decimal128(38, 0)))
    if not pc.any(is_real).as_py():
        return wholes
    return Either(wholes, Reals(_floats(_only(texts, is_real).cast(pa.float64()))))


def _plain_numbers(texts: pa.Array) -> pa.Array:
    """Write ¥1,299.00, 500元, １０００ and 15% as 1299.00, 500, 1000 and 15e-2; other text stays."""
    odd = pc.invert(pc.match_substring_regex(texts, REAL))
    odd = pc.fill_null(pc.and_(odd, pc.match_substring_regex(texts, NUMBER_SIGNS)), False)
    if not pc.any(odd).as_py():
        return texts
    plain = words(texts.filter(odd))
    bare = pc.replace_substring_regex(plain, pattern=NO_DIGITS, replacement="")
    bare = pc.replace_substring(bare, pattern="%", replacement="e-2")
    plain = pc.if_else(pc.match_substring_regex(plain, WRITTEN), bare, plain)
    return pc.replace_with_mask(texts, odd, plain)


def flags_of_text(texts: pa.Array) -> TypedColumn:
    """Read words for yes and no as 1 and 0; other words are unknown."""
    return Wholes(says_yes(texts).cast(pa.int8()))


def _only(values: pa.Array, keep: pa.Array) -> pa.Array:
    """*values* where *keep* is true, else null."""
    return pc.if_else(keep, values, pa.scalar(None, values.type))
