"""What a rule keeps: tables per operator and dtype, and SQLite as the second opinion."""

from __future__ import annotations

import json
import random
import sqlite3
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, find, given, settings
from hypothesis import strategies as st

from smskit.audience.rules import OPS, All, Any_, Leaf, Not, Rule, Step, parse
from smskit.errors import InputError, RuleError
from smskit.i18n import Language
from tests.profiles import examples

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 1, 31, 10, 0, tzinfo=SHANGHAI)


def leaf(op: str, *value: object, column: str = "x") -> dict[str, Any]:
    """Write one comparison as plain data; no value when none is given."""
    return {"column": column, "op": op, **({"value": value[0]} if value else {})}


def kept(values: object, rule: object, now: datetime = NOW) -> list[int]:
    """Return the positions of the values that *rule* keeps, as column x of a frame."""
    frame = pd.DataFrame({"x": values})

    mask = parse(rule).mask(frame, now=now)

    assert mask.dtype == np.bool_
    assert len(mask) == len(frame)
    return [int(i) for i in np.flatnonzero(mask)]


def arrow(values: list[Any], dtype: Any) -> pd.Series:
    """Return a column backed by Arrow."""
    return pd.Series(pa.array(values, dtype), dtype=pd.ArrowDtype(dtype))


def times(values: list[str | None], zone: str | None = None) -> pd.Series:
    """Return a datetime64 column; *zone* is the one it is kept in."""
    return pd.Series(pd.to_datetime(values, format="ISO8601")).dt.tz_localize(zone)


# --- what each operator means ----------------------------------------------------------------------

LEVELS = pd.Series(["gold", "silver", None, "Gold", "上海", "go%d"], dtype="str")
SPENT = pd.Series(["500", "99.5", None, "n/a", " 1e3 ", "-1", "1,200", "inf", "nan", "0x10"], dtype="str")


@pytest.mark.parametrize(
    ("values", "op", "value", "expected"),
    [
        pytest.param(LEVELS, "==", "gold", [0], id="text-equal-is-case-sensitive"),
        pytest.param(LEVELS, "==", "上海", [4], id="chinese-value"),
        pytest.param(LEVELS, "!=", "gold", [1, 3, 4, 5], id="unequal-leaves-null-out"),
        pytest.param(LEVELS, "<", "gold", [3, 5], id="text-is-ordered-by-bytes"),
        pytest.param(LEVELS, "in", ["gold", "silver"], [0, 1], id="in"),
        pytest.param(LEVELS, "not_in", ["gold", "silver"], [3, 4, 5], id="not-in-leaves-null-out"),
        pytest.param(LEVELS, "between", ["gold", "silver"], [0, 1], id="between-has-both-ends"),
        pytest.param(LEVELS, "contains", "o%", [5], id="contains-is-literal"),
        pytest.param(LEVELS, "contains", "g.l", [], id="contains-is-no-regex"),
        pytest.param(LEVELS, "starts_with", "go", [0, 5], id="starts-with"),
        pytest.param(SPENT, ">=", 500, [0, 4, 6], id="text-beside-number-is-a-number"),
        pytest.param(SPENT, "!=", 500, [1, 4, 5, 6], id="text-that-is-no-number-is-unknown"),
        pytest.param(SPENT, "in", [500, -1], [0, 5], id="numbers-in-text"),
        pytest.param(SPENT, "between", [99.5, 500], [0, 1], id="between-numbers-in-text"),
        pytest.param(SPENT, ">=", "500", [0, 1, 3, 7, 8], id="text-beside-text-is-text"),
        pytest.param([1, 2, 3], ">", 1.5, [1, 2], id="ints-beside-fraction"),
        pytest.param([1, 2, 3], "==", 1.5, [], id="int-is-no-fraction"),
        pytest.param([1, 2, 3], "<=", "2", [0, 1], id="ints-beside-text-of-number"),
        pytest.param([1, 2, 3], "in", [2, 10**30], [1], id="value-beyond-the-dtype"),
        pytest.param([1, 2, 3], "<", 10**30, [0, 1, 2], id="bound-beyond-the-dtype"),
        pytest.param(np.array([1, 200], np.uint8), ">", -5, [0, 1], id="unsigned-above-negative"),
        pytest.param([0.5, None, np.nan, np.inf, -np.inf], ">", 0, [0, 3], id="nan-is-null-inf-is-not"),
        pytest.param([0.5, None, 2], "!=", 2, [0], id="float-unequal-leaves-null-out"),
        pytest.param(pd.array([1, None, 3], "Int64"), "not_in", [1], [2], id="nullable-int"),
        pytest.param([138, 1380, 139], "starts_with", "138", [0, 1], id="digits-of-an-int"),
        pytest.param([True, False], "==", True, [0], id="bool"),
        pytest.param(pd.array([True, False, None], "boolean"), "!=", True, [1], id="nullable-bool"),
        pytest.param([True, False], "==", "是", [0], id="bool-beside-word"),
        pytest.param([True, False], "==", 1, [0], id="bool-beside-number"),
        pytest.param([0, 1, 2], "==", True, [1], id="int-beside-true"),
        pytest.param(
            ["是", "YES", " 1", "true", "no", "?", None], "==", True, [0, 1, 2, 3], id="yes-in-text"
        ),
        pytest.param(["否", "No", "0", "False", "yes", "?", None], "!=", True, [0, 1, 2, 3], id="no-in-text"),
        pytest.param(["是", "no", "?"], "in", [True, False], [0, 1], id="either-word-but-not-unknown"),
        pytest.param(pd.Categorical(["a", None, "b"]), "!=", "a", [2], id="category"),
        pytest.param(pd.Categorical([5, None, 9]), ">", 5, [2], id="category-of-ints"),
        pytest.param(pd.Categorical([None, None]), "!=", "a", [], id="category-of-nothing"),
        pytest.param(
            arrow(["a", None, "b"], pa.dictionary(pa.int32(), pa.string())), "==", "b", [2], id="dict"
        ),
        pytest.param(arrow(["a", None], pa.string()), "!=", "b", [0], id="arrow-text"),
        pytest.param(arrow([1, None, 3], pa.int64()), ">", 1, [2], id="arrow-int"),
        pytest.param(arrow([1.0, float("nan"), None], pa.float64()), "!=", 5, [0], id="arrow-float"),
        pytest.param(arrow([True, None, False], pa.bool_()), "==", False, [2], id="arrow-bool"),
        pytest.param(arrow([Decimal("0.10"), None], pa.decimal128(9, 2)), "==", 0.1, [0], id="arrow-decimal"),
        pytest.param([Decimal("0.10"), None, Decimal(7)], "<=", 0.1, [0], id="decimal-objects"),
        pytest.param(
            [1, "1", 1.5, None, b"1", [1], {"a": 1}, date(2026, 1, 1)], "==", 1, [0, 1, 4], id="mixed"
        ),
        pytest.param([1, "gold", None, True, [1]], "==", "gold", [1], id="mixed-beside-text"),
        pytest.param([None, None], "!=", 1, [], id="nothing-but-null"),
        pytest.param(pd.Series([], dtype="str"), "==", 1, [], id="no-rows"),
    ],
)
def test_comparison(values: object, op: str, value: object, expected: list[int]) -> None:
    """An operator keeps exactly the rows of the table, whatever the column's dtype."""
    assert kept(values, leaf(op, value)) == expected


