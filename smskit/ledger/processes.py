"""
Processes that left a note in the ledger: whether they are still there.

A machine is its name and a mark of its table of processes, since two may have one name: clones, containers,
laptops. Where the marks differ nothing can be looked up, and signs of life count.
"""

from __future__ import annotations

import os
import platform
import time
import uuid
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

__all__ = ["WORKING", "host_name", "is_here", "lives", "this_process", "uptime", "works"]

_MARK: Final = "#"  # which no name of a machine has

WORKING: set[str] = set()  # tokens of the runs of this process


def uptime() -> float:
    """Seconds that also pass while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def this_process() -> tuple[str, int, float]:
    """Its machine, its number, and when it began."""
    import psutil

    return f"{platform.node()}{_MARK}{_mark()}", os.getpid(), psutil.Process().create_time()


@cache
def _mark() -> str:
    """What tells this table of processes from others: of this start of the machine, and of this container."""
    known = ""
    with suppress(OSError):  # Linux has both, unless they are hidden
        known = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        known += os.readlink("/proc/self/ns/pid")
    return blake2b((known or f"{uuid.getnode()}").encode(), digest_size=6).hexdigest()


def host_name(host: str) -> str:
    """The name of a machine as people know it."""
    return host.partition(_MARK)[0]


def is_here(host: str) -> bool:
    """Whether processes of that machine are to be found here; an older smskit noted its name alone."""
    here = this_process()[0]
    return host in (here, host_name(here))


def works(sender: Any, now: float) -> bool:
    """
    Whether the run behind a row of ``sender`` is at work; one of this process may have ended unrecorded.

    Of this machine its process is looked up, however long it was silent; of another one signs of life count.
    """
    _, pid, started = this_process()
    if not is_here(sender.host):
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
