"""More than one campaign: a series pooled by entry, all marketing, and arms of an experiment side by side."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import smskit
from smskit.errors import InputError
from smskit.ledger import CampaignRow
from smskit.measuring.asking import Asked
from smskit.measuring.compare import arms_beside, compare
from smskit.measuring.compared import Compared
from smskit.measuring.side_by_side import by_hour, sections_of
from smskit.models import Mode, Reason
from smskit.planning.policy import experiment_key, global_key, held_back
from tests.test_measure import Run, codes, measured, numbers, one, run  # noqa: F401 - a fixture
from tests.two_arms import BEGUN, DAY, FIRST, World, left_out, stamp, texts

WEEK = 7 * DAY


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A ledger of one's own."""
    return World(tmp_path)


def ids(n: int, first: int = 0) -> list[str]:
    """So many people."""
    return [f"u{k}" for k in range(first, first + n)]


# -- a series ---------------------------------------------------------------------------------


def weekly(
    world: World, weeks: int, *, people: int = 2_000, new: int = 500, holdout: float = 0.3
) -> list[CampaignRow]:
    """Occurrences of one series, each with everybody before and some new people."""
    rows = []
    for week in range(weeks):
        world.now = BEGUN + week * WEEK
        everybody = ids(people + week * new)
        rows.append(world.campaign(f"weekly-{week}", ids=everybody, series="weekly", holdout=holdout))
    return rows


def bought(world: World, rows: list[CampaignRow], share_treated: float, share_held: float) -> Path:
    """A table in which a share of each arm buys a day after every occurrence."""
    who, when = list[str](), list[str]()
    for week, row in enumerate(rows):
        for side, share in zip(world.arms(row), (share_treated, share_held), strict=True):
            some = side[: round(share * len(side))]
            who += some
            when += [stamp(BEGUN + week * WEEK + DAY)] * len(some)
    return world.table(user_id=who, at=when)


def test_each_person_once(world: World) -> None:
    """Everybody counts from where they entered, in a window of their own; cohorts add up to the whole."""
    rows = weekly(world, 4)
    found = measured(
        world, "weekly", bought(world, rows, 0.1, 0.05), at=BEGUN + 5 * WEEK, pooled=True, window="7d"
    )
    people = found.arms["treated"].people + found.arms["holdout"].people

    assert found.refused is None
    assert people == 2_000 + 3 * 500
    assert found.cohorts is not None
    assert [c.value for c in found.cohorts] == [f"weekly-{week}" for week in range(4)]
    assert sum(c.treated_people for c in found.cohorts) == found.arms["treated"].people
    assert one(found).treated == pytest.approx(0.1, abs=0.05)
    assert found.to_data()["alike"] == found.equal_effects
    assert "weekly-3" in str(found)


def test_effects_of_occurrences_do_not_add_up(world: World) -> None:
    """The pooled effect is of people, each once; the sum of what occurrences show is nowhere."""
    rows = weekly(world, 3)
    table = bought(world, rows, 0.1, 0.05)
    asked: dict[str, Any] = {"at": BEGUN + 5 * WEEK, "window": "7d"}
    pooled = measured(world, "weekly", table, pooled=True, **asked)
    each = [one(measured(world, row.name, table, **asked)).incremental for row in rows]
    shown = [n for n in numbers(pooled.to_data()) if isinstance(n, float)]

    assert one(pooled).incremental < 0.8 * sum(each)
    assert not any(n == pytest.approx(sum(each), rel=1e-6) for n in shown)


def test_open_windows_are_left_out(world: World) -> None:
    """An occurrence whose window is not over waits; the others have their fixed interval."""
    rows = weekly(world, 3)
    table = bought(world, rows[:2], 0.1, 0.05)
    found = measured(world, "weekly", table, at=BEGUN + 2 * WEEK + 3 * DAY, pooled=True, window="7d")

    assert "window_open" in codes(found)
    assert found.arms["treated"].people + found.arms["holdout"].people == 2_500
    assert one(found).low is not None


