"""Interval kernels: by hand, in limits, unbounded sets, and against slow twins."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats

from oncovivo.endpoints.intervals import (
    difference_limits,
    fieller_limits,
    log_delta_limits,
    mean_limits,
    median_limits,
    mover_difference,
    mover_product,
    part_level,
)

X = np.array([120.0, 90.0, 150.0, 80.0, 110.0])
Y = np.array([400.0, 310.0, 520.0, 450.0, 380.0])


def test_t_limits_of_a_mean_by_hand() -> None:
    # Mean 110, SD √(3000/4); t(4) = 2.776445.
    reach = 2.776445105 * math.sqrt(3000 / 4 / 5)
    assert mean_limits(X, level=0.95) == pytest.approx((110 - reach, 110 + reach))


def test_welch_limits_agree_with_scipy() -> None:
    expected = stats.ttest_ind(X, Y, equal_var=False).confidence_interval(0.95)
    assert difference_limits(X, Y, level=0.95) == pytest.approx((expected.low, expected.high))


def test_relative_errors_enter_the_log_delta_interval_squared_by_their_means() -> None:
    # A tool of the field divides by the ratio instead of its square: 26 % too wide here.
    lower, upper = log_delta_limits(X, Y, level=0.95)
    a, b = X.var(ddof=1) / 5 / 110**2, Y.var(ddof=1) / 5 / 412**2
    df = (a + b) ** 2 / (a**2 / 4 + b**2 / 4)
    reach = stats.t.ppf(0.975, df) * math.sqrt(a + b)
    assert (lower, upper) == pytest.approx(
        (110 / 412 * math.exp(-reach), 110 / 412 * math.exp(reach))
    )


def test_fieller_limits_are_where_the_t_statistic_meets_its_quantile() -> None:
    lower, upper = fieller_limits(X, Y, level=0.95)
    a, b = X.var(ddof=1) / 5, Y.var(ddof=1) / 5
    ratio = 110 / 412
    df = (a + ratio**2 * b) ** 2 / (a**2 / 4 + (ratio**2 * b) ** 2 / 4)
    quantile = stats.t.ppf(0.975, df)

    def distance(r: float) -> float:
        return float((110 - r * 412) ** 2 - quantile**2 * (a + r**2 * b))

    assert lower == pytest.approx(optimize.brentq(distance, 0.0, ratio), rel=1e-9)
    assert upper == pytest.approx(optimize.brentq(distance, ratio, 1.0), rel=1e-9)


def test_fieller_takes_a_treated_mean_of_zero_or_below() -> None:
    lower, upper = fieller_limits(X - 110, Y, level=0.95)
    assert lower == pytest.approx(-upper)
    lower, upper = fieller_limits(X - 300, Y, level=0.95)
    assert lower < -190 / 412 < upper < 0


def test_fieller_is_unbounded_when_the_denominator_may_be_zero() -> None:
    noisy = np.array([-300.0, 500.0, 100.0, -50.0])
    lower, upper = fieller_limits(X, noisy, level=0.95)
    assert (float(lower), float(upper)) == (-math.inf, math.inf)


def test_one_animal_has_no_spread_and_no_limits() -> None:
    for limits in (
        mean_limits(X[:1], level=0.95),
        difference_limits(X[:1], Y, level=0.95),
        log_delta_limits(X, Y[:1], level=0.95),
        fieller_limits(X[:1], Y, level=0.95),
    ):
        assert np.isnan(limits).all()


def test_batches_of_studies_equal_one_study_at_a_time() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.lognormal(3, 0.4, (50, 6)), rng.lognormal(4, 0.4, (50, 7))
    for kernel in (fieller_limits, log_delta_limits, difference_limits):
        batch = kernel(x, y, level=0.9)
        for study in range(50):
            alone = kernel(x[study], y[study], level=0.9)
            assert [batch[0][study], batch[1][study]] == pytest.approx([*map(float, alone)])
    ordered = np.sort(x, axis=1)
    batch = median_limits(ordered, level=0.9)
    for study in range(50):
        one = median_limits(ordered[study], level=0.9)
        assert [batch[0][study], batch[1][study]] == [*map(float, one)]


@pytest.mark.parametrize(("n", "outer", "inner"), [(8, 0, 1), (10, 1, 2)])
def test_median_limits_lie_between_the_order_statistics_around_the_level(
    n: int, outer: int, inner: int
) -> None:
    # Exact coverage of the extremes and the next pair: 99.2 and 93.0 % (8), 97.9 and 89.1 % (10).
    ordered = np.arange(1.0, n + 1)
    lower, upper = median_limits(ordered, level=0.95)
    assert ordered[outer] < lower < ordered[inner]
    assert upper == pytest.approx(n + 1 - lower)


def test_median_limits_of_the_exact_coverage_are_the_order_statistics() -> None:
    exact = 1 - 2 * stats.binom.cdf(1, 8, 0.5)
    assert median_limits(np.arange(1.0, 9), level=exact) == pytest.approx((2.0, 7.0))


def test_five_animals_give_their_extremes_and_four_give_none() -> None:
    assert [*map(float, median_limits(np.arange(5.0), level=0.95))] == [0.0, 4.0]
    assert np.isnan(median_limits(np.arange(5.0), level=0.99)).all()
    assert np.isnan(median_limits(np.arange(4.0), level=0.95)).all()


def test_an_animal_beyond_the_follow_up_leaves_the_upper_limit_open() -> None:
    ordered = np.array([3.0, 5.0, 8.0, 11.0, math.inf])
    assert [*map(float, median_limits(ordered, level=0.95))] == [3.0, math.inf]


def test_limits_of_two_medians_combine_by_their_distances() -> None:
    x, y = np.array(10.0), np.array(6.0)
    limits = mover_difference(
        x, (np.array(7.0), np.array(18.0)), y, (np.array(5.0), np.array(10.0))
    )
    # 4 − √(3² + 4²) and 4 + √(8² + 1²).
    assert limits == pytest.approx((-1.0, 4 + math.sqrt(65)))


def test_the_error_allowed_to_each_median_is_sixteen_tenths_of_the_whole() -> None:
    assert part_level(0.95) == pytest.approx(0.92)


def test_a_product_adds_what_the_control_contributes_twice() -> None:
    limits = mover_product(
        np.array(4.0),
        (np.array(10.0), (np.array(7.0), np.array(13.0))),
        (np.array(6.0), (np.array(5.0), np.array(8.0))),
        (np.array(0.1), np.array(0.02)),
    )
    # Treated 0.1·3 on either side; control 0.1·2 + 4·0.02 below, 0.1·1 + 4·0.02 above.
    assert limits == pytest.approx((0.4 - math.hypot(0.3, 0.28), 0.4 + math.hypot(0.3, 0.18)))


def test_a_delay_of_less_than_the_treatment_sets_the_two_against_each_other() -> None:
    limits = mover_product(
        np.array(-4.0),
        (np.array(10.0), (np.array(7.0), np.array(13.0))),
        (np.array(6.0), (np.array(5.0), np.array(8.0))),
        (np.array(0.1), np.array(0.02)),
    )
    assert limits == pytest.approx((-0.4 - math.hypot(0.3, 0.12), -0.4 + math.hypot(0.3, 0.02)))
