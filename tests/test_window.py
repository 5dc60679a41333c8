"""Send windows: when they open in every zone, and what a run does outside of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smskit.errors import CampaignPaused, GuardRefused
from smskit.ledger import Ledger
from smskit.message.windows import SendWindow
from smskit.models import Submission
from smskit.planning.spec import CampaignSpec
from smskit.providers.calls import Call
from smskit.sending import clock as clock_module
from smskit.sending.clock import Sleep
from smskit.sending.guards import Guards
from tests.test_campaign import MORNING, Desk, desk
from tests.test_engine import OK, Scripted, freeze, run

__all__ = ["desk"]  # the fixture

DAY = SendWindow(time(8), time(20))
NIGHT = SendWindow(time(22), time(6))


# -- when a window opens ---------------------------------------------------------------------


def minutes_inside(window: SendWindow) -> set[int]:
    """An independent reading: the minutes of a day that belong to the window."""
    start, end = (t.hour * 60 + t.minute for t in window)
    return {(start + n) % 1440 for n in range((end - start) % 1440)}


CLOCKS = st.times(max_value=time(23, 58)).map(lambda t: t.replace(second=0, microsecond=0))
WINDOWS = st.tuples(CLOCKS, CLOCKS).filter(lambda w: w[0] != w[1]).map(lambda w: SendWindow(*w))
# Around the days on which clocks change in 2026, and any other time.
CHANGES = {
    "Asia/Shanghai": datetime(2026, 11, 23),
    "Europe/Berlin": datetime(2026, 3, 29, 1),
    "America/New_York": datetime(2026, 11, 1, 6),
    "Australia/Lord_Howe": datetime(2026, 10, 3, 15, 30),  # half an hour
    "Africa/Cairo": datetime(2026, 4, 23, 22),  # at midnight
    "UTC": datetime(2026, 1, 1),
}


@given(WINDOWS, st.sampled_from(sorted(CHANGES)), st.integers(-36 * 3600, 36 * 3600))
def test_the_next_opening_is_the_first_minute_inside(window: SendWindow, zone: str, seconds: int) -> None:
    """Minute by minute from any time, over changes of the clock too, it opens where a slow reader says."""
    at = (CHANGES[zone].replace(tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(ZoneInfo(zone))
    opening = window.next_opening(at)
    within, minute = minutes_inside(window), at.astimezone(UTC)

    def inside(moment: datetime) -> bool:
        local = moment.astimezone(at.tzinfo)
        return local.hour * 60 + local.minute in within

    assert window.is_open(at) == inside(at)
    while not inside(minute):
        minute = minute.replace(second=0, microsecond=0) + timedelta(minutes=1)
    assert opening.astimezone(UTC) == minute
    assert window.is_open(opening)


@pytest.mark.parametrize(
    ("window", "zone", "at", "opening"),
    [
        pytest.param(DAY, "Asia/Shanghai", "2026-11-22T20:00+08:00", "2026-11-23T08:00+08:00", id="evening"),
        pytest.param(DAY, "Asia/Shanghai", "2026-11-23T08:00+08:00", "2026-11-23T08:00+08:00", id="open"),
        pytest.param(
            DAY, "Asia/Shanghai", "2026-11-23T07:59:59.5+08:00", "2026-11-23T08:00+08:00", id="soon"
        ),
        pytest.param(NIGHT, "Asia/Shanghai", "2026-11-23T06:00+08:00", "2026-11-23T22:00+08:00", id="night"),
        pytest.param(
            SendWindow(time(2, 30), time(4)),
            "Europe/Berlin",
            "2026-03-29T01:00+01:00",
            "2026-03-29T03:00+02:00",
            id="the-start-does-not-exist-that-day",
        ),
        pytest.param(
            SendWindow(time(2, 15), time(2, 45)),
            "Europe/Berlin",
            "2026-03-29T01:00+01:00",
            "2026-03-30T02:15+02:00",
            id="the-window-does-not-exist-that-day",
        ),
        pytest.param(
            SendWindow(time(1, 30), time(2)),
            "America/New_York",
            "2026-11-01T02:00-04:00",  # 01:00 for the second time
            "2026-11-01T01:30-05:00",
            id="the-hour-comes-twice",
        ),
        pytest.param(
            DAY, "America/New_York", "2026-03-08T01:00-05:00", "2026-03-08T08:00-04:00", id="summer"
        ),
    ],
)
def test_openings(window: SendWindow, zone: str, at: str, opening: str) -> None:
    """A window goes by the clock on the wall, on the days it is changed too."""
    local = datetime.fromisoformat(at).astimezone(ZoneInfo(zone))

    assert window.next_opening(local).astimezone(UTC) == datetime.fromisoformat(opening)


# -- a run that meets a closed window ------------------------------------------------------------


class Clock:
    """A clock that sleeping moves on."""

    def __init__(self, at: str, zone: str = "Asia/Shanghai") -> None:
        self.now, self.zone = datetime.fromisoformat(at).astimezone(UTC), ZoneInfo(zone)
        self.slept = 0.0

    def local(self) -> datetime:
        return self.now.astimezone(self.zone)

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.slept += seconds
        await asyncio.sleep(0)

    def engine(
        self,
        *,
        window: SendWindow = DAY,
        deadline: datetime | None = None,
        sleep: Sleep | None = None,
    ) -> dict[str, Any]:
        """What the engine is handed."""
        return {
            "guards": Guards(window, deadline=deadline, waits=True),
            "clock": clock_module.Clock(lambda: self.now, sleep or self.sleep, self.zone),
        }


def test_a_run_waits_over_night_and_goes_on(ledger: Ledger) -> None:
    """Closed in the middle of a run, the window is waited for; nothing leaves meanwhile, nobody is lost."""
    clock, campaign = Clock("2026-11-23T19:00+08:00"), freeze(ledger, 40)
    left_at: list[datetime] = []

    def answer(call: Call) -> list[Submission]:
        left_at.append(clock.local())
        clock.now += timedelta(minutes=7)
        return [OK] * len(call)

    ended = run(ledger, campaign, Scripted(answer, concurrency=1), **clock.engine())
    days = [moment.day for moment in left_at]

    assert ended.stopped == ""
    assert ledger.audience.counts(campaign).accepted == 40
    assert all(8 <= moment.hour < 20 for moment in left_at)
    assert days.count(23) == 9
    assert days.count(24) == 31
    assert left_at[9].replace(microsecond=0).isoformat() == "2026-11-24T08:00:00+08:00"


def test_a_wait_says_what_it_waits_for(ledger: Ledger) -> None:
    """While it waits the campaign's note tells until when; afterwards it is gone."""
    clock, campaign = Clock("2026-11-23T07:00+08:00"), freeze(ledger, 1)
    notes: list[str] = []

    async def sleep(seconds: float) -> None:
        notes.append(ledger.campaigns.find()[0].note)
        await clock.sleep(seconds)

    run(ledger, campaign, Scripted(lambda call: [OK] * len(call)), **clock.engine(sleep=sleep))

    assert set(notes) == {"waits for the send window, which opens at 2026-11-23 08:00 CST"}
    assert clock.slept == 3600.0
    assert ledger.campaigns.find()[0].note == ""


