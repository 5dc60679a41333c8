"""Variables: what they are bound to, and how a cell becomes text."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smskit.errors import TemplateError
from smskit.message.template import Template
from smskit.message.values import format_column, format_value
from smskit.message.variables import Binding, bind, check_bindings, parse_bindings, to_data
from tests.profiles import examples

ARTEFACTS = ["nan", "NaN", "NAN", "None", "NaT", "<NA>", "null", "NULL", "undefined"]
SHANGHAI = dt.timezone(dt.timedelta(hours=8))
NOON = dt.datetime(2026, 3, 5, 12, 7, 9)

blanks = st.text(" \u3000\xa0\ufeff\n", max_size=2)
words = st.sampled_from([*ARTEFACTS, "100.0", "-3.0", "5.50", "3.00", "1.0.0", ".0", "Nan", "", "王小明"])
texts = st.tuples(blanks, words | st.text(max_size=6), blanks).map("".join)
floats = (
    st.floats() | st.integers(-(2**70), 2**70).map(float) | st.integers(-9999, 9999).map(lambda n: n / 100)
)
decimals = st.decimals(places=2, allow_nan=False, allow_infinity=False) | st.decimals(-(10**20), 10**20)
moments = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31))
instants = moments.map(lambda at: at.replace(tzinfo=dt.UTC))
missing = st.sampled_from([None, pd.NA, pd.NaT, float("nan"), np.datetime64("NaT"), Decimal("NaN")])
mixed = st.one_of(
    *(missing, texts, st.booleans(), st.integers(), floats, decimals, st.dates(), moments, st.times()),
    *(st.sampled_from([np.bool_(True), np.float32(0.1), np.float16(0.1), np.int8(-3), Decimal("1E+3")]),),
    *(
        moments.map(lambda at: at.replace(tzinfo=SHANGHAI)),
        st.sampled_from([Decimal("5.5"), Decimal("5.50")]),
    ),
)
zones = st.sampled_from([None, dt.UTC, SHANGHAI, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu")])
patterns = st.sampled_from(
    [None, "%Y年%-m月%-d日", "%H:%M", "%d %b %Y, %I:%M %p", "%S%%%Mx%H%d", "%A %-H %-M %-S %y %B %a %-I %m"]
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("王小明", "王小明", id="text"),
        pytest.param(" \u3000\xa0\ufeff\u200b王 小明\t\r\n", "王 小明", id="text-blanks-at-ends"),
        pytest.param("a\r\n\nb", "a\r\n\nb", id="text-inner-line-breaks"),
        pytest.param("👨‍👩‍👧", "👨‍👩‍👧", id="text-joined-emoji"),
        pytest.param(" \u3000 ", None, id="text-blank"),
        *(pytest.param(f" {word} ", None, id=f"artefact-{word}") for word in ARTEFACTS),
        pytest.param("Nan", "Nan", id="a-person-called-nan"),
        *(pytest.param(f"{word} ", None, id=f"formula-{word}") for word in ("#N/A", "#SPILL!", "#NULL!")),
        pytest.param("#1", "#1", id="a-number-sign"),
        pytest.param("Err:5", "Err:5", id="no-formula"),
        pytest.param("none", "none", id="another-spelling-stays"),
        pytest.param("100.0", "100", id="spreadsheet-fraction"),
        pytest.param("-3.0", "-3", id="spreadsheet-negative"),
        pytest.param("5.50", "5.50", id="typed-price"),
        pytest.param("3.00", "3.00", id="typed-whole-price"),
        pytest.param("10.10.0", "10.10.0", id="version-number"),
        pytest.param("v2.0", "v2.0", id="not-only-digits"),
        pytest.param("１.0", "１.0", id="full-width-digit"),
        pytest.param(13800000000, "13800000000", id="integer"),
        pytest.param(np.uint8(7), "7", id="numpy-integer"),
        pytest.param(100.0, "100", id="whole-float"),
        pytest.param(-0.0, "0", id="negative-zero"),
        pytest.param(0.1, "0.1", id="float"),
        pytest.param(np.float32(0.1), "0.1", id="float32"),
        pytest.param(np.float16(0.1), "0.1", id="float16"),
        pytest.param(1e-05, "0.00001", id="small-float"),
        pytest.param(1e16, "10000000000000000", id="large-float"),
        pytest.param(1e22, "10000000000000000000000", id="larger-than-an-integer"),
        pytest.param(123456789012.25, "123456789012.25", id="long-float"),
        pytest.param(float("nan"), None, id="nan"),
        pytest.param(float("-inf"), None, id="infinity"),
        pytest.param(Decimal("100.00"), "100", id="whole-decimal"),
        pytest.param(Decimal("5.50"), "5.50", id="decimal"),
        pytest.param(Decimal("1E+3"), "1000", id="decimal-exponent"),
        pytest.param(Decimal("5E-8"), "0.00000005", id="small-decimal"),
        pytest.param(Decimal("-0.00"), "0", id="negative-zero-decimal"),
        pytest.param(Decimal("sNaN"), None, id="decimal-nan"),
        pytest.param(True, "是", id="true"),
        pytest.param(np.bool_(False), "否", id="false"),
        pytest.param(dt.date(2026, 3, 5), "2026-03-05", id="date"),
        pytest.param(NOON, "2026-03-05", id="date-time"),
        pytest.param(dt.datetime(2026, 3, 5, 1, tzinfo=SHANGHAI), "2026-03-05", id="aware-own-clock"),
        pytest.param(np.datetime64("2026-03-05T12"), "2026-03-05", id="numpy-date-time"),
        pytest.param(dt.time(9, 30), "09:30", id="time-of-day"),
        pytest.param(None, None, id="none"),
        pytest.param(pd.NA, None, id="pandas-na"),
        pytest.param(pd.NaT, None, id="pandas-nat"),
        pytest.param(np.datetime64("NaT"), None, id="numpy-nat"),
    ],
)
def test_how_a_cell_becomes_text(value: object, expected: str | None) -> None:
    """Each kind of cell has one way to be written, alone and in a column."""
    column = pd.Series([value, "x"], dtype=object)

    assert format_value(value) == expected
    assert format_column(column).to_pylist() == [expected, "x"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("%Y-%m-%d %H:%M:%S", "2026-03-05 12:07:09"),
        ("%-m月%-d日", "3月5日"),
        ("%y%%", "26%"),
        ("%I:%M %p", "12:07 PM"),
        ("%a %A %b %B", "Thu Thursday Mar March"),
        ("%-H:%-M:%-S %-I", "12:7:9 12"),
    ],
)
def test_date_patterns(pattern: str, expected: str) -> None:
    """Dates follow the pattern, without regard to the machine's locale."""
    assert format_value(NOON, pattern) == expected
    assert format_column(pd.Series([NOON]), pattern=pattern).to_pylist() == [expected]


