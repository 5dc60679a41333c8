"""
Pages of reports and replies, pulled several at once under the account's pace.

One after the other, a provider that answers in 50 ms gives twenty pages a second at most, whatever it allows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from smskit.errors import ProviderError
from smskit.providers.base import Provider
from smskit.providers.pacing import Pacer

__all__ = ["pull_pages"]

_MOST: Final = 20_000  # pages of one fetch, which a campaign of a million fills half of


async def pull_pages(
    provider: Provider,
    pull: Callable[[], Awaitable[bytes | None]],
    taken: Callable[[Sequence[bytes]], bool],
) -> None:
    """
    Pull pages until nothing waits, it is enough, or a page comes again, as where reading does not delete.

    Reading may delete a page there, so each that was asked for reaches *taken*, also when it is enough or
    another request has failed. What waits beyond is for the next fetch.

    Args:
        pull: `Provider.pull_receipts` or `Provider.pull_replies`.
        taken: Keeps pages, in the order in which they came, and says whether they were enough.

    Raises:
        ProviderError: of the first request that failed.
    """
    loop = asyncio.get_running_loop()
    pacer = Pacer(provider.settings.requests_per_second)

    async def turn() -> bytes | None:
        await asyncio.sleep(pacer.reserve(loop.time()))
        return await pull()

    on_the_way: set[asyncio.Task[bytes | None]] = set()
    failed: ProviderError | None = None
    ended = False
    asked, at_once = 0, 1  # one at first: most often little waits
    before: list[bytes] = []
    try:
        while True:
            while not ended and len(on_the_way) < at_once and asked < _MOST:
                on_the_way.add(asyncio.create_task(turn()))
                asked += 1
            if not on_the_way:
                break
            done, on_the_way = await asyncio.wait(on_the_way, return_when=asyncio.FIRST_COMPLETED)
            pages: list[bytes] = []
            for task in done:
                if isinstance(error := task.exception(), ProviderError):
                    failed, ended = failed or error, True
                    continue
                page = task.result()
                if page is None or page in before:
                    ended = True
                else:
                    pages.append(page)
                    before = [*before, page][-provider.pulls_at_once :]
            if pages and taken(pages):
                ended = True
            at_once = min(2 * at_once, provider.pulls_at_once)
    finally:
        for task in on_the_way:  # only where this was interrupted
            task.cancel()
    if failed:
        raise failed
