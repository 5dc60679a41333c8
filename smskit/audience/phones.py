"""
Phone numbers: read them as people and spreadsheets write them, check them, hide them.

Inside smskit a phone is one int64, its E.164 digits without the plus
(``8613800000000``); 0 means none. Only mainland China mobiles are accepted, and
what one is, is decided by the metadata of the `phonenumbers` library alone.
Columns are worked on in slices, so memory stays small whatever their length.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.errors import InputError
from smskit.i18n import Message, Quoted, mark
from smskit.models import Reason

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "EMPTY_WORDS",
    "NOBODY_MASKED",
    "Column",
    "Phones",
    "e164_column",
    "has_digits",
    "hide",
    "hide_column",
    "hide_number",
    "is_masked",
    "mask",
    "mask_column",
    "mask_raw_column",
    "national",
    "normalise",
    "normalise_one",
    "redact",
    "to_e164",
    "words",
]

# pandas' Series, or an arrow Array or ChunkedArray (pyarrow ships no types).
Column = Any

SLICE_ROWS: Final = 100_000

_CN: Final = 86
_CN_BASE: Final = _CN * 10**11  # national mobile numbers have 11 digits

# Whole cells, lower-cased and without blanks, that programs and people write for "no number".
# fmt: off
EMPTY_WORDS: Final = [
    "nan", "none", "null", "nat", "na", "n/a", "#n/a", "<na>", "\\n", "/", "无", "暂无", "空",
]
# fmt: on

# The classes below are RE2's; arrow's kernels run them over a whole slice at once.
_DASH: Final = r"\p{Pd}\x{2212}\x{2043}-"  # U+2212 minus and U+2043 hyphen bullet are no \p{Pd}
_BLANK: Final = r"\p{Z}\p{Cc}\p{Cf}"  # Cf: zero-width, BOM, direction marks
_QUOTE: Final = r"""'"=‘’“”`"""  # Excel: '138… and ="138…"
_NOISE: Final = rf"^[{_BLANK}{_QUOTE}]+|[{_BLANK}()]+|[{_QUOTE}]+$"
_SEPARATOR: Final = rf"([0-9])[{_DASH}]+|^((?:\+|00)?86)\."
# A dot separates only in the printed shape 138.0000.0000 (or after 86, above); everywhere else it is a
# decimal point, or a column of coordinates bound by mistake would turn into strangers' numbers.
# Scientific notation counts when all digits are there: ten behind the point of 1.…E10, twelve of 8.…E12.
_NUMBER_SHAPE: Final = (
    r"^(?:(\+?[0-9]+)\.0*"
    r"|(1)\.([0-9]{10})0*[eE]\+?0*10"
    r"|(8)\.([0-9]{12})0*[eE]\+?0*12"
    r"|((?:(?:\+|00)?86)?[0-9]{3})\.([0-9]{4})\.([0-9]{4}))$"
)
_NUMBER_DIGITS: Final = "".join(rf"\{group}" for group in range(1, 9))


class Phones(NamedTuple):
    """One entry per row of a column: the phone, or why there is none."""

    e164: NDArray[np.int64]  # 0 where there is none
    reason: NDArray[np.int8]  # values of `Reason`; NONE where there is a phone

    def __repr__(self) -> str:
        # Shown by a notebook when it ends a cell: counts, no number.
        return f"Phones({np.count_nonzero(self.e164)} of {len(self.e164)} rows)"


class _Patterns(NamedTuple):
    """RE2 patterns built from the library's own metadata."""

    mobile: str  # a mainland mobile, nothing else in the cell but 86, +86 or 0086
    undecided: str  # only `phonenumbers` can tell; all else is a bad phone already


@cache
def _patterns() -> _Patterns:
    from phonenumbers import PhoneMetadata

    metadata: Any = PhoneMetadata.metadata_for_region("CN")
    number = metadata.mobile.national_number_pattern
    return _Patterns(
        mobile=rf"^(?:(?:\+|00)?86)?(?:{number})$",
        # Another country, said so; or a mobile behind a trunk or carrier prefix, which ends like a mobile.
        undecided=rf"^(?:(?:\+|00)[0-9]+|[0-9]+(?:{number}))$",
    )


