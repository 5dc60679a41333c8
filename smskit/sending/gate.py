"""
When the next request may leave: at its turn, inside the window, and not while the run is paused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from smskit.i18n import Message
from smskit.ledger import WAITS_FOR_WINDOW
from smskit.ledger.processes import uptime
from smskit.sending.clock import Clock
from smskit.sending.guards import Guards, Window
from smskit.sending.turns import TURN_LASTS_S, Turns

__all__ = ["Gate"]

_EARLY_S = 0.3  # the most that a claim begins before its turn


class Gate:
    """
    Lets one request after the other through; of one event loop.

    Args:
        clock: In the campaign's zone; passes the time until the window opens.
        paused: Whether the next request is to wait; asked before each.
        goes_on: Whether the run does; whoever waits here is let go as soon as it does not.
        stop: Ends the run, and says why.
        note: Writes down what the run waits for, "" = nothing; blocks.
    """

    def __init__(
        self,
        turns: Turns,
        guards: Guards,
        clock: Clock,
        *,
        paused: Callable[[], bool],
        goes_on: Callable[[], bool],
        stop: Callable[[str], None],
        note: Callable[[str], None],
    ) -> None:
        self._turns, self._guards, self._clock = turns, guards, clock
        self._paused, self._goes_on, self._stop, self._note = paused, goes_on, stop, note
        self._at_the_window = asyncio.Lock()
        self._claims_take_s = self._claims_vary_s = 0.0  # lately

    async def claim(self) -> float | None:
        """Wait until a claim should begin; returns when its request is to leave, None where the run ends."""
        while self._paused() and self._goes_on():  # noqa: ASYNC110 - set from another thread
            await asyncio.sleep(0.1)
        due = await self._turn()
        window = self._guards.window
        if window is None or window.is_open(self._clock.local()):
            return due
        if not self._guards.waits:
            self._stop(Message("the send window ({why}) is closed", why=window))
            return None
        await self._wait_for(window)
        # The turn that was taken is long over.
        return await self.claim() if self._goes_on() else None

    async def leave(self, due: float, claim_took_s: float) -> bool:
        """
        Wait until a request may leave whose claim is durable; returns whether the run goes on.

        Args:
            due: What `claim` answered.
            claim_took_s: How long it took.
        """
        self._claims_vary_s += 0.25 * (abs(claim_took_s - self._claims_take_s) - self._claims_vary_s)
        self._claims_take_s += 0.125 * (claim_took_s - self._claims_take_s)
        if not self._turns.is_paced:
            return True
        if uptime() - due > TURN_LASTS_S:
            # The turn is over as the claim took long: the server was away, say, for all senders.
            another = await self._turn()
            if another is None:
                return False
            due = another
        await asyncio.sleep(due - uptime())
        return True

    async def _turn(self) -> float | None:
        """Wait until there is no more time to a turn than a claim takes; None where the run ends."""
        # As TCP reckons when an answer is late: the average, and four times how far they are from it.
        early_s = min(_EARLY_S, self._claims_take_s + 4 * self._claims_vary_s)
        return await self._turns.wait(self._goes_on, early_s=early_s)

    async def _wait_for(self, window: Window) -> None:
        """Wait until the window opens, or the run is stopped; one worker looks at the clock for all."""
        async with self._at_the_window:
            told: datetime | None = None
            while self._goes_on() and not window.is_open(now := self._clock.local()):
                # In UTC: two times of one zone are subtracted as if its clock were never changed.
                at = now.astimezone(UTC)
                if told is None or at >= told:
                    opening = window.next_opening(now)
                    if opening is None:
                        self._stop(Message("the send window ({why}) never opens", why=window))
                        return
                    told = opening.astimezone(UTC)
                    if self._guards.deadline and told > self._guards.deadline.astimezone(UTC):
                        self._stop(
                            Message(
                                "the send window opens at {at}, later than `not_after`",
                                at=f"{opening:%Y-%m-%d %H:%M}",
                            )
                        )
                        return
                    note = Message(WAITS_FOR_WINDOW, at=f"{opening:%Y-%m-%d %H:%M %Z}")
                    await asyncio.to_thread(self._note, note)
                # A second at a time: a machine may have slept, and a stop is not to wait for morning.
                await self._clock.sleep(min((told - at).total_seconds(), 1.0))
            if told is not None and self._goes_on():
                await asyncio.to_thread(self._note, "")
