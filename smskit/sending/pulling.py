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
    loop = asyncio.get_running_loop()
    pacer = Pacer(provider.settings.requests_per_second)

    async def turn() -> bytes | None:
        await asyncio.sleep(pacer.reserve(loop.time()))
        return await pull()

    on_the_way: set[asyncio.Task[bytes | None]] = set()
    failed: BaseException | None = None  # a request
    broken: Exception | None = None  # keeping or taking
    ended = False
    asked, at_once = 0, 1  # one at first: most often little waits
    before: list[bytes] = []
    came: list[bytes] = []  # and is not kept
    try:
        while True:
            while not ended and len(on_the_way) < at_once and asked < _MOST:
                on_the_way.add(asyncio.create_task(turn()))
                asked += 1
            if not on_the_way:
                break
            done, on_the_way = await asyncio.wait(on_the_way, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if fault := task.exception():
                    failed, ended = failed or fault, True
                    continue
                page = task.result()
                if page is None or page in before:
                    ended = True
                else:
                    came.append(page)
                    before = [*before, page][-provider.pulls_at_once :]
            at_once = min(2 * at_once, provider.pulls_at_once)
            if not came or (broken and on_the_way):  # once it has failed, the rest is kept at once
                continue
            try:
                await asyncio.to_thread(keep, came)
                pages, came = came, []
                if not broken and await asyncio.to_thread(taken, pages):
                    ended = True
            except Exception as error:
                broken, ended = broken or error, True
    finally:
        for task in on_the_way:  # only where this was interrupted
            task.cancel()
    if came and isinstance(broken, LedgerError):
        raise LedgerUnavailable(
            "{n} pages that {provider} hands out once could not be stored and are lost: {why}",
            n=len(came),
            provider=provider.name,
            why=broken.message,
        ) from broken
    if first := broken or failed:
        raise first
