"""Voilà with smskit's landing page, a token, and no way out to other hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from traitlets.config import Config
from voila.app import Voila

from smskit.i18n import NAMES
from smskit.notebook.app.pages import STEPS, for_the_app
from smskit.settings import Environment

__all__ = ["configuration", "serve"]

# Voilà's pages ask public servers for an icon font; a browser that may not try does not wait for it either.
_POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'self' ws: wss:; "
    "frame-ancestors 'self'"
)


class SmskitApp(Voila):  # type: ignore[misc]
    """Voilà that looks for its pages here first."""

    def setup_template_dirs(self) -> None:
        super().setup_template_dirs()
        self.template_paths.insert(0, str(Path(__file__).parent / "templates"))

    def init_settings(self) -> Any:
        settings = super().init_settings()
        told = {"steps": {step.notebook: step for step in STEPS}, "languages": NAMES}
        settings["voila_jinja2_env"].globals.update(told, language=Environment().language)
        return settings


def serve(
    notebooks: Path, *, port: int = 8866, ip: str = "127.0.0.1", token: str = "", browser: bool = True
) -> None:
    """
    Serve the notebooks of a folder until the process is ended.

    Args:
        ip: Where to listen; the default is this machine alone.
        token: What visitors log in with; "" = one is made up and printed with the address.
        browser: Open the landing page.
    """
    SmskitApp.launch_instance(
        argv=[str(notebooks)], config=configuration(ip=ip, port=port, token=token, browser=browser)
    )


def configuration(*, ip: str, port: int, token: str, browser: bool) -> Any:
    """What differs from Voilà's own ways."""
    config = Config()
    config.Voila.ip, config.Voila.port, config.Voila.open_browser = ip, port, browser
    if token:
        config.Voila.token = token
    else:
        config.Voila.auto_token = True
    config.Voila.tornado_settings = {"headers": {"Content-Security-Policy": _POLICY}}
    config.VoilaConfiguration.prelaunch_hook = _page
    config.VoilaConfiguration.allow_template_override = "NO"
    config.VoilaConfiguration.show_tracebacks = False
    # Files between server and kernels instead of TCP ports that others on this machine could reach.
    config.KernelManager.transport = config.AsyncKernelManager.transport = "ipc"
    return config


def _page(request: Any, notebook: Any, cwd: str) -> Any:
    return for_the_app(notebook, Path(request.request.path).name)
