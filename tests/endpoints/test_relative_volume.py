"""Relative volume in its four means, regression, best and nadir change."""

from __future__ import annotations

import math

import numpy as np
import pytest

from oncovivo.endpoints.quantities import IntervalSettings
from oncovivo.endpoints.relative import (
    best_change,
    best_changes,
    nadir_change,
    regression,
    relative_geometric,
    relative_mean_of_ratios,
    relative_median,
    relative_ratio_of_means,
)
from tests.endpoints.conftest import make_arm

DAYS = (0.0, 5.0, 9.0)
ARM = make_arm([[100, 60, 200], [50, 60, 150], [200, 120, 100]], DAYS)


def test_the_four_means_differ_and_each_has_its_value(settings: IntervalSettings) -> None:
    # Ratios 2, 3 and 0.5; means 150 over 350/3.
    expected = {
        relative_mean_of_ratios: 5.5 / 3,
        relative_ratio_of_means: 450 / 350,
        relative_geometric: 3 ** (1 / 3),
        relative_median: 2.0,
    }
    for endpoint, value in expected.items():
        assert endpoint(ARM, settings, day=9).estimate == pytest.approx(value)


def test_noise_of_the_baseline_raises_the_mean_of_ratios(settings: IntervalSettings) -> None:
    noisy = make_arm([[50, 100, 100], [200, 100, 100]], DAYS)
    # Every tumor reads 100 on the day; ratios are 2 and 0.5.
    assert relative_mean_of_ratios(noisy, settings, day=9).estimate == pytest.approx(1.25)
    assert relative_geometric(noisy, settings, day=9).estimate == pytest.approx(1.0)


def test_regression_is_percent_below_the_baseline_and_undefined_above_it(
    settings: IntervalSettings,
) -> None:
    # Day 5: means 80 and 350/3.
    result = regression(ARM, settings, day=5)
    assert result.estimate == pytest.approx(100 * (1 - 240 / 350))
    grown = regression(ARM, settings, day=9)
    assert (grown.estimate, grown.status) == (None, "undefined")


def test_below_five_animals_means_have_log_delta_and_medians_no_interval(
    settings: IntervalSettings,
) -> None:
    assert relative_mean_of_ratios(ARM, settings, day=9).method == "log_delta_t"
    assert relative_median(ARM, settings, day=9).method == "none"
    five = make_arm([[100, 60, 100 + 20 * i] for i in range(5)], DAYS)
    assert relative_mean_of_ratios(five, settings, day=9).method == "bootstrap_t"
    assert relative_median(five, settings, day=9).method == "order_statistics"


def test_best_change_is_found_for_each_animal_after_its_baseline() -> None:
    change, day = best_changes(ARM)
    assert change == pytest.approx([-40, 20, -50])
    assert day.tolist() == [5, 5, 9]


def test_best_change_of_an_arm_is_the_mean_of_its_animals(settings: IntervalSettings) -> None:
    assert best_change(ARM, settings).estimate == pytest.approx(-70 / 3)


def test_nadir_is_the_smallest_mean_change_and_says_that_its_day_was_picked(
    settings: IntervalSettings,
) -> None:
    result = nadir_change(ARM, settings)
    # Day 5: −40, 20, −40; day 9: 100, 200, −50.
    assert result.estimate == pytest.approx(-20)
    assert result.day == 5
    assert result.status == "flagged"


def test_animals_without_a_usable_baseline_are_left_out(settings: IntervalSettings) -> None:
    missing = make_arm([[math.nan, 60, 200], [0, 60, 150], [200, 120, 100]], DAYS)
    assert relative_mean_of_ratios(missing, settings, day=9).estimate == pytest.approx(0.5)
    change, _ = best_changes(missing)
    assert np.isnan(change[:2]).all()


def test_tumors_that_are_gone_are_a_change_of_minus_100(settings: IntervalSettings) -> None:
    gone = make_arm([[100, 50, 0], [200, 50, 0]], DAYS)
    change, _ = best_changes(gone)
    assert change.tolist() == [-100, -100]
    assert relative_mean_of_ratios(gone, settings, day=9).estimate == 0
    geometric = relative_geometric(gone, settings, day=9)
    assert geometric.estimate == pytest.approx(math.sqrt(10 / 100 * 10 / 200))
    assert geometric.status == "flagged"
