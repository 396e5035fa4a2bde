"""Dormand and Prince's pair of fifth and fourth order, one step length for a batch of animals."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError
from oncovivo.numerics.ode_fixed import stiff_error
from oncovivo.numerics.ode_problem import OdeProblem, OdeSolution, Segment

__all__ = ["solve_adaptive"]

FloatArray: TypeAlias = NDArray[np.float64]

# Dormand JR, Prince PJ. J Comput Appl Math 1980;6:19-26, the pair RK5(4)7M.
_NODES: Final = np.array([1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0])
_STAGES: Final = (
    np.array([1 / 5]),
    np.array([3 / 40, 9 / 40]),
    np.array([44 / 45, -56 / 15, 32 / 9]),
    np.array([19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729]),
    np.array([9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656]),
    np.array([35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84]),
)
_ERROR: Final = np.array(
    [71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40]
)
# Where the forcing of each stage stands among the nodes.
_NODE_OF_STAGE: Final = (0, 1, 2, 3, 4, 4)
_SAFETY: Final = 0.9
_SMALLEST_CHANGE: Final = 0.2
_LARGEST_CHANGE: Final = 5.0
# The pair is stable on the real axis up to 3.3: steps that keep ending there are held by
# stability, not by accuracy (Hairer and Wanner, Solving ODEs II, IV.2).
_AT_THE_EDGE: Final = 2.8
_EDGE_STEPS: Final = 15
# A state is compared with its own size, or with this share of its largest so far.
_SMALL: Final = 1e-4
# A shorter step than this share of the time does not change it.
_SHORTEST: Final = 1e-13


def solve_adaptive(problem: OdeProblem, *, rtol: float, max_steps: int = 20_000) -> OdeSolution:
    """States by steps as long as the tolerance lets them be.

    The animals of a batch share their steps: the one that needs the shortest decides. Animals of
    like schedules belong into a batch.

    Parameters
    ----------
    problem : OdeProblem
        Equations and stops.
    rtol : float
        Relative error of one step; the error at the outputs is some tens of it.
    max_steps : int
        Most steps.

    Raises
    ------
    DataError
        The equations are stiff, need more steps than allowed, or a trajectory is no longer finite.
    """
    run = _Adaptive(problem, rtol, max_steps)
    with np.errstate(all="ignore"):
        states = problem.walk(run)
    return OdeSolution(
        states=states,
        error_estimate=run.total,
        flagged=np.zeros(run.total.size, dtype=bool),
        steps=run.steps,
        evaluations=run.evaluations,
    )


class _Adaptive:
    """One run."""

    def __init__(self, problem: OdeProblem, rtol: float, max_steps: int) -> None:
        n_states, n_animals = problem.state.shape
        self.problem = problem
        self.rates = problem.system.rates
        self.rtol = rtol
        self.max_steps = max_steps
        self.steps = 0
        self.evaluations = 0
        self.total = np.zeros(n_animals)
        self.largest = np.abs(problem.state)
        self.slopes = np.empty((7, n_states, n_animals))
        # The step that was good after the last event, and the one that is good now.
        self.first = 0.0
        self.step = 0.0
        # Steps in a row at the limit of stability, and the rate that puts them there.
        self.edge = 0
        self.rate = 0.0
        self.tried = 0
        self.end = float(problem.times[-1].max()) if problem.times.size else problem.begin

    def __call__(
        self,
        state: FloatArray,
        begin: FloatArray,
        length: FloatArray,
        segment: Segment,
        *,
        fresh: bool,
    ) -> FloatArray:
        """States after a stretch."""
        span = float(length.max())
        slopes = self.slopes
        slopes[0] = self.rates(begin, state, segment(begin[None, :])[0])
        self.evaluations += 1
        if fresh:
            # What the steps before an event met says nothing of those after it.
            self.edge = 0
            self.step = self.first or self._first_step(state, slopes[0], span)
        done = 0.0
        rejected = False
        noted = not fresh
        while done < span:
            left = span - done
            # What is left is divided evenly, so that no sliver remains.
            size = left / np.ceil(left / self.step - 1e-9) if self.step < left else left
            new, inner, error = self._try(state, begin, length, segment, done / span, size / span)
            worst = int(np.argmax(error))
            ratio = float(error[worst])
            self.tried += 1
            if ratio <= 1.0:
                change = _SAFETY * max(ratio, 1e-10) ** -0.2
                change = min(1.0 if rejected else _LARGEST_CHANGE, change)
                # A step that a stop cut short says nothing against longer ones.
                kept = self.step if size < self.step and change >= 1.0 else 0.0
                self.step = max(kept, size * max(change, _SMALLEST_CHANGE))
                if not noted:
                    self.first, noted = self.step, True
                self._look_at_edge(new, inner, worst, size * float(length[worst]) / span)
                self.total += self.rtol * error
                self.steps += 1
                done = span if size == left else done + size
                np.maximum(self.largest, np.abs(new), out=self.largest)
                state = new
                slopes[0] = slopes[6]
            else:
                change = _SAFETY * ratio**-0.2 if np.isfinite(ratio) else 0.0
                self.step = size * max(change, _SMALLEST_CHANGE)
            rejected = ratio > 1.0
            time = float(begin[worst] + done / span * length[worst])
            self._check_progress(worst, time, rejected=rejected)
        return state

    def _try(
        self,
        state: FloatArray,
        begin: FloatArray,
        length: FloatArray,
        segment: Segment,
        share: float,
        part: float,
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """States after a step and at its last inner stage; errors in units of the tolerance."""
        slopes = self.slopes
        flat = slopes.reshape(7, -1)
        times = begin + (share + part * _NODES)[:, None] * length
        forcing = segment(times)
        size = part * length
        new = inner = state
        for stage, (weights, node) in enumerate(zip(_STAGES, _NODE_OF_STAGE, strict=True), 1):
            inner = new
            new = (weights @ flat[:stage]).reshape(state.shape)
            new *= size
            new += state
            slopes[stage] = self.rates(times[node], new, forcing[node])
        self.evaluations += len(_STAGES)
        scale = np.maximum(np.abs(state), np.abs(new))
        np.maximum(scale, _SMALL * self.largest, out=scale)
        np.maximum(scale, np.finfo(float).tiny, out=scale)
        error = (_ERROR @ flat).reshape(state.shape)
        error *= size
        error /= scale
        worst = np.abs(error).max(axis=0) / self.rtol
        return new, inner, np.where(np.isfinite(worst), worst, np.inf)

    def _first_step(self, state: FloatArray, slope: FloatArray, span: float) -> float:
        """A step in which no state changes by more than a hundredth, as far as is known."""
        moving = np.abs(slope).max(axis=0)
        present = np.abs(state).max(axis=0)
        known = (moving > 0.0) & (present > 0.0) & np.isfinite(moving)
        if not known.any():
            return max(span, 1e-3 * (self.end - self.problem.begin)) / 100.0
        return 0.01 * float((present[known] / moving[known]).min())

    def _look_at_edge(self, new: FloatArray, inner: FloatArray, animal: int, size: float) -> None:
        """Count steps that end at the limit of stability, by the animal that held them."""
        moved = new[:, animal] - inner[:, animal]
        turned = self.slopes[6, :, animal] - self.slopes[5, :, animal]
        way = float(np.sqrt(moved @ moved))
        self.rate = float(np.sqrt(turned @ turned)) / way if way > 0.0 else 0.0
        if self.rate * size > _AT_THE_EDGE:
            self.edge = min(self.edge + 1, 2 * _EDGE_STEPS)
        else:
            self.edge = max(self.edge - 2, 0)

    def _check_progress(self, animal: int, time: float, *, rejected: bool) -> None:
        """Stop where steps vanish or will not get there."""
        name = self.problem.names[animal]
        if rejected and self.step < _SHORTEST * max(abs(time), self.end - self.problem.begin):
            raise DataError(
                "states that stay finite",
                found=f"one that no step leads on from at day {time:.6g}",
                where=name,
                mend="look at this animal's parameters and doses",
            )
        if self.edge >= _EDGE_STEPS:
            if self.tried + (self.end - time) / self.step > self.max_steps:
                raise stiff_error(name, time, self.rate, adaptive=True)
        elif self.tried >= self.max_steps:
            raise DataError(
                f"at most {self.max_steps} steps",
                found=f"so many by day {time:.6g}",
                where=name,
                mend="ask for a looser tolerance or use the scipy engine",
            )
