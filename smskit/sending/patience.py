"""
When a run tries again, and when it stops and asks a person: what goes wrong in a row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from smskit.i18n import Message
from smskit.models import About
from smskit.providers.base import LONGEST_WAIT_S
from smskit.providers.pacing import backoff

__all__ = ["InARow", "Patience", "Person", "pause_s"]

Person = tuple[int, int]  # chunk and position; of a request in a row its first one


@dataclass(frozen=True)
class Patience:
    """When the engine tries again, and when it stops and asks a person."""

    # Whom a provider asks a longer pause for waits for another run, and nobody else with them; two requests
    # in a row that ask for one end this run, two people who are each at a limit of their own do not.
    longest_deferral_s: float = LONGEST_WAIT_S
    attempts: int = 4  # of one message in one run, all of them known not to have been taken
    failures_in_a_row: int = 6  # requests about different people that did not get through: pause
    fruitless_in_a_row: int = 30  # the same, counting also those about people who failed before: pause
    limited_in_a_row: int = 20  # people, each refused for a limit of their own number: pause
    unknown_in_a_row: int = 10  # requests without a clear answer: pause
    refused_in_a_row: int = 20  # messages refused for text or request: pause

    def is_too_long(self, hint: float | None) -> bool:
        """Whether a provider asks for a longer pause than a run makes; seconds."""
        return hint is not None and hint > self.longest_deferral_s


def pause_s(hint: float | None, failures: int) -> float:
    """Seconds to wait after *failures* in a row: what the provider says, else longer each time."""
    return backoff(failures) if hint is None else hint


@dataclass
class InARow:
    """What went wrong since somebody was accepted; each method says why the run ends, None = it goes on."""

    patience: Patience
    failed: set[Person] = field(default_factory=set)  # requests that did not get through
    fruitless: int = 0  # the same, with those about people who failed before
    _limited: set[Person] = field(default_factory=set)  # people at a limit of their number
    _unknowns: int = 0  # requests without a clear answer
    _refusals: int = 0  # messages refused for text or request

    def got_through(self) -> None:
        """Somebody was accepted."""
        self.fruitless = self._unknowns = self._refusals = 0
        self.failed.clear()
        self._limited.clear()

    def failure(self, who: Person | None, why: str) -> Message | None:
        """
        One request more of which nobody was taken.

        Args:
            who: Stands for it; None = it was about people who failed before.
        """
        self.fruitless += 1
        if who is not None:
            self.failed.add(who)
        most = self.patience.failures_in_a_row
        if len(self.failed) < most and self.fruitless < max(self.patience.fruitless_in_a_row, most):
            return None
        return Message("{n} requests in a row did not get through. Last: {why}", n=self.fruitless, why=why)

    def limited(self, people: Iterable[Person], why: str) -> Message | None:
        """So many more are at a limit of their number."""
        self._limited.update(people)
        if len(self._limited) < self.patience.limited_in_a_row:
            return None
        return Message(
            "{n} people in a row were each at a limit of their number. Last: {why}",
            n=len(self._limited),
            why=why,
        )

    def unclear(self, why: str) -> Message | None:
        """One request more without a clear answer."""
        self._unknowns += 1
        if self._unknowns < self.patience.unknown_in_a_row:
            return None
        return Message("{n} requests in a row had no clear answer. Last: {why}", n=self._unknowns, why=why)

    def refused(self, count: int, about: About, why: str) -> Message | None:
        """So many more messages were refused; one that is refused for its number says nothing of others."""
        if about.is_one_number:
            return None
        self._refusals += count
        if self._refusals < self.patience.refused_in_a_row:
            return None
        return Message(
            "{n} messages in a row were refused for what they say. Last: {why}", n=self._refusals, why=why
        )
