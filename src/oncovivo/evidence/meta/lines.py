"""Weighted straight lines through many sets of rows at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.evidence.meta.heterogeneity import highest_likelihood, likelihood_bound

__all__ = ["MixedLines", "WeightedLines", "mixed_lines", "weighted_lines"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
Likelihood: TypeAlias = Callable[[FloatArray], FloatArray]
Slopes: TypeAlias = Callable[[FloatArray, IntArray], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeightedLines:
    """Weighted straight lines through many sets of rows.

    Parameters
    ----------
    coefficients : ndarray, shape (B, 2)
        Intercepts and slopes.
    std_error : ndarray, shape (B, 2)
        With the residual mean square as factor of the variances.
    dispersion : ndarray, shape (B,)
        Residual mean squares.
    p_value : ndarray, shape (B, 2)
        Two-sided, of t with k - 2 degrees of freedom.
    """

    coefficients: FloatArray
    std_error: FloatArray
    dispersion: FloatArray
    p_value: FloatArray

    def fitted(self, x: FloatArray) -> FloatArray:
        """Values of the lines at x, shape (B, k)."""
        return np.asarray(self.coefficients[:, :1] + self.coefficients[:, 1:] * x)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MixedLines:
    """Straight lines with a variance between rows.

    Parameters
    ----------
    line : WeightedLines
        Weighted by the inverse of the total variances; its standard errors are those of Knapp and
        Hartung, since the residual mean square is their factor.
    tau2 : ndarray, shape (B,)
        Variance between rows.
    converged : ndarray of bool, shape (B,)
        Whether the search arrived.
    """

    line: WeightedLines
    tau2: FloatArray
    converged: NDArray[np.bool_]


def weighted_lines(y: FloatArray, x: FloatArray, variance: FloatArray) -> WeightedLines:
    """Weighted straight lines through many sets of rows, as a simulation needs.

    Parameters
    ----------
    y, x, variance : ndarray, shape (B, k)
        Effects, predictor, and what the squared errors are proportional to; k of 3 or more.
    """
    weight = 1.0 / variance
    total = weight.sum(axis=-1)
    middle = (weight * x).sum(axis=-1) / total
    off = x - middle[..., None]
    spread = (weight * off * off).sum(axis=-1)
    mean = (weight * y).sum(axis=-1) / total
    slope = (weight * off * y).sum(axis=-1) / spread
    rest = y - mean[..., None] - slope[..., None] * off
    free = y.shape[-1] - 2
    dispersion = (weight * rest * rest).sum(axis=-1) / free
    coefficients = np.stack([mean - slope * middle, slope], axis=-1)
    unscaled = np.stack([1 / total + middle**2 / spread, 1 / spread], axis=-1)
    error = np.sqrt(dispersion[..., None] * unscaled)
    # A set whose rows are on one line has no error, and a statistic without end.
    beyond = np.copysign(np.inf, coefficients)
    statistic = np.divide(coefficients, error, out=beyond, where=error > 0)
    return WeightedLines(
        coefficients=coefficients,
        std_error=error,
        dispersion=dispersion,
        p_value=2 * special.stdtr(free, -np.abs(statistic)),
    )


def mixed_lines(y: FloatArray, x: FloatArray, variance: FloatArray) -> MixedLines:
    """Straight lines through many sets of rows with a variance between rows by REML.

    Parameters
    ----------
    y, x, variance : ndarray, shape (B, k)
        Effects, predictor and sampling variances; k of 3 or more.
    """
    rest = y - weighted_lines(y, x, np.ones_like(y)).fitted(x)
    # The bound for a mean holds with the residual variance about the line, whose k - 2 degrees of
    # freedom are at least half of the k - 1 that it is computed with.
    tau2, converged = highest_likelihood(
        _line_likelihood(rest, x, variance),
        _line_slopes(rest, x, variance),
        lowest=variance.min(axis=-1),
        bound=2 * likelihood_bound(rest, variance),
        scale=variance.mean(axis=-1),
    )
    line = weighted_lines(y, x, variance + tau2[:, None])
    return MixedLines(line=line, tau2=tau2, converged=converged)


def _line_likelihood(y: FloatArray, x: FloatArray, variance: FloatArray) -> Likelihood:
    """Restricted log-likelihood of each set over its grid of variances between rows."""

    def likelihood(tau2: FloatArray) -> FloatArray:
        out = np.empty_like(tau2)
        for column, one in enumerate(tau2.T):
            total = variance + one[:, None]
            weight = 1 / total
            line = weighted_lines(y, x, total)
            all_ = weight.sum(axis=-1)
            off = x - ((weight * x).sum(axis=-1) / all_)[:, None]
            spread = (weight * off * off).sum(axis=-1)
            square = line.dispersion * (y.shape[-1] - 2)
            out[:, column] = -0.5 * (
                np.log(total).sum(axis=-1) + np.log(all_) + np.log(spread) + square
            )
        return out

    return likelihood


def _line_slopes(y: FloatArray, x: FloatArray, variance: FloatArray) -> Slopes:
    """First and second derivative of the restricted log-likelihood of each set."""

    def slopes(tau2: FloatArray, left: IntArray) -> tuple[FloatArray, FloatArray]:
        weight = 1 / (variance[left] + tau2[:, None])
        # Columns orthogonal under the weights: the projection off the line is then a sum.
        all_ = weight.sum(axis=-1, keepdims=True)
        off = x[left] - (weight * x[left]).sum(axis=-1, keepdims=True) / all_
        off = off / np.sqrt((weight * off * off).sum(axis=-1, keepdims=True))
        columns = np.stack([np.broadcast_to(1 / np.sqrt(all_), off.shape), off], axis=-1)

        def project(values: FloatArray) -> FloatArray:
            pulled = weight * values
            fitted = columns @ np.einsum("bkp,bk->bp", columns, pulled)[..., None]
            return np.asarray(pulled - weight * fitted[..., 0])

        first = project(y[left])
        second = project(first)
        squared = np.einsum("bkp,bk,bkq->bpq", columns, weight**2, columns)
        cubed = np.einsum("bkp,bk->bp", columns**2, weight**3).sum(axis=-1)
        trace = weight.sum(axis=-1) - np.trace(squared, axis1=1, axis2=2)
        trace2 = (weight**2).sum(axis=-1) - 2 * cubed + (squared**2).sum(axis=(1, 2))
        return (
            0.5 * ((first * first).sum(axis=-1) - trace),
            0.5 * trace2 - (first * second).sum(axis=-1),
        )

    return slopes
