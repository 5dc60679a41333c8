"""
What one request costs the sender, carried by aiohttp and by httpx: why both are here.

Both go through the classes that the providers use, so what is compared is what could be used.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx
import uvloop

from smskit.providers import http

_AT_ONCE = 16
_BODY = b"apikey=0123456789abcdef0123456789abcdef&mobile=%2B8613800138000&text=" + b"%E4%BD%A0" * 40
_HEADERS = {"content-type": "application/x-www-form-urlencoded"}


def _httpx() -> http.Carrier:
    limits = httpx.Limits(max_connections=_AT_ONCE, max_keepalive_connections=_AT_ONCE)
    return http._Httpx(httpx.AsyncHTTPTransport(limits=limits), timeout_s=8, connect_timeout_s=5)


def _aiohttp() -> http.Carrier:
    return http._Aiohttp(timeout_s=8, connect_timeout_s=5, connections=_AT_ONCE)


CARRIERS: dict[str, Callable[[], http.Carrier]] = {"aiohttp": _aiohttp, "httpx": _httpx}


def carry(url: str, by: str, requests: int) -> dict[str, float]:
    """Post *requests* small forms, 16 at once; seconds of processor and of clock for each."""
    return uvloop.run(_carry(url, CARRIERS[by](), requests))


async def _carry(url: str, carrier: http.Carrier, requests: int) -> dict[str, float]:
    left = iter(range(requests))

    async def work() -> None:
        for _ in left:
            answer = await carrier.carry("POST", url, _HEADERS, _BODY)
            assert answer.status == 200

    await carrier.carry("POST", url, _HEADERS, _BODY)  # imports and connects
    used, started = time.process_time(), time.perf_counter()
    await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    used, took = time.process_time() - used, time.perf_counter() - started
    await carrier.close()
    return {"used_s": used / requests, "total_s": took / requests}
