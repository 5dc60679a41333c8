"""``smskit.ledger.recent``: who is over a frequency cap at a claim, against a slow count of messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smskit.ledger import Change, Facts, Frozen, Ledger
from smskit.ledger.recent import Recent, counted
from smskit.message.windows import FrequencyCap
from smskit.models import Kind, Mode, State
from smskit.simulator import FaultPlan, Simulator
from tests import live
from tests.profiles import examples

FIRST = 8613800000000
HOUR = 3600.0
W, S, A, R, U, D, X = State  # waiting, submitting, accepted, refused, unknown, delivered, undelivered


def cap(most: int = 1, hours: float = 1) -> FrequencyCap:
    return FrequencyCap(most, timedelta(hours=hours))


def phones(*numbers: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array([FIRST + n for n in numbers], np.int64)


def add(recent: Recent, campaign: int, numbers: Sequence[int], *, chunk: int = 0) -> None:
    """Add a chunk of another campaign in which everybody waits."""
    n = len(numbers)
    recent.add(campaign, chunk, phones(*numbers), claimed_at=np.full(n, np.nan), states=np.zeros(n, np.uint8))


def told(recent: Recent, campaign: int, moves: dict[int, State], *, at: float | None, chunk: int = 0) -> None:
    """Tell *recent* of an event; *at* is when it claimed."""
    positions, states = np.array(list(moves), np.uint16), np.array(list(moves.values()), np.uint8)
    recent.tell(campaign, chunk, claimed_at=at, positions=positions, states=states)


def over(recent: Recent, now: float, *numbers: int) -> list[int]:
    """Those of *numbers* who are over the cap."""
    mask = recent.over(phones(*numbers), now)
    return [n for n, is_over in zip(numbers, mask, strict=True) if is_over]


# -- one thing at a time ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "counts"),
    [(W, False), (S, True), (A, True), (R, False), (U, True), (D, True), (X, True)],
    ids=lambda value: str(getattr(value, "label", value)),
)
def test_what_counts(state: State, counts: bool) -> None:
    """What was accepted counts, and what may have been; what was refused or not taken does not."""
    recent = Recent(phones(1), cap())
    add(recent, 7, [1])
    told(recent, 7, {0: S}, at=0.0)
    told(recent, 7, {0: state}, at=None)

    assert counted(np.array([state], np.uint8)).tolist() == [counts]
    assert over(recent, 1.0, 1) == ([1] if counts else [])


@pytest.mark.parametrize(
    ("age_s", "counts"),
    [(0.0, True), (HOUR - 0.001, True), (HOUR, False), (HOUR + 0.001, False), (-2.0, True)],
    ids=["now", "just-within", "exactly-the-window", "older", "another-clock-is-ahead"],
)
def test_the_edge_of_the_window(age_s: float, counts: bool) -> None:
    """A message of exactly the window's length ago counts no more, a thousandth of a second younger does."""
    recent = Recent(phones(1), cap(1, 1))
    add(recent, 7, [1])
    told(recent, 7, {0: S}, at=1_795_400_000.0)

    assert over(recent, 1_795_400_000.0 + age_s, 1) == ([1] if counts else [])


def test_messages_of_all_campaigns_and_chunks_add_up() -> None:
    """Each campaign counts once a phone; people who are not ours, or have had fewer, are not over."""
    recent = Recent(phones(5, 1, 3), cap(2))
    for campaign, chunk, held in [(7, 0, (1, 2)), (7, 1, (3, 4)), (8, 0, (3, 1)), (9, 4, (1,))]:
        add(recent, campaign, held, chunk=chunk)
        told(recent, campaign, dict.fromkeys(range(len(held)), S), at=10.0, chunk=chunk)

    assert over(recent, 11.0, 1, 3, 5) == [1, 3]
    assert over(recent, 11.0, 3) == [3]
    assert over(recent, 11.0) == []


