"""A column is compared as it reads: which writings count, and what is said of the rest."""

from __future__ import annotations

import random
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

import smskit
from smskit.audience.explore import operators
from smskit.audience.noticed import messages_of
from smskit.audience.rules import RuleCache, Source, parse
from smskit.audience.rules.fit import Reading, UnreadValueError
from smskit.audience.rules.values import read_flag, read_moment, read_number
from smskit.errors import RuleError
from smskit.planning.explain import explain
from smskit.planning.spec import CampaignSpec
from smskit.planning.validate import validate

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 28, 10, tzinfo=SHANGHAI)

NUMBERS = {
    "1,000": 1000,
    "1,200.00": 1200.0,
    "１０００": 1000,
    "１,２００": 1200,
    "¥500": 500,
    "￥1,299.00": 1299.0,
    "¥ 500": 500,
    "-¥5": -5,
    "500元": 500,
    "1,200.5 元": 1200.5,
    "500块": 500,
    "RMB 300": 300,
    "300 CNY": 300,
    "$5": 5,
    "15%": 0.15,
    "１２.5％": 0.125,
    "\u200b1200\u3000": 1200,
    "98,765,432,109,876,543,211": 98765432109876543211,
}
NO_NUMBERS = [
    "1,2",
    "1,2000",
    ",100",
    "5²",
    "①",
    "5百",
    "一千",
    "12件",
    "+-5",
    "元",
    "%",
    "1 200",
    "1.2.3",
    "1e3元",
    "",
]
DATES = {
    "2026-11-01": "2026-11-01",
    "2026/11/1": "2026-11-01",
    "2026.11.1": "2026-11-01",
    "20261101": "2026-11-01",
    "2026年11月1日": "2026-11-01",
    "２０２６年１１月１日": "2026-11-01",
    "Nov 1, 2026": "2026-11-01",
    "November 1st 2026": "2026-11-01",
    "1-Nov-2026": "2026-11-01",
    "1 Sept 2026": "2026-09-01",
    "\u30002026-11-01\u200b": "2026-11-01",
    "2026-11-01 8:00 AM": "2026-11-01 08:00:00",
    "2026-11-01 12:00 AM": "2026-11-01 00:00:00",
    "2026/11/1 12:30 pm": "2026-11-01 12:30:00",
    "2026年11月1日 下午3:05": "2026-11-01 15:05:00",
    "2026年11月1日8:30": "2026-11-01 08:30:00",
    "2026年11月1日 8时30分": "2026-11-01 08:30:00",
}
NO_DATES = [
    "11/1/2026",
    "1/13/2026",
    "46000",
    "46000.5",
    "2026-02-30",
    "2026-11-018:00",
    "2026-11-01 13:00 AM",
]
NO_DATES += ["2026-11-01 25:00", "Novel 1 2026", "Nov 31, 2026", "2026-11", "soon", ""]
YES, NO = (
    ["是", "Y", "1.0", "√", "１", "Ｙ", "是\u200b", " yes ", "已同意"],
    ["否", "N", "0", "Ｎ", "不同意", "no\u3000"],
)
NEITHER = ["", "2", "是否", "yes?", "maybe"]


def kept(cells: list[Any], op: str, value: Any) -> list[int]:
    """Positions of the cells that a comparison keeps; SQLite has to keep the same."""
    frame = pd.DataFrame({"x": pd.Series(cells, dtype="str")})
    rule = parse({"column": "x", "op": op, "value": value})
    found = [int(i) for i in np.flatnonzero(rule.mask(frame, now=NOW))]
    assert sqlite_keeps(frame, rule.to_sql(now=NOW, frame=frame)) == found
    return found


def sqlite_keeps(frame: pd.DataFrame, where: str) -> list[int]:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE people (row INTEGER, x TEXT)")
    cells = [None if pd.isna(cell) else cell for cell in frame["x"]]
    database.executemany("INSERT INTO people VALUES (?, ?)", list(enumerate(cells)))
    found = [row for (row,) in database.execute(f"SELECT row FROM people WHERE {where} ORDER BY row")]
    database.close()
    return found


