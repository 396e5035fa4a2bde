"""Variance between rows: nine estimators and the Q-profile, for many sets of rows at once.

Arrays have a leading axis of B sets; the last axis holds the k rows of a set. The searches are
exact: REML and ML look at the likelihood over the whole range in which a stationary point can lie,
so a second maximum is not missed, and refine the best point by Newton steps; the Paule-Mandel
equation and the Q-profile are solved by Newton steps on 1/Q, which is increasing and concave in
tau², so that the steps never overshoot.

References
----------
DerSimonian R, Laird N. Control Clin Trials 1986;7:177. Paule RC, Mandel J. J Res Natl Bur Stand
1982;87:377. Viechtbauer W. J Educ Behav Stat 2005;30:261 (HE, HS, DL, ML, REML, EB, SJ).
Sidik K, Jonkman JN. J R Stat Soc C 2005;54:367. Viechtbauer W. Stat Med 2007;26:37 (Q-profile).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.evidence.meta.types import Method

__all__ = [
    "BetweenVariance",
    "Weighted",
    "between_variance",
    "highest_likelihood",
    "likelihood_bound",
    "q_at",
    "solve_q",
    "weighted",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

Likelihood: TypeAlias = Callable[[FloatArray], FloatArray]
Slopes: TypeAlias = Callable[[FloatArray, IntArray], tuple[FloatArray, FloatArray]]

# Points at which the likelihood is looked at before the search, beside 0: in equal ratios from
# this share of the smallest sampling variance to the bound.
_POINTS: Final = 20
_SMALLEST: Final = 0.02
# A step below this share of tau² plus a typical sampling variance ends a search. Newton steps
# converge quadratically, so that what is left after the last step is rounding.
_STEP: Final = 1e-11
_MOST_STEPS: Final = 100
# Numbers held in one array of the grid search.
_CHUNK: Final = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BetweenVariance:
    """Variance between the rows of each set.

    Parameters
    ----------
    tau2, std_error : ndarray, shape (B,)
        Estimate, 0 or more, and its standard error at that value; NaN for equal effects.
    converged : ndarray of bool, shape (B,)
        Whether the search arrived; closed forms always do.
    """

    tau2: FloatArray
    std_error: FloatArray
    converged: BoolArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weighted:
    """Rows weighted by the inverse of their total variance.

    Parameters
    ----------
    weight, residual : ndarray, shape (B, k)
        1/(vi + tau²), and the distance of each row from the mean.
    total, mean : ndarray, shape (B,)
        Sum of the weights, and the weighted mean.
    """

    weight: FloatArray
    residual: FloatArray
    total: FloatArray
    mean: FloatArray


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """Sums of products over the rows."""
    out: FloatArray = np.einsum("...k,...k->...", a, b)
    return out


def weighted(yi: FloatArray, vi: FloatArray, tau2: FloatArray) -> Weighted:
    """Weights, mean and residuals of each set at its variance between rows.

    Parameters
    ----------
    yi, vi : ndarray, shape (B, k)
        Effect sizes and sampling variances.
    tau2 : ndarray, shape (B,)
        Variance between rows.
    """
    weight = 1.0 / (vi + tau2[..., None])
    total = weight.sum(axis=-1)
    mean = _dot(weight, yi) / total
    return Weighted(weight=weight, residual=yi - mean[..., None], total=total, mean=mean)


def q_at(yi: FloatArray, vi: FloatArray, tau2: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Generalized Q of each set, and its slope in tau².

    Parameters
    ----------
    yi, vi : ndarray, shape (B, k)
        Effect sizes and sampling variances.
    tau2 : ndarray, shape (B,)
        Variance between rows.
    """
    fit = weighted(yi, vi, tau2)
    pulled = fit.weight * fit.residual
    return _dot(pulled, fit.residual), -_dot(pulled, pulled)


