"""
One value of a rule: which types there are, how text is read as one, how one is shown.

Text that is not wholly a number, a word for yes or no, or a date is none of
them. Text columns are read by the same patterns, all rows at once (`typed`,
`moments`). What a value means for a column is for `fit`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import TypeAlias

from smskit.audience.cells import FALSE_WORDS, TRUE_WORDS, word
from smskit.i18n import Message

Scalar: TypeAlias = str | int | float | bool  # dates travel as ISO text
Bound: TypeAlias = Scalar | date  # a value, read the way its column asks for

LIMIT = 10**38  # numbers at and beyond this are refused; whole ones below are compared exactly

# These are read by Python's `re` and by Arrow's RE2, and so keep to what the two share.
WHOLE = r"^[+-]?[0-9]{1,38}$"
REAL = r"^[+-]?([0-9]{1,38}\.?[0-9]{0,38}|\.[0-9]{1,38})([eE][+-]?[0-9]{1,2})?$"
COMPACT = r"^ *([0-9]{4})([0-9]{2})([0-9]{2})( |T|$)"  # 20260131, replaced by
SPACED = r"\1-\2-\3\4"  # 2026-01-31, before it meets
MOMENT = (
    r"^ *(?P<year>[0-9]{4})[-/.年](?P<month>[0-9]{1,2})[-/.月](?P<day>[0-9]{1,2})日?"
    r"(?:[T ] *(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r" *(?P<zone>Z|(?P<sign>[+-])(?P<zone_hour>[0-9]{2}):?(?P<zone_minute>[0-9]{2})?)?)? *$"
)

_PHONE = re.compile(r"(?<![0-9])((?:86)?1[3-9][0-9])[0-9]{4}(?=[0-9]{4}(?![0-9]))")


# --- to read


def read_number(text: str) -> int | float | None:
    """Return the number *text* is, or None; inf, nan, 0x10 and 1,200 are none."""
    text = text.strip()
    if re.match(WHOLE, text):
        return int(text)
    value = float(text) if re.match(REAL, text) else math.inf
    return value if abs(value) < LIMIT else None


def read_flag(text: str) -> bool | None:
    """Return what a word for yes or no says, or None where it is neither."""
    said = word(text)
    return True if said in TRUE_WORDS else False if said in FALSE_WORDS else None


def read_moment(text: str) -> date | None:
    """Return a date, or a datetime where *text* has a time of day; None where it is neither."""
    found = re.match(MOMENT, re.sub(COMPACT, SPACED, text))
    if found is None:
        return None
    part = {name: value or "0" for name, value in found.groupdict().items()}
    try:
        day = date(int(part["year"]), int(part["month"]), int(part["day"]))
        if found["hour"] is None:
            return day
        hour, minute, second = (int(part[name]) for name in ("hour", "minute", "second"))
        micros = int(part["fraction"].ljust(6, "0")[:6])
        return datetime.combine(day, time(hour, minute, second, micros, _read_zone(part)))
    except ValueError:
        return None


def _read_zone(part: Mapping[str, str]) -> tzinfo | None:
    if part["zone"] == "0":
        return None
    if int(part["zone_minute"]) > 59:
        raise ValueError("no such offset")
    offset = timedelta(hours=int(part["zone_hour"]), minutes=int(part["zone_minute"]))
    return timezone(-offset if part["sign"] == "-" else offset)


# --- to show


def iso(moment: date) -> str:
    """Return the one spelling in which a rule keeps a date or time."""
    return moment.isoformat(sep=" ") if isinstance(moment, datetime) else moment.isoformat()


def show(value: object) -> str:
    """Return a value as JSON writes it, phones masked."""
    # A person may filter on a phone column, and labels and errors end up in saved notebooks.
    return _PHONE.sub(r"\1****", json.dumps(value, ensure_ascii=False, default=str))


def show_list(values: Sequence[Scalar], most: int = 6) -> str:
    """Return the first values, and how many are left out."""
    shown = ", ".join(show(value) for value in values[:most])
    return shown if len(values) <= most else f"{shown}, … {len(values) - most} more"


def describe(value: object) -> str:
    """Return what was given instead of what was expected, short enough for an error."""
    if value is None:
        return Message("nothing")
    if isinstance(value, Mapping):
        return Message("a mapping of {n}", n=len(value))
    if isinstance(value, list | tuple):
        return Message("a list of {n}", n=len(value))
    if isinstance(value, str | bool | int | float | date):
        text = show(value)
        return text if len(text) <= 60 else text[:59] + "…"
    return Message("a {kind}", kind=type(value).__name__)
