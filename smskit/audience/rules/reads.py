"""
How a text column reads: as numbers, dates, yes and no, or as text; for panel, rules and validate alike.

A column reads as something else than text when nine in ten of its cells that are not blank do, and none
is a number with a zero in front: 007 is a name. Of the ways that fit the first is taken: yes and no, dates,
numbers. Who cuts a frame into parts decides for the whole, and hands the answer to each part.
"""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from smskit.audience.cells import plain_texts
from smskit.audience.rules.fit import Reading

__all__ = ["MOSTLY", "ORDER", "PERHAPS", "SAMPLE", "begins_with_zero", "filled"]

MOSTLY: Final = 0.9  # of a text column's filled cells, for it to be read as something else than text
PERHAPS: Final = 0.5  # of its first cells, to look at them all
SAMPLE: Final = 1_000
ORDER: Final = (Reading.FLAG, Reading.MOMENT, Reading.NUMBER)


def filled(texts: pa.Array) -> Any:
    """Whether each of *n* texts shows anything; never null."""
    return pc.fill_null(pc.not_equal(plain_texts(texts), ""), False)


def begins_with_zero(texts: pa.Array) -> bool:
    """Whether any text is digits with a needless zero in front, as ids and codes are."""
    return bool(pc.any(pc.match_substring_regex(texts, r"^\s*0[0-9]+\s*$")).as_py())
