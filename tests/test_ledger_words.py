"""A database that fails: one sentence that names the ledger, and whether running again goes on."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smskit.errors import LedgerError, LedgerLocked, LedgerUnavailable
from smskit.i18n import Language
from smskit.ledger import Ledger, file_has_campaign, sqlite
from smskit.ledger.changes import interruptions
from smskit.ledger.failures import in_words
from smskit.models import CodeClass, Mode
from smskit.simulator import Simulator
from tests import live
from tests.chinese import english
from tests.conftest import ROOT
from tests.test_engine import Scripted, everybody, freeze, run

HEADER = b"SQLite format 3\x00"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What a case opens, closed behind it."""
    with ExitStack() as opened:
        yield opened


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock is waited for shortly."""
    monkeypatch.setattr(sqlite, "PATIENCE_S", 0.05)
    monkeypatch.setattr(sqlite, "_WAL_PATIENCE_S", 0.05)


def made(file: Path) -> Path:
    """A ledger with one campaign, closed."""
    ledger = Ledger(f"sqlite:///{file}")
    freeze(ledger, 3)
    ledger.close()
    return file


def bytes_in(content: bytes) -> Callable[[Path, ExitStack], str]:
    def case(folder: Path, _: ExitStack) -> str:
        (folder / "ledger.db").write_bytes(content)
        return f"sqlite:///{folder / 'ledger.db'}"

    return case


def truncated(folder: Path, _: ExitStack) -> str:
    file = made(folder / "ledger.db")
    file.write_bytes(file.read_bytes()[:6000])
    return f"sqlite:///{file}"


def read_only(folder: Path, _: ExitStack) -> str:
    return f"sqlite:///file:{made(folder / 'ledger.db')}?mode=ro&uri=true"


def read_only_other_journal(folder: Path, _: ExitStack) -> str:
    file = made(folder / "ledger.db")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    return f"sqlite:///file:{file}?mode=ro&uri=true"


def locked(folder: Path, stack: ExitStack) -> str:
    file = made(folder / "ledger.db")
    other = stack.enter_context(closing(sqlite3.connect(file, isolation_level=None)))
    for statement in ("PRAGMA locking_mode=EXCLUSIVE", "BEGIN EXCLUSIVE"):
        other.execute(statement)
    return f"sqlite:///{file}"


def changed(statement: str) -> Callable[[Path, ExitStack], str]:
    def case(folder: Path, _: ExitStack) -> str:
        with closing(sqlite3.connect(made(folder / "ledger.db"))) as connection:
            connection.execute(statement)
            connection.commit()
        return f"sqlite:///{folder / 'ledger.db'}"

    return case


def use(url: str, stack: ExitStack) -> None:
    """Open a ledger, read and write it."""
    ledger = Ledger(url)
    stack.callback(ledger.close)
    ledger.opt_outs.add([8613800000000], source="test")
    freeze(ledger, 3, name="other")
    ledger.runs.find(token="x")
    run(ledger, 1, Scripted(everybody(CodeClass.ACCEPTED, "0")))


@pytest.mark.parametrize(
    ("case", "words", "goes_on"),
    [
        pytest.param(lambda f, _: f"sqlite:///{f}/no/ledger.db", "no folder .*/no", False, id="no-folder"),
        pytest.param(lambda f, _: f"sqlite:///{f}", "it is a folder", False, id="folder"),
        pytest.param(lambda f, _: f"sqlite:///{f}/{'x' * 300}.db", "name too long", False, id="long-name"),
        pytest.param(lambda *_: "sqlite:////proc/ledger.db", "may not read and write", False, id="no-right"),
        pytest.param(bytes_in(b"user_id,phone\n" * 100), "no ledger, or a damaged one", False, id="csv"),
        pytest.param(bytes_in(HEADER + b"\xff" * 5000), "no ledger, or a damaged one", False, id="header"),
        pytest.param(bytes_in(b"\x00" * 8192), "no ledger, or a damaged one", False, id="zeros"),
        pytest.param(bytes_in(b"x"), "no ledger, or a damaged one", False, id="one-letter"),
        pytest.param(truncated, "no ledger, or a damaged one", False, id="truncated"),
        pytest.param(read_only, "is read-only; allow this user", False, id="read-only"),
        pytest.param(read_only_other_journal, "is read-only; allow", False, id="read-only-journal"),
        pytest.param(locked, "is locked by another program", True, id="locked"),
        pytest.param(
            changed("UPDATE alembic_version SET version_num = '0999'"), "by a newer smskit", False, id="newer"
        ),
        pytest.param(
            changed("DROP TABLE event"), "does not fit .*no such table: event", False, id="no-table"
        ),
        pytest.param(
            changed("ALTER TABLE run DROP COLUMN token"), "does not fit .*token", False, id="no-column"
        ),
    ],
)
def test_one_sentence_that_names_it(
    case: Callable[[Path, ExitStack], str], words: str, goes_on: bool, tmp_path: Path, stack: ExitStack
) -> None:
    """Opened, read and written: an error of smskit's in both languages, with the file and the exit code."""
    url = case(tmp_path, stack)
    with pytest.raises(LedgerError, match=words) as caught:
        use(url, stack)

    assert str(tmp_path / "ledger.db") in str(caught.value) or str(sa.make_url(url).database) in str(
        caught.value
    )
    assert caught.value.exit_code == (4 if goes_on else 1)
    assert isinstance(caught.value, LedgerUnavailable) is goes_on
    assert english(Language("zh").error(caught.value).partition("（")[0]) == []


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=300) | st.binary(max_size=5000).map(HEADER.__add__))
def test_any_bytes(content: bytes, tmp_path: Path) -> None:
    """A file of any content is a ledger, where it is empty, or refused in words and left as it is."""
    file = tmp_path / "any.db"
    file.write_bytes(content)
    with suppress(LedgerError):
        Ledger(f"sqlite:///{file}").close()
        assert content == b""
        return

    assert file.read_bytes() == content


