"""Tencent on the wire: this message -> exactly these bytes; this answer -> this outcome."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tencentcloud.sms.v20210111 import errorcodes

from smskit.audience.phones import to_e164
from smskit.errors import (
    AccountProblem,
    BatchNotAllowed,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    Refused,
    SettingsError,
    Unreachable,
)
from smskit.message.template import Form, Template
from smskit.models import About, CodeClass, Slice
from smskit.providers import Call, Feature, Job, provider_class
from smskit.providers.http import Answer
from smskit.providers.tencent import Tencent, TencentSettings
from smskit.providers.tencent.signing import authorization
from smskit.settings import Environment

DATA = Path(__file__).parents[1] / "data" / "tencent"
VECTORS = json.loads((DATA / "signature_vectors.json").read_text())
BY_ID = {vector["id"][:2]: vector for vector in VECTORS["vectors"]}
NEGATIVE = {case["id"][:2]: case for case in VECTORS["negative_cases"]}
NOW = 1717171717
SECRET_ID, SECRET_KEY = "AKIDFAKEfakeFAKEfakeFAKEfakeFAKE0001", "FAKEfakeSecretKeyForTestVectors01"
ONE, TWO = 8613800000001, 8613800000002

Handler = Callable[[httpx.Request], httpx.Response]


def recorded(name: str) -> bytes:
    return (DATA / f"{name}.json").read_bytes().strip()


def refusal(code: str, message: str = "…") -> bytes:
    """A whole call refused, as Tencent words it."""
    error = {"Error": {"Code": code, "Message": message}, "RequestId": "00000000-0000-4000-8000-0000000000ff"}
    return json.dumps({"Response": error}).encode()


def answering(body: bytes, status: int = 200, **headers: str) -> Handler:
    return lambda _: httpx.Response(
        status, content=body, headers={"content-type": "application/json"} | headers
    )


class Tape:
    """Answers actions from a table and keeps what was asked."""

    def __init__(self, answers: dict[str, bytes] | None = None) -> None:
        self.answers = answers or {}
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        action = request.headers["x-tc-action"]
        body = self.answers.get(action, b'{"Response":{"RequestId":"-"}}')
        return httpx.Response(200, content=body, headers={"content-type": "application/json"})

    def asked(self, action: str) -> dict[str, Any]:
        """The fields of the last request for *action*."""
        bodies = [r.content for r in self.requests if r.headers["x-tc-action"] == action]
        return dict(json.loads(bodies[-1]))


def client(handler: Handler, *, now: float = NOW, **more: Any) -> Tencent:
    secrets = {"secret_id": SECRET_ID, "secret_key": SECRET_KEY, "app_id": "1400000001"}
    settings = TencentSettings(**(secrets | more))
    made = Tencent(settings, transport=httpx.MockTransport(handler))
    made.clock = lambda: now
    return made


def job(text: str = "{name}您好，活动到{day}结束。拒收请回复R", **more: Any) -> Job:
    return Job(Template.parse(text, signature="测试签名"), "1000002", **more)


def people(phones: list[int], **variables: list[str]) -> Slice:
    columns = {name: pa.array(values, pa.large_string()) for name, values in variables.items()}
    return Slice(0, np.arange(len(phones), dtype=np.uint16), np.array(phones, np.int64), columns)


def two() -> Slice:
    return people([ONE, TWO], name=["王小明"] * 2, day=["6月1日"] * 2)


def one() -> Slice:
    return people([ONE], name=["王小明"], day=["6月1日"])


def only_call(provider: Tencent, job: Job, who: Slice) -> Call:
    (call,) = provider.calls(job, who)
    return call


# -- the request digest ---------------------------------------------------------------


def signed(vector: dict[str, Any], **changed: Any) -> str:
    """Our Authorization for a vector, with some of its parts changed."""
    names = re.search("SignedHeaders=([^,]*)", vector["headers"]["Authorization"])
    assert names
    theirs = {name.lower(): value for name, value in vector["headers"].items()}
    headers = {name: theirs[name] for name in names[1].split(";")} | changed.pop("headers", {})
    body = changed.pop("body", bytes.fromhex(vector["body_utf8_hex"]))
    timestamp = changed.pop("timestamp", vector["timestamp"])
    return authorization(vector["secret_id"], vector["secret_key"], headers, body, timestamp=timestamp)


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda v: v["id"])
def test_signs_as_the_official_sdk(vector: dict[str, Any]) -> None:
    """Each of the 14 vectors gives the very Authorization header that the SDK made."""
    assert signed(vector) == vector["headers"]["Authorization"]
    assert bytes.fromhex(vector["body_utf8_hex"]) == vector["body"].encode()


def test_signs_as_the_documentation() -> None:
    """The sample printed in the signature v3 document comes out, so the algorithm is the documented one."""
    sample = VECTORS["documentation_cross_check"]
    headers = {"content-type": sample["content_type"], "host": sample["host"]}

    made = authorization(
        sample["secret_id"],
        sample["secret_key"],
        headers,
        sample["body"].encode(),
        timestamp=sample["timestamp"],
        service=sample["service"],
    )

    assert made.endswith(f"Signature={sample['signature']}")
    assert f"/{sample['date_utc']}/cvm/tc3_request" in made


@pytest.mark.parametrize(
    ("case", "changed"),
    [
        ("N1", {"body": bytes.fromhex(BY_ID["02"]["body_utf8_hex"])}),
        ("N2", {"headers": {"content-type": "application/json; charset=utf-8"}}),
        ("N4", {"timestamp": NOW + 301}),
        ("N6", {"headers": {"host": "127.0.0.1"}}),
    ],
)
def test_another_request_has_another_signature(case: str, changed: dict[str, Any]) -> None:
    """Other bytes, content type, time or host: the signature of the vector does not fit any more."""
    vector = next(v for v in VECTORS["vectors"] if v["id"] == NEGATIVE[case]["based_on"])

    assert signed(vector, **changed) != vector["headers"]["Authorization"]


def test_never_signs_the_local_date() -> None:
    """Before 08:00 in Beijing the date signed is yesterday's; the header with today's is never made (N3)."""
    wrong = NEGATIVE["N3"]["authorization"]

    assert signed(BY_ID["07"]) != wrong
    assert "/2023-12-31/" in signed(BY_ID["07"])
    assert "/2024-01-01/" in wrong


def test_an_unknown_id_is_the_servers_to_refuse() -> None:
    """The id is no part of what is signed: with another one only the credential differs (N5)."""
    vector = BY_ID["01"]
    other = authorization(
        "AKIDother",
        vector["secret_key"],
        {"content-type": "application/json", "host": "sms.tencentcloudapi.com"},
        vector["body"].encode(),
        timestamp=NOW,
    )

    assert other == vector["headers"]["Authorization"].replace(SECRET_ID, "AKIDother")


# -- what goes on the wire ----------------------------------------------------------------


async def test_send_is_vector_03_to_the_byte() -> None:
    """One message: the bytes and the headers of vector 03, which the official signer signed."""
    vector = BY_ID["03"]
    tape = Tape({"SendSms": recorded("send_accepted")})
    provider = client(tape)
    text = Job(Template.parse("{1}您好，{2}见", signature="测试签名"), "1000002")
    who = people([ONE], **{"1": ["王小明"], "2": ["2024年06月01日"]})

    await provider.submit(only_call(provider, text, who))

    (request,) = tape.requests
    assert request.method == "POST"
    assert str(request.url) == "https://sms.tencentcloudapi.com/"
    assert request.content == vector["body"].encode()
    assert {name: request.headers[name] for name in vector["headers"]} == vector["headers"]
    assert "x-tc-token" not in request.headers


async def test_temporary_keys_bring_their_token() -> None:
    """The token of temporary keys is a header, and no part of the signature (vector 11)."""
    tape = Tape({"SendSms": recorded("send_accepted")})
    provider = client(tape, token="FAKE-STS-TOKEN-0001", base_url="http://127.0.0.1:18080")

    await provider.submit(only_call(provider, job(), one()))

    (request,) = tape.requests
    assert request.headers["x-tc-token"] == "FAKE-STS-TOKEN-0001"
    assert request.headers["host"] == "127.0.0.1:18080"
    assert request.headers["authorization"] == authorization(
        SECRET_ID,
        SECRET_KEY,
        {"content-type": "application/json", "host": "127.0.0.1:18080"},
        request.content,
        timestamp=NOW,
    )


def test_equal_values_share_calls_of_200_numbers() -> None:
    """450 people with one set of values are three calls, with these values once in each."""
    phones = [8613800000000 + n for n in range(450)]
    provider = client(Tape())

    calls = list(provider.calls(job(), people(phones, name=["王"] * 450, day=["今天"] * 450)))

    assert [len(c) for c in calls] == [200, 200, 50]
    bodies = [json.loads(c.body) for c in calls]
    assert [n for b in bodies for n in b["PhoneNumberSet"]] == [to_e164(p) for p in phones]
    assert {tuple(b["TemplateParamSet"]) for b in bodies} == {("王", "今天")}


def test_different_values_need_a_call_each() -> None:
    """Each distinct set of values is a call of its own; only neighbours that are equal share one."""
    who = people([ONE, TWO, TWO + 1, TWO + 2], name=["甲", "乙", "乙", "丙"], day=["今天"] * 4)

    bodies = [json.loads(c.body) for c in client(Tape()).calls(job(), who)]

    assert [(b["PhoneNumberSet"], b["TemplateParamSet"]) for b in bodies] == [
        (["+8613800000001"], ["甲", "今天"]),
        (["+8613800000002", "+8613800000003"], ["乙", "今天"]),
        (["+8613800000004"], ["丙", "今天"]),
    ]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("{name}，{day}到期，{name}", ["王", "今天"]),  # first appearance; a repeated one once
        ("{2}，{1}到期", ["今天", "王"]),  # the provider's own numbers stay what they are
    ],
    ids=["names", "numbers"],
)
def test_values_are_in_the_order_of_the_numbers(text: str, values: list[str]) -> None:
    """Element 0 fills {1}: the order of first appearance, or the numbers of a text pasted from Tencent."""
    who = people(
        [ONE], **({"name": ["王"], "day": ["今天"]} if "name" in text else {"2": ["王"], "1": ["今天"]})
    )

    call = only_call(client(Tape()), job(text), who)

    assert json.loads(call.body)["TemplateParamSet"] == values


def test_a_text_without_variables_sends_none() -> None:
    """A template without variables goes out without TemplateParamSet."""
    body = json.loads(only_call(client(Tape()), job("店庆今天开始。拒收请回复R"), people([ONE, TWO])).body)

    assert body == {
        "PhoneNumberSet": ["+8613800000001", "+8613800000002"],
        "SmsSdkAppId": "1400000001",
        "TemplateId": "1000002",
        "SignName": "测试签名",
    }


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=8), min_size=1, max_size=6))
def test_any_value_arrives_as_it_is(values: list[str]) -> None:
    """Quotes, backslashes, control characters, emoji: the body is JSON and holds exactly the value."""
    who = people([ONE + n for n in range(len(values))], name=values, day=["x"] * len(values))

    calls = list(client(Tape()).calls(job(), who))

    sent = [json.loads(c.body)["TemplateParamSet"][0] for c in calls for _ in range(len(c))]
    assert sent == values


@pytest.mark.parametrize(
    ("reference", "context"), [("weekly", "weekly"), ("周" * 300, "周" * 170), ("", None)], ids=str
)
def test_session_context_is_our_reference(reference: str, context: str | None) -> None:
    """SessionContext is our own reference, below 512 bytes and whole characters; absent without one."""
    call = only_call(client(Tape()), job(reference=reference), one())

    assert json.loads(call.body).get("SessionContext") == context


def test_extra_fields_are_merged_last() -> None:
    """What a job brings along, such as an ExtendCode, goes into the body as it is."""
    call = only_call(client(Tape()), job(extra={"ExtendCode": "12"}), one())

    assert json.loads(call.body)["ExtendCode"] == "12"


async def test_a_call_cut_again_is_prepared_anew() -> None:
    """Somebody opted out meanwhile: the rest goes out with a body for the rest."""
    tape = Tape({"SendSms": recorded("send_accepted")})
    provider = client(tape)
    call = only_call(provider, job(), two())

    results = await provider.submit(call.part(1, 2))

    assert tape.asked("SendSms")["PhoneNumberSet"] == ["+8613800000002"]
    assert [r.kind for r in results] == [CodeClass.ACCEPTED]


async def test_never_sends_ones_values_to_another() -> None:
    """A call of people with different values is not made; it comes back to be cut smaller."""
    tape = Tape()
    who = people([ONE, TWO], name=["甲", "乙"], day=["今天"] * 2)

    with pytest.raises(BatchNotAllowed):
        await client(tape).submit(Call(job(), who, np.arange(2)))

    assert tape.requests == []


# -- what answers mean -----------------------------------------------------------------------

TAKEN = [
    (CodeClass.ACCEPTED, "2640:100000000000000000000001", "Ok"),
    (CodeClass.ACCEPTED, "2640:100000000000000000000002", "Ok"),
]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("send_accepted", TAKEN),
        ("send_mixed", [TAKEN[0], (CodeClass.LATER, "", "LimitExceeded.PhoneNumberThirtySecondLimit")]),
        (
            "send_all_refused",
            [
                (CodeClass.REFUSED, "", "FailedOperation.PhoneNumberInBlacklist"),
                (CodeClass.ACCOUNT, "", "FailedOperation.InsufficientBalanceInSmsPackage"),
            ],
        ),
        ("send_missing_row", [(CodeClass.UNKNOWN, "", ""), TAKEN[1]]),
        (
            "send_unknown_code",
            [
                (CodeClass.UNKNOWN, "", "FailedOperation.SomethingNew"),
                (CodeClass.UNKNOWN, "", "InternalError.Timeout"),
            ],
        ),
    ],
)
async def test_rows_of_a_good_answer(name: str, expected: list[tuple[CodeClass, str, str]]) -> None:
    """HTTP 200 without Error: each number has the fate of its own row, matched by number in any order."""
    provider = client(answering(recorded(name)))

    results = await provider.submit(only_call(provider, job(), two()))

    assert [(r.kind, r.message_id, r.code) for r in results] == expected


async def test_a_row_that_says_taken_outweighs_one_that_does_not() -> None:
    """Two rows about one number: if any says Ok, the message was taken."""
    rows = [
        {"SerialNo": "", "PhoneNumber": "+8613800000001", "Code": "FailedOperation.ContainSensitiveWord"},
        {"SerialNo": "1:1", "PhoneNumber": "8613800000001", "Code": "Ok"},
        {"SerialNo": "", "PhoneNumber": "008613800000001", "Code": "FailedOperation.ContainSensitiveWord"},
    ]
    provider = client(answering(json.dumps({"Response": {"SendStatusSet": rows}}).encode()))

    (result,) = await provider.submit(only_call(provider, job(), one()))

    assert (result.kind, result.message_id) == (CodeClass.ACCEPTED, "1:1")


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (recorded("send_null_set"), 200, OutcomeUnknown),
        (b"<html>502 Bad Gateway</html>", 502, OutcomeUnknown),
        (b"<html>welcome</html>", 200, OutcomeUnknown),
        (b"", 200, OutcomeUnknown),
        (recorded("send_accepted")[:60], 200, OutcomeUnknown),
        (b"[]", 200, OutcomeUnknown),
        (b'{"Response":[]}', 200, OutcomeUnknown),
        (b'{"Response":{"SendStatusSet":[null]}}', 200, OutcomeUnknown),
        (recorded("send_accepted"), 500, OutcomeUnknown),
        (refusal("RequestLimitExceeded"), 503, OutcomeUnknown),
        (refusal("RequestLimitExceeded.UinLimitExceeded"), 200, RateLimited),
        (refusal("RequestLimitExceeded.SomethingNew"), 200, RateLimited),
        (refusal("AuthFailure.SignatureFailure"), 200, AccountProblem),
        (refusal("AuthFailure.SomethingNew"), 200, AccountProblem),
        (refusal("UnauthorizedOperation.SomethingNew"), 200, AccountProblem),
        (refusal("FailedOperation.MarketingSendTimeConstraint"), 200, AccountProblem),
        (refusal("LimitExceeded.AppMainlandChinaDailyLimit"), 200, AccountProblem),
        (refusal("InvalidParameterValue.SdkAppIdNotExist"), 200, AccountProblem),
        (refusal("FailedOperation.TemplateIncorrectOrUnapproved"), 200, Refused),
        (refusal("LimitExceeded.PhoneNumberDailyLimit"), 200, Refused),
        (refusal("InternalError.Timeout"), 200, OutcomeUnknown),
        (refusal("InternalError.SomethingNew"), 200, OutcomeUnknown),
        (refusal("FailedOperation.SomethingNew"), 200, OutcomeUnknown),
        (refusal("ServiceUnavailable"), 200, OutcomeUnknown),
    ],
)
async def test_an_answer_about_the_whole_call(
    body: bytes, status: int, error: type[ProviderError] | None
) -> None:
    """Refused as a whole, throttled, garbled: the error says whether these people may be sent to again."""
    provider = client(answering(body, status))
    call = only_call(provider, job(), two())

    if error is None:
        assert {r.kind for r in await provider.submit(call)} == {CodeClass.UNKNOWN}
        return
    with pytest.raises(error) as caught:
        await provider.submit(call)
    assert type(caught.value) is error
    assert caught.value.provider == "tencent"


async def test_a_refusal_of_one_persons_call_is_hers() -> None:
    """Alone in a call, a limit at the top of the answer means what it means in a row: later."""
    provider = client(answering(refusal("LimitExceeded.PhoneNumberThirtySecondLimit")))

    (result,) = await provider.submit(only_call(provider, job(), one()))

    assert (result.kind, result.code) == (CodeClass.LATER, "LimitExceeded.PhoneNumberThirtySecondLimit")
    assert provider.code(result.code).retry_after_s == 30


async def test_too_many_numbers_makes_later_calls_smaller() -> None:
    """An account that takes fewer than 200 numbers gets fewer, and nobody is lost over it."""
    phones = [8613800000000 + n for n in range(200)]
    who = people(phones, name=["王"] * 200, day=["今天"] * 200)
    provider = client(answering(refusal("LimitExceeded.PhoneNumberCountLimit")))
    call = only_call(provider, job(), who)

    with pytest.raises(BatchNotAllowed):
        await provider.submit(call)

    assert [len(c) for c in provider.calls(job(), who)] == [100, 100]


async def test_an_expired_signature_says_how_far_the_clock_is_off() -> None:
    """The answer's Date header turns "signature expired" into seconds that somebody can act on."""
    date = "Fri, 31 May 2024 16:18:37 GMT"  # ten minutes after NOW
    provider = client(answering(refusal("AuthFailure.SignatureExpire"), date=date))

    with pytest.raises(AccountProblem, match=r"clock.*By Tencent's clock it is \+600 s"):
        await provider.submit(only_call(provider, job(), two()))


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (httpx.ConnectError("no"), Unreachable),
        (httpx.ReadTimeout("late"), OutcomeUnknown),
        (httpx.RemoteProtocolError("cut"), OutcomeUnknown),
    ],
    ids=lambda e: getattr(e, "__name__", type(e).__name__),
)
async def test_transport_failures(raised: Exception, error: type[ProviderError]) -> None:
    """No connection: nothing was sent. Anything later may have arrived."""

    def fail(_: httpx.Request) -> httpx.Response:
        raise raised

    provider = client(fail)

    with pytest.raises(error):
        await provider.submit(only_call(provider, job(), two()))


