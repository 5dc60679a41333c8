"""A ledger that changed under us is refused in words; what is forgotten is in no file any more."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from smskit.ledger import Ledger
from smskit.ledger.schema import AUDIENCE, META, PROGRESS
from smskit.ledger.seals import PLAN, sum_of
from smskit.models import Mode, State
from smskit.simulator import FaultPlan
from tests import live
from tests.test_cli import PEOPLE, Desk, Run

RULES = [{"column": "coupon", "op": "==", "value": 50}]
BLOBS = [
    (table.name, column.name)
    for table in META.sorted_tables
    for column in table.columns
    if f"{column.name}_sum" in table.c
]
SENT_FROM = [blob for blob in BLOBS if blob[0] not in ("excluded", "ruled_out") and blob[1] != "facts"]
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "first-bit": lambda blob: bytes([blob[0] ^ 1]) + blob[1:],
    "middle": lambda blob: (
        blob[: len(blob) // 2] + bytes([blob[len(blob) // 2] ^ 64]) + blob[len(blob) // 2 + 1 :]
    ),
    "last-byte": lambda blob: blob[:-1] + bytes([blob[-1] ^ 0xFF]),
    "cut": lambda blob: blob[: len(blob) // 2],
    "empty": lambda _: b"",
    "longer": lambda blob: blob + blob,
    "99": lambda blob: bytes([99]) * len(blob),
}


def change(desk: Desk, table: str, column: str, damage: Callable[[Any], Any]) -> Any:
    """Put something else into that column of the first row of a table; returns what was there."""
    with closing(sqlite3.connect(desk.folder / "ledger.db")) as connection, connection:
        at, value = connection.execute(f"SELECT rowid, {column} FROM {table} LIMIT 1").fetchone()
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (damage(value), at))
    return value


def always(value: Any) -> Callable[[Any], Any]:
    """Puts back what was there."""
    return lambda _: value


def reseal(desk: Desk, column: sa.Column[Any], damage: Callable[[bytes], bytes]) -> None:
    """The same, with the checksum that belongs to it."""
    change(desk, column.table.name, column.name, damage)
    with closing(sqlite3.connect(desk.folder / "ledger.db")) as connection, connection:
        query = f"SELECT campaign_id, chunk, {column.name} FROM {column.table.name}"
        right = sum_of(column, *connection.execute(query).fetchone())
        connection.execute(f"UPDATE {column.table.name} SET {column.name}_sum = ?", (right,))


def refused(desk: Desk, run: Run, *command: str) -> None:
    """It ends with one sentence that names the campaign, and nobody gets anything."""
    sent = desk.world.accepted()
    done = run(*command)

    assert done.code == 1
    assert "the ledger is damaged: campaign live-1 (live)" in done.err
    assert "put back a copy of the ledger" in done.err
    assert len(done.err.splitlines()) == 1
    assert desk.world.accepted() == sent


@pytest.fixture
def paused(desk: Desk) -> Desk:
    """A live campaign that stopped on its way, with people left out and ruled out."""
    people = pd.read_csv(desk.source, dtype=str)
    more = {"user_id": ["bad", "other"], "phone": ["123", "13800100099"], "name": "名", "coupon": ["50", "7"]}
    people["coupon"] = "50"
    pd.concat([people, pd.DataFrame(more)]).to_csv(desk.source, index=False)
    desk.pause(rules=RULES)
    return desk


@pytest.mark.parametrize(("table", "column"), BLOBS)
def test_row_17_a_damaged_blob_is_not_sent_from(paused: Desk, run: Run, table: str, column: str) -> None:
    """Whatever happened to whichever blob: what is sent from it, and what is shown of it, refuses."""
    for damage in DAMAGE.values():
        before = change(paused, table, column, damage)
        if (table, column) in SENT_FROM:
            refused(paused, run, "resume", "live-1")
        if table == "ruled_out":
            refused(paused, run, "why", "live-1", "other")
        else:
            refused(paused, run, "messages", "live-1")
        change(paused, table, column, always(before))

    assert run("resume", "live-1").code == 0
    assert paused.world.accepted() == PEOPLE


@pytest.mark.parametrize("column", PLAN)
def test_row_17_a_byte_in_the_plan(paused: Desk, run: Run, column: str) -> None:
    """What a campaign was frozen with is refused where a byte of it is another; put right, it goes on."""

    def other(text: str) -> str:
        return text.replace("e", "f", 1) if column in ("mode", "name") else text[:-2] + "~" + text[-1]

    before = change(paused, "campaign", column, other)
    sent = paused.world.accepted()
    done = run("resume", "live-1")
    change(paused, "campaign", column, always(before))

    assert done.code == 1
    assert "damaged" in done.err
    assert paused.world.accepted() == sent
    assert run("resume", "live-1").code == 0
    assert paused.world.accepted() == PEOPLE


@pytest.mark.parametrize(
    ("column", "damage"),
    [
        pytest.param(PROGRESS.c.states, lambda b: bytes(len(b)), id="accepted-is-waiting"),
        pytest.param(PROGRESS.c.states, lambda b: bytes([State.REFUSED]) * len(b), id="waiting-is-refused"),
        pytest.param(PROGRESS.c.states, lambda b: bytes([99]) + b[1:], id="no-such-state"),
        pytest.param(
            AUDIENCE.c.phones, lambda b: (np.frombuffer(b, np.int64) + 1).tobytes(), id="other-phones"
        ),
    ],
)
def test_row_17_what_was_written_wrong_is_refused_too(
    paused: Desk, run: Run, column: sa.Column[Any], damage: Callable[[bytes], bytes]
) -> None:
    """Where the checksum fits: states have to be those the events led to, people those of the plan's hash."""
    reseal(paused, column, damage)

    refused(paused, run, "resume", "live-1")


