"""
Segments by name: which file or query, its columns and its rules, to be used again in another campaign.

Small YAML files in the project's folder ``segments``: rules may hold phones, so they are their owner's alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from smskit.audience.explore.files import FOLDER, folder_of
from smskit.errors import InputError
from smskit.files import private_text
from smskit.workspace import Folder, Workspace

__all__ = ["KEPT", "read_saved", "save_segment", "saved_segments"]

# The parameters that make a segment.
KEPT: Final = ("segment", "segment_query", "sheet", "heading_row", "user_id", "phone", "consent", "rules")
_WITHOUT: Final = {"rules": None, "heading_row": 0}  # what those that a segment does not have are; else ""
_ENDING: Final = ".yaml"


def saved_segments(project: Path) -> list[str]:
    """The names of the segments that were saved, in their order."""
    return sorted(file.stem for file in (project / FOLDER).glob(f"*{_ENDING}"))


def save_segment(name: str, chosen: Mapping[str, Any], project: Path) -> None:
    """
    Save a segment under *name*; one of that name is replaced.

    Args:
        chosen: Parameters of a campaign; those in ``KEPT`` are saved.

    Raises:
        InputError: it is no name for a file, or cannot be written.
    """
    here = Workspace.here().of(project)
    place = here.to_write(_path(name, project), Folder.SEGMENTS, (_ENDING,))
    kept = {parameter: chosen[parameter] for parameter in KEPT if chosen.get(parameter) not in (None, "", 0)}
    with private_text(place, "utf-8") as file:
        yaml.safe_dump(kept, file, allow_unicode=True, sort_keys=False)


def read_saved(name: str, project: Path) -> dict[str, Any]:
    """
    The parameters of a segment that was saved; of those it does not have, "", 0 or None.

    Raises:
        InputError: there is none, or somebody has made something else of it.
    """
    try:
        place = Workspace.here().of(project).to_read(_path(name, project), Folder.SEGMENTS)
        found = yaml.safe_load(place.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        found = None
    if not isinstance(found, dict) or not found.keys() <= set(KEPT):
        raise InputError("the saved segment {name} cannot be read", name=name)
    return {parameter: found.get(parameter, _WITHOUT.get(parameter, "")) for parameter in KEPT}


def _path(name: str, project: Path) -> Path:
    plain = name.strip()
    if not plain or plain.startswith(".") or Path(plain).name != plain or "\\" in plain:
        raise InputError("give the segment a name without slashes")
    return folder_of(project) / f"{plain}{_ENDING}"
