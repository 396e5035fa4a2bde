"""Time to a target size, growth delay, and log10 cell kill.

The time of an animal is interpolated on the log scale between the last reading below the target
and the first at or above it; that bracket is kept, since all that was seen is that the tumor
passed in between. An animal that never reached the target is censored at its last reading. The
time of an arm is its Kaplan-Meier median.

References
----------
Plowman J, et al. In: Anticancer Drug Development Guide, 1997. Hollingshead MG. J Natl Cancer Inst
2008;100:1500. Wu J, Houghton PJ. J Biopharm Stat 2009.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.endpoints.arms import ArmCurves
from oncovivo.endpoints.estimate import Quantity, finite
from oncovivo.endpoints.growth import growth_rate
from oncovivo.endpoints.intervals import (
    FEWEST_FOR_RESAMPLING,
    Limits,
    median_limits,
    mover_difference,
    mover_product,
    part_level,
)
from oncovivo.endpoints.quantities import (
    NO_ANIMAL,
    IntervalSettings,
    too_few,
    with_remarks,
    without_number,
)
from oncovivo.endpoints.tgi import NO_GROWTH
from oncovivo.errors import InputError
from oncovivo.numerics import (
    ProductLimit,
    median_survival_limits,
    median_survival_time,
    product_limit,
)

__all__ = [
    "EventTimes",
    "Target",
    "crossing_times",
    "event_times",
    "growth_delay",
    "growth_delay_pct",
    "log10_cell_kill",
    "median_time",
]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

# A volume that is k times the baseline on paper misses it by rounding in the logarithm.
_ROUNDING: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The size whose time is asked for.

    Parameters
    ----------
    kind : {"multiple", "volume"}
        A multiple of each animal's baseline, or a volume in mm³.
    value : float
        Above 1 for a multiple, above 0 for a volume.
    """

    kind: Literal["multiple", "volume"]
    value: float

    def __post_init__(self) -> None:
        least = 1.0 if self.kind == "multiple" else 0.0
        if not (math.isfinite(self.value) and self.value > least):
            expected = f"a target {self.kind} above {least:g}"
            raise InputError(expected, found=repr(self.value))

    def __str__(self) -> str:
        """``4x`` or ``1000mm3``, as in the names of endpoints."""
        return f"{self.value:g}" + ("x" if self.kind == "multiple" else "mm3")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventTimes:
    """When each of n animals reached a target, in days since its baseline.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Interpolated time, or the last reading where the target was not reached; NaN without a
        usable baseline.
    reached : ndarray of bool, shape (n,)
        Whether the target was reached.
    lower, upper : ndarray, shape (n,)
        Last day seen below the target before it was reached, and first day at or above it;
        infinite `upper` where it was not reached.
    """

    time: FloatArray
    reached: BoolArray
    lower: FloatArray
    upper: FloatArray


def crossing_times(
    elapsed: FloatArray, log_size: FloatArray, threshold: FloatArray, use: BoolArray
) -> EventTimes:
    """First times at which curves reach their thresholds, interpolated on the log scale.

    Parameters
    ----------
    elapsed, log_size : ndarray, shape (n, t)
        Rising days since the baseline, and natural logarithms.
    threshold : ndarray, shape (n,)
        Natural logarithm of each animal's target; NaN where it has none.
    use : ndarray of bool, shape (n, t)
        Readings that enter: one unbroken run in each row.

    Examples
    --------
    >>> day = np.array([[0.0, 7.0, 14.0]])
    >>> size = np.log([[100.0, 200.0, 800.0]])
    >>> times = crossing_times(day, size, np.log([400.0]), day >= 0)
    >>> times.time, times.lower, times.upper
    (array([10.5]), array([7.]), array([14.]))
    """
    known = ~np.isnan(threshold) & use.any(axis=1)
    above = np.where(use & known[:, None], log_size - threshold[:, None], -np.inf)
    hit = np.asarray(above >= -_ROUNDING)
    reached = np.asarray(hit.any(axis=1), dtype=np.bool_)
    after = np.argmax(hit, axis=1)
    before = np.maximum(after - 1, 0)
    # Already there at its first reading: time and bracket are that reading.
    rows = np.arange(elapsed.shape[0])
    early = ~use[rows, before] | (after == 0)
    before = np.where(early, after, before)
    t1, t2 = elapsed[rows, before], elapsed[rows, after]
    z1, z2 = above[rows, before], above[rows, after]
    inside = reached & ~early
    share = np.where(inside, -z1, 0.0) / np.where(inside, np.maximum(z2, 0.0) - z1, 1.0)
    last = np.where(use, elapsed, -np.inf).max(axis=1, initial=-np.inf)
    nothing = np.where(known, 0.0, np.nan)
    return EventTimes(
        time=np.where(reached, t1 + share * (t2 - t1), last) + nothing,
        reached=reached,
        lower=np.where(reached, t1, last) + nothing,
        upper=np.where(reached, t2, np.inf) + nothing,
    )


