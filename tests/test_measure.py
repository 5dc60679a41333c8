"""``smskit measure``: arms from the ledger, outcomes from tables, refusals, notices, what is never shown."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

import smskit
from smskit.cli import commands as cli
from smskit.errors import InputError, SegmentError
from smskit.i18n import Language
from smskit.ledger import CampaignRow
from smskit.measuring.outcomes import Columns, read_outcomes
from smskit.measuring.result import Effect, Measured
from smskit.models import Kind, Mode, Reason
from tests.two_arms import BEGUN, DAY, FIRST, World, left_out, stamp

LATER = BEGUN + 20 * DAY
OPEN = BEGUN + 5 * DAY
# What may not be there before the window is over.
FIXED = (
    *("low", "high", "p_value", "significant", "relative_low", "relative_high", "incremental_low"),
    *("incremental_high", "cost_per_incremental_low", "cost_per_incremental_high"),
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A ledger of one's own."""
    return World(tmp_path)


def measured(world: World, name: str, table: Path, *, at: float = LATER, **asked: Any) -> Measured:
    """Measure a campaign some time after it began; a table of events unless it says otherwise."""
    world.now = at
    given = {"time": "at"} if "converted" not in asked else {}
    return smskit.measure(name, table, ledger=world.ledger, **(given | asked))


def codes(found: Measured) -> list[str]:
    """Codes of the notices."""
    return [notice.code for notice in found.notices]


def one(found: Measured, metric: str = "conversion") -> Effect:
    """The effect of that metric."""
    return next(effect for effect in found.effects if effect.metric == metric)


# -- the figures --------------------------------------------------------------------------


def test_hillstrom_from_a_ledger(tmp_path: Path) -> None:
    """42,613 ids planned as a campaign, of which the hash kept half: published figures, to six digits."""
    world = World(tmp_path)
    # Ids chosen so that the hash keeps back as many as the experiment did.
    row = world.campaign("hillstrom", 42_613, ids=_hillstrom_ids(), holdout=0.5)
    treated, held = world.arms(row)
    assert (len(treated), len(held)) == (21_307, 21_306)
    table = world.table(
        "flags.parquet",
        user_id=[*treated, *held],
        visit=[*_first(21_307, 3_894), *_first(21_306, 2_262)],
        bought=[*_first(21_307, 267), *_first(21_306, 122)],
    )
    found = measured(world, "hillstrom", table, converted="visit, bought")
    visit, bought = found.effects

    assert (found.srm and found.srm.p_value) == pytest.approx(1.0)
    assert (visit.difference, visit.low, visit.high) == pytest.approx(
        (0.0765896, 0.0699533, 0.0832267), abs=5e-8
    )
    assert (bought.difference, bought.low, bought.high) == pytest.approx(
        (0.0068050, 0.0050143, 0.0086407), abs=5e-8
    )
    assert bought.p_value == pytest.approx(1.5232e-13, rel=1e-4)
    assert (bought.relative, bought.relative_low, bought.relative_high) == pytest.approx(
        (1.188, 0.765, 1.702), abs=5e-4
    )
    assert bought.p_adjusted == bought.p_value  # the larger of two
    assert found.window is None


def _hillstrom_ids() -> list[str]:
    import pyarrow as pa

    from smskit.planning.policy import held_back

    pool = [f"h{n}" for n in range(43_500)]
    back = held_back(pa.array(pool, pa.large_string()), 0.5, key="hillstrom")
    kept, others = np.flatnonzero(back)[:21_306], np.flatnonzero(~back)[:21_307]
    return [pool[n] for n in (*kept.tolist(), *others.tolist())]


def _first(n: int, ones: int) -> list[int]:
    return [1] * ones + [0] * (n - ones)


def test_events_full_of_traps(world: World) -> None:
    """Rows before and after the window, copies, strangers, odd ids: each is counted where it belongs."""
    row = world.campaign("spring", ids=[str(n) for n in range(1_000, 5_000)], holdout=0.2)
    treated, held = world.arms(row)
    inside, before, after = (stamp(BEGUN + days * DAY) for days in (1, -1, 15))
    who = [*treated[:60], *held[:5], treated[0], treated[0], "99999", treated[1], held[9], "无"]
    when = [inside] * 65 + [inside, stamp(BEGUN + 2 * DAY), inside, before, after, inside]
    yuan = ["10"] * 65 + ["10", "-4", "7", "7", "7", "7"]
    who[3] += ".0"  # as a float writes it
    found = measured(world, "spring", world.table(user_id=who, at=when, yuan=yuan), amount="yuan")
    rows, conversion, revenue = found.outcomes, one(found), one(found, "revenue")

    assert (rows.rows, rows.duplicates, rows.unknown_people) == (71, 1, 1)
    assert (rows.before, rows.after, rows.used, rows.people) == (1, 1, 66, 65)
    assert (conversion.treated_buyers, conversion.holdout_buyers) == (60, 5)
    assert revenue.treated_total == 60 * 10 - 4
    assert revenue.holdout_total == 50
    assert "refunds" in codes(found)


