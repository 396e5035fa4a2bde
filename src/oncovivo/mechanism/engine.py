"""A model simulated: doses in, outputs at times out, for many animals at once.

Linear PK is solved in closed form, the other states are integrated between events; the forcing of
the integration is the concentrations. Four engines, one description:

- ``numpy``: a fixed plan of steps that is halved, so that each animal's error is estimated; what
  is above the tolerance is solved again with shorter steps and flagged if it stays above;
- ``adaptive``: steps that follow the tolerance, shared by a batch;
- ``generated``: each animal with steps of its own, by code that is written for the model and
  compiled (needs numba, of the extra ``mechanism``); the quickest for many animals;
- ``scipy``: one animal at a time, for stiff models, which the others refuse.

At one time doses come first, then events such as a fraction of radiation, which so sees the
concentrations after the dose; an output at that time comes last unless asked for before them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.mechanism.doses import DoseTable
from oncovivo.mechanism.driven import (
    EventTable,
    Happenings,
    dose_paths,
    dosed_concentrations,
    driven_system,
)
from oncovivo.mechanism.forcing import Concentrations
from oncovivo.mechanism.generated_kernel import Stops, solve_generated
from oncovivo.mechanism.model import Model
from oncovivo.mechanism.pk_segments import AtDose
from oncovivo.numerics.ode import (
    OdeProblem,
    OdeSolution,
    ode_problem,
    solve_adaptive,
    solve_fixed,
    solve_stiff,
)

__all__ = [
    "Batch",
    "Engine",
    "EventTable",
    "SimulatedModel",
    "dose_paths",
    "simulate_model",
]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
IntArray: TypeAlias = NDArray[np.intp]
Engine: TypeAlias = Literal["numpy", "adaptive", "generated", "scipy"]

# What a call takes where it is not told: the estimated error, the error of a step, scipy's.
_TOLERANCE: Final[Mapping[Engine, float]] = {
    "numpy": 5e-5,
    "adaptive": 1e-6,
    "generated": 1e-6,
    "scipy": 1e-8,
}
# So many animals at once: their arrays stay in the cache.
_CHUNK: Final = 1000
# Longest step of the numpy engine at first, days, and how often it may be halved.
_STEP: Final = 0.3
_HALVINGS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedModel:
    """What n animals show at t times.

    Parameters
    ----------
    times : ndarray, shape (t,)
        Days.
    outputs : ndarray, shape (n, t, o)
        In the model's order and units.
    states : ndarray, shape (n, t, s)
        Integrated states.
    concentrations : ndarray, shape (n, t, k)
        Of all compounds.
    error_estimate : ndarray, shape (n,)
        See `oncovivo.numerics.ode.OdeSolution`; with the numpy engine, of the outputs.
    flagged : ndarray of bool, shape (n,)
        Where that stayed above the tolerance.
    steps : int
        Steps of all batches.
    """

    times: FloatArray
    outputs: FloatArray
    states: FloatArray
    concentrations: FloatArray
    error_estimate: FloatArray
    flagged: BoolArray
    steps: int


def simulate_model(
    model: Model,
    parameters: ArrayLike,
    doses: Mapping[str, DoseTable],
    times: ArrayLike,
    *,
    events: Mapping[str, EventTable] | None = None,
    engine: Engine = "numpy",
    rtol: float | None = None,
    step: float = _STEP,
    at_dose: AtDose = "after",
    names: Sequence[str] | None = None,
) -> SimulatedModel:
    """Outputs of animals that receive one regimen, from day 0 on.

    Parameters
    ----------
    model : Model
        The equations.
    parameters : array_like, shape (p,) or (n, p)
        Of each animal, in the model's order and units.
    doses : mapping of str to DoseTable
        By compound; the table's paths are the model's routes. A compound without a table is not
        given.
    times : array_like, shape (t,)
        Days of the outputs, in any order.
    events : mapping of str to EventTable, optional
        By kind.
    engine : {"numpy", "adaptive", "generated", "scipy"}
        How states are integrated.
    rtol : float, optional
        numpy: estimated relative error of an output above which an animal is flagged, 5e-5 unless
        given; the estimate is on the careful side, most errors are well below it.
        adaptive: relative error of a step, 1e-6; the error at the outputs is at most some tens of
        it. generated: the same of its own steps, 1e-6. scipy: its tolerance, 1e-8.
    step : float
        Longest first step of the numpy engine, days.
    at_dose : {"after", "before"}
        Which side of a dose or event an output at the same time shows.
    names : sequence of str, optional
        The animals, for messages.

    Raises
    ------
    InputError
        A compound, route or kind of event that the model does not know, a dose or output before
        day 0, or arrays of other shapes.
    DataError
        The model is stiff and the engine is not scipy, or a number is no longer finite; the
        message names the animal and the day.
    MissingExtraError
        The engine is generated and numba is not installed.
    """
    values = np.atleast_2d(np.asarray(parameters, dtype=np.float64))
    days = np.atleast_1d(np.asarray(times, dtype=np.float64))
    tolerance = _TOLERANCE[engine] if rtol is None else rtol
    happenings = {} if events is None else dict(events)
    labels = names
    if labels is None:
        labels = tuple(f"animal {number + 1}" for number in range(len(values)))
    _check(model, values, doses, days, happenings, labels, tolerance)
    parts = []
    for first in range(0, len(values), _CHUNK):
        chunk = slice(first, first + _CHUNK)
        some = values[chunk]
        forcing = tuple(
            dosed_concentrations(model, pk, some, doses.get(pk.compound)) for pk in model.pk
        )
        shown = [one.at_times(days, at_dose=at_dose) for one in forcing]
        batch = Batch(
            model=model,
            parameters=some,
            times=days,
            forcing=forcing,
            shown=np.concatenate([np.empty((len(some), days.size, 0)), *shown], axis=2),
            events={k: Happenings.of_all(one, len(some)) for k, one in happenings.items()},
            names=tuple(labels[chunk]),
            at_dose=at_dose,
        )
        parts.append(batch.simulated(engine, tolerance, step))
    if len(parts) == 1:
        return parts[0]
    return SimulatedModel(
        times=days,
        outputs=np.concatenate([part.outputs for part in parts]),
        states=np.concatenate([part.states for part in parts]),
        concentrations=np.concatenate([part.concentrations for part in parts]),
        error_estimate=np.concatenate([part.error_estimate for part in parts]),
        flagged=np.concatenate([part.flagged for part in parts]),
        steps=sum(part.steps for part in parts),
    )


def _check(
    model: Model,
    values: FloatArray,
    doses: Mapping[str, DoseTable],
    days: FloatArray,
    events: Mapping[str, EventTable],
    names: Sequence[str],
    tolerance: float,
) -> None:
    """Refuse what does not fit the model."""
    width = len(model.parameter_names)
    if values.ndim != 2 or values.shape[1] != width or not len(values):
        raise InputError(f"{width} parameters of each animal", found=f"shape {values.shape}")
    if len(names) != len(values):
        raise InputError(f"names of {len(values)} animals", found=str(len(names)))
    if not np.isfinite(values).all():
        animal, place = np.argwhere(~np.isfinite(values))[0]
        raise InputError(
            "parameters that are finite",
            found=f"{model.parameter_names[place]} = {values[animal, place]}",
            where=names[animal],
        )
    if days.ndim != 1 or not days.size or not np.isfinite(days).all():
        raise InputError("output times in days, in one dimension")
    if days.min() < 0.0:
        raise InputError("output times from day 0 on", found=f"{days.min():g}")
    if not 0.0 < tolerance < 1.0:
        raise InputError("a relative tolerance between 0 and 1", found=f"{tolerance:g}")
    compounds = [pk.compound for pk in model.pk]
    for compound, table in doses.items():
        if compound not in compounds:
            raise InputError(
                f"a compound of the model ({', '.join(compounds) or 'none'})", found=repr(compound)
            )
        if len(table) and table.time.min() < 0.0:
            raise InputError(
                "doses from day 0 on", found=f"one on day {table.time.min():g}", where=compound
            )
    for kind, happening in events.items():
        time = happening.time
        if time.shape != happening.dose.shape or time.ndim != 1 or not np.isfinite(time).all():
            raise InputError("a time and a dose of each event", where=kind)
        if (np.diff(time) < 0.0).any() or (time < 0.0).any():
            raise InputError("events from day 0 on, in order of time", where=kind)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Animals that are simulated at once, few enough for the cache.

    Parameters
    ----------
    model : Model
        The equations.
    parameters : ndarray, shape (n, p)
        Of each animal, in the model's order and units.
    times : ndarray, shape (t,) or (n, t)
        Days of the outputs.
    forcing : tuple of Concentrations
        Of the compounds in their order.
    shown : ndarray, shape (n, t, k)
        Concentrations at the outputs.
    events : mapping of str to Happenings
        By kind.
    names : tuple of str, length n
        The animals, for messages.
    at_dose : {"after", "before"}
        Which side of a dose or event an output at the same time shows.
    """

    model: Model
    parameters: FloatArray
    times: FloatArray
    forcing: tuple[Concentrations, ...]
    shown: FloatArray
    events: Mapping[str, Happenings]
    names: tuple[str, ...]
    at_dose: AtDose = "after"

    def simulated(self, engine: Engine, tolerance: float, step: float) -> SimulatedModel:
        """The animals, by an engine; raises as :func:`simulate_model`."""
        n = len(self.parameters)
        initial = np.broadcast_to(
            self.model.initial(self.parameters), (n, len(self.model.state_names))
        )
        if initial.shape[1]:
            system, stops = driven_system(
                self.model, self.parameters, self.forcing, self.events, self.times
            )
            problem = ode_problem(
                system,
                initial,
                self.times,
                events=stops,
                at_event=self.at_dose,
                names=self.names,
            )
            happen = Stops(
                source=system.source,
                place=system.place,
                doses={kind: those.dose for kind, those in self.events.items()},
            )
            solution = self._solved(problem, happen, engine, tolerance, step)
        else:
            solution = OdeSolution(
                states=np.empty((n, self.times.shape[-1], 0)),
                error_estimate=np.zeros(n),
                flagged=np.zeros(n, dtype=np.bool_),
                steps=0,
                evaluations=0,
            )
        outputs = self._observed(solution.states, np.arange(n))
        self._check_outputs(outputs)
        return SimulatedModel(
            times=self.times,
            outputs=outputs,
            states=solution.states,
            concentrations=self.shown,
            error_estimate=solution.error_estimate,
            flagged=solution.flagged,
            steps=solution.steps,
        )

    def _solved(
        self, problem: OdeProblem, stops: Stops, engine: Engine, tolerance: float, step: float
    ) -> OdeSolution:
        """States by an engine."""
        if engine == "adaptive":
            return solve_adaptive(problem, rtol=tolerance)
        if engine == "generated":
            return solve_generated(
                self.model, problem, self.parameters, self.forcing, stops, rtol=tolerance
            )
        if engine == "scipy":
            return solve_stiff(problem, rtol=tolerance)
        everyone = np.arange(len(self.parameters))
        solution = self._fixed(problem, everyone, tolerance, step)
        states, estimate = solution.states, solution.error_estimate.copy()
        steps, evaluations = solution.steps, solution.evaluations
        for halving in range(1, _HALVINGS + 1):
            again = np.flatnonzero(~(estimate <= tolerance))
            if not again.size:
                break
            better = self._fixed(problem.take(again), again, tolerance, step / 2.0**halving)
            states[again] = better.states
            estimate[again] = better.error_estimate
            steps += better.steps
            evaluations += better.evaluations
        return OdeSolution(
            states=states,
            error_estimate=estimate,
            flagged=~(estimate <= tolerance),
            steps=steps,
            evaluations=evaluations,
        )

    def _fixed(
        self, problem: OdeProblem, animals: IntArray, tolerance: float, step: float
    ) -> OdeSolution:
        """Some of the animals by fixed steps, their error taken at the outputs."""
        return solve_fixed(
            problem,
            step=step,
            tolerance=tolerance,
            observe=lambda states: self._observed(states, animals),
        )

    def _observed(self, states: FloatArray, animals: IntArray) -> FloatArray:
        """Outputs (n, t, o) from states."""
        times = self.times if self.times.ndim == 1 else self.times[animals]
        values = self.model.observe(
            times, states, self.parameters[animals][:, None, :], self.shown[animals]
        )
        shape = (*states.shape[:2], len(self.model.output_names))
        return np.ascontiguousarray(np.broadcast_to(values, shape))

    def _check_outputs(self, outputs: FloatArray) -> None:
        """Stop where an output is no finite number."""
        if np.isfinite(outputs).all():
            return
        animal, time, place = np.argwhere(~np.isfinite(outputs))[0]
        raise DataError(
            "outputs that are finite",
            found=f"{self.model.output_names[place]} is {outputs[animal, time, place]} "
            f"on day {np.broadcast_to(self.times, outputs.shape[:2])[animal, time]:.6g}",
            where=self.names[animal],
            mend="look at this animal's parameters and doses",
        )
