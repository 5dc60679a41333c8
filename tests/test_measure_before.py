"""``--before``: effects less what was known of people before the send, beside the unadjusted ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from smskit.errors import InputError
from smskit.measuring.adjusting import adjusted, known_of
from smskit.measuring.rerandomising import rerandomise, rerandomise_all
from smskit.measuring.result import Effect, Measured
from smskit.planning.policy import held_back
from tests.conftest import ROOT
from tests.test_measure import codes, measured
from tests.two_arms import BEGUN, DAY, FIRST, World, stamp

# LaLonde's job training, the male sample of Dehejia and Wahba (1999), as the package causaldata has it (MIT).
LALONDE = ROOT / "tests" / "data" / "lalonde.csv"
KNOWN = "age,education,black,hispanic,nodegree,re74,re75"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A ledger of one's own."""
    return World(tmp_path)


def by_method(found: Measured, metric: str) -> dict[str, Effect]:
    """The effects on that metric, by how each was found."""
    return {effect.method: effect for effect in found.effects if effect.metric == metric}


def lalonde(world: World, share: float = 260 / 445) -> tuple[Path, Path]:
    """A campaign of 445 people whom the hash parts as the experiment did; who earned, and what was known."""
    men = pd.read_csv(LALONDE)
    pool = [f"m{n}" for n in range(2_000)]
    back = held_back(pa.array(pool, pa.large_string()), share, key="jobs")
    ids = {held: iter(np.array(pool, object)[back == held]) for held in (True, False)}
    men.insert(0, "user_id", [next(ids[not treated]) for treated in men["treated"]])
    world.campaign("jobs", ids=men["user_id"].tolist(), holdout=share)
    men["phone"] = [str(world.phones[person])[2:] for person in men["user_id"]]
    known = world.table("people.csv", **{name: men[name].tolist() for name in men if name != "re78"})
    earned = world.table(
        user_id=men["user_id"].tolist(), at=[stamp(BEGUN + DAY)] * len(men), re78=men["re78"].tolist()
    )
    return earned, known


@pytest.mark.parametrize(
    ("before", "difference"), [(KNOWN, 1673.48), (f"{KNOWN},married", 1676.34)], ids=["seven", "eight"]
)
def test_lalonde(world: World, before: str, difference: float) -> None:
    """Published: 1,794.34 as it is, 1,673.48 (± 638) and 1,676.34 adjusted."""
    earned, known = lalonde(world)
    found = measured(world, "jobs", earned, amount="re78", before=before, segments=str(known))
    effects = by_method(found, "revenue")
    raw, less = effects["rerandomised"], effects["adjusted"]

    assert found.refused is None
    assert raw.difference == pytest.approx(1794.34, abs=0.005)
    assert less.difference == pytest.approx(difference, abs=0.005)
    assert (less.low, less.high) == pytest.approx(
        (difference - 1.96 * 638, difference + 1.96 * 638), rel=0.06
    )
    assert less.treated - less.holdout == pytest.approx(less.difference)
    assert less.significant


def test_beside_the_unadjusted(world: World) -> None:
    """Each outcome as it is and adjusted, Holm over all of them; the adjusted have no rate's bounds."""
    row = world.campaign("spring", 6_000, holdout=0.3)
    table = world.events(row, 400, 90, yuan=np.linspace(5, 95, 490))
    people = _people(world, 6_000)
    found = measured(
        world, "spring", table, amount="yuan", before="orders, level", segments=str(people), price="0.04"
    )
    conversion = by_method(found, "conversion")
    alone = measured(world, "spring", table, amount="yuan")

    assert [(e.metric, e.method) for e in found.effects] == [
        ("conversion", "newcombe"),
        ("revenue", "rerandomised"),
        ("conversion", "adjusted"),
        ("revenue", "adjusted"),
    ]
    assert [e.difference for e in found.effects[:2]] == [e.difference for e in alone.effects]
    assert all(e.p_adjusted is not None and e.p_value is not None for e in found.effects)
    assert all((e.p_adjusted or 0) >= (e.p_value or 0) for e in found.effects)
    less = conversion["adjusted"]
    assert less.treated_buyers == conversion["newcombe"].treated_buyers == 400
    assert (less.relative_low, less.relative_high) == (None, None)
    assert less.cost_per_incremental == pytest.approx(float(found.cost.yuan) / less.incremental)
    assert less.cost_per_incremental_low == pytest.approx(
        float(found.cost.yuan) / (less.incremental_high or 0)
    )
    assert "conversion, adjusted: about" in str(found)


