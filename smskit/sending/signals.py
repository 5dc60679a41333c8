"""
Signals that ask this process to end, heard while something goes on that must end well.

Decides nothing: what a signal means is said by whoever listens.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["heard"]


@contextmanager
def heard(told: Callable[[signal.Signals], None], *signals: signal.Signals) -> Iterator[None]:
    """
    Call *told* with each of *signals* that comes while the block runs, instead of what it does else.

    Only the main thread hears of signals, so in any other nothing changes. A signal that
    this process was started to ignore stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def hear(number: int, _: Any) -> None:
        told(signal.Signals(number))

    before = {s: signal.getsignal(s) for s in signals}
    listened = [s for s, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    for s in listened:
        signal.signal(s, hear)
    try:
        yield
    finally:
        for s in listened:
            signal.signal(s, before[s])
