"""``smskit.audience.segment``: every row of the source is in the frame, or the source is refused."""

from __future__ import annotations

import csv
import io
import re
import runpy
import sqlite3
import subprocess
import sys
import traceback
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smskit.audience import phones, segment
from smskit.audience.segment.database import scrubbed
from smskit.audience.segment.delimited import BLANKS
from smskit.errors import SegmentError
from smskit.message import parts
from smskit.models import Reason
from tests.profiles import examples

SAMPLES = Path(__file__).parent.parent / "sample_segments"

ROWS = [
    ["user_id", "phone", "姓名"],
    ["007", "13800000001", "张伟"],
    ["1e5", "+8613800000002", "NA"],
    ["1.0", "", "a,b;c\td"],
    ["12345678901234567890", "０１３", '外号"老王"\n第二行'],
]
EXPECTED = [[cell or None for cell in row] for row in ROWS[1:]]


def as_csv(rows: list[list[str]], delimiter: str = ",", end: str = "\n") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(rows)
    return text.getvalue()


def cells(frame: pd.DataFrame) -> list[list[object]]:
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


def saved(folder: Path, content: str | bytes, name: str = "people.csv") -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def book(folder: Path, rows: list[list[object]], name: str = "people.xlsx") -> str:
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    made.save(folder / name)
    return str(folder / name)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "people.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table people (user_id integer, phone, name text, spend real, age integer)")
        connection.executemany(
            "insert into people values (?, ?, ?, ?, ?)",
            [(2**60 + 1, 13800000001, "张%伟", 1.5, 30), (2, 13800000002.0, None, 2.0, None)],
        )
    connection.close()
    return path


# --- csv


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_csv_reads_alike(tmp_path: Path, encoding: str, delimiter: str, end: str) -> None:
    """Encoding, delimiter and line ends change nothing about what is read."""
    source = saved(tmp_path, as_csv(ROWS, delimiter, end).encode(encoding))

    frame = segment.load(source)

    assert list(frame.columns) == ROWS[0]
    assert cells(frame) == EXPECTED
    assert set(map(str, frame.dtypes)) == {"str"}


def test_utf_16_big_endian(tmp_path: Path) -> None:
    """UTF-16 is read in either byte order, told by its mark."""
    source = saved(tmp_path, b"\xfe\xff" + as_csv(ROWS).encode("utf-16-be"))

    assert cells(segment.load(source)) == EXPECTED


@pytest.mark.parametrize("name", ["people.csv", "people.tsv", "people.txt", "PEOPLE.CSV"])
def test_kinds_of_text_file(tmp_path: Path, name: str) -> None:
    """The delimiter is told from the header, whatever the file is called."""
    assert cells(segment.load(saved(tmp_path, as_csv(ROWS, "\t"), name))) == EXPECTED
    assert cells(segment.load(saved(tmp_path, as_csv(ROWS, ","), name))) == EXPECTED


@pytest.mark.parametrize(
    "cell",
    [
        "007",
        "13800000000",
        "13800000000.0",
        "1.38E+10",
        "+8613800000000",
        " 138 0000 0000 ",
        "１３８００００００００",
        "12345678901234567890123",
        "'13800000000",
        "NA",
        "nan",
        "None",
        "null",
        "NULL",
        "N/A",
        "#N/A",
        "true",
        "1,000",
        "2026-11-22",
        "inf",
        "-0",
    ],
)
def test_cells_stay_text(tmp_path: Path, cell: str) -> None:
    """What a cell says is never taken for a number, a date, or nothing."""
    frame = segment.load(saved(tmp_path, as_csv([["phone", "x"], [cell, "1"]])))

    assert cells(frame) == [[cell, "1"]]


@pytest.mark.parametrize(
    "blank", ["", " ", "\t", "\u3000", "\xa0", ",,", " , , ", "\u3000,\xa0,", '"","",""', "\x1a"], ids=repr
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=repr)
def test_lines_that_look_empty_are_no_rows(tmp_path: Path, blank: str, end: str) -> None:
    """Wherever they stand: above the names, among the people, at the end; within a cell they stay."""
    lines = [blank, "user_id,phone,name", "", "u1,1,甲", blank, blank, f'u2,2,"a{end}{end}x"', blank]
    frame = segment.load(saved(tmp_path, end.join(lines)))

    assert cells(frame) == [["u1", "1", "甲"], ["u2", "2", f"a{end}{end}x"]]


@pytest.mark.parametrize("text", [",", ",,\n , \n", '"",""\n', "\t\t\n", "sep=;\n;;\n", "\x1a", "\u3000\n"])
def test_a_file_that_shows_nothing_is_empty(tmp_path: Path, text: str) -> None:
    """Delimiters, blanks and empty quotes name no columns."""
    with pytest.raises(SegmentError, match="is empty; the first row must name the columns"):
        segment.load(saved(tmp_path, text))


def test_lines_of_one_column(tmp_path: Path) -> None:
    """Of a list of phones a line of blanks is none either, an empty cell in quotes is one."""
    frame = segment.load(saved(tmp_path, 'phone\n1\n\n  \n""\n2\n'))

    assert cells(frame) == [["1"], [None], ["2"]]


