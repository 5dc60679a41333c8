"""``smskit.reporting.delivery``: every count against a plain recount over troubled campaigns."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumber, carrier

from smskit.audience.carriers import CARRIERS, carriers_of
from smskit.audience.phones import normalise_one
from smskit.errors import CampaignPaused, InputError, LedgerError
from smskit.ledger import CampaignRow, Change, Facts, Frozen, Ledger
from smskit.models import Kind, Mode, State
from smskit.reporting import frames
from smskit.reporting.delivery import (
    GROUPS,
    UNITS,
    Group,
    Survey,
    choose,
    explain_code,
    people_page,
    replies,
    settled_by,
    survey,
    timeline,
)
from smskit.sending.receipts import fetch
from smskit.settings import Environment
from smskit.simulator import FaultPlan, Simulator
from tests import live
from tests.profiles import examples

PEOPLE = 400
# Of all carriers, and some of no mainland one that anybody knows.
PREFIXES = ("1380", "1301", "1891", "1920", "1705", "1715", "1621", "1349", "1789", "1559")
BAD_NUMBER = {
    "yunpian": 22,
    "aliyun": "isv.BLACK_KEY_CONTROL_LIMIT",
    "chuanglan": "109",
    "tencent": "FailedOperation.PhoneNumberInBlacklist",
}


def sent(way: live.Way, folder: Path, simulator: Simulator, **more: Any) -> tuple[Ledger, CampaignRow]:
    """A campaign of this way, sent and asked about, with drops, refusals, failed and missing receipts."""
    environ = way.environ(simulator.url, folder)
    live.approve(simulator, way)
    source = live.segment(folder / "segment.csv", PEOPLE)
    frame = pd.read_csv(source, dtype=str)
    frame["phone"] = [PREFIXES[i % len(PREFIXES)] + f"{i:07d}" for i in range(PEOPLE)]
    frame.to_csv(source, index=False)
    faults = [
        {"kind": "drop_after_accept", "rate": 0.02},
        {"kind": "code", "code": BAD_NUMBER[way.provider], "scope": "item", "rate": 0.1},
    ]
    receipts = {"delay_s": [0, 0.1], "fail_rate": 0.2, "missing_rate": 0.1, "double_rate": 0.1}
    plan = {"seed": 7, "faults": faults, "receipts": receipts}
    simulator.world.set_faults(FaultPlan.model_validate(plan | more))
    campaign = live.campaign(live.data(way, source), environ)
    with contextlib.suppress(CampaignPaused):
        campaign.send()
    row = campaign.started()
    assert row is not None
    time.sleep(0.2)  # for the receipts
    fetch(campaign.ledger, [row], environment=Environment(environ))
    return campaign.ledger, row


@pytest.fixture(params=list(live.WAYS))
def told(
    request: pytest.FixtureRequest, tmp_path: Path, simulator: Simulator
) -> tuple[Ledger, CampaignRow, pd.DataFrame]:
    """A campaign, and its messages as a plain table."""
    ledger, row = sent(live.WAYS[request.param], tmp_path, simulator)
    table = pd.concat(frames.messages(ledger, row, reveal=True), ignore_index=True)
    return ledger, row, table[table["state"] != "excluded"]


def recount(table: pd.DataFrame, column: str) -> dict[Any, Counter[str]]:
    """People by a column and by state, counted one by one."""
    found: dict[Any, Counter[str]] = {}
    for key, state in zip(table[column], table["state"], strict=True):
        found.setdefault(key, Counter())[state] += 1
    return found


def test_every_table_is_what_a_recount_gives(told: tuple[Ledger, CampaignRow, pd.DataFrame]) -> None:
    """Groups, carriers, failures, time and unknowns are the counts one gets by going through the messages."""
    ledger, row, table = told
    counted, books = survey(ledger, row), ledger.audience.counts(row.id)
    table = table.assign(
        carrier=[CARRIERS[carriers_of(np.array([normalise_one(p)]))[0]] for p in table["phone"]],
        prefix=table["phone"].str[3:6],
    )
    states = Counter(table["state"])

    assert sum(counted.groups.values()) == books.planned == PEOPLE
    assert counted.groups[Group.DELIVERED] == states["delivered"] == books.delivered > 0
    assert counted.groups[Group.UNDELIVERED] == states["undelivered"] == books.undelivered > 0
    assert counted.groups[Group.UNKNOWN] == states["unknown"] == int(counted.unknown["people"].sum())
    for column, frame in (("carrier", counted.carriers), ("prefix", counted.prefixes)):
        _equal_by_state(frame, recount(table, column), column)
    _failures_are(counted, table)
    _time_is(counted, table, ZoneInfo("Asia/Shanghai"))
    _batches_are(counted, ledger, row)


def _equal_by_state(frame: pd.DataFrame, wanted: dict[Any, Counter[str]], column: str) -> None:
    found = frame.set_index(column)
    assert set(found.index) == set(wanted)
    for key, n in wanted.items():
        line = found.loc[key]
        got = n["delivered"] + n["undelivered"]
        assert line["planned"] == n.total()
        assert line["accepted"] == n["accepted"] + got
        assert (line["delivered"], line["undelivered"]) == (n["delivered"], n["undelivered"])
        assert (line["awaiting"], line["refused"], line["unknown"]) == (
            n["accepted"],
            n["refused"],
            n["unknown"],
        )
        assert line["waiting"] == n["waiting"] + n["submitting"]
        assert line["rate"] == pytest.approx(n["delivered"] / got) if got else np.isnan(line["rate"])


def _failures_are(counted: Survey, table: pd.DataFrame) -> None:
    bad = table[table["state"].isin(["refused", "undelivered"])]
    late = bad["state"] == "undelivered"
    wanted = Counter(zip(bad["state"], bad["receipt_code"].where(late, bad["provider_code"]), strict=True))
    found = counted.failures[counted.failures["stage"].isin(["refused", "undelivered"])]

    assert {(s, c): n for s, c, n in found[["stage", "code", "people"]].itertuples(index=False)} == wanted
    assert found["share"].tolist() == [n / PEOPLE for n in found["people"]]
    assert (found["meaning"] != "").all()
    assert (found["next_step"] != "").all()


def _time_is(counted: Survey, table: pd.DataFrame, zone: ZoneInfo) -> None:
    accepted = table[table["state"].isin(["accepted", "delivered", "undelivered"])]
    for unit in UNITS:
        found = counted.over_time.table(unit)
        wanted: dict[Any, Counter[str]] = {}
        floor = {"second": "s", "minute": "min", "hour": "h", "day": "D"}[unit]
        for at, came, state in accepted[["submitted_at", "receipt_at", "state"]].itertuples(index=False):
            clock = at.tz_convert(zone).tz_localize(None).floor(floor)
            wanted.setdefault(clock, Counter())["accepted"] += 1
            if state != "accepted":
                clock = max(at, came).tz_convert(zone).tz_localize(None).floor(floor)
                wanted.setdefault(clock, Counter())[state] += 1
        waits, lines = 0, []
        for clock in sorted(wanted):
            n = wanted[clock]
            waits += n["accepted"] - n["delivered"] - n["undelivered"]
            lines.append((clock, n["accepted"], n["delivered"], n["undelivered"], waits))

        assert list(found.itertuples(index=False, name=None)) == lines
        assert found["awaiting"].iloc[-1] == (table["state"] == "accepted").sum()
        assert (found["awaiting"] >= 0).all()


def _batches_are(counted: Survey, ledger: Ledger, row: CampaignRow) -> None:
    """Each request is a line; people who went again count where they went last."""
    sizes: list[tuple[float, int]] = []
    for chunk in ledger.audience.states(row.id):
        for event in ledger.audience.events(row.id, chunk):
            if event.kind == "claim":
                requests = event.facts.requests
                own = [0] * len(event.positions) if requests is None else requests
                assert not isinstance(own, int)
                sizes += [(event.at, n) for n in Counter(own).values()]
    found, books = counted.batches, ledger.audience.counts(row.id)
    outcome = found[["accepted", "refused", "unknown", "submitting", "later"]].sum(axis=1)

    assert sorted(zip(found["at"], found["people"], strict=True)) == sorted(sizes)
    assert (outcome == found["people"]).all()
    assert (found["accepted"] == found[["delivered", "undelivered", "awaiting"]].sum(axis=1)).all()
    assert found[["accepted", "unknown"]].sum().tolist() == [books.accepted, books.unknown]
    assert found["refused"].sum() == books.refused


@pytest.mark.parametrize(
    ("way", "most"), [pytest.param(live.SINGLES, 1, id="singles"), pytest.param(live.MULTI, 20, id="batches")]
)
def test_a_batch_is_one_request(way: live.Way, most: int, tmp_path: Path, simulator: Simulator) -> None:
    """Requests that were claimed in one transaction are told apart."""
    ledger, row = sent(way, tmp_path, simulator, faults=[])
    batches = survey(ledger, row).batches

    assert len(batches) == PEOPLE / most
    assert set(batches["people"]) == {most}


def test_pages_together_are_everybody(told: tuple[Ledger, CampaignRow, pd.DataFrame]) -> None:
    """Pages of a group, one after the other, are its people in send order, masked."""
    ledger, row, table = told
    for groups in (frozenset({Group.UNDELIVERED}), frozenset({Group.REFUSED, Group.DELIVERED})):
        wanted = table[table["state"].isin([str(g) for g in groups])]
        pages = [people_page(ledger, row, groups, first=n, size=23) for n in range(0, len(wanted) + 23, 23)]
        joined = pd.concat(pages, ignore_index=True)

        assert joined["user_id"].tolist() == wanted["user_id"].tolist()
        assert joined["phone"].str.fullmatch(r"1\d\d\*{4}\d{4}").all()
        assert len(pages[-1]) < 23


def test_pages_of_one_code(told: tuple[Ledger, CampaignRow, pd.DataFrame]) -> None:
    """For each line of the failures its people are found, exactly as many as it says."""
    ledger, row, _ = told
    for line in survey(ledger, row).failures.itertuples():
        page = people_page(ledger, row, [f"{line.stage}:{line.code}"], size=PEOPLE)

        assert len(page) == line.people
        assert set(page["receipt_code" if line.stage == "undelivered" else "provider_code"]) == {line.code}


def test_a_timeline_ends_where_the_books_are(told: tuple[Ledger, CampaignRow, pd.DataFrame]) -> None:
    """Each person's timeline ends in the state they are in, with the code that says why."""
    ledger, row, table = told
    for person in table.groupby("state").head(2).itertuples():
        steps = timeline(ledger, row, person.user_id)
        by_phone = timeline(ledger, row, person.phone)

        assert steps["state"].iloc[-1] == person.state
        assert steps.equals(by_phone)
        assert steps["code"].iloc[-1] == (person.receipt_code or person.provider_code)
    with pytest.raises(InputError, match=r"138\*{4}0000 was not planned"):
        timeline(ledger, row, "13888880000")


