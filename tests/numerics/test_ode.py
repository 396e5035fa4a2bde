"""Ordinary differential equations of many animals at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from oncovivo.errors import DataError, InputError
from oncovivo.numerics.ode import (
    AtEvent,
    FunctionSystem,
    OdeProblem,
    OdeSolution,
    OdeSystem,
    Segment,
    ode_problem,
    solve_adaptive,
    solve_batched,
    solve_fixed,
    solve_stiff,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


def decaying(time: FloatArray, state: FloatArray, parameters: FloatArray) -> FloatArray:
    """Y' = -k y."""
    del time
    return -parameters * state


def oscillating(time: FloatArray, state: FloatArray, parameters: FloatArray) -> FloatArray:
    """Predator and prey."""
    del time
    prey, predator = state
    a, b = parameters
    return np.stack((a * prey - prey * predator, prey * predator - b * predator))


def van_der_pol(time: FloatArray, state: FloatArray, parameters: FloatArray) -> FloatArray:
    """Van der Pol's equation, stiff where mu is large."""
    del time
    x, y = state
    return np.stack((y, parameters[0] * (1.0 - x * x) * y - x))


def exploding(time: FloatArray, state: FloatArray, parameters: FloatArray) -> FloatArray:
    """Y' = k y², infinite at 1 / (k y0)."""
    del time
    return parameters * state * state


@dataclass(frozen=True)
class Driven:
    """Growth against a drug that is given at events and falls exponentially."""

    growth: FloatArray
    kill: FloatArray
    fall: FloatArray
    doses: FloatArray

    def rates(self, time: FloatArray, state: FloatArray, forcing: FloatArray) -> FloatArray:
        """Rates of change."""
        del time
        damaged = self.kill * forcing[0] * state[0]
        return np.stack((self.growth * state[0] - damaged, damaged - 0.5 * state[1]))

    def segment(self, passed: IntArray) -> Segment:
        """What is left of each dose."""
        given = np.arange(self.doses.shape[1])[:, None] < passed

        def forcing(time: FloatArray) -> FloatArray:
            since = np.where(given, time[:, None, :] - self.doses.T, 0.0)
            left = np.where(given, np.exp(-self.fall * since), 0.0)
            result: FloatArray = left.sum(axis=1, keepdims=True)
            return result

        return forcing

    def jump(
        self, event: IntArray, animals: IntArray, time: FloatArray, state: FloatArray
    ) -> FloatArray:
        """The state itself goes on."""
        del event, animals, time
        return state

    def take(self, animals: IntArray) -> Driven:
        """Some of the animals."""
        return Driven(
            self.growth[animals], self.kill[animals], self.fall[animals], self.doses[animals]
        )

    def exact(self, times: FloatArray) -> FloatArray:
        """Undamaged size (n, t) of one that begins with 1, in closed form."""
        since = np.maximum(times[None, :, None] - self.doses[:, None, :], 0.0)
        area = (-np.expm1(-self.fall[:, None, None] * since) / self.fall[:, None, None]).sum(
            axis=2
        )
        result: FloatArray = np.exp(self.growth[:, None] * times - self.kill[:, None] * area)
        return result


def driven(n: int, *, own_times: bool = False) -> Driven:
    """Animals that differ."""
    rng = np.random.default_rng(1)
    doses = np.tile(np.arange(2.0, 12.0), (n, 1))
    if own_times:
        doses = doses + rng.uniform(0.0, 0.4, (n, 1))
        doses[0, 6:] = np.inf
    return Driven(
        growth=rng.uniform(0.1, 0.3, n),
        kill=rng.uniform(0.2, 2.0, n),
        fall=rng.uniform(1.0, 12.0, n),
        doses=doses,
    )


def reference(
    system: OdeSystem, state: FloatArray, times: FloatArray, animal: int = 0
) -> FloatArray:
    """States (t, s) of one animal without events, by DOP853 at 1e-12."""
    alone = system.take(np.array([animal]))

    def rates(time: float, place: FloatArray) -> FloatArray:
        when = np.array([time])
        return alone.rates(when, place[:, None], np.empty((0, 1))).ravel()

    found = solve_ivp(
        rates, (0.0, times[-1]), state, method="DOP853", rtol=1e-12, atol=1e-13, t_eval=times
    )
    result: FloatArray = found.y.T
    return result


