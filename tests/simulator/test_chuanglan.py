"""Chuanglan as the simulator speaks it, and our client against it; the judge's texts decide."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from smskit.errors import AccountProblem, OutcomeUnknown, ProviderError, RateLimited, Refused
from smskit.ledger import Ledger, Tally
from smskit.message.template import Template
from smskit.models import CodeClass, Mode, Slice
from smskit.planning.spec import CampaignSpec
from smskit.providers.calls import Job
from smskit.providers.chuanglan import Chuanglan, ChuanglanSettings
from smskit.sending.receipts import fetch
from smskit.sending.session import open_campaign
from smskit.settings import Environment
from smskit.simulator import Simulator, World
from smskit.simulator import chuanglan as dialect
from smskit.simulator.chuanglan.dialect import sign
from smskit.simulator.core import Line
from smskit.simulator.dialect import answers
from smskit.simulator.push import Pusher
from tests.simulator.conftest import Receiver

ACCOUNT, PASSWORD = "N0000001", "FakePass123"
A, B, C = "13800000001", "13800000002", "13800000003"
TEXT = "【示例】你好"
NONCE = "0123456789abcdef0123456789abcdef"


class Api:
    """Posts JSON to one simulator; answers the decoded body."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60)

    def __call__(self, path: str, **fields: Any) -> dict[str, Any]:
        body = {"account": ACCOUNT, "password": PASSWORD} | fields
        answer = self.http.post(path, json={k: v for k, v in body.items() if v is not None})
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()
        return data

    def send(self, msg: str = TEXT, phone: str = A, **fields: Any) -> dict[str, Any]:
        return self("/msg/v1/send/json", **({"msg": msg, "phone": phone, "report": "true"} | fields))

    def variable(self, msg: str, params: str, **fields: Any) -> dict[str, Any]:
        return self("/msg/variable/json", msg=msg, params=params, report=True, **fields)

    def template(self, **fields: Any) -> dict[str, Any]:
        given = {"phoneNumbers": A, "templateId": "7", "signature": "【示例】", "timestamp": "1767225600"}
        return self("/msg/sms/v2/tpl/send", **({**given, "nonce": NONCE} | fields))

    def reports(self, **fields: Any) -> list[dict[str, str]]:
        page = self("/msg/pull/report", **fields)
        assert page["ret"] == 0, page
        return list(page["result"])


@pytest.fixture
def api(simulator: Simulator) -> Iterator[Api]:
    client = Api(simulator.url)
    yield client
    client.http.close()


@pytest.fixture
def known(world: World) -> Callable[..., None]:
    """Register the account: ``known(signatures=[...])``."""

    def register(**settings: Any) -> None:
        world.register("chuanglan", ACCOUNT, **({"secret": PASSWORD} | settings))

    return register


# -- full text --------------------------------------------------------------------------------------


def test_send_answer(api: Api, world: World) -> None:
    """One id of 32 digits for the whole call, counts as text, and no word on single numbers."""
    answer = api.send(phone=f"{A},{B}", uid="job42-0001")

    assert answer.pop("msgId").isdigit()
    assert answer == {
        "code": "0",
        "time": "20260101080000",
        "errorMsg": "",
        "failNum": "0",
        "successNum": "2",
    }
    assert [(m.phone, m.text) for m in world.messages()] == [(f"+86{A}", TEXT), (f"+86{B}", TEXT)]


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        (quote("【示例】50% + a&b", safe=""), "【示例】50% + a&b"),
        ("【示例】a+b", "【示例】a b"),
        ("【示例】%E4%BD%A0", "【示例】你"),
        ("【示例】50%", None),
        ("【示例】%FF", None),
    ],
)
def test_msg_is_url_decoded(api: Api, world: World, sent: str, arrives: str | None) -> None:
    """A raw plus becomes a blank, a raw escape its character, and a bad one is code 128."""
    answer = api.send(sent)

    assert answer["code"] == ("0" if arrives else "128")
    assert [m.text for m in world.messages()] == ([arrives] if arrives else [])


def test_decoding_can_be_switched_off(api: Api, world: World, known: Callable[..., None]) -> None:
    """An account that does not decode takes the text as it stands."""
    known(profile={"decode_msg": False})

    api.send("【示例】50%+")

    assert [m.text for m in world.messages()] == ["【示例】50%+"]


