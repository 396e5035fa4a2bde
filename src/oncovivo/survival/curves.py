"""Kaplan-Meier curve of one group with its limits, quantiles and numbers at risk.

With eight animals the usual normal limits are too narrow, and at the ends they have no width at
all. Below ten events the limits are therefore those of the beta product, which without censoring
are the exact binomial ones.

References
----------
Kaplan EL, Meier P. J Am Stat Assoc 1958;53:457. Brookmeyer R, Crowley J. Biometrics 1982;38:29.
Fay MP, Brittain EH, Proschan MA. Biostatistics 2013;14:723 (beta product, by two moments).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.numerics.product_limit import ProductLimit, product_limit

__all__ = [
    "FEW_EVENTS",
    "LimitsMethod",
    "SurvivalCurve",
    "SurvivalQuantile",
    "checked_level",
    "checked_times",
    "limits_method",
    "number_at_risk",
    "survival_at",
    "survival_curve",
    "survival_quantile",
]

FloatArray: TypeAlias = NDArray[np.float64]
LimitsMethod: TypeAlias = Literal["plain", "log", "loglog", "betaproduct"]

#: With fewer events than this the limits are those of the beta product unless asked otherwise.
FEW_EVENTS: Final = 10
# A product of fractions misses a level by rounding; closer than this it is on the level.
_LEVEL_TOLERANCE: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurvivalCurve:
    """Survival of one group with pointwise limits.

    A step of the curve holds from its time up to the next. Where survival is 0 the standard
    error and the limits `plain`, `log` and `loglog` do not exist: there the arrays hold nan,
    and `to_dict` None.

    Parameters
    ----------
    n, n_events : int
        Animals and events.
    time : ndarray, shape (k,)
        Times at which an event happened or an observation ended, rising, each once.
    at_risk, events, censored : ndarray, shape (k,)
        Animals under observation just before each time, events and ended observations at it.
    survival, std_error, lower, upper : ndarray, shape (k,)
        Share without event just after each time, its Greenwood standard error and its limits.
    start_lower : float
        Lower limit before the first time; 1 for all methods but the beta product.
    level : float
        Confidence of the limits.
    method : {"plain", "log", "loglog", "betaproduct"}
        How the limits were made.
    early_zero : bool
        Whether the curve fell to 0 because of late entry, while animals were still to come.
    """

    n: int
    n_events: int
    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    censored: FloatArray
    survival: FloatArray
    std_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    start_lower: float
    level: float
    method: LimitsMethod
    early_zero: bool

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; None where a limit does not exist."""
        return {
            "n": self.n,
            "n_events": self.n_events,
            "time": self.time.tolist(),
            "at_risk": self.at_risk.tolist(),
            "events": self.events.tolist(),
            "censored": self.censored.tolist(),
            "survival": self.survival.tolist(),
            "std_error": _plain(self.std_error),
            "lower": _plain(self.lower),
            "upper": _plain(self.upper),
            "start_lower": self.start_lower,
            "level": self.level,
            "method": self.method,
            "early_zero": self.early_zero,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalQuantile:
    """Time by which a share of the group has had the event.

    Parameters
    ----------
    probability : float
        The share, 0.5 for the median.
    estimate : float or None
        None when the curve does not fall that far.
    lower, upper : float or None
        Limits; None where the limit's curve does not fall that far.
    greater_than : float or None
        Last time under observation, set when there is no estimate: the quantile lies beyond it.
    status : {"reached", "not_reached"}
        Whether there is an estimate.
    """

    probability: float
    estimate: float | None
    lower: float | None
    upper: float | None
    greater_than: float | None
    status: Literal["reached", "not_reached"]

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "probability": self.probability,
            "estimate": self.estimate,
            "lower": self.lower,
            "upper": self.upper,
            "greater_than": self.greater_than,
            "status": self.status,
        }


