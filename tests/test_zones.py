"""Zoned cells: rules and messages count days and times by one clock, the campaign's."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smskit.audience import segment
from smskit.planning.plan import Plan
from smskit.planning.spec import CampaignSpec
from smskit.sending.reach import Reaching
from smskit.settings import Environment
from tests.profiles import examples
from tests.test_plan import people, planned

DAY = "%m月%d日"
TEMPLATE = "【云片】{due}前有效。拒收请回复R"


def plan_of(frame: pd.DataFrame, pattern: str | None = DAY, **more: Any) -> Plan:
    """A campaign whose message says the column ``due``."""
    due = {"column": "due"} | ({"format": pattern} if pattern else {})
    return planned(frame, template=TEMPLATE, variables={"due": due}, **more)


def said(plan: Plan) -> list[str | None]:
    """What the message says, of each row that the rules keep."""
    texts: list[str | None] = plan.variables["due"].to_pylist()
    return texts


class Cell(NamedTuple):
    """A cell of ``due``, and what Shanghai's campaign writes: by a format, and without one."""

    column: Any
    by_format: str
    as_is: str


UTC_FOUR = pd.Timestamp("2026-12-09T16:00Z")
NEW_YORK = pd.Timestamp("2026-12-09T10:59", tz="America/New_York")  # 23:59 in Shanghai
NAIVE = pd.Timestamp("2026-12-09T16:00")
TEXTS = {
    "Z": Cell(["2026-12-09T16:00:00Z"], "12月10日 00:00", "2026-12-09T16:00:00Z"),
    "Z, a minute before": Cell(["2026-12-09T15:59Z"], "12月09日 23:59", "2026-12-09T15:59Z"),
    "+08:00": Cell(["2026-12-09T16:00:00+08:00"], "12月09日 16:00", "2026-12-09T16:00:00+08:00"),
    "-05:00": Cell(["2026-12-09 11:00:00-0500"], "12月10日 00:00", "2026-12-09 11:00:00-0500"),
    "+14": Cell(["2026年12月10日 5:59 +14"], "12月09日 23:59", "2026年12月10日 5:59 +14"),
    "no zone": Cell(["2026-12-09T16:00:00"], "12月09日 16:00", "2026-12-09T16:00:00"),
    "a day": Cell(["2026-12-09"], "12月09日 00:00", "2026-12-09"),
}
TYPED = {
    "ns, UTC": Cell(pd.Series([UTC_FOUR]).dt.as_unit("ns"), "12月10日 00:00", "2026-12-10"),
    "us, UTC": Cell(pd.Series([UTC_FOUR]).dt.as_unit("us"), "12月10日 00:00", "2026-12-10"),
    "ns, New York": Cell(pd.Series([NEW_YORK]).dt.as_unit("ns"), "12月09日 23:59", "2026-12-09"),
    "naive": Cell(pd.Series([NAIVE]), "12月09日 16:00", "2026-12-09"),
    "category": Cell(pd.Series([UTC_FOUR]).astype("category"), "12月10日 00:00", "2026-12-10"),
    "never": Cell(
        pd.Series([pd.Timestamp.max.tz_localize("UTC")]).dt.as_unit("ns"), "04月12日 07:47", "2262-04-12"
    ),
}
OBJECTS = {
    "objects": Cell(pd.Series([UTC_FOUR.to_pydatetime()], dtype=object), "12月10日 00:00", "2026-12-10"),
    "naive objects": Cell(pd.Series([NAIVE.to_pydatetime()], dtype=object), "12月09日 16:00", "2026-12-09"),
}


def through(frame: pd.DataFrame, way: str, folder: Path) -> pd.DataFrame:
    """The frame as it is, or as it comes out of a file."""
    if way == "memory":
        return frame
    path = folder / f"people.{way}"
    frame.to_csv(path, index=False) if way == "csv" else frame.to_parquet(path)
    return segment.load(str(path))


@pytest.mark.parametrize(
    ("cell", "way"),
    [
        pytest.param(cell, way, id=f"{name} by {way}")
        for cells, ways in (
            (TEXTS, ("memory", "csv", "parquet")),
            (TYPED, ("memory", "parquet")),
            (OBJECTS, ("memory",)),
        )
        for name, cell in cells.items()
        for way in ways
    ],
)
def test_what_a_message_says(cell: Cell, way: str, tmp_path: Path) -> None:
    """Zoned: by the campaign's clock. Without a zone, or text without a format: as it stands."""
    frame = through(people(1, due=cell.column), way, tmp_path)

    assert said(plan_of(frame, f"{DAY} %H:%M")) == [cell.by_format]
    assert said(plan_of(frame, None)) == [cell.as_is]


