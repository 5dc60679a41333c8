"""``smskit.ledger``: one audience, one owner, no state but by an arrow; what is kept, and how it is read."""

from __future__ import annotations

import itertools
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smskit.errors import LedgerError, LedgerLocked, UnsupportedLedger
from smskit.ledger import (
    LEASE_TTL_S,
    UNMATCHED_DAYS,
    CampaignRow,
    Change,
    Facts,
    Frozen,
    Ledger,
    Tally,
)
from smskit.ledger.changes import interruptions
from smskit.ledger.schema import PROGRESS
from smskit.ledger.seals import sealed
from smskit.models import Answer, Kind, Mode, Receipt, Reply, State
from tests.clock import Clock
from tests.profiles import examples

FIRST = 8613800000000
W, S, A, R, U, D, X = State  # waiting, submitting, accepted, refused, unknown, delivered, undelivered
TRANSITIONS: dict[str, tuple[State, set[State]]] = {
    "claim": (W, {S}),
    "opt_out": (W, {R}),
    "outcome": (S, {A, R, U, W}),
    "interrupted": (S, {U}),
    "settled": (U, {A, R, W}),
    "receipt": (A, {D, X}),
}
TO: dict[State, list[tuple[str, State]]] = {  # how a test brings somebody into a state
    W: [],
    S: [("claim", S)],
    A: [("claim", S), ("outcome", A)],
    R: [("opt_out", R)],
    U: [("claim", S), ("outcome", U)],
    D: [("claim", S), ("outcome", A), ("receipt", D)],
    X: [("claim", S), ("outcome", A), ("receipt", X)],
}


@pytest.fixture
def clock() -> Clock:
    """The clock of ``timed``."""
    return Clock()


@pytest.fixture
def timed(database_url: str, clock: Clock) -> Iterator[Ledger]:
    """A ledger that goes by ``clock``."""
    made = Ledger(database_url, clock=clock)
    yield made
    made.close()


def audience(people: int, *, first: int = FIRST, left_out: int = 0, **more: Any) -> Frozen:
    """*people* planned in order, and some left out."""
    made: dict[str, Any] = {
        "phones": np.arange(first, first + people, dtype=np.int64),
        "persons": texts(f"u{n}" for n in range(people)),
        "variables": {"name": texts(f"n{n}" for n in range(people))},
        "parts": np.full(people, 2, np.int16),
        "excluded": pa.table(
            {
                "person": texts(f"x{n}" for n in range(left_out)),
                "phone": np.zeros(left_out, np.int64),
                "shown": texts("13****" for _ in range(left_out)),
                "reason": np.full(left_out, 2, np.int8),
            }
        ),
        "order": np.arange(people),
    }
    return Frozen(**made | more)


def texts(values: Any) -> pa.Array:
    return pa.array(list(values), pa.large_string())


def freeze(
    ledger: Ledger, people: int | Frozen = 3, *, name: str = "c", mode: Mode = Mode.LIVE, plan_hash: str = "p"
) -> CampaignRow:
    frozen = audience(people) if isinstance(people, int) else people
    return ledger.campaigns.freeze(
        name=name,
        mode=mode,
        provider="acme",
        plan_hash=plan_hash,
        spec={"campaign": name, "signature": "云片"},
        summary={"segment": len(frozen.order)},
        frozen=frozen,
    )


def change(kind: str, positions: Sequence[int], to: State | Sequence[State], **facts: Any) -> Change:
    states = [to] * len(positions) if isinstance(to, State) else list(to)
    return Change(kind, 0, np.array(positions, np.uint16), np.array(states, np.uint8), Facts(**facts))  # type: ignore[arg-type]


def move(ledger: Ledger, campaign: int, *changes: Change) -> None:
    ledger.changes.apply(campaign, changes, token=None)


def bring(ledger: Ledger, campaign: int, positions: int | Sequence[int], state: State) -> None:
    for kind, to in TO[state]:
        move(ledger, campaign, change(kind, [positions] if isinstance(positions, int) else positions, to))


def dump(ledger: Ledger) -> list[Any]:
    """Every row of every table, but for how often whom a server knows as a writer has written."""
    with ledger.database.read() as conn:
        tables = set(sa.inspect(conn).get_table_names()) - {"writer"}
        return [(t, sorted(map(repr, conn.exec_driver_sql(f"select * from {t}")))) for t in sorted(tables)]


# -- the audience -------------------------------------------------------------------------


