"""Pushed receipts and replies, received by a small server of our own."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import orjson
import pytest

from smskit.simulator import World, yunpian
from smskit.simulator.push import Pusher, is_loopback_url
from smskit.simulator.yunpian.read import sign
from tests.simulator.conftest import Receiver

A, B = "13800000000", "13800000001"
TEXT = "【示例】你好"
TAKEN = b"SUCCESS"


def field(receiver: Receiver) -> tuple[str, Any]:
    """The name and the content of what was pushed last."""
    ((name, (value,)),) = parse_qs(receiver.bodies[-1].decode()).items()
    return name, orjson.loads(value)


@pytest.fixture
def pusher(world: World) -> Pusher:
    return Pusher(world, {"yunpian": yunpian.PUSHES})


def _send(world: World, mobile: str = A, **fields: Any) -> Any:
    account = world.account("yunpian", "0" * 32)
    assert account is not None
    world.accept(account, [8600000000000 + int(mobile)], TEXT, parts=1, **fields)
    return account


def test_the_signature_vector() -> None:
    """The documents' own example gives the documents' own digest."""
    reply = {
        "base_extend": "8888",
        "extend": "01",
        "id": "2a70c6bb4f2845da816ea1bfe5732747",
        "mobile": "15205201314",
        "reply_time": "2014-03-17 22:55:21",
        "text": "收到了，谢谢！",
        "_sign": None,
    }

    assert sign(reply, "0000") == "393d079e0a00912335adfe46f4a2e10f"


async def test_receipts_are_pushed_to_the_callback(
    world: World, clock: Any, pusher: Pusher, receiver: Receiver
) -> None:
    """Receipts of calls with a callback go there in one array, and not into the pull queue."""
    account = _send(world, A, receipt_url=receiver.url)
    _send(world, B, receipt_url=receiver.url)
    clock.go(10)

    await pusher.step()

    name, reports = field(receiver)
    assert (name, len(receiver.bodies)) == ("sms_status", 1)
    assert sorted((r["mobile"], r["report_status"]) for r in reports) == [(A, "SUCCESS"), (B, "SUCCESS")]
    assert world.take(account, "receipts", 10) == []
    assert await pusher.step() == 0


async def test_receipts_are_tried_again_five_minutes_apart(
    world: World, clock: Any, pusher: Pusher, receiver: Receiver
) -> None:
    """Without an acknowledgement there are three more tries and then none."""
    receiver.answer = b"no"
    _send(world, receipt_url=receiver.url)
    clock.go(10)
    tries = []
    for _ in range(6):
        await pusher.step()
        await pusher.step()
        tries.append(len(receiver.bodies))
        clock.go(300)

    assert tries == [1, 2, 3, 4, 4, 4]
    assert len(set(receiver.bodies)) == 1


async def test_a_zero_acknowledges_too(world: World, clock: Any, pusher: Pusher, receiver: Receiver) -> None:
    """The body 0 means taken."""
    receiver.answer = b"0"
    _send(world, receipt_url=receiver.url)
    clock.go(10)
    await pusher.step()
    clock.go(600)
    await pusher.step()

    assert len(receiver.bodies) == 1


async def test_replies_are_pushed_signed(world: World, pusher: Pusher, receiver: Receiver) -> None:
    """A reply goes to the account's address as one signed object."""
    world.register("yunpian", "0" * 32, reply_url=receiver.url)
    _send(world, extend="7")
    world.reply(A, "退订")

    await pusher.step()

    name, reply = field(receiver)
    assert (name, reply["text"], reply["extend"]) == ("sms_reply", "退订", "7")
    assert reply["_sign"] == sign(reply, "0" * 32)


async def test_pushes_can_be_encoded_twice(
    world: World, clock: Any, pusher: Pusher, receiver: Receiver
) -> None:
    """Some accounts see the value url-encoded once more than needed."""
    world.register("yunpian", "0" * 32, push_encoded_twice=True)
    _send(world, receipt_url=receiver.url)
    clock.go(10)
    await pusher.step()

    ((_, (value,)),) = parse_qs(receiver.bodies[0].decode()).items()
    assert value.startswith("%5B")
    assert orjson.loads(unquote_plus(value))[0]["mobile"] == A


async def test_only_loopback_is_contacted(world: World, clock: Any, pusher: Pusher) -> None:
    """A push to any other address is counted and not made."""
    _send(world, receipt_url="http://192.0.2.1/")
    clock.go(10)
    await pusher.step()

    assert world.tally.as_dict() == {"push_refused_not_loopback": {"calls": 1, "messages": 1}}


@pytest.mark.parametrize(
    ("url", "ok"),
    [
        ("http://127.0.0.1:8000/x", True),
        ("http://localhost/x", True),
        ("http://[::1]:80/", True),
        ("https://127.0.0.1/", False),
        ("http://127.0.0.1.example.com/", False),
        ("http://10.0.0.1/", False),
        ("http://[::1", False),
        ("http://127.0.0.1:99999/", False),
        ("", False),
    ],
)
def test_loopback_urls(url: str, ok: bool) -> None:
    """Only plain HTTP to this machine counts."""
    assert is_loopback_url(url) is ok


async def test_an_unreachable_receiver_is_tried_again(world: World, clock: Any, pusher: Pusher) -> None:
    """A refused connection counts as a failed try and hurts nobody."""
    _send(world, receipt_url="http://127.0.0.1:9/")
    clock.go(10)

    assert await pusher.step() == 1
    clock.go(300)
    assert await pusher.step() == 1


def test_a_running_simulator_pushes(yun: Any, clock: Any, receiver: Receiver) -> None:
    """Calls over HTTP with callback_url are pushed by the server itself."""
    yun.single(A, TEXT, callback_url=receiver.url)
    clock.go(10)
    for _ in range(3000):
        if receiver.bodies:
            break
        threading.Event().wait(0.02)

    assert field(receiver)[1][0]["mobile"] == A