def test_a_second_attempt_counts_from_its_own_time() -> None:
    """Somebody who was not taken and is claimed again later counts once, as of the later claim."""
    recent = Recent(phones(1), cap(1))
    add(recent, 7, [1])
    for moves, at in [({0: S}, 0.0), ({0: W}, None), ({0: S}, HOUR / 2)]:
        told(recent, 7, moves, at=at)

    assert over(recent, HOUR, 1) == [1]
    assert over(recent, HOUR * 1.5, 1) == []


def test_nobody_and_strangers() -> None:
    """A campaign about nobody, and chunks without anybody of ours, are no special case."""
    nobody, one = Recent(phones(), cap()), Recent(phones(1), cap())
    for recent in (nobody, one):
        add(recent, 7, [2, 3])
        told(recent, 7, {0: S, 1: S}, at=0.0)

    assert nobody.knows(7, 0)
    assert over(one, 1.0, 1) == []
    assert over(Recent(phones(1), cap(0)), 1.0, 1) == [1]


# -- against an oracle, through the ledger ---------------------------------------------------------


@dataclass
class World:
    """A ledger, and beside it a plain list of every message: the oracle."""

    ledger: Ledger
    now: float = 1_795_400_000.0
    # Every message ever claimed: campaign name, mode, phone, time of its last claim, state.
    messages: dict[tuple[str, Mode, int], tuple[float, State]] = field(default_factory=dict)
    rows: dict[tuple[str, Mode], int] = field(default_factory=dict)

    def open(self, name: str, mode: Mode, numbers: list[int]) -> None:
        """Freeze a campaign about these phones."""
        n = len(numbers)
        if name == "trial":
            self.ledger.campaigns.make_id(name, kind=Kind.TEST, parent="own")
        row = self.ledger.campaigns.freeze(
            name=name,
            mode=mode,
            provider="acme",
            plan_hash="p",
            spec={},
            summary={},
            frozen=Frozen(
                phones=phones(*numbers),
                persons=pa.array([str(n) for n in numbers], pa.large_string()),
                variables={"x": pa.array(["x"] * n, pa.large_string())},
                parts=np.ones(n, np.int16),
                excluded=pa.table({"person": pa.array([], pa.large_string())}),
                order=np.arange(n),
            ),
        )
        self.rows[name, mode] = row.id

    def move(self, name: str, mode: Mode, wanted: int, to: State) -> None:
        """Bring whoever is at that place to state *to*, if an arrow leads there."""
        row = self.rows.get((name, mode))
        if row is None:
            return
        held = self.ledger.audience.keys(row, 0)
        position = wanted % len(held.phones)
        phone, state = int(held.phones[position]) - FIRST, State(int(held.states[position]))
        kind = {(W, S): "claim", (W, R): "frequency_cap"}.get((state, to))
        if state is S and to in (A, R, U, W):
            kind = "outcome"
        if state is U and to in (A, R, W):
            kind = "settled"
        if state is A and to in (D, X):
            kind = "receipt"
        if kind is None:
            return
        at, states = np.array([position], np.uint16), np.array([to], np.uint8)
        self.ledger.changes.apply(row, [Change(kind, 0, at, states, Facts())], token=None)  # type: ignore[arg-type]
        before = self.messages.get((name, mode, phone), (0.0, W))
        self.messages[name, mode, phone] = (self.now if kind == "claim" else before[0], to)

    def forget(self, name: str) -> None:
        """Delete a rehearsal; its numbers are given anew."""
        row = self.rows.pop((name, Mode.REHEARSE), None)
        if row is not None:
            self.ledger.campaigns.forget(row)

    def had(self, phone: int, window_s: float, own: str) -> int:
        """How many live messages of other campaigns a phone has had, or may have had, in the window."""
        return sum(
            1
            for (name, mode, number), (at, state) in self.messages.items()
            if number == phone
            and mode is Mode.LIVE
            and name != own
            and (name, own) != ("trial", "own")
            and state not in (W, R)
            and at + window_s > self.now
        )


_EMPTY = (
    "TRUNCATE campaign, audience, content, progress, excluded, ruled_out, event, sender "
    "RESTART IDENTITY CASCADE"
)


