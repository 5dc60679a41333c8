"""Chuanglan on the wire: message -> exactly this request; recorded answer -> this result or error."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pydantic import ValidationError

from smskit.errors import (
    AccountProblem,
    NotAccepted,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    Refused,
    Unreachable,
)
from smskit.message.template import Template
from smskit.models import CodeClass, Receipt, Slice, Submission
from smskit.providers.calls import Call, Job
from smskit.providers.chuanglan import Chuanglan, ChuanglanSettings, request_digest
from smskit.providers.http import Answer
from smskit.settings import Environment

DATA = Path(__file__).parents[1] / "data" / "chuanglan"
ACCOUNT, PASSWORD = "N0000001", "FakePass123"
MSG_ID = "24060100000000000000000000000001"
PHONES = ["13800000001", "13800000002", "13800000003"]
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


def recorded(name: str) -> bytes:
    return (DATA / name).read_bytes().strip()


def provider(
    answers: list[Any] | None = None, seen: list[httpx.Request] | None = None, **settings: Any
) -> Chuanglan:
    """A client whose requests go to *seen* and whose answers come from *answers*, in order."""
    queue = list(answers or [])

    def handle(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        answer = queue.pop(0) if queue else recorded("send_ok.json")
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, content=answer)

    given = {"account": ACCOUNT, "password": PASSWORD} | settings
    return Chuanglan(ChuanglanSettings(**given), transport=httpx.MockTransport(handle))


def people(rows: int = 3, **columns: list[str]) -> Slice:
    variables = {name: pa.array(values, pa.large_string()) for name, values in columns.items()}
    phones = np.array([int(f"86{13800000001 + i}") for i in range(rows)], np.int64)
    return Slice(0, np.arange(rows, dtype=np.uint16), phones, variables)


def job(text: str = "你好，100% OK & +1", template_id: str = "", **more: Any) -> Job:
    return Job(Template.parse(text, signature="示例"), template_id, reference="spring-26 春", **more)


def wait(work: Any) -> Any:
    return asyncio.run(work)


def submit(client: Chuanglan, call: Call) -> list[Submission]:
    result: list[Submission] = wait(client.submit(call))
    return result


def one_call(client: Chuanglan, given: Job | None = None, who: Slice | None = None) -> Call:
    (call,) = client.calls(given or job(), who or people())
    return call


def sent(
    client_settings: dict[str, Any], given: Job, who: Slice
) -> list[tuple[httpx.Request, dict[str, Any]]]:
    """Every request that serves *who*, with its decoded body."""
    seen: list[httpx.Request] = []
    client = provider(seen=seen, **client_settings)
    for call in client.calls(given, who):
        with suppress(OutcomeUnknown):  # the recorded answer may belong to the other family
            submit(client, call)
    return [(request, orjson.loads(request.content)) for request in seen]


# -- what goes out ----------------------------------------------------------------------------------


def test_equal_texts_go_as_one_text() -> None:
    """One text for three numbers is one send/json, with `msg` percent-encoded and reports asked for."""
    ((request, body),) = sent({}, job(), people())

    uid = body.pop("uid")
    assert (request.method, str(request.url)) == ("POST", "https://smssh1.253.com/msg/v1/send/json")
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert body == {
        "account": ACCOUNT,
        "password": PASSWORD,
        "msg": "%E3%80%90%E7%A4%BA%E4%BE%8B%E3%80%91%E4%BD%A0%E5%A5%BD%EF%BC%8C100%25%20OK%20%26%20%2B1",
        "phone": "13800000001,13800000002,13800000003",
        "report": "true",
    }
    assert re.fullmatch(r"spring-26-[0-9a-f]{16}", uid)


def test_msg_may_go_as_it_is() -> None:
    """With encode_msg off the text stands in the JSON unchanged, as the vendor's Java demo sends it."""
    ((_, body),) = sent({"encode_msg": False}, job(), people())

    assert body["msg"] == "【示例】你好，100% OK & +1"


