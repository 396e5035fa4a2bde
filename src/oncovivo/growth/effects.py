"""Sizes of an effect on growth, all from one fitted model, each with an interval.

A model-based figure needs no animal to be alive on the day: an arm's curve carries on from what
was seen of every animal until it left, under the model and missingness at random.

References
----------
Hather G, et al. Cancer Inform 2014;13(Suppl 4):65 (inhibition from rates). Forrest WF, et al.
Cancer Res 2020;80:5089 (area under the log curve). Fieller EC. J R Stat Soc B 1954;16:175 (limits
of a ratio).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import special

from oncovivo.endpoints.estimate import EndpointStatus
from oncovivo.errors import InputError
from oncovivo.growth.data import SAME_DAY
from oncovivo.growth.fit import GrowthFit

__all__ = [
    "EFFECTS",
    "DoublingTime",
    "EffectMethod",
    "EffectName",
    "GroupMeans",
    "GrowthEffect",
    "doubling_time",
    "fieller",
    "group_means",
    "growth_effects",
    "last_time",
]

FloatArray: TypeAlias = NDArray[np.float64]
EffectName: TypeAlias = Literal[
    "rate_ratio",
    "tgi_growth_ratio_pct",
    "tgi_rate_pct",
    "tgi_delta_geometric_pct",
    "tgi_delta_arithmetic_pct",
    "auc_rate_difference",
]
EffectMethod: TypeAlias = Literal["t", "fieller", "log_delta_t", "none"]
MeanKind: TypeAlias = Literal["geometric", "arithmetic"]

EFFECTS: Final[tuple[EffectName, ...]] = (
    "rate_ratio",
    "tgi_growth_ratio_pct",
    "tgi_rate_pct",
    "tgi_delta_geometric_pct",
    "tgi_delta_arithmetic_pct",
    "auc_rate_difference",
)
_OF_A_DAY: Final[tuple[EffectName, ...]] = (
    "tgi_rate_pct",
    "tgi_delta_geometric_pct",
    "tgi_delta_arithmetic_pct",
)
NO_GROWTH: Final = "the control does not grow"
TOO_FAR: Final = "the sizes that the model foresees for the day are beyond all numbers"
NO_RATE: Final = "the readings only bound the rate from above"
NOT_BOUNDED: Final = "the control's growth does not differ from zero at this level: no limits"
# A rate that moves a tumor by less than rounding over a year is no growth.
_NO_RATE: Final = 1e-12
# Logs of sizes that floating point still holds when they are squared.
_LARGEST_LOG: Final = 300.0
# Limits of a share of growth are looked for up to this many first steps away.
_WIDEST: Final = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class DoublingTime:
    """Time in which a group curve doubles.

    Parameters
    ----------
    estimate, lower, upper : float or None
        Days; None where the arm does not grow, or the interval has no such limit.
    status : EndpointStatus
        ``ok``, ``unbounded``, ``undefined`` or ``not_estimable``.
    reason : str
        Why a number is missing; empty when ``ok``.
    """

    estimate: float | None
    lower: float | None
    upper: float | None
    status: EndpointStatus
    reason: str

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthEffect:
    """One measure of the effect of an arm against the control.

    Parameters
    ----------
    arm, versus : str
        Arm and control.
    effect : EffectName
        ``rate_ratio``: rate over the control's. ``tgi_growth_ratio_pct``: 100 (1 - that ratio).
        ``tgi_rate_pct``: 100 (1 - exp(difference of rates × days)). ``tgi_delta_geometric_pct``:
        100 (1 - growth over the control's growth), growth being the geometric mean size on the day
        less that at baseline. ``tgi_delta_arithmetic_pct``: the same of arithmetic means.
        ``auc_rate_difference``: difference of the rates that the areas under the log curves stand
        for, natural log per day.
    day : float or None
        Study day; None where the effect is the same on every day.
    estimate, lower, upper : float or None
        Number and interval; None where there is none, with a reason.
    level : float
        Confidence of the interval.
    df : float or None
        Degrees of freedom of the interval.
    method : {"t", "fieller", "log_delta_t", "none"}
        How the interval was made; ``log_delta_t`` holds the logs of two means against each other.
    status : EndpointStatus
        ``ok``; ``flagged``: a number with something to know; ``unbounded``: a limit is missing;
        ``undefined``; ``not_estimable``.
    reason : str
        What is missing or flagged; empty when ``ok``.
    """

    arm: str
    versus: str
    effect: EffectName
    day: float | None
    estimate: float | None
    lower: float | None
    upper: float | None
    level: float
    df: float | None
    method: EffectMethod
    status: EndpointStatus
    reason: str

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupMeans:
    """Logs of an arm's mean sizes at given times, with their slopes by the parameters.

    Parameters
    ----------
    log_mean : ndarray, shape (k,)
        Log of the geometric or arithmetic mean.
    weights : ndarray, shape (k, p)
        Slopes by the coefficients.
    variance_weights : ndarray, shape (k, q)
        Slopes by the variance parameters of the random effects; zero for geometric means.
    """

    log_mean: FloatArray
    weights: FloatArray
    variance_weights: FloatArray


def group_means(fit: GrowthFit, arm: int, time: FloatArray, *, kind: MeanKind) -> GroupMeans:
    """Mean size of an arm under the model, as logs.

    The arithmetic mean is exp(curve + ½ z'Dz) with z = (1, time) and D the covariance of the
    animals' random effects: the mean of true sizes over animals like these. The residual is noise
    of the reading and stays out, and so do levels above the animal, which multiply all arms alike.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    arm : int
        Number of the arm.
    time : ndarray, shape (k,)
        Days since baseline.
    kind : {"geometric", "arithmetic"}
        Which mean.
    """
    weights = fit.terms.curve(arm, time)
    slopes = _variance_slopes(fit, time)
    log_mean = weights @ fit.coefficients
    if kind == "geometric":
        return GroupMeans(
            log_mean=log_mean, weights=weights, variance_weights=np.zeros_like(slopes)
        )
    z = np.column_stack((np.ones(time.size), time))
    spread = np.einsum("ti,ij,tj->t", z, fit.random_covariance, z)
    return GroupMeans(log_mean=log_mean + spread / 2, weights=weights, variance_weights=slopes)


def _variance_slopes(fit: GrowthFit, time: FloatArray) -> FloatArray:
    """Slopes of ½ z'Dz by the variance parameters of the random effects, shape (k, q)."""
    half = np.full(time.size, 0.5)
    columns = {
        "intercept_slope": (half, time, time**2 / 2),
        "intercept_slope_independent": (half, time**2 / 2),
        "slope": (time**2 / 2,),
        "intercept": (half,),
    }
    return np.column_stack(columns[fit.problem.random])


def _variance_covariance(fit: GrowthFit, size: int) -> FloatArray | None:
    """Covariance of the first `size` variance parameters, None where the fit gives none."""
    if fit.derivatives is None or fit.singular:
        return None
    information = np.asarray(fit.derivatives.information, dtype=np.float64)
    diagonal = np.diag(information)
    if not (np.isfinite(information).all() and (diagonal > 0).all()):
        return None
    scale = 1 / np.sqrt(diagonal)
    scaled = information * scale[:, None] * scale
    if float(np.linalg.eigvalsh(scaled)[0]) < _NO_RATE:
        return None
    covariance = np.linalg.inv(scaled) * scale[:, None] * scale
    return np.asarray(covariance[:size, :size])


def doubling_time(rate: float, lower: float | None, upper: float | None) -> DoublingTime:
    """Time of doubling from a rate and its interval, natural log per day.

    Parameters
    ----------
    rate : float
        Natural log per day.
    lower, upper : float or None
        Its interval.

    Examples
    --------
    >>> round(doubling_time(0.1, 0.05, 0.2).upper, 2)
    13.86
    >>> doubling_time(-0.1, -0.2, 0.0).reason
    'the arm is shrinking: size halves in 6.93 d'
    """
    if rate <= _NO_RATE:
        still = rate >= -_NO_RATE
        why = (
            "standing still" if still else f"shrinking: size halves in {math.log(2) / -rate:.3g} d"
        )
        return DoublingTime(
            estimate=None,
            lower=None,
            upper=None,
            status="undefined",
            reason=f"the arm is {why}",
        )
    estimate = math.log(2) / rate
    if lower is None or upper is None:
        reason = "the rate has no interval"
        return DoublingTime(
            estimate=estimate, lower=None, upper=None, status="not_estimable", reason=reason
        )
    if lower <= _NO_RATE:
        return DoublingTime(
            estimate=estimate,
            lower=math.log(2) / upper,
            upper=None,
            status="unbounded",
            reason="the rate's interval includes no growth: no upper limit",
        )
    return DoublingTime(
        estimate=estimate,
        lower=math.log(2) / upper,
        upper=math.log(2) / lower,
        status="ok",
        reason="",
    )


def fieller(
    numerator: float, denominator: float, covariance: FloatArray, *, df: float, level: float
) -> tuple[float, float] | None:
    """Limits of the ratio of two estimates whose errors are jointly normal.

    Parameters
    ----------
    numerator, denominator : float
        Estimates.
    covariance : ndarray, shape (2, 2)
        Of the two.
    df : float
        Degrees of freedom of the t quantile.
    level : float
        Confidence.

    Returns
    -------
    tuple of float, or None
        None where the denominator does not differ from zero, and the set is not an interval.
    """
    reach = float(special.stdtrit(df, 0.5 + level / 2)) ** 2
    a = denominator**2 - reach * covariance[1, 1]
    b = numerator * denominator - reach * covariance[0, 1]
    c = numerator**2 - reach * covariance[0, 0]
    if not a > 0:
        return None
    root = math.sqrt(max(b**2 - a * c, 0.0))
    return float((b - root) / a), float((b + root) / a)


def growth_effects(
    fit: GrowthFit, arm: int, control: int, *, time: float, level: float = 0.95
) -> tuple[GrowthEffect, ...]:
    """All measures of the effect of an arm against the control.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    arm, control : int
        Numbers of the two arms.
    time : float
        Days since baseline that effects of a day refer to.
    level : float
        Confidence of each interval, alone.

    Raises
    ------
    InputError
        If the time is not after the baseline, or the level is not between 0 and 1.
    """
    if not (math.isfinite(time) and time > 0):
        expected = "a day after the baseline"
        raise InputError(expected, found=f"{time:g} days from it")
    arms = fit.data.arms
    if fit.arms_without_rate & {arms[arm], arms[control]}:
        return tuple(
            GrowthEffect(
                arm=arms[arm],
                versus=arms[control],
                effect=name,
                day=fit.data.baseline_day + time if name in _OF_A_DAY else None,
                estimate=None,
                lower=None,
                upper=None,
                level=level,
                df=None,
                method="none",
                status="not_estimable",
                reason=NO_RATE,
            )
            for name in EFFECTS
        )
    maker = _Effects(fit, arm, control, time=time, level=level)
    return (
        *maker.ratios(),
        maker.inhibition_of_rates(),
        maker.inhibition_of_means("tgi_delta_geometric_pct"),
        maker.inhibition_of_means("tgi_delta_arithmetic_pct"),
        maker.areas(),
    )


class _Effects:
    """The measures of one arm against the control."""

    def __init__(
        self, fit: GrowthFit, arm: int, control: int, *, time: float, level: float
    ) -> None:
        self._fit = fit
        self._pair = (arm, control)
        self._time = time
        self._level = level
        rates = [fit.terms.rate(number, end=time) for number in self._pair]
        areas = [fit.terms.area_rate(number, end=time) for number in self._pair]
        # The two rates, their difference, the difference of the areas.
        questions = np.stack((*rates, rates[0] - rates[1], areas[0] - areas[1]))
        self._found = fit.contrasts(questions, level=level)
        self._beyond = _beyond(fit, self._pair, time)
        treated, against = self._found.estimate[:2].tolist()
        self._ratio = treated / against if against > _NO_RATE else None
        self._too_far = False
        self._shares = {
            "tgi_delta_geometric_pct": self._share("geometric"),
            "tgi_delta_arithmetic_pct": self._share("arithmetic"),
        }
        # Every ratio is a question about weights at its own estimate.
        shares = [share for share in self._shares.values() if share is not None]
        asked = np.stack((questions[0], *(share.weights() for share in shares)))
        if self._ratio is not None:
            asked = np.vstack((asked, rates[0] - self._ratio * rates[1]))
        df = np.concatenate((fit.contrasts(asked, level=level).df, self._found.df[:3]))
        self._df = float(df[~np.isnan(df)].min(initial=math.inf))

    def _share(self, kind: MeanKind) -> _GrowthShare | None:
        """Growth of the treated mean over the control's; None where that does not grow."""
        days = np.array([0.0, self._time])
        treated, control = (
            group_means(self._fit, number, days, kind=kind) for number in self._pair
        )
        if float(control.log_mean[1] - control.log_mean[0]) <= _NO_RATE:
            return None
        if max(np.ptp(mean.log_mean) for mean in (treated, control)) > _LARGEST_LOG:
            self._too_far = True
            return None
        spread = _variance_covariance(self._fit, treated.variance_weights.shape[1])
        share = _GrowthShare(treated, control, self._fit.inference.covariance, spread)
        return share if math.isfinite(share.estimate) else None

    def _effect(
        self,
        name: EffectName,
        estimate: float | None,
        limits: tuple[float, float] | None = None,
        *,
        df: float | None = None,
        method: EffectMethod = "none",
        status: EndpointStatus = "ok",
        reason: str = "",
    ) -> GrowthEffect:
        """An effect, with what to know about the day."""
        lower, upper = (None, None) if limits is None else limits
        # On a straight line a rate is the same over any days.
        of_day = self._fit.terms.shape.kind != "linear" or name in _OF_A_DAY
        beyond = self._beyond if of_day and estimate is not None else ""
        remarks = [text for text in (reason, beyond) if text]
        arms = self._fit.data.arms
        return GrowthEffect(
            arm=arms[self._pair[0]],
            versus=arms[self._pair[1]],
            effect=name,
            day=self._fit.data.baseline_day + self._time if of_day else None,
            estimate=_known(estimate),
            lower=_known(lower),
            upper=_known(upper),
            level=self._level,
            df=_known(df),
            method=method,
            status="flagged" if status == "ok" and remarks else status,
            reason="; ".join(remarks),
        )

    def ratios(self) -> tuple[GrowthEffect, GrowthEffect]:
        """Ratio of the rates, and the inhibition that it is."""
        names: tuple[EffectName, EffectName] = ("rate_ratio", "tgi_growth_ratio_pct")
        ratio = self._ratio
        if ratio is None:
            return (
                self._effect(names[0], None, status="undefined", reason=NO_GROWTH),
                self._effect(names[1], None, status="undefined", reason=NO_GROWTH),
            )
        limits = fieller(
            float(self._found.estimate[0]),
            float(self._found.estimate[1]),
            self._found.covariance[:2, :2],
            df=self._df,
            level=self._level,
        )
        inhibition = 100 * (1 - ratio)
        if limits is None:
            return (
                self._effect(names[0], ratio, df=self._df, status="unbounded", reason=NOT_BOUNDED),
                self._effect(
                    names[1], inhibition, df=self._df, status="unbounded", reason=NOT_BOUNDED
                ),
            )
        turned = (100 * (1 - limits[1]), 100 * (1 - limits[0]))
        return (
            self._effect(names[0], ratio, limits, df=self._df, method="fieller"),
            self._effect(names[1], inhibition, turned, df=self._df, method="fieller"),
        )

    def inhibition_of_rates(self) -> GrowthEffect:
        """Inhibition from the difference of the rates, carried over the days."""
        found = self._found
        with np.errstate(over="ignore"):
            carried = np.expm1(
                np.array([found.estimate[2], found.upper[2], found.lower[2]]) * self._time
            )
        estimate, lower, upper = (-100 * carried).tolist()
        return self._effect(
            "tgi_rate_pct", estimate, (lower, upper), df=float(found.df[2]), method="t"
        )

    def areas(self) -> GrowthEffect:
        """Difference of the rates that the areas under the curves stand for."""
        found = self._found
        limits = (float(found.lower[3]), float(found.upper[3]))
        return self._effect(
            "auc_rate_difference",
            float(found.estimate[3]),
            limits,
            df=float(found.df[3]),
            method="t",
        )

    def inhibition_of_means(self, name: EffectName) -> GrowthEffect:
        """Inhibition from the growth of mean sizes, with limits from :class:`_GrowthShare`."""
        share = self._shares[name]
        if share is None:
            reason = TOO_FAR if self._too_far else NO_GROWTH
            return self._effect(name, None, status="undefined", reason=reason)
        estimate = 100 * (1 - share.estimate)
        if not float(self._found.lower[1]) > 0:
            return self._effect(
                name, estimate, df=self._df, status="unbounded", reason=NOT_BOUNDED
            )
        low, high = share.limits(float(special.stdtrit(self._df, 0.5 + self._level / 2)))
        known = name == "tgi_delta_arithmetic_pct" and not share.spread_is_uncertain
        return self._effect(
            name,
            estimate,
            (100 * (1 - high), 100 * (1 - low)),
            df=self._df,
            method="log_delta_t",
            reason="the spread between animals is taken as known" if known else "",
        )


class _GrowthShare:
    """Growth of the treated mean as a share s of the control's, and its limits.

    The share meets T1 = T0 + s (C1 - C0), T and C the means on the day and at baseline. Limits are
    the s at which the logs of the two sides part by the t quantile of their standard error; for a
    negative s the term with it stands on the left, so that both sides are positive. A Fieller set
    on the log scale: it holds for an arm that shrinks as for one that grows.
    """

    def __init__(
        self,
        treated: GroupMeans,
        control: GroupMeans,
        covariance: FloatArray,
        spread: FloatArray | None,
    ) -> None:
        self.spread_is_uncertain = spread is not None
        # Sizes in units of the treated arm's baseline mean.
        growth = treated.log_mean[1] - treated.log_mean[0]
        with np.errstate(over="ignore", invalid="ignore"):
            self._end = float(np.exp(growth))
            start, end = np.exp(control.log_mean - treated.log_mean[0])
            gain = start * np.expm1(control.log_mean[1] - control.log_mean[0])
            self._gain = float(gain)
            self.estimate = float(np.expm1(growth) / gain)
            own = (treated.weights, treated.variance_weights)
            against = (control.weights, control.variance_weights)
            moved = [end * slopes[1] - start * slopes[0] for slopes in against]
        # Slopes of the two logs' difference are (step + s × bend) over the side that holds s:
        # the right one from 0 on, the left one below. Their variance is a quadratic over a square.
        self._step = [slopes[1] - slopes[0] for slopes in own]
        self._bend = {
            side: [gain * slopes[side] - move for slopes, move in zip(own, moved, strict=True)]
            for side in (0, 1)
        }
        matrices = [covariance] if spread is None else [covariance, spread]
        self._quadratic = {
            side: (
                _form(self._step, self._step, matrices),
                2 * _form(self._step, self._bend[side], matrices),
                _form(self._bend[side], self._bend[side], matrices),
            )
            for side in (0, 1)
        }

    def weights(self) -> FloatArray:
        """Weights on the coefficients of the question that the estimate answers."""
        scale, side = (1.0, 1) if self.estimate >= 0 else (self._end, 0)
        return np.asarray(scale * self._step[0] + self.estimate * self._bend[side][0])

    def _sides(self, share: float) -> tuple[float, float]:
        """The two sides, both positive."""
        return (
            self._end + max(-share, 0.0) * self._gain,
            1.0 + max(share, 0.0) * self._gain,
        )

    def _variance(self, share: float) -> float:
        """Of the difference of the logs of the two sides."""
        left, right = self._sides(share)
        scale, side, whole = (1.0, 1, right) if share >= 0 else (self._end, 0, left)
        constant, linear, square = self._quadratic[side]
        value = scale**2 * constant + share * (scale * linear + share * square)
        return max(value, 0.0) / whole**2

    def limits(self, reach: float) -> tuple[float, float]:
        """Shares that lie `reach` standard errors off, below and above the estimate."""

        def excess(share: float) -> float:
            left, right = self._sides(share)
            return math.log(left / right) ** 2 - reach**2 * self._variance(share)

        first = math.sqrt(self._variance(self.estimate)) * max(self._end, 1.0) / self._gain
        first = max(reach * first, 1e-12)
        found = []
        for side in (-1.0, 1.0):
            step = first
            while excess(self.estimate + side * step) < 0 and step < _WIDEST * first:
                step *= 2
            edge = self.estimate + side * step
            found.append(
                float(scipy.optimize.brentq(excess, self.estimate, edge, xtol=1e-13, rtol=1e-12))
                if excess(edge) >= 0
                else side * math.inf
            )
        return found[0], found[1]


def _form(left: list[FloatArray], right: list[FloatArray], matrices: list[FloatArray]) -> float:
    """Sum of the forms left' M right over the parts that have a matrix."""
    return sum(float(a @ matrix @ b) for a, b, matrix in zip(left, right, matrices, strict=False))


def _beyond(fit: GrowthFit, pair: tuple[int, int], time: float) -> str:
    """Arms that were not read any more by the time, in words."""
    data = fit.data
    ends = {number: last_time(fit, number) for number in pair}
    early = [
        f"'{data.arms[number]}' from day {data.baseline_day + end:g}"
        for number, end in ends.items()
        if end < time - SAME_DAY
    ]
    return "no reading any more, the curve carries on: " + ", ".join(early) if early else ""


def last_time(fit: GrowthFit, arm: int) -> float:
    """Last time at which an animal of the arm was read, days since baseline."""
    data = fit.data
    return float(data.time[data.arm[data.animal] == arm].max())


def _known(value: float | None) -> float | None:
    """The number, or None for an infinite one or NaN."""
    return value if value is not None and math.isfinite(value) else None
