"""Event-free survival T/C: ratio and difference of the Kaplan-Meier medians of two arms.

Limits are percentiles of a bootstrap within each arm. Simulated at 5 to 20 animals per arm, limits
of 95 % cover the ratio in 96 to 98 % of the studies. Limits combined from those of the two medians
cover more, are mostly longer and more often open; ``validation/survival/median.json`` has the
figures.

References
----------
Houghton PJ et al. Pediatr Blood Cancer 2007;49:928-940. doi:10.1002/pbc.21078 (EFS T/C, and "> x"
where the arm's median was not reached). Efron B. J Am Stat Assoc 1981;76:312 (resampling censored
times with their marks).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.endpoints.intervals import FEWEST_FOR_RESAMPLING
from oncovivo.errors import InputError
from oncovivo.numerics.resampling import resample_rows
from oncovivo.survival.curves import checked_level, checked_times

__all__ = ["MedianRatio", "MedianRatioStatus", "median_ratio", "median_times", "resampled_medians"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
Limits: TypeAlias = tuple[float | None, float | None]
MedianRatioStatus: TypeAlias = Literal[
    "ok", "flagged", "unbounded", "not_reached", "not_estimable"
]

# A product of fractions misses one half by rounding; closer than this it is one half.
_HALF_TOLERANCE: Final = 1e-9
_FEWEST_DRAWS: Final = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class MedianRatio:
    """Ratio and difference of two median times to an event, arm against control.

    Parameters
    ----------
    n_arm, n_control, events_arm, events_control : int
        Animals and events.
    median_arm, median_control : float or None
        None where not reached.
    last_arm, last_control : float
        Last time under observation.
    ratio, difference : float or None
        Arm/control and arm − control; None where a median was not reached.
    ratio_lower, ratio_upper, difference_lower, difference_upper : float or None
        Limits; None where too many resamples do not reach a median.
    ratio_greater_than, difference_greater_than : float or None
        What is exceeded where only the arm's median was not reached: with its last time under
        observation in place of the median.
    level : float
        Confidence of the limits.
    draws : int
        Resamples of each arm; 0 without limits.
    status : {"ok", "flagged", "unbounded", "not_reached", "not_estimable"}
        ``flagged`` without limits for want of animals, ``unbounded`` where a limit is missing
        because of resamples, ``not_reached`` of the arm's median, ``not_estimable`` without the
        control's.
    reason : str
        Why the status is what it is; empty where it is ``ok``.
    """

    n_arm: int
    n_control: int
    events_arm: int
    events_control: int
    median_arm: float | None
    median_control: float | None
    last_arm: float
    last_control: float
    ratio: float | None = None
    ratio_lower: float | None = None
    ratio_upper: float | None = None
    ratio_greater_than: float | None = None
    difference: float | None = None
    difference_lower: float | None = None
    difference_upper: float | None = None
    difference_greater_than: float | None = None
    level: float
    draws: int = 0
    status: MedianRatioStatus = "ok"
    reason: str = ""

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def median_times(time: FloatArray, event: BoolArray) -> FloatArray:
    """Kaplan-Meier medians of many groups at once.

    Where survival is one half between two events it is their midpoint.

    Parameters
    ----------
    time, event : ndarray, shape (..., n)
        Time, and whether the event happened then; one group on the last axis.

    Returns
    -------
    ndarray, shape (...)
        Infinite where survival stays above one half.

    Examples
    --------
    >>> had = np.array([[True, True, True, True], [True, False, False, False]])
    >>> median_times(np.array([[3.0, 5.0, 6.0, 8.0]] * 2), had)
    array([5.5, inf])
    """
    # events come before observations that end at the same time
    order = np.lexsort((~event, time), axis=-1)
    return _ordered_medians(
        np.take_along_axis(time, order, axis=-1), np.take_along_axis(event, order, axis=-1)
    )


def resampled_medians(
    time: FloatArray, event: BoolArray, *, draws: int, rng: np.random.Generator
) -> FloatArray:
    """Medians of resamples of the animals of one group.

    Parameters
    ----------
    time, event : ndarray, shape (n,)
        Time, and whether the event happened then.
    draws : int
        Resamples.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (draws,)
        Infinite where a median is not reached.
    """
    order = np.lexsort((~event, time))
    # rows in order, so that a resample needs no other sorting
    rows = np.sort(resample_rows(time.size, draws, rng=rng), axis=1)
    return _ordered_medians(time[order][rows], event[order][rows])


def median_ratio(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    arm: int,
    control: int,
    rng: np.random.Generator,
    draws: int = 2000,
    level: float = 0.95,
) -> MedianRatio:
    """Ratio and difference of the median times of an arm and the control.

    A resample in which the arm's median is not reached counts as infinite, one without the
    control's as a ratio of 0; without both it counts against either limit.

    Parameters
    ----------
    time, event, group : array_like, shape (n,)
        Time, whether the event happened then, and group.
    arm, control : int
        Two of the groups.
    rng : numpy.random.Generator
        Source of randomness.
    draws : int, default 2000
        Resamples of each arm; enough for one beyond each limit.
    level : float, default 0.95
        Confidence of the limits.

    Raises
    ------
    InputError
        If a value is out of range, a group has no animal, or arm and control are the same.

    Examples
    --------
    >>> time, group = [10, 12, 13, 15, 17, 21, 26, 28, 33, 40], [0] * 5 + [1] * 5
    >>> rng = np.random.default_rng(1)
    >>> found = median_ratio(time, [1] * 10, group, arm=1, control=0, rng=rng)
    >>> round(found.ratio, 2), found.difference
    (2.15, 15.0)
    """
    times, happened, _ = checked_times(time, event)
    checked_level(level)
    _check_draws(draws, level)
    groups = np.asarray(group)
    if groups.shape != times.shape:
        expected = "a group for each animal"
        raise InputError(expected, found=f"{groups.size} groups for {times.size} animals")
    if arm == control:
        expected = "an arm and another one as its control"
        raise InputError(expected, found=f"{arm} twice")
    x, y = (_group(times, happened, groups, code) for code in (arm, control))
    (median_x, median_y) = (float(median_times(*each)) for each in (x, y))
    found = MedianRatio(
        n_arm=x[0].size,
        n_control=y[0].size,
        events_arm=int(x[1].sum()),
        events_control=int(y[1].sum()),
        median_arm=_finite(median_x),
        median_control=_finite(median_y),
        last_arm=float(x[0].max()),
        last_control=float(y[0].max()),
        level=level,
    )
    if not math.isfinite(median_y):
        why = f"the control's median was not reached by {found.last_control:g}"
        return replace(found, status="not_estimable", reason=why)
    if median_y <= 0:
        return replace(found, status="not_estimable", reason="the control's median is 0")
    reached = math.isfinite(median_x)
    if reached:
        found = replace(found, ratio=median_x / median_y, difference=median_x - median_y)
    else:
        found = replace(
            found,
            ratio_greater_than=found.last_arm / median_y,
            difference_greater_than=found.last_arm - median_y,
            status="not_reached",
            reason=f"the arm's median was not reached by {found.last_arm:g}",
        )
    fewest = min(found.n_arm, found.n_control)
    if fewest < FEWEST_FOR_RESAMPLING:
        noun = "animal is" if fewest == 1 else "animals are"
        why = f"{fewest} {noun} too few to resample: no limits"
        if reached:
            return replace(found, status="flagged", reason=why)
        return replace(found, reason=f"{found.reason}; {why}")
    drawn_x, drawn_y = (resampled_medians(*each, draws=draws, rng=rng) for each in (x, y))
    ratio, difference = _limits(drawn_x, drawn_y, found.last_arm, level)
    found = replace(
        found,
        draws=draws,
        ratio_lower=ratio[0],
        ratio_upper=ratio[1] if reached else None,
        difference_lower=difference[0],
        difference_upper=difference[1] if reached else None,
    )
    missing = [
        side
        for side, limits in (
            ("lower", (found.ratio_lower, found.difference_lower)),
            ("upper", (found.ratio_upper, found.difference_upper)),
        )
        if None in limits
    ]
    if reached and missing:
        why = f"too few events: no {' and no '.join(missing)} limit"
        return replace(found, status="unbounded", reason=why)
    return found


def _limits(
    arm: FloatArray, control: FloatArray, last_arm: float, level: float
) -> tuple[Limits, Limits]:
    """Percentile limits of the ratio and of the difference, from the draws of both medians.

    A draw that does not reach the arm's median exceeds its last time, which stands for it in
    lower limits.
    """
    open_control = ~np.isfinite(control)
    both = open_control & ~np.isfinite(arm)
    # a resample whose median is 0, where animals have the event at once, ends the ratio's limit
    divisor = np.where(open_control | (control <= 0), 1.0, control)
    ratio = np.where(open_control, 0.0, np.where(control <= 0, np.inf, arm / divisor))
    difference = np.where(open_control, -np.inf, arm - divisor)
    difference = np.where(~open_control & (control <= 0), arm, difference)
    found = []
    for values, least in ((ratio, 0.0), (difference, -np.inf)):
        beyond = last_arm / divisor if least == 0.0 else last_arm - divisor
        exceeded = np.where(np.isfinite(values), values, np.where(values > 0, beyond, least))
        low = _ranked(np.where(both, least, exceeded), level, upper=False)
        high = _ranked(np.where(both, np.inf, values), level, upper=True)
        found.append((low if low > least else None, _finite(high)))
    return found[0], found[1]


def _ranked(values: FloatArray, level: float, *, upper: bool) -> float:
    """The draw at a limit: no interpolation, which infinite ones would not bear."""
    tail = (1 - level) / 2
    rank = max(math.floor(tail * (values.size + 1) + 1e-9), 1)
    place = values.size - rank if upper else rank - 1
    return float(np.partition(values, place)[place])


def _ordered_medians(time: FloatArray, event: BoolArray) -> FloatArray:
    """Medians of groups whose times rise, events before ended observations of the same time."""
    at_risk = np.arange(time.shape[-1], 0, -1, dtype=np.float64)
    survival = np.cumprod(np.where(event, (at_risk - 1) / at_risk, 1.0), axis=-1)
    low = survival <= 0.5 + _HALF_TOLERANCE
    lower = survival < 0.5 - _HALF_TOLERANCE
    first, after = (np.argmax(mask, axis=-1)[..., np.newaxis] for mask in (low, lower))
    at = np.take_along_axis(time, first, axis=-1)[..., 0]
    later = np.take_along_axis(time, after, axis=-1)[..., 0]
    on_half = ~np.take_along_axis(lower, first, axis=-1)[..., 0] & lower.any(axis=-1)
    found = np.where(on_half, (at + later) / 2, at)
    return np.where(low.any(axis=-1), found, np.inf)


def _group(
    times: FloatArray, happened: BoolArray, groups: NDArray[np.generic], code: int
) -> tuple[FloatArray, BoolArray]:
    """Times and events of one group."""
    mine = groups == code
    if not mine.any():
        expected = "a group that has animals"
        raise InputError(expected, found=f"{code}")
    return times[mine], happened[mine]


def _check_draws(draws: int, level: float) -> None:
    """Refuse fewer resamples than the limits need."""
    least = max(_FEWEST_DRAWS, math.ceil(2 / (1 - level)))
    if draws < least:
        expected = f"{least} draws or more"
        raise InputError(expected, found=f"{draws}")


def _finite(value: float) -> float | None:
    """A number, or None where it is infinite."""
    return value if math.isfinite(value) else None