def test_another_share(world: World) -> None:
    """Where the share was changed, people whose hash lies between are left out, and it is said."""
    rows = [*weekly(world, 1, holdout=0.2)]
    world.now = BEGUN + WEEK
    rows.append(world.campaign("weekly-1", ids=ids(4_000), series="weekly", holdout=0.4))
    found = measured(
        world, "weekly", bought(world, rows, 0.1, 0.05), at=BEGUN + 3 * WEEK, pooled=True, window="7d"
    )
    people = pa.array(ids(4_000), pa.large_string())
    between = held_back(people, 0.4, key="weekly") & ~held_back(people, 0.2, key="weekly")

    assert codes(found) == ["share_changed"]
    assert found.arms["treated"].people + found.arms["holdout"].people == 4_000 - int(between.sum())
    assert found.srm is not None
    assert found.srm.ok
    assert found.srm.share == pytest.approx(0.25)


def test_no_such_series(world: World) -> None:
    """The nearest one is named; what is of one campaign only is refused."""
    weekly(world, 1)
    table = world.table(user_id=["u1"], at=[stamp(BEGUN)])

    with pytest.raises(InputError, match="did you mean `weekly`"):
        measured(world, "wekly", table, pooled=True)
    with pytest.raises(InputError, match="are of one campaign"):
        measured(world, "weekly", table, at=BEGUN + 4 * WEEK, pooled=True, entrants=True)


@pytest.mark.long
def test_a_year_of_a_weekly_campaign(world: World) -> None:
    """
    Opt-outs, a cap and buyers who leave the segment: entrants and the pooled series recover the truth.

    Read occurrence by occurrence the split is not as drawn any more, and it is refused from some week on.
    """
    weeks, n, rate, lift = 52, 16_000, 0.04, 0.5
    rng = np.random.default_rng(52)
    people = np.array(ids(n), object)
    treated = ~held_back(pa.array(people.tolist(), pa.large_string()), 0.3, key="weekly")
    entry = np.sort(rng.integers(-16, weeks, n).clip(0))
    taste = rate * rng.gamma(1.0, 1.0, n).clip(0, 10)
    gone, bought_in = np.zeros(n, bool), np.full(n, -99)
    sent = np.zeros((weeks, n), bool)
    who, when = list[str](), list[float]()
    for week in range(weeks):
        world.now = BEGUN + week * WEEK
        capped = sent[max(0, week - 2) : week].sum(axis=0) >= 2
        there = (entry <= week) & ~gone & (week - bought_in > 4) & ~(treated & capped)
        world.campaign(f"weekly-{week}", ids=people[there].tolist(), series="weekly", holdout=0.3)
        sent[week] = there & treated
        buys = (entry <= week) & (rng.random(n) < taste * np.where(sent[week], 1 + lift, 1.0))
        who += people[buys].tolist()
        when += (BEGUN + week * WEEK + DAY * rng.uniform(0.1, 6.9, int(buys.sum()))).tolist()
        bought_in[buys] = week
        gone |= sent[week] & (rng.random(n) < 0.02)
    table = world.table("year.parquet", user_id=who, at=pd.to_datetime(when, unit="s", utc=True))
    later = BEGUN + (weeks + 1) * WEEK
    pooled = measured(world, "weekly", table, at=later, pooled=True, window="7d")
    every = [measured(world, f"weekly-{week}", table, at=later, window="7d") for week in range(6, weeks, 5)]
    new = [
        measured(world, f"weekly-{week}", table, at=later, window="7d", entrants=True)
        for week in range(6, weeks, 5)
    ]
    effect, truth = one(pooled), lift * float(taste.mean())

    assert pooled.refused is None
    assert effect.low is not None
    assert effect.high is not None
    assert effect.low < truth < effect.high
    assert effect.relative == pytest.approx(lift, abs=0.2)
    assert (pooled.equal_effects or 0) > 0.01
    assert [found.refused.code for found in every if found.refused] == ["srm"] * len(every)
    assert [found.refused for found in new] == [None] * len(new)
    covered = [(one(found).low or 0) <= truth <= (one(found).high or 0) for found in new]
    assert sum(covered) >= len(new) - 1