def test_different_texts_go_as_variables() -> None:
    """Different values are one variable/json, filled from left to right, a repeated variable twice."""
    who = people(name=["张三", 'l\n"b\\', "😀"], n=["1", "2", ""])

    ((request, body),) = sent({}, job("你好{name}，{n}元，{name}"), who)

    del body["uid"]
    assert str(request.url) == "https://smssh1.253.com/msg/variable/json"
    assert body == {
        "account": ACCOUNT,
        "password": PASSWORD,
        "msg": "【示例】你好{$var}，{$var}元，{$var}",
        "params": '13800000001,张三,1,张三;13800000002,l\n"b\\,2,l\n"b\\;13800000003,😀,,😀',
        "report": "true",
    }


def test_an_encoded_variable_text_keeps_its_marks_bare() -> None:
    """With encode_variable_msg the text around {$var} is encoded, the marks and the values are not."""
    who = people(name=["50%", "a+b", "c"])

    ((_, body),) = sent({"encode_variable_msg": True}, job("省{name}&"), who)

    assert body["msg"] == "%E3%80%90%E7%A4%BA%E4%BE%8B%E3%80%91%E7%9C%81{$var}%26"
    assert body["params"] == "13800000001,50%;13800000002,a+b;13800000003,c"


@pytest.mark.parametrize("auth", ["password", "hmac"])
def test_a_template_goes_by_id(auth: str) -> None:
    """v2 sends id and values to its own host; the password, or a digest made with it, says who we are."""
    who = people(name=["张三"] * 3, n=["5"] * 3)
    settings = {"family": "v2", "auth": auth}

    ((request, body),) = sent(settings, job("你好{name}，{n}元，{name}", "100012"), who)

    uid, timestamp, nonce = body.pop("uid"), body.pop("timestamp"), body.pop("nonce")
    digest = request.headers.get("X-QA-Hmac-Signature")
    assert str(request.url) == "https://smssh.253.com/msg/sms/v2/tpl/send"
    assert body == {
        "account": ACCOUNT,
        "phoneNumbers": "13800000001,13800000002,13800000003",
        "templateId": "100012",
        "templateParamJson": '[{"param1":"张三","param2":"5","param3":"张三"}]',
        "signature": "【示例】",
        "report": "true",
    } | ({"password": PASSWORD} if auth == "password" else {})
    assert digest == (request_digest(PASSWORD, timestamp, nonce) if auth == "hmac" else None)
    assert re.fullmatch(r"[0-9]{10} [0-9a-zA-Z]{32}", f"{timestamp} {nonce}")
    assert len(uid) <= 64


@pytest.mark.parametrize(
    ("settings", "read"),
    [
        ({}, lambda body: unquote(body["msg"])),
        ({"encode_msg": False}, lambda body: body["msg"]),
        ({"family": "v2"}, lambda body: "".join(orjson.loads(body["templateParamJson"])[0].values())),
    ],
)
def test_hostile_values_arrive_as_they_are(settings: dict[str, Any], read: Callable[[Any], str]) -> None:
    """Quotes, backslashes, line ends, percent signs and emoji come out of the request as they went in."""
    value = 'a"b\\c\n\x01 %41+&😀\u2028'
    ((_, body),) = sent(settings, job("{name}", "7"), people(1, name=[value]))

    assert read(body).removeprefix("【示例】") == value


def test_a_template_without_variables_has_no_values() -> None:
    """templateParamJson is left out where the template takes none, the signature where it is bound."""
    given = Job(Template.parse("通知"), "100012")

    ((_, body),) = sent({"family": "v2"}, given, people())

    assert not {"templateParamJson", "signature"} & set(body)


@pytest.mark.parametrize(
    ("password", "timestamp", "nonce", "digest"),
    [
        (
            "FakePass123",
            "1717171717",
            "0123456789abcdef0123456789abcdef",
            "96c084781392e22cb60984b282fa9170f9b15699f6aaaa261faa64dc17deb08e",
        ),
        (
            "FakePass123",
            "1717171717",
            "zyxwvutsrqponmlkjihgfedcba987654",
            "6eafe7a6b16f709bf03a5977823fd0a8fa3f6f52df5a78b0643b0dcef56a3630",
        ),
        (
            "密码Test9",
            "1704067199",
            "A1B2C3D4E5F6A7B8C9D0E1F2A3B4C5D6",
            "cdb00d55363f1c691e9c5b5b52d133fbb211715ed17bbf3c477b07bebdef937e",
        ),
    ],
    ids=["digits first", "key first", "utf-8"],
)
def test_digest_vectors(password: str, timestamp: str, nonce: str, digest: str) -> None:
    """The digest equals the dossier's vectors."""
    assert request_digest(password, timestamp, nonce) == digest


