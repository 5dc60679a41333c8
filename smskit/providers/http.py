"""
The one door to the network: a request goes out, an answer or a named failure comes back.

What matters to the engine is whether a request *left*. A connection that was
never made sent nothing (``Unreachable``); anything that goes wrong afterwards
may have been accepted (``OutcomeUnknown``). Nothing here retries.

An answer is read up to a size and a time, and never unpacked: a compressed one, which nobody asked
for, may unfold to any size. Of the environment only proxies count; ``~/.netrc`` is other programs'.

Two things carry requests. ``_Aiohttp`` by default: two providers force one
request a person, and httpx costs several times as much for one (`make bench`).
``_Httpx`` for whatever httpx transport is handed in: tests use
``httpx.MockTransport`` or respx, and nothing else has to change.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Protocol
from urllib.parse import quote, urlsplit

from smskit.errors import AccountProblem, OutcomeUnknown, Unreachable
from smskit.i18n import Message, mark
from smskit.settings import is_in_clear, is_loopback, variable_of

if TYPE_CHECKING:
    import aiohttp
    import httpx
    import yarl

# httpx logs full URLs at INFO; a provider may carry credentials there.
logging.getLogger("httpx").setLevel(logging.WARNING)

# Far above the largest page a provider documents, times the most requests that are on the way at once.
MOST_BYTES = 8 * 2**20


class Answer(NamedTuple):
    """What came back: status, headers (looked up in any case) and the whole body."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class NotConnected(Exception):
    """No connection was made."""


# Why no connection was made, by the name aiohttp gives it.
_WHY = {
    "ClientConnectorDNSError": mark("nobody knows this name; is this computer on the network?"),
    "ClientConnectorError": mark("nobody answers there"),
    "ConnectionTimeoutError": mark("nobody answered in time"),
    "ConnectTimeout": mark("nobody answered in time"),
    "ClientConnectorCertificateError": mark("its certificate is not trusted"),
    "ClientConnectorSSLError": mark("it does not speak https"),
    "ClientHttpProxyError": mark("the proxy refused"),
    "ClientProxyConnectionError": mark("the proxy cannot be reached"),
    "InvalidURL": mark("this is no address"),
    "ValueError": mark("this is no address"),
}


class NoAnswerInTime(Exception):
    """The request left, and no answer came in time."""


class Broken(Exception):
    """The connection broke after the request left, or on the way."""


class Unreadable(Exception):
    """An answer came that is not read: it is compressed, or too long. Holds the reason, a `Message`."""


