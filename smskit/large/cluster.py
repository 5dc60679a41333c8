"""
The workers: those of a scheduler that is running, or some processes of this machine that end with this one.

What does not fit into their memory lies in a folder of the owner's alone, and is removed at the end: it holds
phones. Workers never ask a provider or open a ledger.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from typing import Any

from smskit.errors import SettingsError, needs_extra
from smskit.i18n import Message
from smskit.settings import LargeSettings

__all__ = ["client_of"]

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


@cache
def client_of(settings: LargeSettings) -> Any:
    """
    A client of the cluster that the settings name; the same for the same settings while it works.

    Raises:
        SettingsError: the scheduler of ``SMSKIT_DASK`` does not answer.
        MissingExtra: Dask is not installed.
    """
    with needs_extra("large"):
        import dask
        from distributed import Client, LocalCluster
    dask.config.set(_QUIET)
    if settings.scheduler:
        try:
            return Client(settings.scheduler, timeout=10, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            kind = type(error).__name__
            raise SettingsError(
                Message("the scheduler of SMSKIT_DASK does not answer ({kind})", kind=kind)
            ) from None
    folder = tempfile.mkdtemp(prefix="smskit-large-")  # 0700
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
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
    client.close(timeout=5)
    cluster.close(timeout=10)
