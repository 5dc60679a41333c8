"""
A text file's bytes, as UTF-8, whatever encoding they were saved in.

Recognised are UTF-8, UTF-16 by its byte order mark, and GB18030. A file that
is wholly none of them is refused: a wrong guess would turn every name in it
into another one without a word. What the text says is for `delimited`.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from smskit.errors import SegmentError
from smskit.i18n import Message, mark, os_words

_AROUND_BYTES: Final = 1 << 16  # on either side of a damaged spot, enough text to recognise an encoding by

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
    first = data.slice(0, min(3, data.size)).to_pybytes()
    if first == codecs.BOM_UTF8:
        data = data.slice(3)
    if _is_utf8(data):  # which UTF-16 with its mark never is
        return data
    raw = data.to_pybytes()
    encoding = _encoding(first, raw)
    try:
        return pa.py_buffer(raw.decode(encoding).encode())
    except UnicodeDecodeError as error:
        row = _row_at(raw[: error.start].decode(encoding, "ignore"))
    raise SegmentError(Message(_NOT_THAT[encoding], n=row))


def _mapped(path: Path) -> pa.Buffer:
    """Return the file's bytes, read only where they are needed."""
    try:
        # An empty file cannot be mapped.
        return pa.memory_map(str(path)).read_buffer() if path.stat().st_size else pa.py_buffer(b"")
    except OSError as error:
        why = os_words(error)
        raise SegmentError(Message("cannot be read ({why})", why=why)) from None


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


def _row_at(text_before: str) -> int:
    """Return the row that begins or goes on after *text_before*; empty lines are not counted."""
    # A line break within quotes ends no row.
    plain = re.sub(r'"[^"]*("|$)', '""', text_before).lstrip("\r\n")
    return len(re.split(r"[\r\n]+", plain))