def survival_curve(
    time: ArrayLike,
    event: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    level: float = 0.95,
    method: LimitsMethod | None = None,
) -> SurvivalCurve:
    """Kaplan-Meier curve of one group.

    Parameters
    ----------
    time : array_like, shape (n,)
        Time of the event, or of the end of observation.
    event : array_like of bool, shape (n,)
        Whether the event happened at that time.
    entry : array_like, shape (n,), optional
        Time from which an animal is under observation, before its `time` (left truncation).
    level : float, default 0.95
        Confidence of the limits.
    method : {"plain", "log", "loglog", "betaproduct"}, optional
        By default the beta product below ten events, else `loglog`; with `entry` always
        `loglog`.

    Raises
    ------
    InputError
        If times are negative, not finite or not after entry, lengths differ, or the beta
        product is asked for with `entry`, for which it does not hold.

    Examples
    --------
    >>> curve = survival_curve([3, 5, 5, 8], [True, True, False, True])
    >>> curve.survival
    array([0.75, 0.5 , 0.  ])
    >>> curve.method
    'betaproduct'
    >>> curve.upper.round(3)
    array([0.994, 0.932, 0.766])
    """
    times, happened, entries = checked_times(time, event, entry)
    checked_level(level)
    n_events = int(happened.sum())
    chosen = limits_method(n_events, method, late_entry=entries is not None)
    steps = product_limit(times, happened) if entries is None else _late(times, happened, entries)
    survival = steps.survival
    leaving = np.bincount(np.searchsorted(steps.time, times), minlength=steps.time.size)
    with np.errstate(invalid="ignore"):
        # nan where survival is 0 and its logarithm has no variance: said in the class
        std_error = survival * np.sqrt(steps.log_variance)
    lower, upper, start = _limits(steps, survival, std_error, level=level, method=chosen)
    zero = np.flatnonzero(survival == 0)
    return SurvivalCurve(
        n=times.size,
        n_events=n_events,
        time=steps.time,
        at_risk=steps.at_risk,
        events=steps.events,
        censored=leaving - steps.events,
        survival=survival,
        std_error=std_error,
        lower=lower,
        upper=upper,
        start_lower=start,
        level=level,
        method=chosen,
        early_zero=bool(zero.size and zero[0] < steps.time.size - 1),
    )


def survival_quantile(curve: SurvivalCurve, probability: float = 0.5) -> SurvivalQuantile:
    """Time by which a share has had the event, with limits from the limits of the curve.

    Where the curve lies exactly on the level between two events the quantile is their midpoint;
    where it stays there to the end, the time it came there.

    Parameters
    ----------
    curve : SurvivalCurve
        Of one group.
    probability : float, default 0.5
        Share that has had the event, above 0 and below 1.

    Raises
    ------
    InputError
        If the share is not between 0 and 1.

    Examples
    --------
    >>> curve = survival_curve([3, 5, 6, 8], [True, True, True, True])
    >>> survival_quantile(curve).estimate
    5.5
    >>> survival_quantile(survival_curve([3, 9, 9], [True, False, False])).greater_than
    9.0
    """
    if not 0 < probability < 1:
        expected = "a share above 0 and below 1"
        raise InputError(expected, found=f"{probability}")
    mark = 1 - probability
    estimate = _crossing(curve.time, curve.survival, mark)
    # Where survival is 0 Greenwood's limits do not exist, and R's quantiles have none either.
    lower = _crossing(curve.time, curve.lower, mark)
    if curve.start_lower <= mark:
        # so few animals that the limit is below the level from the start
        lower = 0.0
    reached = estimate is not None
    return SurvivalQuantile(
        probability=probability,
        estimate=estimate,
        lower=lower,
        upper=_crossing(curve.time, curve.upper, mark),
        greater_than=None if reached else float(curve.time[-1]),
        status="reached" if reached else "not_reached",
    )