class Carrier(Protocol):
    """Carries one request; failures are the four above, the first three named after what they wrap."""

    async def carry(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """Send one request and read the whole answer."""

    async def close(self) -> None:
        """Close all connections."""


class Door:
    """
    Sends requests for one provider.

    Args:
        provider: Its name, for errors.
        called: What sentences call it.
        timeout_s: Longest wait for an answer once the request left.
        connect_timeout_s: Longest wait for a connection.
        connections: Most connections kept open; never queue more requests than that.
        secrets: Of the account, which an answer may repeat; nobody gets to see one in it.
        plain_http: Whether ``http://`` may lead to another machine.
        transport: Stands in for the network in tests.
    """

    def __init__(
        self,
        provider: str,
        *,
        called: str = "",
        timeout_s: float,
        connect_timeout_s: float,
        connections: int,
        secrets: Iterable[str] = (),
        plain_http: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._provider, self._called = provider, called or provider
        self._timeout_s, self._plain_http = timeout_s, plain_http
        self.more_headers: Mapping[str, str] = {}  # of every request, as a rehearsal's simulator wants one
        self._secrets = [form for secret in secrets for form in _written(secret)]
        self._carrier: Carrier
        if transport is None:
            self._carrier = _Aiohttp(timeout_s, connect_timeout_s, connections)
        else:
            self._carrier = _Httpx(transport, timeout_s, connect_timeout_s)

    async def close(self) -> None:
        """Close all connections."""
        await self._carrier.close()

    def without_secrets(self, content: bytes) -> bytes:
        """*content* with every secret of the account as ``***``, however it is written."""
        for form in self._secrets:
            if form in content:
                content = content.replace(form, b"***")
        return content

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes = b""
    ) -> Answer:
        """
        Send one request and read the whole answer, whatever its status.

        Raises:
            AccountProblem: anybody on the way could read it; nothing was sent.
            Unreachable: no connection was made; nothing was sent.
            OutcomeUnknown: the request may have arrived.
        """
        if not self._plain_http and is_in_clear(url):
            raise self._in_clear(url)
        try:
            answer = await self._carrier.carry(method, url, {**self.more_headers, **headers}, content)
            return answer._replace(content=self.without_secrets(answer.content))
        except NotConnected as error:
            raise self._not_connected(url, error) from None
        except NoAnswerInTime:
            what = Message(
                "{provider}: no answer within {time:g} s; the request may have arrived",
                provider=self._called,
                time=self._timeout_s,
            )
            raise self._unclear(what, Message("no answer in time")) from None
        except Broken as error:
            what = Message(
                "{provider}: the connection broke before the answer ({kind})",
                provider=self._called,
                kind=error,
            )
            raise self._unclear(what, Message("connection broke before the answer")) from None
        except Unreadable as error:
            why = error.args[0]
            raise self._unclear(Message("{provider}: {why}", provider=self._called, why=why), why) from None

    def _in_clear(self, url: str) -> AccountProblem:
        return AccountProblem(
            Message(
                "{provider}: {host} would be asked over http://, where anybody on the way can read; "
                "nothing was sent. Use https://, or set {variable}=allow for a gateway inside the house",
                provider=self._called,
                host=urlsplit(url).hostname,
                variable=variable_of(self._provider, "plain_http"),
            ),
            provider=self._provider,
        )

    def _not_connected(self, url: str, error: NotConnected) -> Unreachable:
        return Unreachable(
            Message(
                "{provider}: no connection to {host}: {why}; nothing was sent",
                provider=self._called,
                host=urlsplit(url).hostname,
                why=Message(_WHY[str(error)]) if str(error) in _WHY else error,
            ),
            provider=self._provider,
        )

    def _unclear(self, what: Message, detail: Message) -> OutcomeUnknown:
        return OutcomeUnknown(what, provider=self._provider, detail=detail)


class _Httpx:
    """Any httpx transport; used without httpx's client, which would only add cookies and redirects."""

    def __init__(
        self, transport: httpx.AsyncBaseTransport, timeout_s: float, connect_timeout_s: float
    ) -> None:
        self._transport, self._timeout_s = transport, timeout_s
        self._timeout = dict.fromkeys(("read", "write"), timeout_s) | dict.fromkeys(
            ("connect", "pool"), min(connect_timeout_s, 0.9 * timeout_s)
        )

    async def carry(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        import httpx  # with what its own command line needs; whoever handed the transport in has it

        not_connected = (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.ProxyError,
            httpx.UnsupportedProtocol,
        )
        request = httpx.Request(
            method, url, headers=dict(headers), content=content, extensions={"timeout": self._timeout}
        )
        try:
            # httpx's own limits hold for one read each; this one for all of it.
            async with asyncio.timeout(self._timeout_s):
                response = await self._transport.handle_async_request(request)
                assert isinstance(response.stream, httpx.AsyncByteStream)
                try:
                    body = await _whole(response.headers, response.stream)
                finally:
                    await response.aclose()
        except not_connected as error:
            _as(NotConnected, error)
        except (httpx.TimeoutException, TimeoutError) as error:
            _as(NoAnswerInTime, error)
        except httpx.RequestError as error:
            _as(Broken, error)
        return Answer(response.status_code, response.headers, body)

    async def close(self) -> None:
        await self._transport.aclose()


def _written(secret: str) -> Iterator[bytes]:
    """The forms in which an answer may repeat a secret; of very short ones none, which occur by chance."""
    if len(secret) > 3:
        yield from {form.encode() for form in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1])}


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
        self._proxies: dict[str, str | None] = {}  # by the beginning of an address

    async def carry(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        import aiohttp

        try:
            place = _place(url)
            proxy = self._proxy(place)
        except ValueError as error:
            _as(NotConnected, error)
        if self._session is None:
            self._session = self._open(place)
        try:
            async with self._session.request(
                method, place, data=content or None, headers=headers, allow_redirects=False, proxy=proxy
            ) as answer:
                body = await _whole(answer.headers, answer.content.iter_any())
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

    def _proxy(self, place: yarl.URL) -> str | None:
        origin = str(place.origin())
        if origin not in self._proxies:
            self._proxies[origin] = proxy_for(origin)
        return self._proxies[origin]

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
            trust_env=False,  # it would take a key for the provider out of ~/.netrc, too
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Content-Type"),
        )
        session._retry_connection = False
        return session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


def proxy_for(url: str) -> str | None:
    """
    The proxy that the environment names for *url*; None = go there directly, as to this machine always.

    As ``HTTPS_PROXY``, ``http_proxy`` and ``NO_PROXY`` say, or the system's settings on macOS and Windows.
    """
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    if is_loopback(parts.hostname or ""):
        return None
    proxy = getproxies().get(parts.scheme)
    return None if proxy is None or proxy_bypass(parts.netloc.rpartition("@")[2]) else proxy


async def _whole(headers: Mapping[str, str], pieces: AsyncIterable[bytes]) -> bytes:
    """
    The body of an answer as it came.

    Raises:
        Unreadable: it is compressed, or longer than `MOST_BYTES`.
    """
    coding = headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity"):
        raise Unreadable(Message("the answer came compressed, which was not asked for"))
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > MOST_BYTES:
            raise Unreadable(Message("the answer is longer than {n} MB", n=MOST_BYTES >> 20))
    return bytes(body)


@lru_cache(maxsize=64)
def _place(url: str) -> yarl.URL:
    import yarl

    # A signed query goes out as it was signed, so nothing may be encoded anew.
    place = yarl.URL(url, encoded=True)
    _ = place.port  # read only now; a wrong one raises ValueError
    return place


def _as(kind: type[Exception], error: Exception) -> NoReturn:
    raise kind(type(error).__name__) from None
