"""
Arms of an experiment side by side: by delivery, and by what their people did.

Arms are campaigns over one segment that a hash has parted, so whatever else they differ in is what is tried:
text, provider, hour. Each arm's clock starts with its own first submission and runs for whole days.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smskit.errors import InputError
from smskit.i18n import Message
from smskit.ledger import CampaignRow, Ledger
from smskit.measuring import statistics
from smskit.measuring.arms import Arms, begun_at, experiment_of, read_arms, sending_of
from smskit.measuring.asking import Asked
from smskit.measuring.compared import ArmRow, Arrived, Compared, Difference
from smskit.measuring.evidence import table_of
from smskit.measuring.measure import campaign_row
from smskit.measuring.noticing import WINDOW_OPEN
from smskit.measuring.outcomes import of_arms
from smskit.measuring.result import Coded
from smskit.measuring.statistics import LEVEL, Counts
from smskit.models import Mode, State

__all__ = ["arms_beside", "compare"]

_THRESHOLD: Final = 0.001
_RECEIPTS_S: Final = 72 * 3600  # after which receipts that are missing do not come any more
_POINTS: Final = 40  # of a line of receipts
_ENOUGH: Final = 5  # conversions of all arms together


def compare(ledger: Ledger, campaigns: Sequence[str], mode: Mode | None, asked: Asked | None) -> Compared:
    """
    Compare the arms of an experiment.

    Args:
        asked: What their people did; None = by delivery alone.

    Raises:
        InputError: fewer than two, an unknown campaign, or the table or an option cannot be used.
    """
    if len(set(campaigns)) < 2:
        raise InputError("name two campaigns or more, the arms of an experiment")
    rows = [campaign_row(ledger, name, mode) for name in dict.fromkeys(campaigns)]
    zone = (asked.zone_or(rows[0].zone)) if asked else rows[0].zone
    as_of = asked.moment_or(ledger.clock(), zone) if asked else datetime.fromtimestamp(ledger.clock(), zone)
    held = [read_arms(ledger, row) for row in rows]
    split, refused = _split(rows, held)
    took = [_receipts(ledger, row) for row in rows]
    made = [_arm(ledger, *each, rows, held) for each in zip(rows, held, took, strict=True)]
    differences: list[Difference] = []
    notices = list(_of_receipts(ledger, rows, made))
    p_value = None
    if refused is None:
        there = [at for at, arm in enumerate(made) if arm.people]
        delivered = [Counts(arm.delivered, arm.people, 0, 1) for arm in made]
        differences += _pairs("delivery", list(combinations(there, 2)), made, delivered)
        differences += _prices(made)
        if asked is not None:
            converted, complete = _converted(ledger, rows, held, asked, as_of)
            made, p_value, more, said = _by_outcomes(made, converted, complete)
            differences += more
            notices += said
    return Compared(
        experiment=experiment_of(rows[0]) if len({experiment_of(row) for row in rows}) == 1 else "",
        mode=str(rows[0].mode),
        as_of=as_of.isoformat(),
        refused=refused,
        notices=notices,
        split_p_value=split,
        window=asked.window if asked and asked.time else "",
        timezone=str(zone),
        arms=made,
        p_value=p_value,
        differences=differences,
        arrived=[each for arm, its in zip(made, took, strict=True) for each in _arrived(arm, its)],
    )


def arms_beside(ledger: Ledger, row: CampaignRow) -> list[CampaignRow]:
    """The arms of a campaign's experiment, itself among them, in their order; empty where it is none."""
    if not (experiment := experiment_of(row)):
        return []
    found = [each for each in ledger.campaigns.find(mode=row.mode) if experiment_of(each) == experiment]
    return sorted(found, key=lambda each: (float(each.spec["arm"]["from"]), each.id))


# --- who is in which arm


def _width(row: CampaignRow) -> float:
    arm = row.spec.get("arm") or {}
    return float(arm.get("to", 1)) - float(arm.get("from", 0))


def _split(rows: Sequence[CampaignRow], held: Sequence[Arms]) -> tuple[float | None, Coded | None]:
    """The p-value of the arms' sizes, and why they cannot be compared; None = there is none, they can."""
    experiments = {experiment_of(row) for row in rows}
    if len(experiments) > 1 or "" in experiments or len({row.mode for row in rows}) > 1:
        what = Message(
            "these campaigns are not arms of one experiment: whom each was sent to was not drawn, so what "
            "differs could be the people (parameter `arm`)"
        )
        return None, Coded("no_experiment", what)
    p_value = _split_p(rows, held)
    return p_value, Coded("srm", _uneven(rows, held)) if p_value < _THRESHOLD else None


