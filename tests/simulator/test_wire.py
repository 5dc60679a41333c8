"""Form decoding, which must equal the standard library's to the byte."""

from __future__ import annotations

from urllib.parse import quote_plus, unquote_to_bytes, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smskit.simulator.wire import Form, unquote_form

_PIECES = [
    b"%",
    b"=",
    b"+",
    b"\n",
    b"\r",
    b"4",
    b"a",
    b"F",
    b"g",
    b"%41",
    b"%3D",
    b"%25",
    b"%0a",
    b"_",
    b"\xff",
]


def _stdlib(raw: bytes) -> bytes:
    return unquote_to_bytes(raw.replace(b"+", b" "))


@given(st.lists(st.sampled_from(_PIECES)).map(b"".join))
def test_decoding_equals_the_standard_library_on_malformed_input(raw: bytes) -> None:
    """Broken escapes, stray signs and line ends come out as the standard library leaves them."""
    assert unquote_form(raw) == _stdlib(raw)


@given(st.text())
def test_decoding_undoes_encoding(text: str) -> None:
    """What quote_plus encoded comes back, whatever the text."""
    encoded = quote_plus(text, errors="surrogatepass").encode()

    assert unquote_form(encoded) == text.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    ("body", "name", "value"),
    [
        (urlencode({"a": "1", "text": "【示例】x=1&y=2 +%"}).encode(), "text", "【示例】x=1&y=2 +%"),
        (b"a=1&a=2", "a", "2"),
        (b"a&b=", "a", None),
        (b"a&b=", "b", ""),
        (b"", "a", None),
        (b"%61=x", "a", "x"),
        (b"&&a=x&", "a", "x"),
    ],
)
def test_form_fields(body: bytes, name: str, value: str | None) -> None:
    """A field is found by its decoded name; the last of a repeated one counts; absent is not empty."""
    assert Form(body).text(name) == value
