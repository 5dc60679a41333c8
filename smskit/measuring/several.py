"""
More than one campaign: a series pooled by entry, and all marketing of a period against its global holdout.

Each person counts once, from the campaign in which they entered: later ones have changed one arm and not the
other. The effect is of being in the series, or in reach of marketing, and not the sum of campaigns' effects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.errors import InputError, suggest
from smskit.i18n import Message
from smskit.ledger import CampaignRow, Ledger
from smskit.measuring.arms import Arms, begun_at, read_arms
from smskit.measuring.asking import Asked
from smskit.measuring.by_segment import by_value
from smskit.measuring.effects import effects_of
from smskit.measuring.evidence import Evidence, cost_of, table_of
from smskit.measuring.noticing import WINDOW_OPEN, too_few
from smskit.measuring.outcomes import of_arms
from smskit.measuring.refusing import srm_of, srm_text
from smskit.measuring.result import Coded, Effect, Measured, SegmentRow
from smskit.models import TIMEZONE, Kind, MessageClass, Mode, Reason
from smskit.planning.policy import held_back

__all__ = ["measure_global", "measure_series"]


@dataclass(frozen=True)
class _Cohort:
    """Who entered with one campaign, and when each one's window is."""

    row: CampaignRow
    arms: Arms
    start: datetime
    end: datetime


def measure_series(ledger: Ledger, series: str, mode: Mode | None, asked: Asked) -> Measured:
    """
    A series, each person once, from the occurrence in which they entered and with a window of their own.

    People whose hash lies between two shares that occurrences kept back are left out.

    Raises:
        InputError: there is no such series, or the table or an option cannot be used.
    """
    rows = _occurrences(ledger, series, mode)
    zone = asked.zone_or(rows[0].zone)
    as_of = asked.moment_or(ledger.clock(), zone)
    shares = [float(row.spec.get("holdout", 0)) for row in rows]
    least, most = min(shares), max(shares)
    notices, cohorts = list[Coded](), list[_Cohort]()
    open_ones = 0
    for row, new in _entering(ledger, rows, lambda row: read_arms(ledger, row)):
        start = _start(ledger, row)
        if asked.time and as_of < start + asked.length:
            open_ones += 1
        elif len(new):
            between = held_back(new.persons, most, key=series) & ~held_back(new.persons, least, key=series)
            cohorts.append(_Cohort(row, new.only(~between), start, start + asked.length))
    if least != most:
        what = Message("occurrences kept back different shares: who lies between them is left out")
        notices.append(Coded("share_changed", what))
    if open_ones:
        what = Message("{n} occurrences are left out, whose window is not over", n=open_ones)
        notices.append(Coded("window_open", what))
    share = least / (1 - (most - least)) if least else 0.0
    seen = _seen(ledger, asked, zone, as_of, cohorts, share)
    return _judged(seen, series, rows[0].mode, cohorts, notices, windows=asked.window)


def measure_global(ledger: Ledger, asked: Asked, first: date, last: date) -> Measured:
    """
    All live marketing of a period against its global holdout; each person from their first campaign on.

    Own holdouts of campaigns count as treated: they are in reach of marketing.

    Raises:
        InputError: no live marketing began in the period, or the table or an option cannot be used.
    """
    zone = asked.zone_or(ZoneInfo(TIMEZONE))
    as_of = asked.moment_or(ledger.clock(), zone)
    begin, end = (datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1)))
    rows = [row for row in ledger.campaigns.find(mode=Mode.LIVE) if _is_marketing(row)]
    rows = [row for row in rows if begin <= _start(ledger, row) < end]
    if not rows:
        raise InputError("no live marketing began in that time")
    refused = _contaminated(ledger, rows)
    cohorts = [
        _Cohort(row, new, _start(ledger, row), end)
        for row, new in _entering(ledger, rows, lambda row: _global_arms(ledger, row))
    ]
    people = sum(len(cohort.arms) for cohort in cohorts)
    expected = sum(len(c.arms) * float(c.row.spec.get("global_holdout", 0)) for c in cohorts)
    complete = not asked.time or as_of >= end
    seen = _seen(ledger, asked, zone, as_of, cohorts, expected / people if people else 0.0)
    windows = f"{first.isoformat()}..{last.isoformat()}"
    notices = [] if complete else [WINDOW_OPEN]
    found = _judged(seen, "global_holdout", Mode.LIVE, cohorts, notices, windows=windows, complete=complete)
    if refused is None:
        return found
    return replace(found, refused=refused, effects=(), cohorts=None, equal_effects=None)


def _occurrences(ledger: Ledger, series: str, mode: Mode | None) -> list[CampaignRow]:
    for wanted in [mode] if mode else [Mode.LIVE, Mode.REHEARSE]:
        same = ledger.campaigns.find(mode=wanted, series=series)
        rows = [row for row in same if row.kind in (Kind.CAMPAIGN, Kind.COPY)]
        if rows:
            return rows
    known = {row.series for row in ledger.campaigns.find() if row.mode is not Mode.PLAN}
    raise InputError(
        suggest(Message("no series `{series}` was sent or rehearsed", series=series), series, known)
    )


def _start(ledger: Ledger, row: CampaignRow) -> datetime:
    return datetime.fromtimestamp(begun_at(ledger, row), UTC)


