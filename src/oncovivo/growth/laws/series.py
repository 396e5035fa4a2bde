"""Functions of growth laws that lose digits near 0 in their textbook form."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["inverse_or_zero", "log_or_gone", "log_quotient", "saturation", "saturation_bend"]

FloatArray: TypeAlias = NDArray[np.float64]

_ORDER = np.arange(14)
# Below it the power series is exact to rounding; above it the textbook form loses two digits.
_SATURATION_SERIES: Final = 0.3
_QUOTIENT_SERIES: Final = 0.1


def saturation(z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Quotient (1 - exp(-z)) / z and its derivative; 1 and -1/2 at z = 0.

    Examples
    --------
    >>> [round(float(part[0]), 6) for part in saturation(np.array([0.0]))]
    [1.0, -0.5]
    """
    near = np.abs(z) < _SATURATION_SERIES
    safe = np.where(near, 1.0, z)
    first = (np.exp(-safe) * (1 + safe) - 1) / safe**2
    first[near] = _series(_derivative(_saturation_weights()), z[near])
    return special.exprel(-z), first


def saturation_bend(z: FloatArray) -> FloatArray:
    """Second derivative of (1 - exp(-z)) / z; 1/3 at z = 0.

    Examples
    --------
    >>> saturation_bend(np.array([0.0])).round(6)
    array([0.333333])
    """
    near = np.abs(z) < _SATURATION_SERIES
    safe = np.where(near, 1.0, z)
    second = (2 - np.exp(-safe) * (safe**2 + 2 * safe + 2)) / safe**3
    second[near] = _series(_derivative(_derivative(_saturation_weights())), z[near])
    return np.asarray(second)


def _saturation_weights() -> FloatArray:
    """Terms of the power series, the sum of (-z)^n / (n + 1)!."""
    return np.asarray((-1.0) ** _ORDER / special.factorial(_ORDER + 1))


def log_quotient(z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Quotient log(1 + z) / z and its derivative; 1 and -1/2 at z = 0, 0 below -1.

    Examples
    --------
    >>> [round(float(part[0]), 6) for part in log_quotient(np.array([0.0]))]
    [1.0, -0.5]
    """
    near = np.abs(z) < _QUOTIENT_SERIES
    safe = np.where(near, 1.0, np.where(z > -1, z, 1.0))
    value = np.log1p(safe) / safe
    first = (1 / (1 + safe) - value) / safe
    weights = (-1.0) ** _ORDER / (_ORDER + 1)
    value[near] = _series(weights, z[near])
    first[near] = _series(_derivative(weights), z[near])
    gone = z <= -1
    return np.where(gone, 0.0, value), np.where(gone, 0.0, first)


def log_or_gone(share: FloatArray) -> FloatArray:
    """Logarithm of what is left of a size; minus infinity where nothing is.

    Examples
    --------
    >>> log_or_gone(np.array([1.0, 0.0, -0.5]))
    array([  0., -inf, -inf])
    """
    there = share > 0
    return np.where(there, np.log(np.where(there, share, 1.0)), -np.inf)


def inverse_or_zero(share: FloatArray) -> FloatArray:
    """Inverse of what is left of a size; 0 where nothing is, as a size of 0 does not move.

    Examples
    --------
    >>> inverse_or_zero(np.array([0.5, 0.0]))
    array([2., 0.])
    """
    there = share > 0
    return np.where(there, 1 / np.where(there, share, 1.0), 0.0)


def _derivative(weights: FloatArray) -> FloatArray:
    """Coefficients of the derivative of a power series."""
    return weights[1:] * np.arange(1, weights.size)


def _series(weights: FloatArray, z: FloatArray) -> FloatArray:
    return np.asarray(np.polynomial.polynomial.polyval(z, weights))
