"""``smskit.planning.drift``: what is unlike a series' earlier runs, what is not, and runs it stops."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from smskit.errors import GuardRefused
from smskit.models import Mode
from smskit.planning.drift import EXCLUSIONS, LEAST_RUNS, LOOKED_AT, Footprint, drifted
from smskit.simulator import Simulator
from tests import live
from tests.test_campaign import Desk, desk, people  # noqa: F401 - a fixture
from tests.test_notebooks import Desk as Scheduler

USUAL: dict[str, Any] = {
    "segment": 1000,
    "read": 2000,
    "planned": 900,
    "excluded": {"bad_phone": 50, "holdout": 50},
    "coverage": {"phone": 0.95, "name": 1.0, "gift": 0.3, "rare": 0.05},
    "template": "【云片】您好{name}，回T退订",
}


def run(at: float = 0.0, template_id: str = "77", provider: str = "yunpian", **more: Any) -> Footprint:
    return Footprint.of(f"weekly-{at:g}", USUAL | more, provider=provider, template_id=template_id, at=at)


PAST = [run(at, read=n) for at, n in enumerate((1990, 2000, 2010))]


# -- the rule, case by case ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "words"),
    [
        pytest.param({}, [], id="as-usual"),
        pytest.param({"read": 1000}, [], id="just-half"),
        pytest.param({"read": 4000}, [], id="just-twice"),
        pytest.param({"read": 999}, ["999 rows of the segment, less than 1/2 of 2000"], id="less-than-half"),
        pytest.param(
            {"read": 4001}, ["4001 rows of the segment, more than 2 times 2000"], id="more-than-twice"
        ),
        pytest.param(
            {"segment": 300, "planned": 250},
            ["300 rows that pass the rules, less than 1/2 of 1000", "250 people to be reached"],
            id="the-rules-keep-less",
        ),
        pytest.param({"planned": 0}, ["0 people to be reached"], id="nobody"),
        pytest.param(
            {"planned": 100, "excluded": {"bad_phone": 50, "holdout": 50, "frequency_cap": 800}},
            [],
            id="capped",
        ),
        pytest.param({"coverage": USUAL["coverage"] | {"name": 0.5}}, [], id="just-half-of-the-values"),
        pytest.param(
            {"coverage": USUAL["coverage"] | {"name": 0.49}},
            ["49.0% of the rows have a good `name`, 100.0% is the median of 3 runs"],
            id="a-column-lost-its-values",
        ),
        pytest.param(
            {"coverage": USUAL["coverage"] | {"gift": 0.14}}, ["14.0%"], id="a-half-empty-column-too"
        ),
        pytest.param({"coverage": USUAL["coverage"] | {"rare": 0.0}}, [], id="was-nearly-empty"),
        pytest.param({"coverage": {"new": 0.01}}, [], id="a-column-without-a-past"),
        pytest.param(
            {"excluded": {"bad_phone": 151}},
            ["15.1% of the rows are left out for bad_phone, 5.0%"],
            id="bad-phones",
        ),
        pytest.param({"excluded": {"bad_phone": 140}}, [], id="not-a-tenth-more"),
        pytest.param(
            {"excluded": {"missing_variable": 100}}, ["10.0%", "missing_variable"], id="a-new-reason"
        ),
        pytest.param(
            {"excluded": {"holdout": 900, "already_sent": 900}}, [], id="reasons-of-other-campaigns"
        ),
        pytest.param(
            {"template": "【云片】再见{name}，回T退订"},
            ["template 77 changed: in weekly-2 it was", "再见"],
            id="text",
        ),
        pytest.param({"template": "再见", "template_id": "78"}, [], id="another-template"),
        pytest.param({"template": "再见", "provider": "aliyun"}, [], id="another-provider"),
        pytest.param({"template": "再见", "template_id": ""}, [], id="a-text-of-ours"),
    ],
)
def test_the_rule(now: dict[str, Any], words: list[str]) -> None:
    """Each finding says what changed, with the numbers; what is within the rule is not told."""
    found = drifted(run(9, **now), PAST, factor=2)

    assert len(found) == 0 if not words else found, found
    assert [word for word in words if word not in "; ".join(found)] == []


def test_small_segments_may_vary() -> None:
    """A segment of a handful is not refused for being another handful."""
    past = [run(n, segment=5, read=5, planned=5, excluded={}) for n in range(4)]

    assert drifted(run(9, segment=24, read=24, planned=24, excluded={}), past, factor=2) == []
    assert len(drifted(run(9, segment=25, read=25, planned=25, excluded={}), past, factor=2)) == 3


def test_the_factor_is_a_choice() -> None:
    """A larger factor lets more go."""
    now = run(9, read=6500)

    assert len(drifted(now, PAST, factor=2)) == 1
    assert drifted(now, PAST, factor=4) == []


def test_too_few_runs_say_nothing_but_of_the_text() -> None:
    """Sizes wait for the third run; a template's text is compared with the last one, even if it is alone."""
    now = run(9, read=1, template="再见")

    assert len(drifted(now, PAST[: LEAST_RUNS - 1], factor=2)) == 1
    assert "`【云片】您好{name}，回T退订`" in drifted(now, PAST[:1], factor=2)[0]
    assert len(drifted(now, PAST, factor=2)) == 2


