"""
The bench of what a scheduler runs: whole processes for a few people.
"""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from pathlib import Path

from bench import campaigns
from bench.run import Run
from bench.table import Row, row, seconds

_PEOPLE = 200


def scheduled(run: Run) -> Iterator[Row]:
    """`smskit plan` and `smskit run` of a few people in a rehearsal, interpreter and all."""
    planned, took, used = [], [], []
    for round_ in range(run.rounds):
        with run.scratch() as folder:
            file = Path(folder) / "campaign.yaml"
            data = campaigns.parameters(run.segment(_PEOPLE), mode="rehearse", campaign=f"few-{round_}")
            file.write_text(json.dumps(data))  # JSON is YAML
            variables = campaigns.environ("", folder, {})
            del variables["SMSKIT_YUNPIAN_BASE_URL"]
            planned.append(campaigns.clocked(variables, "plan", str(file)))
            before = _used()
            took.append(campaigns.clocked(variables, "run", str(file)))
            used.append(_used() - before)
    yield row(f"`smskit plan` of {_PEOPLE} rows, whole process", planned, "s", at_most=1.2)
    yield row(
        f"processor time of `smskit run` of {_PEOPLE} people in a rehearsal",
        used,
        "s",
        at_most=6.0,
        beside=f"{seconds(took)} by the clock",
        server="simulator",
    )


def _used() -> float:
    """Seconds of processor time of all children that have ended, and of theirs."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime
