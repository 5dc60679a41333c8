"""Texts that are read end to end hold what they hold one by one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smskit.audience.searching import found_in

_ANYWHERE = (
    "ab",
    "[a$^]b|é",
    r"\{\$",
    r"a\^|\\b",
    "(?i:AB)",
    "b?",
    "[^ab]",
    "a.b",
    "\ufffd|中文",
    r"[\]$]a",
    "",
)
# These ask where a text begins or ends, some in a way that is easily overlooked.
_AT_ENDS = ("^a", "b$", r"\bab", r"a\B", r"\Aab\z", "(?m)^a$", "[^a]$", "[]^]$", r"\Q$\E", r"\Q[\E^a]", "^$")
_TEXTS = st.lists(st.none() | st.text("ab $^\\{]é中文\ufffd\n", max_size=5), max_size=8)


@pytest.mark.parametrize("pattern", [*_ANYWHERE, *_AT_ENDS])
@given(some=_TEXTS, between=st.sampled_from([0, 250, 600]), skip=st.integers(0, 3))
def test_finds_what_asking_each_text_finds(
    pattern: str, some: list[str | None], between: int, skip: int
) -> None:
    """Also where texts begin in the middle of a column, and where blocks of them meet."""
    texts = pa.array([*some, *["xy"] * between, *some], pa.large_string())[skip:]
    each = pc.fill_null(pc.match_substring_regex(texts, pattern), False)
    assert found_in(texts, pattern).tolist() == np.asarray(each).tolist()


def test_what_lies_under_a_null_is_not_found() -> None:
    """A column that was made by hand may have text there."""
    letters = pa.array(["ab", "ab"], pa.large_string()).buffers()
    texts = pa.Array.from_buffers(pa.large_string(), 2, [pa.py_buffer(b"\x02"), *letters[1:]])
    assert texts.to_pylist() == [None, "ab"]
    assert found_in(texts, "a").tolist() == [False, True]
