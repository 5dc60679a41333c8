"""Statistics of two arms: published figures to six digits, references, and how often they are wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from smskit.measuring.rerandomising import rerandomise, seed_of
from smskit.measuring.statistics import (
    Counts,
    equal_odds,
    holm,
    interim,
    newcombe,
    ratio,
    score_p,
    smallest_loss,
    srm_p,
)

# Hillstrom's e-mail challenge (2008), counts as two independent analyses published them.
NONE, MENS, WOMENS = 21_306, 21_307, 21_387
HILLSTROM = {
    "men's visit": (Counts(3_894, MENS, 2_262, NONE), 0.0765896, (0.0699533, 0.0832267), 5.685e-112),
    "men's conversion": (Counts(267, MENS, 122, NONE), 0.0068050, (0.0050143, 0.0086407), 1.5232e-13),
    "women's visit": (Counts(3_238, WOMENS, 2_262, NONE), 0.0452331, (0.0388941, 0.0515743), 3.182e-44),
    "women's conversion": (Counts(189, WOMENS, 122, NONE), 0.0031111, (0.0015017, 0.0047455), 1.5711e-4),
}


@pytest.mark.parametrize(("counts", "difference", "interval", "p"), HILLSTROM.values(), ids=HILLSTROM)
def test_hillstrom(counts: Counts, difference: float, interval: tuple[float, float], p: float) -> None:
    """Differences, Newcombe's intervals and pooled p-values of a public experiment."""
    assert counts.difference == pytest.approx(difference, abs=5e-8)
    assert newcombe(counts) == pytest.approx(interval, abs=5e-8)
    assert score_p(counts) == pytest.approx(p, rel=1e-3 if p < 1e-40 else 5e-5)


def test_hillstrom_relative() -> None:
    """The relative lift of the men's e-mail on conversion: +118.8 %, +76.5 to +170.2 %."""
    assert ratio(HILLSTROM["men's conversion"][0]) == pytest.approx((1.188, 0.765, 1.702), abs=5e-4)


def test_split_of_hillstrom() -> None:
    """21,306 of 42,613 at a share of one half are as likely as can be."""
    assert srm_p(NONE, NONE + MENS, 0.5) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(
    ("counts", "interval"),
    [
        (Counts(1_745, 2_211, 211, 623), (0.4086724, 0.4902158)),  # Thornton 2008
        (Counts(500, 44_925, 505, 44_910), (-0.0014932, 0.0012628)),  # Miller 2014
        (Counts(7, 34, 1, 34), (0.0189214, 0.3403687)),  # Fagerland 2015
    ],
    ids=["incentives", "mammography", "small counts"],
)
def test_published_intervals(counts: Counts, interval: tuple[float, float]) -> None:
    """Newcombe's interval where it was published, or by its two Wilson intervals for small counts."""
    assert newcombe(counts) == pytest.approx(interval, abs=5e-8)


def test_newcombe_by_its_own_formula() -> None:
    """Method 10 of 1998, written down from the two Wilson intervals."""
    counts = Counts(7, 34, 1, 34)
    p1, p0 = 7 / 34, 1 / 34
    (l1, u1), (l0, u0) = _wilson(7, 34), _wilson(1, 34)
    d = p1 - p0
    formula = d - math.hypot(p1 - l1, u0 - p0), d + math.hypot(u1 - p1, p0 - l0)

    assert newcombe(counts) == pytest.approx(formula, abs=1e-12)


def test_published_p_values() -> None:
    """No effect of mammography; and what statsmodels has for a table without corners."""
    from statsmodels.stats.proportion import test_proportions_2indep as reference

    assert score_p(Counts(500, 44_925, 505, 44_910)) == pytest.approx(0.86978, abs=5e-6)
    for counts in (Counts(7, 34, 1, 34), Counts(30, 1_900, 2, 100), Counts(0, 950, 3, 50)):
        expected = reference(*counts, method="score", correction=False, compare="diff").pvalue
        assert score_p(counts) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("people", "share", "loss"),
    [(2_000, 0.05, 0.47), (20_000, 0.05, 0.15), (20_000, 0.1, 0.11), (100_000, 0.05, 0.07)],
)
def test_what_the_split_check_can_see(people: int, share: float, loss: float) -> None:
    """The table of docs/statistics.md, by a formula; drawn, nine of ten such losses or more are noticed."""
    from scipy.stats import binom

    found = smallest_loss(people * share, share)
    rng = np.random.default_rng(people)
    seen = rng.binomial(people, share, 2_000)
    left = seen - rng.binomial(seen, found)
    total = people - (seen - left)
    low, high = binom.ppf(0.0005, total, share), binom.ppf(0.9995, total, share)

    assert found == pytest.approx(loss, abs=0.006)
    assert np.mean((left < low) | (left > high)) >= 0.88


