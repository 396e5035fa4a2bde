"""Visual predictive check: percentiles of readings by visit, observed and simulated from a fit.

Studies as large as the real one are simulated from the population. Where the plan says at which
volume animals leave, simulated ones leave so too; else they are there when the real ones were.
Readings below the limit stand at the limit, in both: a percentile at the limit is an upper bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.mechanism.engine import Engine
from oncovivo.mechanism.fit.curves import FitData, MechanismCurves
from oncovivo.mechanism.fit.plan import FitPlan

__all__ = [
    "LEAST_ANIMALS",
    "LEAST_STUDIES",
    "PERCENTILES",
    "VisitCheck",
    "VisualCheck",
    "visual_check",
]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

PERCENTILES: Final[tuple[float, ...]] = (10.0, 50.0, 90.0)
LEAST_STUDIES: Final = 20
"""Simulated studies below which a band means nothing."""
LEAST_ANIMALS: Final = 3
"""Animals read on a visit below which percentiles are only their readings."""
_LEVEL: Final = 0.9
# Share of the simulated studies that must have an animal at a visit for a band there.
_ENOUGH: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitCheck:
    """A visit of an arm; volumes in mm³, in the order of `PERCENTILES`.

    Parameters
    ----------
    arm : str
        Of the study.
    time_d : float
        Days after baseline.
    animals : int
        Read on that visit.
    below_limit : int
        Of them, below the limit.
    readings : tuple of float
        Those at the limit or above, rising.
    observed : tuple of float
        Percentiles of all readings.
    median, lower, upper : tuple of float or None
        Of the same percentiles in simulated studies, with limits; None where fewer than three
        animals were read, or too few of the simulated studies have one left.
    """

    arm: str
    time_d: float
    animals: int
    below_limit: int
    readings: tuple[float, ...]
    observed: tuple[float, ...]
    median: tuple[float, ...] | None
    lower: tuple[float, ...] | None
    upper: tuple[float, ...] | None

    @property
    def inside(self) -> tuple[bool, ...] | None:
        """Whether each observed percentile lies in its band."""
        if self.lower is None or self.upper is None:
            return None
        ends = zip(self.observed, self.lower, self.upper, strict=True)
        return tuple(low <= value <= high for value, low, high in ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisualCheck:
    """A visual predictive check.

    Parameters
    ----------
    title : str
        Of the fit.
    animals : tuple of (str, int)
        Each arm, and how many animals it has.
    visits : tuple of VisitCheck
        Arm by arm, by day.
    limit_mm3 : float
        Smallest volume that can be measured.
    leaves_at_mm3 : float or None
        Reading at which simulated animals left; None where they were read when real ones were.
    studies : int
        Simulated studies.
    level : float
        Share of them inside the limits.
    """

    title: str
    animals: tuple[tuple[str, int], ...]
    visits: tuple[VisitCheck, ...]
    limit_mm3: float
    leaves_at_mm3: float | None
    studies: int
    level: float

    @property
    def share_inside(self) -> float | None:
        """Share of observed percentiles in their bands; None where there is no band."""
        held = [value for visit in self.visits for value in visit.inside or ()]
        return sum(held) / len(held) if held else None


def visual_check(
    plan: FitPlan,
    data: FitData,
    *,
    mean: FloatArray,
    spread: FloatArray,
    sigma: float,
    rng: np.random.Generator,
    studies: int = 200,
    engine: Engine = "adaptive",
) -> VisualCheck:
    """Simulate studies from a population and compare their percentiles with the readings.

    Parameters
    ----------
    plan : FitPlan
        Model and arms.
    data : FitData
        Readings.
    mean, spread : ndarray, shape (k,)
        Of the animals, estimation scale.
    sigma : float
        Standard deviation of a log reading.
    rng : numpy.random.Generator
        Source of the draws.
    studies : int
        How many are simulated, 20 or more.
    engine : {"adaptive", "generated", "numpy", "scipy"}
        How states are integrated.

    Raises
    ------
    InputError
        If fewer than 20 studies are asked for.
    """
    if studies < LEAST_STUDIES:
        raise InputError(f"{LEAST_STUDIES} simulated studies or more", found=str(studies))
    growth = data.growth
    lower, upper = plan.box
    visits: list[VisitCheck] = []
    for number, arm in enumerate(growth.arms):
        animals = growth.animals_of(number)
        rows = np.isin(growth.animal, animals)
        days, day = np.unique(growth.time[rows], return_inverse=True)
        place = np.searchsorted(animals, growth.animal[rows])
        shape = (animals.size, days.size)
        seen, below = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
        reading = np.full(shape, np.nan)
        seen[place, day] = True
        below[place, day] = growth.below_limit[rows]
        reading[place, day] = growth.log_size[rows]
        curve = MechanismCurves(
            plan, (arm,) * shape[0], np.tile(days, (shape[0], 1)), engine=engine
        )
        luck = rng.standard_normal((studies, shape[0], mean.size))
        noise = rng.standard_normal((studies, *shape))
        simulated = curve(np.clip(mean + spread * luck, lower, upper)) + sigma * noise
        there = _there(simulated, seen, plan.leaves_at_mm3)
        simulated = np.maximum(simulated, np.log(growth.limit))
        simulated = np.where(there & np.isfinite(simulated), simulated, np.nan)
        for index, time in enumerate(days):
            here = reading[seen[:, index], index]
            band = _band(simulated[:, :, index]) if here.size >= LEAST_ANIMALS else None
            visits.append(
                VisitCheck(
                    arm=arm,
                    time_d=float(time),
                    animals=int(here.size),
                    below_limit=int(below[:, index].sum()),
                    readings=_volumes(np.sort(reading[seen[:, index] & ~below[:, index], index])),
                    observed=_volumes(np.percentile(here, PERCENTILES)),
                    median=None if band is None else _volumes(band[1]),
                    lower=None if band is None else _volumes(band[0]),
                    upper=None if band is None else _volumes(band[2]),
                )
            )
    return VisualCheck(
        title=plan.title,
        animals=tuple(
            (arm, int(growth.animals_of(number).size)) for number, arm in enumerate(growth.arms)
        ),
        visits=tuple(visits),
        limit_mm3=float(growth.limit),
        leaves_at_mm3=plan.leaves_at_mm3,
        studies=studies,
        level=_LEVEL,
    )


def _there(simulated: FloatArray, seen: BoolArray, leaves_at: float | None) -> BoolArray:
    """Where simulated animals are read, (studies, n, visits)."""
    if leaves_at is None:
        return np.broadcast_to(seen, simulated.shape)
    large = simulated >= np.log(leaves_at)
    # The reading that reaches the limit is the last one.
    return np.asarray(np.cumsum(large, axis=-1) - large == 0)


def _band(values: FloatArray) -> FloatArray | None:
    """Lower limit, median and upper limit (3, percentiles) of the studies' percentiles."""
    filled = np.isfinite(values).any(axis=1)
    if filled.mean() < _ENOUGH:
        return None
    found = np.nanpercentile(values[filled], PERCENTILES, axis=1).T
    ends = (50 * (1 - _LEVEL), 50.0, 50 * (1 + _LEVEL))
    return np.asarray(np.percentile(found, ends, axis=0))


def _volumes(logs: FloatArray) -> tuple[float, ...]:
    """Natural values."""
    return tuple(float(value) for value in np.exp(logs))
