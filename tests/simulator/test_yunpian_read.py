"""Yunpian's reading methods on the wire: receipts, replies, records, totals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smskit.simulator import World

A, B = "13800000000", "13800000001"
TEXT = "【示例】你好"
DAY = {"start_time": "2026-01-01 00:00:00", "end_time": "2026-01-01 23:59:59"}


def test_pull_status_shape_and_deletion(yun: Any, clock: Any, plan: Callable[..., None]) -> None:
    """A receipt has the documented fields and types, once."""
    plan(receipts={"delay_s": [5, 5]})
    sid = yun.single(A, TEXT)[1]["sid"]

    assert yun.ok("sms/pull_status") == []
    clock.go(5)
    assert yun.ok("sms/pull_status") == [
        {
            "error_detail": "接收成功",
            "sid": sid,
            "uid": None,
            "user_receive_time": "2026-01-01 08:00:05",
            "error_msg": "DELIVRD",
            "mobile": A,
            "report_status": "SUCCESS",
        }
    ]
    assert yun.ok("sms/pull_status") == []


def test_pull_pages(yun: Any, clock: Any) -> None:
    """Twenty come by default, a hundred at most; other sizes are refused."""
    yun.ok("sms/batch_send", mobile=",".join(str(13_800_000_000 + n) for n in range(150)), text=TEXT)
    clock.go(60)

    assert [
        len(yun.ok("sms/pull_status", **size)) for size in ({}, {"page_size": 100}, {"page_size": 100})
    ] == [
        20,
        100,
        30,
    ]
    assert yun.code("sms/pull_status", page_size=101) == 2
    assert yun.code("sms/pull_status", page_size=0) == 2


def test_pulling_can_be_off_and_expires(yun: Any, world: World, clock: Any) -> None:
    """An account without the pull interface is refused; receipts are kept 72 hours."""
    yun.single(A, TEXT)
    clock.go(72 * 3600 + 60)
    assert yun.ok("sms/pull_status") == []

    world.register("yunpian", yun.apikey, pull=False)
    assert yun.code("sms/pull_status") == -11


def test_get_record_shape(yun: Any, world: World, clock: Any, plan: Callable[..., None]) -> None:
    """A record has text ids, parts as fee, and the receipt once it is there; it is not deleted."""
    plan(receipts={"delay_s": [9, 9], "fail_rate": 1, "fail_codes": ["YP:54"]})
    world.register("yunpian", yun.apikey, echo_uid=True)
    sid = yun.single(A, "【示例】" + "长" * 67, uid="order-1")[1]["sid"]

    before = yun.ok("sms/get_record", mobile=A, **DAY)
    clock.go(9)
    after = yun.ok("sms/get_record", mobile=A, **DAY)

    assert before == [
        {
            "sid": str(sid),
            "mobile": A,
            "send_time": "2026-01-01 08:00:00",
            "text": "【示例】" + "长" * 67,
            "send_status": "SUCCESS",
            "report_status": "UNKNOWN",
            "fee": 2,
            "user_receive_time": None,
            "error_msg": None,
            "uid": "order-1",
        }
    ]
    assert after[0] | before[0] == before[0]
    assert (after[0]["report_status"], after[0]["error_msg"]) == ("FAIL", "YP:54")
    assert after[0]["user_receive_time"] == "2026-01-01 08:00:09"


def test_uid_is_not_echoed_unless_switched_on(yun: Any) -> None:
    """The caller's own id is off by default for domestic accounts."""
    yun.single(A, TEXT, uid="order-1")

    assert yun.ok("sms/get_record", mobile=A, **DAY)[0]["uid"] is None


def test_get_record_pages_and_window(yun: Any, clock: Any) -> None:
    """Records page newest first until a short page, by whole seconds, with both edges inside."""
    for n in range(5):
        yun.single(str(13_800_000_000 + n), TEXT)
        clock.go(1)

    pages = [yun.ok("sms/get_record", page_num=n, page_size=2, **DAY) for n in (1, 2, 3, 4)]
    window = yun.ok("sms/get_record", start_time="2026-01-01 08:00:01", end_time="2026-01-01 08:00:03")

    assert [[r["mobile"][-1] for r in page] for page in pages] == [["4", "3"], ["2", "1"], ["0"], []]
    assert [r["mobile"][-1] for r in window] == ["3", "2", "1"]


def test_get_record_types(yun: Any) -> None:
    """Domestic only by default, abroad only as ``global``, both as ``all``."""
    yun.single(A, TEXT)
    yun.single("+85291234567", TEXT)

    found = {
        kind: [r["mobile"] for r in yun.ok("sms/get_record", type=kind, **DAY)]
        for kind in ("", "global", "all")
    }

    assert found == {"": [A], "global": ["+85291234567"], "all": ["+85291234567", A]}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, 1),
        ({"start_time": "2026-01-01", "end_time": "2026-01-02 00:00:00"}, 2),
        (DAY | {"page_size": "101"}, 2),
        (DAY | {"type": "x"}, 2),
        (DAY | {"mobile": "86138"}, 2),
    ],
)
def test_get_record_refusals(yun: Any, fields: dict[str, str], code: int) -> None:
    """Missing and malformed fields are refused."""
    assert yun.code("sms/get_record", **fields) == code


def test_records_may_lag(yun: Any, world: World, clock: Any) -> None:
    """With a lag, what was just accepted does not show yet, by number or without."""
    world.register("yunpian", yun.apikey, record_lag_s=3)
    yun.single(A, TEXT)

    assert [yun.ok("sms/get_record", **DAY, **by) for by in ({}, {"mobile": A})] == [[], []]
    clock.go(3)
    assert len(yun.ok("sms/get_record", mobile=A, **DAY)) == 1


