"""The dense engine: its likelihood by the textbook formula, and what must not change it."""

from __future__ import annotations

import time as clock
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from oncovivo.errors import DataError
from oncovivo.growth.covariance import CovarianceModel, covariance_model, covariance_values
from oncovivo.growth.dense import fit_dense
from oncovivo.growth.dense_likelihood import evaluate, variance_derivatives
from oncovivo.growth.engine import EngineFit, Problem
from oncovivo.growth.kenward_roger import KenwardRoger
from oncovivo.growth.model import Likelihood, RandomEffects, Residual
from tests.growth.problems import made_problem

FloatArray = NDArray[np.float64]
CAGES = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
ROOMS = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
BATCHES = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2])

STRUCTURES: list[tuple[RandomEffects, Residual, dict[str, NDArray[np.intp]]]] = [
    ("intercept_slope", "iid", {}),
    ("intercept_slope_independent", "arm", {}),
    ("slope", "animal", {}),
    ("intercept", "car1", {}),
    ("intercept_slope", "arm_car1", {"cage": CAGES}),
    ("intercept", "arm", {"cage": CAGES, "room": ROOMS}),
    ("slope", "iid", {"cage": CAGES, "batch": BATCHES}),
]


def some_values(model: CovarianceModel) -> FloatArray:
    """Parameters inside their range."""
    known = {"var(intercept)": 0.1, "cov(intercept,slope)": 0.003, "var(slope)": 0.0009}
    values = [known.get(name, 0.02 + 0.01 * k) for k, name in enumerate(model.parameters)]
    if model.gap is not None:
        values[-1] = 0.4
    return np.array(values)


def full_covariance(problem: Problem, values: dict[str, float], rho_day: float) -> FloatArray:
    """V of all readings at once, by the definition."""
    random = np.array(
        [
            [values.get("var(intercept)", 0.0), values.get("cov(intercept,slope)", 0.0)],
            [values.get("cov(intercept,slope)", 0.0), values.get("var(slope)", 0.0)],
        ]
    )
    total = np.zeros((problem.y.size, problem.y.size))
    for i, (a, s) in enumerate(zip(problem.animal, problem.time, strict=True)):
        for j, (b, t) in enumerate(zip(problem.animal, problem.time, strict=True)):
            for name, group in problem.groups.items():
                total[i, j] += values[f"var({name})"] * (group[a] == group[b])
            if a != b:
                continue
            total[i, j] += np.array([1.0, s]) @ random @ np.array([1.0, t])
            key = {"arm": problem.arm[a], "arm_car1": problem.arm[a], "animal": a}
            name = "var(residual)"
            if problem.residual in key:
                name = f"var(residual:{key[problem.residual]})"
            total[i, j] += values[name] * (
                float(i == j) if rho_day == 0 else rho_day ** abs(s - t)
            )
    return total


def full_log_likelihood(problem: Problem, v: FloatArray) -> float:
    x, y = problem.x, problem.y
    inner = x.T @ np.linalg.solve(v, x)
    beta = np.linalg.solve(inner, x.T @ np.linalg.solve(v, y))
    rest = y - x @ beta
    total = np.linalg.slogdet(v)[1] + rest @ np.linalg.solve(v, rest)
    freedom = y.size
    if problem.likelihood == "REML":
        freedom -= x.shape[1]
        total += np.linalg.slogdet(inner)[1]
    return float(-0.5 * (freedom * np.log(2 * np.pi) + total))


def fitted_covariance(problem: Problem, fit: EngineFit) -> FloatArray:
    model = covariance_model(problem)
    values = covariance_values(model, problem, fit)
    known = dict(zip(model.parameters, values.tolist(), strict=True))
    return full_covariance(problem, known, fit.correlation or 0.0)


@pytest.mark.parametrize(("random", "residual", "groups"), STRUCTURES)
@pytest.mark.parametrize("likelihood", ["REML", "ML"])
def test_likelihood_is_that_of_the_full_normal_density(
    random: RandomEffects,
    residual: Residual,
    groups: dict[str, NDArray[np.intp]],
    likelihood: Likelihood,
) -> None:
    problem = made_problem(
        1, random=random, residual=residual, groups=groups, likelihood=likelihood
    )
    model = covariance_model(problem)
    values = some_values(model)
    known = dict(zip(model.parameters, values.tolist(), strict=True))
    rho_day = 0.4 ** (1 / model.gap) if model.gap is not None else 0.0
    point = evaluate(model, problem.y, problem.x, values, likelihood)
    assert point is not None
    expected = full_log_likelihood(problem, full_covariance(problem, known, rho_day))
    assert point.log_likelihood == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize(("random", "residual", "groups"), STRUCTURES)
