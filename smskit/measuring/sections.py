"""
A measurement as sections of a page, each with its sentences first, then its picture, then its table.

The same ones in a notebook's cells, in its panel and in the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Final

import pandas as pd

from smskit.i18n import Language, Message, mark
from smskit.i18n.figures import money, share, signed
from smskit.measuring.result import Arm, Day, Effect, Measured, SegmentRow, Srm
from smskit.measuring.statistics import split_range
from smskit.measuring.words import (
    FEW,
    arms_sentence,
    effect_sentence,
    interim_sentence,
    label_of,
    larger_holdout,
    p_in_words,
    p_of_alike,
    reached_sentence,
    rows_sentence,
    split_sentence,
    window_sentence,
)
from smskit.planning.power import Power, power_of
from smskit.reporting.charts import effect as charts

__all__ = ["Section", "Sections", "arms_section", "in_mode", "launch_section"]

_PEOPLE: Final = 1_000
_MODES: Final = {"live": mark("live"), "rehearse": mark("rehearsal: an A/A test, nobody was messaged")}


@dataclass(frozen=True)
class Section:
    """
    One part of what there is to know.

    Attributes:
        title: Its heading, to be said in a language.
        sentences: What it says.
        pictures: Each draws an SVG in a language.
        table: For people, in a language; None = there is none.
        frame: The same for programs, with the columns of ``smskit measure --json``.
    """

    title: str
    sentences: Sequence[Message | str] = ()
    pictures: Sequence[Callable[[Language], str]] = ()
    table: Callable[[Language], pd.DataFrame] | None = None
    frame: pd.DataFrame | None = None

    def __repr__(self) -> str:
        return f"Section({self.title!r})"


class Sections:
    """
    Args:
        measured: What they are of.
    """

    def __init__(self, measured: Measured) -> None:
        self.measured = measured

    def __iter__(self) -> Iterator[Section]:
        found = [
            self.effects,
            self.notices,
            self.over_time,
            self.arms,
            self.segments,
            self.cohorts,
            self.next_holdout,
        ]
        return (each for each in found if each is not None)

    def __repr__(self) -> str:
        return f"Sections({self.measured.campaign})"

    @cached_property
    def arms(self) -> Section:
        """Who was compared, and whether the split is the one that was drawn."""
        found = self.measured
        return arms_section(found.arms, found.srm, rows_sentence(found))

    @cached_property
    def effects(self) -> Section:
        """What it brought."""
        found = self.measured
        title = mark("What it brought")
        if found.refused:
            return Section(title, [Message("no answer: {why}", why=found.refused.text)])
        sentences = [effect_sentence(effect, found) for effect in found.effects]
        sentences += filter(None, (reached_sentence(found), larger_holdout(found)))
        frame = pd.DataFrame([asdict(effect) for effect in found.effects])
        units = {"conversions": "conversion", "yuan": "revenue"}
        kinds = {unit: [e for e in found.effects if e.kind == kind] for unit, kind in units.items()}
        pictures = [
            _drawn([_of_effect(e) for e in kinds[unit]], unit)
            for unit in units
            if any(e.low is not None for e in kinds[unit])
        ]
        return Section(
            title, sentences, pictures, lambda t: pd.DataFrame([_line(e, t) for e in found.effects]), frame
        )

    @cached_property
    def over_time(self) -> Section | None:
        """How it came about; before the end what may be said meanwhile. None of a table of flags."""
        found, window = self.measured, self.measured.window
        if window is None:
            return None
        sentences = [window_sentence(found)]
        if found.interim:
            sentences.append(interim_sentence(found.interim))
        frame = pd.DataFrame([asdict(day) for day in found.days], columns=list(Day.__dataclass_fields__))
        pictures = [_curves(found)] if found.days else []
        if found.interim:
            frame = pd.DataFrame([asdict(found.interim)])
        return Section(mark("Over time"), sentences, pictures, lambda t: _days(found.days, t), frame)

    @cached_property
    def segments(self) -> Section | None:
        """The effect by the values of a column; None where nobody asked for one."""
        found = self.measured
        if not found.segments:
            return None
        return _by_rows(mark("By segment"), found, found.segments, [])

    @cached_property
    def cohorts(self) -> Section | None:
        """The effect by the occurrence in which people entered; None of a single campaign."""
        found = self.measured
        if not found.cohorts:
            return None
        sentences = [effect_sentence(effect, found) for effect in found.effects]
        return _by_rows(mark("By the occurrence in which people entered"), found, found.cohorts, sentences)

    @cached_property
    def next_holdout(self) -> Section | None:
        """What a holdout of other shares could show next time; None where nobody converted."""
        found = self.measured
        counted = next((effect for effect in found.effects if effect.kind == "conversion"), None)
        people = sum(arm.people for arm in found.arms.values())
        rate = (counted.holdout or (counted.treated_total + counted.holdout_total) / people) if counted else 0
        if found.srm is None or not 0 < rate < 1:
            return None
        return launch_section(power_of(people, found.arms["holdout"].people, found.srm.share, rate))

    @cached_property
    def notices(self) -> Section | None:
        """What to know of it."""
        texts = [notice.text for notice in self.measured.notices]
        return Section(mark("What to know"), texts) if texts else None


def _by_rows(
    title: str, found: Measured, rows: Sequence[SegmentRow], sentences: Sequence[Message]
) -> Section:
    """One metric by the values of a column; whether its effect differs between them first."""
    told = [*sentences]
    if found.equal_effects is not None:
        told.append(Message("whether the effect differs between them: p {p}", p=p_of_alike(found)))
    frame = pd.DataFrame([asdict(row) for row in rows])
    return Section(
        title,
        told,
        [_by_value(rows)],
        lambda t: pd.DataFrame([_segment_line(row, t) for row in rows]),
        frame,
    )


def arms_section(arms: Mapping[str, Arm], srm: Srm | None, *more: Message) -> Section:
    """Who is in which arm, what the ledger says of it and *more*."""
    sentences = [arms_sentence(arms)]
    pictures: list[Callable[[Language], str]] = []
    if srm:
        sentences.append(split_sentence(srm))
        people = sum(arm.people for arm in arms.values())
        low, high = split_range(people, srm.share, outside=srm.threshold)
        pictures.append(lambda t: charts.split(srm.observed, low, high, t))
    return Section(
        mark("Who is compared"), [*sentences, *more], pictures, lambda t: arms_table(arms, t), _arms(arms)
    )


def launch_section(found: Power) -> Section:
    """What a holdout could show before anything is sent, and what other shares could."""
    told = [one for one in found.choices if one.smallest_relative is not None]
    frame = pd.DataFrame([asdict(one) for one in found.choices])
    drawn = pd.DataFrame([asdict(one) for one in told])

    def draw(t: Language) -> str:
        return charts.before_launch(drawn.assign(chosen=drawn["holdout"] == found.holdout), t)

    def table(t: Language) -> pd.DataFrame:
        rows = [
            {
                t("share kept back"): share(one.holdout),
                t("people kept back"): f"{one.holdout_people:,}",
                t("smallest lift it could show"): f"+{one.smallest_relative:.0%}",
                t("conversions forgone at that lift"): f"{one.forgone:,.0f}",
            }
            for one in told
        ]
        return pd.DataFrame(rows)

    sentences = [found.sentence]
    if not told:
        return Section(mark("The next holdout"), sentences, frame=frame)
    return Section(mark("The next holdout"), sentences, [draw], table, frame)


def in_mode(measured: Measured, t: Language) -> str:
    """The mode, as titles say it."""
    return t(_MODES.get(measured.mode, measured.mode))


def arms_table(arms: Mapping[str, Arm], t: Language) -> pd.DataFrame:
    """Both arms as people read them."""
    names = {"treated": t("treated"), "holdout": t("holdout")}
    heads = (t("arm"), t("people"), t("reached"))
    return pd.DataFrame([(names[n], a.people, a.reached) for n, a in arms.items()], columns=list(heads))


def _arms(arms: Mapping[str, Arm]) -> pd.DataFrame:
    return pd.DataFrame([{"arm": name, **asdict(arm)} for name, arm in arms.items()])


# -- lines of tables -----------------------------------------------------------------------


def _line(effect: Effect, t: Language) -> dict[str, str]:
    return {
        t("outcome"): t.render(label_of(effect)),
        t("treated, for 1,000"): _thousand(effect.treated, effect.kind),
        t("holdout, for 1,000"): _thousand(effect.holdout, effect.kind),
        t("difference (95%)"): _span(effect.difference, effect.low, effect.high, effect.kind, t),
        t("relative"): "–" if effect.relative is None else f"{effect.relative:+.1%}".replace("-", "−"),
        t("in all"): _signed(effect.incremental, effect.kind, whole=True),
        t("p"): p_in_words(effect.p_value, exact=effect.holdout_buyers >= FEW).removeprefix("= "),
        t("cost of each"): "–" if effect.cost_per_incremental is None else _yuan(effect.cost_per_incremental),
    }


def _days(days: Sequence[Day], t: Language) -> pd.DataFrame:
    rows = [
        {
            t("until"): f"{datetime.fromisoformat(day.at):%m-%d %H:%M}",
            t("treated, for 1,000"): _thousand(day.treated, "conversion"),
            t("holdout, for 1,000"): _thousand(day.holdout, "conversion"),
            t("relative lift that is possible (99%)"): _band(day, t),
        }
        for day in days
    ]
    return pd.DataFrame(rows)


def _band(day: Day, t: Language) -> str:
    low = "−100%" if day.relative_low is None else f"{day.relative_low:+.0%}".replace("-", "−")
    high = "∞" if day.relative_high is None else f"{day.relative_high:+.0%}".replace("-", "−")
    return t("{low} to {high}", low=low, high=high)


def _segment_line(row: SegmentRow, t: Language) -> dict[str, str]:
    return {
        row.column: _value(row, t),
        t("treated"): f"{row.treated_people:,}",
        t("holdout"): f"{row.holdout_people:,}",
        t("treated, for 1,000"): _thousand(row.treated, "conversion"),
        t("holdout, for 1,000"): _thousand(row.holdout, "conversion"),
        t("difference"): _span(row.difference, row.low, row.high, "conversion", t),
        t("p (Holm)"): p_in_words(row.p_holm, exact=False).removeprefix("= "),
    }


def _value(row: SegmentRow, t: Language) -> str:
    return t("all others") if row.value is None else row.value or t("(empty)")


def _thousand(value: float | None, kind: str) -> str:
    if value is None:
        return "–"
    return _yuan(value * _PEOPLE) if kind == "revenue" else f"{value * _PEOPLE:,.1f}"


def _signed(value: float, kind: str, *, whole: bool = False) -> str:
    shown = (
        _yuan(abs(value)) if kind == "revenue" else f"{abs(value):,.0f}" if whole else f"{abs(value):,.1f}"
    )
    return signed(value, shown)


def _yuan(value: float) -> str:
    return money(round(Decimal(str(value)), 2))


def _span(value: float | None, low: float | None, high: float | None, kind: str, t: Language) -> str:
    if value is None:
        return "–"
    shown = [None if each is None else _signed(each * _PEOPLE, kind) for each in (value, low, high)]
    if shown[1] is None or shown[2] is None:
        return str(shown[0])
    told = t("{n} ({low} to {high})", n=shown[0], low=shown[1], high=shown[2])
    return told.replace(" ", "\N{NO-BREAK SPACE}")


# -- pictures ------------------------------------------------------------------------------

_Point = tuple[Callable[[Language], str], float | None, float | None, float | None]


def _of_effect(effect: Effect) -> _Point:
    return (lambda t: t.render(label_of(effect))), effect.difference, effect.low, effect.high


def _drawn(points: Sequence[_Point], unit: str) -> Callable[[Language], str]:
    def draw(t: Language) -> str:
        rows = [
            (label(t), *(None if v is None else v * _PEOPLE for v in values)) for label, *values in points
        ]
        return charts.differences(
            pd.DataFrame(rows, columns=["label", "difference", "low", "high"]), t, unit=unit
        )

    return draw


def _by_value(rows: Sequence[SegmentRow]) -> Callable[[Language], str]:
    # Without an interval a point says nothing, and those of few people lie far out.
    points = [
        ((lambda t, row=row: _value(row, t)), r.difference, r.low, r.high) for row in rows for r in [row]
    ]
    return _drawn([point for point in points if point[2] is not None] or points, "conversions")


def _curves(found: Measured) -> Callable[[Language], str]:
    assert found.window is not None
    days = pd.DataFrame([asdict(day) for day in found.days])
    days["at"] = pd.to_datetime([datetime.fromisoformat(at) for at in days["at"]], utc=True)
    zone = found.outcomes.timezone
    days["at"] = days["at"].dt.tz_convert(zone)
    ends = pd.Timestamp(found.window.ends_at).tz_convert(zone)
    return lambda t: charts.over_time(days, t, ends=ends, zone=zone)
