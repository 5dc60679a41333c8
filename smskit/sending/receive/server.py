"""
The server that providers push to: keeps each page durably, then answers as the provider expects.

One address a provider, ``/SECRET/PROVIDER/receipts``, and ``.../replies`` for consoles that want two; what
came is told by what it holds. Anything else is answered 404 without a word. Nothing of a request is believed
but its path and its page: no header, so it may stand behind any proxy.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import uvicorn
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from smskit.errors import SettingsError
from smskit.ledger import Ledger
from smskit.models import Mode
from smskit.providers import provider_names
from smskit.providers.pushes import PUSHED, Acknowledgement
from smskit.sending.receive.folding import Folder
from smskit.sending.reconcile import Settled
from smskit.sending.rehearsal import as_set_up
from smskit.settings import Environment
from smskit.settings.listening import bound

__all__ = ["KINDS", "Listening", "serve"]

KINDS = ("receipts", "replies")
_MOST_BYTES = 4 << 20  # of a page; the largest that is known of holds 100 reports
_READ_S = 10.0  # a page is small, and no provider waits longer for its answer
_IDLE_S = 15.0
_MOST_CONNECTIONS = 500
_FINISH_S = 10
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listening:
    """Where it listens, and what to enter at which provider's console, behind one's own host."""

    address: str
    paths: Mapping[str, Mapping[str, str]] = field(repr=False)  # provider -> kind -> path, with the secret
    set_up: tuple[str, ...] = ()  # providers whose credentials are here


def serve(
    ledger: Ledger,
    environment: Environment,
    *,
    secret: str,
    host: str = "127.0.0.1",
    port: int = 0,
    ready: Callable[[Listening], None],
    told: Callable[[Settled], None] = lambda _: None,
) -> None:
    """
    Listen until SIGTERM or Ctrl+C; what is being answered is finished, and what was kept is folded.

    Args:
        ready: Called once it listens.
        told: Takes what each round of folding came to.

    Raises:
        SettingsError: the port is taken.
    """
    taken = _acknowledged(environment)
    folder = Folder(ledger, environment, taken, told)
    with bound(host, port) as listener:
        name, number = listener.getsockname()[:2]
        address = f"http://[{name}]:{number}" if ":" in name else f"http://{name}:{number}"
        paths = {each: {kind: f"/{secret}/{each}/{kind}" for kind in KINDS} for each in taken}
        folder.start()
        try:
            config = uvicorn.Config(
                _Application(taken, secret, _Keeper(ledger, folder.kept.set)),
                interface="asgi3",
                http=_Http,
                ws="none",
                lifespan="off",
                proxy_headers=False,
                log_config=None,
                access_log=False,
                server_header=False,
                limit_concurrency=_MOST_CONNECTIONS,
                timeout_keep_alive=int(_IDLE_S),
                timeout_graceful_shutdown=_FINISH_S,
            )
            listening = Listening(address, paths, folder.names)
            asyncio.run(_Server(config, lambda: ready(listening)).serve(sockets=[listener]))
        finally:
            folder.stop()


def _acknowledged(environment: Environment) -> dict[str, Acknowledgement]:
    """The providers that push, as they are configured here, and what each wants to read."""
    found = {}
    for name in provider_names():
        with suppress(SettingsError):  # its configuration is missing or wrong: it has no pushes to speak of
            answer = as_set_up(name, environment).acknowledges
            if answer is not None:
                found[name] = answer
    return found


class _Page(NamedTuple):
    provider: str
    body: bytes
    kept: asyncio.Future[None]


class _Keeper:
    """Commits pages; those that come while a commit is under way share the next one."""

    def __init__(self, ledger: Ledger, kept: Callable[[], None]) -> None:
        self._ledger, self._kept = ledger, kept
        self._waiting: list[_Page] = []
        self._work: asyncio.Task[None] | None = None

    async def keep(self, provider: str, body: bytes) -> None:
        """
        Return once the page is on disk.

        Raises:
            SmskitError: it is not.
        """
        page = _Page(provider, body, asyncio.get_running_loop().create_future())
        self._waiting.append(page)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._commit())
        await page.kept

    async def _commit(self) -> None:
        while self._waiting:
            pages, self._waiting = self._waiting, []
            problem: Exception | None = None
            try:
                rows = [(page.provider, PUSHED, page.body) for page in pages]
                await asyncio.to_thread(self._ledger.raw_reports.keep_all, Mode.LIVE, rows)
                self._kept()
            except Exception as error:
                problem = error
            for page in pages:
                if page.kept.done():
                    continue  # whoever pushed it has gone
                if problem is None:
                    page.kept.set_result(None)
                else:
                    page.kept.set_exception(problem)


class _Application:
    """
    Answers requests.

    Args:
        taken: Provider -> its acknowledgement.
    """

    def __init__(self, taken: Mapping[str, Acknowledgement], secret: str, keeper: _Keeper) -> None:
        self._taken, self._secret, self._keeper = taken, secret.encode(), keeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep a page and acknowledge it; an empty one, as a console's test may be, is only acknowledged."""
        await (await self._answer(scope, receive))(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        provider = self._provider(scope["path"])
        if provider is None or scope["method"] not in ("GET", "POST"):
            return _nothing(404)
        try:
            async with asyncio.timeout(_READ_S):
                body = await _body(receive)
        except TimeoutError:
            return _nothing(408)
        if body is None:
            return _nothing(413)
        page = body or scope["query_string"]
        if page:
            try:
                await self._keeper.keep(provider, page)
            except Exception as error:
                # Whatever it was: the page is not kept, and the provider pushes it again.
                _log.error("smskit: a pushed page could not be kept (%s)", type(error).__name__)
                return _nothing(503)
        answer = self._taken[provider]
        return Response(answer.body, headers={"content-type": answer.content_type})

    def _provider(self, path: str) -> str | None:
        """The provider of an address of ours; None = it is none."""
        secret, *rest = path.strip("/").split("/")
        known = hmac.compare_digest(secret.encode("utf-8", "replace"), self._secret)
        fits = len(rest) in (1, 2) and rest[0] in self._taken and all(kind in KINDS for kind in rest[1:])
        return rest[0] if known and fits else None


def _nothing(status: int) -> Response:
    # The connection goes with it, and with it what was not read of the request.
    return Response(status_code=status, headers={"connection": "close"})


async def _body(receive: Receive) -> bytes | None:
    """The body of a request; None = it is too long. One that breaks off is no page."""
    pieces, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise TimeoutError
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > _MOST_BYTES:
            return None
        if not message.get("more_body"):
            return b"".join(pieces)


class _Http(HttpToolsProtocol):
    """Uvicorn's protocol, which also closes a connection on which no whole request comes."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._late = self.loop.call_later(_IDLE_S, self._close_unless_asked)

    def _close_unless_asked(self) -> None:
        if self.cycle is None:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._late.cancel()
        super().connection_lost(exc)


class _Server(uvicorn.Server):
    """Uvicorn's server, which says when it is up and whose end by a signal is a good one."""

    def __init__(self, config: uvicorn.Config, up: Callable[[], None]) -> None:
        super().__init__(config)
        self._up = up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._up()

    def handle_exit(self, sig: int, frame: Any) -> None:
        self.should_exit = True
