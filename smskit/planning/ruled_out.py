"""
Whom the rules left out, as the ledger keeps them: who, by which rule, with which values.

A plan is about the rows that pass its rules; these are all the others. They are put into the shape in
which they are stored only when they are, since most plans are looked at and never frozen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.audience import phones as phones_module
from smskit.audience.cells import plain_text
from smskit.audience.rules import Leaf, Rule, Verdict, cell_texts
from smskit.errors import TemplateError
from smskit.i18n import Joined, Message
from smskit.message.values import format_column
from smskit.models import VALUE, RuledOut
from smskit.planning.persons import persons_of
from smskit.planning.spec import CampaignSpec

__all__ = ["RuledOutRows", "values_read"]

_TEXT: Final = pa.large_string()
_MOMENT: Final = "%Y-%m-%d %H:%M:%S"
_LONGEST: Final = 60  # characters of a value that are kept


@dataclass(frozen=True, repr=False)
class RuledOutRows:
    """
    The m rows of a segment that some rule left out, in segment order.

    ``first`` and ``unknown`` are those of `rules.Verdict`; *frame* has the columns that say who and why.
    """

    spec: CampaignSpec
    rule: Rule
    frame: pd.DataFrame
    first: NDArray[np.int16]
    unknown: NDArray[np.bool_]

    @classmethod
    def of(cls, spec: CampaignSpec, rule: Rule, frame: pd.DataFrame, verdict: Verdict) -> RuledOutRows:
        """Those rows of *frame* that *verdict*, the one of *rule*, does not keep."""
        out = ~verdict.keep
        used = {spec.phone, spec.user_id} | rule.columns()
        rows = frame.loc[out, [name for name in frame.columns if name in used]]
        return cls(spec, rule, rows, verdict.first[out], verdict.unknown[out])

    def __len__(self) -> int:
        return len(self.first)

    def __repr__(self) -> str:
        return f"RuledOutRows({len(self)})"

    def sizes(self) -> list[int]:
        """How many rows each of `groups` has, in their order."""
        counts = np.bincount(2 * self.first.astype(np.int64) + self.unknown)
        return [int(n) for n in counts if n]

    def groups(self) -> Iterator[RuledOut]:
        """The same rows by rule, and by whether that rule is false or cannot tell."""
        if not len(self):
            return
        phones, _ = phones_module.normalise(self.frame[self.spec.phone])
        persons, _ = persons_of(self.spec, self.frame, phones)
        for number, rule in enumerate(self.rule.parts):
            for unknown in (False, True):
                rows = np.flatnonzero((self.first == number) & (self.unknown == unknown))
                if len(rows):
                    who = self._who(rows, persons, phones)
                    yield RuledOut(number, unknown, pa.table(who | self._values(rows, rule)))

    def _who(self, rows: NDArray[np.int64], persons: pa.Array, phones: NDArray[np.int64]) -> dict[str, Any]:
        numbers, names = phones[rows], persons.take(pa.array(rows))
        # What stands in the phone column says most where it is no phone; else the phone says it.
        shown = np.full(len(rows), None, object)
        if len(unread := np.flatnonzero(numbers == 0)):
            cells = self.frame[self.spec.phone].iloc[rows[unread]]
            shown[unread] = np.asarray(phones_module.shown_column(cells, numbers[unread]), object)
        same = pc.equal(names, pa.array(numbers).cast(_TEXT))
        names = pc.if_else(same, pa.scalar(None, _TEXT), names)
        return {"person": names, "phone": numbers, "shown": pa.array(shown, _TEXT)}

    def _values(self, rows: NDArray[np.int64], rule: Rule) -> dict[str, Any]:
        zone = self.spec.zone
        return {VALUE + name: _texts(self.frame[name].iloc[rows], zone) for name in rule.columns_in_order()}


def _texts(cells: pd.Series, zone: tzinfo) -> pa.Array:
    """The cells as text, long ones cut short, times by the clock of *zone*; null where there is nothing."""
    texts = cell_texts(cells)
    if texts is None:
        try:
            pattern = _MOMENT if cells.dtype.kind == "M" else None
            texts = format_column(cells, pattern=pattern, zone=zone)
        except TemplateError:  # of a type that has no words
            texts = pc.if_else(pa.array(cells.isna().to_numpy(np.bool_)), pa.scalar(None, _TEXT), "…")
    too_long = pc.greater(pc.utf8_length(texts), _LONGEST)
    if pc.any(too_long).as_py():
        cut = pc.utf8_replace_slice(texts, start=_LONGEST - 1, stop=2**31 - 1, replacement="…")
        texts = pc.if_else(too_long, cut, texts)
    return texts


def values_read(
    group: RuledOut, rule: Rule | None, row: Mapping[str, Any], *, reveal: bool = False
) -> Joined:
    """
    What *rule* read in one row of *group*, in words, phones masked unless revealed.

    Args:
        rule: None where it is not known any more.
        row: One of ``group.people``, by column.
    """
    unread = group.unknown and isinstance(rule, Leaf)  # a group may be unknown for one of its values only
    values = ((name.removeprefix(VALUE), row[name]) for name in row if name.startswith(VALUE))
    return Joined([_value_read(name, value, unread=unread, reveal=reveal) for name, value in values], ", ")


def _value_read(name: str, value: str | None, *, unread: bool, reveal: bool) -> Message:
    if value is None or not plain_text(value):
        return Message("`{name}`: value missing", name=name)
    shown = f'"{value if reveal else phones_module.redact(value)}"'
    if unread:
        return Message("`{name}` is {value}, which the rule cannot read", name=name, value=shown)
    return Message("`{name}` is {value}", name=name, value=shown)
