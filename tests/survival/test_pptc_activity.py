"""Activity of an arm by EFS T/C, the exact log-rank test and the final volumes."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from oncovivo.errors import InputError
from oncovivo.survival.activity import ActivityRule, PptcActivity, activity_call, pptc_activity
from oncovivo.survival.median_ratio import MedianRatio

CONTROL = [9.0, 10, 11, 12, 13]
GROWN = [4.2] * 5
NONE_LEFT = [0.3, 0.5, 0.2, 0.0, 2.0]
RATIO = MedianRatio(
    n_arm=8,
    n_control=8,
    events_arm=8,
    events_control=8,
    median_arm=33,
    median_control=11,
    last_arm=42,
    last_control=20,
    ratio=3.0,
    level=0.95,
)
OPEN = replace(
    RATIO, median_arm=None, ratio=None, ratio_greater_than=42 / 11, status="not_reached"
)


def activity(
    arm: list[float], event: list[int], final: list[float], **options: object
) -> PptcActivity:
    return pptc_activity(
        [*CONTROL, *arm],
        [*[1] * 5, *event],
        [0] * 5 + [1] * len(arm),
        [*GROWN, *final],
        arm=1,
        control=0,
        rng=np.random.default_rng(1),
        **options,  # type: ignore[arg-type]
    )


def test_all_three_criteria_make_high() -> None:
    result = activity([40.0, 42, 42, 42, 42], [1, 0, 0, 0, 0], NONE_LEFT)
    assert result.call == "high"
    assert result.medians is not None
    assert result.medians.ratio_greater_than == pytest.approx(42 / 11)
    # complete separation: the two most extreme of 252 relabelings
    assert result.p_value == pytest.approx(2 / 252)
    assert (result.exact, result.monte_carlo_error) == (True, 0)
    assert (result.median_final_ratio, result.n_final) == (0.3, 5)


def test_without_net_regression_it_is_intermediate() -> None:
    result = activity([24.0, 25, 26, 27, 28], [1] * 5, GROWN)
    assert result.call == "intermediate"
    assert result.reason == "T/C 2.36, p ≤ 0.05, median final volume 4.20 times baseline"


def test_a_median_final_volume_at_baseline_is_no_regression() -> None:
    call, _ = activity_call(RATIO, p_value=0.01, median_final_ratio=1.0)
    assert call == "intermediate"


def test_a_significant_delay_below_twice_the_control_is_low() -> None:
    result = activity([19.0, 20, 21, 21.5, 21.9], [1] * 5, NONE_LEFT)
    assert (result.call, result.reason) == ("low", "T/C 1.91, p ≤ 0.05")


def test_exactly_twice_the_control_is_not_above_two() -> None:
    call, _ = activity_call(replace(RATIO, ratio=2.0), p_value=0.001, median_final_ratio=0.1)
    assert call == "low"


def test_a_large_ratio_without_significance_is_low() -> None:
    call, reason = activity_call(RATIO, p_value=0.051, median_final_ratio=0.1)
    assert (call, reason) == ("low", "T/C 3.00, p > 0.05")
    assert activity_call(RATIO, p_value=0.05, median_final_ratio=0.1)[0] == "high"


def test_a_ratio_beyond_two_counts_as_above_two() -> None:
    at = replace(OPEN, ratio_greater_than=2.0)
    assert activity_call(at, p_value=0.001, median_final_ratio=0.1)[0] == "high"


def test_a_ratio_beyond_less_than_two_leaves_the_call_open() -> None:
    less = replace(OPEN, ratio_greater_than=1.9)
    call, reason = activity_call(less, p_value=0.001, median_final_ratio=0.1)
    assert (call, reason) == ("not_evaluable", "T/C > 1.90 does not tell whether it is above 2")
    # not significant: low whatever the ratio
    call, reason = activity_call(less, p_value=0.2, median_final_ratio=0.1)
    assert (call, reason) == ("low", "p > 0.05, whatever the T/C (T/C > 1.90)")


def test_without_the_controls_median_it_is_not_evaluable() -> None:
    result = pptc_activity(
        [9.0, 42, 42, 42, 42, 42],
        [1, 0, 0, 0, 0, 0],
        [0, 0, 0, 1, 1, 1],
        [4, 1, 1, 0, 0, 0],
        arm=1,
        control=0,
        rng=np.random.default_rng(1),
    )
    assert result.call == "not_evaluable"
    assert result.reason == "the control's median was not reached by 42"


def test_more_than_a_quarter_of_toxic_deaths_is_not_evaluable() -> None:
    toxic = [False] * 5 + [True, True, False, False, False]
    arm, event = [3.0, 4, 42, 42, 42], [0] * 5
    result = activity(arm, event, NONE_LEFT, toxic=toxic)
    assert (result.call, result.n_animals, result.n_toxic) == ("not_evaluable", 5, 2)
    assert result.reason == "40 % toxic deaths, more than 25 %"
    allowed = activity(arm, event, NONE_LEFT, toxic=toxic, rule=ActivityRule(most_toxic=0.4))
    assert allowed.call == "high"


def test_a_quarter_is_allowed_and_toxic_deaths_do_not_enter() -> None:
    arm, event = [3.0, 40, 41, 42], [1, 1, 1, 1]
    toxic = [False] * 5 + [True, False, False, False]
    result = activity(arm, event, [9.0, 0.5, 0.6, 0.7], toxic=toxic)
    assert result.call == "high"
    assert result.medians is not None
    assert (result.medians.n_arm, result.medians.median_arm) == (3, 41)
    assert result.median_final_ratio == 0.6


def test_an_arm_of_toxic_deaths_alone_is_not_evaluable() -> None:
    result = activity([3.0, 4], [0, 0], [1.0, 1.0], toxic=[False] * 5 + [True, True])
    assert (result.call, result.p_value, result.medians) == ("not_evaluable", None, None)
    assert result.reason == "no animal of the arm is left but toxic deaths"


def test_without_final_volumes_high_and_intermediate_cannot_be_told_apart() -> None:
    result = activity([40.0, 41, 42, 43, 44], [1] * 5, [math.nan] * 5)
    assert (result.call, result.median_final_ratio, result.n_final) == ("not_evaluable", None, 0)
    # a low arm needs none
    low = activity([11.0, 12, 13, 14, 15], [1] * 5, [math.nan] * 5)
    assert low.call == "low"


def test_animals_of_other_arms_do_not_matter() -> None:
    alone = activity([24.0, 25, 26, 27, 28], [1] * 5, GROWN)
    beside = pptc_activity(
        [*CONTROL, 24, 25, 26, 27, 28, 1, 99],
        [1] * 12,
        [0] * 5 + [1] * 5 + [2] * 2,
        [*GROWN, *GROWN, 0, math.nan],
        arm=1,
        control=0,
        rng=np.random.default_rng(1),
    )
    assert beside == alone


def test_the_result_is_ready_for_json() -> None:
    result = activity([40.0, 42, 42, 42, 42], [1, 0, 0, 0, 0], NONE_LEFT)
    made = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert made["rule"] == {
        "ratio_above": 2.0,
        "alpha": 0.05,
        "final_ratio_below": 1.0,
        "most_toxic": 0.25,
    }
    assert made["medians"]["median_control"] == 11


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"ratio_above": 0.0}, "T/C above 0"),
        ({"alpha": 1.0}, "p-value above 0 and below 1"),
        ({"final_ratio_below": math.nan}, "final volume over baseline above 0"),
        ({"most_toxic": 25.0}, "toxic deaths from 0 to 1"),
    ],
)
def test_cut_offs_out_of_range_are_refused(rule: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ActivityRule(**rule)


@pytest.mark.parametrize(
    ("final", "options", "message"),
    [
        ([1.0] * 4, {}, "a final ratio for each animal"),
        ([-1.0] * 5, {}, "0 or more"),
        ([math.inf] * 5, {}, "0 or more"),
        ([1.0] * 5, {"toxic": [True]}, "a toxic mark for each animal"),
    ],
)
def test_bad_input_is_one_clear_line(
    final: list[float], options: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        activity([20.0, 21, 22, 23, 24], [1] * 5, final, **options)


def test_a_group_without_animals_is_refused() -> None:
    with pytest.raises(InputError, match="a group that has animals"):
        pptc_activity([1], [1], [1], [1], arm=1, control=0, rng=np.random.default_rng(1))