# -- codes -------------------------------------------------------------------------------------

# What only managing signatures and templates meets; smskit leaves that to the console.
MANAGEMENT = {
    "FailedOperation": "ForbidAddMarketingTemplates MissingSignature MissingSignatureToModify "
    "MissingTemplateToModify QualificationIdNotApproved SignNumberLimit TemplateAlreadyPassedCheck "
    "TemplateNumberLimit",
    "InvalidParameterValue": "ImageInvalid InvalidDocumentType InvalidSignPurpose InvalidSmsType "
    "InvalidTemplateFormat InvalidUsedMethod MarketingTemplateWithoutUnsubscribe QualificationIdNotFound "
    "SignAlreadyPassedCheck SignExistAndUnapproved SignNameLengthTooLong TemplateWithDirtyWords "
    "UnsupportedTemplateVariable",
}


def test_every_code_of_the_official_sdk_is_known() -> None:
    """The table holds what the SDK lists, but for managing signatures and templates."""
    theirs = {value for name, value in vars(errorcodes).items() if name.isupper()}
    managing = {f"{family}.{name}" for family, names in MANAGEMENT.items() for name in names.split()}

    assert theirs - set(Tencent.codes) == managing


@pytest.mark.parametrize(
    ("code", "kind", "about"),
    [
        ("LimitExceeded.PhoneNumberOneHourLimit", CodeClass.LATER, About.NUMBER),
        ("LimitExceeded.DeliveryFrequencyLimit", CodeClass.LATER, About.NUMBER),
        ("LimitExceeded.AppCountryOrRegionInBlacklist", CodeClass.REFUSED, About.NUMBER),
        ("FailedOperation.ContainSensitiveWord", CodeClass.REFUSED, About.TEXT),
        ("InvalidParameterValue.TemplateParameterLengthLimit", CodeClass.REFUSED, About.TEXT),
        ("MissingParameter.EmptyPhoneNumberSet", CodeClass.REFUSED, About.REQUEST),
        ("UnauthorizedOperation.ServiceSuspendDueToArrears", CodeClass.ACCOUNT, About.REQUEST),
        ("RequestLimitExceeded.Anything", CodeClass.RETRY, About.REQUEST),
        ("InternalError.SigVerificationFail", CodeClass.UNKNOWN, About.REQUEST),
        ("LimitExceeded.Anything", CodeClass.UNKNOWN, About.NUMBER),
        ("", CodeClass.UNKNOWN, About.NUMBER),
    ],
)
def test_what_a_code_means(code: str, kind: CodeClass, about: About) -> None:
    """By the table; by the family only where every member is a refusal at the door; else unknown."""
    meant = client(Tape()).code(code)

    assert (meant.kind, meant.about) == (kind, about)


