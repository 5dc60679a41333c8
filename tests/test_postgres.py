"""``smskit.ledger.postgres``: a server is away, loses an answer, has its own clock; a file does not."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from smskit.errors import LedgerAway, LedgerError, LedgerOutOfReach, MissingExtra
from smskit.ledger import Change, Ledger, postgres
from smskit.models import CodeClass, Mode, State, Submission
from smskit.providers.calls import Call
from tests.postgres import Server
from tests.test_engine import Scripted, freeze, run

PEOPLE = 600
ADD = "INSERT INTO opt_out (phone, since, source) VALUES (%s, 1, 'by hand')"


@pytest.fixture
def own() -> Iterator[Server]:
    """A server that a test may crash."""
    made = Server()
    yield made
    made.close()


@pytest.fixture
def url(postgres: Server) -> Iterator[str]:
    """The address of an empty schema."""
    with postgres.schema() as made:
        yield made


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """An empty ledger on the server."""
    made = Ledger(url, patience_s=1.0)
    yield made
    made.close()


def lose(ledger: Ledger, *, which: int, committed: bool) -> None:
    """The wire breaks while commit number *which* from now is on the way; the server did it, or did not."""
    numbers = itertools.count(1)

    def cut(conn: sa.Connection, cursor: Any, statement: str, *_: Any) -> None:
        if statement.endswith("COMMIT") and next(numbers) == which:
            session: Any = conn.connection.driver_connection
            if committed:
                session.pgconn.exec_(statement.encode())
            session.close()

    sa.event.listen(ledger.database.engine, "before_cursor_execute", cut)


@pytest.mark.parametrize("committed", [True, False])
def test_a_lost_answer_is_asked_for(ledger: Ledger, committed: bool) -> None:
    """A commit whose answer was lost counts if the server did it; else the error says nothing was written."""
    lose(ledger, which=1, committed=committed)
    if committed:
        ledger.opt_outs.add([8613800138000], source="by hand")
    else:
        with pytest.raises(LedgerAway):
            ledger.opt_outs.add([8613800138000], source="by hand")

    assert ledger.opt_outs.phones().tolist() == [8613800138000] * committed


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("which", [2, 3, 4, 5])
def test_a_run_goes_on_after_a_lost_answer(ledger: Ledger, which: int, committed: bool) -> None:
    """Whichever commit of a run it was, everybody is asked for once and recorded as it came out."""
    campaign = freeze(ledger, 20)
    provider = Scripted(lambda call: [Submission(CodeClass.ACCEPTED, "id", "0")] * len(call), batch=3)
    lose(ledger, which=which, committed=committed)
    run(ledger, campaign, provider)
    asked = Counter(phone for call in provider.asked for phone in call)

    assert ledger.audience.counts(campaign).accepted == len(asked) == 20
    assert set(asked.values()) == {1}


@pytest.mark.kill
def test_a_run_goes_on_through_crashes_of_the_server(own: Server) -> None:
    """The server is killed twice in the midst of a run: nobody is asked for twice, nobody is left."""
    ledger = Ledger(own.url())
    campaign = freeze(ledger, PEOPLE)
    came, lock = threading.Event(), threading.Lock()
    crashes: list[float] = []
    crash_at = [PEOPLE // 6, PEOPLE // 3]

    def crash() -> None:
        for _ in range(2):
            came.wait(60)
            came.clear()
            own.crash()
            time.sleep(0.5)
            own.start()
            crashes.append(time.monotonic())

    def answer(call: Call) -> list[Submission]:
        time.sleep(0.002)
        with lock:
            # Four ask at once, so that a number may be passed over.
            if crash_at and len(provider.asked) >= crash_at[0]:
                crash_at.pop(0)
                came.set()
        return [Submission(CodeClass.ACCEPTED, "id", "0")] * len(call)

    provider = Scripted(answer, concurrency=4)
    crasher = threading.Thread(target=crash)
    crasher.start()
    run(ledger, campaign, provider)
    crasher.join()
    counts = ledger.audience.counts(campaign)
    ledger.close()
    asked = Counter(phone for call in provider.asked for phone in call)

    assert len(crashes) == 2
    assert set(asked.values()) == {1}
    assert len(asked) == counts.accepted == PEOPLE


def test_one_that_stands_still_lets_go(ledger: Ledger, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that does nothing is broken off by the server, and changes nothing; to erase takes its time."""
    monkeypatch.setattr(postgres, "_SESSION", "SET idle_in_transaction_session_timeout = '0.5s'")
    slow = Ledger(url, patience_s=1.0)
    for phone, begin in ((13800138000, slow.database.write), (13800138001, slow.database.scrub)):
        for later in (False, True):
            with suppress(LedgerAway), begin() as conn:
                (postgres.gather if later else sa.Connection.exec_driver_sql)(
                    conn, ADD, (phone + 10 * later,)
                )
                time.sleep(1.2)
    slow.close()

    assert ledger.opt_outs.phones().tolist() == [13800138001, 13800138011]


