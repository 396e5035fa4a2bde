"""Comparison of arms with the control: what must hold whatever the data are."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.growth.compare import Adjustment, GrowthComparison, compare
from oncovivo.growth.data import GrowthData, growth_data_from_arrays
from oncovivo.growth.fit import fit_growth
from oncovivo.growth.model import GrowthModel, TimeShape
from tests.growth.studies import made_up_growth

FloatArray: TypeAlias = NDArray[np.float64]
RATES = {"vehicle": 0.11, "low": 0.09, "mid": 0.06, "high": -0.02}
ADJUSTMENTS: list[Adjustment] = ["dunnett", "holm", "tukey", "none"]


def result_of(adjustment: Adjustment = "dunnett", *, seed: int = 1) -> GrowthComparison:
    data = made_up_growth(RATES, seed=seed)
    return compare(fit_growth(data), "vehicle", adjustment=adjustment)


def reordered(data: GrowthData, names: dict[str, str], *, scale: float = 1.0) -> GrowthData:
    """The same readings in another order of arms, under other names, in another unit of time."""
    rows = np.lexsort((data.time, data.animal, -data.arm[data.animal]))
    return growth_data_from_arrays(
        arm=[names[data.arms[data.arm[data.animal[row]]]] for row in rows],
        animal_id=["x" + data.animal_ids[data.animal[row]] for row in rows],
        time=data.time[rows] * scale,
        log_size=data.log_size[rows],
    )


@pytest.mark.parametrize("adjustment", ADJUSTMENTS)
def test_adjustment_only_ever_raises_p_and_widens_limits(adjustment: Adjustment) -> None:
    for found in result_of(adjustment).contrasts:
        if adjustment == "none":
            assert found.p_adjusted is None
            assert found.lower_simultaneous is None
            assert found.upper_simultaneous is None
            continue
        assert found.p_value is not None
        assert found.p_adjusted is not None
        assert found.p_value <= found.p_adjusted <= 1
        assert found.lower_simultaneous is not None
        assert found.upper_simultaneous is not None
        assert found.lower is not None
        assert found.upper is not None
        assert found.lower_simultaneous < found.lower < found.upper < found.upper_simultaneous


def test_simultaneous_limits_and_adjusted_p_agree_about_zero() -> None:
    for seed in range(6):
        for found in result_of(seed=seed).contrasts:
            assert found.p_adjusted is not None
            assert found.lower_simultaneous is not None
            assert found.upper_simultaneous is not None
            outside = found.lower_simultaneous > 0 or found.upper_simultaneous < 0
            assert outside == (found.p_adjusted < 0.05)


def test_dunnett_is_sharper_than_bonferroni() -> None:
    dunnett, bonferroni = result_of(), result_of("holm")
    for one, other in zip(dunnett.contrasts, bonferroni.contrasts, strict=True):
        assert one.upper_simultaneous is not None
        assert other.upper_simultaneous is not None
        assert one.upper_simultaneous < other.upper_simultaneous


@pytest.mark.parametrize("adjustment", ["dunnett", "holm", "tukey"])
def test_one_arm_against_the_control_needs_no_adjustment(adjustment: Adjustment) -> None:
    data = made_up_growth({"vehicle": 0.1, "drug": 0.07})
    found = compare(fit_growth(data), "vehicle", adjustment=adjustment).contrast("drug")
    assert found.p_adjusted == pytest.approx(found.p_value, rel=1e-12)
    assert found.lower_simultaneous == pytest.approx(found.lower, rel=1e-12)


def test_tukey_compares_all_pairs_and_the_control_is_always_the_reference() -> None:
    result = result_of("tukey")
    pairs = [(found.arm, found.versus) for found in result.contrasts]
    assert len(set(pairs)) == 6
    assert all(arm != "vehicle" for arm, _ in pairs)
    assert result.family.size == 6


def test_contrasts_are_differences_of_the_rates() -> None:
    result = result_of("tukey")
    rates = {rate.arm: rate.estimate for rate in result.rates}
    assert result.rates[0].arm == "vehicle"
    for found in result.contrasts:
        one, other = rates[found.arm], rates[found.versus]
        assert one is not None
        assert other is not None
        assert found.estimate == pytest.approx(one - other, abs=1e-14)


@pytest.mark.parametrize("adjustment", ["dunnett", "tukey"])
def test_order_and_names_of_the_arms_do_not_matter(adjustment: Adjustment) -> None:
    data = made_up_growth(RATES)
    names = {"vehicle": "Z", "low": "q", "mid": "A 1", "high": "é"}
    one = compare(fit_growth(data), "vehicle", adjustment=adjustment)
    other = compare(fit_growth(reordered(data, names)), "Z", adjustment=adjustment)
    twin = {(found.arm, found.versus): found for found in other.contrasts}
    for found in one.contrasts:
        pair = (names[found.arm], names[found.versus])
        sign = 1.0 if pair in twin else -1.0
        match = twin[pair if pair in twin else pair[::-1]]
        assert match.estimate is not None
        assert sign * match.estimate == pytest.approx(found.estimate, rel=1e-8)
        assert match.p_value == pytest.approx(found.p_value, rel=1e-6)
        assert match.p_adjusted == pytest.approx(found.p_adjusted, abs=1e-6)
    effects = {(effect.arm, effect.effect): effect for effect in other.effects}
    for effect in one.effects:
        match_effect = effects[names[effect.arm], effect.effect]
        assert match_effect.estimate == pytest.approx(effect.estimate, rel=1e-6)
        assert match_effect.lower == pytest.approx(effect.lower, rel=1e-5)
        assert match_effect.upper == pytest.approx(effect.upper, rel=1e-5)


def test_the_unit_of_time_scales_rates_and_leaves_the_rest() -> None:
    data = made_up_growth(RATES)
    names = {name: name for name in RATES}
    days = compare(fit_growth(data), "vehicle")
    hours = compare(fit_growth(reordered(data, names, scale=24.0)), "vehicle")
    for name in ("low", "mid", "high"):
        one, other = days.contrast(name), hours.contrast(name)
        assert one.estimate is not None
        assert other.estimate == pytest.approx(one.estimate / 24, rel=1e-7)
        assert other.p_value == pytest.approx(one.p_value, rel=1e-5)
        assert other.p_adjusted == pytest.approx(one.p_adjusted, abs=1e-6)
    rate, slow = days.rates[0].doubling_time, hours.rates[0].doubling_time
    assert rate.estimate is not None
    assert slow.estimate == pytest.approx(24 * rate.estimate, rel=1e-7)
    effects = {(effect.arm, effect.effect): effect for effect in hours.effects}
    for effect in days.effects:
        assert effect.estimate is not None
        scale = 24.0 if effect.effect == "auc_rate_difference" else 1.0
        twin = effects[effect.arm, effect.effect]
        assert twin.estimate == pytest.approx(effect.estimate / scale, rel=1e-6)


def test_doubling_times_follow_from_the_rates() -> None:
    rates = {rate.arm: rate for rate in result_of().rates}
    growing = rates["vehicle"]
    assert growing.estimate is not None
    assert growing.upper is not None
    assert growing.doubling_time.estimate == pytest.approx(np.log(2) / growing.estimate)
    assert growing.doubling_time.lower == pytest.approx(np.log(2) / growing.upper)
    assert growing.doubling_time.status == "ok"
    shrinking = rates["high"].doubling_time
    assert shrinking.estimate is None
    assert shrinking.status == "undefined"
    assert shrinking.reason.startswith("the arm is shrinking: size halves in")


def test_where_curves_bend_a_rate_is_the_average_to_the_day() -> None:
    data = made_up_growth(RATES)
    model = GrowthModel(time=TimeShape(kind="piecewise", knots=(10.0,)))
    fit = fit_growth(data, model)
    early, whole = compare(fit, "vehicle", day=10.0), compare(fit, "vehicle")
    assert early.rate_meaning == "average rate from the baseline over 10 days, natural log per day"
    place = fit.terms.time_of[0]
    first, second = fit.coefficients[list(place)].tolist()
    assert early.rates[0].estimate == pytest.approx(first, rel=1e-10)
    assert whole.rates[0].estimate == pytest.approx((10 * first + 11 * second) / 21, rel=1e-10)
    assert whole.day == 21.0


def test_the_day_counts_from_the_study_not_from_the_baseline() -> None:
    data = replace(made_up_growth(RATES), baseline_day=5.0)
    result = compare(fit_growth(data), "vehicle", day=19.0)
    assert (result.day, result.time) == (19.0, 14.0)
    plain = compare(fit_growth(made_up_growth(RATES)), "vehicle", day=14.0)
    assert [e.estimate for e in result.effects] == [e.estimate for e in plain.effects]


def test_without_a_day_effects_refer_to_the_last_day_of_the_control() -> None:
    data = made_up_growth(RATES)
    control = data.arm[data.animal] == 0
    shorter = data.select(~control | (data.time <= 14.0))
    assert compare(fit_growth(shorter), "vehicle").day == 14.0


def test_results_are_ready_for_json_and_hold_the_keys_of_the_contract() -> None:
    result = result_of()
    stored = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert list(stored["contrasts"][0]) == [
        "arm",
        "versus",
        "estimate",
        "std_error",
        "df",
        "statistic",
        "p_value",
        "p_adjusted",
        "lower",
        "upper",
        "lower_simultaneous",
        "upper_simultaneous",
    ]
    assert list(stored["rates"][0])[:6] == [
        "arm",
        "estimate",
        "std_error",
        "df",
        "lower",
        "upper",
    ]
    frame = result.to_frame()
    assert frame["arm"].tolist() == ["low", "mid", "high"]
    assert frame["p_adjusted"].tolist() == [c.p_adjusted for c in result.contrasts]


def test_level_moves_limits_and_nothing_else() -> None:
    fit = fit_growth(made_up_growth(RATES))
    wide, narrow = compare(fit, "vehicle", level=0.99), compare(fit, "vehicle", level=0.8)
    for one, other in zip(wide.contrasts, narrow.contrasts, strict=True):
        assert one.p_adjusted == other.p_adjusted
        assert one.upper_simultaneous is not None
        assert other.upper_simultaneous is not None
        assert one.upper_simultaneous > other.upper_simultaneous


class KnownDifference:
    """Inference in which the first two arms' rates are known to differ by what they do."""

    method = "made up"

    def __init__(self, size: int) -> None:
        self.covariance = np.zeros((size, size))
        self.covariance[-1, -1] = 0.01

    def df(self, weights: FloatArray) -> FloatArray:
        """Twenty for every question."""
        return np.full(len(weights), 20.0)


