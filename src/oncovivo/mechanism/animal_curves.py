"""Each animal's readings beside its own fitted curve and that of the typical animal of its arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.mechanism.engine import Engine
from oncovivo.mechanism.fit.curves import FitData, MechanismCurves
from oncovivo.mechanism.fit.plan import FitPlan

__all__ = ["AnimalCurve", "ArmEffect", "animal_curves", "arm_effects"]

FloatArray: TypeAlias = NDArray[np.float64]

_POINTS: Final = 61
# Share of each arm's animals that must be read on the day on which arms are compared.
_ENOUGH: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimalCurve:
    """An animal: volumes in mm³ by day after baseline.

    Parameters
    ----------
    animal_id, arm : str
        Of the study.
    time_d, reading : tuple of float
        What was read; the limit where the reading is below it.
    below_limit : tuple of bool
        Whether the reading is only an upper bound.
    days : tuple of float
        Days of the curves, to the animal's last reading.
    own, typical : tuple of float
        Volumes with its own numbers, and with those of the typical animal; NaN where the model
        has none.
    """

    animal_id: str
    arm: str
    time_d: tuple[float, ...]
    reading: tuple[float, ...]
    below_limit: tuple[bool, ...]
    days: tuple[float, ...]
    own: tuple[float, ...]
    typical: tuple[float, ...]


def animal_curves(
    plan: FitPlan,
    data: FitData,
    *,
    animals: FloatArray,
    typical: FloatArray,
    engine: Engine = "adaptive",
) -> tuple[AnimalCurve, ...]:
    """Curves of all animals, in the order of the data.

    Parameters
    ----------
    plan : FitPlan
        Model and arms.
    data : FitData
        Readings of n animals.
    animals : ndarray, shape (n, k)
        Each animal's numbers, estimation scale.
    typical : ndarray, shape (k,)
        Those of the typical animal.
    engine : {"adaptive", "generated", "numpy", "scipy"}
        How states are integrated.
    """
    growth = data.growth
    days = np.linspace(0.0, float(growth.time.max()), _POINTS)
    arm = tuple(growth.arms[number] for number in growth.arm)
    curve = MechanismCurves(plan, arm, np.tile(days, (growth.n_animals, 1)), engine=engine)
    own = np.exp(curve(animals))
    common = np.exp(curve(np.tile(typical, (growth.n_animals, 1))))
    found = []
    for number, name in enumerate(growth.animal_ids):
        rows = growth.animal == number
        inside = days <= growth.time[rows].max() + 1e-9
        found.append(
            AnimalCurve(
                animal_id=name,
                arm=arm[number],
                time_d=tuple(growth.time[rows].tolist()),
                reading=tuple(np.exp(growth.log_size[rows]).tolist()),
                below_limit=tuple(growth.below_limit[rows].tolist()),
                days=tuple(days[inside].tolist()),
                own=tuple(own[number, inside].tolist()),
                typical=tuple(common[number, inside].tolist()),
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmEffect:
    """The typical tumor of an arm against that of the control, and what was read.

    Parameters
    ----------
    arm, versus : str
        Of the study.
    time_d : float
        Days after baseline: the last visit on which half of the animals of each arm are read.
    typical_mm3, versus_mm3 : float or None
        Fitted volumes; None where the model has no number.
    ratio : float or None
        Of the two.
    observed_ratio : float or None
        Ratio of the medians of the readings; None where one is below the limit.
    """

    arm: str
    versus: str
    time_d: float
    typical_mm3: float | None
    versus_mm3: float | None
    ratio: float | None
    observed_ratio: float | None


def arm_effects(
    plan: FitPlan, data: FitData, *, typical: FloatArray, engine: Engine = "adaptive"
) -> tuple[ArmEffect, ...]:
    """Every arm against the one that the simulation takes as control; none without a control.

    Parameters
    ----------
    plan : FitPlan
        Model and arms.
    data : FitData
        Readings.
    typical : ndarray, shape (k,)
        Numbers of the typical animal, estimation scale.
    engine : {"adaptive", "generated", "numpy", "scipy"}
        How states are integrated.
    """
    arms = data.growth.arms
    controls = [arm for arm in arms if dict(plan.arms)[arm] == plan.simulation.control]
    day = _common_day(data)
    if not controls or day is None:
        return ()
    curve = MechanismCurves(plan, arms, np.full((len(arms), 1), day), engine=engine)
    volume = np.exp(curve(np.tile(typical, (len(arms), 1))))[:, 0]
    control = arms.index(controls[0])
    medians = [_median(data, number, day) for number in range(len(arms))]
    found = []
    for number, arm in enumerate(arms):
        if number == control:
            continue
        pair = _known(float(volume[number])), _known(float(volume[control]))
        ours, theirs = pair
        read, read_control = medians[number], medians[control]
        found.append(
            ArmEffect(
                arm=arm,
                versus=controls[0],
                time_d=day,
                typical_mm3=ours,
                versus_mm3=theirs,
                ratio=None if ours is None or theirs is None else ours / theirs,
                observed_ratio=(
                    None if read is None or read_control is None else read / read_control
                ),
            )
        )
    return tuple(found)


def _known(value: float) -> float | None:
    """A number, or None for what is none."""
    return value if np.isfinite(value) else None


def _common_day(data: FitData) -> float | None:
    """The last visit on which enough animals of every arm are read; None where there is none."""
    growth = data.growth
    of_reading = growth.arm[growth.animal]
    least = [_ENOUGH * growth.animals_of(number).size for number in range(len(growth.arms))]
    for day in np.unique(growth.time)[::-1]:
        here = np.bincount(of_reading[growth.time == day], minlength=len(growth.arms))
        if day > 0 and (here >= least).all():
            return float(day)
    return None


def _median(data: FitData, arm: int, day: float) -> float | None:
    """Median reading of an arm on a day; None where it is an upper bound."""
    growth = data.growth
    rows = (growth.arm[growth.animal] == arm) & (growth.time == day)
    middle = float(np.median(np.exp(growth.log_size[rows])))
    bound = growth.below_limit[rows].any() and middle <= growth.limit * (1 + 1e-9)
    return None if bound else middle
