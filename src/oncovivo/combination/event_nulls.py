"""Bliss independence and the highest single agent on the time to an event.

On the hazard each partner multiplies the hazard by its own ratio, alone or together:
HR_AB = HR_A HR_B, with three partners HR_ABZ = HR_A HR_B HR_Z, all against the control. That is
the interaction of a Cox model. On the median each partner multiplies the time:
median_AB / median_C = (median_A / median_C) (median_B / median_C), the interaction of accelerated
failure times. The two agree where hazards are proportional and times are accelerated at once, as
for Weibull times; for exponential ones they are the same. Neither is the rule that multiplies the
shares of animals without event, S_AB S_C = S_A S_B, in which hazards add up.

References
----------
Bliss CI. Ann Appl Biol 1939;26:585. Berger RL. Technometrics 1982;24:295 (intersection-union
tests).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.combination.answers import index_of
from oncovivo.combination.bliss import bliss_signs
from oncovivo.combination.event_hazards import (
    DRAWS,
    bliss_hazard,
    hazard_levels,
    partner_hazard,
)
from oncovivo.combination.event_medians import (
    RESAMPLES,
    accelerated_contrast,
    accelerated_medians,
    median_contrast,
    resample_medians,
)
from oncovivo.combination.event_question import (
    Contrast,
    EventMethod,
    EventQuestion,
    EventScale,
    bliss_design,
    partner_design,
    pose_event,
)
from oncovivo.combination.result import Null, SingleAgent, SynergyResult, Verdict
from oncovivo.combination.roles import CombinationArms
from oncovivo.survival.events import SurvivalData

__all__ = ["compare_event_nulls", "event_bliss", "event_hsa"]

FloatArray: TypeAlias = NDArray[np.float64]

# A p value this close to the error of the test is at it.
_ROUNDING: Final = 1e-12


def event_bliss(
    data: SurvivalData,
    arms: CombinationArms,
    *,
    scale: EventScale = "hazard",
    method: EventMethod | None = None,
    level: float = 0.95,
    rng: np.random.Generator | None = None,
    draws: int | None = None,
) -> SynergyResult:
    """Test a combination against Bliss independence on the time to an event, two-sided.

    Parameters
    ----------
    data : SurvivalData
        Times to an event.
    arms : CombinationArms
        Roles.
    scale : {"hazard", "median_survival"}
        What the partners multiply.
    method : EventMethod, optional
        On the hazard ``relabeled`` (penalized likelihood ratio against those of relabeled animals;
        the default), ``penalized`` (against t with animals less arms as degrees of freedom) or
        ``wald`` (Cox with the same t; cluster-robust, and the default, where animals share
        clusters). On the median ``kaplan_meier`` (resampled animals; the default), or a model of
        accelerated failure times: ``weibull``, ``lognormal``, ``loglogistic``.
    level : float
        Confidence, above 0.5.
    rng : numpy.random.Generator, optional
        Source of randomness; needed by ``relabeled`` and ``kaplan_meier``.
    draws : int, optional
        Relabelings, 999 by default, or resamples of each arm, 1999 by default.

    Raises
    ------
    InputError
        If an arm has no animal, or scale, method, level or draws are none.

    Notes
    -----
    `observed` and `foreseen` are hazard ratios against the control, or medians in the unit of the
    times. A combination whose animals all stay without the event is censored, not left out: its
    hazard is finite under the penalty, and of its median a bound remains. ``wald`` falls back on
    ``penalized`` where the estimate would be infinite, and says so.

    Examples
    --------
    >>> time = np.array([3, 4, 5, 6, 7, 6, 8, 9, 11, 13, 5, 7, 8, 10, 12, 20, 24, 28, 30, 30.0])
    >>> event = np.array([True] * 19 + [False])
    >>> data = SurvivalData(
    ...     study_id="s", arms=("C", "A", "B", "AB"), animal_ids=tuple(f"m{i}" for i in range(20)),
    ...     arm=np.repeat(np.arange(4), 5), entry=np.zeros(20), time=time, lower=time,
    ...     upper=np.where(event, time, np.inf), event=event, cause=event.astype(np.int64),
    ...     causes=("death",), event_definition="death", event_time="visit",
    ... )
    >>> arms = CombinationArms(control="C", partners=("A", "B"), combination="AB")
    >>> found = event_bliss(data, arms, scale="median_survival", rng=np.random.default_rng(1))
    >>> round(found.observed, 1), round(found.foreseen, 1), round(found.index, 2)
    (28.0, 14.4, 0.51)
    >>> event_bliss(data, arms, method="penalized").verdict
    'not_shown'
    """
    question = pose_event(data, arms, scale=scale, method=method, level=level)
    levels, (contrast,) = _answered(question, rng=rng, draws=draws, null="bliss")
    signs = np.array(bliss_signs(question.n_partners))
    lower, upper = contrast.limits((1 - level) / 2)
    verdict: Verdict = "not_shown"
    if contrast.two_sided is not None and contrast.two_sided <= 1 - level + _ROUNDING:
        below = contrast.estimate is None or contrast.estimate < 0
        verdict = "synergy" if below else "antagonism"
    smallest = contrast.detectable(level)
    return SynergyResult(
        null="bliss",
        scale=scale,
        arms=question.arms,
        day=None,
        time=None,
        estimate=contrast.estimate,
        std_error=contrast.std_error,
        df=contrast.df,
        lower=_finite(lower),
        upper=_finite(upper),
        level=level,
        alternative="two_sided",
        p_value=contrast.two_sided,
        index=_index(contrast.estimate),
        index_lower=_index(_finite(lower)),
        index_upper=_index(_finite(upper)),
        detectable_index=None if smallest is None else index_of(-smallest),
        verdict=verdict,
        df_method=contrast.method,
        singular=False,
        observed=_level(levels, -1),
        foreseen=_foreseen(levels, -signs),
        reason=contrast.reason,
        warnings=question.warnings,
    )


def event_hsa(
    data: SurvivalData,
    arms: CombinationArms,
    *,
    scale: EventScale = "hazard",
    method: EventMethod | None = None,
    level: float = 0.95,
    rng: np.random.Generator | None = None,
    draws: int | None = None,
) -> SynergyResult:
    """Test a combination against its highest single agent on the time to an event, one-sided.

    Parameters
    ----------
    data, arms, scale, method, rng, draws
        As for `event_bliss`; ``relabeled`` moves the animals of the combination and one partner.
    level : float
        Confidence of each limit alone, and one less the error of the one-sided test; above 0.5.

    Raises
    ------
    InputError
        As for `event_bliss`.

    Notes
    -----
    The combination has to be shown better than every partner: the p value is the largest, and no
    partner is picked and taken as known. Estimate and limits are as in
    :func:`oncovivo.combination.hsa.hsa`. Degrees of freedom of single agents are 1e6 where the
    test has none. Single agents are left out where one of their limits is open.
    """
    question = pose_event(data, arms, scale=scale, method=method, level=level)
    levels, contrasts = _answered(question, rng=rng, draws=draws, null="hsa")
    tail = 1 - level
    # open limits are infinite, and so is the largest of them
    alone = [contrast.limits(tail) for contrast in contrasts]
    lower = max(contrast.limits(tail / len(contrasts))[0] for contrast in contrasts)
    upper = max(high for _, high in alone)
    p_values = [contrast.less for contrast in contrasts if contrast.less is not None]
    p_value = max(p_values) if len(p_values) == len(contrasts) else None
    estimates = [contrast.estimate for contrast in contrasts if contrast.estimate is not None]
    better = int(np.argmax(estimates)) if len(estimates) == len(contrasts) else None
    chosen = None if better is None else contrasts[better]
    verdict: Verdict = "not_shown"
    if p_value is not None and p_value <= tail + _ROUNDING:
        verdict = "synergy"
    elif lower > 0:
        verdict = "antagonism"
    found = [contrast.detectable(level) for contrast in contrasts]
    smallest = [difference for difference in found if difference is not None]
    estimate = None if chosen is None else chosen.estimate
    partners = None if levels is None else levels[1:-1]
    better_level = (
        None
        if partners is None
        else float(partners.min() if scale == "hazard" else partners.max())
    )
    return SynergyResult(
        null="hsa",
        scale=scale,
        arms=question.arms,
        day=None,
        time=None,
        estimate=estimate,
        std_error=None if chosen is None else chosen.std_error,
        df=None if chosen is None else chosen.df,
        lower=_finite(lower),
        upper=_finite(upper),
        level=level,
        alternative="less",
        p_value=p_value,
        index=_index(estimate),
        index_lower=_index(_finite(lower)),
        index_upper=_index(_finite(upper)),
        detectable_index=(index_of(-max(smallest)) if len(smallest) == len(contrasts) else None),
        verdict=verdict,
        df_method=contrasts[0].method,
        singular=False,
        versus=None if better is None else question.arms.partners[better],
        single_agents=_single_agents(question, contrasts, alone),
        observed=_level(levels, -1),
        foreseen=_of_log(better_level),
        # Two partners share what is said of the combination.
        reason="; ".join(
            dict.fromkeys(part for c in contrasts for part in c.reason.split("; ") if part)
        ),
        warnings=question.warnings,
    )


def compare_event_nulls(
    data: SurvivalData,
    arms: CombinationArms,
    *,
    level: float = 0.95,
    rng: np.random.Generator | None = None,
    draws: int | None = None,
) -> tuple[SynergyResult, ...]:
    """The whole combination, then each pair, against both null models on both scales.

    Parameters
    ----------
    data : SurvivalData
        Times to an event.
    arms : CombinationArms
        Roles.
    level : float
        Confidence, each result alone; above 0.5.
    rng : numpy.random.Generator, optional
        Source of randomness, needed by the default methods.
    draws : int, optional
        Relabelings and resamples, where others than the default are wanted.

    Raises
    ------
    InputError
        As for `event_bliss`.
    """
    scales: tuple[EventScale, ...] = ("hazard", "median_survival")
    return tuple(
        test(data, question, scale=scale, level=level, rng=rng, draws=draws)
        for question in arms.questions
        for test in (event_bliss, event_hsa)
        for scale in scales
    )


def _answered(
    question: EventQuestion, *, rng: np.random.Generator | None, draws: int | None, null: Null
) -> tuple[FloatArray | None, tuple[Contrast, ...]]:
    """Logs of the roles' levels, infinite where unknown, and what the null model asks."""
    count = question.n_partners
    whole = null == "bliss"
    if question.method == "kaplan_meier":
        medians = resample_medians(question, draws=RESAMPLES if draws is None else draws, rng=rng)
        signs = [-sign for sign in bliss_signs(count)]
        asked = [signs] if whole else [_less_partner(count, i) for i in range(count)]
        contrasts = tuple(median_contrast(question, medians, row) for row in asked)
        with np.errstate(divide="ignore"):
            return np.log(medians.value), contrasts
    designs = [bliss_design(count)] if whole else [partner_design(count, i) for i in range(count)]
    if question.scale == "median_survival":
        values = accelerated_medians(question)
        tail = (1 - question.level) / (2 if whole else 1)
        contrasts = tuple(
            accelerated_contrast(question, design, expected_tail=tail) for design in designs
        )
        return (None if values is None else np.log(values)), contrasts
    n_draws = DRAWS if draws is None else draws
    if whole:
        contrasts = (bliss_hazard(question, draws=n_draws, rng=rng),)
    else:
        # in the order of the study's arms, so that partners can be named in any order
        by_place = sorted(range(count), key=lambda i: question.order.index(1 + i))
        made = {
            i: partner_hazard(question, designs[i], partner=i, draws=n_draws, rng=rng)
            for i in by_place
        }
        contrasts = tuple(made[i] for i in range(count))
    return hazard_levels(question), contrasts