def _split_p(rows: Sequence[CampaignRow], held: Sequence[Arms]) -> float:
    """The p-value of the arms' sizes, holdouts included: each against all others, for all of them."""
    sizes, widths = [len(arms) for arms in held], [_width(row) for row in rows]
    each = [
        statistics.srm_p(n, sum(sizes), width / sum(widths)) for n, width in zip(sizes, widths, strict=True)
    ]
    return min(1.0, min(each) * (len(each) if len(each) > 2 else 1))


def _uneven(rows: Sequence[CampaignRow], held: Sequence[Arms]) -> Message:
    sizes = ", ".join(f"{row.name} {len(arms):,}" for row, arms in zip(rows, held, strict=True))
    return Message(
        "the arms are not as they were drawn ({sizes}): probably one provider's rules exclude people from "
        "its own arm alone",
        sizes=sizes,
    )


# --- by delivery


def _arm(
    ledger: Ledger,
    row: CampaignRow,
    arms: Arms,
    took: _Receipts,
    rows: Sequence[CampaignRow],
    held: Sequence[Arms],
) -> ArmRow:
    states = np.concatenate([np.empty(0, np.uint8), *ledger.audience.states(row.id).values()])
    n = np.bincount(states, minlength=len(State))
    people, delivered = len(states), int(n[State.DELIVERED])
    awaiting = int(n[State.ACCEPTED] + n[State.UNKNOWN] + n[State.SUBMITTING] + n[State.WAITING])
    price = Decimal(str(row.spec.get("price_per_part", "0.05")))
    yuan = int(arms.parts[arms.reached].sum()) * price
    low, high = statistics.wilson(delivered, people, level=LEVEL) if people else (None, None)
    each = float(yuan) / people if people else None
    widths = sum(map(_width, rows))
    first = sending_of(ledger, row).first
    return ArmRow(
        campaign=row.name,
        arm=str((row.spec.get("arm") or {}).get("name", "")),
        provider=row.provider,
        starts_at=datetime.fromtimestamp(first, row.zone).isoformat() if first is not None else None,
        people=people,
        expected=sum(map(len, held)) * _width(row) / widths,
        accepted=int(n[State.ACCEPTED] + n[State.DELIVERED] + n[State.UNDELIVERED]),
        delivered=delivered,
        awaiting=awaiting,
        delivery_rate=delivered / people if people else None,
        delivery_low=low,
        delivery_high=high,
        if_none_arrives=delivered / people if people else None,
        if_all_arrive=(delivered + awaiting) / people if people else None,
        yuan=str(yuan),
        yuan_per_delivered=float(yuan) / delivered if delivered else None,
        yuan_per_delivered_low=each / high if each is not None and high else None,
        yuan_per_delivered_high=each / low if each is not None and low else None,
        median_receipt_s=float(np.median(took.seconds)) if len(took.seconds) else None,
    )


class _Receipts(NamedTuple):
    """Of each report how many seconds after submission it came, and whether the message was delivered."""

    seconds: NDArray[np.float64]
    delivered: NDArray[np.bool_]


def _receipts(ledger: Ledger, row: CampaignRow) -> _Receipts:
    took: list[NDArray[np.float64]] = []
    delivered: list[NDArray[np.bool_]] = []
    for chunk in ledger.audience.states(row.id):
        history = ledger.audience.history(row.id, chunk)
        each = history.receipt_at - history.submitted_at
        there = np.isfinite(each)
        took.append(each[there])
        delivered.append(history.keys.states[there] == State.DELIVERED)
    return _Receipts(
        np.concatenate([np.empty(0), *took]), np.concatenate([np.empty(0, np.bool_), *delivered])
    )


def _arrived(arm: ArmRow, took: _Receipts) -> Iterator[Arrived]:
    """What was delivered within a second, and so on to the last one, in steps of equal factors."""
    seconds = np.sort(took.seconds[took.delivered])
    if not len(seconds) or not arm.people:
        return
    for limit in np.geomspace(1, max(2.0, float(seconds[-1])), _POINTS).tolist():
        there = int(np.searchsorted(seconds, limit * (1 + 1e-9), "right"))
        yield Arrived(arm.arm or arm.campaign, limit, there / arm.people)