BIG = 2**53  # the last whole number up to which every one has a float of its own


@pytest.mark.parametrize(
    ("values", "op", "value", "expected"),
    [
        pytest.param([BIG, BIG + 1], "==", BIG + 1, [1], id="int"),
        pytest.param([BIG, BIG + 1], ">", float(BIG), [1], id="int-beside-float"),
        pytest.param(pd.array([BIG, BIG + 1, None], "Int64"), "in", [BIG + 1], [1], id="nullable-int"),
        pytest.param([str(BIG), str(BIG + 1), None, "0.5"], "==", BIG + 1, [1], id="text"),
        pytest.param([str(BIG), str(BIG + 1), "x"], "<", BIG + 1, [0], id="text-order"),
        pytest.param(
            ["98765432109876543210", "98765432109876543211"], "in", [98765432109876543211], [1], id="20"
        ),
        pytest.param([float(BIG), float(BIG + 2)], "<", BIG + 1, [0], id="float-below-int-between-floats"),
        pytest.param([float(BIG), float(BIG + 2)], ">=", BIG + 1, [1], id="float-above-int-between-floats"),
        pytest.param([float(BIG)], "==", BIG + 1, [], id="float-is-not-its-neighbour"),
        pytest.param([10**20, None], "==", 10**20, [0], id="object"),
        pytest.param(pd.Categorical([BIG, BIG + 1, None]), "!=", BIG, [1], id="category"),
        pytest.param(np.array([2**64 - 1, 0], np.uint64), "==", 2**64 - 1, [0], id="unsigned"),
    ],
)
def test_large_numbers_are_exact(values: object, op: str, value: object, expected: list[int]) -> None:
    """A whole number keeps every digit; it never passes through a float."""
    assert kept(values, leaf(op, value)) == expected


TIMES = pd.Series(
    [
        "2026-01-01",
        "2026-01-02",
        "2026-01-02 00:00:00",
        "2026-01-02T23:59:59.999999",
        "2026/1/3",
        "20260103",
        "2026年1月3日 8:30",
        "2026-01-02T16:00:00Z",  # the 3rd, in Shanghai
        "2026-01-03T00:00:00+0900",  # the 2nd, in Shanghai
        "2026-02-30",
        "soon",
        None,
    ],
    dtype="str",
)


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        pytest.param("before", "2026-01-02", [0], id="before-a-day-starts"),
        pytest.param("after", "2026-01-02", [4, 5, 6, 7], id="after-a-day-ends"),
        pytest.param("after", date(2026, 1, 2), [4, 5, 6, 7], id="date-object"),
        pytest.param("before", "2026-01-02 00:00:00", [0], id="before-is-strict"),
        pytest.param("after", "2026-01-02 00:00:00", [3, 4, 5, 6, 7, 8], id="after-is-strict"),
        pytest.param("after", datetime(2026, 1, 2, 16, 0, tzinfo=UTC), [6], id="bound-with-a-zone"),
        pytest.param("before", "2026-01-01T16:00:00Z", [0], id="text-bound-with-a-zone"),
        pytest.param("before", "0001-01-01", [], id="before-everything"),
        pytest.param(
            "before", "9999-12-31", [0, 1, 2, 3, 4, 5, 6, 7, 8], id="text-that-is-no-date-is-unknown"
        ),
    ],
)
def test_dates_in_text(op: str, value: object, expected: list[int]) -> None:
    """Text is read as dates of several spellings, and a bare date stands for its whole day."""
    assert kept(TIMES, leaf(op, value)) == expected


@pytest.mark.parametrize(
    ("values", "op", "value", "expected"),
    [
        pytest.param(times(["2026-01-02", None, "2026-01-03"]), "after", "2026-01-02", [2], id="naive"),
        pytest.param(
            times(["2026-01-02 15:59", "2026-01-02 16:00"], "UTC"),
            "after",
            "2026-01-02",
            [1],
            id="utc",
        ),
        pytest.param([date(2026, 1, 1), None, date(2026, 1, 2)], "before", "2026-01-02", [0], id="objects"),
        pytest.param(
            [datetime(2026, 1, 1, 18, tzinfo=UTC), datetime(2026, 1, 1, 18)],
            "before",
            "2026-01-02",
            [1],
            id="objects-with-and-without-zone",
        ),
        pytest.param(
            arrow([date(2026, 1, 1), None], pa.date32()), "before", "2026-01-02", [0], id="arrow-date"
        ),
        pytest.param(
            arrow([datetime(2026, 1, 1, 16), None], pa.timestamp("ns", "UTC")),
            "==",
            "2026-01-02",
            [0],
            id="arrow-time",
        ),
        pytest.param(times(["2026-01-02 08:00", "2026-01-03"]), "==", "2026-01-02", [0], id="on-that-day"),
        pytest.param(times(["2026-01-02 08:00", "2026-01-03"]), "<=", "2026-01-02", [0], id="up-to-that-day"),
        pytest.param(
            times(["2026-01-01", "2026-01-03 23:00", "2026-01-04"]),
            "between",
            ["2026-01-02", "2026-01-03"],
            [1],
            id="between-days",
        ),
        pytest.param(
            times(["2026-01-01", "2026-01-02", "2026-01-03"]),
            "not_in",
            ["2026-01-01", "2026-01-02 00:00"],
            [2],
            id="days-in-a-list",
        ),
        pytest.param(
            np.array(["9999-12-31", "20000-01-01", "1500-01-01"], "datetime64[s]"),
            "after",
            "2026-01-01",
            [0, 1],
            id="far",
        ),
    ],
)
def test_typed_dates(values: object, op: str, value: object, expected: list[int]) -> None:
    """Typed columns answer as text does; times without a zone are in the zone of now."""
    assert kept(values, leaf(op, value)) == expected


