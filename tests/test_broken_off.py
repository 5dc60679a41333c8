"""A server that breaks off, at each statement of a live run in turn: nobody twice, nobody lost."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from smskit.ledger import Ledger
from smskit.models import Mode
from smskit.simulator import FaultPlan, Simulator
from tests import live

PEOPLE = 10
APART = 25  # statements; more than any transaction has


@contextmanager
def breaking(first: int) -> Iterator[list[str]]:
    """Lose the connection before statement *first* from now on, and each `APART` later; yields them."""
    numbers = itertools.count()
    lost: list[str] = []

    def cut(conn: sa.Connection, cursor: Any, statement: str, *_: Any) -> None:
        if next(numbers) % APART == first:
            lost.append(statement)
            conn.connection.dbapi_connection.close()  # type: ignore[union-attr]

    sa.event.listen(sa.Engine, "before_cursor_execute", cut)
    try:
        yield lost
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", cut)


@pytest.mark.long
def test_wherever_it_breaks_off_a_run_goes_on(
    simulator: Simulator, tmp_path: Path, database_url: str
) -> None:
    """Planning, freezing, joining, a canary, sending and ending: each statement is lost once."""
    receipts = {"delay_s": [0, 0]}
    simulator.world.set_faults(FaultPlan.model_validate({"seed": 1, "receipts": receipts}))
    live.approve(simulator, live.MULTI, **live.SAME_TEXT_AGAIN)
    environ = live.MULTI.environ(simulator.url, tmp_path, database_url)
    Ledger(database_url).close()
    lost: list[str] = []
    for n in range(APART):
        segment = live.segment(tmp_path / f"{n}.csv", PEOPLE, first=13800100000 + n * PEOPLE)
        more = {"campaign": f"live-{n}", "canary": 0.5, "canary_wait": "0s"}
        parameters = live.data(live.MULTI, segment, **more)
        with breaking(n) as found:
            outcome = live.send(parameters, environ)
        lost += found

        assert (outcome.state, outcome.books.accepted + outcome.books.delivered) == ("finished", PEOPLE)
        assert simulator.world.accepted() == (n + 1) * PEOPLE
    ledger = Ledger(database_url)
    states = {row.state for row in ledger.campaigns.find(mode=Mode.LIVE)}
    runs = {(row.state, row.exit_code) for row in ledger.runs.find()}
    ledger.close()

    assert states == {"finished"}
    assert runs == {("finished", 0)}
    assert simulator.world.doubled() == []
    assert len(set(lost)) > 25
