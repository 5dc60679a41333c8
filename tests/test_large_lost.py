"""``smskit.large`` where a worker, the scheduler or the process that plans is killed: nobody is lost."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Client
from distributed.diagnostics.plugin import WorkerPlugin

from smskit.errors import SmskitError
from smskit.large import cluster as cluster_of
from smskit.large import freezing
from smskit.large import planning as large
from smskit.large.cluster import client_of
from smskit.ledger import Ledger
from smskit.ledger.staging import Staged
from smskit.models import Mode
from smskit.settings import LargeSettings
from tests.test_files import written
from tests.test_large import WORKERS, both, frozen, same, stored
from tests.test_large import client as client
from tests.test_plan_hashes import HISTORY
from tests.test_plan_hashes import segment as people_of_every_kind

pytestmark = [pytest.mark.long, pytest.mark.kill, pytest.mark.xdist_group("dask")]

# In whose text column `x` the parts have to be counted before any is judged.
RULE = {"rules": {"column": "x", "op": ">", "value": 3}}
STAGES = ["counted", "judged", "spread", "twice_in", "repeats", "finished", "digested", "rows_of_part"]


class Killer(WorkerPlugin):
    """Kills the first worker that comes to a task of that name, once."""

    name = "killer"

    def __init__(self, stage: str, mark: Path) -> None:
        self.stage, self.mark = stage, mark

    def setup(self, worker: Any) -> None:
        """Nothing is needed."""

    def transition(self, key: str, start: str, finish: str, **_: Any) -> None:
        """Look at each task as it goes on."""
        if finish == "executing" and str(key).startswith(f"{self.stage}-"):
            try:
                self.mark.touch(exist_ok=False)
            except FileExistsError:
                return
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A segment whose text column has to be counted."""
    cells = ["1,000", "12", "7", "-", "2"] * 48
    return written(people_of_every_kind().assign(x=cells), tmp_path / "data")


@pytest.fixture
def own() -> Iterator[Client]:
    """Of two workers of its own: on a busy machine one that was killed may not come up again."""
    made = cluster_of._client(WORKERS)
    try:
        yield made
    finally:
        cluster_of._end(made, made.cluster)


@pytest.mark.parametrize("stage", STAGES)
def test_a_worker_that_dies_changes_nothing(
    own: Client, folder: Path, tmp_path: Path, ledger: Ledger, stage: str
) -> None:
    """In whatever stage, from counting to the freeze: what it held is made again, each is there once."""
    mark = tmp_path / "killed"
    own.wait_for_workers(2, timeout=60)
    own.register_plugin(Killer(stage, mark))
    memory, parts = both(own, folder, RULE, {"past": HISTORY})
    row = frozen(ledger, parts, "parts")

    assert mark.exists()
    assert same(memory, parts)
    assert stored(ledger, row) == stored(ledger, frozen(ledger, memory, "memory"))


@pytest.fixture
def cluster() -> Iterator[tuple[Client, subprocess.Popen[str]]]:
    """A scheduler and a worker that are processes of their own, as those of ``SMSKIT_DASK`` are."""
    program = [sys.executable, "-m"]
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show"]
    scheduler = subprocess.Popen(
        [*program, "distributed.cli.dask_scheduler", *options], stderr=subprocess.PIPE, text=True
    )
    assert scheduler.stderr is not None
    found = (re.search(r"Scheduler at:\s+(tcp://\S+)", line) for line in scheduler.stderr)
    address = next(each[1] for each in found if each)
    options = ["--nthreads", "1", "--no-dashboard", "--no-nanny"]
    worker = subprocess.Popen(
        [*program, "distributed.cli.dask_worker", address, *options], stderr=subprocess.DEVNULL
    )
    made = client_of(LargeSettings(scheduler=address))
    try:
        made.wait_for_workers(1, timeout=60)
        yield made, scheduler
    finally:
        for process in (scheduler, worker):
            process.kill()
            process.wait()
        scheduler.stderr.close()
        made.close(timeout=1)


@pytest.mark.parametrize("step", ["_finish", "rows"])
def test_a_scheduler_that_is_lost_is_said_and_the_next_run_does_it(
    client: Any,
    cluster: tuple[Client, subprocess.Popen[str]],
    folder: Path,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    """Planning and freezing end in a sentence, without an audience; by another scheduler it is all there."""
    lost, scheduler = cluster
    where, name = (freezing, "_made") if step == "rows" else (large, step)
    make: Callable[..., Any] = getattr(where, name)

    def after_it_was_killed(*arguments: Any) -> Any:
        scheduler.kill()
        scheduler.wait()
        return make(*arguments)

    with monkeypatch.context() as now:
        now.setattr(where, name, after_it_was_killed)
        with pytest.raises(SmskitError, match="scheduler of the workers was lost"):
            frozen(ledger, both(lost, folder, RULE, {})[1], "parts")
    nothing = ledger.campaigns.get("parts", Mode.LIVE)
    memory, parts = both(client, folder, RULE, {})
    row = frozen(ledger, parts, "parts")

    assert nothing is None
    assert same(memory, parts)
    assert stored(ledger, row) == stored(ledger, frozen(ledger, memory, "memory"))


# The process that plans and freezes; it stops where it is told to, and says where its workers spill.
DIES = """
import sys
from pathlib import Path
from tests.test_large_lost import until_killed
if __name__ == "__main__":
    until_killed(*sys.argv[1:])
"""


def until_killed(url: str, folder: str, step: str) -> None:
    """Plan and freeze as far as *step*, then wait for the end."""
    own = client_of(LargeSettings(workers=1))

    def wait(*_: Any) -> None:
        print(own.cluster.workers[0].local_directory, flush=True)
        sys.stdin.read()

    if step == "plan":
        large._finish = wait  # type: ignore[assignment]
    put, done = Staged.put, list[int]()

    def put_one(staged: Staged, rows: Any) -> None:
        put(staged, rows)
        done.append(1)
        if len(done) == 2:
            wait()

    Staged.put = put_one  # type: ignore[method-assign]
    _, parts = both(own, Path(folder), RULE, {})
    frozen(Ledger(url), parts, "parts")


@pytest.mark.parametrize("step", ["plan", "freeze"])
def test_a_process_that_is_killed_leaves_no_phones_and_no_half_audience(
    client: Any, folder: Path, ledger: Ledger, database_url: str, step: str
) -> None:
    """Between two stages, or half-way through the freeze: its spill goes, and the next run does it all."""
    other = subprocess.Popen(
        [sys.executable, "-c", DIES, database_url, str(folder), step],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    spill = Path(other.stdout.readline().strip())
    top = next(each for each in (spill, *spill.parents) if each.parent == Path(tempfile.gettempdir()))
    mode = top.stat().st_mode & 0o777
    other.kill()
    other.communicate()
    memory, parts = both(client, folder, RULE, {})
    row = frozen(ledger, parts, "parts")
    end = time.monotonic() + 60
    while top.exists() and time.monotonic() < end:
        time.sleep(0.1)

    assert mode == 0o700
    assert not top.exists()
    assert stored(ledger, row) == stored(ledger, frozen(ledger, memory, "memory"))
