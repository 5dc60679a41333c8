"""
How much is measured, and what every bench measures with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from bench import campaigns, child, loops, prototype, segments
from bench.server import Server

BATCH = 1000
MULTI: dict[str, object] = {"multi_send": True, "batch_size": BATCH, "concurrency": 8}
SIXTEEN = MULTI | {"concurrency": 16}
LATENCY_S = 0.05


@dataclass
class Run:
    """
    How much is measured, and where it is kept meanwhile.

    Args:
        rows: People of the large campaigns.
        rounds: How often each thing is timed.
        quick: Smaller samples for everything that does not depend on *rows*.
    """

    rows: int
    folder: Path
    rounds: int = 3
    quick: bool = False
    _segments: dict[int, str] = field(default_factory=dict)

    def segment(self, people: int) -> str:
        """A Parquet file of *people* who pass the rules; made once."""
        if people not in self._segments:
            path = str(self.folder / f"segment-{people}.parquet")
            child.call(segments.write, people=people, path=path)
            self._segments[people] = path
        return self._segments[people]

    @contextmanager
    def scratch(self) -> Iterator[str]:
        """A folder for one ledger, gone afterwards."""
        with TemporaryDirectory(dir=self.folder) as folder:
            yield folder

    def campaign(
        self,
        server: Server,
        people: int,
        settings: Mapping[str, object],
        *,
        provider: str = "yunpian",
        latency_s: float = 0.0,
        ledger: bool = True,
        parameters: Mapping[str, Any] | None = None,
    ) -> dict[str, float]:
        """
        One whole campaign in a fresh process, with a fresh ledger.

        Raises:
            JobFailed: not everybody was accepted, in the ledger's and the server's count.
        """
        server.reset(latency_s=latency_s)
        with self.scratch() as folder:
            done: dict[str, float] = child.call(
                campaigns.run,
                data=campaigns.parameters(self.segment(people), provider, **(parameters or {})),
                variables=campaigns.environ(server.url, folder, settings, provider),
                ledger=ledger,
            )
        came = server.counts().people
        if not done["accepted"] == came == people:
            raise child.JobFailed(f"{people:,} people, {done['accepted']:,} accepted, {came:,} came")
        return done

    def prototype(self, url: str) -> dict[str, float]:
        """
        The tidy prototype over the same people.

        Raises:
            JobFailed: not everybody was accepted.
        """
        with self.scratch() as folder:
            done: dict[str, float] = child.call(
                prototype.run,
                segment=self.segment(self.rows),
                url=url,
                folder=folder,
                concurrency=8,
                batch=BATCH,
            )
        if done["accepted"] != self.rows:
            raise child.JobFailed(f"the prototype got {done['accepted']:,} of {self.rows:,} accepted")
        return done

    def loop(
        self,
        server: Server,
        provider: str,
        people: int,
        *,
        template: str = segments.TEMPLATE,
        record: bool = False,
    ) -> float:
        """Seconds a person that a loop over the vendor's client takes."""
        server.reset()
        with self.scratch() as folder:
            done = child.call(
                loops.run,
                provider=provider,
                segment=self.segment(self.rows),
                url=server.url,
                folder=folder,
                people=people,
                template=template,
                record=record,
            )
        return float(done["each_s"])


def times(found: list[dict[str, float]], name: str = "total_s") -> list[float]:
    """A figure by round."""
    return [one[name] for one in found]


def mib(found: list[dict[str, float]], name: str) -> str:
    """The median of a figure, in MiB."""
    return f"{median(times(found, name)):.0f} MiB"
