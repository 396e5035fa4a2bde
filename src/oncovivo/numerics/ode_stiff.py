"""Equations that are stiff, one animal at a time through scipy."""

from __future__ import annotations

import warnings
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError
from oncovivo.numerics.ode_problem import OdeProblem, OdeSolution, Segment

__all__ = ["ScipyMethod", "solve_stiff"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
ScipyMethod: TypeAlias = Literal["LSODA", "BDF", "Radau", "DOP853"]

# Scipy's solvers may go on for ever in front of a singularity.
_MOST_EVALUATIONS: Final = 100_000
# Absolute tolerance of a state: this share of the largest number that the state has had, or of
# the largest state where it has been zero.
_SMALL: Final = 1e-4


def solve_stiff(problem: OdeProblem, *, rtol: float, method: ScipyMethod = "LSODA") -> OdeSolution:
    """States through `scipy.integrate.solve_ivp`, one animal at a time.

    Parameters
    ----------
    problem : OdeProblem
        Equations and stops.
    rtol : float
        Relative tolerance of a step.
    method : {"LSODA", "BDF", "Radau", "DOP853"}
        Scipy's solver; the last is for equations that are not stiff.

    Raises
    ------
    DataError
        A trajectory is no longer finite, or scipy gives up.
    """
    n_animals = problem.state.shape[1]
    states = np.empty((n_animals, problem.n_outputs, problem.state.shape[0]))
    run = _Scipy(rtol, method)
    with np.errstate(all="ignore"):
        for animal in range(n_animals):
            states[animal] = run.animal(problem.take(np.array([animal])))
    return OdeSolution(
        states=states,
        error_estimate=np.full(n_animals, rtol),
        flagged=np.zeros(n_animals, dtype=bool),
        steps=run.steps,
        evaluations=run.evaluations,
    )


class _Scipy:
    """Counts over the animals."""

    def __init__(self, rtol: float, method: ScipyMethod) -> None:
        self.rtol = rtol
        self.method = method
        self.steps = 0
        self.evaluations = 0

    def animal(self, problem: OdeProblem) -> FloatArray:
        """States (t, s) of one animal at its outputs."""
        result = np.empty((problem.n_outputs, problem.state.shape[0]))
        times, events, outputs = problem.times[:, 0], problem.event[:, 0], problem.output[:, 0]
        state, now = problem.state[:, 0], problem.begin
        zero = np.zeros(1, dtype=np.intp)
        stops = np.append(np.flatnonzero(events >= 0), times.size)
        first = 0
        for passed, stop in enumerate(stops):
            # Outputs of this stretch, then the event that ends it.
            ends = times[first : stop + 1]
            grid = np.unique(ends[ends > now])
            segment = problem.system.segment(zero + passed)
            path = self.stretch(problem, state, now, grid, segment)
            grid = np.append(now, grid)
            at = np.searchsorted(grid, times[first:stop])
            shown = outputs[first:stop]
            result[shown[shown >= 0]] = path[at[shown >= 0]]
            state, now = path[-1], float(grid[-1])
            if stop < times.size:
                event = zero + events[stop]
                state = problem.system.jump(event, zero, np.full(1, now), state[None, :])[0]
                problem.check(state[:, None], np.array([now]))
            first = int(stop) + 1
        return result

    def stretch(
        self,
        problem: OdeProblem,
        state: FloatArray,
        begin: float,
        grid: FloatArray,
        segment: Segment,
    ) -> FloatArray:
        """States (g + 1, s) at the beginning and on a grid after it."""
        from scipy.integrate import solve_ivp

        if not grid.size:
            return state[None, :]
        n_states = state.size

        limit = self.evaluations + _MOST_EVALUATIONS

        def rates(time: float, place: FloatArray) -> FloatArray:
            self.evaluations += 1
            if self.evaluations > limit:
                raise DataError(
                    "states that stay finite",
                    found=f"{_MOST_EVALUATIONS} looks at the rates and no end by day {time:.6g}",
                    where=problem.names[0],
                    mend="look at this animal's parameters and doses",
                )
            when = np.array([time])
            columns = place.reshape(n_states, -1)
            return problem.system.rates(when, columns, segment(when[None, :])[0]).ravel()

        size = np.abs(state)
        least = _SMALL * np.where(size > 0.0, size, max(float(size.max()), 1e-9))
        with warnings.catch_warnings():
            # What LSODA warns of is in the status as well.
            warnings.simplefilter("ignore")
            found = solve_ivp(
                rates,
                (begin, float(grid[-1])),
                state,
                method=self.method,
                t_eval=grid,
                rtol=self.rtol,
                atol=self.rtol * least,
            )
        self.steps += int(grid.size)
        path = np.vstack((state, found.y.T))
        for row, time in zip(found.y.T, found.t, strict=True):
            problem.check(row[:, None], np.array([time]))
        if found.status != 0 or path.shape[0] != grid.size + 1:
            raise DataError(
                "equations that scipy can follow",
                found=f"{self.method} stopped after day {begin:.6g}: {found.message}",
                where=problem.names[0],
                mend="look at this animal's parameters and doses",
            )
        return path