def test_misfit_groups_fall_out_without_a_word(api: Api, world: World) -> None:
    """A comma in a value, a missing value or a bad number costs its own group and shows in failNum only."""
    groups = f"{A},张三,5;{B},x,y,5;{C},李四;1234,王五,5;13800000004,,5;"

    answer = api.variable("【示例】{$var}，{$var}元", groups)

    assert (answer["code"], answer["failNum"], answer["successNum"]) == ("0", "3", "2")
    assert [(m.phone[-4:], m.text) for m in world.messages()] == [
        ("0001", "【示例】张三，5元"),
        ("0004", "【示例】，5元"),
    ]


def test_all_groups_may_fall_out(api: Api, world: World) -> None:
    """A call of nothing but misfits is answered as taken all the same."""
    answer = api.variable("【示例】{$var}", f"{A};{B}")

    assert (answer["code"], answer["failNum"], answer["successNum"]) == ("0", "2", "0")
    assert world.accepted() == 0


MANY = ",".join(str(13800000000 + n) for n in range(1001))
VARIABLE: dict[str, Any] = {"path": "/msg/variable/json"}


@pytest.mark.parametrize(
    ("settings", "fields", "code"),
    [
        ({}, {"account": None}, "130"),
        ({}, {"password": ""}, "130"),
        ({}, {"phone": None}, "130"),
        ({}, {"report": "yes"}, "130"),
        ({}, {"account": "N9999999"}, "101"),
        ({}, {"password": "wrong"}, "102"),
        ({"allowed_ips": ["10.0.0.1"]}, {}, "117"),
        ({"denied": ["send"]}, {}, "118"),
        ({"profile": {"expired": True}}, {}, "119"),
        ({}, {"phone": MANY}, "108"),
        ({}, VARIABLE | {"msg": "【示例】" + "{$var}" * 21, "params": A + ",x" * 21}, "114"),
        ({}, VARIABLE | {"msg": "【示例】{$var}", "params": MANY.replace(",", ",x;")}, "114"),
        ({}, {"phone": f"{A},1234"}, "107"),
        ({"number_codes": {"0001": "120"}}, {}, "120"),
        ({}, {"msg": ""}, "106"),
        ({}, {"msg": TEXT + "长" * 531}, "106"),
        ({}, {"msg": TEXT + "😀" * 266}, "106"),
        ({}, {"msg": "你好"}, "116"),
        ({"signatures": ["别的"]}, {}, "116"),
        ({"black_words": ["好"]}, {}, "105"),
        ({"templates": [{"id": "1", "content": "你好", "state": "rejected"}]}, {}, "125"),
        ({}, {"extend": "x"}, "113"),
        ({}, {"sendtime": "2026-01-01"}, "127"),
        ({"send_hours": [9, 18]}, {}, "110"),
        ({"balance": 0}, {}, "109"),
    ],
)
def test_refusals(
    api: Api, world: World, known: Callable[..., None], settings: Any, fields: Any, code: str
) -> None:
    """Each thing that can be wrong has its documented code and takes nobody over."""
    known(**settings)
    given = {"path": "/msg/v1/send/json", "msg": TEXT, "phone": A} | fields

    answer = api(**given)

    assert (answer["code"], answer["msgId"]) == (code, "")
    assert answer["errorMsg"]
    assert world.accepted() == 0


def test_the_first_thing_wrong_decides(api: Api, known: Callable[..., None]) -> None:
    """With everything wrong at once the codes come in the proposed order."""
    known(balance=0, send_hours=[9, 18], black_words=["好"], signatures=["示例"])
    wrong: dict[str, Any] = {"phone": "1,2", "msg": "好", "extend": "x", "sendtime": "y", "password": "wrong"}
    right: dict[str, Any] = {"password": PASSWORD, "phone": A, "msg": TEXT}

    codes = [api.send(**wrong)["code"]]
    for name, value in [*right.items(), ("msg", "【示例】a"), ("extend", "1"), ("sendtime", "202601010900")]:
        wrong[name] = value
        codes.append(api.send(**wrong)["code"])
    known(balance=0)
    codes.append(api.send()["code"])

    assert codes == ["102", "107", "116", "105", "113", "127", "110", "109"]


