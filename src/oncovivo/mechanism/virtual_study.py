"""Virtual studies as others take them: a study like any that was read, or arrays for many fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.growth.data import growth_data_from_arrays
from oncovivo.growth.fit import growth_problem
from oncovivo.growth.model import GrowthModel
from oncovivo.growth.replicates import Replicates
from oncovivo.growth.terms import fixed_terms
from oncovivo.mechanism.parameters import Status
from oncovivo.mechanism.simulation_file import SimulatedArm, Simulation
from oncovivo.mechanism.virtual import VOLUME_STATES, VirtualStudies, study_plan
from oncovivo.studies.study import Animal, Arm, LeavingReason, Role, Study, XenograftLine
from oncovivo.tables import MEASUREMENT_COLUMNS

__all__ = ["GrowthReplicates", "growth_replicates", "to_study"]

FloatArray: TypeAlias = NDArray[np.float64]

_NOT_MEASURED = VOLUME_STATES.index("not_measured")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GrowthReplicates:
    """Virtual studies for `oncovivo.growth.fit_many`, and the questions to them.

    Parameters
    ----------
    studies : Replicates
        Log volumes of all studies, with the default growth model as design.
    weights : ndarray, shape (k, p)
        Difference of the growth rate of each arm from the control's, natural log per day.
    arms : tuple of str, length k
        The arms, without the control.
    versus : str
        The control.
    """

    studies: Replicates
    weights: FloatArray
    arms: tuple[str, ...]
    versus: str


def to_study(virtual: VirtualStudies, index: int) -> Study:
    """One of the virtual studies, marked as simulated; readings after leaving are no rows.

    Parameters
    ----------
    virtual : VirtualStudies
        All of them.
    index : int
        Which one, from 0.

    Raises
    ------
    InputError
        If there is no such study.
    """
    if not 0 <= index < virtual.n_studies:
        expected = f"a study from 0 to {virtual.n_studies - 1}"
        raise InputError(expected, found=str(index))
    simulation = virtual.simulation
    plan = study_plan(simulation)
    names = _animal_names(virtual)
    rows = virtual.state[index] != _NOT_MEASURED
    shape = rows.shape
    columns: dict[str, object] = {
        name: np.full(rows.sum(), np.nan) for name in MEASUREMENT_COLUMNS
    }
    columns["animal_id"] = np.broadcast_to(names[..., np.newaxis], shape)[rows]
    columns["day"] = np.broadcast_to(virtual.days, shape)[rows]
    columns["volume_mm3"] = virtual.reading[index][rows]
    columns["volume_state"] = np.array(VOLUME_STATES, dtype=object)[virtual.state[index][rows]]
    ends = zip(
        virtual.end_day[index].ravel().tolist(),
        virtual.at_volume_limit[index].ravel().tolist(),
        strict=True,
    )
    reasons: tuple[LeavingReason, LeavingReason] = ("scheduled", "volume_limit")
    arms = np.repeat(np.array(virtual.arms, dtype=object), plan.animals_per_arm).tolist()
    return Study(
        study_id=f"{simulation.name}-{index + 1}",
        title=f"Virtual study {index + 1} of simulation {simulation.name}: {simulation.title}",
        source=f"simulation {simulation.name}",
        simulated=True,
        # Where numbers of the model differ between arms, so may their animals.
        randomized=None if any(arm.changed for arm in simulation.arms) else True,
        line=XenograftLine(name=f"virtual ({simulation.name})"),
        arms=tuple(
            Arm(
                name=arm.name,
                role=_role(arm, control=arm.name == simulation.control),
                regimens=() if arm.regimen is None else (arm.regimen,),
            )
            for arm in simulation.arms
        ),
        animals=tuple(
            Animal(animal_id=name, arm=arm, end_day=day, end_reason=reasons[at_limit])
            for name, arm, (day, at_limit) in zip(names.ravel().tolist(), arms, ends, strict=True)
        ),
        declared_baseline_day=plan.days[0],
        limit_mm3=plan.limit_mm3,
        zeros="gone",
        notes=(_what_is_behind(simulation),),
        table=pd.DataFrame(columns),
    )


def growth_replicates(virtual: VirtualStudies) -> GrowthReplicates:
    """Log volumes of all studies as one design, so that thousands are fitted at once.

    The model is the default one of `fit_growth`. As there, readings below the limit and tumors
    that are gone are left out; where they are many, rates of shrinking tumors are overestimated.

    Parameters
    ----------
    virtual : VirtualStudies
        Studies with two arms or more.

    Raises
    ------
    InputError
        If there is one arm only.
    """
    simulation = virtual.simulation
    if len(virtual.arms) < 2:
        raise InputError("two arms or more, to be compared", found="one", where=simulation.name)
    _, arms, n, visits = virtual.reading.shape
    days = virtual.days
    data = growth_data_from_arrays(
        arm=[name for name in virtual.arms for _ in range(n * visits)],
        animal_id=np.repeat(_animal_names(virtual).ravel(), visits).tolist(),
        time=np.tile(days - days[0], arms * n),
        log_size=np.zeros(arms * n * visits),
        name=simulation.name,
    )
    model = GrowthModel()
    terms = fixed_terms(data, model)
    measured = virtual.measured
    log_size = np.log(np.where(measured, virtual.reading, 1.0))
    control = virtual.arms.index(simulation.control)
    others = [number for number in range(arms) if number != control]
    return GrowthReplicates(
        studies=Replicates(
            design=growth_problem(data, model, terms),
            outcomes=log_size.reshape(virtual.n_studies, -1),
            observed=None if measured.all() else measured.reshape(virtual.n_studies, -1),
        ),
        weights=np.array([terms.rate(number) - terms.rate(control) for number in others]),
        arms=tuple(virtual.arms[number] for number in others),
        versus=simulation.control,
    )


def _animal_names(virtual: VirtualStudies) -> NDArray[np.object_]:
    """Names of the animals of a study, shape (a, n)."""
    _, arms, n, _ = virtual.reading.shape
    width = len(str(arms * n))
    names = [f"m{number:0{width}d}" for number in range(1, arms * n + 1)]
    return np.array(names, dtype=object).reshape(arms, n)


def _role(arm: SimulatedArm, *, control: bool) -> Role:
    """What an arm is in the study; nothing tells a vehicle from no treatment but its name."""
    if arm.regimen is None:
        return "vehicle" if "vehicle" in arm.name.casefold() else "untreated"
    if control:
        return "reference"
    return "monotherapy" if len(arm.regimen.treatments) == 1 else "combination"


def _what_is_behind(simulation: Simulation) -> str:
    """How many of the numbers behind a study are not measured or fitted."""
    names = simulation.model.parameter_names

    def count(status: Status) -> int:
        return sum(
            any(arm.parameters[name].status == status for arm in simulation.arms) for name in names
        )

    return (
        f"No animal was measured: of the {len(names)} numbers of the model {count('assumed')} are "
        f"assumed and {count('scaled')} scaled"
    )
