"""What a campaign keeps to be measured: columns, whom its holdout would have, keys, the first window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import smskit
from smskit.errors import SegmentError
from smskit.ledger import Ledger
from smskit.models import VALUE, Mode, Reason
from smskit.planning.policy import fingerprint, held_back
from smskit.reporting import frames
from smskit.reporting.columns import SegmentColumns
from smskit.sending.rehearsal import erase
from tests.test_measure import codes, measured
from tests.two_arms import DAY, FIRST, World, left_out

PEOPLE = 600
HELLO = {"campaign": "hello", "signature": "GrowingIO", "template": "大家好，拒收请回复R", "holdout": 0.3}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A ledger of one's own."""
    return World(tmp_path)


@pytest.fixture
def frame() -> pd.DataFrame:
    """A segment: some rows are copies or have no number."""
    return pd.DataFrame(
        {
            "user_id": [f"u{n}" for n in range(PEOPLE)],
            "phone": [f"138{n:08d}" for n in range(PEOPLE - 20)] + [""] * 20,
            "level": ["gold", "silver", None] * (PEOPLE // 3),
            "spend": np.arange(PEOPLE) % 5,
        }
    )


def test_rehearsed_and_measured(world: World, frame: pd.DataFrame) -> None:
    """The whole way: planned with kept columns, rehearsed, measured by them though the segment is gone."""
    campaign = smskit.open_campaign(
        HELLO, frame=frame, keep=["level", "spend"], mode="rehearse", ledger=world.ledger
    )
    campaign.send()
    row = world.ledger.campaigns.get("hello", Mode.REHEARSE)
    assert row is not None
    treated, held = world.arms(row)
    who = treated[::3] + held[::9]
    table = world.table(
        user_id=who, at=[pd.Timestamp(world.now + DAY, unit="s", tz="UTC").isoformat()] * len(who)
    )
    found = measured(world, "hello", table, at=world.now + 30 * DAY, by="level")
    levels = dict(zip(frame["user_id"], frame["level"].fillna(""), strict=True))

    assert found.segments is not None
    assert {r.value: r.treated_people for r in found.segments} == dict(
        pd.Series(treated).map(levels).value_counts()
    )
    assert {r.value: r.holdout_people for r in found.segments} == dict(
        pd.Series(held).map(levels).value_counts()
    )
    assert codes(found) == ["rehearsal"]


def test_kept_columns_are_the_segments(frame: pd.DataFrame) -> None:
    """A column that is not there is said by name; those kept are not among the values of a text."""
    with pytest.raises(SegmentError, match="`keep` names column `city`"):
        smskit.open_campaign(HELLO, frame=frame, keep=["city"]).plan()
    plan = smskit.open_campaign(HELLO, frame=frame, keep="level").plan()
    bare = smskit.open_campaign(HELLO, frame=frame).plan()

    assert plan.hash == bare.hash
    assert list(plan.kept) == ["level"]


def test_exports_have_what_was_kept(world: World, frame: pd.DataFrame) -> None:
    """Columns beside the messages are those of the send, of everybody; others are read from the segment."""
    keep = ["level", "spend"]
    campaign = smskit.open_campaign(HELLO, frame=frame, keep=keep, mode="rehearse", ledger=world.ledger)
    campaign.send()
    row = world.ledger.campaigns.get("hello", Mode.REHEARSE)
    assert row is not None
    more = SegmentColumns(row, keep, environ={}, ledger=world.ledger)
    listed = pd.concat(list(frames.messages(world.ledger, row, more=more)))
    expected = frame.set_index("user_id").loc[listed["user_id"]]

    assert len(listed) == PEOPLE
    assert listed["level"].tolist() == expected["level"].fillna("").tolist()
    assert listed["spend"].tolist() == expected["spend"].astype(str).tolist()
    with pytest.raises(SegmentError):
        SegmentColumns(row, ["level", "name"], environ={}, ledger=world.ledger)


def test_whom_the_holdout_would_have(frame: pd.DataFrame) -> None:
    """Every excluded row knows it, whatever it is excluded for."""
    out = smskit.open_campaign(HELLO, frame=frame).plan().left_out()
    persons = out["person"].combine_chunks()

    assert set(np.asarray(out["reason"]).tolist()) == {Reason.NO_PHONE, Reason.HOLDOUT}
    assert (out["would_hold"].to_numpy() == held_back(persons, 0.3, key="hello")).all()


def test_erased_people_keep_nothing(world: World, frame: pd.DataFrame) -> None:
    """What was kept of a person goes with them, of both arms; the others' stays."""
    campaign = smskit.open_campaign(HELLO, frame=frame, keep=["level"], mode="rehearse", ledger=world.ledger)
    campaign.send()
    row = world.ledger.campaigns.get("hello", Mode.REHEARSE)
    assert row is not None
    treated, held = world.arms(row)
    gone = [next(p for p in side if int(p[1:]) % 3 == 0) for side in (treated, held)]
    for person in gone:
        erase(world.ledger, person)
    planned = world.ledger.audience.kept(row.id, 0)["level"].to_pylist()
    excluded = pa.concat_tables(world.ledger.audience.excluded(row.id))
    back = excluded.filter(pa.array(np.asarray(excluded["reason"]) == Reason.HOLDOUT))[VALUE + "level"]

    assert planned.count("gold") == sum(int(p[1:]) % 3 == 0 for p in treated) - 1
    assert back.to_pylist().count("gold") == sum(int(p[1:]) % 3 == 0 for p in held) - 1


def test_key_of_the_global_holdout(
    world: World, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its fingerprint is kept with the campaign, and the key is not to be read from it."""
    monkeypatch.setenv("SMSKIT_HOLDOUT_KEY", "pepper")
    smskit.open_campaign(HELLO, frame=frame, mode="plan", global_holdout=0.1, ledger=world.ledger).plan()
    smskit.open_campaign(HELLO | {"campaign": "bare"}, frame=frame, mode="plan", ledger=world.ledger).plan()
    kept = {row.name: row.holdout_key for row in world.ledger.campaigns.find()}

    assert kept == {"hello": fingerprint("pepper"), "bare": ""}
    assert fingerprint("pepper") != fingerprint("salt")
    assert "pepper" not in fingerprint("pepper")


def test_the_first_window_stays_known(world: World) -> None:
    """Another window than the first one is said, for whoever measures it next."""
    row = world.campaign("spring", 2_000, holdout=0.3)
    table = world.events(row, 60, 20)
    first, again, other = (measured(world, "spring", table, window=w) for w in ("14d", "14d", "7d"))

    assert "window_changed" not in codes(first) + codes(again)
    assert "window_changed" in codes(other)
    assert other.window is not None
    assert other.window.length == "7d"


def test_reasons_of_one_side_by_whom_the_holdout_would_have(world: World) -> None:
    """Only those reasons are named beside the alarm that took people from one arm rather than the other."""
    ids = pa.array([f"x{n}" for n in range(3_000)], pa.large_string())
    would = held_back(ids, 0.3, key="spring")
    treated, both = ids.filter(pa.array(~would)).slice(0, 400), ids.slice(2_500, 400)
    tables = []
    for people, reason in ((treated, Reason.FREQUENCY_CAP), (both, Reason.OPTED_OUT)):
        table = left_out(people, FIRST + 10**7 + np.arange(400), reason)
        tables.append(table.append_column("would_hold", pa.array(held_back(people, 0.3, key="spring"))))
    world.campaign("spring", 4_000, holdout=0.3, tampered=300, more_excluded=pa.concat_tables(tables))
    row = world.ledger.campaigns.get("spring", Mode.LIVE)
    assert row is not None
    refused = measured(world, "spring", world.events(row, 90, 20)).refused

    assert refused is not None
    assert "frequency cap" in refused.text
    assert "opted out" not in refused.text


def test_an_older_ledger_is_measured(tmp_path: Path) -> None:
    """A campaign that was sent by an older smskit has arms as well; what it did not keep is not made up."""
    from tests.test_migrations import restore

    ledger = Ledger(f"sqlite:///{restore(tmp_path)}")
    rows = [row for row in ledger.campaigns.find() if row.mode is Mode.LIVE]
    tables = [(row, pd.DataFrame({"user_id": ["u000001"], "at": ["2026-11-29"]})) for row in rows]
    for row, table in tables:
        table.to_csv(tmp_path / "t.csv", index=False)
        found = smskit.measure(row.name, tmp_path / "t.csv", time="at", ledger=ledger)
        assert found.refused is not None
    ledger.close()

    assert {row.holdout_key for row in rows} == {""}
    assert rows