# -- how people are cut -----------------------------------------------------------------------------


def cut(who: Slice, text: str = "你好{name}", **settings: Any) -> list[tuple[str, list[int]]]:
    client = provider(**settings)
    return [(call.method, call.rows.tolist()) for call in client.calls(job(text, "1"), who)]


@pytest.mark.parametrize(
    ("settings", "names", "calls"),
    [
        ({"batch_size": 2}, ["a"] * 5, [("send", 2), ("send", 2), ("send", 1)]),
        ({"batch_size": 2}, list("abcde"), [("variable", 2), ("variable", 2), ("variable", 1)]),
        ({}, ["a", "a", "b", "b"], [("variable", 4)]),
        ({"family": "v2"}, ["a", "a", "b", "c"], [("tpl", 2), ("tpl", 1), ("tpl", 1)]),
    ],
    ids=["equal", "different", "neighbours", "v2"],
)
def test_cutting(settings: dict[str, Any], names: list[str], calls: list[tuple[str, int]]) -> None:
    """Calls hold at most batch_size people; by template only those with equal values."""
    assert [(method, len(rows)) for method, rows in cut(people(len(names), name=names), **settings)] == calls


def test_a_thousand_a_call() -> None:
    """Without other settings 2,500 people with values of their own are three calls."""
    names = [f"n{i}" for i in range(2500)]

    assert [len(rows) for _, rows in cut(people(2500, name=names))] == [1000, 1000, 500]


@pytest.mark.parametrize(
    ("settings", "calls"),
    [
        ({}, [("variable", [0, 3, 5]), ("send", [1]), ("send", [2]), ("send", [4])]),
        ({"encode_variable_msg": False}, [("variable", [0, 1, 2, 3, 5]), ("send", [4])]),
        ({"encode_variable_msg": True}, [("variable", [0, 1, 2, 3, 5]), ("send", [4])]),
    ],
)
def test_what_may_not_arrive_as_it_is_goes_alone(
    settings: dict[str, Any], calls: list[tuple[str, list[int]]]
) -> None:
    """Percent and plus go alone while decoding is unsettled; a separator from an older plan always does."""
    assert cut(people(6, name=["a", "50%", "1+1", "&=", "x,y", "full，；"]), **settings) == calls


@pytest.mark.parametrize(
    "text",
    ["{name}满{name}" * 11, "{name}打折50%", "{name}和{{$var}}"],
    ids=["22 places", "percent in the text", "a literal mark"],
)
def test_texts_the_variable_call_cannot_carry_go_one_by_one(text: str) -> None:
    """Above 20 places, a text that decoding could change, a literal {$var}: whole texts, one a call."""
    assert [m for m, _ in cut(people(3, name=["a", "b", "c"]), text)] == ["send"] * 3


def test_separators_are_replaced_only_on_request() -> None:
    """replace_separators has the plan, and so the preview, write , and ; inside values at full width."""
    asked = provider(replace_separators=True).limits.replace
    default = provider().limits.replace

    assert asked == ((",", "，"), (";", "；"))
    assert default == ()


@pytest.mark.parametrize(
    ("settings", "unfit"),
    [
        ({}, ["a,b", "a;b", "{$var}", "【x】"]),
        ({"replace_separators": True}, ["{$var}", "【x】"]),
        ({"family": "v2"}, ["【x】"]),
    ],
)
def test_values_that_cannot_be_carried(settings: dict[str, Any], unfit: list[str]) -> None:
    """The plan leaves out values that would shift others or look like a signature, and no others."""
    values = [
        "a,b",
        "a;b",
        "{$var}",
        "【x】",
        "a，b；c",
        "50%",
        "1+1",
        "a&b",
        "l\nb",
        "😀",
        "[x]",
        "{name}",
        "$1",
    ]
    pattern = provider(**settings).limits.unfit_value

    found = pc.match_substring_regex(pa.array(values), pattern).to_pylist()

    assert [value for value, bad in zip(values, found, strict=True) if bad] == unfit


