"""Yunpian: these messages -> exactly these bytes on the wire; this answer -> this result or error."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote_plus

import httpx
import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smskit.errors import (
    AccountProblem,
    BatchNotAllowed,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    Refused,
    Unreachable,
)
from smskit.message.template import Form, Template
from smskit.models import CodeClass, Receipt, Record, Reply, Slice, Submission
from smskit.providers.base import Feature
from smskit.providers.calls import Call, Job
from smskit.providers.yunpian import Yunpian, YunpianSettings

DATA = Path(__file__).parents[1] / "data" / "yunpian"
KEY = "5ec2e7c0ffee4b1d8a9f00d15ea5e5e5"
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
ONE, TWO, THREE = (f"1380000000{n}" for n in (1, 2, 3))

TEXT = Job(Template.parse("{name}您好，{n}元券", signature="示例"))
BY_ID = Job(Template.parse("#name#您好，#n#元券", signature="示例"), "100")
FIXED = Job(Template.parse("店庆", signature="示例"))

run: Callable[[Awaitable[Any]], Any] = asyncio.run  # type: ignore[assignment]


def recorded(name: str) -> bytes:
    return (DATA / f"{name}.json").read_bytes()


def people(*rows: str, first: int = 8613800000001, **columns: Sequence[str]) -> Slice:
    """A person a row, by the values of ``name`` and ``n`` as ``name/n``, or by whole *columns*."""
    if rows:
        columns = {"name": [r.partition("/")[0] for r in rows], "n": [r.partition("/")[2] for r in rows]}
    size = max(map(len, columns.values()))
    return Slice(
        0,
        np.arange(size, dtype=np.uint16),
        np.arange(first, first + size, dtype=np.int64),
        {name: pa.array(values, pa.large_string()) for name, values in columns.items()},
    )


EQUAL = people(*["会员/5"] * 3)


class Wired:
    """A Yunpian whose requests are kept and answered from a list, the last answer again and again."""

    def __init__(self, *answers: Any, status: int = 200, **settings: Any) -> None:
        self.requests: list[httpx.Request] = []
        self._answers, self._status = answers or (recorded("single_ok"),), status
        self.yunpian = Yunpian(
            YunpianSettings(api_key=KEY, **settings), transport=httpx.MockTransport(self._answer)
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers[min(len(self.requests), len(self._answers)) - 1]
        if isinstance(answer, dict) and request.url.path in answer:
            answer = answer[request.url.path]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return answer
        body = answer if isinstance(answer, bytes) else orjson.dumps(answer)
        return httpx.Response(self._status, content=body)

    def calls(self, who: Slice, job: Job = TEXT) -> list[Call]:
        return list(self.yunpian.calls(job, who))

    def submit(self, who: Slice, job: Job = TEXT) -> list[Submission]:
        """What became of people who fit into one call."""
        (call,) = self.calls(who, job)
        return run(self.yunpian.submit(call))  # type: ignore[no-any-return]

    def fate(self, who: Slice, job: Job = TEXT) -> list[Submission] | ProviderError:
        """The same, with an error as a value."""
        (call,) = self.calls(who, job)
        return self.send(call)

    def send(self, call: Call) -> list[Submission] | ProviderError:
        """What became of a call, whatever it was."""
        try:
            return run(self.yunpian.submit(call))  # type: ignore[no-any-return]
        except ProviderError as error:
            return error

    @property
    def path(self) -> str:
        return self.requests[-1].url.path

    @property
    def form(self) -> dict[str, list[str]]:
        fields = parse_qs(self.requests[-1].content.decode(), keep_blank_values=True, strict_parsing=True)
        assert fields.pop("apikey") == [KEY]
        return fields


# -- what goes out ----------------------------------------------------------------------------------

SIGNED = "%E3%80%90%E7%A4%BA%E4%BE%8B%E3%80%91"


@pytest.mark.parametrize(
    ("job", "who", "settings", "path", "body"),
    [
        pytest.param(
            TEXT,
            people("张三/5"),
            {},
            "single_send",
            f"mobile=13800000001&text={SIGNED}%E5%BC%A0%E4%B8%89%E6%82%A8%E5%A5%BD%EF%BC%8C5%E5%85%83%E5%88%B8",
            id="single_send",
        ),
        pytest.param(
            Job(Template.parse("{t}", signature="示例")),
            people(t=["1+1=2, 100% & more"] * 2),
            {},
            "batch_send",
            f"mobile=13800000001%2C13800000002&text={SIGNED}1%2B1%3D2%2C+100%25+%26+more",
            id="batch_send",
        ),
        pytest.param(  # dossier 4.4
            Job(Template.parse("{t}", signature="a")),
            people(t=["你,好 +1", "b"], first=8613800000000),
            {"multi_send": True},
            "multi_send",
            "mobile=13800000000%2C13800000001&text=%25E3%2580%2590a%25E3%2580%2591%25E4%25BD%25A0%252C"
            "%25E5%25A5%25BD%2B%252B1%2C%25E3%2580%2590a%25E3%2580%2591b",
            id="multi_send",
        ),
        pytest.param(  # dossier 4.5
            Job(Template.parse("#code##name#", signature="示例"), "100"),
            people(code=["1234"], name=["张三"]),
            {},
            "tpl_single_send",
            "mobile=13800000001&tpl_id=100&tpl_value=%2523code%2523%3D1234%26%2523name%2523%3D"
            "%25E5%25BC%25A0%25E4%25B8%2589",
            id="tpl_single_send",
        ),
        pytest.param(  # dossier 4.5
            Job(Template.parse("#a#，#b#", signature="示例"), "100"),
            people(a=["x&y=1%"] * 2, b=["A+B C"] * 2),
            {},
            "tpl_batch_send",
            "mobile=13800000001%2C13800000002&tpl_id=100&tpl_value=%2523a%2523%3Dx%2526y%253D1%2525%26"
            "%2523b%2523%3DA%252BB%2BC",
            id="tpl_batch_send",
        ),
        pytest.param(
            Job(FIXED.template, "100"),
            people("/")._replace(variables={}),
            {},
            "tpl_single_send",
            "mobile=13800000001&tpl_id=100&tpl_value=",
            id="template-without-variables",
        ),
    ],
)
def test_on_the_wire(job: Job, who: Slice, settings: dict[str, Any], path: str, body: str) -> None:
    """One call of each method, byte for byte; the key stands in the body and nowhere else."""
    wired = Wired(**settings)
    wired.fate(who, job)
    (request,) = wired.requests

    assert (request.method, str(request.url)) == ("POST", f"https://sms.yunpian.com/v2/sms/{path}.json")
    assert request.content.decode() == f"apikey={KEY}&{body}"
    assert request.headers["accept"] == "application/json;charset=utf-8"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded;charset=utf-8"
    assert KEY not in str(request.headers)


_VALUES = st.lists(
    st.text(st.one_of(st.sampled_from("&=%+,#{}\r\n \t😀你"), st.characters(codec="utf-8")), min_size=1),
    min_size=2,
    max_size=6,
)
_HOSTILE = ["a&b=c", "100%", "1+1", "a,b，c", "😀👨‍👩‍👧", "一\n二\r\n三", "#n#", "{name}", "%26 ", "~"]


@given(values=_VALUES)
@example(values=_HOSTILE)
def test_hostile_values_arrive_in_single_texts(values: list[str]) -> None:
    """Whatever a value holds, the server reads back exactly the text that was planned."""
    wired = Wired()
    for call in wired.calls(people(name=values, n=values[::-1])):
        wired.send(call)

        assert wired.form["text"] == call.texts[:1]
        assert set(call.texts) == {call.texts[0]}


@given(values=_VALUES)
@example(values=_HOSTILE)
def test_hostile_values_arrive_in_different_texts(values: list[str]) -> None:
    """multi_send keeps texts apart: decoded once, cut at commas, decoded again, they are those planned."""
    distinct = list(dict.fromkeys([*values, "another"]))
    wired = Wired(recorded("batch_ok"), multi_send=True)
    for call in wired.calls(people(name=distinct, n=distinct[::-1])):
        wired.send(call)

        assert call.method == "multi_send"
        assert [unquote_plus(text) for text in wired.form["text"][0].split(",")] == call.texts
        assert wired.form["mobile"][0].split(",") == [phone.removeprefix("+86") for phone in call.phones]


@given(values=_VALUES)
@example(values=_HOSTILE)
def test_hostile_values_arrive_in_templates(values: list[str]) -> None:
    """tpl_value keeps pairs apart: decoded once, cut at & and =, decoded again, they are those planned."""
    wired = Wired()
    for call in wired.calls(people(name=values, n=values[::-1]), BY_ID):
        wired.send(call)
        pairs = dict(pair.split("=", 1) for pair in wired.form["tpl_value"][0].split("&"))
        read = {unquote_plus(name): unquote_plus(value) for name, value in pairs.items()}

        assert wired.form["tpl_id"] == ["100"]
        assert read == {f"#{name}#": column[0] for name, column in call.variables.items()}


@pytest.mark.parametrize(
    ("job", "rows", "multi", "expected"),
    [
        pytest.param(TEXT, "a", False, "single_send:1", id="one"),
        pytest.param(TEXT, "aaaaa", False, "batch_send:3 batch_send:2", id="same"),
        pytest.param(TEXT, "aaaa", False, "batch_send:3 single_send:1", id="same-and-one-left"),
        pytest.param(TEXT, "abc", False, "single_send:1 single_send:1 single_send:1", id="different"),
        pytest.param(TEXT, "abcd", True, "multi_send:3 multi_send:1", id="different-multi"),
        pytest.param(TEXT, "aaaa", True, "batch_send:3 single_send:1", id="same-multi"),
        pytest.param(
            TEXT, "aabcc", False, "batch_send:2 single_send:1 batch_send:2", id="runs-and-one-between"
        ),
        pytest.param(TEXT, "abcaa", True, "multi_send:3 multi_send:2", id="mixture-multi"),
        pytest.param(BY_ID, "a", False, "tpl_single_send:1", id="one-by-template"),
        pytest.param(BY_ID, "aaa", False, "tpl_batch_send:3", id="same-by-template"),
        pytest.param(BY_ID, "ab", False, "tpl_single_send:1 tpl_single_send:1", id="different-by-template"),
        pytest.param(BY_ID, "ab", True, "multi_send:2", id="different-by-template-multi"),
        pytest.param(BY_ID, "aab", False, "tpl_batch_send:2 tpl_single_send:1", id="mixture-by-template"),
    ],
)
def test_how_people_are_sent_to(job: Job, rows: str, multi: bool, expected: str) -> None:
    """The method follows from the work: same values together, different ones as the account may."""
    calls = Wired(multi_send=multi, batch_size=3).calls(people(*rows), job)

    assert " ".join(f"{call.method}:{len(call)}" for call in calls) == expected
    assert [row for call in calls for row in call.rows.tolist()] == list(range(len(rows)))


def test_a_batch_of_one_is_no_batch() -> None:
    """With a batch size of 1 nobody shares a request, whatever multi_send says."""
    wired = Wired(multi_send=True, batch_size=1)

    assert [call.method for call in wired.calls(people(*"aab"))] == ["single_send"] * 3
    assert (wired.yunpian.limits.same, wired.yunpian.limits.different) == (1, 1)


@pytest.mark.parametrize("job", [TEXT, BY_ID], ids=["text", "template"])
def test_some_of_a_call_are_written_anew(job: Job) -> None:
    """A call cut down to some of its people names exactly those, with what was theirs."""
    wired = Wired(recorded("batch_ok"))
    (call,) = wired.calls(EQUAL, job)
    wired.fate(EQUAL, job)
    whole = wired.form
    wired.send(Call(call.job, call.people, call.rows[[0, 2]], call.method))

    assert wired.form.pop("mobile") == [f"{ONE},{THREE}"]
    assert {k: v for k, v in wired.form.items() if k != "mobile"} == {
        k: v for k, v in whole.items() if k != "mobile"
    }


# -- what an answer means ---------------------------------------------------------------------------


def test_single_accepted() -> None:
    """Code 0 is acceptance, with the id as text."""
    assert Wired().submit(people("张三/5")) == [Submission(CodeClass.ACCEPTED, "70000000001", "0")]


def test_batch_accepted() -> None:
    """Each number has its own id; total_count, which counts billed parts, is not mistaken for people."""
    results = Wired(recorded("batch_ok")).submit(EQUAL)

    assert results == [
        Submission(CodeClass.ACCEPTED, str(sid), "0") for sid in (20000000001, 20000000002, 20000000003)
    ]


def test_batch_mixed() -> None:
    """Items are found by number, in whatever order and form; each is judged by its own code."""
    results = Wired(recorded("batch_mixed")).submit(EQUAL)

    assert results == [
        Submission(CodeClass.ACCEPTED, "20000000001", "0"),
        Submission(CodeClass.LATER, "", "8", "同一手机号30秒内重复提交相同的内容"),
        Submission(CodeClass.REFUSED, "", "10", "手机号防骚扰名单过滤"),
    ]


def test_somebody_not_mentioned_is_unknown() -> None:
    """A number that a batch answer leaves out may have been taken; its neighbours keep their results."""
    answer = json.loads(recorded("batch_ok"))
    del answer["data"][1]
    results = Wired(answer).submit(EQUAL)

    assert [r.kind for r in results] == [CodeClass.ACCEPTED, CodeClass.UNKNOWN, CodeClass.ACCEPTED]
    assert [r.message_id for r in results] == ["20000000001", "", "20000000003"]


@pytest.mark.parametrize("sid", [None, [], {}], ids=["null", "list", "object"])
def test_what_is_no_id_is_none(sid: object) -> None:
    """Taken, and without a usable id: no report would ever find it, so its record has to settle it."""
    single = json.loads(recorded("single_ok")) | {"sid": sid}
    batch = json.loads(recorded("batch_ok"))
    batch["data"][0]["sid"] = sid

    for result in (Wired(single).submit(people("a"))[0], Wired(batch).submit(EQUAL)[0]):
        assert (result.kind, result.message_id, result.code) == (CodeClass.UNKNOWN, "", "0")


@pytest.mark.parametrize("who", [people("张三/5"), EQUAL], ids=["single", "batch"])
@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(502, HTML, id="html-502"),
        pytest.param(200, HTML, id="html-200"),
        pytest.param(404, HTML, id="html-404"),
        pytest.param(200, b"", id="empty"),
        pytest.param(200, recorded("single_ok")[:40], id="half-json"),
        pytest.param(500, b"{}", id="object-500"),
        pytest.param(200, b"{}", id="no-keys"),
        pytest.param(200, b'{"msg":"ok"}', id="other-keys"),
        pytest.param(500, recorded("single_ok"), id="success-500"),
        pytest.param(200, b"[]", id="list"),
        pytest.param(200, b"null", id="null"),
        pytest.param(200, b'"OK"', id="text"),
        pytest.param(200, b'{"code":null,"sid":1,"data":[]}', id="null-code"),
        pytest.param(200, b'{"code":9999,"msg":"new"}', id="undocumented-code"),
        pytest.param(400, b'{"code":-999,"msg":"new"}', id="undocumented-negative-code"),
    ],
)
def test_no_clear_answer_is_unknown(status: int, body: bytes, who: Slice) -> None:
    """Whatever cannot be read as Yunpian's word leaves the outcome open, and is not asked again."""
    wired = Wired(body, status=status)
    with pytest.raises(OutcomeUnknown) as caught:
        wired.submit(who)

    assert caught.value.http_status == status
    assert len(wired.requests) == 1


