"""Log-likelihood of the Tobit mixed model: value, score and observed information.

Of animal i, with standard normal effects u of d dimensions, reading j has the mean
mu = x'beta + z'L u, L the Cholesky root of the covariance of the animal's intercept and slope. A
measured reading has the density of N(mu, sigma²); one below its limit c has the probability
Phi((c - mu) / sigma). The product over the readings is integrated over u.

Given u this is a regression on x and on the products of z and u, so that the score and the
information of the integral are means over u of complete-data quantities (Louis 1982), which the
nodes of the quadrature give. Animals whose readings are all measured have a Gaussian integrand:
three points in each dimension integrate all of it without error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.numerics.quadrature import (
    GaussHermiteGrid,
    adaptive_log_integral,
    adaptive_points,
    gauss_hermite_grid,
    laplace_log_integral,
    scale_factors,
)

__all__ = ["Integration", "TobitLikelihood", "TobitProblem", "mills_ratio"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]
Integration: TypeAlias = Literal["quadrature", "laplace"]

_HALF_LOG_2PI: Final = 0.5 * float(np.log(2 * np.pi))
_SQRT_HALF_PI: Final = float(np.sqrt(np.pi / 2))
# Exact for the fourth moments of a Gaussian, which the information needs.
_GAUSSIAN_POINTS: Final = 3
# Newton's steps to a mode shrink quadratically; far starts need a dozen.
_MODE_STEPS: Final = 100
# Twice the rise that is left before the last step, which squares it.
_MODE_RISE: Final = 1e-10
# Where the expansions in 1/a² are exact to rounding.
_FAR_BELOW: Final = -100.0
# Numbers of node values handled at once.
_CHUNK: Final = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TobitProblem:
    """Arrays of a censored study, readings animal by animal.

    Parameters
    ----------
    y : ndarray, shape (m,)
        Outcome, or its upper bound.
    below : ndarray of bool, shape (m,)
        Whether it is a bound.
    x : ndarray, shape (m, p)
        Columns of the fixed part.
    z : ndarray, shape (m, d)
        Columns of the random effects, d 1 or 2.
    animal : ndarray of int, shape (m,)
        Number of the animal, rising from 0 without gaps.
    stratum : ndarray of int, shape (m,)
        Number of the residual variance that holds, from 0.
    root : tuple of (int, int)
        Row and column of the entries of L that are free.
    """

    y: FloatArray
    below: BoolArray
    x: FloatArray
    z: FloatArray
    animal: IntArray
    stratum: IntArray
    root: tuple[tuple[int, int], ...]

    @property
    def n_animals(self) -> int:
        """Number of animals."""
        return int(self.animal[-1]) + 1

    @property
    def n_strata(self) -> int:
        """Number of residual variances."""
        return int(self.stratum.max()) + 1

    @property
    def n_parameters(self) -> int:
        """Length of the parameter vector: beta, entries of L, log standard deviations."""
        return int(self.x.shape[1]) + len(self.root) + self.n_strata

    def split(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Coefficients (p,), L (d, d) and log residual standard deviations of a vector."""
        p, free = self.x.shape[1], len(self.root)
        lower = np.zeros((self.z.shape[1], self.z.shape[1]))
        for (row, column), value in zip(self.root, theta[p : p + free], strict=True):
            lower[row, column] = value
        return theta[:p], lower, theta[p + free :]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """Readings of some of the animals, and the rule that integrates them."""

    animals: IntArray
    y: FloatArray
    below: BoolArray
    x: FloatArray
    z: FloatArray
    animal: IntArray
    starts: IntArray
    stratum: IntArray
    grid: GaussHermiteGrid
    censored: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Reading:
    """Log density of each reading at each mean, and its derivatives.

    By the mean: slope and curvature (minus the second derivative); by the log standard deviation:
    scale and minus its second derivative; cross is minus the mixed derivative.
    """

    value: FloatArray
    slope: FloatArray
    curvature: FloatArray
    scale: FloatArray
    scale_curvature: FloatArray
    cross: FloatArray


