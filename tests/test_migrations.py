"""``smskit.ledger.version``: older ledgers are migrated whole or not at all, newer ones refused."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

import smskit.ledger
from smskit.errors import InputError, LedgerError
from smskit.ledger import Ledger
from smskit.ledger.version import CURRENT, KNOWN
from smskit.models import Kind, Mode
from smskit.planning import plan as plan_module
from smskit.planning.fingerprint import former_hash
from smskit.planning.occurrence import with_occurrence
from smskit.planning.spec import CampaignSpec, read_file
from smskit.reporting import frames, report
from smskit.sending.campaign import Campaign
from smskit.sending.run_record import as_data
from smskit.sending.session import open_campaign, reopen_campaign
from smskit.settings import Environment
from smskit.simulator import Simulator
from tests import live
from tests.conftest import ROOT

OLD = ROOT / "tests" / "data" / "ledgers" / "6335d87"
NOW = datetime(2026, 11, 17, 4, tzinfo=UTC)  # in the week of the occurrence that was paused
TEST = "welcome.test-20261128T193902"


def restore(folder: Path) -> Path:
    """The old ledger as a file."""
    place = folder / "ledger.db"
    with closing(sqlite3.connect(place)) as connection:
        connection.executescript((OLD / "ledger.sql").read_text(encoding="utf-8"))
    return place


def dumped(place: Path) -> list[str]:
    """All a ledger holds, as text."""
    with closing(sqlite3.connect(place)) as connection:
        return list(connection.iterdump())


def opened(place: Path) -> Ledger:
    return Ledger(f"sqlite:///{place}")


def told(ledger: Ledger) -> dict[str, Any]:
    """What is said of a ledger, as ``books.json`` has it of the old one."""
    campaigns = [
        {
            "status": report.status(ledger, row),
            "messages": [
                line
                for frame in frames.messages(ledger, row, reveal=True)
                for line in json.loads(frame.to_json(orient="records", date_format="iso"))
            ],
        }
        for row in ledger.campaigns.find()
    ]
    found = {"campaigns": campaigns, "runs": [as_data(run) for run in ledger.runs.find()]}
    plain: dict[str, Any] = json.loads(json.dumps(found | {"opt_outs": ledger.opt_outs.rows()}))
    return plain


def test_an_old_ledger_tells_the_same(tmp_path: Path) -> None:
    """
    Counts, messages, runs and opt-outs are to the letter what the commit that wrote it said of them.

    What it had not kept is null: how many rows were read and ruled out, who approved it, since when it is
    archived.
    """
    ledger = opened(restore(tmp_path))
    found = told(ledger)
    ledger.close()
    names = ("read", "ruled_out", "approval", "archived_at")
    new = {c["status"].pop(name) for c in found["campaigns"] for name in names}

    assert new == {None}
    assert [c["status"].pop("senders") for c in found["campaigns"]] == [[]] * len(found["campaigns"])
    assert found == json.loads((OLD / "books.json").read_text(encoding="utf-8"))


def test_an_old_ledger_does_not_know_whom_rules_left_out(tmp_path: Path) -> None:
    """It says so of a campaign with rules; of one without, somebody it does not have was not in the file."""
    place = restore(tmp_path)
    with closing(sqlite3.connect(place)) as connection, connection:
        ruled = """UPDATE campaign SET summary = json_set(summary, '$.steps', json('[{"rule": "a == 1"}]'))"""
        connection.execute(ruled + " WHERE name = 'welcome' AND mode = 'live'")
    ledger = opened(place)
    said = {}
    for mode in (Mode.LIVE, Mode.REHEARSE):
        row = ledger.campaigns.get("welcome", mode)
        assert row is not None
        with pytest.raises(InputError) as caught:
            report.why(ledger, row, "nobody")
        said[mode] = str(caught.value)
        assert report.why(ledger, row, "u000000").startswith("u000000 (138****0000): ")
    ledger.close()

    assert said[Mode.LIVE] == (
        "nobody is not in the segment of campaign welcome (live); "
        "whom its rules left out was not kept by this version of the ledger"
    )
    assert said[Mode.REHEARSE] == (
        "nobody is not in the file that was read at 2026-11-29 03:39 for campaign welcome (rehearse)"
    )


def test_what_the_old_ids_said_is_in_columns(tmp_path: Path) -> None:
    """Series, kind and parent by the old rules, also of the series a campaign is opened with again."""
    ledger = opened(restore(tmp_path))
    rows = ledger.campaigns.find()
    found = {(r.name, str(r.mode)): (r.series, r.kind, r.parent) for r in rows}
    made = ledger.campaigns.made_ids()
    ledger.close()

    assert found == {
        ("welcome", "rehearse"): ("welcome", Kind.CAMPAIGN, ""),
        (TEST, "live"): (TEST, Kind.TEST, "welcome"),
        ("welcome", "live"): ("welcome", Kind.CAMPAIGN, ""),
        ("weekly-vip-2026-W46", "live"): ("weekly-vip", Kind.CAMPAIGN, ""),
        ("weekly-vip-2026-W47", "live"): ("weekly-vip", Kind.CAMPAIGN, ""),
        ("weekly-vip-2026-W48", "plan"): ("weekly-vip", Kind.CAMPAIGN, ""),
        ("spring-2026-03", "live"): ("spring", Kind.CAMPAIGN, ""),
        ("welcome.again-1", "live"): ("welcome.again-1", Kind.FOLLOW_UP, "welcome"),
        ("welcome-2", "rehearse"): ("welcome-2", Kind.COPY, "welcome"),
    }
    assert [CampaignSpec.from_data(r.spec).series_name for r in rows] == [r.series for r in rows]
    assert made == {name: (kind, parent) for (name, _), (_, kind, parent) in found.items() if parent}


@pytest.mark.parametrize("by", ["file", "id"])
@pytest.mark.parametrize("name", ["weekly-vip-2026-W47", "spring-2026-03"])
def test_row_22_an_old_live_campaign_goes_on(
    tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, name: str, by: str
) -> None:
    """It sends to those who waited, each once, and to nobody else; from its old file as by its id."""
    shutil.copytree(OLD, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    ledger = opened(restore(tmp_path))
    row = ledger.campaigns.get(name, Mode.LIVE)
    assert row is not None
    before, lines = ledger.audience.counts(row.id), pd.concat(frames.messages(ledger, row, reveal=True))
    waiting = lines.loc[lines["state"] == "waiting", "phone"].tolist()
    environment = Environment(live.SINGLES.environ(simulator.url, tmp_path))
    live.approve(simulator, live.SINGLES)

    def from_file() -> Campaign:
        data = with_occurrence(read_file(f"{name.split('-')[0]}.yaml"), now=NOW)
        return open_campaign(CampaignSpec.from_data(data), environment=environment)

    campaign = from_file() if by == "file" else reopen_campaign(row, environment=environment)
    outcome = campaign.send()
    sent = [message.phone for message in simulator.world.messages()]
    again = ledger.campaigns.get(name, Mode.LIVE)
    campaign.ledger.close()
    ledger.close()

    assert before.waiting == len(waiting) > 0
    assert sorted(f"+86{phone[-11:]}" for phone in sent) == sorted(waiting)
    assert (outcome.books.waiting, outcome.books.accepted) == (0, before.accepted + before.waiting)
    assert again is not None
    assert (again.plan_hash, again.series) == (row.plan_hash, row.series)


@pytest.mark.parametrize(
    ("file", "more", "then"),
    [
        pytest.param("weekly", {}, "weekly-vip-2026-W48", id="placeholder"),
        pytest.param("spring", {"series": "spring"}, "spring-2026-03", id="series-named"),
        pytest.param("spring", {}, "", id="looks-like-an-occurrence"),
    ],
)
def test_plans_are_those_of_the_old_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, more: dict[str, str], then: str
) -> None:
    """The same parameters give the same people and hash; a series that was only guessed is none any more."""
    shutil.copytree(OLD, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    old = {c["status"]["campaign"]: c for c in json.loads((OLD / "books.json").read_text())["campaigns"]}
    data = read_file(f"{file}.yaml") | {"mode": "plan"} | more
    spec = CampaignSpec.from_data(with_occurrence(data, now=NOW + timedelta(days=7)))
    environment = Environment(live.SINGLES.environ("http://127.0.0.1:9", tmp_path / "new"))
    (tmp_path / "new").mkdir()
    campaign = open_campaign(spec, environment=environment)
    monkeypatch.setattr(plan_module, "plan_hash", former_hash)  # by which that commit told plans apart
    plan = campaign.plan()
    campaign.ledger.close()

    assert plan.excluded["holdout"] > 0
    assert (plan.hash in {c["status"]["plan_hash"] for c in old.values()}) is bool(then)
    assert not then or plan.hash == old[then]["status"]["plan_hash"]


def test_migrated_is_what_a_new_one_is(tmp_path: Path) -> None:
    """Tables, columns, keys and indexes of a migrated ledger are those of one made today."""

    def shape(place: Path) -> dict[str, Any]:
        opened(place).close()
        found = sa.inspect(sa.create_engine(f"sqlite:///{place}"))
        return {
            table: (
                {c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in found.get_columns(table)},
                found.get_pk_constraint(table)["constrained_columns"],
                sorted(str(index["column_names"]) for index in found.get_indexes(table)),
                sorted(str(unique["column_names"]) for unique in found.get_unique_constraints(table)),
            )
            for table in found.get_table_names()
            if not table.startswith("simulator_") and table not in rehearsed
        }

    old, new = restore(tmp_path), tmp_path / "new.db"
    fresh = opened(new)
    fresh.close()
    with closing(sqlite3.connect(new)) as connection:
        own = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    with closing(sqlite3.connect(old)) as connection:
        held = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    rehearsed = held - own  # the simulator keeps its account of rehearsals in the same file

    assert shape(old) == shape(new)


def test_the_old_one_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A copy of the file as it was lies beside it, for its owner alone; opened again, none is made."""
    place = restore(tmp_path)
    before = dumped(place)
    opened(place).close()
    (copy,) = tmp_path.glob("*.before-schema-*")
    mode, kept = stat.S_IMODE(copy.stat().st_mode), dumped(copy)
    copy.unlink()
    opened(place).close()

    assert (mode, kept) == (0o600, before)
    assert copy.name == f"ledger.before-schema-{CURRENT}.db"
    assert [record.message for record in caplog.records if "smskit" in record.name] == [
        f"smskit: the ledger is now of schema {CURRENT}; as it was before it is in {copy}"
    ]
    assert list(tmp_path.glob("*.before-schema-*")) == []


