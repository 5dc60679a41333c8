"""
What a provider wrote, read field by field: whatever stands there, a field gives its kind of value or none.

The one place that meets answers of any shape. A name that stands twice with two values says nothing, a
number that is no text or a list where a text belongs is no text, a time of another century is no time. So
nothing that reads `Fields` can fail, and what a missing field means is said where it is read.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, Final, TypeVar

import numpy as np
import orjson

from smskit.audience.phones import words
from smskit.providers.china import e164_of, from_china

__all__ = [
    "UNREADABLE",
    "Fields",
    "Rows",
    "codes_in",
    "decoded",
    "ids_in",
    "meant",
    "page_of",
    "rows_in",
    "seconds_in",
]

UNREADABLE: Final = object()  # stands where there is no value that could be believed

_MOST_DIGITS = 40  # of a whole number; longer ones are no number of anything
_MOST_CODE = 64
_MOST_ID = 128  # characters; what the ledger keeps of an id
_ID = re.compile(r"[!-~]+")  # ids are printable and without blanks
_USUAL_ID = re.compile(f"[!-~]{{1,{_MOST_CODE}}}")
_USUAL_IDS = re.compile(rf"{_USUAL_ID.pattern}(?:\n{_USUAL_ID.pattern})*")
_PHONE = re.compile(r"\+?[0-9]{5,20}")
_YEARS = range(2000, 2100)  # of times that can be meant
_EVER_S = 1e9  # a wait of that long is one for ever
_HALF = re.compile("[\ud800-\udfff\x00]")  # halves of a character, and NUL, which no database keeps

_Row = TypeVar("_Row")


# -- JSON ------------------------------------------------------------------------------


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a name that stands twice with two values has none."""
    found = dict(pairs)
    if len(found) < len(pairs):
        for name, value in pairs:
            if found[name] != value:
                found[name] = UNREADABLE
    return found


def _whole(digits: str) -> Any:
    return int(digits) if len(digits) <= _MOST_DIGITS else UNREADABLE


_decoder = partial(json.JSONDecoder, object_pairs_hook=_once, parse_constant=lambda _: UNREADABLE)
_AS_WRITTEN: Final = _decoder(parse_int=str, parse_float=str)
_FEW_ROWS: Final = 2_000  # bytes of an answer, up to which asking costs less than looking it over
_CAREFUL: Final = _decoder(parse_int=_whole)


def _usual(content: bytes) -> Any:
    """
    What the JSON of an answer as they usually are holds, without asking about each name and number.

    `UNREADABLE` where only a decoder that asks can tell: numbers that may be too long for 64 bits, names that
    may stand twice, whatever is no JSON.
    """
    chars = np.frombuffer(content, np.uint8)
    digits = chars - ord("0") <= 9
    for further in (1, 2, 4, 8, 3):  # whether it and so many more are digits: 2, 4, 8, 16, 19 in a row
        digits = digits[further:] & digits[:-further]
    if digits.any():
        return UNREADABLE
    try:
        data = orjson.loads(content)
        names = _names_in(data)
    except (ValueError, RecursionError):
        return UNREADABLE
    # A quote before a colon or a blank ends a name, or there are more of them than names.
    after = chars[1:]
    ends = np.count_nonzero((chars[:-1] == ord('"')) & ((after == ord(":")) | (after <= ord(" "))))
    return data if ends == names else UNREADABLE


def _names_in(data: Any) -> int:
    """How many names *data* has, counted down to the rows of its lists and no deeper."""
    if isinstance(data, list):
        return sum(map(len, data)) if set(map(type, data)) == {dict} else 0
    return len(data) + sum(map(_names_in, data.values())) if isinstance(data, dict) else 0


def decoded(content: bytes, *, as_written: bool = False) -> Any:
    """
    What the JSON holds, `UNREADABLE` where it is none, or not text in the first place.

    Args:
        as_written: Numbers as the text they are written as: a code 0 is "0", and an id keeps all its digits.
    """
    many = len(content) > _FEW_ROWS and not as_written
    if many and (data := _usual(content)) is not UNREADABLE:
        return data
    try:
        text = content.decode(json.detect_encoding(content))
        return (_AS_WRITTEN if as_written else _CAREFUL).decode(text)
    except (ValueError, RecursionError):
        return UNREADABLE


