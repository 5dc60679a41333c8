"""The wire, a test for each row of the table of threats: what a provider, a proxy, a neighbour may do."""

from __future__ import annotations

import asyncio
import gzip
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from smskit.errors import OutcomeUnknown
from smskit.providers.http import MOST_BYTES, proxy_for
from tests.providers.test_http import Talk, answers, closing, door, post, saying, serving

pytestmark = pytest.mark.timeout(20)


# -- row 9: credentials of other programs ------------------------------------------------------------


async def test_row_09_no_netrc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A name and password of ``~/.netrc`` go to no provider, though the environment's proxy is used."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with serving(answers) as proxy, closing(door()) as client:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/send"))
        await post(client, "http://sms.example.invalid/send")
        await post(client, proxy.url)

    assert [r.split(b" ")[1] for r in proxy.requests] == [b"http://sms.example.invalid/send", b"/send"]
    assert not any(b"authorization" in request.lower() for request in proxy.requests)


async def test_row_09_a_proxy_s_own_name_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the proxy's address is told to the proxy, and to nobody else."""
    async with serving(answers) as proxy, closing(door()) as client:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/send").replace("//", "//me:word@"))
        await post(client, "http://sms.example.invalid/send")

    (request,) = proxy.requests
    assert b"proxy-authorization: basic bwu6d29yza==" in request.lower()
    assert b"\r\nauthorization" not in request.lower()


@pytest.mark.parametrize(
    ("url", "no_proxy", "expected"),
    [
        ("https://sms.example.com", "", "http://secure.example:3128"),
        ("http://sms.example.com", "", "http://plain.example:3128"),
        ("https://sms.example.com", "example.com", None),
        ("https://sms.example.com", "example.com:8443", "http://secure.example:3128"),
        ("https://sms.example.com:8443", "sms.example.com:8443", None),
        ("https://sms.example.com", "*", None),
        ("https://127.0.0.1:1", "", None),
        ("http://localhost:1", "", None),
        ("http://[::1]:1", "", None),
    ],
)
def test_row_09_proxies_of_the_environment(
    url: str, no_proxy: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment says which proxy leads to an address; this machine is reached without."""
    monkeypatch.setenv("https_proxy", "http://secure.example:3128")
    monkeypatch.setenv("http_proxy", "http://plain.example:3128")
    monkeypatch.setenv("no_proxy", no_proxy)

    assert proxy_for(url) == expected


# -- row 14: answers that are bombs -------------------------------------------------------------------


def _endless(head: bytes, piece: bytes) -> Talk:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: bytes) -> None:
        writer.write(head)
        try:
            while True:
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            writer.close()

    return talk


_CHUNK = b"10000\r\n" + b"x" * 65536 + b"\r\n"
_BOMB = gzip.compress(bytes(50_000_000))


@pytest.mark.parametrize("transport", [lambda: None, httpx.AsyncHTTPTransport], ids=["aiohttp", "httpx"])
@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(
            saying(
                b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(_BOMB), _BOMB
            ),
            id="gzip",
        ),
        pytest.param(
            saying(b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 3\r\n\r\nabc"), id="brotli"
        ),
        pytest.param(_endless(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", _CHUNK), id="chunks"),
        pytest.param(
            _endless(b"HTTP/1.1 200 OK\r\ncontent-length: 1500000000\r\n\r\n", b"x" * 65536), id="long"
        ),
        pytest.param(_endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536), id="until-closed"),
    ],
)
async def test_row_14_an_answer_that_is_a_bomb(
    talk: Talk, transport: Callable[[], httpx.AsyncBaseTransport | None]
) -> None:
    """An answer nobody asked for like that is an open outcome, at once and in little memory."""
    tracemalloc.start()
    started = time.monotonic()
    try:
        async with serving(talk) as server, closing(door(transport(), timeout_s=8)) as client:
            with pytest.raises(OutcomeUnknown, match=r"compressed|longer than 8 MB"):
                await post(client, server.url)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert time.monotonic() - started < 5
    assert most < 4 * MOST_BYTES
    assert len(server.requests) == 1


@pytest.mark.parametrize("transport", [lambda: None, httpx.AsyncHTTPTransport], ids=["aiohttp", "httpx"])
async def test_row_14_a_drip_ends_in_time(transport: Callable[[], httpx.AsyncBaseTransport | None]) -> None:
    """A byte now and then keeps nobody waiting beyond the limit, by whichever way the request went."""
    drip = saying(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", *[b"x"] * 200, pause_s=0.02)
    started = time.monotonic()
    async with serving(drip) as server, closing(door(transport())) as client:
        with pytest.raises(OutcomeUnknown, match="no answer within"):
            await post(client, server.url)

    assert time.monotonic() - started < 1.5


@pytest.mark.parametrize("transport", [lambda: None, httpx.AsyncHTTPTransport], ids=["aiohttp", "httpx"])
async def test_row_14_compression_is_not_asked_for(
    transport: Callable[[], httpx.AsyncBaseTransport | None],
) -> None:
    """No request invites a compressed answer; one of the longest size that is read arrives whole."""
    body = b"x" * MOST_BYTES
    long = saying(
        b"HTTP/1.1 200 OK\r\ncontent-encoding: identity\r\ncontent-length: %d\r\n\r\n" % MOST_BYTES, body
    )
    async with serving(long) as server, closing(door(transport(), timeout_s=8)) as client:
        assert await post(client, server.url) == body

    assert b"accept-encoding" not in server.requests[0].lower()
