"""Log ratios of median times of a combination: resampled animals, or accelerated failure times.

Without a model the medians are those of Kaplan and Meier, and limits are percentiles of resamples
of the animals within each arm. These are wide: simulated at 5, 8 and 10 animals an arm they
exclude a true index of 1 in 0 to 3 % of the studies. With a model, times of all arms have one
shape, and the interaction of the partners is a coefficient; Weibull's rejects a true null model in
5 to 6 % (``validation/combination/events.json``).

References
----------
Efron B. J Am Stat Assoc 1981;76:312 (resampling censored times with their marks). Kalbfleisch JD,
Prentice RL. The Statistical Analysis of Failure Time Data, 2nd ed., 2002, chapter 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.combination.detectable import detectable_difference
from oncovivo.combination.event_question import Contrast, EventQuestion, bliss_design
from oncovivo.endpoints.intervals import FEWEST_FOR_RESAMPLING
from oncovivo.errors import DataError, InputError
from oncovivo.survival.accelerated import AcceleratedFit, TimeDistribution, accelerated_fit
from oncovivo.survival.median_ratio import median_times, resampled_medians

__all__ = [
    "RESAMPLES",
    "Medians",
    "accelerated_contrast",
    "accelerated_medians",
    "median_contrast",
    "resample_medians",
]

FloatArray: TypeAlias = NDArray[np.float64]

RESAMPLES: Final = 1999
"""Resamples of each arm unless asked otherwise."""

LATE: Final = "animals came late under observation: no medians"
NO_SPARE: Final = "too few animals for the model: no test"
NOT_ARRIVED: Final = "a search for the estimate or its limits did not arrive"
NO_MEDIAN_RATIO: Final = "a median of 0 has no ratio"
ENDLESS: Final = "the estimate is infinite: no animal of an arm had the event"
NO_SPREAD: Final = "intervals do not show how far apart the events within an arm are"

_FEWEST_DRAWS: Final = 199
# Sums of logs that cancel in each unit of time differ from 0 by rounding.
_TIE: Final = 1e-9
# Log of the median of a Weibull time whose scale is 1; log-normal and -logistic ones have 0.
_LOG_LOG_TWO: Final = math.log(math.log(2))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Medians:
    """Medians of the roles, and of resamples of their animals.

    Parameters
    ----------
    value : ndarray, shape (k + 2,)
        Infinite where not reached.
    drawn : ndarray, shape (k + 2, B)
        Of resamples; without columns where there are too few animals.
    last : ndarray, shape (k + 2,)
        Last time under observation.
    reason : str
        Why there is nothing at all, or nothing drawn; empty otherwise.
    """

    value: FloatArray
    drawn: FloatArray
    last: FloatArray
    reason: str = ""


def resample_medians(
    question: EventQuestion, *, draws: int, rng: np.random.Generator | None
) -> Medians:
    """Medians of the arms and of resamples of their animals.

    Parameters
    ----------
    question : EventQuestion
        On the scale of medians.
    draws : int
        Resamples of each arm.
    rng : numpy.random.Generator, optional
        Source of randomness; needed unless there are too few animals.

    Raises
    ------
    InputError
        If there is no source of randomness, or too few draws.
    """
    roles = range(len(question.names))
    groups = [
        (question.time[question.role == role], question.event[question.role == role])
        for role in roles
    ]
    value = np.array([float(median_times(*group)) for group in groups])
    last = np.array([float(time.max()) for time, _ in groups])
    found = Medians(value=value, drawn=np.empty((len(groups), 0)), last=last)
    if question.entry is not None:
        return replace(found, reason=LATE)
    fewest = min(time.size for time, _ in groups)
    if fewest < FEWEST_FOR_RESAMPLING:
        noun = "animal is" if fewest == 1 else "animals are"
        return replace(found, reason=f"{fewest} {noun} too few to resample: no limits")
    if rng is None:
        raise InputError("a source of randomness", found="none", mend="give rng")
    if draws < _FEWEST_DRAWS:
        raise InputError(f"{_FEWEST_DRAWS} draws or more", found=str(draws))
    drawn = np.empty((len(groups), draws))
    for role in question.order:
        drawn[role] = resampled_medians(*groups[role], draws=draws, rng=rng)
    return replace(found, drawn=drawn)


def median_contrast(question: EventQuestion, medians: Medians, signs: Sequence[float]) -> Contrast:
    """A sum of log medians with percentile limits.

    A resample in which the combination's median is not reached counts as its last time under
    observation for the upper limit, and as infinite for the lower one; another arm's counts as
    infinite; where infinite ones stand against each other the resample counts against either
    limit.

    Parameters
    ----------
    question : EventQuestion
        On the scale of medians.
    medians : Medians
        Of its arms.
    signs : sequence of float, length k + 2
        Weights of the roles: foreseen less observed.
    """
    weight = np.array(signs)
    used = weight != 0
    short = [
        f"the median of '{name}' was not reached by {last:g}"
        for name, value, last, asked in zip(
            question.names, medians.value, medians.last, used, strict=True
        )
        if asked and not math.isfinite(value)
    ]
    at_once = bool((medians.value[used] <= 0).any())
    reasons = [*short, *([NO_MEDIAN_RATIO] if at_once else [])]
    if medians.reason:
        reasons.append(medians.reason)
    known = not short and not at_once and medians.reason != LATE
    estimate = float(weight[used] @ np.log(medians.value[used])) if known else None
    bare = Contrast(
        estimate=estimate,
        std_error=None,
        df=None,
        two_sided=None,
        less=None,
        limits=lambda _: (-math.inf, math.inf),
        detectable=lambda _: None,
        method="kaplan_meier",
        reason="; ".join(reasons),
    )
    only_combination = len(short) == 1 and not math.isfinite(medians.value[-1])
    if not medians.drawn.size or at_once or not (known or only_combination):
        return bare
    low, high = _drawn_logs(medians, weight)
    count = high.size + 1
    if not known:
        # the observed animals say no more than each resample: a bound
        low = np.full_like(low, -np.inf)

    def limits(tail: float) -> tuple[float, float]:
        rank = math.floor(tail * count + 1e-9)
        if rank < 1:
            return -math.inf, math.inf
        return float(low[rank - 1]), float(high[-rank])

    less = (1 + int(np.count_nonzero(high >= -_TIE))) / count
    more = (1 + int(np.count_nonzero(low <= _TIE))) / count
    lower, upper = limits((1 - question.level) / 2)
    width = 2 * float(special.ndtri(0.5 + question.level / 2))
    error = (upper - lower) / width
    usable = known and 0 < error < math.inf
    missing = [name for name, end in (("lower", lower), ("upper", upper)) if math.isinf(end)]
    if known and missing:
        reasons.append(f"too few events: no {' and no '.join(missing)} limit")
    return replace(
        bare,
        std_error=error if usable else None,
        two_sided=min(2 * min(less, more), 1.0),
        less=less,
        limits=limits,
        detectable=lambda level: (
            detectable_difference(error, math.inf, level=level) if usable else None
        ),
        reason="; ".join(reasons),
    )


def _drawn_logs(medians: Medians, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sums of the resamples' log medians, rising: for lower limits, and for upper ones."""
    capped = medians.drawn.copy()
    capped[-1] = np.where(np.isfinite(capped[-1]), capped[-1], medians.last[-1])
    used = weight != 0
    found = []
    for drawn, unknown in ((medians.drawn, -np.inf), (capped, np.inf)):
        with np.errstate(divide="ignore", invalid="ignore"):
            # infinite less infinite is unknown, and counts against the limit
            sums = (weight[used, None] * np.log(drawn[used])).sum(axis=0)
        found.append(np.sort(np.where(np.isnan(sums), unknown, sums)))
    return found[0], found[1]


