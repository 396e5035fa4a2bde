"""Log-linear rates and doubling times: exact lines, slow twin, growing, shrinking, none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from oncovivo.endpoints.growth import (
    animal_rates,
    doubling_time,
    growth_kind,
    growth_rate,
    log_linear_rates,
)
from oncovivo.endpoints.quantities import IntervalSettings
from tests.endpoints.conftest import make_arm

DAYS = (0.0, 3.0, 7.0, 10.0)


def exponential(rates: list[float]) -> list[list[float]]:
    return [[100 * math.exp(rate * day) for day in DAYS] for rate in rates]


def test_rates_of_exponential_growth_are_exact() -> None:
    rates = animal_rates(make_arm(exponential([0.1, -0.05]), DAYS))
    assert rates.rate == pytest.approx([0.1, -0.05])
    assert rates.std_error == pytest.approx([0, 0], abs=1e-9)


def test_batched_slopes_equal_ordinary_regression_one_at_a_time() -> None:
    rng = np.random.default_rng(4)
    day = np.sort(rng.uniform(0, 40, (30, 9)), axis=1)
    log_size = rng.normal(5, 1, (30, 9))
    use = rng.random((30, 9)) < 0.7
    day[~use & (rng.random((30, 9)) < 0.5)] = np.nan
    made = log_linear_rates(day, log_size, use)
    for row in range(30):
        chosen = use[row]
        if chosen.sum() < 3:
            assert np.isnan(made.rate[row])
            continue
        slow = stats.linregress(day[row][chosen], log_size[row][chosen])
        assert made.rate[row] == pytest.approx(slow.slope, rel=1e-9)
        assert made.std_error[row] == pytest.approx(slow.stderr, rel=1e-9)


def test_two_readings_are_no_rate(settings: IntervalSettings) -> None:
    short = make_arm([[100, 200]], (0.0, 3.0))
    assert growth_rate(short, settings).status == "not_estimable"


def test_a_last_day_leaves_later_readings_out() -> None:
    bent = make_arm([[100, 200, 400, 100]], (0.0, 3.0, 6.0, 9.0))
    assert animal_rates(bent, last_day=6).rate[0] == pytest.approx(math.log(2) / 3)


def test_doubling_time_is_positive_or_none(settings: IntervalSettings) -> None:
    growing = doubling_time(make_arm(exponential([0.09, 0.1, 0.11]), DAYS), settings)
    assert growing.estimate == pytest.approx(math.log(2) / 0.1)
    reach = 4.302652730 * 0.01 / math.sqrt(3)
    assert (growing.lower, growing.upper) == pytest.approx(
        (math.log(2) / (0.1 + reach), math.log(2) / (0.1 - reach))
    )
    shrinking = doubling_time(make_arm(exponential([-0.1, -0.1]), DAYS), settings)
    assert (shrinking.estimate, shrinking.status) == (None, "undefined")
    assert shrinking.remarks == ("the arm is shrinking: size halves in 6.93 d",)
    still = doubling_time(make_arm([[100.0] * 4] * 2, DAYS), settings)
    assert still.remarks == ("the arm is standing still",)


def test_a_rate_that_may_be_zero_has_no_upper_doubling_time(settings: IntervalSettings) -> None:
    slow = doubling_time(make_arm(exponential([-0.02, 0.03, 0.05]), DAYS), settings)
    assert slow.estimate == pytest.approx(math.log(2) / 0.02)
    assert (slow.upper, slow.status) == (None, "unbounded")
    assert slow.lower is not None


def test_the_kind_of_growth_is_a_word() -> None:
    assert [growth_kind(rate) for rate in (0.01, -0.01, 0.0)] == ["growing", "shrinking", "none"]


def test_readings_at_the_limit_are_said(settings: IntervalSettings) -> None:
    result = growth_rate(make_arm([[100, 50, 0, 0], [100, 60, 40, 30]], DAYS), settings)
    assert result.status == "flagged"
    assert "2 readings of 'drug' that are gone" in result.remarks[0]
