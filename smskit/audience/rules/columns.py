"""
The columns of a frame, each read once and in the forms that comparisons ask for.

Owns what pandas and Arrow dtypes need to become a `TypedColumn`. What a
comparison means is for `fit`, comparing for `typed` and `moments`.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from smskit.audience.cells import (
    BLANKS,
    FALSE_WORDS,
    INVISIBLE,
    TRUE_WORDS,
    as_texts,
    filled,
    first_filled,
    plain_text,
    plain_texts,
    says_yes,
)
from smskit.audience.phones import redact
from smskit.audience.rules.comparison import DATES, LISTS, NULLS, PARTS, Comparison
from smskit.audience.rules.fit import BY_KIND, READERS, Kind, Reading, fit, is_number, kind_of, plain_dtype
from smskit.audience.rules.moments import moments_of_dates, moments_of_text, zone_of
from smskit.audience.rules.reads import SAMPLE, Whole, begins_with_zero, counts, nearly_of, reading_of
from smskit.audience.rules.typed import (
    Answer,
    Dictionary,
    Mask,
    Reals,
    Texts,
    TypedColumn,
    Wholes,
    flags_of_text,
    numbers_of_text,
)
from smskit.audience.rules.values import ISO, REAL, SEPARATORS, Bound, read_moment, read_number, show
from smskit.errors import RuleError, suggest
from smskit.i18n import Message

Floats: TypeAlias = npt.NDArray[np.float64]
# What SQLite's lower() does: letters beyond ASCII stay.
_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class Source:
    """
    The frame a rule is asked of; hands out its columns, each read once.

    Args:
        reads: How text columns read, by name, where the frame is part of a larger one.
    """

    def __init__(self, frame: pd.DataFrame, now: datetime, reads: Mapping[str, Whole] | None = None) -> None:
        zone_of(now)  # refused even if nothing asks for the time
        self.rows = len(frame)
        self._frame = frame
        self._now = now
        self._reads = dict(reads or {})
        self._columns: dict[str, Column] = {}

    def column(self, name: str, where: str) -> Column:
        if name not in self._columns:
            series = find_column(self._frame, name, where)
            self._columns[name] = Column(series, self._now, self._reads.get(name))
        return self._columns[name]

    def reads(self, names: Iterable[str]) -> dict[str, Whole]:
        """How those of these columns that are text read, for a `Source` of each part of this frame."""
        columns = {name: self.column(name, "rules") for name in names}
        return {name: column.whole for name, column in columns.items() if column.kind is Kind.TEXT}

    def answer(self, question: Comparison, where: str) -> Answer:
        """Answer *question*, whose place in the tree is *where*, for every row."""
        return self.column(question.column, where).judge(question, where)


def find_column(frame: pd.DataFrame, name: str, where: str) -> pd.Series[Any]:
    """Return the one column of that name; *where* is for errors only."""
    count = list(frame.columns).count(name)
    if count == 0:
        lacking = Message("{where}.column: the segment has no column `{name}`", where=where, name=name)
        raise RuleError(suggest(lacking, name, map(str, frame.columns)))
    if count > 1:
        raise RuleError(
            "{where}.column: the segment has {n} columns called `{name}`", where=where, n=count, name=name
        )
    return frame[name]


class Column:
    """One column; it is read in a form when first asked for it. *whole*: how all of it reads, if known."""

    def __init__(self, series: pd.Series[Any], now: datetime, whole: Whole | None = None) -> None:
        self._series = series
        self._now = now
        self._whole = whole
        self._read: dict[Reading, TypedColumn] = {}
        dtype = plain_dtype(series.dtype)
        self._kind = kind_of(dtype)
        if isinstance(series.dtype, pd.CategoricalDtype):
            self._values = pd.Series(series.cat.categories, dtype=dtype)
        else:
            self._values = series if dtype is series.dtype else series.astype(dtype)

    def judge(self, question: Comparison, where: str) -> Answer:
        """Answer *question* for every row."""
        if question.op in NULLS:
            return self._null if question.op == "is_null" else pc.invert(self._null)
        reading, bounds = self.fit(question, where)
        return self._typed(reading).test(question.op, bounds)

    def fit(self, question: Comparison, where: str) -> tuple[Reading, list[Bound]]:
        """Return how *question*, no null test, reads this column, and its values read the same way."""
        given = question.values[0]
        by_content = isinstance(given, str) or (is_number(given) and question.op != "within_days")
        asks_content = by_content and question.op not in (*PARTS, *DATES)
        reads = self.reads if asks_content and self._kind is Kind.TEXT else None
        if reads is Reading.TEXT and self.nearly is Reading.MOMENT and _are_moments(question):
            # Letter by letter 2026/1/9 would come after 2026-12-10. The others are unread cells.
            reads = Reading.MOMENT
        if reads is Reading.FLAG and self._asks_numbers(question):
            reads = Reading.NUMBER
        reading, bounds = fit(question, self._kind, self._values.dtype, where, reads)
        if self._whole is None:  # else it was asked of the whole
            for text, parts in lists_in(question, reading, bounds):
                demand_single(text, parts, self.present([text, *parts]), question.column, where)
        return reading, bounds

    def present(self, texts: Sequence[str]) -> list[bool]:
        """Whether any cell reads so, for each of *texts*."""
        found = pc.is_in(pa.array(texts, pa.large_string()), value_set=self._distinct)
        return [bool(each) for each in found.to_pylist()]

    @cached_property
    def _distinct(self) -> pa.Array:
        return plain_texts(self._text.unique().drop_null())

    def _asks_numbers(self, question: Comparison) -> bool:
        """Whether yes and no are 1 and 0 here, and *question* asks for numbers."""
        numbers = all(read_number(str(value)) is not None for value in question.values)
        return numbers and (counts(self) if self._whole is None else self._whole.counts)

    @cached_property
    def whole(self) -> Whole:
        """How this text column reads, for parts of it."""
        if self._whole is not None:
            return self._whole
        reads = self.reads or Reading.TEXT
        return Whole(reads, reads is Reading.FLAG and counts(self), self.nearly)

    @cached_property
    def reads(self) -> Reading | None:
        """How people would read it; None where only "is empty" can be asked. See `reads`."""
        if self._kind is not Kind.TEXT:
            return BY_KIND.get(self._kind)
        return reading_of(self.head, self) if self._whole is None else self._whole.reads

    @cached_property
    def nearly(self) -> Reading | None:
        """What a column that reads as text would read as, were a few cells else; None for most text."""
        if self._kind is not Kind.TEXT or self.reads is not Reading.TEXT:
            return None
        return nearly_of(self.head, self) if self._whole is None else self._whole.nearly

    @cached_property
    def head(self) -> Column:
        """Its first cells that are not empty; most text is plain text, which they show at little cost."""
        return Column(first_filled(self._series, SAMPLE), self._now)

    @property
    def count(self) -> int:
        """How many rows show anything."""
        return int(self._filled.true_count)

    @cached_property
    def named(self) -> bool:
        """Whether any cell is digits with a needless zero in front."""
        return begins_with_zero(self._text)

    def unread(self, reading: Reading, most: int = 3) -> tuple[int, list[str]]:
        """Return how many filled cells have no value when the column is read so, and the first few."""
        rows = np.flatnonzero(self.lost(reading))
        examples = as_texts(self._series.iloc[rows]).unique()[:most]
        return len(rows), list(map(str, examples))

    def lost(self, reading: Reading) -> Mask:
        """Return which rows are filled and have no value when the column is read so; one entry a row."""
        if self._kind is not Kind.TEXT or reading is Reading.TEXT:
            return np.zeros(len(self._series), np.bool_)
        lost = pc.and_(self._filled, pc.invert(self._typed(reading).valid()))
        return np.asarray(lost.to_numpy(zero_copy_only=False))

    def respelt(self, reading: Reading, most: int) -> tuple[dict[str, Bound | None], int]:
        """
        Return distinct cells that SQLite would misread, with what they are; and how many more.

        Only text read as numbers or dates has such cells. At most *most*, in order of first
        appearance; none that may be a phone.
        """
        if self._kind is not Kind.TEXT or reading not in (Reading.NUMBER, Reading.MOMENT):
            return {}, 0
        cells = self._text.unique().drop_null()
        odd = cells.filter(self._odd(cells, reading))
        some = [str(cell) for cell in odd[:most].to_pylist()]
        found = {cell: READERS[reading](cell) for cell in some}
        shown = {
            cell: value for cell, value in found.items() if isinstance(value, date) or redact(cell) == cell
        }
        return shown, len(odd) - len(shown)

    def stray(self) -> tuple[str, str]:
        """Return which invisible signs and which blanks, to be taken off the ends, occur in text."""
        if self._kind is not Kind.TEXT:
            return "", ""
        cells = self._text.unique().drop_null()
        odd = cells.filter(pc.not_equal(plain_texts(cells), cells))
        if not len(odd):
            return "", ""
        signs, blanks = (
            "".join(s for s in some if pc.any(pc.match_substring(odd, s)).as_py())
            for some in (INVISIBLE, BLANKS)
        )
        return signs, blanks

    def _odd(self, cells: pa.Array, reading: Reading) -> Answer:
        if reading is Reading.MOMENT:
            iso = pc.match_substring_regex(cells, ISO)
            # SQLite takes 46000 for a day, and `now` for this moment.
            looks_like_one = pc.match_substring_regex(cells, r"^(?i:\s*[-+]?[.0-9]|\s*now)")
            known = moments_of_text(cells, self._now).valid()
            return pc.and_(pc.invert(pc.and_(iso, known)), pc.or_(known, looks_like_one))
        plain = pc.match_substring_regex(pc.ascii_trim_whitespace(cells), REAL)
        return pc.and_(pc.invert(plain), numbers_of_text(cells).valid())

    def words(self) -> tuple[list[str], list[str]]:
        """Return the words for yes and for no, and what cells hold that is read as one of them."""
        if self._kind is not Kind.TEXT:
            return list(TRUE_WORDS), list(FALSE_WORDS)
        cells = self._text.unique().drop_null()
        said = says_yes(cells)
        found = []
        for known, which in ((TRUE_WORDS, said), (FALSE_WORDS, pc.invert(said))):
            written = cells.filter(pc.fill_null(which, False)).to_pylist()
            found.append(list(dict.fromkeys([*known, *(w.strip(" ").translate(_LOWER) for w in written)])))
        return found[0], found[1]

    @cached_property
    def _filled(self) -> Answer:
        """Whether each row shows anything."""
        found = filled(self._text)
        return found if self._codes is None else pc.fill_null(found.take(self._codes), False)

    @property
    def series(self) -> pd.Series[Any]:
        """The cells as they are in the frame."""
        return self._series

    @property
    def dtype(self) -> Any:
        """The frame's own type of it."""
        return self._series.dtype

    @property
    def kind(self) -> Kind:
        """What it holds, by its dtype."""
        return self._kind

    def readable(self, reading: Reading) -> int:
        """Return how many rows have a value when the column is read so; what was read is kept."""
        return self._typed(reading).known()

    def floats(self, reading: Reading) -> Floats:
        """Return the column read as numbers or, dates, as microseconds since 1970 UTC; NaN where unknown."""
        return self._typed(reading).floats()

    @property
    def blanks(self) -> int:
        """How many cells hold a text that shows nothing; they are empty all the same."""
        return len(self._series) - self.count - int(self._series.isna().sum()) if self.is_text else 0

    @property
    def is_text(self) -> bool:
        """Whether it holds text."""
        return self._kind is Kind.TEXT

    @cached_property
    def _null(self) -> Answer:
        if self.is_text:
            return pc.invert(self._filled)
        if self._series.dtype.kind == "f" and isinstance(reals := self._typed(Reading.NUMBER), Reals):
            return reals.is_null()  # pandas does not count NaN inside an Arrow column
        return pa.array(self._series.isna().to_numpy(np.bool_))

    def _typed(self, reading: Reading) -> TypedColumn:
        if reading not in self._read:
            typed = self._read_text(reading) if self._kind is Kind.TEXT else self._read_typed(reading)
            self._read[reading] = typed if self._codes is None else Dictionary(typed, self._codes)
        return self._read[reading]

    def _read_text(self, reading: Reading) -> TypedColumn:
        match reading:
            case Reading.TEXT:
                plain = plain_texts(self._text)
                return Texts(pc.if_else(pc.equal(plain, ""), pa.scalar(None, plain.type), plain))
            case Reading.NUMBER:
                return numbers_of_text(self._text)
            case Reading.FLAG:
                return flags_of_text(self._text)
            case Reading.MOMENT:
                return moments_of_text(self._text, self._now)

    def _read_typed(self, reading: Reading) -> TypedColumn:
        match reading:
            case Reading.TEXT:
                return Texts(self._text)
            case Reading.NUMBER | Reading.FLAG:
                return self._read_numbers()
            case Reading.MOMENT:
                return moments_of_dates(_arrow(self._values), self._now)

    def _read_numbers(self) -> TypedColumn:
        values, kind = self._values, self._values.dtype.kind
        if kind == "O":  # Arrow decimals
            bare = pc.replace_substring_regex(self._text, pattern=r"\.0+$", replacement="")
            return numbers_of_text(bare)
        if kind == "f" and getattr(values.dtype, "itemsize", 8) < 8:
            # 20.9 of fewer bits is 20.9, as a message says it, and not 20.899999618530273.
            texts = _arrow(values).cast(pa.large_string())
            return Reals(np.asarray(texts.cast(pa.float64()).to_numpy(zero_copy_only=False)))
        if kind == "f":
            return Reals(values.to_numpy(dtype=np.float64, na_value=np.nan))
        exact = {"i": pa.int64(), "u": pa.uint64(), "b": pa.int8()}[kind]
        return Wholes(_arrow(values).cast(exact))

    @cached_property
    def _text(self) -> pa.Array:
        """The cells, or, where there are `_codes`, what they repeat."""
        return _as_text(self._values) if self._encoded is None else self._encoded.dictionary

    @cached_property
    def _codes(self) -> pa.Array | None:
        """Each row's place among the few values that the cells repeat, null where it is empty."""
        if isinstance(self._series.dtype, pd.CategoricalDtype):
            codes = self._series.cat.codes.to_numpy()
            return pa.array(codes, mask=codes < 0)
        return None if self._encoded is None else self._encoded.indices

    @cached_property
    def _encoded(self) -> pa.DictionaryArray | None:
        """The texts with each value once, where the first ones promise that they repeat a few."""
        if self._kind is not Kind.TEXT or len(self._values) <= SAMPLE:
            return None
        few = self._values.head(SAMPLE).nunique() <= SAMPLE // 10
        return _as_text(self._values).dictionary_encode() if few else None


