"""Row 21: files that are small and unpack to gigabytes are refused at once."""

from __future__ import annotations

import io
import random
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smskit.audience import segment
from smskit.audience.number_list import read_numbers
from smskit.audience.segment import delimited, encoding, parquet, workbook
from smskit.errors import SegmentError

MB = 1 << 20
OPEN = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
HEAD = f'{OPEN}<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>phone</t></is></c></row>'
TAIL = "</sheetData></worksheet>"
FAR = HEAD.replace("</row>", '<c r="XFD1" t="inlineStr"><is><t>far</t></is></c></row>')
SHEET, STYLES, STRINGS = "xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/sharedStrings.xml"


def workbook_with(
    path: Path, part: str, content: Iterator[bytes], compression: int = zipfile.ZIP_DEFLATED
) -> None:
    """Write a workbook with another *part*, whose content is packed as it comes."""
    book, sound = openpyxl.Workbook(), io.BytesIO()
    book.worksheets[0].append(["phone", "text"])
    book.save(sound)
    with zipfile.ZipFile(sound) as old, zipfile.ZipFile(path, "w", compression, compresslevel=1) as new:
        for name in old.namelist():
            if name != part:
                new.writestr(name, old.read(name), zipfile.ZIP_DEFLATED)
        with new.open(part, "w", force_zip64=True) as packed:
            for piece in content:
                packed.write(piece)