def test_what_was_let_go_becomes_usual() -> None:
    """Only the last runs count, so a lasting change is refused no more once it is the rule."""
    grown = [run(10 + n, read=9000) for n in range(LOOKED_AT // 2 + 1)]

    assert drifted(run(99, read=9000), [*PAST, *grown[:1]], factor=2)
    assert drifted(run(99, read=9000), [*PAST, *[run(n) for n in range(3, 9)], *grown], factor=2) == []


# -- whatever the figures are -----------------------------------------------------------------------------


SHARES = st.floats(0, 1)
RUNS = st.builds(
    Footprint,
    name=st.text("abc", max_size=2),
    at=st.floats(0, 10),
    counts=st.dictionaries(st.sampled_from(["rows", "people"]), st.integers(0, 10**6)),
    coverage=st.dictionaries(st.sampled_from("xyz"), SHARES),
    excluded=st.dictionaries(st.sampled_from(EXCLUSIONS), SHARES),
    template_id=st.sampled_from(["", "77"]),
    template=st.sampled_from(["a", "b"]),
)
FACTORS = st.floats(1.01, 100)


@given(RUNS, FACTORS)
def test_without_a_past_nothing_is_told(now: Footprint, factor: float) -> None:
    """A first run is never stopped."""
    assert drifted(now, [], factor=factor) == []


@given(RUNS, st.integers(1, 12), FACTORS)
def test_the_same_again_is_no_drift(now: Footprint, runs: int, factor: float) -> None:
    """A run like all before it is never stopped."""
    assert drifted(now, [replace(now, at=float(n)) for n in range(runs)], factor=factor) == []


@given(RUNS, st.lists(RUNS, max_size=12, unique_by=lambda r: (r.at, r.name)), FACTORS, st.randoms())
def test_order_does_not_matter(now: Footprint, past: list[Footprint], factor: float, dice: Any) -> None:
    """However the ledger hands out the past, the answer is the same."""
    shuffled = list(past)
    dice.shuffle(shuffled)

    assert drifted(now, shuffled, factor=factor) == drifted(now, past, factor=factor)


@given(RUNS, st.lists(RUNS, max_size=12), FACTORS, FACTORS)
def test_a_larger_factor_tells_less(now: Footprint, past: list[Footprint], one: float, other: float) -> None:
    """What passes a factor passes every larger one."""
    low, high = sorted((one, other))

    assert len(drifted(now, past, factor=high)) <= len(drifted(now, past, factor=low))


# -- runs --------------------------------------------------------------------------------------------------


def weekly(week: int) -> dict[str, str]:
    """An occurrence of the series `weekly`."""
    return {"campaign": f"weekly-2026-W{week}", "series": "weekly"}


def series(desk: Desk, *sizes: int, **more: Any) -> None:  # noqa: F811
    """Weekly runs that went through."""
    for week, size in enumerate(sizes, 10):
        desk.campaign(size, **weekly(week), **more).send()


def test_a_run_far_from_usual_is_refused(desk: Desk) -> None:  # noqa: F811
    """Nothing is frozen or sent and it says what changed; `drift: allow` lets it go and writes it down."""
    series(desk, 30, 31, 32)
    sent = len(desk.sent())
    with pytest.raises(
        GuardRefused, match=r"100 rows of the segment, more than 2 times 31.*`drift: allow"
    ) as caught:
        desk.campaign(100, **weekly(13)).send()

    assert caught.value.exit_code == 3
    assert len(desk.sent()) == sent
    assert desk.ledger.campaigns.get("weekly-2026-W13", Mode.LIVE) is None
    desk.campaign(100, **weekly(13), drift="allow").send()
    assert len(desk.sent()) == sent + 100
    assert "100 rows of the segment" in "".join(desk.row("weekly-2026-W13").summary["notices"])


def test_only_finished_runs_of_the_series_and_mode_count(desk: Desk) -> None:  # noqa: F811
    """Another series and a rehearsal are no past; a plan is compared with live runs."""
    series(desk, 30, 30)
    desk.campaign(30, **weekly(12), mode="rehearse").send()
    desk.campaign(30, campaign="monthly-2026-03", series="monthly").send()

    assert desk.campaign(100, **weekly(13), mode="plan").guards() == []
    desk.campaign(30, **weekly(14)).send()
    assert len(desk.campaign(100, **weekly(13), mode="plan").guards()) == 1
    assert desk.campaign(100, campaign="weekly").guards() != []
    assert desk.campaign(100, campaign="weekly-2026-W13").guards() == []
    assert desk.campaign(100, campaign="daily-2026-W13", series="daily").guards() == []


def test_a_default_does_not_hide_that_values_are_gone(desk: Desk) -> None:  # noqa: F811
    """A column that lost its values is told although a fallback would fill them in."""
    bound = {"name": {"column": "name", "default": "您"}, "coupon": "coupon"}
    series(desk, 30, 30, 30, variables=bound)
    empty = people(30)
    empty["name"] = pd.Series([None] * 20 + ["王"] * 10, dtype="str")
    found = desk.campaign(empty, **weekly(13), variables=bound).guards()

    assert len(found) == 1
    assert "33.3% of the rows have a good `name`, 100.0% is the median of 3 runs" in found[0].text
    assert found[0].unless == ("drift", "allow")


def test_a_text_changed_at_the_provider(desk: Desk) -> None:  # noqa: F811
    """The text is fetched by its id; when it says something else than last week, the run stops."""
    fetched = {"template": "", "template_id": "77"}
    series(desk, 30, **fetched)
    desk.register("【GrowingIO】#name#，涨价了，#coupon#元。拒收请回复R")
    with pytest.raises(GuardRefused, match=r"template 77 changed: in weekly-2026-W10 it was .*恭喜.*涨"):
        desk.campaign(30, **weekly(11), **fetched).send()


def test_a_scheduled_run_fails(simulator: Simulator, tmp_path: Path) -> None:
    """In the notebook the odd week fails its cell with the numbers; nothing is sent until it is allowed."""
    desk = Scheduler(tmp_path, simulator)  # noqa: F811
    for week in (44, 45, 46):
        live.send(desk.parameters(**weekly(week)), desk.environ)
    before = simulator.world.accepted()
    live.segment(desk.source, 90)
    parameters = desk.parameters(**weekly(47))
    with pytest.raises(GuardRefused, match="90 rows of the segment, more than 2 times 30"):
        desk.cells(parameters)
    sent_by_refused = simulator.world.accepted() - before
    (tmp_path / "week.yaml").write_text(yaml.safe_dump(parameters), encoding="utf-8")
    planned = json.loads(desk.smskit("plan", str(tmp_path / "week.yaml"), "--json").stdout)
    desk.cells(parameters | {"drift": "allow"})

    assert sent_by_refused == 0
    assert any("not as usual" in guard for guard in planned["guards"])
    assert simulator.world.accepted() - before == 90