@pytest.mark.parametrize("table", ["audience", "content", "progress", "event"])
def test_row_17_a_row_that_is_gone(paused: Desk, run: Run, table: str) -> None:
    """A chunk or an event that is missing is damage, not fewer people."""
    with closing(sqlite3.connect(paused.folder / "ledger.db")) as connection, connection:
        connection.execute(f"DELETE FROM {table}")

    refused(paused, run, "resume", "live-1")


OTHER_FORMS = [
    ("campaign", "id", 99, ("resume", "live-1")),
    ("campaign", "kind", "campaignx", ("status", "live-1")),
    ("campaign", "finished_at", "x", ("status", "live-1")),
    ("run", "mode", "", ("status", "--runs")),
    ("run", "started_at", "x", ("status", "--runs")),
    ("run", "books", "{", ("status", "--runs")),
    ("run", "versions", "", ("status", "--runs")),
    ("ruled_out", "rule", 7, ("why", "live-1", "other")),
    ("audit", "facts", "", ("audit",)),
    ("audit", "action", "x", ("audit",)),
]


def test_row_17_values_of_another_form_are_damage(paused: Desk, run: Run) -> None:
    """Whatever stands beside the blobs and cannot be read is told in one sentence, and nothing is sent."""
    with closing(sqlite3.connect(paused.folder / "ledger.db")) as connection, connection:
        connection.execute("DROP TRIGGER audit_no_update")
    sent, wrong = paused.world.accepted(), []
    for table, column, value, command in OTHER_FORMS:
        before = change(paused, table, column, always(value))
        done = run(*command)
        change(paused, table, column, always(before))
        if done.code != 1 or not done.err.startswith("smskit: the ledger is damaged") or len(done.err) > 400:
            wrong.append((table, column, done))

    assert wrong == []
    assert paused.world.accepted() == sent


