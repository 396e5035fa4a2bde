"""Interval kernels for group endpoints: ratios, differences, means and medians of a few animals.

Every kernel takes values with the animals on the last axis, so that thousands of simulated
studies pass through the same code as one real one. A limit that does not exist is NaN; one that
lies beyond what was followed is infinite. docs/background/endpoints.md has methods and coverage.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.numerics import bootstrap_log_ratio_limits
from oncovivo.numerics.resampling import log_ratio_and_error

__all__ = [
    "FEWEST_FOR_RESAMPLING",
    "bootstrap_limits",
    "difference_limits",
    "fieller_limits",
    "log_delta_limits",
    "log_delta_paired_limits",
    "mean_limits",
    "median_limits",
    "mover_difference",
    "mover_product",
    "part_level",
]

FloatArray: TypeAlias = NDArray[np.float64]
Limits: TypeAlias = tuple[FloatArray, FloatArray]
IntervalMethod: TypeAlias = Literal[
    "fieller",
    "log_delta_t",
    "log_t",
    "t",
    "welch_t",
    "bootstrap_t",
    "order_statistics",
    "product_limit",
    "mover",
    "none",
]

# Below this, resampling or ranking a handful of animals covers far less than it claims.
FEWEST_FOR_RESAMPLING: Final = 5
# Interpolated order statistics of two arms combine to more than their level; arm limits with 1.6
# times the error give 95 % together at 5 to 10 animals (validation/endpoints).
_PART_ERROR: Final = 1.6


def part_level(level: float) -> float:
    """Confidence of each arm's median limits when two are combined to `level`."""
    return 1 - _PART_ERROR * (1 - level)


def mean_limits(x: FloatArray, *, level: float) -> Limits:
    """Student's t limits of a mean.

    Parameters
    ----------
    x : ndarray, shape (..., n)
        One value per animal; n of 2 or more, else NaN comes back.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    lower, upper : ndarray, shape (...)
    """
    n = x.shape[-1]
    mean = x.mean(axis=-1)
    if n < 2:
        return np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    reach = _t(level, n - 1) * x.std(axis=-1, ddof=1) / np.sqrt(n)
    return mean - reach, mean + reach


def difference_limits(x: FloatArray, y: FloatArray, *, level: float) -> Limits:
    """Welch's t limits of mean(x) − mean(y).

    Parameters
    ----------
    x, y : ndarray, shape (..., n) and (..., m)
        One value per animal of two independent groups.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    lower, upper : ndarray, shape (...)
    """
    difference = x.mean(axis=-1) - y.mean(axis=-1)
    a, b = _squared_error(x), _squared_error(y)
    reach = _t(level, _welch_df(a, x.shape[-1], b, y.shape[-1])) * np.sqrt(a + b)
    return difference - reach, difference + reach


def log_delta_limits(x: FloatArray, y: FloatArray, *, level: float) -> Limits:
    """Limits of mean(x)/mean(y) by the delta method on the log scale, t with Welch's df.

    Parameters
    ----------
    x, y : ndarray, shape (..., n) and (..., m)
        One value per animal of two independent groups; both means positive, else NaN comes back.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    lower, upper : ndarray, shape (...)

    Notes
    -----
    The squared relative error of each mean is s²/(n·mean²): the mean enters squared.
    """
    top, bottom = x.mean(axis=-1), y.mean(axis=-1)
    positive = (top > 0) & (bottom > 0)
    top, bottom = np.where(positive, top, np.nan), np.where(positive, bottom, np.nan)
    a, b = _squared_error(x) / top**2, _squared_error(y) / bottom**2
    reach = _t(level, _welch_df(a, x.shape[-1], b, y.shape[-1])) * np.sqrt(a + b)
    ratio = np.log(top / bottom)
    return np.exp(ratio - reach), np.exp(ratio + reach)


