"""
Between a socket and a dialect: reading a call, letting faults strike, answering.

An `Endpoint` is the ASGI application of one method. A dialect gives it a plain function from `Request` to
`Answer`; everything that may happen to a call around that function, on purpose or not, is here and the same
for all providers.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_plus

import orjson
from starlette import requests
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from smskit.simulator.faults import ItemCode, Target

if TYPE_CHECKING:
    from smskit.simulator.dialect import Call, Dialect

JSON = b"application/json;charset=utf-8"
HTML = b"text/html;charset=utf-8"
FORM = "application/x-www-form-urlencoded"

_ERROR = "<html><head><title>{status}</title></head><body><h1>{status}</h1><hr>nginx</body></html>"

DROP = "smskit.drop"  # key in scope["extensions"]: closes the connection


# Not "(?:...)+": where a run begins is found faster.
_ESCAPES = re.compile("%[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*")


def form(raw: bytes) -> dict[str, str]:
    """The fields of a form or query, decoded; of a repeated name the last counts."""
    pairs = (pair.partition("=") for pair in raw.decode("utf-8", "replace").split("&") if pair)
    return {unquoted(name): unquoted(value) for name, _, value in pairs}


def unquoted(text: str) -> str:
    """
    ``unquote_plus``, with what is no UTF-8 replaced, and many escapes at a time.

    A call to a thousand people has a hundred thousand, in texts that are encoded twice; looked up one by one,
    as the library does, they were four fifths of what the simulator did.
    """
    if "\0" in text or "%00" in text:
        return unquote_plus(text, errors="replace")
    # The escape of the escapes stands alone, each before two letters; a sign that is not there stands for it.
    alone = text.replace("+", " ").replace("%25", "\0")
    return _ESCAPES.sub(lambda run: _bytes_of(run[0]).decode("utf-8", "replace"), alone).replace("\0", "%")


def _bytes_of(escapes: str) -> bytes:
    return bytes.fromhex(escapes.replace("%", ""))


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object that *body* is, {} when it is none."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


async def body_of(scope: Scope, receive: Receive) -> bytes | None:
    """The body of a call; None when the caller left before all of it was there."""
    try:
        return await requests.Request(scope, receive).body()
    except requests.ClientDisconnect:
        return None


class Request:
    """One call as it came in; *item_code* says which numbers a fault refuses, None when none can be."""

    def __init__(self, scope: Scope, body: bytes, item_code: ItemCode | None = None) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.headers = Headers(scope=scope)
        self.body = body
        self.item_code = item_code

    @property
    def client(self) -> str:
        """The caller's address."""
        return str((self.scope.get("client") or ("",))[0])

    @property
    def media_type(self) -> str:
        """The content type without its parameters, lower-case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Answer(NamedTuple):
    """What a dialect says to one call."""

    body: bytes
    status: int = 200
    accepted: int = 0  # messages taken over by this call
    durable: Future[None] | None = None  # to be waited for before the answer leaves
    popped: int = 0  # receipts or replies this answer is the only copy of
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()  # further ones, lower-case names


def json_answer(value: object, **more: Any) -> Answer:
    """An answer that is JSON; *more* are fields of `Answer`."""
    return Answer(orjson.dumps(value), **more)


class Exchange:
    """One call and the connection it came on: what a fault may do with them."""

    def __init__(self, dialect: Dialect, scope: Scope, receive: Receive, send: Send) -> None:
        self.answer = Answer(b"")  # the dialect's own, once it was asked
        self._dialect = dialect
        self._scope, self._receive, self._send = scope, receive, send

    async def suffer(self, fault: Any) -> None:
        """Answer as *fault* has it, or not at all."""
        answer = self.answer
        match fault.kind:
            case "drop_before_accept" | "drop_after_accept":
                await self.drop()
            case "hang_after_accept":
                if await self.wait(fault.seconds):
                    await self.say(answer)
            case "http_error" | "http_error_after_accept":
                # As something in front of the provider would.
                page = fault.body or _ERROR.format(status=fault.status)
                await self.say(Answer(page.encode(), fault.status, content_type=HTML))
            case "non_json_after_accept":
                await self.say(Answer(b"<html>OK</html>", answer.status, content_type=HTML))
            case "truncated_json_after_accept":
                await self.say(answer._replace(body=answer.body[: len(answer.body) // 2]))
            case "throttle":
                await self.say(self._dialect.throttled())
            case "code":
                await self.say(self._dialect.refused_with(str(fault.code)))

    async def say(self, answer: Answer, *, half: bool = False) -> None:
        """Send an answer, or its head and half of what that promises, and close."""
        length = b"%d" % len(answer.body)
        headers = [(b"content-type", answer.content_type), (b"content-length", length), *answer.headers]
        await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})
        body = answer.body[: len(answer.body) // 2] if half else answer.body
        await self._send({"type": "http.response.body", "body": body, "more_body": half})
        if half:
            await self.drop()

    async def drop(self) -> None:
        """Close the connection, and see it closed: uvicorn answers 500 to whoever returns early."""
        self._scope["extensions"][DROP]()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def wait(self, seconds: float) -> bool:
        """Wait; False when the caller, or the server, went away meanwhile. The connection is then closed."""
        closing = asyncio.ensure_future(self._scope["app"].state.closing.wait())
        gone = asyncio.ensure_future(self._receive())
        done, _ = await asyncio.wait({closing, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        closing.cancel()
        if not done:
            gone.cancel()
            return True
        if gone not in done:
            self._scope["extensions"][DROP]()
            await gone
        return False


class Endpoint:
    """
    One method of one provider.

    Args:
        name: As fault plans call it, such as ``single_send``.
        handler: From a call to the answer; None for a method that the provider has not got.
        submits: Whether it takes messages over, which is what faults aim at by default.
    """

    def __init__(
        self,
        dialect: Dialect,
        name: str,
        handler: Callable[[Call], Answer] | None = None,
        *,
        submits: bool = False,
    ) -> None:
        self.name = name
        self._dialect = dialect
        self._handler = handler
        self._submits = submits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        body = await body_of(scope, receive)
        if body is not None:
            await self.answer(scope, body, receive, send)

    async def answer(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Answer a call whose body was read, or spoil it as the fault plan says."""
        dialect, faults = self._dialect, self._dialect.world.faults
        request, exchange = Request(scope, body), Exchange(dialect, scope, receive, send)
        target = Target(dialect.provider, self.name, self._submits, request.query + b"\n" + request.body)
        await asyncio.sleep(faults.plan.latency_s)

        wait_s, fault = faults.before(target)
        if wait_s and not await exchange.wait(wait_s):
            return
        if fault is not None:
            faults.tally.add(fault.kind, calls=1)
            await exchange.suffer(fault)
            return

        request.item_code = faults.items(target)
        answer = exchange.answer = dialect.answer(request, self.name, self._handler)
        if answer.durable is not None:
            await asyncio.wrap_future(answer.durable)
        if fault := faults.after(target, accepted=answer.accepted):
            await exchange.suffer(fault)
        else:
            await exchange.say(answer, half=faults.cut(answer.popped))
