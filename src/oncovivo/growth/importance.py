"""The likelihood of a nonlinear mixed model by importance sampling, and its curvature.

Each animal's parameters are drawn from a t distribution around what its readings say of them, and
weighted. The same draws serve at every point near the estimate, so the likelihood is a smooth
function there: its slope says how far the estimate is from the maximum, and its curvature is the
observed information. No linear approximation of the curve is made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.growth.curve_problem import CurveFunction, CurveReadings
from oncovivo.growth.saem import SaemRun

__all__ = ["PopulationLikelihood", "population_likelihood"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

_FREEDOM: Final = 5.0
# The proposal holds at least this share of the population's variance in every direction.
_FLOOR: Final = 1e-3
_SPREAD_STEP: Final = 0.02
# Of a shared parameter, in standard errors that it would have were all animals known.
_SHARED_STEP: Final = 0.7
_LONGEST_STEP: Final = 0.2
_LOG_STEP: Final = 0.02
_SLOPE_STEP: Final = 2e-3
# Information below this share of the largest, parameters scaled to unit curvature, is none.
_NO_INFORMATION: Final = 1e-4
_TOUCHED: Final = 1e-2
# Curvature, parameters scaled to unit curvature, below which a step goes no further; and the
# longest step of a parameter without standard error, in units of its own curvature.
_FLAT: Final = 1e-2
_UNKNOWN_STEP: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PopulationLikelihood:
    """The likelihood at an estimate and around it.

    The parameters are the k means, the logarithms of the q spreads of what differs between
    animals, and the logarithms of the errors.

    Parameters
    ----------
    log_likelihood : float
        Of all readings.
    monte_carlo_error : float
        Its standard error from the draws.
    effective_draws : float
        Of the animal that has the fewest.
    slope : ndarray, shape (p,)
        First derivatives.
    information : ndarray, shape (p, p)
        Minus the second derivatives.
    covariance : ndarray, shape (p, p)
        Its inverse; NaN for a parameter that the readings do not determine.
    known : ndarray of bool, shape (p,)
        Which of them they determine.
    step : ndarray, shape (p,)
        Towards the maximum.
    gain : float
        By how much the likelihood would rise to its maximum, were it quadratic.
    animals : ndarray, shape (n, k)
        Conditional mean of each animal's parameters, from the weights.
    open_part : ndarray, shape (n, k, k)
        Conditional covariance.
    """

    log_likelihood: float
    monte_carlo_error: float
    effective_draws: float
    slope: FloatArray
    information: FloatArray
    covariance: FloatArray
    known: BoolArray
    step: FloatArray
    gain: float
    animals: FloatArray
    open_part: FloatArray

    def moved(
        self, run: SaemRun, *, lower: FloatArray, upper: FloatArray, share: float = 1.0
    ) -> SaemRun:
        """The run with its population moved along `step`, each parameter by at most its error.

        Parameters
        ----------
        run : SaemRun
            Where the likelihood was taken.
        lower, upper : ndarray, shape (k,)
            The box of the means.
        share : float
            Part of the step that is made.
        """
        with np.errstate(invalid="ignore"):
            errors = np.sqrt(np.diag(self.covariance))
        own = _UNKNOWN_STEP / np.sqrt(np.maximum(np.abs(np.diag(self.information)), 1e-12))
        size = np.abs(self.step) / np.where(np.isfinite(errors) & self.known, errors, own)
        step = share * self.step / max(1.0, float(size.max()))
        k, m = run.mean.size, run.log_sigma.size
        spread = run.spread.copy()
        spread[spread > 0] *= np.exp(step[k : self.step.size - m])
        return replace(
            run,
            mean=np.clip(run.mean + step[:k], lower, upper),
            spread=spread,
            log_sigma=run.log_sigma + step[-m:],
            animals=self.animals,
            covariance=self.open_part,
        )


def population_likelihood(
    readings: CurveReadings,
    curve: CurveFunction,
    run: SaemRun,
    *,
    lower: FloatArray,
    upper: FloatArray,
    rng: np.random.Generator,
    draws: int = 512,
) -> PopulationLikelihood:
    """The likelihood at the end of a search, with slope and curvature.

    Parameters
    ----------
    readings : CurveReadings
        Of n animals.
    curve : callable
        Curves (..., n, t) of parameters (..., n, k).
    run : SaemRun
        Population and animals.
    lower, upper : ndarray, shape (k,)
        Draws outside weigh nothing.
    rng : numpy.random.Generator
        Source of the draws.
    draws : int
        Draws of each animal, a power of two.
    """
    sample = _Sample(readings, curve, run, lower, upper, rng, draws)
    return sample.likelihood()


class _Sample:
    """Weighted draws of every animal."""

    def __init__(
        self,
        readings: CurveReadings,
        curve: CurveFunction,
        run: SaemRun,
        lower: FloatArray,
        upper: FloatArray,
        rng: np.random.Generator,
        draws: int,
    ) -> None:
        self.readings, self.curve, self.run = readings, curve, run
        self.random = np.flatnonzero(run.spread > 0)
        self.shared = np.flatnonzero(~(run.spread > 0))
        spread = run.spread[self.random]
        center = run.animals[:, self.random]
        covariance = run.covariance[:, self.random[:, None], self.random]
        factor = np.linalg.cholesky(covariance + np.diag(_FLOOR * spread**2))
        n, q = center.shape
        uniform = _even_draws(n, draws, q + 1, rng)
        normal = special.ndtri(uniform[..., :q])
        mix = np.sqrt(_FREEDOM / (2 * special.gammaincinv(_FREEDOM / 2, uniform[..., q])))
        away = normal * mix[..., None]
        self.effect = center + (factor @ away[..., None])[..., 0]
        size = np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(axis=-1)
        self.proposal = (
            special.gammaln((_FREEDOM + q) / 2)
            - special.gammaln(_FREEDOM / 2)
            - 0.5 * q * np.log(_FREEDOM * np.pi)
            - size
            - 0.5 * (_FREEDOM + q) * np.log1p((away**2).sum(axis=-1) / _FREEDOM)
        )
        inside = ((self.effect >= lower[self.random]) & (self.effect <= upper[self.random])).all(
            axis=-1
        )
        self.inside = inside
        self.effect = np.where(inside[..., None], self.effect, center)
        self.point = np.concatenate((run.mean, np.log(spread), run.log_sigma))
        self.step = np.full(self.point.size, _LOG_STEP)
        self.step[self.random] = _SPREAD_STEP * spread
        known = np.maximum(run.shared_information[self.shared], 1e-12)
        self.step[self.shared] = np.minimum(_SHARED_STEP / np.sqrt(known), _LONGEST_STEP)
        self.follow = self._following()
        self.curves: dict[tuple[int, ...], FloatArray] = {}
        self.given: dict[tuple[int, ...], FloatArray] = {}

    def _following(self) -> FloatArray:
        """By how much an animal's parameters follow the shared ones, shape (n, q, shared).

        Draws that follow keep their weights, so that curvature is no small difference of noise.
        """
        run, random, shared = self.run, self.random, self.shared
        shift = np.eye(run.mean.size)[:, None, :] * _SLOPE_STEP
        both = self.curve(np.stack((run.animals + shift, run.animals - shift)))
        slope = np.moveaxis((both[0] - both[1]) / (2 * _SLOPE_STEP), 0, -1)
        slope = np.where(self.readings.used[..., None] & np.isfinite(slope), slope, 0.0)
        slope = slope * np.exp(-run.log_sigma[self.readings.output])[..., None]
        own, other = slope[..., random], slope[..., shared]
        information = np.swapaxes(own, -1, -2) @ own + np.diag(run.spread[random] ** -2.0)
        return np.asarray(-np.linalg.solve(information, np.swapaxes(own, -1, -2) @ other))

    def _effects(self, shift: tuple[int, ...]) -> FloatArray:
        """The draws (s, n, q) where parameters are shifted by so many steps."""
        moved = np.array([shift[place] for place in self.shared]) * self.step[self.shared]
        return np.asarray(self.effect + self.follow @ moved) if moved.any() else self.effect

    def _readings(self, shift: tuple[int, ...]) -> FloatArray:
        """Log density of the readings (s, n) where parameters are shifted by so many steps."""
        k, m = self.run.mean.size, self.run.log_sigma.size
        curve_key = tuple(shift[place] for place in self.shared)
        key = (*curve_key, *shift[-m:])
        if key not in self.given:
            if curve_key not in self.curves:
                mean = self.run.mean + np.array(shift[:k]) * self.step[:k]
                full = np.broadcast_to(mean, (*self.effect.shape[:-1], k)).copy()
                full[..., self.random] = self._effects(shift)
                self.curves[curve_key] = self.curve(full)
            log_sigma = self.run.log_sigma + np.array(shift[-m:]) * self.step[-m:]
            value = self.readings.log_likelihood(self.curves[curve_key], log_sigma)
            self.given[key] = np.where(self.inside, value, -np.inf)
        return self.given[key]

    def _weights(self, shift: tuple[int, ...]) -> FloatArray:
        """Log weights (s, n)."""
        k, q = self.run.mean.size, self.random.size
        moved = self.point + np.array(shift) * self.step
        mean, log_spread = moved[self.random], moved[k : k + q]
        away = (self._effects(shift) - mean) * np.exp(-log_spread)
        prior = -0.5 * (away**2).sum(-1) - log_spread.sum() - 0.5 * q * np.log(2 * np.pi)
        return np.asarray(self._readings(shift) + prior - self.proposal)

    def _value(self, *moves: tuple[int, int]) -> float:
        """The log-likelihood after moves (parameter, steps)."""
        shift = [0] * self.point.size
        for place, steps in moves:
            shift[place] += steps
        weights = self._weights(tuple(shift))
        return float((special.logsumexp(weights, axis=0) - np.log(len(weights))).sum())

    def _animals(self, share: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Conditional mean (n, k) and covariance (n, k, k) of each animal."""
        mean = (share[..., None] * self.effect).sum(axis=0)
        away = self.effect - mean
        open_part = np.einsum("sn,sni,snj->nij", share, away, away)
        k = self.run.mean.size
        animals = np.broadcast_to(self.run.mean, (len(mean), k)).copy()
        animals[:, self.random] = mean
        covariance = np.zeros((len(mean), k, k))
        covariance[:, self.random[:, None], self.random] = open_part
        return animals, covariance

    def likelihood(self) -> PopulationLikelihood:
        """Value, slope, curvature."""
        size = self.point.size
        weights = self._weights((0,) * size)
        share = special.softmax(weights, axis=0)
        effective = 1.0 / (share**2).sum(axis=0)
        error = float(np.sqrt((1.0 / effective - 1.0 / len(weights)).sum()))
        value = self._value()
        up = np.array([self._value((place, 1)) for place in range(size)])
        down = np.array([self._value((place, -1)) for place in range(size)])
        slope = (up - down) / (2 * self.step)
        bend = np.empty((size, size))
        for one in range(size):
            bend[one, one] = (up[one] - 2 * value + down[one]) / self.step[one] ** 2
            for other in range(one):
                both = self._value((one, 1), (other, 1)) + self._value((one, -1), (other, -1))
                alone = up[one] + down[one] + up[other] + down[other] - 2 * value
                mixed = (both - alone) / (2 * self.step[one] * self.step[other])
                bend[one, other] = bend[other, one] = mixed
        animals, open_part = self._animals(share)
        covariance, known = _inverse(-bend)
        step = _uphill(-bend, slope)
        return PopulationLikelihood(
            log_likelihood=value,
            monte_carlo_error=error,
            effective_draws=float(effective.min()),
            slope=slope,
            information=-bend,
            covariance=covariance,
            known=known,
            step=step,
            gain=0.5 * float(slope @ step),
            animals=animals,
            open_part=open_part,
        )


