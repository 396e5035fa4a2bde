"""Ordinary differential equations of many animals at once, with events: the front door.

Three ways, one problem: Runge–Kutta by a fixed plan of steps with the error estimated
(`solve_fixed`), a pair with steps that the tolerance decides (`solve_adaptive`), and scipy for
stiff equations (`solve_stiff`). The first two are explicit and refuse stiff equations.
"""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from oncovivo.errors import InputError
from oncovivo.numerics.ode_adaptive import solve_adaptive
from oncovivo.numerics.ode_fixed import Observe, solve_fixed
from oncovivo.numerics.ode_problem import (
    AtEvent,
    FunctionSystem,
    OdeProblem,
    OdeSolution,
    OdeSystem,
    Segment,
    ode_problem,
)
from oncovivo.numerics.ode_stiff import ScipyMethod, solve_stiff

__all__ = [
    "AtEvent",
    "FunctionSystem",
    "Observe",
    "OdeProblem",
    "OdeSolution",
    "OdeSystem",
    "ScipyMethod",
    "Segment",
    "ode_problem",
    "solve_adaptive",
    "solve_batched",
    "solve_fixed",
    "solve_stiff",
]


def solve_batched(
    system: OdeSystem,
    state0: ArrayLike,
    times: ArrayLike,
    *,
    events: ArrayLike | None = None,
    begin: float = 0.0,
    at_event: AtEvent = "after",
    names: Sequence[str] | None = None,
    step: float | None = None,
    rtol: float = 1e-5,
) -> OdeSolution:
    """States of n animals at output times.

    Parameters
    ----------
    system : OdeSystem
        Equations of n animals.
    state0 : array_like, shape (n, s)
        States at the beginning.
    times : array_like, shape (t,) or (n, t)
        Outputs, days.
    events : array_like, shape (e,) or (n, e), optional
        Times at which the state or its forcing jumps, ascending; infinite for none.
    begin : float
        When the equations begin.
    at_event : {"after", "before"}
        Which side of an event an output at the same time shows.
    names : sequence of str, optional
        The animals, for messages.
    step : float, optional
        With it, steps are fixed and at most this long (days), and `rtol` is the error above which
        an animal is flagged. Without it, steps follow `rtol`.
    rtol : float
        Relative tolerance.

    Raises
    ------
    InputError
        The problem is not well formed, see `ode_problem`.
    DataError
        The equations are stiff, or a trajectory is no longer finite.

    Examples
    --------
    >>> import numpy as np
    >>> decay = FunctionSystem(function=lambda time, state, rate: -rate * state,
    ...                        parameters=np.array([[1.0, 2.0]]))
    >>> solution = solve_batched(decay, [[1.0], [1.0]], [0.5, 1.0], step=0.1)
    >>> solution.states[:, :, 0].round(4).tolist()
    [[0.6065, 0.3679], [0.3679, 0.1353]]
    """
    if not 0.0 < rtol < 1.0:
        raise InputError("a relative tolerance between 0 and 1", found=f"{rtol:g}")
    problem = ode_problem(
        system, state0, times, events=events, begin=begin, at_event=at_event, names=names
    )
    if step is None:
        return solve_adaptive(problem, rtol=rtol)
    return solve_fixed(problem, step=step, tolerance=rtol)
