"""
Who was assigned to what: everybody planned, and whom the campaign's own holdout kept back, by column.

As assigned: whether a message arrived says something about its owner, and changes no arm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.audience.persons import among
from smskit.ledger import CampaignRow, Ledger
from smskit.models import VALUE, Kind, Reason, State

__all__ = [
    "Arms",
    "Sending",
    "begun_at",
    "earlier_occurrences",
    "experiment_of",
    "follow_ups",
    "parts_of",
    "reached_phones",
    "read_arms",
    "sending_of",
]

REACHED: Final = (State.ACCEPTED, State.DELIVERED, State.UNDELIVERED)
OPEN: Final = (State.WAITING, State.SUBMITTING)
MAYBE: Final = (State.UNKNOWN, State.SUBMITTING)  # the provider may have taken, and will bill, them


@dataclass(frozen=True, repr=False)
class Arms:
    """
    Both arms of a comparison, one entry a person: the treated, then the holdout.

    Attributes:
        persons: n texts, nobody twice.
        phones: n times E.164 digits.
        treated: n; whether the person was to be messaged.
        reached: n; whether the provider took the message.
        waiting: n; whether the person still waits for it.
        parts: n; billed parts of the message, 0 of the holdout.
        kept: Column -> n texts, null = missing; what the campaign kept of its segment.
    """

    persons: pa.Array
    phones: NDArray[np.int64]
    treated: NDArray[np.bool_]
    reached: NDArray[np.bool_]
    waiting: NDArray[np.bool_]
    parts: NDArray[np.int64]
    kept: Mapping[str, pa.Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.treated)

    def __repr__(self) -> str:
        return f"Arms({self.n_treated} treated, {self.n_holdout} held back)"

    @property
    def n_treated(self) -> int:
        """People to be messaged."""
        return int(np.count_nonzero(self.treated))

    @property
    def n_holdout(self) -> int:
        """People kept back."""
        return len(self) - self.n_treated

    def only(self, keep: NDArray[np.bool_]) -> Arms:
        """Those of the n people that *keep* has (n entries)."""
        if keep.all():
            return self
        mask = pa.array(keep)
        return replace(
            self,
            persons=self.persons.filter(mask),
            phones=self.phones[keep],
            treated=self.treated[keep],
            reached=self.reached[keep],
            waiting=self.waiting[keep],
            parts=self.parts[keep],
            kept={name: column.filter(mask) for name, column in self.kept.items()},
        )

    @classmethod
    def joined(cls, arms: Iterable[Arms]) -> Arms:
        """All of them as one; nobody may be in two."""
        each = list(arms) or [cls.nobody()]
        names = set.intersection(*(set(one.kept) for one in each))
        return cls(
            _one([one.persons for one in each]),
            np.concatenate([one.phones for one in each]),
            np.concatenate([one.treated for one in each]),
            np.concatenate([one.reached for one in each]),
            np.concatenate([one.waiting for one in each]),
            np.concatenate([one.parts for one in each]),
            {name: _one([one.kept[name] for one in each]) for name in sorted(names)},
        )

    @classmethod
    def nobody(cls) -> Arms:
        """Empty arms."""
        no = np.empty(0, np.bool_)
        return cls(pa.array([], pa.large_string()), np.empty(0, np.int64), no, no, no, np.empty(0, np.int64))


def read_arms(ledger: Ledger, row: CampaignRow, *, held_back: Reason = Reason.HOLDOUT) -> Arms:
    """
    The arms of a campaign as it was frozen.

    Args:
        held_back: Which holdout is the other arm.

    Raises:
        LedgerError: it is not as it was written.
    """
    persons: list[pa.Array] = []
    phones, states, parts = [], [], []
    kept: dict[str, list[pa.Array]] = {}
    for chunk in ledger.audience.states(row.id):
        keys = ledger.audience.keys(row.id, chunk)
        persons.append(keys.persons)
        phones.append(keys.phones)
        states.append(keys.states)
        parts.append(keys.parts)
        for name, column in ledger.audience.kept(row.id, chunk).items():
            kept.setdefault(name, []).append(column)
    now = np.concatenate([np.empty(0, np.uint8), *states])
    planned = len(now)
    for table in ledger.audience.excluded(row.id):
        held = table.filter(pc.equal(table["reason"], int(held_back)))
        persons.append(held["person"].combine_chunks())
        phones.append(np.asarray(held["phone"]))
        for name, columns in kept.items():
            columns.append(held[VALUE + name])
    numbers = np.concatenate([np.empty(0, np.int64), *phones])
    nobody = np.zeros(len(numbers) - planned, np.bool_)
    return Arms(
        _one(persons),
        numbers,
        np.arange(len(numbers)) < planned,
        np.append(np.isin(now, REACHED), nobody),
        np.append(np.isin(now, OPEN), nobody),
        np.append(np.concatenate([np.empty(0, np.int64), *parts]), np.zeros(len(nobody), np.int64)),
        {name: _one(columns) for name, columns in kept.items()},
    )


def _one(pieces: list[pa.Array]) -> pa.Array:
    flat = [c for p in pieces for c in (p.chunks if isinstance(p, pa.ChunkedArray) else [p])]
    return pa.chunked_array([c.cast(pa.large_string()) for c in flat], pa.large_string()).combine_chunks()


class Sending(NamedTuple):
    """When a campaign's messages left; epoch seconds, None = none has."""

    first: float | None
    last: float | None


