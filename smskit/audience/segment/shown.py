"""
What a cell of a workbook says: as the sheet shows it, where only a format or an escape tells.

Followed are formats of zeros (000042) and of percent (15%). Another format is
noticed where the number would look otherwise in a message than in the sheet, and
one of dates and times where the sheet shows other parts of them than a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any, Final

from smskit.audience.segment.cells import text_of
from smskit.i18n import Message, mark

# A formula that failed has no value; its error code is nothing to greet a person with.
_NOTHING: Final = frozenset(("", "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"))
_ESCAPE: Final = re.compile("_x([0-9A-Fa-f]{4})_")  # ECMA-376, part 1, 22.9.2.19, ST_Xstring
# Blanks as wide as a letter, fillers, colours and languages, which change no digit.
_LOOKS: Final = re.compile(r'_.|\*.|\\ |" *"|\[\$-[^\]]*\]|\[(?:[A-Z]?[a-z]+|Color ?\d+)\]', re.IGNORECASE)
_DIGITS: Final = re.compile(r"(#,##)?(0{1,30})(?:\.(0{1,30}))?(%?)")
_PLAIN: Final = frozenset(("General", "@", ""))
_EXACT: Final = 10**15  # spreadsheets keep 15 digits
# Number formats that Chinese Excel knows by number alone (ECMA-376, part 1, 18.8.30, zh-cn).
_CHINESE: Final = {
    **dict.fromkeys((27, 36, 50, 52, 57), 'yyyy"年"m"月"'),
    **dict.fromkeys((28, 29, 51, 53, 54, 58), 'm"月"d"日"'),
    **dict.fromkeys((30,), "m-d-yy"),
    **dict.fromkeys((31,), 'yyyy"年"m"月"d"日"'),
    **dict.fromkeys((32, 34, 55), 'h"时"mm"分"'),
    **dict.fromkeys((33, 35, 56), 'h"时"mm"分"ss"秒"'),
}
# What is no part of a date: words, a locale, halves of a day, blanks as wide as a letter.
_NO_PART: Final = re.compile(r'"[^"]*"|\\.|\[\$[^\]]*\]|_.|\*.|AM/PM|A/P|上午/下午', re.IGNORECASE)
_PART: Final = re.compile(r"\[?([ymdhsea])\1*\]?", re.IGNORECASE)
# What a message shows of them where no `format` says otherwise.
_WRITTEN: Final = {"date": frozenset("ymd"), "time": frozenset("hn"), "duration": frozenset("hns")}
# What there is to say of a column's cells, in this order.
_TOLD: Final = {
    "moment": mark(
        "{n} dates or times of column `{column}` look otherwise in the sheet, such as {cell} (number format "
        "`{format}`): unless its variable has a `format`, messages write {written}"
    ),
    "own": mark(
        "{n} cells of column `{column}` look otherwise in the sheet, such as {cell} (number format "
        "`{format}`); messages and rules take the bare numbers"
    ),
    "rounded": mark(
        "{n} cells of column `{column}` are rounded by their number format, such as {cell}; messages "
        "and rules take what the sheet shows"
    ),
}


def something(value: object) -> bool:
    """Whether a cell says anything."""
    return value is not None and not (isinstance(value, str) and value in _NOTHING)


class Shown:
    """Values of one sheet as they read, and which of its columns' formats there is something to say of."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._formats: dict[int, str] = {}
        self._noticed: dict[
            tuple[str, str], tuple[int, dict[str, str]]
        ] = {}  # cells; of the first, what is told

    def value(self, value: Any, style: int, column: str, place: str) -> Any:
        """Return the value of the cell at *place* of *column*; None if it says nothing."""
        match value:
            case str():
                return _unescaped(value) if something(value) else None
            case bool() | None:
                return value
            case int() | float():
                return self._number(value, self._format(style), column, place)
            case datetime() | date():
                self._moment("date", value, self._format(style), column, place)
            case time():
                self._moment("time", value, self._format(style), column, place)
            case timedelta():
                self._moment("duration", value, self._format(style), column, place)
        return value

    def notices(self) -> Iterator[Message]:
        """What there is to say of each column's formats."""
        for kind, sentence in _TOLD.items():
            for (noticed, column), (n, first) in self._noticed.items():
                if noticed == kind:
                    yield Message(sentence, n=n, column=column, **first)

    def _note(self, kind: str, column: str, **first: str) -> None:
        n, kept = self._noticed.get((kind, column), (0, first))
        self._noticed[kind, column] = n + 1, kept

    def _moment(self, kind: str, value: Any, form: str, column: str, place: str) -> None:
        if form not in _PLAIN and _parts(form) != _WRITTEN[kind]:
            self._note("moment", column, cell=place, format=form, written=_written(value))

    def _number(self, value: int | float, form: str, column: str, place: str) -> Any:
        if form in _PLAIN:
            return value
        shown, is_followed, is_exact = _as_shown(value, form)
        if is_followed:
            if not is_exact:
                self._note("rounded", column, cell=place)
            return shown
        if shown != text_of(value):
            self._note("own", column, cell=place, format=form)
        return value

    def _format(self, style: int) -> str:
        if style not in self._formats:
            from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE

            number = self._book._cell_styles[style].numFmtId
            own = number - BUILTIN_FORMATS_MAX_SIZE
            known = BUILTIN_FORMATS | _CHINESE
            found = known.get(number, "General") if own < 0 else self._book._number_formats[own]
            self._formats[style] = found
        return self._formats[style]