# -- writings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "number"), NUMBERS.items())
def test_a_number_in_a_usual_writing(text: str, number: float) -> None:
    """It is that number in a rule's value and in a cell, whatever the other is written as."""
    assert read_number(text) == number
    assert kept([text, "3"], "==", number) == [0]
    assert kept([str(number), "3"], "==", text) == [0]
    assert kept([text, "-9", None], ">=", text) == [0]


@pytest.mark.parametrize(("text", "day"), DATES.items())
def test_a_date_in_a_usual_writing(text: str, day: str) -> None:
    """It is that day or moment in a rule's value and in a cell."""
    assert read_moment(text) == read_moment(day)
    assert kept([text, "2025-01-01", "2027-01-01"], "==", day) == [0]
    assert kept([day, "2025-01-01", "2027-01-01"], ">=", text) == [0, 2]
    assert kept([text, "2025-01-01"], "after", "2026-08-31") == [0]


def test_words_for_yes_and_no() -> None:
    """Rules know the words that consent knows, as a screen shows them."""
    cells = [*YES, *NO]
    assert [read_flag(cell) for cell in cells] == [True] * len(YES) + [False] * len(NO)
    assert (
        kept(cells, "==", True) == kept(cells, "==", "是") == kept(cells, "==", "Ｙ") == list(range(len(YES)))
    )
    assert kept(cells, "!=", "√") == list(range(len(YES), len(cells)))


@pytest.mark.parametrize(
    ("reader", "good", "bad"),
    [
        pytest.param(read_number, "12", NO_NUMBERS, id="numbers"),
        pytest.param(read_moment, "2026-01-01", NO_DATES, id="dates"),
        pytest.param(read_flag, "yes", NEITHER, id="words"),
    ],
)
def test_what_is_none_is_refused_as_a_value_and_unknown_in_a_cell(
    reader: Any, good: str, bad: list[str]
) -> None:
    """Nothing is guessed: the rule with such a value is refused, and such a cell matches nothing."""
    for text in bad:
        cells = [good] * 9 + [text]
        assert reader(text) is None, text
        assert kept(cells, "==", good) == list(range(9)), text
        assert kept(cells, "!=", good) == [], text
        with pytest.raises(UnreadValueError, match="does not fit `x`, which is read as"):
            kept([good], "==", text)


def test_text_is_seen_as_messages_show_it() -> None:
    """Blanks at the ends and signs without width are no part of a value, on either side (D02)."""
    cells = ["上海 ", "\u3000上海", "上\u200b海", "上海", "北京", None, "上 海"]
    same = [0, 1, 2, 3]

    assert (
        kept(cells, "==", "上海")
        == kept(cells, "==", " 上海\u200b")
        == kept(cells, "in", ["上海\u00a0"])
        == same
    )
    assert kept(cells, "!=", "上海") == [4, 6]
    assert kept(cells, "contains", "上海") == kept(cells, "starts_with", "上海") == same


# -- how a column reads -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "reading"),
    [
        pytest.param(["1,000", "¥5", None, " "], Reading.NUMBER, id="blanks-do-not-count"),
        pytest.param(["1"] * 5 + ["12"] * 4 + ["x"], Reading.NUMBER, id="nine-in-ten"),
        pytest.param(["12"] * 8 + ["x", "y"], Reading.TEXT, id="eight-in-ten"),
        pytest.param(["007", "12", "13"], Reading.TEXT, id="codes-with-zeros-in-front"),
        pytest.param(["0", "0.5", "12"], Reading.NUMBER, id="zero-is-no-such-code"),
        pytest.param(["2026-01-01", "2026年1月2日"], Reading.MOMENT, id="dates"),
        pytest.param(["是", "否", "√"], Reading.FLAG, id="words"),
        pytest.param(["1", "0"], Reading.FLAG, id="ones-and-zeros"),
        pytest.param(["gold", "12"], Reading.TEXT, id="text"),
        pytest.param([None, " "], Reading.TEXT, id="nothing"),
    ],
)
def test_how_a_column_reads(cells: list[Any], reading: Reading) -> None:
    """One answer for panel and rules, from all its cells; in a category too."""
    for dtype in ("str", "category", "object"):
        frame = pd.DataFrame({"x": pd.Series(cells, dtype=object).astype(dtype)})
        assert Source(frame, NOW).column("x", "").reads is reading