@pytest.mark.parametrize(
    ("cell", "pattern", "expected"),
    [
        ("2026-12-09", "%m月%d日", "12月09日"),
        ("2026/12/9", "%m月%d日", "12月09日"),
        ("2026.12.9 ", "%m月%d日", "12月09日"),
        ("2026年12月9日", "%m月%d日", "12月09日"),
        ("20261209", "%m月%d日", "12月09日"),
        ("2026-12-09 08:05:00", "%-m/%-d %H:%M", "12/9 08:05"),
        ("2026-12-09T08:05:00+08:00", "%H:%M", "08:05"),
        (20261209, "%m月%d日", "12月09日"),
        (20261209.0, "%m月%d日", "12月09日"),
        (Decimal(20261209), "%m月%d日", "12月09日"),
        ("46000", "%m月%d日", "\ufffd46000"),
        (46000, "%m月%d日", "\ufffd46000"),
        (True, "%m月%d日", "\ufffd是"),
        ("2026-02-30", "%m月%d日", "\ufffd2026-02-30"),
        ("下周三", "%m月%d日", "\ufffd下周三"),
        ("9:30", "%H点%M分", "09点30分"),
        ("09:30:00", "%H点%M分", "09点30分"),
        ("24:00", "%H点%M分", "\ufffd24:00"),
        (dt.time(9, 30), "%H点%M分", "09点30分"),
        (dt.time(9, 30), "%m月%d日", "\ufffd09:30:00"),
        ("9:30", "%m月%d日", "\ufffd09:30:00"),
        (dt.timedelta(hours=2, minutes=3), "%-H小时%-M分", "2小时3分"),
        (dt.timedelta(hours=26, minutes=3), "%H", "\ufffd26:03:00"),
        (dt.timedelta(hours=26, minutes=3), None, "26:03:00"),
        (np.timedelta64(90, "s"), None, "0:01:30"),
        (" ", "%m月%d日", None),
        ("#N/A", "%m月%d日", None),
    ],
)
def test_a_format_reads_what_stands_as_text(cell: object, pattern: str | None, expected: str | None) -> None:
    """What rules read as a date is written by the format, in a column of any kind; the rest is marked."""
    typed, mixed = pd.Series([cell]), pd.Series([cell, dt.date(2026, 1, 1)], dtype=object)

    assert format_value(cell, pattern) == expected
    assert format_column(typed, pattern=pattern)[0].as_py() == expected
    assert format_column(typed.astype("category"), pattern=pattern)[0].as_py() == expected
    assert format_column(mixed, pattern=pattern)[0].as_py() == expected


