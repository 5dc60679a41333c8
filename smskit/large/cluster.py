"""
The workers: those of a scheduler that is running, or some processes of this machine that end with this one.

What does not fit into their memory lies in a folder of the owner's alone, and is removed at the end: it holds
phones. Workers never ask a provider or open a ledger.
"""

from __future__ import annotations

import atexit
import os
import tempfile
import threading
from collections.abc import Iterable
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any

from smskit.errors import SettingsError, SmskitError, needs_extra
from smskit.files import passing_folder
from smskit.settings import LargeSettings

__all__ = ["answers", "client_of"]

_QUIET = {
    # Nothing is served, and nobody is told of a worker that is slow.
    "distributed.admin.tick.limit": "1h",
    "distributed.comm.timeouts.connect": "30s",
    "distributed.worker.memory.target": 0.5,
    "distributed.worker.memory.spill": 0.6,
    "distributed.worker.memory.pause": 0.8,
    "distributed.worker.memory.terminate": 0.97,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.allowed-failures": 10,
    "distributed.logging.distributed": "error",
    "distributed.admin.large-graph-warning-threshold": "10GB",  # opt-outs are handed to the workers
    "distributed.nanny.environ": {"MALLOC_TRIM_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"},
}


_clients: dict[LargeSettings, Any] = {}
_making = threading.Lock()


def client_of(settings: LargeSettings) -> Any:
    """
    A client of the cluster that the settings name; the same for the same settings while it works.

    Raises:
        SettingsError: the scheduler of ``SMSKIT_DASK`` does not answer.
        MissingExtra: Dask is not installed.
    """
    with _making:
        known = _clients.get(settings)
        if known is None or known.status != "running":
            known = _clients[settings] = _client(settings)
        return known


def answers(client: Any, futures: Iterable[Any]) -> list[Any]:
    """
    What came of *futures*, in their order; what a worker that was lost held is made again meanwhile.

    Raises:
        SmskitError: the scheduler was lost, or worker after worker at the same part.
    """
    from distributed import KilledWorker

    try:
        found: list[Any] = client.gather(list(futures))
    except KilledWorker:
        raise SmskitError(
            "workers were lost again and again at one part of the segment, most likely for want of "
            "memory; raise SMSKIT_DASK_MEMORY, with fewer SMSKIT_DASK_WORKERS where there is no more"
        ) from None
    except (CancelledError, OSError):
        if client.status == "running":
            raise
        raise SmskitError(
            "the scheduler of the workers was lost; what was under way does not count, run again"
        ) from None
    return found


def _client(settings: LargeSettings) -> Any:
    with needs_extra("large"):
        import dask
        from distributed import Client, LocalCluster
    dask.config.set(_QUIET)
    if settings.scheduler:
        try:
            return Client(settings.scheduler, timeout=10, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            kind = type(error).__name__
            raise SettingsError("the scheduler of SMSKIT_DASK does not answer ({kind})", kind=kind) from None
    folder = tempfile.mkdtemp(dir=passing_folder(), prefix="workers-")
    cluster = LocalCluster(
        n_workers=settings.workers or os.cpu_count() or 1,
        threads_per_worker=1,
        memory_limit=settings.memory,
        local_directory=folder,
        dashboard_address="127.0.0.1:0",  # its health pages; nothing is served to others
        processes=True,
        silence_logs=50,
    )
    client = Client(cluster, set_as_default=False)
    atexit.register(_end, client, cluster)
    return client


def _end(client: Any, cluster: Any) -> None:
    # A worker that is just coming up again answers nobody; processes of this one's end with it.
    with suppress(TimeoutError):
        client.close(timeout=5)
    with suppress(TimeoutError):
        cluster.close(timeout=10)
