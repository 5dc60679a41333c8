"""
Two segments side by side: who is in one, the other or both, and how the two differ.

People are compared by 64-bit keys and phones as numbers, so that a million
rows are two sorts. Which rows to message is for others.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc

from smskit.audience import persons, phones
from smskit.audience.explore.counting import ByValue
from smskit.audience.paging import arrow_of, text_of
from smskit.audience.rules.typed import Mask
from smskit.errors import InputError, suggest
from smskit.i18n import Message

__all__ = ["Comparison", "Sides", "compare"]

_MOST_VALUES: Final = 50  # a column with more distinct values is compared as a number or not at all
_LINES: Final = 40


class Sides(NamedTuple):
    """The two segments by one key; people or phones that are there twice count once."""

    only_a: int
    both: int
    only_b: int
    in_b: Mask  # per row of A: whether B has its key; rows without a key are in neither
    in_a: Mask  # per row of B, likewise
    without_a: int  # rows of A without a key
    without_b: int

    def __repr__(self) -> str:
        return f"Sides(only_a={self.only_a}, both={self.both}, only_b={self.only_b})"


class Comparison(NamedTuple):
    """Two segments, compared."""

    persons: Sides | None  # None: no column names the person
    phones: Sides | None  # None: no column of phones
    shares: pd.DataFrame  # column, value, share_a, share_b, difference; the largest difference first

    def table(self) -> pd.DataFrame:
        """One row a key: by, only_a, both, only_b."""
        sides = {"person": self.persons, "phone": self.phones}
        rows = [(by, s.only_a, s.both, s.only_b) for by, s in sides.items() if s]
        return pd.DataFrame(rows, columns=["by", "only_a", "both", "only_b"])


def compare(a: pd.DataFrame, b: pd.DataFrame, *, user_id: str, phone: str) -> Comparison:
    """
    Compare two segments by person and by phone, and the columns both have by their values' shares.

    Args:
        user_id: The column naming the person, in both; "" compares by phone alone.
        phone: The column of phones, in both; "" compares by person alone.

    Raises:
        InputError: a segment has neither column.
    """
    by_person = _sides(_person_keys(a, user_id), _person_keys(b, user_id)) if _has(user_id, a, b) else None
    by_phone = _sides(_phone_keys(a, phone), _phone_keys(b, phone)) if _has(phone, a, b) else None
    if by_person is None and by_phone is None:
        wanted = [name for name in (user_id, phone) if name]
        lacking = next((f for f in (a, b) if not set(wanted) & set(f.columns)), b)
        problem = Message(
            "the two segments share neither column `{name}` nor `{phone}`, so people cannot be compared",
            name=user_id,
            phone=phone,
        )
        known = list(map(str, lacking.columns))
        raise InputError(suggest(problem, wanted[0], known) if wanted else problem)
    return Comparison(by_person, by_phone, _shares(a, b, {user_id, phone}))


def _has(name: str, *frames: pd.DataFrame) -> bool:
    return bool(name) and all(name in frame.columns for frame in frames)


Keys = npt.NDArray[np.uint64]


def _person_keys(frame: pd.DataFrame, column: str) -> tuple[Keys, Mask]:
    texts = pc.utf8_trim_whitespace(text_of(arrow_of(frame[column])))
    texts = pc.fill_null(texts, "")
    known = pc.not_equal(texts, "").to_numpy(zero_copy_only=False)
    return persons.keys(texts), known


def _phone_keys(frame: pd.DataFrame, column: str) -> tuple[Keys, Mask]:
    e164 = phones.normalise(frame[column]).e164
    return e164.astype(np.uint64), e164 > 0


def _sides(a: tuple[Keys, Mask], b: tuple[Keys, Mask]) -> Sides:
    (keys_a, known_a), (keys_b, known_b) = a, b
    distinct_a, distinct_b = persons.distinct(keys_a[known_a]), persons.distinct(keys_b[known_b])
    both = np.intersect1d(distinct_a, distinct_b, assume_unique=True)
    return Sides(
        only_a=len(distinct_a) - len(both),
        both=len(both),
        only_b=len(distinct_b) - len(both),
        in_b=np.isin(keys_a, both) & known_a,
        in_a=np.isin(keys_b, both) & known_b,
        without_a=int(np.count_nonzero(~known_a)),
        without_b=int(np.count_nonzero(~known_b)),
    )


# --- where they differ


def _shares(a: pd.DataFrame, b: pd.DataFrame, apart: set[str]) -> pd.DataFrame:
    """Each value's share of rows in A and in B, in percent; missing values are a value."""
    parts = [
        _share(a[name], b[name]) for name in map(str, a.columns) if name in b.columns and name not in apart
    ]
    parts = [part for part in parts if part is not None and len(part)]
    empty = pd.DataFrame(columns=["column", "value", "share_a", "share_b", "difference"])
    if not parts:
        return empty
    made = pd.concat(parts, ignore_index=True)
    order = made["difference"].abs().sort_values(ascending=False, kind="stable").index
    return made.loc[order].head(_LINES).reset_index(drop=True)


def _share(a: pd.Series[Any], b: pd.Series[Any]) -> pd.DataFrame | None:
    counts_a, counts_b = _counts(a), _counts(b)
    values = counts_a.index.union(counts_b.index, sort=False)
    if len(values) > _MOST_VALUES:
        return None
    share_a = counts_a.reindex(values, fill_value=0) / max(len(a), 1) * 100
    share_b = counts_b.reindex(values, fill_value=0) / max(len(b), 1) * 100
    return pd.DataFrame(
        {
            "column": str(a.name),
            "value": [phones.redact(str(value)) for value in values],
            "share_a": share_a.to_numpy(),
            "share_b": share_b.to_numpy(),
            "difference": (share_a - share_b).to_numpy(),
        }
    )


def _counts(cells: pd.Series[Any]) -> pd.Series[int]:
    """Rows by the text of their value; those without one, or with an empty one, are at ""."""
    found = ByValue(cells)
    rows = dict(zip(found.texts(np.arange(len(found))), found.counts().tolist(), strict=True))
    if found.nulls:
        rows[""] = rows.get("", 0) + found.nulls
    return pd.Series(list(rows.values()), index=pd.Index(list(rows), dtype=object), dtype="int64")
