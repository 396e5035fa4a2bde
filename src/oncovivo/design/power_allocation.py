"""Power of equal arms and of a larger control, with the same number of animals.

Where k arms are compared with one control, the differences' variances are smallest in sum with √k
times as many control animals as in each other arm (Dunnett CW. J Am Stat Assoc 1955;50:1096).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from oncovivo.design.power_closed_form import power_closed_form
from oncovivo.design.power_plan import FACTORIAL, PowerPlan

__all__ = ["AllocationPower", "compare_allocations"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationPower:
    """Power of one way to place the animals, in closed form.

    Parameters
    ----------
    allocation : {"equal", "sqrt_k"}
        Which.
    animals : tuple of int
        In each arm, the control first.
    power : tuple of float
        Of each question.
    """

    allocation: Literal["equal", "sqrt_k"]
    animals: tuple[int, ...]
    power: tuple[float, ...]


def compare_allocations(plan: PowerPlan) -> tuple[AllocationPower, ...]:
    """Both ways to place the plan's animals.

    Parameters
    ----------
    plan : PowerPlan
        Where one control is compared with two arms or more, without cages.

    Returns
    -------
    tuple of AllocationPower
        Equal arms, animals that are left over in the control, then the larger control; empty
        where the plan's question has no such choice, or too few animals for it.

    Examples
    --------
    >>> from oncovivo.design.power_plan import PowerArm
    >>> arms = [PowerArm(name=n, animals=8, rate=r) for n, r in zip("abcd", (0.1, 0.08, 0.07, 0))]
    >>> plan = PowerPlan(
    ...     arms=tuple(arms), days=(0, 7, 14), start_sd=0.3, rate_sd=0.02, reading_sd=0.1
    ... )
    >>> [one.animals for one in compare_allocations(plan)]
    [(8, 8, 8, 8), (11, 7, 7, 7)]
    """
    others = len(plan.arms) - 1
    if plan.question in FACTORIAL or plan.cages is not None or others < 2:
        return ()
    total = int(plan.sizes.sum())
    equal, treated = total // (others + 1), round(total / (others + math.sqrt(others)))
    if min(equal, treated) < 2:
        return ()
    found = []
    names: tuple[tuple[Literal["equal", "sqrt_k"], int], ...] = (
        ("equal", equal),
        ("sqrt_k", treated),
    )
    for name, number in names:
        animals = (total - others * number, *(number for _ in range(others)))
        arms = tuple(
            replace(arm, animals=own) for arm, own in zip(plan.arms, animals, strict=True)
        )
        own_plan = replace(plan, allocation="as_given", arms=arms)
        power = tuple(one.power for one in power_closed_form(own_plan))
        found.append(AllocationPower(allocation=name, animals=animals, power=power))
    return tuple(found)
