"""Aliyun's side of the simulator: as strict as the dossier says, and told by the right code."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode
from xml.etree import ElementTree

import httpx
import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pytest

from smskit.errors import AccountProblem, OutcomeUnknown, ProviderError, RateLimited, Refused
from smskit.message.template import Template
from smskit.models import CodeClass, Slice
from smskit.planning.spec import CampaignSpec
from smskit.providers import Job
from smskit.providers.aliyun import Aliyun, AliyunSettings, parse_push
from smskit.providers.aliyun.signing import canonical, pair, sign_rpc
from smskit.providers.aliyun.wire import build_request
from smskit.sending.receipts import fetch
from smskit.sending.session import open_campaign
from smskit.settings import Environment
from smskit.simulator import Simulator, World, aliyun
from smskit.simulator.aliyun.read import is_taken
from smskit.simulator.push import Pusher
from tests.simulator.conftest import Receiver

VECTORS = json.loads(
    (Path(__file__).parents[1] / "data" / "aliyun" / "signature_vectors.json").read_text("utf-8")
)
ACS3 = VECTORS["acs3_hmac_sha256"]
RPC = VECTORS["rpc_v1"]

KEY_ID, SECRET = "testAccessKeyId", "testAccessKeySecret"
A, B = "13800000000", "13800000001"
NOTICE, CODE, PROMO = "SMS_100", "SMS_200", "SMS_300"
TEMPLATES = [
    {"id": NOTICE, "content": "${name}您好，订单${no}已发货", "kind": "notification"},
    {"id": CODE, "content": "您的验证码为${code}", "kind": "verification"},
    {"id": PROMO, "content": "会员日${off}折起，拒收请回复R", "kind": "marketing"},
    {"id": "SMS_400", "content": "旧模板", "state": "rejected", "remark": "变量属性不符"},
    {"id": "SMS_500", "content": "新模板", "state": "pending"},
    {"id": "SMS_600", "content": "Hi ${name}", "region": "abroad"},
    {"id": "SMS_700", "content": "取件码${code}", "extra": {"TemplateRule": {"code": "pick_up_code"}}},
]
SIGNS = ["示例", {"name": "审核中", "state": "pending"}, {"name": "仅验证码", "extra": {"code_only": True}}]
VALUES = '{"name":"张三","no":"A1"}'
EMPTY_BODY = ""


class Ali:
    """Signs and sends single actions to one simulator by the world's clock."""

    def __init__(self, url: str, clock: Callable[[], float], **settings: Any) -> None:
        self.http = httpx.Client(timeout=60)
        self._clock = clock
        self._nonces = itertools.count(1)
        fields = {"access_key_id": KEY_ID, "access_key_secret": SECRET, "base_url": url}
        self.settings = AliyunSettings(**(fields | settings))

    def raw(
        self, action: str, form: Mapping[str, str] | None = None, *, nonce: str = "", **query: Any
    ) -> httpx.Response:
        wire = build_request(
            self.settings,
            action,
            [pair(name, str(value)) for name, value in query.items()],
            urlencode(form or {}).encode(),
            at=datetime.fromtimestamp(self._clock(), UTC),
            nonce=nonce or f"{next(self._nonces):032x}",
        )
        return self.http.post(wire.url, headers=dict(wire.headers), content=wire.body)

    def __call__(self, action: str, form: Mapping[str, str] | None = None, **query: Any) -> dict[str, Any]:
        return dict(self.raw(action, form, **query).json())

    def code(self, action: str, form: Mapping[str, str] | None = None, **query: Any) -> str:
        return str(self(action, form, **query)["Code"])

    def send(self, numbers: str = A, **fields: Any) -> dict[str, Any]:
        """A notification to one or more numbers."""
        given = {"PhoneNumbers": numbers, "SignName": "示例", "TemplateCode": NOTICE, "TemplateParam": VALUES}
        return self("SendSms", **{k: v for k, v in (given | fields).items() if v is not None})

    def batch(self, **arrays: Any) -> dict[str, Any]:
        """Two people with values of their own."""
        given = {
            "PhoneNumberJson": [A, B],
            "SignNameJson": ["示例", "示例"],
            "TemplateParamJson": [{"name": "张 三", "no": "1"}, {"name": "李四", "no": "2"}],
        }
        code = arrays.pop("TemplateCode", NOTICE)
        form = {k: v if isinstance(v, str) else json.dumps(v) for k, v in (given | arrays).items()}
        return self("SendBatchSms", form, TemplateCode=code)

    def details(self, number: str = A, day: str = "20260101", **fields: Any) -> dict[str, Any]:
        given = {"PhoneNumber": number, "SendDate": day, "PageSize": 50, "CurrentPage": 1}
        return self("QuerySendDetails", **(given | fields))


def rows(answer: dict[str, Any]) -> list[dict[str, Any]]:
    assert answer["Code"] == "OK", answer
    return list(answer["SmsSendDetailDTOs"]["SmsSendDetailDTO"])


@pytest.fixture
def account(world: World) -> Callable[..., None]:
    """Register the account anew, with other settings."""

    def register(**settings: Any) -> None:
        given: dict[str, Any] = {
            "secret": SECRET,
            "signatures": SIGNS,
            "templates": TEMPLATES,
            "review_s": 1e12,
        }
        world.register("aliyun", KEY_ID, **(given | settings))

    return register


@pytest.fixture
def ali(simulator: Simulator, clock: Any, account: Callable[..., None]) -> Iterator[Ali]:
    account()
    client = Ali(simulator.url, clock)
    yield client
    client.http.close()


# -- digests --------------------------------------------------------------------------------------


