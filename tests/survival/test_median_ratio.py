"""Ratio and difference of Kaplan-Meier medians with their bootstrap limits."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from oncovivo.errors import InputError
from oncovivo.numerics import median_survival_time, product_limit
from oncovivo.survival.median_ratio import (
    MedianRatio,
    median_ratio,
    median_times,
    resampled_medians,
)

CONTROL = [10.0, 12, 13, 15, 17]
ARM = [21.0, 26, 28, 33, 40]
GROUP = [0] * 5 + [1] * 5


def found(
    arm: list[float], happened: list[int], *, control_happened: list[int] | None = None
) -> MedianRatio:
    event = [*(control_happened or [1] * 5), *happened]
    group = [0] * 5 + [1] * len(arm)
    rng = np.random.default_rng(5)
    return median_ratio([*CONTROL, *arm], event, group, arm=1, control=0, rng=rng)


def test_the_ratio_is_that_of_the_medians() -> None:
    result = found(ARM, [1] * 5)
    assert result.ratio == pytest.approx(28 / 13)
    assert result.difference == pytest.approx(15)
    assert (result.median_arm, result.median_control) == (28, 13)
    assert (result.status, result.reason, result.draws) == ("ok", "", 2000)


def test_medians_of_many_groups_are_those_of_the_product_limit() -> None:
    rng = np.random.default_rng(2)
    time = rng.integers(1, 7, size=(400, 7)).astype(float)
    event = rng.random((400, 7)) < 0.7
    for row, median in enumerate(median_times(time, event)):
        alone = median_survival_time(product_limit(time[row], event[row]))
        assert median == (math.inf if alone is None else pytest.approx(alone))


def test_limits_are_the_percentiles_of_all_resamples() -> None:
    # Uncensored medians of five: each of the 5**5 resamples by enumeration in both arms.
    def shares(values: list[float]) -> dict[float, float]:
        weights: dict[float, float] = {}
        for rows in itertools.product(range(5), repeat=5):
            median = sorted(values[row] for row in rows)[2]
            weights[median] = weights.get(median, 0.0) + 1 / 5**5
        return weights

    pairs = sorted(
        (a / c, p * q) for a, p in shares(ARM).items() for c, q in shares(CONTROL).items()
    )
    ratios = np.array([ratio for ratio, _ in pairs])
    below = np.cumsum([share for _, share in pairs])
    rng = np.random.default_rng(5)
    result = median_ratio(
        [*CONTROL, *ARM], [1] * 10, GROUP, arm=1, control=0, rng=rng, draws=200_000
    )
    assert result.ratio_lower == pytest.approx(ratios[np.searchsorted(below, 0.025)])
    assert result.ratio_upper == pytest.approx(ratios[np.searchsorted(below, 0.975)])


def test_swapping_the_arms_inverts_the_ratio_and_negates_the_difference() -> None:
    time, event = [*CONTROL, *ARM], [1] * 10
    one = median_ratio(
        time, event, GROUP, arm=1, control=0, rng=np.random.default_rng(1), draws=99_999
    )
    other = median_ratio(
        time, event, GROUP, arm=0, control=1, rng=np.random.default_rng(2), draws=99_999
    )
    assert one.ratio is not None
    assert one.ratio_lower is not None
    assert other.ratio == pytest.approx(1 / one.ratio)
    assert other.ratio_upper == pytest.approx(1 / one.ratio_lower)
    assert other.difference_lower == -(one.difference_upper or 0)


def test_an_arm_that_does_not_reach_its_median_is_greater_than_its_follow_up() -> None:
    result = found([20.0, 60, 60, 60, 60], [1, 0, 0, 0, 0])
    assert result.status == "not_reached"
    assert result.ratio is None
    assert result.ratio_greater_than == pytest.approx(60 / 13)
    assert result.difference_greater_than == pytest.approx(47)
    assert result.ratio_upper is None
    # one in seventeen resamples reaches the median, by drawing the event three times or more
    assert result.ratio_lower == pytest.approx(20 / 13, rel=0.35)
    assert "not reached by 60" in result.reason


def test_resamples_without_a_median_open_the_upper_limit() -> None:
    result = found([21.0, 26, 28, 40, 40], [1, 1, 1, 0, 0])
    assert result.ratio == pytest.approx(28 / 13)
    assert result.ratio_lower is not None
    assert result.ratio_upper is None
    assert result.difference_upper is None
    assert (result.status, result.reason) == ("unbounded", "too few events: no upper limit")


def test_resamples_without_the_controls_median_open_the_lower_limit() -> None:
    result = found(ARM, [1] * 5, control_happened=[1, 1, 1, 0, 0])
    assert result.ratio_lower is None
    assert result.difference_lower is None
    assert result.ratio_upper is not None
    assert result.reason == "too few events: no lower limit"


def test_without_the_controls_median_there_is_no_ratio() -> None:
    result = found(ARM, [1] * 5, control_happened=[1, 1, 0, 0, 0])
    assert (result.ratio, result.ratio_greater_than, result.median_arm) == (None, None, 28)
    assert result.status == "not_estimable"
    assert result.reason == "the control's median was not reached by 17"


def test_a_control_with_the_event_at_once_has_no_ratio() -> None:
    rng = np.random.default_rng(1)
    result = median_ratio([0, 0, 3, 4], [1] * 4, [0, 0, 1, 1], arm=1, control=0, rng=rng)
    assert (result.status, result.reason) == ("not_estimable", "the control's median is 0")


def test_resamples_of_a_control_at_zero_open_the_ratios_upper_limit_only() -> None:
    rng = np.random.default_rng(1)
    time = [0.0, 0, 13, 15, 17, *ARM]
    result = median_ratio(time, [1] * 10, GROUP, arm=1, control=0, rng=rng)
    assert result.ratio_upper is None
    assert result.difference_upper is not None
    assert result.status == "unbounded"


def test_four_animals_have_a_ratio_without_limits() -> None:
    rng = np.random.default_rng(1)
    time, group = [1.0, 2, 3, 4, 5, 6, 7, 8], [0] * 4 + [1] * 4
    result = median_ratio(time, [1] * 8, group, arm=1, control=0, rng=rng)
    assert result.ratio == pytest.approx(6.5 / 2.5)
    assert (result.ratio_lower, result.ratio_upper, result.draws) == (None, None, 0)
    assert (result.status, result.reason) == (
        "flagged",
        "4 animals are too few to resample: no limits",
    )
    open_ = median_ratio(time, [1] * 4 + [0] * 4, group, arm=1, control=0, rng=rng)
    assert open_.status == "not_reached"
    assert open_.reason == (
        "the arm's median was not reached by 8; 4 animals are too few to resample: no limits"
    )


def test_the_same_seed_gives_the_same_limits() -> None:
    assert found(ARM, [1] * 5).to_dict() == found(ARM, [1] * 5).to_dict()


def test_an_animal_that_leaves_with_the_event_of_another_is_still_at_risk() -> None:
    medians = resampled_medians(
        np.array([5.0, 5.0]), np.array([False, True]), draws=4000, rng=np.random.default_rng(3)
    )
    # a median is reached unless both drawn animals are the one that left
    assert np.isinf(medians).mean() == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"arm": 0}, "another one as its control"),
        ({"arm": 7}, "group that has animals"),
        ({"draws": 50}, "99 draws or more"),
        ({"level": 0.999}, "2000 draws or more"),
        ({"level": 1.0}, "confidence"),
        ({"group": [0, 1]}, "a group for each animal"),
        ({"time": [-1.0, *CONTROL[1:], *ARM]}, "0 or later"),
    ],
)
def test_bad_input_is_one_clear_line(changed: dict[str, object], message: str) -> None:
    given: dict[str, object] = {
        "time": [*CONTROL, *ARM],
        "event": [1] * 10,
        "group": GROUP,
        "arm": 1,
        "control": 0,
        "rng": np.random.default_rng(1),
        "draws": 500,
        **changed,
    }
    with pytest.raises(InputError, match=message):
        median_ratio(**given)  # type: ignore[arg-type]
