"""
What people did, as a table says: events or flags, read as segments are; ten million rows in seconds.

A person is who a campaign says it is: its ``user_id`` as segments read it, or a phone in any form. Each
distinct id is looked at once, whatever its rows. Nothing is skipped: what cannot be used is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.audience import phones, segment
from smskit.audience.identity import known_ids
from smskit.audience.paging import arrow_of
from smskit.audience.persons import repeating
from smskit.audience.rules.moments import instants
from smskit.audience.rules.typed import numbers_of_text
from smskit.audience.rules.values import show_cells
from smskit.errors import SegmentError, suggest
from smskit.i18n import Message
from smskit.measuring.arms import Arms
from smskit.message.values import format_column

__all__ = ["Columns", "Outcomes", "Table", "of_arms", "read_outcomes"]

_EXAMPLES: Final = 3
_FLAGS: Final = {"0": False, "0.0": False, "1": True, "1.0": True, "true": True, "false": False}


class Columns(NamedTuple):
    """
    Which columns of an outcome table say what. With *time* it is one of events, else one of flags.

    Where *event* names an event, rows are copies by it alone; else where all columns are equal.
    """

    person: str
    time: str = ""
    amounts: tuple[str, ...] = ()
    converted: tuple[str, ...] = ()
    event: str = ""


class Table(NamedTuple):
    """
    An outcome table as it was read, one entry a row that is not a copy of an earlier one.

    Attributes:
        rows: In the file, copies too.
        duplicates: Copies of an earlier row; they are in no array.
        ids: u texts, the different persons.
        person: Which of *ids* each row is about; -1 = nobody.
        at: Microseconds since 1970 UTC; empty of flags.
        values: Column -> amounts (float) or flags (bool).
    """

    rows: int
    duplicates: int
    ids: pa.Array
    person: NDArray[np.int64]
    at: NDArray[np.int64]
    values: Mapping[str, NDArray[Any]]

    def __repr__(self) -> str:
        return f"Table({self.rows} rows)"


def read_outcomes(
    source: str,
    columns: Columns,
    *,
    by_phone: bool,
    zone: ZoneInfo,
    query: str = "",
    environ: Mapping[str, str],
    file: Path | None = None,
) -> Table:
    """
    Read an outcome table; what it is of whom is for `of_arms`.

    Args:
        by_phone: Whether persons are phones; else they are ids as segments have them.
        zone: Of times that name none.
        environ: Where ``env:NAME`` is looked up.

    Raises:
        SegmentError: it cannot be read, lacks a column, or a time, amount or flag is none; or rows of one
            event differ.
    """
    texts = {columns.person, columns.event} - {""}
    frame = segment.load(source, query=query, text_columns=texts, environ=environ, parameter_file=file)
    wanted = (columns.person, columns.time, columns.event, *columns.amounts, *columns.converted)
    for name in filter(None, wanted):
        if name not in frame.columns:
            lacking = Message("{table} has no column `{name}`", table=source_name(source), name=name)
            raise SegmentError(suggest(lacking, name, list(map(str, frame.columns))))
    ids, person = _persons(frame[columns.person], by_phone=by_phone)
    at = _instants(frame[columns.time], zone) if columns.time else np.empty(0, np.int64)
    values: dict[str, NDArray[Any]] = {name: _amounts(frame[name]) for name in columns.amounts}
    values |= {name: _flags(frame[name]) for name in columns.converted}
    if columns.event:
        said = {columns.person: person, columns.time: at, **values}
        copies = _same_event(frame[columns.event], said)
    else:
        copies = _copies(frame, person, at)
    keep = ~copies
    return Table(
        len(frame),
        int(np.count_nonzero(copies)),
        ids,
        person[keep],
        at[keep] if columns.time else at,
        {name: column[keep] for name, column in values.items()},
    )


def source_name(source: str) -> str | Message:
    """What a table is called in sentences: its file's name, never an address."""
    return Message("the table") if source.startswith("env:") or "://" in source else Path(source).name


def _persons(column: pd.Series, *, by_phone: bool) -> tuple[pa.Array, NDArray[np.int64]]:
    """The different persons of a column, as they were read, and which of them each row has; -1 = nobody."""
    codes, different = pd.factorize(column, use_na_sentinel=True)
    cells = pd.Series(different, dtype=column.dtype, name=column.name)
    if by_phone:
        numbers = phones.normalise(cells).e164
        ids = pa.array(numbers, mask=numbers == 0).cast(pa.large_string())
    else:
        ids = known_ids(cells, format_column(cells)).ids.cast(pa.large_string())
    once = ids.dictionary_encode()  # one person may be written in several ways
    of = np.append(_codes(once), -1)  # the last entry is for nobody, code -1
    return once.dictionary, of[codes]


def _codes(encoded: pa.DictionaryArray) -> NDArray[np.int64]:
    """Places in the dictionary; -1 = null."""
    return np.asarray(pc.fill_null(encoded.indices, -1)).astype(np.int64)


