"""
Cells that somebody should know of: how many of a kind there are, and a few of them.

What parts of a segment notice adds up to what is noticed of the whole: each part names what was looked for,
found or not, so that all come in one order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from smskit.i18n import Message

__all__ = ["Noticed", "messages_of", "together"]


@dataclass(frozen=True)
class Noticed:
    """
    Cells of one kind, or all of a column.

    Args:
        text: A marked sentence with ``{n}`` and ``{examples}`` where there are any, ``{name}``, ``{rule}``.
        examples: The first different ones, as they are shown: phones masked.
        name: Of the column.
        rule: Which one looks at it.
        most: As many examples are shown.
        among: They are worth telling only where they are most of so many.
    """

    text: str
    n: int = 1
    examples: tuple[str, ...] = ()
    name: str = ""
    rule: Message | None = None
    most: int = 3
    among: int = 0

    def __add__(self, other: Noticed) -> Noticed:
        """Both, *other* being from further down the same segment."""
        examples = tuple(dict.fromkeys((*self.examples, *other.examples)))[: self.most]
        return replace(self, n=self.n + other.n, among=self.among + other.among, examples=examples)

    @property
    def worth_telling(self) -> bool:
        """Whether there are enough of them."""
        return self.n > 0 and (not self.among or 1 < self.n > self.among / 2)

    @property
    def message(self) -> Message:
        """The sentence."""
        values: dict[str, Any] = {"name": self.name, "rule": self.rule}
        if "{n" in self.text:
            values |= {"n": self.n, "examples": ", ".join(self.examples)}
        return Message(self.text, **{name: value for name, value in values.items() if value})


def together(parts: Iterable[Iterable[Noticed]]) -> list[Noticed]:
    """What is noticed of several parts of a segment, given in its order."""
    found: dict[tuple[str, str, str], Noticed] = {}
    for part in parts:
        for each in part:
            key = each.text, each.name, str(each.rule)
            found[key] = found[key] + each if key in found else each
    return list(found.values())


def messages_of(noticed: Iterable[Noticed]) -> list[Message]:
    """The sentences of what is worth telling."""
    return [each.message for each in noticed if each.worth_telling]
