"""`smskit receive`: what providers push is kept before it is acknowledged, and counts once."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from smskit.errors import SettingsError
from smskit.ledger import Ledger
from smskit.models import Mode
from smskit.sending.receipts import fetch
from smskit.sending.receive import path_secret
from smskit.settings import Environment
from smskit.simulator import FaultPlan, Simulator
from smskit.simulator.server import pushed_to
from tests import live
from tests.providers.test_pushes import ALIYUN_REPORT, ANSWERS, body_of

SECRET = "a-made-up-secret-of-tests"
PEOPLE = 300


class Receiver:
    """`smskit receive` as a process, in a folder of its own."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.folder = folder
        self.environ = environ | {"SMSKIT_RECEIVE_SECRET": SECRET, "SMSKIT_LANG": "en"}
        Ledger(environ["SMSKIT_DATABASE_URL"]).close()
        self.process: subprocess.Popen[str] | None = None
        self.port = 0

    def start(self, *options: str) -> dict[str, Any]:
        """Start it; returns its ready line."""
        command = [sys.executable, "-m", "smskit", "receive", "--json", "--port", str(self.port), *options]
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("SMSKIT_")}
        with (self.folder / "receive.err").open("a") as errors:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=inherited | self.environ,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self.process.stdout is not None
        ready: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.port = int(ready["address"].rpartition(":")[2])
        return ready

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{SECRET}"

    @property
    def errors(self) -> str:
        return (self.folder / "receive.err").read_text()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        code = self.process.wait(120)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None
        return code


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    made = Receiver(tmp_path, live.ALIYUN.environ("http://127.0.0.1:9", tmp_path))
    yield made
    if made.process is not None:
        made.stop(signal.SIGKILL)


def pages(receiver: Receiver) -> list[tuple[str, bytes]]:
    """(provider, body) of every page the ledger has."""
    with closing(sqlite3.connect(receiver.folder / "ledger.db")) as conn:
        return list(conn.execute("SELECT provider, body FROM inbox ORDER BY id"))


def until(holds: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.05)


def test_each_provider_reads_that_its_page_was_taken(receiver: Receiver) -> None:
    """A page is on disk as it came once its provider has read its own word for "taken"; the end is clean."""
    ready = receiver.start()
    with httpx.Client(trust_env=False) as web:
        for name, answer in ANSWERS.items():
            told = web.post(
                ready["address"] + ready["paths"][name]["receipts"], content=b"no page: " + name.encode()
            )
            assert (told.status_code, told.text) == (200, answer)
        assert web.get(f"{receiver.url}/chuanglan/replies?msgid=1").text == ANSWERS["chuanglan"]
        assert web.get(f"{receiver.url}/aliyun").text == ANSWERS["aliyun"], "a console's test has no page"

    assert sorted(pages(receiver)) == sorted(
        [(name, b"no page: " + name.encode()) for name in ANSWERS] + [("chuanglan", b"msgid=1")]
    )
    assert receiver.stop() == 0


def test_whoever_does_not_know_the_path_learns_nothing(receiver: Receiver) -> None:
    """Any other path is 404 without a word, nothing of it is kept, and no log has the secret or a page."""
    receiver.start()
    base = f"http://127.0.0.1:{receiver.port}"
    paths = [
        "/",
        "/aliyun/receipts",
        f"/{SECRET}",
        f"/{SECRET}x/aliyun/receipts",
        f"/{SECRET[:-1]}/aliyun/receipts",
        f"/{SECRET}/nobody/receipts",
        f"/{SECRET}/aliyun/else",
        f"/{SECRET}/aliyun/receipts/more",
        f"//{SECRET}/../aliyun/receipts",
        "/%FF%00/aliyun/receipts",
    ]
    with httpx.Client(trust_env=False) as web:
        for path in paths:
            told = web.post(base + path, content=body_of([ALIYUN_REPORT]))
            assert (told.status_code, told.content) == (404, b""), path
        for method in ("PUT", "DELETE", "HEAD", "OPTIONS"):
            assert web.request(method, f"{receiver.url}/aliyun/receipts").status_code == 404
        assert web.post(f"{receiver.url}/aliyun/receipts", content=b" " * (5 << 20)).status_code == 413
    with socket.create_connection(("127.0.0.1", receiver.port)) as half:
        half.sendall(
            f"POST /{SECRET}/aliyun/receipts HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n[".encode()
        )

    assert receiver.stop() == 0
    assert pages(receiver) == []
    assert SECRET not in receiver.errors
    assert "15300000001" not in receiver.errors


def test_a_page_that_nobody_can_read_is_kept_and_counted(receiver: Receiver) -> None:
    """It is acknowledged, stays as it came, and `status` and `receipts` say so until it can be read."""
    receiver.start()
    with httpx.Client(trust_env=False) as web:
        for body in (b"<html>", body_of([{"biz_id": "1^2"}])):
            assert web.post(f"{receiver.url}/aliyun/receipts", content=body).status_code == 200
    until(lambda: "cannot be read" in receiver.errors)
    receiver.stop()
    ledger = Ledger(receiver.environ["SMSKIT_DATABASE_URL"])
    ledger.database.clock = lambda: time.time() + 120

    assert ledger.raw_reports.count_unread() == 2
    assert [body for _, body in pages(receiver)] == [b"<html>", body_of([{"biz_id": "1^2"}])]


PUSHED_PLAN = {
    "seed": 3,
    "faults": [{"kind": "hang_after_accept", "rate": 0.5, "seconds": 0.4}],  # reports come before the answer
    "receipts": {"delay_s": [0, 0.2], "fail_rate": 0.2, "double_rate": 0.6, "shuffle": True},
    "replies": {"rate": 0.1, "texts": ["TD"], "delay_s": [0, 0.2]},
}
WAYS = {"yunpian": live.MULTI, "aliyun": live.ALIYUN, "chuanglan": live.CHUANGLAN, "tencent": live.TENCENT}


