"""``smskit.audience.segment.excel`` and ``shown``: of a workbook, what a person sees, and nothing silent."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from smskit.audience import segment
from smskit.audience.segment import excel, sheet_rows
from smskit.errors import SegmentError

PEOPLE = [["user_id", "phone", "name"], *([f"u{n}", 13800000000 + n, f"张{n}"] for n in range(1, 6))]


def saved(folder: Path, sheets: dict[str, list[list[Any]]], change: Callable[..., None] | None = None) -> str:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    if change:
        change(book)
    book.save(folder / "people.xlsx")
    return str(folder / "people.xlsx")


def rewritten(source: str, part: str, change: Callable[[str], str]) -> str:
    """The workbook with the XML of one part changed, as other programs write it."""
    with zipfile.ZipFile(source) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts[part] = change(parts[part].decode()).encode()
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in parts.items():
            new.writestr(name, content)
    return source


def cells(frame: Any) -> list[list[Any]]:
    found: list[list[Any]] = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    return found


# --- which sheet

NOTES = [["说明"], ["导出于十一月"]]
WHICH = {
    "one": ({"甲": PEOPLE}, {}, "", "甲"),
    "empty ones beside": ({"空": [], "甲": PEOPLE, "白": [[" "], [None]]}, {}, "", "甲"),
    "notes first": ({"说明": NOTES, "甲": PEOPLE}, {}, "", "甲"),
    "notes last": ({"甲": PEOPLE, "说明": NOTES}, {}, "", "甲"),
    "hidden first": ({"旧": PEOPLE[:2], "甲": PEOPLE}, {"旧": "hidden"}, "", "甲"),
    "very hidden": ({"旧": PEOPLE[:2], "甲": PEOPLE}, {"旧": "veryHidden"}, "", "甲"),
    "named": ({"旧": PEOPLE[:2], "甲": PEOPLE}, {}, "甲", "甲"),
    "named with blanks": ({"旧": PEOPLE[:2], "甲 一": PEOPLE}, {}, " 甲\xa0一", "甲 一"),
}


@pytest.mark.parametrize("columns", [None, ["user_id", "phone", "name"]], ids=["all columns", "some"])
@pytest.mark.parametrize(("sheets", "hidden", "asked", "read"), WHICH.values(), ids=WHICH)
def test_which_sheet(
    tmp_path: Path,
    sheets: dict[str, list[list[Any]]],
    hidden: dict[str, str],
    asked: str,
    read: str,
    columns: list[str] | None,
) -> None:
    """The one visible sheet that has the columns is read, or the one that is named."""

    def hide(book: openpyxl.Workbook) -> None:
        for title, state in hidden.items():
            book[title].sheet_state = state

    frame = segment.load(saved(tmp_path, sheets, hide), sheet=asked, columns=columns)

    assert cells(frame) == [[row[0], str(row[1]), row[2]] for row in PEOPLE[1:]]
    chosen = NOTES in sheets.values()
    assert [str(text)[:14] for text in segment.notices(frame)] == ["sheet `甲` is read"[:14]] * chosen


REFUSED = {
    "several": ({"甲": PEOPLE, "乙": PEOPLE}, {}, "", "the sheets `甲`, `乙` could be meant"),
    "two of three": ({"甲": PEOPLE, "说明": NOTES, "乙": PEOPLE}, {}, "", "the sheets `甲`, `乙` could"),
    "none of two": ({"甲": NOTES, "乙": NOTES}, {}, "", "none of its sheets `甲`, `乙` has the columns; the"),
    "all hidden but empty": (
        {"甲": PEOPLE, "空": []},
        {"甲": "hidden"},
        "",
        "has no visible sheet with a cell",
    ),
    "named, hidden": ({"甲": PEOPLE, "乙": PEOPLE}, {"乙": "hidden"}, "乙", "the sheet `乙` is hidden, and"),
    "named, not there": ({"甲": PEOPLE}, {}, "丙", "has no sheet `丙`. Its sheets are `甲`"),
    "named, nearly": ({"Sheet1": PEOPLE}, {}, "Sheet2", "did you mean `Sheet1`\\? Its sheets are"),
    "named, empty": ({"甲": PEOPLE, "空": []}, {}, "空", "the sheet `空` is empty"),
    "named, without the columns": ({"甲": PEOPLE, "乙": NOTES}, {}, "乙", "no column `"),
}


@pytest.mark.parametrize(("sheets", "hidden", "asked", "says"), REFUSED.values(), ids=REFUSED)
def test_which_sheet_is_not_known(
    tmp_path: Path, sheets: dict[str, list[list[Any]]], hidden: dict[str, str], asked: str, says: str
) -> None:
    """Where it is not plain which sheet is meant, none is read, and the sheets are named."""

    def hide(book: openpyxl.Workbook) -> None:
        for title, state in hidden.items():
            book[title].sheet_state = state

    with pytest.raises(SegmentError, match=says):
        segment.load(saved(tmp_path, sheets, hide), sheet=asked, columns=["user_id", "phone", "name"])


def test_sheet_of_another_source(tmp_path: Path) -> None:
    """A sheet beside a file without sheets is refused rather than ignored."""
    (tmp_path / "a.csv").write_text("phone\n1\n")

    with pytest.raises(SegmentError, match="names a sheet of a workbook, which this is not"):
        segment.load(str(tmp_path / "a.csv"), sheet="甲")
    with pytest.raises(SegmentError, match="names a sheet of a workbook, which this is not"):
        segment.load(f"sqlite:///{tmp_path}/a.db", query="select 1", sheet="甲")


# --- hidden rows and columns


def _filtered(book: openpyxl.Workbook) -> None:
    sheet: Worksheet = book["甲"]
    sheet.auto_filter.ref = "A1:C6"
    for row in (3, 5):
        sheet.row_dimensions[row].hidden = True


def _collapsed(book: openpyxl.Workbook) -> None:
    book["甲"].row_dimensions.group(3, 3, hidden=True)
    book["甲"].row_dimensions[5].hidden = True
    book["甲"].row_dimensions[80].hidden = True  # holds nothing


@pytest.mark.parametrize("hide", [_filtered, _collapsed])
def test_hidden_rows_are_left_out(tmp_path: Path, hide: Callable[..., None]) -> None:
    """Whom a filter takes away gets nothing, and the number is said."""
    frame = segment.load(saved(tmp_path, {"甲": PEOPLE}, hide))

    assert frame["user_id"].tolist() == ["u1", "u3", "u5"]
    assert [str(text)[:40] for text in segment.notices(frame)] == [
        "2 rows of sheet `甲` are hidden, by a fil"
    ]


@pytest.mark.parametrize(
    ("hidden", "columns", "said"),
    [
        (["B"], None, ["`phone`"]),
        (["A", "C"], None, ["`user_id`, `name`"]),
        (["A"], ["phone", "name"], []),
        (["D"], None, []),
    ],
)
def test_hidden_columns(
    tmp_path: Path, hidden: list[str], columns: list[str] | None, said: list[str]
) -> None:
    """A hidden column is read where it is asked for, which is said."""

    def hide(book: openpyxl.Workbook) -> None:
        for letter in hidden:
            book["甲"].column_dimensions[letter].hidden = True

    frame = segment.load(saved(tmp_path, {"甲": PEOPLE}, hide), columns=columns)

    assert len(frame) == 5
    assert [str(text).split(": ")[1] for text in segment.notices(frame)] == said


def test_rows_without_height_are_hidden(tmp_path: Path) -> None:
    """As those that are marked so: dragged together, they are seen by nobody."""

    def flatten(book: openpyxl.Workbook) -> None:
        for row in (3, 5):
            book["甲"].row_dimensions[row].height = 3.5

    source = saved(tmp_path, {"甲": PEOPLE}, flatten)
    rewritten(source, "xl/worksheets/sheet1.xml", lambda xml: xml.replace('ht="3.5"', 'ht="0"'))
    frame = segment.load(source)

    assert frame["user_id"].tolist() == ["u1", "u3", "u5"]
    assert "2 rows of sheet `甲` are hidden" in str(segment.notices(frame)[0])


def test_a_column_without_width_is_hidden(tmp_path: Path) -> None:
    """It is read where it is asked for, and that is said, as of one that is marked as hidden."""
    source = saved(tmp_path, {"甲": PEOPLE}, lambda book: _narrow(book["甲"]))
    rewritten(source, "xl/worksheets/sheet1.xml", lambda xml: xml.replace('width="3.5"', 'width="0"'))
    frame = segment.load(source)

    assert len(frame) == 5
    assert [str(text).split(": ")[1] for text in segment.notices(frame)] == ["`phone`"]


def _narrow(sheet: Worksheet) -> None:
    sheet.column_dimensions["B"].width = 3.5


def test_rows_of_blanks_are_none(tmp_path: Path) -> None:
    """Cells with blanks alone, above the names or among the people, make no row."""
    rows = [[" ", "\u3000"], *PEOPLE[:2], ["  ", "\xa0", " "], *PEOPLE[2:]]

    assert segment.load(saved(tmp_path, {"甲": rows}))["user_id"].tolist() == ["u1", "u2", "u3", "u4", "u5"]


def test_hidden_first_row(tmp_path: Path) -> None:
    """The first row that a person sees names the columns."""

    def hide(book: openpyxl.Workbook) -> None:
        book["甲"].row_dimensions[1].hidden = True

    frame = segment.load(saved(tmp_path, {"甲": [["uid", "tel", "nm"], *PEOPLE]}, hide))

    assert list(frame.columns) == PEOPLE[0]
    assert len(frame) == 5


# --- formulas


FORMULA = [["phone", "code", "note"], [13800000001, "=1+1", "x"], [13800000002, "7", "=A1"]]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (None, r"2 formulas have no stored value \(B2, C3\)"),
        (["phone", "code"], r"1 formula has no stored value \(B2\)"),
        (["phone"], ""),
    ],
)
def test_formulas_without_values(tmp_path: Path, columns: list[str] | None, says: str) -> None:
    """A formula that no program has worked out is refused where its column is read."""
    source = saved(tmp_path, {"甲": FORMULA})
    if says:
        with pytest.raises(SegmentError, match=says):
            segment.load(source, columns=columns)
    else:
        assert len(segment.load(source, columns=columns)) == 2


def test_many_formulas_without_values(tmp_path: Path) -> None:
    """Of many such cells the first are named."""
    rows = [["phone", "code"], *([n, "=1"] for n in range(20))]

    with pytest.raises(SegmentError, match=r"20 formulas .* \(B2, B3, B4, B5, B6, …\)"):
        segment.load(saved(tmp_path, {"甲": rows}))


@pytest.mark.parametrize(
    ("stored", "read"),
    [("<v>2</v>", 2), ('<v></v>" t="str', None), ('<v>二</v>" t="str', "二")],
)
def test_formulas_with_values(tmp_path: Path, stored: str, read: Any) -> None:
    """A stored value is the cell's; one that is stored as nothing is missing."""
    value, _, kind = stored.partition('" t="')
    source = rewritten(
        saved(tmp_path, {"甲": FORMULA[:2]}),
        "xl/worksheets/sheet1.xml",
        lambda xml: re.sub(
            r'<c r="B2"><f>1\+1</f><v ?/?>(</v>)?</c>',
            f'<c r="B2"{f" t={chr(34)}{kind}{chr(34)}" if kind else ""}><f>1+1</f>{value}</c>',
            xml,
        ),
    )

    assert cells(segment.load(source)[["code"]]) == [[read]]