# -- all marketing ------------------------------------------------------------------------------


def marketing(
    world: World,
    name: str,
    people: list[str],
    *,
    share: float = 0.2,
    key: str = "",
    at: float = BEGUN,
    **more: Any,
) -> CampaignRow:
    """A campaign that keeps a share back from all marketing, and some more for itself."""
    world.now = at
    persons = pa.array(people, pa.large_string())
    back = held_back(persons, share, key=global_key(key))
    phones = np.array([world.phones.setdefault(p, FIRST + len(world.phones)) for p in people], np.int64)
    out = left_out(persons.filter(pa.array(back)), phones[back], Reason.GLOBAL_HOLDOUT)
    left = persons.filter(pa.array(~back)).to_pylist()
    return world.campaign(
        name, ids=left, more_excluded=out, global_holdout=share, **({"holdout": 0.1} | more)
    )


def test_all_marketing(world: World) -> None:
    """People enter with their first campaign; own holdouts are in reach of marketing; each counts once."""
    marketing(world, "spring", ids(4_000))
    marketing(world, "summer", ids(3_000, 2_000), at=BEGUN + WEEK)
    back = held_back(pa.array(ids(5_000), pa.large_string()), 0.2, key=global_key())
    everybody = np.array(ids(5_000), object)
    who = [*everybody[~back][:400].tolist(), *everybody[back][:40].tolist(), everybody[~back][0]]
    table = world.table(user_id=who, at=[stamp(BEGUN + 2 * WEEK)] * len(who))
    found = measured(world, "", table, at=BEGUN + 40 * DAY, between=("2026-11-01", "2026-11-30"))

    assert found.refused is None
    assert (found.arms["treated"].people, found.arms["holdout"].people) == (
        int((~back).sum()),
        int(back.sum()),
    )
    assert found.arms["treated"].reached < found.arms["treated"].people
    assert (one(found).treated_buyers, one(found).holdout_buyers) == (400, 40)
    assert found.srm is not None
    assert found.srm.ok
    assert (
        measured(world, "", table, at=BEGUN + 20 * DAY, between=("2026-11-01", "2026-11-30")).window
        is not None
    )


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"share": 0.0}, "contaminated"),
        ({"share": 0.05}, "contaminated"),
        ({"key": "pepper"}, "salt_changed"),
    ],
    ids=["none kept back", "another share", "another key"],
)
def test_a_holdout_that_is_none(world: World, more: dict[str, Any], code: str) -> None:
    """A campaign that messaged who others kept back: there is no comparison, and it is named."""
    marketing(world, "spring", ids(2_000))
    marketing(world, "summer", ids(2_000), at=BEGUN + WEEK, **more)
    table = world.table(user_id=ids(300), at=[stamp(BEGUN + 2 * WEEK)] * 300)
    found = measured(world, "", table, at=BEGUN + 40 * DAY, between=("2026-11-01", "2026-11-30"))

    assert found.refused is not None
    assert (found.refused.code, found.exit_code, list(found.effects)) == (code, 3, [])
    assert "summer" in found.refused.text


def test_days_of_a_period(world: World) -> None:
    """Days that are none, and a time without marketing, are said."""
    marketing(world, "spring", ids(100))
    table = world.table(user_id=ids(3), at=[stamp(BEGUN)] * 3)

    with pytest.raises(InputError, match="--from and --to"):
        measured(world, "", table, between=("soon", "2026-11-30"))
    with pytest.raises(InputError, match="no live marketing"):
        measured(world, "", table, between=("2025-01-01", "2025-02-01"))


