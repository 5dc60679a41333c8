"""
Between a socket and a dialect: reading a call, letting faults strike, answering.

An `Endpoint` is a bare ASGI application for one path. A dialect gives it a
plain function from `Request` to `Answer`; everything that may happen to a call
around that function, on purpose or not, is here and the same for all providers.
"""

from __future__ import annotations

import asyncio
import binascii
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import Future
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote_to_bytes

from smskit.simulator.core import World
from smskit.simulator.faults import ItemCode

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON = b"application/json;charset=utf-8"
HTML = b"text/html;charset=utf-8"

DROP = "smskit.drop"  # key in scope["extensions"]: closes the connection
CLOSING = "smskit.closing"  # key in scope["extensions"]: event set when the server stops


_AS_QUOTED_PRINTABLE = bytes.maketrans(b"%+", b"= ")


def unquote_form(raw: bytes) -> bytes:
    """
    Decode one application/x-www-form-urlencoded value, exactly as the standard library does.

    Text messages arrive as long runs of ``%XX``, which the standard library
    decodes piece by piece. Quoted-printable has the same escapes behind
    another sign, and its decoder is written in C, some fifty times faster.
    """
    if b"%" not in raw:
        return raw.replace(b"+", b" ")
    # A literal equals sign would now be taken for an escape, and one before a line end swallowed.
    if b"=" not in raw and b"\n" not in raw and b"\r" not in raw:
        quoted = raw.translate(_AS_QUOTED_PRINTABLE)
        decoded = binascii.a2b_qp(quoted)
        # A malformed escape leaves its sign behind, or at the very end vanishes. A sign in the result may
        # also have been an escaped one; then lengths tell, as a well-formed escape shortens by two.
        if (b"=" not in decoded and not quoted.endswith(b"=")) or (
            len(decoded) == len(raw) - 2 * quoted.count(b"=")
        ):
            return decoded
    return unquote_to_bytes(raw.replace(b"+", b" "))


def as_text(data: bytes) -> str:
    """Decode UTF-8; what is not UTF-8 becomes U+FFFD."""
    return data.decode("utf-8", "replace")


class Form:
    """A form body, split once; values are decoded when asked for. Of a repeated name the last counts."""

    __slots__ = ("_raw",)

    def __init__(self, body: bytes) -> None:
        self._raw: dict[bytes, bytes] = {}
        start, size = 0, len(body)
        while start < size:
            end = body.find(b"&", start)
            if end < 0:
                end = size
            equals = body.find(b"=", start, end)
            if equals >= 0:
                # Sliced in place: a thousand texts are half a megabyte, not to be copied twice.
                self._raw[unquote_form(body[start:equals])] = body[equals + 1 : end]
            start = end + 1

    def names(self) -> list[str]:
        """Return the names of all fields, in order of first appearance."""
        return [as_text(name) for name in self._raw]

    def data(self, name: str) -> bytes | None:
        """Return a value as decoded bytes, or None when the field is absent."""
        raw = self._raw.get(name.encode())
        return None if raw is None else unquote_form(raw)

    def text(self, name: str) -> str | None:
        """Return a value as text, or None when the field is absent."""
        raw = self._raw.get(name.encode())
        return None if raw is None else as_text(unquote_form(raw))


class Request:
    """One call as it came in; *item_code* says which numbers a fault refuses, None when none can be."""

    __slots__ = ("body", "item_code", "scope")

    def __init__(self, scope: Scope, body: bytes, item_code: ItemCode | None = None) -> None:
        self.scope = scope
        self.body = body
        self.item_code = item_code

    @property
    def client(self) -> str:
        """The caller's address."""
        return str((self.scope.get("client") or ("",))[0])

    def header(self, name: bytes) -> bytes | None:
        """Return a header by lower-case name, or None."""
        for key, value in self.scope["headers"]:
            if key == name:
                return bytes(value)
        return None


class Answer(NamedTuple):
    """What a dialect says to one call."""

    body: bytes
    status: int = 200
    accepted: int = 0  # messages taken over by this call
    durable: Future[None] | None = None  # to be waited for before the answer leaves
    popped: int = 0  # receipts or replies this answer is the only copy of
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()  # further ones, lower-case names


class Dialect(Protocol):
    """What the transport needs to know of a provider."""

    provider: str

    def refuse(self, code: str) -> Answer:
        """Return the provider's refusal of a whole call with *code*."""

    def throttled(self) -> Answer:
        """Return the provider's answer to calling too fast."""

    def size(self, request: Request) -> int:
        """Return how many messages a call asks for, as far as it can be told."""


