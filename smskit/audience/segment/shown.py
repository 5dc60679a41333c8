"""
What a cell of a workbook says: as the sheet shows it, where only a format or an escape tells.

Followed are formats of zeros (000042) and of percent (15%). Another format is
noticed where the number would look otherwise in a message than in the sheet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from smskit.audience.segment.cells import text_of
from smskit.i18n import Message

# A formula that failed has no value; its error code is nothing to greet a person with.
_NOTHING: Final = frozenset(("", "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"))
_ESCAPE: Final = re.compile("_x([0-9A-Fa-f]{4})_")  # ECMA-376, part 1, 22.9.2.19, ST_Xstring
# Blanks as wide as a letter, fillers, colours and languages, which change no digit.
_LOOKS: Final = re.compile(r'_.|\*.|\\ |" *"|\[\$-[^\]]*\]|\[(?:[A-Z]?[a-z]+|Color ?\d+)\]', re.IGNORECASE)
_DIGITS: Final = re.compile(r"(#,##)?(0{1,30})(?:\.(0{1,30}))?(%?)")
_PLAIN: Final = frozenset(("General", "@", ""))
_EXACT: Final = 10**15  # spreadsheets keep 15 digits


def something(value: object) -> bool:
    """Whether a cell says anything."""
    return value is not None and not (isinstance(value, str) and value in _NOTHING)


class Shown:
    """Values of one sheet as they read, and which of its columns' formats there is something to say of."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._formats: dict[int, str] = {}
        self._own: dict[str, tuple[int, str, str]] = {}  # column: how many cells, the format, the first cell
        self._rounded: dict[str, tuple[int, str]] = {}

    def value(self, value: Any, style: int, column: str, place: str) -> Any:
        """Return the value of the cell at *place* of *column*; None if it says nothing."""
        match value:
            case str():
                return _unescaped(value) if something(value) else None
            case bool() | None:
                return value
            case int() | float():
                return self._number(value, self._format(style), column, place)
        return value

    def notices(self) -> Iterator[Message]:
        for column, (n, form, place) in self._own.items():
            yield Message(
                "{n} cells of column `{column}` look otherwise in the sheet, such as {cell} (number format "
                "`{format}`); messages and rules take the bare numbers",
                n=n,
                column=column,
                cell=place,
                format=form,
            )
        for column, (n, place) in self._rounded.items():
            yield Message(
                "{n} cells of column `{column}` are rounded by their number format, such as {cell}; messages "
                "and rules take what the sheet shows",
                n=n,
                column=column,
                cell=place,
            )

    def _number(self, value: int | float, form: str, column: str, place: str) -> Any:
        if form in _PLAIN:
            return value
        shown, is_followed, is_exact = _as_shown(value, form)
        if is_followed:
            if not is_exact:
                n, first = self._rounded.get(column, (0, place))
                self._rounded[column] = n + 1, first
            return shown
        if shown != text_of(value):
            n, first_form, first = self._own.get(column, (0, form, place))
            self._own[column] = n + 1, first_form, first
        return value

    def _format(self, style: int) -> str:
        if style not in self._formats:
            from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE

            number = self._book._cell_styles[style].numFmtId
            own = number - BUILTIN_FORMATS_MAX_SIZE
            found = BUILTIN_FORMATS.get(number, "General") if own < 0 else self._book._number_formats[own]
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


def _unescaped(text: str) -> str:
    """Return the letters that stand as escapes, two of them for a letter beyond U+FFFF."""
    if not _ESCAPE.search(text):
        return text
    letters = _ESCAPE.sub(lambda code: chr(int(code[1], 16)), text)
    return letters.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
