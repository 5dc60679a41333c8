"""
What a segment holds: for each column how it reads, what is missing, how many values; and who can be reached.

Values that may be phones are masked here already. Drawing is for `charts`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from smskit.audience import persons, phones
from smskit.audience.cells import MISSING_WORDS, plain_texts
from smskit.audience.explore.counting import ByValue
from smskit.audience.explore.operators import offered_ops
from smskit.audience.roles import phone_like
from smskit.audience.rules import RuleCache
from smskit.audience.rules.fit import Reading
from smskit.audience.rules.typed import Mask
from smskit.models import Reason

__all__ = [
    "ColumnProfile",
    "Distribution",
    "Profile",
    "Span",
    "by_calendar",
    "by_size",
    "coverage",
    "distribution",
    "profile_of",
]

_MIDNIGHT: Final = re.compile(r" 00:00:00(\.0+)?\Z")
_TOP: Final = 200  # values kept to be suggested
_BARS: Final = 12
_BINS: Final = 30
_MOST_BARS: Final = 40  # of whole numbers, days, weeks ...
_CALENDAR: Final = {"day": "D", "week": "W", "month": "M", "year": "Y"}  # and numpy's name of each


class ColumnProfile(NamedTuple):
    """One column."""

    name: str
    dtype: str
    reading: Reading | None  # how people would read it
    ops: tuple[str, ...]  # operators that suit it
    rows: int
    nulls: int
    missing: tuple[tuple[str, int], ...]  # text a message takes for no value, such as NULL, and its rows
    distinct: int  # values, without null
    unread: int  # values that are not what the others are, such as words among numbers
    low: str  # smallest and largest value; "" for text
    high: str
    top: tuple[tuple[str, int], ...]  # most frequent values and their rows; none for phones and ids
    is_phone: bool

    @property
    def suggests(self) -> tuple[str, ...]:
        """Values to choose from."""
        return tuple(value for value, _ in self.top)


class Profile(NamedTuple):
    """A segment at a glance."""

    rows: int
    columns: dict[str, ColumnProfile]
    coverage: dict[str, int]  # rows by what their phone is; empty without phone column
    phone_like: tuple[str, ...]  # columns that hold phones in most rows
    e164: npt.NDArray[np.int64]  # the phone of each row, 0 for none; nothing without phone column

    def __repr__(self) -> str:
        return f"Profile({self.rows} rows, {len(self.columns)} columns)"

    def reached(self, keep: Mask) -> int:
        """How many different valid phones the kept rows have."""
        return len(persons.distinct(self.e164[keep & (self.e164 > 0)])) if len(self.e164) else 0

    def table(self) -> pd.DataFrame:
        """One row a column: name, kind, empty, distinct, lowest, highest, most frequent."""
        return pd.DataFrame(
            [
                {
                    "column": c.name,
                    "kind": "phone" if c.is_phone else c.reading.name.lower() if c.reading else "other",
                    "dtype": c.dtype,
                    "empty": c.nulls,
                    "empty_share": c.nulls / c.rows if c.rows else 0.0,
                    "distinct": c.distinct,
                    "unread": c.unread,
                    "lowest": c.low,
                    "highest": c.high,
                    "frequent": ", ".join(f"{value} ({n:,})" for value, n in c.top[:3]),
                }
                for c in self.columns.values()
            ]
        )


def profile_of(frame: pd.DataFrame, cache: RuleCache, *, phone: str, user_id: str = "") -> Profile:
    """
    The profile of every column of a segment, from all its rows.

    Args:
        cache: Of the same frame; the readings it makes stay with it.
        phone: The column of phone numbers, which may be missing.
        user_id: The column naming people, likewise.
    """
    like = phone_like(frame)
    columns = {}
    for name in map(str, frame.columns):
        is_phone = name == phone or name in like
        columns[name] = _column(frame[name], cache, is_phone=is_phone, is_id=name == user_id)
    read = phones.normalise(frame[phone]) if phone in frame.columns else None
    e164 = np.zeros(0, np.int64) if read is None else read.e164
    return Profile(len(frame), columns, coverage(read), like, e164)


def coverage(read: phones.Phones | None) -> dict[str, int]:
    """
    Rows by what their phone is: valid, duplicate_phone, no_phone, bad_phone, unsupported_region.

    Of several rows with one phone the first counts as valid. Empty without phones.
    """
    if read is None:
        return {}
    good = int(np.count_nonzero(read.e164))
    distinct = len(persons.distinct(read.e164[read.e164 > 0]))
    wrong = (Reason.NO_PHONE, Reason.BAD_PHONE, Reason.UNSUPPORTED_REGION)
    return {
        "valid": distinct,
        Reason.DUPLICATE_PHONE.label: good - distinct,
        **{reason.label: int(np.count_nonzero(read.reason == reason)) for reason in wrong},
    }


def _column(cells: pd.Series[Any], cache: RuleCache, *, is_phone: bool, is_id: bool) -> ColumnProfile:
    name, found = str(cells.name), ByValue(cells)
    column = cache.column(name, "rules")
    reading = Reading.TEXT if is_phone or is_id else column.reads
    reads = reading not in (None, Reading.TEXT)
    low, high = _ends(column.floats(reading), reading, cache.now.tzinfo) if reading and reads else ("", "")
    hidden = is_phone or (is_id and len(found) > _BARS)
    return ColumnProfile(
        name=name,
        dtype=str(cells.dtype),
        reading=reading,
        ops=offered_ops(column.kind, reading),
        rows=len(cells),
        nulls=found.nulls,
        missing=_missing(found),
        distinct=len(found),
        unread=column.unread(reading)[0] if reading and reads else 0,
        low=low,
        high=high,
        top=() if hidden else _frequent(found),
        is_phone=is_phone,
    )


def _missing(found: ByValue) -> tuple[tuple[str, int], ...]:
    if not pa.types.is_large_string(found.values.type) and not pa.types.is_string(found.values.type):
        return ()
    plain = plain_texts(found.values)
    known = np.asarray(pc.is_in(plain, pa.array(MISSING_WORDS, plain.type)))
    places = np.flatnonzero(known)
    return tuple(zip(found.texts(places), found.counts()[places].tolist(), strict=True))


def _ends(numbers: npt.NDArray[np.float64], reading: Reading, zone: tzinfo | None) -> tuple[str, str]:
    known = numbers[~np.isnan(numbers)]
    if not len(known) or reading is Reading.FLAG:
        return "", ""
    ends = float(known.min()), float(known.max())
    if reading is Reading.MOMENT:
        low, high = (datetime.fromtimestamp(end / 1e6, UTC).astimezone(zone).date() for end in ends)
        return low.isoformat(), high.isoformat()
    return f"{ends[0]:.15g}", f"{ends[1]:.15g}"


def _frequent(found: ByValue) -> tuple[tuple[str, int], ...]:
    some = found.most_frequent(_TOP)
    texts = [_MIDNIGHT.sub("", text) for text in found.texts(some)]
    # What may be a phone is neither shown nor suggested.
    pairs = zip(texts, found.counts()[some].tolist(), strict=True)
    return tuple((text, n) for text, n in pairs if phones.redact(text) == text)


# --- distributions


class Distribution(NamedTuple):
    """How many rows have which value, ready to be drawn."""

    column: str
    reading: Reading
    bars: pd.DataFrame  # label or start, rows; with "kept" where a mask was given
    others: int  # rows whose value has no bar
    empty: int
    span: Span | None = None  # of a bar that has a start

    @property
    def dates(self) -> bool:
        """Whether its bars are spans of time."""
        return self.reading is Reading.MOMENT


class Span(NamedTuple):
    """What one bar stands for."""

    unit: str  # day, week, month, year; "whole" for a whole number, "range" for all numbers from here on
    width: float  # how many of them
    open: bool = False  # the last bar has all larger values, too


def distribution(
    frame: pd.DataFrame, cache: RuleCache, column: ColumnProfile, keep: Mask | None = None
) -> Distribution | None:
    """
    Rows by value: bins for numbers and dates, the most frequent values for the rest; None for phones.

    Whole numbers have a bar each where that is at most 40, dates one a day, week, month or year on the
    calendar of *cache*. Other bins begin at round numbers. ``start`` is a number, or a date without zone.

    Args:
        keep: One entry a row; its rows are counted too, as ``kept``.
    """
    if column.is_phone or column.reading is None:
        return None
    reading, span = column.reading, None
    if reading in (Reading.NUMBER, Reading.MOMENT) and column.distinct > _BARS:
        floats = cache.column(column.name, "rules").floats(reading)
        known = np.isfinite(floats)
        if reading is Reading.MOMENT:
            places, starts, span = by_calendar(floats[known], cache.now)
        else:
            places, starts, span = by_size(floats[known])
        bars = pd.DataFrame({"start": starts, "rows": np.bincount(places, minlength=len(starts))})
        if keep is not None:
            bars["kept"] = np.bincount(places[keep[known]], minlength=len(starts))
    else:
        reading, bars = Reading.TEXT, _counted(frame[column.name], keep)
    others = column.rows - column.nulls - int(bars["rows"].sum())
    return Distribution(column.name, reading, bars, others, column.nulls, span)


Bins = tuple[npt.NDArray[np.int64], npt.NDArray[Any], Span]  # bin of each value, start of each bin, and width


def by_size(values: npt.NDArray[np.float64], most: int = _MOST_BARS) -> Bins:
    """Bins of round widths; what is far above nearly all others is in the last one."""
    low, high = values.min(), values.max()
    whole = bool((values == np.floor(values)).all())
    if not (whole and high - low < most):
        # A few huge values would leave everybody else in one bar.
        usual = float(np.quantile(values, 0.99))
        high = min(high, usual + 0.5 * (usual - low)) if usual > low else high
    if whole and high - low < most:
        width, unit = 1.0, "whole"
    else:
        width, unit = _round_width((high - low) / min(_BINS, most), whole=whole), "range"
    first = np.floor(low / width)
    count = int(np.floor(high / width) - first) + 1
    places = np.minimum(np.floor(values / width) - first, count - 1).astype(np.int64)
    starts = (first + np.arange(count)) * width
    return places, starts, Span(unit, width, open=bool(values.max() >= (first + count) * width))


def by_calendar(micros: npt.NDArray[np.float64], now: datetime, most: int = _MOST_BARS) -> Bins:
    """One bin a day, week, month or year, whichever gives few enough, in the zone of *now*."""
    offset = now.strftime("%z")  # +0800
    zone = getattr(now.tzinfo, "key", f"{offset[:3]}:{offset[3:5]}")
    moments = pa.array(micros.astype(np.int64)).cast(pa.timestamp("us", zone))
    local = pc.local_timestamp(moments).to_numpy().astype("datetime64[D]")
    low, high = local.min(), local.max()
    for unit, step in _CALENDAR.items():
        first, last = (_count(end, step) for end in (low, high))
        if last - first < most or unit == "year":
            break
    width = max(1, int(_round_width((last - first + 1) / most, whole=True)))
    first //= width
    places = _count(local, step) // width - first
    counted = (first + np.arange(last // width - first + 1)) * width
    return places, _start(counted, step), Span(unit, width)


def _count(days: Any, step: str) -> Any:
    """The number of the day, week, month or year that each of *days* lies in."""
    if step == "W":  # numpy's begin on Thursdays, ours on Mondays
        return (days.astype(np.int64) + 3) // 7
    return days.astype(f"datetime64[{step}]").astype(np.int64) + (1970 if step == "Y" else 0)


def _start(counted: npt.NDArray[np.int64], step: str) -> npt.NDArray[Any]:
    """The first day of each of them."""
    if step == "W":
        return (counted * 7 - 3).astype("datetime64[D]")
    return (counted - (1970 if step == "Y" else 0)).astype(f"datetime64[{step}]").astype("datetime64[D]")


def _round_width(least: float, *, whole: bool) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is no less than *least*; a whole one on demand."""
    power = 10.0 ** np.floor(np.log10(least)) if least > 0 else 1.0
    width = float(next(n * power for n in (1, 2, 5, 10) if n * power >= least * (1 - 1e-9)))
    return max(width, 1.0) if whole else width


def _counted(cells: pd.Series[Any], keep: Mask | None) -> pd.DataFrame:
    found = ByValue(cells)
    some = found.most_frequent(_BARS)
    labels = [phones.redact(text.removesuffix(" 00:00:00")) for text in found.texts(some)]
    bars = pd.DataFrame({"label": pd.Series(labels, dtype="str"), "rows": found.counts()[some]})
    return bars if keep is None else bars.assign(kept=found.counts(keep)[some])
