"""Asynchronous work from code that waits for it, in a notebook's kernel as in a command."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

__all__ = ["run_in_thread"]


def run_in_thread(work: Callable[[], Any], *, on_interrupt: Callable[[], None] | None = None) -> Any:
    """
    Run the coroutine that *work* makes to its end, whether or not a loop runs here already.

    A notebook kernel has a running loop, so the work gets a thread and a loop
    of its own. Ctrl-C calls *on_interrupt*, which is to bring about a clean end, and waits
    for it; without one it is raised when the work is done, since a page that was
    fetched must be kept. A second one gives up waiting at once.
    """
    result: Future[Any] = Future()

    def target() -> None:
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                result.set_result(runner.run(work()))
        except BaseException as error:
            result.set_exception(error)

    thread = threading.Thread(target=target, name="smskit-engine", daemon=True)
    thread.start()
    interrupted = False
    while thread.is_alive():
        try:
            thread.join(0.2)
        except KeyboardInterrupt:
            if interrupted:
                raise
            interrupted = True
            if on_interrupt is not None:
                on_interrupt()
    if interrupted and on_interrupt is None:
        raise KeyboardInterrupt
    return result.result()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not made for Windows
        return None
    return uvloop.new_event_loop
