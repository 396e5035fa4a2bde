"""The two engines maximize one likelihood: what both can fit, they fit alike."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from oncovivo.growth.dense import fit_dense
from oncovivo.growth.kenward_roger import KenwardRoger
from oncovivo.growth.model import Likelihood, RandomEffects, Residual
from oncovivo.growth.reduced import fit_reduced
from oncovivo.growth.satterthwaite import Satterthwaite
from tests.growth.problems import made_problem

QUESTIONS = np.array([[0.0, -1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0], [1.0, 7.0, 0.0, 0.0]])


@pytest.mark.parametrize("likelihood", get_args(Likelihood))
@pytest.mark.parametrize("residual", ["iid", "arm"])
@pytest.mark.parametrize("random", get_args(RandomEffects))
def test_both_engines_agree(
    random: RandomEffects, residual: Residual, likelihood: Likelihood
) -> None:
    regular = 0
    for seed in range(5):
        problem = made_problem(seed, random=random, residual=residual, likelihood=likelihood)
        dense, reduced = fit_dense(problem), fit_reduced(problem)
        assert dense.converged
        assert reduced.converged
        assert dense.parameters == reduced.parameters
        assert dense.log_likelihood == pytest.approx(reduced.log_likelihood, abs=1e-8)
        np.testing.assert_allclose(dense.coefficients, reduced.coefficients, rtol=1e-7)
        if dense.singular or reduced.singular:
            continue
        regular += 1
        np.testing.assert_allclose(dense.coefficients, reduced.coefficients, rtol=1e-8)
        np.testing.assert_allclose(dense.values, reduced.values, rtol=1e-6)
        np.testing.assert_allclose(
            dense.derivatives.covariance, reduced.derivatives.covariance, rtol=1e-6, atol=1e-16
        )
        np.testing.assert_allclose(
            dense.random_effects, reduced.random_effects, rtol=1e-6, atol=1e-10
        )
        np.testing.assert_allclose(dense.residual_variance, reduced.residual_variance, rtol=1e-7)
        one, other = KenwardRoger(dense.derivatives), KenwardRoger(reduced.derivatives)
        np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-6, atol=1e-16)
        np.testing.assert_allclose(one.df(QUESTIONS), other.df(QUESTIONS), rtol=1e-6)
        first = Satterthwaite(dense.derivatives, dense.observed_information)
        second = Satterthwaite(reduced.derivatives, reduced.observed_information)
        np.testing.assert_allclose(first.df(QUESTIONS), second.df(QUESTIONS), rtol=1e-6)
    assert regular
