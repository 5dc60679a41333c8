"""Tencent as the simulator speaks it, and our client against it; the judge decides."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from smskit.errors import AccountProblem, NotUsable, OutcomeUnknown, ProviderError, RateLimited, Refused
from smskit.ledger.opening import open_ledger
from smskit.message.template import Template
from smskit.models import CodeClass, Mode, Slice
from smskit.planning.spec import CampaignSpec
from smskit.providers.calls import Call, Job
from smskit.providers.tencent import Tencent, TencentSettings
from smskit.providers.tencent.signing import authorization
from smskit.sending.receipts import fetch
from smskit.sending.session import open_campaign
from smskit.settings import Environment
from smskit.simulator import FaultPlan, Simulator, World
from smskit.simulator import tencent as dialect
from smskit.simulator.dialect import Refusal
from smskit.simulator.push import Pusher
from smskit.simulator.tencent.dialect import claim_in, verify
from tests.simulator.conftest import Receiver

DATA = Path(__file__).parents[1] / "data" / "tencent"
VECTORS = json.loads((DATA / "signature_vectors.json").read_text())
BY_ID = {vector["id"][:2]: vector for vector in VECTORS["vectors"]}

SECRET_ID, SECRET_KEY, APP = (
    "AKIDtest0000000000000000000000000001",
    "testSecretKey0000000000000000001",
    "1400000001",
)
A, B, C = "+8613800000001", "+8613800000002", "+8613800000003"
TEMPLATES = [
    {"id": "1", "content": "您好"},
    {"id": "2", "content": "{1}您好，活动到{2}结束。拒收请回复R", "kind": "marketing"},
    {"id": "3", "content": "验证码{1}", "kind": "verification"},
    {"id": "4", "content": "在审核", "state": "pending", "at": 1e12},
    {"id": "5", "content": "未通过", "state": "rejected", "remark": "含链接"},
    {"id": "6", "content": "待生效", "extra": {"StatusCode": 2}},
    {"id": "7", "content": "hello {1}", "region": "abroad"},
    {"id": "8", "content": "你好{1}", "region": "global"},
]


class Ten:
    """Signs and posts actions to one simulator; answers the content of ``Response``."""

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        self.http = httpx.Client(base_url=url, timeout=60)
        self.clock = clock

    def raw(self, action: str, body: bytes, *, key: str = SECRET_KEY, **changed: str) -> httpx.Response:
        stamp = int(self.clock())
        host = f"{self.http.base_url.host}:{self.http.base_url.port}"
        signed = {"content-type": "application/json", "host": host}
        headers = signed | {
            "x-tc-action": action,
            "x-tc-version": "2021-01-11",
            "x-tc-timestamp": str(stamp),
            "x-tc-region": "ap-guangzhou",
            "authorization": authorization(SECRET_ID, key, signed, body, timestamp=stamp),
        }
        headers |= {name.replace("_", "-"): value for name, value in changed.items()}
        return self.http.post("/", content=body, headers={k: v for k, v in headers.items() if v})

    def __call__(self, action: str, **fields: Any) -> dict[str, Any]:
        answer = self.raw(action, json.dumps(fields, ensure_ascii=False).encode())
        assert answer.status_code == 200
        content: dict[str, Any] = answer.json()["Response"]
        assert content.pop("RequestId")
        return content

    def code(self, action: str, **fields: Any) -> str:
        """The code a whole call is refused with, "" when it is not."""
        return str(self(action, **fields).get("Error", {}).get("Code", ""))

    def send(self, *numbers: str, template: str = "1", **fields: Any) -> dict[str, Any]:
        given = {
            "PhoneNumberSet": list(numbers),
            "SmsSdkAppId": APP,
            "TemplateId": template,
            "SignName": "测试签名",
        }
        return self("SendSms", **(given | fields))

    def rows(self, *numbers: str, template: str = "1", **fields: Any) -> list[str]:
        """The codes of the rows of one send."""
        return [row["Code"] for row in self.send(*numbers, template=template, **fields)["SendStatusSet"]]


@pytest.fixture
def account(world: World) -> Callable[..., Any]:
    """Settle the account anew: ``account(balance=1)``."""

    def register(**settings: Any) -> Any:
        given = {"secret": SECRET_KEY, "app_id": APP, "signatures": ["测试签名"], "templates": TEMPLATES}
        return world.register("tencent", SECRET_ID, **(given | settings))

    return register


@pytest.fixture
def ten(simulator: Simulator, clock: Any, account: Any) -> Iterator[Ten]:
    account()
    client = Ten(simulator.url, clock)
    yield client
    client.http.close()


# -- the signature ------------------------------------------------------------------------------------


def check(vector: dict[str, Any], *, now: float = 0, **changed: Any) -> None:
    """Verify a vector's request, with some of it changed on the way."""
    headers = {name.lower(): value for name, value in vector["headers"].items()} | changed.pop("headers", {})
    body = changed.pop("body", bytes.fromhex(vector["body_utf8_hex"]))
    now = now or vector["timestamp"]
    verify(claim_in(headers), headers, body, secret=vector["secret_key"], now=now)


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda v: v["id"])
def test_believes_the_official_sdk(vector: dict[str, Any]) -> None:
    """Each positive vector is believed, whichever headers it signed, up to five minutes late or early."""
    for now in (0, vector["timestamp"] + 300, vector["timestamp"] - 300):
        check(vector, now=now)


