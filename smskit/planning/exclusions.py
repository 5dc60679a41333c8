"""
Who is left out of a plan, and why: one ordered list, of which the first reason that applies is taken.

What a row lacks itself is judged before whether it is a copy, so that a row which gets nothing takes no
other row along; a *no* (sent to already, opted out, no consent, capped) holds for all rows of its phone
and of its person.

Every array has one entry per row of the segment that passed the rules, in its order, unless it says
otherwise. Pure: history, clock and limits are in `Candidates`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.audience.persons import Copies, later_copies
from smskit.audience.pseudonyms import pseudonyms
from smskit.message.parts import units as units_of_column
from smskit.models import MessageClass, Reason
from smskit.planning.policy import global_key, held_back, over_cap
from smskit.planning.recipients import ProviderLimits, Recipients
from smskit.planning.spec import CampaignSpec

__all__ = ["EXCLUSIONS", "ORDER", "Candidates", "History", "reasons_of"]

Mask: TypeAlias = NDArray[np.bool_]

# Characters no handset shows and carriers refuse; line breaks and tabs are fine.
_CONTROL: Final = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{80}-\x{9f}"
# Letters that were lost on the way: the sign for that, private use, and what is no character at all.
_LOST: Final = r"\x{FFFD}\x{E000}-\x{F8FF}\x{F0000}-\x{10FFFF}\x{FDD0}-\x{FDEF}\x{FFFE}\x{FFFF}"
# A letter as another program writes it: &#20013; of HTML, \u4e2d of JSON, _x000D_ of Excel. What can be read
# as it stands (`A&amp;B`) is only noticed: `plan.build`.
_ESCAPE: Final = (
    r"&#(?:[0-9]{1,7}|[xX][0-9A-Fa-f]{1,6});"
    r"|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|_x[0-9A-Fa-f]{4}_"
)
# The sign for a lost letter, and the mark a file begins with, after a second wrong reading.
_MISREAD: Final = "锟斤拷|ï¿½|ï»¿"
_UNFIT: Final = f"[{_CONTROL}{_LOST}]|{_ESCAPE}|{_MISREAD}"


class History(NamedTuple):
    """What happened before, as far as it keeps people out of this plan; each of any length."""

    sent_phones: NDArray[np.int64] = np.empty(0, np.int64)  # this campaign, this mode
    sent_persons: pa.Array = pa.array([], pa.large_string())
    opted_out: NDArray[np.int64] = np.empty(0, np.int64)  # ascending
    recent: NDArray[np.int64] = np.empty(0, np.int64)  # one entry a live message within the cap's window
    erased_key: str = ""  # of the ledger: opted out may also be who was erased, as a pseudonym


@dataclass(frozen=True)
class Candidates:
    """What the reasons are judged by; *n* rows."""

    spec: CampaignSpec
    rows: Recipients
    fit: ProviderLimits
    past: History
    holdout_salt: str = ""

    @property
    def marketing(self) -> bool:
        """Whether the holdout of all marketing applies."""
        return self.spec.message_class is MessageClass.MARKETING

    @cached_property
    def copies(self) -> Copies:
        """Rows with the same phone or person, whatever else is the matter with them."""
        return Copies.of(self.rows.phones, self.rows.persons, self.rows.keys)


# Finds rows among those left: (people, left) -> mask of n rows, or None where the campaign does not ask.
Rule: TypeAlias = Callable[[Candidates, Mask], Mask | None]


def reasons_of(people: Candidates) -> NDArray[np.int8]:
    """
    For each of the n rows the first reason that applies, as a `Reason` number; ``NONE`` = it is planned.

    A mask is worked out only when its turn comes, and not at all where the campaign does not ask for it.
    """
    reasons = people.rows.wrong.copy()
    for reason, applies in EXCLUSIONS:
        left = reasons == Reason.NONE
        found = applies(people, left)
        if found is not None:
            reasons[left & found] = reason
    return reasons


def _phone_again(people: Candidates, left: Mask) -> Mask:
    """Rows whose phone an earlier row has that is planned or kept back."""
    return people.copies.same_phone(left)


def _person_again(people: Candidates, left: Mask) -> Mask:
    """Rows whose person an earlier row is that is planned or kept back."""
    # Of a person's rows that are left, the first is no copy: its phone was asked about before.
    return _mask(left, later_copies(people.rows.persons, np.flatnonzero(left), of=people.rows.keys))


def _for_all_copies(rule: Rule) -> Rule:
    """*rule*, holding for all rows of a phone or a person as soon as it applies to one."""

    def applies(people: Candidates, left: Mask) -> Mask | None:
        found = rule(people, left)
        return None if found is None else people.copies.spread(found)

    return applies


def _sent_before(people: Candidates, left: Mask) -> Mask:
    sent = _among(people.rows.phones, np.sort(people.past.sent_phones))
    if len(people.past.sent_persons):
        sent |= np.asarray(pc.is_in(people.rows.persons, people.past.sent_persons))
    return sent


def _opted_out(people: Candidates, left: Mask) -> Mask:
    out = _among(people.rows.phones, people.past.opted_out)
    if people.past.erased_key:
        out |= _among(pseudonyms(people.rows.phones, people.past.erased_key), people.past.opted_out)
    return out


def _without_consent(people: Candidates, left: Mask) -> Mask | None:
    return None if people.rows.consented is None else ~people.rows.consented


def _over_cap(people: Candidates, left: Mask) -> Mask | None:
    cap = people.spec.cap
    return over_cap(people.rows.phones, people.past.recent, cap.most) if cap else None


def _without_value(people: Candidates, left: Mask) -> Mask:
    lacking = np.zeros(len(left), np.bool_)
    for column in people.rows.values.values():
        if column.null_count:
            lacking |= np.asarray(column.is_null())
    return lacking


def _unfit_value(people: Candidates, left: Mask) -> Mask:
    fit, unfit = people.fit, np.zeros(len(left), np.bool_)
    pattern = f"{_UNFIT}|{fit.unfit_value}" if fit.unfit_value else _UNFIT
    for column in people.rows.values.values():
        unfit |= np.asarray(pc.fill_null(pc.match_substring_regex(column, pattern), False))
        if fit.value_units is not None:
            unfit |= units_of_column(column) > fit.value_units
    return unfit


def _too_long(people: Candidates, left: Mask) -> Mask:
    return people.rows.units > people.fit.text_units


def _held_back_from_all(people: Candidates, left: Mask) -> Mask | None:
    share = people.spec.global_holdout if people.marketing else 0
    return held_back(people.rows.persons, share, key=global_key(people.holdout_salt)) if share else None


def _held_back(people: Candidates, left: Mask) -> Mask | None:
    share = people.spec.holdout
    return held_back(people.rows.persons, share, key=people.spec.series_name) if share else None


# Phones that are none have their reason already.
EXCLUSIONS: Final[tuple[tuple[Reason, Rule], ...]] = (
    (Reason.ALREADY_SENT, _for_all_copies(_sent_before)),
    (Reason.OPTED_OUT, _for_all_copies(_opted_out)),
    (Reason.NO_CONSENT, _for_all_copies(_without_consent)),
    (Reason.FREQUENCY_CAP, _for_all_copies(_over_cap)),
    (Reason.MISSING_VARIABLE, _without_value),
    (Reason.BAD_VARIABLE, _unfit_value),
    (Reason.TEXT_TOO_LONG, _too_long),
    (Reason.DUPLICATE_PHONE, _phone_again),
    (Reason.DUPLICATE_USER, _person_again),
    (Reason.GLOBAL_HOLDOUT, _held_back_from_all),
    (Reason.HOLDOUT, _held_back),
)
# All reasons, in the order in which they are judged and shown.
ORDER: Final = (
    *(Reason.NO_PHONE, Reason.BAD_PHONE, Reason.UNSUPPORTED_REGION),
    *(reason for reason, _ in EXCLUSIONS),
)


def _mask(like: Mask, rows: NDArray[np.int64]) -> Mask:
    made = np.zeros(len(like), np.bool_)
    made[rows] = True
    return made


def _among(values: NDArray[np.int64], ascending: NDArray[np.int64]) -> Mask:
    """Which *values* are in *ascending*, which is sorted and may be of any length."""
    if not len(ascending):
        return np.zeros(len(values), np.bool_)
    at = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return np.asarray(ascending[at] == values)
