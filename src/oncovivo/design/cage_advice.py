"""Which the experimental unit is: what cages mean for an allocation and its analysis.

Notes
-----
Animals of a cage resemble each other; an analysis that ignores it finds too much, also where
animals are randomized one by one (Landes RD. How cage effects can hurt statistical analyses of
completely randomized designs. Lab Anim 2024, doi:10.1177/00236772241276785).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from oncovivo.design.allocation import AllocationRecord

__all__ = ["CageAdvice", "ExperimentalUnit", "advise_on_cages"]

ExperimentalUnit: TypeAlias = Literal["animal", "cage", "not_known"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CageAdvice:
    """What the cages mean.

    Parameters
    ----------
    unit : {"animal", "cage", "not_known"}
        What was allocated independently, and so counts as n.
    n_units : int or None
        How many there are.
    n_cages : int
        Cages of allocated animals.
    n_shared : int
        Cages with animals of more than one arm.
    advice : tuple of str
        Sentences.
    """

    unit: ExperimentalUnit
    n_units: int | None
    n_cages: int
    n_shared: int
    advice: tuple[str, ...]


def advise_on_cages(record: AllocationRecord) -> CageAdvice:
    """What the cages of an allocation mean for its analysis.

    Parameters
    ----------
    record : AllocationRecord
        The allocation.
    """
    arms_of: dict[str, set[str]] = {}
    for place in record.placements:
        if place.cage:
            arms_of.setdefault(place.cage, set()).add(place.arm)
    n_cages, n = len(arms_of), len(record.placements)
    shared = sum(len(arms) > 1 for arms in arms_of.values())
    n_known = sum(bool(place.cage) for place in record.placements)
    unit: ExperimentalUnit
    if record.design.by_cage:
        unit, n_units = "cage", n_cages
        advice = [
            f"Whole cages were allocated: the experimental unit is the cage, n is {n_cages} cages "
            f"and not {n} animals.",
            "Keep the cage in the analysis as a random effect, or use robust errors by cage.",
        ]
    elif n_known < n:
        unit, n_units = "not_known", None
        advice = [
            f"The cage of {n - n_known} of {n} animals is not stated: whether animals of one "
            "cage share an arm cannot be told. State the cages."
        ]
    elif n_cages == n:
        unit, n_units = "animal", n
        advice = ["Every animal has a cage of its own: the experimental unit is the animal."]
    elif shared == 0:
        unit, n_units = "cage", n_cages
        advice = [
            "Every cage holds one arm only: treatment and cage go together, and the cage is the "
            "experimental unit although animals were drawn. Allocate within cages (strata = "
            '["cage"]) or whole cages (method = "cage").'
        ]
    else:
        unit, n_units = "animal", n
        advice = [
            f"Animals were allocated one by one and {shared} of {n_cages} cages hold several "
            "arms: the experimental unit is the animal, provided that a treatment reaches one "
            "animal alone; with treatment by food or water, or where it can pass to cage mates, "
            "allocate whole cages.",
            "Keep the cage in the analysis as a random effect: cage mates resemble each other.",
        ]
    return CageAdvice(
        unit=unit, n_units=n_units, n_cages=n_cages, n_shared=shared, advice=tuple(advice)
    )
