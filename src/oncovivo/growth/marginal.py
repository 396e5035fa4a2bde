"""Marginal likelihood of a nonlinear mixed model, animal by animal, with its exact gradient.

Each animal has parameters phi = A beta + B L eta, eta standard normal, and readings around
f(phi, t). The integral over eta is taken by Laplace's approximation with the Gauss-Newton
curvature H = I + L'B'(G'WG)B L, G the derivatives of f and W the weights of the readings (for
uncensored readings the information of one, 1 / sigma²). It is exact where the random effects
enter f linearly; with exact second derivatives instead H could lose its positive definiteness.
Adaptive Gauss-Hermite quadrature around the same mode with the same curvature is the check.

The gradient of the Laplace likelihood follows the mode: with E the exact curvature at the mode,
d eta = -E⁻¹ (change of the inner gradient). Working with L instead of its square keeps all of it
finite where a variance is zero. Every array may carry a leading axis of parameter points, so that
all differences of a Hessian are one call.

Wolfinger, Biometrika 1993;80:791; Pinheiro and Bates, J Comput Graph Stat 1995;4:12.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.data import GrowthData
from oncovivo.growth.reading_likelihood import ReadingTerms, reading_terms
from oncovivo.growth.structural import StructuralModel
from oncovivo.numerics.quadrature import (
    adaptive_log_integral,
    adaptive_points,
    gauss_hermite_grid,
    scale_factors,
)

__all__ = ["CurveProblem", "Integration", "MarginalValue", "Structure", "curve_problem"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]
Structure: TypeAlias = Literal["diagonal", "unstructured"]
Integration: TypeAlias = Literal["laplace", "quadrature"]

_LOG_2PI: Final = float(np.log(2 * np.pi))
# Inner steps before the exact curvature replaces Gauss-Newton's, and in all.
_GAUSS_NEWTON_STEPS: Final = 3
_MOST_STEPS: Final = 60
_MOST_HALVINGS: Final = 16
# An inner gradient below this is zero; eta is of order one.
_INNER: Final = 1e-10
_LAST_GAIN: Final = 1e-19
# Curvature must be this far from singular for an exact inner step.
_FIRM: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarginalValue:
    """Log-likelihood at S parameter points.

    Parameters
    ----------
    by_animal : ndarray, shape (S, n)
        Log-likelihood of each animal; NaN or minus infinity where there is none.
    gradient : ndarray, shape (S, r)
        Of the sum over animals.
    eta : ndarray, shape (S, n, q)
        Modes of the standardized random effects.
    settled : ndarray of bool, shape (S,)
        Whether every mode was found.
    """

    by_animal: FloatArray
    gradient: FloatArray
    eta: FloatArray
    settled: BoolArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CurveProblem:
    """Readings of n animals, padded to the longest, and how their parameters are made.

    Parameters
    ----------
    model : StructuralModel
        Its k parameters.
    time, y : ndarray, shape (n, t)
        Times in the unit of the search, readings or limits.
    below, used : ndarray of bool, shape (n, t)
        Which readings are limits; which places hold one.
    place : ndarray of int, shape (n, k)
        Which of the p coefficients is each animal's parameter.
    p : int
        Number of coefficients.
    random : ndarray of int, shape (q,)
        Which parameters have a random effect.
    structure : {"diagonal", "unstructured"}
        Covariance of the random effects.
    integration : {"laplace", "quadrature"}
        How the random effects are integrated out.
    points : int
        Quadrature points in each dimension.
    """

    model: StructuralModel
    time: FloatArray
    y: FloatArray
    below: BoolArray
    used: BoolArray
    place: IntArray
    p: int
    random: IntArray
    structure: Structure
    integration: Integration
    points: int

    @property
    def q(self) -> int:
        """Number of random effects."""
        return self.random.size

    @property
    def entries(self) -> tuple[IntArray, IntArray]:
        """Rows and columns of the entries of L that are parameters."""
        if self.structure == "diagonal":
            index = np.arange(self.q)
            return index, index
        return np.tril_indices(self.q)

    @property
    def n_parameters(self) -> int:
        """Coefficients, entries of L, and log sigma."""
        return self.p + self.entries[0].size + 1

    def factor(self, theta: FloatArray) -> FloatArray:
        """L, shape (..., q, q)."""
        rows, columns = self.entries
        factor = np.zeros((*theta.shape[:-1], self.q, self.q))
        factor[..., rows, columns] = theta[..., self.p : -1]
        return factor

    def population(self, theta: FloatArray) -> FloatArray:
        """Parameters of each animal without its random effect, shape (S, n, k)."""
        return np.asarray(theta[:, : self.p][:, self.place])

    def animal_parameters(
        self, population: FloatArray, factor: FloatArray, eta: FloatArray
    ) -> FloatArray:
        """Parameters of each animal, shape (S, n, k)."""
        phi = population.copy()
        phi[..., self.random] += eta @ np.swapaxes(factor, -1, -2)
        return phi

    def evaluate(self, theta: FloatArray, eta: FloatArray | None = None) -> MarginalValue:
        """Log-likelihood and gradient at S points.

        Parameters
        ----------
        theta : ndarray, shape (S, r)
            Coefficients, entries of L row by row, log sigma.
        eta : ndarray, shape (S, n, q) or (1, n, q), optional
            Where the search for the modes begins.
        """
        # Overflow and logarithms of negative sizes make NaN, which the search turns back from.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            start = np.zeros((1, self.time.shape[0], self.q)) if eta is None else eta
            inner = _Inner(self, theta)
            modes, settled = inner.modes(
                np.broadcast_to(start, (theta.shape[0], self.time.shape[0], self.q)).copy()
            )
            if self.integration == "laplace":
                values, gradient = inner.laplace(modes)
            else:
                values, gradient = inner.quadrature(modes)
        return MarginalValue(by_animal=values, gradient=gradient, eta=modes, settled=settled)


class _Inner:
    """The integrals over the random effects at given parameters."""

    def __init__(self, problem: CurveProblem, theta: FloatArray) -> None:
        self.problem = problem
        self.population = problem.population(theta)
        self.factor = problem.factor(theta)[:, None]
        self.log_sigma = theta[:, -1][:, None, None]
        self.unit = np.eye(problem.q)
        self.n_points = theta.shape[0]

    def terms(self, phi: FloatArray, log_sigma: FloatArray) -> ReadingTerms:
        """Terms of the readings around the curves of phi."""
        problem = self.problem
        curve = problem.model.predict(phi, problem.time)
        return reading_terms(problem.y, problem.below, problem.used, curve, log_sigma)

    def phi(self, eta: FloatArray) -> FloatArray:
        """Parameters of the animals."""
        phi = self.population.copy()
        phi[..., self.problem.random] += (self.factor @ eta[..., None])[..., 0]
        return phi

    def modes(self, eta: FloatArray) -> tuple[FloatArray, BoolArray]:
        """Newton's method for each animal, with shortened steps."""
        problem = self.problem
        phi = self.phi(eta)
        terms = self.terms(phi, self.log_sigma)
        value = terms.value.sum(axis=-1) - 0.5 * (eta**2).sum(axis=-1)
        lost = ~np.isfinite(value)
        if lost.any():
            eta = np.where(lost[..., None], 0.0, eta)
            phi = self.phi(eta)
            terms = self.terms(phi, self.log_sigma)
            value = terms.value.sum(axis=-1) - 0.5 * (eta**2).sum(axis=-1)
        open_ = np.isfinite(value)
        for step_number in range(_MOST_STEPS):
            slopes = problem.model.gradient(phi, problem.time)[..., problem.random]
            spread = slopes @ self.factor
            pull = (spread * terms.slope[..., None]).sum(axis=-2) - eta
            # The sum of the readings' terms rounds at this level.
            noise = 1e-15 * np.abs(spread * terms.slope[..., None]).sum(axis=-2)
            open_ = open_ & (np.abs(pull) > _INNER + 10 * noise).any(axis=-1)
            if not open_.any():
                return eta, np.isfinite(value).all(axis=-1)
            curvature = self.unit + np.swapaxes(spread, -1, -2) @ (
                spread * terms.weight[..., None]
            )
            if step_number >= _GAUSS_NEWTON_STEPS:
                curvature = self._exact_where_firm(phi, terms, curvature)
            sound = np.asarray(np.isfinite(curvature).all(axis=(-1, -2)))
            curvature = np.where(sound[..., None, None], curvature, self.unit)
            aim = np.where(open_[..., None], pull, 0.0)[..., None]
            step = np.asarray(np.linalg.solve(curvature, aim)[..., 0], dtype=np.float64)
            # What is left after a step with so little to gain is less than rounding.
            more = (pull * step).sum(axis=-1) > _LAST_GAIN * (1 + np.abs(value))
            eta, phi, terms, value, moved = self._shortened(eta, step, value, open_)
            open_ = open_ & moved & more
        return eta, np.isfinite(value).all(axis=-1) & ~open_.any(axis=-1)

    def _exact_where_firm(
        self, phi: FloatArray, terms: ReadingTerms, curvature: FloatArray
    ) -> FloatArray:
        """The exact curvature of the animals where it is safely positive definite."""
        problem = self.problem
        bends = problem.model.hessian(phi, problem.time)
        bends = bends[..., problem.random[:, None], problem.random]
        bent = (terms.slope[..., None, None] * bends).sum(axis=-3)
        exact = curvature - np.swapaxes(self.factor, -1, -2) @ bent @ self.factor
        known = np.isfinite(exact).all(axis=(-1, -2), keepdims=True)
        exact = np.where(known, exact, curvature)
        firm = np.linalg.eigvalsh(exact)[..., 0] > _FIRM
        return np.where(firm[..., None, None], exact, curvature)

    def _shortened(
        self, eta: FloatArray, step: FloatArray, value: FloatArray, open_: BoolArray
    ) -> tuple[FloatArray, FloatArray, ReadingTerms, FloatArray, BoolArray]:
        """The longest of the halved steps that does not go down."""
        share = np.ones_like(value)
        for _ in range(_MOST_HALVINGS):
            trial = eta + share[..., None] * step
            phi = self.phi(trial)
            terms = self.terms(phi, self.log_sigma)
            new = terms.value.sum(axis=-1) - 0.5 * (trial**2).sum(axis=-1)
            worse = open_ & ~(new >= value - 1e-12 * (1 + np.abs(value)))
            if not worse.any():
                return trial, phi, terms, np.where(open_, new, value), share > 0
            share = np.where(worse, share / 2, share)
        share = np.where(worse, 0.0, share)
        trial = eta + share[..., None] * step
        phi = self.phi(trial)
        terms = self.terms(phi, self.log_sigma)
        new = terms.value.sum(axis=-1) - 0.5 * (trial**2).sum(axis=-1)
        return trial, phi, terms, new, share > 0

    def laplace(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Laplace's approximation by animal, and the gradient of its sum."""
        problem = self.problem
        phi = self.phi(eta)
        terms = self.terms(phi, self.log_sigma)
        slopes = problem.model.gradient(phi, problem.time)
        bends = problem.model.hessian(phi, problem.time)
        flip = np.swapaxes(slopes, -1, -2)
        reach = np.zeros((self.n_points, 1, phi.shape[-1], problem.q))
        reach[..., problem.random, :] = self.factor
        back = np.swapaxes(reach, -1, -2)
        information = flip @ (slopes * terms.weight[..., None])
        score = (slopes * terms.slope[..., None]).sum(axis=-2)
        exact = information - (terms.slope[..., None, None] * bends).sum(axis=-3)
        curvature = self.unit + back @ information @ reach
        firm = self.unit + back @ exact @ reach
        sound = np.isfinite(firm).all(axis=(-1, -2)) & np.isfinite(curvature).all(axis=(-1, -2))
        curvature = np.where(sound[..., None, None], curvature, self.unit)
        firm = np.where(sound[..., None, None], firm, self.unit)
        log_size = np.linalg.slogdet(curvature)[1]
        values = terms.value.sum(axis=-1) - 0.5 * (eta**2).sum(axis=-1) - 0.5 * log_size
        values = np.where(sound, values, np.nan)

        inverse = np.linalg.inv(curvature)
        spread = reach @ inverse @ back
        # Half the change of log |H| along each parameter: through the slopes and the weights.
        leverage = ((slopes @ spread) * slopes).sum(axis=-1)
        turned = (slopes @ spread)[..., None, :] @ bends
        drift = (terms.weight[..., None] * turned[..., 0, :]).sum(axis=-2) + 0.5 * (
            (terms.weight_slope * leverage)[..., None] * slopes
        ).sum(axis=-2)
        followed = np.linalg.solve(firm, back @ drift[..., None])
        by_phi = score - drift + (exact @ reach @ followed)[..., 0]
        by_factor = (
            by_phi[..., :, None] * eta[..., None, :]
            - information @ reach @ inverse
            - score[..., :, None] * np.swapaxes(followed, -1, -2)
        )[..., problem.random, :]
        score_by_spread = (slopes * terms.slope_by_spread[..., None]).sum(axis=-2)
        by_log_sigma = (
            terms.by_spread.sum(axis=-1)
            - 0.5 * (terms.weight_by_spread * leverage).sum(axis=-1)
            - ((back @ score_by_spread[..., None])[..., 0] * followed[..., 0]).sum(axis=-1)
        )
        return values, self._gathered(by_phi, by_factor, by_log_sigma)

    def quadrature(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Adaptive Gauss-Hermite quadrature by animal, and the gradient of its sum.

        The gradient is the mean of the complete-data gradient under the same rule.
        """
        problem = self.problem
        phi = self.phi(eta)
        terms = self.terms(phi, self.log_sigma)
        slopes = problem.model.gradient(phi, problem.time)[..., problem.random]
        spread = slopes @ self.factor
        curvature = self.unit + np.swapaxes(spread, -1, -2) @ (spread * terms.weight[..., None])
        sound = np.asarray(np.isfinite(curvature).all(axis=(-1, -2)))
        factors = scale_factors(np.where(sound[..., None, None], curvature, self.unit))
        grid = gauss_hermite_grid(problem.points, problem.q)
        # Nodes before animals, as the structural model wants them.
        nodes = np.swapaxes(adaptive_points(eta, factors, grid), 1, 2)
        phi = np.repeat(self.population[:, None], nodes.shape[1], axis=1)
        phi[..., problem.random] += nodes @ np.swapaxes(self.factor, -1, -2)
        terms = self.terms(phi, self.log_sigma[:, None])
        at_nodes = (
            terms.value.sum(axis=-1) - 0.5 * (nodes**2).sum(axis=-1) - 0.5 * problem.q * _LOG_2PI
        )
        # A node outside the domain carries no likelihood.
        outside = ~np.isfinite(at_nodes)
        at_nodes = np.where(outside, -1e300, at_nodes)
        values, shares = adaptive_log_integral(np.swapaxes(at_nodes, 1, 2), factors, grid)
        values = np.where(sound & ~outside.all(axis=1), values, np.nan)
        weight = np.swapaxes(shares, 1, 2)
        slopes = problem.model.gradient(phi, problem.time)
        score = (slopes * terms.slope[..., None]).sum(axis=-2)
        score = np.where(outside[..., None], 0.0, score) * weight[..., None]
        by_factor = (score[..., problem.random, None] * nodes[..., None, :]).sum(axis=1)
        by_spread = np.where(outside, 0.0, terms.by_spread.sum(axis=-1))
        by_log_sigma = (by_spread * weight).sum(axis=1)
        return values, self._gathered(score.sum(axis=1), by_factor, by_log_sigma)

    def _gathered(
        self, by_phi: FloatArray, by_factor: FloatArray, by_log_sigma: FloatArray
    ) -> FloatArray:
        """Gradient by the parameters of the search, summed over animals."""
        problem = self.problem
        member = np.zeros((problem.place.size, problem.p))
        member[np.arange(problem.place.size), problem.place.ravel()] = 1.0
        rows, columns = problem.entries
        return np.concatenate(
            (
                by_phi.reshape(self.n_points, -1) @ member,
                by_factor[..., rows, columns].sum(axis=1),
                by_log_sigma.sum(axis=1)[:, None],
            ),
            axis=1,
        )


def curve_problem(
    data: GrowthData,
    model: StructuralModel,
    *,
    arms: tuple[str, ...],
    arm_parameters: tuple[str, ...],
    random: tuple[str, ...],
    structure: Structure,
    integration: Integration,
    points: int,
    span: float,
) -> CurveProblem:
    """The readings of a study as padded arrays.

    Parameters
    ----------
    data : GrowthData
        Readings; its arms are among `arms`.
    model : StructuralModel
        What is fitted.
    arms : tuple of str
        Arms that have parameters.
    arm_parameters, random : tuple of str
        Names of the parameters that differ by arm and by animal.
    structure : {"diagonal", "unstructured"}
        Covariance of the random effects.
    integration : {"laplace", "quadrature"}
        How they are integrated out.
    points : int
        Quadrature points in each dimension.
    span : float
        Days that are one unit of time.
    """
    n, m = data.n_animals, data.n_observations
    first = np.searchsorted(data.animal, np.arange(n))
    column = np.arange(m) - first[data.animal]
    shape = (n, int(data.readings.max()))
    time, y = np.zeros(shape), np.zeros(shape)
    below, used = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    time[data.animal, column] = data.time / span
    y[data.animal, column] = data.log_size
    below[data.animal, column] = data.below_limit
    used[data.animal, column] = True
    number = np.array([arms.index(name) for name in data.arms], dtype=np.intp)[data.arm]
    columns = []
    count = 0
    for parameter in model.parameters:
        if parameter.name in arm_parameters:
            columns.append(count + number)
            count += len(arms)
        else:
            columns.append(np.full(n, count, dtype=np.intp))
            count += 1
    names = [parameter.name for parameter in model.parameters]
    return CurveProblem(
        model=model,
        time=time,
        y=y,
        below=below,
        used=used,
        place=np.column_stack(columns).astype(np.intp),
        p=count,
        random=np.array([names.index(name) for name in random], dtype=np.intp),
        structure=structure,
        integration=integration,
        points=points,
    )
