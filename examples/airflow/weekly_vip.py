"""
The weekly VIP campaign as an Airflow DAG: Mondays at 10:00 on the campaign's own clock.

The task runs ``notebooks/03_send_campaign.ipynb`` in smskit's environment, through the kernel
registered as ``smskit``; Airflow's own environment does not have smskit. See the README beside this.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pendulum
import yaml
from airflow.providers.papermill.operators.papermill import PapermillOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException
from airflow.timetables.trigger import CronTriggerTimetable
from papermill.exceptions import PapermillExecutionError

HOME = Path(os.environ["SMSKIT_HOME"])  # the checkout, as the workers see it
# Plain YAML 1.1: a text that looks like a number has to stand in quotes in this file.
CAMPAIGN = yaml.safe_load((HOME / "examples" / "weekly_vip" / "campaign.yaml").read_text("utf-8"))
ZONE = CAMPAIGN["timezone"]

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


class CampaignOperator(PapermillOperator):
    """A campaign notebook: tried again where that goes on, failed at once where a person has to look."""

    def execute(self, context: Any) -> None:
        """Run the notebook; nothing is returned, so nothing of it is kept in Airflow's database."""
        Path(str(self.output_nb)).parent.mkdir(parents=True, exist_ok=True)
        try:
            super().execute(context)
        except PapermillExecutionError as error:
            reason = f"{error.ename}: {error.evalue}"
            raise (RuntimeError if error.ename in RUN_AGAIN else AirflowFailException)(reason) from None


with DAG(
    dag_id="weekly_vip",
    schedule=CronTriggerTimetable("0 10 * * 1", timezone=ZONE),
    start_date=pendulum.datetime(2026, 1, 1, tz=ZONE),
    catchup=False,
    max_active_runs=1,
    tags=["sms"],
) as dag:
    # The logical date is the scheduled time; a retry, a late run and a cleared run keep it.
    occurrence = "weekly-vip-{{ logical_date.in_timezone('" + ZONE + "').strftime('%G-W%V') }}"
    CampaignOperator(
        task_id="send",
        input_nb=str(HOME / "notebooks" / "03_send_campaign.ipynb"),
        output_nb=str(HOME / "runs" / (occurrence + "-{{ ti.id }}-{{ ti.try_number }}.ipynb")),
        parameters=CAMPAIGN
        | {
            "segment": str(HOME / CAMPAIGN["segment"]),  # a worker's working folder is its own business
            "campaign": occurrence,
            "not_after": "{{ (logical_date + macros.timedelta(hours=2)).isoformat() }}",
        },
        kernel_name="smskit",
        retries=5,
        retry_delay=timedelta(minutes=15),
    )