def _replay(simulator: Simulator, vector: dict[str, Any], signature: str) -> httpx.Response:
    """Send a vector's request as it stands, with that signature."""
    if "authorization" in vector:
        query = "&".join(f"{quote_plus(k)}={quote_plus(v)}" for k, v in vector["query"].items())
        authorization = vector["authorization"].replace(vector["signature"], signature)
        headers = vector["headers_signed"] | {"authorization": authorization}
        body = vector["body"]
    else:
        in_form = vector.get("params_sent_in_form_body", [])
        fields = {k: v for k, v in vector["params"].items() if k not in in_form}
        query = urlencode(fields | {"Signature": signature})
        body = vector.get("request_body", EMPTY_BODY)
        headers = {"content-type": "application/x-www-form-urlencoded"} if body else {}
    return httpx.request(
        vector["method"], f"{simulator.url}/?{query}", headers=headers, content=body.encode(), timeout=60
    )


DYSMS = [v for v in ACS3 if "ecs" not in v["id"]] + [v for v in RPC if "ecs" not in v["id"]]


@pytest.mark.parametrize("vector", DYSMS, ids=[v["id"] for v in DYSMS])
def test_vectors_over_the_wire(
    simulator: Simulator, world: World, clock: Any, vector: dict[str, Any]
) -> None:
    """Every vector is let in as it stands, and kept out with a digest that is not its own."""
    params = vector.get("params", {})
    stamp = params.get("Timestamp") or vector["headers_signed"]["x-acs-date"]
    clock.now = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    key_id = params.get("AccessKeyId") or vector["access_key_id"]
    world.register("aliyun", key_id, secret=vector["access_key_secret"], limits={"any_day": 0})
    right = vector["signature"]
    wrong = ("0" if right[0] != "0" else "1") + right[1:]
    accepted_before = world.accepted()
    kept_out = _replay(simulator, vector, wrong)
    let_in = _replay(simulator, vector, right)

    assert kept_out.status_code == 400
    assert "SignatureDoesNotMatch" in kept_out.text
    assert accepted_before == 0
    assert let_in.status_code == 200
    assert ">OK<" in let_in.text or let_in.json()["Code"] == "OK"


WRONG = {k: v for k, v in VECTORS["rpc_v1_wrong_signatures"].items() if k not in ("vector", "right")}


@pytest.mark.parametrize("signature", WRONG.values(), ids=WRONG.keys())
def test_usual_mistakes_are_kept_out(simulator: Simulator, world: World, clock: Any, signature: str) -> None:
    """The digests that usual mistakes give are refused, with the text the server signed."""
    vector = next(v for v in RPC if v["id"] == VECTORS["rpc_v1_wrong_signatures"]["vector"])
    clock.now = datetime(2025, 6, 1, 8, tzinfo=UTC).timestamp()
    world.register("aliyun", KEY_ID, secret=SECRET)
    answer = _replay(simulator, vector, signature).json()

    assert answer["Code"] == "SignatureDoesNotMatch"
    assert answer["Message"].endswith(f"server string to sign is:{vector['string_to_sign']}")
    assert world.accepted() == 0


# -- the door -------------------------------------------------------------------------------------


def test_a_gateway_refusal_says_where_it_comes_from(ali: Ali) -> None:
    """The gateway answers with its own status and fields, the product with 200."""
    gateway = ali.raw("QueryNothing")
    product = ali.raw("SendSms", PhoneNumbers=A, SignName="别的", TemplateCode=NOTICE)

    assert (gateway.status_code, product.status_code) == (404, 200)
    assert {"RequestId", "HostId", "Code", "Message", "Recommend"} == gateway.json().keys()
    assert {"RequestId", "Code", "Message"} == product.json().keys()


def test_the_clock_may_be_a_quarter_of_an_hour_off(ali: Ali, clock: Any) -> None:
    """A request older or newer than fifteen minutes is refused by name."""
    for off, code in ((899, "OK"), (-899, "OK"), (901, "InvalidTimeStamp.Expired"), (-901, None)):
        ali._clock = lambda off=off: clock.now + off  # type: ignore[misc]

        assert ali.code("QuerySmsTemplateList") == (code or "InvalidTimeStamp.Expired")


def test_a_nonce_is_good_once(ali: Ali) -> None:
    """The same nonce again is refused, but one on a wrong signature is not used up."""
    wrong = Ali(str(ali.settings.base_url), ali._clock, access_key_secret="wrong")
    codes = [
        client.raw("QuerySmsTemplateList", nonce="n1").json()["Code"] for client in (wrong, ali, ali, wrong)
    ]
    wrong.http.close()

    assert codes == ["SignatureDoesNotMatch", "OK", "SignatureNonceUsed", "SignatureDoesNotMatch"]


@pytest.mark.parametrize("version", ["acs3", "rpc"])
def test_a_wrong_key(ali: Ali, version: str) -> None:
    """A key nobody registered is not known, in either scheme."""
    other = Ali(
        ali.settings.base_url, ali._clock, access_key_id="somebodyElsesKey", signature_version=version
    )
    answer = other.raw("QuerySmsTemplateList")
    other.http.close()

    assert (answer.status_code, answer.json()["Code"]) == (404, "InvalidAccessKeyId.NotFound")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"x-acs-content-sha256": "0" * 64}, "SignatureDoesNotMatch"),
        ({"x-acs-version": "2018-05-01"}, "InvalidVersion"),
        ({"x-acs-date": "2026-01-01 00:00:00"}, "InvalidTimeStamp.Format"),
        ({"x-acs-extra": "not signed"}, "IncompleteSignature"),
        ({"authorization": "ACS3-HMAC-SHA256 Credential=a,Signature=b"}, "IncompleteSignature"),
        ({"authorization": ""}, "MissingVersion"),
        ({"host": "dysmsapi.aliyuncs.com"}, "SignatureDoesNotMatch"),
    ],
    ids=["hash", "version", "date", "unsigned", "malformed", "none", "host"],
)
def test_headers_are_checked(ali: Ali, change: dict[str, str], code: str) -> None:
    """What the digest does not cover, or covers otherwise, is refused by name."""
    wire = build_request(
        ali.settings, "QuerySmsTemplateList", [], at=datetime.fromtimestamp(ali._clock(), UTC), nonce="n"
    )
    headers = {k: v for k, v in (dict(wire.headers) | change).items() if v}

    # Without an Authorization it is a call of the older scheme, which answers XML.
    assert code in ali.http.post(wire.url, headers=headers).text


