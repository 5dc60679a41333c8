"""What commands print: books, runs, plain data, and a bar while something is sent."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["print_books", "print_json", "print_runs", "progress_bar"]


def print_runs(rows: Any, as_json: bool) -> None:
    """Print the records of runs, a line each."""
    from smskit.sending.run_record import as_data

    found = [as_data(row) for row in rows]
    if as_json:
        print_json(found)
    for run in () if as_json else found:
        books = run["books"] or {}
        counts = [f"{name} {books[name]}" for name in ("accepted", "waiting", "unknown") if books]
        words = [run["started_at"], run["state"], run["campaign"] or "?", f"({run['mode']})", *counts]
        told = f"hook: {run['told']}" if run["told"] else ""
        by = f"by {run['user']}@{run['host']}"
        print("  ".join(w for w in (*words, by, Path(run["file"]).name, run["message"], told) if w))
    if not found and not as_json:
        print("no run yet")


def print_json(data: Any) -> None:
    """Print plain data."""
    print(json.dumps(data, ensure_ascii=False, indent=2, default=str))


def print_books(status: dict[str, Any]) -> None:
    """Print a status as the sums that always balance."""
    print(f"{status['campaign']} ({status['mode']}, {status['provider']}): {status['state']}")
    left_out = sum(status["excluded"].values())
    print(f"  segment {status['segment']} = excluded {left_out} + planned {status['planned']}")
    for reason, count in status["excluded"].items():
        print(f"    {reason} {count}")
    flow = ("waiting", "submitting", "accepted", "refused", "unknown")
    print("  planned = " + " + ".join(f"{name} {status[name]}" for name in flow))
    for reason, count in status["stopped"].items():
        print(f"    refused, {reason} since the plan {count}")
    print(
        "  accepted = "
        + " + ".join(f"{name} {status[name]}" for name in ("delivered", "undelivered", "awaiting"))
    )
    print(f"  {status['parts']} parts, about {status['cost']} yuan; plan {status['plan_hash']}")
    if status["note"]:
        print(f"  {status['note']}")


def progress_bar(name: str) -> Any:
    """What shows how far a run is, on a terminal."""
    from tqdm import tqdm

    bar: list[Any] = []

    def show(now: Any) -> None:
        done = now.accepted + now.refused + now.unknown
        if not bar:
            bar.append(tqdm(total=done + now.left, unit="msg", desc=name, disable=not sys.stderr.isatty()))
        bar[0].n = done
        bar[0].refresh()
        if not now.left:
            bar[0].close()

    return show
