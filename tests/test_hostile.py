"""The hostile segment: every row ends where it should, and nothing ugly reaches anybody."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from smskit.audience.phones import normalise
from smskit.audience.segment import load
from smskit.message.parts import units_of
from smskit.message.template import Template
from smskit.models import Mode
from smskit.providers import Limits
from smskit.reporting import frames
from smskit.sending.rehearsal import limits_of
from smskit.settings import Environment
from smskit.simulator import Simulator
from tests import live
from tests.conftest import ROOT

MESSY = ROOT / "sample_segments" / "messy.csv"
ARTEFACT = re.compile(
    r"\bnan\b|\bNaN\b|\bNone\b|\bnull\b|<NA>|NaT|\d\.0(?!\d)|[{}]name|#name#|\$\{|\{\d\}|\{coupon|#coupon#"
)


def expected(row: dict[str, str], limits: Limits) -> str:
    """The reason the file states, but for what this provider can and cannot carry in a value."""
    if row["expected"] not in ("planned", "text_too_long", "bad_variable"):
        return row["expected"]
    values = {"name": str(row["name"]), "coupon": str(row["coupon"])}
    pattern = f"{limits.unfit_value or '$^'}|[\x00-\x08]"  # no provider carries control characters
    unfit = pc.any(pc.match_substring_regex(pa.array(list(values.values())), pattern)).as_py()
    longest = max(map(units_of, values.values()))
    if unfit or (limits.value_units is not None and longest > limits.value_units):
        return "bad_variable"
    text = Template.parse(live.TEMPLATE, signature="GrowingIO").render(values)
    return "text_too_long" if units_of(text) > limits.text_units else "planned"


@pytest.mark.parametrize("name", live.WAYS)
def test_every_row_ends_where_it_should(simulator: Simulator, tmp_path: Path, name: str) -> None:
    """Reasons are right row by row, the books balance, and the simulator got the plan's texts exactly."""
    way = live.WAYS[name]
    live.approve(simulator, way)
    environ = way.environ(simulator.url, tmp_path)
    campaign = live.campaign(live.data(way, MESSY, consent="consent"), environ)
    opted_out = normalise(load(str(MESSY.parent / "opt_out.csv"))["phone"]).e164
    campaign.ledger.opt_outs.add(opted_out.tolist(), source="test")
    limits = limits_of(way.provider, Environment(environ))
    wanted = [expected(row, limits) for row in load(str(MESSY)).to_dict("records")]
    plan = campaign.plan()
    outcome = campaign.send()
    row = campaign.ledger.campaigns.get("live-1", Mode.LIVE)
    assert row is not None
    told = pd.concat(frames.messages(campaign.ledger, row, reveal=True))
    accepted = {
        f"+{line.phone}" if not str(line.phone).startswith("+") else line.phone: line.text
        for line in simulator.world.messages()
    }

    assert list(plan.frame()["reason"].replace("", "planned")) == list(wanted)
    assert plan.excluded == {k: v for k, v in Counter(wanted).items() if k != "planned"}
    assert len(plan) == sum(plan.excluded.values()) + outcome.books.planned
    assert (
        outcome.books.accepted
        == outcome.books.planned
        == simulator.world.accepted()
        == simulator.world.phones()
    )
    planned = told[told["state"] != "excluded"]
    assert accepted == dict(zip(planned["phone"], planned["text"], strict=True))
    names = dict(zip(planned["phone"], plan.frame(plan.order)["name"], strict=True))
    assert [t for phone, t in accepted.items() if ARTEFACT.search(t.replace(names[phone], ""))] == []
    assert not {"nan", "NaN", "None", "null", "NaT", "<NA>", ""} & set(names.values())
    if "【" in limits.unfit_value:
        assert {text.count("【") for text in accepted.values()} == {1}