def test_what_is_frozen_is_read_back(ledger: Ledger) -> None:
    """People come back in send order, with their values; those left out as they were told."""
    row = freeze(ledger, audience(4, left_out=2, order=np.array([2, 0, 3])))
    people, keys = ledger.audience.people(row.id, 0), ledger.audience.keys(row.id, 0)
    (left_out,) = ledger.audience.excluded(row.id)

    assert people.phones.tolist() == keys.phones.tolist() == [FIRST + 2, FIRST, FIRST + 3]
    assert people.variables["name"].to_pylist() == ["n2", "n0", "n3"]
    assert keys.persons.to_pylist() == ["u2", "u0", "u3"]
    assert keys.parts.tolist() == [2, 2, 2]
    assert ledger.audience.people(row.id, 0, np.array([2, 0], np.uint16)).variables["name"].to_pylist() == [
        "n3",
        "n2",
    ]
    assert left_out.to_pylist()[1] == {"person": "x1", "phone": 0, "shown": "13****", "reason": 2}
    assert ledger.audience.counts(row.id) == Tally(3, 3, 0, 0, 0, 0, 0, 0, 0)
    assert (row.spec["signature"], row.summary, row.state) == ("云片", {"segment": 3}, "planned")


@pytest.mark.parametrize(
    ("frozen", "words"),
    [
        pytest.param(
            audience(3, phones=np.array([FIRST, FIRST + 1, FIRST], np.int64)), "a phone twice", id="phone"
        ),
        pytest.param(audience(3, persons=texts(["a", "b", "a"])), "a person twice", id="person"),
        pytest.param(audience(3, phones=np.array([FIRST, 0, FIRST + 1], np.int64)), "phone", id="no-phone"),
        pytest.param(audience(3, order=np.array([0, 1, 1])), "twice", id="row-twice"),
        pytest.param(
            audience(4, persons=texts(["a", "b", "a", "c"]), order=np.array([0, 2, 3])),
            "a person twice",
            id="among-the-planned",
        ),
    ],
)
@pytest.mark.parametrize("mode", Mode)
def test_nobody_is_frozen_twice(ledger: Ledger, frozen: Frozen, words: str, mode: Mode) -> None:
    """A plan with a phone or a person twice is refused as a whole."""
    with pytest.raises(LedgerError, match=words):
        freeze(ledger, frozen, mode=mode)

    assert ledger.campaigns.find() == []


def test_copies_among_those_left_out_do_not_matter(ledger: Ledger) -> None:
    """Only the planned must be different: left-out rows may repeat a phone or a person."""
    phones = np.array([FIRST, FIRST, FIRST + 1], np.int64)
    row = freeze(ledger, audience(3, phones=phones, persons=texts("aab"), order=np.array([0, 2])))

    assert ledger.audience.counts(row.id).planned == 2


@pytest.mark.parametrize("mode", [Mode.REHEARSE, Mode.LIVE])
def test_the_first_audience_stands(ledger: Ledger, mode: Mode) -> None:
    """An audience is written once: whoever comes later gets the first one's row, and changes nothing."""
    first = freeze(ledger, 3, mode=mode, plan_hash="first")
    before = dump(ledger)
    second = freeze(ledger, audience(5, first=FIRST + 9), mode=mode, plan_hash="second")

    assert second == first
    assert dump(ledger) == before


def test_a_plan_replaces_a_plan(ledger: Ledger) -> None:
    """Planning again forgets the earlier plan entirely, and touches no other mode or name."""
    others = [freeze(ledger, 2, mode=Mode.LIVE), freeze(ledger, 2, name="other", mode=Mode.PLAN)]
    first = freeze(ledger, audience(3, left_out=4), mode=Mode.PLAN, plan_hash="first")
    second = freeze(ledger, audience(1), mode=Mode.PLAN, plan_hash="second")

    assert ledger.campaigns.get("c", Mode.PLAN) == second
    assert (second.plan_hash, ledger.audience.counts(second.id).planned) == ("second", 1)
    assert list(ledger.audience.excluded(second.id)) == []
    assert ledger.audience.counts(first.id).planned == (0 if first.id != second.id else 1)
    assert [ledger.audience.counts(row.id).planned for row in others] == [2, 2]


def test_one_audience_however_many_freeze_at_once(ledger: Ledger) -> None:
    """Of runs that freeze the same campaign at the same time exactly one audience is stored."""
    start = threading.Barrier(4)
    rows: list[CampaignRow] = []

    def run(number: int) -> None:
        start.wait()
        rows.append(freeze(ledger, audience(4, first=FIRST + 10 * number), plan_hash=f"p{number}"))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    phones = ledger.audience.people(rows[0].id, 0).phones

    assert len(rows) == 4
    assert set(map(repr, rows)) == {repr(rows[0])}
    assert ledger.audience.counts(rows[0].id).planned == 4
    assert f"p{(int(phones[0]) - FIRST) // 10}" == rows[0].plan_hash


def test_a_name_is_one_campaign_per_mode(ledger: Ledger) -> None:
    """The same name in another mode is another campaign; campaigns are found by what they are."""
    for mode in Mode:
        freeze(ledger, 1, mode=mode)
    freeze(ledger, 1, name="d")

    assert [(r.name, r.mode) for r in ledger.campaigns.find()] == [
        *(("c", m) for m in Mode),
        ("d", Mode.LIVE),
    ]
    assert [r.name for r in ledger.campaigns.find(mode=Mode.LIVE, provider="acme")] == ["c", "d"]
    assert ledger.campaigns.find(provider="other") == []
    assert ledger.campaigns.get("e", Mode.LIVE) is None


