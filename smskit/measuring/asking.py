"""
What is asked of an outcome table, checked before anything is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from smskit.errors import InputError
from smskit.measuring.outcomes import Columns

__all__ = ["Asked", "refuse_without_table"]

_WINDOW: Final = re.compile(r"\s*(\d{1,4})\s*([hd])\s*")


@dataclass(frozen=True)
class Asked:
    """
    What is asked of an outcome table; the names are those of ``smskit measure``.

    Raises:
        InputError: an option cannot be used.
    """

    outcomes: str
    query: str = ""
    user_id: str = "user_id"
    time: str = ""
    amount: str = ""
    converted: str = ""
    event_id: str = ""
    window: str = "14d"
    timezone: str = ""
    as_of: str = ""
    by: str = ""
    segments: str = ""
    before: str = ""
    entrants: bool = False
    absent: str = "refuse"
    price: str = ""
    srm: str = "stop"
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    file: Path | None = None

    def __post_init__(self) -> None:
        if bool(self.time) == bool(self.converted):
            raise InputError(
                "say what the table is: --time COLUMN where a row is an event, or --converted COLUMNS "
                "where a row is a person"
            )
        for name, value, known in (
            ("--absent", self.absent, ("refuse", "zero")),
            ("--srm", self.srm, ("stop", "allow")),
        ):
            if value not in known:
                raise InputError("{option} is {one} or {other}", option=name, one=known[0], other=known[1])
        if self.time and len(_names(self.amount)) > 1:
            raise InputError("a table of events has one column of money")
        if self.event_id and not self.time:
            raise InputError("--event-id is of a table of events: say --time COLUMN, too")
        _ = self.length, self.zone_or(None), self.price_or(Decimal(0))

    @property
    def columns(self) -> Columns:
        """Which columns of the table say what."""
        return Columns(
            self.user_id, self.time, _names(self.amount), _names(self.converted), self.event_id.strip()
        )

    @property
    def known(self) -> tuple[str, ...]:
        """Columns of the segment to adjust for."""
        return _names(self.before)

    @property
    def length(self) -> timedelta:
        """Of the window."""
        found = _WINDOW.fullmatch(self.window)
        if not found or not int(found[1]):
            raise InputError("--window must read like 36h or 14d")
        return int(found[1]) * (timedelta(days=1) if found[2] == "d" else timedelta(hours=1))

    def zone_or(self, zone: ZoneInfo | None) -> ZoneInfo:
        """Of times that name no zone; *zone* where none is asked for."""
        if not self.timezone:
            return zone or ZoneInfo("UTC")
        try:
            return ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise InputError("--timezone is not a time zone name such as Asia/Shanghai") from None

    def price_or(self, price: Decimal) -> Decimal:
        """Yuan a part; *price* where none is asked for."""
        if not self.price:
            return price
        try:
            asked = Decimal(self.price)
        except InvalidOperation:
            asked = Decimal(-1)
        if not asked.is_finite() or asked < 0:
            raise InputError("--price is yuan a part, such as 0.045")
        return asked

    def moment_or(self, now: float, zone: ZoneInfo) -> datetime:
        """As of when the table is read: *now* where nothing is asked for. Aware, in *zone*."""
        if not self.as_of:
            return datetime.fromtimestamp(now, zone)
        try:
            asked = datetime.fromisoformat(self.as_of)
        except ValueError:
            raise InputError("--as-of is an ISO time such as 2026-11-23T20:00") from None
        return asked.astimezone(zone) if asked.tzinfo else asked.replace(tzinfo=zone)


def refuse_without_table(given: Mapping[str, str]) -> None:
    """
    Raises:
        InputError: an option is given (name in `Asked` -> value) that means something of a table alone.
    """
    for field_ in fields(Asked):
        if given.get(field_.name, field_.default) != field_.default:
            name = "outcomes_query" if field_.name == "query" else field_.name
            raise InputError(
                "--{option} is about a table of what people did: say --outcomes, too",
                option=name.replace("_", "-"),
            )


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
