"""Results from estimates: tests, limits, indices and the verdict."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.combination.detectable import detectable_difference
from oncovivo.combination.quantities import Question
from oncovivo.combination.result import Null, SynergyResult
from oncovivo.growth.effects import NO_RATE
from oncovivo.growth.fit import GrowthFit

__all__ = ["in_units", "index_of", "not_estimable", "share_in_units", "two_sided"]

FloatArray: TypeAlias = NDArray[np.float64]

NO_ERROR: Final = "the estimate has no standard error"
# Logs of ratios that floating point still holds.
_LARGEST_LOG: Final = 700.0


def index_of(log_index: float) -> float | None:
    """Ratio of a log; None where it is beyond all numbers or missing."""
    return math.exp(log_index) if log_index < _LARGEST_LOG else None


def in_units(question: Question, value: float, *, control: float) -> float | None:
    """An arm's rate, or the log of its size or mean size, in the unit of the scale.

    Parameters
    ----------
    question : Question
        What was asked.
    value, control : float
        Of the arm and of the control, as :func:`oncovivo.combination.quantities.arm_quantities`
        has them.

    Returns
    -------
    float or None
        Natural log per day; size relative to the start; inhibition, percent; area under the
        relative size, days. None where it is beyond all numbers.
    """
    if question.scale == "growth_rate":
        return value
    share = index_of(value - control)
    return None if share is None else share_in_units(question, share, control=control)


def share_in_units(question: Question, share: float, *, control: float) -> float | None:
    """A share of the control's size or area in the unit of the scale.

    Parameters
    ----------
    question : Question
        What was asked, not on the rate.
    share : float
        Below zero where that is foreseen.
    control : float
        Log of the control's relative size, or of its mean over the days.
    """
    if question.scale == "tgi":
        return 100 * (1 - share) if math.isfinite(share) else None
    size = index_of(control)
    if size is None or not math.isfinite(share):
        return None
    return share * size * (question.time if question.scale == "auc" else 1.0)


def not_estimable(fit: GrowthFit, question: Question, null: Null) -> SynergyResult:
    """The result where the readings only bound a rate: a combination that cured every animal.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    question : Question
        What was asked.
    null : {"bliss", "hsa", "response_additivity"}
        Null model.
    """
    return SynergyResult(
        null=null,
        scale=question.scale,
        arms=question.arms,
        day=question.day,
        time=question.time,
        estimate=None,
        std_error=None,
        df=None,
        lower=None,
        upper=None,
        level=question.level,
        alternative="less" if null == "hsa" else "two_sided",
        p_value=None,
        index=None,
        index_lower=None,
        index_upper=None,
        detectable_index=None,
        verdict="not_shown",
        df_method=fit.inference.method,
        singular=fit.singular,
        reason=NO_RATE,
        warnings=question.warnings,
    )


def two_sided(
    fit: GrowthFit, question: Question, null: Null, *, estimate: float, slopes: FloatArray
) -> SynergyResult:
    """The two-sided t test of an estimate, by the delta method where it is no linear one.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    question : Question
        What was asked.
    null : {"bliss", "hsa", "response_additivity"}
        Null model.
    estimate : float
        Observed less foreseen, as logs.
    slopes : ndarray, shape (p,)
        Of the estimate by the coefficients.
    """
    found = fit.contrasts(slopes, level=question.level)
    error, df = float(found.std_error[0]), float(found.df[0])
    factor = question.index_time
    bare = replace(
        not_estimable(fit, question, null),
        estimate=estimate,
        index=index_of(factor * estimate),
        reason=NO_ERROR,
    )
    if not error > 0:
        return bare
    reach = float(special.stdtrit(df, 0.5 + question.level / 2)) * error
    p_value = float(2 * special.stdtr(df, -abs(estimate) / error))
    shown = p_value < 1 - question.level
    smallest = detectable_difference(error, df, level=question.level)
    return replace(
        bare,
        std_error=error,
        df=df,
        lower=estimate - reach,
        upper=estimate + reach,
        p_value=p_value,
        index_lower=index_of(factor * (estimate - reach)),
        index_upper=index_of(factor * (estimate + reach)),
        detectable_index=index_of(-factor * smallest),
        verdict="not_shown" if not shown else "synergy" if estimate < 0 else "antagonism",
        df_method=found.method,
        reason="",
    )
