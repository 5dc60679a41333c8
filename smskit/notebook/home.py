"""
``Home``: what notebook 00 and the app's first page show, all campaigns, providers and what runs next.

Reads alone: it makes no ledger, sends nothing, and asks a provider only where somebody wants to know.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from smskit.errors import LedgerError, NotUsable, SmskitError
from smskit.ledger import ApprovalRow, Ledger
from smskit.ledger.opening import ledger_there, open_ledger
from smskit.models import Mode
from smskit.notebook import accounts
from smskit.notebook.accounts import Account
from smskit.planning.upcoming import Upcoming, upcoming
from smskit.reporting.delivery import Overview, overview
from smskit.settings import Environment
from smskit.workspace import Workspace

__all__ = ["Home", "Planned"]

_LONGEST_ASKED_S = 12.0


class Planned(NamedTuple):
    """A repeating campaign, and what the ledger knows of its present occurrence."""

    about: Upcoming
    file: str  # its path as people read it, from the project's root
    state: str  # of the present occurrence; "" = it has not begun


class Home:
    """
    Args:
        environment: Makes a fresh look at settings.
    """

    def __init__(self, *, environment: Callable[[], Environment] = Environment) -> None:
        self.environment = environment

    def __repr__(self) -> str:
        return "Home()"

    @property
    def ledger(self) -> Ledger | None:
        """The project's ledger; None where there is none yet."""
        return ledger_there(self.environment())

    def overview(self, *, tests: bool = False) -> Overview:
        """All campaigns, see ``delivery.overview``; none where there is no ledger yet."""
        ledger = self.ledger
        return Overview() if ledger is None else overview(ledger, tests=tests)

    def archive(self, campaign: str, mode: Mode, *, undo: bool = False) -> None:
        """
        Put a campaign away, so that lists leave it out, or let them have it again.

        Raises:
            LedgerError: there is none of that name and mode.
            GuardRefused: it is live and not finished, or is being sent; or this visitor may not.
        """
        Workspace.here().demand_mode(mode)
        ledger = self.ledger
        row = ledger.campaigns.get(campaign, mode) if ledger is not None else None
        if ledger is None or row is None:
            raise LedgerError("there is no campaign {campaign} in mode {mode}", campaign=campaign, mode=mode)
        ledger.campaigns.archive(row.id, undo=undo)

    def waiting(self) -> list[ApprovalRow]:
        """Plans that somebody else than who made them has yet to approve, where live runs need it."""
        environment, ledger = self.environment(), self.ledger
        return ledger.approvals.waiting() if ledger is not None and environment.requires_approval else []

    def upcoming(self, *, now: datetime | None = None) -> list[Planned]:
        """The repeating campaigns of the project's parameter files, and how far each is."""
        here, ledger = Workspace.here(), self.ledger
        found = []
        for each in upcoming(here.folder, now=now or datetime.now(UTC)):
            row = ledger and ledger.campaigns.get(each.spec.campaign, each.spec.mode)
            owned = bool(ledger and row and ledger.senders.owner(row.id))
            state = row.state_now(owned=owned) if row else ""
            found.append(Planned(each, each.file.relative_to(here.folder).as_posix(), state))
        return found

    # -- providers -------------------------------------------------------------------------

    def accounts(self) -> list[Account]:
        """How far every provider's account is set up, and what it said last; asks nobody."""
        return accounts.accounts(self.environment(), self.ledger)

    def ask(self, provider: str, *, limit_s: float = _LONGEST_ASKED_S) -> Account:
        """
        Ask a provider whether its account is usable and what is left on it; sends nothing.

        Args:
            limit_s: How long at most.

        Raises:
            SmskitError: it could not be asked, or did not answer in time.
        """
        environment, answer = self.environment(), queue.Queue[SmskitError | None](1)

        def work() -> None:
            try:
                accounts.check(provider, environment, open_ledger(environment), mode=Mode.LIVE)
            except SmskitError as error:
                answer.put(error)
            else:
                answer.put(None)

        # A thread of its own that nobody waits for longer: what it learns later is in the ledger.
        threading.Thread(target=work, name="smskit-ask", daemon=True).start()
        try:
            error = answer.get(timeout=limit_s)
        except queue.Empty:
            error = NotUsable("no answer within {n:g} seconds", n=limit_s)
        if error is not None:
            raise error
        return accounts.account(provider, environment, self.ledger)