# --- number formats

SHOWN = {
    "general": ("General", 42, 42, ""),
    "text": ("@", 42, 42, ""),
    "whole": ("0", 42, 42, ""),
    "zeros": ("000000", 42, "000042", ""),
    "zeros, negative": ("000", -5, "-005", ""),
    "zeros, rounded": ("000", 4.5, "005", "rounded"),
    "percent": ("0%", 0.15, "15%", ""),
    "percent of one": ("0%", 1, "100%", ""),
    "percent, negative": ("0%", -0.05, "-5%", ""),
    "percent, rounded": ("0%", 0.125, "13%", "rounded"),
    "percent, two places": ("0.00%", 0.1234, "12.34%", ""),
    "percent, of floats": ("0.0%", 0.285, "28.5%", ""),
    "percent, padded": ("0%_ ;[Red]-0% ", 0.15, "15%", ""),
    "places": ("0.00", 3.5, 3.5, "otherwise"),
    "places, alike": ("0.00", 3.25, 3.25, ""),
    "whole, fraction": ("0", 3.5, 3.5, "otherwise"),
    "thousands": ("#,##0", 1234, 1234, "otherwise"),
    "thousands, few": ("#,##0", 234, 234, ""),
    "accounts": ('_ * #,##0.00_ ;_ * \\-#,##0.00_ ;_ * "-"??_ ;_ @_ ', 1234.5, 1234.5, "otherwise"),
    "accounts, nothing": ('_ * #,##0.00_ ;_ * \\-#,##0.00_ ;_ * "-"??_ ;_ @_ ', 0, 0, "otherwise"),
    "currency": ('"¥"#,##0.00', 5, 5, "otherwise"),
    "currency, Excel's": ("[$¥-804]0", 5, 5, "otherwise"),
    "unit": ('0"元"', 5, 5, "otherwise"),
    "fraction": ("# ?/?", 0.5, 0.5, "otherwise"),
    "power": ("0.00E+00", 12345, 12345, "otherwise"),
    "thousand": ("0,", 12000, 12000, "otherwise"),
    "phone": ("000 0000 0000", 1234, 1234, "otherwise"),
    "words": ('[>=100]"金";"银"', 120, 120, "otherwise"),
    "hidden": (";;;", 5, 5, "otherwise"),
    "colour": ("[Red]0", 5, 5, ""),
}


