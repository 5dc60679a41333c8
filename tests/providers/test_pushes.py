"""What each provider pushes, as its documents show it, is read as the same report or reply that is pulled."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import quote_plus, urlencode

import pytest

from smskit.models import Receipt, Reply
from smskit.providers import get_provider
from smskit.providers.base import Provider
from smskit.providers.pushes import Forged, Pushed
from smskit.settings import Environment

KEY = "0000"
CREDENTIALS = {
    "aliyun": {"access_key_id": "LTAI5tMadeUp", "access_key_secret": "made-up-secret"},
    "chuanglan": {"account": "M0000001", "password": "made-up-password"},
    "tencent": {"secret_id": "AKIDmadeup", "secret_key": "made-up-secret", "app_id": "1400000001"},
    "yunpian": {"api_key": KEY},
}
ANSWERS = {
    "aliyun": '{"code":0,"msg":"接收成功"}',
    "chuanglan": '{"clcode":"000000"}',
    "tencent": '{"result":0,"errmsg":"OK"}',
    "yunpian": "SUCCESS",
}


def provider(name: str) -> Provider:
    return get_provider(name, Environment({}, keyring=False), **CREDENTIALS[name])


def body_of(data: object) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode()


ALIYUN_REPORT = {
    "phone_number": "15300000001",
    "send_time": "2025-06-01 16:00:01",
    "report_time": "2025-06-01 16:00:05",
    "success": True,
    "err_code": "DELIVERED",
    "err_msg": "用户接收成功",
    "sms_size": "1",
    "biz_id": "900619746936498440^0",
    "out_id": "order-1",
}
ALIYUN_REPLY = {
    "phone_number": "15300000001",
    "content": "R",
    "send_time": "2025-06-01 17:00:00",
    "dest_code": "1234",
    "sequence_id": "1234567890",
}
TENCENT_REPORT = {
    "user_receive_time": "2025-06-01 16:00:05",
    "nationcode": "86",
    "mobile": "15300000001",
    "report_status": "FAIL",
    "errmsg": "MK:0001",
    "description": "短信发送失败",
    "sid": "2019:-12345",
}
TENCENT_REPLY = {
    "extend": "",
    "mobile": "15300000001",
    "nationcode": "86",
    "sign": "示例",
    "text": "TD",
    "time": 1748768400,
}
YUNPIAN_REPORT = {
    "error_detail": "接收成功",
    "sid": 20000000011,
    "uid": None,
    "user_receive_time": "2025-06-01 16:00:05",
    "error_msg": "",
    "mobile": "15300000001",
    "report_status": "SUCCESS",
}
# The documents' own example, whose digest stands there.
YUNPIAN_REPLY = {
    "base_extend": "8888",
    "extend": "01",
    "id": "2a70c6bb4f2845da816ea1bfe5732747",
    "mobile": "15205201314",
    "reply_time": "2014-03-17 22:55:21",
    "text": "收到了，谢谢！",
    "_sign": "393d079e0a00912335adfe46f4a2e10f",
}
CHUANGLAN_REPORT = {
    "receiver": "",
    "pswd": "",
    "msgid": "24060100000000000000000000000001",
    "reportTime": "2506011600",
    "mobile": "15300000001",
    "status": "DELIVRD",
    "notifyTime": "250601160005",
    "statusDesc": "短信发送成功",
    "length": "1",
    "uid": "",
}
CHUANGLAN_REPLY = {
    "receiver": "",
    "pswd": "",
    "moTime": "2506011700",
    "mobile": "15300000001",
    "msg": "退订 R&B",
    "destcode": "1069",
    "spCode": "1069",
    "notifyTime": "250601170005",
}
FOUR = datetime(2025, 6, 1, 8, 0, tzinfo=UTC)


def yunpian_body(field: str, data: object, times: int = 1) -> bytes:
    value = json.dumps(data, ensure_ascii=False)
    for _ in range(times):
        value = quote_plus(value)
    return f"{field}={value}".encode()


REPORTS = {
    "aliyun": body_of([ALIYUN_REPORT]),
    "aliyun, of a queue": body_of(ALIYUN_REPORT),
    "tencent": body_of([TENCENT_REPORT]),
    "yunpian": yunpian_body("sms_status", [YUNPIAN_REPORT]),
    "yunpian, encoded twice": yunpian_body("sms_status", [YUNPIAN_REPORT], 2),
    "chuanglan": urlencode(CHUANGLAN_REPORT).encode(),
    "chuanglan, without empty ones": urlencode({n: v for n, v in CHUANGLAN_REPORT.items() if v}).encode(),
    "chuanglan, as an object": body_of(CHUANGLAN_REPORT),
}
IDS = {
    "aliyun": "900619746936498440^0",
    "tencent": "2019:-12345",
    "yunpian": "20000000011",
    "chuanglan": "24060100000000000000000000000001",
}


@pytest.mark.parametrize("case", REPORTS)
def test_a_pushed_report_is_read(case: str) -> None:
    """A report says which message, whose, whether it arrived and when, in every form it is pushed in."""
    name = case.split(",")[0]
    page = provider(name).parse_push(REPORTS[case])
    (report,) = page.receipts

    assert isinstance(report, Receipt)
    assert (report.message_id, report.phone) == (IDS[name], "+8615300000001")
    assert report.delivered is (name != "tencent")
    assert report.at is not None
    assert report.at.replace(second=0) == FOUR
    assert (page.replies, page.unread) == ([], 0)


@pytest.mark.parametrize(
    ("name", "body", "text"),
    [
        ("aliyun", body_of([ALIYUN_REPLY]), "R"),
        ("aliyun", body_of([{**ALIYUN_REPLY, "sequence_id": 1234567890, "sign_name": "示例"}]), "R"),
        ("tencent", body_of(TENCENT_REPLY), "TD"),
        ("yunpian", yunpian_body("sms_reply", YUNPIAN_REPLY), "收到了，谢谢！"),
        ("yunpian", yunpian_body("sms_reply", [YUNPIAN_REPLY], 2), "收到了，谢谢！"),
        ("chuanglan", urlencode(CHUANGLAN_REPLY).encode(), "退订 R&B"),
    ],
)
def test_a_pushed_reply_is_read(name: str, body: bytes, text: str) -> None:
    """A reply says who wrote what, and the same push gives the same id again."""
    first, again = provider(name).parse_push(body), provider(name).parse_push(body)

    assert [reply.text for reply in first.replies] == [text]
    assert isinstance(first.replies[0], Reply)
    assert first == again
    assert first.replies[0].reply_id
    assert (first.receipts, first.unread) == ([], 0)


def test_a_pushed_reply_has_the_id_of_the_pulled_one() -> None:
    """An account that pushes and is pulled from has each reply once."""
    client = provider("chuanglan")
    row = {name: CHUANGLAN_REPLY[name] for name in ("moTime", "mobile", "spCode")}
    page = {"ret": 0, "result": [row | {"destCode": "1069", "messageContent": "退订 R&B"}]}

    assert (
        client.parse_replies(body_of(page)) == client.parse_push(urlencode(CHUANGLAN_REPLY).encode()).replies
    )


@pytest.mark.parametrize("name", CREDENTIALS)
@pytest.mark.parametrize(
    "body", [b"<html>502</html>", b"\xff\x00", b"hello=1", b"[", b'{"foo": 1}', b"[1, null]", b"null"]
)
def test_what_is_no_page_of_theirs_is_never_silent(name: str, body: bytes) -> None:
    """A page that holds neither report nor reply is an error, or has rows that could not be read."""
    try:
        page = provider(name).parse_push(body)
    except ValueError:
        return

    assert (page.receipts, page.replies) == ([], [])
    assert page.unread


@pytest.mark.parametrize(("name", "row"), [("aliyun", ALIYUN_REPORT), ("tencent", TENCENT_REPORT)])
def test_one_bad_row_costs_no_other(name: str, row: dict[str, object]) -> None:
    """A row without its phone is counted, and the others of the page are read."""
    page = provider(name).parse_push(body_of([{**row, "mobile": "", "phone_number": ""}, row]))

    assert (len(page.receipts), page.unread) == (1, 1)


def test_reviews_are_nothing_for_us() -> None:
    """Aliyun's word on a template or a signature is no report, and nothing to complain about."""
    review = [{"template_code": "SMS_1", "template_status": "approved"}]

    assert provider("aliyun").parse_push(body_of(review)) == Pushed([], [], 0)


@pytest.mark.parametrize(
    "changed",
    [{"text": "TD"}, {"_sign": "0" * 32}, {"_sign": None}, {"mobile": "15205201315"}],
    ids=["text", "digest", "none", "phone"],
)
def test_a_reply_of_yunpian_is_signed(changed: dict[str, object]) -> None:
    """A reply that the account's key did not sign is forged: nobody is opted out by it."""
    with pytest.raises(Forged):
        provider("yunpian").parse_push(yunpian_body("sms_reply", YUNPIAN_REPLY | changed))


def test_a_reply_cannot_come_as_a_report() -> None:
    """Without a signature there is no reply, under whichever field's name it comes."""
    unsigned = {name: value for name, value in YUNPIAN_REPLY.items() if name != "_sign"}
    with pytest.raises(Forged):
        provider("yunpian").parse_push(yunpian_body("sms_status", [unsigned]))


@pytest.mark.parametrize("name", CREDENTIALS)
def test_the_acknowledgement_is_the_providers(name: str) -> None:
    """Each provider reads "taken" in its own words."""
    answer = provider(name).acknowledges

    assert answer is not None
    assert answer.body.decode() == ANSWERS[name]
