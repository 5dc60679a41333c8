"""Pictures of a segment: how a column's values are spread, whom phones reach, where two segments differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from smskit.i18n import Language, mark
from smskit.reporting.charts import BAD, GOOD, NEUTRAL, WARN, svg

__all__ = ["coverage", "differences", "distribution"]

PHONES = {
    "valid": (mark("valid phone"), GOOD),
    "duplicate_phone": (mark("phone seen before"), NEUTRAL),
    "no_phone": (mark("no phone"), WARN),
    "bad_phone": (mark("no valid phone"), BAD),
    "unsupported_region": (mark("abroad"), "#8d79b8"),
}
_PALE = "#8886"


def coverage(counts: Mapping[str, int], t: Language) -> str:
    """One bar of all rows, by what their phone is; *counts* as `explore.Look.coverage` has them."""
    import altair as alt

    kinds = [kind for kind in PHONES if counts.get(kind)]
    data = pd.DataFrame(
        {
            "kind": [t(PHONES[kind][0]) for kind in kinds],
            "rows": [counts[kind] for kind in kinds],
            "order": range(len(kinds)),
        }
    )
    scale = alt.Scale(domain=data["kind"].tolist(), range=[PHONES[kind][1] for kind in kinds])
    legend = alt.Legend(orient="top", columns=5, labelLimit=200)
    chart = (
        alt.Chart(data)
        .mark_bar(height=20)
        .encode(
            x=alt.X("rows:Q", title=t("rows"), stack="zero", axis=alt.Axis(tickCount=6)),
            color=alt.Color("kind:N", title=None, scale=scale, legend=legend),
            order=alt.Order("order:Q"),
        )
        .properties(width=620, height=24)
    )
    return svg(chart)


def distribution(bars: pd.DataFrame, column: str, t: Language, *, dates: bool = False) -> str:
    """
    Rows by value of one column, those kept in front of all.

    Args:
        bars: As `explore.profile.distribution` makes them: ``label``, or ``start`` and ``end`` (dates in
            microseconds since 1970), ``rows``, and ``kept`` where a rule was applied.
        dates: Whether ``start`` and ``end`` are dates.
    """
    import altair as alt

    data: Any = bars.assign(order=range(len(bars)))
    if dates:
        data[["start", "end"]] = data[["start", "end"]] // 1000  # vega counts milliseconds
    words = {"rows": t("segment"), **({"kept": t("kept by the rules")} if "kept" in bars else {})}
    long = data.melt([c for c in data.columns if c not in words], list(words), "part", "n")
    long["part"] = long["part"].map(words)
    scale = alt.Scale(domain=list(words.values()), range=[_PALE, GOOD])
    color = alt.Color("part:N", title=None, scale=scale, legend=alt.Legend(orient="top"))
    base = alt.Chart(long)
    if "label" in bars:
        marks = base.mark_bar().encode(
            y=alt.Y("label:N", sort=alt.SortField("order"), title=column, axis=alt.Axis(labelLimit=220)),
            x=alt.X("n:Q", title=t("rows"), stack=None),
            color=color,
        )
        return svg(marks.properties(width=460, height=alt.Step(20)))
    kind = "T" if dates else "Q"
    marks = base.mark_bar(binSpacing=1).encode(
        x=alt.X(f"start:{kind}", title=column, bin=None if dates else "binned"),
        x2="end",
        y=alt.Y("n:Q", title=t("rows"), stack=None),
        color=color,
    )
    return svg(marks.properties(width=560, height=200))


def differences(shares: pd.DataFrame, t: Language) -> str:
    """The largest differences between two segments: *shares* as `explore.Comparison.shares`."""
    import altair as alt

    some = shares.head(12)
    data = pd.DataFrame(
        {
            "what": some["column"].astype(str) + " = " + some["value"].replace("", t("(empty)")).astype(str),
            "difference": some["difference"].astype(float),
            "order": range(len(some)),
        }
    )
    chart = (
        alt.Chart(data)
        .mark_bar()
        .encode(
            y=alt.Y("what:N", sort=alt.SortField("order"), title=None, axis=alt.Axis(labelLimit=260)),
            x=alt.X("difference:Q", title=t("share here less share there, percentage points")),
            color=alt.condition("datum.difference > 0", alt.value(GOOD), alt.value(WARN)),
        )
        .properties(width=460, height=alt.Step(20))
    )
    return svg(chart, beside=data["what"])