@pytest.mark.parametrize(
    "counts",
    [Counts(0, 950, 0, 50), Counts(950, 950, 50, 50), Counts(3, 950, 0, 50), Counts(0, 950, 3, 50)],
    ids=["nobody", "everybody", "none held back", "none treated"],
)
def test_corners(counts: Counts) -> None:
    """Where nobody or everybody converts every figure is finite, and nothing warns."""
    low, high = newcombe(counts)
    relative = ratio(counts)
    now = interim(counts)

    assert -1 <= low <= counts.difference <= high <= 1
    assert 0 <= score_p(counts) <= 1
    assert score_p(counts) == 1 or counts.buyers not in (0, counts.people)
    assert relative is None if counts.holdout_buyers == 0 else all(map(math.isfinite, relative or ()))
    assert (now.relative_high is None) == (counts.holdout_buyers == 0)
    assert (now.relative_low == -1) == (counts.treated_buyers == 0)


def test_holm() -> None:
    """As multipletests has it."""
    from statsmodels.stats.multitest import multipletests

    p = [0.04, 0.001, 0.03, 0.9, 0.011]

    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1].tolist())
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


def test_equal_odds() -> None:
    """Different effects are told from equal ones; strata without any conversion say nothing."""
    same = [Counts(200, 10_000, 50, 5_000), Counts(400, 10_000, 100, 5_000), Counts(0, 10, 0, 10)]
    different = [Counts(400, 10_000, 50, 5_000), Counts(200, 10_000, 200, 5_000)]

    alike, unlike = equal_odds(same), equal_odds(different)

    assert alike is not None
    assert alike > 0.5
    assert unlike is not None
    assert unlike < 1e-9
    assert equal_odds(same[:1]) is None
    assert equal_odds([Counts(1, 10, 1, 10)] * 2) == 1  # where the common ratio is 1 exactly
    assert equal_odds([Counts(0, 10, 0, 10), Counts(10, 10, 5, 10)]) is None
    assert equal_odds([Counts(5, 10, 0, 10), Counts(6, 10, 0, 10)]) is None  # no ratio to be equal


