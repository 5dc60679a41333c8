"""
Who had how many messages lately: what a frequency cap looks at when people are claimed.

Pure and by column, since it is asked at every claim of every run with a cap.
Leaves to others where messages are written down (``ledger``) and the same
question at plan time (``policy.over_cap``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smskit.message.windows import FrequencyCap
from smskit.models import State

__all__ = ["Recent", "counted"]

_COUNTED = np.array([state not in (State.WAITING, State.REFUSED) for state in State])


def counted(states: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """
    Whether a message in that state counts for a cap: it was accepted, or may have been.

    A cap is a promise, so what is on its way (submitting) or without a clear
    answer (unknown) counts until it is known not to have been taken.
    """
    return np.asarray(_COUNTED[states])


class Recent:
    """
    What other campaigns sent to the people of one campaign, as far as its cap looks back.

    Given the others' chunks as they are and then each event there; asked about
    the people of a claim. A message is as old as its claim. The window is open at
    its far edge: with ``2/7d`` a message of exactly seven days ago counts no more.

    Args:
        phones: Everybody the campaign is about, in any order, each once.
    """

    def __init__(self, phones: NDArray[np.int64], cap: FrequencyCap) -> None:
        self.seen = 0  # the last event of the ledger that was told
        self._most, self._reach_s = cap.most, cap.window.total_seconds()
        self._phones = np.sort(phones)
        # One entry a message to one of ours. Those of a person are a chain: from `_newest` along `_older`,
        # -1 ends it. So nothing is sorted anew when a campaign that runs beside us goes on to its next chunk.
        self._newest = np.full(len(phones), -1, np.int32)
        self._older = np.empty(0, np.int32)
        self._at = np.empty(0, np.float64)
        self._counts = np.empty(0, bool)
        self._entries = 0
        # Position in another's chunk -> entry, -1 for people who are not ours; None where nobody is.
        self._chunks: dict[tuple[int, int], NDArray[np.int32] | None] = {}

    def __repr__(self) -> str:
        return f"Recent({len(self._phones)} people, {self._entries} messages)"

    @property
    def reach_s(self) -> float:
        """How far back the cap looks, in seconds."""
        return self._reach_s

    def knows(self, campaign: int, chunk: int) -> bool:
        """Whether that chunk was added."""
        return (campaign, chunk) in self._chunks

    def add(
        self,
        campaign: int,
        chunk: int,
        phones: NDArray[np.int64],
        *,
        claimed_at: NDArray[np.float64],
        states: NDArray[np.uint8],
    ) -> None:
        """
        Add a chunk of another campaign as it is; needed before its further events are told.

        Args:
            phones: Each once.
            claimed_at: Epoch seconds, NaN = not within reach.
        """
        self._chunks[campaign, chunk] = None
        if not len(self._phones):
            return
        rows = np.minimum(np.searchsorted(self._phones, phones), len(self._phones) - 1)
        ours = np.flatnonzero(self._phones[rows] == phones)
        if not len(ours):
            return
        entries = self._make(len(ours))
        self._older[entries] = self._newest[rows[ours]]
        self._newest[rows[ours]] = entries
        self._at[entries] = claimed_at[ours]
        self._counts[entries] = counted(states[ours])
        places = np.full(len(phones), -1, np.int32)
        places[ours] = entries
        self._chunks[campaign, chunk] = places

    def tell(
        self,
        campaign: int,
        chunk: int,
        *,
        claimed_at: float | None,
        positions: NDArray[np.uint16],
        states: NDArray[np.uint8],
    ) -> None:
        """
        Take note of an event of a chunk that was added; told twice it changes nothing.

        Args:
            claimed_at: When these people were claimed; None = the event was no claim.
        """
        places = self._chunks[campaign, chunk]
        if places is None:
            return
        entries = places[positions]
        ours = entries >= 0
        if claimed_at is not None:
            self._at[entries[ours]] = claimed_at
        self._counts[entries[ours]] = counted(states[ours])

    def over(self, phones: NDArray[np.int64], now: float) -> NDArray[np.bool_]:
        """
        Whether one more message would exceed the cap, phone by phone.

        Args:
            phones: All of them ours.
            now: Epoch seconds.
        """
        had = np.zeros(len(phones), np.int64)
        entries = self._newest[np.searchsorted(self._phones, phones)]
        while (entries >= 0).any():  # as often as the busiest of them was messaged
            had += (entries >= 0) & self._counts[entries] & (self._at[entries] > now - self._reach_s)
            entries = np.where(entries >= 0, self._older[entries], -1)
        return had >= self._most

    def _make(self, count: int) -> NDArray[np.int32]:
        first, self._entries = self._entries, self._entries + count
        if self._entries > len(self._at):
            more = max(self._entries - len(self._at), len(self._at))
            self._older = np.concatenate([self._older, np.empty(more, np.int32)])
            self._at = np.concatenate([self._at, np.empty(more, np.float64)])
            self._counts = np.concatenate([self._counts, np.empty(more, bool)])
        return np.arange(first, self._entries, dtype=np.int32)
