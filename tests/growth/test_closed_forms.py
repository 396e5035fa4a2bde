"""Balanced studies, where the right answer is a formula or a t test."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special, stats

from oncovivo.growth.engine import Problem
from oncovivo.growth.kenward_roger import KenwardRoger
from oncovivo.growth.reduced import fit_reduced
from oncovivo.growth.satterthwaite import Satterthwaite

FloatArray = NDArray[np.float64]
DAYS = np.array([0.0, 3.0, 7.0, 10.0, 14.0, 18.0])
N_ARMS, PER_ARM = 3, 5


def balanced(
    seed: int, *, own_intercepts: bool = True, sd: tuple[float, float, float] = (0.3, 0.03, 0.1)
) -> tuple[Problem, FloatArray]:
    """All animals measured on all days; outcomes (animals, days) beside the problem."""
    rng = np.random.default_rng(seed)
    n, j = N_ARMS * PER_ARM, DAYS.size
    arm = np.repeat(np.arange(N_ARMS), PER_ARM)
    level, rate = rng.normal(0, sd[0], n), rng.normal(0, sd[1], n)
    table = 5 + level[:, None] + (0.1 + rate - 0.02 * arm)[:, None] * DAYS
    table += rng.normal(0, sd[2], (n, j))
    own = arm[np.repeat(np.arange(n), j)]
    time = np.tile(DAYS, n)
    inside = (own[:, None] == np.arange(N_ARMS)).astype(np.float64)
    slopes = inside * time[:, None]
    level_columns = inside if own_intercepts else np.ones((time.size, 1))
    problem = Problem(
        y=table.ravel(),
        x=np.column_stack((level_columns, slopes)),
        time=time,
        animal=np.repeat(np.arange(n), j),
        arm=arm,
    )
    return problem, table


@pytest.mark.parametrize("seed", range(3))
def test_slopes_of_a_balanced_study_are_compared_by_the_exact_t_test(seed: int) -> None:
    problem, table = balanced(seed)
    fit = fit_reduced(problem)
    assert not fit.singular
    centered = DAYS - DAYS.mean()
    slope = (table @ centered / (centered @ centered)).reshape(N_ARMS, PER_ARM)
    np.testing.assert_allclose(fit.coefficients[N_ARMS:], slope.mean(axis=1), rtol=1e-10)
    pooled = slope.var(axis=1, ddof=1).mean()
    row = np.array([[0.0, 0.0, 0.0, -1.0, 1.0, 0.0]])
    df = N_ARMS * (PER_ARM - 1)
    for inference in (
        KenwardRoger(fit.derivatives),
        Satterthwaite(fit.derivatives, fit.observed_information),
    ):
        error = np.sqrt(row @ inference.covariance @ row.T)[0, 0]
        assert error == pytest.approx(np.sqrt(2 * pooled / PER_ARM), rel=1e-10)
        assert inference.df(row) == pytest.approx([df], rel=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_two_arms_give_the_t_test_of_the_animals_slopes(seed: int) -> None:
    problem, table = balanced(seed)
    rows = problem.arm[problem.animal] < 2
    pair = Problem(
        y=problem.y[rows],
        x=problem.x[rows][:, [0, 1, 3, 4]],
        time=problem.time[rows],
        animal=problem.animal[rows],
        arm=problem.arm[:10],
    )
    fit = fit_reduced(pair)
    inference = KenwardRoger(fit.derivatives)
    row = np.array([[0.0, 0.0, -1.0, 1.0]])
    centered = DAYS - DAYS.mean()
    slope = table @ centered / (centered @ centered)
    expected = stats.ttest_ind(slope[5:10], slope[:5])
    statistic = (row @ fit.coefficients / np.sqrt(row @ inference.covariance @ row.T))[0, 0]
    p_value = 2 * special.stdtr(inference.df(row)[0], -abs(statistic))
    assert statistic == pytest.approx(expected.statistic, rel=1e-9)
    assert p_value == pytest.approx(expected.pvalue, rel=1e-7)


def test_variances_of_a_balanced_study_are_those_of_analysis_of_variance() -> None:
    problem, table = balanced(4)
    fit = fit_reduced(problem)
    z = np.column_stack((np.ones(DAYS.size), DAYS))
    lines = np.linalg.solve(z.T @ z, z.T @ table.T).T
    rest = table - lines @ z.T
    residual = (rest**2).sum() / (table.shape[0] * (DAYS.size - 2))
    grouped = lines.reshape(N_ARMS, PER_ARM, 2)
    within = grouped - grouped.mean(axis=1, keepdims=True)
    spread = np.einsum("gia,gib->ab", within, within) / (N_ARMS * (PER_ARM - 1))
    expected = spread - residual * np.linalg.inv(z.T @ z)
    np.testing.assert_allclose(fit.random_covariance, expected, rtol=1e-8)
    assert fit.residual_variance == pytest.approx(np.full(15, residual), rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_ratio_model_has_the_variance_of_the_slope_contrast(seed: int) -> None:
    problem, table = balanced(seed, sd=(0.2, 0.02, 0.1))
    ratio = table[:, 1:] - table[:, :1]
    days = DAYS[1:]
    own = problem.arm[np.repeat(np.arange(15), days.size)]
    time = np.tile(days, 15)
    fit = fit_reduced(
        Problem(
            y=ratio.ravel(),
            x=np.where(own[:, None] == np.arange(N_ARMS), time[:, None], 0.0),
            time=time,
            animal=np.repeat(np.arange(15), days.size),
            arm=problem.arm,
            random="slope",
        )
    )
    slope = (ratio @ days / (days @ days)).reshape(N_ARMS, PER_ARM)
    np.testing.assert_allclose(fit.coefficients, slope.mean(axis=1), rtol=1e-12)
    row = np.array([[1.0, -2.0, 1.0]])
    inference = KenwardRoger(fit.derivatives)
    slope_variance, residual = fit.values
    variance = (row**2).sum() * (slope_variance + residual / (days @ days)) / PER_ARM
    assert (row @ inference.covariance @ row.T)[0, 0] == pytest.approx(variance, rel=1e-10)
    assert slope.var(axis=1, ddof=1).mean() == pytest.approx(
        slope_variance + residual / (days @ days), rel=1e-9
    )
    assert inference.df(row) == pytest.approx([N_ARMS * (PER_ARM - 1)], rel=1e-9)


def test_animals_with_a_level_only_are_compared_by_their_means() -> None:
    rng = np.random.default_rng(2)
    table = rng.normal(0, 1, (12, 1)) + rng.normal(0, 0.3, (12, 4))
    arm = np.repeat([0, 1], 6)
    own = np.repeat(arm, 4)
    fit = fit_reduced(
        Problem(
            y=table.ravel(),
            x=np.column_stack((own == 0, own == 1)).astype(np.float64),
            time=np.tile(np.arange(4.0), 12),
            animal=np.repeat(np.arange(12), 4),
            arm=arm,
            random="intercept",
        )
    )
    inference = KenwardRoger(fit.derivatives)
    row = np.array([[-1.0, 1.0]])
    expected = stats.ttest_ind(table.mean(axis=1)[6:], table.mean(axis=1)[:6])
    statistic = (row @ fit.coefficients / np.sqrt(row @ inference.covariance @ row.T))[0, 0]
    assert statistic == pytest.approx(expected.statistic, rel=1e-10)
    assert inference.df(row) == pytest.approx([10.0], rel=1e-9)


def test_an_arm_mean_has_animals_minus_one_degrees_of_freedom() -> None:
    rng = np.random.default_rng(3)
    n = 7
    table = 5 + rng.normal(0, 0.3, (n, 1)) + (0.1 + rng.normal(0, 0.03, (n, 1))) * DAYS
    table += rng.normal(0, 0.1, table.shape)
    time = np.tile(DAYS, n)
    fit = fit_reduced(
        Problem(
            y=table.ravel(),
            x=np.column_stack((np.ones(time.size), time)),
            time=time,
            animal=np.repeat(np.arange(n), DAYS.size),
            arm=np.zeros(n, dtype=np.intp),
        )
    )
    inference = KenwardRoger(fit.derivatives)
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 9.0]])
    assert inference.df(rows) == pytest.approx([n - 1] * 3, rel=1e-8)
    # Both questions at once: Hotelling's test of the animals' lines.
    lines = np.polynomial.polynomial.polyfit(DAYS, table.T, 1).T
    mean, spread = lines.mean(axis=0), np.cov(lines.T)
    hotelling = (n - 2) / (2 * (n - 1)) * n * mean @ np.linalg.solve(spread, mean)
    test = inference.f_test(np.eye(2), fit.coefficients)
    assert test.statistic == pytest.approx(hotelling, rel=1e-6)
    assert test.df_denominator == pytest.approx(n - 2, rel=1e-6)
