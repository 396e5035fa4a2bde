"""Newton's method on many functions at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oncovivo.numerics.newton import minimize_newton

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Wells:
    """(x² - a)² + 2 (y - x)²: minima at x = y = ±√a, or at 0 where a ≤ 0; a saddle at 0."""

    a: FloatArray

    def take(self, index: NDArray[np.intp]) -> Wells:
        """Some of the wells."""
        return Wells(self.a[index])

    def __call__(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Values, gradients, Hessians."""
        x, y = theta.T
        value = (x**2 - self.a) ** 2 + 2 * (y - x) ** 2
        gradient = np.array([4 * x * (x**2 - self.a) - 4 * (y - x), 4 * (y - x)]).T
        hessian = np.empty((x.size, 2, 2))
        hessian[:, 0, 0] = 12 * x**2 - 4 * self.a + 4
        hessian[:, 0, 1] = hessian[:, 1, 0] = -4
        hessian[:, 1, 1] = 4
        return value, gradient, hessian


def test_each_function_gets_its_own_minimum() -> None:
    a = np.array([4.0, 0.01, -1.0, 100.0, 1e-8])
    result = minimize_newton(Wells(a), np.full((5, 2), 0.3))
    expected = np.sqrt(np.maximum(a, 0.0))
    assert result.converged.all()
    np.testing.assert_allclose(np.abs(result.theta[:4, 0]), expected[:4], atol=1e-8)
    np.testing.assert_allclose(result.theta[:, 1], result.theta[:, 0], atol=1e-6)
    assert abs(result.theta[4, 0]) < 2e-2


def test_a_saddle_is_left() -> None:
    result = minimize_newton(Wells(np.array([1.0])), np.zeros((1, 2)))
    assert result.converged.all()
    np.testing.assert_allclose(np.abs(result.theta), 1.0, atol=1e-8)


def test_a_batch_gives_what_each_alone_gives() -> None:
    a = np.linspace(-2, 5, 8)
    start = np.tile([0.7, -0.4], (8, 1))
    together = minimize_newton(Wells(a), start)
    for place in range(8):
        alone = minimize_newton(Wells(a[place : place + 1]), start[:1])
        np.testing.assert_allclose(together.theta[place], alone.theta[0], atol=1e-12)
        assert together.iterations[place] == alone.iterations[0]


def test_too_few_steps_are_said() -> None:
    result = minimize_newton(Wells(np.array([4.0])), np.full((1, 2), 30.0), max_iterations=2)
    assert not result.converged.any()
    assert result.iterations.tolist() == [2]


@dataclass(frozen=True)
class Broken(Wells):
    """Only finite close to where the search begins."""

    def take(self, index: NDArray[np.intp]) -> Broken:
        """Some of the wells."""
        return Broken(self.a[index])

    def __call__(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Values, gradients, Hessians."""
        value, gradient, hessian = super().__call__(theta)
        bad = np.abs(theta[:, 0]) > 1
        return (
            np.where(bad, np.nan, value),
            np.where(bad[:, None], np.nan, gradient),
            np.where(bad[:, None, None], np.nan, hessian),
        )


def test_steps_to_where_nothing_is_known_are_shortened() -> None:
    result = minimize_newton(Broken(np.array([4.0, 0.25])), np.full((2, 2), 0.6))
    assert result.converged.tolist() == [False, True]
    assert np.isfinite(result.theta).all()
    np.testing.assert_allclose(result.theta[1], 0.5, atol=1e-8)
