"""Synergy scores as published tools define them, to read their reports beside ours.

Neither is the size of an effect. SynergyLMM's is the estimate over its standard error, a test
statistic: with four times the animals it doubles, and it is the larger the less readings scatter,
for the same drugs. Its usual limits, the score ± 1.96, say nothing more. invivoSyn's is a
difference in percentage points of the control's size: where the partners alone would leave 5 %, no
combination scores more than 5, however much of these it removes, and on a later day, on which they
would leave 1 %, none scores more than 1. The index with its interval is the effect.
"""

from __future__ import annotations

from oncovivo.combination.area_bootstrap import AreaIndex
from oncovivo.combination.result import SynergyResult
from oncovivo.errors import InputError

__all__ = ["invivosyn_score", "synergylmm_score"]


def synergylmm_score(result: SynergyResult) -> float | None:
    """Score of SynergyLMM: minus the estimate over its standard error, above 0 for synergy.

    Parameters
    ----------
    result : SynergyResult
        Bliss or highest single agent on the growth rate. SynergyLMM's score of response additivity
        is the median of simulated differences of areas over their standard deviation, another
        number.

    Returns
    -------
    float or None
        None where the result has no standard error.

    Raises
    ------
    InputError
        If the null model or the scale is another.

    Notes
    -----
    SynergyLMM's model is the ratio to the baseline with random slopes,
    ``GrowthModel(baseline="ratio", df="satterthwaite")``; the score of another fit is another one.
    """
    if result.null == "response_additivity" or result.scale != "growth_rate":
        expected = "a result of bliss or hsa on growth_rate"
        raise InputError(expected, found=f"{result.null} on {result.scale}")
    if result.estimate is None or result.std_error is None:
        return None
    return -result.estimate / result.std_error


def invivosyn_score(result: SynergyResult | AreaIndex) -> float | None:
    """Score of invivoSyn: foreseen less observed share of the control's size, percentage points.

    Parameters
    ----------
    result : SynergyResult or AreaIndex
        On the scale ``tgi``, or from areas, which is where invivoSyn has it (rates of the areas,
        carried to day 21).

    Returns
    -------
    float or None
        Above 0 for synergy; None where there is no estimate.

    Raises
    ------
    InputError
        If the scale is another.
    """
    observed, foreseen = result.observed, result.foreseen
    if isinstance(result, AreaIndex):
        return None if observed is None or foreseen is None else 100 * (foreseen - observed)
    if result.scale != "tgi":
        raise InputError("a result on the scale tgi", found=result.scale)
    return None if observed is None or foreseen is None else observed - foreseen
