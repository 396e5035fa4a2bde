"""Log volumes of a study's animals under their regimens, as a function of estimated parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.growth.curve_problem import CurveReadings, readings_from_growth
from oncovivo.growth.data import GrowthData, growth_data
from oncovivo.mechanism.cohort import Cohort, Regimen
from oncovivo.mechanism.engine import Engine
from oncovivo.mechanism.fit.output_readings import OutputReading, with_outputs
from oncovivo.mechanism.fit.plan import FitPlan
from oncovivo.mechanism.simulate import arm_doses
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


def fit_data(study: Study, plan: FitPlan, *, further: Sequence[OutputReading] = ()) -> FitData:
    """The readings that a plan names.

    Parameters
    ----------
    study : Study
        With volumes.
    plan : FitPlan
        Names its arms.
    further : sequence of OutputReading
        Of the outputs that the plan names besides the volume.

    Raises
    ------
    InputError
        If an arm of the plan or an output has no readings, or a reading does not fit the plan.
    DataError
        If the study has no volumes, or no reading after its baseline.
    """
    growth = growth_data(study, baseline_day=plan.baseline_day)
    return fit_data_from_growth(growth, plan, further=further)


def fit_data_from_growth(
    data: GrowthData, plan: FitPlan, *, further: Sequence[OutputReading] = ()
) -> FitData:
    """The readings that a plan names, from growth data; raises as :func:`fit_data`.

    Parameters
    ----------
    data : GrowthData
        Readings of one study.
    plan : FitPlan
        Names its arms.
    further : sequence of OutputReading
        Of the outputs that the plan names besides the volume.
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
    readings, notes = readings_from_growth(chosen), chosen.notes
    if plan.further or further:
        readings, more = with_outputs(readings, chosen, plan, further)
        notes = (*notes, *more)
    return FitData(growth=chosen, readings=readings, notes=notes)


class MechanismCurves:
    """What n animals are expected to show at their readings, from k parameters.

    Parameters are on the estimation scale; what comes back is on the scale on which the error of
    a reading is normal: the logarithm for volumes and other lognormal outputs.

    Parameters
    ----------
    plan : FitPlan
        What is estimated and which regimens there are.
    arm : sequence of str, length n
        Each animal's arm in the study.
    time : ndarray, shape (n, t)
        Days after baseline.
    kind : ndarray of int, shape (n, t), optional
        Which of the plan's outputs each reading is of; all of the first unless given.
    engine : {"adaptive", "generated", "numpy", "scipy"}
        How states are integrated.
    rtol : float
        Relative tolerance of a step.

    Raises
    ------
    InputError
        If an arm is not in the plan.
    """

    def __init__(
        self,
        plan: FitPlan,
        arm: Sequence[str],
        time: FloatArray,
        kind: IntArray | None = None,
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
        model = plan.simulation.model
        self.columns = [model.parameter_names.index(one.name) for one in plan.estimated]
        names = list(dict.fromkeys(arm))
        self.regimen = np.array([names.index(name) for name in arm], dtype=np.intp)
        arms = [plan.simulated_arm(name) for name in names]
        self.values = np.stack([one.parameters.values for one in arms])
        own_days = [np.unique(time[self.regimen == number]) for number in range(len(arms))]
        most = max(days.size for days in own_days)
        regimens = []
        day = np.zeros(time.shape, dtype=np.intp)
        for number, (one, days) in enumerate(zip(arms, own_days, strict=True)):
            rows = self.regimen == number
            day[rows] = np.searchsorted(days, time[rows])
            doses, events = arm_doses(model, one)
            # All have as many days: the last one is asked for again.
            padded = np.concatenate((days, np.full(most - days.size, days[-1])))
            regimens.append(Regimen(doses=doses, events=events, days=padded))
        self.cohort = Cohort(model=model, regimens=tuple(regimens), engine=engine, rtol=rtol)
        self.outputs = [model.output_names.index(one.name) for one in plan.outputs]
        self.factors = np.array([one.factor for one in plan.outputs])
        self.logged = np.array([one.error == "lognormal" for one in plan.outputs])
        which = np.zeros(time.shape, dtype=np.intp) if kind is None else kind
        # Where a reading lies among the days and outputs of its animal.
        self.reading = day * len(self.outputs) + which

    @classmethod
    def of(
        cls, plan: FitPlan, data: FitData, *, engine: Engine = "adaptive", rtol: float = 1e-5
    ) -> MechanismCurves:
        """The curves of all readings of a fit, in the order of ``data.readings``.

        Parameters
        ----------
        plan, data
            As of :func:`fit_data`.
        engine, rtol
            As of the class.
        """
        arm = tuple(data.growth.arms[number] for number in data.growth.arm)
        readings = data.readings
        return cls(plan, arm, readings.time, readings.output, engine=engine, rtol=rtol)

    def __call__(self, phi: FloatArray) -> FloatArray:
        """Curves (..., n, t) of parameters (..., n, k); NaN where the model has no number."""
        flat = phi.reshape(-1, *phi.shape[-2:])
        # Animals with the same parameters have the same curve: it is solved once for a regimen.
        if (flat == flat[:, :1]).all():
            each = np.broadcast_to(flat[:, :1], (len(flat), len(self.values), flat.shape[2]))
            solved = self._solved(each, np.arange(len(self.values)))[:, self.regimen]
        else:
            solved = self._solved(flat, self.regimen)
        index = np.broadcast_to(self.reading, (len(flat), *self.shape))
        return np.take_along_axis(solved, index, axis=-1).reshape(*phi.shape[:-2], *self.shape)

    def _solved(self, phi: FloatArray, regimen: IntArray) -> FloatArray:
        """Curves (r, m, days x outputs) of parameters (r, m, k) of animals on m regimens."""
        values = np.tile(self.values[regimen], (len(phi), 1, 1))
        for place, (column, one) in enumerate(zip(self.columns, self.plan.estimated, strict=True)):
            values[..., column] = one.natural(phi[..., place])
        rows = values.reshape(-1, values.shape[-1])
        shown = self._shown(rows, np.tile(regimen, len(phi)))
        return shown.reshape(*phi.shape[:-1], -1)

    def _shown(self, values: FloatArray, regimen: IntArray) -> FloatArray:
        """Outputs of animals (m, days, outputs); those that cannot be solved are found by halving.

        They are NaN.
        """
        try:
            found = self.cohort.outputs(values, regimen)[:, :, self.outputs] * self.factors
        except DataError:
            if len(values) == 1:
                days = self.cohort.regimens[0].days.size
                return np.full((1, days, len(self.outputs)), np.nan)
            half = len(values) // 2
            return np.concatenate(
                [
                    self._shown(values[:half], regimen[:half]),
                    self._shown(values[half:], regimen[half:]),
                ]
            )
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(found > 0, np.log(found), np.nan)
        return np.where(self.logged, logs, found)
