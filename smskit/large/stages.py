"""
What is done to one part of a segment, on whatever machine: functions of values, that may be run twice.

Every array has one entry per row of the part that the rules keep, in its order, unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from smskit.audience.noticed import Noticed, together
from smskit.audience.persons import Copies, among, distinct
from smskit.audience.rules.whole import Tally, Wanted
from smskit.audience.segment.files import Files, Piece
from smskit.audience.segment.names import Alike, spelt
from smskit.ledger.blobs import from_arrow, to_arrow
from smskit.models import Reason
from smskit.planning.exclusions import Facts, History, reasons_of
from smskit.planning.fingerprint import BUCKETS, buckets_of, digests
from smskit.planning.odd_values import odd_values
from smskit.planning.partition import Part, Question, Sums, billed
from smskit.planning.policy import consented

__all__ = [
    "Finished",
    "Repeats",
    "Source",
    "Twice",
    "counted",
    "digested",
    "finished",
    "judged",
    "repeated",
    "repeats",
    "spread",
    "sums_of",
    "twice_in",
]


@dataclass(frozen=True)
class Source:
    """The segment: its files, and the columns that the plan reads of them, as parameters spell them."""

    files: Files
    columns: Sequence[str]
    texts: frozenset[str]

    def read(self, pieces: Sequence[Piece], columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Those rows; None = all columns."""
        wanted = self.columns if columns is None else columns
        frame = self.files.read(pieces, wanted, Alike(self.texts))
        return frame.rename(columns=spelt(list(frame.columns), wanted))


def counted(
    source: Source, pieces: Sequence[Piece], wanted: Mapping[str, Wanted], asked: Question
) -> dict[str, Tally]:
    """What the cells of a part tell of how its text columns read."""
    frame = source.read(pieces, list(wanted))
    return {name: Tally.of(frame[name], each, asked.now) for name, each in wanted.items()}


class Judged(NamedTuple):
    """A part, and how many of its rows before the rules do not say yes in the column that may be consent."""

    part: Part
    unasked: int


def judged(source: Source, pieces: Sequence[Piece], asked: Question, past: History, unasked: str) -> Judged:
    """
    The rows of a part, judged by themselves.

    Args:
        unasked: A column that looks like consent where nobody asks for it; "" = none.
    """
    frame = source.read(pieces)
    lack = int(np.count_nonzero(~consented(frame[unasked]))) if unasked else 0
    return Judged(Part.of(asked, frame, past), lack)


def sums_of(judged: Judged) -> tuple[Sums, int]:
    """What of a part adds up."""
    return judged.part.sums, judged.unasked


# -- which phones and persons are in several rows ----------------------------------------------


def spread(judged: Judged, ways: int) -> list[NDArray[Any]]:
    """The phones of a part (0 = none left out) and the keys of its persons, each divided into *ways*."""
    rows = judged.part.rows
    phones = rows.phones[rows.phones != 0]
    spots = (rows.keys >> np.uint64(54)).astype(np.uint16)  # keys are spread already
    return [*_divided(phones, buckets_of(phones), ways), *_divided(rows.keys, spots, ways)]


def _divided(values: NDArray[Any], buckets: NDArray[np.uint16], ways: int) -> list[NDArray[Any]]:
    way = buckets.astype(np.int64) * ways // BUCKETS
    order = np.argsort(way, kind="stable")
    return [each.copy() for each in np.split(values[order], np.searchsorted(way[order], np.arange(1, ways)))]


def twice_in(*parts: NDArray[Any]) -> NDArray[Any]:
    """Which values stand in *parts* more than once, ascending."""
    ascending = np.sort(np.concatenate(parts))
    return distinct(ascending[1:][ascending[1:] == ascending[:-1]])


class Twice(NamedTuple):
    """Phones and keys of persons that several rows of the segment have, ascending."""

    phones: NDArray[np.int64]
    keys: NDArray[np.uint64]


class Repeats(NamedTuple):
    """The *k* rows of a part whose phone or person another row of the segment has."""

    at: NDArray[np.int64]  # k; places in the part
    facts: Facts
    phones: NDArray[np.int64]
    persons: pa.Array
    keys: NDArray[np.uint64]
    values: Mapping[str, pa.Array]


