"""The reduced engine: a dense twin, derivatives by differences, and what must not change it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.growth.cross_products import cross_products
from oncovivo.growth.dense import fit_dense
from oncovivo.growth.engine import EngineFit, Problem
from oncovivo.growth.kenward_roger import KenwardRoger
from oncovivo.growth.line_fit import LineDeviance
from oncovivo.growth.model import Likelihood, RandomEffects, Residual
from oncovivo.growth.reduced import fit_reduced
from tests.growth.problems import made_problem

FloatArray = NDArray[np.float64]

STRUCTURES: list[tuple[RandomEffects, Residual, Likelihood]] = [
    ("intercept_slope", "iid", "REML"),
    ("intercept_slope", "iid", "ML"),
    ("intercept_slope", "arm", "REML"),
    ("intercept_slope_independent", "iid", "REML"),
    ("intercept_slope_independent", "arm", "ML"),
    ("slope", "iid", "REML"),
    ("slope", "arm", "REML"),
    ("intercept", "iid", "ML"),
    ("intercept", "arm", "REML"),
]


class Twin:
    """The model by its full covariance matrix and the textbook formulas."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        m = problem.y.size
        same = problem.animal[:, None] == problem.animal
        time = problem.time
        lines = {
            "var(intercept)": same * 1.0,
            "cov(intercept,slope)": same * (time[:, None] + time),
            "var(slope)": same * time[:, None] * time,
            "var(residual)": np.eye(m),
        }
        arm = problem.arm[problem.animal]
        for number in np.unique(arm):
            lines[f"var(residual:{number})"] = np.diag((arm == number) * 1.0)
        self.lines = lines

    def covariance(self, fit: EngineFit, values: FloatArray) -> FloatArray:
        """V."""
        pairs = zip(fit.parameters, values, strict=True)
        return np.asarray(sum(value * self.lines[name] for name, value in pairs))

    def projection(self, v: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """V⁻¹, Phi and P."""
        inverse = np.asarray(np.linalg.inv(v), dtype=np.float64)
        x = self.problem.x
        phi = np.asarray(np.linalg.inv(x.T @ inverse @ x), dtype=np.float64)
        return inverse, phi, inverse - inverse @ x @ phi @ x.T @ inverse

    def log_likelihood(self, v: FloatArray) -> float:
        """With all constants."""
        x, y = self.problem.x, self.problem.y
        _, phi, p = self.projection(v)
        restricted = self.problem.likelihood == "REML"
        freedom = y.size - restricted * x.shape[1]
        value = freedom * np.log(2 * np.pi) + np.linalg.slogdet(v)[1] + y @ p @ y
        if restricted:
            value -= np.linalg.slogdet(phi)[1]
        return float(-0.5 * value)


def with_curves(problem: Problem) -> Problem:
    """The same with a curved time column and a covariate of the animals."""
    shift = (np.arange(problem.arm.size) % 2)[problem.animal] * 1.0
    return replace(problem, x=np.column_stack((problem.x, problem.time**2 / 100, shift)))


@pytest.mark.parametrize(("random", "residual", "likelihood"), STRUCTURES)
def test_all_that_a_fit_says_is_what_full_matrices_give(
    random: RandomEffects, residual: Residual, likelihood: Likelihood
) -> None:
    problem = made_problem(
        11,
        random=random,
        residual=residual,
        likelihood=likelihood,
        sd=(0.4, 0.04, 0.1),
        per_arm=6,
        sd_factor=(1.0, 2.0, 0.7),
    )
    problem = with_curves(problem)
    fit = fit_reduced(problem)
    twin = Twin(problem)
    v = twin.covariance(fit, fit.values)
    inverse, phi, p = twin.projection(v)
    x, y = problem.x, problem.y
    assert fit.converged
    assert not fit.singular
    assert fit.log_likelihood == pytest.approx(twin.log_likelihood(v), abs=1e-9)
    np.testing.assert_allclose(fit.coefficients, phi @ x.T @ inverse @ y, rtol=1e-8, atol=1e-12)
    derivatives = fit.derivatives
    np.testing.assert_allclose(derivatives.covariance, phi, rtol=1e-7, atol=1e-14)
    lines = [twin.lines[name] for name in fit.parameters]
    for k, one in enumerate(lines):
        slope = -0.5 * np.trace(p @ one) + 0.5 * y @ p @ one @ p @ y
        if likelihood == "ML":
            slope += 0.5 * np.trace(p @ one) - 0.5 * np.trace(inverse @ one)
        assert abs(slope * fit.values[k]) < 1e-7
        first = -x.T @ inverse @ one @ inverse @ x
        np.testing.assert_allclose(
            derivatives.first[k], first, rtol=1e-8, atol=1e-9 * abs(first).max()
        )
        for j, other in enumerate(lines):
            second = x.T @ inverse @ one @ inverse @ other @ inverse @ x
            second = 0.5 * (second + second.T)
            np.testing.assert_allclose(
                derivatives.second[k, j], second, rtol=1e-8, atol=1e-9 * abs(second).max()
            )
            expected = 0.5 * np.trace(p @ one @ p @ other)
            assert derivatives.information[k, j] == pytest.approx(expected, rel=1e-8)
            base = p if likelihood == "REML" else inverse
            observed = y @ p @ one @ p @ other @ p @ y - 0.5 * np.trace(base @ one @ base @ other)
            assert fit.observed_information[k, j] == pytest.approx(observed, rel=1e-6)
    for animal in (0, problem.arm.size - 1):
        rows = problem.animal == animal
        z = np.column_stack((np.ones(rows.sum()), problem.time[rows]))
        pulled = (inverse @ (y - x @ fit.coefficients))[rows]
        np.testing.assert_allclose(
            fit.random_effects[animal], fit.random_covariance @ z.T @ pulled, rtol=1e-7, atol=1e-10
        )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("random", "residual", "likelihood"), STRUCTURES)
