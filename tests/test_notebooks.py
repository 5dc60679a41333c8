"""Notebook 03 by real papermill: plan, rehearse, live; what stops it; nothing secret in what it writes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from smskit.errors import SmskitError
from smskit.ledger import Ledger, RunRow
from smskit.simulator import FaultPlan, Simulator
from tests import live
from tests.cells import run_cells
from tests.conftest import ROOT

NOTEBOOK = ROOT / "notebooks" / "03_send_campaign.ipynb"
PEOPLE = 30
FIRST = 13926354700  # phones no other file of the project holds


class Desk:
    """A folder in which campaigns are run the way a scheduler does."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.folder = folder
        self.source = live.segment(folder / "segment.csv", PEOPLE, first=FIRST)
        self.environ = live.SINGLES.environ(simulator.url, folder)
        live.approve(simulator, live.SINGLES, **live.SAME_TEXT_AGAIN)

    def parameters(self, **more: Any) -> dict[str, Any]:
        """Parameters of a live campaign of ``PEOPLE``."""
        return live.data(live.SINGLES, self.source, **more)

    def papermill(
        self, parameters: dict[str, Any], name: str = "out", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the notebook with a parameter file; everything it says is kept beside it."""
        file = self.folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump(parameters, allow_unicode=True), encoding="utf-8")
        return self.run(
            ["papermill", str(NOTEBOOK), str(self.folder / f"{name}.ipynb"), "-f", str(file)], name, **environ
        )

    def cells(self, parameters: dict[str, Any], **environ: str) -> dict[str, Any]:
        """Run the notebook's cells in this process; its globals."""
        return run_cells(NOTEBOOK, parameters, environ=self.environ | environ, folder=self.folder)

    def smskit(self, *arguments: str, name: str = "cli", **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the command line."""
        return self.run([*(sys.executable, "-m", "smskit"), *arguments], name, **environ)

    def run(self, command: list[str], name: str, **environ: str) -> subprocess.CompletedProcess[str]:
        bin_folder = str(Path(sys.executable).parent)
        env = os.environ | {"PATH": f"{bin_folder}:{os.environ['PATH']}"} | self.environ | environ
        done = subprocess.run(command, env=env, cwd=self.folder, capture_output=True, text=True, timeout=120)
        (self.folder / f"{name}.log").write_text(done.stdout + done.stderr)
        return done

    def status(self, mode: str, campaign: str = "live-1") -> dict[str, Any]:
        """The books as the command line prints them."""
        found: dict[str, Any] = json.loads(self.smskit("status", campaign, "--mode", mode, "--json").stdout)
        return found

    @property
    def runs(self) -> list[RunRow]:
        """The runs the ledger has."""
        ledger = Ledger(self.environ["SMSKIT_DATABASE_URL"])
        try:
            return ledger.runs.find()
        finally:
            ledger.close()

    def written(self) -> dict[Path, str]:
        """Everything in the folder but the segment and the database, as text."""
        skip = {self.source, *self.folder.glob("ledger.db*")}
        files = [path for path in self.folder.rglob("*") if path.is_file() and path not in skip]
        return {path: path.read_bytes().decode("utf-8", "replace") for path in files}


@pytest.fixture
def desk(tmp_path: Path, simulator: Simulator) -> Desk:
    """A desk whose provider is the simulator."""
    return Desk(tmp_path, simulator)


@pytest.mark.kernel
def test_plan_rehearse_live_have_one_hash(desk: Desk, simulator: Simulator) -> None:
    """The same parameters give the same plan hash in all modes, and a live run takes the hash of the plan."""
    planned = desk.papermill(desk.parameters(mode="plan"), "plan")
    rehearsed = desk.papermill(desk.parameters(mode="rehearse"), "rehearse")
    wanted = desk.status("plan")["plan_hash"]
    sent_before = simulator.world.accepted()
    refused = desk.papermill(desk.parameters(plan_hash="p" + "0" * 24), "refused")
    sent_by_refused = simulator.world.accepted()
    lived = desk.papermill(desk.parameters(plan_hash=wanted), "live")
    again = desk.papermill(desk.parameters(plan_hash=wanted), "again")

    assert (planned.returncode, rehearsed.returncode, lived.returncode, again.returncode) == (0, 0, 0, 0)
    assert sent_before == sent_by_refused == 0
    assert refused.returncode != 0
    assert desk.status("rehearse")["plan_hash"] == desk.status("live")["plan_hash"] == wanted
    assert desk.status("rehearse")["delivered"] == PEOPLE
    assert desk.status("live")["accepted"] == PEOPLE
    assert simulator.world.accepted() == simulator.world.phones() == PEOPLE


@pytest.mark.parametrize(
    ("change", "environ", "state", "words"),
    [
        pytest.param({"max_recipient": 5}, {}, "failed", "did you mean `max_recipients`", id="misspelt"),
        pytest.param({"segment": "nowhere.csv"}, {}, "failed", r"nowhere\.csv", id="no-segment"),
        pytest.param({"api_key": live.YUNPIAN_KEY}, {}, "failed", "looks like a credential", id="credential"),
        pytest.param({"max_recipients": PEOPLE - 1}, {}, "refused", "max_recipients", id="too-many"),
        pytest.param({"max_cost": "1.49"}, {}, "refused", "max_cost", id="too-dear"),
        pytest.param({"not_after": "2026-01-01T00:00:00"}, {}, "refused", "not_after", id="too-late"),
        pytest.param({"plan_hash": "p0"}, {}, "refused", "plan_hash", id="another-plan"),
        pytest.param({"signature": "别的"}, {}, "refused", "签名不匹配", id="unusable-signature"),
        pytest.param(
            {}, {"SMSKIT_YUNPIAN_API_KEY": "0badc0de"}, "refused", "非法的apikey", id="unusable-key"
        ),
    ],
)
def test_what_stops_a_run(
    desk: Desk,
    simulator: Simulator,
    change: dict[str, Any],
    environ: dict[str, str],
    state: str,
    words: str,
) -> None:
    """A misspelt parameter, a guard or an unusable provider fails a cell: a run that sent nothing."""
    with pytest.raises(SmskitError, match=words) as stopped:
        desk.cells(desk.parameters(**change), **environ)
    (run,) = desk.runs

    assert simulator.world.accepted() == 0
    assert stopped.value.exit_code == run.exit_code == {"failed": 2, "refused": 3}[state]
    assert run.state == state
    assert re.search(words, run.message)
    assert Path(run.report).is_file()


@pytest.mark.kernel
def test_what_stops_a_cell_stops_papermill(desk: Desk, simulator: Simulator) -> None:
    """papermill fails with the words of the cell that did."""
    done = desk.papermill(desk.parameters(max_cost="1.49"))

    assert done.returncode != 0
    assert "max_cost" in done.stderr
    assert simulator.world.accepted() == 0


@pytest.mark.kernel
def test_an_incomplete_run_fails_and_goes_on(desk: Desk, simulator: Simulator) -> None:
    """A run stopped by an empty account fails its cell; after topping up the next one finishes the rest."""
    fault = {"kind": "code", "code": 3, "skip": 10, "rate": 1.0, "endpoint": "single_send"}
    simulator.world.set_faults(FaultPlan.model_validate({"faults": [fault]}))
    stopped = desk.papermill(desk.parameters(), "stopped")
    between = desk.status("live")
    simulator.world.set_faults(FaultPlan())
    resumed = desk.smskit("resume", "live-1")

    assert stopped.returncode != 0
    assert between["state"] == "paused"
    assert between["waiting"] == PEOPLE - between["accepted"] > 0
    assert resumed.returncode == 0
    assert simulator.world.accepted() == simulator.world.phones() == PEOPLE


@pytest.mark.kernel
def test_nothing_secret_is_written(desk: Desk, simulator: Simulator) -> None:
    """No key and no full phone in anything that good and failing runs write."""
    desk.papermill(desk.parameters(mode="plan"), "plan")
    desk.papermill(desk.parameters(mode="rehearse"), "rehearse")
    faults = [
        {"kind": "code", "code": 2, "scope": "item", "rate": 0.2},
        {"kind": "drop_after_accept", "rate": 0.1},
        {"kind": "code", "code": 3, "skip": 20, "rate": 1.0, "endpoint": "single_send"},
    ]
    simulator.world.set_faults(FaultPlan.model_validate({"seed": 4, "faults": faults}))
    failing = desk.papermill(desk.parameters(), "failing")
    desk.papermill(desk.parameters(phone="name"), "wrong-column")
    desk.papermill(
        desk.parameters(campaign="bad-key"), "bad-key", SMSKIT_YUNPIAN_API_KEY=live.YUNPIAN_KEY[:-1]
    )
    simulator.world.set_faults(FaultPlan())
    desk.papermill(desk.parameters(), "live")
    for command in (
        ["messages", "live-1", "--format", "jsonl"],
        ["messages", "live-1", "-o", "messages.csv"],
        ["receipts", "live-1"],
        ["why", "live-1", "u000003"],
        ["why", "live-1", str(FIRST + 3)],
        ["opt-out", "add", str(FIRST)],
        ["opt-out", "list"],
        ["plan", "live.yaml"],
        ["check", "yunpian"],
        ["why", "live-1", str(FIRST + 99999)],
    ):
        desk.smskit(*command, name="-".join(command[:2]))
    told = desk.written()
    phones = re.compile("|".join(str(FIRST + i) for i in (*range(PEOPLE), 99999)))

    assert failing.returncode != 0
    assert len(told) > 15
    assert [p.name for p, text in told.items() if live.YUNPIAN_KEY[:-1] in text] == []
    assert [p.name for p, text in told.items() if phones.search(text)] == []
    assert any("139****47" in text for text in told.values()), (
        "the masked form shows that phones were shown at all"
    )


@pytest.mark.kernel
def test_without_parameters_the_sample_is_rehearsed(desk: Desk) -> None:
    """Run as it lies there, the notebook rehearses the sample segment."""
    done = desk.run(
        ["papermill", str(NOTEBOOK), str(desk.folder / "sample.ipynb"), "--cwd", str(ROOT / "notebooks")],
        "sample",
    )
    (row,) = json.loads(desk.smskit("status", "--json").stdout)

    assert done.returncode == 0
    assert row["mode"] == "rehearse"
    assert row["delivered"] == row["planned"] > 0


def test_committed_notebooks_are_clean() -> None:
    """Notebooks in the repository have no outputs, no execution counts and the plain kernel."""
    for path in NOTEBOOK.parent.glob("*.ipynb"):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]

        assert notebook["metadata"]["kernelspec"]["name"] == "python3"
        assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)


def test_parameters_cell_is_the_spec() -> None:
    """The parameters cell lists exactly the spec's fields with the spec's defaults."""
    from smskit.planning.spec import CampaignSpec

    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    (cell,) = [c for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", ())]
    found: dict[str, Any] = {}
    exec("".join(cell["source"]), found)
    given = {name: found[name] for name in CampaignSpec.model_fields}
    required = {"campaign": "x", "segment": "x"}

    assert CampaignSpec.from_data(given | required) == CampaignSpec.from_data(required)
