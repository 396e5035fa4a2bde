"""Readings for tests of whole fits: from real files as the references read them, and made up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.data import GrowthData, growth_data_from_arrays
from tests.growth.problems import read_sizes

FloatArray: TypeAlias = NDArray[np.float64]


def read_growth(path: Path) -> GrowthData:
    """All positive sizes of a file, days from the first of the file."""
    rows = read_sizes(path)
    day = np.array([float(row["day"]) for row in rows])
    return growth_data_from_arrays(
        arm=[row["treatment"] for row in rows],
        animal_id=[row["animal_id"] for row in rows],
        time=day - day.min(),
        log_size=np.log([float(row["size"]) for row in rows]),
        name=path.stem,
    )


def made_up_growth(
    rates: dict[str, float],
    *,
    animals: int = 6,
    days: tuple[float, ...] = (0.0, 3.0, 7.0, 10.0, 14.0, 17.0, 21.0),
    sd_slope: float = 0.02,
    sd_intercept: float = 0.3,
    sd_residual: float = 0.15,
    seed: int = 1,
) -> GrowthData:
    """Exponential growth from 150 mm³ with the spread between and within animals."""
    rng = np.random.default_rng(seed)
    time = np.array(days)
    arm: list[str] = []
    who: list[str] = []
    sizes: list[FloatArray] = []
    for name, rate in rates.items():
        for number in range(animals):
            start = np.log(150.0) + sd_intercept * rng.standard_normal()
            own = rate + sd_slope * rng.standard_normal()
            sizes.append(start + own * time + sd_residual * rng.standard_normal(time.size))
            arm += [name] * time.size
            who += [f"{name} {number}"] * time.size
    return growth_data_from_arrays(
        arm=arm,
        animal_id=who,
        time=np.tile(time, len(sizes)),
        log_size=np.concatenate(sizes),
    )


def with_limit(data: GrowthData, limit: float) -> GrowthData:
    """The same readings where sizes below a limit in mm³ cannot be measured."""
    below = data.log_size < np.log(limit)
    return replace(
        data,
        below_limit=below,
        log_size=np.maximum(data.log_size, np.log(limit)),
        limit=limit,
    )