# -- what a run of the simulator does not bring about ------------------------------------------------


def stored(ledger: Ledger, phones: list[int], name: str = "c", mode: Mode = Mode.LIVE) -> CampaignRow:
    """A campaign over these phones."""
    kinds = {
        "person": pa.large_string(),
        "phone": pa.int64(),
        "shown": pa.large_string(),
        "reason": pa.uint8(),
    }
    empty = pa.table({name: pa.array([], kind) for name, kind in kinds.items()})
    n = len(phones)
    frozen = Frozen(
        np.array(phones, np.int64),
        pa.array([f"u{i}" for i in range(n)], pa.large_string()),
        {},
        np.ones(n, np.int16),
        empty,
        np.arange(n),
    )
    summary = {"template": "你好", "signature": "云片", "segment": n, "excluded": {}, "parts": n, "cost": "0"}
    spec = {"campaign": name, "timezone": "Asia/Shanghai"}
    return ledger.campaigns.freeze(
        name=name, mode=mode, provider="yunpian", plan_hash="p", spec=spec, summary=summary, frozen=frozen
    )


W, S, A, R, U, D, X = State


def apply(ledger: Ledger, row: CampaignRow, kind: Any, at: list[int], to: State, **facts: Any) -> None:
    change = Change(kind, 0, np.array(at, np.uint16), np.full(len(at), to, np.uint8), Facts(**facts))
    ledger.changes.apply(row.id, [change], token=None)


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[tuple[Ledger, list[float]]]:
    """A ledger and the clock it goes by."""
    now = [pd.Timestamp("2026-11-24T20:30", tz="Asia/Shanghai").timestamp()]
    made = Ledger(f"sqlite:///{tmp_path / 'timed.db'}", clock=lambda: now[0])
    yield made, now
    made.close()


