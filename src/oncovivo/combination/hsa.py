"""Highest single agent: the combination must grow less than every partner alone.

That it does is claimed where it is shown against each partner: an intersection-union test, whose
p value is the largest of the one-sided ones. The better partner is not picked and then taken as
known. The estimate is against the partner that looks better; its limits count the doubt about
which one is.

References
----------
Berger RL. Technometrics 1982;24:295 (intersection-union tests). Laska EM, Meisner MJ. Biometrics
1989;45:1139 (the min test for combinations).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import special

from oncovivo.combination.answers import NO_ERROR, in_units, index_of, not_estimable
from oncovivo.combination.detectable import detectable_difference
from oncovivo.combination.quantities import arm_quantities, pose
from oncovivo.combination.result import Scale, SingleAgent, SynergyResult, Verdict
from oncovivo.combination.roles import CombinationArms
from oncovivo.growth.fit import GrowthFit

__all__ = ["hsa"]


def hsa(
    fit: GrowthFit,
    arms: CombinationArms,
    *,
    scale: Scale = "growth_rate",
    day: float | None = None,
    level: float = 0.95,
) -> SynergyResult:
    """Test a combination against its highest single agent, one-sided.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    arms : CombinationArms
        Roles.
    scale : {"growth_rate", "relative_volume", "tgi", "auc"}
        What is compared; with straight log curves the first three are one question.
    day : float, optional
        Study day of the index; else the last on which each of the arms was read.
    level : float
        Confidence of each limit alone, and one less the error of the one-sided test.

    Raises
    ------
    InputError
        If an arm is not in the fit, the day is not after the baseline, or scale or level is none.

    Notes
    -----
    The true difference from the better of k partners is the largest of the k differences. Its
    upper limit is the largest of their upper limits, and excludes 0 just when the test does. Its
    lower limit is the largest of their lower limits at error (1 - level) / k each. Standard error
    and degrees of freedom are those of the difference from `versus` alone. The detectable index
    is that against a single partner, for the largest standard error, at two-sided 1 - level.
    Where the partners are equally good the test is conservative: it has to be right twice.
    """
    question = pose(fit, arms, scale=scale, day=day, level=level)
    bare = not_estimable(fit, question, "hsa")
    if question.unbounded:
        return bare
    numbers = (question.control, *question.partners, question.combination)
    quantity = arm_quantities(fit, numbers, scale=scale, time=question.time)
    differences = quantity.value[-1] - quantity.value[1:-1]
    found = fit.contrasts(quantity.slopes[-1] - quantity.slopes[1:-1], level=level)
    error, df = found.std_error, found.df
    better = int(np.argmax(differences))
    factor = question.index_time
    estimate = float(differences[better])
    control, observed = float(quantity.value[0]), float(quantity.value[-1])
    bare = replace(
        bare,
        estimate=estimate,
        index=index_of(factor * estimate),
        versus=arms.partners[better],
        observed=in_units(question, observed, control=control),
        foreseen=in_units(question, observed - estimate, control=control),
    )
    if not (error > 0).all():
        return replace(bare, reason=NO_ERROR)
    p_values = special.stdtr(df, differences / error)
    reach = special.stdtrit(df, level) * error
    shared = special.stdtrit(df, 1 - (1 - level) / df.size) * error
    p_value = float(p_values.max())
    lower, upper = float((differences - shared).max()), float((differences + reach).max())
    verdict: Verdict = "not_shown"
    if p_value < 1 - level:
        verdict = "synergy"
    elif lower > 0:
        verdict = "antagonism"
    smallest = max(
        detectable_difference(float(e), float(d), level=level)
        for e, d in zip(error, df, strict=True)
    )
    return replace(
        bare,
        std_error=float(error[better]),
        df=float(df[better]),
        lower=lower,
        upper=upper,
        p_value=p_value,
        index_lower=index_of(factor * lower),
        index_upper=index_of(factor * upper),
        detectable_index=index_of(-factor * smallest),
        verdict=verdict,
        df_method=found.method,
        single_agents=tuple(
            SingleAgent(
                arm=arm,
                estimate=float(differences[row]),
                std_error=float(error[row]),
                df=float(df[row]),
                p_value=float(p_values[row]),
                lower=float(differences[row] - reach[row]),
                upper=float(differences[row] + reach[row]),
            )
            for row, arm in enumerate(arms.partners)
        ),
        reason="",
    )
