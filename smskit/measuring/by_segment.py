"""
Effects by segment: the first metric among the people of each value of a column.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.audience import phones
from smskit.audience.paging import arrow_of, text_of
from smskit.audience.persons import Places
from smskit.audience.segment.names import matched
from smskit.errors import InputError, suggest
from smskit.i18n import Message
from smskit.ledger import CampaignRow
from smskit.measuring import statistics
from smskit.measuring.arms import Arms
from smskit.measuring.asking import Asked
from smskit.measuring.effects import counts_of
from smskit.measuring.result import SegmentRow
from smskit.measuring.statistics import Counts
from smskit.planning.persons import persons_of
from smskit.planning.source import NO_COLUMN, segment_frames, segment_names
from smskit.planning.spec import CampaignSpec

__all__ = ["by_value", "cells_of", "demand_columns"]

_MOST: Final = 8  # values; with 16 the error of them all together is no longer 5 %
_EXPECTED: Final = 5  # conversions of a value's holdout, for it to count


def demand_columns(
    row: CampaignRow,
    arms: Arms,
    columns: Collection[str],
    asked: Asked,
) -> None:
    """
    Refuse a column that `cells_of` would not find, where nothing is made of it yet.

    Raises:
        InputError: as `cells_of` has it.
    """
    read = set(columns) if asked.segments else set(columns) - set(arms.kept)
    if not read:
        return
    names = segment_names(_table_of(row, asked.segments), environ=asked.environ, file=asked.file)
    for name in sorted(read - set(matched(names, read))):
        raise InputError(suggest(Message(NO_COLUMN, name=name), name, names))


def cells_of(
    row: CampaignRow,
    arms: Arms,
    columns: Collection[str],
    asked: Asked,
) -> dict[str, pa.Array]:
    """
    What *columns* say of each of the n people: as the campaign kept them, else as a table has them now.

    That is ``asked.segments``, with the campaign's columns of persons and phones, else its own segment.

    Returns:
        Column -> n texts; null = missing.

    Raises:
        InputError: there is no such column, or the table cannot be read.
    """
    kept = {} if asked.segments else {name: arms.kept[name] for name in columns if name in arms.kept}
    if len(kept) == len(set(columns)):
        return kept
    spec = _table_of(row, asked.segments)
    read = [name for name in columns if name not in kept]
    of_arms = Places(arms.persons)
    persons, cells = list[pa.Array](), {name: list[pa.Array]() for name in read}
    for frame in segment_frames(spec, read, environ=asked.environ, file=asked.file):
        these, _ = persons_of(spec, frame, phones.normalise(frame[spec.phone]).e164)
        here = pc.is_valid(of_arms.of(these))
        persons.append(these.filter(here))
        for name in read:
            cells[name].append(text_of(arrow_of(frame[name])).filter(here))
    # Of several rows of one person the first one speaks.
    at = Places(_joined(persons)).of(arms.persons)
    return kept | {name: _joined(found).take(at) for name, found in cells.items()}


def _table_of(row: CampaignRow, segments: str) -> CampaignSpec:
    """The campaign's parameters with the table in which its people are looked up."""
    spec = CampaignSpec.as_started(row.spec)
    more = {"segment": segments, "segment_query": "", "sheet": "", "heading_row": 0} if segments else {}
    return spec.model_copy(update=more)


def _joined(columns: list[pa.Array]) -> pa.Array:
    return pa.chunked_array(columns, pa.large_string()).combine_chunks()


def by_value(
    column: str,
    cells: pa.Array,
    metric: str,
    converted: NDArray[np.bool_],
    arms: Arms,
    *,
    most: int = _MOST,
) -> tuple[list[SegmentRow], float | None]:
    """
    A row for each value that has enough people, the others as one, and whether the effect differs at all.

    Args:
        cells: n texts; null counts as an empty one.
        converted: n flags.
        most: How many values stand by themselves.

    Returns:
        Rows, most people first; the p-value of the effect being the same in all of them, None = it cannot be
        told.
    """
    encoded = pc.fill_null(cells.cast(pa.large_string()), "").dictionary_encode()
    codes, names = np.asarray(encoded.indices).astype(np.int64), encoded.dictionary.to_pylist()
    sizes = np.bincount(codes, minlength=len(names))
    shown = np.argsort(-sizes, kind="stable")[:most]
    strata = [(names[code], codes == code) for code in shown.tolist()]
    if len(names) > most:
        strata.append((None, ~np.isin(codes, shown)))
    each = [(value, counts_of(converted[here], arms.treated[here])) for value, here in strata]
    rate = np.count_nonzero(converted) / max(len(arms), 1)
    counting = [c.holdout * rate >= _EXPECTED and c.treated > 0 for _, c in each]
    k = sum(map(bool, counting))
    p_values = [statistics.score_p(c) for (_, c), counts in zip(each, counting, strict=True) if counts]
    adjusted = iter(zip(p_values, statistics.holm(p_values), strict=True))
    rows = [
        _row(column, value, metric, counts, next(adjusted) if enough else None, k)
        for (value, counts), enough in zip(each, counting, strict=True)
    ]
    return rows, statistics.equal_odds([counts for _, counts in each])


def _row(
    column: str, value: str | None, metric: str, counts: Counts, p: tuple[float, float] | None, k: int
) -> SegmentRow:
    both = counts.treated and counts.holdout
    level = 1 - (1 - statistics.LEVEL) / k if p else None
    low, high = statistics.newcombe(counts, level=level) if level else (None, None)
    return SegmentRow(
        column=column,
        value=None if value is None else phones.hide(value),
        metric=metric,
        treated_people=counts.treated,
        holdout_people=counts.holdout,
        treated=counts.treated_buyers / counts.treated if counts.treated else None,
        holdout=counts.holdout_buyers / counts.holdout if counts.holdout else None,
        difference=counts.difference if both else None,
        low=low,
        high=high,
        level=level,
        p_value=p[0] if p else None,
        p_holm=p[1] if p else None,
        enough=p is not None,
    )