def log_delta_paired_limits(x: FloatArray, y: FloatArray, *, level: float) -> Limits:
    """As :func:`log_delta_limits` for two quantities of the same animals, t with n − 1 df.

    Parameters
    ----------
    x, y : ndarray, shape (..., n)
        Numerator and denominator of each animal.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    lower, upper : ndarray, shape (...)
    """
    n = x.shape[-1]
    log_ratio, error = log_ratio_and_error(x, y)
    if n < 2:
        return np.full_like(log_ratio, np.nan), np.full_like(log_ratio, np.nan)
    reach = _t(level, n - 1) * error
    return np.exp(log_ratio - reach), np.exp(log_ratio + reach)


def fieller_limits(x: FloatArray, y: FloatArray, *, level: float) -> Limits:
    """Fieller's limits of mean(x)/mean(y) for independent groups with unequal variances.

    The df are Welch's for mean(x) − r·mean(y) at the estimated ratio r.

    Parameters
    ----------
    x, y : ndarray, shape (..., n) and (..., m)
        One value per animal of two independent groups; the mean of `x` may be negative.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    lower, upper : ndarray, shape (...)
        Minus and plus infinity where the set is unbounded: the mean of `y` does not differ
        from 0.

    Notes
    -----
    Fieller EC. J R Stat Soc B 1954;16:175. Hasler M, Vonk R, Hothorn LA. Stat Med 2008;27:490.
    """
    top, bottom = x.mean(axis=-1), y.mean(axis=-1)
    a, b = _squared_error(x), _squared_error(y)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = top / bottom
        quantile = _t(level, _welch_df(a, x.shape[-1], ratio**2 * b, y.shape[-1])) ** 2
        leading = bottom**2 - quantile * b
        root = np.sqrt(np.maximum(top**2 * quantile * b + quantile * a * leading, 0))
        lower, upper = (top * bottom - root) / leading, (top * bottom + root) / leading
    bounded = leading > 0
    unknown = np.isnan(leading)
    return (
        np.where(unknown, np.nan, np.where(bounded, lower, -np.inf)),
        np.where(unknown, np.nan, np.where(bounded, upper, np.inf)),
    )


def bootstrap_limits(
    x: FloatArray, y: FloatArray, *, level: float, draws: int, rng: np.random.Generator
) -> Limits:
    """Limits of mean(x)/mean(y) of the same animals by a studentized bootstrap on the log scale.

    Never narrower than the log-delta t limits: a handful of animals often lacks the tail that
    resampling would need to see.

    Parameters
    ----------
    x, y : ndarray, shape (..., n)
        Numerator and denominator of each animal; a denominator of ones for the mean of `x`.
    level : float
        Confidence, between 0 and 1.
    draws : int
        Resamples.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    lower, upper : ndarray, shape (...)
    """
    low, high = bootstrap_log_ratio_limits(x, y, level=level, draws=draws, rng=rng)
    lower, upper = log_delta_paired_limits(x, y, level=level)
    return np.fmin(low, lower), np.fmax(high, upper)


def median_limits(ordered: FloatArray, *, level: float) -> Limits:
    """Interpolated order-statistic limits of a median.

    Parameters
    ----------
    ordered : ndarray, shape (..., n)
        Values in rising order; infinite for an animal whose value lies beyond those followed.
    level : float
        Confidence, between 0 and 1. Five animals cannot carry 95 %: their extremes (93.75 %) are
        given while these miss no more than 1.6 times as often as asked.

    Returns
    -------
    lower, upper : ndarray, shape (...)
        NaN with fewer than five animals, or too few for the level.

    Notes
    -----
    Hettmansperger TP, Sheather SJ. Stat Probab Lett 1986;4:75.
    """
    n = ordered.shape[-1]
    place, share = _median_place(n, level)
    if place == 0:
        nothing = np.full(ordered.shape[:-1], np.nan)
        return nothing, nothing.copy()
    lower, upper = ordered[..., place - 1], ordered[..., n - place]
    if share > 0:
        lower = (1 - share) * lower + share * ordered[..., place]
        inner = ordered[..., n - place - 1]
        upper = (1 - share) * upper + share * inner
    return lower, upper


