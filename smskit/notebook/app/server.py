"""Voilà with smskit's landing page, a login, kernels of its own, and no way out to other hosts."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import Template404
from tornado.ioloop import IOLoop
from traitlets import Int, Unicode
from traitlets.config import Config
from voila.app import Voila
from voila.static_file_handler import AllowListFileHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler
from voila.tornado.treehandler import TornadoVoilaTreeHandler

from smskit.errors import SettingsError
from smskit.i18n import Language, Message
from smskit.ledger.opening import open_ledger
from smskit.notebook.app.campaigns import Campaigns
from smskit.notebook.app.door import (
    Home,
    Leave,
    Login,
    Page,
    PrivateFiles,
    SignIn,
    Sockets,
    keep_out_of_logs,
    language_of,
)
from smskit.notebook.app.kernels import Kernels
from smskit.notebook.app.pages import TEMPLATES, for_the_app, parts_of_a_page, words_of_pages
from smskit.notebook.app.senders import Senders
from smskit.settings import APP_MAY, Environment, is_loopback
from smskit.settings.places import project_root, start_folder
from smskit.workspace import May

__all__ = ["AppSettings", "configuration", "serve"]

_LEAST_TOKEN = 16
# Voilà's pages ask public servers for an icon font; a browser that may not try does not wait for it either.
_POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'self'; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
_COOKIE = {"samesite": "Lax"}


@dataclass(frozen=True)
class AppSettings:
    """
    How the app is served.

    Args:
        token: What visitors log in with.
        people: Visitors who have a name: their own token, by name.
        may: What each of them may do, by name; everything where nothing is said.
        kernels: How many there may be at once, some 180 MB each.
        idle_s: After how long one ends whose page is gone, where the page did not end it itself.
        url: The address that visitors type, where a proxy stands in front.
    """

    token: str
    made_up: bool = False  # nobody knows the token yet
    kernels: int = 20
    idle_s: int = 1800
    url: str = ""
    people: Mapping[str, str] = field(default_factory=dict)
    may: Mapping[str, May] = field(default_factory=dict)

    @classmethod
    def of(cls, environment: Environment) -> AppSettings:
        """
        Those of *environment*; a token that nobody set is made up.

        Raises:
            SettingsError: the token is easily guessed, a number is none, or a ``.env`` sets any of them.
        """
        if why := environment.not_of_the_app:
            raise SettingsError(why)
        token = environment.get("SMSKIT_APP_TOKEN")
        if token and len(token) < _LEAST_TOKEN:
            raise SettingsError(
                "SMSKIT_APP_TOKEN has fewer than {n} characters; leave it unset, and one is made up",
                n=_LEAST_TOKEN,
            )
        people, may = _people(environment.get("SMSKIT_APP_USERS"))
        if environment.get(APP_MAY) not in ("", *May):
            raise SettingsError("{variable} is one of {names}", variable=APP_MAY, names=", ".join(May))
        return cls(
            token or secrets.token_urlsafe(24),
            not token and not people,
            _number(environment, "SMSKIT_APP_KERNELS", cls.kernels),
            60 * _number(environment, "SMSKIT_APP_IDLE_MINUTES", cls.idle_s // 60),
            environment.get("SMSKIT_APP_URL"),
            people,
            may,
        )

    def __repr__(self) -> str:
        return f"AppSettings(kernels={self.kernels})"


class SmskitApp(Voila):  # type: ignore[misc]
    """Voilà that looks for its pages here first, and says where it is without the token."""

    opening = Unicode(help="Said when it listens; {url} is where.").tag(config=True)
    sends = Int(20, help="Campaigns that are sent at once.").tag(config=True)

    def setup_template_dirs(self) -> None:
        super().setup_template_dirs()
        self.template_paths.insert(0, str(TEMPLATES))

    def init_settings(self) -> Any:
        settings = super().init_settings()
        pages = settings["voila_jinja2_env"]
        pages.globals.update(words_of_pages(Environment().language))
        # The login and errors come from jupyter_server, which would show its own.
        return settings | {"jinja2_env": pages, "default_handler_class": Template404}

    def init_handlers(self) -> Any:
        handlers = super().init_handlers()
        ours = {
            AllowListFileHandler: PrivateFiles,
            TornadoVoilaHandler: Page,
            TornadoVoilaTreeHandler: Home,
            VoilaKernelWebsocketHandler: Sockets,
            self.identity_provider.login_handler_class: SignIn,
            self.identity_provider.logout_handler_class: Leave,
        }
        replaced = [(h[0], ours.get(h[1], h[1]), *h[2:]) for h in handlers]
        return [(f"{re.escape(self.server_url)}campaigns", Campaigns), *replaced]

    @property
    def display_url(self) -> str:
        return str(self.custom_display_url or self.connection_url)

    def start(self) -> None:
        # Printed, not logged: it may hold a token that was made up.
        told = self.opening
        self.senders = Senders(self.sends)  # before there are kernels, which hand campaigns over to it
        loop = IOLoop.current()
        loop.add_callback(self.senders.listen)
        loop.add_callback(lambda: print(told.replace("{url}", self.display_url), flush=True))
        super().start()

    def stop(self) -> None:
        self.senders.end()
        super().stop()


def serve(
    notebooks: Path, settings: AppSettings, *, port: int = 8866, ip: str = "127.0.0.1", browser: bool = True
) -> None:
    """
    Serve the notebooks of a folder until the process is ended.

    Args:
        ip: Where to listen; the default is this machine alone.
        browser: Open the landing page.
    """
    for token in (settings.token, *settings.people.values()):
        keep_out_of_logs(token)
    here = start_folder()
    open_ledger()  # or the first page would make it, and say so
    SmskitApp.launch_instance(
        argv=[str(notebooks)],
        config=configuration(
            settings, workspace=project_root(here) or here, ip=ip, port=port, browser=browser
        ),
    )


def configuration(settings: AppSettings, *, workspace: Path, ip: str, port: int, browser: bool) -> Any:
    """What differs from Voilà's own ways."""
    config = Config()
    config.Voila.ip, config.Voila.port, config.Voila.open_browser = ip, port, browser
    config.Voila.token, config.Voila.identity_provider_class = settings.token, Login
    config.Login.people = dict(settings.people)
    config.Login.may = {name: str(settings.may.get(name, May.SEND)) for name in settings.people}
    config.Voila.custom_display_url = settings.url
    config.SmskitApp.opening = "\n".join(_opening(settings, ip))
    config.Login.cookie_options = _COOKIE
    if settings.url.startswith("https://"):
        config.Login.secure_cookie = True
    config.Voila.tornado_settings = {
        "headers": {"Content-Security-Policy": _POLICY, "Referrer-Policy": "same-origin"},
        "xsrf_cookie_kwargs": _COOKIE,  # pages read this one, so that it cannot be HttpOnly
    }
    config.Voila.log_level = logging.WARNING
    config.VoilaConfiguration.prelaunch_hook = _page
    config.VoilaConfiguration.resources = {"smskit": dict(parts_of_a_page(Environment().language))}
    config.VoilaConfiguration.allow_template_override = "NO"
    config.VoilaConfiguration.show_tracebacks = False
    # How long after a cell's end what it has shown may be read: a busy server takes longer for a panel's many
    # messages than the usual four seconds, and the rest of them was left out.
    config.VoilaExecutor.iopub_timeout = 120
    config.VoilaConfiguration.multi_kernel_manager_class = Kernels
    config.Kernels.workspace, config.Kernels.most = str(workspace), settings.kernels
    config.SmskitApp.sends = settings.kernels
    config.MappingKernelManager.cull_idle_timeout = settings.idle_s
    config.MappingKernelManager.cull_interval = min(60, settings.idle_s)
    # Files between server and kernels instead of TCP ports that others on this machine could reach.
    config.KernelManager.transport = config.AsyncKernelManager.transport = "ipc"
    return config


