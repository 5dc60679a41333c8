"""
``Page``: what the panels of one notebook share, language, draft and looks, and work in the background.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import ipywidgets as w

from smskit.i18n import LANGUAGES, NAMES, Language, mark
from smskit.notebook.host import Host
from smskit.notebook.panels.arrival import Arrival
from smskit.notebook.panels.parts import notice
from smskit.notebook.panels.style import css
from smskit.notebook.visitors import language_for
from smskit.planning.draft import Draft
from smskit.settings import Environment
from smskit.workspace import Workspace

__all__ = ["Page"]

_SETTLE_S: Final = 20.0  # of large files, which go on being counted after it
_RESTARTED = mark("The kernel was restarted: run all cells.")


class Drawable(Protocol):
    """What a page draws anew when its language changes."""

    drawn_in: Language | None

    def draw(self) -> None: ...


class Page:
    """
    One notebook page.

    Args:
        draft: The campaign parameters all panels read and change.
        environment: Makes a fresh look at settings and credentials, which panels may have saved meanwhile.
    """

    def __init__(
        self,
        draft: Draft,
        *,
        language: Language,
        host: Host,
        environment: Callable[[], Environment] = Environment,
    ) -> None:
        self.draft, self.t, self.host, self.environment = draft, language, host, environment
        self._panels: list[Drawable] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        # Clicks come on one thread (JupyterLab gives widgets a subshell of the kernel), cells and results of
        # work on others: one of them changes the page at a time, or a panel would be put together half from
        # the one and half from the other.
        self.turn = threading.RLock()
        self._switch = w.ToggleButtons(
            options=[(NAMES[code], code) for code in LANGUAGES],
            value=language.code,
            style={"button_width": "72px"},
            tooltips=["Language 语言"] * len(LANGUAGES),
        )
        self._switch.add_class("smskit-language")  # by which a page of the app keeps what is chosen
        self._switch.observe(lambda change: self.speak(change["new"]), "value")
        self._gone, self._limit = w.HTML(), w.HTML()
        self._limit.add_class("smskit-limit")
        self._say_about_page()
        self.header = w.HBox(
            [w.HTML(f"<style>{css()}</style>"), Arrival(), self._gone, self._limit, self._switch],
            layout=w.Layout(justify_content="flex-end", width="100%"),
        )
        self.header.add_class("smskit")

    def __repr__(self) -> str:
        return f"Page({self.t.code}, {self.host})"

    def add(self, panel: Drawable) -> None:
        """Let *panel* follow the language from now on."""
        self._panels.append(panel)

    def speak(self, code: str) -> None:
        """Switch the whole page to another language: its panels, and what steps show from now on."""
        with self.turn:
            self.t = language_for(self.host, code)
            self._switch.value = code
            self._say_about_page()
            for panel in self._panels:
                # A panel draws those it is made of: twice would take away what somebody began to type.
                if panel.drawn_in is not self.t:
                    panel.draw()

    def _say_about_page(self) -> None:
        """What its visitor may not do; and, for when its kernel is gone, that it is."""
        limit = Workspace.here().limit
        self._limit.value = "" if limit is None else notice(self.t.render(limit))
        app = self.host is Host.VOILA
        words = mark("The connection is lost: reload this page.") if app else _RESTARTED
        self._gone.value = f'<div class="smskit-notice error smskit-gone" role="alert">{self.t(words)}</div>'

    def follow(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Call *listener* with the names of parameters that changed, whoever changed them, in its turn."""

        def changed(names: frozenset[str]) -> None:
            with self.turn:
                listener(names)

        self.draft.on_change(changed)

    # -- work that would block the kernel ------------------------------------------------

    def start(self, work: Callable[[], Any]) -> None:
        """Do *work* beside the kernel. It handles its own errors: nobody would see them."""
        thread = threading.Thread(target=work, name="smskit-panel", daemon=True)
        with self._lock:  # work may start more work
            self._threads = [t for t in self._threads if t.is_alive()] + [thread]
            thread.start()

    @property
    def is_busy(self) -> bool:
        """Whether something is done in the background right now."""
        return any(thread.is_alive() for thread in self._threads)

    def wait(self, timeout_s: float = 60.0) -> bool:
        """Wait for everything in the background; whether it all ended. For cells, and for tests."""
        for thread in list(self._threads):
            thread.join(timeout_s)
        return not self.is_busy

    def settle(self, wait: Callable[[float], bool]) -> None:
        """
        Let a page of the app be finished, as *wait* says, before its browser fetches the widgets.

        Those that are made meanwhile come to the browser twice and out of order, and the page then waits for
        ever for one that is gone. JupyterLab has its widgets from the start.
        """
        deadline = time.monotonic() + _SETTLE_S
        while self.host is Host.VOILA and time.monotonic() < deadline and not wait(_SETTLE_S):
            pass
