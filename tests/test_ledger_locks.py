"""A process that opens its ledger again, as a notebook does, keeps its locks; what others write stays."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from smskit.ledger import Ledger

OPT_OUT = """
import sys
from smskit.ledger import Ledger
ledger = Ledger(sys.argv[1])
print(ledger.opt_outs.add([int(sys.argv[2])], source="test"))
ledger.close()
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def opened(url: str) -> Iterator[Ledger]:
    """A ledger of this process that has been read and written."""
    ledger = Ledger(url)
    ledger.opt_outs.add([8613800138000], source="test")
    yield ledger
    ledger.close()


def elsewhere(url: str, phone: int) -> str:
    """Another process puts *phone* on the list, and closes the ledger."""
    done = subprocess.run(
        [sys.executable, "-c", OPT_OUT, url, str(phone)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_opened_again(opened: Ledger, url: str, tmp_path: Path) -> None:
    """Whoever opts out by a command meanwhile is out for the ledger that was there first, too."""
    log = tmp_path / "ledger.db-wal"
    before = os.stat(log).st_ino
    again = Ledger(url)
    added = elsewhere(url, 8613800138001)
    known = opened.opt_outs.phones().tolist()
    opened.opt_outs.add([8613800138002], source="test")
    again.close()

    assert added == "1"
    assert os.stat(log).st_ino == before, "another process took the log away"
    assert known == [8613800138000, 8613800138001]
    assert elsewhere(url, 8613800138002) == "0"
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_no_ledger_is_opened_but_by_sqlite(opened: Ledger, url: str) -> None:
    """Closing a file ends all locks that its process has on it, so nothing here opens one that is there."""
    places: list[str] = []
    watched = True

    def hear(event: str, args: tuple[object, ...]) -> None:  # for ever: a hook cannot be taken off
        if watched and event == "open":
            places.append(str(args[0]))

    sys.addaudithook(hear)
    Ledger(url).close()
    opened.opt_outs.phones()
    watched = False

    assert [place for place in places if "ledger.db" in place] == []
