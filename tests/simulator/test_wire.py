"""Reading the fields of a form."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smskit.simulator.wire import form


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
