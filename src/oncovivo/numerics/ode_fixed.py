"""Runge–Kutta of fourth order by a fixed plan of steps, with the error from halved steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.numerics.ode_problem import OdeProblem, OdeSolution, Segment

__all__ = ["Observe", "relative_difference", "solve_fixed", "stiff_error"]

FloatArray: TypeAlias = NDArray[np.float64]
Observe: TypeAlias = Callable[[FloatArray], FloatArray]

# The method is stable on the real axis up to 2.785 and on the imaginary one up to 2.828; the
# estimate of the fastest rate may be somewhat low.
_STABLE: Final = 2.0
# Doubled steps, errors of fourth order: the difference is 15 times the better run's error.
_ORDER: Final = 4
# Looks at the fastest rate at the first stop and at each later one.
_FIRST_LOOKS: Final = 10
_LOOKS: Final = 2
# Just after an event steps are this share of the longest, and they grow by as much of it each day:
# a drug with a half-life of an hour, given daily, is followed to 1e-5 with steps of 0.3 d at most.
_FIRST_SHARE: Final = 0.1
_GROWTH: Final = 2 / 3
# Forcing is worked out for so many steps at once: it stays in the cache.
_BLOCK: Final = 4
# A state is compared with its own size, or with this share of its largest where it is smaller.
_SMALL: Final = 1e-4


def solve_fixed(
    problem: OdeProblem,
    *,
    step: float,
    tolerance: float,
    observe: Observe | None = None,
    max_steps: int = 20_000,
) -> OdeSolution:
    """States by a fixed plan of steps, and their error by halving them.

    After an event steps begin at a tenth of the longest and grow with the time since it, because a
    dose is followed by fast changes. The plan is run once, and once with every step halved. What
    comes back is the second run plus the difference of the two over 15 (Richardson), which is of
    fifth order; the estimate is that difference, the error of the second run alone, so it is on
    the careful side. Where the fastest rate of the equations asks for it, steps are shorter.

    Parameters
    ----------
    problem : OdeProblem
        Equations and stops.
    step : float
        Longest step of the first run, days.
    tolerance : float
        Relative error above which an animal is flagged.
    observe : callable, optional
        From states (n, t, s) to what the error is taken of, (n, t, o); the states themselves
        unless given.
    max_steps : int
        Most steps of the first run.

    Raises
    ------
    InputError
        The step is not a positive number.
    DataError
        The equations are stiff, or a trajectory is no longer finite.
    """
    if not (np.isfinite(step) and step > 0.0):
        raise InputError("a step of some length", found=f"{step:g}")
    coarse = _Fixed(problem, step, max_steps, None)
    with np.errstate(all="ignore"):
        rough = problem.walk(coarse)
        fine = _Fixed(problem, step, max_steps, coarse.plan)
        states = problem.walk(fine)
    difference = (states - rough) / (2.0**_ORDER - 1.0)
    if observe is None:
        estimate = relative_difference(difference, states)
    else:
        seen = observe(states)
        estimate = relative_difference((seen - observe(rough)) / (2.0**_ORDER - 1.0), seen)
    return OdeSolution(
        states=states + difference,
        error_estimate=estimate,
        flagged=~(estimate <= tolerance),
        steps=fine.steps,
        evaluations=coarse.evaluations + fine.evaluations,
    )


def relative_difference(difference: FloatArray, states: FloatArray) -> FloatArray:
    """Largest difference (n,) of arrays (n, t, s), relative to the states."""
    size = np.abs(states)
    least = _SMALL * size.max(axis=1, keepdims=True, initial=0.0)
    share = np.abs(difference) / np.maximum(np.maximum(size, least), np.finfo(float).tiny)
    worst: FloatArray = share.max(axis=(1, 2), initial=0.0)
    return worst


def stiff_error(name: str, time: float, rate: float, *, adaptive: bool = False) -> DataError:
    """The refusal of equations that an explicit method cannot follow."""
    return DataError(
        "equations that an explicit solver can follow",
        found=f"a rate of {rate:.3g} per day by day {time:.6g}",
        where=name,
        mend="stiff: use the scipy engine" + ("" if adaptive else ", or the adaptive one"),
    )


class _Steps:
    """Steps that grow with the time since an event, up to a longest one.

    A step at time t after the event is ``min(longest, first + growth t)``. How many steps lead to
    t is the integral of one over that; equal parts of this number are the steps.
    """

    def __init__(self, longest: float) -> None:
        self.longest = longest
        self.first = _FIRST_SHARE * longest
        self.growth = _GROWTH * longest
        self.knee_time = (longest - self.first) / self.growth
        self.knee = float(np.log(longest / self.first)) / self.growth

    def number(self, time: FloatArray) -> FloatArray:
        """Steps that lead to times after the event."""
        rise = self.growth / self.first
        early = np.log1p(rise * np.minimum(time, self.knee_time)) / self.growth
        return early + np.maximum(time - self.knee_time, 0.0) / self.longest

    def time(self, number: FloatArray) -> FloatArray:
        """Times that so many steps lead to."""
        exponent = self.growth * np.minimum(number, self.knee)
        early = self.first / self.growth * np.expm1(exponent)
        return early + np.maximum(number - self.knee, 0.0) * self.longest


class _Fixed:
    """One run: the first makes the plan, the steps of each stretch; the second halves them."""

    def __init__(
        self, problem: OdeProblem, step: float, max_steps: int, plan: list[int] | None
    ) -> None:
        self.problem = problem
        self.rates = problem.system.rates
        self.spacing = _Steps(step)
        self.max_steps = max_steps
        self.given = plan
        self.plan: list[int] = []
        self.steps = 0
        self.evaluations = 0
        self.direction: FloatArray | None = None
        self.event = np.full(problem.state.shape[1], problem.begin)

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
        if fresh:
            self.event = begin
        nodes = self._nodes(state, begin, length, segment)
        count = nodes.shape[0] - 1
        self.steps += count
        self.evaluations += 4 * count
        all_times = np.empty((2 * count + 1, nodes.shape[1]))
        all_times[::2] = nodes
        all_times[1::2] = (nodes[1:] + nodes[:-1]) / 2.0
        for first in range(0, count, _BLOCK):
            block = min(_BLOCK, count - first)
            few = all_times[2 * first : 2 * (first + block) + 1]
            times = np.broadcast_to(few, (few.shape[0], begin.size))
            forcing = segment(times)
            for place in range(0, 2 * block, 2):
                whole = few[place + 2] - few[place]
                half, third, sixth = whole / 2.0, whole / 3.0, whole / 6.0
                middle, driven = times[place + 1], forcing[place + 1]
                k1 = self.rates(times[place], state, forcing[place])
                k2 = self.rates(middle, state + half * k1, driven)
                k3 = self.rates(middle, state + half * k2, driven)
                k4 = self.rates(times[place + 2], state + whole * k3, forcing[place + 2])
                k1 += k4
                k1 *= sixth
                k2 += k3
                k2 *= third
                k1 += k2
                k1 += state
                state = k1
        return state

    def _nodes(
        self, state: FloatArray, begin: FloatArray, length: FloatArray, segment: Segment
    ) -> FloatArray:
        """Ends of the steps of a stretch, (steps + 1, n), or (steps + 1, 1) if all share them."""
        event, start, span = self.event, begin, length
        if all((row == row[0]).all() for row in (event, start, span)):
            event, start, span = event[:1], start[:1], span[:1]
        from_ = self.spacing.number(start - event)
        steps = self.spacing.number(start - event + span) - from_
        if self.given is None:
            count = max(1, int(np.ceil(steps.max() - 1e-9)))
            last = self.spacing.first + self.spacing.growth * (start - event + span)
            longest = np.minimum(np.minimum(last, self.spacing.longest), span)
            count = self._stable(count, longest, state, begin, length, segment)
        else:
            count = 2 * self.given[len(self.plan)]
        self.plan.append(count)
        shares = np.arange(count + 1)[:, None] / count
        nodes = event + self.spacing.time(from_ + shares * steps)
        nodes[0] = start
        nodes[-1] = start + span
        return nodes

    def _stable(
        self,
        count: int,
        longest: FloatArray,
        state: FloatArray,
        begin: FloatArray,
        length: FloatArray,
        segment: Segment,
    ) -> int:
        """Steps of a stretch with which the method stays stable."""
        rate = self._fastest_rate(state, begin, length, segment)
        excess = rate * longest / _STABLE
        worst = int(np.argmax(excess))
        left = self.max_steps - sum(self.plan)
        if max(1.0, excess[worst]) * count > left:
            name = self.problem.names[worst]
            if excess[worst] > 1.0:
                raise stiff_error(name, float(begin[worst]), float(rate[worst]))
            raise DataError(
                f"at most {self.max_steps} steps",
                found=f"more, with steps of {self.spacing.longest:g} d",
                mend="take longer steps or allow more",
            )
        return max(count, int(np.ceil(excess[worst] * count)))

    def _fastest_rate(
        self,
        state: FloatArray,
        begin: FloatArray,
        length: FloatArray,
        segment: Segment,
    ) -> FloatArray:
        """Size of the largest eigenvalue of the rates (n,), by repeated differences."""
        forcing = segment(begin[None, :])[0]
        here = self.rates(begin, state, forcing)
        # Each state on its own scale: its size, or what this stretch may add to it.
        scale = np.maximum(np.abs(state), np.abs(here) * length)
        largest = scale.max(axis=0)
        scale = np.where(scale > 1e-12 * largest, scale, np.where(largest > 0.0, largest, 1.0))
        looks = _LOOKS
        if self.direction is None:
            looks = _FIRST_LOOKS
            signs = np.where(np.arange(state.shape[0]) % 2, -1.0, 1.0)
            self.direction = np.repeat(signs[:, None], state.shape[1], axis=1)
        direction = self.direction
        size = np.zeros(state.shape[1])
        self.evaluations += looks + 1
        for _ in range(looks):
            direction = direction / np.maximum(_norm(direction), 1e-300)
            moved = self.rates(begin, state + 1e-6 * scale * direction, forcing)
            turned = (moved - here) / (1e-6 * scale)
            # A state pushed out of where the equations hold says nothing of their rates.
            turned = np.where(np.isfinite(turned), turned, 0.0)
            size = _norm(turned)
            # A direction that the equations do not answer to is kept for the next look.
            direction = np.where(size > 0.0, turned, direction)
        self.direction = direction
        return size


def _norm(vectors: FloatArray) -> FloatArray:
    """Length of each column."""
    length: FloatArray = np.sqrt((vectors * vectors).sum(axis=0))
    return length
