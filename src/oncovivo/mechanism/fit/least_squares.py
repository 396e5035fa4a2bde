"""Curves fitted to groups of animals at once: all animals as one, or each animal alone.

Every group has its own parameters and its own error. With one group this is the naive pooled fit,
which takes readings of one animal as independent: its limits are too narrow, and it serves as a
start and as a check. With a group for each animal it is least squares of each animal. Readings
below the limit count as upper bounds, so that least squares is maximum likelihood throughout.

A limit of a parameter is where the likelihood, with all else fitted again, has fallen by as much
as its level allows. A parameter that the readings do not determine has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray

from oncovivo.errors import DataError
from oncovivo.growth.curve_problem import CurveFunction, CurveReadings, ReadingTerms

__all__ = [
    "UNKNOWN",
    "GroupFit",
    "GroupProblem",
    "NormalPrior",
    "ProfileLimits",
    "fit_groups",
    "profile_limits",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

# Central differences over equations that are solved to about 1e-6.
_STEP: Final = 2e-3
_FIRST_DAMPING: Final = 1e-2
_LARGEST_DAMPING: Final = 1e8
# Gain of log-likelihood that is no longer worth a step.
_ENOUGH: Final = 1e-5
_LEAST_LOG_SIGMA: Final = float(np.log(1e-3))
_SIGMA_ROUNDS: Final = 30
# Information below this share of the largest, parameters scaled to unit curvature, is none.
_NO_INFORMATION: Final = 1e-6
# A direction's share of a parameter that counts.
_TOUCHED: Final = 1e-3
UNKNOWN: Final = 2.0
"""A standard error on the log or logit scale above which a value is not known at all."""
_PROFILE_ROUNDS: Final = 14
_PROFILE_ENOUGH: Final = 0.01
_NEAR_BOX: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupProblem:
    """Readings of animals that are fitted in groups.

    Parameters
    ----------
    readings : CurveReadings
        Of n animals.
    curve : callable
        Curves (..., n, t) of parameters (..., n, k).
    group : ndarray of int, shape (n,)
        Group of each animal.
    lower, upper : ndarray, shape (k,)
        The box of the search.
    """

    readings: CurveReadings
    curve: CurveFunction
    group: IntArray
    lower: FloatArray
    upper: FloatArray

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return int(self.group.max()) + 1

    def sums(self, by_animal: FloatArray) -> FloatArray:
        """Sums over the animals of each group: (r, n, ...) to (r, g, ...)."""
        member = (self.group[:, None] == np.arange(self.n_groups)).astype(np.float64)
        return np.asarray(np.moveaxis(np.tensordot(by_animal, member, axes=((1,), (0,))), -1, 1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NormalPrior:
    """A normal distribution of the parameters of each group: mean and precision, shape (k,)."""

    mean: FloatArray
    precision: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupFit:
    """Fits of g groups in r versions.

    Parameters
    ----------
    estimates : ndarray, shape (r, g, k)
        On the estimation scale.
    log_sigma : ndarray, shape (r, g, n_outputs)
        Logarithm of the error's standard deviation.
    log_likelihood : ndarray, shape (r, g)
        With the prior's exponent where there is a prior.
    information : ndarray, shape (r, g, k, k)
        Expected information of the parameters, errors given.
    converged : ndarray of bool, shape (r, g)
        Whether the search ended for want of gain.
    """

    estimates: FloatArray
    log_sigma: FloatArray
    log_likelihood: FloatArray
    information: FloatArray
    converged: BoolArray

    def take(self, version: int) -> GroupFit:
        """One version."""
        keep = slice(version, version + 1)
        return GroupFit(
            estimates=self.estimates[keep],
            log_sigma=self.log_sigma[keep],
            log_likelihood=self.log_likelihood[keep],
            information=self.information[keep],
            converged=self.converged[keep],
        )

    def standard_errors(self) -> FloatArray:
        """On the estimation scale, shape (r, g, k); infinite where the readings say nothing."""
        information = self.information
        size = np.sqrt(np.maximum(np.diagonal(information, axis1=-2, axis2=-1), 1e-300))
        curvature, axes = np.linalg.eigh(information / (size[..., :, None] * size[..., None, :]))
        sound = curvature > _NO_INFORMATION
        inverse = np.where(sound, 1.0 / np.where(sound, curvature, 1.0), 0.0)
        variance = (axes**2 * inverse[..., None, :]).sum(axis=-1) / size**2
        lost = (axes**2 * ~sound[..., None, :]).sum(axis=-1) > _TOUCHED
        return np.asarray(np.where(lost, np.inf, np.sqrt(variance)))


def fit_groups(
    problem: GroupProblem,
    start: FloatArray,
    *,
    log_sigma: FloatArray | None = None,
    prior: NormalPrior | None = None,
    held: BoolArray | None = None,
    most: int = 40,
) -> GroupFit:
    """Maximum of each group's likelihood by Marquardt's method.

    Parameters
    ----------
    problem : GroupProblem
        Readings and curves.
    start : ndarray, shape (r, g, k)
        Where each version and group begins.
    log_sigma : ndarray, shape (n_outputs,), optional
        Errors that are taken as known; else they are fitted.
    prior : NormalPrior, optional
        Of each group's parameters.
    held : ndarray of bool, shape (r, k), optional
        Parameters that keep their start.
    most : int
        Most steps.

    Raises
    ------
    DataError
        If the curves of a group exist in no version of its start.
    """
    search = _Search(problem, log_sigma, prior, held, start)
    point = np.clip(start, problem.lower, problem.upper)
    now = search.value(point)
    if not np.isfinite(now.value).any(axis=0).all():
        raise DataError(
            "curves that exist at the start of the search",
            found="a model without a number there",
            mend="give other start values",
        )
    shape = now.value.shape
    damping = np.full(shape, _FIRST_DAMPING)
    done = np.zeros(shape, dtype=bool)
    pull, information = search.slopes(point, now)
    fresh = True
    for _ in range(most):
        step = search.step(pull, information, damping)
        trial = np.where(
            done[..., None], point, np.clip(point + step, problem.lower, problem.upper)
        )
        new = search.value(trial)
        better = new.value > now.value
        gain = np.where(better, new.value - now.value, 0.0)
        point = np.where(better[..., None], trial, point)
        now = now.where(better, new, problem.group)
        damping = np.where(better, np.maximum(damping / 6, 1e-9), damping * 6)
        done |= better & (gain < _ENOUGH * 10) & (damping < 1.0)
        done |= ~better & (damping > _LARGEST_DAMPING)
        small = np.abs(step).max(axis=-1) < 1e-5
        done |= small
        if done.all():
            fresh = not better.any()
            break
        if better.any():
            pull, information = search.slopes(point, now)
    if not fresh:
        _, information = search.slopes(point, now)
    return GroupFit(
        estimates=point,
        log_sigma=now.log_sigma,
        log_likelihood=now.value,
        information=information,
        converged=done,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Value:
    """The likelihood at a point: (r, g), errors (r, g, m), curves (r, n, t)."""

    value: FloatArray
    log_sigma: FloatArray
    curve: FloatArray

    def where(self, better: BoolArray, other: _Value, group: IntArray) -> _Value:
        """The other one where it is better."""
        return _Value(
            value=np.where(better, other.value, self.value),
            log_sigma=np.where(better[..., None], other.log_sigma, self.log_sigma),
            curve=np.where(better[:, group, None], other.curve, self.curve),
        )


class _Search:
    """The likelihood with errors fitted for each curve, and its slopes."""

    def __init__(
        self,
        problem: GroupProblem,
        log_sigma: FloatArray | None,
        prior: NormalPrior | None,
        held: BoolArray | None,
        start: FloatArray,
    ) -> None:
        self.problem = problem
        self.known_sigma = log_sigma
        self.prior = prior
        r, _, k = start.shape
        self.held = np.zeros((r, k), dtype=bool) if held is None else held
        readings = problem.readings
        self.counts = np.stack(
            [
                (readings.used & (readings.output == kind)).sum(axis=1)
                for kind in range(readings.n_outputs)
            ],
            axis=-1,
        )

    def value(self, point: FloatArray) -> _Value:
        """The likelihood at parameters (r, g, k)."""
        curve = self.problem.curve(point[:, self.problem.group])
        log_sigma = self._sigma(curve)
        terms = self._terms(curve, log_sigma)
        value = self.problem.sums(terms.value.sum(axis=-1))
        if self.prior is not None:
            value = value - 0.5 * (self.prior.precision * (point - self.prior.mean) ** 2).sum(-1)
        return _Value(value=value, log_sigma=log_sigma, curve=curve)

    def _terms(self, curve: FloatArray, log_sigma: FloatArray) -> ReadingTerms:
        """Terms of each reading where errors differ by group, (r, n, t)."""
        readings = self.problem.readings
        rows = np.arange(readings.y.shape[0])[:, None]
        by_reading = log_sigma[:, self.problem.group][:, rows, readings.output]
        return readings.terms(curve, by_reading)

    def _sigma(self, curve: FloatArray) -> FloatArray:
        """Errors that fit curves best, (r, g, m)."""
        shape = (curve.shape[0], self.problem.n_groups, self.problem.readings.n_outputs)
        if self.known_sigma is not None:
            return np.broadcast_to(self.known_sigma, shape).copy()
        readings = self.problem.readings
        count = np.maximum(self.problem.sums(self.counts[None].astype(float)), 1.0)
        log_sigma = np.full(shape, -1.0)
        for _ in range(_SIGMA_ROUNDS):
            slope = self._terms(curve, log_sigma).by_log_sigma
            parts = [
                np.where(readings.output == kind, slope, 0.0).sum(axis=-1)
                for kind in range(readings.n_outputs)
            ]
            move = self.problem.sums(np.stack(parts, axis=-1)) / (2 * count)
            # Exact readings alone: the step of Newton's method on the logarithm, from both sides.
            move = np.where(move > 0, 0.5 * np.log1p(2 * move), np.maximum(move, -0.5))
            log_sigma = np.maximum(log_sigma + move, _LEAST_LOG_SIGMA)
            if np.abs(move).max() < 1e-8:
                break
        return log_sigma

    def slopes(self, point: FloatArray, now: _Value) -> tuple[FloatArray, FloatArray]:
        """Gradient (r, g, k) and information (r, g, k, k), held parameters left out."""
        slope = curve_slopes(self.problem.curve, point[:, self.problem.group])
        terms = self._terms(now.curve, now.log_sigma)
        slope = np.where(self.problem.readings.used[..., None], slope, 0.0)
        slope = np.nan_to_num(slope, nan=0.0, posinf=0.0, neginf=0.0)
        pull = self.problem.sums((slope * terms.by_curve[..., None]).sum(axis=-2))
        square = np.swapaxes(slope * terms.weight[..., None], -1, -2) @ slope
        information = self.problem.sums(square)
        if self.prior is not None:
            pull = pull - self.prior.precision * (point - self.prior.mean)
            information = information + np.diag(self.prior.precision)
        free = ~self.held[:, None, :]
        pull = np.where(free, pull, 0.0)
        both = free[..., :, None] & free[..., None, :]
        return pull, np.where(both, information, 0.0)

    def step(self, pull: FloatArray, information: FloatArray, damping: FloatArray) -> FloatArray:
        """Marquardt's step."""
        size = np.diagonal(information, axis1=-2, axis2=-1)
        floor = np.maximum(1e-6 * size.max(axis=-1, keepdims=True), 1e-10)
        added = damping[..., None] * np.maximum(size, floor) + 1e-12
        added = np.where(self.held[:, None, :], 1.0, added)
        raised = information + added[..., None] * np.eye(size.shape[-1])
        step = np.linalg.solve(raised, pull[..., None])[..., 0]
        return np.asarray(np.clip(step, -2.0, 2.0))