def _opening(settings: AppSettings, ip: str) -> list[str]:
    t = Language(Environment().language)
    # One that somebody has set is known to them, and stays out of terminals and journals.
    query = f"?token={settings.token}" if settings.made_up else ""
    lines = [f"打开 / Open {{url}}{query}", t("The ledger: {place}", place=_ledger())]
    if not is_loopback(ip) and not settings.url.startswith("https://"):
        told = Message(
            "This is HTTP, which others on the way can read: put a proxy with TLS in front, see docs/app.md"
        )
        lines.append(t.render(told))
    return lines


def _ledger() -> str:
    """Which one commands and pages share, without what may be a password."""
    return str(Environment().ledger_place.file or "SMSKIT_DATABASE_URL")


def _number(environment: Environment, name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal() or not int(text):
        raise SettingsError("{variable} has to be a whole number above 0", variable=name)
    return int(text)


def _people(text: str) -> tuple[dict[str, str], dict[str, May]]:
    """
    Name -> token and name -> what they may do, of ``NAME:TOKEN,NAME:TOKEN:look``.

    Raises:
        SettingsError: it reads otherwise, a token is easily guessed, or two are somebody's.
    """
    entries = [entry.split(":") for entry in re.split(r"[,\s]+", text) if entry]
    people = {name: rest[0] for name, *rest in entries if rest}
    may = {name: rest[1] for name, *rest in entries if len(rest) > 1}
    fits = all(n and len(token) >= _LEAST_TOKEN for n, token in people.items())
    fits = fits and all(len(entry) in (2, 3) for entry in entries) and set(may.values()) <= set(May)
    if not fits or not len(entries) == len({n.casefold() for n in people}) == len(set(people.values())):
        raise SettingsError(
            "SMSKIT_APP_USERS has to read NAME:TOKEN,NAME:TOKEN:{names}, each token of {n} characters or "
            "more and without a colon, no name and no token twice",
            n=_LEAST_TOKEN,
            names="|".join(May),
        )
    return people, {name: May(each) for name, each in may.items()}


def _page(request: Any, notebook: Any, cwd: str) -> Any:
    language = language_of(request) or Environment().language
    return for_the_app(notebook, Path(request.request.path).name, language)