# --- accelerated failure times ---------------------------------------------------------------


def accelerated_medians(question: EventQuestion) -> FloatArray | None:
    """Medians of the roles from a model with one shape for all arms.

    Parameters
    ----------
    question : EventQuestion
        On the scale of medians, of a parametric method.

    Returns
    -------
    ndarray, shape (k + 2,), or None
        None where a median is infinite or not determined.
    """
    design = bliss_design(question.n_partners)
    fit = _fit(question, design, level=question.level)
    if isinstance(fit, str) or fit.intercept is None or fit.scale is None or any(fit.infinite):
        return None
    coefficients = np.array(fit.coefficients, dtype=np.float64)
    middle = _LOG_LOG_TWO if fit.distribution == "weibull" else 0.0
    return np.asarray(np.exp(fit.intercept + design @ coefficients + fit.scale * middle))


def accelerated_contrast(
    question: EventQuestion, design: FloatArray, *, expected_tail: float
) -> Contrast:
    """Minus the last coefficient of a model of accelerated failure times.

    Parameters
    ----------
    question : EventQuestion
        On the scale of medians, of a parametric method.
    design : ndarray, shape (k + 2, k + 1)
        Of what is asked.
    expected_tail : float
        Error of the limits that will be asked for: these come with the fit.
    """
    bare = Contrast(
        estimate=None,
        std_error=None,
        df=None,
        two_sided=None,
        less=None,
        limits=lambda _: (-math.inf, math.inf),
        detectable=lambda _: None,
        method=question.method,
    )
    # one parameter more than arms: the shape
    df = float(question.spare - 1)
    fit = _fit(question, design, level=_level_of_t(expected_tail, max(df, 1.0)))
    if isinstance(fit, str):
        return replace(bare, reason=fit)
    coefficient, error = fit.coefficients[-1], fit.standard_errors[-1]
    sign = fit.infinite[-1]
    reason = ENDLESS if sign else NO_SPREAD if coefficient is None else ""
    estimate = None if coefficient is None else -coefficient
    bare = replace(bare, estimate=estimate, std_error=error, reason=reason)
    if df < 1:
        return replace(bare, reason=NO_SPARE)
    direction = sign or (0 if coefficient is None else int(math.copysign(1, coefficient)))
    if direction == 0:
        return bare
    # The root of the likelihood ratio, held against t: few animals.
    root = -direction * -float(special.ndtri(fit.p_values[-1] / 2))

    def limits(tail: float) -> tuple[float, float]:
        same = tail == expected_tail
        again = fit if same else _fit(question, design, level=_level_of_t(tail, df))
        if isinstance(again, str):
            return -math.inf, math.inf
        low, high = again.lower[-1], again.upper[-1]
        return (-math.inf if high is None else -high, math.inf if low is None else -low)

    return replace(
        bare,
        df=df,
        two_sided=float(2 * special.stdtr(df, -abs(root))),
        less=float(special.stdtr(df, root)),
        limits=limits,
        detectable=lambda level: (
            None if error is None else detectable_difference(error, df, level=level)
        ),
        reason=reason if fit.converged else NOT_ARRIVED,
    )


def _level_of_t(tail: float, df: float) -> float:
    """Confidence at which limits by chi-squared reach as far as those by t with this error."""
    return math.erf(-float(special.stdtrit(df, tail)) / math.sqrt(2))


def _fit(question: EventQuestion, design: FloatArray, *, level: float) -> AcceleratedFit | str:
    """The fitted model, or why there is none."""
    if question.entry is not None:
        return LATE
    names: dict[str, TimeDistribution] = {
        "weibull": "weibull",
        "lognormal": "lognormal",
        "loglogistic": "loglogistic",
    }
    try:
        return accelerated_fit(
            question.lower,
            question.upper,
            design[question.role],
            distribution=names[question.method],
            level=level,
        )
    except DataError as error:
        return error.found or str(error)
