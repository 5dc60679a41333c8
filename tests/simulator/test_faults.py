"""Fault plans: what they refuse, that they repeat, and each kind as the client meets it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from smskit.errors import InputError
from smskit.simulator import FaultPlan, World
from smskit.simulator.faults import Faults, Tally, Target, draw

A, TEXT = "13800000000", "【示例】你好"


def numbers(count: int) -> list[str]:
    return [str(13_800_000_000 + n) for n in range(count)]


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ({"fault": []}, "fault"),
        ({"faults": [{"kind": "explode", "rate": 1}]}, "explode"),
        ({"faults": [{"kind": "slow", "rate": 1, "status": 500}]}, "status"),
        ({"faults": [{"kind": "slow"}]}, "rate or count"),
        ({"faults": [{"kind": "slow", "rate": 1.5}]}, "rate"),
        ({"receipts": {"delay_s": [3, 1]}}, "low first"),
        ({"receipts": {"fail_codes": []}}, "fail_codes"),
        ({"replies": {"texts": [], "rate": 1}}, "texts"),
        ([1], "plan"),
    ],
)
def test_a_plan_refuses_what_it_does_not_know(data: Any, named: str) -> None:
    """Unknown keys and impossible values are refused by name."""
    with pytest.raises(InputError, match=named):
        FaultPlan.parse(data)


@pytest.mark.parametrize(
    "text",
    [
        "seed: 7\nfaults:\n  - {kind: code, code: 10, scope: item, rate: 0.5}\n",
        '{"seed": 7, "faults": [{"kind": "code", "code": 10, "scope": "item", "rate": 0.5}]}',
    ],
    ids=["yaml", "json"],
)
def test_a_plan_is_read_from_a_file(tmp_path: Path, text: str) -> None:
    """YAML and JSON files give the same plan."""
    path = tmp_path / "faults.yaml"
    path.write_text(text, encoding="utf-8")

    plan = FaultPlan.load(path)

    assert plan.seed == plan.receipts.seed == 7
    assert plan.faults[0].kind == "code"


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """Missing files, broken YAML and bad keys name the file."""
    broken = tmp_path / "broken.yaml"
    broken.write_text("faults: [", encoding="utf-8")
    bad = tmp_path / "bad.yaml"
    bad.write_text("seeds: 1", encoding="utf-8")

    for path in (tmp_path / "none.yaml", broken, bad):
        with pytest.raises(InputError, match=path.name):
            FaultPlan.load(path)


def test_dice_are_fair_and_repeat() -> None:
    """Draws over neighbouring phones are spread evenly, and equal for equal seeds only."""
    draws = [draw(7, 13, 8613800000000 + n) for n in range(20_000)]

    assert abs(sum(d < 0.1 for d in draws) / 20_000 - 0.1) < 0.01
    assert draws[:100] == [draw(7, 13, 8613800000000 + n) for n in range(100)]
    assert draws[:100] != [draw(8, 13, 8613800000000 + n) for n in range(100)]


def test_skip_count_and_endpoint_choose_the_calls() -> None:
    """Of the calls to one endpoint, the first are let pass and then only so many are struck."""
    plan = FaultPlan.parse(
        {
            "faults": [
                {"kind": "throttle", "count": 2, "skip": 1, "endpoint": "get_record", "provider": "yunpian"}
            ]
        }
    )
    faults = Faults(plan, Tally())

    def struck(provider: str, endpoint: str) -> bool:
        return faults.before(Target(provider, endpoint, False))[1] is not None

    assert not struck("aliyun", "get_record")
    assert not struck("yunpian", "single_send")
    assert [struck("yunpian", "get_record") for _ in range(5)] == [False, True, True, False, False]


def test_without_an_endpoint_only_sending_is_struck() -> None:
    """A fault that names no endpoint leaves balance and record queries alone; ``*`` does not."""
    sends = Faults(FaultPlan.parse({"faults": [{"kind": "throttle", "rate": 1}]}), Tally())
    every = Faults(FaultPlan.parse({"faults": [{"kind": "throttle", "rate": 1, "endpoint": "*"}]}), Tally())

    assert sends.before(Target("yunpian", "user_get", False))[1] is None
    assert sends.before(Target("yunpian", "single_send", True))[1] is not None
    assert every.before(Target("yunpian", "user_get", False))[1] is not None


def _send(yun: Any, mobile: str = A, **options: Any) -> httpx.Response:
    return yun.http.post(
        "/v2/sms/single_send.json", data={"apikey": yun.apikey, "mobile": mobile, "text": TEXT}, **options
    )


@pytest.mark.parametrize(("kind", "accepted"), [("drop_before_accept", 0), ("drop_after_accept", 1)])
def test_dropped_connections(
    yun: Any, world: World, plan: Callable[..., None], kind: str, accepted: int
) -> None:
    """The connection closes without an answer, before or after the message was taken."""
    plan(faults=[{"kind": kind, "count": 1}])

    with pytest.raises(httpx.RemoteProtocolError):
        _send(yun)
    assert world.accepted() == accepted
    assert world.tally.as_dict() == {kind: {"calls": 1, "messages": accepted}}
    assert _send(yun, "13800000001").status_code == 200  # the count is used up


def test_hang_after_accept(yun: Any, world: World, plan: Callable[..., None]) -> None:
    """The message is taken and the answer comes too late for the client."""
    plan(faults=[{"kind": "hang_after_accept", "count": 1, "seconds": 30}])

    with pytest.raises(httpx.ReadTimeout):
        _send(yun, timeout=httpx.Timeout(60, read=2))
    assert world.accepted() == 1


def test_a_short_hang_ends_in_the_answer(yun: Any, plan: Callable[..., None]) -> None:
    """A client that waits longer than the hang gets the true answer."""
    plan(faults=[{"kind": "hang_after_accept", "count": 1, "seconds": 0.05}])

    assert _send(yun).json()["code"] == 0


@pytest.mark.parametrize(("kind", "accepted"), [("http_error", 0), ("http_error_after_accept", 1)])
def test_http_errors(yun: Any, world: World, plan: Callable[..., None], kind: str, accepted: int) -> None:
    """An HTML page with the status comes instead of an answer."""
    plan(faults=[{"kind": kind, "count": 1, "status": 503, "body": "<p>busy</p>"}])

    answer = _send(yun)

    assert (answer.status_code, answer.text) == (503, "<p>busy</p>")
    assert answer.headers["content-type"].startswith("text/html")
    assert world.accepted() == accepted


@pytest.mark.parametrize("kind", ["non_json_after_accept", "truncated_json_after_accept"])
def test_unreadable_answers(yun: Any, world: World, plan: Callable[..., None], kind: str) -> None:
    """HTTP 200 comes with a whole body that is not JSON, though the message was taken."""
    plan(faults=[{"kind": kind, "count": 1}])

    answer = _send(yun)

    assert answer.status_code == 200
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(answer.content)
    assert world.accepted() == 1


def test_after_faults_wait_for_an_accepted_call(yun: Any, world: World, plan: Callable[..., None]) -> None:
    """A refused call does not use up a fault that is to strike after acceptance."""
    plan(faults=[{"kind": "drop_after_accept", "count": 1}])

    assert _send(yun, "123").json()["code"] == 2
    with pytest.raises(httpx.RemoteProtocolError):
        _send(yun)


def test_refused_calls(yun: Any, world: World, plan: Callable[..., None]) -> None:
    """A forced code refuses the whole call; a throttle is the provider's own; nothing is taken."""
    plan(faults=[{"kind": "code", "code": 3, "count": 1}, {"kind": "throttle", "count": 1}])

    assert [_send(yun).json()["code"] for _ in range(3)] == [3, -5, 0]
    assert world.tally.as_dict() == {
        "code": {"calls": 1, "messages": 0},
        "throttle": {"calls": 1, "messages": 0},
    }


