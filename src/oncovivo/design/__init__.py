"""Designing the next study: who gets what, how many animals, when, how much, and when to stop.

Pure functions on frozen values; files are read at the edge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.lazy import import_when_used

if TYPE_CHECKING:
    from oncovivo.design.allocation import (
        AllocationRecord,
        Placement,
        allocate,
        draw_allocations,
        repeat,
    )
    from oncovivo.design.allocation_input import read_allocation_design, read_animals
    from oncovivo.design.allocation_plan import (
        AllocationDesign,
        ArmPlan,
        BaselineAnimal,
        arm_counts,
    )
    from oncovivo.design.cage_advice import CageAdvice, advise_on_cages
    from oncovivo.design.rerandomization import RerandomizationTest, rerandomization_test

__all__ = [
    "AllocationDesign",
    "AllocationRecord",
    "ArmPlan",
    "BaselineAnimal",
    "CageAdvice",
    "Placement",
    "RerandomizationTest",
    "advise_on_cages",
    "allocate",
    "arm_counts",
    "draw_allocations",
    "read_allocation_design",
    "read_animals",
    "repeat",
    "rerandomization_test",
]

import_when_used(__name__)