def test_empty_cell_is_missing(tmp_path: Path) -> None:
    """An empty cell is missing, quoted or not; blanks are text."""
    frame = segment.load(saved(tmp_path, 'phone,a,b\n1,,""\n2, ,x\n'))

    assert cells(frame) == [["1", None, None], ["2", " ", "x"]]


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8), min_size=2, max_size=2
        )
    ),
    delimiter=st.sampled_from(",;\t"),
)
def test_any_text_comes_back(tmp_path: Path, rows: list[list[str]], delimiter: str) -> None:
    """Whatever the csv module writes is read back, cell by cell, but for rows that show nothing."""
    source = saved(tmp_path, as_csv([["a", "b"], *rows], delimiter, "\r\n"))
    shown = [row for row in rows if any(cell.strip(BLANKS) for cell in row)]

    assert cells(segment.load(source)) == [[cell or None for cell in row] for row in shown]


def test_one_column(tmp_path: Path) -> None:
    """A file of nothing but phones needs no delimiter."""
    assert cells(segment.load(saved(tmp_path, "phone\n13800000000\n\n13800000001"))) == [
        ["13800000000"],
        ["13800000001"],
    ]


@pytest.mark.parametrize("text", ["phone,name", "phone,name\n", "\n\nphone,name\r\n\r\n"])
def test_no_rows_is_legal(tmp_path: Path, text: str) -> None:
    """A header alone is an empty segment with its columns."""
    frame = segment.load(saved(tmp_path, text))

    assert frame.shape == (0, 2)
    assert set(map(str, frame.dtypes)) == {"str"}


@pytest.mark.parametrize(
    "text", ["phone,,name,\n1,,x,\n,,,\n2,,y,\n", "phone,,name,\n", ' ,phone,"",name\n"",1,,x\n,2,,y\n']
)
@pytest.mark.parametrize("wanted", [None, ["name"]])
def test_columns_without_anything_are_none(tmp_path: Path, text: str, wanted: list[str] | None) -> None:
    """Columns without a name and without a cell, which spreadsheets leave in a csv, are not there."""
    frame = segment.load(saved(tmp_path, text), columns=wanted)

    assert list(frame.columns) == (wanted or ["phone", "name"])
    assert frame["name"].tolist() == (["x", "y"] if len(frame) else [])


def test_header_is_tidied(tmp_path: Path) -> None:
    """Invisible characters around names go; a quoted name may hold the delimiter or a line break."""
    frame = segment.load(saved(tmp_path, '\ufeff phone ,"a,b;c;d","two\nlines",\u3000姓名\u200b\n1,2,3,4\n'))

    assert list(frame.columns) == ["phone", "a,b;c;d", "two\nlines", "姓名"]
    assert cells(frame) == [["1", "2", "3", "4"]]


def test_cell_longer_than_a_block(tmp_path: Path) -> None:
    """A cell of several megabytes is read whole."""
    long = "长" * (3 << 20)
    frame = segment.load(saved(tmp_path, f"phone,a\n1,{long}\n2,x\n"))

    assert cells(frame) == [["1", long], ["2", "x"]]


REFUSED_CSV = {
    "no bytes": ("", "is empty"),
    "blank lines": ("\n \n", "is empty"),
    "duplicate name": ("phone,a,phone\n1,2,3\n", "2 columns are named `phone`"),
    "duplicate but for blanks": ("phone, phone\n1,2\n", "2 columns are named `phone`"),
    "no name": ("phone,,a\n1,2,3\n", "column 2 has no name"),
    "no last name": ("phone,a,\n1,2,\n3,4,x\n", "column 3 has no name"),
    "endless first row": ("phone," + ",".join(f"column {n}" for n in range(9000)), "longer than 64 KiB"),
    "short row": ("phone,a\n1,2\n3\n", "row 3 has 1 cell, and row 1 names 2"),
    "long row": ("phone,a\n\n1,2\n1,2,3\n", "row 3 has 3 cells, and row 1 names 2"),
    "row after a line break": ('phone,a\n1,"x\ny"\n3,4,5\n', "row 3 has 3 cells"),
    "quote open to the end": ('phone,a\n1,"Tom\n2,x\n3,y\n', "row 2: a quote is opened"),
    "quote open to the next": ('phone,a\n1,"Tom\n2,"Ann\n3,y\n', "row 2: a quote is opened"),
    "quote open to a quoted cell": ('phone,a\n1,x\n2,"Tom\n3,"Ann"\n4,y\n', "row 3: a quote is opened"),
    "quote open, later row ragged": ('phone,a\n1,x\n2,"Tom\n3,"Ann, Lee"\n4,y\n', "row 3: a quote is opened"),
    "quote open in the header": ('"phone,a\n1,2\n', "row 1: a quote is opened"),
    "no header": ("13800000000,张伟\n13800000001,李华\n", "the first row must name the columns"),
    "no header, one column": ("+86 138-0000-0000\n", "the first row must name the columns"),
    "utf-16 unmarked": ("p\0h\0o\0n\0e\0", "not a text file"),
    "utf-8 cut": ("phone,a\n1,张\n2,伟".encode()[:-1], "row 3 holds bytes that are not UTF-8"),
    "utf-8 marked": (b"\xef\xbb\xbfphone,a\n1,\xff\n", "row 2 holds bytes that are not UTF-8"),
    "neither": (b'phone,a\n1,"x\n\ny"\n\n2,\xff\xff\n', "row 3 holds bytes that are not UTF-8, nor GB18030"),
    "utf-16 cut": (
        b"\xff\xfe" + "phone,a\n1,2\n".encode("utf-16-le") + b"\x00\xd8",
        "row 3 holds bytes that are not UTF-16",
    ),
}