def test_nobody_planned(ledger: Ledger) -> None:
    """A campaign for nobody has books like any other."""
    row = freeze(ledger, audience(0, left_out=2))

    assert ledger.audience.counts(row.id) == Tally(0, 0, 0, 0, 0, 0, 0, 0, 0)
    assert ledger.audience.states(row.id) == {}
    assert sum(t.num_rows for t in ledger.audience.excluded(row.id)) == 2
    assert ledger.audience.submitted("c", Mode.LIVE)[0].tolist() == []


def test_a_template_without_variables(ledger: Ledger) -> None:
    """People of a campaign whose text is the same for all are stored without values."""
    row = freeze(ledger, audience(3, variables={}))
    people = ledger.audience.people(row.id, 0, np.array([1], np.uint16))

    assert people.phones.tolist() == [FIRST + 1]
    assert dict(people.variables) == {}


def test_many_people(ledger: Ledger) -> None:
    """25 000 people lie in chunks, in send order, each with their own; they are found wherever they lie."""
    order = np.random.default_rng(1).permutation(25_000)
    row = freeze(ledger, audience(25_000, left_out=25_000, order=order))
    states = ledger.audience.states(row.id)
    last = order[-1]
    move(ledger, row.id, change("claim", [999], S)._replace(chunk=24))
    phones = np.concatenate([ledger.audience.people(row.id, c).phones for c in states])
    names = [n for c in states for n in ledger.audience.people(row.id, c).variables["name"].to_pylist()]
    persons = [p for c in states for p in ledger.audience.keys(row.id, c).persons.to_pylist()]
    some = order[[0, 1000, 24_999]]

    assert [len(s) for s in states.values()] == [1000] * 25
    assert (phones - FIRST).tolist() == order.tolist()
    assert names == [f"n{n}" for n in order]
    assert persons == [f"u{n}" for n in order]
    assert ledger.audience.find(row.id, person=f"u{last}", phone=0) == [(24, 999)]
    assert ledger.audience.find(row.id, person="", phone=int(FIRST + order[1000])) == [(1, 0)]
    assert ledger.audience.find(row.id, person=f"u{order[0]}", phone=int(FIRST + last)) == [(0, 0), (24, 999)]
    assert ledger.audience.find(row.id, person="nobody", phone=1) == []
    assert ledger.audience.locate(row.id, np.append(some + FIRST, 1)) == {
        int(FIRST + some[0]): (0, 0),
        int(FIRST + some[1]): (1, 0),
        int(FIRST + some[2]): (24, 999),
    }
    assert ledger.audience.counts(row.id).submitting == 1
    assert ledger.audience.submitted("c", Mode.LIVE)[1].to_pylist() == [f"u{last}"]
    assert sum(t.num_rows for t in ledger.audience.excluded(row.id)) == 25_000


# -- arrows ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TRANSITIONS)
def test_arrows(ledger: Ledger, kind: str) -> None:
    """From each state each kind of change leads exactly where the table says; any other changes nothing."""
    every = len(State)
    row = freeze(ledger, every * every)
    for start in State:
        bring(ledger, row.id, range(start * every, (start + 1) * every), start)
    wanted, moved = [], []
    for start, to in itertools.product(State, State):
        position = start * every + to
        wanted += [(start, to)] if start is TRANSITIONS[kind][0] and to in TRANSITIONS[kind][1] else []
        before = dump(ledger)
        try:
            move(ledger, row.id, change(kind, [position], to))
        except LedgerError:
            assert dump(ledger) == before
        else:
            moved.append((start, to))
            assert ledger.audience.states(row.id)[0][position] == to

    assert moved == wanted


def test_all_or_nothing(ledger: Ledger) -> None:
    """Of changes committed together, one that is refused takes all others with it."""
    row = freeze(ledger, 4)
    bring(ledger, row.id, 3, A)
    before = dump(ledger)
    with pytest.raises(LedgerError, match="claim: somebody is not waiting"):
        move(ledger, row.id, change("claim", [0, 1], S), change("claim", [2, 3], S))

    assert dump(ledger) == before


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([change("claim", [1], S), change("claim", [1], S)], id="two-changes"),
        pytest.param([change("claim", [1, 0, 1], S)], id="one-change"),
    ],
)
def test_nobody_is_claimed_twice(ledger: Ledger, changes: list[Change]) -> None:
    """A group of claims that names somebody twice is refused, however it is grouped."""
    row = freeze(ledger, 3)
    with pytest.raises(LedgerError):
        move(ledger, row.id, *changes)

    assert ledger.audience.counts(row.id).waiting == 3
    assert ledger.audience.events(row.id, 0) == []


