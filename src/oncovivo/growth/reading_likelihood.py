"""Log-likelihood of single readings around a curve, and its derivatives.

A reading is normal around the curve; one that is gone or below the limit says only that the size
was under it, with the normal distribution's lower tail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["ReadingTerms", "reading_terms"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

_HALF_LOG_2PI: Final = 0.5 * np.log(2 * np.pi)
_CERTAIN: Final = 40.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadingTerms:
    """Log-likelihood of each reading; all of the same shape, 0 where there is no reading.

    Parameters
    ----------
    value : ndarray
        Log-likelihood.
    slope : ndarray
        Its derivative by the curve f.
    weight : ndarray
        Minus its second derivative by f; never negative.
    weight_slope : ndarray
        Derivative of the weight by f.
    by_spread, slope_by_spread, weight_by_spread : ndarray
        Derivatives of value, slope and weight by log sigma.
    """

    value: FloatArray
    slope: FloatArray
    weight: FloatArray
    weight_slope: FloatArray
    by_spread: FloatArray
    slope_by_spread: FloatArray
    weight_by_spread: FloatArray


def reading_terms(
    y: FloatArray,
    below: BoolArray,
    used: BoolArray,
    curve: FloatArray,
    log_sigma: FloatArray,
) -> ReadingTerms:
    """Terms of every reading.

    Parameters
    ----------
    y : ndarray, shape (n, t)
        Readings, or the limit.
    below, used : ndarray of bool, shape (n, t)
        Which are limits, and which places hold a reading at all.
    curve : ndarray, shape (..., n, t)
        Log size of the model.
    log_sigma : ndarray
        Log standard deviation of a reading; it broadcasts against the curve.
    """
    sigma = np.exp(log_sigma)
    z = np.where(used, (y - curve) / sigma, 0.0)
    here = used.astype(np.float64)
    square = z**2
    value = here * (-0.5 * square - log_sigma - _HALF_LOG_2PI)
    slope = z / sigma
    weight = here / sigma**2
    weight_slope = np.zeros_like(z)
    by_spread = here * (square - 1)
    slope_by_spread = -2 * slope
    weight_by_spread = -2 * weight
    if below.any():
        # Certainty: the tail is 1 to the last digit, also for a tumor that has vanished.
        z = np.where(below, np.minimum(z, _CERTAIN), z)
        square = np.where(below, z**2, square)
        log_tail = special.log_ndtr(z)
        ratio = np.exp(-0.5 * square - _HALF_LOG_2PI - log_tail)
        ratio_slope = -ratio * (z + ratio)
        bend = -ratio_slope
        bend_slope = ratio_slope * (z + ratio) + ratio * (1 + ratio_slope)
        value = np.where(below, log_tail, value)
        slope = np.where(below, -ratio / sigma, slope)
        weight = np.where(below, bend / sigma**2, weight)
        weight_slope = np.where(below, -bend_slope / sigma**3, weight_slope)
        by_spread = np.where(below, -ratio * z, by_spread)
        slope_by_spread = np.where(below, (ratio + z * ratio_slope) / sigma, slope_by_spread)
        weight_by_spread = np.where(
            below, -(2 * bend + z * bend_slope) / sigma**2, weight_by_spread
        )
    return ReadingTerms(
        value=value,
        slope=slope,
        weight=weight,
        weight_slope=weight_slope,
        by_spread=by_spread,
        slope_by_spread=slope_by_spread,
        weight_by_spread=weight_by_spread,
    )