def test_the_body_is_the_one_that_was_signed(ali: Ali) -> None:
    """A body that was changed on the way is refused, though everything else is as it was signed."""
    at = datetime.fromtimestamp(ali._clock(), UTC)
    wire = build_request(ali.settings, "SendBatchSms", [], b"PhoneNumberJson=1", at=at, nonce="n")
    answer = ali.http.post(wire.url, headers=dict(wire.headers), content=b"PhoneNumberJson=2")

    assert "x-acs-content-sha256" in answer.json()["Message"]
    assert answer.json()["Code"] == "SignatureDoesNotMatch"


def test_fields_belong_where_they_are_signed(ali: Ali) -> None:
    """ACS3 takes the fields of SendSms from the query alone; the older scheme takes them from either."""
    fields = {"PhoneNumbers": A, "SignName": "示例", "TemplateCode": NOTICE, "TemplateParam": VALUES}
    older = Ali(ali.settings.base_url, ali._clock, signature_version="rpc")

    assert ali.code("SendSms", fields) == "MissingPhoneNumbers"
    assert older.code("SendSms", fields, nonce="a") == "OK"
    assert older.code("SendSms", **fields, nonce="b") == "OK"
    older.http.close()


def _digest(method: str, fields: Mapping[str, str]) -> str:
    return sign_rpc(method, canonical(pair(*field) for field in fields.items()), secret=SECRET).signature


