"""
Pages of reports and replies, pulled several at once under the account's pace.

One after the other, a provider that answers in 50 ms gives twenty pages a second at most, whatever it allows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from smskit.errors import LedgerError, LedgerUnavailable
from smskit.providers.base import Provider
from smskit.providers.pacing import Pacer

__all__ = ["pull_pages"]

_MOST: Final = 20_000  # pages of one fetch, which a campaign of a million fills half of


async def pull_pages(
    provider: Provider,
    pull: Callable[[], Awaitable[bytes | None]],
    keep: Callable[[Sequence[bytes]], None],
    taken: Callable[[Sequence[bytes]], bool],
) -> None:
    """
    Pull pages until nothing waits, it is enough, or a page comes again, as where reading does not delete.

    Reading may delete a page there, so each that was asked for is kept, also when it is enough, or when
    another request, keeping or taking has failed. What waits beyond is for the next fetch.

    Args:
        pull: `Provider.pull_receipts` or `Provider.pull_replies`.
        keep: Stores pages, in the order in which they came; in a thread, since it may wait for a server.
        taken: Looks at pages that are kept, and says whether they were enough; in a thread, too.

    Raises:
        ProviderError: of the first request that failed.
        LedgerUnavailable: pages could not be kept, twice where others were on the way; says how many.
        Exception: of the first *keep* or *taken* that failed; all pages are kept.
    """
    fetch = _Fetch(provider, pull)
    broken: Exception | None = None  # keeping or taking
    try:
        while fetch.asks():
            await fetch.answers()
            if not fetch.came or (broken and fetch.on_the_way):  # after a failure the rest is kept at once
                continue
            try:
                await asyncio.to_thread(keep, fetch.came)
                pages, fetch.came = fetch.came, []
                if not broken and await asyncio.to_thread(taken, pages):
                    fetch.ended = True
            except Exception as error:
                broken, fetch.ended = broken or error, True
    finally:
        for task in fetch.on_the_way:  # only where this was interrupted
            task.cancel()
    if fetch.came and isinstance(broken, LedgerError):
        raise LedgerUnavailable(
            "{n} pages that {provider} hands out once could not be stored and are lost: {why}",
            n=len(fetch.came),
            provider=provider.name,
            why=broken.message,
        ) from broken
    if first := broken or fetch.failed:
        raise first


class _Fetch:
    """
    The requests of one fetch.

    Attributes:
        on_the_way: Without an answer so far.
        came: Pages that are not kept, in the order in which they came.
        ended: Whether nothing more is asked for.
        failed: Why the first request failed that did.
    """

    def __init__(self, provider: Provider, pull: Callable[[], Awaitable[bytes | None]]) -> None:
        self._pull, self._most = pull, provider.pulls_at_once
        self._pacer = Pacer(provider.settings.requests_per_second)
        self._asked, self._at_once = 0, 1  # one at first: most often little waits
        self._before: list[bytes] = []
        self.on_the_way: set[asyncio.Task[bytes | None]] = set()
        self.came: list[bytes] = []
        self.ended = False
        self.failed: BaseException | None = None

    def asks(self) -> bool:
        """Put as many requests on the way as may be; whether any is."""
        while not self.ended and len(self.on_the_way) < self._at_once and self._asked < _MOST:
            self.on_the_way.add(asyncio.create_task(self._turn()))
            self._asked += 1
        return bool(self.on_the_way)

    async def _turn(self) -> bytes | None:
        await asyncio.sleep(self._pacer.reserve(asyncio.get_running_loop().time()))
        return await self._pull()

    async def answers(self) -> None:
        """Wait for the next answer, and take the pages of all that are there."""
        done, self.on_the_way = await asyncio.wait(self.on_the_way, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if fault := task.exception():
                self.failed, self.ended = self.failed or fault, True
                continue
            page = task.result()
            if page is None or page in self._before:
                self.ended = True
            else:
                self.came.append(page)
                self._before = [*self._before, page][-self._most :]
        self._at_once = min(2 * self._at_once, self._most)
