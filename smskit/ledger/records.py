"""
What the ledger hands out and takes: campaigns, audiences, changes, events, counts.

Frozen shapes; how they are stored is ``schema``, what may change is ``changes``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from smskit.i18n import Message, loads, loads_data, mark
from smskit.ledger.seals import as_written, damage, plan_sum
from smskit.models import TIMEZONE, Answer, Kind, Mode, RuledOut, State

if TYPE_CHECKING:
    from smskit.planning.plan import Plan

# The notes of a run that waits for a time to come.
WAITS_FOR_WINDOW = mark("waits for the send window, which opens at {at}")
WAITS_FOR_CANARY = mark("waits until {at} for receipts of the first {n} people, its canary")
_TIMES = ("created_at", "started_at", "finished_at", "archived_at")
EventKind = Literal["claim", "opt_out", "frequency_cap", "outcome", "interrupted", "settled", "receipt"]


@dataclass(frozen=True)
class Facts:
    """What an event knows about its people, each a list as long as the event, or one value for all."""

    # Those that are put end to end when changes of one chunk are committed together.
    COLUMNS: ClassVar[tuple[str, ...]] = ("reason", "ids", "codes", "details", "times")

    reason: str | Sequence[str] = ""  # our word: "no_answer", "refused", "given_up" ...
    ids: str | Sequence[str] = ""  # the provider's message ids
    codes: str | Sequence[str] = ""
    details: str | Sequence[str] = ""
    times: float | Sequence[float] | None = None  # the provider's own time, for receipts
    requests: int | Sequence[int] | None = None  # of claims made at once: which belong to one request


class Change(NamedTuple):
    """One move of some people of one chunk; the unit the ledger commits in groups."""

    kind: EventKind
    chunk: int
    positions: NDArray[np.uint16]
    states: NDArray[np.uint8]
    facts: Facts = Facts()


class CampaignRow(NamedTuple):
    """One campaign as the ledger has it."""

    id: int
    mode: Mode
    name: str
    series: str  # what its holdout and drift go by; its own name where none was named
    kind: Kind
    parent: str  # name of the campaign it was made from, "" = none
    state: str  # planned, running, paused, finished
    provider: str
    plan_hash: str
    spec: dict[str, Any]
    summary: dict[str, Any]
    note: str
    created_at: float
    started_at: float | None
    finished_at: float | None
    stop_requested: bool
    erased: int = 0  # how many of the planned were erased; pseudonyms stand for them
    holdout_key: str = ""  # fingerprint of SMSKIT_HOLDOUT_KEY, of what keeps people back from all marketing
    measured_window: str = ""  # the window it was first measured with; "" = it was not
    archived_at: float | None = None  # lists leave it out since; None = they do not
    frozen_hash: str = ""  # what the stored audience's plan hash is; "" = an older smskit froze it

    @property
    def zone(self) -> ZoneInfo:
        """The campaign's time zone."""
        return ZoneInfo(self.spec.get("timezone", TIMEZONE))

    @property
    def waits(self) -> bool:
        """Whether its run waits for a time to come; the note says for which."""
        waiting = isinstance(self.note, Message) and self.note.msgid in (WAITS_FOR_WINDOW, WAITS_FOR_CANARY)
        return self.state == "running" and waiting

    def state_now(self, *, owned: bool) -> str:
        """Its state as it is; ``interrupted`` where it was being sent and no run owns it any more."""
        sends = self.mode is not Mode.PLAN and self.state in ("planned", "running")
        return "interrupted" if sends and not owned else self.state

    @classmethod
    def of(cls, row: Any) -> CampaignRow:
        """
        Read a database row.

        Raises:
            LedgerError: it is not what was frozen.
        """
        values = row._asdict()
        if values.pop("plan_sum") != plan_sum(values):
            raise damage(row.name, row.mode, "campaign")
        with as_written(row.name, row.mode, "campaign"):
            values |= {"mode": Mode(row.mode), "kind": Kind(row.kind)}
            values |= {name: values[name] and float(values[name]) for name in _TIMES}
            values |= {"spec": json.loads(row.spec), "summary": loads_data(row.summary)}
            return cls(**(values | {"stop_requested": bool(row.stop_requested)}))


@dataclass(frozen=True)
class Frozen:
    """What ``freeze`` stores: the planned people in send order, and all others of the file that was read."""

    phones: NDArray[np.int64]
    persons: pa.Array
    variables: Mapping[str, pa.Array]
    parts: NDArray[np.int16]
    excluded: pa.Table  # person, phone, shown, reason; see ``Plan.left_out``
    order: NDArray[np.int64] = field(repr=False)  # send order: rows of the arrays above
    ruled_out: Sequence[RuledOut] = ()
    kept: Mapping[str, pa.Array] = field(default_factory=dict)  # columns of `keep`, as text

    @classmethod
    def of(cls, plan: Plan) -> Frozen:
        """The audience of a plan whose rows are all here."""
        return cls(
            phones=plan.phones,
            persons=plan.persons,
            variables=plan.variables,
            parts=plan.parts,
            excluded=plan.left_out(),
            order=plan.order,
            ruled_out=list(plan.ruled_out.groups()),
            kept=plan.kept,
        )

    @classmethod
    def joined(cls, parts: Iterable[Frozen]) -> Frozen:
        """The planned people of several parts, in their order, as one."""
        parts = list(parts)
        names = list(parts[0].variables) if parts else []
        phones = np.concatenate([np.empty(0, np.int64), *(part.phones for part in parts)])
        return cls(
            phones,
            _text([part.persons for part in parts]),
            {name: _text([part.variables[name] for part in parts]) for name in names},
            np.concatenate([np.empty(0, np.int16), *(part.parts for part in parts)]),
            excluded=pa.table({}),
            order=np.arange(len(phones)),
        )


