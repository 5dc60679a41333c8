"""
The benches by name: each yields rows of the table, running its jobs in turn, round by round.

A goal is copied from the project's page of figures to reach; nothing here decides what is good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.growing import growth, memory
from bench.killing import kill
from bench.large import freezing, hashing, large
from bench.looking import browser, measure, reading, startup
from bench.planning import bodies, phones, plan
from bench.pulling import receipts
from bench.run import Run
from bench.scheduled import scheduled
from bench.sending import campaign, carriers, latency, pacing, providers, simulated, singles
from bench.sharing import senders, status, takeover
from bench.table import Row

BENCHES: dict[str, Callable[[Run], Iterator[Row]]] = {
    bench.__name__: bench
    for bench in (
        plan,
        phones,
        bodies,
        campaign,
        simulated,
        latency,
        singles,
        carriers,
        pacing,
        senders,
        takeover,
        status,
        providers,
        memory,
        growth,
        hashing,
        freezing,
        large,
        kill,
        receipts,
        reading,
        measure,
        startup,
        scheduled,
        browser,
    )
}