# -- arms of an experiment ------------------------------------------------------------------------


def arm(
    world: World,
    name: str,
    low: float,
    high: float,
    *,
    people: int = 6_000,
    at: float = BEGUN,
    lost: int = 0,
    **more: Any,
) -> CampaignRow:
    """One arm of an experiment over the same people, with a holdout of its own."""
    world.now = at
    everybody = pa.array(ids(people), pa.large_string())
    key = experiment_key("texts")
    inside = held_back(everybody, high, key=key) & ~held_back(everybody, low, key=key)
    mine = everybody.filter(pa.array(inside)).to_pylist()[lost:]
    about = {"experiment": "texts", "name": name, "from": low, "to": high}
    return world.campaign(f"spring-{name}", ids=mine, series="spring", arm=about, **({"holdout": 0.1} | more))


def compared(world: World, *names: str, at: float, asked: Asked | None = None) -> Compared:
    """Compare some time later."""
    world.now = at
    return compare(world.ledger, [f"spring-{name}" for name in names], None, asked)


def test_by_delivery(world: World) -> None:
    """Delivered of planned, with bounds of those awaited; price of each delivered; seconds to a report."""
    a, b = arm(world, "a", 0, 0.5, reached=0.95), arm(world, "b", 0.5, 1, price_per_part="0.04")
    world.deliver(a, 0.8, after=40)
    world.deliver(b, 0.9, after=20)
    found = compared(world, "a", "b", at=BEGUN + 4 * DAY)
    first, second = found.arms
    difference, price = found.differences

    assert found.refused is None
    assert (found.experiment, found.notices) == ("texts", [])
    assert first.delivery_rate == pytest.approx(0.95 * 0.8, abs=0.001)
    assert (first.if_none_arrives or 0) < (first.if_all_arrive or 0)
    assert first.if_all_arrive == pytest.approx(0.95, abs=0.001)
    assert (first.median_receipt_s, second.median_receipt_s) == (40, 20)
    assert second.yuan_per_delivered == pytest.approx(0.04 / 0.9, rel=0.01)
    assert (second.yuan_per_delivered_low or 0) < (second.yuan_per_delivered or 0)
    assert price.metric == "yuan_per_delivered"
    assert 0 < price.low < price.difference < price.high
    assert difference.metric == "delivery"
    assert difference.high < 0
    assert json.loads(found.to_json())["arms"][0]["campaign"] == "spring-a"


def test_how_soon_messages_arrived(world: World) -> None:
    """A line each, of planned: it ends at the delivery rate, and half of the receipts say where."""
    a, b = arm(world, "a", 0, 0.5), arm(world, "b", 0.5, 1)
    world.deliver(a, 0.5, after=40)
    world.deliver(a, 0.5, after=4_000)
    world.deliver(b, 0.9, after=5)
    found = compared(world, "a", "b", at=BEGUN + 4 * DAY)
    lines = {name: [one for one in found.arrived if one.arm == name] for name in ("a", "b")}
    delivery = next(section for section in sections_of(found) if section.title == "Delivery")
    picture = delivery.pictures[1](_english())

    assert [lines[each.arm][-1].share for each in found.arms] == [each.delivery_rate for each in found.arms]
    assert [each.share for each in lines["a"] if each.seconds < 39] == [0] * len(
        [each for each in lines["a"] if each.seconds < 39]
    )
    assert {"1 s", "1 min", "1 h"} <= set(texts(picture))
    assert "1 day" not in texts(picture)
    assert "b: half of the receipts came within 5 s" in [*map(str, delivery.sentences)]
    assert "arrived" not in found.to_data()


