"""
The record of runs: who sent what, when, from which file, and how it ended.

A row is written when a run begins and changed when it ends, so a run that died
stays as running; whether its process is still there is looked up when asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from smskit.i18n import dumps_data, loads_data
from smskit.ledger.database import LedgerPart
from smskit.ledger.processes import is_here, lives, this_process
from smskit.ledger.schema import CAMPAIGN, RUN, SENDER
from smskit.ledger.seals import as_written
from smskit.models import Mode

ELSEWHERE_S = 3600.0
_JSON = ("plan", "books", "versions")
_TIMES = ("started_at", "ended_at")


class RunRow(NamedTuple):
    """One run as the ledger has it. Times are epoch seconds."""

    id: int
    token: str  # of whoever started the process, "" = nobody said one
    campaign: str  # "" when the parameters did not even name one
    mode: str
    series: str
    provider: str
    state: str  # running, finished, paused, refused, failed, died
    exit_code: int | None  # None while it runs, and when it died
    message: str  # why it did not finish, in words; no phone, no key
    user: str
    host: str
    pid: int
    process_started: float
    started_at: float
    ended_at: float | None
    file: str  # the parameter file, "" when not known
    notebook: str
    executed: str  # the executed notebook
    plan_hash: str
    plan: dict[str, Any] | None  # `Plan.summary`, when there was a plan
    books: dict[str, Any] | None  # `report.status`, when there was an audience
    versions: dict[str, str]
    report: str  # path of the HTML report
    told: str  # how the hook took it

    @classmethod
    def of(cls, row: Any) -> RunRow:
        """
        Read a database row.

        Raises:
            LedgerDamaged: it is not what was written.
        """
        values = row._asdict()
        with as_written(row.campaign, row.mode, "run"):
            mode = Mode(row.mode)
            times = {name: values[name] and float(values[name]) for name in _TIMES}
            return cls(**values | times | {"mode": mode} | {n: loads_data(values[n]) for n in _JSON})


class Runs(LedgerPart):
    """The runs of a ledger."""

    def begin(self, **values: Any) -> RunRow:
        """
        Write down that this process begins a run, now.

        Args:
            values: Fields of ``RunRow``; who, when and the state are filled in.
        """
        host, pid, started = this_process()
        here = {"host": host, "pid": pid, "process_started": started}
        row = {"state": "running", "started_at": self._database.clock()} | here | _as_text(values)
        with self._database.write() as conn:
            key = conn.execute(RUN.insert().values(**row)).inserted_primary_key
            assert key is not None
            return RunRow.of(conn.execute(sa.select(RUN).where(RUN.c.id == key[0])).one())

    def change(self, run_id: int, **values: Any) -> RunRow:
        """Write down what became of a run; other fields stay."""
        with self._database.write() as conn:
            if values:
                conn.execute(RUN.update().where(RUN.c.id == run_id).values(**_as_text(values)))
            return RunRow.of(conn.execute(sa.select(RUN).where(RUN.c.id == run_id)).one())

    def find(
        self,
        *,
        campaign: str | None = None,
        mode: Mode | None = None,
        series: str | None = None,
        token: str | None = None,
        state: str | None = None,
        last: int | None = None,
    ) -> list[RunRow]:
        """Runs that match, oldest first; one whose process is gone reads ``died``."""
        wanted = {"campaign": campaign, "mode": mode, "series": series, "token": token}
        query = sa.select(RUN).order_by(RUN.c.id.desc())
        for name, value in wanted.items():
            if value is not None:
                query = query.where(RUN.c[name] == str(value))
        if state is not None:
            # What is stored as running may have died: told apart below.
            query = query.where(RUN.c.state.in_({state, "running"} if state == "died" else {state}))
        with self._database.read() as conn:
            rows = conn.execute(query.limit(last)).all()
            found = [RunRow.of(row) for row in reversed(rows)]
            found = [
                row._replace(state="died") if row.state == "running" and self._gone(conn, row) else row
                for row in found
            ]
        return found if state is None else [row for row in found if row.state == state]

    def reap(self, *, series: str, mode: Mode, but_not: Sequence[int] = ()) -> list[RunRow]:
        """Write down as died those runs of a series whose process is gone; each is returned once."""
        open_ = [row for row in self.find(series=series, mode=mode, state="died") if row.id not in but_not]
        reaped = []
        with self._database.write() as conn:
            for row in open_:
                still = (RUN.c.id == row.id) & (RUN.c.state == "running")
                if conn.execute(RUN.update().where(still).values(state="died")).rowcount:
                    reaped.append(row)
        return reaped

    def _gone(self, conn: sa.Connection, row: RunRow) -> bool:
        if is_here(row.host):
            return not lives(row.pid, row.process_started)
        # Of another machine, or before it started anew, only the sender is known: one that gave no sign of
        # life in time is dead, and so is its run. Before and after it sends a run is none.
        now = self._database.clock()
        last = sa.select(sa.func.max(SENDER.c.until)).join(CAMPAIGN, CAMPAIGN.c.id == SENDER.c.campaign_id)
        last = last.where(CAMPAIGN.c.name == row.campaign, CAMPAIGN.c.mode == row.mode)
        until = conn.execute(last.where(SENDER.c.host == row.host, SENDER.c.pid == row.pid)).scalar()
        return row.started_at < now - ELSEWHERE_S if until is None else bool(until < now)


def _as_text(values: dict[str, Any]) -> dict[str, Any]:
    return {name: dumps_data(value) if name in _JSON else value for name, value in values.items()}