@pytest.mark.parametrize("directive", ["Y", "y", "m", "d", "H", "I", "M", "S"])
@given(at=st.datetimes(dt.datetime(1000, 1, 1)))
def test_numbers_in_dates_are_strftime(directive: str, at: dt.datetime) -> None:
    """Our directives write the numbers that Python's own strftime writes."""
    assert format_value(at, f"%{directive}") == at.strftime(f"%{directive}")


@pytest.mark.parametrize("pattern", ["%Q", "%Y %", "%-", "%c", "", "2026", "%%"])
def test_bad_date_patterns_are_refused(pattern: str) -> None:
    """A pattern with an unknown directive, or without any, is refused wherever it is given."""
    with pytest.raises(TemplateError, match="the date format"):
        format_value(NOON, pattern)
    with pytest.raises(TemplateError, match="column `d`: the date format"):
        format_column(pd.Series(["x"], name="d"), pattern=pattern)
    with pytest.raises(TemplateError, match="the date format"):
        Binding(column="d", format=pattern)


@pytest.mark.parametrize("value", [["x"], {"x": 1}, b"x", 1j, pd.Period("2026", "D")])
def test_other_types_are_refused(value: object) -> None:
    """What has no plain form in a message stops, naming the column and the type but not the value."""
    with pytest.raises(TemplateError, match=f"type {type(value).__name__}"):
        format_value(value)
    with pytest.raises(TemplateError, match=f"column `c`: a value of type {type(value).__name__}"):
        format_column(pd.Series([value, "x"], dtype=object, name="c"))


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        pytest.param(pd.Series(["a", " nan", None]), ["a", None, None], id="str"),
        pytest.param(
            pd.Series(["a", None], dtype=pd.ArrowDtype(pa.string())), ["a", None], id="arrow-string"
        ),
        pytest.param(pd.Series(["a", "NULL", np.nan], dtype=object), ["a", None, None], id="object-text"),
        pytest.param(pd.Series([1, None], dtype="Int64"), ["1", None], id="Int64"),
        pytest.param(pd.Series([1, None]), ["1", None], id="integers-read-as-float"),
        pytest.param(pd.Series([2**63, 1], dtype="uint64"), [str(2**63), "1"], id="uint64"),
        pytest.param(pd.Series([0.5, None], dtype="Float64"), ["0.5", None], id="Float64"),
        pytest.param(pd.Series([0.1, 1e-7], dtype="float32"), ["0.1", "0.0000001"], id="float32"),
        pytest.param(pd.Series([True, None], dtype="boolean"), ["是", None], id="boolean"),
        pytest.param(
            pd.Series([True, 1, 1.0, "1"], dtype=object), ["是", "1", "1", "1"], id="equal-but-not-same"
        ),
        pytest.param(pd.Series([Decimal("5.5"), Decimal("5.50")]), ["5.5", "5.50"], id="decimal-objects"),
        pytest.param(
            pd.Series([Decimal("5.50"), Decimal("100.00"), None], dtype=pd.ArrowDtype(pa.decimal128(9, 2))),
            ["5.50", "100", None],
            id="arrow-decimal",
        ),
        pytest.param(
            pd.Series([Decimal("0E-9"), Decimal("5E-9")], dtype=pd.ArrowDtype(pa.decimal128(20, 9))),
            ["0", "0.000000005"],
            id="arrow-small-decimal",
        ),
        pytest.param(pd.Series([dt.date(2026, 3, 5), None]), ["2026-03-05", None], id="date-objects"),
        pytest.param(
            pd.Series([dt.date(2026, 3, 5)], dtype=pd.ArrowDtype(pa.date32())),
            ["2026-03-05"],
            id="arrow-date",
        ),
        pytest.param(pd.Series([NOON, pd.NaT]), ["2026-03-05", None], id="date-times"),
        pytest.param(
            pd.Series([pd.Timestamp("2026-03-04T17:00Z")]).dt.tz_convert("Asia/Shanghai"),
            ["2026-03-05"],
            id="aware-own-clock",
        ),
        pytest.param(
            pd.Series(np.array(["20026-03-05", "1969-12-31"], "datetime64[s]")),
            ["20026-03-05", "1969-12-31"],
            id="beyond-python's-years",
        ),
        pytest.param(pd.Series([" a", None, "nan"], dtype="category"), ["a", None, None], id="category"),
        pytest.param(pd.Series([2.0, 0.5], dtype="category"), ["2", "0.5"], id="category-of-numbers"),
        pytest.param(
            pd.Series(["a", "a"], dtype=pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string()))),
            ["a", "a"],
            id="arrow-dictionary",
        ),
        pytest.param(pd.Series([0, 3], dtype="Sparse[int]"), ["0", "3"], id="sparse"),
        pytest.param(
            pd.Series([dt.time(9, 30)], dtype=pd.ArrowDtype(pa.time64("us"))), ["09:30"], id="arrow-time"
        ),
        pytest.param(pd.Series([None, None], dtype=object), [None, None], id="nothing"),
        pytest.param(pd.Series([], dtype=object), [], id="no-rows"),
        pytest.param(pd.Series([], dtype="float64"), [], id="no-rows-float"),
        pytest.param(pd.Series(pd.to_datetime([])), [], id="no-rows-dates"),
    ],
)
def test_every_dtype(column: pd.Series[Any], expected: list[str | None]) -> None:
    """Every dtype a segment can have becomes large_string, missing cells null."""
    formatted = format_column(column)

    assert formatted.type == pa.large_string()
    assert formatted.to_pylist() == expected