@pytest.mark.parametrize(("text", "says"), REFUSED_CSV.values(), ids=REFUSED_CSV)
def test_csv_refused(tmp_path: Path, text: str | bytes, says: str) -> None:
    """A file that cannot be read whole is refused, with the place and without any cell."""
    with pytest.raises(SegmentError, match=r"people\.csv: ") as caught:
        segment.load(saved(tmp_path, text))

    assert says in str(caught.value)
    assert "13800000" not in chain(caught.value)
    assert "Tom" not in chain(caught.value)


def test_ragged_row_far_down(tmp_path: Path) -> None:
    """The row is named however far down, past the pieces threads read."""
    text = "phone,a\n" + "13800000000,x\n" * 700_000 + "13800000000,x,y\n" + "13800000000,x\n" * 700_000

    with pytest.raises(SegmentError, match="row 700002 has 3 cells") as caught:
        segment.load(saved(tmp_path, text))

    assert "13800000000" not in chain(caught.value)


def test_line_breaks_keep_every_row(tmp_path: Path) -> None:
    """Cells with line breaks cost nobody: as many rows come out as went in."""
    rows = [["phone", "a"], *([str(n), "第一行\n第二行" if n % 3 else 'x"'] for n in range(2000))]

    assert cells(segment.load(saved(tmp_path, as_csv(rows)))) == rows[1:]


def test_damaged_utf_8_is_not_taken_for_gb18030(tmp_path: Path) -> None:
    """One cut character does not turn all the names into other Chinese."""
    damaged = as_csv(ROWS * 3).encode().replace("张伟".encode(), "张伟".encode()[:-1], 1)

    with pytest.raises(SegmentError, match="row 2 holds bytes that are not UTF-8"):
        segment.load(saved(tmp_path, damaged))


# --- columns


