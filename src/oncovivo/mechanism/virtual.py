"""Virtual studies: animals drawn around the numbers of a model, read by a caliper, and leaving.

Three layers are kept apart. A study has one draw of the typical values, which is as much as is
known of them and is shared by all its animals and arms. Animals differ around these values, and
no two animals have the same luck, within an arm or between arms: the arms of a study are as
independent as those of a real one. (`oncovivo.mechanism.simulate` compares the same animal in all
arms, which no study can.) Each reading has the error of the caliper.

Every study has a stream of random numbers of its own, so that results do not depend on who does
the work: study 7 has the same animals and the same errors whether ten studies are drawn or a
thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.mechanism.dimensions import parse_compound_unit
from oncovivo.mechanism.engine import Engine
from oncovivo.mechanism.model import Model
from oncovivo.mechanism.population import draw_parameters
from oncovivo.mechanism.simulate import SimulationWarning, run_arm
from oncovivo.mechanism.simulation_file import BandKind, Simulation, VirtualStudyPlan
from oncovivo.numerics.mapping import map_parts
from oncovivo.tables import VolumeState

__all__ = ["VOLUME_STATES", "VirtualStudies", "draw_virtual", "study_plan"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
StateArray: TypeAlias = NDArray[np.int8]

VOLUME_STATES: Final[tuple[VolumeState, ...]] = (
    "measured",
    "below_limit",
    "gone",
    "not_measured",
)
"""What a code of `VirtualStudies.state` means: its place here."""

_MEASURED, _BELOW, _GONE, _LEFT = range(len(VOLUME_STATES))

# Animals of an arm that are run at once, those of many studies: as many as the engine has in a
# batch. It is no option: the steps of the integration are shared by a batch.
_BATCH: Final = 1000
# Parts that are handed to workers before progress is told again.
_WAVE: Final = 16
# A reading takes 17 bytes of what comes back; intermediate arrays of all studies as much again.
_MOST_READINGS: Final = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VirtualStudies:
    """B virtual studies of a simulation with a arms of n animals and v visits.

    Parameters
    ----------
    simulation : Simulation
        What they were drawn from, with its plan of a study.
    true_volume : ndarray, shape (B, a, n, v)
        Volumes without error, mm³, also on visits after an animal has left.
    reading : ndarray, shape (B, a, n, v)
        What was recorded, mm³: the limit where the reading is below it, 0 where the tumor is gone,
        NaN where the animal has left.
    state : ndarray of int8, shape (B, a, n, v)
        Codes of the readings, places in `VOLUME_STATES`. A tumor is gone where its volume is 0.
    end_day : ndarray, shape (B, a, n)
        Day of an animal's last visit.
    at_volume_limit : ndarray of bool, shape (B, a, n)
        Whether it left then because its reading had reached the limit; else it was there to the
        end.
    typical : ndarray, shape (B, a, p)
        Typical values of the study by arm, in the order and units of the model.
    warnings : tuple of SimulationWarning
        What to know.
    """

    simulation: Simulation
    true_volume: FloatArray
    reading: FloatArray
    state: StateArray
    end_day: FloatArray
    at_volume_limit: BoolArray
    typical: FloatArray
    warnings: tuple[SimulationWarning, ...]

    @property
    def n_studies(self) -> int:
        """Number of studies."""
        return int(self.reading.shape[0])

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms."""
        return tuple(arm.name for arm in self.simulation.arms)

    @property
    def days(self) -> FloatArray:
        """Days of the visits, shape (v,); the first is the baseline."""
        return np.asarray(study_plan(self.simulation).days, dtype=np.float64)

    @property
    def measured(self) -> BoolArray:
        """Where a reading is a number at or above the limit, shape (B, a, n, v)."""
        return np.asarray(self.state == _MEASURED)

    @property
    def end_reason(self) -> NDArray[np.str_]:
        """Why each animal left, ``volume_limit`` or ``scheduled``, shape (B, a, n)."""
        return np.where(self.at_volume_limit, "volume_limit", "scheduled")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """Studies of one batch, which alone decide what comes out."""

    simulation: Simulation
    entropy: tuple[int, ...]
    studies: range
    kind: BandKind
    engine: Engine
    rtol: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Drawn:
    """What a part gives: arrays as those of the studies, and flagged animals by arm."""

    true_volume: FloatArray
    reading: FloatArray
    state: StateArray
    end_day: FloatArray
    at_volume_limit: BoolArray
    typical: FloatArray
    flagged: NDArray[np.intp]