@pytest.mark.parametrize("data", [None, "x", {}, ["x"], 1], ids=["null", "text", "object", "texts", "number"])
def test_odd_items_are_unknown(data: object) -> None:
    """Where the items of a batch should be stands something else: nobody in it is known about."""
    assert isinstance(Wired({"total_count": 3, "data": data}).fate(EQUAL), OutcomeUnknown)


# Dossier section 9; windows from its section 12.
REFUSED = "1 2 4 5 6 7 10 11 12 14 15 16 18 19 20 21 23 24 25 26 34 48 52 56 58 60"
REFUSED += " -6 -7 -8 -52 -54 -55 -56"
LATER = {"8": 30, "9": 300, "17": 86400, "22": 3600, "28": 5, "33": 30, "43": 86400, "53": 3600}
RETRY = {"-4": 60, "-5": 2, "-51": 2}
ACCOUNT = "3 13 27 40 55 -1 -2 -3 -11 -57 -62"
CODES: dict[str, CodeClass] = (
    {code: CodeClass.REFUSED for code in REFUSED.split()}
    | dict.fromkeys(LATER, CodeClass.LATER)
    | dict.fromkeys(RETRY, CodeClass.RETRY)
    | dict.fromkeys(ACCOUNT.split(), CodeClass.ACCOUNT)
    | dict.fromkeys(["-50", "-53"], CodeClass.UNKNOWN)
)
RAISED = {
    CodeClass.REFUSED: Refused,
    CodeClass.LATER: Refused,  # the engine halves the call, until the number shows that has to wait
    CodeClass.RETRY: RateLimited,
    CodeClass.ACCOUNT: AccountProblem,
    CodeClass.UNKNOWN: OutcomeUnknown,
}


