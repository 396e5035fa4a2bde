"""Restricted mean survival time by hand and against R."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from oncovivo.errors import InputError
from oncovivo.survival.rmst import (
    common_horizon,
    restricted_mean,
    restricted_mean_difference,
    restricted_mean_ratio,
)


def test_without_censoring_it_is_the_mean_of_the_times_cut_at_the_horizon() -> None:
    times = np.array([2.0, 3, 5, 7, 11, 13])
    found = restricted_mean(times, np.ones(6), tau=8)
    cut = np.minimum(times, 8)
    assert found.estimate == pytest.approx(cut.mean())
    # Greenwood: the variance with n, not n - 1
    assert found.std_error == pytest.approx(cut.std() / math.sqrt(6))
    assert found.n_events == 4


def test_with_censoring_it_is_the_area_below_the_curve() -> None:
    found = restricted_mean([2, 4, 5, 9], [1, 0, 1, 0], tau=8)
    # 2 x 1 + 3 x 0.75 + 3 x 0.375
    assert found.estimate == pytest.approx(5.375)
    after = np.array([3 * 0.75 + 3 * 0.375, 3 * 0.375])
    growth = np.array([1 / (4 * 3), 1 / (2 * 1)])
    assert found.std_error == pytest.approx(math.sqrt((after**2 * growth).sum()))


def test_the_horizon_is_the_smallest_of_the_largest_times() -> None:
    assert common_horizon([3, 9, 5, 7, 20], [1, 0, 1, 0, 0], ["a", "a", "b", "b", "c"]) == 7


def test_a_horizon_past_a_curve_that_ends_above_zero_has_no_estimate() -> None:
    found = restricted_mean([3, 5], [1, 0], tau=6)
    assert (found.status, found.estimate, found.std_error) == ("beyond_follow_up", None, None)
    # a curve that has come to 0 stays there
    assert restricted_mean([3, 5], [1, 1], tau=6).estimate == pytest.approx(4)


def test_an_arm_without_event_has_the_horizon_and_no_limits() -> None:
    cured = restricted_mean([9, 9], [0, 0], tau=8)
    assert (cured.status, cured.estimate, cured.lower) == ("no_event", 8.0, None)
    control = restricted_mean([3, 5, 9], [1, 1, 1], tau=8)
    found = restricted_mean_difference(cured, control)
    assert found.status == "no_variance"
    assert found.estimate == pytest.approx(8 - 16 / 3)
    assert (found.lower, found.p_value) == (None, None)


def test_difference_and_ratio_follow_from_the_two_means() -> None:
    arm = restricted_mean([4, 8, 12], [1, 1, 0], tau=10)
    control = restricted_mean([2, 4, 11], [1, 1, 1], tau=10)
    assert arm.estimate is not None
    assert control.estimate is not None
    assert arm.std_error is not None
    assert control.std_error is not None
    difference = restricted_mean_difference(arm, control)
    error = math.sqrt(arm.std_error**2 + control.std_error**2)
    assert difference.std_error == pytest.approx(error)
    assert difference.lower == pytest.approx(2 - 1.959964 * error, rel=1e-6)
    ratio = restricted_mean_ratio(arm, control)
    assert ratio.estimate == pytest.approx(arm.estimate / control.estimate)
    relative = math.hypot(arm.std_error / arm.estimate, control.std_error / control.estimate)
    assert ratio.upper == pytest.approx(
        arm.estimate / control.estimate * math.exp(1.959964 * relative), rel=1e-6
    )
    assert ratio.to_dict()["contrast"] == "ratio"


def test_a_mean_of_zero_has_no_ratio() -> None:
    control = restricted_mean([0, 0], [1, 1], tau=5)
    arm = restricted_mean([2, 4], [1, 1], tau=5)
    assert restricted_mean_ratio(arm, control).status == "not_estimable"


@pytest.mark.parametrize("tau", [0, -3, math.nan, math.inf])
def test_a_horizon_that_is_no_time_is_refused(tau: float) -> None:
    with pytest.raises(InputError, match="a horizon above 0"):
        restricted_mean([3], [1], tau=tau)


def test_means_of_two_horizons_and_groups_of_another_length_are_refused() -> None:
    with pytest.raises(InputError, match="one horizon"):
        restricted_mean_difference(
            restricted_mean([3], [1], tau=2), restricted_mean([3], [1], tau=3)
        )
    with pytest.raises(InputError, match="a group for each time"):
        common_horizon([3, 4], [1, 1], ["a"])


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "section"),
    [("survival_mantel_rats", "70_females"), ("survival_hoel_mice", "70_all_causes")],
)
def test_means_and_errors_agree_with_r(
    name: str,
    section: str,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    table = pd.read_csv(shared_data(f"{name}/survival.csv"))
    if name == "survival_mantel_rats":
        table = table[table["sex"] == "f"]
    table = table.rename(columns={"time_weeks": "time", "time_days": "time"})
    results = shared_reference(name)["sections"][section]["results"]
    expected, whole = results["rmst"], results["km"]["medians_log_ci"]
    for row, arm in enumerate(expected["table"]["g"]):
        rows = table[table["treatment"] == arm]
        found = restricted_mean(rows["time"], rows["event"], tau=expected["tau"])
        assert found.estimate == pytest.approx(expected["table"]["rmst"][row], rel=1e-8)
        assert found.std_error == pytest.approx(expected["table"]["se"][row], rel=1e-8)
        at = whole["arm"].index(f"g={arm}")
        found = restricted_mean(rows["time"], rows["event"], tau=table["time"].max())
        assert found.estimate == pytest.approx(whole["rmean"][at], rel=1e-8)
        assert found.std_error == pytest.approx(whole["se(rmean)"][at], rel=1e-8)
