"""
The bench of runs that are killed, by the simulator's own count.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench import campaigns, child
from bench.run import LATENCY_S, SIXTEEN, Run
from bench.simulator import simulating
from bench.table import Row, row


def kill(run: Run) -> Iterator[Row]:
    """One campaign killed three times and resumed by command line each time; the simulator is the judge."""
    concurrency, batch = 16, 50 if run.quick else 200
    settings = SIXTEEN | {"batch_size": batch, "record_lag_s": 1}
    uncertain: list[int] = []
    started: list[float] = []
    with simulating() as simulator, run.scratch() as folder:
        simulator.latency(LATENCY_S)
        variables = campaigns.environ(simulator.url, folder, settings)
        data = campaigns.parameters(run.segment(run.rows))
        process = child.start(campaigns.run, data=data, variables=variables)
        for share in (0.2, 0.4, 0.6):
            simulator.wait_for(int(share * run.rows), process)
            process.kill()
            process.wait()
            uncertain.append(child.call(campaigns.books, variables=variables)["submitting"])
            started.append(time.time())
            process = campaigns.command(variables, "resume", campaigns.NAME, "--mode", "live")
        simulator.wait_for(int(0.7 * run.rows), process)
        simulator.latency(0.0)
        status, took = process.wait(), time.time() - started[-1]
        after = child.call(campaigns.books, variables=variables)
        judged, times = simulator.summary(), simulator.times()
    yield row(
        f"people uncertain after a kill, of {run.rows:,}; {concurrency} at once × {batch}",
        [max(uncertain)],
        "people",
        at_most=concurrency * batch,
        beside=f"by kill: {', '.join(f'{n:,}' for n in uncertain)}",
        server="simulator",
    )
    yield row(
        "messaged twice, or not at all, after three kills",
        [judged["doubled"] + run.rows - judged["phones"]],
        "people",
        at_most=0,
        beside=f"{after['accepted']:,} accepted, {after['unknown']:,} unknown, {after['waiting']:,} waiting; "
        f"the last run, which asked about {sum(uncertain):,}, took {took:.0f} s and ended with {status}",
        server="simulator",
    )
    yield row(
        "first new message after `smskit resume` starts",
        [min(at for at in times if at > start) - start for start in started],
        "s",
        at_most=1.0,
        server="simulator",
    )
