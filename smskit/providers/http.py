"""
The one door to the network: a request goes out, an answer or a named failure comes back.

What matters to the engine is whether a request *left*. A connection that was
never made sent nothing (``Unreachable``); anything that goes wrong afterwards
may have been accepted (``OutcomeUnknown``). Nothing here retries.

Two things carry requests. ``_Aiohttp`` by default: two providers force one
request a person, and httpx costs several times as much for one (`make bench`).
``_Httpx`` for whatever httpx transport is handed in: tests use
``httpx.MockTransport`` or respx, and nothing else has to change.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Protocol
from urllib.parse import urlsplit

import httpx

from smskit.errors import OutcomeUnknown, Unreachable
from smskit.i18n import Message

if TYPE_CHECKING:
    import aiohttp
    import yarl

# httpx logs full URLs at INFO; a provider may carry credentials there.
logging.getLogger("httpx").setLevel(logging.WARNING)

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HTTPX_NOT_CONNECTED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class Answer(NamedTuple):
    """What came back: status, headers (looked up in any case) and the whole body."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class NotConnected(Exception):
    """No connection was made."""


class NoAnswerInTime(Exception):
    """The request left, and no answer came in time."""


class Broken(Exception):
    """The connection broke after the request left, or on the way."""


class Carrier(Protocol):
    """Carries one request; failures are the three above, named after what they wrap."""

    async def carry(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """Send one request and read the whole answer."""

    async def close(self) -> None:
        """Close all connections."""


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
        self._provider, self._timeout_s = provider, timeout_s
        self._carrier: Carrier
        if transport is None:
            self._carrier = _Aiohttp(timeout_s, connect_timeout_s, connections)
        else:
            self._carrier = _Httpx(transport, timeout_s, connect_timeout_s)

    async def close(self) -> None:
        """Close all connections."""
        await self._carrier.close()

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes = b""
    ) -> Answer:
        """
        Send one request and read the whole answer, whatever its status.

        Raises:
            Unreachable: no connection was made; nothing was sent.
            OutcomeUnknown: the request may have arrived.
        """
        try:
            return await self._carrier.carry(method, url, headers, content)
        except NotConnected as error:
            raise Unreachable(
                Message(
                    "{provider}: no connection to {host} ({kind}); nothing was sent",
                    provider=self._provider,
                    host=urlsplit(url).hostname,
                    kind=error,
                ),
                provider=self._provider,
            ) from None
        except NoAnswerInTime:
            raise OutcomeUnknown(
                Message(
                    "{provider}: no answer within {time:g} s; the request may have arrived",
                    provider=self._provider,
                    time=self._timeout_s,
                ),
                provider=self._provider,
                detail=Message("no answer in time"),
            ) from None
        except Broken as error:
            raise OutcomeUnknown(
                Message(
                    "{provider}: the connection broke before the answer ({kind})",
                    provider=self._provider,
                    kind=error,
                ),
                provider=self._provider,
                detail=Message("connection broke before the answer"),
            ) from None


class _Httpx:
    """Any httpx transport; used without httpx's client, which would only add cookies and redirects."""

    def __init__(
        self, transport: httpx.AsyncBaseTransport, timeout_s: float, connect_timeout_s: float
    ) -> None:
        self._transport = transport
        self._timeout = dict.fromkeys(("read", "write"), timeout_s) | dict.fromkeys(
            ("connect", "pool"), connect_timeout_s
        )

    async def carry(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        request = httpx.Request(
            method, url, headers=dict(headers), content=content, extensions={"timeout": self._timeout}
        )
        try:
            response = await self._transport.handle_async_request(request)
            body = await response.aread()
            await response.aclose()
        except _HTTPX_NOT_CONNECTED as error:
            _as(NotConnected, error)
        except httpx.TimeoutException as error:
            _as(NoAnswerInTime, error)
        except httpx.RequestError as error:
            _as(Broken, error)
        return Answer(response.status_code, response.headers, body)

    async def close(self) -> None:
        await self._transport.aclose()


class _Aiohttp:
    """
    aiohttp, with one session for the provider's lifetime.

    By itself it repeats a GET or PUT whose connection closed under it, and some
    providers send by GET: that is switched off, and a test looks that it stays so.
    """

    def __init__(self, timeout_s: float, connect_timeout_s: float, connections: int) -> None:
        self._timeout_s, self._connect_timeout_s = timeout_s, connect_timeout_s
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def carry(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        import aiohttp

        try:
            place = _place(url)
        except ValueError as error:
            _as(NotConnected, error)
        if self._session is None:
            self._session = self._open(place)
        try:
            async with self._session.request(
                method, place, data=content or None, headers=headers, allow_redirects=False
            ) as answer:
                body = await answer.read()
        except (
            aiohttp.ConnectionTimeoutError,
            aiohttp.ClientConnectorError,
            aiohttp.ClientHttpProxyError,
            aiohttp.InvalidURL,
        ) as error:
            _as(NotConnected, error)
        except TimeoutError as error:
            _as(NoAnswerInTime, error)
        except aiohttp.ClientError as error:
            _as(Broken, error)
        return Answer(answer.status, answer.headers, body)

    def _open(self, place: yarl.URL) -> aiohttp.ClientSession:
        import ssl

        import aiohttp
        import certifi

        secure = ssl.create_default_context(cafile=certifi.where()) if place.scheme == "https" else True
        connector = aiohttp.TCPConnector(
            limit=self._connections,
            ssl=secure,
            # Below the idle time after which servers hang up: a request put on a
            # connection that is just closing has an unknown outcome.
            keepalive_timeout=4,
        )
        session = aiohttp.ClientSession(
            connector=connector,
            # One deadline for all of it: a timer less for each request, and no answer that drips for
            # ever. Connecting, from the wait for a free place to the handshake, must fail before it, so
            # that it is known that nothing was sent.
            timeout=aiohttp.ClientTimeout(
                total=self._timeout_s, connect=min(self._connect_timeout_s, 0.9 * self._timeout_s)
            ),
            trust_env=place.host not in _LOOPBACK,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Content-Type"),
        )
        session._retry_connection = False
        return session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


@lru_cache(maxsize=64)
def _place(url: str) -> yarl.URL:
    import yarl

    # A signed query goes out as it was signed, so nothing may be encoded anew.
    place = yarl.URL(url, encoded=True)
    _ = place.port  # read only now; a wrong one raises ValueError
    return place


def _as(kind: type[Exception], error: Exception) -> NoReturn:
    raise kind(type(error).__name__) from None
