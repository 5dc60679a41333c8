"""What commands print: books, runs, plain data, and a bar while something is sent."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from smskit.i18n import Language, mark
from smskit.settings import Environment

__all__ = ["language", "print_books", "print_json", "print_runs", "progress_bar", "say", "t"]

# Counts of a campaign, by the names programs have for them.
_COUNTS = (
    *(mark("waiting"), mark("submitting"), mark("accepted"), mark("refused"), mark("unknown")),
    *(mark("delivered"), mark("undelivered"), mark("awaiting")),
)


def language() -> Language:
    """What commands say things in: the one of ``SMSKIT_LANG``, English where that is not set."""
    return Language(Environment().language if Environment().get("SMSKIT_LANG") else "en")


def t(text: str, /, **values: Any) -> str:
    """*text*, or a message, in that language."""
    return language()(text, **values)


def say(text: str, /, *, error: bool = False, **values: Any) -> None:
    """Print one sentence, on standard error where it tells of an *error*."""
    print(t(text, **values), file=sys.stderr if error else sys.stdout)


def print_runs(rows: Any, as_json: bool) -> None:
    """Print the records of runs, a line each."""
    from smskit.sending.run_record import as_data

    found = [as_data(row) for row in rows]
    if as_json:
        print_json(found)
    for run in () if as_json else found:
        books = run["books"] or {}
        counts = [f"{t(name)} {books[name]}" for name in ("accepted", "waiting", "unknown") if books]
        words = [run["started_at"], run["state"], run["campaign"] or "?", f"({run['mode']})", *counts]
        told = t("hook: {why}", why=run["told"]) if run["told"] else ""
        by = t("by {who}", who=f"{run['user']}@{run['host']}")
        message = language().render(run["message"])
        print("  ".join(w for w in (*words, by, Path(run["file"]).name, message, told) if w))
    if not found and not as_json:
        say("no run yet")


def print_json(data: Any) -> None:
    """Print plain data."""
    print(json.dumps(data, ensure_ascii=False, indent=2, default=str))


def print_books(status: dict[str, Any]) -> None:
    """Print a status as the sums that always balance."""
    print(f"{status['campaign']} ({status['mode']}, {status['provider']}): {status['state']}")
    left_out = sum(status["excluded"].values())
    print(
        "  "
        + t(
            "segment {segment} = excluded {out} + planned {planned}",
            segment=status["segment"],
            out=left_out,
            planned=status["planned"],
        )
    )
    for reason, count in status["excluded"].items():
        print(f"    {reason} {count}")
    print(f"  {t('planned')} = " + _sum(status, _COUNTS[:5]))
    for reason, count in status["stopped"].items():
        print("    " + t("refused, {reason} since the plan {n}", reason=reason, n=count))
    print(f"  {t('accepted')} = " + _sum(status, _COUNTS[5:]))
    words = mark("{parts} parts, about {cost} yuan; plan {hash}")
    print("  " + t(words, parts=status["parts"], cost=status["cost"], hash=status["plan_hash"]))
    if status["note"]:
        print(f"  {language().render(status['note'])}")


def _sum(status: Mapping[str, Any], names: Iterable[str]) -> str:
    return " + ".join(f"{t(name)} {status[name]}" for name in names)


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
