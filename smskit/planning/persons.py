"""
Who a row of a segment is: one answer for those who are planned and for those who are not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.audience.identity import known_ids
from smskit.i18n import Message
from smskit.message.variables import format_column
from smskit.planning.spec import CampaignSpec

__all__ = ["persons_of"]


def persons_of(
    spec: CampaignSpec, frame: pd.DataFrame, phones: NDArray[np.int64]
) -> tuple[pa.Array, Sequence[Message]]:
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
    return pc.if_else(known.ids.is_null(), by_phone, known.ids), known.notices
