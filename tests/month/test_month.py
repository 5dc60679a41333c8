"""
Thirty days of four repeating campaigns that nobody watches, judged by an oracle.

`script` draws what happens, `runner` plays it against a simulator and a ledger on
disk, with processes that are killed, and `oracle` says what must have come of it.
To see a month again: its seed is in the test's name, and each problem names its day.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.month.oracle import Oracle
from tests.month.runner import Month
from tests.month.script import Script

pytestmark = pytest.mark.month


@pytest.mark.timeout(1800)  # about two minutes on an idle machine with two cores
@pytest.mark.parametrize("seed", [2, *(pytest.param(n, marks=pytest.mark.nightly) for n in range(3, 10))])
def test_a_month_left_alone(tmp_path: Path, seed: int) -> None:
    """Whatever goes wrong in a month, each person of each occurrence ends as the promises say."""
    month = Month(Script(seed), tmp_path)
    try:
        diary = month.play()
    finally:
        month.close()
    oracle = Oracle(diary)
    problems = oracle.verdict()
    exits = Counter(code for run in diary.runs for code in run.exits)
    ends = Counter((p["state"], p["reason"]) for a in diary.accounts.values() for p in a.people)

    assert problems == [], f"seed {seed}, {len(problems)} problems:\n" + "\n".join(problems[:20])
    # A month in which nothing happened would prove nothing.
    assert exits[-9] >= 3
    assert exits[4] >= 5
    assert len(diary.taken) > 1500
    assert len(diary.unclear) > 10
    assert oracle.canaries["went on"] >= 1
    assert oracle.canaries["held back"] >= 1
    for end in [
        ("refused", "opted_out"),
        ("refused", "frequency_cap"),
        ("excluded", "frequency_cap"),
        ("excluded", "opted_out"),
        ("excluded", "holdout"),
        ("excluded", "global_holdout"),
    ]:
        assert ends[end] > 0, f"nobody ended as {end}"