def test_every_problem_names_a_next_step() -> None:
    """A code that stops a campaign, or needs somebody's eyes, says what to do."""
    silent = [
        c
        for c, m in Tencent.codes.items()
        if m.kind in (CodeClass.ACCOUNT, CodeClass.UNKNOWN) and not m.next_step
    ]

    assert silent == []


# -- check ---------------------------------------------------------------------------------------

USABLE = {
    "SendStatusStatistics": b'{"Response":{"SendStatusStatistics":{"FeeCount":0},"RequestId":"-"}}',
    "SmsPackagesStatistics": recorded("packages"),
    "DescribeSmsSignList": recorded("signatures"),
    "DescribeSmsTemplateList": recorded("templates"),
}


async def check(
    answers: dict[str, bytes], tape: Tape | None = None, **asked: Any
) -> dict[str, tuple[bool, str]]:
    """What was found, by what was looked at, with `usable` as one of them."""
    settings = asked.pop("settings", {})
    good: dict[str, Any] = {"signature": "测试签名", "template_id": "1000002", "template": job().template}
    wanted = good | asked
    result = await client(tape or Tape(USABLE | answers), **settings).check(**wanted)
    return {f.what: (f.ok, f.code) for f in result.findings} | {"usable": (result.usable, "")}


async def test_check_of_a_good_set_up() -> None:
    """Key, balance, signature, template: all good; it asks for what it needs and sends nothing."""
    tape = Tape(USABLE)
    provider = client(tape)

    result = await provider.check(signature="测试签名", template_id="1000002", template=job().template)

    assert result.usable
    assert result.balance == "600 条"  # the expired package does not count
    assert result.template_text == "{1}您好，活动到{2}结束。拒收请回复R"
    assert [f.what for f in result.findings] == [
        "credential",
        "balance",
        "signature",
        "template",
        "variables",
    ]
    assert "SMSKIT_TENCENT_PARAMETER_LENGTH" in result.findings[-1].next_step
    assert {r.headers["x-tc-action"] for r in tape.requests} == set(USABLE)
    assert tape.asked("SendStatusStatistics") == {
        "BeginTime": "2024060100",  # 00:08 in Beijing
        "EndTime": "2024060100",
        "SmsSdkAppId": "1400000001",
        "Limit": 0,
        "Offset": 0,
    }
    assert tape.asked("DescribeSmsSignList") == {"International": 0, "Limit": 100, "Offset": 0}
    assert tape.asked("DescribeSmsTemplateList") == {"International": 0, "TemplateIdSet": [1000002]}