@pytest.mark.parametrize(
    ("case", "vector", "changed"),
    [
        ("N1", "03", {"body": bytes.fromhex(BY_ID["02"]["body_utf8_hex"])}),
        ("N2", "03", {"headers": {"content-type": "application/json; charset=utf-8"}}),
        ("N3", "07", {"headers": {"authorization": VECTORS["negative_cases"][2]["authorization"]}}),
        ("N4", "01", {"now": 1717171717 + 301}),
        ("N6", "12", {"headers": {"host": "127.0.0.1"}}),
        ("14 with another action", "14", {"headers": {"x-tc-action": "AddSmsSign"}}),
    ],
)
def test_believes_nothing_else(case: str, vector: str, changed: dict[str, Any]) -> None:
    """Each negative vector is refused with its code."""
    expected = "SignatureExpire" if case == "N4" else "SignatureFailure"

    with pytest.raises(Refusal) as refused:
        check(BY_ID[vector], **changed)

    assert refused.value.code == f"AuthFailure.{expected}"


def test_an_unknown_id_is_not_found(ten: Ten, world: World, clock: Any) -> None:
    """A SecretId the server does not know is refused as such, before the signature is looked at (N5)."""
    stranger = authorization(
        "AKIDstranger", "x", {"content-type": "a", "host": "b"}, b"", timestamp=int(clock())
    )

    answer = ten.raw("SendSms", b"{}", authorization=stranger).json()

    assert answer["Response"]["Error"]["Code"] == "AuthFailure.SecretIdNotFound"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"authorization": ""}, "AuthFailure.InvalidAuthorization"),
        ({"authorization": "TC3-HMAC-SHA256 Credential=x"}, "AuthFailure.InvalidAuthorization"),
        ({"key": "another"}, "AuthFailure.SignatureFailure"),
        ({"x_tc_timestamp": "1"}, "AuthFailure.SignatureExpire"),
        ({"x_tc_timestamp": "soon"}, "MissingParameter"),
        ({"x_tc_version": "2019-07-11"}, "NoSuchVersion"),
        ({"x_tc_version": ""}, "MissingParameter"),
        ({"x_tc_region": ""}, "MissingParameter"),
        ({"x_tc_region": "Guangzhou"}, "UnsupportedRegion"),
        ({"x_tc_action": "SendMms"}, "InvalidAction"),
        ({"content_type": "text/plain"}, "UnsupportedProtocol"),
    ],
)
def test_the_door(ten: Ten, changed: dict[str, str], code: str) -> None:
    """Who calls, how and for what is looked at before anything else; HTTP is 200 all the same."""
    answer = ten.raw("SendSms", b"{}", **changed)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["Response"]["Error"]["Code"] == code


def test_a_signed_header_must_be_content_type_and_host(ten: Ten, clock: Any) -> None:
    """Signing less than the two is no signature."""
    header = authorization(SECRET_ID, SECRET_KEY, {"host": "x"}, b"{}", timestamp=int(clock()))

    answer = ten.raw("SendSms", b"{}", authorization=header).json()

    assert answer["Response"]["Error"]["Code"] == "AuthFailure.InvalidAuthorization"


def test_an_unsigned_body_is_allowed(ten: Ten, clock: Any) -> None:
    """The SDK can leave the body out of the signature; the word for it is signed instead."""
    host = f"{ten.http.base_url.host}:{ten.http.base_url.port}"
    signed = {"content-type": "application/json", "host": host}
    header = authorization(SECRET_ID, SECRET_KEY, signed, b"UNSIGNED-PAYLOAD", timestamp=int(clock()))
    body = json.dumps({"International": 0, "Limit": 1}).encode()

    answer = ten.raw(
        "DescribeSmsSignList", body, authorization=header, x_tc_content_sha256="UNSIGNED-PAYLOAD"
    )

    assert len(answer.json()["Response"]["DescribeSignListStatusSet"]) == 1


def test_without_a_secret_the_id_is_the_key(simulator: Simulator, clock: Any) -> None:
    """An account nobody gave a key checks signatures too: with its own id."""
    ten = Ten(simulator.url, clock)  # nobody is registered, so anybody may come

    def code(key: str) -> Any:
        answer = ten.raw("PullSmsSendStatus", b'{"Limit":1,"SmsSdkAppId":"1"}', key=key).json()["Response"]
        return answer.get("Error", {}).get("Code")

    assert code(SECRET_ID) is None
    assert code(SECRET_KEY) == "AuthFailure.SignatureFailure"
    ten.http.close()


def test_switches_of_an_account(ten: Ten, account: Any) -> None:
    """Address, permission and rate are the account's."""
    account(allowed_ips=["10.0.0.1"])
    assert ten.code("SendSms") == "UnauthorizedOperation.RequestIpNotInWhitelist"
    account(denied=["SendSms"])
    assert ten.code("SendSms") == "UnauthorizedOperation.RequestPermissionDeny"
    account(requests_per_second=1)
    assert [ten.code("SendStatusStatistics"), ten.code("SendStatusStatistics")] == [
        "MissingParameter",
        "RequestLimitExceeded",
    ]