def refusal(code: str) -> bytes:
    words = {"code": int(code), "msg": "不行", "detail": "不行"}
    return orjson.dumps(json.loads(recorded("refused")) | words)


def test_the_table_holds_every_documented_code() -> None:
    """The provider knows the codes of the dossier, no more and no fewer, each in its class and window."""
    known = {code: meant.kind for code, meant in Yunpian.codes.items()}
    windows = {c: m.retry_after_s for c, m in Yunpian.codes.items() if m.retry_after_s is not None}

    assert known == CODES | {"0": CodeClass.ACCEPTED}
    assert windows == LATER | RETRY


@pytest.mark.parametrize("status", [400, 200])
@pytest.mark.parametrize("code", CODES)
def test_a_code_about_a_single_message(code: str, status: int) -> None:
    """Each code of a single send means what its class says, whatever the status it comes with."""
    kind = CODES[code]
    fate = Wired(refusal(code), status=status).fate(people("张三/5"))

    if kind in (CodeClass.REFUSED, CodeClass.LATER):
        assert fate == [Submission(kind, "", code, "不行")]
    else:
        assert type(fate) is RAISED[kind]
        assert (fate.code, fate.detail, fate.http_status) == (code, "不行", status)


@pytest.mark.parametrize("code", CODES)
def test_a_code_about_one_of_many(code: str) -> None:
    """Each code of an item in a batch is about that number alone."""
    answer = json.loads(recorded("batch_ok"))
    answer["data"][1] = {"code": int(code), "mobile": TWO, "msg": "不行"}
    results = Wired(answer).submit(EQUAL)

    assert [r.kind for r in results] == [CodeClass.ACCEPTED, CODES[code], CodeClass.ACCEPTED]
    assert results[1] == Submission(CODES[code], "", code, "不行")