@pytest.mark.long
@pytest.mark.parametrize(("table", "column"), [("campaign", "spec"), ("progress", "states")])
def test_row_17_the_others_are_told_of(paused: Desk, run: Run, table: str, column: str) -> None:
    """Of a damaged campaign lists name what is wrong, and go on for all others; so do reports."""
    paused.world.set_faults(FaultPlan())
    paused.send(campaign="live-2")
    paused.send(campaign="tried", mode="rehearse")
    damage = (lambda text: text.replace("e", "f", 1)) if column == "spec" else DAMAGE["first-bit"]
    change(paused, table, column, damage)
    listed, runs = run("status", "--json"), run("status", "--runs", "--json")
    receipts = run("receipts")
    give_up = time.monotonic() + 120  # reports come when they come
    while (after := run("status", "live-2", "--json").data)["awaiting"] and time.monotonic() < give_up:
        run("receipts")
    forgotten = run("forget", "tried")

    assert [row["campaign"] for row in listed.data] == ["live-2", "tried"]
    assert (listed.code, listed.err.count("campaign live-1 (live) is not as it was written")) == (1, 1)
    assert {row["campaign"] for row in runs.data} == {"live-1", "live-2", "tried"}
    assert (runs.code, forgotten.code) == (0, 0)
    assert (receipts.code, receipts.err.count("live-1 (live) is not as")) == (1, 1)
    assert (after["accepted"], after["awaiting"]) == (PEOPLE + 1, 0)


def files_with(folder: Path, phone: int) -> list[str]:
    """The names of the files of a ledger that hold a phone, as text or as a number."""
    forms = [
        str(phone).encode(),
        str(phone)[2:].encode(),
        phone.to_bytes(8, "little"),
        phone.to_bytes(8, "big"),
    ]
    return [
        file.name
        for file in sorted(folder.glob("ledger.db*"))
        if any(form in file.read_bytes() for form in forms)
    ]


def test_row_18_a_forgotten_rehearsal_is_in_no_file(desk: Desk, run: Run) -> None:
    """Its people, its test sends, and what the built-in simulator accepted for both are gone."""
    test_phone = 8613900139000
    parameters = live.data(live.SINGLES, desk.source, mode="rehearse", test_phones=[str(test_phone)])
    campaign = live.campaign(parameters, desk.environ)
    campaign.send()
    campaign.test_send()
    phones = [8613800100000 + i for i in range(PEOPLE)] + [test_phone]
    there = [files_with(desk.folder, phone) for phone in phones]
    done = run("forget", "live-1")
    ledger = Ledger(desk.environ["SMSKIT_DATABASE_URL"])
    left = ledger.campaigns.find()
    ledger.close()

    assert all(there)
    assert done.code == 0
    assert left == []
    assert [files_with(desk.folder, phone) for phone in phones] == [[]] * len(phones)


def test_row_18_only_the_rehearsal_is_forgotten(desk: Desk, run: Run) -> None:
    """Another rehearsal and the live campaign of the same id stay, with what they sent."""
    for more in ({"campaign": "other", "mode": "rehearse"}, {"mode": "rehearse"}, {}):
        desk.send(**more)
    run("forget", "live-1")
    ledger = Ledger(desk.environ["SMSKIT_DATABASE_URL"])
    left = {(row.name, row.mode) for row in ledger.campaigns.find()}
    ledger.close()
    with closing(sqlite3.connect(desk.folder / "ledger.db")) as connection:
        calls = connection.execute("SELECT count(*) FROM simulator_calls").fetchone()[0]

    assert left == {("other", Mode.REHEARSE), ("live-1", Mode.LIVE)}
    assert calls == PEOPLE


