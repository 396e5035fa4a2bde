"""Growth rate and doubling time of each animal and of an arm.

The rate is the least-squares slope of log size on time over the readings from the baseline on, so
an animal that leaves still counts with what was seen of it.

References
----------
Hather G, et al. Cancer Inform 2014;13(Suppl 4):65.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.endpoints.arms import ArmCurves
from oncovivo.endpoints.estimate import Quantity
from oncovivo.endpoints.quantities import (
    NO_ANIMAL,
    IntervalSettings,
    mean_of,
    with_remarks,
    without_number,
)

__all__ = [
    "FEWEST_READINGS",
    "GrowthKind",
    "Rates",
    "animal_rates",
    "doubling_time",
    "growth_kind",
    "growth_rate",
    "log_linear_rates",
]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
GrowthKind: TypeAlias = Literal["growing", "shrinking", "none"]

# Two points always lie on a line: the third is the first that can contradict it.
FEWEST_READINGS: Final = 3
# A rate that moves a tumor by less than rounding over a year is no growth.
_NO_RATE: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rates:
    """Log-linear rates of n animals.

    Parameters
    ----------
    rate : ndarray, shape (n,)
        Natural log per day; NaN with fewer than three readings.
    std_error : ndarray, shape (n,)
        Of the slope; NaN with fewer than three readings.
    n_readings : ndarray of int, shape (n,)
        Readings that entered.
    """

    rate: FloatArray
    std_error: FloatArray
    n_readings: NDArray[np.intp]


def log_linear_rates(day: FloatArray, log_size: FloatArray, use: BoolArray) -> Rates:
    """Least-squares slopes of log size on day, all animals at once.

    Parameters
    ----------
    day, log_size : ndarray, shape (n, t)
        Days and natural logarithms; what `use` leaves out may be NaN.
    use : ndarray of bool, shape (n, t)
        Readings that enter.

    Examples
    --------
    >>> day = np.array([[0.0, 7.0, 14.0]])
    >>> rates = log_linear_rates(day, np.log(100) + 0.1 * day, np.ones((1, 3), dtype=bool))
    >>> rates.rate.round(6)
    array([0.1])
    """
    n = use.sum(axis=1)
    enough = n >= FEWEST_READINGS
    count = np.where(enough, n, 1)
    x, y = np.where(use, day, 0.0), np.where(use, log_size, 0.0)
    x = np.where(use, x - (x.sum(axis=1) / count)[:, None], 0.0)
    y = np.where(use, y - (y.sum(axis=1) / count)[:, None], 0.0)
    spread = np.where(enough, (x**2).sum(axis=1), 1.0)
    rate = (x * y).sum(axis=1) / spread
    rest = ((y - rate[:, None] * x) ** 2).sum(axis=1)
    error = np.sqrt(rest / np.where(enough, n - 2, 1) / spread)
    return Rates(
        rate=np.where(enough, rate, np.nan),
        std_error=np.where(enough, error, np.nan),
        n_readings=n,
    )


def animal_rates(arm: ArmCurves, *, last_day: float | None = None) -> Rates:
    """Rates of an arm's animals from each one's baseline through a study day.

    Parameters
    ----------
    arm : ArmCurves
        Curves of the arm.
    last_day : float, optional
        Study day; all readings without it.
    """
    return log_linear_rates(arm.elapsed, arm.log_size, arm.window(last_day))


def growth_kind(rate: float) -> GrowthKind:
    """``growing``, ``shrinking``, or ``none`` for a rate of zero."""
    if abs(rate) <= _NO_RATE:
        return "none"
    return "growing" if rate > 0 else "shrinking"


def growth_rate(
    arm: ArmCurves, settings: IntervalSettings, *, last_day: float | None = None
) -> Quantity:
    """Mean of the animals' log-linear rates, natural log per day, with its t interval.

    Parameters
    ----------
    arm : ArmCurves
        Curves of the arm.
    settings : IntervalSettings
        Level.
    last_day : float, optional
        Study day; all readings without it.
    """
    rates = known_rates(arm, last_day)
    if rates.size == 0:
        return without_number("not_estimable", NO_ANIMAL + f": {FEWEST_READINGS} from baseline on")
    return with_remarks(mean_of(rates, settings), rate_remarks(arm, last_day))


def doubling_time(
    arm: ArmCurves, settings: IntervalSettings, *, last_day: float | None = None
) -> Quantity:
    """Time of doubling, ln 2 over the arm's mean rate, days; none while it does not grow.

    Parameters
    ----------
    arm : ArmCurves
        Curves of the arm.
    settings : IntervalSettings
        Level.
    last_day : float, optional
        Study day; all readings without it.
    """
    rate = growth_rate(arm, settings, last_day=last_day)
    if rate.estimate is None:
        return rate
    kind = growth_kind(rate.estimate)
    if kind != "growing":
        halved = "" if kind == "none" else f": size halves in {math.log(2) / -rate.estimate:.3g} d"
        why = f"the arm is {'standing still' if kind == 'none' else 'shrinking'}{halved}"
        return replace(
            without_number("undefined", why, n_treated=rate.n_treated),
            remarks=(why, *rate.remarks),
        )
    time = replace(rate, estimate=math.log(2) / rate.estimate, lower=None, upper=None)
    if rate.lower is None or rate.upper is None:
        return time
    fastest = math.log(2) / rate.upper
    if rate.lower <= 0:
        return replace(
            with_remarks(time, ("the rate's interval includes no growth: no upper limit",)),
            lower=fastest,
            status="unbounded",
        )
    return replace(time, lower=fastest, upper=math.log(2) / rate.lower)


def known_rates(arm: ArmCurves, last_day: float | None) -> FloatArray:
    """Rates of the animals that have one, shape (k,)."""
    rate = animal_rates(arm, last_day=last_day).rate
    return rate[~np.isnan(rate)]


def rate_remarks(arm: ArmCurves, last_day: float | None) -> tuple[str, ...]:
    """What to know about an arm's rates."""
    rates = animal_rates(arm, last_day=last_day)
    missing = int(np.isnan(rates.rate).sum())
    lifted = arm.n_lifted(arm.window(last_day))
    remarks: list[str] = []
    if missing:
        remarks.append(
            f"{missing} of {arm.n} animals of '{arm.arm}' have fewer than {FEWEST_READINGS} "
            "readings and no rate"
        )
    if lifted:
        remarks.append(lifted_remark(arm, lifted))
    return tuple(remarks)


def lifted_remark(arm: ArmCurves, lifted: int) -> str:
    """That readings gone or below the limit entered on the log scale."""
    return (
        f"{lifted} readings of '{arm.arm}' that are gone or below the limit count with "
        f"{arm.limit:.3g} on the log scale"
    )
