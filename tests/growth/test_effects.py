"""Sizes of an effect from a fitted model: closed forms, reasons, intervals that cover."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import special

from oncovivo.errors import InputError
from oncovivo.growth.dense import fit_dense
from oncovivo.growth.effects import (
    EFFECTS,
    EffectName,
    GrowthEffect,
    doubling_time,
    fieller,
    group_means,
    growth_effects,
    last_time,
)
from oncovivo.growth.fit import GrowthFit, fit_growth
from oncovivo.growth.model import GrowthModel, RandomEffects, TimeShape
from oncovivo.growth.reduced import fit_reduced
from tests.growth.studies import made_up_growth


def fit_with(
    control: float,
    treated: float,
    *,
    sd_intercept: float = 0.0,
    sd_slope: float = 0.0,
    covariance: float = 0.0,
    model: GrowthModel | None = None,
) -> GrowthFit:
    """A fit of two arms whose estimates are put in by hand; its covariance is a real one's."""
    fit = fit_growth(made_up_growth({"vehicle": 0.1, "drug": 0.06}, animals=8), model)
    place = {name: index for index, name in enumerate(fit.terms.names)}
    coefficients = np.full(fit.coefficients.size, math.log(150.0))
    coefficients[[place["time:vehicle"], place["time:drug"]]] = control, treated
    return replace(
        fit,
        coefficients=coefficients,
        random_covariance=np.array([[sd_intercept**2, covariance], [covariance, sd_slope**2]]),
    )


def effects_of(fit: GrowthFit, *, time: float = 21.0) -> dict[EffectName, GrowthEffect]:
    return {found.effect: found for found in growth_effects(fit, 1, 0, time=time)}


def test_estimates_on_exponential_growth_are_the_closed_forms() -> None:
    found = effects_of(fit_with(0.10, 0.04), time=14.0)
    assert tuple(found) == EFFECTS
    expected: dict[EffectName, float] = {
        "rate_ratio": 0.4,
        "tgi_growth_ratio_pct": 60.0,
        "tgi_rate_pct": 100 * (1 - math.exp(-0.06 * 14)),
        "tgi_delta_geometric_pct": 100 * (1 - math.expm1(0.56) / math.expm1(1.4)),
        "tgi_delta_arithmetic_pct": 100 * (1 - math.expm1(0.56) / math.expm1(1.4)),
        "auc_rate_difference": -0.06,
    }
    for name, value in expected.items():
        assert found[name].estimate == pytest.approx(value, rel=1e-12)
        assert found[name].status == "ok"
        assert found[name].reason == ""


def test_arithmetic_means_carry_the_spread_between_animals() -> None:
    d11, d12, d22 = 0.09, -0.002, 0.0004
    fit = fit_with(0.1, 0.04, sd_intercept=0.3, sd_slope=0.02, covariance=d12)
    time = np.array([0.0, 14.0])
    means = group_means(fit, 1, time, kind="arithmetic")
    expected = math.log(150.0) + 0.04 * time + (d11 + 2 * time * d12 + time**2 * d22) / 2
    assert means.log_mean == pytest.approx(expected, rel=1e-12)
    geometric = group_means(fit, 1, time, kind="geometric")
    assert geometric.log_mean == pytest.approx(math.log(150.0) + 0.04 * time, rel=1e-12)
    assert not geometric.variance_weights.any()


RANDOM: list[tuple[RandomEffects, tuple[str, ...]]] = [
    ("intercept_slope", ("var(intercept)", "cov(intercept,slope)", "var(slope)")),
    ("intercept_slope_independent", ("var(intercept)", "var(slope)")),
    ("slope", ("var(slope)",)),
    ("intercept", ("var(intercept)",)),
]


@pytest.mark.parametrize(("random", "names"), RANDOM)
def test_slopes_by_the_variances_stand_in_the_order_of_the_engines(
    random: RandomEffects, names: tuple[str, ...]
) -> None:
    fit = fit_with(0.1, 0.04, model=GrowthModel(random=random))
    for engine in (fit_reduced(fit.problem), fit_dense(fit.problem)):
        assert engine.parameters[: len(names)] == names
    time = np.array([0.0, 5.0, 14.0])
    found = group_means(fit, 0, time, kind="arithmetic").variance_weights
    assert found.shape == (3, len(names))
    moved = {
        "var(intercept)": np.array([[1.0, 0.0], [0.0, 0.0]]),
        "cov(intercept,slope)": np.array([[0.0, 1.0], [1.0, 0.0]]),
        "var(slope)": np.array([[0.0, 0.0], [0.0, 1.0]]),
    }
    start = group_means(fit, 0, time, kind="arithmetic").log_mean
    for column, name in enumerate(names):
        covariance = fit.random_covariance + 1e-3 * moved[name]
        other = replace(fit, random_covariance=covariance)
        end = group_means(other, 0, time, kind="arithmetic").log_mean
        assert (end - start) / 1e-3 == pytest.approx(found[:, column], abs=1e-9)