@pytest.fixture(params=["people.csv", "people.parquet", "people.xlsx", "sql"])
def any_kind(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    frame = pd.DataFrame(ROWS[1:], columns=ROWS[0])
    path = tmp_path / str(request.param)
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".parquet":
            frame.to_parquet(path)
        case ".xlsx":
            frame.to_excel(path, index=False)
        case _:
            with sqlite3.connect(tmp_path / "x.db") as connection:
                frame.to_sql("people", connection, index=False)
            connection.close()
            return {"source": f"sqlite:///{tmp_path / 'x.db'}", "query": "select * from people"}
    return {"source": str(path)}


def test_only_asked_columns(any_kind: dict[str, str]) -> None:
    """Of any kind of source only the columns asked for are read, in the source's order."""
    frame = segment.load(**any_kind, columns={"姓名", "user_id"})

    assert list(frame.columns) == ["user_id", "姓名"]
    assert cells(frame) == [[row[0], row[2]] for row in EXPECTED]


def test_unknown_column(any_kind: dict[str, str]) -> None:
    """An unknown column is refused with the nearest known one and all of them."""
    with pytest.raises(SegmentError) as caught:
        segment.load(**any_kind, columns=["phone", "user_idd"])

    assert "no column `user_idd`; did you mean `user_id`? Its columns are `user_id`, `phone`, `姓名`" in str(
        caught.value
    )


def test_no_columns_asked(any_kind: dict[str, str]) -> None:
    """Asking for no column at all is a mistake, not an empty frame."""
    with pytest.raises(SegmentError, match="no columns were asked for"):
        segment.load(**any_kind, columns=[])


def test_csv_does_not_read_other_columns(tmp_path: Path) -> None:
    """Columns that were not asked for still count towards a whole row."""
    with pytest.raises(SegmentError, match="row 2 has 2 cells"):
        segment.load(saved(tmp_path, "phone,a,b\n1,2\n"), columns=["phone"])


@pytest.mark.parametrize("breaks", ["", "\n", "\r\n"])
@pytest.mark.parametrize("letters", [1 << 16, 131_073, 9 << 20])
def test_cells_of_any_size(tmp_path: Path, letters: int, breaks: str) -> None:
    """A long cell is read, with a line break in it or without."""
    cell = f"{'长' * (letters // 3)}{breaks}尾"
    frame = segment.load(saved(tmp_path, f'user_id,note,name\nu1,"{cell}",张三\nu2,x,李四\n'))

    assert cells(frame) == [["u1", cell, "张三"], ["u2", "x", "李四"]]


@pytest.mark.parametrize("wanted", [None, ["phone"], ["phone", "name"]])
def test_rows_of_delimiters_are_no_rows(tmp_path: Path, wanted: list[str] | None) -> None:
    """A row without any cell is none; one that is empty only in the columns asked for is one."""
    text = 'user_id,phone,name\nu1,1,a\n,,\nu2,,\n,,\n"","",\n,,c\n,,\n'
    frame = segment.load(saved(tmp_path, text), columns=wanted)

    assert cells(frame[["phone"]]) == [["1"], [None], [None]]
    assert frame.index.tolist() == [0, 1, 2]


@pytest.mark.parametrize("hint", ["sep=;\n", "sep=;\r\n", '"sep=;"\n', "SEP=;\n", "\ufeffsep=;\n"])
def test_separator_line_is_no_heading(tmp_path: Path, hint: str) -> None:
    """The line that tells Excel the separator is followed, and is neither heading nor row."""
    frame = segment.load(saved(tmp_path, hint + "a,x;b\n1,0;2\n"))

    assert (list(frame.columns), cells(frame)) == (["a,x", "b"], [["1,0", "2"]])


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
@pytest.mark.parametrize(
    ("heading", "asked"),
    [
        ("手机\xa0号", "手机 号"),
        ("手机 号", "手机\xa0号"),
        ("手机  号", "手机 号"),
        ("手机\u3000号", "手机 号"),
        ("手机\n号", "手机 号"),
        ("nam\u0065\u0301", "nam\xe9"),
        ("nam\xe9", "nam\u0065\u0301"),
        ("手机\u200b号", "手机号"),
    ],
)
def test_headings_that_look_the_same(tmp_path: Path, kind: str, heading: str, asked: str) -> None:
    """A heading that differs only in blanks or composition is the one asked for, and is text if asked."""
    source = str(tmp_path / f"people.{kind}")
    if kind == "csv":
        saved(tmp_path, f'"{heading}",x\n13800000001,1\n')
    elif kind == "xlsx":
        book(tmp_path, [[heading, "x"], [13800000001, 1]])
    else:
        pq.write_table(pa.table({heading: [13800000001], "x": [1]}), source)
    frame = segment.load(source, columns=[asked], text_columns=[asked])

    assert (list(frame.columns), cells(frame)) == ([asked], [["13800000001"]])


def test_exact_heading_comes_first(tmp_path: Path) -> None:
    """Of two headings that look the same the exact one is taken; without one, neither."""
    source = saved(tmp_path, "a b,a\xa0b\n1,2\n")

    assert cells(segment.load(source, columns=["a\xa0b"])) == [["2"]]
    with pytest.raises(SegmentError, match="no column `a  b`"):
        segment.load(source, columns=["a  b"])


# --- xlsx


def test_xlsx_text_and_natural_types(tmp_path: Path) -> None:
    """Text columns are digits as people write them; others keep their kind, mixed ones are text."""
    at = datetime(2026, 11, 22, 8, 30)
    head = ["phone", "user_id", "whole", "some", "real", "yes", "at", "mixed", "none", "name"]
    source = book(
        tmp_path,
        [
            head,
            [13800000000, 1, 1, 7, 1.5, True, at, 1, None, "张伟"],
            [13800000001.0, "007", 2, None, 2, False, None, "x", None, "NA"],
            ["+86 138", None, 3, 8, None, True, datetime(2026, 1, 1), datetime(2026, 1, 1), None, "#N/A"],
        ],
    )

    frame = segment.load(source)

    assert cells(frame[["phone", "user_id"]]) == [
        ["13800000000", "1"],
        ["13800000001", "007"],
        ["+86 138", None],
    ]
    assert cells(frame[["mixed", "name"]]) == [["1", "张伟"], ["x", "NA"], ["2026-01-01", None]]
    assert [str(frame[name].dtype) for name in head] == (
        ["str", "str", "int64", "Int64", "float64", "bool", "datetime64[us]", "str", "str", "str"]
    )
    assert frame["at"][0] == pd.Timestamp(at)


def test_xlsx_empty_rows_and_columns(tmp_path: Path) -> None:
    """Rows and columns without name or cell, left behind by formatting, are not there."""
    source = book(
        tmp_path, [[], ["phone", " name ", None], [None, None, None], [13800000000, "x"], ["", None], [None]]
    )

    frame = segment.load(source)

    assert list(frame.columns) == ["phone", "name"]
    assert cells(frame) == [["13800000000", "x"]]


def test_xlsx_shows_zeros_as_the_sheet_does(tmp_path: Path) -> None:
    """A format of zeros fills a whole number up; other formats, fractions and texts stay as they are."""
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.append(["code", "other", "text"])
    for row, (code, other, text) in enumerate(
        [(42, 7, "a"), (1234567, 8, "b"), (-5, 9, "_x005F_x"), (0, 1, "c")], 2
    ):
        sheet.append([code, other, text])
        sheet.cell(row, 1).number_format = "000000"
        sheet.cell(row, 2).number_format = "0"
    made.save(tmp_path / "zeros.xlsx")
    frame = segment.load(str(tmp_path / "zeros.xlsx"))

    assert cells(frame) == [["000042", 7, "a"], ["1234567", 8, "b"], ["-000005", 9, "_x"], ["000000", 1, "c"]]


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("张三_x000D_", "张三\r"),
        ("a_x000A_b", "a\nb"),
        ("_x4E2D_", "中"),
        ("_xD83D__xDE00_", "😀"),
        ("a_xD83D_", "a\ufffd"),
        ("a_x1_b", "a_x1_b"),
    ],
)
def test_xlsx_escapes(tmp_path: Path, stored: str, read: str) -> None:
    """Letters that a workbook holds as escapes are the letters."""
    assert cells(segment.load(book(tmp_path, [["name"], [stored]]))) == [[read]]


