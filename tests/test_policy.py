"""``smskit.planning.policy``: consent, cap, holdout and guards, each against a plain statement."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smskit.planning.policy import consented, guard_problems, held_back, over_cap
from smskit.planning.spec import CampaignSpec

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)


# -- consent ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        pytest.param(pd.Series([True, False]), [1, 0], id="bool"),
        pytest.param(pd.Series([True, False, None], dtype="boolean"), [1, 0, 0], id="nullable-bool"),
        pytest.param(pd.Series([True, False, None], dtype="bool[pyarrow]"), [1, 0, 0], id="arrow-bool"),
        pytest.param(pd.Series([1, 0, 2, -1]), [1, 0, 0, 0], id="integers"),
        pytest.param(pd.Series([1, 0, None], dtype="Int64"), [1, 0, 0], id="nullable-integers"),
        pytest.param(pd.Series([1.0, 0.0, 0.5, np.nan, np.inf]), [1, 0, 0, 0, 0], id="floats"),
        pytest.param(
            pd.Series(["true", "TRUE", " Yes ", "y", "t", "1", "1.0", "on", "是", "同意", "已同意"]),
            [1] * 11,
            id="yes-words",
        ),
        pytest.param(pd.Series(["√", "✓", "Ｙ", "１", "是\u200b", "　是"]), [1] * 6, id="yes-as-seen"),
        pytest.param(pd.Series(["Ｎ", "０", "否\u200b", "×", "√？", "是否"]), [0] * 6, id="no-as-seen"),
        pytest.param(
            pd.Series(
                ["false", "no", "n", "0", "0.0", "off", "否", "不同意", "拒绝", "maybe", "2", "yes?", ""]
            ),
            [0] * 13,
            id="no-words",
        ),
        pytest.param(
            pd.Series(["nan", "None", "null", " ", None, np.nan, pd.NA, pd.NaT]), [0] * 8, id="empty"
        ),
        pytest.param(
            pd.Series([True, False, "是", 1, 1.0, 0, None, "TRUE", Decimal(1)], dtype=object),
            [1, 0, 1, 1, 1, 0, 0, 1, 1],
            id="mixed",
        ),
        pytest.param(pd.Series([True, False, None], dtype="category"), [1, 0, 0], id="categories-of-bool"),
        pytest.param(pd.Series([True, True, None], dtype="category"), [1, 1, 0], id="categories-only-true"),
        pytest.param(pd.Series([1, 0, None], dtype="category"), [1, 0, 0], id="categories-of-numbers"),
        pytest.param(pd.Series(["是", "否", None], dtype="category"), [1, 0, 0], id="categories-of-text"),
        pytest.param(pd.Series([datetime(2026, 1, 1), pd.NaT]), [0, 0], id="dates"),
        pytest.param(pd.Series([None, None]), [0, 0], id="nothing"),
        pytest.param(pd.Series([], dtype="str"), [], id="no-rows"),
    ],
)
def test_only_a_plain_yes_is_consent(column: pd.Series[Any], expected: list[int]) -> None:
    """Whatever the type of the column, only what plainly says yes counts; empty and unclear do not."""
    before = column.copy()
    found = consented(column)

    assert found.dtype == bool
    assert found.tolist() == [bool(x) for x in expected]
    pd.testing.assert_series_equal(column, before)


# -- frequency cap ------------------------------------------------------------------------


PHONES = st.integers(8613800000000, 8613800000009)


@given(st.lists(PHONES), st.lists(PHONES), st.integers(0, 4))
def test_cap_is_a_count_per_phone(phones: list[int], recent: list[int], most: int) -> None:
    """A phone is over the cap exactly when it had as many messages as the cap allows."""
    had = Counter(recent)
    found = over_cap(np.array(phones, np.int64), np.array(recent, np.int64), most)

    assert found.tolist() == [had[phone] >= most for phone in phones]


# -- holdout --------------------------------------------------------------------------------


def ids(count: int) -> pa.Array:
    return pa.array([f"u{n:06d}" for n in range(count)], pa.large_string())


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_share_of_the_holdout(share: float) -> None:
    """About the share asked for is kept back: within five standard deviations of 50 000 draws."""
    n = 50_000
    kept = int(held_back(ids(n), share, key="c").sum())

    assert abs(kept - n * share) < 5 * (n * share * (1 - share)) ** 0.5


@pytest.mark.parametrize(("share", "kept"), [(0.0, 0), (1.0, 1000)])
def test_nobody_and_everybody(share: float, kept: int) -> None:
    """A share of 0 keeps nobody back, 1 everybody."""
    assert int(held_back(ids(1000), share, key="c").sum()) == kept


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1),
    st.floats(0, 1),
    st.randoms(use_true_random=False),
)
def test_holdout_is_decided_person_by_person(persons: list[str], share: float, dice: Any) -> None:
    """A person's side does not depend on who else is in the segment, nor on the order."""
    alone = {p: bool(held_back(pa.array([p], pa.large_string()), share, key="c")[0]) for p in persons}
    dice.shuffle(persons)
    together = held_back(pa.array(persons, pa.large_string()), share, key="c")

    assert together.tolist() == [alone[p] for p in persons]


