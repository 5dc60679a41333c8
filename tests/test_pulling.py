"""Pages pulled several at once: none that was asked for is lost, and no more are on the way than may be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import ClassVar

import pytest

from smskit.errors import LedgerAway, LedgerUnavailable, Unreachable
from smskit.models import Submission
from smskit.providers.base import Provider
from smskit.providers.calls import Call, Limits
from smskit.sending.pulling import pull_pages
from smskit.settings import ProviderSettings


class Queue(Provider):
    """Hands out what it was given, each page once, the later ones of a round first."""

    name: ClassVar[str] = "queue"
    title: ClassVar[str] = "Queue"

    def __init__(self, pages: Sequence[bytes | Exception], *, per_second: float = 0) -> None:
        super().__init__(ProviderSettings(requests_per_second=per_second))
        self.pages = list(pages)
        self.at_once = self.most = 0
        self.asked: list[float] = []

    @property
    def limits(self) -> Limits:
        return Limits(same=1, different=1)

    async def submit(self, call: Call) -> list[Submission]:
        raise AssertionError("nothing here submits")

    async def pull_receipts(self) -> bytes | None:
        self.asked.append(asyncio.get_running_loop().time())
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        page = self.pages.pop(0) if self.pages else None  # deleted there when it is asked for
        for _ in range(10 - self.at_once):
            await asyncio.sleep(0)
        self.at_once -= 1
        if isinstance(page, Exception):
            raise page
        return page


def pulled(queue: Queue, enough: bytes = b"") -> list[bytes]:
    """The pages that were taken."""
    kept: list[bytes] = []
    asyncio.run(pull_pages(queue, queue.pull_receipts, kept.extend, lambda pages: enough in pages))
    return kept


def numbered(count: int) -> list[bytes]:
    return [b"%d" % n for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 7, 50])
def test_all_that_wait_are_taken(count: int) -> None:
    """Each once, four at a time at most, and little is asked for where nothing waits."""
    queue = Queue(numbered(count))

    assert sorted(pulled(queue)) == sorted(numbered(count))
    assert queue.most <= Queue.pulls_at_once == 4
    assert (queue.most == 4) == (count > 3)
    assert len(queue.asked) <= count + 4
    assert count or len(queue.asked) == 1


def test_what_was_asked_for_is_taken_when_it_is_enough() -> None:
    """Pages on the way are deleted at the provider: they are taken, and no more are asked for."""
    queue = Queue(numbered(50))
    kept = pulled(queue, enough=b"5")

    assert b"5" in kept
    assert sorted(kept + queue.pages) == sorted(numbered(50))
    assert len(kept) <= 6 + 4


def test_what_was_asked_for_is_taken_when_another_fails() -> None:
    """The failure is told once the others have come."""
    queue = Queue([*numbered(5), Unreachable("no way"), *numbered(30)[5:]])
    kept: list[bytes] = []

    with pytest.raises(Unreachable, match="no way"):
        asyncio.run(pull_pages(queue, queue.pull_receipts, kept.extend, lambda _: False))
    assert sorted([*kept, *queue.pages]) == sorted(numbered(30))  # type: ignore[list-item]


@pytest.mark.parametrize("fails", ["keep", "taken"])
def test_what_was_asked_for_is_kept_when_the_ledger_fails(fails: str) -> None:
    """What could not be kept is kept with what was on the way, nothing more is asked for, and it is told."""
    queue = Queue(numbered(50))
    kept: list[bytes] = []
    failures = [LedgerAway("away for a moment")]

    def fail(name: str) -> None:
        if name == fails and len(queue.asked) > 7 and failures:
            raise failures.pop()

    def keep(pages: Sequence[bytes]) -> None:
        fail("keep")
        kept.extend(pages)

    def taken(pages: Sequence[bytes]) -> bool:
        assert set(pages) <= set(kept)
        fail("taken")
        return False

    with pytest.raises(LedgerAway, match="for a moment"):
        asyncio.run(pull_pages(queue, queue.pull_receipts, keep, taken))
    assert len(kept) + len(queue.pages) == len({*kept, *queue.pages}) == 50
    assert 7 < len(kept) < 12


def test_pages_that_are_lost_are_counted() -> None:
    """Where nothing can be kept for good; running the same again does not bring them back."""
    queue = Queue(numbered(50))
    kept: list[bytes] = []

    def keep(pages: Sequence[bytes]) -> None:
        if len(queue.asked) > 7:
            raise LedgerAway("away for good")
        kept.extend(pages)

    with pytest.raises(LedgerUnavailable) as failed:
        asyncio.run(pull_pages(queue, queue.pull_receipts, keep, lambda _: False))
    lost = 50 - len(kept) - len(queue.pages)
    assert not isinstance(failed.value, LedgerAway)  # which is tried again, as if nothing had happened
    assert str(failed.value).startswith(f"{lost} pages that queue hands out once could not be stored")
    assert "away for good" in str(failed.value)


def test_a_page_that_comes_again_is_the_last() -> None:
    """As where reading does not delete: taken once, however many asked for it."""
    assert pulled(Queue([b"same"] * 1000)) == [b"same"]


def test_the_pace_of_the_account_is_kept() -> None:
    """However many may be on the way, no second holds more requests than the account allows."""
    queue = Queue(numbered(12), per_second=50)
    began = time.monotonic()
    pulled(queue)

    assert all(at >= began + n / 50 - 0.001 for n, at in enumerate(queue.asked))
