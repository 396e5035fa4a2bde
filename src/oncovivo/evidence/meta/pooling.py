"""Equal- and random-effects pooling of rows, one set or many at once.

References
----------
Knapp G, Hartung J. Stat Med 2003;22:2693. Röver C, Knapp G, Friede T. BMC Med Res Methodol
2015;15:99 (the floor of one). Higgins JPT, Thompson SG. Stat Med 2002;21:1539 (I², H²).
Higgins JPT, Thompson SG, Spiegelhalter DJ. J R Stat Soc A 2009;172:137 (prediction interval).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta.heterogeneity import BetweenVariance, between_variance, weighted
from oncovivo.evidence.meta.intervals import (
    prediction_quantile,
    q_profile,
    two_sided_p,
    two_sided_quantile,
)
from oncovivo.evidence.meta.types import (
    MetaWarning,
    Method,
    PooledResult,
    Prediction,
    RowResult,
    Rows,
    Test,
    checked_level,
)

__all__ = [
    "PooledMany",
    "checked_options",
    "fit_warnings",
    "pool",
    "pool_many",
    "row_warnings",
    "typical_variance",
]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

FEWEST_DF: Final = 4
"""Degrees of freedom below which a t-based interval leans on its assumptions."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PooledMany:
    """What many sets of rows say, each for itself; arrays have shape (B,).

    Parameters
    ----------
    method, test : str
        Estimator of the variance between rows, and the test.
    k : int
        Rows of each set.
    df : int or None
        Degrees of freedom of the test; None for z.
    estimate, std_error, lower, upper : ndarray
        Pooled effect, its standard error and limits.
    statistic, p_value : ndarray
        Estimate over standard error, infinite where identical rows leave no error, and the
        two-sided p-value.
    tau2, tau2_std_error : ndarray
        Variance between rows.
    q, i2 : ndarray
        Cochran's Q, and I² in percent.
    pi_lower, pi_upper : ndarray
        Prediction interval; NaN for equal effects or where no degree of freedom is left.
    factor : ndarray
        Mean square of the weighted residuals: what Knapp and Hartung scale the variance by.
    converged : ndarray of bool
        Whether the search for tau² arrived.
    """

    method: Method
    test: Test
    k: int
    df: int | None
    estimate: FloatArray
    std_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    tau2: FloatArray
    tau2_std_error: FloatArray
    q: FloatArray
    i2: FloatArray
    pi_lower: FloatArray
    pi_upper: FloatArray
    factor: FloatArray
    converged: BoolArray


def checked_options(method: str, test: str, prediction: str) -> None:
    """Say which choice of a pooling does not exist."""
    for name, value, known in (
        ("an estimator", method, get_args(Method)),
        ("a test", test, get_args(Test)),
        ("a prediction interval", prediction, get_args(Prediction)),
    ):
        if value not in known:
            raise InputError(f"{name} out of {', '.join(known)}", found=repr(value))


def typical_variance(vi: FloatArray) -> FloatArray:
    """Typical sampling variance of each set, from which I² and H² are made.

    Parameters
    ----------
    vi : ndarray, shape (B, k)
        Sampling variances; k of 2 or more.

    Notes
    -----
    Higgins and Thompson 2002, equation 9.
    """
    weight = 1.0 / vi
    total = weight.sum(axis=-1)
    spare = total - (weight**2).sum(axis=-1) / total
    # One row that outweighs all others by more than rounding leaves nothing to compare.
    endless = np.full_like(spare, np.inf)
    typical: FloatArray = np.divide(vi.shape[-1] - 1, spare, out=endless, where=spare > 0)
    return typical


def _cochran_q(yi: FloatArray, vi: FloatArray) -> FloatArray:
    """Cochran's Q of each set."""
    fit = weighted(yi, vi, np.zeros(yi.shape[0]))
    q: FloatArray = (fit.weight * fit.residual**2).sum(axis=-1)
    return q


def _i2(q: FloatArray, vi: FloatArray, tau2: FloatArray, method: Method) -> FloatArray:
    """I² of each set in percent; from Q for equal effects, which leave no tau²."""
    k = vi.shape[-1]
    if method == "EE":
        return np.asarray(100.0 * np.maximum(0.0, q - (k - 1)) / np.where(q > 0, q, 1.0))
    return np.asarray(100.0 * tau2 / (typical_variance(vi) + tau2))