def test_xlsx_wrong_extent(tmp_path: Path) -> None:
    """A sheet whose file gives a wrong extent, as some programs write, is still read to its end."""
    made = book(tmp_path, [["phone", "name"], [1, "x"], [2, "y"]])
    source = tmp_path / "wrong.xlsx"
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(source, "w") as new:
        for name in old.namelist():
            new.writestr(name, re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1"', old.read(name)))

    assert cells(segment.load(str(source))) == [["1", "x"], ["2", "y"]]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "has no visible sheet with a cell"),
        ([[None, None], [""]], "has no visible sheet with a cell"),
        ([["phone", None], [1, 2]], "column 2 has no name"),
        ([["phone", "phone "], [1, 2]], "2 columns are named `phone`"),
        ([[13800000000, "张伟"]], "column 1 is named by a number"),
        ([["张伟", "Tel: +86 138-0000-0000 转1"]], "column 2 is named by a number"),
    ],
)
def test_xlsx_refused(tmp_path: Path, rows: list[list[object]], says: str) -> None:
    """A sheet without proper names of columns is refused."""
    with pytest.raises(SegmentError, match=says):
        segment.load(book(tmp_path, rows))


# --- parquet


def test_parquet_types(tmp_path: Path) -> None:
    """Phones and ids of any numeric type become exact digits; other columns keep what they mean."""
    at = datetime(2026, 11, 22, 8, 30)
    big = 2**60 + 1
    table = pa.table(
        {
            "phone": [13800000000.0, None],
            "user_id": pa.array([big, None], pa.int64()),
            "order": pa.array([big, None], pa.int64()),
            "count": pa.array([1, 2], pa.int32()),
            "price": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
            "yes": [True, None],
            "day": [date(2026, 11, 22), None],
            "at": [at, None],
            "level": pa.array(["gold", None]).dictionary_encode(),
            "text": ["NA", ""],
        }
    )
    pq.write_table(table, tmp_path / "typed.parquet")

    frame = segment.load(str(tmp_path / "typed.parquet"))

    assert list(frame.columns) == table.column_names
    assert cells(frame)[0] == (
        [
            "13800000000",
            str(big),
            big,
            1,
            1.5,
            True,
            pd.Timestamp("2026-11-22"),
            pd.Timestamp(at),
            "gold",
            "NA",
        ]
    )
    assert cells(frame)[1] == [None, None, None, 2, *[None] * 5, ""]
    assert frame.dtypes.astype(str)["order"] == "Int64"


@pytest.mark.parametrize(
    ("phone", "read"),
    [
        (pa.array(["007", None]), ["007", None]),
        (pa.array(["007", None]).dictionary_encode(), ["007", None]),
        (pa.array([7, None], pa.uint64()), ["7", None]),
        (pa.array([7.0, float("nan")]), ["7", None]),
        (pa.array([7.25, 7.0]), ["7.25", "7"]),
        (pa.array([1e300, 13800000000.0]), ["1e+300", "13800000000"]),
        (pa.array([Decimal("7.00"), None]), ["7", None]),
        (pa.array([None, None], pa.null()), [None, None]),
        (pa.array([b"007", None]), ["007", None]),
    ],
    ids=["text", "dictionary", "unsigned", "float", "fraction", "huge", "decimal", "null", "bytes"],
)
def test_parquet_text_column(tmp_path: Path, phone: pa.Array, read: list[str | None]) -> None:
    """A phone column of any type is text without decimal tail."""
    pq.write_table(pa.table({"phone": phone}), tmp_path / "p.parquet")

    assert (
        segment.load(str(tmp_path / "p.parquet"))["phone"].astype(object).where(pd.notna, None).tolist()
        == read
    )


def test_single_precision_is_left_alone(tmp_path: Path) -> None:
    """Single precision has lost digits of a phone, so no phone is made of it."""
    pq.write_table(pa.table({"phone": pa.array([13800000001.0], pa.float32())}), tmp_path / "p.parquet")

    frame = segment.load(str(tmp_path / "p.parquet"))

    assert phones.normalise(frame["phone"]).reason.tolist() == [Reason.BAD_PHONE]


def test_parquet_keeps_index_columns(tmp_path: Path) -> None:
    """A column that pandas had made its index is a column again, and a folder's name is none."""
    folder = tmp_path / "year=2026"
    folder.mkdir()
    pd.DataFrame({"user_id": ["a"], "phone": ["1"], "a.b": ["x"]}).set_index("user_id").to_parquet(
        folder / "p.parquet"
    )

    frame = segment.load(str(folder / "p.parquet"), columns=["user_id", "a.b"])

    assert sorted(frame.columns) == ["a.b", "user_id"]
    assert isinstance(frame.index, pd.RangeIndex)


def test_parquet_without_columns(tmp_path: Path) -> None:
    """No rows is legal, no columns is not."""
    pq.write_table(pa.table({"phone": pa.array([], pa.string())}), tmp_path / "rows.parquet")
    pq.write_table(pa.table({}), tmp_path / "columns.parquet")

    assert segment.load(str(tmp_path / "rows.parquet")).shape == (0, 1)
    with pytest.raises(SegmentError, match="has no columns"):
        segment.load(str(tmp_path / "columns.parquet"))


# --- SQL


