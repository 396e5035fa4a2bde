"""The day on which each animal is expected at its volume limit, from the fitted growth model.

The projected day is where the animal's line (:mod:`~oncovivo.design.endpoint_line`) meets the
limit; its interval ends where the limits of the prediction of a reading do. Growth is exponential
throughout: a tumor that slows down arrives later than projected, one that quickens sooner;
:mod:`~oncovivo.design.endpoint_bend` looks for both.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.design.endpoint_line import (
    AnimalLine,
    animal_line,
    animal_places,
    check_model,
    start_day,
)
from oncovivo.errors import InputError
from oncovivo.growth.fit import GrowthFit

__all__ = [
    "HORIZON",
    "Growth",
    "LimitProjection",
    "ProjectionStatus",
    "check_projection_options",
    "predict_reading",
    "project_limit",
]

FloatArray: TypeAlias = NDArray[np.float64]
ProjectionStatus: TypeAlias = Literal["ok", "flagged", "not_reached", "unbounded", "not_estimable"]
Growth: TypeAlias = Literal["steady", "slowing", "quickening"]

# Beyond a year the projection says nothing that a line can know.
HORIZON: Final = 365.0
"""Days after an animal's last reading beyond which nothing is projected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitProjection:
    """When an animal is expected at its volume limit.

    Parameters
    ----------
    animal_id, arm : str
        The animal and its arm.
    reached : bool
        Whether a reading was at the limit: `day` is then that reading's, `lower` the day of the
        reading before it.
    day : float or None
        Study day on which the animal's line meets the limit; None where it does not within the
        horizon.
    lower, upper : float or None
        Study days between which a reading meets it; None where there is no such day within the
        horizon.
    level : float
        Confidence of the interval.
    last_day, last_volume : float or None
        The last reading: study day and mm³.
    rate : float or None
        The animal's own growth rate, natural log per day.
    status : {"ok", "flagged", "not_reached", "unbounded", "not_estimable"}
        ``flagged``: growth bends, see `growth`; ``unbounded``: there is a day but no upper end;
        ``not_estimable``: no line, because the animal or its study could not enter a fit.
    reason : str
        Why a number is None, or what to know of it.
    quantity : {"volume", "total_volume"}
        Whose limit it is: that of a tumor, or of all tumors of a host.
    limit : float or None
        The limit, mm³.
    growth : {"steady", "slowing", "quickening"}
        Whether the growth of the arm bends away from an exponential.
    rate_last, day_at_last_rate : float or None
        Where it does, the rate at the animal's last reading, and the study day on which it is at
        the limit if it goes on so; None where there is none, as for the total of a host.
    """

    animal_id: str
    arm: str
    reached: bool
    day: float | None
    lower: float | None
    upper: float | None
    level: float
    last_day: float | None
    last_volume: float | None
    rate: float | None
    status: ProjectionStatus
    reason: str
    quantity: Literal["volume", "total_volume"] = "volume"
    limit: float | None = None
    growth: Growth = "steady"
    rate_last: float | None = None
    day_at_last_rate: float | None = None

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def predict_reading(fit: GrowthFit, animal_id: str, day: float) -> tuple[float, float]:
    """Mean and standard deviation of the log size that an animal would be read at on a day.

    Parameters
    ----------
    fit : GrowthFit
        A fit with linear time, without groups and covariates, residuals ``iid`` or ``arm``.
    animal_id : str
        An animal that entered the fit.
    day : float
        Study day.

    Returns
    -------
    tuple of float
        Log mm³, the standard deviation with that of the reading itself.

    Raises
    ------
    InputError
        If the animal did not enter, or the model is another one.
    """
    check_model(fit)
    places = animal_places(fit)
    if animal_id not in places:
        expected = "an animal that entered the fit"
        raise InputError(expected, found=repr(animal_id), where=f"study {fit.data.study_id}")
    line = animal_line(fit, *places[animal_id])
    time = day - start_day(fit, places[animal_id][1])
    return line.mean(time), line.sd(time)


