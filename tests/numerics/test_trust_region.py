"""Newton in a trust region: valleys, saddles, bounds, and places without a value."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from oncovivo.numerics.trust_region import minimize

FloatArray = NDArray[np.float64]
Answer = tuple[float, FloatArray, FloatArray]
FREE = np.full(2, np.inf)


def valley(x: FloatArray) -> Answer:
    """Rosenbrock's function."""
    a, b = x
    value = (1 - a) ** 2 + 100 * (b - a * a) ** 2
    gradient = np.array([-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)])
    hessian = np.array([[2 - 400 * (b - 3 * a * a), -400 * a], [-400 * a, 200.0]])
    return float(value), gradient, hessian


def saddle(x: FloatArray) -> Answer:
    """Minima at (±1, 0), a saddle between them."""
    a, b = x
    value = (a * a - 1) ** 2 + b * b
    gradient = np.array([4 * a * (a * a - 1), 2 * b])
    return float(value), gradient, np.diag([12 * a * a - 4, 2.0])


def test_a_curved_valley_is_followed_to_its_floor() -> None:
    found = minimize(valley, np.array([-1.2, 1.0]), lower=-FREE, upper=FREE)
    assert found.converged
    np.testing.assert_allclose(found.point, 1.0, atol=1e-9)


def test_a_saddle_is_left_even_from_its_very_point() -> None:
    found = minimize(saddle, np.zeros(2), lower=-FREE, upper=FREE)
    assert found.converged
    assert found.value == pytest.approx(0.0, abs=1e-14)
    np.testing.assert_allclose(np.abs(found.point), [1.0, 0.0], atol=1e-7)


def test_bounds_hold_and_count_as_minimum() -> None:
    lower = np.array([1.5, -np.inf])
    found = minimize(valley, np.array([3.0, 0.0]), lower=lower, upper=FREE)
    assert found.converged
    np.testing.assert_allclose(found.point, [1.5, 2.25], atol=1e-8)
    assert found.gradient[0] == 0.0
    upper = np.array([0.5, np.inf])
    found = minimize(valley, np.array([-2.0, 0.0]), lower=-FREE, upper=upper)
    np.testing.assert_allclose(found.point, [0.5, 0.25], atol=1e-8)


def test_steps_to_where_nothing_is_defined_are_taken_back() -> None:
    def logarithm(x: FloatArray) -> Answer | None:
        if x[0] <= 0:
            return None
        a = x[0]
        return float(a - np.log(a)), np.array([1 - 1 / a, 0.0]), np.diag([1 / a**2, 0.0])

    found = minimize(logarithm, np.array([3.9, 0.0]), lower=-FREE, upper=FREE)
    assert found.converged
    assert found.point[0] == pytest.approx(1.0, abs=1e-8)


def test_a_minimum_as_flat_as_a_fourth_power_is_reached() -> None:
    def flat(x: FloatArray) -> Answer:
        return (
            float(x[0] ** 4 + x[1] ** 2),
            np.array([4 * x[0] ** 3, 2 * x[1]]),
            np.diag([12 * x[0] ** 2, 2.0]),
        )

    found = minimize(flat, np.array([1.0, 1.0]), lower=-FREE, upper=FREE)
    assert found.converged
    assert abs(found.point[0]) < 1e-2


def test_too_few_evaluations_are_not_called_converged() -> None:
    found = minimize(valley, np.array([-1.2, 1.0]), lower=-FREE, upper=FREE, most=5)
    assert not found.converged
    assert found.iterations == 5


def test_a_start_without_a_value_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not exist at the start"):
        minimize(lambda _: None, np.zeros(2), lower=-FREE, upper=FREE)
