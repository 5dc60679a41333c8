"""What a holdout could show beforehand, as published and by statsmodels; experiments and their arms."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import smskit
from smskit.errors import InputError
from smskit.notebook.send_model import SendModel
from smskit.planning.draft import Draft
from smskit.planning.experiment import demand_alike, try_another
from smskit.planning.power import power_of, power_words, smallest_difference
from smskit.planning.spec import CampaignSpec

# Smallest relative lift in percent found in 80 % of cases, by people, base rate and share held back.
TABLE = {
    (20_000, 0.005): (355, 190, 124, 86),
    (20_000, 0.02): (134, 78, 53, 38),
    (100_000, 0.005): (119, 69, 48, 34),
    (100_000, 0.02): (51, 31, 22, 16),
    (1_000_000, 0.005): (31, 19, 14, 10),
    (1_000_000, 0.02): (15, 9, 7, 5),
}


@pytest.mark.parametrize(("people", "rate"), TABLE)
def test_table(people: int, rate: float) -> None:
    """What docs/measuring.md shows people first."""
    lifts = []
    for share in (0.02, 0.05, 0.1, 0.2):
        held = round(people * share)
        found = smallest_difference(people - held, held, rate)
        assert found is not None
        lifts.append(round(100 * found / rate))

    assert tuple(lifts) == TABLE[people, rate]


@pytest.mark.parametrize(("treated", "held"), [(19_000, 1_000), (500, 500), (90_000, 10_000)])
def test_as_statsmodels_has_it(treated: int, held: int) -> None:
    """The power at the difference found is the one that was asked for."""
    from statsmodels.stats.proportion import power_proportions_2indep

    found = smallest_difference(treated, held, 0.02)
    assert found is not None
    reference = power_proportions_2indep(found, 0.02, treated, ratio=held / treated)

    assert reference.power == pytest.approx(0.8, abs=1e-6)


def test_nothing_could_be_shown() -> None:
    """Of a handful of people no lift is large enough, and that is said."""
    assert smallest_difference(3, 1, 0.3) is None
    assert power_words(100, 0) is None
    assert power_words(0, 100) is None
    assert "∞" in str(power_words(3, 1))
    with pytest.raises(InputError, match="between 0 and 1"):
        power_of(100, 5, 0.05, 2)


def test_choices() -> None:
    """Larger shares find smaller lifts; what each one forgoes stands beside it."""
    found = power_of(100_000, 5_000, 0.05, 0.005)
    lifts = [choice.smallest_relative for choice in found.choices]

    assert [choice.holdout for choice in found.choices][::9] == [0.01, 0.5]
    assert lifts == sorted(lifts, key=lambda lift: -(lift or 0))
    assert found.smallest_relative == pytest.approx(0.69, abs=0.005)
    own = next(choice for choice in found.choices if choice.holdout == 0.05)
    assert own.forgone == pytest.approx(5_000 * (found.smallest_difference or 0))
    assert list(json.loads(json.dumps(found.to_data()))) == [
        *("people", "holdout", "treated_people", "holdout_people", "base_rate", "power", "level"),
        *("smallest_difference", "smallest_relative", "choices"),
    ]


PEOPLE = pd.DataFrame(
    {
        "user_id": [f"u{n}" for n in range(400)],
        "phone": [f"138{n:08d}" for n in range(400)],
        "level": ["gold", "silver"] * 200,
    }
)
HELLO = {"campaign": "hello", "signature": "GrowingIO", "template": "大家好，拒收请回复R"}


def test_a_plan_says_it() -> None:
    """Whenever there is a holdout, in one line; without one nothing."""
    with_one = smskit.open_campaign(HELLO, frame=PEOPLE, holdout=0.2).plan()
    without = smskit.open_campaign(HELLO, frame=PEOPLE).plan()

    assert sum("shows a lift of" in notice for notice in with_one.notices) == 1
    assert not any("shows a lift of" in notice for notice in without.notices)


# -- experiments ---------------------------------------------------------------------------


def test_arms_part_the_people() -> None:
    """Two campaigns made of one: nobody is planned or kept back in both, and nobody in neither."""
    spec = CampaignSpec(**HELLO, segment="memory", holdout=0.2)
    both = try_another(spec, {"template": "你好，拒收请回复R"})
    plans = [smskit.open_campaign(one, frame=PEOPLE).plan() for one in both]
    inside = [
        {p for p, r in zip(plan.persons.to_pylist(), plan.reasons, strict=True) if r != 15} for plan in plans
    ]

    assert [one.campaign for one in both] == ["hello-a", "hello-b"]
    assert [one.template[:2] for one in both] == ["大家", "你好"]
    assert {one.series_name for one in both} == {"hello"}
    assert inside[0] & inside[1] == set()
    assert len(inside[0] | inside[1]) == 400
    assert all(plan.excluded["other_arm"] > 150 for plan in plans)


@pytest.mark.parametrize(
    "change",
    [
        {"rules": {"column": "level", "op": "==", "value": "gold"}},
        {"frequency_cap": "1/7d"},
        {"holdout": 0.5},
    ],
)
def test_arms_are_alike(change: dict[str, object]) -> None:
    """Arms that differ in rules, caps or holdouts are refused, made here or by hand."""
    spec = CampaignSpec(**HELLO, segment="people.csv", holdout=0.2)

    with pytest.raises(InputError, match=next(iter(change))):
        try_another(spec, change)
    with pytest.raises(InputError, match="series"):
        demand_alike(spec, spec.model_copy(update={"campaign": "other"}))


def test_arms_of_two_providers_leave_out_the_same_people() -> None:
    """Aliyun carries no ★, Yunpian does: nobody with one is in either arm, nor without `fits` in Aliyun's."""
    text = {**HELLO, "template": "{name}你好，拒收请回复R", "variables": {"name": "name"}}
    frame = PEOPLE.assign(name=["★" if n % 4 == 0 else "李雷" for n in range(len(PEOPLE))])
    spec = CampaignSpec(**text, segment="memory", holdout=0.2)
    both = try_another(spec, {"provider": "aliyun", "template_id": "SMS_1"})
    plans = [smskit.open_campaign(one, frame=frame).plan() for one in both]
    forgotten = smskit.open_campaign(both[0].model_copy(update={"fits": []}), frame=frame).plan()

    assert [one.fits for one in both] == [["yunpian", "aliyun"]] * 2
    assert [plan.excluded["bad_variable"] for plan in plans] == [len(frame) // 4] * 2
    assert "bad_variable" not in forgotten.excluded
    with_unknown = smskit.open_campaign(spec.model_copy(update={"fits": ["yunpain"]}), frame=frame)
    with pytest.raises(InputError, match=r"^`fits`: unknown provider `yunpain`.*did you mean `yunpian`"):
        with_unknown.plan()


def test_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two parameter files read back as they were made; neither is written over."""
    monkeypatch.chdir(tmp_path)
    spec = CampaignSpec(**HELLO, segment="people.csv", holdout=0.2, keep="level, city")
    model = SendModel(Draft(spec.to_data()))
    one, other = model.try_another({"provider": "aliyun"})
    read = [CampaignSpec.from_yaml(file) for file in (one, other)]

    assert [r.arm and (r.arm["from"], r.arm["to"]) for r in read] == [(0.0, 0.5), (0.5, 1.0)]
    assert [r.provider for r in read] == ["yunpian", "aliyun"]
    assert read[0].keep == ["level", "city"]
    with pytest.raises(InputError, match="is there already"):
        model.try_another({"provider": "aliyun"})
    with pytest.raises(InputError, match=f"is an arm of experiment `{spec.campaign}`"):
        try_another(read[0], {"provider": "aliyun"})
    with pytest.raises(InputError, match="say what the other half"):
        try_another(spec, {})


@pytest.mark.parametrize(
    "arm",
    [
        {"experiment": "e", "name": "a", "from": 0.5, "to": 0.5},
        {"experiment": "e", "name": "a", "from": 0, "to": 1.5},
        {"experiment": "", "name": "a", "from": 0, "to": 1},
        {"experiment": "e", "name": "a", "from": "x", "to": 1},
        {"experiment": "e", "from": 0, "to": 1},
    ],
)
def test_what_is_no_arm(arm: dict[str, object]) -> None:
    """Names and a stretch of 0 to 1."""
    with pytest.raises(InputError, match="must read like"):
        CampaignSpec(**HELLO, segment="people.csv", arm=arm)
