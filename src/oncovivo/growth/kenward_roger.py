"""Kenward-Roger: covariance and degrees of freedom that know the variances were estimated.

Kenward and Roger, Biometrics 1997;53:983-997, with the expected information, as R's pbkrtest has
it. All functions take leading axes of separate studies.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.engine import VarianceDerivatives
from oncovivo.growth.small_sample import (
    FTest,
    contrast_gradients,
    f_test_result,
    invert_information,
)

__all__ = ["KenwardRoger", "adjusted_covariance", "contrast_df"]

FloatArray: TypeAlias = NDArray[np.float64]

# Closer to 2 than this, the scale of F has no value.
_NEAR_TWO: Final = 1e-2
_NEAR_ZERO: Final = 1e-10


@dataclass(frozen=True, slots=True)
class KenwardRoger:
    """Kenward-Roger inference of one fit.

    Parameters
    ----------
    derivatives : VarianceDerivatives
        Of a restricted-likelihood fit.
    first_order : bool
        Whether a curvature of the covariance was left aside on purpose, which `method` then says.

    Examples
    --------
    Two groups of three, one reading each: the t test, with 4 degrees of freedom.

    >>> phi = np.eye(2) / 3
    >>> first = -3 * np.eye(2)[None]
    >>> second = 3 * np.eye(2)[None, None]
    >>> derivatives = VarianceDerivatives(
    ...     covariance=phi, first=first, second=second, information=np.array([[2.0]])
    ... )
    >>> KenwardRoger(derivatives).df(np.array([[-1.0, 1.0]])).tolist()
    [4.0]
    """

    derivatives: VarianceDerivatives
    first_order: bool = field(default=False, kw_only=True)
    covariance: FloatArray = field(init=False)
    variance_covariance: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        inverse = invert_information(self.derivatives.information)
        object.__setattr__(self, "variance_covariance", inverse)
        adjusted = adjusted_covariance(self.derivatives, inverse)
        object.__setattr__(self, "covariance", adjusted)

    @property
    def method(self) -> str:
        """How covariance and degrees of freedom were made."""
        return "Kenward-Roger, first order" if self.first_order else "Kenward-Roger"

    def df(self, weights: FloatArray) -> FloatArray:
        """Degrees of freedom of each row of weights, shape (k, p) to shape (k,).

        Infinite where the variance does not depend on the parameters, NaN where it is 0.

        Parameters
        ----------
        weights : ndarray, shape (k, p)
            A row for each question.
        """
        return contrast_df(self.derivatives, self.variance_covariance, weights)

    def f_test(self, weights: FloatArray, coefficients: FloatArray) -> FTest:
        """Scaled F test that all of the questions have the answer 0.

        Parameters
        ----------
        weights : ndarray, shape (k, p)
            A row for each question; rows that follow from others do not count.
        coefficients : ndarray, shape (p,)
            Of the fit.

        Notes
        -----
        Sections 3 and 4 of the paper: A1, A2, B, g, c1..c3, E*, V* and rho.
        """
        phi, first = self.derivatives.covariance, self.derivatives.first
        middle = weights @ phi @ weights.T
        rank = int(np.linalg.matrix_rank(middle, hermitian=True))
        theta = weights.T @ np.linalg.pinv(middle, hermitian=True) @ weights
        moved = theta @ phi @ first @ phi
        trace = np.trace(moved, axis1=-2, axis2=-1)
        w = self.variance_covariance
        a1 = float(trace @ w @ trace)
        a2 = float((w * np.einsum("iab,jba->ij", moved, moved)).sum())
        estimate = weights @ coefficients
        spread = weights @ self.covariance @ weights.T
        wald = float(estimate @ np.linalg.pinv(spread, hermitian=True) @ estimate) / rank
        if a2 < _NEAR_ZERO:
            return f_test_result(wald, rank, np.inf)
        b = (a1 + 6 * a2) / (2 * rank)
        g = ((rank + 1) * a1 - (rank + 4) * a2) / ((rank + 2) * a2)
        below = 3 * rank + 2 * (1 - g)
        c1, c2, c3 = g / below, (rank - g) / below, (rank + 2 - g) / below
        mean = 1 - a2 / rank
        top, middle_, bottom = 1 + c1 * b, 1 - c2 * b, 1 - c3 * b
        top = 0.0 if abs(top) < _NEAR_ZERO else top
        ratio = 1.0 if abs(mean) < _NEAR_ZERO and abs(middle_) < _NEAR_ZERO else mean / middle_
        rho = ratio**2 * top / bottom / rank
        df = 4 + (rank + 2) / (rank * rho - 1)
        scale = 1.0 if abs(df - 2) < _NEAR_TWO else df * mean / (df - 2)
        return f_test_result(wald, rank, df, scale=scale)


def adjusted_covariance(
    derivatives: VarianceDerivatives, variance_covariance: FloatArray
) -> FloatArray:
    """Phi + 2 Phi {sum_ij W_ij (Q_ij - P_i Phi P_j - R_ij / 4)} Phi, shape (..., p, p).

    Parameters
    ----------
    derivatives : VarianceDerivatives
        With leading axes of separate studies, if any.
    variance_covariance : ndarray, shape (..., r, r)
        W, the covariance of the variance parameters.
    """
    phi, first = derivatives.covariance, derivatives.first
    lead, (r, p) = first.shape[:-3], first.shape[-3:-1]
    w = variance_covariance.reshape(*lead, 1, r * r)
    inner = derivatives.second
    if derivatives.curvature is not None:
        inner = inner - 0.25 * derivatives.curvature
    correction = (w @ inner.reshape(*lead, r * r, p * p)).reshape(*lead, p, p)
    weighted = (variance_covariance @ first.reshape(*lead, r, p * p)).reshape(first.shape)
    correction = correction - (first @ phi[..., None, :, :] @ weighted).sum(axis=-3)
    adjusted = phi + 2.0 * phi @ correction @ phi
    return np.asarray(0.5 * (adjusted + np.swapaxes(adjusted, -1, -2)))


def contrast_df(
    derivatives: VarianceDerivatives, variance_covariance: FloatArray, weights: FloatArray
) -> FloatArray:
    """Kenward-Roger degrees of freedom of single contrasts, shape (..., k).

    For one row the paper's equations have A1 = A2 = A, g = -1, m = 2 / A and scale 1: the
    Satterthwaite formula with the expected information.

    Parameters
    ----------
    derivatives : VarianceDerivatives
        With leading axes of separate studies, if any.
    variance_covariance : ndarray, shape (..., r, r)
        W, the covariance of the variance parameters.
    weights : ndarray, shape (..., k, p)
        A row for each contrast.
    """
    variance, gradient = contrast_gradients(derivatives.covariance, derivatives.first, weights)
    spread = (gradient @ variance_covariance * gradient).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(2.0 * variance**2 / spread)
