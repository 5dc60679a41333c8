"""
The official yunpian-python-sdk 1.0.0, unchanged, against the simulator.

What it sends and reads is not ours to choose, so it shows whether the wire is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from yunpian_python_sdk.ypclient import YunpianClient

from smskit.simulator import Simulator, World

KEY = "0123456789abcdef0123456789abcdef"
A, B = "13800000000", "13800000001"
TPL_ID = "1000001"
TEMPLATE = {"id": TPL_ID, "content": "【示例】您的验证码是#code#", "kind": "verification"}
DAY = {"start_time": "2026-01-01 00:00:00", "end_time": "2026-01-01 23:59:59"}


@pytest.fixture
def client(simulator: Simulator, world: World) -> Iterator[Any]:
    world.register(
        "yunpian",
        KEY,
        balance="100",
        signatures=["示例"],
    )
    hosts = {f"yp.{group}.host": simulator.url for group in ("sms", "user", "sign", "tpl")}
    return YunpianClient(KEY, {"http.conn.timeout": "5", "http.so.timeout": "5", **hosts})


def _data(result: Any) -> Any:
    assert result.is_succ(), (result.code(), result.msg(), result.detail(), result.exception())
    return result.data()


def test_user(client: Any) -> None:
    """The SDK reads the account."""
    assert _data(client.user().get())["balance"] == 100


def test_wrong_key(simulator: Simulator, client: Any) -> None:
    """The SDK sees code, message and detail of a refusal."""
    other = YunpianClient("f" * 32, {"yp.user.host": simulator.url})

    result = other.user().get()

    assert (result.code(), result.msg()) == (-1, "非法的apikey")
    assert "apikey" in result.detail()


def test_signatures_and_templates(client: Any, world: World) -> None:
    """The SDK reads signatures and templates, and sees what is not there."""
    pending = {"name": "新店", "state": "pending", "at": 1e12}
    world.register("yunpian", KEY, signatures=["示例", pending], templates=[TEMPLATE])
    assert {s["sign"]: s["check_status"] for s in _data(client.sign().get())} == {
        "【示例】": "SUCCESS",
        "【新店】": "CHECKING",
    }
    assert _data(client.tpl().get({"tpl_id": TPL_ID}))["check_status"] == "SUCCESS"
    assert [t["tpl_id"] for t in _data(client.tpl().get())] == [int(TPL_ID)]
    assert client.tpl().get({"tpl_id": "7"}).code() == 5


def test_single_send(client: Any, world: World) -> None:
    """The SDK's single message arrives as given, and a refusal shows its code."""
    sent = _data(client.sms().single_send({"mobile": A, "text": "【示例】a+b & c=100%"}))
    refused = client.sms().single_send({"mobile": B, "text": "【别家】你好"})

    assert (sent["mobile"], sent["count"], sent["fee"]) == (A, 1, 0.05)
    assert [(line.phone, line.text, line.message_id) for line in world.messages()] == [
        ("+8613800000000", "【示例】a+b & c=100%", str(sent["sid"]))
    ]
    assert (refused.code(), refused.msg()) == (15, "签名不匹配")


def test_batch_send(client: Any, world: World) -> None:
    """The SDK takes a batch in which every number was refused for a success."""
    sent = _data(client.sms().batch_send({"mobile": f"{A},{B}", "text": "【示例】你好"}))
    again = client.sms().batch_send({"mobile": f"{A},{B}", "text": "【示例】你好"})

    assert (sent["total_count"], sent["total_fee"], [d["code"] for d in sent["data"]]) == (
        2,
        "0.1000",
        [0, 0],
    )
    assert again.is_succ()
    assert [d["code"] for d in again.data()["data"]] == [8, 8]
    assert world.accepted() == 2


def test_multi_send(client: Any, world: World) -> None:
    """The SDK's own inner encoding is undone, commas and all."""
    texts = ["【示例】你,好 +1", "【示例】50% & more"]

    sent = _data(client.sms().multi_send({"mobile": f"{A},{B}", "text": client.urlEncodeAndJoin(texts)}))

    assert [d["code"] for d in sent["data"]] == [0, 0]
    assert [line.text for line in world.messages()] == texts


@pytest.mark.parametrize(
    "value", ["%23code%23=1234", "#code#=1234"], ids=["documented", "the SDK's own test"]
)
def test_template_sends(client: Any, world: World, clock: Any, value: str) -> None:
    """The SDK sends by template, singly and to many, with the value encoded once or twice."""
    world.register("yunpian", KEY, templates=[TEMPLATE])
    tpl_id = TPL_ID
    one = _data(client.sms().tpl_single_send({"mobile": A, "tpl_id": tpl_id, "tpl_value": value}))
    clock.go(60)
    many = _data(client.sms().tpl_batch_send({"mobile": f"{A},{B}", "tpl_id": tpl_id, "tpl_value": value}))

    assert one["code"] == 0
    assert [d["code"] for d in many["data"]] == [0, 0]
    assert {line.text for line in world.messages()} == {"【示例】您的验证码是1234"}


def test_reading_back(client: Any, world: World, clock: Any) -> None:
    """The SDK pulls receipts and replies once and finds the record."""
    sid = _data(client.sms().single_send({"mobile": A, "text": "【示例】你好"}))["sid"]
    clock.go(10)
    world.reply(A, "TD")

    receipts = _data(client.sms().pull_status({"page_size": 100}))
    replies = _data(client.sms().pull_reply({"page_size": 100}))
    records = _data(client.sms().get_record({"mobile": A, "page_num": 1, "page_size": 20, **DAY}))

    assert [(r["sid"], r["report_status"]) for r in receipts] == [(sid, "SUCCESS")]
    assert [r["text"] for r in replies] == ["TD"]
    assert [(r["sid"], r["report_status"]) for r in records] == [(str(sid), "SUCCESS")]
    assert _data(client.sms().pull_status()) == []