def draw_virtual(
    simulation: Simulation,
    *,
    n_studies: int,
    rng: np.random.Generator,
    include_uncertainty: bool = True,
    engine: Engine = "numpy",
    rtol: float | None = None,
    executor: Executor | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> VirtualStudies:
    """Studies of animals drawn from a simulation that has a plan of a study.

    A reading is the true volume times a lognormal error whose median is 1 and whose coefficient of
    variation is the plan's, so that logarithms of readings are right on average and readings too
    high by the factor √(1 + CV²).

    Parameters
    ----------
    simulation : Simulation
        With ``[study]``.
    n_studies : int
        Studies, at least 1.
    rng : numpy.random.Generator
        Source of the seed of each study.
    include_uncertainty : bool
        Whether each study has typical values of its own, drawn from their uncertainty; else all
        have those of the simulation.
    engine, rtol
        As of :func:`oncovivo.mechanism.engine.simulate_model`.
    executor : concurrent.futures.Executor, optional
        Who does the work; without it, this process. The numbers are the same.
    progress : callable
        Called with the number of studies that are done.

    Raises
    ------
    InputError
        If the simulation has no plan of a study, a number is out of range, or doses do not fit.
    UnitError
        If the model's volume is no volume by its unit.
    DataError
        If the model is stiff and the engine is not scipy, or a number is no longer finite.
    """
    plan = study_plan(simulation)
    visits = len(simulation.arms) * plan.animals_per_arm * len(plan.days)
    if n_studies < 1:
        raise InputError("a study or more", found=str(n_studies))
    if n_studies * visits > _MOST_READINGS:
        raise InputError(
            f"at most {_MOST_READINGS // visits} studies of {visits} readings at once",
            found=str(n_studies),
            mend="draw fewer studies, and more of them later",
        )
    entropy = tuple(rng.integers(0, 2**32, size=8, dtype=np.uint64).tolist())
    size = max(1, _BATCH // plan.animals_per_arm)
    # Parts of one size from the first study on: their borders do not move with the number of all.
    parts = [
        _Part(
            simulation=simulation,
            entropy=entropy,
            studies=range(first, min(first + size, n_studies)),
            kind="both" if include_uncertainty else "between_animal",
            engine=engine,
            rtol=rtol,
        )
        for first in range(0, n_studies, size)
    ]
    wave = 1 if executor is None else _WAVE
    drawn: list[_Drawn] = []
    for first in range(0, len(parts), wave):
        some = parts[first : first + wave]
        drawn += map_parts(_draw_part, some, executor=executor)
        progress(some[-1].studies.stop)
    return VirtualStudies(
        simulation=simulation,
        true_volume=np.concatenate([part.true_volume for part in drawn]),
        reading=np.concatenate([part.reading for part in drawn]),
        state=np.concatenate([part.state for part in drawn]),
        end_day=np.concatenate([part.end_day for part in drawn]),
        at_volume_limit=np.concatenate([part.at_volume_limit for part in drawn]),
        typical=np.concatenate([part.typical for part in drawn]),
        warnings=_warnings(simulation, drawn, n_studies * plan.animals_per_arm),
    )


def study_plan(simulation: Simulation) -> VirtualStudyPlan:
    """The plan of a study.

    Raises
    ------
    InputError
        If the simulation has none, or its animals would leave below what can be measured.
    """
    plan = simulation.study
    if plan is None:
        raise InputError(
            "a plan of a study: a table [study]",
            found="none",
            where=simulation.name,
            mend="add animals_per_arm, days or every, and limit_mm3",
        )
    if plan.volume_limit_mm3 is not None and plan.volume_limit_mm3 <= plan.limit_mm3:
        raise InputError(
            f"a volume_limit_mm3 above limit_mm3, {plan.limit_mm3:g}",
            found=f"{plan.volume_limit_mm3:g}",
            where=f"{simulation.name} [study]",
        )
    return plan


def _draw_part(part: _Part) -> _Drawn:
    """The studies of a part: each arm's animals of all of them in one batch."""
    simulation = part.simulation
    plan = study_plan(simulation)
    n = plan.animals_per_arm
    days = np.asarray(plan.days, dtype=np.float64)
    typical, animal, caliper = _luck(part, n, days.size)
    studies, arms, _, width = animal.shape
    volume = np.empty((studies, arms, n, days.size))
    values = np.empty((studies, arms, width))
    flagged = np.zeros(arms, dtype=np.intp)
    place, factor = _volume_output(simulation.model)
    for number, arm in enumerate(simulation.arms):
        parameters = draw_parameters(
            arm.parameters,
            np.repeat(typical, n, axis=0),
            animal[:, number].reshape(studies * n, width),
            kind=part.kind,
        )
        found = run_arm(simulation, arm, parameters, days, engine=part.engine, rtol=part.rtol)
        volume[:, number] = factor * found.outputs[:, :, place].reshape(studies, n, days.size)
        flagged[number] = found.flagged.sum()
        values[:, number] = (
            draw_parameters(arm.parameters, typical, typical, kind="uncertainty")
            if part.kind == "both"
            else arm.parameters.values
        )
    reading, state = _read(volume, caliper, plan)
    past = np.zeros(state.shape, dtype=np.bool_)
    if plan.volume_limit_mm3 is not None:
        past = (state == _MEASURED) & (reading >= plan.volume_limit_mm3)
    at_limit = np.asarray(past.any(axis=-1))
    left = np.zeros_like(past)
    left[..., 1:] = np.logical_or.accumulate(past, axis=-1)[..., :-1]
    return _Drawn(
        true_volume=volume,
        reading=np.where(left, np.nan, reading),
        state=np.where(left, _LEFT, state).astype(np.int8),
        end_day=np.where(at_limit, days[past.argmax(axis=-1)], days[-1]),
        at_volume_limit=at_limit,
        typical=values,
        flagged=flagged,
    )


def _luck(part: _Part, n: int, visits: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Standard normal numbers: of typical values, of animals, of readings.

    Shapes (B, p), (B, a, n, p) and (B, a, n, v); each study's from its own stream.
    """
    arms, width = len(part.simulation.arms), len(part.simulation.model.parameter_names)
    studies = len(part.studies)
    typical = np.empty((studies, width))
    animal = np.empty((studies, arms, n, width))
    caliper = np.empty((studies, arms, n, visits))
    for place, study in enumerate(part.studies):
        # The same seeds as those of SeedSequence.spawn, without its list of all before.
        seed = np.random.SeedSequence(part.entropy, spawn_key=(study,))
        rng = np.random.default_rng(seed)
        rng.standard_normal(out=typical[place])
        rng.standard_normal(out=animal[place])
        rng.standard_normal(out=caliper[place])
    return typical, animal, caliper


def _volume_output(model: Model) -> tuple[int, float]:
    """Place of the tumor's volume among the outputs, and what turns it into mm³."""
    volumes = [place for place, output in enumerate(model.outputs) if output.kind == "volume"]
    if len(volumes) != 1:
        names = ", ".join(model.output_names[place] for place in volumes)
        raise InputError("a model with one tumor volume", found=names or "none")
    output = model.outputs[volumes[0]]
    return volumes[0], output.unit.to(parse_compound_unit("mm³"), where=output.name)


def _read(
    volume: FloatArray, caliper: FloatArray, plan: VirtualStudyPlan
) -> tuple[FloatArray, StateArray]:
    """What a caliper reads, were all animals there, and the codes of it."""
    spread = float(np.sqrt(np.log1p(plan.caliper_cv**2)))
    reading = np.maximum(volume, 0.0) * np.exp(spread * caliper)
    gone = volume <= 0.0
    below = ~gone & (reading < plan.limit_mm3)
    state = np.select([gone, below], [_GONE, _BELOW], _MEASURED).astype(np.int8)
    return np.where(below, plan.limit_mm3, reading), state


def _warnings(
    simulation: Simulation, drawn: Sequence[_Drawn], animals: int
) -> tuple[SimulationWarning, ...]:
    """Arms with animals whose error may be above the tolerance."""
    counts = np.sum([part.flagged for part in drawn], axis=0).tolist()
    return tuple(
        SimulationWarning(
            code="error_above_tolerance",
            message=f"{count} of {animals} animals: the estimated error of an output is above the "
            "tolerance; take --engine adaptive or scipy",
            arm=arm.name,
        )
        for arm, count in zip(simulation.arms, counts, strict=True)
        if count
    )
