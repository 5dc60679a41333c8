"""Notebook 00 and what it shows: all campaigns, counted at once and as everywhere else."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from smskit.cli.commands import app
from smskit.ledger import CampaignRow, Change, Facts, Frozen, Ledger
from smskit.message.opt_out import Answer
from smskit.models import Kind, Mode, Reply, State
from smskit.notebook.tracker import Tracker
from smskit.reporting import report
from smskit.reporting.delivery import Overview, overview

SHANGHAI = ZoneInfo("Asia/Shanghai")
FIRST = 8613800000000
KINDS = {"person": pa.large_string(), "phone": pa.int64(), "shown": pa.large_string(), "reason": pa.uint8()}


class Book:
    """A ledger with a clock of its own, and campaigns made without anybody who sends."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.now = datetime(2026, 11, 2, 10, tzinfo=SHANGHAI).timestamp()
        ledger.database.clock = lambda: self.now

    def campaign(
        self,
        name: str,
        mode: Mode = Mode.LIVE,
        *,
        people: int = 10,
        accepted: int = 0,
        delivered: int = 0,
        unknown: int = 0,
        state: str = "finished",
        parts: int = 1,
        **more: Any,
    ) -> CampaignRow:
        """One in which so many people are where they are; every third message has *parts* parts."""
        each = np.where(np.arange(people) % 3, 1, parts).astype(np.int16)
        total = int(each.sum())
        frozen = Frozen(
            np.arange(FIRST, FIRST + people, dtype=np.int64),
            pa.array([f"u{i}" for i in range(people)], pa.large_string()),
            {},
            each,
            pa.table({column: pa.array([], kind) for column, kind in KINDS.items()}),
            np.arange(people),
        )
        summary = {"template": "你好", "signature": "云片", "segment": people, "excluded": {}}
        summary |= {"parts": total, "cost": str(Decimal("0.05") * total), "planned": people}
        row = self.ledger.campaigns.freeze(
            name=name,
            mode=mode,
            provider="yunpian",
            plan_hash="q",
            spec={"campaign": name, "timezone": "Asia/Shanghai"},
            summary=summary,
            frozen=frozen,
            **more,
        )
        if mode is Mode.PLAN:
            return row
        taken = accepted + unknown
        self.move(row, "claim", range(taken), State.SUBMITTING)
        self.move(row, "outcome", range(accepted), State.ACCEPTED)
        self.move(row, "outcome", range(accepted, taken), State.UNKNOWN)
        self.move(row, "receipt", range(delivered), State.DELIVERED)
        self.ledger.campaigns.mark(row.id, state)
        return row

    def move(self, row: CampaignRow, kind: Any, at: range, to: State) -> None:
        if len(at):
            states = np.full(len(at), to, np.uint8)
            change = Change(kind, 0, np.array(at, np.uint16), states, Facts())
            self.ledger.changes.apply(row.id, [change], token=None)

    def opts_out(self, person: int, *, mode: Mode = Mode.LIVE) -> None:
        """Somebody replies now that they want no more."""
        at = datetime.fromtimestamp(self.now, SHANGHAI)
        reply = Reply(phone=str(FIRST + person), text="R", reply_id=f"{person}-{self.now}", at=at)
        self.ledger.replies.keep("yunpian", mode, [(reply, FIRST + person, Answer.OPT_OUT)])


@pytest.fixture
def book(ledger: Ledger) -> Book:
    return Book(ledger)


