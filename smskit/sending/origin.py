"""
Where a run comes from: who started it, from which parameter file and notebook.

Whoever starts a notebook may say it (``SMSKIT_RUN_FILE``, ``SMSKIT_RUN_NOTEBOOK``,
``SMSKIT_RUN_EXECUTED``); papermill's ``--inject-paths`` tells the notebooks, and of a
plain ``papermill IN OUT -f FILE`` it stands on the command line of the kernel's parent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from smskit.settings import Environment

__all__ = ["INJECTED_PATHS", "Origin", "of_command", "origin_of", "papermill_words", "parent_command"]

INJECTED_PATHS = ("PAPERMILL_INPUT_PATH", "PAPERMILL_OUTPUT_PATH")  # parameters of papermill's own
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
    found = of_command(*parent_command())
    names = dict(zip(("notebook", "executed"), INJECTED_PATHS, strict=True))
    found |= {field: str((namespace or {}).get(name) or found[field]) for field, name in names.items()}
    found = {field: environment.get(f"SMSKIT_RUN_{field.upper()}") or path for field, path in found.items()}
    return Origin(user=environment.user, token=environment.get("SMSKIT_RUN_TOKEN"), **found)


def of_command(command: Sequence[str], folder: Path) -> dict[str, str]:
    """
    Parameter file, notebook and executed notebook on a papermill command line; "" where it is none.

    The notebooks are the first two words that end in ``.ipynb``: a value of ``-p`` that does so and stands
    before them is taken for one.

    Args:
        folder: Where the command was given.
    """
    found = dict.fromkeys(("file", "notebook", "executed"), "")
    words = papermill_words(command)
    files = [value for option, value in pairwise(words) if option in _FILE]
    notebooks = [word for word in words if word.endswith(".ipynb")]
    found |= dict(zip(found, [(files or [""])[-1], *notebooks[:2]], strict=False))
    return {field: _absolute(path, folder) for field, path in found.items()}


def papermill_words(command: Sequence[str]) -> list[str]:
    """The words behind ``papermill`` on a command line, ``--option=value`` as two; empty where it is none."""
    at = next((i for i, word in enumerate(command[:4]) if Path(word).stem == "papermill"), None)
    rest = command[at + 1 :] if at is not None else ()
    return [part for word in rest for part in (word.split("=", 1) if word[:2] == "--" else [word])]


def _absolute(path: str, folder: Path) -> str:
    # A placeholder of papermill's or another file system is not ours to find.
    return str(folder / path) if path and "://" not in path and "{" not in path else ""


def parent_command() -> tuple[list[str], Path]:
    """The command line of the process that started this one, and where it was given; none where not known."""
    import psutil

    try:
        parent = psutil.Process().parent()
        if parent is not None:
            return parent.cmdline(), Path(parent.cwd())
    except (psutil.Error, OSError):
        pass  # another user's process: not known is no mistake
    return [], Path()