def test_sql_types(database: Path) -> None:
    """A query gives exact ids, phones without decimal tail, and the other columns by kind."""
    frame = segment.load(
        f"sqlite:///{database}", query="select * from people where name is null or name like '张%'"
    )

    assert cells(frame) == [
        [str(2**60 + 1), "13800000001", "张%伟", 1.5, 30],
        ["2", "13800000002", None, 2.0, None],
    ]
    assert list(map(str, frame.dtypes)) == ["str", "str", "str", "float64", "Int64"]


def test_sql_colons_are_text(database: Path) -> None:
    """A colon or percent in the query is not taken for a placeholder."""
    frame = segment.load(
        f"sqlite:///{database}", query="select ':x %s ?' as phone, '10:30' as at from people limit 1"
    )

    assert cells(frame) == [[":x %s ?", "10:30"]]


def test_sql_no_rows(database: Path) -> None:
    """A query that finds nobody is an empty segment with its columns."""
    assert segment.load(f"sqlite:///{database}", query="select phone, name from people where 0").shape == (
        0,
        2,
    )


def test_sql_path_like_any_other(database: Path, tmp_path: Path) -> None:
    """The file in a relative SQLite URL is looked for up to the project's root, and never made."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "notebooks").mkdir()

    frame = segment.load(
        "sqlite:///people.db", query="select phone from people", working_folder=tmp_path / "notebooks"
    )

    assert len(frame) == 2
    with pytest.raises(SegmentError, match="no such file"):
        segment.load("sqlite:///absent.db", query="select 1", working_folder=tmp_path)
    assert not (tmp_path / "absent.db").exists()


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "needs a query"),
        ("  \n", "needs a query"),
        ("select absent from people", "the query failed: no such column: absent"),
        ("delete from people", "the query failed: not authorized"),
        ("drop table people", "the query failed: not authorized"),
        ("select 1 as phone; delete from people", "the query failed"),
        ("pragma query_only = off", "the query failed: not authorized"),
        ("select phone, user_id as phone from people", "2 columns are named `phone`"),
        ("select 1 as phone, '' as ''", "column 2 has no name"),
        ("select 1 as phone from x13800000000", r"no such table: x\*\*\*"),
    ],
)
def test_sql_refused(database: Path, query: str, says: str) -> None:
    """A query that fails, writes, or names columns badly is refused; the database stays as it was."""
    with pytest.raises(SegmentError, match=says):
        segment.load(f"sqlite:///{database}", query=query)

    with sqlite3.connect(database) as connection:
        assert connection.execute("select count(*) from people").fetchone() == (2,)
    connection.close()


def test_query_for_a_file(tmp_path: Path) -> None:
    """A query beside a file is refused rather than ignored."""
    with pytest.raises(SegmentError, match="a query needs a database"):
        segment.load(saved(tmp_path, "phone\n1\n"), query="select 1")


# --- secrets


PASSWORD = "pa55-w0rd"
WITH_PASSWORD = {
    "authority": f"postgresql+psycopg://bob:{PASSWORD}@127.0.0.1:5432/shop",
    "sqlite": f"sqlite://bob:{PASSWORD}@host/x.db",
    "option": f"postgresql://127.0.0.1/shop?user=bob&password={PASSWORD}",
    "odbc": f"mssql+pyodbc:///?odbc_connect=Driver%3Dx%3BPWD%3D{PASSWORD}",
    "unreadable port": f"postgresql://bob:{PASSWORD}@127.0.0.1:port/shop",
    "unknown database": f"nosuch://bob:{PASSWORD}@127.0.0.1/shop",
}


def chain(error: BaseException) -> str:
    """Everything an error and those behind it could show."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        if (one := waiting.pop()) is not None and one not in seen:
            seen.append(one)
            waiting += [one.__cause__, one.__context__]
    shown = [f"{one} {one!r} {one.args} {vars(one)}" for one in seen]
    return "\n".join([*shown, *traceback.format_exception(error)])


@pytest.mark.parametrize("url", WITH_PASSWORD.values(), ids=WITH_PASSWORD)
def test_password_in_url_is_refused(url: str) -> None:
    """A URL with a password is refused, and nothing of it comes back, in no error of the chain."""
    with pytest.raises(SegmentError) as caught:
        segment.load(url, query="select 1")

    shown = chain(caught.value)
    assert PASSWORD not in shown
    assert "127.0.0.1" not in shown
    assert "env:NAME" in shown or "is not a URL" in shown


@pytest.mark.parametrize("url", WITH_PASSWORD.values(), ids=WITH_PASSWORD)
def test_password_from_environment_does_not_leak(url: str) -> None:
    """A URL from the environment may carry a password, which no failure to connect brings to light."""
    with pytest.raises(SegmentError, match="env:SHOP_URL: ") as caught:
        segment.load("env:SHOP_URL", query="select 1", environ={"SHOP_URL": url})

    shown = chain(caught.value)
    assert PASSWORD not in shown
    assert "127.0.0.1" not in shown


def test_words_of_the_driver_are_scrubbed() -> None:
    """Password, URL and long numbers are taken out of what a driver says about a query."""
    url = sa.make_url(WITH_PASSWORD["authority"])
    said = Exception(f"bad {PASSWORD} in {WITH_PASSWORD['authority']} near 13800000000\nLINE 2: 13800000000")
    error = sa.exc.DBAPIError("select 1", None, said)

    assert scrubbed(error, url) == "bad *** in *** near ***"


