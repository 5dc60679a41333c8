"""
Dates and times as instants: reading a column of them, and how each lies to a bound.

Times without a zone are clock times in the zone of *now*, which is handed in.
A single date of a rule is read in `values`, by the same pattern as a column.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from smskit.audience.cells import words
from smskit.audience.rules.typed import Answer, Dictionary, Mask, Ordered, TypedColumn, yes
from smskit.audience.rules.values import AFTERNOON, DATED, FORENOON, MOMENT
from smskit.errors import InputError

Ints: TypeAlias = npt.NDArray[np.int64]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_US = 86_400_000_000
# Zones with summer time are computed by Python's datetime, which knows these years only.
_FIRST_US = -62_135_596_800_000_000  # 0001-01-01
_LAST_US = 253_402_300_799_999_999  # 9999-12-31


def zone_of(now: datetime) -> tzinfo:
    """Return the zone in which times without one are understood; refuse a *now* without."""
    if now.tzinfo is None or now.utcoffset() is None:
        raise InputError("now: expected a time with a zone, got one without")
    return now.tzinfo


def first_day(today: date, days: int) -> date:
    """Return the oldest day that is ``within_days`` of today; the calendar begins in year 1."""
    return date.fromordinal(max(today.toordinal() - days, 1))


class Moments(Ordered):
    """
    Instants in microseconds since 1970 UTC; *day_only* marks values without a time of day.

    A bound is the span it names: a whole day in the zone, or one microsecond.
    "Before" ends where the span begins, "after" begins where it ends.
    """

    def __init__(self, at: Ints, known: Mask, day_only: Mask, now: datetime) -> None:
        super().__init__(pa.array(at, mask=~known))
        self._day_only = pa.array(day_only)
        self._now = now
        self._zone = zone_of(now)

    @property
    def at(self) -> pa.Array:
        """The instants; null where a row has none."""
        return self._values

    def below(self, bound: date) -> Answer:
        return pc.less(self._values, _span(bound, self._zone)[0])

    def one_of(self, bounds: Sequence[date]) -> Answer:
        return reduce(pc.or_, (self._from_to(*_span(bound, self._zone)) for bound in bounds))

    def test(self, op: str, bounds: Sequence[Any]) -> Answer:
        return self._within_days(bounds[0]) if op == "within_days" else super().test(op, bounds)

    def _within_days(self, days: int) -> Answer:
        # A date has no hour to count 24 back from, so dates are compared with dates.
        today, instant = self._now.date(), _micros(self._now)
        oldest = _span(first_day(today, days), self._zone)[0]
        by_day = self._from_to(oldest, _span(today, self._zone)[1])
        by_time = self._from_to(instant - days * _DAY_US, instant + 1)
        return pc.if_else(self._day_only, by_day, by_time)

    def _from_to(self, start: int, end: int) -> Answer:
        """Whether the instant is *start* or later, and before *end*."""
        return pc.and_(pc.greater_equal(self._values, start), pc.less(self._values, end))


# --- reading a column


def moments_of_dates(stamps: pa.Array, now: datetime) -> TypedColumn:
    """Read a typed column; only Arrow dates have no time of day, a datetime64 at midnight is a time."""
    zoned = getattr(stamps.type, "tz", None) is not None
    target = pa.timestamp("us", "UTC" if zoned else None)
    micros = _ints(stamps.cast(target, safe=False).cast(pa.int64()))
    at = micros if zoned else _instants(micros, zone_of(now))
    return Moments(at, yes(stamps.is_valid()), np.full(len(at), pa.types.is_date(stamps.type)), now)


def instants(column: pa.Array, now: datetime) -> tuple[Ints, Mask]:
    """
    Read a whole column of times, ten million in seconds where they are written as ISO 8601 has it.

    Args:
        column: n dates, times or texts; a date alone is its midnight.
        now: Aware; times that name no zone are in its.

    Returns:
        n instants in microseconds since 1970 UTC, and whether each cell was a time.
    """
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        if not pa.types.is_temporal(column.type):
            return np.zeros(len(column), np.int64), np.zeros(len(column), np.bool_)
        read = moments_of_dates(column, now)
    else:
        for zone in (None, "UTC"):
            with suppress(pa.ArrowInvalid):
                read = moments_of_dates(column.cast(pa.timestamp("us", zone)), now)
                break
        else:
            encoded = column.dictionary_encode()
            one = _read_texts(encoded.dictionary, now)
            return _ints(one.at.take(encoded.indices)), yes(one.at.take(encoded.indices).is_valid())
    assert isinstance(read, Moments)
    return _ints(read.at), yes(read.valid())


def moments_of_text(texts: pa.Array, now: datetime) -> TypedColumn:
    """Read text as dates and times; text that is neither is unknown."""
    # Dates repeat, and reading one is the dearest thing here: each distinct text is read once.
    encoded = texts.dictionary_encode()
    return Dictionary(_read_texts(encoded.dictionary, now), encoded.indices)


def _read_texts(texts: pa.Array, now: datetime) -> Moments:
    texts = pc.utf8_upper(words(texts))
    for pattern, replacement in DATED:
        texts = pc.replace_substring_regex(texts, pattern=pattern, replacement=replacement)
    part = pc.extract_regex(texts, pattern=MOMENT)

    def number(name: str) -> Ints:
        digits = pc.struct_field(part, name)
        if name == "fraction":  # of a second, as microseconds
            digits = pc.utf8_slice_codeunits(pc.utf8_rpad(digits, 6, "0"), 0, 6)
        return _ints(pc.if_else(pc.equal(digits, ""), "0", digits).cast(pa.int64()))

    def says(name: str, *what: str) -> Mask:
        return yes(pc.is_in(pc.struct_field(part, name), pa.array(what, texts.type)))

    year, month, day = number("year"), number("month"), number("day")
    hour, minute, second = number("hour"), number("minute"), number("second")
    unsaid = says("noon", "")
    forenoon = says("noon", *FORENOON) | (unsaid & says("half", *FORENOON))
    afternoon = says("noon", *AFTERNOON) | (unsaid & says("half", *AFTERNOON))
    zone_hour, zone_minute = number("zone_hour"), number("zone_minute")
    first = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = first.astype("datetime64[D]") + (day - 1)
    known = yes(part.is_valid()) & (year > 0) & (month > 0) & (month <= 12) & (day > 0)
    known &= days.astype("datetime64[M]") == first  # no 30th of February
    known &= ~forenoon | (hour <= 12)
    hour = np.where(forenoon, hour % 12, np.where(afternoon & (hour < 12), hour + 12, hour))
    known &= (hour < 24) & (minute < 60) & (second < 60) & (zone_hour < 24) & (zone_minute < 60)

    seconds = (hour * 60 + minute) * 60 + second
    wall = days.astype("datetime64[us]").astype(np.int64) + seconds * 1_000_000 + number("fraction")
    offset = (zone_hour * 60 + zone_minute) * 60_000_000
    zoned_at = wall - np.where(says("sign", "-"), -offset, offset)
    at = np.where(says("zone", ""), _instants(wall, zone_of(now)), zoned_at)
    return Moments(at, known, says("hour", ""), now)


def _ints(array: pa.Array) -> Ints:
    values: Ints = pc.fill_null(array, 0).to_numpy(zero_copy_only=False)
    return values


# --- instants


def _instants(wall: Ints, zone: tzinfo) -> Ints:
    """Turn clock times in *zone* into instants; a time that came twice is the first of the two."""
    clock = pd.DatetimeIndex(np.clip(wall, _FIRST_US, _LAST_US).view("datetime64[us]"))
    first = np.ones(len(clock), dtype=np.bool_)
    local = clock.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    return local.tz_convert("UTC").to_numpy(dtype="datetime64[us]").view(np.int64)


def _span(bound: date, zone: tzinfo) -> tuple[int, int]:
    """Return the instants from which and up to which *bound* lasts."""
    if isinstance(bound, datetime) and bound.tzinfo is not None:
        return _micros(bound), _micros(bound) + 1
    if isinstance(bound, datetime):
        start = int(_instants(np.array([_micros(bound.replace(tzinfo=UTC))]), zone)[0])
        return start, start + 1
    midnight = _micros(datetime(bound.year, bound.month, bound.day, tzinfo=UTC))
    start, end = _instants(np.array([midnight, midnight + _DAY_US]), zone)
    return int(start), int(end)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
