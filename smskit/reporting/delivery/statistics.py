"""
One campaign counted from every side, in one pass over its chunks.

Only counts are kept, one row a request at the most; people are looked at in
``people``. What a count says is the present: a message that was unknown and
turned out accepted counts as accepted, in the request that sent it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from smskit.audience.carriers import CARRIERS, carriers_of
from smskit.audience.phones import national, redact
from smskit.i18n import dumps, loads
from smskit.ledger import CampaignRow, Event, History, Ledger
from smskit.models import State
from smskit.reporting.delivery.codes import explain_code
from smskit.reporting.delivery.groups import GROUPS, Group, groups_of
from smskit.reporting.delivery.moments import Moments, OverTime, joined

__all__ = ["Survey", "survey"]

# fmt: off
_BATCH: Final = [
    "at", "people", "accepted", "delivered", "undelivered", "awaiting", "refused", "unknown",
    "submitting", "later",
]
# fmt: on
_FAILURE: Final = ["stage", "reason", "code", "meaning", "said", "next_step", "people", "share", "dead"]


@dataclass(frozen=True)
class Survey:
    """
    One campaign, counted.

    Args:
        groups: ``Group`` -> people, every group named; together everybody planned.
        failures: One row a stage and code: ``stage`` (refused, undelivered ...), ``reason``, the raw
            ``code``, ``meaning``, the provider's own words ``said``, ``next_step``, ``people``, ``share`` (of
            those planned), ``dead`` (the number is: nothing will ever reach it); most first.
        carriers: One row a carrier: ``carrier``, ``planned``, then people by state, and ``rate``: delivered
            of those whose receipt came, NaN where none did.
        prefixes: The same by the first three digits, with ``prefix`` and the carrier's name.
        batches: One row a request, in the order they were made: ``at`` (epoch seconds), ``people``, and what
            became of them; ``later`` were not taken then, and wait or went in another request.
        unknown: One row a reason and answer: ``reason``, ``detail``, ``people``, ``oldest``, ``newest``
            (epoch seconds of the submission).
    """

    zone: ZoneInfo
    groups: dict[Group, int]
    failures: pd.DataFrame
    carriers: pd.DataFrame
    prefixes: pd.DataFrame
    batches: pd.DataFrame
    unknown: pd.DataFrame
    over_time: OverTime

    def __repr__(self) -> str:
        return f"Survey(planned={sum(self.groups.values())})"


def survey(ledger: Ledger, row: CampaignRow) -> Survey:
    """Count *row* from every side."""
    count = _Count()
    for chunk in ledger.audience.states(row.id):
        events = ledger.audience.events(row.id, chunk)
        count.add(ledger.audience.history(row.id, chunk, events), events)
    return count.survey(row)


class _Count:
    """What is kept from one chunk to the next: counts."""

    def __init__(self) -> None:
        self.groups = np.zeros(len(GROUPS), np.int64)
        self.prefixes = np.zeros((1000, len(State)), np.int64)
        self.carriers = np.zeros((len(CARRIERS), len(State)), np.int64)
        self.moments = Moments()
        self.failures: Counter[tuple[str, str, str, str]] = Counter()
        self.unknown: list[pd.DataFrame] = []
        self.batches: list[pd.DataFrame] = []

    def add(self, history: History, events: Sequence[Event]) -> None:
        """Count one chunk."""
        keys = history.keys
        groups = groups_of(history)
        self.groups += np.bincount(groups, minlength=len(GROUPS))
        carriers = carriers_of(keys.phones)
        self.carriers += _crossed(carriers, keys.states, len(CARRIERS))
        chinese = keys.phones // 10**11 == 86
        three = np.where(chinese, national(keys.phones) // 10**8, 0)
        self.prefixes += _crossed(three, keys.states, len(self.prefixes))
        self.moments.add(keys.states, history.times)
        self._failures_of(history, groups)
        self._unknown_of(history)
        self.batches.append(_batches_of(history, events))

    def _failures_of(self, history: History, groups: NDArray[np.uint8]) -> None:
        undelivered = GROUPS.index(Group.UNDELIVERED)
        told = history.code != ""
        failed = np.isin(groups, [GROUPS.index(g) for g in _FAILED])
        failed |= (groups == GROUPS.index(Group.WAITING)) & told
        at = np.flatnonzero(failed)
        late = groups[at] == undelivered
        codes = np.where(late, history.receipt_code[at], history.code[at])
        reasons = np.where(late, "", history.reason[at])
        stages = [str(GROUPS[g]) for g in groups[at]]
        self.failures.update(zip(stages, reasons, codes, history.detail[at], strict=True))

    def _unknown_of(self, history: History) -> None:
        at = np.flatnonzero(history.keys.states == State.UNKNOWN)
        if len(at):
            facts: dict[str, Any] = {
                "reason": history.reason[at],
                "detail": [dumps(detail) for detail in history.detail[at]],
                "at": history.submitted_at[at],
            }
            self.unknown.append(_ages(pd.DataFrame(facts).assign(people=1, newest=facts["at"])))

    def survey(self, row: CampaignRow) -> Survey:
        """What was counted, as tables."""
        unknown = joined(self.unknown, ["reason", "detail", "at", "people", "newest"])
        carriers = _by_state(self.carriers, pd.Index(CARRIERS, name="carrier"))
        prefixes = _by_state(self.prefixes, pd.RangeIndex(len(self.prefixes), name="prefix"))
        numbers = prefixes["prefix"].to_numpy(np.int64)
        own = carriers_of(86 * 10**11 + numbers * 10**8)
        prefixes.insert(1, "carrier", [CARRIERS[c] for c in own])
        prefixes["prefix"] = [str(n) if n else "" for n in numbers]
        batches = joined(self.batches, _BATCH)
        return Survey(
            zone=row.zone,
            groups=dict(zip(GROUPS, self.groups.tolist(), strict=True)),
            failures=_explained(self.failures, row.provider, int(self.groups.sum())),
            carriers=carriers,
            prefixes=prefixes,
            batches=batches.sort_values("at", kind="stable", ignore_index=True),
            unknown=_redacted(_ages(unknown).rename(columns={"at": "oldest"})),
            over_time=self.moments.over_time(row),
        )


_FAILED: Final = (Group.REFUSED, Group.UNDELIVERED, Group.GIVEN_UP, Group.OPTED_OUT, Group.CAPPED)


def _crossed(rows: NDArray[np.integer], states: NDArray[np.uint8], size: int) -> NDArray[np.int64]:
    """How many of each row and state."""
    places = rows.astype(np.int64) * len(State) + states
    return np.bincount(places, minlength=size * len(State)).reshape(size, len(State))


def _ages(frame: pd.DataFrame) -> pd.DataFrame:
    how = {"people": "sum", "at": "min", "newest": "max"}
    return frame.groupby(["reason", "detail"], as_index=False, sort=True).agg(how)


def _redacted(frame: pd.DataFrame) -> pd.DataFrame:
    details = [redact(loads(text)) for text in frame["detail"]]
    return frame.assign(detail=pd.Series(details, frame.index, object))


def _by_state(counts: NDArray[np.int64], index: pd.Index) -> pd.DataFrame:
    """Only rows that occur; states as people count them, and the share that arrived."""
    n = pd.DataFrame(counts, index=index, columns=pd.Index([s.label for s in State]))
    got = n["delivered"] + n["undelivered"]
    table = pd.DataFrame(
        {
            "planned": n.sum(axis=1),
            "accepted": n["accepted"] + got,
            "delivered": n["delivered"],
            "undelivered": n["undelivered"],
            "awaiting": n["accepted"],
            "refused": n["refused"],
            "unknown": n["unknown"],
            "waiting": n["waiting"] + n["submitting"],
            "rate": n["delivered"] / got.where(got > 0),
        }
    )
    return table[table["planned"] > 0].reset_index()


def _explained(counted: Counter[tuple[str, str, str, str]], provider: str, planned: int) -> pd.DataFrame:
    """Failures by stage and code; of several details the most frequent one speaks."""
    by_code: dict[tuple[str, str, str], Counter[str]] = {}
    for (stage, reason, code, detail), people in counted.items():
        by_code.setdefault((stage, reason, code), Counter())[detail] += people
    rows = []
    for (stage, reason, code), details in by_code.items():
        receipt = stage == Group.UNDELIVERED
        said = redact(details.most_common(1)[0][0])
        told = explain_code(provider, code, receipt=receipt, detail=said)
        people = details.total()
        rows.append(
            (
                stage,
                reason,
                code,
                told.meaning,
                said,
                told.next_step,
                people,
                people / max(planned, 1),
                told.dead,
            )
        )
    rows.sort(key=lambda r: (-r[6], r[0], r[2]))
    # As objects: a column of strings would make plain English of messages.
    frame = pd.DataFrame(rows, columns=_FAILURE, dtype=object)
    return frame.astype(
        dict.fromkeys(("stage", "reason", "code"), "str") | {"people": int, "share": float, "dead": bool}
    )


def _batches_of(history: History, events: Sequence[Event]) -> pd.DataFrame:
    """One row a request: the people of a claim, and where those are now who were in no later one."""
    states = history.keys.states
    mine = np.full(len(states), -1, np.int64)  # the request each person was in last
    times: list[NDArray[np.float64]] = [np.empty(0)]
    sizes: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    first = 0
    for event in events:
        if event.kind != "claim":
            continue
        requests = event.facts.requests
        own = np.zeros(len(event.positions), np.int64) if requests is None else np.asarray(requests, np.int64)
        mine[event.positions] = first + own
        sizes.append(np.bincount(own))
        times.append(np.full(len(sizes[-1]), event.at))
        first += len(sizes[-1])
    people = np.concatenate(sizes)
    sent = mine >= 0
    n = _crossed(mine[sent], states[sent], first)
    got = n[:, State.DELIVERED] + n[:, State.UNDELIVERED]
    columns = {
        "at": np.concatenate(times),
        "people": people,
        "accepted": n[:, State.ACCEPTED] + got,
        "delivered": n[:, State.DELIVERED],
        "undelivered": n[:, State.UNDELIVERED],
        "awaiting": n[:, State.ACCEPTED],
        "refused": n[:, State.REFUSED],
        "unknown": n[:, State.UNKNOWN],
        "submitting": n[:, State.SUBMITTING],
        "later": people - n.sum(axis=1) + n[:, State.WAITING],
    }
    # A million single sends are a million rows: small numbers.
    return pd.DataFrame({k: v if k == "at" else v.astype(np.int32) for k, v in columns.items()})
