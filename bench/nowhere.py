"""
A run without a ledger: what the engine asks of one, answered from memory.

Neither a promise nor a test double: it exists to be timed against the real one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from smskit.ledger import CHUNK, CampaignRow, Change, Frozen, Role, Tally
from smskit.ledger.processes import uptime
from smskit.ledger.recent import Recent
from smskit.models import Kind, Mode, Slice
from smskit.sending import engine
from smskit.sending.recorder import Recorded


class _NoCanary:
    def get(self, campaign_id: int) -> None:
        """None was begun."""


class _NoWitness:
    def name(self) -> str:
        """Nothing to remember."""
        return ""


class _NoOptOuts:
    def phones(self) -> NDArray[np.int64]:
        """Nobody."""
        return np.empty(0, np.int64)


class _NoAudit:
    def note(self, *_: object, **__: object) -> None:
        """Nowhere."""


class _NobodyErased:
    def key(self) -> str:
        """None: nobody was erased."""
        return ""


class Nowhere:
    """One campaign's people and states, for as long as the process lives."""

    clock = staticmethod(time.time)
    may_share = False

    def __init__(self) -> None:
        # It is each part of itself.
        self.campaigns = self.audience = self.changes = self.senders = self
        self.canaries, self.opt_outs = _NoCanary(), _NoOptOuts()
        self.witness = _NoWitness()
        self.erasing, self.audit = _NobodyErased(), _NoAudit()
        self._row: CampaignRow | None = None
        self._frozen: Frozen | None = None
        self._states: dict[int, NDArray[np.uint8]] = {}

    def get(self, name: str, mode: Mode) -> CampaignRow | None:
        """The one campaign, once it is frozen."""
        return self._row

    def find(self, *, mode: Mode | None = None, series: str | None = None) -> list[CampaignRow]:
        """None: there are no earlier ones to compare with."""
        return []

    def times_not_taken(self, campaign_id: int, *, chunk: int | None = None) -> dict[int, NDArray[np.uint16]]:
        """Of nobody."""
        return {}

    def submitted(self, name: str, mode: Mode) -> tuple[NDArray[np.int64], pa.Array]:
        """Nobody."""
        return np.empty(0, np.int64), pa.array([], pa.large_string())

    def freeze(
        self,
        *,
        name: str,
        series: str,
        mode: Mode,
        provider: str,
        plan_hash: str,
        spec: Mapping[str, Any],
        summary: Mapping[str, Any],
        frozen: Frozen,
        holdout_key: str = "",
        by: str = "",
    ) -> CampaignRow:
        """Keep a reference."""
        self._frozen = frozen
        for chunk, first in enumerate(range(0, len(frozen.order), CHUNK)):
            self._states[chunk] = np.zeros(min(CHUNK, len(frozen.order) - first), np.uint8)
        known = {
            "id": 1,
            "mode": mode,
            "name": name,
            "series": series,
            "kind": Kind.CAMPAIGN,
            "parent": "",
            "state": "planned",
            "provider": provider,
            "plan_hash": plan_hash,
            "spec": dict(spec),
            "summary": dict(summary),
            "note": "",
            "created_at": 0.0,
            "started_at": 0.0,
            "finished_at": None,
            "stop_requested": False,
        }
        self._row = CampaignRow(**known)
        return self._row

    @contextmanager
    def join(self, campaign_id: int, *, share: bool) -> Iterator[str]:
        """Nobody else can know of it."""
        yield ""

    def renew(self, campaign_id: int, token: str, *, sending: bool = False) -> tuple[Role, bool]:
        """Nothing to renew."""
        return Role.ALONE, True

    def close(self, campaign_id: int, token: str, state: str, *, note: str = "") -> bool:
        """Nobody will ask."""
        return True

    def patiently(self, attempt: Callable[[], Any]) -> Any:
        """It is never away."""
        return attempt()

    def stop_requested(self, campaign_id: int) -> bool:
        """Nobody can."""
        return False

    def states(self, campaign_id: int) -> dict[int, NDArray[np.uint8]]:
        """Chunk -> one byte a person."""
        return self._states

    def counts(self, campaign_id: int) -> Tally:
        """How many are in each state."""
        return Tally.of(np.concatenate(list(self._states.values())))

    def people(self, campaign_id: int, chunk: int, positions: NDArray[np.uint16] | None = None) -> Slice:
        """A chunk, or some of it, cut from the frozen arrays."""
        assert self._frozen is not None
        rows = self._frozen.order[chunk * CHUNK : (chunk + 1) * CHUNK]
        positions = np.arange(len(rows), dtype=np.uint16) if positions is None else positions
        rows = rows[positions]
        columns = {name: column.take(pa.array(rows)) for name, column in self._frozen.variables.items()}
        return Slice(chunk, positions, self._frozen.phones[rows], columns)

    def apply(self, campaign_id: int, changes: Sequence[Change], *, token: str | None) -> None:
        """Set the bytes."""
        for change in changes:
            self._states[change.chunk][change.positions] = change.states


class _Recorder:
    """Done as soon as it is said."""

    def __init__(
        self, ledger: Nowhere, campaign_id: int, token: str, *, recent: Recent | None, paced: bool
    ) -> None:
        self._ledger = ledger
        self._loop = asyncio.get_running_loop()

    def record(self, change: Change, phones: NDArray[np.int64] | None = None) -> asyncio.Future[Recorded]:
        self._ledger.changes.apply(0, [change], token=None)
        done: asyncio.Future[Recorded] = self._loop.create_future()
        done.set_result(Recorded(None, uptime()))
        return done

    def close(self) -> None:
        pass


def install() -> Nowhere:
    """Make this process's engine record nowhere, and return the ledger to go with it."""
    engine.Recorder = _Recorder  # type: ignore[assignment, misc]
    return Nowhere()
