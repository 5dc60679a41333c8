"""
A workbook's parts, within limits: a small file can unpack to gigabytes.

Owns what is unpacked, and how much of it is in memory at once. openpyxl makes
trees of the small parts; sheets and their texts go by piece by piece here. What
a sheet says is for `excel`.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, NamedTuple
from xml.etree.ElementTree import iterparse

from smskit.errors import SegmentError

__all__ = ["MAIN", "SheetPart", "Workbook", "opened", "pieces", "too_large"]

MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
MAX_CELLS: Final = 30_000_000  # rows times columns read; some 2 GB

_MAX_BYTES: Final = 2 << 30  # of all parts
_MAX_RATIO: Final = 200  # of a large part's size to its size in the file; programs that write sheets reach 50
_LARGE_BYTES: Final = 16 << 20
_MAX_TREE_BYTES: Final = 32 << 20  # of a part that is read whole; Excel's most styles take half of it
_MAX_PIECE_BYTES: Final = 8 << 20  # of one cell; Excel's longest has 32,767 letters
_MAX_PIECES: Final = 2 * MAX_CELLS + (1 << 21)
_MAX_DEPTH: Final = 32  # of elements; a cell's text is the seventh
_MAX_LETTERS: Final = 500_000_000  # of all texts
_COMPRESSION: Final = (
    zipfile.ZIP_STORED,
    zipfile.ZIP_DEFLATED,
)  # of OPC; others cannot be unpacked bit by bit
_ENTITIES: Final = b"<!DOCTYPE"  # no part of a workbook declares any


class SheetPart(NamedTuple):
    title: str
    is_visible: bool
    part: str


class Workbook:
    """The sheets, the texts that they share, and the styles, for which openpyxl's own workbook stands."""

    def __init__(self, file: IO[bytes]) -> None:
        # Whole before any part of it: a thread that begins with a part can meet the half that another has.
        import openpyxl  # noqa: F401
        from openpyxl.cell.text import Text
        from openpyxl.reader.excel import ExcelReader
        from openpyxl.styles.stylesheet import apply_stylesheet
        from openpyxl.xml.constants import SHARED_STRINGS

        self._parts = _Parts(file)
        reader: Any = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
        reader.archive = self._parts
        reader.read_manifest()
        reader.read_workbook()
        apply_stylesheet(self._parts, reader.wb)
        self.styles: Any = reader.wb
        self.sheets = [
            SheetPart(sheet.name, sheet.state == "visible", rel.target)
            for sheet, rel in reader.parser.find_sheets()
            if rel.target in reader.valid_files and "chartsheet" not in rel.Type
        ]
        self.texts: list[str] = []
        shared = reader.package.find(SHARED_STRINGS)
        if shared is not None:
            letters = 0
            with self.open(shared.PartName[1:]) as source:
                for element in pieces(source, {f"{MAIN}si"}):
                    if element.tag == f"{MAIN}si":
                        self.texts.append(Text.from_tree(element).content)
                        letters = demand_letters(letters, self.texts[-1])

    def open(self, part: str) -> IO[bytes]:
        return self._parts.open(part)

    def demand_rows(self, sheet: SheetPart, most: int) -> None:
        """Refuse a sheet of more rows than *most* before they are parsed, which takes far longer."""
        rows = 0
        if self._parts.getinfo(sheet.part).file_size > _LARGE_BYTES:
            with self.open(sheet.part) as source:
                while piece := source.read(_MAX_PIECE_BYTES):
                    rows += piece.count(b"<row")
                    if rows > most:
                        raise too_large()


@contextmanager
def opened(path: Path) -> Iterator[Workbook]:
    """Open a workbook; whatever its readers raise comes out as a `SegmentError`."""
    try:
        # openpyxl warns of styles and validations it leaves out; no cell is among them.
        with path.open("rb") as file, warnings.catch_warnings(action="ignore"):
            yield Workbook(file)
    except SegmentError:
        raise
    except Exception as error:  # openpyxl raises whatever its zip and XML readers do
        raise SegmentError(
            "cannot be read as xlsx ({kind}); is it protected by a password, or another format?",
            kind=type(error).__name__,
        ) from None


class _Parts(zipfile.ZipFile):
    """The parts, refused where they say themselves that they are larger than any program writes them."""

    # No more than is stated here is ever unpacked, whatever the parts hold.
    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        parts = self.infolist()
        if any(part.compress_type not in _COMPRESSION for part in parts):
            raise zipfile.BadZipFile
        for part in parts:
            if part.file_size > _LARGE_BYTES and part.file_size > _MAX_RATIO * part.compress_size:
                raise _unpacks_to(part.file_size)
        if (total := sum(part.file_size for part in parts)) > _MAX_BYTES:
            raise _unpacks_to(total)

    def read(self, name: str | zipfile.ZipInfo, pwd: bytes | None = None) -> bytes:
        """Return a part of which a tree is made, which takes many times its size."""
        size = (name if isinstance(name, zipfile.ZipInfo) else self.getinfo(name)).file_size
        if size > _MAX_TREE_BYTES:
            raise _unpacks_to(size)
        content = super().read(name, pwd)
        _refuse_entities(content)
        return content


def pieces(source: IO[bytes], whole: Collection[str]) -> Iterator[Any]:
    """
    Each element of a part as it closes, but for what is within one of *whole*, which comes with all it holds.

    Nothing is kept of what went by.

    Raises:
        SegmentError: One piece is larger, or there are more of them, than are read of a workbook.
    """
    counted = _Counted(source)
    path: list[Any] = []
    within = n = 0
    for event, element in iterparse(counted, ("start", "end")):
        counted.has_begun = True
        if event == "start":
            path.append(element)
            within += element.tag in whole
            if len(path) > _MAX_DEPTH:
                raise too_large()
            continue
        path.pop()
        within -= element.tag in whole
        if not within:
            counted.since = 0
            n += 1
            if n > _MAX_PIECES:
                raise too_large()
            yield element
            if path:
                del path[-1][:]  # its parent keeps its own attributes


class _Counted:
    """Bytes for the parser, as long as something comes of them."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._head = b""
        self.has_begun = False
        self.since = 0  # bytes, since the last piece

    def read(self, n: int = -1) -> bytes:
        if self.since > _MAX_PIECE_BYTES:
            raise too_large()
        data = self._source.read(n)
        self.since += len(data)
        if not self.has_begun:  # what declares entities comes before the first element
            self._head += data
            _refuse_entities(self._head)
        return data


def _refuse_entities(content: bytes) -> None:
    if _ENTITIES in content.replace(b"\0", b""):  # of UTF-16
        raise SegmentError("declares entities, which no workbook does; save it again as xlsx")


def demand_letters(letters: int, text: str) -> int:
    """Return how many *letters* there are with those of *text*; refuse more than are read of a workbook."""
    letters += len(text)
    if letters > _MAX_LETTERS:
        raise too_large()
    return letters


def too_large() -> SegmentError:
    return SegmentError(
        "has more rows, columns or cells than are read of a workbook ({n:,} cells); save what is needed "
        "of it as csv",
        n=MAX_CELLS,
    )


def _unpacks_to(size: int) -> SegmentError:
    return SegmentError(
        "would unpack to {n:,} MB, which is more than is read of a workbook; save what is needed of "
        "it as csv",
        n=size >> 20,
    )
