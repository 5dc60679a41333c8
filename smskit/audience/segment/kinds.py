"""
What kind of file a segment is: by its first bytes where they tell, else by its name.

People rename files, and systems write text and web pages under a workbook's
name; what opens in Excel all the same is read, or refused in words.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Final, Literal

from smskit.audience.segment.location import FILE_KINDS
from smskit.errors import SegmentError
from smskit.i18n import Message, os_words

Kind = Literal["text", "xlsx", "parquet"]

_HEAD_BYTES: Final = 1 << 10
_WORKBOOK: Final = (b"PK\3\4", b"PK\5\6")  # a zip, which may be empty
_OLD_WORKBOOK: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # a compound file; so is an encrypted xlsx
_PARQUET: Final = b"PAR1"
_WEB_PAGE: Final = re.compile(
    rb"(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|table|meta|\?xml)\b", re.IGNORECASE
)
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SUFFIXES: Final[dict[str, Kind]] = {
    ".csv": "text",
    ".tsv": "text",
    ".txt": "text",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
}


def kind_of(path: Path) -> Kind:
    """
    Return which reader *path* needs.

    Raises:
        SegmentError: It cannot be read, or is of no kind that is read.
    """
    suffix = path.suffix.lower()
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        why = os_words(error)
        raise SegmentError("cannot be read ({why})", why=why) from None
    if head.startswith(_OLD_WORKBOOK):
        raise SegmentError(
            "is an old workbook (xls) or one with a password; open it in Excel or WPS and save it as "
            "xlsx, without a password"
        )
    if suffix not in _SUFFIXES:
        raise SegmentError(_no_kind(suffix))
    if _WEB_PAGE.match(head):
        raise SegmentError("is a web page, whatever its name; open it in Excel or WPS and save it as xlsx")
    if head.startswith(_WORKBOOK):
        return "xlsx"
    if head.startswith(_PARQUET):
        return "parquet"
    # Text under a workbook's name holds no zero byte, unless it begins with the mark of UTF-16.
    if suffix == ".xlsx" and head.strip() and (b"\0" not in head or head.startswith(_UTF_16)):
        return "text"
    return _SUFFIXES[suffix]


def _no_kind(suffix: str) -> Message:
    if not suffix:
        return Message("a segment needs a file extension; give {kinds}, or a database URL", kinds=FILE_KINDS)
    return Message(
        "`{name}` is no kind of segment; give {kinds}, or a database URL", name=suffix, kinds=FILE_KINDS
    )
