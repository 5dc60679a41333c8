"""
The database: schema, the only state changes there are, and reading back.

Shape. A campaign's audience is frozen once, in send order, and stored by column
in chunks of ``CHUNK`` people. Beside each chunk lies one byte a person, the
``State``. Every change is one transaction that moves those bytes along an
allowed arrow and appends an ``event`` row saying who, when and with what answer;
so the bytes are the present, the events are the evidence, and both always agree.

Why nobody can be submitted twice: (mode, name) is unique, the audience of a
campaign is written once with every phone and person in it at most once (checked
while writing), and a claim succeeds only from WAITING, in the same transaction
that records the intent and proves the lease. SQLite runs with
``synchronous=FULL``: what was claimed stays claimed through a power cut.

Times are epoch seconds (UTC). Leaves to others: what to send and when.
"""

from __future__ import annotations

import json
import os
import platform
import time as _time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from numpy.typing import NDArray

from smskit.caps import Recent, counted
from smskit.errors import LedgerError, LedgerLocked
from smskit.models import Mode, Receipt, Reply, Slice, State
from smskit.persons import later_copies
from smskit.settings import project_root
from smskit.spec import FrequencyCap

CHUNK = 10_000
LEASE_TTL_S = 60.0
STRAY_DAYS = 7

_meta = sa.MetaData()