@pytest.mark.parametrize(("form", "value", "read", "said"), SHOWN.values(), ids=SHOWN)
def test_number_formats(tmp_path: Path, form: str, value: Any, read: Any, said: str) -> None:
    """Zeros and percent are as the sheet shows them; of another format that would show is a notice."""

    def style(book: openpyxl.Workbook) -> None:
        book["甲"]["B2"].number_format = form

    frame = segment.load(saved(tmp_path, {"甲": [["phone", "code"], [13800000001, value]]}, style))
    notices = segment.notices(frame)

    assert cells(frame[["code"]]) == [[read]]
    assert [said] * bool(said) == [
        word for word in ("otherwise", "rounded") for text in notices if word in text
    ]
    assert all("1 cell of column `code`" in text and "such as B2" in text for text in notices)


MOMENTS = {
    "a day": ("yyyy/m/d", datetime(2026, 12, 9), ""),
    "a day, Chinese": ('yyyy"年"m"月"d"日"', datetime(2026, 12, 9), ""),
    "a day, of a locale": ("[$-804]yyyy-mm-dd;@", datetime(2026, 12, 9), ""),
    "month and day": ('m"月"d"日"', datetime(2026, 12, 9), "2026-12-09"),
    "year and month": ("yyyy.mm", datetime(2026, 12, 9), "2026-12-09"),
    "day of the week": ("yyyy/m/d aaaa", datetime(2026, 12, 9), "2026-12-09"),
    "with an hour": ("yyyy/m/d h:mm", datetime(2026, 12, 9, 18, 30), "2026-12-09"),
    "an hour alone": ("h:mm", datetime(2026, 12, 9, 18, 30), "2026-12-09"),
    "minutes before seconds": ("mm:ss", time(0, 9, 30), "09:30"),
    "a time": ("h:mm", time(9, 30), ""),
    "a time, of halves": ('[$-804]上午/下午h"时"mm"分";@', time(9, 30), ""),
    "a time with seconds": ("h:mm:ss", time(9, 30, 15), "09:30"),
    "a duration": ("[h]:mm:ss", timedelta(hours=26, minutes=3), ""),
    "a duration in minutes": ("[m]", timedelta(hours=26, minutes=3), "26:03:00"),
}


