"""Product-limit (Kaplan-Meier) estimate of one group and its median.

References
----------
Kaplan EL, Meier P. J Am Stat Assoc 1958;53:457. Brookmeyer R, Crowley J. Biometrics 1982;38:29.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import InputError

__all__ = ["ProductLimit", "median_survival_limits", "median_survival_time", "product_limit"]

FloatArray: TypeAlias = NDArray[np.float64]

# A product of fractions misses one half by rounding; closer than this it is one half.
_HALF_TOLERANCE: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProductLimit:
    """Survival of one group.

    Parameters
    ----------
    time : ndarray, shape (k,)
        Times at which an event happened or an observation ended, rising, each once.
    at_risk : ndarray, shape (k,)
        Animals under observation just before each time.
    events : ndarray, shape (k,)
        Events at each time.
    survival : ndarray, shape (k,)
        Share without event just after each time.
    log_variance : ndarray, shape (k,)
        Greenwood variance of the logarithm of `survival`; infinite where survival is 0.
    """

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    survival: FloatArray
    log_variance: FloatArray


def product_limit(time: FloatArray, event: NDArray[np.bool_]) -> ProductLimit:
    """Product-limit estimate from right-censored times.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Time of the event, or of the end of observation.
    event : ndarray of bool, shape (n,)
        Whether the event happened at that time.

    Raises
    ------
    InputError
        If there is no time, or one is not finite.

    Examples
    --------
    >>> curve = product_limit(np.array([3.0, 5.0, 5.0, 8.0]), np.array([True, True, False, True]))
    >>> curve.survival
    array([0.75, 0.5 , 0.  ])
    """
    if time.size == 0 or not np.isfinite(time).all():
        expected = "finite times, at least one"
        raise InputError(expected, found=f"{time.size} times")
    distinct, group = np.unique(time, return_inverse=True)
    leaving = np.bincount(group, minlength=distinct.size)
    weights = event.astype(np.float64)
    events = np.bincount(group, weights=weights, minlength=distinct.size).astype(np.float64)
    at_risk = (time.size - np.concatenate(([0], np.cumsum(leaving)[:-1]))).astype(float)
    left = at_risk - events
    with np.errstate(divide="ignore"):
        growth = np.where(events > 0, events / (at_risk * left), 0.0)
    return ProductLimit(
        time=distinct,
        at_risk=at_risk,
        events=events,
        survival=np.cumprod(left / at_risk),
        log_variance=np.cumsum(growth),
    )


def median_survival_time(curve: ProductLimit) -> float | None:
    """Time by which half have had the event; None when survival stays above one half.

    Where survival equals one half between two events, their midpoint: without censoring this is
    the usual sample median.

    Parameters
    ----------
    curve : ProductLimit
        Of one group.

    Examples
    --------
    >>> times = np.array([3.0, 5.0, 6.0, 8.0])
    >>> median_survival_time(product_limit(times, np.ones(4, dtype=bool)))
    5.5
    """
    return _crossing(curve.time, curve.survival)


def median_survival_limits(
    curve: ProductLimit, *, level: float
) -> tuple[float | None, float | None]:
    """Limits of the median from the pointwise limits of log survival.

    Parameters
    ----------
    curve : ProductLimit
        Of one group.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    lower, upper : float or None
        None where the limit is not reached.
    """
    reach = special.ndtri(0.5 + level / 2) * np.sqrt(curve.log_variance)
    finite = np.isfinite(reach)
    span = np.where(finite, reach, 0.0)
    # With nobody left there is no upper limit of survival, and none of the median.
    lower = np.where(finite, curve.survival * np.exp(-span), 0.0)
    upper = np.where(finite, np.minimum(curve.survival * np.exp(span), 1.0), 1.0)
    return _crossing(curve.time, lower), _crossing(curve.time, upper)


def _crossing(time: FloatArray, survival: FloatArray) -> float | None:
    """First time at which a falling curve is at or below one half."""
    below = np.flatnonzero(survival <= 0.5 + _HALF_TOLERANCE)
    if below.size == 0:
        return None
    first = int(below[0])
    if math.isclose(survival[first], 0.5, abs_tol=_HALF_TOLERANCE):
        after = np.flatnonzero(survival < 0.5 - _HALF_TOLERANCE)
        if after.size:
            return float((time[first] + time[after[0]]) / 2)
    return float(time[first])
