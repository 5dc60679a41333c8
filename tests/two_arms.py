"""A ledger with campaigns of two arms, frozen and sent as runs do it, and tables of what people did."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from smskit.ledger import CampaignRow, Change, Facts, Frozen, Ledger
from smskit.models import Mode, Reason, State
from smskit.planning.policy import held_back

BEGUN = datetime(2026, 11, 2, 10, tzinfo=UTC).timestamp()
DAY = 86_400.0
FIRST = 8_613_800_000_000


@dataclass
class World:
    """A ledger whose clock stands where it is put."""

    folder: Path
    now: float = BEGUN
    ledger: Ledger = field(init=False)
    phones: dict[str, int] = field(default_factory=dict)  # of each id, the same in every campaign

    def __post_init__(self) -> None:
        self.ledger = Ledger(f"sqlite:///{self.folder / 'smskit.db'}", clock=lambda: self.now)

    def campaign(
        self,
        name: str = "spring",
        people: int = 4_000,
        *,
        ids: Sequence[str] | None = None,
        holdout: float = 0.5,
        series: str = "",
        mode: Mode = Mode.LIVE,
        user_id: str = "user_id",
        reached: float = 1.0,
        sent: bool = True,
        tampered: int = 0,
        more_excluded: pa.Table | None = None,
        **spec: Any,
    ) -> CampaignRow:
        """
        Freeze a campaign and send it.

        Args:
            reached: Share of the planned whom the provider takes; the others are refused.
            sent: Whether it is sent at all.
            tampered: How many people of the holdout are lost.
            more_excluded: People left out for other reasons.
        """
        names = list(ids) if ids is not None else [f"u{n}" for n in range(people)]
        numbers = [self.phones.setdefault(one, FIRST + len(self.phones)) for one in names]
        phones = np.array(numbers, np.int64)
        if not user_id:
            names = [str(phone) for phone in phones.tolist()]
        persons = pa.array(names, pa.large_string())
        back = held_back(persons, holdout, key=series or name) if holdout else np.zeros(len(names), np.bool_)
        out = np.flatnonzero(back)[tampered:]
        excluded = left_out(persons.take(pa.array(out)), phones[out], Reason.HOLDOUT)
        if more_excluded is not None and "would_hold" in more_excluded.column_names:
            excluded = excluded.append_column("would_hold", pa.array([True] * len(out)))
        if more_excluded is not None:
            excluded = pa.concat_tables([excluded, more_excluded])
        order = np.flatnonzero(~back)
        reasons = np.bincount(np.asarray(excluded["reason"]), minlength=len(Reason))
        row = self.ledger.campaigns.freeze(
            name=name,
            series=series,
            mode=mode,
            provider="yunpian",
            plan_hash="p1",
            spec={
                "campaign": name,
                "segment": "people.csv",
                "user_id": user_id,
                "holdout": holdout,
                "template": "x",
                "signature": "G",
            }
            | spec,
            summary={
                "segment": len(names),
                "read": len(names),
                "ruled_out": 0,
                "excluded": {r.label: int(reasons[r]) for r in Reason if r and reasons[r]},
                "planned": len(order),
                "parts": len(order),
                "cost": "0",
            },
            frozen=Frozen(phones, persons, {}, np.ones(len(names), np.int16), excluded, order),
        )
        if sent:
            self.send(row, reached)
        return row

    def deliver(self, row: CampaignRow, share: float, *, after: float = 30.0) -> None:
        """Have a share of the accepted reported as delivered, some seconds after the clock's time."""
        with self.ledger.senders.hold(row.id) as token:
            for chunk, states in self.ledger.audience.states(row.id).items():
                accepted = np.flatnonzero(states == State.ACCEPTED).astype(np.uint16)
                there = accepted[: round(share * len(accepted))]
                told = np.full(len(there), State.DELIVERED, np.uint8)
                facts = Facts(codes="DELIVRD", times=self.now + after)
                self.ledger.changes.apply(row.id, [Change("receipt", chunk, there, told, facts)], token=token)

    def send(self, row: CampaignRow, reached: float = 1.0, *, unknown: float = 0.0) -> None:
        """Claim everybody now, and have the provider take a share of them; of some nobody knows."""
        with self.ledger.senders.hold(row.id) as token:
            for chunk, states in self.ledger.audience.states(row.id).items():
                all_of = np.arange(len(states), dtype=np.uint16)
                claimed = np.full(len(states), State.SUBMITTING, np.uint8)
                place = np.arange(len(states)) / len(states)
                took = np.where(place < reached, State.ACCEPTED, State.REFUSED)
                took[(place >= reached) & (place < reached + unknown)] = State.UNKNOWN
                self.ledger.changes.apply(
                    row.id, [Change("claim", chunk, all_of, claimed, Facts())], token=token
                )
                outcome = Change("outcome", chunk, all_of, took.astype(np.uint8), Facts(reason="refused"))
                self.ledger.changes.apply(row.id, [outcome], token=token)
        self.ledger.campaigns.mark(row.id, "finished")

    def arms(self, row: CampaignRow) -> tuple[list[str], list[str]]:
        """The persons of both arms."""
        from smskit.measuring.arms import read_arms

        arms = read_arms(self.ledger, row)
        persons = arms.persons.to_numpy(zero_copy_only=False)
        return persons[arms.treated].tolist(), persons[~arms.treated].tolist()

    def table(self, name: str = "outcomes.csv", **columns: Sequence[Any] | NDArray[Any]) -> Path:
        """Write a table."""
        path = self.folder / name
        frame = pd.DataFrame(columns)
        match path.suffix:
            case ".parquet":
                frame.to_parquet(path)
            case ".xlsx":
                frame.to_excel(path, index=False)
            case ".tsv":
                frame.to_csv(path, index=False, sep="\t")
            case _:
                frame.to_csv(path, index=False)
        return path

    def events(self, row: CampaignRow, treated: int, holdout: int, *, at: float = DAY, **more: Any) -> Path:
        """A table in which the first so many of each arm bought something, some time after the send."""
        one, other = self.arms(row)
        who = one[:treated] + other[:holdout]
        return self.table(user_id=who, at=[stamp(BEGUN + at)] * len(who), **more)


def stamp(at: float) -> str:
    """A time as warehouses write it, with its zone."""
    return datetime.fromtimestamp(at, UTC).isoformat()


def left_out(persons: pa.Array, phones: NDArray[np.int64], reason: Reason) -> pa.Table:
    """People as the ledger keeps those who are left out."""
    return pa.table(
        {
            "person": persons,
            "phone": phones,
            "shown": pa.array([""] * len(persons), pa.large_string()),
            "reason": np.full(len(persons), reason, np.int8),
        }
    )


def texts(picture: str) -> list[str]:
    """The texts of a picture, in the order they are drawn."""
    return re.findall(r"<text[^>]*>([^<]+)</text>", picture)
