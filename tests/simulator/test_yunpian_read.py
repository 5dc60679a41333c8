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


def test_replies_are_pulled_once_and_queried_for_ever(yun: Any, world: World, clock: Any) -> None:
    """A reply made by hand has the documented shape, is pulled once and stays in the query."""
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
    for _ in range(2):
        assert len(yun.ok("sms/get_reply", page_num=1, page_size=100, mobile=A, **DAY)) == 1
    assert yun.ok("sms/get_reply", page_num=1, page_size=100, mobile=B, **DAY) == []
    assert yun.code("sms/get_reply", **DAY) == 1


def test_planned_replies(yun: Any, world: World, clock: Any, plan: Callable[..., None]) -> None:
    """A share of the recipients replies with the plan's texts; query and pull agree."""
    plan(seed=2, replies={"rate": 0.3, "texts": ["TD", "退订"], "delay_s": [1, 2]})
    world.register("yunpian", yun.apikey, block_opt_outs=True)
    mobiles = [str(13_800_000_000 + n) for n in range(100)]
    yun.ok("sms/batch_send", mobile=",".join(mobiles), text=TEXT)

    assert yun.ok("sms/pull_reply") == []
    clock.go(60)
    pulled = yun.ok("sms/pull_reply", page_size=100)
    queried = yun.ok("sms/get_reply", page_num=1, page_size=100, **DAY)

    assert 15 < len(pulled) < 50
    assert {r["id"] for r in pulled} == {r["id"] for r in queried}
    assert {r["text"] for r in pulled} == {"TD", "退订"}
    assert yun.single(pulled[0]["mobile"], TEXT + "二")[1]["code"] == 10  # who opted out is blocked


def test_get_black_word(yun: Any, world: World) -> None:
    """The words of a text that are blocked come as an array."""
    world.register("yunpian", yun.apikey, black_words=["贷款", "中奖"])

    assert yun.ok("sms/get_black_word", text="【示例】中奖了") == ["中奖"]
    assert yun.ok("sms/get_black_word", text="【示例】你好") == []


def test_get_total_fee(yun: Any, clock: Any, plan: Callable[..., None]) -> None:
    """A past day's totals use other key names and three decimals; today is refused."""
    plan(seed=1, receipts={"fail_rate": 0.5, "missing_rate": 0.2})
    yun.ok("sms/batch_send", mobile=",".join(str(13_800_000_000 + n) for n in range(40)), text=TEXT)
    assert yun.code("sms/get_total_fee", date="2026-01-01") == 2

    clock.go(86_400)
    totals = yun.ok("sms/get_total_fee", date="2026-01-01")

    assert (totals["totalCount"], totals["totalFee"]) == (40, "2.000")
    assert totals["totalSuccessCount"] + totals["totalFailedCount"] + totals["totalUnknownCount"] == 40
    assert all(totals[k] for k in ("totalSuccessCount", "totalFailedCount", "totalUnknownCount"))


def test_count_is_a_bare_number(yun: Any) -> None:
    """The doubtful method answers a number, with and without a filter."""
    yun.ok("sms/batch_send", mobile=f"{A},{B}", text=TEXT)

    assert yun.ok("sms/count", **DAY) == 2
    assert yun.ok("sms/count", mobile=A, **DAY) == 1
