"""``smskit.audience.number_list``: lists of numbers as people keep them, and lines that cannot be read."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smskit.audience.number_list import read_numbers
from smskit.errors import SegmentError

FIRST = 8613800000021


@pytest.mark.parametrize(
    ("text", "phones", "unread"),
    [
        pytest.param("13800000021\n13800000022\n", [0, 1], {}, id="plain"),
        pytest.param("\n\n13800000021\r\n\r\n13800000022", [0, 1], {}, id="blank-first"),
        pytest.param("13800000021;\n13800000022", [0, 1], {}, id="first-with-a-delimiter"),
        pytest.param("退订名单\n13800000021", [0], {1: "退订名单"}, id="first-unreadable"),
        pytest.param("1380000002\n13800000021", [0], {1: "13*****002"}, id="first-mistyped"),
        pytest.param("手机号\n13800000021", [0], {}, id="another-heading-alone"),
        pytest.param("手机13800000021\n电话：+86 138-0000-0022", [0, 1], {}, id="prefix-words"),
        pytest.param("13800000021,张三\n13800000022,李四", [0, 1], {}, id="names-beside"),
        pytest.param("13800000021,2026-10-01,李四", [0], {}, id="a-date-beside"),
        pytest.param("13800000021、13800000022/13800000023", [0, 1, 2], {}, id="several-in-a-line"),
        pytest.param("+8613800000021\n008613800000022\n8613800000023", [0, 1, 2], {}, id="country-code"),
        pytest.param("１３８０００００021\n138 0000 0022", [0, 1], {}, id="full-width-and-blanks"),
        pytest.param(
            "13800000021、1380000002", [0], {1: "138********、******0002"}, id="one-of-two-mistyped"
        ),
        pytest.param(
            "13800000021\nnobody\n\n+85291234567", [0], {2: "nobody", 4: "+85******567"}, id="lines"
        ),
        pytest.param("phone\n13800000021\n,\nx", [0], {4: "x"}, id="heading"),
        pytest.param("name,phone\n张三,13800000021\n李四,\n,\n", [0], {3: ""}, id="nobody-named"),
        pytest.param('name,phone\n"张\n三",13800000021\n李四,x', [0], {4: "x"}, id="cell-of-two-lines"),
        pytest.param("name;phone\n张三;13800000021,13800000022", [0, 1], {}, id="several-in-a-cell"),
        pytest.param(
            "phone,phone2\n13800000021,13800000022\n,13800000023\n13800000024,x\nx,1380000002",
            [0, 1, 2, 3],
            {5: "13*****002"},
            id="two-phones",
        ),
        pytest.param("phone,手机号\n,13800000022\n", [1], {}, id="another-of-their-own"),
        pytest.param("phone,手机型号\n13800000021,iPhone 15\n", [0], {}, id="a-maker"),
        pytest.param("phone2,phone\n13800000022\n,x", [1], {3: "x"}, id="the-asked-first"),
        pytest.param("phone,门店电话\n13800000021,13800000022", [0], {}, id="a-shops"),
        pytest.param("phone\tagent\n13800000021\t13800000099", [0], {}, id="one-column-only"),
        pytest.param("", [], {}, id="empty"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_text(tmp_path: Path, text: str, phones: list[int], unread: dict[int, str], encoding: str) -> None:
    """Every number is taken; a line that holds none, or a mistyped one, is named with its digits hidden."""
    file = tmp_path / "list.txt"
    file.write_bytes(text.encode(encoding))
    found = read_numbers(file)

    assert [phone - FIRST for phone in found.phones] == phones
    assert {line.line: line.value for line in found.unread} == unread


@pytest.mark.parametrize(
    ("rows", "phones", "unread"),
    [
        pytest.param([["name", "phone"], ["张三", 13800000021], ["李四", "x"]], [0], [3], id="heading"),
        pytest.param([[], [13800000021.0], ["手机13800000022"], ["x"]], [0, 1], [4], id="no-heading"),
        pytest.param([[13800000021, "张三"], ["李四", "13800000022"]], [0, 1], [], id="names-beside"),
        pytest.param([], [], [], id="empty"),
    ],
)
def test_xlsx(tmp_path: Path, rows: list[list[object]], phones: list[int], unread: list[int]) -> None:
    """A sheet likewise; its lines are the sheet's rows, and what is hidden is not read."""
    book = openpyxl.Workbook()
    hidden = book.create_sheet("old")
    hidden.append([13900000000])
    hidden.sheet_state = "hidden"
    for at, row in enumerate(rows, start=1):
        for column, cell in enumerate(row, start=1):
            book.worksheets[0].cell(at, column).value = cell  # type: ignore[assignment]
    book.save(tmp_path / "list.xlsx")
    found = read_numbers(tmp_path / "list.xlsx")

    assert [phone - FIRST for phone in found.phones] == phones
    assert [line.line for line in found.unread] == unread


@pytest.mark.parametrize("heading", [[], [["name", "phone"]]], ids=["none", "heading"])
def test_xlsx_keeps_every_no(tmp_path: Path, heading: list[list[str]]) -> None:
    """Hidden rows are read, and counted; a formula without a value is a line that could not be read."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    rows = [("张三", 13800000021), ("李四", "13800000022"), (None, "=A1"), (None, 13800000023)]
    for row in [*heading, *rows]:
        sheet.append(row)
    first = len(heading) + 1
    sheet.row_dimensions[first + 1].hidden = sheet.row_dimensions[first + 3].hidden = True
    sheet.column_dimensions["B"].hidden = True
    sheet.cell(first + 3, 16_384).value = "far away"
    book.save(tmp_path / "list.xlsx")
    found = read_numbers(tmp_path / "list.xlsx")

    assert [phone - FIRST for phone in found.phones] == [0, 1, 2]
    assert ([line.line for line in found.unread], found.hidden) == ([first + 2], 2)


def test_parquet(tmp_path: Path) -> None:
    """A column of numbers of another kind of file, and others of the same people's numbers."""
    numbers = {
        "phone": [13800000021, None, 12],
        "phone2": [None, None, 13800000023],
        "agent": [13800000099] * 3,
    }
    pd.DataFrame(numbers).to_parquet(tmp_path / "list.parquet")
    found = read_numbers(tmp_path / "list.parquet")

    assert (found.phones, [line.line for line in found.unread]) == ([FIRST, FIRST + 2], [3])
    assert read_numbers(tmp_path / "list.parquet", "phone2").phones == [FIRST + 2]


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        pytest.param(
            "a.csv", b"mobile,agent\n13800000021,13800000022", "no column `phone`", id="other-column"
        ),
        pytest.param("a.xlsx", b"PK\3\4", "cannot be read as xlsx", id="no-workbook"),
        pytest.param("a.csv", b"1\0003\0008\000", "UTF-16 without byte order mark", id="no-mark"),
    ],
)
def test_refused(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    """Where it is open which numbers are meant, or what the bytes say, one sentence says so."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SegmentError, match=what):
        read_numbers(tmp_path / name)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="138,;\n\t \"'+-()手机x\r", max_size=80))
def test_nothing_is_dropped(tmp_path: Path, text: str) -> None:
    """Numbers around a line of anything are read, and what is no number and not blank is named."""
    file = tmp_path / "list.txt"
    file.write_text(f"13800000021\n{text}\n13800000022\n", encoding="utf-8", newline="")
    found = read_numbers(file)

    assert {FIRST, FIRST + 1} <= set(found.phones)
    assert len(found.unread) + len(found.phones) > 2 or not text.strip()
