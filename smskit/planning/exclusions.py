"""
Who is left out of a plan, and why: one ordered list, of which the first reason that applies is taken.

What a row lacks itself is judged before whether it is a copy, so that a row which gets nothing takes no
other row along; a *no* (sent to already, opted out, no consent, capped) holds for all rows of its phone
and of its person.

Every array has one entry per row of the segment that passed the rules, in its order, unless it says
otherwise. Pure: history, clock and limits are in `Candidates`.

What a row is by itself (`Facts`) and which rows are copies (`Copies`) are apart, since a segment may come in
parts: each part finds the facts of its own rows, and copies are looked for in all parts together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.audience.persons import Copies, among
from smskit.audience.pseudonyms import pseudonyms
from smskit.audience.searching import found_in
from smskit.message.parts import units as units_of_column
from smskit.models import MessageClass, Reason
from smskit.planning.policy import experiment_key, global_key, held_back, over_cap
from smskit.planning.recipients import LONG, UNFIT, ProviderLimits, Recipients
from smskit.planning.spec import CampaignSpec

__all__ = ["EXCLUSIONS", "Candidates", "Facts", "History", "reasons_of"]

Mask: TypeAlias = NDArray[np.bool_]

# Characters no handset shows and carriers refuse; line breaks and tabs are fine.
_CONTROL: Final = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{80}-\x{9f}"
# Letters that were lost on the way: the sign for that, private use, and what is no character at all.
_LOST: Final = r"\x{FFFD}\x{E000}-\x{F8FF}\x{F0000}-\x{10FFFF}\x{FDD0}-\x{FDEF}\x{FFFE}\x{FFFF}"
# A letter as another program writes it: &#20013; of HTML, \u4e2d of JSON, _x000D_ of Excel. What can be read
# as it stands (`A&amp;B`) is only noticed: `odd_values`.
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


# Whom a reason applies to by themselves: people -> mask of n rows, or None where the campaign does not ask.
Rule: TypeAlias = Callable[[Candidates], Mask | None]


@dataclass(frozen=True)
class Facts:
    """
    What the reasons of *n* rows come from, copies apart; three bytes a row.

    Attributes:
        wrong: n `Reason` numbers, why there is no phone; 0 where there is one.
        applies: n; bit *i* is set where the reason of ``EXCLUSIONS[i]`` applies to the row by itself.
    """

    wrong: NDArray[np.int8]
    applies: NDArray[np.uint16]

    @classmethod
    def of(cls, people: Candidates) -> Facts:
        """Those of n rows, whatever the other rows are."""
        applies = np.zeros(len(people.rows), np.uint16)
        for bit, (_, rule) in enumerate(EXCLUSIONS):
            found = rule(people) if rule is not None else None
            if found is not None:
                applies |= found.astype(np.uint16) << np.uint16(bit)
        return cls(people.rows.wrong, applies)

    def take(self, rows: NDArray[Any]) -> Facts:
        """Those at *rows*: places, or a mask of n entries."""
        return Facts(self.wrong[rows], self.applies[rows])

    @classmethod
    def together(cls, parts: Sequence[Facts]) -> Facts:
        """Those of several parts, one after the other."""
        wrong = np.concatenate([np.empty(0, np.int8), *(part.wrong for part in parts)])
        return cls(wrong, np.concatenate([np.empty(0, np.uint16), *(part.applies for part in parts)]))


def reasons_of(facts: Facts, copies: Copies) -> NDArray[np.int8]:
    """For each of n rows the first reason that applies, as a `Reason` number; ``NONE`` = it is planned."""
    reasons = facts.wrong.copy()
    for bit, (reason, _) in enumerate(EXCLUSIONS):
        left = reasons == Reason.NONE
        match reason:
            case Reason.DUPLICATE_PHONE:
                found = copies.same_phone(left)
            case Reason.DUPLICATE_USER:
                # Of a person's rows that are left, the first is no copy: its phone was asked about before.
                found = copies.same_person(left)
            case _:
                found = (facts.applies & np.uint16(1 << bit)) != 0
                found = copies.spread(found) if reason in _FOR_ALL_COPIES else found
        reasons[left & found] = reason
    return reasons


def _sent_before(people: Candidates) -> Mask:
    sent = among(people.rows.phones, np.sort(people.past.sent_phones))
    if len(people.past.sent_persons):
        sent |= np.asarray(pc.is_in(people.rows.persons, people.past.sent_persons))
    return sent


def _opted_out(people: Candidates) -> Mask:
    out = among(people.rows.phones, people.past.opted_out)
    if people.past.erased_key:
        out |= among(pseudonyms(people.rows.phones, people.past.erased_key), people.past.opted_out)
    return out


def _without_consent(people: Candidates) -> Mask | None:
    return None if people.rows.consented is None else ~people.rows.consented


def _over_cap(people: Candidates) -> Mask | None:
    cap = people.spec.cap
    return over_cap(people.rows.phones, people.past.recent, cap.most) if cap else None


def _without_value(people: Candidates) -> Mask:
    lacking = np.zeros(len(people.rows), np.bool_)
    for column in people.rows.values.values():
        if column.null_count:
            lacking |= np.asarray(column.is_null())
    return lacking


def _unfit_value(people: Candidates) -> Mask:
    fit, unfit = people.fit, np.zeros(len(people.rows), np.bool_)
    pattern = f"{_UNFIT}|{fit.unfit_value}" if fit.unfit_value else _UNFIT
    for column in people.rows.values.values():
        unfit |= found_in(column, pattern)
        if fit.value_units is not None:
            unfit |= units_of_column(column) > fit.value_units
    return unfit | _elsewhere(people, UNFIT)


def _too_long(people: Candidates) -> Mask:
    return (people.rows.units > people.fit.text_units) | _elsewhere(people, LONG)


def _elsewhere(people: Candidates, what: np.uint8) -> Mask:
    """Rows that the provider of another arm could not carry (parameter `fits`)."""
    found = people.rows.elsewhere
    return np.zeros(len(people.rows), np.bool_) if found is None else (found & what) != 0


def _in_other_arm(people: Candidates) -> Mask | None:
    arm = people.spec.arm
    if arm is None:
        return None
    experiment = experiment_key(arm["experiment"])
    below, inside = (held_back(people.rows.persons, arm[end], key=experiment) for end in ("from", "to"))
    return below | ~inside


def _held_back_from_all(people: Candidates) -> Mask | None:
    share = people.spec.global_holdout if people.marketing else 0
    return held_back(people.rows.persons, share, key=global_key(people.holdout_salt)) if share else None


def _held_back(people: Candidates) -> Mask | None:
    share = people.spec.holdout
    return held_back(people.rows.persons, share, key=people.spec.series_name) if share else None


# Phones that are none have their reason already; whose copy a row is, it does not tell by itself.
EXCLUSIONS: Final[tuple[tuple[Reason, Rule | None], ...]] = (
    (Reason.ALREADY_SENT, _sent_before),
    (Reason.OPTED_OUT, _opted_out),
    (Reason.NO_CONSENT, _without_consent),
    (Reason.FREQUENCY_CAP, _over_cap),
    (Reason.MISSING_VARIABLE, _without_value),
    (Reason.BAD_VARIABLE, _unfit_value),
    (Reason.TEXT_TOO_LONG, _too_long),
    (Reason.DUPLICATE_PHONE, None),
    (Reason.DUPLICATE_USER, None),
    (Reason.OTHER_ARM, _in_other_arm),
    (Reason.GLOBAL_HOLDOUT, _held_back_from_all),
    (Reason.HOLDOUT, _held_back),
)
# These hold for all rows of a phone or a person as soon as they apply to one.
_FOR_ALL_COPIES: Final = {*(Reason.ALREADY_SENT, Reason.OPTED_OUT, Reason.NO_CONSENT, Reason.FREQUENCY_CAP)}
