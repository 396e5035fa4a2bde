"""Power of a planned growth study in closed form.

The closed form holds for animals that all stay and can all be read; that of events and responses
counts leavers. In a balanced study the estimate of an arm's rate
is the mean of its animals' own slopes, so with an intercept for each arm, or with ratios to the
baseline, a contrast of rates is tested by a t test on slopes with as many degrees of freedom as
there are animals less arms. A common intercept makes the animals' intercepts a covariate: the
residual variance of slopes given intercepts counts, with one degree of freedom less, and the
covariate's own estimation adds 1 / (animals - arms - 2) to the variance.

Variances of slopes are ``rate_sd² + reading_sd² / Σ(t - t̄)²``; for ratios
``rate_sd² + reading_sd² (1 / Σt² + (Σt / Σt²)²)``, where the second part is the noise of the
baseline, which all ratios of an animal share.

With cages the closed form is that of the test that counts them. Where a cage has one arm its mean
slope has the variance ``cages.rate_sd² + v / m``, v that of a slope and m its animals, and there
are as many degrees of freedom as cages less arms; where each cage has all arms they cancel.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Final, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import special

from oncovivo.design.power_plan import PowerPlan
from oncovivo.design.power_truth import assumed_answers
from oncovivo.design.power_visits import fisher_power, log_rank_drift, response_share
from oncovivo.errors import InputError
from oncovivo.numerics.multivariate_t import max_t_quantile

__all__ = [
    "ClosedForm",
    "closed_powers",
    "critical_value",
    "noncentral_power",
    "power_closed_form",
    "question_correlation",
    "smallest_effect",
]

FloatArray: TypeAlias = NDArray[np.float64]

# With more degrees of freedom t is normal to the digits that are shown.
_MANY: Final = 1e6
# Nodes of the estimated variance and of the combination's noise, for the test against both drugs.
_VARIANCE_NODES: Final = 200
_NOISE_NODES: Final = 60
# Animals beyond one for each arm that the covariate of a common intercept needs.
_FEWEST_FREE: Final = 3
# Differences of rates per day in which a smallest effect is looked for.
_FIRST: Final = 0.001
_LARGEST: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedForm:
    """Power of one question without simulation.

    Parameters
    ----------
    label : str
        The question.
    truth : float or None
        Assumed answer, in the question's unit; None where there is none.
    std_error, df, critical : float or None
        Of the estimate on the scale of the test, rates or logs of sizes; its degrees of freedom;
        what |t| must exceed. None for events and responses.
    power : float
        Chance that the interval excludes the bound.
    method : str
        In words.
    """

    label: str
    truth: float | None
    std_error: float | None
    df: float | None
    critical: float | None
    power: float
    method: str = "t"

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Spread:
    """Variance of what is independent, how many of it each arm has, and degrees of freedom."""

    variance: float
    number: FloatArray
    df: float


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
    """Power of each question; a size limit counts for events and responses only.

    Exact for the models ``arm`` and ``ratio`` unless fits are on the boundary, where the test is
    conservative; close for ``common``. For ``additivity`` by the delta method, for ``event`` by
    the drift of the log-rank test, for ``response`` by enumeration. Empty where there is none:
    cages of different size, or cages with events and responses.

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
    if not plan.of_growth:
        return () if plan.cages is not None else _of_visits(plan)
    spread = _spread(plan)
    if spread is None:
        return ()
    if plan.question == "hsa":
        return (_against_both(plan, spread),)
    if plan.question == "additivity":
        return (_additivity(plan, spread),)
    scale = plan.index_day if plan.question == "tgi" else 1.0
    errors = np.sqrt(spread.variance * (plan.contrasts**2 / spread.number).sum(axis=1))
    critical = critical_value(plan, spread.df)
    return tuple(
        ClosedForm(
            label=label,
            truth=truth,
            std_error=scale * error,
            df=spread.df,
            critical=critical,
            power=noncentral_power((answer - plan.rate_bound) / error, spread.df, critical),
            method="t" if plan.cages is None else "t, counting cages",
        )
        for label, truth, answer, error in zip(
            plan.labels,
            assumed_answers(plan),
            plan.rate_answers.tolist(),
            errors.tolist(),
            strict=True,
        )
    )