def repeats(judged: Judged, twice: Twice) -> Repeats:
    """Those of one part."""
    part, rows = judged.part, judged.part.rows
    at = np.flatnonzero(among(rows.phones, twice.phones) | among(rows.keys, twice.keys))
    take = pa.array(at)
    values = {name: column.take(take) for name, column in rows.values.items()}
    return Repeats(at, part.facts.take(at), rows.phones[at], rows.persons.take(take), rows.keys[at], values)


def repeated(parts: Sequence[Repeats]) -> tuple[Repeats, Copies, NDArray[np.int8]]:
    """Those of all parts in the order of the segment, which of them are copies, and all their reasons."""
    names = list(parts[0].values)
    all_ = Repeats(
        np.concatenate([part.at for part in parts]),
        Facts.together([part.facts for part in parts]),
        np.concatenate([part.phones for part in parts]),
        _joined([part.persons for part in parts]),
        np.concatenate([part.keys for part in parts]),
        {name: _joined([part.values[name] for part in parts]) for name in names},
    )
    copies = Copies.of(all_.phones, all_.persons, all_.keys)
    return all_, copies, reasons_of(all_.facts, copies)


def _joined(columns: Sequence[pa.Array]) -> pa.Array:
    return pa.chunked_array(columns, pa.large_string()).combine_chunks()


# -- what comes of each row --------------------------------------------------------------------


class Answer(NamedTuple):
    """The reasons of the rows of a part that repeat."""

    at: NDArray[np.int64]
    reasons: NDArray[np.int8]


def reasons_in(judged: Judged, answer: Answer) -> NDArray[np.int8]:
    """The reason of each row of a part."""
    nobody = np.empty(0, np.int64)
    reasons = reasons_of(judged.part.facts, Copies(nobody, nobody, nobody))
    reasons[answer.at] = answer.reasons
    return reasons


class Finished(NamedTuple):
    """
    What adds up once it is known who is planned.

    Attributes:
        reasons: How many rows have each `Reason`.
        parts: Billed parts of all messages together.
        odd: Planned values that somebody should look at; see `odd_values`.
        groups: Rows that each rule left out, as false and as unknown; see `RuledOutRows.groups`.
    """

    reasons: NDArray[np.int64]
    parts: int
    odd: list[Noticed]
    groups: Sequence[int]

    @classmethod
    def together(cls, parts: Sequence[Finished]) -> Finished:
        """All of them as one, without the groups."""
        return cls(
            np.sum([part.reasons for part in parts], axis=0),
            sum(part.parts for part in parts),
            together(part.odd for part in parts),
            (),
        )


def finished(judged: Judged, answer: Answer, names: Sequence[str], ways: int) -> list[Any]:
    """
    A `Finished`, then the planned people of a part, divided into *ways* by the buckets of their phones.

    Args:
        names: The template's variables.
    """
    rows = judged.part.rows
    reasons = reasons_in(judged, answer)
    planned = np.flatnonzero(reasons == Reason.NONE)
    done = Finished(
        np.bincount(reasons, minlength=len(Reason)),
        int(billed(rows, planned).sum(dtype=np.int64)),
        list(odd_values(rows.values, planned)),
        judged.part.ruled_out.sizes(),
    )
    made = []
    for here in _divided(planned, buckets_of(rows.phones[planned]), ways):
        take = pa.array(here)
        columns = [rows.phones[here], rows.persons.take(take), *(rows.values[n].take(take) for n in names)]
        batch = pa.record_batch(columns, [str(n) for n in range(len(columns))])
        made.append(to_arrow(batch) if len(here) else b"")
    return [done, *made]


def digested(*blobs: bytes) -> dict[int, bytes] | None:
    """The digests of the buckets that these people are all of; None where a phone is there twice."""
    batches = [from_arrow(blob) for blob in blobs if blob]
    if not batches:
        return {}
    table = pa.Table.from_batches(batches).combine_chunks()
    phones = np.asarray(table.column(0))
    if len(distinct(phones)) < len(phones):
        return None
    columns = [table.column(n).combine_chunks() for n in range(1, table.num_columns)]
    columns = [c.chunk(0) if isinstance(c, pa.ChunkedArray) else c for c in columns]
    return digests(np.arange(len(phones)), phones, columns[0], columns[1:])
