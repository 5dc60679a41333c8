"""A number of a file goes out, and is compared, with all its digits, however many a float would keep."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, localcontext
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smskit.audience import segment
from smskit.audience.rules import parse
from smskit.audience.segment.cells import Kinds, frame_of
from smskit.audience.segment.files import Files
from smskit.message.values import format_column
from tests.profiles import examples

NOW = datetime(2026, 1, 31, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
NUMBERS = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places),
    st.one_of(st.integers(-9999, 9999), st.integers(10**15, 10**20 - 1), st.just(2**53 + 1)),
    st.integers(0, 6),
)


def shortest(number: Decimal | None) -> str | None:
    """As people write it: no zeros behind its last digit."""
    if number is None:
        return None
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=st.lists(st.one_of(st.none(), NUMBERS), min_size=1, max_size=8))
def test_decimals_keep_their_digits(numbers: list[Decimal | None], tmp_path: Path) -> None:
    """Of parquet, whole or in parts, and of a query; a rule finds each by its own value and no other."""
    places = [tmp_path / "1.parquet", tmp_path / "2.parquet"]
    for place, some in zip(places, (numbers[:1], numbers[1:]), strict=True):
        pq.write_table(pa.table({"v": pa.array(some, pa.decimal128(38, 10)), "n": [1] * len(some)}), place)
    files = Files("", tuple(map(str, places)))
    whole = files.read_all(None, ())
    parts = [files.read([piece], None, ()) for part in files.parts(1) for piece in part]
    query = frame_of({"v": numbers}, ["v"], (), kinds={"v": Kinds(numbers)})
    expected = [shortest(number) for number in numbers]

    assert format_column(whole["v"]).to_pylist() == expected
    for dtype in (pa.decimal128(12, 2), pa.decimal128(38, 30)):
        if all(n is None or (abs(n) < 10**7 and n == round(n, 2)) for n in numbers):
            pq.write_table(pa.table({"v": pa.array(numbers, dtype)}), tmp_path / "3.parquet")
            alone = segment.load(str(tmp_path / "3.parquet"))["v"]
            assert alone.dtype == "float64"
            assert alone.dropna().tolist() == [float(n) for n in numbers if n is not None]
    assert [text for part in parts for text in format_column(part["v"]).to_pylist()] == expected
    assert format_column(query["v"]).to_pylist() == expected
    for frame in (whole, query):
        for number in filter(None, numbers):
            same = [other == number for other in numbers]
            rule = parse({"column": "v", "op": "==", "value": shortest(number)})
            if _is_exact(number):
                assert rule.mask(frame, now=NOW).tolist() == same


def _is_exact(number: Decimal) -> bool:
    """Whether a rule's value, a whole number or a float, can be that number."""
    with localcontext() as context:
        context.prec = 60
        return number == number.to_integral_value() or len(number.as_tuple().digits) <= 15


@pytest.mark.parametrize(
    ("cells", "kind", "texts"),
    [
        ([2**63 + 5, None], pa.uint64(), ["9223372036854775813", None]),
        ([2**53 + 1, None], pa.int64(), ["9007199254740993", None]),
        ([2**53 + 1, 2], pa.uint64(), ["9007199254740993", "2"]),
    ],
)
def test_whole_numbers_beside_empty_cells(
    cells: list[int | None], kind: pa.DataType, texts: list[str | None], tmp_path: Path
) -> None:
    """No empty cell makes floats of the others."""
    pq.write_table(pa.table({"v": pa.array(cells, kind)}), tmp_path / "a.parquet")
    frame = segment.load(str(tmp_path / "a.parquet"))
    first = parse({"column": "v", "op": "==", "value": cells[0]})

    assert format_column(frame["v"]).to_pylist() == texts
    assert np.flatnonzero(first.mask(frame, now=NOW)).tolist() == [0]


def test_whole_numbers_beside_fractions() -> None:
    """A query's column of both keeps what a float cannot hold as text, which rules read as numbers."""
    frame = frame_of({"v": [2**60 + 1, 0.5, None]}, ["v"], ())

    assert format_column(frame["v"]).to_pylist() == ["1152921504606846977", "0.5", None]
    assert frame_of({"v": [7, 0.5]}, ["v"], ())["v"].dtype == "float64"
    assert isinstance(frame, pd.DataFrame)


@pytest.mark.parametrize("kind", ["float32", "Float32", "category", "float[pyarrow]"])
def test_a_float_of_fewer_bits_is_what_it_says(kind: str) -> None:
    """The price that a message shows is the one that a rule finds."""
    cells = pd.Series([20.9, None, 0.1, 3.0], dtype="float32")
    frame = pd.DataFrame({"v": cells.astype(kind)})

    assert format_column(frame["v"]).to_pylist() == ["20.9", None, "0.1", "3"]
    for op, value, expected in (
        ("==", 20.9, [0]),
        (">=", 20.9, [0]),
        ("<=", "0.1", [2]),
        ("is_null", None, [1]),
    ):
        rule = parse({"column": "v", "op": op, "value": value})
        assert np.flatnonzero(rule.mask(frame, now=NOW)).tolist() == expected


@pytest.mark.parametrize(
    ("by", "day"), [("parquet-mr version 1.13.1", "2026-01-05"), ("impala version 4.1.0", "2026-01-04")]
)
@pytest.mark.parametrize("folder", [False, True], ids=["file", "folder"])
def test_times_of_spark_are_in_utc(by: str, day: str, folder: bool, tmp_path: Path) -> None:
    """Its INT96 says no zone: half past two in Shanghai stands there as the evening before."""
    place = tmp_path / "a.parquet"
    table = pa.table({"at": pa.array([datetime(2026, 1, 4, 18, 30), None]), "n": [1, 2]})
    pq.write_table(table, place, use_deprecated_int96_timestamps=True)
    written = str(pq.ParquetFile(place).metadata.created_by).encode()
    # The library's name is a text with its length before it, so it is written over.
    place.write_bytes(place.read_bytes().replace(written, by.encode().ljust(len(written))))
    frame = segment.load(str(tmp_path if folder else place))

    assert format_column(frame["at"], zone=NOW.tzinfo).to_pylist() == [day, None]
    assert parse({"column": "at", "op": "after", "value": "2026-01-04"}).mask(frame, now=NOW).tolist() == [
        day == "2026-01-05",
        False,
    ]