def test_chunked_columns() -> None:
    """A column in several chunks, as reading parquet leaves it, becomes one array."""
    parts = [pd.Series(["a", " "], dtype=pd.ArrowDtype(pa.string())) for _ in range(2)]

    assert format_column(pd.concat(parts)).to_pylist() == ["a", None, "a", None]


@settings(max_examples=examples(300))
@given(st.lists(mixed, max_size=8), patterns, zones)
def test_column_equals_cells(cells: list[object], pattern: str | None, zone: dt.tzinfo | None) -> None:
    """A column of mixed cells is written as its cells are, one by one."""
    column = pd.Series(cells, dtype=object)

    assert format_column(column, pattern=pattern, zone=zone).to_pylist() == [
        format_value(cell, pattern, zone) for cell in cells
    ]


@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        pytest.param(texts, "str", id="str"),
        pytest.param(texts, object, id="text-objects"),
        pytest.param(floats, "float64", id="float64"),
        pytest.param(st.floats(width=32).map(np.float32), "float32", id="float32"),
        pytest.param(st.floats(width=16).map(np.float16), "float16", id="float16"),
        pytest.param(st.integers(-(2**63), 2**63 - 1), "int64", id="int64"),
        pytest.param(decimals, object, id="decimals"),
        pytest.param(st.dates(), object, id="dates"),
        pytest.param(moments, "datetime64[us]", id="date-times"),
        pytest.param(instants, "datetime64[us, UTC]", id="zoned-date-times"),
        pytest.param(instants.map(lambda at: at.isoformat()), "str", id="zoned-text"),
        pytest.param(st.booleans(), "bool", id="bool"),
        pytest.param(texts, "category", id="category"),
    ],
)
@given(data=st.data(), pattern=patterns, zone=zones)
def test_typed_column_equals_cells(
    cells: st.SearchStrategy[object],
    dtype: Any,
    data: st.DataObject,
    pattern: str | None,
    zone: dt.tzinfo | None,
) -> None:
    """The fast way of each dtype writes what the slow way writes."""
    drawn = data.draw(st.lists(cells, max_size=6))
    column = pd.Series(drawn, dtype=dtype)

    assert format_column(column, pattern=pattern, zone=zone).to_pylist() == [
        format_value(cell, pattern, zone) for cell in drawn
    ]


