"""``smskit.planning.fingerprint``: one hash for a plan, whatever the order and the division of its rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from smskit.errors import LedgerDamaged, SmskitError
from smskit.ledger.schema import AUDIENCE
from smskit.ledger.seals import sealed
from smskit.message.template import Template
from smskit.planning import fingerprint
from smskit.planning import plan as plan_module
from smskit.planning.fingerprint import (
    BUCKETS,
    buckets_of,
    combined,
    digests,
    former_hash,
    hash_in_parts,
    plan_hash,
)
from smskit.sending.guards import demand_intact
from tests.test_campaign import Desk, start_and_stop
from tests.test_campaign import desk as desk
from tests.test_spool import no_room

TEMPLATE = Template.parse("你好{name}，{coupon}元", signature="云片")
N = 6_000


def columns(order: np.ndarray[Any, Any]) -> tuple[Any, pa.Array, dict[str, pa.Array]]:
    """N people whose rows stand in that order."""
    take = pa.array(order)
    phones = 8613000000000 + np.arange(N, dtype=np.int64) * 7919
    persons = pa.array([f"u{n}" for n in range(N)], pa.large_string())
    names = pa.array([f"用户{n % 11}" for n in range(N)], pa.large_string())
    coupons = pa.array([str(n % 90) for n in range(N)], pa.large_string())
    return phones[order], persons.take(take), {"name": names.take(take), "coupon": coupons.take(take)}


FORWARDS = np.arange(N)
SHUFFLED = np.random.default_rng(7).permutation(N)


@pytest.mark.parametrize("order", [FORWARDS, SHUFFLED], ids=["forwards", "shuffled"])
@pytest.mark.parametrize("parts", [1, 2, 5, 64])
def test_any_order_and_any_division_give_one_hash(order: np.ndarray[Any, Any], parts: int) -> None:
    """Digests of parts that hold whole buckets, in any number, come to the hash of the whole."""
    whole = plan_hash("yunpian", "", TEMPLATE, FORWARDS, *columns(FORWARDS))
    phones, persons, values = columns(order)
    part = buckets_of(phones) % parts
    found: dict[int, bytes] = {}
    for n in reversed(range(parts)):
        found |= digests(
            np.flatnonzero(part == n), phones, persons, [values[name] for name in TEMPLATE.names]
        )

    assert combined("yunpian", "", TEMPLATE, N, found) == whole
    assert whole.startswith("q")
    assert len(whole) == 25


@pytest.mark.parametrize("in_memory", [1, 1 << 16])
def test_a_full_disk_is_no_damage(desk: Desk, monkeypatch: pytest.MonkeyPatch, in_memory: int) -> None:
    """There is no room to sort the people in files: it is said, and the campaign goes on later."""
    start_and_stop(desk)
    row = desk.row()
    monkeypatch.setattr(fingerprint, "_IN_MEMORY", in_memory)
    with no_room():
        if in_memory > 1:
            demand_intact(desk.ledger, row)
        else:
            with pytest.raises(SmskitError, match=r"^cannot write /.*: File too large$") as caught:
                demand_intact(desk.ledger, row)
            assert type(caught.value) is SmskitError
    demand_intact(desk.ledger, row)

    assert desk.campaign(10).resume().books.accepted == 10


@pytest.mark.parametrize("order", [FORWARDS, SHUFFLED], ids=["forwards", "shuffled"])
@pytest.mark.parametrize(("rows", "together"), [(N, N), (1_000, 100), (7, 2_500)])
def test_people_who_come_some_after_another_have_the_same_hash(
    monkeypatch: pytest.MonkeyPatch, order: np.ndarray[Any, Any], rows: int, together: int
) -> None:
    """Sorted in memory or in files that nobody sees; none at all have the hash of nobody."""
    monkeypatch.setattr(fingerprint, "_TOGETHER", together)
    monkeypatch.setattr(fingerprint, "_IN_MEMORY", 1 << 16)
    phones, persons, values = columns(order)
    parts = (
        (phones[n : n + rows], persons[n : n + rows], {k: v[n : n + rows] for k, v in values.items()})
        for n in range(0, N, rows)
    )
    about = "yunpian", "", TEMPLATE

    assert hash_in_parts(*about, parts, about=N) == plan_hash(*about, FORWARDS, *columns(FORWARDS))
    assert hash_in_parts(*about, [], about=N) == plan_hash(*about, FORWARDS[:0], phones, persons, {})


def test_people_are_spread_over_all_buckets() -> None:
    """Numbers one after the other, as carriers hand them out, fill each bucket about equally."""
    counts = np.bincount(buckets_of(8613800000000 + np.arange(102_400, dtype=np.int64)), minlength=BUCKETS)

    assert counts.min() > 80
    assert counts.max() < 120


def test_no_sum_would_do() -> None:
    """What two people of one bucket are told may not be exchanged between them."""
    phones, persons, values = columns(FORWARDS)
    buckets = buckets_of(phones)
    one, other = np.flatnonzero(buckets == buckets[1])[:2]
    swapped = FORWARDS.copy()
    swapped[[one, other]] = other, one
    exchanged = values | {"coupon": values["coupon"].take(pa.array(swapped))}

    assert plan_hash("yunpian", "", TEMPLATE, FORWARDS, phones, persons, values) != plan_hash(
        "yunpian", "", TEMPLATE, FORWARDS, phones, persons, exchanged
    )


def test_a_campaign_frozen_before_is_checked_and_sent_as_then(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger's ``p…`` hash names its plan to the end: for a resume, for `plan_hash`, and against damage."""
    with monkeypatch.context() as older:
        older.setattr(plan_module, "plan_hash", former_hash)
        start_and_stop(desk)
    row = desk.row()
    outcome = desk.campaign(10, plan_hash=row.plan_hash).send()

    assert row.plan_hash.startswith("p")
    assert outcome.state == "finished"
    assert len(desk.sent()) == 10


def test_a_campaign_frozen_before_that_was_changed_is_not_sent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a ``p…`` hash, too, other people than were planned are damage."""
    with monkeypatch.context() as older:
        older.setattr(plan_module, "plan_hash", former_hash)
        start_and_stop(desk)
    row, before = desk.row(), desk.sent()
    with desk.ledger.database.write() as conn:
        phones = (8613900000000 + np.arange(10, dtype=np.int64)).tobytes()
        persons = conn.execute(AUDIENCE.select()).one().persons
        blobs = {"phones": phones, "persons": persons}
        conn.execute(AUDIENCE.update().values(sealed(AUDIENCE, row.id, 0, blobs)))
    with pytest.raises(LedgerDamaged):
        desk.campaign(10).send()

    assert desk.sent() == before