def test_groups_say_who_refused(clock: tuple[Ledger, list[float]]) -> None:
    """Refused by the provider, stopped for an opt-out or a cap, given up by hand: four groups."""
    ledger, _ = clock
    row = stored(ledger, [8613800000000 + n for n in range(7)])
    apply(ledger, row, "opt_out", [0], R, reason="opted_out")
    apply(ledger, row, "frequency_cap", [1], R, reason="frequency_cap")
    apply(ledger, row, "claim", [2, 3, 4], S)
    apply(ledger, row, "outcome", [2], R, reason="refused", codes="22", details="13800000002 频率")
    apply(ledger, row, "outcome", [3, 4], U, reason="no_answer", details="time-out")
    apply(ledger, row, "settled", [3], R, reason="given_up")
    counted = survey(ledger, row)
    some = {g: n for g, n in counted.groups.items() if n}

    assert some == dict.fromkeys(
        (Group.REFUSED, Group.OPTED_OUT, Group.CAPPED, Group.GIVEN_UP, Group.UNKNOWN), 1
    ) | {Group.WAITING: 2}
    assert set(counted.failures["stage"]) == {"refused", "opted_out", "frequency_cap", "given_up"}
    assert "13800000002" not in counted.failures.to_csv()
    assert counted.unknown[["reason", "detail", "people"]].to_numpy().tolist() == [
        ["no_answer", "time-out", 1]
    ]
    for group in GROUPS:
        page = people_page(ledger, row, frozenset({group}))
        assert len(page) == counted.groups[group]


