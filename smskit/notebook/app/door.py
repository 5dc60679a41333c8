"""The way in: the login, files behind it, and logs without the queries of addresses."""

from __future__ import annotations

import hmac
import logging
import re
import traceback
from typing import Any
from urllib.parse import quote

from jupyter_server.auth.identity import PasswordIdentityProvider, User
from jupyter_server.base.handlers import JupyterHandler
from tornado import web
from traitlets import Bool, Dict
from voila.static_file_handler import AllowListFileHandler
from voila.tornado.handler import TornadoVoilaHandler

from smskit.notebook.app.kernels import VISITOR

__all__ = ["Login", "Page", "PrivateFiles", "keep_out_of_logs"]

_QUERY = re.compile(r"\?[^\s'\"<>]*=[^\s'\"<>]*")


class Login(PasswordIdentityProvider):
    """
    A login by token, compared in a time that does not depend on how much of it is right.

    Whoever has a token of their own is known by name.
    """

    people = Dict(help="Visitors who have a name, and the token of each.").tag(config=True)
    allow_password_change = Bool(False)  # it would write into the server's working folder

    def get_token(self, handler: Any) -> str | None:
        """The token a request gives, where it is the right one."""
        return None if self._name_of(super().get_token(handler) or "") is None else self.token

    async def get_user_token(self, handler: Any) -> User | None:
        """Who a request's token says it is; a name of its own counts more than an earlier visit's."""
        name = self._name_of(super().get_token(handler) or "")
        found: User | None = _named(name) if name else await super().get_user_token(handler)
        return found

    def process_login_form(self, handler: Any) -> User | None:
        """A visitor, where the form holds the token, or the password of Jupyter's settings."""
        typed = handler.get_argument("password", default="")
        name = self._name_of(typed)
        if name:
            return _named(name)
        right = name is not None or (bool(self.hashed_password) and self.passwd_check(typed))
        return self.generate_anonymous_user(handler) if right else None

    def _name_of(self, given: str) -> str | None:
        """Whose token it is, "" = everybody's, None = nobody's."""
        tokens = [("", self.token), *self.people.items()]
        right = [n for n, token in tokens if token and hmac.compare_digest(given.encode(), token.encode())]
        return right[0] if right else None


def _named(name: str) -> User:
    return User(name, name, name, name[:1])


class Page(TornadoVoilaHandler):  # type: ignore[misc]
    """A page, whose kernel knows by what name its visitor has logged in."""

    async def get(self, path: str | None = None) -> None:
        """The page."""
        name = getattr(self.current_user, "username", "")
        VISITOR.set(name if name in self.identity_provider.people else "")
        await super().get(path)


class PrivateFiles(JupyterHandler, AllowListFileHandler):  # type: ignore[misc]
    """Pictures beside the notebooks, for those who have logged in."""

    @web.authenticated
    async def get(self, path: str, include_body: bool = True) -> None:
        """One file."""
        await AllowListFileHandler.get(self, path, include_body)


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