@pytest.mark.parametrize(
    ("values", "days", "now", "expected"),
    [
        pytest.param(
            ["2026-01-30", "2026-01-29", "2026-01-31", "2026-02-01"], 1, NOW, [0, 2], id="dates-by-day"
        ),
        pytest.param(
            ["2026-01-30 10:00", "2026-01-30 09:59", "2026-01-31 10:00", "2026-01-31 10:01"],
            1,
            NOW,
            [0, 2],
            id="times",
        ),
        pytest.param(["2026-01-31T02:00:00Z", "2026-01-31T02:00:01Z", None, "?"], 1, NOW, [0], id="zones"),
        pytest.param(times(["2026-01-30", "2026-01-31"]), 1, NOW, [1], id="datetime64-midnight-is-a-time"),
        pytest.param(arrow([date(2026, 1, 30)], pa.date32()), 1, NOW, [0], id="arrow-date-is-a-day"),
        pytest.param(
            ["2026-01-30", "2026-01-31"], 1, NOW.astimezone(NEW_YORK), [0], id="today-is-where-now-is"
        ),
        pytest.param(
            ["2026-03-08 01:30", "2026-03-08 00:30"],
            1,
            datetime(2026, 3, 9, 2, 0, tzinfo=NEW_YORK),
            [0],
            id="24-hours-across-summer-time",
        ),
        pytest.param(
            ["0001-01-01"], 36_500, datetime(3, 1, 1, tzinfo=SHANGHAI), [0], id="before-the-calendar"
        ),
    ],
)
def test_within_days(values: object, days: int, now: datetime, expected: list[int]) -> None:
    """Times lie in the last N times 24 hours, dates in the last N days; the future does not match."""
    assert kept(values, leaf("within_days", days), now) == expected


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(pd.Series([None, "1"], dtype="str"), id="text"),
        pytest.param([None, 1.0], id="float"),
        pytest.param(arrow([float("nan"), 1.0], pa.float64()), id="arrow-float"),
        pytest.param(pd.array([None, 1], "Int64"), id="nullable-int"),
        pytest.param(pd.Series([None, "1"], dtype=object), id="object"),
        pytest.param(pd.Categorical([None, "1"]), id="category"),
        pytest.param(times([None, "2026-01-01"]), id="time"),
        pytest.param(pd.to_timedelta([None, "1h"]), id="what-rules-cannot-compare"),
    ],
)
def test_null_tests(values: object) -> None:
    """The two null operators know a null in every dtype, and are never unknown themselves."""
    assert kept(values, leaf("is_null")) == kept(values, {"not": leaf("not_null")}) == [0]
    assert kept(values, leaf("not_null")) == kept(values, {"not": leaf("is_null")}) == [1]


VALUES: dict[str, object] = {
    **dict.fromkeys(OPS, "gold"),
    "in": ["gold"],
    "not_in": ["gold"],
    "before": "2026-01-01",
    "after": "2026-01-01",
    "between": ["a", "z"],
    "within_days": 1,
}


@pytest.mark.parametrize("op", sorted(set(OPS) - {"is_null"}))
def test_null_matches_nothing_else(op: str) -> None:
    """No operator but is_null keeps a null."""
    value = [] if op == "not_null" else [VALUES[op]]

    assert kept(pd.Series([None, None], dtype="str"), leaf(op, *value)) == []


@pytest.mark.parametrize("op", sorted(set(OPS) - {"is_null", "not_null"}))
def test_not_of_unknown_is_unknown(op: str) -> None:
    """Turning a comparison round does not bring in rows that have nothing to compare."""
    rule = {"not": leaf(op, VALUES[op])}

    assert kept(pd.Series([None], dtype="str"), rule) == []
    assert kept(pd.Series([None], dtype="str"), {"not": {"any": [rule, rule]}}) == []


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param({"any": [leaf("==", 1), leaf("is_null")]}, [0, 2], id="unknown-or-true-is-true"),
        pytest.param(
            {"not": {"all": [leaf("==", 1), leaf("not_null")]}}, [1, 2], id="unknown-and-false-is-false"
        ),
        pytest.param({"not": {"any": [leaf("==", 1), leaf("==", 3)]}}, [1], id="not-any"),
        pytest.param([leaf("!=", 1), leaf("!=", 3)], [1], id="list-is-all"),
        pytest.param(None, [0, 1, 2], id="none-keeps-everything"),
    ],
)
def test_joining(rule: object, expected: list[int]) -> None:
    """All, any and not follow SQL's three values."""
    assert kept([1, 2, None], rule) == expected


# --- steps, labels, other forms --------------------------------------------------------------------

EXAMPLE = {
    "all": [
        {"column": "level", "op": "in", "value": ["gold", "platinum"]},
        {
            "any": [
                {"column": "spend_90d", "op": ">=", "value": 500},
                {"column": "last_active", "op": "within_days", "value": 30},
            ]
        },
        {"not": {"column": "城市", "op": "==", "value": "上海"}},
    ]
}
PEOPLE = pd.DataFrame(
    {
        "level": ["gold", "gold", "silver", "platinum"],
        "spend_90d": ["900", "10", "900", "10"],
        "last_active": ["2020-01-01", "2020-01-01", "2026-01-30", "2026-01-30"],
        "城市": ["上海", "北京", "北京", None],
    },
    dtype="str",
)


def test_steps_of_all() -> None:
    """Each child of a top-level all says what it keeps alone and what is left after it."""
    assert parse(EXAMPLE).steps(PEOPLE, now=NOW) == [
        Step("rules.all[0]", 'level in ("gold", "platinum")', 3, 3),
        Step("rules.all[1]", "spend_90d >= 500 or last_active within_days 30", 3, 2),
        Step("rules.all[2]", 'not (城市 == "上海")', 2, 0),
    ]