def test_ones_and_zeros_are_numbers_beside_a_number() -> None:
    """This week's file may have no 2 in it: that is no word, and no mistake either."""
    assert kept(["1", "0"], "==", "2") == []
    assert kept(["1", "0"], ">=", "1") == [0]
    assert kept(["1", "0"], "==", "是") == [0]


@pytest.mark.parametrize("value", ["1,000", "１０００", "¥1000", "1000元", "1,000.00", "1000", 1000])
def test_every_writing_of_a_value_keeps_the_same_people(value: Any) -> None:
    """Among five thousand amounts of several writings, one answer, which plain Python gives too (D1, B19)."""
    order = random.Random(7)
    amounts = [order.randrange(0, 3000) for _ in range(5000)]
    writings = [str, "{:,}".format, "¥{:,}.00".format, "{}元".format, "￥{}".format]
    frame = pd.DataFrame({"x": pd.Series([order.choice(writings)(n) for n in amounts], dtype="str")})
    rule = parse({"column": "x", "op": ">=", "value": value})

    assert rule.mask(frame, now=NOW).tolist() == [n >= 1000 for n in amounts]


# -- what is said of it -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "meant"),
    [
        ([8, "1,000"], [8, 1000]),
        (["８", 1.5, "¥500"], [8, 1.5, 500]),
        (["15%", 2], [0.15, 2]),
        ([8, "007"], None),
        ([8, "gold"], None),
        ([8, ""], None),
        ([8, "2026-01-31"], None),
        ([True, "1"], None),
        ([True, 8], None),
    ],
)
def test_numbers_however_written_are_one_list(values: list[Any], meant: list[Any] | None) -> None:
    """A list some of whose numbers are in quotes is of numbers; beside a name or a date it is refused."""
    for op in ("in", "not_in", *(["between"] if meant in (None, [8, 1000], [0.15, 2]) else [])):
        data = {"column": "x", "op": op, "value": values}
        if meant is None:
            with pytest.raises(RuleError, match="are mixed; put all values in quotes"):
                parse(data)
        else:
            assert parse(data) == parse(data | {"value": meant})
            assert kept(["8", "1000", "1.5", "500", "0.15", "2"] * 2, op, values) == kept(
                ["8", "1000", "1.5", "500", "0.15", "2"] * 2, op, meant
            )


def test_unread_cells_are_counted_with_examples() -> None:
    """How many, at most three different ones, no phones; blank cells and cells that are read do not count."""
    cells = ["12"] * 40 + ["5百", "5百", "13800000001 ", "138-0000-0002", "面议", "待定", " ", None]
    frame = pd.DataFrame({"x": pd.Series([*cells[:42], "138-0000-0002", *cells[44:]], dtype="str")})
    rule = parse(
        {"not": {"any": [{"column": "x", "op": ">", "value": 5}, {"column": "x", "op": "<", "value": "9"}]}}
    )
    said = messages_of(rule.unread(Source(frame, NOW)))

    # The number 5 has it read as numbers, the text "9" does not.
    assert len(said) == 3
    assert str(said[2]).startswith("1 cell of `x` holds an empty text or nothing but blanks")
    assert str(said[1]).startswith("most cells of `x` are numbers, but 5 are none, such as")
    assert str(said[1]).endswith("it is compared as text")
    assert said[0].startswith("5 cells of `x` are no numbers, such as ")
    assert '"5百"' in said[0]
    assert "0000" not in said[0]
    assert "待定" not in said[0]
    assert messages_of(rule.unread(RuleCache(frame, NOW))) == said


