"""What every test and every docstring's example has: a ledger of its own, no keyring, no way out of here."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

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
    monkeypatch.setenv("SMSKIT_CONFIG_FOLDER", str(tmp_path / "config"))
    monkeypatch.setenv("SMSKIT_RUNS_FOLDER", str(tmp_path / "runs"))
    monkeypatch.setenv("SMSKIT_DATABASE_URL", f"sqlite:///{tmp_path / 'ledger.db'}")