def test_a_number_is_refused_for_ever(yun: Any, world: World, plan: Callable[..., None]) -> None:
    """A fault for numbers strikes the calls that hold one, or the number in them, each time."""
    first, second, third = numbers(3)
    plan(faults=[{"kind": "code", "code": -51, "phones": [first]}])
    calls = [_send(yun, mobile).json()["code"] for mobile in (first, second, first)]
    batch = yun.multi(dict.fromkeys((second, third), TEXT))["data"]
    plan(faults=[{"kind": "code", "code": 10, "scope": "item", "phones": [first]}])
    items = yun.multi(dict.fromkeys((first, third), TEXT))["data"]

    assert calls == [-51, 0, -51]
    assert [item["code"] for item in batch if item["mobile"] == third] == [0]
    assert items[0]["code"] == 10
    assert items[1]["code"] != 10


def test_refused_items(yun: Any, world: World, plan: Callable[..., None]) -> None:
    """A share of a batch is refused number by number, the others are taken, and it is counted."""
    plan(seed=5, faults=[{"kind": "code", "code": 10, "scope": "item", "rate": 0.2}])

    data = yun.multi(dict.fromkeys(numbers(200), TEXT))["data"]

    refused = [d["mobile"] for d in data if d["code"] == 10]
    assert [d["mobile"] for d in data] == numbers(200)
    assert 20 < len(refused) < 60
    assert world.accepted() == 200 - len(refused)
    assert world.tally.as_dict() == {"code": {"calls": 0, "messages": len(refused)}}