def _less_partner(count: int, partner: int) -> list[float]:
    """Weights of the roles' log medians: a partner's less the combination's."""
    row = [0.0] * (count + 2)
    row[1 + partner], row[-1] = 1.0, -1.0
    return row


def _single_agents(
    question: EventQuestion,
    contrasts: Sequence[Contrast],
    alone: Sequence[tuple[float, float]],
) -> tuple[SingleAgent, ...]:
    """Each partner's comparison; none where a number is missing."""
    agents = []
    for arm, contrast, (lower, upper) in zip(
        question.arms.partners, contrasts, alone, strict=True
    ):
        if contrast.estimate is None or contrast.less is None:
            return ()
        agents.append(
            SingleAgent(
                arm=arm,
                estimate=contrast.estimate,
                std_error=contrast.std_error,
                df=contrast.df,
                p_value=contrast.less,
                lower=lower if math.isfinite(lower) else None,
                upper=upper if math.isfinite(upper) else None,
            )
        )
    return tuple(agents)


def _level(levels: FloatArray | None, role: int) -> float | None:
    """A role's hazard ratio or median."""
    return None if levels is None else _of_log(float(levels[role]))


def _foreseen(
    levels: FloatArray | None,
    weights: FloatArray,
) -> float | None:
    """What is foreseen from the levels of control and partners, if these are known."""
    if levels is None or not np.isfinite(levels[:-1]).all():
        return None
    return _of_log(float(weights[:-1] @ levels[:-1]))


def _of_log(value: float | None) -> float | None:
    """A number from its log; None where it is not known or beyond all numbers."""
    return None if value is None or not math.isfinite(value) else index_of(value)


def _index(log_index: float | None) -> float | None:
    return None if log_index is None else index_of(log_index)


def _finite(value: float) -> float | None:
    """A limit; None where it is open."""
    return value if math.isfinite(value) else None
