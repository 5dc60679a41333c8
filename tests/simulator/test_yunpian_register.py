"""Yunpian's account, signatures, templates and short links on the wire."""

from __future__ import annotations

from typing import Any

import pytest

from smskit.simulator import World

A = "13800000000"


def test_user_get_and_set(yun: Any, world: World) -> None:
    """The account page has no code, money as a number, and keeps what is set."""
    world.register("yunpian", yun.apikey, balance="812.35", allowed_ips=["127.0.0.1", "10.0.0.1"])

    before = yun.ok("user/get")
    after = yun.ok("user/set", emergency_contact="李四", emergency_mobile="13900000000", alarm_balance=99)

    assert before == {
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
    assert after == before | {
        "emergency_contact": "李四",
        "emergency_mobile": "13900000000",
        "alarm_balance": 99,
    }
    assert after == yun.ok("user/get")
    assert yun.code("user/set", alarm_balance="x") == 24


def test_a_signature_goes_through_review(yun: Any, world: World, clock: Any) -> None:
    """A new signature cannot be used until it is approved; field names differ between add and get."""
    world.register("yunpian", yun.apikey, review_s=60, signatures=["示例"])

    added = yun.ok("sign/add", sign="新店", industry_type="电子商务", apply_vip="true")
    listed = yun.ok("sign/get", sign="【新店】")

    assert added == {
        "code": 0,
        "msg": "ok",
        "sign": {
            "apply_state": "CHECKING",
            "sign": "【新店】",
            "is_apply_vip": True,
            "is_only_global": False,
            "industry_type": "电子商务",
        },
    }
    assert listed["total"] == 1
    assert (listed["sign"][0]["check_status"], listed["sign"][0]["vip"]) == ("CHECKING", True)
    assert yun.single(A, "【新店】你好")[1]["code"] == 15
    clock.go(60)
    assert yun.ok("sign/get", sign="【新店】")["sign"][0]["check_status"] == "SUCCESS"
    assert yun.single(A, "【新店】你好")[1]["code"] == 0


def test_sign_get_filters_and_pages(yun: Any, world: World) -> None:
    """Bare names match fuzzily, bracketed ones exactly; malformed paging answers everything."""
    world.register("yunpian", yun.apikey, signatures=["示例", "示例商城", "别家"])

    def names(**fields: Any) -> list[str]:
        return [s["sign"] for s in yun.ok("sign/get", **fields)["sign"]]

    assert names() == ["【示例】", "【示例商城】", "【别家】"]
    assert names(sign="示例") == ["【示例】", "【示例商城】"]
    assert names(sign="【示例】") == ["【示例】"]
    assert names(page_num=2, page_size=2) == ["【别家】"]
    assert names(page_num="x", page_size=2) == names()


def test_sign_update(yun: Any, world: World, clock: Any) -> None:
    """Only what is not approved can change; what is left out falls back to its default."""
    world.register("yunpian", yun.apikey, review_s=60, signatures=["示例"])
    yun.ok("sign/add", sign="新店", apply_vip="true")

    changed = yun.ok("sign/update", old_sign="【新店】", sign="新店铺")["sign"]

    assert (changed["sign"], changed["is_apply_vip"]) == ("【新店铺】", False)
    assert yun.code("sign/update", old_sign="示例") == 34
    assert yun.code("sign/update", old_sign="没有") == -55


@pytest.mark.parametrize(
    ("sign", "code"), [("", 1), ("一", 2), ("长" * 21, 2), ("a【b", 2), ("云片网", 2), ("示例", -54)]
)
def test_sign_add_refusals(yun: Any, world: World, sign: str, code: int) -> None:
    """Names out of shape, forbidden or taken are refused."""
    world.register("yunpian", yun.apikey, signatures=["示例"])

    assert yun.code("sign/add", sign=sign) == code


def test_template_life(yun: Any, world: World, clock: Any) -> None:
    """A template is added, approved, used, changed back into review, and deleted."""
    world.register("yunpian", yun.apikey, review_s=60)

    added = yun.ok("tpl/add", tpl_content="【示例】您的验证码是#code#", tplType=1)
    tpl_id = added["tpl_id"]
    assert added == {
        "tpl_id": tpl_id,
        "tpl_content": "【示例】您的验证码是#code#",
        "check_status": "CHECKING",
        "reason": None,
        "lang": None,
        "country_code": None,
    }
    assert isinstance(tpl_id, int)
    send = {"mobile": A, "tpl_id": tpl_id, "tpl_value": "%23code%23=1"}
    assert yun.code("sms/tpl_single_send", **send) == 7
    clock.go(60)
    assert yun.ok("tpl/get", tpl_id=tpl_id)["check_status"] == "SUCCESS"
    assert [t["tpl_id"] for t in yun.ok("tpl/get")] == [tpl_id]
    assert yun.ok("sms/tpl_single_send", **send)["code"] == 0

    changed = yun.ok("tpl/update", tpl_id=tpl_id, tpl_content="【示例】验证码#code#", tpl_type=1)
    assert changed["template"]["check_status"] == "CHECKING"
    assert yun.code("sms/tpl_single_send", **send) == 7
    assert yun.ok("tpl/del", tpl_id=tpl_id)["tpl_content"] == "【示例】验证码#code#"
    assert yun.code("tpl/get", tpl_id=tpl_id) == 5
    assert yun.ok("tpl/get") == []


def test_a_template_without_signature_fails_its_review(yun: Any) -> None:
    """Content must begin with a signature; the reason is told."""
    answer = yun.ok("tpl/add", tpl_content="您的验证码是#code#")

    assert answer["check_status"] == "FAIL"
    assert "签名" in answer["reason"]


def test_default_templates(yun: Any) -> None:
    """The templates everybody has come as an array, with an id as well."""
    everything = yun.ok("tpl/get_default")

    assert len(everything) == 2
    assert yun.ok("tpl/get_default", tpl_id=1) == everything[:1]


def test_short_links(yun: Any, clock: Any) -> None:
    """A link is made once a second and has its own kind of id."""
    link = yun.ok("short_url/shorten", long_url="https://example.com/a", stat_duration=3)["short_url"]

    assert link["short_url"].endswith(link["sid"])
    assert link["stat_expire"] == "2026-01-04 08:00:00"
    assert yun.code("short_url/shorten", long_url="https://example.com/b") == -5
    clock.go(1)
    assert yun.code("short_url/shorten", long_url="ftp://example.com") == 2
    assert yun.ok("short_url/stat", sid=link["sid"]) == {"code": 0, "msg": "ok", "stat": {}}
    assert yun.code("short_url/stat", sid="nothere") == -55


def test_reg_complete(yun: Any) -> None:
    """A registration is taken note of."""
    assert yun.ok("sms/reg_complete", mobile=A) == {"code": 0, "msg": "ok"}
    assert yun.code("sms/reg_complete", mobile="1") == 2
