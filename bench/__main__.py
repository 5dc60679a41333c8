"""
``python -m bench``: run the benches one after the other and print their table.

Exit code 1 when a bench could not be measured; a goal that is missed is only printed.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import time
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.cases import BENCHES, Run
from bench.table import Row, markdown, plain

_QUICK_ROWS = 100_000


def main() -> int:
    """Run what was asked for; returns the exit code."""
    asked = _arguments()
    rows: list[Row] = []
    failed = False
    started = time.monotonic()
    # So that servers are stopped and folders removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with TemporaryDirectory(prefix="smskit-bench-") as folder:
        run = Run(asked.rows, Path(folder), rounds=asked.rounds, quick=asked.quick)
        for name in asked.only or BENCHES:
            print(f"{time.monotonic() - started:5.0f} s  {name}", file=sys.stderr, flush=True)
            try:
                for row in BENCHES[name](run):
                    rows.append(row)
                    print(f"        {row.what}: {row.measured} {row.beside}", file=sys.stderr, flush=True)
            except Exception as error:
                # The others can still be measured.
                failed = True
                rows.append(Row(name, "not measured", beside=f"{type(error).__name__}: {error}"))
    note = _note(asked.rounds, time.monotonic() - started)
    print(plain(rows))
    print(f"\n{note}")
    if asked.markdown:
        asked.markdown.write_text(markdown(rows, note=note), encoding="utf-8")
    return int(failed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rows", type=int, help="people of the large campaigns (1,000,000)")
    parser.add_argument("--only", nargs="+", choices=BENCHES, metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--rounds", type=int, help="how often each thing is timed (3; quick: 1)")
    parser.add_argument("--quick", action="store_true", help=f"{_QUICK_ROWS:,} people and small samples")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write the table for docs/measured.md there"
    )
    asked = parser.parse_args()
    asked.rows = asked.rows or (_QUICK_ROWS if asked.quick else 1_000_000)
    asked.rounds = asked.rounds or (1 if asked.quick else 3)
    return asked


def _note(rounds: int, took_s: float) -> str:
    packages = " ".join(f"{name} {version(name)}" for name in ("pandas", "pyarrow", "aiohttp", "httpx"))
    load = f", load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    return (
        f"Median of {rounds} rounds or more (spread: lowest-highest), things compared run in turn. "
        f'Server "bare": says yes and checks nothing; "simulator": the built-in one. '
        f"{os.cpu_count()} cores{load}, Python {platform.python_version()}, {packages}; "
        f"{took_s:.0f} s in all."
    )


if __name__ == "__main__":
    sys.exit(main())