def _copies(frame: pd.DataFrame, person: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Rows equal in every column to an earlier one; only those are compared that share person and time."""
    key = person.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    if len(at):
        key ^= at.astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
    found = np.zeros(len(frame), np.bool_)
    some = np.flatnonzero(repeating(key))
    if len(some):
        found[some] = frame.iloc[some].duplicated().to_numpy()
    return found


def _same_event(column: pd.Series, said: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """
    Rows whose event stands in an earlier row; its id is read as those of persons are, without blanks around.

    Args:
        said: Column -> what each of the n rows says of person, time and money.
    """
    codes = _codes(format_column(column).dictionary_encode())
    if (codes < 0).any():
        raise _unreadable(column, codes < 0, Message("no id of an event"))
    copies = pd.Series(codes).duplicated().to_numpy()
    first = np.flatnonzero(~copies)[codes]  # codes are in the order in which events appear
    for name, cells in said.items():
        differ = copies & (cells != cells[first])
        if differ.any():
            raise SegmentError(
                "{n:,} rows have the event of an earlier row and another `{name}`, such as {examples}: "
                "an order's lines need ids of their own",
                n=int(np.count_nonzero(differ)),
                name=name,
                examples=_examples(column, differ),
            )
    return np.asarray(copies, np.bool_)


def _texts(column: pd.Series) -> pa.Array:
    cells = arrow_of(column)
    cells = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
    return cells.cast(pa.large_string())


def _instants(column: pd.Series, zone: ZoneInfo) -> NDArray[np.int64]:
    """When each row happened, in microseconds since 1970 UTC."""
    at, known = instants(arrow_of(column), datetime.now(zone))
    if not known.all():
        raise _unreadable(column, ~known, Message("no time"))
    return at


def _amounts(column: pd.Series) -> NDArray[np.float64]:
    """What each row says in money; nothing is 0."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        numbers = column.to_numpy(np.float64, na_value=0.0)
        read = np.nan_to_num(numbers, nan=0.0, posinf=np.inf, neginf=-np.inf)
    else:
        texts = pc.utf8_trim_whitespace(pc.fill_null(_texts(column), "0"))
        texts = pc.if_else(pc.equal(texts, ""), "0", texts)
        try:
            read = np.asarray(texts.cast(pa.float64()))
        except pa.ArrowInvalid:
            read = np.asarray(numbers_of_text(texts).floats())
    if not np.isfinite(read).all():
        raise _unreadable(column, ~np.isfinite(read), Message("no amount"))
    return np.asarray(read, np.float64)


def _flags(column: pd.Series) -> NDArray[np.bool_]:
    """Which rows say 1."""
    codes, different = pd.factorize(column, use_na_sentinel=False)
    said = [None if pd.isna(cell) else _FLAGS.get(str(cell).strip().lower()) for cell in different]
    unknown = np.array([flag is None for flag in said], np.bool_)
    if unknown[codes].any():
        raise _unreadable(column, unknown[codes], Message("neither 0 nor 1"))
    return np.asarray(np.array(said, np.bool_)[codes])


def _unreadable(column: pd.Series, rows: NDArray[np.bool_], what: Message) -> SegmentError:
    """An error that says how many cells of a column are *what*, with some of them, phones masked."""
    return SegmentError(
        "{n:,} cells of column `{name}` are {what}, such as {examples}",
        n=int(np.count_nonzero(rows)),
        name=str(column.name),
        what=what,
        examples=_examples(column, rows),
    )


def _examples(column: pd.Series, rows: NDArray[np.bool_]) -> str:
    """Some cells of those rows, phones masked."""
    some = column[rows].head(1_000).astype("str").fillna("").drop_duplicates().head(_EXAMPLES)
    return show_cells(phones.hide_column(pa.array(some.tolist(), pa.large_string())).to_pylist())


# --- what they are of the people of both arms


class RowCounts(NamedTuple):
    """What became of the rows of a table; those behind ``unknown_people`` are of people in an arm."""

    rows: int
    duplicates: int
    unknown_people: int
    before: int
    after: int
    used: int
    people: int


@dataclass(frozen=True, repr=False)
class Outcomes:
    """
    What *n* people of both arms did, and what became of the rows of a table.

    Attributes:
        values: Metric -> n flags (converted), or n amounts in money.
        first: n; when each converted first, microseconds since 1970 UTC, 0 = not.
        named: n; whether any row names the person, also one before the window.
        data_until: The last of all *times*.
        times: When each row of the table happened, also of people in neither arm.
        refunds: Used rows with a negative amount.
        unknown: Some ids that are in neither arm.
    """

    counts: RowCounts
    values: Mapping[str, NDArray[Any]]
    named: NDArray[np.bool_]
    first: NDArray[np.int64]
    data_until: datetime | None
    times: NDArray[np.int64]
    refunds: int
    unknown: Sequence[str]

    def named_of(self, treated: NDArray[np.bool_]) -> tuple[int, int]:
        """How many of the treated and of the others some row names."""
        one = int(np.count_nonzero(self.named & treated))
        return one, int(np.count_nonzero(self.named)) - one

    def __repr__(self) -> str:
        return f"Outcomes({self.counts.used} of {self.counts.rows} rows, {self.counts.people} people)"


def of_arms(
    table: Table, arms: Arms, columns: Columns, *, starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> Outcomes:
    """
    What the people of both arms did within their window.

    Args:
        starts, ends: n; of each person's window, microseconds since 1970 UTC, the end not within; of events.

    Raises:
        SegmentError: a table of flags has a person twice with different values.
    """
    matched = _Matched.of(table, arms)
    if not columns.time:
        return _of_flags(table, arms, columns, matched)
    return _of_events(table, arms, columns, matched, starts[matched.who], ends[matched.who])


class _Matched(NamedTuple):
    """
    Whom the r rows of a table are about.

    Attributes:
        known: r; which of them are about people of the arms, k of them.
        who: k; whom, by place in the arms.
        named: n; whether any row is about that person of the arms.
        strangers: The other persons, each once.
    """

    known: NDArray[np.bool_]
    who: NDArray[np.int64]
    named: NDArray[np.bool_]
    strangers: pa.Array

    @classmethod
    def of(cls, table: Table, arms: Arms) -> _Matched:
        at_arms = _places(table.ids, arms)
        ours = np.append(at_arms, -1)[table.person]  # the last entry is for nobody, code -1
        known = ours >= 0
        named = np.zeros(len(arms), np.bool_)
        named[ours[known]] = True
        strangers = table.ids.filter(pa.array(at_arms < 0))
        return cls(known, ours[known], named, strangers.filter(strangers.is_valid()).unique())

    def outcomes(
        self, table: Table, *, before: int = 0, after: int = 0, used: int, people: int, **found: Any
    ) -> Outcomes:
        strangers = self.strangers
        return Outcomes(
            RowCounts(table.rows, table.duplicates, len(strangers), before, after, used, people),
            named=self.named,
            unknown=strangers.slice(0, _EXAMPLES).to_pylist(),
            **found,
        )


def _of_events(
    table: Table,
    arms: Arms,
    columns: Columns,
    matched: _Matched,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> Outcomes:
    """*starts* and *ends* are those of the window of whom each row is about."""
    at = table.at[matched.known]
    early, late = at < starts, at >= ends
    used = ~(early | late)
    mine, when = matched.who[used], at[used]
    converted = np.zeros(len(arms), np.bool_)
    converted[mine] = True
    first = np.full(len(arms), np.iinfo(np.int64).max)
    np.minimum.at(first, mine, when)
    values: dict[str, NDArray[Any]] = {"conversion": converted}
    refunds = 0
    if columns.amounts:
        money = table.values[columns.amounts[0]][matched.known][used]
        values["revenue"] = np.bincount(mine, money, len(arms))
        refunds = int(np.count_nonzero(money < 0))
    return matched.outcomes(
        table,
        before=int(np.count_nonzero(early)),
        after=int(np.count_nonzero(late)),
        used=len(mine),
        people=int(np.count_nonzero(converted)),
        values=values,
        first=np.where(converted, first, 0),
        data_until=datetime.fromtimestamp(int(table.at.max()) / 1e6, UTC) if len(table.at) else None,
        times=table.at,
        refunds=refunds,
    )


def _of_flags(table: Table, arms: Arms, columns: Columns, matched: _Matched) -> Outcomes:
    values: dict[str, NDArray[Any]] = {}
    who = matched.who
    order = np.argsort(who, kind="stable")
    again = np.append(False, who[order][1:] == who[order][:-1])
    refunds = 0
    for name in (*columns.converted, *columns.amounts):
        said = table.values[name][matched.known]
        differ = again & (said[order] != np.roll(said[order], 1))
        if differ.any():
            twice = arms.persons[int(who[order][differ][0])].as_py()
            raise SegmentError(
                "{n:,} people stand there twice with different values of `{name}`, such as {example}",
                n=len(np.unique(who[order][differ])),
                name=name,
                example=show_cells([phones.hide(twice)]),
            )
        values[name] = np.zeros(len(arms), said.dtype)
        values[name][who] = said
        refunds += int(np.count_nonzero(said < 0)) if name in columns.amounts else 0
    return matched.outcomes(
        table,
        used=int(np.count_nonzero(matched.known)),
        people=int(np.count_nonzero(matched.named)),
        values=values,
        first=np.zeros(len(arms), np.int64),
        data_until=None,
        times=np.empty(0, np.int64),
        refunds=refunds,
    )


def _places(ids: pa.Array, arms: Arms) -> NDArray[np.int64]:
    """Where each of u ids stands in the arms; -1 = nowhere."""
    found = pc.index_in(ids, arms.persons, skip_nulls=True)
    return np.asarray(pc.fill_null(found, -1)).astype(np.int64)
