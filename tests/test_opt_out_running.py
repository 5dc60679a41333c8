"""Opting out while a campaign is sent, by hand and by reply, from other processes; lists for providers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from smskit.ledger import Ledger
from smskit.models import Mode
from smskit.providers import provider_class
from smskit.reporting import report
from smskit.simulator import FaultPlan, Simulator
from tests import live
from tests.test_cli import Run, run

__all__ = ["run"]  # the fixture

PEOPLE = 100
FIRST = 13800100000
LAST = [str(FIRST + n) for n in range(PEOPLE - 6, PEOPLE)]
SLOW = live.Way("yunpian", {"API_KEY": live.YUNPIAN_KEY}, {"CONCURRENCY": "2", "TIMEOUT_S": "20"})


class Sending:
    """A campaign that a process of its own is sending, slowly."""

    def __init__(self, simulator: Simulator, folder: Path, ledger: str) -> None:
        live.approve(simulator, SLOW)
        self.simulator, self.folder = simulator, folder
        self.environ = SLOW.environ(simulator.url, folder, ledger)
        self.parameters = live.data(SLOW, live.segment(folder / "people.csv", PEOPLE))

    def start(self) -> ForkServerProcess:
        """Start it, wait until some were sent to, then let the provider be slow until `go_on`."""
        self.latency(0.1)
        before = self.simulator.world.accepted()
        process = live.start(self.parameters, self.environ)
        while self.simulator.world.accepted() < before + 10:
            assert process.is_alive()
            time.sleep(0.02)
        self.latency(1.5)
        return process

    def latency(self, seconds: float) -> None:
        """How long the provider takes for each answer from now on."""
        # No receipts meanwhile: who fetches them from a slow provider that goes on sending is never done.
        never = {"latency_s": seconds, "receipts": {"delay_s": [900.0, 900.0]}}
        self.simulator.world.set_faults(FaultPlan.model_validate(never))

    def command(self, *arguments: str) -> str:
        """Run ``smskit`` in another process meanwhile."""
        command = [sys.executable, "-m", "smskit", *arguments]
        environ = os.environ | self.environ
        done = subprocess.run(
            command, env=environ, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sent(self, since: int = 0) -> list[str]:
        """Whom the simulator accepted messages for, in order, as eleven digits."""
        return [str(m.phone)[-11:] for m in self.simulator.world.messages()][since:]

    def status(self) -> dict[str, Any]:
        ledger = Ledger(self.environ["SMSKIT_DATABASE_URL"])
        try:
            row = ledger.campaigns.get("live-1", Mode.LIVE)
            assert row is not None
            return report.status(ledger, row)
        finally:
            ledger.close()


@pytest.fixture
def sending(simulator: Simulator, tmp_path: Path, database_url: str) -> Sending:
    """A campaign about to be sent."""
    return Sending(simulator, tmp_path, database_url)


def test_by_hand(sending: Sending) -> None:
    """Who is put on the list while the run is at others is not sent to, and is accounted for."""
    process = sending.start()
    told = sending.command("opt-out", "add", *LAST)
    early = sending.sent()
    sending.latency(0.0)
    process.join(60)

    assert told.startswith("6 added")
    assert not set(early) & set(LAST), "the list was too late for this to be a test"
    assert process.exitcode == 0
    assert sorted(sending.sent()) == [str(FIRST + n) for n in range(PEOPLE - 6)]
    assert sending.status()["stopped"] == {"opted_out": 6}
    assert (sending.status()["accepted"], sending.status()["waiting"]) == (PEOPLE - 6, 0)


def test_by_reply(sending: Sending) -> None:
    """People who answer an earlier campaign while this one runs are left out from the next batch on."""
    replies = {"rate": 1.0, "texts": ["ｔｄ"], "delay_s": [0.0, 0.0]}
    never = {"replies": replies, "receipts": {"delay_s": [900.0, 900.0]}}
    sending.simulator.world.set_faults(FaultPlan.model_validate(never))
    source = live.segment(sending.folder / "earlier.csv", 6, first=int(LAST[0]))
    ledger = sending.environ["SMSKIT_DATABASE_URL"]
    fast = live.SINGLES.environ(sending.simulator.url, sending.folder, ledger)
    live.send(live.data(live.SINGLES, source, campaign="earlier"), fast)
    process = sending.start()
    told = sending.command("receipts", "earlier")
    early = sending.sent(6)
    sending.latency(0.0)
    process.join(60)

    assert "6 replies, 6 opt-outs" in told
    assert not set(early) & set(LAST), "the replies were fetched too late for this to be a test"
    assert process.exitcode == 0
    assert sorted(sending.sent(6)) == [str(FIRST + n) for n in range(PEOPLE - 6)]
    assert sending.status()["stopped"] == {"opted_out": 6}


# -- lists for providers -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csv", "txt"])
@pytest.mark.parametrize(
    ("provider", "first"),
    [
        ("yunpian", "13800000001"),
        ("aliyun", "13800000001"),
        ("chuanglan", "13800000001"),
        ("tencent", "+8613800000001"),
    ],
)
def test_export_and_back(run: Run, tmp_path: Path, provider: str, first: str, kind: str) -> None:
    """Numbers are written as the provider writes them, for the owner's eyes only, and read back whole."""
    file = tmp_path / f"blacklist.{kind}"
    run("opt-out", "add", "13800000002", "13800000001", "13900000003")
    told = run("opt-out", "export", "--provider", provider, "-o", file, "--reveal")
    written = file.read_text(encoding="utf-8").splitlines()
    for phone in ("13800000001", "13800000002", "13900000003"):
        run("opt-out", "remove", phone)
    back = run("opt-out", "import", file)

    assert told.out == f"3 written to {file}\n"
    assert written[0 if kind == "txt" else 1] == first
    assert len(written) == (3 if kind == "txt" else 4)
    assert file.stat().st_mode & 0o777 == 0o600
    assert back.out == "3 added, 0 were there, 0 cells hold no mobile number\n"
    assert len(run("opt-out", "list", "--json").data) == 3
    assert provider_class(provider).opt_out.numbers == ("e164" if first[0] == "+" else "national")


def test_an_empty_list_is_written_too(run: Run, tmp_path: Path) -> None:
    """Nobody on the list is a file without numbers."""
    file = tmp_path / "blacklist.csv"

    assert run("opt-out", "export", "--provider", "yunpian", "-o", file, "--reveal").code == 0
    assert file.read_text(encoding="utf-8") == "phone\n"


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        pytest.param("list.txt", [], "say --reveal", id="not-revealed"),
        pytest.param("list.xlsx", ["--reveal"], "must end in .csv or .txt", id="kind"),
    ],
)
def test_what_is_not_written(run: Run, tmp_path: Path, name: str, more: list[str], words: str) -> None:
    """Full numbers leave the database only when somebody says so, and only as text."""
    run("opt-out", "add", "13800000001")
    done = run("opt-out", "export", "--provider", "yunpian", "-o", tmp_path / name, *more)

    assert done.code == 2
    assert words in done.err
    assert not (tmp_path / name).exists()