def test_events_with_an_id(world: World) -> None:
    """Copies go by the event: two equal coupons are two, one order exported twice is one."""
    row = world.campaign("spring", 400, holdout=0.3)
    treated, held = world.arms(row)
    who = [*treated[:9], treated[0], treated[0], *held[:3]]
    at = [stamp(BEGUN + DAY)] * 14
    table = world.table(
        user_id=who,
        at=at,
        yuan=[5] * 14,
        order=[*range(100, 109), 100, 109, *range(110, 113)],
        line=range(14),
    )
    found = measured(world, "spring", table, amount="yuan", event_id="order")
    without = measured(world, "spring", table, amount="yuan")

    assert (found.outcomes.duplicates, found.outcomes.used) == (1, 13)
    assert one(found, "revenue").treated_total == 50
    assert without.outcomes.duplicates == 0  # some column differs


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("yuan", "6", "another `yuan`, such as"),
        ("at", stamp(BEGUN + 2 * DAY), "another `at`, such as"),
        ("user_id", "someone", "another `user_id`, such as"),
        ("order", "", "no id of an event"),
        ("order", "\u3000 ", "no id of an event"),
    ],
)
def test_an_event_that_is_two(world: World, column: str, value: str, words: str) -> None:
    """Rows of one event say the same, else nobody knows which to believe; an event has an id."""
    row = world.campaign("spring", 400, holdout=0.3)
    treated, held = world.arms(row)
    cells: dict[str, list[Any]] = {
        "user_id": [treated[0], treated[0], held[0]],
        "at": [stamp(BEGUN + DAY)] * 3,
        "yuan": ["5"] * 3,
        "order": ["A1", "A1", "A2"],
    }
    cells[column][1] = value
    table = world.table(**cells)

    with pytest.raises(SegmentError, match=words):
        measured(world, "spring", table, amount="yuan", event_id="order")
    with pytest.raises(InputError, match="--event-id is of a table of events"):
        measured(world, "spring", table, converted="yuan", event_id="order")


def test_one_event_however_it_is_written(world: World) -> None:
    """Blanks around an id make no second event, and a person written otherwise is the same person."""
    row = world.campaign("spring", 400, holdout=0.3)
    treated, held = world.arms(row)
    table = world.table(
        user_id=[treated[0], f"{treated[0]} ", f" {treated[0]}", held[0], "无", ""],
        at=[stamp(BEGUN + DAY)] * 6,
        yuan=["5"] * 6,
        order=["x", " x", "x\u3000", "y", "z", "z"],
    )
    found = measured(world, "spring", table, amount="yuan", event_id="order")

    assert (found.outcomes.duplicates, found.outcomes.used, found.outcomes.people) == (3, 2, 2)
    assert one(found, "revenue").treated_total == 5


@pytest.mark.parametrize("id_", ["order", ""])
def test_phones_of_one_event_in_any_form(tmp_path: Path, id_: str) -> None:
    """`13800000010` and `+86 13800000010` are one person, also where rows are copies by their event."""
    table = tmp_path / "orders.csv"
    table.write_text("phone,at,order\n13800000010,2026-11-01,x\n+86 13800000010,2026-11-01,x\n")
    columns = Columns("phone", "at", event=id_)
    found = read_outcomes(str(table), columns, by_phone=True, zone=ZoneInfo("Asia/Shanghai"), environ={})

    assert found.ids.to_pylist() == ["8613800000010"]
    assert found.person.tolist() == ([0] if id_ else [0, 0])
    assert found.duplicates == bool(id_)  # without an id, only rows that are written alike


def test_options_as_python_has_them(world: World) -> None:
    """A date, a number and a list of columns are as good as their text."""
    row = world.campaign("spring", 400, holdout=0.3)
    treated, held = world.arms(row)
    everybody = treated + held
    table = world.table(user_id=everybody, a=[1] * 30 + [0] * 370, b=[0] * 370 + [1] * 30)
    found = measured(
        world,
        "spring",
        table,
        converted=["a", "b"],
        price=0.04,
        as_of=datetime.fromtimestamp(LATER, UTC),
        segments=None,
    )

    assert [effect.metric for effect in found.effects] == ["a", "b"]
    assert found.cost.price_per_part == "0.04"


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "xlsx"])
def test_every_kind_of_table(world: World, suffix: str) -> None:
    """A table says the same in every format that segments are read in."""
    row = world.campaign("spring", ids=[str(n) for n in range(100, 700)], holdout=0.3)
    treated, held = world.arms(row)
    who = [int(n) for n in treated[:40] + held[:7]]
    table = world.table(f"orders.{suffix}", user_id=who, at=["2026-11-03 09:30:00"] * 47, yuan=[9.5] * 47)
    found = measured(world, "spring", table, amount="yuan")

    assert (one(found).treated_buyers, one(found).holdout_buyers) == (40, 7)
    assert one(found, "revenue").treated_total == 40 * 9.5
    assert found.outcomes.timezone == "Asia/Shanghai"


def test_outcomes_from_a_database(world: World) -> None:
    """A query is read as a segment's is."""
    import sqlite3

    row = world.campaign("spring", 600, holdout=0.3)
    treated, held = world.arms(row)
    with sqlite3.connect(world.folder / "shop.db") as conn:
        conn.execute("create table orders (user_id text, at text)")
        conn.executemany(
            "insert into orders values (?, ?)", [(w, stamp(BEGUN + DAY)) for w in treated[:9] + held[:2]]
        )
    conn.close()
    address = f"sqlite:///{world.folder / 'shop.db'}"
    found = smskit.measure(
        "spring",
        address,
        query="select * from orders",
        time="at",
        as_of=stamp(LATER),
        ledger=world.ledger,
    )

    assert (one(found).treated_buyers, one(found).holdout_buyers) == (9, 2)


