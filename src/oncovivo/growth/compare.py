"""Arms against the control, from one fitted model: rates, contrasts, sizes of the effects.

One test per question: the difference of the rates. P values of several arms hold their family's
error together, by Dunnett's method unless another is asked for.

References
----------
Dunnett CW. J Am Stat Assoc 1955;50:1096. Hothorn T, et al. Biom J 2008;50:346 (single-step tests
of a fitted model). Holm S. Scand J Stat 1979;6:65.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.growth.effects import (
    NO_RATE,
    DoublingTime,
    GrowthEffect,
    doubling_time,
    growth_effects,
    last_time,
)
from oncovivo.growth.fit import Contrasts, GrowthFit, GrowthWarning
from oncovivo.numerics.multiple_testing import holm
from oncovivo.numerics.multivariate_t import MaxTMethod, max_t

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Adjustment",
    "Family",
    "GrowthComparison",
    "GrowthRate",
    "RateContrast",
    "compare",
]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
Adjustment: TypeAlias = Literal["dunnett", "holm", "tukey", "none"]

# Adjusted p values are sharper than this, or a warning says how sharp.
_SHARP: Final = 1e-4
# A curve that is carried on farther than this says nothing of a tumor.
_FARTHEST: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthRate:
    """Growth rate of an arm under the model.

    Parameters
    ----------
    arm : str
        Arm.
    estimate, std_error, df, lower, upper : float or None
        Natural log per day, with its t interval alone; None where it does not exist.
    doubling_time : DoublingTime
        Days, from the same interval.
    """

    arm: str
    estimate: float | None
    std_error: float | None
    df: float | None
    lower: float | None
    upper: float | None
    doubling_time: DoublingTime

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateContrast:
    """Difference of two arms' growth rates.

    Parameters
    ----------
    arm, versus : str
        Rate of `arm` less that of `versus`.
    estimate, std_error, df, statistic, p_value : float or None
        Two-sided t test, natural log per day; None where the standard error is zero.
    p_adjusted : float or None
        With the family's error held; None without adjustment.
    lower, upper : float or None
        Interval of this contrast alone.
    lower_simultaneous, upper_simultaneous : float or None
        Intervals that hold together; None without adjustment.
    """

    arm: str
    versus: str
    estimate: float | None
    std_error: float | None
    df: float | None
    statistic: float | None
    p_value: float | None
    p_adjusted: float | None
    lower: float | None
    upper: float | None
    lower_simultaneous: float | None
    upper_simultaneous: float | None

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How the error of several contrasts was held.

    Parameters
    ----------
    adjustment : {"dunnett", "holm", "tukey", "none"}
        ``dunnett``: each arm against the control, single step. ``holm``: the same questions,
        stepwise p; simultaneous limits are Bonferroni's. ``tukey``: all pairs of arms, single
        step on their joint distribution.
    size : int
        Contrasts that were tested.
    df : float or None
        Degrees of freedom of the single-step methods, the smallest of the contrasts.
    critical : float or None
        Multiple of the standard error that the simultaneous limits reach, for these.
    method : str or None
        How the joint probability was computed, for these.
    error : float or None
        Its largest estimated absolute error.
    """

    adjustment: Adjustment
    size: int
    df: float | None = None
    critical: float | None = None
    method: MaxTMethod | None = None
    error: float | None = None

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthComparison:
    """Arms against the control under one fitted model.

    Parameters
    ----------
    study_id, line : str
        Study and xenograft line.
    control : str
        Control arm.
    day : float
        Study day that effects of a day refer to.
    time : float
        The same in days since baseline.
    rate_meaning : str
        What a rate is: the slope, or the average rate up to the day where group curves bend.
    level : float
        Confidence of all intervals.
    df_method : str
        How covariance and degrees of freedom were made.
    family : Family
        How the error of the contrasts was held.
    rates : tuple of GrowthRate
        Each arm's, the control's first.
    contrasts : tuple of RateContrast
        Each arm against the control; all pairs with Tukey.
    effects : tuple of GrowthEffect
        Measures of each arm's effect against the control.
    warnings : tuple of GrowthWarning
        Of the fit and of the comparison.
    """

    study_id: str
    line: str
    control: str
    day: float
    time: float
    rate_meaning: str
    level: float
    df_method: str
    family: Family
    rates: tuple[GrowthRate, ...]
    contrasts: tuple[RateContrast, ...]
    effects: tuple[GrowthEffect, ...]
    warnings: tuple[GrowthWarning, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "study_id": self.study_id,
            "line": self.line,
            "control": self.control,
            "day": self.day,
            "time": self.time,
            "rate_meaning": self.rate_meaning,
            "level": self.level,
            "df_method": self.df_method,
            "family": self.family.to_dict(),
            "rates": [rate.to_dict() for rate in self.rates],
            "contrasts": [contrast.to_dict() for contrast in self.contrasts],
            "effects": [effect.to_dict() for effect in self.effects],
            "warnings": [warning.to_dict() for warning in self.warnings],
        }

    def to_frame(self) -> pd.DataFrame:
        """The contrasts as a table, a row for each."""
        import pandas as pd

        return pd.DataFrame([contrast.to_dict() for contrast in self.contrasts])

    def contrast(self, arm: str) -> RateContrast:
        """The contrast of an arm with the control.

        Raises
        ------
        InputError
            If there is none.
        """
        for found in self.contrasts:
            if found.arm == arm and found.versus == self.control:
                return found
        known = ", ".join(c.arm for c in self.contrasts if c.versus == self.control)
        expected = f"an arm that was compared with '{self.control}': {known}"
        raise InputError(expected, found=repr(arm), where=f"study {self.study_id}")


