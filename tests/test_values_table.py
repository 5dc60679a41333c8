"""The reference's table of how a cell goes out says what becomes of it, by whatever file it comes."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import openpyxl
import pandas as pd
import pytest

from smskit.audience import segment
from smskit.message.values import UNREADABLE, format_column

PATTERN: Final = "%m月%d日"
CSV, PARQUET, XLSX, FRAME = "csv", "parquet", "xlsx", "frame"
TEXTS = (CSV, PARQUET, XLSX, FRAME)
TYPED = (PARQUET, XLSX, FRAME)
SHOWN: Final = {0.15: "0%", 42: "000000"}  # number formats of a sheet
# Row of the table -> its cells, and the files that can hold them.
ROWS: Final[list[tuple[list[Any], tuple[str, ...]]]] = [
    (["张三", " 张三\t"], TEXTS),
    (["4.0"], TEXTS),
    (["3.00"], TEXTS),
    (["007"], TEXTS),
    (["1,299.50"], TEXTS),
    (["2026/1/5"], TEXTS),
    (["TRUE"], TEXTS),
    ([4.0], TYPED),
    ([1299.5], TYPED),
    ([5.50], TYPED),
    ([0.15, 42], (XLSX,)),
    ([date(2026, 1, 5)], TYPED),
    ([datetime(2026, 1, 5, 18, 30)], TYPED),
    ([pd.Timestamp("2026-01-05 18:30Z")], (PARQUET, FRAME)),
    ([time(9, 30, 15)], TYPED),
    ([timedelta(hours=26, minutes=3)], TYPED),
    ([True, False], TYPED),
    ([None, "", " ", "\u200e", "N/A", "null", "None", "nan", "#REF!"], TEXTS),
]


def _csv(cell: Any, path: Path) -> pd.DataFrame:
    pd.DataFrame({"v": [cell], "n": ["u1"]}).to_csv(path, index=False)
    return segment.load(str(path))


def _parquet(cell: Any, path: Path) -> pd.DataFrame:
    pd.DataFrame({"v": [cell], "n": ["u1"]}).to_parquet(path)
    return segment.load(str(path))


def _xlsx(cell: Any, path: Path) -> pd.DataFrame:
    book = openpyxl.Workbook()
    book.active.append(["v", "n"])
    book.active.append([cell, "u1"])
    if not isinstance(cell, bool | str) and cell in SHOWN:
        book.active["A2"].number_format = SHOWN[cell]
    book.save(path)
    return segment.load(str(path))


MAKERS: Final[dict[str, Callable[[Any, Path], pd.DataFrame]]] = {
    CSV: _csv,
    PARQUET: _parquet,
    XLSX: _xlsx,
    FRAME: lambda cell, _: segment.from_frame(pd.DataFrame({"v": [cell]})),
}


def written(cell: Any, kind: str, folder: Path, pattern: str | None) -> str:
    """What the message says of a cell; "left out" or "missing" where it says nothing."""
    frame = MAKERS[kind](cell, folder / f"a.{kind}")
    [text] = format_column(frame["v"], pattern=pattern, zone=ZoneInfo("Asia/Shanghai")).to_pylist()
    return "missing" if text is None else "left out" if text.startswith(UNREADABLE) else text


@pytest.mark.parametrize(
    ("page", "left_out", "missing"),
    [
        ("docs/reference.md", "left out", "counts as missing"),
        ("docs/zh/reference.md", "排除", "视为缺失"),
    ],
)
def test_each_row_says_what_goes_out(page: str, left_out: str, missing: str, tmp_path: Path) -> None:
    """Plainly and by a format, of each kind of file that can hold the cell."""
    text = Path(page).read_text(encoding="utf-8")
    table = text.partition("<!-- values -->")[2].partition("<!-- /values -->")[0]
    rows = [line.strip("| ").split(" | ") for line in table.strip().splitlines()[2:]]
    said = {"left out": {left_out}, "missing": {missing}}

    assert len(rows) == len(ROWS)
    for (head, *answers), (cells, kinds) in zip(rows, ROWS, strict=True):
        for answer, pattern in zip(answers, (None, PATTERN), strict=True):
            found = {written(cell, kind, tmp_path, pattern) for cell in cells for kind in kinds}
            shown = set(re.findall("`([^`]+)`", answer)) - {"format"} or {answer}
            assert shown in (found, *(said[each] for each in found if each in said)), (head, pattern)


def test_a_decimal_keeps_its_places_where_the_source_has_them() -> None:
    """A frame's decimals are what was counted in: 5.50 stays so."""
    frame = segment.from_frame(pd.DataFrame({"v": [Decimal("5.50"), Decimal("5.00")]}))

    assert format_column(frame["v"]).to_pylist() == ["5.50", "5"]
