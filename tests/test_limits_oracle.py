"""Caps and windows together: live campaigns in turn, against a slow reader that knows nothing of smskit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from smskit.ledger import Frozen, Ledger
from smskit.models import CodeClass, Mode, Submission
from smskit.providers.base import Call
from smskit.spec import FrequencyCap, SendWindow
from smskit.terms import Hours, Openings
from tests.test_engine import Scripted, run
from tests.test_terms import READ_ON
from tests.test_window import CHANGES, WINDOWS

FIRST = 8613800000000
ACCEPTED, REFUSED, UNKNOWN = CodeClass.ACCEPTED, CodeClass.REFUSED, CodeClass.UNKNOWN
CODES = {ACCEPTED: "0", REFUSED: "num", UNKNOWN: "?"}


@dataclass(frozen=True)
class Plan:
    """One campaign: whom, within which limits, and what the provider will say about each."""

    people: list[int]
    says: list[CodeClass]
    window: SendWindow | None
    waits: bool
    hours: tuple[SendWindow, str] | None  # the provider's, with their zone
    cap: tuple[int, int] | None  # most, hours
    step_min: int  # how long one request takes

    def say(self, person: int) -> CodeClass:
        return self.says[person % len(self.says)]


PLANS = st.builds(
    Plan,
    people=st.lists(st.integers(0, 5), min_size=1, max_size=6, unique=True),
    says=st.lists(st.sampled_from([ACCEPTED, ACCEPTED, REFUSED, UNKNOWN]), min_size=1, max_size=6),
    window=st.none() | WINDOWS,
    waits=st.booleans(),
    hours=st.none() | st.tuples(WINDOWS, st.sampled_from(["Asia/Shanghai", "Europe/Berlin"])),
    cap=st.none() | st.tuples(st.integers(0, 3), st.sampled_from([1, 3, 24, 48])),
    step_min=st.sampled_from([1, 7, 60, 180]),
)
RUNS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 59, 60, 180, 600, 1440])), max_size=8)
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


def oracle(plans: list[Plan], runs: list[tuple[int, int]], zone: str, now: datetime) -> list[Sent]:
    """Every message that should leave: which campaign, to whom, when."""
    left = {number: list(plan.people) for number, plan in enumerate(plans)}
    sent: list[Sent] = []
    counted: list[Sent] = []
    for wanted, gap in runs:
        number = wanted % len(plans)
        plan = plans[number]
        now += timedelta(minutes=gap)
        while left[number]:
            if not may_leave(plan, zone, now):
                coming = [now + timedelta(minutes=n) for n in range(2 * 1440 + 1)]
                opening = next((m for m in coming if may_leave(plan, zone, m)), None)
                if not plan.waits or opening is None:
                    break
                now = opening
            person = left[number].pop(0)
            if plan.cap:
                most, hours = plan.cap
                young = [c for c in counted if c[1] == person and c[0] != number]
                if sum(1 for c in young if now - c[2] < timedelta(hours=hours)) >= most:
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


def freeze(ledger: Ledger, number: int, plan: Plan) -> int:
    n = len(plan.people)
    return ledger.freeze(
        name=f"campaign-{number}",
        mode=Mode.LIVE,
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


def really(plans: list[Plan], runs: list[tuple[int, int]], zone: str, start: datetime) -> list[Sent]:
    """Every message that left."""
    sent: list[Sent] = []
    now = [start]

    async def sleep(seconds: float) -> None:
        now[0] += timedelta(minutes=1)  # all times are whole minutes, so this never goes past an opening

    with fresh() as ledger:
        ledger.clock = lambda: now[0].timestamp()
        ids = [freeze(ledger, number, plan) for number, plan in enumerate(plans)]
        for wanted, gap in runs:
            number = wanted % len(plans)
            plan = plans[number]
            now[0] += timedelta(minutes=gap)

            def answer(call: Call, number: int = number, plan: Plan = plan) -> list[Submission]:
                person = int(call.phones[0]) - FIRST
                sent.append((number, person, now[0]))
                now[0] += timedelta(minutes=plan.step_min)
                kind = plan.say(person)
                return [Submission(kind, "id" if kind is ACCEPTED else "", CODES[kind])]

            window: Any = plan.window
            if plan.window is not None and plan.hours is not None:
                hours = Hours(window=plan.hours[0], timezone=plan.hours[1], source="test", read_on=READ_ON)
                window = Openings(plan.window, hours)
            run(
                ledger,
                ids[number],
                Scripted(answer, concurrency=1),
                window=window,
                waits=plan.waits,
                cap=plan.cap and FrequencyCap(plan.cap[0], timedelta(hours=plan.cap[1])),
                local_now=lambda: now[0].astimezone(ZoneInfo(zone)),
                sleep=sleep,
            )
    return sent


@settings(max_examples=25)
@given(
    st.lists(PLANS, min_size=1, max_size=4),
    RUNS,
    st.sampled_from(sorted(CHANGES)),
    st.integers(-1440, 1440),
)
def test_what_leaves_and_when(
    plans: list[Plan], runs: list[tuple[int, int]], zone: str, minutes: int
) -> None:
    """Whatever the limits, zones and times, exactly the messages leave that the slow reader lets leave."""
    start = CHANGES[zone].replace(tzinfo=UTC) + timedelta(minutes=minutes)

    assert really(plans, runs, zone, start) == oracle(plans, runs, zone, start)
