"""Likelihood of accelerated failure times that are exact, in an interval, or censored.

The logarithm of the time is x·β + σ·W. Divided by σ the log likelihood is concave in (β/σ, 1/σ),
so that it has one maximum, at a point or in a direction without end.

References
----------
Burridge J. J R Stat Soc B 1981;43:41.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.numerics.trust_region import minimize

__all__ = ["NARROW", "Estimates", "IntervalStudy", "TimeDistribution", "TimesModel", "known_kind"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

TimeDistribution: TypeAlias = Literal["weibull", "exponential", "lognormal", "loglogistic"]

# Beyond this, in units of σ, a survival or its complement is 0 in floating point.
_FARTHEST_Z: Final = 690.0
# log σ is looked for this far on both sides of its first guess.
_LOG_SCALE_REACH: Final = 12.0
# A direction in which the likelihood never falls moves an animal by more than this.
_MOVES: Final = 1e-7
# Coefficients that kept animals do not determine have more than this of a null direction.
_UNDETERMINED: Final = 1e-8
# In log time.
_CENSORED_BEYOND: Final = 0.5
_SMALLEST_SPREAD: Final = 0.05
_EXACT_FIT: Final = 1e-9
# A spread this many times narrower than what separates visits is as good as none.
NARROW: Final = 40.0
# Slope of the log likelihood, in units of σ, at which a search toward σ = 0 has arrived.
_NEARLY: Final = 1e-4


# --- distributions ---------------------------------------------------------------------------


_Kind: TypeAlias = Literal["extreme", "unit extreme", "normal", "logistic"]

_KINDS: Final[dict[str, _Kind]] = {
    "weibull": "extreme",
    "exponential": "unit extreme",
    "lognormal": "normal",
    "loglogistic": "logistic",
}


def known_kind(distribution: str) -> _Kind:
    """How log time is spread."""
    if distribution not in _KINDS:
        expected = "weibull, exponential, lognormal or loglogistic times"
        raise InputError(expected, found=repr(distribution))
    return _KINDS[distribution]


def _density(kind: _Kind, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Log density, and its first and second derivatives."""
    if kind == "normal":
        return -0.5 * z * z - 0.5 * math.log(2 * math.pi), -z, np.full_like(z, -1.0)
    if kind == "logistic":
        size = np.abs(z)
        value = -size - 2 * np.log1p(np.exp(-size))
        return value, -np.tanh(z / 2), -2 * special.expit(z) * special.expit(-z)
    grown = np.exp(np.minimum(z, _FARTHEST_Z))
    return z - grown, 1 - grown, -grown