def test_steps_of_other_shapes() -> None:
    """Any other rule is one step, and keeping everything is none."""
    frame = pd.DataFrame({"x": [1, 2, 3]})

    assert parse({"any": [leaf(">", 1)]}).steps(frame, now=NOW) == [Step("rules", "x > 1", 2, 2)]
    assert parse(None).steps(frame, now=NOW) == []


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param(leaf("between", [1, 2]), "x between 1 and 2", id="between"),
        pytest.param(leaf("is_null"), "x is_null", id="is-null"),
        pytest.param(leaf("==", "a\nb"), r'x == "a\nb"', id="stays-one-line"),
        pytest.param(leaf("==", "a", column="user name"), '"user name" == "a"', id="odd-column-name"),
        pytest.param(leaf("in", list(range(9))), "x in (0, 1, 2, 3, 4, 5, … 3 more)", id="long-list"),
        pytest.param(leaf("in", ["13812345678"]), 'x in ("138****5678")', id="phone-is-masked"),
        pytest.param(
            leaf("==", "+8613812345678"), 'x == "+86138****5678"', id="phone-with-country-is-masked"
        ),
        pytest.param(
            {"all": [{"any": [leaf("==", 1), leaf("==", 2)]}, leaf("<", 3)]},
            "(x == 1 or x == 2) and x < 3",
            id="brackets",
        ),
        pytest.param(
            [leaf("==", 1), {"all": [{"any": [leaf("==", 2), leaf("==", 3)]}]}],
            "x == 1 and (x == 2 or x == 3)",
            id="brackets-through-a-list-of-one",
        ),
        pytest.param(None, "every row", id="everything"),
    ],
)
def test_label(rule: object, expected: str) -> None:
    """A rule reads as one line, and shows no full phone."""
    assert parse(rule).label == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (leaf("in", ["a", "b"]), 'x 属于 ("a", "b")'),
        (leaf("within_days", 30), "x 在近 30 天内"),
        ([{"not": leaf("contains", "a")}, leaf(">=", 5)], '不满足（x 包含 "a"） 且 x >= 5'),
        (leaf("in", list(range(9))), "x 属于 (0, 1, 2, 3, 4, 5，… 另有 3 个)"),
    ],
)
def test_label_in_chinese(rule: object, expected: str) -> None:
    """The same line has its operators in words there."""
    assert Language("zh").render(parse(rule).label) == expected


def test_repr_is_short() -> None:
    """However large a rule is, its repr fits a line."""
    assert repr(parse(leaf("==", 1))) == "<rule: x == 1>"
    assert len(repr(parse([leaf("==", "x" * 50)] * 50))) < 100


def test_columns() -> None:
    """A rule names every column it reads, once."""
    assert parse(EXAMPLE).columns() == {"level", "spend_90d", "last_active", "城市"}
    assert parse(None).columns() == frozenset()


def test_tree_and_plain_data() -> None:
    """A rule is a comparable tree, and gives back the JSON it was made from."""
    rule = parse(EXAMPLE)

    assert rule.to_data() == EXAMPLE == json.loads(json.dumps(rule.to_data()))
    assert parse(rule.to_data()) == rule
    assert parse(None).to_data() is None
    assert parse([leaf("==", 1), {"not": {"any": [leaf("in", (1, 2))]}}]) == All(
        (Leaf("x", "==", 1), Not(Any_((Leaf("x", "in", (1, 2)),))))
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(date(2026, 1, 2), "2026-01-02", id="date"),
        pytest.param("2026/1/2", "2026-01-02", id="text"),
        pytest.param(datetime(2026, 1, 2, 3, 4), "2026-01-02 03:04:00", id="time"),
        pytest.param("2026-01-02T03:04:00.5+08:00", "2026-01-02 03:04:00.500000+08:00", id="zone"),
        pytest.param(pd.Timestamp("2026-01-02 03:04"), "2026-01-02 03:04:00", id="timestamp"),
    ],
)
def test_dates_become_iso_text(value: object, expected: str) -> None:
    """A date that YAML made and one that papermill kept as text end as the same rule."""
    assert parse(leaf("before", value)) == Leaf("x", "before", expected)


def test_numpy_values_become_plain() -> None:
    """A value picked from a column is stored as the plain value it is."""
    rule = parse(leaf("in", [np.int64(1), np.float64(2.5)]))

    assert json.dumps(rule.to_data()) == '{"column": "x", "op": "in", "value": [1, 2.5]}'


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param(leaf("!=", "it's", column='a"b'), "\"a\"\"b\" <> 'it''s'", id="quotes"),
        pytest.param(leaf("contains", "5%_"), "instr(\"x\", '5%_') > 0", id="contains"),
        pytest.param(leaf("starts_with", "上海"), "substr(\"x\", 1, 2) = '上海'", id="starts-with"),
        pytest.param(leaf("between", [1, 2.5]), '"x" BETWEEN 1 AND 2.5', id="between"),
        pytest.param(leaf("==", True), '"x" = TRUE', id="bool"),
        pytest.param(leaf("after", "2026-01-02"), "date(\"x\") > '2026-01-02'", id="after"),
        pytest.param(
            leaf("before", "2026-01-02T00:00:00Z"),
            "datetime(\"x\") < '2026-01-02 08:00:00'",
            id="before-with-zone",
        ),
        pytest.param(leaf("not_null"), '"x" IS NOT NULL', id="not-null"),
        pytest.param(
            {"not": {"any": [leaf("<", 1), [leaf("in", ["a"]), leaf("is_null")]]}},
            'NOT ("x" < 1 OR ("x" IN (\'a\') AND "x" IS NULL))',
            id="nested",
        ),
        pytest.param(None, "TRUE", id="everything"),
    ],
)
def test_sql_text(rule: object, expected: str) -> None:
    """Without a frame the SQL is as short as a person would write it."""
    assert parse(rule).to_sql(now=NOW) == expected


@pytest.mark.parametrize("op_and_value", [("within_days", 3), ("before", "2026-01-02T00:00:00Z")])
def test_sql_that_needs_a_clock(op_and_value: tuple[str, object]) -> None:
    """SQL that depends on the time or the zone is refused without them."""
    with pytest.raises(InputError, match="needs `now`"):
        parse(leaf(*op_and_value)).to_sql()


