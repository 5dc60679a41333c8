"""
Measuring one campaign: arms from the ledger, what they did from a table, and how they differ.

What is asked is checked first, then the table, then whether a comparison is possible at all (`refusing`);
only then is one made.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.errors import InputError, LedgerError, suggest
from smskit.i18n import Message
from smskit.ledger import CampaignRow, Ledger
from smskit.ledger.opening import open_ledger
from smskit.measuring.adjusting import known_of
from smskit.measuring.arms import Arms, begun_at, earlier_occurrences, read_arms
from smskit.measuring.asking import Asked
from smskit.measuring.by_segment import by_value, cells_of, demand_columns
from smskit.measuring.effects import counts_of, effects_of, interim_of
from smskit.measuring.evidence import Evidence, cost_of, table_of
from smskit.measuring.noticing import notices_of
from smskit.measuring.outcomes import Table, of_arms
from smskit.measuring.over_time import days_of
from smskit.measuring.refusing import ONE_SIDED, srm_of, srm_text
from smskit.measuring.result import Effect, InterimRow, Measured, SegmentRow
from smskit.measuring.several import measure_global, measure_series
from smskit.measuring.statistics import srm_p
from smskit.models import Mode, Reason
from smskit.settings import Environment

__all__ = ["campaign_row", "measure", "measure_row"]


def measure(
    campaign: str,
    outcomes: str | Path,
    *,
    mode: Mode | str | None = None,
    pooled: bool = False,
    between: tuple[str, str] | None = None,
    ledger: Ledger | None = None,
    environment: Environment | None = None,
    **asked: Any,
) -> Measured:
    """
    What a campaign brought, compared with its own holdout.

    >>> import smskit
    >>> try:
    ...     smskit.measure("spring", "orders.csv", time="paid_at", amount="yuan")
    ... except smskit.SmskitError as error:
    ...     print(error)
    no campaign `spring` was sent or rehearsed

    Args:
        campaign: Its id.
        outcomes: A file or database URL of what people did, read as segments are.
        mode: None = live, else rehearse; a rehearsal is an A/A test on one's own data.
        pooled: *campaign* is a series, of which each person counts once, from where they entered.
        between: The first and the last day (ISO): all live marketing against its global holdout, whatever
            *campaign* says.
        ledger: None = the project's.
        asked: ``user_id``, ``time``, ``amount``, ``converted``, ``event_id``, ``window``, ``timezone``,
            ``as_of``, ``by``, ``segments``, ``before``, ``entrants``, ``absent``, ``price``, ``srm``,
            ``query``: as ``smskit measure`` has them.

    Returns:
        The object of ``smskit measure --json``. Where no comparison is possible it says why in ``refused``.

    Raises:
        InputError: there is no such campaign, or the table or an option cannot be used.
        MissingExtra: ``smskit[measure]`` is not installed.
    """
    environment = environment or Environment()
    ledger = ledger or open_ledger(environment, create=False)
    unknown = [name for name in asked if name not in Asked.__dataclass_fields__]
    if unknown:
        raise InputError(
            suggest(
                Message("unknown option `{name}`", name=unknown[0]), unknown[0], Asked.__dataclass_fields__
            )
        )
    given: dict[str, Any] = {name: _plain(value) for name, value in asked.items() if value is not None}
    question = Asked(str(outcomes), **given, environ=environment.variables, file=environment.parameter_file)
    wanted = Mode(mode) if mode else None
    if between is not None:
        return measure_global(ledger, question, *map(_day, between))
    if pooled:
        return measure_series(ledger, campaign, wanted, question)
    return measure_row(ledger, campaign_row(ledger, campaign, wanted), question)


def _plain(value: object) -> str | bool:
    """An option as the command has it, of whatever Python has for it: a date, a number, several columns."""
    if isinstance(value, bool):
        return value
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError("--from and --to are days such as 2026-10-01") from None


def campaign_row(ledger: Ledger, name: str, mode: Mode | None) -> CampaignRow:
    """
    The campaign of that id: live, else rehearsed, unless a mode is asked for.

    Raises:
        InputError: there is none.
    """
    for wanted in [mode] if mode else [Mode.LIVE, Mode.REHEARSE]:
        row = ledger.campaigns.get(name, wanted)
        if row is not None and row.mode is not Mode.PLAN:
            return row
    what = Message("no campaign `{campaign}` was sent or rehearsed", campaign=name)
    raise InputError(suggest(what, name, {row.name for row in ledger.campaigns.find()}))


def measure_row(ledger: Ledger, row: CampaignRow, asked: Asked) -> Measured:
    """What one campaign brought; see `measure`."""
    zone = asked.zone_or(row.zone)
    as_of = asked.moment_or(ledger.clock(), zone)
    table = table_of([row], asked, zone)
    start = datetime.fromtimestamp(begun_at(ledger, row), UTC)
    end = start + asked.length
    complete = not asked.time or as_of >= end
    seen = _seen(ledger, row, asked, table, as_of=as_of, start=start, end=end)
    compared = _compared(row, seen, complete=complete)
    first = ""
    if asked.time and not seen.refused:
        with suppress(LedgerError):  # who may only read the ledger measures as well
            first = ledger.campaigns.measured(row.id, asked.window)
    until = min(end, as_of)
    notices = notices_of(ledger, row, seen, compared.effects, first_window=first, start=start, end=until)
    return replace(
        seen.measured(row.name, row.series, row.mode),
        notices=list(notices),
        window=seen.window(start, end, asked.window, complete=complete),
        **compared._asdict(),
        days=[]
        if seen.refused or not asked.time
        else days_of(seen.arms, seen.found, start=start.astimezone(zone), end=until.astimezone(zone)),
    )


def _seen(
    ledger: Ledger,
    row: CampaignRow,
    asked: Asked,
    table: Table,
    *,
    as_of: datetime,
    start: datetime,
    end: datetime,
) -> Evidence:
    """The two arms of a campaign, with one window for all."""
    arms = read_arms(ledger, row)
    if asked.entrants:
        arms = arms.only(~_seen_before(ledger, earlier_occurrences(ledger, row), arms))
    starts, ends = (np.full(len(arms), round(moment.timestamp() * 1e6)) for moment in (start, end))
    srm = srm_of(arms, float(row.spec.get("holdout", 0)))
    return Evidence(
        asked,
        asked.zone_or(row.zone),
        as_of,
        arms,
        of_arms(table, arms, asked.columns, starts=starts, ends=ends),
        srm,
        srm_text(srm, _one_sided(ledger, row), entrants=asked.entrants) if srm and not srm.ok else None,
        cost_of(ledger, [row], arms, asked),
    )


class _Compared(NamedTuple):
    """What comes of a comparison; named as `Measured` has it."""

    effects: Sequence[Effect] = ()
    interim: InterimRow | None = None
    segments: Sequence[SegmentRow] | None = None
    equal_effects: float | None = None


def _compared(row: CampaignRow, seen: Evidence, *, complete: bool) -> _Compared:
    """Effects, adjusted and by segment once the window is over; before that what may be looked at any day."""
    asked, arms, values = seen.asked, seen.arms, seen.found.values
    columns = {*asked.known, *filter(None, [asked.by])}
    if seen.refused or not complete:
        demand_columns(row, arms, columns, asked)
    if seen.refused:
        return _Compared()
    if not complete:
        raw = effects_of(values, arms, name=row.name, cost=seen.cost, complete=False)
        return _Compared(raw, interim_of(counts_of(values["conversion"], arms.treated)))
    cells = cells_of(row, arms, columns, asked)
    known = known_of({name: cells[name] for name in asked.known}) if asked.known else None
    effects = effects_of(values, arms, name=row.name, cost=seen.cost, complete=True, known=known)
    if not asked.by:
        return _Compared(effects)
    metric = next(iter(values))
    segments, equal = by_value(asked.by, cells[asked.by], metric, values[metric], arms)
    return _Compared(effects, None, segments, equal)


def _seen_before(ledger: Ledger, earlier: Sequence[CampaignRow], arms: Arms) -> NDArray[np.bool_]:
    """Which of the n people an earlier occurrence planned or held back."""
    seen = np.zeros(len(arms), np.bool_)
    for other in earlier:
        seen |= np.asarray(pc.is_in(arms.persons, read_arms(ledger, other).persons))
    return seen


def _one_sided(ledger: Ledger, row: CampaignRow) -> list[str]:
    """
    Reasons of this campaign for which people are missing from one arm rather than the other.

    By whom the holdout would have had; an older ledger does not know that, and each that may be is named.
    """
    share, found = float(row.spec.get("holdout", 0)), dict[int, list[NDArray[np.bool_]]]()
    for table in ledger.audience.excluded(row.id):
        if "would_hold" not in table.column_names:
            return [reason for reason in ONE_SIDED if row.summary.get("excluded", {}).get(reason)]
        reasons, back = np.asarray(table["reason"]), table["would_hold"].to_numpy()
        for reason in np.unique(reasons).tolist():
            if Reason(reason) not in (Reason.HOLDOUT, Reason.GLOBAL_HOLDOUT, Reason.OTHER_ARM):
                found.setdefault(reason, []).append(back[reasons == reason])
    sides = {reason: np.concatenate(back) for reason, back in found.items()}
    return [
        Reason(reason).label
        for reason, back in sides.items()
        if srm_p(int(np.count_nonzero(back)), len(back), share) < 0.001
    ]
