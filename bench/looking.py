"""
The benches of reading back, measuring, and starting.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

from bench import brought, campaigns, child, segments
from bench.run import MULTI, Run, mib, times
from bench.server import Server
from bench.table import Row, row, seconds


def reading(run: Run) -> Iterator[Row]:
    """``status`` and ``why`` on a finished campaign, as functions and as commands."""
    segment = run.segment(run.rows)
    with Server() as server, run.scratch() as folder:
        variables = campaigns.environ(server.url, folder, MULTI)
        child.call(campaigns.run, data=campaigns.parameters(segment), variables=variables)
        persons = _some_people(segment)
        found = child.call(campaigns.read_back, variables=variables, persons=persons, rounds=5)
        for name, goal in (("status", 0.3), ("why", 0.1)):
            yield row(f"`report.{name}` on {run.rows:,}, ledger open", found[name], "s", at_most=goal)
        nothing = times([_statement("pass") for _ in range(3)], "whole_s")
        for name, arguments, goal in (("status", (), 0.4), ("why", (persons[-1],), 0.5)):
            command = (name, campaigns.NAME, *arguments, "--mode", "live")
            yield row(
                f"`smskit {name}` on {run.rows:,}, with interpreter and imports",
                [campaigns.clocked(variables, *command) for _ in range(run.rounds)],
                "s",
                at_most=goal,
                beside=f"`python -c pass` {seconds(nothing)}",
            )


def _some_people(segment: str) -> list[str]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(segment, columns=["user_id", "phone", "level"])
    good = table.filter(pc.field("level").isin(list(segments.LEVELS)))
    n = len(good)
    places = (("user_id", n // 2), ("phone", n // 3), ("user_id", n - 1))
    return [good[column][at].as_py() for column, at in places]


def measure(run: Run) -> Iterator[Row]:
    """What a campaign brought, draws and all; and a table of many rows."""
    for people, buyers, rows, goal in (
        (run.rows, run.rows // 50, run.rows // 20, 5.0),
        (run.rows, run.rows // 5, run.rows * 10, 60.0),
    ):
        with run.scratch() as folder:
            found = child.call(
                brought.measure, people=people, buyers=buyers, rows=rows, folder=folder, rounds=run.rounds
            )
        yield row(
            f"`smskit.measure` of {people:,} people, {buyers:,} buyers, {rows:,} rows",
            found["total_s"],
            "s",
            at_most=goal,
            beside=f"peak above the imports {mib([{'peak': found['peak_mib'][0]}], 'peak')}",
        )


_LATE = (
    *("IPython", "ipywidgets", "jupyter_client", "jupyter_core", "nbclient", "nbconvert", "papermill"),
    *("altair", "openpyxl", "keyring", "aiohttp", "starlette", "uvicorn", "smskit.simulator"),
    *(f"smskit.providers.{name}" for name in ("aliyun", "chuanglan", "generic", "tencent", "yunpian")),
)


def startup(run: Run) -> Iterator[Row]:
    """What importing costs beside importing pandas, and what must not come with it."""
    pandas, bare, first = [], [], []
    for _ in range(3 if run.quick else 7):
        pandas.append(_statement("import pandas"))
        bare.append(_statement("import smskit"))
        first.append(_statement("from smskit import CampaignSpec, open_campaign"))
    yield _start("`import smskit`", bare, pandas)
    yield _start("`from smskit import CampaignSpec, open_campaign`", first, pandas)
    code = f"import sys, smskit; smskit.open_campaign; print(*set({_LATE!r}).intersection(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=child.ROOT
    )
    early = done.stdout.split()
    yield row(
        "loaded before it is used, of Jupyter, altair, each provider, the simulator",
        [len(early)],
        "modules",
        at_most=0,
        beside=", ".join(early),
    )


def _start(words: str, found: list[dict[str, float]], pandas: list[dict[str, float]]) -> Row:
    """What somebody waits for who types it; how long the process lives, its end included, beside it."""
    more = [a - b for a, b in zip(times(found), times(pandas), strict=True)]
    beside = (
        f"{seconds(times(found))} - {seconds(times(pandas))}; whole process "
        f"{seconds(times(found, 'whole_s'))} - {seconds(times(pandas, 'whole_s'))}"
    )
    return row(f"{words} - `import pandas`", more, "s", at_most=0.25, beside=beside)


def _statement(code: str) -> dict[str, float]:
    """How long *code* takes in a fresh process, and how long the process lives; seconds."""
    timed = f"import time; t = time.perf_counter()\n{code}\nprint(time.perf_counter() - t)"
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", timed], check=True, capture_output=True, cwd=child.ROOT)
    return {"whole_s": time.perf_counter() - started, "total_s": float(done.stdout)}


def browser(run: Run) -> Iterator[Row]:
    """What somebody waits for in JupyterLab; needs Debian's Chromium."""
    from bench.browser import waits

    yield from waits(run.rounds)
