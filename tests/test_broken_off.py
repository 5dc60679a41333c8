"""A server that breaks off, at each statement of a live run in turn: nobody twice, nobody lost."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from smskit.errors import CampaignPaused, LedgerAway
from smskit.ledger import Ledger
from smskit.models import Mode
from smskit.sending.canary import Wait
from smskit.sending.engine import Ended, Engine
from smskit.simulator import FaultPlan, Simulator
from tests import live

PEOPLE = 40  # a canary has 20 at least
APART = 25  # statements; more than any transaction has


@contextmanager
def breaking(first: int, at: str = "") -> Iterator[list[str]]:
    """Lose the connection before statement *first* from now on, each `APART` later, and *at*; yields them."""
    numbers = itertools.count()
    lost: list[str] = []

    def cut(conn: sa.Connection, cursor: Any, statement: str, *_: Any) -> None:
        # None twice: what takes more statements than that, as a canary's judgement, would never be done.
        here = next(numbers) % APART == first or (at and at in statement)
        if here and statement not in lost:
            lost.append(statement)
            conn.connection.dbapi_connection.close()  # type: ignore[union-attr]

    sa.event.listen(sa.Engine, "before_cursor_execute", cut)
    try:
        yield lost
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", cut)


def test_a_canary_that_was_tried_again_can_be_stopped(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its server broke off while it was sent to: what is stopped later is the wait, not what sent then."""
    live.approve(simulator, live.MULTI)
    environ = live.MULTI.environ(simulator.url, tmp_path)
    parameters = live.data(live.MULTI, live.segment(tmp_path / "s.csv", 40), canary=0.5, canary_wait="1h")
    campaign = live.campaign(parameters, environ)
    lost: list[str] = []
    sent, waited = Engine.run, Wait.until

    async def run(engine: Engine) -> Ended:
        ended = await sent(engine)
        if not lost:
            lost.append("the last answer")
            raise LedgerAway("lost")
        return ended

    async def until(wait: Wait, due: datetime, note: str) -> str:
        campaign.run.end("stopped by hand")
        assert wait.stopped == "stopped by hand"
        return await waited(wait, due, note)

    monkeypatch.setattr(Engine, "run", run)
    monkeypatch.setattr(Wait, "until", until)
    with pytest.raises(CampaignPaused, match="the canary of 20 people was waited for: stopped by hand"):
        campaign.send()
    assert lost
    assert simulator.world.accepted() == 20


@pytest.mark.long
def test_wherever_it_breaks_off_a_run_goes_on(
    simulator: Simulator, tmp_path: Path, database_url: str
) -> None:
    """
    Planning, freezing, joining, a canary, sending and ending, then fetching: each statement is lost once.

    Reports and replies are handed out once: all come, also those that were being stored.
    """
    receipts = {"delay_s": [0, 0]}
    simulator.world.set_faults(FaultPlan.model_validate({"seed": 1, "receipts": receipts}))
    live.approve(simulator, live.MULTI, **live.SAME_TEXT_AGAIN)
    environ = live.MULTI.environ(simulator.url, tmp_path, database_url)
    Ledger(database_url).close()
    lost: list[str] = []
    fetching: list[str] = []
    for n in range(APART):
        first = 13800100000 + n * PEOPLE
        segment = live.segment(tmp_path / f"{n}.csv", PEOPLE, first=first)
        more = {"campaign": f"live-{n}", "canary": 0.5, "canary_wait": "0s"}
        parameters = live.data(live.MULTI, segment, **more)
        with breaking(n) as found:
            outcome = live.send(parameters, environ)
        lost += found

        assert (outcome.state, outcome.books.accepted) == ("finished", PEOPLE)
        assert outcome.books.delivered == PEOPLE // 2, "the canary"
        assert simulator.world.accepted() == (n + 1) * PEOPLE
        assert simulator.world.reply(str(first), "R")
        # How many statements come before a page varies: the last time one is lost by its name.
        cut = breaking(n) if n < APART - 1 else breaking(-1, at="INSERT INTO inbox")
        with cut as found, suppress(LedgerAway):
            live.campaign(parameters, environ).receipts()
        fetching += found
        live.campaign(parameters, environ).receipts()  # what was only stored
    ledger = Ledger(database_url)
    states = {row.state for row in ledger.campaigns.find(mode=Mode.LIVE)}
    books = [ledger.audience.counts(row.id) for row in ledger.campaigns.find(mode=Mode.LIVE)]
    opted_out = [phone for phone, *_ in ledger.opt_outs.rows()]
    runs = {(row.state, row.exit_code) for row in ledger.runs.find()}
    ledger.close()

    assert states == {"finished"}
    assert runs == {("finished", 0)}
    assert simulator.world.doubled() == []
    assert len(set(lost)) > 25
    assert [each.delivered for each in books] == [PEOPLE] * APART
    assert sorted(opted_out) == [8613800100000 + n * PEOPLE for n in range(APART)]
    assert any("INSERT INTO inbox" in statement for statement in fetching)
