"""
A text file's bytes, as UTF-8, whatever encoding they were saved in.

Recognised are UTF-8, UTF-16 by its byte order mark, and GB18030. A file that
is none of them is refused, also where its bytes happen to be letters in
GB18030: a wrong guess would turn every name in it into another one without a
word. What the text says is for `delimited`.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from smskit.audience.segment.usual import USUAL
from smskit.errors import SegmentError
from smskit.i18n import Message, mark, os_words

_AROUND_BYTES: Final = 1 << 16  # on either side of a damaged spot, enough text to recognise an encoding by
_LINE_BYTES: Final = 32 << 20  # without a line break in them; lines up to twice as long may pass

_NOT_THAT: Final = {
    "utf-8": mark(
        "row {n} holds bytes that are not UTF-8, which the rest of the file is; save the file again as UTF-8"
    ),
    "utf-16": mark(
        "row {n} holds bytes that are not UTF-16, which its first bytes promise; save the file again as UTF-8"
    ),
    "gb18030": mark("row {n} holds bytes that are not UTF-8, nor GB18030; save the file again as UTF-8"),
}


def read_utf8(path: Path) -> pa.Buffer:
    """Return the text of a file as UTF-8 without byte order mark; a file that is UTF-8 is not copied."""
    data = _mapped(path)
    _demand_lines(data)
    first = data.slice(0, min(3, data.size)).to_pybytes()
    if first == codecs.BOM_UTF8:
        data = data.slice(3)
    if _is_utf8(data):  # which UTF-16 with its mark never is
        return data
    raw = data.to_pybytes()
    encoding = _encoding(first, raw)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        row = _row_at(raw[: error.start].decode(encoding, "ignore"))
        raise SegmentError(Message(_NOT_THAT[encoding], n=row)) from None
    if encoding == "gb18030" and (other := _utf8_row(raw)):
        words = mark("row {n} is UTF-8, and others are GB18030; save the whole file again as UTF-8")
        raise SegmentError(Message(words, n=other))
    if encoding == "gb18030" and _is_chance(raw, text):
        raise SegmentError(
            "is in none of the encodings that are read (UTF-8, UTF-16 with its mark, GB18030): its "
            "letters make no sense as GB18030; save it as UTF-8"
        )
    return pa.py_buffer(text.encode())


def _mapped(path: Path) -> pa.Buffer:
    """Return the file's bytes, read only where they are needed."""
    try:
        # An empty file cannot be mapped.
        return pa.memory_map(str(path)).read_buffer() if path.stat().st_size else pa.py_buffer(b"")
    except OSError as error:
        why = os_words(error)
        raise SegmentError("cannot be read ({why})", why=why) from None


def _demand_lines(data: pa.Buffer) -> None:
    """Refuse a line that is longer than any table's: read, it would take many times its size."""
    letters = np.frombuffer(data, np.uint8)
    for start in range(0, len(letters) - _LINE_BYTES + 1, _LINE_BYTES):
        pieces = (letters[at : at + _AROUND_BYTES] for at in range(start, start + _LINE_BYTES, _AROUND_BYTES))
        if not any(((piece == ord("\n")) | (piece == ord("\r"))).any() for piece in pieces):
            raise SegmentError("has a line of more than {n} MB; is it a table of text?", n=_LINE_BYTES >> 20)