def solved(engine: str, problem: OdeProblem) -> OdeSolution:
    """By one of the three ways."""
    if engine == "fixed":
        return solve_fixed(problem, step=0.05, tolerance=1e-6)
    if engine == "adaptive":
        return solve_adaptive(problem, rtol=1e-9)
    return solve_stiff(problem, rtol=1e-10)


TIMES = np.linspace(0.5, 20.0, 14)


@pytest.mark.parametrize("rtol", [1e-4, 1e-6, 1e-8])
def test_adaptive_steps_keep_the_error_within_a_hundred_tolerances(rtol: float) -> None:
    parameters = np.array([[0.8, 1.1, 0.5], [0.6, 0.9, 1.4]])
    system = FunctionSystem(function=oscillating, parameters=parameters)
    start = np.array([[1.0, 0.5], [2.0, 0.3], [0.4, 0.9]])
    solution = solve_batched(system, start, TIMES, rtol=rtol)
    for animal in range(3):
        exact = reference(system, start[animal], TIMES, animal)
        worst = np.abs(solution.states[animal] / exact - 1.0).max()
        assert worst <= 100.0 * rtol


def test_adaptive_steps_follow_doses() -> None:
    system = driven(40)
    start = np.tile([1.0, 0.0], (40, 1))
    solution = solve_batched(system, start, TIMES, events=system.doses, rtol=1e-7)
    np.testing.assert_allclose(solution.states[:, :, 0], system.exact(TIMES), rtol=2e-6)


def test_the_fixed_plan_estimates_its_error_and_stays_below_it() -> None:
    system = driven(40)
    start = np.tile([1.0, 0.0], (40, 1))
    exact = system.exact(TIMES)
    estimates = []
    for step in (0.2, 0.1, 0.05):
        problem = ode_problem(system, start, TIMES, events=system.doses)
        solution = solve_fixed(
            problem, step=step, tolerance=1e-5, observe=lambda states: states[:, :, :1]
        )
        error = np.abs(solution.states[:, :, 0] / exact - 1.0).max(axis=1)
        assert (error <= solution.error_estimate + 1e-13).all()
        np.testing.assert_array_equal(solution.flagged, solution.error_estimate > 1e-5)
        estimates.append(solution.error_estimate.max())
    # Of fourth order: two halvings take 256 off, less what the cut at the stops changes.
    assert estimates[0] > 100.0 * estimates[2]


def test_what_is_observed_decides_what_is_flagged() -> None:
    system = driven(5)
    problem = ode_problem(system, np.tile([1.0, 0.0], (5, 1)), TIMES, events=system.doses)
    both = solve_fixed(problem, step=0.4, tolerance=1e-5)
    total = solve_fixed(
        problem,
        step=0.4,
        tolerance=1e-5,
        observe=lambda states: states.sum(axis=2, keepdims=True),
    )
    assert (total.error_estimate < both.error_estimate).any()
    np.testing.assert_array_equal(total.states, both.states)


@pytest.mark.parametrize("step", [None, 0.05])
def test_animals_with_dose_times_of_their_own_are_each_right(step: float | None) -> None:
    system = driven(12, own_times=True)
    start = np.tile([1.0, 0.0], (12, 1))
    solution = solve_batched(system, start, TIMES, events=system.doses, step=step, rtol=1e-7)
    np.testing.assert_allclose(solution.states[:, :, 0], system.exact(TIMES), rtol=5e-6)


def test_a_batch_gives_what_each_alone_gives() -> None:
    system = driven(6)
    start = np.tile([1.0, 0.0], (6, 1))
    together = solve_batched(system, start, TIMES, events=system.doses, step=0.1)
    for animal in range(6):
        one = np.array([animal])
        alone = solve_batched(
            system.take(one), start[:1], TIMES, events=system.doses[one], step=0.1
        )
        np.testing.assert_allclose(alone.states[0], together.states[animal], rtol=1e-13)


