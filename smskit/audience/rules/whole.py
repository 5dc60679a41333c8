"""
How the text columns of a segment in parts read as a whole, before any part is judged.

Three steps: what a rule wants to know, by the first cells (`wanted`); what each part says of it (`Tally`);
and what that comes to (`settle`), which is what `Source.reads` finds where the whole is one frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import pandas as pd

from smskit.audience.rules.columns import Column, demand_single, find_column, lists_in
from smskit.audience.rules.comparison import NULLS, Comparison
from smskit.audience.rules.fit import Kind, Reading
from smskit.audience.rules.reads import Whole, counts, nearly_of, perhaps, reading_of
from smskit.audience.rules.tree import Rule
from smskit.audience.rules.values import Bound

__all__ = ["Tally", "Wanted", "settle", "text_columns", "wanted"]


class Wanted(NamedTuple):
    """What has to be counted in all cells of a column: nothing of most text."""

    readings: tuple[Reading, ...] = ()
    texts: tuple[str, ...] = ()  # whether any cell reads so


@dataclass(frozen=True)
class Tally:
    """What the cells of a part tell of how its column reads (`reads.Evidence`); those of parts add up."""

    count: int
    named: bool
    readings: Mapping[Reading, int]
    present: frozenset[str]

    @classmethod
    def of(cls, cells: pd.Series, asked: Wanted, now: datetime) -> Tally:
        """That of some cells of a text column."""
        column = Column(cells, now)
        found = column.present(asked.texts) if asked.texts else ()
        return cls(
            column.count,
            column.named,
            {reading: column.readable(reading) for reading in asked.readings},
            frozenset(text for text, there in zip(asked.texts, found, strict=True) if there),
        )

    @classmethod
    def together(cls, parts: Sequence[Tally]) -> Tally:
        """Those of several parts, one at least."""
        return cls(
            sum(part.count for part in parts),
            any(part.named for part in parts),
            {reading: sum(part.readings[reading] for part in parts) for reading in parts[0].readings},
            frozenset().union(*(part.present for part in parts)),
        )

    def readable(self, reading: Reading) -> int:
        """How many cells have a value when the column is read so."""
        return self.readings[reading]


def text_columns(rule: Rule, head: pd.DataFrame, now: datetime) -> list[str]:
    """The columns of text that *rule* compares, by some rows of them."""
    names = dict.fromkeys(leaf.column for leaf in rule._leaves() if leaf.op not in NULLS)
    return [n for n in names if Column(find_column(head, n, "rules"), now).kind is Kind.TEXT]


def wanted(rule: Rule, heads: Mapping[str, pd.Series], now: datetime) -> dict[str, Wanted]:
    """
    What has to be counted, by column.

    Args:
        heads: The first `reads.SAMPLE` cells of each of `text_columns` that show anything.
    """
    found = {}
    for name, cells in heads.items():
        readings = perhaps(Column(cells, now))
        if Reading.FLAG in readings and Reading.NUMBER not in readings:
            readings.append(Reading.NUMBER)
        texts = [text for _, text, parts in _lists(rule, name) for text in (text, *parts)]
        found[name] = Wanted(tuple(readings), tuple(dict.fromkeys(texts)))
    return found


def settle(
    rule: Rule, heads: Mapping[str, pd.Series], tallies: Mapping[str, Tally], now: datetime
) -> dict[str, Whole]:
    """
    How each column reads; one without a tally needed none, and is text.

    Raises:
        RuleError: a value seems to be a list of cells.
    """
    found = {}
    for name, cells in heads.items():
        head, tally = Column(cells, now), tallies.get(name)
        if tally is None:
            found[name] = Whole(Reading.TEXT)
            continue
        reads = reading_of(head, tally)
        nearly = nearly_of(head, tally) if reads is Reading.TEXT else None
        found[name] = Whole(reads, reads is Reading.FLAG and counts(tally), nearly)
        whole = Column(cells, now, found[name])
        for question, text, parts in _lists(rule, name):
            if whole.fit(question, "rules")[0] is Reading.TEXT:
                demand_single(text, parts, [t in tally.present for t in (text, *parts)], name, "rules")
    return found


def _lists(rule: Rule, name: str) -> Iterable[tuple[Comparison, str, list[str]]]:
    for leaf in rule._leaves():
        if leaf.column == name and leaf.op not in NULLS:
            values: list[Bound] = [value for value in leaf.values if isinstance(value, str)]
            for text, parts in lists_in(leaf, Reading.TEXT, values):
                yield leaf, text, parts
