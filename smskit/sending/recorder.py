"""
``Recorder``: what a run writes into the ledger, committed from one thread, many changes at a time.

Here somebody who opted out or reached the cap since the plan is stopped, at the
moment of the claim. What is claimed, and what came of it, is for ``engine``.
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smskit.audience.pseudonyms import pseudonyms
from smskit.ledger import Change, Facts, Ledger
from smskit.ledger.processes import uptime
from smskit.ledger.recent import Recent
from smskit.models import State

__all__ = ["Recorded", "Recorder"]

# How long a commit waits for changes that are about to come. Without a pace all wait for it; with one nobody
# does, and of fewer commits fewer hold up somebody's turn.
_GATHER_S, _GATHER_PACED_S = 0.0002, 0.001

# Why somebody is stopped at the last moment: the event's kind, and what people read.
Stop = Literal["opt_out", "frequency_cap"]
# For each of several claims who of it may still be messaged; None = everybody, or it is no claim.
Masks = list[NDArray[np.bool_] | None]
_NOBODY = np.empty(0, np.int64)
_STOP_REASONS: dict[Stop, str] = {"opt_out": "opted_out", "frequency_cap": "frequency_cap"}


class Recorded(NamedTuple):
    """
    What became of a change.

    Args:
        kept: Of a claim, who may still be messaged; None = everybody.
        began: Before it was durable; see `uptime`.
    """

    kept: NDArray[np.bool_] | None
    began: float


class _Item(NamedTuple):
    change: Change
    phones: NDArray[np.int64] | None
    done: asyncio.Future[Recorded]


class Recorder:
    """
    Commits changes from one thread, grouping whatever waits into one transaction.

    It also honours what happens during a run: a claim of somebody who has opted
    out since the plan, or has had as many messages as the cap allows, becomes a
    refusal, and the claim's answer says so.

    Args:
        recent: What the campaign's cap looks at; None = it has none.
        paced: Whether requests leave at a pace.
    """

    def __init__(
        self,
        ledger: Ledger,
        campaign_id: int,
        token: str,
        *,
        recent: Recent | None = None,
        paced: bool = False,
    ) -> None:
        self._ledger, self._campaign_id, self._token = ledger, campaign_id, token
        self._recent = recent
        self._gather_s = _GATHER_PACED_S if paced else _GATHER_S
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._seen = -1  # no version of the opt-outs is known yet
        self._opted_out: NDArray[np.int64] = np.empty(0, np.int64)
        self._erased_key = ""  # of pseudonyms among them
        self._thread = threading.Thread(target=self._work, name="smskit-ledger", daemon=True)
        self._thread.start()

    def record(self, change: Change, phones: NDArray[np.int64] | None = None) -> asyncio.Future[Recorded]:
        """Queue *change*; the future is done once it is durable. For a claim hand in its *phones*."""
        done: asyncio.Future[Recorded] = self._loop.create_future()
        self._queue.put(_Item(change, phones, done))
        return done

    def close(self) -> None:
        """Commit what is queued and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        open_ = True
        while open_:
            group = [self._queue.get()]
            time.sleep(self._gather_s)
            while not self._queue.empty():
                group.append(self._queue.get())
            open_ = None not in group
            items = [item for item in group if item is not None]
            if items:
                self._commit(items)

    def _commit(self, items: Sequence[_Item]) -> None:
        try:
            masks, began = self._ledger.patiently(lambda: self._attempt(items))
        except BaseException as error:
            self._loop.call_soon_threadsafe(_failed, items, error)
        else:
            self._loop.call_soon_threadsafe(_done, items, masks, began)

    def _attempt(self, items: Sequence[_Item]) -> tuple[Masks, float]:
        """Commit *items*; when that was begun comes second."""
        began = uptime()
        while (masks := self._apply(items)) is None:
            self._seen = self._ledger.opt_outs.version()
            self._opted_out = self._ledger.opt_outs.phones()
            self._erased_key = self._ledger.erasing.key()
            began = uptime()
        return masks, began

    def _apply(self, items: Sequence[_Item]) -> Masks | None:
        """Masks of those who may be messaged, or None when the opt-outs are not those we know."""
        return self._ledger.changes.apply_unless_opted_out(
            self._campaign_id,
            lambda now: self._changes(items, now),
            token=self._token,
            version=self._seen,
            recent=self._recent,
        )

    def _changes(self, items: Sequence[_Item], now: float) -> tuple[list[Change], Masks]:
        """What is to be committed for *items*, and for each of them the mask that answers it."""
        made: list[Change] = []
        masks: Masks = []
        phones = [_NOBODY if item.phones is None else item.phones for item in items]
        # Asked once for the whole group: with one person a request the asking is what costs.
        everybody = self._stops(np.concatenate(phones), now)
        ends = np.cumsum([len(p) for p in phones]).tolist()
        for item, end, own in zip(items, ends, phones, strict=True):
            mine = {kind: out[end - len(own) : end] for kind, out in everybody.items()}
            stops = {kind: out for kind, out in mine.items() if out.any()}
            masks.append(~np.logical_or.reduce(list(stops.values())) if stops else None)
            made += _split_claim(item.change, stops)
        return _merged(made), masks

    def _stops(self, phones: NDArray[np.int64], now: float) -> dict[Stop, NDArray[np.bool_]]:
        """Who of a claim is not to be messaged after all, by the first reason that applies."""
        stops: dict[Stop, NDArray[np.bool_]] = {}
        if not len(phones):
            return stops
        out = np.isin(phones, self._opted_out) | (phones < 0)  # negative: erased since the plan
        if self._erased_key:
            out |= np.isin(pseudonyms(phones, self._erased_key), self._opted_out)
        if out.any():
            stops["opt_out"] = out
        if self._recent is not None:
            over = self._recent.over(phones, now) & ~stops.get("opt_out", np.False_)
            if over.any():
                stops["frequency_cap"] = over
        return stops


