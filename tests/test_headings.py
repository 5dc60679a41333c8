"""Which row of a text file or workbook names the columns: found below titles, or chosen by a person."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

import smskit
from smskit.audience import segment
from smskit.errors import SegmentError
from smskit.planning.spec import CampaignSpec
from smskit.settings import Environment

NAMES = ["用户ID", "手机号", "城市"]
PEOPLE = [[f"u{n}", f"1380000000{n}", "上海"] for n in range(1, 4)]
TITLE = ["双十二召回人群"]
# Rows, and the number of the row that is found to name the columns; 0 = the first, of which nothing is said.
FOUND: dict[str, tuple[list[list[str]], int]] = {
    "a title": ([TITLE, NAMES, *PEOPLE], 2),
    "as wide as the table": ([[*TITLE, "", ""], NAMES, *PEOPLE], 2),
    "a title, a date, a blank line": ([TITLE, ["导出于 2026-11-28"], [], NAMES, *PEOPLE], 4),
    "none": ([NAMES, *PEOPLE], 0),
    "blank lines": ([[], [], NAMES, *PEOPLE], 0),
}
# What stands above the names and is no title: it has several words itself.
NOTES = [["报表", "用户运营", "内部"], ["口径", "近30日", "去重"]]


def text_of(rows: list[list[str]], delimiter: str) -> str:
    return "".join(delimiter.join(row) + "\n" for row in rows)


def saved(folder: Path, rows: list[list[str]], kind: str) -> str:
    """The rows as a file of that kind."""
    place = folder / f"people.{kind.split()[0]}"
    if kind == "xlsx":
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        for n, row in enumerate(rows, start=1):
            for m, cell in enumerate(row, start=1):
                sheet.cell(n, m).value = cell or None
        book.save(place)
        return str(place)
    delimiter = {"csv": ",", "txt": "\t", "csv of Excel": ";"}[kind]
    first = "sep=;\n" if kind == "csv of Excel" else ""
    place.write_text(first + text_of(rows, delimiter), encoding="gb18030" if kind == "txt" else "utf-8")
    return str(place)


KINDS = ("csv", "txt", "csv of Excel", "xlsx")


def told(frame: pd.DataFrame) -> list[str]:
    return [text for text in map(str, segment.notices(frame)) if "names the columns" in text]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("rows", "names_at"), FOUND.values(), ids=FOUND)
def test_names_are_found_below_a_title(
    tmp_path: Path, kind: str, rows: list[list[str]], names_at: int
) -> None:
    """A row of one cell above one of several words is a title, which is said; no row is lost."""
    frame = segment.load(saved(tmp_path, rows, kind), text_columns=["手机号"])

    assert list(frame.columns) == NAMES
    assert frame.astype(str).to_numpy().tolist() == PEOPLE
    assert [text.split()[1] for text in told(frame)] == ([str(names_at)] if names_at else [])


@pytest.mark.parametrize("kind", KINDS)
def test_a_person_below_a_title_names_nothing(tmp_path: Path, kind: str) -> None:
    """However the phone is written; it would stand in every error about columns."""
    source = saved(tmp_path, [TITLE, ["张三", "手机138-0000-0000"], ["李四", "手机138-0000-0001"]], kind)
    with suppress(SegmentError):
        assert list(segment.load(source).columns) == TITLE
    with pytest.raises(SegmentError) as caught:
        segment.load(source, columns=["phone"])

    assert "138-0000" not in str(caught.value)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_commas_in_a_text_make_no_title_of_the_names(tmp_path: Path, delimiter: str) -> None:
    """Whatever parts the first row parts all of them, however many commas a cell below has."""
    people = [[u, phone, "上海,浦东,世纪大道,一号"] for u, phone, _ in PEOPLE]
    place = tmp_path / "people.csv"
    place.write_text(text_of([NAMES, *people], delimiter), encoding="utf-8")
    frame = segment.load(str(place))

    assert list(frame.columns) == NAMES
    assert frame.to_numpy().tolist() == people
    assert told(frame) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_person_chooses_the_row(tmp_path: Path, kind: str) -> None:
    """By its number as a spreadsheet has it, blank lines counted; what stands above is not read."""
    source = saved(tmp_path, [*NOTES, [], NAMES, *PEOPLE], kind)
    frame = segment.load(source, heading_row=4, text_columns=["手机号"])
    with pytest.raises(SegmentError, match="no column `手机号`"):
        segment.load(source, columns=["手机号"])

    assert list(frame.columns) == NAMES
    assert frame.astype(str).to_numpy().tolist() == PEOPLE
    assert told(frame) == []
    assert [n for n, _ in segment.first_rows(source, n=4)] == [1, 2, 4, 5]
    assert segment.first_rows(source, n=4)[2][1] == NAMES


WRONG = {
    "beyond the end": (9, "row 9 is to name the columns, and there is none: the last is row 7"),
    "empty": (3, "row 3, which is to name the columns, is empty"),
    "a person": (
        5,
        "row 5, which is to name the columns, has a number in its cell 2, as a row of people has",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("row", "says"), WRONG.values(), ids=WRONG)
def test_a_row_that_names_nothing(tmp_path: Path, kind: str, row: int, says: str) -> None:
    """What was found in its place is named, and no cell of it."""
    source = saved(tmp_path, [*NOTES, [], NAMES, *PEOPLE], kind)
    with pytest.raises(SegmentError) as caught:
        segment.load(source, heading_row=row)

    assert says in str(caught.value)
    assert "13800" not in str(caught.value)


def test_rows_are_counted_on_from_there(tmp_path: Path) -> None:
    """A row of too many cells is named by the number that a spreadsheet gives it."""
    (tmp_path / "people.csv").write_text(text_of([TITLE, NAMES, *PEOPLE, ["u9", "1", "2", "3"]], ","))
    with pytest.raises(SegmentError, match="row 6 has 4 cells, and row 2 names 3 columns"):
        segment.load(str(tmp_path / "people.csv"))


def test_a_hidden_row_and_the_sheet_that_has_it(tmp_path: Path) -> None:
    """A hidden row names nothing; of several sheets the one is read in which that row has the columns."""
    source = saved(tmp_path, [*NOTES, NAMES, *PEOPLE], "xlsx")
    book = openpyxl.load_workbook(source)
    book.create_sheet("说明").append(["一行", "说明"])
    book.save(source)
    frame = segment.load(source, heading_row=3, columns=["手机号"])
    sheet: Any = book.worksheets[0]
    sheet.row_dimensions[3].hidden = True
    book.save(source)

    assert frame["手机号"].tolist() == [row[1] for row in PEOPLE]
    with pytest.raises(SegmentError, match="row 3, which is to name the columns, is hidden"):
        segment.load(source, sheet=sheet.title, heading_row=3)


def test_what_has_no_rows_of_names(tmp_path: Path) -> None:
    """Parquet names its columns itself: a chosen row is refused, as a sheet is."""
    pd.DataFrame({"phone": ["13800000001"]}).to_parquet(tmp_path / "people.parquet")
    with pytest.raises(SegmentError, match="`heading_row` says which row of a workbook or text file"):
        segment.load(str(tmp_path / "people.parquet"), heading_row=2)


def test_the_plan_reads_that_row(tmp_path: Path) -> None:
    """The plan is the one of the clean file; another row under the same id is another campaign."""
    (tmp_path / "clean.csv").write_text(text_of([NAMES, *PEOPLE], ","), encoding="utf-8")
    (tmp_path / "notes.csv").write_text(text_of([*NOTES, [], NAMES, *PEOPLE], ","), encoding="utf-8")
    about = {"campaign": "c", "phone": "手机号", "user_id": "用户ID", "signature": "云片"}
    about |= {"template": "{city}的朋友你好，拒收请回复R", "variables": {"city": "城市"}}
    environment = Environment({"SMSKIT_DATABASE_URL": f"sqlite:///{tmp_path / 'l.db'}"})
    hashes = {}
    for name, row in (("clean.csv", 0), ("clean.csv", 1), ("notes.csv", 4)):
        spec = CampaignSpec.from_data(about | {"segment": str(tmp_path / name), "heading_row": row})
        campaign = smskit.open_campaign(spec, environment=environment)
        hashes[name, row] = campaign.plan().hash
        campaign.ledger.close()

    assert len(set(hashes.values())) == 1
    assert "heading_row" in spec.definition()
