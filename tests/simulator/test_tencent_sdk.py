"""
The official tencentcloud-sdk-python-sms, unchanged, against the simulator.

What it signs, sends and reads is not ours to choose, so it shows whether the
wire is right. The simulator verifies its signatures; their clock is the real one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from tencentcloud.common import credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.sms.v20210111 import models
from tencentcloud.sms.v20210111.sms_client import SmsClient

from smskit.simulator import FaultPlan, Simulator, World

SECRET_ID, SECRET_KEY, APP = (
    "AKIDsdk00000000000000000000000000001",
    "sdkSecretKey00000000000000000001",
    "1400000001",
)
A, B = "+8613800000001", "+8613800000002"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    world = World(faults=FaultPlan.parse({"receipts": {"delay_s": [0, 0]}}))
    with Simulator(world=world) as running:
        _register(world)
        yield running


def _register(world: World, **settings: Any) -> None:
    template = {"id": "1000002", "content": "{1}您好，活动到{2}结束。拒收请回复R", "kind": "marketing"}
    given = {"secret": SECRET_KEY, "app_id": APP, "signatures": ["测试签名"], "templates": [template]}
    world.register("tencent", SECRET_ID, **(given | settings))


@pytest.fixture
def client(simulator: Simulator) -> SmsClient:
    return _client(simulator)


def _client(simulator: Simulator, key: str = SECRET_KEY, *, unsigned: bool = False) -> SmsClient:
    http = HttpProfile(endpoint=urlsplit(simulator.url).netloc, protocol="http", reqTimeout=5)
    profile = ClientProfile(httpProfile=http)
    profile.unsignedPayload = unsigned
    return SmsClient(credential.Credential(SECRET_ID, key), "ap-guangzhou", profile)


def _ask(client: SmsClient, action: str, **fields: Any) -> Any:
    """Call the SDK's method for *action*, and read its answer as its own JSON."""
    request = getattr(models, f"{action}Request")()
    for name, value in fields.items():
        setattr(request, name, value)
    return json.loads(getattr(client, action)(request).to_json_string())


def _send(client: SmsClient, *numbers: str, **fields: Any) -> list[dict[str, Any]]:
    given = {
        "PhoneNumberSet": list(numbers),
        "SmsSdkAppId": APP,
        "TemplateId": "1000002",
        "SignName": "测试签名",
        "TemplateParamSet": ['王"小\\明😀', "6月"],
        "SessionContext": "weekly",
    }
    rows: list[dict[str, Any]] = _ask(client, "SendSms", **(given | fields))["SendStatusSet"]
    return rows


def test_send(client: SmsClient, simulator: Simulator) -> None:
    """The SDK's escaped body is signed, verified, read and answered; the text arrives as it was meant."""
    rows = _send(client, A, "13800000002")

    assert [(r["Code"], r["PhoneNumber"], r["Fee"], r["SessionContext"]) for r in rows] == [
        ("Ok", A, 1, "weekly"),
        ("Ok", B, 1, "weekly"),
    ]
    assert {m.text for m in simulator.world.messages()} == {
        '【测试签名】王"小\\明😀您好，活动到6月结束。拒收请回复R'
    }


@pytest.mark.parametrize("unsigned", [False, True])
def test_signatures_are_verified(simulator: Simulator, unsigned: bool) -> None:
    """The right key is believed, with or without the body in the signature; a wrong one is not."""
    wrong = _client(simulator, "another", unsigned=unsigned)

    assert _send(_client(simulator, unsigned=unsigned), A)[0]["Code"] == "Ok"
    with pytest.raises(TencentCloudSDKException) as refused:
        _send(wrong, B)
    assert refused.value.get_code() == "AuthFailure.SignatureFailure"
    assert refused.value.get_request_id()
    assert simulator.world.accepted() == 1


def test_mixed_rows(client: SmsClient, simulator: Simulator) -> None:
    """A refused number is a row like the others, and no exception."""
    _register(simulator.world, black_numbers=[B])

    rows = _send(client, A, B)

    assert [(r["Code"], bool(r["SerialNo"])) for r in rows] == [
        ("Ok", True),
        ("FailedOperation.PhoneNumberInBlacklist", False),
    ]


def test_receipts(client: SmsClient, simulator: Simulator) -> None:
    """The SDK pulls receipts once, and asks by number as often as it likes."""
    (sent,) = _send(client, A)
    asked = {"BeginTime": 1, "Offset": 0, "Limit": 10, "PhoneNumber": A, "SmsSdkAppId": APP}
    now = int(simulator.world.clock())

    by_number = _ask(client, "PullSmsSendStatusByPhoneNumber", **asked | {"BeginTime": now - 3600})
    pulled = _ask(client, "PullSmsSendStatus", Limit=10, SmsSdkAppId=APP)
    again = _ask(client, "PullSmsSendStatus", Limit=10, SmsSdkAppId=APP)

    assert by_number["PullSmsSendStatusSet"] == pulled["PullSmsSendStatusSet"]
    (row,) = pulled["PullSmsSendStatusSet"]
    assert (row["SerialNo"], row["PhoneNumber"], row["ReportStatus"]) == (sent["SerialNo"], A, "SUCCESS")
    assert again["PullSmsSendStatusSet"] == []
    with pytest.raises(TencentCloudSDKException, match="BeginTimeVerifyFail"):
        _ask(client, "PullSmsSendStatusByPhoneNumber", **asked)


def test_replies(client: SmsClient, simulator: Simulator) -> None:
    """The SDK pulls what a recipient replied."""
    _send(client, A)
    simulator.world.reply(A, "R")

    (row,) = _ask(client, "PullSmsReplyStatus", Limit=10, SmsSdkAppId=APP)["PullSmsReplyStatusSet"]

    assert (row["PhoneNumber"], row["ReplyContent"], row["SignName"]) == (A, "R", "测试签名")


def test_templates_and_signatures(client: SmsClient) -> None:
    """The SDK reads what is approved; template ids are whole numbers there."""
    by_id = _ask(client, "DescribeSmsTemplateList", International=0, TemplateIdSet=[1000002])
    signs = _ask(client, "DescribeSmsSignList", International=0, Limit=10, Offset=0)
    nothing = _ask(client, "DescribeSmsTemplateList", International=0)

    (template,) = by_id["DescribeTemplateStatusSet"]
    assert (template["TemplateId"], template["StatusCode"]) == (1000002, 0)
    assert template["TemplateContent"] == "{1}您好，活动到{2}结束。拒收请回复R"
    assert [(s["SignName"], s["StatusCode"]) for s in signs["DescribeSignListStatusSet"]] == [("测试签名", 0)]
    assert nothing["DescribeTemplateStatusSet"] == []


def test_the_sdk_is_blind_behind_a_charset(client: SmsClient, simulator: Simulator) -> None:
    """Why answers are exactly application/json: behind a charset the SDK takes a refusal for a success."""
    too_many = [f"+86138{n:08}" for n in range(201)]
    with pytest.raises(TencentCloudSDKException, match="PhoneNumberCountLimit"):
        _send(client, *too_many)
    _register(simulator.world, profile={"content_type": "application/json; charset=utf-8"})

    assert _ask(client, "SendSms", PhoneNumberSet=too_many).get("SendStatusSet") is None