@pytest.mark.parametrize(
    ("cells", "op", "value", "said"),
    [
        pytest.param(["1,200", "a", "b"], ">", "1,000", True, id="few-numbers"),
        pytest.param(["0500", "1200"], ">=", "900", True, id="codes"),
        pytest.param(["x", "y"], "between", ["1", "9"], True, id="between"),
        pytest.param(["x", "2026-10-02", "y"], ">", "2026-10-01", True, id="few-dates"),
        pytest.param(["1,200", "a", "b"], ">", "a", False, id="letters"),
        pytest.param(["1,200", "a", "b"], "==", "1,200", False, id="same-text"),
        pytest.param(["1,200", "30"], ">", "1,000", False, id="numbers"),
        pytest.param([5, 6], ">", "1,000", False, id="typed"),
    ],
)
def test_numbers_ordered_as_text_are_said(cells: list[Any], op: str, value: Any, said: bool) -> None:
    """Where a text column is ordered by a number or date in quotes, 9 comes after 10: people are told."""
    rule = parse({"not": {"column": "x", "op": op, "value": value}})
    notices = [str(text) for text in messages_of(rule.unread(Source(pd.DataFrame({"x": cells}), NOW)))]

    assert [text for text in notices if "letter by letter" in text] == (notices if said else [])
    assert len(notices) == said


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """B19 and neighbours: a segment of many writings, some of which nobody can read."""
    rows = [
        ("1,200.00", "11/1/2026", "上海 "),
        ("￥1300", "46000", "\u3000上海"),
        ("１４００", "Nov 1, 2026", "上\u200b海"),
        ("1500元", "2026-11-01 8:00 AM", "上海"),
        ("1600", "2026-11-01", "北京"),
    ]
    lines = [
        f'u{i},1380000000{i},A,"{amount}","{since}",{city}' for i, (amount, since, city) in enumerate(rows, 1)
    ]
    (tmp_path / "people.csv").write_text("\n".join(["user_id,phone,name,amount,since,city", *lines]), "utf-8")
    return tmp_path


def written(files: Path, rules: Any) -> dict[str, Any]:
    template = "你好{name}，您的礼品已到店。拒收请回复R"
    people = {
        "campaign": "b19",
        "segment": str(files / "people.csv"),
        "signature": "GrowingIO",
        "mode": "plan",
    }
    return people | {"template": template, "variables": {"name": "name"}, "rules": rules}


@pytest.mark.parametrize(
    ("rules", "planned", "notice"),
    [
        pytest.param({"column": "amount", "op": ">", "value": 500}, 5, "", id="B19-numbers"),
        pytest.param({"column": "amount", "op": ">", "value": "1,300"}, 3, "", id="value-with-comma"),
        pytest.param(
            {"column": "amount", "op": "between", "value": ["¥1,200", "1400元"]}, 3, "", id="between"
        ),
        pytest.param(
            {"column": "since", "op": "after", "value": "2026-10-01"},
            3,
            '2 cells of `since` are no dates, such as "11/1/2026", "46000"',
            id="B19-dates",
        ),
        pytest.param(
            {"column": "since", "op": "within_days", "value": 3650},
            3,
            "2 cells of `since` are no dates",
            id="within-days",
        ),
        pytest.param({"not": {"column": "city", "op": "==", "value": "上海"}}, 1, "", id="D02-not"),
        pytest.param({"column": "city", "op": "==", "value": "上海"}, 4, "", id="D02-equal"),
        pytest.param({"column": "city", "op": "in", "value": ["上海\u3000"]}, 4, "", id="D02-in"),
        pytest.param({"column": "city", "op": "starts_with", "value": "上海"}, 4, "", id="D02-part"),
    ],
)
def test_plan_validate_and_explain_agree(
    files: Path, monkeypatch: pytest.MonkeyPatch, rules: Any, planned: int, notice: str
) -> None:
    """The same rows and the same words in each; the SQL of explain is that of the frame."""
    monkeypatch.setenv("SMSKIT_DATABASE_URL", f"sqlite:///{files / 'x.db'}")
    data = written(files, rules)
    spec = CampaignSpec.from_data(data)
    (files / "c.yaml").write_text(spec.to_yaml(), "utf-8")
    now = datetime.now(UTC)

    plan = smskit.open_campaign(**data).plan()
    checked = validate(files / "c.yaml", now=now, environ={})
    told = explain(spec, list(data), now=now, environ={})
    frame = smskit.read_segment(str(files / "people.csv"))

    assert plan.planned == planned
    assert f"of which the rules keep {planned}" in str(checked)
    assert told.sql == parse(rules).to_sql(now=now.astimezone(spec.zone), frame=frame)
    for said in (list(plan.notices), checked.notes, told.notes):
        found = [text for text in said if "cells of" in text]
        assert len(found) == bool(notice)
        assert all(notice in text for text in found)