@pytest.mark.parametrize(
    ("deadline", "accepted"), [("2026-11-24T07:59:59+08:00", 0), ("2026-11-24T08:00+08:00", 5)]
)
def test_a_wait_never_goes_past_not_after(ledger: Ledger, deadline: str, accepted: int) -> None:
    """A window that opens too late is not waited for: the run stops at once and says why."""
    clock, campaign = Clock("2026-11-23T21:00+08:00"), freeze(ledger, 5)
    provider = Scripted(lambda call: [OK] * len(call))
    ended = run(ledger, campaign, provider, **clock.engine(deadline=datetime.fromisoformat(deadline)))

    assert ledger.audience.counts(campaign).accepted == accepted
    assert ("later than `not_after`" in ended.stopped) == (not accepted)
    assert (clock.slept > 0) == bool(accepted)


def test_a_wait_can_be_stopped(ledger: Ledger) -> None:
    """A stop ends the wait within a second of it; everybody still waits."""
    clock, campaign = Clock("2026-11-23T21:00+08:00"), freeze(ledger, 5)

    async def sleep(seconds: float) -> None:
        ledger.campaigns.request_stop(campaign)
        await asyncio.sleep(0.01)  # the run looks for stops by itself; the clock stands still

    ended = run(ledger, campaign, Scripted(lambda call: [OK] * len(call)), **clock.engine(sleep=sleep))

    assert ended.stopped == "a stop was requested"
    assert ledger.audience.counts(campaign).waiting == 5