def test_both_engines_find_the_same_maximum(
    seed: int, random: RandomEffects, residual: Residual, likelihood: Likelihood
) -> None:
    sd = [(0.3, 0.02, 0.15), (0.0, 0.02, 0.1), (0.5, 0.0, 0.1), (0.0, 0.0, 0.2)][seed % 4]
    problem = made_problem(
        seed, random=random, residual=residual, likelihood=likelihood, sd=sd, per_arm=3
    )
    one, other = fit_reduced(problem), fit_dense(problem)
    assert one.converged
    assert one.singular == other.singular
    assert one.parameters == other.parameters
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-8)
    np.testing.assert_allclose(one.coefficients, other.coefficients, rtol=1e-5)
    weights = np.eye(problem.x.shape[1])
    if not one.singular:
        ours, theirs = KenwardRoger(one.derivatives), KenwardRoger(other.derivatives)
        np.testing.assert_allclose(ours.df(weights), theirs.df(weights), rtol=1e-4)
        np.testing.assert_allclose(
            ours.covariance, theirs.covariance, rtol=1e-4, atol=1e-6 * ours.covariance.max()
        )


@pytest.mark.parametrize("random", ["intercept_slope", "intercept_slope_independent", "slope"])
@pytest.mark.parametrize("residual", ["iid", "arm"])
@pytest.mark.parametrize("restricted", [True, False])
def test_gradient_and_hessian_are_those_of_differences(
    random: RandomEffects, residual: Residual, *, restricted: bool
) -> None:
    data, _, _ = cross_products(with_curves(made_problem(5, residual=residual)))
    factor = {"intercept_slope": [0, 1, 2], "intercept_slope_independent": [0, 2], "slope": [2]}
    deviance = LineDeviance(data=data, factor=np.array(factor[random]), restricted=restricted)
    size = len(factor[random]) + (3 if residual == "arm" else 0)
    theta = np.linspace(0.4, 1.1, size)[None] * np.where(np.arange(size) % 2, -1, 1)
    _, gradient, hessian = deviance(theta)
    step = 1e-5
    for k in range(size):
        move = step * (np.arange(size) == k)
        above, below = deviance(theta + move), deviance(theta - move)
        slope = (above[0] - below[0]) / (2 * step)
        assert gradient[0, k] == pytest.approx(slope[0], rel=1e-6, abs=1e-6)
        curve = (above[1] - below[1]) / (2 * step)
        np.testing.assert_allclose(hessian[0, k], curve[0], rtol=1e-6, atol=1e-5)


