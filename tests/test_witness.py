"""A ledger that has forgotten what was sent from it is not sent from."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from smskit.errors import GuardRefused, LedgerError
from smskit.ledger import Ledger
from smskit.sending.witness import demand_current, remember
from smskit.simulator import Simulator
from tests import live
from tests.postgres import Server


def test_a_restored_backup_is_not_sent_from(simulator: Simulator, tmp_path: Path) -> None:
    """Whoever had sent by the ledger refuses to send by a copy from before; the file it names ends that."""
    live.approve(simulator, live.SINGLES)
    environ = live.SINGLES.environ(simulator.url, tmp_path)
    people = live.segment(tmp_path / "people.csv", 3)
    others = live.segment(tmp_path / "others.csv", 3, first=13900100000)
    backup = tmp_path / "backup.db"
    live.send(live.data(live.SINGLES, people), environ)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as now, closing(sqlite3.connect(backup)) as then:
        now.backup(then)
    live.send(live.data(live.SINGLES, others, campaign="live-2"), environ)
    restored = environ | {"SMSKIT_DATABASE_URL": f"sqlite:///{backup}"}
    with pytest.raises(GuardRefused, match="older than what was sent from it") as refused:
        live.send(live.data(live.SINGLES, others, campaign="live-2"), restored)
    (file,) = (tmp_path / "config" / "ledgers").iterdir()

    assert str(file) in str(refused.value)
    assert simulator.world.accepted() == 6
    file.unlink()
    assert live.send(live.data(live.SINGLES, others, campaign="live-3"), restored).state == "finished"


def test_a_forgotten_rehearsal_is_no_loss(ledger: Ledger) -> None:
    """Only live campaigns count, and another ledger is another matter."""
    remember(ledger)
    demand_current(ledger)
    with ledger.database.write() as conn:
        conn.exec_driver_sql(
            "INSERT INTO event (campaign_id, chunk, kind, at, positions, states, facts) "
            "VALUES (99, 0, 'claim', 0, '', '', '')"
        )
    remember(ledger)
    with ledger.database.write() as conn:
        conn.exec_driver_sql("DELETE FROM event")

    demand_current(ledger)


def test_a_ledger_in_memory_has_no_witness(tmp_path: Path) -> None:
    """Nothing is written for it."""
    ledger = Ledger("sqlite://")
    remember(ledger)
    demand_current(ledger)
    ledger.close()

    assert not (tmp_path / "config" / "ledgers").exists()


def test_a_server_that_lost_a_confirmed_commit(postgres: Server) -> None:
    """After the connection was lost, a server without our last commit is told from one that has it."""
    with postgres.schema() as url:
        ledger = Ledger(url, patience_s=5.0)
        ledger.opt_outs.add([8613800138000], source="by hand")
        ledger.database.engine.dispose()
        ledger.opt_outs.add([8613800138001], source="by hand")
        with postgres.connect() as session:  # as a standby that lacked it, or a backup
            session.execute(f"SET search_path = {url.rpartition('search_path%3D')[2].partition('%')[0]}")
            session.execute("UPDATE writer SET writes = writes - 1")
        ledger.database.engine.dispose()
        with pytest.raises(LedgerError, match="has lost commits that it had confirmed"):
            ledger.opt_outs.add([8613800138002], source="by hand")
        ledger.close()