# --- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param("level == 1", r'^rules: expected a rule such as .*, got "level == 1"', id="text"),
        pytest.param({}, r"^rules: .* a mapping of 0", id="empty-mapping"),
        pytest.param([], r"^rules: the list is empty; leave `rules` out", id="empty-list"),
        pytest.param({"all": []}, r"^rules\.all: the list is empty", id="empty-all"),
        pytest.param({"any": {}}, r"^rules\.any: expected a list", id="any-of-mapping"),
        pytest.param({"not": None}, r"^rules\.not: .* got nothing", id="not-nothing"),
        pytest.param({"al": []}, r"^rules\.al: unknown key; did you mean `all`\?", id="misspelt-joiner"),
        pytest.param([leaf("==", 1) | {"vlaue": 1}], r"^rules\[0\]\.vlaue: .*`value`", id="misspelt-key"),
        pytest.param({1: 2}, r"^rules\.1: unknown key", id="key-that-is-no-text"),
        pytest.param(
            {"all": [leaf("is_null")], "any": []}, r"`all` must stand alone, .* `any`", id="two-joiners"
        ),
        pytest.param({"not": leaf("is_null"), "op": "=="}, r"`not` must stand alone", id="joiner-and-leaf"),
        pytest.param({"op": "is_null"}, r"^rules: `column` is missing", id="no-column"),
        pytest.param({"column": "x"}, r"^rules: `op` is missing", id="no-op"),
        pytest.param({"column": 7, "op": "is_null"}, r"^rules\.column: .* got 7", id="column-is-a-number"),
        pytest.param({"column": "", "op": "is_null"}, r"^rules\.column: ", id="column-is-empty"),
        pytest.param(
            {"all": [leaf("is_null"), {"any": [leaf("with_days", 1)]}]},
            r"^rules\.all\[1\]\.any\[0\]\.op: unknown operator `with_days`; did you mean `within_days`\?",
            id="misspelt-op",
        ),
        pytest.param(leaf("=", 1), r"did you mean `==`", id="single-equals"),
        pytest.param(
            leaf("matches", "a"), r"^rules\.op: unknown operator `matches`; one of ==, ", id="unheard-of-op"
        ),
        pytest.param(leaf(["=="], 1), r"^rules\.op: ", id="op-is-a-list"),
        pytest.param(leaf("=="), r"^rules: `value` is missing", id="no-value"),
        pytest.param(leaf("==", None), r"^rules\.value: .* got nothing; use `op: is_null`", id="null-value"),
        pytest.param(leaf("is_null", True), r"`is_null` takes no value", id="needless-value"),
        pytest.param(leaf("==", ["a"]), r"^rules\.value: .* got a list of 1", id="list-for-one"),
        pytest.param(leaf("==", {"a": 1}), r"^rules\.value: .* got a mapping of 1", id="mapping-value"),
        pytest.param(leaf("==", object()), r"^rules\.value: .* got a object", id="object-value"),
        pytest.param(leaf("==", float("nan")), r"finite", id="nan"),
        pytest.param(leaf("<", float("inf")), r"finite", id="inf"),
        pytest.param(leaf("<", 10**38), r"38 digits", id="too-many-digits"),
        pytest.param(leaf("==", pd.NaT), r"^rules\.value: expected text", id="nat"),
        pytest.param(leaf("==", "a\0"), r"NUL", id="nul"),
        pytest.param(leaf("==", "\ud800"), r"surrogate", id="half-a-surrogate"),
        pytest.param(leaf("<", True), r"`<` needs text or a number, not true", id="order-of-bools"),
        pytest.param(leaf("in", "gold"), r"`in` needs a list", id="in-without-list"),
        pytest.param(leaf("in", []), r"`in` needs a list", id="in-nothing"),
        pytest.param(leaf("in", ["a", None]), r"^rules\.value\[1\]: .* got nothing", id="null-in-list"),
        pytest.param(leaf("in", ["a", 1]), r"numbers and text are mixed", id="mixed-list"),
        pytest.param(leaf("not_in", [True, 1]), r"mixed", id="bool-among-numbers"),
        pytest.param(leaf("between", [1]), r"`between` needs two values", id="between-one"),
        pytest.param(leaf("between", [1, 2, 3]), r"`between` needs two values", id="between-three"),
        pytest.param(leaf("between", [2, 1]), r"low end 2 is above the high end 1", id="between-backwards"),
        pytest.param(leaf("between", [False, True]), r"`between` needs text or numbers", id="between-bools"),
        pytest.param(leaf("contains", ""), r"`contains` needs text", id="contains-nothing"),
        pytest.param(
            leaf("starts_with", 138), r"`starts_with` needs text, in quotes", id="starts-with-number"
        ),
        pytest.param(leaf("before", "soon"), r"`before` needs a date such as", id="before-text"),
        pytest.param(leaf("after", 20260102), r"`after` needs a date", id="after-number"),
        pytest.param(leaf("after", "2026-02-30"), r"`after` needs a date", id="after-no-such-day"),
        pytest.param(
            leaf("after", "2026-02-03 10:00+08:99"), r"`after` needs a date", id="after-no-such-zone"
        ),
        pytest.param(leaf("within_days", 0), r"whole days", id="zero-days"),
        pytest.param(leaf("within_days", 1.0), r"whole days", id="days-are-whole"),
        pytest.param(leaf("within_days", True), r"whole days", id="days-are-no-bool"),
        pytest.param(leaf("within_days", "30"), r"whole days", id="days-are-no-text"),
        pytest.param(leaf("==", "13812345678\0"), r"^(?!.*13812345678)", id="no-phone-in-the-message"),
        pytest.param(leaf("in", "13812345678"), r"^(?!.*13812345678)", id="no-phone-in-the-message-either"),
    ],
)
def test_malformed(data: object, message: str) -> None:
    """A malformed rule is refused before any row is read, naming the place."""
    with pytest.raises(RuleError, match=message):
        parse(data)


def test_rule_that_contains_itself() -> None:
    """A YAML anchor that closes a circle is refused, not followed for ever."""
    circle: dict[str, Any] = {}
    circle["not"] = circle

    with pytest.raises(RuleError, match="nested deeper than 50"):
        parse(circle)


