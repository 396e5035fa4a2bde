"""The marginal likelihood of a nonlinear mixed model: its value and its gradient."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from oncovivo.growth.laws import GROWTH_LAWS, growth_law
from oncovivo.growth.marginal import CurveProblem, Integration, Structure, curve_problem
from oncovivo.growth.reading_likelihood import reading_terms
from tests.growth.curve_studies import law_study

FloatArray: TypeAlias = NDArray[np.float64]

# Two arms' rates, then what the law has beside them, time in units of the study.
REST: dict[str, list[float]] = {
    "exponential": [],
    "exponential_linear": [np.log(900.0)],
    "logistic": [np.log(1500.0)],
    "gompertz": [0.4],
    "von_bertalanffy": [0.5],
    "power": [0.8],
    "regress_regrow": [0.8, 0.4],
}


def problem_of(
    law: str,
    *,
    structure: Structure = "diagonal",
    integration: Integration = "laplace",
    points: int = 9,
    limit: float | None = None,
    random: tuple[str, ...] = ("log_v0", "rate"),
    days: tuple[float, ...] = tuple(range(0, 25, 3)),
    animals: int = 4,
) -> CurveProblem:
    data = law_study(
        growth_law("gompertz"),
        {"a": [5.0, 0.12, 0.02], "b": [5.0, 0.05, 0.02]},
        animals=animals,
        spread={"log_v0": 0.3, "rate": 0.02},
        limit=limit,
        days=days,
    )
    model = growth_law(law)
    return curve_problem(
        data,
        model,
        arms=data.arms,
        arm_parameters=model.arm_parameters,
        random=random,
        structure=structure,
        integration=integration,
        points=points,
        span=24.0,
    )


def point_of(problem: CurveProblem, law: str) -> FloatArray:
    spreads = {1: [0.3], 2: [0.3, 0.4], 3: [0.3, 0.1, 0.4], 6: [0.3, 0.1, 0.4, 0.05, 0.1, 0.3]}
    entries = spreads[problem.entries[0].size]
    return np.array([5.0, 2.5, 1.2, *REST[law], *entries, np.log(0.25)])


@pytest.mark.parametrize("limit", [None, 120.0])
@pytest.mark.parametrize("structure", ["diagonal", "unstructured"])
@pytest.mark.parametrize("law", list(GROWTH_LAWS))
def test_gradient_of_the_laplace_likelihood_matches_differences(
    law: str, structure: Structure, limit: float | None
) -> None:
    problem = problem_of(law, structure=structure, limit=limit)
    assert problem.below.any() == (limit is not None)
    theta = point_of(problem, law)
    value = problem.evaluate(theta[None])
    assert value.settled.all()
    shift = np.eye(theta.size) * 1e-5
    near = problem.evaluate(np.concatenate((theta + shift, theta - shift)), value.eta)
    sums = near.by_animal.sum(axis=1)
    expected = (sums[: theta.size] - sums[theta.size :]) / 2e-5
    np.testing.assert_allclose(value.gradient[0], expected, rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("law", ["gompertz", "logistic"])
def test_gradient_of_the_quadrature_matches_differences(law: str) -> None:
    problem = problem_of(law, integration="quadrature", points=15, limit=120.0)
    theta = point_of(problem, law)
    value = problem.evaluate(theta[None])
    shift = np.eye(theta.size) * 1e-5
    near = problem.evaluate(np.concatenate((theta + shift, theta - shift)), value.eta)
    sums = near.by_animal.sum(axis=1)
    expected = (sums[: theta.size] - sums[theta.size :]) / 2e-5
    np.testing.assert_allclose(value.gradient[0], expected, rtol=1e-5, atol=1e-5)


def test_laplace_is_exact_where_random_effects_are_linear() -> None:
    problem = problem_of("gompertz", structure="unstructured")
    theta = point_of(problem, "gompertz")
    factor = problem.factor(theta)
    slopes = problem.model.gradient(problem.population(theta[None])[0], problem.time)
    mean = problem.model.predict(problem.population(theta[None])[0], problem.time)
    expected = [
        stats.multivariate_normal.logpdf(
            problem.y[animal],
            mean[animal],
            slopes[animal][:, :2] @ factor @ factor.T @ slopes[animal][:, :2].T
            + np.exp(2 * theta[-1]) * np.eye(problem.y.shape[1]),
        )
        for animal in range(problem.y.shape[0])
    ]
    np.testing.assert_allclose(problem.evaluate(theta[None]).by_animal[0], expected, rtol=1e-11)


@pytest.mark.parametrize("law", ["logistic", "power", "von_bertalanffy", "regress_regrow"])
def test_quadrature_equals_brute_force_integration(law: str) -> None:
    problem = problem_of(law, integration="quadrature", points=21, limit=120.0)
    theta = point_of(problem, law)
    values = problem.evaluate(theta[None]).by_animal[0]
    axis = np.linspace(-8, 8, 801)
    first, second = np.meshgrid(axis, axis, indexing="ij")
    eta = np.stack((first.ravel(), second.ravel()), axis=-1)
    for animal in (0, 5):
        phi = np.repeat(problem.population(theta[None])[0][animal][None], len(eta), axis=0)
        phi[:, problem.random] += eta @ problem.factor(theta).T
        with np.errstate(over="ignore"):
            curve = problem.model.predict(phi, problem.time[animal])
        terms = reading_terms(
            problem.y[animal],
            problem.below[animal],
            problem.used[animal],
            curve,
            np.array(theta[-1]),
        )
        logs = terms.value.sum(axis=1) + stats.norm.logpdf(eta).sum(axis=1)
        whole = np.log(np.exp(logs - logs.max()).sum() * (axis[1] - axis[0]) ** 2) + logs.max()
        assert values[animal] == pytest.approx(whole, abs=2e-6)


def test_laplace_is_near_quadrature_where_random_effects_are_not_linear() -> None:
    for law in ("logistic", "power", "von_bertalanffy"):
        theta = point_of(problem_of(law), law)
        laplace = problem_of(law).evaluate(theta[None]).by_animal[0]
        exact = problem_of(law, integration="quadrature", points=15).evaluate(theta[None])
        np.testing.assert_allclose(laplace, exact.by_animal[0], atol=0.15)
        assert np.abs(laplace - exact.by_animal[0]).max() > 1e-6


def test_a_limit_beyond_all_sizes_says_nothing() -> None:
    problem = problem_of("logistic")
    theta = point_of(problem, "logistic")
    plain = problem.evaluate(theta[None])
    last = np.zeros_like(problem.below)
    last[:, -1] = True
    fields = {name: getattr(problem, name) for name in problem.__slots__}
    shorter = CurveProblem(**{**fields, "used": problem.used & ~last})
    lifted = CurveProblem(**{**fields, "below": last, "y": np.where(last, 60.0, problem.y)})
    np.testing.assert_allclose(
        lifted.evaluate(theta[None]).by_animal, shorter.evaluate(theta[None]).by_animal, rtol=1e-12
    )
    assert not np.allclose(plain.by_animal, shorter.evaluate(theta[None]).by_animal)


def test_a_vanished_tumor_explains_a_reading_below_the_limit_only() -> None:
    gone = np.array([[-np.inf]])
    used = np.array([[True]])
    y, log_sigma = np.array([[2.0]]), np.array(0.0)
    censored = reading_terms(y, np.array([[True]]), used, gone, log_sigma)
    assert censored.value[0, 0] == 0.0
    assert censored.slope[0, 0] == 0.0
    measured = reading_terms(y, np.array([[False]]), used, gone, log_sigma)
    assert measured.value[0, 0] == -np.inf


def test_random_effects_without_spread_leave_independent_readings() -> None:
    problem = problem_of("gompertz")
    theta = point_of(problem, "gompertz")
    theta[problem.p : -1] = 0.0
    mean = problem.model.predict(problem.population(theta[None])[0], problem.time)
    expected = np.asarray(stats.norm.logpdf(problem.y, mean, 0.25)).sum(axis=1)
    value = problem.evaluate(theta[None])
    np.testing.assert_allclose(value.by_animal[0], expected, rtol=1e-12)
    # The likelihood is even in a standard deviation.
    np.testing.assert_allclose(value.gradient[0, problem.p : -1], 0.0, atol=1e-9)
