"""Limits of the variance between rows (Q-profile) and prediction intervals."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.evidence.meta.heterogeneity import q_at, solve_q
from oncovivo.evidence.meta.types import Prediction

__all__ = ["prediction_quantile", "q_profile", "two_sided_p", "two_sided_quantile"]

FloatArray: TypeAlias = NDArray[np.float64]


def two_sided_quantile(level: float, df: float | None) -> float:
    """Quantile of t, or of the normal distribution without degrees of freedom.

    Parameters
    ----------
    level : float
        Confidence, a fraction.
    df : float or None
        Degrees of freedom; None for the normal distribution.

    Examples
    --------
    >>> round(two_sided_quantile(0.95, None), 3), round(two_sided_quantile(0.95, 4), 3)
    (1.96, 2.776)
    """
    tail = 0.5 + 0.5 * level
    return float(special.ndtri(tail) if df is None else special.stdtrit(df, tail))


def two_sided_p(statistic: FloatArray, df: float | None) -> FloatArray:
    """Two-sided p-values.

    Parameters
    ----------
    statistic : ndarray
        Estimates over standard errors.
    df : float or None
        Degrees of freedom; None for the normal distribution.
    """
    size = -np.abs(statistic)
    tail = special.ndtr(size) if df is None else special.stdtr(df, size)
    return np.asarray(2.0 * tail, dtype=np.float64)


def q_profile(
    yi: FloatArray, vi: FloatArray, *, level: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Limits of tau²: the values at which the generalized Q meets the quantiles of chi-squared.

    Parameters
    ----------
    yi, vi : ndarray, shape (B, k)
        Effect sizes and sampling variances; k of 2 or more.
    level : float, default 0.95
        Confidence.

    Returns
    -------
    lower, upper : ndarray, shape (B,)
        Both 0 where the rows agree better than chance lets them, and no tau² fits.

    Notes
    -----
    Viechtbauer W. Stat Med 2007;26:37. The limits are exact if yi are normal and vi known.
    """
    sets, k = yi.shape
    tail = 0.5 - 0.5 * level
    targets = special.chdtri(k - 1, np.array([tail, 1.0 - tail]))
    # Both limits in one search: the sets twice, one after the other.
    two_yi, two_vi = np.concatenate((yi, yi)), np.concatenate((vi, vi))
    roots, _ = solve_q(
        lambda tau2, at: q_at(two_yi[at], two_vi[at], tau2),
        np.repeat(targets, sets),
        two_vi.mean(axis=-1),
    )
    return roots[:sets], roots[sets:]


def prediction_quantile(
    prediction: Prediction, *, k: int, df: float | None, level: float, coefficients: int = 1
) -> float | None:
    """Quantile of the prediction interval of a new study's true effect.

    Parameters
    ----------
    prediction : {"t-k2", "test"}
        t with k - 2 degrees of freedom (Higgins JPT, Thompson SG, Spiegelhalter DJ. J R Stat Soc
        A 2009;172:137), or the quantile of the test, as metafor 3.8 does.
    k : int
        Rows.
    df : float or None
        Degrees of freedom of the test; None for z.
    level : float
        Confidence.
    coefficients : int, default 1
        Of the regression; one degree of freedom more is taken than there are coefficients.

    Returns
    -------
    float or None
        None where no degree of freedom is left.
    """
    if prediction == "test":
        return two_sided_quantile(level, df)
    left = k - coefficients - 1
    return two_sided_quantile(level, left) if left > 0 else None
