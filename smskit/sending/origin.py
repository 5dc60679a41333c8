"""
Where a run comes from: who started it, from which parameter file and notebook.

Whoever starts a notebook may say so (``SMSKIT_RUN_FILE``, ``SMSKIT_RUN_NOTEBOOK``,
``SMSKIT_RUN_EXECUTED``); papermill's ``--inject-paths`` tells the notebooks, and of a
plain ``papermill IN OUT -f FILE`` it stands on the command line of the kernel's parent.
"""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smskit.settings import Environment

__all__ = ["INJECTED_PATHS", "Origin", "origin_of", "told_by_papermill"]

INJECTED_PATHS = ("PAPERMILL_INPUT_PATH", "PAPERMILL_OUTPUT_PATH")  # parameters of papermill's own
# Options of papermill that take a value, which is therefore no notebook.
_VALUED = {"-p": 2, "--parameters": 2, "-r": 2, "--parameters_raw": 2, "-y": 1, "--parameters_yaml": 1} | {
    **dict.fromkeys(("-b", "--parameters_base64", "--engine", "-k", "--kernel", "-l", "--language"), 1),
    **dict.fromkeys(("--cwd", "--start-timeout", "--execution-timeout", "--autosave-cell-every"), 1),
    **dict.fromkeys(("--stdout-file", "--stderr-file"), 1),
}
_FILE = ("-f", "--parameters_file")


@dataclass(frozen=True)
class Origin:
    """Paths are absolute, "" = not known."""

    user: str = ""
    file: str = ""  # the parameter file
    notebook: str = ""
    executed: str = ""  # where papermill writes it
    token: str = ""  # by which whoever started the process finds its run again


def origin_of(environment: Environment, namespace: Mapping[str, Any] | None = None) -> Origin:
    """
    Where this process's run comes from.

    Args:
        namespace: ``globals()`` of a notebook, in which papermill may have left its paths.
    """
    told = _of_parent()
    names = dict(zip(("notebook", "executed"), INJECTED_PATHS, strict=True))
    told |= {field: str((namespace or {}).get(name) or "") or told[field] for field, name in names.items()}
    for field in told:
        told[field] = environment.get(f"SMSKIT_RUN_{field.upper()}") or told[field]
    return Origin(user=_user(), token=environment.get("SMSKIT_RUN_TOKEN"), **told)


def told_by_papermill(command: Sequence[str], folder: Path) -> dict[str, str]:
    """
    Parameter file, notebook and executed notebook of a papermill command line; "" where it is none.

    Args:
        folder: Where the command was given.
    """
    told = dict.fromkeys(("file", "notebook", "executed"), "")
    at = next((i for i, word in enumerate(command[:4]) if Path(word).stem == "papermill"), None)
    if at is None:
        return told
    words, paths = list(command[at + 1 :]), []
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if name in _FILE:
            told["file"] = value if equals else (words.pop(0) if words else "")
        elif word in _VALUED:
            del words[: _VALUED[word]]
        elif not word.startswith("-"):
            paths.append(word)
    told |= dict(zip(("notebook", "executed"), paths, strict=False))
    return {field: _absolute(path, folder) for field, path in told.items()}


def _absolute(path: str, folder: Path) -> str:
    # A placeholder of papermill's or another file system is not ours to find.
    return str(folder / path) if path and "://" not in path and "{" not in path else ""


def _of_parent() -> dict[str, str]:
    import psutil

    try:
        parent = psutil.Process().parent()
        if parent is not None:
            return told_by_papermill(parent.cmdline(), Path(parent.cwd()))
    except (psutil.Error, OSError):
        pass  # another user's process: not known is no mistake
    return told_by_papermill([], Path())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return ""
