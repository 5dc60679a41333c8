"""What is read fast is read as field by field and row by row; that is written anew here, in plain loops."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smskit.message.template import Template
from smskit.models import CodeClass, Slice, Submission
from smskit.providers import reading
from smskit.providers.calls import Call, Job
from smskit.providers.reading import UNREADABLE, Fields, decoded
from smskit.providers.yunpian.client import Yunpian, YunpianSettings
from tests.profiles import examples

TEXTS = st.text(st.sampled_from('a0":\\ \n你\ud800'), max_size=4)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**15, 10**45),
    st.floats(allow_nan=False),
    TEXTS,
)
NAMES = st.sampled_from(["a", "b", 'c":', "你"])


@st.composite
def written(draw: st.DrawFn, depth: int = 2) -> str:
    """JSON in any writing, with names that may stand twice."""
    blank = draw(st.sampled_from(["", "", " ", "\n\t"]))
    kind = draw(st.sampled_from(["scalar", "object", "list"])) if depth else "scalar"
    if kind == "scalar":
        return json.dumps(draw(SCALARS), ensure_ascii=draw(st.booleans()))
    within = draw(st.lists(written(depth=depth - 1), max_size=3))
    if kind == "list":
        return "[" + f",{blank}".join(within) + "]"
    pairs = [f"{json.dumps(draw(NAMES))}{blank}:{blank}{value}" for value in within]
    return "{" + ",".join(pairs) + "}"


@settings(max_examples=examples(300))
@given(written())
@example('{"a":1,"a":2}')
@example('{"a":[{"b":1,"b":2}]}')
@example('{"a":"\\":","a":1}')
@example('{"sid":99999999999999999999999}')
@example('{"sid":9999999999999999999}')
@example('{"a" :1}')
@example("[NaN]")
def test_the_fast_decoder_agrees_with_the_careful_one(text: str) -> None:
    """Or it leaves the answer to the other."""
    content = text.encode("utf-8", "surrogatepass")
    careful = reading._CAREFUL.decode(text)
    fast = reading._usual(content)
    assert fast is UNREADABLE or json.dumps(fast) == json.dumps(careful, default=repr)


@pytest.mark.parametrize("depth", [10, 900, 1_000, 1_020, 5_000])
def test_an_answer_of_many_levels(depth: int) -> None:
    """It is read, or it is none, as the careful decoder says; never an exception."""
    content = b'{"a":' * depth + b"1" + b"}" * depth
    assert len(content) < 2_000 or decoded(content) is not None


@pytest.mark.parametrize("n", [1, 1000])
def test_usual_answers_are_read_fast(n: int) -> None:
    """Rows of names and scalars, ids of up to 18 digits, with blanks or without."""
    rows = [{"code": 0, "fee": 0.05, "mobile": f"{13800000000 + i}", "sid": 10**17 + i} for i in range(n)]
    for layout in ((",", ":"), (", ", ": ")):
        content = json.dumps({"total_count": n, "data": rows}, separators=layout).encode()
        assert reading._usual(content) == {"total_count": n, "data": rows} == decoded(content)


PHONES = [8613800000000, 8613800000001, 85291234567]
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "mobile": st.sampled_from(
            ["13800000000", "+8613800000000", " 13800000001", 13800000001, "+85291234567", "85291234567",
             "13900000000", "", None, [], 1.5, True]
        ),
        "code": st.sampled_from([0, "0", 0, 0.0, False, "", None, 8, "8", "22", " 0 ", 10**50, "x" * 70, []]),
        "sid": st.sampled_from(
            [1, "1", "1\n2", -3, 10**70, "a b", "", None, True, 1.0, "号", "\x00", "x" * 99, "x" * 129, " 7"]
        ),
        "msg": st.sampled_from(["no", "", None, 3, "call 13800000000"]),
    },
)  # fmt: skip


@settings(max_examples=examples(300))
@given(st.lists(st.one_of(ROWS, st.none(), st.just([])), max_size=5))
def test_rows_of_an_answer_are_read_by_person(rows: list[Any]) -> None:
    """In any order, twice, spoilt: as one row after the other read by its fields says."""
    yunpian = Yunpian(YunpianSettings(api_key="0" * 32))
    people = Slice(0, np.arange(3, dtype=np.uint16), np.array(PHONES, np.int64), {})
    call = Call(Job(Template.parse("hello", signature="x")), people, np.arange(3), "multi_send")
    if not any(isinstance(row, dict) for row in rows):
        return
    expected: dict[str, Submission] = {}
    for row in rows:
        if isinstance(row, dict):
            read = Fields(row)
            said = yunpian.submission(read.code("code"), message_id=read.id("sid"), detail=explained(read))
            number = read.phone("mobile")
            if number not in expected or rank(said) > rank(expected[number]):
                expected[number] = said
    got = yunpian.by_person(call, rows, phone="mobile", code="code", message_id="sid", explain=explained)
    for phone, one in zip(PHONES, got, strict=True):
        if f"+{phone}" in expected:
            assert (one, one.known) == ((there := expected[f"+{phone}"]), there.known)
        else:
            assert one.kind is CodeClass.UNKNOWN
            assert "does not mention" in one.detail


def explained(row: Fields) -> str:
    return row.words("msg")


def rank(said: Submission) -> int:
    return {CodeClass.ACCEPTED: 2, CodeClass.UNKNOWN: 1}.get(said.kind, 0)