def _people(world: World, n: int, *, newer: bool = False) -> Path:
    """A segment: past orders, some missing, and a level in words."""
    import os

    rng = np.random.default_rng(1)
    orders = [str(k) if k < 4 else "" for k in rng.poisson(1.5, n)]
    path = world.table(
        "people.csv",
        user_id=[f"u{k}" for k in range(n)],
        phone=[str(FIRST + k)[2:] for k in range(n)],
        orders=orders,
        level=rng.choice(["gold", "silver", ""], n),
    )
    if not newer:
        os.utime(path, (BEGUN - DAY, BEGUN - DAY))
    return path


def test_columns_of_all_kinds() -> None:
    """Numbers in any writing, with a column for what is missing; words by their most frequent values."""
    cells = {
        "spend": pa.array(["1,200", "¥300", None, "15"]),
        "city": pa.array(["上海", "北京", "上海", None]),
        "same": pa.array(["7", "7", "7", "7"]),
    }
    known = known_of(cells)

    assert known[:, 0].tolist() == [1200, 300, 505, 15]
    assert known[:, 1].tolist() == [0, 0, 1, 0]
    assert known[:, 2].tolist() == [1, 0, 1, 0]
    assert known.shape == (4, 6)
    assert known_of({}).shape == (0, 0)


def test_as_the_regression_has_it() -> None:
    """The difference is that of statsmodels' OLS on arm and columns, also where columns say the same."""
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    treated = rng.random(3_000) < 0.9
    known = rng.gamma(1, [1, 50, 1e6], (3_000, 3))
    values = rng.random(3_000) * known[:, 0] + 3 * treated + 1e-6 * known[:, 2]
    reference = sm.OLS(values, sm.add_constant(np.column_stack([treated, known]))).fit().params[1]
    twice = np.column_stack([known, known[:, 0], np.ones(3_000), known.sum(axis=1)])

    for columns in (known, twice):
        left = adjusted(values, treated, columns)
        assert left[treated].mean() - left[~treated].mean() == pytest.approx(reference, rel=1e-8)


def test_nothing_known_is_no_difference() -> None:
    """Where nearly everybody has 0 and nothing is known, it is the re-randomisation of the amounts."""
    rng = np.random.default_rng(9)
    treated = rng.random(30_000) < 0.9
    values = np.where(rng.random(30_000) < 0.02, rng.lognormal(3, 1, 30_000), 0.0)
    all_of = rerandomise_all(adjusted(values, treated, np.empty((30_000, 0))), treated, seed=1)
    one, other = values[treated & (values > 0)], values[~treated & (values > 0)]
    amounts = rerandomise(one, other, treated=int(treated.sum()), holdout=int((~treated).sum()), seed=2)

    assert all_of is not None
    assert amounts is not None
    assert (all_of.low, all_of.high) == pytest.approx((amounts.low, amounts.high), abs=0.03)
    assert all_of.p_value == pytest.approx(amounts.p_value, abs=0.02)
    assert rerandomise_all(np.full(50, 3.0), treated[:50], seed=1) is None


