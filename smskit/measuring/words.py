"""
A measurement as lines that people read: the sentence of each effect first, then who was compared and how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

from smskit.i18n import Language, Message
from smskit.i18n.figures import moment, money, share, signed
from smskit.measuring.result import ADJUSTED, Arm, Cost, Effect, InterimRow, Measured, SegmentRow, Srm
from smskit.measuring.statistics import smallest_loss
from smskit.planning.power import smallest_difference

__all__ = [
    "FEW",
    "arms_sentence",
    "effect_sentence",
    "interim_sentence",
    "label_of",
    "larger_holdout",
    "lines_of",
    "p_in_words",
    "p_of_alike",
    "reached_sentence",
    "rows_sentence",
    "segment_sentence",
    "split_sentence",
    "window_sentence",
]

_SHARES: Final = (0.05, 0.1, 0.2, 0.5)  # to keep back
FEW: Final = 25  # conversions of a holdout, below which the far tail of p is twice too thin
_REACHED: Final = 0.98  # of the treated; above it an effect per person reached is the effect


def lines_of(measured: Measured, t: Language) -> Iterator[str]:
    """All of it, a line each."""
    title = Message("{campaign} ({mode})", campaign=measured.campaign, mode=t(measured.mode))
    yield t(title)
    if measured.refused:
        yield "  " + t("no answer: {why}", why=measured.refused.text)
    for effect in measured.effects:
        yield "  " + t(effect_sentence(effect, measured))
    for hint in filter(None, (reached_sentence(measured), larger_holdout(measured))):
        yield "  " + t(hint)
    if measured.interim:
        yield "  " + t(interim_sentence(measured.interim))
    yield "  " + t(arms_sentence(measured.arms))
    if measured.srm:
        yield "  " + t(split_sentence(measured.srm))
    if measured.window:
        yield "  " + t(window_sentence(measured))
    yield "  " + t(rows_sentence(measured))
    for row in (*(measured.segments or ()), *(measured.cohorts or ())):
        yield "    " + t(segment_sentence(row))
    if measured.equal_effects is not None:
        yield "  " + t("whether the effect differs between them: p {p}", p=p_of_alike(measured))
    for notice in measured.notices:
        yield "  " + t("notice: {why}", why=notice.text)


def label_of(effect: Effect) -> str:
    """What an effect is of: the two that a table of events has in words, a column as it is called."""
    known = {"conversion": Message("conversion"), "revenue": Message("revenue")}
    metric = known.get(effect.metric, effect.metric)
    return Message("{metric}, adjusted", metric=metric) if effect.method == ADJUSTED else metric


def p_of_alike(measured: Measured) -> str:
    """The p-value of the effect being the same everywhere, as it may be shown."""
    exact = bool(measured.effects) and measured.effects[0].holdout_buyers >= FEW
    return p_in_words(measured.equal_effects, exact=exact)


def reached_sentence(measured: Measured) -> Message | None:
    """The effect per person reached, by its own name and condition; None where it says nothing more."""
    found = next((e for e in measured.effects if e.kind == "conversion"), None)
    treated = measured.arms["treated"]
    if found is None or not found.significant or found.low is None or found.high is None:
        return None
    if not 0 < treated.reached < _REACHED * treated.people:
        return None
    each = 1_000 * treated.people / treated.reached
    return Message(
        "per person reached, if a message that does not arrive does nothing: {n} for 1,000 (95%: {low} to "
        "{high})",
        n=_signed(found.difference * each),
        low=_signed(found.low * each),
        high=_signed(found.high * each),
    )


def _signed(n: float) -> str:
    return signed(n, f"{abs(n):,.1f}")


def effect_sentence(effect: Effect, measured: Measured) -> Message:
    """What one effect says, the absolute figures first; before the window is over, only what was seen."""
    if effect.kind == "revenue":
        return _revenue(effect)
    rates = Message(
        "{treated} of the treated, {holdout} of the holdout",
        treated=share(effect.treated),
        holdout=share(effect.holdout),
    )
    if effect.incremental_low is None or effect.incremental_high is None:
        return Message("{metric} so far: {rates}", metric=label_of(effect), rates=rates)
    first = _change(effect, rates, _conversions, lambda n: f"{n:,.0f}")
    if not effect.significant:
        return first
    if effect.cost_per_incremental is None:
        return first
    return Message(
        "{what}; for {yuan}: {each} each ({low} to {high})",
        what=first,
        yuan=_cost(measured.cost),
        each=money(str(effect.cost_per_incremental)),
        low=_yuan(effect.cost_per_incremental_low),
        high=_yuan(effect.cost_per_incremental_high),
    )


def _change(
    effect: Effect, rates: Message, words: Callable[[float], Message], figure: Callable[[float], str]
) -> Message:
    """
    How much more or less it was in all, or between what it may be.

    Args:
        words: A number with its direction in words.
        figure: One without it, where the direction is told already.
    """
    low, high = effect.incremental_low, effect.incremental_high
    assert low is not None
    assert high is not None
    told = {"metric": label_of(effect), "rates": rates}
    if not effect.significant:
        return Message(
            "{metric}: it cannot be told: between {low} and {high} (95%); {rates}",
            **told,
            low=words(low),
            high=words(high),
        )
    least, most = sorted((abs(low), abs(high)))  # both of one sign
    return Message(
        "{metric}: about {n} than without the message (95%: {low} to {high}); {rates}, p {p}",
        **told,
        n=words(effect.incremental),
        low=figure(least),
        high=figure(most),
        p=p_in_words(effect.p_value, exact=effect.holdout_buyers >= FEW),
    )


def larger_holdout(measured: Measured) -> Message | None:
    """What a larger holdout would find, of a conversion that cannot be told; None = nothing."""
    found = [
        e for e in measured.effects if e.method == "newcombe" and e.significant is False and e.holdout > 0
    ]
    treated, held = measured.arms["treated"].people, measured.arms["holdout"].people
    larger = [share for share in _SHARES if share > 1.5 * held / (treated + held)]
    if not found or not larger:
        return None
    kept = round((treated + held) * larger[0])
    least = smallest_difference(treated + held - kept, kept, found[0].holdout)
    if least is None:
        return None
    return Message(
        "a holdout of {share} of as many people finds a lift of {lift} four times of five",
        share=f"{larger[0]:.0%}",
        lift=f"+{least / found[0].holdout:.0%}",
    )


def _conversions(n: float) -> Message:
    if round(n) < 0:
        return Message("{n:,} fewer conversions", n=-round(n))
    return Message("{n:,} more conversions", n=round(n))


def _cost(cost: Cost) -> Message | str:
    """What it cost; a range where it is not known of all messages whether they were taken."""
    if not cost.unknown_parts:
        return money(cost.yuan)
    return Message(
        "{low} to {high} ({n:,} parts may be billed or not)",
        low=money(cost.yuan),
        high=money(cost.yuan_high),
        n=cost.unknown_parts,
    )


def _yuan(value: float | None) -> str:
    return "∞" if value is None else money(str(value))


def _revenue(effect: Effect) -> Message:
    means = Message(
        "{treated} a treated person, {holdout} a person held back",
        treated=money(str(effect.treated)),
        holdout=money(str(effect.holdout)),
    )
    if effect.incremental_low is None or effect.incremental_high is None:
        return Message("{metric} so far: {rates}", metric=label_of(effect), rates=means)
    return _change(effect, means, _earned, lambda n: money(str(n)))


def _earned(n: float) -> Message:
    if n < 0:
        return Message("{yuan} less", yuan=money(str(-n)))
    return Message("{yuan} more", yuan=money(str(n)))


def interim_sentence(interim: InterimRow) -> Message:
    """What may be looked at before the end."""
    bounds = {
        "low": "−∞" if interim.incremental_low is None else _whole(interim.incremental_low),
        "high": "∞" if interim.incremental_high is None else _whole(interim.incremental_high),
    }
    if interim.decided:
        return Message(
            "on any day, by the interim at 99%: it is decided, between {low} and {high} more conversions",
            **bounds,
        )
    return Message(
        "on any day, by the interim at 99%: not decided yet, between {low} and {high} more conversions",
        **bounds,
    )


def _whole(n: float) -> str:
    return f"{round(n):,}".replace("-", "−")


def p_in_words(p: float | None, *, exact: bool) -> str:
    """
    A p-value as it may be shown.

    Args:
        exact: Whether the tail below 0.01 is as thick as it says; with a small holdout it is not.
    """
    if p is None:
        return "–"
    if p < 0.01 and not exact:
        return "< 0.01"
    return "< 0.0001" if p < 0.0001 else f"= {p:.2g}"


def arms_sentence(arms: Mapping[str, Arm]) -> Message:
    """Who is compared."""
    treated, held = arms["treated"], arms["holdout"]
    return Message(
        "{n:,} treated, {reached:,} of them reached; {m:,} held back; everybody counts as assigned",
        n=treated.people,
        reached=treated.reached,
        m=held.people,
    )


def split_sentence(srm: Srm) -> Message:
    """Whether the split is the one that was drawn."""
    numbers = {
        "n": srm.observed,
        "m": round(srm.expected),
        "share": share(srm.share),
        "p": p_in_words(srm.p_value, exact=True),
    }
    if srm.ok:
        what = Message("split as drawn: {n:,} held back, {m:,} expected at {share}, p {p}", **numbers)
        loss = smallest_loss(srm.expected, srm.share)
        if loss >= 1:
            return Message("{what}; of so few people that proves nothing", what=what)
        return Message(
            "{what}; it shows whether {loss} of the holdout or more are missing",
            what=what,
            loss=f"{loss:.0%}",
        )
    return Message("split NOT as drawn: {n:,} held back, {m:,} expected at {share}, p {p}", **numbers)


def window_sentence(measured: Measured) -> Message:
    """From when to when."""
    window = measured.window
    assert window is not None
    zone = measured.outcomes.timezone
    starts, ends = (datetime.fromisoformat(at) for at in (window.starts_at, window.ends_at))
    return Message(
        "window of {length}: {start} to {end}; times without a zone are {zone}",
        length=window.length,
        start=moment(starts, named=False),
        end=moment(ends, named=False),
        zone=zone,
    )


def rows_sentence(measured: Measured) -> Message:
    """What became of the rows of the table."""
    rows = measured.outcomes
    treated, held = measured.named
    return Message(
        "table: {rows:,} rows, {duplicates:,} of them copies; it names {treated:,} treated people and "
        "{held:,} held back, of whose rows {used:,} are used, {before:,} before and {after:,} after the "
        "window; {unknown:,} people are in neither arm",
        treated=treated,
        held=held,
        rows=rows.rows,
        duplicates=rows.duplicates,
        used=rows.used,
        before=rows.before,
        after=rows.after,
        unknown=rows.unknown_people,
    )


def segment_sentence(row: SegmentRow) -> Message:
    """The first metric among the people of one value."""
    value = Message("all others") if row.value is None else row.value or Message("(empty)")
    numbers = {
        "column": row.column,
        "value": value,
        "n": row.treated_people,
        "m": row.holdout_people,
        "treated": share(row.treated),
        "holdout": share(row.holdout),
    }
    if row.low is None or row.high is None or row.difference is None:
        return Message(
            "{column} {value}: {n:,} treated {treated}, {m:,} held back {holdout}; too few for an interval",
            **numbers,
        )
    return Message(
        "{column} {value}: {n:,} treated {treated}, {m:,} held back {holdout}; {difference} ({low} to "
        "{high})",
        **numbers,
        difference=share(row.difference),
        low=share(row.low),
        high=share(row.high),
    )
