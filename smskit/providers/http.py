"""
The one door to the network: a request goes out, an answer or a named failure comes back.

What matters to the engine is whether a request *left*. A connection that was
never made sent nothing (``Unreachable``); anything that goes wrong afterwards
may have been accepted (``OutcomeUnknown``). Nothing here retries.

``AiohttpTransport`` exists because httpx's own pool costs several times more per
request (``bench/transport.py``), and two providers force one request a person.
Everything else speaks httpx, so tests hand in ``httpx.MockTransport`` or respx.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import httpx

from smskit.errors import OutcomeUnknown, Unreachable

if TYPE_CHECKING:
    import aiohttp

# httpx logs full URLs at INFO; a provider may carry credentials there.
logging.getLogger("httpx").setLevel(logging.WARNING)

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Answer(NamedTuple):
    """What came back: status, headers (lower-case names) and the whole body."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Door:
    """
    Sends requests for one provider.

    Args:
        provider: Its name, for errors.
        timeout_s: Longest wait for an answer once the request left.
        connect_timeout_s: Longest wait for a connection.
        connections: Most connections kept open; never queue more requests than that.
        transport: Stands in for the network in tests.
    """

    def __init__(
        self,
        provider: str,
        *,
        timeout_s: float,
        connect_timeout_s: float,
        connections: int,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._provider = provider
        self._timeout = {
            "connect": connect_timeout_s,
            "read": timeout_s,
            "write": timeout_s,
            "pool": connect_timeout_s,
        }
        self._transport = transport or AiohttpTransport(
            timeout_s=timeout_s, connect_timeout_s=connect_timeout_s, connections=connections
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def send(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes = b"") -> Answer:
        """
        Send one request and read the whole answer, whatever its status.

        Raises:
            Unreachable: no connection was made; nothing was sent.
            OutcomeUnknown: the request may have arrived.
        """
        request = httpx.Request(
            method, url, headers=dict(headers), content=content, extensions={"timeout": self._timeout}
        )
        try:
            response = await self._transport.handle_async_request(request)
            try:
                body = await response.aread()
            finally:
                await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreachable(
                f"{self._provider}: no connection to {urlsplit(url).hostname} ({type(error).__name__}); nothing was sent",
                provider=self._provider,
            ) from None
        except httpx.TimeoutException:
            raise OutcomeUnknown(
                f"{self._provider}: no answer within {self._timeout['read']:g} s; the request may have arrived",
                provider=self._provider,
                detail="no answer in time",
            ) from None
        except httpx.TransportError as error:
            raise OutcomeUnknown(
                f"{self._provider}: the connection broke before the answer ({type(error).__name__})",
                provider=self._provider,
                detail="connection broke before the answer",
            ) from None
        return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)


class AiohttpTransport(httpx.AsyncBaseTransport):
    """
    An httpx transport that lets aiohttp move the bytes.

    aiohttp never repeats a POST by itself. (Source: aiohttp 3.14, ``client.py``:
    only idempotent methods are retried on a closed kept-alive connection.)
    """

    def __init__(self, *, timeout_s: float, connect_timeout_s: float, connections: int) -> None:
        self._times = (timeout_s, connect_timeout_s)
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    def _open(self, url: httpx.URL) -> aiohttp.ClientSession:
        import aiohttp
        import certifi

        read, connect = self._times
        secure: ssl.SSLContext | bool = True
        if url.scheme == "https":
            secure = ssl.create_default_context(cafile=certifi.where())
        connector = aiohttp.TCPConnector(
            limit=self._connections,
            ssl=secure,
            # Below the idle time after which servers hang up: a request put on a
            # connection that is just closing has an unknown outcome.
            keepalive_timeout=4,
        )
        return aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=read),
            trust_env=url.host not in _LOOPBACK,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request*; transport failures come as httpx's own exceptions."""
        import aiohttp
        import yarl

        if self._session is None:
            self._session = self._open(request.url)
        read, connect = self._times
        try:
            async with (
                asyncio.timeout(read + connect),
                self._session.request(
                    request.method,
                    yarl.URL(str(request.url), encoded=True),  # signed queries go out as they are
                    data=request.content or None,
                    headers=request.headers,
                    allow_redirects=False,
                    skip_auto_headers=("User-Agent", "Accept-Encoding", "Content-Type"),
                ) as answer,
            ):
                body = await answer.read()
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError) as error:
            raise httpx.ConnectError(type(error).__name__) from None
        except TimeoutError as error:
            raise httpx.ReadTimeout(type(error).__name__) from None
        except aiohttp.ClientError as error:
            raise httpx.RemoteProtocolError(type(error).__name__) from None
        return httpx.Response(answer.status, headers=list(answer.headers.items()), content=body)

    async def aclose(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None
