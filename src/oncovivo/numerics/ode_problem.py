"""What a solver of differential equations is given, and what it hands back.

Many animals are solved at once. Inside, arrays lie state by state, shape ``(s, n)``: an operation
on one state then runs over neighboring numbers. Between two events the equations are smooth; at an
event the state or the forcing may jump. Every event and every output is the end of a step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import DataError, InputError

__all__ = [
    "AtEvent",
    "FunctionSystem",
    "OdeProblem",
    "OdeSolution",
    "OdeSystem",
    "Segment",
    "ode_problem",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]
AtEvent: TypeAlias = Literal["after", "before"]
Segment: TypeAlias = Callable[[FloatArray], FloatArray]
"""Forcing at times ``(k, n)`` between two events, shape ``(k, f, n)``."""


class OdeSystem(Protocol):
    """Equations of n animals: s states, driven by f known functions of time (the forcing)."""

    def rates(self, time: FloatArray, state: FloatArray, forcing: FloatArray) -> FloatArray:
        """Rates of change (s, n), a new array, from time (n,), state (s, n), forcing (f, n)."""
        ...

    def segment(self, passed: IntArray) -> Segment:
        """The forcing of animals that have passed so many events, shape (n,)."""
        ...

    def jump(
        self, event: IntArray, animals: IntArray, time: FloatArray, state: FloatArray
    ) -> FloatArray:
        """States (r, s) after events, by the event's place and the animal's, each (r,)."""
        ...

    def take(self, animals: IntArray) -> OdeSystem:
        """The equations of some of the animals."""
        ...


class Rates(Protocol):
    """Rates as a function of the state and of the animals' parameters."""

    def __call__(
        self, time: FloatArray, state: FloatArray, parameters: FloatArray
    ) -> FloatArray: ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FunctionSystem:
    """Equations without forcing, from a function.

    Parameters
    ----------
    function : callable
        ``function(time, state, parameters)`` with shapes (n,), (s, n) and (p, n); gives (s, n).
    parameters : ndarray, shape (p, n)
        Of each animal.
    factor : ndarray of shape (n, e, s), optional
        What an event multiplies each state by.
    """

    function: Rates
    parameters: FloatArray
    factor: FloatArray | None = None

    def rates(self, time: FloatArray, state: FloatArray, forcing: FloatArray) -> FloatArray:
        """Rates of change."""
        del forcing
        return self.function(time, state, self.parameters)

    def segment(self, passed: IntArray) -> Segment:
        """No forcing."""
        return lambda time: np.empty((time.shape[0], 0, passed.size))

    def jump(
        self, event: IntArray, animals: IntArray, time: FloatArray, state: FloatArray
    ) -> FloatArray:
        """States after events."""
        del time
        return state if self.factor is None else state * self.factor[animals, event]

    def take(self, animals: IntArray) -> FunctionSystem:
        """The equations of some of the animals."""
        return FunctionSystem(
            function=self.function,
            parameters=self.parameters[:, animals],
            factor=None if self.factor is None else self.factor[animals],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OdeSolution:
    """States at the output times.

    Parameters
    ----------
    states : ndarray, shape (n, t, s)
        By animal, output time and state.
    error_estimate : ndarray, shape (n,)
        Of each animal the largest relative error that is expected at an output. Fixed steps: from
        the same run with steps twice as long. Adaptive steps: the sum of the errors of the steps,
        which is more than the error unless the equations magnify it. Scipy: its tolerance.
    flagged : ndarray of bool, shape (n,)
        Where that is above the tolerance asked for.
    steps : int
        Steps that count in the result, of all animals together where they share them.
    evaluations : int
        Times the rates were worked out.
    """

    states: FloatArray
    error_estimate: FloatArray
    flagged: BoolArray
    steps: int
    evaluations: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OdeProblem:
    """Equations, where they begin, and the ends of steps in order. Made by `ode_problem`.

    Parameters
    ----------
    system : OdeSystem
        The equations.
    state : ndarray, shape (s, n)
        Where they begin.
    begin : float
        When.
    times : ndarray, shape (p, n)
        Of each animal the times of its events and outputs, in order.
    event, output : ndarray of int, shape (p, n)
        Which event or output that is; -1 for none.
    n_outputs : int
        Output times of an animal.
    names : tuple of str
        The animals, for messages.
    """

    system: OdeSystem
    state: FloatArray
    begin: float
    times: FloatArray
    event: IntArray
    output: IntArray
    n_outputs: int
    names: tuple[str, ...]

    def take(self, animals: IntArray) -> OdeProblem:
        """The problem of some of the animals."""
        return OdeProblem(
            system=self.system.take(animals),
            state=self.state[:, animals],
            begin=self.begin,
            times=self.times[:, animals],
            event=self.event[:, animals],
            output=self.output[:, animals],
            n_outputs=self.n_outputs,
            names=tuple(self.names[animal] for animal in animals),
        )

    def walk(self, advance: Advance) -> FloatArray:
        """States at the outputs (n, t, s), with a solver that goes from one stop to the next.

        Raises
        ------
        DataError
            A trajectory is no longer a number; the message names the animal and the time.
        """
        n_states, n_animals = self.state.shape
        result = np.empty((n_animals, self.n_outputs, n_states))
        state = self.state.copy()
        now = np.full(n_animals, self.begin)
        passed = np.zeros(n_animals, dtype=np.intp)
        segment = self.system.segment(passed)
        fresh = True
        for time, event, output in zip(self.times, self.event, self.output, strict=True):
            length = time - now
            if length.max() > 0.0:
                state = advance(state, now, length, segment, fresh=fresh)
                self.check(state, time)
                now, fresh = time, False
            rows = np.flatnonzero(event >= 0)
            if rows.size:
                before = np.ascontiguousarray(state[:, rows].T)
                state[:, rows] = self.system.jump(event[rows], rows, time[rows], before).T
                self.check(state, time)
                passed = passed.copy()
                passed[rows] += 1
                segment = self.system.segment(passed)
                fresh = True
            rows = np.flatnonzero(output >= 0)
            result[rows, output[rows]] = state[:, rows].T
        return result

    def check(self, state: FloatArray, time: FloatArray) -> None:
        """Stop where a state is not a finite number."""
        if np.isfinite(state).all():
            return
        row, animal = np.argwhere(~np.isfinite(state))[0]
        raise DataError(
            "states that stay finite",
            found=f"state {row + 1} is {state[row, animal]} by day {time[animal]:.6g}",
            where=self.names[animal],
            mend="look at this animal's parameters and doses",
        )


class Advance(Protocol):
    """A solver between two stops."""

    def __call__(
        self,
        state: FloatArray,
        begin: FloatArray,
        length: FloatArray,
        segment: Segment,
        *,
        fresh: bool,
    ) -> FloatArray:
        """States (s, n) after times (n,) of own length; fresh says that an event came before."""
        ...


def ode_problem(
    system: OdeSystem,
    state0: ArrayLike,
    times: ArrayLike,
    *,
    events: ArrayLike | None = None,
    begin: float = 0.0,
    at_event: AtEvent = "after",
    names: Sequence[str] | None = None,
) -> OdeProblem:
    """Equations with their stops in order.

    Parameters
    ----------
    system : OdeSystem
        Equations of n animals.
    state0 : array_like, shape (n, s)
        States at the beginning.
    times : array_like, shape (t,) or (n, t)
        Outputs, in any order.
    events : array_like, shape (e,) or (n, e), optional
        Times at which the state or its forcing jumps, ascending; infinite where an animal has
        fewer than others.
    begin : float
        When the equations begin.
    at_event : {"after", "before"}
        Which side of an event an output at the same time shows.
    names : sequence of str, optional
        The animals, for messages.

    Raises
    ------
    InputError
        Shapes do not fit, a state or time is not a number, a time lies before the beginning, or
        events are out of order.
    """
    state = np.array(state0, dtype=np.float64)
    if state.ndim != 2 or not state.size:
        raise InputError("states of shape (animals, states)", found=f"shape {state.shape}")
    n = state.shape[0]
    labels = tuple(f"animal {number + 1}" for number in range(n)) if names is None else names
    if len(labels) != n:
        raise InputError(f"names of {n} animals", found=f"{len(labels)}")
    if not np.isfinite(state).all():
        row = int(np.flatnonzero(~np.isfinite(state).all(axis=1))[0])
        raise InputError("states that are finite", found=f"{state[row]}", where=labels[row])
    outputs = _by_animal(times, n, "output times")
    stops = _by_animal(np.empty(0) if events is None else events, n, "event times")
    if not np.isfinite(outputs).all() or np.isnan(stops).any():
        raise InputError("times that are numbers", found="one that is not")
    for what, rows in (("output", outputs), ("event", stops)):
        early = rows < begin
        if early.any():
            animal, place = np.argwhere(early)[0]
            raise InputError(
                f"{what} times from day {begin:g} on",
                found=f"{rows[animal, place]:g}",
                where=labels[animal],
            )
    if (stops[:, 1:] < stops[:, :-1]).any():
        raise InputError("event times that ascend", found="some that go back")
    # A stable sort keeps this order where an event and an output come at the same time.
    event_first = at_event == "after"
    n_outputs, n_events = outputs.shape[1], stops.shape[1]
    both = np.concatenate((stops, outputs) if event_first else (outputs, stops), axis=1)
    place = np.argsort(both, axis=1, kind="stable").T
    ordered = np.take_along_axis(both.T, place, axis=0)
    is_event = (place < n_events) if event_first else (place >= n_outputs)
    event = np.where(is_event, place if event_first else place - n_outputs, -1)
    output = np.where(is_event, -1, place - n_events if event_first else place)
    absent = np.isinf(ordered)
    event[absent] = -1
    last = np.where(absent, begin, ordered).max(axis=0, initial=begin)
    return OdeProblem(
        system=system,
        state=np.ascontiguousarray(state.T),
        begin=begin,
        times=np.where(absent, last, ordered),
        event=event.astype(np.intp),
        output=output.astype(np.intp),
        n_outputs=n_outputs,
        names=tuple(labels),
    )


def _by_animal(values: ArrayLike, n: int, what: str) -> FloatArray:
    """Times as (n, k)."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 1:
        return np.tile(array, (n, 1))
    if array.ndim != 2 or array.shape[0] != n:
        raise InputError(f"{what} of shape (k,) or ({n}, k)", found=f"shape {array.shape}")
    return array
