"""
Writing an audience down, once, and deleting it with all that is known of it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from smskit.audience.persons import later_copies
from smskit.errors import LedgerError
from smskit.i18n import Message
from smskit.ledger.blobs import to_arrow, to_parquet
from smskit.ledger.records import Frozen
from smskit.ledger.schema import (
    AUDIENCE,
    CAMPAIGN,
    CANARY,
    CHUNK,
    CONTENT,
    EVENT,
    EXCLUDED,
    LEASE,
    PROGRESS,
    RULED_OUT,
)
from smskit.models import RuledOut


def demand_once(frozen: Frozen) -> None:
    phones = np.sort(frozen.phones[frozen.order])
    if len(phones) and ((np.diff(phones) == 0).any() or phones[0] <= 0):
        raise LedgerError(Message("the plan holds a phone twice; nothing was stored"))
    if len(later_copies(frozen.persons, frozen.order)):
        raise LedgerError(Message("the plan holds a person twice; nothing was stored"))


def store_audience(conn: sa.Connection, campaign_id: int, frozen: Frozen) -> None:
    names = list(frozen.variables)
    for chunk, first in enumerate(range(0, len(frozen.order), CHUNK)):
        rows = frozen.order[first : first + CHUNK]
        take = pa.array(rows)
        key = {"campaign_id": campaign_id, "chunk": chunk}
        persons = pa.record_batch([frozen.persons.take(take)], ["person"])
        variables = pa.record_batch([frozen.variables[n].take(take) for n in names], names)
        conn.execute(
            AUDIENCE.insert(), key | {"phones": frozen.phones[rows].tobytes(), "persons": to_arrow(persons)}
        )
        conn.execute(
            CONTENT.insert(),
            key | {"parts": frozen.parts[rows].tobytes(), "variables": to_arrow(variables)},
        )
        conn.execute(PROGRESS.insert(), key | {"states": bytes(len(rows))})
    for chunk, batch in enumerate(frozen.excluded.to_batches(max_chunksize=CHUNK)):
        conn.execute(
            EXCLUDED.insert(), {"campaign_id": campaign_id, "chunk": chunk, "people": to_arrow(batch)}
        )
    store_ruled_out(conn, campaign_id, frozen.ruled_out)


def store_ruled_out(conn: sa.Connection, campaign_id: int, groups: Iterable[RuledOut]) -> None:
    chunk = 0
    for group in groups:
        for first in range(0, group.people.num_rows, CHUNK):
            people = to_parquet(group.people.slice(first, CHUNK))
            key = {"campaign_id": campaign_id, "chunk": chunk}
            conn.execute(
                RULED_OUT.insert(), key | {"rule": group.rule, "unknown": group.unknown, "people": people}
            )
            chunk += 1


def delete_campaign(conn: sa.Connection, campaign_id: int) -> None:
    for table in (AUDIENCE, CONTENT, PROGRESS, EXCLUDED, RULED_OUT, EVENT, LEASE, CANARY):
        conn.execute(table.delete().where(table.c.campaign_id == campaign_id))
    conn.execute(CAMPAIGN.delete().where(CAMPAIGN.c.id == campaign_id))