def _of_receipts(ledger: Ledger, rows: Sequence[CampaignRow], made: Sequence[ArmRow]) -> Iterator[Coded]:
    open_ones = [
        arm.campaign
        for row, arm in zip(rows, made, strict=True)
        if arm.awaiting and ledger.clock() < (sending_of(ledger, row).last or ledger.clock()) + _RECEIPTS_S
    ]
    if open_ones:
        what = Message(
            "receipts of {names} are not all in: read the rates with what they would be if none or all of "
            "those awaited arrive",
            names=", ".join(open_ones),
        )
        yield Coded("receipts_open", what)


def _pairs(
    metric: str, pairs: Sequence[tuple[int, int]], arms: Sequence[ArmRow], counts: Sequence[Counts]
) -> list[Difference]:
    """
    Those pairs of arms, their intervals holding together.

    Args:
        counts: Of each arm the first two numbers are its own.
    """
    both = [Counts(*counts[one][:2], *counts[other][:2]) for one, other in pairs]
    p_values = [statistics.score_p(each) for each in both]
    level = 1 - (1 - LEVEL) / max(len(pairs), 1)
    return [
        Difference(
            metric,
            arms[one].arm,
            arms[other].arm,
            each.difference,
            *statistics.newcombe(each, level=level),
            level,
            p,
            adjusted,
        )
        for (one, other), each, p, adjusted in zip(
            pairs, both, p_values, statistics.holm(p_values), strict=True
        )
    ]


def _prices(arms: Sequence[ArmRow]) -> Iterator[Difference]:
    """Of every pair of arms the difference of what a delivered message cost."""
    for one, other in combinations(arms, 2):
        a, la, ua = one.yuan_per_delivered, one.yuan_per_delivered_low, one.yuan_per_delivered_high
        b, lb, ub = other.yuan_per_delivered, other.yuan_per_delivered_low, other.yuan_per_delivered_high
        if a is None or b is None or la is None or lb is None or ua is None or ub is None:
            continue
        yield Difference(
            "yuan_per_delivered",
            one.arm,
            other.arm,
            a - b,
            a - b - math.hypot(a - la, ub - b),
            a - b + math.hypot(ua - a, b - lb),
            LEVEL,
            None,
            None,
        )


# --- by what people did


def _converted(
    ledger: Ledger, rows: Sequence[CampaignRow], held: Sequence[Arms], asked: Asked, as_of: datetime
) -> tuple[list[Counts], bool]:
    """How many of each arm's treated converted within its own window, and whether all windows are over."""
    if asked.time and asked.length.total_seconds() % 86_400:
        raise InputError("arms that begin at different hours need a window of whole days")
    table = table_of(rows, asked, asked.zone_or(rows[0].zone))
    counts, complete = [], True
    for row, arms in zip(rows, held, strict=True):
        start = begun_at(ledger, row)
        ends = start + asked.length.total_seconds()
        complete &= not asked.time or as_of.timestamp() >= ends
        edges = [np.full(len(arms), round(at * 1e6)) for at in (start, ends)]
        found = of_arms(table, arms, asked.columns, starts=edges[0], ends=edges[1])
        said = next(iter(found.values.values()))
        counts.append(Counts(int(np.count_nonzero(said & arms.treated)), arms.n_treated, 0, 1))
    return counts, complete


def _by_outcomes(
    made: Sequence[ArmRow], counts: Sequence[Counts], complete: bool
) -> tuple[list[ArmRow], float | None, list[Difference], list[Coded]]:
    level = 1 - (1 - LEVEL) / len(counts)
    rows = []
    for arm, one in zip(made, counts, strict=True):
        low, high = statistics.wilson(*one[:2], level=level) if complete and one.treated else (None, None)
        rows.append(
            replace(
                arm,
                converted=one.treated_buyers,
                conversion=one.treated_buyers / one.treated if one.treated else None,
                conversion_low=low,
                conversion_high=high,
            )
        )
    if not complete:
        return rows, None, [], [WINDOW_OPEN]
    said = []
    if sum(one.treated_buyers for one in counts) < _ENOUGH:
        what = Message("too few conversions to tell the arms apart")
        said.append(Coded("too_few", what))
    p_value = statistics.all_alike([one[:2] for one in counts])
    best = max(range(len(counts)), key=lambda at: rows[at].conversion or 0)
    others = [at for at in range(len(counts)) if at != best and counts[at].treated]
    return rows, p_value, _pairs("conversion", [(best, at) for at in others], rows, counts), said
