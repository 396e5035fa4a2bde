"""Simulated studies whose animals follow a growth law."""

from __future__ import annotations

import numpy as np

from oncovivo.growth.data import GrowthData, growth_data_from_arrays
from oncovivo.growth.structural import StructuralModel

__all__ = ["law_study"]


def law_study(
    law: StructuralModel,
    values: dict[str, list[float]],
    *,
    animals: int = 6,
    days: tuple[float, ...] = tuple(range(0, 25, 3)),
    spread: dict[str, float] | None = None,
    noise: float = 0.15,
    limit: float | None = None,
    seed: int = 1,
) -> GrowthData:
    """A study with parameters by arm, normal random effects and normal noise."""
    rng = np.random.default_rng(seed)
    time = np.array(days)
    sd = np.array([(spread or {}).get(parameter.name, 0.0) for parameter in law.parameters])
    arm: list[str] = []
    who: list[str] = []
    size = []
    for name, point in values.items():
        phi = np.array(point) + sd * rng.normal(size=(animals, len(point)))
        curve = law.predict(phi, time) + noise * rng.normal(size=(animals, time.size))
        size.append(curve.ravel())
        arm += [name] * (animals * time.size)
        who += [f"{name}{number}" for number in range(animals) for _ in time]
    log_size = np.concatenate(size)
    floor = -np.inf if limit is None else np.log(limit)
    return growth_data_from_arrays(
        arm=arm,
        animal_id=who,
        time=np.tile(time, animals * len(values)),
        log_size=np.maximum(log_size, floor),
        below_limit=log_size < floor,
        limit=limit,
    )
