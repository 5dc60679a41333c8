"""The world in-process: accounts, the judge, replies, and what it forgets."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from smskit.errors import InputError
from smskit.simulator import Account, FaultPlan, World

KEY = "0" * 32
A, B = 8613800000000, 8613800000001


def _account(world: World, key: str = KEY, provider: str = "yunpian") -> Account:
    account = world.account(provider, key)
    assert account is not None
    return account


def test_an_open_provider_takes_any_plausible_credential(world: World) -> None:
    """Without registered accounts every plausible credential has one of its own; others have none."""
    assert _account(world) is _account(world)
    assert _account(world) is not _account(world, "1" * 32)
    assert world.account("yunpian", "x", plausible=False) is None


def test_registering_closes_a_provider_only(world: World) -> None:
    """One registered account shuts out other credentials there, not at other providers."""
    world.register("yunpian", KEY)

    assert world.account("yunpian", "1" * 32) is None
    assert world.account("aliyun", "anything") is not None


def test_settings_for_anybody(world: World) -> None:
    """The credential ``*`` settles what anybody gets and leaves the provider open."""
    world.register("yunpian", "*", signatures=["示例"], price="0.1")

    assert list(_account(world, "1" * 32).signatures or {}) == ["示例"]


@pytest.mark.parametrize(
    ("settings", "named"),
    [({"signature": []}, "signature"), ({"price": "x"}, "price"), ({"limits": {"same": 1}}, "limits.same")],
)
def test_unknown_settings_are_refused(world: World, settings: dict[str, Any], named: str) -> None:
    """A misspelt or impossible setting is refused by name."""
    with pytest.raises(InputError, match=named):
        world.register("yunpian", KEY, **settings)


def test_the_judge_counts_by_provider_and_phone(world: World) -> None:
    """Counts and doubles are kept by provider and phone, over all its accounts."""
    world.accept(_account(world), [A, B], "x", parts=2)
    world.accept(_account(world, "1" * 32), [A], "y", parts=1)
    world.accept(_account(world, "k", "aliyun"), [A], "x", parts=1)

    assert (world.accepted(), world.accepted("yunpian"), world.phones("yunpian")) == (4, 3, 2)
    assert (world.count("13800000000"), world.count("+8613800000000", "yunpian")) == (3, 2)
    assert [tuple(d) for d in world.doubled()] == [("yunpian", "+8613800000000", 2)]
    assert world.doubled(same_text=True) == world.doubled("aliyun") == []
    assert world.summary() == {
        "accepted": 4,
        "phones": 3,
        "doubled": 1,
        "providers": {
            "aliyun": {"accepted": 1, "phones": 1, "doubled": 0, "spent": "0.05"},
            "yunpian": {"accepted": 3, "phones": 2, "doubled": 1, "spent": "0.15"},
        },
        "injected": {},
        "seed": 0,
    }


def test_ids_are_never_given_twice(clock: Any) -> None:
    """Ids count up, and a world begun later starts above all that an earlier one gave."""
    first = World(clock=clock)
    given = [first.accept(_account(first), [A + n], "x", parts=1).first_sid for n in range(3)]
    clock.go(1)
    second = World(clock=clock)

    assert given == [given[0], given[0] + 1, given[0] + 2]
    assert second.accept(_account(second), [A], "x", parts=1).first_sid > given[-1]


def test_a_reply_needs_a_message(world: World) -> None:
    """Somebody nobody wrote to cannot reply."""
    with pytest.raises(InputError, match="nobody sent"):
        world.reply("13800000000", "TD")


def test_messages_keep_the_receipts_they_were_promised(world: World, clock: Any) -> None:
    """A new fault plan does not change what becomes of messages accepted before."""
    world.set_faults(FaultPlan.parse({"receipts": {"fail_rate": 1}}))
    world.accept(_account(world), [A], "x", parts=1)
    world.set_faults(FaultPlan())
    world.accept(_account(world), [B], "x", parts=1)
    clock.go(60)
    taken = world.take(_account(world), "receipts", 10)

    assert {due.message.phone: due.delivered for due in taken} == {A: False, B: True}


def test_reset_forgets_everything_but_the_plan(world: World) -> None:
    """After a reset nothing was accepted, nobody is registered, and the plan is in force."""
    world.set_faults(FaultPlan(seed=9))
    world.register("yunpian", KEY)
    world.accept(_account(world), [A], "x", parts=1)

    world.reset()

    assert world.summary() == {
        "accepted": 0,
        "phones": 0,
        "doubled": 0,
        "providers": {},
        "injected": {},
        "seed": 9,
    }
    assert world.account("yunpian", "1" * 32) is not None


def test_threads_lose_nothing(world: World) -> None:
    """Acceptances from many threads all count, each with ids of its own."""
    sids: list[int] = []

    def send(offset: int) -> None:
        for n in range(300):
            phones = [A + offset * 10_000 + n * 2, A + offset * 10_000 + n * 2 + 1]
            sids.append(world.accept(_account(world), phones, "x", parts=2).first_sid)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert world.accepted() == world.phones() == 2400
    assert len(set(sids)) == 1200


def test_no_key_shows_in_a_repr(world: World) -> None:
    """An account's key and secret stay out of its repr."""
    account = world.register("aliyun", "LTAIkey", secret="hush")

    assert "LTAIkey" not in repr(account)
    assert "hush" not in repr(account)
