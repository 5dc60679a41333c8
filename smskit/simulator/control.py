"""
The routes under ``/_simulator/``: reading the judge and steering the world, as JSON.

They do what the methods of `World` do, for a simulator in another process; `guard` wants its token for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from smskit.errors import InputError
from smskit.simulator.core import World
from smskit.simulator.faults import FaultPlan

ROOT = "/_simulator/"
_LINES_A_PIECE = 2000


def routes(world: World) -> list[Route]:
    """Return the control routes; what they raise is `refused`'s to answer."""

    async def summary(_: Request) -> Response:
        return JSONResponse(world.summary())

    async def messages(request: Request) -> Response:
        lines = _ndjson(world, request.query_params.get("provider", ""))
        return StreamingResponse(lines, media_type="application/x-ndjson")

    async def doubled(request: Request) -> Response:
        query = request.query_params
        same_text = query.get("same_text", "") in ("1", "true")
        found = world.doubled(query.get("provider", ""), same_text=same_text)
        return JSONResponse([entry._asdict() for entry in found])

    async def faults(request: Request) -> Response:
        plan = FaultPlan.parse(await _body(request))
        world.set_faults(plan)
        return JSONResponse(plan.model_dump(mode="json"))

    async def account(request: Request) -> Response:
        given = await _fields(request, "provider", "credential")
        world.register(given.pop("provider"), given.pop("credential"), **given)
        return JSONResponse({"ok": True})

    async def replies(request: Request) -> Response:
        given = await _fields(request, "phone", "text")
        reached = world.reply(given["phone"], given["text"], provider=given.get("provider", ""))
        return JSONResponse({"reached": reached})

    async def reset(_: Request) -> Response:
        world.reset()
        return JSONResponse({"ok": True})

    return [
        Route(ROOT, summary),
        Route(f"{ROOT}messages", messages),
        Route(f"{ROOT}doubled", doubled),
        Route(f"{ROOT}faults", faults, methods=["PUT"]),
        Route(f"{ROOT}account", account, methods=["POST"]),
        Route(f"{ROOT}replies", replies, methods=["POST"]),
        Route(f"{ROOT}reset", reset, methods=["POST"]),
    ]


async def refused(_: Request, error: Exception) -> Response:
    """The answer to what cannot be done."""
    return JSONResponse({"error": str(error)}, status_code=422)


def _ndjson(world: World, provider: str) -> Iterator[bytes]:
    lines = world.messages(provider)
    while piece := list(islice(lines, _LINES_A_PIECE)):
        yield b"".join(orjson.dumps(line._asdict(), option=orjson.OPT_APPEND_NEWLINE) for line in piece)


async def _body(request: Request) -> Any:
    body = await request.body()
    try:
        return orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as exc:
        raise InputError("not JSON: {why}", why=exc) from None


async def _fields(request: Request, *needed: str) -> dict[str, Any]:
    given = await _body(request)
    if not isinstance(given, dict) or any(not isinstance(given.get(name), str) for name in needed):
        raise InputError("a JSON object with {names} is needed", names=", ".join(needed))
    return given
