"""The day on which several tumors of an animal are expected at a limit together.

The total is the sum of the tumors' lines on the scale of volumes, so it bends upwards where the
tumors grow at different rates. The logarithm of the total is predicted with the variance

    sum over tumors j, k of p_j p_k cov(j, k),

p the tumors' shares of the total on that day and cov the covariance of the predicted readings
(first order of the delta method). With one tumor this is the projection of that tumor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray

from oncovivo.design.endpoint_counts import total_series
from oncovivo.design.endpoint_line import (
    AnimalLine,
    animal_line,
    animal_places,
    check_model,
    start_day,
)
from oncovivo.design.endpoint_projection import (
    HORIZON,
    LimitProjection,
    ProjectionStatus,
    check_projection_options,
)
from oncovivo.growth.fit import GrowthFit

__all__ = ["project_total"]

FloatArray: TypeAlias = NDArray[np.float64]

# Between two of these days a line does not meet the limit twice.
_STEP: Final = 0.5
_ROUNDING: Final = 1e-9


class _Total:
    """Mean and standard deviation of the log of a total on a study day."""

    def __init__(self, fit: GrowthFit, tumors: Sequence[tuple[int, int]]) -> None:
        self._lines: list[AnimalLine] = [animal_line(fit, *place) for place in tumors]
        self._starts = [start_day(fit, number) for _, number in tumors]
        self._covariance = fit.inference.covariance

    def quantile(self, level: float) -> float:
        """How many standard deviations an interval reaches."""
        return self._lines[0].quantile(level)

    def rate(self, day: float) -> float:
        """Growth rate of the total, natural log per day."""
        means = self._means(day)
        shares = np.exp(means - np.logaddexp.reduce(means))
        return float(shares @ [line.slope for line in self._lines])

    def edge(self, day: float, reach: float) -> float:
        """Mean and so many standard deviations."""
        means = self._means(day)
        mean = np.logaddexp.reduce(means)
        shares = np.exp(means - mean)
        weights = np.zeros(len(self._covariance))
        own = 0.0
        for share, line, start in zip(shares, self._lines, self._starts, strict=True):
            z = np.array([1.0, day - start])
            weights += share * (z @ line.weights)
            own += (share * line.own_sd(z[1])) ** 2
        return float(mean + reach * math.sqrt(float(weights @ self._covariance @ weights) + own))

    def _means(self, day: float) -> FloatArray:
        return np.array(
            [line.mean(day - start) for line, start in zip(self._lines, self._starts, strict=True)]
        )

    def first(self, target: float, reach: float, begin: float, end: float) -> float | None:
        """First day from one to another on which mean and deviations meet the target."""
        days = np.append(np.arange(begin, end, _STEP), end)
        gaps = np.array([self.edge(day, reach) - target for day in days])
        at = np.flatnonzero(gaps >= 0)
        if not at.size:
            return None
        place = int(at[0])
        if place == 0:
            return begin
        return float(
            scipy.optimize.brentq(
                lambda day: self.edge(day, reach) - target,
                days[place - 1],
                days[place],
                xtol=1e-10,
            )
        )


def project_total(
    fit: GrowthFit,
    limit: float,
    hosts: Mapping[str, Sequence[str]],
    *,
    level: float = 0.95,
    horizon: float = HORIZON,
) -> tuple[LimitProjection, ...]:
    """The day on which the tumors of each host are expected at a total volume.

    Parameters
    ----------
    fit : GrowthFit
        A growth model of the tumors, as for
        :func:`~oncovivo.design.endpoint_projection.predict_reading`.
    limit : float
        Total volume, mm³.
    hosts : mapping of str to sequence of str
        The tumors of each host; those without a reading are left out of its total.
    level : float
        Confidence of the intervals.
    horizon : float
        Days after a host's last reading beyond which nothing is projected.

    Returns
    -------
    tuple of LimitProjection
        For each host with a tumor in the fit, in the order of the mapping.

    Raises
    ------
    InputError
        If an option is outside its domain or the model is another one.
    """
    check_model(fit)
    check_projection_options(limit, level, horizon)
    places = animal_places(fit)
    found = []
    for host, tumors in hosts.items():
        known = [places[name] for name in tumors if name in places]
        if known:
            found.append(_project(fit, host, known, limit, level=level, horizon=horizon))
    return tuple(found)


def _project(
    fit: GrowthFit,
    host: str,
    tumors: Sequence[tuple[int, int]],
    limit: float,
    *,
    level: float,
    horizon: float,
) -> LimitProjection:
    """The projection of a host."""
    total = _Total(fit, tumors)
    series = total_series(fit.data, [number for _, number in tumors])
    last_day, last_volume = series[-1]
    at = [n for n, (_, volume) in enumerate(series) if volume >= limit * (1 - _ROUNDING)]
    day: float | None
    lower: float | None
    upper: float | None
    status: ProjectionStatus = "ok"
    reason = ""
    if at:
        day = upper = series[at[0]][0]
        lower = series[max(at[0] - 1, 0)][0]
    else:
        reach, end = total.quantile(level), last_day + horizon
        day, lower, upper = (
            total.first(math.log(limit), side * reach, last_day, end) for side in (0, 1, -1)
        )
        if day is None:
            status = "not_reached"
            rate = total.rate(last_day)
            reason = (
                f"the tumors together do not grow: {rate:+.3f} per day"
                if rate <= 0
                else f"not within {horizon:g} days of its last reading"
            )
        elif upper is None:
            status = "unbounded"
            reason = f"the upper end is not within {horizon:g} days of its last reading"
    return LimitProjection(
        animal_id=host,
        arm=fit.data.arms[int(fit.data.arm[tumors[0][1]])],
        reached=bool(at),
        day=day,
        lower=lower,
        upper=upper,
        level=level,
        last_day=last_day,
        last_volume=last_volume,
        rate=total.rate(last_day),
        status=status,
        reason=reason,
        quantity="total_volume",
        limit=limit,
    )
