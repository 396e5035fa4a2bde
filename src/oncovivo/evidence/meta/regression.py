"""Meta-regression: how moderators go with the effect.

References
----------
Knapp G, Hartung J. Stat Med 2003;22:2693 (tests). Raudenbush SW, in Cooper H, Hedges LV (eds).
The Handbook of Research Synthesis, 1994, chapter 20 (R²).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta.intervals import (
    prediction_quantile,
    two_sided_p,
    two_sided_quantile,
)
from oncovivo.evidence.meta.moderators import Design, Moderator, design_matrix
from oncovivo.evidence.meta.pooling import checked_options, fit_warnings
from oncovivo.evidence.meta.residual_variance import (
    Projection,
    ResidualVariance,
    project,
    residual_q_profile,
    residual_variance,
)
from oncovivo.evidence.meta.types import (
    Coefficient,
    Method,
    Prediction,
    RegressionResult,
    RowResult,
    Rows,
    Test,
    checked_level,
    read_only,
)

__all__ = ["PredictedEffects", "fit_regression", "predict_effects"]

FloatArray: TypeAlias = NDArray[np.float64]


def fit_regression(
    rows: Rows,
    moderators: Mapping[str, Moderator],
    *,
    references: Mapping[str, str] | None = None,
    intercept: bool = True,
    method: Method = "REML",
    test: Test = "knapp-hartung",
    level: float = 0.95,
) -> RegressionResult:
    """Meta-regression of independent rows on moderators.

    Parameters
    ----------
    rows : Rows
        What is regressed.
    moderators, references, intercept
        As in `design_matrix`.
    method, test, level
        As in `oncovivo.evidence.meta.pool`; t and the Knapp-Hartung tests have k less the number
        of coefficients as degrees of freedom, and test the moderators by F.

    Raises
    ------
    InputError, DataError
        As `design_matrix`, or a choice that does not exist.

    Examples
    --------
    >>> rows = Rows.of(list("abcde"), [0.1, 0.3, 0.5, 0.6, 1.0], [0.02] * 5)
    >>> result = fit_regression(rows, {"dose": [1, 2, 3, 4, 5]}, test="z")
    >>> [(one.term, round(one.estimate, 3)) for one in result.coefficients]
    [('intercept', -0.13), ('dose', 0.21)]
    """
    checked_options(method, test, "test")
    level = checked_level(level)
    design = design_matrix(moderators, len(rows), references=references, intercept=intercept)
    basis, triangle = np.linalg.qr(design.matrix)
    between = residual_variance(rows.yi, rows.vi, basis, method)
    fit = project(rows.yi, rows.vi, basis, between.tau2)
    if not (math.isfinite(between.tau2) and np.isfinite(fit.coefficient).all()):
        raise DataError(
            "effect sizes and variances of comparable size",
            found="numbers too far apart to be added",
        )
    to_design = np.linalg.inv(triangle)
    covariance = to_design @ fit.inverse @ to_design.T
    df = len(rows) - len(design.terms)
    factor = fit.q / df
    if test == "knapp-hartung":
        covariance = covariance * factor
    elif test == "knapp-hartung-floor":
        covariance = covariance * max(1.0, factor)
    return _result(
        rows,
        design,
        fit,
        between,
        coefficients=_coefficients(
            design, to_design @ fit.coefficient, covariance, None if test == "z" else df, level
        ),
        covariance=covariance,
        method=method,
        test=test,
        level=level,
    )


def _coefficients(
    design: Design,
    estimate: FloatArray,
    covariance: FloatArray,
    df: int | None,
    level: float,
) -> tuple[Coefficient, ...]:
    """Coefficients with tests and limits."""
    std_error = np.sqrt(np.diag(covariance))
    endless = np.copysign(np.inf, estimate)
    statistic = np.divide(estimate, std_error, out=endless, where=std_error > 0)
    # An effect of exactly nothing, without any error, is nothing.
    statistic = np.where((std_error > 0) | (estimate != 0), statistic, 0.0)
    p_value = two_sided_p(statistic, df)
    half = two_sided_quantile(level, df) * std_error
    return tuple(
        Coefficient(
            term=term,
            estimate=float(estimate[at]),
            std_error=float(std_error[at]),
            statistic=float(statistic[at]),
            df=df,
            p_value=float(p_value[at]),
            lower=float(estimate[at] - half[at]),
            upper=float(estimate[at] + half[at]),
        )
        for at, term in enumerate(design.terms)
    )


def _moderator_test(
    design: Design,
    coefficients: tuple[Coefficient, ...],
    covariance: FloatArray,
) -> tuple[float | None, int | None, float | None]:
    """Test of all but the intercept: chi-squared, or F with its denominator, and p-value."""
    first = 1 if design.intercept else 0
    count = len(coefficients) - first
    if count == 0:
        return None, None, None
    estimate = np.array([one.estimate for one in coefficients[first:]])
    part = covariance[first:, first:]
    if not (np.diag(part) > 0).all():
        return None, None, None
    # Correlations, so that a slope per mg and one per day do not spoil the solution.
    scale = np.sqrt(np.diag(part))
    scaled = estimate / scale
    qm = float(scaled @ np.linalg.solve(part / np.outer(scale, scale), scaled))
    df = coefficients[0].df
    if df is None:
        return qm, None, float(special.chdtrc(count, qm))
    return qm / count, int(df), float(special.fdtrc(count, df, qm / count))


def _log_likelihood(fit: Projection, *, restricted: bool) -> float:
    """Log-likelihood with the constants of metafor (those of nlme)."""
    k, p = fit.basis.shape
    count = k - p if restricted else k
    value: float = float(np.log(fit.weight).sum()) - fit.q - count * math.log(2.0 * math.pi)
    if restricted:
        value -= fit.log_determinant
    return 0.5 * value


def _explained(rows: Rows, tau2: float, method: Method, design: Design) -> float | None:
    """Share of the variance between rows that the moderators take away, in percent."""
    if method == "EE" or design.terms == ("intercept",):
        return None
    alone = np.full((len(rows), 1), len(rows) ** -0.5)
    # Of a model without intercept only where its columns can make one.
    spanned = design.matrix @ np.linalg.lstsq(design.matrix, alone, rcond=None)[0]
    if not np.allclose(spanned, alone, rtol=0.0, atol=1e-9):
        return None
    before = residual_variance(rows.yi, rows.vi, alone, method).tau2
    return None if before == 0 else 100.0 * max(0.0, 1.0 - tau2 / before)


def _result(
    rows: Rows,
    design: Design,
    fit: Projection,
    between: ResidualVariance,
    *,
    coefficients: tuple[Coefficient, ...],
    covariance: FloatArray,
    method: Method,
    test: Test,
    level: float,
) -> RegressionResult:
    """The regression as a result."""
    k, p = fit.basis.shape
    df = k - p
    equal = project(rows.yi, rows.vi, fit.basis, 0.0)
    typical = df / equal.trace
    lower: float | None = None
    upper: float | None = None
    if method == "EE":
        i2 = 100.0 * max(0.0, equal.q - df) / equal.q if equal.q > 0 else 0.0
        h2 = equal.q / df
    else:
        i2 = 100.0 * between.tau2 / (typical + between.tau2)
        h2 = 1.0 + between.tau2 / typical
        tail = 0.5 - 0.5 * level
        targets = special.chdtri(df, np.array([tail, 1.0 - tail]))
        limits, _ = residual_q_profile(rows.yi, rows.vi, fit.basis, targets)
        lower, upper = float(limits[0]), float(limits[1])
    qm, qm_df2, qm_p = _moderator_test(design, coefficients, covariance)
    share = fit.weight / fit.weight.sum()
    return RegressionResult(
        measure=rows.measure,
        method=method,
        test=test,
        k=k,
        coefficients=coefficients,
        covariance=tuple(tuple(row) for row in covariance.tolist()),
        tau2=between.tau2,
        tau2_std_error=None if math.isnan(between.std_error) else between.std_error,
        tau2_lower=lower,
        tau2_upper=upper,
        i2=i2,
        h2=h2,
        r2_pct=_explained(rows, between.tau2, method, design),
        qe=equal.q,
        qe_df=df,
        qe_p_value=float(special.chdtrc(df, equal.q)),
        qm=qm,
        qm_df=p - int(design.intercept),
        qm_df2=qm_df2,
        qm_p_value=qm_p,
        tested=design.terms[1:] if design.intercept else design.terms,
        log_likelihood=_log_likelihood(fit, restricted=method == "REML"),
        level=level,
        rows=tuple(
            RowResult(label=a, yi=y, vi=v, weight=w)
            for a, y, v, w in zip(
                rows.label, rows.yi.tolist(), rows.vi.tolist(), share.tolist(), strict=True
            )
        ),
        warnings=fit_warnings(
            rows,
            df=df,
            test=test,
            factor=fit.q / df,
            upper=upper,
            converged=between.converged,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PredictedEffects:
    """Average effects at given moderators, as a bubble plot draws them; arrays of shape (m,).

    Parameters
    ----------
    estimate, std_error, lower, upper : ndarray
        Average effect, its standard error and limits.
    pi_lower, pi_upper : ndarray
        Prediction interval of a new study's true effect; NaN for equal effects or where no
        degree of freedom is left.
    """

    estimate: FloatArray
    std_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    pi_lower: FloatArray
    pi_upper: FloatArray


def predict_effects(
    result: RegressionResult, at: ArrayLike, *, prediction: Prediction = "t-k2"
) -> PredictedEffects:
    """Average effects that a regression expects.

    Parameters
    ----------
    result : RegressionResult
        The regression.
    at : array_like, shape (m, p)
        A row for each prediction, a column for each coefficient (1 for the intercept).
    prediction : {"t-k2", "test"}, default "t-k2"
        t with one degree of freedom less than the regression leaves, or the test's quantile.

    Raises
    ------
    InputError
        Another number of columns, or a choice that does not exist.

    Examples
    --------
    >>> rows = Rows.of(list("abcde"), [0.1, 0.3, 0.5, 0.6, 1.0], [0.02] * 5)
    >>> result = fit_regression(rows, {"dose": [1, 2, 3, 4, 5]}, test="z")
    >>> predict_effects(result, [[1, 3]]).estimate.round(3).tolist()
    [0.5]
    """
    checked_options(result.method, result.test, prediction)
    matrix = np.atleast_2d(np.asarray(at, dtype=np.float64))
    count = len(result.coefficients)
    if matrix.shape[1] != count:
        raise InputError(f"{count} columns, one for each coefficient", found=f"{matrix.shape[1]}")
    estimate = matrix @ np.array([one.estimate for one in result.coefficients])
    covariance = np.array(result.covariance)
    std_error = np.sqrt(np.einsum("ij,jk,ik->i", matrix, covariance, matrix))
    df = result.coefficients[0].df
    half = two_sided_quantile(result.level, df) * std_error
    quantile = None
    if result.method != "EE":
        quantile = prediction_quantile(
            prediction, k=result.k, df=df, level=result.level, coefficients=count
        )
    reach = (np.nan if quantile is None else quantile) * np.sqrt(std_error**2 + result.tau2)
    return PredictedEffects(
        estimate=read_only(estimate),
        std_error=read_only(std_error),
        lower=read_only(estimate - half),
        upper=read_only(estimate + half),
        pi_lower=read_only(estimate - reach),
        pi_upper=read_only(estimate + reach),
    )