@pytest.mark.parametrize("code", CODES)
def test_a_code_about_a_whole_batch(code: str) -> None:
    """Each code of a whole batch is one fate for all in it, told by its exception."""
    fate = Wired(refusal(code), status=400).fate(EQUAL)

    assert type(fate) is (BatchNotAllowed if code == "-6" else RAISED[CODES[code]])
    assert fate.code == code
    if isinstance(fate, RateLimited):
        assert fate.retry_after_s == RETRY[code]


def test_a_refusal_says_what_to_do() -> None:
    """The error names the code, Yunpian's own words and the next step."""
    error = Wired(refusal("3"), status=400).fate(EQUAL)

    assert str(error) == "Yunpian: 3 “不行”. Top up the account in the Yunpian console, then run again."


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        pytest.param({"msg": "关键词屏蔽", "detail": "关键词屏蔽：免费"}, "关键词屏蔽：免费", id="repeated"),
        pytest.param({"msg": "关键词屏蔽", "detail": "免费"}, "关键词屏蔽 免费", id="both"),
        pytest.param({"msg": "关键词屏蔽", "detail": None}, "关键词屏蔽", id="no-detail"),
        pytest.param({"msg": None}, "", id="nothing"),
        pytest.param({"msg": "号码 +86 138 0000 0001"}, "号码 138****0001", id="phone"),
    ],
)
def test_words_of_a_refusal(data: dict[str, Any], detail: str) -> None:
    """Message and detail are joined without repeating, and name no number in full."""
    (result,) = Wired({"code": 4, **data}).submit(people("张三/5"))

    assert result.detail == detail