@pytest.mark.parametrize(
    ("answers", "asked", "what", "ok", "code"),
    [
        ({}, {"signature": "新签名"}, "signature", False, "FailedOperation.SignatureIncorrectOrUnapproved"),
        ({}, {"signature": "没有的"}, "signature", False, "FailedOperation.SignatureIncorrectOrUnapproved"),
        ({}, {"signature": ""}, "signature", False, "MissingParameter"),
        ({}, {"template_id": ""}, "template", False, "MissingParameter"),
        ({}, {"template_id": "7"}, "template", False, "FailedOperation.TemplateIdNotExist"),
        ({}, {"template_id": "SMS_7"}, "template", False, "FailedOperation.TemplateIdNotExist"),
        (
            {"DescribeSmsTemplateList": recorded("templates").replace(b'"StatusCode":0', b'"StatusCode":2')},
            {},
            "template",
            False,
            "FailedOperation.TemplateIncorrectOrUnapproved",
        ),
        (
            {},
            {"template": job("{name}你好，活动到{day}结束。拒收请回复R").template},
            "template",
            False,
            "FailedOperation.TemplateIncorrectOrUnapproved",
        ),
        (
            {"SendStatusStatistics": refusal("AuthFailure.SecretIdNotFound")},
            {},
            "credential",
            False,
            "AuthFailure.SecretIdNotFound",
        ),
        (
            {"SendStatusStatistics": refusal("UnauthorizedOperation.RequestPermissionDeny")},
            {},
            "credential",
            True,
            "UnauthorizedOperation.RequestPermissionDeny",
        ),
        (
            {"SmsPackagesStatistics": refusal("InvalidParameterValue.EndTimeVerifyFail")},
            {},
            "balance",
            True,
            "InvalidParameterValue.EndTimeVerifyFail",
        ),
        (
            {"SmsPackagesStatistics": b'{"Response":{"SmsPackagesStatisticsSet":[]}}'},
            {},
            "balance",
            True,
            "Ok",
        ),
        (
            {"SmsPackagesStatistics": recorded("packages").replace(b":400", b":1000")},
            {},
            "balance",
            False,
            "FailedOperation.InsufficientBalanceInSmsPackage",
        ),
        (
            {"SmsPackagesStatistics": recorded("packages").replace(b":400", b":1000")},
            {"settings": {"postpaid": True}},
            "balance",
            True,
            "Ok",
        ),
        (
            {"DescribeSmsSignList": refusal("FailedOperation.NotEnterpriseCertification")},
            {},
            "signature",
            True,
            "FailedOperation.NotEnterpriseCertification",
        ),
        (
            {"DescribeSmsTemplateList": refusal("FailedOperation.ProhibitSubAccountUse")},
            {},
            "template",
            True,
            "FailedOperation.ProhibitSubAccountUse",
        ),
        (
            {"DescribeSmsTemplateList": refusal("FailedOperation.SomethingNew")},
            {},
            "template",
            False,
            "FailedOperation.SomethingNew",
        ),
    ],
)
async def test_check_finds(
    answers: dict[str, bytes], asked: dict[str, Any], what: str, ok: bool, code: str
) -> None:
    """What is not approved is found before a live run; what may not be asked is said and stops nothing."""
    found = await check(answers, **asked)

    assert found[what] == (ok, code)
    assert found["usable"][0] is ok


