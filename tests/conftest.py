"""What tests may ask for; what each has without asking is in the ``conftest.py`` above."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import tests.profiles  # noqa: F401  # before any property is defined
from smskit.ledger import Ledger
from smskit.simulator import Simulator, World

ROOT = Path(__file__).parents[1]


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