@pytest.mark.parametrize(("form", "value", "written"), MOMENTS.values(), ids=MOMENTS)
def test_formats_of_dates_and_times(tmp_path: Path, form: str, value: Any, written: str) -> None:
    """Where the sheet shows other parts of a date or time than a message would, that is said."""

    def style(book: openpyxl.Workbook) -> None:
        book["甲"]["B2"].number_format = form

    frame = segment.load(saved(tmp_path, {"甲": [["phone", "at"], [13800000001, value]]}, style))
    said = [str(text) for text in segment.notices(frame)]

    assert len(said) == bool(written)
    assert all("such as B2" in text and text.endswith(f"messages write {written}") for text in said)


def test_formats_of_other_columns_are_not_noticed(tmp_path: Path) -> None:
    """Only columns that are read are spoken of."""

    def style(book: openpyxl.Workbook) -> None:
        for row in book["甲"].iter_rows(min_col=2):
            row[0].number_format = "#,##0"

    source = saved(tmp_path, {"甲": [["phone", "a", "b"], [1, 1234, 2], [2, 5678, 3]]}, style)

    assert segment.notices(segment.load(source, columns=["phone", "b"])) == []
    assert [str(text)[:7] for text in segment.notices(segment.load(source))] == ["2 cells"]


@pytest.mark.parametrize("number", [14, 27, 31, 57, 58])
def test_dates_in_formats_of_chinese_excel(tmp_path: Path, number: int) -> None:
    """Formats that Chinese Excel knows by number alone are dates."""
    source = saved(tmp_path, {"甲": [["phone", "at"], [1, datetime(2026, 12, 9)]]})
    rewritten(
        source, "xl/styles.xml", lambda xml: re.sub(r'numFmtId="(164|22)"', f'numFmtId="{number}"', xml)
    )
    rewritten(source, "xl/styles.xml", lambda xml: re.sub(r"<numFmts[^>]*/>|<numFmts.*?</numFmts>", "", xml))

    assert segment.load(source)["at"][0] == datetime(2026, 12, 9)


