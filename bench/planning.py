"""
The benches of planning, and of what it and sending are made of.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench import campaigns, child
from bench.run import Run
from bench.table import Row, ratios, row, seconds


def plan(run: Run) -> Iterator[Row]:
    """A plan against the sum of what it cannot do without."""
    for messy, words in ((False, "clean phones"), (True, "phones as exports hold them")):
        found = child.call(campaigns.plan, people=run.rows, messy=messy, rounds=5)
        steps = [name for name in found if name not in ("plan", "floors", "distinct")]
        beside = f"{seconds(found['plan'])} / {seconds(found['floors'])} ("
        beside += ", ".join(f"{name} {seconds(found[name])}" for name in steps)
        beside += f"); telling user ids apart, not in the floors: {seconds(found['distinct'])}"
        yield row(
            f"plan of {run.rows:,} rows / floors of its parts, {words}",
            ratios(found["plan"], found["floors"]),
            "×",
            at_most=2.0,
            beside=beside,
        )


def phones(run: Run) -> Iterator[Row]:
    """Phones by column against the library row by row."""
    sample = 5_000 if run.quick else 20_000
    found = child.call(campaigns.phones, cells=run.rows, sample=sample, rounds=3)
    yield row(
        "`phonenumbers` row by row / phones by column, as exports hold them",
        ratios(found["each"], found["ours"]),
        "×",
        at_least=30,
        beside=f"{_million(found['each'])} / {_million(found['ours'])} a million",
    )


def bodies(run: Run) -> Iterator[Row]:
    """Form bodies by column against quote and urlencode."""
    people = min(run.rows, 300_000)
    sample = 5_000 if run.quick else 20_000
    found = child.call(campaigns.bodies, people=people, sample=sample, rounds=3)
    yield row(
        "`quote_plus` a text + `urlencode` / `multi_send` bodies by column, equal byte for byte",
        ratios(found["stdlib"], found["ours"]),
        "×",
        at_least=10,
        beside=f"{_million(found['stdlib'])} / {_million(found['ours'])} a million",
    )


def _million(each: list[float]) -> str:
    return seconds([1e6 * s for s in each])
