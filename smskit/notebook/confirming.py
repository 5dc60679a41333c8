"""
What people say yes to before anything is sent: a plan by its hash, and a second person's yes to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from smskit.errors import GuardRefused
from smskit.i18n import UNSENT, Message, mark
from smskit.ledger import ApprovalRow, CampaignRow, Tally
from smskit.ledger.approvals import is_same
from smskit.models import Mode
from smskit.planning.spec import CampaignSpec

__all__ = ["Approval", "Confirmation", "resuming", "unsent"]


class Approval(NamedTuple):
    """What stands of a second person's yes to a plan, where a live run needs one."""

    campaign: str
    plan_hash: str
    found: ApprovalRow | None  # None = nobody has asked for it
    me: str

    @property
    def lacks(self) -> bool:
        """Nothing is sent until somebody else has said yes."""
        return self.found is None or not self.found.approved

    @property
    def is_mine(self) -> bool:
        """Whether it is for this person to say yes."""
        return self.found is not None and self.lacks and not is_same(self.found.planned_by, self.me)


@dataclass(frozen=True)
class Confirmation:
    """What a person says yes to."""

    mode: Mode
    campaign: str
    people: int  # who would get a message now
    parts: int
    cost: Decimal  # yuan, of the whole campaign
    plan_hash: str
    resumes: bool  # goes on with a campaign that has started
    first: int = 0  # people who are sent to before the others, the canary

    def demand(self, typed: str) -> None:
        """
        Take a person's word for it: in live mode the number of people, typed.

        Raises:
            GuardRefused: it is another number.
        """
        if self.mode is Mode.LIVE and re.sub(r"[\s,，]", "", typed) != str(self.people):
            words = mark("{n} people would get a message; type that number to confirm")
            raise unsent(Message(words, n=self.people))


def resuming(spec: CampaignSpec, row: CampaignRow, books: Tally) -> Confirmation:
    """
    What going on with a campaign means, of which the ledger has *books*.

    Raises:
        GuardRefused: it is finished.
    """
    waiting = books.waiting + books.submitting
    if not waiting and not books.unknown:
        words = mark("campaign {campaign} is finished; give the next one an id of its own")
        raise GuardRefused(Message(words, campaign=spec.campaign))
    parts, cost = int(row.summary["parts"]), Decimal(row.summary["cost"])
    return Confirmation(spec.mode, spec.campaign, waiting, parts, cost, row.plan_hash, resumes=True)


def unsent(why: Message) -> GuardRefused:
    """Nothing is sent, and why."""
    return GuardRefused(Message(UNSENT, why=why))
