"""A clock for tests that go by one."""

from __future__ import annotations


class Clock:
    """Epoch seconds that move only when told to."""

    def __init__(self, now: float = 1_795_400_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def go(self, seconds: float) -> None:
        self.now += seconds
