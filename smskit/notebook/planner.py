"""
``Planning``: the plan of a draft, made beside whoever changes it.

A plan of a million rows takes seconds, so it is made in a thread; changes that
come fast are waited out, and the last wish counts. The plan before stays to be
looked at and says that it is not the one any more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from smskit.ledger import CampaignRow
from smskit.planning.draft import Draft
from smskit.planning.plan import Plan
from smskit.planning.policy import Guard
from smskit.planning.spec import CampaignSpec
from smskit.sending.campaign import Campaign

__all__ = ["Planned", "Planning", "Sums"]

_PATIENCE_S = 0.4  # changes of one choice come within this: a template and its variables


class Sums(NamedTuple):
    """How many people, billed parts and yuan a plan comes to."""

    people: int
    parts: int
    cost: Decimal
    plan_hash: str


@dataclass(frozen=True)
class Planned:
    """What a draft came to: a plan, or the campaign that has started under its id already."""

    campaign: Campaign
    plan: Plan | None
    started: CampaignRow | None
    guards: tuple[Guard, ...] = ()  # why a run would be refused

    @property
    def spec(self) -> CampaignSpec:
        """The parameters it is the plan of."""
        return self.campaign.spec

    @property
    def sums(self) -> Sums | None:
        """Of the plan, or of what was frozen when the campaign started."""
        if self.plan is not None:
            return Sums(self.plan.planned, self.plan.total_parts, self.plan.cost, self.plan.hash)
        if self.started is None:
            return None
        frozen = self.started.summary
        return Sums(
            int(frozen["planned"]), int(frozen["parts"]), Decimal(frozen["cost"]), self.started.plan_hash
        )


class Planning:
    """
    Keeps a plan for *draft*. Safe to be used from several threads.

    Args:
        open_: A campaign for parameters; asked in the background.
        patience_s: How long to wait for further changes.
    """

    def __init__(
        self, draft: Draft, open_: Callable[[CampaignSpec], Campaign], *, patience_s: float = _PATIENCE_S
    ) -> None:
        self._draft, self._open, self._patience_s = draft, open_, patience_s
        self._listeners: list[Callable[[], None]] = []
        self._changed = threading.Condition()
        self._wish = 0
        self._thread: threading.Thread | None = None
        self.busy = False  # whether another plan than `now` is being made
        self.now: Planned | None = None
        self.error: Exception | None = None
        draft.on_change(lambda _: self.want())

    def __repr__(self) -> str:
        return f"Planning({'busy' if self.busy else self.now and self.now.plan})"

    @property
    def plan(self) -> Plan | None:
        """The plan of the draft as it is now; None while there is none yet, or it cannot be made."""
        return None if self.busy or self.error or self.now is None else self.now.plan

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call *listener*, from a thread, when a plan begins to be made and when it is there."""
        self._listeners.append(listener)

    def want(self) -> None:
        """Make a new plan."""
        with self._changed:
            self._wish += 1
            self.busy = True
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="smskit-planning", daemon=True)
                self._thread.start()

    def wait(self, timeout_s: float = 60.0) -> bool:
        """Wait until the last wish is fulfilled and everybody was told; whether it is so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._thread is None, timeout_s)

    def _work(self) -> None:
        self._tell()
        while True:
            with self._changed:
                wish = self._wish
                self._changed.wait_for(lambda: self._wish != wish, self._patience_s)  # noqa: B023 - at once
                if self._wish != wish:
                    continue
            now: Planned | None = None
            error: Exception | None = None
            try:
                now = self._make()
            except Exception as caught:
                error = caught
            with self._changed:
                if self._wish != wish:
                    continue
                self.now, self.error, self.busy = now or self.now, error, False
            self._tell()
            with self._changed:
                if self._wish == wish:
                    self._thread = None
                    self._changed.notify_all()
                    return

    def _make(self) -> Planned:
        campaign = self._open(self._draft.spec())
        row = campaign.started()
        if row is not None:
            return Planned(campaign, None, row)
        return Planned(campaign, campaign.plan(record=False), None, tuple(campaign.guards(approval=False)))

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()