def test_a_part_of_a_call_is_prepared_anew() -> None:
    """Half of a call that is tried again carries its own people and an id of its own."""
    seen: list[httpx.Request] = []
    client = provider(seen=seen, answers=[recorded("send_old_ok.json")] * 2)
    call = one_call(client, job("你好{name}"), people(name=["a", "b", "c"]))

    submit(client, call)
    submit(client, call.part(1, 3))

    first, second = (orjson.loads(request.content) for request in seen)
    assert second["params"] == "13800000002,b;13800000003,c"
    assert first["uid"] != second["uid"]


def test_a_call_that_was_not_taken_keeps_its_id() -> None:
    """The same call sent again after a refusal is known to Chuanglan by the same id."""
    seen: list[httpx.Request] = []
    client = provider([b'{"code":"103"}'], seen)
    call = one_call(client)

    with pytest.raises(RateLimited):
        submit(client, call)
    submit(client, call)

    assert seen[0].content == seen[1].content


def test_extra_fields_go_along() -> None:
    """What a job brings for this provider alone is merged last."""
    ((_, body),) = sent({}, job(extra={"extend": "42"}), people())

    assert body["extend"] == "42"


def test_v2_needs_a_template_id() -> None:
    """A v2 send without a template id stops the run before anything leaves."""
    seen: list[httpx.Request] = []
    client = provider(seen=seen, family="v2")

    with pytest.raises(AccountProblem, match="template_id"):
        submit(client, one_call(client))
    assert not seen


# -- what comes back --------------------------------------------------------------------------------

TAKEN = [Submission(CodeClass.ACCEPTED, MSG_ID, "0")] * 3


@pytest.mark.parametrize(
    ("family", "answer", "message_id", "kind"),
    [
        ("v1", recorded("send_ok.json"), MSG_ID, CodeClass.ACCEPTED),
        ("v1", recorded("send_old_ok.json"), "17041010383624511", CodeClass.ACCEPTED),
        ("v1", recorded("send_some_failed.json"), MSG_ID[:-1] + "2", CodeClass.UNKNOWN),
        ("v1", b'{"code":"0","msgId":"1","successNum":"2"}', "1", CodeClass.UNKNOWN),
        ("v1", b'{"code":"0","msgId":"1","failNum":"3","successNum":"0"}', "1", CodeClass.UNKNOWN),
        ("v1", b'{"code":"0","msgId":"1","failNum":"many"}', "1", CodeClass.UNKNOWN),
        ("v1", b'{"code":0,"msgId":1,"failNum":0,"successNum":3}', "1", CodeClass.ACCEPTED),
        ("v2", recorded("tpl_ok.json"), MSG_ID[:-1] + "3", CodeClass.ACCEPTED),
        ("v2", recorded("tpl_ok_msgid.json"), MSG_ID[:-1] + "4", CodeClass.ACCEPTED),
        ("v2", b'{"code":"000000","msgId":"1","failNum":"1","successNum":"2"}', "1", CodeClass.UNKNOWN),
    ],
)
def test_one_id_and_one_fate_for_everybody(
    family: str, answer: bytes, message_id: str, kind: CodeClass
) -> None:
    """All are accepted under the call's id, or with any failure all are unknown under it."""
    client = provider([answer], family=family)

    results = submit(client, one_call(client, job(template_id="1")))

    assert {(r.kind, r.message_id) for r in results} == {(kind, message_id)}
    assert len(results) == 3
    assert (results[0].detail == "") == (kind is CodeClass.ACCEPTED)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, content=HTML),
        httpx.Response(200, content=HTML),
        b"",
        recorded("send_ok.json")[:40],
        b"[]",
        b"{}",
        b'{"code":null}',
        b'{"code":"0","msgId":""}',
        b'{"code":"999","errorMsg":"?"}',
        b'{"code":"000000","msgId":"1"}',
        b'{"code":"101200"}',
        httpx.Response(500, content=recorded("send_ok.json")),
        httpx.ReadTimeout("late"),
        httpx.RemoteProtocolError("gone"),
    ],
    ids=[
        "502 page",
        "200 page",
        "empty",
        "truncated",
        "list",
        "no code",
        "null code",
        "no id",
        "unknown code",
        "the other family's success",
        "the other family's refusal",
        "success with 500",
        "time-out",
        "dropped",
    ],
)
def test_an_unclear_answer_is_unknown(answer: Any) -> None:
    """Whatever cannot be read for sure may have been accepted; our own id, which reports name, is kept."""
    seen: list[httpx.Request] = []
    client = provider([answer], seen)

    with pytest.raises(OutcomeUnknown) as caught:
        submit(client, one_call(client))
    assert caught.value.request_id == orjson.loads(seen[0].content)["uid"]