# -- SendSms: the request ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"PhoneNumberSet": None}, "MissingParameter.EmptyPhoneNumberSet"),
        ({"PhoneNumberSet": []}, "MissingParameter.EmptyPhoneNumberSet"),
        ({"PhoneNumberSet": [f"+86138{n:08}" for n in range(201)]}, "LimitExceeded.PhoneNumberCountLimit"),
        ({"PhoneNumberSet": A}, "InvalidParameter"),
        ({"PhoneNumberSet": [13800000001]}, "InvalidParameter"),
        (
            {"PhoneNumberSet": [A, "+85291234567"]},
            "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
        ),
        ({"TemplateId": 1}, "InvalidParameter"),
        ({"TemplateId": ""}, "MissingParameter"),
        ({"SignName": None}, "MissingParameter"),
        ({"SmsSdkAppId": "1400000002"}, "UnauthorizedOperation.SmsSdkAppIdVerifyFail"),
        ({"TemplateParamSet": [1]}, "InvalidParameter"),
        ({"SessionContext": "x" * 512}, "InvalidParameter"),
        ({"SessionContext": "周" * 171}, "InvalidParameter"),
        ({"ExtendCode": "1a"}, "InvalidParameter"),
        ({"PhoneNumbers": [A]}, "UnknownParameter"),
    ],
)
def test_a_request_refused_as_a_whole(ten: Ten, world: World, fields: dict[str, Any], code: str) -> None:
    """What is wrong with the request is said at the top, and nobody is messaged."""
    given = {"PhoneNumberSet": [A], "SmsSdkAppId": APP, "TemplateId": "1", "SignName": "测试签名"} | fields

    assert ten.code("SendSms", **given) == code
    assert world.accepted() == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff{}"])
def test_a_body_that_is_no_object(ten: Ten, body: bytes) -> None:
    """A body that is not a JSON object in UTF-8 cannot be parsed."""
    error = ten.raw("SendSms", body).json()["Response"]["Error"]

    assert error["Code"] == "FailedOperation.JsonParseFail"


def test_an_accepted_row(ten: Ten, world: World) -> None:
    """Numbers come back as E.164, with id, parts and context; the judge has the whole text."""
    answer = ten.send(
        "13800000001", B, "0086" + C[3:], template="2", TemplateParamSet=["王", "6月"], SessionContext="周"
    )

    rows = answer["SendStatusSet"]
    assert [row["PhoneNumber"] for row in rows] == [A, B, C]
    ids = [row.pop("SerialNo") for row in rows]
    assert len(set(ids)) == 3
    assert all(number.isdigit() for sid in ids for number in sid.split(":"))
    assert rows[0] == {
        "PhoneNumber": A,
        "Fee": 1,
        "SessionContext": "周",
        "Code": "Ok",
        "Message": "send success",
        "IsoCode": "CN",
    }
    assert {m.text for m in world.messages()} == {"【测试签名】王您好，活动到6月结束。拒收请回复R"}


@pytest.mark.parametrize(
    ("template", "values", "code"),
    [
        ("9", [], "FailedOperation.TemplateUnapprovedOrNotExist"),
        ("4", [], "FailedOperation.TemplateIncorrectOrUnapproved"),
        ("5", [], "FailedOperation.TemplateIncorrectOrUnapproved"),
        ("6", [], "FailedOperation.TemplateIncorrectOrUnapproved"),
        ("2", ["王"], "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"),
        ("1", ["王"], "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"),
        ("3", ["123456"], "Ok"),
        ("3", [""], "Ok"),
        ("3", ["1234567"], "InvalidParameterValue.TemplateParameterFormatError"),
        ("3", ["abc"], "InvalidParameterValue.TemplateParameterFormatError"),
        ("2", ["https://t.cn/x", "6月"], "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter"),
        ("2", ["看WWW.x.cn", "6月"], "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter"),
        ("2", ["长" * 500, "6月"], "InvalidParameterValue.ContentLengthLimit"),
        ("2", ["发票", "6月"], "FailedOperation.ContainSensitiveWord"),
        ("7", ["x"], "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone"),
        ("8", ["x"], "Ok"),
    ],
)
def test_template_and_values(ten: Ten, account: Any, template: str, values: list[str], code: str) -> None:
    """What is wrong with template or values is said in every row, under HTTP 200 and without Error."""
    account(black_words=["发票"])

    assert ten.rows(A, B, template=template, TemplateParamSet=values) == [code, code]


def test_signatures_are_names_without_brackets(ten: Ten) -> None:
    """An unknown name, or one in brackets, is not approved."""
    code = "FailedOperation.SignatureIncorrectOrUnapproved"

    assert ten.rows(A, SignName="别家") == [code]
    assert ten.rows(A, SignName="【测试签名】") == [code]


def test_the_length_of_a_value_is_the_accounts(ten: Ten, account: Any) -> None:
    """How long a value may be is in the account's profile; without it, it is not looked at."""
    assert ten.rows(A, template="8", TemplateParamSet=["七个字的变量值"]) == ["Ok"]
    account(profile={"parameter_length": 6})

    assert ten.rows(B, template="8", TemplateParamSet=["七个字的变量值"]) == [
        "InvalidParameterValue.TemplateParameterLengthLimit"
    ]