def test_arms_are_found_by_their_experiment(world: World) -> None:
    """All of them in the order of their stretches, in the same mode; a campaign of none has none."""
    b, a = arm(world, "b", 0.5, 1), arm(world, "a", 0, 0.5)
    aside = world.campaign("aside", 40)
    arm(world, "c", 0.9, 1, mode=Mode.REHEARSE)

    assert [row.name for row in arms_beside(world.ledger, a)] == ["spring-a", "spring-b"]
    assert arms_beside(world.ledger, b) == arms_beside(world.ledger, a)
    assert arms_beside(world.ledger, aside) == []


def test_receipts_that_are_not_in(world: World) -> None:
    """Before three days, and while some are awaited, the rates are no more than bounds."""
    for name, low, high in (("a", 0, 0.5), ("b", 0.5, 1)):
        world.deliver(arm(world, name, low, high), 0.5)
    early, late = (compared(world, "a", "b", at=BEGUN + days * DAY) for days in (1, 4))

    assert [n.code for n in early.notices] == ["receipts_open"]
    assert late.notices == []


def test_best_hour(world: World) -> None:
    """Each arm's clock is its own; one test over all, then the best against each other one."""
    hours = {"ten": (0, 1 / 3), "two": (1 / 3, 2 / 3), "six": (2 / 3, 1)}
    rows = {
        name: arm(world, name, *ends, at=BEGUN + n * 4 * 3_600)
        for n, (name, ends) in enumerate(hours.items())
    }
    who, when = list[str](), list[str]()
    for n, (name, row) in enumerate(rows.items()):
        treated, _ = world.arms(row)
        some = treated[: round(len(treated) * (0.2 if name == "two" else 0.1))]
        who += some
        # In the last hour of its own window: the others' is over by then, or not yet.
        when += [stamp(BEGUN + n * 4 * 3_600 + WEEK - 1_800)] * len(some)
    asked = Asked(str(world.table(user_id=who, at=when)), time="at", window="7d")
    found = compared(world, *hours, at=BEGUN + 9 * DAY, asked=asked)
    pairs = [d for d in found.differences if d.metric == "conversion"]

    assert found.p_value is not None
    assert found.p_value < 1e-6
    assert [d.arm for d in pairs] == ["two", "two"]
    assert all(d.low > 0 for d in pairs)
    assert [round(a.conversion or 0, 2) for a in found.arms] == [0.1, 0.2, 0.1]
    assert "the hours differ" in found.render(_english())
    hours_of = [section for section in sections_of(found) if section.title == "Conversions by arm"]
    words = texts(hours_of[0].pictures[0](_english()))
    assert {"18:00 ten", "22:00 two", "02:00 six", "200.2"} <= set(words)  # in the campaigns' zone
    still = compared(
        world, *hours, at=BEGUN + 7 * DAY + 60, asked=Asked(asked.outcomes, time="at", window="7d")
    )
    assert [n.code for n in still.notices if n.code == "window_open"] == ["window_open"]
    assert (still.p_value, [d for d in still.differences if d.metric == "conversion"]) == (None, [])
    with pytest.raises(InputError, match="whole days"):
        compared(world, *hours, at=BEGUN + 9 * DAY, asked=Asked(asked.outcomes, time="at", window="36h"))


@pytest.mark.parametrize(
    ("starts", "apart"),
    [
        (("23:50", "00:05"), False),
        (("23:50", "00:20"), True),
        (("00:05", "12:00", "23:50"), False),
        (("10:00", "18:00"), True),
    ],
)
def test_hours_go_round_the_clock(world: World, starts: tuple[str, ...], apart: bool) -> None:
    """Ten to midnight and five past are a quarter of an hour apart."""
    arm(world, "a", 0, 0.5)
    arm(world, "b", 0.5, 1)
    one = compared(world, "a", "b", at=BEGUN + 4 * DAY).arms[0]

    assert by_hour([replace(one, starts_at=f"2026-11-23T{at}:00+08:00") for at in starts]) is apart


