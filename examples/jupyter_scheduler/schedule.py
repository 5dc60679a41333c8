"""
Create the weekly job definition of jupyter-scheduler through its REST API, or change it, or run a week again.

    python schedule.py URL                         # Mondays from 10:00 to 12:00, every quarter of an hour
    python schedule.py URL --again '2026-11-18 12:00'    # the occurrence of that week, now

URL is the JupyterLab server's; its token is read from ``JUPYTER_TOKEN``. Standard library only.
Prints the id of the job definition, with ``--again`` the id of the job.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

NAME = "weekly-vip"
NOTEBOOK = "examples/jupyter_scheduler/weekly_vip.ipynb"  # seen from the server's root folder


def call(url: str, method: str, path: str, data: dict[str, Any] | None = None) -> Any:
    """One call of the scheduler's API; its answer as data, None where it has none."""
    headers = {"Authorization": f"token {os.environ['JUPYTER_TOKEN']}", "Content-Type": "application/json"}
    body = None if data is None else json.dumps(data).encode()
    request = Request(f"{url.rstrip('/')}/scheduler/{path}", data=body, headers=headers, method=method)
    with urlopen(request, timeout=60) as answer:
        content = answer.read()
    return json.loads(content) if content else None


def definition(url: str, schedule: str, zone: str) -> str:
    """The id of the one job definition of this name, created where there is none."""
    found = call(url, "GET", f"job_definitions?{urlencode({'name': NAME})}")["job_definitions"]
    for known in found:
        if known["name"] == NAME:  # the search is for names that begin so
            call(
                url,
                "PATCH",
                f"job_definitions/{known['job_definition_id']}",
                {"schedule": schedule, "timezone": zone},
            )
            return str(known["job_definition_id"])
    environment = call(url, "GET", "runtime_environments")[0]["name"]
    made = call(
        url,
        "POST",
        "job_definitions",
        {
            "name": NAME,
            "input_uri": NOTEBOOK,
            "runtime_environment_name": environment,
            "output_formats": ["ipynb"],
            "schedule": schedule,
            "timezone": zone,
        },
    )
    return str(made["job_definition_id"])


def again(url: str, definition_id: str, at: str) -> str:
    """Run the occurrence that was due *at* that time; its id stays, so nobody gets a second message."""
    # jupyter-scheduler writes `at = <this text>` into a cell: the text has to be Python.
    made = call(url, "POST", f"job_definitions/{definition_id}/jobs", {"parameters": {"at": repr(at)}})
    return str(made["job_id"])


def main(arguments: list[str]) -> str:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--again", metavar="TIME", default="")
    parser.add_argument("--schedule", default="*/15 10-12 * * 1")
    parser.add_argument("--timezone", default="Asia/Shanghai")
    given = parser.parse_args(arguments)
    found = definition(given.url, given.schedule, given.timezone)
    return again(given.url, found, given.again) if given.again else found


if __name__ == "__main__":
    print(main(sys.argv[1:]))