@pytest.mark.parametrize("value", ["s3cr3t-key", "/nowhere/s3cr3t-key.csv", "s3cr3t-key" * 600], ids=len)
def test_environment_is_not_echoed(value: str, tmp_path: Path) -> None:
    """A variable that holds something else is not shown when it names no file."""
    with pytest.raises(SegmentError, match="env:KEY: no such file") as caught:
        segment.load("env:KEY", environ={"KEY": value}, working_folder=tmp_path)

    assert "s3cr3t" not in chain(caught.value)


def test_environment(database: Path, tmp_path: Path) -> None:
    """``env:NAME`` stands for the URL or the path in that variable."""
    saved(tmp_path, "phone\n1\n")
    environ = {"SHOP_URL": f"sqlite:///{database}", "SHOP_FILE": " people.csv "}

    assert len(segment.load("env:SHOP_URL", query="select phone from people", environ=environ)) == 2
    assert len(segment.load("env:SHOP_FILE", environ=environ, working_folder=tmp_path)) == 1


def test_environment_unset() -> None:
    """An unset variable is named, with the nearest that is set."""
    with pytest.raises(SegmentError, match=r"env:SHOP_ULR: .* not set; did you mean `SHOP_URL`"):
        segment.load("env:SHOP_ULR", environ={"SHOP_URL": "x"})
    with pytest.raises(SegmentError, match=r"env:SHOP_URL: .* not set; put a path"):
        segment.load("env:SHOP_URL", environ={"SHOP_URL": ""})


# --- finding files


def test_find_upwards(tmp_path: Path) -> None:
    """A relative path is found in the working folder first, then above it, up to the root."""
    deep = tmp_path / "notebooks" / "deep"
    deep.mkdir(parents=True)
    (tmp_path / "environment.yml").touch()
    (tmp_path / "people.csv").write_text("phone\n")

    assert segment.find("people.csv", deep) == tmp_path / "people.csv"
    (deep / "people.csv").write_text("phone\n")
    assert segment.find("people.csv", deep) == deep / "people.csv"
    assert segment.find(str(tmp_path / "people.csv")) == tmp_path / "people.csv"


def test_find_uses_the_process_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a working folder the process's own counts."""
    saved(tmp_path, "phone\n1\n")
    monkeypatch.chdir(tmp_path)

    assert len(segment.load("people.csv")) == 1


@pytest.mark.parametrize(("root", "looked_in"), [("project", 2), (".", 3), (None, 1)])
def test_find_stops_at_the_root(tmp_path: Path, root: str | None, looked_in: int) -> None:
    """Nothing is taken from above the root; without a root nothing from above the working folder."""
    folder = tmp_path / "project" / "notebooks"
    folder.mkdir(parents=True)
    if root:
        (tmp_path / root / ".git").mkdir()

    with pytest.raises(SegmentError, match=r"absent\.csv: no such file in ") as caught:
        segment.find("absent.csv", folder)

    assert str(caught.value).count(str(tmp_path)) == looked_in


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("people", "needs a file extension; give .csv, .tsv, .txt, .parquet or .xlsx"),
        ("people.xls", "`.xls` is no kind of segment; give .csv"),
        ("people.json", "`.json` is no kind of segment; give .csv"),
    ],
)
def test_other_kinds(tmp_path: Path, name: str, says: str) -> None:
    """A file of another kind is refused with the kinds there are."""
    with pytest.raises(SegmentError, match=says):
        segment.load(saved(tmp_path, "phone\n1\n", name))


def test_nothing_given() -> None:
    """An empty source says what to give."""
    with pytest.raises(SegmentError, match="no segment given"):
        segment.load("")


def test_folder_is_no_file(tmp_path: Path) -> None:
    """A folder is not found as a segment."""
    with pytest.raises(SegmentError, match="no such file"):
        segment.load(str(tmp_path))


# --- frames


def test_from_frame_leaves_input_alone() -> None:
    """The segment is a frame of its own, rows numbered from 0."""
    given = pd.DataFrame({"phone": ["a", "b"]}, index=[5, 5])
    taken = segment.from_frame(given)
    taken.loc[0, "phone"] = "z"

    assert given["phone"].tolist() == ["a", "b"]
    assert given.index.tolist() == [5, 5]
    assert taken.index.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("frame", "columns"),
    [
        (pd.DataFrame({"user_id": [2], "phone": [1]}).set_index("user_id"), ["user_id", "phone"]),
        (pd.DataFrame({"user_id": [2], "phone": [1]}).set_index("user_id", drop=False), ["user_id", "phone"]),
        (pd.DataFrame({"a": [1], "b": [2], "phone": [3]}).groupby(["a", "b"]).max(), ["a", "b", "phone"]),
        (pd.DataFrame({"phone": [1]}), ["phone"]),
    ],
    ids=["named", "named like a column", "several levels", "unnamed"],
)
def test_from_frame_index(frame: pd.DataFrame, columns: list[str]) -> None:
    """A named index becomes columns, so that grouping loses no id."""
    assert list(segment.from_frame(frame).columns) == columns


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (pd.Series([1]), "not Series"),
        (pd.DataFrame(), "has no columns"),
        (pd.DataFrame([[1, 2]]), "column names must be text; 0 is int"),
        (pd.DataFrame([[1, 2]], columns=["phone", "phone"]), "2 columns are named `phone`"),
        (pd.DataFrame([[1, 2]], columns=["phone", " "]), "column 2 has no name"),
    ],
)
def test_from_frame_refused(frame: pd.DataFrame, says: str) -> None:
    """Columns must be distinct, non-empty texts."""
    with pytest.raises(SegmentError, match=says):
        segment.from_frame(frame)


