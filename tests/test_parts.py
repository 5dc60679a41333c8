"""Billed parts: exact in UTF-16 units, whatever the text and however arrow stores it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smskit.message import parts

TYPES = [pa.string(), pa.large_string(), pa.string_view()]
# Astral characters often enough to matter.
texts = st.lists(st.one_of(st.none(), st.text(), st.text("a字é🎁𠮷\U0010ffff")))


def utf16(text: str | None) -> int:
    """Return the length the plain way."""
    return len((text or "").encode("utf-16-le")) // 2


@given(texts, st.sampled_from(TYPES), st.data())
def test_units_are_utf16_units(cells: list[str | None], kind: pa.DataType, data: st.DataObject) -> None:
    """Every slice of an arrow column counts as the standard library encodes it; null is 0."""
    start = data.draw(st.integers(0, len(cells)))
    stop = data.draw(st.integers(start, len(cells)))
    column = pa.array(cells, kind).slice(start, stop - start)
    expected = [utf16(cell) for cell in cells[start:stop]]

    assert parts.units(column).tolist() == expected
    assert parts.units(pa.chunked_array([column, column.slice(1)])).tolist() == expected + expected[1:]
    assert [parts.units_of(cell or "") for cell in cells[start:stop]] == expected


def test_units_of_several_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns longer than a slice are put together in order."""
    monkeypatch.setattr(parts, "_SLICE_ROWS", 3)
    cells = ["🎁" * i + "字" for i in range(10)]

    assert parts.units(pa.array(cells)).tolist() == [2 * i + 1 for i in range(10)]


def test_units_ignore_what_lies_under_a_null() -> None:
    """Bytes that a null row happens to cover count for nobody."""
    whole = pa.array(["字", "🎁🎁", "🎁"])
    _, offsets, letters = whole.buffers()
    column = pa.StringArray.from_buffers(3, offsets, letters, pa.py_buffer(b"\x05"))

    assert column.to_pylist() == ["字", None, "🎁"]
    assert parts.units(column).tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    "column", [pa.array([], pa.string()), pa.chunked_array([], pa.string())], ids=["array", "chunked"]
)
def test_units_of_nothing(column: pa.Array) -> None:
    """An empty column has no lengths, as int32."""
    assert parts.units(column).tolist() == []
    assert parts.units(column).dtype == np.int32


BOUNDARIES = [
    *[(0, 0), (1, 1), (70, 1)],
    *[(71, 2), (134, 2)],
    *[(135, 3), (201, 3)],
    *[(202, 4), (268, 4)],
    *[(469, 7), (470, 8), (536, 8), (537, 9)],
]


@pytest.mark.parametrize(("units", "billed"), BOUNDARIES)
def test_parts_at_the_boundaries(units: int, billed: int) -> None:
    """70 units are one part; a longer text is billed by 67."""
    assert parts.parts(np.array([units], np.int32)).tolist() == [billed]
    assert parts.parts_of("字" * units) == billed


def test_parts_of_an_emoji_text() -> None:
    """An emoji is two units, so 35 fit one part and one more makes two."""
    assert [parts.parts_of("🎁" * 35), parts.parts_of("🎁" * 35 + "字")] == [1, 2]


@given(st.lists(st.integers(0, 5000)))
def test_parts_never_fall(lengths: list[int]) -> None:
    """A longer text never costs less, and a column is billed row by row."""
    lengths.sort()
    billed = parts.parts(np.array(lengths, np.int32))

    assert billed.dtype == np.int32
    assert (np.diff(billed) >= 0).all()
    assert billed.tolist() == [parts.parts_of("a" * length) for length in lengths]


def test_units_of_a_lone_surrogate() -> None:
    """Half a pair, as broken input brings it, counts one unit instead of failing."""
    assert parts.units_of("\ud83c") == 1
