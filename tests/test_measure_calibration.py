"""The tables of docs/statistics.md come out again: how often each method is wrong."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import NDArray

from smskit.measuring.rerandomising import rerandomise
from smskit.measuring.statistics import Counts, interim, newcombe
from tests.conftest import ROOT
from tests.test_measure_before import adjusted_worlds
from tests.test_measure_statistics import enumerated

PAGE = ROOT / "docs" / "statistics.md"
WORLDS = 1_000
TREATED, HELD = 19_000, 1_000


def rows(heading: str) -> list[list[str]]:
    """The cells below the table that begins with that heading."""
    table = PAGE.read_text("utf-8").partition(f"\n| {heading} ")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in table.splitlines()[2:]]


def numbers(cell: str) -> list[float]:
    """The numbers in a cell."""
    return [float(n.replace(",", "")) for n in re.findall(r"[0-9][0-9,.]*", cell)]


def worlds(sigma: float, expected: int, lift: float, seed: int) -> tuple[float, float, float]:
    """Share of worlds in which Welch and the re-randomisation alarm, and in which it holds the truth."""
    rng = np.random.default_rng([seed, expected, round(10 * sigma)])
    held, rate = expected * 200, 0.005
    truth = rate * lift * float(np.exp(sigma**2 / 2))
    welch = alarms = covered = 0
    for _ in range(WORLDS):
        one = _spent(rng, held * 19, rate * (1 + lift), sigma)
        other = _spent(rng, held, rate, sigma)
        d = one.sum() / (held * 19) - other.sum() / held
        v = sum(
            (np.square(a).sum() / n - (a.sum() / n) ** 2) / (n - 1)
            for a, n in ((one, held * 19), (other, held))
        )
        welch += abs(d) > 1.96 * np.sqrt(v)
        found = rerandomise(
            one, other, treated=held * 19, holdout=held, seed=int(rng.integers(2**32)), draws=1_999
        )
        low, high = (found.low, found.high) if found else (-np.inf, np.inf)
        alarms += not low <= 0 <= high
        covered += low <= truth <= high
    return welch / WORLDS * 100, alarms / WORLDS * 100, covered / WORLDS * 100


def _spent(rng: np.random.Generator, people: int, rate: float, sigma: float) -> NDArray[np.float64]:
    return np.asarray(rng.lognormal(0, sigma, rng.binomial(people, rate)))


def looks(held: int, people: int, rate: float) -> tuple[float, float]:
    """Share of 2,000 A/A paths that alarm on some of 14 days, by the fixed interval and by the interim."""
    rng = np.random.default_rng([14, held, people])
    daily = 0.75 ** np.arange(14)  # most convert in the first days
    daily *= rate / daily.sum()
    fixed = decided = 0
    for _ in range(2_000):
        one = np.cumsum(rng.binomial(people - held, daily)).tolist()
        other = np.cumsum(rng.binomial(held, daily)).tolist()
        days = [Counts(x1, people - held, x0, held) for x1, x0 in zip(one, other, strict=True)]
        decided += any(interim(day).decided for day in days)
        told = [newcombe(day) for day in days if day.buyers >= 5]
        fixed += any(not low <= 0 <= high for low, high in told)
    return fixed / 20, decided / 20


@pytest.mark.nightly
@pytest.mark.parametrize("row", rows("held back / messaged, rate"), ids=lambda row: row[0])
def test_conversions(row: list[str]) -> None:
    """To a tenth of a percent, by enumeration."""
    held, treated, percent = numbers(row[0])
    alarms, by_p, coverage = enumerated(treated=int(treated), holdout=int(held), rate=percent / 100)

    assert [100 * coverage, 100 * alarms, 100 * by_p] == pytest.approx(
        [float(cell) for cell in row[2:]], abs=0.11
    )


@pytest.mark.nightly
@pytest.mark.parametrize("row", rows("σ, buyers expected in the holdout"), ids=lambda row: row[0])
def test_revenue(row: list[str]) -> None:
    """Within what a thousand worlds of another seed may say."""
    sigma, expected = numbers(row[0])
    welch, alarms, _ = worlds(sigma, int(expected), 0.0, seed=2)
    _, _, covered = worlds(sigma, int(expected), 0.5, seed=3)

    assert welch == pytest.approx(float(row[1]), abs=4)
    assert alarms == pytest.approx(float(row[2]), abs=2)
    assert covered == pytest.approx(float(row[3]), abs=2)


@pytest.mark.nightly
@pytest.mark.parametrize("row", rows("buyers expected in the holdout, adjusted"), ids=lambda row: row[0])
def test_adjusted(row: list[str]) -> None:
    """Within what a thousand worlds may say."""
    expected = int(numbers(row[0])[0])
    alarms, _ = adjusted_worlds(expected, 0.0, worlds=1_000)
    _, covered = adjusted_worlds(expected, 0.5, worlds=1_000)

    assert alarms == pytest.approx(float(row[1]), abs=2)
    assert covered == pytest.approx(float(row[2]), abs=2)


@pytest.mark.nightly
@pytest.mark.parametrize("row", rows("held back of all, rate"), ids=lambda row: row[0])
def test_looking_every_day(row: list[str]) -> None:
    """The interim stays below 1.5 %, whatever the fixed interval does."""
    held, people, percent = numbers(row[0])
    fixed, decided = looks(int(held), int(people), percent / 100)

    assert fixed == pytest.approx(float(row[1]), abs=3)
    assert decided == pytest.approx(float(row[2]), abs=0.8)
    assert decided < 1.5


def test_the_page_has_its_tables() -> None:
    """The tables are found, so that the nightly tests are about something."""
    assert [
        len(rows(name))
        for name in ("held back / messaged, rate", "σ, buyers", "buyers expected", "held back of all, rate")
    ] >= [4, 3, 2, 3]
