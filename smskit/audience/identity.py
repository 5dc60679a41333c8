"""
Which user ids name somebody: not those that say nothing, nor those a spreadsheet has rounded.

Two rows with the same id are one person, so an id that many strangers share would leave all but one of
them out. Where an id names nobody, the phone is the person.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.audience.cells import words
from smskit.audience.noticed import Noticed
from smskit.audience.phones import EMPTY_WORDS, hide_column
from smskit.audience.searching import found_in
from smskit.i18n import mark

__all__ = ["UserIds", "known_ids", "names_nobody"]

# fmt: off
_NOTHING: Final = [
    *EMPTY_WORDS, "nil", "undefined", "unknown", "未知", "不详", "没有", "未填", "未填写", "匿名", "游客",
    "(null)", "[null]", "<null>", "anonymous", "guest",
    "#null!", "#ref!", "#value!", "#name?", "#div/0!", "#num!",
]
# fmt: on
_SLICE: Final = 65_536  # ids of which there are copies at once
_LONGEST_WORD: Final = 16  # characters; with room for full-width blanks and the like
# Dashes, question marks, zeros: nothing that tells people apart.
_NO_LETTER: Final = r"^[\p{P}\p{Sm}\p{Sk}\p{Z}0]*$"
_COUNTS: Final = "123456789"  # in none of these, and in most ids
# Large numbers as spreadsheets and Java write them: one digit, what they show of the others, the power of
# ten. 1E+16, 2.02611E+16, 2.02611E16; 1E5 is an id of its own.
_SCIENTIFIC: Final = (
    r"^-?[0-9](?P<shown>)[eE]\+(?P<power>[0-9]{2,3})$",
    r"^-?[0-9]\.(?P<shown>[0-9]+)[eE]\+?(?P<power>[0-9]{1,3})$",
)
_POWER: Final = r"[0-9][eE]\+?[0-9]"  # in each of these, and in no number
_LONG: Final = 16  # digits, of which spreadsheets keep 15
_DIGITS: Final = "^[0-9]+$"
_ROUNDED_TAIL: Final = r"^[0-9]{15}0+$"
# Type -> up to where its whole numbers are exact; for all other floats that is 2^53.
_EXACT: Final = {"float16": 2.0**11, "float32": 2.0**24, "float[pyarrow]": 2.0**24}
_EXAMPLES: Final = 4
_NOBODY: Final = mark("{n} rows have a user id that names nobody ({examples}): there the phone is the person")
_LOST: Final = mark(
    "{n} user ids have lost digits in a spreadsheet or a float ({examples}): there the phone is "
    "the person. Take the ids from their source as text"
)
_DOUBTFUL: Final = mark(
    "{n} user ids have 16 digits or more and end in zeros ({examples}): a spreadsheet keeps 15 "
    "digits, so different people may have the same id. Take the ids from their source as text"
)


class UserIds(NamedTuple):
    """The user ids of n rows, and what to know about them."""

    ids: pa.Array  # n texts; null = names nobody
    noticed: Sequence[Noticed]


def known_ids(column: pd.Series, texts: pa.Array) -> UserIds:
    """
    The ids of a user id column that name somebody.

    Args:
        column: n cells as they were read, whose type tells whether digits are lost.
        texts: The same n cells as a message would show them; null = missing.
    """
    slices = (texts.slice(first, _SLICE) for first in range(0, max(len(texts), 1), _SLICE))
    nothing = np.concatenate([_says_nothing(some) for some in slices])
    lost = _lost_digits(column, texts)
    tail, numbers = _rounded_tails(texts)
    noticed = [
        Noticed(words, int(rows.sum()), _examples(texts, rows), most=_EXAMPLES, among=among)
        for words, rows, among in (
            (_NOBODY, nothing, 0),
            (_LOST, lost, 0),
            (_DOUBTFUL, tail & ~lost, numbers),
        )
    ]
    nobody = nothing | lost
    ids = pc.if_else(pa.array(nobody), pa.scalar(None, texts.type), texts) if nobody.any() else texts
    return UserIds(ids, noticed)


def names_nobody(text: str) -> bool:
    """Whether *text* is what people and programs write where there is no id, as 无 is."""
    return not text.strip() or bool(_says_nothing(pa.array([text.strip()], pa.large_string()))[0])


def _says_nothing(texts: pa.Array) -> NDArray[np.bool_]:
    found = np.zeros(len(texts), np.bool_)
    # Most ids end in such a digit, which is seen sooner than whether they hold one.
    ends = pc.less(pc.binary_length(pc.ascii_rtrim(texts, _COUNTS)), pc.binary_length(texts))
    short = _mask(pc.less_equal(pc.utf8_length(texts), _LONGEST_WORD))
    rows = np.flatnonzero(short & ~_mask(ends))
    some = texts.take(pa.array(rows))
    none = ~_mask(pc.match_substring_regex(some, f"[{_COUNTS}]"))
    rows, some = rows[none], words(some.filter(pa.array(none)))
    no_word = pc.is_in(some, pa.array(_NOTHING, some.type))
    found[rows] = _mask(pc.or_(no_word, pc.match_substring_regex(some, _NO_LETTER)))
    return found


def _lost_digits(column: pd.Series, texts: pa.Array) -> NDArray[np.bool_]:
    lost = _beyond_exact(column)
    powers = np.flatnonzero(found_in(texts, _POWER))
    some = texts.take(pa.array(powers))
    for pattern in _SCIENTIFIC:
        scientific = _mask(pc.match_substring_regex(some, pattern))
        rows = powers[scientific]
        if len(rows):
            parts = pc.extract_regex(some.filter(pa.array(scientific)), pattern)
            shown = pc.utf8_length(pc.struct_field(parts, "shown"))
            lost[rows] |= _mask(pc.less(shown, pc.struct_field(parts, "power").cast(pa.int32())))
    return lost


def _beyond_exact(column: pd.Series) -> NDArray[np.bool_]:
    """Which cells are floats so large that different whole numbers give the same one."""
    if pd.api.types.is_float_dtype(column.dtype):
        numbers = column.to_numpy(np.float64, na_value=np.nan)
        return np.asarray(np.abs(numbers) >= _EXACT.get(str(column.dtype).lower(), 2.0**53))
    if column.dtype == object:
        cells = column.to_numpy()
        large = (isinstance(cell, float) and abs(cell) >= 2.0**53 for cell in cells)
        return np.fromiter(large, np.bool_, len(cells))
    return np.zeros(len(column), np.bool_)


def _rounded_tails(texts: pa.Array) -> tuple[NDArray[np.bool_], int]:
    """Ids of 16 digits and more that end in zeros (n entries), and how many there are of that length."""
    found = np.zeros(len(texts), np.bool_)
    long = np.flatnonzero(_mask(pc.greater_equal(pc.utf8_length(texts), _LONG)))
    some = texts.take(pa.array(long))
    numbers, rounded = (_mask(pc.match_substring_regex(some, shape)) for shape in (_DIGITS, _ROUNDED_TAIL))
    found[long] = rounded
    return found, int(numbers.sum())


def _mask(found: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(found, False).to_numpy(zero_copy_only=False))


def _examples(texts: pa.Array, rows: NDArray[np.bool_]) -> tuple[str, ...]:
    """The first different ones of the texts at *rows* (n entries), phones masked."""
    some = texts.take(pa.array(np.flatnonzero(rows))).unique()[:_EXAMPLES]
    return tuple(f"`{text}`" for text in hide_column(some).to_pylist())
