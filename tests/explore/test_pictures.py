"""``smskit.audience.explore.pictures``: the bars in a column's head, and the rules they stand for."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from smskit.audience.explore import RuleEditor, profile_of
from smskit.audience.explore.pictures import picture_of
from smskit.audience.rules import RuleCache, parse
from tests.profiles import examples

NOW = datetime(2026, 1, 31, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
CELLS = {
    "words": st.sampled_from([None, "金卡", "银卡 ", "普通", "x", "", "13800138000", *"abcdefgh"]),
    "money": st.one_of(
        st.none(),
        st.sampled_from(["¥1,299.00", "500元", "n/a", "0"]),
        st.floats(-9e3, 9e5).map("{:.2f}".format),
    ),
    "count": st.one_of(st.none(), st.integers(-3, 30).map(str), st.sampled_from(["1e3", "7"])),
    "share": st.integers(0, 40).map(lambda n: str(n / 10)),
    "agreed": st.sampled_from(["是", "否", "", None, "Y"]),
    "day": st.one_of(
        st.none(),
        st.dates(datetime(2019, 1, 1).date(), datetime(2026, 3, 1).date()).map(str),
        st.datetimes(datetime(2025, 1, 1), datetime(2026, 3, 1)).map("{:%Y/%m/%d %H:%M:%S}".format),
    ),
}


@settings(max_examples=examples(in_ci=60))
@given(
    column=st.sampled_from(list(CELLS)).flatmap(
        lambda name: st.lists(CELLS[name], min_size=1, max_size=60).map(lambda cells: (name, cells))
    ),
    seed=st.integers(0, 9),
)
def test_a_bar_has_the_rows_of_its_rule(column: tuple[str, list[str | None]], seed: int) -> None:
    """Whatever a column holds, each bar counts the rows that its rule keeps, of all and of those kept."""
    name, cells = column
    frame = pd.DataFrame({name: pd.Series(cells, dtype="str")})
    cache = RuleCache(frame, NOW)
    picture = picture_of(frame, cache, profile_of(frame, cache, phone="").columns[name])
    keep = np.random.default_rng(seed).random(len(frame)) < 0.5
    for bar, kept in zip(picture.bars, picture.kept(keep), strict=True) if picture else ():
        mask = parse({"all": list(bar.rule)}).mask(frame, now=NOW)

        assert int(mask.sum()) == bar.rows, bar
        assert int((mask & keep).sum()) == kept, bar
        assert "13800138000" not in bar.label


def test_a_bar_pressed_again() -> None:
    """Values are added and taken out singly; a range replaces the one before, and goes when pressed twice."""
    editor = RuleEditor([{"column": "city", "op": "!=", "value": "上海"}])
    other = editor.to_data()[0]
    gold, silver = ([{"column": "level", "op": "in", "value": [v]}] for v in ("gold", "silver"))
    low = [{"column": "spend", "op": ">=", "value": 0}, {"column": "spend", "op": "<", "value": 100}]
    high = [{"column": "spend", "op": ">=", "value": 100}]
    told = []
    for rules in (gold, silver, gold, silver, low, high, high):
        editor.toggle(rules)
        told.append([part.to_data() for part in editor.root.parts if part.to_data() != other])

    assert told[0] == gold
    assert told[1] == [{"column": "level", "op": "in", "value": ["gold", "silver"]}]
    assert told[2] == silver
    assert told[3] == []
    assert told[4] == low
    assert told[5] == high
    assert told[6] == []
    assert editor.undo()
    assert editor.holds(high)
    assert not editor.holds(low)