def test_arithmetic_means_are_those_of_many_simulated_animals() -> None:
    fit = fit_with(0.1, 0.04, sd_intercept=0.3, sd_slope=0.02, covariance=-0.002)
    rng = np.random.default_rng(3)
    draws = rng.multivariate_normal([0.0, 0.0], fit.random_covariance, size=400_000)
    sizes = np.exp(math.log(150.0) + 0.04 * 14 + draws[:, 0] + draws[:, 1] * 14)
    mean = group_means(fit, 1, np.array([14.0]), kind="arithmetic").log_mean[0]
    assert math.exp(mean) == pytest.approx(sizes.mean(), rel=4 * sizes.std() / sizes.mean() / 632)


def test_inhibition_of_arithmetic_means_is_the_known_truth_of_a_study_with_leavers() -> None:
    """Rates 0.11 and 0.07 with slope SD 0.02 inhibit by 70.1 % on day 28, by 62.5 % on day 21."""
    fit = fit_with(0.11, 0.07, sd_slope=0.02)
    for day, truth in ((14.0, 54.0), (21.0, 62.5), (28.0, 70.1)):
        found = effects_of(fit, time=day)["tgi_delta_arithmetic_pct"]
        assert found.estimate == pytest.approx(truth, abs=0.1)


def test_a_large_study_finds_the_arithmetic_inhibition() -> None:
    data = made_up_growth({"vehicle": 0.11, "drug": 0.07}, animals=400, sd_intercept=0.001, seed=4)
    found = effects_of(fit_growth(data), time=28.0)["tgi_delta_arithmetic_pct"]
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower < 70.1 < found.upper
    assert found.upper - found.lower < 6


def test_a_treated_curve_that_is_back_at_its_start_inhibits_by_100_percent() -> None:
    found = effects_of(fit_with(0.1, 0.0))
    assert found["tgi_delta_geometric_pct"].estimate == pytest.approx(100.0, abs=1e-9)
    assert found["tgi_growth_ratio_pct"].estimate == pytest.approx(100.0, abs=1e-9)


def test_an_arm_that_shrinks_has_limits_on_both_sides_above_100_percent() -> None:
    found = effects_of(fit_with(0.1, -0.2), time=14.0)["tgi_delta_geometric_pct"]
    assert found.lower is not None
    assert found.upper is not None
    assert found.estimate is not None
    assert 100 < found.lower < found.estimate < found.upper


def test_limits_move_without_a_jump_through_no_growth() -> None:
    near = [
        effects_of(fit_with(0.1, rate))["tgi_delta_geometric_pct"] for rate in (-1e-9, 0.0, 1e-9)
    ]
    for found in near:
        assert found.lower == pytest.approx(near[1].lower, abs=1e-5)
        assert found.upper == pytest.approx(near[1].upper, abs=1e-5)


def test_the_same_curves_inhibit_by_nothing() -> None:
    found = effects_of(fit_with(0.1, 0.1))
    for name in EFFECTS:
        zero = 1.0 if name == "rate_ratio" else 0.0
        effect = found[name]
        assert effect.estimate == pytest.approx(zero, abs=1e-9)
        assert effect.lower is not None
        assert effect.upper is not None
        assert effect.lower < zero < effect.upper


def test_the_limits_are_where_the_two_logs_part_by_the_t_quantile() -> None:
    """On lines from one start the variance of the geometric share can be written down."""
    fit = fit_with(0.1, 0.05)
    time = 14.0
    found = effects_of(fit, time=time)["tgi_delta_geometric_pct"]
    covariance = fit.inference.covariance
    place = [fit.terms.names.index(name) for name in ("time:drug", "time:vehicle")]
    part = covariance[np.ix_(place, place)] * time**2
    assert found.df is not None
    reach = float(special.stdtrit(found.df, 0.975))
    for limit in (found.lower, found.upper):
        assert limit is not None
        share = 1 - limit / 100
        right = 1 + share * math.expm1(0.1 * time)
        slopes = np.array([1.0, -share * math.exp(0.1 * time) / right])
        # The start moves both sides alike.
        gap = 0.05 * time - math.log(right)
        assert abs(gap) == pytest.approx(reach * math.sqrt(slopes @ part @ slopes), rel=1e-6)


@pytest.mark.parametrize("control", [0.0, -0.05])
def test_a_control_that_does_not_grow_leaves_ratios_undefined(control: float) -> None:
    found = effects_of(fit_with(control, 0.05))
    for name in (
        "rate_ratio",
        "tgi_growth_ratio_pct",
        "tgi_delta_geometric_pct",
        "tgi_delta_arithmetic_pct",
    ):
        effect = found[name]
        assert effect.estimate is None
        assert effect.status == "undefined"
        assert effect.reason == "the control does not grow"
    assert found["tgi_rate_pct"].estimate is not None
    assert found["auc_rate_difference"].estimate == pytest.approx(0.05 - control)