def solve_q(q_of: Slopes, target: FloatArray, scale: FloatArray) -> tuple[FloatArray, BoolArray]:
    """tau² at which the generalized Q of each set falls to its target, 0 where it starts below.

    Parameters
    ----------
    q_of : callable
        Q and its slope for the tau² of the sets with the positions given.
    target : ndarray, shape (B,)
        Values above 0.
    scale : ndarray, shape (B,)
        Typical sampling variance, against which a step is small.

    Returns
    -------
    tau2 : ndarray, shape (B,)
    converged : ndarray of bool, shape (B,)
    """
    tau2 = np.zeros_like(target)
    left = np.arange(target.size)
    for _ in range(_MOST_STEPS):
        q, slope = q_of(tau2[left], left)
        goal = target[left]
        above = q > goal
        # Newton on 1/Q - 1/target; where Q is below the target already, the root is passed
        # by rounding or lies below 0, and tau² stays.
        step = np.where(above, q * (q - goal) / (goal * np.where(above, -slope, 1.0)), 0.0)
        tau2[left] += step
        left = left[step > _STEP * (tau2[left] + scale[left])]
        if left.size == 0:
            break
    converged = np.ones(target.shape, dtype=np.bool_)
    converged[left] = False
    return tau2, converged


def likelihood_bound(yi: FloatArray, vi: FloatArray) -> FloatArray:
    """A tau² above which neither likelihood of a set has a stationary point.

    At a stationary point y'PPy equals the trace of P (REML) or the sum of the weights (ML). With
    S the variance of the rows about their unweighted mean, y'PPy is at most
    (k - 1)S/(tau² + smallest vi)², and the trace at least (k - 1)/(tau² + largest vi), so that the
    first is below the second from tau² = S + largest vi - smallest vi on.

    Parameters
    ----------
    yi, vi : ndarray, shape (B, k)
        Effect sizes (or residuals of an unweighted regression) and sampling variances.
    """
    spread: FloatArray = yi.var(axis=-1, ddof=1) + vi.max(axis=-1) - vi.min(axis=-1)
    return spread


def _grid(lowest: FloatArray, bound: FloatArray) -> FloatArray:
    """0, and points in equal ratios up to the bound, for each set."""
    first = _SMALLEST * lowest
    # Rows that hardly differ have a bound of next to nothing.
    ratio = np.maximum(bound / first, 2.0)
    points = first[:, None] * ratio[:, None] ** np.linspace(0.0, 1.0, _POINTS)
    return np.concatenate((np.zeros((first.size, 1)), points), axis=1)


def highest_likelihood(
    likelihood: Likelihood,
    slopes: Slopes,
    *,
    lowest: FloatArray,
    bound: FloatArray,
    scale: FloatArray,
) -> tuple[FloatArray, BoolArray]:
    """tau² of the highest likelihood of each set, over 0 to its bound.

    The best point of a grid is refined by Newton steps that stay between its neighbors, and what
    comes out is compared with 0, which can be a maximum of its own.

    Parameters
    ----------
    likelihood : callable
        Log-likelihoods, shape (B, G), at the tau² given, shape (B, G).
    slopes : callable
        First and second derivative at the tau² of the sets with the positions given.
    lowest : ndarray, shape (B,)
        Smallest sampling variance.
    bound : ndarray, shape (B,)
        Where the search ends.
    scale : ndarray, shape (B,)
        Typical sampling variance, against which a step is small.

    Returns
    -------
    tau2 : ndarray, shape (B,)
    converged : ndarray of bool, shape (B,)
    """
    grid = _grid(lowest, bound)
    every = np.arange(bound.size)
    best = 1 + np.argmax(likelihood(grid)[:, 1:], axis=1)
    at_zero = slopes(np.zeros_like(bound), every)[0]
    falls = slopes(grid[every, best], every)[0] <= 0
    # Where the likelihood falls from 0 on, nothing is left to search.
    search = np.flatnonzero(~((best == 1) & falls & (at_zero <= 0)))
    tau2 = np.zeros_like(bound)
    tau2[search] = grid[search, best[search]]
    low = grid[every, best - 1]
    high = grid[every, np.minimum(best + 1, _POINTS)]
    left = _refined(tau2, slopes, low, high, scale, search)
    doubtful = search[at_zero[search] <= 0]
    if doubtful.size:
        both = likelihood(np.column_stack((np.zeros_like(tau2), tau2)))
        tau2[doubtful[both[doubtful, 0] >= both[doubtful, 1]]] = 0.0
    converged = np.ones(bound.shape, dtype=np.bool_)
    converged[left] = False
    return tau2, converged