def test_what_shows_as_zero_has_no_sign(world: World) -> None:
    """Rounding leaves differences such as -6.9e-18, which are neither more nor less."""
    for name, low, high in (("a", 0, 0.5), ("b", 0.5, 1)):
        world.deliver(arm(world, name, low, high), 0.5)
    found = compared(world, "a", "b", at=BEGUN + 4 * DAY)
    one = replace(found.differences[0], difference=-6.9e-18, low=-0.0123, high=0.0123)

    told = replace(found, differences=[one]).render(_english())
    assert "0.0% (−1.2% to +1.2%)" in told
    assert "−0.0%" not in told
    assert "+0.0%" not in told


def test_no_hour_is_better(world: World) -> None:
    """That is a result, and said as such."""
    rows = [arm(world, "a", 0, 0.5), arm(world, "b", 0.5, 1)]
    who = [p for row in rows for p in world.arms(row)[0][:200]]
    asked = Asked(str(world.table(user_id=who, at=[stamp(BEGUN + DAY)] * 400)), time="at", window="7d")

    assert "no arm is better" in compared(world, "a", "b", at=BEGUN + 9 * DAY, asked=asked).render(_english())


def _english() -> Any:
    from smskit.i18n import Language

    return Language("en")


def test_what_is_no_experiment(world: World) -> None:
    """Campaigns whose people were not drawn are refused, and arms of which one lost people by its rules."""
    arm(world, "a", 0, 0.5)
    arm(world, "b", 0.5, 1, lost=400)
    world.campaign("spring-c", ids=ids(100))
    uneven = compared(world, "a", "b", at=BEGUN + 4 * DAY)
    strangers = compared(world, "a", "c", at=BEGUN + 4 * DAY)

    assert (uneven.refused and uneven.refused.code, uneven.exit_code) == ("srm", 3)
    assert (strangers.refused and strangers.refused.code) == "no_experiment"
    assert list(uneven.differences) + list(strangers.differences) == []
    with pytest.raises(InputError, match="two campaigns"):
        compared(world, "a", "a", at=BEGUN + 4 * DAY)


def test_arms_are_no_earlier_occurrences(world: World) -> None:
    """Arms share a series, and are not each other's history."""
    arm(world, "a", 0, 0.5, holdout=0.3)
    row = arm(world, "b", 0.5, 1, holdout=0.3)

    assert "earlier_occurrences" not in codes(measured(world, "spring-b", world.events(row, 60, 20)))


def test_commands(world: World, run: Run) -> None:  # noqa: F811
    """The commands over all of this, with their exit codes."""
    rows = weekly(world, 2)
    table = bought(world, rows, 0.1, 0.05)
    marketing(world, "summer", ids(2_000), at=BEGUN + WEEK)
    for name, low, high in (("a", 0, 0.5), ("b", 0.5, 1)):
        world.deliver(arm(world, name, low, high), 0.5)
    asked = ("--outcomes", table, "--time", "at", "--as-of", stamp(BEGUN + 40 * DAY), "--json")
    pooled = run("measure", "weekly", "--pooled", "--window", "7d", *asked)
    of_all = run("measure", "--global", "--from", "2026-11-08", "--to", "2026-11-30", *asked)
    side_by_side = run("compare", "spring-a", "spring-b", "--json")
    told = run("compare", "spring-a", "spring-b")
    strangers = run("compare", "spring-a", "weekly-0")

    for option, value in (("--time", "at"), ("--event-id", "order"), ("--outcomes-query", "SELECT 1")):
        code, _, error = run("compare", "spring-a", "spring-b", option, value)
        assert (code, f"{option} is about a table of what people did" in error) == (2, True)

    assert (pooled[0], side_by_side[0], told[0], strangers[0]) == (0, 0, 0, 3)
    assert len(json.loads(pooled[1])["cohorts"]) == 2
    assert json.loads(of_all[1])["campaign"] == "global_holdout"
    assert "delivered" in told[1]
    assert run("measure", *asked)[0] == 2
    assert smskit.measure is not None
