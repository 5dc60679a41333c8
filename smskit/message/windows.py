"""
What a provider states about when, and how often, marketing may go out: dated data with its source.

Pure. A provider declares it (`Terms`); the hours narrow a campaign's own send window,
the frequencies are told, since the provider itself refuses what exceeds them. Leaves to
others the campaign's window and cap (``spec``), and waiting (``engine``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from smskit.planning.spec import FrequencyCap, SendWindow

__all__ = ["Frequency", "Hours", "Openings", "Terms", "notice_of_hours", "openings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The hours in which a provider takes marketing messages."""

    window: SendWindow
    timezone: str = "Asia/Shanghai"
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
class Terms:
    """What a provider states; nothing where its documents do not."""

    hours: Hours | None = None
    often: tuple[Frequency, ...] = ()


@dataclass(frozen=True)
class Openings:
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


def openings(own: SendWindow | None, terms: Terms) -> SendWindow | Openings | None:
    """When a campaign's messages may leave; None = always, which a campaign says by having no window."""
    return own if own is None or terms.hours is None else Openings(own, terms.hours)


def notice_of_hours(own: SendWindow | None, terms: Terms, *, provider: str, now: datetime) -> str:
    """
    What whoever looks at a plan should know about the hours; "" = nothing.

    Args:
        own: The campaign's window; None = always.
        now: In the campaign's zone; looked at for the day that follows.
    """
    hours = terms.hours
    if hours is None:
        return ""
    day: Sequence[datetime] = [now.astimezone(UTC) + timedelta(minutes=n) for n in range(24 * 60)]
    mine = [at for at in day if own is None or own.is_open(at.astimezone(now.tzinfo))]
    taken = [at for at in mine if hours.is_open(at)]
    if len(taken) == len(mine):
        return ""
    stated = f"{provider} takes marketing only {hours}. Source: {hours.source}"
    if own is None:
        return f"{stated}. This campaign has no send window, so what is sent outside is refused there"
    return f"{stated}. Of the send window {own} only what lies within is used"
