"""Power of a planned growth study in closed form.

The closed form holds for animals that all stay. In a balanced study the estimate of an arm's rate
is the mean of its animals' own slopes, so with an intercept for each arm, or with ratios to the
baseline, a contrast of rates is tested by a t test on slopes with as many degrees of freedom as
there are animals less arms. A common intercept makes the animals' intercepts a covariate: the
residual variance of slopes given intercepts counts, with one degree of freedom less, and the
covariate's own estimation adds 1 / (animals - arms - 2) to the variance.

Variances of slopes are ``rate_sd² + reading_sd² / Σ(t - t̄)²``; for ratios
``rate_sd² + reading_sd² (1 / Σt² + (Σt / Σt²)²)``, where the second part is the noise of the
baseline, which all ratios of an animal share.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from oncovivo.design.power_plan import PowerPlan
from oncovivo.errors import InputError
from oncovivo.numerics.multivariate_t import max_t_quantile

__all__ = [
    "ClosedForm",
    "critical_value",
    "noncentral_power",
    "power_closed_form",
    "question_correlation",
    "smallest_effect",
]

FloatArray: TypeAlias = NDArray[np.float64]

# With more degrees of freedom t is normal to the digits that are shown.
_MANY: Final = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedForm:
    """Power of one question without simulation, where all animals stay.

    Parameters
    ----------
    label : str
        The question.
    truth : float
        Assumed answer, natural log per day.
    std_error : float
        Of the estimate.
    df : float
        Degrees of freedom.
    critical : float
        What |t| must exceed.
    power : float
        Chance that it does.
    """

    label: str
    truth: float
    std_error: float
    df: float
    critical: float
    power: float

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def noncentral_power(shift: float, df: float, critical: float) -> float:
    """Chance that a noncentral t is beyond a critical value on either side.

    Parameters
    ----------
    shift : float
        True difference over its standard error.
    df : float
        Degrees of freedom.
    critical : float
        What |t| must exceed.

    Examples
    --------
    >>> round(noncentral_power(3.0, 28.0, 2.048407), 3)
    0.825
    """
    freedom = min(df, _MANY)
    above = 1.0 - float(special.nctdtr(freedom, abs(shift), critical))
    # Far in the other tail the series of the noncentral t gives out, where nothing is left to add.
    below = float(special.nctdtr(freedom, abs(shift), -critical))
    return above + (below if math.isfinite(below) else 0.0)


def power_closed_form(plan: PowerPlan) -> tuple[ClosedForm, ...]:
    """Power of each question if all animals stay; a size limit is not looked at.

    Exact for the models ``arm`` and ``ratio`` unless fits are on the boundary, where the test is
    conservative; close for ``common``.

    Raises
    ------
    InputError
        If there are too few animals for a common intercept.

    Examples
    --------
    >>> from oncovivo.design.power_plan import PowerArm
    >>> arms = [PowerArm(name=name, animals=8, rate=rate) for name, rate in zip("ab", (0.1, 0.07))]
    >>> plan = PowerPlan(
    ...     arms=tuple(arms), days=(0, 7, 14, 21), start_sd=0.3, rate_sd=0.02, reading_sd=0.1,
    ...     model="arm",
    ... )
    >>> [(round(one.std_error, 4), one.df, round(one.power, 3)) for one in power_closed_form(plan)]
    [(0.0105, 14.0, 0.757)]
    """
    variance, df = _slope_variance(plan)
    errors = np.sqrt(variance * (plan.contrasts**2 / plan.sizes).sum(axis=1))
    critical = critical_value(plan, df)
    return tuple(
        ClosedForm(
            label=label,
            truth=truth,
            std_error=error,
            df=df,
            critical=critical,
            power=noncentral_power(truth / error, df, critical),
        )
        for label, truth, error in zip(
            plan.labels, plan.truth.tolist(), errors.tolist(), strict=True
        )
    )


def smallest_effect(plan: PowerPlan, *, power: float = 0.8) -> tuple[float, ...]:
    """Smallest difference of each question that is found with a given power, if all animals stay.

    Parameters
    ----------
    plan : PowerPlan
        Its rates are not used.
    power : float
        Between 1 - level and 1.

    Returns
    -------
    tuple of float
        Natural log per day; a size limit makes them larger.

    Raises
    ------
    InputError
        If the power is not between the test's error and 1.
    """
    if not 1 - plan.level < power < 1:
        expected = f"a power between {1 - plan.level:g}, the error of the test, and 1"
        raise InputError(expected, found=f"{power:g}", where="power")
    found = []
    for one in power_closed_form(plan):
        df, critical = one.df, one.critical

        def lacking(shift: float, df: float = df, critical: float = critical) -> float:
            return noncentral_power(shift, df, critical) - power

        high = critical + 1.0
        while lacking(high) < 0:
            high *= 2
        found.append(float(optimize.brentq(lacking, 0.0, high)) * one.std_error)
    return tuple(found)


def _slope_variance(plan: PowerPlan) -> tuple[float, float]:
    """Variance of an animal's slope as the model sees it, and degrees of freedom."""
    days = np.array(plan.days)
    noise = plan.reading_sd**2
    free = int(plan.sizes.sum()) - len(plan.arms)
    if plan.model == "ratio":
        square = float((days**2).sum())
        shared = (float(days.sum()) / square) ** 2
        return plan.rate_sd**2 + noise * (1 / square + shared), float(free)
    spread = float(((days - days.mean()) ** 2).sum())
    slope = plan.rate_sd**2 + noise / spread
    if plan.model == "arm":
        return slope, float(free)
    if free < 3:
        expected = "at least 3 more animals than arms for a common intercept"
        raise InputError(expected, found=str(free), mend="take model 'arm' or more animals")
    mean = float(days.mean())
    intercept = plan.start_sd**2 + noise * (1 / days.size + mean**2 / spread)
    together = -noise * mean / spread
    return (slope - together**2 / intercept) * (1 + 1 / (free - 2)), float(free - 1)


def question_correlation(plan: PowerPlan) -> FloatArray:
    """Correlation of the answers, as the numbers of animals make it, shape (k, k)."""
    covariance = (plan.contrasts / plan.sizes) @ plan.contrasts.T
    scale = np.sqrt(np.diag(covariance))
    correlation: FloatArray = covariance / np.outer(scale, scale)
    np.fill_diagonal(correlation, 1.0)
    return correlation


def critical_value(plan: PowerPlan, df: float) -> float:
    """What |t| must exceed at some degrees of freedom."""
    if plan.question == "dunnett" and len(plan.arms) > 2:
        return max_t_quantile(question_correlation(plan), df, plan.level)
    return float(special.stdtrit(df, 0.5 + plan.level / 2))