def test_a_group_may_lead_on(ledger: Ledger) -> None:
    """Within one commit an outcome may be followed by the next claim of the same person."""
    row = freeze(ledger, 1)
    bring(ledger, row.id, 0, S)
    move(ledger, row.id, change("outcome", [0], W), change("claim", [0], S))

    assert ledger.audience.states(row.id)[0].tolist() == [S]
    assert [e.kind for e in ledger.audience.events(row.id, 0)] == ["claim", "outcome", "claim"]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(sorted(TRANSITIONS)), st.sampled_from(State), st.sets(st.integers(0, 5), min_size=1)
    ),
    max_size=25,
)


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_books_always_balance(ledger: Ledger, steps: list[Any]) -> None:
    """Whatever is tried in whatever order, the books balance and agree with a count person by person."""
    row = freeze(ledger, 6, name=f"c{len(ledger.campaigns.find())}")
    model = [W] * 6
    for kind, to, positions in steps:
        at = sorted(positions)
        legal = all(model[p] is TRANSITIONS[kind][0] for p in at) and to in TRANSITIONS[kind][1]
        try:
            move(ledger, row.id, change(kind, at, to))
            done = True
        except LedgerError:
            done = False
        assert done == legal
        for position in at if done else ():
            model[position] = to
        b = ledger.audience.counts(row.id)

        assert ledger.audience.states(row.id)[0].tolist() == model
        assert b.planned == 6 == b.waiting + b.submitting + b.accepted + b.refused + b.unknown
        assert b.accepted == b.delivered + b.undelivered + b.awaiting
        assert [b.waiting, b.submitting, b.awaiting, b.refused, b.unknown, b.delivered, b.undelivered] == [
            model.count(state) for state in State
        ]


def test_interrupt_makes_unknown(ledger: Ledger) -> None:
    """What a dead run left between intent and outcome becomes unknown, nothing else moves."""
    row = freeze(ledger, len(State))
    for state in State:
        bring(ledger, row.id, state, state)
    for left in (1, 0):
        changes = interruptions(ledger.audience.states(row.id))
        assert sum(len(change.positions) for change in changes) == left
        with ledger.senders.hold(row.id) as token:
            ledger.changes.apply(row.id, changes, token=token)

    assert ledger.audience.states(row.id)[0].tolist() == [W, U, A, R, U, D, X]
    assert ledger.audience.history(row.id, 0).reason[S] == "interrupted"


# -- history -------------------------------------------------------------------------------------


def test_history_tells_the_latest(timed: Ledger, clock: Clock) -> None:
    """Each person's facts are those of the last submission and the first report, whatever came in between."""
    row = freeze(timed, 5)
    steps: list[tuple[float, Change]] = [
        (100.0, change("claim", [0, 1, 2], S)),
        (101.0, change("outcome", [0, 1, 2], [W, U, R], reason=["not_taken", "no_answer", "refused"],
                       codes=["8", "", "15"], details=["busy", "", "拒绝"])),
        (200.0, change("claim", [0], S)),
        (201.0, change("outcome", [0], A, ids=["m0"], codes="0")),
        (202.0, change("settled", [1], A, ids="m1", codes="0")),
        (203.0, change("receipt", [0, 1], [D, X], codes=["DELIVRD", "MK:0001"], details=["ok", "空号"],
                       times=[150.5, 250.5])),
        (204.0, change("opt_out", [3], R, reason="opted_out")),
    ]  # fmt: skip
    for now, step in steps:
        clock.now = now
        move(timed, row.id, step)
    h = timed.audience.history(row.id, 0)

    assert h.keys.states.tolist() == [D, X, R, R, W]
    assert h.reason.tolist() == ["", "", "refused", "opted_out", ""]
    assert h.message_id.tolist() == ["m0", "m1", "", "", ""]
    assert h.code.tolist() == ["0", "0", "15", "", ""]
    assert h.detail.tolist() == ["ok", "空号", "拒绝", "", ""]
    assert h.submitted_at[:3].tolist() == [200.0, 100.0, 100.0]
    assert h.receipt_code.tolist() == ["DELIVRD", "MK:0001", "", "", ""]
    assert h.receipt_at[:2].tolist() == [150.5, 250.5]
    assert np.isnan([*h.submitted_at[3:], *h.receipt_at[2:]]).all()


def test_events_are_the_evidence(timed: Ledger, clock: Clock) -> None:
    """Every change is kept, in order, with its time, its people and what was said."""
    row = freeze(timed, 3)
    clock.now = 5.0
    move(timed, row.id, change("claim", [2, 0], S))
    clock.now = 6.0
    move(timed, row.id, change("outcome", [0, 2], [A, U], ids=["m", ""], reason=["", "no_answer"]))
    first, second = timed.audience.events(row.id, 0)

    assert (first.kind, first.at, first.positions.tolist(), first.facts) == ("claim", 5.0, [2, 0], Facts())
    assert second.facts == Facts(ids=["m", ""], reason=["", "no_answer"])
    assert second.states.tolist() == [A, U]


