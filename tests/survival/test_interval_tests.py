"""Rank tests of interval-censored times: scores, permutation variance, relabeling, level."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from scipy import stats

from oncovivo.errors import InputError
from oncovivo.survival.interval_tests import (
    IntervalScores,
    interval_animal_scores,
    interval_rank_test,
)
from oncovivo.survival.permutation import log_rank_animal_scores, permutation_rank_test
from oncovivo.survival.turnbull import turnbull, turnbull_at

ALL_SCORES: tuple[IntervalScores, ...] = ("logrank_sun", "logrank_finkelstein", "wilcoxon")
NEVER = math.inf
# Three and three animals at weekly visits, the second group later.
LOWER = np.array([0.0, 7, 14, 0, 14, 21])
UPPER = np.array([7.0, 14, 21, 7, 21, NEVER])
APART = np.array([0, 0, 0, 1, 1, 1])
# Finkelstein DM, Wolfe RA. Biometrics 1985;41: months to breast retraction after radiation
# (46 women) or radiation and chemotherapy (48), whole intervals first, then last visits without.
RADIATION = (
    "0-7 0-8 0-5 4-11 5-12 5-11 6-10 7-16 7-14 11-15 11-18 17-25 17-25 19-35 19-26 25-37 26-40 "
    "27-34 36-44 36-48 37-44 15 17 18 22 24 24 32 33 34 36 36 37 37 37 38 40 45 46 46 46 46 46 46 "
    "46 46"
)
BOTH = (
    "0-22 0-5 4-9 4-8 5-8 8-12 8-21 10-35 10-17 11-13 11-17 11-20 12-20 13-39 14-17 14-19 15-22 "
    "16-24 16-20 16-24 16-60 17-27 17-23 17-26 18-25 18-24 19-32 22-32 24-31 24-30 30-34 30-36 "
    "33-40 35-39 44-48 11 11 13 13 13 21 23 31 32 34 34 35 48"
)


def _weekly(time: np.ndarray, visits: int) -> tuple[np.ndarray, np.ndarray]:
    """Times as seen at so many weekly visits."""
    lower = 7 * np.minimum(np.floor(time / 7), visits)
    return lower, np.where(lower < 7 * visits, lower + 7, NEVER)


def test_points_give_the_scores_of_the_log_rank_test() -> None:
    time = np.array([3.0, 5, 5, 6, 8, 8, 11, 12])
    event = np.array([True, True, False, True, False, True, True, False])
    upper = np.where(event, time, NEVER)
    expected = log_rank_animal_scores(time, event)
    assert interval_animal_scores(time, upper) == pytest.approx(expected, abs=1e-9)
    group = np.array([0, 1, 0, 0, 1, 0, 1, 1])
    rng = np.random.default_rng(0)
    found = interval_rank_test(time, upper, group, permutation=True)
    other = permutation_rank_test(time, event, group, rng=rng)
    assert found.score[1] == pytest.approx(other.score)
    assert (found.p_value, found.exact) == (other.p_value, True)
    # the chi-squared has the variance of a sum of four scores drawn without replacement
    variance = expected.var(ddof=1) * 4 * 4 / 8
    assert other.score is not None
    assert found.statistic == pytest.approx(other.score**2 / variance)


def test_short_intervals_have_the_scores_of_points() -> None:
    rng = np.random.default_rng(1)
    time = np.sort(rng.uniform(1, 50, 12))
    event = rng.random(12) < 0.7
    narrow = interval_animal_scores(time - 1e-6 * event, np.where(event, time, NEVER))
    assert narrow == pytest.approx(log_rank_animal_scores(time, event), abs=1e-8)


def test_three_and_three_by_hand() -> None:
    # Masses 1/3, 1/6, 1/3, 1/6; hazards so far 1/3, 7/12, 5/4, 9/4.
    animal = np.array([2 / 3, 5 / 12, -1 / 4, 2 / 3, -1 / 4, -5 / 4])
    assert interval_animal_scores(LOWER, UPPER) == pytest.approx(animal, abs=1e-9)
    found = interval_rank_test(LOWER, UPPER, APART, permutation=True)
    assert found.score == pytest.approx((5 / 6, -5 / 6))
    assert found.statistic == pytest.approx((5 / 6) ** 2 / (2.75 / 5 * 9 / 6))
    assert found.statistic is not None
    assert found.p_asymptotic == pytest.approx(stats.chi2.sf(found.statistic, 1))
    sums = [abs(sum(chosen)) for chosen in itertools.combinations(animal.tolist(), 3)]
    far = sum(size >= 5 / 6 - 1e-9 for size in sums)
    assert (found.n_relabelings, found.exact, found.monte_carlo_error) == (20, True, 0)
    assert found.p_value == far / 20
    assert found.direction == pytest.approx(-math.sqrt(found.statistic))


def test_the_breast_retraction_example_has_its_published_statistic() -> None:
    ends = [part.split("-") for part in f"{RADIATION} {BOTH}".split()]
    lower = np.array([float(end[0]) for end in ends])
    upper = np.array([float(end[1]) if len(end) > 1 else NEVER for end in ends])
    found = interval_rank_test(lower, upper, np.repeat([0, 1], [46, 48]))
    # Fay MP, Shaw PA. J Stat Softw 2010;36(2): Sun's scores, permutation form
    assert found.score == pytest.approx((-9.141846, 9.141846), abs=1e-6)
    assert found.direction == pytest.approx(2.6684, abs=5e-5)
    assert found.p_value == pytest.approx(0.007622, abs=5e-7)


@pytest.mark.parametrize("scores", ALL_SCORES)
def test_scores_are_slopes_of_the_likelihood_by_a_group_effect(scores: IntervalScores) -> None:
    rng = np.random.default_rng(2)
    left = 7.0 * rng.integers(0, 4, 14)
    right = left + 7.0 * rng.integers(1, 3, 14)
    right[right > 28] = NEVER
    curve = turnbull(left, right)
    ends = np.minimum(right, 1e6)
    begin, end = turnbull_at(curve, left)[0], np.where(right < 1e6, turnbull_at(curve, ends)[1], 0)
    # visits where all animals were seen: survival there is without doubt
    assert turnbull_at(curve, left)[1] == pytest.approx(begin)

    def moved(survival: np.ndarray, effect: float) -> np.ndarray:
        """Survival at another hazard, or other odds."""
        if scores == "wilcoxon":
            odds = math.exp(effect)
            return np.asarray(survival / (survival + odds * (1 - survival)))
        return np.asarray(survival ** math.exp(effect))

    step = 1e-5
    slope = np.log(moved(begin, step) - moved(end, step))
    slope = (slope - np.log(moved(begin, -step) - moved(end, -step))) / (2 * step)
    found = interval_animal_scores(left, right, scores=scores)
    # Sun's score is that of a discrete hazard; it orders animals as Finkelstein's does
    if scores == "logrank_sun":
        order = np.argsort(slope)
        assert (np.diff(found[order]) > -1e-6).all()
        assert np.corrcoef(found, slope)[0, 1] > 0.98
    else:
        assert found == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("n_groups", [2, 3, 4])
def test_wilcoxon_scores_of_points_are_kruskal_and_wallis(n_groups: int) -> None:
    rng = np.random.default_rng(n_groups)
    time = rng.integers(1, 9, 24).astype(float)
    group = np.arange(24) % n_groups
    found = interval_rank_test(time, time, group, scores="wilcoxon")
    expected = stats.kruskal(*(time[group == code] for code in range(n_groups)))
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.df == n_groups - 1


@pytest.mark.parametrize("scores", ALL_SCORES)
def test_the_farther_apart_the_groups_the_smaller_the_p_value(scores: IntervalScores) -> None:
    time = np.array([5.0, 11, 16, 20, 23, 31, 5, 11, 16, 20, 23, 31])
    group = np.repeat([0, 1], 6)
    tests = [
        interval_rank_test(*_weekly(time + 7 * shift * group, 8), group, scores=scores)
        for shift in range(5)
    ]
    directions = np.array([test.direction for test in tests], dtype=float)
    p_values = np.array([test.p_value for test in tests], dtype=float)
    assert directions[0] == pytest.approx(0, abs=1e-9)
    assert (np.diff(directions) < 0).all()
    assert (np.diff(p_values) < 0).all()
    assert p_values[4] < 0.02


@pytest.mark.parametrize("scores", ALL_SCORES)
def test_only_the_order_of_visits_counts(scores: IntervalScores) -> None:
    rng = np.random.default_rng(6)
    lower, upper = _weekly(rng.exponential(15, 15), 5)
    group = np.arange(15) % 3
    found = interval_rank_test(lower, upper, group, scores=scores)
    bent = interval_rank_test(lower**1.7, upper**1.7, group, scores=scores)
    assert bent.statistic == pytest.approx(found.statistic)
    order = rng.permutation(15)
    mixed = interval_rank_test(lower[order], upper[order], 2 - group[order], scores=scores)
    assert mixed.statistic == pytest.approx(found.statistic)


def test_a_trend_is_the_correlation_of_scores_and_doses() -> None:
    rng = np.random.default_rng(7)
    group = np.repeat([0, 1, 2], 6)
    lower, upper = _weekly(rng.exponential(8 + 6 * group), 6)
    dose = np.array([0.0, 10, 30])
    found = interval_rank_test(lower, upper, group, dose=dose)
    animal = interval_animal_scores(lower, upper)
    correlation = np.corrcoef(dose[group], animal)[0, 1]
    assert found.direction == pytest.approx(correlation * math.sqrt(17))
    assert found.statistic == pytest.approx(17 * correlation**2)
    assert found.df == 1
    # two groups are a trend whatever their doses
    pair = group < 2
    two = interval_rank_test(lower[pair], upper[pair], group[pair])
    same = interval_rank_test(lower[pair], upper[pair], group[pair], dose=[5.0, 9.0])
    assert same.direction == pytest.approx(two.direction)


@pytest.mark.parametrize("dose", [None, [0.0, 1.0, 3.0]])
def test_three_groups_of_two_by_enumeration(dose: list[float] | None) -> None:
    group = np.array([0, 1, 2, 0, 1, 2])
    found = interval_rank_test(LOWER, UPPER, group, dose=dose, permutation=True)
    statistics = [
        interval_rank_test(LOWER, UPPER, np.array(labels), dose=dose).statistic
        for labels in sorted(set(itertools.permutations(group.tolist())))
    ]
    assert found.statistic is not None
    far = sum((value or 0.0) >= found.statistic - 1e-8 for value in statistics)
    assert (found.exact, found.n_relabelings) == (True, 90)
    assert found.p_value == pytest.approx(far / 90)


def test_many_animals_are_drawn_and_the_error_is_stated() -> None:
    rng = np.random.default_rng(9)
    lower, upper = _weekly(rng.exponential(15, 45), 6)
    for group in (np.arange(45) % 2, np.arange(45) % 3):
        found = interval_rank_test(lower, upper, group, permutation=True, rng=rng, draws=4_999)
        assert found.p_value is not None
        assert (found.exact, found.method) == (False, "permutation")
        assert found.p_value == pytest.approx(found.p_asymptotic, abs=0.04)
        spread = math.sqrt(found.p_value * (1 - found.p_value) / 4_999)
        assert found.monte_carlo_error == pytest.approx(spread)
        assert found.p_value * 5_000 == pytest.approx(round(found.p_value * 5_000))


@pytest.mark.parametrize(("per_arm", "studies"), [(5, 800), (8, 300)])
def test_relabeling_holds_its_level_with_weekly_visits(per_arm: int, studies: int) -> None:
    rng = np.random.default_rng(per_arm)
    group = np.repeat([0, 1], per_arm)
    exact = limit = 0
    for _ in range(studies):
        lower, upper = _weekly(rng.weibull(2, 2 * per_arm) * 25, 6)
        found = interval_rank_test(lower, upper, group, permutation=True)
        exact += (found.p_value or 0.0) <= 0.05
        limit += (found.p_asymptotic or 0.0) <= 0.05
    # Monte Carlo standard error 0.008 and 0.013
    assert stats.binomtest(exact, studies, 0.05, alternative="greater").pvalue > 0.001
    assert exact / studies > 0.01
    assert 0.01 < limit / studies < 0.09


def test_where_all_animals_are_alike_there_is_no_statistic_and_a_reason() -> None:
    for lower, upper in ((np.zeros(4), np.full(4, 7.0)), (np.full(4, 7.0), np.full(4, NEVER))):
        found = interval_rank_test(lower, upper, np.array([0, 0, 1, 1]), permutation=True)
        assert (found.statistic, found.p_value, found.status) == (None, None, "not_estimable")
        assert "same score" in str(json.loads(json.dumps(found.to_dict()))["reason"])


def test_a_group_without_animals_takes_no_degree_of_freedom() -> None:
    with_gap = interval_rank_test(LOWER, UPPER, 2 * APART)
    assert with_gap.df == 1
    assert with_gap.score[1] == 0
    assert with_gap.statistic == interval_rank_test(LOWER, UPPER, APART).statistic


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="left end not after"):
        interval_rank_test(UPPER[:5] + 1, UPPER[:5], APART[:5])
    with pytest.raises(InputError, match="scores of logrank_sun"):
        interval_rank_test(LOWER, UPPER, APART, scores="cox")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="two groups or more"):
        interval_rank_test(LOWER, UPPER, np.zeros(6, dtype=int))
    with pytest.raises(InputError, match="a whole number, for each animal"):
        interval_rank_test(LOWER, UPPER, APART[:5])
    with pytest.raises(InputError, match="doses that differ"):
        interval_rank_test(LOWER, UPPER, APART, dose=[1.0, 1.0])
    many = np.arange(30) % 2
    lower, upper = _weekly(np.arange(30.0), 3)
    with pytest.raises(InputError, match="source of randomness"):
        interval_rank_test(lower, upper, many, permutation=True)
    with pytest.raises(InputError, match="99 draws"):
        interval_rank_test(
            lower, upper, many, permutation=True, rng=np.random.default_rng(0), draws=9
        )