async def test_check_reads_all_pages_of_signatures() -> None:
    """A signature beyond the first hundred is found."""
    row = {"SignId": 1, "StatusCode": 0, "SignName": "别的"}

    def answer(request: httpx.Request) -> httpx.Response:
        action = request.headers["x-tc-action"]
        if action != "DescribeSmsSignList":
            return httpx.Response(200, content=USABLE[action])
        first = json.loads(request.content)["Offset"] == 0
        rows = [row] * 100 if first else [row | {"SignName": "测试签名"}]
        return httpx.Response(200, json={"Response": {"DescribeSignListStatusSet": rows}})

    result = await client(answer).check(signature="测试签名")

    assert result.usable


async def test_check_compares_places_not_names() -> None:
    """Tencent's {2} … {1} is another template than ours with names in the order of appearance."""
    theirs = recorded("templates").replace("{1}您好，活动到{2}".encode(), "{2}您好，活动到{1}".encode())

    named = await check({"DescribeSmsTemplateList": theirs})
    pasted = Template.parse("{2}您好，活动到{1}结束。拒收请回复R", signature="测试签名")
    numbered = await check({"DescribeSmsTemplateList": theirs}, template=pasted)

    assert not named["template"][0]
    assert numbered["template"][0]


async def test_template_text_is_fetched() -> None:
    """The text of a template comes as Tencent keeps it; one that is not there is refused by name."""
    provider = client(Tape(USABLE))

    assert await provider.template_text("1000002") == "{1}您好，活动到{2}结束。拒收请回复R"
    with pytest.raises(Refused, match="no template 7"):
        await provider.template_text("7")


