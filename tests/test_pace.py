"""``ledger.pace`` and ``sending.turns``: one pace per account, whoever asks and from wherever."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from smskit.ledger import Ledger, pace
from smskit.ledger.processes import uptime
from smskit.providers.yunpian.client import Yunpian
from smskit.sending import turns
from smskit.sending.turns import Turns, account_of

GAP_S = 0.01


def test_nobody_books_a_turn_twice(ledger: Ledger, database_url: str) -> None:
    """Two that book at once, each by a connection of its own, get turns that lie a gap apart."""
    other = Ledger(database_url)
    both = threading.Barrier(2)
    booked: list[float] = []

    def book(through: Ledger) -> None:
        both.wait()
        for _ in range(10):
            booked.extend(through.pace.book("acme:1", gap_s=100.0, count=3))

    threads = [threading.Thread(target=book, args=(each,)) for each in (ledger, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()

    assert len(booked) == 60
    # The two compare their clocks at different moments; a gap is far longer than either can be mistaken.
    assert min(later - earlier for earlier, later in pairwise(sorted(booked))) > 50


def test_accounts_do_not_wait_for_each_other(ledger: Ledger) -> None:
    """Another account has turns of its own."""
    ledger.pace.book("acme:1", gap_s=10.0, count=5)

    assert ledger.pace.book("acme:2", gap_s=10.0, count=1)[0] < uptime() + 1


def test_turns_are_not_saved_up(ledger: Ledger) -> None:
    """Of the time in which nobody asked nothing is left."""
    ledger.pace.book("acme:1", gap_s=GAP_S, count=1)
    asked = uptime() + 0.05
    time.sleep(0.05)

    assert ledger.pace.book("acme:1", gap_s=GAP_S, count=2)[0] >= asked - 0.01


def test_a_pause_holds_for_all(ledger: Ledger, database_url: str) -> None:
    """What a provider asked one for is kept by whoever asks next."""
    other = Ledger(database_url)
    ledger.pace.book("acme:1", gap_s=GAP_S, count=1, hold_s=500.0)
    first = other.pace.book("acme:1", gap_s=GAP_S, count=1)[0]
    other.close()

    assert 400 < first - uptime() < 600


def test_time_on_the_wire_moves_no_turn(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question or an answer that was long on the way leaves turns where they are by the ledger's clock."""
    at_once, asked_long, answered_late = (10.0, 1010.0, 10.0), (20.0, 1020.3, 20.4), (30.0, 1030.1, 30.4)
    here = iter(
        [at for asked, _, answered in (at_once, asked_long, answered_late) for at in (asked, answered)]
    )
    there = iter([now for _, now, _ in (at_once, asked_long, answered_late)])
    monkeypatch.setattr(pace, "uptime", lambda: next(here))
    monkeypatch.setattr(ledger.database, "now", lambda conn: next(there))
    turns = [ledger.pace.book(f"acme:{n}", gap_s=GAP_S, count=1)[0] for n in range(3)]

    assert turns == pytest.approx([10.0, 20.3, 30.1])