@contextmanager
def world(url: str) -> Iterator[World]:
    """An empty world; of a file nothing but its kind is taken, so that each is new and quick."""
    file = url.startswith("sqlite")
    made = World(Ledger("sqlite://" if file else url))
    if not file:
        with made.ledger.database.write() as conn:
            conn.exec_driver_sql(_EMPTY)
    made.ledger.database.clock = lambda: made.now
    try:
        yield made
    finally:
        made.ledger.close()


NAMES = ("own", "trial", "own.test-20261123T100000", "monday", "friday", "later")
OWN = [0, 1, 2, 3, 4, 5]
PEOPLE = dict(zip(NAMES, (OWN, [0], [3], [0, 1, 2, 9], [5, 1, 0], [2, 0]), strict=True))
STEPS = st.one_of(
    st.tuples(
        st.just("move"),
        st.sampled_from(NAMES[1:]),
        st.sampled_from([Mode.LIVE, Mode.LIVE, Mode.REHEARSE]),
        st.integers(0, 3),
        st.sampled_from([S, S, S, A, R, U, W, D]),
    ),
    st.tuples(st.just("pass"), st.sampled_from([0.5, 60.0, HOUR / 2, HOUR - 60, HOUR, 2 * HOUR])),
    st.tuples(st.just("open"), st.sampled_from(NAMES[1:]), st.sampled_from([Mode.LIVE, Mode.REHEARSE])),
    st.tuples(st.just("forget"), st.sampled_from(NAMES[1:])),
    st.tuples(st.just("ask")),
    st.tuples(st.just("start-anew")),
)


def test_caps_are_what_an_oracle_says(database_url: str) -> None:
    """Whatever other campaigns do, in whatever order, a claim and a plan see what a slow count sees."""

    @settings(max_examples=examples(120 if database_url.startswith("sqlite") else 12), deadline=None)
    @given(st.lists(STEPS, max_size=30), st.integers(1, 3), st.sampled_from([1, 2]))
    def check(steps: list[tuple[Any, ...]], most: int, hours: int) -> None:
        _assert_as_counted(database_url, steps, most, hours)

    check()


def _assert_as_counted(url: str, steps: list[tuple[Any, ...]], most: int, hours: int) -> None:
    with world(url) as w:
        w.open("own", Mode.LIVE, [*OWN, *range(100, 100 + len(steps) + 1)])
        for name, mode in [("friday", Mode.REHEARSE), *((name, Mode.LIVE) for name in NAMES[1:5])]:
            w.open(name, mode, PEOPLE[name])
        window, own, asked = cap(most, hours), w.rows["own", Mode.LIVE], 0
        with w.ledger.senders.hold(own) as token:
            recent = w.ledger.caps.recent(own, window)
            for step, *args in [*steps, ("ask",)]:
                if step == "move":
                    w.move(*args)
                elif step == "pass":
                    w.now += args[0]
                elif step == "open":
                    if tuple(args) not in w.rows:
                        w.open(args[0], args[1], PEOPLE[args[0]])
                elif step == "forget":
                    w.forget(*args)
                elif step == "start-anew":
                    recent = w.ledger.caps.recent(own, window)
                else:
                    found = ask(w, own, token, recent, position=len(OWN) + asked)
                    asked += 1
                    slow = [n for n in OWN if w.had(n, hours * HOUR, "own") >= most]
                    listed = w.ledger.caps.accepted_since(w.now - hours * HOUR, but_not="own").tolist()

                    assert found == slow
                    assert sorted(n for n in listed if n - FIRST in OWN) == sorted(
                        FIRST + n for n in OWN for _ in range(w.had(n, hours * HOUR, "own"))
                    )


def ask(
    w: World, own: int, token: str, recent: Recent, *, position: int, numbers: Sequence[int] = OWN
) -> list[int]:
    """Who is over the cap, seen from within a claim of somebody nobody else knows."""
    found: list[int] = []

    def changes(now: float) -> tuple[list[Change], bool]:
        found.extend(over(recent, now, *numbers))
        at, to = np.array([position], np.uint16), np.array([S], np.uint8)
        return [Change("claim", 0, at, to)], True

    assert w.ledger.changes.apply_unless_opted_out(own, changes, token=token, version=0, recent=recent)
    return found


