"""The kernels of visitors: in an empty folder, without the login's token, as many as there may be."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado import web
from traitlets import Int, Unicode, default

from smskit.notebook.app.senders import Senders
from smskit.notebook.handover import in_address
from smskit.settings import APP_MAY, APP_SENDER, OPEN_WITH
from smskit.settings.places import APP_WORKSPACE

__all__ = ["LANGUAGE", "VISITOR", "Kernels", "Visitor", "kernel_environment"]


class Visitor(NamedTuple):
    """Who has logged in by a name of their own, and what they may do; without one, as everybody."""

    name: str = ""
    may: str = ""


_ANYBODY = Visitor()
# The visitor of the page that is being made.
VISITOR: ContextVar[Visitor] = ContextVar("visitor", default=_ANYBODY)
# The language its visitor has chosen, "" = none.
LANGUAGE: ContextVar[str] = ContextVar("language", default="")


class Kernels(AsyncMappingKernelManager):
    """Starts kernels that find their files through `smskit.workspace` alone."""

    workspace = Unicode(help="The folder of segments, parameters and exports.").tag(config=True)
    most = Int(20, help="Kernels at once.").tag(config=True)
    _starting = 0

    @default("context")
    def _context_default(self) -> Any:
        made = super()._context_default()
        # zmq throws away what a reader is behind with, from 1,000 messages on. A panel sends more at once,
        # and what is thrown away may be the panel itself.
        made.rcvhwm = 0
        return made

    async def start_kernel(  # type: ignore[override]  # as jupyter_server's own is
        self, *, env: dict[str, str] | None = None, **options: Any
    ) -> str:
        """
        Start one for a page.

        Raises:
            HTTPError: 503, there are as many as there may be.
        """
        if len(self) + self._starting >= self.most:
            raise web.HTTPError(503, "too many pages are open")
        self._starting += 1
        try:
            whole = kernel_environment(env or {}, Path(self.workspace), VISITOR.get(), LANGUAGE.get())
            sender = {APP_SENDER: self._senders.ticket(whole, self.cwd_for_path(""))}
            made: str = await super().start_kernel(env=whole | sender, **options)
            return made
        finally:
            self._starting -= 1

    @property
    def _senders(self) -> Senders:
        found: Senders = self.parent.senders  # type: ignore[union-attr]  # `SmskitApp` has made this
        return found

    def cwd_for_path(self, path: str, **_: Any) -> str:
        """An empty folder: nothing that lies in a working folder can be taken for a module."""
        folder = Path(self.connection_dir) / "empty"
        folder.mkdir(mode=0o500, exist_ok=True)
        return str(folder)


def kernel_environment(
    environ: dict[str, str], workspace: Path, visitor: Visitor = _ANYBODY, language: str = ""
) -> dict[str, str]:
    """What a kernel gets of the server's environment and the visitor, who may have a language."""
    kept = {name: value for name, value in environ.items() if name not in _OF_SERVER}
    if "VOILA_REQUEST_URL" in kept:
        kept["VOILA_REQUEST_URL"] = urlsplit(kept["VOILA_REQUEST_URL"])._replace(query="").geturl()
    told = {"SMSKIT_USER": visitor.name, APP_MAY: visitor.may, "SMSKIT_LANG": language}
    if wanted := in_address(environ.get("QUERY_STRING", "")):  # of all that may stand there, a token too
        told[OPEN_WITH] = wanted.query
    return (
        kept
        | {name: value for name, value in told.items() if value}
        | {"PYTHONSAFEPATH": "1", APP_WORKSPACE: str(workspace)}
    )


_OF_SERVER = frozenset(
    {"SMSKIT_APP_TOKEN", "SMSKIT_APP_USERS", "JUPYTER_TOKEN", "JUPYTER_TOKEN_FILE", "QUERY_STRING"}
)