# -- fields ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fields:
    """
    A JSON object, empty where something else stands.

    Each reader takes several names, of which the first that holds its kind of value counts.
    """

    data: Mapping[str, Any]

    @classmethod
    def of(cls, value: Any) -> Fields:
        """*value* as an object."""
        return cls(value if isinstance(value, dict) else {})

    def has(self, name: str) -> bool:
        """Whether anything but null stands there."""
        return self.data.get(name) is not None

    def within(self, name: str) -> Fields:
        """The object in a field."""
        return Fields.of(self.data.get(name))

    def text(self, *names: str) -> str:
        """A text, or a number as text; "" where there is none."""
        return self._first(names, _text)

    def word(self, *names: str) -> str:
        """Only what is written as text, without blanks around it: a state, say."""
        return self._first(names, lambda value: _text(value).strip() if isinstance(value, str) else "")

    def words(self, *names: str) -> str:
        """What the provider says, in `words`."""
        return words(self.text(*names))

    def code(self, *names: str) -> str:
        """A code: a word or a whole number as text, of 64 characters at most."""
        return self._first(names, _code)

    def id(self, *names: str) -> str:
        """An id: as a code, printable, without blanks, and no longer than ids are."""
        return self._first(names, _id)

    def phone(self, *names: str) -> str:
        """A number as providers write it, in E.164."""
        return self._first(names, _phone)

    def whole(self, *names: str) -> int | None:
        """A whole number, also one that is written as text."""
        found = self._first(names, lambda value: _code(value) if _is_whole(_code(value)) else "")
        return int(found) if found else None

    def amount(self, *names: str) -> Decimal | None:
        """A finite number, also one that is written as text."""
        for name in names:
            try:
                found = Decimal(_text(self.data.get(name)).strip())
            except InvalidOperation:
                continue
            if found.is_finite() and abs(found.adjusted()) <= _MOST_DIGITS:
                return found
        return None

    def time(self, name: str, *forms: str) -> datetime | None:
        """Beijing's time in one of the *forms*, as aware UTC."""
        return meant(from_china(_text(self.data.get(name)), *forms))

    def epoch(self, name: str) -> datetime | None:
        """Seconds since 1970 as aware UTC."""
        seconds = self.whole(name)
        return None if seconds is None or not 0 <= seconds < 1 << 32 else datetime.fromtimestamp(seconds, UTC)

    def rows(self, name: str) -> list[Any] | None:
        """The list in a field; None where something else stands, [] under a null."""
        return rows_in(self.data.get(name, UNREADABLE))

    def _first(self, names: Iterable[str], read: Callable[[Any], str]) -> str:
        for name in names:
            if found := read(self.data.get(name)):
                return found
        return ""


def codes_in(rows: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    """`Fields.code` of each row."""
    values = [row.get(name) for row in rows]
    if not set(map(type, values)) <= {int, str}:
        return list(map(_code, values))
    read = {value: _code(value) for value in set(values)}
    return [read[value] for value in values]


def ids_in(rows: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    """`Fields.id` of each row."""
    values: list[Any] = [row.get(name) for row in rows]
    kinds = set(map(type, values))
    if kinds in ({int}, {str}):
        lines = "\n".join(map(str, values))
        if lines.count("\n") == len(values) - 1 and _USUAL_IDS.fullmatch(lines):
            return lines.split("\n")
    return list(map(_id, values))


def rows_in(value: Any) -> list[Any] | None:
    """*value* as a list: None where it is none, [] where it is null."""
    return [] if value is None else value if isinstance(value, list) else None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value if value.isascii() and "\0" not in value else _HALF.sub("\ufffd", value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return str(value) if math.isfinite(value) else ""


def _code(value: Any) -> str:
    found = "" if isinstance(value, float) else _text(value).strip()
    return found if len(found) <= _MOST_CODE else ""


def _id(value: Any) -> str:
    usual = str(value) if type(value) is int else value
    if type(usual) is str and _USUAL_ID.fullmatch(usual):
        return usual
    found = _code(value)
    return found if len(found) <= _MOST_ID and _ID.fullmatch(found) else ""


def _phone(value: Any) -> str:
    found = _code(value)
    return e164_of(found) if _PHONE.fullmatch(found) else ""


def _is_whole(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS


def meant(at: datetime | None) -> datetime | None:
    """*at*, None where nobody can mean such a time."""
    return at if at is not None and at.year in _YEARS else None


def seconds_in(text: str, unit: float = 1.0) -> float | None:
    """How long a header asks us to wait, in seconds; None where it says nothing."""
    digits = text.strip()
    return min(float(digits), _EVER_S) * unit if digits.isascii() and digits.isdigit() else None


# -- pages -----------------------------------------------------------------------------


class Rows(list[_Row]):
    """
    What a page holds.

    Attributes:
        unread: How many of its rows could not be read; a page that was cut short counts one more.
    """

    unread: int = 0


def page_of(
    body: bytes,
    rows: Callable[[Any], list[Any] | None],
    read: Callable[[Any], _Row | None],
    *,
    as_written: bool = False,
) -> Rows[_Row]:
    """
    The rows of a page that can be read, whatever the others are.

    Pages are gone at the provider once they were fetched, so one that was cut short, or is not all UTF-8,
    still gives the rows that are whole.

    Args:
        rows: Where a whole page has its rows, None where it has none.
        read: One row; None = it cannot be read.
        as_written: See `decoded`.

    Raises:
        ValueError: nothing of it can be read.
    """
    text, cut = body.decode("utf-8", "replace"), 0
    decoder = _AS_WRITTEN if as_written else _CAREFUL
    try:
        found = rows(decoder.decode(text))
    except (ValueError, RecursionError):
        found, cut = _whole_rows(text, decoder), 1
    if found is None:
        raise ValueError("a page of another shape")
    page = Rows(row for each in found if (row := read(each)) is not None)
    page.unread = len(found) - len(page) + cut
    if cut and text.lstrip()[:1] not in ("[", "{"):
        raise ValueError("no JSON")
    return page


def _whole_rows(text: str, decoder: json.JSONDecoder) -> list[Any]:
    """The objects of the first list in *text*, as far as they are whole."""
    found, at = [], text.find("{", max(text.find("["), 0))
    while at >= 0:
        try:
            row, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        found.append(row)
        at = text.find("{", end)
    return found