def test_time_is_that_of_the_campaign(clock: tuple[Ledger, list[float]]) -> None:
    """Days are days of the campaign's time zone; a receipt older than its message counts with the message."""
    ledger, now = clock
    start = now[0]  # 20:30 in Shanghai
    row = stored(ledger, [8613800000000, 8613800000001, 8613800000002])
    apply(ledger, row, "claim", [0, 1, 2], S)
    apply(ledger, row, "outcome", [0, 1, 2], A, ids="m")
    apply(ledger, row, "receipt", [0], D, codes="DELIVRD", times=start - 60)
    apply(ledger, row, "receipt", [1], X, codes="EXPIRED", times=start + 4 * 3600)
    by_day = survey(ledger, row).over_time.table("day")

    assert by_day["at"].dt.strftime("%m-%d").tolist() == ["11-24", "11-25"]
    assert by_day.drop(columns="at").to_numpy().tolist() == [[3, 1, 0, 2], [0, 0, 1, 1]]
    assert survey(ledger, row).over_time.unit == "hour"


def test_a_campaign_nobody_started(ledger: Ledger) -> None:
    """Before anything happened all tables are there, and empty where there is nothing to say."""
    counted = survey(ledger, stored(ledger, [8613800000000]))
    nobody = survey(ledger, stored(ledger, [], "empty"))

    assert counted.groups[Group.WAITING] == 1
    for each in (counted, nobody):
        assert (
            len(each.over_time.table()) == len(each.failures) == len(each.batches) == len(each.unknown) == 0
        )
        assert len(people_page(ledger, stored(ledger, [], "empty"))) == 0
    assert counted.carriers["rate"].isna().all()