def same(one: EngineFit, other: EngineFit, *, rtol: float = 1e-8) -> None:
    np.testing.assert_allclose(one.coefficients, other.coefficients, rtol=rtol, atol=1e-10)
    np.testing.assert_allclose(one.values, other.values, rtol=100 * rtol, atol=1e-10)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-8)
    weights = np.eye(one.coefficients.size)
    np.testing.assert_allclose(
        KenwardRoger(one.derivatives).df(weights),
        KenwardRoger(other.derivatives).df(weights),
        rtol=100 * rtol,
    )


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 1000), st.integers(0, 1000))
def test_order_of_rows_and_animals_changes_nothing(seed: int, order: int) -> None:
    problem = made_problem(seed)
    rng = np.random.default_rng(order)
    animals = rng.permutation(problem.arm.size)
    rows = np.concatenate(
        [rng.permutation(np.flatnonzero(problem.animal == animal)) for animal in animals]
    )
    place = np.argsort(animals)
    moved = replace(
        problem,
        y=problem.y[rows],
        x=problem.x[rows],
        time=problem.time[rows],
        animal=place[problem.animal[rows]],
        arm=problem.arm[animals],
    )
    one, other = fit_reduced(problem), fit_reduced(moved)
    same(one, other)
    np.testing.assert_allclose(one.random_effects[animals], other.random_effects, atol=1e-8)


def test_readings_of_animals_in_turn_are_sorted() -> None:
    problem = made_problem(3, uneven=False)
    rows = np.argsort(problem.time, kind="stable")
    mixed = replace(
        problem,
        y=problem.y[rows],
        x=problem.x[rows],
        time=problem.time[rows],
        animal=problem.animal[rows],
    )
    same(fit_reduced(problem), fit_reduced(mixed))


def test_numbers_of_arms_only_name_their_variances() -> None:
    problem = made_problem(4, residual="arm", sd_factor=(1.0, 2.0, 0.5))
    swapped = replace(problem, arm=np.array([7, 3, 5])[problem.arm])
    one, other = fit_reduced(problem), fit_reduced(swapped)
    assert other.parameters[3:] == ("var(residual:3)", "var(residual:5)", "var(residual:7)")
    np.testing.assert_allclose(one.values[[4, 5, 3]], other.values[3:], rtol=1e-6)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-9)


@pytest.mark.parametrize("unit", [1 / 7, 24.0, 1e6])
def test_a_unit_of_time_only_changes_what_is_per_time(unit: float) -> None:
    problem = made_problem(8)
    scale = np.array([1.0, *[unit] * 3])
    moved = replace(problem, time=problem.time * unit, x=problem.x * scale)
    one, other = fit_reduced(problem), fit_reduced(moved)
    np.testing.assert_allclose(one.coefficients, other.coefficients * scale, rtol=1e-8)
    powers = unit ** np.array([0.0, 1.0, 2.0, 0.0])
    np.testing.assert_allclose(one.values, other.values * powers, rtol=1e-6)
    np.testing.assert_allclose(
        KenwardRoger(one.derivatives).df(np.eye(4)),
        KenwardRoger(other.derivatives).df(np.eye(4)),
        rtol=1e-6,
    )
    # The restricted likelihood is a density of contrasts, which the columns' units scale.
    shift = 3 * np.log(unit)
    assert one.log_likelihood == pytest.approx(other.log_likelihood + shift, abs=1e-7)


@pytest.mark.parametrize("scale", [1e-6, 1e5])
def test_outcomes_in_another_unit_scale_all_variances(scale: float) -> None:
    problem = made_problem(8)
    one, other = fit_reduced(problem), fit_reduced(replace(problem, y=problem.y * scale))
    np.testing.assert_allclose(one.values * scale**2, other.values, rtol=1e-6)
    np.testing.assert_allclose(
        one.derivatives.covariance * scale**2, other.derivatives.covariance, rtol=1e-6
    )


def test_equal_variances_of_arms_are_one_variance() -> None:
    # Two arms with the very same deviations from their lines.
    problem = made_problem(2, n_arms=1, per_arm=6)
    m = problem.y.size
    arm = np.repeat([0, 1], 6)
    x = np.zeros((2 * m, 4))
    x[:m, :2] = x[m:, 2:] = problem.x
    double = Problem(
        y=np.concatenate((problem.y, problem.y + 0.02 * problem.time)),
        x=x,
        time=np.tile(problem.time, 2),
        animal=np.concatenate((problem.animal, problem.animal + 6)),
        arm=arm,
    )
    one, other = fit_reduced(double), fit_reduced(replace(double, residual="arm"))
    np.testing.assert_allclose(other.values[3:], one.values[3], rtol=1e-7)
    np.testing.assert_allclose(other.values[:3], one.values[:3], rtol=1e-6)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-9)
    np.testing.assert_allclose(
        one.derivatives.covariance, other.derivatives.covariance, rtol=1e-7, atol=1e-16
    )