def normalise(column: Column) -> Phones:
    """
    Return the phone of every row of a column, or the reason there is none.

    Understood: full-width forms, blanks and invisible characters anywhere, dashes
    and brackets, the dots of ``138.0000.0000``, an apostrophe or ``="…"`` from
    Excel, a decimal tail (``.0``), scientific notation that kept all digits, and
    ``+86``, ``0086`` or ``86`` in front. Numeric columns count as the same text
    without decimal tail; single-precision floats have lost the last digits, so
    theirs are bad. A row's answer never depends on other rows.

    Args:
        column: Text, integers, floats, decimals or a mix of objects, as pandas
            Series, arrow Array or ChunkedArray; not changed.

    Returns:
        NO_PHONE for empty cells and words such as ``null`` or ``无``;
        UNSUPPORTED_REGION for a possible number of another country code given
        with ``+`` or ``00`` (Hong Kong, Macau and Taiwan have their own);
        BAD_PHONE for everything else that is not one mainland mobile, such as
        landlines, two numbers in a cell, or letters.
    """
    e164 = np.zeros(len(column), np.int64)
    reason = np.zeros(len(column), np.int8)
    start = 0
    for piece in _slices(column):
        stop = start + len(piece)
        e164[start:stop], reason[start:stop] = _normalise_slice(piece)
        start = stop
    return Phones(e164, reason)


def normalise_one(text: str) -> int:
    """
    Return the phone in *text*, read exactly as `normalise` reads a cell.

    Raises:
        InputError: There is none; names the masked value and the reason.
    """
    if re.fullmatch(_patterns().mobile, text, re.ASCII):  # as it should be, so it needs no column
        return _CN_BASE + int(text[-11:])
    phones = normalise(pa.array([_unicode(text)], pa.large_string()))
    if phones.e164[0]:
        return int(phones.e164[0])
    reason = Reason(int(phones.reason[0]))
    raise InputError(
        "phone {shown}: {reason}; give one mainland China mobile, 11 digits or +86 before them",
        shown=repr(mask(text)),
        reason=reason.label,
    )


def has_digits(text: str) -> bool:
    """Whether *text* has as many digits as a phone has at least; what has fewer is none, in any writing."""
    return len(_DIGITS.findall(unicodedata.normalize("NFKC", text))) >= 11


