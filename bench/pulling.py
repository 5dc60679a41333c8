"""
The bench of receipts: a large campaign's, fetched page by page within what the account allows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench import campaigns, child
from bench.run import MULTI, Run
from bench.simulator import simulating
from bench.table import Row, row

_PAGE = 100  # receipts, the most that Yunpian hands out at once
_ALLOWED = 50  # requests a second
_ANSWERS_S = 0.04
_COME_S = 5.0  # after which the simulator has a receipt for all


def receipts(run: Run) -> Iterator[Row]:
    """`smskit receipts` of a whole campaign, beside the least that the allowed rate makes possible."""
    people = 20_000 if run.quick else 200_000
    least = people / _PAGE / _ALLOWED
    found = []
    for _ in range(run.rounds):
        with simulating() as simulator, run.scratch() as folder:
            variables = campaigns.environ(simulator.url, folder, MULTI)
            data = campaigns.parameters(run.segment(people))
            child.call(campaigns.run, data=data, variables=variables)
            time.sleep(_COME_S)
            simulator.latency(_ANSWERS_S)
            paced = variables | {"SMSKIT_YUNPIAN_REQUESTS_PER_SECOND": str(_ALLOWED)}
            found.append(campaigns.clocked(paced, "receipts", campaigns.NAME))
            left = child.call(campaigns.books, variables=variables)["awaiting"]
        if left > people // 50:  # some never come
            raise child.JobFailed(f"{left:,} of {people:,} receipts did not come")
    yield row(
        f"receipts of {people:,} by pages of {_PAGE}, {_ALLOWED} requests/s allowed / at that rate",
        [took / least for took in found],
        "×",
        at_most=1.1,
        beside=f"{found[0]:.0f} s / {least:.0f} s",
        server="simulator",
    )