def test_a_contrast_without_standard_error_is_not_tested_and_says_so() -> None:
    fit = fit_growth(made_up_growth(RATES))
    result = compare(replace(fit, inference=KnownDifference(fit.coefficients.size)), "vehicle")
    low, high = result.contrast("low"), result.contrast("high")
    assert low.statistic is None
    assert low.p_value is None
    assert low.p_adjusted is None
    assert low.upper_simultaneous is None
    assert high.p_adjusted == pytest.approx(high.p_value)
    assert result.family.size == 1
    codes = [warning.code for warning in result.warnings]
    assert "contrast_not_tested" in codes
    json.dumps(result.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    "model",
    [
        GrowthModel(baseline="ratio"),
        GrowthModel(df="satterthwaite"),
        GrowthModel(df="cr2"),
        GrowthModel(random="intercept_slope_independent"),
        GrowthModel(random="slope"),
        GrowthModel(random="intercept", residual="arm"),
        GrowthModel(residual="car1"),
        GrowthModel(time=TimeShape(kind="spline", knots=(10.0,)), covariates=("log_baseline",)),
    ],
)
def test_every_model_answers_the_same_questions(model: GrowthModel) -> None:
    fit = fit_growth(made_up_growth(RATES, animals=8), model)
    result = compare(fit, "vehicle", day=14.0)
    assert [found.arm for found in result.contrasts] == ["low", "mid", "high"]
    for found in result.contrasts:
        assert found.p_value is not None
        assert found.p_adjusted is not None
        assert 0 <= found.p_value <= found.p_adjusted <= 1
    for effect in result.effects:
        assert effect.estimate is not None
        assert effect.lower is not None
        assert effect.upper is not None
        assert effect.lower < effect.estimate < effect.upper


def test_questions_that_cannot_be_asked_are_refused() -> None:
    fit = fit_growth(made_up_growth(RATES))
    with pytest.raises(InputError, match="an arm with readings: vehicle, low, mid, high"):
        compare(fit, "placebo")
    with pytest.raises(InputError, match="a day after the baseline, day 0"):
        compare(fit, "vehicle", day=0.0)
    with pytest.raises(InputError, match="a level between 0 and 1"):
        compare(fit, "vehicle", level=1.5)
    with pytest.raises(InputError, match="an adjustment: dunnett, holm, tukey, none"):
        compare(fit, "vehicle", adjustment="sidak")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="an arm that was compared with 'vehicle': low"):
        compare(fit, "vehicle").contrast("vehicle")
    alone = fit_growth(made_up_growth({"vehicle": 0.1}))
    with pytest.raises(InputError, match="an arm beside the control"):
        compare(alone, "vehicle")
