"""
One part of a segment: its rows read, and judged as far as they can be by themselves.

A plan in memory has one part, a large segment many, on whatever machines; it is the same code. What a part
cannot tell is how a text column reads as a whole (`rules.reads`), which is handed in, and whose copies its
rows are (`Copies`), which is asked of all parts together. All else adds up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from smskit.audience import rules as rules_module
from smskit.audience.columns import Columns, SomeRows
from smskit.audience.noticed import Noticed, together
from smskit.audience.paging import arrow_of, text_of
from smskit.audience.rules.reads import Whole
from smskit.message.parts import parts as parts_of
from smskit.message.template import Template
from smskit.message.values import format_column
from smskit.message.variables import Binding
from smskit.models import Reason
from smskit.planning.exclusions import Candidates, Facts, History
from smskit.planning.recipients import ProviderLimits, Recipients
from smskit.planning.ruled_out import RuledOutRows
from smskit.planning.spec import CampaignSpec

__all__ = ["Part", "Question", "Sums", "billed"]


@dataclass(frozen=True)
class Question:
    """
    What is planned, the same for every part of a segment.

    Args:
        now: Aware; what ``within_days`` counts from.
        holdout_salt: Of the holdout of all marketing; other salt, other people.
        reads: How text columns read as a whole; None = the part is the whole.
    """

    spec: CampaignSpec
    template: Template
    bindings: Mapping[str, Binding]
    fit: ProviderLimits
    now: datetime
    holdout_salt: str = ""
    reads: Mapping[str, Whole] | None = None


@dataclass(frozen=True)
class Sums:
    """
    What is counted in parts of a segment.

    Attributes:
        read: Rows before the rules.
        kept: Rows that the rules keep.
        steps: What each rule keeps.
        lacking: Column -> rows kept without a value of use there; what a default fills in was not there.
        unread: Cells the rules could not read.
        of_cells: What to know about the user ids, bound moments and the consent of the rows kept.
    """

    read: int
    kept: int
    steps: Sequence[rules_module.Step]
    lacking: Mapping[str, int]
    unread: Sequence[Noticed]
    of_cells: Sequence[Noticed]

    @classmethod
    def together(cls, parts: Sequence[Sums]) -> Sums:
        """Those of several parts (one at least), in the order of the segment."""
        steps = [
            each[0]._replace(alone=sum(s.alone for s in each), kept=sum(s.kept for s in each))
            for each in zip(*(part.steps for part in parts), strict=True)
        ]
        return cls(
            read=sum(part.read for part in parts),
            kept=sum(part.kept for part in parts),
            steps=steps,
            lacking={name: sum(part.lacking[name] for part in parts) for name in parts[0].lacking},
            unread=together(part.unread for part in parts),
            of_cells=together(part.of_cells for part in parts),
        )

    @property
    def coverage(self) -> dict[str, float]:
        """Column -> share of the rows kept that have a value of use there; nothing where no row is."""
        return {name: 1 - n / self.kept for name, n in self.lacking.items()} if self.kept else {}


@dataclass(frozen=True, repr=False)
class Part:
    """
    The *n* rows of a part that its rules keep, in its order.

    Attributes:
        facts: What decides their reasons, copies apart.
        ruled_out: The rows the rules do not keep.
        kept: Column of `keep` -> n texts; null = missing.
    """

    rows: Recipients
    facts: Facts
    ruled_out: RuledOutRows
    sums: Sums
    kept: Mapping[str, pa.Array]

    @classmethod
    def of(cls, asked: Question, frame: pd.DataFrame, past: History) -> Part:
        """
        Those of *frame*, which has the columns that are asked for; it is not changed.

        Raises:
            InputError: a rule or a variable does not fit.
        """
        spec = asked.spec
        verdict, unread, ruled_out = _judged(asked, frame)
        here: Columns = SomeRows(frame, verdict.keep) if len(ruled_out) else frame
        rows = Recipients.read(spec, here, asked.template, asked.bindings, asked.fit)
        people = Candidates(spec, rows, asked.fit, past, asked.holdout_salt)
        sums = Sums(len(frame), len(here), verdict.steps, _lacking(here, asked, rows), unread, rows.noticed)
        kept = {name: text_of(arrow_of(here[name])) for name in spec.keep}
        return cls(rows, Facts.of(people), ruled_out, sums, kept)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"Part({len(self)} of {self.sums.read})"


def billed(rows: Recipients, planned: NDArray[np.int64]) -> NDArray[np.int16]:
    """Billed parts of each of n rows' message; 0 where it is none of those *planned*."""
    parts = np.zeros(len(rows), np.int16)
    parts[planned] = parts_of(rows.units[planned])
    return parts


def _judged(asked: Question, frame: pd.DataFrame) -> tuple[rules_module.Verdict, list[Noticed], RuledOutRows]:
    """What the rules say of *frame*, which cells they could not read, and whom they leave out."""
    spec, rule = asked.spec, rules_module.parse(asked.spec.rules)
    # By the clock that messages are written by, whatever zone *now* was told in.
    source = rules_module.Source(frame, asked.now.astimezone(spec.zone), asked.reads)
    verdict = rule.judge(source)
    return verdict, rule.unread(source), RuledOutRows.of(spec, rule, frame, verdict)


def _lacking(frame: Columns, asked: Question, rows: Recipients) -> dict[str, int]:
    spec, found = asked.spec, dict[str, int]()
    for name, binding in asked.bindings.items():
        if binding.column is not None:
            as_is = rows.values[name] if binding.default is None else format_column(frame[binding.column])
            found[binding.column] = as_is.null_count
    if rows.consented is not None:
        found[spec.consent] = int(np.count_nonzero(~rows.consented))
    found[spec.phone] = int(np.count_nonzero(rows.wrong != Reason.NONE))
    return found
