"""The likelihood of a nonlinear mixed model by importance sampling, its slope and its curvature.

Each animal's parameters are drawn from a t distribution around what is most likely for it, some
of them from the population instead, and weighted. The likelihood is the mean of the weights, and
no curve is taken as straight for it.

Its slope is the weighted mean of the slope of readings and parameters together (Fisher's
identity), and its curvature in the typical values is what Louis's formula makes of the same draws.
Both are taken along paths on which an animal's draws follow the population as a straight curve
would have them: a change of the typical value of what hardly differs between animals then is no
small difference of large noisy sums. The information on spreads and errors is the expected one of
curves that are straight around the animals.

Louis TA. J R Stat Soc B 1982;44:226-233.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.growth.curve_problem import CurveFunction, CurveReadings
from oncovivo.growth.saem import SaemRun

__all__ = ["LEAST_SPREAD", "PopulationLikelihood", "population_likelihood"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

_FREEDOM: Final = 5.0
# One draw of so many comes from the population: no weight is then large by chance.
_FROM_POPULATION: Final = 8
_MODE_STEPS: Final = 6
_MODE_HALVINGS: Final = 6
# A step that gains no more than this is the last.
_MODE_ENOUGH: Final = 1e-4
LEAST_SPREAD: Final = 0.01
"""Standard deviation between animals below which a search does not go: none at all."""
# By how much a variance may change in a step.
_VARIANCE_RATIO: Final = (0.25, 4.0)
# Means nearer than this to the end of the box are at it.
_AT_END: Final = 1e-6
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
        Of the means, and of spreads and errors; nothing is taken to tie the two together.
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
        """The run with its population moved along `step`, means by at most their errors.

        Spreads are moved by their variance: of that, the step of the logarithm is half the share.

        Parameters
        ----------
        run : SaemRun
            Where the likelihood was taken.
        lower, upper : ndarray, shape (k,)
            The box of the means.
        share : float
            Part of the step that is made.
        """
        k, m = run.mean.size, run.log_sigma.size
        with np.errstate(invalid="ignore"):
            errors = np.sqrt(np.diag(self.covariance))
        own = _UNKNOWN_STEP / np.sqrt(np.maximum(np.abs(np.diag(self.information)), 1e-12))
        size = np.abs(self.step) / np.where(np.isfinite(errors) & self.known, errors, own)
        # Spreads have limits of their own: near 0 a logarithm is far from everything.
        size[k : size.size - m] = 0.0
        step = share * self.step / max(1.0, float(size.max()))
        spread = run.spread.copy()
        grown = np.clip(1.0 + 2.0 * step[k : step.size - m], *_VARIANCE_RATIO)
        spread[spread > 0] *= np.sqrt(grown)
        spread[spread > 0] = np.maximum(spread[spread > 0], LEAST_SPREAD)
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
        self.lower, self.upper = lower, upper
        self.random = np.flatnonzero(run.spread > 0)
        spread = run.spread[self.random]
        center = self._modes(lower, upper)
        n, q = center.shape
        factor = np.linalg.cholesky(self.open_part)
        uniform = _even_draws(n, draws, q + 1, rng)
        normal = special.ndtri(uniform[..., :q])
        mix = np.sqrt(_FREEDOM / (2 * special.gammaincinv(_FREEDOM / 2, uniform[..., q])))
        effect = center + (factor @ (normal * mix[..., None])[..., None])[..., 0]
        own = np.arange(draws) % _FROM_POPULATION == _FROM_POPULATION - 1
        effect[own] = run.mean[self.random] + spread * normal[own]
        self.inside = ((effect >= lower[self.random]) & (effect <= upper[self.random])).all(-1)
        self.effect = np.where(self.inside[..., None], effect, center)
        away = np.linalg.solve(factor, (self.effect - center)[..., None])[..., 0]
        size = np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(axis=-1)
        around = (
            special.gammaln((_FREEDOM + q) / 2)
            - special.gammaln(_FREEDOM / 2)
            - 0.5 * q * np.log(_FREEDOM * np.pi)
            - size
            - 0.5 * (_FREEDOM + q) * np.log1p((away**2).sum(axis=-1) / _FREEDOM)
        )
        apart = (self.effect - run.mean[self.random]) / spread
        of_all = -0.5 * (apart**2).sum(-1) - np.log(spread).sum() - 0.5 * q * np.log(2 * np.pi)
        share = float(own.mean())
        self.proposal = np.logaddexp(
            np.log1p(-share) + around, np.log(max(share, 1e-300)) + of_all
        )

    def _modes(self, lower: FloatArray, upper: FloatArray) -> FloatArray:
        """What is most likely for each animal (n, q)."""
        run, random = self.run, self.random
        prior = run.spread[random] ** -2.0
        full = np.broadcast_to(run.mean, run.animals.shape).copy()
        full[:, random] = run.animals[:, random]
        value = self._most(full)
        open_ = np.isfinite(value)
        full[~open_] = run.mean
        value = self._most(full)
        for number in range(_MODE_STEPS + 1):
            slope, fitted = self._slopes(full)
            terms = self.readings.terms(fitted, run.log_sigma[self.readings.output])
            own = slope[..., random]
            information = np.swapaxes(own * terms.weight[..., None], -1, -2) @ own + np.diag(prior)
            if number == _MODE_STEPS or not open_.any():
                break
            pull = (own * terms.by_curve[..., None]).sum(-2)
            pull = pull - prior * (full[:, random] - run.mean[random])
            step = np.linalg.solve(information, pull[..., None])[..., 0]
            open_ &= (pull * step).sum(-1) > _MODE_ENOUGH
            length = np.where(open_, 1.0, 0.0)
            for _ in range(_MODE_HALVINGS):
                trial = full.copy()
                trial[:, random] += length[:, None] * step
                trial = np.clip(trial, lower, upper)
                new = self._most(trial)
                worse = open_ & ~(new >= value)
                if not worse.any():
                    break
                length = np.where(worse, length / 4, length)
            better = new >= value
            full, value = np.where(better[:, None], trial, full), np.where(better, new, value)
            open_ &= better
        self.slope, self.weight, self.center = slope, terms.weight, full[:, random]
        self.open_part = np.asarray(np.linalg.inv(information), dtype=np.float64)
        return self.center

    def _most(self, full: FloatArray) -> FloatArray:
        """Log density (n,) of readings and random parameters, up to a constant."""
        given = self.readings.log_likelihood(self.curve(full), self.run.log_sigma)
        apart = (full - self.run.mean)[:, self.random] / self.run.spread[self.random]
        return np.asarray(given - 0.5 * (apart**2).sum(-1))

    def _slopes(self, full: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Derivatives (..., n, t, k) of curves, 0 where there is no reading, and the curves."""
        size = full.shape[-1]
        fitted = self.curve(full)
        slope = np.empty((*fitted.shape, size))
        for place in range(size):
            shift = np.zeros(size)
            shift[place] = _SLOPE_STEP
            both = self.curve(np.stack((full + shift, full - shift)))
            slope[..., place] = (both[0] - both[1]) / (2 * _SLOPE_STEP)
        known = self.readings.used[..., None] & np.isfinite(slope)
        return np.where(known, slope, 0.0), fitted

    def likelihood(self) -> PopulationLikelihood:
        """Value, slope, curvature."""
        run, random = self.run, self.random
        k, m = run.mean.size, run.log_sigma.size
        mean, spread = run.mean[random], run.spread[random]
        full = np.broadcast_to(run.mean, (*self.effect.shape[:-1], k)).copy()
        full[..., random] = self.effect
        slope, fitted = self._slopes(full)
        terms = self.readings.terms(fitted, run.log_sigma[self.readings.output])
        away = self.effect - mean
        prior = -0.5 * ((away / spread) ** 2).sum(-1) - np.log(spread).sum()
        prior -= 0.5 * spread.size * np.log(2 * np.pi)
        weights = np.where(self.inside, terms.value.sum(-1), -np.inf) + prior - self.proposal
        share = special.softmax(weights, axis=0)
        effective = 1.0 / (share**2).sum(axis=0)
        by_mean, turned, by_mean_prior = self._along_means(slope, terms.by_curve, away)
        by_spread = self._along_spreads(slope, terms.by_curve, away)
        by_error = np.stack(
            [
                np.where(self.readings.output == kind, terms.by_log_sigma, 0.0).sum(-1)
                for kind in range(m)
            ],
            axis=-1,
        )
        every = np.concatenate((by_mean, by_spread, by_error), axis=-1)
        score = (share[..., None] * every).sum(axis=(0, 1))
        bend = np.einsum(
            "sn,snt,sntj,sntl->jl", share, terms.weight, turned, turned, optimize=True
        )
        center = (share[..., None] * by_mean).sum(axis=0)
        off = by_mean - center
        bend += by_mean_prior - np.einsum("sn,snj,snl->jl", share, off, off, optimize=True)
        information = np.zeros((every.shape[-1], every.shape[-1]))
        information[:k, :k] = 0.5 * (bend + bend.T)
        information[k:, k:] = self._spread_information()
        covariance = np.full(information.shape, 0.0)
        known = np.zeros(len(information), dtype=bool)
        for part in (slice(0, k), slice(k, None)):
            covariance[part, part], known[part] = _inverse(information[part, part])
        # What is at the end of its range and would go beyond stays where it is.
        free = np.ones(score.size, dtype=bool)
        out = np.where(score[:k] > 0, self.upper - run.mean, run.mean - self.lower)
        free[:k] = out > _AT_END
        falls = (spread <= LEAST_SPREAD * 1.001) & (score[k : k + spread.size] < 0)
        free[k : k + spread.size] = ~falls
        step = np.zeros(score.size)
        step[free] = _uphill(information[np.ix_(free, free)], score[free])
        value = (special.logsumexp(weights, axis=0) - np.log(len(weights))).sum()
        animals, open_part = self._animals(share)
        return PopulationLikelihood(
            log_likelihood=float(value),
            monte_carlo_error=float(np.sqrt((1.0 / effective - 1.0 / len(weights)).sum())),
            effective_draws=float(effective.min()),
            slope=score,
            information=information,
            covariance=covariance,
            known=known,
            step=step,
            gain=0.5 * float(score @ step),
            animals=animals,
            open_part=open_part,
        )

    def _along_means(
        self, slope: FloatArray, pull: FloatArray, away: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Slopes by the means (s, n, k), slopes of curves (s, n, t, k), curvature of the prior."""
        random, k = self.random, self.run.mean.size
        precision = self.run.spread[random] ** -2.0
        own = np.zeros((random.size, k))
        own[np.arange(random.size), random] = 1.0
        weighted = self.slope * self.weight[..., None]
        # By how much an animal's random parameters follow each mean, (n, q, k).
        shared = np.where(self.run.spread > 0, 0.0, 1.0)
        tied = np.swapaxes(weighted[..., random], -1, -2) @ (self.slope * shared)
        follow = self.open_part @ (precision[:, None] * own - tied)
        turned = slope * shared + slope[..., random] @ follow
        left = follow - own
        by_mean = (pull[..., None] * turned).sum(axis=-2)
        by_mean -= ((away * precision)[..., None, :] @ left)[..., 0, :]
        curvature = np.einsum("nij,i,nil->jl", left, precision, left, optimize=True)
        return by_mean, turned, curvature

    def _along_spreads(self, slope: FloatArray, pull: FloatArray, away: FloatArray) -> FloatArray:
        """Slopes by the logarithms of the spreads (s, n, q)."""
        random = self.random
        precision = self.run.spread[random] ** -2.0
        by_effect = (pull[..., None] * slope[..., random]).sum(axis=-2) - away * precision
        reach = (self.center - self.run.mean[random] + away) * precision
        followed = (by_effect[..., None, :] @ self.open_part)[..., 0, :] * reach
        stretched = np.diagonal(self.open_part, axis1=-2, axis2=-1) * precision
        return np.asarray(followed + away**2 * precision - 1.0 + stretched)

    def _spread_information(self) -> FloatArray:
        """Expected information on the logarithms of spreads and errors, straight curves."""
        readings, random = self.readings, self.random
        own = self.slope[..., random]
        spread = self.run.spread[random]
        sound = self.weight > 0
        noise = 1.0 / np.where(sound, np.maximum(self.weight, 1e-12), 1.0)
        size = np.arange(noise.shape[1])
        matrix = (own * spread**2) @ np.swapaxes(own, -1, -2)
        matrix[:, size, size] += noise
        inverse = np.linalg.inv(matrix)
        seen = inverse @ own
        crossed = np.swapaxes(own, -1, -2) @ seen * spread[:, None] * spread
        exact = readings.used & ~readings.below & sound
        masks = np.stack(
            [exact & (readings.output == kind) for kind in range(self.run.log_sigma.size)]
        ).astype(float)
        square = np.exp(2 * self.run.log_sigma)
        q = random.size
        information = np.zeros((q + len(masks), q + len(masks)))
        information[:q, :q] = 2.0 * (crossed**2).sum(axis=0)
        mixed = 2.0 * np.einsum("mnt,ntq->qm", masks, seen**2) * spread[:, None] ** 2 * square
        information[:q, q:], information[q:, :q] = mixed, mixed.T
        both = np.einsum("mnt,ntu,lnu->ml", masks, inverse**2, masks, optimize=True)
        information[q:, q:] = 2.0 * both * np.outer(square, square)
        return information

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
