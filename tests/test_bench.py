"""The bench still runs: what it stands beside the engine keeps up with the engine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.long
def test_a_campaign_with_and_without_a_ledger_is_measured() -> None:
    """The stand-in for the ledger answers everything a run asks of one."""
    command = [sys.executable, "-m", "bench", "--only", "latency", "--rows", "2000", "--rounds", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stdout
    assert "with / without ledger" in done.stdout
    assert "not measured" not in done.stdout
