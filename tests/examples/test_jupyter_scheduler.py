"""The jupyter-scheduler example: a real JupyterLab server, a job definition made through its REST API."""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from tests.conftest import ROOT
from tests.examples.conftest import Site, assert_rehearsed, environment

SCHEDULE = ROOT / "examples" / "jupyter_scheduler" / "schedule.py"


@dataclass
class Lab:
    """A running JupyterLab server with jupyter-scheduler."""

    site: Site
    url: str
    token: str

    def ask(self, path: str) -> Any:
        """An answer of the server."""
        request = Request(f"{self.url}/{path}", headers={"Authorization": f"token {self.token}"})
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def schedule(self, *arguments: str) -> str:
        """Run the example's script; what it printed."""
        done = self.site.run([sys.executable, str(SCHEDULE), self.url, *arguments])
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def job(self, at: str) -> dict[str, Any]:
        """Run the occurrence of a time, and wait for its end."""
        job_id = self.schedule("--again", at)
        end = time.monotonic() + 600
        while (job := self.ask(f"scheduler/jobs/{job_id}"))["status"] not in ("COMPLETED", "FAILED"):
            assert time.monotonic() < end, job
            time.sleep(0.5)
        found: dict[str, Any] = job
        return found


@pytest.fixture
def lab(site: Site) -> Iterator[Lab]:
    """A server whose root folder is the site's checkout, with the site's environment and no more."""
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    site.environ["JUPYTER_TOKEN"] = token
    command = [
        *(str(environment("jupyter_scheduler") / "python"), "-m", "jupyterlab", "--no-browser"),
        *("--allow-root", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"),
        *("--ServerApp.port_retries=0", f"--ServerApp.root_dir={site.environ['SMSKIT_HOME']}"),
        "--LabApp.extension_manager=readonly",
    ]
    with (site.folder / "lab.log").open("w") as log:
        server = subprocess.Popen(command, env=site.environ, cwd=site.folder, stdout=log, stderr=log)
        found = Lab(site, f"http://127.0.0.1:{port}", token)
        try:
            _wait(found, server)
            yield found
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait(lab: Lab, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 300
    while True:
        try:
            lab.ask("scheduler/runtime_environments")
            return
        except URLError:
            assert server.poll() is None, (lab.site.folder / "lab.log").read_text()
            assert time.monotonic() < end, "JupyterLab did not start"
            time.sleep(0.2)


@pytest.mark.timeout(1800)
@pytest.mark.schedulers
def test_jobs_of_the_definition(lab: Lab) -> None:
    """The time makes the id; a second job of a week sends nothing; one that is too late fails."""
    created = lab.schedule()
    same = lab.schedule()
    definition = lab.ask(f"scheduler/job_definitions/{created}")
    first, again = lab.job("2099-11-16 10:00"), lab.job("2099-11-20 10:00")
    late = lab.job("2026-11-16 10:00")

    assert same == created, "there is one definition, however often the script runs"
    assert (definition["schedule"], definition["timezone"]) == ("*/15 10-12 * * 1", "Asia/Shanghai")
    assert (first["status"], again["status"]) == ("COMPLETED", "COMPLETED"), first
    assert late["status"] == "FAILED"
    assert len(lab.site.executed()) == 3
    assert_rehearsed(lab.site, "weekly-vip-2099-W47")
