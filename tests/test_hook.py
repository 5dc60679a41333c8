"""``smskit.sending.notify``: who is told of a run's end, what it hears, and that it never gets in the way."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from smskit.errors import SettingsError
from smskit.sending import notify as hook_module
from smskit.sending.notify import Hook, hook_of
from smskit.settings import Environment

DATA = {"campaign": "周报", "state": "failed", "books": {"accepted": 3}}


class Box:
    """A webhook that answers as it is told to and keeps what it heard."""

    def __init__(self, answers: list[int]) -> None:
        heard = self.heard = []  # type: list[Any]

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                heard.append((self.path, self.headers["Content-Type"], json.loads(body)))
                self.send_response(answers.pop(0))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?token=s3cret"


@pytest.fixture
def box(request: pytest.FixtureRequest) -> Iterator[Box]:
    """A box for the answers of the test's parameter."""
    made = Box(list(request.param))
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("box", "told", "times"),
    [
        pytest.param([204], "url: HTTP 204", 1, id="heard"),
        pytest.param([503, 429, 200], "url: HTTP 200", 3, id="later"),
        pytest.param([500, 500, 500, 500], "url: HTTP 500", 3, id="gives-up"),
        pytest.param([404], "url: HTTP 404", 1, id="wrong-place"),
    ],
    indirect=["box"],
)
def test_webhook(box: Box, told: str, times: int) -> None:
    """The JSON is posted; what may pass is tried again, a bounded number of times."""
    waits: list[float] = []

    assert Hook(url=box.url, sleep=waits.append).tell(DATA) == told
    assert box.heard == [("/hook?token=s3cret", "application/json", DATA)] * times
    assert len(waits) == times - 1


@pytest.mark.parametrize(
    ("url", "told"),
    [
        pytest.param("http://127.0.0.1:9/x?token=s3cret", "url: ConnectError", id="nobody-there"),
        pytest.param("ftp://127.0.0.1/s3cret", "url: UnsupportedProtocol", id="no-url"),
    ],
)
def test_a_webhook_that_cannot_be_reached(url: str, told: str) -> None:
    """It is a note without the address, which may hold a token."""
    assert Hook(url=url, sleep=lambda _: None).tell(DATA) == told
    assert "s3cret" not in repr(Hook(url=url))


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command has the JSON on its standard input, no shell, and no credential in its environment."""
    monkeypatch.setenv("SMSKIT_YUNPIAN_API_KEY", "k1")
    monkeypatch.setenv("SMSKIT_LANG", "en")
    script, out = tmp_path / "box.py", tmp_path / "out.json"
    script.write_text(
        "import json, os, sys\n"
        "env = {k: v for k, v in os.environ.items() if k.startswith('SMSKIT_')}\n"
        "data = json.load(sys.stdin)\n"
        "json.dump([data, sys.argv[2:], env], open(sys.argv[1], 'w'))\n"
    )
    told = Hook(f"{sys.executable} {script} {out} '$HOME; x'").tell(DATA)
    data, arguments, env = json.loads(out.read_text())

    assert told == "command: exit 0"
    assert data == DATA
    assert arguments == ["$HOME; x"]
    assert env["SMSKIT_LANG"] == "en"
    assert "k1" not in env.values()


@pytest.mark.parametrize(
    ("command", "told"),
    [
        pytest.param(f"{sys.executable} -c 'raise SystemExit(7)'", "command: exit 7", id="fails"),
        pytest.param("no-such-command-here", "command: FileNotFoundError", id="missing"),
        pytest.param("'unclosed", "command: ValueError", id="unreadable"),
    ],
)
def test_a_command_that_fails(command: str, told: str) -> None:
    """It is a note, never an error."""
    assert Hook(command).tell(DATA) == told


def test_a_command_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up after a while, which is a note, too."""
    monkeypatch.setattr(hook_module, "COMMAND_TIMEOUT_S", 0.3)

    hangs = f"{sys.executable} -c 'import time; time.sleep(600)'"
    assert Hook(hangs).tell(DATA) == "command: took longer than 0.3 s"


@pytest.mark.parametrize(
    ("ends", "state", "hears"),
    [
        ("all", "finished", True),
        ("all", "paused", True),
        ("not_finished", "finished", False),
        ("not_finished", "died", True),
    ],
)
def test_which_ends(ends: str, state: str, hears: bool) -> None:
    """All ends, or only those that did not finish."""
    told = Hook(f"{sys.executable} -c pass", ends=ends).tell(DATA | {"state": state})

    assert bool(told) is hears


def test_settings() -> None:
    """The hook comes from the environment; a misspelt switch is refused rather than ignored."""
    named = {"SMSKIT_ON_RUN_END_COMMAND": "a b", "SMSKIT_ON_RUN_END_URL": "http://x"}

    assert hook_of(Environment(named)) == Hook("a b", "http://x", "all")
    assert hook_of(Environment({})).tell(DATA) == ""
    with pytest.raises(SettingsError, match="SMSKIT_ON_RUN_END must be"):
        hook_of(Environment({"SMSKIT_ON_RUN_END": "failed"}))