def test_row_18_an_erased_person_is_in_no_file(paused: Desk, run: Run) -> None:
    """Whatever was known of them is gone; counts stay, the rest is sent to, and nobody gets it twice."""
    phones, ids = [8613800100000, 8613800100005, 8613800100099], ["u000000", "u000005", "other"]
    run("opt-out", "add", str(phones[1]))
    before = run("status", "live-1", "--json").data
    there = [files_with(paused.folder, phone) for phone in phones]
    done = [run("erase", person, "--yes", "--json") for person in (ids[0], str(phones[1]), ids[2])]
    after = run("status", "live-1", "--json").data
    asked = [run("why", "live-1", person) for person in (*ids, *map(str, phones))]
    messages = run("messages", "live-1", "--reveal")
    resumed = run("resume", "live-1")

    assert all(there)
    assert [d.code for d in done] == [0, 0, 0]
    assert [d.data["opted_out"] for d in done] == [False, True, False]
    assert [d.data["campaigns"] for d in done] == [["live-1"]] * 3
    assert after == before
    assert {a.code for a in asked} == {2}
    assert all("was erased on" in a.err for a in asked)
    assert messages.code == 0
    assert not any(known in messages.out for known in (*ids, *map(str, phones), "用户0", "用户5"))
    assert resumed.code == 0
    assert paused.world.accepted() == PEOPLE - 1  # one was erased before it was their turn
    assert [files_with(paused.folder, phone) for phone in phones] == [[]] * 3


@pytest.mark.long
def test_row_18_an_opt_out_outlives_the_person(desk: Desk, run: Run) -> None:
    """Who opted out and was erased is left out of the next campaign, and is on no list by number."""
    desk.send()
    run("opt-out", "add", "13800100000")
    run("erase", "13800100000", "--yes")
    desk.send(campaign="live-2")
    second = run("status", "live-2", "--json").data
    listed = run("opt-out", "list", "--reveal").out

    assert second["excluded"] == {"opted_out": 1}
    assert desk.world.accepted() == PEOPLE + PEOPLE - 1
    assert "erased" in listed
    assert "00100000" not in listed


def test_row_18_raw_pages_lose_the_person_alone(paused: Desk, run: Run) -> None:
    """Of pages nobody could read yet a person's number goes, in whatever form; the others' reports stay."""
    ledger = Ledger(paused.environ["SMSKIT_DATABASE_URL"])
    forms = ["13800100000", "+86 138-0010-0000", "138.0010.0000", "１３８００１０００００", "13800100001"]
    bodies = [f"<{form}|u1>\xff".encode() for form in forms] + [b"\xff\xfe13800100000\x00"]
    pages = [ledger.raw_reports.keep("yunpian", Mode.LIVE, "receipts", body) for body in bodies]
    ledger.raw_reports.close(pages[0], keep=True)
    erased = run("erase", "u000000", "--yes")
    with closing(sqlite3.connect(paused.folder / "ledger.db")) as connection:
        left = [body for (body,) in connection.execute("SELECT body FROM inbox ORDER BY id")]
    ledger.close()

    assert erased.code == 0
    assert left[0] == "<138****0000|u1>\xff".encode()
    assert [b"138****0000" in body for body in left] == [True, True, True, True, False, True]
    assert left[4] == bodies[4]
    assert files_with(paused.folder, 8613800100000) == []


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        pytest.param(["erase", "u000000"], 2, "say --yes", id="not-asked"),
        pytest.param(["erase", "nobody", "--yes"], 2, "nobody like that", id="nobody"),
    ],
)
def test_row_18_what_is_not_erased(paused: Desk, run: Run, command: list[str], code: int, words: str) -> None:
    """Without a yes, and of somebody who is not known, nothing is erased."""
    done = run(*command)

    assert (done.code, words in done.err) == (code, True)
    assert run("why", "live-1", "u000000").code == 0


def test_row_18_nobody_is_erased_from_a_run(paused: Desk, run: Run) -> None:
    """While a run has the campaign it is refused, and nothing was changed."""
    ledger = Ledger(paused.environ["SMSKIT_DATABASE_URL"])
    row = ledger.campaigns.get("live-1", Mode.LIVE)
    assert row is not None
    with ledger.senders.hold(row.id):
        done = run("erase", "u000000", "--yes")
    ledger.close()

    assert done.code == 4
    assert "a run of campaign live-1 is going" in done.err
    assert run("why", "live-1", "u000000").code == 0