def test_no_connection_means_nothing_was_sent() -> None:
    """A connection that was never made may be tried again."""
    client = provider([httpx.ConnectError("refused")])

    with pytest.raises(Unreachable):
        submit(client, one_call(client))


V1 = {
    AccountProblem: "101 102 109 110 111 112 117 118 119 120 122 123",
    RateLimited: "103 104",
    Refused: "105 106 107 108 113 114 115 116 121 124 125 126 127 128 129 130",
}
V2 = {AccountProblem: "101200 101203 101207", Refused: "101206"}
EXPECTED = [
    pytest.param(family, code, error, id=f"{family}-{code}")
    for family, table in (("v1", V1), ("v2", V2))
    for error, codes in table.items()
    for code in codes.split()
]


@pytest.mark.parametrize(("family", "code", "error"), EXPECTED)
def test_every_code_has_its_class(family: str, code: str, error: type[ProviderError]) -> None:
    """Each documented code of a family refuses the whole call in the way its class says."""
    client = provider(
        [orjson.dumps({"code": code, "msgId": "", "errorMsg": "号码13800000001有误"})], family=family
    )

    with pytest.raises(NotAccepted) as caught:
        submit(client, one_call(client, job(template_id="1")))

    assert type(caught.value) is error
    assert (caught.value.code, caught.value.detail) == (code, "号码138****0001有误")


@pytest.mark.parametrize("family", ["v1", "v2"])
def test_tables_are_complete_and_kept_apart(family: str) -> None:
    """Every code of the table is tested above, says something, and means nothing to the other family."""
    other = provider(family="v2" if family == "v1" else "v1")
    listed = {p.values[1] for p in EXPECTED if p.values[0] == family} | {"0" if family == "v1" else "000000"}

    table = Chuanglan.tables[family]

    assert set(table) == listed
    assert all(code.meaning for code in table.values())
    assert {other.code(code).kind for code in table} == {CodeClass.UNKNOWN}


def test_nothing_shows_a_secret() -> None:
    """Account, password and phones are in no repr, no error and no prepared call."""
    client = provider([recorded("send_refused.json"), httpx.ReadTimeout("late")], family="v1")
    call = one_call(client)
    shown = [repr(client), repr(client.settings), str(client.settings), repr(call), call.body.decode()]
    for _ in range(2):
        with pytest.raises(ProviderError) as caught:
            submit(client, call)
        shown += [str(caught.value), repr(caught.value), str(vars(caught.value))]

    assert not [text for text in shown if ACCOUNT in text or PASSWORD in text]
    assert not [text for text in shown[:4] + shown[5:] if PHONES[0] in text]


# -- settings and check -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "send", "tpl"),
    [
        ({}, "https://smssh1.253.com", "https://smssh.253.com"),
        ({"base_url": "https://x.253.com/"}, "https://x.253.com", "https://smssh.253.com"),
        ({"base_url": "http://127.0.0.1:9"}, "http://127.0.0.1:9", "http://127.0.0.1:9"),
        (
            {"base_url": "http://localhost:9", "tpl_base_url": "https://t.test/"},
            "http://localhost:9",
            "https://t.test",
        ),
    ],
)
def test_where_requests_go(given: dict[str, str], send: str, tpl: str) -> None:
    """Each account may have a host of its own; a simulator serves both families."""
    settings = ChuanglanSettings(account=ACCOUNT, password=PASSWORD, **given)

    assert (settings.base_url, settings.tpl_url) == (send, tpl)


