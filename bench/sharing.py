"""
Several senders of one campaign: what they add, what a server costs, and whether they keep to one pace.

Rates are those of the middle half of the people, when all senders are at work.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING

from bench import campaigns, child
from bench.server import Server
from bench.table import Row, ratios, row
from tests.postgres import Server as Postgres

if TYPE_CHECKING:
    from bench.run import Run

_LATENCY_S = 0.05
_CALLS: dict[str, object] = {"multi_send": True, "batch_size": 10, "concurrency": 2}
_SENDERS = 4
_ONE_SENDS = 3_000  # people, in some ten seconds
_LIMIT = 20  # requests a second
_PATIENCE_S = 300.0


def senders(run: Run) -> Iterator[Row]:
    """Four senders against one, a server against a file, and three under a limit."""
    one, four, file = [], [], []
    shares, busiest = [], []
    with postgres_server() as postgres, Server() as server:
        for _ in range(run.rounds):
            for rates, count, url in ((one, 1, True), (four, _SENDERS, True), (file, 1, False)):
                people = _ONE_SENDS * count
                server.reset(latency_s=_LATENCY_S)
                rates.append(_rate(run, server, postgres if url else None, people, count, _CALLS))
            server.reset(latency_s=_LATENCY_S)
            paced = _CALLS | {"requests_per_second": _LIMIT, "concurrency": 4}
            rate = _rate(run, server, postgres, _LIMIT * 10 * 15, 3, paced)
            shares.append(100 * rate / 10 / _LIMIT)
            busiest.append(float(server.counts().busiest))
    yield row(
        f"{_SENDERS} senders / 1, people a second on PostgreSQL",
        ratios(four, one),
        "×",
        at_least=2.5,
        beside=f"{_people(four)} / {_people(one)}; a provider that takes 50 ms, 2 calls of 10 at once each",
        server="bare",
    )
    yield row(
        "1 sender, PostgreSQL / SQLite, time of sending",
        ratios(file, one),
        "×",
        at_most=1.3,
        beside=f"{_people(one)} / {_people(file)}",
        server="bare",
    )
    yield row(f"share of a limit of {_LIMIT}/s that 3 senders use", shares, "%", at_least=97, server="bare")
    yield row(
        "requests in the busiest of all seconds, 3 senders",
        [max(busiest)],
        "requests",
        at_most=_LIMIT,
        beside=f"by round: {', '.join(f'{n:.0f}' for n in busiest)}",
        server="bare",
    )


def takeover(run: Run) -> Iterator[Row]:
    """Of two senders of one chunk of people the one that has it is killed: when does the other go on?"""
    waited: list[float] = []
    with postgres_server() as postgres, Server() as server:
        for _ in range(run.rounds):
            server.reset(latency_s=_LATENCY_S)
            with run.scratch() as folder:
                settings = _CALLS | {"requests_per_second": 5}
                variables = campaigns.environ(server.url, folder, settings)
                variables["SMSKIT_DATABASE_URL"] = _schema(postgres)
                data = campaigns.parameters(run.segment(1_000))
                pair = [child.start(campaigns.run, data=data, variables=variables) for _ in range(2)]
                at_work = child.call(campaigns.await_senders, count=2, variables=variables)
                os.kill(at_work, signal.SIGKILL)
                killed = time.time()
                time.sleep(4 * _LATENCY_S)  # what was on its way has come
                before = server.counts().requests
                while server.counts().requests == before and time.time() < killed + _PATIENCE_S:
                    time.sleep(0.02)
                waited.append(time.time() - killed)
                for process in pair:
                    process.kill()
                    process.wait()
    yield row(
        "a sender is killed: first message of whoever takes its people over, same machine",
        waited,
        "s",
        at_most=10,
        server="bare",
    )


def status(run: Run) -> Iterator[Row]:
    """The status of a large campaign on a server against a file, the ledger open."""
    data = campaigns.parameters(run.segment(run.rows))
    on_server, on_file = [], []
    with postgres_server() as postgres, run.scratch() as folder:
        file = campaigns.environ("http://127.0.0.1:9", folder, {})
        both = ((on_server, file | {"SMSKIT_DATABASE_URL": _schema(postgres)}), (on_file, file))
        for _, variables in both:
            child.call(campaigns.freeze, data=data, variables=variables)
        for _ in range(run.rounds):
            for found, variables in both:
                read = child.call(campaigns.read_back, variables=variables, persons=[], rounds=20)
                found.append(median(read["status"]))
    yield row(
        f"status of {run.rows:,} people, PostgreSQL / SQLite, ledger open",
        ratios(on_server, on_file),
        "×",
        at_most=2.0,
        beside=f"{1000 * median(on_server):.1f} / {1000 * median(on_file):.1f} ms",
    )


def _schema(postgres: Postgres) -> str:
    name = f"s{time.time_ns()}"
    with postgres.connect() as session:
        session.execute(f"CREATE SCHEMA {name}")
    return postgres.url(name)


def _people(rates: list[float]) -> str:
    return f"{sorted(rates)[len(rates) // 2]:,.0f}/s"


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """A server of its own, gone afterwards."""
    made = Postgres()
    try:
        yield made
    finally:
        made.close()


def _rate(
    run: Run,
    server: Server,
    postgres: Postgres | None,
    people: int,
    count: int,
    settings: Mapping[str, object],
) -> float:
    """
    People a second that *count* senders of a fresh ledger come to.

    Raises:
        JobFailed: not everybody was sent to, or somebody twice.
    """
    with run.scratch() as folder:
        variables = campaigns.environ(server.url, folder, settings)
        if postgres is not None:
            variables["SMSKIT_DATABASE_URL"] = _schema(postgres)
        data = campaigns.parameters(run.segment(people))
        processes = [child.start(campaigns.run, data=data, variables=variables) for _ in range(count)]
        for process in processes:
            process.wait(_PATIENCE_S)
        counts = server.counts()
        if counts.people != people:
            raise child.JobFailed(f"{people:,} people, {counts.people:,} came")
    return counts.steady * people / counts.requests
