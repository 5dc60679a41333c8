"""Yunpian's sending methods on the wire: shapes, encodings, checks in their order, limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import pytest

from smskit.simulator import World
from smskit.simulator.dialect import answers, words
from smskit.simulator.yunpian.send import values_in

A, B = "13800000000", "13800000001"
TEXT = "【示例】你好"
SEPARATOR = "\x1f"


def numbers(count: int) -> list[str]:
    return [str(13_800_000_000 + n) for n in range(count)]


def test_single_send_answer(yun: Any) -> None:
    """One message: an object with code, money as a number, an id beyond 32 bits."""
    status, answer = yun.single(A, TEXT)

    sid = answer.pop("sid")
    assert status == 200
    assert answer == {"code": 0, "msg": "发送成功", "count": 1, "fee": 0.05, "unit": "RMB", "mobile": A}
    assert isinstance(sid, int)
    assert sid > 1 << 32


def test_batch_send_answer(yun: Any) -> None:
    """A batch has no code at the top, billed parts as count, money as text, and an entry a number."""
    answer = yun.ok("sms/batch_send", mobile=f"{A},{B}", text="【示例】" + "长" * 67)

    first, second = answer.pop("data")
    assert answer == {"total_count": 4, "total_fee": "0.2000", "unit": "RMB"}
    assert second.pop("sid") == first.pop("sid") + 1
    assert first == {"code": 0, "count": 2, "fee": 0.1, "mobile": A, "msg": "发送成功", "unit": "RMB"}


def test_mixed_batch_answer(yun: Any, world: World) -> None:
    """Refused numbers stand among accepted ones under HTTP 200, without an id; only the others cost."""
    yun.single(B, TEXT)

    answer = yun.ok("sms/batch_send", mobile=f"{A},{B},8613800000002,+8613800000003,+85291234567", text=TEXT)

    assert "code" not in answer
    assert [(d["code"], d["mobile"], "sid" in d) for d in answer["data"]] == [
        (0, A, True),
        (8, B, False),
        (2, "8613800000002", False),
        (0, "13800000003", True),
        (20, "+85291234567", False),
    ]
    assert (answer["total_count"], answer["total_fee"]) == (2, "0.1000")
    assert world.accepted() == 3


def test_a_batch_may_be_refused_number_by_number_to_the_last(yun: Any) -> None:
    """When every number is refused it is still HTTP 200 without a code."""
    answer = yun.ok("sms/batch_send", mobile="1,2", text=TEXT)

    assert [d["code"] for d in answer["data"]] == [2, 2]
    assert (answer["total_count"], answer["total_fee"]) == (0, "0.0000")


def test_multi_send_wire_vector(yun: Any, world: World) -> None:
    """The recomputed body of dossier 4.4 arrives as the two texts it was made from."""
    body = (
        "apikey=" + yun.apikey + "&mobile=13800000000%2C13800000001&text="
        "%25E3%2580%2590a%25E3%2580%2591%25E4%25BD%25A0%252C%25E5%25A5%25BD%2B%252B1"
        "%2C%25E3%2580%2590a%25E3%2580%2591b"
    )

    answer = yun.http.post(
        "/v2/sms/multi_send.json", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
    ).json()

    assert [d["code"] for d in answer["data"]] == [0, 0]
    assert [line.text for line in world.messages()] == ["【a】你,好 +1", "【a】b"]


def test_multi_send_texts_survive_the_inner_encoding(yun: Any, world: World) -> None:
    """Commas, separators and percent signs inside texts do not shift the others."""
    texts = ["【a】x\x1fy", "【a】,", "【a】%2C", "【a】+ %", "【a】%252C"]
    answer = yun.multi(dict(zip(numbers(5), texts, strict=True)))

    assert [d["code"] for d in answer["data"]] == [0] * 5
    assert [line.text for line in world.messages()] == texts


@pytest.mark.parametrize(
    ("wire", "filled"),
    [
        (
            "tpl_value=%2523code%2523%3D1234%26%2523name%2523%3D%25E5%25BC%25A0%25E4%25B8%2589",
            {"code": "1234", "name": "张三"},
        ),
        (
            "tpl_value=%2523a%2523%3Dx%2526y%253D1%2525%26%2523b%2523%3DA%252BB%2BC",
            {"a": "x&y=1%", "b": "A+B C"},
        ),
        ("tpl_value=%23code%23%3D1234", {"code": "1234"}),
    ],
    ids=["4.5 first", "4.5 second", "single pass"],
)
def test_tpl_value_wire_vectors(yun: Any, world: World, wire: str, filled: dict[str, str]) -> None:
    """The recomputed bodies of dossier 4.5 fill a template with the values they were made from."""
    content = "【示例】" + "，".join(f"#{name}#" for name in filled)
    world.register("yunpian", yun.apikey, templates=[{"id": "77", "content": content}])

    answer = yun.http.post(
        "/v2/sms/tpl_single_send.json",
        content=f"apikey={yun.apikey}&mobile={A}&tpl_id=77&{wire}",
        headers={"content-type": "application/x-www-form-urlencoded"},
    ).json()

    assert answer["code"] == 0
    assert [line.text for line in world.messages()] == ["【示例】" + "，".join(filled.values())]


def test_tpl_value_leniency() -> None:
    """Nameless pairs are ignored, and a value keeps everything after the first equals sign."""
    assert values_in("") == {}
    assert values_in("&=x&%23a%23=b=c") == {"a": "b=c"}


def test_tpl_batch_send(yun: Any, world: World) -> None:
    """One set of values goes to all numbers; a template without variables takes an empty value."""
    world.register("yunpian", yun.apikey, templates=[{"id": "1001", "content": "【示例】通知"}])

    answer = yun.ok("sms/tpl_batch_send", mobile=f"{A},{B}", tpl_id="1001", tpl_value="")

    assert [d["code"] for d in answer["data"]] == [0, 0]
    assert {line.text for line in world.messages()} == {"【示例】通知"}
    assert yun.code("sms/tpl_batch_send", mobile=A, tpl_id="1001") == 1


def test_tpl_send_with_a_system_template(yun: Any, world: World) -> None:
    """An account without templates of its own can use those everybody has."""
    yun.ok("sms/tpl_single_send", mobile=A, tpl_id="1", tpl_value="%23company%23=示例&%23code%23=1234")

    assert [line.text for line in world.messages()] == ["【示例】您的验证码是1234"]


@pytest.mark.parametrize(
    ("tpl_id", "value", "code"),
    [("9", "", 5), ("x", "", 2), ("2", "", 7), ("3", "", 60), ("1", "", 58), ("1", "%23n%23=", 58)],
    ids=["unknown", "malformed", "in review", "expired", "value missing", "value empty"],
)
def test_tpl_refusals(yun: Any, world: World, tpl_id: str, value: str, code: int) -> None:
    """A template that cannot be used is refused by its own code."""
    world.register(
        "yunpian",
        yun.apikey,
        review_s=99,
        templates=[
            {"id": "1", "content": "【示例】#n#"},
            {"id": "2", "content": "【示例】b", "state": "pending", "at": world.clock()},
            {"id": "3", "content": "【示例】c", "state": "expired"},
        ],
    )

    assert yun.code("sms/tpl_single_send", mobile=A, tpl_id=tpl_id, tpl_value=value) == code


@pytest.mark.parametrize(
    ("mobile", "shown"),
    [
        (A, A),
        ("+8613800000000", A),
        ("8613800000000", None),
        ("+86138000000", None),
        ("12800000000", None),
        ("138000000001", None),
        (" 13800000000", None),
        ("+93701234567", "+93701234567"),
        ("93701234567", None),
        ("+0123456789", None),
        ("١٣٨٠٠٠٠٠٠٠٠", None),
    ],
)
def test_numbers(yun: Any, mobile: str, shown: str | None) -> None:
    """Mainland numbers come bare or with +86, never with a bare 86; others need their plus sign."""
    status, answer = yun.single(mobile, TEXT)

    if shown is None:
        assert (status, answer["code"]) == (400, 2)
        assert mobile in answer["detail"]
    else:
        assert answer["mobile"] == shown


def test_requests_that_do_not_get_in(yun: Any, world: World) -> None:
    """Method, content type, accept and key are looked at in this order."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    path = "/v2/user/get.json"

    assert yun.http.get(path).status_code == 405
    assert yun.http.post(path, json={}).status_code == 415
    assert yun.http.post(path, headers=form | {"accept": "text/html"}).status_code == 406
    assert yun.http.post(path, headers=form).json()["code"] == 1
    assert yun.http.post(path, data={"apikey": "short"}).json()["code"] == -1

    world.register("yunpian", "f" * 32)
    assert yun.code("user/get") == -1  # registering one account closes the provider to others


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"allowed_ips": ["10.0.0.1"]}, -3),
        ({"denied": ["single_send"]}, -2),
        ({"balance": "0.04"}, 3),
        ({"signatures": []}, -57),
        ({"signatures": ["别的"]}, 15),
        ({"signatures": [{"name": "示例", "state": "rejected"}]}, 15),
        ({"templates": []}, 5),
        ({"templates": [{"id": "1", "content": "【示例】再见"}]}, 5),
        ({"templates": [{"id": "1", "content": "【示例】你好", "region": "abroad"}]}, 23),
        ({"black_words": ["你好"]}, 4),
        ({"black_numbers": [A]}, 10),
        ({"number_codes": {"0000": 28}}, 28),
        ({"send_hours": [9, 20]}, 13),
    ],
    ids=lambda value: str(value)[:40],
)
def test_account_settings_refuse(yun: Any, world: World, settings: dict[str, Any], code: int) -> None:
    """Each switch of an account refuses with its own code and takes nothing."""
    world.register("yunpian", yun.apikey, **settings)

    assert yun.code("sms/single_send", mobile=A, text=TEXT) == code
    assert world.accepted() == 0


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"mobile": "", "text": TEXT}, 1),
        ({"mobile": A}, 1),
        ({"mobile": A, "text": "没有签名"}, 2),
        ({"mobile": A, "text": "【】空"}, 16),
        ({"mobile": A, "text": "【示例】【二】"}, 16),
        ({"mobile": A, "text": "【示例】" + "长" * 497}, 48),
        ({"mobile": A, "text": TEXT, "uid": "u" * 257}, 48),
        ({"mobile": A, "text": TEXT, "extend": "1a"}, 2),
    ],
)
def test_single_send_refusals(yun: Any, fields: dict[str, str], code: int) -> None:
    """What is missing, malformed or too long is refused."""
    assert yun.code("sms/single_send", **fields) == code