def test_variances_of_zero_are_recognized() -> None:
    problem = made_problem(0, uneven=False, sd=(0.0, 0.0, 0.2))
    # Residuals that add to nothing and have no slope leave no room for any spread of lines.
    z = np.column_stack((np.ones(8), problem.time[:8]))
    rest = (problem.y - problem.x @ np.linalg.lstsq(problem.x, problem.y)[0]).reshape(-1, 8)
    rest -= (z @ np.linalg.lstsq(z, rest.T)[0]).T
    flat = replace(problem, y=problem.x @ np.array([5.0, 0.1, 0.08, 0.06]) + rest.ravel())
    fit = fit_reduced(flat)
    assert fit.converged
    assert fit.singular
    assert (fit.random_covariance == 0).all()
    assert (fit.random_effects == 0).all()
    freedom = flat.y.size - 4
    assert fit.values[3] == pytest.approx((rest**2).sum() / freedom, rel=1e-10)


def test_a_correlation_of_one_is_recognized() -> None:
    problem = made_problem(0, uneven=False, sd=(0.0, 0.0, 0.1), per_arm=6)
    step = np.tile([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0], 3)[problem.animal]
    tied = replace(problem, y=problem.y + step * (0.1 + 0.02 * problem.time))
    fit = fit_reduced(tied)
    spread = fit.random_covariance
    assert fit.converged
    assert fit.singular
    assert spread[0, 1] ** 2 == pytest.approx(spread[0, 0] * spread[1, 1], rel=1e-6)
    assert spread[1, 1] == pytest.approx(np.var([-2, -1, -0.5, 0.5, 1, 2], ddof=1) * 4e-4, rel=0.3)


def test_a_fit_is_singular_exactly_where_the_boundary_is_the_maximum() -> None:
    singular = 0
    for seed in range(12):
        problem = made_problem(seed, sd=(0.0, 0.02, 0.2), random="intercept_slope_independent")
        fit = fit_reduced(problem)
        without = fit_reduced(replace(problem, random="slope"))
        assert fit.log_likelihood >= without.log_likelihood - 1e-9
        assert fit.singular == (fit.log_likelihood < without.log_likelihood + 1e-9)
        singular += fit.singular
    assert 0 < singular < 12


@pytest.mark.parametrize("seed", [147, 223, 462])
def test_a_lower_maximum_on_the_boundary_is_not_taken(seed: int) -> None:
    # Few animals, some of which leave: the likelihood has two maxima, one at no spread.
    problem = made_problem(seed, random="slope", likelihood="ML", sd=(0.3, 0.01, 0.2), per_arm=3)
    data, _, _ = cross_products(problem)
    deviance = LineDeviance(data=data, factor=np.array([2]), restricted=False)
    _, gradient, hessian = deviance(np.zeros((1, 1)))
    assert gradient[0, 0] == 0
    assert hessian[0, 0, 0] > 0
    fit = fit_reduced(problem)
    best = min(deviance(np.array([[sd]]))[0][0] for sd in np.geomspace(1e-3, 100, 200))
    own = np.sqrt(fit.values[0] / fit.values[1]) * problem.time.max()
    assert not fit.singular
    assert deviance(np.array([[own]]))[0][0] <= best + 1e-9


def test_animals_that_all_have_one_reading_leave_two_variances_untold() -> None:
    rng = np.random.default_rng(1)
    n = 12
    problem = Problem(
        y=rng.normal(size=n),
        x=np.ones((n, 1)),
        time=np.full(n, 3.0),
        animal=np.arange(n),
        arm=np.zeros(n, dtype=np.intp),
        random="intercept",
    )
    fit = fit_reduced(problem)
    assert fit.values.sum() == pytest.approx(np.var(problem.y, ddof=1), rel=1e-8)
    assert KenwardRoger(fit.derivatives).df(np.ones((1, 1))) == pytest.approx([n - 1])


def test_groups_and_correlated_residuals_are_refused() -> None:
    problem = made_problem(1)
    with pytest.raises(InputError, match="fit_dense"):
        fit_reduced(replace(problem, residual="car1"))
    cage = np.arange(problem.arm.size, dtype=np.intp) // 2
    with pytest.raises(InputError, match="no groups"):
        fit_reduced(replace(problem, groups={"cage": cage}))
