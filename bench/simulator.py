"""
The built-in simulator as a process of its own, for benches that ask it.
"""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from bench import campaigns, child, segments


class Simulator:
    """The built-in simulator in a child process, steered through its control routes."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self._token = url, token

    def register(self) -> None:
        """Open the accounts: of `campaigns`, and of the prototype."""
        for credential in (campaigns.YUNPIAN_KEY, "0" * 32):
            account = {"provider": "yunpian", "credential": credential}
            self._ask("account", account | {"signatures": [segments.SIGNATURE]})

    def latency(self, seconds: float) -> None:
        """Answer everything that late."""
        self._ask("faults", {"latency_s": seconds}, method="PUT")

    def summary(self) -> dict[str, Any]:
        """The judge's figures."""
        return dict(orjson.loads(self._ask("")))

    def times(self) -> list[float]:
        """When each message was accepted."""
        return [orjson.loads(line)["at"] for line in self._ask("messages").splitlines()]

    def wait_for(self, accepted: int, process: subprocess.Popen[bytes]) -> None:
        """
        Return when that many were accepted.

        Raises:
            JobFailed: *process* ended before.
        """
        while self.summary()["accepted"] < accepted:
            if process.poll() is not None:
                raise child.JobFailed(f"the run ended by itself with {process.returncode}")
            time.sleep(0.05)

    def _ask(self, path: str, data: Any = None, method: str | None = None) -> bytes:
        body = None if data is None else orjson.dumps(data)
        headers = {"x-smskit-token": self._token}
        request = urllib.request.Request(f"{self.url}/_simulator/{path}", body, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return bytes(answer.read())


@contextmanager
def simulating() -> Iterator[Simulator]:
    """One, with its accounts, until the end."""
    command = [sys.executable, "-m", "smskit", "simulator", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=child.ROOT)
    try:
        assert process.stdout is not None
        url, _, token = (process.stdout.readline().decode().strip() for _ in range(3))
        simulator = Simulator(url.split()[-1], token.partition("=")[2])
        simulator.register()
        yield simulator
    finally:
        process.terminate()
        process.wait()
