"""
Clocks and memory of the process that asks.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_MIB = 1 << 20


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that *work* took, and its result."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def settle_memory() -> float:
    """Give back what is free, start the peak anew, and return the resident MiB that are left."""
    import pyarrow as pa

    gc.collect()
    pa.default_memory_pool().release_unused()
    with contextlib.suppress(AttributeError, TypeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError):  # not Linux: the peak is then the whole life's
        Path("/proc/self/clear_refs").write_text("5")
    import psutil

    return float(psutil.Process().memory_info().rss) / _MIB


def peak_mib() -> float:
    """The highest resident MiB since `settle_memory`."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