def mills_ratio(a: FloatArray) -> FloatArray:
    """Normal density over normal distribution function, phi(a) / Phi(a), without cancellation.

    Parameters
    ----------
    a : ndarray
        Any finite numbers; nearly -a far below 0, nearly 0 far above it.
    """
    with np.errstate(over="ignore"):
        return np.asarray(1.0 / (_SQRT_HALF_PI * special.erfcx(-a / np.sqrt(2.0))))


class TobitLikelihood:
    """The log-likelihood of one study as a function of its parameters.

    The modes of the animals are kept from one call to the next as starts.

    Parameters
    ----------
    problem : TobitProblem
        The study.
    integration : {"quadrature", "laplace"}
        Adaptive Gauss-Hermite, or Laplace's approximation.
    points : int
        Points in each dimension of the quadrature.
    """

    def __init__(
        self, problem: TobitProblem, *, integration: Integration = "quadrature", points: int = 15
    ) -> None:
        self.problem = problem
        self.integration: Integration = integration
        d = problem.z.shape[1]
        self._parts = tuple(_parts(problem, gauss_hermite_grid(points, d)))
        self._modes = np.zeros((problem.n_animals, d))

    def value(self, theta: FloatArray) -> float:
        """Log-likelihood, with all constants."""
        total = 0.0
        beta, lower, log_sd = self.problem.split(theta)
        for part in self._parts:
            modes, factors = self._find_modes(part, beta, lower, log_sd)
            if self.integration == "laplace" or not part.censored:
                top = _log_joint(part, modes[:, None, :], beta, lower, log_sd)[:, 0]
                total += float(laplace_log_integral(top, factors).sum())
            else:
                u = adaptive_points(modes, factors, part.grid)
                values = _log_joint(part, u, beta, lower, log_sd)
                total += float(adaptive_log_integral(values, factors, part.grid)[0].sum())
        return total

    def score(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Log-likelihood, its derivatives and minus its second derivatives.

        The derivatives are those of the integral, means over the nodes of the complete data's:
        as near to those of the value as the quadrature is to the integral. Always by quadrature.

        Returns
        -------
        value : float
        gradient : ndarray, shape (q,)
        information : ndarray, shape (q, q)
        """
        q = self.problem.n_parameters
        value, gradient, information = 0.0, np.zeros(q), np.zeros((q, q))
        beta, lower, log_sd = self.problem.split(theta)
        for part in self._parts:
            modes, factors = self._find_modes(part, beta, lower, log_sd)
            u = adaptive_points(modes, factors, part.grid)
            reading = _reading(part, u, beta, lower, log_sd)
            joint = _sum_rows(reading.value, part.starts) + _log_prior(u)
            logs, shares = adaptive_log_integral(joint, factors, part.grid)
            value += float(logs.sum())
            here, curvature = self._louis(part, u, reading, shares)
            gradient += here
            information += curvature
        return value, gradient, information

    def laplace_score(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Laplace's log-likelihood and its exact derivatives, the modes moving along."""
        gradient = np.zeros(self.problem.n_parameters)
        value = 0.0
        beta, lower, log_sd = self.problem.split(theta)
        for part in self._parts:
            modes, factors = self._find_modes(part, beta, lower, log_sd)
            reading = _reading(part, modes[:, None, :], beta, lower, log_sd)
            top = _sum_rows(reading.value, part.starts) + _log_prior(modes[:, None, :])
            value += float(laplace_log_integral(top[:, 0], factors).sum())
            gradient += self._laplace_part(part, modes, factors, lower, beta, log_sd)
        return value, gradient

    def effects(self, theta: FloatArray) -> FloatArray:
        """Conditional means of the animals' effects, shape (n, d)."""
        beta, lower, log_sd = self.problem.split(theta)
        means = np.zeros_like(self._modes)
        for part in self._parts:
            modes, factors = self._find_modes(part, beta, lower, log_sd)
            u = adaptive_points(modes, factors, part.grid)
            values = _log_joint(part, u, beta, lower, log_sd)
            shares = adaptive_log_integral(values, factors, part.grid)[1]
            means[part.animals] = np.einsum("nk,nkd->nd", shares, u) @ lower.T
        return means

    def _find_modes(
        self, part: _Part, beta: FloatArray, lower: FloatArray, log_sd: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Modes (n, d) and factors (n, d, d) by Newton's method; the log integrand is concave."""
        modes = self._modes[part.animals]
        direction = part.z @ lower
        height = _log_joint(part, modes[:, None, :], beta, lower, log_sd)[:, 0]
        for _ in range(_MODE_STEPS):
            reading = _reading(part, modes[:, None, :], beta, lower, log_sd)
            precision = _precision(part, direction, reading.curvature[:, 0])
            rise = _sum_rows(reading.slope * direction, part.starts) - modes
            step = np.linalg.solve(precision, rise[..., None])[..., 0]
            gain = (rise * step).sum(axis=1)
            share = np.ones(len(modes))
            for _ in range(_MODE_STEPS):
                tried = modes + share[:, None] * step
                reached = _log_joint(part, tried[:, None, :], beta, lower, log_sd)[:, 0]
                short = reached < height - 1e-12 * (1.0 + np.abs(height))
                if not short.any():
                    break
                share[short] /= 2
            modes, height = tried, reached
            if gain.max() < _MODE_RISE:
                break
        reading = _reading(part, modes[:, None, :], beta, lower, log_sd)
        self._modes[part.animals] = modes
        return modes, scale_factors(_precision(part, direction, reading.curvature[:, 0]))

    def _louis(
        self, part: _Part, u: FloatArray, reading: _Reading, shares: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Score, and information as mean complete information minus variance of the score."""
        problem = self.problem
        p, free = problem.x.shape[1], len(problem.root)
        n_strata = problem.n_strata
        q = p + free + n_strata
        weights = shares[part.animal]
        own = u[part.animal]
        rows = [row for row, _ in problem.root]
        columns = [column for _, column in problem.root]
        z = part.z[:, rows]
        effect = own[:, :, columns]
        # Complete-data scores of each animal at each node.
        scores = np.zeros((len(part.animals), u.shape[1], q))
        scores[:, :, :p] = _sum_rows(reading.slope[:, :, None] * part.x[:, None, :], part.starts)
        moved = reading.slope[:, :, None] * z[:, None, :] * effect
        scores[:, :, p : p + free] = _sum_rows(moved, part.starts)
        for number in range(n_strata):
            here = np.where((part.stratum == number)[:, None], reading.scale, 0.0)
            scores[:, :, p + free + number] = _sum_rows(here, part.starts)
        mean = np.einsum("nk,nkq->nq", shares, scores)
        off = scores - mean[:, None, :]
        spread = np.einsum("nk,nkq,nkr->qr", shares, off, off, optimize=True)
        # Mean complete-data information, from moments of the curvature over the nodes.
        information = np.zeros((q, q))
        curvature = weights * reading.curvature
        first = np.einsum("jk,jkf->jf", curvature, effect)
        second = np.einsum("jk,jkf,jkg->jfg", curvature, effect, effect, optimize=True)
        information[:p, :p] = part.x.T @ (curvature.sum(axis=1)[:, None] * part.x)
        information[:p, p : p + free] = part.x.T @ (z * first)
        information[p : p + free, p : p + free] = np.einsum("jf,jg,jfg->fg", z, z, second)
        cross = weights * reading.cross
        crossed = np.einsum("jk,jkf->jf", cross, effect)
        bent = (weights * reading.scale_curvature).sum(axis=1)
        for number in range(n_strata):
            here = part.stratum == number
            place = p + free + number
            information[:p, place] = cross[here].sum(axis=1) @ part.x[here]
            information[p : p + free, place] = (z * crossed)[here].sum(axis=0)
            information[place, place] = bent[here].sum()
        upper = np.triu(information)
        return mean.sum(axis=0), upper + np.triu(information, 1).T - spread

    def _laplace_part(
        self,
        part: _Part,
        modes: FloatArray,
        factors: FloatArray,
        lower: FloatArray,
        beta: FloatArray,
        log_sd: FloatArray,
    ) -> FloatArray:
        """Derivatives of Laplace's log integrals: direct, through the Hessian, and the modes."""
        problem = self.problem
        p, free = problem.x.shape[1], len(problem.root)
        direction = part.z @ lower
        mean = part.x @ beta + (direction * modes[part.animal]).sum(axis=1)
        deviation = np.exp(log_sd[part.stratum])
        reading = _reading(part, modes[:, None, :], beta, lower, log_sd)
        slope, curvature = reading.slope[:, 0], reading.curvature[:, 0]
        by_mean, by_scale = _curvature_slopes(part.y - mean, deviation, part.below)
        inverse = factors @ np.swapaxes(factors, -1, -2)
        solved = (inverse[part.animal] @ direction[..., None])[..., 0]
        leverage = (direction * solved).sum(axis=1)
        bend = -0.5 * by_mean * leverage
        pull = _sum_rows(bend[:, None] * direction, part.starts)
        through = (inverse @ pull[..., None])[..., 0][part.animal]
        carried = (through * direction).sum(axis=1)
        to_mean = slope + bend - carried * curvature
        gradient = np.zeros(problem.n_parameters)
        gradient[:p] = to_mean @ part.x
        own = modes[part.animal]
        for index, (row, column) in enumerate(problem.root):
            moved = to_mean * own[:, column] + slope * through[:, column]
            moved = moved - curvature * solved[:, column]
            gradient[p + index] = float((moved * part.z[:, row]).sum())
        by_log_sd = reading.scale[:, 0] - 0.5 * by_scale * leverage
        by_log_sd = by_log_sd - carried * reading.cross[:, 0]
        gradient[p + free :] = np.bincount(
            part.stratum, weights=by_log_sd, minlength=problem.n_strata
        )
        return gradient


def _parts(problem: TobitProblem, grid: GaussHermiteGrid) -> Iterator[_Part]:
    """Animals with and without a censored reading, in chunks that fit in memory."""
    counts = np.bincount(problem.animal, weights=problem.below, minlength=problem.n_animals)
    exact = gauss_hermite_grid(_GAUSSIAN_POINTS, problem.z.shape[1])
    readings = np.bincount(problem.animal, minlength=problem.n_animals)
    for censored, rule in ((False, exact), (True, grid)):
        chosen = np.flatnonzero((counts > 0) == censored)
        if not chosen.size:
            continue
        width = problem.n_parameters + int(readings[chosen].max())
        many = max(1, _CHUNK // (width * len(rule.nodes)))
        for first in range(0, chosen.size, many):
            animals = chosen[first : first + many]
            rows = np.flatnonzero(np.isin(problem.animal, animals))
            animal = np.searchsorted(animals, problem.animal[rows])
            yield _Part(
                animals=animals,
                y=problem.y[rows],
                below=problem.below[rows],
                x=problem.x[rows],
                z=problem.z[rows],
                animal=animal,
                starts=np.searchsorted(animal, np.arange(animals.size)),
                stratum=problem.stratum[rows],
                grid=rule,
                censored=censored,
            )


def _sum_rows(values: FloatArray, starts: IntArray) -> FloatArray:
    """Sums over the readings of each animal."""
    return np.asarray(np.add.reduceat(values, starts, axis=0))


def _log_prior(u: FloatArray) -> FloatArray:
    """Log density of the standard normal effects, shape (n, k)."""
    return np.asarray(-0.5 * (u**2).sum(axis=-1) - u.shape[-1] * _HALF_LOG_2PI)


def _means(part: _Part, u: FloatArray, beta: FloatArray, lower: FloatArray) -> FloatArray:
    """Mean of each reading at each node, shape (m, k)."""
    own = np.einsum("jd,jkd->jk", part.z @ lower, u[part.animal])
    return np.asarray((part.x @ beta)[:, None] + own)


def _log_joint(
    part: _Part, u: FloatArray, beta: FloatArray, lower: FloatArray, log_sd: FloatArray
) -> FloatArray:
    """Log of readings and effects together, shape (n, k)."""
    log_deviation = log_sd[part.stratum][:, None]
    scaled = (part.y[:, None] - _means(part, u, beta, lower)) * np.exp(-log_deviation)
    below = part.below
    value = -0.5 * scaled**2 - log_deviation - _HALF_LOG_2PI
    value[below] = special.log_ndtr(scaled[below])
    return _sum_rows(value, part.starts) + _log_prior(u)


def _reading(
    part: _Part, u: FloatArray, beta: FloatArray, lower: FloatArray, log_sd: FloatArray
) -> _Reading:
    """Log densities and their derivatives, shape (m, k)."""
    log_deviation = log_sd[part.stratum][:, None]
    rate = np.exp(-log_deviation)
    a = (part.y[:, None] - _means(part, u, beta, lower)) * rate
    value = -0.5 * a**2 - log_deviation - _HALF_LOG_2PI
    slope = a * rate
    curvature = np.broadcast_to(rate**2, a.shape).copy()
    scale = a**2 - 1.0
    scale_curvature = 2.0 * a**2
    cross = 2.0 * a * rate
    below = part.below
    if below.any():
        bound, unit = a[below], rate[below]
        ratio = mills_ratio(bound)
        bend = _mills_curvature(bound, ratio)
        value[below] = special.log_ndtr(bound)
        slope[below] = -ratio * unit
        curvature[below] = bend * unit**2
        scale[below] = -ratio * bound
        scale_curvature[below] = bend * bound**2 - ratio * bound
        cross[below] = (bend * bound - ratio) * unit
    return _Reading(
        value=value,
        slope=slope,
        curvature=curvature,
        scale=scale,
        scale_curvature=scale_curvature,
        cross=cross,
    )


def _precision(part: _Part, direction: FloatArray, curvature: FloatArray) -> FloatArray:
    """Minus the Hessian of each animal's log integrand, shape (n, d, d)."""
    outer = direction[:, :, None] * direction[:, None, :]
    d = direction.shape[1]
    return np.asarray(np.eye(d) + _sum_rows(curvature[:, None, None] * outer, part.starts))


def _mills_curvature(a: FloatArray, ratio: FloatArray) -> FloatArray:
    """Minus the second derivative of log Phi, ratio (ratio + a); between 0 and 1."""
    inverse = 1.0 / np.minimum(a, _FAR_BELOW) ** 2
    # The sum cancels far below 0, where four terms of its expansion are exact to rounding.
    far = 1.0 - inverse + 6.0 * inverse**2 - 50.0 * inverse**3
    return np.where(a < _FAR_BELOW, far, ratio * (ratio + a))


def _curvature_slopes(
    residual: FloatArray, deviation: FloatArray, below: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """How each reading's curvature moves with its mean and its log standard deviation."""
    a = residual / deviation
    ratio = mills_ratio(a)
    bend = _mills_curvature(a, ratio)
    inverse = 1.0 / np.minimum(a, _FAR_BELOW)
    far = 2.0 * inverse**3 - 24.0 * inverse**5
    change = np.where(a < _FAR_BELOW, far, ratio - bend * (2.0 * ratio + a))
    by_mean = np.where(below, -change / deviation**3, 0.0)
    by_scale = np.where(below, -(a * change + 2.0 * bend), -2.0) / deviation**2
    return by_mean, by_scale
