"""
When messages were accepted, and receipts came: people by the second, shown by a unit that suits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from smskit.ledger import CampaignRow, Ledger, Times, times_of
from smskit.models import State

__all__ = ["UNITS", "Moments", "OverTime", "over_time"]

Unit = Literal["second", "minute", "hour", "day"]
UNITS: Final[tuple[str, ...]] = get_args(Unit)
_FLOOR: Final = {"second": "s", "minute": "min", "hour": "h", "day": "D"}
# The longest span that a unit is chosen for, in seconds.
_SPANS: Final = (("second", 180), ("minute", 2 * 3600), ("hour", 4 * 86400))
_KINDS: Final = ("accepted", "delivered", "undelivered")


@dataclass(frozen=True)
class OverTime:
    """
    One campaign as time went by.

    Args:
        moments: One row a kind and second in which something happened: ``kind`` (0 accepted, 1 delivered,
            2 undelivered), ``second`` (since the epoch), ``people``.
    """

    zone: ZoneInfo
    moments: pd.DataFrame

    @property
    def unit(self) -> str:
        """The unit of time that suits how long it all took."""
        seconds = self.moments["second"]
        span = int(seconds.max() - seconds.min()) if len(seconds) else 0
        return next((unit for unit, longest in _SPANS if span <= longest), "day")

    def table(self, unit: str = "") -> pd.DataFrame:
        """
        Submissions that were accepted, receipts, and who still waits for one.

        Args:
            unit: One of ``UNITS``; "" = what suits the time it took.

        Returns:
            One row a stretch of time in which something happened: ``at`` (its start, on the clock of the
            campaign's time zone), ``accepted``, ``delivered``, ``undelivered``, and ``awaiting`` at its end.
        """
        found = self.moments
        if not len(found):
            empty = pd.DataFrame({name: np.empty(0, np.int64) for name in (*_KINDS, "awaiting")})
            empty.insert(0, "at", pd.Series(dtype="datetime64[s]"))
            return empty
        clock = pd.to_datetime(found["second"], unit="s", utc=True).dt.tz_convert(self.zone)
        at = clock.dt.tz_localize(None).dt.floor(_FLOOR[unit or self.unit])
        table = found["people"].groupby([at.rename("at"), found["kind"]]).sum().unstack(fill_value=0)
        table = table.reindex(columns=range(len(_KINDS)), fill_value=0)
        table.columns = pd.Index(_KINDS)
        table["awaiting"] = (table["accepted"] - table["delivered"] - table["undelivered"]).cumsum()
        return table.reset_index()


class Moments:
    """What is kept from one chunk to the next."""

    def __init__(self) -> None:
        self._found: list[pd.DataFrame] = []

    def add(self, states: NDArray[np.uint8], times: Times) -> None:
        """Count one chunk."""
        sent = times.submitted_at
        # Clocks of two companies: no receipt is older than its message.
        came = np.fmax(times.receipt_at, sent)
        delivered, undelivered = states == State.DELIVERED, states == State.UNDELIVERED
        accepted = delivered | undelivered | (states == State.ACCEPTED)
        for kind, at in enumerate((sent[accepted], came[delivered], came[undelivered])):
            seconds, people = np.unique(np.floor(at).astype(np.int64), return_counts=True)
            self._found.append(pd.DataFrame({"kind": kind, "second": seconds, "people": people}))

    def over_time(self, row: CampaignRow) -> OverTime:
        """What was counted."""
        found = joined(self._found, ["kind", "second", "people"])
        return OverTime(row.zone, found.groupby(["kind", "second"], as_index=False).sum())


def over_time(ledger: Ledger, row: CampaignRow) -> OverTime:
    """Read no more of *row* than the times of what happened: neither people nor what the provider said."""
    moments = Moments()
    for chunk, states in ledger.audience.states(row.id).items():
        events = ledger.audience.events(row.id, chunk, ("claim", "receipt"))
        moments.add(states, times_of(len(states), events))
    return moments.over_time(row)


def joined(tables: Iterable[Any], columns: list[str]) -> pd.DataFrame:
    """Those tables one below the other; none of them is an empty one with *columns*."""
    each = list(tables)
    return pd.concat(each, ignore_index=True) if each else pd.DataFrame(dict.fromkeys(columns, _NOTHING))


_NOTHING: Final = np.empty(0, np.int64)