def pool_many(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    method: Method = "REML",
    test: Test = "knapp-hartung",
    prediction: Prediction = "t-k2",
    level: float = 0.95,
) -> PooledMany:
    """Pool many sets of rows of the same size, as a simulation or a leave-one-out needs.

    Parameters
    ----------
    yi, vi : array_like, shape (B, k)
        Effect sizes and sampling variances, above 0; k of 2 or more.
    method, test, prediction, level
        As in `pool`.

    Raises
    ------
    InputError
        Arrays of other shapes, numbers that are not finite, variances of 0 or less, or a choice
        that does not exist.

    Examples
    --------
    >>> many = pool_many([[0.0, 1.0], [2.0, 2.0]], [[0.5, 0.5], [0.1, 0.1]], method="DL")
    >>> many.estimate.tolist(), many.tau2.tolist()
    ([0.5, 2.0], [0.0, 0.0])
    """
    checked_options(method, test, prediction)
    level = checked_level(level)
    y, v = np.asarray(yi, dtype=np.float64), np.asarray(vi, dtype=np.float64)
    if y.ndim != 2 or y.shape != v.shape or y.shape[1] < 2:
        raise InputError(
            "effect sizes and variances in arrays of one shape (sets, rows), rows of 2 or more",
            found=f"{y.shape} and {v.shape}",
        )
    if not (np.isfinite(y).all() and np.isfinite(v).all() and (v > 0).all()):
        raise InputError("finite effect sizes and variances above 0", found="others")
    between = between_variance(y, v, method)
    return _assembled(y, v, between, method=method, test=test, prediction=prediction, level=level)


def _assembled(
    yi: FloatArray,
    vi: FloatArray,
    between: BetweenVariance,
    *,
    method: Method,
    test: Test,
    prediction: Prediction,
    level: float,
) -> PooledMany:
    """Estimates, tests and intervals of each set at its variance between rows."""
    k = yi.shape[1]
    fit = weighted(yi, vi, between.tau2)
    variance = 1.0 / fit.total
    factor = (fit.weight * fit.residual**2).sum(axis=-1) / (k - 1)
    if test == "knapp-hartung":
        variance = variance * factor
    elif test == "knapp-hartung-floor":
        variance = variance * np.maximum(1.0, factor)
    df = None if test == "z" else k - 1
    std_error = np.sqrt(variance)
    half = two_sided_quantile(level, df) * std_error
    # Identical rows leave Knapp-Hartung no error.
    statistic = np.divide(
        fit.mean, std_error, out=np.copysign(np.inf, fit.mean), where=std_error > 0
    )
    statistic = np.where((std_error > 0) | (fit.mean != 0), statistic, 0.0)
    quantile = None
    if method != "EE":
        quantile = prediction_quantile(prediction, k=k, df=df, level=level)
    reach = (np.nan if quantile is None else quantile) * np.sqrt(between.tau2 + variance)
    q = _cochran_q(yi, vi)
    return PooledMany(
        method=method,
        test=test,
        k=k,
        df=df,
        estimate=fit.mean,
        std_error=std_error,
        lower=fit.mean - half,
        upper=fit.mean + half,
        statistic=statistic,
        p_value=two_sided_p(statistic, df),
        tau2=between.tau2,
        tau2_std_error=between.std_error,
        q=q,
        i2=_i2(q, vi, between.tau2, method),
        pi_lower=fit.mean - reach,
        pi_upper=fit.mean + reach,
        factor=factor,
        converged=between.converged,
    )


def row_warnings(rows: Rows) -> tuple[MetaWarning, ...]:
    """What the rows bring with them, and rows that repeat each other.

    Parameters
    ----------
    rows : Rows
        What is pooled.
    """
    seen: dict[tuple[float, float], list[str]] = {}
    for label, yi, vi in zip(rows.label, rows.yi.tolist(), rows.vi.tolist(), strict=True):
        seen.setdefault((yi, vi), []).append(label)
    repeated = tuple(label for labels in seen.values() if len(labels) > 1 for label in labels)
    if not repeated:
        return rows.warnings
    message = f"{len(repeated)} rows have the effect size and variance of another; is one twice?"
    return (
        *rows.warnings,
        MetaWarning(code="identical_rows", message=message, rows=repeated),
    )