def _refined(
    tau2: FloatArray,
    slopes: Slopes,
    low: FloatArray,
    high: FloatArray,
    scale: FloatArray,
    left: IntArray,
) -> IntArray:
    """Newton steps in place, halving where they leave the bracket; the sets that do not arrive."""
    for _ in range(_MOST_STEPS):
        if left.size == 0:
            break
        now = tau2[left]
        first, second = slopes(now, left)
        rising = first > 0
        low[left] = np.where(rising, now, low[left])
        high[left] = np.where(rising, high[left], now)
        concave = second < 0
        wanted = now - np.where(concave, first / np.where(concave, second, -1.0), np.inf)
        middle = 0.5 * (low[left] + high[left])
        inside = (wanted >= low[left]) & (wanted <= high[left])
        tau2[left] = np.where(inside, wanted, middle)
        moved = np.abs(tau2[left] - now) > _STEP * (now + scale[left])
        left = left[moved]
    return left


def _grid_likelihood(yi: FloatArray, vi: FloatArray, *, restricted: bool) -> Likelihood:
    """Log-likelihood of each set over its grid, without what does not change with tau²."""

    def likelihood(tau2: FloatArray) -> FloatArray:
        out = np.empty_like(tau2)
        sets = max(1, _CHUNK // (tau2.shape[1] * yi.shape[1]))
        for start in range(0, tau2.shape[0], sets):
            part = slice(start, start + sets)
            variance = vi[part, None, :] + tau2[part, :, None]
            weight = 1.0 / variance
            total = weight.sum(axis=-1)
            mean = np.einsum("bgk,bk->bg", weight, yi[part]) / total
            square = np.einsum("bgk,bk->bg", weight, yi[part] ** 2) - total * mean**2
            out[part] = -0.5 * (np.log(variance).sum(axis=-1) + square)
            if restricted:
                out[part] -= 0.5 * np.log(total)
        return out

    return likelihood


def _likelihood_slopes(yi: FloatArray, vi: FloatArray, *, restricted: bool) -> Slopes:
    """Derivatives of the log-likelihood of each set."""

    def slopes(tau2: FloatArray, left: IntArray) -> tuple[FloatArray, FloatArray]:
        fit = weighted(yi[left], vi[left], tau2)
        pulled = fit.weight * fit.residual
        squared = fit.weight * fit.weight
        s2 = squared.sum(axis=-1)
        quadratic = _dot(pulled, pulled)
        twice = fit.weight * pulled
        cubic = _dot(twice, pulled) - twice.sum(axis=-1) ** 2 / fit.total
        trace, trace_of_square = fit.total, s2
        if restricted:
            share = s2 / fit.total
            trace = fit.total - share
            trace_of_square = s2 - 2.0 * _dot(squared, fit.weight) / fit.total + share**2
        return 0.5 * (quadratic - trace), 0.5 * trace_of_square - cubic

    return slopes


def _traces(weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Traces of P and of PP, P being the projection with these weights off the mean."""
    total = weight.sum(axis=-1)
    squared = weight * weight
    s2 = squared.sum(axis=-1)
    return total - s2 / total, s2 - 2.0 * _dot(squared, weight) / total + (s2 / total) ** 2


def _moment_error(
    constant: FloatArray, linear: FloatArray, square: FloatArray, tau2: FloatArray
) -> FloatArray:
    """Standard error of a quadratic form whose variance is a polynomial in tau²."""
    out: FloatArray = np.sqrt(2.0 * constant + 4.0 * tau2 * linear + 2.0 * tau2**2 * square)
    return out


def _weighted_moment(
    yi: FloatArray, vi: FloatArray, *, expected: int, by_trace: bool
) -> tuple[FloatArray, FloatArray]:
    """DL and HS: Cochran's Q less what it should be, over the trace of P or the weights."""
    k = yi.shape[-1]
    fit = weighted(yi, vi, np.zeros(yi.shape[0]))
    q = _dot(fit.weight * fit.residual, fit.residual)
    trace, trace_of_square = _traces(fit.weight)
    scale = trace if by_trace else fit.total
    tau2 = np.maximum(0.0, (q - expected) / scale)
    error = _moment_error(np.full_like(tau2, k - 1), trace, trace_of_square, tau2) / scale
    return tau2, error


def _hedges(yi: FloatArray, vi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """HE: unweighted variance of the rows less their mean sampling variance."""
    k = yi.shape[-1]
    tau2 = np.maximum(0.0, yi.var(axis=-1, ddof=1) - vi.mean(axis=-1))
    constant = _dot(vi, vi) * (1.0 - 2.0 / k) + vi.sum(axis=-1) ** 2 / k**2
    linear = vi.sum(axis=-1) * (1.0 - 1.0 / k)
    return tau2, _moment_error(constant, linear, np.full_like(tau2, k - 1), tau2) / (k - 1)


def _sidik_jonkman(yi: FloatArray, vi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """SJ: Q weighted with a rough tau², as a multiple of that."""
    k = yi.shape[-1]
    rough = yi.var(axis=-1)
    fit = weighted(yi, vi, rough)
    tau2 = rough * _dot(fit.weight * fit.residual, fit.residual) / (k - 1)
    w2, w3 = fit.weight**2, fit.weight**3
    one = _dot(w2, vi)
    constant = _dot(w2, vi**2) - 2.0 * _dot(w3, vi**2) / fit.total + (one / fit.total) ** 2
    s2 = w2.sum(axis=-1)
    linear = one - 2.0 * _dot(w3, vi) / fit.total + one * s2 / fit.total**2
    _, square = _traces(fit.weight)
    return tau2, rough * _moment_error(constant, linear, square, tau2) / (k - 1)


def between_variance(yi: FloatArray, vi: FloatArray, method: Method) -> BetweenVariance:
    """Variance between the rows of each set.

    Parameters
    ----------
    yi, vi : ndarray, shape (B, k)
        Effect sizes and sampling variances; k of 2 or more.
    method : {"EE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM"}
        The empirical Bayes estimator (EB) solves the equation of Paule and Mandel (PM): they are
        the same number.

    Raises
    ------
    InputError
        An estimator that is not known.

    Examples
    --------
    >>> yi, vi = np.array([[0.0, 1.0, 2.0]]), np.full((1, 3), 0.25)
    >>> float(between_variance(yi, vi, "DL").tau2[0])
    0.75
    """
    if method not in get_args(Method):
        raise InputError(f"an estimator out of {', '.join(get_args(Method))}", found=repr(method))
    sets, k = yi.shape
    converged = np.ones(sets, dtype=np.bool_)
    if method == "EE":
        tau2, error = np.zeros(sets), np.full(sets, np.nan)
    elif method == "DL":
        tau2, error = _weighted_moment(yi, vi, expected=k - 1, by_trace=True)
    elif method == "HS":
        tau2, error = _weighted_moment(yi, vi, expected=k, by_trace=False)
    elif method == "HE":
        tau2, error = _hedges(yi, vi)
    elif method == "SJ":
        tau2, error = _sidik_jonkman(yi, vi)
    elif method in ("EB", "PM"):
        target = np.full(sets, float(k - 1))
        scale = vi.mean(axis=-1)
        tau2, converged = solve_q(lambda t, at: q_at(yi[at], vi[at], t), target, scale)
        total = (1.0 / (vi + tau2[:, None])).sum(axis=-1)
        error = np.sqrt(2.0 * k**2 / (k - 1)) / total
    else:
        restricted = method == "REML"
        # About their mean the squares in the grid do not lose digits to a far origin.
        centered = yi - yi.mean(axis=-1, keepdims=True)
        tau2, converged = highest_likelihood(
            _grid_likelihood(centered, vi, restricted=restricted),
            _likelihood_slopes(centered, vi, restricted=restricted),
            lowest=vi.min(axis=-1),
            bound=likelihood_bound(yi, vi),
            scale=vi.mean(axis=-1),
        )
        weight = 1.0 / (vi + tau2[:, None])
        information = _traces(weight)[1] if restricted else _dot(weight, weight)
        error = np.sqrt(2.0 / information)
    return BetweenVariance(tau2=tau2, std_error=error, converged=converged)
