"""What tests may ask for; what each has without asking is in the ``conftest.py`` above."""

from __future__ import annotations

import gc
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import tests.profiles  # noqa: F401  # before any property is defined
from smskit.ledger import Ledger
from smskit.simulator import Simulator, World
from tests.postgres import Server

ROOT = Path(__file__).parents[1]


@pytest.fixture
def deaf_to_nothing() -> Iterator[None]:
    """Ctrl-C reaches what a test starts, even if a shell runs the tests in its background and ignores it."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def own_ends(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a library leaves open to a peer that was killed goes with that test, and fails no later one."""
    yield
    if any(request.node.get_closest_marker(name) for name in ("kill", "long")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server."""
    made = Server()
    yield made
    made.close()


# Whose tests are of the ledger itself: they run over both kinds of database.
BOTH = {
    "test_approval",
    "test_audit",
    "test_canary",
    "test_caps",
    "test_engine",
    "test_ledger",
    "test_opt_out_running",
    "test_pace",
    "test_reconcile",
    "test_staging",
    "test_survival",
}


SERVER = {"test_broken_off"}  # a file does not break off


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A file for all, a server too for those of `BOTH`, and for those of `SERVER` only that."""
    if "database_url" in metafunc.fixturenames:
        module = metafunc.module.__name__.rpartition(".")[2]
        kinds = ["sqlite"] * (module not in SERVER) + ["postgres"] * (module in BOTH | SERVER)
        metafunc.parametrize("database_url", kinds, indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where an empty ledger may be made."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
        return
    server: Server = request.getfixturevalue("postgres")
    with server.schema() as url:
        yield url


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """An empty ledger."""
    made = Ledger(database_url)
    yield made
    made.close()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A running simulator of its own, with an open account for every provider."""
    with Simulator(world=World()) as running:
        yield running
