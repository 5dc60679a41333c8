"""Campaigns run by schedulers, with real papermill: whatever happens, one accepted message per phone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from smskit.ledger import Ledger, RunRow
from smskit.notebook import headless as scheduled
from smskit.simulator import FaultPlan, Simulator
from tests import live
from tests.conftest import ROOT

pytestmark = pytest.mark.kernel

NOTEBOOK = ROOT / "notebooks" / "03_send_campaign.ipynb"
PEOPLE = 24
NO_MONEY = {"kind": "code", "code": 3, "skip": 8, "rate": 1.0, "endpoint": "single_send"}
SLOW = {"kind": "slow", "seconds": 1.0, "rate": 1.0, "endpoint": "single_send"}


class Done:
    """How a scheduler's command ended."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.out, self.err = process.communicate(timeout=400)
        self.code = process.returncode


class Desk:
    """A machine on which a scheduler runs one parameter file again and again."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.folder, self.world = folder, simulator.world
        self.source = live.segment(folder / "segment.csv", PEOPLE)
        self.environ = live.SINGLES.environ(simulator.url, folder)
        self.environ["SMSKIT_YUNPIAN_CONCURRENCY"] = "4"
        live.approve(simulator, live.SINGLES, **live.SAME_TEXT_AGAIN)
        self.told = folder / "told.jsonl"
        script = folder / "mailbox.py"
        script.write_text(f"import sys; open({str(self.told)!r}, 'a').write(sys.stdin.read() + chr(10))")
        self.environ["SMSKIT_ON_RUN_END_COMMAND"] = f"{sys.executable} {script}"

    def file(self, name: str = "campaign", **more: Any) -> Path:
        """A parameter file."""
        path = self.folder / f"{name}.yaml"
        data = live.data(live.SINGLES, self.source, **more)
        path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
        return path

    def start(self, *command: object, **environ: str) -> subprocess.Popen[str]:
        """Start a command as a scheduler does."""
        bin_folder = str(Path(sys.executable).parent)
        env = os.environ | {"PATH": f"{bin_folder}:{os.environ['PATH']}"} | self.environ | environ
        return subprocess.Popen(
            [str(word) for word in command],
            env=env,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def begin(self, file: Path, *options: object, **environ: str) -> subprocess.Popen[str]:
        """Start ``smskit run``."""
        folder = self.folder / "runs"
        return self.start(
            sys.executable, "-m", "smskit", "run", file, "--folder", folder, *options, **environ
        )

    def run(self, file: Path, *options: object, **environ: str) -> Done:
        """``smskit run`` to its end."""
        return Done(self.begin(file, *options, **environ))

    def papermill(self, file: Path, name: str = "out") -> Done:
        """Plain papermill to its end."""
        return Done(self.start("papermill", NOTEBOOK, self.folder / f"{name}.ipynb", "-f", file))

    def faults(self, *faults: dict[str, Any]) -> None:
        """Let these things go wrong from now on; none = nothing."""
        self.world.set_faults(FaultPlan.model_validate({"faults": list(faults)}))

    @property
    def runs(self) -> list[RunRow]:
        """The runs, as an outsider reads them."""
        ledger = Ledger(self.environ["SMSKIT_DATABASE_URL"])
        try:
            return ledger.runs.find()
        finally:
            ledger.close()

    @property
    def heard(self) -> list[dict[str, Any]]:
        """What the mail-box was told."""
        text = self.told.read_text() if self.told.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def once(self, campaigns: int = 1) -> bool:
        """Whether each phone was accepted once a campaign, by the simulator's own count."""
        counts: dict[str, int] = {}
        for message in self.world.messages():
            counts[message.phone] = counts.get(message.phone, 0) + 1
        return len(counts) == PEOPLE and set(counts.values()) == {campaigns}


@pytest.fixture
def desk(tmp_path: Path, simulator: Simulator) -> Desk:
    """A desk whose provider is the simulator."""
    return Desk(tmp_path, simulator)


