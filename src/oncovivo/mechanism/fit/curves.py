"""Log volumes of a study's animals under their regimens, as a function of estimated parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.growth.curve_problem import CurveReadings, readings_from_growth
from oncovivo.growth.data import GrowthData, growth_data
from oncovivo.mechanism.engine import Engine
from oncovivo.mechanism.fit.plan import FitPlan
from oncovivo.mechanism.simulate import run_arm
from oncovivo.mechanism.simulation_file import SimulatedArm
from oncovivo.studies import Study

__all__ = ["FitData", "MechanismCurves", "fit_data", "fit_data_from_growth"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FitData:
    """What a plan takes from a study.

    Parameters
    ----------
    growth : GrowthData
        Readings of the plan's arms.
    readings : CurveReadings
        The same as rows of animals.
    notes : tuple of str
        What was left out.
    """

    growth: GrowthData
    readings: CurveReadings
    notes: tuple[str, ...]


def fit_data(study: Study, plan: FitPlan) -> FitData:
    """The readings that a plan names.

    Parameters
    ----------
    study : Study
        With volumes.
    plan : FitPlan
        Names its arms.

    Raises
    ------
    InputError
        If an arm of the plan has no readings.
    DataError
        If the study has no volumes, or no reading after its baseline.
    """
    return fit_data_from_growth(growth_data(study, baseline_day=plan.baseline_day), plan)


def fit_data_from_growth(data: GrowthData, plan: FitPlan) -> FitData:
    """The readings that a plan names, from growth data; raises as :func:`fit_data`.

    Parameters
    ----------
    data : GrowthData
        Readings of one study.
    plan : FitPlan
        Names its arms.
    """
    where = f"study {data.study_id}"
    if data.measure != "volume_mm3":
        raise DataError("a study of volumes", found="areas", where=where)
    wanted = [data.arm_number(name) for name, _ in plan.arms]
    keep = np.isin(data.arm[data.animal], wanted)
    unused = [name for number, name in enumerate(data.arms) if number not in wanted]
    note = "arms that the plan does not name: " + ", ".join(unused)
    chosen = data.select(keep, note=note) if unused else data
    if not (chosen.time > 0).any():
        raise DataError("readings after the baseline", found="none", where=where)
    return FitData(growth=chosen, readings=readings_from_growth(chosen), notes=chosen.notes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _ArmPlan:
    """Animals of an arm: where they are, when they are read."""

    arm: SimulatedArm
    animals: IntArray
    days: FloatArray
    reading: IntArray


class MechanismCurves:
    """Log volume of n animals at their readings, from k parameters on the estimation scale.

    Parameters
    ----------
    plan : FitPlan
        What is estimated and which regimens there are.
    arm : sequence of str, length n
        Each animal's arm in the study.
    time : ndarray, shape (n, t)
        Days after baseline.
    engine : {"adaptive", "generated", "numpy", "scipy"}
        How states are integrated.
    rtol : float
        Relative tolerance.

    Raises
    ------
    InputError
        If an arm is not in the plan.
    """

    def __init__(
        self,
        plan: FitPlan,
        arm: tuple[str, ...],
        time: FloatArray,
        *,
        engine: Engine = "adaptive",
        rtol: float = 1e-5,
    ) -> None:
        known = dict(plan.arms)
        for name in arm:
            if name not in known:
                raise InputError("an arm of the plan: " + ", ".join(known), found=repr(name))
        self.plan = plan
        self.shape = time.shape
        self.engine: Engine = engine
        self.rtol = rtol
        names = plan.simulation.model.parameter_names
        self.columns = [names.index(one.name) for one in plan.estimated]
        self.output = plan.simulation.model.output_names.index(plan.output)
        self.parts = []
        for name in dict.fromkeys(known[one] for one in arm):
            animals = np.flatnonzero([known[one] == name for one in arm])
            days, reading = np.unique(time[animals], return_inverse=True)
            self.parts.append(
                _ArmPlan(
                    arm=next(one for one in plan.simulation.arms if one.name == name),
                    animals=animals,
                    days=days,
                    reading=reading.reshape(time[animals].shape),
                )
            )

    def __call__(self, phi: FloatArray) -> FloatArray:
        """Log volumes (..., n, t) of parameters (..., n, k); NaN where the model has no number."""
        leading = phi.shape[:-2]
        flat = phi.reshape(-1, *phi.shape[-2:])
        found = np.empty((flat.shape[0], *self.shape))
        for part in self.parts:
            own = flat[:, part.animals]
            # Animals with the same parameters have the same curve: it is solved once.
            same = bool((own == own[:, :1]).all())
            solved = self._solved(part, own[:, :1] if same else own)
            curves = np.broadcast_to(solved, (len(own), len(part.animals), part.days.size))
            index = np.broadcast_to(part.reading, (len(own), *part.reading.shape))
            found[:, part.animals] = np.take_along_axis(curves, index, axis=-1)
        return found.reshape(*leading, *self.shape)

    def _solved(self, part: _ArmPlan, phi: FloatArray) -> FloatArray:
        """Log volumes (r, m, days) of parameters (r, m, k)."""
        rows = phi.reshape(-1, phi.shape[-1])
        values = np.tile(part.arm.parameters.values, (len(rows), 1))
        for place, (column, one) in enumerate(zip(self.columns, self.plan.estimated, strict=True)):
            values[:, column] = one.natural(rows[:, place])
        volume = self._volumes(part, values)
        with np.errstate(divide="ignore", invalid="ignore"):
            log_volume = np.where(volume > 0, np.log(volume), np.nan)
        return log_volume.reshape(*phi.shape[:-1], part.days.size)

    def _volumes(self, part: _ArmPlan, values: FloatArray) -> FloatArray:
        """Volumes of animals; those that cannot be solved are found by halving, and are NaN."""
        try:
            solved = run_arm(
                self.plan.simulation,
                part.arm,
                values,
                part.days,
                engine=self.engine,
                rtol=self.rtol,
            )
        except DataError:
            if len(values) == 1:
                return np.full((1, part.days.size), np.nan)
            half = len(values) // 2
            return np.concatenate(
                [self._volumes(part, values[:half]), self._volumes(part, values[half:])]
            )
        return solved.outputs[:, :, self.output]
