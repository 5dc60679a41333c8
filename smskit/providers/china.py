"""What providers leave out: Beijing's zone of a time, the country code 86 of a number. One place for all."""

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
        except (ValueError, OverflowError):  # the latter: a day beyond the calendar's ends
            continue
    return None


def in_china(at: datetime, form: str) -> str:
    """An aware time as Beijing's, in that form."""
    return at.astimezone(CHINA).strftime(form)


def e164_of(number: object) -> str:
    """
    A number as providers write it, in E.164; only mainland ones come without a country code.

    >>> [e164_of(n) for n in ("+8613800000000", "008613800000000", 13800000000, "85291234567")]
    ['+8613800000000', '+8613800000000', '+8613800000000', '+85291234567']
    """
    text = str(number or "").strip()
    if text.startswith("+"):
        return text
    digits = text.removeprefix("00")
    return f"+86{digits}" if len(digits) == 11 and digits.startswith("1") else f"+{digits}"


def national_of(phone: str) -> str:
    """An E.164 phone as providers want it: a mainland one without its country code."""
    return phone.removeprefix("+86")
