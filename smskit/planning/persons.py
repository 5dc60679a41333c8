"""
Who a row of a segment is: one answer for those who are planned and for those who are not.

Also what there is to say of rows about one person that disagree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.audience.columns import Columns
from smskit.audience.identity import known_ids
from smskit.audience.noticed import Noticed
from smskit.audience.persons import Copies
from smskit.audience.phones import mask
from smskit.audience.rules.values import show_cells
from smskit.i18n import Message
from smskit.message.values import format_column
from smskit.planning.spec import CampaignSpec

__all__ = ["notices_of_copies", "persons_of"]


def persons_of(
    spec: CampaignSpec, frame: Columns, phones: NDArray[np.int64]
) -> tuple[pa.Array, Sequence[Noticed]]:
    """
    Who each of the n rows of *frame* is: the user id, or the phone where none names anybody.

    Args:
        phones: n times E.164 digits, 0 = none.

    Returns:
        n texts, "" = nobody; and what to know about the ids.
    """
    known = known_ids(frame[spec.user_id], format_column(frame[spec.user_id])) if spec.user_id else None
    if known is not None and not known.ids.null_count:
        return known
    by_phone = pc.fill_null(pa.array(phones, mask=phones == 0).cast(pa.large_string()), "")
    if known is None:
        return by_phone, ()
    return pc.if_else(known.ids.is_null(), by_phone, known.ids), known.noticed


def notices_of_copies(
    copies: Copies,
    phones: NDArray[np.int64],
    values: Mapping[str, pa.Array],
    kept: NDArray[np.bool_],
    left_out: NDArray[np.bool_],
) -> Iterator[Message]:
    """
    A notice for each variable of which copies that are *left_out* have another value than the row *kept*.

    Args:
        phones: n times E.164 digits; of each variable n *values*; masks of n entries.
    """
    rows, of = copies.beside(kept, left_out)
    for name, column in values.items():
        theirs, ours = column.take(pa.array(rows)), column.take(pa.array(of))
        differ = np.flatnonzero(pc.fill_null(pc.not_equal(theirs, ours), False))
        if len(differ):
            first = int(differ[0])
            yield Message(
                "Left out as copies, {n:,} rows have another `{name}` than the row that is planned, "
                "such as {phone}: {copy} beside {planned}; the planned row is what goes out",
                n=len(differ),
                name=name,
                phone=mask(str(phones[of[first]])),
                copy=show_cells([theirs[first].as_py()]),
                planned=show_cells([ours[first].as_py()]),
            )
