"""The core, installed as on a server without a screen: its commands, a rehearsal, what it says is missing."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools import lists

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(1200)]

Call = Callable[..., "subprocess.CompletedProcess[str]"]

OPEN_EACH = """
import smskit
for opened in (smskit.open_connect, smskit.open_explore, smskit.open_track):
    try:
        opened({}).panel()
    except smskit.SmskitError as error:
        print(error)
"""


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment that holds smskit without any extra; workers share one."""
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "core" / "venv"
    place.parent.mkdir(exist_ok=True)
    with (place.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "made").exists():
            subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
            pip = [place / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "-c", ROOT / "constraints.txt", ROOT], check=True, cwd=place)
            (place / "made").touch()
    return place / "bin"


@pytest.fixture
def call(core: Path, tmp_path: Path) -> Call:
    """Calls a program of the environment in an empty folder, in English."""
    environ = os.environ | {"SMSKIT_LANG": "en", "PYTHONWARNINGS": "default"}

    def called(program: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [str(core / program), *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environ | more, capture_output=True, text=True, timeout=300
        )

    return called


def test_extras_stay_outside(call: Call) -> None:
    """No library of an extra comes with the core, by a detour through another one either."""
    listed = json.loads(call("python", "-m", "pip", "list", "--format", "json").stdout)
    here = {lists.normal(one["name"]) for one in listed}
    ours, extra = (
        {lists.normal(r.name) for r in lists.declared(*extras)}
        for extras in ((), ("notebook", "app", "measure"))
    )

    assert ours <= here
    assert here & (extra - ours) <= {"nbformat", "tornado"}  # nbclient and papermill, ipykernel need them


def test_commands_work(call: Call, tmp_path: Path) -> None:
    """Whatever needs no screen runs: plans, checks of files, tables, counts, opt-outs."""
    example = re.search(r"```yaml\n(campaign: .*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert example is not None
    segment = ROOT / "sample_segments" / "clean.csv"
    text = example[1].replace("sample_segments/clean.csv", str(segment))
    (tmp_path / "campaign.yaml").write_text(text, "utf-8")
    lines = """
        --help
        validate campaign.yaml
        explain campaign.yaml --json
        plan campaign.yaml --json
        diff campaign.yaml campaign.yaml
        doctor campaign.yaml --all
        schema
        schema --markdown
        providers --json
        opt-out add 13800138000
        opt-out list
        status
        status --runs
    """
    calls = [line.split() for line in lines.strip().splitlines()]
    done = {" ".join(arguments): call("smskit", *arguments) for arguments in calls}

    assert {words: one.stderr for words, one in done.items() if one.returncode} == {}


def test_the_demo_prints_what_the_readme_says(call: Call, tmp_path: Path) -> None:
    """A rehearsal by papermill ends with the README's counts; its notebook says why there are no pictures."""
    printed = re.search(r"```text\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    done = call("smskit", "demo", "--folder", "demo")
    assert printed is not None
    assert done.returncode == 0, done.stderr

    def counts(text: str) -> str:
        return re.sub(r"demo-[\d-]+|plan p\w+", "", text)

    assert counts(printed[1]) in counts(done.stdout)
    assert "Pictures are left out: altair is not installed" in next(
        (tmp_path / "demo").glob("*.ipynb")
    ).read_text("utf-8")


def test_what_is_missing_is_named(call: Call) -> None:
    """The app and panels say in one sentence which extra to install."""
    served = call("smskit", "app")
    opened = call("python", "-c", OPEN_EACH, SMSKIT_INTERACTIVE="1")

    assert served.returncode == 1
    assert served.stderr == 'smskit: jupyter_server is not installed: pip install "smskit[app]"\n'
    assert opened.stdout.splitlines() == 3 * ['ipywidgets is not installed: pip install "smskit[notebook]"']
