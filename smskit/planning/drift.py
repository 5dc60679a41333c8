"""
The audience anomaly guard (parameter `drift`): whether a campaign is far from what its own series usually is.

Pure: what the plan adds up to, and what earlier runs did, are handed in. The rule
is stated here and nowhere else. Leaves to others where footprints are kept
(``ledger``, as part of a campaign's summary) and what a finding stops (``campaign``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from smskit.audience.phones import redact
from smskit.i18n import Message, mark

__all__ = ["EXCLUSIONS", "LEAST_RUNS", "LOOKED_AT", "Footprint", "drifted"]

LOOKED_AT: Final = 8  # the last finished runs of the series
LEAST_RUNS: Final = 3  # with fewer, sizes and shares say nothing yet
LEAST_ROWS: Final = 20  # a difference of fewer people is none
LEAST_COVERAGE: Final = 0.1  # columns that were always nearly empty are not compared
LEAST_SHARE: Final = 0.1  # how much more of the segment a reason has to take
# Reasons that tell of the data. Caps, holdouts and earlier messages tell of other campaigns.
EXCLUSIONS: Final = (
    "no_phone",
    "bad_phone",
    "unsupported_region",
    "duplicate_phone",
    "duplicate_user",
    "opted_out",
    "no_consent",
    "missing_variable",
    "bad_variable",
    "text_too_long",
)
_OF_OTHERS: Final = ("already_sent", "frequency_cap")


@dataclass(frozen=True)
class Footprint:
    """
    What one run of a campaign was like.

    Args:
        at: When it finished, epoch seconds; orders the runs of a series.
        counts: What is counted, in words -> how many.
        coverage: Column -> share of rows that have a value; of the phone column those that hold
            a number that can be sent to, of the consent column a plain yes.
        excluded: Reason -> share of the rows left out for it.
    """

    name: str = ""
    at: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    coverage: Mapping[str, float] = field(default_factory=dict)
    excluded: Mapping[str, float] = field(default_factory=dict)
    provider: str = ""
    template_id: str = ""
    template: str = ""

    @classmethod
    def of(
        cls, name: str, summary: Mapping[str, Any], *, provider: str, template_id: str, at: float = 0.0
    ) -> Footprint:
        """The footprint within a campaign's summary, as ``Plan.summary`` makes it."""
        rows, excluded = summary["segment"], summary["excluded"]
        return cls(
            name=name,
            at=at,
            counts={
                mark("rows of the segment"): summary["read"],
                mark("rows that pass the rules"): rows,
                # Who only had enough lately is there, and is to be had another week.
                mark("people to be reached"): summary["planned"]
                + sum(excluded.get(r, 0) for r in _OF_OTHERS),
            },
            coverage=summary.get("coverage", {}),
            excluded={reason: excluded.get(reason, 0) / rows for reason in EXCLUSIONS} if rows else {},
            provider=provider,
            template_id=template_id,
            template=summary["template"],
        )


def drifted(now: Footprint, past: Sequence[Footprint], *, factor: float) -> list[str]:
    """
    What changed, one line each with its numbers; empty when nothing did.

    Each figure is compared with its median over the last `LOOKED_AT` finished runs of
    the series, when there are at least `LEAST_RUNS`:

    * a count that is more than *factor* times, or less than 1/*factor* of the median,
      and differs by at least `LEAST_ROWS`;
    * a column of which less than half as many rows as usual have a value;
    * a reason that takes more than *factor* times its usual share of the rows, and at
      least a tenth of the rows more.

    The text of a template is compared with the last run that used the same template id,
    even if that is the only one.

    Args:
        past: Finished runs of the series, in any order.
        factor: More than 1.
    """
    recent = sorted(past, key=lambda run: (run.at, run.name))[-LOOKED_AT:]
    return [*_text(now, recent), *_figures(now, recent, factor)]


def _text(now: Footprint, recent: Sequence[Footprint]) -> Iterator[Message]:
    same = [r for r in recent if (r.provider, r.template_id) == (now.provider, now.template_id)]
    if now.template_id and same and same[-1].template != now.template:
        yield Message(
            "the text of template {code} changed: in {campaign} it was `{then}`, now it is `{now}`",
            code=now.template_id,
            campaign=same[-1].name,
            then=redact(same[-1].template),
            now=redact(now.template),
        )


def _figures(now: Footprint, recent: Sequence[Footprint], factor: float) -> Iterator[Message]:
    def usual(of: Callable[[Footprint], Mapping[str, float]], name: str) -> tuple[float, int] | None:
        seen = [of(run)[name] for run in recent if name in of(run)]
        return (median(seen), len(seen)) if len(seen) >= LEAST_RUNS else None

    for name, count in now.counts.items():
        if found := usual(lambda run: run.counts, name):
            middle, runs = found
            far = count * factor < middle or count > middle * factor
            if far and abs(count - middle) >= LEAST_ROWS:
                less = mark("{n} {what}, less than 1/{factor} of {usual}, the median of {m} runs")
                more = mark("{n} {what}, more than {factor} times {usual}, the median of {m} runs")
                yield Message(
                    less if count < middle else more,
                    n=count,
                    what=Message(name),
                    factor=f"{factor:g}",
                    usual=f"{middle:g}",
                    m=runs,
                )
    for column, share in now.coverage.items():
        found = usual(lambda run: run.coverage, column)
        if found and found[0] >= LEAST_COVERAGE and share < found[0] / 2:
            words = mark("{share} of the rows have a good `{name}`, {usual} is the median of {n} runs")
            yield _of_rows(words, share, found, name=column)
    for reason, share in now.excluded.items():
        found = usual(lambda run: run.excluded, reason)
        if found and share > found[0] * factor and share - found[0] >= LEAST_SHARE:
            words = mark("{share} of the rows are left out for {code}, {usual} is the median of {n} runs")
            yield _of_rows(words, share, found, code=reason)


def _of_rows(words: str, share: float, found: tuple[float, int], **about: str) -> Message:
    usual, runs = found
    return Message(words, share=f"{share:.1%}", usual=f"{usual:.1%}", n=runs, **about)