def _text(columns: Sequence[pa.Array]) -> pa.Array:
    return pa.chunked_array(columns, pa.large_string()).combine_chunks()


@dataclass(frozen=True)
class Tally:
    """The count of everybody, which always balances; see DESIGN promise 2."""

    planned: int
    waiting: int
    submitting: int
    accepted: int
    refused: int
    unknown: int
    delivered: int
    undelivered: int
    awaiting: int

    @classmethod
    def of(cls, states: NDArray[np.uint8]) -> Tally:
        """Count one byte a person."""
        return cls.of_counts(np.bincount(states, minlength=len(State)))

    @classmethod
    def of_counts(cls, n: NDArray[np.int64]) -> Tally:
        """From how many are in each `State`."""
        return cls(
            planned=int(n.sum()),
            waiting=int(n[State.WAITING]),
            submitting=int(n[State.SUBMITTING]),
            accepted=int(n[State.ACCEPTED] + n[State.DELIVERED] + n[State.UNDELIVERED]),
            refused=int(n[State.REFUSED]),
            unknown=int(n[State.UNKNOWN]),
            delivered=int(n[State.DELIVERED]),
            undelivered=int(n[State.UNDELIVERED]),
            awaiting=int(n[State.ACCEPTED]),
        )


class Keys(NamedTuple):
    """Who one chunk holds, row for row."""

    phones: NDArray[np.int64]
    persons: pa.Array
    parts: NDArray[np.int16]
    states: NDArray[np.uint8]


class Event(NamedTuple):
    """One thing that happened to some people of a chunk."""

    kind: EventKind
    at: float
    positions: NDArray[np.uint16]
    states: NDArray[np.uint8]
    facts: Facts

    @classmethod
    def of(cls, row: Any) -> Event:
        """Read a database row."""
        facts = Facts(**orjson.loads(row.facts))
        if b'{\\"' in row.facts:  # a message among the details
            details = facts.details
            told = loads(details) if isinstance(details, str) else [loads(d) for d in details]
            facts = replace(facts, details=told)
        return cls(
            row.kind,
            row.at,
            np.frombuffer(row.positions, np.uint16),
            np.frombuffer(row.states, np.uint8),
            facts,
        )

    def facts_of(self, at: int) -> dict[str, Any]:
        """What is known of the person at place *at* of the event, by the names of ``Facts``."""
        return {
            name: value if isinstance(value, str | float | int) or value is None else value[at]
            for name, value in vars(self.facts).items()
        }


class ReplyRow(NamedTuple):
    """One reply (上行) as it was stored."""

    phone: int  # E.164 digits
    text: str
    at: float | None
    opted_out: bool  # it counts as a no: a clear one, or one doubtful and not decided to be none
    id: str = ""  # short, says nothing of the person
    provider: str = ""
    mode: Mode = Mode.LIVE
    reply_id: str = ""  # the provider's
    answer: Answer = Answer.NOT  # as it was read
    kept_at: float | None = None  # None: by a version that did not note it
    decided: str = ""  # of a doubtful one, as `answer`; "" = not yet
    decided_by: str = ""
    decided_at: float | None = None

    @property
    def undecided(self) -> bool:
        """Whether it waits for a person's word."""
        return self.answer is Answer.DOUBTFUL and not self.decided

    def __repr__(self) -> str:
        return f"ReplyRow(at={self.at}, opted_out={self.opted_out})"


class Times(NamedTuple):
    """When each person of a chunk was last submitted, and a receipt came; row for row, NaN = not."""

    submitted_at: NDArray[np.float64]
    receipt_at: NDArray[np.float64]


class History(NamedTuple):
    """What is known of each person of a chunk now; arrays row for row, NaN = no time."""

    keys: Keys
    reason: NDArray[Any]
    message_id: NDArray[Any]
    code: NDArray[Any]
    detail: NDArray[Any]
    submitted_at: NDArray[np.float64]
    receipt_code: NDArray[Any]
    receipt_at: NDArray[np.float64]

    @property
    def times(self) -> Times:
        """When it happened."""
        return Times(self.submitted_at, self.receipt_at)


def times_of(people: int, events: Sequence[Event]) -> Times:
    """The times of a chunk of so many *people*; looks at claims and receipts only."""
    times = Times(np.full(people, np.nan), np.full(people, np.nan))
    for e in events:
        if e.kind == "claim":
            times.submitted_at[e.positions] = e.at
        elif e.kind == "receipt":
            times.receipt_at[e.positions] = e.at if e.facts.times is None else _column(e.facts.times)
    return times


def fold(keys: Keys, events: Sequence[Event]) -> History:
    n = len(keys.phones)

    def text() -> NDArray[Any]:
        return np.full(n, "", object)

    sent, came = times_of(n, events)
    h = History(keys, text(), text(), text(), text(), sent, text(), came)
    for e in events:
        at = e.positions
        if e.kind == "receipt":
            h.receipt_code[at] = _column(e.facts.codes)
            h.detail[at] = _column(e.facts.details)
        elif e.kind != "claim":
            h.reason[at] = _column(e.facts.reason)
            h.code[at] = _column(e.facts.codes)
            h.detail[at] = _column(e.facts.details)
            h.message_id[at] = _column(e.facts.ids)
    return h


def _column(value: Any) -> Any:
    return value if isinstance(value, (str, float, int)) else np.array(value, object)
