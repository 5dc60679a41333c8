"""
Mistakes where a person runs cells: one sentence, as a panel says it, and the cells below go on.

Unattended (papermill, nbval, a scheduler) nothing here is set up: a cell raises, and the run ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Protocol, TypeVar, cast

from smskit.errors import SmskitError
from smskit.i18n import Language
from smskit.notebook import display as shown
from smskit.notebook.base import Base
from smskit.notebook.host import host_of, shell_here
from smskit.notebook.visitors import language_for
from smskit.settings import Environment

__all__ = ["opens"]

N = TypeVar("N", bound=Base)
N_co = TypeVar("N_co", bound=Base, covariant=True)
_language: Callable[[], Language]  # of the notebook that was opened last


class Opens(Protocol[N_co]):
    """Opens a notebook from its variables; *panel_below* says whether its last cell shows the panel."""

    def __call__(self, namespace: Mapping[str, Any], *, panel_below: bool = True) -> N_co: ...


def opens(open_: Callable[[Mapping[str, Any]], N]) -> Opens[N]:
    """
    A call that opens a notebook: from then on a mistake in any of its cells is told in a sentence.

    What cannot be opened is told, too, and what comes back tells at each use what to do first.
    """

    @wraps(open_)
    def opened(namespace: Mapping[str, Any], *, panel_below: bool = True) -> N:
        if not (host_of().is_person and _tell_in(shell_here())):
            notebook = open_(namespace)
            notebook.panel_below = panel_below
            return notebook
        language = language_for(host_of(), Environment().language)
        _speak(lambda: language)
        try:
            notebook = open_(namespace)
        except SmskitError as error:
            shown.complain(language.error(error), in_app=True)
            return cast(N, _NotOpened(panel_below=panel_below))
        _speak(lambda: notebook.t)
        notebook.panel_below = panel_below
        return notebook

    return opened


class _NotOpened:
    """
    Stands where a notebook would, and says that it has to be opened first.

    Args:
        panel_below: Where a panel was to come, it says so in the panel's place, and at each step after that.
    """

    def __init__(self, *, panel_below: bool) -> None:
        self._waits = panel_below

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # asked by IPython, to show it
            raise AttributeError(name)
        if self._waits and name not in ("language", "panel"):
            return lambda *_, **__: None
        self._waits = False
        raise SmskitError(
            "choose other parameters first: correct their cell, then run it and the one that opens"
        )

    def __repr__(self) -> str:
        return "not opened"


def _speak(language: Callable[[], Language]) -> None:
    global _language
    _language = language


def _tell_in(shell: Any) -> bool:
    """Let a kernel tell mistakes; whether there is one."""
    if shell is None:
        return False
    shell.set_custom_exc((SmskitError,), _told)
    shell.events.register("post_run_cell", _goes_on)
    return True


def _told(_shell: Any, _kind: Any, error: BaseException, _traceback: Any, tb_offset: Any = None) -> None:
    shown.complain(_language().error(error))


def _goes_on(result: Any) -> None:
    # JupyterLab runs no cell below one that failed: this one ended with a sentence.
    if result is not None and isinstance(result.error_in_exec, SmskitError):
        result.error_in_exec = None