def test_an_opt_out_during_the_wait_is_honoured(ledger: Ledger) -> None:
    """Who opts out while a run waits is not messaged when the window opens."""
    clock, campaign = Clock("2026-11-23T07:30+08:00"), freeze(ledger, 3)

    async def sleep(seconds: float) -> None:
        ledger.opt_outs.add([8613800000001], source="reply")
        await clock.sleep(seconds)

    provider = Scripted(lambda call: [OK] * len(call))
    run(ledger, campaign, provider, **clock.engine(sleep=sleep))

    assert ledger.audience.stopped(campaign) == {"opted_out": 1}
    assert ["+8613800000001"] not in provider.asked


def test_a_wait_over_a_changed_clock(ledger: Ledger) -> None:
    """From an hour that comes twice the wait is as long as it really is: here an hour and a half."""
    clock, campaign = Clock("2026-11-01T01:00-04:00", "America/New_York"), freeze(ledger, 1)
    window = SendWindow(time(2), time(3))
    clock.now += timedelta(minutes=30)
    run(ledger, campaign, Scripted(lambda call: [OK] * len(call)), **clock.engine(window=window))

    assert clock.slept == 1.5 * 3600


# -- a campaign -----------------------------------------------------------------------------------


WAIT = {"send_window": "08:00-20:00", "outside_window": "wait"}


def at_night(desk: Desk) -> None:
    desk.now = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)  # 22:00 in Shanghai


def test_a_campaign_waits_for_its_window(desk: Desk) -> None:
    """Started at night it sends in the morning, in one run."""
    at_night(desk)

    async def sleep(seconds: float) -> None:
        assert desk.sent() == []
        desk.now += timedelta(hours=1)

    outcome = desk.campaign(sleep=sleep, **WAIT).send()

    assert outcome.books.accepted == 3
    assert desk.now == MORNING + timedelta(days=1, hours=-2)


def test_a_campaign_that_would_wait_past_not_after_is_refused(desk: Desk) -> None:
    """Nothing is frozen and nothing sent when the window opens too late."""
    at_night(desk)
    with pytest.raises(GuardRefused, match=r"opens at 2026-11-24 08:00 .*later than `not_after`") as caught:
        desk.campaign(**WAIT, not_after="2026-11-24T07:00").send()

    assert caught.value.exit_code == 3
    assert desk.ledger.campaigns.find() == []


def test_without_being_told_to_wait_it_stops(desk: Desk) -> None:
    """The default is to pause with exit code 4, as it always was."""
    at_night(desk)
    with pytest.raises(CampaignPaused) as caught:
        desk.campaign(send_window="08:00-20:00").send()

    assert caught.value.exit_code == 4
    assert CampaignSpec.model_fields["outside_window"].default == "stop"


def test_the_plan_does_not_depend_on_waiting(desk: Desk) -> None:
    """Whether to wait is no part of what a campaign is: it may be changed between two runs."""
    waiting, stopping = desk.campaign(**WAIT), desk.campaign(send_window="08:00-20:00")

    assert waiting.plan().hash == stopping.plan().hash
    assert waiting.spec.definition() == stopping.spec.definition()
