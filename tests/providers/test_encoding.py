"""Encoding by column gives, byte for byte, what the standard library gives one by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smskit.message.template import Template
from smskit.models import Slice
from smskit.providers.encoding import JSON_UNSAFE, ColumnEncoder, Joined, json_escaped, twice

# Everything a value can hold, hostile characters often; no lone surrogates, which UTF-8 cannot say.
TEXT = st.text(
    st.one_of(st.sampled_from("&=%+,;#{}/~._- \n\r\t\0你😀【】\u2028\ufeff"), st.characters(codec="utf-8"))
)
ROWS = st.lists(TEXT, min_size=1, max_size=12)
HOSTILE = ["", "a&b=c%d+e,f", "你好 😀", "x\ny\r\n", "#name#{0}", "~-._", "A1", " ", "%25", "\0"]


def in_json(text: str) -> str:
    """What the standard library writes between the quotes of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def column(values: list[str]) -> pa.Array:
    return pa.array(values, pa.large_string())


@pytest.mark.parametrize(
    ("encode", "once"),
    [
        pytest.param(ColumnEncoder(quote_plus), quote_plus, id="once"),
        pytest.param(ColumnEncoder(twice), lambda text: quote_plus(quote_plus(text)), id="twice"),
        pytest.param(ColumnEncoder(lambda t: quote(t, safe="")), lambda t: quote(t, safe=""), id="no-plus"),
        pytest.param(ColumnEncoder(json_escaped, JSON_UNSAFE), in_json, id="json"),
    ],
)
@given(rows=ROWS)
@example(rows=HOSTILE)
def test_a_column_is_encoded_as_each_value(
    encode: ColumnEncoder, once: Callable[[str], str], rows: list[str]
) -> None:
    """Each value becomes exactly what the standard library makes of it."""
    encoded = encode(column(rows))

    assert encoded.to_pylist() == [once(value) for value in rows]
    assert encoded.type == pa.large_string()


@given(rows=ROWS, before=ROWS, after=ROWS)
def test_a_slice_is_encoded_as_itself(rows: list[str], before: list[str], after: list[str]) -> None:
    """What lies before and after a slice in memory does not leak into it."""
    whole = column(before + rows + after)
    encoded = ColumnEncoder(quote_plus)(whole.slice(len(before), len(rows)))

    assert encoded.to_pylist() == [quote_plus(value) for value in rows]


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda rows: pa.array(rows, pa.string()), id="string"),
        pytest.param(lambda rows: column(rows).dictionary_encode(), id="dictionary"),
        pytest.param(lambda rows: pa.array(rows, pa.string_view()), id="view"),
    ],
)
def test_any_text_column_is_taken(make: Callable[[list[str]], pa.Array]) -> None:
    """However Arrow keeps the texts, they come out encoded."""
    assert ColumnEncoder(quote_plus)(make(HOSTILE)).to_pylist() == [quote_plus(v) for v in HOSTILE]


@given(names=ROWS, amounts=ROWS)
def test_a_whole_text_is_encoded_as_it_is_rendered(names: list[str], amounts: list[str]) -> None:
    """A text by column, signature in front, equals the encoded text of each person alone."""
    template = Template.parse('{name} 您好 & "{n}%" + {name}', signature="示例")
    n = min(len(names), len(amounts))
    columns = {"name": column(names[:n]), "n": column(amounts[:n])}
    people = Slice(0, np.arange(n, dtype=np.uint16), np.full(n, 8613800000000, np.int64), columns)
    texts = [template.render({"name": a, "n": b}) for a, b in zip(names, amounts, strict=False)]

    for encode, once in (
        (ColumnEncoder(quote_plus), quote_plus),
        (ColumnEncoder(json_escaped, JSON_UNSAFE), in_json),
    ):
        joined = Joined(encode.text(template, people), "", n)
        assert [joined[row : row + 1].decode() for row in range(n)] == list(map(once, texts))


def test_values_are_encoded_once_and_remembered() -> None:
    """A value that comes back, in this column or the next, is encoded once; a plain column not at all."""
    asked: list[str] = []

    def counted(text: str) -> str:
        asked.append(text)
        return quote_plus(text)

    encode = ColumnEncoder(counted)
    encode(column(["a b", "a b", "c"]))
    encode(column(["a b", "d e"]))
    plain = column(["f", "g-._~", ""])

    assert encode(plain).equals(plain)
    assert sorted(asked) == ["a b", "c", "d e"]


def test_no_rows() -> None:
    """An empty column stays one."""
    assert ColumnEncoder(quote_plus)(column([])).to_pylist() == []


@given(
    rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=12),
    head=TEXT,
    middle=TEXT,
    separator=st.sampled_from([",", "%2C", "", "&&", "，"]),
    data=st.data(),
)
def test_joined_rows_are_joined(
    rows: list[tuple[str, str]], head: str, middle: str, separator: str, data: st.DataObject
) -> None:
    """Any slice equals the rows written out and joined, constants and columns in their places."""
    first, second = (column(list(values)) for values in zip(*rows, strict=True))
    start = data.draw(st.integers(0, len(rows) - 1))
    stop = data.draw(st.integers(start + 1, len(rows)))
    joined = Joined([head, first, middle, second], separator, len(rows))
    written = separator.join(head + a + middle + b for a, b in rows[start:stop])

    assert joined[start:stop] == written.encode()


@given(rows=ROWS, before=ROWS, after=ROWS)
def test_joined_slices_of_arrays(rows: list[str], before: list[str], after: list[str]) -> None:
    """A column that is itself a slice is joined from where it begins."""
    part = column(before + rows + after).slice(len(before), len(rows))

    assert Joined([part], ",", len(rows))[0 : len(rows)] == ",".join(rows).encode()


@pytest.mark.parametrize(
    ("pieces", "one", "three"),
    [
        pytest.param(["你好😀"], "你好😀", "你好😀,你好😀,你好😀", id="one-constant"),
        pytest.param(["a", "", "b"], "ab", "ab,ab,ab", id="constants"),
        pytest.param([""], "", ",,", id="nothing"),
        pytest.param([column(["", "", ""])], "", ",,", id="empty-values"),
        pytest.param([column(["", "😀", ""]), column(["x", "", ""])], "x", "x,😀,", id="some-empty"),
    ],
)
def test_joined_edges(pieces: list[str | pa.Array], one: str, three: str) -> None:
    """Constants alone are repeated for every row; empty values leave their separators."""
    joined = Joined(pieces, ",", 3)

    assert joined[0:1].decode() == one
    assert joined[0:3].decode() == three