def test_approved_form_is_what_the_console_would_hold() -> None:
    """For a rehearsal: the body in {1} form without the signature, and the kind of message."""
    form = client(Tape()).approved_form(job())

    assert form == {"id": "1000002", "content": "{1}您好，活动到{2}结束。拒收请回复R", "kind": "marketing"}


# -- afterwards -------------------------------------------------------------------------------------


async def test_pull_asks_for_a_hundred_and_keeps_the_page() -> None:
    """Receipts and replies are pulled a hundred at a time, and handed over as they came; empty is None."""
    pages = {"PullSmsSendStatus": recorded("status_pulled"), "PullSmsReplyStatus": recorded("reply_pulled")}
    tape = Tape(pages)
    empty = client(
        Tape(
            {
                "PullSmsSendStatus": b'{"Response":{"PullSmsSendStatusSet":[]}}',
                "PullSmsReplyStatus": b'{"Response":{"PullSmsReplyStatusSet":null}}',
            }
        )
    )

    assert await client(tape).pull_receipts() == pages["PullSmsSendStatus"]
    assert await client(tape).pull_replies() == pages["PullSmsReplyStatus"]
    assert tape.asked("PullSmsSendStatus") == {"Limit": 100, "SmsSdkAppId": "1400000001"}
    assert (await empty.pull_receipts(), await empty.pull_replies()) == (None, None)