def wait_for(what: Callable[[], Any]) -> None:
    """Come back when *what* is so; a test that waits in vain fails."""
    for _ in range(4000):
        if what():
            return
        time.sleep(0.05)
    raise AssertionError("it never came to that")


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """A process and all it started."""
    parent = psutil.Process(process.pid)
    return [parent, *parent.children(recursive=True)]


def test_occurrences_are_campaigns_of_one_series(desk: Desk) -> None:
    """Each occurrence messages everybody once; firing one again sends nothing and is no failure."""
    file = desk.file(campaign="weekly-vip-{week}")
    this_week = desk.run(file)
    again = desk.run(file)
    another = desk.run(file, "--occurrence", "2026-W02")
    runs = desk.runs

    assert (this_week.code, again.code, another.code) == (0, 0, 0)
    assert runs[0].campaign == runs[1].campaign != runs[2].campaign == "weekly-vip-2026-W02"
    assert {run.series for run in runs} == {"weekly-vip"}
    assert [run.state for run in runs] == ["finished"] * 3
    assert desk.once(campaigns=2)
    assert "finished" in this_week.out
    for run in runs:
        assert (Path(run.executed).is_file(), Path(run.report).is_file()) == (True, True)
        assert Path(run.file).name == "campaign.yaml"


def test_an_incomplete_run_is_gone_on_with(desk: Desk) -> None:
    """Exit 4 while people wait, by ``smskit run`` and, as 1, by papermill; the next run serves the rest."""
    file = desk.file()
    desk.faults(NO_MONEY)
    stopped, still = desk.run(file), desk.papermill(file)
    desk.faults()
    rest = desk.run(file)
    states = [run.state for run in desk.runs]

    assert (stopped.code, still.code, rest.code) == (4, 1, 0)
    assert "still waiting" in stopped.err
    assert states == ["paused", "paused", "finished"]
    assert [heard["state"] for heard in desk.heard] == states
    assert desk.heard[0]["books"]["waiting"] > 0
    assert desk.once()


NOTICED = f"{live.TEMPLATE}%vip%"  # by the plan


@pytest.mark.parametrize(
    ("change", "options", "code", "state", "words"),
    [
        pytest.param({}, ["--not-after", "2026-01-01"], 3, "refused", "not_after", id="late"),
        pytest.param({}, ["--plan-hash", "p0"], 3, "refused", "plan_hash", id="another-plan"),
        pytest.param({"max_recipient": 3}, [], 2, "failed", "max_recipients", id="misspelt"),
        pytest.param({"api_key": live.YUNPIAN_KEY}, [], 2, "failed", "credential", id="credential"),
        pytest.param({"template": NOTICED}, ["--mode", "plan"], 0, "finished", "", id="plan-only"),
    ],
)
def test_exit_codes(
    desk: Desk, change: dict[str, Any], options: list[str], code: int, state: str, words: str
) -> None:
    """
    What stops a run before it sends is its exit code, a run in the ledger, and heard of; notices are printed.

    More of what stops one, without a kernel: ``test_notebooks.test_what_stops_a_run``.
    """
    done = desk.run(desk.file(**change), *options)
    (run,) = desk.runs
    (heard,) = desk.heard

    assert done.code == code
    assert (run.state, run.exit_code, heard["state"]) == (state, code, state)
    assert ("notice: `%vip%` in the text looks like a variable" in done.out) == ("template" in change)
    assert words in done.err
    assert words in run.message == heard["message"]
    assert desk.world.accepted() == 0
    assert Path(run.report).is_file()
    assert live.YUNPIAN_KEY not in done.err + run.message + Path(run.report).read_text("utf-8")


def test_a_late_scheduler_in_time(desk: Desk) -> None:
    """Before its ``not_after`` a run sends; fired again after it, the finished campaign is no failure."""
    soon = datetime.now(UTC) + timedelta(hours=1)
    sent = desk.run(desk.file(not_after=soon.isoformat()))
    late = desk.run(desk.file(not_after="2026-01-01T00:00:00"))

    assert (sent.code, late.code) == (0, 0)
    assert desk.once()


