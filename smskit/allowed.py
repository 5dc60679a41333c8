"""
Which ``.env`` files this person has looked at and allowed, as direnv does it: by path and content.

A folder may be somebody else's. Its ``.env`` may hold keys, but where keys go and what is run when a run ends
count only once its reader has said so, and anew after each change of the file. What was allowed is kept in
a file of the owner's alone; no key is in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from smskit.errors import SettingsError
from smskit.files import private_text
from smskit.i18n import os_words

__all__ = [
    "CONFIG_FOLDER",
    "allow",
    "allowed",
    "config_folder",
    "disallow",
    "guarded",
    "is_allowed",
    "is_place",
]

CONFIG_FOLDER = "SMSKIT_CONFIG_FOLDER"  # of the process alone: no `.env` says where this is
_PLACE: Final = re.compile("SMSKIT_[A-Z0-9_]+_(BASE_URL|CONFIG)")
_GUARDED: Final = re.compile(
    rf"{_PLACE.pattern}|SMSKIT_[A-Z0-9_]+_PLAIN_HTTP|SMSKIT_ON_RUN_END_(COMMAND|URL|VARIABLES)"
    "|SMSKIT_SEGMENT_ROLE|SMSKIT_DASK"
)


def is_place(name: str) -> bool:
    """Whether variable *name* says where a provider's keys go."""
    return _PLACE.fullmatch(name) is not None


def guarded(names: Iterable[str]) -> list[str]:
    """Those that count only from an allowed file: addresses, hooks, and what loosens a check."""
    return [name for name in names if _GUARDED.fullmatch(name)]


def is_allowed(file: Path) -> bool:
    """Whether *file* is as it was when it was allowed."""
    return allowed().get(_path(file)) == _digest(file)


def allow(file: Path) -> None:
    """
    Let *file* count, as it is now.

    Raises:
        SettingsError: it cannot be read.
        InputError: what was allowed cannot be written down.
    """
    _keep(allowed() | {_path(file): _digest(file)})


def disallow(file: Path) -> bool:
    """Take that back; returns whether it was allowed."""
    left = allowed()
    was = left.pop(_path(file), None) is not None
    if was:
        _keep(left)
    return was


def allowed() -> dict[str, str]:
    """Path -> digest of its content when it was allowed."""
    try:
        found = json.loads(_store().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # nothing was allowed yet; a damaged list allows nothing
    return found if isinstance(found, dict) else {}


def _keep(entries: dict[str, str]) -> None:
    with private_text(_store()) as file:
        json.dump(entries, file, ensure_ascii=False, indent=1, sort_keys=True)


def config_folder() -> Path:
    """Where what is kept of this person lies, beside all projects."""
    if named := os.environ.get(CONFIG_FOLDER):
        return Path(named)
    base = os.environ.get("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "smskit"


def _store() -> Path:
    return config_folder() / "allowed.json"


def _path(file: Path) -> str:
    return str(file.resolve())


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise SettingsError("{file} cannot be read: {why}", file=file, why=os_words(error)) from None