def test_who_was_submitted(ledger: Ledger) -> None:
    """Everybody who may have got a message counts as submitted, also those whose outcome is unknown."""
    row = freeze(ledger, len(State))
    for state in State:
        bring(ledger, row.id, state, state)
    phones, persons = ledger.audience.submitted("c", Mode.LIVE)

    assert (phones - FIRST).tolist() == [S, A, U, D, X]
    assert persons.to_pylist() == [f"u{int(s)}" for s in (S, A, U, D, X)]
    assert [len(part) for part in ledger.audience.submitted("c", Mode.REHEARSE)] == [0, 0]


def test_what_an_id_was_made_from(ledger: Ledger) -> None:
    """A campaign is of the kind its id was made with, in every mode; one that is there stays as it is."""
    before = freeze(ledger, name="sale")
    ledger.campaigns.make_id("sale", kind=Kind.COPY, parent="other")
    ledger.campaigns.make_id("sale.again-1", kind=Kind.COPY, parent="sale")
    ledger.campaigns.make_id("sale.again-1", kind=Kind.FOLLOW_UP, parent="sale")
    made = [freeze(ledger, name="sale.again-1", mode=mode) for mode in Mode]
    alike = freeze(ledger, name="sale.again-2")
    ledger.campaigns.forget(made[1].id)
    again = freeze(ledger, name="sale.again-1", mode=Mode.REHEARSE)

    assert [(r.kind, r.parent, r.series) for r in [*made, again]] == [
        (Kind.FOLLOW_UP, "sale", "sale.again-1")
    ] * 4
    assert (alike.kind, alike.parent) == (before.kind, before.parent) == (Kind.CAMPAIGN, "")
    assert freeze(ledger, name="sale", mode=Mode.PLAN).kind is Kind.CAMPAIGN
    assert ledger.campaigns.made_ids() == {"sale.again-1": (Kind.FOLLOW_UP, "sale")}


def test_who_got_live_messages_lately(timed: Ledger, clock: Clock) -> None:
    """Live messages of other campaigns count from their submission on, each once, unknown ones too."""
    timed.campaigns.make_id("trial", kind=Kind.TEST, parent="own")
    own, other, test, rehearsal = (
        freeze(timed, len(State), name=name, mode=mode).id
        for name, mode in [
            ("own", Mode.LIVE),
            ("other", Mode.LIVE),
            ("trial", Mode.LIVE),
            ("r", Mode.REHEARSE),
        ]
    )
    for campaign in (own, other, test, rehearsal):
        clock.now = 1000.0
        for state in State:
            bring(timed, campaign, state, state)
    third = freeze(timed, 1, name="third").id
    clock.now = 2000.0
    bring(timed, third, 0, U)

    def counted(since: float, but_not: str = "own") -> list[int]:
        return sorted((timed.caps.accepted_since(since, but_not=but_not) - FIRST).tolist())

    assert counted(999.9) == sorted([0, S, A, U, D, X])
    assert counted(1000.0) == [0]
    assert counted(2000.0) == []
    assert counted(999.9, but_not="third") == sorted([S, A, U, D, X] * 3)


def test_whose_message_an_id_is(timed: Ledger, clock: Clock) -> None:
    """Of some ids and phones those are told that a campaign of this provider and mode has as its own."""
    row = freeze(timed, 4)
    clock.now = 1000.0
    move(timed, row.id, change("claim", [0, 1, 2, 3], S))
    move(timed, row.id, change("outcome", [0, 1], A, ids=["m0", "m1"]))
    move(timed, row.id, change("outcome", [2, 3], A, ids="m2"))
    wanted = {("m1", FIRST + 1), ("m1", FIRST), ("m2", FIRST + 2), ("m2", FIRST + 3), ("m9", FIRST)}

    assert timed.audience.known_messages("acme", Mode.LIVE, 900.0, wanted) == {
        ("m1", FIRST + 1),
        ("m2", FIRST + 2),
        ("m2", FIRST + 3),
    }
    assert timed.audience.known_messages("acme", Mode.LIVE, 1001.0, wanted) == set()
    assert timed.audience.known_messages("acme", Mode.REHEARSE, 900.0, wanted) == set()
    assert timed.audience.known_messages("other", Mode.LIVE, 900.0, wanted) == set()


# -- state of a campaign ----------------------------------------------------------------------------


def test_marks_are_timed(timed: Ledger, clock: Clock) -> None:
    """A campaign is created and started when it is frozen; its last end is kept, with a note for people."""
    clock.now = 100.0
    freeze(timed, mode=Mode.PLAN)
    row = freeze(timed)
    clock.now = 200.0
    timed.campaigns.mark(row.id, "running")
    timed.campaigns.mark(row.id, "paused", note="no money")
    paused = timed.campaigns.get("c", Mode.LIVE)
    clock.now = 300.0
    timed.campaigns.mark(row.id, "running")
    timed.campaigns.mark(row.id, "finished")
    ended = timed.campaigns.get("c", Mode.LIVE)
    plan = timed.campaigns.get("c", Mode.PLAN)

    assert paused is not None
    assert (paused.state, paused.note, paused.finished_at) == ("paused", "no money", None)
    assert ended is not None
    assert (ended.state, ended.note, ended.started_at, ended.finished_at) == ("finished", "", 100.0, 300.0)
    assert plan is not None
    assert plan.started_at is None


