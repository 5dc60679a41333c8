"""A column of any kind that a frame or a file may have: read, looked at, or refused in words."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import smskit
from smskit.audience import segment
from smskit.audience.explore.pictures import picture_of
from smskit.audience.explore.profile import profile_of
from smskit.audience.paging import FrameRows
from smskit.audience.rules import RuleCache, Source, parse
from smskit.errors import SmskitError

KINDS = {
    "never": [datetime(9999, 12, 31), datetime(2026, 1, 1)],
    "lists": [[1], [2]],
    "mappings": [{"a": 1}, None],
    "bytes": [b"\xe5\xbc\xa0", b"\xff"],
    "complex numbers": [1 + 2j, 1],
    "months": pd.PeriodIndex(["2026-01", "2026-02"], freq="M"),
    "spans": pd.arrays.IntervalArray.from_breaks([0, 1, 2]),
    "mostly nothing": pd.arrays.SparseArray([1.0, 2.0]),
    "half floats": np.array([20.9, 1], "float16"),
    "objects": [object(), object()],
    "nested": pd.Series([{"a": 1}, None], dtype=pd.ArrowDtype(pa.struct([("a", pa.int64())]))),
    "binary": pd.Series([b"\xff", None], dtype=pd.ArrowDtype(pa.binary())),
}


@pytest.mark.parametrize("cells", KINDS.values(), ids=KINDS)
def test_a_column_of_any_kind_ends_in_a_sentence(cells: Any) -> None:
    """It is looked at, filtered by, sorted, or refused in words; nothing else of the frame suffers."""
    frame = pd.DataFrame({"phone": ["13800000001", "13800000002"], "v": cells})
    now = datetime(2026, 1, 31, tzinfo=UTC)
    cache = RuleCache(frame, now)
    profile = profile_of(frame, cache, phone="phone")

    assert profile.reached(np.ones(2, np.bool_)) == 2
    assert len(profile.table()) == 2
    picture_of(frame, cache, profile.columns["v"])
    assert FrameRows(frame).page(0, 2, search="no such", sort="v").total == 0
    assert len(smskit.filter_segment(frame, {"column": "phone", "op": "not_null"})) == 2
    for rule in ({"op": "is_null"}, {"op": "==", "value": "a"}, {"op": ">", "value": 1}):
        with suppress(SmskitError):
            smskit.filter_segment(frame, {"column": "v", **rule})
            parse({"column": "v", **rule}).unread(Source(frame, now))


def test_text_that_parquet_calls_binary_is_text(tmp_path: Path) -> None:
    """As Impala writes it; letters that are lost have their sign, so that nobody gets them."""
    pd.DataFrame({"name": [b"\xe5\xbc\xa0\xe4\xb8\x89", b"\xff", None]}).to_parquet(tmp_path / "a.parquet")

    assert segment.load(str(tmp_path / "a.parquet"))["name"].tolist()[:2] == ["张三", "\ufffd"]
