"""Notebook 02 without a person: its plain steps over a sample and over parameters, nothing secret left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

from smskit.errors import SmskitError
from tests.cells import run_cells
from tests.conftest import ROOT
from tests.explore.test_desk import PEOPLE

NOTEBOOK = ROOT / "notebooks" / "02_explore_segment.ipynb"


def papermill(folder: Path, **parameters: object) -> str:
    """Run it as a scheduler does; everything it leaves, as text."""
    (folder / "given.yaml").write_text(yaml.safe_dump(parameters), encoding="utf-8")
    command = [sys.executable, "-m", "papermill", str(NOTEBOOK), "out.ipynb", "-f", "given.yaml"]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        check=True,
        capture_output=True,
        timeout=300,
    )
    return (folder / "out.ipynb").read_text(encoding="utf-8")


@pytest.mark.kernel
def test_without_parameters_it_looks_at_a_sample(tmp_path: Path) -> None:
    """It runs without anybody and without parameters, and no phone of the sample stands in what it leaves."""
    left = papermill(tmp_path)
    shown = [c.source.splitlines()[0] for c in nbformat.reads(left, 4).cells if c.get("outputs")]

    assert shown == ["nb.look()", "nb.rules()", "nb.steps()", "nb.language()"]
    assert "13800001998" not in left
    assert sorted(p.name for p in tmp_path.iterdir()) == ["given.yaml", "out.ipynb"]


@pytest.mark.kernel
def test_with_parameters(tmp_path: Path) -> None:
    """The segment and rules it is given are the ones it shows, phones hidden."""
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    rules = [{"column": "level", "op": "==", "value": "gold"}]
    left = papermill(tmp_path, segment="people.csv", rules=rules)
    shown = [c["outputs"][-1]["data"] for c in nbformat.reads(left, 4).cells if c.get("outputs")]

    assert shown[2]["text/plain"].split()[-1] == "3"
    assert "13800138001" not in left
    assert "13800138009" not in left


def test_a_segment_that_is_not_there_stops_it(tmp_path: Path) -> None:
    """A missing file fails the run with its name."""
    with pytest.raises(SmskitError, match=r"gone\.csv: no such file"):
        run_cells(NOTEBOOK, {"segment": "gone.csv"}, environ={}, folder=tmp_path)
