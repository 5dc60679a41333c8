"""
What runs next, as far as parameter files tell: which occurrence, since when, until when.

When a file is run is its scheduler's. What is known here is which campaign a run at this moment would send,
and when the next one begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from smskit.errors import SpecError
from smskit.planning.occurrence import placeholders, with_occurrence
from smskit.planning.parameter_file import read_file
from smskit.planning.spec import CampaignSpec

__all__ = ["Upcoming", "parameter_files", "upcoming"]

_FOLDERS: Final = ("", "parameters", "campaigns")  # of the project, where parameter files lie
_ENDINGS: Final = (".yaml", ".yml", ".json")
_MOST, _LONGEST = 200, 1 << 20  # files, and bytes of one
_DAYS: Final = 32  # within which the next day, week or month begins


@dataclass(frozen=True)
class Upcoming:
    """
    A parameter file that repeats, at one moment.

    Args:
        spec: What a run now would send.
        next_id: The campaign of the occurrence after it.
        next_from: When that one begins, in the campaign's zone.
        opens: When messages may leave: now, where that is not in the future; None = at any time.
    """

    file: Path
    spec: CampaignSpec
    next_id: str
    next_from: datetime
    opens: datetime | None


def parameter_files(folder: Path) -> Iterator[Path]:
    """Files of the project *folder* that may hold parameters: in it, in `parameters` and in `campaigns`."""
    found = 0
    for name in _FOLDERS:
        for file in sorted((folder / name).glob("*")):
            if file.suffix.lower() in _ENDINGS and file.is_file() and file.stat().st_size <= _LONGEST:
                yield file
                found += 1
                if found >= _MOST:
                    return


def upcoming(folder: Path, *, now: datetime) -> list[Upcoming]:
    """
    The repeating campaigns of a project, the one whose next occurrence begins first at the top.

    What is no parameter file, or none that can be read, is left out: `smskit validate` says why.

    Args:
        now: Aware.
    """
    found = [made for file in parameter_files(folder) if (made := _of(file, now)) is not None]
    return sorted(found, key=lambda each: each.next_from)


def _of(file: Path, now: datetime) -> Upcoming | None:
    try:
        data = read_file(file)
        if not placeholders(str(data.get("campaign") or "")):
            return None
        spec = CampaignSpec.from_data(with_occurrence(data, now=now))
        here = now.astimezone(spec.zone)
        for days in range(1, _DAYS + 1):
            day = (here + timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
            then = str(with_occurrence(data, now=day)["campaign"])
            if then != spec.campaign:
                break
    except SpecError:
        return None
    window = spec.window
    return Upcoming(file, spec, then, day, None if window is None else window.next_opening(here))