@pytest.mark.parametrize(
    ("content", "headers", "path"),
    [
        (b"{", {"content-type": "application/json"}, "/msg/v1/send/json"),
        (b"[]", {"content-type": "application/json"}, "/msg/v1/send/json"),
        (b"{}", {"content-type": "text/plain"}, "/msg/v1/send/json"),
        (b'{"a":1}', {"content-type": "application/json"}, "/msg/v1/send/json?x=1"),
    ],
)
def test_only_json_is_understood(api: Api, content: bytes, headers: dict[str, str], path: str) -> None:
    """Broken JSON, another content type or a query string is code 129."""
    assert api.http.post(path, content=content, headers=headers).json()["code"] == "129"


def test_too_fast(api: Api, known: Callable[..., None]) -> None:
    """More calls a second than the account may make are code 103."""
    known(requests_per_second=2)

    assert [api.send()["code"] for _ in range(3)] == ["0", "0", "103"]


def test_bad_numbers_may_fall_out_instead(api: Api, known: Callable[..., None]) -> None:
    """The other reading of 107: bad numbers are dropped and counted."""
    known(profile={"bad_numbers": "drop"}, number_codes={"0002": "107"})

    answer = api.send(phone=f"{A},{B},x")

    assert (answer["code"], answer["failNum"], answer["successNum"]) == ("0", "2", "1")


def test_marketing_accounts_keep_hours(api: Api, clock: Any) -> None:
    """An account whose name begins with M sends from eight to nine in the evening."""
    assert api.send(account="M0000001")["code"] == "0"
    clock.go(-1)
    assert api.send(account="M0000001")["code"] == "110"


def test_verification_accounts_need_a_template(api: Api, world: World) -> None:
    """What matches no template is refused at a verification account and reviewed at any other."""
    for name in ("YZM0000001", ACCOUNT):
        world.register("chuanglan", name, templates=[{"id": "1", "content": "验证码{s6}，{$var}分钟"}])

    codes = [
        api.send(text, account=name)["code"]
        for name in ("YZM0000001", ACCOUNT)
        for text in (TEXT, "【示例】验证码123456，5分钟", "【示例】验证码1234567，5分钟")
    ]

    assert codes == ["126", "0", "126", "0", "0", "0"]


# -- by template ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ('[{"param1":"张三","param2":"5"}]', "【示例】你好张三，5元"),
        (None, None),
        ('[{"param1":"张三"}]', None),
        ('{"param1":"张三","param2":"5"}', None),
        ("张三", None),
    ],
)
def test_template_values(
    api: Api, world: World, known: Callable[..., None], params: str | None, text: str | None
) -> None:
    """param1, param2 … fill the places in order; too few, or in another shape, is refused."""
    known(signatures=["示例"], templates=[{"id": "7", "content": "你好{s10}，{$var}元"}])

    answer = api.template(templateParamJson=params)

    assert (answer["code"] == "000000") == (text is not None)
    assert [m.text for m in world.messages()] == ([text] if text else [])


def test_one_object_a_number(api: Api, world: World) -> None:
    """Several objects for as many numbers are taken one each, the natural reading."""
    values = '[{"param1":"a"},{"param1":"b"}]'

    answer = api.template(phoneNumbers=f"{A},{B}", templateParamJson=values)

    assert (answer["successNum"], answer["failNum"]) == ("2", "0")
    assert [m.text[-1] for m in world.messages()] == ["a", "b"]


@pytest.mark.parametrize(
    ("settings", "fields", "code"),
    [
        ({}, {"password": "wrong"}, "101200"),
        ({}, {"account": "N9999999"}, "101200"),
        ({"allowed_ips": ["10.0.0.1"]}, {}, "101203"),
        ({"black_words": ["张"]}, {"templateParamJson": '[{"param1":"张三"}]'}, "101206"),
        ({"balance": 0}, {}, "101207"),
        ({}, {"nonce": "short"}, "101999"),
        ({}, {"signature": None, "templateId": "8"}, "101999"),
        ({"templates": []}, {}, "101999"),
        ({"signatures": ["别的"]}, {}, "101999"),
    ],
)
def test_template_refusals(
    api: Api, world: World, known: Callable[..., None], settings: Any, fields: Any, code: str
) -> None:
    """The template API has six-digit codes of its own, of which few are known."""
    known(**({"templates": [{"id": "8", "content": "你好"}]} if "8" in fields.values() else {}) | settings)

    assert api.template(**fields)["code"] == code
    assert world.accepted() == 0


VECTORS = [
    ("FakePass123", "1717171717", NONCE, "96c084781392e22cb60984b282fa9170f9b15699f6aaaa261faa64dc17deb08e"),
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
]


