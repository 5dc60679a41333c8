"""
The official alibabacloud-dysmsapi20170525 4.6.0, unchanged, against the simulator over HTTP.

What it signs and sends is not ours to choose, so it shows whether the wire is right. Both
its schemes are used: ACS3, which is its default, and the older one ("v2").
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from alibabacloud_dysmsapi20170525 import models
from alibabacloud_dysmsapi20170525.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException, ThrottlingException
from alibabacloud_tea_openapi.utils_models import Config

from smskit.providers.china import CHINA
from smskit.simulator import FaultPlan, Simulator, World

KEY_ID, SECRET = "testAccessKeyId", "testAccessKeySecret"
A, B = "13800000000", "13800000001"
HARD = "张 三*~+/&%\"'"  # what a digest may trip over


@pytest.fixture
def world() -> Iterator[World]:
    """A world that goes by the real clock, as the SDK does."""
    world = World(faults=FaultPlan.parse({"receipts": {"delay_s": [0, 0]}}))
    world.register(
        "aliyun",
        KEY_ID,
        secret=SECRET,
        signatures=["示例", {"name": "未过", "state": "rejected", "remark": "资质不符"}],
        templates=[
            {"id": "SMS_100", "content": "${name}您好，订单${no}已发货"},
            {"id": "SMS_400", "content": "旧模板", "state": "rejected", "remark": "变量属性不符"},
        ],
    )
    yield world
    world.close()


@pytest.fixture(params=["acs3", "v2"])
def sdk(request: Any, simulator: Simulator) -> Any:
    """A client of the SDK, in each of its two schemes."""
    return _client(simulator, algorithm=None if request.param == "acs3" else "v2")


def _client(simulator: Simulator, *, secret: str = SECRET, algorithm: str | None = None) -> Any:
    config = Config(
        access_key_id=KEY_ID,
        access_key_secret=secret,
        endpoint=simulator.url.removeprefix("http://"),
        protocol="HTTP",
        signature_algorithm=algorithm,
    )
    return Client(config)


def _send(**fields: Any) -> Any:
    given = {
        "phone_numbers": f"{A},+86{B}",
        "sign_name": "示例",
        "template_code": "SMS_100",
        "template_param": json.dumps({"name": HARD, "no": "A1"}, ensure_ascii=False),
        "out_id": "订单 #1*~+/=&%?😀",
    }
    return models.SendSmsRequest(**(given | fields))


def _today() -> str:
    return datetime.now(CHINA).strftime("%Y%m%d")


def test_send_sms_and_its_details(sdk: Any, world: World) -> None:
    """The SDK sends to two numbers, and finds by asking what became of one."""
    sent = sdk.send_sms(_send()).body
    asked = models.QuerySendDetailsRequest(
        phone_number=B, send_date=_today(), page_size=10, current_page=1, biz_id=sent.biz_id
    )
    (detail,) = sdk.query_send_details(asked).body.sms_send_detail_dtos.sms_send_detail_dto

    assert (sent.code, world.accepted("aliyun")) == ("OK", 2)
    assert (detail.send_status, detail.err_code) == (3, "DELIVERED")
    assert detail.content == f"【示例】{HARD}您好，订单A1已发货"
    assert detail.out_id == "订单 #1*~+/=&%?😀"


def test_send_batch_sms(sdk: Any, world: World) -> None:
    """The SDK sends different values, its arrays in the form body."""
    request = models.SendBatchSmsRequest(
        phone_number_json=json.dumps([A, B]),
        sign_name_json=json.dumps(["示例", "示例"], ensure_ascii=False),
        template_code="SMS_100",
        template_param_json=json.dumps([{"name": HARD, "no": "1"}, {"name": "李四", "no": "2"}]),
        out_id="batch-1",
    )
    sent = sdk.send_batch_sms(request).body

    assert sent.code == "OK"
    assert [line.text for line in world.messages("aliyun")] == [
        f"【示例】{HARD}您好，订单1已发货",
        "【示例】李四您好，订单2已发货",
    ]


def test_templates(sdk: Any) -> None:
    """The SDK reads one template the newer and the older way, and the list."""
    newer = sdk.get_sms_template(models.GetSmsTemplateRequest(template_code="SMS_400")).body
    older = sdk.query_sms_template(models.QuerySmsTemplateRequest(template_code="SMS_400")).body
    listed = sdk.query_sms_template_list(models.QuerySmsTemplateListRequest(page_index=1, page_size=10)).body

    assert (newer.template_status, newer.audit_info.reject_info) == ("2", "变量属性不符")
    assert (older.template_status, older.template_content) == (2, "旧模板")
    assert [t.template_code for t in listed.sms_template_list] == ["SMS_100", "SMS_400"]
    assert listed.total_count == 2


def test_signatures(sdk: Any) -> None:
    """The SDK reads one signature the newer and the older way, and the list."""
    newer = sdk.get_sms_sign(models.GetSmsSignRequest(sign_name="示例")).body
    older = sdk.query_sms_sign(models.QuerySmsSignRequest(sign_name="未过")).body
    listed = sdk.query_sms_sign_list(models.QuerySmsSignListRequest(page_index=1, page_size=10)).body

    assert newer.sign_status == 1
    assert {d.operator_code for d in newer.sign_isp_register_detail_list} == {"mobile", "unicom", "telecom"}
    assert (older.sign_status, older.reason) == (2, "资质不符")
    assert [s.audit_status for s in listed.sms_sign_list] == ["AUDIT_STATE_PASS", "AUDIT_STATE_NOT_PASS"]


def test_a_business_refusal_is_no_exception(sdk: Any, world: World) -> None:
    """What the product refuses comes as a body with a code and no BizId."""
    body = sdk.send_sms(_send(sign_name="未过")).body

    assert (body.code, body.biz_id) == ("isv.SMS_SIGNATURE_ILLEGAL", None)
    assert world.accepted() == 0


@pytest.mark.parametrize("algorithm", [None, "v2"], ids=["acs3", "v2"])
def test_a_wrong_secret_is_an_exception(simulator: Simulator, world: World, algorithm: str | None) -> None:
    """What the gateway refuses the SDK raises with its code."""
    with pytest.raises(ClientException) as caught:
        _client(simulator, secret="wrong", algorithm=algorithm).send_sms(_send())

    assert caught.value.code == "SignatureDoesNotMatch"
    assert world.accepted() == 0


def test_throttling_is_told_with_its_wait(simulator: Simulator, world: World) -> None:
    """The SDK finds the wait in the header, in milliseconds."""
    world.set_faults(FaultPlan.parse({"faults": [{"kind": "throttle", "count": 1}]}))

    with pytest.raises(ThrottlingException) as caught:
        _client(simulator).send_sms(_send())

    assert caught.value.retry_after == 1000


def test_every_call_has_a_nonce_of_its_own(simulator: Simulator, world: World) -> None:
    """Many calls of one SDK client pass the nonce check, and each is a message of its own."""
    client = _client(simulator)
    ids = {client.send_sms(_send(phone_numbers=f"138{n:08d}")).body.biz_id for n in range(20)}

    assert len(ids) == world.accepted("aliyun") == 20