@settings(max_examples=examples(20))  # each has a database of its own
@given(st.lists(st.sampled_from(list(Group)), min_size=1, max_size=40), st.integers(1, 7))
def test_pages_never_lose_anybody(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[Group], size: int
) -> None:
    """Whoever is in whatever group, page by page everybody comes exactly once."""
    ledger = Ledger(f"sqlite:///{tmp_path_factory.mktemp('l') / 'l.db'}")
    row = stored(ledger, [8613800000000 + n for n in range(len(wanted))])
    places = {g: [i for i, w in enumerate(wanted) if w is g] for g in Group}
    sent = [i for i, w in enumerate(wanted) if w not in (Group.WAITING, Group.OPTED_OUT, Group.CAPPED)]
    apply(ledger, row, "claim", sent, S)
    for group, state in ((Group.OPTED_OUT, "opt_out"), (Group.CAPPED, "frequency_cap")):
        apply(ledger, row, state, places[group], R, reason=str(group))
    apply(ledger, row, "outcome", places[Group.UNKNOWN] + places[Group.GIVEN_UP], U, reason="no_answer")
    apply(ledger, row, "settled", places[Group.GIVEN_UP], R, reason="given_up")
    apply(ledger, row, "outcome", places[Group.REFUSED], R, reason="refused")
    taken = places[Group.AWAITING] + places[Group.DELIVERED] + places[Group.UNDELIVERED]
    apply(ledger, row, "outcome", taken, A)
    apply(ledger, row, "receipt", places[Group.DELIVERED], D)
    apply(ledger, row, "receipt", places[Group.UNDELIVERED], X)
    counted = survey(ledger, row).groups
    shown = [
        people_page(ledger, row, frozenset({group}), first=first, size=size)["user_id"].tolist()
        for group in Group
        for first in range(0, counted[group], size)
    ]
    ledger.close()

    assert counted == Counter(wanted) | {g: 0 for g in Group if g not in wanted}
    assert sorted(itertools.chain.from_iterable(shown)) == sorted(f"u{i}" for i in range(len(wanted)))


# -- carriers, codes, choice, replies -----------------------------------------------------------------


def test_segments_agree_with_libphonenumber() -> None:
    """Where the library names a carrier for four digits, ours is the same, or a virtual operator."""
    names = {
        "中国移动": "China Mobile",
        "中国联通": "China Unicom",
        "中国电信": "China Telecom",
        "中国广电": "China Broadnet",
    }
    fours = np.arange(1300, 2000)
    ours = [CARRIERS[c] for c in carriers_of(86 * 10**11 + fours * 10**7 + 1234567)]
    theirs = [
        carrier.name_for_number(PhoneNumber(country_code=86, national_number=int(n) * 10**7 + 1234567), "zh")
        for n in fours
    ]
    differ = {
        int(four): (our, their)
        for four, our, their in zip(fours, ours, theirs, strict=True)
        if their and names[their] != our and our != "virtual operators"
    }

    # 1610 is given to 中国广电 there alone, 1740 is half satellite.
    assert differ == {1610: ("other segments", "中国广电")}
    assert {f // 10 for f, our in zip(fours.tolist(), ours, strict=True) if our == "virtual operators"} == {
        162,
        165,
        167,
        170,
        171,
    }


def test_foreign_numbers_have_no_carrier_here() -> None:
    """A number of another country that looks like one of ours, without its country code, is of no carrier."""
    assert [CARRIERS[c] for c in carriers_of(np.array([85291234567, 14155551234, 0, 4413812345678]))] == [
        "other segments"
    ] * 4


