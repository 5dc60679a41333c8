"""
A live campaign over a PostgreSQL ledger, planned and sent by the workers of a Dask cluster, on one machine.

    SMSKIT_DATABASE_URL=postgresql+psycopg://smskit@127.0.0.1/smskit python one_machine.py

Nobody gets a message: the provider is smskit's own simulator, by the provider's real wire protocol. By its
count everybody is sent to once.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
from distributed import LocalCluster

import smskit

CAMPAIGN = f"cluster-{time.time_ns()}"  # on a schedule: one id an occurrence, see ../README.md
SENDERS = 2


def write_segment(folder: Path, people: int, files: int = 4) -> str:
    """A segment in several parquet files, as a warehouse exports it."""
    folder.mkdir()
    for n, rows in enumerate(np.array_split(np.arange(people), files)):
        frame = pd.DataFrame(
            {
                "user_id": [f"u{row:07d}" for row in rows],
                "phone": [str(13800000000 + row) for row in rows],
                "name": [f"用户{row}" for row in rows],
            }
        )
        frame.to_parquet(folder / f"part-{n}.parquet")
    return str(folder)


def main() -> int:
    """Plan, start, have more senders join, and count; 0 where everybody was sent to once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    people = parser.parse_args().people
    with tempfile.TemporaryDirectory() as folder, smskit.simulate() as provider:
        # Keys are in the environment of whoever sends: of this process and of each worker, never in a task.
        account = {
            "SMSKIT_YUNPIAN_BASE_URL": provider.url,
            "SMSKIT_YUNPIAN_API_KEY": "0" * 32,
            "SMSKIT_YUNPIAN_MULTI_SEND": "true",
            "SMSKIT_YUNPIAN_BATCH_SIZE": "10",
            "SMSKIT_YUNPIAN_REQUESTS_PER_SECOND": "200",  # of the account, however many send
            "SMSKIT_DATABASE_URL": os.environ["SMSKIT_DATABASE_URL"],
        }
        os.environ |= account
        workers = {"n_workers": SENDERS, "threads_per_worker": 1, "dashboard_address": "", "env": account}
        with LocalCluster(**workers) as cluster:
            os.environ["SMSKIT_DASK"] = cluster.scheduler_address
            campaign = smskit.open_campaign(
                campaign=CAMPAIGN,
                segment=write_segment(Path(folder) / "segment", people),
                engine="dask",  # `auto` plans in parts beyond SMSKIT_FRAME_ROWS rows
                provider="yunpian",
                signature="GrowingIO",
                template="你好{name}，新品已到店，拒收请回复R",
                variables={"name": "name"},
                mode="live",
                send_window="",
                max_recipients=people,
            )
            print(campaign.plan(), flush=True)
            # The first sender: this process. Others join while it sends, here as tasks of the cluster.
            first = threading.Thread(target=campaign.send)
            first.start()
            while (row := campaign.started()) is None or row.state != "running":
                time.sleep(0.1)
            join = [sys.executable, "-m", "smskit", "resume", CAMPAIGN, "--senders", str(SENDERS)]
            joined = subprocess.run(join, check=False).returncode
            first.join()
        status = campaign.status()
        sent, phones = provider.world.accepted(), provider.world.phones()
    shown = ("campaign", "state", "planned", "accepted", "unknown", "senders")
    print(json.dumps({name: status[name] for name in shown}))
    print(f"the provider accepted {sent:,} messages to {phones:,} phones")
    return int(joined != 0 or status["state"] != "finished" or not sent == phones == people)


if __name__ == "__main__":  # workers import this file
    sys.exit(main())