@pytest.mark.parametrize(
    ("name", "detail"), [("status_pulled", ""), ("status_pushed", "号码138****0002关机")], ids=str
)
def test_receipts_pulled_and_pushed(name: str, detail: str) -> None:
    """The carrier's code is Description when pulled and errmsg when pushed; both give the same receipt."""
    provider, page = client(Tape()), recorded(name)
    good, bad = provider.parse_push(page).receipts if detail else provider.parse_receipts(page)

    assert (good.message_id, good.phone) == ("2640:100000000000000000000001", "+8613800000001")
    assert (good.delivered, good.code) == (True, "DELIVRD")
    assert good.at == datetime(2024, 5, 31, 16, 9, 40, tzinfo=UTC)
    assert (bad.delivered, bad.code, bad.detail) == (False, "UNDELIV", detail)
    assert bad.at == datetime(2024, 5, 31, 16, 9, 50, tzinfo=UTC)


def test_replies_pulled_and_pushed_are_the_same() -> None:
    """A reply has no id of its own, so it gets one that does not depend on how it came."""
    provider = client(Tape())

    (pulled,) = provider.parse_replies(recorded("reply_pulled"))
    (pushed,) = provider.parse_push(recorded("reply_pushed")).replies

    assert pulled == pushed
    assert (pulled.phone, pulled.text) == ("+8613800000001", "R")
    assert pulled.at == datetime(2024, 5, 31, 16, 10, tzinfo=UTC)


