"""``smskit.sending.reach``: whom a campaign reaches while it is chosen, against the plan made in earnest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smskit.audience.rules import parse
from smskit.errors import SegmentError
from smskit.ledger import Change, Facts, Frozen, Ledger
from smskit.models import Mode, State
from smskit.planning.spec import CampaignSpec
from smskit.sending.reach import Reaching
from smskit.sending.session import open_campaign
from smskit.settings import Environment
from tests.profiles import examples

FIRST = 8613800000000
SPEC: dict[str, Any] = {"campaign": "c", "segment": "memory", "signature": "云片", "mode": "plan"}
TEXT: dict[str, Any] = {
    "template": "你好{name}，{note}。拒收请回复R",
    "variables": {"name": "name", "note": {"column": "note", "default": "欢迎"}},
}


class Project(NamedTuple):
    """A ledger that knows people, and the settings that name it."""

    ledger: Ledger
    environment: Environment


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Two people opted out, and two were messaged by another live campaign just now."""
    url = f"sqlite:///{tmp_path_factory.mktemp('reach') / 'ledger.db'}"
    ledger = Ledger(url)
    ledger.opt_outs.add([FIRST + 1, FIRST + 7], source="by hand")
    phones = np.array([FIRST + 2, FIRST + 5], np.int64)
    row = ledger.campaigns.freeze(
        name="before",
        mode=Mode.LIVE,
        provider="yunpian",
        plan_hash="p",
        spec={},
        summary={},
        frozen=Frozen(
            phones=phones,
            persons=pa.array(["a", "b"], pa.large_string()),
            variables={},
            parts=np.ones(2, np.int16),
            excluded=pa.table({"person": pa.array([], pa.large_string())}),
            order=np.arange(2),
        ),
    )
    states = np.full(2, State.SUBMITTING, np.uint8)
    claim = Change("claim", 0, np.arange(2, dtype=np.uint16), states, Facts())
    ledger.changes.apply(row.id, [claim], token=None)  # type: ignore[arg-type]
    yield Project(ledger, Environment({"SMSKIT_DATABASE_URL": url, "SMSKIT_KEYRING": "0"}))
    ledger.close()


PHONES = ["", "12345", "+852 9123 4567", "010-12345678", *(f"1380000000{n}" for n in range(10))]
ROWS = st.tuples(
    st.sampled_from([*PHONES, "138-0000-0003", "1380000003.0"]),
    st.sampled_from(["", "无", "u1", "u2", *(f"u{n}" for n in range(3, 12))]),
    st.sampled_from([None, "张三", "李\x00四", "王&#20013;五", "长" * 40]),
    st.sampled_from([None, "x", "字" * 600]),
    st.sampled_from(["是", "否", "", "Y", "0"]),
    st.sampled_from(["gold", "silver", None]),
    st.integers(0, 5),
)
RULES = st.sampled_from(
    [
        None,
        [{"column": "level", "op": "==", "value": "gold"}],
        {"any": [{"column": "level", "op": "is_null"}, {"column": "spend", "op": ">=", "value": 3}]},
        [
            {"not": {"column": "level", "op": "==", "value": "gold"}},
            {"column": "spend", "op": "<", "value": 4},
        ],
    ]
)
CHOSEN = st.fixed_dictionaries(
    {
        "rules": RULES,
        "message_class": st.sampled_from(["marketing", "notification"]),
        "consent": st.sampled_from(["", "agreed"]),
        "user_id": st.sampled_from(["user_id", ""]),
        "frequency_cap": st.sampled_from(["", "1/24h"]),
        "holdout": st.sampled_from([0.0, 0.3]),
        "global_holdout": st.sampled_from([0.0, 0.2]),
        "provider": st.sampled_from(["yunpian", "aliyun", "tencent"]),
        "opt_out_wording": st.sampled_from(["", "add"]),
    }
)