def closed_powers(plan: PowerPlan) -> tuple[float, ...]:
    """Powers alone; empty where there is no closed form, or too few animals for it.

    Parameters
    ----------
    plan : PowerPlan
        The assumptions.
    """
    if plan.of_growth and plan.model == "common" and _free(plan) < _FEWEST_FREE:
        return ()
    return tuple(one.power for one in power_closed_form(plan))


def _free(plan: PowerPlan) -> int:
    """Animals less arms."""
    return int(plan.sizes.sum()) - len(plan.arms)


def _against_both(plan: PowerPlan, spread: _Spread) -> ClosedForm:
    """The combination below both drugs, which share its noise and the estimated variance."""
    deviation = math.sqrt(spread.variance)
    number = spread.number
    critical = float(special.stdtrit(spread.df, plan.level))
    place = (np.arange(_VARIANCE_NODES) + 0.5) / _VARIANCE_NODES
    ratio = np.sqrt(2 * special.gammaincinv(spread.df / 2, place) / spread.df)[:, None]
    node, share = np.polynomial.hermite_e.hermegauss(_NOISE_NODES)
    chance = np.ones((_VARIANCE_NODES, _NOISE_NODES))
    answers = plan.contrasts @ plan.rates - plan.rate_bound
    errors = []
    for answer, own in zip(answers.tolist(), number[1:3].tolist(), strict=True):
        width = math.sqrt(1 / number[3] + 1 / own)
        errors.append(deviation * width)
        reach = answer / deviation + node / math.sqrt(number[3]) + critical * ratio * width
        chance = chance * special.ndtr(-reach * math.sqrt(own))
    better = int(np.argmax(answers))
    return ClosedForm(
        label=plan.labels[0],
        truth=assumed_answers(plan)[0],
        std_error=errors[better],
        df=spread.df,
        critical=critical,
        power=float((chance @ share).mean() / share.sum()),
        method="bivariate t",
    )


def _additivity(plan: PowerPlan, spread: _Spread) -> ClosedForm:
    """The delta method's test at the assumed sizes."""
    day = plan.index_day
    logs = (plan.rates * day).tolist()
    left = special.softmax([logs[0], logs[3] - plan.rate_bound])
    right = special.softmax(logs[1:3])
    weights = day * np.array([left[0], *-right, left[1]])
    error = math.sqrt(spread.variance * float((weights**2 / spread.number).sum()))
    critical = float(special.stdtrit(spread.df, 0.5 + plan.level / 2))
    return ClosedForm(
        label=plan.labels[0],
        truth=assumed_answers(plan)[0],
        std_error=error,
        df=spread.df,
        critical=critical,
        power=noncentral_power(plan.log_additivity / error, spread.df, critical),
        method="t, delta method",
    )


def _of_visits(plan: PowerPlan) -> tuple[ClosedForm, ...]:
    """Log-rank and Fisher's test of each arm against the control."""
    found = []
    sizes = plan.sizes.tolist()
    truths = assumed_answers(plan)
    for place, label in enumerate(plan.labels, start=1):
        if plan.question == "event":
            power, method = log_rank_drift(plan, place).power(plan.level), "log-rank drift"
        else:
            shares = response_share(plan, 0), response_share(plan, place)
            animals = (sizes[0], sizes[place])
            power, method = fisher_power(*shares, animals=animals, level=plan.level), "enumeration"
        found.append(
            ClosedForm(
                label=label,
                truth=truths[place - 1],
                std_error=None,
                df=None,
                critical=None,
                power=power,
                method=method,
            )
        )
    return tuple(found)