def expected(simulator: Simulator) -> tuple[int, int]:
    """(delivered, undelivered) by the simulator's own plan."""
    outcomes = [
        message.outcome()
        for account in simulator.world.accounts()
        for call in range(len(account.book.at))
        for message in account.book.messages(call)
    ]
    good = sum(outcome is not None and outcome.delivered for outcome in outcomes)
    return good, len(outcomes) - good


@pytest.mark.long
@pytest.mark.parametrize("name", WAYS)
def test_a_campaign_is_sent_while_its_receipts_are_pushed(name: str, tmp_path: Path) -> None:
    """Doubled, shuffled, early, some about nobody: every receipt counts once, every no is heard."""
    way = WAYS[name]
    with Simulator() as simulator:
        simulator.world.set_faults(FaultPlan.parse(PUSHED_PLAN))
        environ = way.environ(simulator.url, tmp_path)
        receiver = Receiver(tmp_path, environ)
        receiver.start()
        live.approve(simulator, way, **pushed_to(receiver.url, way.provider))
        source = live.segment(tmp_path / "people.csv", PEOPLE)
        try:
            live.send(live.data(way, source), environ)
            with httpx.Client(trust_env=False) as web:
                forged = body_of([{**ALIYUN_REPORT, "phone_number": "13800100000"}])
                web.post(f"{receiver.url}/aliyun/receipts", content=forged)
            until(lambda: not (b := live.books(environ)).awaiting and not b.unknown, 240)
        finally:
            code = receiver.stop()
        books, wanted = live.books(environ), expected(simulator)
    ledger = Ledger(environ["SMSKIT_DATABASE_URL"])

    assert code == 0, receiver.errors
    assert live.balanced(books)
    assert books.planned == PEOPLE
    assert (books.delivered, books.undelivered) == wanted
    assert ledger.opt_outs.rows()
    assert "fold" not in receiver.errors


@pytest.mark.kill
def test_what_was_kept_and_not_folded_is_folded_after_a_kill(tmp_path: Path) -> None:
    """Killed between keeping and folding, again and again, it counts every receipt once in the end."""
    way = live.ALIYUN
    with Simulator() as simulator:
        simulator.world.set_faults(FaultPlan.parse(PUSHED_PLAN | {"faults": []}))
        environ = way.environ(simulator.url, tmp_path)
        receiver = Receiver(tmp_path, environ)
        receiver.start()
        live.approve(simulator, way, **pushed_to(receiver.url, way.provider))
        live.send(live.data(way, live.segment(tmp_path / "people.csv", PEOPLE)), environ)
        for _ in range(3):
            time.sleep(0.3)
            receiver.stop(signal.SIGKILL)
            receiver.start()
        until(lambda: live.books(environ).awaiting == 0, 240)
        assert receiver.stop() == 0
        books, wanted = live.books(environ), expected(simulator)

    assert (books.delivered, books.undelivered) == wanted


def test_a_receiver_without_the_credentials_only_keeps(tmp_path: Path) -> None:
    """On a machine without keys pages are kept; `receipts`, where the keys are, folds them."""
    way = live.ALIYUN
    with Simulator() as simulator:
        simulator.world.set_faults(FaultPlan.parse({"receipts": {"delay_s": [0, 0]}}))
        environ = way.environ(simulator.url, tmp_path)
        bare = {name: value for name, value in environ.items() if "ALIYUN" not in name}
        receiver = Receiver(tmp_path, bare)
        assert receiver.start()["set_up"] == []
        live.approve(simulator, way, **pushed_to(receiver.url, way.provider))
        live.send(live.data(way, live.segment(tmp_path / "people.csv", 20)), environ)
        until(lambda: len(pages(receiver)) > 0)
        receiver.stop()
        before = live.books(environ)
        # Nothing is left to ask for: what was pushed tells all.
        ledger = Ledger(environ["SMSKIT_DATABASE_URL"])
        fetch(ledger, ledger.campaigns.find(mode=Mode.LIVE), environment=Environment(environ))

    assert before.awaiting == 20
    assert live.books(environ).delivered == 20


def test_the_secret_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    """Beside the ledger lies a secret of its own, which the next start finds again."""
    environment = Environment(
        {"SMSKIT_DATABASE_URL": f"sqlite:///{tmp_path / 'x.db'}", "SMSKIT_KEYRING": "0"}
    )
    first, again = path_secret(environment), path_secret(environment)

    assert first.file is not None
    assert (first.made, again.made) == (True, False)
    assert stat.S_IMODE(first.file.stat().st_mode) == 0o600
    assert first.value == again.value
    assert len(first.value) >= 16
    assert first.value not in repr(first)


@pytest.mark.parametrize(
    ("given", "environ"),
    [
        ("a-secret-in-the-open-0123", {}),
        ("env:NOBODY", {}),
        ("", {"SMSKIT_RECEIVE_SECRET": "short"}),
        ("env:OURS", {"OURS": "with/a/slash/0123456789"}),
        ("", {"SMSKIT_DATABASE_URL": "sqlite://"}),
    ],
)
def test_a_weak_or_open_secret_is_refused(given: str, environ: dict[str, str]) -> None:
    """It is 16 characters or more, comes from the environment, and is not repeated in what is said."""
    with pytest.raises(SettingsError) as caught:
        path_secret(Environment({"SMSKIT_KEYRING": "0"} | environ), given)

    assert "slash" not in str(caught.value)
    assert "short" not in str(caught.value)