def selects(ledger: Ledger, work: Callable[[], Any]) -> int:
    """How many SELECTs that takes."""
    made: list[str] = []

    def watched(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        made.append(statement)

    sa.event.listen(ledger.database.engine, "before_cursor_execute", watched)
    work()
    sa.event.remove(ledger.database.engine, "before_cursor_execute", watched)
    return sum(statement.startswith("SELECT") for statement in made)


# -- the figures ---------------------------------------------------------------------------


def test_figures_are_those_of_status_and_of_04(book: Book) -> None:
    """Counts are those of the campaign's books, cost that of notebook 04, rates are of the accepted."""
    for number, (accepted, delivered) in enumerate([(7, 4), (10, 10), (0, 0)]):
        book.campaign(f"c{number}", people=10, accepted=accepted, delivered=delivered, unknown=0, parts=3)
        book.campaign(f"c{number}", Mode.REHEARSE, accepted=accepted, delivered=delivered)
    book.campaign("c0", Mode.PLAN, parts=2)
    found = overview(book.ledger)
    tracker = Tracker()

    assert len(found.campaigns) == 7
    for each in found.campaigns:
        books = report.status(book.ledger, each.row)
        tracker.choose(each.row.name, each.row.mode)
        line = found.frame[
            (found.frame["campaign"] == each.row.name) & (found.frame["mode"] == each.row.mode)
        ]

        assert {n: line[n].item() for n in books if n in line and n != "cost"} == {
            n: books[n] for n in books if n in line and n != "cost"
        }
        assert each.cost == tracker.count().cost
        assert each.delivery_rate == (books["delivered"] / books["accepted"] if books["accepted"] else None)
    first = next(each for each in found.campaigns if (each.row.name, each.row.mode) == ("c0", Mode.LIVE))
    assert first.cost == Decimal("0.05") * 13  # of 10 people the first 7, among them three of 3 parts
    assert first.cost_per_delivered == first.cost / 4
    assert found.campaigns[-1].cost == Decimal("0.05") * 14


def test_any_number_of_campaigns_takes_six_queries() -> None:
    """500 campaigns, some with messages of several parts and some with opt-outs, as many SELECTs as one."""
    book = Book(Ledger("sqlite://"))
    book.campaign("c", people=9, accepted=5, delivered=4, parts=2)
    book.opts_out(1)
    one = selects(book.ledger, lambda: overview(book.ledger))
    for number in range(499):
        taken = number % 9 if number % 5 == 0 else 0
        book.campaign(f"c{number}", people=9, accepted=taken, delivered=taken // 2, parts=2)
    started = time.monotonic()
    many = selects(book.ledger, lambda: overview(book.ledger))

    assert one == many <= 6
    assert time.monotonic() - started < 5
    assert len(overview(book.ledger).campaigns) == 500


def test_newest_live_first(book: Book) -> None:
    """Live ones come first, then rehearsals, then plans, each newest first; tests only where asked for."""
    book.ledger.campaigns.make_id("trial", kind=Kind.TEST, parent="new")
    for name, mode in (
        ("old", Mode.LIVE),
        ("new", Mode.PLAN),
        ("new", Mode.REHEARSE),
        ("new", Mode.LIVE),
        ("trial", Mode.LIVE),
        ("later", Mode.REHEARSE),
    ):
        book.campaign(name, mode)
    shown, everything = overview(book.ledger), overview(book.ledger, tests=True)

    def order(found: Overview) -> list[tuple[str, str]]:
        return list(zip(found.frame["campaign"], found.frame["mode"], strict=True))

    expected = [("new", "live"), ("old", "live"), ("later", "rehearse"), ("new", "rehearse"), ("new", "plan")]
    assert order(shown) == expected
    assert order(everything) == [("trial", "live"), *expected]
    assert (shown.tests, everything.tests) == (1, 0)
    assert order(overview(book.ledger, mode=Mode.LIVE)) == expected[:2]


@pytest.mark.parametrize(
    ("state", "owned", "shown", "unfinished"),
    [
        pytest.param("running", True, "running", True, id="at work"),
        pytest.param("running", False, "interrupted", True, id="whoever sent is dead"),
        pytest.param("planned", False, "interrupted", True, id="died before the first message"),
        pytest.param("paused", False, "paused", True, id="stopped"),
        pytest.param("finished", False, "finished", False, id="finished"),
    ],
)
def test_a_dead_run_is_interrupted(book: Book, state: str, owned: bool, shown: str, unfinished: bool) -> None:
    """What nobody works on any more does not read as running: in the list, its books and the command."""
    row = book.campaign("c", Mode.REHEARSE, accepted=3, state=state)
    book.campaign("c", Mode.PLAN)

    def look() -> tuple[Overview, str, str]:
        told = CliRunner().invoke(app, ["status"]).output
        now = book.ledger.campaigns.get("c", Mode.REHEARSE)
        assert now is not None
        return overview(book.ledger), report.status(book.ledger, now)["state"], told

    if owned:
        with book.ledger.leases.hold(row.id):
            found, books, told = look()
    else:
        found, books, told = look()

    assert found.campaigns[0].state == books == shown
    assert [each.row.id for each in found.unfinished] == ([row.id] if unfinished else [])
    assert shown in told.splitlines()[1].split()


def test_an_opt_out_counts_where_it_was_reached_last(book: Book) -> None:
    """A reply counts for the last campaign that had reached the person, once, and for no rehearsal."""
    first = book.campaign("week-1", accepted=10)
    book.opts_out(1)  # between the two
    book.now += 7 * 86400
    second = book.campaign("week-2", accepted=5)
    book.now += 3600
    book.opts_out(2)
    book.opts_out(3)
    book.now += 60
    book.opts_out(3)  # again
    book.opts_out(7)  # week-2 has not reached them yet
    book.campaign("trial", Mode.REHEARSE, accepted=10)
    found = {each.row.id: each for each in overview(book.ledger).campaigns}

    assert (found[first.id].opted_out, found[second.id].opted_out) == (2, 2)
    assert found[second.id].opt_out_rate == 2 / 5
    assert sum(each.opted_out for each in found.values()) == 4


def test_a_series_over_its_weeks(book: Book) -> None:
    """The campaigns of one series and mode, oldest first; one that was sent once is none."""
    for week in range(3):
        book.campaign(f"vip-{week}", accepted=8, delivered=5 + week, series="vip")
        book.now += 7 * 86400
    book.campaign("vip-0", Mode.REHEARSE, series="vip")
    book.campaign("once", accepted=1)
    found = overview(book.ledger)
    weeks = found.series("vip")

    assert found.repeating == [("vip", Mode.LIVE)]
    assert weeks["campaign"].tolist() == ["vip-0", "vip-1", "vip-2"]
    assert weeks["delivery_rate"].tolist() == [5 / 8, 6 / 8, 7 / 8]
    assert weeks["started"][0] == datetime(2026, 11, 2, 10, tzinfo=SHANGHAI)


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[str], None]:
    """Changes the ledger's file as no program of ours would."""

    def change(statement: str) -> None:
        with closing(sqlite3.connect(tmp_path / "ledger.db")) as other:
            other.execute(statement)
            other.commit()

    return change


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE campaign SET summary = '{}' WHERE name = 'bad'",
        "UPDATE progress SET states = x'00' WHERE campaign_id = (SELECT id FROM campaign WHERE name = 'bad')",
        "UPDATE content SET parts = x'00' WHERE campaign_id = (SELECT id FROM campaign WHERE name = 'bad')",
        "UPDATE audience SET phones = x'0' || x'' WHERE campaign_id IN "
        "(SELECT id FROM campaign WHERE name = 'bad')",
    ],
    ids=["row", "states", "parts", "phones"],
)
def test_a_damaged_campaign_hides_no_other(book: Book, changed: Callable[[str], None], damage: str) -> None:
    """It is named with what to do; the others are shown, and the command fails so that scripts see it."""
    for name in ("good", "bad", "fine"):
        book.campaign(name, accepted=5, parts=2)
    book.opts_out(1)
    changed(damage.replace("x'0' || x''", "x'01'"))
    found = overview(book.ledger)
    listed, as_data = (CliRunner().invoke(app, ["status", *more]) for more in ([], ["--json"]))

    assert [each.row.name for each in found.campaigns] == ["fine", "good"]
    assert [(each.name, each.mode) for each in found.damaged] == [("bad", "live")]
    assert selects(book.ledger, lambda: overview(book.ledger)) <= 6
    for done in (listed, as_data):
        assert done.exit_code == 1
        assert "campaign bad (live) is not as it was written" in done.output
        assert "good" in done.output