def test_phones_as_persons(world: World) -> None:
    """A campaign without user ids is matched by phone, however the table writes it; none is shown."""
    row = world.campaign("spring", 3_000, user_id="", holdout=0.3)
    treated, held = (np.array(side, np.int64) - 86 * 10**11 for side in world.arms(row))
    written = [f"{p:011d}" for p in treated[:30]]
    written = [
        *(f"{p[:3]} {p[3:7]} {p[7:]}" for p in written[:10]),
        *(f"+86{p}" for p in written[10:20]),
        *written[20:],
    ]
    table = world.table(mobile=[*written, *(f"86{p:011d}" for p in held[:12])], at=[stamp(BEGUN + DAY)] * 42)
    found = measured(world, "spring", table, user_id="mobile")
    nobody = measured(
        world,
        "spring",
        world.table("n.csv", mobile=["13912345678"], at=[stamp(BEGUN + DAY)]),
        user_id="mobile",
    )

    assert (one(found).treated_buyers, one(found).holdout_buyers) == (30, 12)
    assert nobody.refused is not None
    assert nobody.refused.code == "no_match"
    assert "139****5678" in nobody.refused.text
    for shown in (found.to_json(), str(found), repr(found), nobody.to_json(), str(nobody)):
        assert "13912345678" not in shown
        assert not any(str(p) in shown for p in (*treated[:40].tolist(), *held[:20].tolist()))


def test_as_assigned(world: World) -> None:
    """A tenth of numbers refused: they stay treated, and no figure compares the reached with the holdout."""
    row = world.campaign("spring", 20_000, holdout=0.3, reached=0.9)
    found = measured(world, "spring", world.events(row, 700, 250))
    treated, held = found.arms["treated"], found.arms["holdout"]
    wrong = 700 / treated.reached - 250 / held.people

    assert treated.reached < treated.people
    assert held.reached == 0
    assert one(found).treated == 700 / treated.people
    assert found.cost.parts == treated.reached
    assert not any(
        isinstance(value, float) and value == pytest.approx(wrong, rel=1e-6)
        for value in numbers(found.to_data())
    )
    assert (
        f"{700 / treated.reached:.1%}" not in str(found)
        or f"{700 / treated.people:.1%}" == f"{700 / treated.reached:.1%}"
    )


def numbers(data: Any) -> list[Any]:
    """All values of an object, however deep."""
    if isinstance(data, dict):
        return [n for value in data.values() for n in numbers(value)]
    if isinstance(data, list | tuple):
        return [n for value in data for n in numbers(value)]
    return [data]


def test_revenue_is_no_wider_than_it_must_be(world: World) -> None:
    """The re-randomised interval holds a known effect, no wider than twice Welch's."""
    row = world.campaign("spring", 20_000, holdout=0.2)
    rng = np.random.default_rng(1)
    who, held = world.arms(row)
    yuan = rng.lognormal(3, 1, 800 + 100)
    table = world.table(user_id=who[:800] + held[:100], at=[stamp(BEGUN + DAY)] * 900, yuan=yuan)
    effect = one(measured(world, "spring", table, amount="yuan"), "revenue")
    arms = (np.append(yuan[:800], np.zeros(len(who) - 800)), np.append(yuan[800:], np.zeros(len(held) - 100)))
    welch = 2 * 1.96 * np.sqrt(sum(a.var(ddof=1) / len(a) for a in arms))

    assert effect.low is not None
    assert effect.high is not None
    assert effect.low < effect.difference < effect.high
    assert effect.high - effect.low < 2 * welch
    assert effect.method == "rerandomised"


def test_the_same_command_gives_the_samenumbers(world: World) -> None:
    """Draws go by campaign and metric."""
    row = world.campaign("spring", 4_000, holdout=0.3)
    table = world.events(row, 60, 20, yuan=np.linspace(1, 90, 80))
    twice = [measured(world, "spring", table, amount="yuan").to_json() for _ in range(2)]

    assert twice[0] == twice[1]


def test_object_is_as_documented(world: World) -> None:
    """Names and order of the object, which programs rely on."""
    row = world.campaign("spring", 4_000, holdout=0.3)
    people = {"by": "level", "segments": str(_levels(world, 4_000))}
    data = json.loads(measured(world, "spring", world.events(row, 60, 20), **people).to_json())
    early = json.loads(measured(world, "spring", world.events(row, 60, 20), at=OPEN).to_json())

    assert list(data) == [
        *("campaign", "mode", "series", "as_of", "refused", "notices", "outcomes", "window", "arms", "srm"),
        *("cost", "effects", "interim", "segments"),
    ]
    assert list(data["outcomes"]) == [
        *("kind", "rows", "duplicates", "unknown_people", "before", "after", "used", "people", "timezone")
    ]
    assert list(data["window"]) == ["starts_at", "ends_at", "data_until", "length", "complete"]
    assert list(data["srm"]) == ["share", "expected", "observed", "p_value", "threshold", "ok"]
    assert list(data["cost"]) == ["parts", "price_per_part", "yuan"]
    assert list(data["effects"][0]) == [f.name for f in fields(Effect)]
    assert list(early["interim"]) == [
        *("metric", "level", "method", "prior", "relative", "relative_low", "relative_high", "incremental"),
        *("incremental_low", "incremental_high", "decided"),
    ]
    assert list(data["segments"][0]) == [
        *(
            "column",
            "value",
            "metric",
            "treated_people",
            "holdout_people",
            "treated",
            "holdout",
            "difference",
        ),
        *("low", "high", "level", "p_value", "p_holm", "enough"),
    ]
    assert (data["interim"], early["segments"]) == (None, None)


