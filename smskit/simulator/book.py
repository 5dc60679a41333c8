"""
One account's accepted messages, in columns, and the feeds that turn them into receipts.

A million messages fit because a call and a message are a handful of array entries, a phone is
one dictionary slot, and a receipt is worked out when somebody asks for it.
"""

from __future__ import annotations

import heapq
import math
import random
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, KeysView, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from smskit.message.parts import parts
from smskit.simulator.faults import Outcome, ReceiptPlan, ReplyPlan

RETENTION_S = 72 * 3600.0  # every provider keeps unfetched receipts for three days

_TABLE_UNITS = 4096
_PARTS: list[int] = parts(np.arange(_TABLE_UNITS + 1)).tolist()


def parts_in(text: str) -> int:
    """Return the parts of *text*, from a table because it is asked for every message."""
    units = len(text.encode("utf-16-le", "replace")) >> 1
    return _PARTS[units] if units <= _TABLE_UNITS else int(parts(np.array([units]))[0])


def parts_of_all(texts: str | Sequence[str], count: int) -> int:
    """Return the parts of *count* messages together; *texts* is one for all, or one each."""
    return parts_in(texts) * count if isinstance(texts, str) else sum(map(parts_in, texts))


def is_mainland(phone: int) -> bool:
    """Whether E.164 digits are a mainland mobile number."""
    return 86_130_0000_0000 <= phone <= 86_199_9999_9999


class Note(NamedTuple):
    """What all messages of one call share; consecutive calls with an equal note share one object."""

    receipts: ReceiptPlan
    replies: ReplyPlan
    uid: str = ""
    template_id: str = ""
    extend: str = ""
    receipt_url: str = ""
    wants_receipt: bool = True


class Message(NamedTuple):
    """One accepted message, put together from the columns."""

    sid: int
    phone: int  # E.164 digits
    text: str
    at: float  # epoch seconds
    note: Note

    def outcome(self, by: float = math.inf) -> Outcome | None:
        """Return how it ends, or None when nobody says, or not *by* that time (epoch seconds)."""
        outcome = self.note.receipts.outcome(self.phone, self.at)
        return outcome if outcome is not None and outcome.at <= by else None


class Row(NamedTuple):
    """One accepted call as it is kept on disk."""

    first_sid: int
    provider: str
    account: str
    at: float
    phones: Sequence[int]
    texts: str | tuple[str, ...]
    note: dict[str, Any]


class Fetched(NamedTuple):
    """How far a feed was handed out."""

    provider: str
    account: str
    feed: str
    before_sid: int


class Book:
    """
    Accepted messages of one account, oldest first. The caller holds the world's lock.

    A call's messages follow one another, so a message is found by its running number, from 0.
    """

    def __init__(self) -> None:
        # By call: time (epoch seconds), id of the first message, messages up to and including it, texts (one
        # for all, or one a message), what its messages share.
        self.at = array("d")
        self.first_sid = array("q")
        self.upto = array("q")
        self.texts: list[str | tuple[str, ...]] = []
        self.notes: list[Note] = []
        self.phones = array("q")  # by message, E.164 digits
        self.again: set[int] = set()  # phones accepted more than once
        self.abroad = 0  # messages to phones outside the mainland
        self._numbers_of: dict[int, int | tuple[int, ...]] = {}  # phone -> running numbers

    def __len__(self) -> int:
        return len(self.phones)

    def known(self) -> KeysView[int]:
        return self._numbers_of.keys()

    def add(
        self, at: float, first_sid: int, phones: Sequence[int], texts: str | tuple[str, ...], note: Note
    ) -> None:
        """Write down one accepted call; *texts* is one for all or one a phone, in order."""
        for number, phone in enumerate(phones, len(self)):
            before = self._numbers_of.setdefault(phone, number)
            if before != number:
                self._numbers_of[phone] = (*_each(before), number)
                self.again.add(phone)
        self.at.append(at)
        self.first_sid.append(first_sid)
        self.texts.append(texts[0] if len(texts) == 1 and isinstance(texts, tuple) else texts)
        self.notes.append(self.notes[-1] if self.notes and self.notes[-1] == note else note)
        self.phones.extend(phones)
        self.upto.append(len(self))
        self.abroad += sum(not is_mainland(phone) for phone in phones)

    def count(self, phone: int) -> int:
        return len(_each(self._numbers_of.get(phone, ())))

    def start(self, call: int) -> int:
        """Return the running number of a call's first message."""
        return self.upto[call - 1] if call else 0

    def messages(self, call: int) -> list[Message]:
        return [self._message(number, call) for number in range(self.start(call), self.upto[call])]

    def first_of_call(self, sid: int) -> int:
        """Return the id of the first message of the call that a message belongs to."""
        return self.first_sid[bisect_right(self.first_sid, sid) - 1]

    def to(self, phone: int) -> list[Message]:
        """Return the messages accepted for *phone*, oldest first."""
        return [self._message(number) for number in _each(self._numbers_of.get(phone, ()))]

    def calls_between(self, start: float, end: float) -> range:
        """Return the numbers of the calls with start <= time <= end."""
        return range(bisect_left(self.at, start), bisect_right(self.at, end))

    def between(self, start: float, end: float) -> Iterator[Message]:
        """Yield the messages accepted between two times, both included, oldest first."""
        for call in self.calls_between(start, end):
            yield from self.messages(call)

    def newest(self, start: float, end: float, skip: int, limit: int) -> list[Message]:
        """Return a page of the messages between two times, newest first; *skip* costs nothing."""
        calls = self.calls_between(start, end)
        first, last = self.start(calls.start), self.start(calls.stop) - skip
        return [self._message(number) for number in range(last - 1, max(last - limit, first) - 1, -1)]

    def _message(self, number: int, call: int | None = None) -> Message:
        if call is None:
            call = bisect_right(self.upto, number)
        texts, position = self.texts[call], number - self.start(call)
        text = texts if isinstance(texts, str) else texts[position]
        sid = self.first_sid[call] + position
        return Message(sid, self.phones[number], text, self.at[call], self.notes[call])


