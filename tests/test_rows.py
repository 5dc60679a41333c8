"""Pages of a frame are what pandas says they are, and never show a phone that nobody asked for."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smskit.audience.paging import FrameRows
from smskit.errors import InputError

PEOPLE = pd.DataFrame(
    {
        "user_id": ["u2", "u10", "u1", "u3"],
        "phone": ["13800138001", "+86 138-0013-8002", None, "12345"],
        "name": ["Zoë", "王伟", "<b>李</b>", None],
        "spend": pd.Series(["9", "10", None, "100"], dtype="str"),
        "note": ["call 13800138009", "", "order 4711", "x"],
        "at": pd.to_datetime(["2026-01-02 00:00", None, "2026-01-01 08:30", "2025-12-31 00:00"]),
    }
)


def rows() -> FrameRows:
    return FrameRows(PEOPLE, phone=["phone"])


def numbers(made: pd.DataFrame) -> list[int]:
    return made.index.tolist()


@pytest.mark.parametrize(
    ("sort", "descending", "expected"),
    [
        pytest.param("", False, [0, 1, 2, 3], id="source"),
        pytest.param("user_id", False, [2, 1, 0, 3], id="text"),
        pytest.param("spend", False, [0, 1, 3, 2], id="numbers-as-text"),
        pytest.param("spend", True, [3, 1, 0, 2], id="missing-last-either-way"),
        pytest.param("at", False, [3, 2, 0, 1], id="dates"),
    ],
)
def test_sorted(sort: str, descending: bool, expected: list[int]) -> None:
    """Numbers sort as numbers even where a csv holds them as text, and rows without a value come last."""
    page = rows().page(0, 10, sort=sort, descending=descending)

    assert numbers(page.frame) == expected


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        pytest.param("zoë", [0], id="any-case"),
        pytest.param("王", [1], id="chinese"),
        pytest.param("8613800138002", [1], id="whole-phone-however-written"),
        pytest.param("<b>", [2], id="markup-is-text"),
        pytest.param("  u1 ", [1, 2], id="blanks-around"),
        pytest.param(".*", [], id="no-pattern"),
        pytest.param("2026-01", [0, 2], id="dates"),
    ],
)
def test_searched(search: str, expected: list[int]) -> None:
    """A search is text that occurs in a shown column, and a whole phone is found however it is written."""
    page = rows().page(0, 10, search=search)

    assert (numbers(page.frame), page.total) == (expected, len(expected))


def test_only_shown_columns_are_searched() -> None:
    """A column that is not shown is not searched, and can still be sorted by."""
    page = rows().page(0, 10, columns=["name"], search="u1", sort="user_id")

    assert page.total == 0


def test_phones_are_masked_until_asked_for() -> None:
    """A phone is hidden in its own column and in any other, and shown in full only on purpose."""
    hidden = rows().page(0, 10).frame
    shown = rows().page(0, 10, reveal=True).frame

    assert hidden["phone"].tolist()[:2] == ["138****8001", "138****8002"]
    assert "13800138009" not in hidden.to_csv()
    assert shown["phone"].tolist()[1] == "+86 138-0013-8002"
    assert shown["note"][0] == "call 13800138009"


def test_numbers_that_may_be_phones_are_masked() -> None:
    """A phone stored as a whole number is masked too, in whatever column it stands."""
    frame = pd.DataFrame({"a": [13800138001, 5], "b": [1, 2]})

    assert FrameRows(frame).page(0, 5).frame["a"].tolist() == ["138****8001", "5"]
    assert FrameRows(frame).page(0, 5).frame["b"].tolist() == [1, 2]


def test_an_unknown_column_is_named() -> None:
    """Asking for a column that is not there says which one is near."""
    with pytest.raises(InputError, match="did you mean `spend`"):
        rows().page(0, 5, sort="spent")


def test_nothing_to_show() -> None:
    """A frame without rows has an empty page, sorted and searched or not."""
    page = FrameRows(PEOPLE.iloc[:0], phone=["phone"]).page(0, 5, sort="name", search="x")

    assert (len(page.frame), page.total) == (0, 0)


values = st.lists(st.one_of(st.none(), st.integers(-5, 5)), max_size=30)


@given(
    values,
    st.booleans(),
    st.integers(0, 40),
    st.integers(1, 10),
    st.sampled_from(["Int64", "float64", "str", "category"]),
    st.randoms(use_true_random=False),
)
def test_pages_are_those_of_pandas(
    cells: list[int | None], descending: bool, first: int, count: int, kind: str, dice: object
) -> None:
    """Kept, sorted and cut into pages, rows are the ones pandas' own stable sort gives."""
    column = pd.Series(cells, dtype="Int64")
    frame = pd.DataFrame({"a": column.astype("float64" if kind == "float64" else "Int64")})
    if kind in ("str", "category"):
        frame["a"] = pd.Series([None if c is None else f"t{c + 5:02}" for c in cells], dtype="str").astype(
            kind
        )
    keep = np.array([dice.random() < 0.7 for _ in cells], dtype=bool)  # type: ignore[attr-defined]
    page = FrameRows(frame, keep).page(first, count, sort="a", descending=descending)
    # sort_values keeps ties in order in either direction, as we do.
    expected = frame[keep].sort_values("a", ascending=not descending, kind="stable", na_position="last")

    assert numbers(page.frame) == expected.index.tolist()[first : first + count]
    assert page.total == len(expected)


@pytest.mark.parametrize("dtype", ["datetime64[us, UTC]", pd.ArrowDtype(pa.timestamp("us", "UTC"))])
def test_moments_are_shown_on_the_campaigns_clock(dtype: Any) -> None:
    """A cell that names a zone is shown, searched and taken for a rule as its clock there says."""
    late = ["2026-12-09T16:30:00Z", None, "2026-12-31T23:59:59Z"]
    frame = pd.DataFrame({"seen": pd.to_datetime(pd.Series(late)).astype(dtype), "plain": ["a", "b", "c"]})
    rows = FrameRows(frame, zone=ZoneInfo("Asia/Shanghai"))

    assert rows.page(0, 3).frame["seen"].fillna("").tolist() == [
        "2026-12-10 00:30:00",
        "",
        "2027-01-01 07:59:59",
    ]
    assert rows.page(0, 3, search="2027-01-01 07").frame.index.tolist() == [2]
    assert rows.cell(0, "seen") == "2026-12-10 00:30:00"
    assert rows.keeping(None).cell(0, "seen") == "2026-12-10 00:30:00"
