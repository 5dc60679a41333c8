"""
The figures of ``make bench-quick`` as they were committed, and which of today's are worse.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from bench.table import Row

KEPT = Path(__file__).with_name("quick.json")
_ANYWHERE = ("×", "modules")  # what can be held against another machine's, unlike seconds


def keep(rows: Sequence[Row], file: Path = KEPT) -> None:
    """Write the figures down, by what was measured: the value of each round."""
    kept = {_name(r): [float(f"{v:.4g}") for v in r.values] for r in rows if r.unit in _ANYWHERE}
    file.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def kept(file: Path = KEPT) -> Mapping[str, Sequence[float]]:
    """What `keep` wrote; nothing where it has not."""
    found: dict[str, list[float]] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return found


def worse(rows: Sequence[Row], before: Mapping[str, Sequence[float]]) -> Iterator[str]:
    """
    A sentence for each figure that got worse by more than it spreads.

    A figure is worse when its median lies beyond the worst round of *before* by more than the rounds of
    both lie apart, so that a busy machine alone is seldom named.
    """
    for r in rows:
        then = before.get(_name(r), ())
        if not then or not r.values or r.unit not in _ANYWHERE:
            continue
        now, apart = median(r.values), max(_spread(then), _spread(r.values))
        gone = min(then) - now if r.more_is_better else now - max(then)
        if gone > apart:
            yield f"{_name(r)}: {now:.3g} {r.unit}, before {median(then):.3g} {r.unit} (± {apart:.2g})"


def _name(r: Row) -> str:
    return f"{r.what} [{r.server}]" if r.server else r.what


def _spread(values: Sequence[float]) -> float:
    return max(values) - min(values)
