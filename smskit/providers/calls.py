"""
What is sent with one request: how much fits, what all messages share, and whom it is about.

People come by column, a slice at a time, and are cut into requests of neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from smskit import models
from smskit.audience.phones import to_e164
from smskit.message.template import Template
from smskit.models import MessageClass, Slice

__all__ = ["Call", "Job", "Limits", "runs"]


@dataclass(frozen=True, slots=True)
class Limits:
    """
    How much fits into one request, and what a value may hold.

    Args:
        same: Most people in one request when all get the same values.
        different: Most people when each has values of their own; 1 = one request each.
        text_units: Longest text, signature included, in UTF-16 code units.
        value_units: Longest value of one variable, in UTF-16 code units; None = not stated.
        unfit_value: RE2 pattern; a value in which it is found cannot be sent.
        unfit_words: What that is, in words, for whoever asks why somebody was left out.
        replace: What values are rid of first, ``(text, instead)``; seen in every preview.
    """

    same: int
    different: int
    text_units: int = 500
    value_units: int | None = None
    unfit_value: str = ""
    unfit_words: str = ""
    replace: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """What all messages of a campaign have in common."""

    template: Template
    template_id: str = ""
    message_class: MessageClass = MessageClass.MARKETING
    reference: str = ""  # ours; short, without any personal data
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """
    One request's worth of people.

    Args:
        people: The slice the call was cut from.
        rows: Whom of the slice it is about; answers come back in this order.
        method: The provider's own choice of how to send them.
        body: What the provider prepared, if it prepares by column. It holds for exactly these rows: a call
            with other ones (`part`, `without`) has none, and is prepared anew when it is sent.
    """

    job: Job
    people: Slice
    rows: NDArray[np.int64]
    method: str = ""
    body: bytes = b""

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"Call({self.method or 'submit'}, people={len(self)})"

    @cached_property
    def phones(self) -> list[str]:
        """E.164, in order."""
        phones = self.people.phones[self.rows]
        if len(phones) and phones.min() <= 0:
            return [to_e164(p) for p in phones.tolist()]
        return [f"+{p}" for p in phones.tolist()]

    @cached_property
    def variables(self) -> dict[str, list[str]]:
        """Template variable -> values, in order."""
        take = pa.array(self.rows)
        return {name: column.take(take).to_pylist() for name, column in self.people.variables.items()}

    @cached_property
    def texts(self) -> list[str]:
        """Whole texts, signature in front, in order."""
        take = pa.array(self.rows)
        columns = {name: column.take(take) for name, column in self.people.variables.items()}
        return list(self.job.template.render_column(columns, len(self.rows)).to_pylist())

    @property
    def messages(self) -> list[models.Message]:
        """The same, one record a message."""
        names = list(self.variables)
        values = zip(*self.variables.values(), strict=True) if names else iter([()] * len(self))
        return [
            models.Message(phone, text, dict(zip(names, row, strict=True)))
            for phone, text, row in zip(self.phones, self.texts, values, strict=True)
        ]

    def part(self, first: int, last: int) -> Call:
        """The same call for some of its people, in a row; without the prepared body."""
        return Call(self.job, self.people, self.rows[first:last], self.method)

    def without(self, left_out: NDArray[np.bool_]) -> Call:
        """The same call without some of its people, one mark a row; without the prepared body."""
        return Call(self.job, self.people, self.rows[~left_out], self.method)


def runs(people: Slice, limits: Limits) -> Iterator[tuple[int, int, bool]]:
    """
    Split a slice into runs ``(first, last, equal)``.

    Neighbours with equal values form an *equal* run when that fills requests
    better than sending them as different ones; all others are joined.
    """
    n = len(people.positions)
    if not n:
        return
    changes = np.zeros(n, bool)
    changes[0] = True
    for column in people.variables.values():
        codes = np.asarray(column.dictionary_encode().indices)
        changes[1:] |= codes[1:] != codes[:-1]
    starts = np.flatnonzero(changes)
    ends = np.append(starts[1:], n)
    # A run pays for a request of its own only if it would fill at least one of the other kind.
    worth = (
        (ends - starts) > limits.different if limits.same > limits.different else np.zeros(len(starts), bool)
    )
    if len(starts) == 1:
        worth[:] = True
    first = 0
    for index in np.flatnonzero(worth):
        if starts[index] > first:
            yield first, int(starts[index]), False
        yield int(starts[index]), int(ends[index]), True
        first = int(ends[index])
    if first < n:
        yield first, n, False