def test_the_action_may_stand_in_the_form(ali: Ali) -> None:
    """In the older scheme everything may be in the body, the action too."""
    fields = {
        "Action": "QuerySmsTemplateList",
        "Version": "2017-05-25",
        "Format": "JSON",
        "AccessKeyId": KEY_ID,
        "Timestamp": datetime.fromtimestamp(ali._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": "in-the-form",
    }
    answer = ali.http.post(ali.settings.base_url, data=fields | {"Signature": _digest("POST", fields)})

    assert answer.json()["Code"] == "OK"


def test_the_older_scheme_answers_xml_unless_told(ali: Ali) -> None:
    """Without ``Format=JSON`` the answer is XML, and so is a refusal."""
    fields = {
        "Action": "QuerySmsTemplate",
        "Version": "2017-05-25",
        "AccessKeyId": KEY_ID,
        "Timestamp": datetime.fromtimestamp(ali._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": "xml",
        "TemplateCode": NOTICE,
    }
    good = fields | {"Signature": _digest("GET", fields)}
    found = ElementTree.fromstring(ali.http.get(ali.settings.base_url, params=good).text)
    refused = ElementTree.fromstring(ali.http.get(ali.settings.base_url, params=fields).text)

    assert (found.tag, found.findtext("TemplateContent")) == (
        "QuerySmsTemplateResponse",
        "${name}您好，订单${no}已发货",
    )
    assert (refused.tag, refused.findtext("Code")) == ("Error", "MissingSignature")


@pytest.mark.parametrize(
    ("settings", "status", "code"),
    [
        ({"denied": ["QuerySmsTemplateList"]}, 403, "Forbidden.RAM"),
        ({"allowed_ips": ["10.0.0.1"]}, 200, "isv.DENY_IP_RANGE"),
        ({"profile": {"SecurityToken": "t"}}, 400, "InvalidSecurityToken.MismatchWithAccessKey"),
    ],
    ids=["ram", "address", "token"],
)
def test_what_an_account_may(
    ali: Ali, account: Callable[..., None], settings: dict[str, Any], status: int, code: str
) -> None:
    """Permission, address and temporary credential are the account's."""
    account(**settings)
    answer = ali.raw("QuerySmsTemplateList")

    assert (answer.status_code, answer.json()["Code"]) == (status, code)


def test_calling_too_fast(ali: Ali, account: Callable[..., None], clock: Any) -> None:
    """More calls a second than the account may are throttled, until the second is over."""
    account(requests_per_second=2)
    codes = [ali.code("QuerySmsTemplateList") for _ in range(3)]
    clock.go(1)

    assert codes == ["OK", "OK", "Throttling.User"]
    assert ali.code("QuerySmsTemplateList") == "OK"


def test_tencent_keeps_its_own_calls(simulator: Simulator) -> None:
    """The path is shared; a call with Tencent's header is not Aliyun's."""
    answer = httpx.post(simulator.url, headers={"x-tc-action": "SendSms"}, json={})

    assert "Code" not in answer.json()


def test_without_a_secret_only_the_digest_is_not_compared(
    simulator: Simulator, world: World, clock: Any
) -> None:
    """An account nobody gave a secret takes any digest, but no other time and no nonce twice."""
    world.register("aliyun", KEY_ID)
    client = Ali(simulator.url, clock, access_key_secret="whatever")

    assert client.code("QuerySmsTemplateList", nonce="a") == "OK"
    assert client.code("QuerySmsTemplateList", nonce="a") == "SignatureNonceUsed"
    client.http.close()


def test_the_printed_environment_is_checked(simulator: Simulator, clock: Any) -> None:
    """The credential the simulator prints for whoever starts it has its own secret."""
    printed = {
        name.removeprefix("SMSKIT_ALIYUN_").lower(): value for name, value in aliyun.ENVIRONMENT.items()
    }
    printed["base_url"] = simulator.url
    right = Ali(simulator.url, clock, **printed)
    wrong = Ali(simulator.url, clock, **(printed | {"access_key_secret": "wrong"}))

    assert right.code("QuerySmsTemplateList") == "OK"
    assert wrong.code("QuerySmsTemplateList") == "SignatureDoesNotMatch"
    right.http.close()
    wrong.http.close()


# -- sending --------------------------------------------------------------------------------------


def test_one_biz_id_a_call(ali: Ali, world: World) -> None:
    """Each call gets an id of 18 digits, a caret and a digit, whatever number of people it holds."""
    first, second = ali.send(f"{A},{B}"), ali.batch(PhoneNumberJson=["13800000002", "13800000003"])
    ids = [first["BizId"], second["BizId"]]

    assert [len(i.partition("^")[0]) for i in ids] == [18, 18]
    assert all(i.endswith("^0") for i in ids)
    assert len({*ids}) == 2
    assert world.accepted("aliyun") == 4
    assert [line.text for line in world.messages("aliyun")] == [
        "【示例】张三您好，订单A1已发货",
        "【示例】张三您好，订单A1已发货",
        "【示例】张 三您好，订单1已发货",
        "【示例】李四您好，订单2已发货",
    ]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"PhoneNumbers": None}, "MissingPhoneNumbers"),
        ({"SignName": ""}, "MissingSignName"),
        ({"TemplateCode": None}, "MissingTemplateCode"),
        ({"PhoneNumbers": ",".join([A] * 1001)}, "isv.MOBILE_COUNT_OVER_LIMIT"),
        ({"PhoneNumbers": "1380000000"}, "isv.MOBILE_NUMBER_ILLEGAL"),
        ({"PhoneNumbers": f"{A},01012345678"}, "isv.MOBILE_NUMBER_ILLEGAL"),
        ({"PhoneNumbers": f"{A};{B}"}, "isv.MOBILE_NUMBER_ILLEGAL"),
        ({"PhoneNumbers": "85251234567"}, "isv.MOBILE_NUMBER_ILLEGAL"),
        ({"TemplateCode": "SMS_600"}, "isv.DOMESTIC_NUMBER_NOT_SUPPORTED"),
        ({"SignName": "别的"}, "isv.SMS_SIGNATURE_ILLEGAL"),
        ({"SignName": "【示例】"}, "isv.SMS_SIGNATURE_ILLEGAL"),
        ({"SignName": "审核中"}, "isv.SMS_SIGNATURE_ILLEGAL"),
        ({"SignName": "仅验证码"}, "isv.SMS_SIGNATURE_SCENE_ILLEGAL"),
        ({"TemplateCode": "SMS_1"}, "isv.SMS_TEMPLATE_ILLEGAL"),
        ({"TemplateCode": "SMS_400"}, "isv.SMS_TEMPLATE_ILLEGAL"),
        ({"TemplateCode": "SMS_500"}, "isv.SMS_TEMPLATE_ILLEGAL"),
        ({"TemplateParam": None}, "isv.TEMPLATE_MISSING_PARAMETERS"),
        ({"TemplateParam": '{"name":"张三"}'}, "isv.TEMPLATE_MISSING_PARAMETERS"),
        ({"TemplateParam": "name=张三"}, "isv.INVALID_JSON_PARAM"),
        ({"TemplateParam": '["张三"]'}, "isv.INVALID_JSON_PARAM"),
        ({"TemplateParam": '{"name":"张三","no":7}'}, "isv.INVALID_JSON_PARAM"),
        ({"TemplateParam": '{"name":"","no":"7"}'}, "isv.PARAM_LENGTH_LIMIT"),
        ({"TemplateParam": json.dumps({"name": "长" * 36, "no": "7"})}, "isv.PARAM_LENGTH_LIMIT"),
        ({"TemplateParam": json.dumps({"name": "长" * 35, "no": "7"})}, "OK"),
        ({"TemplateParam": '{"name":"张三","no":"7","more":"x"}'}, "OK"),
        ({"TemplateParam": '{"name":"http://a.example","no":"7"}'}, "isv.PARAM_NOT_SUPPORT_URL"),
        ({"TemplateParam": '{"name":"😀","no":"7"}'}, "isv.UNSUPPORTED_CONTENT"),
        ({"TemplateParam": '{"name":"【甲】","no":"7"}'}, "isv.UNSUPPORTED_CONTENT"),
        ({"TemplateCode": CODE, "TemplateParam": '{"code":"123"}'}, "isv.PARAM_LENGTH_LIMIT"),
        ({"TemplateCode": "SMS_700", "TemplateParam": '{"code":"12"}'}, "isv.TEMPLATE_PARAMS_ILLEGAL"),
        ({"TemplateCode": "SMS_700", "TemplateParam": '{"code":"1234"}'}, "OK"),
        ({"OutId": "x" * 256}, "isv.INVALID_PARAMETERS"),
        ({"OutId": "x" * 255}, "OK"),
        ({"SmsUpExtendCode": "1a"}, "isv.EXTEND_CODE_ERROR"),
        ({"PhoneNumbers": f"+86{A},0086{B},8613800000002,+13800000003"}, "OK"),
    ],
)
def test_what_send_sms_refuses(ali: Ali, world: World, fields: dict[str, Any], code: str) -> None:
    """A call that breaks a documented rule is refused whole, by its documented code."""
    given = {"PhoneNumbers": A} | fields
    answer = ali.send(given.pop("PhoneNumbers"), **given)

    assert answer["Code"] == code, answer
    assert ("BizId" in answer) is (code == "OK")
    assert bool(world.accepted("aliyun")) is (code == "OK")