def project_limit(
    fit: GrowthFit, limit: float, *, level: float = 0.95, horizon: float = HORIZON
) -> tuple[LimitProjection, ...]:
    """The day on which each animal is expected at a volume.

    Parameters
    ----------
    fit : GrowthFit
        As for :func:`predict_reading`.
    limit : float
        Volume, mm³.
    level : float
        Confidence of the intervals.
    horizon : float
        Days after an animal's last reading beyond which nothing is projected.

    Returns
    -------
    tuple of LimitProjection
        For each animal of the fit, in the order of its data.

    Raises
    ------
    InputError
        If an option is outside its domain or the model is another one.
    """
    check_model(fit)
    check_projection_options(limit, level, horizon)
    data = fit.data
    places = animal_places(fit)
    found: list[LimitProjection] = []
    for number, name in enumerate(data.animal_ids):
        if name not in places:
            continue
        rows = np.flatnonzero(data.animal == number)
        arm = data.arms[data.arm[number]]
        days, sizes = data.day[rows], np.exp(data.log_size[rows])
        line = animal_line(fit, *places[name])
        reached = np.flatnonzero(~data.below_limit[rows] & (sizes >= limit * (1 - 1e-9)))
        if reached.size:
            found.append(_reached(name, arm, days, sizes, int(reached[0]), line, level=level))
            continue
        start = start_day(fit, number)
        found.append(
            _projected(
                (name, arm),
                line,
                math.log(limit),
                start=start,
                last=(float(days[-1]), float(sizes[-1])),
                level=level,
                horizon=horizon,
            )
        )
    return tuple(replace(projection, limit=limit) for projection in found)


def _reached(
    name: str,
    arm: str,
    days: FloatArray,
    sizes: FloatArray,
    first: int,
    line: AnimalLine,
    *,
    level: float,
) -> LimitProjection:
    """An animal that was read at the limit."""
    return LimitProjection(
        animal_id=name,
        arm=arm,
        reached=True,
        day=float(days[first]),
        lower=float(days[max(first - 1, 0)]),
        upper=float(days[first]),
        level=level,
        last_day=float(days[-1]),
        last_volume=float(sizes[-1]),
        rate=line.slope,
        status="ok",
        reason="",
    )


def _projected(
    who: tuple[str, str],
    line: AnimalLine,
    target: float,
    *,
    start: float,
    last: tuple[float, float],
    level: float,
    horizon: float,
) -> LimitProjection:
    """An animal that is still below the limit."""
    begin = last[0] - start
    reach = line.quantile(level)

    def first(reach: float) -> float | None:
        time = line.first(target, reach, begin)
        return None if time is None or time > begin + horizon else start + time

    day, lower, upper = first(0.0), first(reach), first(-reach)
    status: ProjectionStatus = "ok"
    reason = ""
    if day is None:
        status = "not_reached"
        reason = (
            f"the tumor does not grow: {line.slope:+.3f} per day"
            if line.slope <= 0
            else f"not within {horizon:g} days of its last reading"
        )
    elif upper is None:
        status = "unbounded"
        reason = f"the upper end is not within {horizon:g} days of its last reading"
    return LimitProjection(
        animal_id=who[0],
        arm=who[1],
        reached=False,
        day=day,
        lower=lower,
        upper=upper,
        level=level,
        last_day=last[0],
        last_volume=last[1],
        rate=line.slope,
        status=status,
        reason=reason,
    )


def check_projection_options(limit: float, level: float, horizon: float) -> None:
    """Refuse numbers outside their domains.

    Parameters
    ----------
    limit : float
        Volume, mm³, above zero.
    level : float
        Between 0 and 1.
    horizon : float
        Days, above zero.

    Raises
    ------
    InputError
        If one is not.
    """
    if not 0 < limit < math.inf:
        expected = "a positive limit in mm³"
        raise InputError(expected, found=f"{limit:g}")
    if not 0 < level < 1:
        expected = "a level between 0 and 1"
        raise InputError(expected, found=f"{level:g}")
    if not 0 < horizon < math.inf:
        expected = "a positive horizon in days"
        raise InputError(expected, found=f"{horizon:g}")
