"""The hostile segment: every row ends where it should, and nothing ugly reaches anybody."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from smskit import report
from smskit.models import Mode
from smskit.phones import normalise
from smskit.segment import load
from smskit.simulator import Simulator
from tests import live
from tests.conftest import ROOT

MESSY = ROOT / "sample_segments" / "messy.csv"
ARTEFACT = re.compile(
    r"\bnan\b|\bNaN\b|\bNone\b|\bnull\b|<NA>|NaT|\d\.0(?!\d)|[{}]name|#name#|\$\{|\{\d\}|\{coupon|#coupon#"
)


@pytest.mark.parametrize(
    "way", [pytest.param(live.SINGLES, id="yunpian-singles"), pytest.param(live.MULTI, id="yunpian-multi")]
)
def test_every_row_ends_where_it_should(simulator: Simulator, tmp_path: Path, way: live.Way) -> None:
    """Reasons are right row by row, the books balance, and the simulator got the texts of the plan byte for byte."""
    live.approve(simulator, way)
    environ = way.environ(simulator.url, tmp_path)
    campaign = live.campaign(live.data(way, MESSY, consent="consent"), environ)
    opted_out = normalise(load(str(MESSY.parent / "opt_out.csv"))["phone"]).e164
    campaign.ledger.add_opt_outs(opted_out.tolist(), source="test")
    wanted = load(str(MESSY))["expected"]
    plan = campaign.plan()
    outcome = campaign.send()
    row = campaign.ledger.campaign("live-1", Mode.LIVE)
    assert row is not None
    told = pd.concat(report.messages(campaign.ledger, row, reveal=True))
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
    assert {text.count("【") for text in accepted.values()} == {1}