@pytest.mark.parametrize("separator", [",", "，", "、", ";", "；", "|", "｜", "\n", " | ", ", "])
@pytest.mark.parametrize("op", ["==", "!=", "in", "not_in"])
def test_several_values_in_one_text_are_refused(op: str, separator: str) -> None:
    """Where cells have the parts and none the whole; what is a cell's, or nobody's at all, stays one."""
    cities = ["上海", "北京 ", "广州", None]
    whole = f"上海{separator}北京"
    rule = parse({"column": "city", "op": op, "value": [whole, "广州"] if "in" in op else whole})
    now = datetime(2026, 11, 23, tzinfo=UTC)
    for kind in ("str", "category"):
        frame = pd.DataFrame({"city": pd.Series(cities, dtype=kind)})
        with pytest.raises(RuleError, match=r"rules\.value: no cell of `city` reads .* and some read "):
            rule.mask(frame, now=now)
        with pytest.raises(RuleError, match="several values are a list"):
            rule.to_sql(frame=frame, now=now)

    for others in ([*cities, whole], ["深圳", "成都"]):
        assert len(rule.mask(pd.DataFrame({"city": others}), now=now)) == len(others)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("上海|北京", ["上海", "北京"]),
        ("上海，北京、广州；深圳", ["上海", "北京", "广州", "深圳"]),
        ('"甲,乙", 丙', ["甲,乙", "丙"]),
        ("甲\n\n乙,", ["甲", "乙"]),
    ],
)
def test_a_typed_list(text: str, parts: list[str]) -> None:
    """Whatever people part values with; what is in quotes is one, and what is shown reads back."""
    assert operators.list_of(text) == parts
    assert operators.list_of(operators.written(parts)) == parts


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("amount", "5百", 'rules.value: "5百" does not fit `amount`, which is read as numbers'),
        ("amount", "about 500", "which is read as numbers"),
        ("amount", "5,00", "which is read as numbers"),
        ("amount", "一千", "which is read as numbers"),
    ],
)
def test_a_value_that_is_none_is_refused_everywhere(
    files: Path, monkeypatch: pytest.MonkeyPatch, column: str, value: str, words: str
) -> None:
    """Plan and validate refuse it, and explain says so; it is never compared as text (D1)."""
    monkeypatch.setenv("SMSKIT_DATABASE_URL", f"sqlite:///{files / 'x.db'}")
    data = written(files, {"column": column, "op": ">=", "value": value})
    spec = CampaignSpec.from_data(data)
    (files / "c.yaml").write_text(spec.to_yaml(), "utf-8")

    checked = validate(files / "c.yaml", now=NOW, environ={})

    assert not checked.good
    assert words in str(checked)
    assert words in str(explain(spec, list(data), now=NOW, environ={}))
    with pytest.raises(UnreadValueError, match=re.escape(words)):
        smskit.open_campaign(**data).plan()


@pytest.mark.parametrize(
    ("good", "bad", "words"),
    [
        pytest.param("1,200", "很多", "most cells of `c` are numbers, but {n} are none", id="numbers"),
        pytest.param("2026年11月1日", "明天", "most cells of `c` are dates, but {n} are none", id="dates"),
        pytest.param("是", "也许", "most cells of `c` say yes or no, but {n} do not", id="yes-no"),
        pytest.param("007", "x", "", id="codes"),
        pytest.param("上海", "北京", "", id="text"),
    ],
)
@pytest.mark.parametrize("others", [15, 40, 49, 51, 80])
def test_columns_that_nearly_read(good: str, bad: str, words: str, others: int) -> None:
    """Where more than half of a column, but not nine in ten, read as something, it is said with examples."""
    frame = pd.DataFrame({"c": [good] * (100 - others) + [bad] * others})
    rule = parse([{"column": "c", "op": "==", "value": bad}])
    said = [str(message) for message in messages_of(rule.unread(Source(frame, NOW)))]

    assert len(said) == (1 if words and others < 50 else 0)
    assert all(text.startswith(words.format(n=others)) and bad in text for text in said)


