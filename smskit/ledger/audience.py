"""
Reading back: counts, people, and what happened to each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from numpy.typing import NDArray

from smskit.ledger.blobs import from_arrow, from_parquet
from smskit.ledger.campaigns import Campaigns
from smskit.ledger.caps import chunks_since
from smskit.ledger.database import Database
from smskit.ledger.records import Event, EventKind, Frozen, History, Keys, Tally, fold
from smskit.ledger.schema import AUDIENCE, CONTENT, EVENT, EXCLUDED, PROGRESS, RULED_OUT
from smskit.ledger.seals import damaged, read_blob, read_blobs, read_row, states_of, unsealed, with_sums
from smskit.models import VALUE, Mode, RuledOut, Slice, State, one_text


class Audience:
    """Who a campaign is about and what happened to them, by campaign, chunk and person."""

    def __init__(self, database: Database, campaigns: Campaigns) -> None:
        self._database, self._campaigns = database, campaigns

    def states(self, campaign_id: int) -> dict[int, NDArray[np.uint8]]:
        """Chunk -> one byte a person, in chunk order."""
        query = sa.select(*with_sums(PROGRESS.c.states)).where(PROGRESS.c.campaign_id == campaign_id)
        with self._database.read() as conn:
            rows = conn.execute(query.order_by(PROGRESS.c.chunk)).all()
            return {row.chunk: states_of(conn, row) for row in rows}

    def counts(self, campaign_id: int) -> Tally:
        """How many people are in each state, now."""
        parts = list(self.states(campaign_id).values())
        return Tally.of(np.concatenate(parts) if parts else np.empty(0, np.uint8))

    def people(self, campaign_id: int, chunk: int, positions: NDArray[np.uint16] | None = None) -> Slice:
        """Phones and template variables of a chunk, or of some of it, in send order."""
        with self._database.read() as conn:
            phones = np.frombuffer(read_blob(conn, campaign_id, chunk, AUDIENCE.c.phones), np.int64)
            batch = from_arrow(read_blob(conn, campaign_id, chunk, CONTENT.c.variables))
        if positions is None:
            positions = np.arange(len(phones), dtype=np.uint16)
        variables = dict(zip(batch.schema.names, batch.columns, strict=True))
        if len(positions) < len(phones):
            phones, take = phones[positions], pa.array(positions)
            variables = {name: column.take(take) for name, column in variables.items()}
        return Slice(chunk, positions, phones, variables)

    def history(self, campaign_id: int, chunk: int, events: Sequence[Event] | None = None) -> History:
        """Everything known about each person of a chunk, folded from its events (read, unless handed in)."""
        return fold(
            self.keys(campaign_id, chunk), self.events(campaign_id, chunk) if events is None else events
        )

    def keys(self, campaign_id: int, chunk: int) -> Keys:
        """Who a chunk holds: phones, persons, parts and states."""
        here = (campaign_id, chunk)
        with self._database.read() as conn:
            phones, persons = read_blobs(conn, *here, AUDIENCE.c.phones, AUDIENCE.c.persons)
            return Keys(
                np.frombuffer(phones, np.int64),
                from_arrow(persons).column(0),
                np.frombuffer(read_blob(conn, *here, CONTENT.c.parts), np.int16),
                states_of(conn, read_row(conn, *here, PROGRESS.c.states)),
            )

    def parts(self, campaign_id: int, chunk: int) -> NDArray[np.int16]:
        """Billed parts of each person of a chunk."""
        with self._database.read() as conn:
            return np.frombuffer(read_blob(conn, campaign_id, chunk, CONTENT.c.parts), np.int16)

    def kept(self, campaign_id: int, chunk: int) -> dict[str, pa.Array]:
        """Column of `keep` -> its texts, of the people of a chunk; null = missing."""
        with self._database.read() as conn:
            people = from_arrow(read_blob(conn, campaign_id, chunk, AUDIENCE.c.persons))
        return {n.removeprefix(VALUE): people[n] for n in people.schema.names if n.startswith(VALUE)}

    def events(self, campaign_id: int, chunk: int, kinds: Sequence[EventKind] = ()) -> list[Event]:
        """The events of one chunk, in order; only those *kinds* where some are named."""
        query = sa.select(EVENT).where(EVENT.c.campaign_id == campaign_id, EVENT.c.chunk == chunk)
        query = query.where(EVENT.c.kind.in_(kinds)) if kinds else query
        with self._database.read() as conn:
            rows = conn.execute(query.order_by(EVENT.c.id)).all()
            for row in rows:
                for column in (EVENT.c.positions, EVENT.c.states, EVENT.c.facts):
                    unsealed(conn, row, column)
        return [Event.of(row) for row in rows]

    def times_not_taken(self, campaign_id: int, *, chunk: int | None = None) -> dict[int, NDArray[np.uint16]]:
        """
        Chunk -> how often each person was submitted, and the provider said that it did not take them for now.

        Only chunks in which that happened.

        Args:
            chunk: None = all of them.
        """
        query = sa.select(*with_sums(EVENT.c.positions, EVENT.c.states))
        query = query.where(EVENT.c.campaign_id == campaign_id, EVENT.c.kind == "outcome")
        query = query if chunk is None else query.where(EVENT.c.chunk == chunk)
        back: dict[int, list[NDArray[np.uint16]]] = {}
        with self._database.read() as conn:
            for row in conn.execute(query):
                again = states_of(conn, row, EVENT.c.states) == State.WAITING
                if again.any():
                    positions = np.frombuffer(unsealed(conn, row, EVENT.c.positions), np.uint16)
                    back.setdefault(row.chunk, []).append(positions[again])
        sizes = {chunk: len(states) for chunk, states in self.states(campaign_id).items()} if back else {}
        return {
            chunk: np.bincount(np.concatenate(each), minlength=sizes[chunk]).astype(np.uint16)
            for chunk, each in back.items()
        }

    def stopped(self, campaign_id: int) -> dict[str, int]:
        """Reason -> how many planned people were stopped when they were claimed; only those that occur."""
        kinds = {"opt_out": "opted_out", "frequency_cap": "frequency_cap"}
        query = sa.select(EVENT.c.kind, *with_sums(EVENT.c.states))
        query = query.where(EVENT.c.campaign_id == campaign_id, EVENT.c.kind.in_(kinds))
        found: dict[str, int] = {}
        with self._database.read() as conn:
            for row in conn.execute(query):
                found[row.kind] = found.get(row.kind, 0) + len(states_of(conn, row, EVENT.c.states))
        return {reason: found[kind] for kind, reason in kinds.items() if kind in found}

    def claimed(self, campaign_id: int) -> tuple[float | None, float | None]:
        """When the first and the last of its people were claimed to be sent to; None = nobody was."""
        at = EVENT.c.at
        query = sa.select(sa.func.min(at), sa.func.max(at))
        with self._database.read() as conn:
            found = conn.execute(query.where(EVENT.c.campaign_id == campaign_id, EVENT.c.kind == "claim"))
            first, last = found.one()
        return first, last

    def everybody(self, campaign_id: int) -> Iterator[Frozen]:
        """
        Everybody planned, a chunk after another in send order, as a transaction sees them.

        Looks at every checksum, and whether each state is the one its person's last event led to.

        Raises:
            LedgerError: something is not as it was written; names the chunk.
        """
        with self._database.read() as conn:
            yield from self.everybody_within(conn, campaign_id)

    def everybody_within(self, conn: sa.Connection, campaign_id: int) -> Iterator[Frozen]:
        """`everybody`, as that transaction sees them."""
        query = sa.select(PROGRESS.c.chunk).where(PROGRESS.c.campaign_id == campaign_id)
        chunks = list(conn.execute(query.order_by(PROGRESS.c.chunk)).scalars())
        if chunks != list(range(len(chunks))):
            raise damaged(conn, "progress", campaign_id)
        for chunk in chunks:
            here = (campaign_id, chunk)
            states = states_of(conn, read_row(conn, *here, PROGRESS.c.states))
            phones, persons = read_blobs(conn, *here, AUDIENCE.c.phones, AUDIENCE.c.persons)
            parts, variables = read_blobs(conn, *here, CONTENT.c.parts, CONTENT.c.variables)
            if not np.array_equal(states, _led_to(conn, campaign_id, chunk, len(states))):
                raise damaged(conn, "progress.states", campaign_id, chunk)
            batch = from_arrow(variables)
            yield Frozen(
                np.frombuffer(phones, np.int64),
                from_arrow(persons).column(0),
                dict(zip(batch.schema.names, batch.columns, strict=True)),
                np.frombuffer(parts, np.int16),
                excluded=pa.table({}),
                order=np.arange(len(states)),
            )

    def excluded(self, campaign_id: int) -> Iterator[pa.Table]:
        """The people left out, as tables of person, phone (0 = none), shown, reason; see `Plan.left_out`."""
        query = sa.select(EXCLUDED).where(EXCLUDED.c.campaign_id == campaign_id)
        with self._database.read() as conn:
            for row in conn.execute(query.order_by(EXCLUDED.c.chunk)):
                yield pa.Table.from_batches([from_arrow(unsealed(conn, row, EXCLUDED.c.people))])

    def ruled_out(self, campaign_id: int, *, person: str, phone: int, cell: str = "") -> Iterator[RuledOut]:
        """
        Whom the rules left out, of those who have that person id or that phone (0 = do not look by phone).

        Or, where *cell* is given, whose phone is none and is shown so.

        Where the person is the phone, person is that phone's digits.
        """
        columns = ["person", "phone", *(["shown"] if cell else ())]
        query = sa.select(RULED_OUT).where(RULED_OUT.c.campaign_id == campaign_id)
        with self._database.read() as conn:
            for row in conn.execute(query.order_by(RULED_OUT.c.chunk)):
                blob = unsealed(conn, row, RULED_OUT.c.people)
                keys = RuledOut(row.rule, bool(row.unknown), from_parquet(blob, columns))
                if len(found := keys.find(person, phone, cell)):
                    people = from_parquet(blob).set_column(0, "person", keys.persons())
                    yield keys._replace(people=people.take(found))

    def all_ruled_out(self, campaign_id: int) -> Iterator[RuledOut]:
        """Everybody whom the rules left out, in the order they were kept."""
        query = sa.select(RULED_OUT).where(RULED_OUT.c.campaign_id == campaign_id)
        with self._database.read() as conn:
            for row in conn.execute(query.order_by(RULED_OUT.c.chunk)):
                blob = unsealed(conn, row, RULED_OUT.c.people)
                yield RuledOut(row.rule, bool(row.unknown), from_parquet(blob))

    def find(self, campaign_id: int, *, person: str, phone: int) -> list[tuple[int, int]]:
        """(chunk, position) of whoever has that person id or that phone (0 = do not look by phone)."""
        query = sa.select(AUDIENCE).where(AUDIENCE.c.campaign_id == campaign_id).order_by(AUDIENCE.c.chunk)
        wanted, found = one_text(person)[0], []
        with self._database.read() as conn:
            for row in conn.execute(query):
                persons = from_arrow(unsealed(conn, row, AUDIENCE.c.persons)).column(0)
                hits = set(pc.indices_nonzero(pc.equal(persons, wanted)).to_pylist())
                if phone:
                    phones = np.frombuffer(unsealed(conn, row, AUDIENCE.c.phones), np.int64)
                    hits.update(np.flatnonzero(phones == phone).tolist())
                found += [(row.chunk, position) for position in sorted(hits)]
        return found

    def locate(self, campaign_id: int, phones: NDArray[np.int64]) -> dict[int, tuple[int, int]]:
        """Phone -> (chunk, position), for those of *phones* the campaign holds."""
        query = sa.select(*with_sums(AUDIENCE.c.phones)).where(AUDIENCE.c.campaign_id == campaign_id)
        found: dict[int, tuple[int, int]] = {}
        with self._database.read() as conn:
            for row in conn.execute(query):
                held = np.frombuffer(unsealed(conn, row, AUDIENCE.c.phones), np.int64)
                for position in np.flatnonzero(np.isin(held, phones)):
                    found[int(held[position])] = (row.chunk, int(position))
        return found

    def submitted(self, name: str, mode: Mode) -> tuple[NDArray[np.int64], pa.Array]:
        """Phones and persons of this campaign that were submitted, or may have been."""
        row = self._campaigns.get(name, mode)
        phones: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        persons: list[pa.Array] = [pa.array([], pa.large_string())]
        for chunk, states in self.states(row.id).items() if row else ():
            sent = np.flatnonzero((states != State.WAITING) & (states != State.REFUSED))
            if row and len(sent):
                keys = self.keys(row.id, chunk)
                phones.append(keys.phones[sent])
                persons.append(keys.persons.take(pa.array(sent)))
        return np.concatenate(phones), pa.chunked_array(persons).combine_chunks()

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
        for row in self._campaigns.find(provider=provider, mode=mode):
            for chunk in self._chunks_since(row.id, since):
                for event in self.events(row.id, chunk):
                    have = event.facts.ids
                    have = [have] * len(event.positions) if isinstance(have, str) else have
                    if ids.intersection(have):
                        phones = self.keys(row.id, chunk).phones[event.positions].tolist()
                        known |= wanted.intersection(zip(have, phones, strict=True))
        return known

    def _chunks_since(self, campaign_id: int, since: float) -> list[int]:
        with self._database.read() as conn:
            return chunks_since(conn, campaign_id, since)


def _led_to(conn: sa.Connection, campaign_id: int, chunk: int, n: int) -> NDArray[np.uint8]:
    """The state of each of the *n* people of a chunk, by its events alone."""
    query = sa.select(*with_sums(EVENT.c.positions, EVENT.c.states)).order_by(EVENT.c.id)
    rows = conn.execute(query.where(EVENT.c.campaign_id == campaign_id, EVENT.c.chunk == chunk)).all()
    positions = np.frombuffer(b"".join(unsealed(conn, r, EVENT.c.positions) for r in rows), np.uint16)
    states = np.frombuffer(b"".join(unsealed(conn, r, EVENT.c.states) for r in rows), np.uint8)
    if len(positions) != len(states) or (positions >= n).any():
        raise damaged(conn, "event", campaign_id, chunk)
    led_to = np.full(n, State.WAITING, np.uint8)
    led_to[positions] = states  # the last one stays
    return led_to