_campaign = sa.Table(
    "campaign",
    _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("mode", sa.String(16), nullable=False),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("provider", sa.String(64), nullable=False),
    sa.Column("plan_hash", sa.String(64), nullable=False),
    sa.Column("spec", sa.Text, nullable=False),  # JSON: the campaign's parameters
    sa.Column("summary", sa.Text, nullable=False),  # JSON: what the plan added up to
    sa.Column("note", sa.Text, nullable=False, server_default=""),  # why it stopped, for people
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("started_at", sa.Float),
    sa.Column("finished_at", sa.Float),
    sa.Column("stop_requested", sa.Integer, nullable=False, server_default="0"),
    sa.UniqueConstraint("mode", "name"),
)
_lease = sa.Table(
    "lease",
    _meta,
    sa.Column("campaign_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("token", sa.String(32), nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("process_started", sa.Float, nullable=False),
    sa.Column("until", sa.Float, nullable=False),
)


def _chunk_key() -> list[sa.Column[Any]]:
    return [
        sa.Column("campaign_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("chunk", sa.Integer, primary_key=True, autoincrement=False),
    ]


_audience = sa.Table(
    "audience",
    _meta,
    *_chunk_key(),
    sa.Column("phones", sa.LargeBinary, nullable=False),  # int64, E.164 digits
    sa.Column("persons", sa.LargeBinary, nullable=False),  # Arrow: person
)
_content = sa.Table(
    "content",
    _meta,
    *_chunk_key(),
    sa.Column("parts", sa.LargeBinary, nullable=False),  # int16
    sa.Column("variables", sa.LargeBinary, nullable=False),  # Arrow: one column a variable
)
_progress = sa.Table(
    "progress",
    _meta,
    *_chunk_key(),
    sa.Column("states", sa.LargeBinary, nullable=False),  # uint8, models.State
)
_excluded = sa.Table(
    "excluded",
    _meta,
    *_chunk_key(),
    sa.Column("people", sa.LargeBinary, nullable=False),  # Arrow: person, phone (0 = none), shown, reason
)
_event = sa.Table(
    "event",
    _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("campaign_id", sa.Integer, nullable=False),
    sa.Column("chunk", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("positions", sa.LargeBinary, nullable=False),  # uint16 within the chunk
    sa.Column("states", sa.LargeBinary, nullable=False),  # uint8 after the event
    sa.Column("facts", sa.LargeBinary, nullable=False),  # JSON, see Facts
    sa.Index("event_by_chunk", "campaign_id", "chunk", "id"),
    sa.Index("event_by_time", "campaign_id", "at"),
)
_page = sa.Table(
    "inbox",
    _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("provider", sa.String(64), nullable=False),
    sa.Column("mode", sa.String(16), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),  # "receipts" or "replies"
    sa.Column("body", sa.LargeBinary, nullable=False),  # as it came
    sa.Column("received_at", sa.Float, nullable=False),
    sa.Column("handled_at", sa.Float),
)
_stray = sa.Table(
    "stray_receipt",  # reports whose message the ledger cannot name yet
    _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("provider", sa.String(64), nullable=False),
    sa.Column("mode", sa.String(16), nullable=False),
    sa.Column("receipt", sa.LargeBinary, nullable=False),
    sa.Column("received_at", sa.Float, nullable=False),
)
_opt_out = sa.Table(
    "opt_out",
    _meta,
    sa.Column("phone", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("since", sa.Float, nullable=False),
    sa.Column("source", sa.String(64), nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
)
_reply = sa.Table(
    "reply",
    _meta,
    sa.Column("provider", sa.String(64), primary_key=True),
    sa.Column("mode", sa.String(16), primary_key=True),
    sa.Column("reply_id", sa.String(128), primary_key=True),
    sa.Column("phone", sa.BigInteger, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("at", sa.Float),
    sa.Column("opted_out", sa.Integer, nullable=False),
)

_counter = sa.Table(
    "counter",  # goes up with every change of something that is asked about often
    _meta,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("value", sa.Integer, nullable=False),
)

# What may become what. Anything else is a bug, and is refused by the transaction.
_ARROWS: dict[str, tuple[State, frozenset[State]]] = {
    "claim": (State.WAITING, frozenset({State.SUBMITTING})),
    "opt_out": (State.WAITING, frozenset({State.REFUSED})),
    "frequency_cap": (State.WAITING, frozenset({State.REFUSED})),
    "outcome": (
        State.SUBMITTING,
        frozenset({State.ACCEPTED, State.REFUSED, State.UNKNOWN, State.WAITING}),
    ),
    "interrupted": (State.SUBMITTING, frozenset({State.UNKNOWN})),
    "settled": (State.UNKNOWN, frozenset({State.ACCEPTED, State.REFUSED, State.WAITING})),
    "receipt": (State.ACCEPTED, frozenset({State.DELIVERED, State.UNDELIVERED})),
}
EventKind = Literal["claim", "opt_out", "frequency_cap", "outcome", "interrupted", "settled", "receipt"]


class Facts(NamedTuple):
    """What an event knows about its people, each a list as long as the event, or one value for all."""

    reason: str | Sequence[str] = ""  # our word: "no_answer", "refused", "given_up" ...
    ids: str | Sequence[str] = ""  # the provider's message ids
    codes: str | Sequence[str] = ""
    details: str | Sequence[str] = ""
    times: float | Sequence[float] | None = None  # the provider's own time, for receipts


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


@dataclass(frozen=True)
class Frozen:
    """What ``freeze`` stores: the planned people in send order, and those left out."""

    phones: NDArray[np.int64]
    persons: pa.Array
    variables: Mapping[str, pa.Array]
    parts: NDArray[np.int16]
    excluded: pa.Table  # person, phone, shown, reason
    order: NDArray[np.int64] = field(repr=False)  # send order: rows of the arrays above


@dataclass(frozen=True)
class Books:
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
    def of(cls, states: NDArray[np.uint8]) -> Books:
        """Count one byte a person."""
        n = np.bincount(states, minlength=len(State))
        return cls(
            planned=len(states),
            waiting=int(n[State.WAITING]),
            submitting=int(n[State.SUBMITTING]),
            accepted=int(n[State.ACCEPTED] + n[State.DELIVERED] + n[State.UNDELIVERED]),
            refused=int(n[State.REFUSED]),
            unknown=int(n[State.UNKNOWN]),
            delivered=int(n[State.DELIVERED]),
            undelivered=int(n[State.UNDELIVERED]),
            awaiting=int(n[State.ACCEPTED]),
        )


class Ledger:
    """
    The ledger at *url* (a SQLAlchemy URL; SQLite or PostgreSQL). Safe to share between threads.

    A relative SQLite path is taken from the project's root, so that a notebook,
    papermill and the command line meet in the same file wherever they start.

    Raises:
        LedgerError: the database cannot be opened; the URL is not repeated.
    """

    def __init__(self, url: str, *, clock: Callable[[], float] = _time.time) -> None:
        self.clock = clock
        try:
            self._engine = _open(url)
            # Two runs may open a new ledger at once: only the one with the write lock makes the tables.
            with self._write() as conn:
                _meta.create_all(conn)
            self._hot = _Hot(self._engine.dialect)
        except Exception as error:
            raise LedgerError(
                f"the ledger cannot be opened ({type(error).__name__}); look at SMSKIT_DATABASE_URL"
            ) from None

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        with self._engine.connect().execution_options(smskit_write=True) as conn, conn.begin():
            yield conn

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with self._engine.connect() as conn, conn.begin():
            yield conn

    # -- campaigns ------------------------------------------------------------

    def campaign(self, name: str, mode: Mode) -> CampaignRow | None:
        """The campaign, or None."""
        return next(iter(self.campaigns(name=name, mode=mode)), None)

    def campaigns(
        self, *, name: str | None = None, mode: Mode | None = None, provider: str | None = None
    ) -> list[CampaignRow]:
        """Campaigns that match, oldest first."""
        query = sa.select(_campaign).order_by(_campaign.c.id)
        for column, value in (
            (_campaign.c.name, name),
            (_campaign.c.mode, mode),
            (_campaign.c.provider, provider),
        ):
            if value is not None:
                query = query.where(column == str(value))
        with self._read() as conn:
            return [_row(r) for r in conn.execute(query)]

    def freeze(
        self,
        *,
        name: str,
        mode: Mode,
        provider: str,
        plan_hash: str,
        spec: Mapping[str, Any],
        summary: Mapping[str, Any],
        frozen: Frozen,
    ) -> CampaignRow:
        """
        Store a campaign with its audience, in one transaction.

        A plan replaces an earlier plan of the same name. Rehearsals and live
        campaigns start here: if another run was faster, its audience stands.

        Returns:
            The campaign that now has this name and mode.

        Raises:
            LedgerError: the plan holds a phone or person twice.
        """
        _once(frozen)
        with self._write() as conn:
            same = (_campaign.c.mode == str(mode)) & (_campaign.c.name == name)
            old = conn.execute(sa.select(_campaign).where(same)).one_or_none()
            if old is not None and mode is not Mode.PLAN:
                return _row(old)
            if old is not None:
                _delete(conn, old.id)
            now = self.clock()
            campaign_id = conn.execute(
                _campaign.insert().values(
                    mode=str(mode),
                    name=name,
                    state="planned",
                    provider=provider,
                    plan_hash=plan_hash,
                    spec=json.dumps(spec, ensure_ascii=False),
                    summary=json.dumps(summary, ensure_ascii=False),
                    created_at=now,
                    started_at=None if mode is Mode.PLAN else now,
                )
            ).inserted_primary_key
            assert campaign_id is not None
            _store_audience(conn, campaign_id[0], frozen)
        row = self.campaign(name, mode)
        assert row is not None
        return row

    def forget(self, campaign_id: int) -> None:
        """Delete a campaign and all that is known of it. For rehearsals and plans only."""
        with self._write() as conn:
            _delete(conn, campaign_id)

    def mark(self, campaign_id: int, state: str, *, note: str = "") -> None:
        """Set the campaign's state; the first ``running`` and each ``finished`` are timed."""
        values: dict[str, Any] = {"state": state, "note": note}
        if state == "running":
            values |= {"stop_requested": 0, "finished_at": None}
            values["started_at"] = sa.func.coalesce(_campaign.c.started_at, self.clock())
        if state == "finished":
            values["finished_at"] = self.clock()
        with self._write() as conn:
            conn.execute(_campaign.update().where(_campaign.c.id == campaign_id).values(**values))

    def note(self, campaign_id: int, text: str) -> None:
        """Say what a run is at, for people who look at it meanwhile; ``mark`` writes over it."""
        with self._write() as conn:
            conn.execute(_campaign.update().where(_campaign.c.id == campaign_id).values(note=text))

    def request_stop(self, campaign_id: int) -> None:
        """Ask whichever run owns the campaign to stop cleanly; it looks once a second."""
        with self._write() as conn:
            conn.execute(_campaign.update().where(_campaign.c.id == campaign_id).values(stop_requested=1))

    def stop_requested(self, campaign_id: int) -> bool:
        """Whether somebody asked for a stop."""
        with self._read() as conn:
            query = sa.select(_campaign.c.stop_requested).where(_campaign.c.id == campaign_id)
            return bool(conn.execute(query).scalar())

    # -- lease ----------------------------------------------------------------

    @contextmanager
    def lease(self, campaign_id: int) -> Iterator[str]:
        """
        Own the campaign for the length of the block; yields the token that proves it.

        A run on this machine that is still alive is never pushed aside, one
        that died is at once; a run on another machine after ``LEASE_TTL_S``
        without a sign of life.

        Raises:
            LedgerLocked: another run owns it.
        """
        token = uuid.uuid4().hex
        host, pid, started = _this_process()
        with self._write() as conn:
            held = conn.execute(sa.select(_lease).where(_lease.c.campaign_id == campaign_id)).one_or_none()
            if held is not None and _holds(held, host, self.clock()):
                raise LedgerLocked(
                    f"another run (process {held.pid} on {held.host}) is working on this campaign; "
                    "wait for it or stop it, then run again"
                )
            conn.execute(_lease.delete().where(_lease.c.campaign_id == campaign_id))
            conn.execute(
                _lease.insert().values(
                    campaign_id=campaign_id,
                    token=token,
                    host=host,
                    pid=pid,
                    process_started=started,
                    until=self.clock() + LEASE_TTL_S,
                )
            )
        try:
            yield token
        finally:
            with self._write() as conn:
                conn.execute(
                    _lease.delete().where(_lease.c.campaign_id == campaign_id, _lease.c.token == token)
                )

    def renew(self, campaign_id: int, token: str) -> None:
        """Sign of life of the run that holds *token*."""
        with self._write() as conn:
            _prove(conn, self._hot, campaign_id, token)
            conn.execute(
                _lease.update()
                .where(_lease.c.campaign_id == campaign_id)
                .values(until=self.clock() + LEASE_TTL_S)
            )

    # -- changes --------------------------------------------------------------

    def apply(self, campaign_id: int, changes: Sequence[Change], *, token: str | None) -> None:
        """
        Commit *changes* together, durably, or none of them.

        Args:
            token: Proof of the lease, for everything a run does; None for
                receipts and settling, which touch only finished submissions.

        Raises:
            LedgerLocked: the lease was lost.
            LedgerError: somebody is not in the state the change starts from.
        """
        now = self.clock()
        with self._write() as conn:
            if token is not None:
                _prove(conn, self._hot, campaign_id, token)
            _apply(conn, self._hot, campaign_id, changes, now)

    def apply_unless_opted_out(
        self,
        campaign_id: int,
        changes: Callable[[float], Sequence[Change]],
        *,
        token: str,
        version: int,
        recent: Recent | None = None,
    ) -> bool:
        """
        `apply`, if the opt-outs are still those of *version*; else change nothing and return False.

        One transaction for all of it, so no claim can slip past an opt-out that was recorded
        before it, nor two runs take the same person past a frequency cap: of two claims one
        is first, and the other sees it. (SQLite has one writer at a time; elsewhere writers
        have to be kept apart for this to hold.)

        Args:
            changes: Makes them, given the time of the transaction, when *recent* is up to date.
            recent: Brought up to date with everything other campaigns did; None = there is no cap.
        """
        with self._write() as conn:
            # Taken under the lock: a claim is never older than one that was committed before it.
            now = self.clock()
            _prove(conn, self._hot, campaign_id, token)
            if (self._hot.opt_outs(conn, {"name": "opt_out"}).scalar() or 0) != version:
                return False
            last = 0 if recent is None else _catch_up(conn, self._hot, campaign_id, recent, now)
            _apply(conn, self._hot, campaign_id, changes(now), now)
        if recent is not None:
            # Only now: a number that was rolled back, or that a forgotten rehearsal had, is given anew.
            # After it lies an event of ours, which stays.
            recent.seen = last
        return True

    def interrupt(self, campaign_id: int, *, token: str) -> int:
        """Turn what an earlier, dead run left as submitting into unknown; returns how many."""
        changes = []
        for chunk, states in self.states(campaign_id).items():
            left = np.flatnonzero(states == State.SUBMITTING).astype(np.uint16)
            if len(left):
                to = np.full(len(left), State.UNKNOWN, np.uint8)
                changes.append(Change("interrupted", chunk, left, to, Facts(reason="interrupted")))
        if changes:
            self.apply(campaign_id, changes, token=token)
        return sum(len(c.positions) for c in changes)

    # -- reading --------------------------------------------------------------

    def states(self, campaign_id: int) -> dict[int, NDArray[np.uint8]]:
        """Chunk -> one byte a person, in chunk order."""
        query = sa.select(_progress.c.chunk, _progress.c.states)
        query = query.where(_progress.c.campaign_id == campaign_id).order_by(_progress.c.chunk)
        with self._read() as conn:
            return {chunk: np.frombuffer(blob, np.uint8) for chunk, blob in conn.execute(query)}

    def books(self, campaign_id: int) -> Books:
        """The campaign's books, now."""
        parts = list(self.states(campaign_id).values())
        return Books.of(np.concatenate(parts) if parts else np.empty(0, np.uint8))

    def people(self, campaign_id: int, chunk: int, positions: NDArray[np.uint16] | None = None) -> Slice:
        """Phones and template variables of a chunk, or of some of it, in send order."""
        with self._read() as conn:
            key = {"campaign_id": campaign_id, "chunk": chunk}
            phones = np.frombuffer(_blob(conn, _audience.c.phones, key), np.int64)
            batch = _from_arrow(_blob(conn, _content.c.variables, key))
        if positions is None:
            positions = np.arange(len(phones), dtype=np.uint16)
        variables = dict(zip(batch.schema.names, batch.columns, strict=True))
        if len(positions) < len(phones):
            phones, take = phones[positions], pa.array(positions)
            variables = {name: column.take(take) for name, column in variables.items()}
        return Slice(chunk, positions, phones, variables)

    def history(self, campaign_id: int, chunk: int) -> History:
        """Everything known about each person of a chunk, folded from its events."""
        return _fold(self.keys(campaign_id, chunk), self.events(campaign_id, chunk))

    def keys(self, campaign_id: int, chunk: int) -> Keys:
        """Who a chunk holds: phones, persons, parts and states."""
        key = {"campaign_id": campaign_id, "chunk": chunk}
        with self._read() as conn:
            return Keys(
                np.frombuffer(_blob(conn, _audience.c.phones, key), np.int64),
                _from_arrow(_blob(conn, _audience.c.persons, key)).column(0),
                np.frombuffer(_blob(conn, _content.c.parts, key), np.int16),
                np.frombuffer(_blob(conn, _progress.c.states, key), np.uint8),
            )

    def events(self, campaign_id: int, chunk: int) -> list[Event]:
        """The events of one chunk, in order."""
        query = sa.select(_event).where(_event.c.campaign_id == campaign_id, _event.c.chunk == chunk)
        with self._read() as conn:
            return [Event.of(row) for row in conn.execute(query.order_by(_event.c.id))]

    def stopped(self, campaign_id: int) -> dict[str, int]:
        """Reason -> how many planned people were stopped when they were claimed; only those that occur."""
        kinds = {"opt_out": "opted_out", "frequency_cap": "frequency_cap"}
        query = (
            sa.select(_event.c.kind, sa.func.sum(sa.func.length(_event.c.states)))
            .where(_event.c.campaign_id == campaign_id, _event.c.kind.in_(kinds))
            .group_by(_event.c.kind)
        )
        with self._read() as conn:
            found = {kind: int(count) for kind, count in conn.execute(query)}
        return {reason: found[kind] for kind, reason in kinds.items() if kind in found}

    def excluded(self, campaign_id: int) -> Iterator[pa.Table]:
        """The people left out, as tables of person, phone (0 = none), shown, reason."""
        query = sa.select(_excluded.c.people).where(_excluded.c.campaign_id == campaign_id)
        with self._read() as conn:
            for (blob,) in conn.execute(query.order_by(_excluded.c.chunk)):
                yield pa.Table.from_batches([_from_arrow(blob)])

    def find(self, campaign_id: int, *, person: str, phone: int) -> list[tuple[int, int]]:
        """(chunk, position) of whoever has that person id or that phone (0 = do not look by phone)."""
        query = sa.select(_audience).where(_audience.c.campaign_id == campaign_id).order_by(_audience.c.chunk)
        found = []
        with self._read() as conn:
            for row in conn.execute(query):
                persons = _from_arrow(row.persons).column(0)
                hit = pc.equal(persons, person).to_numpy(zero_copy_only=False)
                if phone:
                    hit |= np.frombuffer(row.phones, np.int64) == phone
                found += [(row.chunk, int(position)) for position in np.flatnonzero(hit)]
        return found

    def locate(self, campaign_id: int, phones: NDArray[np.int64]) -> dict[int, tuple[int, int]]:
        """Phone -> (chunk, position), for those of *phones* the campaign holds."""
        query = sa.select(_audience.c.chunk, _audience.c.phones).where(_audience.c.campaign_id == campaign_id)
        found: dict[int, tuple[int, int]] = {}
        with self._read() as conn:
            for chunk, blob in conn.execute(query):
                held = np.frombuffer(blob, np.int64)
                for position in np.flatnonzero(np.isin(held, phones)):
                    found[int(held[position])] = (chunk, int(position))
        return found

    def submitted(self, name: str, mode: Mode) -> tuple[NDArray[np.int64], pa.Array]:
        """Phones and persons of this campaign that were submitted, or may have been."""
        row = self.campaign(name, mode)
        phones: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        persons: list[pa.Array] = [pa.array([], pa.large_string())]
        for chunk, states in self.states(row.id).items() if row else ():
            sent = np.flatnonzero((states != State.WAITING) & (states != State.REFUSED))
            if row and len(sent):
                keys = self.keys(row.id, chunk)
                phones.append(keys.phones[sent])
                persons.append(keys.persons.take(pa.array(sent)))
        return np.concatenate(phones), pa.chunked_array(persons).combine_chunks()

    def accepted_since(self, since: float, *, but_not: str) -> NDArray[np.int64]:
        """
        Phones of live messages that were submitted after *since* and accepted, once for each message.

        A message that may have been accepted counts; see ``caps.counted``.

        Args:
            but_not: The campaign that asks; its own messages, test sends included, are left out.
        """
        phones: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        with self._read() as conn:
            for campaign_id in _others(conn, but_not):
                for chunk in _chunks_since(conn, campaign_id, since):
                    lately = _lately(conn, campaign_id, chunk, since)
                    phones.append(lately.phones[counted(lately.states) & (lately.claimed_at > since)])
        return np.concatenate(phones)

    def recent(self, campaign_id: int, cap: FrequencyCap) -> Recent:
        """
        What a cap of this campaign looks at when people are claimed, as of now.

        Campaigns of the same name (its rehearsal or live twin) and its test sends do not count.
        """
        phones = sa.select(_audience.c.phones).where(_audience.c.campaign_id == campaign_id)
        with self._read() as conn:
            blobs = conn.execute(phones.order_by(_audience.c.chunk)).scalars()
            recent = Recent(np.concatenate([np.empty(0, np.int64), *map(_phones, blobs)]), cap)
            others = _others(conn, _name(conn, campaign_id))
            # Of live campaigns, whose events stay: the number of a forgotten rehearsal's is given anew.
            live = sa.select(_event.c.id).where(_event.c.campaign_id.in_([*others, campaign_id]))
            recent.seen = conn.execute(live.order_by(_event.c.id.desc()).limit(1)).scalar() or 0
            since = self.clock() - recent.reach_s
            for other in others:
                for chunk in _chunks_since(conn, other, since):
                    _add(recent, conn, other, chunk, since)
        return recent

    def known_messages(
        self, provider: str, mode: Mode, since: float, wanted: set[tuple[str, int]]
    ) -> set[tuple[str, int]]:
        """
        Those of *wanted* that some campaign already has as its own message.

        Args:
            wanted: (message id, phone): providers may share one id among the people of a call.
        """
        ids = {message_id for message_id, _ in wanted}
        known: set[tuple[str, int]] = set()
        for row in self.campaigns(provider=provider, mode=mode):
            for chunk in self._chunks_since(row.id, since):
                for event in self.events(row.id, chunk):
                    have = event.facts.ids
                    have = [have] * len(event.positions) if isinstance(have, str) else have
                    if ids.intersection(have):
                        phones = self.keys(row.id, chunk).phones[event.positions].tolist()
                        known |= wanted.intersection(zip(have, phones, strict=True))
        return known

    def _chunks_since(self, campaign_id: int, since: float) -> list[int]:
        with self._read() as conn:
            return _chunks_since(conn, campaign_id, since)

    # -- receipts and replies ---------------------------------------------------

    def keep_page(self, provider: str, mode: Mode, kind: str, body: bytes) -> int:
        """Store a page of reports as it came, before anybody tries to understand it."""
        values = {
            "provider": provider,
            "mode": str(mode),
            "kind": kind,
            "body": body,
            "received_at": self.clock(),
        }
        with self._write() as conn:
            key = conn.execute(_page.insert().values(**values)).inserted_primary_key
        assert key is not None
        return int(key[0])

    def open_pages(self, provider: str, mode: Mode, kind: str) -> list[tuple[int, bytes]]:
        """Pages that were stored but not worked through yet."""
        query = sa.select(_page.c.id, _page.c.body).where(
            _page.c.provider == provider,
            _page.c.mode == str(mode),
            _page.c.kind == kind,
            _page.c.handled_at.is_(None),
        )
        with self._read() as conn:
            return [(row.id, row.body) for row in conn.execute(query.order_by(_page.c.id))]

    def close_page(self, page: int) -> None:
        """Mark a page as worked through; its raw body has served its purpose and goes."""
        with self._write() as conn:
            conn.execute(_page.update().where(_page.c.id == page).values(handled_at=self.clock(), body=b""))

    def keep_strays(self, provider: str, mode: Mode, receipts: Sequence[Receipt]) -> None:
        """Keep reports whose message is not known yet, to be tried again later."""
        rows = [
            {
                "provider": provider,
                "mode": str(mode),
                "receipt": orjson.dumps(receipt._asdict()),
                "received_at": self.clock(),
            }
            for receipt in receipts
        ]
        if rows:
            with self._write() as conn:
                conn.execute(_stray.insert(), rows)

    def strays(self, provider: str, mode: Mode) -> list[tuple[int, Receipt]]:
        """The kept reports with their ids; those older than ``STRAY_DAYS`` are nobody's and go."""
        where = (_stray.c.provider == provider) & (_stray.c.mode == str(mode))
        with self._write() as conn:
            conn.execute(_stray.delete().where(_stray.c.received_at < self.clock() - STRAY_DAYS * 86400))
            rows = conn.execute(sa.select(_stray.c.id, _stray.c.receipt).where(where)).all()
        found = []
        for row in rows:
            data = orjson.loads(row.receipt)
            data["at"] = datetime.fromisoformat(data["at"]) if data["at"] else None
            found.append((row.id, Receipt(**data)))
        return found

    def drop_strays(self, ids: Sequence[int]) -> None:
        """Remove kept reports that found their message."""
        if ids:
            with self._write() as conn:
                conn.execute(_stray.delete().where(_stray.c.id == sa.bindparam("i")), [{"i": i} for i in ids])

    def keep_replies(self, provider: str, mode: Mode, replies: Sequence[tuple[Reply, int, bool]]) -> int:
        """Store (reply, phone, is an opt-out), each once; returns how many were new."""
        new = 0
        with self._write() as conn:
            for reply, phone, opted_out in replies:
                key = {"provider": provider, "mode": str(mode), "reply_id": reply.reply_id}
                where = sa.and_(*(_reply.c[name] == value for name, value in key.items()))
                if conn.execute(sa.select(_reply.c.phone).where(where)).first() is None:
                    at = reply.at.timestamp() if reply.at else None
                    values = key | {"phone": phone, "text": reply.text, "at": at, "opted_out": int(opted_out)}
                    conn.execute(_reply.insert().values(**values))
                    new += 1
        return new

    # -- opt-outs ----------------------------------------------------------------

    def opt_outs(self) -> NDArray[np.int64]:
        """All phones that opted out, ascending."""
        with self._read() as conn:
            found = conn.execute(sa.select(_opt_out.c.phone)).scalars().all()
        return np.sort(np.array(found, np.int64))

    def opt_out_version(self) -> int:
        """A number that changes whenever somebody opts out or is taken off the list."""
        with self._read() as conn:
            return int(self._hot.opt_outs(conn, {"name": "opt_out"}).scalar() or 0)

    def opt_out_rows(self) -> list[tuple[int, float, str, str]]:
        """(phone, since, source, note), newest first."""
        with self._read() as conn:
            query = sa.select(_opt_out).order_by(_opt_out.c.since.desc())
            return [(r.phone, r.since, r.source, r.note) for r in conn.execute(query)]

    def add_opt_outs(self, phones: Sequence[int], *, source: str, note: str = "") -> int:
        """Add phones; those already there keep their first date. Returns how many were new."""
        with self._write() as conn:
            # Looked up under the write lock: two imports may run at once.
            there = conn.execute(sa.select(_opt_out.c.phone)).scalars().all()
            fresh = np.setdiff1d(np.array(phones, np.int64), np.array(there, np.int64))
            rows = [{"phone": int(p), "since": self.clock(), "source": source, "note": note} for p in fresh]
            if rows:
                conn.execute(_opt_out.insert(), rows)
                _count_up(conn, "opt_out")
        return len(rows)

    def remove_opt_out(self, phone: int) -> bool:
        """Remove a phone; returns whether it was there."""
        with self._write() as conn:
            there = bool(conn.execute(_opt_out.delete().where(_opt_out.c.phone == phone)).rowcount)
            _count_up(conn, "opt_out")
        return there


def tests_of(campaign: str) -> str:
    """What the names of a campaign's test sends begin with; each is a campaign of its own."""
    return f"{campaign[:90]}.test-"


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
        return cls(
            row.kind,
            row.at,
            np.frombuffer(row.positions, np.uint16),
            np.frombuffer(row.states, np.uint8),
            facts,
        )


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


def _fold(keys: Keys, events: Sequence[Event]) -> History:
    n = len(keys.phones)

    def text() -> NDArray[Any]:
        return np.full(n, "", object)

    def times() -> NDArray[np.float64]:
        return np.full(n, np.nan)

    h = History(keys, text(), text(), text(), text(), times(), text(), times())
    for e in events:
        at = e.positions
        if e.kind == "claim":
            h.submitted_at[at] = e.at
        elif e.kind == "receipt":
            h.receipt_code[at] = _column(e.facts.codes)
            h.receipt_at[at] = e.at if e.facts.times is None else _column(e.facts.times)
            h.detail[at] = _column(e.facts.details)
        else:
            h.reason[at] = _column(e.facts.reason)
            h.code[at] = _column(e.facts.codes)
            h.detail[at] = _column(e.facts.details)
            h.message_id[at] = _column(e.facts.ids)
    return h


def _column(value: Any) -> Any:
    return value if isinstance(value, (str, float, int)) else np.array(value, object)


class _Hot:
    """
    The five statements of a commit, compiled once and handed to the driver as text.

    SQLAlchemy compiles a statement anew, or looks it up, each time; at a commit
    every few messages that was half the cost of keeping a ledger.
    """

    def __init__(self, dialect: sa.Dialect) -> None:
        here = (_progress.c.campaign_id == sa.bindparam("campaign")) & (
            _progress.c.chunk == sa.bindparam("at")
        )
        self.token = _driver(
            dialect, sa.select(_lease.c.token).where(_lease.c.campaign_id == sa.bindparam("campaign"))
        )
        self.opt_outs = _driver(
            dialect, sa.select(_counter.c.value).where(_counter.c.name == sa.bindparam("name"))
        )
        self.last = _driver(dialect, sa.select(sa.func.max(_event.c.id)))
        # Not joined with `campaign`: by number is the order in which little has to be read.
        self.others = _driver(
            dialect,
            sa.select(*_MOVE)
            .where(_event.c.id > sa.bindparam("seen"), _event.c.campaign_id != sa.bindparam("own"))
            .order_by(_event.c.id),
        )
        self.states = _driver(dialect, sa.select(_progress.c.states).where(here))
        self.move = _driver(dialect, _progress.update().where(here).values(states=sa.bindparam("now")))
        names = [column.name for column in _event.columns if column.name != "id"]
        self.event = _driver(
            dialect, _event.insert().values({name: sa.bindparam(f"e_{name}") for name in names})
        )


def _driver(dialect: sa.Dialect, statement: Any) -> Callable[[sa.Connection, Mapping[str, Any]], Any]:
    compiled = statement.compile(dialect=dialect)
    text, order = str(compiled), compiled.positiontup

    def run(conn: sa.Connection, values: Mapping[str, Any]) -> Any:
        return conn.exec_driver_sql(text, dict(values) if order is None else tuple(values[n] for n in order))

    return run


def _count_up(conn: sa.Connection, name: str) -> None:
    here = _counter.c.name == name
    if not conn.execute(_counter.update().where(here).values(value=_counter.c.value + 1)).rowcount:
        conn.execute(_counter.insert().values(name=name, value=1))


def _apply(conn: sa.Connection, hot: _Hot, campaign_id: int, changes: Sequence[Change], now: float) -> None:
    present: dict[int, NDArray[np.uint8]] = {}
    for change in changes:
        here = {"campaign": campaign_id, "at": change.chunk}
        if change.chunk not in present:
            present[change.chunk] = np.frombuffer(hot.states(conn, here).scalar_one(), np.uint8).copy()
        states = present[change.chunk]
        start, allowed = _ARROWS[change.kind]
        if (states[change.positions] != start).any():
            raise LedgerError(f"{change.kind}: somebody is not {start.label}; nothing was recorded")
        if len(set(change.positions.tolist())) < len(change.positions):
            raise LedgerError(f"{change.kind}: somebody is named twice; nothing was recorded")
        if not allowed.issuperset(set(change.states.tolist())):
            raise LedgerError(f"{change.kind} cannot lead there; nothing was recorded")
        states[change.positions] = change.states
        facts = {k: v for k, v in change.facts._asdict().items() if v not in ("", None)}
        hot.event(
            conn,
            {
                "e_campaign_id": campaign_id,
                "e_chunk": change.chunk,
                "e_kind": change.kind,
                "e_at": now,
                "e_positions": change.positions.tobytes(),
                "e_states": change.states.tobytes(),
                "e_facts": orjson.dumps(facts),
            },
        )
    for chunk, states in present.items():
        hot.move(conn, {"campaign": campaign_id, "at": chunk, "now": states.tobytes()})


# -- frequency caps ---------------------------------------------------------------

# An event without what it knows: all a cap needs.
_MOVE = [_event.c[name] for name in ("campaign_id", "chunk", "kind", "at", "positions", "states")]


def _phones(blob: bytes) -> NDArray[np.int64]:
    return np.frombuffer(blob, np.int64)


def _name(conn: sa.Connection, campaign_id: int) -> str:
    return str(conn.execute(sa.select(_campaign.c.name).where(_campaign.c.id == campaign_id)).scalar_one())


def _others(conn: sa.Connection, but_not: str, among: Sequence[int] | None = None) -> list[int]:
    """Live campaigns that count for a cap of the campaign of that name."""
    query = sa.select(_campaign.c.id, _campaign.c.name).where(_campaign.c.mode == str(Mode.LIVE))
    if among is not None:
        query = query.where(_campaign.c.id.in_(among))
    tests = tests_of(but_not)
    return [r.id for r in conn.execute(query) if r.name != but_not and not r.name.startswith(tests)]


def _chunks_since(conn: sa.Connection, campaign_id: int, since: float) -> list[int]:
    query = sa.select(_event.c.chunk).where(_event.c.campaign_id == campaign_id, _event.c.at >= since)
    return sorted(set(conn.execute(query.distinct()).scalars()))


class _Lately(NamedTuple):
    """A chunk as a cap sees it; NaN = not claimed since then."""

    phones: NDArray[np.int64]
    states: NDArray[np.uint8]
    claimed_at: NDArray[np.float64]


def _lately(conn: sa.Connection, campaign_id: int, chunk: int, since: float) -> _Lately:
    key = {"campaign_id": campaign_id, "chunk": chunk}
    phones = _phones(_blob(conn, _audience.c.phones, key))
    states = np.frombuffer(_blob(conn, _progress.c.states, key), np.uint8)
    claims = conn.execute(
        sa.select(_event.c.at, _event.c.positions)
        .where(
            _event.c.campaign_id == campaign_id,
            _event.c.chunk == chunk,
            _event.c.kind == "claim",
            _event.c.at > since,
        )
        .order_by(_event.c.id)
    ).all()
    claimed_at = np.full(len(phones), np.nan)
    times = np.repeat([at for at, _ in claims], [len(blob) // 2 for _, blob in claims])
    claimed_at[np.frombuffer(b"".join(blob for _, blob in claims), np.uint16)] = times  # the last one stays
    return _Lately(phones, states, claimed_at)


def _add(recent: Recent, conn: sa.Connection, campaign_id: int, chunk: int, since: float) -> None:
    lately = _lately(conn, campaign_id, chunk, since)
    recent.add(campaign_id, chunk, lately.phones, claimed_at=lately.claimed_at, states=lately.states)


def _catch_up(conn: sa.Connection, hot: _Hot, campaign_id: int, recent: Recent, now: float) -> int:
    """Tell *recent* what happened since it was told last; returns the number of the last event."""
    last = int(hot.last(conn, {}).scalar() or 0)
    moves = hot.others(conn, {"seen": recent.seen, "own": campaign_id}).all() if last > recent.seen else []
    strange = {m.campaign_id for m in moves if not recent.knows(m.campaign_id, m.chunk)}
    # Asked anew each time: the number of a forgotten rehearsal may be a live campaign's by now.
    count = set(_others(conn, _name(conn, campaign_id), sorted(strange))) if strange else set()
    for move in moves:
        if not recent.knows(move.campaign_id, move.chunk):
            if move.campaign_id not in count:
                continue
            _add(recent, conn, move.campaign_id, move.chunk, now - recent.reach_s)
        recent.tell(
            move.campaign_id,
            move.chunk,
            claimed_at=move.at if move.kind == "claim" else None,
            positions=np.frombuffer(move.positions, np.uint16),
            states=np.frombuffer(move.states, np.uint8),
        )
    return last


def _once(frozen: Frozen) -> None:
    phones = np.sort(frozen.phones[frozen.order])
    if len(phones) and ((np.diff(phones) == 0).any() or phones[0] <= 0):
        raise LedgerError("the plan holds a phone twice; nothing was stored")
    if len(later_copies(frozen.persons, frozen.order)):
        raise LedgerError("the plan holds a person twice; nothing was stored")


def _store_audience(conn: sa.Connection, campaign_id: int, frozen: Frozen) -> None:
    names = list(frozen.variables)
    for chunk, first in enumerate(range(0, len(frozen.order), CHUNK)):
        rows = frozen.order[first : first + CHUNK]
        take = pa.array(rows)
        key = {"campaign_id": campaign_id, "chunk": chunk}
        persons = pa.record_batch([frozen.persons.take(take)], ["person"])
        variables = pa.record_batch([frozen.variables[n].take(take) for n in names], names)
        conn.execute(
            _audience.insert(), key | {"phones": frozen.phones[rows].tobytes(), "persons": _to_arrow(persons)}
        )
        conn.execute(
            _content.insert(),
            key | {"parts": frozen.parts[rows].tobytes(), "variables": _to_arrow(variables)},
        )
        conn.execute(_progress.insert(), key | {"states": bytes(len(rows))})
    for chunk, batch in enumerate(frozen.excluded.to_batches(max_chunksize=CHUNK)):
        conn.execute(
            _excluded.insert(), {"campaign_id": campaign_id, "chunk": chunk, "people": _to_arrow(batch)}
        )


def _delete(conn: sa.Connection, campaign_id: int) -> None:
    for table in (_audience, _content, _progress, _excluded, _event, _lease):
        conn.execute(table.delete().where(table.c.campaign_id == campaign_id))
    conn.execute(_campaign.delete().where(_campaign.c.id == campaign_id))


def _to_arrow(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def _from_arrow(blob: bytes) -> pa.RecordBatch:
    return pa.ipc.open_stream(blob).read_next_batch()


def _blob(conn: sa.Connection, column: sa.Column[Any], key: Mapping[str, int]) -> bytes:
    where = [column.table.c[name] == value for name, value in key.items()]
    return bytes(conn.execute(sa.select(column).where(*where)).scalar_one())


def _row(r: Any) -> CampaignRow:
    values = r._asdict()
    values |= {"mode": Mode(r.mode), "spec": json.loads(r.spec), "summary": json.loads(r.summary)}
    return CampaignRow(**(values | {"stop_requested": bool(r.stop_requested)}))


# -- lease ----------------------------------------------------------------------


def _this_process() -> tuple[str, int, float]:
    import psutil

    return platform.node(), os.getpid(), psutil.Process().create_time()


def _holds(held: Any, host: str, now: float) -> bool:
    if held.host != host:
        return bool(held.until > now)
    import psutil

    try:
        # Process numbers are reused; the same number with another start is another process.
        alive = psutil.Process(held.pid)
        return (
            abs(alive.create_time() - held.process_started) < 1.0 and alive.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.NoSuchProcess:
        return False


def _prove(conn: sa.Connection, hot: _Hot, campaign_id: int, token: str) -> None:
    if hot.token(conn, {"campaign": campaign_id}).scalar() != token:
        raise LedgerLocked("another run has taken this campaign over; this one stops")


# -- database ---------------------------------------------------------------------


def _use_wal(connection: Any) -> None:
    """Switch to write-ahead logging; SQLite answers "locked" at once, not waiting, while another does so."""
    import sqlite3

    for attempt in range(200):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if attempt == 199:
                raise
            _time.sleep(0.05)


def resolve_url(url: str) -> str:
    """*url* with a relative SQLite path made absolute, from the project's root."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database and not Path(parsed.database).is_absolute():
        folder = project_root(Path.cwd()) or Path.cwd()
        parsed = parsed.set(database=str(folder / parsed.database))
    return parsed.render_as_string(hide_password=False)


def _open(url: str) -> sa.Engine:
    parsed = sa.make_url(resolve_url(url))
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed, hide_parameters=True)
    engine = sa.create_engine(parsed, hide_parameters=True, connect_args={"timeout": 60})

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        # The driver must not open transactions by itself: we say BEGIN below.
        connection.isolation_level = None
        for pragma in ("busy_timeout=60000", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        _use_wal(connection)

    @sa.event.listens_for(engine, "begin")
    def _begin(conn: sa.Connection) -> None:
        # A writer takes the write lock at once; upgrading later could fail with "busy" without waiting.
        write = conn.get_execution_options().get("smskit_write")
        conn.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine
