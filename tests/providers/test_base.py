"""What all providers share: how people are cut into runs and calls, and what a call says about itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smskit.errors import AccountProblem, OutcomeUnknown, ProviderError, RateLimited, Refused
from smskit.message.template import Template
from smskit.models import About, Code, CodeClass, Message, Slice, Submission
from smskit.providers.base import Provider
from smskit.providers.calls import Call, Job, Limits, runs
from smskit.providers.http import Answer
from smskit.settings import ProviderSettings

JOB = Job(Template.parse("你好{name}，{n}元", signature="示例"))
Row = tuple[str, str]


def people(rows: Sequence[Row], *, before: int = 0) -> Slice:
    """One person a row; *before* strangers lie ahead of them in the arrays the columns are slices of."""
    names, numbers = ([*(["陌生"] * before), *(row[i] for row in rows)] for i in (0, 1))
    return Slice(
        3,
        np.arange(len(rows), dtype=np.uint16) + 7,
        np.arange(len(rows), dtype=np.int64) + 8613800000000,
        {
            "name": pa.array(names, pa.large_string()).slice(before),
            "n": pa.array(numbers, pa.large_string()).slice(before),
        },
    )


class Declared(Provider):
    """A provider of nothing but limits."""

    name = "declared"
    title = "Declared"

    def __init__(self, limits: Limits) -> None:
        super().__init__(ProviderSettings())
        self._limits = limits

    @property
    def limits(self) -> Limits:
        return self._limits

    async def submit(self, call: Call) -> list[Submission]:
        return [Submission(CodeClass.ACCEPTED)] * len(call)


# -- runs -------------------------------------------------------------------------------------------

_ROW = st.tuples(st.sampled_from("ab"), st.sampled_from(["", "1"]))
ROWS = st.lists(_ROW, max_size=40)
LIMITS = st.builds(Limits, same=st.integers(1, 12), different=st.integers(1, 12))


@given(rows=ROWS, limits=LIMITS, before=st.integers(0, 3))
def test_runs_cover_everybody_once_in_order(rows: list[Row], limits: Limits, before: int) -> None:
    """Runs follow one another from the first person to the last; within an equal one all values agree."""
    found = list(runs(people(rows, before=before), limits))
    covered = [row for first, last, _ in found for row in range(first, last)]

    assert covered == list(range(len(rows)))
    for first, last, equal in found:
        assert last > first
        assert not equal or len(set(rows[first:last])) == 1


@given(rows=st.lists(_ROW, min_size=1, max_size=40), limits=LIMITS)
def test_an_equal_run_pays_for_itself(rows: list[Row], limits: Limits) -> None:
    """Neighbours with equal values go apart exactly where they fill more than a request of the others."""
    found = list(runs(people(rows), limits))
    stretches = _stretches(rows)
    apart = {(first, last) for first, last, equal in found if equal}
    if len(stretches) == 1:
        assert apart == set(stretches)
    elif limits.same <= limits.different:
        assert apart == set()
    else:
        assert apart == {(a, b) for a, b in stretches if b - a > limits.different}


def _stretches(rows: Sequence[Row]) -> list[tuple[int, int]]:
    cuts = [i for i in range(len(rows)) if not i or rows[i] != rows[i - 1]]
    return list(zip(cuts, [*cuts[1:], len(rows)], strict=True))


@pytest.mark.parametrize(
    ("rows", "limits", "expected"),
    [
        pytest.param([], Limits(5, 1), [], id="nobody"),
        pytest.param([("a", "")], Limits(5, 1), [(0, 1, True)], id="alone"),
        pytest.param([("a", "")] * 3, Limits(1, 5), [(0, 3, True)], id="all-equal-is-told-anyway"),
        pytest.param(
            [("a", "1"), ("a", "2"), ("b", "2"), ("b", "2")],
            Limits(5, 1),
            [(0, 2, False), (2, 4, True)],
            id="pair-beside-different",
        ),
        pytest.param(
            [("a", "1"), ("b", "1"), ("b", "1"), ("c", "1")], Limits(5, 5), [(0, 4, False)], id="mixed-fills"
        ),
        pytest.param(
            [*([("a", "1")] * 4), ("b", "1"), *([("c", "1")] * 3)],
            Limits(9, 3),
            [(0, 4, True), (4, 8, False)],
            id="three-join-the-others",
        ),
    ],
)
def test_runs(rows: list[Row], limits: Limits, expected: list[Any]) -> None:
    """The grouping that is chosen, case by case."""
    assert list(runs(people(rows), limits)) == expected


def test_without_variables_everybody_is_equal() -> None:
    """A text without variables is one run, however many get it."""
    nobody_differs = Slice(0, np.arange(5, dtype=np.uint16), np.arange(5) + 8613800000000, {})

    assert list(runs(nobody_differs, Limits(2, 1))) == [(0, 5, True)]


# -- calls ------------------------------------------------------------------------------------------


@given(rows=ROWS, limits=LIMITS)
def test_calls_keep_the_limits(rows: list[Row], limits: Limits) -> None:
    """Every person is in one call, in order; no call with different values holds more than those may."""
    calls = list(Declared(limits).calls(JOB, people(rows)))

    assert [row for call in calls for row in call.rows.tolist()] == list(range(len(rows)))
    for call in calls:
        different = len({tuple(m.variables.items()) for m in call.messages}) > 1
        assert 1 <= len(call) <= (limits.different if different else max(limits.same, limits.different))


def test_a_call_says_who_gets_what() -> None:
    """Phones, values and texts come in the order of the call's own rows."""
    call = Call(JOB, people([("张三", "1"), ("李四", "2"), ("a+b", "")], before=2), np.array([2, 0]))

    assert len(call) == 2
    assert call.phones == ["+8613800000002", "+8613800000000"]
    assert call.variables == {"name": ["a+b", "张三"], "n": ["", "1"]}
    assert call.texts == ["【示例】你好a+b，元", "【示例】你好张三，1元"]
    assert call.messages == [
        Message("+8613800000002", "【示例】你好a+b，元", {"name": "a+b", "n": ""}),
        Message("+8613800000000", "【示例】你好张三，1元", {"name": "张三", "n": "1"}),
    ]