def test_a_clock_that_was_set_back(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns of a future that is not to come are forgotten."""
    now = ledger.database.now
    monkeypatch.setattr(ledger.database, "now", lambda conn: now(conn) + 3600)
    ledger.pace.book("acme:1", gap_s=GAP_S, count=1)
    monkeypatch.setattr(ledger.database, "now", now)

    assert ledger.pace.book("acme:1", gap_s=GAP_S, count=1)[0] < uptime() + 1


class Clock:
    """Goes on only where somebody waits, so that no turn is late because the machine is busy."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def until(self, due: float, goes_on: Callable[[], bool]) -> None:
        """See `turns._sleep_until`."""
        if goes_on():
            self.now = max(self.now, due)
        await asyncio.sleep(0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What turns go by."""
    made = Clock()
    monkeypatch.setattr(turns, "uptime", made)
    monkeypatch.setattr(turns, "_sleep_until", made.until)
    return made


class Booked:
    """
    Gives turns from now on.

    Args:
        took_s: How old the first answer is when it comes.
    """

    def __init__(self, clock: Clock, *, took_s: float = 0.0) -> None:
        self.clock, self.took_s = clock, took_s
        self.counts: list[int] = []
        self.holds: list[float] = []
        self._next = 0.0

    def __call__(self, *, gap_s: float, count: int, hold_s: float) -> list[float]:
        """See `turns.Book`."""
        late, self.took_s = self.took_s, 0.0
        first = max(self._next, self.clock.now + hold_s) - late
        self._next = first + count * gap_s
        self.counts.append(count)
        self.holds.append(hold_s)
        return [first + n * gap_s for n in range(count)]

    def take(self, made: Turns, count: int) -> list[float]:
        """When each of so many that ask at once had its turn."""

        async def one() -> float:
            assert await made.wait(lambda: True) is not None
            return self.clock.now

        async def together() -> list[float]:
            return sorted(await asyncio.gather(*(one() for _ in range(count))))

        return asyncio.run(together())


@pytest.fixture
def book(clock: Clock) -> Booked:
    """Turns from now on."""
    return Booked(clock)


def gaps(at: list[float]) -> list[float]:
    """How long after the one before each came."""
    return [later - earlier for earlier, later in pairwise(at)]


def test_turns_are_booked_for_those_who_ask(book: Booked) -> None:
    """Ten who ask at once cost two questions, and go one after the other."""
    at = book.take(Turns(100, book), 10)

    assert book.counts == [1, 9]
    assert min(gaps(at)) >= 0.01


def test_no_more_is_booked_than_half_a_second(book: Booked) -> None:
    """At ten a second four turns are booked at a time, however many ask."""
    book.take(Turns(10, book), 12)

    assert max(book.counts) == 4


def test_a_claim_may_begin_before_its_turn(book: Booked) -> None:
    """Who needs a moment first comes back that much earlier, and is told when the turn is."""
    made = Turns(5, book)

    async def two() -> float | None:
        await made.wait(lambda: True)
        return await made.wait(lambda: True, early_s=0.1)

    assert asyncio.run(two()) == pytest.approx(book.clock.now + 0.1)


def test_turns_that_are_over_are_dropped(clock: Clock) -> None:
    """An answer that was on the way for long gives nobody a turn; another is asked for."""
    book = Booked(clock, took_s=20.0)
    at = book.take(Turns(100, book), 5)

    assert len(book.counts) == 2
    assert min(gaps(at)) >= 0.01


def test_a_pause_drops_what_was_booked(book: Booked) -> None:
    """After a provider asked for a pause the ledger is told of it, and nobody goes before it is over."""
    made = Turns(100, book)
    book.take(made, 1)
    made.hold(0.3)
    held = book.clock.now
    (at,) = book.take(made, 1)

    assert at - held == pytest.approx(0.3)
    assert book.holds[-1] == pytest.approx(0.3)


@pytest.mark.parametrize("limit", [0, 50])
def test_a_run_that_ends_waits_no_longer(book: Booked, limit: int) -> None:
    """Who is told to end gets no turn."""
    made = Turns(limit, book)

    assert asyncio.run(made.wait(lambda: False)) is None


def test_without_a_limit_nothing_is_booked(book: Booked) -> None:
    """Unpaced, nobody asks the ledger."""
    book.take(Turns(0, book), 5)

    assert book.counts == []


def test_an_account_is_known_by_its_key_and_address(make: Callable[..., Yunpian]) -> None:
    """The same key at the same address is one account; its name holds nothing of the key."""
    one, again, other = make("a" * 32), make("a" * 32), make("b" * 32)

    assert account_of(one) == account_of(again)
    assert account_of(one) != account_of(other)
    assert len(account_of(one)) == len("yunpian:") + 8


@pytest.fixture
def make() -> Callable[[str], Yunpian]:
    """A provider with that key."""
    return lambda key: Yunpian(Yunpian.Settings(api_key=key))