def test_nothing_yet(ledger: Ledger) -> None:
    """An empty ledger gives an empty table with all its columns."""
    found = overview(ledger)

    assert (len(found.campaigns), found.damaged, found.unfinished, found.repeating) == (0, [], [], [])
    assert {"campaign", "delivery_rate", "cost_per_delivered"} <= set(found.frame.columns)
    assert "no campaign yet" in CliRunner().invoke(app, ["status"]).output


def test_the_table_of_status_is_the_overview(book: Book) -> None:
    """`smskit status` prints the same figures, rates and dates in the same order, and says what it hides."""
    book.campaign("one", accepted=8, delivered=6, series="weekly")
    book.opts_out(2)
    book.ledger.campaigns.make_id("trial", kind=Kind.TEST, parent="one")
    book.campaign("trial")
    head, line, *_ = CliRunner().invoke(app, ["status"]).output.splitlines()
    shown = dict(zip(head.split(), line.replace("2026-11-02 10:00", "2026-11-02T10:00").split(), strict=True))
    hidden, asked = (CliRunner().invoke(app, ["status", *more]).output for more in ([], ["--tests"]))

    assert (shown["delivery_rate"], shown["opt_out_rate"]) == ("75.0%", "12.5%")
    assert (shown["cost"], shown["started"], shown["series"]) == ("0.4000", "2026-11-02T10:00", "weekly")
    assert "1 test sends are left out" in hidden
    assert "trial" not in hidden
    assert "trial" in asked
    assert pd.isna(overview(book.ledger, tests=True).frame["delivery_rate"][0])
