"""The door: what is known to have left and what is not, over real sockets and over httpx transports."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import respx

from smskit.errors import OutcomeUnknown, ProviderError, Unreachable
from smskit.providers.http import Door

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]

pytestmark = pytest.mark.timeout(20)  # what should end and does not is a failure, not a wait

BODY = b"apikey=5ec2e7c0ffee5ec2e7c0ffee5ec2e7c0&mobile=13800000001"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def door(transport: httpx.AsyncBaseTransport | None = None, **more: float) -> Door:
    settings = {"timeout_s": 30.0, "connect_timeout_s": 30.0, "connections": 4, "plain_http": True} | more
    return Door("test", transport=transport, **settings)  # type: ignore[arg-type]


class Loopback:
    """A server of a few lines: reads whole requests, and lets *talk* do as it likes with each."""

    def __init__(self, talk: Talk | None) -> None:
        self._talk = talk
        self.connections = 0
        self.requests: list[bytes] = []
        self.url = ""
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self, tls: ssl.SSLContext | None = None) -> asyncio.Server:
        server = await asyncio.start_server(self._accepted, "127.0.0.1", 0, ssl=tls)
        port = server.sockets[0].getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/send"
        return server

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._answer(reader, writer))
        self.tasks.add(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            if self._talk is None:
                return
            while request := await _read(reader):
                self.requests.append(request)
                await self._talk(reader, writer, request)
                if writer.is_closing():
                    return
        finally:
            writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> bytes:
    """One request, head and body; b"" when the client hung up."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
    length = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-len")]
    return head + await reader.readexactly(int(length[0]) if length else 0)


@contextlib.asynccontextmanager
async def serving(talk: Talk | None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Loopback]:
    loopback = Loopback(talk)
    async with await loopback.serve(tls):
        yield loopback
        await loopback.close()


async def post(to: Door, url: str, body: bytes = BODY) -> bytes:
    return (await to.send("POST", url, headers={"content-type": "text/plain"}, content=body)).content


@contextlib.asynccontextmanager
async def closing(client: Door) -> AsyncIterator[Door]:
    try:
        yield client
    finally:
        await client.close()


def _nothing_told(error: BaseException) -> bool:
    """Whether neither the error nor anything behind it repeats what was sent or its address."""
    texts = ["".join(traceback.format_exception(error))]
    seen: list[BaseException | None] = [error]
    while seen:
        if (one := seen.pop()) is not None:
            texts += [str(one), repr(one)]
            seen += [one.__cause__, one.__context__]
    return not any(secret in text for text in texts for secret in ("5ec2e7c0ffee", "13800000001"))


# -- what a server may do with a request ------------------------------------------------------------


def saying(*pieces: bytes, pause_s: float = 0.0, then: str = "stay") -> Talk:
    """Write *pieces*, with a pause after each; then keep the connection, close it or reset it."""

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: bytes) -> None:
        for piece in pieces:
            with contextlib.suppress(ConnectionError):
                writer.write(piece)
                await writer.drain()
            await asyncio.sleep(pause_s)
        if then == "close":
            writer.close()
        if then == "reset":
            writer.transport.abort()

    return talk