def survival_at(curve: SurvivalCurve, at: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Survival and its limits just after given times.

    Parameters
    ----------
    curve : SurvivalCurve
        Of one group.
    at : array_like, shape (m,)
        Times; beyond the last one of the curve the last step is carried on.

    Returns
    -------
    survival, lower, upper : ndarray, shape (m,)
        nan where a limit does not exist.

    Examples
    --------
    >>> curve = survival_curve([3, 5, 6, 8], [True, True, True, True])
    >>> survival_at(curve, [0, 5])[0]
    array([1. , 0.5])
    """
    step = np.searchsorted(curve.time, np.asarray(at, dtype=np.float64), side="right")
    survival = np.concatenate(([1.0], curve.survival))[step]
    lower = np.concatenate(([curve.start_lower], curve.lower))[step]
    return survival, lower, np.concatenate(([1.0], curve.upper))[step]


def number_at_risk(
    time: ArrayLike, at: ArrayLike, *, entry: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Animals under observation just before given times.

    Parameters
    ----------
    time : array_like, shape (n,)
        Time of the event, or of the end of observation.
    at : array_like, shape (m,)
        Times of the table below a plot.
    entry : array_like, shape (n,), optional
        Time from which an animal is under observation.

    Returns
    -------
    ndarray of int, shape (m,)

    Examples
    --------
    >>> number_at_risk([3, 5, 6, 8], [0, 5, 7, 9])
    array([4, 3, 1, 0])
    """
    event = np.zeros(np.shape(time), dtype=np.bool_)
    times, _, entries = checked_times(time, event, entry)
    marks = np.asarray(at, dtype=np.float64)[:, np.newaxis]
    watched = marks <= times
    if entries is not None:
        # at time 0 nobody can have entered before
        watched &= (entries < marks) | ((marks == 0) & (entries == 0))
    return np.asarray(np.count_nonzero(watched, axis=1), dtype=np.int64)


def limits_method(
    n_events: int, method: LimitsMethod | None, *, late_entry: bool = False
) -> LimitsMethod:
    """Method of the limits that holds for a group.

    Parameters
    ----------
    n_events : int
        Events of the group.
    method : {"plain", "log", "loglog", "betaproduct"} or None
        What was asked for; None for the default.
    late_entry : bool
        Whether animals come under observation late.

    Raises
    ------
    InputError
        If the method is unknown, or is the beta product with late entry.

    Examples
    --------
    >>> limits_method(6, None), limits_method(10, None)
    ('betaproduct', 'loglog')
    """
    if method is None:
        return "betaproduct" if n_events < FEW_EVENTS and not late_entry else "loglog"
    if method not in get_args(LimitsMethod):
        expected = f"limits by one of {', '.join(get_args(LimitsMethod))}"
        raise InputError(expected, found=str(method))
    if method == "betaproduct" and late_entry:
        expected = "animals observed from time 0 for limits of the beta product"
        raise InputError(expected, found="late entry", mend="ask for loglog limits")
    return method


def checked_times(
    time: ArrayLike, event: ArrayLike, entry: ArrayLike | None = None
) -> tuple[FloatArray, NDArray[np.bool_], FloatArray | None]:
    """Times, events and entries as arrays of one length.

    Parameters
    ----------
    time, event : array_like, shape (n,)
        Times from 0 on, and whether the event happened.
    entry : array_like, shape (n,), optional
        From 0 on, before `time`.

    Raises
    ------
    InputError
        If there is no time, lengths differ, or a value is out of range.

    Examples
    --------
    >>> checked_times([4], [1])
    (array([4.]), array([ True]), None)
    """
    times = np.asarray(time, dtype=np.float64)
    codes = np.asarray(event)
    if times.ndim != 1 or times.size == 0:
        expected = "a list of times, at least one"
        raise InputError(expected, found=f"shape {times.shape}")
    if codes.shape != times.shape:
        expected = "as many events as times"
        raise InputError(expected, found=f"{codes.size} events for {times.size} times")
    if not np.isin(codes, (0, 1)).all():
        expected = "events coded 0 or 1"
        raise InputError(expected, found=f"{codes[~np.isin(codes, (0, 1))][0]}")
    _refuse(times, ~np.isfinite(times) | (times < 0), "finite times, 0 or later")
    if entry is None:
        return times, codes.astype(np.bool_), None
    entries = np.asarray(entry, dtype=np.float64)
    if entries.shape != times.shape:
        expected = "as many entries as times"
        raise InputError(expected, found=f"{entries.size} entries for {times.size} times")
    _refuse(entries, ~np.isfinite(entries) | (entries < 0), "finite entries, 0 or later")
    _refuse(entries, entries >= times, "entry before the end of observation")
    return times, codes.astype(np.bool_), entries


def checked_level(level: float) -> None:
    """Refuse a confidence that is not between 0 and 1.

    Parameters
    ----------
    level : float
        Confidence.

    Raises
    ------
    InputError
        If it is out of range.
    """
    if not 0 < level < 1:
        expected = "a confidence above 0 and below 1"
        raise InputError(expected, found=f"{level}")


def _refuse(values: FloatArray, wrong: NDArray[np.bool_], expected: str) -> None:
    """Name the first value that is not as expected."""
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(expected, found=f"{values[row]:g}", where=f"animal {row + 1}")


def _late(times: FloatArray, happened: NDArray[np.bool_], entries: FloatArray) -> ProductLimit:
    """Product limit where an animal counts only from its entry on."""
    distinct, group = np.unique(times, return_inverse=True)
    events = np.bincount(group, weights=happened.astype(float), minlength=distinct.size)
    entered = np.searchsorted(np.sort(entries), distinct, side="left")
    gone = np.searchsorted(np.sort(times), distinct, side="left")
    at_risk = (entered - gone).astype(np.float64)
    left = at_risk - events
    with np.errstate(divide="ignore"):
        growth = np.where(events > 0, events / (at_risk * left), 0.0)
    return ProductLimit(
        time=distinct,
        at_risk=at_risk,
        events=events.astype(np.float64),
        survival=np.cumprod(left / at_risk).astype(np.float64),
        log_variance=np.cumsum(growth),
    )


def _limits(
    steps: ProductLimit,
    survival: FloatArray,
    std_error: FloatArray,
    *,
    level: float,
    method: LimitsMethod,
) -> tuple[FloatArray, FloatArray, float]:
    """Lower and upper limit of each step, and the lower limit before the first."""
    if method == "betaproduct":
        return _beta_product(steps, level=level)
    reach = special.ndtri(0.5 + level / 2)
    if method == "plain":
        lower, upper = survival - reach * std_error, survival + reach * std_error
        return np.clip(lower, 0, 1), np.clip(upper, 0, 1), 1.0
    open_ = (survival > 0) & (survival < 1)
    # Survival 1 has no width by these formulas, survival 0 no limits at all.
    edge = np.where(survival == 1, 1.0, np.nan)
    inside = np.where(open_, survival, 0.5)
    spread = np.where(open_, reach * np.sqrt(steps.log_variance, where=open_, out=edge * 0), 0.0)
    if method == "log":
        lower, upper = inside * np.exp(-spread), np.minimum(inside * np.exp(spread), 1.0)
    else:
        factor = np.exp(-spread / np.log(inside))
        lower, upper = inside**factor, inside ** (1 / factor)
    return np.where(open_, lower, edge), np.where(open_, upper, edge), 1.0


def _beta_product(steps: ProductLimit, *, level: float) -> tuple[FloatArray, FloatArray, float]:
    """Limits of the beta product; each product of betas by the beta of the same two moments.

    The upper limit is from the product over the events so far. For the lower one the next
    event could come at once, hence one more factor with those still there after the step.
    """
    tail = (1 - level) / 2
    a, b = steps.at_risk - steps.events + 1, steps.events
    mean = np.cumprod(a / (a + b)).astype(np.float64)
    square = np.cumprod(a * (a + 1) / ((a + b) * (a + b + 1))).astype(np.float64)
    there = np.append(steps.at_risk[1:], 0.0)
    upper = np.ones_like(mean)
    fallen = mean < 1
    upper[fallen] = _beta_quantile(mean[fallen], square[fallen], 1 - tail)
    lower = np.zeros_like(mean)
    some = there > 0
    one, two = there[some] / (there[some] + 1), there[some] / (there[some] + 2)
    lower[some] = _beta_quantile(mean[some] * one, square[some] * two, tail)
    # A beta of two moments is not exactly the product: the limits may turn up again by a trifle.
    start = float(tail ** (1 / steps.at_risk[0]))
    lower = np.minimum.accumulate(np.minimum(lower, start))
    return lower, np.minimum.accumulate(upper), start


def _beta_quantile(mean: FloatArray, square: FloatArray, probability: float) -> FloatArray:
    """Quantile of the beta distribution with given mean and mean square."""
    weight = (mean - square) / (square - mean**2)
    found = special.betaincinv(weight * mean, weight * (1 - mean), probability)
    return np.asarray(found, dtype=np.float64)


def _crossing(time: FloatArray, curve: FloatArray, mark: float) -> float | None:
    """First time at which a falling step curve is at or below a mark; steps of nan do not count.

    On the mark itself it is the midpoint up to the next lower step, if there is one.
    """
    known = ~np.isnan(curve)
    below = np.flatnonzero(known & (curve <= mark + _LEVEL_TOLERANCE))
    if below.size == 0:
        return None
    first = int(below[0])
    after = np.flatnonzero(known & (curve < mark - _LEVEL_TOLERANCE))
    if after.size and math.isclose(curve[first], mark, abs_tol=_LEVEL_TOLERANCE):
        return float((time[first] + time[after[0]]) / 2)
    return float(time[first])


def _plain(values: FloatArray) -> list[float | None]:
    """Numbers with None for nan."""
    return [None if math.isnan(value) else value for value in values.tolist()]
