"""
What to check before sending: which messages and why, how many parts, who is left out.

Pure, over a `Plan`, and by column: a million rows are counted, a few are
rendered. Everything for people is masked here.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.audience import phones as phones_module
from smskit.errors import InputError
from smskit.i18n import Message, mark
from smskit.message.parts import LONG_PART_UNITS, SINGLE_PART_UNITS, parts
from smskit.message.template import Template
from smskit.models import Reason
from smskit.planning.plan import Plan
from smskit.planning.recipients import units_of_texts
from smskit.planning.ruled_out import values_read

__all__ = [
    "Bubble",
    "Sample",
    "WaterfallStep",
    "bubbles",
    "find",
    "just_over",
    "left_out",
    "lengths",
    "masked",
    "part_counts",
    "rows_of",
    "savings",
    "units_over",
    "waterfall",
]

Rows = NDArray[np.int64]  # places in a plan's arrays
_MOST_CHARACTERS = 20  # a text is not shortened by more than this without being another text


class Sample(enum.StrEnum):
    """Which rows of a plan to show."""

    FIRST = "first"  # as they will be sent
    RANDOM = "random"
    LONGEST = "longest"
    PROBLEM = "problem"  # one row for each reason to be left out


class Bubble(NamedTuple):
    """One message, or one row that gets none, as people may see it."""

    row: int  # in the plan
    user_id: str
    phone: str  # masked
    text: str  # "" where a value is missing
    reason: str  # "" = planned
    units: int
    parts: int  # 0 where nothing is sent
    over: int  # characters past the last border of a part; 0 in a single one


def rows_of(plan: Plan, sample: Sample, *, count: int = 3, draw: int = 0) -> Rows:
    """
    Which rows to show, at most *count* of them, each once.

    Args:
        draw: Of random rows: another number, other rows; the same number, the same ones.
    """
    if sample is Sample.FIRST:
        return np.asarray(plan.order[:count])
    if sample is Sample.RANDOM:
        size = min(count, plan.planned)
        return np.asarray(np.random.default_rng(draw).choice(plan.order, size, replace=False))
    if sample is Sample.LONGEST:
        units = plan.units[plan.order]
        most = min(count, len(units))
        longest = np.argpartition(-units, most - 1)[:most] if most else np.empty(0, np.int64)
        return np.asarray(plan.order[longest[np.argsort(-units[longest], kind="stable")]])
    _, first = np.unique(plan.reasons, return_index=True)
    return np.asarray(first[plan.reasons[first] != Reason.NONE].astype(np.int64)[:count])


def find(plan: Plan, who: str, *, count: int = 5) -> Rows:
    """
    Rows of the person, or of the phone, that *who* names, in any usual form.

    Raises:
        InputError: nobody of the plan is called so; says which rule left them out, if one did.
    """
    who, phone = who.strip(), 0
    with contextlib.suppress(InputError):  # a user id
        phone = phones_module.normalise_one(who)
    found = np.asarray(pc.fill_null(pc.equal(plan.persons, who), False))
    rows = np.flatnonzero(found | (plan.phones == phone) if phone else found)[:count]
    if not len(rows):
        raise InputError(_absent(plan, who, phone))
    return rows


def _absent(plan: Plan, who: str, phone: int) -> Message:
    """Why nobody of the plan is called *who*."""
    shown = phones_module.redact(who)
    if phones_module.is_masked(who):
        return Message(phones_module.NOBODY_MASKED, who=shown)
    for group in plan.ruled_out.groups():
        if len(rows := group.find(who, phone)):
            rule = plan.ruled_out.rule.parts[group.rule]
            (row,) = group.people.take(rows[:1]).to_pylist()
            why = values_read(group, rule, row)
            words = mark("{who}: ruled out by rule {n} ({rule}): {why}")
            return Message(words, who=shown, n=group.rule + 1, rule=rule.words, why=why)
    if plan.looked_at is not None:
        return Message("{who} was not found; {where}", who=shown, where=plan.looked_at)
    return Message("{who} is not in the segment's file", who=shown)


def bubbles(plan: Plan, rows: Rows) -> list[Bubble]:
    """What to show of *rows*, in their order."""
    frame = plan.frame(rows)
    over = units_over(plan.units[rows])
    planned = frame["reason"] == ""
    return [
        Bubble(*values)
        for values in zip(
            rows.tolist(),
            frame["user_id"].fillna("").tolist(),
            frame["phone"].tolist(),
            frame["text"].tolist(),
            frame["reason"].tolist(),
            plan.units[rows].tolist(),
            frame["parts"].tolist(),
            np.where(planned, over, 0).tolist(),
            strict=True,
        )
    ]


def lengths(plan: Plan, template: Template) -> tuple[int, int] | None:
    """
    UTF-16 units of the shortest and the longest message if *template* were sent to everybody planned.

    None where it has a variable the plan knows no values of, or nobody is planned.
    """
    if not plan.planned or not set(template.names) <= set(plan.variables):
        return None
    units = units_of_texts(template, plan.variables, len(plan.reasons))[plan.order]
    return int(units.min()), int(units.max())


# -- parts, and what they cost -----------------------------------------------------------


def part_counts(plan: Plan) -> pd.DataFrame:
    """How many messages have how many parts: ``parts``, ``messages``, ``cost`` (yuan); only what occurs."""
    counts = np.bincount(plan.parts[plan.order])
    rows = [(n, int(k), plan.spec.price_per_part * n * int(k)) for n, k in enumerate(counts) if k]
    return pd.DataFrame(rows, columns=["parts", "messages", "cost"])


def units_over(units: NDArray[Any]) -> NDArray[np.int64]:
    """Characters of each text past the last border it crossed; taking them out saves a part. 0 = one part."""
    count = parts(units).astype(np.int64)
    border = np.where(count <= 2, SINGLE_PART_UNITS, (count - 1) * LONG_PART_UNITS)
    return np.where(count > 1, units - border, 0)


def just_over(plan: Plan, characters: int, *, count: int = 3) -> Rows:
    """Planned rows pushed into one more part by at most *characters*, fewest first."""
    over = units_over(plan.units[plan.order])
    among = np.flatnonzero((over > 0) & (over <= characters))
    return np.asarray(plan.order[among[np.argsort(over[among], kind="stable")]][:count])


def savings(plan: Plan, *, most: int = _MOST_CHARACTERS) -> pd.DataFrame:
    """
    What a text shorter by so many characters would save.

    Returns:
        One row for each length that saves more than the one before: ``shorter``
        (characters), ``messages`` (that lose a part), ``parts`` and ``cost``
        (yuan) saved.
    """
    units = plan.units[plan.order].astype(np.int64)
    now = parts(units)
    rows: list[tuple[int, int, int, Decimal]] = []
    for shorter in range(1, most + 1):
        saved = now - parts(np.maximum(units - shorter, 1))
        total = int(saved.sum())
        if total > (rows[-1][2] if rows else 0):
            rows.append((shorter, int((saved > 0).sum()), total, plan.spec.price_per_part * total))
    return pd.DataFrame(rows, columns=["shorter", "messages", "parts", "cost"])


# -- who is left out ----------------------------------------------------------------------


class WaterfallStep(NamedTuple):
    """One step from the rows read to the people planned."""

    key: str  # "read", "rule:0", a reason, or "planned"
    label: str
    left_out: int
    left: int


def waterfall(plan: Plan) -> list[WaterfallStep]:
    """The steps of ``Plan.waterfall``, with a key to ask for the rows of each."""
    keys = ["read", *(f"rule:{n}" for n in range(len(plan.steps))), *plan.excluded, "planned"]
    rows = plan.waterfall().itertuples(index=False, name=None)
    return [WaterfallStep(key, a, int(b), int(c)) for key, (a, b, c) in zip(keys, rows, strict=True)]


def waterfall_kept(summary: Mapping[str, Any]) -> list[WaterfallStep]:
    """The same steps of a campaign that has started, from what its ledger keeps of its plan."""
    left = summary.get("read", summary["segment"])
    steps = [WaterfallStep("read", "read", 0, left)]
    for n, rule in enumerate(summary.get("steps", ())):
        steps.append(WaterfallStep(f"rule:{n}", rule["rule"], left - rule["kept"], rule["kept"]))
        left = rule["kept"]
    for reason, people in summary["excluded"].items():
        left -= people
        steps.append(WaterfallStep(reason, reason, people, left))
    return [*steps, WaterfallStep("planned", "planned", 0, left)]


def left_out(plan: Plan, key: str, *, count: int = 50) -> pd.DataFrame:
    """
    The first rows behind a step: those a reason left out, or those that are planned.

    Columns as in ``Plan.frame``. What a rule left out is not in the plan any
    more; see ``Campaign.lost``.
    """
    if key == "planned":
        return plan.frame(plan.order[:count])
    wanted = next((r for r in Reason if r and r.label == key), None)
    rows = np.arange(len(plan.reasons)) if wanted is None else np.flatnonzero(plan.reasons == wanted)
    return plan.frame(rows[:count])


def masked(frame: pd.DataFrame, *, phone: str) -> pd.DataFrame:
    """A few rows of a segment as people may see them, as text; a missing cell is empty."""
    shown: dict[str, Any] = {}
    for name in frame.columns:
        if name == phone:
            numbers, _ = phones_module.normalise(frame[name])
            shown[name] = phones_module.shown_column(frame[name].loc[numbers == 0], numbers).to_pylist()
        else:
            cells = frame[name]
            shown[name] = [
                "" if gone else phones_module.redact(str(cell))
                for cell, gone in zip(cells, cells.isna(), strict=True)
            ]
    return pd.DataFrame(shown)