# -- methods that are not open ------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["-6", "25", "-2", "-11", "55"])
def test_a_closed_multi_send_falls_back_to_single_sends(code: str) -> None:
    """A definite no to multi_send took nobody along: the same people, and all after them, go one by one."""
    wired = Wired(refusal(code), status=400, multi_send=True, batch_size=3)
    calls = wired.yunpian.calls(TEXT, people(*"abcdef"))
    first = next(calls)
    with pytest.raises(BatchNotAllowed) as caught:
        run(wired.yunpian.submit(first))

    assert caught.value.code == code
    assert (first.method, len(first)) == ("multi_send", 3)
    assert [call.method for call in calls] == ["single_send"] * 3
    assert [call.method for call in wired.calls(people(*"abc"))] == ["single_send"] * 3
    assert [call.method for call in wired.calls(people(*"aa"))] == ["batch_send"]


@pytest.mark.parametrize("job", [TEXT, BY_ID], ids=["text", "template"])
def test_a_closed_batch_falls_back_to_single_sends(job: Job) -> None:
    """Code -6 to a batch of equal texts closes every kind of batch, and nobody is refused for it."""
    wired = Wired(refusal("-6"), status=400, multi_send=True)
    assert isinstance(wired.fate(EQUAL, job), BatchNotAllowed)
    again = wired.calls(EQUAL, job) + wired.calls(people(*"ab"), job)

    assert {call.method.removeprefix("tpl_") for call in again} == {"single_send"}
    assert [len(call) for call in again] == [1] * 5


def test_a_multi_send_that_is_not_found_is_unknown() -> None:
    """A page instead of an answer says nothing, even where the method may not exist: nobody goes again."""
    wired = Wired(httpx.Response(404, content=HTML), multi_send=True)
    fate = wired.fate(people(*"abc"))

    assert isinstance(fate, OutcomeUnknown)
    assert len(wired.requests) == 1
    assert [call.method for call in wired.calls(people(*"abc"))] == ["multi_send"]


# -- check ----------------------------------------------------------------------------------------------

IN_ORDER: dict[str, Any] = {
    "/v2/user/get.json": json.loads(recorded("user_get")),
    "/v2/sign/get.json": json.loads(recorded("sign_get")),
    "/v2/tpl/get.json": json.loads(recorded("tpl_get")),
}


def _with(method: str, **fields: Any) -> dict[str, Any]:
    answer = IN_ORDER[f"/v2/{method}.json"] | fields
    return {f"/v2/{method}.json": answer}


def _signature(**fields: Any) -> dict[str, Any]:
    return _with("sign/get", sign=[IN_ORDER["/v2/sign/get.json"]["sign"][0] | fields])


def _refused(method: str, code: str) -> dict[str, Any]:
    return {f"/v2/{method}.json": httpx.Response(400, content=refusal(code))}


_WRONG_TEXT = "【示例】#name#您好，#n#元劵"