async def answers(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: bytes) -> None:
    writer.write(OK)
    await writer.drain()


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(None, id="closes-at-once"),
        pytest.param(saying(then="close"), id="closes-without-answer"),
        pytest.param(saying(then="reset"), id="resets-without-answer"),
        pytest.param(saying(b"HTTP/1.1 200 OK\r\ncontent-le", then="close"), id="closes-mid-head"),
        pytest.param(
            saying(b'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"code":0', then="close"),
            id="closes-mid-body",
        ),
        pytest.param(
            saying(
                b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{"code":0\r\n',
                then="close",
            ),
            id="closes-mid-chunks",
        ),
        pytest.param(saying(b"\x16\x03\x01 this is not http\r\n\r\n"), id="garbage"),
        pytest.param(saying(b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n"), id="impossible-length"),
        pytest.param(saying(), id="never-answers"),
        pytest.param(saying(*[b"H"] * 2000, pause_s=0.02), id="drips-the-head"),
        pytest.param(
            saying(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", *[b"x"] * 2000, pause_s=0.02),
            id="drips-the-body",
        ),
    ],
)
async def test_after_it_left_the_outcome_is_unknown(talk: Talk | None) -> None:
    """Whatever a server does instead of answering, the request may have arrived, and waiting has an end."""
    async with serving(talk) as server, closing(door(timeout_s=1)) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            await post(client, server.url)

    assert server.connections == 1
    assert len(server.requests) <= 1
    assert _nothing_told(caught.value)


async def test_refused_connection_sent_nothing() -> None:
    """Where nobody listens the request never left, so it may be sent again."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/send"
        async with closing(door()) as client:
            with pytest.raises(Unreachable, match=r"no connection to 127\.0\.0\.1") as caught:
                await post(client, url)

    assert caught.value.provider == "test"
    assert _nothing_told(caught.value)


async def test_no_place_to_wait_in_line_sent_nothing() -> None:
    """A request that found no free connection in time is known not to have left."""
    async with serving(saying()) as server, closing(door(connections=1, timeout_s=1.5)) as client:
        first, second = await asyncio.gather(
            post(client, server.url), post(client, server.url), return_exceptions=True
        )

    assert isinstance(first, OutcomeUnknown)
    assert isinstance(second, Unreachable)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://", id="no-host"),
        pytest.param("http://127.0.0.1:99999/send", id="impossible-port"),
        pytest.param("http://127.0.0.1:x/send", id="port-is-no-number"),
    ],
)
async def test_an_impossible_address_sent_nothing(url: str) -> None:
    """An address that cannot be one leads nowhere, which is an error of ours and no open outcome."""
    async with closing(door()) as client:
        with pytest.raises(Unreachable):
            await post(client, url)


# -- certificates -----------------------------------------------------------------------------------


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    """A server's side of TLS with a certificate that nobody vouches for."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    both = tmp_path / "server.pem"
    both.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context


async def test_a_certificate_nobody_vouches_for_sent_nothing(self_signed: ssl.SSLContext) -> None:
    """A server that cannot prove who it is gets no request at all."""
    async with serving(answers, self_signed) as server, closing(door()) as client:
        with pytest.raises(Unreachable, match="certificate is not trusted"):
            await post(client, server.url)

    assert server.requests == []


async def test_a_broken_handshake_sent_nothing() -> None:
    """A server that hangs up before the connection is secured gets no request either."""
    async with serving(None) as server, closing(door()) as client:
        with pytest.raises(Unreachable):
            await post(client, server.url.replace("http:", "https:"))


# -- proxies ----------------------------------------------------------------------------------------


async def test_a_proxy_that_opens_no_way_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a proxy does not connect us to the provider, the provider was never asked."""
    refusal = saying(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    async with serving(refusal) as server, closing(door()) as client:
        monkeypatch.setenv("HTTPS_PROXY", server.url.removesuffix("/send"))
        with pytest.raises(Unreachable):
            await post(client, "https://sms.example.invalid/send")

    assert [request.split(b" ")[0] for request in server.requests] == [b"CONNECT"]


# -- connections kept -------------------------------------------------------------------------------


async def test_one_connection_serves_many_requests() -> None:
    """Requests one after the other share a connection."""
    async with serving(answers) as server, closing(door()) as client:
        bodies = [await post(client, server.url, b"n=%d" % n) for n in range(5)]

    assert bodies == [b"ok"] * 5
    assert server.connections == 1
    assert [request[-3:] for request in server.requests] == [b"n=%d" % n for n in range(5)]


@pytest.mark.parametrize("method", ["POST", "GET", "PUT"])
@pytest.mark.parametrize("then", ["close", "reset"])
async def test_nothing_is_sent_twice_on_a_connection_that_ends(method: str, then: str) -> None:
    """A kept connection that ends under a request is an open outcome by any method; nothing goes again."""

    async def answers_once(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
    ) -> None:
        first = len(server.requests) == 1
        await (answers if first else saying(then=then))(reader, writer, request)

    async with serving(answers_once) as server, closing(door()) as client:
        await client.send(method, server.url, headers={})
        with pytest.raises(OutcomeUnknown):
            await client.send(method, server.url, headers={})

    assert len(server.requests) == 2
    assert server.connections == 1


async def test_a_connection_closed_while_idle_is_replaced() -> None:
    """A connection that the server closed between two requests costs neither of them anything."""
    async with serving(saying(OK, then="close")) as server, closing(door()) as client:
        for n in range(3):
            assert await post(client, server.url, b"n=%d" % n) == b"ok"
            await asyncio.wait(server.tasks)  # it has closed the connection

    assert server.connections == 3
    assert [request[-3:] for request in server.requests] == [b"n=0", b"n=1", b"n=2"]


# -- what goes out ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("a=%2B%2f%7E&Signature=3%2BAbC%3D", id="encoded"),
        pytest.param("text=%E4%BD%A0%20%2520&b=~-._", id="encoded-twice"),
        pytest.param("a=1+2&a=%25&empty=", id="plus-percent-empty"),
    ],
)
async def test_a_query_goes_out_as_it_was_signed(query: str) -> None:
    """Nothing of an encoded query is decoded or encoded anew: a digest covers its bytes."""
    seen: list[bytes] = []

    def keep(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path)
        return httpx.Response(200)

    async with serving(answers) as server, closing(door()) as client:
        await client.send("GET", f"{server.url}?{query}", headers={})
        await door(httpx.MockTransport(keep)).send("GET", f"{server.url}?{query}", headers={})

    assert server.requests[0].startswith(f"GET /send?{query} HTTP/1.1\r\n".encode())
    assert seen == [f"/send?{query}".encode()]


async def test_headers_and_body_go_out_as_given() -> None:
    """The body is not touched, and nothing is added that could contradict the provider's own headers."""
    async with serving(answers) as server, closing(door()) as client:
        await client.send(
            "POST",
            server.url,
            headers={"Content-Type": "x/y", "x-acs-action": "SendSms"},
            content=b"\x00%\xff",
        )
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    names = sorted(line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:])

    assert body == b"\x00%\xff"
    assert b"\r\nContent-Type: x/y\r\n" in head + b"\r\n"
    assert names == [b"accept", b"content-length", b"content-type", b"host", b"x-acs-action"]


async def test_any_status_is_an_answer() -> None:
    """What a status means is for the provider to say; redirects are not followed, cookies not kept."""
    pieces = (
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nSet-Cookie: a=b\r\ncontent-length: 0\r\n\r\n"
    )
    async with serving(saying(pieces)) as server, closing(door()) as client:
        url = server.url.replace("127.0.0.1", "localhost")  # a name, since addresses get no cookies anyway
        one = await client.send("POST", url, headers={}, content=b"x")
        await client.send("POST", url, headers={}, content=b"x")

    assert (one.status, one.content) == (302, b"")
    assert one.headers["location"] == one.headers["LOCATION"] == "http://127.0.0.1:1/"
    assert b"cookie" not in server.requests[1].lower()


# -- httpx transports -------------------------------------------------------------------------------

_REQUEST = httpx.Request("POST", "http://test.invalid/send?apikey=5ec2e7c0ffee")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (httpx.ConnectError, Unreachable),
        (httpx.ConnectTimeout, Unreachable),
        (httpx.PoolTimeout, Unreachable),
        (httpx.ProxyError, Unreachable),
        (httpx.UnsupportedProtocol, Unreachable),
        (httpx.ReadTimeout, OutcomeUnknown),
        (httpx.WriteTimeout, OutcomeUnknown),
        (httpx.ReadError, OutcomeUnknown),
        (httpx.WriteError, OutcomeUnknown),
        (httpx.CloseError, OutcomeUnknown),
        (httpx.LocalProtocolError, OutcomeUnknown),
        (httpx.RemoteProtocolError, OutcomeUnknown),
        (httpx.DecodingError, OutcomeUnknown),
    ],
    ids=lambda value: value.__name__,
)
@respx.mock
async def test_every_failure_of_httpx_has_a_class(
    kind: type[httpx.RequestError], expected: type[ProviderError]
) -> None:
    """A transport of httpx is judged as sockets are: by whether a connection was made."""

    def fail(_: httpx.Request) -> httpx.Response:
        raise kind("apikey=5ec2e7c0ffee", request=_REQUEST)

    respx.post("http://test.invalid/send").mock(side_effect=kind("apikey=5ec2e7c0ffee", request=_REQUEST))
    for transport in (httpx.MockTransport(fail), httpx.AsyncHTTPTransport()):
        with pytest.raises(expected) as caught:
            await post(door(transport), "http://test.invalid/send")

        assert type(caught.value) is expected
        said = str(caught.value)
        assert kind.__name__ in said or "in time" in said or "no answer within" in said
        assert "5ec2e7c0ffee" not in "".join(traceback.format_exception(caught.value))


def test_no_failure_of_httpx_is_forgotten() -> None:
    """The table above names every kind of request failure of httpx, but that of following redirects."""
    (mark,) = (m for m in test_every_failure_of_httpx_has_a_class.pytestmark if m.name == "parametrize")
    known = {kind for kind, _ in mark.args[1]}
    leaves = {kind for kind in _below(httpx.RequestError) if not kind.__subclasses__()}

    assert leaves - {httpx.TooManyRedirects} == known


def _below(kind: type) -> set[type]:
    return {kind}.union(*(_below(child) for child in kind.__subclasses__()))


async def test_a_body_that_cannot_be_decoded_is_an_open_outcome() -> None:
    """A compressed answer that does not unpack came after the request left."""
    for transport in (None, httpx.AsyncHTTPTransport()):
        bad = saying(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc")
        async with serving(bad) as server, closing(door(transport)) as client:
            with pytest.raises(OutcomeUnknown):
                await post(client, server.url)

        assert len(server.requests) == 1