def test_many_small_values_are_drawn_as_a_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing everybody gives the interval that drawing the farthest out gives."""
    from smskit.measuring import rerandomising

    rng = np.random.default_rng(4)
    treated = rng.random(20_000) < 0.8
    values = rng.standard_t(4, 20_000)
    some = rerandomise_all(values, treated, seed=1)
    monkeypatch.setattr(rerandomising, "_DRAWN", 20_000)
    everybody = rerandomise_all(values, treated, seed=1)

    assert some is not None
    assert everybody is not None
    width = everybody.high - everybody.low
    assert (some.low, some.high) == pytest.approx((everybody.low, everybody.high), abs=0.03 * width)


def test_what_is_known_of_the_send(world: World) -> None:
    """Kept columns need no table; a newer table is said, once for all columns; a missing column is named."""
    row = world.campaign("spring", 6_000, holdout=0.3)
    table, people = world.events(row, 400, 90), _people(world, 6_000, newer=True)
    asked: dict[str, Any] = {"segments": str(people)}
    newer = measured(world, "spring", table, before="orders", by="level", **asked)

    assert "segments_newer" in codes(newer)
    text = next(notice.text for notice in newer.notices if notice.code == "segments_newer")
    assert text.startswith("`orders`, `level`: read from a table")
    with pytest.raises(InputError, match=r"no column `ordrs`.*did you mean `orders`"):
        measured(world, "spring", table, before="ordrs", **asked)
    for early in ({"before": "orders, ordrs"}, {"by": "ordrs"}):
        with pytest.raises(InputError, match=r"no column `ordrs`.*did you mean `orders`"):
            measured(world, "spring", table, at=BEGUN + 5 * DAY, **early, **asked)
    with pytest.raises(InputError, match="are of one campaign"):
        measured(world, "spring", table, pooled=True, before="orders")


def test_nothing_is_adjusted_before_the_end_nor_of_few(world: World) -> None:
    """An open window has no such effect; with fewer than five buyers in an arm it has no interval."""
    row = world.campaign("spring", 6_000, holdout=0.3)
    asked: dict[str, Any] = {"before": "orders", "segments": str(_people(world, 6_000))}
    still = measured(world, "spring", world.events(row, 400, 90), at=BEGUN + 5 * DAY, **asked)
    few = by_method(measured(world, "spring", world.events(row, 30, 4), **asked), "conversion")["adjusted"]

    assert [e.method for e in still.effects] == ["newcombe"]
    assert (few.enough, few.low, few.p_value, few.significant) == (False, None, None, None)


# -- how often it is wrong ------------------------------------------------------------------


def test_alarms_in_short() -> None:
    """A/A at 5 buyers expected in the holdout, 100 worlds: 5 % within what chance allows."""
    alarms, _ = adjusted_worlds(5, 0.0, worlds=100, draws=499)

    assert alarms <= 12


def adjusted_worlds(expected: int, lift: float, *, worlds: int, draws: int = 1_999) -> tuple[float, float]:
    """Share of worlds (%) in which the adjusted interval alarms, and in which it holds the truth."""
    rng = np.random.default_rng([5, expected, round(10 * lift)])
    alarms = covered = 0
    for _ in range(worlds):
        values, treated, known, truth = _world(rng, 4_000 * expected, lift)
        found = rerandomise_all(
            adjusted(values, treated, known), treated, seed=int(rng.integers(2**32)), draws=draws
        )
        low, high = (found.low, found.high) if found else (-np.inf, np.inf)
        alarms += not low <= 0 <= high
        covered += low <= truth <= high
    return alarms / worlds * 100, covered / worlds * 100


def _world(
    rng: np.random.Generator, people: int, lift: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64], float]:
    """Spending that past orders and their sum foretell, 5 % kept back, 0.5 % buying; skewed all over."""
    treated = rng.random(people) >= 0.05
    taste = rng.gamma(0.5, 2, people)
    orders = rng.poisson(taste / 2)
    known = np.column_stack([orders, orders * rng.lognormal(0, 1, people), rng.normal(size=people)])
    buys = rng.random(people) < 0.005 * taste * np.where(treated, 1 + lift, 1)
    values = np.zeros(people)
    values[buys] = rng.lognormal(0, 1, int(buys.sum()))
    return values, treated, known, lift * 0.005 * float(np.exp(0.5))
