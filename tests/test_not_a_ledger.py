"""What lies where the ledger is looked for: nothing yet, a ledger of some version, or something else."""

from __future__ import annotations

import sqlite3
import stat
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from smskit.cli import commands as cli
from smskit.errors import LedgerError, NoLedger, UnsupportedLedger
from smskit.ledger import Ledger
from smskit.ledger.opening import open_ledger
from smskit.models import Mode
from smskit.sending.reach import _past
from smskit.sending.session import open_campaign
from smskit.settings import Environment
from tests.chinese import english
from tests.live import SINGLES, data, segment
from tests.test_migrations import restore

Make = Callable[[Path], object]


def written(*statements: str) -> Make:
    """A SQLite file in which these were run."""

    def make(file: Path) -> None:
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)
        file.chmod(0o644)

    return make


def newer(file: Path) -> None:
    Ledger(f"sqlite:///{file}").close()
    written("UPDATE alembic_version SET version_num = '0999'")(file)


class Place(NamedTuple):
    """What lies there, and what comes of it."""

    make: Make
    reads: int  # exit code of what only reads
    refused: type[LedgerError] | None  # by what makes no ledger
    rehearses: int  # exit code of a rehearsal
    words: str = ""  # of what is refused
    is_new: bool = False  # a rehearsal makes it, and says so


NONE = "no ledger was found; looked for"
OTHERS = "is another program's database and was left as it is; name a file"
USERS = "CREATE TABLE users (id int)"
# As alembic leaves it, which many programs use.
STAMPED = ("CREATE TABLE alembic_version (version_num TEXT)", "INSERT INTO alembic_version VALUES ('ae10')")
PLACES = {
    "missing": Place(lambda _: None, 3, NoLedger, 0, NONE, is_new=True),
    "empty": Place(Path.touch, 3, NoLedger, 0, NONE, is_new=True),
    "foreign": Place(written(USERS), 3, UnsupportedLedger, 3, OTHERS),
    "foreign, log ahead": Place(written("PRAGMA journal_mode=WAL", USERS), 3, UnsupportedLedger, 3, OTHERS),
    "foreign, stamped": Place(written(USERS, *STAMPED), 3, UnsupportedLedger, 3, OTHERS),
    "older": Place(lambda file: restore(file.parent).rename(file), 0, None, 0),
    "ours": Place(lambda file: Ledger(f"sqlite:///{file}").close(), 0, None, 0),
    "newer": Place(newer, 1, LedgerError, 1, "was written by a newer smskit"),
    "not a database": Place(
        lambda file: file.write_bytes(b"user_id,phone\n"), 1, LedgerError, 1, "no ledger, or a damaged one"
    ),
}


@pytest.fixture(params=PLACES.values(), ids=PLACES)
def place(request: pytest.FixtureRequest, project: Path) -> Place:
    """A project in whose place for the ledger this lies."""
    made: Place = request.param
    made.make(project / "smskit.db")
    return made


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, which is the working folder, and names no ledger."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    monkeypatch.delenv("SMSKIT_DATABASE_URL")
    monkeypatch.setenv("SMSKIT_RUNS_FOLDER", str(tmp_path / "runs"))
    monkeypatch.chdir(folder)
    return folder


def smskit(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """The exit code of a command in this process."""
    monkeypatch.setattr(sys, "argv", ["smskit", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def state(folder: Path) -> tuple[bytes, int] | None:
    """What the file holds, and who may read it; None where there is none."""
    file = folder / "smskit.db"
    return (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) if file.exists() else None


def rehearsal(folder: Path, mode: str = "rehearse") -> Path:
    file = folder / "campaign.yaml"
    parameters = data(SINGLES, segment(folder / "people.csv", 2)) | {"mode": mode}
    file.write_text(yaml.safe_dump(parameters, allow_unicode=True), encoding="utf-8")
    return file


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_command_that_reads(
    place: Place,
    project: Path,
    language: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`status` makes no ledger, and leaves alone what is none, to the byte and the right to read it."""
    monkeypatch.setenv("SMSKIT_LANG", language)
    before = state(project)
    assert smskit(monkeypatch, "status") == place.reads
    told = capsys.readouterr().err
    if place.reads:
        assert state(project) == before
        assert str(project / "smskit.db") in told
        assert place.words in told if language == "en" else english(told.partition("（")[0]) == []


def test_what_makes_no_ledger(place: Place, project: Path) -> None:
    """`open_ledger(create=False)`, by which a live run goes, opens a ledger and nothing else."""
    before = state(project)
    if place.refused is None:
        open_ledger(create=False)
        return
    for attempt in (lambda: open_ledger(create=False), lambda: open_campaign(rehearsal(project, "live"))):
        with pytest.raises(LedgerError, match=place.words) as caught:
            attempt()
        assert type(caught.value) is place.refused
    assert state(project) == before


def test_a_rehearsal(place: Place, project: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A rehearsal makes the ledger where none is yet, and says so; what is none it leaves alone."""
    before, file = state(project), rehearsal(project)
    if place.rehearses:
        with pytest.raises(LedgerError, match=place.words) as caught:
            open_campaign(file)
        assert (caught.value.exit_code, state(project)) == (place.rehearses, before)
    else:
        open_campaign(file).send()
        assert open_ledger(create=False).campaigns.get("live-1", Mode.REHEARSE)
    assert ("new ledger" in caplog.text) is place.is_new


def test_init_takes_an_empty_file_for_none(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`init` makes it of an empty file once; whoever looks at the past before finds none and makes none."""
    (project / "smskit.db").touch()
    before = state(project)
    spec = open_campaign(rehearsal(project), ledger=Ledger("sqlite://")).spec
    _past(spec, Environment())
    assert state(project) == before
    for words in ("the ledger is", "it was there"):
        assert smskit(monkeypatch, "init") == 0
        assert words in capsys.readouterr().out


def test_an_empty_file_marks_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no root is marked, the nearest ledger is one; an empty file is passed by."""
    monkeypatch.delenv("SMSKIT_DATABASE_URL")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "smskit.db").write_text("a ledger")
    (tmp_path / "a" / "smskit.db").touch()
    monkeypatch.chdir(below)
    assert Environment().ledger_place.file == tmp_path / "smskit.db"


def test_what_another_program_has_in_its_log_stays_there(tmp_path: Path) -> None:
    """A file whose tables are in the log alone, as a program leaves it that was killed."""
    file = tmp_path / "theirs.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0", USERS):
            writer.execute(statement)
        left = {each: each.read_bytes() for each in (file, Path(f"{file}-wal"))}
    for each, content in left.items():
        each.write_bytes(content)
    with pytest.raises(UnsupportedLedger):
        Ledger(f"sqlite:///{file}")
    assert {each: each.read_bytes() for each in left} == left


def test_tables_behind_a_lock_are_looked_at_again(tmp_path: Path) -> None:
    """Another program holds its file when it is first looked at, and not any more when it is opened."""
    file = tmp_path / "theirs.db"
    written(USERS)(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")

        def let_go(_: object) -> None:
            if other.in_transaction:
                other.execute("COMMIT")

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("smskit.ledger.sqlite.tighten", let_go)
            with pytest.raises(UnsupportedLedger):
                Ledger(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as connection:
        assert [name for (name,) in connection.execute("SELECT name FROM sqlite_master")] == ["users"]
