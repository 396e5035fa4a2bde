"""Volume relative to the animal's own baseline: four means of it, regression, best and nadir.

The four means differ, so each has its own name. The mean of ratios is biased upwards by noise in
the baselines, since the mean of 1/V(0) exceeds 1 over the mean of V(0).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.endpoints.arms import SAME_DAY, ArmCurves
from oncovivo.endpoints.days import has_enough
from oncovivo.endpoints.estimate import Quantity
from oncovivo.endpoints.growth import lifted_remark
from oncovivo.endpoints.quantities import (
    NO_ANIMAL,
    IntervalSettings,
    logarithmic_mean,
    median_of,
    positive_mean,
    rename,
    with_remarks,
    without_number,
)
from oncovivo.endpoints.volume import relative_volume

__all__ = [
    "best_change",
    "best_changes",
    "nadir_change",
    "paired_on",
    "regression",
    "relative_geometric",
    "relative_mean_of_ratios",
    "relative_median",
    "relative_on",
    "relative_ratio_of_means",
]

FloatArray: TypeAlias = NDArray[np.float64]


def paired_on(arm: ArmCurves, day: float) -> tuple[FloatArray, FloatArray]:
    """Size on a day and baseline of the animals that have both, each of shape (k,)."""
    size = arm.size_at(day)
    both = ~np.isnan(size) & ~np.isnan(arm.baseline)
    return size[both], arm.baseline[both]


def relative_on(arm: ArmCurves, day: float) -> FloatArray:
    """Size on a day over baseline of the animals that have both, shape (k,)."""
    return relative_volume(*paired_on(arm, day))


def relative_mean_of_ratios(arm: ArmCurves, settings: IntervalSettings, *, day: float) -> Quantity:
    """Arithmetic mean of the animals' ratios V(day)/V(0)."""
    ratios = relative_on(arm, day)
    if ratios.size == 0:
        return without_number("not_estimable", NO_ANIMAL)
    return positive_mean(ratios, settings)


def relative_ratio_of_means(arm: ArmCurves, settings: IntervalSettings, *, day: float) -> Quantity:
    """Mean volume on the day over mean volume at baseline, of the same animals."""
    size, baseline = paired_on(arm, day)
    if size.size == 0:
        return without_number("not_estimable", NO_ANIMAL)
    return positive_mean(size, settings, over=baseline)


def relative_geometric(arm: ArmCurves, settings: IntervalSettings, *, day: float) -> Quantity:
    """Geometric mean of the animals' ratios, readings without a logarithm at the limit."""
    logs = arm.log_size_at(day)
    both = ~np.isnan(logs) & ~np.isnan(arm.baseline)
    if not both.any():
        return without_number("not_estimable", NO_ANIMAL)
    mean = logarithmic_mean(logs[both] - np.log(arm.baseline[both]), settings)
    lifted = arm.n_lifted(arm.at(day) & both[:, None])
    return with_remarks(mean, (lifted_remark(arm, lifted),) if lifted else ())


def relative_median(arm: ArmCurves, settings: IntervalSettings, *, day: float) -> Quantity:
    """Median of the animals' ratios."""
    ratios = relative_on(arm, day)
    if ratios.size == 0:
        return without_number("not_estimable", NO_ANIMAL)
    return median_of(ratios, settings)


def regression(arm: ArmCurves, settings: IntervalSettings, *, day: float) -> Quantity:
    """Percent by which the arm's mean volume lies below its baseline, where it does."""
    ratio = relative_ratio_of_means(arm, settings, day=day)
    if ratio.estimate is None:
        return ratio
    if ratio.estimate >= 1:
        why = "the arm's mean volume is not below its baseline"
        return without_number("undefined", why, n_treated=ratio.n_treated)
    return rename(ratio, lambda value: 100 * (1 - value), rising=False)


def best_changes(arm: ArmCurves) -> tuple[FloatArray, FloatArray]:
    """Smallest change of each animal from its baseline, percent, and its study day.

    Parameters
    ----------
    arm : ArmCurves
        Curves of the arm; all readings after the baseline count.

    Returns
    -------
    change, day : ndarray, shape (n,)
        The first day on which it was reached; NaN without a baseline or a later reading.
    """
    after = (arm.elapsed > SAME_DAY) & ~np.isnan(arm.baseline)[:, None]
    size = np.where(after, arm.size, np.inf)
    place = size.argmin(axis=1)
    least = size.min(axis=1, initial=np.inf)
    known = after.any(axis=1)
    day = np.take_along_axis(arm.day, place[:, None], axis=1)[:, 0]
    with np.errstate(invalid="ignore"):
        change = 100 * (np.where(known, least, np.nan) / arm.baseline - 1)
    return change, np.where(known, day, np.nan)


def best_change(arm: ArmCurves, settings: IntervalSettings) -> Quantity:
    """Mean over animals of each one's smallest change from baseline, percent."""
    change, _ = best_changes(arm)
    known = change[~np.isnan(change)]
    if known.size == 0:
        return without_number("not_estimable", NO_ANIMAL)
    return rename(positive_mean(known / 100 + 1, settings), lambda value: 100 * (value - 1))


def nadir_change(arm: ArmCurves, settings: IntervalSettings) -> Quantity:
    """Smallest mean change from baseline over the days with enough animals, percent.

    The day is found in the data, so the interval does not hold the level for the smallest of many;
    the result is flagged.
    """
    first = float(np.min(arm.baseline_day, initial=np.inf))
    means = {
        float(day): float(relative_on(arm, float(day)).mean())
        for day in arm.days()
        if day > first + SAME_DAY
        and has_enough(arm, float(day))
        and relative_on(arm, float(day)).size
    }
    if not means:
        return without_number("not_estimable", "no day after the baseline has enough animals")
    day = min(means, key=lambda value: (means[value], value))
    change = rename(
        positive_mean(relative_on(arm, day), settings), lambda value: 100 * (value - 1)
    )
    flagged = with_remarks(change, ("the day is the one with the smallest mean",))
    return replace(flagged, day=day)