def test_batch_limits(yun: Any, world: World) -> None:
    """A thousand numbers are taken, one more is not; unequal counts are not; multi_send can be closed."""
    assert len(yun.ok("sms/batch_send", mobile=",".join(numbers(1000)), text=TEXT)["data"]) == 1000
    assert yun.code("sms/batch_send", mobile=",".join(numbers(1001)), text=TEXT) == 2
    assert yun.code("sms/multi_send", mobile=f"{A},{B}", text=quote_plus(TEXT)) == 25

    world.register("yunpian", yun.apikey, multi_send=False)
    assert yun.code("sms/multi_send", mobile=A, text=quote_plus(TEXT)) == -6


def test_texts_are_matched_against_templates(yun: Any, world: World) -> None:
    """Once templates are registered, only a text that one of them can make passes."""
    world.register(
        "yunpian",
        yun.apikey,
        templates=[{"id": "1", "content": "【示例】您好#name#，(#n#)元"}],
        limits={"any_day": 0},
    )

    data = yun.multi(
        {
            A: "【示例】您好张三，(5)元",
            B: "【示例】您好，(5)元",
            "13800000002": "【示例】您好李四，5元",
            "13800000003": "【示例】您好王\n五，(1)元",
        }
    )["data"]

    assert [d["code"] for d in data] == [0, 5, 5, 0]


