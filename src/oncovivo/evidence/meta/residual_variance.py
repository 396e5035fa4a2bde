"""Variance between rows that moderators leave, for one regression.

The same estimators as in `heterogeneity`, with a design in place of the mean. The design comes as
an orthonormal basis of its columns, so that days and doses of any size do no harm; nothing is ever
of the size k × k.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.evidence.meta.heterogeneity import highest_likelihood, solve_q
from oncovivo.evidence.meta.types import Method

__all__ = ["Projection", "ResidualVariance", "project", "residual_q_profile", "residual_variance"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Projection:
    """Weighted fit of the rows on a basis.

    Parameters
    ----------
    basis : ndarray, shape (k, p)
        Orthonormal columns that span the design.
    weight : ndarray, shape (k,)
        Inverse of each row's total variance.
    inverse : ndarray, shape (p, p)
        Covariance of the coefficients on the basis.
    coefficient : ndarray, shape (p,)
        On the basis.
    residual : ndarray, shape (k,)
        Rows less what the fit says.
    log_determinant : float
        Of the information about the coefficients.
    """

    basis: FloatArray
    weight: FloatArray
    inverse: FloatArray
    coefficient: FloatArray
    residual: FloatArray
    log_determinant: float

    def moment(self, values: FloatArray) -> FloatArray:
        """Weighted cross-products of the basis, shape (p, p), with any diagonal between."""
        return (self.basis.T * values) @ self.basis

    @property
    def q(self) -> float:
        """Weighted sum of squared residuals."""
        return float(self.weight @ self.residual**2)

    @property
    def trace(self) -> float:
        """Trace of the projection P."""
        squared = self.moment(self.weight**2)
        return float(self.weight.sum() - np.sum(self.inverse * squared))

    def trace_of(self, m: FloatArray, n: FloatArray) -> float:
        """Trace of P M P N for diagonals M and N, each of shape (k,)."""
        w2 = self.weight**2
        once = self.inverse @ self.moment(w2 * m)
        other = self.inverse @ self.moment(w2 * n)
        mixed = np.sum(self.inverse * self.moment(w2 * self.weight * m * n))
        return float((w2 * m * n).sum() - 2.0 * mixed + np.sum(once * other.T))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualVariance:
    """Variance between rows that moderators leave.

    Parameters
    ----------
    tau2, std_error : float
        Estimate, 0 or more, and its standard error; NaN for equal effects.
    converged : bool
        Whether the search arrived.
    """

    tau2: float
    std_error: float
    converged: bool


def project(yi: FloatArray, vi: FloatArray, basis: FloatArray, tau2: float) -> Projection:
    """Weighted fit at one variance between rows.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effect sizes and sampling variances.
    basis : ndarray, shape (k, p)
        Orthonormal columns.
    tau2 : float
        Variance between rows.
    """
    weight = 1.0 / (vi + tau2)
    information = (basis.T * weight) @ basis
    inverse: FloatArray = np.asarray(np.linalg.inv(information), dtype=np.float64)
    coefficient = inverse @ (basis.T @ (weight * yi))
    return Projection(
        basis=basis,
        weight=weight,
        inverse=inverse,
        coefficient=coefficient,
        residual=yi - basis @ coefficient,
        log_determinant=float(np.linalg.slogdet(information)[1]),
    )


def residual_q_profile(
    yi: FloatArray, vi: FloatArray, basis: FloatArray, targets: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """tau² at which the residual Q falls to each target, 0 where it starts below.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effect sizes and sampling variances.
    basis : ndarray, shape (k, p)
        Orthonormal columns.
    targets : ndarray, shape (m,)
        Values above 0.

    Returns
    -------
    tau2 : ndarray, shape (m,)
    converged : ndarray of bool, shape (m,)
    """

    def q_of(tau2: FloatArray, left: IntArray) -> tuple[FloatArray, FloatArray]:
        fits = [project(yi, vi, basis, float(one)) for one in tau2]
        slopes = [-float(np.sum((fit.weight * fit.residual) ** 2)) for fit in fits]
        return np.array([fit.q for fit in fits]), np.array(slopes)

    return solve_q(q_of, targets, np.full(targets.shape, float(vi.mean())))


def _searched(
    yi: FloatArray, vi: FloatArray, basis: FloatArray, *, restricted: bool
) -> tuple[float, bool]:
    """tau² of the highest likelihood."""

    def likelihood(tau2: FloatArray) -> FloatArray:
        out = np.empty_like(tau2)
        for at, one in enumerate(tau2[0]):
            fit = project(yi, vi, basis, float(one))
            value = float(np.log(fit.weight).sum()) - fit.q
            out[0, at] = 0.5 * (value - fit.log_determinant if restricted else value)
        return out

    def slopes(tau2: FloatArray, left: IntArray) -> tuple[FloatArray, FloatArray]:
        fit = project(yi, vi, basis, float(tau2[0]))
        ones = np.ones_like(vi)
        pulled = fit.weight * fit.residual
        u = basis.T @ (fit.weight * pulled)
        cubic = float(fit.weight @ pulled**2 - u @ fit.inverse @ u)
        trace = fit.trace if restricted else float(fit.weight.sum())
        of_square = fit.trace_of(ones, ones) if restricted else float(np.sum(fit.weight**2))
        first = 0.5 * (float(pulled @ pulled) - trace)
        return np.array([first]), np.array([0.5 * of_square - cubic])

    k, p = basis.shape
    rest = yi - basis @ (basis.T @ yi)
    # The bound of `heterogeneity.likelihood_bound`, with the residuals of an unweighted fit.
    bound = float(rest @ rest) / (k - p) + float(vi.max() - vi.min())
    tau2, converged = highest_likelihood(
        likelihood,
        slopes,
        lowest=np.array([float(vi.min())]),
        bound=np.array([bound]),
        scale=np.array([float(vi.mean())]),
    )
    return float(tau2[0]), bool(converged[0])


def residual_variance(
    yi: FloatArray, vi: FloatArray, basis: FloatArray, method: Method
) -> ResidualVariance:
    """Variance between rows that the design leaves.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effect sizes and sampling variances.
    basis : ndarray, shape (k, p)
        Orthonormal columns that span the design, fewer than k.
    method : {"EE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM"}
        Estimator, as in `heterogeneity.between_variance`.
    """
    k, p = basis.shape
    ones = np.ones(k)
    if method == "EE":
        return ResidualVariance(tau2=0.0, std_error=float("nan"), converged=True)
    if method in ("DL", "HS"):
        fit = project(yi, vi, basis, 0.0)
        by_trace = method == "DL"
        scale = fit.trace if by_trace else float(fit.weight.sum())
        tau2 = max(0.0, (fit.q - (k - p if by_trace else k)) / scale)
        spread = 2.0 * (k - p) + 4.0 * tau2 * fit.trace + 2.0 * tau2**2 * fit.trace_of(ones, ones)
        return ResidualVariance(tau2=tau2, std_error=spread**0.5 / scale, converged=True)
    if method in ("HE", "SJ"):
        rough = float(yi.var()) if method == "SJ" else 0.0
        fit = project(yi, vi if method == "SJ" else ones, basis, rough)
        if method == "SJ":
            factor = rough / (k - p)
            tau2 = factor * fit.q
        else:
            factor = 1.0 / (k - p)
            expected = float(vi.sum()) - float(np.sum(fit.inverse * fit.moment(vi)))
            tau2 = max(0.0, factor * (fit.q - expected))
        spread = (
            2.0 * fit.trace_of(vi, vi)
            + 4.0 * tau2 * fit.trace_of(vi, ones)
            + 2.0 * tau2**2 * fit.trace_of(ones, ones)
        )
        return ResidualVariance(tau2=tau2, std_error=factor * spread**0.5, converged=True)
    if method in ("EB", "PM"):
        roots, arrived = residual_q_profile(yi, vi, basis, np.array([float(k - p)]))
        tau2 = float(roots[0])
        error = (2.0 * k**2 / (k - p)) ** 0.5 / float((1.0 / (vi + tau2)).sum())
        return ResidualVariance(tau2=tau2, std_error=error, converged=bool(arrived[0]))
    restricted = method == "REML"
    tau2, converged = _searched(yi, vi, basis, restricted=restricted)
    fit = project(yi, vi, basis, tau2)
    information = fit.trace_of(ones, ones) if restricted else float(np.sum(fit.weight**2))
    return ResidualVariance(tau2=tau2, std_error=(2.0 / information) ** 0.5, converged=converged)
