"""
What an analyst calls from a cell: a segment read, filtered, and its phones normalised; frames in, frames out.

Campaigns do the same by parameters (`segment`, `rules`, `phone`), with the same answers.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa

from smskit.audience import phones, segment
from smskit.audience.rules import parse
from smskit.errors import InputError
from smskit.models import TIMEZONE, Reason

__all__ = ["filter_segment", "normalise_phones", "read_segment"]

_REASONS = np.array([reason.label if reason else "" for reason in Reason], object)


def read_segment(
    source: str,
    *,
    query: str = "",
    sheet: str = "",
    heading_row: int = 0,
    text_columns: Collection[str] = ("phone", "user_id"),
    columns: Collection[str] | None = None,
) -> pd.DataFrame:
    """
    The segment that *source* names: one row per row of it, in its order.

    Columns of a csv are text as written; parquet and SQL keep their types. What there is to know of how it
    was read, such as hidden rows of a sheet that were left out, is in ``frame.attrs["notices"]``. It may
    hold full phone numbers: look at it with `normalise_phones`, which masks them.

    >>> import smskit
    >>> people = smskit.read_segment("sample_segments/clean.csv", columns=["phone", "level"])
    >>> people["level"].value_counts().to_dict()["gold"]
    34

    Args:
        source: A csv, tsv, txt, parquet or xlsx file, looked for from the working folder up to the
            project's root; a SQLAlchemy URL without a password; or ``env:NAME``, a variable holding one.
        query: One SELECT, for a database.
        sheet: The name of a workbook's sheet; "" = the one visible sheet that has the columns.
        heading_row: The number of the row that names the columns; 0 = the first, or the first below a title.
        text_columns: Read as text, so that 13800000000 and 13800000000.0 are both ``13800000000``.
        columns: Read no others; None reads all.

    Raises:
        SegmentError: not found, not readable, a row with too many or too few cells, an unknown column.
    """
    return segment.load(
        source,
        query=query,
        sheet=sheet,
        heading_row=heading_row,
        text_columns=text_columns,
        columns=columns,
    )


def filter_segment(
    frame: pd.DataFrame, rules: Any, *, now: datetime | None = None, timezone: str = TIMEZONE
) -> pd.DataFrame:
    """
    The rows of *frame* that the rules keep, with their index; the frame is not changed.

    >>> import pandas as pd, smskit
    >>> people = pd.DataFrame({"level": ["gold", "normal", None], "spend": ["1200", "80", "900"]})
    >>> smskit.filter_segment(people, [{"column": "spend", "op": ">=", "value": 500}])
      level spend
    0  gold  1200
    2   NaN   900
    >>> smskit.filter_segment(people, {"not": {"column": "level", "op": "==", "value": "gold"}})
        level spend
    1  normal    80

    Args:
        rules: As parameter `rules` has it: ``{all: [...]}``, ``{any: [...]}``, ``{not: rule}``,
            ``{column, op, value}``, or a list, which means all.
        now: Aware; what ``within_days`` counts from. None = this moment in *timezone*.
        timezone: In which times without a zone are understood.

    Raises:
        RuleError: a rule is malformed, a column is missing, or its type cannot meet the value.
    """
    moment = now or datetime.now(ZoneInfo(timezone))
    return frame[parse(rules).mask(frame, now=moment)]


def normalise_phones(column: Any, *, reveal: bool = False) -> pd.DataFrame:
    """
    The phone of every cell of *column*, or the reason there is none; as a campaign reads them.

    >>> import pandas as pd, smskit
    >>> smskit.normalise_phones(pd.Series(["+852 5123 4567", "n/a", "010-12345678"]))
      phone              reason
    0   NaN  unsupported_region
    1   NaN            no_phone
    2   NaN           bad_phone
    >>> smskit.normalise_phones(["138 0013 8000"])["phone"].tolist()
    ['138****8000']

    Args:
        column: Text, numbers or a mix: a pandas Series, a list, an arrow array.
        reveal: Show E.164 (``+8613800138000``) instead of the masked number.

    Returns:
        Columns ``phone`` (missing where there is none) and ``reason`` ("" where there is a phone, else
        ``no_phone``, ``bad_phone`` or ``unsupported_region``); one row per cell, with a Series' index.

    Raises:
        InputError: *column* is a frame, or no column at all.
    """
    cells = pd.Series(column, dtype=object) if isinstance(column, list | tuple) else column
    if not isinstance(cells, pd.Series | pa.Array | pa.ChunkedArray):
        raise InputError(
            "phones come as one column, not as {kind}; choose one, such as frame['phone']",
            kind=type(column).__name__,
        )
    found = phones.normalise(cells)
    shown = (phones.e164_column if reveal else phones.mask_column)(found.e164)
    frame = pd.DataFrame({"phone": pd.Series(shown, dtype="str"), "reason": _REASONS[found.reason]})
    return frame.set_axis(cells.index) if isinstance(cells, pd.Series) else frame
