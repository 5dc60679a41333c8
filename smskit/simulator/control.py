"""
The routes under ``/_simulator/``: reading the judge and steering the world, as JSON.

They do what the methods of `World` do, for a simulator in another process.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from smskit.errors import InputError
from smskit.i18n import Message
from smskit.simulator.core import World
from smskit.simulator.faults import FaultPlan

_LINES_A_PIECE = 2000

View = Callable[[Request], Awaitable[Response]]


def routes(world: World, codes: Mapping[str, Mapping[str, str]]) -> list[Route]:
    """
    Return the control routes.

    Args:
        codes: Provider -> its codes -> their words.
    """

    async def summary(_: Request) -> Response:
        return _json(world.summary())

    async def messages(request: Request) -> Response:
        provider = request.query_params.get("provider", "")
        return StreamingResponse(_ndjson(world, provider), media_type="application/x-ndjson")

    async def doubled(request: Request) -> Response:
        same_text = request.query_params.get("same_text", "") in ("1", "true")
        found = world.doubled(request.query_params.get("provider", ""), same_text=same_text)
        return _json([entry._asdict() for entry in found])

    async def faults(request: Request) -> Response:
        plan = FaultPlan.parse(await _body(request))
        world.set_faults(plan)
        return _json(plan.model_dump(mode="json"))

    async def account(request: Request) -> Response:
        given = await _fields(request, "provider", "credential")
        world.register(given.pop("provider"), given.pop("credential"), **given)
        return _json({"ok": True})

    async def replies(request: Request) -> Response:
        given = await _fields(request, "phone", "text")
        reached = world.reply(given["phone"], given["text"], provider=given.get("provider", ""))
        return _json({"reached": reached})

    async def reset(_: Request) -> Response:
        world.reset()
        return _json({"ok": True})

    async def known_codes(_: Request) -> Response:
        return _json(codes)

    table: list[tuple[str, str, View]] = [
        ("GET", "", summary),
        ("GET", "messages", messages),
        ("GET", "doubled", doubled),
        ("GET", "codes", known_codes),
        ("PUT", "faults", faults),
        ("POST", "account", account),
        ("POST", "replies", replies),
        ("POST", "reset", reset),
    ]
    return [Route(f"/_simulator/{path}", _guarded(view), methods=[method]) for method, path, view in table]


def _guarded(view: View) -> View:
    async def guarded(request: Request) -> Response:
        try:
            return await view(request)
        except InputError as exc:
            return _json({"error": str(exc)}, status=422)

    return guarded


def _ndjson(world: World, provider: str) -> Iterator[bytes]:
    lines = world.messages(provider)
    while piece := list(islice(lines, _LINES_A_PIECE)):
        yield b"".join(orjson.dumps(line._asdict(), option=orjson.OPT_APPEND_NEWLINE) for line in piece)


async def _body(request: Request) -> Any:
    body = await request.body()
    try:
        return orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as exc:
        raise InputError(Message("not JSON: {why}", why=exc)) from None


async def _fields(request: Request, *needed: str) -> dict[str, Any]:
    given = await _body(request)
    if not isinstance(given, dict) or any(not isinstance(given.get(name), str) for name in needed):
        raise InputError(Message("a JSON object with {names} is needed", names=", ".join(needed)))
    return given


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
