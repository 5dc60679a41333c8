"""
Checksums beside the blobs: what is sent or shown is believed only where it is as it was written.

A CRC-32 of each blob and of its place finds every single flipped bit, a blob that was cut short and
one that was put elsewhere, before anything tries to decompress it. It is against damage (disks, copies,
programs that end half-way), not against somebody who may write the file: they can write the sum too.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from smskit.errors import LedgerDamaged
from smskit.ledger.schema import CAMPAIGN, PROGRESS
from smskit.models import Mode, State

# What of a campaign never changes once it is frozen.
PLAN = ("mode", "name", "provider", "plan_hash", "spec", "summary")


def sum_of(column: sa.Column[Any], campaign_id: int, chunk: int, blob: bytes) -> int:
    place = f"{column.table.name}.{column.name} {campaign_id} {chunk}"
    return zlib.crc32(blob, zlib.crc32(place.encode()))


def plan_sum(values: Mapping[str, Any]) -> int:
    """Of what a campaign was frozen with, as it is stored."""
    return zlib.crc32("\n".join(str(values[name]) for name in PLAN).encode())


def sealed(table: sa.Table, campaign_id: int, chunk: int, blobs: Mapping[str, bytes]) -> dict[str, Any]:
    """The values of a row: its key, its blobs, and a checksum for each."""
    sums = {f"{name}_sum": sum_of(table.c[name], campaign_id, chunk, blobs[name]) for name in blobs}
    return {"campaign_id": campaign_id, "chunk": chunk, **blobs, **sums}


def with_sums(*columns: sa.Column[Any]) -> list[sa.Column[Any]]:
    """What to select so that `unsealed` can look at those columns of one table."""
    table = columns[0].table
    return [table.c.campaign_id, table.c.chunk, *columns, *(table.c[f"{c.name}_sum"] for c in columns)]


def unsealed(conn: sa.Connection, row: Any, column: sa.Column[Any]) -> bytes:
    """
    The blob of that column in *row*, once its checksum was looked at.

    Raises:
        LedgerDamaged: it is not what was written.
    """
    blob = intact(row, column)
    if blob is None:
        raise damaged(conn, f"{column.table.name}.{column.name}", row.campaign_id, row.chunk)
    return blob


def intact(row: Any, column: sa.Column[Any]) -> bytes | None:
    """The blob of that column in *row*, None where it is not what was written."""
    blob = getattr(row, column.name)
    if not isinstance(blob, bytes):
        return None
    fits = sum_of(column, row.campaign_id, row.chunk, blob) == getattr(row, f"{column.name}_sum")
    return blob if fits else None


def states_of(conn: sa.Connection, row: Any, column: sa.Column[Any] = PROGRESS.c.states) -> NDArray[np.uint8]:
    """`unsealed`, as states; a state that does not exist is damage too."""
    states = np.frombuffer(unsealed(conn, row, column), np.uint8)
    if len(states) and states.max() >= len(State):
        raise damaged(conn, f"{column.table.name}.{column.name}", row.campaign_id, row.chunk)
    return states


def read_row(conn: sa.Connection, campaign_id: int, chunk: int, *columns: sa.Column[Any]) -> Any:
    """The row of a chunk with those columns of one table and their checksums."""
    table = columns[0].table
    query = sa.select(*with_sums(*columns)).where(table.c.campaign_id == campaign_id, table.c.chunk == chunk)
    if (row := conn.execute(query).one_or_none()) is None:
        raise damaged(conn, table.name, campaign_id, chunk)
    return row


def read_blob(conn: sa.Connection, campaign_id: int, chunk: int, column: sa.Column[Any]) -> bytes:
    """`unsealed`, of one chunk."""
    return read_blobs(conn, campaign_id, chunk, column)[0]


def read_blobs(conn: sa.Connection, campaign_id: int, chunk: int, *columns: sa.Column[Any]) -> list[bytes]:
    """The same of several columns of one table, at one go."""
    row = read_row(conn, campaign_id, chunk, *columns)
    return [unsealed(conn, row, column) for column in columns]


def damaged(conn: sa.Connection, what: str, campaign_id: int, chunk: int | None = None) -> LedgerDamaged:
    """What to raise: which campaign, what of it, and what to do."""
    named = conn.execute(sa.select(CAMPAIGN.c.name, CAMPAIGN.c.mode).where(CAMPAIGN.c.id == campaign_id))
    name, mode = named.one_or_none() or (str(campaign_id), "?")
    return damage(name, mode, what if chunk is None else f"{what}, chunk {chunk}")


@contextmanager
def as_written(campaign: str, mode: str, what: str) -> Iterator[None]:
    """
    Within, what was stored is read; where it cannot be, as no program writes it, that is damage, too.

    Raises:
        LedgerDamaged: in place of an error about a value's form.
    """
    try:
        yield
    except (ValueError, TypeError, LookupError, ArithmeticError):
        raise damage(campaign, mode, what) from None


def damage(campaign: str, mode: str, what: str) -> LedgerDamaged:
    """The one sentence about a damaged ledger."""
    return LedgerDamaged(
        "the ledger is damaged: campaign {campaign} ({mode}) is not as it was written ({what}). Nothing "
        "was sent from it; put back a copy of the ledger that was made after its last run",
        campaign=campaign,
        mode=Mode(mode).said if mode in list(Mode) else mode,
        what=what,
    )
