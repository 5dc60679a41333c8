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
from traitlets import Bool
from voila.static_file_handler import AllowListFileHandler

__all__ = ["Login", "PrivateFiles", "keep_out_of_logs"]

_QUERY = re.compile(r"\?[^\s'\"<>]*=[^\s'\"<>]*")


class Login(PasswordIdentityProvider):
    """A login by token, compared in a time that does not depend on how much of it is right."""

    allow_password_change = Bool(False)  # it would write into the server's working folder

    def get_token(self, handler: Any) -> str | None:
        """The token a request gives, where it is the right one."""
        return self.token if self._is_token(super().get_token(handler) or "") else None

    def process_login_form(self, handler: Any) -> User | None:
        """A visitor, where the form holds the token, or the password of Jupyter's settings."""
        typed = handler.get_argument("password", default="")
        right = self._is_token(typed) or (bool(self.hashed_password) and self.passwd_check(typed))
        return self.generate_anonymous_user(handler) if right else None

    def _is_token(self, given: str) -> bool:
        return bool(self.token) and hmac.compare_digest(given.encode(), self.token.encode())


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