def _even_draws(n: int, draws: int, size: int, rng: np.random.Generator) -> FloatArray:
    """Scrambled Sobol points (draws, n, size), other ones for each animal."""
    from scipy.stats import qmc

    points = [qmc.Sobol(size, rng=rng).random(draws) for _ in range(n)]
    edge = np.finfo(np.float64).eps
    return np.clip(np.stack(points, axis=1), edge, 1.0 - edge)


def _uphill(information: FloatArray, slope: FloatArray) -> FloatArray:
    """Newton's step, uphill where the likelihood bends the other way, short where it is flat."""
    size = np.sqrt(np.maximum(np.abs(np.diag(information)), 1e-300))
    curvature, axes = np.linalg.eigh(information / np.outer(size, size))
    along = axes.T @ (slope / size)
    step = along / np.maximum(np.abs(curvature), _FLAT)
    return np.asarray((axes @ step) / size)


def _inverse(information: FloatArray) -> tuple[FloatArray, BoolArray]:
    """The inverse in the directions that carry information, and which parameters lie in them."""
    size = np.sqrt(np.maximum(np.abs(np.diag(information)), 1e-300))
    curvature, axes = np.linalg.eigh(information / np.outer(size, size))
    sound = curvature > _NO_INFORMATION
    known = (axes[:, ~sound] ** 2).sum(axis=1) <= _TOUCHED
    known &= np.diag(information) > 0
    inverse = (axes[:, sound] / curvature[sound]) @ axes[:, sound].T / np.outer(size, size)
    inverse[~known] = np.nan
    inverse[:, ~known] = np.nan
    return inverse, known