@pytest.mark.parametrize(
    ("changed", "bad", "words"),
    [
        pytest.param({}, {}, "", id="in-order"),
        pytest.param(_refused("user/get", "-1"), {"credential": "-1"}, "SMSKIT_YUNPIAN_API_KEY", id="key"),
        pytest.param(_refused("user/get", "-3"), {"credential": "-3"}, "IP白名单", id="address"),
        pytest.param(
            {"/v2/user/get.json": httpx.ConnectError("!")}, {"credential": ""}, "network", id="no-network"
        ),
        pytest.param({"/v2/user/get.json": []}, {"credential": ""}, "network", id="odd-account"),
        pytest.param(_with("user/get", balance=0), {"balance": "3"}, "Top up", id="no-money"),
        pytest.param(_with("user/get", balance="-0.5"), {"balance": "3"}, "Top up", id="debt-as-text"),
        pytest.param(_with("user/get", balance=None), {"balance": ""}, "console", id="balance-untold"),
        pytest.param(_with("sign/get", sign=[]), {"signature": "15"}, "approved", id="signature-missing"),
        pytest.param(_with("sign/get", sign=None), {"signature": "15"}, "approved", id="signature-null"),
        pytest.param(_signature(sign="【示例二】"), {"signature": "15"}, "approved", id="signature-similar"),
        pytest.param(
            _signature(check_status="CHECKING"), {"signature": "15"}, "review", id="signature-in-review"
        ),
        pytest.param(
            _signature(check_status="FAIL", remark="缺少证明"),
            {"signature": "15"},
            "缺少证明",
            id="signature-rejected",
        ),
        pytest.param(_signature(check_status="APLLYING_VIP"), {}, "", id="signature-applies-for-vip"),
        pytest.param(_refused("sign/get", "-4"), {"signature": "-4"}, "", id="signature-not-told"),
        pytest.param(_refused("tpl/get", "5"), {"template": "5"}, "word for word", id="template-missing"),
        pytest.param({"/v2/tpl/get.json": []}, {"template": "5"}, "word for word", id="template-none"),
        pytest.param(
            _with("tpl/get", check_status="CHECKING"), {"template": "7"}, "in review", id="template-in-review"
        ),
        pytest.param(
            _with("tpl/get", check_status="FAIL", reason="含有链接"),
            {"template": "7"},
            "含有链接",
            id="template-rejected",
        ),
        pytest.param(
            _with("tpl/get", tpl_content=_WRONG_TEXT), {"template": "5"}, _WRONG_TEXT, id="template-differs"
        ),
        pytest.param(
            _with("tpl/get", tpl_content="【示范】#name#您好，#n#元券"),
            {"template": "5"},
            "【示范】",
            id="template-has-another-signature",
        ),
        pytest.param(
            _with("tpl/get", tpl_content="【#company#】#code#"),
            {"template": "5"},
            "【#company#】",
            id="template-of-nobody",
        ),
        pytest.param(
            _with("user/get", balance=0) | _signature(check_status="FAIL"),
            {"balance": "3", "signature": "15"},
            "",
            id="several",
        ),
    ],
)
def test_check(changed: dict[str, Any], bad: dict[str, str], words: str) -> None:
    """A check names each thing that is wrong, by Yunpian's code, with a next step; and sends nothing."""
    wired = Wired(IN_ORDER | changed)
    result = run(wired.yunpian.check(signature="示例", template_id="100", template=BY_ID.template))
    wrong = {finding.what: finding.code for finding in result.findings if not finding.ok}

    assert wrong == bad
    assert result.usable == (not bad)
    assert words in " ".join(f.next_step for f in result.findings if not f.ok)
    assert {request.url.path for request in wired.requests} <= set(IN_ORDER)


def test_a_good_check_tells_balance_and_text() -> None:
    """What the provider says of itself is handed on as it said it."""
    wired = Wired(IN_ORDER)
    result = run(wired.yunpian.check(signature="示例", template_id="100", template=BY_ID.template))
    sign, template = (parse_qs(r.content.decode()) for r in wired.requests[1:])

    assert (result.balance, result.template_text) == ("812.35 元或条", "【示例】#name#您好，#n#元券")
    assert [f.what for f in result.findings] == ["credential", "balance", "signature", "template"]
    assert sign["sign"] == ["【示例】"]
    assert template["tpl_id"] == ["100"]


def test_a_text_needs_a_signature() -> None:
    """Without a signature nothing can be sent, and the check knows it without asking."""
    wired = Wired(IN_ORDER)
    result = run(wired.yunpian.check(template=Template.parse("店庆")))

    assert [f.code for f in result.findings if not f.ok] == ["2"]
    assert len(wired.requests) == 1


def test_template_text() -> None:
    """The approved text comes in Yunpian's own form; an id that is not there is refused."""
    found = Wired(IN_ORDER).yunpian
    listed = Wired([{"tpl_id": 7, "tpl_content": "x"}]).yunpian

    assert run(found.template_text("100")) == "【示例】#name#您好，#n#元券"
    with pytest.raises(Refused, match="no template 8"):
        run(listed.template_text("8"))


def test_approved_form() -> None:
    """A rehearsal's account holds the template as Yunpian would write it."""
    yunpian = Wired().yunpian

    assert yunpian.approved_form(BY_ID) == {"id": "100", "content": "【示例】#name#您好，#n#元券"}
    assert yunpian.approved_form(FIXED) == {"id": "1", "content": "【示例】店庆"}


# -- receipts, replies, records -------------------------------------------------------------------------


def test_receipts() -> None:
    """Reports are read by their status alone; ids are text, phones E.164, times aware, nulls nothing."""
    assert Wired().yunpian.parse_receipts(recorded("pull_status")) == [
        Receipt(
            "20000000011",
            "+8613800000001",
            True,
            "SUCCESS",
            "接收成功",
            datetime(2026, 1, 5, 14, 55, 21, tzinfo=UTC),
        ),
        Receipt(
            "20000000012",
            "+8613800000002",
            False,
            "YP:54",
            "错误号码138****0002,不扣费",
            datetime(2026, 1, 5, 14, 55, 23, tzinfo=UTC),
        ),
        Receipt("20000000013", "+8613800000003", None, "UNKNOWN"),
        Receipt("20000000014", "+8613800000004", False, "MK:0001"),
    ]


