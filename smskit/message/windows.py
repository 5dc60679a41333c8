"""
When, and how often, messages may leave: a campaign's own window and cap, and what a provider states.

Pure. What a provider states is dated data with its source (`MarketingLimits`); its hours narrow the
campaign's own `SendWindow`, its frequencies are shown, since the provider itself refuses what exceeds them.
Leaves waiting for a window, and counting for a cap, to ``sending``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from smskit.i18n import Message
from smskit.models import TIMEZONE

__all__ = [
    "EffectiveWindow",
    "Frequency",
    "FrequencyCap",
    "Hours",
    "MarketingLimits",
    "SendWindow",
    "effective_window",
    "notice_of_hours",
    "parse_cap",
    "parse_window",
]


class FrequencyCap(NamedTuple):
    """At most ``most`` accepted messages per phone in any ``window`` of time."""

    most: int
    window: timedelta


class SendWindow(NamedTuple):
    """Local hours in which marketing may leave; may cross midnight."""

    start: time
    end: time

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{'24:00' if self.end == time.max else f'{self.end:%H:%M}'}"

    def is_open(self, at: datetime) -> bool:
        """Whether *at*, in the campaign's own time zone, is inside; the end is outside."""
        now = at.time().replace(tzinfo=None)
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end

    def next_opening(self, at: datetime) -> datetime:
        """
        The first instant at or after *at* that is inside, in *at*'s zone.

        Goes by the clock on the wall, minute after minute: where clocks jump over the
        start the window opens when they have, and where they are set back an hour that
        comes twice is inside twice.
        """
        minute = at.astimezone(UTC).replace(second=0, microsecond=0)
        while not self.is_open(at):
            minute += timedelta(minutes=1)
            at = minute.astimezone(at.tzinfo)
        return at


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The hours in which a provider takes marketing messages."""

    window: SendWindow
    timezone: str = TIMEZONE
    source: str
    read_on: date

    def __str__(self) -> str:
        return f"{self.window} ({self.timezone})"

    def is_open(self, at: datetime) -> bool:
        """Whether *at*, aware and of any zone, is inside."""
        return self.window.is_open(at.astimezone(ZoneInfo(self.timezone)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Frequency:
    """How often a provider takes messages to one phone; what exceeds it, it refuses itself."""

    cap: FrequencyCap
    counts: str  # which messages are counted together
    source: str
    read_on: date

    @property
    def period(self) -> str:
        """Its window as parameters write one: 30s, 24h."""
        seconds = int(self.cap.window.total_seconds())
        return f"{seconds // 3600}h" if seconds % 3600 == 0 else f"{seconds}s"

    def __str__(self) -> str:
        return f"{self.cap.most}/{self.period} to one phone, counted by {self.counts}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketingLimits:
    """What a provider states; nothing where its documents do not."""

    hours: Hours | None = None
    often: tuple[Frequency, ...] = ()


@dataclass(frozen=True)
class EffectiveWindow:
    """When a campaign's messages may leave: within its own window and the provider's hours."""

    own: SendWindow
    hours: Hours

    def __str__(self) -> str:
        return f"{self.own}, and by the provider {self.hours}"

    def is_open(self, at: datetime) -> bool:
        """Whether *at*, in the campaign's own time zone, is inside both."""
        return self.own.is_open(at) and self.hours.is_open(at)

    def next_opening(self, at: datetime) -> datetime | None:
        """The first instant at or after *at* inside both, in *at*'s zone; None: not within two days."""
        if self.is_open(at):
            return at
        first = at.astimezone(UTC).replace(second=0, microsecond=0)
        later = ((first + timedelta(minutes=n)).astimezone(at.tzinfo) for n in range(1, 2 * 24 * 60 + 1))
        return next((minute for minute in later if self.is_open(minute)), None)


def effective_window(
    own: SendWindow | None, marketing: MarketingLimits
) -> SendWindow | EffectiveWindow | None:
    """When a campaign's messages may leave; None = always, which a campaign says by having no window."""
    return own if own is None or marketing.hours is None else EffectiveWindow(own, marketing.hours)


def notice_of_hours(
    own: SendWindow | None, marketing: MarketingLimits, *, provider: str, now: datetime
) -> str:
    """
    What a plan's reader should know about the hours; "" = nothing.

    Args:
        own: The campaign's window; None = always.
        now: In the campaign's zone; the hours of the day that follows are checked.
    """
    hours = marketing.hours
    if hours is None:
        return ""
    day: Sequence[datetime] = [now.astimezone(UTC) + timedelta(minutes=n) for n in range(24 * 60)]
    mine = [at for at in day if own is None or own.is_open(at.astimezone(now.tzinfo))]
    taken = [at for at in mine if hours.is_open(at)]
    if len(taken) == len(mine):
        return ""
    stated = {"provider": provider, "hours": hours, "source": Message(hours.source)}
    if own is None:
        return Message(
            "{provider} takes marketing only {hours}. Source: {source}. This campaign has no send window, so "
            "what is sent outside is refused there",
            **stated,
        )
    return Message(
        "{provider} takes marketing only {hours}. Source: {source}. Of the send window {own} only what lies "
        "within is used",
        own=own,
        **stated,
    )


def parse_window(text: str) -> SendWindow | None:
    """
    A send window as parameters write it, ``08:00-20:00``; None where the text is empty.

    Raises:
        ValueError: it cannot be read; says how it must read.
    """
    if not text.strip():
        return None
    match = re.fullmatch(r"\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*", text)
    if not match:
        raise ValueError(Message("must read like 08:00-20:00, or be empty for always"))
    hours = [int(part) for part in match.groups()]
    if hours[0] > 23 or hours[2] > 24 or max(hours[1], hours[3]) > 59 or (hours[2] == 24 and hours[3]):
        raise ValueError(Message("holds a time that does not exist"))
    end = time.max if hours[2] == 24 else time(hours[2], hours[3])
    start = time(hours[0], hours[1])
    if start == end:
        raise ValueError(Message("starts when it ends; leave it empty for always"))
    return SendWindow(start, end)


def parse_cap(text: str) -> FrequencyCap | None:
    """
    A frequency cap as parameters write it, ``2/7d``; None where the text is empty.

    Raises:
        ValueError: it cannot be read; says how it must read.
    """
    if not text.strip():
        return None
    match = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,4})\s*([dh])\s*", text)
    if not match or int(match[2]) == 0:
        raise ValueError(Message("must read like 2/7d (two in any seven days) or 1/24h"))
    unit = timedelta(days=1) if match[3] == "d" else timedelta(hours=1)
    return FrequencyCap(int(match[1]), int(match[2]) * unit)