def test_a_control_whose_growth_is_not_sure_has_ratios_without_limits() -> None:
    found = effects_of(fit_with(0.004, 0.05))
    for name in ("rate_ratio", "tgi_delta_geometric_pct"):
        effect = found[name]
        assert effect.estimate is not None
        assert effect.lower is None
        assert effect.upper is None
        assert effect.status == "unbounded"
        assert "does not differ from zero" in effect.reason


def test_a_day_beyond_the_readings_of_an_arm_is_said() -> None:
    found = effects_of(fit_with(0.1, 0.05), time=30.0)
    day = found["tgi_delta_geometric_pct"]
    assert day.status == "flagged"
    assert day.reason == (
        "no reading any more, the curve carries on: 'drug' from day 21, 'vehicle' from day 21"
    )
    assert found["rate_ratio"].status == "ok"
    assert found["rate_ratio"].day is None


def test_a_singular_fit_says_that_the_spread_is_taken_as_known() -> None:
    data = made_up_growth({"vehicle": 0.1, "drug": 0.05}, sd_slope=0.0, sd_intercept=0.0, seed=2)
    fit = fit_growth(data)
    assert fit.singular
    effect = effects_of(fit)["tgi_delta_arithmetic_pct"]
    assert effect.status == "flagged"
    assert effect.reason == "the spread between animals is taken as known"


def test_area_and_slope_agree_on_a_line_and_differ_on_a_bend() -> None:
    data = made_up_growth({"vehicle": 0.1, "drug": 0.05})
    line = effects_of(fit_growth(data))
    bend = effects_of(
        fit_growth(data, GrowthModel(time=TimeShape(kind="piecewise", knots=(7.0,))))
    )
    slope = fit_growth(data)
    difference = slope.coefficients[2] - slope.coefficients[1]
    assert line["auc_rate_difference"].estimate == pytest.approx(difference, rel=1e-9)
    assert bend["auc_rate_difference"].estimate != pytest.approx(difference, rel=1e-4)
    assert bend["rate_ratio"].day == 21.0


def test_fieller_limits_are_the_ratios_that_a_t_test_keeps() -> None:
    covariance = np.array([[0.04, 0.01], [0.01, 0.02]])
    limits = fieller(1.0, 2.0, covariance, df=9.0, level=0.95)
    assert limits is not None
    for ratio in limits:
        error = math.sqrt(np.array([1.0, -ratio]) @ covariance @ np.array([1.0, -ratio]))
        assert abs(1.0 - ratio * 2.0) / error == pytest.approx(2.2621571628, rel=1e-8)
    assert fieller(1.0, 0.2, covariance, df=9.0, level=0.95) is None


def test_a_doubling_time_without_growth_has_a_reason() -> None:
    assert doubling_time(0.0, -0.1, 0.1).reason == "the arm is standing still"
    unbounded = doubling_time(0.05, -0.01, 0.11)
    assert unbounded.status == "unbounded"
    assert unbounded.upper is None
    assert unbounded.lower == pytest.approx(math.log(2) / 0.11)
    assert doubling_time(0.05, None, None).status == "not_estimable"


def test_intervals_cover_the_truth() -> None:
    """Four hundred studies of eight a group; 95 % within three standard errors."""
    truths: dict[EffectName, float] = {
        "rate_ratio": 0.06 / 0.11,
        "tgi_rate_pct": 100 * (1 - math.exp(-0.05 * 21)),
        "tgi_delta_geometric_pct": 100 * (1 - math.expm1(0.06 * 21) / math.expm1(0.11 * 21)),
        "tgi_delta_arithmetic_pct": 100
        * (1 - (math.exp(1.26 + 0.0882) - 1) / (math.exp(2.31 + 0.0882) - 1)),
    }
    inside = dict.fromkeys(truths, 0)
    for seed in range(400):
        data = made_up_growth({"vehicle": 0.11, "drug": 0.06}, animals=8, seed=seed)
        found = effects_of(fit_growth(data, GrowthModel(intercept="arm")))
        for name, truth in truths.items():
            effect = found[name]
            assert effect.lower is not None
            assert effect.upper is not None
            inside[name] += effect.lower <= truth <= effect.upper
    for count in inside.values():
        assert 367 <= count <= 393


def test_a_day_that_is_not_after_the_baseline_is_refused() -> None:
    fit = fit_with(0.1, 0.05)
    assert last_time(fit, 1) == 21.0
    with pytest.raises(InputError, match="a day after the baseline"):
        growth_effects(fit, 1, 0, time=0.0)
    with pytest.raises(InputError, match="a level between 0 and 1"):
        growth_effects(fit, 1, 0, time=7.0, level=0.0)
