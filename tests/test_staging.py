"""``smskit.ledger.staging``: an audience written down piece by piece counts once all of it is there."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from smskit.errors import LedgerError, LedgerLocked
from smskit.ledger import Frozen, Ledger
from smskit.ledger.schema import AUDIENCE, CAMPAIGN
from smskit.ledger.storing import First, audience_rows
from smskit.models import Mode
from tests.test_ledger import audience, freeze

PLANNED: dict[str, Any] = {
    "provider": "acme",
    "plan_hash": "q1",
    "spec": {"campaign": "c"},
    "summary": {"segment": 5},
}
# What another process does, until it is killed.
DIES = """
import os, sys
from smskit.ledger import Ledger
from tests.test_staging import PLANNED, put_half
from smskit.models import Mode
ledger = Ledger(sys.argv[1])
with ledger.staging.freeze(name="c", mode=Mode.LIVE, **PLANNED) as staged:
    put_half(staged)
    print("half", flush=True)
    sys.stdin.read()
    os._exit(9)
"""


def put_half(staged: Any) -> None:
    """Write down the first three of five people, as one chunk."""
    staged.put(audience_rows(staged.id, audience(3), size=3))


def put_other_half(staged: Any) -> None:
    """Write down the other two."""
    whole = audience(5)
    rest = type(whole)(**(vars(whole) | {"order": np.arange(3, 5)}))
    staged.put(audience_rows(staged.id, rest, size=3, first=First(people=1, excluded=1)))


def rows(ledger: Ledger) -> list[int]:
    """How many campaigns and chunks there are, sealed or not."""
    with ledger.database.read() as conn:
        count = sa.select(sa.func.count())
        return [conn.execute(count.select_from(table)).scalar_one() for table in (CAMPAIGN, AUDIENCE)]


def test_pieces_come_to_the_whole(ledger: Ledger) -> None:
    """Until it is sealed nobody sees the campaign; then it holds what one transaction would have stored."""
    with ledger.staging.freeze(name="c", mode=Mode.LIVE, **PLANNED) as staged:
        assert staged is not None
        put_half(staged)
        put_half(staged)  # a part that was made twice
        put_other_half(staged)
        seen = ledger.campaigns.find(), ledger.campaigns.get("c", Mode.LIVE)
        staged.seal(chunks=2, planned=5, mode=Mode.LIVE)
    row = ledger.campaigns.get("c", Mode.LIVE)
    assert row is not None
    whole, wanted = Frozen.joined(ledger.audience.everybody(row.id)), audience(5)

    assert seen == ([], None)
    assert row.state == "planned"
    assert whole.phones.tolist() == wanted.phones.tolist()
    assert whole.persons.to_pylist() == wanted.persons.to_pylist()
    assert ledger.audience.counts(row.id).waiting == 5


def test_what_is_not_all_there_is_not_sealed(ledger: Ledger) -> None:
    """Fewer people than were planned are refused, and leave nothing behind."""
    with ledger.staging.freeze(name="c", mode=Mode.LIVE, **PLANNED) as staged:
        assert staged is not None
        put_half(staged)
        with pytest.raises(LedgerError, match="3 of 5 people were written down"):
            staged.seal(chunks=2, planned=5, mode=Mode.LIVE)

    assert rows(ledger) == [0, 0]


def test_an_audience_that_stands_is_not_written_again(ledger: Ledger) -> None:
    """Another run was faster: its people stay; a plan replaces an earlier plan."""
    first = freeze(ledger)
    freeze(ledger, 4, mode=Mode.PLAN)
    with ledger.staging.freeze(name="c", mode=Mode.LIVE, **PLANNED) as staged:
        assert staged is None
    with ledger.staging.freeze(name="c", mode=Mode.PLAN, **PLANNED) as staged:
        assert staged is not None
        put_half(staged)
        staged.seal(chunks=1, planned=3, mode=Mode.PLAN)
    plan = ledger.campaigns.get("c", Mode.PLAN)

    assert ledger.campaigns.get("c", Mode.LIVE) == first
    assert plan is not None
    assert ledger.audience.counts(plan.id).planned == 3


def test_one_freezes_at_a_time_and_the_dead_give_way(ledger: Ledger, database_url: str) -> None:
    """While a process writes the people down another is refused; once that was killed it begins anew."""
    other = subprocess.Popen(
        [sys.executable, "-c", DIES, database_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "half\n"
    with pytest.raises(LedgerLocked, match="is writing this campaign's people down"):
        freeze(ledger, 5)
    other.kill()
    other.communicate()
    left = rows(ledger)
    row = freeze(ledger, 5)

    assert left == [1, 1]
    assert rows(ledger) == [1, 1]
    assert ledger.audience.counts(row.id).planned == 5


def test_erasing_takes_what_a_dead_process_left(ledger: Ledger, database_url: str) -> None:
    """Of a campaign that was never sealed nothing is kept."""
    other = subprocess.Popen(
        [sys.executable, "-c", DIES, database_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    other.stdout.readline()
    with pytest.raises(LedgerLocked):
        ledger.erasing.erase("u1", 0, hash_of=lambda *_: "", also=lambda *_: None)
    other.kill()
    other.communicate()
    ledger.erasing.erase("u1", 0, hash_of=lambda *_: "", also=lambda *_: None)

    assert rows(ledger) == [0, 0]