def national(e164: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the 11 digits providers in China take, without country code; 0 stays 0."""
    return e164 % 10**11


def to_e164(e164: int) -> str:
    """Return ``+8613800000000``; "" for 0 and for who was erased."""
    return f"+{e164}" if e164 > 0 else ""


def e164_column(e164: NDArray[np.int64]) -> pa.Array:
    """Return ``+8613800000000`` for every phone, as arrow large_string; null for 0 and for who was erased."""
    digits = pa.array(e164, mask=e164 <= 0).cast(pa.large_string())
    plus, nothing = pa.scalar("+", digits.type), pa.scalar("", digits.type)
    return pc.binary_join_element_wise(plus, digits, nothing)


def mask(text: str) -> str:
    """
    Return *text* with enough digits starred out that nobody can be called.

    A mobile, however decorated, becomes ``138****0000``. In anything else digits
    become stars in place: from 11 digits on the first 3 and last 4 stay, below
    that half of them at most, the larger part at the end. Already masked
    ``138****0000`` is left alone.
    """
    text = unicodedata.normalize("NFKC", text)
    if _MASKED.fullmatch(text):
        return text
    places = [place for place, char in enumerate(text) if char.isdecimal()]
    if _DECORATED.fullmatch(text):
        digits = "".join(text[place] for place in places)
        if _MOBILE_LIKE.fullmatch(digits):
            return f"{digits[-11:-8]}****{digits[-4:]}"
    shown = 7 if len(places) >= 11 else len(places) // 2
    head = shown * 3 // 7
    starred = set(places[head : len(places) - (shown - head)])
    return "".join("*" if place in starred else char for place, char in enumerate(text))


def is_masked(text: str) -> bool:
    """Whether *text* is a phone as `mask` shows it, which is many people's."""
    return _MASKED.fullmatch(unicodedata.normalize("NFKC", text).strip()) is not None


NOBODY_MASKED: Final = mark(
    "{who} is a phone as it is shown, and many phones look so: give the whole number, or the user id"
)
_MASKED: Final = re.compile(r"[0-9]{3}\*{4}[0-9]{4}")
_DECORATED: Final = re.compile(r"[\d\s+()'.\-]*")
# Loose on purpose: a mistyped mobile is hidden like a right one.
_MOBILE_LIKE: Final = re.compile(r"(?:0|(?:00)?86)?1\d{10}")


def mask_column(e164: NDArray[np.int64]) -> pa.Array:
    """
    Return ``138****0000`` for every phone, as arrow large_string.

    Null for 0, so that ``pc.coalesce`` can put `mask_raw_column` there.
    """
    head, tail = _digit_tables()
    number = national(e164)
    letters = np.full((len(e164), 11), ord("*"), np.uint8)
    letters[:, :3] = head[number // 10**8]
    letters[:, 7:] = tail[number % 10**4]
    offsets = np.arange(0, letters.size + 1, 11, dtype=np.int64)
    return pc.if_else(
        pa.array(e164 != 0),
        pa.LargeStringArray.from_buffers(len(e164), pa.py_buffer(offsets), pa.py_buffer(letters)),
        pa.scalar(None, pa.large_string()),
    )


@cache
def _digit_tables() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the ASCII of 000 to 999 and of 0000 to 9999, a row each."""
    head, tail = (
        np.array([f"{i:0{width}d}".encode() for i in range(10**width)]).view(np.uint8).reshape(-1, width)
        for width in (3, 4)
    )
    return head, tail


def mask_raw_column(column: Column) -> pa.Array:
    """
    Return the cells of *column* with digits starred out in place, as arrow large_string.

    For cells that did not normalise, so that a person can find them in the file:
    everything but digits stays. Stricter than `mask`: never more than half of
    the digits, never more than 3 in front and 4 at the end. Null stays null.
    """
    masked = [_mask_slice(piece) for piece in _slices(column)]
    return pa.chunked_array(masked, pa.large_string()).combine_chunks()


def redact(text: str) -> str:
    """
    Return *text* with every full phone number in it masked.

    For words of others (provider details, errors). Masked: whatever `normalise` reads as a phone, anywhere
    in the text; 11 digits starting with 1; other runs of 8 to 14 digits standing alone; any run of 8 or
    more after a plus. Kept: runs of 15 digits and more that are no phone (provider message ids), UUIDs
    and hashes, and shorter runs within ids of letters and digits. A bare date-time of 14 digits is masked
    too: hiding too much is the cheaper mistake.
    """
    masked = _hidden(text, _any_phone)
    if isinstance(text, Message | Quoted):
        # Kept as a message, so that it can still be read in either language; unless that hides less.
        same = text.map(redact)
        return same if same == masked else masked
    return masked


def words(text: str) -> str:
    """What a provider says, as it may be kept and shown: no full phone, and 300 characters at most."""
    # Longer than what stays, so that no phone is cut in two before it is hidden.
    hidden = redact(text if len(text) <= 2 * _MOST_WORDS else text[: 2 * _MOST_WORDS])
    return hidden if len(hidden) <= _MOST_WORDS else hidden[:_MOST_WORDS]


_MOST_WORDS: Final = 300


def hide(text: str) -> str:
    """Return an id, a code or a value with whatever may be a mobile in it masked; see `redact`."""
    return _hidden(text, _mobile)


def hide_column(texts: pa.Array) -> pa.Array:
    """
    Return a column of ids or values as people may see it; of any length, nulls stay null.

    As `hide`; unlike `redact` it leaves eight digits alone, which are an id.
    """
    texts = texts.cast(pa.large_string())
    rows = np.flatnonzero(_matches(pc.utf8_normalize(texts, "NFKC"), _MAY_HOLD_PHONE))
    if not len(rows):
        return texts
    odd = texts.take(pa.array(rows)).dictionary_encode()
    hidden = pa.array([hide(text) for text in odd.dictionary.to_pylist()], pa.large_string())
    found = np.zeros(len(texts), np.bool_)
    found[rows] = True
    return pc.replace_with_mask(texts, pa.array(found), hidden.take(odd.indices))


def hide_number(text: str, e164: int) -> str:
    """Return *text* with that one phone masked, in whatever form it stands there; others stay."""
    digits = [f"[{d}{chr(0xFF10 + int(d))}]" for d in str(e164 % 10**11)]
    return re.sub(rf"\.?{_BETWEEN}".join(digits), mask(str(e164)), text)


def _hidden(text: str, pattern: Callable[[], re.Pattern[str]]) -> str:
    """*text* with what is found in its compatibility form (full-width digits are digits) masked."""
    if len(text) < 8 and text.isascii():
        return text
    if len(_DIGITS.findall(unicodedata.normalize("NFKC", text))) < 8:
        return text  # too few for a phone, and found out in a moment
    what = pattern()
    if text.isascii():
        return what.sub(lambda found: found[0] if found["kept"] else mask(found[0]), text)
    forms = [unicodedata.normalize("NFKC", char) for char in text]
    starts = list(accumulate(map(len, forms), initial=0))
    pieces, done = [], 0
    for found in what.finditer("".join(forms)):
        if not found["kept"]:
            first, last = bisect_right(starts, found.start()) - 1, bisect_left(starts, found.end())
            pieces += [text[done:first], mask(text[first:last])]
            done = last
    return "".join([*pieces, text[done:]])


# What may stand between the digits of a phone: `_BLANK`, `_DASH` and brackets, as Python's expressions have
# no classes of Unicode (a test compares them).
_BETWEEN: Final = (
    r"[\x00-\x20\x7f-\xa0\xad()\-\u1680\u2028\u2029"
    r"\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064"
    r"\u2066-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
    r"\u058a\u05be\u1400\u1806\u2010-\u2015\u2043\u2212\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030"
    r"\u30a0\U00010d6e\U00010ead]*"
)


def _spaced(*parts: str) -> str:
    """An expression of these parts with anything a phone may hold between them."""
    return _BETWEEN.join(parts)


_DIGIT: Final = "[0-9]"
_ELEVEN: Final = ("1", "[3-9]", *[_DIGIT] * 9)
_CHINA: Final = rf"(?:\+{_BETWEEN}|{_spaced('0', '0', '')})?{_spaced('8', '6', '')}"
# 0, and the prefixes of carriers that `phonenumbers` takes off.
_TRUNK: Final = "|".join(
    (_spaced("0", ""), _spaced("1", "[12]", *[_DIGIT] * 3, ""), _spaced("1", "7", "9", *[_DIGIT] * 2, ""))
)
_DIGITS: Final = re.compile(r"\d")
# Where a number may begin: the digits of an escape (%22, \u0022, \x22) before it are none of its own.
_START: Final = r"(?:(?<!\d)|(?<=%\d\d)|(?<=\\x\d\d)|(?<=\\u\d{4}))"
# 138_0000_0000, 138·0000·0000, 138%200000%200000: nobody is sent to by these, but everybody can read them.
_APART: Final = r"(?:[^0-9A-Za-z]{1,3}|%20|&nbsp;)"
_IN_GROUPS: Final = rf"1[3-9]\d{_APART}\d{{4}}{_APART}\d{{4}}"
_KEPT: Final = (
    r"(?P<kept>(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
    r"|(?=[0-9]*[A-Fa-f])(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}))(?![0-9A-Za-z]))"
)
_MOBILES: Final = "|".join(
    (
        # as a spreadsheet shows a long number: 1.38…E10, 8.6138…E12
        _spaced("1", r"\.", *[_DIGIT] * 10, rf"(?:0{_BETWEEN})*[eE]", r"\+?", f"(?:0{_BETWEEN})*1", "0"),
        _spaced("8", r"\.", *[_DIGIT] * 12, rf"(?:0{_BETWEEN})*[eE]", r"\+?", f"(?:0{_BETWEEN})*1", "2"),
        # 138.0000.0000
        rf"{_START}(?:{_CHINA})?"
        + _spaced("1", "[3-9]", _DIGIT, r"\.", *[_DIGIT] * 4, r"\.", *[_DIGIT] * 4)
        + r"(?!\d)",
        rf"{_START}{_IN_GROUPS}(?!\d)",
        rf"{_START}(?:{_CHINA}\.?{_BETWEEN})?(?:{_TRUNK})?{_spaced(*_ELEVEN)}(?!\d)",
        # several without anything between them, and one with a few digits more
        rf"{_START}(?:(?:(?:00)?86)?1[3-9]\d{{9}}){{2,}}(?!\d)",
        r"(?<!\d)(?=\d{12,14}(?!\d))\d{0,3}1[3-9]\d{9,12}(?!\d)",
    )
)


@cache  # compiling them takes longer than a command has time for, and most processes meet no phone in a text
def _mobile() -> re.Pattern[str]:
    return re.compile(f"{_KEPT}|{_MOBILES}", re.ASCII)


@cache
def _any_phone() -> re.Pattern[str]:
    return re.compile(
        rf"{_KEPT}|{_MOBILES}"
        r"|(?<!\d)(?:0|(?:\+|00)?86[ -]?)?1\d{2}([ -]?)\d{4}\2\d{4}(?!\d)"
        r"|(?<!\d)\+\d{8,}(?!\d)"
        r"|(?<![\dA-Za-z_])\d{8,14}(?![\dA-Za-z_])",
        re.ASCII,
    )


# RE2's, for whole columns: wider than the above.
_MAY_HOLD_PHONE: Final = rf"1[{_BLANK}().{_DASH}]*[3-9](?:[{_BLANK}().{_DASH}]*[0-9]){{9}}|{_IN_GROUPS}"


def _slices(column: Column) -> Iterator[pa.Array]:
    """Yield *column* as large_string arrays of at most SLICE_ROWS rows, in order."""
    if isinstance(column, pa.ChunkedArray):
        for chunk in column.chunks:
            yield from _slices(chunk)
        return
    if not isinstance(column, pa.Array) and column.dtype.name == "category":
        column = pa.array(column)  # once, not its categories again for every slice
    for start in range(0, len(column), SLICE_ROWS):
        if isinstance(column, pa.Array):
            yield _as_text(column.slice(start, SLICE_ROWS))
        else:
            yield _as_text(_series_to_arrow(column.iloc[start : start + SLICE_ROWS]))


def _series_to_arrow(series: pd.Series[Any]) -> pa.Array:
    try:
        piece = pa.array(series, from_pandas=True)
    except (pa.ArrowException, OverflowError, UnicodeEncodeError):
        # A mix of kinds, as openpyxl reads a column that is partly text, or text that is not Unicode.
        piece = pa.array([_object_to_text(cell) for cell in series], pa.large_string())
    return piece.combine_chunks() if isinstance(piece, pa.ChunkedArray) else piece


def _object_to_text(cell: object) -> str | None:
    import pandas as pd  # a cell of some other kind than text comes from a frame

    if isinstance(cell, bytes):
        return cell.decode(errors="replace")
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if cell is None or cell is pd.NA or cell is pd.NaT or cell != cell:
        return None
    return _unicode(str(cell))


def _unicode(text: str) -> str:
    return text.encode(errors="replace").decode()


def _as_text(cells: pa.Array) -> pa.Array:
    """Return *cells* of any type as large_string."""
    if pa.types.is_dictionary(cells.type):
        return _as_text(cells.dictionary_decode())
    if pa.types.is_float64(cells.type):
        # Arrow writes 13800000000.0 as 1.38e+10, which reads as lost digits: whole numbers go by int64.
        whole = pc.and_(pc.equal(cells, pc.floor(cells)), pc.less(pc.abs(cells), 1e15))
        as_int = pc.if_else(whole, cells, None).cast(pa.int64()).cast(pa.large_string())
        return pc.coalesce(as_int, cells.cast(pa.large_string()))
    try:
        return cells.cast(pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([_object_to_text(cell) for cell in cells.to_pylist()], pa.large_string())


def _normalise_slice(cells: pa.Array) -> Phones:
    e164 = np.zeros(len(cells), np.int64)
    reason = np.zeros(len(cells), np.int8)
    # Most cells are a number as it should be; only the others are worth cleaning.
    good = _matches(cells, _patterns().mobile)
    e164[good] = _mobiles(cells.filter(pa.array(good)))
    rows = np.flatnonzero(~good)
    if len(rows):
        e164[rows], reason[rows] = _normalise_odd(cells.take(pa.array(rows)).fill_null(""))
    return Phones(e164, reason)


def _normalise_odd(cells: pa.Array) -> Phones:
    """Return the phones of cells that need cleaning first; no nulls."""
    e164 = np.zeros(len(cells), np.int64)
    reason = np.full(len(cells), Reason.BAD_PHONE, np.int8)

    text = pc.replace_substring_regex(pc.utf8_normalize(cells, "NFKC"), _NOISE, "")
    empty = pc.is_in(pc.utf8_lower(text), pa.array(EMPTY_WORDS, text.type))
    reason[_matches(text, rf"^[{_DASH}]*$") | empty.to_numpy(zero_copy_only=False)] = Reason.NO_PHONE

    text = pc.replace_substring_regex(text, _SEPARATOR, r"\1\2")
    text = pc.replace_substring_regex(text, _NUMBER_SHAPE, _NUMBER_DIGITS)
    good = _matches(text, _patterns().mobile)
    e164[good] = _mobiles(text.filter(pa.array(good)))
    reason[good] = Reason.NONE

    rows = np.flatnonzero(~good & _matches(text, _patterns().undecided))
    if len(rows):
        distinct = text.take(pa.array(rows)).dictionary_encode()
        verdicts = [_ask_phonenumbers(cell) for cell in distinct.dictionary.to_pylist()]
        code = distinct.indices.to_numpy()
        e164[rows] = np.array([phone for phone, _ in verdicts], np.int64)[code]
        reason[rows] = np.array([why for _, why in verdicts], np.int8)[code]
    return Phones(e164, reason)


def _matches(text: pa.Array, pattern: str) -> NDArray[np.bool_]:
    found = pc.match_substring_regex(text, pattern).fill_null(False)
    return cast("NDArray[np.bool_]", found.to_numpy(zero_copy_only=False))


def _mobiles(text: pa.Array) -> NDArray[np.int64]:
    """Return the phones of cells that match the mobile pattern: their last 11 characters, all ASCII."""
    last = pc.binary_slice(text.cast(pa.large_binary()), -11).cast(pa.large_string())
    return cast("NDArray[np.int64]", last.cast(pa.int64()).to_numpy() + _CN_BASE)


@lru_cache(maxsize=2**16)
def _ask_phonenumbers(digits: str) -> tuple[int, Reason]:
    """Return what the library says about one cleaned cell, digits with or without a plus."""
    import phonenumbers

    try:
        number = phonenumbers.parse(digits, "CN")
    except phonenumbers.NumberParseException:
        return 0, Reason.BAD_PHONE
    if number.country_code == _CN:
        if phonenumbers.number_type(number) != phonenumbers.PhoneNumberType.MOBILE:
            return 0, Reason.BAD_PHONE
        return _CN_BASE + int(phonenumbers.national_significant_number(number)), Reason.NONE
    # A carrier's dialling prefix can look like an exit code; only a plus or 00 says "abroad".
    abroad = digits.startswith(("+", "00")) and phonenumbers.is_possible_number(number)
    return 0, Reason.UNSUPPORTED_REGION if abroad else Reason.BAD_PHONE


def _mask_slice(cells: pa.Array) -> pa.Array:
    text = pc.utf8_normalize(cells, "NFKC")
    # Digits of other scripts take several bytes; they are starred out whole.
    text = pc.replace_substring_regex(text, r"[^\P{Nd}0-9]", "*")
    validity, offset_buffer, data = text.buffers()
    if data is None:
        return text
    # Fresh from a kernel, so nothing lies outside the offsets.
    offsets = np.frombuffer(offset_buffer, np.int64)[: len(text) + 1]
    letters = np.frombuffer(data, np.uint8).copy()

    # In place, byte by byte: a digit stays when few enough digits of its own cell come before or after it.
    digits = np.flatnonzero((letters >= ord("0")) & (letters <= ord("9")))
    before = np.searchsorted(digits, offsets)
    count = np.diff(before)
    shown = np.minimum(count // 2, 7)
    head = shown * 3 // 7
    row = np.repeat(np.arange(len(count)), count)
    rank = np.arange(len(row)) - before[row]
    hidden = (rank >= head[row]) & (rank < (count - shown + head)[row])
    letters[digits[: len(row)][hidden]] = ord("*")
    return pa.LargeStringArray.from_buffers(len(text), offset_buffer, pa.py_buffer(letters), validity)


def shown_column(unread: Column, e164: NDArray[np.int64]) -> pa.Array:
    """
    What people may see of n cells: the masked number, or the masked cell where it is none.

    Args:
        unread: The cells where *e164*, of n entries, is 0.
    """
    shown = mask_column(e164)
    if not len(unread):
        return shown
    return pc.replace_with_mask(shown, pa.array(e164 == 0), pc.fill_null(mask_raw_column(unread), ""))
