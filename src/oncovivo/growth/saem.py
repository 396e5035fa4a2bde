"""Stochastic approximation EM for nonlinear mixed models: curves are needed, derivatives are not.

Parameters of an animal are normal around the population's value on the estimation scale,
independent of each other. Each iteration moves several chains of every animal's parameters by
Metropolis steps, and the population by what the chains show: fully at first, while variances may
fall only slowly (annealing), later by shares that shrink as 1, 1/2, 1/3 …, so that the noise of
the chains averages out. Readings below the limit are replaced by draws for the error's variance.

Two steps move a chain: a random walk whose shape is that of the animal's own uncertainty and
whose length follows its acceptance, and a draw that does not depend on where the chain is.

A parameter that all animals share has no distribution to be averaged. It follows the derivative
of the complete likelihood, taken by differences, with the same shrinking shares.

Delyon B, Lavielle M, Moulines E. Ann Stat 1999;27:94-128. Kuhn E, Lavielle M. Comput Stat Data
Anal 2005;49:1020-1038.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.growth.curve_problem import CurveFunction, CurveReadings

__all__ = ["PopulationStart", "SaemPlan", "SaemRun", "run_saem"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

# A variance may fall to this share of itself in an iteration of the first phase.
_ANNEALING: Final = 0.95
_LEAST_SPREAD: Final = 1e-2
_LEAST_LOG_SIGMA: Final = float(np.log(1e-3))
_WANTED_ACCEPTANCE: Final = 0.3
# The independent draw is wider than the animal's uncertainty, so that its tails are reached.
_WIDER: Final = 1.4
_STEP: Final = 2e-3
_LONGEST: Final = 0.3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PopulationStart:
    """Where the population and the animals begin.

    Parameters
    ----------
    mean, spread : ndarray, shape (k,)
        Estimation scale; spread is 0 for a parameter that all animals share.
    log_sigma : ndarray, shape (n_outputs,)
        Logarithm of the error's standard deviation.
    animals : ndarray, shape (n, k)
        Each animal's parameters.
    covariance : ndarray, shape (n, k, k)
        What is left open of them.
    """

    mean: FloatArray
    spread: FloatArray
    log_sigma: FloatArray
    animals: FloatArray
    covariance: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class SaemPlan:
    """How long the search is.

    Parameters
    ----------
    explore : int
        Iterations that follow the chains fully.
    settle : int
        Iterations with shrinking shares.
    chains : int
        Chains of each animal.
    """

    explore: int = 50
    settle: int = 50
    chains: int = 4

    def __post_init__(self) -> None:
        for name in ("explore", "settle", "chains"):
            if getattr(self, name) < (20 if name != "chains" else 1):
                least = "1 chain" if name == "chains" else f"20 iterations to {name}"
                raise InputError(f"at least {least}", found=str(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SaemRun:
    """What the search ended with.

    Parameters
    ----------
    mean, spread : ndarray, shape (k,)
        Of the population; spread is 0 for a parameter that all animals share.
    log_sigma : ndarray, shape (n_outputs,)
        Logarithm of the error's standard deviation.
    animals : ndarray, shape (n, k)
        Conditional mean of each animal's parameters.
    covariance : ndarray, shape (n, k, k)
        Conditional covariance.
    trace : ndarray, shape (iterations, k + k + n_outputs)
        Mean, spread and log sigma after each iteration.
    acceptance : tuple of float
        Share of accepted random walks and independent draws in the second phase.
    """

    mean: FloatArray
    spread: FloatArray
    log_sigma: FloatArray
    animals: FloatArray
    covariance: FloatArray
    trace: FloatArray
    acceptance: tuple[float, float]

    def restart(self) -> PopulationStart:
        """A start from where this run ended."""
        covariance = self.covariance.copy()
        size = np.arange(self.mean.size)
        # What is shared has no distribution; any variance there leaves the others as they are.
        floor = np.where(self.spread > 0, (0.05 * self.spread) ** 2, 1.0)
        covariance[:, size, size] += floor
        return PopulationStart(
            mean=self.mean,
            spread=self.spread,
            log_sigma=self.log_sigma,
            animals=self.animals,
            covariance=covariance,
        )


def run_saem(
    readings: CurveReadings,
    curve: CurveFunction,
    start: PopulationStart,
    *,
    lower: FloatArray,
    upper: FloatArray,
    rng: np.random.Generator,
    plan: SaemPlan | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> SaemRun:
    """The population whose likelihood is highest, up to the noise of the chains.

    Parameters
    ----------
    readings : CurveReadings
        Of n animals.
    curve : callable
        Curves (..., n, t) of parameters (..., n, k); NaN where there is none.
    start : PopulationStart
        Where to begin.
    lower, upper : ndarray, shape (k,)
        No animal's parameter leaves this box.
    rng : numpy.random.Generator
        Source of all draws.
    plan : SaemPlan, optional
        Length of the search.
    progress : callable
        Called with the number of each iteration.

    Raises
    ------
    InputError
        If no parameter differs between animals.
    DataError
        If an animal's curve does not exist at the start.
    """
    if not (start.spread > 0).any():
        raise InputError("a parameter that differs between animals", found="none")
    chains = _Chains(readings, curve, start, lower, upper, rng, plan or SaemPlan())
    return chains.run(progress)


class _Chains:
    """The chains and the population."""

    def __init__(
        self,
        readings: CurveReadings,
        curve: CurveFunction,
        start: PopulationStart,
        lower: FloatArray,
        upper: FloatArray,
        rng: np.random.Generator,
        plan: SaemPlan,
    ) -> None:
        self.readings, self.curve, self.rng, self.plan = readings, curve, rng, plan
        self.lower, self.upper = lower, upper
        self.random = np.flatnonzero(start.spread > 0)
        self.shared = np.flatnonzero(~(start.spread > 0))
        self.mean = start.mean.copy()
        self.spread = start.spread[self.random].copy()
        self.log_sigma = start.log_sigma.copy()
        n, q = start.animals.shape[0], self.random.size
        # Of what is left open, the part of the random parameters when the shared ones are known.
        precision = np.linalg.inv(start.covariance)[:, self.random[:, None], self.random]
        self.factor = np.linalg.cholesky(np.linalg.inv(precision))
        self.center = start.animals[:, self.random]
        self.length = np.full(n, 2.0 / np.sqrt(q))
        shape = (plan.chains, n)
        luck = rng.standard_normal((*shape, q, 1))
        self.effect = self.center + 0.5 * (self.factor @ luck)[..., 0]
        self.effect = np.clip(self.effect, lower[self.random], upper[self.random])
        self.fitted = curve(self._full(self.effect))
        self.value = readings.log_likelihood(self.fitted, self.log_sigma)
        lost = ~np.isfinite(self.value)
        if lost.any():
            self.effect = np.where(lost[..., None], self.center, self.effect)
            self.fitted = curve(self._full(self.effect))
            self.value = readings.log_likelihood(self.fitted, self.log_sigma)
        if not np.isfinite(self.value).all():
            raise DataError(
                "a curve of every animal at the start of the search",
                found="a model without a number there",
                mend="give other start values",
            )
        self.sum_one = self.effect.mean(axis=0)
        self.sum_two = (self.effect**2).mean(axis=0)
        self.sum_square = np.exp(2 * self.log_sigma) * readings.counts
        self.information = np.zeros((self.shared.size, self.shared.size))

    def _full(self, effect: FloatArray, mean: FloatArray | None = None) -> FloatArray:
        """All parameters (..., n, k) of the random ones (..., n, q)."""
        base = self.mean if mean is None else mean
        full = np.broadcast_to(base, (*effect.shape[:-1], base.size)).copy()
        full[..., self.random] = effect
        return full

    def _prior(self, effect: FloatArray) -> FloatArray:
        """Log density of the random parameters, up to a constant."""
        away = (effect - self.mean[self.random]) / self.spread
        return np.asarray(-0.5 * (away**2).sum(axis=-1))

    def run(self, progress: Callable[[int], None]) -> SaemRun:
        """All iterations."""
        plan = self.plan
        trace = []
        accepted = np.zeros(2)
        first = second = np.zeros(0)
        kept = 0
        for number in range(plan.explore + plan.settle):
            exploring = number < plan.explore
            share = 1.0 if exploring else 1.0 / (number - plan.explore + 1)
            walked = self._walk(adapt=exploring)
            drawn = self._draw()
            self._population(share, annealed=exploring)
            if self.shared.size:
                self._shared(share)
            trace.append(self._row())
            if not exploring:
                accepted += (walked, drawn)
                outer = self.effect[..., :, None] * self.effect[..., None, :]
                first = self.effect.mean(axis=0) + (first if kept else 0.0)
                second = outer.mean(axis=0) + (second if kept else 0.0)
                kept += 1
            progress(number + 1)
        mean = first / kept
        spread = second / kept - mean[..., :, None] * mean[..., None, :]
        k = self.mean.size
        covariance = np.zeros((mean.shape[0], k, k))
        covariance[:, self.random[:, None], self.random] = spread
        rates = accepted / plan.settle
        all_spread = np.zeros(k)
        all_spread[self.random] = self.spread
        return SaemRun(
            mean=self.mean.copy(),
            spread=all_spread,
            log_sigma=self.log_sigma.copy(),
            animals=self._full(mean),
            covariance=covariance,
            trace=np.array(trace),
            acceptance=(float(rates[0]), float(rates[1])),
        )

    def _row(self) -> FloatArray:
        """The population as a row of the trace."""
        spread = np.zeros(self.mean.size)
        spread[self.random] = self.spread
        return np.concatenate((self.mean, spread, self.log_sigma))

    def _walk(self, *, adapt: bool) -> float:
        """A random walk of every chain; the share that was accepted."""
        luck = self.rng.standard_normal((*self.effect.shape, 1))
        proposal = self.effect + self.length[:, None] * (self.factor @ luck)[..., 0]
        taken = self._accept(proposal, 0.0)
        if adapt:
            rate = taken.mean(axis=0)
            self.length = np.clip(self.length * np.exp(0.2 * (rate - _WANTED_ACCEPTANCE)), 0.05, 5)
        return float(taken.mean())

    def _draw(self) -> float:
        """Draws around each animal's center, whatever the chain; the share accepted."""
        luck = self.rng.standard_normal((*self.effect.shape, 1))
        proposal = self.center + _WIDER * (self.factor @ luck)[..., 0]
        away = np.linalg.solve(
            np.broadcast_to(self.factor, (*self.effect.shape[:2], *self.factor.shape[1:])),
            (self.effect - self.center)[..., None],
        )[..., 0]
        ratio = 0.5 * ((luck[..., 0] ** 2).sum(-1) - (away**2).sum(-1) / _WIDER**2)
        return float(self._accept(proposal, ratio).mean())

    def _accept(self, proposal: FloatArray, ratio: FloatArray | float) -> BoolArray:
        """Move the chains whose proposal wins; `ratio` is that of the proposals' densities."""
        within = (proposal >= self.lower[self.random]) & (proposal <= self.upper[self.random])
        box = np.asarray(within.all(axis=-1))
        proposal = np.where(box[..., None], proposal, self.effect)
        fitted = self.curve(self._full(proposal))
        value = self.readings.log_likelihood(fitted, self.log_sigma)
        gain = value + self._prior(proposal) - self.value - self._prior(self.effect) + ratio
        taken = box & (np.log(self.rng.uniform(size=gain.shape)) < gain)
        self.effect = np.where(taken[..., None], proposal, self.effect)
        self.fitted = np.where(taken[..., None], fitted, self.fitted)
        self.value = np.where(taken, value, self.value)
        return np.asarray(taken)

    def _population(self, share: float, *, annealed: bool) -> None:
        """Mean, spread and error from what the chains show."""
        self.sum_one = self.sum_one + share * (self.effect.mean(axis=0) - self.sum_one)
        self.sum_two = self.sum_two + share * ((self.effect**2).mean(axis=0) - self.sum_two)
        squares = self.readings.squares(self.fitted, self.log_sigma, self.rng).mean(axis=0)
        self.sum_square = self.sum_square + share * (squares - self.sum_square)
        center = self.sum_one.mean(axis=0)
        variance = np.maximum(self.sum_two.mean(axis=0) - center**2, _LEAST_SPREAD**2)
        noise = self.sum_square / np.maximum(self.readings.counts, 1)
        if annealed:
            variance = np.maximum(variance, _ANNEALING * self.spread**2)
            noise = np.maximum(noise, _ANNEALING * np.exp(2 * self.log_sigma))
        self.mean[self.random] = center
        self.spread = np.sqrt(variance)
        self.log_sigma = np.maximum(0.5 * np.log(noise), _LEAST_LOG_SIGMA)
        self.value = self.readings.log_likelihood(self.fitted, self.log_sigma)

    def _shared(self, share: float) -> None:
        """A step of the shared parameters along the derivative of the complete likelihood."""
        size = self.shared.size
        shifted = []
        for place in self.shared:
            for sign in (1.0, -1.0):
                mean = self.mean.copy()
                mean[place] += sign * _STEP
                shifted.append(self._full(self.effect, mean))
        curves = self.curve(np.stack(shifted))
        slope = np.stack(
            [(curves[2 * i] - curves[2 * i + 1]) / (2 * _STEP) for i in range(size)], axis=-1
        )
        slope = np.where(self.readings.used[..., None] & np.isfinite(slope), slope, 0.0)
        terms = self.readings.terms(self.fitted, self.log_sigma[self.readings.output])
        chains = self.plan.chains
        pull = (slope * terms.by_curve[..., None]).sum(axis=(0, 1, 2)) / chains
        weighted = slope * terms.weight[..., None]
        square = np.tensordot(weighted, slope, axes=((0, 1, 2), (0, 1, 2))) / chains
        self.information = self.information + share * (square - self.information)
        raised = self.information + 1e-9 * np.eye(size) * max(np.trace(self.information), 1e-9)
        step = np.clip(share * np.linalg.solve(raised, pull), -_LONGEST, _LONGEST)
        moved = np.clip(
            self.mean[self.shared] + step, self.lower[self.shared], self.upper[self.shared]
        )
        trial = self.mean.copy()
        trial[self.shared] = moved
        fitted = self.curve(self._full(self.effect, trial))
        value = self.readings.log_likelihood(fitted, self.log_sigma)
        if np.isfinite(value).all():
            self.mean, self.fitted, self.value = trial, fitted, value
