"""Integrals over a few random effects: adaptive Gauss-Hermite quadrature and Laplace.

An integrand is given by its logarithm h(u), u of d dimensions, for a batch of animals at once. It
is integrated around its mode with the scale of its curvature there: with L L' the inverse of
minus the Hessian at the mode m, the integral of exp h over u is |L| times that of
exp h(m + L z) over z, which a product Gauss-Hermite rule takes. One point is Laplace. A Gaussian
integrand times a polynomial of degree 2k - 1 is integrated without error by k points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError

__all__ = [
    "GaussHermiteGrid",
    "adaptive_log_integral",
    "adaptive_points",
    "gauss_hermite_grid",
    "integrate_adaptively",
    "laplace_log_integral",
    "scale_factors",
]

FloatArray: TypeAlias = NDArray[np.float64]

# Weights of longer rules underflow.
MOST_POINTS: Final = 100
_LOG_2PI: Final = float(np.log(2 * np.pi))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GaussHermiteGrid:
    """Product rule for the integral of exp g(z) over all z.

    The integral is nearly the sum of exp(log_weights + g(nodes)); the Gaussian factor that
    Gauss-Hermite rules set apart is inside the weights.

    Parameters
    ----------
    nodes : ndarray, shape (k, d)
        Places, in units of the standard deviation; k is points to the power d.
    log_weights : ndarray, shape (k,)
        Natural logarithm of the weights.
    """

    nodes: FloatArray
    log_weights: FloatArray

    @property
    def dimensions(self) -> int:
        """Dimensions d of the integral."""
        return int(self.nodes.shape[1])


@lru_cache(maxsize=64)
def gauss_hermite_grid(points: int, dimensions: int) -> GaussHermiteGrid:
    """Nodes and log weights of the product Gauss-Hermite rule.

    Parameters
    ----------
    points : int
        Points in each dimension, 1 to 100.
    dimensions : int
        Dimensions, at least 1.

    Returns
    -------
    GaussHermiteGrid
        Its arrays are read-only: the same grid is handed out again.

    Raises
    ------
    InputError
        If there are fewer than 1 or more than 100 points, or no dimension.

    Examples
    --------
    The integral of exp(-z²/2) is the square root of 2 pi:

    >>> grid = gauss_hermite_grid(3, 1)
    >>> log_values = -0.5 * grid.nodes[:, 0] ** 2
    >>> float(np.exp(grid.log_weights + log_values).sum() ** 2 / np.pi).__round__(12)
    2.0
    """
    if not 1 <= points <= MOST_POINTS:
        expected = f"1 to {MOST_POINTS} points in each dimension"
        raise InputError(expected, found=str(points))
    if dimensions < 1:
        expected = "one dimension or more"
        raise InputError(expected, found=str(dimensions))
    places, weights = np.polynomial.hermite_e.hermegauss(points)
    log_weight = np.log(weights) + 0.5 * places**2
    mesh = np.meshgrid(*[places] * dimensions, indexing="ij")
    shares = np.meshgrid(*[log_weight] * dimensions, indexing="ij")
    nodes = np.stack([axis.ravel() for axis in mesh], axis=1)
    log_weights = np.sum([axis.ravel() for axis in shares], axis=0)
    nodes.flags.writeable = False
    log_weights.flags.writeable = False
    return GaussHermiteGrid(nodes=nodes, log_weights=log_weights)


def scale_factors(precision: FloatArray) -> FloatArray:
    """Upper triangular L with L L' the inverse of each matrix.

    Parameters
    ----------
    precision : ndarray, shape (..., d, d)
        Minus the Hessian of a log integrand at its mode: symmetric, positive definite.

    Returns
    -------
    ndarray, shape (..., d, d)

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix is not positive definite.
    """
    lower = np.linalg.cholesky(precision)
    if lower.shape[-1] == 1:
        return np.asarray(1.0 / lower)
    unit = np.broadcast_to(np.eye(lower.shape[-1]), lower.shape)
    return np.asarray(np.triu(np.swapaxes(np.linalg.solve(lower, unit), -1, -2)))


def adaptive_points(modes: FloatArray, factors: FloatArray, grid: GaussHermiteGrid) -> FloatArray:
    """Places at which the log integrands are needed, shape (..., k, d).

    Parameters
    ----------
    modes : ndarray, shape (..., d)
        Where each integrand is largest, or near it.
    factors : ndarray, shape (..., d, d)
        Triangular L with L L' the inverse of minus the Hessian there.
    grid : GaussHermiteGrid
        Rule of d dimensions.
    """
    return np.asarray(modes[..., None, :] + grid.nodes @ np.swapaxes(factors, -1, -2))


def adaptive_log_integral(
    log_values: FloatArray, factors: FloatArray, grid: GaussHermiteGrid
) -> tuple[FloatArray, FloatArray]:
    """Log integrals, and the share of each node in them.

    Parameters
    ----------
    log_values : ndarray, shape (..., k)
        Log integrands at :func:`adaptive_points`.
    factors : ndarray, shape (..., d, d)
        As there.
    grid : GaussHermiteGrid
        As there.

    Returns
    -------
    log_integral : ndarray, shape (...)
        Natural logarithm of the integrals.
    shares : ndarray, shape (..., k)
        Each node's part of the integral; they add up to 1. The mean of any function of u under
        the normalized integrand is the sum of its values at the nodes times these.
    """
    terms = log_values + grid.log_weights
    top = terms.max(axis=-1, keepdims=True)
    parts = np.exp(terms - top)
    total = parts.sum(axis=-1, keepdims=True)
    log_integral = top[..., 0] + np.log(total[..., 0]) + _log_size(factors)
    return np.asarray(log_integral), np.asarray(parts / total)


def laplace_log_integral(log_maximum: FloatArray, factors: FloatArray) -> FloatArray:
    """Laplace's approximation of log integrals, shape (...).

    Parameters
    ----------
    log_maximum : ndarray, shape (...)
        Log integrands at their modes.
    factors : ndarray, shape (..., d, d)
        Triangular L with L L' the inverse of minus the Hessian there.
    """
    dimensions = factors.shape[-1]
    return np.asarray(log_maximum + 0.5 * dimensions * _LOG_2PI + _log_size(factors))


def integrate_adaptively(
    log_integrand: Callable[[FloatArray], FloatArray],
    modes: FloatArray,
    factors: FloatArray,
    *,
    points: int,
) -> FloatArray:
    """Log integrals of a batch of functions, shape (...).

    Parameters
    ----------
    log_integrand : callable
        From places, shape (..., k, d), to log values, shape (..., k).
    modes : ndarray, shape (..., d)
        Where each integrand is largest.
    factors : ndarray, shape (..., d, d)
        Triangular L with L L' the inverse of minus the Hessian there.
    points : int
        Points in each dimension; 1 is Laplace.

    Raises
    ------
    InputError
        If there are fewer than 1 or more than 100 points.

    Examples
    --------
    The gamma function of 5, over the logarithm of its variable, from its mode at log 5:

    >>> mode, factor = np.array([np.log(5.0)]), np.array([[5.0**-0.5]])
    >>> log_gamma = integrate_adaptively(
    ...     lambda u: 5 * u[..., 0] - np.exp(u[..., 0]), mode, factor, points=25
    ... )
    >>> float(np.exp(log_gamma)).__round__(6)
    24.0
    """
    grid = gauss_hermite_grid(points, modes.shape[-1])
    values = log_integrand(adaptive_points(modes, factors, grid))
    return adaptive_log_integral(values, factors, grid)[0]


def _log_size(factors: FloatArray) -> FloatArray:
    """Log determinants of triangular matrices."""
    diagonal = np.diagonal(factors, axis1=-2, axis2=-1)
    return np.asarray(np.log(np.abs(diagonal)).sum(axis=-1))
