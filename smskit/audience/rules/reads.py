"""
How a text column reads: as numbers, dates, yes and no, or as text; for panel, rules and validate alike.

A column reads as something else than text when nine in ten of its cells that are not blank do, and none
is a number with a zero in front: 007 is a name. Of the ways that fit the first is taken: yes and no, dates,
numbers. Where more than half are dates, a value that is a date is compared with those all the same. Who cuts
a frame into parts decides for the whole, and hands the answer to each part.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from smskit.audience.rules.fit import Reading

__all__ = [
    "SAMPLE",
    "Evidence",
    "Whole",
    "begins_with_zero",
    "counts",
    "nearly_of",
    "perhaps",
    "reading_of",
]

MOSTLY: Final = 0.9  # of a text column's filled cells, for it to be read as something else than text
PERHAPS: Final = 0.5  # of its first cells, to look at them all
SAMPLE: Final = 1_000
ORDER: Final = (Reading.FLAG, Reading.MOMENT, Reading.NUMBER)


def begins_with_zero(texts: pa.Array) -> bool:
    """Whether any text is digits with a needless zero in front, as ids and codes are."""
    return bool(pc.any(pc.match_substring_regex(texts, r"^\s*0[0-9]+\s*$")).as_py())


class Evidence(Protocol):
    """What the cells of a text column tell of how it reads."""

    @property
    def count(self) -> int:
        """How many cells show anything."""

    @property
    def named(self) -> bool:
        """Whether any cell `begins_with_zero`."""

    def readable(self, reading: Reading) -> int:
        """How many cells have a value when the column is read so."""


class Whole(NamedTuple):
    """How a text column reads as a whole, for a part of it."""

    reads: Reading
    counts: bool = False  # its yes and no are 1 and 0 as well
    nearly: Reading | None = None  # see `nearly_of`


def perhaps(head: Evidence) -> list[Reading]:
    """The readings worth looking at in all cells, by the first `SAMPLE` cells that are not empty."""
    return [r for r in ORDER if head.count and head.readable(r) >= head.count * PERHAPS]


def reading_of(head: Evidence, whole: Evidence) -> Reading:
    """How the *whole* column reads, of which *head* are the first cells."""
    for reading in perhaps(head):
        if whole.readable(reading) >= whole.count * MOSTLY and not (
            reading is Reading.NUMBER and whole.named
        ):
            return reading
    return Reading.TEXT


def nearly_of(head: Evidence, whole: Evidence) -> Reading | None:
    """What a column that reads as text would read as, were a few cells else; None for most text."""
    for reading in ORDER:
        if reading is Reading.NUMBER and whole.named:
            continue
        # Of all cells only what the first ones promise is read.
        if all(each.readable(reading) > each.count * PERHAPS for each in (head, whole)):
            return reading
    return None


def counts(whole: Evidence) -> bool:
    """Whether a column of yes and no is one of numbers, too."""
    return whole.readable(Reading.NUMBER) >= whole.count * MOSTLY
