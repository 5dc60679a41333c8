"""
Pictures as SVG text: charts that look the same in a panel, papermill's output and a report.

Text and lines take the colour of the page around them, so that one picture
suits a light and a dark theme. Numbers come in as frames; nothing is counted
here. Every axis says its unit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from smskit.i18n import Language, mark
from smskit.lean import import_jsonschema

if TYPE_CHECKING:
    import altair as alt

__all__ = [
    *("BAD", "FOREIGN", "GOOD", "NEUTRAL", "OCCURRENCES", "PALE", "WARN"),
    *(
        "altair",
        "carriers",
        "count_axis",
        "figures",
        "in_colours",
        "named_rows",
        "over_time",
        "parts",
        "series",
        "svg",
        "unit_only",
        "waterfall",
    ),
]

# Each stands out from a white page and from a dark one (3:1), and from the others for the colour-blind.
GOOD, WARN, BAD, NEUTRAL, FOREIGN = "#2f8f78", "#c27c1e", "#c0564b", "#6b8fb5", "#8d79b8"
AWAITING = FOREIGN  # as in the bar above them, where amber is what is unknown
PALE = "#8a949c"  # what stands behind something else
_INK = "currentColor"  # of whatever the picture stands in


def svg(chart: alt.TopLevelMixin, *, beside: Iterable[str] = (), after: Iterable[str] = ()) -> str:
    """
    The chart as SVG, see-through, its text in the colour of the page.

    Args:
        beside: The labels at its left, which a page's font may draw wider than they are measured here.
        after: The figures at its right, likewise.
    """
    import vl_convert

    left, right = (min(max(map(len, texts), default=0), 40) for texts in (beside, after))
    room = {"left": 5 + left, "right": 5 + 2 * right, "top": 5, "bottom": 5}
    drawn = chart.configure(background="transparent", padding=room).configure_view(stroke=None)
    drawn = drawn.configure_axis(
        labelColor=_INK,
        titleColor=_INK,
        tickColor=_INK,
        domainColor=_INK,
        gridColor="#8884",
        titleFontWeight=500,
        aria=False,  # Vega would describe it to assistive technology, in English sentences
    )
    # Above its axis and level: beside it, it lies on labels that the page's font draws wider than here.
    drawn = drawn.configure_axisY(
        titleAngle=0, titleAlign="left", titleAnchor="end", titleBaseline="bottom", titleX=0, titleY=-8
    )
    drawn = drawn.configure_axisX(titlePadding=10)
    drawn = drawn.configure_legend(labelColor=_INK, titleColor=_INK, offset=26, columnPadding=24, aria=False)
    drawn = drawn.configure_title(color=_INK)
    made = str(vl_convert.vegalite_to_svg(drawn.to_json()))
    return made.replace("<svg ", '<svg style="max-width: 100%; height: auto" ', 1)


def altair() -> Any:
    """Altair, imported when the first picture is drawn: it takes longer than all of smskit."""
    import_jsonschema()
    import altair

    return altair


def count_axis(title: str) -> dict[str, Any]:
    """What an axis of whole numbers takes: no halves, thousands with commas."""
    alt = altair()
    return {"title": title, "axis": alt.Axis(format=",d", tickMinStep=1, tickCount=5)}


def unit_only(title: str) -> dict[str, Any]:
    """What the axis of bars takes that have their figure at the end: its unit, and no grid."""
    alt = altair()
    bare = alt.Axis(labels=False, ticks=False, grid=False, domain=False, titleAnchor="start", titlePadding=4)
    return {"title": title, "axis": bare}


def figures(chart: alt.Chart, **encoding: Any) -> Any:
    """The figures at the ends of horizontal bars."""
    return chart.mark_text(align="left", dx=5, color=_INK, aria=False).encode(**encoding)


def waterfall(steps: pd.DataFrame, t: Language) -> str:
    """
    From rows read to people planned.

    Args:
        steps: One row a step, in order: ``step``, ``left_out`` and ``left`` (rows); see ``Plan.waterfall``.
    """
    taken = [f"  (−{n:,})" if n else "" for n in steps["left_out"]]
    # What a step took lies at the end of its bar.
    pieces = pd.DataFrame({t("left"): steps["left"], t("left out"): steps["left_out"]})
    return _of_two_pieces(
        pieces,
        (GOOD, WARN),
        t,
        labels=[t.render(step) for step in steps["step"]],
        at_end=[f"{n:,}{out}" for n, out in zip(steps["left"], taken, strict=True)],
        limit=260,
        size=(560, 20),
    )


def _of_two_pieces(
    pieces: pd.DataFrame,
    colours: tuple[str, str],
    t: Language,
    *,
    labels: Sequence[str],
    at_end: Sequence[str],
    limit: int,
    size: tuple[int, int],
) -> str:
    """
    Horizontal bars of people, each of two pieces, with a figure at its end.

    Args:
        pieces: One row a bar, one column a piece, named as the legend has it.
        limit: Most pixels of a label.
        size: Pixels of the longest bar, and of the height of each.
    """
    alt = altair()
    drawn = pieces.reset_index(drop=True).assign(order=range(len(pieces)))
    names = [str(name) for name in pieces.columns]
    long: Any = drawn.melt("order", names, "piece", "people")
    long["place"] = long["piece"].map(names.index)
    y = alt.Y("order:O", title=None, axis=named_rows(labels, limit=limit))
    bars = (
        alt.Chart(long)
        .mark_bar()
        .encode(
            y=y,
            x=alt.X("people:Q", **unit_only(t("people"))),
            color=in_colours("piece", dict(zip(names, colours, strict=True))),
            order=alt.Order("place:Q"),
        )
    )
    ends = pd.DataFrame({"order": drawn["order"], "end": drawn[names].sum(axis=1), "figure": at_end})
    told = figures(alt.Chart(ends), y=y, x="end:Q", text="figure:N")
    width, height = size
    return svg(
        (bars + told).properties(width=width, height=alt.Step(height)), beside=labels, after=ends["figure"]
    )


def in_colours(field: str, colours: Mapping[str, str], **legend: Any) -> Any:
    """Marks in a colour each kind has, with a legend above; *colours* by what the legend calls the kinds."""
    alt = altair()
    return alt.Color(
        f"{field}:N",
        title=None,
        legend=alt.Legend(orient="top", **legend),
        scale=alt.Scale(domain=[*colours], range=[*colours.values()]),
    )


def named_rows(names: Iterable[str], *, limit: int) -> Any:
    """An axis of bars by their number, so that two of one name stay two."""
    alt = altair()
    return alt.Axis(labelExpr=f"{json.dumps([*names])}[datum.value]", labelLimit=limit)


def over_time(table: pd.DataFrame, t: Language, *, unit: str, zone: str) -> str:
    """
    Receipts as bars, and who still waits for one as a line.

    Args:
        table: See ``delivery.OverTime.table``.
        unit: What one bar stands for: second, minute, hour, day.
        zone: On whose clock the times are.
    """
    alt = altair()
    names = {n: t(label) for n, label in _RECEIPTS.items()}
    # The last ones of a long time; they are read, not counted.
    drawn = table.tail(400).assign(at=lambda f: f["at"].dt.strftime("%Y-%m-%dT%H:%M:%S"))
    long = drawn.melt(["at", "awaiting"], ["delivered", "undelivered"], "kind", "people")
    long["kind"] = long["kind"].map(names)
    time = alt.X(
        "at:T",
        title=t("time ({zone}), by {unit}", zone=zone, unit=t(unit)),
        axis=alt.Axis(
            format=_CLOCKS[unit],
            tickCount=8,
            tickMinStep=_STEPS_MS[unit],
            labelOverlap=True,
            labelSeparation=14,  # browsers' letters are wider than those it is measured with
        ),
        scale=alt.Scale(padding=16),
    )
    colour = in_colours("kind", dict(zip(names.values(), (GOOD, BAD, AWAITING), strict=True)))
    bars = (
        alt.Chart(long)
        .mark_bar(width={"expr": f"max(2, min(24, 500 / {max(len(drawn), 1)}))"})
        .encode(
            x=time, y=alt.Y("people:Q", **count_axis(t("receipts, people"))), color=colour, order="kind:N"
        )
    )
    waits = (
        alt.Chart(drawn.assign(kind=names["awaiting"]))
        .mark_line(interpolate="step-after", strokeWidth=2, point={"size": 24})
        .encode(x=time, y=alt.Y("awaiting:Q", **count_axis(t("receipts, people"))), color=colour)
    )
    return svg((bars + waits).properties(width=620, height=220))


_CLOCKS = {"second": "%H:%M:%S", "minute": "%H:%M", "hour": "%m-%d %H:00", "day": "%m-%d"}
_STEPS_MS = {"second": 1000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}
_RECEIPTS = {
    "delivered": mark("delivered"),
    "undelivered": mark("undelivered"),
    "awaiting": mark("awaiting receipt"),
}


def carriers(table: pd.DataFrame, t: Language) -> str:
    """
    Where the messages of each carrier's people are, as shares of those submitted.

    Args:
        table: See ``delivery.Survey.carriers``.
    """
    alt = altair()
    names = {n: t(label) for n, label in (_RECEIPTS | {"refused": mark("refused")}).items()}
    shown = table.assign(carrier=[t(name) for name in table["carrier"]])
    long = shown.melt(["carrier"], list(names), "kind", "people")
    long["order"] = [list(names).index(kind) for kind in long["kind"]]
    long["kind"] = long["kind"].map(names)
    chart = (
        alt.Chart(long[long["people"] > 0])
        .mark_bar()
        .encode(
            y=alt.Y("carrier:N", title=None, sort=shown["carrier"].tolist()),
            x=alt.X("people:Q", title=t("share of people, %"), stack="normalize", axis=alt.Axis(format="%")),
            color=in_colours("kind", dict(zip(names.values(), (GOOD, BAD, AWAITING, NEUTRAL), strict=True))),
            order=alt.Order("order:Q"),
        )
        .properties(width=560, height=alt.Step(24))
    )
    return svg(chart)


def parts(counts: pd.DataFrame, t: Language) -> str:
    """
    How many messages have how many parts.

    Args:
        counts: One row a number of parts: ``parts`` and ``messages``; see ``preview.part_counts``.
    """
    alt = altair()
    bars = alt.Chart(counts[["parts", "messages"]]).encode(
        x=alt.X("parts:O", title=t("parts each"), axis=alt.Axis(labelAngle=0)),
        y=alt.Y("messages:Q", **unit_only(t("messages"))),
    )
    told = bars.mark_text(dy=-6, color=_INK).encode(text=alt.Text("messages:Q", format=","))
    chart = (bars.mark_bar(color=GOOD, size=36) + told).properties(width=alt.Step(64), height=150)
    return svg(chart)


OCCURRENCES = 26  # of a series that are drawn, half a year of weeks


def series(table: pd.DataFrame, t: Language) -> str:
    """
    How many each occurrence of a series reached, of those accepted; the rates stand at the ends of the bars.

    Args:
        table: See ``delivery.Overview.series``.
    """
    shown = table.tail(OCCURRENCES)
    words = mark("{rate:.1%} delivered · {out:.1%} opted out")
    return _of_two_pieces(
        pd.DataFrame(
            {
                t("delivered"): shown["delivered"],
                t("accepted, not delivered"): shown["accepted"] - shown["delivered"],
            }
        ),
        (GOOD, PALE),
        t,
        labels=[f"{name} · {at:%m-%d}" for name, at in zip(shown["campaign"], shown["started"], strict=True)],
        at_end=[
            "" if pd.isna(rate) else t(words, rate=rate, out=out)
            for rate, out in zip(shown["delivery_rate"], shown["opt_out_rate"], strict=True)
        ],
        limit=240,
        size=(420, 22),
    )
