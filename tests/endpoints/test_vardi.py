"""The permutation test of areas: statistic by hand, scores, exactness, seed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from oncovivo.endpoints.vardi import area_scores, areas_to, vardi_auc_test
from oncovivo.errors import DataError, InputError
from tests.endpoints.conftest import make_arm

NAN = math.nan
DAYS = (0.0, 4.0, 10.0)


def test_areas_stop_between_readings_and_begin_with_the_first_one() -> None:
    day = np.array([[0.0, 4.0, 10.0]])
    size = np.array([[100.0, 300.0, 600.0]])
    areas = areas_to(day, size, day >= 0, np.array([0.0, 2.0, 4.0, 7.0, 10.0, 99.0]))
    # A peer puts a volume of 0 before the first reading; nothing is put there here.
    assert areas[0].tolist() == pytest.approx([0, 300, 800, 800 + 3 * 375, 3500, 3500])


def test_the_statistic_compares_pairs_up_to_the_shorter_follow_up() -> None:
    treated = make_arm([[100, 100, 100], [100, 200, 100]], DAYS)
    control = make_arm([[100, 300, NAN], [100, 300, 600]], DAYS, name="vehicle")
    result = vardi_auc_test(treated, control, rng=np.random.default_rng(1))
    # Control 1 leaves on day 4: 400 − 800 and 600 − 800. Control 2: 1000 − 3500, 1500 − 3500.
    assert result.statistic == pytest.approx((-400 - 200 - 2500 - 2000) / 4)
    assert (result.n_treated, result.n_control) == (2, 2)
    assert (result.n_relabelings, result.exact) == (6, True)


def test_scores_give_the_pairwise_sum_for_any_labels() -> None:
    rng = np.random.default_rng(6)
    day = np.broadcast_to(np.array([0.0, 3.0, 8.0, 12.0]), (7, 4))
    size = rng.lognormal(5, 0.7, (7, 4))
    use = np.arange(4) < rng.integers(2, 5, 7)[:, None]
    scores = area_scores(day, size, use)
    last = np.where(use, day, 0).max(axis=1)
    for _ in range(10):
        first = rng.permutation(7)[:3]
        slow = 0.0
        for j in first:
            for k in set(range(7)) - set(first.tolist()):
                end = np.array([min(last[j], last[k])])
                one, other = (areas_to(day[[i]], size[[i]], use[[i]], end)[0, 0] for i in (j, k))
                slow += one - other
        assert scores[first].sum() == pytest.approx(slow)


def test_arms_that_are_far_apart_have_the_smallest_possible_p_value() -> None:
    treated = make_arm([[100, 90, 80 + i] for i in range(4)], DAYS)
    control = make_arm([[100, 300, 900 + i] for i in range(4)], DAYS, name="vehicle")
    assert vardi_auc_test(treated, control, rng=np.random.default_rng(1)).p_value == 2 / 70


def test_the_scale_is_a_choice_and_changes_the_statistic() -> None:
    treated = make_arm([[100, 90, 80], [100, 110, 80]], DAYS)
    control = make_arm([[100, 300, 900], [100, 200, 900]], DAYS, name="vehicle")
    logs = vardi_auc_test(treated, control, rng=np.random.default_rng(1), scale="log")
    assert logs.statistic == pytest.approx(
        np.mean([np.trapezoid(np.log([100, x, 80]), DAYS) for x in (90, 110)])
        - np.mean([np.trapezoid(np.log([100, x, 900]), DAYS) for x in (300, 200)])
    )
    with pytest.raises(InputError, match="a scale: volume or log"):
        vardi_auc_test(
            treated,
            control,
            rng=np.random.default_rng(1),
            scale="sqrt",  # type: ignore[arg-type]
        )


def test_an_arm_without_two_readings_of_any_animal_is_refused() -> None:
    single = make_arm([[100, NAN, NAN]], DAYS)
    with pytest.raises(DataError, match="two readings"):
        vardi_auc_test(single, single, rng=np.random.default_rng(1))


def test_under_the_null_the_test_keeps_its_level() -> None:
    rng = np.random.default_rng(12)
    days = np.arange(0, 22, 3.5)
    rejected = 0
    for _ in range(400):
        arms = []
        for name in ("drug", "vehicle"):
            rates = 0.1 + 0.02 * rng.standard_normal((5, 1))
            noise = 0.15 * rng.standard_normal((5, days.size))
            arms.append(make_arm((150 * np.exp(rates * days + noise)).tolist(), days, name=name))
        rejected += vardi_auc_test(arms[0], arms[1], rng=rng).p_value <= 0.05
    # 5 % less what 252 relabelings cannot reach; four Monte Carlo errors.
    assert rejected / 400 <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / 400)
