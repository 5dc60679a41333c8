"""Several senders of one live campaign, real processes over a real server; the simulator judges."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster

from smskit.ledger import Ledger
from smskit.models import Mode
from smskit.planning.draft import Draft
from smskit.simulator import FaultPlan, Simulator
from tests import live
from tests.postgres import Server
from tests.senders import Line
from tests.test_send_panel import Clicker
from tests.test_survival import settle

pytestmark = pytest.mark.long


@pytest.fixture
def url(postgres: Server) -> Iterator[str]:
    """The address of an empty schema."""
    with postgres.schema() as made:
        yield made


@pytest.fixture
def make(simulator: Simulator, tmp_path: Path, url: str) -> Iterator[Callable[..., Line]]:
    """Makes the line; its processes end with the test."""
    made: list[Line] = []

    def line(*, people: int = 3000, answers_s: float = 0.05) -> Line:
        made.append(Line(simulator, tmp_path, url, people=people, answers_s=answers_s))
        return made[-1]

    yield line
    for each in made:
        each.close()


def test_whoever_starts_it_again_joins(make: Callable[..., Line]) -> None:
    """Three runs of one campaign share it, each ends with 0, and the status names them meanwhile."""
    line = make()
    line.start(2)
    line.until_accepted(20)
    line.start()
    pids = {run.pid for run in line.senders}
    line.until(lambda: {each["pid"] for each in line.status["senders"]} == pids)
    # Whoever is between two chunks has none.
    line.until(lambda: sum(each["chunks"] for each in line.status["senders"]) >= 2)

    assert line.ends() == [0, 0, 0]
    line.assert_everybody_once()
    assert line.start()[0].join(60) is None
    assert line.ends()[-1] == 0  # it had finished before


def test_another_goes_on_where_one_was_killed(make: Callable[..., Line]) -> None:
    """A sender that is killed loses its chunks to the others at once, and nobody is lost."""
    line = make()
    line.start(3)
    line.until_there(3)
    line.until_accepted(101)
    lead = line.status["senders"][0]
    next(run for run in line.senders if run.pid == lead["pid"]).kill()

    assert sorted(map(str, line.ends())) == [str(-signal.SIGKILL), "0", "0"]
    line.assert_everybody_once()


def test_one_is_told_to_end_and_the_others_go_on(make: Callable[..., Line]) -> None:
    """SIGTERM ends one, with 4, and what it had is sent by the others."""
    line = make()
    line.start(2)
    line.until_there(2)
    line.until_accepted(101)
    line.senders[0].terminate()

    assert line.ends() == [4, 0]
    line.assert_everybody_once()


def test_a_stop_is_for_all(make: Callable[..., Line]) -> None:
    """`smskit stop` ends every sender with 4, also one that comes while they end; the next run goes on."""
    line = make()
    line.start(3)
    line.until_there(3)
    line.until_accepted(101)
    row = line.ledger.campaigns.get("live-1", Mode.LIVE)
    assert row is not None
    line.ledger.campaigns.request_stop(row.id)

    assert line.ends() == [4, 4, 4]
    assert line.status["state"] == "paused"
    assert line.status["waiting"] > 0
    line.start(2)
    assert line.ends() == [4, 4, 4, 0, 0]
    line.assert_everybody_once()


def took_s(line: Line, *, people: int, join: int = 0) -> float:
    """Seconds from before the first request was accepted until so many people are; *join* begin meanwhile."""
    began = time.monotonic()
    while (accepted := line.simulator.world.accepted()) < people:
        assert any(run.is_alive() for run in line.senders), line.ends()
        if not accepted:
            began = time.monotonic()
        elif join:
            line.start(join)
            join = 0
        time.sleep(0.002)
    return time.monotonic() - began


@pytest.mark.parametrize("database", ["server", "file"])
def test_one_pace_for_an_account(make: Callable[..., Line], tmp_path: Path, database: str) -> None:
    """
    However many send through an account, all together take as long as one would.

    On a server three senders of one campaign, two of which come later; on a file two campaigns.
    """
    limit, people, join = 20, 1500, 0
    line = make(people=people, answers_s=0.02)
    line.environ["SMSKIT_YUNPIAN_REQUESTS_PER_SECOND"] = str(limit)
    if database == "server":
        line.start()
        join = 2
    else:
        line.environ["SMSKIT_DATABASE_URL"] = f"sqlite:///{tmp_path / 'own.db'}"
        Ledger(line.environ["SMSKIT_DATABASE_URL"]).close()
        for n, first in enumerate((13800100000, 13900100000)):
            segment = live.segment(tmp_path / f"{n}.csv", people // 2, first=first)
            line.parameters |= {"campaign": f"live-{n}", "segment": str(segment)}
            line.start()
    took = took_s(line, people=people, join=join)

    assert set(line.ends()) == {0}
    # On a busy machine the first request arrives late; with a pace each it would take little over half.
    assert took > people / 10 / limit - 1.5


class Hurried(Clicker):
    """A person who does not wait until a run that is watched has ended."""

    def wait(self) -> None:
        pass


def test_joined_from_a_notebook(make: Callable[..., Line]) -> None:
    """Notebook 03 shows that another run sends it; a click, and both share the rest, each to its end."""
    line = make()
    line.start()
    line.until_accepted(100)
    clicker = Hurried(Draft(line.parameters), line.environ)
    line.until(lambda: bool(clicker.doing("join")))
    seen = clicker.told
    clicker.do("join")
    line.until(lambda: len(line.status["senders"]) == 2)
    pids = {each["pid"] for each in line.status["senders"]}
    run = clicker.panel.sending.model.run
    assert run is not None

    assert "another run is sending it" in seen
    assert pids == {os.getpid(), line.senders[0].pid}
    assert line.ends() == [0]
    assert run.wait()
    line.until(lambda: "Sent: 3,000 of 3,000 accepted" in clicker.told)
    line.assert_everybody_once()
    assert run.look().error is None


SMSKIT = [sys.executable, "-m", "smskit"]


def frozen(line: Line) -> dict[str, str]:
    """Begin the campaign and stop it at once; returns the environment of a command."""
    (first,) = line.start()
    line.until_accepted(1)
    first.terminate()
    first.join(60)
    line.senders.clear()
    return os.environ | line.environ


def test_resume_by_several_processes(make: Callable[..., Line]) -> None:
    """`smskit resume --senders 3` starts three processes, prints the counts and exits with 0."""
    line = make()
    environ = frozen(line)
    command = subprocess.Popen(
        [*SMSKIT, "resume", "live-1", "--senders", "3"], env=environ, stdout=subprocess.PIPE
    )
    line.until_there(3)
    told, _ = command.communicate(timeout=60)

    assert command.returncode == 0
    assert b"live-1" in told
    line.assert_everybody_once()


def test_resume_by_several_processes_is_told_to_end(make: Callable[..., Line]) -> None:
    """SIGTERM is handed on: all three end, and the command exits with 4."""
    line = make()
    environ = frozen(line)
    command = subprocess.Popen(
        [*SMSKIT, "resume", "live-1", "--senders", "3"],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    line.until_there(3)
    command.terminate()
    _, said = command.communicate(timeout=60)

    assert command.returncode == 4
    assert b"told to end" in said
    assert line.status["senders"] == []
    assert line.status["waiting"] > 0


def test_several_processes_share_no_file(make: Callable[..., Line], tmp_path: Path) -> None:
    """On a SQLite ledger `--senders` is refused as a second run is."""
    line = make(people=50)
    line.environ["SMSKIT_DATABASE_URL"] = f"sqlite:///{tmp_path / 'own.db'}"
    Ledger(line.environ["SMSKIT_DATABASE_URL"]).close()
    line.start()
    line.ends()
    done = subprocess.run(
        [*SMSKIT, "resume", "live-1", "--senders", "2"],
        env=os.environ | line.environ,
        capture_output=True,
        check=False,
    )

    assert done.returncode == 4
    assert b"PostgreSQL" in done.stderr


def test_resume_by_the_tasks_of_a_cluster(make: Callable[..., Line]) -> None:
    """With `SMSKIT_DASK` the senders are tasks of its workers, which have the keys in their environment."""
    line = make()
    environ = frozen(line)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="", env=line.environ) as cluster:
        done = subprocess.run(
            [*SMSKIT, "resume", "live-1", "--senders", "2"],
            env=environ | {"SMSKIT_DASK": cluster.scheduler_address},
            capture_output=True,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    line.assert_everybody_once()


def dask(*arguments: str, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    """A scheduler or a worker, in a process of its own."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, "-m", "dask", *arguments], env=environ, **quiet)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("lost", ["worker", "scheduler"])
def test_a_part_of_the_cluster_is_lost(make: Callable[..., Line], tmp_path: Path, lost: str) -> None:
    """
    A task whose worker is killed runs again on another; without the scheduler the tasks go on to their end.

    The command may not know how they ended: it says so, and run again it tells.
    """
    line = make(people=4000)
    environ = frozen(line)
    file = str(tmp_path / "scheduler.json")
    more = ["--scheduler-file", file, "--dashboard-address", ":0"]
    parts = [dask("scheduler", "--port", "0", *more, environ=environ)]
    parts += [dask("worker", "--nthreads", "1", *more, environ=environ) for _ in range(2)]
    try:
        line.until(Path(file).exists)
        environ["SMSKIT_DASK"] = json.loads(Path(file).read_text())["address"]
        command = [*SMSKIT, "resume", "live-1", "--senders", "2"]
        sending = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        line.until_there(2)
        line.until_accepted(line.simulator.world.accepted() + 100)
        victim = line.status["senders"][0]["pid"] if lost == "worker" else parts[0].pid
        os.kill(victim, signal.SIGKILL)
        _, said = sending.communicate(timeout=60)
        line.until(lambda: not line.status["senders"])
        again = subprocess.run(command[:-2], env=environ, capture_output=True, check=False, timeout=60)
    finally:
        for part in reversed(parts):
            part.kill()
            part.wait()

    assert sending.returncode in (0, 4), said
    assert b"Traceback" not in said
    assert again.returncode == 0, again.stderr
    settle(line.simulator, line.environ, line.ledger, resend=True)
    live.send(line.parameters, line.environ)
    line.assert_everybody_once()


@pytest.mark.parametrize("good", [True, False])
def test_a_canary_is_sent_by_one(make: Callable[..., Line], good: bool) -> None:
    """While the canary is sent and waited for the others send nothing; a bad one ends them all with 4."""
    line = make(answers_s=0.01)
    receipts = {"delay_s": [0, 0], "fail_rate": 0.0 if good else 1.0}
    line.simulator.world.set_faults(FaultPlan.model_validate({"seed": 1, "receipts": receipts}))
    line.parameters |= {"canary": 0.05, "canary_wait": "3s"}
    line.start(3)
    while any(run.is_alive() for run in line.senders):
        accepted = line.simulator.world.accepted()
        row = line.ledger.campaigns.get("live-1", Mode.LIVE)
        canary = row and line.ledger.canaries.get(row.id)
        assert accepted <= 150 or (canary and canary.passed_at is not None)
        time.sleep(0.02)

    assert line.ends() == ([0, 0, 0] if good else [4, 4, 4])
    if good:
        line.assert_everybody_once()
    else:
        assert line.simulator.world.accepted() == 150
        assert line.status["state"] == "paused"