def compare(
    fit: GrowthFit,
    control: str,
    *,
    day: float | None = None,
    level: float = 0.95,
    adjustment: Adjustment = "dunnett",
) -> GrowthComparison:
    """Compare the growth of each arm with the control's.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    control : str
        Control arm.
    day : float, optional
        Study day that effects of a day refer to, and average rates run to; else the last day on
        which the control was read. Choose it before the data are seen.
    level : float
        Confidence of all intervals.
    adjustment : {"dunnett", "holm", "tukey", "none"}
        How the error over the contrasts is held.

    Raises
    ------
    InputError
        If the control is no arm, or there is no other; if the day is not after the baseline; if
        the level or the adjustment is none.

    Examples
    --------
    >>> from oncovivo.growth.data import growth_data_from_arrays
    >>> from oncovivo.growth.fit import fit_growth
    >>> wobble = np.tile([0.1, -0.1, -0.05, 0.05, 0.02, -0.02], 4)
    >>> data = growth_data_from_arrays(
    ...     arm=["vehicle"] * 12 + ["drug"] * 12,
    ...     animal_id=[f"m{i // 4}" for i in range(24)],
    ...     time=(day := np.tile([0.0, 3.0, 6.0, 9.0], 6)),
    ...     log_size=5 + np.repeat([0.1, 0.05], 12) * day + wobble,
    ... )
    >>> result = compare(fit_growth(data), "vehicle")
    >>> result.contrast("drug").p_adjusted == result.contrast("drug").p_value
    True
    """
    data = fit.data
    reference = data.arm_number(control)
    _check(fit, level, adjustment)
    time = last_time(fit, reference) if day is None else day - data.baseline_day
    if not (math.isfinite(time) and time > 0):
        expected = f"a day after the baseline, day {data.baseline_day:g}"
        found_day = data.baseline_day + time
        raise InputError(expected, found=f"{found_day:g}", where=f"study {data.study_id}")
    if time > _FARTHEST * fit.terms.end:
        expected = f"a day within {_FARTHEST:g} times the follow-up of {fit.terms.end:g} days"
        raise InputError(expected, found=f"{day:g}", where=f"study {data.study_id}")
    order = [reference, *(n for n in range(len(data.arms)) if n != reference)]
    weights = np.stack([fit.terms.rate(number, end=time) for number in order])
    pairs = (
        [(second, first) for first, second in itertools.combinations(range(len(order)), 2)]
        if adjustment == "tukey"
        else [(index, 0) for index in range(1, len(order))]
    )
    names = [data.arms[number] for number in order]
    differences = np.stack([weights[arm] - weights[versus] for arm, versus in pairs])
    lost = np.array([name in fit.arms_without_rate for name in names])
    found = _without(
        fit.contrasts(differences, level=level),
        np.array([lost[arm] or lost[versus] for arm, versus in pairs]),
    )
    family, p_adjusted, reach = _adjusted(found, adjustment)
    return GrowthComparison(
        study_id=data.study_id,
        line=data.line,
        control=control,
        day=data.baseline_day + time,
        time=time,
        rate_meaning=_rate_meaning(fit, time),
        level=level,
        df_method=found.method,
        family=family,
        rates=_rates(_without(fit.contrasts(weights, names, level=level), lost)),
        contrasts=tuple(
            RateContrast(
                arm=names[arm],
                versus=names[versus],
                estimate=_finite(found.estimate[row]),
                std_error=_finite(found.std_error[row]),
                df=_finite(found.df[row]),
                statistic=_finite(found.statistic[row]),
                p_value=_finite(found.p_value[row]),
                p_adjusted=_finite(p_adjusted[row]),
                lower=_finite(found.lower[row]),
                upper=_finite(found.upper[row]),
                lower_simultaneous=_finite(found.estimate[row] - reach[row]),
                upper_simultaneous=_finite(found.estimate[row] + reach[row]),
            )
            for row, (arm, versus) in enumerate(pairs)
        ),
        effects=tuple(
            effect
            for number in order[1:]
            for effect in growth_effects(fit, number, reference, time=time, level=level)
        ),
        warnings=(*fit.warnings, *_warnings(found, family)),
    )