def test_money_falls_by_parts(yun: Any, world: World) -> None:
    """The balance falls by parts times price, and a call that needs more than is left takes nothing."""
    world.register("yunpian", yun.apikey, balance="1.00", price="0.30")

    yun.single(A, "【示例】" + "长" * 67)
    assert yun.ok("user/get")["balance"] == 0.4
    assert yun.code("sms/batch_send", mobile=f"{A},{B}", text=TEXT) == 3
    assert world.accepted() == 1


def test_same_content_filters(yun: Any, clock: Any) -> None:
    """The same text to the same number: once in 30 s (8), three times in 5 minutes (9)."""
    codes = []
    for wait in (0, 29, 2, 40, 40, 300):
        clock.go(wait)
        codes.append(yun.single(A, TEXT)[1]["code"])

    assert codes == [0, 8, 0, 0, 9, 0]
    assert yun.single(A, TEXT + "！")[1]["code"] == 0


def test_a_number_twice_in_one_batch_meets_the_filter(yun: Any, world: World) -> None:
    """The second of two equal messages in one call is refused, a different text is not."""
    data = yun.ok(
        "sms/multi_send", mobile=f"{A},{A},{A}", text=",".join(map(quote_plus, [TEXT, TEXT, TEXT + "1"]))
    )["data"]

    assert [d["code"] for d in data] == [0, 8, 0]
    assert world.count(A) == 2
    assert [(d.phone, d.times) for d in world.doubled()] == [("+8613800000000", 2)]
    assert world.doubled(same_text=True) == []