def fit_warnings(
    rows: Rows,
    *,
    df: int,
    test: Test,
    factor: float,
    upper: float | None,
    converged: bool,
) -> tuple[MetaWarning, ...]:
    """What should be known about a pooled effect or a regression.

    Parameters
    ----------
    rows : Rows
        What was pooled.
    df : int
        Rows less coefficients.
    test : str
        How it was tested.
    factor : float
        Mean square of the weighted residuals.
    upper : float or None
        Upper limit of tau²; None for equal effects.
    converged : bool
        Whether the search for tau² arrived.
    """
    found = list(row_warnings(rows))
    if df < FEWEST_DF and test == "z":
        message = f"a z-test of {len(rows)} rows takes tau² as known: its limits are too close"
        found.append(MetaWarning(code="few_rows", message=message))
    elif df < FEWEST_DF:
        message = f"{len(rows)} rows leave {df} degrees of freedom: read the limits with care"
        found.append(MetaWarning(code="few_df", message=message))
    if factor < 1 and test == "knapp-hartung":
        message = (
            f"Knapp-Hartung shortens standard errors to {math.sqrt(factor):.3g} of those of z; "
            "the test knapp-hartung-floor does not"
        )
        found.append(MetaWarning(code="shrunk_error", message=message))
    if upper == 0:
        message = "the rows agree better than their variances let expect: no tau² fits them"
        found.append(MetaWarning(code="empty_profile", message=message))
    if not converged:
        message = "the search for tau² did not arrive; use another estimator"
        found.append(MetaWarning(code="not_converged", message=message))
    return tuple(found)


def _pool_warnings(
    rows: Rows, many: PooledMany, *, upper: float | None
) -> tuple[MetaWarning, ...]:
    """What should be known about a pooled effect."""
    found = fit_warnings(
        rows,
        df=many.k - 1,
        test=many.test,
        factor=float(many.factor[0]),
        upper=upper,
        converged=bool(many.converged[0]),
    )
    if many.method == "EE" or not math.isnan(many.pi_lower[0]):
        return found
    message = "2 rows leave no degree of freedom for a prediction interval"
    return (*found, MetaWarning(code="few_rows", message=message))


def _log_likelihood(yi: FloatArray, vi: FloatArray, tau2: float, *, restricted: bool) -> float:
    """Log-likelihood of one set, with the constants of metafor (those of nlme)."""
    k = yi.size
    variance = vi + tau2
    weight = 1.0 / variance
    total = float(weight.sum())
    residual = yi - float(weight @ yi) / total
    count = k - 1 if restricted else k
    value = -0.5 * (
        count * math.log(2.0 * math.pi)
        + float(np.log(variance).sum())
        + float(weight @ (residual * residual))
    )
    if restricted:
        value += 0.5 * (math.log(k) - math.log(total))
    return value


def _row_results(rows: Rows, tau2: float) -> tuple[RowResult, ...]:
    """The rows with their shares."""
    weight = 1.0 / (rows.vi + tau2)
    share = (weight / weight.sum()).tolist()
    columns = zip(rows.label, rows.yi.tolist(), rows.vi.tolist(), share, strict=True)
    return tuple(RowResult(label=a, yi=y, vi=v, weight=w) for a, y, v, w in columns)


def _pool_one(
    rows: Rows, *, method: Method, test: Test, prediction: Prediction, level: float
) -> PooledResult:
    """The one row there is: its own estimate, by the normal distribution."""
    estimate, std_error = float(rows.yi[0]), math.sqrt(float(rows.vi[0]))
    half = two_sided_quantile(level, None) * std_error
    message = "one row: nothing is pooled, tau² is not known, the limits are the row's own by z"
    return PooledResult(
        measure=rows.measure,
        method=method,
        test=test,
        k=1,
        estimate=estimate,
        std_error=std_error,
        statistic=estimate / std_error,
        df=None,
        p_value=float(two_sided_p(np.array([estimate / std_error]), None)[0]),
        lower=estimate - half,
        upper=estimate + half,
        tau2=None,
        tau2_std_error=None,
        tau2_lower=None,
        tau2_upper=None,
        i2=None,
        i2_lower=None,
        i2_upper=None,
        h2=None,
        h2_lower=None,
        h2_upper=None,
        q=None,
        q_df=0,
        q_p_value=None,
        pi_lower=None,
        pi_upper=None,
        prediction=prediction,
        log_likelihood=None,
        level=level,
        rows=_row_results(rows, 0.0),
        warnings=(
            *rows.warnings,
            MetaWarning(code="one_row", message=message, rows=rows.label),
        ),
    )


