"""``smskit.message.windows``: what providers state, and how hours narrow a send window."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smskit.errors import CampaignPaused, GuardRefused
from smskit.message.windows import (
    EffectiveWindow,
    Hours,
    MarketingLimits,
    SendWindow,
    effective_window,
    notice_of_hours,
)
from smskit.planning.explain import explain
from smskit.planning.spec import CampaignSpec
from smskit.providers import provider_class, provider_names
from tests.test_campaign import Desk, desk
from tests.test_window import CHANGES, WINDOWS

__all__ = ["desk"]  # the fixture

READ_ON = date(2026, 11, 22)
NINE_TO_TEN = SendWindow(time(9), time(10))
SHANGHAI = ZoneInfo("Asia/Shanghai")
TENCENT = provider_class("tencent").marketing


def hours(window: SendWindow, zone: str = "Asia/Shanghai") -> Hours:
    return Hours(window=window, timezone=zone, source="test", read_on=READ_ON)


# -- what each provider states ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "stated", "often"),
    [
        ("aliyun", "", ["50/24h to one phone, counted by signature, template and phone"]),
        ("chuanglan", "", ["10/24h to one phone, counted by phone; changed on request"]),
        ("http", "", []),
        (
            "tencent",
            "08:00-22:00 (Asia/Shanghai)",
            [
                "1/30s to one phone, counted by content",
                "10/24h to one phone, counted by phone; the account may set others",
            ],
        ),
        ("yunpian", "", []),
    ],
)
def test_what_providers_state(provider: str, stated: str, often: list[str]) -> None:
    """Only what their documents say is declared."""
    marketing = provider_class(provider).marketing

    assert str(marketing.hours or "") == stated
    assert [str(one) for one in marketing.often] == often


@pytest.mark.parametrize("name", provider_names())
def test_every_statement_is_dated_and_has_its_source(name: str) -> None:
    """Nothing is claimed without where and when it was read."""
    marketing = provider_class(name).marketing
    statements = [*([marketing.hours] if marketing.hours else []), *marketing.often]

    assert all(one.source and one.read_on >= date(2026, 1, 1) for one in statements)


# -- two windows at once ---------------------------------------------------------------------------------


@given(
    WINDOWS,
    WINDOWS,
    st.sampled_from(sorted(CHANGES)),
    st.sampled_from(sorted(CHANGES)),
    st.integers(0, 86400),
)
@example(NINE_TO_TEN, NINE_TO_TEN, "UTC", "UTC", 9 * 3600 - 30)  # opens within the minute
def test_open_when_both_are(own: SendWindow, stated: SendWindow, zone: str, other: str, seconds: int) -> None:
    """The first minute inside both is the opening, in whatever zones."""
    both = EffectiveWindow(own, hours(stated, other))
    at = (CHANGES[zone].replace(tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(ZoneInfo(zone))
    minute = at.astimezone(UTC).replace(second=0, microsecond=0)
    coming = [at, *((minute + timedelta(minutes=n)).astimezone(ZoneInfo(zone)) for n in range(1, 2881))]
    inside = [m for m in coming if own.is_open(m) and stated.is_open(m.astimezone(ZoneInfo(other)))]

    assert both.is_open(at) == (bool(inside) and inside[0] == at)
    assert both.next_opening(at) == (inside[0] if inside else None)


@pytest.mark.parametrize(
    ("own", "words"),
    [
        pytest.param(SendWindow(time(8), time(20)), "", id="within"),
        pytest.param(SendWindow(time(8), time(22)), "", id="the-same"),
        pytest.param(SendWindow(time(6), time(20)), "Of the send window 06:00-20:00 only", id="earlier"),
        pytest.param(SendWindow(time(22), time(6)), "only what lies within is used", id="at-night"),
        pytest.param(None, "no send window, so what is sent outside is refused there", id="always"),
    ],
)
def test_what_a_plan_tells(own: SendWindow | None, words: str) -> None:
    """Where the provider's hours are narrower the plan says so, with the source; else nothing."""
    now = datetime(2026, 11, 23, 10, tzinfo=SHANGHAI)
    told = notice_of_hours(own, TENCENT, provider="tencent", now=now)

    assert (words in told) if words else told == ""
    assert ("MarketingSendTimeConstraint" in told) == bool(words)


def test_no_hours_change_nothing() -> None:
    """A provider that states none leaves the campaign's window alone, and no window stays no window."""
    own = SendWindow(time(8), time(20))

    assert effective_window(own, MarketingLimits()) is own
    assert effective_window(None, TENCENT) is None


# -- a campaign --------------------------------------------------------------------------------


def campaign(desk: Desk, hour: int, **more: Any) -> Any:
    """A campaign at that hour in Shanghai, through a provider with Tencent's hours."""
    desk.now = datetime(2026, 11, 23, hour, tzinfo=SHANGHAI).astimezone(UTC)
    return desk.campaign(marketing=TENCENT, **more)


def test_a_run_keeps_to_the_providers_hours(desk: Desk) -> None:
    """At six it is within the campaign's window, but not taken yet: it stops, or waits until eight."""
    early = {"send_window": "05:00-23:00"}
    with pytest.raises(CampaignPaused, match=r"05:00-23:00, and by the provider 08:00-22:00 .Asia/Shanghai."):
        campaign(desk, 6, **early).send()

    async def sleep(seconds: float) -> None:
        desk.now += timedelta(minutes=10)

    campaign(desk, 6, **early, outside_window="wait", sleep=sleep).send()

    assert desk.now.astimezone(SHANGHAI).hour == 8
    assert len(desk.sent()) == 3


@pytest.mark.parametrize("outside", ["stop", "wait"])
def test_hours_that_never_meet_are_refused(desk: Desk, outside: str) -> None:
    """A night window and daytime hours have no minute in common, so waiting or coming back is no use."""
    with pytest.raises(GuardRefused, match="never opens"):
        campaign(desk, 23, send_window="22:30-06:00", outside_window=outside).send()

    assert desk.ledger.campaigns.find() == []


def test_explain_tells_the_hours() -> None:
    """What the provider states is part of a campaign in words."""
    spec = CampaignSpec.from_data({"campaign": "x", "segment": "y", "template": "z", "provider": "tencent"})

    assert "08:00-22:00 (Asia/Shanghai)" in str(explain(spec, [], now=datetime.now(UTC)))
