"""What a power plan assumes, in the unit of its question."""

from __future__ import annotations

import math

from oncovivo.design.power_plan import PowerPlan
from oncovivo.design.power_visits import log_rank_drift, response_share

__all__ = ["assumed_answers"]


def assumed_answers(plan: PowerPlan) -> tuple[float | None, ...]:
    """The answer of each question.

    Parameters
    ----------
    plan : PowerPlan
        The assumptions; cages are not looked at for events and responses.

    Returns
    -------
    tuple of float or None
        Difference of rates; inhibition, percent; index of observed over foreseen size; hazard
        ratio by Peto's one step; difference of the shares of responders. None where nothing above
        zero is foreseen.

    Examples
    --------
    >>> from oncovivo.design.power_plan import PowerArm
    >>> arms = (PowerArm(name="a", animals=8, rate=0.1), PowerArm(name="b", animals=8, rate=0.05))
    >>> plan = PowerPlan(
    ...     arms=arms, days=(0, 7, 14), question="tgi", start_sd=0.3, rate_sd=0, reading_sd=0.1
    ... )
    >>> [round(answer, 1) for answer in assumed_answers(plan)]
    [50.3]
    """
    others = range(1, len(plan.arms))
    if plan.question == "event":
        return tuple(log_rank_drift(plan, place).hazard_ratio for place in others)
    if plan.question == "response":
        control = response_share(plan, 0)
        return tuple(response_share(plan, place) - control for place in others)
    if plan.question == "additivity":
        if not plan.has_null:
            return (None,)
        control, *_, both = (plan.rates * plan.index_day).tolist()
        return (math.exp(both - control) / plan.foreseen_share,)
    answers = plan.rate_answers.tolist()
    if plan.question == "tgi":
        return tuple(-100 * math.expm1(plan.index_day * answer) for answer in answers)
    return tuple(answers)