def test_numbers_of_forgotten_events_are_given_anew(database_url: str) -> None:
    """An event that takes the number of a forgotten rehearsal's, as in a file, is seen all the same."""
    with world(database_url) as w:
        w.open("own", Mode.LIVE, [*OWN, 100])
        for name, mode in (("friday", Mode.LIVE), ("rehearsal", Mode.REHEARSE)):
            w.open(name, mode, [0, 1])
        own = w.rows["own", Mode.LIVE]
        with w.ledger.senders.hold(own) as token:
            w.move("rehearsal", Mode.REHEARSE, 0, S)
            recent = w.ledger.caps.recent(own, cap())
            w.forget("rehearsal")
            w.move("friday", Mode.LIVE, 1, S)
            found = ask(w, own, token, recent, position=len(OWN))

    assert found == [1]


def test_a_message_is_as_old_as_its_claim(database_url: str) -> None:
    """What becomes of another campaign's message while a run is on does not make it younger."""
    with world(database_url) as w:
        w.open("own", Mode.LIVE, [*OWN, 100, 101])
        w.open("friday", Mode.LIVE, [0, 1])
        own = w.rows["own", Mode.LIVE]
        with w.ledger.senders.hold(own) as token:
            recent = w.ledger.caps.recent(own, cap())
            w.move("friday", Mode.LIVE, 0, S)
            w.now += HOUR / 2
            w.move("friday", Mode.LIVE, 0, A)
            w.now += HOUR / 2 - 1
            young = ask(w, own, token, recent, position=len(OWN))
            w.now += 1
            old = ask(w, own, token, recent, position=len(OWN) + 1)

    assert (young, old) == ([0], [])


# -- two ledgers on one database --------------------------------------------------------------------------


def test_a_claim_sees_what_another_process_committed_a_moment_ago(database_url: str) -> None:
    """Each of two runs, by connections of their own, finds the other's claims, whoever is first."""
    ours, theirs = World(Ledger(database_url)), World(Ledger(database_url))
    for w, name in ((ours, "own"), (theirs, "friday")):
        w.ledger.database.clock = lambda: ours.now
        w.open(name, Mode.LIVE, [0, 1, 100, 101, 102])
    own = ours.rows["own", Mode.LIVE]
    with ours.ledger.senders.hold(own) as token:
        recent = ours.ledger.caps.recent(own, cap())
        before = ask(ours, own, token, recent, position=2, numbers=(0, 1))
        theirs.move("friday", Mode.LIVE, 1, S)
        during = ask(ours, own, token, recent, position=3, numbers=(0, 1))
        theirs.move("friday", Mode.LIVE, 1, R)
        after = ask(ours, own, token, recent, position=4, numbers=(0, 1))
    ours.ledger.close()
    theirs.ledger.close()

    assert (before, during, after) == ([], [1], [])


def test_two_campaigns_at_once_stay_within_the_cap(
    simulator: Simulator, tmp_path: Path, database_url: str
) -> None:
    """Two live campaigns in two processes, 300 people in both: each of these is messaged by one of them."""
    simulator.world.set_faults(FaultPlan(seed=1, latency_s=0.02))
    live.approve(simulator, live.MULTI)
    environ = live.MULTI.environ(simulator.url, tmp_path, database_url)
    segments = [
        live.segment(tmp_path / f"{name}.csv", 400, first=first)
        for name, first in (("a", 13800100000), ("b", 13800100100))
    ]
    runs = [
        live.start(live.data(live.MULTI, source, campaign=source.stem, frequency_cap="1/7d"), environ)
        for source in segments
    ]
    for run in runs:
        run.join(120)
    books = [live.books(environ, name) for name in ("a", "b")]

    assert [run.exitcode for run in runs] == [0, 0]
    assert all(live.balanced(b) for b in books)
    assert simulator.world.doubled() == []
    assert simulator.world.accepted() == simulator.world.phones() == 500
    assert sum(b.accepted for b in books) == 500