def _as_shown(value: int | float, form: str) -> tuple[str, bool, bool]:
    """
    Return a number as a sheet shows it, "" if that is not known, and what that is worth.

    The second of the three says that it is a format that messages follow, the
    third that nothing was rounded.
    """
    sections = form.split(";")
    parts = _DIGITS.fullmatch(_LOOKS.sub("", sections[0]))
    if parts is None or abs(value) >= _EXACT or (value <= 0 and len(sections) > (1 if value < 0 else 2)):
        return "", False, True
    thousands, zeros, decimals, percent = parts[1] or "", parts[2], parts[3] or "", parts[4]
    number = Decimal(repr(value)).scaleb(2 if percent else 0)
    rounded = number.quantize(Decimal(1).scaleb(-len(decimals)), ROUND_HALF_UP)
    width = len(zeros) + (len(decimals) + 1 if decimals else 0)
    digits = format(abs(rounded), f"0{width}{',' if thousands else ''}f")
    shown = f"{'-' if rounded < 0 else ''}{digits}{percent}"
    return shown, bool(percent) or len(zeros) > 1, rounded == number


@cache
def _parts(form: str) -> frozenset[str]:
    """Which parts of a date or time a number format shows: y, m, d, w (its day of the week), h, n, s."""
    shown = [found[0].strip("[]").lower() for found in _PART.finditer(_NO_PART.sub("", form.split(";")[0]))]
    parts = set()
    for place, part in enumerate(shown):
        after, before = (
            (shown[place - 1] if place else ""),
            (shown[place + 1] if place + 1 < len(shown) else ""),
        )
        match part[0]:
            case "m" if after.startswith("h") or before.startswith("s"):
                parts.add("n")
            case "e":
                parts.add("y")
            case "a":
                parts.add("w")
            case "d" if len(part) > 2:
                parts.add("w")
            case letter:
                parts.add(letter)
    return frozenset(parts)


def _written(value: Any) -> str:
    """What a message shows of a date or time without a `format`, with invented digits: no person's own."""
    match value:
        case datetime() | date():
            return "2026-12-09"
        case time():
            return "09:30"
    return "26:03:00"


def _unescaped(text: str) -> str:
    """Return the letters that stand as escapes, two of them for a letter beyond U+FFFF."""
    if not _ESCAPE.search(text):
        return text
    letters = _ESCAPE.sub(lambda code: chr(int(code[1], 16)), text)
    return letters.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
