"""Caps, windows, opt-outs together: campaigns in turn, against a slow reader without a line of smskit's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smskit.ledger import Frozen, Ledger
from smskit.message.windows import EffectiveWindow, FrequencyCap, Hours, SendWindow
from smskit.models import CodeClass, Kind, Mode, Submission
from smskit.providers.calls import Call
from smskit.sending.clock import Clock
from smskit.sending.guards import Guards
from smskit.sending.unknowns import settle_by_hand
from tests.profiles import examples
from tests.test_engine import Scripted, run
from tests.test_marketing_limits import READ_ON
from tests.test_window import CHANGES, WINDOWS

FIRST = 8613800000000
ACCEPTED, REFUSED, UNKNOWN = CodeClass.ACCEPTED, CodeClass.REFUSED, CodeClass.UNKNOWN
CODES = {ACCEPTED: "0", REFUSED: "num", UNKNOWN: "?"}


@dataclass(frozen=True)
class Plan:
    """One campaign: whom, within which limits, and what the provider will say about each."""

    people: list[int]
    says: list[CodeClass] = field(default_factory=lambda: [ACCEPTED])
    kind: str = "live"  # "rehearsal" of the first, or a "test" send of it
    window: SendWindow | None = None
    waits: bool = False
    hours: tuple[SendWindow, str] | None = None  # the provider's, with their zone
    cap: tuple[int, int] | None = None  # most, hours
    step_min: int = 1  # how long one request takes

    def say(self, person: int) -> CodeClass:
        return self.says[person % len(self.says)]

    def name(self, number: int) -> str:
        if self.kind == "rehearsal":
            return "campaign-0"
        return f"campaign-{number}" if self.kind == "live" else f"trial-{number}"


class Run(NamedTuple):
    """A start of one of the campaigns, so many minutes after the last one ended, and what comes before it."""

    wanted: int
    gap: int = 0
    opts_out: int | None = None  # a person
    resends: bool = False  # somebody's word: what is unknown goes again


# Few people and times that meet, so that limits do too.
PLANS = st.builds(
    Plan,
    people=st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True),
    says=st.lists(st.sampled_from([ACCEPTED, ACCEPTED, REFUSED, UNKNOWN]), min_size=1, max_size=4),
    kind=st.sampled_from(["live", "live", "live", "test"]),
    window=st.none() | st.none() | WINDOWS,
    waits=st.booleans(),
    hours=st.none() | st.tuples(WINDOWS, st.sampled_from(["Asia/Shanghai", "Europe/Berlin"])),
    cap=st.none() | st.tuples(st.sampled_from([1, 1, 2, 2, 3, 0]), st.sampled_from([1, 3, 24])),
    step_min=st.sampled_from([1, 7, 60, 180]),
)
RUNS = st.lists(
    st.builds(
        Run,
        wanted=st.integers(0, 4),
        gap=st.sampled_from([0, 1, 58, 59, 60, 180, 600, 1440]),
        opts_out=st.none() | st.none() | st.integers(0, 3),
        resends=st.booleans(),
    ),
    max_size=8,
)
Sent = tuple[int, int, datetime]


# -- the oracle: plain Python, minute by minute ---------------------------------------------------


def is_within(window: Any, zone: str, at: datetime) -> bool:
    start, end = (t.hour * 60 + t.minute for t in window)
    local = at.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    return start <= minute < end if start < end else not end <= minute < start


def may_leave(plan: Plan, zone: str, at: datetime) -> bool:
    if plan.window is None:
        return True
    return is_within(plan.window, zone, at) and (plan.hours is None or is_within(*plan.hours, at))


def does_count(plans: list[Plan], other: int, number: int) -> bool:
    """Whether messages of campaign *other* count for a cap of *number*."""
    theirs, own = plans[other].name(other), plans[number].name(number)
    is_own_test = plans[other].kind == "test" and own == "campaign-0"
    return plans[other].kind != "rehearsal" and theirs != own and not is_own_test


def oracle(plans: list[Plan], runs: list[Run], zone: str, now: datetime) -> list[Sent]:
    """Every message that should leave: which campaign, to whom, when."""
    left = {number: list(plan.people) for number, plan in enumerate(plans)}
    sent: list[Sent] = []
    counted: list[Sent] = []
    out: set[int] = set()
    for wanted, gap, opts_out, resends in runs:
        number = wanted % len(plans)
        plan = plans[number]
        now += timedelta(minutes=gap)
        if opts_out is not None:
            out.add(opts_out)
        if resends:
            again = [c for c in counted if c[0] == number and plan.say(c[1]) is UNKNOWN]
            counted = [c for c in counted if c not in again]
            left[number] += [person for _, person, _ in again]
            left[number].sort(key=plan.people.index)
        while left[number]:
            if not may_leave(plan, zone, now):
                coming = [now + timedelta(minutes=n) for n in range(2 * 1440 + 1)]
                opening = next((m for m in coming if may_leave(plan, zone, m)), None)
                if not plan.waits or opening is None:
                    break
                now = opening
            person = left[number].pop(0)
            if person in out:
                continue
            if plan.cap:
                most, hours = plan.cap
                had = [c for c in counted if c[1] == person and does_count(plans, c[0], number)]
                if sum(1 for c in had if now - c[2] < timedelta(hours=hours)) >= most:
                    continue
            sent.append((number, person, now))
            if plan.say(person) is not REFUSED:
                counted.append((number, person, now))
            now += timedelta(minutes=plan.step_min)
    return sent


# -- smskit: the engine over a ledger, with one clock -------------------------------------------------


@contextmanager
def fresh() -> Iterator[Ledger]:
    # In a file: the engine writes from a thread of its own, which would see another database in memory.
    with TemporaryDirectory() as folder:
        ledger = Ledger(f"sqlite:///{folder}/ledger.db")
        try:
            yield ledger
        finally:
            ledger.close()


def mode_of(plan: Plan) -> Mode:
    return Mode.REHEARSE if plan.kind == "rehearsal" else Mode.LIVE


def freeze(ledger: Ledger, number: int, plan: Plan) -> int:
    n = len(plan.people)
    if plan.kind == "test":
        ledger.campaigns.make_id(plan.name(number), kind=Kind.TEST, parent="campaign-0")
    return ledger.campaigns.freeze(
        name=plan.name(number),
        mode=mode_of(plan),
        provider="scripted",
        plan_hash="p",
        spec={},
        summary={},
        frozen=Frozen(
            phones=np.array([FIRST + p for p in plan.people], np.int64),
            persons=pa.array([f"u{p}" for p in plan.people], pa.large_string()),
            variables={"name": pa.array([f"n{p}" for p in plan.people], pa.large_string())},
            parts=np.ones(n, np.int16),
            excluded=pa.table({"person": pa.array([], pa.large_string())}),
            order=np.arange(n),
        ),
    ).id


def really(plans: list[Plan], runs: list[Run], zone: str, start: datetime) -> list[Sent]:
    """Every message that left."""
    sent: list[Sent] = []
    now = [start]

    async def sleep(seconds: float) -> None:
        now[0] += timedelta(minutes=1)  # all times are whole minutes, so this never goes past an opening

    with fresh() as ledger:
        ledger.database.clock = lambda: now[0].timestamp()
        ids = [freeze(ledger, number, plan) for number, plan in enumerate(plans)]
        for wanted, gap, opts_out, resends in runs:
            number = wanted % len(plans)
            plan = plans[number]
            now[0] += timedelta(minutes=gap)
            if opts_out is not None:
                ledger.opt_outs.add([FIRST + opts_out], source="test")
            if resends:
                row = ledger.campaigns.get(plan.name(number), mode_of(plan))
                assert row is not None
                settle_by_hand(ledger, row, resend=True)

            def answer(call: Call, number: int = number, plan: Plan = plan) -> list[Submission]:
                person = int(call.phones[0]) - FIRST
                sent.append((number, person, now[0]))
                now[0] += timedelta(minutes=plan.step_min)
                kind = plan.say(person)
                return [Submission(kind, "id" if kind is ACCEPTED else "", CODES[kind])]

            window: Any = plan.window
            if plan.window is not None and plan.hours is not None:
                hours = Hours(window=plan.hours[0], timezone=plan.hours[1], source="test", read_on=READ_ON)
                window = EffectiveWindow(plan.window, hours)
            run(
                ledger,
                ids[number],
                Scripted(answer, concurrency=1),
                guards=Guards(
                    window,
                    cap=plan.cap and FrequencyCap(plan.cap[0], timedelta(hours=plan.cap[1])),
                    waits=plan.waits,
                ),
                clock=Clock(lambda: now[0], sleep, ZoneInfo(zone)),
            )
    return sent


NINE, TEN = time(9), time(10)
BOTH = [Run(0), Run(1)]


@pytest.mark.parametrize(
    ("plans", "runs", "reached"),
    [
        pytest.param([Plan([0]), Plan([0], cap=(1, 3))], [Run(0), Run(1, 178)], [0], id="young"),
        pytest.param([Plan([0]), Plan([0], cap=(1, 3))], [Run(0), Run(1, 179)], [0, 1], id="just-too-old"),
        pytest.param([Plan([0]), Plan([1, 0], cap=(1, 3))], [Run(0), Run(1, 177)], [0, 1], id="still-young"),
        pytest.param(
            [Plan([0]), Plan([1, 0], cap=(1, 3))], [Run(0), Run(1, 178)], [0, 1, 1], id="too-old-on-the-way"
        ),
        pytest.param([Plan([0]), Plan([0], cap=(2, 3))], BOTH, [0, 1], id="one-of-two"),
        pytest.param([Plan([0]), Plan([0]), Plan([0], cap=(2, 3))], [*BOTH, Run(2)], [0, 1], id="two-of-two"),
        pytest.param([Plan([0]), Plan([1], cap=(1, 3))], BOTH, [0, 1], id="another-person"),
        pytest.param([Plan([0], [UNKNOWN]), Plan([0], cap=(1, 3))], BOTH, [0], id="unknown-counts"),
        pytest.param([Plan([0], [REFUSED]), Plan([0], cap=(1, 3))], BOTH, [0, 1], id="refused-does-not"),
        pytest.param(
            [Plan([0], [UNKNOWN], cap=(1, 3))], [Run(0), Run(0, resends=True)], [0, 0], id="ones-own-does-not"
        ),
        pytest.param(
            [Plan([0], [UNKNOWN]), Plan([0], cap=(1, 3))],
            [Run(0), Run(0, 120, resends=True), Run(1, 70)],
            [0, 0],
            id="sent-again-is-young-again",
        ),
        pytest.param(
            [Plan([0], [UNKNOWN]), Plan([1, 0], cap=(1, 3))],
            [Run(0), Run(0, 120, resends=True), Run(1, 57)],
            [0, 0, 1],
            id="sent-again-is-not-as-old-as-before",
        ),
        pytest.param(
            [Plan([0], cap=(1, 3)), Plan([0], kind="test")], [Run(1), Run(0)], [1, 0], id="own-test-does-not"
        ),
        pytest.param(
            [Plan([1]), Plan([0], kind="test"), Plan([0], cap=(1, 3))],
            [Run(1), Run(2)],
            [1],
            id="test-does",
        ),
        pytest.param(
            [Plan([1]), Plan([0], kind="rehearsal"), Plan([0], cap=(1, 3))],
            [Run(1), Run(2)],
            [1, 2],
            id="rehearsal-does-not",
        ),
        pytest.param(
            [Plan([0]), Plan([0], kind="rehearsal", cap=(1, 3))], BOTH, [0, 1], id="live-twin-does-not"
        ),
        pytest.param([Plan([0, 1])], [Run(0, opts_out=0)], [0], id="opted-out"),
        # Each starts at midnight in Berlin, when it is seven in Shanghai.
        pytest.param([Plan([0], window=SendWindow(NINE, TEN))], [Run(0, 539)], [], id="before-it-opens"),
        pytest.param([Plan([0], window=SendWindow(NINE, TEN))], [Run(0, 540)], [0], id="as-it-opens"),
        pytest.param([Plan([0], window=SendWindow(NINE, TEN))], [Run(0, 599)], [0], id="last-minute"),
        pytest.param([Plan([0], window=SendWindow(NINE, TEN))], [Run(0, 600)], [], id="as-it-closes"),
        pytest.param([Plan([0], window=SendWindow(TEN, NINE))], [Run(0, 539)], [0], id="still-night"),
        pytest.param([Plan([0], window=SendWindow(TEN, NINE))], [Run(0, 540)], [], id="night-ends"),
        pytest.param([Plan([0], window=SendWindow(TEN, NINE))], [Run(0, 600)], [0], id="night-begins"),
        pytest.param(
            [Plan([0, 1], window=SendWindow(NINE, TEN))], [Run(0, 599)], [0], id="closes-on-the-way"
        ),
        pytest.param(
            [Plan([0], window=SendWindow(TEN, NINE), hours=(SendWindow(NINE, TEN), "Asia/Shanghai"))],
            [Run(0, 120)],
            [0],
            id="in-the-providers-zone",
        ),
        pytest.param(
            [Plan([0], window=SendWindow(NINE, TEN), hours=(SendWindow(NINE, TEN), "Asia/Shanghai"))],
            [Run(0, 570)],
            [],
            id="closed-in-the-providers-zone",
        ),
    ],
)
def test_one_limit_at_a_time(plans: list[Plan], runs: list[Run], reached: list[int]) -> None:
    """Which campaigns' messages leave, by hand: the slow reader and smskit say the same."""
    midnight = datetime(2026, 1, 12, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    left = really(plans, runs, "Europe/Berlin", midnight)

    assert left == oracle(plans, runs, "Europe/Berlin", midnight)
    assert [number for number, _, _ in left] == reached


@settings(max_examples=examples(40))
@given(
    st.lists(PLANS, min_size=1, max_size=4),
    RUNS,
    st.booleans(),
    st.sampled_from(sorted(CHANGES)),
    st.integers(-1440, 1440),
)
def test_what_leaves_and_when(
    plans: list[Plan], runs: list[Run], rehearsed: bool, zone: str, minutes: int
) -> None:
    """Whatever the limits, zones and times, exactly the messages leave that the slow reader lets leave."""
    start = CHANGES[zone].replace(tzinfo=UTC) + timedelta(minutes=minutes)
    plans = [replace(plans[0], kind="live"), *plans[1:]]
    if rehearsed:
        plans.append(replace(plans[-1], kind="rehearsal"))

    assert really(plans, runs, zone, start) == oracle(plans, runs, zone, start)