def _is_utf8(data: pa.Buffer) -> bool:
    # As an arrow array of one text, the bytes are checked where they are, without a copy.
    ends = pa.py_buffer(np.array([0, data.size], np.int64))
    try:
        pa.Array.from_buffers(pa.large_string(), 1, [None, ends, data]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _encoding(first: bytes, raw: bytes) -> str:
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8" if first == codecs.BOM_UTF8 or _was_utf8(raw) else "gb18030"


def _was_utf8(raw: bytes) -> bool:
    """
    Whether bytes that are not UTF-8 are UTF-8 with a damaged spot, rather than GB18030.

    GB18030 takes most UTF-8 for other Chinese characters, so one cut character
    would turn every name in the file into somebody else's without an error.
    """
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        around = raw[max(0, error.start - _AROUND_BYTES) : error.start + _AROUND_BYTES]
        text = around.decode(errors="replace")
        read = len(re.findall("[\u3400-\u9fff]", text))
        return 0 < read >= text.count("\ufffd")
    return True


_UTF8_ROW: Final = re.compile(
    rb"(?m)^(?=[\x00-\x09\x0b-\x7f]*[\xe4-\xe9])(?:[\x00-\x09\x0b-\x7f]|[\xe3-\xe9\xef][\x80-\xbf]{2})+$"
)


def _utf8_row(raw: bytes) -> int:
    """The first row of a file in GB18030 that was pasted in from one in UTF-8; 0 = none."""
    for row in _UTF8_ROW.finditer(raw):
        letters = _letters(row[0].decode(errors="replace"))
        if all(letter in USUAL or _MARK.match(letter) for letter in letters):
            return _row_at(raw[: row.start()].decode("gb18030", "ignore"))
    return 0


# Encodings that GB18030 takes for Chinese: how many letters it takes to recognise one, and the bytes of those
# in everyday use, from and to. No Chinese text keeps within them for long.
_EVERYDAY: Final = (
    ("cp950", 1, ((b"\xa1\x40", b"\xc6\x7e"),)),  # Big5
    ("cp932", 1, ((b"\x81\x40", b"\x98\x72"),)),  # Shift-JIS
    ("cp932", 16, ((b"\x81\x40", b"\x98\x72"), (b"\xa1", b"\xdf"))),  # and its half-width kana
    ("cp949", 1, ((b"\xa1\xa1", b"\xa3\xfe"), (b"\xb0\xa1", b"\xc8\xfe"))),  # EUC-KR
    ("euc_jp", 1, ((b"\xa1\xa1", b"\xa5\xf6"), (b"\xb0\xa1", b"\xcf\xd3"))),
    ("cp1251", 5, ((b"\xc0", b"\xff"),)),  # Cyrillic
)
_LETTER: Final = re.compile("[^\0-\x7f]")
_LOOKED_AT: Final = 200  # different letters


def _is_chance(raw: bytes, text: str) -> bool:
    """
    Whether *raw* makes a Chinese *text* only by chance.

    A rare name alone says nothing: there has to be an encoding in which all is
    in everyday use, or more rare letters than one file has.
    """
    letters = _letters(text)
    usual = sum(letter in USUAL or bool(_MARK.match(letter)) for letter in letters)
    if usual * 2 >= len(letters):
        return False
    # An accented letter of Latin-1 takes the next one with it; the bytes of GB18030 mostly come in twos.
    alone = re.finditer(rb"(?<![\x80-\xff])[\xc0-\xff](?![\x80-\xff])", raw)
    in_words = re.search(rb"[A-Za-z][\xc0-\xff](?=[A-Za-z])|[\xc0-\xff][A-Za-z]{2}", raw)
    high = len(raw.translate(None, bytes(range(0x80))))
    if in_words and sum(1 for _ in alone) * 10 >= high * 9:
        return True
    for codec, least, everyday in _EVERYDAY:
        codes = [letter.encode(codec, "replace") for letter in _letters(raw.decode(codec, "replace"))]
        fit = sum(any(first <= code <= last for first, last in everyday) for code in codes)
        if len(codes) >= least and fit * 10 >= len(codes) * 9:
            return True
    return len(letters) >= 20 and usual * 7 < len(letters)


def _letters(text: str) -> list[str]:
    """The first different letters of a text, but for those of ASCII."""
    found: dict[str, None] = {}
    for match in _LETTER.finditer(text):
        found[match[0]] = None
        if len(found) == _LOOKED_AT:
            break
    return list(found)


_MARK: Final = re.compile("[\u3000-\u303f\uff01-\uff5e“”‘’…—·￥\u0391-\u03c9\u0410-\u044f]")
"""What Chinese text has beside Chinese letters: punctuation, ASCII in full width, Greek, Cyrillic."""


def _row_at(text_before: str) -> int:
    """Return the row that begins or goes on after *text_before*; empty lines are not counted."""
    # A line break within quotes ends no row.
    plain = re.sub(r'"[^"]*("|$)', '""', text_before).lstrip("\r\n")
    return len(re.split(r"[\r\n]+", plain))