def test_replies() -> None:
    """Replies are read with their serial; what is null is empty."""
    assert Wired().yunpian.parse_replies(recorded("pull_reply")) == [
        Reply("65a000000000000000000001", "+8613800000001", "TD", datetime(2026, 1, 5, 7, 56, 4, tzinfo=UTC)),
        Reply("65a000000000000000000002", "+8613800000002", ""),
    ]


@pytest.mark.parametrize("feature", [Feature.RECEIPTS, Feature.REPLIES])
def test_pulling(feature: Feature) -> None:
    """A page comes back as it was sent, since it exists nowhere else then; an empty one is the end."""
    receipts = feature is Feature.RECEIPTS
    page = recorded("pull_status" if receipts else "pull_reply")
    wired = Wired(page, b"[]")
    pull = wired.yunpian.pull_receipts if receipts else wired.yunpian.pull_replies

    assert run(pull()) == page
    assert run(pull()) is None
    assert wired.path == f"/v2/sms/{'pull_status' if receipts else 'pull_reply'}.json"
    assert wired.form == {"page_size": ["100"]}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(httpx.Response(200, content=b"{}"), OutcomeUnknown, id="no-list"),
        pytest.param(httpx.Response(502, content=HTML), OutcomeUnknown, id="html"),
        pytest.param(httpx.Response(500, content=b"[]"), OutcomeUnknown, id="list-500"),
        pytest.param(httpx.Response(400, content=refusal("-11")), AccountProblem, id="not-open"),
    ],
)
def test_pulling_that_fails_is_not_an_empty_page(answer: httpx.Response, error: type[ProviderError]) -> None:
    """Only an empty list with a good status says that nothing waits."""
    with pytest.raises(error):
        run(Wired(answer).yunpian.pull_receipts())


SINCE, UNTIL = datetime(2026, 1, 5, 8, 30, tzinfo=UTC), datetime(2026, 1, 5, 18, 0, 59, tzinfo=UTC)


def test_records() -> None:
    """Records are asked for in Shanghai time and of both kinds, and tell text, id and what became of it."""
    wired = Wired(recorded("get_record"))
    found = run(wired.yunpian.records("+8613800000001", SINCE, UNTIL))
    at = datetime(2026, 1, 5, 8, 36, tzinfo=UTC)
    receipt = Receipt("20000000012", "+8613800000001", True, "DELIVRD", "", at)

    assert wired.path == "/v2/sms/get_record.json"
    assert wired.form == {
        "mobile": [ONE],
        "start_time": ["2026-01-05 16:30:00"],
        "end_time": ["2026-01-06 02:00:59"],
        "page_num": ["1"],
        "page_size": ["100"],
        "type": ["all"],
    }
    assert found[:2] == [
        Record("20000000011", "+8613800000001", "【示例】您的验证码是1234", code="SUCCESS"),
        Record("20000000012", "+8613800000001", "【示例】店庆", "spring", code="SUCCESS", receipt=receipt),
    ]
    assert (found[2].accepted, found[2].code, found[2].text) == (False, "FAIL", "")


def test_records_are_paged_until_a_short_page() -> None:
    """A full page is followed by the next; the first that is not full is the last."""
    row = json.loads(recorded("get_record"))[0]
    rows = [row | {"sid": str(n)} for n in range(203)]
    wired = Wired(rows[:100], rows[100:200], rows[200:])
    found = run(wired.yunpian.records("+8613800000001", SINCE, UNTIL))

    assert len(found) == 203
    assert [dict(parse_qsl(r.content.decode()))["page_num"] for r in wired.requests] == ["1", "2", "3"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.Response(200, content=b"{}"), id="no-list"),
        pytest.param(httpx.Response(500, content=b"[]"), id="list-500"),
        pytest.param(httpx.Response(200, content=b'["x"]'), id="no-records"),
        pytest.param(httpx.Response(200, content=b'[{"sid":"1"}]'), id="no-number"),
    ],
)
def test_records_that_cannot_be_read_are_not_none(answer: httpx.Response) -> None:
    """An odd answer is never taken for "no record": that would send again."""
    with pytest.raises(OutcomeUnknown):
        run(Wired(answer).yunpian.records("+8613800000001", SINCE, UNTIL))


# -- account, signatures, templates -----------------------------------------------------------------------

Method = Callable[[Yunpian], Awaitable[Any]]
SIGN: dict[str, Any] = {"code": 0, "sign": {"sign": "【示例】"}}


