"""
The benches of memory, and of what grows with a campaign.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench import campaigns, child
from bench.run import MULTI, Run, mib, times
from bench.server import Server
from bench.table import Row, ratios, row, seconds


def memory(run: Run) -> Iterator[Row]:
    """Peaks above the loaded frame, phase by phase."""
    with Server() as server:
        for people in (run.rows, 3 * run.rows):
            data = campaigns.parameters(run.segment(people))
            found, alone = [], []
            for _ in range(run.rounds if people == run.rows else 1):
                with run.scratch() as folder:
                    variables = campaigns.environ(server.url, folder, MULTI)
                    found.append(child.call(campaigns.memory, data=data, variables=variables))
                with run.scratch() as folder:
                    variables = campaigns.environ(server.url, folder, MULTI)
                    child.call(campaigns.freeze, data=data, variables=variables)
                    alone.append(child.call(campaigns.send_memory, data=data, variables=variables))
            yield row(
                f"peak memory above the loaded frame, {people:,} people",
                [max(one["plan"], one["send"]) for one in found],
                "MiB",
                at_most=100 if people == run.rows else 200,
                beside=f"planning {mib(found, 'plan')}, kept by the plan {mib(found, 'kept')}, "
                f"sending {mib(found, 'send')}; the frame itself {mib(found, 'frame')}; "
                f"sending what is frozen, above the imports, {mib(alone, 'send')}",
                server="bare",
            )


def growth(run: Run) -> Iterator[Row]:
    """Ten times the people."""
    large, small = 3 * run.rows, 3 * run.rows // 10
    much, little = [], []
    with Server() as server:
        for _ in range(run.rounds):
            much.append(run.campaign(server, large, MULTI))
            little.append(run.campaign(server, small, MULTI))
    yield row(
        f"whole campaign of {large:,} / of {small:,}",
        ratios(times(much), times(little)),
        "×",
        at_most=10,
        beside=f"{seconds(times(much))} / {seconds(times(little))}",
        server="bare",
    )