@pytest.mark.parametrize(("password", "timestamp", "nonce", "digest"), VECTORS)
def test_a_signed_call_needs_no_password(
    api: Api,
    world: World,
    clock: Any,
    known: Callable[..., None],
    password: str,
    timestamp: str,
    nonce: str,
    digest: str,
) -> None:
    """The dossier's vectors open the door, once, within five minutes; one digit changed does not."""
    known(secret=password)
    clock.now = int(timestamp) + 200.0

    def post(header: str) -> str:
        api.http.headers["X-QA-Hmac-Signature"] = header
        return str(api.template(password=None, timestamp=timestamp, nonce=nonce)["code"])

    assert sign(password, timestamp, nonce) == digest
    assert post(digest[:-1] + ("0" if digest[-1] != "0" else "1")) == "101200"
    assert [post(digest), post(digest)] == ["000000", "101200"]
    clock.go(200)
    assert post(digest) == "101200"
    assert world.accepted() == 1


# -- balance, reports, replies ----------------------------------------------------------------------


def test_balance_falls_by_parts(api: Api, known: Callable[..., None]) -> None:
    """The code of a good balance is a number, that of a bad one text; parts are what is left."""
    known(balance=1, price=0.05)
    before = api("/msg/balance/json")

    api.send("【示例】" + "长" * 67, phone=f"{A},{B}")

    assert before == {"code": 0, "time": "20260101080000", "errorMsg": "", "balance": "20"}
    assert api("/msg/balance/json")["balance"] == "16"
    assert api("/msg/balance/json", password="wrong")["code"] == "102"


def test_reports_are_gone_once_pulled(api: Api, clock: Any) -> None:
    """A row names the call and the number; it is handed out once, and only if reports were asked for."""
    sent = api.send(phone=f"{A},{B}", uid="u-1")
    api.send(phone=C)
    api.send(phone="13800000009", report=None)
    clock.go(90)

    rows = api.reports(count="2") + api.reports(count=100)

    assert {row["mobile"]: row.get("uid") for row in rows} == {A: "u-1", B: "u-1", C: None}
    first = next(row for row in rows if row["mobile"] == A)
    assert (first["msgId"], first["status"], first["statusDesc"]) == (
        sent["msgId"],
        "DELIVRD",
        "短信发送成功",
    )
    assert (len(first["reportTime"]), len(first["notifyTime"])) == (10, 12)
    assert api.reports() == []


def test_scenario_numbers(api: Api, clock: Any, known: Callable[..., None]) -> None:
    """A number's report is what its scenario says: black list, unknown, a code of the gateway, none."""
    codes = {"0002": "UNKNOWN", "0003": "MK:0001", "0004": ""}
    known(number_codes=codes, black_numbers=["13800000005"], templates=[{"id": "1", "content": "你好"}])
    api.send(phone=f"{A},{B},{C},13800000004,13800000005")
    api.send("【示例】别的", phone="13800000006")
    clock.go(60)

    assert {row["mobile"][-1]: row["status"] for row in api.reports()} == {
        "1": "DELIVRD",
        "2": "UNKNOWN",
        "3": "MK:0001",
        "5": "MBBLACK",
        "6": "REJECT",
    }


@pytest.mark.parametrize(
    ("settings", "fields"),
    [({}, {"password": "wrong"}), ({}, {"count": "101"}), ({}, {"count": 0}), ({"pull": False}, {})],
)
@pytest.mark.parametrize("path", ["/msg/pull/report", "/msg/pull/mo"])
def test_pull_refusals(api: Api, known: Callable[..., None], path: str, settings: Any, fields: Any) -> None:
    """A pull that is refused has another shape: ret and error."""
    known(**settings)

    answer = api(path, **fields)

    assert (answer["ret"], "result" in answer) == (1, False)
    assert answer["error"]


def test_replies_are_pulled_once(api: Api, world: World) -> None:
    """A reply shows the platform's number, and what the caller appended to it."""
    api.send(extend="42")
    world.reply(A, "退订")

    (row,) = api("/msg/pull/mo")["result"]

    assert row == {
        "spCode": "106900001",
        "destCode": "10690000142",
        "moTime": "2601010800",
        "mobile": A,
        "messageContent": "退订",
    }
    assert api("/msg/pull/mo")["result"] == []


TAKEN = b'{"clcode":"000000"}'