def _check(fit: GrowthFit, level: float, adjustment: Adjustment) -> None:
    if len(fit.data.arms) < 2:
        expected = "an arm beside the control"
        raise InputError(expected, found="none", where=f"study {fit.data.study_id}")
    if not 0 < level < 1:
        expected = "a level between 0 and 1"
        raise InputError(expected, found=f"{level:g}")
    if adjustment not in get_args(Adjustment):
        expected = "an adjustment: " + ", ".join(get_args(Adjustment))
        raise InputError(expected, found=repr(adjustment))


def _without(found: Contrasts, lost: BoolArray) -> Contrasts:
    """The contrasts with NaN for those whose readings only bound a rate: they test nothing."""
    if not lost.any():
        return found
    return replace(
        found,
        estimate=np.where(lost, np.nan, found.estimate),
        std_error=np.where(lost, np.nan, found.std_error),
        df=np.where(lost, np.nan, found.df),
        statistic=np.where(lost, np.nan, found.statistic),
        p_value=np.where(lost, np.nan, found.p_value),
        lower=np.where(lost, np.nan, found.lower),
        upper=np.where(lost, np.nan, found.upper),
    )


def _rate_meaning(fit: GrowthFit, time: float) -> str:
    if fit.terms.shape.kind == "linear":
        return "slope of log size, natural log per day"
    return f"average rate from the baseline over {time:g} days, natural log per day"


def _rates(found: Contrasts) -> tuple[GrowthRate, ...]:
    rates = []
    for row, name in enumerate(found.names):
        lower, upper = _finite(found.lower[row]), _finite(found.upper[row])
        rates.append(
            GrowthRate(
                arm=name,
                estimate=_finite(found.estimate[row]),
                std_error=_finite(found.std_error[row]),
                df=_finite(found.df[row]),
                lower=lower,
                upper=upper,
                doubling_time=DoublingTime(
                    estimate=None, lower=None, upper=None, status="not_estimable", reason=NO_RATE
                )
                if np.isnan(found.estimate[row])
                else doubling_time(float(found.estimate[row]), lower, upper),
            )
        )
    return tuple(rates)


def _adjusted(found: Contrasts, adjustment: Adjustment) -> tuple[Family, FloatArray, FloatArray]:
    """The family, adjusted p values, and how far simultaneous limits reach from the estimates."""
    size = found.estimate.size
    nothing = np.full(size, np.nan)
    known = np.isfinite(found.statistic)
    family = Family(adjustment=adjustment, size=int(known.sum()))
    if adjustment == "none" or not known.any():
        return family, nothing, nothing
    p_adjusted, reach = nothing.copy(), nothing.copy()
    error, df = found.std_error[known], found.df[known]
    if adjustment == "holm":
        p_adjusted[known] = holm(found.p_value[known])
        share = (1 - found.level) / (2 * error.size)
        reach[known] = -special.stdtrit(df, share) * error
        return family, p_adjusted, reach
    correlation = found.covariance[np.ix_(known, known)] / np.outer(error, error)
    np.fill_diagonal(correlation, 1.0)
    smallest = float(df.min())
    joint = max_t(
        found.statistic[known],
        np.clip((correlation + correlation.T) / 2, -1.0, 1.0),
        smallest,
        level=found.level,
    )
    p_adjusted[known] = joint.p_values
    reach[known] = joint.critical * error
    return (
        Family(
            adjustment=adjustment,
            size=error.size,
            df=_finite(smallest),
            critical=joint.critical,
            method=joint.method,
            error=joint.error,
        ),
        p_adjusted,
        reach,
    )


def _warnings(found: Contrasts, family: Family) -> list[GrowthWarning]:
    """Contrasts that could not be tested, and a joint probability that is not sharp."""
    warnings = []
    if family.size < found.estimate.size:
        count = found.estimate.size - family.size
        message = f"{count} contrasts have no standard error and were not tested"
        warnings.append(GrowthWarning(code="contrast_not_tested", message=message))
    if family.error is not None and family.error > _SHARP:
        message = f"adjusted p values are good to {family.error:.1g}, by quasi-Monte-Carlo"
        warnings.append(GrowthWarning(code="adjusted_p_error", message=message))
    return warnings


def _finite(value: float | np.float64) -> float | None:
    """The number, or None for an infinite one or NaN."""
    number = float(value)
    return number if math.isfinite(number) else None