def test_cost_of_each(world: World) -> None:
    """Yuan over increments, the bounds the other way round; no upper limit where none may have come of it."""
    row = world.campaign("spring", 4_000, holdout=0.3)
    clear = one(measured(world, "spring", world.events(row, 400, 60), price="0.04"))
    vague = one(measured(world, "spring", world.events(row, 62, 20), price="0.04"))
    yuan = float(measured(world, "spring", world.events(row, 62, 20), price="0.04").cost.yuan)

    assert clear.cost_per_incremental == pytest.approx(yuan / clear.incremental)
    assert clear.cost_per_incremental_low == pytest.approx(yuan / (clear.incremental_high or 0))
    assert clear.cost_per_incremental_high == pytest.approx(yuan / (clear.incremental_low or 0))
    assert vague.cost_per_incremental_high is None
    assert vague.cost_per_incremental_low is not None


def test_cost_is_a_range_where_something_is_unknown(world: World) -> None:
    """Nobody knows whether an unknown message is billed: the sentence and the object have both ends."""
    row = world.campaign("spring", 4_000, holdout=0.3, sent=False)
    world.send(row, 0.9, unknown=0.05)
    found = measured(world, "spring", world.events(row, 400, 60), price="0.04")
    treated = found.arms["treated"]
    cost = found.to_data()["cost"]

    assert found.cost.parts == treated.reached
    assert cost["unknown_parts"] == pytest.approx(0.05 * treated.people, abs=3)
    assert float(cost["yuan_high"]) == pytest.approx(0.04 * (cost["parts"] + cost["unknown_parts"]))
    assert one(found).cost_per_incremental == pytest.approx(float(cost["yuan"]) / one(found).incremental)
    bounds = one(found).cost_per_incremental_low, one(found).cost_per_incremental_high
    assert bounds[0] == pytest.approx(float(cost["yuan"]) / (one(found).incremental_high or 0))
    assert bounds[1] == pytest.approx(float(cost["yuan_high"]) / (one(found).incremental_low or 0))
    assert f"({cost['unknown_parts']} parts may be billed or not)" in str(found)


def test_per_person_reached_has_its_own_name(world: World) -> None:
    """The effect over the share reached, where some were not; it is no number of the object."""
    row = world.campaign("spring", 20_000, holdout=0.3, reached=0.8)
    found = measured(world, "spring", world.events(row, 900, 200))
    each = one(found).difference / (found.arms["treated"].reached / found.arms["treated"].people)
    everybody = world.campaign("summer", 20_000, holdout=0.3)

    assert f"per person reached, if a message that does not arrive does nothing: +{1_000 * each:.1f}" in str(
        found
    )
    assert not any(isinstance(n, float) and n == pytest.approx(each) for n in numbers(found.to_data()))
    assert "per person reached" not in str(measured(world, "summer", world.events(everybody, 900, 200)))


def test_matched_people_of_each_arm(world: World) -> None:
    """Ids that a spreadsheet has changed in a part of the table show as fewer people of an arm."""
    row = world.campaign("spring", 4_000, holdout=0.3)

    assert "it names 62 treated people and 20 held back" in str(
        measured(world, "spring", world.events(row, 62, 20))
    )


# -- before the window is over --------------------------------------------------------------


def test_nothing_fixed_before_the_end(world: World) -> None:
    """Until the window is over there is the interim, and nothing fixed to peek at, in words neither."""
    row = world.campaign("spring", 20_000, holdout=0.3)
    table = world.events(row, 700, 100, yuan=np.linspace(1, 99, 800))
    found = measured(
        world, "spring", table, at=OPEN, amount="yuan", by="level", segments=str(_levels(world, newer=True))
    )
    interim = found.interim

    assert [getattr(e, name) for e in found.effects for name in FIXED] == [None] * (2 * len(FIXED))
    assert found.segments is None
    assert "window_open" in codes(found)
    assert "segments_newer" not in codes(found)
    assert found.window is not None
    assert not found.window.complete
    assert interim is not None
    assert (interim.level, interim.method, interim.prior) == (0.99, "beta-binomial", 100)
    assert interim.decided
    assert 0 < (interim.incremental_low or 0) < interim.incremental < (interim.incremental_high or 0)
    assert " p " not in str(found).split("split")[0]
    assert "95%" not in str(found)
    assert measured(world, "spring", table, amount="yuan").interim is None


def test_interim_without_upper_bound(world: World) -> None:
    """While nobody of the holdout has converted there is no relative lift, and the bound is all there is."""
    row = world.campaign("spring", 4_000, holdout=0.3)
    interim = measured(world, "spring", world.events(row, 12, 0), at=OPEN).interim

    assert interim is not None
    assert interim.relative is None
    assert interim.relative_high is None
    assert interim.incremental_high == 12


# -- refusals -----------------------------------------------------------------------------