@pytest.mark.parametrize("engine", ["fixed", "adaptive", "scipy"])
def test_an_output_at_an_event_is_taken_after_it_unless_asked(engine: str) -> None:
    system = FunctionSystem(
        function=decaying,
        parameters=np.array([[0.2, 0.7]]),
        factor=np.array([[[0.5], [0.25]], [[0.5], [1.0]]]),
    )
    sides: tuple[AtEvent, ...] = ("after", "before")
    after, before = (
        solved(
            engine,
            ode_problem(
                system,
                [[8.0], [4.0]],
                [0.0, 1.0, 2.0, 3.0, 2.0],
                events=[1.5, 2.0],
                at_event=side,
            ),
        ).states[:, :, 0]
        for side in sides
    )
    rate = np.array([0.2, 0.7])[:, None]
    free = np.array([[8.0], [4.0]]) * np.exp(-rate * np.array([0.0, 1.0, 2.0, 3.0, 2.0]))
    second = np.array([[0.25], [1.0]])
    np.testing.assert_allclose(after[:, :2], free[:, :2], rtol=1e-7)
    np.testing.assert_allclose(after[:, 2:], free[:, 2:] * 0.5 * second, rtol=1e-7)
    np.testing.assert_allclose(before[:, [2, 4]], free[:, [2, 4]] * 0.5, rtol=1e-7)
    np.testing.assert_allclose(before[:, 3], after[:, 3], rtol=1e-7)


@pytest.mark.parametrize("step", [None, 0.1])
def test_a_stiff_equation_is_refused_by_name(step: float | None) -> None:
    system = FunctionSystem(function=van_der_pol, parameters=np.array([[1000.0]]))
    with pytest.raises(DataError, match=r"animal 1: .*stiff: use the scipy engine") as caught:
        solve_batched(system, [[2.0, 0.0]], [500.0, 800.0], step=step, rtol=1e-5)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("step", [None, 0.1])
def test_fast_binding_is_refused_and_the_animal_is_named(step: float | None) -> None:
    system = FunctionSystem(function=decaying, parameters=np.array([[1.0, 1e6]]))
    with pytest.raises(DataError, match=r"fast: .*stiff"):
        solve_batched(system, [[1.0], [1.0]], [45.0], step=step, names=("slow", "fast"))


def test_scipy_solves_what_is_stiff() -> None:
    system = FunctionSystem(function=van_der_pol, parameters=np.array([[1000.0]]))
    problem = ode_problem(system, [[2.0, 0.0]], [400.0, 800.0])
    lsoda = solve_stiff(problem, rtol=1e-8)
    radau = solve_stiff(problem, rtol=1e-8, method="Radau")
    np.testing.assert_allclose(lsoda.states, radau.states, rtol=1e-5)


def test_a_rate_above_what_the_step_bears_shortens_the_steps() -> None:
    system = FunctionSystem(function=decaying, parameters=np.array([[100.0, 1.0]]))
    solution = solve_batched(system, [[1.0], [1.0]], [1.0, 2.0], step=0.5)
    np.testing.assert_allclose(solution.states[1, :, 0], np.exp([-1.0, -2.0]), rtol=1e-6)
    assert solution.steps > 200


def test_rates_that_know_no_negative_state_are_not_called_stiff() -> None:
    def rising(time: FloatArray, state: FloatArray, parameters: FloatArray) -> FloatArray:
        del time
        return np.stack((parameters[0] * state[0], 0.1 + np.sqrt(state[1])))

    system = FunctionSystem(function=rising, parameters=np.array([[0.1]]))
    fixed = solve_batched(system, [[1.0, 0.0]], [1.0, 5.0], step=0.02, rtol=1e-3)
    adaptive = solve_batched(system, [[1.0, 0.0]], [1.0, 5.0], rtol=1e-8)
    np.testing.assert_allclose(fixed.states, adaptive.states, rtol=1e-4)


