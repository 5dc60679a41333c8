"""A real JupyterLab over a copy of the project's notebooks, and one notebook of it in a real Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

from tests.conftest import ROOT

PATIENCE_MS = 90_000  # a busy machine is slow, not wrong
CHROMIUM = [
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_SETTINGS = {
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "notebook-extension/tracker": {"windowingMode": "none"},
    "docmanager-extension/plugin": {"autosave": False},
}
_OWN_FOLDERS = (
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
    "IPYTHONDIR",
)
# The kernel indicator says idle before there is a kernel, so the session itself is asked.
READY = """() => {
  const w = window.jupyterapp?.shell?.currentWidget, s = w?.context?.sessionContext;
  return !!(w?.context?.isReady && s?.isReady && s.session?.kernel?.status === 'idle');
}"""


def project_copy(folder: Path) -> Path:
    """A project as a user has it: notebooks, sample segments and the mark of its root."""
    for name in ("notebooks", "sample_segments"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    shutil.copy(ROOT / "environment.yml", folder / "environment.yml")
    return folder


class Lab:
    """
    A JupyterLab server for one folder.

    Args:
        root: What it serves; ``project_copy`` makes one.
        state: Where it keeps its own files.
        environ: Of its kernels, on top of this process's own.
    """

    def __init__(self, root: Path, state: Path, environ: Mapping[str, str] | None = None) -> None:
        self.root, self.state = root, state
        self.token = secrets.token_hex(16)
        # Settings of whoever runs the tests do not reach the kernels; the ledger lies in the project.
        env = {n: v for n, v in os.environ.items() if not n.startswith("SMSKIT_")}
        env |= {"SMSKIT_KEYRING": "0"} | dict(environ or {})
        for name in _OWN_FOLDERS:
            env[name] = str(state / name.lower())
        # Kernels find this checkout's smskit, wherever they are started.
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))
        for key, value in _SETTINGS.items():
            file = Path(env["JUPYTERLAB_SETTINGS_DIR"], "@jupyterlab", f"{key}.jupyterlab-settings")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(value))
        with contextlib.closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self.environ = env

    def __enter__(self) -> Self:
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": self.port,
            "ServerApp.port_retries": 0,
            "IdentityProvider.token": self.token,
            "ServerApp.root_dir": self.root,
            "LabApp.expose_app_in_browser": True,
            "LabApp.extension_manager": "readonly",
            "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        }
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
        command += [f"--{name}={value}" for name, value in options.items()]
        self._log = (self.state / "lab.log").open("w")
        self._process = subprocess.Popen(
            command, env=self.environ, stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True
        )
        deadline = time.monotonic() + 90
        while True:
            try:
                self.call("/api/status")
                return self
            except OSError:
                assert self._process.poll() is None, (self.state / "lab.log").read_text()
                assert time.monotonic() < deadline, "JupyterLab did not start"
                time.sleep(0.1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self.call("/api/shutdown", b"")
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._log.close()

    def call(self, path: str, data: bytes | None = None) -> bytes:
        """Ask the server's REST API."""
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(self.base + path, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bytes(answer.read())


class Sheet:
    """
    One notebook in a browser tab.

    ``panel`` is the notebook itself, where widgets are looked for by label and role.
    """

    def __init__(self, lab: Lab, page: Page) -> None:
        self.lab, self.page = lab, page
        self.panel: Locator = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def open(self, path: str) -> Self:
        """Open a notebook and wait for its kernel."""
        workspace = secrets.token_hex(4)  # an old layout would come back otherwise
        url = f"{self.lab.base}/lab/workspaces/{workspace}/tree/{path}?reset&token={self.lab.token}"
        self.page.goto(url)
        self.panel.wait_for(timeout=PATIENCE_MS)
        self.ready()
        self.page.evaluate(
            "() => window.jupyterapp.commands.execute('application:toggle-left-area').catch(() => null)"
        )
        return self

    def ready(self) -> None:
        """Wait until the kernel is idle."""
        self.page.wait_for_function(READY, timeout=120_000)

    def turned_to(self, notebook: str) -> None:
        """Wait until that notebook, of whatever folder, is the one in front, and its kernel idle."""
        front = "(name) => window.jupyterapp.shell.currentWidget?.context?.path?.endsWith(name)"
        self.page.wait_for_function(front, arg=notebook, timeout=PATIENCE_MS)
        self.ready()

    def run_all(self) -> bool:
        """Run every cell; whether none of them raised."""
        done = self.command("notebook:run-all-cells")
        self.ready()
        return bool(done)

    def restart(self) -> None:
        """Kill the kernel and start another in its place, without asking."""
        kernel = self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.id"
        )
        self.lab.call(f"/api/kernels/{kernel}/restart", b"")
        self.ready()

    def command(self, name: str, **arguments: Any) -> Any:
        """Run one of JupyterLab's commands."""
        call = "([name, args]) => window.jupyterapp.commands.execute(name, args)"
        return self.page.evaluate(call, [name, arguments])

    def theme(self, dark: bool) -> None:
        """Put JupyterLab into its dark or its light theme."""
        self.command("apputils:change-theme", theme="JupyterLab Dark" if dark else "JupyterLab Light")
        self.page.wait_for_function(f"() => document.body.dataset.jpThemeLight === '{str(not dark).lower()}'")

    def speak(self, language: str) -> None:
        """Click the language switch, zh or en; what the kernel still says of a click before is waited for."""
        self.ready()
        name = {"zh": "中文", "en": "English"}[language]
        self.panel.get_by_role("button", name=name, exact=True).first.click()

    def picture(self, file: Path, *, width: int = 1280, of: str = "") -> Path:
        """
        A screenshot of the whole notebook, or of the first element a CSS selector finds.

        The window is made as tall as the notebook, since Chromium draws only what is in it.
        """
        before = self.page.viewport_size
        self.page.set_viewport_size({"width": width, "height": 1000})
        inner = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer"
        tall = self.page.evaluate(f"() => (document.querySelector('{inner}')?.scrollHeight ?? 900) + 160")
        self.page.set_viewport_size({"width": width, "height": min(max(int(tall), 700), 9000)})
        self.page.evaluate(f"() => document.querySelector('{inner}')?.scrollTo(0, 0)")
        self.page.wait_for_timeout(300)
        file.parent.mkdir(parents=True, exist_ok=True)
        (self.panel.locator(of).first if of else self.page).screenshot(path=file)
        if before:
            self.page.set_viewport_size(before)
        return file

    def source(self) -> dict[str, Any]:
        """Save the notebook and read the file back."""
        self.command("docmanager:save")
        path = self.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.path")
        found: dict[str, Any] = json.loads((self.lab.root / path).read_text(encoding="utf-8"))
        return found

    def close(self) -> None:
        """End the kernel and close the tab."""
        with contextlib.suppress(Exception):
            self.page.evaluate(
                "() => window.jupyterapp?.shell?.currentWidget?.context?.sessionContext?.shutdown()"
            )
        self.page.close()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """
    Debian's Chromium, headless.

    Raises:
        FileNotFoundError: it is not installed.
    """
    program = shutil.which("chromium")
    if program is None:
        raise FileNotFoundError("install Debian's package `chromium` for the browser tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=CHROMIUM)
        yield browser
        browser.close()


def window(browser: Browser, width: int = 1400) -> BrowserContext:
    """A browser window of its own, without anybody's cookies."""
    made = browser.new_context(viewport={"width": width, "height": 1000})
    made.set_default_timeout(PATIENCE_MS)
    return made