def event_times(arm: ArmCurves, target: Target) -> EventTimes:
    """When the animals of an arm reached a target, over their whole follow-up.

    Parameters
    ----------
    arm : ArmCurves
        Curves of the arm.
    target : Target
        Multiple of the baseline, or volume.
    """
    with np.errstate(invalid="ignore"):
        start = np.log(arm.baseline)
    if target.kind == "multiple":
        threshold = start + math.log(target.value)
    else:
        threshold = np.where(np.isnan(start), np.nan, math.log(target.value))
    return crossing_times(arm.elapsed, arm.log_size, threshold, arm.window())


@dataclass(frozen=True, slots=True, kw_only=True)
class _ArmMedian:
    """Median time of an arm and what an interval needs of it."""

    n: int
    median: float | None
    last: float
    part: Limits | None
    whole: Limits | None
    by: Literal["order_statistics", "product_limit"]
    remarks: tuple[str, ...]


def _arm_median(arm: ArmCurves, target: Target, level: float) -> _ArmMedian | None:
    """Median time of an arm; None without an animal."""
    times = event_times(arm, target)
    known = ~np.isnan(times.time)
    time, reached = times.time[known], times.reached[known]
    if time.size == 0:
        return None
    curve = product_limit(time, reached)
    median = median_survival_time(curve)
    # The order of the times is known as long as nobody left before another one's event.
    lost = time[~reached].min(initial=np.inf) < time[reached].max(initial=-np.inf)
    by: Literal["order_statistics", "product_limit"] = "order_statistics"
    part: Limits | None
    whole: Limits | None
    if lost:
        by = "product_limit"
        part = whole = _survival_limits(curve, time.size, level)
    else:
        ordered = np.sort(np.where(reached, time, np.inf))
        part = _order_limits(ordered, part_level(level))
        whole = _order_limits(ordered, level)
    remarks: list[str] = []
    censored = int((~reached).sum())
    if censored:
        remarks.append(
            f"{censored} of {time.size} animals of '{arm.arm}' did not reach {target} and are "
            "censored at their last reading"
        )
    if missing := arm.n - time.size:
        remarks.append(f"{missing} of {arm.n} animals of '{arm.arm}' have no usable baseline")
    return _ArmMedian(
        n=time.size,
        median=median,
        last=float(time.max()),
        part=part,
        whole=whole,
        by=by,
        remarks=tuple(remarks),
    )


def _order_limits(ordered: FloatArray, level: float) -> Limits | None:
    """Order-statistic limits, None where the animals are too few."""
    lower, upper = median_limits(ordered, level=level)
    return None if np.isnan(lower) else (lower, upper)


def _survival_limits(curve: ProductLimit, n: int, level: float) -> Limits | None:
    """Product-limit limits; infinite above where not reached, None without a lower one."""
    if n < FEWEST_FOR_RESAMPLING:
        return None
    lower, upper = median_survival_limits(curve, level=level)
    if lower is None:
        return None
    return _scalar(lower), _scalar(math.inf if upper is None else upper)


def median_time(arm: ArmCurves, settings: IntervalSettings, *, target: Target) -> Quantity:
    """Kaplan-Meier median of the animals' times to a target, days since the baseline.

    Parameters
    ----------
    arm : ArmCurves
        Curves of the arm.
    settings : IntervalSettings
        Level.
    target : Target
        Multiple of the baseline, or volume.
    """
    median = _arm_median(arm, target, settings.level)
    if median is None:
        return without_number("not_estimable", NO_ANIMAL)
    if median.median is None:
        return _not_reached(median, target, median.last)
    bare = Quantity(estimate=median.median, n_treated=median.n)
    bare = with_remarks(bare, median.remarks)
    return _bounded(bare, median.whole, median.by, median.n)


def growth_delay(
    treated: ArmCurves, control: ArmCurves, settings: IntervalSettings, *, target: Target
) -> Quantity:
    """T − C: difference of the median times to a target, days.

    Parameters
    ----------
    treated, control : ArmCurves
        Curves of the two arms.
    settings : IntervalSettings
        Level.
    target : Target
        Multiple of the baseline, or volume.
    """

    def limits(x: _ArmMedian, y: _ArmMedian) -> Limits | None:
        return _combine(x, y, lambda value: value)

    return _contrast(treated, control, settings, target, lambda t, c: t - c, limits)


def growth_delay_pct(
    treated: ArmCurves, control: ArmCurves, settings: IntervalSettings, *, target: Target
) -> Quantity:
    """100·(T − C)/C of the median times to a target.

    Parameters
    ----------
    treated, control : ArmCurves
        Curves of the two arms.
    settings : IntervalSettings
        Level.
    target : Target
        Multiple of the baseline, or volume.
    """

    def limits(x: _ArmMedian, y: _ArmMedian) -> Limits | None:
        with np.errstate(divide="ignore"):
            combined = _combine(x, y, np.log)
        if combined is None:
            return None
        return 100 * (np.exp(combined[0]) - 1), 100 * (np.exp(combined[1]) - 1)

    return _contrast(treated, control, settings, target, lambda t, c: 100 * (t / c - 1), limits)


