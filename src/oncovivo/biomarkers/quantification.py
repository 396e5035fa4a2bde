"""Means and contrasts where some values lie below or above what an assay can quantify.

A reading below its limit tells that the value is smaller, and this is what enters the likelihood:
Phi((limit - mean) / sigma), not a number put in its place. Without such readings all of this is
least squares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from oncovivo.biomarkers.marker_table import ValueState
from oncovivo.endpoints.estimate import EndpointStatus
from oncovivo.errors import InputError
from oncovivo.growth.tobit import mills_ratio

__all__ = ["LimitedFit", "LimitedMean", "MeanScale", "fit_limited", "limited_mean"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int_]
MeanScale: TypeAlias = Literal["log", "linear"]

_HALF_LOG_2PI: Final = 0.5 * math.log(2 * math.pi)
_STEPS: Final = 200
# Newton's decrement that is left: half of it is the rise of the log-likelihood still to be had.
_RISE: Final = 1e-12
# A coefficient beyond this many standard deviations of the outcome runs away.
_RUNAWAY: Final = 1e4
_SIGN: Final = {"measured": 0, "below_limit": -1, "above_limit": 1}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LimitedFit:
    """A regression whose outcome is known for some rows to one side of a limit only.

    Parameters
    ----------
    coefficients : ndarray, shape (p,)
        Maximum likelihood.
    covariance : ndarray, shape (p, p)
        From the observed information, times n / (n - p): that of least squares where every value
        is measured.
    sigma : float
        Standard deviation about the mean, by maximum likelihood times the root of n / (n - p).
    df : int
        Measured values less coefficients.
    log_likelihood : float
        At the maximum.
    """

    coefficients: FloatArray
    covariance: FloatArray
    sigma: float
    df: int
    log_likelihood: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitedMean:
    """Mean of a group some of whose values are limits.

    Parameters
    ----------
    estimate, lower, upper : float or None
        Mean (geometric on the log scale) and its interval; None where the values do not tell it.
    sd : float or None
        Standard deviation on the scale of the fit.
    scale : {"log", "linear"}
        Where the values are taken as normal.
    level : float
        Confidence of the interval.
    n, n_below, n_above : int
        Values, and those below and above their limit.
    status : EndpointStatus
        ``ok``; ``flagged`` where limits entered; ``not_estimable``.
    reason : str
        What to know; empty when ``ok``.
    """

    estimate: float | None
    lower: float | None
    upper: float | None
    sd: float | None
    scale: MeanScale
    level: float
    n: int
    n_below: int
    n_above: int
    status: EndpointStatus
    reason: str


def fit_limited(y: ArrayLike, sign: ArrayLike, x: ArrayLike) -> LimitedFit | None:
    """Maximum likelihood of a normal regression with limits, None where it has no maximum.

    Parameters
    ----------
    y : array_like, shape (n,)
        Values, and limits.
    sign : array_like of int, shape (n,)
        0 for a value, -1 where the truth is below the limit, 1 where it is above.
    x : array_like, shape (n, p)
        Columns of the mean.

    Returns
    -------
    LimitedFit or None
        None where fewer than p + 1 values are measured, they leave no spread, or the likelihood
        rises without end because a group is known by limits only.

    Notes
    -----
    Newton's method in the parameters of Olsen RJ. Econometrica 1978;46:1211 (coefficients over
    sigma, 1 / sigma), in which the log-likelihood is concave.

    Examples
    --------
    >>> fit = fit_limited([1.0, 2.0, 3.0, 0.5], [0, 0, 0, -1], np.ones((4, 1)))
    >>> bool(fit.coefficients[0] < np.mean([1.0, 2.0, 3.0, 0.5]))
    True
    """
    outcome, columns = np.asarray(y, dtype=np.float64), np.asarray(x, dtype=np.float64)
    side = np.asarray(sign, dtype=np.int_)
    n, p = columns.shape
    measured = side == 0
    n_measured = int(measured.sum())
    own = columns[measured]
    if n_measured <= p or np.linalg.matrix_rank(own) < p:
        return None
    start, *_ = np.linalg.lstsq(own, outcome[measured], rcond=None)
    rest = outcome[measured] - own @ start
    spread = math.sqrt(float(rest @ rest) / n_measured)
    if spread <= 1e-12 * max(1.0, float(np.abs(outcome).max())):
        return None
    # Of order one, so that steps and limits mean the same whatever the unit.
    scaled = (outcome - columns @ start) / spread
    point = np.append(np.zeros(p), 1.0)
    value, gradient, information = _likelihood(point, scaled, side, columns)
    for _ in range(_STEPS):
        step = np.linalg.lstsq(information, gradient, rcond=None)[0]
        rise = float(gradient @ step)
        if rise < _RISE:
            break
        share = 1.0
        while share > 1e-10:
            tried = point + share * step
            if tried[-1] > 0:
                reached = _likelihood(tried, scaled, side, columns)
                if reached[0] >= value:
                    break
            share /= 2
        else:
            break
        point = tried
        value, gradient, information = reached
        if np.abs(point).max() > _RUNAWAY:
            return None
    precision = point[-1]
    shift, sd = point[:-1] / precision, 1.0 / precision
    # From (b / sigma, 1 / sigma) to b.
    jacobian = np.column_stack((np.eye(p) / precision, -shift / precision))
    factor = n / (n - p)
    covariance = jacobian @ np.linalg.pinv(information, hermitian=True) @ jacobian.T
    return LimitedFit(
        coefficients=start + shift * spread,
        covariance=covariance * spread**2 * factor,
        sigma=sd * spread * math.sqrt(factor),
        df=n_measured - p,
        log_likelihood=value - n_measured * math.log(spread),
    )


def limited_mean(
    values: Sequence[float],
    states: Sequence[ValueState],
    *,
    scale: MeanScale = "log",
    level: float = 0.95,
) -> LimitedMean:
    """Mean of a group, values below or above a limit taken as such.

    Parameters
    ----------
    values : sequence of float, length n
        Values, and limits.
    states : sequence of ValueState, length n
        What each is; those not measured are left out.
    scale : {"log", "linear"}
        ``log``: geometric mean of log-normal values; ``linear``: mean of normal values.
    level : float
        Confidence, between 0 and 1.

    Raises
    ------
    InputError
        If the lengths differ, a state is unknown, or on the log scale a value is not above 0.

    Examples
    --------
    >>> found = limited_mean([0.5, 1.0, 2.0, 4.0], ["below_limit"] + 3 * ["measured"])
    >>> found.n_below, found.status, found.estimate < 1.41
    (1, 'flagged', True)
    >>> limited_mean([0.5, 0.5, 0.5], 3 * ["below_limit"]).status
    'not_estimable'
    """
    check_level(level)
    if scale not in ("log", "linear"):
        raise InputError("a scale: log or linear", found=repr(scale))
    if len(values) != len(states):
        found = f"{len(values)} values and {len(states)} states"
        raise InputError("one state for each value", found=found)
    y, sign = signed(values, states)
    if scale == "log":
        y = logs_of(y)
    below, above = int((sign < 0).sum()), int((sign > 0).sum())
    fit = fit_limited(y, sign, np.ones((y.size, 1))) if y.size else None
    remarks = []
    if below:
        remarks.append(f"{below} of {y.size} below the limit of quantification")
    if above:
        remarks.append(f"{above} of {y.size} above the limit of quantification")
    if fit is None:
        few = "fewer than two different measured values"
        return LimitedMean(
            estimate=float(_back(y[0], scale)) if y.size == 1 and not below + above else None,
            lower=None,
            upper=None,
            sd=None,
            scale=scale,
            level=level,
            n=y.size,
            n_below=below,
            n_above=above,
            status="not_estimable",
            reason="; ".join((*remarks, few)),
        )
    reach = t_quantile(level, fit.df) * math.sqrt(float(fit.covariance[0, 0]))
    mean = float(fit.coefficients[0])
    return LimitedMean(
        estimate=_back(mean, scale),
        lower=_back(mean - reach, scale),
        upper=_back(mean + reach, scale),
        sd=fit.sigma,
        scale=scale,
        level=level,
        n=y.size,
        n_below=below,
        n_above=above,
        status="flagged" if remarks else "ok",
        reason="; ".join(remarks),
    )


def check_level(level: float) -> None:
    """Refuse a level that is none.

    Raises
    ------
    InputError
        If it is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise InputError("a level between 0 and 1", found=f"{level:g}")