@pytest.mark.parametrize(
    ("values", "rule", "message"),
    [
        pytest.param(
            [1], [leaf("==", 1, column="y")], r"^rules\.all\[0\]\.column: .* no column `y`", id="unknown"
        ),
        pytest.param(
            [1], {"not": leaf("==", "a")}, r'^rules\.not\.value: "a" does not fit `x`, .* int64', id="int"
        ),
        pytest.param([True], leaf("==", "maybe"), r"`x`, which is bool", id="bool-beside-no-word"),
        pytest.param(
            pd.Categorical([1]), leaf("==", "a"), r"`x`, which is int64", id="category-names-what-it-holds"
        ),
        pytest.param(
            [1.5],
            leaf("contains", "1"),
            r"`contains` \"1\" cannot be asked of `x`, which is float64",
            id="part",
        ),
        pytest.param([1], leaf("before", "2026-01-01"), r"int64", id="number-as-date"),
        pytest.param([1], leaf("within_days", 1), r"int64", id="number-as-recent-date"),
        pytest.param(times(["2026-01-01"]), leaf("==", 1), r"datetime64", id="date-beside-number"),
        pytest.param(times(["2026-01-01"]), leaf("==", True), r"datetime64", id="date-beside-bool"),
        pytest.param(times(["2026-01-01"]), leaf("<", "a"), r"datetime64", id="date-beside-text"),
        pytest.param(pd.to_timedelta(["1h"]), leaf("==", "1h"), r"timedelta64", id="duration"),
        pytest.param(arrow([[1]], pa.list_(pa.int64())), leaf("==", 1), r"list", id="lists"),
        pytest.param(
            [1], {"any": [leaf("==", 1), leaf("==", "a")]}, r"any\[1\]", id="even-when-nothing-hangs-on-it"
        ),
    ],
)
def test_rule_that_does_not_fit_the_frame(values: object, rule: object, message: str) -> None:
    """A column that is missing or cannot be compared stops the rule, with rows or without, as mask or SQL."""
    frame = pd.DataFrame({"x": values})

    for part in (frame, frame.iloc[:0]):
        with pytest.raises(RuleError, match=message):
            parse(rule).mask(part, now=NOW)
    with pytest.raises(RuleError, match=message):
        parse(rule).to_sql(now=NOW, frame=frame)


def test_nearest_column() -> None:
    """A misspelt column is refused with the nearest one."""
    with pytest.raises(RuleError, match=r"no column `levle`; did you mean `level`\?"):
        parse(leaf("==", "gold", column="levle")).mask(PEOPLE, now=NOW)


def test_column_that_is_there_twice() -> None:
    """Two columns of one name leave it open which was meant."""
    with pytest.raises(RuleError, match="2 columns called `x`"):
        parse(leaf("==", 1)).mask(pd.DataFrame([[1, 2]], columns=["x", "x"]), now=NOW)


def test_clock_without_zone() -> None:
    """A now without a zone is refused, whether or not a rule looks at it."""
    naive = NOW.replace(tzinfo=None)

    with pytest.raises(InputError, match="zone"):
        parse(None).mask(PEOPLE, now=naive)
    with pytest.raises(InputError, match="zone"):
        parse(None).to_sql(now=naive)


# --- SQLite's opinion ------------------------------------------------------------------------------

TEXTS = [
    "gold",
    "Gold",
    "上海",
    "it's",
    'say "hi"',
    "50%",
    "a_b",
    "12",
    "007",
    "true",
    "`ls`",
    "😀",
    " gold",
    "上\u200b海",
    "上海\u3000",
]
NUMBERS = [
    "12",
    "12.5",
    " 7",
    "-3",
    "+3",
    "1e3",
    ".5",
    "5.",
    "007",
    "9007199254740993",
    "abc",
    "1,2",
    "inf",
    "--1",
    "1,200.00",
    "１４００",
    "￥12",
    "12元",
    "15%",
    "5²",
    "1,2000",
    "\u200b12\u3000",
]
WORDS = [
    "true",
    "FALSE",
    "1",
    "0",
    "yes",
    "No",
    "是",
    "否",
    "maybe",
    " yes ",
    "Ｙ",
    "√",
    "是\u200b",
    "N",
    "1.0",
]
DATES = ["2026-01-01", "2026-01-02", "2026-01-31", "2026-02-01", "2025-12-31"]
MOMENTS = [
    *DATES,
    "2026-01-30 10:00:00",
    "2026-01-30T09:59:59",
    "2026-01-31 10:00:00",
    "2026-01-31 10:00:01",
    "2026/1/2",
    "2026年1月30日 下午1:05",
    "Jan 30, 2026",
    "2026-01-30 9:59 AM",
    "46053",
    "1/2/2026",
    "n/a",
]
INTS = [0, 1, -3, 7, 12, 2**53, 2**53 + 1, -(2**63), 2**63 - 1]
FLOATS = [0.0, 0.5, -2.5, 12.0, 1e300, float(2**53), float("inf"), float("-inf")]


def any_of(values: list[Any], *more: Any) -> st.SearchStrategy[Any]:
    """Draw one of the values, or a null."""
    return st.sampled_from([*values, *more, None])