@pytest.mark.parametrize(
    "given",
    [
        {"base_url": "http://smssh1.253.com"},
        {"tpl_base_url": "smssh.253.com"},
        {"batch_size": 1001},
        {"family": "v3"},
        {"auth": "none"},
    ],
)
def test_settings_out_of_range(given: dict[str, Any]) -> None:
    """The password never travels in clear to the vendor; sizes and names are checked, values not shown."""
    with pytest.raises(ValidationError) as caught:
        ChuanglanSettings(account=ACCOUNT, password=PASSWORD, **given)
    assert PASSWORD not in str(caught.value)


def test_settings_come_from_the_environment() -> None:
    """Each setting is a variable of its own; what is not said about decoding stays unsettled."""
    given = {"ACCOUNT": ACCOUNT, "PASSWORD": PASSWORD, "REPLACE_SEPARATORS": "true", "FAMILY": "v2"}
    environment = Environment({f"SMSKIT_CHUANGLAN_{k}": v for k, v in given.items()}, keyring=False)

    settings = environment.provider("chuanglan", ChuanglanSettings)

    assert (settings.replace_separators, settings.family) == (True, "v2")
    assert settings.encode_variable_msg is None
    assert settings.secret_fields() == ("account", "password")


def check(
    answer: Any, *, signature: str = "示例", template: str = "你好", template_id: str = "", **more: Any
) -> Any:
    client = provider([answer], **more)
    return wait(client.check(signature=signature, template_id=template_id, template=Template.parse(template)))


def test_check_asks_for_the_balance_only() -> None:
    """A good account is usable; the balance call carries the credentials and nothing else."""
    seen: list[httpx.Request] = []
    client = provider([recorded("balance_ok.json")], seen)

    result = wait(client.check(signature="示例", template=Template.parse("你好")))

    assert result.usable
    assert (result.balance, [f.what for f in result.findings]) == (
        "9950 条",
        ["credential", "balance", "signature", "template"],
    )
    assert [str(r.url) for r in seen] == ["https://smssh1.253.com/msg/balance/json"]
    assert orjson.loads(seen[0].content) == {"account": ACCOUNT, "password": PASSWORD}


EMPTY = b'{"code":0,"balance":"0","time":"","errorMsg":""}'


@pytest.mark.parametrize(
    ("answer", "more", "bad"),
    [
        (recorded("balance_refused.json"), {}, [("credential", "102")]),
        (b'{"code":"117","errorMsg":"IP"}', {"family": "v2", "template_id": "1"}, [("credential", "117")]),
        (httpx.Response(502, content=HTML), {}, [("credential", "")]),
        (b'{"code":0}', {}, [("credential", "")]),
        (EMPTY, {}, [("balance", "109")]),
        (EMPTY, {"family": "v2", "template_id": "1"}, [("balance", "101207")]),
        (EMPTY, {"account": "N000001_N0000002"}, []),
        (recorded("balance_ok.json"), {"signature": ""}, [("signature", "116")]),
        (recorded("balance_ok.json"), {"signature": "", "family": "v2", "template_id": "1"}, []),
        (recorded("balance_ok.json"), {"family": "v2"}, [("template", "")]),
        (recorded("balance_ok.json"), {"base_url": "http://gateway.test", "plain_http": "allow"}, []),
    ],
)
def test_check_findings(answer: Any, more: dict[str, Any], bad: list[tuple[str, str]]) -> None:
    """What is wrong is said with Chuanglan's own code and a next step; what cannot be asked is no fault."""
    result = check(answer, **more)

    findings = [f for f in result.findings if not f.ok]
    assert [(f.what, f.code) for f in findings] == bad
    assert result.usable == (not bad)
    assert all(f.meaning and f.next_step for f in findings)