def test_two_schedulers_at_once(desk: Desk) -> None:
    """Of two that fire together one sends and the other says that it is at it, or done."""
    desk.faults(SLOW)
    file = desk.file()
    both = [Done(process) for process in [desk.begin(file), desk.begin(file)]]
    runs = desk.runs

    assert sorted(done.code for done in both) in ([0, 0], [0, 4]), [done.err for done in both]
    assert [run.exit_code for run in runs if run.state == "refused"] == [4] * [d.code for d in both].count(4)
    assert len({run.executed for run in runs}) == 2
    assert desk.once()


@pytest.mark.parametrize("who", ["machine", "runner"])
def test_a_death_in_the_middle(desk: Desk, who: str) -> None:
    """
    Killed with its kernel or without, a run sends no more, is shown as died, and the next one ends it.

    A kernel whose runner is gone ends itself within seconds.
    """
    file = desk.file()
    desk.faults(SLOW)
    process = desk.begin(file)
    wait_for(lambda: desk.world.accepted() >= 4)
    everybody = family(process)
    for victim in everybody if who == "machine" else everybody[:1]:
        victim.send_signal(signal.SIGKILL)
    Done(process)
    _, alive = psutil.wait_procs(everybody[1:], timeout=120)
    sent = desk.world.accepted()
    after = desk.runs
    desk.faults()
    rest = desk.run(file)
    runs = desk.runs

    assert alive == []
    assert 0 < sent < PEOPLE
    assert [run.state for run in after] == ["died"]
    assert rest.code == 0
    assert [run.state for run in runs] == ["died", "finished"]
    assert [heard["state"] for heard in desk.heard] == ["died", "finished"]
    assert runs[0].exit_code == 4
    assert desk.once()


def test_a_kernel_that_dies(desk: Desk) -> None:
    """When only the kernel is killed, the runner says so at once: exit 4 while people wait, and heard of."""
    file = desk.file()
    desk.faults(SLOW)
    process = desk.begin(file)
    wait_for(lambda: desk.world.accepted() >= 4)
    for victim in family(process)[1:]:
        victim.send_signal(signal.SIGKILL)
    died = Done(process)
    desk.faults()
    rest = desk.run(file)

    assert (died.code, rest.code) == (4, 0)
    assert [run.state for run in desk.runs] == ["died", "finished"]
    assert [heard["state"] for heard in desk.heard] == ["died", "finished"]
    assert desk.once()


@pytest.mark.usefixtures("deaf_to_nothing")
@pytest.mark.parametrize(
    ("number", "whom"),
    [
        pytest.param(signal.SIGTERM, "runner", id="terminated"),
        pytest.param(signal.SIGINT, "runner", id="ctrl-c"),
        pytest.param(signal.SIGTERM, "machine", id="as-systemd-does"),
    ],
)
def test_told_to_end(desk: Desk, number: signal.Signals, whom: str) -> None:
    """Told to end, a run finishes what is on the way: exit 4, nothing unknown, written down."""
    file = desk.file()
    desk.faults(SLOW)
    process = desk.begin(file)
    wait_for(lambda: desk.world.accepted() >= 4)
    everybody = family(process)
    for one in everybody if whom == "machine" else everybody[:1]:
        one.send_signal(number)
    ended = Done(process)
    _, alive = psutil.wait_procs(everybody[1:], timeout=120)
    (run,) = desk.runs
    assert run.books is not None
    accepted = desk.world.accepted()
    desk.faults()
    rest = desk.run(file)

    assert (ended.code, run.state, run.exit_code) == (4, "paused", 4), ended.err
    assert "told to end" in run.message
    assert (run.books["submitting"], run.books["unknown"]) == (0, 0)
    assert 4 <= run.books["accepted"] == accepted < PEOPLE
    assert Path(run.report).is_file()
    assert alive == []
    assert rest.code == 0
    assert [heard["state"] for heard in desk.heard] == ["paused", "finished"]
    assert desk.once()