def test_a_number_refused_once_may_pass_the_next_time(yun: Any, plan: Callable[..., None]) -> None:
    """The try is part of the draw, so retrying what was refused converges."""
    plan(seed=5, faults=[{"kind": "code", "code": -50, "scope": "item", "rate": 0.5}])
    left = numbers(64)
    rounds = 0
    while left and rounds < 20:
        data = yun.multi(dict.fromkeys(left, TEXT))["data"]
        left = [d["mobile"] for d in data if d["code"]]
        rounds += 1

    assert left == []
    assert rounds > 2


def test_slow_calls_and_latency(yun: Any, world: World, plan: Callable[..., None]) -> None:
    """Slow adds to what follows, and latency is added to every endpoint."""
    plan(
        latency_s=0.05,
        faults=[{"kind": "slow", "count": 1, "seconds": 0.1}, {"kind": "throttle", "count": 1}],
    )

    slow = _send(yun)
    quick = yun.raw("user/get")

    assert slow.json()["code"] == -5
    assert slow.elapsed.total_seconds() > 0.15
    assert quick.elapsed.total_seconds() > 0.05
    assert world.tally.as_dict()["slow"]["calls"] == 1


def test_a_pull_cut_off_loses_what_it_deleted(
    yun: Any, world: World, clock: Any, plan: Callable[..., None]
) -> None:
    """The answer breaks off after the receipts were deleted; the next pull does not have them."""
    plan(receipts={"cut_after_pop": 1, "delay_s": [1, 1]})
    _send(yun)
    clock.go(2)

    with pytest.raises(httpx.RemoteProtocolError):
        yun.raw("sms/pull_status")
    assert yun.ok("sms/pull_status") == []
    assert world.tally.as_dict() == {"cut_after_pop": {"calls": 1, "messages": 1}}


def test_receipts_fail_vanish_and_double_by_plan(yun: Any, clock: Any, plan: Callable[..., None]) -> None:
    """Shares of failed, missing and doubled receipts are as asked, and records agree with receipts."""
    plan(
        seed=11,
        receipts={
            "fail_rate": 0.3,
            "fail_codes": ["X:1"],
            "missing_rate": 0.2,
            "double_rate": 0.1,
            "shuffle": True,
        },
    )
    yun.multi(dict.fromkeys(numbers(500), TEXT))
    clock.go(60)

    receipts: list[Any] = []
    while page := yun.ok("sms/pull_status", page_size=100):
        receipts += page
    by_mobile = {r["mobile"]: r for r in receipts}
    failed = [m for m, r in by_mobile.items() if r["report_status"] == "FAIL"]

    assert 350 < len(by_mobile) < 450
    assert 80 < len(failed) < 160
    assert 20 < len(receipts) - len(by_mobile) < 70
    assert {by_mobile[m]["error_msg"] for m in failed} == {"X:1"}
    for mobile in numbers(20):
        record = yun.ok(
            "sms/get_record", mobile=mobile, start_time="2026-01-01 00:00:00", end_time="2026-01-02 00:00:00"
        )[0]
        receipt = by_mobile.get(mobile)
        assert record["report_status"] == (receipt["report_status"] if receipt else "UNKNOWN")


@pytest.mark.parametrize(("seeds", "same"), [((3, 3), True), ((3, 4), False)])
def test_a_seed_repeats_a_run(seeds: tuple[int, int], same: bool) -> None:
    """Equal seeds refuse, fail and answer the same people in whatever order they are sent to."""

    def run(seed: int, order: list[str]) -> tuple[set[str], set[str], set[tuple[int, str]]]:
        plan = FaultPlan.parse(
            {
                "seed": seed,
                "faults": [{"kind": "code", "code": 10, "scope": "item", "rate": 0.1}],
                "receipts": {"fail_rate": 0.3},
                "replies": {"rate": 0.3},
            }
        )
        code = Faults(plan, Tally()).items(Target("yunpian", "multi_send", True))
        assert code is not None
        phones = [8600000000000 + int(m) for m in order]
        replies = ((p, plan.replies.reply(p, 0.0)) for p in phones)
        outcomes = ((p, plan.receipts.outcome(p, 0.0)) for p in phones)
        return (
            {str(p) for p in phones if code(p)},
            {str(p) for p, o in outcomes if o and not o.delivered},
            {(p, r[1]) for p, r in replies if r},
        )

    first, second = run(seeds[0], numbers(500)), run(seeds[1], numbers(500)[::-1])

    assert (first == second) is same
    assert all(first)


def test_call_faults_repeat_by_their_running_number() -> None:
    """The same seed strikes the same ones of a row of calls."""

    def struck(seed: int) -> list[bool]:
        faults = Faults(
            FaultPlan.parse({"seed": seed, "faults": [{"kind": "throttle", "rate": 0.3}]}), Tally()
        )
        return [faults.before(Target("yunpian", "single_send", True))[1] is not None for _ in range(200)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 40 < sum(struck(1)) < 80