def curve_slopes(curve: CurveFunction, phi: FloatArray) -> FloatArray:
    """Derivatives (..., n, t, k) of curves by central differences.

    Parameters
    ----------
    curve : callable
        Curves (..., n, t) of parameters (..., n, k).
    phi : ndarray, shape (..., n, k)
        Where.
    """
    size = phi.shape[-1]
    shift = np.eye(size).reshape(size, *([1] * (phi.ndim - 1)), size) * _STEP
    both = curve(np.stack((phi[None] + shift, phi[None] - shift)))
    return np.asarray(np.moveaxis((both[0] - both[1]) / (2 * _STEP), 0, -1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProfileLimits:
    """Limits on the estimation scale, shape (g, k); infinite where the likelihood stays level."""

    lower: FloatArray
    upper: FloatArray
    level: float


def profile_limits(problem: GroupProblem, fit: GroupFit, *, level: float = 0.95) -> ProfileLimits:
    """Where the likelihood of a parameter has fallen by what its level allows.

    Parameters
    ----------
    problem : GroupProblem
        What was fitted.
    fit : GroupFit
        Its maximum, one version.
    level : float
        Share of repeated studies that hold the parameter, between 0 and 1.
    """
    best, top = fit.estimates[0], fit.log_likelihood[0]
    g, k = best.shape
    wanted = float(np.sqrt(scipy.stats.chi2.ppf(level, 1)))
    error = np.where(np.isfinite(fit.standard_errors()[0]), fit.standard_errors()[0], 1.0)
    which = np.repeat(np.arange(k), 2)
    sign = np.tile([-1.0, 1.0], k)
    held = which[:, None] == np.arange(k)
    edge = np.where(
        sign[:, None] < 0, problem.lower[which][:, None], problem.upper[which][:, None]
    )
    room = np.maximum(sign[:, None] * (edge - best.T[which]), 0.0)
    # Distance from the estimate: known to be inside, known to be outside, and the next one.
    inside, root_inside = np.zeros((2 * k, g)), np.zeros((2 * k, g))
    outside, root_outside = np.full((2 * k, g), np.inf), np.full((2 * k, g), np.nan)
    trial = np.minimum(wanted * np.clip(error.T[which], 1e-4, 2.0), room)
    point = np.broadcast_to(best, (2 * k, g, k)).copy()
    for _ in range(_PROFILE_ROUNDS):
        begin = np.where(
            held[:, None, :], (best.T[which] + sign[:, None] * trial)[..., None], point
        )
        found = fit_groups(problem, begin, held=held, most=12)
        root = np.sqrt(np.maximum(2 * (top - found.log_likelihood), 0.0))
        point = found.estimates
        over = root >= wanted
        outside, root_outside = np.where(over, trial, outside), np.where(over, root, root_outside)
        inside = np.where(over, inside, trial)
        root_inside = np.where(over, root_inside, root)
        closed = np.isfinite(outside)
        flat = ~closed & (inside >= room - _NEAR_BOX)
        width = np.where(closed, outside - inside, 0.0)
        near = closed & (width <= _PROFILE_ENOUGH * np.maximum(outside, 1e-6))
        exact = np.abs(root - wanted) < _PROFILE_ENOUGH * wanted
        if (flat | near | exact).all():
            break
        with np.errstate(invalid="ignore", divide="ignore"):
            share = (wanted - root_inside) / (root_outside - root_inside)
        share = np.clip(np.nan_to_num(share, nan=0.5), 0.1, 0.9)
        between = inside + share * width
        further = np.minimum(np.where(inside > 0, 2.0 * inside, trial), room)
        trial = np.where(exact, trial, np.where(closed, between, further))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (wanted - root_inside) / (root_outside - root_inside)
    between = inside + np.where(closed, outside - inside, 0.0) * np.clip(share, 0.0, 1.0)
    crossing = np.where(exact, trial, np.where(closed, between, np.inf))
    limit = best.T[which] + sign[:, None] * crossing
    return ProfileLimits(lower=limit[0::2].T, upper=limit[1::2].T, level=level)
