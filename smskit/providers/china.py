"""Beijing's time, which providers mean when they write none: one zone for all of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

# A fixed offset: China has kept no summer time since 1991.
CHINA = timezone(timedelta(hours=8))


def from_china(text: object, *forms: str) -> datetime | None:
    """
    A time without a zone as aware UTC; None when there is none, or it has none of the *forms*.

    >>> from_china("2026-11-22 08:00:00", "%Y-%m-%d %H:%M:%S").isoformat()
    '2026-11-22T00:00:00+00:00'
    """
    for form in forms:
        try:
            return datetime.strptime(str(text).strip(), form).replace(tzinfo=CHINA).astimezone(UTC)
        except ValueError:
            continue
    return None


def in_china(at: datetime, form: str) -> str:
    """An aware time as Beijing's, in that form."""
    return at.astimezone(CHINA).strftime(form)