def test_replies_are_pulled_once(yun: Any, world: World, clock: Any) -> None:
    """A reply made by hand has the documented shape, and is pulled once."""
    yun.single(A, TEXT, extend="01")
    clock.go(60)
    assert world.reply(A, "收到了，谢谢！") == 1

    pulled = yun.ok("sms/pull_reply")

    assert [len(r.pop("id")) for r in pulled] == [24]
    assert pulled == [
        {
            "mobile": A,
            "text": "收到了，谢谢！",
            "reply_time": "2026-01-01 08:01:00",
            "extend": "01",
            "base_extend": "500001",
            "_sign": None,
        }
    ]
    assert yun.ok("sms/pull_reply") == []


def test_planned_replies(yun: Any, world: World, clock: Any, plan: Callable[..., None]) -> None:
    """A share of the recipients replies with the plan's texts; who opts out may be blocked."""
    plan(seed=2, replies={"rate": 0.3, "texts": ["TD", "退订"], "delay_s": [1, 2]})
    world.register("yunpian", yun.apikey, block_opt_outs=True)
    mobiles = [str(13_800_000_000 + n) for n in range(100)]
    yun.ok("sms/batch_send", mobile=",".join(mobiles), text=TEXT)

    assert yun.ok("sms/pull_reply") == []
    clock.go(60)
    pulled = yun.ok("sms/pull_reply", page_size=100)

    assert 15 < len(pulled) < 50
    assert {r["text"] for r in pulled} == {"TD", "退订"}
    assert yun.single(pulled[0]["mobile"], TEXT + "二")[1]["code"] == 10  # who opted out is blocked


def test_user_get(yun: Any, world: World) -> None:
    """The account page has no code, and money as a number."""
    world.register("yunpian", yun.apikey, balance="812.35", allowed_ips=["127.0.0.1", "10.0.0.1"])

    assert yun.ok("user/get") == {
        "nick": "模拟账户",
        "gmt_created": "2025-03-01 09:00:00",
        "mobile": "13800000000",
        "email": "simulator@example.com",
        "ip_whitelist": "127.0.0.1,10.0.0.1",
        "api_version": "v2",
        "balance": 812.35,
        "alarm_balance": 50,
        "emergency_contact": "张三",
        "emergency_mobile": "13800000000",
    }


def test_signatures_are_listed(yun: Any, world: World) -> None:
    """All, by part of the name, or exactly by the name in brackets; in pages where both numbers are given."""
    signatures = [
        "示例",
        {"name": "示例二", "state": "rejected", "remark": "资质不符"},
        {"name": "新店", "state": "pending", "at": 1e12},
    ]
    world.register("yunpian", yun.apikey, signatures=signatures)

    def names(**fields: Any) -> list[str]:
        return [s["sign"] for s in yun.ok("sign/get", **fields)["sign"]]

    assert names() == ["【示例】", "【示例二】", "【新店】"]
    assert names(sign="示例") == ["【示例】", "【示例二】"]
    assert names(sign="【示例】") == ["【示例】"]
    assert names(sign="【没有】") == []
    assert names(page_num=2, page_size=2) == ["【新店】"]
    assert names(page_num=2) == ["【示例】", "【示例二】", "【新店】"]
    listed = yun.ok("sign/get")
    assert (listed["code"], listed["total"]) == (0, 3)
    assert [(s["check_status"], s["enabled"], s["remark"]) for s in listed["sign"]] == [
        ("SUCCESS", True, ""),
        ("FAIL", False, "资质不符"),
        ("CHECKING", False, ""),
    ]


def test_an_open_account_has_every_signature(yun: Any) -> None:
    """Where no signature is registered all pass, so asking for one shows it."""
    assert [s["check_status"] for s in yun.ok("sign/get", sign="【随便】")["sign"]] == ["SUCCESS"]
    assert yun.ok("sign/get")["sign"] == []


def test_templates_are_listed(yun: Any, world: World) -> None:
    """One by its id, else the list of all; reviewed while the simulator runs."""
    templates = [
        {"id": "1001", "content": "【示例】您好#name#"},
        {"id": "1002", "content": "没有签名", "state": "rejected", "remark": "模板开头必须带签名【】"},
    ]
    world.register("yunpian", yun.apikey, templates=templates)

    assert yun.ok("tpl/get", tpl_id="1002") == {
        "tpl_id": 1002,
        "tpl_content": "没有签名",
        "check_status": "FAIL",
        "reason": "模板开头必须带签名【】",
        "lang": None,
        "country_code": None,
    }
    assert [(t["tpl_id"], t["check_status"]) for t in yun.ok("tpl/get")] == [
        (1001, "SUCCESS"),
        (1002, "FAIL"),
    ]
    assert yun.code("tpl/get", tpl_id="7") == 5
    assert yun.code("tpl/get", tpl_id="x") == 2


def test_what_is_handed_in_is_reviewed(yun: Any, world: World, clock: Any) -> None:
    """A signature and a template in review can be used once the review is over."""
    world.register(
        "yunpian",
        yun.apikey,
        review_s=60,
        signatures=[{"name": "新店", "state": "pending", "at": clock.now}],
        templates=[{"id": "1", "content": "【新店】您好#name#", "state": "pending", "at": clock.now}],
    )
    send = {"mobile": A, "tpl_id": "1", "tpl_value": "%23name%23=a"}
    before = yun.code("sms/tpl_single_send", **send)
    clock.go(60)

    assert before == 7
    assert yun.ok("sms/tpl_single_send", **send)["code"] == 0
