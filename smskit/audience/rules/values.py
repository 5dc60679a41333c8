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

from smskit.audience.cells import FALSE_WORDS, INVISIBLE, TRUE_WORDS, escaped, word
from smskit.audience.phones import redact
from smskit.i18n import Message

Scalar: TypeAlias = str | int | float | bool  # dates travel as ISO text
Bound: TypeAlias = Scalar | date  # a value, read the way its column asks for

LIMIT = 10**38  # numbers at and beyond this are refused; whole ones below are compared exactly

# These are read by Python's `re` and by Arrow's RE2, and so keep to what the two share.
WHOLE = r"^[+-]?[0-9]{1,38}$"
REAL = r"^[+-]?([0-9]{1,38}\.?[0-9]{0,38}|\.[0-9]{1,38})([eE][+-]?[0-9]{1,2})?$"
# A number as people write it: ¥1,299.00, 1,200 元, 15 %, １０００; made half-width and small before it meets.
# Only these signs may become half-width: 5² is not 52.
SEPARATORS = re.compile(r"[,，、;；|｜\n]")  # what people part several values with
NUMBER_SIGNS = rf"^[\s{INVISIBLE}　０-９0-9+＋\-－.．,，%％¥￥$＄元圆块a-zA-Zａ-ｚＡ-Ｚ]+$"
WRITTEN = (
    r"^[+-]? *(?:(?:¥|\$|rmb|cny) *[+-]?)?(?:[0-9]{1,3}(?:,[0-9]{3}){1,12}|[0-9]{1,38})?(?:\.[0-9]{1,38})?"
    r" *(?:元|圆|块|yuan|rmb|cny|%)?$"
)
NO_DIGITS = r"[¥$,元圆块 ]|rmb|cny|yuan"  # taken out of such a number
# A date as people write it, in half-width and capitals. First it is brought to 2026-01-31 at its beginning,
_MONTHS = (
    "JAN(?:UARY)?", "FEB(?:RUARY)?", "MAR(?:CH)?", "APR(?:IL)?", "MAY", "JUNE?",
    "JULY?", "AUG(?:UST)?", "SEPT?(?:EMBER)?", "OCT(?:OBER)?", "NOV(?:EMBER)?", "DEC(?:EMBER)?",
)  # fmt: skip
DATED = (
    (r"^([0-9]{4})([0-9]{2})([0-9]{2})( |T|$)", r"\1-\2-\3\4"),  # 20260131
    *(  # Jan 31, 2026; 31-Jan-2026. Which of 1/2/2026 is the month nobody can tell: that is no date here.
        pair
        for number, month in enumerate(_MONTHS, 1)
        for pair in (
            (rf"^{month}\.? +([0-9]{{1,2}})(?:ST|ND|RD|TH)?,? +([0-9]{{4}})", rf"\2-{number}-\1"),
            (rf"^([0-9]{{1,2}})[ -]{month}\.?,?[ -]([0-9]{{4}})", rf"\2-{number}-\1"),
        )
    ),
)
MOMENT = (  # and then read.
    r"^(?P<year>[0-9]{4})[-/.年](?P<month>[0-9]{1,2})[-/.月](?P<day>[0-9]{1,2})"
    r"(?:日?|(?:日|日?[T ]) *(?P<noon>AM|PM|上午|下午)? *(?P<hour>[0-9]{1,2})[:时点](?P<minute>[0-9]{2})"
    r"(?:[:分](?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?[分秒]? *(?P<half>AM|PM)?"
    r" *(?P<zone>Z|(?P<sign>[+-])(?P<zone_hour>[0-9]{2}):?(?P<zone_minute>[0-9]{2})?)?)$"
)
ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?)?$"  # as SQLite reads
AFTERNOON = ("PM", "下午")
FORENOON = ("AM", "上午")


_PHONE = re.compile(r"(?<![0-9])((?:86)?1[3-9][0-9])[0-9]{4}(?=[0-9]{4}(?![0-9]))")


# --- to read


def read_number(text: str) -> int | float | None:
    """Return the number *text* is, in any usual writing, or None; inf, nan, 0x10 and 1,2 are none."""
    text = text.strip()
    if not re.match(REAL, text) and re.match(NUMBER_SIGNS, text):
        plain = word(text)
        text = re.sub(NO_DIGITS, "", plain).replace("%", "e-2") if re.match(WRITTEN, plain) else plain
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
    text = word(text).upper()
    for pattern, replacement in DATED:
        text = re.sub(pattern, replacement, text)
    found = re.match(MOMENT, text)
    if found is None:
        return None
    part = {name: value or "0" for name, value in found.groupdict().items()}
    try:
        day = date(int(part["year"]), int(part["month"]), int(part["day"]))
        if found["hour"] is None:
            return day
        minute, second = int(part["minute"]), int(part["second"])
        hour = _read_hour(int(part["hour"]), part["half"] if part["noon"] == "0" else part["noon"])
        micros = int(part["fraction"].ljust(6, "0")[:6])
        return datetime.combine(day, time(hour, minute, second, micros, _read_zone(part)))
    except ValueError:
        return None


def _read_hour(hour: int, half: str) -> int:
    if half in FORENOON and hour > 12:
        raise ValueError("no such hour")
    if half in FORENOON:
        return hour % 12
    return hour + 12 if half in AFTERNOON and hour < 12 else hour


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
    if len(values) <= most:
        return shown
    return Message("{values}, … {n} more", values=shown, n=len(values) - most)


def show_cells(cells: Sequence[str]) -> str:
    """Return cells of a segment as examples; see `show_cell`."""
    return ", ".join(map(show_cell, cells))


def show_cell(cell: str, longest: int = 30) -> str:
    """Return a cell of a segment as an example, cut short, whatever may be a phone masked."""
    shown = redact(escaped(show(cell)))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


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
