"""
Who may talk to a simulator: programs of this machine, and where people can be read those that know its token.

The port is open to every account of the machine, and through a browser to every page it shows.
"""

from __future__ import annotations

import secrets
from typing import Final
from urllib.parse import urlsplit

import orjson
from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from smskit.settings import is_loopback

TOKEN_HEADER: Final = "x-smskit-token"  # noqa: S105 - its name


class Guard:
    """
    Lets a request through to *app*, or refuses it with 403.

    An ``Origin`` is any web page. A ``Host`` that is not loopback's is one whose name was made to lead here;
    a provider's methods are called by the provider's own name, too, so it counts for guarded paths.

    Args:
        token: What a request for a guarded path brings: as ``Authorization: Bearer``, as ``X-Smskit-Token``
            or, to be pasted, as ``?token=``.
        guards: The beginning of the guarded paths.
    """

    def __init__(self, app: ASGIApp, *, token: str, guards: str) -> None:
        self._app, self._token, self._guards = app, token.encode(), guards

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or have it answered."""
        refused = self._refusal(scope, Headers(scope=scope)) if scope["type"] == "http" else ""
        if refused:
            body = orjson.dumps({"error": refused})
            await Response(body, 403, media_type="application/json")(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> str:
        if "origin" in headers:
            return "the simulator answers no web page"
        if not scope["path"].startswith(self._guards):
            return ""
        if not is_loopback(_host(headers.get("host", ""))):
            return "this is no address of the simulator; use 127.0.0.1"
        if not self._knows_token(scope, headers):
            return f"the simulator's token is needed, as header {TOKEN_HEADER}"
        return ""

    def _knows_token(self, scope: Scope, headers: Headers) -> bool:
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        given = headers.get(TOKEN_HEADER) or (bearer if kind.lower() == "bearer" else "")
        given = given or QueryParams(scope["query_string"]).get("token", "")
        return secrets.compare_digest(given.encode(), self._token)


def _host(netloc: str) -> str:
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""