@pytest.mark.parametrize(
    ("call", "path", "fields", "answer"),
    [
        pytest.param(lambda y: y.account(), "user/get", {}, {"balance": 1}, id="account"),
        pytest.param(lambda y: y.signatures(), "sign/get", {}, [SIGN["sign"]], id="signatures"),
        pytest.param(
            lambda y: y.signatures("示例"),
            "sign/get",
            {"sign": "【示例】"},
            [SIGN["sign"]],
            id="signatures-exact",
        ),
        pytest.param(lambda y: y.templates(), "tpl/get", {}, [{"tpl_id": 1}], id="templates"),
        pytest.param(lambda y: y.templates("1"), "tpl/get", {"tpl_id": "1"}, [{"tpl_id": 1}], id="template"),
    ],
)
def test_asking_about_the_account(call: Method, path: str, fields: dict[str, str], answer: Any) -> None:
    """Each method posts its documented fields to its documented path and hands the answer on."""
    told = {"code": 0, "sign": answer} if path == "sign/get" else answer
    wired = Wired(told)
    result = run(call(wired.yunpian))

    assert result == answer
    assert wired.path == f"/v2/{path}.json"
    assert {name: " ".join(values) for name, values in wired.form.items()} == fields


@pytest.mark.parametrize(
    ("answer", "call", "expected"),
    [
        pytest.param({"tpl_id": 1}, lambda y: y.templates("1"), [{"tpl_id": 1}], id="one-template"),
        pytest.param(SIGN, lambda y: y.signatures(), [SIGN["sign"]], id="one-signature"),
    ],
)
def test_shapes_that_differ_by_account(answer: Any, call: Method, expected: Any) -> None:
    """Both documented shapes of an answer come out the same."""
    assert run(call(Wired(answer).yunpian)) == expected


def test_asking_can_be_refused() -> None:
    """A refusal of a method that sends nothing is told like any other."""
    with pytest.raises(Refused) as caught:
        run(Wired(refusal("-54"), status=400).yunpian.signatures())

    assert caught.value.code == "-54"


# -- nothing secret ---------------------------------------------------------------------------------------

_ECHO = {
    "code": 2,
    "msg": "请求参数格式错误",
    "detail": f"参数 mobile 格式不正确，mobile:+86{ONE},{TWO};{THREE}",
}


@pytest.mark.parametrize("who", [people("张三/5"), EQUAL], ids=["single", "batch"])
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(_ECHO, id="echoed-numbers"),
        pytest.param(_ECHO | {"code": -1}, id="account"),
        pytest.param(_ECHO | {"code": 777}, id="undocumented"),
        pytest.param({"data": [_ECHO | {"mobile": ONE}], "sid": None}, id="items"),
        pytest.param(f"<p>apikey={KEY}&mobile={ONE}</p>".encode(), id="echoed-request"),
        pytest.param(httpx.ReadTimeout(f"apikey={KEY} {ONE}"), id="time-out"),
        pytest.param(httpx.ConnectError(f"apikey={KEY} {ONE}"), id="no-connection"),
        pytest.param(httpx.RemoteProtocolError(f"apikey={KEY} {ONE}"), id="dropped"),
    ],
)
def test_nothing_secret_is_told(answer: Any, who: Slice) -> None:
    """No key and no full phone in a result, an error, its facts, what lies behind it, or its traceback."""
    fate = Wired(answer).fate(who)
    told = [repr(fate)]
    behind = [fate] if isinstance(fate, BaseException) else []
    while behind:
        error = behind.pop()
        told += [str(error), repr(error), *traceback.format_exception(error)]
        told += [str(vars(error))] if isinstance(error, ProviderError) else []
        # What httpx itself says is the last link, which no traceback shows.
        links = (error.__cause__, error.__context__)
        behind += [link for link in links if not isinstance(link, httpx.HTTPError | None)]

    assert not [secret for secret in (KEY, ONE, TWO, THREE) if secret in "\n".join(told)]


def test_nothing_secret_is_shown() -> None:
    """Provider, settings, calls, receipts, replies and records can be shown."""
    wired = Wired(recorded("get_record"))
    yunpian = wired.yunpian
    shown: list[Any] = [yunpian, yunpian.settings, vars(yunpian)]
    shown += [wired.calls(EQUAL), wired.calls(EQUAL, BY_ID)]
    shown += [yunpian.parse_receipts(recorded("pull_status")), yunpian.parse_replies(recorded("pull_reply"))]
    shown += [run(yunpian.records("+8613800000001", SINCE, UNTIL))]

    assert not [secret for secret in (KEY, ONE, TWO, THREE) if secret in f"{shown!r} {shown}"]


def test_no_connection_sent_nothing() -> None:
    """A request that never left may go again, unlike one that found no answer."""
    assert isinstance(Wired(httpx.ConnectError("!")).fate(EQUAL), Unreachable)
    assert isinstance(Wired(httpx.ReadTimeout("!")).fate(EQUAL), OutcomeUnknown)


def test_declares_what_it_can() -> None:
    """Brackets cannot be sent within a value, and the template form is Yunpian's."""
    limits = Wired(multi_send=True, batch_size=300, text_units=400).yunpian.limits

    assert (limits.same, limits.different, limits.text_units, limits.unfit_value) == (300, 300, 400, "[【】]")
    assert Wired().yunpian.limits.different == 1
    assert Yunpian.form is Form.YUNPIAN
