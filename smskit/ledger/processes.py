"""
Processes that left a note in the ledger: whether they are still there.
"""

from __future__ import annotations

import os
import platform
import time
from typing import Any

__all__ = ["WORKING", "lives", "this_process", "uptime", "works"]

WORKING: set[str] = set()  # tokens of the runs of this process


def uptime() -> float:
    """Seconds that also pass while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def this_process() -> tuple[str, int, float]:
    """Its machine's name, its number, and when it began."""
    import psutil

    return platform.node(), os.getpid(), psutil.Process().create_time()


def works(sender: Any, now: float) -> bool:
    """
    Whether the run behind a row of ``sender`` is at work; one of this process may have ended unrecorded.

    Of this machine its process is looked up, however long it was silent; of another one signs of life count.
    """
    host, pid, started = this_process()
    if sender.host != host:
        return bool(sender.until > now)
    if sender.pid == pid and abs(sender.process_started - started) < 1.0:
        return sender.token in WORKING
    return lives(sender.pid, sender.process_started)


def lives(pid: int, started: float) -> bool:
    """Whether that process of this machine is still there, and the same one."""
    import psutil

    try:
        # Process numbers are reused; the same number with another start is another process.
        alive = psutil.Process(pid)
        return abs(alive.create_time() - started) < 1.0 and alive.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