def test_mixed_rows(ten: Ten, account: Any, world: World) -> None:
    """Refused numbers stand among accepted ones, with empty id and no fee; only the others count."""
    account(black_numbers=["13800000002"], number_codes={"0003": "InternalError.Timeout"})

    rows = ten.send(A, B, C, "139", A)["SendStatusSet"]

    assert [(row["PhoneNumber"], row["Code"], row["Fee"], bool(row["SerialNo"])) for row in rows] == [
        (A, "Ok", 1, True),
        (B, "FailedOperation.PhoneNumberInBlacklist", 0, False),
        (C, "InternalError.Timeout", 0, False),
        ("139", "InvalidParameterValue.IncorrectPhoneNumber", 0, False),
        (A, "LimitExceeded.PhoneNumberThirtySecondLimit", 0, False),
    ]
    assert [row["IsoCode"] for row in rows] == ["CN", "CN", "CN", "", "CN"]
    assert world.accepted() == 1


def test_money(ten: Ten, account: Any, world: World) -> None:
    """A call goes as far as the package, by billed parts."""
    account(balance="0.15", price="0.05")

    assert ten.rows(A, B, template="8", TemplateParamSet=["长" * 70]) == [
        "Ok",
        "FailedOperation.InsufficientBalanceInSmsPackage",
    ]
    assert world.accepted() == 1


def test_limits_of_a_number(ten: Ten, account: Any, clock: Any) -> None:
    """Equal text within 30 s, per hour, equal text a day, per day in Beijing: each has its code and ends."""
    account(limits={"any_hour": 2, "same_day": 3, "any_day": 4})
    limit = "LimitExceeded.PhoneNumber"

    assert [ten.rows(A)[0], ten.rows(A)[0]] == ["Ok", f"{limit}ThirtySecondLimit"]
    clock.go(30)
    assert [ten.rows(A)[0]] == ["Ok"]
    clock.go(30)
    assert ten.rows(A) == [f"{limit}OneHourLimit"]
    clock.go(3600)
    assert ten.rows(A) == ["Ok"]
    clock.go(3600)
    assert ten.rows(A) == [f"{limit}SameContentDailyLimit"]
    assert ten.rows(A, template="8", TemplateParamSet=["x"]) == ["Ok"]
    clock.go(3601)
    assert ten.rows(A, template="8", TemplateParamSet=["y"]) == [f"{limit}DailyLimit"]
    clock.go(24 * 3600)
    assert ten.rows(A) == ["Ok"]


def test_ten_a_day_by_default(ten: Ten, clock: Any) -> None:
    """The eleventh message of a day is one too many, whatever it says."""
    codes = []
    for n in range(11):
        codes += ten.rows(A, template="8", TemplateParamSet=[str(n)])
        clock.go(60)

    assert codes == ["Ok"] * 10 + ["LimitExceeded.PhoneNumberDailyLimit"]


def test_the_applications_day(ten: Ten, account: Any, clock: Any) -> None:
    """An application's own limit a day stops everybody until the day is over."""
    account(profile={"app_day": 2})

    assert ten.rows(A, B, C) == ["Ok", "Ok", "LimitExceeded.AppDailyLimit"]
    clock.go(24 * 3600)
    assert ten.rows(C) == ["Ok"]


def test_marketing_hours(ten: Ten, account: Any, clock: Any) -> None:
    """Marketing leaves between 8 and 22 where the account says so; a notice at any time."""
    account(send_hours=[8, 22])
    values = ["王", "6月"]

    assert ten.rows(A, template="2", TemplateParamSet=values) == ["Ok"]  # 08:00
    clock.go(14 * 3600)
    assert ten.rows(B, template="2", TemplateParamSet=values) == [
        "FailedOperation.MarketingSendTimeConstraint"
    ]
    assert ten.rows(B) == ["Ok"]


def test_abroad(ten: Ten, account: Any) -> None:
    """Numbers abroad need a template for abroad; Latin texts have 160 and 153 characters a part."""
    hk, us = "+85291234567", "+12025550123"

    rows = ten.send(hk, us, template="7", TemplateParamSet=["x" * 160], SignName=None)["SendStatusSet"]
    assert [(r["Code"], r["Fee"], r["IsoCode"]) for r in rows] == [("Ok", 2, "DEF")] * 2
    assert ten.rows(hk, template="1") == ["UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone"]
    account(abroad=False)
    assert ten.rows(hk, template="8", TemplateParamSet=["y"]) == ["UnsupportedOperation.UnsupportedRegion"]


# -- reading -----------------------------------------------------------------------------------------


def status(ten: Ten, limit: int = 100) -> list[dict[str, Any]]:
    return list(ten("PullSmsSendStatus", Limit=limit, SmsSdkAppId=APP)["PullSmsSendStatusSet"])


