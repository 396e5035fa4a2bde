"""Quadrature against integrals that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from oncovivo.errors import InputError
from oncovivo.numerics.quadrature import (
    adaptive_log_integral,
    adaptive_points,
    gauss_hermite_grid,
    integrate_adaptively,
    laplace_log_integral,
    scale_factors,
)


def _precisions(rng: np.random.Generator, count: int, dimensions: int) -> np.ndarray:
    root = rng.normal(size=(count, dimensions, dimensions + 2))
    return np.asarray(root @ np.swapaxes(root, -1, -2))


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_scale_factors_are_roots_of_the_inverse(dimensions: int) -> None:
    precision = _precisions(np.random.default_rng(1), 5, dimensions)
    factors = scale_factors(precision)
    product = factors @ np.swapaxes(factors, -1, -2)
    np.testing.assert_allclose(product, np.linalg.inv(precision), rtol=1e-9, atol=1e-12)
    assert np.array_equal(factors, np.triu(factors))


@pytest.mark.parametrize("points", [1, 2, 7])
@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_a_gaussian_integrand_is_exact_with_any_number_of_points(
    points: int, dimensions: int
) -> None:
    rng = np.random.default_rng(2)
    precision = _precisions(rng, 4, dimensions)
    modes = rng.normal(size=(4, dimensions))

    def log_integrand(u: np.ndarray) -> np.ndarray:
        off = u - modes[:, None, :]
        return np.asarray(-0.5 * np.einsum("nkd,nde,nke->nk", off, precision, off))

    expected = 0.5 * dimensions * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(precision)[1]
    factors = scale_factors(precision)
    reached = integrate_adaptively(log_integrand, modes, factors, points=points)
    np.testing.assert_allclose(reached, expected, atol=1e-12)
    np.testing.assert_allclose(laplace_log_integral(np.zeros(4), factors), expected, atol=1e-12)


def test_moments_of_a_gaussian_are_exact_up_to_degree_five_with_three_points() -> None:
    precision = np.array([[[2.0, 0.5], [0.5, 1.0]]])
    modes = np.array([[0.3, -1.0]])
    factors = scale_factors(precision)
    grid = gauss_hermite_grid(3, 2)
    u = adaptive_points(modes, factors, grid)
    off = u - modes[:, None, :]
    log_values = -0.5 * np.einsum("nkd,nde,nke->nk", off, precision, off)
    _, shares = adaptive_log_integral(log_values, factors, grid)
    covariance = np.linalg.inv(precision[0])
    assert shares.sum() == pytest.approx(1.0, abs=1e-14)
    np.testing.assert_allclose(np.einsum("nk,nkd->nd", shares, u), modes, atol=1e-13)
    second = np.einsum("nk,nkd,nke->nde", shares, off, off)
    np.testing.assert_allclose(second[0], covariance, atol=1e-13)
    fourth = float((shares * off[..., 0] ** 2 * off[..., 1] ** 2).sum())
    both = covariance[0, 0] * covariance[1, 1] + 2 * covariance[0, 1] ** 2
    assert fourth == pytest.approx(both, abs=1e-13)


@pytest.mark.parametrize("shape", [3.0, 5.0, 20.0])
def test_the_gamma_function_comes_out_and_laplace_is_stirling(shape: float) -> None:
    mode = np.array([np.log(shape)])
    factor = np.array([[shape**-0.5]])

    def log_integrand(u: np.ndarray) -> np.ndarray:
        return np.asarray(shape * u[..., 0] - np.exp(u[..., 0]))

    reached = float(integrate_adaptively(log_integrand, mode, factor, points=40))
    assert reached == pytest.approx(float(special.gammaln(shape)), abs=1e-7)
    stirling = (shape - 0.5) * np.log(shape) - shape + 0.5 * np.log(2 * np.pi)
    one = float(integrate_adaptively(log_integrand, mode, factor, points=1))
    assert one == pytest.approx(stirling, abs=1e-12)
    maximum = np.asarray(shape * np.log(shape) - shape)
    assert float(laplace_log_integral(maximum, factor)) == pytest.approx(stirling, abs=1e-12)


def test_a_probit_averaged_over_a_normal_is_known() -> None:
    # The mean of Phi(a + b z) over standard normal z is Phi(a / sqrt(1 + b²)).
    a, b = np.array([-1.0, 0.2, 3.0]), np.array([0.5, 2.0, 1.0])
    modes, factors = np.zeros((3, 1)), np.ones((3, 1, 1))

    def log_integrand(u: np.ndarray) -> np.ndarray:
        z = u[..., 0]
        inside = special.log_ndtr(a[:, None] + b[:, None] * z)
        return np.asarray(inside - 0.5 * z**2 - 0.5 * np.log(2 * np.pi))

    reached = integrate_adaptively(log_integrand, modes, factors, points=60)
    np.testing.assert_allclose(
        np.exp(reached), special.ndtr(a / np.sqrt(1 + b**2)), rtol=0, atol=1e-6
    )


def test_grids_are_shared_and_cannot_be_written() -> None:
    grid = gauss_hermite_grid(5, 2)
    assert grid is gauss_hermite_grid(5, 2)
    assert grid.nodes.shape == (25, 2)
    assert grid.dimensions == 2
    with pytest.raises(ValueError, match="read-only"):
        grid.nodes[0, 0] = 1.0


@pytest.mark.parametrize("points", [0, 101])
def test_points_outside_the_range_are_refused(points: int) -> None:
    with pytest.raises(InputError, match="1 to 100 points"):
        gauss_hermite_grid(points, 1)


def test_no_dimension_is_refused() -> None:
    with pytest.raises(InputError, match="one dimension or more"):
        gauss_hermite_grid(3, 0)
