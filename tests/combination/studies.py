"""Made-up combination studies whose fitted rates are known exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from oncovivo.combination import CombinationArms
from oncovivo.growth.data import GrowthData, growth_data_from_arrays

DAYS: Final = np.array([0.0, 5.0, 10.0, 15.0, 20.0])
TWO: Final = CombinationArms(control="C", partners=("A", "B"), combination="AB")


def exact_growth(
    rates: Mapping[str, float], *, animals: int = 6, spread: float = 0.01, noise: float = 0.1
) -> GrowthData:
    """Balanced growth whose deviations cancel in each arm, so that a fit has just these rates."""
    rng = np.random.default_rng(7)
    line = np.column_stack((np.ones(DAYS.size), DAYS))
    deviations = rng.standard_normal((animals, 2)) * [0.2, spread]
    deviations -= deviations.mean(axis=0)
    scatter = noise * rng.standard_normal((animals, DAYS.size))
    scatter -= scatter.mean(axis=0)
    curves = {
        name: 5.0 + rate * DAYS + deviations @ line.T + scatter for name, rate in rates.items()
    }
    return growth_data_from_arrays(
        arm=np.repeat(list(rates), animals * DAYS.size).tolist(),
        animal_id=[f"{name} {i}" for name in rates for i in range(animals) for _ in DAYS],
        time=np.tile(DAYS, animals * len(rates)),
        log_size=np.concatenate([curve.ravel() for curve in curves.values()]),
    )
