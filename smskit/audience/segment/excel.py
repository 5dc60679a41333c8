"""
An xlsx file as a frame: its first sheet, whose first row names the columns.

Rows and columns that formatting left behind, without a name or a cell, are not
there. What kind a column is of is for `cells`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import pandas as pd

from smskit.audience.segment.cells import frame_of, text_of
from smskit.audience.segment.names import Wanted, pick, tidy
from smskit.errors import SegmentError
from smskit.i18n import Message

# A formula that failed has no value; its error code is nothing to greet a person with.
_NOTHING: Final = frozenset(("", "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"))


_ZEROS: Final = re.compile("0{2,}")  # a number format that fills up with zeros: 42 is shown as 000042
_ESCAPE: Final = re.compile("_x([0-9A-Fa-f]{4})_")  # ECMA-376, part 1, 22.9.2.19, ST_Xstring


def read_excel(path: Path, wanted: Wanted, text_columns: Collection[str]) -> pd.DataFrame:
    """Return the sheet's rows; *text_columns* that do not occur are ignored."""
    rows = _sheet(path)
    if not rows:
        raise SegmentError(Message("its first sheet is empty; the first row must name the columns"))
    columns = [(tidy(text_of(head) or ""), cells) for head, *cells in zip_longest(*rows)]
    columns = [(name, cells) for name, cells in columns if name or any(cell is not None for cell in cells)]
    keep = pick([name for name, _ in columns], wanted)
    return frame_of(dict(columns), keep, text_columns)


def _sheet(path: Path) -> list[list[Any]]:
    """Return the rows of the first sheet that hold anything."""
    import openpyxl

    try:
        # openpyxl warns of styles and validations it leaves out; no cell is among them.
        with path.open("rb") as file, warnings.catch_warnings(action="ignore"):
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            sheet = book.worksheets[0]
            # Some programs write a wrong extent, and openpyxl would stop reading there.
            sheet.reset_dimensions()
            rows = ([_shown(cell) for cell in row] for row in sheet.iter_rows())
            return [row for row in rows if any(cell is not None for cell in row)]
    except Exception as error:  # openpyxl raises whatever its zip and XML readers do
        what = Message(
            "cannot be read as xlsx ({kind}); is it protected by a password, or another format?",
            kind=type(error).__name__,
        )
        raise SegmentError(what) from None


def _shown(cell: Any) -> Any:
    """
    Return a cell's value, and as text what only its format or an escape would show.

    Number formats other than zeros are not followed: what `text_of` writes goes out.
    """
    value = cell.value
    match value:
        case str():
            return None if value in _NOTHING else _unescaped(value)
        case bool() | None:
            return value
        case int() | float() if value == value // 1 and _ZEROS.fullmatch(cell.number_format):
            return f"{'-' if value < 0 else ''}{abs(int(value)):0{len(cell.number_format)}d}"
    return value


def _unescaped(text: str) -> str:
    """Return the letters that stand as escapes, two of them for a letter beyond U+FFFF."""
    if not _ESCAPE.search(text):
        return text
    letters = _ESCAPE.sub(lambda code: chr(int(code[1], 16)), text)
    return letters.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
