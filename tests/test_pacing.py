"""``smskit.providers.pacing``: how long to wait, on a clock that is handed in."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smskit.providers.pacing import Pacer, backoff


def test_requests_are_spread_evenly() -> None:
    """Workers that ask at once are given instants one gap apart."""
    pacer = Pacer(4)

    assert [pacer.reserve(10.0) for _ in range(5)] == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_unused_time_is_not_saved_up() -> None:
    """After a pause the next request goes at once, and those behind it a gap apart."""
    pacer = Pacer(2)
    pacer.reserve(0.0)

    assert [pacer.reserve(100.0) for _ in range(3)] == [0.0, 0.5, 1.0]


def test_no_limit() -> None:
    """0 a second means that nobody waits."""
    pacer = Pacer(0)

    assert {pacer.reserve(5.0) for _ in range(100)} == {0.0}


def test_the_providers_pause_is_kept() -> None:
    """After a hold nothing goes before its end, and a shorter hold never shortens a longer one."""
    pacer = Pacer(2)
    pacer.hold(0.0, 30.0)
    pacer.hold(1.0, 5.0)

    assert pacer.reserve(2.0) == 28.0
    assert pacer.reserve(2.0) == 28.5


def test_a_hold_works_without_a_limit() -> None:
    """An unpaced provider that asks for a pause is given one."""
    pacer = Pacer(0)
    pacer.hold(0.0, 3.0)

    assert pacer.reserve(1.0) == 2.0
    assert pacer.reserve(4.0) == 0.0


@given(
    per_second=st.integers(1, 50),
    steps=st.lists(st.floats(0, 0.7), min_size=1, max_size=200),
)
def test_no_second_holds_more_than_the_limit(per_second: int, steps: list[float]) -> None:
    """However requests come, any second that begins with one holds no more than the limit."""
    pacer = Pacer(per_second)
    asked = list(itertools.accumulate(steps))
    left = [now + pacer.reserve(now) for now in asked]
    most = max(sum(at <= other < at + 0.999999 for other in left) for at in left)

    assert most <= per_second
    assert all(wait >= 0 for wait in map(float.__sub__, left, asked))


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 0.5), (2, 1.0), (6, 16.0), (7, 30.0), (20, 30.0), (5000, 30.0)]
)
def test_backoff(failures: int, seconds: float) -> None:
    """Waits double up to the cap, however often it failed."""
    assert backoff(failures) == seconds
    assert backoff(failures, base_s=1.0, cap_s=60.0) == min(2 * seconds, 60.0)
