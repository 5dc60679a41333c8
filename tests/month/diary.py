"""What is handed from the runner to the oracle: what was done when, what was taken, what smskit says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.month.script import Occurrence, Trouble


class Run(NamedTuple):
    """One start of an occurrence, in one process or in two at once."""

    name: str
    kind: str
    start: float
    end: float
    exits: tuple[int, ...]  # of each process; -9 = killed
    said: tuple[str, ...]  # what each ended with, for people


class OptOut(NamedTuple):
    """Somebody opted out: the ledger did not have it before *after*, and has it since *known*."""

    phone: str  # as it was given
    after: float
    known: float


class Taken(NamedTuple):
    """One message the simulator accepted, by its own record."""

    provider: str
    phone: str  # E.164
    text: str
    at: float
    delivered: bool  # what its receipt says


class Doubt(NamedTuple):
    """By the ledger's events: somebody was claimed, and only later it was known that nothing was taken."""

    name: str
    phone: str  # E.164
    claimed: float
    until: float
    why: str  # what the ledger has of the end


class Unclear(NamedTuple):
    """By the ledger's events: since then it was unknown whether somebody's message was taken."""

    name: str
    phone: str  # E.164
    at: float
    why: str  # what the ledger has of it


@dataclass
class Account:
    """What smskit says about one occurrence, as its commands would print it."""

    status: dict[str, Any]
    people: list[dict[str, Any]] = field(repr=False)  # rows of `messages --reveal`
    frozen_at: float = 0.0
    why: dict[str, str] = field(default_factory=dict, repr=False)  # person -> line, for some
    first: dict[str, float] = field(default_factory=dict, repr=False)  # E.164 -> when its turn first came


@dataclass
class Diary:
    """The whole month."""

    occurrences: list[Occurrence]
    blocked: set[str]  # phones as in the segment which yunpian refuses
    troubles: list[Trouble] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    opt_outs: list[OptOut] = field(default_factory=list)
    given_up: set[str] = field(default_factory=set)  # occurrences whose unknowns a person gave up
    taken: list[Taken] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)  # those that were ever frozen
    doubts: list[Doubt] = field(default_factory=list)
    unclear: list[Unclear] = field(default_factory=list)
