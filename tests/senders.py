"""A live campaign over a server, and the processes that send it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from smskit.ledger import Ledger
from smskit.models import Mode
from smskit.reporting import report
from smskit.simulator import FaultPlan, Simulator
from tests import live

__all__ = ["Line"]


class Line:
    """
    A live campaign over a server, and the processes that send it.

    Args:
        answers_s: How long the provider takes to answer.
    """

    def __init__(
        self, simulator: Simulator, folder: Path, url: str, *, people: int, answers_s: float
    ) -> None:
        self.simulator, self.people, self.answers_s = simulator, people, answers_s
        self.answer(answers_s)
        live.approve(simulator, live.MULTI)
        self.environ = live.MULTI.environ(simulator.url, folder) | {
            "SMSKIT_DATABASE_URL": url,
            "SMSKIT_YUNPIAN_CONCURRENCY": "2",
            "SMSKIT_YUNPIAN_BATCH_SIZE": "10",
        }
        self.parameters = live.data(live.MULTI, live.segment(folder / "segment.csv", people))
        self.senders: list[ForkServerProcess] = []
        self.ledger = Ledger(url)

    def start(
        self, count: int = 1, *, environ: Mapping[str, str] | None = None, **more: Any
    ) -> list[ForkServerProcess]:
        """So many senders more, with *environ* over the line's own; *more* as `live.start` has it."""
        settings = self.environ | dict(environ or {})
        started = [live.start(self.parameters, settings, **more) for _ in range(count)]
        self.senders += started
        return started

    def close(self) -> None:
        """Kill whoever still sends."""
        for run in self.senders:
            run.kill()
            run.join()
        self.ledger.close()

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until that is so."""
        give_up = time.monotonic() + 180  # where many share a machine
        while not condition():
            alive = [run.pid for run in self.senders if run.is_alive()]
            assert time.monotonic() < give_up, (alive, self.status, {run.exitcode for run in self.senders})
            time.sleep(0.02)

    def until_there(self, senders: int) -> None:
        """Wait until so many send it; answers are slow meanwhile, lest one sends all."""
        self.answer(1.0)
        self.until(lambda: len(self.status["senders"]) == senders)
        self.answer(self.answers_s)

    def answer(self, seconds: float) -> None:
        """How long the provider takes to answer from now on."""
        self.simulator.world.set_faults(FaultPlan(seed=1, latency_s=seconds))

    def until_accepted(self, people: int) -> None:
        """Wait until the provider has accepted so many."""
        self.until(lambda: self.simulator.world.accepted() >= people)

    def ends(self, within_s: float = 240) -> list[int | None]:
        """How each process ended, once all have."""
        end = time.monotonic() + within_s
        for run in self.senders:
            run.join(max(0.0, end - time.monotonic()))
        return [run.exitcode for run in self.senders]

    @property
    def status(self) -> dict[str, Any]:
        """As `smskit status --json` has it."""
        row = self.ledger.campaigns.get("live-1", Mode.LIVE)
        return report.status(self.ledger, row) if row else {"senders": [], "state": ""}

    def assert_everybody_once(self) -> None:
        """By the provider's own count and by the ledger's."""
        status = self.status

        assert self.simulator.world.accepted() == self.simulator.world.phones() == self.people
        assert self.simulator.world.doubled() == []
        assert status["accepted"] == self.people
        assert status["state"] == "finished"
        assert status["senders"] == []
