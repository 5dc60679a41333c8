"""
The routes under ``/_simulator/``: reading the judge and steering the world, as JSON.

They do what the methods of `World` do, for a simulator in another process; `guard` wants its token for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from smskit.errors import InputError
from smskit.simulator.core import World
from smskit.simulator.faults import FaultPlan

ROOT = "/_simulator/"
_LINES_A_PIECE = 2000

View = Callable[[Mapping[str, str], Any], Any]  # (query, decoded body) -> what JSON says


def routes(world: World, codes: Mapping[str, Mapping[str, str]]) -> list[Route]:
    """
    Return the control routes.

    Args:
        codes: Provider -> its codes -> their words.
    """

    def doubled(query: Mapping[str, str], _: Any) -> Any:
        same_text = query.get("same_text", "") in ("1", "true")
        return [entry._asdict() for entry in world.doubled(query.get("provider", ""), same_text=same_text)]

    def faults(_: Any, body: Any) -> Any:
        plan = FaultPlan.parse(body)
        world.set_faults(plan)
        return plan.model_dump(mode="json")

    def account(_: Any, body: Any) -> Any:
        given = _fields(body, "provider", "credential")
        world.register(given.pop("provider"), given.pop("credential"), **given)
        return {"ok": True}

    def replies(_: Any, body: Any) -> Any:
        given = _fields(body, "phone", "text")
        return {"reached": world.reply(given["phone"], given["text"], provider=given.get("provider", ""))}

    def reset(*_: Any) -> Any:
        world.reset()
        return {"ok": True}

    async def messages(request: Request) -> Response:
        provider = request.query_params.get("provider", "")
        return StreamingResponse(_ndjson(world, provider), media_type="application/x-ndjson")

    return [
        _route("GET", "", lambda *_: world.summary()),
        _route("GET", "doubled", doubled),
        _route("GET", "codes", lambda *_: codes),
        _route("PUT", "faults", faults),
        _route("POST", "account", account),
        _route("POST", "replies", replies),
        _route("POST", "reset", reset),
        Route(f"{ROOT}messages", messages),
    ]


def _route(method: str, path: str, view: View) -> Route:
    async def answer(request: Request) -> Response:
        try:
            return _json(view(request.query_params, await _body(request)))
        except InputError as exc:
            return _json({"error": str(exc)}, status=422)

    return Route(f"{ROOT}{path}", answer, methods=[method])


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


def _fields(given: Any, *needed: str) -> dict[str, Any]:
    if not isinstance(given, dict) or any(not isinstance(given.get(name), str) for name in needed):
        raise InputError("a JSON object with {names} is needed", names=", ".join(needed))
    return given


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
