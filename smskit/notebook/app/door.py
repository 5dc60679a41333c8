"""The way in: the login and its limit, what is behind it, and logs without the queries of addresses."""

from __future__ import annotations

import hmac
import logging
import re
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.identity import PasswordIdentityProvider, User
from jupyter_server.auth.login import LoginFormHandler
from jupyter_server.auth.logout import LogoutHandler
from jupyter_server.base.handlers import JupyterHandler
from tornado import httputil, web
from tornado.websocket import WebSocketHandler
from traitlets import Bool, Dict
from voila.static_file_handler import AllowListFileHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler
from voila.tornado.treehandler import TornadoVoilaTreeHandler

from smskit.i18n import LANGUAGES
from smskit.notebook.app.kernels import LANGUAGE, VISITOR, Visitor
from smskit.notebook.app.pages import COOKIE
from smskit.settings import is_loopback

__all__ = [
    "Home",
    "Leave",
    "Login",
    "Page",
    "PrivateFiles",
    "SignIn",
    "Sockets",
    "Tries",
    "keep_out_of_logs",
    "language_of",
]

_QUERY = re.compile(r"\?[^\s'\"<>]*=[^\s'\"<>]*")


class Tries:
    """
    Wrong tokens of the last minute, by the address they came from.

    Args:
        most: How many there may be.
    """

    def __init__(self, most: int = 10, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._wrong: dict[str, deque[float]] = {}

    def too_many(self, address: str) -> bool:
        """Whether no token from there is looked at for now, a right one neither."""
        self._forget()
        return len(self._wrong.get(address, ())) >= self._most

    def note(self, address: str) -> None:
        """One was wrong."""
        self._forget()
        self._wrong.setdefault(address, deque(maxlen=self._most)).append(self._clock())

    def _forget(self) -> None:
        past = self._clock() - 60
        for address, times in list(self._wrong.items()):
            while times and times[0] <= past:
                times.popleft()
            if not times:
                del self._wrong[address]


def address_of(request: httputil.HTTPServerRequest) -> str:
    """Where a request comes from; what a proxy on this machine says of it counts."""
    here = str(request.remote_ip)
    said = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return said if said and is_loopback(here) else here


class Login(PasswordIdentityProvider):
    """
    A login by token, compared in a time that does not depend on how much of it is right.

    Whoever has a token of their own is known by name. After some wrong ones within
    a minute, no more are looked at from where they came.
    """

    people = Dict(help="Visitors who have a name, and the token of each.").tag(config=True)
    may = Dict(help="What each of them may do.").tag(config=True)
    allow_password_change = Bool(False)  # it would write into the server's working folder

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.tries = Tries()

    def get_token(self, handler: Any) -> str | None:
        """The token a request gives, where it is the right one."""
        return None if self._name_of(super().get_token(handler) or "") is None else self.token

    async def get_user_token(self, handler: Any) -> User | None:
        """Who a request's token says it is; a name of its own counts more than an earlier visit's."""
        given, address = super().get_token(handler), address_of(handler.request)
        if not given or self.tries.too_many(address):
            return None
        name = self._name_of(given)
        if name is None:
            self.tries.note(address)
            return None
        if name:
            return _named(name)
        known: Any = self.get_user_cookie(handler)
        found: User = known or self.generate_anonymous_user(handler)
        return found

    def process_login_form(self, handler: Any) -> User | None:
        """A visitor, where the form holds the token."""
        name = self._name_of(handler.get_argument("password", default=""))
        if name is None:
            return None
        return _named(name) if name else self.generate_anonymous_user(handler)

    def _name_of(self, given: str) -> str | None:
        """Whose token it is, "" = everybody's, None = nobody's."""
        tokens = [("", self.token), *self.people.items()]
        right = [n for n, token in tokens if token and hmac.compare_digest(given.encode(), token.encode())]
        return right[0] if right else None


def _named(name: str) -> User:
    return User(name, name, name, name[:1])


def language_of(handler: Any) -> str:
    """The language a visitor has chosen on any page, "" = none yet."""
    kept = handler.get_cookie(COOKIE) or ""
    return kept if kept in LANGUAGES else ""


class _WithoutToken(JupyterHandler):
    """A page whose address loses its token at once: a cookie keeps it, and no history or log does."""

    @property
    def login(self) -> Login:
        """Who may come in."""
        found: Login = self.identity_provider  # type: ignore[assignment]  # set up in `configuration`
        return found

    async def prepare(self) -> None:  # type: ignore[override]  # as jupyter_server's own is
        address = urlsplit(str(self.request.uri))
        query = parse_qsl(address.query, keep_blank_values=True)
        others = [(name, value) for name, value in query if name != "token"]
        if len(others) < len(query):
            self.request.uri = address._replace(query=urlencode(others)).geturl()
        await super().prepare()
        if len(others) < len(query) and not self._finished and self.request.method == "GET":
            self.redirect(self.request.uri or self.base_url)


class SignIn(_WithoutToken, LoginFormHandler):
    """The page that asks for the token."""

    @allow_unauthenticated
    def post(self) -> None:
        """Let in whoever has typed the token; tell everybody else that it was wrong."""
        tries, address = self.login.tries, address_of(self.request)
        if tries.too_many(address):
            self.set_status(429)
            self._render(message={"limited": True})
            return
        super().post()
        if self.get_status() == 401:
            tries.note(address)


class Leave(LogoutHandler):
    """The way out, back to the page that asks for the token."""

    @allow_unauthenticated
    def get(self) -> None:
        """Forget who it was."""
        self.identity_provider.clear_login_cookie(self)
        self.redirect(self.get_login_url())


class Home(_WithoutToken, TornadoVoilaTreeHandler):  # type: ignore[misc]
    """The landing page."""


class Page(_WithoutToken, TornadoVoilaHandler):  # type: ignore[misc]
    """A page, whose kernel knows by what name its visitor has logged in, and in which language to begin."""

    async def get(self, path: str | None = None) -> None:
        """The page."""
        name = getattr(self.current_user, "username", "")
        known = name in self.login.people
        VISITOR.set(Visitor(name, self.login.may[name]) if known else Visitor())
        LANGUAGE.set(language_of(self))
        _ = self.xsrf_token  # sets the cookie by which the page ends its kernel when it is left
        await TornadoVoilaHandler.get(self, path)


class PrivateFiles(JupyterHandler, AllowListFileHandler):  # type: ignore[misc]
    """Pictures beside the notebooks, for those who have logged in."""

    @web.authenticated
    async def get(self, path: str, include_body: bool = True) -> None:
        """One file."""
        await AllowListFileHandler.get(self, path, include_body)


class Sockets(VoilaKernelWebsocketHandler):  # type: ignore[misc]
    """
    What a page and its kernel tell each other.

    Voilà reads every binary message as of today's framing. In the older one, which a visitor may ask for, a
    length would be read that no machine has room for.
    """

    def write_message(self, message: Any, binary: bool = False) -> Any:
        """One message to the page; of the older framing as it is: what Voilà looks for there is no binary."""
        if isinstance(message, bytes) and not self.selected_subprotocol:
            return WebSocketHandler.write_message(self, message, binary)
        return super().write_message(message, binary)


def keep_out_of_logs(secret: str) -> None:
    """Let no log of this process hold *secret*, nor what stands after the ``?`` of an address."""
    made = logging.getLogRecordFactory()

    def clean(text: str) -> str:
        return _QUERY.sub("", text).replace(secret, "…").replace(quote(secret, safe=""), "…")

    def without(*args: Any, **more: Any) -> logging.LogRecord:
        record = made(*args, **more)
        try:
            record.msg, record.args = clean(record.getMessage()), ()
        except (TypeError, ValueError):
            return record  # arguments that do not fit: its handler says so
        if record.exc_info and record.exc_info[0]:
            record.exc_text = clean("".join(traceback.format_exception(*record.exc_info))).rstrip()
        return record

    logging.setLogRecordFactory(without)
