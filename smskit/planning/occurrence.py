"""
The occurrence of a repeating campaign: what its id ends in, filled into a parameter file; its segment, too.

``campaign: weekly-vip-{week}`` becomes ``weekly-vip-2026-W47`` of the series ``weekly-vip``: here an id
is made, so here its series is known. When a file is run is a scheduler's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from smskit.errors import SpecError, suggest
from smskit.i18n import Message
from smskit.models import TIMEZONE

__all__ = ["FORMS", "as_occurrence", "placeholders", "series_in", "with_occurrence"]

# Placeholder -> strftime format; ISO weeks belong to the ISO year.
FORMS = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}
# How an occurrence reads with its first day behind it.
_STARTS = {"day": ("%Y-%m-%d", ""), "week": ("%G-W%V-%u", "-1"), "month": ("%Y-%m-%d", "-01")}
_PLACE = re.compile(r"\{(\w*)\}")
_SEPARATORS = "-_.:+"


def with_occurrence(data: Mapping[str, Any], *, now: datetime, occurrence: str = "") -> dict[str, Any]:
    """
    Parameters with the occurrence in their campaign id, and the series that id is then one of.

    Placeholders of the segment are filled in as well. Without placeholder and *occurrence* parameters are as
    they were; a series that is given stays.

    Args:
        now: Aware; read in the campaign's own time zone.
        occurrence: Stands for whatever placeholder there is, else is appended with a dash.

    Raises:
        SpecError: there is no such placeholder, or *occurrence* has no campaign to belong to.
    """
    name, made = data.get("campaign"), dict(data)
    if isinstance(segment := data.get("segment"), str):
        made["segment"] = _filled("segment", segment, data, now, occurrence)
    if not isinstance(name, str) or not name:
        if occurrence:
            raise SpecError("an occurrence needs a `campaign` in the parameter file to belong to")
        return made
    filled = _filled("campaign", name, data, now, occurrence)
    if occurrence and not _PLACE.search(name):
        return made | {"campaign": f"{name}-{occurrence}", "series": data.get("series") or name}
    if filled != name:
        made["series"] = data.get("series") or series_in(name) or filled
    return made | {"campaign": filled}


def _filled(parameter: str, text: str, data: Mapping[str, Any], now: datetime, occurrence: str) -> str:
    if not _PLACE.search(text):
        return text
    unknown = [p for p in placeholders(text) if p not in FORMS]
    if unknown:
        known = ", ".join(f"{{{form}}}" for form in FORMS)
        what = Message(
            "parameter `{parameter}` has a placeholder {place}; known are {places}",
            parameter=parameter,
            place=f"{{{unknown[0]}}}",
            places=known,
        )
        raise SpecError(suggest(what, unknown[0], FORMS))
    here = now.astimezone(_zone(data))
    return _PLACE.sub(lambda found: occurrence or here.strftime(FORMS[found[1]]), text)


def as_occurrence(data: Mapping[str, Any], campaign: str) -> dict[str, Any] | None:
    """
    Parameters as they were for that *campaign*, where it is an occurrence of theirs; None where it is none.

    >>> as_occurrence({"campaign": "vip-{week}", "segment": "{month}.csv"}, "vip-2026-W47")["segment"]
    '2026-11.csv'
    """
    before, *rest = _PLACE.split(str(data.get("campaign") or ""))
    if len(rest) != 2 or rest[0] not in FORMS:  # one placeholder, and what stands behind it
        return None
    found = re.fullmatch(f"{re.escape(before)}(.+){re.escape(rest[1])}", campaign)
    form, day = _STARTS[rest[0]]
    with suppress(ValueError, SpecError):
        at = datetime.strptime(f"{found[1]}{day}" if found else "", form)
        at = at.replace(hour=12, tzinfo=_zone(data))
        made = with_occurrence(data, now=at)
        return made if made["campaign"] == campaign else None
    return None


def placeholders(name: str) -> list[str]:
    """What stands between braces in *name*, known or not; of one that repeats there is something."""
    return _PLACE.findall(name)


def series_in(name: str) -> str:
    """
    The series of a campaign whose id is written as *name*: its text without placeholders.

    ``weekly-vip-{week}`` -> ``weekly-vip``; *name* itself where it has none; "" where it is nothing else.
    """
    if not _PLACE.search(name):
        return name
    return re.sub(rf"[{_SEPARATORS}]*{_PLACE.pattern}", "", name).strip(_SEPARATORS)


def _zone(data: Mapping[str, Any]) -> ZoneInfo:
    try:
        return ZoneInfo(str(data.get("timezone") or TIMEZONE))
    except (KeyError, ValueError, OSError):
        raise SpecError("parameter `timezone` is not a time zone name such as Asia/Shanghai") from None