@given(st.lists(mixed | texts, max_size=8))
def test_no_artefact_comes_out(cells: list[object]) -> None:
    """Neither a blank nor a word for a missing cell is ever a value."""
    written = set(format_column(pd.Series(cells, dtype=object)).to_pylist())

    assert written.isdisjoint([*ARTEFACTS, "", " ", "inf", "-inf"])


def test_clean_text_is_not_copied() -> None:
    """Text that needs no cleaning is handed on as the column's own memory."""
    column = pd.Series(["王小明", None, "a b"])

    assert format_column(column).buffers()[2].address == pa.array(column).buffers()[2].address


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param("city", Binding(column="city"), id="column"),
        pytest.param(
            {"column": "c", "default": "朋友", "format": "%m/%d"},
            Binding(column="c", default="朋友", format="%m/%d"),
            id="column-with-options",
        ),
        pytest.param(
            {"column": "c", "default": None, "value": None}, Binding(column="c"), id="nulls-are-absent"
        ),
        pytest.param({"value": " 2.0"}, Binding(value=" 2.0"), id="text-as-typed"),
        pytest.param({"value": 100.0}, Binding(value="100"), id="whole-float"),
        pytest.param({"value": 0.1}, Binding(value="0.1"), id="float"),
        pytest.param({"value": Decimal("5.50")}, Binding(value="5.50"), id="decimal"),
        pytest.param({"column": "c", "default": 0}, Binding(column="c", default="0"), id="number-as-default"),
        pytest.param(
            {"value": dt.date(2026, 3, 5), "format": "%-m月%-d日"}, Binding(value="3月5日"), id="date-literal"
        ),
    ],
)
def test_bindings_round_trip(data: object, expected: Binding) -> None:
    """Every way to write a binding is read, and comes back as plain data that reads the same."""
    bindings = parse_bindings({"v": data})

    assert bindings == {"v": expected}
    assert parse_bindings(to_data(bindings)) == bindings


def test_plain_data_is_short() -> None:
    """A binding goes back to the shortest way of writing it."""
    bindings = {"a": Binding(column="c"), "b": Binding(column="c", default="d"), "c": Binding(value="v")}

    assert to_data(bindings) == {"a": "c", "b": {"column": "c", "default": "d"}, "c": {"value": "v"}}


def test_number_as_variable_name() -> None:
    """YAML's integer key is Tencent's numbered variable."""
    assert parse_bindings({1: "code"}) == {"1": Binding(column="code")}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param({"v": {"colunm": "c"}}, "`colunm`; did you mean `column`", id="misspelt-key"),
        pytest.param({"v": {"x": "c"}}, "`x`; known are `column`, `default`", id="unknown-key"),
        pytest.param({"v": {}}, "exactly one of `column` and `value`", id="neither"),
        pytest.param({"v": {"column": "c", "value": "x"}}, "exactly one", id="both"),
        pytest.param({"v": {"value": "x", "default": "d"}}, "go with a `column`", id="literal-with-default"),
        pytest.param({"v": {"value": "x", "format": "%Y"}}, "go with a `column`", id="text-with-format"),
        pytest.param({"v": {"value": True}}, "`value` is True.*quotes", id="bool-literal"),
        pytest.param({"v": {"column": "c", "default": False}}, "`default` is False", id="bool-default"),
        pytest.param({"v": {"value": " "}}, "`value` is empty", id="blank-literal"),
        pytest.param({"v": {"value": None}}, "`value` is empty", id="null-literal"),
        pytest.param({"v": {"value": float("nan")}}, "`value` is empty", id="nan-literal"),
        pytest.param({"v": {"value": "null"}}, "word for a missing cell", id="artefact-literal"),
        pytest.param({"v": {"column": "c", "default": ""}}, "`default` is empty", id="blank-default"),
        pytest.param({"v": {"value": [1]}}, "type list", id="list-literal"),
        pytest.param({"v": {"column": 3}}, "`column` must be text", id="column-number"),
        pytest.param({"v": " "}, "`column` is empty", id="blank-column"),
        pytest.param({"v": 3}, "name of a column.*type int", id="bare-number"),
        pytest.param({"v": {"column": "c", "format": "%Q"}}, "`%Q` is not known", id="bad-format"),
        pytest.param({"1": "c", 1: "c"}, "`1` is bound twice", id="twice"),
        pytest.param(["v"], "must be a mapping", id="list"),
    ],
)
def test_bad_bindings_are_refused(data: Any, message: str) -> None:
    """A binding that cannot be meant is refused, naming the variable."""
    with pytest.raises(TemplateError, match=message) as caught:
        parse_bindings(data)

    assert isinstance(data, list) or "variable `" in str(caught.value)