COLUMNS: dict[str, tuple[str, Any, st.SearchStrategy[Any]]] = {
    "level": ("TEXT", "str", any_of(TEXTS)),
    "花费": ("TEXT", "str", any_of(NUMBERS)),
    "consent": ("TEXT", "str", any_of(WORDS)),
    "age": ("INTEGER", "Int64", any_of(INTS)),
    "score": ("REAL", "float64", any_of(FLOATS)),
    "member": ("INTEGER", "boolean", any_of([True, False])),
    "joined": ("TEXT", "str", any_of(MOMENTS)),
    "seen": (
        "TEXT",
        "datetime64[us]",
        any_of([m.replace("T", " ") for m in MOMENTS[5:9]], "2026-01-02 00:00:00"),
    ),
    "city": ("TEXT", "category", any_of([*TEXTS[:4], *TEXTS[-3:]])),
}


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Build a frame with a column of every type, nulls in each."""
    size = draw(st.integers(0, 8))
    return pd.DataFrame(
        {
            name: pd.Series(draw(st.lists(values, min_size=size, max_size=size)), dtype=object).astype(dtype)
            for name, (_, dtype, values) in COLUMNS.items()
        }
    )


def leaves() -> st.SearchStrategy[dict[str, Any]]:
    """Draw a comparison that fits its column; together they use every operator."""
    number = st.sampled_from(
        [0, 1, 12, -3, 0.5, 12.5, 1000, 2**53 + 1, 2**53 - 1, float(2**53), 1e300 / 1e270]
    )
    text, part = st.sampled_from(TEXTS), st.sampled_from(["o", "上", "%", "_", "'", '"', "1", "go", "`"])
    day = st.sampled_from([*DATES, "2026-01-30 10:00:00", "2026-01-31 00:00", "2026-01-30T02:00:00Z"])
    flag = st.booleans()

    def on(
        names: list[str], ops: list[str], value: st.SearchStrategy[Any]
    ) -> st.SearchStrategy[dict[str, Any]]:
        column, op = st.sampled_from(names), st.sampled_from(ops)
        return st.builds(lambda name, op, value: leaf(op, value, column=name), column, op, value)

    def pair(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
        return st.lists(values, min_size=2, max_size=2).map(sorted)

    def few(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
        return st.lists(values, min_size=1, max_size=3)

    compare, numeric, worded = (
        ["==", "!=", "<", "<=", ">", ">="],
        ["花费", "age", "score"],
        ["consent", "member"],
    )
    return st.one_of(
        on(["level", "city"], compare, text),
        on(["花费"], compare, st.sampled_from(["12", "1,200", "１４００", "¥12", "15%", "gold"])),
        on(["joined"], compare, day),
        on(["consent"], ["==", "!="], st.sampled_from(["是", "Ｎ", "yes", "gold"])),
        on(["level", "city"], ["in", "not_in"], few(text)),
        on(["level", "city"], ["between"], pair(text)),
        on(["level", "city", "age"], ["contains", "starts_with"], part),
        on(numeric, compare, number),
        on(["age", "score"], compare, st.sampled_from(["12", "-3", "0.5"])),
        on(numeric, ["in", "not_in"], few(number)),
        on(numeric, ["between"], pair(number)),
        on([*worded, "age"], ["==", "!="], flag),
        on(["member"], ["==", "!="], st.sampled_from(["yes", "否", 1, 0])),
        on(worded, ["in", "not_in"], few(flag)),
        on(["joined", "seen"], ["before", "after"], day),
        on(["joined", "seen"], ["within_days"], st.sampled_from([1, 2, 30, 36_500])),
        on(["seen"], compare, day),
        on(["seen"], ["in", "not_in"], few(day)),
        on(["seen"], ["between"], pair(day)),
        st.builds(
            lambda name, op: leaf(op, column=name),
            st.sampled_from(sorted(COLUMNS)),
            st.sampled_from(["is_null", "not_null"]),
        ),
    )


def rules() -> st.SearchStrategy[dict[str, Any]]:
    """Draw a nested rule."""

    def grow(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        several = st.lists(inner, min_size=1, max_size=3)
        return st.one_of(
            several.map(lambda rules: {"all": rules}),
            several.map(lambda rules: {"any": rules}),
            inner.map(lambda rule: {"not": rule}),
        )

    return st.recursive(leaves(), grow, max_leaves=6)


def load(frame: pd.DataFrame) -> sqlite3.Connection:
    """Put the frame's rows in a table `people` in memory, with its row number as `row`."""
    database = sqlite3.connect(":memory:")
    types = ", ".join(f'"{name}" {COLUMNS[name][0]}' for name in frame.columns)
    database.execute(f"CREATE TABLE people (row INTEGER, {types})")
    columns = [
        [
            None if pd.isna(v) else str(v) if isinstance(v, pd.Timestamp) else v
            for v in frame[name].astype(object)
        ]
        for name in frame.columns
    ]
    marks = ", ".join("?" * (len(columns) + 1))
    database.executemany(
        f"INSERT INTO people VALUES ({marks})", zip(range(len(frame)), *columns, strict=True)
    )
    return database


def sqlite_keeps(frame: pd.DataFrame, rule: Rule) -> list[int]:
    """Ask SQLite which rows the rule's SQL keeps."""
    database = load(frame)
    try:
        where = rule.to_sql(now=NOW, frame=frame)
        return [row for (row,) in database.execute(f"SELECT row FROM people WHERE {where} ORDER BY row")]
    finally:
        database.close()


def refused(rule: Rule, frame: pd.DataFrame) -> bool:
    """Whether a value of the rule is not what the frame's cells happen to be."""
    try:
        rule.mask(frame, now=NOW)
    except RuleError:
        return True
    return False


@settings(max_examples=examples(250))
@given(frame=frames(), data=rules())
def test_sqlite_agrees(frame: pd.DataFrame, data: dict[str, Any]) -> None:
    """SQLite, given the SQL text, keeps the very rows the mask keeps; what is refused, both refuse."""
    rule = parse(data)
    if refused(rule, frame):
        with pytest.raises(RuleError, match="does not fit"):
            rule.to_sql(now=NOW, frame=frame)
        return

    assert np.flatnonzero(rule.mask(frame, now=NOW)).tolist() == sqlite_keeps(frame, rule)


@pytest.mark.parametrize("op", OPS)
def test_property_tests_reach_every_operator(op: str) -> None:
    """The random rules above use each operator, so SQLite has seen it."""
    options = settings(max_examples=2000, database=None)

    assert find(leaves(), lambda data: data["op"] == op, settings=options)["op"] == op


@settings(max_examples=examples(60))
@given(frame=frames(), data=rules(), cuts=st.lists(st.integers(0, 8), max_size=3))
def test_partitions_answer_as_the_whole(frame: pd.DataFrame, data: dict[str, Any], cuts: list[int]) -> None:
    """Cutting a frame anywhere, into empty parts too, changes no row's answer."""
    rule = parse(data)
    assume(not refused(rule, frame))
    edges = [0, *sorted(min(cut, len(frame)) for cut in cuts), len(frame)]
    parts = [frame.iloc[a:b] for a, b in pairwise(edges)]

    reads = rule.reads(frame, now=NOW)
    answers = np.concatenate([rule.mask(part, now=NOW, reads=reads) for part in parts])

    assert answers.tolist() == rule.mask(frame, now=NOW).tolist()


def test_partitions_of_mixed_objects() -> None:
    """A part that happens to hold one type only is still compared as the whole column is."""
    frame = pd.DataFrame({"x": pd.Series([9, 10, "9", "x", None, True], dtype=object)})

    for rule in (
        parse(leaf("<", "5")),
        parse(leaf("<", 9.5)),
        parse(leaf("!=", "10")),
        parse(leaf("==", True)),
    ):
        reads = rule.reads(frame, now=NOW)
        single = [rule.mask(frame.iloc[[i]], now=NOW, reads=reads)[0] for i in range(len(frame))]
        assert single == rule.mask(frame, now=NOW).tolist()


