"""``ledger.senders``: who has which chunk, who leads, who is dead, where several send a campaign."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from smskit.errors import LedgerLocked
from smskit.ledger import LEASE_TTL_S, Change, Facts, Ledger, Role
from smskit.ledger.processes import WORKING
from smskit.models import State
from tests.clock import Clock
from tests.postgres import Server
from tests.test_engine import freeze

PEOPLE = 2_500  # three chunks


@pytest.fixture(scope="module")
def url(postgres: Server) -> Iterator[str]:
    """The address of one ledger for all."""
    with postgres.schema() as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    """The time of a test."""
    return Clock(1_000_000.0)


@pytest.fixture
def shared(url: str, clock: Clock) -> Iterator[Ledger]:
    """A ledger that several may send from."""
    ledger = Ledger(url, clock=clock)
    yield ledger
    ledger.close()


@pytest.fixture
def campaign(shared: Ledger, request: pytest.FixtureRequest) -> int:
    """A campaign of three chunks."""
    return freeze(shared, PEOPLE, name=request.node.name)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What ends with the test."""
    with ExitStack() as made:
        yield made


def join(stack: ExitStack, ledger: Ledger, campaign: int, *, leads: bool = False) -> str:
    """One sender more, which opens the campaign where it *leads*."""
    token = stack.enter_context(ledger.senders.join(campaign, share=True))
    role, _ = ledger.senders.renew(campaign, token)
    if leads:
        assert role is Role.LEAD
        ledger.senders.open(campaign, token)
    return token


def move(
    ledger: Ledger, campaign: int, token: str, kind: str, chunk: int, positions: list[int], to: State
) -> None:
    states = np.full(len(positions), to, np.uint8)
    change = Change(kind, chunk, np.array(positions, np.uint16), states, Facts())
    ledger.changes.apply(campaign, [change], token=token)


def test_the_others_wait_until_who_leads_has_opened(shared: Ledger, campaign: int, stack: ExitStack) -> None:
    """Whoever comes first leads; before it opens the campaign nobody else gets a chunk."""
    first = join(stack, shared, campaign)
    second = join(stack, shared, campaign)
    before = shared.senders.take(campaign, second)
    shared.senders.open(campaign, first)
    taken = shared.senders.take(campaign, second)

    assert before is None
    assert taken is not None
    assert shared.senders.renew(campaign, second) == (Role.SHARE, True)


SENDER = """
import sys
from smskit.ledger import Ledger
campaign, ledger = int(sys.argv[2]), Ledger(sys.argv[1])
with ledger.senders.join(campaign, share=True) as token:
    ledger.senders.renew(campaign, token)
    ledger.senders.open(campaign, token)
    print(ledger.senders.take(campaign, token)[0], flush=True)
    sys.stdin.read()
ledger.close()
"""


def test_a_machine_of_the_same_name_is_another(url: str, request: pytest.FixtureRequest) -> None:
    """As of two containers or clones: its processes are not to be found here, and are alive all the same."""
    ledger = Ledger(url)
    campaign = freeze(ledger, PEOPLE, name=request.node.name)
    apart = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", SENDER, url, str(campaign)]
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(apart, text=True, **pipes) as there:
        taken = there.stdout.readline() if there.stdout else ""
        if not taken:  # it takes root, which a developer need not be and CI is
            refuse = pytest.fail if os.environ.get("CI") else pytest.skip
            refuse(f"no processes of its own may be made here: {there.communicate()[1]}")
        with ledger.senders.join(campaign, share=True) as token:
            role, is_open = ledger.senders.renew(campaign, token)
            own = ledger.senders.take(campaign, token)
            reaped, who = ledger.senders.reap(campaign), ledger.senders.find(campaign)
        with (
            pytest.raises(LedgerLocked, match=f"process 1 on {platform.node()}"),
            ledger.senders.hold(campaign),
        ):
            pass
        there.communicate()
        left = ledger.senders.find(campaign)
    ledger.close()

    assert (taken, role, is_open, reaped) == ("0\n", Role.SHARE, True, 0)
    assert own is not None
    assert own[0] == 1
    assert [(each.host, each.pid == 1) for each in who] == [(platform.node(), True), (platform.node(), False)]
    assert (there.returncode, left) == (0, [])