@pytest.mark.parametrize(
    ("bindings", "lines"),
    [
        pytest.param({"name": "name"}, [], id="fits"),
        pytest.param({}, ["`name` is in the template but bound to nothing; the segment has"], id="unbound"),
        pytest.param(
            {"nam": "name"},
            ["`name` is in the template", "`nam` is bound but not in the template; did you mean `name`?"],
            id="misspelt",
        ),
        pytest.param(
            {"name": "Citty", "x": {"value": "y"}},
            [
                "the column `Citty`, which the segment does not have; did you mean `CITY`?",
                "`x` is bound but not",
            ],
            id="no-column-and-unused",
        ),
    ],
)
def test_check_lists_every_problem(bindings: dict[str, Any], lines: list[str]) -> None:
    """What does not fit is listed whole, one problem a line."""
    template = Template.parse("你好{name}")
    if not lines:
        check_bindings(template, parse_bindings(bindings), ["name", "CITY"])
        return
    with pytest.raises(TemplateError) as caught:
        check_bindings(template, parse_bindings(bindings), ["name", "CITY"])

    found = str(caught.value).splitlines()[1:]
    assert len(found) == len(lines)
    assert all(line in text for line, text in zip(lines, found, strict=True)), found


def test_bind() -> None:
    """Each variable gets a column: defaults filled in, literals repeated, missing cells null."""
    frame = pd.DataFrame({"n": ["王小明", " "], "d": [NOON, pd.NaT], "spend": [100.0, 5.5]}, index=[7, 7])
    bindings = parse_bindings(
        {
            "name": {"column": "n", "default": "朋友"},
            "raw": "n",
            "day": {"column": "d", "format": "%-m月%-d日"},
            "spend": "spend",
            "app": {"value": "App"},
            "unused": "nowhere",
        }
    )
    values = bind(frame, bindings, ("name", "raw", "day", "spend", "app"), zone=SHANGHAI)

    assert {name: column.to_pylist() for name, column in values.items()} == {
        "name": ["王小明", "朋友"],
        "raw": ["王小明", None],
        "day": ["3月5日", None],
        "spend": ["100", "5.5"],
        "app": ["App", "App"],
    }
    assert {column.type for column in values.values()} == {pa.large_string()}


@pytest.mark.parametrize(
    ("bindings", "message"),
    [
        ({}, "`name` is bound to nothing; did you mean `Name`"),
        ({"name": "nam"}, "no column `nam`; did you mean `Name`"),
    ],
)
def test_bind_refuses_what_is_not_there(bindings: dict[str, Any], message: str) -> None:
    """A variable without a column stops, with the nearest one."""
    with pytest.raises(TemplateError, match=message):
        bind(pd.DataFrame({"Name": ["x"]}), parse_bindings(bindings), ("name",), zone=SHANGHAI)


def test_worked_example() -> None:
    """From a segment to its messages."""
    template = Template.parse("【GrowingIO】你好{name}，恭喜你获得100元VIP优惠券，请于3天内在App使用。")
    frame = pd.DataFrame({"user_name": ["王小明", None]})
    texts = template.render_column(
        bind(frame, parse_bindings({"name": "user_name"}), template.names, zone=SHANGHAI), len(frame)
    )

    assert texts.to_pylist() == [
        "【GrowingIO】你好王小明，恭喜你获得100元VIP优惠券，请于3天内在App使用。",
        None,
    ]
