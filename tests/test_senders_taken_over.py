"""A sender that stands still, is cut off, or whose server is replaced: who goes on, and nobody twice."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from smskit.simulator import FaultPlan, Simulator
from tests import live
from tests.postgres import Server
from tests.senders import Line
from tests.test_survival import settle
from tests.wire import Wire

pytestmark = pytest.mark.kill


@pytest.fixture
def line(simulator: Simulator, tmp_path: Path, postgres: Server) -> Iterator[Line]:
    """Three chunks of people."""
    with postgres.schema() as url:
        made = Line(simulator, tmp_path, url, people=3000, answers_s=0.05)
        yield made
        made.close()


def hang(line: Line) -> None:
    """Wait until both requests of the one sender hang, accepted: then none is about to leave."""
    before = line.simulator.world.accepted()
    faults = {"faults": [{"kind": "hang_after_accept", "rate": 1.0, "seconds": 4}]}
    line.simulator.world.set_faults(FaultPlan.model_validate(faults))
    line.until_accepted(before + 1)
    accepted = 0
    while accepted != (accepted := line.simulator.world.accepted()):
        time.sleep(0.5)
    line.simulator.world.set_faults(FaultPlan(seed=1, latency_s=0.05))


def test_stopped_elsewhere(line: Line) -> None:
    """On another machine it is dead after its time; once it goes on it learns so, and sends nothing more."""
    (stopped,) = line.start(elsewhere=True)
    line.until_accepted(100)
    hang(line)
    assert stopped.pid is not None
    os.kill(stopped.pid, signal.SIGSTOP)
    (other,) = line.start()
    other.join(90)
    while_it_stood = line.simulator.world.accepted()
    os.kill(stopped.pid, signal.SIGCONT)

    assert line.ends() == [4, 0]
    assert while_it_stood == line.people
    line.assert_everybody_once()


def test_stopped_here(line: Line) -> None:
    """On the same machine it is alive, however long: nobody takes its people, and it goes on with them."""
    (stopped,) = line.start()
    line.until_accepted(100)
    assert stopped.pid is not None
    os.kill(stopped.pid, signal.SIGSTOP)
    (other,) = line.start()
    line.until_accepted(2000)
    silent_since = time.monotonic()
    line.until(lambda: time.monotonic() > silent_since + live.TTL_S)
    senders = {each["pid"]: each["chunks"] for each in line.status["senders"]}
    sent = line.simulator.world.accepted()
    os.kill(stopped.pid, signal.SIGCONT)

    assert senders == {stopped.pid: 1, other.pid: 0}
    assert sent < line.people
    assert line.ends() == [0, 0]
    assert line.status["unknown"] <= 20  # whose answers it was too late for
    settle(line.simulator, line.environ, line.ledger)
    line.assert_everybody_once()


def test_cut_off_elsewhere(line: Line, postgres: Server) -> None:
    """Whose wire to the server is cut claims nothing meanwhile, and is dead after its time, too."""
    wire = Wire(postgres.folder / ".s.PGSQL.5432")
    url = line.environ["SMSKIT_DATABASE_URL"]
    near = url.replace("@/", f"@127.0.0.1:{wire.port}/").replace(f"host={postgres.folder}&", "")
    line.start(environ={"SMSKIT_DATABASE_URL": near}, elsewhere=True)
    line.until_accepted(100)
    wire.cut()
    (other,) = line.start()
    other.join(90)
    wire.mend()

    assert line.ends() == [4, 0]
    line.assert_everybody_once()
    wire.close()


def test_a_server_that_stays_away(simulator: Simulator, tmp_path: Path) -> None:
    """A run that has waited for it in vain ends, to be run again; the next one goes on where it was."""
    server = Server()
    line = Line(simulator, tmp_path, server.url(), people=1000, answers_s=0.05)
    line.environ["SMSKIT_LEDGER_PATIENCE_S"] = "3"
    line.start()
    line.until_accepted(100)
    server.crash()
    first = line.ends()
    server.start()
    line.start()

    assert first == [4]
    assert line.ends() == [4, 0]
    line.assert_everybody_once()
    line.close()
    server.close()


def test_a_synchronous_standby_takes_over(simulator: Simulator, tmp_path: Path) -> None:
    """The primary dies and its standby is promoted: senders who name both go on by themselves."""
    primary = Server()
    standby = Server(primary)
    url = primary.url().replace("&", f"&host={standby.folder}&target_session_attrs=read-write&")
    line = Line(simulator, tmp_path, url, people=3000, answers_s=0.05)
    line.start(3)
    line.until_there(3)
    line.until_accepted(201)
    primary.crash()
    standby.promote()

    assert line.ends() == [0, 0, 0]
    line.assert_everybody_once()
    line.close()
    for server in (primary, standby):
        server.close()
