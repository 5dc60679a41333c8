"""
Where everybody planned is, finer than a state: refused by whom, and who may still get it.
"""

from __future__ import annotations

import enum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smskit.errors import InputError
from smskit.i18n import Message, mark
from smskit.ledger import History
from smskit.models import State

__all__ = ["GROUPS", "MAY_ARRIVE", "NEVER_AGAIN", "REFUSED", "Group", "Whom", "groups_of"]


class Group(enum.StrEnum):
    """One place a planned person can be in; everybody is in exactly one."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"  # accepted, and a receipt says it will not arrive
    AWAITING = "awaiting"  # accepted, no receipt yet
    REFUSED = "refused"  # by the provider
    OPTED_OUT = "opted_out"  # stopped by us when it was their turn
    CAPPED = "frequency_cap"  # likewise
    GIVEN_UP = "given_up"  # were unknown; a person said to leave it there
    UNKNOWN = "unknown"
    SUBMITTING = "submitting"
    WAITING = "waiting"  # not reached yet


GROUPS: Final = tuple(Group)
# Another message to them may be the second one they get.
MAY_ARRIVE: Final = frozenset(
    {Group.AWAITING, Group.UNKNOWN, Group.GIVEN_UP, Group.SUBMITTING, Group.WAITING, Group.DELIVERED}
)
NEVER_AGAIN: Final = frozenset({Group.OPTED_OUT})


class Whom(NamedTuple):
    """Some of those planned: a group, or those of it who failed with one raw code."""

    group: Group
    code: str | None = None  # None = whatever it is; "" = none

    @classmethod
    def of(cls, text: Group | str) -> Whom:
        """
        From ``undelivered``, or ``undelivered:MK:0001``.

        Raises:
            InputError: there is no such group.
        """
        name, colon, code = str(text).partition(":")
        try:
            return cls(Group(name), code if colon else None)
        except ValueError:
            words = mark("unknown group `{name}`; there are {groups}")
            raise InputError(Message(words, name=name, groups=", ".join(Group))) from None

    def __str__(self) -> str:
        return str(self.group) if self.code is None else f"{self.group}:{self.code}"


# Whose state is refused: by the provider, or by us.
REFUSED: Final = frozenset({Group.REFUSED, Group.OPTED_OUT, Group.CAPPED, Group.GIVEN_UP})

_OF_STATE: Final = {
    State.WAITING: Group.WAITING,
    State.SUBMITTING: Group.SUBMITTING,
    State.ACCEPTED: Group.AWAITING,
    State.REFUSED: Group.REFUSED,
    State.UNKNOWN: Group.UNKNOWN,
    State.DELIVERED: Group.DELIVERED,
    State.UNDELIVERED: Group.UNDELIVERED,
}
_BY_STATE: Final = np.array([GROUPS.index(_OF_STATE[state]) for state in State], np.uint8)
_BY_US: Final = (Group.OPTED_OUT, Group.CAPPED, Group.GIVEN_UP)  # the ledger's reasons have the same names


def states_of(groups: frozenset[Group]) -> list[State]:
    """The states in which members of *groups* are."""
    wanted = {Group.REFUSED if g in _BY_US else g for g in groups}
    return [state for state in State if _OF_STATE[state] in wanted]


def groups_of(history: History) -> NDArray[np.uint8]:
    """For each person of a chunk their place in ``GROUPS``."""
    found = _BY_STATE[history.keys.states]
    refused = np.flatnonzero(history.keys.states == State.REFUSED)
    reasons = history.reason[refused]
    for group in _BY_US:
        found[refused[reasons == str(group)]] = GROUPS.index(group)
    return found
