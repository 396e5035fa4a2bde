"""Kenward-Roger by the paper's formulas, one study or many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from oncovivo.growth.engine import VarianceDerivatives
from oncovivo.growth.kenward_roger import KenwardRoger, adjusted_covariance, contrast_df
from oncovivo.growth.reduced import fit_reduced
from oncovivo.growth.small_sample import invert_information
from tests.growth.problems import made_problem


def derivatives_of(seed: int) -> VarianceDerivatives:
    return fit_reduced(made_problem(seed, sd=(0.3, 0.03, 0.1))).derivatives


def test_the_adjusted_covariance_is_the_papers_double_sum() -> None:
    derivatives = derivatives_of(1)
    phi, first, second = derivatives.covariance, derivatives.first, derivatives.second
    w = np.linalg.inv(derivatives.information)
    total = np.zeros_like(phi)
    for i in range(4):
        for j in range(4):
            total += w[i, j] * (second[i, j] - first[i] @ phi @ first[j])
    expected = phi + 2 * phi @ total @ phi
    np.testing.assert_allclose(KenwardRoger(derivatives).covariance, expected, rtol=1e-9)


def test_curvature_of_the_covariance_is_taken_off_by_a_quarter() -> None:
    derivatives = derivatives_of(1)
    bent = replace(derivatives, curvature=np.ones_like(derivatives.second))
    w = np.linalg.inv(derivatives.information)
    phi = derivatives.covariance
    change = KenwardRoger(bent).covariance - KenwardRoger(derivatives).covariance
    expected = -0.5 * w.sum() * phi @ np.ones_like(phi) @ phi
    np.testing.assert_allclose(change, expected, rtol=1e-6)


def test_one_row_of_the_f_test_is_the_t_test() -> None:
    fit = fit_reduced(made_problem(2, sd=(0.3, 0.03, 0.1)))
    inference = KenwardRoger(fit.derivatives)
    row = np.array([[0.0, -1.0, 1.0, 0.0]])
    test = inference.f_test(row, fit.coefficients)
    error = (row @ inference.covariance @ row.T)[0, 0]
    assert test.statistic == pytest.approx((row @ fit.coefficients)[0] ** 2 / error, rel=1e-9)
    assert test.df_denominator == pytest.approx(inference.df(row)[0], rel=1e-9)
    assert test.scale == pytest.approx(1.0, rel=1e-9)


def test_rows_that_follow_from_others_do_not_count() -> None:
    fit = fit_reduced(made_problem(2, sd=(0.3, 0.03, 0.1)))
    inference = KenwardRoger(fit.derivatives)
    rows = np.array([[0.0, -1.0, 1.0, 0.0], [0.0, -1.0, 0.0, 1.0]])
    both = inference.f_test(rows, fit.coefficients)
    more = inference.f_test(np.vstack((rows, rows[1] - rows[0])), fit.coefficients)
    assert more.df_numerator == both.df_numerator == 2
    assert more.statistic == pytest.approx(both.statistic, rel=1e-7)
    assert more.p_value == pytest.approx(both.p_value, rel=1e-6)


def test_many_studies_at_once_are_the_single_ones() -> None:
    parts = [derivatives_of(seed) for seed in range(3)]
    batch = VarianceDerivatives(
        covariance=np.array([part.covariance for part in parts]),
        first=np.array([part.first for part in parts]),
        second=np.array([part.second for part in parts]),
        information=np.array([part.information for part in parts]),
    )
    rows = np.array([[0.0, -1.0, 1.0, 0.0], [1.0, 10.0, 0.0, 0.0]])
    w = invert_information(batch.information)
    for one, covariance, df in zip(
        parts, adjusted_covariance(batch, w), contrast_df(batch, w, rows), strict=True
    ):
        single = KenwardRoger(one)
        np.testing.assert_allclose(covariance, single.covariance, rtol=1e-12)
        np.testing.assert_allclose(df, single.df(rows), rtol=1e-10)


def test_a_parameter_that_nothing_tells_gets_no_variance() -> None:
    information = np.array([[4.0, 0.0, 4.0], [0.0, 1.0, 0.0], [4.0, 0.0, 4.0]])
    inverse = invert_information(information)
    np.testing.assert_allclose(information @ inverse @ information, information, atol=1e-12)
    np.testing.assert_allclose(inverse[1], [0.0, 1.0, 0.0], atol=1e-12)
    # Very different units are no reason to take a parameter for untold.
    scale = np.array([1e-9, 1.0, 1e7])
    regular = np.array([[2.0, 0.3, 0.1], [0.3, 1.0, 0.2], [0.1, 0.2, 3.0]])
    np.testing.assert_allclose(
        invert_information(regular * np.outer(scale, scale)) * np.outer(scale, scale),
        np.linalg.inv(regular),
        rtol=1e-10,
    )


def test_a_question_without_weights_has_no_degrees_of_freedom() -> None:
    assert np.isnan(KenwardRoger(derivatives_of(1)).df(np.zeros((1, 4)))).all()