def test_receipts_are_taken_once(ten: Ten, clock: Any, plan: Any) -> None:
    """Pulling pops; the row joins to the send by SerialNo, its time is whole seconds."""
    plan(receipts={"delay_s": [1, 1], "fail_rate": 1, "fail_codes": ["UNDELIV"]})
    sent = ten.send(A, B, SessionContext="weekly")["SendStatusSet"]
    assert status(ten) == []
    clock.go(2)

    first, second = status(ten, 1), status(ten)

    assert [r["SerialNo"] for r in first + second] == [r["SerialNo"] for r in sent]
    assert first[0] == {
        "UserReceiveTime": int(clock()) - 1,
        "CountryCode": "86",
        "SubscriberNumber": A[3:],
        "PhoneNumber": A,
        "SerialNo": sent[0]["SerialNo"],
        "ReportStatus": "FAIL",
        "Description": "UNDELIV",
        "SessionContext": "",
    }
    assert status(ten) == []


def by_number(ten: Ten, action: str = "PullSmsSendStatusByPhoneNumber", **fields: Any) -> dict[str, Any]:
    start = int(ten.clock()) - 3600
    given = {"BeginTime": start, "Offset": 0, "Limit": 100, "PhoneNumber": A, "SmsSdkAppId": APP}
    return ten(action, **(given | fields))


def test_receipts_by_number_stay(ten: Ten, account: Any, clock: Any, plan: Any) -> None:
    """Asking by number takes nothing, and shows what a carrier answered; the context if switched on."""
    plan(receipts={"delay_s": [10, 10]})
    account(echo_uid=True)
    ten.send(A, SessionContext="weekly")
    assert by_number(ten)["PullSmsSendStatusSet"] == []
    clock.go(11)

    for _ in range(2):
        (row,) = by_number(ten)["PullSmsSendStatusSet"]
        assert (row["PhoneNumber"], row["SessionContext"]) == (A, "weekly")
    assert by_number(ten, PhoneNumber=B)["PullSmsSendStatusSet"] == []
    assert len(status(ten)) == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"BeginTime": 1}, "InvalidParameterValue.BeginTimeVerifyFail"),
        ({"EndTime": 9_999_999_999}, "InvalidParameterValue.EndTimeVerifyFail"),
        ({"EndTime": 1}, "InvalidParameterValue.InvalidStartTime"),
        ({"Offset": 1}, "InvalidParameterValue.OffsetVerifyFail"),
        ({"Limit": 101}, "InvalidParameterValue.LimitVerifyFail"),
        ({"Limit": None}, "MissingParameter"),
        ({"PhoneNumber": "139"}, "InvalidParameterValue.IncorrectPhoneNumber"),
        ({"BeginTime": "1"}, "InvalidParameter"),
    ],
)
def test_asking_by_number_is_strict(ten: Ten, fields: dict[str, Any], code: str) -> None:
    """Times, paging and number are checked."""
    assert by_number(ten, **fields)["Error"]["Code"] == code


def test_replies(ten: Ten, world: World, clock: Any) -> None:
    """A reply is there once by pulling."""
    ten.send(A, ExtendCode="12")
    world.reply(A, "R")

    (pulled,) = ten("PullSmsReplyStatus", Limit=100, SmsSdkAppId=APP)["PullSmsReplyStatusSet"]

    assert pulled == {
        "ExtendCode": "12",
        "CountryCode": "86",
        "PhoneNumber": A,
        "SignName": "测试签名",
        "ReplyContent": "R",
        "ReplyTime": int(clock()),
        "SubscriberNumber": A[3:],
    }
    assert ten("PullSmsReplyStatus", Limit=100, SmsSdkAppId=APP)["PullSmsReplyStatusSet"] == []


def test_pulling_may_be_switched_off(ten: Ten, account: Any) -> None:
    """Where support has not switched pulling on, it is not permitted."""
    account(pull=False)

    assert (
        ten.code("PullSmsSendStatus", Limit=1, SmsSdkAppId=APP)
        == "UnauthorizedOperation.RequestPermissionDeny"
    )


def test_figures(ten: Ten, account: Any, clock: Any, plan: Any) -> None:
    """Counts and parts of whole hours in Beijing, and what is left of the package."""
    plan(receipts={"delay_s": [1, 1]})
    account(balance="1", price="0.05")
    ten.send(A, B, template="8", TemplateParamSet=["长" * 70])
    clock.go(7200)
    hours = {"BeginTime": "2026010108", "EndTime": "2026010108", "SmsSdkAppId": APP, "Limit": 0, "Offset": 0}
    years = {
        "BeginTime": "2024010108",
        "EndTime": "2026010110",
        "SmsSdkAppId": APP,
        "Limit": 500,
        "Offset": 0,
    }
    clock.go(1)

    sent = ten("SendStatusStatistics", **hours)["SendStatusStatistics"]
    (package,) = ten("SmsPackagesStatistics", **years)["SmsPackagesStatisticsSet"]

    assert sent == {"FeeCount": 4, "RequestCount": 2, "RequestSuccessCount": 2}
    assert (package["PackageAmount"], package["CurrentUsage"]) == (20, 4)
    assert ten.code("SendStatusStatistics", **hours | {"Limit": 1}) == "InvalidParameterValue.LimitVerifyFail"
    assert ten.code("SmsPackagesStatistics", **hours) == "InvalidParameterValue.EndTimeVerifyFail"


