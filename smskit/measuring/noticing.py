"""
What to know of an answer, in the order it is told; each has a code for programs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smskit.audience.persons import among
from smskit.audience.segment import find
from smskit.audience.segment.location import is_url
from smskit.errors import SegmentError
from smskit.i18n import Message
from smskit.i18n.figures import share
from smskit.ledger import CampaignRow, Ledger
from smskit.measuring.arms import Arms, begun_at, earlier_occurrences, follow_ups, reached_phones, sending_of
from smskit.measuring.asking import Asked
from smskit.measuring.evidence import Evidence
from smskit.measuring.result import Coded, Effect
from smskit.models import Kind, Mode

__all__ = ["WINDOW_OPEN", "notices_of", "too_few"]

_SLOW: Final = 0.1  # of the window, within which all should have been sent
WINDOW_OPEN: Final = Coded(
    "window_open", Message("the window is not over: the interval that counts is there when it is")
)


def notices_of(
    ledger: Ledger,
    row: CampaignRow,
    seen: Evidence,
    effects: Sequence[Effect],
    *,
    first_window: str,
    start: datetime,
    end: datetime,
) -> Iterator[Coded]:
    asked, arms = seen.asked, seen.arms
    if seen.alarm is not None and asked.srm == "allow":
        yield Coded("srm", seen.alarm)
    yield from too_few(effects)
    if seen.found.refunds:
        what = Message(
            "{n:,} rows have a negative amount; refunds after the window are in neither arm",
            n=seen.found.refunds,
        )
        yield Coded("refunds", what)
    waiting = int(np.count_nonzero(arms.waiting))
    if waiting:
        what = Message("{n:,} people still wait for their message, and count as treated", n=waiting)
        yield Coded("unfinished", what)
    yield from _of_time(ledger, row, asked, end)
    if first_window and first_window != asked.window:
        what = Message(
            "it was first measured with a window of {first}; a window that is chosen by what it shows "
            "makes the interval a lie",
            first=first_window,
        )
        yield Coded("window_changed", what)
    wanted = dict.fromkeys((*asked.known, *([asked.by] if asked.by else ())))
    read = [name for name in wanted if asked.segments or name not in arms.kept]
    if read and not (asked.time and end < start + asked.length):  # before the end nothing is read of it
        yield from _of_segments(row, asked, read, start)
    if row.mode is Mode.REHEARSE:
        what = Message("a rehearsal: nothing was sent, so there is no effect to find (an A/A test)")
        yield Coded("rehearsal", what)
    yield from _of_others(ledger, row, asked, arms, start, end)


def too_few(effects: Sequence[Effect]) -> Iterator[Coded]:
    """That some metrics have too few buyers to be judged, where they do."""
    few = [effect.metric for effect in effects if not effect.enough]
    if few:
        what = Message(
            "too few conversions to say anything of {metrics}: 5 of both arms together, for money 5 of each",
            metrics=", ".join(few),
        )
        yield Coded("too_few", what)


def _of_time(ledger: Ledger, row: CampaignRow, asked: Asked, now: datetime) -> Iterator[Coded]:
    if not asked.time:
        return
    sending = sending_of(ledger, row)
    if sending.first is not None and sending.last is not None:
        took = timedelta(seconds=sending.last - sending.first)
        if took > asked.length * _SLOW:
            what = Message(
                "sending took {took}, more than a tenth of the window: some had less of it than others",
                took=str(timedelta(seconds=round(took.total_seconds()))),
            )
            yield Coded("slow_send", what)
    if now < datetime.fromtimestamp(begun_at(ledger, row), UTC) + asked.length:
        yield WINDOW_OPEN


def _of_segments(row: CampaignRow, asked: Asked, columns: Sequence[str], start: datetime) -> Iterator[Coded]:
    source = asked.segments or str(row.spec.get("segment", ""))
    newer = source.startswith("env:") or is_url(source)
    if not newer:
        try:
            newer = find(source, parameter_file=asked.file).stat().st_mtime > start.timestamp()
        except (SegmentError, OSError):
            return
    if newer:
        what = Message(
            "{columns}: read from a table that is newer than the campaign, which may have changed it "
            "itself; parameter `keep` keeps such columns with the campaign",
            columns=", ".join(f"`{name}`" for name in columns),
        )
        yield Coded("segments_newer", what)


def _of_others(
    ledger: Ledger, row: CampaignRow, asked: Asked, arms: Arms, start: datetime, end: datetime
) -> Iterator[Coded]:
    earlier, again = earlier_occurrences(ledger, row), follow_ups(ledger, row)
    if earlier and not asked.entrants:
        what = Message(
            "series `{series}` has {n} earlier occurrences, which have changed one arm and not the other: "
            "--entrants looks at those alone for whom this is the first",
            series=row.series,
            n=len(earlier),
        )
        yield Coded("earlier_occurrences", what)
    if again:
        what = Message(
            "{n} follow-ups belong to the treatment, and to the cost: {names}",
            n=len(again),
            names=", ".join(other.name for other in again),
        )
        yield Coded("follow_ups", what)
    reached = _reached_by_others(ledger, row, again, arms, start, end)
    if reached is not None:
        one, other = (np.count_nonzero(reached & (arms.treated == side)) for side in (True, False))
        what = Message(
            "other live campaigns reached {treated} of the treated and {holdout} of the holdout "
            "meanwhile, which should be about the same",
            treated=share(int(one), arms.n_treated),
            holdout=share(int(other), arms.n_holdout),
        )
        yield Coded("other_campaigns", what)


def _reached_by_others(
    ledger: Ledger,
    row: CampaignRow,
    again: Sequence[CampaignRow],
    arms: Arms,
    start: datetime,
    end: datetime,
) -> NDArray[np.bool_] | None:
    """Which of the n people other live campaigns reached in that time; None = there was none."""
    own = {row.id, *(other.id for other in again)}
    found: NDArray[np.bool_] | None = None
    for other in ledger.campaigns.find(mode=Mode.LIVE):
        if other.id in own or other.kind is Kind.TEST or not arms.n_holdout or not arms.n_treated:
            continue
        first, last = sending_of(ledger, other)
        if first is None or last is None or last < start.timestamp() or first >= end.timestamp():
            continue
        phones = np.sort(np.concatenate([np.empty(0, np.int64), *reached_phones(ledger, other)]))
        hit = among(arms.phones, phones)
        found = hit if found is None else found | hit
    return found
