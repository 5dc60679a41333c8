"""
Writing an audience down, once, and deleting it with all that is known of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import sqlalchemy as sa

from smskit.errors import LedgerError, LedgerLocked
from smskit.ledger.blobs import to_arrow, to_parquet
from smskit.ledger.processes import host_name, works
from smskit.ledger.records import CampaignRow, Frozen
from smskit.ledger.schema import (
    AUDIENCE,
    CAMPAIGN,
    CANARY,
    CHUNK,
    CONTENT,
    EVENT,
    EXCLUDED,
    PROGRESS,
    REPLY,
    RULED_OUT,
    SECRET,
    SENDER,
    UNMATCHED,
)
from smskit.ledger.seals import sealed, unsealed, with_sums
from smskit.models import VALUE

ERASED_KEY = "erased"
FREEZING: Final = "freezing"  # a campaign whose audience is not all there yet; see ``staging``
_LEAST_CHUNK: Final = 1_000
_TABLES: Final = {table.name: table for table in (AUDIENCE, CONTENT, PROGRESS, EXCLUDED, RULED_OUT)}


def key_of(conn: sa.Connection) -> str:
    """What pseudonyms of this ledger are made with, 16 letters; "" = nobody was erased from it."""
    return conn.execute(sa.select(SECRET.c.value).where(SECRET.c.name == ERASED_KEY)).scalar() or ""


def demand_once(frozen: Frozen) -> None:
    from smskit.audience.persons import later_copies  # by pandas, which only a freeze needs

    phones = np.sort(frozen.phones[frozen.order])
    if len(phones) and ((np.diff(phones) == 0).any() or phones[0] <= 0):
        raise LedgerError("the plan holds a phone twice; nothing was stored")
    if len(later_copies(frozen.persons, frozen.order)):
        raise LedgerError("the plan holds a person twice; nothing was stored")


def chunk_size(planned: int) -> int:
    """
    How many of so many *planned* people lie in one chunk: a hundredth of them, 1,000 to `CHUNK`.

    So that several senders have something to share; a hundred is also few enough to read them all.
    """
    return min(max(-(-planned // 100_000) * 1_000, _LEAST_CHUNK), CHUNK)


def store_audience(conn: sa.Connection, campaign_id: int, frozen: Frozen) -> None:
    for table, values in audience_rows(campaign_id, frozen, size=chunk_size(len(frozen.order))):
        conn.execute(_TABLES[table].insert(), values)


class First(NamedTuple):
    """The numbers of the first chunks of a part of an audience."""

    people: int = 0
    excluded: int = 0
    ruled_out: int = 0


def audience_rows(
    campaign_id: int,
    frozen: Frozen,
    *,
    size: int,
    first: First = First(),  # noqa: B008 - frozen
) -> Iterator[tuple[str, dict[str, Any]]]:
    """
    The rows an audience, or a part of it, is stored as: of which table each, and its values.

    Args:
        size: People of a chunk; the last one of a part may have fewer.
    """
    names = list(frozen.variables)
    for chunk, start in enumerate(range(0, len(frozen.order), size), first.people):
        rows = frozen.order[start : start + size]
        take = pa.array(rows)
        kept = {VALUE + name: column.take(take) for name, column in frozen.kept.items()}
        persons = pa.record_batch({"person": frozen.persons.take(take), **kept})
        variables = pa.record_batch([frozen.variables[n].take(take) for n in names], names)
        phones, parts = frozen.phones[rows].tobytes(), frozen.parts[rows].tobytes()
        for table, blobs in (
            (AUDIENCE, {"phones": phones, "persons": to_arrow(persons)}),
            (CONTENT, {"parts": parts, "variables": to_arrow(variables)}),
            (PROGRESS, {"states": bytes(len(rows))}),
        ):
            more = {"unsent": len(rows)} if table is PROGRESS else {}
            yield table.name, sealed(table, campaign_id, chunk, blobs) | more
    for chunk, batch in enumerate(frozen.excluded.to_batches(max_chunksize=CHUNK), first.excluded):
        yield EXCLUDED.name, sealed(EXCLUDED, campaign_id, chunk, {"people": to_arrow(batch)})
    chunk = first.ruled_out
    for group in frozen.ruled_out:
        for start in range(0, group.people.num_rows, CHUNK):
            people = to_parquet(group.people.slice(start, CHUNK))
            values = sealed(RULED_OUT, campaign_id, chunk, {"people": people})
            yield RULED_OUT.name, values | {"rule": group.rule, "unknown": group.unknown}
            chunk += 1


def delete_answers(conn: sa.Connection, row: CampaignRow) -> None:
    """Delete what the people of a campaign are said to have answered or got, in its mode, by its provider."""
    query = sa.select(*with_sums(AUDIENCE.c.phones)).where(AUDIENCE.c.campaign_id == row.id)
    phones = {
        phone
        for chunk in conn.execute(query)
        for phone in np.frombuffer(unsealed(conn, chunk, AUDIENCE.c.phones), np.int64).tolist()
    }
    for table, whose in ((REPLY, lambda r: r.phone), (UNMATCHED, phone_of)):
        theirs = (table.c.provider == row.provider) & (table.c.mode == str(row.mode))
        for each in conn.execute(sa.select(table).where(theirs)).all():
            if whose(each) in phones:
                key = [column == getattr(each, column.name) for column in table.primary_key]
                conn.execute(table.delete().where(*key))


def phone_of(unmatched: Any) -> int:
    digits = re.sub(r"\D", "", str(orjson.loads(unmatched.receipt)["phone"]))
    return int(digits or 0)


def delete_campaign(conn: sa.Connection, campaign_id: int) -> None:
    for table in (AUDIENCE, CONTENT, PROGRESS, EXCLUDED, RULED_OUT, EVENT, SENDER, CANARY):
        conn.execute(table.delete().where(table.c.campaign_id == campaign_id))
    conn.execute(CAMPAIGN.delete().where(CAMPAIGN.c.id == campaign_id))


def demand_unowned(conn: sa.Connection, row: Any, now: float) -> None:
    """
    Raises:
        LedgerLocked: a process that lives is writing the audience of the campaign of that *row*.
    """
    held = conn.execute(sa.select(SENDER).where(SENDER.c.campaign_id == row.id)).all()
    alive = [each for each in held if works(each, now)]
    if row.state == FREEZING and alive:
        raise LedgerLocked(
            "another process ({n} on {host}) is writing this campaign's people down; wait for it, then "
            "run again",
            n=alive[0].pid,
            host=host_name(alive[0].host),
        )
