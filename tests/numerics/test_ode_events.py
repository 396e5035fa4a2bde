"""Adaptive steps across events: what was met before one is forgotten."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from oncovivo.numerics.ode import FunctionSystem, solve_batched


@pytest.mark.parametrize("gap", [1.0, 6.0])
def test_the_tiny_step_after_an_event_is_not_taken_for_the_rest_of_the_way(gap: float) -> None:
    # Between events steps stay at the edge of stability; the first step after one is tiny, and
    # as many of these as there are days left would be more than are allowed.
    rate = 300.0

    def decay(
        time: NDArray[np.float64], state: NDArray[np.float64], parameters: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        del time, parameters
        return np.asarray(-rate * (state - 1.0))

    events = np.arange(gap, 40.0, gap)[np.newaxis]
    found = solve_batched(
        FunctionSystem(
            function=decay,
            parameters=np.zeros((0, 1)),
            factor=np.full((1, events.shape[1], 1), 30.0),
        ),
        np.full((1, 1), 2.0),
        np.array([39.9]),
        events=events,
        rtol=1e-6,
    )
    # 100 × rtol, as the engine promises.
    assert found.states[0, 0, 0] == pytest.approx(1.0, abs=1e-4)
    assert found.steps < 20_000