@pytest.mark.parametrize(("ending", "hinted"), [("拒收请回复R", False), ("退订回T", True), ("回T退订", True)])
def test_check_hints_at_old_endings(ending: str, hinted: bool) -> None:
    """An opt-out wording that Chuanglan has given up is pointed out, not refused."""
    result = check(recorded("balance_ok.json"), template=f"新品上市，{ending}")

    assert result.usable
    assert ("拒收请回复R" in result.findings[-1].next_step) == hinted


# -- reports and replies ----------------------------------------------------------------------------


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


RECEIPTS = [
    Receipt(MSG_ID, "+8613800000001", True, "DELIVRD", "短信发送成功", at(2024, 6, 1, 4, 1), "job42-0001"),
    Receipt(
        MSG_ID,
        "+8613800000002",
        False,
        "MBBLACK",
        "目的号码138****0002是黑名单号码",
        at(2024, 6, 1, 4, 1, 7),
        "job42-0001",
    ),
    Receipt(MSG_ID, "+8613800000003", None, "UNKNOWN", "未知短信状态", at(2024, 6, 1, 4, 2)),
]


def test_a_page_is_handed_over_as_it_came() -> None:
    """Reports and replies are deleted on reading, so the body comes back untouched; an empty page is None."""
    seen: list[httpx.Request] = []
    pages = [recorded("report_page.json"), recorded("pull_empty.json"), recorded("mo_page.json")]
    client = provider(pages, seen)

    assert wait(client.pull_receipts()) == pages[0]
    assert wait(client.pull_receipts()) is None
    assert wait(client.pull_replies()) == pages[2]
    assert [r.url.path for r in seen] == ["/msg/pull/report", "/msg/pull/report", "/msg/pull/mo"]
    assert orjson.loads(seen[0].content) == {"account": ACCOUNT, "password": PASSWORD, "count": "100"}


def test_reports_are_read() -> None:
    """Only DELIVRD is delivered, UNKNOWN is neither; times are China's, blanks are stripped."""
    assert provider().parse_receipts(recorded("report_page.json")) == RECEIPTS


def test_a_page_cut_short_keeps_its_whole_rows() -> None:
    """What came of a page that the connection cut is kept, and its complete rows are read."""
    page = recorded("report_page.json")[:-90]
    client = provider([page])

    assert wait(client.pull_receipts()) == page
    assert client.parse_receipts(page) == RECEIPTS[:2]
    assert client.parse_receipts(b'{"ret":0,"result":[') == []


@pytest.mark.parametrize(
    "row",
    [{"msgId": "1"}, {"mobile": "13800000001"}, {"msgId": "", "mobile": "13800000001"}, [], None],
)
def test_a_row_that_names_nobody_is_left_out(row: Any) -> None:
    """Without an id or a number a row cannot belong to any message, least of all to one without an id."""
    assert provider().parse_receipts(orjson.dumps({"ret": 0, "result": [row]})) == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (recorded("pull_refused.json"), NotAccepted),
        (httpx.Response(502, content=HTML), OutcomeUnknown),
        (b"", OutcomeUnknown),
        (httpx.ReadTimeout("late"), OutcomeUnknown),
    ],
)
def test_a_pull_that_fails_says_so(answer: Any, error: type[ProviderError]) -> None:
    """No page is ever mistaken for an empty one."""
    with pytest.raises(error):
        wait(provider([answer]).pull_receipts())


def test_replies_are_read() -> None:
    """Replies have no id of their own; ours is the same however often the row is read."""
    client, page = provider(), recorded("mo_page.json")

    first, second = client.parse_replies(page)

    assert (first.phone, first.text, first.at) == ("+8613800000001", "TD", at(2024, 6, 1, 5, 5))
    assert (second.phone, second.text) == ("+8613800000002", "谢谢, 收到; 100%")
    assert first.reply_id != second.reply_id
    assert client.parse_replies(page) == [first, second]


def test_parsing_is_pure() -> None:
    """An answer can be judged without a connection."""
    client = provider()

    assert client.parse_submission(Answer(200, {}, recorded("send_ok.json")), one_call(client)) == TAKEN