@pytest.mark.parametrize("likelihood", ["REML", "ML"])
def test_gradient_and_hessian_are_the_slopes_of_the_likelihood(
    random: RandomEffects,
    residual: Residual,
    groups: dict[str, NDArray[np.intp]],
    likelihood: Likelihood,
) -> None:
    problem = made_problem(
        2, random=random, residual=residual, groups=groups, likelihood=likelihood
    )
    model = covariance_model(problem)
    values = some_values(model)
    point = evaluate(model, problem.y, problem.x, values, likelihood)
    assert point is not None
    for place, value in enumerate(values):
        step = 1e-5 * value
        up, down = values.copy(), values.copy()
        up[place] += step
        down[place] -= step
        high = evaluate(model, problem.y, problem.x, up, likelihood)
        low = evaluate(model, problem.y, problem.x, down, likelihood)
        assert high is not None
        assert low is not None
        slope = (high.log_likelihood - low.log_likelihood) / (2 * step)
        scale = np.abs(point.gradient).max()
        assert slope == pytest.approx(point.gradient[place], rel=1e-6, abs=1e-8 * scale)
        bend = (high.gradient - low.gradient) / (2 * step)
        np.testing.assert_allclose(
            bend, point.hessian[place], rtol=1e-6, atol=1e-7 * np.abs(point.hessian[place]).max()
        )


def test_derivatives_for_kenward_roger_are_those_of_their_definitions() -> None:
    problem = made_problem(3, residual="arm_car1", groups={"cage": CAGES}, per_arm=4)
    model = covariance_model(problem)
    values = some_values(model)
    point = evaluate(model, problem.y, problem.x, values, "REML")
    assert point is not None
    found = variance_derivatives(model, problem.x, values, point, count=values.size)
    gap = model.gap
    assert gap is not None
    assert found.curvature is not None

    def v_at(theta: FloatArray) -> FloatArray:
        known = dict(zip(model.parameters, theta.tolist(), strict=True))
        return full_covariance(problem, known, theta[-1] ** (1 / gap))

    v = v_at(values)
    weight = np.linalg.inv(v)
    seen = weight @ problem.x
    projection = weight - seen @ np.linalg.inv(problem.x.T @ seen) @ seen.T
    slopes = []
    for place in range(values.size):
        up, down = values.copy(), values.copy()
        step = 1e-4 * values[place]
        up[place] += step
        down[place] -= step
        slopes.append((v_at(up) - v_at(down)) / (2 * step))
    for k, v_k in enumerate(slopes):
        expected = -seen.T @ v_k @ seen
        np.testing.assert_allclose(
            found.first[k], expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max()
        )
        for other, v_l in enumerate(slopes):
            expected = seen.T @ v_k @ weight @ v_l @ seen
            np.testing.assert_allclose(
                found.second[k, other], expected, rtol=1e-6, atol=1e-7 * np.abs(expected).max()
            )
            information = 0.5 * np.trace(projection @ v_k @ projection @ v_l)
            assert found.information[k, other] == pytest.approx(information, rel=1e-6)
    up, down = values.copy(), values.copy()
    up[-1] += 1e-3
    down[-1] -= 1e-3
    bend = (v_at(up) - 2 * v + v_at(down)) / 1e-6
    expected = seen.T @ bend @ seen
    np.testing.assert_allclose(
        found.curvature[-1, -1], expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max()
    )