def _each(numbers: int | tuple[int, ...]) -> tuple[int, ...]:
    """Running numbers as a tuple; most phones have one, which is kept as it is."""
    return numbers if isinstance(numbers, tuple) else (numbers,)


class ReceiptDue(NamedTuple):
    """A receipt that is to be handed out at a time."""

    at: float
    message: Message
    delivered: bool
    code: str
    call: int  # in the book; -1 when none waits for it to be handed out


class ReplyDue(NamedTuple):
    """A reply (上行) to a message, that is to be handed out at a time."""

    at: float
    sid: int  # unique; that of the message, unless somebody was made to reply
    message: Message
    text: str
    call: int


E = TypeVar("E", bound=ReceiptDue | ReplyDue)


class Feed(Generic[E]):
    """
    Receipts or replies waiting to be fetched, worked out call by call when asked.

    What is taken is gone, as with the real ones. Only as many calls are
    expanded as are needed to fill a page, so a million waiting cost nothing.

    Args:
        entries: What a call of the book yields.
        plan: The plan by which it yields them; None for a call that this feed does not serve.
    """

    def __init__(
        self,
        book: Book,
        entries: Callable[[Book, int], list[E]],
        plan: Callable[[Note], ReceiptPlan | ReplyPlan | None],
    ) -> None:
        self._book = book
        self._entries = entries
        self._plan = plan
        self._next = 0
        self._ready: list[E] = []  # due, oldest last
        self._later: list[E] = []  # heap
        self._open: dict[int, int] = {}  # call -> entries not handed out yet

    def add(self, entry: E) -> None:
        """Put in one entry that no call yields."""
        heapq.heappush(self._later, entry)

    def take(self, limit: int, now: float, *, shuffle: random.Random | None = None) -> list[E]:
        """Remove and return up to *limit* entries that are due; older than three days are lost."""
        self._fill(limit, now, shuffle)
        taken: list[E] = []
        while self._ready and len(taken) < limit:
            entry = self._ready.pop()
            if entry.call in self._open:
                self._open[entry.call] -= 1
                if not self._open[entry.call]:
                    del self._open[entry.call]
            if entry.at > now - RETENTION_S:
                taken.append(entry)
        return taken

    @property
    def handed_out(self) -> int:
        """Number of the first call that still has something to hand out; all before it are done."""
        return min(self._open, default=self._next)

    def skip_to(self, call: int) -> None:
        """Take the calls before *call* as handed out, after a restart."""
        self._next = max(self._next, call)

    def _fill(self, limit: int, now: float, shuffle: random.Random | None) -> None:
        book = self._book
        fresh: list[E] = []
        while self._later and self._later[0].at <= now:
            fresh.append(heapq.heappop(self._later))
        while len(self._ready) + len(fresh) < limit and self._next < len(book.at):
            call = self._next
            plan = self._plan(book.notes[call])
            # A call with a long delay must not hold up later ones with a shorter delay, which a change
            # of plan can make; so only a call of the newest plan may stop the loop.
            newest_plan = book.notes[call].receipts is book.notes[-1].receipts
            if plan is not None and newest_plan and book.at[call] + plan.delay_s[0] > now:
                break
            self._next += 1
            entries = self._entries(book, call) if plan is not None else []
            if entries:
                self._open[call] = len(entries)
            for entry in entries:
                if entry.at <= now:
                    fresh.append(entry)
                else:
                    heapq.heappush(self._later, entry)
        if not fresh:
            return
        self._ready.extend(fresh)
        if shuffle:
            shuffle.shuffle(self._ready)
        else:
            self._ready.sort(reverse=True)


def receipts_of(book: Book, call: int) -> list[ReceiptDue]:
    """Return a call's receipts with their times, if any are wanted, doubled where its plan says so."""
    plan = book.notes[call].receipts
    found = []
    for message in book.messages(call) if book.notes[call].wants_receipt else ():
        outcome = message.outcome()
        if outcome is None:
            continue
        due = ReceiptDue(outcome.at, message, outcome.delivered, outcome.code, call)
        found.append(due)
        if plan.comes_twice(message.phone):
            found.append(due._replace(at=due.at + 0.001))
    return found


def replies_of(book: Book, call: int) -> list[ReplyDue]:
    """Return the replies a call's recipients send."""
    plan = book.notes[call].replies
    found = []
    for message in book.messages(call):
        reply = plan.reply(message.phone, message.at)
        if reply:
            found.append(ReplyDue(reply[0], message.sid, message, reply[1], call))
    return found


class Shelf:
    """An account's book and feeds; after a restart they are there before the account is."""

    def __init__(self) -> None:
        self.book = Book()
        self.spent_parts = 0
        book = self.book
        self.feeds: dict[str, Feed[Any]] = {
            "receipts": Feed(book, receipts_of, lambda note: None if note.receipt_url else note.receipts),
            "pushes": Feed(book, receipts_of, lambda note: note.receipts if note.receipt_url else None),
            "replies": Feed(book, replies_of, lambda note: note.replies if note.replies.rate else None),
        }
