"""
Why a comparison is refused, in the order it is looked at; the first reason stands.

Each function is one reason: what it is handed decides, and nothing else is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import numpy as np

from smskit.audience import phones
from smskit.i18n import Joined, Message
from smskit.i18n.figures import moment, share
from smskit.measuring.arms import Arms
from smskit.measuring.asking import Asked
from smskit.measuring.outcomes import Outcomes
from smskit.measuring.result import Coded, Srm
from smskit.measuring.statistics import srm_p
from smskit.models import REASONS

__all__ = ["refusal", "srm_of", "srm_text"]

_THRESHOLD: Final = 0.001  # of the ratio check; a bad split is far below, and people look at many campaigns
_EXPECTED: Final = 10  # people of an arm that a table of events should name, if it names nobody of it
# What earlier messages of a series do to one arm alone.
ONE_SIDED: Final = ("already_sent", "opted_out", "frequency_cap")


def srm_of(arms: Arms, held_back: float) -> Srm | None:
    """The check of the split; None where there is none to check."""
    if not (len(arms) and 0 < held_back < 1):
        return None
    p_value = srm_p(arms.n_holdout, len(arms), held_back)
    expected = len(arms) * held_back
    return Srm(held_back, expected, arms.n_holdout, p_value, _THRESHOLD, p_value >= _THRESHOLD)


def srm_text(srm: Srm, one_sided: Sequence[str], *, entrants: bool) -> Message:
    """
    What the alarm says.

    Args:
        one_sided: Reasons for which people are missing from one arm only.
        entrants: Whether only entrants are looked at already.
    """
    said = Message(
        "the split is not the one that was drawn: {n:,} people were kept back where {m:,} were to be "
        "expected, which chance does once in more than a thousand times",
        n=srm.observed,
        m=round(srm.expected),
    )
    reasons = Message(
        "left out on one side only: {reasons}",
        reasons=Joined([REASONS.get(reason, reason) for reason in one_sided], ", "),
    )
    first = Message("--entrants looks at those alone for whom this is the first occurrence")
    return Joined([said, *([reasons] if one_sided else ()), *(() if entrants else (first,))])


def refusal(
    arms: Arms,
    outcomes: Outcomes,
    asked: Asked,
    *,
    alarm: Message | None,
    as_of: datetime,
) -> Coded | None:
    """
    Why there is no answer; None = there is one.

    Args:
        alarm: About the split, where it is not the one that was drawn.
    """
    events = bool(asked.time)
    if not arms.n_holdout:
        what = Message("the campaign kept nobody back: there is nothing to compare it with")
        return Coded("no_holdout", what)
    if not arms.n_treated:
        what = Message("the campaign kept everybody back: there is nobody to compare the holdout with")
        return Coded("no_holdout", what)
    if alarm is not None and asked.srm == "stop":
        return Coded("srm", alarm)
    if not outcomes.named.any():
        return Coded("no_match", _no_match(arms, outcomes))
    if events:
        late = int(np.count_nonzero(outcomes.times > round(as_of.timestamp() * 1e6)))
        if late:
            return Coded("future", _future(outcomes, late, as_of))
        if not outcomes.counts.used and not outcomes.counts.after:
            what = Message(
                "all {n:,} rows of its people are older than the campaign", n=outcomes.counts.before
            )
            return Coded("before_send", what)
    lacking = _lacking(arms, outcomes, events=events)
    if lacking is not None and (events or asked.absent != "zero"):
        return Coded("coverage", lacking)
    return None


def _no_match(arms: Arms, outcomes: Outcomes) -> Message:
    if not outcomes.unknown:
        return Message("the table names nobody")
    return Message(
        "nobody of the table is in the campaign: it has {theirs}, the campaign {ours}",
        theirs=_masked(outcomes.unknown[0]),
        ours=_masked(arms.persons[0].as_py()),
    )


def _masked(person: str) -> str:
    """An id of which the ends are to be seen, a phone as phones are shown."""
    hidden = phones.hide(person)
    if hidden != person or len(person) < 2:
        return hidden
    kept = max(1, len(person) // 3)
    return f"{person[:kept]}***{person[len(person) - kept // 2 :] if kept > 1 else ''}"


def _future(outcomes: Outcomes, late: int, as_of: datetime) -> Message:
    last = outcomes.data_until
    assert last is not None
    return Message(
        "{n:,} rows are later than {as_of}, the last one of {last}: probably their times are of another time "
        "zone (--timezone), or the table is of another day (--as-of)",
        n=late,
        as_of=moment(as_of),
        last=moment(last.astimezone(as_of.tzinfo)),
    )


def _lacking(arms: Arms, outcomes: Outcomes, *, events: bool) -> Message | None:
    named1, named0 = outcomes.named_of(arms.treated)
    n1, n0 = arms.n_treated, arms.n_holdout
    if events:
        for named, other, size, of in ((named0, named1, n0, n1), (named1, named0, n1, n0)):
            if not named and other * size / of >= _EXPECTED:
                return Message(
                    "the table names {n:,} people of one arm and nobody of the other, where about {m:,} "
                    "were to be expected: it may hold only those who got a message, or only others",
                    n=other,
                    m=round(other * size / of),
                )
        return None
    if named1 == n1 and named0 == n0:
        return None
    return Message(
        "the table lacks {n:,} of {m:,} treated people ({of_m}) and {k:,} of {h:,} held back ({of_h}); where "
        "they did nothing, say --absent zero",
        n=n1 - named1,
        m=n1,
        of_m=share(n1 - named1, n1),
        k=n0 - named0,
        h=n0,
        of_h=share(n0 - named0, n0),
    )