def statements(ledger: Ledger, act: Callable[[], object]) -> int:
    """How often the server is waited for while *act* is done."""
    asked: list[str] = []

    def count(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    sa.event.listen(ledger.database.engine, "before_cursor_execute", count)
    act()
    sa.event.remove(ledger.database.engine, "before_cursor_execute", count)
    return len(asked)


def test_a_claim_asks_the_server_four_times(ledger: Ledger) -> None:
    """Its lock, its sender with the opt-outs' version, the states; event, states and commit go together."""
    campaign = freeze(ledger, 20)
    claim = Change("claim", 0, np.arange(3, dtype=np.uint16), np.full(3, State.SUBMITTING, np.uint8))
    with ledger.senders.hold(campaign) as token:
        ask = partial(ledger.changes.apply_unless_opted_out, campaign, lambda now: ([claim], 1), token=token)
        asked = statements(ledger, lambda: ask(version=ledger.opt_outs.version()))
        counts = ledger.audience.counts(campaign)

    assert asked - 3 == 4  # the version is a read, of three
    assert counts.submitting == 3


def test_what_fails_before_a_commit_is_told_by_it(ledger: Ledger) -> None:
    """A statement that nobody waits for may fail: the commit says so, and nothing was written."""
    for phones in ([13800138000, 13800138000], [13800138001, 13800138002]):
        with suppress(LedgerError), ledger.database.write() as conn:
            for phone in phones:
                postgres.gather(conn, ADD, (phone,))

    assert ledger.opt_outs.phones().tolist() == [13800138001, 13800138002]


def test_what_waits_for_the_commit_goes_before_any_other(ledger: Ledger) -> None:
    """A statement that comes after one that was to go with the commit finds it done."""
    with ledger.database.write() as conn:
        postgres.gather(conn, ADD, (13800138000,))
        found = conn.exec_driver_sql("SELECT count(*) FROM opt_out").scalar()

    assert found == 1
    assert ledger.opt_outs.phones().tolist() == [13800138000]


def test_what_was_not_sent_is_rolled_back(ledger: Ledger) -> None:
    """An error of ours between a statement that nobody waits for and the commit leaves nothing behind."""
    with suppress(ZeroDivisionError), ledger.database.write() as conn:
        postgres.gather(conn, ADD, (13800138000,))
        raise ZeroDivisionError

    assert ledger.opt_outs.phones().tolist() == []
    assert ledger.opt_outs.add([13800138000], source="by hand") == 1


def test_a_server_that_stays_away_is_told(own: Server) -> None:
    """What waits for it fails in words after its patience, and what starts meanwhile too."""
    ledger = Ledger(own.url(), patience_s=0.5)
    own.crash()
    with pytest.raises(LedgerAway, match="was lost; look at its server, then run again"):
        ledger.opt_outs.add([8613800138000], source="by hand")
    with pytest.raises(LedgerOutOfReach, match=r"could not be reached for \d+ seconds; look at its server"):
        Ledger(own.url(), patience_s=0.5)
    asked: list[bool] = []

    def add() -> int:
        asked.append(ledger.database.given_up)
        return ledger.opt_outs.add([8613800138000], source="by hand")

    with pytest.raises(LedgerAway):  # or each thing a run does at its end would wait as long again
        ledger.patiently(add)
    assert asked == [True]
    environ = {"SMSKIT_DATABASE_URL": own.url(), "SMSKIT_LEDGER_PATIENCE_S": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "smskit", "status"], env=os.environ | environ, capture_output=True, check=False
    )
    own.start()

    assert done.returncode == 1
    assert b"could not be reached for 1 seconds" in done.stderr
    assert b"Traceback" not in done.stderr
    assert ledger.patiently(add) == 1
    assert not ledger.database.given_up
    ledger.close()


