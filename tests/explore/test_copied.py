"""Rules copied out of the panel: as pandas, which is run here, as SQL and as YAML."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smskit.audience.rules import RuleCache, parse
from smskit.audience.rules.pandas_text import to_pandas
from tests.profiles import examples

NOW = datetime(2026, 1, 31, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
ROWS = st.tuples(
    st.sampled_from([None, "金卡", "银卡", "银卡 ", "", "it's"]),
    st.sampled_from([None, "金卡", "银卡", "普通"]),
    st.sampled_from([None, "500", "1000.5", "n/a", "-3"]),
    st.sampled_from([None, "¥1,299.00", "500元", "0", "inf", "20"]),
    st.one_of(st.none(), st.integers(-5, 900).map(float)),
    st.integers(0, 9),
    st.sampled_from([None, "2026-01-30", "2025/12/31", "2026年1月2日 下午3:05", "从未访问"]),
    st.sampled_from([None, "是", "否", "Y"]),
)
NAMES = ["level", "tier", "spend", "paid", "score", "logins", "seen", "agreed"]
LEAVES = st.one_of(
    st.builds(
        lambda column, op, value: {"column": column, "op": op, "value": value},
        st.sampled_from(["level", "tier"]),
        st.sampled_from(["==", "!=", "contains", "starts_with"]),
        st.sampled_from(["金卡", "银", "it's"]),
    ),
    st.builds(
        lambda column, op: {"column": column, "op": op, "value": ["金卡", "普通"]},
        st.sampled_from(["level", "tier"]),
        st.sampled_from(["in", "not_in"]),
    ),
    st.builds(
        lambda column, op, value: {"column": column, "op": op, "value": value},
        st.sampled_from(["score", "logins"]),
        st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
        st.sampled_from([0, 5, 500, 2.5]),
    ),
    st.builds(
        lambda column, value: {"column": column, "op": "between", "value": value},
        st.sampled_from(["score", "logins"]),
        st.sampled_from([[0, 5], [2.5, 500]]),
    ),
    st.builds(
        lambda column, op: {"column": column, "op": op},
        st.sampled_from(NAMES),
        st.sampled_from(["is_null", "not_null"]),
    ),
)
RULES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=5,
)
LISTED = {"column": "level", "op": "in", "value": ["金卡", "普通"]}
READ = [
    {"column": "spend", "op": ">=", "value": 500},
    {"not": {"column": "paid", "op": "<", "value": 600}},
    {"column": "seen", "op": "within_days", "value": 30},
    {"column": "seen", "op": "before", "value": "2026-01-01"},
    {"not": {"column": "agreed", "op": "==", "value": True}},
]


def frame_of(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=NAMES)
    return frame.astype(dict.fromkeys(["level", "tier", "spend", "paid", "seen", "agreed"], "str"))


def copied(frame: pd.DataFrame, rule: Any) -> list[int]:
    """Which rows the copied text keeps."""
    names: dict[str, Any] = {"df": frame}
    exec(to_pandas(parse(rule), RuleCache(frame, NOW), NOW), names)
    return [int(n) for n in names["kept"].index]


@settings(max_examples=examples(in_ci=60))
@given(rows=st.lists(ROWS, min_size=1, max_size=20), rule=RULES)
@example(
    rows=[(None,) * 5 + (0, None, None)], rule=[LISTED, {"column": "level", "op": "==", "value": "金卡"}]
)
def test_copied_pandas_keeps_the_same_rows(rows: list[tuple[Any, ...]], rule: Any) -> None:
    """Whatever the rule and the cells, missing ones too, the text run in a cell keeps what the rule keeps."""
    frame = frame_of(rows)

    assert copied(frame, rule) == np.flatnonzero(parse(rule).mask(frame, now=NOW)).tolist()


@settings(max_examples=examples(in_ci=30))
@given(rows=st.lists(ROWS, min_size=1, max_size=20), joined=st.sampled_from(["all", "any"]))
def test_cells_that_pandas_does_not_read(rows: list[tuple[Any, ...]], joined: str) -> None:
    """Dates, money and yes and no as people write them are kept alike, where the rule fits the column."""
    frame = frame_of([*rows, *[(None, None, "500", "500元", 1.0, 1, "2026-01-30", "是")] * 60])
    rule = {joined: READ}

    assert copied(frame, rule) == np.flatnonzero(parse(rule).mask(frame, now=NOW)).tolist()


def test_plain_rules_are_plain_pandas() -> None:
    """Where pandas says the same, the text needs nothing but pandas; without rules it keeps everything."""
    frame = frame_of([(None, "金卡", "500", None, 1.0, 1, None, None)])
    cache = RuleCache(frame, NOW)
    rule = [{"column": "tier", "op": "in", "value": ["金卡"]}, {"column": "spend", "op": ">=", "value": 500}]
    text = to_pandas(parse(rule), cache, NOW)

    assert "smskit" not in text
    assert '(pd.to_numeric(df[\'spend\'], errors="coerce").astype("Float64") >= 500)' in text
    assert to_pandas(parse(None), cache, NOW) == "kept = df\n"
    assert yaml.safe_load(yaml.safe_dump({"rules": rule}, allow_unicode=True)) == {"rules": rule}