@pytest.mark.parametrize(
    ("arrays", "code"),
    [
        ({"PhoneNumberJson": [A] * 101}, "isv.INVALID_PARAMETERS"),
        (
            {
                "PhoneNumberJson": [A] * 101,
                "SignNameJson": ["示例"] * 101,
                "TemplateParamJson": [{"name": "a", "no": "b"}] * 101,
            },
            "isv.MOBILE_COUNT_OVER_LIMIT",
        ),
        ({"SignNameJson": ["示例"]}, "isv.INVALID_PARAMETERS"),
        ({"SignNameJson": "示例"}, "isv.INVALID_JSON_PARAM"),
        ({"SignNameJson": ["示例", "别的"]}, "isv.SMS_SIGNATURE_ILLEGAL"),
        ({"TemplateParamJson": ['{"name":"a","no":"b"}'] * 2}, "isv.INVALID_JSON_PARAM"),
        ({"TemplateParamJson": [{"name": "a", "no": "b"}, {"name": "a"}]}, "isv.TEMPLATE_MISSING_PARAMETERS"),
        ({"PhoneNumberJson": [A, 13800000001]}, "isv.INVALID_JSON_PARAM"),
        ({"PhoneNumberJson": []}, "isv.INVALID_PARAMETERS"),
        ({"SmsUpExtendCodeJson": ["90999", "90998"]}, "OK"),
        ({"TemplateCode": ""}, "MissingTemplateCode"),
    ],
)
def test_what_send_batch_sms_refuses(ali: Ali, world: World, arrays: dict[str, Any], code: str) -> None:
    """One wrong element refuses the whole batch."""
    assert ali.batch(**arrays)["Code"] == code
    assert bool(world.accepted("aliyun")) is (code == "OK")


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"balance": "0.04"}, "isv.AMOUNT_NOT_ENOUGH"),
        ({"balance": "-1"}, "isv.OUT_OF_SERVICE"),
        ({"black_numbers": [B]}, "isv.BLACK_KEY_CONTROL_LIMIT"),
        ({"black_words": ["订单"]}, "isv.SMS_CONTENT_ILLEGAL"),
        ({"number_codes": {"0001": "isv.CUSTOMER_REFUSED"}}, "isv.CUSTOMER_REFUSED"),
        ({"templates": None, "signatures": None}, "OK"),
    ],
    ids=["too-little", "debt", "black", "words", "told", "unchecked"],
)
def test_what_the_account_decides(
    ali: Ali, account: Callable[..., None], settings: dict[str, Any], code: str
) -> None:
    """Money, lists and words are the account's; one bad number refuses the call."""
    account(**settings)

    assert ali.send(f"{A},{B}")["Code"] == code


def test_an_extension_code_serves_one_signature(ali: Ali) -> None:
    """A code that one signature has used is refused to another."""
    send = {"TemplateCode": CODE, "TemplateParam": '{"code":"1234"}', "SmsUpExtendCode": "90999"}

    assert ali.send(A, **send)["Code"] == "OK"
    assert ali.send(B, **send | {"SignName": "仅验证码"})["Code"] == "isv.ONE_CODE_MULTIPLE_SIGN"


def test_codes_are_limited_by_the_clock(ali: Ali, clock: Any) -> None:
    """Codes: one a clock minute, five a clock hour, ten in 24 hours, for one signature and number."""

    def code(number: str = A, sign: str = "示例") -> str:
        answer = ali.send(
            number, SignName=sign, TemplateCode=CODE, TemplateParam=json.dumps({"code": "1234"})
        )
        return str(answer["Message"])

    clock.go(58)  # two seconds before the minute is over
    seen = [code(), code(), code(B), code(sign="仅验证码")]
    clock.go(2)
    after_the_edge = code()
    for _ in range(3):
        clock.go(60)
        code()
    clock.go(60)
    in_the_hour = code()
    clock.go(3600)
    for _ in range(5):
        code()
        clock.go(60)
    clock.go(3600)
    in_the_day = code()
    clock.go(86_400)

    assert seen == ["OK", "触发分钟级流控Permits:1", "OK", "OK"]
    assert after_the_edge == "OK"
    assert in_the_hour == "触发小时级流控Permits:5"
    assert in_the_day == "触发天级流控Permits:10"
    assert code() == "OK"


def test_notifications_are_limited_by_the_day(ali: Ali) -> None:
    """Fifty a day with one signature and template, whatever the values; another template starts anew."""
    answers = [ali.send(A, TemplateParam=json.dumps({"name": "n", "no": str(n)}))["Code"] for n in range(51)]
    other = ali.send(A, TemplateCode=PROMO, TemplateParam='{"off":"8"}')

    assert answers == ["OK"] * 50 + ["isv.BUSINESS_LIMIT_CONTROL"]
    assert other["Code"] == "OK"


def test_a_limited_number_refuses_the_call(ali: Ali, account: Callable[..., None]) -> None:
    """One limited number among others refuses all of them, and says for how long."""
    account(limits={"any_minute": 1})
    ali.send(A)
    answer = ali.send(f"{B},{A}")

    assert (answer["Code"], answer["Message"]) == ("isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1")


# -- asking ---------------------------------------------------------------------------------------


def test_details_wait_and_then_tell(ali: Ali, clock: Any, plan: Callable[..., None]) -> None:
    """A message waits for its receipt, and then shows what became of it; OutId comes back."""
    plan(receipts={"delay_s": [5, 5]})
    ali.send(A, OutId="order-1")
    (waiting,) = rows(ali.details())
    clock.go(5)
    (arrived,) = rows(ali.details())

    assert (waiting["SendStatus"], waiting.get("ErrCode"), waiting.get("ReceiveDate")) == (1, None, None)
    assert arrived == {
        "PhoneNum": A,
        "SendStatus": 3,
        "ErrCode": "DELIVERED",
        "TemplateCode": NOTICE,
        "Content": "【示例】张三您好，订单A1已发货",
        "SendDate": "2026-01-01 08:00:00",
        "ReceiveDate": "2026-01-01 08:00:05",
        "OutId": "order-1",
    }