@pytest.mark.parametrize("step", [None, 0.05])
def test_events_that_rounding_sets_apart_are_passed(step: float | None) -> None:
    system = FunctionSystem(
        function=decaying, parameters=np.array([[0.5]]), factor=np.full((1, 4, 1), 0.5)
    )
    events = [1e-16, 2e-16, 3 * 0.1 - 1e-16, 3 * 0.1]
    solution = solve_batched(system, [[16.0]], [1.0, 2.0], events=events, step=step, rtol=1e-6)
    np.testing.assert_allclose(solution.states[0, :, 0], np.exp([-0.5, -1.0]), rtol=1e-5)
    assert solution.steps < 300


def test_engines_agree_with_each_other() -> None:
    system = driven(4)
    problem = ode_problem(system, np.tile([1.0, 0.0], (4, 1)), TIMES, events=system.doses)
    fixed = solve_fixed(problem, step=0.1, tolerance=1e-5)
    adaptive = solve_adaptive(problem, rtol=1e-8)
    scipy = solve_stiff(problem, rtol=1e-9)
    for other in (adaptive, scipy):
        np.testing.assert_allclose(fixed.states, other.states, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("engine", ["fixed", "adaptive", "scipy"])
def test_a_trajectory_that_ends_is_an_error_with_animal_and_day(engine: str) -> None:
    system = FunctionSystem(function=exploding, parameters=np.array([[0.01, 1.0]]))
    problem = ode_problem(system, [[1.0], [0.5]], [1.0, 3.0], names=("m1", "m2"))
    with pytest.raises(DataError, match=r"m2: .*day [123]"):
        solved(engine, problem)


def test_rates_that_are_no_number_are_an_error() -> None:
    system = FunctionSystem(function=decaying, parameters=np.array([[1.0, np.nan]]))
    for step in (None, 0.1):
        with pytest.raises(DataError, match="animal 2"):
            solve_batched(system, [[1.0], [1.0]], [1.0], step=step)


def test_too_many_steps_are_refused() -> None:
    system = FunctionSystem(function=decaying, parameters=np.array([[1.0]]))
    problem = ode_problem(system, [[1.0]], [100.0])
    with pytest.raises(DataError, match="at most 50 steps"):
        solve_fixed(problem, step=0.1, tolerance=1e-6, max_steps=50)
    with pytest.raises(DataError, match="at most 50 steps"):
        solve_adaptive(
            ode_problem(
                FunctionSystem(function=oscillating, parameters=np.array([[2.0], [2.0]])),
                [[1.0, 0.5]],
                [100.0],
            ),
            rtol=1e-10,
            max_steps=50,
        )


def test_bad_problems_are_refused() -> None:
    system = FunctionSystem(function=decaying, parameters=np.array([[1.0, 1.0]]))
    start = [[1.0], [1.0]]
    with pytest.raises(InputError, match="shape"):
        solve_batched(system, [1.0, 1.0], [1.0])
    with pytest.raises(InputError, match="finite"):
        solve_batched(system, [[1.0], [np.inf]], [1.0])
    with pytest.raises(InputError, match="output times from day 0"):
        solve_batched(system, start, [-1.0, 1.0])
    with pytest.raises(InputError, match="event times from day 2"):
        solve_batched(system, start, [3.0], events=[1.0], begin=2.0)
    with pytest.raises(InputError, match="ascend"):
        solve_batched(system, start, [3.0], events=[2.0, 1.0])
    with pytest.raises(InputError, match="shape"):
        solve_batched(system, start, np.ones((3, 1)))
    with pytest.raises(InputError, match="numbers"):
        solve_batched(system, start, [np.nan])
    with pytest.raises(InputError, match="names of 2"):
        solve_batched(system, start, [1.0], names=("a",))
    with pytest.raises(InputError, match="tolerance"):
        solve_batched(system, start, [1.0], rtol=0.0)
    with pytest.raises(InputError, match="step"):
        solve_batched(system, start, [1.0], step=-1.0)