@pytest.mark.parametrize(
    ("text", "step", "codes"),
    [
        ("【示例】您的验证码是{}", 60, [0, 0, 0, 22]),
        ("【示例】您的验证码是{}", 3700, [0] * 10 + [17]),
        ("【示例】通知", 3700, [0] * 5 + [17]),
        ("【示例】通知{}", 60, [0] * 30 + [17]),
    ],
    ids=["codes an hour", "codes a day", "same a day", "any a day"],
)
def test_limits_of_a_number(yun: Any, clock: Any, text: str, step: int, codes: list[int]) -> None:
    """Verification codes and other texts have their own limits by the hour and the day."""
    met = []
    for number in range(len(codes)):
        met.append(yun.single(A, text.format(number))[1]["code"])
        clock.go(step)

    assert met == codes


def test_same_verification_template_within_30_s(yun: Any, world: World, clock: Any) -> None:
    """One verification template goes to one number once in 30 s, whatever the code."""
    world.register(
        "yunpian", yun.apikey, templates=[{"id": "1", "content": "【示例】验证码#c#", "kind": "verification"}]
    )

    assert yun.single(A, "【示例】验证码1")[1]["code"] == 0
    assert yun.single(A, "【示例】验证码2")[1]["code"] == 33
    clock.go(31)
    assert yun.single(A, "【示例】验证码3")[1]["code"] == 0


def test_limits_can_be_switched_off(yun: Any, world: World) -> None:
    """An account may have no filter at all, so nobody may rely on it; a combined cap gives 53."""
    world.register(
        "yunpian", yun.apikey, limits={"same_30s": 0, "same_5min": 0, "same_day": 0, "any_minute": 7}
    )

    assert [yun.single(A, TEXT)[1]["code"] for _ in range(8)] == [0] * 7 + [53]


def test_calls_per_second(yun: Any, world: World, clock: Any) -> None:
    """Calls beyond the account's rate get -5 until the second is over."""
    world.register("yunpian", yun.apikey, requests_per_second=2)

    assert [yun("user/get")[0] for _ in range(3)] == [200, 200, 400]
    assert yun.code("user/get") == -5
    clock.go(1)
    assert yun("user/get")[0] == 200


@pytest.mark.parametrize(
    "texts",
    [
        ["【示例】a", "【示例】b【"],
        ["【示例】a", "b【示例】】"],
        ["【示例】a", "【示例b】】"],
        ["【】a", "【】b"],
        ["【示例a", "【示例b"],
        ["【示例】a", "【示例】" + "长" * 500],
        ["【示例】a", f"【示例】b{SEPARATOR}【示例】"],
    ],
)
def test_many_are_judged_as_one_is(yun: Any, world: World, texts: list[str]) -> None:
    """Texts that only look alike from a distance are refused one by one, as single sends are."""
    together = [d["code"] for d in yun.multi(dict(zip((A, B), texts, strict=True)))["data"]]
    world.reset()
    alone = [yun.single(m, t)[1]["code"] for m, t in zip((A, B), texts, strict=True)]

    assert together == alone
    assert any(together)


@pytest.mark.parametrize("scope", ["call", "item"])
@pytest.mark.parametrize("code", [int(c) for c in answers("yunpian") if c != "0"])
def test_every_code_can_be_forced(
    yun: Any, world: World, plan: Callable[..., None], code: int, scope: str
) -> None:
    """Each documented code comes on demand, for a call or for a number in a batch; nothing is taken."""
    plan(faults=[{"kind": "code", "code": code, "scope": scope, "rate": 1}])

    if scope == "call":
        status, answer = yun.single(A, TEXT)
        assert (status, answer["code"], answer["msg"]) == (400, code, words("yunpian", str(code)))
    else:
        entry = yun.ok("sms/batch_send", mobile=A, text=TEXT)["data"][0]
        assert (entry["code"], entry["mobile"], "sid" in entry) == (code, A, False)
    assert world.accepted() == 0


def test_a_code_nobody_documented_can_be_forced(yun: Any, plan: Callable[..., None]) -> None:
    """An unknown code comes through, since clients must cope with one."""
    plan(faults=[{"kind": "code", "code": 777, "rate": 1}])

    assert yun.code("sms/single_send", mobile=A, text=TEXT) == 777