def test_row_22_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    """What a later version wrote is left as it is to the byte, and the sentence says what to do."""
    place = tmp_path / "ledger.db"
    opened(place).close()
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
        connection.commit()
    before = place.read_bytes()
    with pytest.raises(LedgerError, match=r"newer smskit .*0999.* Nothing was changed: install that smskit"):
        opened(place)

    assert place.read_bytes() == before
    assert [path.name for path in tmp_path.glob("ledger*")] == ["ledger.db"]


def test_row_22_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    """At whichever statement it ends, the ledger is what it was, and the next opening migrates it."""
    place = restore(tmp_path)
    before, failed = dumped(place), 0

    def fail(at: int) -> Callable[..., None]:
        left = [at]

        def failing(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if not statement.startswith(("PRAGMA", "SELECT", "BEGIN")):
                left[0] -= 1
                if left[0] < 0:
                    raise RuntimeError("no more")

        return failing

    for at in range(100):
        listener = fail(at)
        sa.event.listen(sa.Engine, "before_cursor_execute", listener)
        try:
            opened(place).close()
            break
        except LedgerError:
            failed += 1
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", listener)
        assert dumped(place) == before

    assert failed > 10  # as many as there are statements that change something
    assert dumped(place) != before


def test_a_killed_migration_changes_nothing(tmp_path: Path) -> None:
    """A process that is gone in the middle leaves the ledger as it was; the next one migrates it."""
    place = restore(tmp_path)
    before = dumped(place)
    code = f"""
import os, sqlalchemy as sa
from smskit.ledger import Ledger

@sa.event.listens_for(sa.Engine, "before_cursor_execute")
def killed(conn, cursor, statement, *_):
    if statement.startswith("UPDATE campaign"):
        os._exit(9)

Ledger("sqlite:///{place}")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    after = dumped(place)
    ledger = opened(place)
    series = {row.series for row in ledger.campaigns.find()}
    ledger.close()

    assert done.returncode == 9, done.stderr
    assert after == before
    assert "weekly-vip" in series


def test_two_that_open_it_at_once(tmp_path: Path) -> None:
    """One migrates, the other waits and finds it done."""
    place = restore(tmp_path)
    found: list[int] = []

    def use() -> None:
        ledger = opened(place)
        found.append(len(ledger.campaigns.find(series="weekly-vip")))
        ledger.close()

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [3] * 4
    assert len(list(tmp_path.glob("*.before-schema-*"))) == 1


def test_a_ledger_from_before_some_tables(tmp_path: Path) -> None:
    """What an even older version did not have yet is made."""
    place = restore(tmp_path)
    with closing(sqlite3.connect(place)) as connection:
        connection.executescript("DROP TABLE run; DROP TABLE counter; DROP TABLE account_check;")
        connection.executescript("DROP TABLE account_offer; DROP TABLE canary;")
    ledger = opened(place)
    ledger.opt_outs.add([8613800990010], source="test")

    assert ledger.runs.find() == []
    assert ledger.accounts.last_check("yunpian", Mode.LIVE) is None
    assert len(ledger.campaigns.find()) == 9
    ledger.close()


def test_old_replies_count_as_they_did(tmp_path: Path) -> None:
    """A reply that was an opt-out is a clear one, another none; none of them waits for a decision."""
    place = restore(tmp_path)
    with closing(sqlite3.connect(place)) as connection:
        rows = [("acme", "live", f"r{n}", 8613800990010 + n, "烦", 1.0, n) for n in range(2)]
        connection.executemany("INSERT INTO reply VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        connection.commit()
    ledger = opened(place)
    found = {reply.reply_id: str(reply.answer) for reply in ledger.replies.find("acme", Mode.LIVE)}
    waiting = ledger.replies.undecided()
    ledger.close()

    assert (found, waiting) == ({"r0": "not", "r1": "opt-out"}, [])


def test_the_versions_are_those_of_the_migrations() -> None:
    """The list that is looked at without alembic is alembic's own chain."""
    config = Config()
    config.set_main_option("script_location", str(Path(smskit.ledger.__file__).parent / "migrations"))
    script = ScriptDirectory.from_config(config)

    assert [found.revision for found in script.walk_revisions()][::-1] == list(KNOWN)
    assert script.get_heads() == [CURRENT]


def test_alembic_is_imported_for_a_migration_only(tmp_path: Path) -> None:
    """Neither a new ledger nor one that is up to date waits for it."""
    code = f"""
import sys
from smskit.ledger import Ledger

for _ in range(2):
    Ledger("sqlite:///{tmp_path / "ledger.db"}").close()
print("alembic" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
