"""
One question asked of one column: the operators there are, and how a question reads.

Owns the vocabulary only. Whether a value suits its operator is for `parsing`,
what the two mean for a column for `fit`, which rows answer for `columns`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from smskit.audience.rules.values import Scalar, show, show_list
from smskit.i18n import Message, mark

ORDERS = ("<", "<=", ">", ">=")
LISTS = ("in", "not_in")
PARTS = ("contains", "starts_with")
NULLS = ("is_null", "not_null")
DATES = ("before", "after")

OPS = ("==", "!=", *ORDERS, *LISTS, "between", *PARTS, *NULLS, *DATES, "within_days")
"""Every operator, in the order a person would look for it."""

OP_WORDS = {
    "==": mark("is"),
    "!=": mark("is not"),
    "<": mark("is less than"),
    "<=": mark("is at most"),
    ">": mark("is more than"),
    ">=": mark("is at least"),
    "in": mark("is one of"),
    "not_in": mark("is none of"),
    "between": mark("is between"),
    "contains": mark("contains"),
    "starts_with": mark("starts with"),
    "is_null": mark("is empty"),
    "not_null": mark("is not empty"),
    "before": mark("is before"),
    "after": mark("is after"),
    "within_days": mark("is in the last … days"),
}

# How a question reads in one line: as rules are written, and with the operator in words in 中文.
_LABELS = {
    **dict.fromkeys(("==", "!=", *ORDERS), "{column} {op} {value}"),
    "in": mark("{column} in ({value})"),
    "not_in": mark("{column} not_in ({value})"),
    "contains": mark("{column} contains {value}"),
    "starts_with": mark("{column} starts_with {value}"),
    "is_null": mark("{column} is_null"),
    "not_null": mark("{column} not_null"),
    "before": mark("{column} before {value}"),
    "after": mark("{column} after {value}"),
    "within_days": mark("{column} within_days {value}"),
}


@dataclass(frozen=True, repr=False)
class Comparison:
    """One question; *value* is a tuple for lists and ``between``, None where the operator takes none."""

    column: str
    op: str
    value: Scalar | tuple[Scalar, ...] | None = None

    @property
    def values(self) -> tuple[Scalar, ...]:
        """Its value or values, however many the operator takes."""
        if self.value is None:
            return ()
        return self.value if isinstance(self.value, tuple) else (self.value,)

    @property
    def label(self) -> Message:
        """One line to read: ``level in ("gold", "silver")``; in 中文 ``level 属于 ("gold", "silver")``."""
        name = self.column if self.column.isidentifier() else show(self.column)
        if self.op == "between":
            low, high = map(show, self.values)
            return Message("{column} between {low} and {high}", column=name, low=low, high=high)
        return Message(_LABELS[self.op], column=name, op=self.op, value=show_list(self.values))

    @property
    def words(self) -> Message:
        """The same as a sentence: ``level is one of "gold", "platinum"``."""
        op = Message(OP_WORDS[self.op])
        if self.op in NULLS:
            return Message("`{column}` {op}", column=self.column, op=op)
        if self.op == "between":
            low, high = map(show, self.values)
            return Message("`{column}` is between {low} and {high}", column=self.column, low=low, high=high)
        if self.op == "within_days":
            return Message("`{column}` is in the last {n} days", column=self.column, n=show(self.values[0]))
        value = show_list(self.values)
        return Message("`{column}` {op} {value}", column=self.column, op=op, value=value)

    def to_data(self) -> dict[str, Any]:
        """Return plain data: ``{column, op, value}``, without value where there is none."""
        data: dict[str, Any] = {"column": self.column, "op": self.op}
        if self.op not in NULLS:
            data["value"] = list(self.value) if isinstance(self.value, tuple) else self.value
        return data
