"""Every null model on every scale that it has, from one fit."""

from __future__ import annotations

from oncovivo.combination.bliss import bliss
from oncovivo.combination.hsa import hsa
from oncovivo.combination.response_additivity import response_additivity
from oncovivo.combination.result import SynergyResult
from oncovivo.combination.roles import CombinationArms
from oncovivo.growth.fit import GrowthFit

__all__ = ["compare_nulls"]


def compare_nulls(
    fit: GrowthFit, arms: CombinationArms, *, day: float | None = None, level: float = 0.95
) -> tuple[SynergyResult, ...]:
    """The whole combination, then each pair, against every null model on every scale.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    arms : CombinationArms
        Roles.
    day : float, optional
        Study day of the indices; else, for each question, the last on which each arm was read.
    level : float
        Confidence, each result alone.

    Raises
    ------
    InputError
        If an arm is not in the fit, the day is not after the baseline, or the level is none.

    Notes
    -----
    The nulls are different questions, and differ in what they call synergy on the same data.
    Choose one before the data are seen; the others show how far the answer hangs on the choice.
    """
    results: list[SynergyResult] = []
    for question in arms.questions:
        for test in (bliss, hsa):
            results.append(test(fit, question, scale="growth_rate", day=day, level=level))
            results.append(test(fit, question, scale="relative_volume", day=day, level=level))
            results.append(test(fit, question, scale="auc", day=day, level=level))
        results.append(
            response_additivity(fit, question, scale="relative_volume", day=day, level=level)
        )
        results.append(response_additivity(fit, question, scale="auc", day=day, level=level))
    return tuple(results)
