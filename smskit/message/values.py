"""
How a cell is written in a message: `format_value` says it for one, `format_column` for a whole column.

A missing cell is a null, never a word: the planner leaves that person out.

A moment that names a zone is written on the campaign's clock, so that a message
says the day that its rules see; one without a zone is written as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import lib

from smskit.audience.cells import BLANKS, INVISIBLE, MISSING_WORDS, plain_text
from smskit.audience.rules.values import read_moment
from smskit.audience.searching import found_in
from smskit.audience.segment.cells import clock_of
from smskit.errors import TemplateError
from smskit.i18n import Message

__all__ = ["UNREADABLE", "check_pattern", "clean_text", "format_column", "format_value", "kind_of"]

_TEXT = pa.large_string()

# White space of every kind, and the two invisible signs that exports leave behind (BOM, zero-width
# space). Spelt out because arrow and Python disagree about some of these.
_BLANKS = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\u200b\ufeff"
)
_MISSING_CELLS = pa.array(["", *MISSING_WORDS], _TEXT)
_NO_VALUE = {type(None), type(pd.NA), type(pd.NaT)}
# A whole number that went through a float on its way into a text file. Two zeros are a price.
_SPREADSHEET_FRACTION = r"^(-?[0-9]+)\.0$"

_DATE = "%Y-%m-%d"
_TIME = "%H:%M"
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# Our own strftime, because the platform's depends on its locale and knows `%-d` on some systems
# only: the same plan must give the same texts, and the same hash, everywhere.
_DIRECTIVES: dict[str, Callable[[datetime], str]] = {
    "Y": lambda at: f"{at.year:04d}",
    "y": lambda at: f"{at.year % 100:02d}",
    "m": lambda at: f"{at.month:02d}",
    "-m": lambda at: f"{at.month}",
    "d": lambda at: f"{at.day:02d}",
    "-d": lambda at: f"{at.day}",
    "H": lambda at: f"{at.hour:02d}",
    "-H": lambda at: f"{at.hour}",
    "I": lambda at: f"{at.hour % 12 or 12:02d}",
    "-I": lambda at: f"{at.hour % 12 or 12}",
    "p": lambda at: "AM" if at.hour < 12 else "PM",
    "M": lambda at: f"{at.minute:02d}",
    "-M": lambda at: f"{at.minute}",
    "S": lambda at: f"{at.second:02d}",
    "-S": lambda at: f"{at.second}",
    "B": lambda at: _MONTHS[at.month - 1],
    "b": lambda at: _MONTHS[at.month - 1][:3],
    "A": lambda at: _DAYS[at.weekday()],
    "a": lambda at: _DAYS[at.weekday()][:3],
    "%": lambda at: "%",
}
_DIRECTIVE = re.compile(r"%(-?.|$)", re.DOTALL)
_UNITS = {"H": "h", "I": "h", "p": "h", "M": "m", "S": "s"}  # the others tell something of the day
_WITHIN = {"h": "D", "m": "h", "s": "m"}


# Stands before a cell that a date format does not fit; the planner takes no value that holds it.
UNREADABLE = "\ufffd"
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?")


def format_value(value: object, pattern: str | None = None, zone: tzinfo | None = None) -> str | None:
    """
    Return how one cell is written in a message, or None where it is missing.

    =============  ==========================================================
    text           without blanks at its ends; ``100.0`` gives ``100`` (a
                   spreadsheet's trace), ``5.50`` and ``3.00`` stay as typed
    missing        None, NaN, infinity, a text that shows nothing, the words
                   nan NaN NAN None NaT <NA> null NULL undefined \\N, and what
                   a spreadsheet shows of a formula that failed (#N/A, #REF!)
    integer        digits only
    float          the shortest digits that mean it, never with an exponent;
                   no fraction when whole
    Decimal        as it is, never with an exponent; no fraction when whole
                   (``100.00`` gives ``100``, ``5.50`` stays)
    bool           是 or 否
    date           by *pattern*, else ``%Y-%m-%d``; a date-time that names a
                   zone by the clock of *zone*, with a *pattern* or without
                   (None: by that of its own), any other as it stands
    time of day    by *pattern*, else ``%H:%M``
    duration       as a time of day by *pattern*, else ``26:03:00``
    =============  ==========================================================

    With a *pattern*, texts and numbers that rules read as a date are written by
    it, on the clock of *zone* where a text ends in Z or an offset, and so is a
    text such as ``9:30``; without one a text stays a text. A cell that is no date, or a time where
    *pattern* shows the day, comes back behind `UNREADABLE`.

    Raises:
        TemplateError: Any other type, or an unknown directive in *pattern*.
    """
    if pattern is not None:
        check_pattern(pattern)
    return _write(value, pattern, zone)


def format_column(
    column: pd.Series[Any], *, pattern: str | None = None, zone: tzinfo | None = None
) -> pa.Array:
    """
    Return a column as text, each cell as `format_value` writes it.

    Args:
        column: Of any type, mixed ones too; not changed.
        pattern: How dates are written.
        zone: On whose clock date-times that name a zone are written; None: on their own.

    Returns:
        One large_string a row, null where the cell is missing. Text that is
        clean already is handed on without a copy.

    Raises:
        TemplateError: Names the column.
    """
    try:
        if pattern is not None:
            check_pattern(pattern)
        return _format_series(column, pattern, zone)
    except TemplateError as error:
        raise TemplateError("column `{name}`: {why}", name=column.name, why=error.message) from None


def kind_of(value: object) -> Message:
    """The type of *value* for an error; the value itself may be private."""
    return Message("a value of type {code}", code=type(value).__name__)


def _write(value: object, pattern: str | None, zone: tzinfo | None) -> str | None:
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, np.timedelta64):
        value = pd.Timedelta(value)
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    match value:
        case datetime():
            return _write_moment(_on_clock(value, zone), pattern or _DATE)
        case date():
            return _write_moment(datetime(value.year, value.month, value.day), pattern or _DATE)
        case time():
            return _write_time(value, pattern or _TIME)
    text = _write_plain(value)
    return text if text is None or pattern is None else _write_read(text, pattern, zone)


def _write_plain(value: object) -> str | None:
    """Write what is no date and no time of day."""
    match value:
        case str():
            return clean_text(value)
        case bool() | np.bool_():
            return "是" if value else "否"
        case int() | np.integer():
            return str(int(value))
        case Decimal():
            return _write_decimal(value)
        case float() | np.floating():
            return _write_float(value)
        case timedelta():
            return clock_of(value)
    raise TemplateError(
        "{why} cannot be written in a message; make it text, a number or a date", why=kind_of(value)
    )


def clean_text(value: str) -> str | None:
    text = value.strip(_BLANKS)
    if not text or text in MISSING_WORDS or not plain_text(text):
        return None
    whole = re.fullmatch(_SPREADSHEET_FRACTION, text)
    return whole[1] if whole else text


def _write_decimal(value: Decimal) -> str | None:
    if not value.is_finite():
        return None
    whole, _, fraction = f"{value:f}".partition(".")
    if fraction.strip("0"):
        return f"{whole}.{fraction}"
    return "0" if whole == "-0" else whole


def _write_float(value: float | np.floating[Any]) -> str | None:
    if not np.isfinite(value):
        return None
    if value == np.trunc(value):
        return str(int(value))
    # Knows the shortest digits of a 32-bit float too, where repr(float(x)) shows its rounding.
    return np.format_float_positional(value, trim="-")


def _write_read(text: str, pattern: str, zone: tzinfo | None) -> str:
    """Write a date or a time that stands as text, by *pattern*."""
    if clock := _CLOCK.fullmatch(text):
        hour, minute, second = (int(part or 0) for part in clock.groups())
        if hour < 24 and minute < 60 and second < 60:
            return _write_time(time(hour, minute, second), pattern)
    match read_moment(text):
        case datetime() as at:
            return _write_moment(_on_clock(at, zone), pattern)
        case date() as day:
            return _write_moment(datetime(day.year, day.month, day.day), pattern)
    return UNREADABLE + text


def _write_time(at: time, pattern: str) -> str:
    if any(used[-1] not in _UNITS and used != "%" for used in _DIRECTIVE.findall(pattern)):
        return f"{UNREADABLE}{at:%H:%M:%S}"  # of no day
    return _write_moment(datetime.combine(date(1900, 1, 1), at), pattern)


def _on_clock(at: datetime, zone: tzinfo | None) -> datetime:
    """The same moment by the clock of *zone*; one that names no zone, as it stands."""
    # By pandas, whose years go on where those of `datetime` end: 9999-12-31T23:00Z is in many a file.
    # Its nanoseconds end too, at another moment that is written for "never".
    return at if zone is None or at.tzinfo is None else pd.Timestamp(at).as_unit("us").tz_convert(zone)


def _write_moment(at: datetime, pattern: str) -> str:
    return _DIRECTIVE.sub(lambda mark: _DIRECTIVES[mark[1]](at), pattern)


def check_pattern(pattern: str) -> None:
    used = _DIRECTIVE.findall(pattern)
    for directive in used:
        if directive not in _DIRECTIVES:
            known = " ".join(f"%{word}" for word in _DIRECTIVES)
            raise TemplateError(
                "the date format {text}: `{name}` is not known; known are {names}",
                text=repr(pattern),
                name=f"%{directive}",
                names=known,
            )
    if not set(used) - {"%"}:
        raise TemplateError(
            "the date format {text} shows no part of a date; write e.g. `{name}`",
            text=repr(pattern),
            name=_DATE,
        )


def _format_series(column: pd.Series[Any], pattern: str | None, zone: tzinfo | None) -> pa.Array:
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy()
        categories = _format_series(pd.Series(column.cat.categories), pattern, zone)
        return categories.take(pa.array(codes, mask=codes < 0))
    # Arrow brings other objects to one type first, which shows: 5.5 next to 5.50 becomes 5.50, and
    # a date-time among dates loses its hour.
    kinds = set(map(type, column.to_numpy())) - _NO_VALUE if column.dtype == object else set()
    if kinds == {Decimal}:
        return _read_again(_format_decimal_objects(column.to_numpy()), pattern, zone)
    if column.dtype != object or kinds in ({str}, {date}):
        try:
            array = pa.array(column, from_pandas=True)
        except pa.ArrowException:  # a type that arrow has no word for, such as a sparse one
            array = None
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        formatted = None if array is None else _format_array(array, pattern, zone)
        if formatted is not None:
            return formatted if _is_temporal(array.type) else _read_again(formatted, pattern, zone)
    return _format_objects(column.to_numpy(dtype=object), pattern, zone)


def _is_temporal(kind: pa.DataType) -> bool:
    return bool(pa.types.is_temporal(kind.value_type if pa.types.is_dictionary(kind) else kind))


def _read_again(texts: pa.Array, pattern: str | None, zone: tzinfo | None) -> pa.Array:
    """Write by *pattern* what stands as text; each distinct text is read once."""
    if pattern is None:
        return texts
    encoded = texts.dictionary_encode()
    written = [_write_read(text, pattern, zone) for text in encoded.dictionary.to_pylist()]
    return pa.array(written, _TEXT).take(encoded.indices)


def _format_array(values: pa.Array, pattern: str | None, zone: tzinfo | None) -> pa.Array | None:
    """The column as text, or None for a type that is left to `format_value`."""
    kind = values.type
    match kind.id:
        case lib.Type_STRING | lib.Type_LARGE_STRING | lib.Type_STRING_VIEW:
            return _format_texts(values.cast(_TEXT))
        case lib.Type_NA:
            return pa.nulls(len(values), _TEXT)
        case lib.Type_BOOL:
            return pc.if_else(values, pa.scalar("是", _TEXT), pa.scalar("否", _TEXT))
        case lib.Type_FLOAT | lib.Type_DOUBLE:
            return _format_floats(values)
        case lib.Type_HALF_FLOAT:  # as a Python object it would show its rounding
            return _format_objects(_objects(values.to_numpy(zero_copy_only=False)))
        case lib.Type_DATE32 | lib.Type_DATE64:
            unit = "s" if kind == pa.date32() else "ms"
            return _format_moments(values.cast(pa.timestamp(unit)), pattern, zone)
        case lib.Type_TIMESTAMP:
            return _format_moments(values, pattern, zone)
        case lib.Type_DICTIONARY:
            distinct = _format_array(values.dictionary, pattern, zone)
            return None if distinct is None else distinct.take(values.indices)
        case _ if pa.types.is_integer(kind):
            return values.cast(_TEXT)
        case _ if pa.types.is_decimal(kind):
            return _format_decimals(values)
    return None


def _format_texts(texts: pa.Array) -> pa.Array:
    unseen = found_in(texts, f"[{_BLANKS}{BLANKS}{INVISIBLE}]").any()  # in some cell, at its ends or inside
    if unseen:
        trimmed = pc.utf8_trim(texts, characters=_BLANKS)
        # Equal sizes mean that nothing was trimmed; the copy is dropped, the column's own text kept.
        if pc.sum(pc.binary_length(trimmed)) != pc.sum(pc.binary_length(texts)):
            texts = trimmed
    missing = pc.is_in(texts, value_set=_MISSING_CELLS)
    if unseen:
        missing = pc.or_(missing, _shows_nothing(texts))
    if pc.any(missing).as_py():
        texts = pc.if_else(missing, pa.scalar(None, _TEXT), texts)
    if pc.any(pc.ends_with(texts, ".0")).as_py():
        texts = pc.replace_substring_regex(texts, _SPREADSHEET_FRACTION, r"\1")
    return texts


def _shows_nothing(texts: pa.Array) -> pa.Array:
    return pc.fill_null(pc.match_substring_regex(texts, f"^[{BLANKS}{INVISIBLE}]+$"), False)


def _format_floats(values: pa.Array) -> pa.Array:
    numbers = values.to_numpy(zero_copy_only=False)  # a null becomes NaN
    finite = np.isfinite(numbers)
    whole = finite & (np.trunc(numbers) == numbers) & (np.abs(numbers) < 2**63)
    integers = np.where(whole, numbers, 0).astype(np.int64)
    texts = pa.array(integers, mask=~whole).cast(_TEXT)
    rest = finite & ~whole
    if not rest.any():
        return texts
    fractions = pa.array(numbers, mask=~rest).cast(_TEXT)
    # Arrow writes the shortest digits as numpy does, but turns to exponents early.
    odd = pc.fill_null(pc.match_substring(fractions, "e"), False)
    if pc.any(odd).as_py():
        remaining = numbers[odd.to_numpy(zero_copy_only=False)]
        written = _format_objects(_objects(remaining))
        fractions = pc.replace_with_mask(fractions, odd, written)
    return pc.coalesce(texts, fractions)


def _format_decimals(values: pa.Array) -> pa.Array | None:
    texts = values.cast(_TEXT)
    if pc.any(pc.match_substring(texts, "E")).as_py():
        return None
    if pa.types.is_decimal256(values.type):  # of a file: the places are the column's, not the value's
        texts = pc.replace_substring_regex(texts, r"(\.[0-9]*[1-9])0+$", r"\1")
    return _drop_zero_fraction(texts)


def _format_decimal_objects(values: npt.NDArray[np.object_]) -> pa.Array:
    # What a database's NUMERIC arrives as, so worth not going through `_write` a row.
    texts = pa.array(_objects(map(str, values)), _TEXT)
    odd = pc.match_substring_regex(texts, "[A-Za-z]")  # 1E+5, Infinity, NaN, None
    rows = odd.to_numpy(zero_copy_only=False)
    return pc.replace_with_mask(_drop_zero_fraction(texts), odd, _format_objects(values[rows]))


def _drop_zero_fraction(texts: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(pc.replace_substring_regex(texts, r"\.0+$", ""), "^-0$", "0")


def _format_moments(values: pa.Array, pattern: str | None, zone: tzinfo | None) -> pa.Array:
    stamps = values.to_pandas()
    if values.type.tz is not None:
        if stamps.dt.unit == "ns":
            stamps = stamps.dt.as_unit("us")  # as in `_on_clock`
        stamps = (stamps if zone is None else stamps.dt.tz_convert(zone)).dt.tz_localize(None)
    moments = stamps.to_numpy()
    runs = [_format_run(moments, run, unit) for run, unit in _split_pattern(pattern or _DATE)]
    return runs[0] if len(runs) == 1 else pc.binary_join_element_wise(*runs, pa.scalar("", _TEXT))


def _split_pattern(pattern: str) -> list[tuple[str, str]]:
    """Cut where the unit changes: a million date-times have few days, and 60 minutes of the hour."""
    runs: list[tuple[str, str]] = []
    run, unit = "", ""
    for part in re.findall(r"%-?.|[^%]+", pattern, re.DOTALL):
        plain = part[0] != "%" or part == "%%"
        needed = unit if plain else _UNITS.get(part[-1], "D")
        if unit and needed != unit:
            runs.append((run, unit))
            run = ""
        run, unit = run + part, needed
    return [*runs, (run, unit)]


def _format_run(moments: npt.NDArray[np.datetime64], run: str, unit: str) -> pa.Array:
    shown = moments.astype(f"datetime64[{unit}]")
    if unit in _WITHIN:
        shown = np.zeros(1, shown.dtype) + (shown - moments.astype(f"datetime64[{_WITHIN[unit]}]"))
    codes, distinct = pd.factorize(shown)
    texts = pa.array([_write_moment(at, run) for at in pd.DatetimeIndex(distinct)], _TEXT)
    return texts.take(pa.array(codes, mask=codes < 0))


def _format_objects(
    values: npt.NDArray[np.object_], pattern: str | None = None, zone: tzinfo | None = None
) -> pa.Array:
    """
    Write each distinct value once.

    Distinct by type and by what `str` shows, since equal values may be written
    differently: True and 1, Decimal 5.5 and 5.50, one instant in two zones.
    """
    shown, _ = pd.factorize(_objects(map(str, values)))
    kinds, types = pd.factorize(_objects(map(type, values)))
    codes, distinct = pd.factorize(shown * len(types) + kinds)
    first = np.empty(len(distinct), dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # of several writes the last one stays
    return pa.array([_write(values[row], pattern, zone) for row in first], _TEXT).take(pa.array(codes))


def _objects(values: Iterable[object]) -> npt.NDArray[np.object_]:
    """The values as they are; numpy would make arrays of lists and one type of numbers."""
    return np.fromiter(values, dtype=object)