def _done(items: Sequence[_Item], masks: Masks, began: float) -> None:
    for item, mask in zip(items, masks, strict=True):
        if not item.done.done():
            item.done.set_result(Recorded(mask, began))


def _failed(items: Sequence[_Item], error: BaseException) -> None:
    for item in items:
        if not item.done.done():
            item.done.set_exception(error)


def _split_claim(change: Change, stops: Mapping[Stop, NDArray[np.bool_]]) -> list[Change]:
    """The claim without those who are stopped, and their refusals."""
    if not stops:
        return [change]
    keep = ~np.logical_or.reduce(list(stops.values()))
    split = []
    if keep.any():
        split.append(change._replace(positions=change.positions[keep], states=change.states[keep]))
    for kind, out in stops.items():
        refused = np.full(int(out.sum()), State.REFUSED, np.uint8)
        facts = Facts(reason=_STOP_REASONS[kind])
        split.append(Change(kind, change.chunk, change.positions[out], refused, facts))
    return split


def _merged(changes: Sequence[Change]) -> list[Change]:
    """
    One change per chunk and kind, so that single sends do not cost an event each.

    Outcomes come first: somebody who is back to waiting may be claimed again
    within the same group, never the other way round, since a claim is waited for.
    """
    groups: dict[tuple[str, int], list[Change]] = {}
    for change in sorted(changes, key=lambda c: c.kind != "outcome"):
        groups.setdefault((change.kind, change.chunk), []).append(change)
    return [group[0] if len(group) == 1 else _joined(group) for group in groups.values()]


def _joined(group: Sequence[Change]) -> Change:
    def column(name: str) -> Any:
        values: list[Any] = [getattr(change.facts, name) for change in group]
        if all(isinstance(v, str) or v is None for v in values) and len(set(values)) == 1:
            return values[0]
        sizes = [len(change.positions) for change in group]
        return list(
            itertools.chain.from_iterable(
                [v] * n if isinstance(v, str) or v is None else v for v, n in zip(values, sizes, strict=True)
            )
        )

    return Change(
        group[0].kind,
        group[0].chunk,
        np.concatenate([change.positions for change in group]),
        np.concatenate([change.states for change in group]),
        Facts(**{name: column(name) for name in Facts.COLUMNS}, requests=_requests(group)),
    )


def _requests(group: Sequence[Change]) -> list[int] | None:
    """Which request each person of several claims is in, counted from 0; None where it is no claim."""
    if group[0].kind != "claim":
        return None
    return np.repeat(np.arange(len(group)), [len(change.positions) for change in group]).tolist()
