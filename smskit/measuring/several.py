"""
More than one campaign: a series pooled by entry, and all marketing of a period against its global holdout.

Each person counts once, from the campaign in which they entered: later ones have changed one arm and not the
other. The effect is of being in the series, or in reach of marketing, and not the sum of campaigns' effects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.errors import InputError, suggest
from smskit.i18n import Message
from smskit.ledger import CampaignRow, Ledger
from smskit.measuring.arms import Arms, follow_ups, parts_of, read_arms, sending_of
from smskit.measuring.asking import Asked
from smskit.measuring.by_segment import by_value
from smskit.measuring.effects import arms_of, effects_of, rows_of
from smskit.measuring.outcomes import of_arms, read_outcomes
from smskit.measuring.refusing import refusal, srm_of, srm_text
from smskit.measuring.result import Coded, Measured, SegmentRow, Window, yuan_of
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
    return _judged(
        ledger, series, rows[0].mode, asked, zone, as_of, cohorts, share, notices, windows=asked.window
    )


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
    notices = []
    if asked.time and as_of < end:
        what = Message("the window is not over: the interval that counts is there when it is")
        notices.append(Coded("window_open", what))
    found = _judged(
        ledger,
        "global_holdout",
        Mode.LIVE,
        asked,
        zone,
        as_of,
        cohorts,
        expected / people if people else 0.0,
        notices,
        windows=f"{first.isoformat()}..{last.isoformat()}",
        complete=not asked.time or as_of >= end,
    )
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
    return datetime.fromtimestamp(sending_of(ledger, row).first or row.started_at or row.created_at, UTC)


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
    ledger: Ledger,
    name: str,
    mode: Mode,
    asked: Asked,
    zone: ZoneInfo,
    as_of: datetime,
    cohorts: Sequence[_Cohort],
    share: float,
    notices: list[Coded],
    *,
    windows: str,
    complete: bool = True,
) -> Measured:
    """What all cohorts together show, and each by itself; only whole windows are looked at."""
    if asked.by or asked.before or asked.entrants:
        raise InputError("--by, --before and --entrants are of one campaign")
    rows = [cohort.row for cohort in cohorts]
    by_phone = {not row.spec.get("user_id", "user_id") for row in rows}
    if len(by_phone) > 1:
        raise InputError("some of the campaigns know people by id and some by phone")
    arms = Arms.joined([cohort.arms for cohort in cohorts])
    table = read_outcomes(
        asked.outcomes,
        asked.columns,
        by_phone=by_phone == {True},
        zone=zone,
        query=asked.query,
        environ=asked.environ,
        file=asked.file,
    )
    starts, ends = (_edges(cohorts, which) for which in ("start", "end"))
    found = of_arms(table, arms, asked.columns, starts=starts, ends=ends)
    srm = srm_of(arms, share)
    alarm = srm_text(srm, (), entrants=True) if srm and not srm.ok else None
    refused = refusal(arms, found, asked, alarm=alarm, as_of=as_of)
    if alarm is not None and asked.srm == "allow":
        notices = [Coded("srm", alarm), *notices]
    price = asked.price_or(Decimal(str(rows[-1].spec.get("price_per_part", "0.05"))) if rows else Decimal(0))
    again = [other for row in rows for other in follow_ups(ledger, row)]
    cost = yuan_of([parts_of(ledger, row, arms) for row in [*rows, *again]], price)
    effects, cohort_rows, alike = [], list[SegmentRow](), None
    if refused is None:
        values = found.values
        effects = effects_of(values, arms, name=name, cost=cost, complete=complete)
        metric = next(iter(values))
        entered = pa.array(
            np.repeat([c.row.name for c in cohorts], [len(c.arms) for c in cohorts]), pa.large_string()
        )
        if complete:
            cohort_rows, alike = by_value("entered", entered, metric, values[metric], arms, most=len(cohorts))
    window = None
    if asked.time and cohorts:
        until = found.data_until
        window = Window(
            min(c.start for c in cohorts).astimezone(zone).isoformat(),
            max(c.end for c in cohorts).astimezone(zone).isoformat(),
            until.astimezone(zone).isoformat() if until else None,
            windows,
            complete,
        )
    if any(not effect.enough for effect in effects):
        few = ", ".join(effect.metric for effect in effects if not effect.enough)
        what = Message(
            "too few conversions to say anything of {metrics}: 5 of both arms together, for money 5 of each",
            metrics=few,
        )
        notices = [*notices, Coded("too_few", what)]
    return Measured(
        campaign=name,
        mode=str(mode),
        series=name,
        as_of=as_of.isoformat(),
        refused=refused,
        notices=notices,
        outcomes=rows_of(found, events=bool(asked.time), zone=str(zone)),
        window=window,
        arms=arms_of(arms),
        srm=srm,
        cost=cost,
        effects=effects,
        cohorts=cohort_rows,
        equal_effects=alike,
        named=found.named_of(arms.treated),
    )


def _edges(cohorts: Sequence[_Cohort], which: str) -> NDArray[np.int64]:
    at = [round(getattr(cohort, which).timestamp() * 1e6) for cohort in cohorts]
    return np.repeat(np.array(at, np.int64), [len(cohort.arms) for cohort in cohorts])
