"""A notebook's cells in this process: all that a kernel would add is a second or three."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

__all__ = ["run_cells"]


def run_cells(
    source: Path,
    parameters: Mapping[str, Any],
    *,
    environ: Mapping[str, str],
    folder: Path,
) -> dict[str, Any]:
    """
    Run what papermill makes of the notebook *source*, as if in a kernel of its own in *folder*.

    Raises:
        Exception: what the first cell that fails raises.

    Returns:
        The notebook's globals.
    """
    notebook = parameterize_notebook(load_notebook_node(str(source)), dict(parameters))
    namespace: dict[str, Any] = {"In": [""]}  # where IPython keeps what it ran
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in environ.items():
            patch.setenv(name, value)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                namespace["In"].append(cell.source)
                exec(compile(cell.source, f"{source.name}, cell {cell.id}", "exec"), namespace)
    return namespace
