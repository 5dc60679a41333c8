"""
The figures: what was measured, how far it spread, what it should be, and whether it is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

_HEAD = ("what", "measured", "spread", "goal", "reached", "beside", "server")


class Row(NamedTuple):
    """One line of the table; *reached* None = there is no goal."""

    what: str
    measured: str
    spread: str = ""
    goal: str = ""
    reached: bool | None = None
    beside: str = ""  # the absolute figures
    server: str = ""  # who answered: "bare" or "simulator"
    values: tuple[float, ...] = ()  # by round
    unit: str = ""
    more_is_better: bool = False


def row(
    what: str,
    values: Sequence[float],
    unit: str,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
    beside: str = "",
    server: str = "",
) -> Row:
    """The median of *values* held against its goal, if it has one."""
    middle = median(values)
    spread = f"{_short(min(values))}-{_short(max(values))}" if len(values) > 1 else ""
    goal, reached = "", None
    if at_most is not None:
        goal, reached = f"≤ {at_most:,g} {unit}", middle <= at_most
    if at_least is not None:
        goal, reached = f"≥ {at_least:,g} {unit}", middle >= at_least
    measured = f"{_short(middle)} {unit}"
    better = at_least is not None
    return Row(what, measured, spread, goal, reached, beside, server, tuple(values), unit, better)


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Round by round, so that a slow minute of the machine is on both sides."""
    return [a / b for a, b in zip(above, below, strict=True)]


def seconds(values: Iterable[float]) -> str:
    """The median as ``1.23 s``."""
    return f"{_short(median(values))} s"


def _short(value: float) -> str:
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"


def markdown(rows: Sequence[Row], *, note: str) -> str:
    """The table for docs/measured.md, *note* under it."""
    lines = [_line(_HEAD), _line(("---",) * len(_HEAD))]
    lines += [_line(_cells(r)) for r in rows]
    return "\n".join([*lines, "", note, ""])


def plain(rows: Sequence[Row]) -> str:
    """The table for a terminal: columns, and the absolute figures of a row on a line of their own."""
    shown = [i for i, name in enumerate(_HEAD) if name != "beside"]
    table = [tuple(line[i] for i in shown) for line in (_HEAD, *map(_cells, rows))]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    lines = [_padded(table[0], widths)]
    for cells, r in zip(table[1:], rows, strict=True):
        lines += [_padded(cells, widths), *([f"    {r.beside}"] if r.beside else [])]
    return "\n".join(lines)


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()


def _cells(r: Row) -> tuple[str, ...]:
    reached = "" if r.reached is None else "yes" if r.reached else "NO"
    return (r.what, r.measured, r.spread, r.goal, reached, r.beside, r.server)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