@pytest.mark.parametrize(("random", "residual", "groups"), STRUCTURES)
def test_fit_is_a_maximum_that_reports_its_own_likelihood_and_predictions(
    random: RandomEffects, residual: Residual, groups: dict[str, NDArray[np.intp]]
) -> None:
    problem = made_problem(4, random=random, residual=residual, groups=groups, correlation=0.7)
    fit = fit_dense(problem)
    assert fit.converged
    v = fitted_covariance(problem, fit)
    assert fit.log_likelihood == pytest.approx(full_log_likelihood(problem, v), rel=1e-10)
    # Each variance up or down by a little lowers the likelihood, or cannot be lowered.
    model = covariance_model(problem)
    values = covariance_values(model, problem, fit)
    for place in range(values.size):
        for factor in (0.98, 1.02):
            moved = values.copy()
            moved[place] *= factor
            point = evaluate(model, problem.y, problem.x, moved, "REML")
            assert point is None or point.log_likelihood <= fit.log_likelihood + 1e-9
    # Predictions are covariances with the readings times the weighted residuals.
    weighted = np.linalg.solve(v, problem.y - problem.x @ fit.coefficients)
    design = np.column_stack((np.ones_like(problem.time), problem.time))
    for who in range(problem.arm.size):
        own = problem.animal == who
        expected = fit.random_covariance @ (design[own].T @ weighted[own])
        np.testing.assert_allclose(fit.random_effects[who], expected, rtol=1e-7, atol=1e-10)
    for name, group in groups.items():
        level = group[problem.animal] == 1
        expected_level = fit.group_variances[name] * weighted[level].sum()
        assert fit.group_effects[name][1] == pytest.approx(expected_level, rel=1e-7, abs=1e-10)