def _between(
    kind: _Kind, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Log probability between two ends, and the densities at both ends over it.

    Ends may be infinite: their densities are 0.
    """
    first, last = np.isneginf(low), np.isposinf(high)
    if kind in {"extreme", "unit extreme"}:
        start = np.where(first, 0.0, np.exp(np.minimum(low, _FARTHEST_Z)))
        # Cumulative hazard between the ends; that of a narrow interval by its width.
        wide = np.where(first | last, 0.0, np.minimum(high - np.where(first, 0.0, low), 700.0))
        hazard = np.where(
            last, np.inf, np.where(first, np.exp(np.minimum(high, _FARTHEST_Z)), 0.0)
        )
        hazard = np.where(first | last, hazard, start * np.expm1(wide))
        log_part = np.log(-np.expm1(-hazard))
        at_low = np.where(first, 0.0, np.exp(np.minimum(low, _FARTHEST_Z) - log_part))
        end = np.where(last, 0.0, high)
        gone = np.where(last, 0.0, hazard)
        at_high = np.where(last, 0.0, np.exp(np.minimum(end - gone - log_part, _FARTHEST_Z)))
        return log_part - start, at_low, at_high
    cumulative = special.log_ndtr if kind == "normal" else special.log_expit
    # The tail that the interval is in, so that no difference of two numbers near 1 is taken.
    flip = low + high > 0
    inner = np.where(flip, -low, high)
    outer = np.where(flip, -high, low)
    upper = cumulative(inner)
    value = upper + np.log(
        -np.expm1(np.where(np.isneginf(outer), -np.inf, cumulative(outer)) - upper)
    )
    at_low = np.where(first, 0.0, np.exp(_density(kind, np.where(first, 0.0, low))[0] - value))
    at_high = np.where(last, 0.0, np.exp(_density(kind, np.where(last, 0.0, high))[0] - value))
    return value, at_low, at_high


# --- likelihood ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Likelihood:
    """Minus the log likelihood of log times, without the terms −log t of exact ones.

    Parameters
    ----------
    kind : str
        How log times are spread.
    design : ndarray, shape (n, r)
        Columns of the location.
    low, high : ndarray, shape (n,)
        Logarithms of the interval's ends.
    """

    kind: _Kind
    design: FloatArray
    low: FloatArray
    high: FloatArray

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray] | None:
        """Value, gradient and Hessian by location coefficients and log σ (if it is free)."""
        size = self.design.shape[1]
        free = self.kind != "unit extreme"
        scale = math.exp(theta[size]) if free else 1.0
        place = self.design @ theta[:size]
        low, high = (self.low - place) / scale, (self.high - place) / scale
        exact = self.low == self.high
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            value, at_low, at_high = _between(
                self.kind, np.where(exact, -np.inf, low), np.where(exact, np.inf, high)
            )
        z_low, z_high = np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, 0)
        density, slope, curve = _density(self.kind, z_low)
        slope_high = _density(self.kind, z_high)[1]
        total = float(np.where(exact, density, value).sum()) - int(exact.sum()) * math.log(scale)
        # Derivatives by the two ends in units of σ.
        by_low = np.where(exact, slope, -at_low)
        by_high = at_high
        with np.errstate(over="ignore", invalid="ignore"):
            low_low = np.where(exact, curve, -slope * at_low - at_low**2)
            high_high = slope_high * at_high - at_high**2
            low_high = at_low * at_high
        # Minus the derivatives of the ends by the parameters.
        move = self.design / scale
        to_low = np.column_stack([move, z_low])
        to_high = np.column_stack([move, z_high])
        gradient = -(by_low @ to_low + by_high @ to_high)
        mixed = to_low.T @ (low_high[:, None] * to_high)
        hessian = (
            to_low.T @ (low_low[:, None] * to_low)
            + to_high.T @ (high_high[:, None] * to_high)
            + mixed
            + mixed.T
        )
        bend = (by_low + by_high) @ move
        hessian[size, :size] += bend
        hessian[:size, size] += bend
        hessian[size, size] += by_low @ z_low + by_high @ z_high
        gradient[size] -= exact.sum()
        kept = size + int(free)
        if not (math.isfinite(total) and np.isfinite(hessian).all()):
            return None
        return -total, -gradient[:kept], -hessian[:kept, :kept]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Best:
    """The maximum of one model."""

    value: float
    theta: FloatArray
    converged: bool


@dataclass(slots=True, eq=False)
class TimesModel:
    """One model of the location, ready to be fitted to shifted times.

    Animals that a coefficient going to infinity leaves with probability 1 are out of the
    likelihood, and what is left is fitted in an orthogonal basis.

    Parameters
    ----------
    kind : str
        How log times are spread.
    low, high : ndarray, shape (n,)
        Logarithms of the interval's ends.
    kept : ndarray of bool, shape (n,)
        Animals that are in.
    basis : ndarray, shape (kept, r)
        Orthogonal columns, of mean square 1.
    back : ndarray, shape (p, r)
        From coefficients of the basis to those of the design.
    signs : ndarray, shape (p,)
        Where infinite coefficients go, else 0.
    determined : ndarray of bool, shape (p,)
        Which coefficients are finite.
    floor : float or None
        Smallest log σ that is tried, where the likelihood rises toward σ = 0.
    """

    kind: _Kind
    low: FloatArray
    high: FloatArray
    kept: BoolArray
    basis: FloatArray
    back: FloatArray
    signs: FloatArray
    determined: BoolArray
    floor: float | None
    start: FloatArray | None = None

    @classmethod
    def of(cls, study: IntervalStudy, design: FloatArray) -> TimesModel:
        """From the columns of the location."""
        low, high = study.low, study.high
        direction, kept = _never_falling(design, low, high)
        n_kept, n_terms = int(kept.sum()), design.shape[1]
        left, sizes, right = np.linalg.svd(design[kept], full_matrices=True)
        # Columns may differ in unit, so a rank is that of the design with columns of one size.
        rank = _rank(design[kept])
        root = math.sqrt(max(n_kept, 1))
        determined = (np.abs(right[rank:]) <= _UNDETERMINED).all(axis=0)
        return cls(
            kind=study.kind,
            low=low,
            high=high,
            kept=kept,
            basis=root * left[:, :rank],
            back=root * right[:rank].T / sizes[:rank] if rank else np.zeros((n_terms, 0)),
            signs=np.where(determined, 0.0, np.sign(direction)),
            determined=determined,
            floor=study.floor,
        )

    def best(self, shift: FloatArray | float) -> _Best:
        """Maximum with a shift taken from log times; begins where the last search ended."""
        moved = np.broadcast_to(np.asarray(shift, dtype=np.float64), self.low.shape)[self.kept]
        low, high = self.low[self.kept] - moved, self.high[self.kept] - moved
        size = self.basis.shape[1] + int(self.kind != "unit extreme")
        if low.size == 0 or size == 0:
            found = _Likelihood(kind=self.kind, design=self.basis, low=low, high=high)(
                np.zeros(size)
            )
            return _Best(
                value=found[0] if found else math.inf, theta=np.zeros(size), converged=True
            )
        objective = _Likelihood(kind=self.kind, design=self.basis, low=low, high=high)
        first = self._guess(low, high)
        begin = first if self.start is None or objective(self.start) is None else self.start
        least, most = np.full(size, -np.inf), np.full(size, np.inf)
        if self.kind != "unit extreme":
            least[-1], most[-1] = first[-1] - _LOG_SCALE_REACH, first[-1] + _LOG_SCALE_REACH
            if self.floor is not None:
                least[-1] = self.floor
        found_at = minimize(objective, begin, lower=least, upper=most)
        self.start = found_at.point
        inside = bool(((least < found_at.point) & (found_at.point < most)).all())
        converged = found_at.converged and inside
        if self.floor is not None:
            # Near σ = 0 rounding of the location is large in units of σ.
            units = np.append(np.full(size - 1, math.exp(found_at.point[-1])), 1.0)
            converged = bool((np.abs(found_at.gradient) * units <= _NEARLY).all())
        return _Best(value=found_at.value, theta=found_at.point, converged=converged)

    def _guess(self, low: FloatArray, high: FloatArray) -> FloatArray:
        """Least squares through middles of intervals, or points somewhat past a single end."""
        with np.errstate(invalid="ignore"):
            middle = np.where(
                np.isneginf(low),
                high - _CENSORED_BEYOND,
                np.where(np.isposinf(high), low + _CENSORED_BEYOND, (low + high) / 2),
            )
        place = middle @ self.basis / middle.size
        spread = float(np.sqrt(np.mean((middle - self.basis @ place) ** 2)))
        if self.kind == "unit extreme":
            return np.asarray(place, dtype=np.float64)
        return np.append(place, math.log(max(spread, _SMALLEST_SPREAD)))

    def estimates(self, best: _Best) -> Estimates:
        """Coefficients of the design with their covariance."""
        size = self.basis.shape[1]
        free = self.kind != "unit extreme"
        found = _Likelihood(
            kind=self.kind, design=self.basis, low=self.low[self.kept], high=self.high[self.kept]
        )(best.theta)
        n_terms = self.back.shape[0]
        covariance = None
        if found is not None and self.floor is None:
            turn = np.zeros((n_terms + 1, best.theta.size))
            turn[:n_terms, :size] = self.back
            if free:
                turn[n_terms, size] = 1.0
            covariance = turn @ np.linalg.inv(found[2]) @ turn.T
        return Estimates(
            beta=self.back @ best.theta[:size],
            log_scale=float(best.theta[size]) if free else 0.0,
            covariance=covariance,
            signs=self.signs,
            determined=self.determined & (self.floor is None),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimates:
    """Coefficients with the covariance of theirs and of log σ, last."""

    beta: FloatArray
    log_scale: float
    covariance: FloatArray | None
    signs: FloatArray
    determined: BoolArray

    def shown(self, which: int) -> float | None:
        """A coefficient, if it is finite."""
        return float(self.beta[which]) if self.determined[which] else None

    def error(self, which: int) -> float | None:
        """Its standard error."""
        if not self.determined[which] or self.covariance is None:
            return None
        return math.sqrt(float(self.covariance[which, which]))

    def log_scale_error(self) -> float | None:
        """Standard error of log σ."""
        return None if self.covariance is None else math.sqrt(float(self.covariance[-1, -1]))

    def log_hazard(self, which: int) -> tuple[float | None, float | None]:
        """−β/σ of Weibull times, and its standard error by the delta method."""
        if not self.determined[which] or self.covariance is None:
            return None, None
        scale = math.exp(self.log_scale)
        ratio = -float(self.beta[which]) / scale
        by = np.array([-1 / scale, -ratio])
        both = self.covariance[np.ix_([which, -1], [which, -1])]
        return ratio, math.sqrt(float(by @ both @ by))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IntervalStudy:
    """Checked log times of animals that say something.

    Parameters
    ----------
    kind : str
        How log times are spread.
    design : ndarray, shape (m, p + 1)
        Covariates after a column of ones.
    low, high : ndarray, shape (m,)
        Logarithms of the interval's ends, less the center.
    center : float
        Of log times.
    jacobian : float
        Sum of log times of exact events, which makes likelihoods those of times.
    n : int
        Animals, with those that were never seen.
    floor : float or None
        Smallest log σ that is tried, where no spread is needed: the likelihood is then within
        rounding of its limit.
    """

    kind: _Kind
    design: FloatArray
    low: FloatArray
    high: FloatArray
    center: float
    jacobian: float
    n: int
    floor: float | None

    @classmethod
    def of(
        cls, lower: ArrayLike, upper: ArrayLike, covariates: ArrayLike, *, kind: _Kind
    ) -> IntervalStudy:
        """From times as given."""
        start, end = _checked(lower, upper)
        columns = np.asarray(covariates, dtype=np.float64)
        if columns.ndim != 2 or columns.shape[0] != start.size or columns.shape[1] == 0:
            expected = "one row of covariates for each animal"
            raise InputError(expected, found=f"shape {columns.shape}")
        if not np.isfinite(columns).all():
            raise InputError("finite covariates", found="others")
        if not np.isfinite(end).any():
            raise DataError("an event at least", found="no animal had the event")
        with np.errstate(divide="ignore"):
            low, high = np.log(start), np.log(end)
        jacobian = float(low[low == high].sum())
        seen = np.isfinite(low) | np.isfinite(high)
        low, high = low[seen], high[seen]
        design = np.column_stack([np.ones(low.size), columns[seen]])
        if _rank(design) < design.shape[1]:
            expected = "covariates that can be told apart, with animals of all arms"
            raise DataError(expected, found="covariates that animals seen do not tell apart")
        ends = np.concatenate([low[np.isfinite(low)], high[np.isfinite(high)]])
        center = float(ends.mean())
        floor = None
        if kind != "unit extreme" and _needs_no_spread(design, low - center, high - center):
            if (low == high).any():
                expected = "times that differ within arms"
                raise DataError(expected, found="exact times that need no spread within arms")
            gaps = np.diff(np.unique(ends))
            floor = math.log(float(gaps[gaps > _EXACT_FIT].min(initial=1.0)) / NARROW)
        elif kind != "unit extreme" and not (np.isfinite(low) & np.isfinite(high)).any():
            expected = "events between two visits or at known times"
            raise DataError(
                expected, found="events before a first visit only, which do not show a spread"
            )
        return cls(
            kind=kind,
            design=design,
            low=low - center,
            high=high - center,
            center=center,
            jacobian=jacobian,
            n=start.size,
            floor=floor,
        )

    @property
    def pinned(self) -> BoolArray:
        """Animals whose event is at a known time or between two."""
        return np.asarray(np.isfinite(self.low) & np.isfinite(self.high))

    def range_of(self, which: int) -> tuple[float, float]:
        """Least and greatest value of a coefficient with which the location meets all times."""
        ends = []
        for sign in (1.0, -1.0):
            aim = np.zeros(self.design.shape[1])
            aim[which] = sign
            solution = _location_meeting(self.design, self.low, self.high, aim)
            # Status 3 is a coefficient without a bound.
            ends.append(sign * float(solution.fun) if solution.status == 0 else -sign * math.inf)
        return ends[0], ends[1]

    def model(self) -> TimesModel:
        """With all covariates."""
        return TimesModel.of(self, self.design)

    def without_covariates(self) -> TimesModel:
        """With the intercept alone."""
        return TimesModel.of(self, self.design[:, :1])

    def held(self, which: int) -> TimesModel:
        """Without one column, whose part is then taken from the times."""
        return TimesModel.of(self, np.delete(self.design, which, axis=1))


def _needs_no_spread(design: FloatArray, low: FloatArray, high: FloatArray) -> bool:
    """Whether some location meets all times, so that the likelihood rises as σ goes to 0."""
    exact = low == high
    if exact.any():
        columns, times = design[exact], low[exact]
        fitted = columns @ np.linalg.lstsq(columns, times, rcond=None)[0]
        if np.abs(fitted - times).max() > _EXACT_FIT:
            return False
    return bool(_location_meeting(design, low, high, np.zeros(design.shape[1])).status == 0)


def _location_meeting(
    design: FloatArray, low: FloatArray, high: FloatArray, aim: FloatArray
) -> scipy.optimize.OptimizeResult:
    """Coefficients with the least aim · β among those with the location in all intervals."""
    after, before = np.isfinite(low), np.isfinite(high)
    bounds: Any = [(None, None)] * design.shape[1]
    return scipy.optimize.linprog(
        aim,
        A_ub=np.concatenate([design[before], -design[after]]),
        b_ub=np.concatenate([high[before], -low[after]]) + _EXACT_FIT,
        bounds=bounds,
        method="highs",
    )


def _checked(lower: ArrayLike, upper: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Intervals as arrays."""
    start, end = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    if start.ndim != 1 or start.size == 0 or start.shape != end.shape:
        expected = "a lower and an upper time for each animal, at least one"
        raise InputError(expected, found=f"{start.size} lower and {end.size} upper times")
    wrong = ~np.isfinite(start) | (start < 0) | np.isnan(end) | (start > end)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        expected = "a finite lower time, 0 or later, and an upper one not before it"
        raise InputError(
            expected, found=f"{start[row]:g} to {end[row]:g}", where=f"animal {row + 1}"
        )
    zero = end == 0
    if zero.any():
        row = int(np.flatnonzero(zero)[0])
        raise InputError(
            "an event after time 0",
            found="one exactly at 0",
            where=f"animal {row + 1}",
            mend="give it as between 0 and the first visit, or leave the animal out",
        )
    return start, end


def _rank(columns: FloatArray) -> int:
    """Rank, whatever the units of the columns."""
    if columns.size == 0:
        return 0
    size = np.sqrt((columns * columns).mean(axis=0))
    return int(np.linalg.matrix_rank(columns / np.where(size > 0, size, 1.0)))


def _never_falling(
    design: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Direction in which the likelihood rises without end, and the animals it leaves in place.

    A linear program looks for one that leaves events at known times where they are, moves
    right-censored animals later or not at all, and left-censored ones earlier or not at all.
    """
    pinned = np.isfinite(low) & np.isfinite(high)
    n_terms = design.shape[1]
    everyone = np.ones(low.size, dtype=np.bool_)
    if _rank(design[pinned]) == n_terms:
        return np.zeros(n_terms), everyone
    size = np.sqrt((design * design).mean(axis=0))
    columns = design / np.where(size > 0, size, 1.0)
    gains = np.where(np.isposinf(high), 1.0, -1.0)[~pinned, None] * columns[~pinned]
    count = gains.shape[0]
    parts: Any = [-gains, scipy.sparse.eye_array(count)]
    blocks: Any = scipy.sparse.hstack(parts)
    still = np.column_stack([columns[pinned], np.zeros((int(pinned.sum()), count))])
    bounds: Any = [(None, None)] * n_terms + [(0.0, 1.0)] * count
    solution = scipy.optimize.linprog(
        np.concatenate([np.zeros(n_terms), -np.ones(count)]),
        A_ub=blocks.tocsr(),
        b_ub=np.zeros(count),
        A_eq=still if pinned.any() else None,
        b_eq=np.zeros(still.shape[0]) if pinned.any() else None,
        bounds=bounds,
        method="highs",
    )
    direction = np.asarray(solution.x, dtype=np.float64)[:n_terms]
    gained = np.zeros(low.size, dtype=np.bool_)
    gained[~pinned] = gains @ direction > _MOVES
    if not gained.any():
        return np.zeros(n_terms), everyone
    direction = np.where(np.abs(direction) > _MOVES, direction, 0.0)
    return direction, ~gained