def test_no_holdout(world: World) -> None:
    """Nobody kept back: no comparison is possible, and none is invented."""
    row = world.campaign("spring", 500, holdout=0)
    found = measured(world, "spring", world.events(row, 30, 0))

    _refused(found, "no_holdout")
    assert found.srm is None
    _refused(measured(world, "all", world.events(world.campaign("all", 50, holdout=1.0), 0, 5)), "no_holdout")


def test_a_tampered_split(world: World) -> None:
    """A split that was not drawn stops it; allowed, the alarm stays a notice of every result."""
    row = world.campaign("spring", 4_000, holdout=0.3, tampered=300)
    table = world.events(row, 90, 20)
    stopped, allowed = measured(world, "spring", table), measured(world, "spring", table, srm="allow")

    _refused(stopped, "srm")
    assert stopped.srm is not None
    assert not stopped.srm.ok
    assert allowed.refused is None
    assert codes(allowed)[0] == "srm"
    assert len(allowed.effects) == 1


def test_no_match(world: World) -> None:
    """A table about others: one id of each is shown, masked."""
    world.campaign("spring", 500, holdout=0.3)
    found = measured(world, "spring", world.table(user_id=["abcdef"], at=[stamp(BEGUN + DAY)]))

    _refused(found, "no_match")
    assert found.refused is not None
    assert "ab***f" in found.refused.text
    assert "abcdef" not in found.to_json()
    _refused(measured(world, "spring", world.table("e.csv", user_id=[], at=[])), "no_match")


def test_future(world: World) -> None:
    """A row later than the table can be of: probably another time zone."""
    row = world.campaign("spring", 500, holdout=0.3)
    treated, held = world.arms(row)
    when = [stamp(BEGUN + DAY)] * 5 + [stamp(LATER + 3_600)]
    table = world.table(user_id=treated[:4] + held[:2], at=when)

    _refused(measured(world, "spring", table), "future")
    assert measured(world, "spring", table, at=LATER + 7_200).refused is None
    early = measured(world, "spring", table, at=LATER + 7_200, as_of=stamp(BEGUN + 2 * DAY))
    _refused(early, "future")


def test_before_send(world: World) -> None:
    """All rows of its people are older than the campaign."""
    row = world.campaign("spring", 500, holdout=0.3)

    _refused(measured(world, "spring", world.events(row, 20, 8, at=-DAY)), "before_send")


def test_coverage_of_events(world: World) -> None:
    """A table joined to who got the message names nobody of the holdout; of a few rows that may be chance."""
    row = world.campaign("spring", 2_000, holdout=0.3)

    _refused(measured(world, "spring", world.events(row, 90, 0)), "coverage")
    _refused(measured(world, "spring", world.events(row, 0, 30)), "coverage")
    assert measured(world, "spring", world.events(row, 20, 0)).refused is None


def test_coverage_of_flags(world: World) -> None:
    """A table of flags has everybody, unless who is missing is said to have done nothing."""
    row = world.campaign("spring", 500, holdout=0.3)
    treated, held = world.arms(row)
    table = world.table(user_id=treated[:100] + held, bought=[1] * 20 + [0] * (80 + len(held)))

    _refused(measured(world, "spring", table, converted="bought"), "coverage")
    zero = measured(world, "spring", table, converted="bought", absent="zero")
    assert one(zero, "bought").treated == 20 / len(treated)
    assert zero.outcomes.kind == "flags"


def test_the_order_of_refusals(world: World) -> None:
    """No holdout comes before the split, the split before a table about others, and so on."""
    world.campaign("none", 500, holdout=0)
    row = world.campaign("spring", 4_000, holdout=0.3, tampered=300)
    strangers = world.table(user_id=["x"], at=[stamp(LATER + DAY)])
    late_and_lopsided = world.table(
        "late.csv", user_id=world.arms(row)[0][:90], at=[stamp(BEGUN - DAY)] * 89 + [stamp(LATER + DAY)]
    )

    _refused(measured(world, "none", strangers), "no_holdout")
    _refused(measured(world, "spring", strangers), "srm")
    _refused(measured(world, "spring", strangers, srm="allow"), "no_match")
    _refused(measured(world, "spring", late_and_lopsided, srm="allow"), "future")
    _refused(measured(world, "spring", world.events(row, 90, 0, at=-DAY), srm="allow"), "before_send")


def _refused(found: Measured, code: str) -> None:
    assert found.refused is not None
    assert found.refused.code == code
    assert (found.exit_code, list(found.effects), found.segments, found.interim) == (3, [], None, None)


