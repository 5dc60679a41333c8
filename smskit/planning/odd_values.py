"""
Values that somebody should look at before they go out.

Those that another program spoilt go out as they stand: nobody is left out for it, 100% or A+B is a good name.
What no value can be, `exclusions` leaves out. Moments go out as days, unless a `format` says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.audience.cells import INVISIBLE, JOINERS, UNSEEN
from smskit.audience.columns import Columns
from smskit.audience.noticed import Noticed
from smskit.audience.rules.values import show_cell
from smskit.audience.searching import found_in
from smskit.i18n import mark
from smskit.message.values import format_column
from smskit.message.variables import Binding

__all__ = ["hours_left_out", "odd_values"]

_HTML: Final = "&(?:amp|lt|gt|quot|apos|nbsp);"
# 202611280001 as a spreadsheet shows and saves it.
_SHORTENED: Final = r"^-?[0-9](?:\.[0-9]+)?[eE]\+[0-9]{1,2}$"
# UTF-8 that was read as Latin-1 or Windows-1252, or saved in an encoding that lacks the letters. One accented
# letter before a sign is a letter: Café”, Renée·李.
_TAIL: Final = "[\u0080-\u00bf\u0152-\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
_AS_LATIN: Final = f"[\u00e3-\u00ef]{_TAIL}{{2}}|\u00c3{_TAIL}"
# GB18030 that was read as either: no language has four such signs in a row, but people write ×××× and ····.
_LATIN: Final = "[\u00a1-\u00ff]"
_LATIN_ALONE: Final = "[\u00a1-\u00b6\u00b8-\u00d6\u00d8-\u00ff]"
_GBK_AS_LATIN: Final = "|".join(f"{_LATIN}{{{n}}}{_LATIN_ALONE}{_LATIN}{{{3 - n}}}" for n in range(4))


def _as_gbk(leads: range, trails: range) -> str:
    """The letters that GBK has for such pairs of bytes."""
    pairs = (bytes((lead, trail)).decode("gbk", "ignore") for lead in leads for trail in trails)
    return f"[{''.join(each for each in pairs if len(each) == 1)}]"


# UTF-8 that was read as GB18030: a Chinese letter becomes a rare one here and half of another.
_UTF8_AS_GBK: Final = _as_gbk(range(0xE4, 0xEA), range(0x80, 0xC0)) + _as_gbk(
    range(0x81, 0xC0), range(0xE4, 0xEA)
)
_LOST: Final = f"^[?？]+$|{_AS_LATIN}|{_GBK_AS_LATIN}|{_UTF8_AS_GBK}"
_WORD: Final = r"[\w\p{Han}]{2,40}"
_PLACE: Final = (
    rf"[{{｛]+\s*[#$%]?{_WORD}\s*[}}｝]+|^%[sd]$|^%+{_WORD}%+$|^#[A-Za-z_]\w+#$"
    rf"|^\[\[{_WORD}\]\]$|^<%.*%>$|^\*\|{_WORD}\|\*$|^\$[a-z_]\w*$|^\[object Object\]$"
)
# 20.9 that was counted with: of a price or an amount nobody writes so many places.
_PLACES: Final = r"^-?[0-9]+\.[0-9]{8,}$"
_BREAKS: Final = r"[\t\n\r\x{2028}\x{2029}]"
_KINDS: Final = {
    _HTML: mark(
        "{n:,} values of `{name}` hold signs as HTML writes them, such as {examples}; they go out so"
    ),
    _SHORTENED: mark(
        "{n:,} values of `{name}` are numbers that a spreadsheet shortened, such as {examples}; digits are "
        "lost, and they go out so"
    ),
    _LOST: mark(
        "{n:,} values of `{name}` lost their letters on the way, such as {examples}; they go out so. "
        "Save the file anew as UTF-8"
    ),
    _PLACE: mark(
        "{n:,} values of `{name}` look like a place for another tool to fill in, such as {examples}; they go "
        "out so"
    ),
    UNSEEN: mark(
        "{n:,} values of `{name}` hold signs that nobody sees, such as {examples}; they go out so, and each "
        "counts as a character"
    ),
    _PLACES: mark(
        "{n:,} values of `{name}` are numbers of many places, such as {examples}; they go out so: round them "
        "where they come from"
    ),
    _BREAKS: mark(
        "{n:,} values of `{name}` hold line breaks or tabs, such as {examples}; the message breaks there"
    ),
}
_HOURS: Final = mark(
    "{n:,} values of `{name}` have a time of day, such as {examples}, and messages write the day alone: give "
    "the variable a `format` with the hour, such as `%Y-%m-%d %H:%M`, or `%Y-%m-%d` if the day is meant"
)
# One of these is in every such value, and hardly ever in another.
_RARE: Final = (
    rf"[&?？+{{｛%#$|\x{{80}}-\x{{ff}}]|\[\[|\[o|[{INVISIBLE}{JOINERS}]|{_BREAKS}|{_UTF8_AS_GBK}|\.[0-9]{{8}}"
)


def odd_values(values: Mapping[str, pa.Array], planned: NDArray[np.int64]) -> Iterator[Noticed]:
    """
    Each variable and each kind of such values, of the rows that are *planned*.

    Args:
        values: Variable -> n texts.
        planned: Rows of them, in any order.
    """
    for name, column in values.items():
        some = column.take(pa.array(planned[found_in(column, _RARE)[planned]]))
        for pattern, text in _KINDS.items():
            odd = some.filter(pc.match_substring_regex(some, pattern))
            yield Noticed(text, len(odd), tuple(map(show_cell, odd.unique()[:3].to_pylist())), name)


def hours_left_out(frame: Columns, bindings: Mapping[str, Binding], *, zone: tzinfo) -> Iterator[Noticed]:
    """
    Each column of *frame* that a variable shows without `format`, and its moments that are not midnight.

    Text is none of them: it goes out with its hour, if it has one.

    Args:
        zone: The campaign's, on whose clock moments that name a zone are written.
    """
    asked = {each.column for each in bindings.values() if each.column and each.format is None}
    for name in (each for each in frame.columns if each in asked):
        moments = _moments(frame[name])
        times = format_column(moments, pattern="%H:%M:%S", zone=zone)
        some = moments[np.asarray(pc.fill_null(pc.not_equal(times, "00:00:00"), False))]
        shown = format_column(some.drop_duplicates()[:3], pattern="%Y-%m-%d %H:%M", zone=zone).to_pylist()
        yield Noticed(_HOURS, len(some), tuple(dict.fromkeys(shown)), name)


def _moments(column: pd.Series) -> pd.Series:
    """The cells of a column that have a day and a time of day."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        if _moments(pd.Series(column.cat.categories)).empty:
            return column[:0]
        column = column.astype(column.cat.categories.dtype)
    if pd.api.types.is_object_dtype(column.dtype):
        return column[[isinstance(cell, datetime) for cell in column]]
    kind = column.dtype.pyarrow_dtype if isinstance(column.dtype, pd.ArrowDtype) else None
    day = kind is not None and pa.types.is_date(kind)
    return column if column.dtype.kind == "M" and not day else column[:0]