def log10_cell_kill(
    treated: ArmCurves,
    control: ArmCurves,
    settings: IntervalSettings,
    *,
    target: Target,
    treatment_days: float = 0.0,
    last_day: float | None = None,
) -> Quantity:
    """(T − C − treatment days) over log2(10) doubling times of the control.

    Parameters
    ----------
    treated, control : ArmCurves
        Curves of the two arms.
    settings : IntervalSettings
        Level.
    target : Target
        Multiple of the baseline, or volume.
    treatment_days : float
        0 for the gross, the duration of treatment for the net cell kill.
    last_day : float, optional
        Study day beyond which readings are left out of the control's rate.
    """
    rate = growth_rate(control, settings, last_day=last_day)
    if rate.estimate is None:
        return replace(rate, n_treated=treated.n, n_control=rate.n_treated)
    if rate.estimate <= 0:
        return without_number(
            "undefined", NO_GROWTH, n_treated=treated.n, n_control=rate.n_treated
        )
    slope = rate.estimate

    def kill(t: float, c: float) -> float:
        return (t - c - treatment_days) * slope / math.log(10)

    def limits(x: _ArmMedian, y: _ArmMedian) -> Limits | None:
        if x.part is None or y.part is None or x.median is None or y.median is None:
            return None
        if rate.upper is None:
            return None
        lower, upper = mover_product(
            _scalar(x.median - y.median - treatment_days),
            (_scalar(x.median), x.part),
            (_scalar(y.median), y.part),
            (_scalar(slope), _scalar(rate.upper - slope)),
        )
        return lower / math.log(10), upper / math.log(10)

    return with_remarks(_contrast(treated, control, settings, target, kill, limits), rate.remarks)


def _contrast(
    treated: ArmCurves,
    control: ArmCurves,
    settings: IntervalSettings,
    target: Target,
    value: Callable[[float, float], float],
    limits: Callable[[_ArmMedian, _ArmMedian], Limits | None],
) -> Quantity:
    """A function of two median times, rising in the treated one, with its interval."""
    x = _arm_median(treated, target, settings.level)
    y = _arm_median(control, target, settings.level)
    if x is None or y is None:
        return without_number("not_estimable", NO_ANIMAL)
    if y.median is None:
        why = f"the control's median time to {target} was not reached"
        return without_number("undefined", why, n_treated=x.n, n_control=y.n)
    if y.median <= 0:
        why = f"the control is at {target} from the start"
        return without_number("undefined", why, n_treated=x.n, n_control=y.n)
    if x.median is None:
        return replace(_not_reached(x, target, value(x.last, y.median)), n_control=y.n)
    bare = Quantity(estimate=value(x.median, y.median), n_treated=x.n, n_control=y.n)
    bare = with_remarks(bare, (*x.remarks, *y.remarks))
    return _bounded(bare, limits(x, y), "mover", min(x.n, y.n))


def _combine(
    x: _ArmMedian, y: _ArmMedian, scale: Callable[[FloatArray], FloatArray]
) -> Limits | None:
    """Limits of the difference of two medians on a scale."""
    if x.part is None or y.part is None or x.median is None or y.median is None:
        return None
    return mover_difference(
        scale(_scalar(x.median)),
        (scale(x.part[0]), scale(x.part[1])),
        scale(_scalar(y.median)),
        (scale(y.part[0]), scale(y.part[1])),
    )


def _bounded(
    bare: Quantity,
    limits: Limits | None,
    method: Literal["order_statistics", "product_limit", "mover"],
    n: int,
) -> Quantity:
    """The quantity with its limits, or why one is missing."""
    if limits is None:
        return with_remarks(bare, (too_few(n),))
    lower, upper = finite(limits[0]), finite(limits[1])
    bounded = replace(bare, lower=lower, upper=upper, method=method)
    if lower is None or upper is None:
        side = "upper" if upper is None else "lower"
        why = f"too few animals reached the target: no {side} limit"
        return replace(with_remarks(bounded, (why,)), status="unbounded")
    return bounded


def _scalar(value: float) -> FloatArray:
    """A number as the array that kernels take."""
    return np.asarray(value, dtype=np.float64)


def _not_reached(median: _ArmMedian, target: Target, bound: float) -> Quantity:
    """A median beyond the follow-up."""
    why = f"the median time to {target} was not reached by day {median.last:g} after the baseline"
    return replace(
        without_number("not_reached", why, n_treated=median.n, greater_than=bound),
        remarks=(why, *median.remarks),
    )