def test_a_stop_is_asked_for_once(ledger: Ledger) -> None:
    """A request to stop is seen by whoever looks, and is gone when the next run begins."""
    row = freeze(ledger)
    ledger.campaigns.request_stop(row.id)
    asked = ledger.campaigns.stop_requested(row.id)
    ledger.campaigns.mark(row.id, "running")

    assert asked is True
    assert ledger.campaigns.stop_requested(row.id) is False


def test_forget_leaves_nothing(ledger: Ledger) -> None:
    """A forgotten rehearsal leaves no row behind but that somebody forgot it, and others stay."""
    kept = freeze(ledger, 2, name="kept")
    before = dump(ledger)
    row = freeze(ledger, audience(3, left_out=1), mode=Mode.REHEARSE)
    bring(ledger, row.id, 0, D)
    ledger.campaigns.forget(row.id)

    after, noted = dict(dump(ledger)), {"audit", "counter"}
    assert {t: rows for t, rows in after.items() if t not in noted} == {
        t: rows for t, rows in before if t not in noted
    }
    assert [entry.action for entry in ledger.audit.entries()] == ["forget"]
    assert ledger.audience.counts(kept.id).planned == 2


# -- lease -------------------------------------------------------------------------------------------


OWNER = """
import sys
from smskit.ledger import Ledger
from smskit.models import Mode
ledger = Ledger(sys.argv[1])
with ledger.senders.hold(ledger.campaigns.get("c", Mode.LIVE).id):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def owner(ledger: Ledger) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts another process that holds the lease of campaign ``c``."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        url = ledger.database.engine.url.render_as_string(hide_password=False)
        process = subprocess.Popen(
            [sys.executable, "-c", OWNER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def own(ledger: Ledger, campaign: int) -> str:
    with ledger.senders.hold(campaign) as token:
        return token


def test_a_living_run_is_not_pushed_aside(
    ledger: Ledger, database_url: str, owner: Callable[[], subprocess.Popen[str]]
) -> None:
    """While another process on this machine lives it owns the campaign, however long it was silent."""
    row = freeze(ledger)
    other = owner()
    later = Ledger(database_url, clock=Clock(1e11))
    with pytest.raises(LedgerLocked, match=f"process {other.pid}"):
        own(later, row.id)
    later.close()
    other.communicate("")

    assert own(ledger, row.id)


def test_a_killed_run_is_replaced_at_once(ledger: Ledger, owner: Callable[[], subprocess.Popen[str]]) -> None:
    """A process that was killed loses the campaign at once, even before its parent noticed."""
    row = freeze(ledger)
    other = owner()
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # dead, and still a zombie
    with ledger.database.read() as conn:
        left_behind = conn.exec_driver_sql("select pid from sender").scalar()

    assert left_behind == other.pid
    assert own(ledger, row.id)


def test_a_killed_run_that_was_buried_is_replaced(
    ledger: Ledger, owner: Callable[[], subprocess.Popen[str]]
) -> None:
    """A process that is gone altogether has lost the campaign."""
    row = freeze(ledger)
    other = owner()
    other.kill()
    other.wait()

    assert own(ledger, row.id)


def test_a_reused_process_number_is_another_process(ledger: Ledger) -> None:
    """The same number with another start time is not the run that held the lease."""
    row = freeze(ledger)
    with ledger.senders.hold(row.id):
        with ledger.database.write() as conn:
            conn.exec_driver_sql("update sender set process_started = process_started - 60")

        assert own(ledger, row.id)


def test_a_lease_of_another_machine_ends_by_time(timed: Ledger, clock: Clock) -> None:
    """A run elsewhere owns the campaign until its lease ran out without a sign of life."""
    row = freeze(timed)
    with timed.senders.hold(row.id) as token:
        with timed.database.write() as conn:
            conn.exec_driver_sql("update sender set host = 'elsewhere'")
        clock.now += LEASE_TTL_S - 1
        timed.senders.renew(row.id, token)
        clock.now += LEASE_TTL_S - 1
        with pytest.raises(LedgerLocked, match="on elsewhere"):
            own(timed, row.id)
        clock.now += 1

        assert own(timed, row.id) != token


def test_two_runs_in_one_process(ledger: Ledger) -> None:
    """Two threads of one process are two runs: the second is refused, then served."""
    row = freeze(ledger)
    other = freeze(ledger, name="d")
    with ledger.senders.hold(row.id):
        with pytest.raises(LedgerLocked):
            own(ledger, row.id)

        assert own(ledger, other.id)
    assert own(ledger, row.id)


def test_a_run_that_fails_gives_the_lease_back(ledger: Ledger) -> None:
    """An error inside the block ends the lease like its end."""
    row = freeze(ledger)
    with pytest.raises(KeyError), ledger.senders.hold(row.id):
        raise KeyError

    assert own(ledger, row.id)


def test_a_lost_lease_records_nothing(ledger: Ledger) -> None:
    """Who lost the lease can neither record nor renew, and does not end the lease of the new owner."""
    row = freeze(ledger)
    lease = ledger.senders.hold(row.id)
    token = lease.__enter__()
    with ledger.database.write() as conn:
        conn.exec_driver_sql("update sender set token = 'new owner'")
    before = dump(ledger)
    with pytest.raises(LedgerLocked):
        ledger.changes.apply(row.id, [change("claim", [0], S)], token=token)
    with pytest.raises(LedgerLocked):
        ledger.senders.renew(row.id, token)
    lease.__exit__(None, None, None)

    assert dump(ledger) == before
    ledger.changes.apply(row.id, [change("claim", [0], S)], token="new owner")
    assert ledger.audience.counts(row.id).submitting == 1


# -- receipts, replies, opt-outs -----------------------------------------------------------------------


def test_pages_wait_until_they_are_worked_through(ledger: Ledger) -> None:
    """A page is kept as it came, apart by provider, mode and kind, and its body goes once it is handled."""
    first = ledger.raw_reports.keep("acme", Mode.LIVE, "receipts", b"[1]")
    ledger.raw_reports.keep("acme", Mode.LIVE, "receipts", b"\xff\x00")
    ledger.raw_reports.keep("acme", Mode.LIVE, "replies", b"r")
    ledger.raw_reports.keep("acme", Mode.REHEARSE, "receipts", b"x")
    before = ledger.raw_reports.open("acme", Mode.LIVE, "receipts")
    ledger.raw_reports.close(first)
    ledger.raw_reports.close(first)
    with ledger.database.read() as conn:
        bodies = conn.exec_driver_sql("select body from inbox order by id").scalars().all()

    assert [body for _, body in before] == [b"[1]", b"\xff\x00"]
    assert [body for _, body in ledger.raw_reports.open("acme", Mode.LIVE, "receipts")] == [b"\xff\x00"]
    assert ledger.raw_reports.open("other", Mode.LIVE, "receipts") == []
    assert bodies == [b"", b"\xff\x00", b"r", b"x"]


def test_strays_are_kept_for_a_week(timed: Ledger, clock: Clock) -> None:
    """A report nobody knows is kept as it was told, dropped when it found its message, or after a week."""
    receipts = [
        Receipt("m1", "+8613800000000", True, "DELIVRD", "送达", datetime(2026, 11, 23, 2, 0, 0, 5000, UTC)),
        Receipt("m2", "+8613800000001", None, "?"),
    ]
    timed.unmatched.keep("acme", Mode.LIVE, receipts)
    timed.unmatched.keep("acme", Mode.LIVE, [])
    kept = timed.unmatched.find("acme", Mode.LIVE)
    timed.unmatched.drop([kept[0][0]])
    timed.unmatched.drop([])
    clock.now += UNMATCHED_DAYS * 86400
    rest = timed.unmatched.find("acme", Mode.LIVE)
    clock.now += 1

    assert [receipt for _, receipt in kept] == receipts
    assert [receipt for _, receipt in rest] == receipts[1:]
    assert timed.unmatched.find("acme", Mode.REHEARSE) == []
    assert timed.unmatched.find("acme", Mode.LIVE) == []


def test_a_reply_is_kept_once(ledger: Ledger) -> None:
    """The same reply told again, in the same page or later, is no new one."""
    replies = [
        (Reply("r1", "+8613800000000", "TD", datetime(2026, 11, 23, tzinfo=UTC)), FIRST, Answer.OPT_OUT),
        (Reply("r2", "+8613800000001", "谢谢"), FIRST + 1, Answer.NOT),
    ]

    assert ledger.replies.keep("acme", Mode.LIVE, [*replies, replies[0]]) == 2
    assert ledger.replies.keep("acme", Mode.LIVE, replies) == 0
    assert ledger.replies.keep("other", Mode.LIVE, replies) == 2
    assert ledger.replies.keep("acme", Mode.REHEARSE, replies[:1]) == 1


def test_opt_outs(timed: Ledger, clock: Clock) -> None:
    """Who opted out is on the list once, since the first time, and leaves it when taken off."""
    first = timed.opt_outs.add([FIRST + 2, FIRST, FIRST + 2], source="by hand", note="called")
    clock.now += 10
    second = timed.opt_outs.add([FIRST, FIRST + 1], source="reply:acme")
    rows, phones, version = timed.opt_outs.rows(), timed.opt_outs.phones(), timed.opt_outs.version()
    removed = [timed.opt_outs.remove(FIRST) for _ in range(2)]

    assert (first, second) == (2, 1)
    assert phones.tolist() == [FIRST, FIRST + 1, FIRST + 2]
    assert [(r[0] - FIRST, r[1] - clock.now, r[2], r[3]) for r in rows] == [
        (1, 0.0, "reply:acme", ""),
        (0, -10.0, "by hand", "called"),
        (2, -10.0, "by hand", "called"),
    ]
    assert removed == [True, False]
    assert timed.opt_outs.phones().tolist() == [FIRST + 1, FIRST + 2]
    assert timed.opt_outs.version() != version
    assert timed.opt_outs.add([], source="x") == 0


def test_two_may_add_the_same_opt_outs_at_once(ledger: Ledger) -> None:
    """Two imports of the same numbers at the same time add each number once, and neither fails."""
    numbers = list(range(FIRST, FIRST + 5000))
    start = threading.Barrier(2)
    added: list[int] = []

    def run() -> None:
        start.wait()
        added.append(ledger.opt_outs.add(numbers, source="import"))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(added) == [0, 5000]
    assert ledger.opt_outs.phones().tolist() == numbers


# -- the database ------------------------------------------------------------------------------------


def test_what_is_committed_survives_a_power_cut(tmp_path: Path) -> None:
    """Every connection to a file syncs fully, and the file itself is in write-ahead mode."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    with ledger.database.write() as conn:
        synchronous = conn.exec_driver_sql("pragma synchronous").scalar()
    fresh = sqlite3.connect(tmp_path / "ledger.db")
    mode = fresh.execute("pragma journal_mode").fetchone()
    fresh.close()
    ledger.close()

    assert synchronous == 2  # FULL
    assert mode == ("wal",)


