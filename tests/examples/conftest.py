"""A site: a checkout's folders and an environment of smskit, as a scheduler's worker sees them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from smskit.ledger import resolve_url
from smskit.simulator import World
from tests.conftest import ROOT

PLANNED = 44  # gold and platinum of sample_segments/clean.csv who have consented


@dataclass
class Site:
    """One worker: its folder, and the environment variables that are all a scheduler passes on."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def run(self, command: list[str], *, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program of the scheduler's side with nothing but ``environ``."""
        return subprocess.run(
            command, env=self.environ, cwd=cwd or self.folder, capture_output=True, text=True, timeout=900
        )

    def books(self, campaign: str) -> dict[str, Any]:
        """What ``smskit status`` says."""
        command = [sys.executable, "-m", "smskit", "status", campaign, "--mode", "rehearse", "--json"]
        found: dict[str, Any] = json.loads(self.run(command).stdout)
        return found

    def campaigns(self) -> set[str]:
        """Every id the ledger knows."""
        found = self.run([sys.executable, "-m", "smskit", "status", "--json"])
        return {row["campaign"] for row in json.loads(found.stdout)}

    def sent(self) -> int:
        """Messages the rehearsals' provider accepted, by its own count."""
        return World(store_url=resolve_url(self.environ["SMSKIT_DATABASE_URL"])).accepted()

    def executed(self) -> list[Path]:
        """The executed notebooks."""
        return sorted((self.folder / "home" / "runs").glob("*.ipynb"))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site whose checkout shows the project's folders and keeps runs of its own."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("examples", "notebooks", "sample_segments"):
        (home / name).symlink_to(ROOT / name)
    passed_on = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    return Site(
        tmp_path,
        passed_on
        | {
            "HOME": str(tmp_path),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "SMSKIT_HOME": str(home),
            "SMSKIT_BIN": str(Path(sys.executable).parent),
            "SMSKIT_DATABASE_URL": f"sqlite:///{tmp_path / 'ledger.db'}",
            "SMSKIT_KEYRING": "0",
        },
    )


def environment(name: str) -> Path:
    """The folder of programs of a scheduler's own environment, which ``make examples-env`` makes."""
    found = ROOT / ".venvs" / name / "bin"
    assert (found.parent / ".installed").is_file(), f"{name} is not installed: run `make examples-env`"
    return found


def register_kernel(site: Site) -> None:
    """Register smskit's environment as the kernel ``smskit``, as the READMEs say."""
    prefix = site.folder / "kernels"
    command = [sys.executable, "-m", "ipykernel", "install", "--prefix", str(prefix), "--name", "smskit"]
    subprocess.run(command, check=True, capture_output=True)
    site.environ["JUPYTER_PATH"] = str(prefix / "share" / "jupyter")


def assert_rehearsed(site: Site, campaign: str) -> None:
    """The occurrence is done: everybody planned got one message, by the books and by the provider."""
    books = site.books(campaign)

    assert (books["state"], books["planned"], books["delivered"]) == ("finished", PLANNED, PLANNED)
    assert site.campaigns() == {campaign}
    assert site.sent() == PLANNED


def copied(source: Path, target: Path) -> Path:
    """A copy of an example's file, as somebody makes who uses it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
    return target
