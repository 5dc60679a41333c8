"""A sender with a network and a host name of its own: silent, it loses its people to whoever is here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from smskit.simulator import Simulator
from tests import live
from tests.conftest import ROOT
from tests.postgres import Server
from tests.senders import Line
from tests.test_survival import settle
from tests.wire import Wire

pytestmark = pytest.mark.kill
RESUME = """
import runpy, sys
from tests import live
live.hurry()
sys.argv = ["smskit", "resume", "live-1"]
runpy.run_module("smskit", run_name="__main__")
"""


class Machine:
    """A network and a host name of its own, and a link from there to here; it takes rights to make them."""

    def __init__(self) -> None:
        self.name = f"sms{os.getpid()}"
        net = f"10.199.{os.getpid() % 250}"
        self.here, there = f"{net}.1", f"{net}.2"
        self._link, peer = f"{self.name}a", f"{self.name}b"
        self._ip("netns", "add", self.name)
        try:
            self._ip("link", "add", self._link, "type", "veth", "peer", "name", peer, "netns", self.name)
            self._ip("addr", "add", f"{self.here}/30", "dev", self._link)
            self._ip("-n", self.name, "addr", "add", f"{there}/30", "dev", peer)
            self._ip("-n", self.name, "link", "set", peer, "up")
            self.mend()
        except BaseException:
            self.close()
            raise

    def run(self, *command: str, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """A process of it."""
        named = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', self.name]
        return subprocess.Popen(
            ["ip", "netns", "exec", self.name, *named, *command],
            env=os.environ | environ,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def cut(self) -> None:
        """Take the link away: what is sent on it is lost."""
        self._ip("link", "set", self._link, "down")

    def mend(self) -> None:
        """Put it back."""
        self._ip("link", "set", self._link, "up")

    def close(self) -> None:
        """Be gone, with the link."""
        self._ip("netns", "del", self.name)

    def _ip(self, *arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Another machine."""
    try:
        made = Machine()
    except (OSError, subprocess.CalledProcessError) as error:
        # It takes root, which a developer need not be and CI is.
        refuse = pytest.fail if os.environ.get("CI") else pytest.skip
        refuse(f"no network of its own may be made here: {error}")
    yield made
    made.close()


@pytest.mark.parametrize("how", ["stands still", "is cut off"])
def test_a_silent_machine(simulator: Simulator, tmp_path: Path, machine: Machine, how: str) -> None:
    """Who shares the campaign here takes its people after its time; back again it learns so and ends."""
    server = Server(address=machine.here)
    line = Line(simulator, tmp_path, server.url(), people=4000, answers_s=0.05)
    provider = Wire(int(simulator.url.rsplit(":", 1)[1]), address=machine.here)
    there = line.environ | {
        "SMSKIT_DATABASE_URL": f"postgresql+psycopg://postgres@{machine.here}/postgres",
        "SMSKIT_YUNPIAN_BASE_URL": f"http://{machine.here}:{provider.port}",
        "SMSKIT_YUNPIAN_PLAIN_HTTP": "allow",
    }
    line.start()
    line.until_accepted(20)
    far = machine.run(sys.executable, "-c", RESUME, environ=there)
    line.until(lambda: any(s["host"] == machine.name and s["chunks"] for s in line.status["senders"]))
    before = line.simulator.world.accepted()
    line.until_accepted(before + 200)
    if how == "stands still":
        far.send_signal(signal.SIGSTOP)
    else:
        machine.cut()
    ends = line.ends()
    silent = far.poll() is None
    machine.mend()
    far.send_signal(signal.SIGCONT)
    _, said = far.communicate(timeout=90)
    unknown = line.status["unknown"]
    settle(simulator, line.environ, line.ledger, resend=True)
    live.send(line.parameters, line.environ)

    assert ends == [0]
    assert silent
    assert far.returncode == 4, said
    assert unknown <= 20
    line.assert_everybody_once()
    line.close()
    provider.close()
    server.close()
