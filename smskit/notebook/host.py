"""
Who runs this notebook: a person at a screen, or a program.

Decides one thing of weight: whether running a cell may send. Only the process
environment and what papermill injected are looked at; ``SMSKIT_INTERACTIVE``
(1 or 0) overrides.
"""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import Mapping
from typing import Any

from smskit.notebook.parameters_cell import injected_parameters
from smskit.settings import Environment

__all__ = ["Host", "host_of", "may_send", "shell_here"]


class Host(enum.StrEnum):
    """What runs the cells."""

    LAB = "jupyterlab"  # a person; also Jupyter Notebook 7
    VOILA = "voila"  # a person who sees no code
    VSCODE = "vscode"  # a person
    PROGRAM = "program"  # papermill, nbval, nbconvert, a scheduler

    @property
    def is_person(self) -> bool:
        """Whether somebody can click."""
        return self is not Host.PROGRAM


def host_of() -> Host:
    """The host of this process's kernel."""
    decided = Environment().get("SMSKIT_INTERACTIVE")
    if any(name.startswith("VOILA_") for name in os.environ):
        found = Host.VOILA
    elif any(name.startswith("VSCODE_") for name in os.environ):
        found = Host.VSCODE
    else:
        found = Host.LAB if "JPY_SESSION_NAME" in os.environ else Host.PROGRAM
    if decided == "0":
        return Host.PROGRAM
    return Host.LAB if decided and found is Host.PROGRAM else found


def shell_here() -> Any:
    """The IPython that runs the cells; None in a plain program."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def may_send(namespace: Mapping[str, Any], host: Host) -> bool:
    """
    Whether running a cell may send live: only where papermill injected parameters and nobody clicks.

    Somebody who opens an executed notebook in JupyterLab, Voilà or VS Code and
    runs the cells is a person all the same.

    Args:
        namespace: ``globals()`` of the notebook.
    """
    if host.is_person:
        return False
    return Environment().get("SMSKIT_INTERACTIVE") == "0" or bool(injected_parameters(namespace))