def test_the_words_of_a_server_are_not_repeated() -> None:
    """What a server says may hold a phone; its kind is told, and a lost connection can be tried again."""
    url = sa.make_url("postgresql://bi:s3same@db/sms")
    told = []
    for lost in (False, True):
        said = sa.exc.OperationalError("", None, OSError("Key (phone)=(8613800000000)"), lost)
        said.connection_invalidated = lost
        said.orig = RuntimeError("Key (phone)=(8613800000000)")
        with pytest.raises(LedgerError) as caught, in_words(url):
            raise said
        told.append((str(caught.value), caught.value.exit_code))

    assert [code for _, code in told] == [1, 4]
    assert not any(secret in text for text, _ in told for secret in ("138", "s3same"))


class Room:
    """How much a ledger may still grow, in pages, on every connection."""

    def __init__(self, ledger: Ledger) -> None:
        self.pages = 0  # 0 = as much as it likes
        ledger.database.engine.dispose()
        sa.event.listen(ledger.database.engine, "begin", self._begin)

    def _begin(self, conn: sa.Connection) -> None:
        most = 1_000_000
        if self.pages:
            most = conn.exec_driver_sql("PRAGMA page_count").scalar_one() + self.pages - 1
            self.pages = 1  # no more than that, whatever is given back
        conn.exec_driver_sql(f"PRAGMA max_page_count={most}")


@pytest.mark.parametrize("pages", [1, 2, 4])
def test_row_30_full_in_mid_send(ledger: Ledger, pages: int) -> None:
    """A run that finds the disk full ends in words; with room it goes on, and nobody is asked twice."""
    campaign, room = freeze(ledger, 400), Room(ledger)
    provider = Scripted(everybody(CodeClass.ACCEPTED, "0"))
    answer, full = provider.answer, threading.Event()

    def until_full(call: Any) -> Any:
        if len(provider.asked) >= 40 and not full.is_set():  # several are asked at once
            full.set()
            room.pages = pages
        return answer(call)

    provider.answer = until_full
    with pytest.raises(LedgerUnavailable, match=r"ledger.db cannot grow, the disk is full") as caught:
        run(ledger, campaign, provider)
    early, room.pages = len(provider.asked), 0
    with ledger.senders.hold(campaign) as token:
        ledger.changes.apply(campaign, interruptions(ledger.audience.states(campaign)), token=token)
    run(ledger, campaign, provider)
    asked = [phone for call in provider.asked for phone in call]
    counts = ledger.audience.counts(campaign)

    assert caught.value.exit_code == 4
    assert 40 <= early < 400
    assert len(asked) == len(set(asked)) == 400
    assert counts.accepted + counts.unknown == 400
    assert counts.waiting + counts.submitting == 0


SEND = """
import resource, sys
from pathlib import Path
from smskit.cli.commands import main
from tests import live

parameters, environ, limit = eval(sys.argv.pop())
from smskit.cli import commands
@commands.app.command("live")
def send() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    live.send(parameters, environ)
sys.argv[1:] = ["live"]
main()
"""


def test_row_30_a_disk_that_is_full_in_another_process(simulator: Simulator, tmp_path: Path) -> None:
    """Without room for the file a live run ends in one line, exit 4; run again, everybody got one."""
    live.approve(simulator, live.SINGLES)
    environ = live.SINGLES.environ(simulator.url, tmp_path)
    parameters = live.data(live.SINGLES, live.segment(tmp_path / "people.csv", 300))
    made(tmp_path / "ledger.db")
    limit = 300_000 + (tmp_path / "ledger.db").stat().st_size
    given = repr((parameters, environ, limit))
    done = subprocess.run(
        [sys.executable, "-c", SEND, given],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    sent = simulator.world.accepted()
    live.send(parameters, environ)

    assert (done.returncode, sent > 0, sent < 300) == (4, True, True), done.stderr
    assert "Traceback" not in done.stderr
    assert f"smskit: the ledger {tmp_path / 'ledger.db'} cannot" in done.stderr.splitlines()[-1]
    assert simulator.world.doubled() == []


def test_a_lease_that_could_not_be_given_back(ledger: Ledger, stack: ExitStack) -> None:
    """A run of this process whose end was not written down keeps nobody out; one that is on does."""
    campaign = freeze(ledger, 3)
    other = stack.enter_context(closing(sqlite3.connect(ledger.database.engine.url.database or "")))
    other.isolation_level = None
    ledger.database.engine.dispose()
    with ledger.senders.hold(campaign):
        with pytest.raises(LedgerLocked), ledger.senders.hold(campaign):
            pass
        other.execute("BEGIN IMMEDIATE")
    held = other.execute("SELECT count(*) FROM sender").fetchone()
    other.execute("ROLLBACK")

    assert held == (1,)
    assert ledger.senders.owner(campaign) is None
    with ledger.senders.hold(campaign):
        assert ledger.senders.owner(campaign) is not None


def test_a_ledger_passed_over_that_is_locked(tmp_path: Path, stack: ExitStack) -> None:
    """Whether a campaign has begun in another ledger is not answered "no" while that one cannot be read."""
    file = made(tmp_path / "ledger.db")
    assert file_has_campaign(file, "c", Mode.LIVE)
    (tmp_path / "people.csv").write_text("phone\n")
    assert not file_has_campaign(tmp_path / "people.csv", "c", Mode.LIVE)
    locked(tmp_path, stack)
    with pytest.raises(LedgerUnavailable, match="locked"):
        file_has_campaign(file, "c", Mode.LIVE)
