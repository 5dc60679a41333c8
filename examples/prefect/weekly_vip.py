"""
The weekly VIP campaign as a Prefect flow: Mondays at 10:00 on the campaign's own clock.

The task runs ``notebooks/03_send_campaign.ipynb`` in smskit's environment, through the kernel registered
as ``smskit``; Prefect's own does not have smskit. ``python weekly_vip.py`` serves the flow. See the README.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import papermill
import yaml
from papermill.exceptions import PapermillExecutionError
from prefect import flow, runtime, task
from prefect.schedules import Cron

HOME = Path(os.environ["SMSKIT_HOME"])  # the checkout, as the worker sees it
# Plain YAML 1.1: a text that looks like a number has to stand in quotes in this file.
CAMPAIGN = yaml.safe_load((HOME / "examples" / "weekly_vip" / "campaign.yaml").read_text("utf-8"))
ZONE = ZoneInfo(CAMPAIGN["timezone"])

# What smskit's exit code 4 stands for: running again goes on. Everything else needs a person.
RUN_AGAIN = {
    "CampaignPaused",
    "LedgerLocked",
    "LedgerAway",
    "LedgerUnavailable",
    "OutcomeUnknown",
    "RateLimited",
    "Unreachable",
}


class Stopped(Exception):
    """The run stopped with people still waiting: trying again goes on with them."""


def goes_on(_task: Any, _run: Any, state: Any) -> bool:
    """Whether a failed try is worth another."""
    return isinstance(state.result(raise_on_failure=False), Stopped)


@task(retries=5, retry_delay_seconds=15 * 60, retry_condition_fn=goes_on)
def send(campaign: str, not_after: str) -> None:
    """Run the campaign notebook to its end; a second run of an occurrence messages nobody again."""
    executed = HOME / "runs" / f"{campaign}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.ipynb"
    executed.parent.mkdir(exist_ok=True)
    try:
        papermill.execute_notebook(
            HOME / "notebooks" / "03_send_campaign.ipynb",
            executed,
            parameters=CAMPAIGN | {"campaign": campaign, "not_after": not_after},
            kernel_name="smskit",
            cwd=HOME,
            progress_bar=False,
        )
    except PapermillExecutionError as error:
        reason = f"{error.ename}: {error.evalue}"
        raise (Stopped if error.ename in RUN_AGAIN else RuntimeError)(reason) from None


@flow
def weekly_vip() -> str:
    """Send the occurrence this run was scheduled for, however late it starts; its id is the result."""
    # By way of a plain datetime: pendulum's, which this is, loses a ZoneInfo when something is added to it.
    scheduled = datetime.fromtimestamp(runtime.flow_run.scheduled_start_time.timestamp(), ZONE)
    campaign = f"weekly-vip-{scheduled:%G-W%V}"
    send(campaign, (scheduled + timedelta(hours=2)).isoformat())
    return campaign


if __name__ == "__main__":
    weekly_vip.serve(name="mondays", schedule=Cron("0 10 * * 1", timezone=ZONE.key))
