"""
A cell's text as people see it, and the one set of words for yes and no, for rules and consent alike.

What a screen does not show is no part of a value: blanks at the ends, and signs without width that
programs leave behind. Zero-width joiners stay, since they make letters and emoji what they are. A cell
that shows nothing is empty, whether its file says so (csv), holds an empty text (parquet) or blanks.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = [
    "BLANKS",
    "FALSE_WORDS",
    "INVISIBLE",
    "JOINERS",
    "MISSING_WORDS",
    "TRUE_WORDS",
    "UNSEEN",
    "as_texts",
    "escaped",
    "filled",
    "first_filled",
    "plain_text",
    "plain_texts",
    "says_yes",
    "word",
    "words",
]

TRUE_WORDS: Final = ("true", "t", "yes", "y", "1", "1.0", "on", "是", "同意", "已同意", "√", "✓", "✔")
FALSE_WORDS: Final = ("false", "f", "no", "n", "0", "0.0", "off", "否", "不同意", "未同意", "拒绝", "×", "✗")

# What other programs write for a missing cell. Exact, so that a person called Nan keeps her name.
MISSING_WORDS: Final = (
    *("nan", "NaN", "NAN", "None", "NaT", "<NA>", "null", "NULL", "undefined"),
    *("N/A", "n/a", "#n/a", "(null)", "(NULL)", "[null]", "[NULL]", "<null>", "<NULL>"),
    "\\N",  # MySQL, and whatever copies a table out of a database
    # A formula that failed: Excel and WPS, then Google Sheets, then LibreOffice.
    *("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#FIELD!"),
    *("#GETTING_DATA", "#BUSY!", "#BLOCKED!", "#CONNECT!", "#UNKNOWN!", "#PYTHON!", "#EXTERNAL!"),
    *("#TIMEOUT!", "#ERROR!", *(f"Err:{number}" for number in range(501, 541))),
    *("#" * width for width in range(3, 256)),  # what a spreadsheet shows in a column too narrow for it
)

INVISIBLE: Final = (
    "\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064"
    "\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d\u206e\u206f\ufeff\ufff9\ufffa\ufffb"
    "\u115f\u1160\u2800\u3164\uffa0"  # of which people make names without a letter
)
BLANKS: Final = (  # as Unicode has them
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_PLAIN: Final = "0-9A-Za-z\u4e00-\u9fff"  # a joiner beside one of these joins nothing
JOINERS: Final = "\u200c\u200d"
UNSEEN: Final = f"[{INVISIBLE}]|[{_PLAIN}][{JOINERS}]|[{JOINERS}](?:[{_PLAIN}]|$)"
_INVISIBLE: Final = f"[{INVISIBLE}]"  # read by Python's `re` and by Arrow's RE2


def plain_text(text: str) -> str:
    """Return *text* without invisible signs and without blanks at its ends."""
    return re.sub(_INVISIBLE, "", text).strip(BLANKS)


def escaped(text: str) -> str:
    """Return *text* with whatever nobody sees of it written as ``\\u200b``."""
    return re.sub(UNSEEN, lambda found: _escaped(found[0]), text)


def _escaped(text: str) -> str:
    return "".join(sign if re.match(f"[{_PLAIN}]", sign) else f"\\u{ord(sign):04x}" for sign in text)


def plain_texts(texts: pa.Array) -> pa.Array:
    """Return what `plain_text` does, of *n* texts; nulls stay."""
    return pc.utf8_trim(pc.replace_substring_regex(texts, pattern=_INVISIBLE, replacement=""), BLANKS)


def filled(texts: pa.Array) -> Any:
    """Whether each of *n* texts shows anything; never null."""
    return pc.fill_null(pc.not_equal(plain_texts(texts), ""), False)


def first_filled(cells: pd.Series[Any], most: int) -> pd.Series[Any]:
    """The first *most* cells of a column of text that show anything."""
    some = (known := cells.dropna()).head(most)
    if (shown := _shown(some)).all():
        return some
    return known[_shown(known)].head(most) if len(known) > len(some) else some[shown]


def as_texts(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Cells of any kind as text, nulls kept; bytes that are none have a sign for each letter that is lost."""
    try:
        return cells.astype("str")
    except UnicodeDecodeError:
        read = [cell.decode(errors="replace") if isinstance(cell, bytes) else cell for cell in cells]
        return pd.Series(read, cells.index, dtype=object, name=cells.name).astype("str")


def _shown(cells: pd.Series[Any]) -> NDArray[np.bool_]:
    texts = pa.array(as_texts(cells), from_pandas=True)
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return np.asarray(filled(whole).to_numpy(zero_copy_only=False))


def word(text: str) -> str:
    """Return *text* as words are compared: plain, in half-width and small letters."""
    return plain_text(unicodedata.normalize("NFKC", text)).lower()


def words(texts: pa.Array) -> pa.Array:
    """Return what `word` does, of *n* texts; nulls stay."""
    return pc.utf8_lower(plain_texts(pc.utf8_normalize(texts, form="NFKC")))


def says_yes(texts: pa.Array) -> pa.Array:
    """Whether each of *n* texts is a word for yes; null for what is no such word."""
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    encoded = whole.dictionary_encode()  # few words, many rows
    found = words(encoded.dictionary)
    true, false = (pc.is_in(found, pa.array(some, found.type)) for some in (TRUE_WORDS, FALSE_WORDS))
    return pc.if_else(pc.or_(true, false), true, pa.scalar(None, pa.bool_())).take(encoded.indices)
