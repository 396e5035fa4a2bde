"""The fit as a whole: what it says, what it warns of, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from oncovivo.errors import DataError, InputError
from oncovivo.growth.data import GrowthData
from oncovivo.growth.fit import GrowthFit, fit_growth
from oncovivo.growth.model import GrowthModel, Residual
from tests.growth.studies import made_up_growth, with_limit

RATES = {"vehicle": 0.1, "drug": 0.03}


def codes(fit: GrowthFit) -> list[str]:
    return [warning.code for warning in fit.warnings]


def with_factor(data: GrowthData, labels: list[str], name: str = "cage") -> GrowthData:
    return replace(data, factors={name: tuple(labels)})


def keeping(data: GrowthData, counts: dict[str, int]) -> GrowthData:
    """The first animals of each arm."""
    left = [
        name
        for number, arm in enumerate(data.arms)
        for name in [data.animal_ids[i] for i in data.animals_of(number)][counts[arm] :]
    ]
    return data.without_animals(left)


def test_a_fit_without_trouble_says_nothing_and_counts_what_entered() -> None:
    data = made_up_growth(RATES)
    fit = fit_growth(data)
    assert fit.warnings == ()
    assert (fit.converged, fit.singular, fit.df_limit, fit.n_censored) == (True, False, None, 0)
    assert (fit.n_animals, fit.n_observations) == (12, 84)
    assert fit.coefficients[1:] == pytest.approx([0.1, 0.03], abs=0.03)
    assert fit.arms_without_rate == frozenset()


def test_contrasts_have_the_t_test_of_their_degrees_of_freedom() -> None:
    fit = fit_growth(made_up_growth(RATES))
    found = fit.contrasts(np.array([0.0, -1.0, 1.0]), ["drug - vehicle"], level=0.9)
    assert found.names == ("drug - vehicle",)
    assert found.estimate[0] == pytest.approx(fit.coefficients[2] - fit.coefficients[1])
    # The design is balanced: animals less arms.
    assert found.df[0] == pytest.approx(10)
    assert found.statistic[0] == pytest.approx(found.estimate[0] / found.std_error[0])
    assert found.upper[0] - found.estimate[0] == pytest.approx(1.812461123 * found.std_error[0])
    assert found.method == "Kenward-Roger"


def test_questions_that_do_not_fit_the_coefficients_are_refused() -> None:
    fit = fit_growth(made_up_growth(RATES))
    with pytest.raises(InputError, match="3 weights for each question, found 2"):
        fit.contrasts(np.array([1.0, -1.0]))
    with pytest.raises(InputError, match="a level between 0 and 1, found 1"):
        fit.contrasts(np.eye(3), level=1.0)


def test_a_question_without_weights_has_no_statistic_and_no_p() -> None:
    found = fit_growth(made_up_growth(RATES)).contrasts(np.zeros(3))
    assert found.estimate[0] == found.std_error[0] == 0
    assert np.isnan(found.statistic[0])
    assert np.isnan(found.p_value[0])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_degrees_of_freedom_of_a_singular_fit_are_at_most_animals_less_arms(seed: int) -> None:
    rates = {**RATES, "other": 0.05}
    fit = fit_growth(made_up_growth(rates, animals=4, sd_slope=0.0, sd_intercept=0.0, seed=seed))
    assert fit.singular
    assert fit.df_limit == 9
    assert "singular_fit" in codes(fit)
    questions = np.array([[0, 1, 0, 0], [0, -1, 1, 0], [1, 0, 0, 0]], dtype=float)
    assert (fit.contrasts(questions).df <= 9).all()
    assert (fit.inference.df(questions) > 9).any()


def test_each_kind_of_inference_changes_what_is_known_but_not_the_estimate() -> None:
    whole = made_up_growth(RATES, animals=4)
    data = whole.select((whole.animal > 0) | (whole.time < 10))
    fits = [fit_growth(data, GrowthModel(df=df)) for df in ("kr", "satterthwaite", "cr2")]
    found = [fit.contrasts(np.array([0.0, -1.0, 1.0])) for fit in fits]
    assert len({float(one.estimate[0]) for one in found}) == 1
    assert len({one.method for one in found}) == 3
    assert len({round(float(one.std_error[0]), 9) for one in found}) == 3


@pytest.mark.parametrize("residual", ["iid", "arm", "car1", "arm_car1"])
def test_variance_components_have_the_parts_of_the_model(residual: Residual) -> None:
    variance = fit_growth(made_up_growth(RATES), GrowthModel(residual=residual)).variance
    assert (variance.sd_residual is None) == residual.startswith("arm")
    assert list(variance.sd_residual_by_arm) == (
        ["vehicle", "drug"] if residual.startswith("arm") else []
    )
    assert (variance.autocorrelation is not None) == residual.endswith("car1")
    known = [variance.sd_residual, *variance.sd_residual_by_arm.values()]
    assert [value for value in known if value is not None] == pytest.approx(
        [0.15] * (2 if residual.startswith("arm") else 1), abs=0.05
    )


def test_random_effects_that_the_model_lacks_are_none() -> None:
    data = made_up_growth(RATES)
    slope = fit_growth(data, GrowthModel(random="slope")).variance
    level = fit_growth(data, GrowthModel(random="intercept")).variance
    free = fit_growth(data, GrowthModel(random="intercept_slope_independent")).variance
    assert (slope.sd_intercept, slope.correlation) == (None, None)
    assert (level.sd_slope, level.correlation) == (None, None)
    assert free.correlation is None
    assert free.sd_slope is not None
    assert slope.sd_slope is not None


def test_fitted_values_are_the_animals_own_lines() -> None:
    data = made_up_growth(RATES, sd_residual=0.01)
    fit = fit_growth(data)
    np.testing.assert_allclose(fit.fitted(), data.log_size, atol=0.05)
    assert np.abs(fit.problem.x @ fit.coefficients - data.log_size).max() > 0.3


def test_fitted_values_hold_the_levels_of_groups() -> None:
    data = made_up_growth(RATES, sd_residual=0.01)
    cages = [f"{i // 2}" for i in range(12)]
    shift = np.array([0.5 * (-1) ** (i // 2) for i in range(12)])
    moved = replace(data, log_size=data.log_size + shift[data.animal])
    fit = fit_growth(with_factor(moved, cages), GrowthModel(groups=("cage",)))
    assert fit.variance.sd_groups["cage"] > 0.2
    np.testing.assert_allclose(fit.fitted(), moved.log_size, atol=0.05)


def test_readings_below_the_limit_are_left_out_and_counted_by_animal() -> None:
    data = with_limit(made_up_growth({"vehicle": 0.1, "drug": -0.1}), 40.0)
    count = int(data.below_limit.sum())
    assert count > 5
    fit = fit_growth(data)
    (found,) = [warning for warning in fit.warnings if warning.code == "below_limit_omitted"]
    assert found.message.startswith(f"{count} readings that are gone or below the limit")
    assert fit.n_observations == data.n_observations - count

    below = data.below_limit | (data.animal == 0)
    whole = fit_growth(replace(data, below_limit=below))
    assert whole.n_animals == 11
    assert any("lose every reading: vehicle 0" in warning.message for warning in whole.warnings)


def test_notes_of_the_data_and_animals_without_a_baseline_become_warnings() -> None:
    data = made_up_growth(RATES)
    late = data.select((data.time > 0) | (data.animal > 1), note="two came late")
    fit = fit_growth(late, GrowthModel(baseline="ratio"))
    told = {warning.code: warning.message for warning in fit.warnings}
    assert told["readings_not_used"] == "two came late"
    assert told["animals_not_used"].startswith("2 animals have no measured baseline")
    assert fit.n_animals == 10


def test_an_arm_with_one_animal_is_fitted_and_flagged() -> None:
    fit = fit_growth(keeping(made_up_growth(RATES), {"vehicle": 6, "drug": 1}))
    (found,) = [warning for warning in fit.warnings if warning.code == "few_animals"]
    assert found.arm == "drug"
    assert "its rate rests on the other arms' spread" in found.message
    contrast = fit.contrasts(np.array([0.0, -1.0, 1.0]))
    assert 0 < contrast.p_value[0] < 1
    assert contrast.df[0] <= 6


def test_small_arms_are_told_of_where_the_test_is_not_exact() -> None:
    data = made_up_growth(RATES, animals=3)
    assert "small_arms" in codes(fit_growth(data))
    assert "small_arms" not in codes(fit_growth(data, GrowthModel(intercept="arm")))
    assert "small_arms" not in codes(fit_growth(made_up_growth(RATES, animals=12)))


def test_two_readings_for_each_animal_are_fitted_and_the_variances_flagged() -> None:
    data = made_up_growth(RATES, days=(0.0, 7.0))
    fit = fit_growth(data, GrowthModel(intercept="arm"))
    assert "variances_not_separate" in codes(fit)
    # The test is still the exact one of the animals' own slopes.
    slopes = np.diff(data.log_size.reshape(12, 2), axis=1)[:, 0] / 7
    first, second = slopes[:6], slopes[6:]
    error = np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 6)
    found = fit.contrasts(np.array([0.0, 0.0, -1.0, 1.0]))
    assert found.statistic[0] == pytest.approx((second.mean() - first.mean()) / error, rel=1e-6)
    assert found.df[0] == pytest.approx(10)
    assert "variances_not_separate" not in codes(fit_growth(made_up_growth(RATES)))


@pytest.mark.parametrize("counts", [{"vehicle": 1, "drug": 1}])
def test_two_animals_are_too_few(counts: dict[str, int]) -> None:
    with pytest.raises(DataError, match=r"an arm with two animals or more, found 2 animals in 2"):
        fit_growth(keeping(made_up_growth(RATES), counts))


def test_one_reading_for_each_animal_is_too_few() -> None:
    with pytest.raises(DataError, match="two readings or more, found one reading per animal"):
        fit_growth(made_up_growth(RATES, days=(0.0,)))


def test_sizes_that_never_change_are_refused() -> None:
    data = made_up_growth(RATES)
    with pytest.raises(DataError, match=r"study arrays.*sizes that differ, found 84 equal"):
        fit_growth(replace(data, log_size=np.full(84, 5.0)))


def test_a_study_below_the_limit_throughout_is_refused() -> None:
    data = made_up_growth(RATES)
    with pytest.raises(DataError, match="a reading that can enter the model, found none"):
        fit_growth(replace(data, below_limit=np.ones(84, dtype=bool)))


def test_readings_without_error_are_refused() -> None:
    data = made_up_growth(RATES)
    rate = np.array([0.1, 0.03])[data.arm[data.animal]]
    with pytest.raises(DataError, match="differ from their arm's curve, found none"):
        fit_growth(replace(data, log_size=5 + rate * data.time))
    own = 0.01 * (data.animal % 5)
    slopes = (own / 5, 0.004 * (data.animal * 7 % 5), 0.0)
    for slope in slopes:
        exact = 5 + own + (rate + slope) * data.time
        with pytest.raises(DataError, match=r"about their animals' curves.*from a formula"):
            fit_growth(replace(data, log_size=exact))


def test_cages_that_are_the_arms_are_refused_with_the_reason() -> None:
    data = with_factor(made_up_growth(RATES), ["1"] * 6 + ["2"] * 6)
    match = "each arm is one cage; the experimental unit is the cage: an effect of the treatment"
    with pytest.raises(DataError, match=match):
        fit_growth(data, GrowthModel(groups=("cage",)))


@pytest.mark.parametrize(
    ("cages", "match"),
    [
        ([f"{i}" for i in range(12)], "a cage with more than one animal, found 12 for as many"),
        (["1"] * 12, "more than one cage, found one for all animals"),
    ],
)
def test_cages_that_tell_nothing_are_refused(cages: list[str], match: str) -> None:
    with pytest.raises(DataError, match=match):
        fit_growth(with_factor(made_up_growth(RATES), cages), GrowthModel(groups=("cage",)))


def test_a_group_that_no_animal_has_is_refused_with_those_that_are_known() -> None:
    data = made_up_growth(RATES)
    with pytest.raises(InputError, match=r"a factor of the animals: none, found 'donor'"):
        fit_growth(data, GrowthModel(groups=("donor",)))
    known = with_factor(data, [f"{i // 3}" for i in range(12)])
    with pytest.raises(InputError, match=r"a factor of the animals: cage, found 'donor'"):
        fit_growth(known, GrowthModel(groups=("donor",)))
