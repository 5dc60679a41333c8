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

from bench.before import KEPT, keep, kept, worse
from bench.cases import BENCHES
from bench.run import Run
from bench.table import Row, markdown, plain

_QUICK_ROWS = 100_000
# Ratios that a day's change may make worse; the others need a million people or a quiet quarter of an hour.
_QUICK = ("plan", "phones", "bodies", "campaign", "latency", "carriers", "providers", "startup")


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
        for name in asked.only or (_QUICK if asked.quick else BENCHES):
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
    if asked.quick and not asked.only:
        _against_before(rows, asked.keep)
    return int(failed)


def _against_before(rows: list[Row], keeps: bool) -> None:
    if keeps:
        return keep(rows)
    found = list(worse(rows, kept()))
    named = "\n".join(f"  WORSE  {each}" for each in found) or "  nothing is worse by more than it spreads"
    print(f"\nBeside {KEPT.name}:\n{named}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rows", type=int, help="people of the large campaigns (1,000,000)")
    parser.add_argument("--only", nargs="+", choices=BENCHES, metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--rounds", type=int, help="how often each thing is timed (3)")
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"{_QUICK_ROWS:,} people, small samples, some benches; names what is worse than in {KEPT.name}",
    )
    parser.add_argument("--keep", action="store_true", help=f"with --quick: write {KEPT.name} anew")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write the table for docs/measured.md there"
    )
    asked = parser.parse_args()
    asked.rows = asked.rows or (_QUICK_ROWS if asked.quick else 1_000_000)
    asked.rounds = asked.rounds or 3
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
