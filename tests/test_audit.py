"""The audit trail: every door leaves the same entry, nothing secret is in it, and a change of it shows."""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from smskit.cli import commands
from smskit.errors import CampaignPaused, LedgerError
from smskit.ledger import Action, Ledger
from smskit.ledger.opening import open_ledger
from smskit.models import Answer, Mode, Reply
from smskit.notebook.connect import ConnectNotebook
from smskit.notebook.home import Home
from smskit.notebook.send_model import SendModel
from smskit.notebook.tracker import Tracker
from smskit.planning.draft import Draft
from smskit.providers.credentials import Store
from smskit.reporting.delivery import Group
from smskit.sending.background import run_of
from smskit.sending.campaign import Campaign
from smskit.settings import Environment
from smskit.simulator import FaultPlan, Simulator
from tests import live

PHONE = "13800100001"
UNKNOWN = {"kind": "drop_after_accept", "rate": 1.0}


class Office:
    """A live account over the simulator, where lily works; every door goes by her environment."""

    def __init__(
        self, folder: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, ledger: str
    ) -> None:
        self.folder, self.world, self._patch = folder, simulator.world, monkeypatch
        live.approve(simulator, live.SINGLES, **live.SAME_TEXT_AGAIN)
        self.source = live.segment(folder / "people.csv", 3)
        self.data = live.data(live.SINGLES, self.source)
        for name, value in live.SINGLES.environ(simulator.url, folder, ledger).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("SMSKIT_USER", "lily")
        monkeypatch.chdir(folder)

    def campaign(self, **more: Any) -> Campaign:
        return live.campaign(self.data | more, dict(Environment().variables))

    def command(self, *arguments: str) -> int:
        """What a command exits with."""
        self._patch.setattr(sys, "argv", ["smskit", *arguments])
        with pytest.raises(SystemExit) as ended:
            commands.main()
        return int(ended.value.code or 0)

    def file(self, **more: Any) -> str:
        path = self.folder / "campaign.yaml"
        path.write_text(yaml.safe_dump(self.data | more, allow_unicode=True))
        return str(path)

    def tracker(self, mode: Mode = Mode.LIVE) -> Tracker:
        made = Tracker(folder=self.folder)
        made.choose("live-1", mode)
        return made

    @property
    def model(self) -> SendModel:
        made = SendModel(Draft(self.data))
        made.planning.want()
        assert made.planning.wait()
        return made

    @property
    def ledger(self) -> Ledger:
        return open_ledger()

    def sent(self, *faults: dict[str, Any]) -> None:
        self.world.set_faults(FaultPlan.model_validate({"faults": list(faults)}))
        with suppress(CampaignPaused):
            self.campaign().send()
        self.world.set_faults(FaultPlan())

    def planned_by_wang(self) -> str:
        plan_hash = self.campaign(mode="plan").planner.plan(record=False).hash
        return self.ledger.approvals.plan("live-1", plan_hash, by="wang").plan_hash

    def doubtful(self) -> None:
        reply = Reply("r1", f"+86{PHONE}", "烦死了", datetime(2026, 11, 28, tzinfo=UTC))
        self.ledger.replies.keep("yunpian", Mode.LIVE, [(reply, int(f"86{PHONE}"), Answer.DOUBTFUL)])

    def list_file(self) -> Path:
        path = self.folder / "out.csv"
        path.write_text(f"phone\n{PHONE}\n")
        return path


