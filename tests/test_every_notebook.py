"""Every notebook runs without a person, shows one language, and leaves no key and no full phone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from smskit.simulator import Simulator
from tests import live
from tests.conftest import ROOT
from tests.e2e.lab import project_copy
from tests.messages import foreign

NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("0*.ipynb"))
SEND = "03_send_campaign.ipynb"
LANGUAGES = {"0": "zh", "1": "en"}  # by whether a person sits there
FIRST = 15926354700  # phones no other file of the project holds
PEOPLE = 40


@pytest.fixture
def accounts(simulator: Simulator) -> dict[str, str]:
    """Keys that must not be seen again, of accounts at a simulator that stands for the providers."""
    live.approve(simulator, live.SINGLES)
    return {
        "SMSKIT_YUNPIAN_API_KEY": live.YUNPIAN_KEY,
        "SMSKIT_YUNPIAN_BASE_URL": simulator.url,
        "SMSKIT_ALIYUN_ACCESS_KEY_SECRET": live.ALIYUN.credentials["ACCESS_KEY_SECRET"],
        "SMSKIT_ALIYUN_BASE_URL": simulator.url,
    }


def run(folder: Path, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a Python module in a copy of the project."""
    clean = {n: v for n, v in os.environ.items() if not n.startswith("SMSKIT_")}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    env = clean | {"SMSKIT_KEYRING": "0", "PYTHONPATH": path} | environ
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=env, capture_output=True, text=True, timeout=500
    )


@pytest.mark.kernel
def test_nbval_runs_every_notebook(tmp_path: Path, accounts: dict[str, str]) -> None:
    """Without a parameter, one after the other, in the notebook's own folder as JupyterLab does it."""
    project = project_copy(tmp_path)
    nbval = ("pytest", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env", "-q")
    files = [f"notebooks/{name}" for name in NOTEBOOKS]
    done = run(project, *nbval, "--rootdir=.", *files, SMSKIT_LANG="en", **accounts)

    assert done.returncode == 0, done.stdout[-4000:]
    assert "failed" not in done.stdout


@pytest.mark.kernel
def test_nothing_secret_in_saved_notebooks(tmp_path: Path, accounts: dict[str, str]) -> None:
    """
    By papermill, then as a person would who runs the cells: no stderr, no error, no key, no full phone.

    Each in a language of its own.
    """
    project = project_copy(tmp_path)
    frame = {
        "user_id": [f"u{i}" for i in range(PEOPLE)],
        "phone": [str(FIRST + i) for i in range(PEOPLE)],
        "name": [f"用户{i}" for i in range(PEOPLE)],
    }
    pd.DataFrame(frame).to_csv(project / "people.csv", index=False)
    parameters = {
        "campaign": "canary",
        "segment": "people.csv",
        "signature": "GrowingIO",
        "template": live.TEMPLATE,
        "variables": {"name": "name", "coupon": {"value": "50"}},
    }
    (project / "canary.yaml").write_text(yaml.safe_dump(parameters, allow_unicode=True), encoding="utf-8")
    saved: list[Path] = []
    for host, language in LANGUAGES.items():
        for name in NOTEBOOKS:
            saved.append(project / f"{host}-{name}")
            command = ["papermill", f"notebooks/{name}", saved[-1].name, "-f", "canary.yaml"]
            done = run(project, *command, SMSKIT_LANG=language, SMSKIT_INTERACTIVE=host, **accounts)

            assert done.returncode == 0, f"{name}: {done.stderr[-3000:]}"
    told = {path.name: path.read_text(encoding="utf-8") for path in saved}
    secrets = (live.YUNPIAN_KEY, live.ALIYUN.credentials["ACCESS_KEY_SECRET"], str(FIRST)[:9])
    shown = {name: _shown(json.loads(text)) for name, text in told.items()}
    widgets = [json.loads(text)["metadata"].get("widgets") for name, text in told.items() if name[0] == "1"]

    assert [(name, secret[:4]) for name, text in told.items() for secret in secrets if secret in text] == []
    assert [name for name, text in told.items() if any(_bad(json.loads(text)))] == []
    assert any("159****47" in text for text in told.values()), "phones were shown at all"
    assert sum(map(len, shown.values())) > 25
    mixed = {name: foreign("\n".join(outputs), LANGUAGES[name[0]]) for name, outputs in shown.items()}
    assert {name: found for name, found in mixed.items() if found} == {}
    assert any(widgets), "widget state was saved at all"


def _shown(notebook: dict[str, Any]) -> list[str]:
    """What each output of a notebook's cells shows, as HTML and as plain text."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    found = [output["data"] for output in outputs if "text/html" in output.get("data", {})]
    return ["".join([*data["text/html"], *data.get("text/plain", "")]) for data in found]


def _bad(notebook: dict[str, Any]) -> list[str]:
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    return [o.get("name", "") for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]


def test_the_parameters_cell_explains_itself() -> None:
    """Each notebook says first what it is about, and has one parameters cell, each line with its type."""
    for name in NOTEBOOKS:
        notebook = json.loads((ROOT / "notebooks" / name).read_text(encoding="utf-8"))
        cells = notebook["cells"]
        (cell,) = [c for c in cells if "parameters" in c["metadata"].get("tags", ())]
        lines = "".join(cell["source"]).splitlines()

        assert cells[0]["cell_type"] == "markdown"
        assert [line for line in lines if line.strip() and ":" not in line.split("=")[0]] == [], name
        assert len({c["id"] for c in cells}) == len(cells)
