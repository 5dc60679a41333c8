"""
Who is to be sent to next: all of a campaign at once, or chunk by chunk as this run takes them.

Who was never refused for now comes first, then the others, who was refused least often first.
Blocks while it reads, and while a server is away; leaves to ``upcoming`` how people are put into requests.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from smskit.ledger import Ledger
from smskit.models import Slice, State

__all__ = ["Everybody", "Shared", "Supply"]

Among = Mapping[int, NDArray[np.bool_]]  # chunk -> who of it may be sent to
Refused = Iterable[tuple[Slice, int]]  # people, and how often they were refused for now in earlier runs


class Supply(Protocol):
    """
    Where an engine gets its people from.

    Attributes:
        tries: Chunk -> how often each person was not taken, by this run or, counted once, by earlier ones.
        again_s: After how long to ask again when there was nobody; seconds.
    """

    tries: dict[int, NDArray[np.uint8]]
    again_s: float

    def begin(self) -> int:
        """Get ready; returns how many people wait."""

    def more(self) -> Refused | None:
        """The next people; None = nobody for now."""

    def is_over(self) -> bool:
        """Whether nobody will come any more; asked when everybody who came was dealt with."""

    def waits_untried(self) -> bool:
        """Whether somebody waits whom this run has not tried."""


class Everybody:
    """
    All who wait in a campaign that this run has alone.

    Args:
        among: Chunk -> who of it may be sent to; None = everybody.
    """

    again_s = math.inf

    def __init__(self, ledger: Ledger, campaign_id: int, among: Among | None = None) -> None:
        self._ledger, self._campaign_id, self._among = ledger, campaign_id, among
        self.tries: dict[int, NDArray[np.uint8]] = {}

    def begin(self) -> int:
        """See `Supply`."""
        states = _states(self._ledger, self._campaign_id)
        before = self._ledger.patiently(lambda: self._ledger.audience.times_not_taken(self._campaign_id))
        before = {chunk: np.zeros(len(s), np.uint16) for chunk, s in states.items()} | before
        # Of earlier runs only the order is left, and that a group is cut sooner.
        self.tries = {chunk: np.minimum(times, 1).astype(np.uint8) for chunk, times in before.items()}
        waits = {chunk: self._waiting(chunk, present) for chunk, present in states.items()}
        self._people: Refused | None = self._produce(waits, before)
        return sum(int(mask.sum()) for mask in waits.values())

    def more(self) -> Refused | None:
        """All of them, read as they are asked for."""
        people, self._people = self._people, None
        return people

    def is_over(self) -> bool:
        """They all came at once."""
        return True

    def waits_untried(self) -> bool:
        """See `Supply`."""
        states = _states(self._ledger, self._campaign_id)
        return any((self._waiting(c, s) & (self.tries[c] == 0)).any() for c, s in states.items())

    def _waiting(self, chunk: int, states: NDArray[np.uint8]) -> NDArray[np.bool_]:
        waiting: NDArray[np.bool_] = states == State.WAITING
        return waiting if self._among is None else waiting & self._among[chunk]

    def _produce(
        self, waits: Mapping[int, NDArray[np.bool_]], before: Mapping[int, NDArray[np.uint16]]
    ) -> Iterator[tuple[Slice, int]]:
        for times in sorted({n for chunk, mask in waits.items() for n in np.unique(before[chunk][mask])}):
            for chunk, mask in waits.items():
                waiting = np.flatnonzero(mask & (before[chunk] == times)).astype(np.uint16)
                if len(waiting):
                    yield _people(self._ledger, self._campaign_id, chunk, waiting), int(times)


class Shared:
    """
    The chunks that this run takes of a campaign it shares with others.

    Args:
        token: Of this run.
    """

    again_s = 0.5

    def __init__(self, ledger: Ledger, campaign_id: int, token: str) -> None:
        self._ledger, self._campaign_id, self._token = ledger, campaign_id, token
        self.tries: dict[int, NDArray[np.uint8]] = {}
        self._later: list[tuple[Slice, int]] = []  # who was refused by earlier runs
        self._has_some = False
        self._given_up: set[int] = set()  # chunks in which somebody waits whom this run does not try again

    def begin(self) -> int:
        """See `Supply`; of the whole campaign, not only of what this run will take."""
        return self._ledger.patiently(lambda: self._ledger.senders.sent(self._campaign_id)).unsent

    def more(self) -> Refused | None:
        """Those of another chunk; once there is none, those whom earlier runs had tried before."""
        taken = self._ledger.patiently(
            lambda: self._ledger.senders.take(self._campaign_id, self._token, but_not=self._given_up)
        )
        if taken is None:
            people, self._later = sorted(self._later, key=lambda each: each[1]), []
            return people or None
        self._has_some = True
        chunk, states = taken
        before = self._ledger.patiently(
            lambda: self._ledger.audience.times_not_taken(self._campaign_id, chunk=chunk)
        )
        times = before.get(chunk, np.zeros(len(states), np.uint16))
        self.tries[chunk] = np.minimum(times, 1).astype(np.uint8)
        at = {n: np.flatnonzero((states == State.WAITING) & (times == n)) for n in np.unique(times)}
        people = [
            (_people(self._ledger, self._campaign_id, chunk, positions.astype(np.uint16)), int(n))
            for n, positions in at.items()
            if len(positions)
        ]
        self._later += [each for each in people if each[1]]
        return [each for each in people if not each[1]]

    def is_over(self) -> bool:
        """Leave the chunks to others, and look whether anybody still has something to send."""
        if self._has_some:
            left = self._ledger.patiently(lambda: self._ledger.senders.let_go(self._campaign_id, self._token))
            self._given_up.update(left)
            self._has_some = False
        return self._ledger.patiently(
            lambda: self._ledger.senders.sent(self._campaign_id, but_not=self._given_up)
        ).over

    def waits_untried(self) -> bool:
        """See `Supply`."""
        for chunk, states in _states(self._ledger, self._campaign_id).items():
            tries = self.tries.get(chunk, np.zeros(len(states), np.uint8))
            if ((states == State.WAITING) & (tries == 0)).any():
                return True
        return False


def _states(ledger: Ledger, campaign_id: int) -> dict[int, NDArray[np.uint8]]:
    return ledger.patiently(lambda: ledger.audience.states(campaign_id))


def _people(ledger: Ledger, campaign_id: int, chunk: int, positions: NDArray[np.uint16]) -> Slice:
    return ledger.patiently(lambda: ledger.audience.people(campaign_id, chunk, positions))
