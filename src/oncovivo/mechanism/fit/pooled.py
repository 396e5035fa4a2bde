"""Naive pooled fit, and least squares of each animal, with profile limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.curve_problem import CurveFunction
from oncovivo.mechanism.fit.curves import FitData
from oncovivo.mechanism.fit.least_squares import (
    UNKNOWN,
    GroupFit,
    GroupProblem,
    ProfileLimits,
    fit_groups,
    profile_limits,
)
from oncovivo.mechanism.fit.plan import FitPlan

__all__ = ["AnimalFits", "PooledFit", "fit_animals", "fit_pooled"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

_STARTS: Final = 6
_START_SPREAD: Final = 0.8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PooledFit:
    """All animals as one.

    Parameters
    ----------
    plan : FitPlan
        What is estimated.
    estimates, standard_errors : ndarray, shape (k,)
        On the estimation scale; the error is infinite where the readings say nothing.
    sigmas : ndarray, shape (m,)
        Standard deviation of a reading of each output, on the scale on which its error is normal.
    log_likelihood : float
        As if all readings were independent.
    converged : bool
        Whether the search ended for want of gain.
    limits : ProfileLimits or None
        On the estimation scale, if asked for.
    """

    plan: FitPlan
    estimates: FloatArray
    standard_errors: FloatArray
    sigmas: FloatArray
    log_likelihood: float
    converged: bool
    limits: ProfileLimits | None

    @property
    def sigma(self) -> float:
        """Standard deviation of the logarithm of a volume."""
        return float(self.sigmas[0])

    def value(self, place: int) -> float | None:
        """Natural value; None where the readings do not determine it."""
        if not self.standard_errors[place] < UNKNOWN:
            return None
        return float(self.plan.estimated[place].natural(self.estimates[place]))

    def limit(self, place: int, side: Literal["lower", "upper"]) -> float | None:
        """Natural profile limit; None where the likelihood stays level."""
        if self.limits is None or self.value(place) is None:
            return None
        end = float((self.limits.lower if side == "lower" else self.limits.upper)[0, place])
        return float(self.plan.estimated[place].natural(end)) if np.isfinite(end) else None


def fit_pooled(
    plan: FitPlan, data: FitData, curve: CurveFunction, *, limits: bool = True
) -> PooledFit:
    """The naive pooled fit from several starts.

    Parameters
    ----------
    plan : FitPlan
        What is estimated.
    data : FitData
        Readings.
    curve : callable
        Log volumes (..., n, t) of parameters (..., n, k).
    limits : bool
        Whether profile limits are found.

    Raises
    ------
    DataError
        If the model has no numbers at any start.
    """
    lower, upper = plan.box
    group = np.zeros(data.growth.n_animals, dtype=np.intp)
    problem = GroupProblem(
        readings=data.readings, curve=curve, group=group, lower=lower, upper=upper
    )
    luck = np.random.default_rng(0).standard_normal((_STARTS, plan.start.size))
    luck[0] = 0.0
    starts = np.clip(plan.start + _START_SPREAD * luck, lower, upper)
    found = fit_groups(problem, starts[:, None])
    best = int(np.argmax(found.log_likelihood[:, 0]))
    one = found.take(best)
    return PooledFit(
        plan=plan,
        estimates=one.estimates[0, 0],
        standard_errors=one.standard_errors()[0, 0],
        sigmas=np.exp(one.log_sigma[0, 0]),
        log_likelihood=float(one.log_likelihood[0, 0]),
        converged=bool(one.converged[0, 0]),
        limits=profile_limits(problem, one) if limits else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnimalFits:
    """Each animal by itself.

    Parameters
    ----------
    animal_ids, arms : tuple of str
        The animals.
    fit : GroupFit
        One version, a group for each animal.
    limits : ProfileLimits
        Of each animal, estimation scale.
    identified : ndarray of bool, shape (n, k)
        Which of its parameters an animal's readings determine.
    """

    animal_ids: tuple[str, ...]
    arms: tuple[str, ...]
    fit: GroupFit
    limits: ProfileLimits
    identified: BoolArray


def fit_animals(
    plan: FitPlan, data: FitData, curve: CurveFunction, start: FloatArray
) -> AnimalFits:
    """Least squares of each animal with profile limits.

    Parameters
    ----------
    plan : FitPlan
        What is estimated.
    data : FitData
        Readings.
    curve : callable
        Log volumes (..., n, t) of parameters (..., n, k).
    start : ndarray, shape (k,)
        Where each search begins, estimation scale.

    Raises
    ------
    DataError
        If the model has no numbers at the start.
    """
    growth = data.growth
    lower, upper = plan.box
    problem = GroupProblem(
        readings=data.readings,
        curve=curve,
        group=np.arange(growth.n_animals),
        lower=lower,
        upper=upper,
    )
    found = fit_groups(problem, np.broadcast_to(start, (1, growth.n_animals, start.size)).copy())
    limits = profile_limits(problem, found)
    enough = (growth.readings > start.size + 1)[:, None]
    closed = np.isfinite(limits.lower) & np.isfinite(limits.upper)
    return AnimalFits(
        animal_ids=growth.animal_ids,
        arms=tuple(growth.arms[number] for number in growth.arm),
        fit=found,
        limits=limits,
        identified=enough & closed & found.converged[0][:, None],
    )