def _accept(world: World, receiver: Receiver, **settings: Any) -> None:
    account = world.register("chuanglan", ACCOUNT, receipt_url=receiver.url, **settings)
    assert account is not None
    world.accept(account, [8613800000001], TEXT, parts=1, uid="u-1", receipt_url=receiver.url)


def test_a_push_is_tried_three_times(world: World, clock: Any, receiver: Receiver) -> None:
    """Without the right clcode a report comes three times, a minute apart, and then no more."""
    _accept(world, receiver)
    receiver.answer = b'{"clcode":"111111"}'
    pusher = Pusher(world, {"chuanglan": dialect.PUSHES})

    async def minutes() -> list[int]:
        counts = []
        for seconds in (10, 30, 30, 60, 60, 60):
            clock.go(seconds)
            await pusher.step()
            counts.append(len(receiver.queries))
        return counts

    assert asyncio.run(minutes()) == [1, 1, 2, 3, 3, 3]
    assert len(set(receiver.queries)) == 1


def test_a_pushed_report(world: World, clock: Any, receiver: Receiver) -> None:
    """A push taken is not repeated; it says what a pull would."""
    _accept(world, receiver, profile={"receiver": "me", "pswd": "s3"}, number_codes={"0001": "MBBLACK"})
    pusher = Pusher(world, {"chuanglan": dialect.PUSHES})

    async def twice() -> None:
        for _ in range(2):
            clock.go(70)
            await pusher.step()

    asyncio.run(twice())

    (query,) = receiver.queries
    asked = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
    names = "receiver pswd msgid reportTime mobile status notifyTime statusDesc length uid"
    assert " ".join(asked) == names
    assert (asked["receiver"], asked["pswd"], asked["length"], asked["uid"]) == ("me", "s3", "1", "u-1")
    assert (len(asked["msgid"]), asked["mobile"], asked["status"]) == (32, A, "MBBLACK")


def test_a_pushed_reply(world: World, clock: Any, receiver: Receiver) -> None:
    """Replies are pushed the same way."""
    _accept(world, receiver, reply_url=receiver.url)
    world.reply(A, "退订 +1%")

    asyncio.run(Pusher(world, {"chuanglan": dialect.PUSHES}).step())

    (query,) = [q for q in receiver.queries if "msg=" in q]
    asked = parse_qs(query)
    assert (asked["mobile"], asked["msg"]) == ([A], ["退订 +1%"])


# -- our client against it --------------------------------------------------------------------------


def client(url: str, **settings: Any) -> Chuanglan:
    given = {"account": ACCOUNT, "password": PASSWORD, "base_url": url} | settings
    return Chuanglan(ChuanglanSettings(**given))


def deliver(api_client: Chuanglan, given: Job, names: list[str]) -> list[Any]:
    """Send to one person a name; the results in the order of the calls."""
    phones = np.array([8613800000001 + i for i in range(len(names))], np.int64)
    who = Slice(
        0, np.arange(len(names), dtype=np.uint16), phones, {"name": pa.array(names, pa.large_string())}
    )

    async def work() -> list[Any]:
        async with api_client:
            return [r for call in api_client.calls(given, who) for r in await api_client.submit(call)]

    return asyncio.run(work())


VALUES = [
    "张三",
    "50%",
    "1+1=2",
    "%41%2B%",
    "a&b=c?d#e",
    "😀👨‍👩‍👧",
    "第一行\n第二行\r\n第三行",
    "tab\there",
    'quote " and \\ and /',
    " two  blanks ",
    "全角，；",
    "{name} $var {$",
    "x,y",
    "x;y",
    "{$var}",
]


@pytest.mark.parametrize(
    ("settings", "profile"),
    [
        ({}, {"decode_variable": False}),
        ({}, {"decode_variable": True}),
        ({"batch_size": 1}, {}),
        ({"encode_msg": False, "encode_variable_msg": False}, {"decode_msg": False}),
        ({"family": "v2"}, {}),
        ({"family": "v2", "auth": "hmac"}, {"check_time": False}),
    ],
    ids=["raw variables", "decoded variables", "one by one", "nothing decoded", "v2", "v2 signed"],
)
@pytest.mark.parametrize("text", ["你好{name}，再见", "{name}立减50% +{name}"], ids=["plain", "percent"])
def test_every_value_arrives_as_it_is(
    simulator: Simulator, known: Callable[..., None], text: str, settings: Any, profile: Any
) -> None:
    """Whatever a value holds, the accepted text is the previewed one to the byte."""
    template = Template.parse(text, signature="示例")
    made = client(simulator.url, **settings)
    given = Job(template, "7", reference="spring")
    known(signatures=["示例"], templates=[made.approved_form(given)], profile=profile)

    results = deliver(made, given, VALUES)

    texts = {line.phone: line.text for line in simulator.world.messages()}
    assert {r.kind for r in results} == {CodeClass.ACCEPTED}
    assert list(dict(sorted(texts.items())).values()) == [template.render({"name": v}) for v in VALUES]