def smallest_effect(plan: PowerPlan, *, power: float = 0.8) -> tuple[float | None, ...]:
    """Smallest effect of each question that is found with a given power, by the closed form.

    Parameters
    ----------
    plan : PowerPlan
        The rates of the arms that are compared with the control, and that of the combination,
        are not used.
    power : float
        Between 1 - level and 1.

    Returns
    -------
    tuple of float or None
        Distance of rates from the bound, natural log per day, for ``difference``, ``dunnett``,
        ``bliss`` and ``hsa``; the inhibition in percent; the index below the bound; the hazard
        ratio below 1; the difference of shares of responders. None where no rate has the power,
        or there is no closed form. A size limit makes the first five larger.

    Raises
    ------
    InputError
        If the power is not between the test's error and 1.
    """
    if not 1 - plan.level < power < 1:
        expected = f"a power between {1 - plan.level:g}, the error of the test, and 1"
        raise InputError(expected, found=f"{power:g}", where="power")
    closed = power_closed_form(plan)
    if not closed:
        return tuple(None for _ in plan.labels)
    if plan.question in ("hsa", "additivity", "event", "response"):
        return tuple(_searched(plan, place, power) for place in range(len(closed)))
    found = []
    scale = plan.index_day if plan.question == "tgi" else 1.0
    for one in closed:
        df, critical = one.df or _MANY, one.critical or 0.0

        def lacking(shift: float, df: float = df, critical: float = critical) -> float:
            return noncentral_power(shift, df, critical) - power

        high = critical + 1.0
        while lacking(high) < 0:
            high *= 2
        shift = float(scipy.optimize.brentq(lacking, 0.0, high)) * (one.std_error or 0.0) / scale
        if plan.question == "tgi":
            shift = -100 * math.expm1(plan.index_day * (plan.rate_bound - shift))
        found.append(shift)
    return tuple(found)


def _searched(plan: PowerPlan, place: int, power: float) -> float | None:
    """The smallest effect of a question whose power is no function of one shift."""
    if not plan.has_null:
        return None
    arm = place + 1 if plan.question in ("event", "response") else 3
    null = plan.at_null().arms[arm].rate

    def at(shift: float) -> ClosedForm:
        return power_closed_form(plan.with_rate(arm, null - shift))[place]

    def lacking(shift: float) -> float:
        return at(shift).power - power

    high = _FIRST
    while lacking(high) < 0:
        high *= 2
        if high > _LARGEST:
            return None
    low = high / 2 if high > _FIRST else 0.0
    shift = float(scipy.optimize.brentq(lacking, low, high, xtol=1e-7))
    return shift if plan.question == "hsa" else at(shift).truth


def _spread(plan: PowerPlan) -> _Spread | None:
    """What is independent in the plan's study."""
    if plan.cages is None:
        variance, df = _slope_variance(plan)
        return _Spread(variance=variance, number=plan.sizes.astype(np.float64), df=df)
    size, sizes = plan.cages.animals, plan.sizes
    slope = _line_variance(plan)
    if plan.cages.arms == "by_cage":
        if (sizes % size).any():
            return None
        number = (sizes / size).astype(np.float64)
        variance = plan.cages.rate_sd**2 + slope / size
        return _Spread(variance=variance, number=number, df=float(number.sum() - sizes.size))
    if len(set(sizes.tolist())) > 1 or size % sizes.size or int(sizes.sum()) % size:
        return None
    free = int(sizes.sum()) - int(sizes.sum()) // size - sizes.size + 1
    return _Spread(variance=slope, number=sizes.astype(np.float64), df=float(free))


def _line_variance(plan: PowerPlan) -> float:
    """Variance of an animal's own least-squares slope."""
    days = np.array(plan.days)
    return plan.rate_sd**2 + plan.reading_sd**2 / float(((days - days.mean()) ** 2).sum())


def _slope_variance(plan: PowerPlan) -> tuple[float, float]:
    """Variance of an animal's slope as the model sees it, and degrees of freedom."""
    days = np.array(plan.days)
    noise = plan.reading_sd**2
    free = _free(plan)
    if plan.model == "ratio":
        square = float((days**2).sum())
        shared = (float(days.sum()) / square) ** 2
        return plan.rate_sd**2 + noise * (1 / square + shared), float(free)
    spread = float(((days - days.mean()) ** 2).sum())
    slope = _line_variance(plan)
    if plan.model == "arm":
        return slope, float(free)
    if free < _FEWEST_FREE:
        expected = f"at least {_FEWEST_FREE} more animals than arms for a common intercept"
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
        correlation = question_correlation(plan)
        return _largest_t(tuple(correlation.ravel().tolist()), len(correlation), df, plan.level)
    return float(special.stdtrit(df, 0.5 + plan.level / 2))


@lru_cache(maxsize=512)
def _largest_t(correlation: tuple[float, ...], size: int, df: float, level: float) -> float:
    """Quantile of the largest |t|; designs of a grid ask for the same ones."""
    return max_t_quantile(np.array(correlation).reshape(size, size), df, level)