def test_details_of_failures_speak_aliyuns_words(ali: Ali, clock: Any, plan: Callable[..., None]) -> None:
    """A carrier's failure comes in Aliyun's word for it."""
    plan(receipts={"delay_s": [0, 0], "fail_rate": 1.0, "fail_codes": ["UNDELIV"]})
    ali.send(A)

    assert [(r["SendStatus"], r["ErrCode"]) for r in rows(ali.details())] == [(2, "MOBILE_NOT_ON_SERVICE")]


def test_details_are_one_numbers_and_one_days(ali: Ali, clock: Any) -> None:
    """Days are China's, numbers single, a BizId narrows further, and pages are cut."""
    first = ali.send(f"{A},{B}")["BizId"]
    ali.send(A)
    clock.go(16 * 3600)  # midnight in China
    ali.send(A)

    assert len(rows(ali.details())) == 2
    assert len(rows(ali.details(B))) == 1
    assert len(rows(ali.details(day="20260102"))) == 1
    assert len(rows(ali.details(BizId=first))) == 1
    page = ali.details(PageSize=1, CurrentPage=2)
    assert (page["TotalCount"], len(rows(page))) == ("2", 1)
    assert rows(ali.details(PageSize=1, CurrentPage=3)) == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"SendDate": "2026-01-01"}, "isv.INVALID_PARAMETERS"),
        ({"SendDate": "20261301"}, "isv.INVALID_PARAMETERS"),
        ({"SendDate": "20251130"}, "isv.INVALID_PARAMETERS"),
        ({"PageSize": 51}, "isv.INVALID_PARAMETERS"),
        ({"CurrentPage": 0}, "isv.INVALID_PARAMETERS"),
        ({"PageSize": ""}, "MissingPageSize"),
        ({"PhoneNumber": ""}, "MissingPhoneNumber"),
        ({"PhoneNumber": f"{A},{B}"}, "isv.MOBILE_NUMBER_ILLEGAL"),
    ],
)
def test_what_details_refuse(ali: Ali, fields: dict[str, Any], code: str) -> None:
    """A day is eight digits and at most thirty days past; a page has at most fifty rows."""
    assert ali.details(**fields)["Code"] == code


def test_details_lag(ali: Ali, account: Callable[..., None], clock: Any) -> None:
    """An account may show what it accepted only after a while."""
    account(record_lag_s=30)
    ali.send(A)
    before = rows(ali.details())
    clock.go(30)

    assert before == []
    assert len(rows(ali.details())) == 1


# -- signatures and templates ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status", "kind", "why"),
    [
        (NOTICE, 1, 1, ""),
        (CODE, 1, 0, ""),
        (PROMO, 1, 2, ""),
        ("SMS_400", 2, 1, "变量属性不符"),
        ("SMS_500", 0, 1, ""),
    ],
)
def test_one_template_two_ways(ali: Ali, code: str, status: int, kind: int, why: str) -> None:
    """The newer query says status and kind as text, the older as numbers; both give the same text."""
    newer, older = ali("GetSmsTemplate", TemplateCode=code), ali("QuerySmsTemplate", TemplateCode=code)

    assert (newer["TemplateStatus"], newer["TemplateType"]) == (str(status), str(kind))
    assert (older["TemplateStatus"], older["TemplateType"]) == (status, kind)
    assert newer["TemplateContent"] == older["TemplateContent"]
    assert newer["AuditInfo"].get("RejectInfo", "") == why


def test_the_list_numbers_kinds_otherwise(ali: Ali) -> None:
    """In the list ``TemplateType`` counts differently from everywhere else."""
    listed = ali("QuerySmsTemplateList", PageIndex=1, PageSize=3)
    kinds = {
        row["TemplateCode"]: (row["TemplateType"], row["OuterTemplateType"])
        for row in listed["SmsTemplateList"]
    }

    assert kinds == {NOTICE: (0, 1), CODE: (2, 0), PROMO: (1, 2)}
    assert (listed["TotalCount"], listed["PageSize"]) == (7, 3)


def test_signatures(ali: Ali) -> None:
    """A signature tells its state and the carriers' filing; an unknown one is illegal."""
    assert ali("GetSmsSign", SignName="示例")["SignStatus"] == 1
    assert ali("QuerySmsSign", SignName="审核中")["SignStatus"] == 0
    assert {
        row["OperatorCode"] for row in ali("GetSmsSign", SignName="示例")["SignIspRegisterDetailList"]
    } == {
        "mobile",
        "unicom",
        "telecom",
    }
    listed = ali("QuerySmsSignList")["SmsSignList"]
    assert [row["AuditStatus"] for row in listed] == [
        "AUDIT_STATE_PASS",
        "AUDIT_STATE_INIT",
        "AUDIT_STATE_PASS",
    ]
    assert listed[0]["authorizationLetterAuditPass"] is True
    assert ali.code("GetSmsSign", SignName="没有") == "isv.SMS_SIGNATURE_ILLEGAL"


# -- pushes ---------------------------------------------------------------------------------------


TAKEN = b'{"code":0,"msg":"ok"}'


def _accept(world: World, receiver: Receiver, plan: Callable[..., None], **more: Any) -> Any:
    plan(receipts={"delay_s": [1, 1]}, **more)
    account = world.register(
        "aliyun", KEY_ID, receipt_url=receiver.url, reply_url=receiver.url, templates=TEMPLATES
    )
    assert account is not None
    phones = [86_000_0000_0000 + int(number) for number in (A, B)]
    world.accept(account, phones, "【示例】你好", parts=2, uid="order~1", receipt_url=receiver.url)
    return account


