"""Simultaneous confidence bands of a Kaplan-Meier curve: the whole curve lies inside at once.

With s² the Greenwood variance of log survival, sqrt(n) log-survival errors are a Brownian motion
run by the clock n s². Divided by 1 + n s² they are a Brownian bridge B at the place
a = n s² / (1 + n s²), which gives the band of Hall and Wellner; divided by s they are B over its
standard deviation, which gives the band of equal precision. The critical value is what the
largest such value stays below, between the places of the first and the last step.

The bridge's probability is a cosine series. Equal precision is an Ornstein-Uhlenbeck process over
half the logarithm of the ratio of the variances at both ends; its probability of staying inside
comes from the eigenfunctions of its generator on the interval, by Galerkin's method.

These hold for many animals. From the first to the last event of 8, 20 and 40 simulated animals
with censoring, log-log bands of 95 % held the whole curve in 89, 94 and 94 % of 300 to 500
studies (Hall-Wellner) and in 87, 87 and 89 % (equal precision, which leans on the first steps).

References
----------
Hall WJ, Wellner JA. Biometrika 1980;67:133. Nair VN. Technometrics 1984;26:265. Borgan O,
Liestol K. Scand J Stat 1990;17:35 (log-log scale).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.survival.curves import SurvivalCurve, checked_level

__all__ = [
    "BandKind",
    "BandScale",
    "SurvivalBand",
    "equal_precision_critical",
    "hall_wellner_critical",
    "simultaneous_band",
]

FloatArray: TypeAlias = NDArray[np.float64]
BandKind: TypeAlias = Literal["equal_precision", "hall_wellner"]
BandScale: TypeAlias = Literal["loglog", "plain"]

# Even polynomials of the expansion, and nodes of the rule that integrates them.
_BASIS: Final = 40
_NODES: Final = 128
# Exponents beyond this are nothing; the cosine series never has more terms than that.
_NEGLIGIBLE: Final = 45.0
_MOST_TERMS: Final = 20_000
# Ends of the range that are closer than this are one place.
_SAME_PLACE: Final = 1e-12
# A band needs two steps: with one it is a pointwise limit.
_FEWEST_STEPS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurvivalBand:
    """Band that holds the whole curve between two times with a stated confidence.

    A step holds from its time up to the next one, the last up to `end`, the last event or the
    end of the range. The band says nothing before the first step, nor once survival is 0.

    Parameters
    ----------
    time : ndarray, shape (k,)
        Start of each step of the band, rising; empty where there is no band.
    survival, lower, upper : ndarray, shape (k,)
        Survival and its band.
    end : float or None
        Last time that the band covers.
    critical : float or None
        Multiplier; for equal precision of the standard error, for Hall-Wellner of
        (1 + n s²) / sqrt(n).
    kind : {"equal_precision", "hall_wellner"}
        Which band.
    scale : {"loglog", "plain"}
        On which scale its width is symmetric.
    level : float
        Confidence.
    status : {"ok", "not_estimable"}
        Whether there is a band.
    reason : str
        Why there is none; empty otherwise.
    """

    time: FloatArray
    survival: FloatArray
    lower: FloatArray
    upper: FloatArray
    end: float | None
    critical: float | None
    kind: BandKind
    scale: BandScale
    level: float
    status: Literal["ok", "not_estimable"] = "ok"
    reason: str = ""

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "time": self.time.tolist(),
            "survival": self.survival.tolist(),
            "lower": self.lower.tolist(),
            "upper": self.upper.tolist(),
            "end": self.end,
            "critical": self.critical,
            "kind": self.kind,
            "scale": self.scale,
            "level": self.level,
            "status": self.status,
            "reason": self.reason,
        }


def simultaneous_band(
    curve: SurvivalCurve,
    *,
    kind: BandKind = "equal_precision",
    scale: BandScale = "loglog",
    level: float = 0.95,
    between: tuple[float, float] | None = None,
) -> SurvivalBand:
    """Band of a Kaplan-Meier curve from its first to its last event.

    Parameters
    ----------
    curve : SurvivalCurve
        Of one group.
    kind : {"equal_precision", "hall_wellner"}, default "equal_precision"
        Width proportional to the standard error, or narrower in the middle. With few animals
        and no `between` Hall-Wellner is nearer to its level.
    scale : {"loglog", "plain"}, default "loglog"
        The complementary log-log scale holds its level with fewer animals and stays inside 0
        to 1; plain bands are cut there.
    level : float, default 0.95
        Confidence.
    between : tuple of two floats, optional
        Only this range of times is covered, which makes the band narrower; it must be chosen
        without looking at the curve.

    Returns
    -------
    SurvivalBand
        With `status` ``not_estimable`` where fewer than two steps lie in the range with survival
        above 0.

    Raises
    ------
    InputError
        If the kind, the scale, the level or the range is none.

    Examples
    --------
    >>> from oncovivo.survival.curves import survival_curve
    >>> curve = survival_curve([3, 5, 6, 8, 9, 12], [True] * 6)
    >>> band = simultaneous_band(curve)
    >>> band.time, round(band.critical, 3)
    (array([3., 5., 6., 8., 9.]), 2.953)
    """
    if kind not in get_args(BandKind):
        raise InputError("a band of equal_precision or hall_wellner", found=str(kind))
    if scale not in get_args(BandScale):
        raise InputError("a band on the loglog or plain scale", found=str(scale))
    checked_level(level)
    start, end = _range(between)
    inside = (curve.events > 0) & (curve.survival > 0) & (curve.time <= end)
    before = np.flatnonzero(inside & (curve.time <= start))
    # of the steps before the range only the last is still in force when it begins
    steps = np.flatnonzero(inside & (curve.time > start))
    steps = np.concatenate((before[-1:], steps))
    if steps.size < _FEWEST_STEPS:
        return _no_band(kind, scale, level)
    survival = curve.survival[steps]
    variance = (curve.std_error[steps] / survival) ** 2
    clock = curve.n * variance
    if kind == "equal_precision":
        critical = equal_precision_critical(float(variance[0]), float(variance[-1]), level=level)
        spread = critical * np.sqrt(variance)
    else:
        place = clock / (1 + clock)
        critical = hall_wellner_critical(float(place[0]), float(place[-1]), level=level)
        spread = critical * (1 + clock) / math.sqrt(curve.n)
    if scale == "plain":
        lower, upper = survival * (1 - spread), survival * (1 + spread)
    else:
        factor = np.exp(-spread / np.log(survival))
        lower, upper = survival**factor, survival ** (1 / factor)
    return SurvivalBand(
        time=np.maximum(curve.time[steps], start),
        survival=survival,
        lower=np.clip(lower, 0.0, 1.0),
        upper=np.clip(upper, 0.0, 1.0),
        end=_last_covered(curve, end),
        critical=critical,
        kind=kind,
        scale=scale,
        level=level,
    )


def equal_precision_critical(first: float, last: float, *, level: float = 0.95) -> float:
    """What |B(a)| / sqrt(a (1 − a)) stays below over a range of places.

    Parameters
    ----------
    first, last : float
        Variance of log survival at both ends of the range, or a / (1 − a) of the places: only
        their ratio counts. Above 0, `last` not below `first`.
    level : float, default 0.95
        Confidence.

    Raises
    ------
    InputError
        If the variances are not above 0 and in order, or the level is none.

    Examples
    --------
    With both ends the same it is the normal quantile:

    >>> round(equal_precision_critical(1.0, 1.0), 4)
    1.96
    >>> round(equal_precision_critical(0.1 / 0.9, 0.9 / 0.1), 3)
    3.052
    """
    checked_level(level)
    if not 0 < first <= last < math.inf:
        expected = "variances above 0, the last not below the first"
        raise InputError(expected, found=f"{first:g} and {last:g}")
    span = math.log(last / first) / 2
    low = float(special.ndtri(0.5 + level / 2))
    if span < _SAME_PLACE:
        return low
    return _root(lambda c: _diffusion_inside(c, span), low, level)


def hall_wellner_critical(first: float, last: float, *, level: float = 0.95) -> float:
    """What a Brownian bridge on 0 to 1 stays below in size over a range of places.

    Parameters
    ----------
    first, last : float
        Ends of the range, 0 to 1 and in order.
    level : float, default 0.95
        Confidence.

    Raises
    ------
    InputError
        If the range is none, or the level.

    Examples
    --------
    Over all places it is the critical value of Kolmogorov:

    >>> round(hall_wellner_critical(0.0, 1.0), 4)
    1.3581
    """
    checked_level(level)
    if not 0 <= first <= last <= 1 or first == 1 or last == 0:
        expected = "a range of places within 0 to 1"
        raise InputError(expected, found=f"{first:g} to {last:g}")
    # nowhere in the range is the bridge wider than here
    widest = min(max(first, 0.5), last)
    low = float(special.ndtri(0.5 + level / 2)) * math.sqrt(widest * (1 - widest))
    if last - first < _SAME_PLACE:
        return low
    return _root(lambda c: _bridge_inside(c, first, last), low, level)


def _root(inside: Callable[[float], float], low: float, level: float) -> float:
    """Where the probability of staying inside rises to the level; it is below it at `low`."""
    high = low + 1
    while inside(high) < level:
        high += 1
    return float(scipy.optimize.brentq(lambda c: inside(c) - level, low, high, xtol=1e-10))


def _bridge_inside(c: float, first: float, last: float) -> float:
    """P(|B| < c from place `first` to `last`) of a Brownian bridge.

    The density of a Brownian motion killed at ±c, in cosines, between the densities of coming
    from 0 at place 0 and of reaching 0 at place 1.
    """
    rate = math.pi**2 * (last - first) / (8 * c**2)
    terms = min(int(math.sqrt(_NEGLIGIBLE / rate)) + 2, _MOST_TERMS)
    odd = np.arange(1, terms + 1, 2)
    wave = np.asarray(odd * (math.pi / (2 * c)), dtype=np.float64)
    parts = np.exp(-rate * odd.astype(np.float64) ** 2)
    parts *= _cosine_mean(wave, c, first) * _cosine_mean(wave, c, 1 - last)
    return float(math.sqrt(2 * math.pi) / c * parts.sum())


def _cosine_mean(wave: FloatArray, c: float, variance: float) -> FloatArray:
    """Integral over −c to c of cos(wave x) times a normal density."""
    if variance == 0:
        return np.ones_like(wave)
    root = math.sqrt(2 * variance)
    outside = np.exp(1j * wave * c) * special.wofz((wave * variance + 1j * c) / root)
    mean = np.exp(-(wave**2) * variance / 2) - math.exp(-((c / root) ** 2)) * outside.real
    return np.asarray(mean, dtype=np.float64)


def _diffusion_inside(c: float, span: float) -> float:
    """P(|X| < c for a time `span`) of the stationary process with covariance exp(−|s − t|)."""
    # Times the root of the normal density the generator is d²/dx² − x²/4 + 1/2, which is
    # symmetric. x = c y; the functions vanish at y = 1 and are even.
    y, weight = _HALF_RULE
    x, step = c * y, 2 * c * weight
    mass = (_FUNCTIONS * step) @ _FUNCTIONS.T
    stiff = (_SLOPES * (step / c**2)) @ _SLOPES.T
    stiff += (_FUNCTIONS * (step * (x**2 / 4 - 0.5))) @ _FUNCTIONS.T
    rates, vectors = scipy.linalg.eigh(stiff, mass)
    root_density = np.exp(-(x**2) / 4) / (2 * math.pi) ** 0.25
    means = (_FUNCTIONS @ (step * root_density)) @ vectors
    return float((means**2 * np.exp(-rates * span)).sum())


def _half_rule() -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre rule on 0 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return (nodes + 1) / 2, weights / 2


def _basis(y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Even functions that vanish at 1, and their slopes, shape (m, nodes).

    Differences of Legendre polynomials of orders 2j and 2j + 2; P_{n+1}' − P_{n−1}' is
    (2n + 1) P_n.
    """
    orders = np.arange(_BASIS)[:, np.newaxis]
    functions = special.eval_legendre(2 * orders, y) - special.eval_legendre(2 * orders + 2, y)
    slopes = -(4 * orders + 3) * special.eval_legendre(2 * orders + 1, y)
    size = np.sqrt(4 * orders + 3)
    return functions / size, slopes / size


_HALF_RULE: Final = _half_rule()
_FUNCTIONS, _SLOPES = _basis(_HALF_RULE[0])


def _range(between: tuple[float, float] | None) -> tuple[float, float]:
    """Range of times, all of them by default."""
    if between is None:
        return 0.0, math.inf
    start, end = between
    if not 0 <= start < end:
        raise InputError("a range of times, the first below the last", found=f"{between}")
    return float(start), float(end)


def _last_covered(curve: SurvivalCurve, end: float) -> float:
    """Last time of the band: that of the last event, or the end of the range before it."""
    return min(float(curve.time[np.flatnonzero(curve.events > 0)[-1]]), end)


def _no_band(kind: BandKind, scale: BandScale, level: float) -> SurvivalBand:
    """Result without a band."""
    none = np.zeros(0)
    return SurvivalBand(
        time=none,
        survival=none,
        lower=none,
        upper=none,
        end=None,
        critical=None,
        kind=kind,
        scale=scale,
        level=level,
        status="not_estimable",
        reason="a band needs two times with events and survival above 0 in the range",
    )
