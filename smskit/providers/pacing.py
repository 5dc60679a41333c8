"""
How long to wait before the next request. Pure arithmetic; the clock is handed in.

Leaves sleeping to the caller, and the provider's own refusals to the engine.
"""

from __future__ import annotations


class Pacer:
    """
    Spreads requests evenly so that no second ever holds more than the limit.

    Slots are *reserved*: each call books the next free instant, so many
    workers asking at once never go out together. Unused time is not saved up,
    because a burst after a pause is what providers refuse.

    Args:
        per_second: Requests a second; 0 = no limit.
    """

    def __init__(self, per_second: float) -> None:
        self._gap = 1.0 / per_second if per_second > 0 else 0.0
        self._next = float("-inf")

    def reserve(self, now: float) -> float:
        """
        Book the next free instant and return the seconds to wait for it.

        Args:
            now: Seconds on any monotonic clock, the same one for all calls.
        """
        at = max(now, self._next)
        self._next = at + self._gap
        return at - now

    def hold(self, now: float, seconds: float) -> None:
        """Let nothing go before *now* + *seconds*: the provider asked for a pause."""
        self._next = max(self._next, now + seconds)


def backoff(failures: int, *, base_s: float = 0.5, cap_s: float = 30.0) -> float:
    """
    Seconds to wait after *failures* consecutive failures (1 or more), doubling up to *cap_s*.

    >>> [backoff(n) for n in (1, 2, 3, 20)]
    [0.5, 1.0, 2.0, 30.0]
    """
    return min(cap_s, base_s * 2.0 ** min(failures - 1, 64))  # by then any cap is reached