def test_one_cell_in_rule_and_message(tmp_path: Path) -> None:
    """What a rule keeps as after the 9th is no message about the 9th; the campaign's zone decides both."""
    frame = through(people(1, due=["2026-12-09T16:00:00Z"]), "csv", tmp_path)
    rules = {"column": "due", "op": "after", "value": "2026-12-09"}

    assert said(plan_of(frame, rules=rules)) == ["12月10日"]
    assert plan_of(frame, rules=rules).preview()["text"].tolist() == ["【云片】12月10日前有效。拒收请回复R"]
    assert said(plan_of(frame, rules=rules, timezone="UTC")) == []
    assert said(plan_of(frame, timezone="UTC")) == ["12月09日"]


def test_why_a_rule_left_somebody_out() -> None:
    """The value that is shown for it is on the same clock."""
    frame = people(1, due=pd.Series([UTC_FOUR]))
    plan = plan_of(frame, rules={"column": "due", "op": "before", "value": "2026-12-10"})
    (group,) = plan.ruled_out.groups()

    assert group.people.column(group.people.num_columns - 1).to_pylist() == ["2026-12-10 00:00:00"]


def test_another_zone_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read of a segment by one clock does not serve a campaign of another."""
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SMSKIT_DATABASE_URL", raising=False)
    frame, reaching = people(1, due=["2026-12-09T16:00:00Z"]), Reaching(lambda: Environment(keyring=False))
    # 70 units with 9日, 71 with 10日: one part or two.
    text = "{due}前有效" + "。" * 55 + "拒收请回复R"
    parts = []
    for zone in ("UTC", "Asia/Shanghai"):
        data = {
            "campaign": "c",
            "segment": "s",
            "signature": "云片",
            "template": text,
            "variables": {"due": {"column": "due", "format": "%-d日"}},
            "timezone": zone,
            "mode": "rehearse",
        }
        parts.append(reaching.reach(CampaignSpec.from_data(data), frame, np.ones(1, np.bool_)).parts)

    assert parts == [1, 2]


ZONES = ("Asia/Shanghai", "UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland")
clocks = st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2050, 1, 1)).map(lambda at: at.replace(fold=0))
near = st.builds(lambda hours: dt.datetime(2026, 12, 9) + dt.timedelta(hours=hours), st.integers(-40, 40))
offsets = st.integers(-14 * 4, 14 * 4).map(lambda quarters: dt.timezone(dt.timedelta(minutes=15 * quarters)))
times = clocks | near
text_cells = st.builds(lambda at, zone: at.replace(tzinfo=zone).isoformat(), times, offsets | st.none())
columns = st.one_of(
    st.lists(text_cells, min_size=1, max_size=6).map(pd.Series),
    *(
        st.builds(
            lambda ats, zone, unit: pd.Series(
                pd.DatetimeIndex(ats, tz=dt.UTC).tz_convert(zone).as_unit(unit)
            ),
            st.lists(times, min_size=1, max_size=6),
            st.sampled_from([ZoneInfo(name) for name in ZONES]),
            st.sampled_from(["s", "ms", "us", "ns"]),
        ),
        st.lists(times, min_size=1, max_size=6).map(pd.Series),
        st.lists(
            st.builds(lambda at, zone: at.replace(tzinfo=zone), times, offsets), min_size=1, max_size=6
        ).map(lambda ats: pd.Series(ats, dtype=object)),
    ),
)


@settings(max_examples=examples(60))
@given(columns, st.sampled_from(ZONES))
def test_the_day_a_rule_sees_is_the_day_written(column: pd.Series, zone: str) -> None:
    """A rule for one day keeps the rows whose message names that day, and no other."""
    frame = people(len(column), due=column)
    days = said(plan_of(frame, "%Y-%m-%d", timezone=zone))

    for day in set(days):
        rules = {"column": "due", "op": "==", "value": day}
        kept = plan_of(frame, "%Y-%m-%d", timezone=zone, rules=rules)
        assert said(kept) == [each for each in days if each == day]
