"""What was accepted outlives the process."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smskit.simulator import Account, FaultPlan, Simulator, World
from smskit.simulator.book import RETENTION_S
from tests.control import control, greeted
from tests.simulator.conftest import KEY, Yun

A, B, C = 8613800000000, 8613800000001, 8613800000002
TEXT = "【示例】你好"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'smskit.db'}"


def _account(world: World) -> Account:
    account = world.account("yunpian", KEY)
    assert account is not None
    return account


def _accept(world: World, phones: list[int], texts: Any, **fields: Any) -> int:
    accepted = world.accept(_account(world), phones, texts, parts=len(phones), **fields)
    assert accepted.durable is not None
    accepted.durable.result(60)
    return accepted.first_sid


def test_a_restart_brings_everything_back(url: str, clock: Any) -> None:
    """Messages, ids, notes, spent money and the judge's counts are as they were."""
    before = World(clock=clock, store_url=url)
    sid = _accept(before, [A, B], ("【示例】甲", "【示例】乙"), uid="u1", extend="7", template_id="t")
    _accept(before, [A], TEXT)
    lines, summary = list(before.messages()), before.summary()
    before.close()

    after = World(clock=clock, store_url=url)
    (message,) = _account(after).book.to(B)

    assert list(after.messages()) == lines
    assert after.summary() == summary
    assert [tuple(d) for d in after.doubled()] == [("yunpian", "+8613800000000", 2)]
    assert message.sid == sid + 1
    assert (message.text, message.note.uid, message.note.extend, message.note.template_id) == (
        "【示例】乙",
        "u1",
        "7",
        "t",
    )
    assert _accept(after, [C], TEXT) == sid + 3
    after.close()


def test_receipts_go_on_where_they_stopped(url: str, clock: Any) -> None:
    """Calls handed out whole before the restart are not handed out again; the others still come."""
    plan = FaultPlan.parse({"receipts": {"delay_s": [1, 1]}})
    before = World(clock=clock, store_url=url, faults=plan)
    for phone in (A, B):
        _accept(before, [phone], TEXT)
    clock.go(2)
    assert [d.message.phone for d in before.take(_account(before), "receipts", 1)] == [A]
    _accept(before, [C], TEXT)
    before.close()
    clock.go(2)

    after = World(clock=clock, store_url=url, faults=plan)

    assert [d.message.phone for d in after.take(_account(after), "receipts", 10)] == [B, C]
    after.close()
    again = World(clock=clock, store_url=url, faults=plan)
    assert again.take(_account(again), "receipts", 10) == []
    again.close()


def test_rows_older_than_three_days_are_pruned(url: str, clock: Any) -> None:
    """What is past its retention is gone from the file as well."""
    before = World(clock=clock, store_url=url)
    _accept(before, [A], TEXT)
    clock.go(RETENTION_S)
    _accept(before, [B], TEXT)
    before.close()
    clock.go(60)

    after = World(clock=clock, store_url=url)

    assert [line.phone for line in after.messages()] == [f"+{B}"]
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        assert connection.execute("SELECT count(*) FROM simulator_calls").fetchone() == (1,)
    connection.close()
    after.close()


def test_no_key_is_written(url: str, tmp_path: Path, clock: Any) -> None:
    """The file holds a digest of the credential, which may be a person's real key."""
    world = World(clock=clock, store_url=url)
    _accept(world, [A], TEXT)
    world.close()

    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.iterdir())


def test_a_reset_empties_the_file(url: str, clock: Any) -> None:
    """What was reset does not come back."""
    world = World(clock=clock, store_url=url)
    _accept(world, [A], TEXT)
    world.reset()
    world.close()

    assert World(clock=clock, store_url=url).accepted() == 0


def test_the_file_is_shared_with_a_busy_ledger(url: str, clock: Any) -> None:
    """Another connection that writes all the time, and once holds the lock long, loses neither side a row."""
    world = World(clock=clock, store_url=url)
    with sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30) as ledger:
        ledger.execute("CREATE TABLE ledger (n INTEGER)")
    ledger.close()
    done = threading.Event()
    written = []

    def write() -> None:
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30, isolation_level=None)
        while not done.is_set():
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO ledger VALUES (1)")
            time.sleep(0.2 if not written else 0.001)
            connection.execute("COMMIT")
            written.append(1)
            time.sleep(0.002)  # a ledger waits for answers between its writes
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for n in range(50):
            _accept(world, [A + n], TEXT)
    finally:
        done.set()
        thread.join()
        world.close()

    assert World(clock=clock, store_url=url).accepted() == 50


def test_the_answer_waits_for_the_commit(url: str, clock: Any) -> None:
    """While the file is locked by somebody else, no answer leaves; then it does."""
    world = World(clock=clock, store_url=url)
    ledger = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    ledger.execute("BEGIN IMMEDIATE")
    with Simulator(world=world) as simulator:
        yun = Yun(simulator.url)
        answers: list[Any] = []
        sender = threading.Thread(target=lambda: answers.append(yun.single("13800000000", TEXT)))
        sender.start()
        sender.join(0.3)
        waiting = list(answers)
        ledger.execute("COMMIT")
        sender.join(60)
        yun.http.close()
    ledger.close()
    world.close()

    assert waiting == []
    assert [status for status, _ in answers] == [200]


_SERVE = """
import sys
from smskit.simulator import serve
serve(store_url=sys.argv[1], echo=lambda line: print(line, flush=True))
"""


class Process:
    """``serve`` in a process of its own, which can be killed."""

    def __init__(self, url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, url], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url, token = greeted(iter(self._process.stdout.readline, ""))
        self.control = control(self.url, token)

    def summary(self) -> Any:
        return self.control.get("/").json()

    def end(self, number: int) -> int:
        self.control.close()
        self._process.send_signal(number)
        code = self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for process in started:
        if process._process.poll() is None:
            process.end(signal.SIGKILL)


def test_a_killed_simulator_still_knows_what_it_answered(url: str, processes: list[Process]) -> None:
    """After SIGKILL in the middle of sending, nothing that was answered as accepted is forgotten."""
    first = Process(url)
    processes.append(first)
    yun = Yun(first.url)
    killer = threading.Timer(0.2, first.end, [signal.SIGKILL])
    answered = 0
    try:
        while True:
            if answered == 100:
                killer.start()
            mobiles = ",".join(str(13_800_000_000 + answered + n) for n in range(10))
            answered += len(yun.ok("sms/batch_send", mobile=mobiles, text=TEXT)["data"])
    except Exception:  # whatever a client meets when its server dies
        pass
    killer.join()
    yun.http.close()

    second = Process(url)
    processes.append(second)
    accepted = second.summary()["accepted"]

    assert answered > 0
    assert answered <= accepted <= answered + 10
    assert second.end(signal.SIGTERM) == 0
