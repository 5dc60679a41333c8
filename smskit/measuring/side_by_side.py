"""
Arms of an experiment as people read them: lines of text, and sections with pictures and tables.

The same ones in ``smskit compare``, in a notebook's cell and in its panel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import pairwise
from typing import Final

import pandas as pd

from smskit.i18n import Language, Message, mark
from smskit.i18n.figures import money, share, signed
from smskit.measuring.compared import ArmRow, Compared, Difference
from smskit.measuring.sections import Section
from smskit.measuring.statistics import LEVEL
from smskit.measuring.words import FEW, p_in_words
from smskit.reporting.charts import arms as charts

__all__ = ["by_hour", "lines_of", "sections_of"]

_APART_MIN: Final = 30  # minutes between two arms that are tried for their hour


def by_hour(arms: Sequence[ArmRow]) -> bool:
    """Whether the arms began at different hours of the day, so that the hour is what is tried."""
    starts = [datetime.fromisoformat(arm.starts_at) for arm in arms if arm.starts_at]
    minutes = sorted(at.hour * 60 + at.minute for at in starts)
    around = [*minutes, *(at + 24 * 60 for at in minutes[:1])]  # 23:50 and 00:05 are a quarter apart
    apart = [later - one for one, later in pairwise(around)]
    return len(starts) == len(arms) > 1 and min(apart) >= _APART_MIN


# -- lines ---------------------------------------------------------------------------------


def lines_of(found: Compared, t: Language) -> Iterator[str]:
    """All of it, a line each."""
    yield t(Message("experiment {name} ({mode})", name=found.experiment or "–", mode=t(found.mode)))
    if found.refused:
        yield "  " + t("no answer: {why}", why=found.refused.text)
    if split := _split_words(found):
        yield "  " + t(split)
    for arm in found.arms:
        yield "  " + t(_arm_words(arm))
    for words in filter(None, (_window_words(found), _alike_words(found), _best_words(found))):
        yield "  " + t(words)
    for each in found.differences:
        yield "  " + t(_difference_words(each, exact=_exact(found)))
    for notice in found.notices:
        yield "  " + t("notice: {why}", why=notice.text)


def _split_words(found: Compared) -> Message | None:
    """Whether the arms are of the sizes they were drawn with."""
    if found.split_p_value is None or found.refused:
        return None
    sizes = ", ".join(f"{arm.arm or arm.campaign} {arm.people:,}" for arm in found.arms)
    p = p_in_words(found.split_p_value, exact=True)
    return Message("arms as drawn: {sizes} to be messaged, p {p}", sizes=sizes, p=p)


def _alike_words(found: Compared) -> Message | None:
    """Whether the arms convert alike; None where that is not known."""
    if found.p_value is None:
        return None
    p = p_in_words(found.p_value, exact=_exact(found))
    differ = found.p_value < 1 - LEVEL
    if by_hour(found.arms):
        return Message("the hours differ, p {p}", p=p) if differ else Message("no hour is better, p {p}", p=p)
    return Message("the arms differ, p {p}", p=p) if differ else Message("no arm is better, p {p}", p=p)


def _best_words(found: Compared) -> Message | None:
    """Which arm converts most, where they differ."""
    if found.p_value is None or found.p_value >= 1 - LEVEL:
        return None
    best = max(found.arms, key=lambda arm: arm.conversion or 0)
    rate = f"{1_000 * (best.conversion or 0):,.1f}"
    return Message("most conversions: {arm}, {rate} for 1,000 people", arm=best.arm, rate=rate)


def _window_words(found: Compared) -> Message | None:
    """Over which time, and on whose clock; None of a table that has no times."""
    if not found.window:
        return None
    return Message(
        "window of {length} from each arm's first message; times without a zone are {zone}",
        length=found.window,
        zone=found.timezone,
    )


def _exact(found: Compared) -> bool:
    """Whether the tail below 0.01 is as thick as it says: of few conversions in an arm it is not."""
    return all((arm.converted or 0) >= FEW for arm in found.arms)


def _arm_words(arm: ArmRow, *, with_conversion: bool = True) -> Message:
    told = {
        "arm": arm.arm or arm.campaign,
        "n": arm.people,
        "rate": share(arm.delivery_rate),
        "low": share(arm.if_none_arrives),
        "high": share(arm.if_all_arrive),
        "each": money(None if arm.yuan_per_delivered is None else str(arm.yuan_per_delivered)) or "–",
    }
    delivery = Message(
        "{arm}: {n:,} people, {rate} delivered ({low} to {high} by those awaited), {each} a delivered "
        "message",
        **told,
    )
    if arm.conversion is None or not with_conversion:
        return delivery
    return Message("{what}; {rate} converted", what=delivery, rate=share(arm.conversion))


def _receipt_words(arm: ArmRow) -> Message:
    return Message(
        "{arm}: half of the receipts came within {seconds:,} s",
        arm=arm.arm or arm.campaign,
        seconds=round(arm.median_receipt_s or 0),
    )


def _difference_words(each: Difference, *, exact: bool) -> Message:
    told = {"arm": each.arm, "other": each.other} | _bounds(each)
    if each.metric == "yuan_per_delivered":
        return Message("a delivered message: {arm} minus {other} {n} ({low} to {high})", **told)
    metric = Message("delivery") if each.metric == "delivery" else Message("conversions for 1,000 people")
    return Message(
        "{metric}: {arm} minus {other} {n} ({low} to {high}), p {p}",
        metric=metric,
        **told,
        p=p_in_words(each.p_holm, exact=exact or each.metric == "delivery"),
    )


# -- sections ------------------------------------------------------------------------------


def sections_of(found: Compared) -> Iterator[Section]:
    """What there is to know of a comparison, each part with its sentences first."""
    yield _overview(found)
    if not found.refused:
        yield _delivery(found)
        if any(arm.conversion is not None for arm in found.arms):
            yield _conversions(found)
    if found.notices:
        yield Section(mark("What to know"), [notice.text for notice in found.notices])


def _overview(found: Compared) -> Section:
    told: list[Message] = []
    if found.refused:
        told.append(Message("no answer: {why}", why=found.refused.text))
    told += filter(None, [_split_words(found), _best_words(found) or _alike_words(found)])
    frame = pd.DataFrame([asdict(arm) for arm in found.arms])
    return Section(mark("Arms side by side"), told, (), lambda t: _arms_table(found.arms, t), frame)


def _delivery(found: Compared) -> Section:
    told = [_arm_words(arm, with_conversion=False) for arm in found.arms]
    told += [_receipt_words(arm) for arm in found.arms if arm.median_receipt_s is not None]
    pictures = list(_rates(found.arms, "delivered", ("delivery_rate", "delivery_low", "delivery_high")))
    if found.arrived:
        lines = pd.DataFrame([asdict(each) for each in found.arrived])
        pictures.append(lambda t: charts.arrived(lines, t))
    return _with_differences(mark("Delivery"), told, pictures, found, ("delivery", "yuan_per_delivered"))


def _conversions(found: Compared) -> Section:
    told = [*filter(None, (_window_words(found), _alike_words(found)))]
    names = ("conversion", "conversion_low", "conversion_high")
    pictures = (
        list(_hours(found.arms)) if by_hour(found.arms) else list(_rates(found.arms, "converted", names))
    )
    return _with_differences(mark("Conversions by arm"), told, pictures, found, ("conversion",))


def _with_differences(
    title: str,
    told: list[Message],
    pictures: Sequence[Callable[[Language], str]],
    found: Compared,
    metrics: Sequence[str],
) -> Section:
    rows = [each for each in found.differences if each.metric in metrics]
    exact = _exact(found) or "conversion" not in metrics
    if not rows:
        return Section(title, told, pictures)
    frame = pd.DataFrame([asdict(each) for each in rows])
    return Section(title, told, pictures, lambda t: _differences_table(rows, t, exact=exact), frame)


def _rates(arms: Sequence[ArmRow], of: str, names: Sequence[str]) -> Iterator[Callable[[Language], str]]:
    """A picture of a rate of each arm, where all have one."""
    rows = [(arm.arm or arm.campaign, *(getattr(arm, name) for name in names)) for arm in arms]
    drawn = pd.DataFrame(rows, columns=["label", "rate", "low", "high"])
    if drawn["rate"].notna().all():
        yield lambda t: charts.rates(drawn, t, of=of)


def _hours(arms: Sequence[ArmRow]) -> Iterator[Callable[[Language], str]]:
    """Conversions for 1,000 people by the hour at which an arm began."""
    rows = [
        (f"{datetime.fromisoformat(arm.starts_at or ''):%H:%M} {arm.arm}".strip(), *_thousands(arm))
        for arm in sorted(arms, key=lambda arm: (arm.starts_at or "")[11:])
    ]
    drawn = pd.DataFrame(rows, columns=["label", "rate", "low", "high"])
    yield lambda t: charts.hours(drawn, t)


def _thousands(arm: ArmRow) -> list[float | None]:
    each = (arm.conversion, arm.conversion_low, arm.conversion_high)
    return [None if value is None else 1_000 * value for value in each]


# -- tables --------------------------------------------------------------------------------


def _arms_table(arms: Sequence[ArmRow], t: Language) -> pd.DataFrame:
    rows = [
        {
            t("arm"): arm.arm or arm.campaign,
            t("provider"): arm.provider,
            t("begun"): f"{datetime.fromisoformat(arm.starts_at):%m-%d %H:%M}" if arm.starts_at else "–",
            t("people"): f"{arm.people:,}",
            t("delivered"): f"{arm.delivered:,}",
            t("delivery rate"): share(arm.delivery_rate),
            t("per delivered"): _yuan(arm.yuan_per_delivered),
            t("conversion"): "–" if arm.conversion is None else share(arm.conversion),
        }
        for arm in arms
    ]
    return pd.DataFrame(rows)


def _differences_table(rows: Sequence[Difference], t: Language, *, exact: bool) -> pd.DataFrame:
    names = {
        "delivery": t("delivery rate"),
        "yuan_per_delivered": t("per delivered"),
        "conversion": t("conversions for 1,000 people"),
    }
    lines = [
        {
            t("outcome"): names[each.metric],
            t("arms"): t("{one} minus {other}", one=each.arm, other=each.other),
            t("difference"): t("{n} ({low} to {high})", **_bounds(each)),
            t("p (Holm)"): p_in_words(each.p_holm, exact=exact).removeprefix("= "),
        }
        for each in rows
    ]
    return pd.DataFrame(lines)


def _bounds(each: Difference) -> dict[str, str]:
    """A difference and its bounds, as people read them: yuan, conversions for 1,000, or percent."""
    values = {"n": each.difference, "low": each.low, "high": each.high}
    return {name: _signed(value, each.metric) for name, value in values.items()}


def _signed(value: float, metric: str) -> str:
    match metric:
        case "yuan_per_delivered":
            shown = f"¥{abs(value):,.4f}"
        case "conversion":
            shown = f"{abs(value) * 1_000:,.1f}"
        case _:
            shown = f"{abs(value):.1%}"
    return signed(value, shown)


def _yuan(value: float | None) -> str:
    return "–" if value is None else money(str(value))