@pytest.mark.parametrize("residual", ["iid", "arm", "car1", "arm_car1", "animal"])
def test_unit_of_time_and_order_of_rows_change_nothing(residual: Residual) -> None:
    problem = made_problem(5, residual=residual, groups={"cage": CAGES}, correlation=0.8)
    fit = fit_dense(problem)
    slopes = np.array([1.0, 7.0, 7.0, 7.0])
    weeks = replace(problem, time=problem.time / 7, x=problem.x / slopes)
    by_week = fit_dense(weeks)
    np.testing.assert_allclose(by_week.coefficients, fit.coefficients * slopes, rtol=1e-8)
    # Restricted likelihoods differ by the columns' scale, and by nothing else.
    moved = fit.log_likelihood + np.log(slopes).sum()
    assert by_week.log_likelihood == pytest.approx(moved, abs=1e-8)
    questions = np.array([[0.0, -1.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    if residual != "animal":
        first, second = KenwardRoger(fit.derivatives), KenwardRoger(by_week.derivatives)
        np.testing.assert_allclose(
            second.covariance, first.covariance * np.outer(slopes, slopes), rtol=1e-6
        )
        np.testing.assert_allclose(second.df(questions), first.df(questions), rtol=1e-6)
    order = np.random.default_rng(0).permutation(problem.y.size)
    shuffled = fit_dense(
        replace(
            problem,
            y=problem.y[order],
            x=problem.x[order],
            time=problem.time[order],
            animal=problem.animal[order],
        )
    )
    np.testing.assert_allclose(shuffled.coefficients, fit.coefficients, rtol=1e-9)
    np.testing.assert_allclose(shuffled.values, fit.values, rtol=1e-6)
    assert shuffled.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-9)


def test_residuals_without_correlation_reduce_to_independent_ones() -> None:
    checked = 0
    for seed in range(6):
        problem = made_problem(seed, residual="car1")
        plain = fit_dense(replace(problem, residual="iid"))
        fit = fit_dense(problem)
        assert fit.log_likelihood >= plain.log_likelihood - 1e-9
        assert fit.correlation is not None
        if fit.correlation > 0:
            continue
        checked += 1
        np.testing.assert_array_equal(fit.coefficients, plain.coefficients)
        assert "correlation" not in fit.parameters
        np.testing.assert_array_equal(fit.derivatives.covariance, plain.derivatives.covariance)
    assert checked


def test_likelihood_of_a_vanishing_correlation_is_that_of_independent_residuals() -> None:
    problem = made_problem(7, residual="car1")
    model = covariance_model(problem)
    plain = covariance_model(replace(problem, residual="iid"))
    values = some_values(model)
    values[-1] = 1e-14
    one = evaluate(model, problem.y, problem.x, values, "REML")
    other = evaluate(plain, problem.y, problem.x, values[:-1], "REML")
    assert one is not None
    assert other is not None
    assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-6)


def test_equal_variances_of_the_arms_reduce_to_one() -> None:
    problem = made_problem(8, residual="arm")
    plain = replace(problem, residual="iid")
    model, one = covariance_model(problem), covariance_model(plain)
    values = np.array([0.1, 0.003, 0.0009, 0.02, 0.02, 0.02])
    by_arm = evaluate(model, problem.y, problem.x, values, "REML")
    joint = evaluate(one, problem.y, problem.x, values[:4], "REML")
    assert by_arm is not None
    assert joint is not None
    assert by_arm.log_likelihood == pytest.approx(joint.log_likelihood, rel=1e-13)
    np.testing.assert_allclose(by_arm.gradient[3:].sum(), joint.gradient[3], rtol=1e-10)
    assert fit_dense(problem).log_likelihood >= fit_dense(plain).log_likelihood


def test_parameters_are_found_again_in_a_large_study() -> None:
    cages = np.arange(180) // 3
    problem = made_problem(
        9,
        residual="arm_car1",
        groups={"cage": cages},
        per_arm=60,
        sd=(0.3, 0.02, 0.2),
        correlation=0.6,
        sd_factor=(1.0, 1.5, 0.7),
    )
    fit = fit_dense(problem)
    assert fit.converged
    assert not fit.singular
    assert fit.correlation == pytest.approx(0.6, abs=0.08)
    sd = np.sqrt(fit.residual_variance[[0, 60, 120]])
    np.testing.assert_allclose(sd, [0.2, 0.3, 0.14], rtol=0.15)
    assert np.sqrt(fit.random_covariance[1, 1]) == pytest.approx(0.02, rel=0.2)
    assert np.sqrt(fit.group_variances["cage"]) == pytest.approx(0.25, rel=0.25)
    inference = KenwardRoger(fit.derivatives)
    df = inference.df(np.array([[0.0, -1.0, 1.0, 0.0]]))
    assert 100 < df[0] < 400
    excess = np.sqrt(np.diag(inference.covariance) / np.diag(fit.derivatives.covariance))
    assert (excess > 0.99).all()
    assert (excess < 1.02).all()


def test_a_study_without_spread_between_animals_is_singular_with_exact_zeros() -> None:
    found = [
        fit_dense(made_problem(seed, sd=(0.0, 0.0, 0.2), groups={"cage": CAGES}))
        for seed in range(4)
    ]
    assert all(fit.converged for fit in found)
    singular = [fit for fit in found if fit.singular]
    assert singular
    for fit in singular:
        smallest = np.linalg.eigvalsh(fit.random_covariance)[0]
        zero = abs(smallest) < 1e-18 or fit.group_variances["cage"] == 0.0
        assert zero
        assert np.isfinite(KenwardRoger(fit.derivatives).df(np.eye(4))).all()


def test_a_variance_for_each_animal_finds_the_restless_one() -> None:
    problem = made_problem(11, residual="animal", uneven=False)
    y = problem.y.copy()
    rough = problem.animal == 5
    y[rough] += 1.5 * np.array([1, -1, -1, 1, 1, -1, -1, 1])
    fit = fit_dense(replace(problem, y=y))
    assert int(np.argmax(fit.residual_variance)) == 5
    assert fit.residual_variance[5] > 50 * np.median(fit.residual_variance)
    assert not any("residual" in name for name in fit.parameters)
    assert fit.derivatives.information.shape == (3, 3)


def test_readings_that_the_fixed_part_explains_are_refused() -> None:
    problem = made_problem(12)
    exact = replace(problem, y=problem.x @ np.array([5.0, 0.1, 0.1, 0.1]))
    with pytest.raises(DataError, match="an exact fit"):
        fit_dense(exact)


def test_one_reading_for_each_animal_has_no_correlation() -> None:
    problem = made_problem(13, random="slope", residual="car1", per_arm=8)
    last = np.flatnonzero(np.diff(problem.animal, append=-1))
    single = replace(
        problem,
        y=problem.y[last],
        x=problem.x[last],
        time=problem.time[last],
        animal=problem.animal[last],
    )
    fit = fit_dense(single)
    assert fit.correlation == 0.0
    assert np.isfinite(fit.log_likelihood)


def test_a_correlated_fit_of_32_animals_takes_well_under_a_second() -> None:
    problem = made_problem(
        14, residual="car1", per_arm=8, n_arms=4, correlation=0.8, sd_factor=(1.0,) * 4
    )
    fit_dense(problem)
    start = clock.perf_counter()
    fit_dense(problem)
    assert clock.perf_counter() - start < 1.0