def test_equal_odds_as_statsmodels_has_it() -> None:
    """Breslow and Day's statistic for effects of all kinds."""
    from statsmodels.stats.contingency_tables import StratifiedTable

    rng = np.random.default_rng(6)
    for _ in range(20):
        people = rng.integers(200, 3_000, (3, 2))
        strata = [
            Counts(int(rng.integers(5, t // 2)), int(t), int(rng.integers(5, h // 2)), int(h))
            for t, h in people
        ]
        tables = np.array(
            [
                [
                    [s.treated_buyers, s.treated - s.treated_buyers],
                    [s.holdout_buyers, s.holdout - s.holdout_buyers],
                ]
                for s in strata
            ],
            float,
        )
        reference = StratifiedTable(tables.transpose(1, 2, 0)).test_equal_odds().pvalue

        assert equal_odds(strata) == pytest.approx(reference, rel=1e-6, abs=1e-12)


# --- amounts


def test_rerandomised_as_permuting_everybody() -> None:
    """The p-value is that of permuting all people, zeros and all, by scipy."""
    from scipy.stats import permutation_test

    rng = np.random.default_rng(5)
    treated, held = _amounts(rng, 1_500, 60), _amounts(rng, 500, 12, times=1.6)

    def studentised(x: NDArray[np.float64], y: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        spread = x.var(axis) / (x.shape[axis] - 1) + y.var(axis) / (y.shape[axis] - 1)
        return np.asarray((x.mean(axis) - y.mean(axis)) / np.sqrt(spread))

    reference = permutation_test(
        (treated, held), studentised, vectorized=True, n_resamples=9_999, rng=np.random.default_rng(1)
    )
    found = rerandomise(treated[treated > 0], held[held > 0], treated=1_500, holdout=500, seed=1)

    assert found is not None
    assert found.p_value == pytest.approx(reference.pvalue, abs=0.02)


@pytest.mark.parametrize("shift", [0.6, 0.8, 1.0, 1.3, 1.7, 2.5])
def test_interval_and_p_say_the_same(shift: float) -> None:
    """The interval leaves 0 out exactly when p is at most 0.05."""
    rng = np.random.default_rng(11)
    treated, held = _amounts(rng, 19_000, 190, times=shift), _amounts(rng, 1_000, 10)
    found = rerandomise(treated[treated > 0], held[held > 0], treated=19_000, holdout=1_000, seed=3)

    assert found is not None
    assert (found.low > 0 or found.high < 0) == (found.p_value <= 0.05)


def test_draws_of_either_side() -> None:
    """Whether the holdout or the treated are the smaller arm, the answer is the mirror image."""
    rng = np.random.default_rng(2)
    one, other = rng.lognormal(3, 1, 200), rng.lognormal(3.1, 1, 60)
    large = rerandomise(one, other, treated=9_000, holdout=3_000, seed=4)
    small = rerandomise(other, one, treated=3_000, holdout=9_000, seed=4)

    assert large is not None
    assert small is not None
    assert (small.low, small.high) == pytest.approx((-large.high, -large.low), rel=0.02)
    assert small.p_value == pytest.approx(large.p_value, abs=0.04)


def test_same_question_same_answer() -> None:
    """The draws are of the campaign's and the metric's name."""
    rng = np.random.default_rng(8)
    one, other = rng.lognormal(3, 1, 200), rng.lognormal(3, 1, 20)
    twice = [
        rerandomise(one, other, treated=9_000, holdout=900, seed=seed_of("c", "revenue")) for _ in range(2)
    ]

    assert twice[0] == twice[1]
    assert seed_of("c", "revenue") != seed_of("c", "conversion")


def test_amounts_that_do_not_vary() -> None:
    """There is nothing to judge a difference by where everybody spent the same."""
    all_the_same = rerandomise(np.full(50, 9.9), np.full(50, 9.9), treated=50, holdout=50, seed=1)

    assert all_the_same is None


# --- how often they are wrong; the tables of docs/statistics.md are made by the nightly ones


def test_alarms_of_conversion_by_enumeration() -> None:
    """A/A at 5 conversions expected in the holdout: 4.4 and 4.5 % alarms, and 95.6 % coverage, exactly."""
    alarms, alarms_of_p, coverage = enumerated(treated=19_000, holdout=1_000, rate=0.005)

    assert alarms == pytest.approx(0.044, abs=0.001)
    assert alarms_of_p == pytest.approx(0.045, abs=0.001)
    assert coverage == pytest.approx(0.956, abs=0.001)


def test_alarms_of_amounts_in_short() -> None:
    """A/A of revenue at 10 buyers in the holdout, 400 draws of the world: 5 % within what chance allows."""
    alarms = np.mean([_aa_revenue(np.random.default_rng([7, n]), draws=999) for n in range(400)])

    assert 0.025 <= alarms <= 0.08


@pytest.mark.nightly
def test_calibration() -> None:
    """Two thousand A/A worlds: conversion at 5 expected and revenue at 10 buyers alarm in 5 % ± 1.5."""
    rng = np.random.default_rng(20_261_129)
    conversion, revenue = [], []
    for _ in range(2_000):
        counts = Counts(int(rng.binomial(19_000, 0.005)), 19_000, int(rng.binomial(1_000, 0.005)), 1_000)
        low, high = newcombe(counts)
        conversion.append(not low <= 0 <= high)
        revenue.append(_aa_revenue(rng))

    assert np.mean(conversion) == pytest.approx(0.05, abs=0.015)
    assert np.mean(revenue) == pytest.approx(0.05, abs=0.015)


@pytest.mark.nightly
def test_coverage_of_amounts() -> None:
    """Half as many buyers again: the re-randomised interval holds the truth in 93.5 to 96.5 % of worlds."""
    rng = np.random.default_rng(4)
    truth = (0.0075 - 0.005) * math.exp(0.5) * 30
    covered = 0
    for _ in range(2_000):
        treated = _spent(rng, int(rng.binomial(38_000, 0.0075)))
        held = _spent(rng, int(rng.binomial(2_000, 0.005)))
        found = rerandomise(treated, held, treated=38_000, holdout=2_000, seed=int(rng.integers(2**32)))
        covered += found is not None and found.low <= truth <= found.high

    assert 0.935 <= covered / 2_000 <= 0.965


@pytest.mark.nightly
@pytest.mark.parametrize(("people", "rate"), [(20_000, 0.005), (20_000, 0.02), (100_000, 0.005)])
def test_fourteen_looks(people: int, rate: float) -> None:
    """Looked at every day for two weeks under A/A, it decides in fewer than 1.5 % of 2,000 paths."""
    rng = np.random.default_rng(14)
    treated, held = round(people * 0.95), round(people * 0.05)
    daily = rate / 14
    ever = 0
    for _ in range(2_000):
        of_treated = np.cumsum(rng.binomial(treated, daily, 14)).tolist()
        of_held = np.cumsum(rng.binomial(held, daily, 14)).tolist()
        ever += any(
            interim(Counts(x1, treated, x0, held)).decided for x1, x0 in zip(of_treated, of_held, strict=True)
        )

    assert ever / 2_000 < 0.015


def test_interim_is_wider_than_the_end() -> None:
    """At 99 % at all times it holds what Newcombe's 95 % at one time holds, and ends where it should."""
    counts = Counts(267, MENS, 122, NONE)
    now, end = interim(counts), ratio(counts)

    assert end is not None
    assert now.relative == pytest.approx(end[0])
    assert now.relative_low is not None
    assert now.relative_high is not None
    assert 0 < now.relative_low < end[1] < end[2] < now.relative_high
    assert now.decided
    assert not interim(Counts(130, MENS, 122, NONE)).decided


def _wilson(x: int, n: int) -> tuple[float, float]:
    z = 1.959963984540054
    centre, half = x + z * z / 2, z * math.sqrt(x * (n - x) / n + z * z / 4)
    return (centre - half) / (n + z * z), (centre + half) / (n + z * z)


def _amounts(
    rng: np.random.Generator, people: int, buyers: int, *, times: float = 1.0
) -> NDArray[np.float64]:
    """What *people* spent, of whom the first *buyers* spent anything."""
    return np.append(_spent(rng, buyers) * times, np.zeros(people - buyers))


def _spent(rng: np.random.Generator, buyers: int) -> NDArray[np.float64]:
    return np.asarray(rng.lognormal(0, 1, buyers) * 30)


def _aa_revenue(rng: np.random.Generator, *, draws: int = 1_999) -> bool:
    """Whether revenue alarms in a world without effect, 10 buyers expected in a holdout of 5 %."""
    treated, held = (
        _spent(rng, int(rng.binomial(38_000, 0.005))),
        _spent(rng, int(rng.binomial(2_000, 0.005))),
    )
    seed = int(rng.integers(2**32))
    found = rerandomise(treated, held, treated=38_000, holdout=2_000, seed=seed, draws=draws)
    return found is not None and not found.low <= 0 <= found.high


def enumerated(*, treated: int, holdout: int, rate: float) -> tuple[float, float, float]:
    """Share of all tables under A/A in which Newcombe's interval and the p-value alarm, and coverage."""
    from scipy.stats import binom

    most = [int(binom.ppf(1 - 1e-7, n, rate)) + 1 for n in (treated, holdout)]
    of_treated, of_held = (
        binom.pmf(np.arange(m), n, rate) for m, n in zip(most, (treated, holdout), strict=True)
    )
    alarms = by_p = 0.0
    for x1 in range(most[0]):
        if of_treated[x1] < 1e-7:
            continue
        for x0 in range(most[1]):
            weight = float(of_treated[x1] * of_held[x0])
            if weight < 1e-9:
                continue
            counts = Counts(x1, treated, x0, holdout)
            low, high = newcombe(counts)
            alarms += weight * (not low <= 0 <= high)
            by_p += weight * (score_p(counts) < 0.05)
    return alarms, by_p, 1 - alarms