MIXED_DAYS = ["2026/1/9", "2026/11/9", "2026年12月10日", "12月", "待定", None]


@pytest.mark.parametrize(
    ("op", "value", "rows"),
    [
        (">=", "2026-12-10", [2]),
        (">", "2026-01-09", [1, 2]),
        ("<", "2026-12-10", [0, 1]),
        ("==", "2026-01-09", [0]),
        ("!=", "2026-01-09", [1, 2]),
        ("in", ["2026-01-09", "2026-11-09"], [0, 1]),
        ("between", ["2026-01-01", "2026-11-30"], [0, 1]),
        ("==", 20261210, [2]),
        ("after", "2026-11-09", [2]),
        ("==", "待定", [4]),
        ("starts_with", "2026/1", [0, 1]),
    ],
)
def test_a_date_beside_nearly_all_dates(op: str, value: Any, rows: list[int]) -> None:
    """A few cells that are no dates make no text of the others: they are unread; in SQL and in parts, too."""
    frame = pd.DataFrame({"x": MIXED_DAYS})
    rule = parse({"column": "x", "op": op, "value": value})
    whole = rule.reads(frame, now=NOW)
    halves = [rule.mask(part, now=NOW, reads=whole) for part in (frame[:3], frame[3:])]

    assert np.flatnonzero(rule.mask(frame, now=NOW)).tolist() == rows
    assert np.flatnonzero(np.concatenate(halves)).tolist() == rows
    assert sqlite_keeps(frame, rule.to_sql(now=NOW, frame=frame)) == rows
    said = [str(message) for message in messages_of(rule.unread(Source(frame, NOW)))]
    as_text = op == "starts_with" or value == "待定"
    assert [text.startswith("2 cells of `x` are no dates") for text in said] == [not as_text]


FLAGS = ["是", "Y", "√", "1", "否", "n"]
DAYS = ["2026-10-01", "20261001", "2026/10/1", "2026-10-02", "2026-11-01", "2026年10月1日"]


@pytest.mark.parametrize(
    ("cells", "op", "value", "rows"),
    [
        (FLAGS, "==", 1, [0, 1, 2, 3]),
        (FLAGS, "!=", 1, [4, 5]),
        (FLAGS, "==", 0, [4, 5]),
        (FLAGS, "==", 1.0, [0, 1, 2, 3]),
        (FLAGS, "in", [1], [0, 1, 2, 3]),
        (DAYS, "==", 20261001, [0, 1, 2, 5]),
        (DAYS, "in", [20261001, 20261101], [0, 1, 2, 4, 5]),
        (DAYS, "<", 20261002, [0, 1, 2, 5]),
        (["1", "0", "1", "2"], "==", 1, [0, 2]),
    ],
)
def test_a_number_beside_words_and_dates(cells: list[str], op: str, value: Any, rows: list[int]) -> None:
    """Without quotes, too, a value is compared as the column reads."""
    frame = pd.DataFrame({"x": cells})
    mask = parse({"column": "x", "op": op, "value": value}).mask(frame, now=NOW)

    assert np.flatnonzero(mask).tolist() == rows


@pytest.mark.parametrize(("cells", "value"), [(FLAGS, 2), (FLAGS, 1.5), (DAYS, 2026), (DAYS, 20261301)])
def test_a_number_that_is_neither(cells: list[str], value: float) -> None:
    """It is refused as its text is."""
    with pytest.raises(UnreadValueError, match="does not fit `x`, which is read as"):
        parse({"column": "x", "op": "==", "value": value}).mask(pd.DataFrame({"x": cells}), now=NOW)