def test_templates(ten: Ten) -> None:
    """By id, or a page: without a Limit the page is empty. Ids are numbers here; only state 0 may send."""
    ask = {"International": 0}

    every = ten("DescribeSmsTemplateList", **ask, Limit=100)["DescribeTemplateStatusSet"]
    some = ten("DescribeSmsTemplateList", **ask, TemplateIdSet=[5, 99])["DescribeTemplateStatusSet"]

    assert {t["TemplateId"]: t["StatusCode"] for t in every} == {1: 0, 2: 0, 3: 0, 4: 1, 5: -1, 6: 2, 8: 0}
    assert [(t["TemplateId"], t["ReviewReply"], t["TemplateContent"]) for t in some] == [
        (5, "含链接", "未通过")
    ]
    assert ten("DescribeSmsTemplateList", **ask)["DescribeTemplateStatusSet"] == []
    assert (
        ten.code("DescribeSmsTemplateList", International=2) == "InvalidParameterValue.InvalidInternational"
    )
    assert ten.code("DescribeSmsTemplateList", **ask, TemplateIdSet=["1"]) == "InvalidParameter"


def test_signatures(ten: Ten, account: Any) -> None:
    """Ten to a page unless told, by id where asked."""
    account(signatures=[f"签名{n}" for n in range(12)])

    page = ten("DescribeSmsSignList", International=0)["DescribeSignListStatusSet"]
    rest = ten("DescribeSmsSignList", International=0, Limit=100, Offset=10)["DescribeSignListStatusSet"]
    one = ten("DescribeSmsSignList", International=0, SignIdSet=[3])["DescribeSignListStatusSet"]

    assert [len(page), len(rest)] == [10, 2]
    assert [s["SignName"] for s in one] == ["签名2"]
    assert (
        ten.code("DescribeSmsSignList", International=0, Limit=101) == "InvalidParameterValue.LimitVerifyFail"
    )


# -- callbacks ---------------------------------------------------------------------------------------


TAKEN = b'{"result":0,"errmsg":"OK"}'


async def test_receipts_and_replies_are_pushed(
    world: World, clock: Any, receiver: Receiver, plan: Any
) -> None:
    """Several receipts in one array, a reply as one object; our client reads both as it reads pulled ones."""
    plan(receipts={"delay_s": [1, 1], "fail_rate": 1, "fail_codes": ["UNDELIV"]})
    account = world.register("tencent", SECRET_ID, receipt_url=receiver.url, reply_url=receiver.url)
    assert account is not None
    world.accept(account, [8613800000001, 8613800000002], "【测试签名】您好", parts=2, extend="7")
    world.reply(A, "R")
    clock.go(2)

    await Pusher(world, {"tencent": dialect.PUSHES}).step()

    reply, receipts = sorted(receiver.bodies, key=lambda body: body.startswith(b"["))
    provider = client("http://127.0.0.1:1", clock)
    assert json.loads(reply)["extend"] == "7"
    assert json.loads(receipts)[0] == {
        "user_receive_time": "2026-01-01 08:00:01",
        "nationcode": "86",
        "mobile": A[3:],
        "report_status": "FAIL",
        "errmsg": "UNDELIV",
        "description": "用户关机、停机、不在服务区或号码状态不正常",
        "sid": json.loads(receipts)[0]["sid"],
    }
    assert [(r.phone, r.code, r.delivered) for r in provider.parse_push(receipts).receipts] == [
        (A, "UNDELIV", False),
        (B, "UNDELIV", False),
    ]
    assert [(r.phone, r.text) for r in provider.parse_push(reply).replies] == [(A, "R")]


async def test_callbacks_are_tried_again(world: World, clock: Any, receiver: Receiver, plan: Any) -> None:
    """What is not answered with result 0 comes again three times, a minute apart."""
    plan(receipts={"delay_s": [0, 0]})
    receiver.answer = b'{"result":1,"errmsg":"busy"}'
    account = world.register("tencent", SECRET_ID, receipt_url=receiver.url)
    assert account is not None
    world.accept(account, [8613800000001], "【测试签名】您好", parts=1, receipt_url=receiver.url)
    pusher = Pusher(world, {"tencent": dialect.PUSHES})

    for _ in range(6):
        await pusher.step()
        clock.go(60)

    assert len(receiver.bodies) == 4


# -- our client against it ----------------------------------------------------------------------------

JOB = Job(
    Template.parse("{name}您好，活动到{day}结束。拒收请回复R", signature="测试签名"), "2", reference="weekly"
)


def client(url: str, clock: Callable[[], float], **more: Any) -> Tencent:
    secrets = {
        "secret_id": SECRET_ID,
        "secret_key": SECRET_KEY,
        "app_id": APP,
        "base_url": url,
        "timeout_s": 1,
    }
    made = Tencent(TencentSettings(**(secrets | more)))
    made.clock = clock
    return made


def calls(provider: Tencent, count: int = 2, *, different: bool = False) -> list[Call]:
    names = [f"客{n}" if different else "客" for n in range(count)]
    columns = {
        "name": pa.array(names, pa.large_string()),
        "day": pa.array(["6月"] * count, pa.large_string()),
    }
    phones = np.arange(8613800000001, 8613800000001 + count, dtype=np.int64)
    return list(provider.calls(JOB, Slice(0, np.arange(count, dtype=np.uint16), phones, columns)))


async def send(url: str, clock: Callable[[], float], count: int = 2) -> Any:
    """What our client makes of one call: the kinds of its rows, or the error's class."""
    async with client(url, clock) as provider:
        (call,) = calls(provider, count)
        try:
            return [row.kind for row in await provider.submit(call)]
        except ProviderError as error:
            return type(error)


