"""Readings of simulated studies: sizes, which are there, and which are below the limit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.design.power_plan import PowerPlan

__all__ = ["PowerReadings", "draw_numbers", "power_readings"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PowerReadings:
    """Readings of B studies of n animals on t days.

    Parameters
    ----------
    log_size : ndarray, shape (B, n, t)
        Natural log of the volume; of the limit where it is below it.
    read : ndarray of bool, shape (B, n, t)
        Whether the animal was still there.
    below : ndarray of bool, shape (B, n, t)
        Whether only the limit is known.
    """

    log_size: FloatArray
    read: BoolArray
    below: BoolArray

    def take(self, studies: BoolArray) -> PowerReadings:
        """Some of the studies."""
        return PowerReadings(
            log_size=self.log_size[studies], read=self.read[studies], below=self.below[studies]
        )


def draw_numbers(plan: PowerPlan, count: int, *, rng: np.random.Generator) -> FloatArray:
    """Normal numbers of some studies, shape (count, numbers), study after study."""
    animals = int(plan.sizes.sum())
    cages = 0 if plan.cages is None else int(plan.cage_of.max()) + 1
    return rng.standard_normal((count, animals * (2 + len(plan.days)) + 2 * cages))


def power_readings(plan: PowerPlan, drawn: FloatArray) -> PowerReadings:
    """Readings that a plan makes of normal numbers.

    Parameters
    ----------
    plan : PowerPlan
        The assumptions.
    drawn : ndarray, shape (B, numbers)
        From :func:`draw_numbers`.
    """
    days = np.array(plan.days)
    animals = int(plan.sizes.sum())
    width = 2 + days.size
    own = drawn[:, : animals * width].reshape(-1, animals, width)
    rates = plan.rates[plan.arm_of] + plan.rate_sd * own[:, :, 0]
    start = math.log(plan.start) + plan.start_sd * own[:, :, 1]
    if plan.cages is not None:
        cages = drawn[:, animals * width :].reshape(len(drawn), -1, 2)[:, plan.cage_of]
        rates += plan.cages.rate_sd * cages[:, :, 0]
        start += plan.cages.start_sd * cages[:, :, 1]
    size = start[..., None] + rates[..., None] * days + plan.reading_sd * own[:, :, 2:]
    read = np.ones(size.shape, dtype=bool)
    if plan.size_limit is not None:
        over = size >= math.log(plan.size_limit)
        read = np.cumsum(over, axis=2) - over < 1
    if plan.limit is None:
        return PowerReadings(log_size=size, read=read, below=np.zeros(size.shape, dtype=bool))
    bottom = math.log(plan.limit)
    below = (size < bottom) & read
    return PowerReadings(log_size=np.maximum(size, bottom), read=read, below=below)
