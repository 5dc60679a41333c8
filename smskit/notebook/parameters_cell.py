"""
What papermill injected into a notebook, read from the cells that ran.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from smskit.sending.origin import INJECTED_PATHS

__all__ = ["injected_parameters"]


def injected_parameters(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """
    Names and values papermill injected into this notebook, but for its own; empty when it did not.

    papermill writes a cell that starts with ``# Parameters``; IPython keeps the
    source of every executed cell in ``In``. (Source: papermill 2.7,
    ``translators.PythonTranslator.codify``.)
    """
    found: dict[str, Any] = {}
    for source in namespace.get("In", ()):
        if source.startswith("# Parameters\n"):
            for node in ast.parse(source).body:
                if isinstance(node, ast.Assign):
                    for target in node.targets:
                        if isinstance(target, ast.Name) and target.id not in INJECTED_PATHS:
                            found[target.id] = namespace.get(target.id)
    return found