def test_a_larger_share_keeps_the_same_people_and_more() -> None:
    """Raising the share of one campaign only adds people to those kept back."""
    small, large = (held_back(ids(5000), share, key="c") for share in (0.1, 0.3))

    assert small.sum() < large.sum()
    assert not (small & ~large).any()


def test_campaigns_hold_back_different_people() -> None:
    """Two campaigns draw independently: a tenth of a tenth is kept back by both."""
    first, second = (held_back(ids(50_000), 0.1, key=key) for key in ("w46", "w47"))

    assert 350 < int((first & second).sum()) < 650


def test_holdout_is_the_same_on_every_machine() -> None:
    """The draw is fixed for ever: these people are on these sides."""
    found = held_back(ids(24), 0.25, key="weekly-vip-2026-W47")

    assert "".join("x" if held else "." for held in found) == "....xx.x.x....x....x...."


# -- guards ----------------------------------------------------------------------------------


def problems(planned: int = 10, cost: str = "0.50", now: datetime = NOW, **data: Any) -> list[str]:
    spec = CampaignSpec.from_data({"campaign": "c", "segment": "s"} | data)
    found = guard_problems(spec, planned=planned, cost=Decimal(cost), plan_hash="pabc", now=now)
    return [guard.text for guard in found]


@pytest.mark.parametrize(
    "allowed",
    [
        pytest.param({}, id="defaults"),
        pytest.param({"plan_hash": "pabc"}, id="same-hash"),
        pytest.param({"planned": 1000}, id="as-many-as-allowed"),
        pytest.param({"planned": 0, "max_recipients": 0}, id="nobody"),
        pytest.param({"max_cost": "0.50"}, id="as-dear-as-allowed"),
        pytest.param({"cost": "99999"}, id="no-limit-of-cost"),
        pytest.param({"not_after": "2026-11-23T10:00"}, id="just-in-time"),
        pytest.param({"not_after": "2026-11-23"}, id="the-same-day"),
    ],
)
def test_guards_that_pass(allowed: dict[str, Any]) -> None:
    """Within its limits, and exactly at them, a plan may be sent."""
    assert problems(**allowed) == []


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        pytest.param({"plan_hash": "pabd"}, "`plan_hash`", id="other-hash"),
        pytest.param({"planned": 1001}, "1,001 people are more than `max_recipients` (1,000)", id="too-many"),
        pytest.param({"max_recipients": 9}, "`max_recipients` (9)", id="lower-limit"),
        pytest.param({"max_cost": "0.49"}, "¥0.50 are more than `max_cost` (¥0.49)", id="too-dear"),
        pytest.param({"max_cost": 0}, "`max_cost` (¥0.00)", id="nothing-may-be-spent"),
        pytest.param({"not_after": "2026-11-23T09:59:59"}, "`not_after`", id="a-second-late"),
        pytest.param({"not_after": "2026-11-22"}, "`not_after`", id="a-day-late"),
        pytest.param({"not_after": "2026-11-23T01:59:59Z"}, "`not_after`", id="aware"),
        pytest.param(
            {"not_after": "2026-11-23T10:00", "timezone": "Asia/Tokyo"}, "+09:00", id="earlier-in-tokyo"
        ),
    ],
)
def test_guards_that_refuse(refused: dict[str, Any], words: str) -> None:
    """One step beyond a limit there is one problem, which names the parameter."""
    (problem,) = problems(**refused)

    assert words in problem


def test_all_guards_are_told() -> None:
    """Every limit that is passed is told, not just the first."""
    found = problems(
        1001, "2", NOW + timedelta(days=1), plan_hash="x", max_cost=1, not_after="2026-11-23", timezone="UTC"
    )

    assert [next(w for w in p.split() if w.startswith("`")) for p in found] == [
        "`plan_hash`",
        "`max_recipients`",
        "`max_cost`",
        "`not_after`",
    ]


def test_the_clock_may_be_in_any_zone() -> None:
    """The same instant told in another zone changes nothing."""
    tokyo = NOW.astimezone(timezone(timedelta(hours=9)))

    assert problems(now=tokyo, not_after="2026-11-23T10:00") == []
    assert len(problems(now=tokyo + timedelta(seconds=1), not_after="2026-11-23T10:00")) == 1