def _errors() -> dict[str, type[ProviderError]]:
    groups: dict[type[ProviderError], str] = {
        AccountProblem: "101 102 109 110 111 112 117 118 119 120 122 123 101200 101203 101207",
        RateLimited: "103 104",
        Refused: "105 106 107 108 113 114 115 116 121 124 125 126 127 128 129 130 101206",
        OutcomeUnknown: "131 101999",
    }
    return {code: error for error, codes in groups.items() for code in codes.split()}


def test_every_code_ends_in_its_class(simulator: Simulator, plan: Callable[..., None]) -> None:
    """Each documented code, forced once at the simulator, reaches the engine as what it means."""
    expected = _errors()
    got: dict[str, type[BaseException]] = {}
    for code in expected:
        plan(faults=[{"kind": "code", "code": code, "count": 1, "provider": "chuanglan"}])
        made = client(simulator.url, family="v2" if len(code) == 6 else "v1")
        with pytest.raises(ProviderError) as caught:
            deliver(made, Job(Template.parse(TEXT), "7"), ["x"])
        got[code] = type(caught.value)

    assert got == expected
    assert set(answers("chuanglan")) - set(expected) == {"0", "000000"}
    assert simulator.world.accepted() == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_after_accept"},
        {"kind": "hang_after_accept", "seconds": 60},
        {"kind": "http_error_after_accept"},
        {"kind": "non_json_after_accept"},
        {"kind": "truncated_json_after_accept"},
    ],
    ids=lambda fault: str(fault["kind"]),
)
def test_spoilt_answers_are_unknown(simulator: Simulator, plan: Callable[..., None], fault: Any) -> None:
    """The message was taken; a client that cannot know says so and keeps the id that reports name."""
    plan(faults=[{"count": 1, **fault}])
    made = client(simulator.url, timeout_s=2 if "hang" in fault["kind"] else 60, connect_timeout_s=60)

    with pytest.raises(OutcomeUnknown) as caught:
        deliver(made, Job(Template.parse(TEXT), reference="spring"), ["x"])
    assert caught.value.request_id.startswith("spring-")
    assert simulator.world.accepted() == 1


def test_single_failures_make_the_call_unknown(simulator: Simulator, plan: Callable[..., None]) -> None:
    """When a number falls out nobody can say which: all are unknown, under the id that reports will name."""
    plan(faults=[{"kind": "code", "code": "107", "scope": "item", "count": 1}], receipts={"delay_s": [0, 0]})

    results = deliver(client(simulator.url), Job(Template.parse("【示例】你好{name}")), ["a", "b", "c"])

    assert simulator.world.accepted() == 2
    assert [r.kind for r in results] == [CodeClass.UNKNOWN] * 3
    assert {int(r.message_id) for r in results} == {int(next(simulator.world.messages()).message_id)}


# -- campaigns --------------------------------------------------------------------------------------


def campaign(
    simulator: Simulator, folder: Path, names: list[str], **settings: str
) -> tuple[Any, Environment, Callable[[], Tally]]:
    """A live campaign against the simulator, its environment, and how to read its books."""
    path = folder / "segment.csv"
    rows = {"user_id": [f"u{i}" for i in range(len(names))], "name": names}
    pd.DataFrame(rows | {"phone": [str(13800000001 + i) for i in range(len(names))]}).to_csv(
        path, index=False
    )
    given = {"ACCOUNT": ACCOUNT, "PASSWORD": PASSWORD, "BASE_URL": simulator.url, "REQUESTS_PER_SECOND": "0"}
    environment = Environment(
        {f"SMSKIT_CHUANGLAN_{name}": value for name, value in (given | settings).items()}
        | {"SMSKIT_DATABASE_URL": f"sqlite:///{folder / 'ledger.db'}", "SMSKIT_KEYRING": "0"}
    )
    spec = CampaignSpec.from_data(
        {
            "campaign": "spring",
            "segment": str(path),
            "provider": "chuanglan",
            "signature": "示例",
            "template": "你好{name}，新品上市。拒收请回复R",
            "variables": {"name": "name"},
            "mode": "live",
            "send_window": "",
        }
    )

    def books() -> Tally:
        ledger = Ledger(environment.database_url)
        row = ledger.campaigns.get("spring", Mode.LIVE)
        assert row is not None
        fetch(ledger, [row], environment=environment)
        found = ledger.audience.counts(row.id)
        ledger.close()
        return found

    return open_campaign(spec, environment=environment), environment, books


