"""Whether growth bends away from the exponential that projections go by.

In each arm a parabola is laid through the log sizes of each animal with three days or more. Its
curvatures, weighted by how well the days tell them, are compared with zero by a t test with the
animals as the units, so that readings that resemble their neighbors do no harm. Growth is said to
bend where the test is beyond 5 % and the rate at the last reading differs from the average one by
a fifth or more: a bend that is there and that is worth knowing.

What follows for a projection is said beside it: the rate at the animal's last reading, and the day
on which it is at the limit if it goes on so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.design.endpoint_projection import HORIZON, Growth, LimitProjection
from oncovivo.growth.data import GrowthData

__all__ = ["GrowthBend", "find_bends", "flag_bends"]

FloatArray: TypeAlias = NDArray[np.float64]

_LEVEL: Final = 0.05
_VISIBLE: Final = 0.2
# Days and animals that a parabola and a t test need.
_FEWEST: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthBend:
    """How the growth of an arm bends.

    Parameters
    ----------
    arm : str
        The arm.
    growth : {"steady", "slowing", "quickening"}
        What is said of it; ``steady`` also where nothing can be said.
    curvature : float or None
        Change of the rate per day, natural log per day²; None with fewer than three animals of
        three days.
    p_value : float or None
        Of no curvature, two-sided.
    rate, rate_last : float or None
        Average rate, and that at the last reading; means over the animals, per day.
    """

    arm: str
    growth: Growth
    curvature: float | None = None
    p_value: float | None = None
    rate: float | None = None
    rate_last: float | None = None

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def find_bends(data: GrowthData) -> tuple[GrowthBend, ...]:
    """How the growth of each arm bends.

    Parameters
    ----------
    data : GrowthData
        The readings; those below the limit are left out.
    """
    return tuple(
        _bend(
            arm,
            [
                series
                for animal in np.flatnonzero(data.arm == number).tolist()
                if (series := _series(data, animal)) is not None
            ],
        )
        for number, arm in enumerate(data.arms)
    )


def flag_bends(
    data: GrowthData,
    projections: Sequence[LimitProjection],
    bends: Sequence[GrowthBend],
    *,
    horizon: float = HORIZON,
) -> tuple[LimitProjection, ...]:
    """The projections, with what a bend makes of them.

    Parameters
    ----------
    data : GrowthData
        The readings.
    projections : sequence of LimitProjection
        Of their animals or hosts.
    bends : sequence of GrowthBend
        Of their arms.
    horizon : float
        Days after an animal's last reading beyond which no day is given.
    """
    of_arm = {bend.arm: bend for bend in bends}
    return tuple(
        _flagged(data, found, of_arm[found.arm], horizon)
        if found.arm in of_arm and of_arm[found.arm].growth != "steady" and not found.reached
        else found
        for found in projections
    )


def _series(data: GrowthData, animal: int) -> tuple[FloatArray, FloatArray] | None:
    """Times and log sizes of an animal; None where they carry no parabola."""
    rows = (data.animal == animal) & ~data.below_limit
    time, size = data.time[rows], data.log_size[rows]
    return (time, size) if np.unique(time).size >= _FEWEST else None


def _bend(arm: str, animals: Sequence[tuple[FloatArray, FloatArray]]) -> GrowthBend:
    """The bend of an arm."""
    if len(animals) < _FEWEST:
        return GrowthBend(arm=arm, growth="steady")
    found = [_parabola(time, size) for time, size in animals]
    curves, weights = np.array(found).T
    share = weights / weights.sum()
    mean = float(share @ curves)
    # With equal weights this is the standard error of a mean.
    n = len(animals)
    error = math.sqrt(float(share**2 @ (curves - mean) ** 2) * n / (n - 1))
    p_value = 2 * float(special.stdtr(n - 1, -abs(mean) / error)) if error > 0 else 1.0
    lines = [_line(time, size, 0.0)[1] for time, size in animals]
    ends = [_line(time, size, mean)[1] + 2 * mean * time[-1] for time, size in animals]
    rate, last = float(np.mean(lines)), float(np.mean(ends))
    growth: Growth = "steady"
    if p_value < _LEVEL and abs(last - rate) >= _VISIBLE * abs(rate):
        growth = "slowing" if mean < 0 else "quickening"
    return GrowthBend(
        arm=arm, growth=growth, curvature=2 * mean, p_value=p_value, rate=rate, rate_last=last
    )


def _parabola(time: FloatArray, size: FloatArray) -> tuple[float, float]:
    """Coefficient of the square by least squares, and how much the days tell of it."""
    line = np.column_stack((np.ones_like(time), time))
    square = time**2
    rest = square - line @ np.linalg.lstsq(line, square, rcond=None)[0]
    known = float(rest @ rest)
    return float(rest @ size) / known, known


def _line(time: FloatArray, size: FloatArray, square: float) -> tuple[float, float]:
    """Start and slope of an animal's own parabola whose coefficient of the square is given."""
    line = np.column_stack((np.ones_like(time), time))
    start, slope = np.linalg.lstsq(line, size - square * time**2, rcond=None)[0]
    return float(start), float(slope)


def _flagged(
    data: GrowthData, found: LimitProjection, bend: GrowthBend, horizon: float
) -> LimitProjection:
    """A projection with the rate at the last reading and the day that follows from it."""
    later = "later" if bend.growth == "slowing" else "sooner"
    rate = day = None
    if found.animal_id in data.animal_ids and found.limit is not None:
        series = _series(data, data.animal_ids.index(found.animal_id))
        if series is not None and bend.curvature is not None and found.last_day is not None:
            time, size = series
            square = bend.curvature / 2
            start, slope = _line(time, size, square)
            rate = slope + 2 * square * float(time[-1])
            level = start + slope * float(time[-1]) + square * float(time[-1]) ** 2
            if rate > 0:
                day = max(found.last_day + (math.log(found.limit) - level) / rate, found.last_day)
                day = day if day <= found.last_day + horizon else None
    reason = f"growth of the arm is {bend.growth}: the day may be {later}"
    return replace(
        found,
        growth=bend.growth,
        rate_last=rate,
        day_at_last_rate=day,
        status="flagged" if found.status == "ok" else found.status,
        reason=f"{found.reason}; {reason}" if found.reason else reason,
    )
