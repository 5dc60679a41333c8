"""What is looked at before sending: the right rows, and figures that agree with counting text by text."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smskit.errors import InputError
from smskit.message.parts import parts_of, units_of
from smskit.planning.plan import ProviderLimits
from smskit.planning.preview import (
    Sample,
    bubbles,
    find,
    just_over,
    left_out,
    masked,
    part_counts,
    rows_of,
    savings,
    units_over,
    waterfall,
)
from tests.test_plan import people, planned

# Names that bring the text of `test_plan.TEMPLATE` near one, two and three parts, with and without emoji.
NAMES = st.lists(
    st.one_of(st.integers(1, 160).map("好".__mul__), st.text("好a😀", min_size=1, max_size=120)), max_size=12
)


def messy() -> pd.DataFrame:
    """Five good rows, then one without a phone, a copy of the first, and one without a name."""
    frame = people(8)
    frame.loc[5, "phone"] = ""
    frame.loc[6, "phone"] = frame.loc[0, "phone"]
    frame.loc[7, "name"] = ""
    return frame


@given(names=NAMES, appended=st.sampled_from(["", "回T退订"]))
def test_parts_are_those_of_each_text(names: list[str], appended: str) -> None:
    """Messages and cost by parts are what counting each rendered text by itself gives."""
    plan = planned(
        people(len(names), name=names), fit=ProviderLimits(appended=appended), price_per_part="0.035"
    )
    texts = [str(t) + appended for t in plan.texts(plan.order).to_pylist()]
    counts = part_counts(plan).set_index("parts")

    assert counts["messages"].to_dict() == {
        n: sum(parts_of(t) == n for t in texts) for n in sorted({parts_of(t) for t in texts})
    }
    assert sum(counts["cost"], Decimal(0)) == plan.cost
    assert plan.units[plan.order].tolist() == [units_of(t) for t in texts]


@given(names=NAMES)
def test_savings_are_those_of_shorter_texts(names: list[str]) -> None:
    """What a text shorter by n characters saves is what cutting n characters off each text saves."""
    plan = planned(people(len(names), name=names))
    lengths = [units_of(str(t)) for t in plan.texts(plan.order).to_pylist()]
    by_length = savings(plan, most=12).set_index("shorter")
    saved = {
        n: sum(parts_of("x" * length) - parts_of("x" * (length - n)) for length in lengths) for n in range(13)
    }

    assert by_length["parts"].to_dict() == {n: k for n, k in saved.items() if n and k > saved[n - 1]}
    assert (by_length["messages"] <= len(lengths)).all()


@given(st.integers(1, 600))
def test_over_is_the_least_cut_that_saves_a_part(length: int) -> None:
    """Taking out exactly so many characters saves a part, and one fewer does not."""
    (over,) = units_over(np.array([length])).tolist()

    if parts_of("x" * length) == 1:
        assert over == 0
    else:
        assert parts_of("x" * (length - over)) == parts_of("x" * length) - 1
        assert parts_of("x" * (length - over + 1)) == parts_of("x" * length)


def test_rows_to_look_at() -> None:
    """First, longest and problem rows are those; random ones are planned, and the same for the same draw."""
    frame = messy()
    frame.loc[3, "name"] = "很长的名字" * 20
    plan = planned(frame)
    random = [rows_of(plan, Sample.RANDOM, count=3, draw=draw).tolist() for draw in (1, 1, 2, 3, 4)]

    assert rows_of(plan, Sample.FIRST, count=2).tolist() == [0, 1]
    assert rows_of(plan, Sample.LONGEST, count=2).tolist()[0] == 3
    assert rows_of(plan, Sample.PROBLEM).tolist() == [5, 6, 7]
    assert random[0] == random[1]
    assert len({tuple(r) for r in random}) > 1
    assert {row for rows in random for row in rows} <= set(range(5))
    assert just_over(plan, 500).tolist() == [3]


def test_nobody_to_look_at() -> None:
    """A plan of nobody has no rows, no parts and nothing to save, and no error either."""
    plan = planned(people(0))

    assert [len(rows_of(plan, look)) for look in Sample] == [0, 0, 0, 0]
    assert (len(part_counts(plan)), len(savings(plan)), len(just_over(plan, 9))) == (0, 0, 0)
    assert bubbles(plan, rows_of(plan, Sample.FIRST)) == []
    assert [fall.key for fall in waterfall(plan)] == ["read", "planned"]


def test_bubbles_say_what_is_sent_and_mask_phones() -> None:
    """A bubble holds the whole text, the masked phone and its length; a row left out has its reason."""
    plan = planned(messy())
    first, without = bubbles(plan, np.array([0, 7]))

    assert first.text == plan.texts(np.array([0])).to_pylist()[0]
    assert (first.units, first.parts, first.over, first.reason) == (units_of(first.text), 1, 0, "")
    assert "****" in first.phone
    assert (without.text, without.parts, without.reason) == ("", 0, "missing_variable")


def test_find_a_person() -> None:
    """A person is found by user id, and by phone in any usual form; the phone is not repeated when not."""
    frame = people(4)
    plan = planned(frame)
    phone = str(frame.loc[2, "phone"])

    assert find(plan, f" {frame.loc[1, 'user_id']} ").tolist() == [1]
    assert find(plan, f"+86 {phone[:3]}-{phone[3:]}").tolist() == [2]
    with pytest.raises(InputError) as error:
        find(plan, "13900001234")
    assert "139****1234" in str(error.value)
    assert "13900001234" not in str(error.value)


def test_somebody_a_rule_left_out_is_not_denied() -> None:
    """By user id and by phone the rule and the value are told; whoever is nowhere is said to be so."""
    frame = people(3).assign(level=["gold", "tin", None])
    plan = planned(frame, rules={"column": "level", "op": "==", "value": "gold"})
    who, phone = str(frame.loc[1, "user_id"]), str(frame.loc[1, "phone"])
    shown = f"{phone[:3]}****{phone[-4:]}"

    for asked, name in ((f" {who} ", who), (phone, shown)):
        with pytest.raises(InputError) as error:
            find(plan, asked)
        assert str(error.value) == f'{name}: ruled out by rule 1 (`level` is "gold"): `level` is "tin"'
    with pytest.raises(InputError, match="nobody is not in the segment's file"):
        find(plan, "nobody")


def test_falls_lead_to_their_rows() -> None:
    """Each step of the waterfall counts what it left out, and its rows are exactly those."""
    plan = planned(messy(), rules=[{"column": "name", "op": "!=", "value": "x"}])
    steps = waterfall(plan)
    rows = {step.key: left_out(plan, step.key) for step in steps}
    named = [step for step in steps if step.key in plan.excluded]

    assert [step.key.split(":")[0] for step in steps][:2] == ["read", "rule"]
    assert {step.key: step.left_out for step in named} == plan.excluded
    assert [len(rows[step.key]) for step in named] == [step.left_out for step in named]
    assert all((rows[step.key]["reason"] == step.key).all() for step in named)
    assert len(rows["planned"]) == plan.planned == steps[-1].left


def test_masked_rows() -> None:
    """A phone in the phone column and anywhere else is masked; a missing cell is empty."""
    shown = masked(
        pd.DataFrame({"phone": ["13800138000", "x"], "note": ["call 13800138001", None], "n": [1, 2]}),
        phone="phone",
    )

    assert shown["phone"].tolist()[0] == "138****8000"
    assert shown["note"].tolist() == ["call 138****8001", ""]
