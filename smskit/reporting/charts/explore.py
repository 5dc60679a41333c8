"""Pictures of a segment: how a column's values are spread, whom phones reach, where two segments differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import ceil
from typing import Any

import pandas as pd

from smskit.audience.explore.profile import Distribution
from smskit.i18n import Language, mark
from smskit.reporting.charts import (
    BAD,
    FOREIGN,
    GOOD,
    NEUTRAL,
    PALE,
    WARN,
    altair,
    count_axis,
    figures,
    in_colours,
    named_rows,
    svg,
    unit_only,
)

__all__ = ["coverage", "differences", "distribution"]

PHONES = {
    "valid": (mark("valid phone"), GOOD),
    "duplicate_phone": (mark("phone seen before"), NEUTRAL),
    "no_phone": (mark("no phone"), WARN),
    "bad_phone": (mark("no valid phone"), BAD),
    "unsupported_region": (mark("abroad"), FOREIGN),
}


def coverage(counts: Mapping[str, int], t: Language) -> str:
    """One bar of all rows, by what their phone is; *counts* as `explore.Look.coverage` has them."""
    alt = altair()
    kinds = [kind for kind in PHONES if counts.get(kind)]
    data = pd.DataFrame(
        {
            "kind": [t(PHONES[kind][0]) for kind in kinds],
            "rows": [counts[kind] for kind in kinds],
            "order": range(len(kinds)),
        }
    )
    colours = {t(PHONES[kind][0]): PHONES[kind][1] for kind in kinds}
    chart = (
        alt.Chart(data)
        .mark_bar(height=20)
        .encode(
            x=alt.X(
                "rows:Q",
                title=t("rows"),
                stack="zero",
                axis=alt.Axis(tickCount=6, tickMinStep=1, format=",d"),
            ),
            color=in_colours("kind", colours, columns=5, labelLimit=200),
            order=alt.Order("order:Q"),
        )
        .properties(width=620, height=24)
    )
    return svg(chart)


def distribution(found: Distribution, t: Language) -> str:
    """Rows by value of one column, those kept in front of all."""
    bars = found.bars.assign(order=range(len(found.bars)))
    words = {"rows": t("segment"), **({"kept": t("kept by the rules")} if "kept" in bars else {})}
    long: Any = bars.melt(["order"], list(words), "part", "n")
    long["part"] = long["part"].map(words)
    colours = (PALE, GOOD) if "kept" in bars else (GOOD,)
    color = in_colours("part", dict(zip(words.values(), colours, strict=True)))
    if found.span is None:
        return _by_value(found.column, bars, list(words), long, color, t)
    return _by_span(found, long, color, t)


def _by_value(
    column: str, bars: pd.DataFrame, counts: list[str], long: pd.DataFrame, color: Any, t: Language
) -> str:
    """Horizontal bars, one a value, their figures at the ends."""
    alt = altair()
    y = alt.Y("order:O", title=column, axis=named_rows(bars["label"], limit=220))
    x = alt.X("n:Q", stack=None, **unit_only(t("rows")))
    marks = alt.Chart(long).mark_bar().encode(y=y, x=x, color=color)
    told = bars.assign(figure=[_figure(*row) for row in bars[counts].itertuples(index=False)])
    ends = figures(alt.Chart(told[["order", "rows", "figure"]]), y=y, x="rows:Q", text="figure:N")
    return svg(
        (marks + ends).properties(width=460, height=alt.Step(20)), beside=bars["label"], after=told["figure"]
    )


def _by_span(found: Distribution, long: pd.DataFrame, color: Any, t: Language) -> str:
    """Upright bars, one a range of numbers or of days."""
    alt = altair()
    assert found.span is not None
    # By number of the bar, whatever it spans: all are equally wide, and their labels are ours.
    drawn = long.assign(zero=0, end=long["order"] + 1)
    labels = _labels(found, t)
    centre = 0 if found.span.unit == "range" else 0.5  # a range begins at its label
    axis = alt.Axis(
        values=[n + centre for n in _shown(labels, found)],
        labelExpr=f"{json.dumps(labels)}[floor(datum.value)]",
        labelOverlap=False,
        labelFlush=False,
        grid=False,
        title=found.column,
    )
    marks = (
        alt.Chart(drawn)
        .mark_rect(xOffset=0.5, x2Offset=-0.5)
        .encode(
            x=alt.X("order:Q", axis=axis, scale=alt.Scale(domain=[0, len(found.bars)], nice=False)),
            x2="end:Q",
            y=alt.Y("n:Q", **count_axis(t("rows"))),
            y2="zero:Q",
            color=color,
        )
    )
    return svg(marks.properties(width=_WIDTH, height=200))


_WIDTH = 560  # pixels
_MONTHS = (
    *(mark("Jan"), mark("Feb"), mark("Mar"), mark("Apr"), mark("May"), mark("Jun")),
    *(mark("Jul"), mark("Aug"), mark("Sep"), mark("Oct"), mark("Nov"), mark("Dec")),
)


def _figure(rows: int, kept: int | None = None) -> str:
    return f"{rows:,}" if kept is None else f"{kept:,} / {rows:,}"


def _labels(found: Distribution, t: Language) -> list[str]:
    """What stands under each bar, or where it begins."""
    assert found.span is not None
    starts, unit = found.bars["start"], found.span.unit
    if found.dates:
        days = starts.dt
        if unit == "year":
            return [str(year) for year in days.year]
        months = [t(_MONTHS[month - 1]) for month in days.month]
        if unit == "month":
            dated = zip(months, days.year, strict=True)
            return [t("{month} {year}", month=month, year=year) for month, year in dated]
        return [t("{month} {day}", month=month, day=day) for month, day in zip(months, days.day, strict=True)]
    labels = [f"{start:,.10g}" for start in starts]
    if found.span.open:
        labels[-1] = f"≥ {labels[-1]}"
    return labels


def _shown(labels: list[str], found: Distribution) -> list[int]:
    """Which labels have room; the last one of open bars always, and round ones rather than others."""
    wide = max(sum(13 if letter > "\u2e7f" else 7 for letter in label) for label in labels) + 12
    least = ceil(len(labels) * wide / _WIDTH)
    every = next(n for n in (1, 2, 5, 10, 20, 50) if n >= least or n == 50)
    assert found.span is not None
    first = 0 if found.dates else round(float(found.bars["start"].iloc[0]) / found.span.width)
    shown = [n for n in range(len(labels)) if (first + n) % every == 0]
    if found.span.open:
        last = len(labels) - 1
        shown = [n for n in shown if n + least <= last] + [last]
    return shown


def differences(shares: pd.DataFrame, t: Language) -> str:
    """The largest differences between two segments: *shares* as `explore.Comparison.shares`."""
    alt = altair()
    some = shares.head(12)
    what = some["column"].astype(str) + " = " + some["value"].replace("", t("(empty)")).astype(str)
    data = pd.DataFrame({"difference": some["difference"].astype(float), "order": range(len(some))})
    y = alt.Y("order:O", title=None, axis=named_rows(what, limit=260))
    chart = (
        alt.Chart(data)
        .mark_bar()
        .encode(
            y=y,
            x=alt.X("difference:Q", title=t("share here less share there, percentage points")),
            color=alt.condition("datum.difference > 0", alt.value(GOOD), alt.value(WARN)),
        )
        .properties(width=460, height=alt.Step(20))
    )
    return svg(chart, beside=what)
