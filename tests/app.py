"""``smskit app`` as a process of its own, over a copy of a project."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.conftest import ROOT

TOKEN = "a-token-for-tests"
_SERVE = """
from smskit.notebook.app import AppSettings, serve
from smskit.notebook.sample import project
settings = AppSettings({token!r}, kernels={kernels}, idle_s={idle_s}, people={people!r})
serve(project() / "notebooks", settings, port={port}, browser=False)
"""


@dataclass(frozen=True)
class App:
    """One that is served."""

    base: str
    folder: Path  # its workspace
    log_file: Path
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        """What it has written."""
        return self.log_file.read_text(encoding="utf-8")

    @property
    def children(self) -> set[int]:
        """Its kernels, and whatever else it has started."""
        return {child.pid for child in psutil.Process(self.process.pid).children()}


@contextlib.contextmanager
def served(
    folder: Path, *, kernels: int = 0, idle_s: int = 0, people: dict[str, str] | None = None, **environ: str
) -> Iterator[App]:
    """
    An app whose kernels have these environment variables, until the end.

    Args:
        folder: Its workspace, a project.
        kernels, idle_s, people: As in ``AppSettings``; 0 = started by the command instead.
    """
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {n: v for n, v in os.environ.items() if not n.startswith("SMSKIT_")}
    env |= {"SMSKIT_KEYRING": "0", "SMSKIT_APP_TOKEN": TOKEN, "SMSKIT_LANG": "en"} | environ
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "smskit", "app", f"--port={port}", "--no-browser"]
    if kernels:
        script = _SERVE.format(token=TOKEN, kernels=kernels, idle_s=idle_s, people=people or {}, port=port)
        command = [sys.executable, "-c", script]
    log = folder.parent / f"{folder.name}-app.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=out, stderr=subprocess.STDOUT)
        try:
            yield App(_address(process, log, port), folder, log, process)
        finally:
            process.terminate()
            process.wait(90)


def _address(process: subprocess.Popen[bytes], log: Path, port: int) -> str:
    """Where it listens, once it does: another port where somebody was faster to take the one it was told."""
    deadline = time.monotonic() + 90
    while "Open http" not in (told := log.read_text(encoding="utf-8")):
        assert process.poll() is None, told
        assert time.monotonic() < deadline, "the app did not start"
        time.sleep(0.1)
    found = re.search(r"Open (http://127\.0\.0\.1:\d+)/", told)
    base = found[1] if found else f"http://127.0.0.1:{port}"  # an address of its own is shown instead
    urllib.request.urlopen(base, timeout=90).close()
    return base
