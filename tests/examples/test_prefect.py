"""The Prefect example: its flow run by Prefect's own engine, on a temporary server on this machine."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import ROOT
from tests.examples.conftest import Site, assert_rehearsed, environment, register_kernel

# Creates flow runs as Prefect's scheduler does, each for its time, and runs them one after the other.
RUNNER = """
import json, sys
from datetime import datetime
from prefect import get_client
from prefect.flow_engine import run_flow
from prefect.states import Scheduled
from weekly_vip import weekly_vip

ended = []
with get_client(sync_client=True) as client:
    for at in sys.argv[1:]:
        state = Scheduled(scheduled_time=datetime.fromisoformat(at))
        run = client.create_flow_run(weekly_vip, state=state)
        last = run_flow(weekly_vip, flow_run=run, return_type="state")
        tries = max(r.run_count for r in client.read_task_runs())
        result = last.result(raise_on_failure=False)
        ended.append([last.type.value, str(result), tries])
print("ENDED", json.dumps(ended))
"""


@pytest.fixture
def prefect(site: Site) -> Site:
    """A site with Prefect, which keeps what it has in the test's folder and tells nobody."""
    register_kernel(site)
    site.environ |= {
        "PYTHONPATH": f"{ROOT / 'examples' / 'prefect'}:{site.environ.get('PYTHONPATH', '')}".rstrip(":"),
        "PREFECT_HOME": str(site.folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300",
        "DO_NOT_TRACK": "1",
    }
    return site


def flow_runs(site: Site, *times: datetime) -> list[Any]:
    """The flow's runs for these scheduled times: how each ended, what came out, tries of its task so far."""
    python = str(environment("prefect") / "python")
    done = site.run([python, "-c", RUNNER, *(at.isoformat() for at in times)])
    lines = [line for line in done.stdout.splitlines() if line.startswith("ENDED ")]
    assert lines, done.stdout + done.stderr
    found: list[Any] = json.loads(lines[0].removeprefix("ENDED "))
    return found


@pytest.mark.timeout(1800)
@pytest.mark.schedulers
def test_runs_of_the_flow(prefect: Site) -> None:
    """The scheduled time makes the id; a second run sends nothing; one that is too late fails at once."""
    scheduled = datetime.now(UTC) - timedelta(minutes=30)  # a run that starts half an hour late
    wanted = f"weekly-vip-{scheduled.astimezone(ZoneInfo('Asia/Shanghai')):%G-W%V}"
    late = datetime(2026, 11, 16, 2, tzinfo=UTC)
    first, again, refused = flow_runs(prefect, scheduled, scheduled, late)

    assert first[:2] == again[:2] == ["COMPLETED", wanted]
    assert refused[0] == "FAILED"
    assert "GuardRefused" in refused[1]
    assert refused[2] == 1, "a refusal is not tried again"
    assert len(prefect.executed()) == 3
    assert any("weekly-vip-2026-W47" in path.name for path in prefect.executed())
    assert_rehearsed(prefect, wanted)
