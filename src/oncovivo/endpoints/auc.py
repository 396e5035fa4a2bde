"""Area under each animal's curve, its time average, and the growth rate that follows from it.

The raw area grows with the follow-up, so an arm that is removed early has a small one: it compares
only animals followed equally long. The normalized area divides by each animal's own follow-up.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.endpoints.arms import ArmCurves
from oncovivo.endpoints.estimate import Quantity
from oncovivo.endpoints.growth import lifted_remark
from oncovivo.endpoints.quantities import (
    NO_ANIMAL,
    IntervalSettings,
    difference_of_means,
    mean_of,
    positive_mean,
    ratio_of_means,
    with_remarks,
    without_number,
)

__all__ = [
    "area_growth_rate",
    "area_growth_rates",
    "auc_ratio",
    "egr_difference",
    "mean_auc",
    "mean_normalized_auc",
    "normalized_areas",
    "trapezoid_areas",
]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]


def trapezoid_areas(day: FloatArray, value: FloatArray, use: BoolArray) -> FloatArray:
    """Area under each curve by the trapezoid rule, over the readings in use.

    Parameters
    ----------
    day, value : ndarray, shape (n, t)
        Rising days and values; what `use` leaves out may be NaN.
    use : ndarray of bool, shape (n, t)
        Readings that enter: one unbroken run in each row.

    Returns
    -------
    ndarray, shape (n,)
        NaN with fewer than two readings.

    Examples
    --------
    >>> day = np.array([[0.0, 4.0, 10.0]])
    >>> trapezoid_areas(day, np.array([[100.0, 200.0, 50.0]]), day >= 0)
    array([1350.])
    """
    both = use[:, 1:] & use[:, :-1]
    pieces = (value[:, 1:] + value[:, :-1]) / 2 * (day[:, 1:] - day[:, :-1])
    area = np.where(both, pieces, 0.0).sum(axis=1)
    return np.where(use.sum(axis=1) >= 2, area, np.nan)


def spans(day: FloatArray, use: BoolArray) -> FloatArray:
    """Days from the first to the last reading in use, NaN with fewer than two, shape (n,)."""
    first = np.where(use, day, np.inf).min(axis=1, initial=np.inf)
    last = np.where(use, day, -np.inf).max(axis=1, initial=-np.inf)
    enough = use.sum(axis=1) >= 2
    return np.where(enough, np.where(enough, last, 0.0) - np.where(enough, first, 0.0), np.nan)


def normalized_areas(day: FloatArray, value: FloatArray, use: BoolArray) -> FloatArray:
    """Area over the time it spans: the time-weighted mean of each curve, shape (n,)."""
    areas: FloatArray = trapezoid_areas(day, value, use) / spans(day, use)
    return areas


def area_growth_rates(day: FloatArray, log_size: FloatArray, use: BoolArray) -> FloatArray:
    """Growth rate of the exponential that has the same area on the log scale, per day.

    Twice the area above the first log size over the squared span: the slope itself where growth is
    log-linear.

    Parameters
    ----------
    day, log_size : ndarray, shape (n, t)
        Rising days and natural logarithms.
    use : ndarray of bool, shape (n, t)
        Readings that enter: one unbroken run in each row.

    Returns
    -------
    ndarray, shape (n,)
        NaN with fewer than two readings.
    """
    first = np.argmax(use, axis=1)
    start = np.take_along_axis(log_size, first[:, None], axis=1)[:, 0]
    span = spans(day, use)
    rate: FloatArray = 2 * (trapezoid_areas(day, log_size, use) - start * span) / span**2
    return rate


def areas_through(arm: ArmCurves, day: float, *, above_baseline: bool) -> FloatArray:
    """Areas from the baseline to a study day of the animals measured on both, shape (k,)."""
    complete = arm.measured_at(day) & ~np.isnan(arm.baseline)
    use = arm.window(day) & complete[:, None]
    areas = trapezoid_areas(arm.elapsed, arm.size, use)
    if above_baseline:
        areas = areas - arm.baseline * spans(arm.elapsed, use)
    return areas[~np.isnan(areas)]


def mean_auc(arm: ArmCurves, settings: IntervalSettings, *, day: float) -> Quantity:
    """Mean area from the baseline to a study day, of the animals measured on both.

    Parameters
    ----------
    arm : ArmCurves
        Curves of the arm.
    settings : IntervalSettings
        Level, draws and seed.
    day : float
        Study day.
    """
    areas = areas_through(arm, day, above_baseline=False)
    if areas.size == 0:
        return without_number("not_estimable", NO_ANIMAL)
    return positive_mean(areas, settings)


def mean_normalized_auc(
    arm: ArmCurves, settings: IntervalSettings, *, last_day: float | None = None
) -> Quantity:
    """Mean over animals of the area divided by the animal's own follow-up.

    Parameters
    ----------
    arm : ArmCurves
        Curves of the arm.
    settings : IntervalSettings
        Level, draws and seed.
    last_day : float, optional
        Study day beyond which readings are left out.
    """
    areas = _own_areas(arm, last_day)
    if areas.size == 0:
        return without_number("not_estimable", NO_ANIMAL)
    return positive_mean(areas, settings)


def auc_ratio(
    treated: ArmCurves,
    control: ArmCurves,
    settings: IntervalSettings,
    *,
    last_day: float | None = None,
) -> Quantity:
    """Mean normalized area of the treated over that of the control.

    Parameters
    ----------
    treated, control : ArmCurves
        Curves of the two arms.
    settings : IntervalSettings
        Level.
    last_day : float, optional
        Study day beyond which readings are left out.
    """
    x, y = _own_areas(treated, last_day), _own_areas(control, last_day)
    if min(x.size, y.size) == 0:
        return without_number("not_estimable", NO_ANIMAL, n_treated=x.size, n_control=y.size)
    if y.mean() <= 0:
        why = "the control's area is zero"
        return without_number("undefined", why, n_treated=x.size, n_control=y.size)
    return ratio_of_means(x, y, settings, method="log_delta_t")


def area_growth_rate(
    arm: ArmCurves, settings: IntervalSettings, *, last_day: float | None = None
) -> Quantity:
    """Mean over animals of the growth rate from the area on the log scale, per day.

    Parameters
    ----------
    arm : ArmCurves
        Curves of the arm.
    settings : IntervalSettings
        Level.
    last_day : float, optional
        Study day beyond which readings are left out.
    """
    rates = _own_rates(arm, last_day)
    if rates.size == 0:
        return without_number("not_estimable", NO_ANIMAL)
    return with_remarks(mean_of(rates, settings), _lifted(arm, last_day))


def egr_difference(
    treated: ArmCurves,
    control: ArmCurves,
    settings: IntervalSettings,
    *,
    last_day: float | None = None,
) -> Quantity:
    """Treated less control, mean growth rate from the area on the log scale, per day.

    Parameters
    ----------
    treated, control : ArmCurves
        Curves of the two arms.
    settings : IntervalSettings
        Level.
    last_day : float, optional
        Study day beyond which readings are left out.
    """
    x, y = _own_rates(treated, last_day), _own_rates(control, last_day)
    if min(x.size, y.size) == 0:
        return without_number("not_estimable", NO_ANIMAL, n_treated=x.size, n_control=y.size)
    remarks = (*_lifted(treated, last_day), *_lifted(control, last_day))
    return with_remarks(difference_of_means(x, y, settings), remarks)


def _own_window(arm: ArmCurves, last_day: float | None) -> BoolArray:
    """Readings from a known baseline on."""
    window: BoolArray = arm.window(last_day) & ~np.isnan(arm.baseline)[:, None]
    return window


def _own_areas(arm: ArmCurves, last_day: float | None) -> FloatArray:
    """Normalized areas of the animals that have one, shape (k,)."""
    areas = normalized_areas(arm.elapsed, arm.size, _own_window(arm, last_day))
    return areas[~np.isnan(areas)]


def _own_rates(arm: ArmCurves, last_day: float | None) -> FloatArray:
    """Rates from areas of the animals that have one, shape (k,)."""
    rates = area_growth_rates(arm.elapsed, arm.log_size, _own_window(arm, last_day))
    return rates[~np.isnan(rates)]


def _lifted(arm: ArmCurves, last_day: float | None) -> tuple[str, ...]:
    """What to know where readings have no logarithm of their own."""
    lifted = arm.n_lifted(_own_window(arm, last_day))
    return (lifted_remark(arm, lifted),) if lifted else ()
