"""Linear questions that are asked together: limits that all hold, and one test that all are 0.

References
----------
Hothorn T, et al. Biom J 2008;50:346 (simultaneous inference in a fitted model). Kenward MG, Roger
JH. Biometrics 1997;53:983 (F test of several questions).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.growth.fit import Contrasts, GrowthFit
from oncovivo.growth.kenward_roger import KenwardRoger
from oncovivo.growth.satterthwaite import Satterthwaite
from oncovivo.numerics.multivariate_t import max_t

__all__ = ["JointTest", "Together", "ask_together"]

FloatArray: TypeAlias = NDArray[np.float64]
JointMethod: TypeAlias = Literal["f", "max_t", "bonferroni"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JointTest:
    """One test that several questions all have the answer 0.

    Parameters
    ----------
    method : {"f", "max_t", "bonferroni"}
        Scaled F test; the largest of the |t|, where there is no F; the smallest p value times the
        number of questions.
    statistic : float
        F, the largest |t|, or the smallest p value.
    df_numerator : float or None
        Independent questions, for F.
    df_denominator : float or None
        Degrees of freedom of the error; None where they are infinite or of no single number.
    p_value : float
        Of none differing.
    """

    method: JointMethod
    statistic: float
    df_numerator: float | None
    df_denominator: float | None
    p_value: float

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Together:
    """Linear questions of one family.

    Parameters
    ----------
    each : Contrasts
        Every question alone.
    lower, upper : ndarray, shape (k,)
        Limits that all hold together.
    p_adjusted : ndarray, shape (k,)
        Single-step adjusted p values, which agree with these limits.
    critical : float
        Multiple of the standard error that the limits reach.
    df : float
        Degrees of freedom of the family, the smallest of its questions.
    joint : JointTest
        That all answers are 0.
    """

    each: Contrasts
    lower: FloatArray
    upper: FloatArray
    p_adjusted: FloatArray
    critical: float
    df: float
    joint: JointTest


def ask_together(fit: GrowthFit, weights: FloatArray, *, level: float = 0.95) -> Together:
    """Several linear questions, with the largest |t| held.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    weights : ndarray, shape (k, p)
        A row for each question; every one must have a standard error.
    level : float
        Confidence of each limit alone, and of all together.

    Raises
    ------
    InputError
        If the weights do not fit the coefficients, or the level is not between 0 and 1.
    """
    each = fit.contrasts(weights, level=level)
    error = each.std_error
    scaled = each.covariance / np.outer(error, error)
    correlation = np.clip((scaled + scaled.T) / 2, -1.0, 1.0)
    np.fill_diagonal(correlation, 1.0)
    df = float(each.df.min())
    family = max_t(each.statistic, correlation, df, level=level)
    reach = family.critical * error
    return Together(
        each=each,
        lower=each.estimate - reach,
        upper=each.estimate + reach,
        p_adjusted=family.p_values,
        critical=family.critical,
        df=df,
        joint=_joint(fit, weights, each, float(family.p_values.min()), df),
    )


def _joint(
    fit: GrowthFit, weights: FloatArray, each: Contrasts, smallest_p: float, df: float
) -> JointTest:
    """The F test, with no more degrees of freedom than the fit allows; else the largest |t|."""
    inference = fit.inference
    if not isinstance(inference, KenwardRoger | Satterthwaite):
        # A cluster-robust or censored covariance has no F test of known degrees of freedom.
        return JointTest(
            method="max_t",
            statistic=float(np.abs(each.statistic).max()),
            df_numerator=None,
            df_denominator=df if math.isfinite(df) else None,
            p_value=smallest_p,
        )
    found = inference.f_test(np.atleast_2d(weights), fit.coefficients)
    error_df = found.df_denominator
    p_value, statistic = found.p_value, found.statistic
    if fit.df_limit is not None and error_df > fit.df_limit:
        error_df = fit.df_limit
        p_value = float(special.fdtrc(found.df_numerator, error_df, max(statistic, 0.0)))
    return JointTest(
        method="f",
        statistic=statistic,
        df_numerator=found.df_numerator,
        df_denominator=error_df if math.isfinite(error_df) else None,
        p_value=p_value,
    )