def lists_in(question: Comparison, reading: Reading, bounds: Iterable[Bound]) -> list[tuple[str, list[str]]]:
    """Texts that *question* compares whole cells with and that may be lists, 上海|北京, and their parts."""
    if reading is not Reading.TEXT or question.op not in ("==", "!=", *LISTS):
        return []
    found = []
    for text in bounds:
        parts = [part for each in SEPARATORS.split(str(text)) if (part := plain_text(each))]
        if len(parts) > 1 and isinstance(text, str):
            found.append((text, parts))
    return found


def demand_single(text: str, parts: Sequence[str], present: Sequence[bool], name: str, where: str) -> None:
    """
    Refuse a text that is no cell's and seems to be a list of cells.

    Args:
        present: Whether any cell is *text*, and whether any is each of *parts*.

    Raises:
        RuleError: names one of the parts.
    """
    if any(present) and not present[0]:
        raise RuleError(
            "{where}.value: no cell of `{name}` reads {value}, and some read {part}; several "
            "values are a list, each for itself",
            where=where,
            name=name,
            value=show(text),
            part=show(parts[list(present).index(True) - 1]),
        )


def _are_moments(question: Comparison) -> bool:
    return all(read_moment(str(value)) is not None for value in question.values)


def cell_texts(cells: pd.Series[Any]) -> pa.Array | None:
    """Return a text column as it stands in the segment, null where empty; None where it holds no text."""
    dtype = plain_dtype(cells.dtype)
    return _as_text(cells.astype(dtype)) if kind_of(dtype) is Kind.TEXT else None


def _as_text(values: pd.Series[Any]) -> pa.Array:
    if values.dtype == np.dtype(object):
        values = as_texts(values)  # keeps nulls; a partition may hold fewer types than the whole
    return _arrow(values).cast(pa.large_string())


def _arrow(values: pd.Series[Any]) -> pa.Array:
    array = pa.array(values, from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
