"""Restricted mean survival time: the mean time without event up to a horizon.

It needs neither proportional hazards nor a median that is reached, so it still compares arms
where half of an arm never has the event.

References
----------
Royston P, Parmar MKB. BMC Med Res Methodol 2013;13:152. Uno H, et al. J Clin Oncol 2014;32:2380.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.survival.curves import SurvivalCurve, checked_level, checked_times, survival_curve

__all__ = [
    "RestrictedMean",
    "RestrictedMeanContrast",
    "common_horizon",
    "restricted_mean",
    "restricted_mean_difference",
    "restricted_mean_ratio",
]

FloatArray: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictedMean:
    """Mean time without event up to a horizon.

    Parameters
    ----------
    tau : float
        The horizon.
    n, n_events : int
        Animals, and events up to the horizon.
    estimate, std_error : float or None
        Area below the curve and its Greenwood-type standard error; None with `status` other
        than "estimated".
    lower, upper : float or None
        Normal limits, kept between 0 and the horizon.
    level : float
        Confidence of the limits.
    status : {"estimated", "no_event", "no_variance", "beyond_follow_up"}
        "no_event": nothing happened before the horizon, so the estimate is the horizon itself
        and its standard error is unknown, not 0. "no_variance": all events came at one time,
        which tells nothing of the spread. "beyond_follow_up": the curve ends above 0 before the
        horizon.
    """

    tau: float
    n: int
    n_events: int
    estimate: float | None
    std_error: float | None
    lower: float | None
    upper: float | None
    level: float
    status: Literal["estimated", "no_event", "no_variance", "beyond_follow_up"]

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictedMeanContrast:
    """Difference or ratio of two restricted means.

    Parameters
    ----------
    contrast : {"difference", "ratio"}
        Arm minus control, or arm over control.
    tau : float
        The common horizon.
    estimate, std_error, lower, upper, p_value : float or None
        By the normal distribution, of the ratio on the logarithm; `std_error` of the ratio is
        that of its logarithm. None where `status` says why.
    level : float
        Confidence of the limits.
    status : {"estimated", "no_variance", "not_estimable"}
        "no_variance": an arm has no event or all at one time, so there is an estimate but no
        limits.
    """

    contrast: Literal["difference", "ratio"]
    tau: float
    estimate: float | None
    std_error: float | None
    lower: float | None
    upper: float | None
    p_value: float | None
    level: float
    status: Literal["estimated", "no_variance", "not_estimable"]

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return asdict(self)


def common_horizon(time: ArrayLike, event: ArrayLike, group: ArrayLike) -> float:
    """Latest time up to which the curve of every group is known.

    A curve that has fallen to 0 is known for ever; one that ends above 0 is known up to its last
    time. Where all have fallen to 0 it is the last time of all.

    Parameters
    ----------
    time : array_like, shape (n,)
        Time of the event, or of the end of observation.
    event : array_like of bool, shape (n,)
        Whether the event happened at that time.
    group : array_like, shape (n,)
        Group of each animal.

    Raises
    ------
    InputError
        If lengths differ or times are out of range.

    Examples
    --------
    >>> common_horizon([3, 9, 5, 7], [1, 0, 1, 0], ["a", "a", "b", "b"])
    7.0
    >>> common_horizon([3, 9, 5, 7], [1, 0, 1, 1], ["a", "a", "b", "b"])
    9.0
    """
    times, happened, _ = checked_times(time, event)
    groups = np.asarray(group)
    if groups.shape != times.shape:
        expected = "a group for each time"
        raise InputError(expected, found=f"{groups.size} groups for {times.size} times")
    last = float(times.max())
    for name in np.unique(groups):
        here = groups == name
        end = times[here].max()
        if not happened[here][times[here] == end].all():
            last = min(last, float(end))
    return last


def restricted_mean(
    time: ArrayLike,
    event: ArrayLike,
    *,
    tau: float,
    entry: ArrayLike | None = None,
    level: float = 0.95,
) -> RestrictedMean:
    """Mean time without event up to a horizon, of one group.

    Parameters
    ----------
    time : array_like, shape (n,)
        Time of the event, or of the end of observation.
    event : array_like of bool, shape (n,)
        Whether the event happened at that time.
    tau : float
        The horizon, above 0.
    entry : array_like, shape (n,), optional
        Time from which an animal is under observation.
    level : float, default 0.95
        Confidence of the limits.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> found = restricted_mean([2, 4, 6, 8], [True, True, True, True], tau=8)
    >>> found.estimate, round(found.std_error, 3)
    (5.0, 1.118)
    """
    checked_level(level)
    if not (math.isfinite(tau) and tau > 0):
        expected = "a horizon above 0"
        raise InputError(expected, found=f"{tau}")
    curve = survival_curve(time, event, entry=entry, level=level)
    before = curve.time < tau
    happened = curve.time[curve.events > 0]
    counted = int(curve.events[curve.time <= tau].sum())
    if curve.time[-1] < tau and curve.survival[-1] > 0:
        return RestrictedMean(
            tau=float(tau),
            n=curve.n,
            n_events=counted,
            estimate=None,
            std_error=None,
            lower=None,
            upper=None,
            level=level,
            status="beyond_follow_up",
        )
    area, std_error = _area(curve, before, tau)
    reach = float(special.ndtri(0.5 + level / 2)) * std_error
    moved = bool(happened.size and happened[0] < tau)
    # All events at one time leave nothing from which a spread could be learned.
    known = moved and std_error > 0
    return RestrictedMean(
        tau=float(tau),
        n=curve.n,
        n_events=counted,
        estimate=area,
        std_error=std_error if known else None,
        lower=max(area - reach, 0.0) if known else None,
        upper=min(area + reach, float(tau)) if known else None,
        level=level,
        status="estimated" if known else "no_variance" if moved else "no_event",
    )


def restricted_mean_difference(
    arm: RestrictedMean, control: RestrictedMean
) -> RestrictedMeanContrast:
    """Restricted mean of an arm minus that of the control.

    Parameters
    ----------
    arm, control : RestrictedMean
        Of the same horizon and level.

    Raises
    ------
    InputError
        If horizon or level differ.
    """
    return _contrast(arm, control, contrast="difference")


def restricted_mean_ratio(arm: RestrictedMean, control: RestrictedMean) -> RestrictedMeanContrast:
    """Restricted mean of an arm over that of the control, with limits by the logarithm.

    Parameters
    ----------
    arm, control : RestrictedMean
        Of the same horizon and level.

    Raises
    ------
    InputError
        If horizon or level differ.
    """
    return _contrast(arm, control, contrast="ratio")


def _area(curve: SurvivalCurve, before: NDArray[np.bool_], tau: float) -> tuple[float, float]:
    """Area below the curve up to the horizon and its standard error."""
    widths = np.diff(np.concatenate(([0.0], curve.time[before], [tau])))
    pieces = widths * np.concatenate(([1.0], curve.survival[before]))
    # the area that still follows each step moves with the step
    after = np.cumsum(pieces[::-1])[::-1][1:]
    risk, events = curve.at_risk[before], curve.events[before]
    left = risk - events
    growth = np.divide(events, risk * left, out=np.zeros_like(events), where=left > 0)
    # In units of the horizon: squares of very long or very short times leave the range of numbers.
    return float(pieces.sum()), tau * math.sqrt(float(((after / tau) ** 2 * growth).sum()))


def _contrast(
    arm: RestrictedMean, control: RestrictedMean, *, contrast: Literal["difference", "ratio"]
) -> RestrictedMeanContrast:
    """Difference or ratio with normal limits."""
    if arm.tau != control.tau or arm.level != control.level:
        expected = "restricted means of one horizon and level"
        raise InputError(expected, found=f"horizons {arm.tau:g} and {control.tau:g}")
    first, second = arm.estimate, control.estimate
    ratio = contrast == "ratio"
    if first is None or second is None or (ratio and min(first, second) <= 0):
        return _unknown(arm, contrast, None, "not_estimable")
    estimate = first / second if ratio else first - second
    if arm.std_error is None or control.std_error is None:
        return _unknown(arm, contrast, estimate, "no_variance")
    scales = (first, second) if ratio else (1.0, 1.0)
    std_error = math.hypot(arm.std_error / scales[0], control.std_error / scales[1])
    if std_error == 0:
        return _unknown(arm, contrast, estimate, "no_variance")
    middle = math.log(estimate) if ratio else estimate
    reach = float(special.ndtri(0.5 + arm.level / 2)) * std_error
    ends = (middle - reach, middle + reach)
    lower, upper = (math.exp(ends[0]), math.exp(ends[1])) if ratio else ends
    return RestrictedMeanContrast(
        contrast=contrast,
        tau=arm.tau,
        estimate=estimate,
        std_error=std_error,
        lower=lower,
        upper=upper,
        p_value=2 * float(special.ndtr(-abs(middle) / std_error)),
        level=arm.level,
        status="estimated",
    )


def _unknown(
    arm: RestrictedMean,
    contrast: Literal["difference", "ratio"],
    estimate: float | None,
    status: Literal["no_variance", "not_estimable"],
) -> RestrictedMeanContrast:
    """A contrast without limits."""
    return RestrictedMeanContrast(
        contrast=contrast,
        tau=arm.tau,
        estimate=estimate,
        std_error=None,
        lower=None,
        upper=None,
        p_value=None,
        level=arm.level,
        status=status,
    )
