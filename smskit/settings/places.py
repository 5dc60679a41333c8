"""
Where things are that settings name: the working folder, its project, and the ledger of that.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "APP_WORKSPACE",
    "LedgerPlace",
    "from_project",
    "ledger_place",
    "project_folders",
    "project_root",
    "start_folder",
]

APP_WORKSPACE = "SMSKIT_APP_WORKSPACE"  # set by ``smskit app`` for its kernels, whose own folder is empty
_ROOT_MARKS = ("pyproject.toml", "environment.yml", ".git")


class LedgerPlace(NamedTuple):
    """Where the ledger is; see `ledger_place`."""

    url: str  # absolute; may hold a password
    named: bool  # somebody named exactly this one: a server, or an absolute path
    file: Path | None  # None = no SQLite file
    looked_at: tuple[Path, ...] = ()

    @property
    def missing(self) -> bool:
        """Opening it would make it: no file is there, or an empty one."""
        return self.file is not None and not _is_there(self.file)


def start_folder() -> Path:
    """Where relative paths start: the process's working folder, under the app its workspace."""
    return Path(os.environ.get(APP_WORKSPACE) or Path.cwd())


def project_root(start: Path) -> Path | None:
    """The nearest folder at or above *start* that looks like a project's root, or None."""
    upwards = (start, *start.parents)
    return next((f for f in upwards if any(os.path.exists(f / mark) for mark in _ROOT_MARKS)), None)


def project_folders(start: Path) -> list[Path]:
    """*start* and the folders above it up to the project's root; *start* alone where there is none."""
    root, upwards = project_root(start), [start, *start.parents]
    return upwards[: upwards.index(root) + 1] if root else [start]


def from_project(place: Path) -> str:
    """A file's path as a person says it: from the project's root, where it lies in there."""
    root = project_root(start_folder())
    return str(place.relative_to(root)) if root and place.is_relative_to(root) else str(place)


def ledger_place(url: str, starts: Sequence[Path]) -> LedgerPlace:
    """
    The ledger that *url* means; a relative SQLite path means the same file from every working folder.

    In a project it is in the root of the first of *starts* that has one, whether or not it is there yet, so
    that no other folder's ledger is taken for it. Where no root is marked, a file that is there is a mark:
    the nearest at or above a start. Else it would be made in the first start.

    Args:
        starts: Absolute folders: the parameter file's where one is known, then the working folder.
    """
    scheme, _, rest = url.partition("://")
    path, mark, query = rest.removeprefix("/").partition("?")
    if scheme.split("+")[0] != "sqlite" or not path or path == ":memory:" or path.startswith("file:"):
        return LedgerPlace(url, True, None)
    named = Path(path).is_absolute()
    file, looked_at = (Path(path), [Path(path)]) if named else _ledger_file(Path(path), starts)
    return LedgerPlace(f"{scheme}:///{file}{mark}{query}", named, file, tuple(dict.fromkeys(looked_at)))


def _ledger_file(name: Path, starts: Sequence[Path]) -> tuple[Path, list[Path]]:
    looked_at: list[Path] = []
    for start in starts:
        root = project_root(start)
        for folder in [root] if root else [start, *start.parents]:
            looked_at.append(folder / name)
            if root or _is_there(looked_at[-1]):
                return looked_at[-1], looked_at
    return starts[0] / name, looked_at


def _is_there(file: Path) -> bool:
    """Whether something is there. An empty file is no ledger yet: SQLite's have a first page before a log."""
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return False
    return found.st_size > 0 or not stat.S_ISREG(found.st_mode)
