"""Bliss independence, its factorial reading, and what all nulls have in common."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats

from oncovivo.combination import (
    CombinationArms,
    PairArm,
    bliss,
    compare_nulls,
    detectable_difference,
    factorial_interactions,
    hsa,
    response_additivity,
)
from oncovivo.combination.detectable import power_of_t
from oncovivo.combination.quantities import arm_quantities
from oncovivo.errors import InputError
from oncovivo.growth.censored import fit_censored
from oncovivo.growth.effects import growth_effects
from oncovivo.growth.fit import GrowthFit, fit_growth
from oncovivo.growth.kenward_roger import KenwardRoger
from oncovivo.growth.model import GrowthModel, TimeShape
from oncovivo.growth.reduced import fit_reduced
from tests.combination.studies import TWO, exact_growth
from tests.growth.studies import made_up_growth, with_limit

RATES = {"C": 0.10, "A": 0.08, "B": 0.07, "AB": 0.03}
THREE = {**RATES, "Z": 0.09, "AZ": 0.06, "BZ": 0.05, "ABZ": 0.01}
ALL = CombinationArms(
    control="C",
    partners=("A", "B", "Z"),
    combination="ABZ",
    pairs=(
        PairArm(partners=("A", "B"), arm="AB"),
        PairArm(partners=("A", "Z"), arm="AZ"),
        PairArm(partners=("B", "Z"), arm="BZ"),
    ),
)


@pytest.fixture(scope="module")
def fit() -> GrowthFit:
    return fit_growth(made_up_growth(RATES))


@pytest.fixture(scope="module")
def fit_of_three() -> GrowthFit:
    return fit_growth(made_up_growth(THREE))


def test_the_estimate_is_the_contrast_of_the_rates() -> None:
    found = bliss(fit_growth(exact_growth(RATES)), TWO)
    assert found.estimate == pytest.approx(0.03 + 0.10 - 0.08 - 0.07, abs=1e-9)
    assert found.index == pytest.approx(math.exp(-0.02 * 20), rel=1e-9)
    assert (found.day, found.time) == (20.0, 20.0)


def test_three_partners_share_one_control_twice() -> None:
    found = bliss(fit_growth(exact_growth(THREE)), ALL)
    assert found.estimate == pytest.approx(0.01 - 0.08 - 0.07 - 0.09 + 2 * 0.10, abs=1e-9)


def test_bliss_is_the_interaction_of_a_factorial_fit(fit: GrowthFit) -> None:
    problem = fit.problem
    arm = np.array(fit.data.arms)[problem.arm][problem.animal]
    has_a, has_b = np.isin(arm, ["A", "AB"]), np.isin(arm, ["B", "AB"])
    time = problem.time
    x = np.column_stack(
        (np.ones(time.size), time, time * has_a, time * has_b, time * (has_a & has_b))
    )
    engine = fit_reduced(replace(problem, x=x))
    assert engine.derivatives is not None
    inference = KenwardRoger(engine.derivatives)
    found = bliss(fit, TWO)
    assert found.estimate == pytest.approx(engine.coefficients[4], rel=1e-7)
    assert found.std_error == pytest.approx(math.sqrt(inference.covariance[4, 4]), rel=1e-6)
    assert found.df == pytest.approx(inference.df(np.eye(5)[4:])[0], rel=1e-6)
    (interaction,) = factorial_interactions(fit, TWO)
    assert interaction.estimate == found.estimate
    assert interaction.p_value == pytest.approx(found.p_value, rel=1e-12)
    assert interaction.to_dict()["partners"] == ["A", "B"]


def test_interactions_of_two_and_of_three_add_up_to_the_bliss_contrast_of_three(
    fit_of_three: GrowthFit,
) -> None:
    parts = factorial_interactions(fit_of_three, ALL)
    assert [part.partners for part in parts] == [("A", "B"), ("A", "Z"), ("B", "Z"), ALL.partners]
    assert sum(part.estimate for part in parts) == pytest.approx(bliss(fit_of_three, ALL).estimate)


def test_a_factorial_design_of_three_needs_all_pairs(fit_of_three: GrowthFit) -> None:
    with pytest.raises(InputError, match=r"all three pairs.*2 of them"):
        factorial_interactions(fit_of_three, replace(ALL, pairs=ALL.pairs[:2]))


@pytest.mark.parametrize("baseline", ["outcome", "ratio"])
def test_a_partner_that_does_nothing_leaves_every_null_at_zero(baseline: str) -> None:
    model = GrowthModel(baseline=baseline)  # type: ignore[arg-type]
    inert = fit_growth(exact_growth({"C": 0.1, "A": 0.06, "B": 0.1, "AB": 0.06}), model)
    for found in compare_nulls(inert, TWO):
        assert found.estimate == pytest.approx(0.0, abs=1e-8)
        assert found.index == pytest.approx(1.0, abs=1e-6)
        assert found.verdict == "not_shown"


def test_three_partners_of_which_one_does_nothing_are_two() -> None:
    rates = {**RATES, "Z": RATES["C"], "ABZ": RATES["AB"]}
    fit = fit_growth(exact_growth(rates))
    three = CombinationArms(control="C", partners=("A", "B", "Z"), combination="ABZ")
    for one, other in zip(compare_nulls(fit, three), compare_nulls(fit, TWO), strict=True):
        assert one.estimate is not None
        assert one.index == pytest.approx(other.index, rel=1e-7)
        if one.null != "response_additivity":
            assert one.estimate == pytest.approx(other.estimate, abs=1e-8)


def test_swapping_the_partners_changes_nothing(fit: GrowthFit) -> None:
    swapped = replace(TWO, partners=("B", "A"))
    for one, other in zip(compare_nulls(fit, TWO), compare_nulls(fit, swapped), strict=True):
        for field in ("estimate", "std_error", "df", "p_value", "index_lower", "index_upper"):
            mine, theirs = getattr(one, field), getattr(other, field)
            assert mine == (None if theirs is None else pytest.approx(theirs, rel=1e-9))
        assert (one.verdict, one.versus) == (other.verdict, other.versus)


def test_pairs_are_answered_after_the_whole(fit_of_three: GrowthFit) -> None:
    found = compare_nulls(fit_of_three, ALL)
    assert [result.arms.combination for result in found[::11]] == ["ABZ", "AB", "AZ", "BZ"]
    assert len(found) == 44


def test_rate_and_relative_volume_are_one_question_with_straight_curves(fit: GrowthFit) -> None:
    for test in (bliss, hsa):
        rate, volume = test(fit, TWO), test(fit, TWO, scale="relative_volume")
        assert rate.p_value == pytest.approx(volume.p_value, rel=1e-9)
        assert rate.index_upper == pytest.approx(volume.index_upper, rel=1e-9)
        assert rate.detectable_index == pytest.approx(volume.detectable_index, rel=1e-9)


def test_model_based_inhibition_is_the_same_question(fit: GrowthFit) -> None:
    kept = {}
    for number, name in enumerate(fit.data.arms):
        if name != "C":
            effects = growth_effects(fit, number, fit.data.arm_number("C"), time=14.0)
            inhibition = next(e.estimate for e in effects if e.effect == "tgi_rate_pct")
            assert inhibition is not None
            kept[name] = 1 - inhibition / 100
    assert bliss(fit, TWO, day=14.0).index == pytest.approx(kept["AB"] / (kept["A"] * kept["B"]))
    additive = response_additivity(fit, TWO, day=14.0).index
    assert additive == pytest.approx(kept["AB"] / (kept["A"] + kept["B"] - 1))


@pytest.mark.parametrize(
    "time", [TimeShape(), TimeShape(kind="spline", knots=(7.0, 14.0))], ids=["line", "spline"]
)
def test_areas_and_their_slopes_agree_with_quadrature_and_differences(time: TimeShape) -> None:
    fit = fit_growth(made_up_growth(RATES), GrowthModel(time=time))
    found = arm_quantities(fit, [2], scale="auc", time=17.0)

    def log_mean(coefficients: NDArray[np.float64]) -> float:
        def size(t: float) -> float:
            both = fit.terms.curve(2, np.array([0.0, t])) @ coefficients
            return float(np.exp(both[1] - both[0]))

        return math.log(integrate.quad(size, 0.0, 17.0, epsabs=1e-12, epsrel=1e-12)[0] / 17.0)

    assert found.value[0] == pytest.approx(log_mean(fit.coefficients), abs=1e-9)
    for place in fit.terms.time_of[2]:
        step = 1e-5 * np.eye(fit.coefficients.size)[place]
        change = log_mean(fit.coefficients + step) - log_mean(fit.coefficients - step)
        assert found.slopes[0, place] == pytest.approx(change / 2e-5, rel=1e-5)


def test_bent_curves_are_asked_about_their_average_rate() -> None:
    model = GrowthModel(time=TimeShape(kind="piecewise", knots=(10.0,)))
    fit = fit_growth(made_up_growth(RATES), model)
    early, late = bliss(fit, TWO, day=7.0), bliss(fit, TWO, day=21.0)
    assert early.estimate != pytest.approx(late.estimate, rel=1e-3)
    assert early.index == pytest.approx(bliss(fit, TWO, scale="relative_volume", day=7.0).index)


def test_two_partners_that_shrink_tumors_multiply_without_turning_around() -> None:
    rates = {"C": 0.05, "A": -0.02, "B": -0.03, "AB": -0.10}
    found = bliss(fit_growth(exact_growth(rates)), TWO)
    assert found.index == pytest.approx(1.0, abs=1e-6)


def test_a_combination_that_cured_every_animal_is_flagged_and_not_tested() -> None:
    data = with_limit(made_up_growth({"C": 0.1, "A": 0.08, "B": 0.07, "AB": -0.9}), 20.0)
    fit = fit_censored(data)
    for found in compare_nulls(fit, TWO):
        assert found.estimate is None
        assert (found.verdict, found.p_value) == ("not_shown", None)
        assert "bound the rate" in found.reason
    with pytest.raises(InputError, match=r"rates the readings tell.*AB"):
        factorial_interactions(fit, TWO)


def test_a_control_that_does_not_grow_and_a_day_beyond_the_readings_are_warned_about() -> None:
    fit = fit_growth(exact_growth({"C": 0.0, "A": -0.01, "B": -0.02, "AB": -0.05}))
    codes = {warning.code for warning in bliss(fit, TWO, day=40.0).warnings}
    assert {"control_not_growing", "beyond_readings"} <= codes


def test_a_singular_fit_is_flagged_and_its_degrees_of_freedom_are_held() -> None:
    fit = fit_growth(made_up_growth(RATES, sd_slope=0.0, sd_intercept=0.0, seed=3))
    assert fit.singular
    found = bliss(fit, TWO)
    assert found.singular
    assert found.df is not None
    assert found.df <= fit.n_animals - len(RATES)
    assert "singular_fit" in {warning.code for warning in found.warnings}


def test_results_go_to_json_with_the_contract_s_keys(fit: GrowthFit) -> None:
    for found in compare_nulls(fit, TWO):
        made = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert {
            "null",
            "scale",
            "day",
            "estimate",
            "std_error",
            "df",
            "lower",
            "upper",
            "p_value",
            "index",
            "index_lower",
            "index_upper",
            "detectable_index",
            "verdict",
        } <= set(made)


def test_bad_questions_are_refused(fit: GrowthFit) -> None:
    with pytest.raises(InputError, match="a scale of growth: growth_rate"):
        bliss(fit, TWO, scale="volume")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"a day after the baseline.*day 0"):
        bliss(fit, TWO, day=0.0)
    with pytest.raises(InputError, match="a level between 0 and 1"):
        hsa(fit, TWO, level=95.0)
    with pytest.raises(InputError, match=r"an arm with readings.*'both'"):
        bliss(fit, replace(TWO, combination="both"))


def test_a_truth_at_the_detectable_index_is_found_four_times_in_five(fit: GrowthFit) -> None:
    found = bliss(fit, TWO)
    assert found.detectable_index is not None
    assert found.std_error is not None
    assert found.df is not None
    assert found.time is not None
    shift = -math.log(found.detectable_index) / found.time / found.std_error
    reach = stats.t.ppf(0.975, found.df)
    truth = stats.nct(found.df, shift)
    assert truth.sf(reach) + truth.cdf(-reach) == pytest.approx(0.8, abs=1e-6)


def test_many_degrees_of_freedom_give_the_normal_figure() -> None:
    wanted = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert detectable_difference(2.0, math.inf) == pytest.approx(2 * wanted, abs=1e-4)
    assert power_of_t(60.0, 5.0) == pytest.approx(1.0)
    with pytest.raises(InputError, match=r"a power between 0\.05"):
        detectable_difference(1.0, 10.0, power=0.01)


class NothingKnown:
    """Inference of a fit whose covariance was lost."""

    method = "none"

    def __init__(self, size: int) -> None:
        self.covariance = np.full((size, size), np.nan)

    def df(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """None of them."""
        return np.full(len(weights), np.nan)


def test_an_estimate_without_a_standard_error_is_shown_and_not_tested(fit: GrowthFit) -> None:
    lost = replace(fit, inference=NothingKnown(fit.coefficients.size))
    for found, sure in zip(compare_nulls(lost, TWO), compare_nulls(fit, TWO), strict=True):
        assert found.estimate == sure.estimate
        assert found.index == pytest.approx(sure.index)
        assert (found.std_error, found.p_value, found.verdict) == (None, None, "not_shown")
        assert "no standard error" in found.reason