def test_told_to_end_before_it_sends(desk: Desk) -> None:
    """Told to end while it still asks the provider, a run sends nothing: exit 4, and written down."""
    file = desk.file()
    desk.faults(SLOW | {"endpoint": "*", "seconds": 5.0})
    process = desk.begin(file)
    wait_for(lambda: desk.world.summary()["injected"].get("slow"))
    process.terminate()
    ended = Done(process)
    sent = desk.world.accepted()
    desk.faults()
    rest = desk.run(file)

    assert (ended.code, sent, rest.code) == (4, 0, 0), ended.err
    assert [run.state for run in desk.runs] == ["paused", "finished"]
    assert [run.exit_code for run in desk.runs] == [4, 0]
    assert [heard["state"] for heard in desk.heard] == ["paused", "finished"]
    assert desk.once()


def test_told_twice(desk: Desk) -> None:
    """A second signal ends it at once, its kernel soon after; the next run settles and serves the rest."""
    file = desk.file()
    desk.faults(SLOW | {"seconds": 4.0})
    process = desk.begin(file)
    wait_for(lambda: desk.world.accepted() >= 4)
    everybody = family(process)
    process.terminate()
    time.sleep(0.5)
    process.terminate()
    ended = Done(process)
    _, alive = psutil.wait_procs(everybody[1:], timeout=120)
    after = desk.runs
    desk.faults()
    rest = desk.run(file)

    assert ended.code == 128 + signal.SIGTERM
    assert alive == []
    assert [run.state for run in after] == ["died"]
    assert rest.code == 0
    assert desk.once()


DEAF = """
import signal, sys, time
from smskit.ledger import Ledger
signal.signal(signal.SIGTERM, signal.SIG_IGN)
run = {"campaign": "c", "mode": "live", "series": "c", "provider": "yunpian", "user": "u", "token": "t1"}
Ledger(sys.argv[1]).runs.begin(**run)
time.sleep(60)
"""


def test_a_kernel_that_does_not_listen(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that does not end in time is ended by force, so that its run can be written down."""
    monkeypatch.setattr(scheduled, "END_TIMEOUT_S", 0.5)
    url = desk.environ["SMSKIT_DATABASE_URL"]
    kernel, ledger = desk.start(sys.executable, "-c", DEAF, url), Ledger(url)
    scheduled._end_kernel(ledger, "t1", threading.Event(), "told to end")
    ledger.close()

    assert Done(kernel).code == -signal.SIGKILL


def test_a_kernel_told_to_end(desk: Desk) -> None:
    """Under plain papermill a kernel that is told to end does so as cleanly, and the notebook fails."""
    file = desk.file()
    desk.faults(SLOW)
    process = desk.start("papermill", NOTEBOOK, desk.folder / "out.ipynb", "-f", file)
    wait_for(lambda: desk.world.accepted() >= 4)
    for kernel in family(process)[1:]:
        kernel.terminate()
    ended = Done(process)
    (run,) = desk.runs
    assert run.books is not None
    accepted = desk.world.accepted()
    desk.faults()
    rest = desk.run(file)

    assert (ended.code, run.state, run.exit_code) == (1, "paused", 4), ended.err
    assert (run.books["submitting"], run.books["unknown"]) == (0, 0)
    assert 4 <= run.books["accepted"] == accepted < PEOPLE
    assert rest.code == 0
    assert desk.once()


def test_plain_papermill_leaves_the_same(desk: Desk) -> None:
    """Plain papermill leaves a run that knows its file and a report beside the executed notebook."""
    done = desk.papermill(desk.file("weekly"), "monday")
    (run,) = desk.runs
    page = (desk.folder / "monday.html").read_text("utf-8")

    assert done.code == 0
    assert Path(run.file).name == "weekly.yaml"
    assert run.executed == str(desk.folder / "monday.ipynb")
    assert run.report == str(desk.folder / "monday.html")
    assert run.books is not None
    assert run.books["accepted"] == PEOPLE
    assert run.plan_hash in page
    assert desk.once()