def pool(
    rows: Rows,
    *,
    method: Method = "REML",
    test: Test = "knapp-hartung",
    prediction: Prediction = "t-k2",
    level: float = 0.95,
) -> PooledResult:
    """Pooled effect of independent rows.

    Rows of one paper, or compared with the same controls, are not independent: pool those with
    the multilevel model.

    Parameters
    ----------
    rows : Rows
        What is pooled.
    method : {"EE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM"}, default "REML"
        Equal effects, or the estimator of the variance between rows.
    test : {"knapp-hartung", "knapp-hartung-floor", "z", "t"}, default "knapp-hartung"
        Knapp and Hartung's standard error with t of k - 1 degrees of freedom, the same but never
        below that of z, or the plain standard error with the normal distribution or t.
    prediction : {"t-k2", "test"}, default "t-k2"
        t with k - 2 degrees of freedom, or the quantile of the test (as metafor 3.8 does).
    level : float, default 0.95
        Confidence of all limits.

    Returns
    -------
    PooledResult
        One row is returned as it is, flagged ``one_row``, without tau².

    Raises
    ------
    InputError
        A choice that does not exist.
    DataError
        Differences between rows that no number can hold.

    Examples
    --------
    >>> rows = Rows.of(["a", "b", "c"], [-0.2, -0.5, -0.9], [0.04, 0.05, 0.06], measure="ROM")
    >>> result = pool(rows)
    >>> round(result.estimate, 3), result.df, [w.code for w in result.warnings]
    (-0.514, 2, ['few_df'])
    """
    checked_options(method, test, prediction)
    level = checked_level(level)
    if len(rows) == 1:
        return _pool_one(rows, method=method, test=test, prediction=prediction, level=level)
    yi, vi = rows.yi[None, :], rows.vi[None, :]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        between = between_variance(yi, vi, method)
        many = _assembled(
            yi, vi, between, method=method, test=test, prediction=prediction, level=level
        )
    tau2, q = float(many.tau2[0]), float(many.q[0])
    if not (math.isfinite(float(many.estimate[0])) and math.isfinite(tau2) and math.isfinite(q)):
        raise DataError(
            "effect sizes and variances of comparable size",
            found="numbers too far apart to be added",
        )
    return _result(rows, many, prediction=prediction, level=level)


def _optional(value: float) -> float | None:
    """A number, or None where it does not exist."""
    return None if math.isnan(value) else value


def _result(rows: Rows, many: PooledMany, *, prediction: Prediction, level: float) -> PooledResult:
    """The one set of rows as a result, with the limits of its variance between rows."""
    tau2, q = float(many.tau2[0]), float(many.q[0])
    typical = float(typical_variance(rows.vi[None, :])[0])
    limits: tuple[float | None, float | None] = (None, None)
    h2 = q / (many.k - 1)
    if many.method != "EE":
        lower, upper = q_profile(rows.yi[None, :], rows.vi[None, :], level=level)
        limits = (float(lower[0]), float(upper[0]))
        h2 = 1.0 + tau2 / typical
    i2_limits = [None if t is None else 100.0 * t / (typical + t) for t in limits]
    h2_limits = [None if t is None else 1.0 + t / typical for t in limits]
    return PooledResult(
        measure=rows.measure,
        method=many.method,
        test=many.test,
        k=many.k,
        estimate=float(many.estimate[0]),
        std_error=float(many.std_error[0]),
        statistic=float(many.statistic[0]),
        df=many.df,
        p_value=float(many.p_value[0]),
        lower=float(many.lower[0]),
        upper=float(many.upper[0]),
        tau2=tau2,
        tau2_std_error=_optional(float(many.tau2_std_error[0])),
        tau2_lower=limits[0],
        tau2_upper=limits[1],
        i2=float(many.i2[0]),
        i2_lower=i2_limits[0],
        i2_upper=i2_limits[1],
        h2=h2,
        h2_lower=h2_limits[0],
        h2_upper=h2_limits[1],
        q=q,
        q_df=many.k - 1,
        q_p_value=float(special.chdtrc(many.k - 1, q)),
        pi_lower=_optional(float(many.pi_lower[0])),
        pi_upper=_optional(float(many.pi_upper[0])),
        prediction=prediction,
        log_likelihood=_log_likelihood(rows.yi, rows.vi, tau2, restricted=many.method == "REML"),
        level=level,
        rows=_row_results(rows, tau2),
        warnings=_pool_warnings(rows, many, upper=limits[1]),
    )
