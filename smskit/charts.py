"""
Pictures as SVG text: charts that look the same in a panel, papermill's output and a report.

Text and lines take the colour of the page around them, so that one picture
suits a light and a dark theme. Numbers come in as frames; nothing is counted
here. Every axis says its unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from smskit.language import Language

if TYPE_CHECKING:
    import altair as alt

__all__ = ["BAD", "GOOD", "NEUTRAL", "WARN", "svg", "waterfall"]

GOOD, WARN, BAD, NEUTRAL = "#2f8f78", "#e0a458", "#c0564b", "#6b8fb5"
_INK = "currentColor"  # of whatever the picture stands in


def svg(chart: alt.TopLevelMixin) -> str:
    """The chart as SVG, see-through, its text in the colour of the page."""
    import vl_convert

    drawn = chart.configure(background="transparent").configure_view(stroke=None)
    drawn = drawn.configure_axis(
        labelColor=_INK,
        titleColor=_INK,
        tickColor=_INK,
        domainColor=_INK,
        gridColor="#8884",
        titleFontWeight=500,
    )
    drawn = drawn.configure_legend(labelColor=_INK, titleColor=_INK).configure_title(color=_INK)
    return str(vl_convert.vegalite_to_svg(drawn.to_json()))


def waterfall(steps: pd.DataFrame, t: Language) -> str:
    """
    From rows read to people planned.

    Args:
        steps: One row a step, in order: ``step``, ``left_out`` and ``left`` (rows); see ``Plan.waterfall``.
    """
    import altair as alt

    names = {"left": t("left"), "left_out": t("left out")}
    long: Any = steps.reset_index(names="order").melt(["order", "step"], list(names), "part", "people")
    long["place"] = (long["part"] == "left_out").astype(int)  # what a step took lies at the end of its bar
    long["part"] = long["part"].map(names)
    chart = (
        alt.Chart(long)
        .mark_bar()
        .encode(
            y=alt.Y("step:N", sort=alt.SortField("order"), title=None, axis=alt.Axis(labelLimit=260)),
            x=alt.X("people:Q", title=t("people")),
            color=alt.Color(
                "part:N",
                title=None,
                legend=alt.Legend(orient="top"),
                scale=alt.Scale(domain=list(names.values()), range=[GOOD, WARN]),
            ),
            order=alt.Order("place:Q"),
        )
        .properties(width=560, height=alt.Step(20))
    )
    return svg(chart)