async def test_the_client_is_understood(ten: Ten, world: World, simulator: Simulator, clock: Any) -> None:
    """Batches and single calls arrive as previewed, byte for byte, each to its person."""
    async with client(simulator.url, clock) as provider:
        for call in calls(provider, 3, different=True):
            assert [r.kind for r in await provider.submit(call)] == [CodeClass.ACCEPTED]
            assert next(m.text for m in world.messages() if m.phone == call.phones[0]) == call.texts[0]
        clock.go(31)
        (call,) = calls(provider, 200)
        assert {r.kind for r in await provider.submit(call)} == {CodeClass.ACCEPTED}

    assert world.accepted() == 203


SUBMIT_CODES = sorted(set(Tencent.codes) - {"Ok"})
_ERRORS = {
    CodeClass.REFUSED: Refused,
    CodeClass.LATER: Refused,
    CodeClass.RETRY: RateLimited,
    CodeClass.ACCOUNT: AccountProblem,
    CodeClass.UNKNOWN: OutcomeUnknown,
}


async def test_every_code_ends_in_its_class(ten: Ten, plan: Any, simulator: Simulator, clock: Any) -> None:
    """Each documented code, at the top and in a row, becomes what the table says; nobody is messaged."""
    wrong = {}
    for code in SUBMIT_CODES:
        kind = Tencent.codes[code].kind
        plan(faults=[{"kind": "code", "code": code, "count": 1}])
        top = await send(simulator.url, clock)
        plan(faults=[{"kind": "code", "code": code, "scope": "item", "count": 2}])
        rows = await send(simulator.url, clock)
        expected: Any = _ERRORS[kind]
        if code == "LimitExceeded.PhoneNumberCountLimit":
            expected = None  # comes back to be cut smaller; tested on its own
        if (expected and top is not expected) or rows != [kind, kind]:
            wrong[code] = (top, rows)

    assert wrong == {}
    assert simulator.world.accepted() == 0


@pytest.mark.parametrize(
    ("fault", "expected", "accepted"),
    [
        ({"kind": "drop_before_accept"}, OutcomeUnknown, 0),
        ({"kind": "drop_after_accept"}, OutcomeUnknown, 2),
        ({"kind": "hang_after_accept", "seconds": 5}, OutcomeUnknown, 2),
        ({"kind": "http_error", "status": 502}, OutcomeUnknown, 0),
        ({"kind": "http_error_after_accept", "status": 502}, OutcomeUnknown, 2),
        ({"kind": "non_json_after_accept"}, OutcomeUnknown, 2),
        ({"kind": "truncated_json_after_accept"}, OutcomeUnknown, 2),
        ({"kind": "throttle"}, RateLimited, 0),
        ({"kind": "code", "scope": "item", "code": "taken:null"}, OutcomeUnknown, 2),
        (
            {"kind": "code", "scope": "item", "code": "taken:missing"},
            [CodeClass.UNKNOWN, CodeClass.ACCEPTED],
            2,
        ),
        (
            {"kind": "code", "scope": "item", "code": "taken:InternalError.Timeout"},
            [CodeClass.UNKNOWN, CodeClass.ACCEPTED],
            2,
        ),
        (
            {"kind": "code", "scope": "item", "code": "InternalError.Timeout"},
            [CodeClass.UNKNOWN, CodeClass.ACCEPTED],
            1,
        ),
    ],
    ids=lambda v: v.get("code", v["kind"]) if isinstance(v, dict) else "",
)
async def test_faults(
    ten: Ten, plan: Any, simulator: Simulator, clock: Any, fault: dict[str, Any], expected: Any, accepted: int
) -> None:
    """Whatever happens to an answer, what may have been taken is unknown, and nothing else is."""
    plan(faults=[fault | {"count": 1}])

    assert await send(simulator.url, clock) == expected
    assert simulator.world.accepted() == accepted


async def test_a_charset_in_the_answer(ten: Ten, account: Any, simulator: Simulator, clock: Any) -> None:
    """Answers that name a charset, which blind the official SDK to errors, do not blind ours."""
    account(profile={"content_type": "application/json; charset=utf-8"}, denied=["PullSmsSendStatus"])

    assert await send(simulator.url, clock) == [CodeClass.ACCEPTED] * 2
    async with client(simulator.url, clock) as provider:
        with pytest.raises(AccountProblem):
            await provider.pull_receipts()


async def test_what_comes_back(ten: Ten, account: Any, plan: Any, simulator: Simulator, clock: Any) -> None:
    """Receipts and replies are pulled until nothing waits; a record by number has our reference."""
    plan(receipts={"delay_s": [1, 1]})
    account(echo_uid=True)
    async with client(simulator.url, clock) as provider:
        (call,) = calls(provider, 150)
        sent = {row.message_id for row in await provider.submit(call)}
        simulator.world.reply(A, "R")
        clock.go(2)
        now = datetime.fromtimestamp(clock(), UTC)
        (record,) = await provider.records(A, now - timedelta(hours=1), now + timedelta(minutes=5))
        pages = []
        while (page := await provider.pull_receipts()) is not None:
            pages.append(provider.parse_receipts(page))
        replies = provider.parse_replies(await provider.pull_replies() or b"")

    assert [len(page) for page in pages] == [100, 50]
    assert {r.message_id for page in pages for r in page} == sent
    assert all(r.delivered for page in pages for r in page)
    assert (record.reference, record.text, record.accepted) == ("weekly", "", True)
    assert record.message_id in sent
    assert [(r.phone, r.text) for r in replies] == [(A, "R")]