def sending_of(ledger: Ledger, row: CampaignRow) -> Sending:
    """When the first and the last of them were submitted."""
    return Sending(*ledger.audience.claimed(row.id))


def begun_at(ledger: Ledger, row: CampaignRow) -> float:
    """When a campaign began, epoch seconds: with its first submission, where there is one."""
    return sending_of(ledger, row).first or row.started_at or row.created_at


def earlier_occurrences(ledger: Ledger, row: CampaignRow) -> list[CampaignRow]:
    """The campaigns of its series before it, in its mode, oldest first."""
    same = ledger.campaigns.find(mode=row.mode, series=row.series)
    experiment = experiment_of(row)
    return [
        other
        for other in same
        if other.id < row.id
        and other.kind in (Kind.CAMPAIGN, Kind.COPY)
        and not (experiment and experiment_of(other) == experiment)
    ]


def experiment_of(row: CampaignRow) -> str:
    """The experiment a campaign is an arm of; "" = none."""
    return str((row.spec.get("arm") or {}).get("experiment", ""))


def follow_ups(ledger: Ledger, row: CampaignRow) -> list[CampaignRow]:
    """Campaigns to some of its people once more, which belong to the treatment and to the cost."""
    same = ledger.campaigns.find(mode=row.mode)
    found, parents = list[CampaignRow](), {row.name}
    for other in same:
        if other.kind is Kind.FOLLOW_UP and other.parent in parents:
            found.append(other)
            parents.add(other.name)
    return found


def reached_phones(ledger: Ledger, row: CampaignRow) -> Iterator[NDArray[np.int64]]:
    """Phones that a campaign reached, by chunk."""
    for chunk in ledger.audience.states(row.id):
        keys = ledger.audience.keys(row.id, chunk)
        yield keys.phones[np.isin(keys.states, REACHED)]


def parts_of(ledger: Ledger, row: CampaignRow, arms: Arms) -> tuple[int, int]:
    """Parts of what went to the treated of *arms*: that the provider took, and that it may have."""
    ours = np.sort(arms.phones[arms.treated])
    taken = maybe = 0
    for chunk in ledger.audience.states(row.id):
        keys = ledger.audience.keys(row.id, chunk)
        parts = np.where(among(keys.phones, ours), keys.parts, 0).astype(np.int64)
        taken += int(parts[np.isin(keys.states, REACHED)].sum())
        maybe += int(parts[np.isin(keys.states, MAYBE)].sum())
    return taken, maybe