def repeated(head: str, piece: str, times: int, tail: str) -> Iterator[bytes]:
    yield head.encode()
    many = piece.encode() * 1000
    for _ in range(times // 1000):
        yield many
    yield tail.encode()


def noisy(head: str, piece: str, times: int, tail: str, *, bits: int = 64) -> Iterator[bytes]:
    """The same, each with a number of its own, so that it is not packed small."""
    draw = random.Random(21)
    yield head.encode()
    for _ in range(times):
        yield piece.format(draw.getrandbits(bits)).encode()
    yield tail.encode()


TEXT = f"{HEAD}<row><c t='inlineStr'><is><t>"
BOMBS: dict[str, tuple[str, Callable[[], Iterator[bytes]], str]] = {
    "6 million rows": (
        SHEET,
        lambda: repeated(HEAD, "<row><c><v>1</v></c></row>", 6_000_000, TAIL),
        "more rows, columns or cells",
    ),
    "rows to the last column": (
        SHEET,
        lambda: noisy(FAR, '<row><c r="XFD1"><v>{0}</v></c></row>', 2_000, TAIL),
        "",
    ),
    "a cell of 700 MB": (
        SHEET,
        lambda: repeated(TEXT, "0" * 1000, 700_000, f"</t></is></c></row>{TAIL}"),
        "unpack",
    ),
    "a cell of 16 MB": (
        SHEET,
        lambda: noisy(TEXT, "{0:01000x}", 16_000, f"</t></is></c></row>{TAIL}", bits=4000),
        "more rows, columns or cells",
    ),
    "styles of 40 MB": (STYLES, lambda: noisy("<a>", "{0:01000x}", 40_000, "</a>", bits=4000), "unpack to"),
    "a text for many cells": (
        SHEET,
        lambda: noisy(HEAD, f'<row><c t="inlineStr"><is><t>{"长" * 9_000}</t></is></c></row>', 20, TAIL),
        "",
    ),
    "nested": (SHEET, lambda: repeated(HEAD, "<x>", 100_000, TAIL), "more rows, columns or cells"),
    "entities": (
        SHEET,
        lambda: iter([b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]>', HEAD.encode(), TAIL.encode()]),
        "declares entities",
    ),
    "entities of styles": (STYLES, lambda: iter([b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>']), "entities"),
}


def refused(path: Path, says: str, seconds: float = 10) -> None:
    """Both readers refuse *path* in one sentence, soon; with no words, the segment is read."""
    began = time.process_time()
    for read in (lambda: segment.load(str(path)), lambda: read_numbers(path)):
        if says:
            with pytest.raises(SegmentError, match=says) as caught:
                read()
            assert "\n" not in str(caught.value)
        else:
            read()
    assert time.process_time() - began < seconds


@pytest.mark.parametrize(("part", "content", "says"), BOMBS.values(), ids=BOMBS)
def test_row_21_workbooks(
    tmp_path: Path, part: str, content: Callable[[], Iterator[bytes]], says: str
) -> None:
    """A workbook is refused by what it states, or as soon as one of its pieces is too large."""
    workbook_with(tmp_path / "bomb.xlsx", part, content())
    refused(tmp_path / "bomb.xlsx", says)


def test_row_21_shared_texts_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long text that many cells share counts for each of them."""
    monkeypatch.setattr(workbook, "_MAX_LETTERS", 1_000_000)
    book = openpyxl.Workbook()
    for row in ["phone", *["长" * 30_000] * 40]:
        book.worksheets[0].append([row])
    book.save(tmp_path / "bomb.xlsx")
    refused(tmp_path / "bomb.xlsx", "more rows, columns or cells")


def test_row_21_nothing_is_kept_of_what_goes_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elements that nobody asks for are counted and dropped, before the rows, between and after them."""
    junk = "<x/>" * 1000
    part = (
        f"{OPEN}{junk}{HEAD.removeprefix(OPEN)}{junk}<row><c><v>1</v></c>{junk}</row></sheetData></worksheet>"
    )
    held = {len(element) for element in workbook.pieces(io.BytesIO(part.encode()), {f"{workbook.MAIN}c"})}

    assert held == {0, 1}
    workbook_with(tmp_path / "junk.xlsx", SHEET, iter([part.encode()]))
    assert segment.load(str(tmp_path / "junk.xlsx"))["phone"].tolist() == ["1"]
    monkeypatch.setattr(workbook, "_MAX_PIECES", 2_000)
    refused(tmp_path / "junk.xlsx", "more rows, columns or cells")


def test_row_21_other_compression(tmp_path: Path) -> None:
    """Parts that no spreadsheet program packs so, and that cannot be unpacked bit by bit, are refused."""
    for compression in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        workbook_with(
            tmp_path / "bomb.xlsx", SHEET, repeated(HEAD, " " * 1000, 10_000, TAIL), compression=compression
        )
        refused(tmp_path / "bomb.xlsx", "cannot be read as xlsx")


# --- parquet

LONG = "长" * 40_000


def test_row_21_parquet_of_one_long_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One text of 120 KB that stands in many rows takes 120 KB in the file, and counts for each of them."""
    monkeypatch.setattr(parquet, "_MAX_BYTES", 32 * MB)
    path = tmp_path / "bomb.parquet"
    for kind in (pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())):
        column = pa.array(["1", *[LONG] * 500], kind)
        pq.write_table(pa.table({"phone": column, "other": ["x"] * 501}), path)
        assert path.stat().st_size < MB // 4
        assert segment.load(str(path), columns=["other"])["other"].tolist() == ["x"] * 501
        refused(path, "would unpack to")
    few = pa.array(["北京", None, "上海"] * 500)
    pq.write_table(pa.table({"city": few}), path)
    assert segment.load(str(path))["city"].fillna("").tolist() == ["北京", "", "上海"] * 500


def test_row_21_parquet_states_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the file states of rows and bytes is looked at first, of the columns that are read."""
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"phone": ["1"] * 1000, "a.b": [str(n) * 9 for n in range(1000)]}), path)
    monkeypatch.setattr(parquet, "_MAX_CELLS", 1_000)
    assert len(segment.load(str(path), columns=["phone"])) == 1000
    with pytest.raises(SegmentError, match="2,000 cells"):
        segment.load(str(path))
    monkeypatch.setattr(parquet, "_MAX_CELLS", 2_000)
    monkeypatch.setattr(parquet, "_MAX_BYTES", 10_000)
    assert segment.load(str(path), columns=["phone"])["phone"].tolist() == ["1"] * 1000
    with pytest.raises(SegmentError, match="would unpack to"):
        segment.load(str(path))


# --- text


@pytest.mark.parametrize("piece", ["0", ",", '"', "长"], ids=["cell", "columns", "quotes", "letters"])
def test_row_21_a_line_without_end(tmp_path: Path, piece: str) -> None:
    """A line of 70 MB is refused before it is taken apart, in any encoding."""
    letters = piece.encode("gb18030")
    (tmp_path / "bomb.csv").write_bytes(b"phone\n" + letters * (70 * MB // len(letters)))
    refused(tmp_path / "bomb.csv", "has a line of more than 32 MB")


def test_row_21_lines_up_to_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is one of lines, not of files, whatever ends them."""
    monkeypatch.setattr(encoding, "_LINE_BYTES", 1 << 17)
    for end in ("\n", "\r\n", "\r"):
        (tmp_path / "a.csv").write_bytes(f"phone,a{end}".encode() + f"1,{'x' * 100_000}{end}".encode() * 20)
        assert len(segment.load(str(tmp_path / "a.csv"))) == 20
    (tmp_path / "a.csv").write_bytes(b"phone,a\n1," + b"x" * (1 << 18) + b"\n")
    with pytest.raises(SegmentError, match="has a line"):
        segment.load(str(tmp_path / "a.csv"))


def test_row_21_a_row_of_many_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quoted cell that goes on over short lines has a limit, too; rows after it are counted as before."""
    monkeypatch.setattr(delimited, "_BLOCK_BYTES", 1 << 16)
    monkeypatch.setattr(delimited, "_MAX_BLOCK_BYTES", 1 << 18)
    path = tmp_path / "a.csv"
    path.write_text('phone,a\n1,"' + "line\n" * 200_000 + '"\n', encoding="utf-8")
    with pytest.raises(SegmentError, match="has a row of more than 0 MB"):
        segment.load(str(path))
    path.write_text("phone,a\n" + "1,x\n" * 200_000 + "1\n", encoding="utf-8")
    with pytest.raises(SegmentError, match="row 200002 has 1 cell"):
        segment.load(str(path))


def test_row_21_columns(tmp_path: Path) -> None:
    """More columns than a sheet has are refused."""
    (tmp_path / "a.csv").write_text(f"phone{',' * 16_384}\n1\n", encoding="utf-8")
    with pytest.raises(SegmentError, match="has more than 16,384 columns"):
        segment.load(str(tmp_path / "a.csv"))