# --- limits


def bomb(folder: Path, head: str, piece: str, times: int, tail: str) -> str:
    """A workbook whose sheet is *piece* over and over, packed small."""
    source = saved(folder, {"甲": PEOPLE[:1]})
    sheet = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(source) as old:
        parts = {name: old.read(name) for name in old.namelist() if name != sheet}
    start = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in parts.items():
            new.writestr(name, content)
        with new.open(sheet, "w") as part:
            part.write(f"{start}{head}".encode())
            for _ in range(times // 1000):
                part.write(piece.encode() * 1000)
            part.write(f"{tail}</sheetData></worksheet>".encode())
    return source


NAMES = '<row r="1"><c r="A1" t="inlineStr"><is><t>phone</t></is></c></row>'
BOMBS = {
    "rows": (NAMES, "<row><c><v>1</v></c></row>", 2_000_000, "", "would unpack to"),
    "one cell": (
        f'{NAMES}<row><c r="A2" t="inlineStr"><is><t>',
        "长" * 100,
        100_000,
        "</t></is></c></row>",
        "unp",
    ),
}


@pytest.mark.parametrize(("head", "piece", "times", "tail", "says"), BOMBS.values(), ids=BOMBS)
def test_what_unpacks_to_too_much_is_refused(
    tmp_path: Path, head: str, piece: str, times: int, tail: str, says: str
) -> None:
    """What a workbook says of its size is looked at before any of it is read."""
    source = bomb(tmp_path, head, piece, times, tail)

    assert Path(source).stat().st_size < 1 << 20
    with pytest.raises(SegmentError, match=says):
        segment.load(source)


def test_cells_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops at a limit of rows, of cells in a row, and of cells kept; one far away costs nothing."""
    source = saved(tmp_path, {"甲": PEOPLE}, lambda book: book["甲"].cell(1, 16384, "far").parent)
    assert len(segment.load(source, columns=["phone", "far"])) == 5

    limits = ((sheet_rows, "_MAX_ROWS", 5), (sheet_rows, "MAX_COLUMNS", 2), (excel, "MAX_CELLS", 14))
    for room, name, limit in limits:
        with monkeypatch.context() as patch:
            patch.setattr(room, name, limit)
            with pytest.raises(SegmentError, match="has more rows, columns or cells than are read"):
                segment.load(saved(tmp_path, {"甲": PEOPLE}))


# --- titles

TITLED = {
    "a title": ([["双十二召回人群"], *PEOPLE], "2"),
    "a title and a date": ([["双十二召回人群"], [None, "导出于 2026-11-28"], [], *PEOPLE], "4"),
    "none": (PEOPLE, ""),
}


@pytest.mark.parametrize(("rows", "names_at"), TITLED.values(), ids=TITLED)
def test_a_title_above_the_names(tmp_path: Path, rows: list[list[Any]], names_at: str) -> None:
    """A row of one cell above one of several words is a title, which is said; no row is lost."""
    frame = segment.load(saved(tmp_path, {"甲": rows}))
    told = [text for text in map(str, segment.notices(frame)) if "names the columns" in text]

    assert list(frame.columns) == PEOPLE[0]
    assert frame["user_id"].tolist() == ["u1", "u2", "u3", "u4", "u5"]
    assert [text.split()[1] for text in told] == ([names_at] if names_at else [])


@pytest.mark.parametrize(
    "rows",
    [
        [["phone"], ["13800000001"], ["13800000002"], ["13800000003"], ["13800000004"], ["13800000005"]],
        [["phone"], [13800000001], [13800000002]],
        [["phone"]],
    ],
)
def test_one_column_has_no_title(tmp_path: Path, rows: list[list[Any]]) -> None:
    """The only column is named by the first row, and every row below it is read."""
    frame = segment.load(saved(tmp_path, {"甲": rows}))

    assert [str(cell) for cell in frame["phone"]] == [str(row[0]) for row in rows[1:]]


def test_figures_name_no_columns(tmp_path: Path) -> None:
    """A wide row of figures below a single name is not taken for names; the cells without one are told."""
    with pytest.raises(SegmentError, match="column 2 has no name"):
        segment.load(saved(tmp_path, {"甲": [["phone"], ["13800000001", "9"], ["13800000002", "8"]]}))


def test_merged_cells_are_noticed(tmp_path: Path) -> None:
    """Of columns that are read, below the names: what looks like a value of all rows is the first one's."""
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["名单", None, None],
        ["phone", "city", "note"],
        [1, "北京", "a"],
        [2, None, None],
        [3, "上海", None],
    ):
        sheet.append(row)
    for place in ("A1:C1", "B3:B4", "C3:C5"):
        sheet.merge_cells(place)
    book.save(tmp_path / "a.xlsx")
    city = segment.load(str(tmp_path / "a.xlsx"), columns=["phone", "city"])
    phone = segment.load(str(tmp_path / "a.xlsx"), columns=["phone"])

    assert city["city"].tolist()[::2] == ["北京", "上海"]
    assert [note for note in segment.notices(city) if "merged" in note] == [
        "1 merged cell of sheet `Sheet` has a value in the first row alone, such as B3:B4: the rows below "
        "count as empty there; unmerge and fill in"
    ]
    assert not any("merged" in note for note in segment.notices(phone))
