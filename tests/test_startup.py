"""What a command loads before it answers: a library it does not use is most of the time it takes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_RUN = """
import sys
from smskit.cli.commands import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""
_SPEC = """
campaign: early
segment: people.csv
signature: GrowingIO
template: 大家好，拒收请回复R
"""
_FRAMES = {"pandas", "pyarrow.parquet", "scipy"}
_OUTSIDE = {"aiohttp", "httpx", "rich", "yaml"}
_ROOMS = {"smskit.planning", "smskit.providers", "smskit.sending", "smskit.simulator", "smskit.notebook"}
_JUPYTER = {"IPython", "altair", "ipywidgets", "jsonschema", "nbformat", "papermill"}
_READS = _FRAMES | _OUTSIDE | _ROOMS | _JUPYTER
# Command -> modules that are not loaded when it has ended, themselves or anything in them.
NOT_LOADED = {
    ("status", "early"): _READS,
    ("status", "early", "--json"): _READS,
    ("why", "early", "u1"): _READS,
    ("why", "early", "13800138001"): _READS,
    ("why", "early", "u3"): _READS,  # left out
    ("plan", "campaign.yaml"): _JUPYTER
    | {"aiohttp", "httpx", "rich", "scipy", "smskit.simulator", "smskit.notebook"},
    ("approve", "--help"): _READS - {"rich"} | {"sqlalchemy"},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a campaign that is planned."""
    folder = tmp_path_factory.mktemp("startup")
    (folder / "people.csv").write_text("user_id,phone\nu1,13800138000\nu2,13800138001\nu3,12\n", "utf-8")
    (folder / "campaign.yaml").write_text(_SPEC, "utf-8")
    _command(folder, "plan", "campaign.yaml")
    return folder


def _command(folder: Path, *arguments: str) -> tuple[str, set[str]]:
    """What a command printed, and the modules that were loaded."""
    environ = os.environ | {
        "SMSKIT_LANG": "en",
        "SMSKIT_KEYRING": "0",
        "SMSKIT_DATABASE_URL": "sqlite:///s.db",
    }
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", NOT_LOADED, ids=" ".join)
def test_what_a_command_loads(arguments: tuple[str, ...], project: Path) -> None:
    """It answers, and none of what it has no use for was imported."""
    printed, loaded = _command(project, *arguments)
    early = {
        name
        for name in loaded
        for unwanted in NOT_LOADED[arguments]
        if name == unwanted or name.startswith(f"{unwanted}.")
    }

    assert printed
    assert early == set()


_INTERRUPTED = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where whoever began this ignores it
class Finder:
    def find_spec(self, name, *_):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from smskit.__main__ import main
main()
"""


@pytest.mark.parametrize("module", ["smskit.cli.commands", "numpy", "smskit.settings"])
def test_ctrl_c_while_it_begins(project: Path, module: str) -> None:
    """It ends as it does later, whatever is being imported: exit 130, and nothing is said."""
    command = [sys.executable, "-c", _INTERRUPTED, module]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
