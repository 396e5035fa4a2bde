"""Satterthwaite's degrees of freedom from the observed information, as R's lmerTest has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.engine import VarianceDerivatives
from oncovivo.growth.kenward_roger import contrast_df
from oncovivo.growth.small_sample import FTest, f_test_result, invert_information

__all__ = ["Satterthwaite"]

FloatArray: TypeAlias = NDArray[np.float64]

# Eigenvalues of the questions' covariance below this share of the largest count as zero.
_NO_QUESTION: Final = 1e-8
# Equal degrees of freedom need no mean.
_EQUAL: Final = 1e-8


@dataclass(frozen=True, slots=True)
class Satterthwaite:
    """Satterthwaite inference of one fit: the plain covariance, t with estimated df.

    Parameters
    ----------
    derivatives : VarianceDerivatives
        Of the fit.
    observed_information : ndarray, shape (r, r)
        Minus the second derivatives of the log-likelihood by the variance parameters.
    """

    derivatives: VarianceDerivatives
    observed_information: FloatArray
    variance_covariance: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        inverse = invert_information(self.observed_information)
        object.__setattr__(self, "variance_covariance", inverse)

    @property
    def method(self) -> str:
        """How covariance and degrees of freedom were made."""
        return "Satterthwaite"

    @property
    def covariance(self) -> FloatArray:
        """Covariance of the coefficients at the estimated variances, shape (p, p)."""
        return self.derivatives.covariance

    def df(self, weights: FloatArray) -> FloatArray:
        """Degrees of freedom of each row of weights, shape (k, p) to shape (k,).

        Parameters
        ----------
        weights : ndarray, shape (k, p)
            A row for each question.
        """
        return contrast_df(self.derivatives, self.variance_covariance, weights)

    def f_test(self, weights: FloatArray, coefficients: FloatArray) -> FTest:
        """F test that all of the questions have the answer 0.

        Parameters
        ----------
        weights : ndarray, shape (k, p)
            A row for each question; rows that follow from others do not count.
        coefficients : ndarray, shape (p,)
            Of the fit.

        Notes
        -----
        Fai and Cornelius, J Stat Comput Simul 1996;54:363-378: independent one-row tests along
        the principal axes, and the df of the F with the same mean as theirs.
        """
        value, vector = np.linalg.eigh(weights @ self.covariance @ weights.T)
        kept = value > _NO_QUESTION * value[-1]
        axes = vector[:, kept].T @ weights
        rank = int(kept.sum())
        wald = float(((axes @ coefficients) ** 2 / value[kept]).mean())
        own = self.df(axes)
        if np.ptp(own) < _EQUAL * own.max():
            return f_test_result(wald, rank, float(own.mean()))
        if own.min() <= 2:
            # The mean of such an F does not exist.
            return f_test_result(wald, rank, 2.0)
        total = float((own / (own - 2)).sum())
        return f_test_result(wald, rank, 2 * total / (total - rank))
