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
from oncovivo.mechanism.compiled import CompiledFunction
from oncovivo.mechanism.dimensions import parse_compound_unit
from oncovivo.mechanism.doses import DosePath, DoseTable, place_doses
from oncovivo.mechanism.forcing import Concentrations, concentrations_from
from oncovivo.mechanism.generated_kernel import Stops, solve_generated
from oncovivo.mechanism.linear_pk import linear_pk
from oncovivo.mechanism.model import Model, PkModel
from oncovivo.mechanism.pk_segments import SAME_TIME, AtDose
from oncovivo.numerics.ode import (
    OdeProblem,
    OdeSolution,
    Segment,
    ode_problem,
    solve_adaptive,
    solve_fixed,
    solve_stiff,
)

__all__ = ["Engine", "EventTable", "SimulatedModel", "dose_paths", "simulate_model"]

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
_BODY_WEIGHT: Final = "body_weight"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventTable:
    """Events of one kind, such as fractions of radiation.

    Parameters
    ----------
    time : ndarray, shape (m,)
        Days, rising.
    dose : ndarray, shape (m,)
        Size of each in the unit that the model's block declares.
    """

    time: FloatArray
    dose: FloatArray


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


def dose_paths(pk: PkModel, parameters: ArrayLike) -> tuple[DosePath, ...]:
    """Where the doses of a compound go, route by route.

    Parameters
    ----------
    pk : PkModel
        The compound in the model.
    parameters : array_like, shape (p,) or (n, p)
        In the model's order and units.
    """
    terms = pk.dose_terms(np.atleast_2d(np.asarray(parameters, dtype=np.float64)))
    return tuple(
        DosePath(
            compartment=route.compartment,
            route=route.route,
            fraction=terms[:, place, 0],
            lag=terms[:, place, 1],
            duration=terms[:, place, 2],
        )
        for place, route in enumerate(pk.routes)
    )


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
        arm = _Arm(model, values[chunk], doses, happenings, tuple(labels[chunk]), days, at_dose)
        parts.append(arm.simulated(engine, tolerance, step))
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


class _Arm:
    """Animals of one regimen, few enough for one batch."""

    def __init__(
        self,
        model: Model,
        parameters: FloatArray,
        doses: Mapping[str, DoseTable],
        events: Mapping[str, EventTable],
        names: tuple[str, ...],
        times: FloatArray,
        at_dose: AtDose,
    ) -> None:
        self.model = model
        self.parameters = parameters
        self.times = times
        self.names = names
        self.at_dose: AtDose = at_dose
        self.events = events
        self.forcing = tuple(
            _concentrations(model, pk, parameters, doses.get(pk.compound)) for pk in model.pk
        )
        self.shown = self._shown_concentrations()
        self.system, self.stops = _system(model, parameters, self.forcing, events, times)

    def _shown_concentrations(self) -> FloatArray:
        """Concentrations (n, t, k) at the outputs."""
        parts = [one.at_times(self.times, at_dose=self.at_dose) for one in self.forcing]
        return np.concatenate(
            [np.empty((len(self.parameters), self.times.size, 0)), *parts], axis=2
        )

    def simulated(self, engine: Engine, tolerance: float, step: float) -> SimulatedModel:
        """The animals, by an engine."""
        n = len(self.parameters)
        initial = np.broadcast_to(
            self.model.initial(self.parameters), (n, len(self.model.state_names))
        )
        if initial.shape[1]:
            problem = ode_problem(
                self.system,
                initial,
                self.times,
                events=self.stops,
                at_event=self.at_dose,
                names=self.names,
            )
            solution = self._solved(problem, engine, tolerance, step)
        else:
            solution = OdeSolution(
                states=np.empty((n, self.times.size, 0)),
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
        self, problem: OdeProblem, engine: Engine, tolerance: float, step: float
    ) -> OdeSolution:
        """States by an engine."""
        if engine == "adaptive":
            return solve_adaptive(problem, rtol=tolerance)
        if engine == "generated":
            system = self.system
            doses = {kind: table.dose for kind, table in self.events.items()}
            stops = Stops(source=system.source, place=system.place, doses=doses)
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
        values = self.model.observe(
            self.times, states, self.parameters[animals][:, None, :], self.shown[animals]
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
            f"on day {self.times[time]:.6g}",
            where=self.names[animal],
            mend="look at this animal's parameters and doses",
        )


def _concentrations(
    model: Model, pk: PkModel, parameters: FloatArray, table: DoseTable | None
) -> Concentrations:
    """Concentrations of one compound."""
    weight = None
    if table is None:
        table = _nothing()
    elif table.per_gram.any():
        if _BODY_WEIGHT not in model.parameter_names:
            raise InputError(
                f"a parameter {_BODY_WEIGHT}, as doses are per body weight", found="none"
            )
        gram = model.quantities[_BODY_WEIGHT].unit.to(parse_compound_unit("g"))
        weight = parameters[:, model.parameter_names.index(_BODY_WEIGHT)] * gram
    inputs = place_doses(
        table, dose_paths(pk, parameters), n_animals=len(parameters), body_weight=weight
    )
    segments = linear_pk(pk.rate_matrix(parameters)).segments(inputs)
    factors = np.broadcast_to(
        pk.concentration_factors(parameters), (len(parameters), len(pk.concentration_names))
    )
    return concentrations_from(segments.select(pk.concentration_compartments), factors)