# -- what cannot be used -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "cells", "words"),
    [
        ({"time": "when"}, {}, "no column `when`"),
        ({"user_id": "customer"}, {}, "no column `customer`"),
        ({"amount": "price"}, {}, "no column `price`"),
        ({}, {"at": "yesterday"}, "no time"),
        ({}, {"at": ""}, "no time"),
        ({"amount": "yuan"}, {"yuan": "much"}, "no amount"),
        ({"amount": "yuan"}, {"yuan": "inf"}, "no amount"),
        ({"time": "", "converted": "bought"}, {"bought": "2"}, "neither 0 nor 1"),
        ({"time": "", "converted": "bought"}, {"bought": ""}, "neither 0 nor 1"),
        ({"time": ""}, {}, "say what the table is"),
        ({"converted": "bought", "time": "at"}, {}, "say what the table is"),
        ({"window": "two weeks"}, {}, "--window"),
        ({"window": "0d"}, {}, "--window"),
        ({"timezone": "Mars"}, {}, "--timezone"),
        ({"as_of": "soon"}, {}, "--as-of"),
        ({"price": "cheap"}, {}, "--price"),
        ({"absent": "maybe"}, {}, "--absent"),
        ({"srm": "ignore"}, {}, "--srm"),
        ({"wndow": "3d"}, {}, "did you mean `window`"),
        ({"amount": "yuan,fee"}, {}, "one column of money"),
        ({"by": "shoe"}, {}, "no column `shoe`"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_cannot_be_used(world: World, asked: dict[str, Any], cells: dict[str, str], words: str) -> None:
    """A sentence and exit code 2, and no object."""
    row = world.campaign("spring", 400, holdout=0.3)
    treated, held = world.arms(row)
    row_of = {"at": stamp(BEGUN + DAY), "yuan": "5", "fee": "1", "bought": "1"}
    table = world.table(
        user_id=treated[:9] + held[:3],
        **{name: [value] * 11 + [cells.get(name, value)] for name, value in row_of.items()},
    )
    (world.folder / "people.csv").write_text("user_id,phone\nu1,13800138000\n")
    given = {"time": "at", "segments": str(world.folder / "people.csv")} | asked
    world.now = LATER

    with pytest.raises(InputError, match=words) as error:
        smskit.measure("spring", table, ledger=world.ledger, **given)
    assert error.value.exit_code == 2


def test_a_person_twice_with_different_values(world: World) -> None:
    """In a table of flags that cannot be; the same row twice is a copy."""
    row = world.campaign("spring", 400, holdout=0.3)
    treated, held = world.arms(row)
    everybody = treated + held
    twice = world.table(user_id=[*everybody, everybody[0]], bought=[0] * len(everybody) + [1])
    copied = world.table("c.csv", user_id=[*everybody, everybody[0]], bought=[0] * (len(everybody) + 1))

    with pytest.raises(SegmentError, match="twice with different values"):
        measured(world, "spring", twice, converted="bought")
    assert measured(world, "spring", copied, converted="bought").outcomes.duplicates == 1


def test_unknown_campaign(world: World) -> None:
    """Neither one that was only planned, nor one that is not there."""
    world.campaign("spring", 400, mode=Mode.PLAN, sent=False)

    with pytest.raises(InputError, match=r"no campaign `sprng`.*did you mean `spring`"):
        measured(world, "sprng", world.table(user_id=["u1"], at=["2026-11-03"]))
    with pytest.raises(InputError, match="no campaign `spring` was sent"):
        measured(world, "spring", world.table(user_id=["u1"], at=["2026-11-03"]))


# -- notices ------------------------------------------------------------------------------


def test_few(world: World) -> None:
    """Below five conversions of both arms nothing is significant, and it is said."""
    row = world.campaign("spring", 400, holdout=0.3)
    found = measured(world, "spring", world.events(row, 3, 1, yuan=[1, 2, 3, 4]), amount="yuan")
    revenue = one(found, "revenue")

    assert "too_few" in codes(found)
    assert (one(found).enough, one(found).significant) == (False, None)
    assert (revenue.low, revenue.high, revenue.p_value, revenue.significant) == (None, None, None, None)


def test_unfinished_and_rehearsal(world: World) -> None:
    """People who still wait count as treated; a rehearsal is an A/A test, and says so."""
    row = world.campaign("spring", 400, holdout=0.3, mode=Mode.REHEARSE, sent=False)
    found = measured(world, "spring", world.events(row, 20, 9))

    assert codes(found) == ["unfinished", "rehearsal"]
    assert "(rehearse)" in str(found)


def test_slow_send(world: World) -> None:
    """The window starts with the first claim; sending for more than a tenth of it is said."""
    row = world.campaign("spring", 12_000, holdout=0.0001, sent=False)
    world.now = BEGUN + 3_600
    states = world.ledger.audience.states(row.id)
    _claim(world, row, [0])
    world.now = BEGUN + 3_600 + 2 * DAY
    _claim(world, row, list(states)[1:])
    found = measured(world, "spring", world.events(row, 20, 1, at=4 * DAY))

    assert "slow_send" in codes(found)
    assert found.window is not None
    assert datetime.fromisoformat(found.window.starts_at).timestamp() == BEGUN + 3_600


def _claim(world: World, row: CampaignRow, chunks: list[int]) -> None:
    from smskit.ledger import Change, Facts
    from smskit.models import State

    with world.ledger.senders.hold(row.id) as token:
        for chunk in chunks:
            n = len(world.ledger.audience.states(row.id)[chunk])
            claimed = np.full(n, State.SUBMITTING, np.uint8)
            change = Change("claim", chunk, np.arange(n, dtype=np.uint16), claimed, Facts())
            world.ledger.changes.apply(row.id, [change], token=token)


def test_follow_ups_belong_to_the_cost(world: World) -> None:
    """What is sent to some of them once more is part of the treatment."""
    row = world.campaign("spring", 400, holdout=0.3)
    treated, _ = world.arms(row)
    world.ledger.campaigns.make_id("spring.again-1", kind=Kind.FOLLOW_UP, parent="spring")
    world.campaign("spring.again-1", ids=treated[:50], holdout=0)
    found = measured(world, "spring", world.events(row, 20, 9))

    assert "follow_ups" in codes(found)
    assert "other_campaigns" not in codes(found)
    assert found.cost.parts == len(treated) + 50
    _refused(
        measured(world, "spring.again-1", world.table("n.csv", user_id=["u1"], at=[stamp(BEGUN)])),
        "no_holdout",
    )


def test_other_campaigns(world: World) -> None:
    """What else reached both arms meanwhile, as a share of each."""
    row = world.campaign("spring", 4_000, holdout=0.3)
    world.now = BEGUN + 3 * DAY
    world.campaign("summer", 2_000, holdout=0)
    found = measured(world, "spring", world.events(row, 20, 9))
    notice = next(n for n in found.notices if n.code == "other_campaigns")

    assert notice.text.values["treated"].startswith(("49", "50", "51"))
    assert notice.text.values["holdout"].startswith(("47", "48", "49", "50", "51", "52", "53"))


def test_entrants(world: World) -> None:
    """Of a second occurrence only those count whom the first neither planned nor kept back."""
    world.campaign("weekly-1", 2_000, series="weekly", holdout=0.3)
    world.now = BEGUN + 7 * DAY
    row = world.campaign("weekly-2", 3_000, series="weekly", holdout=0.3)
    table = world.events(row, 60, 20, at=8 * DAY)
    every, new = (
        measured(world, "weekly-2", table, at=LATER + 7 * DAY),
        measured(world, "weekly-2", table, at=LATER + 7 * DAY, entrants=True),
    )
    people = {side: arm.people for side, arm in new.arms.items()}

    assert "earlier_occurrences" in codes(every)
    assert "earlier_occurrences" not in codes(new)
    assert sum(people.values()) == 1_000
    assert new.cost.parts == people["treated"]


def test_the_alarm_names_reasons_of_one_side(world: World) -> None:
    """What earlier messages do to one arm alone stands beside the alarm, and how to get around it."""
    gone = left_out(smskit_persons("x", 200), FIRST + np.arange(200), Reason.FREQUENCY_CAP)
    row = world.campaign("spring", 4_000, holdout=0.3, tampered=300, more_excluded=gone)
    found = measured(world, "spring", world.events(row, 90, 20))

    _refused(found, "srm")
    assert found.refused is not None
    assert "frequency cap" in found.refused.text
    assert "--entrants" in found.refused.text


def smskit_persons(prefix: str, n: int) -> Any:
    """So many other people."""
    import pyarrow as pa

    return pa.array([f"{prefix}{k}" for k in range(n)], pa.large_string())


# -- by segment -----------------------------------------------------------------------------


def _levels(world: World, people: int = 20_000, *, values: int = 2, newer: bool = False) -> Path:
    path = world.folder / "people.csv"
    levels = [f"level{n % values}" for n in range(people)]
    ids = [f"u{n}" for n in range(people)]
    pd.DataFrame({"user_id": ids, "phone": [f"138{n:08d}" for n in range(people)], "level": levels}).to_csv(
        path, index=False
    )
    if not newer:
        import os

        os.utime(path, (BEGUN - DAY, BEGUN - DAY))
    return path


def test_by_segment(world: World) -> None:
    """A row for each value, intervals of all together at 95%, Holm over those that count."""
    row = world.campaign("spring", 20_000, holdout=0.3)
    found = measured(world, "spring", world.events(row, 900, 200), by="level", segments=str(_levels(world)))
    rows = found.segments

    assert rows is not None
    assert [r.value for r in rows] == ["level0", "level1"]
    assert {r.level for r in rows} == {0.975}
    assert sum(r.treated_people for r in rows) == found.arms["treated"].people
    assert all(
        r.enough and r.p_holm is not None and r.p_value is not None and r.p_holm >= r.p_value for r in rows
    )
    assert "segments_newer" not in codes(found)
    assert "level0" in str(found)


def test_many_values_and_few_people(world: World) -> None:
    """Eight values at most, the others as one; a value with too few expected conversions has no interval."""
    row = world.campaign("spring", 20_000, holdout=0.1)
    found = measured(
        world,
        "spring",
        world.events(row, 300, 20),
        by="level",
        segments=str(_levels(world, values=12, newer=True)),
    )
    rows = found.segments

    assert rows is not None
    assert len(rows) == 9
    assert rows[-1].value is None
    assert [r.enough for r in rows[:8]] == [False] * 8
    assert [r.low for r in rows if not r.enough] == [None] * sum(not r.enough for r in rows)
    assert "segments_newer" in codes(found)


# -- the command ------------------------------------------------------------------------------

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], world: World) -> Run:
    """Runs a command in this process, over the world's ledger."""
    monkeypatch.setenv("SMSKIT_DATABASE_URL", f"sqlite:///{world.folder / 'smskit.db'}")

    def command(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["smskit", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return command


def test_command(world: World, run: Run) -> None:
    """What it prints, and its exit codes: 0 measured, 2 not usable, 3 refused with the object."""
    row = world.campaign("spring", 4_000, holdout=0.3)
    none = world.campaign("none", 400, holdout=0)
    table, as_of = world.events(row, 300, 60), ("--as-of", stamp(LATER))
    bare = world.table("bare.csv", user_id=world.arms(none)[0][:20], at=[stamp(BEGUN + DAY)] * 20)
    asked = ("--outcomes", table, "--time", "at", *as_of)
    code, out, _ = run("measure", "spring", *asked)
    as_data = run("measure", "spring", *asked, "--json")
    refused = run("measure", "none", "--outcomes", bare, "--time", "at", *as_of, "--json")
    wrong = run("measure", "spring", "--outcomes", table, "--time", "nowhen", *as_of, "--json")

    assert (code, as_data[0], refused[0], wrong[0]) == (0, 0, 3, 2)
    assert "more conversions than without the message" in out
    assert json.loads(as_data[1])["effects"][0]["method"] == "newcombe"
    assert json.loads(refused[1])["refused"]["code"] == "no_holdout"
    assert json.loads(refused[1])["effects"] == []
    assert wrong[1] == ""
    assert "no column `nowhen`" in wrong[2]


# -- never shown --------------------------------------------------------------------------------


def test_small_p_of_a_small_holdout_in_words(world: World) -> None:
    """The far tail of p is too thin there: it is "< 0.01", while the object has what the test says."""
    row = world.campaign("spring", 20_000, holdout=0.1)
    few = measured(world, "spring", world.events(row, 900, 20))
    many = measured(world, "spring", world.events(row, 900, 40))

    assert (one(few).p_value or 1) < 0.0001
    assert "p < 0.01" in str(few)
    assert "p < 0.0001" in str(many)


def test_no_relative_lift_without_the_absolute(world: World) -> None:
    """Sentences have conversions and rates first; a relative lift is never alone in the object."""
    row = world.campaign("spring", 4_000, holdout=0.3)
    found = measured(world, "spring", world.events(row, 300, 60))

    for code in ("en", "zh"):
        assert "+" not in found.render(Language(code)).splitlines()[1]
    assert all(effect.difference is not None for effect in found.effects if effect.relative is not None)


def test_what_a_larger_holdout_would_find(world: World) -> None:
    """Where it cannot be told, the next share up is named with the smallest lift it finds."""
    row = world.campaign("spring", 4_000, holdout=0.1)
    vague = str(measured(world, "spring", world.events(row, 100, 9)))
    clear = str(measured(world, "spring", world.events(row, 900, 9)))

    assert "it cannot be told: between" in vague
    assert "a holdout of 20% of as many people finds a lift of +" in vague
    assert "of as many people" not in clear


def test_revenue_is_whole(world: World) -> None:
    """No amount is cut off: the means are of everything that was spent."""
    row = world.campaign("spring", 4_000, holdout=0.3)
    yuan = [10.0] * 59 + [1_000_000.0] + [10.0] * 20
    effect = one(measured(world, "spring", world.events(row, 60, 20, yuan=yuan), amount="yuan"), "revenue")

    assert effect.treated_total == 59 * 10 + 1_000_000


def test_harm_is_told_as_such(world: World) -> None:
    """Fewer conversions are fewer, in the sentence, and have no price."""
    row = world.campaign("spring", 4_000, holdout=0.3)
    found = measured(world, "spring", world.events(row, 60, 150))

    assert "fewer conversions than without the message" in str(found)
    low, high = one(found).incremental_low or 0, one(found).incremental_high or 0
    assert f"(95%: {-high:,.0f} to {-low:,.0f})" in str(found)
    assert one(found).cost_per_incremental is None


def test_less_money_is_told_as_such(world: World) -> None:
    """Less is less, in words; between less and more both ends say which they are."""
    row = world.campaign("spring", 4_000, holdout=0.3)
    less = measured(
        world, "spring", world.events(row, 60, 150, yuan=[10.0 + n % 3 for n in range(210)]), amount="yuan"
    )
    open_ = measured(
        world, "spring", world.events(row, 60, 27, yuan=[10.0 + n % 3 for n in range(87)]), amount="yuan"
    )
    words = str(open_).splitlines()[2]

    assert re.search(r"revenue: about ¥[\d,.]+ less than without the message \(95%: ¥[\d,.]+ to ¥", str(less))
    assert re.search(r"it cannot be told: between ¥[\d,.]+ less and ¥[\d,.]+ more", words)


def test_the_course_of_time_is_on_the_campaigns_clock(world: World) -> None:
    """Days begin with the window, on its clock, as the sentence above them says."""
    row = world.campaign("spring", 4_000, holdout=0.3)
    found = measured(world, "spring", world.events(row, 60, 20), at=OPEN)

    assert found.window is not None
    assert found.days[0].at == found.window.starts_at
    assert {day.at[-6:] for day in found.days} == {"+08:00"}


def test_times_of_all_kinds(world: World) -> None:
    """With and without zone, of warehouses in UTC and of shops; a date is its midnight."""
    row = world.campaign("spring", 400, holdout=0.3)
    treated, held = world.arms(row)
    late = datetime.fromtimestamp(BEGUN + 14 * DAY - 60, UTC)
    who = treated[:6] + held[:6]

    def used(when: str, **asked: Any) -> int:
        return measured(world, "spring", world.table(user_id=who, at=[when] * 12), **asked).outcomes.used

    assert used(late.isoformat()) == 12
    assert used(late.replace(tzinfo=None).isoformat(" "), timezone="UTC") == 12
    assert used((late.replace(tzinfo=None)).isoformat(" ")) == 12  # eight hours earlier in Shanghai
    assert used("2026年11月3日 9:05") == 12
    assert used("2026-11-03") == 12
    assert used("20261116 23:30") == 0
