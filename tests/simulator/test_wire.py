"""Reading the fields of a form."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote_plus, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smskit.simulator.wire import form, unquoted


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_reading_undoes_writing(fields: dict[str, str]) -> None:
    """What urlencode wrote comes back, whatever the text."""
    written = {name: value for name, value in fields.items() if (name + value).isprintable()}

    assert form(urlencode(written).encode()) == written


@pytest.mark.parametrize(
    ("body", "name", "value"),
    [
        (b"a=1&a=2", "a", "2"),
        (b"b=1", "a", None),
        (b"b=", "b", ""),
        (b"", "a", None),
        (b"%61=x", "a", "x"),
        (b"&&a=x&", "a", "x"),
        (b"a=%+%4g", "a", "% %4g"),
        (b"a=%ff", "a", "\ufffd"),
        ("a=\u4f60".encode(), "a", "\u4f60"),
    ],
)
def test_form_fields(body: bytes, name: str, value: str | None) -> None:
    """A field is found by its decoded name; the last of a repeated one counts; absent is not empty."""
    assert form(body).get(name) == value


_PIECES = st.sampled_from(
    [
        "%",
        "%25",
        "%2",
        "%E4%BD%A0",
        "%e4%bd",
        "%25E4%25BD%25A0",
        "%2B",
        "+",
        "%00",
        "\0",
        "25",
        "&",
        "=",
        "你",
        "%F0%9F%98%80",
        "%C3%28",
    ]
)


@given(st.lists(_PIECES | st.text(max_size=3), max_size=30).map("".join))
@example("%2525")
@example("%%25")
@example("a%25%00")
def test_many_escapes_at_a_time_are_read_as_the_library_reads_them(text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    read = raw.decode("utf-8", "replace")
    library = parse_qsl(read, keep_blank_values=True, errors="replace")

    assert unquoted(read) == unquote_plus(read, errors="replace")
    assert form(raw) == dict(library)
