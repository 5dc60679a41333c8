"""User ids that name nobody, or lost digits: there the phone is the person, and a notice says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from openpyxl import Workbook

from smskit.audience import segment
from smskit.audience.identity import known_ids
from smskit.audience.noticed import messages_of
from smskit.message.values import format_column
from tests.test_plan import labels, people, planned


def named(cells: Any) -> tuple[list[str | None], list[str]]:
    """The ids of a column that name somebody, and its notices."""
    column = pd.Series(cells)
    known = known_ids(column, format_column(column))
    return known.ids.to_pylist(), list(messages_of(known.noticed))


@pytest.mark.parametrize(
    "cell",
    [
        *(
            "无",
            "-",
            "N/A",
            "n/a",
            "NA",
            "null",
            "NULL",
            "None",
            "none",
            "nan",
            "0",
            "000",
            "0.0",
            0,
            "－",
            "—",
            "--",
        ),
        *(
            " 无 ",
            "暂无",
            "空",
            "/",
            "?",
            "？",
            "...",
            "#N/A",
            "#REF!",
            "Ｎ／Ａ",
            "<NA>",
            "\\N",
            "未知",
            "不详",
            "匿名",
            "（null）",
            "undefined",
            "=",
            "无\u200b",
        ),
    ],
)
def test_an_id_that_says_nothing_names_nobody(cell: Any) -> None:
    """Everybody with such an id is a person of their own, and a notice counts them."""
    plan = planned(people(3, user_id=[cell, cell, "u3"]))

    assert labels(plan) == ["", "", ""]
    assert plan.persons.to_pylist() == ["8613800000000", "8613800000001", "u3"]
    if format_column(pd.Series([cell])).null_count == 0:
        assert [str(notice)[:39] for notice in plan.notices] == ["2 rows have a user id that names nobody"]


@pytest.mark.parametrize(
    "cell",
    ["no", "无名", "NaN7", "o", "x-", "00a", "100", "-1", "Nan Li", "n0ne", "空空", 7, "0x1", "😀", "nul"],
)
def test_an_id_that_is_short_or_odd_still_names_somebody(cell: Any) -> None:
    """What tells people apart is an id, however it reads; the second row is the same person."""
    plan = planned(people(2, user_id=[cell, cell], name=["张三"] * 2, coupon=[5] * 2))

    assert labels(plan) == ["", "duplicate_user"]
    assert plan.notices == []


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(["2.02611E+16"] * 3, id="text"),
        pytest.param(["1.23457e+15"] * 3, id="small-e"),
        pytest.param(["1E+12"] * 3, id="one-digit"),
        pytest.param(["2.0261112345678E16"] * 3, id="java"),
        pytest.param(["1.2e9"] * 3, id="java-small"),
        pytest.param(["1.234567890123456E+17"] * 3, id="most-digits"),
        pytest.param(np.full(3, 20261128123456789, np.float64), id="float"),
        pytest.param(np.full(3, 1e16), id="float-of-zeros"),
        pytest.param(np.full(3, 20261128, np.float32), id="single-precision"),
        pytest.param(pd.Series([20261128123456789.0] * 3, dtype=object), id="objects"),
        pytest.param(pd.Series([20261128123456789.0] * 3, dtype="Float64"), id="nullable"),
        pytest.param(pd.Series([2.0**53] * 3, dtype=pd.ArrowDtype(pa.float64())), id="arrow"),
    ],
)
def test_ids_with_lost_digits_name_nobody(cells: Any) -> None:
    """People whose ids were rounded are not taken for one person, and a notice says what to do."""
    plan = planned(people(3, user_id=cells))

    assert labels(plan) == ["", "", ""]
    (notice,) = plan.notices
    assert str(notice).startswith("3 user ids have lost digits")
    assert str(notice).endswith("Take the ids from their source as text")


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(["1.3800002010E+10", "x"], id="all-digits-kept"),
        pytest.param(["1E5", "12E+4", "1e16"], id="letters-in-an-id"),
        pytest.param(["1.3800002010E10", "1.20E2"], id="java-all-digits-kept"),
        pytest.param([123456789012345.0, 5.0], id="floats-that-are-exact"),
        pytest.param(["20261128123456789", "20261128123456780"], id="one-long-number-ends-in-zero"),
        pytest.param(["2026112812345678", "2026112812345679"], id="long-numbers"),
        pytest.param(["1000000000000000", "x"], id="one-round-number"),
        pytest.param(["200000", "300000"], id="short-round-numbers"),
        pytest.param([20261128123456789, 20261128123456788], id="integers"),
        pytest.param(pd.Series([], dtype=object), id="none"),
    ],
)
def test_ids_with_all_their_digits_are_ids(cells: Any) -> None:
    """What lost nothing is taken as it is, without a notice."""
    column = pd.Series(cells)

    assert named(column) == (format_column(column).to_pylist(), [])


def test_long_numbers_that_end_in_zeros_are_noticed() -> None:
    """Text of a rounded number may be an id all the same: people stay one person, and a notice warns."""
    rounded = ["202611281234567000", "202611281234567000", "202611281234568000"]
    plan = planned(people(3, user_id=rounded, name=["张三"] * 3, coupon=[5] * 3))

    assert labels(plan) == ["", "duplicate_user", ""]
    (notice,) = plan.notices
    assert str(notice).startswith("3 user ids have 16 digits or more and end in zeros")


def test_a_workbook_with_long_numbers_as_ids_is_noticed(tmp_path: Path) -> None:
    """Excel keeps 15 digits of a number: ids of 18 digits in number cells give a notice."""
    book = Workbook()
    sheet = book.active
    sheet.append(["user_id", "phone"])
    for n in range(3):
        sheet.append([202611281234567891 + n, f"1380000000{n}"])
    book.save(tmp_path / "ids.xlsx")
    frame = segment.load(str(tmp_path / "ids.xlsx"), text_columns={"user_id", "phone"})
    plan = planned(frame, template="你好，拒收请回复R", variables={})

    assert labels(plan) == ["", "", ""]
    assert str(plan.notices[0]).startswith("3 user ids have lost digits")


def test_examples_of_a_notice_show_no_phone() -> None:
    """An id that is a phone is masked in a notice as everywhere."""
    _, notices = named(["-", "13800000001", "？"])

    assert notices == ["2 rows have a user id that names nobody (`-`, `？`): there the phone is the person"]
