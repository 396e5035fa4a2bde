"""Firth's penalized logistic regression: finite odds ratios where a cell of a table is empty.

The penalty is half the logarithm of the determinant of the information (Jeffreys' prior). With one
marker of two levels the estimate is that of the table with one half added to each cell.

References
----------
Firth D. Biometrika 1993;80:27. Heinze G, Schemper M. Stat Med 2002;21:2409. doi:10.1002/sim.1047
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import DataError, InputError

__all__ = ["FirthLogistic", "firth_logistic"]

FloatArray: TypeAlias = NDArray[np.float64]

_MOST_STEPS: Final = 100
# A step that moves no coefficient, in units of its column's spread, by more than this is the last.
_LAST_STEP: Final = 1e-10
_LONGEST_STEP: Final = 2.0
_MOST_HALVINGS: Final = 40
# A likelihood that falls by less than this has fallen by rounding.
_ROUNDING: Final = 1e-12
# Log odds beyond this, in units of the column's spread, are not looked at for a limit.
_FARTHEST: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FirthLogistic:
    """A fitted penalized logistic model; the constant comes first.

    Parameters
    ----------
    coefficients, standard_errors : tuple of float
        Log odds ratios; standard errors from the information.
    lower, upper : tuple of float or None
        Limits of the profile of the penalized likelihood; None where not reached.
    p_values : tuple of float or None
        Penalized likelihood-ratio tests; None where not looked for.
    level : float
        Confidence of the limits.
    n, n_events : int
        Rows, and how many are events.
    converged : bool
        Whether all searches arrived.
    """

    coefficients: tuple[float, ...]
    standard_errors: tuple[float, ...]
    lower: tuple[float | None, ...]
    upper: tuple[float | None, ...]
    p_values: tuple[float | None, ...]
    level: float
    n: int
    n_events: int
    converged: bool

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def firth_logistic(
    outcome: FloatArray, covariates: FloatArray, *, level: float = 0.95, only: int | None = None
) -> FirthLogistic:
    """Penalized logistic regression with profile limits.

    Parameters
    ----------
    outcome : ndarray, shape (n,)
        1 for an event, 0 for none.
    covariates : ndarray, shape (n, k)
        Columns without a constant.
    level : float
        Confidence of the limits, between 0 and 1.
    only : int, optional
        Position of the one covariate whose limits are looked for, from 0; all without it. The
        others then have None.

    Raises
    ------
    InputError
        If shapes differ, or an outcome is neither 0 nor 1.
    DataError
        If the columns do not tell all coefficients apart.

    Examples
    --------
    No event among four lines of one kind, three among four of the other: the log of 21.

    >>> x = np.array([[0.0]] * 4 + [[1.0]] * 4)
    >>> y = np.array([0.0, 0, 0, 0, 1, 1, 1, 0])
    >>> fit = firth_logistic(y, x)
    >>> round(float(np.exp(fit.coefficients[1])), 6)
    21.0
    """
    if not 0 < level < 1:
        raise InputError("a level between 0 and 1", found=f"{level:g}")
    if covariates.ndim != 2 or outcome.shape != (covariates.shape[0],):
        expected = "an outcome for each row of covariates"
        raise InputError(expected, found=f"{outcome.shape} and {covariates.shape}")
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise InputError("outcomes of 0 or 1", found="others")
    spread = np.array([float(column.std()) or 1.0 for column in covariates.T])
    design = np.column_stack([np.ones(outcome.size), covariates / spread])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        expected = "covariates that are neither constant nor made of each other"
        raise DataError(expected, found=f"{covariates.shape[1]} over {outcome.size} rows")
    q = design.shape[1]
    free = np.ones(q, dtype=np.bool_)
    beta, value, arrived = _climb(outcome, design, np.zeros(q), free)
    unit = np.concatenate(([1.0], spread))
    errors = np.sqrt(np.diag(np.linalg.inv(_information(design, beta))))
    drop = float(special.chdtri(1, 1 - level)) / 2
    lower: list[float | None] = [None] * q
    upper: list[float | None] = [None] * q
    p_values: list[float | None] = [None] * q
    for which in range(q) if only is None else [only + 1]:
        profile = _Profile(outcome, design, which, beta.copy())
        p_values[which] = float(special.chdtrc(1, 2 * max(0.0, value - profile(0.0))))
        for ends, side in ((lower, -1.0), (upper, 1.0)):
            # Each side begins at the estimate, not where the other side ended.
            profile.start = beta.copy()
            step = side * float(errors[which])
            end = _limit(profile, float(beta[which]), step, value - drop)
            ends[which] = None if end is None else end / float(unit[which])
        arrived &= profile.arrived
    return FirthLogistic(
        coefficients=tuple(float(number) for number in beta / unit),
        standard_errors=tuple(float(number) for number in errors / unit),
        lower=tuple(lower),
        upper=tuple(upper),
        p_values=tuple(p_values),
        level=level,
        n=outcome.size,
        n_events=int(outcome.sum()),
        converged=arrived,
    )


def _information(design: FloatArray, beta: FloatArray) -> FloatArray:
    """Expected information."""
    share = special.expit(design @ beta)
    return np.asarray(design.T @ (design * (share * (1 - share))[:, None]))


def _penalized(outcome: FloatArray, design: FloatArray, beta: FloatArray) -> float:
    """Penalized log-likelihood; minus infinity where the information is singular."""
    linear = design @ beta
    plain = float((outcome * linear - np.logaddexp(0.0, linear)).sum())
    sign, log_det = np.linalg.slogdet(_information(design, beta))
    return plain + 0.5 * float(log_det) if sign > 0 else -np.inf


def _climb(
    outcome: FloatArray, design: FloatArray, beta: FloatArray, free: NDArray[np.bool_]
) -> tuple[FloatArray, float, bool]:
    """Highest penalized likelihood over the free coefficients: where, how high, and if arrived."""
    value = _penalized(outcome, design, beta)
    for _ in range(_MOST_STEPS):
        share = special.expit(design @ beta)
        weight = share * (1 - share)
        information = design.T @ (design * weight[:, None])
        between = design @ np.linalg.inv(information) @ design.T
        leverage = weight * np.diag(between)
        slope = (design.T @ (outcome - share + leverage * (0.5 - share)))[free]
        curvature = _curvature(design, share, weight, leverage, between)[np.ix_(free, free)]
        # Far from the maximum the penalized likelihood need not be concave.
        if np.linalg.eigvalsh(curvature).min(initial=np.inf) <= 0:
            curvature = information[np.ix_(free, free)]
        step = np.linalg.solve(curvature, slope)
        size = float(np.abs(step).max(initial=0.0))
        if size < _LAST_STEP:
            return beta, value, True
        step *= min(1.0, _LONGEST_STEP / size)
        for _ in range(_MOST_HALVINGS):
            trial = beta.copy()
            trial[free] += step
            new = _penalized(outcome, design, trial)
            if new >= value - _ROUNDING * (1 + abs(value)):
                break
            step = step / 2
        else:
            return beta, value, False
        beta, value = trial, new
    return beta, value, False


def _curvature(
    design: FloatArray,
    share: FloatArray,
    weight: FloatArray,
    leverage: FloatArray,
    between: FloatArray,
) -> FloatArray:
    """Minus the second derivatives of the penalized likelihood.

    A leverage depends on the coefficients by its own weight and by the information's inverse.
    """
    bend = 1 - 2 * share
    own = (leverage * bend)[:, None] * design
    others = weight[:, None] * (between**2 @ ((weight * bend)[:, None] * design))
    moved = (0.5 - share)[:, None] * (own - others)
    return np.asarray(design.T @ (design * (weight * (1 + leverage))[:, None] - moved))


@dataclass(slots=True, eq=False)
class _Profile:
    """Highest penalized likelihood with one coefficient held; a search begins at the last one."""

    outcome: FloatArray
    design: FloatArray
    which: int
    start: FloatArray
    arrived: bool = True

    def __call__(self, at: float) -> float:
        beta = self.start.copy()
        beta[self.which] = at
        free = np.ones(beta.size, dtype=np.bool_)
        free[self.which] = False
        self.start, value, arrived = _climb(self.outcome, self.design, beta, free)
        self.arrived &= arrived
        return value


def _limit(profile: _Profile, estimate: float, step: float, target: float) -> float | None:
    """Where the profile falls to the target, going from the estimate in steps that double."""

    def below(at: float) -> float:
        return target - max(profile(at), target - 1e6)

    near, far = estimate, estimate + step
    while below(far) < 0:
        near, step = far, 2 * step
        far = near + step
        if abs(far - estimate) > _FARTHEST:
            return None
    return float(scipy.optimize.brentq(below, near, far, xtol=1e-9, rtol=1e-10))
