"""Pictures of the arms of an experiment: rates, how soon messages arrived, conversions by hour."""

from __future__ import annotations

from typing import Final

import pandas as pd

from smskit.i18n import Language, mark
from smskit.reporting.charts import (
    BAD,
    FOREIGN,
    GOOD,
    NEUTRAL,
    WARN,
    altair,
    figures,
    in_colours,
    named_rows,
    svg,
)

__all__ = ["arrived", "hours", "rates"]

_COLOURS: Final = (GOOD, NEUTRAL, WARN, FOREIGN, BAD)  # of arms, in their order; then again


def rates(rows: pd.DataFrame, t: Language, *, of: str) -> str:
    """
    A point for the rate of each arm of an experiment, and a bar for its interval.

    Args:
        rows: One row an arm: ``label``; ``rate``, ``low`` and ``high`` as shares, the bounds missing where
            there is no interval.
        of: delivered or converted.
    """
    alt = altair()
    drawn = rows.reset_index(drop=True).assign(order=range(len(rows)))
    for name in ("rate", "low", "high"):
        drawn[name] = drawn[name].astype(float)
    drawn["figure"] = [f"{rate:.1%}" for rate in drawn["rate"]]
    drawn["end"] = drawn["high"].fillna(drawn["rate"])
    base = alt.Chart(drawn[["order", "rate", "low", "high", "end", "figure"]])
    y = alt.Y("order:O", title=None, axis=named_rows(drawn["label"], limit=240))
    axis = alt.Axis(format="%" if float(drawn["end"].max()) >= 0.1 else ".1%", grid=False, tickCount=6)
    # Not from zero: nothing here is a length, and arms lie close together.
    x = alt.X("rate:Q", title=t(_RATES[of]), axis=axis, scale=alt.Scale(zero=False, padding=16))
    bars = base.mark_rule(strokeWidth=5, opacity=0.55, color=NEUTRAL).encode(y=y, x="low:Q", x2="high:Q")
    points = base.mark_point(filled=True, size=90, opacity=1, color=NEUTRAL).encode(y=y, x=x)
    told = figures(base, y=y, x="end:Q", text="figure:N")
    picture = (bars + points + told).properties(width=420, height=alt.Step(28))
    return svg(picture, beside=drawn["label"], after=drawn["figure"])


_RATES: Final = {
    "delivered": mark("share of the people of an arm whose message was delivered"),
    "converted": mark("share of the people of an arm who converted"),
}


# Seconds that an axis of how long it took has, as people say them.
_TICKS: Final = (
    (1, mark("1 s")),
    (10, mark("10 s")),
    (60, mark("1 min")),
    (600, mark("10 min")),
    (3_600, mark("1 h")),
    (6 * 3_600, mark("6 h")),
    (86_400, mark("1 day")),
    (3 * 86_400, mark("3 days")),
)


def arrived(rows: pd.DataFrame, t: Language) -> str:
    """
    How soon messages arrived: of each arm the share of its people, a line each.

    Args:
        rows: ``arm``; ``seconds`` after submission, ascending, at least 1; ``share`` delivered by then.
    """
    alt = altair()
    names = list(dict.fromkeys(rows["arm"]))
    last = max(float(rows["seconds"].max()), 10.0)
    ticks = {seconds: t(words) for seconds, words in _TICKS if seconds <= last}
    said = " : ".join([*(f"datum.value == {s} ? '{words}'" for s, words in ticks.items()), "''"])
    x = alt.X(
        "seconds:Q",
        title=t("after submission"),
        scale=alt.Scale(type="log", domain=[1, 1.15 * last], nice=False),
        axis=alt.Axis(values=list(ticks), labelExpr=said, grid=False),
    )
    highest = float(rows["share"].max())
    y = alt.Y(
        "share:Q",
        title=t("share of the people of an arm whose message was delivered"),
        axis=alt.Axis(format="%" if highest >= 0.1 else ".1%", tickCount=5),
        scale=alt.Scale(domain=[0, min(1.0, highest * 1.1) or 1.0], nice=False),
    )
    colour = in_colours("arm", {name: _COLOURS[n % len(_COLOURS)] for n, name in enumerate(names)})
    lines = alt.Chart(rows).mark_line(strokeWidth=2, interpolate="step-after", clip=True)
    return svg(lines.encode(x=x, y=y, color=colour).properties(width=560, height=190))


def hours(rows: pd.DataFrame, t: Language) -> str:
    """
    Conversions by the hour of sending: a point and the bar of its interval for each, which hold together.

    Args:
        rows: One row an arm, in the order of the hours: ``label``; ``rate``, ``low`` and ``high`` for 1,000
            people, the bounds missing before the window is over.
    """
    alt = altair()
    drawn = rows.assign(**{name: rows[name].astype(float) for name in ("rate", "low", "high")})
    drawn["figure"] = [f"{rate:,.1f}" for rate in drawn["rate"]]
    drawn["end"] = drawn["high"].fillna(drawn["rate"])
    x = alt.X("label:O", sort=drawn["label"].tolist(), title=t("begun"), axis=alt.Axis(labelAngle=0))
    # Not from zero: nothing here is a length, and hours lie close together.
    scale = alt.Scale(zero=False, padding=22)
    title = t("conversions for 1,000 people")
    y = alt.Y("rate:Q", title=title, axis=alt.Axis(tickCount=5), scale=scale)
    base = alt.Chart(drawn)
    bars = base.mark_rule(strokeWidth=5, opacity=0.55, color=NEUTRAL).encode(x=x, y="low:Q", y2="high:Q")
    points = base.mark_point(filled=True, size=90, opacity=1, color=NEUTRAL).encode(x=x, y=y)
    told = base.mark_text(dy=-9, color="currentColor", aria=False).encode(x=x, y="end:Q", text="figure:N")
    return svg((bars + points + told).properties(width=alt.Step(84), height=190))
