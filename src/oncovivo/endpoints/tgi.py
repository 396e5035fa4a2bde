"""Tumor growth inhibition: seven definitions, as fractions; 1 is 100 %.

They answer different questions and differ on the same data, so each is named. All are one minus a
ratio of treated to control; the ratio carries the interval.

References
----------
Hather G, et al. Cancer Inform 2014;13(Suppl 4):65 (rate). Ortmann J, et al. Sci Transl Med
2021;13:eabf4969 (KuLGaP scale).
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.endpoints.arms import ArmCurves
from oncovivo.endpoints.auc import areas_through
from oncovivo.endpoints.estimate import Quantity
from oncovivo.endpoints.growth import known_rates, lifted_remark, rate_remarks
from oncovivo.endpoints.quantities import (
    NO_ANIMAL,
    IntervalSettings,
    difference_of_means,
    ratio_of_means,
    rename,
    with_remarks,
    without_number,
)
from oncovivo.endpoints.relative import paired_on, relative_on

__all__ = [
    "tgi_auc",
    "tgi_delta",
    "tgi_growth_ratio",
    "tgi_kulgap",
    "tgi_rate",
    "tgi_rtv",
    "tgi_volume",
]

FloatArray: TypeAlias = NDArray[np.float64]

NO_GROWTH: Final = "the control did not grow"
# What pyKuLGaP adds to a volume before the logarithm, mm³.
KULGAP_OFFSET: Final = 0.01


def tgi_delta(
    treated: ArmCurves, control: ArmCurves, settings: IntervalSettings, *, day: float
) -> Quantity:
    """1 − ΔT/ΔC of the mean changes from each animal's baseline; above 1 is regression."""
    x, y = (np.subtract(*paired_on(arm, day)) for arm in (treated, control))
    return _inhibition(x, y, settings, NO_GROWTH, fieller=True)


def tgi_rtv(
    treated: ArmCurves, control: ArmCurves, settings: IntervalSettings, *, day: float
) -> Quantity:
    """1 − ratio of the mean relative volumes, each the mean of the animals' ratios."""
    x, y = relative_on(treated, day), relative_on(control, day)
    return _inhibition(x, y, settings, "the control's mean relative volume is zero")


def tgi_volume(
    treated: ArmCurves, control: ArmCurves, settings: IntervalSettings, *, day: float
) -> Quantity:
    """1 − ratio of the mean volumes of the animals measured on the day."""
    x, y = sizes_on(treated, day), sizes_on(control, day)
    return _inhibition(x, y, settings, "the control's mean volume is zero")


def tgi_auc(
    treated: ArmCurves, control: ArmCurves, settings: IntervalSettings, *, day: float
) -> Quantity:
    """1 − ratio of the mean areas above the baseline, to the day, of animals measured on it."""
    x, y = (areas_through(arm, day, above_baseline=True) for arm in (treated, control))
    return _inhibition(x, y, settings, NO_GROWTH, fieller=True)


def tgi_rate(
    treated: ArmCurves,
    control: ArmCurves,
    settings: IntervalSettings,
    *,
    days: float,
    last_day: float | None = None,
) -> Quantity:
    """1 − exp((rate T − rate C)·days), of the arms' mean log-linear rates.

    Parameters
    ----------
    treated, control : ArmCurves
        Curves of the two arms.
    settings : IntervalSettings
        Level.
    days : float
        Days of growth that the rates are carried over.
    last_day : float, optional
        Study day beyond which readings are left out of the rates.
    """
    x, y = known_rates(treated, last_day), known_rates(control, last_day)
    remarks = (*rate_remarks(treated, last_day), *rate_remarks(control, last_day))
    if min(x.size, y.size) == 0:
        return _no_animal(x, y)
    difference = with_remarks(difference_of_means(x, y, settings), remarks)
    return rename(difference, lambda value: 1 - math.exp(value * days), rising=False)


def tgi_growth_ratio(
    treated: ArmCurves,
    control: ArmCurves,
    settings: IntervalSettings,
    *,
    last_day: float | None = None,
) -> Quantity:
    """1 − ratio of the arms' mean log-linear rates; above 1 is shrinkage."""
    x, y = known_rates(treated, last_day), known_rates(control, last_day)
    remarks = (*rate_remarks(treated, last_day), *rate_remarks(control, last_day))
    return with_remarks(_inhibition(x, y, settings, NO_GROWTH, fieller=True), remarks)


def tgi_kulgap(
    treated: ArmCurves, control: ArmCurves, settings: IntervalSettings, *, day: float
) -> Quantity:
    """1 − ratio of the mean changes of log(V + 0.01 mm³), pyKuLGaP's scale.

    The offset has a unit; a tumor that is gone or below the limit counts with the limit, not with
    the logarithm of the offset.
    """
    x, y = (_kulgap_change(arm, day) for arm in (treated, control))
    remarks = tuple(
        lifted_remark(arm, lifted)
        for arm in (treated, control)
        if (lifted := arm.n_lifted(arm.at(day)))
    )
    return with_remarks(_inhibition(x, y, settings, NO_GROWTH, fieller=True), remarks)


def sizes_on(arm: ArmCurves, day: float) -> FloatArray:
    """Sizes of the animals measured on a day, shape (k,)."""
    size = arm.size_at(day)
    return size[~np.isnan(size)]


def _kulgap_change(arm: ArmCurves, day: float) -> FloatArray:
    """Change of each animal on pyKuLGaP's scale, shape (k,)."""
    logs = arm.log_size_at(day)
    both = ~np.isnan(logs) & ~np.isnan(arm.baseline)
    start = arm.baseline[both] + KULGAP_OFFSET
    change: FloatArray = np.log((np.exp(logs[both]) + KULGAP_OFFSET) / start)
    return change


def _inhibition(
    x: FloatArray,
    y: FloatArray,
    settings: IntervalSettings,
    no_denominator: str,
    *,
    fieller: bool = False,
) -> Quantity:
    """1 − ratio of two means, or why there is none."""
    if min(x.size, y.size) == 0:
        return _no_animal(x, y)
    if y.mean() <= 0:
        return without_number("undefined", no_denominator, n_treated=x.size, n_control=y.size)
    ratio = ratio_of_means(x, y, settings, method="fieller" if fieller else "log_delta_t")
    return rename(ratio, lambda value: 1 - value, rising=False)


def _no_animal(x: FloatArray, y: FloatArray) -> Quantity:
    return without_number("not_estimable", NO_ANIMAL, n_treated=x.size, n_control=y.size)