def _nothing() -> DoseTable:
    """A table without doses."""
    none, zero = np.empty(0), np.empty(0, dtype=np.int64)
    return DoseTable(
        time=none,
        amount=none,
        per_gram=np.empty(0, dtype=np.bool_),
        path=zero,
        rate=none,
        duration=none,
        ii=none,
        addl=zero,
        ss=zero,
        evid=zero,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Jumps:
    """Events of one kind: what they do and how large they are."""

    function: CompiledFunction
    dose: FloatArray


def _system(
    model: Model,
    parameters: FloatArray,
    forcing: tuple[Concentrations, ...],
    events: Mapping[str, EventTable],
    times: FloatArray,
) -> tuple[_System, FloatArray]:
    """The equations as the integration sees them, and the times (n, e) of their events."""
    n = len(parameters)
    columns: list[FloatArray] = []
    source: list[IntArray] = []
    place: list[IntArray] = []
    for number, one in enumerate(forcing):
        columns.append(np.broadcast_to(one.changes, (n, one.changes.shape[1])))
        source.append(np.full(one.changes.shape[1], number))
        place.append(np.arange(one.changes.shape[1]))
    jumps: list[_Jumps] = []
    for kind, table in events.items():
        columns.append(np.broadcast_to(table.time, (n, table.time.size)))
        source.append(np.full(table.time.size, len(forcing) + len(jumps)))
        place.append(np.arange(table.time.size))
        jumps.append(_Jumps(function=model.compile_event(kind), dose=table.dose))
    stops = _snapped(np.concatenate([np.empty((n, 0)), *columns], axis=1), times)
    order = np.argsort(stops, axis=1, kind="stable")
    empty = np.empty(0, dtype=np.intp)
    sources = np.concatenate([empty, *source])[order]
    counts = tuple(
        np.vstack((np.zeros(n, dtype=np.intp), (sources == number).cumsum(axis=1).T))
        for number in range(len(forcing))
    )
    # Parameters of one kind lie side by side: columns of what is handed over are read in a row.
    ready = np.asfortranarray(parameters)
    system = _System(
        model=model,
        parameters=ready,
        prepared=model.rhs.prepare(ready),
        forcing=forcing,
        jumps=tuple(jumps),
        source=sources,
        place=np.concatenate([empty, *place])[order],
        counts=counts,
    )
    return system, np.take_along_axis(stops, order, axis=1)


def _snapped(stops: FloatArray, times: FloatArray) -> FloatArray:
    """Stops that mean the time of an output are at it, whatever rounding says."""
    ordered = np.unique(times)
    near = np.clip(np.searchsorted(ordered, stops - SAME_TIME), 0, ordered.size - 1)
    return np.where(np.abs(ordered[near] - stops) <= SAME_TIME, ordered[near], stops)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _System:
    """The equations of an arm for `oncovivo.numerics.ode`.

    ``source`` and ``place`` (n, e) say for each event which compound or kind it belongs to and
    which of its events it is; ``counts`` how many changes of each compound are over after so many
    events, (e + 1, n).
    """

    model: Model
    parameters: FloatArray
    prepared: tuple[object, ...]
    forcing: tuple[Concentrations, ...]
    jumps: tuple[_Jumps, ...]
    source: IntArray
    place: IntArray
    counts: tuple[IntArray, ...]

    def rates(self, time: FloatArray, state: FloatArray, forcing: FloatArray) -> FloatArray:
        """Rates of change."""
        found = self.model.rhs.run(time, state.T, forcing.T, self.prepared)
        return np.ascontiguousarray(found.T)

    def segment(self, passed: IntArray) -> Segment:
        """Concentrations after so many events."""
        animals = np.arange(passed.size)
        parts = [
            one.segment(count[passed, animals])
            for one, count in zip(self.forcing, self.counts, strict=True)
        ]
        if len(parts) == 1:
            return parts[0]

        def forcing(time: FloatArray) -> FloatArray:
            none = np.empty((time.shape[0], 0, passed.size))
            return np.concatenate([none, *(part(time) for part in parts)], axis=1)

        return forcing

    def jump(
        self, event: IntArray, animals: IntArray, time: FloatArray, state: FloatArray
    ) -> FloatArray:
        """States after events."""
        result = state
        kinds = self.source[animals, event] - len(self.forcing)
        for number, one in enumerate(self.jumps):
            rows = np.flatnonzero(kinds == number)
            if not rows.size:
                continue
            who = animals[rows]
            shown = self.take(who).segment(event[rows])(time[rows][None, :])[0]
            dose = one.dose[self.place[who, event[rows]]]
            given = np.concatenate((shown.T, dose[:, None]), axis=1)
            result = result.copy()
            result[rows] = one.function(time[rows], state[rows], self.parameters[who], given)
        return result

    def take(self, animals: IntArray) -> _System:
        """Some of the animals."""
        ready = np.asfortranarray(self.parameters[animals])
        return _System(
            model=self.model,
            parameters=ready,
            prepared=self.model.rhs.prepare(ready),
            forcing=tuple(one.take(animals) for one in self.forcing),
            jumps=self.jumps,
            source=self.source[animals],
            place=self.place[animals],
            counts=tuple(count[:, animals] for count in self.counts),
        )