@settings(max_examples=examples(in_ci=60))
@given(
    rows=st.lists(st.lists(ROWS, min_size=1, max_size=30), min_size=1, max_size=1),
    chosen=st.lists(CHOSEN, min_size=1, max_size=3),
)
def test_the_figures_are_those_of_the_plan(project: Project, rows: list[Any], chosen: list[Any]) -> None:
    """Whatever the rows, the rules and the parameters, reasons, people, parts and cost are the plan's."""
    names = ["phone", "user_id", "name", "note", "agreed", "level", "spend"]
    frame, reaching = pd.DataFrame(rows[0], columns=names), Reaching(lambda: project.environment)
    for more in chosen:  # one after the other: what was read for one must not serve for another
        spec = CampaignSpec.from_data(SPEC | TEXT | more)
        campaign = open_campaign(spec, frame=frame, environment=project.environment, ledger=project.ledger)
        plan = campaign.plan()
        keep = parse(spec.rules).mask(frame, now=plan.at)
        reach = reaching.reach(spec, frame, keep)

        assert {reason.label: n for reason, n in reach.excluded.items()} == plan.excluded
        assert reach.reasons[keep].tolist() == plan.reasons.tolist()
        assert (reach.kept, reach.reachable) == (len(plan), plan.planned)
        assert (reach.parts, reach.cost) == (plan.total_parts, plan.cost)
        assert [str(text) for text in reach.notices] == [text for text in plan.notices if "as copies" in text]


def test_without_a_text(project: Project) -> None:
    """Where no text is chosen, or its variables lead nowhere, a message is one part, and why is said."""
    frame = pd.DataFrame({"user_id": ["u1", "u2", "u3"], "phone": ["13800000003", "13800000004", "1"]})
    reaching, all_ = Reaching(lambda: project.environment), np.ones(3, np.bool_)
    bare = reaching.reach(CampaignSpec.from_data(SPEC), frame, all_)
    unbound = reaching.reach(CampaignSpec.from_data(SPEC | {"template": "{x}。拒收请回复R"}), frame, all_)

    assert (bare.reachable, bare.parts, str(bare.lacks)) == (2, 2, "no text is chosen yet")
    assert (unbound.reachable, unbound.parts) == (2, 2)
    assert "variables" in str(unbound.lacks)
    assert "\n" not in str(unbound.lacks)


def test_what_03_will_bind_by_itself(project: Project) -> None:
    """A variable that is not bound yet, and has a column of its name, counts as 03 then binds it."""
    people = {"user_id": ["u1", "u2", "u3"], "phone": [f"1380000000{n}" for n in (3, 4, 6)]}
    frame = pd.DataFrame(people | {"name": ["张三", None, "长" * 80]})
    reaching, all_ = Reaching(lambda: project.environment), np.ones(3, np.bool_)
    spec = SPEC | {"template": "{name}你好。拒收请回复R"}
    open_, bound = (
        reaching.reach(CampaignSpec.from_data(spec | more), frame, all_)
        for more in ({}, {"variables": {"name": "name"}})
    )

    assert open_.lacks is None
    assert (open_.reachable, open_.parts, open_.excluded) == (bound.reachable, bound.parts, bound.excluded)
    assert open_.reachable < 3


def test_without_a_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the project has no ledger nobody is known, and looking makes none."""
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SMSKIT_DATABASE_URL", raising=False)
    frame = pd.DataFrame({"user_id": ["u1"], "phone": ["13800000001"]})
    reach = Reaching(lambda: Environment(keyring=False)).reach(
        CampaignSpec.from_data(SPEC | {"mode": "rehearse"}), frame, np.ones(1, np.bool_)
    )

    assert reach.reachable == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pyproject.toml"]


def test_a_column_that_is_gone(project: Project) -> None:
    """A parameter that names no column is told, not guessed around."""
    frame = pd.DataFrame({"mobile": ["13800000001"]})
    with pytest.raises(SegmentError, match="`phone`"):
        Reaching(lambda: project.environment).reach(CampaignSpec.from_data(SPEC), frame, np.ones(1, np.bool_))


@pytest.mark.parametrize("name", ["name", "姓名", "User_Name"])
def test_copies_with_other_names_before_there_is_a_text(project: Project, name: str) -> None:
    """While no text is chosen, rows of one person that are called otherwise are told of all the same."""
    rows = [["u1", f"{FIRST + 20}", "甲"], ["u1", f"{FIRST + 20}", "乙"], ["u2", f"{FIRST + 21}", "丙"]]
    frame = pd.DataFrame(rows, columns=["user_id", "phone", name])
    reaching, spec = Reaching(lambda: project.environment), CampaignSpec.from_data(SPEC)
    all_ = reaching.reach(spec, frame, np.ones(3, np.bool_))
    one_less = reaching.reach(spec, frame, np.array([False, True, True]))

    assert [str(text).partition(" than ")[0] for text in all_.notices] == [
        f"Left out as copies, 1 row has another `{name}`"
    ]
    assert list(one_less.notices) == []
