"""Firth's penalized Cox regression: finite estimates where an arm has no event.

References
----------
Firth D. Biometrika 1993;80:27. Heinze G, Schemper M. Biometrics 2001;57:114.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.numerics.newton import minimize_newton
from oncovivo.survival.cox import cox_problem
from oncovivo.survival.partial_likelihood import Held, PartialLikelihood, Penalized
from oncovivo.survival.risk_sets import risk_sets

__all__ = ["FirthFit", "firth_fit", "firth_many"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

_MOST_STEPS: Final = 200
# Log hazard ratios beyond this are not looked at for a limit.
_FARTHEST: Final = 50.0
# A likelihood further from its maximum than this is as far as can be.
_BEYOND: Final = 1e6
# Numbers held in one array of centered covariates.
_NUMBERS: Final = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FirthFit:
    """A fitted penalized Cox model.

    Parameters
    ----------
    coefficients, standard_errors : tuple of float
        Log hazard ratios; standard errors from the information.
    lower, upper : tuple of float or None
        Profile-likelihood limits; None where not reached or not looked for.
    p_values : tuple of float
        Penalized likelihood-ratio test of each coefficient.
    level : float
        Confidence of the limits.
    infinite_without : tuple of bool
        Which coefficients would be infinite without the penalty.
    n, events : int
        Animals, and how many had the event.
    converged : bool
        Whether all searches, of the estimates and along the profiles, arrived.
    """

    coefficients: tuple[float, ...]
    standard_errors: tuple[float, ...]
    lower: tuple[float | None, ...]
    upper: tuple[float | None, ...]
    p_values: tuple[float, ...]
    level: float
    infinite_without: tuple[bool, ...]
    n: int
    events: int
    converged: bool

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def firth_fit(
    time: FloatArray,
    event: BoolArray,
    covariates: FloatArray,
    *,
    entry: FloatArray | None = None,
    strata: IntArray | None = None,
    level: float = 0.95,
    limits: bool = True,
) -> FirthFit:
    """Penalized Cox regression with profile-likelihood limits; Efron's ties.

    Parameters
    ----------
    time, event, covariates, entry, strata
        As in `oncovivo.survival.cox.cox_fit`.
    level : float
        Confidence of the limits, between 0 and 1.
    limits : bool
        Whether limits are looked for, which takes most of the time.

    Raises
    ------
    InputError
        If arrays do not match.
    DataError
        If no event tells some coefficients apart.
    """
    if not 0 < level < 1:
        raise InputError("a level between 0 and 1", found=f"{level:g}")
    problem = cox_problem(time, event, covariates, entry=entry, strata=strata)
    penalized = Penalized(likelihood=problem.likelihood.of_events())
    start = np.zeros_like(problem.likelihood.observed)
    found = minimize_newton(penalized, start, max_iterations=_MOST_STEPS)
    value, _, information = penalized(found.theta)
    lowest = float(value[0])
    errors = np.sqrt(np.diag(np.linalg.inv(information[0])))
    drop = float(special.chdtri(1, 1 - level)) / 2
    lower: list[float | None] = []
    upper: list[float | None] = []
    p_values = []
    arrived = bool(found.converged[0])
    for which, (estimate, error) in enumerate(zip(found.theta[0], errors, strict=True)):
        rest = np.delete(found.theta, which, axis=1)
        at_zero = _Profile(penalized, which, rest)
        rise = max(0.0, at_zero(0.0) - lowest)
        p_values.append(float(special.chdtrc(1, 2 * rise)))
        arrived &= at_zero.arrived
        for ends, side in ((lower, -1.0), (upper, 1.0)):
            if not limits:
                ends.append(None)
                continue
            profile = _Profile(penalized, which, rest)
            step = side * float(error)
            ends.append(_limit(profile, float(estimate), step, lowest + drop))
            arrived &= profile.arrived
    return FirthFit(
        coefficients=tuple(float(estimate) for estimate in found.theta[0]),
        standard_errors=tuple(float(error) for error in errors),
        lower=tuple(lower),
        upper=tuple(upper),
        p_values=tuple(p_values),
        level=level,
        infinite_without=tuple(bool(flag) for flag in problem.infinite),
        n=problem.rows.size,
        events=int(problem.sets.event.sum()),
        converged=arrived,
    )


def firth_many(
    time: FloatArray, event: BoolArray, group: IntArray
) -> tuple[FloatArray, BoolArray]:
    """Penalized log hazard ratios of every group against group 0 in many studies at once.

    Parameters
    ----------
    time, event : ndarray, shape (B, n)
        One study in each row.
    group : ndarray of int, shape (n,) or (B, n)
        Group of each animal, 0 to k − 1.

    Returns
    -------
    coefficients : ndarray, shape (B, k − 1)
        Meaningless where not converged.
    converged : ndarray of bool, shape (B,)
        Also False for a study without an event.
    """
    if group.min() != 0 or group.max() < 1 or group.shape[-1] != time.shape[-1]:
        raise InputError("a group from 0 for each animal, two or more", found="others")
    n_groups = int(group.max()) + 1
    design = np.eye(n_groups)[:, 1:]
    count, n = time.shape
    rows = np.broadcast_to(np.atleast_2d(group), (count, n))
    coefficients = np.zeros((count, n_groups - 1))
    converged = np.zeros(count, dtype=np.bool_)
    chunk = max(1, _NUMBERS // (n * max(n, n_groups**2)))
    for first in range(0, count, chunk):
        part = np.arange(first, min(first + chunk, count))
        sets = risk_sets(time[part], event[part])
        likelihood = PartialLikelihood.of(sets, rows[part], design)
        start = np.zeros_like(likelihood.observed)
        usable = np.linalg.matrix_rank(likelihood(start)[2]) == n_groups - 1
        kept = np.flatnonzero(usable)
        if not kept.size:
            continue
        penalized = Penalized(likelihood=likelihood.take(kept))
        found = minimize_newton(penalized, start[kept], max_iterations=_MOST_STEPS)
        coefficients[part[kept]] = found.theta
        converged[part[kept]] = found.converged
    return coefficients, converged


@dataclass(slots=True, eq=False)
class _Profile:
    """Smallest penalized value with one coefficient held; each search begins at the last one."""

    penalized: Penalized
    which: int
    rest: FloatArray
    arrived: bool = True

    def __call__(self, at: float) -> float:
        held = Held(penalized=self.penalized, which=self.which, at=at)
        if self.rest.shape[1]:
            found = minimize_newton(held, self.rest, max_iterations=_MOST_STEPS)
            self.rest = found.theta
            self.arrived &= bool(found.converged[0])
        return float(held(self.rest)[0][0])


def _limit(profile: _Profile, estimate: float, step: float, target: float) -> float | None:
    """Where the profile reaches the target, going from the estimate in steps that double."""

    def above(at: float) -> float:
        return min(profile(at) - target, _BEYOND)

    near, far = estimate, estimate + step
    while above(far) < 0:
        near, step = far, 2 * step
        far = near + step
        if abs(far - estimate) > _FARTHEST:
            return None
    return float(scipy.optimize.brentq(above, near, far, xtol=1e-8, rtol=1e-8))
