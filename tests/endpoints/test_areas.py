"""Areas under curves, their normalized form, and the growth rate that follows from them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from oncovivo.endpoints.auc import (
    area_growth_rate,
    area_growth_rates,
    auc_ratio,
    egr_difference,
    mean_auc,
    mean_normalized_auc,
    normalized_areas,
    trapezoid_areas,
)
from oncovivo.endpoints.quantities import IntervalSettings
from tests.endpoints.conftest import make_arm

NAN = math.nan
DAYS = (0.0, 4.0, 10.0)


def test_trapezoids_by_hand() -> None:
    day = np.array([[0.0, 4.0, 10.0], [0.0, 4.0, NAN]])
    size = np.array([[100.0, 200.0, 50.0], [100.0, 300.0, NAN]])
    use = ~np.isnan(day)
    assert trapezoid_areas(day, size, use).tolist() == [4 * 150 + 6 * 125, 4 * 200]
    assert normalized_areas(day, size, use).tolist() == [135, 200]


def test_one_reading_has_no_area() -> None:
    day, use = np.array([[0.0, 4.0]]), np.array([[True, False]])
    assert np.isnan(trapezoid_areas(day, day, use)).all()
    assert np.isnan(area_growth_rates(day, day, use)).all()


def test_batched_areas_equal_numpy_one_at_a_time() -> None:
    rng = np.random.default_rng(9)
    day = np.sort(rng.uniform(0, 60, (40, 12)), axis=1)
    size = rng.lognormal(5, 1, (40, 12))
    length = rng.integers(2, 13, 40)
    use = np.arange(12) < length[:, None]
    areas, rates = trapezoid_areas(day, size, use), area_growth_rates(day, np.log(size), use)
    for row, n in enumerate(length):
        d, v = day[row, :n], size[row, :n]
        assert areas[row] == pytest.approx(np.trapezoid(v, d))
        span = d[-1] - d[0]
        expected = 2 * (np.trapezoid(np.log(v), d) - math.log(v[0]) * span) / span**2
        assert rates[row] == pytest.approx(expected)


def test_the_rate_from_the_area_is_the_slope_of_exponential_growth() -> None:
    day = np.array([[0.0, 4.0, 10.0]])
    log_size = np.log(1e-3) + 0.13 * day
    # Nothing is added to a volume, so its unit does not matter: the rate is exact in any.
    assert area_growth_rates(day, log_size, day >= 0) == pytest.approx([0.13])


def test_early_death_makes_a_raw_area_small_but_not_a_normalized_one(
    settings: IntervalSettings,
) -> None:
    control = make_arm([[100, 800, NAN]] * 3, DAYS, name="vehicle")
    treated = make_arm([[100, 200, 400]] * 3, DAYS)
    raw = [trapezoid_areas(arm.elapsed, arm.size, arm.window())[0] for arm in (treated, control)]
    assert raw[0] > raw[1]
    ratio = auc_ratio(treated, control, settings).estimate
    assert ratio == pytest.approx(240 / 450)


def test_the_mean_area_needs_a_reading_on_the_day(settings: IntervalSettings) -> None:
    arm = make_arm([[100, 200, 400], [100, 300, NAN]], DAYS)
    result = mean_auc(arm, settings, day=10)
    assert (result.estimate, result.n_treated) == (2400, 1)
    assert mean_normalized_auc(arm, settings).n_treated == 2
    assert mean_auc(arm, settings, day=7).status == "not_estimable"


def test_growth_rates_near_zero_are_compared_by_their_difference(
    settings: IntervalSettings,
) -> None:
    # A ratio to a control rate of nearly zero has neither size nor sign.
    idle = make_arm([[100, 100, 100], [100, 101, 100]], DAYS, name="vehicle")
    grown = make_arm([[100, 120, 150], [100, 125, 160]], DAYS)
    result = egr_difference(grown, idle, settings)
    assert result.estimate is not None
    assert 0.03 < result.estimate < 0.06


def test_a_cured_animal_counts_with_the_limit_not_with_the_logarithm_of_one(
    settings: IntervalSettings,
) -> None:
    cured = make_arm([[200, 0, 0]], DAYS, limit=14.0)
    result = area_growth_rate(cured, settings)
    low, high = math.log(14), math.log(200)
    expected = 2 * (4 * (low + high) / 2 + 6 * low - 10 * high) / 100
    assert result.estimate == pytest.approx(expected)
    assert result.status == "flagged"
    assert any("count with 14 on the log scale" in remark for remark in result.remarks)