def test_a_reader_sees_whole_commits_while_somebody_writes(ledger: Ledger, database_url: str) -> None:
    """An outsider reads the books during a write, as they were before it."""
    row = freeze(ledger)
    outsider = Ledger(database_url)
    with ledger.database.write() as conn:
        conn.execute(PROGRESS.update().values(sealed(PROGRESS, row.id, 0, {"states": b"\1\1\1"})))
        during = outsider.audience.counts(row.id)
    after = outsider.audience.counts(row.id)
    outsider.close()

    assert (during.waiting, during.submitting) == (3, 0)
    assert (after.waiting, after.submitting) == (0, 3)


OPENER = """
import sys, time
from smskit.ledger import Ledger
from smskit.models import Mode
time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
ledger = Ledger(sys.argv[1])
print(ledger.raw_reports.keep("acme", Mode.LIVE, "receipts", b""))
"""


def test_processes_that_open_a_new_ledger_at_once(database_url: str) -> None:
    """Processes that open the same new database at the same instant all get a working ledger."""
    start = datetime.now(UTC).timestamp() + 3
    command = [sys.executable, "-c", OPENER, database_url, str(start)]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    pages = sorted(int(run.communicate(timeout=60)[0]) for run in runs)

    assert pages == [1, 2, 3]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        pytest.param("postgresql://bi:s3same@127.0.0.1:x/sms", 1, id="no-port"),
        pytest.param("postgresql+psycopg://bi:s3same@db.invalid/sms", 1, id="server"),
        pytest.param("nosuch://bi:s3same@db/sms", 3, id="no-dialect"),
        pytest.param("oracle://bi:s3same@db/sms", 3, id="no-driver"),
        pytest.param("s3same", 1, id="no-url"),
        pytest.param("", 1, id="empty"),
    ],
)
def test_a_database_that_cannot_be_opened(url: str, code: int) -> None:
    """The error names the variable; the URL of a server, which may hold a password, is nowhere in it."""
    with pytest.raises(LedgerError, match="SMSKIT_DATABASE_URL") as caught:
        Ledger(url, patience_s=0)
    told, error = "", caught.value
    while error is not None:
        told += f"{error} {error!r} {error.args}"
        error = error.__cause__ or error.__context__  # type: ignore[assignment]

    assert "s3same" not in told
    assert caught.value.exit_code == code


@pytest.mark.parametrize("url", ["mysql://db/sms", "mssql://bi@db/sms"])
def test_what_else_is_no_ledger(url: str) -> None:
    """A server of another kind, which might let two programs claim the same people, is not even asked."""
    with pytest.raises(UnsupportedLedger, match="in a SQLite file or on a PostgreSQL server") as caught:
        Ledger(url, patience_s=0)

    assert caught.value.exit_code == 3


def test_no_file_is_a_ledger_by_accident(tmp_path: Path) -> None:
    """A file that is no database is refused and left as it is."""
    file = tmp_path / "people.csv"
    file.write_text("user_id,phone\n" * 100)
    with pytest.raises(LedgerError):
        Ledger(f"sqlite:///{file}")

    assert file.read_text() == "user_id,phone\n" * 100


def test_arrows_lead_everywhere() -> None:
    """The paths by which these tests reach each state are made of arrows of the table alone."""
    for state, path in TO.items():
        for (kind, to), start in zip(path, itertools.chain([W], (t for _, t in path)), strict=False):
            assert TRANSITIONS[kind][0] is start
            assert to in TRANSITIONS[kind][1]

        assert (path[-1][1] if path else W) is state