def _entering(
    ledger: Ledger, rows: Sequence[CampaignRow], arms_of: Callable[[CampaignRow], Arms]
) -> Iterator[tuple[CampaignRow, Arms]]:
    """Each campaign, oldest first, with those of its people who were in none before."""
    seen: list[pa.Array] = []
    for row in sorted(rows, key=lambda row: _start(ledger, row)):
        arms = arms_of(row)
        known = pa.chunked_array(seen, pa.large_string()) if seen else pa.array([], pa.large_string())
        new = ~np.asarray(pc.is_in(arms.persons, value_set=known))
        seen.append(arms.persons)
        yield row, arms.only(new)


# --- all marketing


def _is_marketing(row: CampaignRow) -> bool:
    return row.kind is not Kind.TEST and row.spec.get("message_class", "marketing") == MessageClass.MARKETING


def _global_arms(ledger: Ledger, row: CampaignRow) -> Arms:
    """Planned or held back by the campaign's own holdout, against who is held back from all marketing."""
    own = read_arms(ledger, row)
    own = own.only(~own.treated)
    in_reach = replace(own, treated=np.ones(len(own), np.bool_))
    return Arms.joined([read_arms(ledger, row, held_back=Reason.GLOBAL_HOLDOUT), in_reach])


def _contaminated(ledger: Ledger, rows: Sequence[CampaignRow]) -> Coded | None:
    """Why the global holdout of these campaigns is none: some of it was messaged by another of them."""
    held: dict[str, pa.Array] = {}
    planned: dict[str, pa.Array] = {}
    for row in rows:
        arms = read_arms(ledger, row, held_back=Reason.GLOBAL_HOLDOUT)
        planned[row.name] = arms.persons.filter(pa.array(arms.treated))
        held[row.name] = arms.persons.filter(pa.array(~arms.treated))
    share = {row.name: float(row.spec.get("global_holdout", 0)) for row in rows}
    others, salted = list[str](), list[str]()
    for name in planned:
        for other in held:
            if name == other or not len(held[other]):
                continue
            if pc.any(pc.is_in(planned[name], value_set=held[other])).as_py():
                (salted if share[name] == share[other] else others).append(name)
                break
    if others:
        what = Message(
            "{names} kept back another share from all marketing, or none, and messaged people who are held "
            "back by other campaigns",
            names=", ".join(others),
        )
        return Coded("contaminated", what)
    if salted:
        what = Message(
            "{names} messaged people whom other campaigns with the same share held back from all marketing: "
            "SMSKIT_HOLDOUT_KEY has changed between them",
            names=", ".join(salted),
        )
        return Coded("salt_changed", what)
    return None


# --- the comparison


def _judged(
    seen: Evidence,
    name: str,
    mode: Mode,
    cohorts: Sequence[_Cohort],
    notices: Sequence[Coded],
    *,
    windows: str,
    complete: bool = True,
) -> Measured:
    """What all cohorts together show, and each by itself; only whole windows are looked at."""
    srm = [Coded("srm", seen.alarm)] if seen.alarm is not None and seen.asked.srm == "allow" else []
    effects: list[Effect] = []
    by_cohort, alike = list[SegmentRow](), None
    if seen.refused is None:
        arms, values = seen.arms, seen.found.values
        effects = effects_of(values, arms, name=name, cost=seen.cost, complete=complete)
        if complete:
            metric = next(iter(values))
            entered = pa.array(_of_each(cohorts, [cohort.row.name for cohort in cohorts]), pa.large_string())
            by_cohort, alike = by_value("entered", entered, metric, values[metric], arms, most=len(cohorts))
    window = None
    if cohorts:
        start, end = min(cohort.start for cohort in cohorts), max(cohort.end for cohort in cohorts)
        window = seen.window(start, end, windows, complete=complete)
    return replace(
        seen.measured(name, name, mode),
        notices=[*srm, *notices, *too_few(effects)],
        window=window,
        effects=effects,
        cohorts=by_cohort,
        equal_effects=alike,
    )


def _seen(
    ledger: Ledger,
    asked: Asked,
    zone: ZoneInfo,
    as_of: datetime,
    cohorts: Sequence[_Cohort],
    share: float,
) -> Evidence:
    """The arms of all cohorts as two, each person with their cohort's window."""
    if asked.by or asked.before or asked.entrants:
        raise InputError("--by, --before and --entrants are of one campaign")
    rows = [cohort.row for cohort in cohorts]
    arms = Arms.joined([cohort.arms for cohort in cohorts])
    table = table_of(rows, asked, zone)
    starts, ends = (
        _of_each(cohorts, [round(edge.timestamp() * 1e6) for edge in edges])
        for edges in ([cohort.start for cohort in cohorts], [cohort.end for cohort in cohorts])
    )
    srm = srm_of(arms, share)
    return Evidence(
        asked,
        zone,
        as_of,
        arms,
        of_arms(table, arms, asked.columns, starts=starts, ends=ends),
        srm,
        srm_text(srm, (), entrants=True) if srm and not srm.ok else None,
        cost_of(ledger, rows, arms, asked),
    )


def _of_each(cohorts: Sequence[_Cohort], values: Sequence[Any]) -> NDArray[Any]:
    """What is said of each cohort, once for each of its people."""
    return np.repeat(np.array(values), [len(cohort.arms) for cohort in cohorts])
