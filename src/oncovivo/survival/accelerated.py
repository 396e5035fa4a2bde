"""Accelerated failure time regression of exact, interval-, left- and right-censored times.

The logarithm of the time is x·β + σ·W, as in R's survreg: W is Gumbel's minimum for Weibull times
(σ = 1 for exponential ones), normal for log-normal and logistic for log-logistic ones. exp(β) is
the ratio of times, medians included. Visits once a week give intervals, so no event needs a
guessed day.

References
----------
Kalbfleisch JD, Prentice RL. The Statistical Analysis of Failure Time Data, 2nd ed., 2002,
chapter 3. Burridge J. J R Stat Soc B 1981;43:41.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.survival.accelerated_likelihood import (
    NARROW,
    Estimates,
    IntervalStudy,
    TimeDistribution,
    TimesModel,
    known_kind,
)

__all__ = [
    "AcceleratedFit",
    "ArmTimeRatio",
    "TimeDistribution",
    "accelerated_aic",
    "accelerated_fit",
    "arm_time_ratios",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

# Ratios whose logarithm is further than this many σ away are not looked at for a limit.
_FARTHEST: Final = 60.0
# Log ratios beyond this are none.
_LARGEST_LOG: Final = 300.0
# How much farther each step of the search for a limit goes.
_LONGER: Final = 1.6


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceleratedFit:
    """A fitted accelerated failure time model.

    Parameters
    ----------
    distribution : {"weibull", "exponential", "lognormal", "loglogistic"}
        Of the times.
    intercept, intercept_standard_error : float or None
        Location of log time where all covariates are 0; None where infinite or not determined.
    coefficients, standard_errors : tuple of float or None
        Log time ratios; None where the likelihood is monotone and the estimate infinite, or σ is
        not determined. Standard errors are from the observed information.
    lower, upper : tuple of float or None
        Profile-likelihood limits of the coefficients; None where not reached.
    p_values : tuple of float
        Likelihood-ratio test of each coefficient.
    infinite : tuple of {-1, 0, 1}
        Sign of infinite estimates, 0 for finite ones.
    scale, log_scale_standard_error : float or None
        σ, and the standard error of its logarithm; 1 and 0 for exponential times. None where
        intervals need no spread: all events of each arm in one interval, or in two that meet.
        The likelihood then rises toward σ = 0, no coefficient has one best value, and limits
        alone are given.
    log_hazard_ratios, log_hazard_standard_errors : tuple of float or None, optional
        −β/σ, with delta-method errors; None but for Weibull and exponential times.
    log_likelihoods : tuple of float
        Without covariates, and at the maximum (or its limit).
    aic : float
        Akaike's criterion, comparable between distributions of the same times.
    level : float
        Confidence of the limits.
    n, exact, interval, left, right : int
        Animals, and how they were observed: at a time, between two, before one, after one.
    converged : bool
        Whether all searches, of the estimates and along the profiles, arrived.
    """

    distribution: TimeDistribution
    intercept: float | None
    intercept_standard_error: float | None
    coefficients: tuple[float | None, ...]
    standard_errors: tuple[float | None, ...]
    lower: tuple[float | None, ...]
    upper: tuple[float | None, ...]
    p_values: tuple[float, ...]
    infinite: tuple[int, ...]
    scale: float | None
    log_scale_standard_error: float | None
    log_hazard_ratios: tuple[float | None, ...] | None
    log_hazard_standard_errors: tuple[float | None, ...] | None
    log_likelihoods: tuple[float, float]
    aic: float
    level: float
    n: int
    exact: int
    interval: int
    left: int
    right: int
    converged: bool

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmTimeRatio:
    """Times of an arm over the control's.

    Parameters
    ----------
    group, versus : int
        Arm and control.
    time_ratio, lower, upper : float or None
        Estimate and profile-likelihood limits; None where infinite, 0 or not reached.
    log_standard_error : float or None
        Of the logarithm.
    p_value : float or None
        Likelihood-ratio test of no difference.
    hazard_ratio, hazard_lower, hazard_upper : float or None
        The same contrast as a hazard ratio, with delta-method limits; None but for Weibull and
        exponential times.
    distribution : {"weibull", "exponential", "lognormal", "loglogistic"}
        Of the times.
    status : {"ok", "unbounded", "undefined", "flagged", "not_estimable"}
        "unbounded" where the estimate is infinite or 0, "undefined" where intervals leave a range
        of estimates equally likely (limits exist in both cases), "flagged" where a search did not
        arrive.
    reason : str
        Why there is no estimate or what is wrong; empty otherwise.
    """

    group: int
    versus: int
    time_ratio: float | None
    lower: float | None
    upper: float | None
    log_standard_error: float | None
    p_value: float | None
    hazard_ratio: float | None
    hazard_lower: float | None
    hazard_upper: float | None
    distribution: TimeDistribution
    status: Literal["ok", "unbounded", "undefined", "flagged", "not_estimable"] = "ok"
    reason: str = ""

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def accelerated_fit(
    lower: ArrayLike,
    upper: ArrayLike,
    covariates: ArrayLike,
    *,
    distribution: TimeDistribution = "weibull",
    level: float = 0.95,
) -> AcceleratedFit:
    """Accelerated failure time regression with profile-likelihood limits.

    Parameters
    ----------
    lower : array_like, shape (n,)
        Last time without the event; 0 where the first visit already showed it.
    upper : array_like, shape (n,)
        First time with the event; equal to `lower` for an exact time, infinite without event.
    covariates : array_like, shape (n, p)
        For example indicators of the treated arms; an intercept is added.
    distribution : {"weibull", "exponential", "lognormal", "loglogistic"}, default "weibull"
        Of the times.
    level : float
        Confidence of the limits, between 0 and 1.

    Raises
    ------
    InputError
        If arrays do not match, an interval is crossed, or an event is exactly at time 0.
    DataError
        If no animal had the event, covariates cannot be told apart, exact times need no
        spread, as when all events of each arm are at one time, or nothing but shares of events
        before a first visit is known.

    Notes
    -----
    The likelihood-ratio limits hold for many animals; at eight in each arm, seen weekly, they
    cover a little less than they say.

    Examples
    --------
    >>> fit = accelerated_fit(
    ...     [3, 7, 0, 14, 7, 21], [7, 14, 7, 21, 14, float("inf")], [[0], [0], [0], [1], [1], [1]]
    ... )
    >>> round(fit.coefficients[0], 2), fit.left, fit.right
    (1.07, 1, 1)
    """
    kind = known_kind(distribution)
    if not 0 < level < 1:
        raise InputError("a level between 0 and 1", found=f"{level:g}")
    study = IntervalStudy.of(lower, upper, covariates, kind=kind)
    model = study.model()
    best = model.best(0.0)
    lowest = best.value
    null = study.without_covariates().best(0.0)
    estimates = model.estimates(best)
    reach = math.sqrt(float(special.chdtri(1, 1 - level)))
    lows: list[float | None] = []
    highs: list[float | None] = []
    p_values: list[float] = []
    arrived = best.converged and null.converged
    for which in range(1, study.design.shape[1]):
        profile = _Profile(study.held(which), study.design[:, which], lowest)
        p_values.append(float(special.chdtrc(1, profile.deviance(0.0))))
        if study.floor is None:
            low, high = _limits(profile, estimates, which, reach)
        else:
            low, high = _limits_around(profile, study.range_of(which), study.floor, reach)
        lows.append(low)
        highs.append(high)
        arrived &= profile.arrived
    fitted = (-null.value - study.jacobian, -lowest - study.jacobian)
    size = study.design.shape[1] + int(distribution != "exponential")
    proportional = distribution in {"weibull", "exponential"}
    hazards = [estimates.log_hazard(which) for which in range(1, study.design.shape[1])]
    return AcceleratedFit(
        distribution=distribution,
        intercept=_shifted(estimates.shown(0), study.center),
        intercept_standard_error=estimates.error(0),
        coefficients=tuple(estimates.shown(i) for i in range(1, study.design.shape[1])),
        standard_errors=tuple(estimates.error(i) for i in range(1, study.design.shape[1])),
        lower=tuple(lows),
        upper=tuple(highs),
        p_values=tuple(p_values),
        infinite=tuple(int(sign) for sign in estimates.signs[1:]),
        scale=math.exp(estimates.log_scale) if study.floor is None else None,
        log_scale_standard_error=estimates.log_scale_error(),
        log_hazard_ratios=tuple(value for value, _ in hazards) if proportional else None,
        log_hazard_standard_errors=tuple(error for _, error in hazards) if proportional else None,
        log_likelihoods=fitted,
        aic=2 * size - 2 * fitted[1],
        level=level,
        n=study.n,
        exact=int((study.low == study.high).sum()),
        interval=int((study.pinned & (study.low < study.high)).sum()),
        left=int(np.isneginf(study.low).sum()),
        right=study.n - int(np.isfinite(study.high).sum()),
        converged=arrived,
    )


def accelerated_aic(
    lower: ArrayLike, upper: ArrayLike, covariates: ArrayLike
) -> tuple[tuple[TimeDistribution, float], ...]:
    """Akaike's criterion of every distribution, the best one first.

    Parameters
    ----------
    lower, upper, covariates
        As in `accelerated_fit`.

    Raises
    ------
    InputError, DataError
        As `accelerated_fit` does.
    """
    found: list[tuple[float, TimeDistribution]] = []
    for distribution in get_args(TimeDistribution):
        study = IntervalStudy.of(lower, upper, covariates, kind=known_kind(distribution))
        size = study.design.shape[1] + int(distribution != "exponential")
        value = study.model().best(0.0).value + study.jacobian
        found.append((2 * size + 2 * value, distribution))
    return tuple((distribution, value) for value, distribution in sorted(found))


def arm_time_ratios(
    lower: ArrayLike,
    upper: ArrayLike,
    group: IntArray,
    *,
    control: int = 0,
    distribution: TimeDistribution = "weibull",
    level: float = 0.95,
) -> tuple[ArmTimeRatio, ...]:
    """Time ratio of every other arm against the control, from one model of all arms.

    Parameters
    ----------
    lower, upper, distribution, level
        As in `accelerated_fit`.
    group : ndarray of int, shape (n,)
        Arm of each animal.
    control : int
        The arm that others are compared with.

    Raises
    ------
    InputError
        As `accelerated_fit` does, or if the control or other arms have no animal.

    Examples
    --------
    >>> never = float("inf")
    >>> (ratio,) = arm_time_ratios(
    ...     [3, 7, 7, 14, 28, 28, 28], [7, 14, 14, 21, never, never, never],
    ...     np.array([0, 0, 0, 0, 1, 1, 1]),
    ... )
    >>> ratio.time_ratio, round(ratio.lower, 1), ratio.upper, ratio.reason
    (None, 2.4, None, 'no animal of the arm had the event')
    """
    group = np.asarray(group)
    arms = [int(arm) for arm in np.unique(group) if arm != control]
    if not (group == control).any() or not arms:
        raise InputError("animals of the control and of another arm", found="one arm only")
    dummies = (group[:, None] == np.array(arms)).astype(np.float64)
    try:
        fit = accelerated_fit(lower, upper, dummies, distribution=distribution, level=level)
    except DataError as error:
        return tuple(_missing(arm, control, distribution, error.found) for arm in arms)
    ends = np.asarray(upper, dtype=np.float64)
    without = {arm for arm in (control, *arms) if np.isinf(ends[group == arm]).all()}
    return tuple(
        _arm(fit, place, arm=arm, control=control, without=without)
        for place, arm in enumerate(arms)
    )


# --- limits ----------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Profile:
    """Deviance with one coefficient held; each search begins at the last one."""

    model: TimesModel
    column: FloatArray
    lowest: float
    arrived: bool = True

    def deviance(self, at: float) -> float:
        """Twice the loss of log likelihood, not below 0 by rounding."""
        best = self.model.best(at * self.column)
        self.arrived &= best.converged
        return max(2 * (best.value - self.lowest), 0.0)


def _limits(
    profile: _Profile, estimates: Estimates, which: int, reach: float
) -> tuple[float | None, float | None]:
    """Profile limits of one coefficient, one-sided where the estimate is infinite."""

    def above(at: float) -> float:
        return math.sqrt(profile.deviance(at)) - reach

    scale = math.exp(estimates.log_scale)
    width = float(np.abs(profile.column).max())
    farthest = min(_FARTHEST * scale, _LARGEST_LOG) / float(np.abs(profile.column).max())
    error = estimates.error(which)
    if error is not None:
        middle = float(estimates.beta[which])
        if above(middle) >= 0:
            # The search for the estimate or this one stopped short of the maximum.
            profile.arrived = False
            return None, None
        step = reach * error
        low, high = (_crossing(above, middle, side * step, farthest) for side in (-1, 1))
        return low, high
    sign = float(estimates.signs[which])
    if sign == 0:
        return None, None
    # Toward its infinite end the deviance falls to 0: a place within the limit comes first.
    inside, step = 0.0, scale / width
    while above(inside) >= 0:
        inside, step = inside + sign * step, _LONGER * step
        if abs(inside) > farthest:
            return None, None
    limit = _crossing(above, inside, -sign * scale / width, farthest)
    return (limit, None) if sign > 0 else (None, limit)


def _limits_around(
    profile: _Profile, best: tuple[float, float], floor: float, reach: float
) -> tuple[float | None, float | None]:
    """Profile limits around a range of values that are all best; where it may be endless."""

    def above(at: float) -> float:
        return math.sqrt(profile.deviance(at)) - reach

    limits: list[float | None] = []
    for edge, side in zip(best, (-1.0, 1.0), strict=True):
        if not math.isfinite(edge):
            limits.append(None)
        elif above(edge) >= 0:
            # Beyond the range some event would need a spread, which costs too much at once.
            limits.append(edge)
        else:
            step = side * NARROW * math.exp(floor)
            limits.append(_crossing(above, edge, step, _FARTHEST))
    return limits[0], limits[1]


def _crossing(
    above: Callable[[float], float], inside: float, step: float, farthest: float
) -> float | None:
    """Where a profile reaches its limit, going outward in steps that grow."""
    near, far = inside, inside + step
    while above(far) < 0:
        near, step = far, _LONGER * step
        far = near + step
        if abs(far - inside) > farthest:
            return None
    return float(scipy.optimize.brentq(above, near, far, xtol=1e-9, rtol=1e-9))


def _shifted(value: float | None, by: float) -> float | None:
    return None if value is None else value + by


def _exp(value: float | None) -> float | None:
    """A ratio from its logarithm; None where it is too large to be a number."""
    return None if value is None or value > _LARGEST_LOG else math.exp(value)


def _arm(
    fit: AcceleratedFit, place: int, *, arm: int, control: int, without: set[int]
) -> ArmTimeRatio:
    """One arm's contrast from the fit."""
    status: Literal["ok", "unbounded", "undefined", "flagged"] = "ok"
    reason = ""
    if fit.infinite[place]:
        status = "unbounded"
        if arm in without:
            reason = "no animal of the arm had the event"
        elif control in without:
            reason = "no animal of the control had the event"
        else:
            reason = "all events of an arm were before its first visit"
    elif fit.scale is None:
        status = "undefined"
        reason = "visits do not show how far apart the events within an arm are"
    elif not fit.converged:
        status, reason = "flagged", "a search for the estimate or its limits did not arrive"
    hazard: list[float | None] = [None, None, None]
    if fit.log_hazard_ratios is not None and fit.log_hazard_standard_errors is not None:
        ratio, error = fit.log_hazard_ratios[place], fit.log_hazard_standard_errors[place]
        if ratio is not None and error is not None:
            reach = float(special.ndtri(0.5 + fit.level / 2)) * error
            hazard = [_exp(ratio), _exp(ratio - reach), _exp(ratio + reach)]
    return ArmTimeRatio(
        group=arm,
        versus=control,
        time_ratio=_exp(fit.coefficients[place]),
        lower=_exp(fit.lower[place]),
        upper=_exp(fit.upper[place]),
        log_standard_error=fit.standard_errors[place],
        p_value=fit.p_values[place],
        hazard_ratio=hazard[0],
        hazard_lower=hazard[1],
        hazard_upper=hazard[2],
        distribution=fit.distribution,
        status=status,
        reason=reason,
    )


def _missing(arm: int, control: int, distribution: TimeDistribution, reason: str) -> ArmTimeRatio:
    return ArmTimeRatio(
        group=arm,
        versus=control,
        time_ratio=None,
        lower=None,
        upper=None,
        log_standard_error=None,
        p_value=None,
        hazard_ratio=None,
        hazard_lower=None,
        hazard_upper=None,
        distribution=distribution,
        status="not_estimable",
        reason=reason,
    )
