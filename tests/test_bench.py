"""The bench still runs: what it stands beside the engine keeps up with the engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.before import keep, kept, worse
from bench.table import row
from tests.conftest import ROOT


def test_what_got_worse_by_more_than_it_spreads_is_named(tmp_path: Path) -> None:
    """Ratios are held against those that were kept, whichever way is better; seconds never are."""
    file = tmp_path / "quick.json"
    keep(
        [
            row("slower", [1.0, 1.1, 1.2], "×", at_most=2),
            row("as before", [1.0, 1.5, 2.0], "×", at_most=2),
            row("less", [100, 101, 102], "×", at_least=50),
            row("seconds", [1.0, 1.0], "s", at_most=2),
        ],
        file,
    )
    now = [
        row("slower", [1.5, 1.6, 1.7], "×", at_most=2),
        row("as before", [2.2, 2.5, 2.6], "×", at_most=2),
        row("less", [90, 95, 94], "×", at_least=50),
        row("seconds", [9.0, 9.0], "s", at_most=2),
        row("new", [9.0, 9.0], "×", at_most=2),
    ]

    named = [line.partition(":")[0] for line in worse(now, kept(file))]

    assert named == ["slower", "less"]
    assert list(worse(now, kept(tmp_path / "none.json"))) == []


@pytest.mark.long
def test_a_campaign_with_and_without_a_ledger_is_measured() -> None:
    """The stand-in for the ledger answers everything a run asks of one."""
    command = [sys.executable, "-m", "bench", "--only", "latency", "--rows", "2000", "--rounds", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stdout
    assert "with / without ledger" in done.stdout
    assert "not measured" not in done.stdout


@pytest.mark.long
@pytest.mark.xdist_group("dask")
def test_segments_larger_than_memory_are_measured() -> None:
    """Both ways to plan come to one plan, or nothing is printed; memory and time are those of all workers."""
    command = [sys.executable, "-m", "bench", "--only", "hashing", "large", "--rows", "2000", "--rounds", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stdout
    assert "plan of 60,000 rows by 2 workers / in memory, memory" in done.stdout
    assert "the same plan" in done.stdout
