"""Start values of a population fit: each animal's best curve, and how animals lie around a mean.

Two stages by turns. Every animal is fitted with the population as prior; then curves are taken as
straight around the animals, which makes a linear mixed model of the readings, and its means,
spreads and errors are those of highest likelihood. A reading below the limit enters the second
stage with the value and the weight that its own likelihood gives it. The result is close to the
maximum where curves bend little within what is left open of an animal, and no estimate by itself.

Lindstrom MJ, Bates DM. Biometrics 1990;46:673-687.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.curve_problem import CurveFunction, CurveReadings
from oncovivo.mechanism.fit.least_squares import (
    GroupProblem,
    NormalPrior,
    curve_slopes,
    fit_groups,
)

__all__ = ["TwoStage", "iterated_two_stage"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]

# What all animals share is held in the first stage; its precision only keeps matrices regular.
_HELD: Final = 1e4
_LEAST_SPREAD: Final = 0.02
_MOST_SPREAD: Final = 2.0
# Errors change by no more than this on the logarithm in a round.
_SIGMA_REACH: Final = 2.0
# Means go no further in a round than about so many units of the estimation scale.
_TRUST: Final = 1.0
# It is a start: nearer does not help.
_ENOUGH: Final = 0.02
_LEVEL: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TwoStage:
    """Where a population fit begins.

    Parameters
    ----------
    mean, spread : ndarray, shape (k,)
        Of the animals, estimation scale; spread is 0 for what all share.
    log_sigma : ndarray, shape (n_outputs,)
        Logarithm of the error's standard deviation.
    animals : ndarray, shape (n, k)
        Each animal's parameters.
    covariance : ndarray, shape (n, k, k)
        What is left open of them.
    log_likelihood : float
        Of the population, curves taken as straight around the animals.
    rounds : int
        How often both stages were gone through.
    """

    mean: FloatArray
    spread: FloatArray
    log_sigma: FloatArray
    animals: FloatArray
    covariance: FloatArray
    log_likelihood: float
    rounds: int


def iterated_two_stage(
    readings: CurveReadings,
    curve: CurveFunction,
    *,
    mean: FloatArray,
    spread: FloatArray,
    log_sigma: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    most: int = 25,
) -> TwoStage:
    """Population and animals by turns.

    Parameters
    ----------
    readings : CurveReadings
        Of n animals.
    curve : callable
        Curves (..., n, t) of parameters (..., n, k).
    mean, spread : ndarray, shape (k,)
        First guess; spread is 0 for a parameter that all animals share.
    log_sigma : ndarray, shape (n_outputs,)
        First guess.
    lower, upper : ndarray, shape (k,)
        The box of the search.
    most : int
        Most rounds.

    Raises
    ------
    DataError
        If an animal's curve does not exist at the first guess.
    """
    n = readings.y.shape[0]
    random = np.flatnonzero(spread > 0)
    problem = GroupProblem(
        readings=readings, curve=curve, group=np.arange(n), lower=lower, upper=upper
    )
    animals = np.broadcast_to(mean, (n, mean.size)).copy()
    spread = spread.copy()
    rounds = 0
    before = -np.inf
    while True:
        rounds += 1
        precision = np.full(mean.size, _HELD)
        precision[random] = spread[random] ** -2.0
        found = fit_groups(
            problem,
            animals[None],
            log_sigma=log_sigma,
            prior=NormalPrior(mean=mean, precision=precision),
            held=(spread == 0)[None],
            most=3,
        )
        animals = found.estimates[0]
        straight = _Straight(readings, curve, animals, log_sigma, random)
        new = straight.best(mean, spread[random], log_sigma, lower, upper)
        moved = max(
            float((np.abs(new.mean - mean) / np.where(spread > 0, spread, 0.3)).max()),
            float(np.abs(np.log(new.spread / spread[random])).max(initial=0.0)),
            float(np.abs(new.log_sigma - log_sigma).max()),
        )
        animals = _followed(curve, animals, new, mean, lower, upper)
        mean, log_sigma = new.mean, new.log_sigma
        spread[random] = new.spread
        level = abs(new.log_likelihood - before) < _LEVEL
        if moved < _ENOUGH or level or rounds == most:
            break
        before = new.log_likelihood
    precision = np.full(mean.size, _HELD)
    precision[random] = spread[random] ** -2.0
    return TwoStage(
        mean=mean,
        spread=spread,
        log_sigma=log_sigma,
        animals=animals,
        covariance=np.asarray(
            np.linalg.inv(straight.information(log_sigma) + np.diag(precision)), dtype=np.float64
        ),
        log_likelihood=new.log_likelihood,
        rounds=rounds,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Population:
    """Means (k,), spreads (q,), errors (m,), and the random parameters (n, q) they predict."""

    mean: FloatArray
    spread: FloatArray
    log_sigma: FloatArray
    effects: FloatArray
    random: IntArray
    log_likelihood: float


def _followed(
    curve: CurveFunction,
    animals: FloatArray,
    new: _Population,
    mean: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
) -> FloatArray:
    """Animals under the new population, where their curves exist; else nearer to its means."""
    goal = np.broadcast_to(new.mean, animals.shape).copy()
    goal[:, new.random] = new.effects
    goal = np.clip(goal, lower, upper)
    other = np.clip(animals + (new.mean - mean), lower, upper)
    for candidate in (goal, other):
        exists = np.asarray(np.isfinite(curve(candidate)).all(axis=-1))
        goal = np.where(exists[:, None], candidate, np.clip(new.mean, lower, upper))
        if exists.all():
            break
    return goal


class _Straight:
    """Readings as a linear mixed model around the animals."""

    def __init__(
        self,
        readings: CurveReadings,
        curve: CurveFunction,
        animals: FloatArray,
        log_sigma: FloatArray,
        random: IntArray,
    ) -> None:
        self.random = random
        self.counts = np.stack(
            [
                (readings.used & ~readings.below & (readings.output == kind)).sum()
                for kind in range(readings.n_outputs)
            ]
        ).astype(float)
        fitted = curve(animals)
        slope = curve_slopes(curve, animals)
        sound = readings.used & np.isfinite(fitted) & np.isfinite(slope).all(axis=-1)
        slope = np.where(sound[..., None], slope, 0.0)
        terms = readings.terms(fitted, log_sigma[readings.output])
        weight = np.where(sound, np.maximum(terms.weight, 1e-12), 1.0)
        # Where the reading lies above the straight curve of parameters 0.
        level = np.where(sound, terms.by_curve / weight, 0.0)
        level = level + (slope * animals[:, None, :]).sum(axis=-1)
        beside = np.concatenate((slope, level[..., None]), axis=-1)

        def products(share: FloatArray) -> FloatArray:
            return np.asarray(np.swapaxes(beside * share[..., None], -1, -2) @ beside)

        # Sums of products (n, k + 1, k + 1): of exact readings by kind, and of upper bounds.
        self.exact = np.stack(
            [
                products((sound & ~readings.below & (readings.output == kind)).astype(float))
                for kind in range(readings.n_outputs)
            ]
        )
        self.bounds = products(np.where(sound & readings.below, weight, 0.0))

    def products(self, log_sigma: FloatArray) -> FloatArray:
        """Weighted sums of products (n, k + 1, k + 1)."""
        return np.asarray(np.tensordot(np.exp(-2 * log_sigma), self.exact, axes=1) + self.bounds)

    def information(self, log_sigma: FloatArray) -> FloatArray:
        """Information of each animal's readings on its parameters, (n, k, k)."""
        return self.products(log_sigma)[:, :-1, :-1]

    def _marginal(
        self, spread: FloatArray, log_sigma: FloatArray
    ) -> tuple[FloatArray, FloatArray, float]:
        """Products, products with the random parameters integrated out, and log determinants."""
        every = self.products(log_sigma)
        rows = every[:, self.random]
        scaled = spread[:, None] * rows
        inner = np.eye(spread.size) + scaled[:, :, self.random] * spread
        gone = np.swapaxes(scaled, -1, -2) @ np.linalg.solve(inner, scaled)
        size = float(np.linalg.slogdet(inner)[1].sum())
        size += 2.0 * float((self.counts * log_sigma).sum())
        return every, (every - gone).sum(axis=0), size

    def _means(self, total: FloatArray, mean: FloatArray) -> tuple[FloatArray, float]:
        """Means near the former ones, and the sum of squares that they leave."""
        matrix, pull = total[:-1, :-1], total[:-1, -1]
        step = np.linalg.solve(matrix + np.eye(mean.size) / _TRUST**2, pull - matrix @ mean)
        new = mean + np.clip(step, -2 * _TRUST, 2 * _TRUST)
        return new, float(total[-1, -1] - 2 * new @ pull + new @ matrix @ new)

    def best(
        self,
        mean: FloatArray,
        spread: FloatArray,
        log_sigma: FloatArray,
        lower: FloatArray,
        upper: FloatArray,
    ) -> _Population:
        """The population of highest likelihood."""
        from scipy.optimize import minimize

        q = spread.size

        def value(point: FloatArray) -> float:
            _, total, size = self._marginal(np.exp(point[:q]), point[q:])
            return size + self._means(total, mean)[1]

        ends = [(np.log(_LEAST_SPREAD), np.log(_MOST_SPREAD))] * q
        ends += [(float(one) - _SIGMA_REACH, float(one) + _SIGMA_REACH) for one in log_sigma]
        start = np.clip(np.concatenate((np.log(spread), log_sigma)), *np.array(ends).T)
        found = minimize(value, start, method="L-BFGS-B", bounds=ends)
        new_spread, new_sigma = np.exp(found.x[:q]), found.x[q:]
        every, total, size = self._marginal(new_spread, new_sigma)
        new_mean, left = self._means(total, mean)
        new_mean = np.clip(new_mean, lower, upper)
        rows = every[:, self.random]
        inner = np.eye(q) + (new_spread[:, None] * rows[:, :, self.random]) * new_spread
        pull = rows[:, :, -1] - rows[:, :, :-1] @ new_mean
        effect = new_spread * np.linalg.solve(inner, (new_spread * pull)[..., None])[..., 0]
        return _Population(
            mean=new_mean,
            spread=new_spread,
            log_sigma=new_sigma,
            effects=new_mean[self.random] + effect,
            random=self.random,
            log_likelihood=-0.5 * (size + left + self.counts.sum() * float(np.log(2 * np.pi))),
        )