def test_two_never_take_one_chunk(shared: Ledger, campaign: int, stack: ExitStack, url: str) -> None:
    """Two that take at once, by connections of their own, share what there is."""
    other = Ledger(url, clock=shared.database.clock)
    tokens = [join(stack, shared, campaign, leads=True), join(stack, shared, campaign)]
    both = threading.Barrier(2)
    taken: list[int] = []

    def take(through: Ledger, token: str) -> None:
        both.wait()
        while len(taken) < 9 and (found := through.senders.take(campaign, token)) is not None:
            taken.append(found[0])

    threads = [threading.Thread(target=take, args=each) for each in zip((shared, other), tokens, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()

    assert sorted(taken) == [0, 1, 2]


def test_nobody_claims_from_anothers_chunk(shared: Ledger, campaign: int, stack: ExitStack) -> None:
    """A claim from a chunk that one does not have is refused, and changes nothing."""
    first, second = join(stack, shared, campaign, leads=True), join(stack, shared, campaign)
    shared.senders.take(campaign, first)
    with pytest.raises(LedgerLocked):
        move(shared, campaign, second, "claim", 0, [1], State.SUBMITTING)

    assert shared.audience.counts(campaign).waiting == PEOPLE


def test_a_silent_sender_of_another_machine_loses_its_chunks(
    shared: Ledger, campaign: int, stack: ExitStack, clock: Clock
) -> None:
    """After a minute without a sign of life it is dead: what it claimed is unknown, and it claims no more."""
    silent, other = join(stack, shared, campaign, leads=True), join(stack, shared, campaign)
    shared.senders.take(campaign, silent)
    move(shared, campaign, silent, "claim", 0, [1, 2], State.SUBMITTING)
    with shared.database.write() as conn:
        conn.exec_driver_sql("UPDATE sender SET host = 'elsewhere' WHERE token = %s", (silent,))
    clock.now += LEASE_TTL_S - 1
    shared.senders.renew(campaign, other)
    before = shared.audience.counts(campaign).submitting
    clock.now += 1
    role, _ = shared.senders.renew(campaign, other, sending=True)
    counts = shared.audience.counts(campaign)
    with pytest.raises(LedgerLocked):
        move(shared, campaign, silent, "claim", 0, [3], State.SUBMITTING)
    taken = shared.senders.take(campaign, other)
    said = [
        shared.senders.close(campaign, other, "finished"),
        shared.senders.close(campaign, silent, "paused"),
    ]

    assert said == [True, False]
    assert (before, counts.submitting, counts.unknown) == (2, 0, 2)
    assert role is Role.OPEN
    assert taken is not None
    assert taken[0] == 0


def test_a_claim_is_a_sign_of_life(shared: Ledger, campaign: int, stack: ExitStack, clock: Clock) -> None:
    """Who claims is not dead for most of a minute from then on."""
    busy, other = join(stack, shared, campaign, leads=True), join(stack, shared, campaign)
    shared.senders.take(campaign, busy)
    with shared.database.write() as conn:
        conn.exec_driver_sql("UPDATE sender SET host = 'elsewhere' WHERE token = %s", (busy,))
    clock.now += LEASE_TTL_S - 1
    move(shared, campaign, busy, "claim", 0, [1], State.SUBMITTING)
    clock.now += LEASE_TTL_S - 1
    shared.senders.renew(campaign, other)

    assert shared.audience.counts(campaign).submitting == 1


def test_a_stop_is_kept_while_somebody_sends(shared: Ledger, campaign: int, stack: ExitStack) -> None:
    """Who joins does not take a stop back; the next run, once all have left, does."""
    with ExitStack() as first:
        join(first, shared, campaign)
        shared.campaigns.request_stop(campaign)
        join(first, shared, campaign)
        asked = shared.senders.sent(campaign).stop_requested
    join(stack, shared, campaign)

    assert asked
    assert not shared.senders.sent(campaign).stop_requested


def test_the_last_to_leave_says_that_it_is_paused(shared: Ledger, campaign: int, stack: ExitStack) -> None:
    """One that leaves while others send says nothing of the campaign."""
    tokens = [join(stack, shared, campaign) for _ in range(2)]
    said = [shared.senders.close(campaign, token, "paused", note=token) for token in tokens]

    assert said == [False, True]
    with shared.database.read() as conn:
        state = conn.exec_driver_sql("SELECT state, note FROM campaign WHERE id = %s", (campaign,)).one()
    assert state[0] == "paused"


def test_alone_and_shared_exclude_each_other(shared: Ledger, campaign: int, stack: ExitStack) -> None:
    """Who wants all of a campaign does not get it from those who share it, nor the other way round."""
    with ExitStack() as first:
        join(first, shared, campaign)
        with pytest.raises(LedgerLocked):
            stack.enter_context(shared.senders.hold(campaign))
    stack.enter_context(shared.senders.hold(campaign))
    with pytest.raises(LedgerLocked):
        join(stack, shared, campaign)


def test_chunks_of_an_older_ledger_are_counted_as_they_are_taken(
    shared: Ledger, campaign: int, stack: ExitStack
) -> None:
    """Where nobody has counted who is unsent, a chunk that is done is passed over."""
    token = join(stack, shared, campaign, leads=True)
    shared.senders.take(campaign, token)
    move(shared, campaign, token, "claim", 0, list(range(1000)), State.SUBMITTING)
    move(shared, campaign, token, "outcome", 0, list(range(1000)), State.ACCEPTED)
    shared.senders.let_go(campaign, token)
    with shared.database.write() as conn:
        conn.exec_driver_sql("UPDATE progress SET unsent = -1")
    taken = shared.senders.take(campaign, token)

    assert taken is not None
    assert taken[0] == 1


_CHUNKS, _FIRST = 3, 6  # of each chunk the first six people are moved


class Sharing(RuleBasedStateMachine):
    """Senders that come, take, claim, die and leave, beside receipts and settling, against a plain model."""

    ledger: Ledger
    number = 0

    senders = Bundle("senders")

    def __init__(self) -> None:
        super().__init__()
        Sharing.number += 1
        self.campaign = freeze(self.ledger, PEOPLE, name=f"machine-{Sharing.number}")
        self.stack = ExitStack()
        self.alive: set[str] = set()
        self.has: dict[int, str] = {}
        self.states = {(c, p): State.WAITING for c in range(_CHUNKS) for p in range(_FIRST)}

    def teardown(self) -> None:
        self.stack.close()

    def _lost(self, chunks: list[int]) -> None:
        for place, state in self.states.items():
            if place[0] in chunks and state is State.SUBMITTING:
                self.states[place] = State.UNKNOWN
        for chunk in chunks:
            del self.has[chunk]

    def _reaped(self) -> None:
        self._lost([chunk for chunk, token in self.has.items() if token not in self.alive])

    @rule(target=senders)
    def come(self) -> str:
        token = self.stack.enter_context(self.ledger.senders.join(self.campaign, share=True))
        self.alive.add(token)
        self._reaped()
        role, is_open = self.ledger.senders.renew(self.campaign, token)
        if role.leads and not is_open:
            self.ledger.senders.open(self.campaign, token)
        return token

    @rule(token=senders)
    def take(self, token: str) -> None:
        if token not in self.alive:
            return
        free = [c for c in range(_CHUNKS) if c not in self.has]
        self.ledger.senders.renew(self.campaign, token, sending=True)
        self._reaped()
        free = [c for c in range(_CHUNKS) if c not in self.has]
        taken = self.ledger.senders.take(self.campaign, token)
        assert (taken and taken[0]) == (free[0] if free else None)
        if taken:
            self.has[taken[0]] = token

    @rule(
        token=senders, chunk=st.integers(0, _CHUNKS - 1), at=st.sets(st.integers(0, _FIRST - 1), min_size=1)
    )
    def claim(self, token: str, chunk: int, at: set[int]) -> None:
        self._move(token, "claim", chunk, at, State.WAITING, State.SUBMITTING)

    @rule(
        token=senders,
        chunk=st.integers(0, _CHUNKS - 1),
        at=st.sets(st.integers(0, _FIRST - 1), min_size=1),
        to=st.sampled_from([State.ACCEPTED, State.WAITING, State.UNKNOWN]),
    )
    def answer(self, token: str, chunk: int, at: set[int], to: State) -> None:
        self._move(token, "outcome", chunk, at, State.SUBMITTING, to)

    def _move(self, token: str, kind: str, chunk: int, at: set[int], start: State, to: State) -> None:
        at = {p for p in at if self.states[chunk, p] is start}
        if not at or token not in self.alive:
            return
        try:
            move(self.ledger, self.campaign, token, kind, chunk, sorted(at), to)
        except LedgerLocked:
            assert self.has.get(chunk) != token
        else:
            assert self.has.get(chunk) == token
            self.states.update({(chunk, p): to for p in at})

    @rule(token=consumes(senders))
    def die(self, token: str) -> None:
        WORKING.discard(token)
        self.alive.discard(token)

    @rule(token=senders)
    def let_go(self, token: str) -> None:
        mine = [chunk for chunk, owner in self.has.items() if owner == token]
        if token in self.alive and not any(
            s is State.SUBMITTING and c in mine for (c, _), s in self.states.items()
        ):
            self.ledger.senders.let_go(self.campaign, token)
            for chunk in mine:
                del self.has[chunk]

    @rule(token=consumes(senders))
    def leave(self, token: str) -> None:
        if token in self.alive:
            self.ledger.senders.close(self.campaign, token, "paused")
            self.alive.discard(token)
            self._reaped()

    @rule()
    def receipts_come(self) -> None:
        self.ledger.senders.reap(self.campaign)
        self._reaped()
        self._settle("receipt", State.ACCEPTED, State.DELIVERED)

    @rule(to=st.sampled_from([State.WAITING, State.ACCEPTED]))
    def unknowns_are_settled(self, to: State) -> None:
        self._settle("settled", State.UNKNOWN, to)

    def _settle(self, kind: str, start: State, to: State) -> None:
        places = [place for place, state in self.states.items() if state is start]
        changes = [
            Change(kind, c, np.array([p], np.uint16), np.array([to], np.uint8), Facts()) for c, p in places
        ]
        self.ledger.changes.apply_to_present(self.campaign, lambda _: changes)
        self.states.update(dict.fromkeys(places, to))

    @invariant()
    def the_ledger_says_the_same(self) -> None:
        found = self.ledger.audience.states(self.campaign)
        assert {(c, p): State(found[c][p]) for c, p in self.states} == self.states
        chunks = sum(owner in self.alive for owner in self.has.values())
        assert sum(each.chunks for each in self.ledger.senders.find(self.campaign)) == chunks
        unsent = PEOPLE - sum(s not in (State.WAITING, State.SUBMITTING) for s in self.states.values())
        assert self.ledger.senders.sent(self.campaign).unsent == unsent


@pytest.mark.long
def test_senders_against_a_model(shared: Ledger) -> None:
    """Whatever they do in whatever order, everybody is where the model has them."""
    from hypothesis.stateful import run_state_machine_as_test

    Sharing.ledger = shared
    run_state_machine_as_test(
        Sharing, settings=settings(max_examples=30, stateful_step_count=30, deadline=None)
    )