async def test_reports_are_pushed(
    world: World, clock: Any, receiver: Receiver, plan: Callable[..., None]
) -> None:
    """All reports of a call come in one array, with the call's BizId, as the client reads them."""
    account = _accept(world, receiver, plan)
    pusher = Pusher(world, {"aliyun": aliyun.PUSHES})
    await pusher.step()
    clock.go(1)
    await pusher.step()
    (body,) = receiver.bodies
    receipts = parse_push(body).receipts

    assert orjson.loads(body)[0] == {
        "phone_number": A,
        "send_time": "2026-01-01 08:00:00",
        "report_time": "2026-01-01 08:00:01",
        "success": True,
        "err_code": "DELIVERED",
        "err_msg": "用户接收成功",
        "sms_size": "1",
        "biz_id": f"{900_000_000_000_000_000 + account.book.first_sid[0]}^0",
        "out_id": "order~1",
    }
    assert [(r.phone, r.delivered, r.reference) for r in receipts] == [
        (f"+86{A}", True, "order~1"),
        (f"+86{B}", True, "order~1"),
    ]
    assert len({r.message_id for r in receipts}) == 1


async def test_a_push_comes_again_after_one_five_and_ten_minutes(
    world: World, clock: Any, receiver: Receiver, plan: Callable[..., None]
) -> None:
    """What is not acknowledged is pushed three times more, by the clock, and then never."""
    _accept(world, receiver, plan)
    pusher = Pusher(world, {"aliyun": aliyun.PUSHES})
    receiver.status, receiver.answer = 503, b""
    clock.go(1)
    counts = []
    for wait in (0, 59, 1, 299, 1, 599, 1, 3600):
        clock.go(wait)
        await pusher.step()
        counts.append(len(receiver.bodies))

    assert counts == [1, 1, 2, 2, 3, 3, 4, 4]


@pytest.mark.parametrize(
    ("status", "body", "done"),
    [
        (200, b'{"code":0,"msg":"ok"}', True),
        (200, b'{"code":7}', True),
        (200, b'{"code":"0"}', False),
        (200, b"SUCCESS", False),
        (200, b"{}", False),
        (500, b'{"code":0}', False),
    ],
)
def test_what_acknowledges_a_push(status: int, body: bytes, done: bool) -> None:
    """Only status 200 with a number as ``code`` does, whatever the number."""
    assert is_taken(status, body) is done


async def test_replies_are_pushed(
    world: World, clock: Any, receiver: Receiver, plan: Callable[..., None]
) -> None:
    """A reply comes as SmsUp, as the client reads it."""
    _accept(world, receiver, plan)
    world.reply(A, "R")
    await Pusher(world, {"aliyun": aliyun.PUSHES}).step()
    (body,) = receiver.bodies
    ((reply_id, phone, text, at),) = parse_push(body).replies

    assert (phone, text, at) == (f"+86{A}", "R", datetime.fromtimestamp(clock.now, UTC))
    assert reply_id


# -- faults, seen through the client ---------------------------------------------------------------


TEMPLATE = Template.parse("${name}您好，订单${no}已发货", signature="示例")
JOB = Job(TEMPLATE, NOTICE, reference="autumn")


def people(number: int) -> Slice:
    return Slice(
        0,
        np.arange(number, dtype=np.uint16),
        np.arange(8613800000000, 8613800000000 + number, dtype=np.int64),
        {
            "name": pa.array([f"用户{i}" for i in range(number)], pa.large_string()),
            "no": pa.array(["A1"] * number, pa.large_string()),
        },
    )


@pytest.fixture
def submit(ali: Ali, clock: Any) -> Callable[[int], Any]:
    """Submit one call for so many people through the client."""

    def send(number: int) -> Any:
        async def work() -> Any:
            provider = Aliyun(ali.settings)
            provider.clock = lambda: clock.now
            async with provider:
                (call,) = provider.calls(JOB, people(number))
                return await provider.submit(call)

        return asyncio.run(work())

    return send


_RAISED: dict[CodeClass, type[ProviderError]] = {
    CodeClass.ACCOUNT: AccountProblem,
    CodeClass.RETRY: RateLimited,
    CodeClass.UNKNOWN: OutcomeUnknown,
    CodeClass.REFUSED: Refused,
    CodeClass.LATER: Refused,
}


def test_every_documented_code_ends_in_its_class(
    submit: Callable[[int], Any], plan: Callable[..., None], world: World
) -> None:
    """Each code the simulator can say ends, through the client, in the class it is documented as."""
    wrong = {}
    for code, known in Aliyun.codes.items():
        if code == "OK":
            continue
        plan(faults=[{"kind": "code", "code": code, "count": 1}])
        try:
            (result,) = submit(1)
            seen: object = result.kind
            expected: object = known.kind
        except ProviderError as error:
            seen, expected = type(error), _RAISED[known.kind]
        if seen != expected:
            wrong[code] = seen

    assert wrong == {}
    assert world.accepted() == 0


def test_a_code_for_one_number_refuses_the_batch(
    submit: Callable[[int], Any], plan: Callable[..., None], world: World
) -> None:
    """A fault on one of ten people refuses them all, since a call has one fate."""
    plan(faults=[{"kind": "code", "code": "isv.MOBILE_NUMBER_ILLEGAL", "scope": "item", "count": 1}])

    with pytest.raises(Refused) as caught:
        submit(10)

    assert caught.value.code == "isv.MOBILE_NUMBER_ILLEGAL"
    assert world.accepted() == 0
    assert len(submit(10)) == 10


