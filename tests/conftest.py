"""What every test may rely on: its own ledger, no keyring, and no way out of this machine."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import tests.profiles  # noqa: F401  # before any property is defined
from smskit.ledger import Ledger
from smskit.simulator import Simulator, World

ROOT = Path(__file__).parents[1]
_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to anywhere but this machine fails the test that makes it."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(_LOOPBACK):
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the developer's own reaches a test."""
    for name in list(os.environ):
        if name.startswith("SMSKIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SMSKIT_KEYRING", "0")
    monkeypatch.setenv("SMSKIT_RUNS_FOLDER", str(tmp_path / "runs"))
    monkeypatch.setenv("SMSKIT_DATABASE_URL", f"sqlite:///{tmp_path / 'ledger.db'}")


@pytest.fixture
def deaf_to_nothing() -> Iterator[None]:
    """Ctrl-C reaches what a test starts, even if a shell runs the tests in its background and ignores it."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger on disk."""
    made = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield made
    made.close()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A running simulator of its own, with an open account for every provider."""
    with Simulator(world=World()) as running:
        yield running