@lru_cache(maxsize=256)
def _median_place(n: int, level: float) -> tuple[int, float]:
    """Rank of the outer order statistic and the share of the next inner one; rank 0 for none."""

    def covered(rank: int) -> float:
        return float(1 - 2 * special.bdtr(rank - 1, n, 0.5))

    if n < FEWEST_FOR_RESAMPLING:
        return 0, 0.0
    # The largest rank that still covers enough lies next to the binomial quantile.
    near = int(np.searchsorted(special.bdtr(np.arange(n + 1), n, 0.5), (1 - level) / 2))
    rank = near + 1 if covered(near + 1) >= level else near
    if rank == 0:
        return (1 if covered(1) >= part_level(level) else 0), 0.0
    outer, inner = covered(rank), covered(rank + 1)
    excess = (outer - level) / (outer - inner)
    return rank, (n - rank) * excess / (rank + (n - 2 * rank) * excess)


def mover_difference(x: FloatArray, x_limits: Limits, y: FloatArray, y_limits: Limits) -> Limits:
    """Limits of x − y from the separate limits of two independent estimates.

    Parameters
    ----------
    x, y : ndarray, shape (...)
        Estimates.
    x_limits, y_limits : pair of ndarray, shape (...)
        Their limits.

    Returns
    -------
    lower, upper : ndarray, shape (...)

    Notes
    -----
    Zou GY, Donner A. Stat Med 2008;27:1693.
    """
    difference = x - y
    return (
        difference - np.hypot(x - x_limits[0], y_limits[1] - y),
        difference + np.hypot(x_limits[1] - x, y - y_limits[0]),
    )


def mover_product(
    delay: FloatArray,
    treated: tuple[FloatArray, Limits],
    control: tuple[FloatArray, Limits],
    rate: tuple[FloatArray, FloatArray],
) -> Limits:
    """Limits of delay × control rate, where the delay is median − control median less a constant.

    The control's median and its rate come from the same animals: a fast control is both early and
    steep. Their two contributions are therefore added, the widest that any correlation allows.

    Parameters
    ----------
    delay : ndarray, shape (...)
        Treated median less control median, less treatment days if any.
    treated, control : (ndarray, limits)
        Median and its limits in each arm.
    rate : (ndarray, ndarray)
        Mean rate of the control and half the width of its interval.

    Returns
    -------
    lower, upper : ndarray, shape (...)
    """
    slope, half = rate
    steep = np.abs(delay) * half
    # A steeper control shortens its own time: both raise a positive product, and oppose each
    # other in a negative one.
    sign = np.where(delay >= 0, 1.0, -1.0)
    product = delay * slope
    down = np.abs(slope * (control[1][1] - control[0]) + sign * steep)
    up = np.abs(slope * (control[0] - control[1][0]) + sign * steep)
    return (
        product - np.hypot(slope * (treated[0] - treated[1][0]), down),
        product + np.hypot(slope * (treated[1][1] - treated[0]), up),
    )


def _squared_error(x: FloatArray) -> FloatArray:
    """Squared standard error of a mean; NaN for one animal."""
    n = x.shape[-1]
    if n < 2:
        return np.full(x.shape[:-1], np.nan)
    squared: FloatArray = np.asarray(x.var(axis=-1, ddof=1)) / n
    return squared


def _welch_df(a: FloatArray, n: int, b: FloatArray, m: int) -> FloatArray:
    """Satterthwaite's degrees of freedom for a sum of two squared errors."""
    with np.errstate(divide="ignore", invalid="ignore"):
        df: FloatArray = (a + b) ** 2 / (a**2 / max(n - 1, 1) + b**2 / max(m - 1, 1))
    # Without any spread the df do not matter: the reach is zero.
    return np.where((a + b) == 0, 1.0, df)


def _t(level: float, df: FloatArray | float) -> FloatArray:
    """Two-sided quantile of t."""
    return np.asarray(special.stdtrit(df, 0.5 + level / 2), dtype=np.float64)