def test_a_call_without_variables_still_has_messages() -> None:
    """A fixed text goes to each of its people."""
    fixed = Job(Template.parse("店庆", signature="示例"))
    call = Call(fixed, people([("a", "1")] * 2)._replace(variables={}), np.arange(2))

    assert [(m.phone, m.text, m.variables) for m in call.messages] == [
        ("+8613800000000", "【示例】店庆", {}),
        ("+8613800000001", "【示例】店庆", {}),
    ]


def test_a_part_is_prepared_anew() -> None:
    """Part of a call keeps its method and loses the body that was made for all."""
    part = Call(JOB, people([("a", "1")] * 5), np.arange(5), "batch", b"all five").part(1, 3)

    assert (part.phones, part.method, part.body) == (["+8613800000001", "+8613800000002"], "batch", b"")


def test_a_call_shows_no_phone() -> None:
    """What a traceback or a notebook would show of a call names nobody."""
    call = Call(JOB, people([("张三", "1")]), np.arange(1), "single", b"mobile=13800000000")
    shown = f"{call!r} {call} {call.people!r} {call.messages!r}"

    assert "Call(single, people=1)" in shown
    assert not any(secret in shown for secret in ("13800000000", "3800000000", "张三"))


def test_an_undocumented_code_is_unknown() -> None:
    """A code that no table holds is never guessed at."""
    meant = Declared(Limits(1, 1)).code("made-up")

    assert meant.kind is CodeClass.UNKNOWN
    assert "not documented" in meant.next_step


class Tabled(Declared):
    """One with a few codes."""

    name = "tabled"
    codes: ClassVar[Mapping[str, Code]] = {
        "ok": Code(CodeClass.ACCEPTED, "成功"),
        "num": Code(CodeClass.REFUSED, "号码错误", "Look at the number."),
        "txt": Code(CodeClass.LATER, "过频", "", 30.0, About.NUMBER),
        "busy": Code(CodeClass.RETRY, "忙", "", 2.0, About.REQUEST),
        "key": Code(CodeClass.ACCOUNT, "密钥错误", "Look at the key."),
        "odd": Code(CodeClass.UNKNOWN, "系统错误"),
    }


def test_the_meaning_of_a_code_travels() -> None:
    """A result and an error bring along what their code means, so that nobody has to ask the table again."""
    provider, answer = Tabled(Limits(1, 1)), Answer(200, {}, b"")
    result, error = provider.submission("num", detail="坏"), provider.error("num", "坏", answer)

    assert result == Submission(CodeClass.REFUSED, "", "num", "坏")
    assert result.known is provider.codes["num"] is error.known


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("num", Refused, "tabled: num “坏”. Look at the number."),
        ("txt", Refused, "tabled: txt “坏”"),
        ("busy", RateLimited, "tabled: busy “坏”"),
        ("key", AccountProblem, "tabled: key “坏”. Look at the key."),
        ("odd", OutcomeUnknown, "tabled: odd “坏”"),
        (
            "new",
            OutcomeUnknown,
            "tabled: new “坏”. This code is not documented; ask the provider what it means.",
        ),
    ],
)
def test_errors_by_code(code: str, kind: type[ProviderError], words: str) -> None:
    """A code is raised as what it means; nothing that is not known to be refused counts as refused."""
    error = Tabled(Limits(1, 1)).error(code, "坏", Answer(429, {}, b""), request_id="r")

    assert type(error) is kind
    assert str(error) == words
    assert (error.code, error.detail, error.request_id, error.http_status) == (code, "坏", "r", 429)
    assert getattr(error, "retry_after_s", 2.0) == 2.0


def test_who_is_left_out_of_a_call_takes_its_body_along() -> None:
    """A prepared body holds for exactly the call's people: without some of them it is gone."""
    call = Call(JOB, people([("张三", "1")] * 3), np.arange(3), "batch", b"for three")
    rest = call.without(np.array([False, True, False]))

    assert (rest.rows.tolist(), rest.method, rest.body) == ([0, 2], "batch", b"")
    assert call.body == b"for three"


@pytest.mark.parametrize(("rows", "asked"), [(0, [1]), (2, [1]), (3, [1, 2]), (7, [1, 2, 3]), (6, [1, 2, 3])])
def test_pages_end_with_one_that_is_not_full(rows: int, asked: list[int]) -> None:
    """Pages are asked for from the first to one that is not full, be it empty."""
    met: list[int] = []

    async def page_of(number: int) -> list[int]:
        met.append(number)
        return list(range(rows))[(number - 1) * 3 : number * 3]

    assert asyncio.run(Declared(Limits(1, 1)).all_pages(page_of, 3)) == list(range(rows))
    assert met == asked
