"""Pictures of what a campaign brought: differences and intervals, the split, over time, before launch."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from smskit.i18n import Language, mark
from smskit.reporting.charts import BAD, GOOD, NEUTRAL, PALE, altair, figures, in_colours, named_rows, svg

__all__ = ["before_launch", "differences", "over_time", "split"]

_AXES: Final = {
    "conversions": mark("more conversions for 1,000 people messaged"),
    "yuan": mark("more yuan for 1,000 people messaged"),
}
_HIGHEST: Final = (1.0, 10.0)  # relative lift that the band is drawn to, at least and at most
_GREY: Final = "#7f8a92"


def differences(rows: pd.DataFrame, t: Language, *, unit: str = "conversions") -> str:
    """
    A point for each difference and a bar for its interval, about the line of no difference.

    Args:
        rows: One row each: ``label``; ``difference``, ``low`` and ``high`` for 1,000 people, the bounds
            missing where there is no interval.
        unit: conversions or yuan.
    """
    alt = altair()
    drawn = rows.reset_index(drop=True).assign(order=range(len(rows)))
    for name in ("difference", "low", "high"):
        drawn[name] = drawn[name].astype(float)
    kinds = {"more": (t("more"), GOOD), "fewer": (t("fewer"), BAD), "open": (t("cannot be told"), _GREY)}
    sure = [
        "more" if low > 0 else "fewer" if high < 0 else "open"
        for low, high in zip(drawn["low"], drawn["high"], strict=True)
    ]
    drawn["sure"] = [kinds[kind][0] for kind in sure]
    drawn["figure"] = [
        _figure(n, low, high, t)
        for n, low, high in zip(drawn["difference"], drawn["low"], drawn["high"], strict=True)
    ]
    drawn["end"] = drawn["high"].fillna(drawn["difference"]).clip(lower=0)
    y = alt.Y("order:O", title=None, axis=named_rows(drawn["label"], limit=240))
    colour = in_colours("sure", dict(shown for kind, shown in kinds.items() if kind in sure))
    axis = alt.Axis(grid=False, tickCount=6)
    x = alt.X("difference:Q", title=t(_AXES[unit]), axis=axis, scale=alt.Scale(zero=True))
    base = alt.Chart(drawn[["order", "difference", "low", "high", "sure", "figure", "end"]])
    bars = base.mark_rule(strokeWidth=5, opacity=0.55).encode(y=y, x="low:Q", x2="high:Q", color=colour)
    points = base.mark_point(filled=True, size=90, opacity=1).encode(y=y, x=x, color=colour)
    none = alt.Chart(pd.DataFrame({"x": [0]})).mark_rule(strokeDash=[4, 3], color=_GREY).encode(x="x:Q")
    told = figures(base, y=y, x="end:Q", text="figure:N")
    return svg(
        (none + bars + points + told).properties(width=420, height=alt.Step(28)),
        beside=drawn["label"],
        after=drawn["figure"],
    )


def _figure(n: float, low: float, high: float, t: Language) -> str:
    shown = [f"{each:+,.1f}".replace("-", "−") for each in (n, low, high)]
    if pd.isna(low):
        return "" if pd.isna(n) else f"  {shown[0]}"  # beside the point, not on it
    return t(mark("{n} ({low} to {high})"), n=shown[0], low=shown[1], high=shown[2])


def over_time(days: pd.DataFrame, t: Language, *, ends: pd.Timestamp, zone: str) -> str:
    """
    Both arms as lines up to the end of the window, and below the band of what may be said on each day.

    Args:
        days: One row a moment: ``at`` (aware), ``treated`` and ``holdout`` as rates, ``relative_low`` and
            ``relative_high`` of the interim, the upper one missing where there is none.
        ends: Of the window, aware.
        zone: On whose clock the times are.
    """
    alt = altair()
    names = {"treated": t("treated"), "holdout": t("holdout")}
    clock = "%Y-%m-%dT%H:%M:%S"
    drawn = days.assign(at=days["at"].dt.strftime(clock))
    long = drawn.melt("at", list(names), "arm", "rate")
    long["rate"] *= 1000
    long["arm"] = long["arm"].map(names)
    first, last = days["at"].iloc[0].strftime(clock), ends.strftime(clock)
    short = (ends - days["at"].iloc[0]) <= pd.Timedelta(days=2)
    scale = alt.Scale(domain=[{"expr": f"datetime('{each}')"} for each in (first, last)])
    axis = alt.Axis(format="%m-%d %H:%M" if short else "%m-%d", tickCount=7, labelOverlap=True, grid=False)
    time = alt.X("at:T", title=None, axis=axis, scale=scale)
    colour = in_colours("arm", dict(zip(names.values(), (GOOD, NEUTRAL), strict=True)))
    y = alt.Y("rate:Q", title=t("conversions for 1,000 people, so far"), axis=alt.Axis(tickCount=5))
    lines = (
        alt.Chart(long).mark_line(strokeWidth=2, interpolate="step-after").encode(x=time, y=y, color=colour)
    )
    end = pd.DataFrame({"at": [last], "words": [t("window ends")]})
    rule = alt.Chart(end).mark_rule(strokeDash=[4, 3], color=_GREY).encode(x=time)
    named = alt.Chart(end).mark_text(align="right", color=_GREY, aria=False)
    told = named.encode(x=time, y=alt.value(-8), text="words:N")
    upper = (lines + rule + told).properties(width=560, height=190)
    return svg(alt.vconcat(upper, _band(drawn, time, t, zone), spacing=28))


def _band(drawn: pd.DataFrame, time: Any, t: Language, zone: str) -> Any:
    alt = altair()
    last = drawn["relative_high"].astype(float).iloc[-1]  # of few conversions it has no end
    highest = _HIGHEST[1] if pd.isna(last) else min(max(_HIGHEST[0], 1.5 * last), _HIGHEST[1])
    lift = drawn[["at", "relative_low", "relative_high"]].assign(
        low=drawn["relative_low"].astype(float).fillna(-1).clip(upper=highest),
        high=drawn["relative_high"].astype(float).fillna(highest).clip(upper=highest),
    )[["at", "low", "high"]]
    y = alt.Y(
        "low:Q",
        title=t("relative lift that is possible, as on any day (99%)"),
        axis=alt.Axis(format="+%", tickCount=5),
        scale=alt.Scale(domain=[-1, highest], nice=False),
    )
    under = time.copy()
    under.title = t("time ({zone})", zone=zone)
    band = alt.Chart(lift).mark_area(color=GOOD, opacity=0.35, interpolate="step-after")
    none = alt.Chart(pd.DataFrame({"y": [0]})).mark_rule(strokeDash=[4, 3], color=_GREY).encode(y="y:Q")
    shown = band.encode(x=under, y=y, y2="high:Q") + none
    return shown.properties(width=560, height=120)


def split(observed: int, low: int, high: int, t: Language) -> str:
    """
    The people kept back beside the numbers that chance gives.

    Args:
        low, high: What 99.9 % of draws lie between.
    """
    alt = altair()
    fine = low <= observed <= high
    # Not from zero: nothing here is a length, and the range is narrow.
    span = max(high - low, abs(observed - low), abs(observed - high), 4)
    x = alt.Scale(
        domain=[max(0, min(low, observed) - span // 3), max(high, observed) + span // 3], nice=False
    )
    axis = alt.Axis(format=",d", tickMinStep=1, tickCount=6, grid=False)
    data = pd.DataFrame({"low": [low], "high": [high], "n": [observed], "said": [f"{observed:,}"]})
    base = alt.Chart(data)
    where = alt.X("low:Q", title=t("people kept back; the bar: 99.9% of draws"), scale=x, axis=axis)
    bar = base.mark_bar(height=18, color=PALE, opacity=0.6).encode(x=where, x2="high:Q")
    point = base.mark_point(filled=True, size=130, opacity=1, color=GOOD if fine else BAD).encode(x="n:Q")
    told = base.mark_text(dy=-18, color="currentColor", aria=False).encode(x="n:Q", text="said:N")
    return svg((bar + point + told).properties(width=560, height=60))


def before_launch(choices: pd.DataFrame, t: Language) -> str:
    """
    The smallest lift that each share kept back could show, and below the conversions it would forgo.

    Args:
        choices: One row a share, ascending: ``holdout`` (a share), ``smallest_relative``, ``forgone``
            (conversions, at the smallest lift), ``chosen`` (whether it is the share of now).
    """
    alt = altair()
    drawn = choices.assign(
        share=[f"{100 * share:.3g}%" for share in choices["holdout"]],
        lift=[f"+{relative:.0%}" for relative in choices["smallest_relative"]],
        lost=[f"{n:,.0f}" for n in choices["forgone"]],
        now=[t("chosen") if one else t("other shares") for one in choices["chosen"]],
    )
    x = alt.X("share:O", sort=drawn["share"].tolist(), title=None, axis=alt.Axis(labelAngle=0))
    colour = alt.Color(
        "now:N",
        title=None,
        legend=alt.Legend(orient="top") if choices["chosen"].any() else None,
        scale=alt.Scale(domain=[t("chosen"), t("other shares")], range=[GOOD, NEUTRAL]),
    )
    bare = alt.Axis(labels=False, ticks=False, grid=False, domain=False)
    kept = ["share", "smallest_relative", "forgone", "lift", "lost", "now"]
    rows = []
    for n, (field, figure, title) in enumerate(_ROWS):
        base = alt.Chart(drawn[kept])
        under = alt.X("share:O", sort=drawn["share"].tolist(), title=t("share kept back")) if n else x
        under.axis = alt.Axis(labelAngle=0)
        room = alt.Scale(domain=[0, float(drawn[field].max()) * 1.2 or 1])
        y = alt.Y(f"{field}:Q", title=t(title), axis=bare, scale=room)
        bars = base.mark_bar().encode(x=under, y=y, color=colour)
        told = base.mark_text(dy=-7, color="currentColor", aria=False)
        named = told.encode(x=under, y=y, text=f"{figure}:N")
        rows.append((bars + named).properties(width=alt.Step(62), height=110))
    return svg(alt.vconcat(*rows, spacing=34))


_ROWS: Final = (
    ("smallest_relative", "lift", mark("smallest lift it could show")),
    ("forgone", "lost", mark("conversions forgone at that lift")),
)
