"""
Erasing a person: what is known of them goes; what keeps them from another message stays, as keyed hashes.

A phone becomes a negative number and an id a word, both made with the ledger's own key, so that counts,
order and states stay as they are. Whoever has the ledger and a number can still compute its hash: it is a
pseudonym, not nothing, and that is what the promise of no message after an opt-out costs.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from numpy.typing import NDArray

from smskit.audience.phones import hide_number, mask
from smskit.audience.pseudonyms import hashes, pseudonym, pseudonyms
from smskit.errors import LedgerLocked
from smskit.ledger.approvals import plain
from smskit.ledger.audience import Audience
from smskit.ledger.audit import Action, note
from smskit.ledger.blobs import from_arrow, from_parquet, to_arrow, to_parquet
from smskit.ledger.database import Database
from smskit.ledger.opt_outs import PENDING, count_up
from smskit.ledger.processes import works
from smskit.ledger.records import CampaignRow, Frozen
from smskit.ledger.schema import (
    APPROVAL,
    AUDIENCE,
    CAMPAIGN,
    CONTENT,
    ERASED,
    EVENT,
    EXCLUDED,
    OPT_OUT,
    RAW_REPORT,
    REPLY,
    RULED_OUT,
    SECRET,
    SENDER,
    UNMATCHED,
)
from smskit.ledger.seals import damage, sealed, unsealed
from smskit.ledger.storing import ERASED_KEY, FREEZING, delete_campaign, demand_unowned, key_of, phone_of
from smskit.models import VALUE


class Erased(NamedTuple):
    """What was erased."""

    campaigns: list[str]  # in which there was something
    rows: int  # of their segments
    opted_out: bool  # and stays so
    approvals: int = 0  # that name them, who planned or approved under an id that is theirs


class _Person(NamedTuple):
    """Who is meant: all phones and ids that are theirs, and what stands for them afterwards."""

    phones: NDArray[np.int64]
    ids: pa.Array
    key: str

    def rows(self, phones: NDArray[np.int64], ids: Any) -> NDArray[np.bool_]:
        hit = np.isin(phones, self.phones)
        return np.asarray(hit | np.asarray(pc.fill_null(pc.is_in(ids, self.ids), False)), bool)

    def hidden(self, phones: NDArray[np.int64], at: NDArray[np.bool_]) -> NDArray[np.int64]:
        at = at & (phones > 0)
        out = phones.copy()
        out[at] = pseudonyms(phones[at], self.key)
        return out

    def hidden_ids(self, ids: Any, at: NDArray[np.bool_]) -> Any:
        there = at & np.asarray(ids.is_valid())
        words = np.array([None] * len(ids), object)
        found = np.array(ids.filter(pa.array(there)).to_pylist(), object)
        words[there] = [pseudonym(each, self.key) for each in found]
        return pc.if_else(pa.array(there), pa.array(words, ids.type), ids)


class Erasing:
    """Erases people, and tells who was."""

    def __init__(self, database: Database, audience: Audience) -> None:
        self._database, self._audience = database, audience

    def key(self) -> str:
        """What `pseudonyms` are made with; "" = nobody was erased."""
        with self._database.read() as conn:
            return _key(conn)

    def when(self, person: str, phone: int) -> float | None:
        """When that id or that phone (0 = none) was erased; None = never."""
        with self._database.read() as conn:
            if not (key := _key(conn)):
                return None
            own = hashes(np.array([person, str(phone)], object), key).tolist()
            query = sa.select(sa.func.max(ERASED.c.at)).where(ERASED.c.who.in_(own))
            return conn.execute(query).scalar()

    def erase(
        self,
        person: str,
        phone: int,
        *,
        hash_of: Callable[[CampaignRow, Iterable[Frozen]], str],
        also: Callable[[sa.Connection, Sequence[int]], None],
    ) -> Erased:
        """
        Erase whoever has that id or that phone (0 = none) from all campaigns, in one transaction.

        Args:
            hash_of: The plan's hash of an audience as it is stored.
            also: Erases those phones from what others keep in this database.

        Raises:
            LedgerLocked: a run of one of these campaigns is going.
            LedgerError: one of them is damaged.
        """
        now = self._database.clock()
        with self._database.scrub() as conn:
            for unsealed_ in conn.execute(sa.select(CAMPAIGN).where(CAMPAIGN.c.state == FREEZING)).all():
                demand_unowned(conn, unsealed_, now)
                delete_campaign(conn, unsealed_.id)
            rows = [CampaignRow.of(row) for row in conn.execute(sa.select(CAMPAIGN))]
            who = _Person(*_all_of(conn, person, phone), _key(conn, make=True))
            erased = {row.name: self._erase_from(conn, row, who, hash_of) for row in rows}
            opted_out = _forget_answers(conn, who, now)
            approvals = _forget_names(conn, who)
            also(conn, who.phones.tolist())
            if any(erased.values()) or opted_out or approvals:
                note(conn, self._database, Action.ERASE, rows=sum(erased.values()))
            known = np.array([*who.phones.astype(str), *who.ids.to_pylist()], object)
            for each in np.unique(hashes(known, who.key).astype(np.int64)).tolist():
                conn.execute(ERASED.delete().where(ERASED.c.who == each))
                conn.execute(ERASED.insert().values(who=each, at=now))
        return Erased([name for name, n in erased.items() if n], sum(erased.values()), opted_out, approvals)

    def _erase_from(
        self,
        conn: sa.Connection,
        row: CampaignRow,
        who: _Person,
        hash_of: Callable[[CampaignRow, Iterable[Frozen]], str],
    ) -> int:
        """Erase somebody from one campaign; how many rows of its segment that were."""
        before = row.frozen_hash
        if before and before != hash_of(row, self._audience.everybody_within(conn, row.id)):
            raise damage(row.name, row.mode, "plan_hash")
        planned = 0
        for chunk in _chunks(conn, AUDIENCE, AUDIENCE.c.campaign_id == row.id):
            planned += _from_audience(conn, chunk, who)
        left_out = 0
        for table, read, write in (
            (EXCLUDED, _excluded, _to_excluded),
            (RULED_OUT, from_parquet, to_parquet),
        ):
            for chunk in _chunks(conn, table, table.c.campaign_id == row.id):
                people = read(unsealed(conn, chunk, table.c.people))
                ids = pc.coalesce(people["person"], people["phone"].cast(pa.large_string()))
                at = who.rows(np.asarray(people["phone"]), ids)
                if at.any():
                    left_out += int(at.sum())
                    _replace(conn, table, chunk, {"people": write(pa.table(_hidden(people, who, at)))})
        if planned + left_out:
            senders = conn.execute(sa.select(SENDER).where(SENDER.c.campaign_id == row.id)).all()
            if any(works(each, self._database.clock()) for each in senders):
                raise LedgerLocked(
                    "a run of campaign {campaign} is going; wait for it or stop it, then erase again",
                    campaign=row.name,
                )
            values: dict[str, Any] = {"erased": CAMPAIGN.c.erased + planned}
            if before and planned:
                values["frozen_hash"] = hash_of(row, self._audience.everybody_within(conn, row.id))
            conn.execute(CAMPAIGN.update().where(CAMPAIGN.c.id == row.id).values(values))
        return planned + left_out


def _key(conn: sa.Connection, *, make: bool = False) -> str:
    """`key_of`, which is made where there is none yet."""
    key = key_of(conn)
    if not key and make:
        key = secrets.token_urlsafe(12)
        conn.execute(SECRET.insert().values(name=ERASED_KEY, value=key))
    return key


def _all_of(conn: sa.Connection, person: str, phone: int) -> tuple[NDArray[np.int64], pa.Array]:
    """All phones and ids in the ledger of whoever has that id or phone."""
    phones, ids = {phone} - {0}, {person} - {""}
    for chunk in _chunks(conn, AUDIENCE):
        held = np.frombuffer(unsealed(conn, chunk, AUDIENCE.c.phones), np.int64)
        _match(
            phones, ids, person, phone, held, from_arrow(unsealed(conn, chunk, AUDIENCE.c.persons)).column(0)
        )
    for table, read in ((EXCLUDED, _excluded), (RULED_OUT, from_parquet)):
        for chunk in _chunks(conn, table):
            people = read(unsealed(conn, chunk, table.c.people))
            _match(phones, ids, person, phone, np.asarray(people["phone"]), people["person"])
    return np.array(sorted(phones), np.int64), pa.array(sorted(ids), pa.large_string())


def _chunks(conn: sa.Connection, table: sa.Table, *where: sa.ColumnElement[bool]) -> Iterator[Any]:
    """Those rows of *table* one after another: all of a large campaign together are gigabytes."""
    key = table.c.campaign_id, table.c.chunk
    for campaign_id, chunk in conn.execute(sa.select(*key).where(*where).order_by(*key)).all():
        yield conn.execute(sa.select(table).where(key[0] == campaign_id, key[1] == chunk)).one()


def _match(
    phones: set[int], ids: set[str], person: str, phone: int, held: NDArray[np.int64], persons: Any
) -> None:
    hit = np.asarray(pc.fill_null(pc.equal(persons, person), False))
    if phone:
        hit = hit | (held == phone)
    phones.update(p for p in held[hit].tolist() if p > 0)
    ids.update(i for i in persons.filter(pa.array(hit)).to_pylist() if i)


def _from_audience(conn: sa.Connection, chunk: Any, who: _Person) -> int:
    phones = np.frombuffer(unsealed(conn, chunk, AUDIENCE.c.phones), np.int64)
    people = from_arrow(unsealed(conn, chunk, AUDIENCE.c.persons))
    at = who.rows(phones, people.column(0))
    if not at.any():
        return 0
    hidden = pa.record_batch(_hidden(people, who, at))
    blobs = {"phones": who.hidden(phones, at).tobytes(), "persons": to_arrow(hidden)}
    _replace(conn, AUDIENCE, chunk, blobs)
    here = (CONTENT.c.campaign_id == chunk.campaign_id) & (CONTENT.c.chunk == chunk.chunk)
    content = conn.execute(sa.select(CONTENT).where(here)).one()
    values = from_arrow(unsealed(conn, content, CONTENT.c.variables))
    columns = [pc.if_else(pa.array(at), pa.scalar("", c.type), c) for c in values.columns]
    blob = to_arrow(pa.record_batch(columns, values.schema.names))
    parts = unsealed(conn, content, CONTENT.c.parts)
    _replace(conn, CONTENT, content, {"parts": parts, "variables": blob})
    here = (EVENT.c.campaign_id == chunk.campaign_id) & (EVENT.c.chunk == chunk.chunk)
    for event in conn.execute(sa.select(EVENT).where(here)).all():
        positions = np.frombuffer(unsealed(conn, event, EVENT.c.positions), np.uint16)
        if (theirs := at[positions]).any():
            states = unsealed(conn, event, EVENT.c.states)
            facts = _blanked(orjson.loads(unsealed(conn, event, EVENT.c.facts)), theirs)
            kept = {"positions": positions.tobytes(), "states": states, "facts": orjson.dumps(facts)}
            values_ = sealed(EVENT, event.campaign_id, event.chunk, kept)
            conn.execute(EVENT.update().where(EVENT.c.id == event.id).values(values_))
    return int(at.sum())


def _blanked(facts: dict[str, Any], theirs: NDArray[np.bool_]) -> dict[str, Any]:
    """An event's facts without the message ids and the provider's words of some of its people."""
    for name in {"ids", "details"} & facts.keys():
        each = facts[name] if isinstance(facts[name], list) else [facts[name]] * len(theirs)
        facts[name] = ["" if gone else value for gone, value in zip(theirs.tolist(), each, strict=True)]
    return facts


def _excluded(blob: bytes) -> pa.Table:
    return pa.Table.from_batches([from_arrow(blob)])


def _to_excluded(people: pa.Table) -> bytes:
    return to_arrow(people.combine_chunks().to_batches()[0])


def _hidden(people: Any, who: _Person, at: NDArray[np.bool_]) -> dict[str, Any]:
    """People of an Arrow table or batch, without what is known of some of them."""
    columns: dict[str, Any] = {}
    for name in people.schema.names:
        column = people[name]
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if name == "person":
            column = who.hidden_ids(column, at)
        elif name == "phone":
            column = pa.array(who.hidden(np.asarray(column), at))
        elif name == "shown":
            column = pc.if_else(pa.array(at), pa.scalar("", column.type), column)
        elif name.startswith(VALUE):
            column = pc.if_else(pa.array(at), pa.scalar(None, column.type), column)
        columns[name] = column
    return columns


def _replace(conn: sa.Connection, table: sa.Table, chunk: Any, blobs: dict[str, bytes]) -> None:
    here = (table.c.campaign_id == chunk.campaign_id) & (table.c.chunk == chunk.chunk)
    conn.execute(table.update().where(here).values(sealed(table, chunk.campaign_id, chunk.chunk, blobs)))


def _forget_answers(conn: sa.Connection, who: _Person, now: float) -> bool:
    """Delete replies and reports; whether there was an opt-out, which stays under a pseudonym."""
    phones = who.phones.tolist()
    listed = conn.execute(sa.select(OPT_OUT.c.phone).where(OPT_OUT.c.phone.in_(phones))).scalars().all()
    pending = (
        conn.execute(sa.select(REPLY.c.phone).where(*PENDING, REPLY.c.phone.in_(phones))).scalars().all()
    )
    out = np.unique(np.array([*listed, *pending], np.int64))
    conn.execute(OPT_OUT.delete().where(OPT_OUT.c.phone.in_(phones)))
    conn.execute(REPLY.delete().where(REPLY.c.phone.in_(phones)))
    for hidden in pseudonyms(out, who.key).tolist() if len(out) else []:
        conn.execute(OPT_OUT.delete().where(OPT_OUT.c.phone == hidden))
        conn.execute(OPT_OUT.insert().values(phone=hidden, since=now, source="erased", note=""))
    for each in conn.execute(sa.select(UNMATCHED)).all():
        if phone_of(each) in phones:
            conn.execute(UNMATCHED.delete().where(UNMATCHED.c.id == each.id))
    for page in conn.execute(sa.select(RAW_REPORT).where(RAW_REPORT.c.body != b"")).all():
        if (left := _without(page.body, phones)) != page.body:
            conn.execute(RAW_REPORT.update().where(RAW_REPORT.c.id == page.id).values(body=left))
    count_up(conn, "opt_out")
    return bool(len(out))


def _without(body: bytes, phones: Sequence[int]) -> bytes:
    """A raw page with some phones masked, in whatever form; others' reports stay as they came."""
    text = body.decode(errors="surrogateescape")
    for phone in phones:
        text = hide_number(text, phone)
    return text.encode(errors="surrogateescape")


def _forget_names(conn: sa.Connection, who: _Person) -> int:
    """
    Put a pseudonym for somebody who planned or approved under an id that is theirs, and nothing for where.

    Returns how many approvals that were.
    Who planned still cannot approve: `Approvals` knows their pseudonym.
    """
    theirs = {plain(each) for each in (*who.ids.to_pylist(), *map(mask, who.phones.astype(str)))} - {""}
    named = 0
    for row in conn.execute(sa.select(APPROVAL)).all():
        values: dict[str, str] = {}
        for name, place in (("planned_by", "planned_from"), ("approved_by", "approved_from")):
            if (given := plain(getattr(row, name))) in theirs:
                values |= {name: pseudonym(given, who.key), place: ""}
        if values:
            here = (APPROVAL.c.campaign == row.campaign) & (APPROVAL.c.plan_hash == row.plan_hash)
            conn.execute(APPROVAL.update().where(here).values(values))
            named += 1
    return named
