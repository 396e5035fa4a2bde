"""T/C: treated over control, as fractions, in the forms that the field uses.

References
----------
Hollingshead MG. J Natl Cancer Inst 2008;100:1500 (optimal, with regression branch). Houghton PJ,
et al. Pediatr Blood Cancer 2007;49:928 (day 21 of relative volumes). Hather G, et al. Cancer
Inform 2014;13(Suppl 4):65 (rates).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal, TypeAlias

import numpy as np

from oncovivo.endpoints.arms import SAME_DAY, ArmCurves
from oncovivo.endpoints.days import has_enough
from oncovivo.endpoints.estimate import Quantity
from oncovivo.endpoints.quantities import (
    NO_ANIMAL,
    IntervalSettings,
    positive_mean,
    ratio_of_means,
    ratio_of_medians,
    rename,
    with_remarks,
    without_number,
)
from oncovivo.endpoints.relative import paired_on, relative_on
from oncovivo.endpoints.tgi import NO_GROWTH, sizes_on, tgi_rate

__all__ = [
    "PptpActivity",
    "pptp_activity",
    "t_over_c",
    "t_over_c_median",
    "t_over_c_nci",
    "t_over_c_optimal",
    "t_over_c_pptp",
    "t_over_c_rate",
]

PptpActivity: TypeAlias = Literal["high", "intermediate", "low"]

# Days after the start of treatment at which the PPTP compares relative volumes.
PPTP_DAYS: Final = 21.0
# Days over which Hather's rates are carried.
RATE_DAYS: Final = 21.0


def t_over_c(
    treated: ArmCurves, control: ArmCurves, settings: IntervalSettings, *, day: float
) -> Quantity:
    """Ratio of the mean volumes of the animals measured on the day."""
    return _ratio(sizes_on(treated, day), sizes_on(control, day), settings)


def t_over_c_median(
    treated: ArmCurves, control: ArmCurves, settings: IntervalSettings, *, day: float
) -> Quantity:
    """Ratio of the median volumes of the animals measured on the day."""
    x, y = sizes_on(treated, day), sizes_on(control, day)
    n = {"n_treated": x.size, "n_control": y.size}
    if min(x.size, y.size) == 0:
        return without_number("not_estimable", NO_ANIMAL, **n)
    if np.median(y) <= 0:
        return without_number("undefined", "the control's median volume is zero", **n)
    return ratio_of_medians(x, y, settings)


def t_over_c_optimal(
    treated: ArmCurves, control: ArmCurves, settings: IntervalSettings
) -> Quantity:
    """Smallest T/C of mean volumes over the days with enough animals in both arms.

    The day is found in the data, which favors the treatment; the result is flagged.
    """
    first = float(np.max(control.baseline_day, initial=-np.inf))
    candidates = [
        float(day)
        for day in np.intersect1d(treated.days(), control.days())
        if day > first + SAME_DAY
        and has_enough(treated, float(day))
        and has_enough(control, float(day))
        and sizes_on(control, float(day)).mean() > 0
    ]
    if not candidates:
        return without_number(
            "not_estimable", "no day after the baseline has enough animals in both arms"
        )
    best = min(
        candidates,
        key=lambda day: (sizes_on(treated, day).mean() / sizes_on(control, day).mean(), day),
    )
    smallest = t_over_c(treated, control, settings, day=best)
    flagged = with_remarks(smallest, ("the day is the one with the smallest ratio",))
    return replace(flagged, day=best)


def t_over_c_nci(
    treated: ArmCurves, control: ArmCurves, settings: IntervalSettings, *, day: float
) -> Quantity:
    """ΔT/ΔC where the treated grew, else ΔT/T₀: a negative fraction, the regression."""
    size, start = paired_on(treated, day)
    control_change = np.subtract(*paired_on(control, day))
    if size.size == 0:
        return without_number(
            "not_estimable", NO_ANIMAL, n_treated=size.size, n_control=control_change.size
        )
    change = size - start
    if change.mean() <= 0:
        ratio = positive_mean(size, settings, over=start)
        return with_remarks(
            replace(rename(ratio, lambda value: value - 1), n_control=control_change.size),
            ("the treated shrank: change over own baseline",),
        )
    n = {"n_treated": change.size, "n_control": control_change.size}
    if control_change.size == 0:
        return without_number("not_estimable", NO_ANIMAL, **n)
    if control_change.mean() <= 0:
        return without_number("undefined", NO_GROWTH, **n)
    return ratio_of_means(change, control_change, settings, method="fieller")


def t_over_c_pptp(
    treated: ArmCurves, control: ArmCurves, settings: IntervalSettings, *, baseline_day: float
) -> Quantity:
    """Ratio of mean relative volumes 21 days after the baseline.

    Where a control animal lacks a reading on that day, the last earlier day on which all of them
    were measured.
    """
    last = baseline_day + PPTP_DAYS
    days = [
        float(day)
        for day in control.days()
        if baseline_day + SAME_DAY < day <= last + SAME_DAY
        and control.measured_at(float(day)).all()
        and treated.measured_at(float(day)).any()
    ]
    if not days:
        return without_number(
            "not_estimable", f"no day up to day {last:g} has readings of all controls"
        )
    day = days[-1]
    ratio = _ratio(relative_on(treated, day), relative_on(control, day), settings)
    if abs(day - last) > SAME_DAY:
        ratio = with_remarks(
            ratio, (f"day {day:g}: the last up to day {last:g} with readings of all controls",)
        )
    return replace(ratio, day=day)


def t_over_c_rate(
    treated: ArmCurves,
    control: ArmCurves,
    settings: IntervalSettings,
    *,
    last_day: float | None = None,
) -> Quantity:
    """exp((rate T − rate C)·21 d), of the arms' mean log-linear rates."""
    inhibition = tgi_rate(treated, control, settings, days=RATE_DAYS, last_day=last_day)
    return rename(inhibition, lambda value: 1 - value, rising=False)


def pptp_activity(ratio: float) -> PptpActivity:
    """PPTP's word for a T/C of relative volumes on day 21.

    Parameters
    ----------
    ratio : float
        T/C as a fraction.

    Examples
    --------
    >>> [pptp_activity(ratio) for ratio in (0.15, 0.45, 0.46)]
    ['high', 'intermediate', 'low']
    """
    if ratio <= 0.15:
        return "high"
    return "intermediate" if ratio <= 0.45 else "low"


def _ratio(x: np.ndarray, y: np.ndarray, settings: IntervalSettings) -> Quantity:
    """Ratio of two means of values of zero or more, or why there is none."""
    if min(x.size, y.size) == 0:
        return without_number("not_estimable", NO_ANIMAL, n_treated=x.size, n_control=y.size)
    if y.mean() <= 0:
        why = "the control's mean is zero"
        return without_number("undefined", why, n_treated=x.size, n_control=y.size)
    return ratio_of_means(x, y, settings, method="log_delta_t")