@pytest.mark.parametrize(
    ("provider", "code", "receipt", "meaning", "step"),
    [
        pytest.param(
            "aliyun",
            "MOBILE_IN_BLACK",
            True,
            "the number is on a blacklist, mostly after an opt-out",
            "do not send again",
            id="own-receipt",
        ),
        pytest.param(
            "aliyun",
            "SIGNATURE_BLACKLIST",
            True,
            "the signature is on a blacklist",
            "console",
            id="signature",
        ),
        pytest.param(
            "aliyun", "CONTENT_ERROR", True, "a promotion without a way to opt out", "wording", id="text"
        ),
        pytest.param("chuanglan", "MK:0001", True, "empty number", "take it out", id="family"),
        pytest.param(
            "yunpian",
            "8",
            False,
            "same text to this phone again within 30 seconds",
            "tomorrow or later",
            id="own-refusal",
        ),
        pytest.param("yunpian", "8", True, "", "ask the provider", id="a-number-is-no-receipt"),
        pytest.param("yunpian", "XX:0099", True, "", "ask the provider", id="nobody-knows"),
        pytest.param("gone", "15", False, "said 138****0000", "ask the provider", id="not-installed"),
    ],
)
def test_codes_in_words(provider: str, code: str, receipt: bool, meaning: str, step: str) -> None:
    """A code is explained from its provider's table, then from the carriers' families, and never guessed."""
    detail = "said 13800000000" if provider == "gone" else ""
    told = explain_code(provider, code, receipt=receipt, detail=detail)

    assert told.meaning == meaning
    assert step.lower() in told.next_step.lower()


def test_choosing_a_campaign(clock: tuple[Ledger, list[float]]) -> None:
    """Without a name the newest live one, else the newest rehearsal; by name the mode that went furthest."""
    ledger, _ = clock
    nothing = choose(ledger)
    ledger.campaigns.make_id("trial", kind=Kind.TEST, parent="new")
    for name, mode in (
        ("old", Mode.REHEARSE),
        ("new", Mode.PLAN),
        ("new", Mode.REHEARSE),
        ("trial", Mode.LIVE),
        ("later", Mode.PLAN),
    ):
        stored(ledger, [8613800000000], name, mode)
    rehearsed = choose(ledger)
    stored(ledger, [8613800000000], "sale", Mode.LIVE)
    stored(ledger, [8613800000000], "newest", Mode.REHEARSE)

    def which(*args: Any) -> tuple[str, str]:
        row = choose(ledger, *args)
        assert row is not None
        return row.name, str(row.mode)

    assert nothing is None
    assert rehearsed is not None
    assert (rehearsed.name, rehearsed.mode) == ("new", Mode.REHEARSE)
    assert which() == ("sale", "live")
    assert which("new", Mode.PLAN) == ("new", "plan")
    assert which("", Mode.LIVE) == ("sale", "live")
    with pytest.raises(LedgerError, match="did you mean `later`"):
        choose(ledger, "latter")


@pytest.mark.parametrize(
    ("provider", "wanted"),
    [
        ("yunpian", (True, True, True, False)),
        ("aliyun", (True, True, True, False)),
        ("chuanglan", (False, False, True, False)),
        ("tencent", (True, False, True, False)),
        ("http", (False, False, False, True)),
        ("gone", (False, False, False, False)),
    ],
)
def test_what_settles_an_unknown(provider: str, wanted: tuple[bool, ...]) -> None:
    """Records, their absence, receipts: what a provider declares, and whether its configuration decides."""
    assert settled_by(provider) == wanted


def test_replies_are_those_of_the_campaign(tmp_path: Path, simulator: Simulator) -> None:
    """What this campaign's people sent back is shown masked, an opt-out marked; nobody else's is."""
    way = live.SINGLES
    plan = {"replies": {"rate": 1.0, "delay_s": [0, 0.1]}}
    ledger, row = sent(way, tmp_path, simulator, faults=[], **plan)
    came = replies(ledger, row)
    stranger = stored(ledger, [8613800099999], "stranger")

    assert len(came) > 0
    assert came["opted_out"].any()
    assert came["phone"].str.contains(r"\*{4}").all()
    assert came["at"].is_monotonic_decreasing
    assert len(replies(ledger, stranger)) == 0