def shuffled(data: Any, order: random.Random) -> Any:
    """Return the same rule with the children of every all and any in another order."""
    for key in ("all", "any"):
        if key in data:
            return {key: order.sample([shuffled(rule, order) for rule in data[key]], len(data[key]))}
    return {"not": shuffled(data["not"], order)} if "not" in data else data


def test_both_zeros_are_one_number() -> None:
    """Zero is equal to minus zero, in a column and in a rule, whichever way it is asked."""
    frame = pd.DataFrame({"x": [0.0, -0.0, 1.5, np.nan]})

    for zero in (0, 0.0, -0.0):
        equal = [parse(leaf("==", zero)), parse(leaf("in", [zero, 7])), parse(leaf("between", [zero, 0.5]))]
        assert [rule.mask(frame, now=NOW).tolist() for rule in equal] == [[True, True, False, False]] * 3
        assert parse(leaf("!=", zero)).mask(frame, now=NOW).tolist() == [False, False, True, False]


@settings(max_examples=examples(60))
@given(frame=frames(), data=rules(), order=st.randoms(use_true_random=False))
def test_order_changes_nothing(frame: pd.DataFrame, data: dict[str, Any], order: random.Random) -> None:
    """Rules in another order keep the same rows, and the last step counts just those."""
    rule, other = parse(data), parse(shuffled(data, order))
    assume(not refused(rule, frame))
    mask = rule.mask(frame, now=NOW)
    kept, steps = other.filter(frame, now=NOW)

    assert other.mask(frame, now=NOW).tolist() == kept.tolist() == mask.tolist()
    assert rule.steps(frame, now=NOW)[-1].kept == steps[-1].kept == mask.sum()


@settings(max_examples=examples(100))
@given(data=rules())
def test_round_trip(data: dict[str, Any]) -> None:
    """Plain data, through JSON, makes an equal rule again."""
    rule = parse(data)

    assert parse(json.loads(json.dumps(rule.to_data()))) == rule


@settings(max_examples=examples(100))
@given(
    moment=st.datetimes(
        timezones=st.none() | st.builds(lambda m: timezone(timedelta(minutes=m)), st.integers(-720, 720)),
        min_value=datetime(1000, 1, 3),
        max_value=datetime(9999, 12, 29),
    )
)
def test_a_time_equals_itself(moment: datetime) -> None:
    """A rule's value and a column's text are read alike, to the microsecond."""
    text, later = str(moment), str(moment + timedelta(microseconds=1))

    assert kept([text, later], leaf("after", text)) == [1]
    assert kept([text, later], leaf("before", later)) == [0]


# --- nothing runs, nothing loops -------------------------------------------------------------------

HOSTILE = [
    "'; DROP TABLE people; --",
    '" OR 1=1 --',
    '@os.system("true")',
    "`id`",
    "__import__('os')",
    "x' OR 'a'='a",
    "%",
    "_",
    ".*",
    "\\",
    "$(id)",
    "{0}",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_values_are_only_data(value: str) -> None:
    """Text that would mean something to SQL, Python, a shell or a regex is only compared."""
    frame = pd.DataFrame({"level": pd.Series(["gold", value, f"a{value}", None], dtype="str")})
    expected = {"==": [1], "contains": [1, 2], "starts_with": [1], "!=": [0, 2]}

    for op, rows in expected.items():
        rule = parse(leaf(op, value, column="level"))
        assert np.flatnonzero(rule.mask(frame, now=NOW)).tolist() == sqlite_keeps(frame, rule) == rows


@pytest.mark.parametrize("name", HOSTILE)
def test_column_names_are_only_data(name: str) -> None:
    """A column name is looked up as it stands, and quoted in SQL."""
    frame = pd.DataFrame({name: ["gold", "silver"]})
    rule = parse(leaf("==", "gold", column=name))
    database = sqlite3.connect(":memory:")
    quoted = name.replace('"', '""')
    database.execute(f"CREATE TABLE people AS SELECT 'gold' AS \"{quoted}\" UNION SELECT 'silver'")

    rows = database.execute(f"SELECT * FROM people WHERE {rule.to_sql()}").fetchall()
    database.close()

    assert rule.mask(frame, now=NOW).tolist() == [True, False]
    assert rows == [("gold",)]


def test_a_million_rows_take_no_loop() -> None:
    """Column operations only: a million rows cost no more Python calls than a handful."""
    rng = np.random.default_rng(7)
    few = pd.DataFrame(
        {
            "level": ["gold", "silver", None, "上海"],
            "spend": ["12.5", "900", "x", None],
            "age": pd.array([1, 2, None, 4], "Int64"),
            "seen": ["2026-01-30", "2026-01-01 10:00", "?", None],
            "tags": pd.Series(["a", 1, None, Decimal(2)], dtype=object),
        }
    )
    many = few.iloc[rng.integers(0, len(few), 1_000_000)].reset_index(drop=True)
    rule = parse(
        [
            leaf("in", ["gold", "上海"], column="level"),
            {
                "any": [
                    leaf(">", 500, column="spend"),
                    leaf("not_in", [2], column="age"),
                    leaf("within_days", 30, column="seen"),
                    leaf("contains", "a", column="tags"),
                ]
            },
        ]
    )
    calls = 0

    def count(frame: object, event: str, arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        mask = rule.mask(many, now=NOW)
    finally:
        sys.setprofile(None)

    assert 0 < mask.sum() < len(many)
    assert calls < 20_000


def test_columns_are_read_once() -> None:
    """However many leaves ask for a column, the frame hands it out once; and the frame is not changed."""
    taken: list[object] = []

    class Watched(pd.DataFrame):
        def __getitem__(self, key: object) -> Any:
            taken.append(key)
            return super().__getitem__(key)

    frame = Watched({"x": ["1", "2"], "y": ["a", None]})
    before = frame.copy()

    parse([leaf(">", 0), leaf("<", 2), leaf("==", "1"), leaf("not_null", column="y")]).steps(frame, now=NOW)

    assert taken == ["x", "y"]
    pd.testing.assert_frame_equal(frame, before)
