"""Row 24 of the security table: a query of a SQLite segment reads tables, and does nothing else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from smskit.audience import segment
from smskit.errors import SegmentError
from smskit.ledger import Ledger


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of two people, in the working folder."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "people.db"
    with closing(sqlite3.connect(file)) as made:
        made.execute("PRAGMA journal_mode=WAL")
        made.execute("CREATE TABLE u (phone TEXT, n INTEGER)")
        made.executemany("INSERT INTO u VALUES (?, ?)", [("13800138000", 1), ("13800138001", 2)])
        made.commit()
    return file


def mode_of(file: Path) -> str:
    with closing(sqlite3.connect(file)) as opened:
        return str(opened.execute("PRAGMA journal_mode").fetchone()[0])


@pytest.mark.parametrize(
    "query",
    [
        "ATTACH DATABASE 'new.db' AS x",
        "VACUUM INTO 'new.db'",
        "PRAGMA journal_mode=DELETE",
        "PRAGMA writable_schema=1",
        "INSERT INTO u VALUES ('1', 3) RETURNING phone",
        "DELETE FROM u RETURNING phone",
        "CREATE TEMP TABLE t AS SELECT * FROM u",
        "BEGIN IMMEDIATE",
        "SELECT load_extension('x')",
        "SELECT 1 AS phone; DELETE FROM u",
    ],
)
def test_row_24_only_select(people: Path, query: str) -> None:
    """Whatever else is asked is refused, and leaves no file and no other journal mode behind."""
    before = people.read_bytes()
    with pytest.raises(SegmentError, match="the query"):
        segment.load("sqlite:///people.db", query=query)

    assert people.read_bytes() == before
    assert mode_of(people) == "wal"
    assert {p.name for p in people.parent.iterdir()} <= {"people.db", "people.db-wal", "people.db-shm"}


@pytest.mark.parametrize(
    "source",
    [
        "sqlite:///people.db",
        "sqlite:///{file}",
        "sqlite:///file:people.db?mode=rwc&uri=true",
        "sqlite:///file:{file}?uri=true",
    ],
)
@pytest.mark.parametrize(
    "query",
    [
        "SELECT phone, upper(n) AS n FROM u WHERE phone LIKE '138%' ORDER BY n",
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 2) "
        "SELECT phone, n FROM u JOIN c ON c.i = u.n",
    ],
)
def test_select_reads(people: Path, source: str, query: str) -> None:
    """A SELECT is answered as before, however the file is named."""
    found = segment.load(source.format(file=people), query=query)

    assert list(found["phone"]) == ["13800138000", "13800138001"]


def test_row_24_a_missing_file_is_not_made(people: Path) -> None:
    """A name nothing has is refused, also where the URL asks SQLite to make it."""
    with pytest.raises(SegmentError, match="no such file"):
        segment.load("sqlite:///file:new.db?mode=rwc&uri=true", query="SELECT 1 AS phone")

    assert not (people.parent / "new.db").exists()


@pytest.mark.parametrize("copied", [False, True])
def test_row_24_a_ledger_is_no_segment(ledger: Ledger, tmp_path: Path, copied: bool) -> None:
    """Nobody reads replies and opt-outs of everybody by naming the ledger, or a copy of it, as a segment."""
    file = tmp_path / ("copy.db" if copied else "ledger.db")
    if copied:
        with closing(sqlite3.connect(tmp_path / "ledger.db")) as source, closing(sqlite3.connect(file)) as to:
            source.backup(to)
    with pytest.raises(SegmentError, match="ledger, which is no segment"):
        segment.load(f"sqlite:///{file}", query="SELECT phone FROM opt_out")