def t_quantile(level: float, df: float) -> float:
    """Two-sided quantile of t."""
    return float(special.stdtrit(df, 0.5 + level / 2))


def signed(values: Sequence[float], states: Sequence[ValueState]) -> tuple[FloatArray, IntArray]:
    """Values and limits that are known, and on which side the truth lies."""
    for state in states:
        if state not in (*_SIGN, "not_measured"):
            expected = "a state: " + ", ".join((*_SIGN, "not_measured"))
            raise InputError(expected, found=repr(state))
    kept = [(v, _SIGN[s]) for v, s in zip(values, states, strict=True) if s != "not_measured"]
    y = np.array([value for value, _ in kept], dtype=np.float64)
    if not np.isfinite(y).all():
        raise InputError("finite values and limits", found=str(y[~np.isfinite(y)][0]))
    return y, np.array([sign for _, sign in kept], dtype=np.int_)


def logs_of(y: FloatArray) -> FloatArray:
    """Natural logarithms.

    Raises
    ------
    InputError
        If a value is not above 0.
    """
    if (y <= 0).any():
        raise InputError(
            "values above 0 on the log scale",
            found=f"{y[y <= 0][0]:g}",
            mend="give zeros as readings below the limit of quantification, or use the linear "
            "scale",
        )
    return np.log(y)


def _back(mean: float, scale: MeanScale) -> float:
    return math.exp(mean) if scale == "log" else float(mean)


def _likelihood(
    point: FloatArray, y: FloatArray, side: IntArray, x: FloatArray
) -> tuple[float, FloatArray, FloatArray]:
    """Log-likelihood, its gradient and minus its Hessian in Olsen's parameters."""
    slope, precision = point[:-1], point[-1]
    residual = precision * y - x @ slope
    columns = np.column_stack((-x, y))
    measured = side == 0
    value = float(
        (-0.5 * residual[measured] ** 2).sum()
        + measured.sum() * (math.log(precision) - _HALF_LOG_2PI)
    )
    pull = np.where(measured, -residual, 0.0)
    bend = np.where(measured, 1.0, 0.0)
    limits = ~measured
    # Below: log Phi(residual); above: log Phi(-residual).
    turn = -side[limits].astype(np.float64)
    bound = turn * residual[limits]
    value += float(special.log_ndtr(bound).sum())
    ratio = mills_ratio(bound)
    pull[limits] = turn * ratio
    # Positive by concavity; rounding far below 0 must not make it negative.
    bend[limits] = np.clip(ratio * (ratio + bound), 0.0, 1.0)
    gradient = columns.T @ pull
    information = columns.T @ (bend[:, None] * columns)
    count = float(measured.sum())
    gradient[-1] += count / precision
    information[-1, -1] += count / precision**2
    return value, gradient, information