async def test_check(ten: Ten, account: Any, plan: Any, simulator: Simulator, clock: Any) -> None:
    """The check is green for a good set-up, and names what is wrong with a bad one."""

    async def findings(**asked: Any) -> dict[str, bool]:
        wanted: dict[str, Any] = {"signature": "测试签名", "template_id": "2", "template": JOB.template}
        wanted |= asked
        async with client(simulator.url, clock) as provider:
            result = await provider.check(**wanted)
        return {f.what: f.ok for f in result.findings} | {"usable": result.usable}

    clock.go(1)  # the figures of packages end before now
    good = await findings()
    assert good.pop("usable")
    assert set(good) == {"credential", "balance", "signature", "template", "variables"}
    assert not (await findings(signature="别家"))["signature"]
    assert not (await findings(template_id="6"))["template"]
    assert not (await findings(template_id="8"))["template"]
    account(secret="another")
    assert (await findings()) == {"credential": False, "usable": False}
    account(balance=0)
    assert not (await findings())["balance"]
    account()
    plan(
        faults=[
            {
                "kind": "code",
                "code": "FailedOperation.NotEnterpriseCertification",
                "count": 9,
                "endpoint": "*",
            }
        ]
    )
    assert all((await findings()).values())


PEOPLE = pd.DataFrame({"user_id": ["a", "b", "c"], "phone": [A, B, C], "name": ["甲", "乙", "乙"]})


def spec(**more: Any) -> CampaignSpec:
    given = {
        "campaign": "weekly",
        "segment": "memory.csv",
        "provider": "tencent",
        "signature": "测试签名",
        "template": "{name}您好。拒收请回复R",
        "template_id": "1000002",
        "variables": {"name": "name"},
        "send_window": "",
    }
    return CampaignSpec.from_data(given | more)


def environment(folder: Path, **more: str) -> Environment:
    database = {"SMSKIT_DATABASE_URL": f"sqlite:///{folder / 'ledger.db'}", "SMSKIT_KEYRING": "0"}
    return Environment(database | {f"SMSKIT_TENCENT_{name}": value for name, value in more.items()})


def test_a_rehearsal(tmp_path: Path) -> None:
    """A whole campaign in the built-in simulator with made-up keys, to the last receipt."""
    known = environment(tmp_path)

    outcome = open_campaign(spec(), frame=PEOPLE, environment=known).send()

    ledger = open_ledger(known)
    row = ledger.campaigns.get("weekly", Mode.REHEARSE)
    assert row is not None
    assert (outcome.state, outcome.books.accepted) == ("finished", 3)
    for _ in range(60):
        assert fetch(ledger, [row], environment=known).settled.problems == []
        if ledger.audience.counts(row.id).delivered == 3:
            return
        time.sleep(0.05)
    pytest.fail("not all receipts came")


def test_a_rehearsal_without_a_template_id(tmp_path: Path) -> None:
    """Tencent sends by template id only, and so does its rehearsal: the check says what is missing."""
    with pytest.raises(NotUsable, match="template_id"):
        open_campaign(spec(template_id=""), frame=PEOPLE, environment=environment(tmp_path)).send()


@pytest.mark.parametrize("echo", [True, False], ids=["echoed", "not echoed"])
def test_an_unknown_is_found_or_stays_unknown(tmp_path: Path, echo: bool) -> None:
    """A lost answer: found by its echoed reference it was accepted; unfound it is never sent again."""
    plan = {"faults": [{"kind": "drop_after_accept", "count": 1}], "receipts": {"delay_s": [0, 0]}}
    with Simulator(world=World(faults=FaultPlan.parse(plan))) as simulator:
        world = simulator.world
        template = {"id": "1000002", "content": "{1}您好。拒收请回复R", "kind": "marketing"}
        world.register(
            "tencent",
            SECRET_ID,
            secret=SECRET_KEY,
            signatures=["测试签名"],
            templates=[template],
            echo_uid=echo,
        )
        credentials = {"SECRET_ID": SECRET_ID, "SECRET_KEY": SECRET_KEY, "APP_ID": APP}
        known = environment(tmp_path, BASE_URL=simulator.url, RECORD_LAG_S="0.1", **credentials)
        campaign = open_campaign(spec(mode="live"), frame=PEOPLE, environment=known)
        ledger = open_ledger(known)

        campaign.send()
        row = ledger.campaigns.get("weekly", Mode.LIVE)
        assert row is not None
        lost = ledger.audience.counts(row.id).unknown
        settled = fetch(ledger, [row], environment=known, wait=True).settled
        campaign.send()

        assert lost > 0
        assert (settled.found, settled.never_taken) == (lost if echo else 0, 0)
        assert ledger.audience.counts(row.id).unknown == (0 if echo else lost)
        assert (world.accepted(), world.doubled()) == (3, [])
