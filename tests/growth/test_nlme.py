"""Nonlinear mixed models of growth: estimates, limits, invariance and bad input."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, stats

from oncovivo.errors import DataError, InputError
from oncovivo.growth.data import GrowthData, growth_data_from_arrays
from oncovivo.growth.fit import fit_growth
from oncovivo.growth.laws import GROWTH_LAWS, growth_law
from oncovivo.growth.laws.series import saturation
from oncovivo.growth.model import GrowthModel
from oncovivo.growth.nlme import animal_log_likelihoods, fit_nonlinear
from tests.growth.curve_studies import law_study

FloatArray: TypeAlias = NDArray[np.float64]


@pytest.fixture(scope="module")
def slowing() -> GrowthData:
    """A Gompertz study of two arms with unequal numbers of readings."""
    data = law_study(
        growth_law("gompertz"),
        {"vehicle": [5.0, 0.2, 0.06], "drug": [5.0, 0.1, 0.06]},
        animals=7,
        spread={"log_v0": 0.3, "rate": 0.02},
    )
    keep = np.ones(data.n_observations, dtype=bool)
    keep[[8, 16, 17, 70]] = False
    return data.select(keep)


def test_exponential_law_is_the_linear_mixed_model(slowing: GrowthData) -> None:
    fit = fit_nonlinear(slowing, "exponential", covariance="unstructured")
    line = fit_growth(slowing, GrowthModel(likelihood="ML"))
    assert fit.log_likelihood == pytest.approx(line.log_likelihood, abs=1e-8)
    np.testing.assert_allclose(fit.coefficients, line.coefficients, atol=1e-6)
    np.testing.assert_allclose(fit.omega, line.random_covariance, atol=1e-6)
    np.testing.assert_allclose(fit.random_effects, line.random_effects, atol=1e-6)
    assert fit.sigma == pytest.approx(float(np.sqrt(line.residual_variance[0])), abs=1e-6)
    assert line.derivatives is not None
    known = np.sqrt(np.diag(line.derivatives.covariance))
    np.testing.assert_allclose(np.array(fit.std_errors, dtype=float), known, rtol=0.1)


def test_gompertz_fit_is_the_best_linear_mixed_model_over_the_decay(slowing: GrowthData) -> None:
    fit = fit_nonlinear(slowing, "gompertz")

    def lost(point: FloatArray) -> float:
        """Minus the profile likelihood, from covariance matrices."""
        start, rate, noise = np.exp(2 * point[:3])
        total, cross, square = 0.0, np.zeros(3), np.zeros((3, 3))
        parts = []
        for animal in range(slowing.n_animals):
            rows = slowing.animal == animal
            time, y = slowing.time[rows], slowing.log_size[rows]
            reach = time * saturation(point[3] * time)[0]
            x = np.zeros((time.size, 3))
            x[:, 0] = 1
            x[:, 1 + slowing.arm[animal]] = reach
            v = start + rate * np.outer(reach, reach) + noise * np.eye(time.size)
            cross += x.T @ np.linalg.solve(v, y)
            square += x.T @ np.linalg.solve(v, x)
            parts.append((x, y, v))
        beta = np.linalg.solve(square, cross)
        for x, y, v in parts:
            total += stats.multivariate_normal.logpdf(y, x @ beta, v)
        return -float(total)

    found = optimize.minimize(
        lost,
        np.array([np.log(0.3), np.log(0.02), np.log(0.15), 0.05]),
        method="Nelder-Mead",
        options={"xatol": 1e-8, "fatol": 1e-11, "maxiter": 4000},
    )
    assert fit.log_likelihood == pytest.approx(-found.fun, abs=1e-7)
    assert fit.coefficients[-1] == pytest.approx(found.x[3], abs=1e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.omega)), np.exp(found.x[:2]), rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("exponential_linear", {"a": [5.0, 0.25, np.log(60.0)], "b": [5.0, 0.1, np.log(60.0)]}),
        ("logistic", {"a": [5.0, 0.3, np.log(1500.0)], "b": [5.0, 0.15, np.log(1500.0)]}),
        ("gompertz", {"a": [5.0, 0.25, 0.08], "b": [5.0, 0.1, 0.08]}),
        ("von_bertalanffy", {"a": [5.0, 0.3, 0.2], "b": [5.0, 0.15, 0.2]}),
        ("power", {"a": [5.0, 0.2, 0.6], "b": [5.0, 0.1, 0.6]}),
        ("regress_regrow", {"a": [5.0, 0.1, 0.0], "b": [5.0, 0.07, 0.3]}),
    ],
)
def test_estimates_recover_the_truth(name: str, values: dict[str, list[float]]) -> None:
    law = growth_law(name)
    data = law_study(
        law, values, animals=20, spread={"log_v0": 0.2, "rate": 0.01}, noise=0.1, seed=4
    )
    fit = fit_nonlinear(data, name)
    assert fit.converged
    assert not fit.singular
    for arm, truth in values.items():
        place = list(fit.place(arm))
        error = np.array([fit.std_errors[index] for index in place], dtype=float)
        assert (np.abs(fit.coefficients[place] - truth) < 4 * error).all()
    assert fit.sigma == pytest.approx(0.1, rel=0.15)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.omega)), [0.2, 0.01], rtol=0.4)


def test_no_law_falls_below_the_exponential_one_that_it_contains(slowing: GrowthData) -> None:
    plain = fit_nonlinear(slowing, "exponential").log_likelihood
    for name in ("gompertz", "logistic", "exponential_linear", "power", "regress_regrow"):
        assert fit_nonlinear(slowing, name).log_likelihood >= plain - 1e-6


def test_laplace_and_quadrature_agree_on_a_law_with_nonlinear_random_effects() -> None:
    data = law_study(
        growth_law("logistic"),
        {"a": [5.0, 0.3, np.log(1500.0)], "b": [5.0, 0.15, np.log(1500.0)]},
        spread={"log_v0": 0.2, "rate": 0.02},
    )
    laplace = fit_nonlinear(data, "logistic")
    exact = fit_nonlinear(data, "logistic", method="quadrature", start=laplace)
    finer = fit_nonlinear(data, "logistic", method="quadrature", points=13, start=laplace)
    assert laplace.converged
    assert exact.converged
    assert exact.log_likelihood == pytest.approx(finer.log_likelihood, abs=1e-4)
    assert laplace.log_likelihood == pytest.approx(exact.log_likelihood, abs=0.3)
    error = np.array(exact.std_errors, dtype=float)
    assert (np.abs(laplace.coefficients - exact.coefficients) < 0.2 * error).all()
    assert "quadrature" in exact.method
    assert "Laplace" in laplace.method


def test_readings_below_the_limit_count_as_bounds() -> None:
    law = growth_law("exponential")
    values = {"vehicle": [5.0, 0.1], "drug": [5.0, -0.1]}
    data = law_study(
        law, values, animals=12, spread={"log_v0": 0.2, "rate": 0.02}, limit=60.0, seed=2
    )
    assert 0.2 < data.below_limit.mean() < 0.5
    kept = fit_nonlinear(data, law)
    left_out = fit_nonlinear(data, law, below_limit="omitted")
    error = kept.std_errors[2]
    assert error is not None
    assert abs(kept.natural("drug")["rate"] + 0.1) < 3 * error
    assert left_out.natural("drug")["rate"] > kept.natural("drug")["rate"] + error
    assert "below_limit_censored" in [warning.code for warning in kept.warnings]
    assert "below_limit_omitted" in [warning.code for warning in left_out.warnings]


def test_units_of_time_rows_and_names_change_nothing(slowing: GrowthData) -> None:
    fit = fit_nonlinear(slowing, "gompertz")
    arms = [slowing.arms[index] for index in slowing.arm[slowing.animal]]
    who = [slowing.animal_ids[index] for index in slowing.animal]
    order = np.random.default_rng(3).permutation(slowing.n_observations)
    moved = fit_nonlinear(
        growth_data_from_arrays(
            arm=[{"vehicle": "z", "drug": "a"}[arms[row]] for row in order],
            animal_id=[who[row] for row in order],
            time=slowing.time[order] / 7,
            log_size=slowing.log_size[order],
        ),
        "gompertz",
    )
    assert moved.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-8)
    for old, new in (("vehicle", "z"), ("drug", "a")):
        assert moved.natural(new)["rate"] == pytest.approx(7 * fit.natural(old)["rate"], rel=1e-6)
        old_error = fit.std_errors[fit.place(old)[1]]
        new_error = moved.std_errors[moved.place(new)[1]]
        assert old_error is not None
        assert new_error == pytest.approx(7 * old_error, rel=1e-4)
    assert moved.natural("z")["v0"] == pytest.approx(fit.natural("drug")["v0"], rel=1e-6)


def test_parameters_and_effects_can_be_chosen(slowing: GrowthData) -> None:
    shared = fit_nonlinear(slowing, "gompertz")
    own = fit_nonlinear(slowing, "gompertz", arm_parameters=("rate", "decay"))
    assert own.names == (
        "log_v0",
        "rate:vehicle",
        "rate:drug",
        "decay:vehicle",
        "decay:drug",
    )
    assert own.log_likelihood >= shared.log_likelihood
    assert own.n_parameters == shared.n_parameters + 1
    single = fit_nonlinear(slowing, "gompertz", random=("log_v0",))
    assert single.omega.shape == (1, 1)
    assert single.log_likelihood <= shared.log_likelihood
    assert own.aic == pytest.approx(-2 * own.log_likelihood + 2 * 8)
    rows = slowing.n_observations
    assert own.bic == pytest.approx(-2 * own.log_likelihood + 8 * np.log(rows))


def test_a_fit_can_begin_from_another(slowing: GrowthData) -> None:
    cold = fit_nonlinear(slowing, "gompertz")
    warm = fit_nonlinear(slowing, "gompertz", start=cold)
    assert warm.log_likelihood == pytest.approx(cold.log_likelihood, abs=1e-9)
    assert warm.iterations < cold.iterations
    with pytest.raises(InputError, match="a fit of the same law"):
        fit_nonlinear(slowing, "logistic", start=cold)


def test_curves_of_arms_and_animals_follow_the_estimates(slowing: GrowthData) -> None:
    fit = fit_nonlinear(slowing, "gompertz")
    time = np.array([0.0, 10.0, 20.0])
    curve = fit.curve("drug", time)
    values = fit.natural("drug")
    decay = values["decay"]
    expected = np.log(values["v0"]) + values["rate"] * (1 - np.exp(-decay * time)) / decay
    np.testing.assert_allclose(curve.log_size, expected, rtol=1e-12)
    assert curve.std_error[0] == pytest.approx(fit.std_errors[0])
    number = slowing.animal_ids.index("drug3")
    own = fit.animal_curve("drug3", time)
    shift = fit.random_effects[number]
    reach = (1 - np.exp(-decay * time)) / decay
    np.testing.assert_allclose(own, expected + shift[0] + shift[1] * reach, rtol=1e-12)
    with pytest.raises(InputError, match="an animal that was fitted"):
        fit.animal_curve("nobody", time)
    with pytest.raises(InputError, match="an arm with readings"):
        fit.curve("placebo", time)


def test_densities_of_the_animals_add_up_to_the_likelihood(slowing: GrowthData) -> None:
    fit = fit_nonlinear(slowing, "logistic", covariance="unstructured")
    total = animal_log_likelihoods(fit, slowing)
    assert total.shape == (slowing.n_animals,)
    assert total.sum() == pytest.approx(fit.log_likelihood, abs=1e-6)


def test_animals_without_spread_make_a_singular_fit() -> None:
    data = law_study(
        growth_law("gompertz"), {"a": [5.0, 0.2, 0.05], "b": [5.0, 0.1, 0.05]}, seed=8
    )
    fit = fit_nonlinear(data, "gompertz")
    assert fit.singular
    assert fit.converged
    assert "singular_fit" in [warning.code for warning in fit.warnings]
    assert (np.diag(fit.omega) == 0).any()
    assert all(error is not None for error in fit.std_errors)


def test_what_the_readings_do_not_determine_has_no_standard_error() -> None:
    data = law_study(
        growth_law("gompertz"),
        {"a": [5.0, 0.05, -0.06], "b": [5.0, 0.02, -0.06]},
        spread={"log_v0": 0.2},
    )
    fit = fit_nonlinear(data, "exponential_linear")
    plain = fit_nonlinear(data, "exponential")
    assert fit.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-6)
    assert fit.std_errors[-1] is None
    codes = {warning.code for warning in fit.warnings}
    assert {"not_determined", "law_at_limit"} <= codes
    time = np.array([0.0, 5.0])
    np.testing.assert_allclose(
        fit.curve("a", time).std_error, plain.curve("a", time).std_error, rtol=1e-3
    )


def test_quickening_growth_gives_a_negative_decay_with_a_warning() -> None:
    data = law_study(
        growth_law("gompertz"),
        {"a": [5.0, 0.05, -0.06], "b": [5.0, 0.02, -0.06]},
        spread={"log_v0": 0.2},
    )
    fit = fit_nonlinear(data, "gompertz")
    assert fit.natural("a")["decay"] < 0
    (warning,) = [warning for warning in fit.warnings if warning.code == "law_at_limit"]
    assert "growth quickens" in warning.message
    assert warning.arm is None


def test_a_search_cut_short_is_flagged(slowing: GrowthData) -> None:
    fit = fit_nonlinear(slowing, "gompertz", most=2)
    assert not fit.converged
    assert "not_converged" in [warning.code for warning in fit.warnings]


def test_to_dict_holds_no_nan(slowing: GrowthData) -> None:
    values = fit_nonlinear(slowing, "gompertz").to_dict()
    assert values["law"] == "gompertz"
    assert "nan" not in str(values)


@pytest.mark.parametrize("law", list(GROWTH_LAWS))
def test_an_arm_with_one_time_is_refused(law: str, slowing: GrowthData) -> None:
    rows = (slowing.arm[slowing.animal] == 0) | (slowing.time == 0)
    with pytest.raises(DataError, match=r"times or more in every arm, found 1 in arm 'drug'"):
        fit_nonlinear(slowing.select(rows), law)


def test_one_reading_per_animal_is_refused(slowing: GrowthData) -> None:
    with pytest.raises(DataError, match="animals with two readings or more"):
        fit_nonlinear(slowing.select(slowing.time == 0), "gompertz")


def test_too_few_times_for_a_law_are_refused(slowing: GrowthData) -> None:
    with pytest.raises(DataError, match="readings at 3 times or more for law 'gompertz'"):
        fit_nonlinear(slowing.select(slowing.time < 4), "gompertz")


def test_a_constant_response_is_refused(slowing: GrowthData) -> None:
    flat = replace(slowing, log_size=np.full(slowing.n_observations, 5.0))
    with pytest.raises(DataError, match="sizes that differ"):
        fit_nonlinear(flat, "gompertz")


def test_readings_on_the_curve_without_noise_are_refused() -> None:
    data = law_study(
        growth_law("gompertz"), {"a": [5.0, 0.2, 0.05], "b": [5.0, 0.1, 0.05]}, noise=0.0
    )
    with pytest.raises(DataError, match="the fit would be exact"):
        fit_nonlinear(data, "gompertz")


def test_unknown_names_and_words_are_refused(slowing: GrowthData) -> None:
    with pytest.raises(InputError, match="a growth law"):
        fit_nonlinear(slowing, "linear")
    with pytest.raises(InputError, match="parameters of the law, each once: log_v0, rate, decay"):
        fit_nonlinear(slowing, "gompertz", arm_parameters=("capacity",))
    with pytest.raises(InputError, match="each once"):
        fit_nonlinear(slowing, "gompertz", random=("rate", "rate"))
    with pytest.raises(InputError, match="a parameter with a random effect"):
        fit_nonlinear(slowing, "gompertz", random=())
    with pytest.raises(InputError, match="one of diagonal, unstructured, found 'full'"):
        fit_nonlinear(slowing, "gompertz", covariance="full")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="one of laplace, quadrature"):
        fit_nonlinear(slowing, "gompertz", method="saem")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="1 to 100 points"):
        fit_nonlinear(slowing, "gompertz", method="quadrature", points=0)
