"""
The benches of segments larger than memory: planned by two workers and in memory, and the hash of both.

Memory is proportional, of all processes of a plan together, looked at from outside; processor time is theirs
together, with the start of the workers.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

import psutil

from bench import campaigns, child, segments
from bench.run import Run, times
from bench.sharing import postgres_server
from bench.table import Row, ratios, row, seconds

_NOWHERE = "http://127.0.0.1:9"
_WORKERS = 2
_EVERY_S = 0.2  # memory is looked at so often


def large(run: Run) -> Iterator[Row]:
    """30 times the people planned in parts and in memory, once each; 12 times the people in parts."""
    most, fewer = 30 * run.rows, 12 * run.rows
    few = _plan(run, fewer, "dask")
    many = _plan(run, most, "dask")
    memory = _plan(run, most, "memory")
    if many["plan"] != memory["plan"]:
        raise child.JobFailed(f"not the same plan: {many['plan']} and {memory['plan']}")
    words = f"plan of {most:,} rows by {_WORKERS} workers"
    for what, figure, unit, goal in (
        ("memory", "peak_mib", "MiB", 0.25),
        ("processor time", "used_s", "s", 2.5),
        ("time", "took_s", "s", 1.5),
    ):
        yield row(
            f"{words} / in memory, {what}",
            [many[figure] / memory[figure]],
            "×",
            at_most=goal,
            beside=f"{many[figure]:,.0f} / {memory[figure]:,.0f} {unit}; the same plan",
        )
    yield row(f"{words}, peak memory", [many["peak_mib"]], "MiB", at_most=2048)
    yield row(
        f"{words} / of {fewer:,}, memory",
        [many["peak_mib"] / few["peak_mib"]],
        "×",
        at_most=1.4,
        beside=f"{many['peak_mib']:,.0f} / {few['peak_mib']:,.0f} MiB; processor time "
        f"{many['used_s']:,.0f} / {few['used_s']:,.0f} s",
    )


def hashing(run: Run) -> Iterator[Row]:
    """The hash of a plan by buckets of phones against the one before, which could not be made in parts."""
    found = child.call(hashes, people=run.rows, rounds=max(5, run.rounds))
    yield row(
        f"hash of a plan by buckets / as it was before, {run.rows:,} people, processor time",
        ratios(found["new"], found["old"]),
        "×",
        at_most=1.2,
        beside=f"{seconds(found['new'])} / {seconds(found['old'])}",
    )


def freezing(run: Run) -> Iterator[Row]:
    """An audience written into PostgreSQL and into a file."""
    people = 6 * run.rows // 5
    data = campaigns.parameters(run.segment(people))
    server, file = [], []
    with postgres_server() as postgres:
        for _ in range(run.rounds):
            for found, url in ((server, _schema(postgres)), (file, "")):
                with run.scratch() as folder:
                    variables = campaigns.environ(_NOWHERE, folder, {})
                    variables |= {"SMSKIT_DATABASE_URL": url} if url else {}
                    found.append(child.call(campaigns.freeze, data=data, variables=variables))
    yield row(
        f"freeze of {people:,} people, PostgreSQL / SQLite",
        ratios(times(server, "freeze_s"), times(file, "freeze_s")),
        "×",
        at_most=2.0,
        beside=f"{seconds(times(server, 'freeze_s'))} / {seconds(times(file, 'freeze_s'))}",
    )


def _schema(postgres: Any) -> str:
    name = f"f{time.time_ns()}"
    with postgres.connect() as session:
        session.execute(f"CREATE SCHEMA {name}")
    return str(postgres.url(name))


def _plan(run: Run, rows: int, engine: str) -> dict[str, Any]:
    """Plan a segment of so many rows, in a process of its own with workers of its own."""
    folder = run.folder / f"large-{rows}"
    if not folder.exists():
        child.call(segments.write_large, rows=rows, folder=str(folder))
    parameters: dict[str, Any] = {
        "template": segments.LARGE_TEMPLATE,
        "variables": {"name": "name", "amount": "amount"},
        "engine": engine,
    }
    with run.scratch() as scratch:
        variables = campaigns.environ(_NOWHERE, scratch, {})
        variables |= {"SMSKIT_DASK_WORKERS": str(_WORKERS)}
        child.call(opt_out, rows=rows, variables=variables)
        data = campaigns.parameters(str(folder), **parameters)
        with Watch() as watch:
            done: dict[str, Any] = child.call(plan, data=data, variables=variables)
    return done | {"peak_mib": watch.peak_mib, "used_s": watch.used_s}


# -- jobs -----------------------------------------------------------------------------------


def opt_out(*, rows: int, variables: dict[str, str]) -> None:
    """Opt out every thirtieth of those rows."""
    from smskit.ledger.opening import open_ledger
    from smskit.settings import Environment

    phones = segments.large_phones(range(7, rows, 30)).tolist()
    open_ledger(Environment(dict(variables))).opt_outs.add([int(f"86{n}") for n in phones], source="bench")


def plan(*, data: dict[str, Any], variables: dict[str, str]) -> dict[str, Any]:
    """
    Plan a campaign.

    Returns:
        took_s, and plan: what it came to.
    """
    started = time.perf_counter()
    made = campaigns.opened(data, variables).plan()
    took_s = time.perf_counter() - started
    return {"took_s": took_s, "plan": [made.hash, made.planned, made.total_parts, made.excluded]}


def hashes(*, people: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of processor time that both hashes of one plan take, in turn."""
    import numpy as np
    import pyarrow as pa

    from smskit.message.template import Template
    from smskit.planning.fingerprint import former_hash, plan_hash

    template = Template.parse(segments.TEMPLATE, signature=segments.SIGNATURE)
    frame = segments.frame(people)
    phones = frame["phone"].astype("int64").to_numpy() + 86 * 10**11
    texts = {
        name: pa.array(frame[name].astype("str"), pa.large_string()) for name in ("user_id", *template.names)
    }
    persons, planned = texts.pop("user_id"), np.arange(people)

    def used(make: Callable[..., str]) -> float:
        before = time.process_time()
        make("yunpian", "", template, planned, phones, persons, texts)
        return time.process_time() - before

    found: dict[str, list[float]] = {"new": [], "old": []}
    for _ in range(rounds):
        found["new"].append(used(plan_hash))
        found["old"].append(used(former_hash))
    return found


class Watch:
    """
    What all processes below this one take meanwhile.

    Attributes:
        peak_mib: Most proportional memory of them together.
        used_s: Processor time of all of them.
    """

    def __init__(self) -> None:
        self.peak_mib = 0.0
        self._used: dict[int, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    @property
    def used_s(self) -> float:
        return sum(self._used.values())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_EVERY_S):
            now = 0
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    clock, memory = process.cpu_times(), process.memory_full_info()
                    self._used[process.pid] = clock.user + clock.system
                    now += getattr(memory, "pss", memory.uss)
            self.peak_mib = max(self.peak_mib, now / (1 << 20))
