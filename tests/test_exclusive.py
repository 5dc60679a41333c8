"""Lost answers, reports with and without our reference: nobody settled wrongly, nobody sent to twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from smskit.cli.commands import app
from smskit.ledger import Ledger
from smskit.models import Mode, Receipt
from smskit.providers.chuanglan.client import Chuanglan
from smskit.sending.receipts import Fetched, fetch
from smskit.settings import Environment
from smskit.simulator import FaultPlan, Simulator
from tests import live

PEOPLE = 3


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


def collected(environ: dict[str, str], ledger: Ledger, done: Any, longest_s: float) -> Fetched:
    """Fetched until it is *done*, for at most *longest_s* seconds."""
    row = ledger.campaigns.get("live-1", Mode.LIVE)
    assert row is not None
    until = time.monotonic() + longest_s
    while True:
        fetched = fetch(ledger, [row], environment=Environment(environ))
        if done(fetched) or time.monotonic() > until:
            return fetched
        time.sleep(0.1)


@pytest.mark.parametrize("exclusive", [True, False], ids=["exclusive", "shared"])
@pytest.mark.parametrize("after", [True, False], ids=["after-acceptance", "before-acceptance"])
@pytest.mark.parametrize("named", [True, False], ids=["reference", "no-reference"])
@pytest.mark.parametrize("name", ["yunpian-singles", "aliyun", "chuanglan", "tencent"])
def test_a_lost_answer(
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    named: bool,
    after: bool,
    exclusive: bool,
) -> None:
    """What was taken is settled by its reference or record; else by its report alone, or a person's word."""
    way = live.WAYS[name]
    if not named:
        parse = Chuanglan.parse_receipts

        def without(self: Chuanglan, body: bytes) -> list[Receipt]:
            return [receipt._replace(reference="") for receipt in parse(self, body)]

        monkeypatch.setattr(Chuanglan, "parse_receipts", without)  # the simulator always echoes there
    lost = {"kind": f"drop_{'after' if after else 'before'}_accept", "count": 1}
    plan = {"seed": 1, "faults": [lost], "receipts": {"delay_s": [0, 0]}}
    simulator.world.set_faults(FaultPlan.model_validate(plan))
    live.approve(simulator, way, echo_uid=named)
    environ = way.environ(simulator.url, tmp_path)
    environ |= {f"SMSKIT_{way.provider.upper()}_EXCLUSIVE": str(exclusive).lower()}
    parameters = live.data(way, live.segment(tmp_path / "segment.csv", PEOPLE))
    unknown = live.send(parameters, environ).books.unknown
    ledger = Ledger(environ["SMSKIT_DATABASE_URL"])
    by_record = way.provider in ("yunpian", "aliyun")  # which tell the text, or our reference for always
    by_itself = named or by_record or exclusive
    try:
        longest_s = 60 if after or by_record else 0.5
        fetched = collected(environ, ledger, lambda f: not f.unknown or f.likely == unknown, longest_s)
        books = live.books(environ)
        if after:
            assert fetched.likely == (0 if by_itself else unknown)
            assert books.unknown == (0 if by_itself else unknown)
        else:
            assert fetched.likely == 0
            assert (books.unknown, books.waiting) == ((0, unknown) if by_record else (unknown, 0))
        for key, value in environ.items():
            monkeypatch.setenv(key, value)
        shown = CliRunner().invoke(app, ["receipts", "live-1"])
        told = CliRunner().invoke(app, ["settle", "live-1", "--accept"])

        assert ("settle CAMPAIGN --accept" in shown.output) == (after and not by_itself)
        assert told.exit_code == 0, told.output
        assert live.books(environ).accepted == (PEOPLE if after else PEOPLE - unknown)
        live.send(parameters, environ)
        assert unknown > 0
        assert simulator.world.doubled() == []
    finally:
        ledger.close()