# --- cost


def test_nothing_heavy_at_import() -> None:
    """SQLAlchemy, openpyxl and parquet are imported only by the segments that need them."""
    code = (
        "import sys, smskit; before = set(sys.modules); import smskit.audience.segment; "
        "print({'sqlalchemy', 'openpyxl', 'pyarrow.parquet'} & (set(sys.modules) - before))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"


# --- sample segments


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples, made afresh."""
    folder = tmp_path_factory.mktemp("samples")
    runpy.run_path(str(SAMPLES / "make_samples.py"))["write_all"](folder)
    return folder


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("clean.csv", (200, 10)),
        ("messy.csv", (120, 10)),
        ("opt_out.csv", (5, 1)),
        ("vip_users.xlsx", (50, 8)),
        ("large.parquet", (100_000, 10)),
    ],
)
def test_samples(made: Path, name: str, shape: tuple[int, int]) -> None:
    """Every sample loads, and is what its script makes."""
    frame = segment.load(str(SAMPLES / name))

    assert frame.shape == shape
    pd.testing.assert_frame_equal(frame, segment.load(str(made / name)))
    assert (SAMPLES / name).stat().st_size < 3_000_000


def test_clean_sample_is_clean() -> None:
    """Every phone of clean.csv and vip_users.xlsx is good, and nobody is there twice."""
    for name in ("clean.csv", "vip_users.xlsx"):
        frame = segment.load(str(SAMPLES / name))

        assert (phones.normalise(frame["phone"]).reason == Reason.NONE).all()
        assert frame["phone"].is_unique
        assert frame["user_id"].is_unique


def test_large_sample_is_slightly_awkward() -> None:
    """About one phone in a hundred of large.parquet needs a second look."""
    phone = segment.load(str(SAMPLES / "large.parquet"), columns=["phone"])["phone"]

    assert 0.005 < 1 - phone.str.fullmatch(r"139000\d{5}").mean() < 0.015


def test_messy_sample_says_what_it_is() -> None:
    """``expected`` in messy.csv follows from the rules in its README, judged one after the other."""
    frame = segment.load(str(SAMPLES / "messy.csv")).fillna("")
    e164, reason = phones.normalise(frame["phone"])
    opted_out = phones.normalise(segment.load(str(SAMPLES / "opt_out.csv"))["phone"]).e164
    fixed = parts.units_of("【GrowingIO】你好，恭喜你获得元VIP优惠券，请于3天内在App使用。拒收请回复R")
    values = frame[["name", "coupon"]]
    units = values.map(parts.units_of).sum(axis="columns") + fixed

    verdict = np.array([Reason(n).label if n else "planned" for n in reason], dtype=object)
    for label, applies in {
        "opted_out": lambda left: pd.Series(np.isin(e164, opted_out))[left],
        "no_consent": lambda left: frame["consent"][left].str.lower() != "true",
        "missing_variable": lambda left: (
            values.iloc[left].isin(["", "   ", "nan", "None"]).any(axis="columns")
        ),
        "bad_variable": lambda left: (values["name"] + values["coupon"])[left].str.contains("[【】]"),
        "text_too_long": lambda left: units[left] > 500,
        "duplicate_phone": lambda left: pd.Series(e164)[left].duplicated(),
        "duplicate_user": lambda left: frame["user_id"][left].duplicated(),
    }.items():
        left = np.flatnonzero(verdict == "planned")
        verdict[left[applies(left).to_numpy()]] = label

    wrong = verdict != frame["expected"].to_numpy()
    assert frame["note"][wrong].tolist() == []
    counts = frame["expected"].value_counts()
    assert counts.min() >= 3
    assert len(counts) == 11
    readme = (SAMPLES / "README.md").read_text(encoding="utf-8")
    assert [label for label, rows in counts.items() if f"| `{label}` | {rows} |" not in readme] == []


@settings(max_examples=examples(100), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=200)
    | st.text('a,;\t"\n\r=sep张\ufffd\0 ', max_size=60).map(lambda text: text.encode())
    | st.text('a,\n"张', max_size=40).map(lambda text: text.encode("utf-16")),
    kind=st.sampled_from(["csv", "tsv", "txt", "xlsx", "parquet"]),
)
def test_any_bytes_give_a_frame_or_one_sentence(tmp_path: Path, content: bytes, kind: str) -> None:
    """Whatever a file holds, there is a frame or one line of words, never another exception."""
    said, columns = "", [""]
    try:
        columns = list(segment.load(saved(tmp_path, content, f"people.{kind}")).columns)
    except SegmentError as error:
        said = str(error)

    assert "\n" not in said
    assert said or (columns and all(columns) and len(columns) == len(set(columns)))