async def test_records_are_the_sends_a_carrier_answered() -> None:
    """A record has no text; whose it is shows only where Tencent echoes our reference."""
    tape = Tape({"PullSmsSendStatusByPhoneNumber": recorded("status_pulled")})
    now = datetime.fromtimestamp(NOW, UTC)

    records = await client(tape).records(
        "+8613800000001", now - timedelta(hours=1), now + timedelta(minutes=5)
    )

    assert [(r.reference, r.text, r.accepted, r.receipt is not None) for r in records] == [
        ("", "", True, True),
        ("weekly", "", True, True),
    ]
    assert tape.asked("PullSmsSendStatusByPhoneNumber") == {
        "BeginTime": NOW - 3600,
        "Offset": 0,
        "Limit": 100,
        "PhoneNumber": "+8613800000001",
        "SmsSdkAppId": "1400000001",
    }


async def test_records_stay_within_the_seven_days() -> None:
    """Older times are not asked for, since they would be refused; past ends are told."""
    tape = Tape({"PullSmsSendStatusByPhoneNumber": b'{"Response":{"PullSmsSendStatusSet":null}}'})
    now = datetime.fromtimestamp(NOW, UTC)

    assert (
        await client(tape).records("+8613800000001", now - timedelta(days=9), now - timedelta(days=1)) == []
    )
    assert (
        await client(tape).records("+8613800000001", now - timedelta(days=9), now - timedelta(days=8)) == []
    )

    assert len(tape.requests) == 1
    fields = tape.asked("PullSmsSendStatusByPhoneNumber")
    assert fields["BeginTime"] == NOW - 7 * 86400 + 60
    assert fields["EndTime"] == NOW - 86400 + 1


def test_absence_proves_nothing() -> None:
    """A record exists only once a carrier has answered, so "no record" must never free a message."""
    assert Feature.RECORDS in Tencent.features
    assert Tencent.records_prove_absence is False


# -- settings and secrets ---------------------------------------------------------------------------

ENVIRON = {
    "SMSKIT_TENCENT_SECRET_ID": SECRET_ID,
    "SMSKIT_TENCENT_SECRET_KEY": SECRET_KEY,
    "SMSKIT_TENCENT_APP_ID": "1400000001",
}


def test_settings_come_from_the_environment() -> None:
    """Each setting is SMSKIT_TENCENT_<NAME>; what is missing or out of range is named."""
    environ = ENVIRON | {"SMSKIT_TENCENT_PARAMETER_LENGTH": "6", "SMSKIT_TENCENT_BATCH_SIZE": "50"}
    settings = Environment(environ, keyring=False).provider("tencent", TencentSettings)

    assert Tencent(settings).limits.value_units == 6
    assert Tencent(settings).limits.same == 50
    with pytest.raises(SettingsError, match="SMSKIT_TENCENT_APP_ID is missing"):
        Environment(dict(list(ENVIRON.items())[:2]), keyring=False).provider("tencent", TencentSettings)
    with pytest.raises(SettingsError, match="SMSKIT_TENCENT_BATCH_SIZE"):
        Environment(ENVIRON | {"SMSKIT_TENCENT_BATCH_SIZE": "201"}).provider("tencent", TencentSettings)


def test_is_registered() -> None:
    """The entry point leads here, and the class says how Tencent writes variables."""
    assert provider_class("tencent") is Tencent
    assert Tencent.form is Form.TENCENT


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("https://t.cn/x", False),
        ("看HTTP://t.cn", False),
        ("到www.example.com看", False),
        ("Booking.com", True),
        ("3.5元", True),
        ("awww.cute", True),
    ],
)
def test_urls_do_not_fit_into_values(value: str, fits: bool) -> None:
    """A URL in a value would be refused, so the plan leaves that person out and says so."""
    found = pc.match_substring_regex(pa.array([value]), client(Tape()).limits.unfit_value)

    assert found.to_pylist() == [not fits]


async def test_no_secret_is_ever_shown() -> None:
    """Neither reprs nor errors hold a key, token or full phone, even where Tencent repeats them."""
    said = f"bad header: Credential={SECRET_ID}/2024-05-31, token TOKEN-1, number +8613800000001"
    provider = client(answering(refusal("AuthFailure.InvalidAuthorization", said)), token="TOKEN-1")

    with pytest.raises(AccountProblem) as caught:
        await provider.submit(only_call(provider, job(), two()))

    shown = f"{provider!r} {provider.settings!r} {caught.value} {caught.value.detail} {vars(caught.value)}"
    for secret in (SECRET_ID, SECRET_KEY, "TOKEN-1", "13800000001"):
        assert secret not in shown


def test_parsing_is_pure() -> None:
    """An answer that was kept can be read again without a connection."""
    provider = client(Tape())
    call = only_call(provider, job(), two())
    answer = Answer(200, {"content-type": "application/json"}, recorded("send_accepted"))

    assert [r.kind for r in provider.parse_submission(answer, call)] == [CodeClass.ACCEPTED] * 2
