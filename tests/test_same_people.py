"""The same table as csv, workbook, parquet, query or frame, whole or in parts, chooses the same people."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smskit.audience import segment
from smskit.audience.cells import first_filled
from smskit.audience.explore.profile import profile_of
from smskit.audience.rules import RuleCache, parse
from smskit.audience.rules.pandas_text import to_pandas
from smskit.audience.rules.reads import SAMPLE
from smskit.audience.rules.whole import Tally, settle, wanted
from smskit.errors import RuleError
from smskit.i18n import Language
from tests.profiles import examples

NOW = datetime(2026, 1, 31, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
EMPTY = (None, "", " ", "\u3000", "\u200b", "\ufeff \u200e")
NAMES = ("level", "spend", "joined", "agreed")
CELLS = {
    "level": ("gold", "上海", "normal", " gold"),
    "spend": ("500", "¥1,299.00", "3"),
    "joined": ("2026-01-30", "2025/12/31"),
    "agreed": ("是", "no"),
}
ROWS = st.lists(
    st.tuples(*(st.sampled_from((*EMPTY, *CELLS[name])) for name in NAMES)), min_size=1, max_size=12
)


def leaf(column: str, op: str, *value: Any) -> dict[str, Any]:
    return {"column": column, "op": op, **({"value": value[0]} if value else {})}


LEAVES = st.one_of(
    st.builds(leaf, st.sampled_from(NAMES), st.sampled_from(["is_null", "not_null"])),
    st.builds(
        leaf, st.just("level"), st.sampled_from(["==", "!=", "<", ">"]), st.sampled_from(["gold", "上海"])
    ),
    st.builds(
        leaf, st.just("level"), st.sampled_from(["contains", "starts_with"]), st.sampled_from(["o", "上"])
    ),
    st.builds(leaf, st.just("level"), st.sampled_from(["in", "not_in"]), st.just(["gold", "normal"])),
    st.builds(leaf, st.just("spend"), st.sampled_from(["<", ">=", "!="]), st.sampled_from([3, 500])),
    st.builds(leaf, st.just("joined"), st.sampled_from(["before", "after"]), st.just("2026-01-01")),
    st.builds(leaf, st.just("agreed"), st.sampled_from(["==", "!="]), st.just(True)),
)
RULES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda rule: {"not": rule}, inner),
        st.builds(
            lambda key, rules: {key: rules},
            st.sampled_from(["all", "any"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
    ),
    max_leaves=5,
)


def forms(frame: pd.DataFrame, folder: Path) -> dict[str, pd.DataFrame]:
    """*frame*, texts and None, as each kind of source has it and a campaign reads it."""
    frame.to_csv(folder / "a.csv", index=False)
    frame.to_csv(folder / "b.csv", index=False, encoding="utf-16", sep="\t", quoting=1)
    book = openpyxl.Workbook()
    for row in [list(frame.columns), *frame.itertuples(index=False, name=None)]:
        book.active.append(row)
    book.save(folder / "a.xlsx")
    table = pa.table({name: pa.array(frame[name], pa.string()) for name in frame})
    pq.write_table(table, folder / "a.parquet")
    coded = [table[name].dictionary_encode() for name in table.column_names]
    pq.write_table(pa.table(coded, names=table.column_names), folder / "b.parquet")
    (folder / "a.db").unlink(missing_ok=True)
    with closing(sqlite3.connect(folder / "a.db")) as database:
        frame.to_sql("people", database, index=False, dtype=dict.fromkeys(frame, "TEXT"))
        database.commit()
    return {
        **{
            name: segment.load(str(folder / name))
            for name in ("a.csv", "b.csv", "a.xlsx", "a.parquet", "b.parquet")
        },
        "query": segment.load(f"sqlite:///{folder / 'a.db'}", query="SELECT * FROM people"),
        "frame": segment.from_frame(frame),
        "categories": segment.from_frame(frame.astype("category")),
        "nan": segment.from_frame(frame.where(frame.notna(), np.nan)),
    }


def whole(frame: pd.DataFrame, rule: Any) -> list[int]:
    return np.flatnonzero(parse(rule).mask(frame, now=NOW)).tolist()


def in_parts(frame: pd.DataFrame, data: Any) -> list[int]:
    """As a cluster does it: what is asked of all cells is counted part by part."""
    rule, parts = parse(data), [frame.iloc[:2], frame.iloc[2:2], frame.iloc[2:]]
    heads = {name: first_filled(frame[name], SAMPLE) for name in NAMES}
    asked = wanted(rule, heads, NOW)
    tallies = {n: Tally.together([Tally.of(p[n], each, NOW) for p in parts]) for n, each in asked.items()}
    reads = settle(rule, heads, tallies, NOW)
    return np.flatnonzero(np.concatenate([rule.mask(p, now=NOW, reads=reads) for p in parts])).tolist()


def by_sql(frame: pd.DataFrame, rule: Any, folder: Path) -> list[int]:
    where = parse(rule).to_sql(now=NOW, frame=frame)
    with closing(sqlite3.connect(folder / "a.db")) as database:
        return [n - 1 for (n,) in database.execute(f"SELECT rowid FROM people WHERE {where} ORDER BY rowid")]


def by_pandas(frame: pd.DataFrame, rule: Any) -> list[int]:
    names: dict[str, Any] = {"df": frame}
    exec(to_pandas(parse(rule), RuleCache(frame, NOW), NOW), names)
    return [int(n) for n in names["kept"].index]


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, rule=RULES)
def test_every_kind_of_source_keeps_the_same_rows(rows: list[Any], rule: Any, tmp_path: Path) -> None:
    """A cell that shows nothing is empty to every operator, whatever the file, and wherever a rule is run."""
    frame = pd.DataFrame(rows, columns=NAMES, dtype=object).assign(n=[f"u{n}" for n in range(len(rows))])
    plain = frame.map(lambda cell: None if cell in EMPTY else cell)
    try:
        expected = whole(plain, rule)
    except RuleError:  # what the filled cells happen to be
        for name, each in forms(frame, tmp_path).items():
            with pytest.raises(RuleError):
                whole(each, rule), pytest.fail(name)
        return

    made = forms(frame, tmp_path)
    assert {name: whole(each, rule) for name, each in made.items()} == dict.fromkeys(made, expected)
    assert in_parts(made["a.parquet"], rule) == in_parts(made["a.csv"], rule) == expected
    assert by_pandas(made["a.parquet"], rule) == expected
    assert by_sql(made["query"], rule, tmp_path) == expected


def test_a_column_that_begins_with_empty_texts_reads_by_what_follows() -> None:
    """More of them than are looked at first hide no numbers, in one frame or in parts."""
    cells = pd.Series([*[""] * (SAMPLE + 500), "9", "10", "¥1,200"], dtype="str", name="spend")
    frame = pd.DataFrame({"spend": cells})

    assert whole(frame, leaf("spend", ">", "9")) == [SAMPLE + 501, SAMPLE + 502]
    assert first_filled(cells, 2).tolist() == ["9", "10"]


def test_empty_texts_are_counted_and_said() -> None:
    """Who looks at the column sees them among the empty ones, and a rule that asks for it says how many."""
    frame = pd.DataFrame({"level": pd.Series(["gold", "gold", "", " ", None], dtype="str")})
    cache = RuleCache(frame, NOW)
    column = profile_of(frame, cache, phone="").columns["level"]

    assert (column.nulls, column.distinct, column.top) == (3, 1, (("gold", 2),))
    assert [
        str(each.message) for each in parse(leaf("level", "is_null")).unread(cache) if each.worth_telling
    ] == [
        "2 cells of `level` hold an empty text or nothing but blanks; they are empty to a rule, as an empty "
        "cell of a csv is"
    ]


@pytest.mark.parametrize("op", ["==", "!=", "in", "not_in", "<"])
def test_an_empty_text_is_no_value(op: str) -> None:
    """Who asks for it is told which operator does: no cell would ever be equal to it."""
    rule = leaf("level", op, [""] if op in ("in", "not_in") else "")

    with pytest.raises(RuleError, match="`op: is_null` finds") as refused:
        whole(pd.DataFrame({"level": ["gold", ""]}), rule)
    assert "is_null" in Language("zh").render(refused.value.message)