def test_throttling_tells_how_long_to_wait(submit: Callable[[int], Any], plan: Callable[..., None]) -> None:
    """A throttled call comes with Aliyun's wait in a header."""
    plan(faults=[{"kind": "throttle", "count": 1}])

    with pytest.raises(RateLimited) as caught:
        submit(1)

    assert (caught.value.code, caught.value.retry_after_s) == ("Throttling.User", 1.0)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_after_accept"},
        {"kind": "http_error_after_accept", "status": 503},
        {"kind": "non_json_after_accept"},
        {"kind": "truncated_json_after_accept"},
        {
            "kind": "http_error_after_accept",
            "status": 500,
            "body": '{"Code":"isp.SYSTEM_ERROR","Message":"x"}',
        },
    ],
    ids=lambda fault: fault["kind"],
)
def test_a_lost_answer_is_settled_by_asking(
    submit: Callable[[int], Any], plan: Callable[..., None], ali: Ali, clock: Any, fault: dict[str, Any]
) -> None:
    """The outcome is unknown, and the record found by asking carries our own reference and the receipt."""
    plan(faults=[fault | {"count": 1}], receipts={"delay_s": [1, 1]})
    with pytest.raises(OutcomeUnknown):
        submit(2)
    clock.go(2)
    now = datetime.fromtimestamp(clock.now, UTC)

    async def ask() -> Any:
        provider = Aliyun(ali.settings)
        provider.clock = now.timestamp
        async with provider:
            found = await provider.records("+8613800000001", now - timedelta(minutes=5), now)
            receipts = await provider.receipts_for([(found[0].message_id, found[0].phone, now)])
            return found, receipts

    (record,), (receipt,) = asyncio.run(ask())

    assert (record.reference, record.accepted) == ("autumn", True)
    assert record.receipt is not None
    assert (receipt.message_id, receipt.delivered) == (record.message_id, True)


def test_a_call_that_never_arrived_leaves_no_record(
    submit: Callable[[int], Any], plan: Callable[..., None], ali: Ali, clock: Any, world: World
) -> None:
    """When the connection breaks before anything was taken, asking finds nothing."""
    plan(faults=[{"kind": "drop_before_accept", "count": 1}])
    with pytest.raises(OutcomeUnknown):
        submit(2)

    assert rows(ali.details()) == []
    assert world.accepted() == 0


# -- a campaign from end to end ---------------------------------------------------------------------


def _segment(people: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "phone": [str(13800000000 + i) for i in range(people)],
            "name": [f"用户{i}" for i in range(people)],
            "off": ["8" if i < people // 2 else "9" for i in range(people)],
        }
    )


def _spec(**fields: Any) -> CampaignSpec:
    given = {
        "campaign": "autumn-2026",
        "segment": "in-memory",
        "provider": "aliyun",
        "signature": "示例",
        "template": "${name}，会员日${off}折起，拒收请回复R",
        "template_id": PROMO,
        "variables": {"name": "name", "off": "off"},
        "user_id": "",
        "send_window": "",
    }
    return CampaignSpec.from_data(given | fields)


def test_a_rehearsal_is_signed_sent_and_reported(tmp_path: Path) -> None:
    """A campaign rehearsed by this provider reaches everybody, and receipts are fetched by asking."""
    environment = Environment(
        {"SMSKIT_DATABASE_URL": f"sqlite:///{tmp_path / 'ledger.db'}", "SMSKIT_KEYRING": "0"}
    )
    campaign = open_campaign(_spec(mode="rehearse"), frame=_segment(30), environment=environment)
    outcome = campaign.send()
    row = campaign.started()
    assert row is not None
    for _ in range(40):
        fetched = fetch(campaign.ledger, [row], environment=environment)
        books = campaign.ledger.audience.counts(row.id)
        if not books.awaiting:
            break
        threading.Event().wait(0.1)

    assert outcome.books.accepted == 30
    assert fetched.settled.problems == []
    assert (books.delivered, books.awaiting, books.unknown) == (30, 0, 0)


@pytest.mark.parametrize("version", ["acs3", "rpc"])
def test_a_live_campaign_loses_nobody_and_doubles_nobody(tmp_path: Path, version: str) -> None:
    """With lost answers, refused numbers and throttling, everybody ends in one state and nobody gets two."""
    world = World()
    with Simulator(world=world) as simulator:
        environment = Environment(
            {
                "SMSKIT_DATABASE_URL": f"sqlite:///{tmp_path / 'ledger.db'}",
                "SMSKIT_KEYRING": "0",
                "SMSKIT_ALIYUN_BASE_URL": simulator.url,
                "SMSKIT_ALIYUN_ACCESS_KEY_ID": KEY_ID,
                "SMSKIT_ALIYUN_ACCESS_KEY_SECRET": SECRET,
                "SMSKIT_ALIYUN_SIGNATURE_VERSION": version,
                "SMSKIT_ALIYUN_RECORD_LAG_S": "0.2",
                "SMSKIT_ALIYUN_REQUESTS_PER_SECOND": "0",
                "SMSKIT_ALIYUN_BATCH_SIZE": "20",
            }
        )
        spec = _spec(mode="live")
        job = Job(Template.parse(spec.template, signature="示例"), PROMO)
        form = Aliyun(environment.provider("aliyun", AliyunSettings)).approved_form(job)
        world.register(
            "aliyun",
            KEY_ID,
            secret=SECRET,
            signatures=["示例"],
            templates=[form],
            black_numbers=["13800000007"],
        )
        faults = [
            {"kind": "drop_after_accept", "count": 2, "skip": 1},
            {"kind": "drop_before_accept", "count": 1, "skip": 4},
            {"kind": "throttle", "count": 1},
        ]
        from smskit.simulator import FaultPlan

        world.set_faults(FaultPlan.parse({"seed": 3, "faults": faults}))
        campaign = open_campaign(spec, frame=_segment(200), environment=environment)
        first = campaign.send()
        row = campaign.started()
        assert row is not None
        fetch(campaign.ledger, [row], environment=environment, wait=True)
        last = campaign.send()
        books = campaign.ledger.audience.counts(row.id)

        assert first.books.unknown
        assert last.state == "finished"
        assert (books.accepted, books.refused, books.unknown, books.waiting) == (199, 1, 0, 0)
        assert world.accepted("aliyun") == 199
        assert world.doubled("aliyun") == []
