"""Mistakes in cells: a sentence where a person runs them, an error where nobody does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from papermill.iorw import load_notebook_node

from tests.conftest import ROOT

# The notebooks' cells in one IPython, which is what a kernel runs them in: (all succeeded, what was told).
_RUN = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
shell = InteractiveShell.instance()
ended = []
for cells in json.load(sys.stdin):
    shell.reset()
    told, fine = "", True
    for cell in cells:
        with capture_output() as seen:
            fine = shell.run_cell(cell).success and fine
        told += seen.stdout + " ".join(str(part.data.get("text/plain", "")) for part in seen.outputs)
    ended.append((fine, told))
print(json.dumps(ended))
"""
# notebook -> what a person typed wrong, a cell they run by itself after all, the sentence that tells it
_WRONG = {
    "01_connect_provider": ('provider = "yunpain"', "nb.check()", "unknown provider `yunpain`"),
    "02_explore_segment": ('segment = "nowhere.csv"', "nb.look()", "nowhere.csv"),
    "03_send_campaign": (
        'campaign, segment, signature, template = "c", "nowhere.csv", "S", "T"',
        "nb.plan()",
        "nowhere.csv",
    ),
    "05_measure_effect": ('campaign = "nobody"', "nb.arms()", "there is no campaign"),
    "04_track_delivery": ('campaign = "nobody"', "nb.books()", "there is no campaign nobody"),
}


def _cells(name: str, wrong: str, alone: str) -> list[str]:
    cells = load_notebook_node(str(ROOT / "notebooks" / f"{name}.ipynb")).cells
    code = [str(cell.source) for cell in cells if cell.cell_type == "code"]
    return [code[0], wrong, *code[1:], alone]


@pytest.mark.parametrize("attended", [True, False])
def test_a_mistake_in_any_notebook(tmp_path: Path, attended: bool) -> None:
    """Where a person runs all cells each ends, with a sentence and no traceback; else the first one fails."""
    (tmp_path / "pyproject.toml").touch()
    done = subprocess.run(
        [sys.executable, "-c", _RUN],
        input=json.dumps([_cells(name, wrong, alone) for name, (wrong, alone, _) in _WRONG.items()]),
        env=os.environ
        | {"SMSKIT_INTERACTIVE": str(int(attended)), "SMSKIT_LANG": "en", "PYTHONPATH": str(ROOT)}
        | {"SMSKIT_DATABASE_URL": f"sqlite:///{tmp_path}/ledger.db", "IPYTHONDIR": str(tmp_path / "ipython")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    ended = dict(zip(_WRONG, json.loads(done.stdout.splitlines()[-1]), strict=True))

    assert {name: fine for name, (fine, _) in ended.items()} == dict.fromkeys(_WRONG, attended)
    for name, (*_, words) in _WRONG.items():
        assert words in ended[name][1]
        assert ("Traceback" in ended[name][1]) is not attended
    again = "correct their cell, then run it and the one that opens"
    if attended:  # in the panel's place, and in the cell that was run by itself
        assert ended["01_connect_provider"][1].count(again) == ended["04_track_delivery"][1].count(again) == 2
