"""Tests of growth rates with the cage as what is independent.

Each animal has its own least-squares rate. Where a cage has animals of one arm, its mean rate
counts once, and the arms' cages are compared by t with as many degrees of freedom as there are
cages less arms. Where a cage has animals of several arms, arms are compared within cages: least
squares with an effect of each cage. Both are exact where all animals have all readings, in the
first case if the cages are of one size.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.design.power_growth import RateTests, question_rows
from oncovivo.design.power_plan import PowerPlan
from oncovivo.design.power_readings import PowerReadings

__all__ = ["cage_tests"]

FloatArray: TypeAlias = NDArray[np.float64]


def cage_tests(plan: PowerPlan, readings: PowerReadings) -> RateTests:
    """Estimates that count cages.

    Parameters
    ----------
    plan : PowerPlan
        With cages.
    readings : PowerReadings
        Those below the limit are left out; an animal with fewer than two has no rate.
    """
    slopes = _slopes(plan, readings)
    by_cage = plan.cages is not None and plan.cages.arms == "by_cage"
    rates, covariance, df = (_of_cages if by_cage else _within_cages)(plan, slopes)
    rows = question_rows(plan)
    variance = np.einsum("ka,bac,kc->bk", rows, covariance, rows, optimize=True)
    error = np.sqrt(np.maximum(variance, 0.0))
    nothing = np.zeros(len(slopes), dtype=bool)
    return RateTests(
        estimate=rates @ rows.T,
        std_error=error,
        df=np.repeat(df[:, None], len(rows), axis=1),
        std_error_plain=error,
        clipped=~nothing,
        singular=nothing,
        lost=np.isnan(error).any(axis=1),
    )


def _slopes(plan: PowerPlan, readings: PowerReadings) -> FloatArray:
    """Rate of each animal, shape (B, n); NaN with fewer than two readings."""
    there = (readings.read & ~readings.below).astype(np.float64)
    days = np.array(plan.days)
    count = there.sum(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = (there @ days) / count
        off = (days - middle[..., None]) * there
        spread = (off**2).sum(axis=2)
        found = (off * readings.log_size).sum(axis=2) / spread
    return np.where(count >= 2, found, np.nan)


def _of_cages(plan: PowerPlan, slopes: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Arms' mean rates, their covariance and degrees of freedom, by the means of cages."""
    cage_of = plan.cage_of
    cages = int(cage_of.max()) + 1
    member = (cage_of[:, None] == np.arange(cages)).astype(np.float64)
    known = ~np.isnan(slopes)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (np.where(known, slopes, 0.0) @ member) / (known @ member)
    arm_of_cage = np.array([plan.arm_of[cage_of == cage][0] for cage in range(cages)])
    own = (arm_of_cage[:, None] == np.arange(len(plan.arms))).astype(np.float64)
    there = ~np.isnan(mean)
    number = there @ own
    value = np.where(there, mean, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = (value @ own) / number
        rest = np.where(there, mean - rates[:, arm_of_cage], 0.0)
        df = number.sum(axis=1) - len(plan.arms)
        variance = (rest**2).sum(axis=1) / np.where(df > 0, df, np.nan)
        covariance = np.eye(len(plan.arms)) * (variance[:, None] / number)[:, None, :]
    return rates, covariance, df


def _within_cages(
    plan: PowerPlan, slopes: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The same from least squares with an effect of each cage; the control's rate is 0."""
    cages = int(plan.cage_of.max()) + 1
    arms = len(plan.arms)
    columns = np.concatenate(
        (
            (plan.cage_of[:, None] == np.arange(cages)).astype(np.float64),
            (plan.arm_of[:, None] == np.arange(1, arms)).astype(np.float64),
        ),
        axis=1,
    )
    known = ~np.isnan(slopes)
    rates = np.zeros((len(slopes), arms))
    covariance = np.zeros((len(slopes), arms, arms))
    df = np.zeros(len(slopes))
    patterns, pattern_of = np.unique(known, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        inside = pattern_of.reshape(-1) == number
        design = columns[pattern]
        design = design[:, design.any(axis=0)]
        rank = int(np.linalg.matrix_rank(design))
        free = int(pattern.sum()) - rank
        if rank < design.shape[1] or free < 1 or not columns[pattern][:, cages:].any(axis=0).all():
            rates[inside] = covariance[inside] = np.nan
            continue
        solved = np.linalg.pinv(design)
        value = slopes[inside][:, pattern]
        found = value @ solved.T
        rest = value - found @ design.T
        variance = (rest**2).sum(axis=1) / free
        spread = (solved @ solved.T)[1 - arms :, 1 - arms :]
        rates[inside, 1:] = found[:, 1 - arms :]
        covariance[inside, 1:, 1:] = variance[:, None, None] * spread
        df[inside] = free
    return rates, covariance, df
