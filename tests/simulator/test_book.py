"""The columns of accepted messages and the feeds drawn from them."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from smskit.message.parts import parts_of
from smskit.simulator.book import (
    RETENTION_S,
    Book,
    Feed,
    Note,
    ReceiptDue,
    parts_in,
    receipts_of,
)
from smskit.simulator.faults import ReceiptPlan, ReplyPlan

A, B, C = 8613800000000, 8613800000001, 8613800000002


def _note(**receipts: object) -> Note:
    return Note(ReceiptPlan.model_validate(receipts), ReplyPlan())


def _book(*calls: tuple[float, list[int], str | tuple[str, ...]], note: Note | None = None) -> Book:
    book, sid = Book(), 100
    for at, phones, texts in calls:
        book.add(at, sid, phones, texts, note or _note())
        sid += len(phones)
    return book


def _feed(book: Book) -> Feed[ReceiptDue]:
    return Feed(book, receipts_of, lambda note: note.receipts)


@given(st.text(max_size=300))
def test_parts_equal_the_one_truth(text: str) -> None:
    """Counting from the table gives what smskit.message.parts gives."""
    if any("\ud800" <= c <= "\udfff" for c in text):
        return
    assert parts_in(text) == parts_of(text)


def test_a_phone_finds_all_its_messages() -> None:
    """Messages of a phone are found across single calls, batches and a batch that holds it twice."""
    book = _book((1, [A], "x"), (2, [B, A], ("p", "q")), (3, [A, C, A], "y"))

    assert [(m.at, m.text, m.sid) for m in book.to(A)] == [
        (1, "x", 100),
        (2, "q", 102),
        (3, "y", 103),
        (3, "y", 105),
    ]
    assert (book.count(A), book.count(B), book.count(86)) == (4, 1, 0)
    assert book.again == {A}
    assert (len(book), len(book.known())) == (6, 3)


def test_a_message_finds_its_call() -> None:
    """Ids count up within a call; each leads to the first of its call."""
    book = _book((1, [A, B], ("x", "y")))
    book.add(2, 200, [C], "z", _note())

    assert [book.first_of_call(sid) for sid in (100, 101, 200)] == [100, 100, 200]


def test_newest_pages_through_every_message_once() -> None:
    """Pages of the newest messages cover the window, without overlap, and stop at its edge."""
    book = _book((1, [A], "x"), (2, [B, A], ("p", "q")), (3, [C, B], "y"), (9, [A], "late"))

    pages = [[m.sid for m in book.newest(2, 5, skip, 3)] for skip in (0, 3, 6)]

    assert pages == [[104, 103, 102], [101], []]


def test_a_feed_hands_out_each_receipt_once_when_due() -> None:
    """Receipts wait for their time, come oldest first and are gone once taken."""
    book = _book((10, [A, B], "x"), (20, [C], "y"), note=_note(delay_s=[5, 5]))
    feed = _feed(book)

    assert feed.take(10, now=14.9) == []
    assert [d.message.phone for d in feed.take(1, now=15)] == [A]
    assert feed.handed_out == 0
    assert [d.message.phone for d in feed.take(10, now=30)] == [B, C]
    assert feed.handed_out == 2
    assert feed.take(10, now=99) == []


def test_a_feed_expands_no_more_calls_than_a_page_needs() -> None:
    """A million waiting receipts are not worked out to hand out twenty."""
    expanded: list[int] = []
    book = _book(*((1, [A + n], "x") for n in range(100)), note=_note(delay_s=[0, 0]))

    def expand(book: Book, call: int) -> list[ReceiptDue]:
        expanded.append(call)
        return receipts_of(book, call)

    feed = Feed(book, expand, lambda note: note.receipts)

    assert len(feed.take(20, now=2)) == 20
    assert len(expanded) == 20


def test_a_changed_plan_does_not_block_later_calls() -> None:
    """A call promised receipts in an hour does not hold up one promised them at once."""
    book = Book()
    book.add(0, 1, [A], "x", _note(delay_s=[3600, 3600]))
    book.add(1, 2, [B], "x", _note(delay_s=[0, 0]))

    assert [d.message.phone for d in _feed(book).take(10, now=2)] == [B]


def test_receipts_older_than_three_days_are_lost() -> None:
    """What nobody fetched within the retention is not handed out any more."""
    book = _book((0, [A], "x"), (RETENTION_S, [B], "x"), note=_note(delay_s=[1, 1]))

    assert [d.message.phone for d in _feed(book).take(10, now=RETENTION_S + 10)] == [B]


def test_shuffled_receipts_are_the_same_ones() -> None:
    """Shuffling changes the order of what waits, not what it is."""
    book = _book((0, [A + n for n in range(50)], "x"), note=_note(delay_s=[0, 0]))

    taken = [d.message.phone for d in _feed(book).take(50, now=1, shuffle=random.Random(3))]

    assert taken != sorted(taken)
    assert sorted(taken) == [A + n for n in range(50)]
