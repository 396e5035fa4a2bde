"""The maximum of a marginal likelihood, and what the readings say around it."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError
from oncovivo.growth.marginal import CurveProblem
from oncovivo.numerics.trust_region import Minimum, minimize

__all__ = [
    "LikelihoodSearch",
    "coefficient_covariance",
    "is_degenerate",
    "without_empty_effects",
]

FloatArray: TypeAlias = NDArray[np.float64]

# Differences of an exact gradient.
_STEP: Final = 1e-5
_GRADIENT: Final = 1e-6
_GRADIENT_ENOUGH: Final = 1e-3
# Two optima closer than this are one.
_SAME_VALUE: Final = 1e-6
# A random effect that moves no reading by more than this share of sigma is none.
_NO_SPREAD: Final = 1e-3
# Information below this share of the largest, parameters scaled to unit curvature, is none.
_NO_INFORMATION: Final = 1e-9
# A coefficient with more than this share in such a direction has no standard error.
_TOUCHED: Final = 1e-4


class LikelihoodSearch:
    """The marginal log-likelihood as the search sees it; remembers the last modes."""

    def __init__(self, problem: CurveProblem) -> None:
        self.problem = problem
        self.eta = np.zeros((1, problem.time.shape[0], problem.q))

    def value(self, theta: FloatArray) -> float:
        """Log-likelihood at one point; the modes are kept."""
        result = self.problem.evaluate(theta[None], self.eta)
        self.eta = result.eta
        return float(result.by_animal.sum())

    def hessian(self, theta: FloatArray) -> FloatArray:
        """Second derivatives of the log-likelihood, as differences of its gradient."""
        size = theta.size
        shift = np.eye(size) * _STEP
        points = np.concatenate((theta + shift, theta - shift))
        gradient = self.problem.evaluate(points, self.eta).gradient
        raw = (gradient[:size] - gradient[size:]) / (2 * _STEP)
        return np.asarray((raw + raw.T) / 2)

    def objective(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray] | None:
        """Minus the log-likelihood with derivatives; None outside the domain."""
        result = self.problem.evaluate(theta[None], self.eta)
        value = float(result.by_animal.sum())
        gradient = result.gradient[0]
        if not (np.isfinite(value) and np.isfinite(gradient).all() and result.settled[0]):
            return None
        self.eta = result.eta
        hessian = self.hessian(theta)
        if not np.isfinite(hessian).all():
            return None
        return -value, -gradient, -hessian

    def maximum(
        self, starts: list[FloatArray], *, most: int, where: str
    ) -> tuple[FloatArray, bool, int]:
        """The best parameters, whether they are a maximum, and the points looked at.

        Raises
        ------
        DataError
            If the likelihood exists at no start.
        """
        wide = np.full(self.problem.n_parameters, np.inf)
        best: tuple[Minimum, FloatArray] | None = None
        used = 0
        for start in starts:
            self.eta = np.zeros_like(self.eta)
            if self.objective(start) is None:
                continue
            found = minimize(
                self.objective,
                start,
                lower=-wide,
                upper=wide,
                tolerance=_GRADIENT,
                enough=_GRADIENT_ENOUGH,
                most=most,
            )
            used += found.iterations
            if best is None or found.value < best[0].value - _SAME_VALUE:
                best = found, self.eta
        if best is None:
            expected = f"readings that the law '{self.problem.model.name}' can describe"
            raise DataError(expected, found="no likelihood near their curves", where=where)
        self.eta = best[1]
        return best[0].point, best[0].converged, used


def without_empty_effects(
    problem: CurveProblem, search: LikelihoodSearch, theta: FloatArray
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Random effects that move no reading are set to zero, if the likelihood agrees."""
    flat = np.zeros(theta.size, dtype=bool)
    factor = problem.factor(theta)
    rows, _ = problem.entries
    slopes = problem.model.gradient(problem.population(theta[None])[0], problem.time)
    slopes = np.where(problem.used[..., None], np.abs(slopes), 0.0)[..., problem.random]
    reach = slopes.max(axis=(0, 1)) * np.sqrt((factor**2).sum(axis=1))
    empty = reach < _NO_SPREAD * np.exp(theta[-1])
    if not empty.any():
        return theta, flat
    candidate = np.flatnonzero(empty[rows]) + problem.p
    trial = theta.copy()
    trial[candidate] = 0.0
    value = search.value(theta)
    if search.value(trial) >= value - 1e-5:
        flat[candidate] = True
        return trial, flat
    return theta, flat


def is_degenerate(problem: CurveProblem, theta: FloatArray) -> bool:
    """Whether the random effects vary in fewer directions than there are."""
    smallest = np.linalg.svd(problem.factor(theta), compute_uv=False)[-1]
    return bool(smallest < _NO_SPREAD * np.exp(theta[-1]))


def coefficient_covariance(
    problem: CurveProblem, search: LikelihoodSearch, theta: FloatArray, flat: NDArray[np.bool_]
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Inverse observed information of the coefficients, and which of them it determines."""
    search.value(theta)
    keep = np.flatnonzero(~flat)
    information = -search.hessian(theta)[np.ix_(keep, keep)]
    if not np.isfinite(information).all():
        return np.full((problem.p, problem.p), np.nan), np.zeros(problem.p, dtype=bool)
    size = np.sqrt(np.maximum(np.abs(np.diag(information)), 1e-300))
    curvature, axes = np.linalg.eigh(information / np.outer(size, size))
    sound = curvature > _NO_INFORMATION
    touched = (axes[:, ~sound] ** 2).sum(axis=1) > _TOUCHED
    # Curvature that is nothing to rounding says nothing either.
    touched |= np.diag(information) < _NO_INFORMATION * np.abs(np.diag(information)).max()
    inverse = (axes[:, sound] / curvature[sound]) @ axes[:, sound].T / np.outer(size, size)
    # The coefficients come first and are all kept.
    known = ~touched[: problem.p]
    covariance = inverse[: problem.p, : problem.p].copy()
    covariance[~known] = np.nan
    covariance[:, ~known] = np.nan
    return covariance, known
