"""Charts by their rules: bars on whole values, labels that people read, colours that stand out."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from smskit.audience.explore.profile import Distribution, Span, distribution, profile_of
from smskit.audience.rules import RuleCache
from smskit.i18n import Language
from smskit.reporting import charts
from smskit.reporting.charts import explore

NOW = datetime(2026, 11, 29, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
DICE = np.random.default_rng(7)
MONEY = np.append(DICE.gamma(2, 400, 1050).round(2), [90_000.5])


def days(start: str, count: int) -> pd.DatetimeIndex:
    """Every day from *start*."""
    return pd.date_range(start, periods=count)


def drawn(values: object, keep: int | None = None) -> Distribution:
    """The distribution of a column that holds *values*."""
    frame = pd.DataFrame({"c": values})
    cache = RuleCache(frame, NOW)
    mask = None if keep is None else np.arange(len(frame)) < keep
    found = distribution(frame, cache, profile_of(frame, cache, phone="").columns["c"], mask)
    assert found is not None
    assert int(found.bars["rows"].sum()) == len(frame)
    return found


def texts(picture: str) -> list[str]:
    """The texts of a picture, in the order they are drawn."""
    return re.findall(r"<text[^>]*>([^<]+)</text>", picture)


@pytest.mark.parametrize(
    ("values", "span", "bars", "first"),
    [
        pytest.param(np.arange(1800) % 18 + 20, Span("whole", 1), 18, 20, id="18-whole-numbers"),
        pytest.param(np.arange(40), Span("whole", 1), 40, 0, id="40-whole-numbers"),
        pytest.param(np.arange(300), Span("range", 10), 30, 0, id="300-whole-numbers"),
        pytest.param(-np.arange(40) / 10, Span("range", 0.2), 21, -4, id="tenths-below-zero"),
        pytest.param(days("2026-10-05", 20), Span("day", 1), 20, "2026-10-05", id="days"),
        pytest.param(days("2026-10-05", 70), Span("week", 1), 10, "2026-10-05", id="weeks"),
        pytest.param(days("2026-01-15", 320), Span("month", 1), 11, "2026-01-01", id="months"),
        pytest.param(days("1950-06-01", 365 * 60), Span("year", 2), 31, "1950-01-01", id="years"),
    ],
)
def test_bars_stand_on_whole_values(values: object, span: Span, bars: int, first: object) -> None:
    """A whole number, a day, a week, a month has a bar of its own; else bars begin at round numbers."""
    found = drawn(values)

    assert (found.span, len(found.bars)) == (span, bars)
    start = found.bars["start"].iloc[0]
    assert start == (pd.Timestamp(first) if isinstance(first, str) else pytest.approx(first))


def test_days_are_those_of_the_campaign() -> None:
    """A moment just before midnight in UTC lies on the next day in Shanghai."""
    found = drawn(pd.date_range("2026-10-05 23:30", periods=20, tz="UTC"))

    assert found.bars["start"].iloc[0] == pd.Timestamp("2026-10-06")


@pytest.mark.parametrize(
    ("values", "code", "shown"),
    [
        (days("2026-01-15", 320), "zh", "2026年1月"),
        (days("2026-01-15", 320), "en", "Jan 2026"),
        (days("2026-10-05", 20), "zh", "10月5日"),
        (days("2026-10-05", 20), "en", "Oct 5"),
        (np.arange(1800) % 18 + 20, "en", "20"),
        (np.arange(300) * 100, "en", "10,000"),
    ],
)
def test_labels_are_in_the_language_of_the_page(values: object, code: str, shown: str) -> None:
    """Months by name, thousands with commas."""
    found = texts(explore.distribution(drawn(values), Language(code)))

    assert shown in found
    assert bool(re.search("[\u4e00-\u9fff]", " ".join(found))) == (code == "zh")


def test_the_last_bar_of_money_says_that_it_is_open() -> None:
    """One huge value does not squeeze the others: it is in the last bar, whose label says so."""
    found = drawn(MONEY, keep=100)
    assert found.span is not None
    last = f"≥ {found.bars['start'].iloc[-1]:,.10g}"

    assert found.span.open
    assert len(found.bars) <= 32
    assert last in texts(explore.distribution(found, Language("en")))


@pytest.mark.parametrize("code", ["zh", "en"])
def test_figures_are_whole_and_titles_lie_on_nothing(code: str) -> None:
    """No 0.8k for 800 people in any chart, thousands by commas, no title beside the labels of an axis."""
    t = Language(code)
    steps = pd.DataFrame({"step": ["read", "a"], "left_out": [0, 1050], "left": [5030, 3980]})
    moments = pd.DataFrame({"at": days("2026-11-01", 3), "delivered": 1050, "undelivered": 3, "awaiting": 8})
    named = drawn(["gold"] * 1050 + ["silver"] * 20, keep=30)
    made = [
        charts.waterfall(steps, t),
        charts.over_time(moments, t, unit="day", zone="UTC"),
        charts.parts(pd.DataFrame({"parts": [1, 2], "messages": [1050, 7]}), t),
        explore.distribution(named, t),
        explore.distribution(drawn(MONEY), t),
        explore.coverage({"valid": 1050, "bad_phone": 3}, t),
    ]

    for picture in made:
        assert not [text for text in texts(picture) if re.fullmatch(r"[\d.]+k|\d{4,}|\d+\.\d+", text)]
        assert "rotate(-90" not in picture
    assert {"3,980  (−1,050)", "5,030"} <= set(texts(made[0]))
    assert "1,050" in texts(made[2])
    assert "30 / 1,050" in texts(made[3])


@pytest.mark.parametrize("ground", ["#ffffff", "#151a18"])
@pytest.mark.parametrize("name", ["GOOD", "WARN", "BAD", "NEUTRAL", "FOREIGN", "PALE"])
def test_colours_stand_out(name: str, ground: str) -> None:
    """Each colour has a contrast of 3:1 to the page, light or dark (WCAG 1.4.11)."""
    one, other = sorted((_light(getattr(charts, name)), _light(ground)))

    assert (other + 0.05) / (one + 0.05) >= 3


def _light(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_first_picture_builds_no_grammar() -> None:
    """Altair comes without the grammar of IRIs, which takes seconds; who wants that can still import it."""
    code = (
        "import sys; from smskit.reporting.charts import altair; altair(); "
        "assert 'jsonschema' in sys.modules; assert 'rfc3987_syntax' not in sys.modules; "
        "import rfc3987_syntax"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
