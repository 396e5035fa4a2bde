"""Start values of a population fit: each animal's best curve, and how animals lie around a mean.

Each round fits every animal with the population as prior and then the population to the animals
and to what is left open of each: the EM algorithm with normal approximations. It is good enough
to begin from and no estimate by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.curve_problem import CurveFunction, CurveReadings
from oncovivo.mechanism.fit.least_squares import GroupProblem, NormalPrior, fit_groups

__all__ = ["TwoStage", "iterated_two_stage"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

# How far an animal may be from a value that all share: enough to show where the value should go.
_LOOSE: Final = 0.1
_LEAST_SPREAD: Final = 0.02
_MOST_SPREAD: Final = 2.0
# It is a start: nearer does not help.
_ENOUGH: Final = 0.05


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
    """

    mean: FloatArray
    spread: FloatArray
    log_sigma: FloatArray
    animals: FloatArray
    covariance: FloatArray


def iterated_two_stage(
    readings: CurveReadings,
    curve: CurveFunction,
    *,
    mean: FloatArray,
    spread: FloatArray,
    log_sigma: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    most: int = 8,
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
    """
    n = readings.y.shape[0]
    random = spread > 0
    width = np.where(random, spread, _LOOSE)
    problem = GroupProblem(
        readings=readings, curve=curve, group=np.arange(n), lower=lower, upper=upper
    )
    animals = np.broadcast_to(mean, (n, mean.size)).copy()
    counts = readings.counts.astype(float)
    covariance = np.zeros((n, mean.size, mean.size))
    for _ in range(most):
        precision = 1.0 / width**2
        found = fit_groups(
            problem,
            animals[None],
            log_sigma=log_sigma,
            prior=NormalPrior(mean=mean, precision=precision),
            most=2,
        )
        animals = found.estimates[0]
        covariance = np.linalg.inv(found.information[0])
        open_part = np.diagonal(covariance, axis1=-2, axis2=-1)
        shared = ((animals - mean) * precision).sum(axis=0) / np.maximum(
            (precision - open_part * precision**2).sum(axis=0), 1e-6 * precision
        )
        new_mean = np.where(random, animals.mean(axis=0), mean + np.clip(shared, -0.5, 0.5))
        new_mean = np.clip(new_mean, lower, upper)
        moment = ((animals - new_mean) ** 2 + open_part).mean(axis=0)
        new_width = np.where(random, np.clip(np.sqrt(moment), _LEAST_SPREAD, _MOST_SPREAD), _LOOSE)
        fitted = curve(animals)
        left = np.where(readings.below | ~np.isfinite(fitted), 0.0, readings.y - fitted)
        explained = (mean.size - (open_part * precision).sum(axis=-1)).sum()
        share = counts / counts.sum()
        variance = (
            readings.by_output(left**2) + np.exp(2 * log_sigma) * explained * share
        ) / np.maximum(counts, 1.0)
        new_sigma = 0.5 * np.log(np.maximum(variance, 1e-6))
        moved = max(
            float((np.abs(new_mean - mean) / new_width).max()),
            float(np.abs(np.log(new_width / width)).max()),
            float(np.abs(new_sigma - log_sigma).max()),
        )
        mean, width, log_sigma = new_mean, new_width, new_sigma
        if moved < _ENOUGH:
            break
    return TwoStage(
        mean=mean,
        spread=np.where(random, width, 0.0),
        log_sigma=log_sigma,
        animals=animals,
        covariance=covariance,
    )