@pytest.fixture
def office(
    tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> Office:
    """Where lily works."""
    return Office(tmp_path, simulator, monkeypatch, database_url)


def _ask(office: Office) -> None:
    model = office.model
    wanted = model.approval
    assert wanted is not None
    model.ask_approval(wanted)


def _require(office: Office) -> None:
    office._patch.setenv("SMSKIT_REQUIRE_APPROVAL", "live")


def _click_approve(office: Office) -> None:
    model = office.model
    wanted = model.approval
    assert wanted is not None
    model.approve(wanted)


def _send_in_background(office: Office) -> None:
    run = run_of(office.ledger, "live-1", Mode.LIVE)
    run.start(office.campaign())
    assert run.wait()


def _resume(office: Office) -> None:
    office.campaign().resume()


NOTHING: Callable[[Office], object] = lambda _: None  # noqa: E731
BROKE = {"kind": "code", "code": 3, "skip": 1, "rate": 1.0, "endpoint": "single_send"}
SENT: Callable[[Office], object] = lambda o: o.sent()  # noqa: E731
LEFT: Callable[[Office], object] = lambda o: o.sent(UNKNOWN)  # noqa: E731
HALF: Callable[[Office], object] = lambda o: o.sent(BROKE)  # noqa: E731
OUT: Callable[[Office], object] = lambda o: o.ledger.opt_outs.add(  # noqa: E731
    [int(f"86{PHONE}")], source="by hand"
)
DOUBT: Callable[[Office], object] = lambda o: o.doubtful()  # noqa: E731
WANG: Callable[[Office], object] = lambda o: (_require(o), o.planned_by_wang())  # noqa: E731
ARCHIVED: Callable[[Office], object] = lambda o: (  # noqa: E731
    o.sent(),
    Home().archive("live-1", Mode.LIVE),
)
# action, door -> what has happened before, and what is done
CASES: dict[tuple[Action, str], tuple[Callable[[Office], object], Callable[[Office], object]]] = {
    (Action.PLAN, "command"): (NOTHING, lambda o: o.command("plan", o.file())),
    (Action.PLAN, "method"): (NOTHING, lambda o: o.campaign(mode="plan").plan()),
    (Action.PLAN, "panel"): (_require, _ask),
    (Action.APPROVE, "command"): (
        WANG,
        lambda o: o.command("approve", "live-1", o.ledger.approvals.of("live-1")[0].plan_hash),
    ),
    (Action.APPROVE, "method"): (
        WANG,
        lambda o: o.campaign().approve(o.ledger.approvals.of("live-1")[0].plan_hash),
    ),
    (Action.APPROVE, "panel"): (WANG, _click_approve),
    (Action.SEND, "method"): (NOTHING, lambda o: o.campaign().send()),
    (Action.SEND, "panel"): (NOTHING, _send_in_background),
    (Action.RESUME, "command"): (HALF, lambda o: o.command("resume", "live-1")),
    (Action.RESUME, "method"): (HALF, _resume),
    (Action.RESUME, "panel"): (HALF, _send_in_background),
    (Action.STOP, "command"): (SENT, lambda o: o.command("stop", "live-1")),
    (Action.STOP, "method"): (SENT, lambda o: o.campaign().stop()),
    (Action.STOP, "panel"): (SENT, lambda o: run_of(o.ledger, "live-1", Mode.LIVE).stop()),
    (Action.SETTLE, "command"): (LEFT, lambda o: o.command("settle", "live-1", "--give-up")),
    (Action.SETTLE, "method"): (LEFT, lambda o: o.campaign().settle(resend=True)),
    (Action.SETTLE, "panel"): (LEFT, lambda o: o.tracker().settle(resend=False, count=3)),
    (Action.REVEAL, "command"): (SENT, lambda o: o.command("messages", "live-1", "--reveal")),
    (Action.REVEAL, "command-list"): (OUT, lambda o: o.command("opt-out", "list", "--reveal")),
    (Action.REVEAL, "command-doubtful"): (DOUBT, lambda o: o.command("opt-out", "doubtful", "--reveal")),
    (Action.REVEAL, "method"): (SENT, lambda o: o.campaign().messages(reveal=True)),
    (Action.REVEAL, "method-why"): (SENT, lambda o: o.campaign().why(PHONE, reveal=True)),
    (Action.REVEAL, "panel"): (SENT, lambda o: o.tracker().people(reveal=True)),
    (Action.EXPORT, "command"): (
        SENT,
        lambda o: o.command("messages", "live-1", "--reveal", "-o", f"{PHONE}.csv"),
    ),
    (Action.EXPORT, "command-parquet"): (
        SENT,
        lambda o: o.command("messages", "live-1", "--reveal", "--format", "parquet", "-o", "m.parquet"),
    ),
    (Action.EXPORT, "command-opt-outs"): (
        OUT,
        lambda o: o.command("opt-out", "export", "--provider", "yunpian", "-o", "b.csv", "--reveal"),
    ),
    (Action.EXPORT, "panel"): (SENT, lambda o: o.tracker().export("csv", reveal=True)),
    (Action.EXPORT, "panel-follow-up"): (
        SENT,
        lambda o: o.tracker().follow_up([Group.AWAITING], may_arrive_twice=True),
    ),
    (Action.OPT_OUT_ADD, "command"): (NOTHING, lambda o: o.command("opt-out", "add", PHONE)),
    (Action.OPT_OUT_ADD, "command-import"): (
        NOTHING,
        lambda o: o.command("opt-out", "import", str(o.list_file())),
    ),
    (Action.OPT_OUT_ADD, "panel"): (SENT, lambda o: o.tracker().import_opt_outs(o.list_file())),
    (Action.OPT_OUT_REMOVE, "command"): (OUT, lambda o: o.command("opt-out", "remove", PHONE)),
    (Action.OPT_OUT_DECIDE, "command"): (
        DOUBT,
        lambda o: o.command("opt-out", "decide", PHONE, "--stays"),
    ),
    (Action.OPT_OUT_DECIDE, "panel"): (
        lambda o: (o.sent(), o.doubtful()),
        lambda o: o.tracker().decide(PHONE, opted_out=True),
    ),
    (Action.CREDENTIALS, "panel"): (
        NOTHING,
        lambda o: ConnectNotebook(Draft({"provider": "yunpian"})).keep({"api_key": "k" * 32}, Store.DOTENV),
    ),
    (Action.CREDENTIALS, "panel-delete"): (
        NOTHING,
        lambda o: ConnectNotebook(Draft({"provider": "yunpian"})).forget(),
    ),
    (Action.ARCHIVE, "command"): (SENT, lambda o: o.command("archive", "live-1")),
    (Action.ARCHIVE, "panel"): (SENT, lambda o: Home().archive("live-1", Mode.LIVE)),
    (Action.UNARCHIVE, "command"): (ARCHIVED, lambda o: o.command("archive", "live-1", "--undo")),
    (Action.UNARCHIVE, "panel"): (ARCHIVED, lambda o: Home().archive("live-1", Mode.LIVE, undo=True)),
    (Action.FORGET, "command"): (
        lambda o: o.campaign(mode="rehearse").send(),
        lambda o: o.command("forget", "live-1"),
    ),
}


OF_NONE = {Action.CREDENTIALS, Action.OPT_OUT_ADD, Action.OPT_OUT_REMOVE, Action.OPT_OUT_DECIDE}
OF_ALL = {"command-list", "command-doubtful", "command-opt-outs"}


@pytest.mark.parametrize(("action", "door"), CASES)
def test_every_door_leaves_an_entry(office: Office, action: Action, door: str) -> None:
    """One entry, by whom, from where and about what; no full phone and no key is in it."""
    before, act = CASES[action, door]
    before(office)
    known = len(office.ledger.audit.entries())
    act(office)
    new = office.ledger.audit.entries()[: len(office.ledger.audit.entries()) - known]

    assert [entry.action for entry in new] == [action]
    assert (new[0].who, new[0].place.count("@")) == ("lily", 1)
    written = json.dumps([entry.to_data() for entry in new], ensure_ascii=False)
    assert PHONE not in written
    assert "k" * 32 not in written
    assert live.YUNPIAN_KEY not in written
    assert new[0].campaign == ("" if action in OF_NONE or door in OF_ALL else "live-1")
    assert office.ledger.audit.verify().holds


def test_every_action_has_a_door() -> None:
    """The table above has them all."""
    assert {action for action, _ in CASES} == set(Action) - {Action.ERASE}


@pytest.mark.parametrize(
    "look",
    [
        pytest.param(lambda o: o.campaign().messages(), id="messages"),
        pytest.param(lambda o: o.campaign().why(PHONE), id="why"),
        pytest.param(lambda o: o.tracker().people(), id="people"),
        pytest.param(lambda o: o.tracker().export("csv"), id="export"),
        pytest.param(lambda o: o.command("opt-out", "list"), id="list"),
        pytest.param(lambda o: o.command("status", "live-1"), id="status"),
        pytest.param(lambda o: o.campaign().plan(), id="plan-of-a-live-run"),
    ],
)
def test_what_shows_nobody_leaves_none(office: Office, look: Callable[[Office], object]) -> None:
    """To look at masked phones is nothing to be written down."""
    office.sent()
    before = office.ledger.audit.entries()
    look(office)

    assert office.ledger.audit.entries() == before


# -- the chain -------------------------------------------------------------------------------------------


def _trail(url: str, n: int = 5) -> None:
    ledger = Ledger(url)
    for i in range(n):
        ledger.audit.note(Action.STOP, campaign=f"c{i}", mode="live", by="lily", people=i)
    ledger.close()


TAMPER = {
    "nothing": ("", None),
    "a-name": ("UPDATE audit SET who = 'wang' WHERE n = 3", 3),
    "a-time": ("UPDATE audit SET at = at + 1 WHERE n = 1", 1),
    "a-fact": ("UPDATE audit SET facts = '{}' WHERE n = 5", 5),
    "a-hash": ("UPDATE audit SET hash = upper(hash) WHERE n = 2", 2),
    "one-taken-out": ("DELETE FROM audit WHERE n = 3", 3),
    "the-first": ("DELETE FROM audit WHERE n = 1", 1),
    "the-last": ("DELETE FROM audit WHERE n = 5", 5),
    "all": ("DELETE FROM audit", 1),
    "the-gap-closed": ("DELETE FROM audit WHERE n = 3; UPDATE audit SET n = n - 1 WHERE n > 3", 3),
    "one-put-in": (
        "INSERT INTO audit SELECT 6, at, who, place, action, campaign, mode, plan_hash, facts, hash, "
        "'00' FROM audit WHERE n = 5",
        6,
    ),
}


def _tamper(url: str, statements: str) -> None:
    """As whoever owns the database can: first the triggers go."""
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        if engine.name == "postgresql":
            conn.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER USER")
        else:
            triggers = conn.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for name in triggers.scalars().all():
                conn.exec_driver_sql(f"DROP TRIGGER {name}")
        for statement in filter(None, statements.split("; ")):
            conn.exec_driver_sql(statement)
    engine.dispose()


@pytest.mark.parametrize("change", TAMPER)
@pytest.mark.parametrize("goes_on", [False, True])
def test_a_change_shows(
    database_url: str,
    change: str,
    goes_on: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where the chain breaks is said, also after more was written; `smskit audit` exits 1 then."""
    statements, at = TAMPER[change]
    _trail(database_url)
    _tamper(database_url, statements)
    if goes_on:
        _trail(database_url, 1)
    ledger = Ledger(database_url)
    chain = ledger.audit.verify()
    ledger.close()
    monkeypatch.setenv("SMSKIT_DATABASE_URL", database_url)
    monkeypatch.setattr(sys, "argv", ["smskit", "audit", "c4", "--json"])
    with pytest.raises(SystemExit) as ended:
        commands.main()
    told = json.loads(capsys.readouterr().out)["chain"]

    assert chain.broken_at == at
    assert bool(chain.why) is (at is not None)
    assert (ended.value.code, told["broken_at"]) == (0 if at is None else 1, at)


@pytest.mark.parametrize("change", ["UPDATE audit SET who = 'wang'", "DELETE FROM audit"])
@pytest.mark.parametrize("through", ["smskit", "sqlite"])
def test_it_is_only_added_to(tmp_path: Path, change: str, through: str) -> None:
    """The file itself refuses, whoever asks; a server does so in `test_postgres`."""
    place = tmp_path / "ledger.db"
    _trail(f"sqlite:///{place}")
    ledger = Ledger(f"sqlite:///{place}")
    if through == "smskit":
        with pytest.raises(LedgerError), ledger.database.write() as conn:
            conn.execute(sa.text(change))
    else:
        with (
            closing(sqlite3.connect(place)) as connection,
            pytest.raises(sqlite3.IntegrityError, match="only"),
        ):
            connection.execute(change)
    chain = ledger.audit.verify()
    ledger.close()

    assert (chain.holds, chain.entries) == (True, 5)


def test_many_may_write_at_once(database_url: str) -> None:
    """Entries of several writers stand one behind the other, each with the hash of the one before."""
    Ledger(database_url).close()
    writers = [threading.Thread(target=_trail, args=(database_url, 10)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    ledger = Ledger(database_url)
    chain, entries = ledger.audit.verify(), ledger.audit.entries()[::-1]
    ledger.close()

    assert (chain.holds, chain.entries) == (True, 40)
    assert [entry.previous for entry in entries] == ["", *(entry.hash for entry in entries[:-1])]


def test_what_is_forgotten_leaves_its_entries(office: Office) -> None:
    """A plan that is deleted, or made anew, takes nothing out of the trail."""
    office.campaign(mode="plan").plan()
    office.campaign(mode="plan", signature="Growing").plan()
    assert office.command("forget", "live-1", "--mode", "plan") == 0

    assert [str(entry.action) for entry in office.ledger.audit.entries("live-1")] == [
        "forget",
        "plan",
        "plan",
    ]


def test_people_read_it(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    """Oldest first, in words, of one campaign; then whether the trail is whole."""
    office.ledger.opt_outs.add([int(f"86{PHONE}")], source="by hand")
    office.campaign().send()
    capsys.readouterr()
    assert office.command("audit", "live-1") == 0
    lines = capsys.readouterr().out.splitlines()

    assert len(lines) == 2
    assert "CST  lily  " in lines[0]
    assert "began to send  live-1, live, q" in lines[0]
    assert lines[1] == "the trail is whole: 2 entries"