def test_the_clock_is_the_servers(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose clock is an hour off writes down the server's time."""
    right = time.time()
    monkeypatch.setattr(postgres._time, "time", lambda: right - 3600)
    ledger = Ledger(url)
    page = ledger.raw_reports.keep("acme", Mode.LIVE, "receipts", b"")
    with ledger.database.read() as conn:
        kept = conn.exec_driver_sql("SELECT received_at FROM inbox WHERE id = %s", (page,)).scalar_one()
    now = ledger.clock()
    ledger.close()

    assert abs(kept - right) < 60
    assert abs(now - right) < 60


def test_writers_come_one_after_the_other(url: str) -> None:
    """
    A write that has begun is waited for by any other, whichever connection it has, and then seen by it.

    Also where its role may wait for a tenth of a second only.
    """
    first, second = Ledger(url), Ledger(f"{url}%20-clock_timeout%3D100%20-cstatement_timeout%3D100")
    done: list[int] = []

    def write() -> None:
        done.append(second.opt_outs.add([8613800138000], source="by hand"))

    with first.database.write() as conn:
        other = threading.Thread(target=write)
        other.start()
        other.join(0.3)
        waited = not done
        conn.exec_driver_sql("INSERT INTO opt_out (phone, since, source) VALUES (8613800138000, 1, 'first')")
    other.join()
    sources = [row.source for row in first.opt_outs.rows()]
    first.close()
    second.close()

    assert waited
    assert done == [0]
    assert sources == ["first"]


def test_text_that_a_server_cannot_hold(ledger: Ledger) -> None:
    """A text longer than its column was made for is kept whole, and a NUL in it is left out."""
    ledger.opt_outs.add([8613800138000], source="x" * 300, note="a\0b")

    assert [(row.source, row.note) for row in ledger.opt_outs.rows()] == [("x" * 300, "ab")]


def test_an_older_ledger_on_a_server_is_migrated(url: str) -> None:
    """One of the schema before the last opens with its campaigns, and takes what came with the last."""
    first = Ledger(url)
    campaign = freeze(first, PEOPLE)
    first.campaigns.mark(campaign, "finished")
    with first.database.write() as conn:
        conn.exec_driver_sql("ALTER TABLE campaign DROP COLUMN archived_at")
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '0009'")
    first.close()
    ledger = Ledger(url)
    (before,) = ledger.campaigns.find()
    ledger.campaigns.archive(campaign)
    (after,) = ledger.campaigns.find()
    ledger.close()

    assert (before.id, before.archived_at) == (campaign, None)
    assert after.archived_at is not None


@pytest.mark.parametrize(("statement"), ["UPDATE audit SET who = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
def test_the_audit_trail_is_only_added_to(ledger: Ledger, statement: str) -> None:
    """The server refuses to change or empty it."""
    with pytest.raises(LedgerError), ledger.database.write() as conn:
        conn.exec_driver_sql(statement)


def test_without_the_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says what to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r'pip install "smskit\[postgres\]"') as caught:
        Ledger("postgresql+psycopg://nobody@127.0.0.1:1/x")

    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"database": "nowhere"}, "database or schema that is not there", id="no-database"),
        pytest.param({"username": "nobody"}, "did not let this user in", id="no-user"),
        pytest.param({"query": {"options": "-csearch_path=nowhere"}}, "that is not there", id="no-schema"),
    ],
)
def test_what_is_wrong_with_an_address_is_said(postgres: Server, change: dict[str, Any], says: str) -> None:
    """A database, user or schema that is not there is one sentence, and not waited for."""
    address = sa.make_url(postgres.url())
    query = dict(address.query) | change.pop("query", {})
    with pytest.raises(LedgerError, match=says) as refused:
        Ledger(address.set(query=query, **change).render_as_string())

    assert not isinstance(refused.value, LedgerAway)  # which is waited for
