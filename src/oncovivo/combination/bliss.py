"""Bliss independence: each partner multiplies the size by its own factor, alone or together.

On the rate, β_AB = β_A + β_B - β_C; with three partners β_ABZ = β_A + β_B + β_Z - 2 β_C. That is
the interaction of a factorial design on log growth, see :mod:`oncovivo.combination.factorial`.

References
----------
Bliss CI. Ann Appl Biol 1939;26:585. Demidenko E, Miller TW. PLoS One 2019;14:e0224137 (tumor
growth).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from oncovivo.combination.answers import in_units, not_estimable, two_sided
from oncovivo.combination.quantities import arm_quantities, pose
from oncovivo.combination.result import Scale, SynergyResult
from oncovivo.combination.roles import CombinationArms
from oncovivo.growth.fit import GrowthFit

__all__ = ["bliss", "bliss_signs"]


def bliss_signs(n_partners: int) -> list[float]:
    """Weights of control, partners and combination in observed less foreseen.

    Parameters
    ----------
    n_partners : int
        Two or three.

    Examples
    --------
    >>> bliss_signs(2), bliss_signs(3)
    ([1.0, -1.0, -1.0, 1.0], [2.0, -1.0, -1.0, -1.0, 1.0])
    """
    return [n_partners - 1.0, *[-1.0] * n_partners, 1.0]


def bliss(
    fit: GrowthFit,
    arms: CombinationArms,
    *,
    scale: Scale = "growth_rate",
    day: float | None = None,
    level: float = 0.95,
) -> SynergyResult:
    """Test a combination against Bliss independence, two-sided.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    arms : CombinationArms
        Roles.
    scale : {"growth_rate", "relative_volume", "tgi", "auc"}
        The first three are one question; ``tgi`` tells what was observed and foreseen as
        inhibition of the model, and ``auc`` holds the areas under the relative size up to the day
        against each other.
    day : float, optional
        Study day of the index; else the last on which each of the arms was read.
    level : float
        Confidence.

    Raises
    ------
    InputError
        If an arm is not in the fit, the day is not after the baseline, or scale or level is none.

    Examples
    --------
    >>> from oncovivo.growth.data import growth_data_from_arrays
    >>> from oncovivo.growth.fit import fit_growth
    >>> rates = {"C": 0.10, "A": 0.08, "B": 0.07, "AB": 0.01}
    >>> day = np.array([0.0, 5.0, 10.0, 15.0])
    >>> wobble = np.array([[0.1, -0.1, -0.1, 0.1], [-0.1, 0.1, 0.1, -0.1], [0.0, 0.1, -0.1, 0.0]])
    >>> data = growth_data_from_arrays(
    ...     arm=np.repeat(list(rates), 12).tolist(),
    ...     animal_id=[f"m{i // 4}" for i in range(48)],
    ...     time=np.tile(day, 12),
    ...     log_size=5 + (np.repeat([*rates.values()], 12) * np.tile(day, 12))
    ...     + np.tile(wobble.ravel(), 4),
    ... )
    >>> arms = CombinationArms(control="C", partners=("A", "B"), combination="AB")
    >>> found = bliss(fit_growth(data), arms)
    >>> round(found.estimate, 4), round(found.index, 3), found.verdict
    (-0.04, 0.549, 'synergy')
    >>> inhibition = bliss(fit_growth(data), arms, scale="tgi")
    >>> round(inhibition.observed, 1), round(inhibition.foreseen, 1)
    (74.1, 52.8)
    """
    question = pose(fit, arms, scale=scale, day=day, level=level)
    if question.unbounded:
        return not_estimable(fit, question, "bliss")
    numbers = (question.control, *question.partners, question.combination)
    quantity = arm_quantities(fit, numbers, scale=scale, time=question.time)
    signs = np.array(bliss_signs(len(question.partners)))
    estimate = float(signs @ quantity.value)
    found = two_sided(fit, question, "bliss", estimate=estimate, slopes=signs @ quantity.slopes)
    control, observed = float(quantity.value[0]), float(quantity.value[-1])
    return replace(
        found,
        observed=in_units(question, observed, control=control),
        foreseen=in_units(question, observed - estimate, control=control),
    )