def names_of(lines: Iterator[Line]) -> set[str]:
    return {line.text.removeprefix("【示例】你好").partition("，")[0] for line in lines}


def test_a_campaign_from_plan_to_receipt(
    simulator: Simulator, clock: Any, known: Callable[..., None], tmp_path: Path
) -> None:
    """Values that would shift others are left out with a reason; all others get the previewed text, once."""
    known(signatures=["示例"])
    run, _, books = campaign(simulator, tmp_path, ["张三", "a,b", "50%", "x;y", "😀"])
    reasons = run.plan().frame()["reason"].tolist()

    run.send()
    clock.go(60)

    assert reasons == ["", "bad_variable", "", "bad_variable", ""]
    assert names_of(simulator.world.messages()) == {"张三", "50%", "😀"}
    assert simulator.world.doubled() == []
    assert (books().planned, books().delivered) == (3, 3)


def test_a_bad_number_is_found_by_halving(
    simulator: Simulator, known: Callable[..., None], tmp_path: Path
) -> None:
    """Code 107 refuses a whole call; cut in halves, only the number it is about stays refused."""
    known(number_codes={"0007": "107"})
    run, _, books = campaign(simulator, tmp_path, [f"n{i}" for i in range(12)])

    run.send()

    assert (books().accepted, books().refused, books().unknown) == (11, 1, 0)
    assert simulator.world.accepted() == simulator.world.phones() == 11


def test_nobody_is_sent_again_after_a_silent_failure(
    simulator: Simulator, plan: Callable[..., None], tmp_path: Path
) -> None:
    """With failNum above 0 the call's people stay unknown and another run messages nobody."""
    plan(faults=[{"kind": "code", "code": "107", "scope": "item", "count": 1}])
    run, environment, books = campaign(simulator, tmp_path, ["a", "b", "c"])

    run.send()
    open_campaign(run.spec, environment=environment).send()

    assert (books().accepted, books().unknown) == (0, 3)
    assert (simulator.world.accepted(), simulator.world.doubled()) == (2, [])


def test_a_rehearsal_of_each_family(tmp_path: Path) -> None:
    """Without an account a campaign is rehearsed to the last receipt, by full text and by template."""
    for number, family in enumerate(("v1", "v2")):
        environ = {"SMSKIT_KEYRING": "0", "SMSKIT_CHUANGLAN_FAMILY": family, "SMSKIT_CHUANGLAN_AUTH": "hmac"}
        environ["SMSKIT_DATABASE_URL"] = f"sqlite:///{tmp_path / f'{number}.db'}"
        path = tmp_path / "segment.csv"
        pd.DataFrame({"user_id": ["a", "b"], "phone": [A, B], "name": ["张三", "李四"]}).to_csv(
            path, index=False
        )
        spec = CampaignSpec.from_data(
            {
                "campaign": f"rehearsal-{family}",
                "segment": str(path),
                "provider": "chuanglan",
                "signature": "示例",
                "template": "你好{name}",
                "template_id": "100012",
                "variables": {"name": "name"},
            }
        )

        outcome = open_campaign(spec, environment=Environment(environ)).send()

        assert (outcome.mode, outcome.books.accepted) == (Mode.REHEARSE, 2)


def test_the_greeting_names_the_environment(simulator: Simulator) -> None:
    """What the simulator tells a person to set is what the client reads."""
    environ = {name: value.format(url=simulator.url) for name, value in dialect.ENVIRONMENT.items()}
    settings = Environment(environ, keyring=False).provider("chuanglan", ChuanglanSettings)

    result = asyncio.run(_closed(Chuanglan(settings)))

    assert result.usable
    assert result.balance == "20000000 条"


async def _closed(made: Chuanglan) -> Any:
    async with made:
        return await made.check(signature="示例", template=Template.parse("你好"))