class Endpoint:
    """
    One path of one provider.

    Args:
        name: As fault plans call it, such as ``single_send``.
        handle: From the request to the answer; it accepts messages at the world.
        submits: Whether it takes messages over, which is what faults aim at by default.
    """

    def __init__(
        self,
        world: World,
        dialect: Dialect,
        name: str,
        handle: Callable[[Request], Answer],
        *,
        submits: bool = False,
    ) -> None:
        self.name = name
        self._world = world
        self._dialect = dialect
        self._handle = handle
        self._submits = submits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call, or spoil it as the fault plan says."""
        body = await _read(receive)
        if body is None:
            return
        faults = self._world.faults
        request = Request(scope, body)
        if faults.plan.latency_s:
            await asyncio.sleep(faults.plan.latency_s)
        if faults.quiet:
            answer = self._handle(request)
            if answer.durable is not None:
                await asyncio.wrap_future(answer.durable)
            if answer.popped and faults.cut(answer.popped):
                await _answer_half(answer, scope, receive, send)
                return
            await _answer(answer, send)
            return
        await self._with_faults(request, scope, receive, send)

    async def _with_faults(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        faults, dialect = self._world.faults, self._dialect
        where = (dialect.provider, self.name, self._submits)

        wait_s, fault = faults.before(*where)
        if wait_s and not await _pause(wait_s, scope, receive):
            return
        if fault is not None:
            faults.tally.add(fault.kind, calls=1, messages=dialect.size(request) if self._submits else 0)
            if fault.kind == "drop_before_accept":
                await _drop(scope, receive)
            elif fault.kind == "http_error":
                await _answer(_page(fault), send)
            elif fault.kind == "throttle":
                await _answer(dialect.throttled(), send)
            else:
                await _answer(dialect.refuse(str(fault.code)), send)
            return

        request.item_code = faults.items(*where)
        answer = self._handle(request)
        if answer.durable is not None:
            await asyncio.wrap_future(answer.durable)

        fault = faults.after(*where, answer.accepted)
        kind = fault.kind if fault is not None else ""
        if kind == "drop_after_accept":
            await _drop(scope, receive)
        elif kind == "hang_after_accept":
            if await _pause(fault.seconds, scope, receive):
                await _answer(answer, send)
        elif kind == "http_error_after_accept":
            await _answer(_page(fault), send)
        elif kind == "non_json_after_accept":
            await _answer(answer._replace(body=b"<html>OK</html>", content_type=HTML), send)
        elif kind == "truncated_json_after_accept":
            await _answer(answer._replace(body=answer.body[: len(answer.body) // 2]), send)
        elif answer.popped and faults.cut(answer.popped):
            await _answer_half(answer, scope, receive, send)
        else:
            await _answer(answer, send)


async def _read(receive: Receive) -> bytes | None:
    """Return the whole body, or None when the caller went away before it was complete."""
    message = await receive()
    if message["type"] != "http.request":
        return None
    if not message.get("more_body"):
        return message["body"]  # type: ignore[no-any-return]
    pieces = [message["body"]]
    while message.get("more_body"):
        message = await receive()
        if message["type"] != "http.request":
            return None
        pieces.append(message["body"])
    return b"".join(pieces)


def _head(answer: Answer) -> dict[str, Any]:
    return {
        "type": "http.response.start",
        "status": answer.status,
        "headers": [
            (b"content-type", answer.content_type),
            (b"content-length", b"%d" % len(answer.body)),
            *answer.headers,
        ],
    }


async def _answer(answer: Answer, send: Send) -> None:
    await send(_head(answer))
    await send({"type": "http.response.body", "body": answer.body})


async def _answer_half(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the head and half of what it promises, then close."""
    await send(_head(answer))
    half = answer.body[: len(answer.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
    await _drop(scope, receive)


def _page(fault: Any) -> Answer:
    return Answer(fault.page.encode(), fault.status, content_type=HTML)


async def _drop(scope: Scope, receive: Receive) -> None:
    """Close the connection, and see it closed: uvicorn answers 500 for an application that returns early."""
    scope["extensions"][DROP]()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _pause(seconds: float, scope: Scope, receive: Receive) -> bool:
    """Wait; False when the caller, or the server, went away meanwhile. The connection is then closed."""
    closing = asyncio.ensure_future(scope["extensions"][CLOSING].wait())
    gone = asyncio.ensure_future(receive())
    done, _ = await asyncio.wait({closing, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    closing.cancel()
    if not done:
        gone.cancel()
        return True
    if gone not in done:
        scope["extensions"][DROP]()
        await gone
    return False
