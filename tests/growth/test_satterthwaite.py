"""Satterthwaite by differences of the contrast's variance, and tests of several questions."""

from __future__ import annotations

import numpy as np
import pytest

from oncovivo.growth.reduced import fit_reduced
from oncovivo.growth.satterthwaite import Satterthwaite
from tests.growth.problems import made_problem


def test_degrees_of_freedom_follow_from_the_variance_of_the_variance() -> None:
    problem = made_problem(3, sd=(0.3, 0.03, 0.1))
    fit = fit_reduced(problem)
    row = np.array([0.0, -1.0, 1.0, 0.0])
    same = problem.animal[:, None] == problem.animal
    time = problem.time
    parts = [
        same * 1.0,
        same * (time[:, None] + time),
        same * time[:, None] * time,
        np.eye(time.size),
    ]

    def variance(values: np.ndarray) -> float:
        v = sum(value * part for value, part in zip(values, parts, strict=True))
        inverse = np.linalg.inv(v)
        return float(row @ np.linalg.inv(problem.x.T @ inverse @ problem.x) @ row)

    gradient = np.empty(4)
    for k in range(4):
        step = 1e-5 * abs(fit.values[k]) * (np.arange(4) == k)
        change = variance(fit.values + step) - variance(fit.values - step)
        gradient[k] = change / (2 * step[k])
    spread = gradient @ np.linalg.solve(fit.observed_information, gradient)
    expected = 2 * variance(fit.values) ** 2 / spread
    inference = Satterthwaite(fit.derivatives, fit.observed_information)
    assert inference.df(row[None]) == pytest.approx([expected], rel=1e-5)
    assert inference.covariance is fit.derivatives.covariance
    assert inference.method == "Satterthwaite"


def test_several_questions_that_follow_from_one_are_its_t_test() -> None:
    fit = fit_reduced(made_problem(3, sd=(0.3, 0.03, 0.1)))
    inference = Satterthwaite(fit.derivatives, fit.observed_information)
    row = np.array([[0.0, -1.0, 1.0, 0.0]])
    test = inference.f_test(np.vstack((row, -2 * row)), fit.coefficients)
    error = (row @ inference.covariance @ row.T)[0, 0]
    assert test.df_numerator == 1
    assert test.statistic == pytest.approx((row @ fit.coefficients)[0] ** 2 / error, rel=1e-9)
    assert test.df_denominator == pytest.approx(inference.df(row)[0], rel=1e-9)


def test_degrees_of_freedom_of_an_f_lie_among_those_of_its_axes() -> None:
    fit = fit_reduced(made_problem(3, sd=(0.3, 0.03, 0.1)))
    inference = Satterthwaite(fit.derivatives, fit.observed_information)
    rows = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 1.0, 0.0], [0.0, -1.0, 0.0, 1.0]])
    _, vector = np.linalg.eigh(rows @ inference.covariance @ rows.T)
    own = inference.df(vector.T @ rows)
    test = inference.f_test(rows, fit.coefficients)
    assert own.min() <= test.df_denominator <= own.max()


def test_axes_with_two_degrees_of_freedom_or_fewer_leave_two() -> None:
    fit = fit_reduced(made_problem(3, sd=(0.3, 0.03, 0.1)))
    weak = Satterthwaite(fit.derivatives, fit.observed_information / 40)
    rows = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 1.0, 0.0]])
    assert weak.f_test(rows, fit.coefficients).df_denominator == 2.0
